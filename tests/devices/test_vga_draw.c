/*
 * What a VGA shows: each kind of mode over random memory against what its
 * memory layout means, effects within a frame, and which lines count as
 * changed.
 */
#include "tests/devices/vga_rig.h"

#include <string.h>

static struct vga_rig rig;
static struct display_frame frame;

static int setup(void **state)
{
    (void)state;
    rig_open(&rig, "isa-vga", NULL);
    rig_out(&rig, 0x3c2, 0x01);
    rig_set_palette(&rig);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

static uint32_t pixel(unsigned x, unsigned y)
{
    assert_true(x < frame.width && y < frame.height);
    return frame.pixels[(size_t)y * frame.width + x];
}

static void expect_size(unsigned width, unsigned height)
{
    assert_int_equal(frame.width, width);
    assert_int_equal(frame.height, height);
}

/* Colour of the DAC that 4 bits become in a mode's palette. */
static uint32_t by_palette(enum vga_mode_name mode, unsigned i)
{
    return rig_colour(vga_modes[mode].attr[i]);
}

static uint8_t noise(uint32_t at)
{
    at = (at + 1) * 0x9e3779b1u;
    return (uint8_t)(at >> 23 ^ at >> 9);
}

#define EXPECT(x, y, want)                                                     \
    do {                                                                       \
        uint32_t is_ = pixel(x, y), want_ = (want);                            \
        if (is_ != want_)                                                      \
            fail_msg("line %d: pixel %u, %u is %06x, not %06x", __LINE__, x,   \
                     y, is_, want_);                                           \
    } while (0)

/* ---------------------------------------------------------------- modes */

static void cga_has_two_bits_a_pixel(void **state)
{
    (void)state;
    rig_set_mode(&rig, MODE_4);
    for (uint32_t i = 0; i < 0x4000; i++)
        rig_poke(&rig, 0x18000 + i, noise(i));
    assert_true(rig_update(&rig, &frame));
    expect_size(320, 400);
    assert_int_equal(frame.aspect_x * 320 * 3, frame.aspect_y * 400 * 4);
    for (unsigned y = 0; y < 400; y++)
        for (unsigned x = 0; x < 320; x++) {
            unsigned row = y / 2;
            uint32_t at = row % 2 * 0x2000 + row / 2 * 80 + x / 4;

            EXPECT(x, y, by_palette(MODE_4, noise(at) >> (6 - x % 4 * 2) & 3));
        }
}

static void cga_has_one_bit_a_pixel(void **state)
{
    (void)state;
    rig_set_mode(&rig, MODE_6);
    for (uint32_t i = 0; i < 0x4000; i++)
        rig_poke(&rig, 0x18000 + i, noise(i));
    rig_update(&rig, &frame);
    expect_size(640, 400);
    for (unsigned y = 0; y < 400; y++)
        for (unsigned x = 0; x < 640; x++) {
            unsigned row = y / 2;
            uint32_t at = row % 2 * 0x2000 + row / 2 * 80 + x / 8;

            EXPECT(x, y, by_palette(MODE_6, noise(at) >> (7 - x % 8) & 1));
        }
}

static void fill_planes(uint32_t size)
{
    for (unsigned p = 0; p < 4; p++) {
        rig_set(&rig, 0x3c4, 2, (uint8_t)(1 << p));
        for (uint32_t i = 0; i < size; i++)
            rig_poke(&rig, i, noise(i * 4 + p));
    }
}

static unsigned four_bits(uint32_t at, unsigned bit)
{
    unsigned v = 0;

    for (unsigned p = 0; p < 4; p++)
        v |= (noise(at * 4 + p) >> (7 - bit) & 1u) << p;
    return v;
}

static void ega_has_four_planes(void **state)
{
    (void)state;
    rig_set_mode(&rig, MODE_D);
    fill_planes(0x10000);
    rig_update(&rig, &frame);
    expect_size(320, 400);
    for (unsigned y = 0; y < 400; y++)
        for (unsigned x = 0; x < 320; x++)
            EXPECT(x, y,
                   by_palette(MODE_D, four_bits(y / 2 * 40 + x / 8, x % 8)));
    /* A plane less, a page further, 3 pixels to the left. */
    rig_set_attr(&rig, 0x12, 0x0b);
    rig_set_attr(&rig, 0x13, 3);
    rig_set(&rig, 0x3d4, 0x0c, 0x20);
    rig_update(&rig, &frame);
    for (unsigned y = 0; y < 400; y++)
        for (unsigned x = 0; x < 320; x++) {
            uint32_t at = 0x2000 + y / 2 * 40 + (x + 3) / 8;

            EXPECT(x, y, by_palette(MODE_D, four_bits(at, (x + 3) % 8) & 0x0b));
        }
}

/* Loaded every second or fourth clock, the planes' bytes follow each other. */
static void shift_registers_are_chained(void **state)
{
    static const struct {
        uint8_t sr1;
        unsigned columns;
    } loads[] = {{0x04, 2}, {0x10, 4}, {0x14, 4}, {0, 1}};

    (void)state;
    rig_set_mode(&rig, MODE_D);
    fill_planes(0x10000);
    for (unsigned i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
        rig_set(&rig, 0x3c4, 1, 0x09 | loads[i].sr1);
        rig_update(&rig, &frame);
        expect_size(320, 400);
        for (unsigned y = 0; y < 400; y++)
            for (unsigned x = 0; x < 320; x++) {
                unsigned since = x / 8 % loads[i].columns, v = 0;
                uint32_t at = y / 2 * 40 + x / 8 - since;

                for (unsigned p = 0; p < 4; p++)
                    v |= (noise(at * 4 + (p + since) % 4) >> (7 - x % 8) & 1u)
                         << p;
                EXPECT(x, y, by_palette(MODE_D, v));
            }
    }
}

static void vga_has_480_lines(void **state)
{
    (void)state;
    rig_set_mode(&rig, MODE_12);
    fill_planes(38400);
    rig_update(&rig, &frame);
    expect_size(640, 480);
    assert_int_equal(frame.aspect_x, frame.aspect_y);
    for (unsigned y = 0; y < 480; y++)
        for (unsigned x = 0; x < 640; x++)
            EXPECT(x, y, by_palette(MODE_12, four_bits(y * 80 + x / 8, x % 8)));
}

static void mode_13h_has_256_colours(void **state)
{
    (void)state;
    rig_set_mode(&rig, MODE_13);
    for (uint32_t i = 0; i < 64000; i++)
        rig_poke(&rig, i, noise(i));
    rig_update(&rig, &frame);
    expect_size(320, 400);
    for (unsigned y = 0; y < 400; y++)
        for (unsigned x = 0; x < 320; x++)
            EXPECT(x, y, rig_colour(noise(y / 2 * 320 + x)));
    /* The mask of the DAC, then pixels of 8 bits at both of its ends. */
    rig_out(&rig, 0x3c6, 0x1f);
    rig_update(&rig, &frame);
    for (unsigned x = 0; x < 320; x++)
        EXPECT(x, 0, rig_colour(noise(x) & 0x1f));
}

/* The address counter's bits 14 and 15 go where a doubleword's are not: a
 * second page lies between the first one's bytes. */
static void doublewords_wrap(void **state)
{
    (void)state;
    rig_set_mode(&rig, MODE_13);
    rig_set(&rig, 0x3c4, 4, 0x06);
    fill_planes(0x10000);
    rig_set(&rig, 0x3d4, 0x0c, 0x80);
    rig_update(&rig, &frame);
    for (unsigned y = 0; y < 400; y++)
        for (unsigned x = 0; x < 320; x++) {
            uint32_t at = (y / 2 * 80 + x / 4) * 4 + 2;

            EXPECT(x, y, rig_colour(noise(at * 4 + x % 4)));
        }
}

static void mode_x_has_240_lines_and_pages(void **state)
{
    (void)state;
    rig_set_mode(&rig, MODE_X);
    fill_planes(0x10000);
    rig_update(&rig, &frame);
    expect_size(320, 480);
    for (unsigned y = 0; y < 480; y++)
        for (unsigned x = 0; x < 320; x++)
            EXPECT(x, y, rig_colour(noise(y / 2 * 320 + x)));
    /* The second page, and two pixels further (4 of the clock's). */
    rig_set(&rig, 0x3d4, 0x0c, 0x4b);
    rig_set_attr(&rig, 0x13, 4);
    rig_update(&rig, &frame);
    for (unsigned y = 0; y < 480; y++)
        for (unsigned x = 0; x < 320; x++)
            EXPECT(x, y, rig_colour(noise(0x4b00 * 4 + y / 2 * 320 + x + 2)));
}

/* ----------------------------------------------------------------- text */

enum { COLUMNS = 80, ROWS = 25 };

static uint8_t glyph_line(unsigned font, unsigned c, unsigned line)
{
    return noise(0x40000 + font * 0x2000 + c * 32 + line);
}

/* All eight. */
static void load_fonts(void)
{
    static const uint16_t at[8] = {0,      0x4000, 0x8000, 0xc000,
                                   0x2000, 0x6000, 0xa000, 0xe000};

    rig_set(&rig, 0x3c4, 2, 4);
    rig_set(&rig, 0x3c4, 4, 6);
    rig_set(&rig, 0x3ce, 5, 0);
    rig_set(&rig, 0x3ce, 6, 4);
    for (unsigned font = 0; font < 8; font++)
        for (unsigned i = 0; i < 0x2000; i++)
            rig_poke(&rig, at[font] + i, glyph_line(font, i / 32, i % 32));
    rig_set_mode(&rig, MODE_3);
}

static uint8_t cell(unsigned i)
{
    return noise(0x900000 + i);
}

static void fill_text(void)
{
    for (unsigned i = 0; i < 2 * COLUMNS * ROWS; i++)
        rig_poke(&rig, 0x18000 + i, cell(i));
}

/* The 9 dots of a line, from the left. */
static unsigned text_dots(unsigned font, unsigned c, unsigned line)
{
    unsigned dots = glyph_line(font, c, line) * 2u;

    return dots | (c >= 0xc0 && c <= 0xdf ? dots >> 1 & 1 : 0);
}

static void expect_text(unsigned font_a, unsigned font_b, bool blink, bool on)
{
    for (unsigned y = 0; y < 400; y++)
        for (unsigned x = 0; x < 720; x++) {
            unsigned i = y / 16 * COLUMNS + x / 9;
            unsigned c = cell(2 * i), a = cell(2 * i + 1);
            unsigned dots = text_dots(a & 8 ? font_a : font_b, c, y % 16);
            unsigned back = blink ? a >> 4 & 7 : a >> 4;

            if (blink && (a & 0x80) && !on)
                dots = 0;
            EXPECT(x, y,
                   by_palette(MODE_3, dots >> (8 - x % 9) & 1 ? a & 15 : back));
        }
}

/* Advance to where characters that blink are seen, or not; the cursor is
 * seen at the start of both. */
static void wait_for_blink(bool on)
{
    const struct vga *v = &((struct rig_card *)rig.dev)->vga;

    while (vga_blink_on(vga_beam(v).frame) == on)
        harness_advance(rig.h, 1000000);
    while (vga_blink_on(vga_beam(v).frame) != on)
        harness_advance(rig.h, 1000000);
}

static void text_has_fonts_and_blink(void **state)
{
    (void)state;
    rig_set_mode(&rig, MODE_3);
    load_fonts();
    fill_text();
    rig_set(&rig, 0x3d4, 0x0a, 0x20); /* no cursor */
    wait_for_blink(true);
    rig_look(&rig, &frame);
    expect_size(720, 400);
    assert_int_equal(frame.aspect_x * 720 * 3, frame.aspect_y * 400 * 4);
    expect_text(0, 0, true, true);
    wait_for_blink(false);
    assert_true(rig_look(&rig, &frame));
    expect_text(0, 0, true, false);
    /* Sixteen backgrounds, font 5 for attribute bit 3, font 2 else. */
    rig_set_attr(&rig, 0x10, 0x04);
    rig_set(&rig, 0x3c4, 3, 0x26);
    rig_update(&rig, &frame);
    expect_text(5, 2, false, false);
    rig_set(&rig, 0x3c4, 3, 0x19);
    rig_update(&rig, &frame);
    expect_text(2, 5, false, false);
}

/* 8 is none, 0 to 7 are one dot and more. */
static void text_pans_by_nine(void **state)
{
    (void)state;
    rig_set_mode(&rig, MODE_3);
    load_fonts();
    fill_text();
    rig_set(&rig, 0x3d4, 0x0a, 0x20);
    rig_set_attr(&rig, 0x10, 0x04);
    for (unsigned pan = 0; pan < 9; pan++) {
        unsigned by = pan == 8 ? 0 : pan + 1;

        rig_set_attr(&rig, 0x13, (uint8_t)pan);
        rig_update(&rig, &frame);
        for (unsigned x = 0; x < 720; x++) {
            unsigned i = (x + by) / 9, a = cell(2 * i + 1);
            unsigned dots = text_dots(0, cell(2 * i), 5);
            bool dot = dots >> (8 - (x + by) % 9) & 1;

            EXPECT(x, 5u, by_palette(MODE_3, dot ? a & 15 : a >> 4));
        }
    }
}

static void text_has_eight_dots_too(void **state)
{
    (void)state;
    rig_set_mode(&rig, MODE_3);
    load_fonts();
    fill_text();
    rig_set(&rig, 0x3d4, 0x0a, 0x20);
    rig_set(&rig, 0x3c4, 1, 1);
    rig_set_attr(&rig, 0x10, 0x00);
    rig_set_attr(&rig, 0x13, 0x00);
    rig_update(&rig, &frame);
    expect_size(640, 400);
    for (unsigned y = 0; y < 400; y++)
        for (unsigned x = 0; x < 640; x++) {
            unsigned i = y / 16 * COLUMNS + x / 8, a = cell(2 * i + 1);
            bool dot = glyph_line(0, cell(2 * i), y % 16) >> (7 - x % 8) & 1;

            EXPECT(x, y, by_palette(MODE_3, dot ? a & 15 : a >> 4));
        }
}

/* Blank text, character 0, whose glyph is blank; attribute 07. */
static void blank_text(void)
{
    for (unsigned i = 0; i < COLUMNS * ROWS; i++) {
        rig_poke(&rig, 0x18000 + 2 * i, 0);
        rig_poke(&rig, 0x18001 + 2 * i, 0x07);
    }
}

static void cursor_is_where_it_is_told(void **state)
{
    unsigned at = 3 * COLUMNS + 5;

    (void)state;
    rig_set_mode(&rig, MODE_3);
    blank_text();
    rig_set(&rig, 0x3d4, 0x0e, (uint8_t)(at >> 8));
    rig_set(&rig, 0x3d4, 0x0f, (uint8_t)at);
    wait_for_blink(true);
    rig_look(&rig, &frame);
    for (unsigned y = 0; y < 400; y++)
        for (unsigned x = 0; x < 720; x++) {
            bool in = y / 16 == 3 && x / 9 == 5 && y % 16 >= 13 && y % 16 < 15;

            EXPECT(x, y, by_palette(MODE_3, in ? 7 : 0));
        }
    /* Half a blink later it is gone, and its lines alone have changed. */
    harness_advance(rig.h, 8 * UINT64_C(14300000));
    assert_true(rig_look(&rig, &frame));
    for (unsigned y = 0; y < 400; y++) {
        assert_int_equal(rig_changed(&rig, &frame, y),
                         y / 16 == 3 && y % 16 >= 13 && y % 16 < 15);
        EXPECT(5 * 9u, y, by_palette(MODE_3, 0));
    }
    /* One that ends before it begins is none. */
    rig_set(&rig, 0x3d4, 0x0b, 0x0c);
    wait_for_blink(true);
    rig_look(&rig, &frame);
    for (unsigned y = 0; y < 400; y++)
        EXPECT(5 * 9u, y, by_palette(MODE_3, 0));
}

static void mono_underlines(void **state)
{
    (void)state;
    rig_set_mode(&rig, MODE_3);
    blank_text();
    rig_set(&rig, 0x3d4, 0x0a, 0x20);
    rig_set(&rig, 0x3d4, 0x14, 0x0d);
    rig_poke(&rig, 0x18000 + 2 * 7 + 1, 0x01);
    rig_poke(&rig, 0x18000 + 2 * 9 + 1, 0x09);
    rig_poke(&rig, 0x18000 + 2 * 11 + 1, 0x71);
    rig_update(&rig, &frame);
    for (unsigned y = 0; y < 16; y++)
        for (unsigned x = 0; x < 720; x++) {
            unsigned c = x / 9, want = c == 11 ? 7 : 0;

            if (y == 13 && (c == 7 || c == 9))
                want = c == 7 ? 1 : 9;
            EXPECT(x, y, by_palette(MODE_3, want));
        }
}

static void text_can_be_read(void **state)
{
    const struct display_ops *ops = rig.dev->class->display;
    struct display_text t;

    (void)state;
    assert_false(ops->text(rig.dev, &t)); /* nothing is shown yet */
    rig_set_mode(&rig, MODE_3);
    fill_text();
    rig_set(&rig, 0x3d4, 0x0f, 2 * COLUMNS + 11);
    assert_true(ops->text(rig.dev, &t));
    assert_int_equal(t.columns, 80);
    assert_int_equal(t.rows, 25);
    for (unsigned i = 0; i < COLUMNS * ROWS; i++)
        assert_int_equal(t.cells[i], cell(2 * i) | cell(2 * i + 1) << 8);
    assert_int_equal(t.cursor_row, 2);
    assert_int_equal(t.cursor_column, 11);
    assert_true(t.blink);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(t.colour[i], by_palette(MODE_3, i));
    rig_set(&rig, 0x3d4, 0x0a, 0x2d);
    assert_true(ops->text(rig.dev, &t));
    assert_int_equal(t.cursor_row, -1);
    rig_set_mode(&rig, MODE_13);
    assert_false(ops->text(rig.dev, &t));
}

/* -------------------------------------------------------- within frames */

static void screen_splits(void **state)
{
    (void)state;
    rig_set_mode(&rig, MODE_X);
    fill_planes(0x10000);
    rig_set(&rig, 0x3d4, 0x0c, 0x40);
    rig_set(&rig, 0x3d4, 0x18, 301 & 0xff); /* bit 8 in CR7, bit 9 in CR9 */
    rig_set(&rig, 0x3d4, 0x11, 0x2c);
    rig_set(&rig, 0x3d4, 0x07, 0x3e);
    rig_set(&rig, 0x3d4, 0x09, 0x01);
    rig_set_attr(&rig, 0x13, 2);
    for (unsigned compat = 0; compat < 2; compat++) {
        rig_set_attr(&rig, 0x10, compat ? 0x61 : 0x41);
        rig_update(&rig, &frame);
        expect_size(320, 480);
        for (unsigned y = 0; y < 480; y++)
            for (unsigned x = 0; x < 320; x++) {
                uint32_t at = 0x4000 * 4 + y / 2 * 320 + x + 1;

                if (y > 301)
                    at = (y - 302) / 2 * 320 + x + (compat ? 0 : 1);
                EXPECT(x, y, rig_colour(noise(at)));
            }
    }
}

static unsigned line_now(void)
{
    return vga_beam(&((struct rig_card *)rig.dev)->vga).line;
}

static void wait_for_line(unsigned line)
{
    while (line_now() == line)
        harness_advance(rig.h, 1000);
    while (line_now() != line)
        harness_advance(rig.h, 1000);
}

static void set_colour_0(uint8_t red)
{
    rig_out(&rig, 0x3c8, 0);
    rig_out(&rig, 0x3c9, red);
    rig_out(&rig, 0x3c9, 0);
    rig_out(&rig, 0x3c9, 0);
}

/* Copper bars: colour 0 of the DAC changes as the beam goes down. */
static void palette_changes_by_the_line(void **state)
{
    (void)state;
    rig_set_mode(&rig, MODE_13);
    for (uint32_t i = 0; i < 64000; i++)
        rig_poke(&rig, i, 0);
    for (unsigned f = 0; f < 3; f++) { /* before anybody looks */
        wait_for_line(420);
        set_colour_0(63);
        wait_for_line(99);
        set_colour_0(30);
        wait_for_line(249);
        set_colour_0(1);
    }
    wait_for_line(10); /* of the next frame */
    assert_true(rig_look(&rig, &frame));
    for (unsigned y = 0; y < 400; y++)
        EXPECT(7u, y, y < 100 ? 0xff0000u : y < 250 ? 0x790000u : 0x040000u);
    /* When it stops, the last colour is that of all lines. */
    rig_update(&rig, &frame);
    for (unsigned y = 0; y < 400; y++)
        EXPECT(7u, y, 0x040000u);
    assert_false(rig_update(&rig, &frame));
}

/* A curtain: the screen is off above line 200.  While it is off all the time,
 * changes below it are none. */
static void screen_is_off_by_the_line(void **state)
{
    (void)state;
    rig_set_mode(&rig, MODE_13);
    for (uint32_t i = 0; i < 64000; i++)
        rig_poke(&rig, i, 0);
    set_colour_0(63);
    for (unsigned f = 0; f < 3; f++) {
        wait_for_line(420);
        rig_set(&rig, 0x3c4, 1, 0x21);
        wait_for_line(199);
        rig_set(&rig, 0x3c4, 1, 0x01);
    }
    wait_for_line(10);
    assert_true(rig_look(&rig, &frame));
    for (unsigned y = 0; y < 400; y++)
        EXPECT(7u, y, y < 200 ? 0u : 0xff0000u);
    rig_set(&rig, 0x3c4, 1, 0x21);
    wait_for_line(9);
    wait_for_line(9);
    assert_true(rig_update(&rig, &frame));
    rig_update(&rig, &frame);
    set_colour_0(5);
    assert_false(rig_update(&rig, &frame));
}

/* One bit of panning and one of the start address: only the former at once. */
static void start_waits_for_retrace(void **state)
{
    (void)state;
    rig_set_mode(&rig, MODE_X);
    fill_planes(0x10000);
    rig_update(&rig, &frame);
    wait_for_line(100);
    rig_set(&rig, 0x3d4, 0x0c, 0x10);
    rig_set(&rig, 0x3d4, 0x0d, 0x20);
    rig_set(&rig, 0x3ce, 0x05, 0x41); /* write mode 1: nothing to see */
    rig_look(&rig, &frame);
    EXPECT(3u, 300u, rig_colour(noise(150 * 320 + 3)));
    wait_for_line(485); /* shown, but for retrace at line 490 */
    rig_look(&rig, &frame);
    EXPECT(3u, 300u, rig_colour(noise(150 * 320 + 3)));
    wait_for_line(5);
    rig_look(&rig, &frame);
    EXPECT(3u, 300u, rig_colour(noise(0x1020 * 4 + 150 * 320 + 3)));
}

/* -------------------------------------------------------------- changes */

static void nothing_new_is_nothing(void **state)
{
    (void)state;
    rig_set_mode(&rig, MODE_13);
    assert_true(rig_update(&rig, &frame));
    rig_update(&rig, &frame); /* pages get a second look */
    assert_false(rig_update(&rig, &frame));
    rig_poke(&rig, 100 * 320 + 17, 1);
    assert_true(rig_update(&rig, &frame));
    assert_false(rig_resized(&rig, &frame));
    for (unsigned y = 0; y < 400; y++)
        assert_int_equal(rig_changed(&rig, &frame, y), y / 2 == 100);
    rig_poke(&rig, 100 * 320 + 17, 1); /* the same again */
    assert_false(rig_update(&rig, &frame));
    rig_poke(&rig, 65000, 1); /* below the screen */
    assert_false(rig_update(&rig, &frame));
    rig_set(&rig, 0x3c4, 2, 0x01); /* not of the screen */
    assert_false(rig_update(&rig, &frame));
    rig_set_mode(&rig, MODE_12);
    assert_true(rig_update(&rig, &frame));
    assert_true(rig_resized(&rig, &frame));
}

/* The shift registers are GR5's, how wide a pixel is AR10's. */
static void pixels_are_4_or_8_bits(void **state)
{
    (void)state;
    rig_set_mode(&rig, MODE_13);
    for (uint32_t i = 0; i < 64000; i++)
        rig_poke(&rig, i, noise(i));
    rig_set_attr(&rig, 3, 0x2d); /* the palette counts for 4 */
    rig_set_attr(&rig, 0x10, 0x01);
    rig_update(&rig, &frame);
    expect_size(640, 400);
    for (unsigned y = 0; y < 400; y += 7)
        for (unsigned x = 0; x < 640; x++) {
            unsigned four = noise(y / 2 * 320 + x / 2) >> (x % 2 ? 0 : 4) & 15;

            EXPECT(x, y, rig_colour(four == 3 ? 0x2d : four));
        }
    rig_set_mode(&rig, MODE_D);
    fill_planes(0x2000);
    rig_set_attr(&rig, 0x10, 0x41);
    rig_update(&rig, &frame);
    expect_size(160, 400);
    for (unsigned y = 0; y < 400; y += 7)
        for (unsigned x = 0; x < 160; x++) {
            unsigned at = y / 2 * 40 + x / 4, bit = x % 4 * 2;

            EXPECT(
                x, y,
                rig_colour(four_bits(at, bit) << 4 | four_bits(at, bit + 1)));
        }
}

/* In graphics bit 3 does, behind the mask of planes. */
static void graphics_blink(void **state)
{
    unsigned seen = 0;

    (void)state;
    rig_set_mode(&rig, MODE_D);
    fill_planes(0x2000);
    rig_set_attr(&rig, 0x10, 0x09);
    rig_set_attr(&rig, 0x12, 0x05);
    for (unsigned i = 0; i < 30; i++) {
        bool on;

        rig_update(&rig, &frame);
        on = pixel(0, 0) == by_palette(MODE_D, four_bits(0, 0) & 5);
        seen |= on ? 1 : 2;
        for (unsigned y = 0; y < 400; y += 9)
            for (unsigned x = 0; x < 320; x++)
                EXPECT(x, y,
                       by_palette(MODE_D,
                                  (four_bits(y / 2 * 40 + x / 8, x % 8) & 5) ^
                                      (on ? 0 : 8)));
    }
    assert_int_equal(seen, 3);
}

/* Each line of the vertical counter twice; the row scan goes on with each. */
static void every_second_line_counts(void **state)
{
    (void)state;
    rig_set_mode(&rig, MODE_D);
    fill_planes(0x8000);
    rig_set(&rig, 0x3d4, 0x17, 0xe7);
    rig_set(&rig, 0x3d4, 0x09, 0x80); /* line compare 299 */
    rig_set(&rig, 0x3d4, 0x18, 0x2b);
    rig_set(&rig, 0x3d4, 0x07, 0x1f);
    rig_update(&rig, &frame);
    rig_update(&rig, &frame); /* 35 frames a second */
    expect_size(320, 800);
    for (unsigned y = 0; y < 800; y++)
        for (unsigned x = 0; x < 320; x += 13) {
            unsigned row = y < 600 ? y / 2 : (y - 600) / 2;

            EXPECT(x, y,
                   by_palette(MODE_D, four_bits(row * 40 + x / 8, x % 8)));
        }
}

/* SR4 bit 1 clear: 16 KiB a plane, and the first font. */
static void memory_may_be_64k(void **state)
{
    (void)state;
    rig_set_mode(&rig, MODE_D);
    fill_planes(0x8000);
    rig_set(&rig, 0x3d4, 0x0c, 0x50);
    rig_update(&rig, &frame);
    EXPECT(17u, 0u, by_palette(MODE_D, four_bits(0x5002, 1)));
    rig_set(&rig, 0x3c4, 4, 0x04);
    rig_update(&rig, &frame);
    EXPECT(17u, 0u, by_palette(MODE_D, four_bits(0x1002, 1)));
    rig_set_mode(&rig, MODE_3);
    load_fonts();
    fill_text();
    rig_set(&rig, 0x3c4, 3, 0x15);
    rig_set_attr(&rig, 0x10, 0x04);
    rig_set(&rig, 0x3d4, 0x0a, 0x20);
    rig_set(&rig, 0x3c4, 4, 0);
    rig_update(&rig, &frame);
    expect_text(0, 0, false, false);
}

static void no_sync_is_black(void **state)
{
    static const struct {
        unsigned port, index;
        uint8_t value;
    } r[] = {{0x3c4, 0, 1}, {0x3c4, 0, 2}, {0x3d4, 0x17, 0x23}};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        rig_set_mode(&rig, MODE_13);
        for (uint32_t at = 0; at < 64000; at++)
            rig_poke(&rig, at, 200);
        rig_set_attr(&rig, 0x11, 200);
        rig_update(&rig, &frame);
        EXPECT(0u, 0u, rig_colour(200));
        rig_set(&rig, r[i].port, r[i].index, r[i].value);
        rig_update(&rig, &frame);
        EXPECT(0u, 0u, 0u);
        EXPECT(319u, 399u, 0u);
    }
}

