/*
 * Graphics modes, set by the BIOS ("mode-...") and by registers ("regs-..."):
 * the same picture.
 */
#include "tests/machine/screens/screens.h"

unsigned canvas_pitch, canvas_start;

static uint8_t *const window = (uint8_t *)0xa0000;
static uint8_t *const window_b8 = (uint8_t *)0xb8000;

/* -- pixels -- */

/* Write mode 2: the colour's bits go to the planes. */
void put_planar(unsigned x, unsigned y, unsigned colour)
{
    volatile uint8_t *p = window + canvas_start + y * canvas_pitch + x / 8;

    set(GFX, 8, 0x80 >> (x & 7));
    (void)*p;
    *p = (uint8_t)colour;
}

void put_linear(unsigned x, unsigned y, unsigned colour)
{
    window[canvas_start + y * canvas_pitch + x] = (uint8_t)colour;
}

void put_unchained(unsigned x, unsigned y, unsigned colour)
{
    set(SEQ, 2, 1 << (x & 3));
    window[canvas_start + y * canvas_pitch + x / 4] = (uint8_t)colour;
}

/* Two bits, and lines of two kinds. */
void put_cga4(unsigned x, unsigned y, unsigned colour)
{
    uint8_t *p = window_b8 + (y & 1) * 0x2000 + y / 2 * 80 + x / 4;
    unsigned shift = 6 - 2 * (x & 3);

    *p = (uint8_t)((*p & ~(3u << shift)) | (colour & 3) << shift);
}

void put_cga2(unsigned x, unsigned y, unsigned colour)
{
    uint8_t *p = window_b8 + (y & 1) * 0x2000 + y / 2 * 80 + x / 8;
    unsigned bit = 0x80u >> (x & 7);

    *p = (uint8_t)((*p & ~bit) | (colour & 1 ? bit : 0));
}

/* Mode Fh's bits are in planes 0 and 2. */
static void put_mono(unsigned x, unsigned y, unsigned colour)
{
    put_planar(x, y, (colour & 1) | (colour & 2) << 1);
}

/* -- the card -- */

static unsigned white(const struct canvas *c)
{
    return c->colours == 0 ? 0xffffff : c->colours == 256 ? 15 : c->colours - 1;
}

static unsigned bar(const struct canvas *c, unsigned i)
{
    static const uint8_t level[4] = {0, 0xaa, 0x55, 0xff};

    if (c->colours)
        return i % c->colours;
    return (unsigned)level[(i >> 2 & 1) | (i >> 2 & 2)] << 16 |
           (unsigned)level[(i >> 1 & 1) | (i >> 2 & 2)] << 8 |
           level[(i & 1) | (i >> 2 & 2)];
}

static unsigned ramp(const struct canvas *c, unsigned x, unsigned y)
{
    unsigned v = x * 256 / c->width;

    if (c->colours == 256)
        return v;
    if (c->colours)
        return v * c->colours / 256;
    /* Red, green, blue, grey. */
    switch (y * 24 / c->height & 3) {
    case 0:
        return v << 16;
    case 1:
        return v << 8;
    case 2:
        return v;
    }
    return v * 0x010101;
}

/* Of six bands. */
static unsigned shade(const struct canvas *c, unsigned x, unsigned y)
{
    unsigned right = x * 4 / c->width;

    switch (y * 6 / c->height) {
    case 0:
        return bar(c, x * 16 / c->width);
    case 1:
        return bar(c, 15 - x * 16 / c->width);
    case 2:
        if (right == 0)
            return (x ^ y) & 1 ? white(c) : 0;
        if (right == 1)
            return x & 1 ? white(c) : 0;
        if (right == 2)
            return y & 1 ? white(c) : 0;
        return (x ^ y) & 2 ? white(c) : 0;
    case 3:
    case 4:
        return ramp(c, x, y);
    }
    return c->colours ? (x ^ y) % c->colours : (x ^ y) << 8 & 0xff00;
}

static void circle(const struct canvas *c, unsigned mx, unsigned my, int r)
{
    int x = r, y = 0, error = 0;

    while (x >= y) {
        static const int8_t turn[8][4] = {
            {1, 0, 0, 1},  {0, 1, 1, 0},  {-1, 0, 0, 1},  {0, -1, 1, 0},
            {1, 0, 0, -1}, {0, 1, -1, 0}, {-1, 0, 0, -1}, {0, -1, -1, 0},
        };

        for (unsigned i = 0; i < 8; i++)
            c->put(mx + (unsigned)(x * turn[i][0] + y * turn[i][1]),
                   my + (unsigned)(x * turn[i][2] + y * turn[i][3]), white(c));
        error += 2 * y++ + 1;
        if (error > x)
            error -= 2 * x-- - 1;
    }
}

/* An F tells left from right and top from bottom. */
static void letter(const struct canvas *c, unsigned left, unsigned top)
{
    static const uint8_t dots[7] = {0x1f, 1, 1, 0xf, 1, 1, 1};

    for (unsigned y = 0; y < 9 * 2; y++)
        for (unsigned x = 0; x < 7 * 2; x++)
            c->put(left + x, top + y,
                   x >= 2 && y >= 2 && y < 16 && x < 12 &&
                           (dots[y / 2 - 1] >> (x / 2 - 1) & 1)
                       ? white(c)
                       : 0);
}

