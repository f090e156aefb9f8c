/* Text modes: rows and columns, fonts, attributes, the cursor. */
#include "tests/machine/screens/screens.h"

#define B0000 ((uint16_t *)0xb0000)

static void cell(const struct text *t, unsigned x, unsigned y, unsigned c,
                 unsigned attribute)
{
    t->cells[y * t->columns + x] = (uint16_t)((c & 0xff) | attribute << 8);
}

void write_text(const struct text *t, unsigned x, unsigned y, const char *s,
                unsigned attribute)
{
    for (; *s; s++)
        cell(t, x++, y, (uint8_t)*s, attribute);
}

void hide_cursor(void)
{
    struct bios_regs r = {.eax = 0x0100, .ecx = 0x2000};

    bios_call(0x10, &r);
}

static void frame(const struct text *t)
{
    unsigned right = t->columns - 1, bottom = t->rows - 1;

    for (unsigned x = 1; x < right; x++) {
        cell(t, x, 0, 0xcd, 0x1f);
        cell(t, x, bottom, 0xc4, 0x1f);
    }
    for (unsigned y = 1; y < bottom; y++) {
        cell(t, 0, y, 0xba, 0x1f);
        cell(t, right, y, 0xb3, 0x1f);
    }
    cell(t, 0, 0, 0xc9, 0x1f);
    cell(t, right, 0, 0xb8, 0x1f);
    cell(t, 0, bottom, 0xd3, 0x1f);
    cell(t, right, bottom, 0xd9, 0x1f);
}

static void number(const struct text *t, unsigned x, unsigned y, unsigned n)
{
    cell(t, x, y, '0' + n / 10, 0x0e);
    cell(t, x + 1, y, '0' + n % 10, 0x0e);
}

void text_card(const struct text *t)
{
    unsigned wide = t->columns == 80;

    for (unsigned y = 0; y < t->rows; y++)
        for (unsigned x = 0; x < t->columns; x++)
            cell(t, x, y, ' ', 7);
    frame(t);
    for (unsigned i = 0; i < 256; i++)
        cell(t, 2 + i % 32, 2 + i / 32, i, 7);
    for (unsigned i = 0; i < 256; i++)
        if (wide)
            cell(t, 42 + i % 16, 2 + i / 16, 'A' + i % 16, i);
        else if (i < 160)
            cell(t, 2 + i % 32, 12 + i / 32, 'A' + i % 16, i);
    for (unsigned y = 1; y + 1 < t->rows; y++)
        number(t, t->columns - 4, y, y);
    /* Line graphics reach the next cell where it is of nine dots. */
    write_text(t, 2, t->rows - 3, "\xda\xc4\xc2\xc4\xbf\xdb\xdb\xdf\xdc", 0x0b);
    write_text(t, 2, t->rows - 2, "\xc3\xc4\xc5\xc4\xb4\xb0\xb1\xb2\xfe", 0x0b);
}

/* Attribute bit 7: background, not blinking. */
static void intense(void)
{
    struct bios_regs r = {.eax = 0x1003, .ebx = 0};

    bios_call(0x10, &r);
}

static void show(unsigned mode, unsigned columns, unsigned rows,
                 uint16_t *cells)
{
    struct text t = {columns, rows, cells};

    bios_mode(mode);
    intense();
    hide_cursor();
    text_card(&t);
}

static void mode_0(void)
{
    show(0, 40, 25, B8000);
}

static void mode_1(void)
{
    show(1, 40, 25, B8000);
}

static void mode_2(void)
{
    show(2, 80, 25, B8000);
}

static void mode_3(void)
{
    show(3, 80, 25, B8000);
}

static void mode_7(void)
{
    show(7, 80, 25, B0000);
}

/* INT 10h, AH 12h BL 30h: 200, 350, 400 lines from the next mode set on. */
static void scan_lines(unsigned kind)
{
    struct bios_regs r = {.eax = 0x1200 | kind, .ebx = 0x30};

    bios_call(0x10, &r);
}

/* AH 11h: 11h 8x14, 12h 8x8, 14h 8x16 with the rows that fit. */
static void font(unsigned kind)
{
    struct bios_regs r = {.eax = 0x1100 | kind};

    bios_call(0x10, &r);
}

static void with_font(unsigned lines, unsigned kind, unsigned rows)
{
    struct text t = {80, rows, B8000};

    scan_lines(lines);
    bios_mode(3);
    scan_lines(2);
    font(kind);
    intense();
    hide_cursor();
    text_card(&t);
}

static void rows_28(void)
{
    with_font(2, 0x11, 28);
}

static void rows_43(void)
{
    with_font(1, 0x12, 43);
}

static void rows_50(void)
{
    with_font(2, 0x12, 50);
}

