/*
 * virtio's core: status, features, configuration space, and rings as a
 * driver should make them, over both transports.
 */
#include "tests/devices/virtio_probe.h"

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
        BOTH(test_snapshot),
        cmocka_unit_test(test_tables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
