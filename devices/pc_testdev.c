/*
 * What test kernels look for beside a PC's chips: ports and memory that keep
 * what was written, and the ISA bus's interrupt lines at their fingers' ends.
 *
 * There is no such chip; kvm-unit-tests know it from QEMU's pc-testdev.
 *
 *   ports E0h to E3h         keep what is written
 *   ports E4h to E7h         a write asks for a physical page to be mapped
 *                            anew by whoever emulates; nothing shows of it
 *   ports 2000h to 200Fh     a write of v to 2000h + n makes IRQ n what v != 0
 *                            says
 *   memory at FF000000h      64 KiB that keep what is written, as registers:
 *                            no memory, so that each access is one of a device
 *
 * Missing: the third set of ports, E8h; lines 16 to 23, which a PC has not.
 */
#include "devices/device.h"

enum { WINDOW_PORTS, WINDOW_LINES, WINDOW_MEMORY, WINDOWS };

#define PORTS 8
#define FLUSH 4 /* the first port of the second four */
#define LINES 16
#define LINES_BASE 0x2000
#define MEMORY_BASE UINT64_C(0xff000000)
#define MEMORY_SIZE 0x10000

struct pc_testdev {
    struct device dev;
    uint32_t iobase;
    uint8_t ports[FLUSH];
    uint8_t lines[LINES];
    uint8_t memory[MEMORY_SIZE];
};

static uint64_t pc_testdev_read(struct device *dev, unsigned window,
                                uint64_t offset, unsigned size)
{
    struct pc_testdev *d = (struct pc_testdev *)dev;

    (void)size; /* one byte of each */
    switch (window) {
    case WINDOW_PORTS:
        return offset < FLUSH ? d->ports[offset] : 0xff;
    case WINDOW_LINES:
        return d->lines[offset];
    default:
        return d->memory[offset];
    }
}

static void drive(struct pc_testdev *d, unsigned line)
{
    wire_set(device_out(&d->dev, line), d->lines[line]);
}

static void pc_testdev_write(struct device *dev, unsigned window,
                             uint64_t offset, uint64_t value, unsigned size)
{
    struct pc_testdev *d = (struct pc_testdev *)dev;

    (void)size;
    switch (window) {
    case WINDOW_PORTS:
        if (offset < FLUSH)
            d->ports[offset] = (uint8_t)value;
        break;
    case WINDOW_LINES:
        d->lines[offset] = value != 0;
        drive(d, (unsigned)offset);
        break;
    default:
        d->memory[offset] = (uint8_t)value;
        break;
    }
}

static void pc_testdev_settle(struct device *dev)
{
    for (unsigned i = 0; i < LINES; i++)
        drive((struct pc_testdev *)dev, i);
}

/* The rest of it is where it always is. */
static bool pc_testdev_mapped(struct device *dev, unsigned n, struct error *e)
{
    if (n != WINDOW_PORTS)
        return true;
    return device_map(dev, WINDOW_LINES, LINES_BASE, LINES, e) &&
           device_map(dev, WINDOW_MEMORY, MEMORY_BASE, MEMORY_SIZE, e);
}

static const struct property pc_testdev_properties[] = {
    {"iobase", PROP_U32, offsetof(struct pc_testdev, iobase), "0xe0",
     "the first of its ports", false},
    {NULL, PROP_U32, 0, NULL, NULL, false},
};

static const struct field pc_testdev_fields[] = {
    DEVICE_FIELDS(struct pc_testdev),
    FIELD_HOST(struct pc_testdev, iobase),
    FIELD_ARRAY(struct pc_testdev, ports, 0),
    FIELD_ARRAY(struct pc_testdev, lines, 0),
    FIELD_ARRAY(struct pc_testdev, memory, 0),
    FIELD_LIST_END,
};

static const struct window pc_testdev_windows[WINDOWS] = {
    {.name = "ports",
     .size = PORTS,
     .accept = 1 | 2 | 4,
     .impl = 1,
     .unaligned = true,
     .port = true},
    {.name = "lines", .size = LINES, .accept = 1, .impl = 1, .port = true},
    {.name = "memory",
     .size = MEMORY_SIZE,
     .accept = 1 | 2 | 4 | 8,
     .impl = 1,
     .unaligned = true},
};

const struct device_class pc_testdev_class = {
    .name = "pc-testdev",
    .summary = "ports, memory and interrupt lines for test kernels",
    .size = sizeof(struct pc_testdev),
    .properties = pc_testdev_properties,
    .fields = pc_testdev_fields,
    .windows = pc_testdev_windows,
    .n_windows = WINDOWS,
    .n_outputs = LINES,
    .mapped = pc_testdev_mapped,
    .reset = pc_testdev_settle,
    .loaded = pc_testdev_settle,
    .read = pc_testdev_read,
    .write = pc_testdev_write,
};
