/*
 * virtio 1.2: device status, features, configuration space, and split
 * virtqueues, for every transport and device type.
 *
 * "Virtual I/O Device (VIRTIO) Version 1.2", chapters 2 and 3; 2.7 for the
 * rings.
 *
 * A driver that breaks the rules of a ring gets DEVICE_NEEDS_RESET: from
 * there on nothing is taken or given back until it resets the device.
 *
 * A notification takes at most as many chains as the queue has entries;
 * what is left waits for a timer.  So a guest that adds
 * chains as fast as they are taken cannot keep the device lock for ever.
 *
 * Missing: packed rings, VIRTIO_F_RING_RESET, IN_ORDER, NOTIFICATION_DATA,
 * ACCESS_PLATFORM, legacy (before 1.0) devices.
 */
#include "devices/virtio/virtio.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#include "base/bytes.h"

/* Split virtqueues, 2.7. */
#define DESC_SIZE 16
#define DESC_F_NEXT 1
#define DESC_F_WRITE 2
#define DESC_F_INDIRECT 4

#define AVAIL_F_NO_INTERRUPT 1
#define AVAIL_FLAGS 0
#define AVAIL_IDX 2
#define AVAIL_RING 4
#define USED_IDX 2
#define USED_RING 4
#define USED_ELEM_SIZE 8

#define NO_BUDGET UINT_MAX
/* After a turn that used it up; by instructions, the guest runs so long. */
#define PAUSE_NS 1000
#define MAX_CONFIG 256

/* A damaged snapshot can give a queue any size and address: nothing below
 * relies on more than that DMA checks what it is given. */
static const struct field virtqueue_fields[] = {
    FIELD(struct virtqueue, size, 0),
    FIELD(struct virtqueue, ready, 0),
    FIELD(struct virtqueue, vector, VIRTIO_NO_VECTOR),
    FIELD(struct virtqueue, desc, 0),
    FIELD(struct virtqueue, driver, 0),
    FIELD(struct virtqueue, device, 0),
    FIELD(struct virtqueue, last_avail, 0),
    FIELD(struct virtqueue, used_idx, 0),
    FIELD_LIST_END,
};

const struct field virtio_fields[] = {
    FIELD_HOST(struct virtio, type),
    FIELD_HOST(struct virtio, transport),
    FIELD_HOST(struct virtio, dev),
    FIELD_HOST(struct virtio, owner),
    FIELD_HOST(struct virtio, budget),
    FIELD(struct virtio, status, 0),
    FIELD(struct virtio, isr, 0),
    FIELD(struct virtio, driver_features, 0),
    FIELD(struct virtio, config_generation, 0),
    FIELD(struct virtio, device_features_sel, 0),
    FIELD(struct virtio, driver_features_sel, 0),
    FIELD(struct virtio, queue_sel, 0),
    FIELD(struct virtio, config_vector, VIRTIO_NO_VECTOR),
    FIELD_SUBS(struct virtio, queue, virtqueue_fields),
    FIELD(struct virtio, again_queues, 0),
    FIELD_TIMER(struct virtio, again),
    FIELD_LIST_END,
};

static struct memory *memory(const struct virtio *v)
{
    return v->dev->env->memory;
}

/* Operating: after DRIVER_OK (2.1.2), unbroken, and on PCI a bus master. */
static bool running(struct virtio *v)
{
    return (v->status & (VIRTIO_DRIVER_OK | VIRTIO_NEEDS_RESET)) ==
               VIRTIO_DRIVER_OK &&
           (!v->transport->may_dma || v->transport->may_dma(v));
}

static bool queue_running(struct virtio *v, unsigned n)
{
    return n < v->type->n_queues && v->queue[n].ready && running(v);
}

/* -- life -- */

static void go_on(void *owner)
{
    struct virtio *v = owner;
    uint32_t queues = v->again_queues;

    v->again_queues = 0;
    for (unsigned n = 0; n < v->type->n_queues; n++) {
        if (queues & (uint32_t)1 << n)
            virtio_notify(v, n);
    }
}