void card(const struct canvas *c)
{
    unsigned w = c->width, h = c->height;

    if (c->put == put_planar || c->put == put_mono)
        set(GFX, 5, 2);
    for (unsigned y = 0; y < h; y++)
        for (unsigned x = 0; x < w; x++)
            c->put(x, y, shade(c, x, y));
    for (unsigned x = 0; x < w; x++) {
        c->put(x, 0, white(c));
        c->put(x, h - 1, white(c));
        c->put(x, x * (h - 1) / (w - 1), white(c));
        c->put(w - 1 - x, x * (h - 1) / (w - 1), 0);
    }
    for (unsigned y = 0; y < h; y++) {
        c->put(0, y, white(c));
        c->put(w - 1, y, white(c));
    }
    circle(c, w / 2, h / 2, (int)h / 3);
    letter(c, 4, 4);
    if (c->put == put_planar || c->put == put_mono) {
        set(GFX, 5, 0);
        set(GFX, 8, 0xff);
    }
}

static void show(unsigned width, unsigned height, unsigned colours,
                 unsigned pitch, void (*put)(unsigned, unsigned, unsigned))
{
    struct canvas c = {width, height, colours, put};

    canvas_start = 0;
    canvas_pitch = pitch;
    card(&c);
}

/* -- modes -- */

static void mode_4(void)
{
    bios_mode(4);
    show(320, 200, 4, 80, put_cga4);
}

static void mode_5(void)
{
    bios_mode(5);
    show(320, 200, 4, 80, put_cga4);
}

static void mode_6(void)
{
    bios_mode(6);
    show(640, 200, 2, 80, put_cga2);
}

/* INT 10h, AH 0Bh. */
static void cga_palette(unsigned kind, unsigned value)
{
    struct bios_regs r = {.eax = 0x0b00, .ebx = kind << 8 | value};

    bios_call(0x10, &r);
}

static void mode_4_palette(void)
{
    mode_4();
    cga_palette(1, 0);
    cga_palette(0, 0x11);
}

static void mode_d(void)
{
    bios_mode(0x0d);
    show(320, 200, 16, 40, put_planar);
}

static void mode_e(void)
{
    bios_mode(0x0e);
    show(640, 200, 16, 80, put_planar);
}

static void mode_f(void)
{
    bios_mode(0x0f);
    show(640, 350, 4, 80, put_mono);
}

static void mode_10(void)
{
    bios_mode(0x10);
    ega_colours();
    show(640, 350, 16, 80, put_planar);
}

static void mode_11(void)
{
    bios_mode(0x11);
    show(640, 480, 2, 80, put_planar);
}

static void mode_12(void)
{
    bios_mode(0x12);
    ega_colours();
    show(640, 480, 16, 80, put_planar);
}

static void mode_13(void)
{
    bios_mode(0x13);
    dac_256();
    show(320, 200, 256, 320, put_linear);
}

static void regs_4(void)
{
    set_mode(MODE_4);
    show(320, 200, 4, 80, put_cga4);
}

static void regs_6(void)
{
    set_mode(MODE_6);
    show(640, 200, 2, 80, put_cga2);
}

static void regs_d(void)
{
    set_mode(MODE_D);
    show(320, 200, 16, 40, put_planar);
}

static void regs_10(void)
{
    set_mode(MODE_10);
    show(640, 350, 16, 80, put_planar);
}

static void regs_12(void)
{
    set_mode(MODE_12);
    show(640, 480, 16, 80, put_planar);
}

static void regs_13(void)
{
    set_mode(MODE_13);
    show(320, 200, 256, 320, put_linear);
}

void mode_x(void)
{
    set_mode(MODE_X);
    show(320, 240, 256, 80, put_unchained);
}

/* 13h unchained without double scan. */
static void mode_320x400(void)
{
    set_mode(MODE_13);
    set(SEQ, 4, 6);
    set(CRTC, 0x14, 0);
    set(CRTC, 0x17, 0xe3);
    set(CRTC, 9, 0x40);
    show(320, 400, 256, 80, put_unchained);
}

/* Mode X with the other clock, and without double scan. */
static void mode_360x480(void)
{
    static const uint8_t horizontal[6] = {0x6b, 0x59, 0x5a, 0x8e, 0x5e, 0x8a};

    set_mode(MODE_X);
    outb(0x3c2, 0xe7);
    set(CRTC, 0x11, 0x2c);
    for (unsigned i = 0; i < 6; i++)
        set(CRTC, i, horizontal[i]);
    set(CRTC, 0x13, 0x2d);
    set(CRTC, 9, 0x40);
    show(360, 480, 256, 90, put_unchained);
}

/* Each line four times. */
static void mode_320x100(void)
{
    set_mode(MODE_13);
    set(CRTC, 9, 0x43);
    show(320, 100, 256, 320, put_linear);
}

const struct screen graphics_screens[] = {
    {"mode-4", mode_4, 0},          {"mode-4-palette", mode_4_palette, 0},
    {"mode-5", mode_5, 0},          {"mode-6", mode_6, 0},
    {"mode-d", mode_d, 0},          {"mode-e", mode_e, 0},
    {"mode-f", mode_f, 0},          {"mode-10", mode_10, 0},
    {"mode-11", mode_11, 0},        {"mode-12", mode_12, 0},
    {"mode-13", mode_13, 0},        {"regs-4", regs_4, 0},
    {"regs-6", regs_6, 0},          {"regs-d", regs_d, 0},
    {"regs-10", regs_10, 0},        {"regs-12", regs_12, 0},
    {"regs-13", regs_13, 0},        {"x-320x240", mode_x, 0},
    {"x-320x400", mode_320x400, 0}, {"x-360x480", mode_360x480, 0},
    {"x-320x100", mode_320x100, 0}, {0, 0, 0},
};
