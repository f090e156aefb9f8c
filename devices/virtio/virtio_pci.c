/*
 * virtio over PCI, the modern interface (virtio 1.2, 4.1).
 *
 * A non-transitional function, revision 1: vendor 0x1af4, device 0x1040 plus
 * the virtio device ID.  BAR 4 holds a page for each structure: common
 * configuration, ISR status, device configuration, notifications; vendor
 * capabilities say so, and one gives access to the BAR through the
 * configuration space (4.1.4.9).  Interrupts are INTx, or MSI-X with a vector
 * for each queue and one for the configuration, whose table is in BAR 1.
 *
 * Missing: the legacy and transitional interfaces (4.1.4.10), shared memory,
 * VIRTIO_F_RING_RESET and NOTIF_CONFIG_DATA, whose registers read as 0.
 */
#include "devices/virtio/virtio_class.h"

#include <string.h>

#include "base/bytes.h"

#define VENDOR 0x1af4
#define DEVICE_BASE 0x1040
#define SUBSYSTEM 0x1100 /* 0x40 or more keeps legacy drivers off */
#define REVISION 1

/* The BAR: one page a structure, in this order. */
#define BAR 4
#define PAGE 0x1000
#define BAR_SIZE (4 * PAGE)
enum { PAGE_COMMON, PAGE_ISR, PAGE_DEVICE, PAGE_NOTIFY };

#define MSIX_BAR 1
enum { WINDOW_VIRTIO, WINDOW_MSIX };

/* 4.1.4: struct virtio_pci_cap and its cfg_type. */
enum {
    CAP_LEN = 2,
    CAP_CFG_TYPE = 3,
    CAP_BAR = 4,
    CAP_OFFSET = 8,
    CAP_LENGTH = 12,
    CAP_SIZE = 16,
    CAP_EXTRA = 16, /* notify_off_multiplier, pci_cfg_data */
};
enum {
    COMMON_CFG = 1,
    NOTIFY_CFG = 2,
    ISR_CFG = 3,
    DEVICE_CFG = 4,
    PCI_CFG = 5,
};

#define NOTIFY_OFF_MULTIPLIER 4

/* 4.1.4.3: struct virtio_pci_common_cfg. */
enum {
    DEVICE_FEATURE_SELECT = 0x00,
    DEVICE_FEATURE = 0x04,
    DRIVER_FEATURE_SELECT = 0x08,
    DRIVER_FEATURE = 0x0c,
    CONFIG_MSIX_VECTOR = 0x10,
    NUM_QUEUES = 0x12,
    DEVICE_STATUS = 0x14,
    CONFIG_GENERATION = 0x15,
    QUEUE_SELECT = 0x16,
    QUEUE_SIZE = 0x18,
    QUEUE_MSIX_VECTOR = 0x1a,
    QUEUE_ENABLE = 0x1c,
    QUEUE_NOTIFY_OFF = 0x1e,
    QUEUE_DESC = 0x20,
    QUEUE_DRIVER = 0x28,
    QUEUE_DEVICE = 0x30,
    COMMON_LENGTH = 0x3c, /* with queue_notify_data and queue_reset */
};

const struct field virtio_pci_fields[] = {
    FIELD_SUB(struct virtio_pci, pci, pci_device_fields),
    FIELD_SUB(struct virtio_pci, virtio, virtio_fields),
    FIELD_HOST(struct virtio_pci, info),
    FIELD_HOST(struct virtio_pci, cfg_cap),
    FIELD_HOST(struct virtio_pci, disable_legacy),
    FIELD_HOST(struct virtio_pci, disable_modern),
    FIELD_LIST_END,
};

static struct virtio_pci *of_virtio(struct virtio *v)
{
    return (struct virtio_pci *)v->dev;
}

/* -- common configuration -- */

static uint64_t read_queue(const struct virtqueue *q, unsigned n,
                           unsigned offset)
{
    switch (offset) {
    case QUEUE_SIZE:
        return q->size;
    case QUEUE_MSIX_VECTOR:
        return q->vector;
    case QUEUE_ENABLE:
        return q->ready;
    case QUEUE_NOTIFY_OFF:
        return n;
    case QUEUE_DESC:
        return q->desc;
    case QUEUE_DESC + 4:
        return q->desc >> 32;
    case QUEUE_DRIVER:
        return q->driver;
    case QUEUE_DRIVER + 4:
        return q->driver >> 32;
    case QUEUE_DEVICE:
        return q->device;
    case QUEUE_DEVICE + 4:
        return q->device >> 32;
    default:
        return 0;
    }
}

