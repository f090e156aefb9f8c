/*
 * An ATA channel: its registers, the two drives at it, interrupts and data.
 *
 * ATA/ATAPI-6 (T13/1410D revision 3b): 7 (registers), 9 (protocols), 9.16
 * (a channel with one drive).  What a drive does is in ata.c and atapi.c.
 *
 * A command takes 10 us of BSY, and its data come at once then.  A transfer
 * by DMA moves at most 1 MiB at a time and goes on after others have had the
 * device lock.  A channel without drives reads as 7Fh: DD7 is pulled down.
 *
 * Missing: overlap and queues, CFA, the security and host protected area
 * feature sets; DRQ blocks of 8-bit transfers.
 */
#include "devices/ata/ata.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum { CONTROL_NIEN = 0x02, CONTROL_SRST = 0x04, CONTROL_HOB = 0x80 };

enum { FLOATING = 0x7f };
enum { COMMAND_DEVICE_RESET = 0x08, COMMAND_DIAGNOSE = 0x90 };

#define BUSY_NS 10000u
#define TURN ((size_t)1 << 20) /* bytes by DMA at a time */

/* ------------------------------------------------------------ interrupts */

static struct ata_drive *selected(struct ata_channel *c)
{
    return &c->drive[c->slave];
}

static void update_irq(struct ata_channel *c)
{
    bool on = selected(c)->intrq && !c->no_interrupt;

    if (on == c->irq)
        return;
    c->irq = on;
    c->set_irq(c->owner, on);
}

static void set_intrq(struct ata_drive *d, bool on)
{
    d->intrq = on;
    update_irq(d->channel);
}

/* ------------------------------------------------------------- the drive */

void ata_busy(struct ata_drive *d)
{
    d->phase = ATA_BUSY;
    d->status = STATUS_BSY;
    timer_arm(&d->work, clock_ns(d->work.clock) + BUSY_NS);
}

void ata_idle(struct ata_drive *d)
{
    d->phase = ATA_IDLE;
    d->status = STATUS_GOOD;
    d->at = d->end = d->size = 0;
    d->left = 0;
    timer_disarm(&d->work);
}

void ata_done(struct ata_drive *d, uint8_t error)
{
    ata_idle(d);
    d->error = error;
    d->status |= error ? STATUS_ERR : 0;
    set_intrq(d, true);
}

/* By DMA, until the controller takes no more. */
static void run_dma(struct ata_drive *d)
{
    struct ata_channel *c = d->channel;
    size_t moved = 0, n;

    while (d->phase == ATA_DMA_IN || d->phase == ATA_DMA_OUT) {
        if (moved >= TURN) {
            timer_arm(&d->work, clock_ns(d->work.clock));
            return;
        }
        n = c->dma ? c->dma(c->owner, d->phase == ATA_DMA_IN, d->buffer + d->at,
                            d->size - d->at)
                   : 0;
        d->at += (uint32_t)n;
        moved += n;
        if (d->at < d->size)
            return;
        d->kind->moved(d);
    }
}

void ata_move(struct ata_drive *d, enum ata_phase phase, bool interrupt)
{
    d->phase = (uint8_t)phase;
    d->status = STATUS_GOOD | STATUS_DRQ;
    if (interrupt)
        set_intrq(d, true);
}

static void work(void *owner)
{
    struct ata_drive *d = owner;

    if (d->phase == ATA_BUSY) {
        d->phase = ATA_IDLE;
        d->kind->execute(d);
    }
    run_dma(d);
}

void ata_dma_ready(struct ata_channel *c)
{
    for (unsigned n = 0; n < 2; n++) {
        struct ata_drive *d = &c->drive[n];

        if (d->phase == ATA_DMA_IN || d->phase == ATA_DMA_OUT)
            timer_arm(&d->work, clock_ns(d->work.clock));
    }
}

/* ---------------------------------------------------------------- resets */

void ata_signature(struct ata_drive *d)
{
    d->count[0] = d->lba_low[0] = 1;
    d->lba_mid[0] = d->kind->lba_mid;
    d->lba_high[0] = d->kind->lba_high;
    d->device = 0;
    d->error = 1; /* no fault */
    d->status = d->kind->status;
}

static void reset_drive(struct ata_drive *d, bool hard)
{
    if (!d->kind)
        return;
    ata_idle(d);
    d->intrq = false;
    d->kind->reset(d, hard);
    ata_signature(d);
}

