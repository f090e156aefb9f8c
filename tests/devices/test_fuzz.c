/*
 * Every device class against a guest that writes nonsense.
 *
 *     test_fuzz [SEED [STEPS [CLASS]]]
 *
 * Each class is made with backends and RAM, and for STEPS steps its
 * registers, and those of the slot or host bridge that it sits in, are read
 * and written at all widths and offsets, while time passes, lines change,
 * bytes are typed, disks fail, RAM is scribbled on, and damaged snapshots are
 * loaded.  virtio devices are also brought up as a driver would, on rings
 * whose contents are half right.  The same seed gives the same steps.
 *
 * What must hold: no sanitizer complains, nothing hangs, backends are asked
 * for nothing beyond their size (the harness checks), a reset brings the
 * device back to its first state, and freeing it leaves nothing behind.
 */
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "devices/pci/pci.h"
#include "devices/virtio/virtio.h"
#include "tests/devices/harness.h"

#define CHECK(x)                                                               \
    do {                                                                       \
        if (!(x)) {                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);            \
            abort();                                                           \
        }                                                                      \
    } while (0)

/* Registers of a virtio transport. */
enum vreg {
    FEATURES_SEL,
    FEATURES,
    DRIVER_SEL,
    DRIVER_FEATURES,
    STATUS,
    QUEUE_SEL,
    QUEUE_SIZE,
    QUEUE_READY,
    QUEUE_DESC,
    QUEUE_DRIVER,
    QUEUE_DEVICE,
    N_VREGS,
};

struct vlayout {
    uint16_t offset[N_VREGS];
    uint8_t size[N_VREGS];
};

/* virtio 1.2, 4.2.2. */
static const struct vlayout mmio_layout = {
    {0x14, 0x10, 0x24, 0x20, 0x70, 0x30, 0x38, 0x44, 0x80, 0x90, 0xa0},
    {4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4},
};
/* virtio 1.2, 4.1.4.3. */
static const struct vlayout pci_layout = {
    {0x00, 0x04, 0x08, 0x0c, 0x14, 0x16, 0x18, 0x1c, 0x20, 0x28, 0x30},
    {4, 4, 4, 4, 1, 2, 2, 2, 4, 4, 4},
};

enum { QUEUES = 3 };

struct fuzz {
    struct harness *h;
    struct device *dev;
    struct prng prng;
    uint64_t last_offset;
    bool calm;      /* for a while, mostly what a driver would do */
    uint8_t *fresh; /* state after the first reset */

    /* virtio only */
    struct device *regs; /* who has the registers; NULL: no virtio */
    const struct vlayout *layout;
    uint64_t common, notify, notify_step; /* offsets in window 0 */
    struct {
        uint64_t desc, driver, device;
        uint16_t size, idx;
        uint16_t head[512]; /* of the chains in desc */
        unsigned n_heads;
    } queue[QUEUES];
    bool is_disk, indirect;
    unsigned notified; /* while the device was up */
};

static uint64_t below(struct fuzz *f, uint64_t n)
{
    return prng_below(&f->prng, n);
}

static bool one_in(struct fuzz *f, unsigned n)
{
    return below(f, n) == 0;
}

/* An address in RAM, mostly; aligned, mostly. */
static uint64_t some_address(struct fuzz *f)
{
    uint64_t a = HARNESS_RAM + below(f, HARNESS_RAM_SIZE);

    switch (below(f, 8)) {
    case 0:
        return a;
    case 1:
        return prng_edgy(&f->prng);
    case 2: /* at the end of RAM */
        return HARNESS_RAM + HARNESS_RAM_SIZE - below(f, 64);
    case 3: /* in the device's own registers */
        return ((uint64_t)1 << 32) + below(f, 0x2000);
    default:
        return a & ~(uint64_t)0xfff;
    }
}

/* Somewhere in RAM, so that what lies there does not hit what lies
 * elsewhere all the time. */
static uint64_t ram_address(struct fuzz *f)
{
    return HARNESS_RAM + (below(f, HARNESS_RAM_SIZE - 0x2000) & ~(uint64_t)15);
}

