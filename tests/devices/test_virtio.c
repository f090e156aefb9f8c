/*
 * virtio's core: status, features, configuration space, and rings, good and
 * hostile.  A device type of this test takes the chains; it is driven over
 * both transports.
 */
#include "tests/devices/virtio_rig.h"

#include <stdlib.h>
#include <string.h>

#include "devices/virtio/virtio_class.h"

/* ------------------------------------------------------------ the type */

#define PROBE_FEATURE ((uint64_t)1 << 3)
#define PROBE_CONFIG 14
#define PROBE_QUEUE 256

struct probe {
    uint8_t config[PROBE_CONFIG];
    unsigned notified, started, resets, taken;
    bool hold;                 /* take no chain */
    struct virtio_chain chain; /* the last one */
    uint64_t readable;         /* bytes to echo: what was read */
    uint8_t data[70000];
    void (*hook)(struct virtio *v, struct virtio_chain *c); /* or echo */
    struct vdev *driver;
};

static const struct field probe_fields[] = {
    FIELD_ARRAY(struct probe, config, 0x5a), FIELD_HOST(struct probe, notified),
    FIELD_HOST(struct probe, started),       FIELD_HOST(struct probe, resets),
    FIELD_HOST(struct probe, taken),         FIELD_HOST(struct probe, hold),
    FIELD_HOST(struct probe, chain),         FIELD_HOST(struct probe, readable),
    FIELD_HOST(struct probe, data),          FIELD_HOST(struct probe, hook),
    FIELD_HOST(struct probe, driver),        FIELD_LIST_END,
};

/* Give back what can be read, as far as there is room. */
static void echo(struct virtio *v, unsigned n, struct virtio_chain *c)
{
    struct probe *p = v->owner;
    uint64_t written;

    p->readable = virtio_chain_read(v, c, 0, p->data, sizeof(p->data));
    written = virtio_chain_write(v, c, 0, p->data, p->readable);
    virtqueue_push(v, n, c, (uint32_t)written);
}

static void probe_notify(struct virtio *v, unsigned n)
{
    struct probe *p = v->owner;

    p->notified++;
    while (!p->hold && virtqueue_pop(v, n, &p->chain)) {
        p->taken++;
        if (p->hook)
            p->hook(v, &p->chain);
        else
            echo(v, n, &p->chain);
    }
}

static void probe_config(struct virtio *v, uint8_t *out)
{
    memcpy(out, ((struct probe *)v->owner)->config, PROBE_CONFIG);
}

static void probe_config_write(struct virtio *v, unsigned offset,
                               const uint8_t *in, unsigned size)
{
    assert_true(offset + size <= PROBE_CONFIG && size > 0);
    memcpy(((struct probe *)v->owner)->config + offset, in, size);
}

static void probe_reset(struct virtio *v)
{
    struct probe *p = v->owner;

    p->resets++;
    state_reset(probe_fields, p);
}

static void probe_start(struct virtio *v)
{
    ((struct probe *)v->owner)->started++;
}

static uint64_t probe_features(struct virtio *v)
{
    (void)v;
    return PROBE_FEATURE;
}

static const struct virtio_type probe_type = {
    .id = 42,
    .n_queues = 3,
    .queue_size = PROBE_QUEUE,
    .pci_class = 0xff0000,
    .config_size = PROBE_CONFIG,
    .features = probe_features,
    .config = probe_config,
    .config_write = probe_config_write,
    .reset = probe_reset,
    .start = probe_start,
    .notify = probe_notify,
};

#define NO_PROPERTIES(s)

VIRTIO_CLASS(probe, pci, "probe-pci", "a test's", NO_PROPERTIES);
VIRTIO_CLASS(probe, device, "probe-device", "a test's", NO_PROPERTIES);

/* ------------------------------------------------------------- fixture */

struct fixture {
    struct rig rig;
    struct vdev d;
    struct probe *p;
    struct virtio *v;
};

static void plug(struct fixture *f, enum transport t)
{
    struct device *dev =
        device_new(t == ON_MMIO ? &probe_device_class : &probe_pci_class,
                   &f->rig.h->env, "probe", NULL);
    struct error e;

    assert_non_null(dev);
    assert_true(device_create(dev, 0, &e));
    vdev_attach(&f->d, &f->rig, t, dev);
    f->v = f->d.virtio;
    f->p = f->v->owner;
    f->p->driver = &f->d;
}

static int setup(void **state, enum transport t)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    rig_init(&f->rig);
    plug(f, t);
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

/* ------------------------------------------------ status and features */