static void reset_both(struct ata_channel *c, bool hard)
{
    reset_drive(&c->drive[0], hard);
    reset_drive(&c->drive[1], hard);
    c->slave = false;
    update_irq(c);
}

void ata_diagnose(struct ata_channel *c)
{
    reset_both(c, false);
    /* Drive 0 answers for both. */
    if (c->drive[0].kind)
        set_intrq(&c->drive[0], true);
}

/* ------------------------------------------------------------- registers */

static void push(uint8_t reg[2], uint8_t value)
{
    reg[1] = reg[0];
    reg[0] = value;
}

static void write_register(struct ata_drive *d, unsigned reg, uint8_t value)
{
    switch (reg) {
    case ATA_FEATURES:
        push(d->features, value);
        break;
    case ATA_COUNT:
        push(d->count, value);
        break;
    case ATA_LBA_LOW:
        push(d->lba_low, value);
        break;
    case ATA_LBA_MID:
        push(d->lba_mid, value);
        break;
    case ATA_LBA_HIGH:
        push(d->lba_high, value);
        break;
    case ATA_DEVICE:
        d->device = value;
        break;
    }
}

static void write_command(struct ata_channel *c, uint8_t value)
{
    struct ata_drive *d = selected(c);

    if (value == COMMAND_DIAGNOSE) {
        ata_diagnose(c);
        return;
    }
    if (!d->kind)
        return;
    if (value == COMMAND_DEVICE_RESET && d->kind == &ata_cd_kind) {
        uint8_t device = d->device & DEVICE_DEV;

        reset_drive(d, false);
        d->device = device;
        update_irq(c);
        return;
    }
    if (d->asleep || d->phase == ATA_BUSY)
        return;
    ata_idle(d);
    d->command = value;
    d->error = 0;
    set_intrq(d, false);
    d->kind->command(d);
}

/* The next word of the buffer has been moved. */
static void advance(struct ata_drive *d)
{
    d->at += 2;
    if (d->at >= d->end)
        d->kind->moved(d);
}

static uint16_t read_data(struct ata_channel *c)
{
    struct ata_drive *d = selected(c);
    uint16_t value;

    if (d->phase != ATA_PIO_IN)
        return d->kind ? 0 : 0xff00 | FLOATING;
    value = ld_le16(d->buffer + d->at);
    advance(d);
    return value;
}

static void write_data(struct ata_channel *c, uint16_t value)
{
    struct ata_drive *d = selected(c);

    if (d->phase != ATA_PIO_OUT && d->phase != ATA_PACKET)
        return;
    st_le16(d->buffer + d->at, value);
    advance(d);
}

static uint8_t read_register(struct ata_channel *c, unsigned reg)
{
    struct ata_drive *d = selected(c);
    bool old = c->hob;

    if (!d->kind) { /* the master answers for an absent slave, 9.16 */
        if (!c->slave || !c->drive[0].kind)
            return FLOATING;
        d = &c->drive[0];
        if (reg == ATA_COMMAND)
            return 0;
    }
    switch (reg) {
    case ATA_FEATURES:
        return d->error;
    case ATA_COUNT:
        return d->count[old];
    case ATA_LBA_LOW:
        return d->lba_low[old];
    case ATA_LBA_MID:
        return d->lba_mid[old];
    case ATA_LBA_HIGH:
        return d->lba_high[old];
    case ATA_DEVICE:
        return (d->device & ~DEVICE_DEV) | (c->slave ? DEVICE_DEV : 0);
    }
    return d->status;
}

uint32_t ata_read(struct ata_channel *c, unsigned reg, unsigned size)
{
    uint32_t value;

    if (reg == ATA_DATA) {
        value = read_data(c);
        if (size == 4)
            value |= (uint32_t)read_data(c) << 16;
        return size == 1 ? value & 0xff : value;
    }
    value = read_register(c, reg);
    if (reg == ATA_COMMAND && selected(c)->kind)
        set_intrq(selected(c), false);
    return value;
}

