/*
 * A virtio device type of the tests, which takes chains and shows them, on
 * the rig of virtio_rig.h.  To be included by one test file each.
 */
#ifndef TESTS_DEVICES_VIRTIO_PROBE_H
#define TESTS_DEVICES_VIRTIO_PROBE_H

#include <stdlib.h>
#include <string.h>

#include "devices/virtio/virtio_class.h"
#include "tests/devices/virtio_rig.h"

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

#define BOTH(test)                                                             \
    {#test " (mmio)", test, setup_mmio, teardown, NULL},                       \
    {                                                                          \
#test " (pci)", test, setup_pci, teardown, NULL                        \
    }

#endif