static void test_status(void **state)
{
    struct fixture *f = *state;
    struct vdev *d = &f->d;

    assert_int_equal(vdev_status(d), 0);
    vdev_set_status(d, VIRTIO_ACKNOWLEDGE);
    vdev_set_status(d, VIRTIO_DRIVER);
    /* Bits only add up. */
    assert_int_equal(vdev_status(d), VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    /* The device's own bit is not the driver's to set. */
    vdev_set_status(d, VIRTIO_NEEDS_RESET | VIRTIO_DRIVER);
    assert_int_equal(vdev_status(d), VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    rig_log(&f->rig);
    vdev_set_status(d, VIRTIO_DRIVER_OK | VIRTIO_DRIVER);
    assert_int_equal(vdev_status(d), VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    assert_non_null(strstr(rig_log(&f->rig), "DRIVER_OK without"));
    assert_int_equal(f->p->started, 0);
    vdev_set_status(d, VIRTIO_FAILED);
    assert_int_equal(vdev_status(d),
                     VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FAILED);
    vdev_set_status(d, 0);
    assert_int_equal(vdev_status(d), 0);
    vdev_start(d, 0, 1, 4);
    assert_int_equal(f->p->started, 1);
}

static void test_features(void **state)
{
    struct fixture *f = *state;
    struct vdev *d = &f->d;
    uint64_t all = PROBE_FEATURE | VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX |
                   VIRTIO_F_INDIRECT_DESC;
    uint64_t bad[] = {0, PROBE_FEATURE, all | 1, all | (uint64_t)1 << 63,
                      all | (uint64_t)1 << 34};

    assert_true(vdev_features(d) == all);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        vdev_set_status(d, 0);
        vdev_set_status(d, 3);
        vdev_set_features(d, bad[i]);
        vdev_set_status(d, 11);
        assert_int_equal(vdev_status(d), 3);
    }
    /* What is written last counts. */
    vdev_set_status(d, 0);
    vdev_set_features(d, bad[2]);
    vdev_set_features(d, all);
    assert_true(f->v->driver_features == all);
    vdev_negotiate(d, PROBE_FEATURE);
    assert_true(f->v->driver_features == (PROBE_FEATURE | VIRTIO_F_VERSION_1));
    /* Too late for more. */
    vdev_set_features(d, all);
    assert_true(f->v->driver_features == (PROBE_FEATURE | VIRTIO_F_VERSION_1));
    vdev_set_status(d, 0);
    assert_true(f->v->driver_features == 0);
}

/* Selectors beyond 64 bits show none, and a write there does nothing. */
static void test_feature_selectors(void **state)
{
    struct fixture *f = *state;

    f->v->device_features_sel = f->v->driver_features_sel = 2;
    assert_int_equal(virtio_read_device_features(f->v), 0);
    virtio_write_driver_features(f->v, UINT32_MAX);
    assert_true(f->v->driver_features == 0);
    assert_int_equal(virtio_read_driver_features(f->v), 0);
    f->v->driver_features_sel = UINT32_MAX;
    virtio_write_driver_features(f->v, UINT32_MAX);
    assert_true(f->v->driver_features == 0);
}

static void test_reset(void **state)
{
    struct fixture *f = *state;
    struct vdev *d = &f->d;
    unsigned resets;

    vdev_start(d, VIRTIO_F_EVENT_IDX, 3, 4);
    put_desc(&f->rig, d->ring[1].desc, 0, RIG_BUFFERS, 8, 0, 0);
    vdev_run(d, 1);
    assert_true(vdev_irq(d));
    f->p->config[0] = 1;
    resets = f->p->resets;
    vdev_set_status(d, 0);
    assert_int_equal(f->p->resets, resets + 1);
    assert_int_equal(f->p->config[0], 0x5a);
    assert_false(vdev_irq(d));
    for (unsigned n = 0; n < 3; n++) {
        vdev_select(d, n);
        assert_false(vdev_enabled(d));
        assert_int_equal(vdev_queue_max(d), PROBE_QUEUE);
        assert_int_equal(f->v->queue[n].last_avail, 0);
    }
    /* And so does the machine's. */
    vdev_start(d, 0, 1, 4);
    device_reset(d->dev);
    assert_int_equal(f->v->status, 0);
}

/* ------------------------------------------------ configuration space */

static void test_config(void **state)
{
    struct fixture *f = *state;
    struct vdev *d = &f->d;
    uint8_t want[PROBE_CONFIG + 8] = {0};

    for (unsigned i = 0; i < PROBE_CONFIG; i++)
        want[i] = f->p->config[i] = (uint8_t)(0x80 + i);
    for (unsigned size = 1; size <= 4; size *= 2) {
        for (unsigned at = 0; at < PROBE_CONFIG + 4; at += size)
            assert_int_equal(vdev_config(d, at, size), ld_le(want + at, size));
    }
    assert_int_equal(vdev_config(d, 0xe00, 4), 0);
    for (unsigned size = 1; size <= 4; size *= 2) {
        for (unsigned at = 0; at < PROBE_CONFIG + 4; at += size) {
            uint32_t v = 0x11223344 + at;

            vdev_set_config(d, at, v, size);
            st_le(want + at, v, size);
            memset(want + PROBE_CONFIG, 0, 8);
            assert_memory_equal(f->p->config, want, PROBE_CONFIG);
        }
    }
}

static void test_config_changed(void **state)
{
    struct fixture *f = *state;
    struct vdev *d = &f->d;
    uint32_t g = vdev_generation(d);

    /* Nobody is told before the driver is there. */
    virtio_config_changed(f->v);
    assert_int_not_equal(vdev_generation(d), g);
    assert_false(vdev_irq(d));
    vdev_start(d, 0, 1, 4);
    virtio_config_changed(f->v);
    assert_true(vdev_irq(d));
    assert_int_equal(vdev_take_isr(d), VIRTIO_ISR_CONFIG);
}

/* --------------------------------------------------------------- rings */

static void fill(struct rig *r, uint64_t at, unsigned size, uint8_t first)
{
    for (unsigned i = 0; i < size; i++)
        rig_write(r, at + i, (uint8_t)(first + i), 1);
}

static void check(struct rig *r, uint64_t at, unsigned size, uint8_t first)
{
    for (unsigned i = 0; i < size; i++)
        assert_int_equal(rig_read(r, at + i, 1), (uint8_t)(first + i));
}

static void test_echo(void **state)
{
    struct fixture *f = *state;
    struct vdev *d = &f->d;
    uint64_t b = RIG_BUFFERS;

    vdev_start(d, 0, 1, 8);
    /* Segments of odd sizes at odd places; descriptors in any order. */
    fill(&f->rig, b, 100, 7);
    put_desc(&f->rig, d->ring[0].desc, 0, b, 33, DESC_NEXT, 5);
    put_desc(&f->rig, d->ring[0].desc, 5, b + 33, 1, DESC_NEXT, 2);
    put_desc(&f->rig, d->ring[0].desc, 2, b + 34, 66, DESC_NEXT, 7);
    put_desc(&f->rig, d->ring[0].desc, 7, b + 0x1001, 9, DESC_NEXT | DESC_WRITE,
             1);
    put_desc(&f->rig, d->ring[0].desc, 1, b + 0x200a, 91, DESC_WRITE, 9);
    assert_int_equal(vdev_run(d, 0), 100);
    check(&f->rig, b + 0x1001, 9, 7);
    check(&f->rig, b + 0x200a, 91, 16);
    assert_int_equal(rig_read(&f->rig, b + 0x1000, 1), 0);
    assert_int_equal(rig_read(&f->rig, b + 0x100a, 1), 0);
    assert_int_equal(f->p->chain.n_read, 3);
    assert_int_equal(f->p->chain.n_write, 2);
    assert_int_equal(vdev_take_isr(d), VIRTIO_ISR_QUEUE);
}

static void test_chain_offsets(void **state)
{
    struct fixture *f = *state;
    struct vdev *d = &f->d;
    struct virtio_chain c;
    uint8_t x[64];

    vdev_start(d, 0, 1, 8);
    f->p->hold = true;
    fill(&f->rig, RIG_BUFFERS, 30, 0);
    put_desc(&f->rig, d->ring[0].desc, 0, RIG_BUFFERS, 10, DESC_NEXT, 1);
    put_desc(&f->rig, d->ring[0].desc, 1, RIG_BUFFERS + 10, 20, DESC_NEXT, 2);
    put_desc(&f->rig, d->ring[0].desc, 2, RIG_BUFFERS + 0x100, 4,
             DESC_NEXT | DESC_WRITE, 3);
    put_desc(&f->rig, d->ring[0].desc, 3, RIG_BUFFERS + 0x200, 4, DESC_WRITE,
             0);
    vdev_offer(d, 0, 0);
    assert_true(virtqueue_ready(f->v, 0));
    assert_true(virtqueue_pop(f->v, 0, &c));
    assert_false(virtqueue_ready(f->v, 0));
    /* The same again after unpop. */
    virtqueue_unpop(f->v, 0);
    assert_true(virtqueue_ready(f->v, 0));
    assert_true(virtqueue_pop(f->v, 0, &c));
    assert_int_equal(virtio_chain_read(f->v, &c, 9, x, 2), 2);
    assert_true(x[0] == 9 && x[1] == 10);
    assert_int_equal(virtio_chain_read(f->v, &c, 25, x, 64), 5);
    assert_int_equal(x[4], 29);
    assert_int_equal(virtio_chain_read(f->v, &c, 30, x, 64), 0);
    assert_int_equal(virtio_chain_read(f->v, &c, UINT64_MAX, x, 64), 0);
    assert_int_equal(virtio_chain_write(f->v, &c, 3, "abcdefgh", 8), 5);
    assert_int_equal(rig_read(&f->rig, RIG_BUFFERS + 0x103, 1), 'a');
    assert_int_equal(rig_read(&f->rig, RIG_BUFFERS + 0x200, 4), 0x65646362);
    assert_int_equal(rig_read(&f->rig, RIG_BUFFERS + 0x204, 1), 0);
    assert_int_equal(virtio_chain_write(f->v, &c, 8, "x", 1), 0);
    assert_int_equal(vdev_status(d), 15);
}

/* Direct descriptors, then a table, whose own WRITE flag means nothing. */
static void test_indirect(void **state)
{
    struct fixture *f = *state;
    struct vdev *d = &f->d;
    uint64_t table = RIG_BUFFERS + 0x8000;

    vdev_start(d, VIRTIO_F_INDIRECT_DESC, 1, 8);
    fill(&f->rig, RIG_BUFFERS, 24, 1);
    put_desc(&f->rig, d->ring[0].desc, 0, RIG_BUFFERS, 8, DESC_NEXT, 3);
    put_desc(&f->rig, d->ring[0].desc, 3, table, 5 * 16,
             DESC_INDIRECT | DESC_WRITE, 1);
    put_desc(&f->rig, table, 0, RIG_BUFFERS + 8, 16, DESC_NEXT, 4);
    put_desc(&f->rig, table, 4, RIG_BUFFERS + 0x100, 24, DESC_WRITE, 0);
    assert_int_equal(vdev_run(d, 0), 24);
    check(&f->rig, RIG_BUFFERS + 0x100, 24, 1);

    /* A table may be longer than the queue, up to our maximum. */
    for (unsigned i = 0; i < 256; i++)
        put_desc(&f->rig, table, i, RIG_BUFFERS + i, 1, i < 255, i + 1);
    put_desc(&f->rig, d->ring[0].desc, 0, table, 256 * 16, DESC_INDIRECT, 0);
    assert_int_equal(vdev_run(d, 0), 0);
    assert_int_equal(f->p->chain.n_read, 256);
    put_desc(&f->rig, table, 255, RIG_BUFFERS, 1, DESC_NEXT, 256);
    put_desc(&f->rig, table, 256, RIG_BUFFERS, 1, 0, 0);
    put_desc(&f->rig, d->ring[0].desc, 0, table, 257 * 16, DESC_INDIRECT, 0);
    vdev_offer(d, 0, 0);
    vdev_notify(d, 0);
    vdev_expect_broken(d, "too many descriptors");
}

/* ROM can be read from, but not into. */
static void test_rom(void **state)
{
    struct fixture *f = *state;
    struct vdev *d = &f->d;

    assert_true(memory_poke(f->rig.memory, RIG_ROM, "rom!", 4));
    vdev_start(d, 0, 1, 8);
    put_desc(&f->rig, d->ring[0].desc, 0, RIG_ROM, 4, DESC_NEXT, 1);
    put_desc(&f->rig, d->ring[0].desc, 1, RIG_BUFFERS, 4, DESC_WRITE, 0);
    assert_int_equal(vdev_run(d, 0), 4);
    assert_int_equal(rig_read(&f->rig, RIG_BUFFERS, 4), 0x216d6f72);
    put_desc(&f->rig, d->ring[0].desc, 1, RIG_ROM, 4, DESC_WRITE, 0);
    vdev_offer(d, 0, 0);
    vdev_notify(d, 0);
    vdev_expect_broken(d, "a buffer is outside of RAM");
}

/* Every size, several times around, with all entries in flight. */
static void test_wrap(void **state)
{
    struct fixture *f = *state;
    struct vdev *d = &f->d;

    for (unsigned size = 1; size <= PROBE_QUEUE; size *= 2) {
        vdev_start(d, 0, 1, size);
        for (unsigned i = 0; i < size; i++)
            put_desc(&f->rig, d->ring[0].desc, i, RIG_BUFFERS + 4 * i, 4,
                     DESC_WRITE, 0);
        for (unsigned round = 0; round < 3; round++) {
            for (unsigned i = 0; i < size; i++)
                vdev_offer(d, 0, size - 1 - i);
            vdev_notify(d, 0);
            assert_int_equal(vdev_used(d, 0), size);
            for (unsigned i = 0; i < size; i++) {
                uint32_t id, len;

                vdev_take(d, 0, &id, &len);
                assert_int_equal(id, size - 1 - i);
            }
        }
    }
}

/* Indices wrap at 65536, with and without EVENT_IDX. */
static void test_index_wrap(void **state)
{
    struct fixture *f = *state;
    struct vdev *d = &f->d;

    for (unsigned event = 0; event < 2; event++) {
        vdev_start(d, event ? VIRTIO_F_EVENT_IDX : 0, 1, 4);
        put_desc(&f->rig, d->ring[0].desc, 0, RIG_BUFFERS, 4, 0, 0);
        /* To just before the wrap in one step, as if it had been used so
         * often, then over it. */
        f->v->queue[0].last_avail = f->v->queue[0].used_idx = 65532;
        d->ring[0].idx = d->ring[0].seen = 65532;
        rig_write(&f->rig, d->ring[0].avail + 2, 65532, 2);
        rig_write(&f->rig, d->ring[0].used + 2, 65532, 2);
        for (unsigned i = 0; i < 20; i++) {
            /* used_event: interrupt at every fourth. */
            rig_write(&f->rig, d->ring[0].avail + 4 + 2 * 4,
                      (uint16_t)(65532 + (i & ~3u) + 3), 2);
            vdev_run(d, 0);
            if (!event || i % 4 == 3)
                assert_int_equal(vdev_take_isr(d), VIRTIO_ISR_QUEUE);
            else
                assert_false(vdev_irq(d));
        }
        assert_int_equal(rig_read(&f->rig, d->ring[0].used + 2, 2), 16);
    }
}

static void test_no_interrupt(void **state)
{
    struct fixture *f = *state;
    struct vdev *d = &f->d;

    vdev_start(d, 0, 1, 4);
    put_desc(&f->rig, d->ring[0].desc, 0, RIG_BUFFERS, 4, 0, 0);
    rig_write(&f->rig, d->ring[0].avail, 1, 2);
    vdev_run(d, 0);
    assert_false(vdev_irq(d));
    rig_write(&f->rig, d->ring[0].avail, 0, 2);
    vdev_run(d, 0);
    assert_int_equal(vdev_take_isr(d), VIRTIO_ISR_QUEUE);
    /* With EVENT_IDX, the flag means nothing, and used_event all. */
    vdev_start(d, VIRTIO_F_EVENT_IDX, 1, 4);
    put_desc(&f->rig, d->ring[0].desc, 0, RIG_BUFFERS, 4, 0, 0);
    rig_write(&f->rig, d->ring[0].avail, 1, 2);
    vdev_run(d, 0);
    assert_int_equal(vdev_take_isr(d), VIRTIO_ISR_QUEUE);
    vdev_run(d, 0);
    assert_false(vdev_irq(d));
}

/* The device says from where on it wants to be notified. */
static void test_avail_event(void **state)
{
    struct fixture *f = *state;
    struct vdev *d = &f->d;
    uint64_t event;

    vdev_start(d, VIRTIO_F_EVENT_IDX, 1, 4);
    event = d->ring[0].used + 4 + 8 * 4;
    put_desc(&f->rig, d->ring[0].desc, 0, RIG_BUFFERS, 4, 0, 0);
    for (unsigned i = 1; i < 10; i++) {
        vdev_run(d, 0);
        assert_int_equal(rig_read(&f->rig, event, 2), i);
        assert_int_equal(rig_read(&f->rig, d->ring[0].used, 2), 0);
    }
    /* Without the feature, that is not its memory. */
    vdev_start(d, 0, 1, 4);
    put_desc(&f->rig, d->ring[0].desc, 0, RIG_BUFFERS, 4, 0, 0);
    vdev_run(d, 0);
    assert_int_equal(rig_read(&f->rig, event, 2), 0);
}

static void offer_again(struct virtio *v, struct virtio_chain *c)
{
    struct probe *p = v->owner;

    virtqueue_push(v, 0, c, 0);
    vdev_offer(p->driver, 0, c->head);
}

/* A driver that adds a chain for each that is taken gets its turn ended, and
 * goes on from a timer. */
static void test_turns(void **state)
{
    struct fixture *f = *state;
    struct vdev *d = &f->d;

    vdev_start(d, 0, 2, 8);
    for (unsigned i = 0; i < 8; i++)
        put_desc(&f->rig, d->ring[0].desc, i, RIG_BUFFERS, 4, 0, 0);
    f->p->hook = offer_again;
    vdev_offer(d, 0, 0);
    vdev_notify(d, 0);
    assert_int_equal(f->p->taken, 8);
    assert_true(rig_timers(&f->rig));
    assert_int_equal(f->p->taken, 16);
    assert_true(rig_timers(&f->rig));
    assert_int_equal(f->p->taken, 24);
    /* A reset ends it. */
    vdev_set_status(d, 0);
    assert_false(rig_timers(&f->rig));
    assert_int_equal(f->p->taken, 24);
    f->p->hook = NULL;
    /* Exactly a queue full needs no second turn. */
    vdev_start(d, 0, 1, 8);
    for (unsigned i = 0; i < 8; i++) {
        put_desc(&f->rig, d->ring[0].desc, i, RIG_BUFFERS, 4, 0, 0);
        vdev_offer(d, 0, i);
    }
    vdev_notify(d, 0);
    assert_int_equal(f->p->taken, 32);
    assert_false(rig_timers(&f->rig));
}

static void test_later(void **state)
{
    struct fixture *f = *state;
    struct vdev *d = &f->d;

    vdev_start(d, 0, 3, 8);
    virtqueue_later(f->v, 1);
    virtqueue_later(f->v, 2);
    assert_int_equal(f->p->notified, 0);
    assert_true(rig_timers(&f->rig));
    assert_int_equal(f->p->notified, 2);
    assert_false(rig_timers(&f->rig));
    virtqueue_later(f->v, 1);
    assert_true(rig_timers(&f->rig));
    assert_int_equal(f->p->notified, 3);
}

/* Turns are for notifications: who takes chains at other times, as a console
 * does for input, gets all there are. */
static void test_no_turns(void **state)
{
    struct fixture *f = *state;
    struct vdev *d = &f->d;
    struct virtio_chain c;

    vdev_start(d, 0, 1, 8);
    for (unsigned i = 0; i < 8; i++)
        put_desc(&f->rig, d->ring[0].desc, i, RIG_BUFFERS, 4, 0, 0);
    vdev_run(d, 0);
    for (unsigned i = 0; i < 20; i++) {
        vdev_offer(d, 0, i % 8);
        assert_true(virtqueue_pop(f->v, 0, &c));
        virtqueue_push(f->v, 0, &c, 0);
    }
    assert_false(rig_timers(&f->rig));
}

static void test_notify_ignored(void **state)
{
    struct fixture *f = *state;
    struct vdev *d = &f->d;

    vdev_notify(d, 0);
    vdev_negotiate(d, 0);
    vdev_make_queue(d, 0, 4);
    put_desc(&f->rig, d->ring[0].desc, 0, RIG_BUFFERS, 4, 0, 0);
    vdev_offer(d, 0, 0);
    vdev_notify(d, 0);
    assert_int_equal(f->p->notified, 0);
    assert_int_equal(vdev_used(d, 0), 0);
    /* What was offered too early is looked at as it starts. */
    vdev_set_status(d, 15);
    assert_int_equal(f->p->notified, 1);
    assert_int_equal(vdev_used(d, 0), 1);
    /* Queues that are not ready, and that do not exist. */
    vdev_notify(d, 1);
    vdev_notify(d, 2);
    vdev_notify(d, 3);
    vdev_notify(d, 100);
    virtio_notify(f->v, UINT32_MAX);
    assert_int_equal(f->p->notified, 1);
    assert_false(virtqueue_ready(f->v, 1));
    assert_false(virtqueue_ready(f->v, 8));
}

/* A queue that is ready stands still. */
static void test_ready_is_fixed(void **state)
{
    struct fixture *f = *state;
    struct vdev *d = &f->d;
    static const unsigned none[] = {3, 100, 256, 0x8000};
    struct virtqueue before;

    vdev_start(d, 0, 1, 8);
    before = f->v->queue[0];
    vdev_select(d, 0);
    vdev_set_queue(d, 4, 0x1000, 0x2000, 0x3000);
    vdev_enable(d);
    assert_memory_equal(&before, &f->v->queue[0], sizeof(before));
    /* Queues that do not exist take nothing. */
    for (unsigned i = 0; i < 4; i++) {
        unsigned n = none[i];

        vdev_select(d, n);
        assert_int_equal(vdev_queue_max(d), 0);
        assert_false(vdev_enabled(d));
        vdev_set_queue(d, 4, 0x1000, 0x2000, 0x3000);
        vdev_enable(d);
        assert_false(vdev_enabled(d));
    }
    assert_int_equal(vdev_status(d), 15);
}

/* ------------------------------------------------------------- hostile */

static void test_bad_sizes(void **state)
{
    struct fixture *f = *state;
    struct vdev *d = &f->d;
    static const unsigned bad[] = {0, 3, 255, 257, 512, 0x8000, 0xffff};

    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        vdev_negotiate(d, 0);
        vdev_select(d, 0);
        vdev_set_queue(d, bad[i], RIG_RAM, RIG_RAM + 0x1000, RIG_RAM + 0x2000);
        vdev_enable(d);
        assert_false(vdev_enabled(d));
        vdev_expect_broken(d, "no power of two, or too big");
    }
}

static void test_bad_alignment(void **state)
{
    struct fixture *f = *state;
    struct vdev *d = &f->d;
    static const unsigned bad[][3] = {
        {8, 0, 0}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {0, 0, 2}};

    for (unsigned i = 0; i < 5; i++) {
        vdev_negotiate(d, 0);
        vdev_select(d, 0);
        vdev_set_queue(d, 8, RIG_RAM + bad[i][0], RIG_RAM + 0x1000 + bad[i][1],
                       RIG_RAM + 0x2000 + bad[i][2]);
        vdev_enable(d);
        assert_false(vdev_enabled(d));
        vdev_expect_broken(d, "not aligned");
    }
}

/* Rings that are not in RAM, or not wholly. */
static void test_bad_rings(void **state)
{
    struct fixture *f = *state;
    struct vdev *d = &f->d;
    uint64_t top = RIG_RAM + RIG_RAM_SIZE;
    /* desc, avail, used */
    const uint64_t bad[][3] = {
        {0, RIG_RAM + 0x1000, RIG_RAM + 0x2000},
        {RIG_RAM, 0, RIG_RAM + 0x2000},
        {RIG_RAM, RIG_RAM + 0x1000, 0},
        {RIG_SLOTS, RIG_RAM + 0x1000, RIG_RAM + 0x2000},
        {RIG_RAM, RIG_SLOTS, RIG_RAM + 0x2000},
        {RIG_RAM, RIG_RAM + 0x1000, RIG_SLOTS},
        {RIG_RAM, RIG_RAM + 0x1000, RIG_ROM},
        {top, RIG_RAM + 0x1000, RIG_RAM + 0x2000},
        {RIG_RAM, top - 2, RIG_RAM + 0x2000},
        {RIG_RAM, RIG_RAM + 0x1000, top - 4},
        {(uint64_t)-16, RIG_RAM + 0x1000, RIG_RAM + 0x2000},
        {RIG_RAM, (uint64_t)-2, RIG_RAM + 0x2000},
        {RIG_RAM, RIG_RAM + 0x1000, (uint64_t)-4},
    };

    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        vdev_negotiate(d, 0);
        d->ring[0].avail = RIG_RAM + 0x1000;
        d->ring[0].size = 8;
        d->ring[0].idx = 0;
        put_desc(&f->rig, RIG_RAM, 0, RIG_BUFFERS, 4, 0, 0);
        vdev_select(d, 0);
        vdev_set_queue(d, 8, bad[i][0], bad[i][1], bad[i][2]);
        vdev_enable(d);
        vdev_set_status(d, 15);
        vdev_offer(d, 0, 0);
        vdev_notify(d, 0);
        vdev_expect_broken(d, "outside of RAM");
    }
}

