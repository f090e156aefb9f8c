/*
 * What programs do with a VGA beyond its modes: panning, smooth scrolling,
 * split screens, page flips, palettes, and changes while the beam is on its
 * way.
 */
#include "tests/machine/screens/screens.h"

static unsigned count;

/* -- the second page -- */

/* Mode X has room for three and a bit. */
#define PAGE 19200u

static void diamonds(unsigned start, unsigned pitch, unsigned width,
                     unsigned height)
{
    canvas_start = start;
    canvas_pitch = pitch;
    for (unsigned y = 0; y < height; y++)
        for (unsigned x = 0; x < width; x++) {
            int dx = (int)(x % 80) - 40, dy = (int)(y % 80) - 40;
            int d = (dx < 0 ? -dx : dx) + (dy < 0 ? -dy : dy);

            put_unchained(x, y, 32 + (unsigned)(d * 4 & 0xdf));
        }
}

static void two_pages(void)
{
    mode_x();
    diamonds(PAGE, 80, 320, 240);
    count = 0;
}

/* The start address as page flips set it: before retrace. */
static void flip(void)
{
    for (unsigned i = 0; i < 6; i++)
        wait_retrace();
    start_address(count++ & 1 ? PAGE : 0);
}

static void second_page(void)
{
    two_pages();
    start_address(PAGE);
}

/* -- moving the picture -- */

/* A line of 800 pixels, seen from 13 on. */
static void pan_x(void)
{
    set_mode(MODE_X);
    set(CRTC, 0x13, 100);
    diamonds(0, 200, 800, 240);
    canvas_start = 0;
    for (unsigned x = 0; x < 800; x += 10)
        for (unsigned y = 100; y < 100 + x / 10; y++)
            put_unchained(x, y, 15);
    start_address(3);
    set_attr(0x13, 2);
}

static void pan_planes(unsigned pixels)
{
    struct canvas c = {640, 200, 16, put_planar};

    set_mode(MODE_D);
    set(CRTC, 0x13, 40);
    canvas_start = 0;
    canvas_pitch = 80;
    card(&c);
    start_address(pixels / 8);
    set_attr(0x13, pixels % 8);
}

static void pan_d(void)
{
    pan_planes(165);
}

/* CR8 bits 5 and 6 pan by whole bytes. */
static void pan_bytes(void)
{
    pan_planes(5);
    set(CRTC, 8, 0x60);
}

static const struct text text = {80, 50, B8000};

static void pages_of_text(void)
{
    set_mode(MODE_3);
    set_attr(0x10, 4);
    set(CRTC, 0x0a, 0x20);
    text_card(&text);
}

/* Of 9 dots: 8 is none, 0 is one. */
static void pan_text(void)
{
    pages_of_text();
    set_attr(0x13, 3);
}

static void smooth_text(void)
{
    pages_of_text();
    start_address(3 * 80);
    set(CRTC, 8, 5);
}

/* -- split screens -- */

static void split_x(void)
{
    two_pages();
    start_address(PAGE);
    line_compare(160 * 2);
}

/* The part below begins at address 0 and does not pan. */
static void split_text(void)
{
    pages_of_text();
    start_address(20 * 80);
    set(CRTC, 8, 3);
    set_attr(0x10, 0x24);
    set_attr(0x13, 5);
    line_compare(255);
}

/* And here it does. */
static void split_panned(void)
{
    split_text();
    set_attr(0x10, 4);
}

static void split_12(void)
{
    struct canvas c = {640, 380, 16, put_planar};

    set_mode(MODE_12);
    canvas_start = 0x2580;
    canvas_pitch = 80;
    card(&c);
    canvas_start = 0;
    c.height = 100;
    card(&c);
    start_address(0x2580);
    line_compare(379);
}

/* -- palettes -- */

static void shift_palette(void)
{
    for (unsigned i = 0; i < 3; i++)
        wait_retrace();
    for (unsigned i = 0; i < 16; i++)
        set_attr(i, vga_modes[MODE_D].attr[(i + (count & 1)) % 16]);
    count++;
}

static void bars_d(void)
{
    struct canvas c = {320, 200, 16, put_planar};

    set_mode(MODE_D);
    canvas_start = 0;
    canvas_pitch = 40;
    card(&c);
    count = 0;
}

static void plane_enable(void)
{
    bars_d();
    set_attr(0x12, 0x0a);
}

