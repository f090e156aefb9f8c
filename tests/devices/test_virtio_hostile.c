/*
 * virtio's rings as no driver should make them, over both transports.
 */
#include "tests/devices/virtio_probe.h"

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
    memory_remove(&top);
    memory_remove(&bottom);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
        BOTH(test_damaged_state),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