struct bad_desc {
    const char *message;
    struct {
        uint64_t address;
        uint32_t size;
        unsigned flags, next;
    } desc[3], table[3];
    unsigned head;
};

#define B RIG_BUFFERS
#define TABLE (RIG_BUFFERS + 0x8000)

static const struct bad_desc bad_descs[] = {
    {"index is out of range", {{B, 4, 0, 0}}, {{0}}, 8},
    {"index is out of range", {{B, 4, 0, 0}}, {{0}}, 0xffff},
    {"index is out of range", {{B, 4, DESC_NEXT, 8}}, {{0}}, 0},
    {"loops", {{B, 4, DESC_NEXT, 0}}, {{0}}, 0},
    {"loops",
     {{B, 4, DESC_NEXT, 1}, {B, 4, DESC_NEXT, 2}, {B, 4, DESC_NEXT, 0}},
     {{0}},
     1},
    {"length 0", {{B, 0, 0, 0}}, {{0}}, 0},
    {"length 0", {{B, 4, DESC_NEXT, 1}, {B, 0, DESC_WRITE, 0}}, {{0}}, 0},
    {"readable descriptor after a writable",
     {{B, 4, DESC_NEXT | DESC_WRITE, 1}, {B, 4, 0, 0}},
     {{0}},
     0},
    {"buffer is outside", {{0, 4, 0, 0}}, {{0}}, 0},
    {"buffer is outside", {{RIG_RAM - 1, 2, 0, 0}}, {{0}}, 0},
    {"buffer is outside",
     {{RIG_RAM + RIG_RAM_SIZE - 4, 5, DESC_WRITE, 0}},
     {{0}},
     0},
    {"buffer is outside", {{RIG_SLOTS, 4, DESC_WRITE, 0}}, {{0}}, 0},
    {"buffer is outside", {{RIG_ECAM, 4, 0, 0}}, {{0}}, 0},
    {"buffer is outside", {{RIG_PCI_MEMORY, 4, 0, 0}}, {{0}}, 0},
    {"buffer is outside", {{(uint64_t)-4, 8, 0, 0}}, {{0}}, 0},
    {"buffer is outside", {{RIG_RAM, 0xffffffff, 0, 0}}, {{0}}, 0},
    {"2^32", {{B, 4, DESC_NEXT, 1}, {B, 0xfffffffc, 0, 0}}, {{0}}, 0},
    {"odd length", {{TABLE, 8, DESC_INDIRECT, 0}}, {{0}}, 0},
    {"odd length", {{TABLE, 0, DESC_INDIRECT, 0}}, {{0}}, 0},
    {"odd length", {{TABLE, 17, DESC_INDIRECT, 0}}, {{0}}, 0},
    {"with a next one", {{TABLE, 16, DESC_INDIRECT | 1, 1}}, {{0}}, 0},
    {"in an indirect table",
     {{TABLE, 48, DESC_INDIRECT, 0}},
     {{TABLE, 16, DESC_INDIRECT, 0}},
     0},
    {"index is out of range",
     {{TABLE, 16, DESC_INDIRECT, 0}},
     {{B, 4, DESC_NEXT, 1}, {B, 4, 0, 0}},
     0},
    {"loops",
     {{TABLE, 48, DESC_INDIRECT, 0}},
     {{B, 4, DESC_NEXT, 1}, {B, 4, DESC_NEXT, 0}},
     0},
    {"readable descriptor after a writable",
     {{B, 4, DESC_WRITE | DESC_NEXT, 1}, {TABLE, 16, DESC_INDIRECT, 0}},
     {{B, 4, 0, 0}},
     0},
    {"descriptor is outside", {{0x100, 16, DESC_INDIRECT, 0}}, {{0}}, 0},
    {"descriptor is outside", {{RIG_SLOTS, 16, DESC_INDIRECT, 0}}, {{0}}, 0},
    {"descriptor is outside",
     {{RIG_RAM + RIG_RAM_SIZE - 16, 32, DESC_INDIRECT, 0}},
     {{0}},
     0},
    {"descriptor is outside",
     {{(uint64_t)-16, 32, DESC_INDIRECT, 0}},
     {{0}},
     0},
};

