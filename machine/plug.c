/*
 * Devices that the command line adds: -device, and the disks that the board
 * places by itself.
 *
 * A virtio-...-device goes into an MMIO slot, a PCI function on the bus of
 * the board's host bridge, a device of the ISA bus where its iobase says.
 * "virtio-blk" without an ending is what the board's root node prefers
 * (emu,virtio).  Drives of IDE and floppy controllers are drives.c's.
 *
 * Missing: more than one PCI bus; taking a device out again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/isa.h"
#include "devices/pci/pci.h"
#include "devices/virtio/virtio.h"
#include "machine/machine_priv.h"

#define SLOT_PREFIX "virtio-mmio-bus."
#define MAX_NAMES 256

/* -- what the option names -- */

static const char *option(const struct device_option *o, const char *name)
{
    for (size_t i = 0; i < o->n; i++) {
        if (strcmp(o->names[i], name) == 0)
            return o->values[i];
    }
    return NULL;
}

/* The properties by which the user says at which ports it shall be. */
static const struct property *port_property(const struct device_class *cls)
{
    const struct property *p = device_property(cls, "iobase");

    return p ? p : device_property(cls, "ioport");
}

bool machine_can_plug(const struct device_class *cls)
{
    return device_class_is_virtio(cls) || device_class_is_pci(cls) ||
           port_property(cls);
}

static bool no_class(const char *driver, struct error *e)
{
    const char *names[MAX_NAMES] = {NULL}, *near;
    char all[300] = "";
    size_t n = 0, at = 0;

    for (const struct device_class *const *c = device_classes; *c; c++) {
        if (machine_can_plug(*c) && n < MAX_NAMES)
            names[n++] = (*c)->name;
    }
    for (const struct drive_kind *k = drive_kinds; k->name && n < MAX_NAMES;
         k++)
        names[n++] = k->name;
    near = nearest_name(driver, names, n);
    if (near)
        return error_set(e,
                         "-device %s: there is no such device (did you "
                         "mean '%s'?)",
                         driver, near);
    for (size_t i = 0; i < n && at < sizeof(all); i++)
        at += (size_t)snprintf(all + at, sizeof(all) - at, "%s%s",
                               i ? ", " : "", names[i]);
    return error_set(e, "-device %s: there is no such device; there are: %s",
                     driver, n ? all : "none");
}

static const struct device_class *
find_class(struct machine *m, const char *driver, struct error *e)
{
    const struct device_class *cls = device_class_named(driver);
    char name[128];

    if (!cls) {
        snprintf(name, sizeof(name), "%s-%s", driver, m->virtio);
        cls = device_class_named(name);
    }
    if (!cls) {
        no_class(driver, e);
    } else if (!machine_can_plug(cls)) {
        error_set(e, "-device %s: part of a board, not to be plugged in",
                  driver);
        cls = NULL;
    }
    return cls;
}

static bool id_taken(const struct machine *m, const char *id)
{
    for (unsigned i = 0; i < m->n_members; i++) {
        if (strcmp(m->members[i].dev->path, id) == 0)
            return true;
    }
    return false;
}

/* -- virtio over MMIO -- */

/* bus=virtio-mmio-bus.N; any: -1. */
static bool wanted_slot(const char *bus, int *slot, struct error *e)
{
    size_t n = strlen(SLOT_PREFIX);
    char *end;

    *slot = -1;
    if (!bus)
        return true;
    if (strncmp(bus, SLOT_PREFIX, n) == 0 && bus[n] >= '0' && bus[n] <= '9') {
        long v = strtol(bus + n, &end, 10);

        if (*end == 0 && v < 1000) {
            *slot = (int)v;
            return true;
        }
    }
    return error_set(e, "bus=%s: wanted " SLOT_PREFIX "0 and so on", bus);
}

static bool plug_slot(struct machine *m, struct device *dev, const char *bus,
                      struct error *e)
{
    int wanted, at = 0;

