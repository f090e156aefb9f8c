/* The ACLINT: MTIMER, MSWI, SSWI.  What MTIMER shares with the CLINT is
 * tested there. */
#include "tests/unit.h"

#include <string.h>

#include "devices/aclint.h"
#include "tests/devices/harness.h"

enum { HARTS = 3, TICK = 100 /* ns at 10 MHz */ };
enum { MTIME, MTIMECMP };

static struct harness *h;

static int setup(void **state)
{
    (void)state;
    h = harness_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    harness_free(h);
    return 0;
}

static struct device *make(const struct device_class *cls, unsigned harts)
{
    struct device *dev = harness_make(h, cls);
    struct error e;

    assert_true(harness_start(h, dev, harts, &e));
    return dev;
}

static void test_mtimer(void **state)
{
    struct device *dev = make(&aclint_mtimer_class, HARTS);
    struct mtimer *t = mtimer_of(dev);

    (void)state;
    assert_non_null(t);
    assert_int_equal(t->timebase_hz, 10000000);
    for (unsigned n = 0; n < HARTS; n++)
        assert_true(harness_read(h, dev, MTIMECMP, 8 * n, 8) == UINT64_MAX);
    harness_advance(h, 1000 * TICK);
    assert_int_equal(harness_read(h, dev, MTIME, 0, 8), 1000);
    assert_int_equal(mtimer_now(t), 1000);
    harness_write(h, dev, MTIMECMP, 8, 8, 1500);
    harness_write(h, dev, MTIMECMP, 16, 4, 1200);
    harness_write(h, dev, MTIMECMP, 20, 4, 0);
    harness_advance(h, 199 * TICK);
    assert_false(harness_level(h, dev, 2));
    harness_advance(h, TICK);
    assert_true(harness_level(h, dev, 2));
    assert_false(harness_level(h, dev, 1));
    harness_advance(h, 300 * TICK);
    assert_true(harness_level(h, dev, 1));
    assert_false(harness_level(h, dev, 0));
    /* Back in time. */
    harness_write(h, dev, MTIME, 0, 8, 1499);
    assert_false(harness_level(h, dev, 1));
    harness_write(h, dev, MTIME, 4, 4, 1);
    assert_int_equal(harness_read(h, dev, MTIME, 4, 4), 1);
    assert_true(harness_level(h, dev, 1));
    harness_reset(h, dev);
    assert_int_equal(harness_read(h, dev, MTIME, 0, 8), 0);
    assert_false(harness_level(h, dev, 1));
}

static void test_mtimer_nowhere(void **state)
{
    struct device *dev = make(&aclint_mtimer_class, HARTS);
    uint64_t v;

    (void)state;
    harness_write(h, dev, MTIMECMP, 8 * HARTS, 8, 0);
    assert_int_equal(harness_read(h, dev, MTIMECMP, 8 * HARTS, 8), 0);
    assert_non_null(strstr(harness_log(h), "no register at offset 0x18"));
    assert_int_equal(harness_read(h, dev, MTIME, 8, 4), 0);
    assert_int_equal(harness_try_read(h, dev, MTIME, 0, 2, &v), BUS_REFUSED);
    assert_int_equal(harness_try_read(h, dev, MTIMECMP, 4, 8, &v),
                     BUS_REFUSED);
}

static void test_mswi(void **state)
{
    struct device *dev = make(&aclint_mswi_class, HARTS);
    uint64_t v;

    (void)state;
    assert_null(mtimer_of(dev));
    for (unsigned n = 0; n < HARTS; n++) {
        harness_write(h, dev, 0, 4 * n, 4, 0xffffffff);
        assert_int_equal(harness_read(h, dev, 0, 4 * n, 4), 1);
        for (unsigned i = 0; i < HARTS; i++)
            assert_int_equal(harness_level(h, dev, i), i == n);
        harness_write(h, dev, 0, 4 * n, 4, 0xfffffffe);
        assert_int_equal(harness_read(h, dev, 0, 4 * n, 4), 0);
        assert_false(harness_level(h, dev, n));
    }
    harness_write(h, dev, 0, 4 * HARTS, 4, 1);
    assert_int_equal(harness_read(h, dev, 0, 4 * HARTS, 4), 0);
    assert_non_null(strstr(harness_log(h), "no register at offset 0xc"));
    assert_int_equal(harness_try_read(h, dev, 0, 0, 8, &v), BUS_REFUSED);
    assert_int_equal(harness_try_write(h, dev, 0, 0, 1, 1), BUS_REFUSED);
    harness_write(h, dev, 0, 4, 4, 1);
    harness_reset(h, dev);
    assert_false(harness_level(h, dev, 1));
}

/* A pulse each time; nothing is kept. */
static void test_sswi(void **state)
{
    struct device *dev = make(&aclint_sswi_class, HARTS);

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        harness_write(h, dev, 0, 8, 4, 0xffffffff);
    assert_int_equal(harness_out(h, dev, 2)->changes, 6);
    assert_false(harness_level(h, dev, 2));
    assert_int_equal(harness_read(h, dev, 0, 8, 4), 0);
    harness_write(h, dev, 0, 8, 4, 0xfffffffe);
    assert_int_equal(harness_out(h, dev, 2)->changes, 6);
    assert_int_equal(harness_out(h, dev, 0)->changes, 0);
    harness_write(h, dev, 0, 4 * HARTS, 4, 1);
    assert_non_null(strstr(harness_log(h), "no register at offset 0xc"));
}

static void test_limits(void **state)
{
    static const struct device_class *const classes[] = {
        &aclint_mtimer_class, &aclint_mswi_class, &aclint_sswi_class};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct device *dev = harness_make(h, classes[i]);
        struct error e;

        assert_false(harness_start(h, dev, MTIMER_MAX_HARTS + 1, &e));
        assert_non_null(strstr(e.text, "129 interrupts: want one for each"));
        harness_remove(h, dev);
        make(classes[i], MTIMER_MAX_HARTS);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_mtimer), TEST(test_mtimer_nowhere), TEST(test_mswi),
        TEST(test_sswi),   TEST(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
