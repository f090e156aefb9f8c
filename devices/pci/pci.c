/*
 * The PCI core: configuration space, BARs, INTx and the bus.
 *
 * PCI Local Bus Specification 3.0: chapter 6 (configuration space), 6.2.5
 * (base addresses and the expansion ROM's), 6.7 (capabilities).
 *
 * MSI and MSI-X are in msi.c.
 *
 * Missing: type 1 headers (bridges), BIST, parity and
 * SERR reporting, power management, the PCI Express extended configuration
 * space.
 */
#include "devices/pci/pci.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define BAR_IO 1
#define BAR_64 4
#define BAR_PREFETCH 8

#define ROM_ENABLE 1

/* Writable command bits; all others are hardwired to 0. */
#define COMMAND_BITS                                                           \
    (PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |                \
     PCI_COMMAND_PARITY | PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE)
/* Master data parity error, and bits 11 to 15: write 1 to clear. */
#define STATUS_CLEAR_BITS 0xf900

#define MULTI_FUNCTION 0x80

const struct field pci_device_fields[] = {
    DEVICE_FIELDS(struct pci_device),
    FIELD_ARRAY_KEEP(struct pci_device, config), /* see pci_device_reset() */
    FIELD_HOST(struct pci_device, writable),     /* fixed by create */
    FIELD_HOST(struct pci_device, write1clear),
    FIELD_HOST(struct pci_device, devfn), /* fixed by pci_attach() */
    FIELD_HOST(struct pci_device, cap_end),
    FIELD(struct pci_device, intx, 0),
    FIELD_HOST(struct pci_device, msi_cap),
    FIELD_HOST(struct pci_device, msix_cap),
    FIELD_HOST(struct pci_device, n_msi),
    FIELD_HOST(struct pci_device, n_msix),
    FIELD(struct pci_device, msix_pending, 0),
    FIELD_SUBS(struct pci_device, vector, pci_vector_fields),
    FIELD_HOST(struct pci_device, bus),
    FIELD_HOST(struct pci_device, info),
    FIELD_HOST(struct pci_device, rom),
    FIELD_HOST(struct pci_device, rom_region),
    FIELD_HOST(struct pci_device, config_wrote),
    FIELD_HOST(struct pci_device, config_read),
    FIELD_LIST_END,
};

static unsigned bar_offset(unsigned n)
{
    return PCI_BAR0 + 4 * n;
}

static uint16_t command(const struct pci_device *d)
{
    return ld_le16(d->config + PCI_COMMAND);
}

/* Type bits are fixed; the address bits from the BAR's size up can be
 * written, which is how a guest finds the size (6.2.5.1). */
static void init_bar(struct pci_device *d, unsigned n)
{
    uint64_t size = d->info->bar[n].size;
    unsigned at = bar_offset(n);
    uint8_t type = 0;

    assert(size >= 4 && (size & (size - 1)) == 0);
    if (d->info->bar[n].io)
        type |= BAR_IO;
    if (d->info->bar[n].is64)
        type |= BAR_64;
    if (d->info->bar[n].prefetch)
        type |= BAR_PREFETCH;
    d->config[at] = type;
    if (d->info->bar[n].is64) {
        assert(!d->info->bar[n].io && n + 1 < PCI_MAX_BARS);
        assert(d->info->bar[n + 1].size == 0);
        st_le64(d->writable + at, ~(size - 1));
    } else {
        assert(size <= (uint64_t)1 << 31);
        st_le32(d->writable + at, (uint32_t) ~(size - 1));
    }
}

void pci_device_init(struct pci_device *d, const struct pci_info *info)
{
    uint8_t *c = d->config;

    d->info = info;
    d->cap_end = PCI_HEADER_END;
    st_le16(c + PCI_VENDOR_ID, info->vendor);
    st_le16(c + PCI_DEVICE_ID, info->device);
    st_le32(c + PCI_REVISION_ID, info->class_revision);
    st_le16(c + PCI_SUBSYSTEM_VENDOR_ID, info->subsystem_vendor);
    st_le16(c + PCI_SUBSYSTEM_ID, info->subsystem);
    c[PCI_INTERRUPT_PIN] = info->interrupt_pin;
    st_le16(d->writable + PCI_COMMAND, COMMAND_BITS);
    st_le16(d->write1clear + PCI_STATUS, STATUS_CLEAR_BITS);
    d->writable[PCI_CACHE_LINE_SIZE] = 0xff;
    d->writable[PCI_LATENCY_TIMER] = 0xff;
    if (info->interrupt_pin)
        d->writable[PCI_INTERRUPT_LINE] = 0xff;
    for (unsigned n = 0; n < PCI_MAX_BARS; n++) {
        if (info->bar[n].size)
            init_bar(d, n);
    }
}