    if (!wanted_slot(bus, &wanted, e))
        return false;
    for (unsigned i = 0; i < m->n_members; i++) {
        struct device *slot = m->members[i].dev;

        if (!virtio_mmio_is_slot(slot))
            continue;
        if (wanted == at || (wanted < 0 && virtio_mmio_is_free(slot))) {
            dev->parent = slot;
            return virtio_mmio_plug(slot, dev, e);
        }
        at++;
    }
    if (wanted >= 0)
        return error_set(e, "bus=%s: this board has %d slots", bus, at);
    if (at == 0)
        return error_set(e, "this board has no virtio-mmio slots");
    return error_set(e, "all %d virtio-mmio slots are taken", at);
}

/* -- PCI -- */

bool machine_read_rom(struct machine *m, const struct device *dev, bool must,
                      uint8_t **bytes, uint32_t *size, struct error *e)
{
    const struct property *p = device_property(dev->class, "romfile");
    struct error why;
    struct source s;
    const char *file;
    bool ok;

    *bytes = NULL;
    if (!p)
        return true;
    memcpy(&file, (const char *)dev + p->offset, sizeof(file));
    if (!file || !*file)
        return true;
    if (!firmware_open_option_rom(&s, file, m->firmware_dirs, &why))
        return !must || error_set(e, "%s", why.text);
    ok = source_all(&s, PCI_ROM_MAX, bytes, e);
    *size = (uint32_t)s.size;
    source_close(&s);
    return ok;
}

bool machine_add_rom(struct machine *m, struct device *dev, bool must,
                     struct error *e)
{
    uint8_t *bytes;
    uint32_t size;
    bool ok;

    if (!device_class_is_pci(dev->class))
        return true;
    if (!machine_read_rom(m, dev, must, &bytes, &size, e))
        return false;
    ok = !bytes || pci_set_rom((struct pci_device *)dev, bytes, size, e) ||
         error_prefix(e, "romfile");
    free(bytes);
    return ok;
}

static bool plug_pci(struct machine *m, struct device *dev, const char *bus,
                     const char *addr, struct error *e)
{
    struct device *host = NULL;
    int devfn = -1;

    for (unsigned i = 0; i < m->n_members && !host; i++) {
        if (m->members[i].dev->class->pci)
            host = m->members[i].dev;
    }
    if (!host)
        return error_set(e, "this board has no PCI bus");
    if (bus && strcmp(bus, "pcie.0") != 0 && strcmp(bus, "pci.0") != 0)
        return error_set(e, "bus=%s: wanted pcie.0", bus);
    if ((addr && !pci_parse_address(addr, &devfn, e)) ||
        !machine_add_rom(m, dev, true, e))
        return false;
    dev->parent = host;
    return pci_attach(host->class->pci(host), (struct pci_device *)dev, devfn,
                      e);
}

/* -- ISA -- */

/* Its outputs are interrupts of the bus, by number. */
static bool wire_isa(struct machine *m, struct device *dev, struct error *e)
{
    struct device *irqs = machine_device_of(m, &isa_irqs_class, 0);

    for (uint32_t i = 0; i < dev->class->n_outputs; i++) {
        unsigned line;

        if (!irqs || !irqs->class->specifier(irqs, &i, 1, &line))
            return error_set(e, "this board has no free ISA interrupt %u",
                             (unsigned)i);
        dev->out[i] = device_input(irqs, line);
    }
    return true;
}

static bool plug_isa(struct machine *m, struct device *dev, const char *bus,
                     struct error *e)
{
    const struct property *p = port_property(dev->class);
    const struct property *size = device_property(dev->class, "iosize");
    uint32_t base, ports = 0;

    if (!m->ports)
        return error_set(e, "this board has no I/O ports");
    if (bus && strcmp(bus, "isa.0") != 0)
        return error_set(e, "bus=%s: wanted isa.0", bus);
    memcpy(&base, (const char *)dev + p->offset, sizeof(base));
    if (size)
        memcpy(&ports, (const char *)dev + size->offset, sizeof(ports));
    if (base > 0xffff)
        return error_set(e, "%s=0x%x: wanted at most 0xffff", p->name, base);
    return wire_isa(m, dev, e) && device_map(dev, 0, base, ports, e);
}

