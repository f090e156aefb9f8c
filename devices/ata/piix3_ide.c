/*
 * The IDE interface of the PIIX3 (Intel 82371SB), function 1: two channels at
 * the ports and interrupts of a PC AT, with bus mastering.
 *
 * 82371FB/82371SB datasheet (290550): 2.2 (configuration registers), 2.7 (bus
 * master registers), 3.5; and the Programming Interface for Bus Master IDE
 * Controllers, revision 1.0, for the descriptor tables.  The outputs are IRQ
 * 14 and IRQ 15.
 *
 * A channel's ports answer when the command register's I/O bit and its IDETIM
 * register's bit 15 are set, which is clear after a reset, but where `decode`
 * says that the firmware (EDK2's for QEMU's PC) does not set it.  3F7h and 377h
 * are a floppy controller's.  The timings of IDETIM and SIDETIM are kept, and
 * make nothing slower.
 *
 * What does not reach RAM (descriptors, data) ends a transfer with the error
 * bit, as a master abort does; the drive then waits to be reset.  So it does
 * when the table is shorter than the transfer.  A table for the other
 * direction is an error, too.
 *
 * Missing: the native mode of later chips, ultra DMA's registers (the drive
 * takes the modes all the same), prefetching, posting.
 */
#include "devices/ata/ide.h"

#include <string.h>

#include "base/bytes.h"
#include "devices/pci/pci.h"

enum { CHANNELS = 2 };

/* Bus master registers; the second channel's are 8 further. */
enum { BMICX = 0, BMISX = 2, BMIDTPX = 4, BM_SIZE = 16, BM_CHANNEL = 8 };

enum { BMIC_START = 0x01, BMIC_TO_MEMORY = 0x08 };
enum {
    BMIS_ACTIVE = 0x01,
    BMIS_ERROR = 0x02,
    BMIS_INTERRUPT = 0x04,
    BMIS_KEPT = 0x60, /* drives can DMA; for software */
};

enum { IDETIM = 0x40, SIDETIM = 0x44, IDETIM_DECODE = 0x8000 };
enum { STATUS = 0x0280 };            /* fast back-to-back, medium DEVSEL# */
enum { STATUS_MASTER_ABORT = 0x20 }; /* in the status' upper byte */

enum { PRD_SIZE = 8, PRD_LAST = 0x80 };

struct piix3_ide;

struct channel {
    struct piix3_ide *ide;
    struct ata_channel ata;
    struct region command_ports, control_ports;
    uint8_t command, status; /* BMICX, BMISX */
    uint32_t table;          /* BMIDTPX */
    uint32_t next;           /* descriptor */
    uint32_t address, left;  /* of the one in use */
    bool last;               /* it is */
};

struct piix3_ide {
    struct pci_device pci;
    struct channel channel[CHANNELS];
    bool decode;
};

static const struct pci_info piix3_ide_info = {
    .vendor = 0x8086,
    .device = 0x7010,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .class_revision = 0x010180 << 8, /* legacy ports, bus master */
    .bar[4] = {.size = BM_SIZE, .io = true, .window = 0},
};

/* ---------------------------------------------------------- bus mastering */

static size_t stop(struct channel *c, size_t done)
{
    c->status |= BMIS_ERROR;
    c->status &= (uint8_t)~BMIS_ACTIVE;
    c->ide->pci.config[PCI_STATUS + 1] |= STATUS_MASTER_ABORT;
    return done;
}

static bool next_descriptor(struct channel *c)
{
    struct memory *memory = c->ide->pci.dev.env->memory;
    uint8_t prd[PRD_SIZE];

    if (!dma_read(memory, c->next, prd, sizeof(prd)))
        return false;
    c->next += PRD_SIZE;
    c->address = ld_le32(prd) & ~1u;
    c->left = ld_le16(prd + 4) & ~1u;
    c->left = c->left ? c->left : 0x10000;
    c->last = prd[7] & PRD_LAST;
    return true;
}

/* For a drive: see struct ata_channel. */
static size_t move(void *owner, bool to_memory, uint8_t *bytes, size_t size)
{
    struct channel *c = owner;
    struct memory *memory = c->ide->pci.dev.env->memory;
    size_t done = 0;

    if (!(c->status & BMIS_ACTIVE) || !pci_is_master(&c->ide->pci))
        return 0;
    if (to_memory != ((c->command & BMIC_TO_MEMORY) != 0))
        return stop(c, 0);
    while (done < size && (c->status & BMIS_ACTIVE)) {
        size_t n;

        if (!c->left && !next_descriptor(c))
            return stop(c, done);
        n = c->left < size - done ? c->left : size - done;
        if (!(to_memory ? dma_write(memory, c->address, bytes + done, n)
                        : dma_read(memory, c->address, bytes + done, n)))
            return stop(c, done);
        c->address += (uint32_t)n;
        c->left -= (uint32_t)n;
        done += n;
        if (!c->left && c->last)
            c->status &= (uint8_t)~BMIS_ACTIVE;
    }
    return done;
}

