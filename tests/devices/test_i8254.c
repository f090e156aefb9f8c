/* The 8254 and port 61h: every mode against the data sheet's diagrams. */
#include "tests/unit.h"

#include <string.h>

#include "devices/i8254.h"
#include "devices/ioapic.h"
#include "tests/devices/harness.h"

enum { CONTROL = 3 };

/* One tick is 1,000 ns, so that diagrams can be followed by hand. */
#define TICK 1000

static struct harness *h;
static struct device *dev;

static int setup(void **state)
{
    (void)state;
    h = harness_new();
    dev = harness_device(h, "i8254", "clock-frequency=1000000");
    harness_advance(h, 100); /* not on the edge of a tick */
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    harness_free(h);
    return 0;
}

static unsigned rd(unsigned reg)
{
    return (unsigned)harness_read(h, dev, 0, reg, 1);
}

static void wr(unsigned reg, unsigned value)
{
    harness_write(h, dev, 0, reg, 1, value);
}

static void gate2(bool on)
{
    harness_write(h, dev, 1, 0, 1, on);
}

static bool out2(void)
{
    return harness_read(h, dev, 1, 0, 1) >> 5 & 1;
}

static void pass(unsigned ticks)
{
    harness_advance(h, (uint64_t)ticks * TICK);
}

static unsigned count2(void)
{
    unsigned low;

    wr(CONTROL, 0x80);
    low = rd(2);
    return low | rd(2) << 8;
}

static unsigned status2(void)
{
    wr(CONTROL, 0xe8);
    return rd(2);
}

static void mode2(unsigned mode, unsigned count)
{
    wr(CONTROL, 0xb0 | mode << 1);
    wr(2, count & 0xff);
    wr(2, count >> 8);
}

/* OUT of counter 2 over the next ticks, as the diagrams show it. */
static void expect_out(const char *levels)
{
    char seen[64];
    unsigned n = 0;

    for (; levels[n]; n++, pass(1))
        seen[n] = out2() ? 'H' : 'L';
    seen[n] = 0;
    assert_string_equal(seen, levels);
}

static void expect_counts(unsigned n, const unsigned *counts)
{
    for (unsigned i = 0; i < n; i++, pass(1))
        assert_int_equal(count2(), counts[i]);
}

#define COUNTS(...)                                                            \
    expect_counts(sizeof((const unsigned[]){__VA_ARGS__}) / sizeof(unsigned),  \
                  (const unsigned[]){__VA_ARGS__})

/* ------------------------------------------------------------- counter 2 */

static void test_mode0(void **state)
{
    (void)state;
    gate2(true);
    mode2(0, 4);
    expect_out("LLLLLHHHH"); /* N + 1 ticks after the write */
    mode2(0, 3);
    pass(1);
    COUNTS(3, 2, 1, 0, 0xffff, 0xfffe);
    mode2(0, 6);
    pass(3);
    gate2(false);
    COUNTS(4, 4, 4);
    assert_false(out2());
    gate2(true);
    COUNTS(4, 3, 2, 1, 0, 0xffff);
    assert_true(out2());
    /* The first of two bytes stops it and sets OUT low. */
    wr(2, 2);
    assert_false(out2());
    COUNTS(0xfffe, 0xfffe);
    wr(2, 0);
    expect_out("LLLHH");
}

static void test_mode1(void **state)
{
    (void)state;
    gate2(false);
    mode2(1, 3);
    expect_out("HHH");
    gate2(true);
    expect_out("HLLLHHH");
    gate2(false);
    gate2(true);
    pass(2);
    gate2(false); /* the gate's level does not matter */
    expect_out("LL");
    gate2(true); /* retrigger */
    expect_out("HLLLH");
    /* A new count takes effect with the next trigger. */
    gate2(false);
    gate2(true);
    pass(1);
    wr(2, 5);
    wr(2, 0);
    assert_int_equal(status2() & 0x40, 0x40);
    expect_out("LLLHHH");
    gate2(false);
    gate2(true);
    expect_out("HLLLLLHH");
    assert_int_equal(status2() & 0x40, 0);
}

static void test_mode2(void **state)
{
    (void)state;
    gate2(true);
    mode2(2, 3);
    pass(1);
    expect_out("HHLHHLHH");
    COUNTS(1, 3, 2, 1, 3);
    gate2(false); /* high at once, and a trigger reloads */
    assert_true(out2());
    COUNTS(2, 2);
    gate2(true);
    pass(1);
    COUNTS(3, 2, 1, 3);
    /* A new count waits for the end of the period. */
    wr(2, 5);
    wr(2, 0);
    COUNTS(2, 1, 5, 4, 3, 2, 1, 5);
    /* ...or for a trigger. */
    wr(2, 4);
    wr(2, 0);
    gate2(false);
    gate2(true);
    pass(1);
    COUNTS(4, 3, 2, 1, 4);
}