static void regs(enum vga_mode_name mode, unsigned columns, uint16_t *cells)
{
    struct text t = {columns, 25, cells};

    set_mode(mode);
    set_attr(0x10, vga_modes[mode].attr[0x10] & ~8u);
    set(CRTC, 0x0a, 0x20);
    text_card(&t);
}

static void regs_1(void)
{
    regs(MODE_1, 40, B8000);
}

static void regs_3(void)
{
    regs(MODE_3, 80, B8000);
}

static void regs_7(void)
{
    regs(MODE_7, 80, B0000);
}

/* 8 dots a character, from the other clock. */
static void eight_dots(void)
{
    regs_3();
    outb(0x3c2, 0x63);
    set(SEQ, 1, 1);
    set_attr(0x13, 0);
}

/* Nine dots, of which the last is always empty. */
static void no_line_graphics(void)
{
    regs_3();
    set_attr(0x10, 0);
}

/* A glyph of its own, in font `n` of the eight. */
static void draw_glyph(unsigned n, unsigned c, unsigned kind)
{
    uint8_t *p =
        (uint8_t *)0xa0000 + (n & 3) * 0x4000 + (n >> 2) * 0x2000 + c * 32;

    for (unsigned y = 0; y < 16; y++)
        p[y] = (uint8_t)(kind == 0   ? 0x80 >> (y & 7) | 1 << (y & 7)
                         : kind == 1 ? (y & 1 ? 0xaa : 0x55)
                                     : (y == 0 || y == 15 ? 0xff : 0x81));
}

/* Plane 2 at A0000, and back. */
static void open_fonts(void)
{
    set(SEQ, 2, 4);
    set(SEQ, 4, 6);
    set(GFX, 4, 2);
    set(GFX, 5, 0);
    set(GFX, 6, 4);
}

static void close_fonts(void)
{
    set(SEQ, 2, 3);
    set(SEQ, 4, 2);
    set(GFX, 4, 0);
    set(GFX, 5, 0x10);
    set(GFX, 6, 0x0e);
}

/* 512 characters: attribute bit 3 chooses between fonts 0 and 5. */
static void two_fonts(void)
{
    struct text t = {80, 25, B8000};

    regs_3();
    open_fonts();
    for (unsigned c = 0; c < 256; c++)
        draw_glyph(5, c, c % 3);
    draw_glyph(0, 'A', 0);
    draw_glyph(0, 0xc4, 1);
    close_fonts();
    set(SEQ, 3, 0x24); /* A: bits 5, 3, 2; B: 4, 1, 0 */
    set_attr(0x12, 7); /* the bit is no colour */
    write_text(&t, 4, 20, "attribute bit 3 chooses the font", 0x0f);
}

static void underlines(void)
{
    struct text t = {80, 25, B0000};

    mode_7();
    write_text(&t, 3, 12, " underlined ", 0x01);
    write_text(&t, 3, 13, " and bright ", 0x09);
    write_text(&t, 3, 14, " inverse ", 0x70);
    set(CRTC, 0x14, 0x0d);
}

static void place_cursor(unsigned at, unsigned first, unsigned last)
{
    set(CRTC, 0x0e, at >> 8);
    set(CRTC, 0x0f, at & 0xff);
    set(CRTC, 0x0a, first);
    set(CRTC, 0x0b, last);
}

static void blink(void)
{
    regs_3();
    set_attr(0x10, 0x0c);
}

static void cursor_line(void)
{
    regs_3();
    place_cursor(12 * 80 + 20, 13, 14);
}

static void cursor_block(void)
{
    regs_3();
    place_cursor(80 + 79, 0, 15);
}

/* By how far the cursor's end is skewed: in cells to the right. */
static void cursor_skew(void)
{
    regs_3();
    place_cursor(12 * 80 + 20, 4, 0x40 | 9);
}

const struct screen text_screens[] = {
    {"mode-0", mode_0, 0},
    {"mode-1", mode_1, 0},
    {"mode-2", mode_2, 0},
    {"mode-3", mode_3, 0},
    {"mode-7", mode_7, 0},
    {"rows-28", rows_28, 0},
    {"rows-43", rows_43, 0},
    {"rows-50", rows_50, 0},
    {"regs-1", regs_1, 0},
    {"regs-3", regs_3, 0},
    {"regs-7", regs_7, 0},
    {"eight-dots", eight_dots, 0},
    {"no-line-graphics", no_line_graphics, 0},
    {"two-fonts", two_fonts, 0},
    {"underlines", underlines, 0},
    {"blink", blink, 0},
    {"cursor-line", cursor_line, 0},
    {"cursor-block", cursor_block, 0},
    {"cursor-skew", cursor_skew, 0},
    {0, 0, 0},
};
