/*
 * Pictures of the PC's demo in the modes that IBM's cards had, and by the
 * registers of the VGA.
 *
 * IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem".
 */
#include "demo.h"

#define SEQUENCER 0x3c4
#define GRAPHICS 0x3ce
#define CRTC 0x3d4
#define STATUS 0x3da
#define SCREEN ((volatile uint8_t *)0xa0000)

void video_mode(unsigned n)
{
    struct bios_regs r = {.eax = n};

    bios_call(0x10, &r);
}

const uint8_t *font_8x8(void)
{
    struct bios_regs r = {.eax = 0x1130, .ebx = 0x0300};

    bios_call(0x10, &r);
    return (const uint8_t *)(r.es * 16u + (r.ebp & 0xffff));
}

/* Two parabolas. */
int sine(unsigned angle)
{
    int a = (int)(angle & 127), v = a * (128 - a) * 127 / 4096;

    return angle & 128 ? -v : v;
}

void set_dac(unsigned i, unsigned r, unsigned g, unsigned b)
{
    outb(0x3c8, i);
    outb(0x3c9, r);
    outb(0x3c9, g);
    outb(0x3c9, b);
}

unsigned hue(unsigned at, unsigned channel, unsigned top)
{
    unsigned a = (at + channel * 85) & 255;

    if (a < 43)
        return a * top / 43;
    if (a < 128)
        return top;
    return a < 171 ? (170 - a) * top / 43 : 0;
}

static void set(unsigned port, unsigned index, unsigned value)
{
    outw(port, value << 8 | index);
}

static void wait_retrace(void)
{
    while (inb(STATUS) & 8)
        ;
    while (!(inb(STATUS) & 8))
        ;
}

typedef void put_fn(unsigned x, unsigned y, unsigned colour);

/* Characters of 8 by 8, each dot `scale` times as large. */
static void words(put_fn *put, unsigned x, unsigned y, unsigned scale,
                  unsigned colour, const char *s)
{
    const uint8_t *font = font_8x8();

    for (; *s; s++, x += 8 * scale)
        for (unsigned i = 0; i < 64 * scale * scale; i++) {
            unsigned dx = i % (8 * scale), dy = i / (8 * scale);

            if (font[(uint8_t)*s * 8 + dy / scale] >> (7 - dx / scale) & 1)
                put(x + dx, y + dy, colour);
        }
}

/* ----------------------------------------------------------- CGA's modes */

static volatile uint8_t *cga_line(unsigned y)
{
    return (volatile uint8_t *)0xb8000 + (y & 1) * 0x2000 + y / 2 * 80;
}

static void put_4(unsigned x, unsigned y, unsigned colour)
{
    volatile uint8_t *p = cga_line(y) + x / 4;
    unsigned shift = 6 - x % 4 * 2;

    *p = (uint8_t)((*p & ~(3u << shift)) | colour << shift);
}

static void put_2(unsigned x, unsigned y, unsigned colour)
{
    volatile uint8_t *p = cga_line(y) + x / 8;
    unsigned shift = 7 - x % 8;

    *p = (uint8_t)((*p & ~(1u << shift)) | colour << shift);
}

/* Rings around two centres, between two lines of text. */
static unsigned rings(int x, int y, int width, unsigned colours)
{
    int ax = x - width / 3, bx = x - width * 2 / 3, dy = y - 100;
    unsigned a, b;

    if (y < 16 || y >= 184)
        return 0;
    if (width == 640) { /* dots half as wide */
        ax /= 2;
        bx /= 2;
    }
    a = (unsigned)(ax * ax + dy * dy);
    b = (unsigned)(bx * bx + dy * dy);
    return (a / 2500 + b / 2500) % colours;
}

static void rings_4(unsigned palette)
{
    struct bios_regs r = {.eax = 0x0b00, .ebx = 0x0100 | palette};

    video_mode(palette == 2 ? 5 : 4);
    if (palette < 2)
        bios_call(0x10, &r);
    for (unsigned y = 0; y < 200; y++)
        for (unsigned x = 0; x < 320; x++)
            put_4(x, y, rings((int)x, (int)y, 320, 4));
    words(put_4, 8, 188, 1, 3, "320x200, 4 colours");
    words(put_4, 8, 4, 1, 3, "A key: the next    Esc: back");
}

