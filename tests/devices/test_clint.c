/* The CLINT: software and timer interrupts, and mtime. */
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "devices/clint.h"
#include "tests/devices/harness.h"

enum { HARTS = 3, MTIME = 0xbff8, TICK = 100 /* ns at 10 MHz */ };

static struct harness *h;
static struct device *dev;

static struct device *make(unsigned harts, const char *hz)
{
    struct device *d = harness_make(h, &clint_class);
    struct error e;

    if (hz)
        assert_true(device_set(d, NULL, "timebase-frequency", hz, &e));
    assert_true(harness_start(h, d, 2 * harts, &e));
    return d;
}

static int setup(void **state)
{
    (void)state;
    h = harness_new();
    dev = make(HARTS, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    harness_free(h);
    return 0;
}

static uint64_t rd(uint64_t offset, unsigned size)
{
    return harness_read(h, dev, 0, offset, size);
}

static void wr(uint64_t offset, unsigned size, uint64_t value)
{
    harness_write(h, dev, 0, offset, size, value);
}

static uint64_t cmp_at(unsigned hart)
{
    return 0x4000 + 8 * hart;
}

static bool msip(unsigned hart)
{
    return harness_level(h, dev, 2 * hart);
}

static bool mtip(unsigned hart)
{
    return harness_level(h, dev, 2 * hart + 1);
}

static void tick(uint64_t n)
{
    harness_advance(h, n * TICK);
}

static void test_reset_state(void **state)
{
    (void)state;
    assert_int_equal(rd(MTIME, 8), 0);
    for (unsigned n = 0; n < HARTS; n++) {
        assert_int_equal(rd(4 * n, 4), 0);
        assert_int_equal(rd(cmp_at(n), 8), UINT64_MAX);
        assert_false(msip(n));
        assert_false(mtip(n));
    }
    assert_int_equal(clock_deadline(h->clock), CLOCK_NEVER);
}

static void test_msip(void **state)
{
    (void)state;
    for (unsigned n = 0; n < HARTS; n++) {
        wr(4 * n, 4, UINT32_MAX);
        assert_int_equal(rd(4 * n, 4), 1); /* the upper 31 bits are 0 */
        for (unsigned i = 0; i < HARTS; i++)
            assert_int_equal(msip(i), i == n);
        wr(4 * n, 4, 0xfffffffe);
        assert_int_equal(rd(4 * n, 4), 0);
        assert_false(msip(n));
    }
}

static void test_msip_by_pairs(void **state)
{
    (void)state;
    wr(0, 8, 0x0000000100000000);
    assert_false(msip(0));
    assert_true(msip(1));
    assert_int_equal(rd(0, 8), 0x0000000100000000);
    wr(0, 8, 0xffffffffffffffff);
    assert_true(msip(0));
    assert_int_equal(rd(0, 8), 0x0000000100000001);
    /* The second of the last pair does not exist. */
    wr(8, 8, 0x0000000100000001);
    assert_true(msip(2));
    assert_int_equal(rd(8, 8), 1);
}

static void test_mtime_runs(void **state)
{
    (void)state;
    assert_int_equal(clint_timer(dev)->timebase_hz, 10000000);
    harness_advance(h, TICK - 1);
    assert_int_equal(rd(MTIME, 8), 0);
    harness_advance(h, 1);
    assert_int_equal(rd(MTIME, 8), 1);
    tick(1000000);
    assert_int_equal(rd(MTIME, 8), 1000001);
    assert_int_equal(mtimer_now(clint_timer(dev)), 1000001);
    assert_int_equal(rd(MTIME, 4), 1000001);
    assert_int_equal(rd(MTIME + 4, 4), 0);
}

static void test_timebase(void **state)
{
    struct device *plain = dev;

    (void)state;
    dev = make(1, "32768");
    assert_int_equal(clint_timer(dev)->timebase_hz, 32768);
    wr(cmp_at(0), 8, 32768);
    harness_advance(h, 999999999);
    assert_int_equal(rd(MTIME, 8), 32767);
    assert_false(mtip(0));
    harness_advance(h, 1);
    assert_int_equal(rd(MTIME, 8), 32768);
    assert_true(mtip(0));
    dev = plain;
}

static void test_mtimecmp(void **state)
{
    (void)state;
    tick(50);
    wr(cmp_at(0), 8, 60);
    wr(cmp_at(1), 8, 55);
    wr(cmp_at(2), 8, 50); /* reached already */
    assert_false(mtip(0));
    assert_false(mtip(1));
    assert_true(mtip(2));
    tick(4);
    harness_advance(h, TICK - 1);
    assert_false(mtip(1));
    harness_advance(h, 1);
    assert_true(mtip(1));
    assert_false(mtip(0));
    tick(5);
    assert_true(mtip(0));
    /* Pending as long as mtime is not less. */
    tick(100);
    assert_true(mtip(0));
    wr(cmp_at(0), 8, 1000);
    assert_false(mtip(0));
    assert_true(mtip(1));
    assert_int_equal(rd(cmp_at(0), 8), 1000);
    assert_int_equal(rd(cmp_at(1), 8), 55);
}

/* RV32 writes halves; each counts at once. */
static void test_mtimecmp_halves(void **state)
{
    (void)state;
    wr(cmp_at(1), 4, 0);
    assert_int_equal(rd(cmp_at(1), 8), 0xffffffff00000000);
    assert_false(mtip(1));
    wr(cmp_at(1) + 4, 4, 0);
    assert_true(mtip(1));
    wr(cmp_at(1) + 4, 4, 0x12345678);
    assert_false(mtip(1));
    wr(cmp_at(1), 4, 0x9abcdef0);
    assert_int_equal(rd(cmp_at(1), 8), 0x123456789abcdef0);
    assert_int_equal(rd(cmp_at(1), 4), 0x9abcdef0);
    assert_int_equal(rd(cmp_at(1) + 4, 4), 0x12345678);
    assert_int_equal(rd(cmp_at(0), 8), UINT64_MAX);
    assert_int_equal(rd(cmp_at(2), 8), UINT64_MAX);
}

static void test_mtimecmp_0(void **state)
{
    (void)state;
    wr(cmp_at(0), 8, 0);
    assert_true(mtip(0));
    assert_int_equal(clock_deadline(h->clock), CLOCK_NEVER);
    tick(10);
    assert_true(mtip(0));
}

static void test_write_mtime(void **state)
{
    (void)state;
    wr(cmp_at(0), 8, 1000);
    wr(cmp_at(1), 8, 5000000000);
    tick(10);
    wr(MTIME, 8, 999);
    assert_int_equal(rd(MTIME, 8), 999);
    assert_false(mtip(0));
    tick(1);
    assert_true(mtip(0));
    wr(MTIME, 8, 500); /* back: the interrupt goes */
    assert_false(mtip(0));
    tick(499);
    assert_false(mtip(0));
    tick(1);
    assert_true(mtip(0));
    wr(MTIME + 4, 4, 2); /* 2 * 2^32 + 1000 */
    assert_int_equal(rd(MTIME, 8), 0x2000003e8);
    assert_true(mtip(1));
    wr(MTIME + 4, 4, 0);
    assert_false(mtip(1));
    wr(MTIME, 4, 0xfffffff0);
    assert_int_equal(rd(MTIME, 8), 0xfffffff0);
    tick(0x20);
    assert_int_equal(rd(MTIME, 8), 0x100000010);
    assert_int_equal(mtimer_now(clint_timer(dev)), 0x100000010);
}

/* Past its end mtime starts at 0, and what was pending falls. */
static void test_wrap(void **state)
{
    (void)state;
    wr(cmp_at(0), 8, 5);
    wr(cmp_at(1), 8, UINT64_MAX);
    wr(cmp_at(2), 8, 0);
    wr(MTIME, 8, UINT64_MAX - 1);
    assert_true(mtip(0));
    assert_false(mtip(1));
    tick(1);
    assert_true(mtip(1));
    tick(1);
    assert_int_equal(rd(MTIME, 8), 0);
    assert_false(mtip(0));
    assert_false(mtip(1));
    assert_true(mtip(2));
    tick(5);
    assert_true(mtip(0));
}

/* A deadline beyond all time is none. */
static void test_far_future(void **state)
{
    (void)state;
    wr(cmp_at(0), 8, UINT64_MAX - 1);
    assert_int_equal(clock_deadline(h->clock), CLOCK_NEVER);
    tick(1000);
    assert_false(mtip(0));
    wr(cmp_at(0), 8, 2000);
    tick(1000);
    assert_true(mtip(0));
}

static void count(void *owner)
{
    ++*(unsigned *)owner;
}

static void test_on_jump(void **state)
{
    unsigned jumps = 0;

    (void)state;
    mtimer_on_jump(clint_timer(dev), count, &jumps);
    wr(cmp_at(0), 8, 10);
    tick(20);
    wr(0, 4, 1);
    assert_int_equal(jumps, 0);
    wr(MTIME, 8, 7);
    assert_int_equal(jumps, 1);
    wr(MTIME + 4, 4, 7);
    assert_int_equal(jumps, 2);
    harness_reset(h, dev);
    assert_int_equal(jumps, 3);
    mtimer_on_jump(clint_timer(dev), NULL, NULL);
    wr(MTIME, 8, 7);
    assert_int_equal(jumps, 3);
}

static void test_reset(void **state)
{
    (void)state;
    tick(100);
    wr(0, 4, 1);
    wr(cmp_at(0), 8, 50);
    wr(cmp_at(1), 8, 200);
    wr(MTIME, 8, 150);
    assert_true(mtip(0));
    harness_reset(h, dev);
    test_reset_state(state);
    tick(3);
    assert_int_equal(rd(MTIME, 8), 3);
}

/* A wire is set when it changes, and only then. */
static void test_wire_changes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        wr(cmp_at(0), 8, 1000 + i);
        tick(1);
    }
    assert_int_equal(harness_out(h, dev, 1)->changes, 0);
    tick(1000);
    assert_int_equal(harness_out(h, dev, 1)->changes, 1);
}

