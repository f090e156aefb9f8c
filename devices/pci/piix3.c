/*
 * The ISA bridge of the PIIX3 (Intel 82371SB), function 0: the PCI interrupt
 * router.
 *
 * 82371FB/82371SB datasheet (290550): 2.1 (configuration registers), 3.7 (PCI
 * interrupts).  PIRQA# to PIRQD# are inputs 0 to 3; PIRQRC (60h to 63h) says
 * which IRQ each goes to, if any.  Output n < 16 is IRQ n; 16 to 19 are the
 * four lines as they are, for an IOAPIC beside it.
 *
 * The other registers hold what is written and do nothing: BIOS ROM decoding
 * (XBCS) and ISA positive decoding are the board's, which shows its chips
 * always; the reset control register (port CF9) is in i440fx.c, and ELCR in
 * the 8259s.
 *
 * Missing: SMI generation (that of the PIIX4's power management is in
 * piix4_pm.c), MBIRQ, distributed DMA, the chip select decoder.
 */
#include "devices/pci/pci.h"

#define N_PIRQS 4
#define N_IRQS 16

enum {
    PIRQRC = 0x60,
    PIRQRC_OFF = 1 << 7,
};

struct piix3 {
    struct pci_device pci;
    bool asserted[N_PIRQS];
    bool driven[N_IRQS]; /* what the outputs are */
};

static const struct pci_info piix3_info = {
    .vendor = 0x8086,
    .device = 0x7000,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .class_revision = 0x060100 << 8,
};

/* Defaults that are not 0, 2.1; all of these can be written. */
static const struct {
    uint8_t at, value;
} defaults[] = {
    {0x4c, 0x4d}, {0x4e, 0x03}, {0x4f, 0x00}, {0x60, 0x80}, {0x61, 0x80},
    {0x62, 0x80}, {0x63, 0x80}, {0x69, 0x02}, {0x6a, 0x00}, {0x6b, 0x00},
    {0x70, 0x80}, {0x71, 0x80}, {0x76, 0x0c}, {0x77, 0x0c}, {0x78, 0x02},
    {0x79, 0x00}, {0x80, 0x00}, {0x82, 0x00}, {0xa0, 0x08}, {0xa2, 0x00},
    {0xa3, 0x00}, {0xa4, 0x00}, {0xa5, 0x00}, {0xa6, 0x00}, {0xa7, 0x00},
    {0xa8, 0x0f}, {0xaa, 0x00}, {0xab, 0x00}, {0xac, 0x00}, {0xae, 0x00},
};
#define N_DEFAULTS (sizeof(defaults) / sizeof(defaults[0]))

/* IRQ 0, 1, 2, 8 and 13 are reserved. */
static bool can_have(unsigned irq)
{
    return (0xdef8 >> irq & 1) != 0;
}

static void drive(struct piix3 *p)
{
    bool level[N_IRQS] = {false};

    for (unsigned n = 0; n < N_PIRQS; n++) {
        uint8_t route = p->pci.config[PIRQRC + n];

        if (p->asserted[n] && !(route & PIRQRC_OFF) && can_have(route & 15))
            level[route & 15] = true;
    }
    for (unsigned irq = 0; irq < N_IRQS; irq++) {
        if (level[irq] == p->driven[irq])
            continue;
        p->driven[irq] = level[irq];
        wire_set(device_out(&p->pci.dev, irq), level[irq]);
    }
}

static void piix3_input(struct device *dev, unsigned line, bool level)
{
    struct piix3 *p = (struct piix3 *)dev;

    p->asserted[line] = level;
    wire_set(device_out(dev, N_IRQS + line), level);
    drive(p);
}

static bool piix3_specifier(struct device *dev, const uint32_t *cells,
                            unsigned n, unsigned *line)
{
    (void)dev;
    *line = cells[0];
    return n == 1 && cells[0] < N_PIRQS;
}

static void config_wrote(struct pci_device *d, unsigned offset, unsigned size)
{
    if (offset < PIRQRC + N_PIRQS && offset + size > PIRQRC)
        drive((struct piix3 *)d);
}

static void settle(struct piix3 *p)
{
    for (unsigned n = 0; n < N_PIRQS; n++)
        wire_set(device_out(&p->pci.dev, N_IRQS + n), p->asserted[n]);
    for (unsigned irq = 0; irq < N_IRQS; irq++)
        wire_set(device_out(&p->pci.dev, irq), p->driven[irq]);
}

static bool piix3_create(struct device *dev, struct error *e)
{
    struct pci_device *d = (struct pci_device *)dev;

    (void)e;
    pci_device_init(d, &piix3_info);
    d->config_wrote = config_wrote;
    for (unsigned i = 0; i < N_DEFAULTS; i++)
        d->writable[defaults[i].at] = 0xff;
    for (unsigned n = 0; n < N_PIRQS; n++)
        d->writable[PIRQRC + n] = PIRQRC_OFF | 15;
    return true;
}

static void piix3_destroy(struct device *dev)
{
    pci_detach((struct pci_device *)dev);
}

static void piix3_reset(struct device *dev)
{
    struct piix3 *p = (struct piix3 *)dev;

    pci_device_reset(&p->pci);
    for (unsigned i = 0; i < N_DEFAULTS; i++)
        p->pci.config[defaults[i].at] = defaults[i].value;
    /* The bridge masters for its DMA, and decodes ISA. */
    p->pci.config[PCI_COMMAND] |=
        PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
    settle(p);
}

static void piix3_loaded(struct device *dev)
{
    struct piix3 *p = (struct piix3 *)dev;

    pci_device_loaded(&p->pci);
    settle(p);
    drive(p);
}

static const struct field piix3_fields[] = {
    FIELD_SUB(struct piix3, pci, pci_device_fields),
    FIELD_ARRAY(struct piix3, asserted, false),
    FIELD_ARRAY(struct piix3, driven, false),
    FIELD_LIST_END,
};

const struct device_class piix3_class = {
    .name = "piix3",
    .summary = "ISA bridge of the Intel PIIX3: the PCI interrupt router",
    .compatible = (const char *const[]){"pci8086,7000", NULL},
    .size = sizeof(struct piix3),
    .fields = piix3_fields,
    .n_outputs = N_IRQS + N_PIRQS,
    .n_inputs = N_PIRQS,
    .create = piix3_create,
    .destroy = piix3_destroy,
    .reset = piix3_reset,
    .loaded = piix3_loaded,
    .input = piix3_input,
    .specifier = piix3_specifier,
};
