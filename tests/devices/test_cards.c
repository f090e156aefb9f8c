/* CGA and Hercules: status by the clock, locks, the light pen, resets, changes
 * within a frame, the composite monitor's colours, and what a hostile guest
 * sets up.  Their pictures: tests/machine/test_screens.py. */
#include "tests/unit.h"

#include "devices/display/display.h"
#include "devices/display/mc6845.h"
#include "tests/devices/harness.h"

enum { MEMORY, PORTS, CONFIG };

static struct harness *h;
static struct device *dev;

static void open_with(const char *cls, const char *properties)
{
    h = harness_new();
    dev = harness_device(h, cls, properties);
}

static void open_card(const char *cls)
{
    open_with(cls, NULL);
}

static void out(unsigned port, uint8_t value)
{
    harness_write(h, dev, PORTS, port & 15, 1, value);
}

static uint8_t in(unsigned port)
{
    return (uint8_t)harness_read(h, dev, PORTS, port & 15, 1);
}

static void crt(unsigned index, uint8_t value)
{
    out(4, (uint8_t)index);
    out(5, value);
}

/* 80 columns of a 14.318 MHz / 8 clock: 114 characters of 262 lines. */
static void cga_retrace_follows_the_clock(void **state)
{
    static const uint8_t values[14] = {0x71, 80, 0x5a, 0x0a, 0x1f, 6, 25,
                                       0x1c, 2,  7,    6,    7,    0, 0};
    unsigned syncs = 0;
    bool was = false;

    (void)state;
    open_card("cga");
    for (unsigned i = 0; i < 14; i++)
        crt(i, values[i]);
    out(8, 9);
    for (unsigned i = 0; i < 100000; i++) { /* a second */
        bool sync = in(10) & 8;

        assert_true(!sync || (in(10) & 1));
        syncs += sync && !was;
        was = sync;
        harness_advance(h, 10000);
    }
    assert_in_range(syncs, 59, 60);
    crt(14, 0x12);
    assert_int_equal(in(5), 0x12);
    crt(1, 80);
    assert_int_equal(in(5), 0); /* cannot be read */
    harness_free(h);
}

static void hercules_has_locks(void **state)
{
    (void)state;
    open_card("hercules");
    harness_write(h, dev, MEMORY, 0x8000, 1, 7);
    assert_int_equal(harness_read(h, dev, MEMORY, 0x8000, 1), 0xff);
    harness_write(h, dev, CONFIG, 0, 1, 3);
    harness_write(h, dev, MEMORY, 0x8000, 1, 7);
    assert_int_equal(harness_read(h, dev, MEMORY, 0x8000, 1), 7);
    harness_free(h);
}

/* Three frames at least: what changed within one is over. */
static void settle(void)
{
    harness_advance(h, 60000000);
}

static void put(unsigned at, uint8_t character, uint8_t attribute)
{
    harness_write(h, dev, MEMORY, at * 2, 1, character);
    harness_write(h, dev, MEMORY, at * 2 + 1, 1, attribute);
}

/* 80 columns, 25 rows; what begins at character 80 is shown. */
static void text_can_be_read(void **state)
{
    static const uint8_t values[14] = {0x71, 80, 0x5a, 0x0a, 0x1f, 6, 25,
                                       0x1c, 2,  7,    6,    7,    0, 80};
    struct display_text t;

    (void)state;
    for (unsigned mda = 0; mda < 2; mda++) {
        open_card(mda ? "hercules" : "cga");
        assert_false(dev->class->display->text(dev, &t));
        for (unsigned i = 0; i < 14; i++)
            crt(i, values[i]);
        crt(15, 80 + 162);
        settle();
        assert_false(dev->class->display->text(dev, &t)); /* not enabled */
        out(8, 0x29);
        put(80, 'a', 0x0f);
        put(81, 'b', 0xf0);
        put(80 + 24 * 80 + 79, 'c', 0x07);
        assert_true(dev->class->display->text(dev, &t));
        assert_int_equal(t.columns, 80);
        assert_int_equal(t.rows, 25);
        assert_true(t.blink);
        assert_int_equal(t.cells[0], 'a' | 0x0f << 8);
        /* A blinking inverse character. */
        assert_int_equal(t.cells[1], 'b' | 0xf0 << 8);
        assert_int_equal(t.cells[24 * 80 + 79], 'c' | 0x07 << 8);
        assert_int_equal(t.colour[15], 0xffffff);
        assert_int_equal(t.cursor_row, 2);
        assert_int_equal(t.cursor_column, 2);
        crt(10, 0x20);
        assert_true(dev->class->display->text(dev, &t));
        assert_int_equal(t.cursor_row, -1);
        out(8, 0x09); /* nothing blinks: the background is bright */
        assert_true(dev->class->display->text(dev, &t));
        assert_false(t.blink);
        harness_write(h, dev, MEMORY, 161, 1, 0x01); /* underlined on an MDA */
        assert_true(dev->class->display->text(dev, &t));
        assert_int_equal(t.cells[0] >> 8, mda ? 7 : 1);
        harness_free(h);
    }
}