static void test_nowhere(void **state)
{
    static const uint64_t offsets[] = {
        4 * HARTS, 0x3ffc, 0x4000 + 8 * HARTS, 0xbff4, 0xc000, 0xfffc,
    };
    char text[32];
    uint64_t v;

    (void)state;
    for (unsigned i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        wr(offsets[i], 4, UINT32_MAX);
        assert_int_equal(rd(offsets[i], 4), 0);
        snprintf(text, sizeof(text), "offset 0x%llx",
                 (unsigned long long)offsets[i]);
        assert_non_null(strstr(harness_log(h), text));
    }
    wr(0x4000 + 8 * HARTS, 8, 0);
    assert_int_equal(rd(0x4000 + 8 * HARTS, 8), 0);
    assert_int_equal(harness_try_read(h, dev, 0, 0, 1, &v), BUS_REFUSED);
    assert_int_equal(harness_try_read(h, dev, 0, 0, 2, &v), BUS_REFUSED);
    assert_int_equal(harness_try_read(h, dev, 0, 0xbffc, 8, &v), BUS_REFUSED);
}

static void check_refused(unsigned n_out, const char *hz, const char *say)
{
    struct device *d = harness_make(h, &clint_class);
    struct error e = {""};

    assert_true(device_set(d, NULL, "timebase-frequency", hz, &e));
    assert_false(harness_start(h, d, n_out, &e));
    assert_non_null(strstr(e.text, say));
    harness_remove(h, d);
}

