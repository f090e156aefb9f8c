/*
 * The MMIO transport's own: slots, plugging, the register window.
 */
#include "tests/devices/virtio_rig.h"

#include <stdlib.h>
#include <string.h>

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));

    assert_non_null(r);
    rig_init(r);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    rig_fini(*state);
    free(*state);
    return 0;
}

#define SLOT(n) (RIG_SLOTS + (n)*0x1000)

static void test_empty_slot(void **state)
{
    struct rig *r = *state;

    for (unsigned at = 0; at < 0x1000; at += 4) {
        uint64_t v = rig_read(r, SLOT(3) + at, 4);

        rig_write(r, SLOT(3) + at, 0xffffffff, 4);
        if (at == 0)
            assert_int_equal(v, 0x74726976);
        else if (at == 4)
            assert_int_equal(v, 2);
        else if (at == 12)
            assert_int_not_equal(v, 0);
        else
            assert_int_equal(v, 0);
    }
    assert_false(r->irq[3]);
}

static void test_ids(void **state)
{
    static const struct {
        const char *name;
        unsigned id, max, queues;
        const char *property;
    } types[] = {{"virtio-blk-device", 2, 256, 1, "drive=d0"},
                 {"virtio-console-device", 3, 128, 2, "chardev=c0"},
                 {"virtio-rng-device", 4, 8, 1, NULL}};
    struct rig *r = *state;
    struct device *dev[3];
    struct error e;

    for (unsigned i = 0; i < 3; i++) {
        const char *properties[] = {types[i].property, NULL};

        dev[i] = rig_device(r, types[i].name, "x", properties);
        assert_true(device_class_is_virtio(dev[i]->class));
        assert_false(device_class_is_pci(dev[i]->class));
        assert_true(virtio_mmio_plug(r->slot[i], dev[i], &e));
        device_reset(dev[i]);
        assert_int_equal(rig_read(r, SLOT(i) + 8, 4), types[i].id);
        for (unsigned q = 0; q < 10; q++) {
            rig_write(r, SLOT(i) + 0x30, q, 4);
            assert_int_equal(rig_read(r, SLOT(i) + 0x34, 4),
                             q < types[i].queues ? types[i].max : 0);
        }
    }
    for (unsigned i = 0; i < 3; i++)
        device_free(dev[i]);
}

static void test_plug(void **state)
{
    struct rig *r = *state;
    struct device *a = rig_device(r, "virtio-rng-device", "a", NULL);
    struct device *b = rig_device(r, "virtio-rng-device", "b", NULL);
    struct error e;

    assert_true(virtio_mmio_is_slot(r->slot[0]));
    assert_false(virtio_mmio_is_slot(a));
    assert_false(virtio_mmio_is_slot(r->host));
    assert_true(virtio_mmio_is_free(r->slot[0]));
    assert_true(virtio_mmio_plug(r->slot[0], a, &e));
    assert_false(virtio_mmio_is_free(r->slot[0]));
    assert_false(virtio_mmio_plug(r->slot[0], b, &e));
    assert_string_equal(e.text, "/virtio_mmio@10001000 is taken by a");
    assert_true(virtio_mmio_plug(r->slot[1], b, &e));
    /* The slot is free again when its device goes, and a device stays when
     * its slot goes. */
    device_free(a);
    assert_true(virtio_mmio_is_free(r->slot[0]));
    assert_int_equal(rig_read(r, SLOT(0) + 8, 4), 0);
    device_free(r->slot[1]);
    r->slot[1] = NULL;
    device_reset(b);
    device_free(b);
}

/* Registers are 32 bits wide; what else is tried does nothing and is said. */
static void test_widths(void **state)
{
    struct rig *r = *state;
    struct vdev d;
    uint64_t v;

    vdev_plug(&d, r, ON_MMIO, "virtio-rng", NULL);
    vdev_set_status(&d, 1);
    rig_log(r);
    assert_int_equal(rig_read(r, d.base, 1), 0);
    assert_int_equal(rig_read(r, d.base + 0x70, 2), 0);
    rig_write(r, d.base + 0x70, 3, 1);
    rig_write(r, d.base + 0x70, 3, 2);
    assert_non_null(strstr(rig_log(r), "written 2 bytes wide"));
    assert_int_equal(vdev_status(&d), 1);
    assert_int_equal(memory_read(r->memory, d.base + 0x70, 8, &v), BUS_REFUSED);
    assert_int_equal(memory_read(r->memory, d.base + 0x71, 4, &v), BUS_REFUSED);
    assert_int_equal(memory_write(r->memory, d.base + 0x72, 4, 0), BUS_REFUSED);
    device_free(d.dev);
}

