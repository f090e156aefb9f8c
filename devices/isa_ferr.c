/*
 * A PC's way from the coprocessor's errors to IRQ 13, with port F0h.
 *
 * Follows the IBM PC AT Technical Reference, "80287 Math Coprocessor", and the
 * 82371AB's (PIIX4) "Coprocessor Error Register": FERR# going active sets
 * IRQ 13, a write to port F0h of any value clears it (and tells the processor
 * to ignore FERR# until it goes away, which ours does anyhow).
 *
 * Input 0: FERR#, high while an error waits.  Output 0: IRQ 13.
 *
 * Missing: port F1h, the 80287's reset.
 */
#include "devices/device.h"
#include "devices/isa.h"

struct isa_ferr {
    struct device dev;
    bool ferr, irq;
};

static void set_irq(struct isa_ferr *f, bool on)
{
    f->irq = on;
    wire_set(device_out(&f->dev, 0), on);
}

static void isa_ferr_input(struct device *dev, unsigned line, bool level)
{
    struct isa_ferr *f = (struct isa_ferr *)dev;
    const bool rises = level && !f->ferr;

    (void)line;
    f->ferr = level;
    if (rises)
        set_irq(f, true);
}

static uint64_t isa_ferr_read(struct device *dev, unsigned window,
                              uint64_t offset, unsigned size)
{
    (void)dev, (void)window, (void)offset, (void)size;
    return 0xff; /* it cannot be read */
}

static void isa_ferr_write(struct device *dev, unsigned window, uint64_t offset,
                           uint64_t value, unsigned size)
{
    (void)window, (void)offset, (void)value, (void)size;
    set_irq((struct isa_ferr *)dev, false);
}

static void isa_ferr_settle(struct device *dev)
{
    struct isa_ferr *f = (struct isa_ferr *)dev;

    set_irq(f, f->irq);
}

static const struct field isa_ferr_fields[] = {
    DEVICE_FIELDS(struct isa_ferr),
    FIELD(struct isa_ferr, ferr, false),
    FIELD(struct isa_ferr, irq, false),
    FIELD_LIST_END,
};

static const struct window isa_ferr_windows[] = {
    ISA_WINDOW("port F0h", 1),
};

const struct device_class isa_ferr_class = {
    .name = "isa-ferr",
    .summary = "a coprocessor's errors as IRQ 13, and port F0h",
    .compatible = (const char *const[]){"emu,isa-ferr", NULL},
    .size = sizeof(struct isa_ferr),
    .fields = isa_ferr_fields,
    .windows = isa_ferr_windows,
    .n_windows = 1,
    .n_outputs = 1,
    .n_inputs = 1,
    .reset = isa_ferr_settle,
    .loaded = isa_ferr_settle,
    .read = isa_ferr_read,
    .write = isa_ferr_write,
    .input = isa_ferr_input,
};
