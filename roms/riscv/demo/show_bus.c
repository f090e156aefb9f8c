/*
 * What sits on the machine's buses: PCI functions and virtio-mmio devices.
 *
 * Models: PCI Local Bus Specification 3.0, chapter 6 (type 0 and 1 headers),
 * through the memory-mapped configuration space of PCI Express 4.0, 7.2.2;
 * virtio 1.2, 4.2.  Missing: capabilities, and setting anything up.
 */
#include "lib.h"
#include "print.h"
#include "show.h"
#include "trap.h"

#define PCI_ID 0x00
#define PCI_CLASS 0x08
#define PCI_HEADER 0x0c /* header type in bits 16 to 23 */
#define PCI_MULTIFUNCTION (1u << 23)
#define PCI_INTERRUPT 0x3c

#define VIRTIO_MAGIC 0x00
#define VIRTIO_MAGIC_VALUE 0x74726976 /* "virt" */
#define VIRTIO_VERSION 0x04
#define VIRTIO_DEVICE 0x08
#define VIRTIO_VENDOR 0x0c

static const char *pci_class_name(uint64_t class)
{
    static const struct {
        unsigned class; /* base class and sub-class */
        const char *name;
    } names[] = {
        {0x0100, "SCSI"},       {0x0101, "IDE"},         {0x0106, "SATA"},
        {0x0108, "NVMe"},       {0x0180, "storage"},     {0x0200, "Ethernet"},
        {0x0280, "network"},    {0x0300, "VGA"},         {0x0380, "display"},
        {0x0403, "audio"},      {0x0600, "host bridge"}, {0x0601, "ISA bridge"},
        {0x0604, "PCI bridge"}, {0x0700, "serial"},      {0x0780, "console"},
        {0x0900, "keyboard"},   {0x0c03, "USB"},         {0x1000, "encryption"},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        if (names[i].class == class)
            return names[i].name;
    }
    return "";
}

/* One function's configuration space; all ones where none answers. */
static uint32_t pci_read(uint64_t config, unsigned offset)
{
    uint64_t value;

    return probe_load(config + offset, 4, &value) ? (uint32_t)value
                                                  : UINT32_MAX;
}

static void show_function(uint64_t config, unsigned bus, unsigned devfn)
{
    uint32_t id = pci_read(config, PCI_ID);
    uint32_t class = pci_read(config, PCI_CLASS) >> 8;
    uint32_t pin = pci_read(config, PCI_INTERRUPT) >> 8 & 0xff;

    print("  %02x:%02x.%u  %04x:%04x  class %06x  ", bus, devfn >> 3, devfn & 7,
          id & 0xffff, id >> 16, class);
    if (pin >= 1 && pin <= 4)
        print("INT%c  ", 'A' + (int)pin - 1);
    else
        print("%6s", "");
    print("%s\n", pci_class_name(class >> 8));
}

/* The functions of one bus, whose configuration space begins at `config`. */
static void show_pci_bus(uint64_t config, unsigned bus)
{
    for (unsigned devfn = 0; devfn < 256; devfn++) {
        uint64_t function = config + ((uint64_t)devfn << 12);
        bool exists = (pci_read(function, PCI_ID) & 0xffff) != 0xffff;
        if (exists)
            show_function(function, bus, devfn);
        /* Functions 1 to 7 exist only where function 0 says so. */
        if (devfn % 8 == 0 && (!exists || (pci_read(function, PCI_HEADER) &
                                           PCI_MULTIFUNCTION) == 0))
            devfn += 7;
    }
}

void show_pci(const struct board *board)
{
    static const char compatible[] = "pci-host-ecam-generic";
    const struct fdt *fdt = &board->fdt;
    uint32_t node = FDT_NONE;
    struct region ecam;

    while ((node = fdt_by_compatible(fdt, compatible, node)) != FDT_NONE) {
        uint32_t first = 0, last = 255;
        if (!fdt_reg(fdt, node, 0, &ecam))
            continue;
        fdt_cell(fdt, node, "bus-range", 0, &first);
        fdt_cell(fdt, node, "bus-range", 1, &last);
        if (last > 255)
            last = 255;
        print("PCI functions at %lx\n", ecam.base);
        /* A megabyte of configuration space a bus. */
        for (uint64_t i = 0; i < ecam.size >> 20 && first + i <= last; i++)
            show_pci_bus(ecam.base + (i << 20), (unsigned)(first + i));
    }
}

static const char *virtio_name(uint64_t device)
{
    static const char *const names[] = {
        [1] = "network", [2] = "block",   [3] = "console",      [4] = "entropy",
        [5] = "balloon", [8] = "SCSI",    [9] = "9P",           [16] = "GPU",
        [18] = "input",  [19] = "socket", [20] = "crypto",      [23] = "IOMMU",
        [24] = "memory", [25] = "sound",  [26] = "file system", [27] = "pmem",
        [29] = "radio",  [32] = "I2C",
    };

    if (device >= ARRAY_SIZE(names) || names[device] == NULL)
        return "unknown";
    return names[device];
}

/* Whether a device sits in the slot (device 0 is an empty one). */
static bool show_slot(const struct fdt *fdt, uint32_t node)
{
    uint64_t magic, version, device, vendor;
    struct region reg;

    if (!fdt_reg(fdt, node, 0, &reg) ||
        !probe_load(reg.base + VIRTIO_MAGIC, 4, &magic) ||
        (uint32_t)magic != VIRTIO_MAGIC_VALUE ||
        !probe_load(reg.base + VIRTIO_VERSION, 4, &version) ||
        !probe_load(reg.base + VIRTIO_DEVICE, 4, &device) ||
        (uint32_t)device == 0 ||
        !probe_load(reg.base + VIRTIO_VENDOR, 4, &vendor))
        return false;
    print("  %012lx  version %lu  device %lu  vendor %lx  %s\n", reg.base,
          version, device, vendor, virtio_name(device));
    return true;
}

void show_virtio(const struct board *board)
{
    const struct fdt *fdt = &board->fdt;
    uint32_t node = FDT_NONE;
    unsigned slots = 0, used = 0;

    print("virtio-mmio\n");
    while ((node = fdt_by_compatible(fdt, "virtio,mmio", node)) != FDT_NONE) {
        slots++;
        used += show_slot(fdt, node);
    }
    print("  %u of %u slots used\n", used, slots);
}