void ata_write(struct ata_channel *c, unsigned reg, uint32_t value,
               unsigned size)
{
    if (reg == ATA_DATA) {
        write_data(c, (uint16_t)value);
        if (size == 4)
            write_data(c, (uint16_t)(value >> 16));
        return;
    }
    c->hob = false;
    if (c->reset)
        return;
    if (reg == ATA_COMMAND) {
        write_command(c, (uint8_t)value);
        return;
    }
    if (selected(c)->phase == ATA_BUSY)
        return;
    write_register(&c->drive[0], reg, (uint8_t)value);
    write_register(&c->drive[1], reg, (uint8_t)value);
    if (reg == ATA_DEVICE) {
        c->slave = value & DEVICE_DEV;
        update_irq(c);
    }
}

uint32_t ata_read_ports(struct ata_channel *c, unsigned at, unsigned size)
{
    uint32_t value = 0;

    if (at == ATA_DATA)
        return ata_read(c, ATA_DATA, size);
    for (unsigned i = 0; i < size; i++)
        value |= ata_read(c, at + i, 1) << 8 * i;
    return value;
}

void ata_write_ports(struct ata_channel *c, unsigned at, uint32_t value,
                     unsigned size)
{
    if (at == ATA_DATA) {
        ata_write(c, ATA_DATA, value, size);
        return;
    }
    for (unsigned i = 0; i < size; i++)
        ata_write(c, at + i, (uint8_t)(value >> 8 * i), 1);
}

uint8_t ata_read_alternate(struct ata_channel *c)
{
    return read_register(c, ATA_COMMAND);
}

/* SRST holds both drives in reset for as long as it is set. */
void ata_write_control(struct ata_channel *c, uint8_t value)
{
    bool reset = value & CONTROL_SRST, ended = c->reset && !reset;

    c->hob = value & CONTROL_HOB;
    c->no_interrupt = value & CONTROL_NIEN;
    if (reset || ended)
        reset_both(c, false);
    c->reset = reset;
    for (unsigned n = 0; reset && n < 2; n++)
        if (c->drive[n].kind)
            c->drive[n].status = STATUS_BSY;
    update_irq(c);
}

/* ------------------------------------------------------ what both know of */

bool ata_set_mode(struct ata_drive *d)
{
    uint8_t mode = d->count[0], n = mode & 7;

    switch (mode >> 3) {
    case 0: /* PIO as by default, with or without IORDY */
        if (n > 1)
            return false;
        d->transfer_mode = d->transfer_mode >> 3 > 1 ? d->transfer_mode : mode;
        return true;
    case 1: /* PIO with IORDY: DMA stays as it was set */
        return n <= 4;
    case 4: /* multiword DMA */
        if (n > 2)
            return false;
        break;
    case 8: /* ultra DMA */
        if (n > 5)
            return false;
        break;
    default:
        return false;
    }
    d->transfer_mode = mode;
    return true;
}

void ata_put_word(struct ata_drive *d, unsigned word, unsigned value)
{
    st_le16(d->buffer + 2 * word, (uint16_t)value);
}

/* The first character is the upper byte of a word. */
void ata_put_text(struct ata_drive *d, unsigned word, unsigned n_words,
                  const char *text)
{
    for (unsigned i = 0; i < 2 * n_words; i++)
        d->buffer[2 * word + (i ^ 1)] = *text ? (uint8_t)*text++ : ' ';
}

void ata_identify_common(struct ata_drive *d, const char *model)
{
    unsigned mode = d->transfer_mode, bit = 0x100u << (mode & 7);

    memset(d->buffer, 0, ATA_SECTOR);
    ata_put_text(d, 10, 10, d->serial);
    ata_put_text(d, 23, 4, "1.0");
    ata_put_text(d, 27, 20, model);
    ata_put_word(d, 49, 0x0b00); /* IORDY, LBA, DMA */
    ata_put_word(d, 51, 0x0200);
    ata_put_word(d, 53, 0x0007); /* 54 to 58, 64 to 70, 88 are valid */
    ata_put_word(d, 63, 0x07 | (mode >> 3 == 4 ? bit : 0));
    ata_put_word(d, 64, 0x03); /* PIO 3 and 4 */
    for (unsigned word = 65; word <= 68; word++)
        ata_put_word(d, word, 120); /* ns */
    ata_put_word(d, 80, 0x7e);      /* ATA-1 to ATA/ATAPI-6 */
    ata_put_word(d, 81, 0x19);
    ata_put_word(d, 84, 0x4000);
    ata_put_word(d, 87, 0x4000);
    ata_put_word(d, 88, 0x3f | (mode >> 3 == 8 ? bit : 0));
    ata_put_word(d, 93, d != &d->channel->drive[0] ? 0x6b00 : 0x600b);
}