static void rings_2(void)
{
    video_mode(6);
    for (unsigned y = 0; y < 200; y++)
        for (unsigned x = 0; x < 640; x++)
            put_2(x, y, rings((int)x, (int)y, 640, 2));
    words(put_2, 8, 188, 1, 1, "640x200, 2 colours");
    words(put_2, 8, 4, 1, 1, "A key: the next    Esc: back");
}

void page_cga(void)
{
    for (unsigned n = 0;; n = (n + 1) % 4) {
        if (n == 3)
            rings_2();
        else
            rings_4((n + 1) % 3);
        if (key_char(key_wait()) == ESCAPE)
            return;
    }
}

/* ---------------------------------------------------------------- planes */

/* Write mode 2: the colour is the byte. */
static void put_16(unsigned x, unsigned y, unsigned colour)
{
    volatile uint8_t *p = SCREEN + y * 80 + x / 8;

    set(GRAPHICS, 8, 0x80u >> x % 8);
    (void)*p;
    *p = (uint8_t)colour;
}

static void line_16(int x, int y, int to_x, int to_y, unsigned colour)
{
    int dx = to_x > x ? to_x - x : x - to_x, sx = to_x > x ? 1 : -1;
    int dy = to_y > y ? y - to_y : to_y - y, sy = to_y > y ? 1 : -1;
    int error = dx + dy;

    for (;;) {
        int twice = 2 * error;

        put_16((unsigned)x, (unsigned)y, colour);
        if (x == to_x && y == to_y)
            return;
        if (twice >= dy) {
            error += dy;
            x += sx;
        }
        if (twice <= dx) {
            error += dx;
            y += sy;
        }
    }
}

static void figure(unsigned at, unsigned colour)
{
    int x = 320 + sine(at) * 2, y = 232 + sine(at * 2 + 40) * 3 / 2;
    int to_x = 320 + sine(at * 3 / 2 + 120) * 2;
    int to_y = 232 + sine(at + 90) * 3 / 2;

    line_16(x, y, to_x, to_y, colour);
}

void page_planes(void)
{
    const unsigned tail = 72;

    video_mode(0x12);
    set(GRAPHICS, 5, 2);
    for (unsigned i = 0; i < 16; i++)
        for (unsigned y = 436; y < 460; y++)
            for (unsigned x = 0; x < 38; x++)
                put_16(16 + i * 38 + x, y, i);
    words(put_16, 16, 8, 2, 15, "640x480, 16 colours in four planes");
    words(put_16, 16, 466, 1, 7, "Esc: back");
    for (unsigned at = 0; key_char(key_typed()) != ESCAPE; at++) {
        wait_retrace();
        if (at >= tail)
            figure(at - tail, 0);
        figure(at, 9 + at / 8 % 7);
    }
}

/* ------------------------------------------------------------ 256 colours */

static void colours_around(unsigned first)
{
    for (unsigned i = 0; i < 255; i++)
        set_dac(1 + i, hue(first + i, 0, 63), hue(first + i, 1, 63),
                hue(first + i, 2, 63));
}

static void put_256(unsigned x, unsigned y, unsigned colour)
{
    SCREEN[y * 320 + x] = (uint8_t)colour;
}

/* Still memory: only the palette moves. */
void page_256(void)
{
    video_mode(0x13);
    for (unsigned y = 0; y < 200; y++)
        for (unsigned x = 0; x < 320; x++) {
            int v = sine(x) + sine(y * 2) + sine((x + y) / 2 + 30) +
                    sine((x * x + y * y) / 256);

            put_256(x, y, 1 + (unsigned)(v + 512) % 255);
        }
    words(put_256, 9, 9, 2, 0, "320x200, 256");
    words(put_256, 8, 8, 2, 0, "320x200, 256");
    words(put_256, 8, 186, 1, 0, "Esc: back");
    for (unsigned at = 0; key_char(key_typed()) != ESCAPE; at += 2) {
        wait_retrace();
        colours_around(at);
    }
}