bool virtio_create(struct virtio *v, const struct virtio_type *type,
                   const struct virtio_transport *transport, struct device *dev,
                   void *owner, struct error *e)
{
    assert(type->n_queues <= VIRTIO_MAX_QUEUES);
    assert(type->queue_size <= VIRTIO_MAX_QUEUE_SIZE);
    assert(type->config_size <= MAX_CONFIG);
    v->type = type;
    v->transport = transport;
    v->dev = dev;
    v->owner = owner;
    v->budget = NO_BUDGET;
    timer_init(&v->again, dev->env->clock, go_on, v);
    return !type->create || type->create(v, e);
}

void virtio_destroy(struct virtio *v)
{
    if (!v->type)
        return; /* create has failed before virtio_create() */
    timer_disarm(&v->again);
    if (v->type->destroy)
        v->type->destroy(v);
}

void virtio_reset(struct virtio *v)
{
    state_reset(virtio_fields, v);
    /* PCI shows the maximum until the driver writes another (4.1.4.3). */
    for (unsigned n = 0; n < v->type->n_queues; n++)
        v->queue[n].size = v->type->queue_size;
    if (v->type->reset)
        v->type->reset(v);
    v->transport->quiet(v);
}

void virtio_loaded(struct virtio *v)
{
    if (v->type->start && running(v))
        v->type->start(v);
}

static void interrupt(struct virtio *v, unsigned queue, bool config)
{
    v->isr |= config ? VIRTIO_ISR_CONFIG : VIRTIO_ISR_QUEUE;
    v->transport->interrupt(v, queue, config);
}

void virtio_clear_isr(struct virtio *v, uint8_t bits)
{
    v->isr &= (uint8_t)~bits;
    if (!v->isr)
        v->transport->quiet(v);
}

bool virtio_broken(struct virtio *v, const char *what)
{
    log_guest(v->dev->env->log, "%s: %s; it needs a reset", v->dev->path, what);
    if (v->status & VIRTIO_NEEDS_RESET)
        return false;
    v->status |= VIRTIO_NEEDS_RESET;
    if (v->status & VIRTIO_DRIVER_OK)
        interrupt(v, 0, true);
    return false;
}

/* -- features and status -- */

uint64_t virtio_features(struct virtio *v)
{
    uint64_t f = v->type->features ? v->type->features(v) : 0;

    return f | VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX;
}

static uint32_t word(uint64_t features, uint32_t sel)
{
    return sel < 2 ? (uint32_t)(features >> 32 * sel) : 0;
}

uint32_t virtio_read_device_features(struct virtio *v)
{
    return word(virtio_features(v), v->device_features_sel);
}

uint32_t virtio_read_driver_features(struct virtio *v)
{
    return word(v->driver_features, v->driver_features_sel);
}

void virtio_write_driver_features(struct virtio *v, uint32_t bits)
{
    unsigned shift = 32 * (v->driver_features_sel & 1);

    /* 3.1.1: not after FEATURES_OK. */
    if (v->driver_features_sel > 1 || (v->status & VIRTIO_FEATURES_OK))
        return;
    v->driver_features &= ~((uint64_t)UINT32_MAX << shift);
    v->driver_features |= (uint64_t)bits << shift;
}

/* 2.2.2; without VERSION_1 it is a legacy driver (6.1). */
static bool features_good(struct virtio *v)
{
    return !(v->driver_features & ~virtio_features(v)) &&
           virtio_has(v, VIRTIO_F_VERSION_1);
}

void virtio_set_status(struct virtio *v, uint8_t status)
{
    uint8_t added;

    if (status == 0) {
        virtio_reset(v);
        return;
    }
    /* The driver clears no bit but by a reset (2.1.1), and DEVICE_NEEDS_RESET
     * is the device's. */
    added = status & ~v->status & (uint8_t)~VIRTIO_NEEDS_RESET;
    if ((added & VIRTIO_FEATURES_OK) && !features_good(v)) {
        log_guest(
            v->dev->env->log, "%s: features 0x%llx are not offered",
            v->dev->path,
            (unsigned long long)(v->driver_features & ~virtio_features(v)));
        added &= (uint8_t)~VIRTIO_FEATURES_OK;
    }
    if ((added & VIRTIO_DRIVER_OK) &&
        !((v->status | added) & VIRTIO_FEATURES_OK)) {
        log_guest(v->dev->env->log, "%s: DRIVER_OK without FEATURES_OK",
                  v->dev->path);
        added &= (uint8_t)~VIRTIO_DRIVER_OK;
    }
    v->status |= added;
    if (!(added & VIRTIO_DRIVER_OK))
        return;
    if (v->type->start && running(v))
        v->type->start(v);
    /* Some drivers notify a moment too early. */
    virtio_notify_all(v);
}