void ata_identify_send(struct ata_drive *d)
{
    d->buffer[510] = 0xa5;
    d->buffer[511] = 0;
    d->buffer[511] = (uint8_t)-sum_bytes(d->buffer, ATA_SECTOR);
    d->at = 0;
    d->end = d->size = ATA_SECTOR;
    ata_move(d, ATA_PIO_IN, true);
}

/* ------------------------------------------------------------------ life */

/* What a disk is divided into, 6.2; the whole of a small one. */
static void default_geometry(struct ata_drive *d)
{
    uint64_t sectors = d->block->size / ATA_SECTOR;

    d->sectors = sectors < 63 ? (uint32_t)sectors : 63;
    d->heads = sectors < 16 * 63 ? (uint32_t)(sectors / d->sectors) : 16;
    sectors /= d->heads * d->sectors;
    d->cylinders = sectors > 16383 ? 16383 : (uint32_t)sectors;
}

static bool parse_geometry(struct ata_drive *d, struct error *e)
{
    unsigned long v[3];
    const char *at = d->geometry;
    char *end;

    for (unsigned i = 0; i < 3; i++) {
        v[i] = strtoul(at, &end, 10);
        if (end == at || *at < '0' || *at > '9' || *end != (i < 2 ? ',' : '\0'))
            v[i] = 0;
        if (!v[i])
            break;
        at = end + 1;
    }
    if (!v[0] || !v[1] || !v[2] || v[0] > 65535 || v[1] > 16 || v[2] > 255)
        return error_set(e,
                         "'%s' is no geometry: want cylinders,heads,sectors "
                         "up to 65535,16,255, as in 1024,16,63",
                         d->geometry);
    d->cylinders = (uint32_t)v[0];
    d->heads = (uint32_t)v[1];
    d->sectors = (uint32_t)v[2];
    if ((uint64_t)v[0] * v[1] * v[2] > d->block->size / ATA_SECTOR)
        return error_set(e, "%s: the disk has only %llu sectors", d->geometry,
                         (unsigned long long)(d->block->size / ATA_SECTOR));
    return true;
}

bool ata_check(struct ata_drive *d, struct error *e)
{
    if (!d->block && !d->cd)
        return true;
    if (strlen(d->serial) > 20)
        return error_set(e, "serial '%s' is longer than 20 characters",
                         d->serial);
    if (d->cd)
        return true;
    if (d->block->size / ATA_SECTOR >> 48)
        return error_set(e, "'%s' is larger than 128 PiB", d->block->id);
    default_geometry(d);
    return !d->geometry || parse_geometry(d, e);
}

static bool create_drive(struct ata_drive *d, struct error *e)
{
    timer_init(&d->work, d->channel->dev->env->clock, work, d);
    d->buffer = calloc(1, ATA_BUFFER);
    if (!d->buffer)
        return error_set(e, "out of memory");
    if (!ata_check(d, e))
        return false;
    if (d->block || d->cd)
        d->kind = d->cd ? &ata_cd_kind : &ata_disk_kind;
    return !d->cd || !d->block || ata_insert(d, d->block, e);
}

bool ata_channel_create(struct ata_channel *c, struct device *dev,
                        struct error *e)
{
    c->dev = dev;
    c->drive[0].channel = c->drive[1].channel = c;
    if (create_drive(&c->drive[0], e) && create_drive(&c->drive[1], e))
        return true;
    ata_channel_destroy(c);
    return false;
}

void ata_channel_destroy(struct ata_channel *c)
{
    for (unsigned n = 0; n < 2; n++) {
        free(c->drive[n].buffer);
        c->drive[n].buffer = NULL;
    }
}

void ata_channel_reset(struct ata_channel *c)
{
    reset_both(c, true);
    c->set_irq(c->owner, false);
}

static void drive_loaded(struct ata_drive *d)
{
    bool good = d->size <= ATA_BUFFER && d->end <= d->size;

    switch (d->phase) {
    case ATA_IDLE:
    case ATA_BUSY:
        break;
    case ATA_PACKET:
        good = good && d->end <= sizeof(d->packet) && d->at < d->end;
        break;
    case ATA_PIO_IN:
    case ATA_PIO_OUT:
        good = good && d->at < d->end;
        break;
    case ATA_DMA_IN:
    case ATA_DMA_OUT:
        good = good && d->at <= d->size;
        break;
    default:
        good = false;
    }
    if (!good || !d->kind || (d->at & 1))
        ata_idle(d);
    d->at = d->at > d->size ? d->size : d->at;
    if (!d->heads_now || d->heads_now > 16)
        d->heads_now = d->heads ? d->heads : 1;
    if (!d->sectors_now || d->sectors_now > 255)
        d->sectors_now = d->sectors ? d->sectors : 1;
    if (d->multiple > ATA_MAX_MULTIPLE)
        d->multiple = 0;
}