static uint64_t read_common(struct virtio *v, unsigned offset)
{
    const struct virtqueue *q = virtio_selected(v);

    switch (offset) {
    case DEVICE_FEATURE_SELECT:
        return v->device_features_sel;
    case DEVICE_FEATURE:
        return virtio_read_device_features(v);
    case DRIVER_FEATURE_SELECT:
        return v->driver_features_sel;
    case DRIVER_FEATURE:
        return virtio_read_driver_features(v);
    case CONFIG_MSIX_VECTOR:
        return v->config_vector;
    case NUM_QUEUES:
        return v->type->n_queues;
    case DEVICE_STATUS:
        return v->status;
    case CONFIG_GENERATION:
        return v->config_generation & 0xff;
    case QUEUE_SELECT:
        return v->queue_sel;
    default:
        return q ? read_queue(q, v->queue_sel, offset) : 0;
    }
}

/* 4.1.5.1.2: what is no vector reads back as NO_VECTOR. */
static void write_vector(struct virtio *v, uint16_t *vector, uint32_t value)
{
    *vector = value < of_virtio(v)->pci.n_msix ? (uint16_t)value
                                               : VIRTIO_NO_VECTOR;
}

/* The driver sets a queue up before it enables it (4.1.4.3.2), and does not
 * disable it again but by a reset. */
static void write_queue(struct virtio *v, struct virtqueue *q, unsigned offset,
                        uint32_t value)
{
    if (offset == QUEUE_MSIX_VECTOR)
        write_vector(v, &q->vector, value);
    if (q->ready)
        return;
    switch (offset) {
    case QUEUE_SIZE:
        q->size = (uint16_t)value;
        break;
    case QUEUE_ENABLE:
        if (value & 1)
            virtqueue_enable(v);
        break;
    case QUEUE_DESC:
        virtio_set_low(&q->desc, value);
        break;
    case QUEUE_DESC + 4:
        virtio_set_high(&q->desc, value);
        break;
    case QUEUE_DRIVER:
        virtio_set_low(&q->driver, value);
        break;
    case QUEUE_DRIVER + 4:
        virtio_set_high(&q->driver, value);
        break;
    case QUEUE_DEVICE:
        virtio_set_low(&q->device, value);
        break;
    case QUEUE_DEVICE + 4:
        virtio_set_high(&q->device, value);
        break;
    }
}

static void write_common(struct virtio *v, unsigned offset, uint32_t value)
{
    struct virtqueue *q = virtio_selected(v);

    switch (offset) {
    case DEVICE_FEATURE_SELECT:
        v->device_features_sel = value;
        break;
    case DRIVER_FEATURE_SELECT:
        v->driver_features_sel = value;
        break;
    case DRIVER_FEATURE:
        virtio_write_driver_features(v, value);
        break;
    case CONFIG_MSIX_VECTOR:
        write_vector(v, &v->config_vector, value);
        break;
    case DEVICE_STATUS:
        virtio_set_status(v, (uint8_t)value);
        break;
    case QUEUE_SELECT:
        v->queue_sel = (uint16_t)value;
        break;
    default:
        if (q)
            write_queue(v, q, offset, value);
    }
}

/* Width of the register at offset: drivers use just that (4.1.3.1), and
 * 64-bit ones are two of 32. */
static unsigned register_size(unsigned offset)
{
    if (offset == DEVICE_STATUS || offset == CONFIG_GENERATION)
        return 1;
    if (offset < CONFIG_MSIX_VECTOR ||
        (offset >= QUEUE_DESC && offset < QUEUE_DEVICE + 8))
        return 4;
    return 2;
}

static bool width_good(struct virtio *v, unsigned offset, unsigned size)
{
    if (size == register_size(offset) && offset % size == 0)
        return true;
    log_guest(v->dev->env->log,
              "%s: access of %u bytes to the common configuration at 0x%x",
              v->dev->path, size, offset);
    return false;
}

/* -- the BAR -- */

/* Reading clears it and releases the interrupt (4.1.4.5). */
static uint8_t read_isr(struct virtio *v)
{
    uint8_t isr = v->isr;

    virtio_clear_isr(v, isr);
    return isr;
}

