/*
 * virtio over MMIO: the register window of a slot, and devices for it.
 *
 * virtio 1.2, 4.2. A board has slots ("virtio,mmio" nodes of its tree), each
 * with a window and an interrupt line.  A device (virtio-blk-device and its
 * like) is plugged into a free slot; an empty one says device ID 0, which
 * tells a driver that nothing is there (4.2.2).
 *
 * A slot has no state of its own: the registers are in the device's struct
 * virtio.
 *
 * Missing: version 1, the legacy layout (4.2.4): its queues are placed by
 * page number and size and have the guest's byte order, which would be a
 * second path through everything; shared memory regions (their length reads
 * as -1, that is: none); VIRTIO_F_RING_RESET.
 */
#include "devices/virtio/virtio_class.h"

#include <string.h>

/* Registers, 4.2.2; all are 32 bits wide. */
enum {
    MAGIC_VALUE = 0x000,
    VERSION = 0x004,
    DEVICE_ID = 0x008,
    VENDOR_ID = 0x00c,
    DEVICE_FEATURES = 0x010,
    DEVICE_FEATURES_SEL = 0x014,
    DRIVER_FEATURES = 0x020,
    DRIVER_FEATURES_SEL = 0x024,
    QUEUE_SEL = 0x030,
    QUEUE_NUM_MAX = 0x034,
    QUEUE_NUM = 0x038,
    QUEUE_READY = 0x044,
    QUEUE_NOTIFY = 0x050,
    INTERRUPT_STATUS = 0x060,
    INTERRUPT_ACK = 0x064,
    STATUS = 0x070,
    QUEUE_DESC_LOW = 0x080,
    QUEUE_DESC_HIGH = 0x084,
    QUEUE_DRIVER_LOW = 0x090,
    QUEUE_DRIVER_HIGH = 0x094,
    QUEUE_DEVICE_LOW = 0x0a0,
    QUEUE_DEVICE_HIGH = 0x0a4,
    SHM_SEL = 0x0ac,
    SHM_LEN_LOW = 0x0b0,
    SHM_LEN_HIGH = 0x0b4,
    SHM_BASE_LOW = 0x0b8,
    SHM_BASE_HIGH = 0x0bc,
    CONFIG_GENERATION = 0x0fc,
    CONFIG = 0x100,
};

#define MAGIC 0x74726976 /* "virt" */
/* There is no registry of these: virtio's own on PCI. */
#define VENDOR 0x1af4

struct mmio_slot {
    struct device dev;
    struct virtio_device *plugged; /* NULL: empty */
};

static const struct field mmio_slot_fields[] = {
    DEVICE_FIELDS(struct mmio_slot),
    FIELD_HOST(struct mmio_slot, plugged),
    FIELD_LIST_END,
};

const struct field virtio_device_fields[] = {
    DEVICE_FIELDS(struct virtio_device),
    FIELD_SUB(struct virtio_device, virtio, virtio_fields),
    FIELD_HOST(struct virtio_device, slot),
    FIELD_LIST_END,
};

/* -- registers of a slot -- */

static uint64_t read_register(struct virtio *v, unsigned offset)
{
    const struct virtqueue *q = virtio_selected(v);

    switch (offset) {
    case DEVICE_FEATURES:
        return virtio_read_device_features(v);
    case QUEUE_NUM_MAX:
        return q ? v->type->queue_size : 0;
    case QUEUE_READY:
        return q && q->ready;
    case INTERRUPT_STATUS:
        return v->isr;
    case STATUS:
        return v->status;
    case SHM_LEN_LOW:
    case SHM_LEN_HIGH:
    case SHM_BASE_LOW:
    case SHM_BASE_HIGH:
        return UINT32_MAX; /* no such region */
    case CONFIG_GENERATION:
        return v->config_generation;
    default:
        return 0;
    }
}

static uint64_t slot_read(struct device *dev, unsigned window, uint64_t offset,
                          unsigned size)
{
    struct mmio_slot *s = (struct mmio_slot *)dev;
    struct virtio *v = s->plugged ? &s->plugged->virtio : NULL;

    (void)window;
    if (v && offset >= CONFIG)
        return virtio_config_read(v, offset - CONFIG, size);
    if (size != 4) {
        log_guest(dev->env->log, "%s: register 0x%x read %u bytes wide",
                  dev->path, (unsigned)offset, size);
        return 0;
    }
    switch (offset) {
    case MAGIC_VALUE:
        return MAGIC;
    case VERSION:
        return 2;
    case DEVICE_ID:
        return v ? v->type->id : 0;
    case VENDOR_ID:
        return VENDOR;
    default:
        return v ? read_register(v, (unsigned)offset) : 0;
    }
}

/* A queue that is ready does not change (4.2.2.2). */
static void write_queue(struct virtio *v, unsigned offset, uint32_t value)
{
    struct virtqueue *q = virtio_selected(v);

    if (!q || q->ready)
        return;
    switch (offset) {
    case QUEUE_NUM:
        /* What is too wide shall not look valid. */
        q->size = value <= UINT16_MAX ? (uint16_t)value : 0;
        break;
    case QUEUE_DESC_LOW:
        virtio_set_low(&q->desc, value);
        break;
    case QUEUE_DESC_HIGH:
        virtio_set_high(&q->desc, value);
        break;
    case QUEUE_DRIVER_LOW:
        virtio_set_low(&q->driver, value);
        break;
    case QUEUE_DRIVER_HIGH:
        virtio_set_high(&q->driver, value);
        break;
    case QUEUE_DEVICE_LOW:
        virtio_set_low(&q->device, value);
        break;
    case QUEUE_DEVICE_HIGH:
        virtio_set_high(&q->device, value);
        break;
    }
}

