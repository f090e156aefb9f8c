/*
 * VBE modes by the BIOS: through the window at A0000 in banks, and linear.
 *
 * VESA BIOS Extension 3.0: functions 01h, 02h, 05h to 09h.  A mode is found by
 * what it says of itself, not by its number.
 */
#include "tests/machine/screens/screens.h"

#define LINEAR 0x4000
#define LIST ((volatile uint16_t *)0x9000) /* the VBE information's place */
#define INFO ((struct mode_info *)0x9200)
#define OK 0x4f

struct mode_info {
    uint16_t attributes;
    uint8_t window[2];
    uint16_t granularity, window_size, segment[2];
    uint32_t function;
    uint16_t pitch, width, height;
    uint8_t cell[2], planes, bpp, banks, model, bank_size, pages, reserved;
    uint8_t red[2], green[2], blue[2], other[2], direct;
    uint32_t linear;
} __attribute__((packed));

static struct {
    unsigned pitch, bytes, bpp, bank;
    uint8_t *linear; /* or NULL: by banks */
} view;

static unsigned vbe(unsigned ax, unsigned bx, unsigned cx, unsigned dx,
                    unsigned di)
{
    struct bios_regs r = {
        .eax = 0x4f00 | ax, .ebx = bx, .ecx = cx, .edx = dx, .edi = di};

    bios_call(0x10, &r);
    return (r.eax & 0xffff) == OK;
}

/* 1024 pixels are at most one number; 0: there is none. */
static unsigned find(unsigned width, unsigned height, unsigned bpp)
{
    for (unsigned n = 0x100; n < 0x200; n++) {
        memset(INFO, 0, sizeof(*INFO));
        if (vbe(1, 0, n, 0, 0x9200) && (INFO->attributes & 1) &&
            INFO->width == width && INFO->height == height && INFO->bpp == bpp)
            return n;
    }
    return 0;
}

static void *pixel(unsigned x, unsigned y)
{
    unsigned at = y * view.pitch + x * view.bytes;

    if (view.linear)
        return view.linear + at;
    if (at >> 16 != view.bank) {
        view.bank = at >> 16;
        vbe(5, 0, 0, view.bank, 0);
    }
    return (uint8_t *)0xa0000 + (at & 0xffff);
}

static void put(unsigned x, unsigned y, unsigned colour)
{
    unsigned r = colour >> 16 & 0xff, g = colour >> 8 & 0xff;
    unsigned b = colour & 0xff;
    uint8_t *p;

    switch (view.bpp) {
    case 8:
        *(uint8_t *)pixel(x, y) = (uint8_t)colour;
        break;
    case 15:
        *(uint16_t *)pixel(x, y) =
            (uint16_t)(r >> 3 << 10 | g >> 3 << 5 | b >> 3);
        break;
    case 16:
        *(uint16_t *)pixel(x, y) =
            (uint16_t)(r >> 3 << 11 | g >> 2 << 5 | b >> 3);
        break;
    case 24: /* a pixel may lie on both sides of a bank's end */
        if (view.linear) {
            p = pixel(x, y);
            p[0] = (uint8_t)b;
            p[1] = (uint8_t)g;
            p[2] = (uint8_t)r;
            break;
        }
        view.bytes = 1;
        *(uint8_t *)pixel(3 * x, y) = (uint8_t)b;
        *(uint8_t *)pixel(3 * x + 1, y) = (uint8_t)g;
        *(uint8_t *)pixel(3 * x + 2, y) = (uint8_t)r;
        view.bytes = 3;
        break;
    default:
        *(uint32_t *)pixel(x, y) = colour & 0xffffff;
    }
}

static unsigned open(unsigned width, unsigned height, unsigned bpp,
                     unsigned linear)
{
    unsigned n = find(width, height, bpp);

    if (!n || !vbe(2, n | linear, 0, 0, 0)) {
        bios_mode(3);
        write_text(&(struct text){80, 25, B8000}, 0, 0, "no such mode", 7);
        return 0;
    }
    view.pitch = INFO->pitch;
    view.bpp = bpp;
    view.bytes = (bpp + 7) / 8;
    view.bank = 0;
    view.linear = linear ? (uint8_t *)(uintptr_t)INFO->linear : (void *)0;
    if (bpp == 8)
        dac_256();
    return 1;
}

static void show(unsigned width, unsigned height, unsigned bpp, unsigned linear)
{
    struct canvas c = {width, height, bpp == 8 ? 256 : 0, put};

    if (open(width, height, bpp, linear))
        card(&c);
}

#define MODE(width, height, bpp)                                               \
    static void banks_##width##x##bpp(void)                                    \
    {                                                                          \
        show(width, height, bpp, 0);                                           \
    }                                                                          \
    static void linear_##width##x##bpp(void)                                   \
    {                                                                          \
        show(width, height, bpp, LINEAR);                                      \
    }
#define SCREENS(width, bpp)                                                    \
    {"banks-" #width "x" #bpp, banks_##width##x##bpp, 0},                      \
    {                                                                          \
        "linear-" #width "x" #bpp, linear_##width##x##bpp, 0                   \
    }

MODE(640, 480, 8)
MODE(640, 480, 15)
MODE(640, 480, 16)
MODE(640, 480, 24)
MODE(640, 480, 32)
MODE(800, 600, 16)
MODE(1024, 768, 8)
MODE(1280, 1024, 24)

static void linear_1920(void)
{
    show(1920, 1080, 16, LINEAR);
}

static void linear_2560(void)
{
    show(2560, 1600, 32, LINEAR);
}

/* 16 colours in four planes. */
static void planes_800(void)
{
    struct canvas c = {800, 600, 16, put_planar};

    if (!vbe(2, 0x102, 0, 0, 0))
        return;
    ega_colours();
    canvas_start = 0;
    canvas_pitch = 100;
    card(&c);
}

/* Lines of 1024 pixels, seen from (200, 100) on. */
static void display_start(void)
{
    struct canvas c = {1024, 600, 0, put};

    if (!open(640, 480, 16, LINEAR))
        return;
    vbe(6, 0, 1024, 0, 0);
    view.pitch = 2048;
    card(&c);
    vbe(7, 0, 200, 100, 0);
}

/* Colours of 8 bits a part. */
static void dac_8(void)
{
    struct canvas c = {640, 480, 256, put};

    if (!open(640, 480, 8, LINEAR))
        return;
    vbe(8, 0x0800, 0, 0, 0);
    for (unsigned i = 0; i < 256; i++)
        set_dac(i, i, 255 - i, (i * 2) & 255);
    card(&c);
}

const struct screen vbe_screens[] = {
    SCREENS(640, 8),
    SCREENS(640, 15),
    SCREENS(640, 16),
    SCREENS(640, 24),
    SCREENS(640, 32),
    SCREENS(800, 16),
    SCREENS(1024, 8),
    SCREENS(1280, 24),
    {"linear-1920x16", linear_1920, 0},
    {"linear-2560x32", linear_2560, 0},
    {"planes-800", planes_800, 0},
    {"display-start", display_start, 0},
    {"dac-8", dac_8, 0},
    {0, 0, 0},
};
