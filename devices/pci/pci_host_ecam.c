/*
 * A PCI host bridge with ECAM, as `pci-host-ecam-generic` in a device tree.
 *
 * PCI Firmware Specification 3.0, 4.1 (ECAM: configuration space as memory,
 * bus << 20 | device << 15 | function << 12 | register); the tree's binding
 * is that of Open Firmware's PCI bus binding 2.1 (`ranges`, 2.2.1.1 for the
 * phys.hi cell; `interrupt-map`).
 *
 * The windows for memory and I/O come from `ranges`.  What no BAR answers in
 * them reads as ones, as a master abort does.  INTx goes to four outputs,
 * (slot + pin) % 4, in the order of INTA..INTD of slot 0; create checks
 * that the tree's `interrupt-map` says the same.
 *
 * Function 00:00.0 is a host bridge with the IDs that guests know from
 * QEMU's generic bridge.
 *
 * Missing: buses behind bridges (they read as ones), the extended
 * configuration space of PCI Express (likewise), `dma-ranges` (DMA addresses
 * are CPU addresses).  Messages (MSI, MSI-X) pass as they are: `msi-parent`
 * is for the guest.
 */
#include <inttypes.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "devices/pci/pci.h"

#define N_SLOTS 32

#define BRIDGE_VENDOR 0x1b36
#define BRIDGE_DEVICE 0x0008
#define BRIDGE_CLASS 0x060000

struct ecam_host {
    struct device dev;
    struct pci_device bridge; /* 00:00.0 */
    struct pci_bus bus;
    struct region background[PCI_MAX_WINDOWS];
    uint32_t asserted[PCI_N_PINS]; /* of each output: one bit a slot */
};

static const struct field ecam_host_fields[] = {
    DEVICE_FIELDS(struct ecam_host),
    FIELD_SUB(struct ecam_host, bridge, pci_device_fields),
    FIELD_HOST(struct ecam_host, bus),
    FIELD_HOST(struct ecam_host, background),
    FIELD_ARRAY(struct ecam_host, asserted, 0),
    FIELD_LIST_END,
};

static const struct pci_info bridge_info = {
    .vendor = BRIDGE_VENDOR,
    .device = BRIDGE_DEVICE,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .class_revision = BRIDGE_CLASS << 8,
};

static void set_irq(void *owner, unsigned slot, unsigned pin, bool level)
{
    struct ecam_host *h = owner;
    unsigned n = pci_swizzle(h->asserted, slot, pin, level);

    wire_set(device_out(&h->dev, n), h->asserted[n] != 0);
}

/* -- windows -- */

static bool add_window(struct ecam_host *h, const struct pci_window *w,
                       struct error *e)
{
    struct region *r = &h->background[h->bus.n_windows];

    if (h->bus.n_windows == PCI_MAX_WINDOWS)
        return error_set(e, "more than %d ranges", PCI_MAX_WINDOWS);
    if (w->size == 0 || w->bus + (w->size - 1) < w->bus)
        return error_set(e, "a range of size 0x%" PRIx64 " at 0x%" PRIx64,
                         w->size, w->bus);
    *r = (struct region){
        .name = w->io ? "pci-io" : "pci-memory",
        .kind = REGION_MMIO,
        .base = w->cpu,
        .size = w->size,
        .priority = PCI_PRIORITY_BACKGROUND,
        .enabled = true,
        .ops = &pci_abort_ops,
        .owner = h,
    };
    if (!memory_add(h->dev.env->memory, r, e))
        return false;
    h->bus.window[h->bus.n_windows++] = *w;
    return true;
}

static uint64_t cells(const fdt32_t *p, int n)
{
    uint64_t v = 0;

    while (n-- > 0)
        v = v << 32 | fdt32_to_cpu(*p++);
    return v;
}

/* phys.hi's space code, bits 25:24: 0 configuration, 1 I/O, 2 memory of 32
 * bits, 3 memory of 64 bits. */
static bool add_range(struct ecam_host *h, const fdt32_t *p, int parent_cells,
                      struct error *e)
{
    unsigned space = fdt32_to_cpu(p[0]) >> 24 & 3;
    struct pci_window w = {
        .io = space == 1,
        .bus = cells(p + 1, 2),
        .cpu = cells(p + 3, parent_cells),
        .size = cells(p + 3 + parent_cells, 2),
    };

    if (space == 0)
        return error_set(e, "a range of configuration space");
    return add_window(h, &w, e);
}