unsigned pci_add_capability(struct pci_device *d, uint8_t id, unsigned size)
{
    unsigned at = d->cap_end, link = PCI_CAPABILITIES;

    size = (size + 3) & ~3u;
    assert(size >= 4 && at + size < PCI_CONFIG_SIZE);
    while (d->config[link])
        link = d->config[link] + 1u;
    d->config[link] = (uint8_t)at;
    d->config[at] = id;
    d->config[PCI_STATUS] |= PCI_STATUS_CAPABILITIES;
    d->cap_end = (uint8_t)(at + size);
    return at;
}

/* -- BARs -- */

/* The bus address that BAR n decodes; false: none, by the command register
 * or because 0 is no address (6.2.5.1). */
static bool bar_address(const struct pci_device *d, unsigned n,
                        uint64_t *address)
{
    bool io = d->info->bar[n].io;
    unsigned at = bar_offset(n);
    uint64_t a;

    if (!(command(d) & (io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY)))
        return false;
    if (d->info->bar[n].is64)
        a = ld_le64(d->config + at);
    else
        a = ld_le32(d->config + at);
    *address = a & ~(d->info->bar[n].size - 1);
    return *address != 0;
}

/* Where the host bridge shows [address, address + size), if at all. */
static bool bus_to_cpu(const struct pci_bus *bus, bool io, uint64_t address,
                       uint64_t size, uint64_t *cpu)
{
    for (unsigned i = 0; i < bus->n_windows; i++) {
        const struct pci_window *w = &bus->window[i];

        if (w->io != io || address < w->bus || size > w->size ||
            address - w->bus > w->size - size)
            continue;
        *cpu = w->cpu + (address - w->bus);
        return true;
    }
    return false;
}

static struct region *bar_region(struct pci_device *d, unsigned n)
{
    return &d->dev.regions[d->info->bar[n].window];
}

static void show(struct pci_device *d, struct region *r, bool io, bool decoded,
                 uint64_t address)
{
    uint64_t cpu;

    if (decoded && bus_to_cpu(d->bus, io, address, r->size, &cpu)) {
        memory_move(r, cpu);
        memory_enable(r, true);
    } else {
        memory_enable(r, false);
    }
}

/* 6.2.5.2 */
static void update_rom(struct pci_device *d)
{
    uint32_t v = ld_le32(d->config + PCI_ROM);
    uint64_t address = v & ~(d->rom_region.size - 1);

    show(d, &d->rom_region, false,
         (v & ROM_ENABLE) && (command(d) & PCI_COMMAND_MEMORY) && address != 0,
         address);
}

static void update_bars(struct pci_device *d)
{
    if (!d->bus)
        return;
    if (d->rom)
        update_rom(d);
    for (unsigned n = 0; n < PCI_MAX_BARS; n++) {
        uint64_t address = 0;
        bool decoded;

        if (!d->info->bar[n].size)
            continue;
        decoded = bar_address(d, n, &address);
        show(d, bar_region(d, n), d->info->bar[n].io, decoded, address);
    }
}

bool pci_set_rom(struct pci_device *d, const void *bytes, size_t size,
                 struct error *e)
{
    uint64_t whole = PAGE_SIZE;

    assert(!d->rom && !d->bus);
    if (size == 0 || size > PCI_ROM_MAX)
        return error_set(e, "an expansion ROM of %zu bytes: want 1 to 16 MiB",
                         size);
    while (whole < size)
        whole *= 2;
    if (!ram_new(&d->rom, whole, e))
        return false;
    memcpy(d->rom->host, bytes, size);
    memset(d->rom->host + size, 0xff, (size_t)whole - size);
    d->rom_region = (struct region){
        .name = d->dev.path,
        .kind = REGION_ROM,
        .size = whole,
        .priority = PCI_PRIORITY_BAR,
        .ram = d->rom,
    };
    st_le32(d->writable + PCI_ROM, (uint32_t) ~(whole - 1) | ROM_ENABLE);
    return true;
}

/* -- INTx -- */