/* 640x200 and 320x200: 57 characters of 16 ticks, 262 lines. */
static const uint8_t crt_graphics[14] = {0x38, 40, 0x2d, 0x0a, 0x7f, 6, 100,
                                         0x70, 2,  1,    6,    7,    0, 0};
enum { LINE_TICKS = 57 * 16, LINES = 262 };

static void set_crt(const uint8_t *values)
{
    for (unsigned i = 0; i < 14; i++)
        crt(i, values[i]);
}

/* To the beginning of a tick of a frame's 14.318 MHz. */
static void go_to(unsigned line, unsigned tick)
{
    struct card *c = (struct card *)dev;
    struct raster_beam b = card_beam(c);
    uint64_t all = (uint64_t)LINE_TICKS * LINES;
    uint64_t to = (uint64_t)line * LINE_TICKS + tick;
    uint64_t at = (uint64_t)b.line * LINE_TICKS + b.dot;
    uint64_t ticks = (to + all - at) % all;

    harness_advance(h, ticks * 1000000000 / c->raster.timing.clock);
    while (b = card_beam(c), b.line != line || b.dot < tick)
        harness_advance(h, 1);
}

static uint32_t pixel(unsigned x, unsigned y)
{
    struct display_frame f;

    dev->class->display->update(dev, &f);
    return f.pixels[(size_t)y * f.width + x];
}

static void cga_shows_changes_by_line(void **state)
{
    (void)state;
    open_card("cga");
    set_crt(crt_graphics);
    out(8, 0x0a);
    settle();
    go_to(261, 0);
    out(9, 2);
    go_to(49, 100);
    out(9, 4);
    assert_int_equal(pixel(0, 49), 0x00aa00);
    assert_int_equal(pixel(0, 50), 0xaa0000);
    go_to(99, 0);
    out(9, 1);
    /* The frame that is over is seen for one more. */
    go_to(10, 0);
    assert_int_equal(pixel(0, 0), 0x00aa00);
    assert_int_equal(pixel(0, 99), 0xaa0000);
    assert_int_equal(pixel(0, 100), 0x0000aa);
    go_to(9, 0);
    assert_int_equal(pixel(0, 0), 0x0000aa);
    /* Half as many dots, twice as wide. */
    harness_write(h, dev, MEMORY, 80 * 50, 1, 0x80);
    out(9, 0x0f);
    go_to(90, 0);
    out(8, 0x1a);
    assert_int_equal(pixel(320 - 1, 89), 0xffffff);
    assert_int_equal(pixel(0, 99), 0);
    assert_int_equal(pixel(0, 100), 0xffffff);
    assert_int_equal(pixel(1, 100), 0);
    harness_free(h);
}

/* It is taken over where a frame begins. */
static void start_address_is_latched(void **state)
{
    (void)state;
    open_card("cga");
    set_crt(crt_graphics);
    out(8, 0x0a);
    out(9, 0x30);
    harness_write(h, dev, MEMORY, 160, 1, 0xff);
    settle();
    go_to(100, 0);
    crt(13, 80);
    assert_int_equal(pixel(0, 0), 0);
    assert_int_equal(pixel(0, 150), 0);
    go_to(261, 0);
    assert_int_equal(pixel(0, 0), 0);
    settle();
    assert_int_equal(pixel(0, 0), 0xffffff);
    harness_free(h);
}

/* What a reset does to the 6845 and to RAM: nothing. */
static void a_reset_keeps_memory(void **state)
{
    static const char *const names[] = {"cga", "hercules"};

    (void)state;
    for (unsigned n = 0; n < 2; n++) {
        struct card_regs *r;

        open_card(names[n]);
        r = &((struct card *)dev)->regs;
        set_crt(crt_graphics);
        crt(14, 0x12);
        out(8, 0x28);
        put(80, 'a', 0x0f);
        harness_reset(h, dev);
        assert_int_equal(harness_read(h, dev, MEMORY, 160, 1), 'a');
        assert_int_equal(harness_read(h, dev, MEMORY, 161, 1), 0x0f);
        assert_int_equal(in(5), 0x12);
        assert_int_equal(r->crt[1], 40);
        assert_int_equal(r->mode, 0);
        assert_int_equal(pixel(0, 0), 0);
        harness_free(h);
    }
}