static bool read_ranges(struct ecam_host *h, struct error *e)
{
    const void *fdt = h->dev.fdt;
    int parent = fdt_parent_offset(fdt, h->dev.node);
    int parent_cells, entry, size;
    const fdt32_t *p;

    if (fdt_address_cells(fdt, h->dev.node) != 3 ||
        fdt_size_cells(fdt, h->dev.node) != 2)
        return error_set(e, "a PCI bus has #address-cells = <3> and "
                            "#size-cells = <2>");
    parent_cells = parent < 0 ? -1 : fdt_address_cells(fdt, parent);
    if (parent_cells != 1 && parent_cells != 2)
        return error_set(e, "the parent's #address-cells is not 1 or 2");
    p = fdt_getprop(fdt, h->dev.node, "ranges", &size);
    if (!p)
        return error_set(e, "no 'ranges'");
    entry = 3 + parent_cells + 2;
    if (size % (entry * 4))
        return error_set(e,
                         "'ranges' is %d bytes long, which is no multiple "
                         "of %d cells",
                         size, entry);
    for (; size > 0; size -= entry * 4, p += entry) {
        if (!add_range(h, p, parent_cells, e))
            return error_prefix(e, "'ranges'");
    }
    return true;
}

/* -- interrupt map -- */

/* An interrupt controller that the map names.  A map names few, but hundreds
 * of times, and to find one takes a walk over the whole tree. */
struct map_parent {
    uint32_t phandle; /* 0: none yet */
    int node;
    unsigned n_address, n_specifier; /* cells of an entry's parent part */
};

/* Make *m the controller of that phandle; false: the tree is damaged. */
static bool find_parent(const void *fdt, uint32_t phandle, struct map_parent *m,
                        struct error *e)
{
    const fdt32_t *p;
    int size;

    if (m->phandle && m->phandle == phandle)
        return true;
    *m = (struct map_parent){.node = fdt_node_offset_by_phandle(fdt, phandle)};
    if (m->node < 0)
        return error_set(
            e, "'interrupt-map' names phandle %" PRIu32 ", which no node has",
            phandle);
    p = fdt_getprop(fdt, m->node, "#interrupt-cells", &size);
    if (!p || size != 4 || fdt32_to_cpu(*p) < 1 ||
        fdt32_to_cpu(*p) > PCI_MAX_SPECIFIER)
        return error_set(e,
                         "'interrupt-map' names %s, which has no "
                         "#interrupt-cells of 1 to %d",
                         fdt_get_name(fdt, m->node, NULL), PCI_MAX_SPECIFIER);
    m->n_specifier = fdt32_to_cpu(*p);
    /* No #address-cells means 0 here, not libfdt's default of 2. */
    p = fdt_getprop(fdt, m->node, "#address-cells", &size);
    if (p && size == 4)
        m->n_address = fdt32_to_cpu(*p) & 15;
    m->phandle = phandle;
    return true;
}

/* Does this entry, under the mask, name the given unit address and pin? */
static bool entry_matches(const fdt32_t *entry, const fdt32_t *mask,
                          uint32_t phys_hi, uint32_t pin)
{
    const uint32_t want[4] = {phys_hi, 0, 0, pin};

    for (int i = 0; i < 4; i++) {
        uint32_t m = mask ? fdt32_to_cpu(mask[i]) : UINT32_MAX;

        if ((fdt32_to_cpu(entry[i]) & m) != (want[i] & m))
            return false;
    }
    return true;
}

/* pci_interrupt_route(); *m is kept from one call to the next. */
static bool find_route(const void *fdt, int node, unsigned slot, unsigned pin,
                       struct map_parent *m, struct pci_route *out,
                       struct error *e)
{
    int left, mask_size;
    const fdt32_t *p = fdt_getprop(fdt, node, "interrupt-map", &left);
    const fdt32_t *mask =
        fdt_getprop(fdt, node, "interrupt-map-mask", &mask_size);

    if (!p)
        return error_set(e, "no 'interrupt-map'");
    if (mask && mask_size != 16)
        return error_set(e, "'interrupt-map-mask' is not 4 cells");
    for (left /= 4; left >= 5;) {
        int n;

        if (!find_parent(fdt, fdt32_to_cpu(p[4]), m, e))
            return false;
        n = 5 + (int)(m->n_address + m->n_specifier);
        if (n > left)
            break;
        if (entry_matches(p, mask, slot << 11, pin + 1)) {
            out->controller = m->node;
            out->n = m->n_specifier;
            for (unsigned i = 0; i < out->n; i++)
                out->cells[i] = fdt32_to_cpu(p[5 + m->n_address + i]);
            return true;
        }
        left -= n;
        p += n;
    }
    return error_set(e, "'interrupt-map' has nothing for pin %u of slot %u",
                     pin + 1, slot);
}

bool pci_interrupt_route(const void *fdt, int node, unsigned slot, unsigned pin,
                         struct pci_route *out, struct error *e)
{
    struct map_parent m = {0};

    return find_route(fdt, node, slot, pin, &m, out, e);
}