static bool drives_pin(const struct pci_device *d, unsigned pin)
{
    return d && d->info->interrupt_pin == pin + 1 && d->intx &&
           !(command(d) & PCI_COMMAND_INTX_DISABLE) && !pci_msi_enabled(d);
}

/* Functions of a slot may share a pin: the slot's level is their or. */
static void update_intx(struct pci_device *d)
{
    unsigned slot = d->devfn >> 3, pin = d->info->interrupt_pin - 1u;
    bool level = false;

    if (d->intx)
        d->config[PCI_STATUS] |= PCI_STATUS_INTERRUPT;
    else
        d->config[PCI_STATUS] &= (uint8_t)~PCI_STATUS_INTERRUPT;
    if (!d->bus || !d->info->interrupt_pin)
        return;
    for (unsigned f = 0; f < 8; f++)
        level |= drives_pin(d->bus->function[slot << 3 | f], pin);
    d->bus->set_irq(d->bus->owner, slot, pin, level);
}

void pci_set_intx(struct pci_device *d, bool level)
{
    if (d->intx == level)
        return;
    d->intx = level;
    update_intx(d);
}

bool pci_is_master(const struct pci_device *d)
{
    return command(d) & PCI_COMMAND_MASTER;
}

/* -- reset, loading -- */

void pci_device_reset(struct pci_device *d)
{
    for (unsigned i = 0; i < PCI_CONFIG_SIZE; i++)
        d->config[i] &= (uint8_t) ~(d->writable[i] | d->write1clear[i]);
    d->intx = false;
    pci_msi_reset(d);
    update_bars(d);
    update_intx(d);
}

void pci_device_loaded(struct pci_device *d)
{
    pci_msi_loaded(d);
    update_bars(d);
}

/* -- config accesses -- */

static bool config_access_valid(unsigned offset, unsigned size)
{
    /* Aligned, it cannot begin within and end behind. */
    return (size == 1 || size == 2 || size == 4) && offset % size == 0 &&
           offset < PCI_CONFIG_SIZE;
}

uint32_t pci_config_read(struct pci_bus *bus, uint8_t devfn, unsigned offset,
                         unsigned size)
{
    struct pci_device *d = bus->function[devfn];

    if (!d || !config_access_valid(offset, size))
        return (uint32_t)0xffffffff >> (size < 4 ? 32 - 8 * size : 0);
    if (d->config_read)
        d->config_read(d, offset, size);
    return (uint32_t)ld_le(d->config + offset, size);
}

static bool overlaps(unsigned offset, unsigned size, unsigned start,
                     unsigned end)
{
    return offset < end && offset + size > start;
}

void pci_config_write(struct pci_bus *bus, uint8_t devfn, unsigned offset,
                      uint32_t value, unsigned size)
{
    struct pci_device *d = bus->function[devfn];

    if (!d || !config_access_valid(offset, size))
        return;
    for (unsigned i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)(value >> 8 * i), *c = d->config + offset + i;
        uint8_t w = d->writable[offset + i];

        *c = (uint8_t)((*c & ~w) | (byte & w));
        *c &= (uint8_t) ~(byte & d->write1clear[offset + i]);
    }
    if (overlaps(offset, size, PCI_COMMAND, PCI_COMMAND + 2)) {
        update_bars(d);
        update_intx(d);
    } else if (overlaps(offset, size, PCI_BAR0, bar_offset(PCI_MAX_BARS)) ||
               overlaps(offset, size, PCI_ROM, PCI_ROM + 4)) {
        update_bars(d);
    }
    if (pci_msi_config_wrote(d, offset, size))
        update_intx(d);
    if (d->config_wrote)
        d->config_wrote(d, offset, size);
}

/* -- bus -- */

static int free_slot(const struct pci_bus *bus)
{
    for (int devfn = 0; devfn < PCI_MAX_FUNCTIONS; devfn += 8) {
        bool used = false;

        for (int f = 0; f < 8; f++)
            used |= bus->function[devfn + f] != NULL;
        if (!used)
            return devfn;
    }
    return -1;
}

/* Function 0 says whether a scan shall look at the others (6.2.1). */
static void mark_multi_function(struct pci_bus *bus, unsigned slot)
{
    struct pci_device **f = &bus->function[slot << 3];
    bool multi = false;

    for (unsigned i = 1; i < 8; i++)
        multi |= f[i] != NULL;
    if (!f[0])
        return;
    if (multi)
        f[0]->config[PCI_HEADER_TYPE] |= MULTI_FUNCTION;
    else
        f[0]->config[PCI_HEADER_TYPE] &= (uint8_t)~MULTI_FUNCTION;
}

