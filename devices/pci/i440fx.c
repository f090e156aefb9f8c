/*
 * The Intel 440FX's host bridge (82441FX PMC): configuration mechanism 1, PAM
 * and SMRAM; and port CF9 of the PIIX3, which lies among its ports.
 *
 * Intel 440FX PCIset datasheet (290549): 3.1 (CONFADD, CONFDATA), 3.2.16 (PAM,
 * 59h to 5Fh), 3.2.24 (SMRAM, 72h), 4.1 (memory map); PCI Local Bus
 * Specification 3.0, 3.2.2.3.2.  82371SB datasheet, 2.5.4.1 (reset control).
 *
 * The bridge decodes memory first: what is no RAM is PCI's, so that the windows
 * of the bus are everything, below RAM in priority.  From 640 KiB to 1 MiB RAM
 * is there as the guest says:
 *
 *   a0000 to bffff  RAM while SMRAM is open, or for a processor in SMM
 *   c0000 to fffff  13 segments, reads and writes each RAM's or PCI's
 *
 * PCI's side of a segment is the boot ROM, where the board shows that there
 * (emu,rom), else nothing.  RAM and ROM are found by their places in memory
 * when the machine is reset for the first time.
 *
 * INTx goes to four outputs, (slot + pin) % 4, in the order of INTA..INTD of
 * slot 0: which PIRQ that is, is the tree's interrupt-map to say.
 *
 * Missing: the processor that is in SMM shows its SMRAM to the others, too;
 * the fixed hole (68h); DRAM timing and sizes (registers without a meaning);
 * errors; buses behind bridges; what a ROM's segment that is written to RAM
 * but read from PCI executes is slow where it is no ROM.
 */
#include "devices/pci/i440fx.h"

#include <string.h>

#include "base/bytes.h"
#include "base/ram_access.h"
#include "devices/pci/pci.h"

#define N_SLOTS 32

/* Registers of 00:00.0. */
enum {
    PMCCFG = 0x50,
    DRT = 0x55,
    PAM0 = 0x59, /* its high half is f0000's */
    DRB = 0x60,
    FDHC = 0x68,
    SMRAM = 0x72,

    PAM_READ = 1, /* of each half */
    PAM_WRITE = 2,

    SMRAM_BASE = 2, /* bits 2:0, fixed */
    SMRAM_ENABLE = 1 << 3,
    SMRAM_LOCK = 1 << 4,
    SMRAM_CLOSE = 1 << 5,
    SMRAM_OPEN = 1 << 6,
};

/* Reset control register, port CF9. */
enum { RESET_CPU = 1 << 2, RESET_BITS = 0x06 };

#define LOW_START 0xa0000u
#define LOW_END 0x100000u
#define SEGMENTS 13
#define SMRAM_SIZE 0x20000u

/* Nothing lies over RAM, what the board has there (emu,priority = <2>) over
 * that, RAM that the guest asks for over both. */
#define PRIORITY_LOW 1
#define PRIORITY_SEGMENT 3

enum { SPACE_IO, SPACE_LOW, SPACE_HIGH, N_WINDOWS };

/* A segment of PAM: at most one of these is on. */
struct segment {
    struct region both;  /* RAM */
    struct region read;  /* RAM that cannot be written */
    struct region write; /* PCI's, with writes going to RAM */
    struct i440fx *owner;
    uint32_t start;
};

struct i440fx {
    struct device dev;
    struct pci_device bridge; /* 00:00.0 */
    struct pci_bus bus;
    uint32_t config_address;       /* CONFADD */
    uint8_t reset_control;         /* RC */
    uint32_t asserted[PCI_N_PINS]; /* of each output: one bit a slot */
    uint64_t in_smm;               /* processors that are */
    struct region low;             /* nothing, over RAM from 640 KiB to 1 MiB */
    struct region smram;
    struct segment segment[SEGMENTS];
    struct ram *ram; /* of the first megabyte; NULL: not found yet */
    uint64_t ram_offset;
    bool looked;
};

static const struct field i440fx_fields[] = {
    DEVICE_FIELDS(struct i440fx),
    FIELD_SUB(struct i440fx, bridge, pci_device_fields),
    FIELD_HOST(struct i440fx, bus),
    FIELD(struct i440fx, config_address, 0),
    FIELD(struct i440fx, reset_control, 0),
    FIELD_ARRAY(struct i440fx, asserted, 0),
    FIELD(struct i440fx, in_smm, 0),
    FIELD_HOST(struct i440fx, low),
    FIELD_HOST(struct i440fx, smram),
    FIELD_HOST(struct i440fx, segment),
    FIELD_HOST(struct i440fx, ram),
    FIELD_HOST(struct i440fx, ram_offset),
    FIELD_HOST(struct i440fx, looked),
    FIELD_LIST_END,
};