static void test_bad_chains(void **state)
{
    struct fixture *f = *state;
    struct vdev *d = &f->d;

    /* The last descriptor in RAM, for the table that runs over its end. */
    put_desc(&f->rig, RIG_RAM + RIG_RAM_SIZE - 16, 0, B, 4, DESC_NEXT, 1);
    for (unsigned i = 0; i < sizeof(bad_descs) / sizeof(bad_descs[0]); i++) {
        const struct bad_desc *b = &bad_descs[i];

        vdev_start(d, VIRTIO_F_INDIRECT_DESC, 1, 8);
        for (unsigned j = 0; j < 3; j++) {
            put_desc(&f->rig, d->ring[0].desc, j, b->desc[j].address,
                     b->desc[j].size, b->desc[j].flags, b->desc[j].next);
            put_desc(&f->rig, TABLE, j, b->table[j].address, b->table[j].size,
                     b->table[j].flags, b->table[j].next);
        }
        f->p->taken = 0;
        vdev_offer(d, 0, b->head);
        vdev_notify(d, 0);
        assert_int_equal(f->p->taken, 0);
        assert_int_equal(vdev_used(d, 0), 0);
        /* Broken: nothing more happens until the reset. */
        vdev_offer(d, 0, 0);
        f->p->notified = 0;
        vdev_notify(d, 0);
        assert_int_equal(f->p->notified, 0);
        vdev_expect_broken(d, b->message);
    }
}