static void screen_off_is_black(void **state)
{
    (void)state;
    rig_set_mode(&rig, MODE_13);
    for (uint32_t i = 0; i < 64000; i++)
        rig_poke(&rig, i, 200);
    rig_update(&rig, &frame);
    EXPECT(0u, 0u, rig_colour(200));
    rig_set(&rig, 0x3c4, 1, 0x21);
    assert_true(rig_update(&rig, &frame));
    expect_size(320, 400);
    EXPECT(319u, 399u, 0u);
    rig_set(&rig, 0x3c4, 1, 0x01);
    assert_true(rig_update(&rig, &frame));
    EXPECT(319u, 399u, rig_colour(200));
    /* The CPU has the palette: the screen is of the overscan colour. */
    rig_set_attr(&rig, 0x11, 9);
    rig_out(&rig, 0x3c0, 0x00);
    rig_update(&rig, &frame);
    EXPECT(5u, 5u, rig_colour(9));
}

/* ------------------------------------------------------------------ VBE */

static void start_vbe(unsigned width, unsigned height, unsigned bpp)
{
    rig_set_attr(&rig, 0x13, 0); /* switches the screen on */
    rig_vbe_set(&rig, VBE_ENABLE, 0);
    rig_vbe_set(&rig, VBE_XRES, (uint16_t)width);
    rig_vbe_set(&rig, VBE_YRES, (uint16_t)height);
    rig_vbe_set(&rig, VBE_BPP, (uint16_t)bpp);
    rig_vbe_set(&rig, VBE_ENABLE, VBE_ENABLED | VBE_LFB);
}

