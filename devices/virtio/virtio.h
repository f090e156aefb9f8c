/*
 * virtio 1.2: what transports (MMIO, PCI) and device types share.
 *
 * A device has a struct virtio, whose type (block, console, entropy) is a
 * const struct virtio_type and whose transport is a const struct
 * virtio_transport.  The type sees queues as chains of readable and writable
 * segments, already checked: every address and length was bounded and every
 * loop broken before it is called.
 *
 * virtio_class.h makes device classes of a type.
 */
#ifndef DEVICES_VIRTIO_VIRTIO_H
#define DEVICES_VIRTIO_VIRTIO_H

#include "devices/device.h"

#define VIRTIO_MAX_QUEUES 8
#define VIRTIO_MAX_QUEUE_SIZE 256
#define VIRTIO_MAX_SEGMENTS 256

/* Device status bits, 2.1. */
enum {
    VIRTIO_ACKNOWLEDGE = 1,
    VIRTIO_DRIVER = 2,
    VIRTIO_DRIVER_OK = 4,
    VIRTIO_FEATURES_OK = 8,
    VIRTIO_NEEDS_RESET = 64,
    VIRTIO_FAILED = 128,
};

/* Interrupt status, 4.1.4.5 and 4.2.2. */
enum {
    VIRTIO_ISR_QUEUE = 1,
    VIRTIO_ISR_CONFIG = 2,
};

#define VIRTIO_F_INDIRECT_DESC ((uint64_t)1 << 28)
#define VIRTIO_F_EVENT_IDX ((uint64_t)1 << 29)
#define VIRTIO_F_VERSION_1 ((uint64_t)1 << 32)

#define VIRTIO_NO_VECTOR 0xffff

struct virtio;

struct virtqueue {
    uint16_t size;                 /* as the driver chose; valid while ready */
    uint8_t ready;                 /* 0 or 1 */
    uint16_t vector;               /* MSI-X vector, or VIRTIO_NO_VECTOR */
    uint64_t desc, driver, device; /* guest addresses */
    uint16_t last_avail, used_idx;
};

/* A descriptor chain taken from a queue. */
struct virtio_chain {
    uint16_t head;
    unsigned n_read, n_write;       /* segments; readable ones come first */
    uint64_t read_size, write_size; /* bytes; both together fit 32 bits */
    struct {
        uint64_t address;
        uint32_t size;
    } seg[VIRTIO_MAX_SEGMENTS];
};

struct virtio_type {
    uint16_t id; /* 5: 1 net, 2 block, 3 console, 4 entropy */
    unsigned n_queues;
    uint16_t queue_size;  /* maximum; a power of two, at most
                             VIRTIO_MAX_QUEUE_SIZE */
    uint32_t pci_class;   /* class code */
    unsigned config_size; /* bytes of device configuration space */

    /* All but notify may be NULL. */
    bool (*create)(struct virtio *v, struct error *e);
    void (*destroy)(struct virtio *v);
    uint64_t (*features)(struct virtio *v); /* device-type bits only */
    /* The device configuration space, all config_size bytes. */
    void (*config)(struct virtio *v, uint8_t *out);
    /* The driver writes bytes at offset, within config_size. */
    void (*config_write)(struct virtio *v, unsigned offset, const uint8_t *in,
                         unsigned size);
    /* The type's own fields were reset: by the machine through their table,
     * or by the driver, who resets the type's struct only here. */
    void (*reset)(struct virtio *v);
    /* DRIVER_OK was set, or the snapshot of a running device loaded. */
    void (*start)(struct virtio *v);
    /* The driver notified queue n; take chains until there is none. */
    void (*notify)(struct virtio *v, unsigned n);
};

struct virtio_transport {
    /* isr has been set: tell the driver of a used buffer in `queue`, or of a
     * configuration change. */
    void (*interrupt)(struct virtio *v, unsigned queue, bool config);
    /* isr went to 0. */
    void (*quiet)(struct virtio *v);
    /* May the device use DMA now?  NULL: always. */
    bool (*may_dma)(struct virtio *v);
};

struct virtio {
    const struct virtio_type *type;
    const struct virtio_transport *transport;
    struct device *dev; /* the device that this is part of */
    void *owner;        /* the type's own struct */
    unsigned budget;    /* chains that one notification may still take */