/* RAM at both ends of the address space is not one piece of RAM. */
static void test_wrap_around(void **state)
{
    struct fixture *f = *state;
    struct vdev *d = &f->d;
    struct region top = f->rig.ram_region, bottom = f->rig.ram_region;
    struct error e;

    top.space = bottom.space = NULL;
    top.base = ~(uint64_t)0xfff;
    bottom.base = 0;
    top.size = bottom.size = 0x1000;
    assert_true(memory_add(f->rig.memory, &top, &e));
    assert_true(memory_add(f->rig.memory, &bottom, &e));
    vdev_start(d, 0, 1, 8);
    put_desc(&f->rig, d->ring[0].desc, 0, (uint64_t)-4, 8, DESC_WRITE, 0);
    vdev_offer(d, 0, 0);
    vdev_notify(d, 0);
    vdev_expect_broken(d, "a buffer is outside of RAM");
    vdev_start(d, 0, 1, 8);
    put_desc(&f->rig, d->ring[0].desc, 0, (uint64_t)-4, 4, DESC_WRITE, 0);
    vdev_run(d, 0);
    memory_remove(f->rig.memory, &top);
    memory_remove(f->rig.memory, &bottom);
}

/* Once is enough. */
static void test_broken_twice(void **state)
{
    struct fixture *f = *state;
    struct vdev *d = &f->d;

    vdev_start(d, 0, 1, 8);
    assert_false(virtio_broken(f->v, "first"));
    assert_int_equal(vdev_take_isr(d), VIRTIO_ISR_CONFIG);
    assert_false(virtio_broken(f->v, "second"));
    assert_false(vdev_irq(d));
    assert_int_equal(vdev_status(d), 15 | VIRTIO_NEEDS_RESET);
}