static bool add_regions(struct pci_device *d, struct error *e)
{
    if (d->rom && !memory_add(d->bus->memory, &d->rom_region, e))
        return false;
    for (unsigned n = 0; n < PCI_MAX_BARS; n++) {
        struct region *r;

        if (!d->info->bar[n].size)
            continue;
        r = bar_region(d, n);
        r->base = 0;
        r->size = d->info->bar[n].size;
        r->priority = PCI_PRIORITY_BAR;
        r->enabled = false;
        if (!memory_add(d->info->bar[n].io ? d->bus->ports : d->bus->memory, r,
                        e))
            return false;
    }
    return true;
}

bool pci_attach(struct pci_bus *bus, struct pci_device *d, int devfn,
                struct error *e)
{
    if (devfn < 0)
        devfn = free_slot(bus);
    if (devfn < 0)
        return error_set(e, "no free slot on the PCI bus");
    assert(devfn < PCI_MAX_FUNCTIONS && !d->bus);
    if (bus->function[devfn])
        return error_set(e, "PCI address %02x.%d is taken by %s", devfn >> 3,
                         devfn & 7, bus->function[devfn]->dev.path);
    d->bus = bus;
    d->devfn = (uint8_t)devfn;
    bus->function[devfn] = d;
    mark_multi_function(bus, d->devfn >> 3);
    if (!add_regions(d, e)) {
        pci_detach(d);
        return false;
    }
    update_bars(d);
    update_intx(d);
    return true;
}

void pci_detach(struct pci_device *d)
{
    struct pci_bus *bus = d->bus;

    memory_remove(&d->rom_region);
    ram_free(d->rom);
    d->rom = NULL;
    if (!bus)
        return;
    d->intx = false;
    update_intx(d);
    for (unsigned n = 0; n < PCI_MAX_BARS; n++) {
        struct region *r;

        if (!d->info->bar[n].size)
            continue;
        r = bar_region(d, n);
        memory_remove(r);
    }
    bus->function[d->devfn] = NULL;
    mark_multi_function(bus, d->devfn >> 3);
    d->bus = NULL;
}

bool device_class_is_pci(const struct device_class *cls)
{
    const struct field *f = cls->fields;

    /* A PCI device's struct begins with struct pci_device, perhaps a few
     * structs deep: so does its field table. */
    while (f && f->type == FIELD_STRUCT && f->offset == 0) {
        if (f->sub == pci_device_fields)
            return true;
        f = f->sub;
    }
    return false;
}

bool pci_parse_address(const char *text, int *devfn, struct error *e)
{
    char *end;
    unsigned long slot = strtoul(text, &end, 16), function = 0;
    bool ok = end != text;

    if (ok && *end == '.') {
        const char *digits = end + 1;

        function = strtoul(digits, &end, 16);
        ok = end != digits;
    }
    /* strtoul takes signs and spaces; an address has neither. */
    if (!ok || *end || strpbrk(text, "+- \t\n\v\f\r") || slot > 31 ||
        function > 7)
        return error_set(e,
                         "'%s' is no PCI address: give a slot of 0 to 1f and "
                         "a function of 0 to 7, as in 05 or 05.1",
                         text);
    *devfn = (int)(slot << 3 | function);
    return true;
}

/* -- what host bridges share -- */

uint64_t pci_read_abort(void *owner, uint64_t offset, unsigned size)
{
    (void)owner;
    (void)offset;
    (void)size;
    return UINT64_MAX;
}

static void write_abort(void *owner, uint64_t offset, uint64_t value,
                        unsigned size)
{
    (void)owner;
    (void)offset;
    (void)value;
    (void)size;
}

const struct mmio_ops pci_abort_ops = {
    .read = pci_read_abort,
    .write = write_abort,
    .accept = 1 | 2 | 4 | 8,
    .impl = 1 | 2 | 4 | 8,
    .unaligned = true,
};

unsigned pci_swizzle(uint32_t asserted[PCI_N_PINS], unsigned slot, unsigned pin,
                     bool level)
{
    unsigned n = (slot + pin) % PCI_N_PINS;

    if (level)
        asserted[n] |= UINT32_C(1) << slot;
    else
        asserted[n] &= ~(UINT32_C(1) << slot);
    return n;
}
