/*
 * virtio 1.2: what transports (MMIO, PCI) and device types share.
 *
 * A transport is a device; it owns a struct virtio, whose type (block,
 * console, rng) is a const struct virtio_type.  The type sees queues as
 * chains of readable and writable segments, already checked: every address
 * and length was bounded, every loop broken, before it is called.
 */
#ifndef DEVICES_VIRTIO_VIRTIO_H
#define DEVICES_VIRTIO_VIRTIO_H

#include "devices/device.h"

#define VIRTIO_MAX_QUEUES 8
#define VIRTIO_MAX_QUEUE_SIZE 256
#define VIRTIO_MAX_SEGMENTS 256

/* Status bits, 2.1. */
enum {
    VIRTIO_ACKNOWLEDGE = 1,
    VIRTIO_DRIVER = 2,
    VIRTIO_DRIVER_OK = 4,
    VIRTIO_FEATURES_OK = 8,
    VIRTIO_NEEDS_RESET = 64,
    VIRTIO_FAILED = 128,
};

#define VIRTIO_F_INDIRECT_DESC ((uint64_t)1 << 28)
#define VIRTIO_F_EVENT_IDX ((uint64_t)1 << 29)
#define VIRTIO_F_VERSION_1 ((uint64_t)1 << 32)

struct virtio;

struct virtqueue {
    uint16_t size; /* as the driver chose; a power of two */
    bool ready;
    uint16_t vector; /* MSI-X vector, 0xffff: none */
    uint64_t desc, driver, device; /* guest addresses */
    uint16_t last_avail, used_idx;
    uint16_t signalled_used; /* EVENT_IDX: used index at the last interrupt */
};

/* A descriptor chain taken from a queue. */
struct virtio_chain {
    uint16_t head;
    unsigned n_read, n_write; /* segments; readable ones come first */
    uint64_t read_size, write_size; /* bytes in all */
    struct {
        uint64_t address;
        uint32_t size;
    } seg[VIRTIO_MAX_SEGMENTS];
};

struct virtio_type {
    uint16_t id; /* 5: 1 net, 2 block, 3 console, 4 entropy */
    unsigned n_queues;
    uint16_t queue_size; /* maximum, at most VIRTIO_MAX_QUEUE_SIZE */
    uint32_t pci_class;  /* class code << 8 */
    uint64_t (*features)(struct virtio *v); /* device-type bits only */
    unsigned config_size;
    /* Device configuration space, bytes at offset, within config_size. */
    void (*config_read)(struct virtio *v, unsigned offset, uint8_t *out,
                        unsigned size);
    void (*config_write)(struct virtio *v, unsigned offset,
                         const uint8_t *in, unsigned size);
    void (*reset)(struct virtio *v);
    /* DRIVER_OK was set. */
    void (*start)(struct virtio *v);
    /* The driver notified queue n; take chains until there is none. */
    void (*notify)(struct virtio *v, unsigned n);
};

struct virtio {
    const struct virtio_type *type;
    struct device *dev; /* the transport */
    void *owner;        /* the type's own struct */
    void (*interrupt)(struct device *dev, unsigned queue, bool config);
    uint8_t status;
    uint64_t driver_features;
    uint32_t config_generation;
    struct virtqueue queue[VIRTIO_MAX_QUEUES];
};

extern const struct field virtio_fields[];

void virtio_init(struct virtio *v, const struct virtio_type *type,
                 struct device *dev, void *owner);
void virtio_reset(struct virtio *v);
uint64_t virtio_features(struct virtio *v);
void virtio_set_status(struct virtio *v, uint8_t status);
/* Guest's notification; out-of-range or not-ready queues are ignored. */
void virtio_notify(struct virtio *v, unsigned n);
/* The guest broke the rules: log, NEEDS_RESET, config interrupt. */
void virtio_broken(struct virtio *v, const char *what);

/* Take the next available chain; false: none (or the device is broken). */
bool virtqueue_pop(struct virtio *v, unsigned n, struct virtio_chain *c);
/* Is one available? */
bool virtqueue_ready(struct virtio *v, unsigned n);
/* Give it back with `written` bytes, and interrupt if the driver asks. */
void virtqueue_push(struct virtio *v, unsigned n,
                    const struct virtio_chain *c, uint32_t written);
/* Undo the last pop. */
void virtqueue_unpop(struct virtio *v, unsigned n);

/* Copy out of the readable / into the writable part, from byte `offset`;
 * returns bytes copied (less at the end; DMA failure breaks the device). */
uint64_t virtio_chain_read(struct virtio *v, const struct virtio_chain *c,
                           uint64_t offset, void *out, uint64_t size);
uint64_t virtio_chain_write(struct virtio *v, const struct virtio_chain *c,
                            uint64_t offset, const void *in, uint64_t size);

#endif