static void test_indirect_not_negotiated(void **state)
{
    struct fixture *f = *state;
    struct vdev *d = &f->d;

    vdev_start(d, 0, 1, 8);
    put_desc(&f->rig, TABLE, 0, B, 4, 0, 0);
    put_desc(&f->rig, d->ring[0].desc, 0, TABLE, 16, DESC_INDIRECT, 0);
    vdev_offer(d, 0, 0);
    vdev_notify(d, 0);
    vdev_expect_broken(d, "not negotiated");
}

static void test_index_jumps(void **state)
{
    struct fixture *f = *state;
    struct vdev *d = &f->d;
    static const unsigned bad[] = {9, 100, 0x8000, 0xffff};

    for (unsigned i = 0; i < 4; i++) {
        vdev_start(d, 0, 1, 8);
        rig_write(&f->rig, d->ring[0].avail + 2, bad[i], 2);
        vdev_notify(d, 0);
        vdev_expect_broken(d, "index jumps");
    }
}

/* The log says it 20 times a second at most, however often it happens. */
static void test_log_rate(void **state)
{
    struct fixture *f = *state;
    struct vdev *d = &f->d;
    unsigned lines = 0;

    rig_log(&f->rig);
    for (unsigned i = 0; i < 100; i++) {
        vdev_start(d, 0, 1, 8);
        rig_write(&f->rig, d->ring[0].avail + 2, 9, 2);
        vdev_notify(d, 0);
    }
    for (const char *s = rig_log(&f->rig); *s; s++)
        lines += *s == '\n';
    assert_true(lines > 0 && lines < 60);
}