/* -- device configuration space -- */

uint32_t virtio_config_read(struct virtio *v, uint64_t offset, unsigned size)
{
    uint8_t config[MAX_CONFIG + 4] = {0};

    if (offset >= v->type->config_size)
        return 0;
    v->type->config(v, config);
    return (uint32_t)ld_le(config + offset, size);
}

void virtio_config_write(struct virtio *v, uint64_t offset, uint32_t value,
                         unsigned size)
{
    uint8_t bytes[8];

    if (offset >= v->type->config_size || !v->type->config_write)
        return;
    st_le(bytes, value, size);
    if (size > v->type->config_size - offset)
        size = (unsigned)(v->type->config_size - offset);
    v->type->config_write(v, (unsigned)offset, bytes, size);
}

void virtio_config_changed(struct virtio *v)
{
    v->config_generation++;
    if (v->status & VIRTIO_DRIVER_OK)
        interrupt(v, 0, true);
}

/* -- queues as registers see them -- */

struct virtqueue *virtio_selected(struct virtio *v)
{
    return v->queue_sel < v->type->n_queues ? &v->queue[v->queue_sel] : NULL;
}

/* 2.7: alignments of the three parts. */
static bool aligned(const struct virtqueue *q)
{
    return q->desc % 16 == 0 && q->driver % 2 == 0 && q->device % 4 == 0;
}

static bool size_good(const struct virtio *v, const struct virtqueue *q)
{
    return q->size != 0 && (q->size & (q->size - 1)) == 0 &&
           q->size <= v->type->queue_size;
}

void virtqueue_enable(struct virtio *v)
{
    struct virtqueue *q = virtio_selected(v);

    if (!q || q->ready)
        return;
    if (!size_good(v, q)) {
        virtio_broken(v, "the queue size is no power of two, or too big");
        return;
    }
    if (!aligned(q)) {
        virtio_broken(v, "a ring is not aligned");
        return;
    }
    q->last_avail = q->used_idx = 0;
    q->ready = true;
}

void virtio_notify(struct virtio *v, unsigned n)
{
    if (!queue_running(v, n))
        return;
    v->budget = v->queue[n].size;
    v->type->notify(v, n);
    v->budget = NO_BUDGET;
}

void virtio_notify_all(struct virtio *v)
{
    for (unsigned n = 0; n < v->type->n_queues; n++) {
        if (virtqueue_ready(v, n))
            virtio_notify(v, n);
    }
}

/* -- ring memory -- */

/*
 * A 16-bit field that the other side may access at any time.  DMA of a word
 * is one access: nothing that follows is read before it, and nothing that
 * precedes is written after it.
 */
static bool load16(struct virtio *v, uint64_t pa, uint16_t *out)
{
    uint8_t raw[2] = {0};
    bool good = dma_read(memory(v), pa, raw, sizeof(raw));

    *out = ld_le16(raw);
    return good || virtio_broken(v, "a ring is outside of RAM");
}

static bool store16(struct virtio *v, uint64_t pa, uint16_t value)
{
    uint8_t raw[2];

    st_le16(raw, value);
    if (!dma_write(memory(v), pa, raw, sizeof(raw)))
        return virtio_broken(v, "a ring is outside of RAM");
    return true;
}

static uint64_t used_event(const struct virtqueue *q)
{
    return q->driver + AVAIL_RING + 2 * (uint64_t)q->size;
}

static uint64_t avail_event(const struct virtqueue *q)
{
    return q->device + USED_RING + USED_ELEM_SIZE * (uint64_t)q->size;
}

/* How many chains are there to take?  -1: the device is broken. */
static int available(struct virtio *v, const struct virtqueue *q)
{
    uint16_t idx, n;

    if (!load16(v, q->driver + AVAIL_IDX, &idx))
        return -1;
    n = (uint16_t)(idx - q->last_avail);
    if (n > q->size) {
        virtio_broken(v, "the available index jumps");
        return -1;
    }
    return n;
}

/* Found empty: ask to be notified of the next one, and look again, since it
 * may have come just before (2.7.10). */