/* The byte `at` of linear memory, through banks. */
static void fill_linear(uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        if (i % 0x10000 == 0)
            rig_vbe_set(&rig, VBE_BANK, (uint16_t)(i / 0x10000));
        rig_poke(&rig, i % 0x10000, noise(i));
    }
}

static uint32_t number(uint32_t at, unsigned bytes)
{
    uint32_t v = 0;

    for (unsigned i = 0; i < bytes; i++)
        v |= (uint32_t)noise(at + i) << 8 * i;
    return v;
}

/* n bits of v from bit `at` on as 8: the highest repeat. */
static uint32_t scaled(uint32_t v, unsigned at, unsigned n)
{
    v = v >> at & ((1u << n) - 1);
    return (v << (8 - n) | v >> (2 * n - 8)) & 0xff;
}

static uint32_t vbe_colour(uint32_t at, unsigned bpp)
{
    uint32_t v = number(at, (bpp + 7) / 8);

    switch (bpp) {
    case 8:
        return rig_colour(v);
    case 15:
        return scaled(v, 10, 5) << 16 | scaled(v, 5, 5) << 8 | scaled(v, 0, 5);
    case 16:
        return scaled(v, 11, 5) << 16 | scaled(v, 5, 6) << 8 | scaled(v, 0, 5);
    default:
        return v & 0xffffff;
    }
}