static uint64_t some_value(struct fuzz *f)
{
    /* Commands that mean something to some device. */
    static const uint32_t known[] = {0x5555, 0x3333, 0x7777, 0x80, 0x83, 3};

    switch (below(f, 5)) {
    case 0:
        return below(f, 256);
    case 1:
        return some_address(f);
    case 2:
        return (uint64_t)1 << below(f, 64);
    case 3:
        return known[below(f, 6)];
    default:
        return prng_edgy(&f->prng);
    }
}

static uint64_t some_offset(struct fuzz *f, uint64_t size)
{
    uint64_t at;

    switch (below(f, 8)) {
    case 0:
    case 7:
        at = below(f, 0x20);
        break;
    case 1:
        at = below(f, 0x400);
        break;
    case 2: /* beside a power of two, or the sum of two */
        at = ((uint64_t)1 << below(f, 28)) + below(f, 0x40);
        at += one_in(f, 2) ? (uint64_t)1 << below(f, 28) : 0;
        at -= one_in(f, 4) && at >= 0x40 ? 0x40 : 0;
        break;
    case 3: /* the last one again, or beside it */
        at = f->last_offset + below(f, 3) * 4;
        break;
    case 4:
        at = size - 1 - below(f, size < 16 ? size : 16);
        break;
    case 5: /* pages, with little on each */
        at = below(f, 16) * 0x1000 + below(f, 0x40);
        break;
    default:
        at = below(f, size);
    }
    if (one_in(f, 2))
        at &= ~(uint64_t)3;
    f->last_offset = at % size;
    return f->last_offset;
}

/* ------------------------------------------------------------ registers */

static void access_register(struct fuzz *f)
{
    struct device *dev = f->h->device[below(f, f->h->n_devices)];
    unsigned size = 1u << below(f, 4), window;
    struct region *r;
    uint64_t at, v = 0;

    if (!dev->class->n_windows)
        return;
    window = (unsigned)below(f, dev->class->n_windows);
    r = &dev->regions[window];
    if (!r->space || !r->enabled)
        return;
    at = some_offset(f, r->size);
    if (one_in(f, 3)) {
        enum bus_result result =
            harness_try_read(f->h, dev, window, at, size, &v);

        CHECK(result != BUS_OK || size == 8 || v >> 8 * size == 0);
    } else {
        harness_try_write(f->h, dev, window, at, size, some_value(f));
    }
}

/* --------------------------------------------------------------- virtio */

static void find_virtio_pci(struct fuzz *f)
{
    unsigned at = harness_config_read(f->h, f->dev, PCI_CAPABILITIES, 1);

    if (harness_config_read(f->h, f->dev, PCI_VENDOR_ID, 2) != 0x1af4)
        return;
    f->regs = f->dev;
    f->layout = &pci_layout;
    for (unsigned n = 0; at && n < 48; n++) {
        unsigned type = harness_config_read(f->h, f->dev, at + 3, 1);
        uint64_t offset = harness_config_read(f->h, f->dev, at + 8, 4);

        if (type == 1) {
            f->common = offset;
        } else if (type == 2) {
            f->notify = offset;
            f->notify_step = harness_config_read(f->h, f->dev, at + 16, 4);
        }
        at = harness_config_read(f->h, f->dev, at + 1, 1);
    }
}

static void find_virtio(struct fuzz *f)
{
    if (device_class_is_pci(f->dev->class)) {
        find_virtio_pci(f);
    } else if (device_class_is_virtio(f->dev->class)) {
        f->layout = &mmio_layout;
        f->notify = 0x50;
        for (unsigned i = 0; i < f->h->n_devices; i++)
            if (virtio_mmio_is_slot(f->h->device[i]))
                f->regs = f->h->device[i];
        CHECK(f->regs);
    }
}

/* The BAR may be anywhere, or nowhere. */
static bool registers_visible(struct fuzz *f)
{
    struct region *r = f->regs ? &f->regs->regions[0] : NULL;

    return r && r->space && r->enabled;
}

static void vwrite(struct fuzz *f, enum vreg reg, uint64_t v)
{
    harness_try_write(f->h, f->regs, 0, f->common + f->layout->offset[reg],
                      f->layout->size[reg], v);
    if (reg >= QUEUE_DESC)
        harness_try_write(f->h, f->regs, 0,
                          f->common + f->layout->offset[reg] + 4, 4, v >> 32);
}

