/*
 * A monitor's EDID: one block.
 *
 * VESA E-EDID Standard, Release A, Revision 2 (EDID 1.4): 3.1 to 3.11.  VESA
 * Coordinated Video Timings 1.2, reduced blanking, for the detailed timing: a
 * display that follows our frames has no electron beam to wait for.  The list
 * of further resolutions is that of QEMU's monitor as far as the card has them,
 * so that a guest finds the same here and there.
 *
 * The monitor is flat, of 100 dots an inch and sRGB colours.
 *
 * Missing: extension blocks (CTA-861: sound, and what televisions need).
 */
#include "devices/display/edid.h"

#include <string.h>

/* Of the block. */
enum {
    MANUFACTURER = 8,
    PRODUCT = 10,
    WEEK = 16,
    YEAR = 17,
    VERSION = 18,
    REVISION = 19,
    INPUT = 20,
    WIDTH_CM = 21,
    HEIGHT_CM = 22,
    GAMMA = 23,
    FEATURES = 24,
    CHROMATICITY = 25,
    ESTABLISHED = 35,
    STANDARD = 38,
    DESCRIPTOR = 54,
    DESCRIPTOR_SIZE = 18,
    CHECKSUM = 127,
};

enum {
    INPUT_DIGITAL_8 = 0xa0, /* 8 bits a colour, by no named interface */
    FEATURES_SRGB = 1 << 2,
    FEATURES_NATIVE = 1 << 1, /* the first timing is the panel's */
    WEEK_MODEL = 0xff,        /* the year is the model's */
    FIRST_YEAR = 1990,
    DTD_SEPARATE_SYNC = 3 << 3,
    DTD_H_POSITIVE = 1 << 1,
    TAG_NAME = 0xfc,
    TAG_LIMITS = 0xfd,
    TAG_ESTABLISHED_3 = 0xf7,
};

#define HZ 60

/* CVT's reduced blanking: dots, lines, and the shortest blanking. */
enum {
    RB_H_FRONT = 48,
    RB_H_SYNC = 32,
    RB_H_BLANK = 160,
    RB_V_FRONT = 3,
    RB_V_BACK = 6,
    RB_V_BLANK_US = 460,
    CLOCK_STEP = 250000,
};

bool edid_check(uint32_t width, uint32_t height, struct error *e)
{
    if (width < 640 || width > 2560 || width % 8)
        return error_set(e, "xres is %u: want a multiple of 8 from 640 to 2560",
                         width);
    if (height < 400 || height > 1600)
        return error_set(e, "yres is %u: want 400 to 1600", height);
    return true;
}

static void put16(uint8_t *at, uint32_t v)
{
    at[0] = (uint8_t)v;
    at[1] = (uint8_t)(v >> 8);
}

/* A picture's form by the width of its sync, CVT table 2. */
static uint32_t sync_lines(uint32_t w, uint32_t h)
{
    static const uint8_t form[][3] = {
        {4, 3, 4}, {16, 9, 5}, {16, 10, 6}, {5, 4, 7}, {15, 9, 7}};

    for (unsigned i = 0; i < sizeof(form) / sizeof(form[0]); i++)
        if (w * form[i][1] == h * form[i][0])
            return form[i][2];
    return 10;
}

/* Two lengths of 12 bits, whose high ones share a byte. */
static void put_pair(uint8_t *at, uint32_t a, uint32_t b)
{
    at[0] = (uint8_t)a;
    at[1] = (uint8_t)b;
    at[2] = (uint8_t)(a >> 8 << 4 | b >> 8);
}

/* Of dots, 100 an inch. */
static uint32_t millimetres(uint32_t dots)
{
    return dots * 254 / 1000;
}

static void put_timing(uint8_t *d, uint32_t w, uint32_t h)
{
    uint32_t sync = sync_lines(w, h), least = RB_V_FRONT + sync + RB_V_BACK;
    uint32_t blank =
        RB_V_BLANK_US * HZ * h / (1000000 - RB_V_BLANK_US * HZ) + 1;
    uint64_t clock;

    blank = blank > least ? blank : least;
    clock = (uint64_t)HZ * (w + RB_H_BLANK) * (h + blank);
    put16(d, (uint32_t)(clock / CLOCK_STEP * (CLOCK_STEP / 10000)));
    put_pair(d + 2, w, RB_H_BLANK);
    put_pair(d + 5, h, blank);
    d[8] = RB_H_FRONT;
    d[9] = RB_H_SYNC;
    d[10] = (uint8_t)(RB_V_FRONT << 4 | sync);
    d[11] = 0;
    put_pair(d + 12, millimetres(w), millimetres(h));
    d[17] = DTD_SEPARATE_SYNC | DTD_H_POSITIVE;
}

