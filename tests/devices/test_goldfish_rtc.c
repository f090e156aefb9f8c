/* The goldfish clock: time, its setting, the alarm. */
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "tests/devices/harness.h"

enum {
    TIME_LOW = 0x00,
    TIME_HIGH = 0x04,
    ALARM_LOW = 0x08,
    ALARM_HIGH = 0x0c,
    IRQ_ENABLED = 0x10,
    CLEAR_ALARM = 0x14,
    ALARM_STATUS = 0x18,
    CLEAR_INTERRUPT = 0x1c,
};

/* The harness's wall clock at virtual time 0, and a second of it. */
#define BASE (UINT64_C(1700000000) * SECOND)
#define SECOND UINT64_C(1000000000)

static struct harness *h;
static struct device *dev;

static int setup(void **state)
{
    (void)state;
    h = harness_new();
    dev = harness_device(h, "goldfish_rtc", NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    harness_free(h);
    return 0;
}

static uint32_t rd(unsigned offset)
{
    return (uint32_t)harness_read(h, dev, 0, offset, 4);
}

static void wr(unsigned offset, uint32_t value)
{
    harness_write(h, dev, 0, offset, 4, value);
}

/* As Linux reads and writes them. */
static uint64_t get_time(void)
{
    uint64_t low = rd(TIME_LOW);

    return low | (uint64_t)rd(TIME_HIGH) << 32;
}

static void set_time(uint64_t ns)
{
    wr(TIME_HIGH, ns >> 32);
    wr(TIME_LOW, (uint32_t)ns);
}

static void set_alarm(uint64_t ns)
{
    wr(ALARM_HIGH, ns >> 32);
    wr(ALARM_LOW, (uint32_t)ns);
}

static uint64_t get_alarm(void)
{
    return rd(ALARM_LOW) | (uint64_t)rd(ALARM_HIGH) << 32;
}

static bool irq(void)
{
    return harness_level(h, dev, 0);
}

static void test_time(void **state)
{
    (void)state;
    assert_int_equal(get_time(), BASE);
    harness_advance(h, 12345);
    assert_int_equal(get_time(), BASE + 12345);
    harness_advance(h, 86400 * SECOND);
    assert_int_equal(get_time(), BASE + 86400 * SECOND + 12345);
}

/* The high half is that of the moment when the low half was read. */
static void test_latch(void **state)
{
    uint64_t edge = ((BASE >> 32) + 1) << 32;
    uint32_t high = (uint32_t)(edge >> 32);

    (void)state;
    harness_advance(h, edge - 1 - BASE);
    assert_int_equal(rd(TIME_LOW), UINT32_MAX);
    harness_advance(h, 1);
    assert_int_equal(rd(TIME_HIGH), high - 1);
    assert_int_equal(rd(TIME_LOW), 0);
    assert_int_equal(rd(TIME_HIGH), high);
}

static void test_set_time(void **state)
{
    static const uint64_t times[] = {
        0,
        1,
        946684800 * SECOND,
        UINT32_MAX,
        UINT64_C(1) << 32,
        UINT64_MAX - SECOND,
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        set_time(times[i]);
        assert_int_equal(get_time(), times[i]);
        harness_advance(h, 1000);
        assert_int_equal(get_time(), times[i] + 1000);
    }
}

/* The low half must not carry into the high one between the two writes. */
static void test_set_time_at_carry(void **state)
{
    (void)state;
    set_time(UINT64_C(0x55fffffff0));
    wr(TIME_HIGH, 0x60);
    harness_advance(h, 0x100); /* the old low half passes its end */
    wr(TIME_LOW, 0x80000000);
    assert_int_equal(get_time(), UINT64_C(0x6080000000));
    /* Each half alone, in the other order. */
    wr(TIME_LOW, 0x90000000);
    assert_int_equal(get_time(), UINT64_C(0x6090000000));
    wr(TIME_HIGH, 0x70);
    assert_int_equal(get_time(), UINT64_C(0x7090000000));
}

static void test_alarm(void **state)
{
    (void)state;
    wr(IRQ_ENABLED, 1);
    assert_int_equal(rd(IRQ_ENABLED), 1);
    set_alarm(BASE + SECOND);
    assert_int_equal(get_alarm(), BASE + SECOND);
    assert_int_equal(rd(ALARM_STATUS), 1);
    harness_advance(h, SECOND - 1);
    assert_false(irq());
    harness_advance(h, 1);
    assert_true(irq());
    assert_int_equal(rd(ALARM_STATUS), 0);
    harness_advance(h, SECOND);
    assert_true(irq());
    wr(CLEAR_INTERRUPT, 1);
    assert_false(irq());
    harness_advance(h, 100 * SECOND);
    assert_false(irq()); /* once only */
}

/* Farther off than the longest sleep. */
static void test_far_alarm(void **state)
{
    (void)state;
    wr(IRQ_ENABLED, 1);
    set_alarm(BASE + 1000 * SECOND + 7);
    harness_advance(h, 1000 * SECOND + 6);
    assert_false(irq());
    harness_advance(h, 1);
    assert_true(irq());
}

static void test_alarm_in_the_past(void **state)
{
    (void)state;
    wr(IRQ_ENABLED, 1);
    set_alarm(BASE);
    assert_true(irq());
    assert_int_equal(rd(ALARM_STATUS), 0);
}

/* Writing the high half arms nothing and moves no alarm. */
static void test_alarm_high_alone(void **state)
{
    (void)state;
    wr(IRQ_ENABLED, 1);
    wr(ALARM_HIGH, 0);
    assert_int_equal(rd(ALARM_STATUS), 0);
    harness_advance(h, SECOND);
    assert_false(irq());
    set_alarm(BASE + 3 * SECOND);
    wr(ALARM_HIGH, 0); /* on the way to an earlier one */
    harness_advance(h, SECOND);
    assert_false(irq());
    wr(ALARM_HIGH, UINT32_MAX);
    harness_advance(h, SECOND);
    assert_true(irq());
}

static void test_enable_masks(void **state)
{
    (void)state;
    set_alarm(BASE + SECOND);
    harness_advance(h, SECOND);
    assert_false(irq());
    wr(IRQ_ENABLED, 0xfffffffe);
    assert_int_equal(rd(IRQ_ENABLED), 0);
    assert_false(irq());
    wr(IRQ_ENABLED, 1);
    assert_true(irq()); /* it was pending */
    wr(IRQ_ENABLED, 0);
    assert_false(irq());
    wr(CLEAR_INTERRUPT, 0);
    wr(IRQ_ENABLED, 1);
    assert_false(irq());
}

static void test_clear_alarm(void **state)
{
    (void)state;
    wr(IRQ_ENABLED, 1);
    set_alarm(BASE + SECOND);
    wr(CLEAR_ALARM, 1);
    assert_int_equal(rd(ALARM_STATUS), 0);
    harness_advance(h, 2 * SECOND);
    assert_false(irq());
    /* It does not clear an interrupt. */
    set_alarm(BASE);
    assert_true(irq());
    wr(CLEAR_ALARM, 1);
    assert_true(irq());
}

/* Setting the clock moves the moment at which the alarm rings. */
static void test_set_time_moves_alarm(void **state)
{
    (void)state;
    wr(IRQ_ENABLED, 1);
    set_alarm(BASE + 100 * SECOND);
    set_time(BASE + 90 * SECOND);
    harness_advance(h, 10 * SECOND - 1);
    assert_false(irq());
    set_time(BASE + 50 * SECOND);
    harness_advance(h, 49 * SECOND);
    assert_false(irq());
    set_time(BASE + 200 * SECOND); /* past it */
    assert_true(irq());
    wr(CLEAR_INTERRUPT, 1);
    /* The time between the two writes rings nothing. */
    set_time(0x1000000000);
    set_alarm(0x10f0000000);
    wr(TIME_LOW, 0xff000000);
    wr(CLEAR_INTERRUPT, 1);
    set_time(0x0fff000000);
    set_alarm(0x10f0000000);
    wr(TIME_HIGH, 0x10);
    assert_false(irq());
    wr(TIME_LOW, 0);
    assert_false(irq());
    assert_int_equal(rd(ALARM_STATUS), 1);
}

static void test_reset(void **state)
{
    (void)state;
    set_time(12345 * SECOND);
    wr(IRQ_ENABLED, 1);
    set_alarm(1);
    assert_true(irq());
    set_alarm(12346 * SECOND);
    harness_reset(h, dev);
    assert_false(irq());
    assert_int_equal(rd(IRQ_ENABLED), 0);
    assert_int_equal(rd(ALARM_STATUS), 0);
    assert_int_equal(get_alarm(), 0);
    assert_int_equal(get_time(), 12345 * SECOND); /* a battery keeps it */
    wr(IRQ_ENABLED, 1);
    harness_advance(h, 2 * SECOND);
    assert_false(irq());
}

static void test_nowhere(void **state)
{
    uint64_t v;

    (void)state;
    wr(0x20, UINT32_MAX);
    wr(ALARM_STATUS, UINT32_MAX);
    assert_int_equal(rd(ALARM_STATUS), 0);
    assert_int_equal(rd(0x20), 0);
    assert_int_equal(rd(CLEAR_ALARM), 0);
    assert_int_equal(rd(CLEAR_INTERRUPT), 0);
    assert_int_equal(rd(0xffc), 0);
    assert_non_null(strstr(harness_log(h), "to write at offset 0x18"));
    assert_non_null(strstr(harness_log(h), "to read at offset 0xffc"));
    assert_int_equal(harness_try_read(h, dev, 0, 0, 1, &v), BUS_REFUSED);
    assert_int_equal(harness_try_read(h, dev, 0, 0, 8, &v), BUS_REFUSED);
}

static void test_compatible(void **state)
{
    (void)state;
    assert_ptr_equal(device_class_compatible("google,goldfish-rtc"),
                     dev->class);
}

static void test_snapshot(void **state)
{
    const struct field *fields = dev->class->fields;
    size_t size = state_size(fields);
    uint8_t *saved = malloc(size);
    struct error e;

    (void)state;
    set_time(100 * SECOND);
    set_alarm(150 * SECOND);
    wr(IRQ_ENABLED, 1);
    harness_advance(h, SECOND);
    state_save(fields, dev, saved);
    harness_remove(h, dev);
    dev = harness_device(h, "goldfish_rtc", NULL);
    assert_true(state_load(fields, dev, saved, size, &e));
    dev->class->loaded(dev);
    assert_int_equal(get_time(), 101 * SECOND);
    assert_int_equal(rd(ALARM_STATUS), 1);
    harness_advance(h, 49 * SECOND - 1);
    assert_false(irq());
    harness_advance(h, 1);
    assert_true(irq());
    free(saved);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_time),
        TEST(test_latch),
        TEST(test_set_time),
        TEST(test_set_time_at_carry),
        TEST(test_alarm),
        TEST(test_far_alarm),
        TEST(test_alarm_in_the_past),
        TEST(test_alarm_high_alone),
        TEST(test_enable_masks),
        TEST(test_clear_alarm),
        TEST(test_set_time_moves_alarm),
        TEST(test_reset),
        TEST(test_nowhere),
        TEST(test_compatible),
        TEST(test_snapshot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