static void light_pen_latches_the_address(void **state)
{
    unsigned set = 12, clear = 11;

    (void)state;
    for (unsigned mda = 0; mda < 2; mda++, set = 9) {
        open_card(mda ? "hercules" : "cga");
        set_crt(crt_graphics);
        crt(12, 0x01);
        if (mda) {
            harness_write(h, dev, CONFIG, 0, 1, 1);
            out(8, 0x0a); /* 16 ticks a character */
        }
        go_to(261, 0);
        assert_int_equal(in(10) & 6, 4); /* the switch is open */
        go_to(21, 7 * 16 + 8);
        out(set, 0);
        assert_int_equal(in(10) & 6, 6);
        crt(16, 0xff); /* is read only */
        assert_int_equal(in(5), (0x100 + 10 * 40 + 7) >> 8);
        crt(17, 0xff);
        assert_int_equal(in(5), (0x100 + 10 * 40 + 7) & 0xff);
        /* It is no edge any more. */
        go_to(100, 0);
        out(set, 0);
        assert_int_equal(in(5), (0x100 + 10 * 40 + 7) & 0xff);
        in(clear);
        assert_int_equal(in(10) & 6, 4);
        in(set);
        assert_int_equal(in(5), (0x100 + 50 * 40) & 0xff);
        harness_free(h);
    }
}

static void hercules_status_is_the_signals(void **state)
{
    (void)state;
    open_card("hercules");
    set_crt(crt_graphics); /* with its own clock */
    harness_write(h, dev, CONFIG, 0, 1, 1);
    out(8, 0x0a);
    harness_write(h, dev, MEMORY, 2 * 80 + 3, 1, 0x40); /* line 4, dot 25 */
    go_to(4, 24);
    assert_int_equal(in(10) & 0x89, 0x80);
    go_to(4, 25);
    assert_int_equal(in(10) & 0x89, 0x88);
    go_to(4, 26);
    assert_int_equal(in(10) & 0x89, 0x80);
    go_to(5, 25);
    assert_int_equal(in(10) & 0x89, 0x80);
    go_to(4, 0x2d * 16 - 1);
    assert_int_equal(in(10) & 0x89, 0x80);
    go_to(4, 0x2d * 16);
    assert_int_equal(in(10) & 0x89, 0x81);
    go_to(4, (0x2d + 10) * 16);
    assert_int_equal(in(10) & 0x89, 0x80);
    go_to(0x70 * 2 - 1, 0);
    assert_int_equal(in(10) & 0x89, 0x80);
    go_to(0x70 * 2, 0);
    assert_int_equal(in(10) & 0x89, 0x00);
    go_to(0x70 * 2 + 16, 0);
    assert_int_equal(in(10) & 0x89, 0x80);
    harness_free(h);
}

static void assert_near(uint32_t a, uint32_t b, int most)
{
    for (unsigned i = 0; i < 24; i += 8)
        assert_in_range((int)(a >> i & 0xff) - (int)(b >> i & 0xff) + most, 0,
                        2 * most);
}

/* The 16 patterns of four dots, as published pictures of 640x200 have them. */
static void composite_monitor_has_artifact_colours(void **state)
{
    static const uint32_t seen[16] = {0x000000, 0x006e31, 0x3109ff, 0x008aff,
                                      0xa70031, 0x767676, 0xec11ff, 0xbb92ff,
                                      0x315a00, 0x00db00, 0x767676, 0x45f7bb,
                                      0xec6300, 0xbbdb00, 0xff7fbc, 0xffffff};

    (void)state;
    open_with("cga", "monitor=composite");
    set_crt(crt_graphics);
    out(8, 0x1a);
    out(9, 0x0f);
    for (unsigned i = 0; i < 16; i++)
        for (unsigned x = 0; x < 5; x++)
            harness_write(h, dev, MEMORY, 5 * i + x, 1, i * 0x11);
    settle();
    for (unsigned i = 0; i < 16; i++) {
        assert_near(pixel(40 * i + 18, 0), seen[i], 24);
        /* A pattern is one colour. */
        for (unsigned x = 0; x < 8; x++)
            assert_int_equal(pixel(40 * i + 16 + x, 0), pixel(40 * i + 18, 0));
    }
    out(8, 0x1e); /* no burst: dots */
    settle();
    assert_int_equal(pixel(40 + 19, 0), 0xffffff);
    assert_int_equal(pixel(40 + 18, 0), 0);
    harness_free(h);
}