static void write_command(struct channel *c, uint8_t value)
{
    uint8_t old = c->command;

    c->command = value & (BMIC_START | BMIC_TO_MEMORY);
    if (c->command & ~old & BMIC_START) {
        c->next = c->table;
        c->left = 0;
        c->last = false;
        c->status |= BMIS_ACTIVE;
        ata_dma_ready(&c->ata);
    } else if (!(c->command & BMIC_START)) {
        c->status &= (uint8_t)~BMIS_ACTIVE;
    }
}

static uint8_t read_byte(const struct channel *c, unsigned at)
{
    switch (at) {
    case BMICX:
        return c->command;
    case BMISX:
        return c->status;
    }
    return at < BMIDTPX ? 0 : (uint8_t)(c->table >> 8 * (at - BMIDTPX));
}

static void write_byte(struct channel *c, unsigned at, uint8_t value)
{
    unsigned shift = 8 * (at & 3);

    switch (at) {
    case BMICX:
        write_command(c, value);
        break;
    case BMISX:
        c->status &= (uint8_t) ~(value & (BMIS_ERROR | BMIS_INTERRUPT));
        c->status = (uint8_t)((c->status & ~BMIS_KEPT) | (value & BMIS_KEPT));
        break;
    default:
        if (at < BMIDTPX)
            break;
        c->table = (c->table & ~(0xffu << shift)) | (uint32_t)value << shift;
        c->table &= ~3u;
    }
}

static uint64_t piix3_ide_read(struct device *dev, unsigned window,
                               uint64_t offset, unsigned size)
{
    struct piix3_ide *p = (struct piix3_ide *)dev;
    uint64_t value = 0;

    (void)window;
    for (unsigned i = 0; i < size; i++) {
        unsigned at = (unsigned)offset + i;

        value |=
            (uint64_t)read_byte(&p->channel[at / BM_CHANNEL], at % BM_CHANNEL)
            << 8 * i;
    }
    return value;
}

static void piix3_ide_write(struct device *dev, unsigned window,
                            uint64_t offset, uint64_t value, unsigned size)
{
    struct piix3_ide *p = (struct piix3_ide *)dev;

    (void)window;
    for (unsigned i = 0; i < size; i++) {
        unsigned at = (unsigned)offset + i;

        write_byte(&p->channel[at / BM_CHANNEL], at % BM_CHANNEL,
                   (uint8_t)(value >> 8 * i));
    }
}

/* ------------------------------------------------------------ the channels */

static void set_irq(void *owner, bool level)
{
    struct channel *c = owner;

    if (level)
        c->status |= BMIS_INTERRUPT;
    wire_set(device_out(&c->ide->pci.dev, (unsigned)(c - c->ide->channel)),
             level);
}

static uint64_t command_read(void *owner, uint64_t offset, unsigned size)
{
    return ata_read_ports(&((struct channel *)owner)->ata, (unsigned)offset,
                          size);
}

static void command_write(void *owner, uint64_t offset, uint64_t value,
                          unsigned size)
{
    ata_write_ports(&((struct channel *)owner)->ata, (unsigned)offset,
                    (uint32_t)value, size);
}

static uint64_t control_read(void *owner, uint64_t offset, unsigned size)
{
    (void)offset, (void)size;
    return ata_read_alternate(&((struct channel *)owner)->ata);
}

static void control_write(void *owner, uint64_t offset, uint64_t value,
                          unsigned size)
{
    (void)offset, (void)size;
    ata_write_control(&((struct channel *)owner)->ata, (uint8_t)value);
}

static const struct mmio_ops command_ops = {
    .read = command_read, .write = command_write, .impl = 1 | 2 | 4};
static const struct mmio_ops control_ops = {
    .read = control_read, .write = control_write, .accept = 1, .impl = 1};

static void update_places(struct piix3_ide *p)
{
    bool io = ld_le16(p->pci.config + PCI_COMMAND) & PCI_COMMAND_IO;

    for (unsigned n = 0; n < CHANNELS; n++) {
        bool on =
            io && (ld_le16(p->pci.config + IDETIM + 2 * n) & IDETIM_DECODE);

        memory_enable(&p->channel[n].command_ports, on);
        memory_enable(&p->channel[n].control_ports, on);
    }
}

static void config_wrote(struct pci_device *d, unsigned offset, unsigned size)
{
    struct piix3_ide *p = (struct piix3_ide *)d;

    (void)offset, (void)size;
    update_places(p);
    if (pci_is_master(d))
        for (unsigned n = 0; n < CHANNELS; n++)
            if (p->channel[n].status & BMIS_ACTIVE)
                ata_dma_ready(&p->channel[n].ata);
}

/* -------------------------------------------------------------------- life */

struct ata_channel *piix3_ide_channel(struct device *dev, unsigned n)
{
    return &((struct piix3_ide *)dev)->channel[n].ata;
}