    uint8_t status, isr;
    uint64_t driver_features;
    uint32_t config_generation;
    uint32_t device_features_sel, driver_features_sel, queue_sel;
    uint16_t config_vector;
    struct virtqueue queue[VIRTIO_MAX_QUEUES];
    /* Queues whose budget was used up, and the timer that goes on. */
    uint32_t again_queues;
    struct timer again;
};

extern const struct field virtio_fields[];

/* -- for a device that has a struct virtio -- */

bool virtio_create(struct virtio *v, const struct virtio_type *type,
                   const struct virtio_transport *transport, struct device *dev,
                   void *owner, struct error *e);
void virtio_destroy(struct virtio *v);
/* Reset, whether from the machine or by the driver. */
void virtio_reset(struct virtio *v);
void virtio_loaded(struct virtio *v);

/* -- for transports: what registers do -- */

uint64_t virtio_features(struct virtio *v);
/* 32 feature bits, from bit 32 * the selector on. */
uint32_t virtio_read_device_features(struct virtio *v);
uint32_t virtio_read_driver_features(struct virtio *v);
void virtio_write_driver_features(struct virtio *v, uint32_t bits);
void virtio_set_status(struct virtio *v, uint8_t status);
/* Halves of a queue's addresses. */
static inline void virtio_set_low(uint64_t *address, uint32_t value)
{
    *address = (*address & ~(uint64_t)UINT32_MAX) | value;
}
static inline void virtio_set_high(uint64_t *address, uint32_t value)
{
    *address = (*address & UINT32_MAX) | (uint64_t)value << 32;
}
/* The queue that queue_sel names, or NULL. */
struct virtqueue *virtio_selected(struct virtio *v);
/* Enable the selected queue from its start, if its size and addresses are
 * good; else the device is broken. */
void virtqueue_enable(struct virtio *v);
/* Guest's notification; out-of-range or not-ready queues are ignored. */
void virtio_notify(struct virtio *v, unsigned n);
/* As if every ready queue were notified: DMA has become possible. */
void virtio_notify_all(struct virtio *v);
void virtio_clear_isr(struct virtio *v, uint8_t bits);
/* Device configuration space; bytes behind it read as 0.  size 1, 2, 4. */
uint32_t virtio_config_read(struct virtio *v, uint64_t offset, unsigned size);
void virtio_config_write(struct virtio *v, uint64_t offset, uint32_t value,
                         unsigned size);

/* -- for device types -- */

/* The guest broke the rules: log, NEEDS_RESET, configuration interrupt.
 * Always returns false. */
bool virtio_broken(struct virtio *v, const char *what);
/* The device configuration space changed: generation and interrupt. */
void virtio_config_changed(struct virtio *v);
static inline bool virtio_has(const struct virtio *v, uint64_t feature)
{
    return (v->driver_features & feature) != 0;
}

/* Take the next available chain; false: none (or the device is broken). */
bool virtqueue_pop(struct virtio *v, unsigned n, struct virtio_chain *c);
/* Notify queue n again, soon, after others have had the device lock. */
void virtqueue_later(struct virtio *v, unsigned n);
/* Is one available? */
bool virtqueue_ready(struct virtio *v, unsigned n);
/* Give it back with `written` bytes, and interrupt if the driver asks. */
void virtqueue_push(struct virtio *v, unsigned n, const struct virtio_chain *c,
                    uint32_t written);
/* Undo the last pop. */
void virtqueue_unpop(struct virtio *v, unsigned n);

/* Copy out of the readable / into the writable part, from byte `offset`;
 * returns bytes copied (less at the end; DMA failure breaks the device). */
uint64_t virtio_chain_read(struct virtio *v, const struct virtio_chain *c,
                           uint64_t offset, void *out, uint64_t size);
uint64_t virtio_chain_write(struct virtio *v, const struct virtio_chain *c,
                            uint64_t offset, const void *in, uint64_t size);

/* -- for machines: MMIO slots -- */

/* Is this a "virtio,mmio" slot, and is nothing plugged into it? */
bool virtio_mmio_is_slot(const struct device *dev);
bool virtio_mmio_is_free(const struct device *slot);
/* Is this a class for virtio_mmio_plug(), as virtio-blk-device? */
bool device_class_is_virtio(const struct device_class *cls);
/* Put a created device into a slot.  false: taken; e does not name the
 * device. */
bool virtio_mmio_plug(struct device *slot, struct device *dev, struct error *e);

#endif
