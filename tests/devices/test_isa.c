/* The small ones on a PC's ISA bus: port 92h, exit, debug and panic ports,
 * the serial and the parallel port. */
#include "tests/unit.h"

#include <string.h>

#include "tests/devices/harness.h"

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

static unsigned rd(struct device *dev, unsigned reg)
{
    return (unsigned)harness_read(h, dev, 0, reg, 1);
}

static void wr(struct device *dev, unsigned reg, unsigned value)
{
    harness_write(h, dev, 0, reg, 1, value);
}

static const char *sent(const char *id)
{
    struct harness_chardev *c = harness_chardev(h, id);

    c->out[c->n_out] = 0;
    return (const char *)c->out;
}

static void expect_error(const char *cls, const char *property,
                         const char *value, const char *text)
{
    struct device *dev = harness_make(h, device_class_named(cls));
    struct error e;

    assert_true(device_set(dev, NULL, property, value, &e));
    assert_false(device_create(dev, dev->class->n_outputs, &e));
    assert_non_null(strstr(e.text, text));
}

static void test_port92(void **state)
{
    struct device *dev = harness_device(h, "port92", NULL);
    struct harness_wire *a20 = harness_out(h, dev, 0);
    struct harness_wire *reset = harness_out(h, dev, 1);

    (void)state;
    assert_true(a20->level);
    assert_int_equal(rd(dev, 0), 0x02);
    wr(dev, 0, 0x00);
    assert_false(a20->level);
    assert_int_equal(rd(dev, 0), 0x00);
    harness_input(h, dev, 0, true); /* the keyboard controller's */
    assert_true(a20->level);
    assert_int_equal(rd(dev, 0), 0x02);
    wr(dev, 0, 0xfe);
    assert_int_equal(rd(dev, 0), 0x02);
    harness_input(h, dev, 0, false);
    assert_false(a20->level);
    assert_int_equal(reset->changes, 0);
    wr(dev, 0, 0x03);
    assert_int_equal(reset->changes, 2);
    assert_false(reset->level);
    wr(dev, 0, 0x03); /* only as it goes up */
    assert_int_equal(reset->changes, 2);
    wr(dev, 0, 0x00);
    wr(dev, 0, 0x01);
    assert_int_equal(reset->changes, 4);
    harness_reset(h, dev);
    assert_true(a20->level);
}

/* FERR# sets IRQ 13 as it comes, port F0h clears it. */
static void test_ferr(void **state)
{
    struct device *dev = harness_device(h, "isa-ferr", NULL);
    struct harness_wire *irq = harness_out(h, dev, 0);

    (void)state;
    assert_false(irq->level);
    harness_input(h, dev, 0, true);
    assert_true(irq->level);
    wr(dev, 0, 0);
    assert_false(irq->level); /* the same error does not set it again */
    harness_input(h, dev, 0, true);
    assert_false(irq->level);
    harness_input(h, dev, 0, false);
    harness_input(h, dev, 0, true);
    assert_true(irq->level);
    harness_input(h, dev, 0, false);
    assert_true(irq->level);
    harness_reset(h, dev);
    assert_false(irq->level);
}

static void test_debug_exit(void **state)
{
    struct device *dev = harness_device(h, "isa-debug-exit", NULL);
    static const struct {
        unsigned size, value;
        int code;
    } writes[] = {{1, 0, 1},
                  {1, 0x10, 33},
                  {2, 0x1234, 0x2469},
                  {4, 0x12345678, 0x2468acf1},
                  {4, 0xffffffff, 0x7fffffff}};

    (void)state;
    for (unsigned i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
        harness_write(h, dev, 0, 0, writes[i].size, writes[i].value);
        assert_int_equal(h->requests, i + 1);
        assert_int_equal(h->last_request, REQUEST_FAIL);
        assert_int_equal(h->last_code, writes[i].code);
    }
    wr(dev, 3, 1);
    assert_int_equal(h->last_code, 3);
    assert_int_equal(harness_read(h, dev, 0, 0, 4), 0);
    expect_error("isa-debug-exit", "iosize", "3", "want 1, 2 or 4");
}