static const struct pci_info bridge_info = {
    .vendor = 0x8086,
    .device = 0x1237,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .class_revision = 0x060000 << 8 | 0x02,
};

static void set_irq(void *owner, unsigned slot, unsigned pin, bool level)
{
    struct i440fx *h = owner;
    unsigned n = pci_swizzle(h->asserted, slot, pin, level);

    wire_set(device_out(&h->dev, n), h->asserted[n] != 0);
}

/* -- 640 KiB to 1 MiB -- */

/* Of a segment whose writes are RAM's. */
static void write_ram(void *owner, uint64_t offset, uint64_t value,
                      unsigned size)
{
    const struct segment *s = owner;
    struct i440fx *h = s->owner;
    uint64_t at = h->ram_offset + s->start + offset;
    uint8_t bytes[8];

    st_le64(bytes, value);
    ram_write(h->ram->host + at, bytes, size);
    memory_wrote(h->dev.env->memory, h->ram, at, size);
}

static const struct mmio_ops write_ops = {
    .read = pci_read_abort,
    .write = write_ram,
    .accept = 1 | 2 | 4 | 8,
    .impl = 1 | 2 | 4 | 8,
    .unaligned = true,
};

static uint32_t segment_start(unsigned n)
{
    return n < SEGMENTS - 1 ? 0xc0000 + n * 0x4000 : 0xf0000;
}

static uint32_t segment_size(unsigned n)
{
    return n < SEGMENTS - 1 ? 0x4000 : 0x10000;
}

/* PAM_READ and PAM_WRITE of segment n: of c0000 on in 5Ah's low half. */
static unsigned segment_bits(const struct i440fx *h, unsigned n)
{
    const uint8_t *pam = h->bridge.config + PAM0;

    if (n == SEGMENTS - 1)
        return pam[0] >> 4 & (PAM_READ | PAM_WRITE);
    return pam[1 + n / 2] >> n % 2 * 4 & (PAM_READ | PAM_WRITE);
}

static void update_pam(struct i440fx *h)
{
    for (unsigned n = 0; n < SEGMENTS && h->ram; n++) {
        struct segment *s = &h->segment[n];
        unsigned bits = segment_bits(h, n);

        memory_enable(&s->both, bits == (PAM_READ | PAM_WRITE));
        memory_enable(&s->read, bits == PAM_READ);
        memory_enable(&s->write, bits == PAM_WRITE);
    }
}

static void update_smram(struct i440fx *h)
{
    uint8_t v = h->bridge.config[SMRAM];
    bool on = (v & SMRAM_ENABLE) && ((v & SMRAM_OPEN) || h->in_smm);

    if (h->ram)
        memory_enable(&h->smram, on);
}

void i440fx_smm(void *i440fx, unsigned cpu, bool on)
{
    struct i440fx *h = i440fx;
    uint64_t bit = UINT64_C(1) << cpu % 64;

    h->in_smm = on ? h->in_smm | bit : h->in_smm & ~bit;
    update_smram(h);
}

static bool add(struct i440fx *h, struct region *r)
{
    struct error e;

    return memory_add(h->dev.env->memory, r, &e);
}

static struct region ram_region(const struct i440fx *h, const char *name,
                                enum region_kind kind, uint32_t start,
                                uint32_t size)
{
    return (struct region){
        .name = name,
        .kind = kind,
        .base = start,
        .size = size,
        .priority = PRIORITY_SEGMENT,
        .ram = h->ram,
        .ram_offset = h->ram_offset + start,
    };
}

/* What PCI shows in the segment: a ROM, or nothing. */
static void show_pci(struct i440fx *h, struct segment *s)
{
    struct span span;

    s->write.ops = &write_ops;
    s->write.owner = s;
    s->write.kind = REGION_MMIO;
    if (!memory_find(h->dev.env->memory, s->start, &span) ||
        span.region->kind != REGION_ROM)
        return;
    s->write.kind = REGION_ROM;
    s->write.ram = span.region->ram;
    s->write.ram_offset =
        span.region->ram_offset + span.offset + (s->start - span.start);
}

static bool add_segment(struct i440fx *h, unsigned n)
{
    struct segment *s = &h->segment[n];
    uint32_t start = segment_start(n), size = segment_size(n);

    s->owner = h;
    s->start = start;
    s->both = ram_region(h, "PAM", REGION_RAM, start, size);
    s->read = ram_region(h, "PAM, read only", REGION_ROM, start, size);
    s->write = ram_region(h, "PAM, write only", REGION_MMIO, start, size);
    show_pci(h, s);
    return add(h, &s->both) && add(h, &s->read) && add(h, &s->write);
}

