/*
 * The HPET: counter, one-shot and periodic comparators, 32 bits, level and
 * edge, the legacy replacement.
 */
#include "tests/unit.h"

#include "tests/devices/harness.h"

#define TICK 10 /* ns */
enum { CAPS = 0, CONFIG = 0x10, STATUS = 0x20, COUNTER = 0xf0 };
#define TN_CONFIG(n) (0x100 + 0x20 * (n))
#define TN_VALUE(n) (0x108 + 0x20 * (n))
/* Routed to output 3: input 21 of the I/O APIC. */
#define ROUTE (21 << 9)
enum { LEVEL = 2, ENABLE = 4, PERIODIC = 8, SETVAL = 0x40, BITS32 = 0x100 };

static struct harness *h;
static struct device *dev;

static int begin(void **state)
{
    (void)state;
    h = harness_new();
    dev = harness_device(h, "hpet", NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    harness_free(h);
    return 0;
}

static uint64_t get(unsigned reg)
{
    return harness_read(h, dev, 0, reg, 8);
}

static void put(unsigned reg, uint64_t v)
{
    harness_write(h, dev, 0, reg, 8, v);
}

static void counter(void **state)
{
    (void)state;
    assert_true(get(CAPS) == (UINT64_C(10000000) << 32 | 0x8086a201));
    put(COUNTER, 0x123);
    harness_advance(h, 1000);
    assert_int_equal(get(COUNTER), 0x123);
    put(CONFIG, 1);
    harness_advance(h, 1000);
    assert_int_equal(get(COUNTER), 0x123 + 1000 / TICK);
    put(COUNTER, 0); /* not while it runs */
    assert_int_equal(get(COUNTER), 0x123 + 1000 / TICK);
    put(CONFIG, 0);
    harness_advance(h, 1000);
    assert_int_equal(get(COUNTER), 0x123 + 1000 / TICK);
    harness_write(h, dev, 0, COUNTER + 4, 4, 7);
    assert_true(get(COUNTER) == (UINT64_C(7) << 32 | (0x123 + 1000 / TICK)));
    assert_int_equal(harness_read(h, dev, 0, COUNTER + 4, 4), 7);
}

static void one_shot(void **state)
{
    struct harness_wire *w = harness_out(h, dev, 3);
    unsigned before;

    (void)state;
    put(CONFIG, 1);
    put(TN_CONFIG(2), ROUTE | ENABLE | LEVEL | PERIODIC);
    assert_true((get(TN_CONFIG(2)) & PERIODIC) == 0); /* the third cannot */
    put(TN_VALUE(2), get(COUNTER) + 100);
    harness_advance(h, 99 * TICK);
    assert_false(w->level);
    harness_advance(h, TICK);
    assert_true(w->level);
    assert_int_equal(get(STATUS), 4);
    harness_write(h, dev, 0, STATUS, 4, 4);
    assert_false(w->level);
    /* An edge. */
    put(TN_CONFIG(2), ROUTE | ENABLE);
    before = w->changes;
    put(TN_VALUE(2), get(COUNTER) + 5);
    harness_advance(h, 1000);
    assert_true(w->changes > before && w->level);
    assert_int_equal(get(STATUS), 0);
    /* Behind the counter: not before it has gone round. */
    before = w->changes;
    put(TN_VALUE(2), get(COUNTER) - 5);
    harness_advance(h, 100000);
    assert_int_equal(w->changes, before);
    /* With 32 bits that is 43 seconds. */
    put(TN_CONFIG(2), ROUTE | ENABLE | LEVEL | BITS32);
    put(TN_VALUE(2), (get(COUNTER) - 5) & 0xffffffff);
    harness_advance(h, UINT64_C(42) * 1000000000);
    assert_false(w->level);
    harness_advance(h, UINT64_C(1) * 1000000000);
    assert_true(w->level);
}

/* As Linux programs it: the accumulator, then the period. */
static void periodic(void **state)
{
    struct harness_wire *w = harness_out(h, dev, 0);
    uint32_t first;

    (void)state;
    put(CONFIG, 3);
    put(TN_CONFIG(0), ENABLE | LEVEL | PERIODIC | SETVAL | BITS32);
    first = (uint32_t)get(COUNTER) + 3000;
    harness_write(h, dev, 0, TN_VALUE(0), 4, first);
    harness_write(h, dev, 0, TN_VALUE(0), 4, 2000);
    harness_advance(h, 3000 * TICK - 1);
    assert_false(w->level);
    for (unsigned i = 0; i < 4; i++) {
        harness_advance(h, 1);
        assert_true(w->level);
        put(STATUS, 1);
        harness_advance(h, 2000 * TICK - 1);
        assert_false(w->level);
    }
    assert_int_equal(get(TN_VALUE(0)), first + 4 * 2000);
    /* What passes unnoticed is one. */
    harness_advance(h, 100 * 2000 * TICK);
    put(STATUS, 1);
    assert_false(w->level);
}

static void legacy(void **state)
{
    (void)state;
    harness_input(h, dev, 0, true);
    harness_input(h, dev, 1, true);
    assert_true(harness_level(h, dev, 0) && harness_level(h, dev, 1));
    put(CONFIG, 2);
    assert_false(harness_level(h, dev, 0) || harness_level(h, dev, 1));
    harness_input(h, dev, 1, false);
    harness_input(h, dev, 1, true);
    assert_false(harness_level(h, dev, 1));
    put(CONFIG, 0);
    assert_true(harness_level(h, dev, 0) && harness_level(h, dev, 1));
    harness_input(h, dev, 0, false);
    assert_false(harness_level(h, dev, 0));
}

/* The host takes the thread away between two looks at the clock, or keeps the
 * main loop from a comparator that is due. */
static void slow_host(void **state)
{
    struct harness_wire *w = harness_out(h, dev, 0);
    unsigned before;

    (void)state;
    put(CONFIG, 3);
    put(TN_CONFIG(0), ENABLE | PERIODIC | SETVAL);
    put(TN_VALUE(0), get(COUNTER) + 3000);
    put(TN_VALUE(0), 2000);
    h->look_ns = 1500 * TICK;
    harness_advance(h, 5000 * TICK);
    h->look_ns = 0;
    before = w->changes;
    harness_advance(h, 2000 * TICK);
    assert_true(w->changes > before);
    /* A one-shot that is due when its registers, or all, are written. */
    w = harness_out(h, dev, 3);
    put(TN_CONFIG(2), ROUTE | ENABLE | LEVEL);
    for (unsigned i = 0; i < 3; i++) {
        const unsigned reg[] = {TN_CONFIG(2), CONFIG, STATUS};
        const uint64_t v[] = {ROUTE | ENABLE | LEVEL, 3, 0};

        put(TN_VALUE(2), get(COUNTER) + 100);
        h->look_ns = 200 * TICK;
        put(reg[i], v[i]);
        h->look_ns = 0;
        assert_true(w->level);
        put(STATUS, 4);
        assert_false(w->level);
    }
    /* The comparator's own value: the one that is replaced was met first. */
    put(TN_VALUE(2), get(COUNTER) + 100);
    h->look_ns = 200 * TICK;
    put(TN_VALUE(2), 0);
    assert_true(w->level);
    /* No tick is lost where the counter goes on. */
    h->look_ns = 0;
    before = (unsigned)get(COUNTER);
    h->look_ns = 200 * TICK;
    put(CONFIG, 3);
    h->look_ns = 0;
    assert_int_equal(get(COUNTER), before + 200);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(counter), TEST(one_shot),  TEST(periodic),
        TEST(legacy),  TEST(slow_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