static void vbe_has_depths(void **state)
{
    static const unsigned depths[] = {8, 15, 16, 24, 32};

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        unsigned bytes = (depths[i] + 7) / 8, pitch = 400 * bytes;

        start_vbe(320, 200, depths[i]);
        rig_vbe_set(&rig, VBE_VIRT_WIDTH, 400);
        rig_vbe_set(&rig, VBE_X_OFFSET, 40);
        rig_vbe_set(&rig, VBE_Y_OFFSET, 33);
        fill_linear(pitch * 240);
        assert_true(rig_update(&rig, &frame));
        expect_size(320, 200);
        assert_int_equal(frame.aspect_x, frame.aspect_y);
        for (unsigned y = 0; y < 200; y++)
            for (unsigned x = 0; x < 320; x++)
                EXPECT(
                    x, y,
                    vbe_colour((y + 33) * pitch + (x + 40) * bytes, depths[i]));
    }
}

/* A mode shows at once, though the frame has changes that were noted. */
static void vbe_shows_at_once(void **state)
{
    (void)state;
    rig_set_mode(&rig, MODE_12);
    rig_update(&rig, &frame);
    rig_out(&rig, 0x3c6, 0x0f);
    start_vbe(320, 200, 8);
    rig_out(&rig, 0x3c6, 0xff);
    rig_look(&rig, &frame);
    expect_size(320, 200);
    rig_vbe_set(&rig, VBE_ENABLE, 0);
    rig_look(&rig, &frame);
    expect_size(640, 480);
}