uint64_t virtio_pci_read(struct device *dev, unsigned window, uint64_t offset,
                         unsigned size)
{
    struct virtio *v = &((struct virtio_pci *)dev)->virtio;
    unsigned at = offset % PAGE;

    if (window == WINDOW_MSIX)
        return pci_msix_read(&of_virtio(v)->pci, offset, size);
    switch (offset / PAGE) {
    case PAGE_COMMON:
        if (at >= COMMON_LENGTH || !width_good(v, at, size))
            return 0;
        return read_common(v, at) & UINT64_MAX >> (64 - 8 * size);
    case PAGE_ISR:
        return at == 0 ? read_isr(v) : 0;
    case PAGE_DEVICE:
        return virtio_config_read(v, at, size);
    default:
        return 0;
    }
}

void virtio_pci_write(struct device *dev, unsigned window, uint64_t offset,
                      uint64_t value, unsigned size)
{
    struct virtio *v = &((struct virtio_pci *)dev)->virtio;
    unsigned at = offset % PAGE;

    if (window == WINDOW_MSIX) {
        pci_msix_write(&of_virtio(v)->pci, offset, value, size);
        return;
    }
    switch (offset / PAGE) {
    case PAGE_COMMON:
        if (at < COMMON_LENGTH && width_good(v, at, size))
            write_common(v, at, (uint32_t)value);
        break;
    case PAGE_DEVICE:
        virtio_config_write(v, at, (uint32_t)value, size);
        break;
    case PAGE_NOTIFY:
        /* The address names the queue, and so does the value (4.1.5.2). */
        virtio_notify(v, at / NOTIFY_OFF_MULTIPLIER);
        break;
    }
}

/* -- the configuration space -- */

/* What the access capability points to: false if that is nothing. */
static bool window_of_cap(const struct virtio_pci *d, uint32_t *offset,
                          uint32_t *length)
{
    const uint8_t *cap = d->pci.config + d->cfg_cap;

    *offset = ld_le32(cap + CAP_OFFSET);
    *length = ld_le32(cap + CAP_LENGTH);
    return cap[CAP_BAR] == BAR &&
           (*length == 1 || *length == 2 || *length == 4) &&
           *offset % *length == 0 && *offset <= BAR_SIZE - *length;
}

static bool is_cfg_data(const struct virtio_pci *d, unsigned offset,
                        unsigned size)
{
    unsigned data = d->cfg_cap + CAP_EXTRA;

    return offset + size > data && offset < data + 4;
}

static void config_read(struct pci_device *p, unsigned offset, unsigned size)
{
    struct virtio_pci *d = (struct virtio_pci *)p;
    uint8_t *data = p->config + d->cfg_cap + CAP_EXTRA;
    uint32_t at, length;

    if (is_cfg_data(d, offset, size) && window_of_cap(d, &at, &length))
        st_le(data, virtio_pci_read(&p->dev, WINDOW_VIRTIO, at, length), length);
}

static void config_wrote(struct pci_device *p, unsigned offset, unsigned size)
{
    struct virtio_pci *d = (struct virtio_pci *)p;
    const uint8_t *data = p->config + d->cfg_cap + CAP_EXTRA;
    uint32_t at, length;

    if (is_cfg_data(d, offset, size) && window_of_cap(d, &at, &length))
        virtio_pci_write(&p->dev, WINDOW_VIRTIO, at, ld_le(data, length),
                         length);
    /* Bus mastering may have come on: look at what was waiting for it. */
    if (offset <= PCI_COMMAND && offset + size > PCI_COMMAND)
        virtio_notify_all(&d->virtio);
}

/* A capability of size bytes for a page of the BAR. */
static unsigned add_cap(struct virtio_pci *d, uint8_t type, unsigned page,
                        uint32_t length, unsigned size)
{
    unsigned at = pci_add_capability(&d->pci, PCI_CAPABILITY_VENDOR, size);
    uint8_t *cap = d->pci.config + at;

    cap[CAP_LEN] = (uint8_t)size;
    cap[CAP_CFG_TYPE] = type;
    if (type == PCI_CFG)
        return at;
    cap[CAP_BAR] = BAR;
    st_le32(cap + CAP_OFFSET, page * PAGE);
    st_le32(cap + CAP_LENGTH, length);
    return at;
}