static void test_bad_properties(void **state)
{
    (void)state;
    check_refused(2, "0", "timebase-frequency is 0");
    check_refused(3, "10000000", "3 interrupts: want two for each hart");
    check_refused(2 * CLINT_MAX_HARTS + 2, "10000000", "at most 128 harts");
}

static void test_last_hart(void **state)
{
    struct device *plain = dev;
    unsigned last = CLINT_MAX_HARTS - 1;

    (void)state;
    dev = make(CLINT_MAX_HARTS, NULL);
    wr(4 * last, 4, 1);
    assert_true(msip(last));
    wr(cmp_at(last), 8, 0);
    assert_true(mtip(last));
    dev = plain;
}

static void test_compatible(void **state)
{
    (void)state;
    assert_ptr_equal(device_class_compatible("sifive,clint0"), &clint_class);
    assert_ptr_equal(device_class_compatible("riscv,clint0"), &clint_class);
}

static void test_snapshot(void **state)
{
    const struct field *fields = clint_class.fields;
    size_t size = state_size(fields);
    uint8_t *saved = malloc(size);
    struct device *plain = dev;
    unsigned jumps = 0;
    struct error e;

    (void)state;
    wr(MTIME, 8, 10000);
    wr(4, 4, 1);
    wr(cmp_at(0), 8, 10010);
    wr(cmp_at(2), 8, 5);
    tick(5);
    state_save(fields, dev, saved);
    dev = make(HARTS, NULL);
    mtimer_on_jump(clint_timer(dev), count, &jumps);
    assert_true(state_load(fields, dev, saved, size, &e));
    clint_class.loaded(dev);
    assert_int_equal(jumps, 1);
    assert_int_equal(rd(MTIME, 8), 10005);
    assert_false(msip(0));
    assert_true(msip(1));
    assert_false(mtip(0));
    assert_true(mtip(2));
    tick(5);
    assert_true(mtip(0));
    dev = plain;
    free(saved);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reset_state),     TEST(test_msip),
        TEST(test_msip_by_pairs),   TEST(test_mtime_runs),
        TEST(test_timebase),        TEST(test_mtimecmp),
        TEST(test_mtimecmp_halves), TEST(test_mtimecmp_0),
        TEST(test_write_mtime),     TEST(test_wrap),
        TEST(test_far_future),      TEST(test_on_jump),
        TEST(test_reset),           TEST(test_wire_changes),
        TEST(test_nowhere),         TEST(test_bad_properties),
        TEST(test_last_hart),       TEST(test_compatible),
        TEST(test_snapshot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