/* P5 and P4 from the colour select register, and its P7 and P6. */
static void colour_select(void)
{
    bars_d();
    for (unsigned i = 0; i < 256; i++)
        set_dac(i, i / 64 * 21, i / 16 % 4 * 21, i % 16 * 4);
    set_attr(0x10, 0x81);
    set_attr(0x14, 0x0e);
}

static void pel_mask(void)
{
    struct canvas c = {320, 200, 256, put_linear};

    set_mode(MODE_13);
    canvas_start = 0;
    canvas_pitch = 320;
    card(&c);
    outb(0x3c6, 0xf3);
}

static void screen_off(void)
{
    bars_d();
    set(SEQ, 1, get(SEQ, 1) | 0x20);
}

/* The CPU has the palette: the overscan colour is everywhere. */
static void palette_off(void)
{
    bars_d();
    inb(CRTC + 6);
    outb(0x3c0, 0x11);
    outb(0x3c0, 0x14);
    inb(CRTC + 6);
}

static void fade(void)
{
    bars_d();
    for (unsigned i = 0; i < 64; i++) {
        outb(0x3c7, i);
        unsigned r = inb(0x3c9), g = inb(0x3c9), b = inb(0x3c9);

        set_dac(i, r / 2, g / 2, b / 2);
    }
}

/* -- while the beam is on its way -- */

static void raster_start(void)
{
    struct canvas c = {320, 200, 256, put_linear};

    set_mode(MODE_13);
    canvas_start = 0;
    canvas_pitch = 320;
    card(&c);
}

/* Colour 0 has another value on each line: a ramp, upwards and downwards. */
static void raster(void)
{
    wait_retrace();
    for (unsigned y = 0; y < 399; y++) {
        wait_line();
        set_dac(0, y < 200 ? y * 63 / 199 : (398 - y) * 63 / 199, y / 8 & 63,
                63 - (y / 8 & 63));
    }
    wait_line();
    set_dac(0, 0, 0, 0);
}

static void wobble_start(void)
{
    pages_of_text();
}

/* Panning changes with the line, like a flag in the wind. */
static void wobble(void)
{
    wait_retrace();
    for (unsigned y = 0; y < 399; y++) {
        unsigned pan = y / 4 % 16 < 8 ? y / 4 % 8 : 7 - y / 4 % 8;

        wait_line();
        set_attr(0x13, pan);
    }
    wait_line();
    set_attr(0x13, 8);
}

/* The start address is the next frame's: what it is in between does not show.
 */
static void false_start(void)
{
    wait_retrace();
    start_address(0);
    for (unsigned y = 0; y < 100; y++)
        wait_line();
    start_address(PAGE);
    for (unsigned y = 0; y < 100; y++)
        wait_line();
    start_address(0);
}

/* Two palettes, from the middle on the second. */
static void half_palette(void)
{
    wait_retrace();
    ega_colours();
    for (unsigned y = 0; y < 200; y++)
        wait_line();
    for (unsigned i = 0; i < 16; i++)
        set_dac(vga_modes[MODE_D].attr[i], i * 4, i * 4, 20);
}

/* Two splits in a frame: the second compare is written behind the first. */
static void wandering_split(void)
{
    wait_retrace();
    line_compare(99);
    for (unsigned y = 0; y < 150; y++)
        wait_line();
    line_compare(299);
}

const struct screen effect_screens[] = {
    {"flip", two_pages, flip},
    {"second-page", second_page, 0},
    {"pan-x", pan_x, 0},
    {"pan-d", pan_d, 0},
    {"pan-bytes", pan_bytes, 0},
    {"pan-text", pan_text, 0},
    {"smooth-text", smooth_text, 0},
    {"split-x", split_x, 0},
    {"split-text", split_text, 0},
    {"split-panned", split_panned, 0},
    {"split-12", split_12, 0},
    {"shift-palette", bars_d, shift_palette},
    {"plane-enable", plane_enable, 0},
    {"colour-select", colour_select, 0},
    {"pel-mask", pel_mask, 0},
    {"screen-off", screen_off, 0},
    {"palette-off", palette_off, 0},
    {"fade", fade, 0},
    {"raster", raster_start, raster},
    {"wobble", wobble_start, wobble},
    {"false-start", two_pages, false_start},
    {"half-palette", bars_d, half_palette},
    {"wandering-split", pages_of_text, wandering_split},
    {0, 0, 0},
};
