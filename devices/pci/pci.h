/*
 * PCI functions and buses (PCI Local Bus Specification 3.0).
 *
 * A PCI device's struct begins with struct pci_device, which begins with
 * struct device.  Its class's windows are its BARs, in order.  The bus calls
 * the config space functions; BARs are regions that the core moves when the
 * guest writes them.
 */
#ifndef DEVICES_PCI_PCI_H
#define DEVICES_PCI_PCI_H

#include "devices/device.h"

#define PCI_CONFIG_SIZE 256
#define PCI_MAX_BARS 6

struct pci_device;

/* What a PCI function says of itself; const, beside its device_class. */
struct pci_info {
    uint16_t vendor, device, subsystem_vendor, subsystem;
    uint32_t class_revision; /* class code << 8 | revision */
    uint8_t interrupt_pin;   /* 1: INTA, 0: none */
    struct {
        uint64_t size; /* a power of two; 0: unused */
        bool io, is64, prefetch;
        uint8_t window; /* which of the class's windows it shows */
    } bar[PCI_MAX_BARS];
};

struct pci_device {
    struct device dev;
    uint8_t config[PCI_CONFIG_SIZE];    /* little-endian, as read */
    uint8_t writable[PCI_CONFIG_SIZE];  /* bits the guest may change */
    uint8_t write1clear[PCI_CONFIG_SIZE];
    uint8_t devfn;                      /* device << 3 | function */
    bool intx;                          /* level of its interrupt pin */
    struct pci_bus *bus;
    const struct pci_info *info;
    /* After the core's own handling of a config write; may be NULL. */
    void (*config_wrote)(struct pci_device *d, unsigned offset,
                         unsigned size);
    /* Before a config read, to refresh bytes; may be NULL. */
    void (*config_read)(struct pci_device *d, unsigned offset,
                        unsigned size);
};

/* Field table of the part that every PCI device shares:
 * FIELD_SUB(struct mydev, pci, pci_device_fields). */
extern const struct field pci_device_fields[];

/* To be called by create of a PCI device, before anything else. */
void pci_device_init(struct pci_device *d, const struct pci_info *info);
/* Add a capability of size bytes (header included); returns its offset. */
unsigned pci_add_capability(struct pci_device *d, uint8_t id, unsigned size);
void pci_set_intx(struct pci_device *d, bool level);

#define PCI_MAX_FUNCTIONS 256

struct pci_bus {
    struct pci_device *function[PCI_MAX_FUNCTIONS]; /* by devfn */
    struct memory *memory, *ports; /* where BARs appear */
    /* Bus address of a BAR -> address in that space: cpu = bus + offset. */
    uint64_t memory_offset, port_offset;
    /* INTA..INTD (0..3) of a slot changes. */
    void (*set_irq)(void *owner, unsigned slot, unsigned pin, bool level);
    void *owner;
};

/* Put a device at devfn (or the first free slot if negative). */
bool pci_attach(struct pci_bus *bus, struct pci_device *d, int devfn,
                struct error *e);
/* Config accesses; size 1, 2, 4, naturally aligned; ones where nobody is. */
uint32_t pci_config_read(struct pci_bus *bus, uint8_t devfn, unsigned offset,
                         unsigned size);
void pci_config_write(struct pci_bus *bus, uint8_t devfn, unsigned offset,
                      uint32_t value, unsigned size);

/* Is this class a PCI function (and its struct a struct pci_device)? */
bool device_class_is_pci(const struct device_class *cls);

#endif