static void put_descriptor(uint8_t *d, uint8_t tag, const void *data,
                           unsigned size)
{
    memset(d, 0, 5);
    d[3] = tag;
    memcpy(d + 5, data, size);
}

static void put_descriptors(uint8_t *d, uint32_t w, uint32_t h)
{
    /* 50 to 75 Hz, 15 to 160 kHz, up to 300 MHz; nothing computed. */
    static const uint8_t limits[13] = {50,  75,  15,  160, 30,  1,  '\n',
                                       ' ', ' ', ' ', ' ', ' ', ' '};
    /* 1280x768, 1360x768 and 1400x1050, 1792x1344 and 1856x1392, 1920x1440. */
    static const uint8_t more[13] = {10, 0, 0x40, 0x82, 0, 0x28, 0x20};

    put_timing(d, w, h);
    put_descriptor(d + DESCRIPTOR_SIZE, TAG_NAME, "emu monitor\n ", 13);
    put_descriptor(d + 2 * DESCRIPTOR_SIZE, TAG_LIMITS, limits, 13);
    put_descriptor(d + 3 * DESCRIPTOR_SIZE, TAG_ESTABLISHED_3, more, 13);
}

void edid_make(uint32_t width, uint32_t height, uint8_t block[EDID_SIZE])
{
    static const uint8_t header[8] = {0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0};
    /* Red 0.64 0.33, green 0.30 0.60, blue 0.15 0.06, white 0.3127 0.3290, in
     * 1024ths: two bytes of the lowest bits, then the others. */
    static const uint8_t srgb[10] = {0xee, 0x91, 0xa3, 0x54, 0x4c,
                                     0x99, 0x26, 0x0f, 0x50, 0x54};
    /* 640x480, 800x600; 1024x768. */
    static const uint8_t established[3] = {1 << 5 | 1 << 0, 1 << 3, 0};
    /* Width / 8 - 31; 16:10, 4:3, 5:4 or 16:9 in bits 7 and 6, and 60 Hz. */
    static const uint8_t standard[16] = {
        2048 / 8 - 31, 3 << 6, 1920 / 8 - 31, 3 << 6, 1920 / 8 - 31, 0 << 6,
        1600 / 8 - 31, 1 << 6, 1680 / 8 - 31, 0 << 6, 1440 / 8 - 31, 0 << 6,
        1280 / 8 - 31, 2 << 6, 1280 / 8 - 31, 1 << 6};
    uint8_t sum = 0;

    memset(block, 0, EDID_SIZE);
    memcpy(block, header, sizeof(header));
    /* Five bits a letter, from the highest: "EMU". */
    block[MANUFACTURER] = ('E' - '@') << 2 | ('M' - '@') >> 3;
    block[MANUFACTURER + 1] = (uint8_t)(('M' - '@') << 5 | ('U' - '@'));
    put16(block + PRODUCT, 1);
    block[WEEK] = WEEK_MODEL;
    block[YEAR] = 2025 - FIRST_YEAR;
    block[VERSION] = 1;
    block[REVISION] = 4;
    block[INPUT] = INPUT_DIGITAL_8;
    block[WIDTH_CM] = (uint8_t)(millimetres(width) / 10);
    block[HEIGHT_CM] = (uint8_t)(millimetres(height) / 10);
    block[GAMMA] = 220 - 100;
    block[FEATURES] = FEATURES_SRGB | FEATURES_NATIVE;
    memcpy(block + CHROMATICITY, srgb, sizeof(srgb));
    memcpy(block + ESTABLISHED, established, sizeof(established));
    memcpy(block + STANDARD, standard, sizeof(standard));
    put_descriptors(block + DESCRIPTOR, width, height);
    for (unsigned i = 0; i < CHECKSUM; i++)
        sum += block[i];
    block[CHECKSUM] = (uint8_t)-sum;
}
