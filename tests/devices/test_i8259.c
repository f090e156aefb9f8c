/* The 8259A: requests, priorities, modes, the pair of a PC. */
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "devices/i8259.h"
#include "tests/devices/harness.h"

enum { COMMAND = 0, DATA = 1 };

static struct harness *h;
static struct device *master, *slave;

static unsigned rd(struct device *dev, unsigned reg)
{
    return (unsigned)harness_read(h, dev, 0, reg, 1);
}

static void wr(struct device *dev, unsigned reg, unsigned value)
{
    harness_write(h, dev, 0, reg, 1, value);
}

static void line(unsigned irq, bool level)
{
    harness_input(h, irq < 8 ? master : slave, irq & 7, level);
}

static void pulse(unsigned irq)
{
    line(irq, false);
    line(irq, true);
}

static bool intr(void)
{
    assert_int_equal(harness_level(h, master, 0), i8259_int(master));
    return harness_level(h, master, 0);
}

static unsigned ack(void)
{
    unsigned v;

    pthread_mutex_lock(&h->lock);
    v = i8259_acknowledge(master);
    pthread_mutex_unlock(&h->lock);
    return v;
}

/* As a PC's BIOS does it: vectors 0x08 and 0x70, nothing masked. */
static void init(unsigned icw1, unsigned master_icw4, unsigned slave_icw4)
{
    wr(master, COMMAND, icw1 | 0x11);
    wr(master, DATA, 0x08);
    wr(master, DATA, 0x04);
    wr(master, DATA, master_icw4);
    wr(slave, COMMAND, icw1 | 0x11);
    wr(slave, DATA, 0x70);
    wr(slave, DATA, 0x02);
    wr(slave, DATA, slave_icw4);
    wr(master, DATA, 0);
    wr(slave, DATA, 0);
}

