/*
 * The cards before the EGA: IBM's CGA ("ntsc": with a composite monitor) and
 * the Hercules, by their 6845.  They have no BIOS of their own.
 */
#include "tests/machine/screens/screens.h"

#define CGA 0x3d0
#define HGC 0x3b0

static const uint8_t crt_80[14] = {0x71, 80, 0x5a, 0x0a, 0x1f, 6, 25,
                                   0x1c, 2,  7,    6,    7,    0, 0};
static const uint8_t crt_40[14] = {0x38, 40, 0x2d, 0x0a, 0x1f, 6, 25,
                                   0x1c, 2,  7,    6,    7,    0, 0};
static const uint8_t crt_cga[14] = {0x38, 40, 0x2d, 0x0a, 0x7f, 6, 100,
                                    0x70, 2,  1,    6,    7,    0, 0};
static const uint8_t crt_mda[14] = {0x61, 80, 0x52, 0x0f, 0x19, 6, 25,
                                    0x19, 2,  13,   11,   12,   0, 0};
static const uint8_t crt_hgc[14] = {0x35, 45, 0x2d, 0x07, 0x5b, 2, 87,
                                    0x57, 2,  3,    0,    0,    0, 0};

static uint8_t *page;

static void crt(unsigned port, const uint8_t *values)
{
    for (unsigned i = 0; i < 14; i++)
        set(port + 4, i, values[i]);
    set(port + 4, 14, 0x3f);
    set(port + 4, 15, 0xff);
}

static void cursor(unsigned port, unsigned at, unsigned first)
{
    set(port + 4, 10, first);
    set(port + 4, 14, at >> 8);
    set(port + 4, 15, at & 0xff);
}

static void cga(unsigned mode, unsigned colour, const uint8_t *values)
{
    outb(CGA + 8, 0);
    crt(CGA, values);
    outb(CGA + 9, colour);
    memset(B8000, 0, 0x4000);
    outb(CGA + 8, mode | 8);
}

static void cga_80(void)
{
    cga(1, 0, crt_80);
    text_card(&(struct text){80, 25, B8000});
}

static void cga_40(void)
{
    cga(0, 0, crt_40);
    text_card(&(struct text){40, 25, B8000});
}

static void cga_blink(void)
{
    cga(0x21, 0, crt_80);
    text_card(&(struct text){80, 25, B8000});
    cursor(CGA, 85, 6);
}

static void cga_scroll(void)
{
    cga(1, 0, crt_80);
    text_card(&(struct text){80, 50, B8000});
    set(CGA + 4, 12, 0);
    set(CGA + 4, 13, 240);
}

static void cga_320(unsigned mode, unsigned colour)
{
    struct canvas c = {320, 200, 4, put_cga4};

    cga(2 | mode, colour, crt_cga);
    card(&c);
}

static void cga_palette_0(void)
{
    cga_320(0, 0x01);
}

static void cga_palette_1(void)
{
    cga_320(0, 0x30);
}

static void cga_palette_2(void)
{
    cga_320(4, 0x10);
}

static void cga_640(void)
{
    struct canvas c = {640, 200, 2, put_cga2};

    cga(0x12, 0x0f, crt_cga);
    card(&c);
}

/* While the beam is on its way: the colours of each line. */
static void cga_lines(void)
{
    wait_retrace();
    for (unsigned y = 0; y < 199; y++) {
        wait_line();
        outb(CGA + 9, (y + 1) / 4 % 64);
    }
    wait_line();
    outb(CGA + 9, 0);
}

/* From line 100 on, dots half as wide; and the start address that the next
 * frame has. */
static void cga_modes(void)
{
    wait_retrace();
    set(CGA + 4, 13, 0);
    for (unsigned y = 0; y < 50; y++)
        wait_line();
    set(CGA + 4, 13, 80);
    for (unsigned y = 50; y < 100; y++)
        wait_line();
    outb(CGA + 9, 0x0e);
    outb(CGA + 8, 0x1a);
    for (unsigned y = 100; y < 200; y++)
        wait_line();
    outb(CGA + 9, 0x30);
    outb(CGA + 8, 0x0a);
}

/* Each of 16 patterns of four dots, in each of 16 colours. */
static void cga_patterns(void)
{
    cga(0x12, 0x0f, crt_cga);
    for (unsigned y = 0; y < 200; y++)
        for (unsigned x = 0; x < 80; x++)
            ((uint8_t *)B8000)[(y & 1) * 0x2000 + y / 2 * 80 + x] =
                (uint8_t)(x / 5 * 0x11);
}