static void test_debugcon(void **state)
{
    struct device *dev = harness_device(h, "isa-debugcon", "chardev=log");
    struct device *none = harness_device(h, "isa-debugcon", NULL);
    struct device *other =
        harness_device(h, "isa-debugcon", "chardev=log,readback=0x42");

    (void)state;
    wr(dev, 0, 'h');
    wr(dev, 0, 'i');
    wr(none, 0, 'x');
    assert_string_equal(sent("log"), "hi");
    assert_int_equal(rd(dev, 0), 0xe9);
    assert_int_equal(rd(none, 0), 0xff);
    assert_int_equal(rd(other, 0), 0x42);
    assert_int_equal(harness_type(h, "log", "abc", 3), 3); /* thrown away */
}

static void test_pvpanic(void **state)
{
    struct device *dev = harness_device(h, "pvpanic", NULL);
    struct device *less = harness_device(h, "pvpanic", "events=1");

    (void)state;
    assert_int_equal(rd(dev, 0), 3);
    assert_int_equal(rd(less, 0), 1);
    wr(dev, 0, 0);
    wr(dev, 0, 2);
    assert_int_equal(h->requests, 0);
    assert_non_null(strstr(harness_log(h), "runs its crash kernel"));
    wr(less, 0, 2);
    assert_non_null(strstr(harness_log(h), "no such event: 0x02"));
    wr(less, 0, 1);
    assert_int_equal(h->requests, 1);
    assert_int_equal(h->last_request, REQUEST_PANIC);
    wr(dev, 0, 0xff);
    assert_int_equal(h->requests, 2);
    expect_error("pvpanic", "events", "4", "want 0 to 3");
}

/* The chip has a test of its own: here its registers' places, and OUT2. */
static void test_serial(void **state)
{
    struct device *dev = harness_device(h, "isa-serial", "chardev=line");

    (void)state;
    wr(dev, 0, 'A');
    harness_write(h, dev, 0, 6, 2, 0x5a00); /* MSR and SCR in one word */
    assert_string_equal(sent("line"), "A");
    assert_int_equal(rd(dev, 7), 0x5a);
    assert_int_equal(rd(dev, 5), 0x60);
    wr(dev, 1, 0x01);
    assert_int_equal(harness_type(h, "line", "x", 1), 1);
    assert_false(harness_level(h, dev, 0));
    wr(dev, 4, 0x08);
    assert_true(harness_level(h, dev, 0));
    assert_int_equal(rd(dev, 0), 'x');
    assert_false(harness_level(h, dev, 0));
    expect_error("isa-serial", "clock-frequency", "0", "want hertz");
}

static void print(struct device *dev, const char *text)
{
    for (; *text; text++) {
        assert_int_equal(rd(dev, 1) & 0x80, 0x80);
        wr(dev, 0, (uint8_t)*text);
        wr(dev, 2, 0x0d);
        wr(dev, 2, 0x0c);
    }
}

static void test_parallel(void **state)
{
    struct device *dev = harness_device(h, "isa-parallel", "chardev=paper");
    struct device *none = harness_device(h, "isa-parallel", NULL);
    struct harness_wire *irq = harness_out(h, dev, 0);

    (void)state;
    assert_int_equal(rd(dev, 1), 0xdf);
    assert_int_equal(rd(none, 1), 0x7f);
    print(dev, "hello");
    assert_string_equal(sent("paper"), "hello");
    assert_int_equal(irq->changes, 0);
    wr(dev, 0, 0x55);
    assert_int_equal(rd(dev, 0), 0x55);
    assert_int_equal(rd(dev, 2), 0xcc);
    wr(dev, 2, 0x2c); /* inputs, which nobody drives */
    assert_int_equal(rd(dev, 0), 0xff);
    wr(dev, 2, 0x1c);
    assert_int_equal(irq->changes, 1); /* -ACK is high */
    wr(dev, 2, 0x1d);
    assert_int_equal(irq->changes, 3); /* an edge for each byte */
    assert_true(irq->level);
    wr(dev, 2, 0x1d);
    assert_int_equal(irq->changes, 3);
    assert_string_equal(sent("paper"), "helloU");
    wr(dev, 1, 0xff); /* read-only */
    assert_int_equal(rd(dev, 1), 0xdf);
    wr(none, 2, 0x01);
    harness_reset(h, dev);
    assert_false(irq->level);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_port92),   TEST(test_ferr),    TEST(test_debug_exit),
        TEST(test_debugcon), TEST(test_pvpanic), TEST(test_serial),
        TEST(test_parallel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
