/*
 * The VGA's registers, its memory against a simple model of four planes, what
 * RAM answers in place of registers, and retrace by the clock.
 */
#include "tests/devices/vga_rig.h"

#include <string.h>

static struct vga_rig rig;

static int setup(void **state)
{
    (void)state;
    rig_open(&rig, "isa-vga", NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

/* ------------------------------------------------------------ registers */

static void registers_hold_their_bits(void **state)
{
    static const struct {
        unsigned port, index;
        uint8_t bits;
    } r[] = {
        {0x3c4, 0, 0x03},    {0x3c4, 1, 0x3d},    {0x3c4, 2, 0x0f},
        {0x3c4, 3, 0x3f},    {0x3c4, 4, 0x0e},    {0x3ce, 0, 0x0f},
        {0x3ce, 1, 0x0f},    {0x3ce, 2, 0x0f},    {0x3ce, 3, 0x1f},
        {0x3ce, 4, 0x03},    {0x3ce, 5, 0x7b},    {0x3ce, 6, 0x0f},
        {0x3ce, 7, 0x0f},    {0x3ce, 8, 0xff},    {0x3d4, 0x00, 0xff},
        {0x3d4, 0x0c, 0xff}, {0x3d4, 0x18, 0xff},
    };

    (void)state;
    rig_out(&rig, 0x3c2, 0xff);
    assert_int_equal(rig_in(&rig, 0x3cc), 0xef);
    for (unsigned i = 0; i < sizeof(r) / sizeof(r[0]); i++) {
        rig_set(&rig, r[i].port, r[i].index, 0xff);
        assert_int_equal(rig_get(&rig, r[i].port, r[i].index), r[i].bits);
        rig_set(&rig, r[i].port, r[i].index, 0);
        assert_int_equal(rig_get(&rig, r[i].port, r[i].index), 0);
    }
    assert_int_equal(rig_get(&rig, 0x3d4, 0x30), 0xff);
}

static void crtc_moves_between_3b_and_3d(void **state)
{
    (void)state;
    rig_out(&rig, 0x3c2, 0x01);
    rig_set(&rig, 0x3d4, 0x0c, 0x12);
    assert_int_equal(rig_get(&rig, 0x3b4, 0x0c), 0xff);
    rig_out(&rig, 0x3c2, 0x00);
    assert_int_equal(rig_get(&rig, 0x3b4, 0x0c), 0x12);
    assert_int_equal(rig_get(&rig, 0x3d4, 0x0c), 0xff);
    assert_int_not_equal(rig_in(&rig, 0x3ba), 0xff);
    assert_int_equal(rig_in(&rig, 0x3da), 0xff);
}

static void crtc_protects_its_timing(void **state)
{
    (void)state;
    rig_set_mode(&rig, MODE_3);
    rig_set(&rig, 0x3d4, 0x00, 0x11);
    assert_int_equal(rig_get(&rig, 0x3d4, 0x00), 0x5f);
    rig_set(&rig, 0x3d4, 0x07, 0x00);
    assert_int_equal(rig_get(&rig, 0x3d4, 0x07), 0x0f);
    rig_set(&rig, 0x3d4, 0x11, 0x0e);
    rig_set(&rig, 0x3d4, 0x00, 0x11);
    assert_int_equal(rig_get(&rig, 0x3d4, 0x00), 0x11);
}

static void attributes_have_a_flip_flop(void **state)
{
    (void)state;
    rig_out(&rig, 0x3c2, 0x01);
    rig_in(&rig, 0x3da);
    rig_out(&rig, 0x3c0, 0x05);
    rig_out(&rig, 0x3c0, 0x2a);
    assert_int_equal(rig_in(&rig, 0x3c1), 0x2a);
    assert_int_equal(rig_get(&rig, 0x3d4, 0x24), 0x00);
    rig_out(&rig, 0x3c0, 0x06);
    assert_int_equal(rig_get(&rig, 0x3d4, 0x24), 0x80);
    rig_in(&rig, 0x3da);
    rig_out(&rig, 0x3c0, 0x25); /* the palette is the screen's */
    rig_out(&rig, 0x3c0, 0x11);
    assert_int_equal(rig_in(&rig, 0x3c0), 0x25);
    assert_int_equal(rig_in(&rig, 0x3c1), 0x2a);
    rig_in(&rig, 0x3da);
    rig_out(&rig, 0x3c0, 0x33); /* but not what is behind it */
    rig_out(&rig, 0x3c0, 0x07);
    assert_int_equal(rig_in(&rig, 0x3c1), 0x07);
}

static void dac_counts_by_three(void **state)
{
    (void)state;
    rig_out(&rig, 0x3c8, 254);
    assert_int_equal(rig_in(&rig, 0x3c7), 0);
    for (unsigned i = 0; i < 9; i++)
        rig_out(&rig, 0x3c9, (uint8_t)(0xc0 + i + 1));
    rig_out(&rig, 0x3c7, 255);
    assert_int_equal(rig_in(&rig, 0x3c7), 3);
    for (unsigned i = 0; i < 6; i++) /* 255, then 0 */
        assert_int_equal(rig_in(&rig, 0x3c9), i + 4);
    assert_int_equal(rig_in(&rig, 0x3c8), 2); /* one is fetched ahead */
    /* Two parts are no colour. */
    rig_out(&rig, 0x3c8, 254);
    rig_out(&rig, 0x3c9, 33);
    rig_out(&rig, 0x3c9, 34);
    rig_out(&rig, 0x3c7, 254);
    assert_int_equal(rig_in(&rig, 0x3c9), 1);
    assert_int_equal(rig_in(&rig, 0x3c9), 2);
}

static void crtc_bits_that_are_none_read_as_0(void **state)
{
    static const uint8_t bits[25] = {[0x08] = 0x7f,
                                     [0x0a] = 0x3f,
                                     [0x0b] = 0x7f,
                                     [0x14] = 0x7f,
                                     [0x17] = 0xef};

    (void)state;
    rig_out(&rig, 0x3c2, 1);
    rig_set(&rig, 0x3d4, 0x11, 0);
    for (unsigned i = 0; i < 25; i++) {
        if (i == 0x11) /* it would protect the others */
            continue;
        rig_set(&rig, 0x3d4, i, 0xff);
        assert_int_equal(rig_in(&rig, 0x3d5), bits[i] ? bits[i] : 0xff);
    }
}

static void vertical_retrace_may_be_a_light_pen(void **state)
{
    (void)state;
    rig_set_mode(&rig, MODE_3);
    rig_set(&rig, 0x3d4, 0x11, 0x0e);
    assert_int_equal(rig_get(&rig, 0x3d4, 0x10), 0x9c);
    assert_int_equal(rig_get(&rig, 0x3d4, 0x11), 0x0e);
    rig_set(&rig, 0x3d4, 0x03, 0x02);
    assert_int_equal(rig_get(&rig, 0x3d4, 0x10), 0);
    assert_int_equal(rig_get(&rig, 0x3d4, 0x11), 0);
    rig_set(&rig, 0x3d4, 0x10, 0x9d); /* and be written */
    rig_set(&rig, 0x3d4, 0x03, 0x82);
    assert_int_equal(rig_get(&rig, 0x3d4, 0x10), 0x9d);
}

static void disabled_it_is_not_there(void **state)
{
    (void)state;
    rig_set_mode(&rig, MODE_13);
    rig_poke(&rig, 5, 55);
    for (unsigned i = 0; i < 4; i++) {
        bool on = i & 1;

        if (i < 2)
            rig_out(&rig, 0x3c3, on);
        else
            harness_write(rig.h, rig.dev, VGA_WINDOWS, 0, 1, on ? 8 : 7);
        assert_int_equal(rig_in(&rig, 0x3c3), on);
        assert_int_equal(rig_in(&rig, 0x3cc), on ? 0x63 : 0xff);
        assert_int_equal(rig_peek(&rig, 5), on ? 55 : 0xff);
        rig_out(&rig, 0x3c2, 0x63 ^ (on ? 0 : 4));
    }
    rig_set(&rig, 0x3ce, 8, 0x0f); /* not by RAM */
    assert_int_equal(rig_peek(&rig, 5), 55);
    rig_out(&rig, 0x3c3, 0);
    assert_int_equal(rig_peek(&rig, 5), 0xff);
    rig_out(&rig, 0x3c3, 1);
}

/* --------------------------------------------------------------- memory */

/* Four planes, each an array; one operation after the other by the book. */
struct model {
    uint8_t plane[4][0x10000], latch[4];
    uint8_t seq[5], gfx[9], misc;
};

static bool model_decode(const struct model *m, uint32_t at, uint32_t *offset)
{
    switch (m->gfx[6] >> 2 & 3) {
    case 0:
        *offset = at;
        return true;
    case 1:
        *offset = at;
        return at < 0x10000;
    case 2:
        *offset = at - 0x10000;
        return at >= 0x10000 && at < 0x18000;
    default:
        *offset = at - 0x18000;
        return at >= 0x18000;
    }
}

/* The address within planes. */
static uint32_t model_place(const struct model *m, uint32_t offset)
{
    uint32_t place = offset;

    if (m->seq[4] & 8)
        place = offset / 4 * 4 + offset / 0x10000;
    else if ((m->gfx[6] & 2) && (m->gfx[6] & 0x0c))
        place = offset / 2 * 2 + (m->misc & 0x20 ? 0 : 1);
    else if (m->gfx[6] & 2)
        place = offset / 2 * 2 + offset / 0x10000;
    return place % (m->seq[4] & 2 ? 0x10000 : 0x4000);
}

static uint8_t model_read(struct model *m, uint32_t at)
{
    unsigned plane = m->gfx[4];
    uint32_t offset;
    uint8_t result = 0xff;

    if (!model_decode(m, at, &offset))
        return 0xff;
    if (m->seq[4] & 8)
        plane = offset % 4;
    else if (m->gfx[5] & 0x10)
        plane = (plane & 2) + offset % 2;
    offset = model_place(m, offset);
    for (unsigned p = 0; p < 4; p++)
        m->latch[p] = m->plane[p][offset];
    if (!(m->gfx[5] & 8))
        return m->latch[plane];
    for (unsigned bit = 0; bit < 8; bit++)
        for (unsigned p = 0; p < 4; p++)
            if ((m->gfx[7] >> p & 1) &&
                (m->latch[p] >> bit & 1) != (m->gfx[2] >> p & 1))
                result &= (uint8_t) ~(1 << bit);
    return result;
}

static uint8_t model_byte(const struct model *m, unsigned p, uint8_t value)
{
    unsigned rotate = m->gfx[3] & 7;
    uint8_t mask = m->gfx[8], latch = m->latch[p];
    uint8_t turned = (uint8_t)((value << 8 | value) >> rotate);
    uint8_t set = m->gfx[0] >> p & 1 ? 0xff : 0, data = 0;

    switch (m->gfx[5] & 3) {
    case 0:
        data = m->gfx[1] >> p & 1 ? set : turned;
        break;
    case 1:
        return latch;
    case 2:
        data = value >> p & 1 ? 0xff : 0;
        break;
    case 3:
        data = set;
        mask &= turned;
        break;
    }
    if ((m->gfx[3] & 0x18) == 0x08)
        data &= latch;
    else if ((m->gfx[3] & 0x18) == 0x10)
        data |= latch;
    else if ((m->gfx[3] & 0x18) == 0x18)
        data ^= latch;
    return (data & mask) | (latch & (uint8_t)~mask);
}

static void model_write(struct model *m, uint32_t at, uint8_t value)
{
    uint32_t offset, place;

    if (!model_decode(m, at, &offset))
        return;
    place = model_place(m, offset);
    for (unsigned p = 0; p < 4; p++) {
        bool on = m->seq[2] >> p & 1;

        if (m->seq[4] & 8)
            on = on && p == offset % 4;
        else if (!(m->seq[4] & 4))
            on = on && p % 2 == offset % 2;
        if (on)
            m->plane[p][place] = model_byte(m, p, value);
    }
}

/* Addresses that meet each other, at all ends of the windows. */
static uint32_t some_place(struct prng *prng)
{
    uint32_t at = (uint32_t)prng_below(prng, 24);

    switch (prng_below(prng, 6)) {
    case 0:
        return at + 0x18000;
    case 1:
        return at + 0x10000;
    case 2:
        return 0x1ffff - at;
    case 3:
        return 0xffff - at;
    case 4:
        return (uint32_t)prng_below(prng, 0x20000);
    default:
        return at;
    }
}

static void change_register(struct model *m, struct prng *prng)
{
    static const uint8_t gfx_bits[9] = {0x0f, 0x0f, 0x0f, 0x1f, 0x03,
                                        0x7b, 0x0f, 0x0f, 0xff};
    unsigned i = (unsigned)prng_below(prng, 12);
    uint8_t value = (uint8_t)prng_next(prng);

    if (i == 9) {
        m->seq[2] = value & 0x0f;
        rig_set(&rig, 0x3c4, 2, value);
    } else if (i == 10) {
        m->seq[4] = value & 0x0e;
        rig_set(&rig, 0x3c4, 4, value);
    } else if (i == 11) {
        m->misc = value & 0x20;
        rig_out(&rig, 0x3c2, m->misc | 0x03);
    } else {
        m->gfx[i] = value & gfx_bits[i];
        rig_set(&rig, 0x3ce, i, value);
    }
}

/* Is this a mode in which reads leave the latches alone?  The head of vga.c
 * says so. */
static bool is_linear(const struct model *m)
{
    return (m->seq[4] & 10) == 10 && m->seq[2] == 15 && !m->gfx[1] &&
           !m->gfx[3] && !(m->gfx[5] & 0x0b) && m->gfx[6] < 8 &&
           m->gfx[8] == 0xff;
}

static void memory_is_four_planes(void **state)
{
    static struct model m;
    struct prng prng = {5};
    unsigned reads = 0;

    (void)state;
    memset(&m, 0, sizeof(m));
    rig_out(&rig, 0x3c2, 0x03);
    for (unsigned n = 0; n < 300000; n++) {
        uint32_t at = some_place(&prng);
        uint8_t value = (uint8_t)prng_next(&prng);

        switch (prng_below(&prng, 4)) {
        case 0:
            change_register(&m, &prng);
            break;
        case 1:
            if (is_linear(&m))
                break;
            value = model_read(&m, at);
            if (rig_peek(&rig, at) != value)
                fail_msg("step %u: read of %05x", n, at);
            reads += value != 0 && value != 0xff;
            break;
        default:
            model_write(&m, at, value);
            rig_poke(&rig, at, value);
        }
    }
    assert_true(reads > 1000);
}

/* What RAM shows is what the registers would. */
static void chain4_is_ram(void **state)
{
    struct region *direct;
    struct span s;

    (void)state;
    rig_set_mode(&rig, MODE_13);
    direct = &rig.dev->regions[VGA_WINDOW_MEMORY];
    assert_true(memory_find(rig.h->memory, direct->base + 0x1234, &s));
    assert_int_equal(s.region->kind, REGION_RAM);
    for (unsigned i = 0; i < 0x10000; i++)
        rig_poke(&rig, i, (uint8_t)(i * 7 + (i >> 8)));
    rig_set(&rig, 0x3ce, 8, 0xfe); /* not simple any more */
    assert_true(memory_find(rig.h->memory, direct->base + 0x1234, &s));
    assert_int_equal(s.region->kind, REGION_MMIO);
    for (unsigned i = 0; i < 0x10000; i++)
        assert_int_equal(rig_peek(&rig, i), (uint8_t)(i * 7 + (i >> 8)));
    /* Unchained, the bytes are in every fourth address. */
    rig_set(&rig, 0x3c4, 4, 0x06);
    for (unsigned i = 0; i < 0x10000; i += 4)
        for (unsigned p = 0; p < 4; p++) {
            rig_set(&rig, 0x3ce, 4, (uint8_t)p);
            assert_int_equal(rig_peek(&rig, i),
                             (uint8_t)((i + p) * 7 + (i >> 8)));
        }
    rig_set(&rig, 0x3ce, 8, 0xff);
    rig_set(&rig, 0x3c4, 4, 0x0e);
    assert_true(memory_find(rig.h->memory, direct->base + 0xffff, &s));
    assert_int_equal(s.region->kind, REGION_RAM);
    rig_out(&rig, 0x3c2, 0x61); /* no memory */
    assert_int_equal(rig_peek(&rig, 1), 0xff);
}

static bool is_ram(void)
{
    uint64_t at = rig.dev->regions[VGA_WINDOW_MEMORY].base;

    return memory_host(rig.h->memory, at, VGA_BANK, true) != NULL;
}

/* Each register that would do something to bytes on their way. */
static void ram_shows_plain_bytes_only(void **state)
{
    static const struct {
        unsigned port, index;
        uint8_t value;
        bool ram;
    } r[] = {
        {0x3ce, 0, 0x0f, true},  {0x3ce, 1, 0x01, false},
        {0x3ce, 2, 0x05, true},  {0x3ce, 3, 0x01, false},
        {0x3ce, 3, 0x08, false}, {0x3ce, 4, 0x02, true},
        {0x3ce, 5, 0x41, false}, {0x3ce, 5, 0x42, false},
        {0x3ce, 5, 0x48, false}, {0x3ce, 5, 0x60, true},
        {0x3ce, 6, 0x01, true},  {0x3ce, 6, 0x09, false},
        {0x3ce, 6, 0x0d, false}, {0x3ce, 7, 0x00, true},
        {0x3ce, 8, 0x7f, false}, {0x3c4, 2, 0x07, false},
        {0x3c4, 4, 0x06, false}, {0x3c4, 4, 0x0c, false},
    };

    (void)state;
    rig_set_mode(&rig, MODE_13);
    for (unsigned i = 0; i < sizeof(r) / sizeof(r[0]); i++) {
        uint8_t old = rig_get(&rig, r[i].port, r[i].index);

        assert_true(is_ram());
        rig_set(&rig, r[i].port, r[i].index, r[i].value);
        assert_int_equal(is_ram(), r[i].ram);
        rig_set(&rig, r[i].port, r[i].index, old);
    }
    rig_out(&rig, 0x3c2, 0x61);
    assert_false(is_ram());
}

/* ----------------------------------------------------------------- time */

/* ns of n dots, rounded up. */
static uint64_t dots(uint64_t n, uint64_t clock)
{
    return (n * 1000000000 + clock - 1) / clock;
}

static uint8_t status_at(uint64_t ns)
{
    uint64_t now = clock_ns(rig.h->clock);

    assert_true(ns >= now);
    harness_advance(rig.h, ns - now);
    return rig_in(&rig, 0x3da) & 9;
}

/* Mode 3 at 28.322 MHz: 900 dots, 449 lines; 720 and 400 are shown; retrace
 * in lines 412 and 413. */
static void retrace_follows_the_clock(void **state)
{
    const uint64_t clock = 28322000, line = 900, frame = line * 449;
    uint64_t start;

    (void)state;
    rig_set_mode(&rig, MODE_3);
    /* Wherever the beam is now: from the next retrace's first dot on. */
    while (!(rig_in(&rig, 0x3da) & 8))
        harness_advance(rig.h, 20);
    start = clock_ns(rig.h->clock);
    for (unsigned f = 1; f <= 3; f++) {
        uint64_t top = f * frame - 412 * line; /* in dots from start */

        assert_int_equal(status_at(start + dots(top + 400, clock)), 0);
        assert_int_equal(status_at(start + dots(top + 719, clock) - 20), 0);
        assert_int_equal(status_at(start + dots(top + 730, clock)), 1);
        assert_int_equal(status_at(start + dots(top + line + 20, clock)), 0);
        assert_int_equal(status_at(start + dots(top + 399 * line + 400, clock)),
                         0);
        assert_int_equal(status_at(start + dots(top + 400 * line + 400, clock)),
                         1);
        assert_int_equal(status_at(start + dots(top + 411 * line + 800, clock)),
                         1);
        assert_int_equal(status_at(start + dots(top + 412 * line + 20, clock)),
                         9);
        assert_int_equal(status_at(start + dots(top + 413 * line + 800, clock)),
                         9);
        assert_int_equal(status_at(start + dots(top + 414 * line + 20, clock)),
                         1);
    }
}

/* To the dot `dot` of line `line`, from where it is now. */
static void go_to(unsigned line, unsigned dot)
{
    const struct vga *v = &((struct rig_card *)rig.dev)->vga;
    struct raster_beam b = vga_beam(v);
    uint64_t all = (uint64_t)v->raster.timing.dots * v->raster.timing.lines;
    uint64_t to = (uint64_t)line * v->raster.timing.dots + dot;
    uint64_t at = (uint64_t)b.line * v->raster.timing.dots + b.dot;

    harness_advance(rig.h, dots((to + all - at) % all, v->raster.timing.clock));
}

/* CR11 bit 4 lets retraces be latched, bit 5 keeps that from the wire. */
static void retraces_interrupt(void **state)
{
    (void)state;
    rig_set_mode(&rig, MODE_3); /* retrace in line 412 */
    go_to(100, 0);
    assert_int_equal(rig_in(&rig, 0x3c2) & 0x80, 0);
    go_to(99, 0); /* bit 4 is clear: not a frame's retrace is latched */
    assert_int_equal(rig_in(&rig, 0x3c2) & 0x80, 0);
    assert_false(harness_level(rig.h, rig.dev, 0));
    rig_set(&rig, 0x3d4, 0x11, 0x3e); /* latched, but not for the wire */
    go_to(410, 0);
    assert_int_equal(rig_in(&rig, 0x3c2) & 0x80, 0);
    go_to(412, 10);
    assert_int_equal(rig_in(&rig, 0x3c2) & 0x80, 0x80);
    assert_false(harness_level(rig.h, rig.dev, 0));
    rig_set(&rig, 0x3d4, 0x11, 0x1e);
    assert_true(harness_level(rig.h, rig.dev, 0));
    go_to(100, 0); /* it stays */
    assert_true(harness_level(rig.h, rig.dev, 0));
    rig_set(&rig, 0x3d4, 0x11, 0x0e);
    assert_false(harness_level(rig.h, rig.dev, 0));
    for (unsigned i = 0; i < 3; i++) {
        rig_set(&rig, 0x3d4, 0x11, 0x1e);
        assert_int_equal(rig_in(&rig, 0x3c2) & 0x80, 0);
        go_to(411, 890);
        assert_false(harness_level(rig.h, rig.dev, 0));
        go_to(412, 2);
        assert_true(harness_level(rig.h, rig.dev, 0));
        assert_int_equal(rig_in(&rig, 0x3c2) & 0x80, 0x80);
        rig_set(&rig, 0x3d4, 0x11, 0x0e);
        assert_false(harness_level(rig.h, rig.dev, 0));
    }
    rig_set(&rig, 0x3d4, 0x11, 0x1e);
    harness_reset(rig.h, rig.dev);
    harness_advance(rig.h, 100000000);
    assert_false(harness_level(rig.h, rig.dev, 0));
}

/* AR12 bits 4 and 5 choose two bits of what goes to the DAC. */
static void status_has_two_bits_of_the_picture(void **state)
{
    static const uint8_t bit[4][2] = {{0, 2}, {4, 5}, {1, 3}, {6, 7}};

    (void)state;
    rig_set_mode(&rig, MODE_13);
    for (unsigned x = 0; x < 320; x++)
        rig_poke(&rig, 320 * 50 + x, (uint8_t)(x * 7));
    for (unsigned n = 0; n < 64; n++) {
        unsigned mux = n & 3, x = n * 5;
        bool border = n & 4;
        uint8_t value = border ? 0xa5 : (uint8_t)(x * 7), is;

        rig_set_attr(&rig, 0x11, 0xa5);
        rig_set_attr(&rig, 0x12, (uint8_t)(0x0f | mux << 4));
        go_to(100, border ? 640 + n : 2 * x + 1);
        is = rig_in(&rig, 0x3da);
        assert_int_equal(is & 1, border);
        assert_int_equal(is >> 4 & 1, value >> bit[mux][0] & 1);
        assert_int_equal(is >> 5 & 1, value >> bit[mux][1] & 1);
    }
}

/* A BIOS tells a monitor by what it does to the DAC's voltages. */
static void comparator_sees_bright_dots(void **state)
{
    (void)state;
    rig_set_mode(&rig, MODE_12);
    for (unsigned i = 0; i < 6; i++) {
        unsigned part = i / 2;

        rig_out(&rig, 0x3c8, 0);
        for (unsigned n = 0; n < 3; n++)
            rig_out(&rig, 0x3c9, n == part ? (i & 1 ? 0x28 : 0x12) : 0x12);
        go_to(200, 300);
        assert_int_equal(rig_in(&rig, 0x3c2) & 0x10, i & 1 ? 0 : 0x10);
        go_to(200, 700); /* black */
        assert_int_equal(rig_in(&rig, 0x3c2) & 0x10, 0x10);
    }
    rig_out(&rig, 0x3c4, 1);
    rig_out(&rig, 0x3c5, 0x21);
    go_to(200, 300); /* the screen is off */
    assert_int_equal(rig_in(&rig, 0x3c2) & 0x10, 0x10);
}

static unsigned retraces(uint64_t ns)
{
    unsigned n = 0;
    bool was = rig_in(&rig, 0x3da) & 8;

    for (uint64_t t = 0; t < ns; t += 20000) {
        bool is;

        harness_advance(rig.h, 20000);
        is = rig_in(&rig, 0x3da) & 8;
        n += is && !was;
        was = is;
    }
    return n;
}

static void frames_in_a_second(void **state)
{
    static const struct {
        enum vga_mode_name mode;
        unsigned hz;
    } modes[] = {{MODE_3, 70}, {MODE_D, 70}, {MODE_13, 70}, {MODE_12, 59}};

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        unsigned n;

        rig_set_mode(&rig, modes[i].mode);
        n = retraces(1000000000);
        assert_in_range(n, modes[i].hz, modes[i].hz + 1);
    }
    rig_set(&rig, 0x3d4, 0x17, 0xe7); /* every second line counts */
    assert_in_range(retraces(1000000000), 29, 30);
    rig_set(&rig, 0x3d4, 0x17, 0x63); /* no sync */
    assert_int_equal(retraces(100000000), 0);
}

/* ------------------------------------------------------------------ VBE */

static void vbe_keeps_to_its_limits(void **state)
{
    (void)state;
    assert_int_equal(rig_vbe_get(&rig, VBE_ID), 0xb0c5);
    rig_vbe_set(&rig, VBE_ID, 0x1234);
    assert_int_equal(rig_vbe_get(&rig, VBE_ID), 0xb0c5);
    rig_vbe_set(&rig, VBE_ID, 0xb0c2);
    assert_int_equal(rig_vbe_get(&rig, VBE_ID), 0xb0c2);
    assert_int_equal(rig_vbe_get(&rig, VBE_MEMORY), 128);
    rig_vbe_set(&rig, VBE_ENABLE, VBE_GETCAPS);
    assert_int_equal(rig_vbe_get(&rig, VBE_XRES), 2560);
    assert_int_equal(rig_vbe_get(&rig, VBE_YRES), 1600);
    assert_int_equal(rig_vbe_get(&rig, VBE_BPP), 32);
    rig_vbe_set(&rig, VBE_ENABLE, 0);

    rig_vbe_set(&rig, VBE_XRES, 645);
    rig_vbe_set(&rig, VBE_YRES, 480);
    rig_vbe_set(&rig, VBE_BPP, 32);
    rig_vbe_set(&rig, VBE_ENABLE, VBE_ENABLED | VBE_LFB);
    assert_int_equal(rig_vbe_get(&rig, VBE_XRES), 640);
    assert_int_equal(rig_vbe_get(&rig, VBE_VIRT_WIDTH), 640);
    assert_int_equal(rig_vbe_get(&rig, VBE_VIRT_HEIGHT), (8 << 20) / (640 * 4));
    rig_vbe_set(&rig, VBE_XRES, 800); /* not while it is enabled */
    assert_int_equal(rig_vbe_get(&rig, VBE_XRES), 640);
    rig_vbe_set(&rig, VBE_VIRT_WIDTH, 0xffff);
    assert_int_equal(rig_vbe_get(&rig, VBE_VIRT_WIDTH),
                     (8 << 20) / 4 / 480 & ~7);
    rig_vbe_set(&rig, VBE_X_OFFSET, 0xffff);
    assert_int_equal(rig_vbe_get(&rig, VBE_X_OFFSET),
                     ((8 << 20) / 4 / 480 & ~7) - 640);
    rig_vbe_set(&rig, VBE_VIRT_WIDTH, 100);
    assert_int_equal(rig_vbe_get(&rig, VBE_VIRT_WIDTH), 640);
    rig_vbe_set(&rig, VBE_Y_OFFSET, 0xffff);
    assert_int_equal(rig_vbe_get(&rig, VBE_Y_OFFSET),
                     (8 << 20) / (640 * 4) - 480);

    /* More than there is memory for: as many lines as fit. */
    rig_vbe_set(&rig, VBE_ENABLE, 0);
    rig_vbe_set(&rig, VBE_XRES, 5000);
    rig_vbe_set(&rig, VBE_YRES, 5000);
    rig_vbe_set(&rig, VBE_BPP, 77);
    rig_vbe_set(&rig, VBE_ENABLE, VBE_ENABLED);
    assert_int_equal(rig_vbe_get(&rig, VBE_XRES), 2560);
    assert_int_equal(rig_vbe_get(&rig, VBE_VIRT_WIDTH), 2560);
    assert_int_equal(rig_vbe_get(&rig, VBE_YRES), 1600);
    assert_int_equal(rig_vbe_get(&rig, VBE_BPP), 8);
    rig_vbe_set(&rig, VBE_ENABLE, 0);
    rig_vbe_set(&rig, VBE_YRES, 1600);
    rig_vbe_set(&rig, VBE_BPP, 32);
    rig_vbe_set(&rig, VBE_ENABLE, VBE_ENABLED);
    assert_int_equal(rig_vbe_get(&rig, VBE_YRES), (8 << 20) / (2560 * 4));
    assert_int_equal(rig_vbe_get(&rig, 11), 0);
    assert_int_equal(rig_vbe_get(&rig, 0xffff), 0);
}

static void vbe_has_banks(void **state)
{
    (void)state;
    rig_vbe_set(&rig, VBE_XRES, 640);
    rig_vbe_set(&rig, VBE_YRES, 480);
    rig_vbe_set(&rig, VBE_BPP, 8);
    rig_vbe_set(&rig, VBE_ENABLE, VBE_ENABLED);
    for (unsigned bank = 0; bank < 128; bank++) {
        rig_vbe_set(&rig, VBE_BANK, (uint16_t)bank);
        rig_poke(&rig, 0x1234, (uint8_t)(bank + 1));
    }
    for (unsigned bank = 0; bank < 128; bank += 9) {
        rig_vbe_set(&rig, VBE_BANK, (uint16_t)bank);
        assert_int_equal(rig_peek(&rig, 0x1234), bank + 1);
        assert_int_equal(rig_peek(&rig, 0x1235), 0);
    }
    /* Enabling it again clears what it shows, unless told not to. */
    rig_vbe_set(&rig, VBE_BANK, 1);
    rig_vbe_set(&rig, VBE_ENABLE, 0);
    rig_vbe_set(&rig, VBE_ENABLE, VBE_ENABLED | VBE_NOCLEAR);
    rig_vbe_set(&rig, VBE_BANK, 1);
    assert_int_equal(rig_peek(&rig, 0x1234), 2);
    rig_vbe_set(&rig, VBE_ENABLE, 0);
    rig_vbe_set(&rig, VBE_ENABLE, VBE_ENABLED);
    rig_vbe_set(&rig, VBE_BANK, 1);
    assert_int_equal(rig_peek(&rig, 0x1234), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(registers_hold_their_bits, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(crtc_moves_between_3b_and_3d, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(crtc_protects_its_timing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(attributes_have_a_flip_flop, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(dac_counts_by_three, setup, teardown),
        cmocka_unit_test_setup_teardown(crtc_bits_that_are_none_read_as_0,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(vertical_retrace_may_be_a_light_pen,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(disabled_it_is_not_there, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(retraces_interrupt, setup, teardown),
        cmocka_unit_test_setup_teardown(status_has_two_bits_of_the_picture,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(comparator_sees_bright_dots, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(memory_is_four_planes, setup, teardown),
        cmocka_unit_test_setup_teardown(chain4_is_ram, setup, teardown),
        cmocka_unit_test_setup_teardown(ram_shows_plain_bytes_only, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(retrace_follows_the_clock, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(frames_in_a_second, setup, teardown),
        cmocka_unit_test_setup_teardown(vbe_keeps_to_its_limits, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(vbe_has_banks, setup, teardown),
    };

    return cmocka_run_group_tests_name("VGA", tests, NULL, NULL);
}