static void test_mode3(void **state)
{
    (void)state;
    gate2(true);
    mode2(3, 4);
    pass(1);
    expect_out("HHLLHHLLH");
    pass(3);
    COUNTS(4, 2, 4, 2, 4);
    mode2(3, 5);
    pass(1);
    expect_out("HHHLLHHHLLH");
    pass(4);
    COUNTS(4, 2, 0, 4, 2, 4);
    pass(4);
    /* A new count comes with the end of the half: here the first. */
    pass(1);
    wr(2, 8);
    wr(2, 0);
    expect_out("HHLLLLHHHHLLLLH");
    gate2(false);
    assert_true(out2());
    gate2(true);
    pass(1);
    expect_out("HHHHLLLLH");
}

static void test_mode4(void **state)
{
    (void)state;
    gate2(true);
    mode2(4, 3);
    expect_out("HHHHLHHH");
    mode2(4, 3);
    pass(2);
    gate2(false);
    COUNTS(2, 2);
    gate2(true);
    expect_out("HHLH");
    mode2(4, 3);
    pass(2);
    wr(2, 2); /* of two bytes the first has no effect */
    pass(1);
    assert_int_equal(count2(), 1);
    wr(2, 0);
    expect_out("HHHLHH");
}

static void test_mode5(void **state)
{
    (void)state;
    gate2(false);
    mode2(5, 3);
    expect_out("HHHHHH");
    gate2(true);
    expect_out("HHHHLHHH");
    gate2(false);
    gate2(true);
    pass(2);
    gate2(false);
    gate2(true); /* retrigger */
    expect_out("HHHHLH");
}

static void test_bcd(void **state)
{
    (void)state;
    gate2(true);
    wr(CONTROL, 0xb5); /* mode 2 */
    wr(2, 0x00);
    wr(2, 0x10);
    pass(1);
    COUNTS(0x1000, 0x0999, 0x0998);
    wr(CONTROL, 0xb1); /* mode 0 */
    wr(2, 0);
    wr(2, 0);
    pass(1);
    COUNTS(0, 0x9999);
    pass(9998);
    assert_int_equal(count2(), 0x0000);
    assert_true(out2());
    pass(1);
    assert_int_equal(count2(), 0x9999);
}

/* 0 is the largest count; 1 is forbidden in mode 2, and here 2. */
static void test_edges_of_range(void **state)
{
    (void)state;
    gate2(true);
    mode2(2, 0);
    pass(1);
    COUNTS(0, 0xffff);
    pass(65536 - 3);
    assert_false(out2());
    COUNTS(1, 0);
    mode2(2, 1);
    pass(1);
    expect_out("HLHLH");
    mode2(0, 1);
    expect_out("LLHH");
}

static void test_bytes(void **state)
{
    (void)state;
    gate2(true);
    wr(CONTROL, 0x94); /* LSB only */
    wr(2, 0x10);
    pass(1);
    assert_int_equal(rd(2), 0x10);
    pass(1);
    assert_int_equal(rd(2), 0x0f);
    wr(CONTROL, 0xa4); /* MSB only */
    wr(2, 0x02);
    pass(1);
    assert_int_equal(rd(2), 0x02);
    pass(1);
    assert_int_equal(rd(2), 0x01);
    /* Reads and writes of two bytes may be mixed. */
    mode2(0, 0x1234);
    pass(1);
    assert_int_equal(rd(2), 0x34);
    wr(2, 0x78);
    assert_int_equal(rd(2), 0x12);
    wr(2, 0x56);
    pass(1);
    assert_int_equal(count2(), 0x5678);
}

static void test_latch(void **state)
{
    (void)state;
    gate2(true);
    mode2(2, 1000);
    pass(1);
    wr(CONTROL, 0x80);
    pass(10);
    wr(CONTROL, 0x80); /* the first one stays */
    assert_int_equal(rd(2), 1000 & 0xff);
    assert_int_equal(rd(2), 1000 >> 8);
    assert_int_equal(rd(2), 990 & 0xff);
    assert_int_equal(rd(2), 990 >> 8);
    wr(CONTROL, 0x80);
    mode2(2, 500); /* a control word drops it */
    pass(1);
    assert_int_equal(rd(2), 500 & 0xff);
}