static uint64_t vread(struct fuzz *f, enum vreg reg)
{
    uint64_t v = 0;

    harness_try_read(f->h, f->regs, 0, f->common + f->layout->offset[reg],
                     f->layout->size[reg], &v);
    return v;
}

static void poke(struct fuzz *f, uint64_t pa, uint64_t v, unsigned size)
{
    uint8_t bytes[8];

    st_le(bytes, v, size);
    memory_poke(f->h->memory, pa, bytes, size); /* where there is RAM */
}

/* A request's header for a disk, which no other device minds: one that
 * reads the chain's data, or one that writes it; and the wrong way round. */
static void scribble_header(struct fuzz *f, uint64_t pa, bool writes)
{
    static const uint32_t types[] = {1, 1, 11, 13, 4, 0, 0, 8, 4, 99};
    unsigned pick = (writes ? 5 : 0) + (unsigned)below(f, 5);

    poke(f, pa, types[one_in(f, 16) ? below(f, 10) : pick], 4);
    poke(f, pa + 8, below(f, 8) ? below(f, 130) : prng_edgy(&f->prng), 8);
}

static uint32_t some_length(struct fuzz *f)
{
    if (one_in(f, 64))
        return (uint32_t)prng_edgy(&f->prng);
    return one_in(f, 4) ? (uint32_t)below(f, 64)
                        : 512 * (uint32_t)(1 + below(f, 7));
}

/* One descriptor, and now and then a wrong one. */
static void put_descriptor(struct fuzz *f, uint64_t table, unsigned i,
                           uint64_t to, uint32_t length, unsigned flags,
                           unsigned next)
{
    poke(f, table + 16 * i, one_in(f, 64) ? some_address(f) : to, 8);
    poke(f, table + 16 * i + 8, one_in(f, 64) ? some_value(f) : length, 4);
    poke(f, table + 16 * i + 12, one_in(f, 64) ? below(f, 8) : flags, 2);
    poke(f, table + 16 * i + 14, one_in(f, 64) ? some_value(f) : next, 2);
}

enum { DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4 };

/*
 * A chain of n descriptors from `first` on: a header to read and a status to
 * write around data of one kind, as disks want it; or all of one kind.
 */
static void build_chain(struct fuzz *f, uint64_t table, unsigned first,
                        unsigned n)
{
    /* 0, 1: a request with data to read or write; 2, 3: all of one kind. */
    unsigned kind = (unsigned)below(f, 4);

    if (f->is_disk && !one_in(f, 32))
        kind &= 1;

    for (unsigned i = 0; i < n; i++) {
        bool last = i == n - 1, write = kind == 1 || kind == 3;
        uint64_t to = ram_address(f);
        uint32_t length = some_length(f);

        if (kind < 2 && i == 0) {
            write = false;
            length = 16;
            scribble_header(f, to, kind == 1);
        } else if (kind < 2 && last) {
            write = true;
            length = 1;
        }
        put_descriptor(f, table, first + i, to, length,
                       (last ? 0 : DESC_NEXT) | (write ? DESC_WRITE : 0),
                       last ? 0 : first + i + 1);
    }
}

/* Fill queue n's table with chains, some of them indirect. */
static void build_chains(struct fuzz *f, unsigned n)
{
    unsigned size = f->queue[n].size, at = 0, heads = 0;

    while (at < size) {
        unsigned length = (f->is_disk ? 2 : 1) + (unsigned)below(f, 5);
        uint64_t table = f->queue[n].desc, inner = ram_address(f);

        f->queue[n].head[heads++] = (uint16_t)at;
        if (one_in(f, f->indirect ? 4 : 512)) {
            build_chain(f, inner, 0, length);
            put_descriptor(f, table, at, inner, 16 * length, DESC_INDIRECT, 0);
            at++;
            continue;
        }
        if (heads > 1 && length > size - at) {
            heads--;
            break;
        }
        length = length < size - at ? length : size - at;
        build_chain(f, table, at, length);
        at += length;
    }
    f->queue[n].n_heads = heads;
}