/* RAM's first megabyte, and over it what is none of the guest's choice. */
static void find_memory(struct i440fx *h)
{
    struct span span;
    bool ok;

    h->looked = true;
    if (!memory_find(h->dev.env->memory, 0, &span) ||
        span.region->kind != REGION_RAM || span.region->base != 0 ||
        span.region->size < LOW_END)
        return;
    h->low = (struct region){
        .name = "PCI below 1 MiB",
        .kind = REGION_MMIO,
        .base = LOW_START,
        .size = LOW_END - LOW_START,
        .priority = PRIORITY_LOW,
        .enabled = true,
        .ops = &pci_abort_ops,
    };
    ok = add(h, &h->low);
    h->ram = span.region->ram;
    h->ram_offset = span.region->ram_offset;
    h->smram = ram_region(h, "SMRAM", REGION_RAM, LOW_START, SMRAM_SIZE);
    ok = ok && add(h, &h->smram);
    for (unsigned n = 0; n < SEGMENTS && ok; n++)
        ok = add_segment(h, n);
    if (!ok)
        h->ram = NULL;
}

/* -- configuration space -- */

static void config_wrote(struct pci_device *d, unsigned offset, unsigned size)
{
    struct i440fx *h =
        (struct i440fx *)((char *)d - offsetof(struct i440fx, bridge));
    uint8_t *v = &d->config[SMRAM];

    if (offset <= PAM0 + 6 && offset + size > PAM0)
        update_pam(h);
    if (offset > SMRAM || offset + size <= SMRAM)
        return;
    /* D_LCK: only a reset opens it again. */
    if (*v & SMRAM_LOCK) {
        *v &= (uint8_t)~SMRAM_OPEN;
        d->writable[SMRAM] = SMRAM_CLOSE;
    }
    update_smram(h);
}

static void unlock_smram(struct i440fx *h)
{
    h->bridge.writable[SMRAM] =
        SMRAM_ENABLE | SMRAM_LOCK | SMRAM_CLOSE | SMRAM_OPEN;
}

static void init_bridge(struct i440fx *h)
{
    struct pci_device *d = &h->bridge;

    pci_device_init(d, &bridge_info);
    d->config_wrote = config_wrote;
    memset(d->writable + PMCCFG, 0xff, 9);
    memset(d->writable + PAM0, 0x33, 7);
    d->writable[PAM0] = 0x30;
    memset(d->writable + DRB, 0xff, 8);
    d->writable[FDHC] = 0xc0;
    d->config[SMRAM] = SMRAM_BASE;
    unlock_smram(h);
}

static bool decode(const struct i440fx *h, uint64_t offset, uint8_t *devfn,
                   unsigned *reg)
{
    uint32_t a = h->config_address;

    *devfn = (uint8_t)(a >> 8);
    *reg = (a & 0xfc) | (offset & 3);
    return (a >> 31) && (a >> 16 & 0xff) == 0;
}

static uint64_t i440fx_read(struct device *dev, unsigned window,
                            uint64_t offset, unsigned size)
{
    struct i440fx *h = (struct i440fx *)dev;
    uint8_t devfn;
    unsigned reg;

    (void)window;
    if (offset == 0 && size == 4)
        return h->config_address;
    if (offset == 1 && size == 1)
        return h->reset_control;
    if (offset < 4 || !decode(h, offset, &devfn, &reg))
        return UINT64_MAX >> (64 - 8 * size);
    return pci_config_read(&h->bus, devfn, reg, size);
}

/* RC: a rising RCPU resets, hard or soft as SRST says; both are the same
 * here: all of the machine. */
static void write_reset_control(struct i440fx *h, uint8_t value)
{
    bool rises = (value & RESET_CPU) && !(h->reset_control & RESET_CPU);

    h->reset_control = value & RESET_BITS;
    if (rises)
        h->dev.env->request(h->dev.env->machine, REQUEST_RESET, 0);
}

static void i440fx_write(struct device *dev, unsigned window, uint64_t offset,
                         uint64_t value, unsigned size)
{
    struct i440fx *h = (struct i440fx *)dev;
    uint8_t devfn;
    unsigned reg;

    (void)window;
    if (offset == 0 && size == 4)
        h->config_address = (uint32_t)value & 0x80fffffc;
    else if (offset == 1 && size == 1)
        write_reset_control(h, (uint8_t)value);
    else if (offset >= 4 && decode(h, offset, &devfn, &reg))
        pci_config_write(&h->bus, devfn, reg, (uint32_t)value, size);
}