/* Write-only, reserved and shared memory registers. */
static void test_other_registers(void **state)
{
    struct rig *r = *state;
    struct vdev d;

    vdev_plug(&d, r, ON_MMIO, "virtio-rng", NULL);
    for (unsigned at = 0xb0; at < 0xc0; at += 4)
        assert_int_equal(rig_read(r, d.base + at, 4), 0xffffffff);
    static const uint16_t zero[] = {0x14, 0x18, 0x1c, 0x20, 0x24, 0x28, 0x2c,
                                    0x30, 0x38, 0x3c, 0x40, 0x48, 0x50, 0x64,
                                    0x80, 0x90, 0xa0, 0xac, 0xc0, 0x100};
    for (unsigned i = 0; i < sizeof(zero) / sizeof(zero[0]); i++)
        assert_int_equal(rig_read(r, d.base + zero[i], 4), 0);
    /* Read-only ones stay what they are. */
    for (unsigned at = 0; at < 0x10; at += 4) {
        uint64_t v = rig_read(r, d.base + at, 4);

        rig_write(r, d.base + at, ~v, 4);
        assert_int_equal(rig_read(r, d.base + at, 4), v);
    }
    device_free(d.dev);
}

/* QueueNum is 32 bits wide, a size 16: no other size than was written. */
static void test_queue_num(void **state)
{
    struct rig *r = *state;
    struct vdev d;

    vdev_plug(&d, r, ON_MMIO, "virtio-rng", NULL);
    vdev_negotiate(&d, 0);
    vdev_select(&d, 0);
    vdev_set_queue(&d, 0x10008, RIG_RAM, RIG_RAM + 0x1000, RIG_RAM + 0x2000);
    vdev_enable(&d);
    assert_false(vdev_enabled(&d));
    vdev_expect_broken(&d, "no power of two, or too big");
    device_free(d.dev);
}

/* A driver may stop a queue and start it again (4.2.2.2). */
static void test_queue_stop(void **state)
{
    struct rig *r = *state;
    struct vdev d;

    vdev_plug(&d, r, ON_MMIO, "virtio-rng", NULL);
    vdev_start(&d, 0, 1, 4);
    put_desc(r, d.ring[0].desc, 0, RIG_BUFFERS, 8, DESC_WRITE, 0);
    assert_int_equal(vdev_run(&d, 0), 8);
    rig_write(r, d.base + 0x30, 0, 4);
    rig_write(r, d.base + 0x44, 0, 4);
    assert_false(vdev_enabled(&d));
    vdev_offer(&d, 0, 0);
    vdev_notify(&d, 0);
    assert_int_equal(vdev_used(&d, 0), 0);
    vdev_make_queue(&d, 0, 8);
    put_desc(r, d.ring[0].desc, 0, RIG_BUFFERS, 8, DESC_WRITE, 0);
    assert_int_equal(vdev_run(&d, 0), 8);
    device_free(d.dev);
}

/* Interrupt bits are acknowledged one by one, and the line follows. */
static void test_interrupt_ack(void **state)
{
    struct rig *r = *state;
    struct vdev d;

    vdev_plug(&d, r, ON_MMIO, "virtio-rng", NULL);
    vdev_start(&d, 0, 1, 4);
    put_desc(r, d.ring[0].desc, 0, RIG_BUFFERS, 8, DESC_WRITE, 0);
    vdev_run(&d, 0);
    virtio_config_changed(d.virtio);
    assert_int_equal(rig_read(r, d.base + 0x60, 4), 3);
    rig_write(r, d.base + 0x64, 0xfffffffd, 4);
    assert_int_equal(rig_read(r, d.base + 0x60, 4), 2);
    assert_true(vdev_irq(&d));
    rig_write(r, d.base + 0x64, 2, 4);
    assert_int_equal(rig_read(r, d.base + 0x60, 4), 0);
    assert_false(vdev_irq(&d));
    /* A reset of the slot alone drops the line, too. */
    virtio_config_changed(d.virtio);
    assert_true(vdev_irq(&d));
    device_reset(r->slot[d.slot]);
    assert_false(vdev_irq(&d));
    device_free(d.dev);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_empty_slot),
        TEST(test_ids),
        TEST(test_plug),
        TEST(test_widths),
        TEST(test_other_registers),
        TEST(test_queue_num),
        TEST(test_queue_stop),
        TEST(test_interrupt_ack),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
