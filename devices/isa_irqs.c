/*
 * The interrupt lines of a PC's ISA bus: IRQ 0 to 15, each driven by any
 * number of chips, and heard by the 8259s and by the IOAPIC.
 *
 * Nothing is a chip here: it is the wiring.  Each connection to an IRQ is an
 * input of its own, and the line is high while any of them is (ISA lines are
 * active high; PCI's are turned by the bridge).  Output n is IRQ n's way to
 * the 8259s, output 16 + n its way to the IOAPIC; both are optional.
 *
 * Missing: more than 32 chips on a line.
 */
#include "devices/isa.h"

#define N_IRQS 16
#define N_SOURCES 32

struct isa_irqs {
    struct device dev;
    uint8_t n_sources[N_IRQS]; /* connections, made once */
    uint32_t asserted[N_IRQS]; /* by connection */
};

static void drive(struct isa_irqs *s, unsigned irq)
{
    bool level = s->asserted[irq] != 0;

    wire_set(device_out(&s->dev, irq), level);
    wire_set(device_out(&s->dev, N_IRQS + irq), level);
}

static void isa_irqs_input(struct device *dev, unsigned line, bool level)
{
    struct isa_irqs *s = (struct isa_irqs *)dev;
    unsigned irq = line % N_IRQS;
    uint32_t bit = UINT32_C(1) << line / N_IRQS;

    if (level)
        s->asserted[irq] |= bit;
    else
        s->asserted[irq] &= ~bit;
    drive(s, irq);
}

/* <IRQ flags>, or <IRQ>; the flags are for the guest. */
static bool isa_irqs_specifier(struct device *dev, const uint32_t *cells,
                               unsigned n, unsigned *line)
{
    struct isa_irqs *s = (struct isa_irqs *)dev;

    if (n < 1 || n > 2 || cells[0] >= N_IRQS ||
        s->n_sources[cells[0]] == N_SOURCES)
        return false;
    *line = cells[0] + N_IRQS * s->n_sources[cells[0]]++;
    return true;
}

unsigned isa_irqs_number(unsigned input)
{
    return input % N_IRQS;
}

static void isa_irqs_settle(struct device *dev)
{
    for (unsigned irq = 0; irq < N_IRQS; irq++)
        drive((struct isa_irqs *)dev, irq);
}

static const struct field isa_irqs_fields[] = {
    DEVICE_FIELDS(struct isa_irqs),
    FIELD_HOST(struct isa_irqs, n_sources),
    FIELD_ARRAY(struct isa_irqs, asserted, 0),
    FIELD_LIST_END,
};

const struct device_class isa_irqs_class = {
    .name = "isa-irqs",
    .summary = "the interrupt lines of a PC's ISA bus",
    .compatible = (const char *const[]){"emu,isa-irqs", NULL},
    .size = sizeof(struct isa_irqs),
    .fields = isa_irqs_fields,
    .n_outputs = 2 * N_IRQS,
    .n_inputs = N_IRQS * N_SOURCES,
    .reset = isa_irqs_settle,
    .loaded = isa_irqs_settle,
    .input = isa_irqs_input,
    .specifier = isa_irqs_specifier,
};