static bool same_route(const struct pci_route *a, const struct pci_route *b)
{
    return a->controller == b->controller && a->n == b->n &&
           memcmp(a->cells, b->cells, a->n * sizeof(a->cells[0])) == 0;
}

/* The guest goes by the map, we go by (slot + pin) % 4. */
static bool check_interrupt_map(struct ecam_host *h, struct error *e)
{
    struct pci_route output[PCI_N_PINS], r;
    struct map_parent m = {0};

    for (unsigned pin = 0; pin < PCI_N_PINS; pin++) {
        if (!find_route(h->dev.fdt, h->dev.node, 0, pin, &m, &output[pin], e))
            return false;
    }
    for (unsigned slot = 1; slot < N_SLOTS; slot++) {
        for (unsigned pin = 0; pin < PCI_N_PINS; pin++) {
            if (!find_route(h->dev.fdt, h->dev.node, slot, pin, &m, &r, e))
                return false;
            if (!same_route(&r, &output[(slot + pin) % PCI_N_PINS]))
                return error_set(e,
                                 "'interrupt-map' sends pin %u of slot %u "
                                 "elsewhere than pin %u of slot 0",
                                 pin + 1, slot, (slot + pin) % PCI_N_PINS + 1);
        }
    }
    return true;
}

/* -- the device -- */

static void ecam_destroy(struct device *dev)
{
    struct ecam_host *h = (struct ecam_host *)dev;

    for (unsigned i = 0; i < PCI_MAX_FUNCTIONS; i++) {
        if (h->bus.function[i])
            pci_detach(h->bus.function[i]);
    }
    for (unsigned i = 0; i < PCI_MAX_WINDOWS; i++)
        memory_remove(&h->background[i]);
}

static bool ecam_create(struct device *dev, struct error *e)
{
    struct ecam_host *h = (struct ecam_host *)dev;

    h->bus.memory = dev->env->memory;
    h->bus.ports = dev->env->memory; /* I/O windows lie in memory, too */
    h->bus.set_irq = set_irq;
    h->bus.owner = h;
    h->bridge.dev.env = dev->env;
    h->bridge.dev.path = dev->path;
    pci_device_init(&h->bridge, &bridge_info);
    /* Without a tree (a test's) there are no windows. */
    if (dev->fdt && (!read_ranges(h, e) || !check_interrupt_map(h, e))) {
        ecam_destroy(dev);
        return false;
    }
    return pci_attach(&h->bus, &h->bridge, 0, e);
}

/* The functions on the bus have resets of their own. */
static void ecam_reset(struct device *dev)
{
    struct ecam_host *h = (struct ecam_host *)dev;

    pci_device_reset(&h->bridge);
    for (unsigned n = 0; n < PCI_N_PINS; n++)
        wire_set(device_out(dev, n), false);
}

/* Bus 0 is all there is; conventional functions have 256 bytes each. */
static bool decode(uint64_t offset, uint8_t *devfn, unsigned *reg)
{
    *devfn = (uint8_t)(offset >> 12);
    *reg = offset & 0xfff;
    return offset >> 20 == 0 && *reg < PCI_CONFIG_SIZE;
}

static uint64_t ecam_read(struct device *dev, unsigned window, uint64_t offset,
                          unsigned size)
{
    struct ecam_host *h = (struct ecam_host *)dev;
    uint8_t devfn;
    unsigned reg;

    (void)window;
    if (!decode(offset, &devfn, &reg))
        return UINT64_MAX >> (64 - 8 * size);
    return pci_config_read(&h->bus, devfn, reg, size);
}

static void ecam_write(struct device *dev, unsigned window, uint64_t offset,
                       uint64_t value, unsigned size)
{
    struct ecam_host *h = (struct ecam_host *)dev;
    uint8_t devfn;
    unsigned reg;

    (void)window;
    if (decode(offset, &devfn, &reg))
        pci_config_write(&h->bus, devfn, reg, (uint32_t)value, size);
}

static struct pci_bus *ecam_bus(struct device *dev)
{
    return &((struct ecam_host *)dev)->bus;
}

static const struct window ecam_windows[] = {
    /* One megabyte a bus, 256 buses; the tree may give less. */
    {.name = "ecam", .size = 256 << 20, .accept = 1 | 2 | 4, .impl = 1 | 2 | 4},
};

const struct device_class pci_host_ecam_class = {
    .name = "pci-host-ecam-generic",
    .summary = "PCI host bridge with ECAM",
    .compatible = (const char *const[]){"pci-host-ecam-generic", NULL},
    .size = sizeof(struct ecam_host),
    .fields = ecam_host_fields,
    .windows = ecam_windows,
    .n_windows = 1,
    .n_outputs = PCI_N_PINS,
    .create = ecam_create,
    .destroy = ecam_destroy,
    .reset = ecam_reset,
    .read = ecam_read,
    .write = ecam_write,
    .pci = ecam_bus,
};