static void vbe_has_16_colours(void **state)
{
    (void)state;
    rig_set_mode(&rig, MODE_12);
    start_vbe(1024, 768, 4);
    for (unsigned bank = 0; bank < 2; bank++) {
        rig_vbe_set(&rig, VBE_BANK, (uint16_t)bank);
        for (unsigned p = 0; p < 4; p++) {
            rig_set(&rig, 0x3c4, 2, (uint8_t)(1 << p));
            for (uint32_t i = 0; i < 0x10000; i++)
                rig_poke(&rig, i, noise((bank << 16 | i) * 4 + p));
        }
    }
    rig_update(&rig, &frame);
    expect_size(1024, 768);
    for (unsigned y = 0; y < 768; y++)
        for (unsigned x = 0; x < 1024; x++)
            EXPECT(x, y,
                   by_palette(MODE_12, four_bits(y * 128 + x / 8, x % 8)));
}

static void vbe_has_a_dac_of_8_bits(void **state)
{
    (void)state;
    start_vbe(320, 200, 8);
    rig_vbe_set(&rig, VBE_ENABLE, VBE_ENABLED | VBE_8BIT_DAC);
    rig_out(&rig, 0x3c8, 0);
    rig_out(&rig, 0x3c9, 0xfe);
    rig_out(&rig, 0x3c9, 0x81);
    rig_out(&rig, 0x3c9, 0x03);
    rig_update(&rig, &frame);
    EXPECT(0u, 0u, 0xfe8103u);
    /* Back to 6 bits, and to 8: the colour is the same but for those. */
    rig_vbe_set(&rig, VBE_ENABLE, VBE_ENABLED | VBE_NOCLEAR);
    rig_update(&rig, &frame);
    EXPECT(0u, 0u, 0xff8200u);
    rig_out(&rig, 0x3c7, 0);
    assert_int_equal(rig_in(&rig, 0x3c9), 0x3f);
    assert_int_equal(rig_in(&rig, 0x3c9), 0x20);
    assert_int_equal(rig_in(&rig, 0x3c9), 0);
    rig_vbe_set(&rig, VBE_ENABLE, VBE_ENABLED | VBE_8BIT_DAC);
    rig_update(&rig, &frame);
    EXPECT(0u, 0u, 0xff8200u);
}

