/*
 * Parallel port of a PC with a printer that prints to a character device.
 *
 * Follows the IBM PC AT Technical Reference, "Serial/Parallel Adapter": data,
 * status and control register, an interrupt at the end of -ACK; and the PS/2's
 * direction bit, with which the data register reads its pins.
 *
 * The printer takes each byte when -STROBE falls, is never busy, and
 * acknowledges at once.  With nothing connected all its lines float.
 *
 * Missing: EPP and ECP; a printer that is out of paper.
 */
#include "devices/chardev.h"
#include "devices/device.h"
#include "devices/isa.h"

enum { REG_DATA, REG_STATUS, REG_CONTROL, REGISTERS };

enum {
    STATUS_UNUSED = 0x07,
    STATUS_NO_ERROR = 0x08,
    STATUS_SELECT = 0x10,
    STATUS_PAPER_OUT = 0x20,
    STATUS_NO_ACK = 0x40,
    STATUS_NOT_BUSY = 0x80,
};

enum {
    CONTROL_STROBE = 0x01,
    CONTROL_IRQ = 0x10,
    CONTROL_INPUT = 0x20, /* the data lines are inputs */
    CONTROL_KEPT = 0x3f,
};

#define FLOATING 0xff

struct isa_parallel {
    struct device dev;
    struct chardev *chardev;
    uint8_t data, control;
};

/* The interrupt is -ACK, which is high between two bytes. */
static void update_irq(struct isa_parallel *p)
{
    wire_set(device_out(&p->dev, 0), p->control & CONTROL_IRQ);
}

static uint8_t status(const struct isa_parallel *p)
{
    uint8_t v = STATUS_UNUSED | STATUS_NO_ERROR | STATUS_SELECT | STATUS_NO_ACK;

    /* BUSY is inverted; open it reads as busy. */
    return v | (p->chardev ? STATUS_NOT_BUSY : STATUS_PAPER_OUT);
}

static void write_control(struct isa_parallel *p, uint8_t value)
{
    bool strobe = (value & CONTROL_STROBE) && !(p->control & CONTROL_STROBE);

    p->control = value & CONTROL_KEPT;
    if (strobe && p->chardev) {
        uint8_t byte = p->control & CONTROL_INPUT ? FLOATING : p->data;

        p->chardev->write(p->chardev, &byte, 1);
        wire_set(device_out(&p->dev, 0), false);
    }
    update_irq(p);
}

static uint64_t isa_parallel_read(struct device *dev, unsigned window,
                                  uint64_t offset, unsigned size)
{
    struct isa_parallel *p = (struct isa_parallel *)dev;

    (void)window, (void)size;
    switch (offset) {
    case REG_DATA:
        return p->control & CONTROL_INPUT ? FLOATING : p->data;
    case REG_STATUS:
        return status(p);
    }
    return p->control | 0xc0;
}

static void isa_parallel_write(struct device *dev, unsigned window,
                               uint64_t offset, uint64_t value, unsigned size)
{
    struct isa_parallel *p = (struct isa_parallel *)dev;

    (void)window, (void)size;
    switch (offset) {
    case REG_DATA:
        p->data = (uint8_t)value;
        break;
    case REG_CONTROL:
        write_control(p, (uint8_t)value);
        break;
    }
}

static void isa_parallel_reset(struct device *dev)
{
    update_irq((struct isa_parallel *)dev);
}

static void isa_parallel_loaded(struct device *dev)
{
    struct isa_parallel *p = (struct isa_parallel *)dev;

    p->control &= CONTROL_KEPT;
    update_irq(p);
}

static const struct property isa_parallel_properties[] = {
    {"chardev", PROP_CHARDEV, offsetof(struct isa_parallel, chardev), NULL,
     "what is printed goes there", false},
    {NULL, PROP_U32, 0, NULL, NULL, false},
};

static const struct field isa_parallel_fields[] = {
    DEVICE_FIELDS(struct isa_parallel),
    FIELD_HOST(struct isa_parallel, chardev),
    FIELD(struct isa_parallel, data, 0),
    FIELD(struct isa_parallel, control, 0),
    FIELD_LIST_END,
};

static const struct window isa_parallel_windows[] = {
    ISA_WINDOW("registers", REGISTERS),
};

static const char *const isa_parallel_compatible[] = {"isa-parallel", NULL};

const struct device_class isa_parallel_class = {
    .name = "isa-parallel",
    .summary = "parallel port with a printer, on ISA ports",
    .compatible = isa_parallel_compatible,
    .size = sizeof(struct isa_parallel),
    .properties = isa_parallel_properties,
    .fields = isa_parallel_fields,
    .windows = isa_parallel_windows,
    .n_windows = 1,
    .n_outputs = 1,
    .reset = isa_parallel_reset,
    .loaded = isa_parallel_loaded,
    .read = isa_parallel_read,
    .write = isa_parallel_write,
};