static struct virtio_chain held;

static void hold_chain(struct virtio *v, struct virtio_chain *c)
{
    (void)v;
    held = *c;
}

/* The map changes while a chain is out: no memory of anybody else. */
static void test_map_changes(void **state)
{
    struct fixture *f = *state;
    struct vdev *d = &f->d;
    uint8_t x[16];

    vdev_start(d, 0, 1, 8);
    put_desc(&f->rig, d->ring[0].desc, 0, B, 16, DESC_NEXT, 1);
    put_desc(&f->rig, d->ring[0].desc, 1, B + 16, 16, DESC_WRITE, 1);
    f->p->hook = hold_chain;
    vdev_offer(d, 0, 0);
    vdev_notify(d, 0);
    memory_enable(&f->rig.ram_region, false);
    assert_int_equal(virtio_chain_read(f->v, &held, 0, x, 16), 0);
    assert_int_equal(virtio_chain_write(f->v, &held, 0, x, 16), 0);
    virtqueue_push(f->v, 0, &held, 16);
    memory_enable(&f->rig.ram_region, true);
    assert_int_equal(vdev_used(d, 0), 0);
    vdev_expect_broken(d, "no longer in RAM");
    /* A chain of before the reset is not given back after it. */
    vdev_start(d, 0, 1, 8);
    vdev_set_status(d, 0);
    rig_log(&f->rig);
    virtqueue_push(f->v, 0, &held, 16);
    assert_int_equal(vdev_used(d, 0), 0);
    assert_int_equal(vdev_status(d), 0);
    assert_string_equal(rig_log(&f->rig), "");
    /* The used ring alone has gone. */
    vdev_start(d, 0, 1, 8);
    memory_enable(&f->rig.ram_region, false);
    virtqueue_push(f->v, 0, &held, 16);
    memory_enable(&f->rig.ram_region, true);
    vdev_expect_broken(d, "a ring is outside of RAM");
}

