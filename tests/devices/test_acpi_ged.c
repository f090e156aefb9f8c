/* ACPI's event device: the power button, soft-off, reset. */
#include "tests/unit.h"

#include <string.h>

#include "devices/power_button.h"
#include "tests/devices/harness.h"

static struct harness *h;
static struct device *dev;

static int setup(void **state)
{
    (void)state;
    h = harness_new();
    dev = harness_device(h, "acpi-ged", NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    harness_free(h);
    return 0;
}

static void test_button(void **state)
{
    (void)state;
    assert_false(harness_level(h, dev, 0));
    harness_input(h, dev, 0, true);
    harness_input(h, dev, 0, false);
    assert_true(harness_level(h, dev, 0));
    harness_write(h, dev, 0, 0, 4, 0); /* read-only */
    assert_true(harness_level(h, dev, 0));
    assert_int_equal(harness_read(h, dev, 0, 0, 4), 2);
    assert_false(harness_level(h, dev, 0));
    assert_int_equal(harness_read(h, dev, 0, 0, 4), 0);
    harness_input(h, dev, 0, true);
    harness_reset(h, dev);
    assert_false(harness_level(h, dev, 0));
}

/* A press comes by the gate, as a pulse. */
static void test_press(void **state)
{
    struct device *button = harness_device(h, "power-button", NULL);

    (void)state;
    power_button_press(button);
    assert_int_equal(harness_out(h, button, 0)->changes, 0);
    gate_deliver(h->gate);
    assert_int_equal(harness_out(h, button, 0)->changes, 2);
    assert_false(harness_level(h, button, 0));
}

static void test_sleep(void **state)
{
    (void)state;
    harness_write(h, dev, 1, 0, 1, 5 << 2); /* not enabled */
    harness_write(h, dev, 1, 0, 1, 1 << 5 | 3 << 2);
    harness_write(h, dev, 1, 1, 1, 0xff);
    harness_write(h, dev, 1, 2, 1, 0x41);
    assert_int_equal(h->requests, 0);
    assert_non_null(strstr(harness_log(h), "sleep type 3 is not there"));
    harness_write(h, dev, 1, 0, 1, 1 << 5 | 5 << 2);
    assert_int_equal(h->requests, 1);
    assert_int_equal(h->last_request, REQUEST_POWEROFF);
    harness_write(h, dev, 1, 2, 1, 0x42);
    assert_int_equal(h->requests, 2);
    assert_int_equal(h->last_request, REQUEST_RESET);
    assert_int_equal(harness_read(h, dev, 1, 1, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_button, setup, teardown),
        cmocka_unit_test_setup_teardown(test_press, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sleep, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