static void fill_ring(struct fuzz *f, unsigned n)
{
    uint64_t driver = f->queue[n].driver;
    unsigned size = f->queue[n].size;
    unsigned added = (unsigned)below(f, size < 5 ? size + 1 : 6);

    if (!size)
        return;
    if (one_in(f, 3))
        build_chains(f, n);
    for (unsigned i = 0; i < added; i++, f->queue[n].idx++)
        poke(f, driver + 4 + 2 * (f->queue[n].idx % size),
             one_in(f, 128) ? below(f, 65536)
                            : f->queue[n].head[below(f, f->queue[n].n_heads)],
             2);
    poke(f, driver, one_in(f, 4), 2);
    poke(f, driver + 2, one_in(f, 256) ? below(f, 65536) : f->queue[n].idx, 2);
}

static uint64_t ring_address(struct fuzz *f, unsigned align)
{
    uint64_t a = one_in(f, 64) ? some_address(f) : ram_address(f);

    return one_in(f, 64) ? a : a & ~(uint64_t)(align - 1);
}

static void bring_up(struct fuzz *f)
{
    /* Without VERSION_1 a device does not start, as it should. */
    uint64_t wanted = (uint64_t)!one_in(f, 16) << 32 | prng_next(&f->prng);

    vwrite(f, STATUS, 0);
    vwrite(f, STATUS, 1);
    vwrite(f, STATUS, 3);
    for (unsigned half = 0; half < 2; half++) {
        vwrite(f, FEATURES_SEL, half);
        vwrite(f, DRIVER_SEL, half);
        vwrite(f, DRIVER_FEATURES,
               vread(f, FEATURES) & (uint32_t)(wanted >> 32 * half));
    }
    f->indirect = wanted >> 28 & 1;
    vwrite(f, STATUS, 0xb);
    for (unsigned n = 0; n < QUEUES; n++) {
        f->queue[n].desc = ring_address(f, 16);
        f->queue[n].driver = ring_address(f, 2);
        f->queue[n].device = ring_address(f, 4);
        f->queue[n].size = (uint16_t)(8u << below(f, 6));
        if (one_in(f, 8))
            f->queue[n].size = (uint16_t)(1u << below(f, 10));
        f->queue[n].idx = 0;
        vwrite(f, QUEUE_SEL, n);
        vwrite(f, QUEUE_SIZE, f->queue[n].size);
        vwrite(f, QUEUE_DESC, f->queue[n].desc);
        vwrite(f, QUEUE_DRIVER, f->queue[n].driver);
        vwrite(f, QUEUE_DEVICE, f->queue[n].device);
        poke(f, f->queue[n].driver + 2, 0, 2);
        build_chains(f, n);
        vwrite(f, QUEUE_READY, 1);
    }
    vwrite(f, STATUS, 0xf);
}

static void drive_virtio(struct fuzz *f)
{
    unsigned n = (unsigned)below(f, QUEUES);

    if (!registers_visible(f)) {
        if (f->regs && device_class_is_pci(f->regs->class))
            harness_enable_pci(f->h, f->regs);
        return;
    }
    if ((vread(f, STATUS) & 0xcf) != 0xf || one_in(f, 200)) {
        bring_up(f);
        return;
    }
    f->notified++;
    fill_ring(f, n);
    harness_try_write(f->h, f->regs, 0, f->notify + f->notify_step * n,
                      f->layout == &pci_layout ? 2 : 4, n);
}

/* ------------------------------------------------------------ all others */

static void scribble(struct fuzz *f)
{
    uint64_t pa = some_address(f);

    for (unsigned i = 0; i < 64; i += 8)
        poke(f, pa + i, some_value(f), 8);
}

static void change_inputs(struct fuzz *f)
{
    for (unsigned i = 0; i < f->h->n_devices; i++) {
        struct device *dev = f->h->device[i];

        if (dev->class->n_inputs)
            harness_input(f->h, dev, (unsigned)below(f, dev->class->n_inputs),
                          one_in(f, 2));
    }
}

static void type_something(struct fuzz *f)
{
    uint8_t bytes[100];

    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)prng_next(&f->prng);
    harness_type(f->h, "any", bytes, (size_t)below(f, sizeof(bytes)));
}

/* A damaged snapshot may have changed what a guest cannot (a PCI function's
 * identity), so that nothing finds the device any more: start anew. */