static bool add_ports(struct channel *c, struct region *r,
                      const struct mmio_ops *ops, uint64_t base, uint64_t size,
                      struct error *e)
{
    *r = (struct region){
        .name = "IDE",
        .kind = REGION_MMIO,
        .base = base,
        .size = size,
        .ops = ops,
        .owner = c,
    };
    return memory_add(c->ide->pci.dev.env->ports, r, e);
}

static void piix3_ide_destroy(struct device *dev)
{
    struct piix3_ide *p = (struct piix3_ide *)dev;

    pci_detach(&p->pci);
    for (unsigned n = 0; n < CHANNELS; n++) {
        ata_channel_destroy(&p->channel[n].ata);
        memory_remove(&p->channel[n].command_ports);
        memory_remove(&p->channel[n].control_ports);
    }
}

static bool create_channel(struct piix3_ide *p, unsigned n, struct error *e)
{
    static const uint16_t base[] = {0x1f0, 0x170};
    struct channel *c = &p->channel[n];

    c->ide = p;
    c->ata.owner = c;
    c->ata.set_irq = set_irq;
    c->ata.dma = move;
    return ata_channel_create(&c->ata, &p->pci.dev, e) &&
           add_ports(c, &c->command_ports, &command_ops, base[n], ATA_REGISTERS,
                     e) &&
           add_ports(c, &c->control_ports, &control_ops, base[n] + 0x206u, 1,
                     e);
}

static bool piix3_ide_create(struct device *dev, struct error *e)
{
    struct piix3_ide *p = (struct piix3_ide *)dev;

    if (!dev->env->ports)
        return error_set(e, "this board has no I/O ports");
    pci_device_init(&p->pci, &piix3_ide_info);
    p->pci.config_wrote = config_wrote;
    st_le16(p->pci.config + PCI_STATUS, STATUS);
    st_le16(p->pci.writable + IDETIM, 0xf3ff);
    st_le16(p->pci.writable + IDETIM + 2, 0xf3ff);
    p->pci.writable[SIDETIM] = 0xff;
    for (unsigned n = 0; n < CHANNELS; n++) {
        if (!create_channel(p, n, e)) {
            piix3_ide_destroy(dev);
            return false;
        }
    }
    return true;
}

static void piix3_ide_reset(struct device *dev)
{
    struct piix3_ide *p = (struct piix3_ide *)dev;

    pci_device_reset(&p->pci);
    for (unsigned n = 0; n < CHANNELS; n++) {
        if (p->decode)
            st_le16(p->pci.config + IDETIM + 2 * n, IDETIM_DECODE);
        ata_channel_reset(&p->channel[n].ata);
    }
    update_places(p);
}

static void piix3_ide_loaded(struct device *dev)
{
    struct piix3_ide *p = (struct piix3_ide *)dev;

    pci_device_loaded(&p->pci);
    for (unsigned n = 0; n < CHANNELS; n++) {
        uint8_t status = p->channel[n].status;

        ata_channel_loaded(&p->channel[n].ata);
        p->channel[n].status = status;
    }
    update_places(p);
}

#define DRIVE(c, n) channel[c].ata.drive[n]

static const struct property piix3_ide_properties[] = {
    {"decode", PROP_BOOL, offsetof(struct piix3_ide, decode), "off",
     "both channels' ports answer after a reset", false},
    IDE_PROPERTIES(struct piix3_ide, DRIVE),
};

static const struct field channel_fields[] = {
    FIELD_HOST(struct channel, ide),
    FIELD_SUB(struct channel, ata, ata_channel_fields),
    FIELD_HOST(struct channel, command_ports),
    FIELD_HOST(struct channel, control_ports),
    FIELD(struct channel, command, 0),
    FIELD(struct channel, status, 0),
    FIELD(struct channel, table, 0),
    FIELD(struct channel, next, 0),
    FIELD(struct channel, address, 0),
    FIELD(struct channel, left, 0),
    FIELD(struct channel, last, false),
    FIELD_LIST_END,
};

static const struct field piix3_ide_fields[] = {
    FIELD_SUB(struct piix3_ide, pci, pci_device_fields),
    FIELD_SUBS(struct piix3_ide, channel, channel_fields),
    FIELD_HOST(struct piix3_ide, decode),
    FIELD_LIST_END,
};

static const struct window piix3_ide_windows[] = {
    {.name = "bus master", .size = BM_SIZE, .port = true},
};

const struct device_class piix3_ide_class = {
    .name = "piix3-ide",
    .summary = "IDE controller of the Intel PIIX3, with its drives",
    .compatible = (const char *const[]){"pci8086,7010", NULL},
    .size = sizeof(struct piix3_ide),
    .properties = piix3_ide_properties,
    .fields = piix3_ide_fields,
    .windows = piix3_ide_windows,
    .n_windows = 1,
    .n_outputs = 2,
    .create = piix3_ide_create,
    .destroy = piix3_ide_destroy,
    .reset = piix3_ide_reset,
    .loaded = piix3_ide_loaded,
    .read = piix3_ide_read,
    .write = piix3_ide_write,
};