static void write_ready(struct virtio *v, uint32_t value)
{
    struct virtqueue *q = virtio_selected(v);

    if (value & 1)
        virtqueue_enable(v);
    else if (q)
        q->ready = false;
}

static void write_register(struct virtio *v, unsigned offset, uint32_t value)
{
    switch (offset) {
    case DEVICE_FEATURES_SEL:
        v->device_features_sel = value;
        break;
    case DRIVER_FEATURES:
        virtio_write_driver_features(v, value);
        break;
    case DRIVER_FEATURES_SEL:
        v->driver_features_sel = value;
        break;
    case QUEUE_SEL:
        v->queue_sel = value;
        break;
    case QUEUE_READY:
        write_ready(v, value);
        break;
    case QUEUE_NOTIFY:
        virtio_notify(v, value);
        break;
    case INTERRUPT_ACK:
        virtio_clear_isr(v, (uint8_t)value);
        break;
    case STATUS:
        virtio_set_status(v, (uint8_t)value);
        break;
    default:
        write_queue(v, offset, value);
    }
}

static void slot_write(struct device *dev, unsigned window, uint64_t offset,
                       uint64_t value, unsigned size)
{
    struct mmio_slot *s = (struct mmio_slot *)dev;
    struct virtio *v = s->plugged ? &s->plugged->virtio : NULL;

    (void)window;
    if (!v)
        return;
    if (offset >= CONFIG)
        virtio_config_write(v, offset - CONFIG, (uint32_t)value, size);
    else if (size == 4)
        write_register(v, (unsigned)offset, (uint32_t)value);
    else
        log_guest(dev->env->log, "%s: register 0x%x written %u bytes wide",
                  dev->path, (unsigned)offset, size);
}

static void slot_reset(struct device *dev)
{
    wire_set(device_out(dev, 0), false);
}

static void unplug(struct mmio_slot *s)
{
    if (!s->plugged)
        return;
    s->plugged->slot = NULL;
    s->plugged = NULL;
}

static void slot_destroy(struct device *dev)
{
    unplug((struct mmio_slot *)dev);
}

static const struct window slot_windows[] = {
    {.name = "registers",
     .size = 0x1000,
     .accept = 1 | 2 | 4,
     .impl = 1 | 2 | 4},
};

const struct device_class virtio_mmio_class = {
    .name = "virtio-mmio",
    .summary = "slot for a virtio device, memory-mapped",
    .compatible = (const char *const[]){"virtio,mmio", NULL},
    .size = sizeof(struct mmio_slot),
    .fields = mmio_slot_fields,
    .windows = slot_windows,
    .n_windows = 1,
    .n_outputs = 1,
    .destroy = slot_destroy,
    .reset = slot_reset,
    .read = slot_read,
    .write = slot_write,
};

bool virtio_mmio_is_slot(const struct device *dev)
{
    return dev->class == &virtio_mmio_class;
}

bool virtio_mmio_is_free(const struct device *slot)
{
    return !((const struct mmio_slot *)slot)->plugged;
}

/* -- devices for slots -- */

static void set_line(struct virtio *v, bool level)
{
    struct virtio_device *d = (struct virtio_device *)v->dev;

    if (d->slot)
        wire_set(device_out(d->slot, 0), level);
}

static void device_interrupt(struct virtio *v, unsigned queue, bool config)
{
    (void)queue;
    (void)config;
    set_line(v, true);
}

static void device_quiet(struct virtio *v)
{
    set_line(v, false);
}

static const struct virtio_transport mmio_transport = {
    .interrupt = device_interrupt,
    .quiet = device_quiet,
};

const struct window virtio_device_windows[] = {{.name = NULL}};

bool virtio_device_create(struct device *dev, const struct virtio_type *type,
                          void *own, struct error *e)
{
    struct virtio_device *d = (struct virtio_device *)dev;

    return virtio_create(&d->virtio, type, &mmio_transport, dev, own, e);
}

void virtio_device_destroy(struct device *dev)
{
    struct virtio_device *d = (struct virtio_device *)dev;

    if (d->slot)
        unplug((struct mmio_slot *)d->slot);
    virtio_destroy(&d->virtio);
}

void virtio_device_reset(struct device *dev)
{
    virtio_reset(&((struct virtio_device *)dev)->virtio);
}

void virtio_device_loaded(struct device *dev)
{
    virtio_loaded(&((struct virtio_device *)dev)->virtio);
}

bool device_class_is_virtio(const struct device_class *cls)
{
    const struct field *f = cls->fields;

    return f && f->type == FIELD_STRUCT && f->sub == virtio_device_fields;
}

bool virtio_mmio_plug(struct device *slot, struct device *dev, struct error *e)
{
    struct mmio_slot *s = (struct mmio_slot *)slot;
    struct virtio_device *d = (struct virtio_device *)dev;

    if (s->plugged)
        return error_set(e, "%s is taken by %s", slot->path,
                         s->plugged->dev.path);
    s->plugged = d;
    d->slot = slot;
    return true;
}
