/*
 * A PC AT's hard disk adapter: two ATA channels on the ISA bus, PIO only.
 *
 * IBM PC AT Technical Reference, Fixed Disk and Diskette Drive Adapter, and
 * ATA/ATAPI-6, 7.2, for the registers.  Windows: 1F0h to 1F7h and 3F6h of the
 * first channel, 170h to 177h and 376h of the second, which a tree may leave
 * out.  3F7h and 377h are a floppy controller's.  The outputs are IRQ 14 and
 * IRQ 15.
 *
 * Missing: DMA, which no driver uses here; timing.
 */
#include "devices/ata/ide.h"

enum { CHANNELS = 2 };

struct isa_ide {
    struct device dev;
    struct ata_channel channel[CHANNELS];
};

struct ata_channel *isa_ide_channel(struct device *dev, unsigned n)
{
    return &((struct isa_ide *)dev)->channel[n];
}

static void set_irq(void *owner, bool level)
{
    struct ata_channel *c = owner;
    struct isa_ide *p = (struct isa_ide *)c->dev;

    wire_set(device_out(c->dev, (unsigned)(c - p->channel)), level);
}

/* Windows are the command block's and the control block's, in turn. */
static uint64_t isa_ide_read(struct device *dev, unsigned window,
                             uint64_t offset, unsigned size)
{
    struct ata_channel *c = isa_ide_channel(dev, window / 2);

    return window & 1 ? ata_read_alternate(c)
                      : ata_read_ports(c, (unsigned)offset, size);
}

static void isa_ide_write(struct device *dev, unsigned window, uint64_t offset,
                          uint64_t value, unsigned size)
{
    struct ata_channel *c = isa_ide_channel(dev, window / 2);

    if (window & 1)
        ata_write_control(c, (uint8_t)value);
    else
        ata_write_ports(c, (unsigned)offset, (uint32_t)value, size);
}

/* -------------------------------------------------------------------- life */

static void isa_ide_destroy(struct device *dev)
{
    for (unsigned n = 0; n < CHANNELS; n++)
        ata_channel_destroy(isa_ide_channel(dev, n));
}

static bool isa_ide_create(struct device *dev, struct error *e)
{
    for (unsigned n = 0; n < CHANNELS; n++) {
        struct ata_channel *c = isa_ide_channel(dev, n);

        c->owner = c;
        c->set_irq = set_irq;
        if (!ata_channel_create(c, dev, e)) {
            isa_ide_destroy(dev);
            return false;
        }
    }
    return true;
}

static void isa_ide_reset(struct device *dev)
{
    for (unsigned n = 0; n < CHANNELS; n++)
        ata_channel_reset(isa_ide_channel(dev, n));
}

static void isa_ide_loaded(struct device *dev)
{
    for (unsigned n = 0; n < CHANNELS; n++)
        ata_channel_loaded(isa_ide_channel(dev, n));
}

#define DRIVE(c, n) channel[c].drive[n]

static const struct property isa_ide_properties[] = {
    IDE_PROPERTIES(struct isa_ide, DRIVE),
};

static const struct field isa_ide_fields[] = {
    DEVICE_FIELDS(struct isa_ide),
    FIELD_SUBS(struct isa_ide, channel, ata_channel_fields),
    FIELD_LIST_END,
};

static const struct window isa_ide_windows[] = {
    {.name = "primary command block", .size = ATA_REGISTERS, .port = true},
    {.name = "primary control block", .size = 1, .accept = 1, .port = true},
    {.name = "secondary command block", .size = ATA_REGISTERS, .port = true},
    {.name = "secondary control block", .size = 1, .accept = 1, .port = true},
};

const struct device_class isa_ide_class = {
    .name = "isa-ide",
    .summary = "a PC AT's two IDE channels, with their drives",
    .compatible = (const char *const[]){"emu,isa-ide", NULL},
    .size = sizeof(struct isa_ide),
    .properties = isa_ide_properties,
    .fields = isa_ide_fields,
    .windows = isa_ide_windows,
    .n_windows = 4,
    .min_windows = 2,
    .n_outputs = CHANNELS,
    .create = isa_ide_create,
    .destroy = isa_ide_destroy,
    .reset = isa_ide_reset,
    .loaded = isa_ide_loaded,
    .read = isa_ide_read,
    .write = isa_ide_write,
};
