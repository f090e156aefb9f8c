/*
 * A PC's NMI button, and the gate in front of the processor's NMI that bit 7 of
 * port 70h closes (82371SB (PIIX3) datasheet, 2.3.2: NMIEN#; 82371AB, 4.2.4):
 * input 0, from the clock chip, is high while NMIs may pass.  A source that
 * port 61h latches (SERR#, IOCHK#) keeps its level, and is an edge for the
 * processor when the gate opens.  The button is none of them, so that a press
 * while it is closed is lost.
 *
 * Missing: the AT's sources of NMIs, a bus error (SERR#) and a channel check of
 * the ISA bus, which nothing here raises; port 61h says so.
 */
#include "devices/nmi_button.h"

struct nmi_button {
    struct device dev;
    bool passes;
    unsigned source; /* of the gate */
};

static size_t pressed(void *owner, const uint8_t *bytes, size_t size)
{
    struct nmi_button *b = owner;

    if (bytes && size && b->passes) {
        wire_set(device_out(&b->dev, 0), true);
        wire_set(device_out(&b->dev, 0), false);
    }
    return size;
}

void nmi_button_press(struct device *dev)
{
    const uint8_t press = 1;

    /* One more for a queue of 64 Ki that nobody answered is nothing new. */
    gate_post(dev->env->gate, ((struct nmi_button *)dev)->source, &press, 1);
}

static void nmi_button_input(struct device *dev, unsigned line, bool level)
{
    (void)line;
    ((struct nmi_button *)dev)->passes = level;
}

static bool nmi_button_create(struct device *dev, struct error *e)
{
    (void)e;
    ((struct nmi_button *)dev)->source =
        gate_add(dev->env->gate, "NMI button", pressed, dev);
    return true;
}

static const struct field nmi_button_fields[] = {
    DEVICE_FIELDS(struct nmi_button),
    FIELD_KEEP(struct nmi_button, passes),
    FIELD_HOST(struct nmi_button, source),
    FIELD_LIST_END,
};

const struct device_class nmi_button_class = {
    .name = "nmi-button",
    .summary = "a PC's NMI button, behind port 70h's mask",
    .compatible = (const char *const[]){"emu,nmi-button", NULL},
    .size = sizeof(struct nmi_button),
    .fields = nmi_button_fields,
    .n_inputs = 1,
    .n_outputs = 1,
    .create = nmi_button_create,
    .input = nmi_button_input,
};