static int rearm(struct virtio *v, struct virtqueue *q)
{
    if (!virtio_has(v, VIRTIO_F_EVENT_IDX))
        return 0; /* flags of the used ring stay 0: always notify */
    if (!store16(v, avail_event(q), q->last_avail))
        return -1;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return available(v, q);
}

bool virtqueue_ready(struct virtio *v, unsigned n)
{
    return queue_running(v, n) && available(v, &v->queue[n]) > 0;
}

/* -- taking a chain -- */

struct desc {
    uint64_t address;
    uint32_t size;
    uint16_t flags, next;
};

static bool load_desc(struct virtio *v, uint64_t table, uint32_t i,
                      struct desc *d)
{
    uint8_t raw[DESC_SIZE];

    if (!dma_read(memory(v), table + (uint64_t)i * DESC_SIZE, raw, sizeof(raw)))
        return virtio_broken(v, "a descriptor is outside of RAM");
    d->address = ld_le64(raw);
    d->size = ld_le32(raw + 8);
    d->flags = ld_le16(raw + 12);
    d->next = ld_le16(raw + 14);
    return true;
}

/* Is [pa, pa + size) all RAM, or ROM to read from?  size is not 0. */
static bool can_dma(struct virtio *v, uint64_t pa, uint64_t size, bool write)
{
    for (;;) {
        struct span s;
        uint64_t rest;

        if (!memory_find(memory(v), pa, &s))
            return false;
        if (s.region->kind != REGION_RAM &&
            (write || s.region->kind != REGION_ROM))
            return false;
        rest = s.size - (pa - s.start);
        if (size <= rest)
            return true;
        if (pa + rest < pa)
            return false;
        pa += rest;
        size -= rest;
    }
}

static bool add_segment(struct virtio *v, struct virtio_chain *c,
                        const struct desc *d)
{
    bool write = d->flags & DESC_F_WRITE;
    unsigned n = c->n_read + c->n_write;

    if (n == VIRTIO_MAX_SEGMENTS)
        return virtio_broken(v, "a chain loops or has too many descriptors");
    if (d->size == 0)
        return virtio_broken(v, "a descriptor of length 0");
    if (!write && c->n_write)
        return virtio_broken(v, "a readable descriptor after a writable one");
    /* At most 2^32 bytes (2.7.5); one less fits the used ring's len. */
    if (c->read_size + c->write_size + d->size > UINT32_MAX)
        return virtio_broken(v, "a chain of more than 2^32 bytes");
    if (!can_dma(v, d->address, d->size, write))
        return virtio_broken(v, "a buffer is outside of RAM");
    c->seg[n].address = d->address;
    c->seg[n].size = d->size;
    if (write) {
        c->n_write++;
        c->write_size += d->size;
    } else {
        c->n_read++;
        c->read_size += d->size;
    }
    return true;
}

/* What 2.7.5.3 says of a descriptor that refers to an indirect table. */
static bool indirect_good(struct virtio *v, const struct desc *d, bool nested)
{
    if (!virtio_has(v, VIRTIO_F_INDIRECT_DESC))
        return virtio_broken(v, "an indirect descriptor, not negotiated");
    if (nested)
        return virtio_broken(v, "an indirect table in an indirect table");
    if (d->flags & DESC_F_NEXT)
        return virtio_broken(v, "an indirect descriptor with a next one");
    if (d->size == 0 || d->size % DESC_SIZE)
        return virtio_broken(v, "an indirect table of odd length");
    return true;
}

/*
 * Follow the chain from its head.  Each descriptor adds a segment, of which
 * there is a maximum, so that a loop ends.  A chain of an indirect table may
 * be longer than the queue, as in Linux, but no longer than our maximum.
 */
static bool walk(struct virtio *v, const struct virtqueue *q, uint16_t head,
                 struct virtio_chain *c)
{
    uint64_t table = q->desc;
    uint32_t i = head, entries = q->size;
    bool indirect = false;
    struct desc d = {0};

    c->head = head;
    c->n_read = c->n_write = 0;
    c->read_size = c->write_size = 0;
    do {
        if (i >= entries)
            return virtio_broken(v, "a descriptor index is out of range");
        if (!load_desc(v, table, i, &d))
            return false;
        i = d.next;
        if (d.flags & DESC_F_INDIRECT) {
            if (!indirect_good(v, &d, indirect))
                return false;
            table = d.address;
            entries = d.size / DESC_SIZE;
            i = 0;
            indirect = true;
            d.flags = DESC_F_NEXT;
        } else if (!add_segment(v, c, &d)) {
            return false;
        }
    } while (d.flags & DESC_F_NEXT);
    return true;
}

