/*
 * PCI functions and buses (PCI Local Bus Specification 3.0).
 *
 * A PCI device's struct begins with struct pci_device, which begins with
 * struct device; its field table begins with FIELD_SUB(..., pci_device_fields).
 * Its class's windows are its BARs, as its struct pci_info says.  BARs are
 * regions that the core moves when the guest writes them.
 *
 * Life of a PCI device: device_new(), device_create() (its create calls
 * pci_device_init() first), pci_attach(); at the end device_free(), whose
 * destroy calls pci_detach().
 */
#ifndef DEVICES_PCI_PCI_H
#define DEVICES_PCI_PCI_H

#include "devices/device.h"

#define PCI_CONFIG_SIZE 256
#define PCI_MAX_BARS 6
#define PCI_MAX_FUNCTIONS 256
#define PCI_MAX_WINDOWS 8

/* Offsets in a type 0 header, 6.1. */
enum {
    PCI_VENDOR_ID = 0x00,
    PCI_DEVICE_ID = 0x02,
    PCI_COMMAND = 0x04,
    PCI_STATUS = 0x06,
    PCI_REVISION_ID = 0x08,
    PCI_CLASS_CODE = 0x09,
    PCI_CACHE_LINE_SIZE = 0x0c,
    PCI_LATENCY_TIMER = 0x0d,
    PCI_HEADER_TYPE = 0x0e,
    PCI_BAR0 = 0x10,
    PCI_SUBSYSTEM_VENDOR_ID = 0x2c,
    PCI_SUBSYSTEM_ID = 0x2e,
    PCI_ROM = 0x30,
    PCI_CAPABILITIES = 0x34,
    PCI_INTERRUPT_LINE = 0x3c,
    PCI_INTERRUPT_PIN = 0x3d,
    PCI_HEADER_END = 0x40,
};

/* Command register, 6.2.2. */
enum {
    PCI_COMMAND_IO = 1 << 0,
    PCI_COMMAND_MEMORY = 1 << 1,
    PCI_COMMAND_MASTER = 1 << 2,
    PCI_COMMAND_PARITY = 1 << 6,
    PCI_COMMAND_SERR = 1 << 8,
    PCI_COMMAND_INTX_DISABLE = 1 << 10,
};

/* Status register, 6.2.3. */
enum {
    PCI_STATUS_INTERRUPT = 1 << 3,
    PCI_STATUS_CAPABILITIES = 1 << 4,
};

#define PCI_ROM_MAX ((size_t)16 << 20) /* bytes of an expansion ROM */

#define PCI_CAPABILITY_MSI 0x05
#define PCI_CAPABILITY_VENDOR 0x09
#define PCI_CAPABILITY_MSIX 0x11

#define PCI_MAX_VECTORS 32
/* The BAR of MSI-X: the table, then the pending bits. */
#define PCI_MSIX_SIZE 0x1000
#define PCI_MSIX_PBA 0x800

struct pci_bus;
struct pci_device;

/* What a PCI function says of itself; outlives the function. */
struct pci_info {
    uint16_t vendor, device, subsystem_vendor, subsystem;
    uint32_t class_revision; /* class code << 8 | revision */
    uint8_t interrupt_pin;   /* 1: INTA ... 4: INTD, 0: none */
    struct {
        uint64_t size; /* a power of two, of the window; 0: unused */
        bool io, is64, prefetch;
        uint8_t window; /* which of the class's windows it shows */
    } bar[PCI_MAX_BARS];
};

/* An entry of the MSI-X table, 6.8.2. */
struct pci_vector {
    uint64_t address;
    uint32_t data, control; /* bit 0: masked */
};

struct pci_device {
    struct device dev;
    uint8_t config[PCI_CONFIG_SIZE];   /* little-endian, as read */
    uint8_t writable[PCI_CONFIG_SIZE]; /* bits the guest may change */
    uint8_t write1clear[PCI_CONFIG_SIZE];
    uint8_t devfn;   /* device << 3 | function */
    uint8_t cap_end; /* first byte behind the last capability */
    bool intx;       /* its interrupt pin is asserted, masked or not */
    uint8_t msi_cap, msix_cap; /* offsets; 0: no such capability */
    uint8_t n_msi, n_msix;     /* vectors */
    uint32_t msix_pending;     /* by vector */
    struct pci_vector vector[PCI_MAX_VECTORS];
    struct pci_bus *bus; /* NULL while not attached */
    const struct pci_info *info;
    struct ram *rom; /* what the expansion ROM holds; NULL: there is none */
    struct region rom_region;
    /* After the core's own handling of a config write; may be NULL. */
    void (*config_wrote)(struct pci_device *d, unsigned offset, unsigned size);
    /* Before a config read, to refresh bytes; may be NULL. */
    void (*config_read)(struct pci_device *d, unsigned offset, unsigned size);
};

/* Field table of the part that every PCI device shares. */
extern const struct field pci_device_fields[];

/* To be called by create of a PCI device, before anything else. */
void pci_device_init(struct pci_device *d, const struct pci_info *info);
/* To be called by its class's reset: every writable bit of the config space
 * goes to 0, BARs vanish, the interrupt pin is released. */
void pci_device_reset(struct pci_device *d);
/* To be called by its class's loaded: BARs appear where config says. */
void pci_device_loaded(struct pci_device *d);