static void cga_pattern_lines(void)
{
    wait_retrace();
    outb(CGA + 9, 15);
    for (unsigned y = 0; y < 199; y++) {
        wait_line();
        outb(CGA + 9, 15 - (y + 1) / 12 % 16);
    }
}

static void cga_80_grey(void)
{
    cga(5, 0, crt_80);
    text_card(&(struct text){80, 25, B8000});
}

static void hgc(unsigned mode, const uint8_t *values)
{
    outb(HGC + 15, 3);
    outb(HGC + 8, 0);
    crt(HGC, values);
    memset((void *)0xb0000, 0, 0x10000);
    outb(HGC + 8, mode | 8);
}

static void hgc_frame(void)
{
    while (!(inb(HGC + 10) & 0x80))
        ;
    while (inb(HGC + 10) & 0x80)
        ;
}

static void hgc_text(void)
{
    hgc(0, crt_mda);
    text_card(&(struct text){80, 25, (uint16_t *)0xb0000});
}

static void hgc_blink(void)
{
    hgc(0x20, crt_mda);
    text_card(&(struct text){80, 25, (uint16_t *)0xb0000});
    cursor(HGC, 85, 11);
}

static void put_hgc(unsigned x, unsigned y, unsigned colour)
{
    uint8_t *p = page + (y & 3) * 0x2000 + y / 4 * 90 + x / 8;
    unsigned bit = 0x80u >> (x & 7);

    *p = (uint8_t)((*p & ~bit) | (colour ? bit : 0));
}

static void hgc_pages(void)
{
    struct canvas c = {720, 348, 2, put_hgc};

    hgc(2, crt_hgc);
    page = (uint8_t *)0xb0000;
    card(&c);
    page = (uint8_t *)0xb8000;
    for (unsigned y = 0; y < 348; y++)
        for (unsigned x = 0; x < 720; x++)
            put_hgc(x, y, (x * x / 64 + y * y / 32) & 16);
}

static void hgc_second(void)
{
    hgc_pages();
    outb(HGC + 8, 0x8a);
}

/* Half a frame of each; there are horizontal syncs in the retrace, too. */
static void hgc_halves(void)
{
    hgc_frame();
    outb(HGC + 8, 0x0a);
    for (unsigned y = 0; y < 370 - 348 + 174; y++) {
        while (inb(HGC + 10) & 1)
            ;
        while (!(inb(HGC + 10) & 1))
            ;
    }
    outb(HGC + 8, 0x8a);
}

/* Without 3BFh's leave there are no graphics, and nothing at B8000. */
static void hgc_locked(void)
{
    hgc_text();
    outb(HGC + 15, 0);
    outb(HGC + 8, 0x8a);
    write_text(&(struct text){80, 25, (uint16_t *)0xb0000}, 2, 12,
               *(volatile uint8_t *)0xb8000 == 0xff ? "nothing there" : "wrong",
               0x70);
}

const struct screen card_screens[] = {
    {"cga-80", cga_80, 0},
    {"cga-40", cga_40, 0},
    {"cga-blink", cga_blink, 0},
    {"cga-scroll", cga_scroll, 0},
    {"cga-palette-0", cga_palette_0, 0},
    {"cga-palette-1", cga_palette_1, 0},
    {"cga-palette-2", cga_palette_2, 0},
    {"cga-640", cga_640, 0},
    {"cga-lines", cga_palette_1, cga_lines},
    {"cga-modes", cga_palette_1, cga_modes},
    {"ntsc-40", cga_40, 0},
    {"ntsc-80-grey", cga_80_grey, 0},
    {"ntsc-palette-0", cga_palette_0, 0},
    {"ntsc-palette-1", cga_palette_1, 0},
    {"ntsc-palette-2", cga_palette_2, 0},
    {"ntsc-640", cga_640, 0},
    {"ntsc-patterns", cga_patterns, cga_pattern_lines},
    {"hgc-text", hgc_text, hgc_frame},
    {"hgc-blink", hgc_blink, hgc_frame},
    {"hgc-graphics", hgc_pages, hgc_frame},
    {"hgc-second", hgc_second, hgc_frame},
    {"hgc-halves", hgc_pages, hgc_halves},
    {"hgc-locked", hgc_locked, hgc_frame},
    {0, 0, 0},
};