void virtqueue_later(struct virtio *v, unsigned n)
{
    v->again_queues |= (uint32_t)1 << n;
    if (!timer_armed(&v->again))
        timer_arm(&v->again, clock_ns(v->dev->env->clock) + PAUSE_NS);
}

bool virtqueue_pop(struct virtio *v, unsigned n, struct virtio_chain *c)
{
    struct virtqueue *q = &v->queue[n];
    uint16_t head;
    int left;

    if (!queue_running(v, n))
        return false;
    left = available(v, q);
    if (left == 0)
        left = rearm(v, q);
    if (left <= 0)
        return false;
    if (v->budget == 0) {
        virtqueue_later(v, n);
        return false;
    }
    if (!load16(v,
                q->driver + AVAIL_RING +
                    2 * (uint64_t)(q->last_avail & (q->size - 1)),
                &head))
        return false;
    if (v->budget != NO_BUDGET)
        v->budget--;
    q->last_avail++;
    return walk(v, q, head, c);
}

void virtqueue_unpop(struct virtio *v, unsigned n)
{
    v->queue[n].last_avail--;
}

/* -- giving a chain back -- */

/*
 * 2.7.7: with EVENT_IDX, when the element's index is used_event; else
 * unless the driver has set NO_INTERRUPT.  The fence orders the store of
 * the used index before this look.
 */
static bool wants_interrupt(struct virtio *v, const struct virtqueue *q)
{
    uint16_t x;

    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (virtio_has(v, VIRTIO_F_EVENT_IDX))
        return load16(v, used_event(q), &x) && x == (uint16_t)(q->used_idx - 1);
    return load16(v, q->driver + AVAIL_FLAGS, &x) &&
           !(x & AVAIL_F_NO_INTERRUPT);
}

void virtqueue_push(struct virtio *v, unsigned n, const struct virtio_chain *c,
                    uint32_t written)
{
    struct virtqueue *q = &v->queue[n];
    uint8_t elem[USED_ELEM_SIZE];

    /* The queue may have gone since the chain was taken. */
    if (!queue_running(v, n))
        return;
    st_le32(elem, c->head);
    st_le32(elem + 4, written);
    if (!dma_write(memory(v),
                   q->device + USED_RING +
                       (uint64_t)USED_ELEM_SIZE * (q->used_idx & (q->size - 1)),
                   elem, sizeof(elem))) {
        virtio_broken(v, "a ring is outside of RAM");
        return;
    }
    if (!store16(v, q->device + USED_IDX, (uint16_t)(q->used_idx + 1)))
        return;
    q->used_idx++;
    if (wants_interrupt(v, q))
        interrupt(v, n, false);
}

/* -- data -- */

/* Segments [first, first + count) of c: copy size bytes from byte offset
 * on, one way or the other. */
static uint64_t copy(struct virtio *v, const struct virtio_chain *c,
                     unsigned first, unsigned count, uint64_t offset,
                     uint8_t *out, const uint8_t *in, uint64_t size)
{
    uint64_t done = 0;

    for (unsigned i = first; i < first + count && done < size; i++) {
        uint64_t pa = c->seg[i].address + offset, n = c->seg[i].size;
        bool good;

        if (offset >= n) {
            offset -= n;
            continue;
        }
        n -= offset;
        offset = 0;
        if (n > size - done)
            n = size - done;
        good = out ? dma_read(memory(v), pa, out + done, n)
                   : dma_write(memory(v), pa, in + done, n);
        /* It was RAM when the chain was taken: the map has changed. */
        if (!good) {
            virtio_broken(v, "a buffer is no longer in RAM");
            break;
        }
        done += n;
    }
    return done;
}

uint64_t virtio_chain_read(struct virtio *v, const struct virtio_chain *c,
                           uint64_t offset, void *out, uint64_t size)
{
    return copy(v, c, 0, c->n_read, offset, out, NULL, size);
}

uint64_t virtio_chain_write(struct virtio *v, const struct virtio_chain *c,
                            uint64_t offset, const void *in, uint64_t size)
{
    return copy(v, c, c->n_read, c->n_write, offset, NULL, in, size);
}