/* Its direct colours: a line of each hue, whose order is that of the RGB. */
static void composite_monitor_has_direct_colours(void **state)
{
    struct error e;

    (void)state;
    open_with("cga", "monitor=composite");
    set_crt(crt_graphics);
    out(8, 0x0a);
    for (unsigned c = 0; c < 16; c++) {
        uint32_t p;
        int part[3];

        out(9, (uint8_t)c);
        settle();
        p = pixel(320, 100);
        for (unsigned i = 0; i < 3; i++)
            part[i] = p >> 8 * i & 0xff;
        if ((c & 7) == 0 || (c & 7) == 7) {
            assert_int_equal(part[0], part[1]);
            assert_int_equal(part[0], part[2]);
        } else {
            for (unsigned i = 0; i < 3; i++)
                for (unsigned k = 0; k < 3; k++)
                    if ((c >> i & 1) && !(c >> k & 1))
                        assert_true(part[i] > part[k]);
        }
        out(8, 0x0e);
        settle();
        p = pixel(320, 100);
        assert_int_equal(p & 0xff, p >> 16);
        out(8, 0x0a);
    }
    harness_free(h);
    h = harness_new();
    dev = harness_make(h, &cga_class);
    assert_true(device_set(dev, &h->backends, "monitor", "green", &e));
    assert_false(harness_start(h, dev, 0, &e));
    assert_string_equal(e.text, "cga0: monitor=green: wanted rgb or composite");
    harness_free(h);
}

static void look(void)
{
    struct display_frame f;
    uint32_t sum = 0;

    struct display_text t;

    dev->class->display->update(dev, &f);
    if (dev->class->display->text(dev, &t))
        for (unsigned i = 0; i < t.columns * t.rows; i++)
            sum += t.cells[i];
    assert_in_range(f.width, 1, CARD_WIDTH);
    assert_in_range(f.height, 1, CARD_HEIGHT);
    for (unsigned y = 0; y < f.height; y++) {
        assert_true(f.changed[y] <= f.update);
        sum += f.pixels[y * f.width] + f.pixels[(y + 1) * f.width - 1];
    }
    (void)sum;
}

static void anything_can_be_set(void **state)
{
    struct prng p = {6845};

    (void)state;
    for (unsigned n = 0; n < 3; n++) {
        open_with(n == 1 ? "hercules" : "cga",
                  n == 2 ? "monitor=composite" : NULL);
        look();
        for (unsigned i = 0; i < 20000; i++) {
            unsigned window = (unsigned)prng_below(&p, n == 1 ? 3 : 2);
            uint64_t at = prng_below(&p, dev->regions[window].size);

            if (prng_below(&p, 2))
                crt((unsigned)prng_below(&p, 20), (uint8_t)prng_next(&p));
            harness_write(h, dev, window, at, 1, (uint8_t)prng_next(&p));
            harness_read(h, dev, window, at, 1);
            harness_advance(h, prng_below(&p, 1000000));
            if (i % 1000 == 0)
                harness_load_damaged(h, dev, &p);
            if (i % 200 == 0)
                look();
        }
        /* All of its registers at their ends. */
        for (unsigned i = 0; i < 18; i++)
            crt(i, 0xff);
        for (unsigned mode = 0; mode < 256; mode += 2) {
            out(8, (uint8_t)mode);
            if (mode % 16 == 10)
                look();
        }
        harness_free(h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cga_retrace_follows_the_clock),
        cmocka_unit_test(hercules_has_locks),
        cmocka_unit_test(text_can_be_read),
        cmocka_unit_test(cga_shows_changes_by_line),
        cmocka_unit_test(start_address_is_latched),
        cmocka_unit_test(a_reset_keeps_memory),
        cmocka_unit_test(light_pen_latches_the_address),
        cmocka_unit_test(hercules_status_is_the_signals),
        cmocka_unit_test(composite_monitor_has_artifact_colours),
        cmocka_unit_test(composite_monitor_has_direct_colours),
        cmocka_unit_test(anything_can_be_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