/* ----------------------------------------------------------------- mode X */

#define X_WIDTH 640 /* of the memory's lines: two screens side by side */
#define X_SPLIT 24  /* lines that stay, at the bottom: first in memory */
#define X_LINES (240 - X_SPLIT)

static void put_x(unsigned x, unsigned y, unsigned colour)
{
    set(SEQUENCER, 2, 1u << (x & 3));
    SCREEN[y * (X_WIDTH / 4) + x / 4] = (uint8_t)colour;
}

/* 13h with planes on their own and 480 lines, each line shown twice. */
static void start_mode_x(void)
{
    static const uint8_t crtc[][2] = {
        {0x11, 0x0e}, {0x06, 0x0d}, {0x07, 0x3e}, {0x09, 0x41},
        {0x10, 0xea}, {0x11, 0xac}, {0x12, 0xdf}, {0x13, X_WIDTH / 8},
        {0x14, 0x00}, {0x15, 0xe7}, {0x16, 0x06}, {0x17, 0xe3}};

    video_mode(0x13);
    set(SEQUENCER, 4, 6);
    set(SEQUENCER, 0, 1);
    outb(0x3c2, 0xe3);
    set(SEQUENCER, 0, 3);
    for (unsigned i = 0; i < sizeof(crtc) / sizeof(crtc[0]); i++)
        set(CRTC, crtc[i][0], crtc[i][1]);
    set(SEQUENCER, 2, 15);
    for (unsigned i = 0; i < 0x10000; i++)
        SCREEN[i] = 0;
}

/* Behind line n there is what memory begins with. */
static void split_behind(unsigned n)
{
    set(CRTC, 0x18, n & 255);
    set(CRTC, 0x07, 0x2e | (n >> 8 & 1) << 4);
    set(CRTC, 0x09, 0x01 | (n >> 9 & 1) << 6);
}

/* Hills, of which each is nearer and darker; twice the screen's width, so
 * that it closes. */
static unsigned landscape(unsigned x, unsigned y)
{
    for (unsigned i = 4; i-- > 0;) {
        int top = 60 + (int)i * 38 + sine(x * (i + 1) * 2 / 5 + i * 77) / 6;

        if ((int)y > top)
            return 64 + i * 32 + (unsigned)((int)y - top) / 4 % 32;
    }
    return 16 + y / 6;
}

static void landscape_colours(void)
{
    set_dac(0, 4, 4, 10);
    set_dac(15, 63, 63, 63);
    for (unsigned i = 0; i < 40; i++)
        set_dac(16 + i, 20 + i, 24 + i / 2, 60 - i);
    for (unsigned i = 0; i < 128; i++) {
        unsigned far = 3 - i / 32, down = i % 32;

        set_dac(64 + i, 4 + far * 6 + down / 4, 14 + far * 8 + down / 3,
                8 + far * 12);
    }
}

void page_x(void)
{
    start_mode_x();
    landscape_colours();
    split_behind(480 - 2 * X_SPLIT - 1);
    for (unsigned x = 0; x < X_WIDTH; x++)
        for (unsigned y = 0; y < X_LINES; y++)
            put_x(x, X_SPLIT + y, landscape(x, y));
    words(put_x, 8, 8, 1, 15, "320x240: pan, split   Esc: back");
    /* The last 320 columns are the first again: half of the width turns. */
    inb(STATUS);
    outb(0x3c0, 0x30);
    outb(0x3c0, 0x61); /* what is split off does not pan */
    for (unsigned at = 0; key_char(key_typed()) != ESCAPE; at++) {
        unsigned x = (unsigned)(160 + sine(at / 4) * 160 / 127);
        unsigned start = X_SPLIT * (X_WIDTH / 4) + x / 4;

        set(CRTC, 0x0c, start >> 8);
        set(CRTC, 0x0d, start & 255);
        wait_retrace();
        outb(0x3c0, 0x33);
        outb(0x3c0, (x & 3) * 2);
    }
}
