/*
 * The way of bytes between CPU and planes: write modes, read modes, latches.
 * Blocks of 64 by 48 pixels in 640x480, each by another way; the bottom row
 * shows what was read back.
 */
#include "tests/machine/screens/screens.h"

#define PITCH 80
#define ROWS 48

static volatile uint8_t *at(unsigned column, unsigned row)
{
    return (uint8_t *)0xa0000 + row * 56 * PITCH + column * 10;
}

/* `value` to each byte of a block, behind a read. */
static void fill(unsigned column, unsigned row, unsigned value)
{
    volatile uint8_t *p = at(column, row);

    for (unsigned y = 0; y < ROWS; y++)
        for (unsigned x = 0; x < 8; x++) {
            (void)p[y * PITCH + x];
            p[y * PITCH + x] = (uint8_t)(value + y * x);
        }
}

static void plain(void)
{
    set(SEQ, 2, 15);
    for (unsigned i = 0; i < 9; i++)
        set(GFX, i, vga_modes[MODE_12].gfx[i]);
}

/* Stripes in some planes, for the latches to hold. */
static void ground(unsigned column, unsigned row)
{
    plain();
    for (unsigned plane = 0; plane < 4; plane++) {
        volatile uint8_t *p = at(column, row);

        set(SEQ, 2, 1 << plane);
        for (unsigned y = 0; y < ROWS; y++)
            for (unsigned x = 0; x < 8; x++)
                p[y * PITCH + x] =
                    (uint8_t)(y >> plane & 2 ? 0xf0 >> plane : 0x3c);
    }
    set(SEQ, 2, 15);
}

static void write_mode_0(void)
{
    static const struct {
        uint8_t planes, set, enable, rotate, mask;
    } way[16] = {
        {15, 0, 0, 0, 0xff},     {5, 0, 0, 0, 0xff},
        {15, 9, 15, 0, 0xff},    {15, 6, 3, 0, 0xff},
        {15, 0, 0, 3, 0xff},     {15, 0, 0, 0, 0x3c},
        {15, 0, 0, 0x08, 0xff},  {15, 0, 0, 0x10, 0xff},
        {15, 0, 0, 0x18, 0xff},  {15, 10, 15, 0x18, 0xf0},
        {3, 5, 12, 0x11, 0x7e},  {12, 15, 4, 0x0f, 0xaa},
        {15, 12, 8, 0x1a, 0x0f}, {10, 0, 15, 0x08, 0xe7},
        {15, 7, 7, 0x16, 0x99},  {6, 2, 6, 0x1c, 0x55},
    };

    for (unsigned i = 0; i < 16; i++) {
        ground(i % 8, i / 8);
        set(SEQ, 2, way[i].planes);
        set(GFX, 0, way[i].set);
        set(GFX, 1, way[i].enable);
        set(GFX, 3, way[i].rotate);
        set(GFX, 8, way[i].mask);
        fill(i % 8, i / 8, 0x1b);
    }
}

/* Block 0 by its latches to the others. */
static void write_mode_1(void)
{
    for (unsigned i = 0; i < 8; i++) {
        volatile uint8_t *from = at(i, 0), *to = at(i, 2);

        plain();
        set(SEQ, 2, i ? i * 2 - 1 : 15);
        set(GFX, 5, 1);
        set(GFX, 8, i); /* does not matter */
        for (unsigned y = 0; y < ROWS; y++)
            for (unsigned x = 0; x < 8; x++) {
                (void)from[y * PITCH + x];
                to[y * PITCH + x] = 0xff;
            }
    }
}

static void write_modes_2_3(void)
{
    for (unsigned i = 0; i < 8; i++) {
        ground(i, 3);
        set(GFX, 5, 2);
        set(GFX, 3, (i & 3) << 3 | 5); /* it does not rotate */
        set(GFX, 8, i < 4 ? 0xff : 0x7e);
        fill(i, 3, i);
        ground(i, 4);
        set(GFX, 5, 3);
        set(GFX, 0, i * 2 + 1);
        set(GFX, 3, (i & 3) << 3 | i);
        set(GFX, 8, i < 4 ? 0xff : 0x7e);
        fill(i, 4, 0x96);
    }
}

/* Read modes: what comes of each byte of a block goes to the block below. */
static void read_back(unsigned column, unsigned from, unsigned to)
{
    volatile uint8_t *p = at(column, from), *q = at(column, to);
    static uint8_t line[8];

    for (unsigned y = 0; y < ROWS; y++) {
        unsigned mode = get(GFX, 5);

        for (unsigned x = 0; x < 8; x++)
            line[x] = p[y * PITCH + x];
        set(GFX, 5, 0);
        set(GFX, 0, 0);
        for (unsigned x = 0; x < 8; x++)
            q[y * PITCH + x] = line[x];
        set(GFX, 5, mode);
    }
}

static void read_modes(void)
{
    static const uint8_t compare[4] = {5, 9, 0, 15}, care[4] = {15, 3, 0, 6};

    for (unsigned i = 0; i < 8; i++) {
        ground(i, 5);
        if (i < 4) {
            set(GFX, 4, i);
        } else {
            set(GFX, 5, 8);
            set(GFX, 2, compare[i - 4]);
            set(GFX, 7, care[i - 4]);
        }
        read_back(i, 5, 6);
    }
    plain();
}

static void all_ways(void)
{
    set_mode(MODE_12);
    write_mode_0();
    write_mode_1();
    write_modes_2_3();
    read_modes();
}

/* Odd and even addresses to and from pairs of planes, seen as planes. */
static void odd_even(void)
{
    volatile uint8_t *p = (uint8_t *)0xb8000;

    set_mode(MODE_12);
    set(SEQ, 4, 2);
    set(GFX, 5, 0x10);
    set(GFX, 6, 0x0e);
    for (unsigned pair = 0; pair < 2; pair++) {
        set(SEQ, 2, 3 << 2 * pair);
        for (unsigned i = 0; i < 0x4000; i++)
            p[i + pair * 0x4000] = (uint8_t)(i / 80 + i);
    }
    /* Read with a plane of either pair. */
    set(SEQ, 2, 15);
    for (unsigned i = 0; i < 0x1000; i++) {
        uint8_t v;

        set(GFX, 4, i & 0x800 ? 2 : 1);
        v = p[i];
        p[i + 0x2000] = (uint8_t)(v ^ p[i ^ 1]);
    }
    plain();
    set(SEQ, 4, 6);
}

/* Chain-4 writes as words and doublewords, aligned and not, seen unchained. */
static void chain_4(void)
{
    set_mode(MODE_13);
    for (unsigned i = 0; i < 16000; i++)
        *(volatile uint32_t *)(0xa0000 + i * 4) = i * 0x01010101 + 0x30201000;
    for (unsigned i = 0; i < 4000; i++)
        *(volatile uint16_t *)(0xa0003 + i * 4) = (uint16_t)(i | i << 8);
    set(SEQ, 4, 6);
    set(CRTC, 0x14, 0);
    set(CRTC, 0x17, 0xe3);
    /* Plane 1 again, with a mask. */
    set(SEQ, 2, 2);
    for (unsigned i = 0; i < 0x8000; i += 3)
        *(volatile uint8_t *)(0xa4000 + i) = (uint8_t)i;
}

const struct screen memory_screens[] = {
    {"write-modes", all_ways, 0},
    {"odd-even", odd_even, 0},
    {"chain-4", chain_4, 0},
    {0, 0, 0},
};
