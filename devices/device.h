/*
 * The device interface.
 *
 * A device file ends in one const struct device_class.  Its struct begins
 * with a struct device, and its field table lists every other member.  The
 * core allocates the struct (zeroed), fills struct device, parses the
 * properties, calls create, adds the register windows to their address
 * space and wires the outputs, then resets it.
 *
 * Every function of a device runs under the device lock.
 */
#ifndef DEVICES_DEVICE_H
#define DEVICES_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/gate.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/state.h"
#include "base/wire.h"

struct device;
struct chardev;
struct block;
struct pci_bus;
struct display_ops;

/* What a guest may ask of the machine as a whole. */
enum machine_request {
    REQUEST_POWEROFF, /* code 0: success */
    REQUEST_FAIL,     /* the guest reports failure `code` */
    REQUEST_RESET, /* code 1: because the guest crashed */
    REQUEST_PANIC, /* the guest says that it crashed */
    REQUEST_SLEEP, /* the processors stop; code is an enum sleep_loss */
    REQUEST_WAKE,  /* they go on, if they sleep */
};

/* What loses its state when a machine goes to sleep. */
enum sleep_loss {
    SLEEP_LOSES_NOTHING,
    SLEEP_LOSES_CPUS, /* reset when they wake */
    SLEEP_LOSES_ALL,  /* devices, too: sleep() of each; not memory */
};

/* What the machine offers to every device.  Outlives the devices. */
struct device_env {
    struct clock *clock;
    struct gate *gate;
    struct log *log;
    struct memory *memory; /* DMA goes here */
    struct memory *ports;  /* I/O port space, NULL where there is none */
    /* Ask for a change of the machine's run state; takes effect at once
     * for the vCPU that asked, and soon for the others.  Any thread. */
    void (*request)(void *machine, enum machine_request what, int code);
    void *machine;
};

enum property_type {
    PROP_U32,    /* uint32_t member; decimal, 0x hex, size suffix k M G */
    PROP_U64,    /* uint64_t member, likewise */
    PROP_BOOL,   /* bool member; on|off|true|false, empty tree property */
    PROP_STRING, /* const char * member, owned by the core */
    PROP_CHARDEV, /* struct chardev * member, by its id */
    PROP_BLOCK,   /* struct block * member, by its id */
};

struct property {
    const char *name; /* as in the tree and in -device; NULL ends a list */
    enum property_type type;
    uint32_t offset;       /* of the member in the device's struct */
    const char *fallback;  /* default as text, NULL: zero */
    const char *help;
    bool required;
};

/*
 * One register window.  In the tree it is the n-th entry of `reg`.  The
 * core checks width and alignment (see struct mmio_ops), so that read and
 * write see only what `impl` says, with offset < size.
 */
struct window {
    const char *name;
    uint64_t size;        /* bytes; 0: as large as the tree says */
    uint8_t accept, impl; /* widths, 1|2|4|8 or-ed; 0 means 1|2|4 */
    bool unaligned;
    bool port;   /* lies in the I/O port space */
    bool msi;    /* takes messages; see struct mmio_ops */
    uint8_t shift_property; /* reserved, 0 */
};

#define DEVICE_MAX_WINDOWS 8

struct device_class {
    const char *name;    /* for -device and messages: "ns16550a" */
    const char *summary; /* one line for -device help */
    const char *const *compatible; /* NULL-terminated, the first is written
                                      to trees; NULL: not in trees */
    size_t size;         /* of the device's struct */
    const struct property *properties; /* may be NULL */
    const struct field *fields;        /* of everything behind struct device */
    const struct window *windows;
    unsigned n_windows;
    unsigned min_windows; /* a tree may list as few as these; 0: all */
    unsigned n_outputs; /* interrupt lines out, in the order of the tree's
                           `interrupts`; wired to dev->out[] */
    unsigned n_inputs;  /* lines in, for controllers; see input() */

    /* Check properties, allocate what hangs off the struct.  false: e. */
    bool (*create)(struct device *dev, struct error *e);
    void (*destroy)(struct device *dev);
    /* Window n has got its place and size: dev->regions[n].  false: e. */
    bool (*mapped)(struct device *dev, unsigned n, struct error *e);
    /* After the core has reset the fields by their table. */
    void (*reset)(struct device *dev);
    /* The machine suspends to RAM: power goes from all but what keeps memory
     * and what wakes it.  In place of a reset; NULL: a reset. */
    void (*sleep)(struct device *dev);
    /* After a snapshot was loaded: rebuild what is host-side. */
    void (*loaded)(struct device *dev);
    uint64_t (*read)(struct device *dev, unsigned window, uint64_t offset,
                     unsigned size);
    void (*write)(struct device *dev, unsigned window, uint64_t offset,
                  uint64_t value, unsigned size);
    /* An input line changes (interrupt controllers). */
    void (*input)(struct device *dev, unsigned line, bool level);
    /*
     * Translate an interrupt specifier of `n` cells that names this
     * controller into an input line; false: invalid.  NULL: with one input,
     * that is <0>.
     */
    bool (*specifier)(struct device *dev, const uint32_t *cells, unsigned n,
                      unsigned *line);
    /* The PCI bus that this device is the host bridge of, if any. */
    struct pci_bus *(*pci)(struct device *dev);
    const struct display_ops *display; /* what it shows; NULL: nothing */
};

struct device {
    const struct device_class *class;
    const struct device_env *env;
    char *path; /* its node's path in the tree, or -device's id */
    void *fdt;  /* the machine's tree and its node there while create runs, */
    int node;   /* else NULL and -1 */
    struct wire *out;       /* class->n_outputs entries, or more where the */
    unsigned n_out;         /* tree lists more (interrupts-extended) */
    struct region *regions; /* class->n_windows entries */
    struct device *parent;  /* the bus's device, or NULL */
};

/* The fields of struct device itself are host-side; every table of a
 * device struct S begins with this. */
#define DEVICE_FIELDS(s) FIELD_HOST(s, dev)

static inline struct wire *device_out(struct device *dev, unsigned n)
{
    return &dev->out[n];
}

/* Allocate a device: zeroed struct, defaults of its properties.  Not yet
 * created. */
struct device *device_new(const struct device_class *cls,
                          const struct device_env *env, const char *path,
                          struct error *e);

/* What properties name: backends by id.  Filled by the machine. */
struct backends {
    struct chardev *(*chardev)(void *owner, const char *id);
    struct block *(*block)(void *owner, const char *id);
    void *owner;
};

/* Set one property from text.  An unknown name says the nearest one. */
bool device_set(struct device *dev, const struct backends *b,
                const char *name, const char *value, struct error *e);

/* Is there a property of that name, and what is it? */
const struct property *device_property(const struct device_class *cls,
                                       const char *name);

/*
 * Check required properties, call create, make the regions (not yet
 * placed).  n_out is at least class->n_outputs.
 */
bool device_create(struct device *dev, unsigned n_out, struct error *e);
/* Place window n at base with `size` bytes (0: the class's size). */
bool device_map(struct device *dev, unsigned n, uint64_t base, uint64_t size,
                struct error *e);
void device_reset(struct device *dev);
void device_sleep(struct device *dev);
void device_free(struct device *dev);

/* The wire that drives input `line` of a controller. */
struct wire device_input(struct device *dev, unsigned line);

/* Every class that is built in, NULL-terminated; generated by meson from
 * the list of files in devices/meson.build. */
extern const struct device_class *const device_classes[];

/* By class name, or by a tree's compatible string; NULL if unknown. */
const struct device_class *device_class_named(const char *name);
const struct device_class *device_class_compatible(const char *compatible);

#endif
