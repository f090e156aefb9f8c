/*
 * The virtio entropy device.
 */
#include "tests/devices/virtio_rig.h"

#include <stdlib.h>
#include <string.h>

struct fixture {
    struct rig rig;
    struct vdev d;
};

static int setup(void **state, enum transport t)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    rig_init(&f->rig);
    vdev_plug(&f->d, &f->rig, t, "virtio-rng", NULL);
    vdev_start(&f->d, 0, 1, 8);
    *state = f;
    return 0;
}

static int setup_mmio(void **state)
{
    return setup(state, ON_MMIO);
}

static int setup_pci(void **state)
{
    return setup(state, ON_PCI);
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    device_free(f->d.dev);
    rig_fini(&f->rig);
    free(f);
    return 0;
}

/* The bytes are the gate's, in order, wherever they are wanted. */
static void test_bytes(void **state)
{
    struct fixture *f = *state;
    struct gate *same = gate_new();
    uint8_t want[100], *got;

    gate_set_deterministic(same, 99, 0);
    gate_set_deterministic(f->rig.h->gate, 99, 0);
    gate_entropy(same, want, 100);
    put_desc(&f->rig, f->d.ring[0].desc, 0, RIG_BUFFERS, 60,
             DESC_NEXT | DESC_WRITE, 1);
    put_desc(&f->rig, f->d.ring[0].desc, 1, RIG_BUFFERS + 0x100, 40, DESC_WRITE,
             0);
    assert_int_equal(vdev_run(&f->d, 0), 100);
    got = memory_host(f->rig.memory, RIG_BUFFERS, 0x200, false);
    assert_memory_equal(got, want, 60);
    assert_memory_equal(got + 0x100, want + 60, 40);
    assert_int_equal(got[60] | got[0x100 + 40], 0);
    assert_int_equal(vdev_take_isr(&f->d), VIRTIO_ISR_QUEUE);
    gate_free(same);
}

/* A large buffer gets some, at least one byte, and says how many. */
static void test_large(void **state)
{
    struct fixture *f = *state;
    uint8_t *got = memory_host(f->rig.memory, RIG_BUFFERS, 0x200000, true);
    uint32_t len;

    put_desc(&f->rig, f->d.ring[0].desc, 0, RIG_BUFFERS, 0x200000, DESC_WRITE,
             0);
    len = vdev_run(&f->d, 0);
    assert_true(len > 0 && len < 0x200000);
    for (unsigned i = len; i < 0x200000; i++)
        assert_int_equal(got[i], 0);
    put_desc(&f->rig, f->d.ring[0].desc, 0, RIG_BUFFERS, 1, DESC_WRITE, 0);
    assert_int_equal(vdev_run(&f->d, 0), 1);
}

static void test_no_room(void **state)
{
    struct fixture *f = *state;

    put_desc(&f->rig, f->d.ring[0].desc, 0, RIG_BUFFERS, 64, 0, 0);
    vdev_offer(&f->d, 0, 0);
    vdev_notify(&f->d, 0);
    assert_int_equal(vdev_used(&f->d, 0), 0);
    vdev_expect_broken(&f->d, "without room");
}

static void test_features(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(vdev_features(&f->d) & 0xffffff, 0);
    assert_int_equal(vdev_config(&f->d, 0, 4), 0);
    vdev_set_config(&f->d, 0, 1, 4);
}

#define BOTH(test)                                                             \
    {#test " (mmio)", test, setup_mmio, teardown, NULL},                       \
    {                                                                          \
#test " (pci)", test, setup_pci, teardown, NULL                        \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(test_bytes),
        BOTH(test_large),
        BOTH(test_no_room),
        BOTH(test_features),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