static void load_fresh(struct fuzz *f)
{
    CHECK(harness_load(f->h, f->dev, f->fresh));
    harness_reset(f->h, f->dev);
}

static void upset_disk(struct fuzz *f)
{
    struct harness_disk *d = harness_disk(f->h, "any");

    d->error = one_in(f, 4) ? 1 + (int)below(f, 130) : 0;
}

/* MSI-X on, most of the time, with messages to anywhere. */
static void aim_messages(struct fuzz *f)
{
    struct pci_device *d = (struct pci_device *)f->dev;
    unsigned vector;

    if (!device_class_is_pci(f->dev->class) || !d->msix_cap)
        return;
    harness_config_write(f->h, f->dev, d->msix_cap + 2u, 2,
                         one_in(f, 4) ? (uint32_t)some_value(f) : 0x8000);
    vector = (unsigned)below(f, d->n_msix + 1u);
    pthread_mutex_lock(&f->h->lock);
    pci_msix_write(d, 16 * vector, some_address(f), 8);
    pci_msix_write(d, 16 * vector + 8, some_value(f), 4);
    pci_msix_write(d, 16 * vector + 12, one_in(f, 4), 4);
    pthread_mutex_unlock(&f->h->lock);
}

static void step(struct fuzz *f)
{
    if (one_in(f, 300))
        f->calm = !f->calm;
    if (f->regs && f->calm && !one_in(f, 10)) {
        drive_virtio(f);
        return;
    }
    switch (below(f, 40)) {
    case 0:
        scribble(f);
        break;
    case 1:
        harness_advance(f->h, prng_next(&f->prng) >> (28 + below(f, 36)));
        break;
    case 2:
        change_inputs(f);
        break;
    case 3:
        type_something(f);
        break;
    case 4:
        if (one_in(f, 20))
            harness_load_damaged(f->h, f->dev, &f->prng);
        break;
    case 5:
        upset_disk(f);
        break;
    case 6:
        if (one_in(f, 50))
            harness_reset(f->h, f->dev);
        if (one_in(f, 20))
            load_fresh(f);
        break;
    case 7:
    case 8:
    case 9:
    case 10:
        drive_virtio(f);
        break;
    case 11:
        aim_messages(f);
        break;
    default:
        access_register(f);
    }
}

/*
 * After all that, a reset gives a device like a new one of the same time;
 * what a reset leaves alone is put back first.
 */
static void check_reset(struct fuzz *f)
{
    const struct device_class *cls = f->dev->class;
    struct harness *other = harness_new();
    struct device *ref;
    struct error e;

    other->insns = f->h->insns;
    ref = harness_any(other, cls);
    load_fresh(f);
    if (!state_equal(cls->fields, f->dev, ref, &e)) {
        fprintf(stderr, "%s after a reset: %s\n", cls->name, e.text);
        abort();
    }
    harness_free(other);
}

static void fuzz_class(const struct device_class *cls, uint64_t seed,
                       unsigned steps)
{
    struct fuzz f = {.h = harness_new(), .prng = {seed}};

    f.dev = harness_any(f.h, cls);
    f.fresh = harness_save(f.h, f.dev);
    if (device_class_is_pci(cls))
        harness_enable_pci(f.h, f.dev);
    find_virtio(&f);
    f.is_disk = f.h->n_disks > 0;
    for (unsigned i = 0; i < steps; i++)
        step(&f);
    check_reset(&f);
    printf("%-24s %u requests, %u notified, %u disk calls, %zu bytes sent\n",
           cls->name, f.h->requests, f.notified,
           harness_disk(f.h, "any")->reads + harness_disk(f.h, "any")->writes,
           harness_chardev(f.h, "any")->n_out);
    fflush(stdout);
    harness_free(f.h);
    free(f.fresh);
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    unsigned steps = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : 20000;
    unsigned n = 0;

    for (unsigned i = 0; device_classes[i]; i++) {
        if (argc > 3 && strcmp(argv[3], device_classes[i]->name))
            continue;
        fuzz_class(device_classes[i], seed, steps);
        n++;
    }
    if (!n)
        fprintf(stderr, "test_fuzz: there is no class '%s'\n", argv[3]);
    return n ? 0 : 1;
}