/* --------------------------------------------------------------- state */

static void copy_state(struct fixture *f, struct device *to)
{
    const struct field *table = f->d.dev->class->fields;
    size_t size = state_size(table);
    uint8_t *bytes = malloc(size);
    struct error e;

    state_save(table, f->d.dev, bytes);
    assert_true(state_load(table, to, bytes, size, &e));
    to->class->loaded(to);
    if (!state_equal(table, f->d.dev, to, &e))
        fail_msg("%s", e.text);
    free(bytes);
}

/* In the middle of its work, into another device at another place. */
static void test_snapshot(void **state)
{
    struct fixture *f = *state;
    struct vdev *d = &f->d;
    struct device *to;
    struct virtio *v;
    struct probe *p;
    struct error e;

    vdev_start(d, VIRTIO_F_EVENT_IDX, 2, 8);
    for (unsigned i = 0; i < 8; i++)
        put_desc(&f->rig, d->ring[0].desc, i, RIG_BUFFERS, 4, 0, 0);
    f->p->hook = offer_again;
    vdev_offer(d, 0, 0);
    vdev_notify(d, 0);
    assert_int_equal(f->p->taken, 8);

    to = device_new(d->dev->class, &f->rig.h->env, "copy", &e);
    assert_true(device_create(to, 0, &e));
    v = d->transport == ON_MMIO ? &((struct virtio_device *)to)->virtio
                                : &((struct virtio_pci *)to)->virtio;
    p = v->owner;
    copy_state(f, to);
    assert_int_equal(p->started, 1);
    timer_disarm(&f->v->again);
    assert_true(rig_timers(&f->rig));
    assert_int_equal(p->taken, 1);
    assert_int_equal(rig_read(&f->rig, d->ring[0].used + 2, 2), 9);
    device_free(to);
}

/* A damaged snapshot may hold anything; the guest of it, too. */
static void test_damaged_state(void **state)
{
    struct fixture *f = *state;
    const struct field *table = f->d.dev->class->fields;
    size_t size = state_size(table);
    uint8_t *bytes = malloc(size), *good = malloc(size);
    struct prng rng = {1};
    struct error e;
    unsigned loaded = 0;

    vdev_start(&f->d, 0, 3, 8);
    state_save(table, f->d.dev, good);
    for (unsigned i = 0; i < 20000; i++) {
        memcpy(bytes, good, size);
        for (unsigned n = 1 + (unsigned)prng_below(&rng, 8); n; n--)
            bytes[prng_below(&rng, size)] = (uint8_t)prng_edgy(&rng);
        if (!state_load(table, f->d.dev, bytes, size, &e))
            continue;
        loaded++;
        f->d.dev->class->loaded(f->d.dev);
        for (unsigned n = 0; n < 4; n++) {
            virtio_notify(f->v, n);
            vdev_notify(&f->d, n);
        }
        virtio_selected(f->v);
        virtio_read_device_features(f->v);
        rig_timers(&f->rig);
    }
    assert_true(loaded > 10000);
    free(bytes);
    free(good);
}

/* The table covers the struct, with what the macro put together. */
static void test_tables(void **state)
{
    struct error e;

    (void)state;
    if (!state_check(probe_pci_fields, sizeof(struct probe_pci), &e) ||
        !state_check(probe_device_fields, sizeof(struct probe_device), &e))
        fail_msg("%s", e.text);
    assert_true(device_class_is_pci(&probe_pci_class));
    assert_false(device_class_is_pci(&probe_device_class));
    assert_true(device_class_is_virtio(&probe_device_class));
    assert_false(device_class_is_virtio(&probe_pci_class));
}

#define BOTH(test)                                                             \
    {#test " (mmio)", test, setup_mmio, teardown, NULL},                       \
    {                                                                          \
#test " (pci)", test, setup_pci, teardown, NULL                        \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(test_status),
        BOTH(test_features),
        BOTH(test_feature_selectors),
        BOTH(test_reset),
        BOTH(test_config),
        BOTH(test_config_changed),
        BOTH(test_echo),
        BOTH(test_chain_offsets),
        BOTH(test_indirect),
        BOTH(test_rom),
        BOTH(test_wrap),
        BOTH(test_index_wrap),
        BOTH(test_no_interrupt),
        BOTH(test_avail_event),
        BOTH(test_turns),
        BOTH(test_later),
        BOTH(test_no_turns),
        BOTH(test_notify_ignored),
        BOTH(test_ready_is_fixed),
        BOTH(test_bad_sizes),
        BOTH(test_bad_alignment),
        BOTH(test_bad_rings),
        BOTH(test_bad_chains),
        BOTH(test_wrap_around),
        BOTH(test_broken_twice),
        BOTH(test_indirect_not_negotiated),
        BOTH(test_index_jumps),
        BOTH(test_log_rate),
        BOTH(test_map_changes),
        BOTH(test_snapshot),
        BOTH(test_damaged_state),
        cmocka_unit_test(test_tables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
