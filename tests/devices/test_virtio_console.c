/*
 * The virtio console: both directions, flow control, the emergency write.
 */
#include "tests/devices/virtio_rig.h"

#include <stdlib.h>
#include <string.h>

enum { RX, TX };

struct fixture {
    struct rig rig;
    struct vdev d;
};

static int setup(void **state, enum transport t)
{
    static const char *const properties[] = {"chardev=c0", NULL};
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    rig_init(&f->rig);
    vdev_plug(&f->d, &f->rig, t, "virtio-console", properties);
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

static const char *sent(struct fixture *f)
{
    struct harness_chardev *c = f->rig.line;

    c->out[c->n_out < sizeof(c->out) ? c->n_out : sizeof(c->out) - 1] = 0;
    return (const char *)c->out;
}

/* A receive buffer of n bytes, at a place of its own. */
static void give(struct fixture *f, unsigned i, unsigned n)
{
    put_desc(&f->rig, f->d.ring[RX].desc, i, RIG_BUFFERS + 0x1000 * i, n,
             DESC_WRITE, 0);
    vdev_offer(&f->d, RX, i);
}

static void expect(struct fixture *f, unsigned i, const char *text)
{
    uint32_t id, len;

    vdev_take(&f->d, RX, &id, &len);
    assert_int_equal(id, i);
    assert_int_equal(len, strlen(text));
    assert_memory_equal(
        memory_host(f->rig.memory, RIG_BUFFERS + 0x1000 * i, 4096, false), text,
        len);
}

static void test_transmit(void **state)
{
    struct fixture *f = *state;
    struct vdev *d = &f->d;

    vdev_start(d, 0, 2, 8);
    assert_true(memory_poke(f->rig.memory, RIG_BUFFERS, "hello, world", 12));
    put_desc(&f->rig, d->ring[TX].desc, 0, RIG_BUFFERS, 7, DESC_NEXT, 1);
    put_desc(&f->rig, d->ring[TX].desc, 1, RIG_BUFFERS + 7, 5, 0, 0);
    assert_int_equal(vdev_run(d, TX), 0);
    assert_string_equal(sent(f), "hello, world");
    assert_int_equal(vdev_take_isr(d), VIRTIO_ISR_QUEUE);
}

/* A buffer larger than what is copied at once. */
static void test_transmit_much(void **state)
{
    struct fixture *f = *state;
    struct vdev *d = &f->d;

    vdev_start(d, 0, 2, 8);
    for (unsigned i = 0; i < 20000; i++)
        rig_write(&f->rig, RIG_BUFFERS + i, 'a' + i % 23, 1);
    put_desc(&f->rig, d->ring[TX].desc, 0, RIG_BUFFERS, 20000, 0, 0);
    vdev_run(d, TX);
    assert_int_equal(f->rig.line->n_out, 20000);
    for (unsigned i = 0; i < 20000; i++)
        assert_int_equal(f->rig.line->out[i], 'a' + i % 23);
}

static void test_receive(void **state)
{
    struct fixture *f = *state;

    vdev_start(&f->d, 0, 2, 8);
    give(f, 0, 64);
    give(f, 1, 4);
    give(f, 2, 64);
    /* There is no word for a break. */
    assert_true(
        gate_event(f->rig.h->gate, f->rig.line->chardev.source, CHARDEV_BREAK));
    harness_deliver(f->rig.h);
    assert_int_equal(vdev_used(&f->d, RX), 0);
    harness_type(f->rig.h, "c0", "one", 3);
    expect(f, 0, "one");
    assert_int_equal(vdev_take_isr(&f->d), VIRTIO_ISR_QUEUE);
    harness_type(f->rig.h, "c0", "two and more", 12);
    expect(f, 1, "two ");
    expect(f, 2, "and more");
    assert_int_equal(vdev_used(&f->d, RX), 0);
}

/* What the driver has no buffer for waits, in whatever state it is. */
static void test_flow_control(void **state)
{
    struct fixture *f = *state;

    harness_type(f->rig.h, "c0", "early ", 6);
    vdev_start(&f->d, 0, 2, 8);
    harness_deliver(f->rig.h);
    harness_type(f->rig.h, "c0", "bird", 4);
    give(f, 0, 8);
    assert_int_equal(vdev_used(&f->d, RX), 0);
    vdev_notify(&f->d, RX);
    harness_deliver(f->rig.h);
    expect(f, 0, "early bi");
    give(f, 1, 8);
    vdev_notify(&f->d, RX);
    harness_deliver(f->rig.h);
    expect(f, 1, "rd");
    /* Over a reset, too. */
    harness_type(f->rig.h, "c0", "again", 5);
    vdev_start(&f->d, VIRTIO_F_EVENT_IDX, 2, 8);
    give(f, 2, 8);
    vdev_notify(&f->d, RX);
    harness_deliver(f->rig.h);
    expect(f, 2, "again");
}

/* Take one buffer, which holds what text begins with. */
static uint32_t take(struct fixture *f, const uint8_t *text, uint32_t max)
{
    uint32_t id, len;

    vdev_take(&f->d, RX, &id, &len);
    assert_true(len > 0 && len <= max);
    assert_memory_equal(
        memory_host(f->rig.memory, RIG_BUFFERS + 0x1000 * id, 4096, false),
        text, len);
    return len;
}

/* Nothing is lost on the way of 64 KiB through small buffers. */
static void test_paste(void **state)
{
    struct fixture *f = *state;
    unsigned size = 65536, posted = 0, seen = 0;
    struct prng rng = {7};
    uint8_t *text = malloc(size);

    for (unsigned i = 0; i < size; i++)
        text[i] = (uint8_t)prng_next(&rng);
    vdev_start(&f->d, VIRTIO_F_EVENT_IDX, 2, 8);
    while (seen < size) {
        posted += (unsigned)harness_type(f->rig.h, "c0", text + posted,
                                         size - posted);
        /* Buffers come back in order: the next one is free. */
        give(f, f->d.ring[RX].idx % 8, 1 + (unsigned)prng_below(&rng, 300));
        if (prng_below(&rng, 2) ||
            (uint16_t)(f->d.ring[RX].idx - f->d.ring[RX].seen) == 8)
            vdev_notify(&f->d, RX);
        harness_deliver(f->rig.h);
        while (vdev_used(&f->d, RX))
            seen += take(f, text + seen, size - seen);
    }
    assert_int_equal(posted, size);
    free(text);
}

static void test_emergency_write(void **state)
{
    struct fixture *f = *state;

    assert_true(vdev_features(&f->d) & 4);
    vdev_set_config(&f->d, 8, 'E', 4);
    vdev_set_config(&f->d, 8, 'm', 1);
    vdev_set_config(&f->d, 8, 'g', 2);
    vdev_set_config(&f->d, 9, 'x', 1);
    vdev_set_config(&f->d, 0, 'x', 4);
    assert_string_equal(sent(f), "Emg");
    for (unsigned i = 0; i < 16; i += 4)
        assert_int_equal(vdev_config(&f->d, i, 4), 0);
}

static void test_bad_buffers(void **state)
{
    struct fixture *f = *state;

    vdev_start(&f->d, 0, 2, 8);
    put_desc(&f->rig, f->d.ring[RX].desc, 0, RIG_BUFFERS, 8, 0, 0);
    vdev_offer(&f->d, RX, 0);
    harness_type(f->rig.h, "c0", "abc", 3);
    vdev_expect_broken(&f->d, "receive buffer without room");
    /* The bytes are still there for the next driver. */
    vdev_start(&f->d, 0, 2, 8);
    give(f, 0, 8);
    vdev_notify(&f->d, RX);
    harness_deliver(f->rig.h);
    expect(f, 0, "abc");
    /* A buffer to write into in the transmit queue is given back. */
    put_desc(&f->rig, f->d.ring[TX].desc, 0, RIG_BUFFERS, 8, DESC_WRITE, 0);
    assert_int_equal(vdev_run(&f->d, TX), 0);
    assert_int_equal(f->rig.line->n_out, 0);
}

static void test_no_chardev(void **state)
{
    struct fixture *f = *state;
    struct vdev d;

    vdev_plug(&d, &f->rig, f->d.transport, "virtio-console", NULL);
    vdev_start(&d, 0, 2, 8);
    put_desc(&f->rig, d.ring[TX].desc, 0, RIG_BUFFERS, 8, 0, 0);
    vdev_run(&d, TX);
    vdev_notify(&d, RX);
    vdev_set_config(&d, 8, 'E', 4);
    device_free(d.dev);
}

static void test_chardev_taken(void **state)
{
    struct fixture *f = *state;
    static const char *const properties[] = {"chardev=c0", NULL};
    struct error e = rig_refused(&f->rig, "virtio-console-device", properties);

    assert_non_null(strstr(e.text, "chardev 'c0' has a chip at it already"));
    test_receive(state);
}

static void test_close(void **state)
{
    struct fixture *f = *state;

    vdev_start(&f->d, 0, 2, 8);
    give(f, 0, 8);
    harness_type(f->rig.h, "c0", "x", 1);
    gate_close(f->rig.h->gate, f->rig.line->chardev.source);
    harness_deliver(f->rig.h);
    expect(f, 0, "x");
    assert_int_equal(vdev_used(&f->d, RX), 0);
}

/* A snapshot of a device that waits for input goes on elsewhere. */
static void test_loaded(void **state)
{
    struct fixture *f = *state;
    const struct field *table = f->d.dev->class->fields;
    size_t size = state_size(table);
    uint8_t *bytes = malloc(size);
    struct error e;

    vdev_start(&f->d, 0, 2, 8);
    give(f, 0, 8);
    state_save(table, f->d.dev, bytes);
    device_reset(f->d.dev);
    harness_type(f->rig.h, "c0", "xyz", 3);
    assert_true(state_load(table, f->d.dev, bytes, size, &e));
    f->d.dev->class->loaded(f->d.dev);
    harness_deliver(f->rig.h);
    expect(f, 0, "xyz");
    free(bytes);
}

#define BOTH(test)                                                             \
    {#test " (mmio)", test, setup_mmio, teardown, NULL},                       \
    {                                                                          \
#test " (pci)", test, setup_pci, teardown, NULL                        \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(test_transmit),      BOTH(test_transmit_much),
        BOTH(test_receive),       BOTH(test_flow_control),
        BOTH(test_paste),         BOTH(test_emergency_write),
        BOTH(test_bad_buffers),   BOTH(test_no_chardev),
        BOTH(test_chardev_taken), BOTH(test_close),
        BOTH(test_loaded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