/*
 * Add a capability of size bytes (header included, rounded up to a dword)
 * to the end of the list; returns its offset.  Its bytes are zero and read
 * only; the caller fills them and their masks.  From create only.
 */
unsigned pci_add_capability(struct pci_device *d, uint8_t id, unsigned size);

/*
 * Give it an expansion ROM of `size` bytes (1 to 16 MiB), padded with ones to
 * a power of two; they are copied.  After device_create() and before
 * pci_attach(); pci_detach() takes it away.
 */
bool pci_set_rom(struct pci_device *d, const void *bytes, size_t size,
                 struct error *e);

/* The level of the function's interrupt pin, before INTx Disable. */
void pci_set_intx(struct pci_device *d, bool level);
/* May the function read and write memory (Bus Master)? */
bool pci_is_master(const struct pci_device *d);

/* -- messages (msi.c) -- */

/*
 * Add MSI with n vectors (a power of two), 64-bit addresses and masks, or
 * MSI-X with n vectors, whose table is in BAR number `bar`, of PCI_MSIX_SIZE
 * bytes.  n is at most PCI_MAX_VECTORS.  From create only.
 */
void pci_add_msi(struct pci_device *d, unsigned n);
void pci_add_msix(struct pci_device *d, unsigned n, unsigned bar);
/* The guest has chosen messages: the interrupt pin is idle. */
bool pci_msi_enabled(const struct pci_device *d);
/*
 * Send the message of a vector by MSI or MSI-X, whichever is enabled, or
 * note it as pending while it is masked.  One that is none is ignored.
 */
void pci_msi_notify(struct pci_device *d, unsigned vector);
/* The window of the MSI-X BAR; size is 4 or 8. */
uint64_t pci_msix_read(struct pci_device *d, uint64_t offset, unsigned size);
void pci_msix_write(struct pci_device *d, uint64_t offset, uint64_t value,
                    unsigned size);

/* For pci.c: the guest wrote configuration bytes; reset; loaded. */
bool pci_msi_config_wrote(struct pci_device *d, unsigned offset, unsigned size);
void pci_msi_reset(struct pci_device *d);
void pci_msi_loaded(struct pci_device *d);
extern const struct field pci_vector_fields[];

/*
 * A range of bus addresses that the host bridge passes on: bus addresses
 * [bus, bus + size) appear at cpu in the bus's memory or ports.  A BAR that
 * is not wholly within one window is not visible.
 */
struct pci_window {
    bool io;
    uint64_t bus, cpu, size;
};

struct pci_bus {
    struct pci_device *function[PCI_MAX_FUNCTIONS]; /* by devfn */
    struct memory *memory, *ports; /* where memory and I/O BARs appear */
    struct pci_window window[PCI_MAX_WINDOWS];
    unsigned n_windows;
    bool under_ram; /* the windows show what is left beside RAM */
    /* INTA..INTD (pin 0..3) of a slot, or-ed over its functions. */
    void (*set_irq)(void *owner, unsigned slot, unsigned pin, bool level);
    void *owner;
};

/* BARs lie above a host bridge's background of its windows, and below
 * everything else that the board has at an address. */
#define PCI_PRIORITY_BAR (-1)
#define PCI_PRIORITY_BACKGROUND (-2)

/* Put a created device at devfn, or at function 0 of the first free slot if
 * devfn is negative.  false: taken, full; e does not name the device. */
bool pci_attach(struct pci_bus *bus, struct pci_device *d, int devfn,
                struct error *e);
/* Take it off its bus, if it is on one. */
void pci_detach(struct pci_device *d);

/* What host bridges share.  Where no function answers: reads give ones, writes
 * go nowhere (a master abort). */
extern const struct mmio_ops pci_abort_ops;
uint64_t pci_read_abort(void *owner, uint64_t offset, unsigned size);
#define PCI_N_PINS 4
/*
 * Note the level of a slot's pin on the bridge's outputs, a bit a slot in
 * asserted[], which turn by one from slot to slot; returns the output, on if
 * its asserted[] is not 0.
 */
unsigned pci_swizzle(uint32_t asserted[PCI_N_PINS], unsigned slot, unsigned pin,
                     bool level);

/* Config accesses; size 1, 2, 4, naturally aligned; ones where nobody is. */
uint32_t pci_config_read(struct pci_bus *bus, uint8_t devfn, unsigned offset,
                         unsigned size);
void pci_config_write(struct pci_bus *bus, uint8_t devfn, unsigned offset,
                      uint32_t value, unsigned size);

/* Is this class a PCI function (and its struct a struct pci_device)? */
bool device_class_is_pci(const struct device_class *cls);

/* Parse -device's addr=: hexadecimal "slot" or "slot.function". */
bool pci_parse_address(const char *text, int *devfn, struct error *e);

/*
 * Look INTA..INTD (pin 0..3) of a slot up in the interrupt-map of a host
 * bridge's node.  Gives the controller's node and the specifier, of at most
 * PCI_MAX_SPECIFIER cells.  false: e says what is wrong, without the node.
 */
#define PCI_MAX_SPECIFIER 4
struct pci_route {
    int controller; /* node offset */
    unsigned n;
    uint32_t cells[PCI_MAX_SPECIFIER];
};
bool pci_interrupt_route(const void *fdt, int node, unsigned slot, unsigned pin,
                         struct pci_route *out, struct error *e);

#endif
