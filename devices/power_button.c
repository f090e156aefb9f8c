/*
 * A machine's power button: a switch that a finger closes for a moment.
 *
 * Nothing is a chip here: it is what is soldered to the input of one that
 * tells the guest (a PIIX4's, an ACPI event device's).  What the guest makes
 * of it is the guest's.  Missing: holding it for four seconds.
 */
#include "devices/power_button.h"

struct power_button {
    struct device dev;
    unsigned source; /* of the gate */
};

static size_t pressed(void *owner, const uint8_t *bytes, size_t size)
{
    struct device *dev = owner;

    if (bytes && size) {
        wire_set(device_out(dev, 0), true);
        wire_set(device_out(dev, 0), false);
    }
    return size;
}

void power_button_press(struct device *dev)
{
    const uint8_t press = 1;

    /* One more for a queue of 64 Ki that nobody answered is nothing new. */
    gate_post(dev->env->gate, ((struct power_button *)dev)->source, &press, 1);
}

static bool power_button_create(struct device *dev, struct error *e)
{
    (void)e;
    ((struct power_button *)dev)->source =
        gate_add(dev->env->gate, "power button", pressed, dev);
    return true;
}

static const struct field power_button_fields[] = {
    DEVICE_FIELDS(struct power_button),
    FIELD_HOST(struct power_button, source),
    FIELD_LIST_END,
};

const struct device_class power_button_class = {
    .name = "power-button",
    .summary = "the machine's power button",
    .compatible = (const char *const[]){"emu,power-button", NULL},
    .size = sizeof(struct power_button),
    .fields = power_button_fields,
    .n_outputs = 1,
    .create = power_button_create,
};