void ata_channel_loaded(struct ata_channel *c)
{
    drive_loaded(&c->drive[0]);
    drive_loaded(&c->drive[1]);
    c->irq = selected(c)->intrq && !c->no_interrupt;
    c->set_irq(c->owner, c->irq);
}

static const struct field ata_drive_fields[] = {
    FIELD_HOST(struct ata_drive, channel),
    FIELD_HOST(struct ata_drive, kind),
    FIELD_HOST(struct ata_drive, block),
    FIELD_HOST(struct ata_drive, serial),
    FIELD_HOST(struct ata_drive, geometry),
    FIELD_HOST(struct ata_drive, cd),
    FIELD_HOST(struct ata_drive, cylinders),
    FIELD_HOST(struct ata_drive, heads),
    FIELD_HOST(struct ata_drive, sectors),
    FIELD_BUFFER(struct ata_drive, buffer, ATA_BUFFER),
    FIELD_ARRAY(struct ata_drive, features, 0),
    FIELD_ARRAY(struct ata_drive, count, 0),
    FIELD_ARRAY(struct ata_drive, lba_low, 0),
    FIELD_ARRAY(struct ata_drive, lba_mid, 0),
    FIELD_ARRAY(struct ata_drive, lba_high, 0),
    FIELD(struct ata_drive, device, 0),
    FIELD(struct ata_drive, status, 0),
    FIELD(struct ata_drive, error, 0),
    FIELD(struct ata_drive, command, 0),
    FIELD(struct ata_drive, intrq, false),
    FIELD(struct ata_drive, phase, ATA_IDLE),
    FIELD(struct ata_drive, at, 0),
    FIELD(struct ata_drive, end, 0),
    FIELD(struct ata_drive, size, 0),
    FIELD(struct ata_drive, lba, 0),
    FIELD(struct ata_drive, left, 0),
    FIELD_TIMER(struct ata_drive, work),
    FIELD(struct ata_drive, heads_now, 0),
    FIELD(struct ata_drive, sectors_now, 0),
    FIELD(struct ata_drive, multiple, 0),
    FIELD(struct ata_drive, transfer_mode, 0),
    FIELD(struct ata_drive, no_cache, false),
    FIELD(struct ata_drive, no_look_ahead, false),
    FIELD(struct ata_drive, keep, false),
    FIELD(struct ata_drive, power, 0),
    FIELD(struct ata_drive, asleep, false),
    FIELD_ARRAY(struct ata_drive, packet, 0),
    FIELD(struct ata_drive, sense_key, 0),
    FIELD(struct ata_drive, asc, 0),
    FIELD(struct ata_drive, ascq, 0),
    FIELD(struct ata_drive, attention, 0),
    FIELD(struct ata_drive, event, 0),
    FIELD(struct ata_drive, tray_open, false),
    FIELD(struct ata_drive, locked, false),
    FIELD(struct ata_drive, by_dma, false),
    FIELD(struct ata_drive, limit, 0),
    FIELD(struct ata_drive, block_bytes, 0),
    FIELD(struct ata_drive, read_flags, 0),
    FIELD(struct ata_drive, retries, 0),
    FIELD_ARRAY(struct ata_drive, audio, 0),
    FIELD_LIST_END,
};

const struct field ata_channel_fields[] = {
    FIELD_SUBS(struct ata_channel, drive, ata_drive_fields),
    FIELD(struct ata_channel, hob, false),
    FIELD(struct ata_channel, no_interrupt, false),
    FIELD(struct ata_channel, reset, false),
    FIELD(struct ata_channel, slave, false),
    FIELD(struct ata_channel, irq, false),
    FIELD_HOST(struct ata_channel, dev),
    FIELD_HOST(struct ata_channel, set_irq),
    FIELD_HOST(struct ata_channel, dma),
    FIELD_HOST(struct ata_channel, owner),
    FIELD_LIST_END,
};