/* -- all -- */

static bool set_options(struct machine *m, struct device *dev,
                        const struct device_option *o, struct error *e)
{
    static const char *const ours[] = {"id", "bus", "addr", "bootindex"};

    for (size_t i = 0; i < o->n; i++) {
        bool own = false;

        for (size_t k = 0; k < sizeof(ours) / sizeof(ours[0]); k++)
            own = own || strcmp(o->names[i], ours[k]) == 0;
        if (!own &&
            !device_set(dev, &m->backends, o->names[i], o->values[i], e))
            return false;
    }
    return true;
}

/* Onto its bus; messages do not say yet of what device they are. */
static bool place(struct machine *m, struct device *dev, const char *bus,
                  const char *addr, struct error *e)
{
    if (device_class_is_pci(dev->class))
        return plug_pci(m, dev, bus, addr, e);
    if (addr)
        return error_set(e, "addr=%s: only for PCI devices", addr);
    if (port_property(dev->class))
        return plug_isa(m, dev, bus, e);
    return plug_slot(m, dev, bus, e);
}

/* bootindex=N: what is lower is booted from first. */
static bool set_boot_index(struct machine *m, const struct device_class *cls,
                           const struct device_option *o, struct error *e)
{
    const char *text = option(o, "bootindex");
    char *end;
    long n;

    if (!text)
        return true;
    n = strtol(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || n > 9999)
        return error_set(e, "bootindex=%s: wanted 0 to 9999", text);
    if (strncmp(cls->name, "virtio-blk", 10) != 0)
        return error_set(e, "bootindex=%s: nothing is booted from it", text);
    m->members[m->n_members - 1].boot_index = (int)n;
    return true;
}

/* `name` is what messages call the device. */
static bool add(struct machine *m, const struct device_option *o,
                const char *name, struct error *e)
{
    const struct device_class *cls = find_class(m, o->driver, e);
    struct device *dev;

    if (!cls)
        return false;
    dev = device_new(cls, &m->env, name, e);
    if (!dev || !machine_add(m, dev, -1, e) || !set_options(m, dev, o, e) ||
        !device_create(dev, cls->n_outputs, e))
        return false;
    return (set_boot_index(m, cls, o, e) &&
            place(m, dev, option(o, "bus"), option(o, "addr"), e)) ||
           error_prefix(e, "%s", name);
}

static bool add_option(struct machine *m, const struct device_option *o,
                       struct error *e)
{
    const char *id = option(o, "id");
    char name[160];

    snprintf(name, sizeof(name), "-device %s", o->driver);
    if (!id)
        return add(m, o, name, e);
    if (id_taken(m, id))
        return error_set(e, "%s: id=%s is taken", name, id);
    return add(m, o, id, e) || error_prefix(e, "%s", name);
}

static bool add_disk(struct machine *m, const char *drive, struct error *e)
{
    const char *const property = "drive";
    struct device_option o = {
        .driver = "virtio-blk",
        .n = 1,
        .names = &property,
        .values = &drive,
    };
    char name[160];

    snprintf(name, sizeof(name), "drive %s", drive);
    return add(m, &o, name, e);
}

bool machine_plug(struct machine *m, const struct machine_config *config,
                  struct error *e)
{
    static const struct device_option vga = {.driver = "VGA"};

    if (config->vga >= VGA_CGA && !m->have_card)
        return error_set(e, "-vga %s: this board has none; isapc has",
                         m->want_card);
    if (config->vga == VGA_STD && !m->have_card && !add_option(m, &vga, e))
        return false;
    for (size_t i = 0; i < config->n_devices; i++) {
        if (!machine_is_drive(config->devices[i].driver) &&
            !add_option(m, &config->devices[i], e))
            return false;
    }
    for (size_t i = 0; i < MACHINE_VIRTIO_DISKS; i++) {
        if (m->virtio_disk[i] && !add_disk(m, m->virtio_disk[i], e))
            return false;
    }
    return true;
}