/* ----------------------------------------------------------- the walk */

/* To a line at once, as step by step: any rows, preset, split, doubling. */
static void walks_to_any_line(void **state)
{
    struct vga_regs r = {0};

    (void)state;
    for (uint32_t n = 0; n < 400; n++) {
        struct vga_walk step, there;

        r.start = noise(9 * n) * 257u;
        r.crtc[CR_PRESET_ROW] = noise(9 * n + 1) & (n & 1 ? 0x7f : 0x60);
        r.crtc[CR_MAX_SCAN_LINE] = noise(9 * n + 2) & (n & 2 ? 0xff : 0xef);
        r.crtc[CR_OFFSET] = noise(9 * n + 3);
        r.crtc[CR_OVERFLOW] = noise(9 * n + 4);
        r.crtc[CR_LINE_COMPARE] = noise(9 * n + 5);
        r.crtc[CR_MODE] = noise(9 * n + 6);
        vga_walk_start(&r, &step);
        for (unsigned y = 0; y < 2048; y++) {
            vga_walk_to(&r, &there, y);
            if (there.address != step.address ||
                there.row_scan != step.row_scan || there.again != step.again ||
                there.split != step.split)
                fail_msg("case %u: line %u differs", n, y);
            vga_walk_next(&r, &step, y);
        }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_to_any_line),
        TEST(cga_has_two_bits_a_pixel),
        TEST(cga_has_one_bit_a_pixel),
        TEST(ega_has_four_planes),
        TEST(shift_registers_are_chained),
        TEST(vga_has_480_lines),
        TEST(mode_13h_has_256_colours),
        TEST(doublewords_wrap),
        TEST(mode_x_has_240_lines_and_pages),
        TEST(text_has_fonts_and_blink),
        TEST(text_pans_by_nine),
        TEST(text_has_eight_dots_too),
        TEST(cursor_is_where_it_is_told),
        TEST(mono_underlines),
        TEST(text_can_be_read),
        TEST(screen_splits),
        TEST(palette_changes_by_the_line),
        TEST(screen_is_off_by_the_line),
        TEST(start_waits_for_retrace),
        TEST(nothing_new_is_nothing),
        TEST(pixels_are_4_or_8_bits),
        TEST(graphics_blink),
        TEST(every_second_line_counts),
        TEST(memory_may_be_64k),
        TEST(no_sync_is_black),
        TEST(screen_off_is_black),
        TEST(vbe_has_depths),
        TEST(vbe_shows_at_once),
        TEST(vbe_has_16_colours),
        TEST(vbe_has_a_dac_of_8_bits),
    };

    return cmocka_run_group_tests_name("VGA's picture", tests, NULL, NULL);
}
