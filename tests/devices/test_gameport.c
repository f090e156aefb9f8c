/* The game port: how long its one-shots run, and the buttons. */
#include "tests/unit.h"

#include "devices/gameport.h"
#include "tests/devices/harness.h"

static struct harness *h;
static struct device *dev;

static unsigned port(void)
{
    return (unsigned)harness_read(h, dev, 0, 0, 1);
}

static void post(struct joysticks j)
{
    assert_true(gameport_post(dev, &j));
    harness_deliver(h);
}

static int setup(void **state)
{
    (void)state;
    h = harness_new();
    dev = harness_device(h, "gameport", NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    harness_free(h);
    return 0;
}

/* Without joysticks no one-shot ends. */
static void test_nothing(void **state)
{
    (void)state;
    assert_int_equal(port(), 0xf0);
    harness_write(h, dev, 0, 0, 1, 0);
    assert_int_equal(port(), 0xff);
    harness_advance(h, 1000000000);
    assert_int_equal(port(), 0xff);
    harness_reset(h, dev);
    assert_int_equal(port(), 0xf0);
}

static void test_axes(void **state)
{
    (void)state;
    post((struct joysticks){3, 0, {0, 255, 128, 1}});
    assert_int_equal(port(), 0xf0);
    harness_write(h, dev, 0, 0, 1, 0x55);
    assert_int_equal(port(), 0xff);
    harness_advance(h, 24199);
    assert_int_equal(port(), 0xff);
    harness_advance(h, 1);
    assert_int_equal(port(), 0xfe);
    harness_advance(h, 1100000 / 255 + 1);
    assert_int_equal(port(), 0xf6);
    harness_advance(h, 550000);
    assert_int_equal(port(), 0xf2);
    harness_advance(h, 540000);
    assert_int_equal(port(), 0xf2);
    harness_advance(h, 10000);
    assert_int_equal(port(), 0xf0);
    /* The second one is pulled out. */
    post((struct joysticks){1, 0, {10, 10, 128, 128}});
    harness_write(h, dev, 0, 0, 1, 0);
    harness_advance(h, 1000000000);
    assert_int_equal(port(), 0xfc);
}

static void test_buttons(void **state)
{
    (void)state;
    post((struct joysticks){3, 0x5, {0}});
    assert_int_equal(port(), 0xa0);
    post((struct joysticks){3, 0xfa, {0}});
    assert_int_equal(port(), 0x50);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nothing),
        TEST(test_axes),
        TEST(test_buttons),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
