/*
 * A port for debugging output: what is written goes to a character device.
 *
 * There is no such chip.  Bochs has one at port E9h and QEMU's firmware
 * another at 402h; both read as E9h, by which software finds them.  With
 * nothing connected the port is as if it were not there.  Nothing is missing.
 */
#include "devices/chardev.h"
#include "devices/device.h"
#include "devices/isa.h"

struct debugcon {
    struct device dev;
    struct chardev *chardev;
    uint32_t iobase, readback;
};

static uint64_t debugcon_read(struct device *dev, unsigned window,
                              uint64_t offset, unsigned size)
{
    struct debugcon *d = (struct debugcon *)dev;

    (void)window, (void)offset, (void)size;
    return d->chardev ? (uint8_t)d->readback : 0xff;
}

static void debugcon_write(struct device *dev, unsigned window, uint64_t offset,
                           uint64_t value, unsigned size)
{
    struct debugcon *d = (struct debugcon *)dev;
    uint8_t byte = (uint8_t)value;

    (void)window, (void)offset, (void)size;
    if (d->chardev)
        d->chardev->write(d->chardev, &byte, 1);
}

static const struct property debugcon_properties[] = {
    {"chardev", PROP_CHARDEV, offsetof(struct debugcon, chardev), NULL,
     "where the output goes", false},
    {"iobase", PROP_U32, offsetof(struct debugcon, iobase), "0xe9",
     "the port, where it is plugged in", false},
    {"readback", PROP_U32, offsetof(struct debugcon, readback), "0xe9",
     "what reads give", false},
    {NULL, PROP_U32, 0, NULL, NULL, false},
};

static const struct field debugcon_fields[] = {
    DEVICE_FIELDS(struct debugcon),
    FIELD_HOST(struct debugcon, chardev),
    FIELD_HOST(struct debugcon, iobase),
    FIELD_HOST(struct debugcon, readback),
    FIELD_LIST_END,
};

static const struct window debugcon_windows[] = {
    ISA_WINDOW("output", 1),
};

static const char *const debugcon_compatible[] = {"emu,debugcon", NULL};

const struct device_class debugcon_class = {
    .name = "isa-debugcon",
    .summary = "port for debugging output (E9h, 402h)",
    .compatible = debugcon_compatible,
    .size = sizeof(struct debugcon),
    .properties = debugcon_properties,
    .fields = debugcon_fields,
    .windows = debugcon_windows,
    .n_windows = 1,
    .read = debugcon_read,
    .write = debugcon_write,
};