static int setup(void **state)
{
    struct error e;

    (void)state;
    h = harness_new();
    master = harness_device(h, "i8259", "cascade=2");
    slave = harness_device(h, "i8259", NULL);
    slave->out[0] = device_input(master, 2);
    assert_true(i8259_adopt(master, slave, &e));
    init(0, 1, 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    harness_free(h);
    return 0;
}

static unsigned irr(struct device *dev)
{
    wr(dev, COMMAND, 0x0a);
    return rd(dev, COMMAND);
}

static unsigned isr(struct device *dev)
{
    wr(dev, COMMAND, 0x0b);
    return rd(dev, COMMAND);
}

static void eoi(unsigned irq)
{
    if (irq >= 8)
        wr(slave, COMMAND, 0x20);
    wr(master, COMMAND, 0x20);
}

/* --------------------------------------------------------------- tests */

static void test_edge(void **state)
{
    (void)state;
    assert_false(intr());
    line(3, true);
    assert_true(intr());
    assert_int_equal(irr(master), 0x08);
    assert_int_equal(ack(), 0x0b);
    assert_false(intr());
    assert_int_equal(irr(master), 0);
    assert_int_equal(isr(master), 0x08);
    eoi(3);
    assert_int_equal(isr(master), 0);
    assert_false(intr()); /* still high, but no edge */
    pulse(3);
    assert_true(intr());
}

/* An edge whose input falls before the acknowledge is IR7's, and not in
 * service. */
static void test_spurious(void **state)
{
    (void)state;
    line(3, true);
    line(3, false);
    assert_false(intr());
    assert_int_equal(irr(master), 0);
    assert_int_equal(ack(), 0x0f);
    assert_int_equal(isr(master), 0);
    /* The cascade input alone: the slave has none, and the master waits for
     * an EOI all the same. */
    line(2, true);
    assert_int_equal(ack(), 0x77);
    assert_int_equal(isr(slave), 0);
    assert_int_equal(isr(master), 0x04);
    eoi(0);
    assert_int_equal(isr(master), 0);
}

static void test_masks(void **state)
{
    (void)state;
    wr(master, DATA, 0x08);
    assert_int_equal(rd(master, DATA), 0x08);
    line(3, true);
    assert_false(intr());
    assert_int_equal(irr(master), 0x08); /* a mask does not hide it there */
    wr(master, DATA, 0x00);
    assert_true(intr());
    assert_int_equal(ack(), 0x0b);
}

static void test_priorities(void **state)
{
    (void)state;
    line(5, true);
    line(1, true);
    line(6, true);
    assert_int_equal(ack(), 0x09);
    assert_false(intr());
    line(0, true); /* nested */
    assert_true(intr());
    assert_int_equal(ack(), 0x08);
    assert_int_equal(isr(master), 0x03);
    eoi(0); /* the higher one first */
    assert_int_equal(isr(master), 0x02);
    assert_false(intr());
    eoi(1);
    assert_int_equal(ack(), 0x0d);
    eoi(5);
    assert_int_equal(ack(), 0x0e);
    eoi(6);
    assert_false(intr());
}

static void test_specific_eoi(void **state)
{
    (void)state;
    line(4, true);
    assert_int_equal(ack(), 0x0c);
    line(1, true);
    assert_int_equal(ack(), 0x09);
    wr(master, COMMAND, 0x64);
    assert_int_equal(isr(master), 0x02);
    wr(master, COMMAND, 0x61);
    assert_int_equal(isr(master), 0);
}

static void test_rotation(void **state)
{
    (void)state;
    wr(master, COMMAND, 0xc4); /* set priority: IR5 comes first now */
    line(0, true);
    line(4, true);
    line(5, true);
    assert_int_equal(ack(), 0x0d);
    wr(master, COMMAND, 0xa0); /* rotate on EOI: IR6 */
    assert_int_equal(ack(), 0x08);
    wr(master, COMMAND, 0xe3); /* rotate on specific EOI, of another */
    assert_int_equal(isr(master), 0x01);
    assert_true(intr()); /* IR4 is the first one now */
    assert_int_equal(ack(), 0x0c);
    wr(master, COMMAND, 0x20); /* ends the higher one: IR4 */
    assert_int_equal(isr(master), 0x01);
    wr(master, COMMAND, 0x20);
    assert_int_equal(isr(master), 0);
}

static void test_automatic_eoi(void **state)
{
    (void)state;
    init(0, 3, 3);
    line(3, true);
    line(4, true);
    assert_int_equal(ack(), 0x0b);
    assert_int_equal(isr(master), 0);
    assert_true(intr());
    assert_int_equal(ack(), 0x0c);
    wr(master, COMMAND, 0x80); /* rotate in automatic EOI */
    pulse(0);
    assert_int_equal(ack(), 0x08);
    pulse(0);
    pulse(1);
    assert_int_equal(ack(), 0x09);
    assert_int_equal(ack(), 0x08);
    wr(master, COMMAND, 0x00); /* no longer; IR1 is still the first one */
    pulse(1);
    pulse(2);
    assert_int_equal(ack(), 0x09);
    pulse(1);
    assert_int_equal(ack(), 0x09);
}

static void test_special_mask(void **state)
{
    (void)state;
    line(1, true);
    assert_int_equal(ack(), 0x09);
    line(5, true);
    assert_false(intr());
    wr(master, DATA, 0x02);
    assert_false(intr());
    wr(master, COMMAND, 0x68); /* set special mask */
    assert_true(intr());
    assert_int_equal(ack(), 0x0d);
    wr(master, COMMAND, 0x20); /* not IR1's, which is masked */
    assert_int_equal(isr(master), 0x02);
    wr(master, COMMAND, 0x28); /* without ESMM: no change */
    wr(master, COMMAND, 0x20);
    assert_int_equal(isr(master), 0x02);
    wr(master, COMMAND, 0x48); /* clear special mask */
    wr(master, COMMAND, 0x20);
    assert_int_equal(isr(master), 0);
}

static void test_cascade(void **state)
{
    (void)state;
    line(12, true);
    line(8, true);
    assert_true(intr());
    assert_int_equal(irr(master), 0x04);
    assert_int_equal(irr(slave), 0x11);
    assert_int_equal(ack(), 0x70);
    assert_int_equal(isr(master), 0x04);
    assert_int_equal(isr(slave), 0x01);
    assert_false(intr());
    line(0, true); /* comes before the slave's */
    assert_int_equal(ack(), 0x08);
    eoi(0);
    wr(slave, COMMAND, 0x20);
    assert_false(intr()); /* the master's line is in service yet */
    eoi(0);
    assert_int_equal(ack(), 0x74);
    eoi(12);
    line(3, true); /* and IR3 after it */
    line(15, true);
    assert_int_equal(ack(), 0x77);
    eoi(15);
    assert_int_equal(ack(), 0x0b);
}

/* In automatic EOI a slave's next request is an edge to the master. */
static void test_cascade_automatic(void **state)
{
    (void)state;
    init(0, 1, 3);
    line(9, true);
    line(10, true);
    assert_int_equal(ack(), 0x71);
    wr(master, COMMAND, 0x20);
    assert_int_equal(ack(), 0x72);
}

static void test_special_fully_nested(void **state)
{
    (void)state;
    line(12, true);
    assert_int_equal(ack(), 0x74);
    line(9, true);
    assert_false(intr());
    eoi(12);
    assert_int_equal(ack(), 0x71);
    eoi(9);

    init(0, 0x11, 1);
    pulse(12);
    assert_int_equal(ack(), 0x74);
    pulse(13);
    assert_false(intr()); /* not above it in the slave */
    pulse(9);
    assert_true(intr());
    assert_int_equal(ack(), 0x71);
    assert_int_equal(isr(slave), 0x12);
    pulse(3);
    assert_false(intr()); /* below the slave in the master */
}

/* ICW3 names nobody, or another slave. */
static void test_wrong_slave(void **state)
{
    (void)state;
    wr(slave, COMMAND, 0x11);
    wr(slave, DATA, 0x70);
    wr(slave, DATA, 0x03);
    wr(slave, DATA, 0x01);
    line(8, true);
    assert_int_equal(ack(), 0xff);
    wr(master, COMMAND, 0x11);
    wr(master, DATA, 0x08);
    wr(master, DATA, 0x00);
    wr(master, DATA, 0x01);
    pulse(8);
    assert_int_equal(ack(), 0x0a);
}

static void test_level(void **state)
{
    (void)state;
    harness_write(h, master, 1, 0, 1, 0xff);
    assert_int_equal(harness_read(h, master, 1, 0, 1), 0xf8);
    harness_write(h, slave, 1, 0, 1, 0xff);
    assert_int_equal(harness_read(h, slave, 1, 0, 1), 0xde);
    line(5, true);
    assert_int_equal(ack(), 0x0d);
    assert_int_equal(irr(master), 0x20); /* as long as it is high */
    eoi(5);
    assert_true(intr());
    line(5, false);
    assert_false(intr());
    line(11, true);
    assert_int_equal(ack(), 0x73);
    eoi(11);
    assert_int_equal(ack(), 0x73);
    line(11, false);
    eoi(11);
    assert_false(intr());
    line(8, true); /* this one has edges only */
    assert_int_equal(ack(), 0x70);
    eoi(8);
    assert_false(intr());
}

/* LTIM counts where there is no ELCR. */
static void test_ltim(void **state)
{
    struct device *pic = harness_make(h, &i8259_class);
    struct error e;

    (void)state;
    init(8, 1, 1);
    line(3, true);
    assert_int_equal(ack(), 0x0b);
    eoi(3);
    assert_false(intr());

    assert_true(device_create(pic, 1, &e));
    assert_true(device_map(pic, 0, 0x20, 2, &e));
    h->wire[2] = calloc(1, sizeof(struct harness_wire));
    device_reset(pic);
    wr(pic, COMMAND, 0x1a); /* single, level, no ICW4: 8080 */
    wr(pic, DATA, 0x40);
    assert_int_equal(rd(pic, DATA), 0);
    harness_input(h, pic, 3, true);
    assert_int_equal(irr(pic), 0x08);
    assert_int_equal(i8259_acknowledge(pic), 0x18);
    assert_int_equal(irr(pic), 0x08);
    harness_input(h, pic, 3, false);
    assert_int_equal(irr(pic), 0);
    wr(pic, COMMAND, 0xb6); /* four bytes apart */
    wr(pic, DATA, 0x40);
    harness_input(h, pic, 3, true);
    assert_int_equal(i8259_acknowledge(pic), 0xac);
}

static void test_poll(void **state)
{
    (void)state;
    wr(master, COMMAND, 0x0c);
    assert_int_equal(rd(master, COMMAND), 0);
    line(6, true);
    line(4, true);
    wr(master, COMMAND, 0x0c);
    assert_int_equal(rd(master, DATA), 0x84); /* A0 does not matter */
    assert_int_equal(rd(master, DATA), 0);    /* the mask again */
    assert_int_equal(isr(master), 0x10);
    wr(master, COMMAND, 0x0e); /* poll wins over a read of IRR */
    assert_int_equal(rd(master, COMMAND), 0);
    assert_int_equal(rd(master, COMMAND), 0x10);
    eoi(4);
    wr(master, COMMAND, 0x0c);
    assert_int_equal(rd(master, COMMAND), 0x86);
}

/* ICW1 forgets edges, masks, what is in service, and how to read. */
static void test_init_clears(void **state)
{
    (void)state;
    line(3, true);
    line(4, true);
    ack();
    wr(master, COMMAND, 0x0b);
    wr(master, COMMAND, 0xc2);
    wr(master, DATA, 0x80);
    wr(master, COMMAND, 0x11);
    assert_false(intr());
    assert_int_equal(rd(master, COMMAND), 0); /* IRR: no edges */
    wr(master, DATA, 0x20);
    wr(master, DATA, 0x04);
    wr(master, DATA, 0x01);
    assert_int_equal(rd(master, DATA), 0);
    assert_int_equal(isr(master), 0);
    pulse(3);
    pulse(0);
    assert_int_equal(ack(), 0x20);
    eoi(0);
    assert_int_equal(ack(), 0x23);
}

/* Without initialisation nothing comes, and masks keep all out. */
static void test_reset(void **state)
{
    (void)state;
    line(3, true);
    assert_true(intr());
    harness_reset(h, master);
    harness_reset(h, slave);
    assert_false(intr());
    pulse(1);
    pulse(9);
    assert_false(intr());
}

static void test_adopt(void **state)
{
    struct device *other = harness_device(h, "i8259", NULL);
    struct error e;

    (void)state;
    assert_false(i8259_adopt(master, other, &e));
    other->out[0] = device_input(master, 3);
    assert_false(i8259_adopt(master, other, &e));
    other->out[0] = device_input(master, 2);
    assert_false(i8259_adopt(master, other, &e)); /* there is one */
    assert_false(i8259_adopt(other, slave, &e));
    assert_true(i8259_is_master(master));
    assert_false(i8259_is_master(slave));
    other = harness_make(h, &i8259_class);
    assert_true(device_set(other, NULL, "cascade", "9", &e));
    assert_false(device_create(other, 1, &e));
    assert_non_null(strstr(e.text, "want 0 to 7"));
}

static void count(void *owner)
{
    ++*(unsigned *)owner;
}

static void test_taken(void **state)
{
    unsigned first = 0, second = 0;

    (void)state;
    i8259_on_taken(master, 0, count, &first);
    i8259_on_taken(slave, 1, count, &second);
    line(0, true);
    line(9, true);
    assert_int_equal(first, 0);
    ack();
    assert_int_equal(first, 1);
    ack(); /* nothing above it: spurious */
    assert_int_equal(first + second, 1);
    eoi(0);
    ack();
    assert_int_equal(second, 1);
    eoi(9);
    pulse(0);
    wr(master, COMMAND, 0x0c);
    rd(master, COMMAND);
    assert_int_equal(first, 2);
}

/* A word to two ports is two bytes. */
static void test_word(void **state)
{
    (void)state;
    harness_write(h, master, 0, 0, 2, 0x550b);
    assert_int_equal(rd(master, DATA), 0x55);
    assert_int_equal(harness_read(h, master, 0, 0, 2), 0x5500);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_edge),
        TEST(test_spurious),
        TEST(test_masks),
        TEST(test_priorities),
        TEST(test_specific_eoi),
        TEST(test_rotation),
        TEST(test_automatic_eoi),
        TEST(test_special_mask),
        TEST(test_cascade),
        TEST(test_cascade_automatic),
        TEST(test_special_fully_nested),
        TEST(test_wrong_slave),
        TEST(test_level),
        TEST(test_ltim),
        TEST(test_poll),
        TEST(test_init_clears),
        TEST(test_reset),
        TEST(test_adopt),
        TEST(test_taken),
        TEST(test_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
