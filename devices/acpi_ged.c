/*
 * What is left of a PC's power management where ACPI's hardware is reduced:
 * the generic event device with its power button, and the registers by which
 * such a machine sleeps and resets.
 *
 * ACPI Specification 6.0: 4.1 (hardware-reduced ACPI), 4.8.3.6 (reset
 * register), 4.8.3.7 (sleep control and status registers), 5.6.9 (event
 * devices).  Where the events' kinds are is between the DSDT
 * (roms/acpi/microvm.asl) and this file:
 *
 *   window 0 + 0    SELECTOR: a bit a kind of event, cleared when read
 *   window 1 + 0    SLEEP_CONTROL
 *            + 1    SLEEP_STATUS
 *            + 2    RESET
 *
 * Output 0 is high while an event waits; input 0 is the power button.
 *
 * Missing: sleep states other than S5 (they are logged), hot plug.
 */
#include "devices/device.h"

enum {
    SELECTOR_POWER_BUTTON = 1 << 1,

    SLEEP_CONTROL = 0,
    RESET = 2,

    SLP_TYP_SHIFT = 2,
    SLP_TYP_BITS = 7,
    SLP_TYP_S5 = 5,
    SLP_EN = 1 << 5,
    RESET_VALUE = 0x42,
};

enum { WINDOW_EVENTS, WINDOW_SLEEP };

struct acpi_ged {
    struct device dev;
    uint32_t selector;
    bool button;
};

static void update(struct acpi_ged *a)
{
    wire_set(device_out(&a->dev, 0), a->selector != 0);
}

static uint64_t acpi_ged_read(struct device *dev, unsigned window,
                              uint64_t offset, unsigned size)
{
    struct acpi_ged *a = (struct acpi_ged *)dev;
    uint32_t events = a->selector;

    (void)offset, (void)size;
    if (window != WINDOW_EVENTS)
        return 0; /* it never wakes up: nothing to say of that */
    a->selector = 0;
    update(a);
    return events;
}

static void write_sleep(struct device *dev, unsigned value)
{
    const struct device_env *env = dev->env;
    unsigned type = value >> SLP_TYP_SHIFT & SLP_TYP_BITS;

    if (!(value & SLP_EN))
        return;
    if (type == SLP_TYP_S5)
        env->request(env->machine, REQUEST_POWEROFF, 0);
    else
        log_guest(env->log, "%s: sleep type %u is not there", dev->path, type);
}

static void acpi_ged_write(struct device *dev, unsigned window, uint64_t offset,
                           uint64_t value, unsigned size)
{
    (void)size;
    if (window != WINDOW_SLEEP)
        return;
    if (offset == SLEEP_CONTROL)
        write_sleep(dev, (unsigned)value);
    else if (offset == RESET && value == RESET_VALUE)
        dev->env->request(dev->env->machine, REQUEST_RESET, 0);
}

static void acpi_ged_input(struct device *dev, unsigned line, bool level)
{
    struct acpi_ged *a = (struct acpi_ged *)dev;

    (void)line;
    if (level && !a->button)
        a->selector |= SELECTOR_POWER_BUTTON;
    a->button = level;
    update(a);
}

static void acpi_ged_settle(struct device *dev)
{
    update((struct acpi_ged *)dev);
}

static const struct field acpi_ged_fields[] = {
    DEVICE_FIELDS(struct acpi_ged),
    FIELD(struct acpi_ged, selector, 0),
    FIELD(struct acpi_ged, button, false),
    FIELD_LIST_END,
};

static const struct window acpi_ged_windows[] = {
    {.name = "events", .size = 4, .accept = 4, .impl = 4},
    {.name = "sleep", .size = 3, .accept = 1, .impl = 1},
};

const struct device_class acpi_ged_class = {
    .name = "acpi-ged",
    .summary = "events, sleep and reset of a hardware-reduced ACPI machine",
    .compatible = (const char *const[]){"emu,acpi-ged", NULL},
    .size = sizeof(struct acpi_ged),
    .fields = acpi_ged_fields,
    .windows = acpi_ged_windows,
    .n_windows = 2,
    .n_outputs = 1,
    .n_inputs = 1,
    .reset = acpi_ged_settle,
    .loaded = acpi_ged_settle,
    .read = acpi_ged_read,
    .write = acpi_ged_write,
    .input = acpi_ged_input,
};
