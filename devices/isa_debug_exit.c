/*
 * A port with which a guest ends its run: what is written, v, becomes the
 * exit status 2v + 1.
 *
 * There is no such chip; test kernels know it from QEMU's isa-debug-exit.
 * Reads give 0.  Nothing is missing.
 */
#include "devices/device.h"

struct isa_debug_exit {
    struct device dev;
    uint32_t iobase, iosize;
};

static uint64_t isa_debug_exit_read(struct device *dev, unsigned window,
                                    uint64_t offset, unsigned size)
{
    (void)dev, (void)window, (void)offset, (void)size;
    return 0;
}

static void isa_debug_exit_write(struct device *dev, unsigned window,
                                 uint64_t offset, uint64_t value, unsigned size)
{
    (void)window, (void)offset, (void)size;
    dev->env->request(dev->env->machine, REQUEST_FAIL,
                      (int)((value << 1 | 1) & INT32_MAX));
}

static bool isa_debug_exit_create(struct device *dev, struct error *e)
{
    struct isa_debug_exit *d = (struct isa_debug_exit *)dev;

    if (d->iosize != 1 && d->iosize != 2 && d->iosize != 4)
        return error_set(e, "iosize=%u: want 1, 2 or 4", d->iosize);
    return true;
}

static const struct property isa_debug_exit_properties[] = {
    {"iobase", PROP_U32, offsetof(struct isa_debug_exit, iobase), "0x501",
     "the port, where it is plugged in", false},
    {"iosize", PROP_U32, offsetof(struct isa_debug_exit, iosize), "4",
     "how many ports it takes", false},
    {NULL, PROP_U32, 0, NULL, NULL, false},
};

static const struct field isa_debug_exit_fields[] = {
    DEVICE_FIELDS(struct isa_debug_exit),
    FIELD_HOST(struct isa_debug_exit, iobase),
    FIELD_HOST(struct isa_debug_exit, iosize),
    FIELD_LIST_END,
};

static const struct window isa_debug_exit_windows[] = {
    {.name = "exit",
     .size = 4,
     .accept = 1 | 2 | 4,
     .impl = 1 | 2 | 4,
     .unaligned = true,
     .port = true},
};

static const char *const isa_debug_exit_compatible[] = {"emu,isa-debug-exit",
                                                        NULL};

const struct device_class isa_debug_exit_class = {
    .name = "isa-debug-exit",
    .summary = "ends the run with the status 2v + 1 when v is written",
    .compatible = isa_debug_exit_compatible,
    .size = sizeof(struct isa_debug_exit),
    .properties = isa_debug_exit_properties,
    .fields = isa_debug_exit_fields,
    .windows = isa_debug_exit_windows,
    .n_windows = 1,
    .create = isa_debug_exit_create,
    .read = isa_debug_exit_read,
    .write = isa_debug_exit_write,
};