static void add_caps(struct virtio_pci *d)
{
    const struct virtio_type *type = d->virtio.type;
    unsigned at;

    add_cap(d, COMMON_CFG, PAGE_COMMON, COMMON_LENGTH, CAP_SIZE);
    add_cap(d, ISR_CFG, PAGE_ISR, 1, CAP_SIZE);
    /* All of the page: what is behind the fields is padding (4.1.4). */
    if (type->config_size)
        add_cap(d, DEVICE_CFG, PAGE_DEVICE, PAGE, CAP_SIZE);
    at = add_cap(d, NOTIFY_CFG, PAGE_NOTIFY,
                 type->n_queues * NOTIFY_OFF_MULTIPLIER, CAP_SIZE + 4);
    st_le32(d->pci.config + at + CAP_EXTRA, NOTIFY_OFF_MULTIPLIER);
    at = add_cap(d, PCI_CFG, 0, 0, CAP_SIZE + 4);
    d->cfg_cap = (uint8_t)at;
    d->pci.writable[at + CAP_BAR] = 0xff;
    memset(d->pci.writable + at + CAP_OFFSET, 0xff, 4 + 4 + 4);
}

/* -- the device -- */

static void pci_interrupt(struct virtio *v, unsigned queue, bool config)
{
    uint16_t vector = config ? v->config_vector : v->queue[queue].vector;

    /* NO_VECTOR sends nothing (4.1.5.3, 4.1.5.4). */
    if (pci_msi_enabled(&of_virtio(v)->pci))
        pci_msi_notify(&of_virtio(v)->pci, vector);
    else
        pci_set_intx(&of_virtio(v)->pci, true);
}

static void pci_quiet(struct virtio *v)
{
    pci_set_intx(&of_virtio(v)->pci, false);
}

static bool pci_may_dma(struct virtio *v)
{
    return pci_is_master(&of_virtio(v)->pci);
}

static const struct virtio_transport pci_transport = {
    .interrupt = pci_interrupt,
    .quiet = pci_quiet,
    .may_dma = pci_may_dma,
};

const struct window virtio_pci_windows[] = {
    [WINDOW_VIRTIO] = {.name = "virtio",
                       .size = BAR_SIZE,
                       .accept = 1 | 2 | 4,
                       .impl = 1 | 2 | 4},
    [WINDOW_MSIX] = {.name = "msix",
                     .size = PCI_MSIX_SIZE,
                     .accept = 4 | 8,
                     .impl = 4 | 8},
};

static bool check_interface(const struct virtio_pci *d, struct error *e)
{
    if (strcmp(d->disable_legacy, "on") && strcmp(d->disable_legacy, "auto"))
        return error_set(e,
                         "disable-legacy='%s': want on or auto, there is "
                         "no legacy interface",
                         d->disable_legacy);
    if (strcmp(d->disable_modern, "off"))
        return error_set(e,
                         "disable-modern='%s': want off, there is no other "
                         "interface than the modern one",
                         d->disable_modern);
    return true;
}

bool virtio_pci_create(struct device *dev, const struct virtio_type *type,
                       void *own, struct error *e)
{
    struct virtio_pci *d = (struct virtio_pci *)dev;

    if (!check_interface(d, e))
        return false;
    d->info = (struct pci_info){
        .vendor = VENDOR,
        .device = (uint16_t)(DEVICE_BASE + type->id),
        .subsystem_vendor = VENDOR,
        .subsystem = SUBSYSTEM,
        .class_revision = type->pci_class << 8 | REVISION,
        .interrupt_pin = 1,
        .bar[BAR] = {.size = BAR_SIZE,
                     .is64 = true,
                     .prefetch = true,
                     .window = WINDOW_VIRTIO},
        .bar[MSIX_BAR] = {.size = PCI_MSIX_SIZE, .window = WINDOW_MSIX},
    };
    pci_device_init(&d->pci, &d->info);
    d->pci.config_read = config_read;
    d->pci.config_wrote = config_wrote;
    if (!virtio_create(&d->virtio, type, &pci_transport, dev, own, e))
        return false;
    add_caps(d);
    pci_add_msix(&d->pci, type->n_queues + 1, MSIX_BAR);
    return true;
}

void virtio_pci_destroy(struct device *dev)
{
    struct virtio_pci *d = (struct virtio_pci *)dev;

    pci_detach(&d->pci);
    virtio_destroy(&d->virtio);
}

void virtio_pci_reset(struct device *dev)
{
    struct virtio_pci *d = (struct virtio_pci *)dev;

    virtio_reset(&d->virtio);
    pci_device_reset(&d->pci);
}

void virtio_pci_loaded(struct device *dev)
{
    struct virtio_pci *d = (struct virtio_pci *)dev;

    pci_device_loaded(&d->pci);
    virtio_loaded(&d->virtio);
}
