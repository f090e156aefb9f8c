/* The finisher: what each command asks of the machine. */
#include "tests/unit.h"

#include <string.h>

#include "tests/devices/harness.h"

static struct harness *h;
static struct device *dev;

static int setup(void **state)
{
    (void)state;
    h = harness_new();
    dev = harness_device(h, "sifive_test", NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    harness_free(h);
    return 0;
}

static void check(unsigned size, uint32_t value, enum machine_request what,
                  int code)
{
    unsigned before = h->requests;

    harness_write(h, dev, 0, 0, size, value);
    assert_int_equal(h->requests, before + 1);
    assert_int_equal(h->last_request, what);
    assert_int_equal(h->last_code, code);
}

static void test_commands(void **state)
{
    (void)state;
    check(4, 0x5555, REQUEST_POWEROFF, 0);
    check(4, 0x7777, REQUEST_RESET, 0);
    check(4, 0x3333, REQUEST_FAIL, 0);
    check(4, 0x13333, REQUEST_FAIL, 1);
    check(4, 0x2a3333, REQUEST_FAIL, 42);
    check(4, 0xffff3333, REQUEST_FAIL, 65535);
    check(4, 0x775555, REQUEST_POWEROFF, 0); /* a code means nothing here */
}

/* OpenSBI writes 16 bits. */
static void test_halves(void **state)
{
    (void)state;
    check(2, 0x5555, REQUEST_POWEROFF, 0);
    check(2, 0x7777, REQUEST_RESET, 0);
    check(2, 0x3333, REQUEST_FAIL, 0);
}

static void test_nonsense(void **state)
{
    static const uint32_t values[] = {0,      1,      0x5554,     0x15554,
                                      0x3332, 0x7778, 0x55550000, 0xffffffff};
    uint64_t v;

    (void)state;
    for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        harness_write(h, dev, 0, 0, 4, values[i]);
    assert_non_null(strstr(harness_log(h), "0x55550000 is no command"));
    harness_write(h, dev, 0, 4, 4, 0x5555);
    harness_write(h, dev, 0, 2, 2, 0x5555);
    harness_write(h, dev, 0, 0xffc, 4, 0x7777);
    assert_non_null(strstr(harness_log(h), "no register at offset 0xffc"));
    assert_int_equal(harness_read(h, dev, 0, 0, 4), 0);
    assert_int_equal(harness_read(h, dev, 0, 8, 4), 0);
    assert_non_null(strstr(harness_log(h), "no register at offset 0x8"));
    assert_int_equal(harness_try_read(h, dev, 0, 0, 1, &v), BUS_REFUSED);
    assert_int_equal(harness_try_write(h, dev, 0, 0, 8, 0x5555), BUS_REFUSED);
    assert_int_equal(h->requests, 0);
}

static void test_compatible(void **state)
{
    (void)state;
    assert_ptr_equal(device_class_compatible("sifive,test1"), dev->class);
    assert_ptr_equal(device_class_compatible("sifive,test0"), dev->class);
    /* Any bank of registers may call itself that. */
    assert_null(device_class_compatible("syscon"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_commands),
        TEST(test_halves),
        TEST(test_nonsense),
        TEST(test_compatible),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