static void test_read_back(void **state)
{
    (void)state;
    gate2(true);
    wr(CONTROL, 0xbf); /* mode 3 written as 7, BCD */
    assert_int_equal(status2(), 0xff);
    wr(2, 0x00);
    wr(2, 0x05);
    assert_int_equal(status2(), 0xff);
    pass(1);
    assert_int_equal(status2(), 0xbf);
    wr(CONTROL, 0xc8); /* status and count: the status comes first */
    pass(50);
    wr(CONTROL, 0xc8);
    assert_int_equal(rd(2), 0xbf);
    assert_int_equal(rd(2), 0x00);
    assert_int_equal(rd(2), 0x05);
    assert_int_equal(count2(), 0x0400);
    /* Several counters at once. */
    wr(CONTROL, 0x30);
    wr(CONTROL, 0xde);
    wr(CONTROL, 0xee);
    assert_int_equal(rd(0), 0x70);
    assert_int_equal(rd(1), 0x30); /* never written */
    assert_int_equal(rd(2), 0xbf);
    assert_int_equal(rd(CONTROL), 0xff);
}

/* ------------------------------------------------------------- counter 0 */

static void program0(unsigned control, unsigned count)
{
    wr(CONTROL, control);
    wr(0, count & 0xff);
    wr(0, count >> 8);
}

static void test_interrupts(void **state)
{
    struct harness_wire *w = harness_out(h, dev, 0);
    unsigned before;

    (void)state;
    assert_false(w->level);
    program0(0x34, 100);
    assert_true(w->level); /* OUT goes high with the control word */
    before = w->changes;
    pass(1 + 99);
    assert_int_equal(w->changes, before);
    pass(1);
    assert_int_equal(w->changes, before + 2); /* down and up */
    pass(1000);
    assert_int_equal(w->changes, before + 22);
    assert_true(w->level);

    program0(0x36, 100); /* mode 3: a rising edge in each period */
    before = w->changes;
    pass(1 + 1000);
    assert_int_equal(w->changes, before + 20);

    program0(0x30, 50); /* one shot */
    assert_false(w->level);
    pass(50);
    assert_false(w->level);
    pass(1);
    assert_true(w->level);
    before = w->changes;
    pass(100000);
    assert_int_equal(w->changes, before);

    program0(0x38, 50); /* mode 4 */
    before = w->changes;
    pass(100000);
    assert_int_equal(w->changes, before + 2);
    assert_true(w->level);
}

/* A new count in the middle of a period: no edge more or less. */
static void test_new_count(void **state)
{
    struct harness_wire *w = harness_out(h, dev, 0);
    unsigned before;

    (void)state;
    program0(0x34, 100);
    pass(1 + 150);
    before = w->changes;
    wr(0, 25);
    wr(0, 0);
    pass(50);
    assert_int_equal(w->changes, before + 2);
    pass(250);
    assert_int_equal(w->changes, before + 22);
}

/* Too many for any guest: some are left out, and are not owed later. */
static void test_fast(void **state)
{
    struct harness_wire *w = harness_out(h, dev, 0);
    unsigned before;

    (void)state;
    program0(0x34, 2);
    before = w->changes;
    pass(1000000);
    assert_in_range(w->changes - before, 2 * 45000, 2 * 50000);
    wr(0, 1000 & 0xff);
    wr(0, 1000 >> 8);
    before = w->changes;
    pass(100000);
    assert_in_range(w->changes - before, 2 * 99, 2 * 102);
}

/* 1.193182 MHz: an hour of ticks, to the tick. */
static void test_no_drift(void **state)
{
    struct device *pit = harness_device(h, "i8254", NULL);
    struct harness_wire *w = harness_out(h, pit, 0);
    unsigned before;

    (void)state;
    harness_write(h, pit, 0, CONTROL, 1, 0x34);
    harness_write(h, pit, 0, 0, 1, 0xa9); /* 1193: about 1 ms */
    harness_write(h, pit, 0, 0, 1, 0x04);
    before = w->changes;
    harness_advance(h, UINT64_C(3600) * 1000000000);
    assert_int_equal((w->changes - before) / 2,
                     (UINT64_C(3600) * 1193182 - 1) / 1193);
}

/* Ticks that come too late, as where the host has slept, are made up one by
 * one, and no more than a quarter of a second's worth. */
static void test_late(void **state)
{
    struct harness_wire *w = harness_out(h, dev, 0);
    unsigned before;

    (void)state;
    program0(0x34, 1000);
    pass(1);
    before = w->changes;
    h->insns += 5 * 1000 * TICK; /* nobody looked for five periods */
    harness_advance(h, 0);
    assert_int_equal(w->changes, before + 2);
    pass(2500); /* five, and two new ones, at four times the rate */
    assert_int_equal(w->changes, before + 2 * 7);
    pass(5000);
    assert_int_equal(w->changes, before + 2 * 12);
    h->insns += UINT64_C(1000000) * 1000 * TICK;
    before = w->changes;
    pass(10 * 1000000);
    assert_in_range(w->changes - before, 2 * 10240, 2 * 10260);
}

