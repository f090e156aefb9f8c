/* CGA and Hercules: status by the clock, locks, and what a hostile guest sets
 * up.  Their pictures: tests/machine/test_screens.py. */
#include "tests/unit.h"

#include "devices/display/display.h"
#include "devices/display/mc6845.h"
#include "tests/devices/harness.h"

enum { MEMORY, PORTS, CONFIG };

static struct harness *h;
static struct device *dev;

static void open_card(const char *cls)
{
    h = harness_new();
    dev = harness_device(h, cls, NULL);
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
    static const char *const names[] = {"cga", "hercules"};
    struct prng p = {6845};

    (void)state;
    for (unsigned n = 0; n < 2; n++) {
        open_card(names[n]);
        look();
        for (unsigned i = 0; i < 20000; i++) {
            unsigned window = (unsigned)prng_below(&p, n ? 3 : 2);
            uint64_t at = prng_below(&p, dev->regions[window].size);

            if (prng_below(&p, 2))
                crt((unsigned)prng_below(&p, 20), (uint8_t)prng_next(&p));
            harness_write(h, dev, window, at, 1, (uint8_t)prng_next(&p));
            harness_read(h, dev, window, at, 1);
            harness_advance(h, prng_below(&p, 1000000));
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
        cmocka_unit_test(anything_can_be_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