/* -- the device -- */

static void i440fx_destroy(struct device *dev)
{
    struct i440fx *h = (struct i440fx *)dev;

    for (unsigned i = 0; i < PCI_MAX_FUNCTIONS; i++) {
        if (h->bus.function[i])
            pci_detach(h->bus.function[i]);
    }
    memory_remove(&h->low);
    memory_remove(&h->smram);
    for (unsigned i = 0; i < SEGMENTS; i++) {
        memory_remove(&h->segment[i].both);
        memory_remove(&h->segment[i].read);
        memory_remove(&h->segment[i].write);
    }
}

static bool i440fx_create(struct device *dev, struct error *e)
{
    struct i440fx *h = (struct i440fx *)dev;

    h->bus.memory = dev->env->memory;
    h->bus.ports = dev->env->ports;
    h->bus.under_ram = true;
    h->bus.window[SPACE_IO] = (struct pci_window){true, 0, 0, 0x10000};
    h->bus.window[SPACE_LOW] =
        (struct pci_window){false, 0, 0, UINT64_C(1) << 32};
    /* EDK2 puts BARs at the top of what the processor can address. */
    h->bus.window[SPACE_HIGH] =
        (struct pci_window){false, UINT64_C(1) << 32, UINT64_C(1) << 32,
                            (UINT64_C(1) << 52) - (UINT64_C(1) << 32)};
    h->bus.n_windows = N_WINDOWS;
    h->bus.set_irq = set_irq;
    h->bus.owner = h;
    h->bridge.dev.env = dev->env;
    h->bridge.dev.path = dev->path;
    init_bridge(h);
    return pci_attach(&h->bus, &h->bridge, 0, e);
}

static void settle(struct i440fx *h)
{
    if (!h->looked)
        find_memory(h);
    update_pam(h);
    update_smram(h);
    for (unsigned n = 0; n < PCI_N_PINS; n++)
        wire_set(device_out(&h->dev, n), h->asserted[n] != 0);
}

/* The functions on the bus have resets of their own. */
static void i440fx_reset(struct device *dev)
{
    struct i440fx *h = (struct i440fx *)dev;

    unlock_smram(h);
    pci_device_reset(&h->bridge);
    h->bridge.config[SMRAM] = SMRAM_BASE;
    h->bridge.config[PMCCFG + 1] = 0;
    settle(h);
}

/* Suspend to RAM, which this bridge's successors have (82443BX, 4.8): what
 * says where memory is stays, for firmware goes on from its copy there.  That
 * the copy can be written again is in no datasheet: SeaBIOS counts processors
 * in it (smp_resume) and closes it when it has done; QEMU, which SeaBIOS is
 * written for, leaves a race with the write there. */
static void i440fx_sleep(struct device *dev)
{
    struct i440fx *h = (struct i440fx *)dev;

    h->config_address = 0;
    h->reset_control = 0;
    memset(h->asserted, 0, sizeof(h->asserted));
    h->in_smm = 0;
    for (unsigned n = 0; n < 7; n++) {
        uint8_t *pam = &h->bridge.config[PAM0 + n];

        *pam |= (uint8_t)((*pam & 0x11) << 1);
    }
    settle(h);
}

static void i440fx_loaded(struct device *dev)
{
    struct i440fx *h = (struct i440fx *)dev;

    unlock_smram(h);
    if (h->bridge.config[SMRAM] & SMRAM_LOCK)
        h->bridge.writable[SMRAM] = SMRAM_CLOSE;
    pci_device_loaded(&h->bridge);
    settle(h);
}

static struct pci_bus *i440fx_bus(struct device *dev)
{
    return &((struct i440fx *)dev)->bus;
}

static const struct window i440fx_windows[] = {
    {.name = "configuration", .size = 8, .port = true},
};

const struct device_class i440fx_class = {
    .name = "i440fx",
    .summary = "host bridge of the Intel 440FX (PAM, SMRAM, port CF9)",
    .compatible = (const char *const[]){"intel,i440fx", NULL},
    .size = sizeof(struct i440fx),
    .fields = i440fx_fields,
    .windows = i440fx_windows,
    .n_windows = 1,
    .n_outputs = PCI_N_PINS,
    .create = i440fx_create,
    .destroy = i440fx_destroy,
    .reset = i440fx_reset,
    .sleep = i440fx_sleep,
    .loaded = i440fx_loaded,
    .read = i440fx_read,
    .write = i440fx_write,
    .pci = i440fx_bus,
};
