/*
 * pvpanic: a port by which a guest's kernel says that it has crashed.
 *
 * Follows QEMU's docs/specs/pvpanic: a read gives the events that may be
 * reported, a write reports those whose bits are set: 0 the guest has
 * panicked, 1 it has, and runs its crash kernel now.  The first ends the run,
 * the second is only logged.
 *
 * Missing: the orderly shutdown of later versions (bit 2).
 */
#include "devices/device.h"
#include "devices/isa.h"

enum { PANICKED = 0x01, CRASH_LOADED = 0x02, EVENTS = 0x03 };

struct pvpanic {
    struct device dev;
    uint32_t iobase, events;
};

static uint64_t pvpanic_read(struct device *dev, unsigned window,
                             uint64_t offset, unsigned size)
{
    (void)window, (void)offset, (void)size;
    return ((struct pvpanic *)dev)->events;
}

static void pvpanic_write(struct device *dev, unsigned window, uint64_t offset,
                          uint64_t value, unsigned size)
{
    struct pvpanic *p = (struct pvpanic *)dev;
    const struct device_env *env = dev->env;

    (void)window, (void)offset, (void)size;
    if (value & ~(uint64_t)p->events)
        log_guest(env->log, "%s: no such event: 0x%02x", dev->path,
                  (unsigned)value);
    value &= p->events;
    if (value & PANICKED)
        env->request(env->machine, REQUEST_PANIC, 0);
    else if (value & CRASH_LOADED)
        log_guest(env->log,
                  "%s: the guest has crashed, and runs its crash "
                  "kernel",
                  dev->path);
}

static bool pvpanic_create(struct device *dev, struct error *e)
{
    struct pvpanic *p = (struct pvpanic *)dev;

    if (p->events & ~(uint32_t)EVENTS)
        return error_set(e, "events=%u: want 0 to 3", p->events);
    return true;
}

static const struct property pvpanic_properties[] = {
    {"ioport", PROP_U32, offsetof(struct pvpanic, iobase), "0x505",
     "the port, where it is plugged in", false},
    {"events", PROP_U32, offsetof(struct pvpanic, events), "3",
     "1: panicked, 2: crash kernel loaded", false},
    {NULL, PROP_U32, 0, NULL, NULL, false},
};

static const struct field pvpanic_fields[] = {
    DEVICE_FIELDS(struct pvpanic),
    FIELD_HOST(struct pvpanic, iobase),
    FIELD_HOST(struct pvpanic, events),
    FIELD_LIST_END,
};

static const struct window pvpanic_windows[] = {
    ISA_WINDOW("events", 1),
};

static const char *const pvpanic_compatible[] = {"emu,pvpanic", NULL};

const struct device_class pvpanic_class = {
    .name = "pvpanic",
    .summary = "port by which a guest says that it has crashed",
    .compatible = pvpanic_compatible,
    .size = sizeof(struct pvpanic),
    .properties = pvpanic_properties,
    .fields = pvpanic_fields,
    .windows = pvpanic_windows,
    .n_windows = 1,
    .create = pvpanic_create,
    .read = pvpanic_read,
    .write = pvpanic_write,
};
