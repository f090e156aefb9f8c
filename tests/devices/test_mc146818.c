/* The MC146818: calendar, alarm, interrupts, UIP, RAM. */
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "devices/mc146818.h"
#include "tests/devices/harness.h"

enum {
    SECONDS = 0,
    MINUTES = 2,
    HOURS = 4,
    WEEKDAY = 6,
    DAY = 7,
    MONTH = 8,
    YEAR = 9,
    A = 10,
    B = 11,
    C = 12,
    D = 13,
    CENTURY = 0x32,
};

#define SECOND UINT64_C(1000000000)
#define MICRO UINT64_C(1000)

static struct harness *h;
static struct device *dev;

static int setup(void **state)
{
    (void)state;
    h = harness_new();
    dev = harness_device(h, "mc146818", NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    harness_free(h);
    return 0;
}

static unsigned rd(unsigned index)
{
    harness_write(h, dev, 0, 0, 1, index);
    return (unsigned)harness_read(h, dev, 0, 1, 1);
}

static void wr(unsigned index, unsigned value)
{
    harness_write(h, dev, 0, 0, 1, index);
    harness_write(h, dev, 0, 1, 1, value);
}

static bool irq(void)
{
    return harness_level(h, dev, 0);
}

/* "YYYY-MM-DD hh:mm:ss w", of registers in BCD, hours as they are. */
static const char *date(void)
{
    static char text[40];

    snprintf(text, sizeof(text), "%02x%02x-%02x-%02x %02x:%02x:%02x %x",
             rd(CENTURY), rd(YEAR), rd(MONTH), rd(DAY), rd(HOURS), rd(MINUTES),
             rd(SECONDS), rd(WEEKDAY));
    return text;
}

/* The same the other way round; the update comes a whole second later. */
static void set_date(const char *text)
{
    static const unsigned reg[] = {CENTURY, YEAR,    MONTH,  DAY,
                                   HOURS,   MINUTES, SECONDS};
    static const unsigned at[] = {0, 2, 5, 8, 11, 14, 17};

    wr(B, 0x80 | rd(B));
    for (unsigned i = 0; i < 7; i++) {
        char two[3] = {text[at[i]], text[at[i] + 1], 0};

        wr(reg[i], (unsigned)strtoul(two, NULL, 16));
    }
    wr(WEEKDAY, (unsigned)(text[20] - '0'));
    wr(A, 0x60 | (rd(A) & 0x0f));
    wr(A, 0x20 | (rd(A) & 0x0f));
    harness_advance(h, SECOND / 2);
    wr(B, 0x7f & rd(B));
}

static void test_start(void **state)
{
    (void)state;
    /* 1,700,000,000 seconds after 1970. */
    assert_string_equal(date(), "2023-11-14 22:13:20 3");
    assert_int_equal(rd(A), 0x26);
    assert_int_equal(rd(B), 0x02);
    assert_int_equal(rd(C), 0x00);
    assert_int_equal(rd(D), 0x80);
    harness_advance(h, SECOND - 1);
    assert_string_equal(date(), "2023-11-14 22:13:20 3");
    harness_advance(h, 1);
    assert_string_equal(date(), "2023-11-14 22:13:21 3");
    harness_advance(h, 3600 * 24 * 365 * SECOND);
    assert_string_equal(date(), "2024-11-13 22:13:21 4");
}

static void test_set_time(void **state)
{
    static const struct {
        uint64_t s;
        const char *date;
    } times[] = {
        {0, "1970-01-01 00:00:00 5"},
        {68255999, "1972-02-29 23:59:59 3"},
        {946684800, "2000-01-01 00:00:00 7"},
        {951782400, "2000-02-29 00:00:00 3"},
        {4102444799, "2099-12-31 23:59:59 5"},
        {4107542400, "2100-03-01 00:00:00 2"},
        {18446744073, "2554-07-21 23:34:33 1"},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        mc146818_set_time(dev, times[i].s * SECOND);
        assert_string_equal(date(), times[i].date);
    }
}

/* The wall clock goes on while the machine stands still. */
static void test_stood_still(void **state)
{
    const uint64_t base = 951782390 * SECOND; /* 2000-02-28 23:59:50 */

    (void)state;
    gate_set_wall_clock(h->gate, base - clock_ns(h->clock), true);
    mc146818_set_time(dev, base);
    gate_set_wall_clock(h->gate, base + 12 * SECOND - 1 - clock_ns(h->clock),
                        true);
    assert_string_equal(date(), "2000-02-29 00:00:01 3");
    assert_string_equal(date(), "2000-02-29 00:00:01 3"); /* once */
    /* What is left of a second is not lost. */
    gate_set_wall_clock(h->gate, base + 12 * SECOND - clock_ns(h->clock), true);
    assert_string_equal(date(), "2000-02-29 00:00:02 3");
    gate_set_wall_clock(h->gate, base - clock_ns(h->clock), true);
    assert_string_equal(date(), "2000-02-29 00:00:02 3");
}

static void test_carries(void **state)
{
    static const char *const pairs[][2] = {
        {"2023-02-28 23:59:59 3", "2023-03-01 00:00:00 4"},
        {"2024-02-28 23:59:59 4", "2024-02-29 00:00:00 5"},
        {"2024-02-29 23:59:59 7", "2024-03-01 00:00:00 1"},
        {"2024-04-30 23:59:59 3", "2024-05-01 00:00:00 4"},
        {"1999-12-31 23:59:59 6", "2000-01-01 00:00:00 7"},
        {"2005-06-07 09:09:59 3", "2005-06-07 09:10:00 3"},
        {"2005-06-07 19:59:59 3", "2005-06-07 20:00:00 3"},
        /* What is no date counts up somehow, and carries. */
        {"2005-99-99 99:99:99 9", "2006-01-01 00:00:00 3"},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        set_date(pairs[i][0]);
        harness_advance(h, SECOND - 1);
        assert_string_equal(date(), pairs[i][0]);
        harness_advance(h, 1);
        assert_string_equal(date(), pairs[i][1]);
    }
}

static void test_formats(void **state)
{
    (void)state;
    wr(B, 0x00); /* 12 hours, BCD */
    wr(HOURS, 0x11);
    wr(MINUTES, 0x59);
    wr(SECONDS, 0x59);
    harness_advance(h, SECOND);
    assert_int_equal(rd(HOURS), 0x92);
    harness_advance(h, 3600 * SECOND);
    assert_int_equal(rd(HOURS), 0x81);
    wr(HOURS, 0x91);
    wr(DAY, 0x14);
    harness_advance(h, 3600 * SECOND);
    assert_int_equal(rd(HOURS), 0x12);
    assert_int_equal(rd(DAY), 0x15);
    harness_advance(h, 3600 * SECOND);
    assert_int_equal(rd(HOURS), 0x01);
    wr(B, 0x06); /* 24 hours, binary */
    wr(HOURS, 23);
    wr(MINUTES, 59);
    wr(SECONDS, 58);
    wr(DAY, 31);
    wr(MONTH, 12);
    wr(YEAR, 99);
    wr(CENTURY, 19);
    harness_advance(h, SECOND);
    assert_int_equal(rd(SECONDS), 59);
    harness_advance(h, SECOND);
    assert_int_equal(rd(HOURS), 0);
    assert_int_equal(rd(YEAR), 0);
    assert_int_equal(rd(CENTURY), 20);
    wr(B, 0x04); /* 12 hours, binary */
    wr(HOURS, 0x80 | 11);
    wr(MINUTES, 59);
    wr(SECONDS, 59);
    harness_advance(h, SECOND);
    assert_int_equal(rd(HOURS), 12);
}

/* SET holds the calendar, not the divider; it clears UIE. */
static void test_set(void **state)
{
    (void)state;
    wr(B, 0x92);
    assert_int_equal(rd(B), 0x82);
    harness_advance(h, 5 * SECOND + SECOND / 4);
    assert_int_equal(rd(SECONDS), 0x20);
    assert_int_equal(rd(C) & 0x10, 0);
    wr(B, 0x02);
    harness_advance(h, SECOND / 2);
    assert_int_equal(rd(SECONDS), 0x20);
    harness_advance(h, SECOND / 4);
    assert_int_equal(rd(SECONDS), 0x21);
}

/* Half a second from the divider's reset to the first update. */
static void test_divider(void **state)
{
    (void)state;
    harness_advance(h, SECOND / 3);
    wr(A, 0x76);
    harness_advance(h, 10 * SECOND);
    assert_int_equal(rd(SECONDS), 0x20);
    assert_int_equal(rd(C) & 0x10, 0);
    assert_int_equal(rd(A), 0x76);
    wr(A, 0x26);
    harness_advance(h, SECOND / 2 - 1);
    assert_int_equal(rd(SECONDS), 0x20);
    harness_advance(h, 1);
    assert_int_equal(rd(SECONDS), 0x21);
    harness_advance(h, SECOND - 1);
    assert_int_equal(rd(SECONDS), 0x21);
    harness_advance(h, 1);
    assert_int_equal(rd(SECONDS), 0x22);
}

/* UIP: 244 us before the cycle, and its 1,984 us. */
static void test_uip(void **state)
{
    (void)state;
    harness_advance(h, SECOND - 2228 * MICRO - 1);
    assert_int_equal(rd(A) & 0x80, 0);
    harness_advance(h, 1);
    assert_int_equal(rd(A) & 0x80, 0x80);
    assert_int_equal(rd(C), 0x40);
    harness_advance(h, 2228 * MICRO - 1);
    assert_int_equal(rd(A) & 0x80, 0x80);
    assert_int_equal(rd(SECONDS), 0x20);
    assert_int_equal(rd(C) & 0x10, 0);
    harness_advance(h, 1);
    assert_int_equal(rd(A) & 0x80, 0);
    assert_int_equal(rd(SECONDS), 0x21);
    assert_int_equal(rd(C) & 0x10, 0x10);
    harness_advance(h, SECOND - MICRO);
    wr(B, 0x82);
    assert_int_equal(rd(A) & 0x80, 0);
}

static void test_update_interrupt(void **state)
{
    struct harness_wire *w = harness_out(h, dev, 0);

    (void)state;
    wr(B, 0x12);
    harness_advance(h, SECOND - 1);
    assert_false(irq());
    harness_advance(h, 1);
    assert_true(irq());
    harness_advance(h, 3 * SECOND); /* until C is read */
    assert_true(irq());
    assert_int_equal(w->changes, 1);
    assert_int_equal(rd(C), 0xd0);
    assert_false(irq());
    assert_int_equal(rd(C), 0);
    harness_advance(h, SECOND);
    assert_true(irq());
    wr(B, 0x02); /* the pin follows the enable */
    assert_false(irq());
    wr(B, 0x12);
    assert_true(irq());
}

static void test_periodic(void **state)
{
    static const unsigned hz[] = {0,   256, 128, 8192, 4096, 2048, 1024, 512,
                                  256, 128, 64,  32,   16,   8,    4,    2};

    (void)state;
    for (unsigned rs = 0; rs < 16; rs++) {
        unsigned seen = 0;

        wr(A, 0x20 | rs);
        rd(C);
        wr(B, 0x42);
        for (unsigned i = 0; i < 65536; i++) {
            harness_advance(h, i % 64 == 63 ? 15625 * 2 : 15259 - 15);
            if (irq()) {
                seen++;
                rd(C);
            }
        }
        wr(B, 0x02);
        /* About one second (of 65,536 steps). */
        assert_in_range(seen, hz[rs] ? hz[rs] - hz[rs] / 50 - 1 : 0,
                        hz[rs] + hz[rs] / 50 + (hz[rs] != 0));
    }
}

/* 1,024 Hz to the nanosecond, for an hour, each tick taken when it comes. */
static void test_no_drift(void **state)
{
    unsigned seen = 0;

    (void)state;
    wr(B, 0x42);
    rd(C);
    while (h->insns < 60 * SECOND) {
        uint64_t next = clock_deadline(h->clock);

        harness_advance(h, next - h->insns);
        assert_true(irq());
        assert_int_equal(rd(C) & 0xc0, 0xc0);
        assert_false(irq());
        seen++;
    }
    assert_int_equal(seen, 60 * 1024);
    assert_int_equal(h->insns, 60 * SECOND);
}

static void test_alarm(void **state)
{
    (void)state;
    wr(1, 0x25);
    wr(3, 0x13);
    wr(5, 0x22);
    wr(B, 0x22);
    harness_advance(h, 5 * SECOND - 1);
    assert_false(irq());
    harness_advance(h, 1);
    assert_true(irq());
    assert_int_equal(rd(C) & 0xa0, 0xa0);
    harness_advance(h, 86400 * SECOND - 1);
    assert_false(irq());
    harness_advance(h, 1);
    assert_true(irq());
    rd(C);
    /* Every hour, and every second. */
    wr(5, 0xff);
    harness_advance(h, 3600 * SECOND);
    assert_int_equal(rd(C) & 0xa0, 0xa0);
    wr(3, 0xc0);
    wr(1, 0xc0);
    harness_advance(h, SECOND);
    assert_true(irq());
    /* Never, and the flag without the interrupt. */
    wr(B, 0x02);
    rd(C);
    wr(1, 0x60);
    harness_advance(h, 100 * 86400 * SECOND);
    assert_int_equal(rd(C) & 0x20, 0);
    wr(1, 0x59);
    wr(3, 0x59);
    wr(5, 0x24);
    harness_advance(h, 100 * 86400 * SECOND);
    assert_int_equal(rd(C) & 0x20, 0);
    wr(5, 0x23);
    harness_advance(h, 100 * 86400 * SECOND);
    assert_int_equal(rd(C) & 0xa0, 0x20);
}

static void test_daylight_saving(void **state)
{
    static const char *const pairs[][2] = {
        {"1984-04-29 01:59:59 1", "1984-04-29 03:00:00 1"},
        {"1984-04-22 01:59:59 1", "1984-04-22 02:00:00 1"},
        {"1984-10-28 01:59:59 1", "1984-10-28 01:00:00 1"},
        {"1984-10-27 01:59:59 7", "1984-10-27 02:00:00 7"},
    };

    (void)state;
    wr(B, 0x03);
    for (unsigned i = 0; i < 3; i++) {
        set_date(pairs[i][0]);
        harness_advance(h, SECOND);
        assert_string_equal(date(), pairs[i][1]);
    }
    harness_advance(h, 3600 * SECOND); /* the second time */
    assert_string_equal(date(), "1984-10-28 02:00:00 1");
    set_date(pairs[3][0]);
    harness_advance(h, SECOND);
    assert_string_equal(date(), pairs[3][1]);
    /* A whole year at once has both. */
    set_date("1984-01-01 12:00:00 1");
    harness_advance(h, 200 * 86400 * SECOND);
    assert_string_equal(date(), "1984-07-19 13:00:00 5");
    harness_advance(h, 166 * 86400 * SECOND);
    assert_string_equal(date(), "1985-01-01 12:00:00 3");
    wr(B, 0x02);
    set_date(pairs[0][0]);
    harness_advance(h, SECOND);
    assert_string_equal(date(), "1984-04-29 02:00:00 1");
}

static void test_ram(void **state)
{
    (void)state;
    for (unsigned i = 0x0e; i < 0x80; i++)
        wr(i, i ^ 0x5a);
    for (unsigned i = 0; i < 0x80; i++) {
        harness_write(h, dev, 0, 2, 1, i);
        harness_write(h, dev, 0, 3, 1, i ^ 0xa5);
    }
    harness_reset(h, dev);
    for (unsigned i = 0x0e; i < 0x80; i++)
        assert_int_equal(rd(i), i ^ 0x5a);
    for (unsigned i = 0; i < 0x80; i++) {
        harness_write(h, dev, 0, 2, 1, 0x80 | i);
        assert_int_equal(harness_read(h, dev, 0, 2, 1), i);
        assert_int_equal(harness_read(h, dev, 0, 3, 1), i ^ 0xa5);
        assert_int_equal(mc146818_cmos(dev, 128 + i), i ^ 0xa5);
    }
    /* Index and data in one word; the index cannot be read. */
    harness_write(h, dev, 0, 0, 2, 0x770e);
    assert_int_equal(harness_read(h, dev, 0, 0, 2), 0x77ff);
}

static void test_read_only(void **state)
{
    (void)state;
    wr(D, 0);
    assert_int_equal(rd(D), 0x80);
    wr(C, 0xff);
    assert_int_equal(rd(C), 0);
    assert_non_null(strstr(harness_log(h), "register 0x0d is read-only"));
    wr(A, 0xa6);
    assert_int_equal(rd(A), 0x26);
}

static void test_nmi(void **state)
{
    (void)state;
    assert_true(harness_level(h, dev, 1));
    harness_write(h, dev, 0, 0, 1, 0x8f);
    assert_false(harness_level(h, dev, 1));
    harness_write(h, dev, 0, 1, 1, 0x12);
    assert_int_equal(rd(0x0f), 0x12);
    assert_true(harness_level(h, dev, 1));
    harness_write(h, dev, 0, 0, 1, 0x80);
    harness_reset(h, dev);
    assert_true(harness_level(h, dev, 1));
}

static void test_reset(void **state)
{
    (void)state;
    wr(A, 0x26);
    wr(B, 0x7a);
    harness_advance(h, SECOND);
    assert_true(irq());
    harness_reset(h, dev);
    assert_false(irq());
    assert_int_equal(rd(B), 0x02);
    assert_int_equal(rd(C), 0);
    assert_string_equal(date(), "2023-11-14 22:13:21 3");
}

static void test_setup(void **state)
{
    struct pc_setup s = {
        .ram_low = UINT64_C(0xc0000000),
        .ram_high = UINT64_C(0x140000000),
        .cpus = 2,
        .floppy = {4, 2},
        .boot = {2, 3, 1},
        .fpu = true,
        .mouse = true,
    };
    unsigned sum = 0;

    (void)state;
    mc146818_setup_pc(dev, &s);
    assert_int_equal(rd(0x15) | rd(0x16) << 8, 640);
    assert_int_equal(rd(0x17) | rd(0x18) << 8, 0xffff);
    assert_int_equal(rd(0x30) | rd(0x31) << 8, 0xffff);
    assert_int_equal(rd(0x34) | rd(0x35) << 8, 0xbf00);
    assert_int_equal(rd(0x5b) | rd(0x5c) << 8 | rd(0x5d) << 16, 0x14000);
    assert_int_equal(rd(0x5f), 1);
    assert_int_equal(rd(0x10), 0x42);
    assert_int_equal(rd(0x14), 0x47);
    assert_int_equal(rd(0x3d), 0x32);
    assert_int_equal(rd(0x38), 0x10);
    for (unsigned i = 0x10; i <= 0x2d; i++)
        sum += rd(i);
    assert_int_equal(rd(0x2e) << 8 | rd(0x2f), sum);
    s = (struct pc_setup){.ram_low = 0x80000, .cpus = 1};
    mc146818_setup_pc(dev, &s);
    assert_int_equal(rd(0x15) | rd(0x16) << 8, 512);
    assert_int_equal(rd(0x17) | rd(0x18) << 8, 0);
    assert_int_equal(rd(0x14), 0);
    mc146818_set_cmos(dev, 0x39, 0x11);
    mc146818_set_cmos(dev, 0x0a, 0x11); /* not the registers */
    mc146818_set_cmos(dev, 0x1000, 0x11);
    assert_int_equal(rd(0x39), 0x11);
    assert_int_equal(rd(A), 0x26);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_start),    TEST(test_set_time),
        TEST(test_stood_still),
        TEST(test_carries),  TEST(test_formats),
        TEST(test_set),      TEST(test_divider),
        TEST(test_uip),      TEST(test_update_interrupt),
        TEST(test_periodic), TEST(test_no_drift),
        TEST(test_alarm),    TEST(test_daylight_saving),
        TEST(test_ram),      TEST(test_read_only),
        TEST(test_nmi),      TEST(test_reset),
        TEST(test_setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