/* Ticks wait for a CPU that does not take them, for a while. */
static void test_taken(void **state)
{
    struct harness_wire *w = harness_out(h, dev, 0);
    unsigned before;

    (void)state;
    program0(0x34, 1000);
    pass(1001);
    i8254_taken(dev);
    before = w->changes;
    pass(5000);
    assert_int_equal(w->changes, before + 2);
    for (unsigned i = 1; i <= 5; i++) { /* four, and a new one */
        i8254_taken(dev);
        assert_int_equal(w->changes, before + 2 * i);
        pass(251);
    }
    i8254_taken(dev);
    assert_int_equal(w->changes, before + 2 * 6);
    /* Nobody takes them any longer: then none is made up. */
    before = w->changes;
    pass(1000 * 1000);
    assert_in_range(w->changes - before, 2 * 745, 2 * 755);
    before = w->changes;
    i8254_taken(dev);
    pass(3000);
    assert_in_range(w->changes - before, 2, 4);
    i8254_taken(dev);
    pass(250);
    i8254_taken(dev);
    before = w->changes;
    pass(1000);
    assert_int_equal(w->changes, before + 2);
    /* A control word forgets what is owed. */
    pass(10000);
    program0(0x34, 1000);
    pass(1001);
    i8254_taken(dev);
    before = w->changes;
    pass(990);
    assert_int_equal(w->changes, before);
}

/* The same, through an IOAPIC. */
static void test_taken_from_ioapic(void **state)
{
    struct device *apic = harness_device(h, "ioapic", NULL);
    struct harness_wire *w = harness_out(h, dev, 0);
    unsigned before;

    (void)state;
    ioapic_on_taken(apic, 2, i8254_taken, dev);
    harness_write(h, apic, 0, 0x00, 4, 0x14);
    harness_write(h, apic, 0, 0x10, 4, 0x30);
    program0(0x34, 1000);
    pass(1001);
    before = w->changes;
    ioapic_taken(apic, 0x31); /* another one: nothing is known yet */
    pass(3000);
    assert_int_equal(w->changes, before + 2 * 3);
    ioapic_taken(apic, 0x30);
    pass(3000); /* now they wait */
    assert_int_equal(w->changes, before + 2 * 4);
    harness_write(h, apic, 0, 0x10, 4, 0x10030);
    ioapic_taken(apic, 0x30); /* masked: not this one's */
    pass(500);
    assert_int_equal(w->changes, before + 2 * 4);
    harness_write(h, apic, 0, 0x10, 4, 0x30);
    ioapic_taken(apic, 0x30);
    pass(300);
    assert_int_equal(w->changes, before + 2 * 5);
}

/* ------------------------------------------------------------- port 61h */

static void test_port61(void **state)
{
    unsigned toggles = 0, last;

    (void)state;
    harness_write(h, dev, 1, 0, 1, 0xff);
    assert_int_equal(harness_read(h, dev, 1, 0, 1) & 0xcf, 0x0f);
    harness_write(h, dev, 1, 0, 1, 0xf0);
    assert_int_equal(harness_read(h, dev, 1, 0, 1) & 0xcf, 0);
    last = (unsigned)harness_read(h, dev, 1, 0, 1) & 0x10;
    for (unsigned i = 0; i < 1800; i++) {
        unsigned now;

        pass(1);
        now = (unsigned)harness_read(h, dev, 1, 0, 1) & 0x10;
        toggles += now != last;
        last = now;
    }
    assert_int_equal(toggles, 100);
}

static void test_reset(void **state)
{
    struct harness_wire *w = harness_out(h, dev, 0);
    unsigned before;

    (void)state;
    program0(0x34, 10);
    gate2(true);
    mode2(3, 10);
    pass(25);
    harness_reset(h, dev);
    assert_false(w->level);
    before = w->changes;
    pass(100000);
    assert_int_equal(w->changes, before);
    assert_false(out2());
    assert_int_equal(rd(0), 0);
}

static void test_bad_frequency(void **state)
{
    struct device *pit = harness_make(h, device_class_named("i8254"));
    struct error e;

    (void)state;
    assert_true(device_set(pit, NULL, "clock-frequency", "0", &e));
    assert_false(device_create(pit, 1, &e));
    assert_non_null(strstr(e.text, "clock-frequency is 0"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_mode0),         TEST(test_mode1),
        TEST(test_mode2),         TEST(test_mode3),
        TEST(test_mode4),         TEST(test_mode5),
        TEST(test_bcd),           TEST(test_edges_of_range),
        TEST(test_bytes),         TEST(test_latch),
        TEST(test_read_back),     TEST(test_interrupts),
        TEST(test_new_count),     TEST(test_fast),
        TEST(test_no_drift),      TEST(test_late),
        TEST(test_taken),         TEST(test_taken_from_ioapic),
        TEST(test_port61),        TEST(test_reset),
        TEST(test_bad_frequency),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
