/*
 * ATA disk.
 *
 * ATA/ATAPI-6 (T13/1410D revision 3b), 6 and 8, and the commands of ATA-1 to
 * ATA-5 that old systems still use: addresses by cylinder, head and sector
 * under the translation of INITIALIZE DEVICE PARAMETERS, RECALIBRATE, SEEK.
 *
 * Errors of the host: a read that fails is UNC, a write that fails (a full
 * host) and a write of a read-only disk are WP and ABRT; the address registers
 * name the sector, up to the size of a DRQ block or 64 KiB by DMA.  With the
 * write cache off, each write is flushed.
 *
 * Missing: SMART, security, the host protected area (READ NATIVE MAX answers,
 * SET MAX does not), power-up in standby, READ LONG, FORMAT TRACK, logs,
 * standby timers; all of these say ABRT, and IDENTIFY says so before.
 */
#include "devices/ata/ata.h"

#include <string.h>

enum {
    CMD_RECALIBRATE = 0x10, /* to 1Fh */
    CMD_READ = 0x20,
    CMD_READ_ONCE = 0x21,
    CMD_READ_EXT = 0x24,
    CMD_READ_DMA_EXT = 0x25,
    CMD_NATIVE_MAX_EXT = 0x27,
    CMD_READ_MULTIPLE_EXT = 0x29,
    CMD_WRITE = 0x30,
    CMD_WRITE_ONCE = 0x31,
    CMD_WRITE_EXT = 0x34,
    CMD_WRITE_DMA_EXT = 0x35,
    CMD_WRITE_MULTIPLE_EXT = 0x39,
    CMD_WRITE_VERIFY = 0x3c,
    CMD_VERIFY = 0x40,
    CMD_VERIFY_ONCE = 0x41,
    CMD_VERIFY_EXT = 0x42,
    CMD_SEEK = 0x70, /* to 7Fh */
    CMD_SET_PARAMETERS = 0x91,
    CMD_OLD_STANDBY_NOW = 0x94,
    CMD_OLD_IDLE_NOW = 0x95,
    CMD_OLD_STANDBY = 0x96,
    CMD_OLD_IDLE = 0x97,
    CMD_OLD_CHECK_POWER = 0x98,
    CMD_OLD_SLEEP = 0x99,
    CMD_READ_MULTIPLE = 0xc4,
    CMD_WRITE_MULTIPLE = 0xc5,
    CMD_SET_MULTIPLE = 0xc6,
    CMD_READ_DMA = 0xc8,
    CMD_READ_DMA_ONCE = 0xc9,
    CMD_WRITE_DMA = 0xca,
    CMD_WRITE_DMA_ONCE = 0xcb,
    CMD_STANDBY_NOW = 0xe0,
    CMD_IDLE_NOW = 0xe1,
    CMD_STANDBY = 0xe2,
    CMD_IDLE = 0xe3,
    CMD_READ_BUFFER = 0xe4,
    CMD_CHECK_POWER = 0xe5,
    CMD_SLEEP = 0xe6,
    CMD_FLUSH = 0xe7,
    CMD_WRITE_BUFFER = 0xe8,
    CMD_FLUSH_EXT = 0xea,
    CMD_IDENTIFY = 0xec,
    CMD_SET_FEATURES = 0xef,
    CMD_NATIVE_MAX = 0xf8,
};

enum {
    FEATURE_CACHE_ON = 0x02,
    FEATURE_LOOK_AHEAD_OFF = 0x55,
    FEATURE_NO_DEFAULTS = 0x66,
    FEATURE_CACHE_OFF = 0x82,
    FEATURE_LOOK_AHEAD_ON = 0xaa,
    FEATURE_DEFAULTS = 0xcc,
};

enum { POWER_STANDBY = 0x00, POWER_IDLE = 0x80, POWER_ACTIVE = 0xff };

enum { VERIFY_TURN = 16 };    /* pieces */
enum { LBA_28 = 0x10000000 }; /* sectors that 28 bits reach */

/* What commands that move sectors are made of. */
enum {
    EXT = 1 << 0,
    WRITES = 1 << 1,
    DMA = 1 << 2,
    MULTIPLE = 1 << 3,
    NO_DATA = 1 << 4,
    MOVES = 1 << 5,
};

static unsigned traits(uint8_t command)
{
    switch (command) {
    case CMD_READ:
    case CMD_READ_ONCE:
        return MOVES;
    case CMD_READ_EXT:
        return MOVES | EXT;
    case CMD_READ_MULTIPLE:
        return MOVES | MULTIPLE;
    case CMD_READ_MULTIPLE_EXT:
        return MOVES | MULTIPLE | EXT;
    case CMD_READ_DMA:
    case CMD_READ_DMA_ONCE:
        return MOVES | DMA;
    case CMD_READ_DMA_EXT:
        return MOVES | DMA | EXT;
    case CMD_WRITE:
    case CMD_WRITE_ONCE:
    case CMD_WRITE_VERIFY:
        return MOVES | WRITES;
    case CMD_WRITE_EXT:
        return MOVES | WRITES | EXT;
    case CMD_WRITE_MULTIPLE:
        return MOVES | WRITES | MULTIPLE;
    case CMD_WRITE_MULTIPLE_EXT:
        return MOVES | WRITES | MULTIPLE | EXT;
    case CMD_WRITE_DMA:
    case CMD_WRITE_DMA_ONCE:
        return MOVES | WRITES | DMA;
    case CMD_WRITE_DMA_EXT:
        return MOVES | WRITES | DMA | EXT;
    case CMD_VERIFY:
    case CMD_VERIFY_ONCE:
        return MOVES | NO_DATA;
    case CMD_VERIFY_EXT:
        return MOVES | NO_DATA | EXT;
    }
    return 0;
}

static uint64_t capacity(const struct ata_drive *d)
{
    return d->block->size / ATA_SECTOR;
}

/* ------------------------------------------------------------- addresses */

/* The sector that the registers name; false: there is none. */
static bool take_address(const struct ata_drive *d, bool ext, uint64_t *lba)
{
    uint32_t low =
        d->lba_low[0] | d->lba_mid[0] << 8 | (uint32_t)d->lba_high[0] << 16;
    uint32_t cylinder = low >> 8, head = d->device & 15;

    if (ext) {
        *lba = (uint64_t)d->lba_low[1] << 24 | (uint64_t)d->lba_mid[1] << 32 |
               (uint64_t)d->lba_high[1] << 40 | low;
    } else if (d->device & DEVICE_LBA) {
        *lba = (uint64_t)head << 24 | low;
    } else {
        if (!d->lba_low[0] || d->lba_low[0] > d->sectors_now ||
            head >= d->heads_now)
            return false;
        *lba = ((uint64_t)cylinder * d->heads_now + head) * d->sectors_now +
               d->lba_low[0] - 1;
    }
    return *lba < capacity(d);
}

/* In the form that the command has used. */
static void put_address(struct ata_drive *d, bool ext, uint64_t lba)
{
    if (!ext && !(d->device & DEVICE_LBA)) {
        uint64_t track = lba / d->sectors_now;
        uint64_t cylinder = track / d->heads_now;

        d->lba_low[0] = (uint8_t)(lba % d->sectors_now + 1);
        d->lba_mid[0] = (uint8_t)cylinder;
        d->lba_high[0] = (uint8_t)(cylinder >> 8);
        d->device = (uint8_t)((d->device & 0xf0) | track % d->heads_now);
        return;
    }
    d->lba_low[0] = (uint8_t)lba;
    d->lba_mid[0] = (uint8_t)(lba >> 8);
    d->lba_high[0] = (uint8_t)(lba >> 16);
    if (ext) {
        d->lba_low[1] = (uint8_t)(lba >> 24);
        d->lba_mid[1] = (uint8_t)(lba >> 32);
        d->lba_high[1] = (uint8_t)(lba >> 40);
    } else {
        d->device = (uint8_t)((d->device & 0xf0) | (lba >> 24 & 15));
    }
}

static uint32_t take_count(const struct ata_drive *d, bool ext)
{
    uint32_t n = d->count[0] | (ext ? (uint32_t)d->count[1] << 8 : 0);

    return n ? n : ext ? 65536 : 256;
}

/* ------------------------------------------------------------- transfers */

/* The registers when a transfer ends at d->lba, well or not. */
static void put_end(struct ata_drive *d, uint8_t error)
{
    bool ext = traits(d->command) & EXT;
    uint32_t left = error ? d->left : 0;

    put_address(d, ext, error || !d->lba ? d->lba : d->lba - 1);
    d->count[0] = (uint8_t)left;
    if (ext)
        d->count[1] = (uint8_t)(left >> 8);
}

static void end_transfer(struct ata_drive *d, uint8_t error)
{
    put_end(d, error);
    ata_done(d, error);
}

static uint8_t host_error(struct ata_drive *d, const char *what, int err,
                          uint8_t error)
{
    struct device *dev = d->channel->dev;

    log_guest(dev->env->log, "%s: %s at sector %llu: %s", dev->path, what,
              (unsigned long long)d->lba, strerror(err));
    return error;
}

/* How many sectors the next piece has: a DRQ block, or a buffer by DMA.
 * 0: the disk ends here, or what the command's address reaches does. */
static uint32_t piece(const struct ata_drive *d)
{
    unsigned t = traits(d->command);
    uint32_t n = t & (DMA | NO_DATA) ? ATA_BUFFER / ATA_SECTOR
                 : t & MULTIPLE      ? d->multiple
                                     : 1;
    uint64_t end = t & EXT || capacity(d) < LBA_28 ? capacity(d) : LBA_28;
    uint64_t room = d->lba < end ? end - d->lba : 0;

    n = n < d->left ? n : d->left;
    return n < room ? n : (uint32_t)room;
}

/* Read the next piece into the buffer; false: the command has failed. */
static bool fill(struct ata_drive *d)
{
    uint32_t n = piece(d);
    int err;

    if (!n) {
        end_transfer(d, ERROR_IDNF);
        return false;
    }
    err = d->block->read(d->block, d->lba * ATA_SECTOR, d->buffer,
                         (uint64_t)n * ATA_SECTOR);
    if (err) {
        end_transfer(d, host_error(d, "read", err, ERROR_UNC));
        return false;
    }
    d->at = 0;
    d->end = d->size = n * ATA_SECTOR;
    return true;
}

/* The next piece is in the buffer, or has been moved. */
static void passed(struct ata_drive *d)
{
    d->lba += d->size / ATA_SECTOR;
    d->left -= d->size / ATA_SECTOR;
}

/* A turn of it, as with DMA; then others may have the device lock. */
static void verify(struct ata_drive *d)
{
    for (unsigned n = 0; d->left && n < VERIFY_TURN; n++) {
        if (!fill(d))
            return;
        passed(d);
    }
    if (d->left)
        ata_busy(d);
    else
        end_transfer(d, 0);
}

/* Have room for the next piece; false: as fill(). */
static bool ask(struct ata_drive *d)
{
    uint32_t n = piece(d);

    if (!n) {
        end_transfer(d, ERROR_IDNF);
        return false;
    }
    d->at = 0;
    d->end = d->size = n * ATA_SECTOR;
    return true;
}

/* Write what is in the buffer; false: as fill(). */
static bool drain(struct ata_drive *d)
{
    int err =
        d->block->write(d->block, d->lba * ATA_SECTOR, d->buffer, d->size);

    if (!err && d->no_cache)
        err = d->block->flush(d->block);
    if (err)
        end_transfer(d, host_error(d, "write", err, ERROR_WP | ERROR_ABRT));
    return !err;
}

static void disk_moved(struct ata_drive *d)
{
    bool in = d->phase == ATA_PIO_IN || d->phase == ATA_DMA_IN;
    bool pio = d->phase == ATA_PIO_IN || d->phase == ATA_PIO_OUT;

    if (d->command == CMD_WRITE_BUFFER) {
        ata_done(d, 0);
        return;
    }
    if (!(traits(d->command) & MOVES)) {
        ata_idle(d); /* IDENTIFY, READ BUFFER: no interrupt at the end */
        return;
    }
    /* A damaged snapshot may say anything. */
    if (d->size > (uint64_t)d->left * ATA_SECTOR || d->size % ATA_SECTOR ||
        piece(d) < d->size / ATA_SECTOR) {
        end_transfer(d, ERROR_IDNF);
        return;
    }
    if (!in && !drain(d))
        return;
    passed(d);
    if (!d->left && d->phase == ATA_PIO_IN) {
        put_end(d, 0);
        ata_idle(d);
    } else if (!d->left) {
        end_transfer(d, 0);
    } else if (in ? fill(d) : ask(d)) {
        ata_move(d, (enum ata_phase)d->phase, pio);
    }
}

static bool begin_transfer(struct ata_drive *d)
{
    unsigned t = traits(d->command);

    d->power = POWER_ACTIVE;
    d->left = take_count(d, t & EXT);
    if ((t & MULTIPLE && !d->multiple) || (t & DMA && !d->channel->dma)) {
        ata_done(d, ERROR_ABRT);
        return false;
    }
    if (t & WRITES && d->block->read_only) {
        ata_done(d, ERROR_WP | ERROR_ABRT);
        return false;
    }
    if (!take_address(d, t & EXT, &d->lba)) {
        ata_done(d, ERROR_IDNF);
        return false;
    }
    return true;
}

static void transfer(struct ata_drive *d)
{
    unsigned t = traits(d->command);
    bool goes_on = t & NO_DATA && d->left;

    if (!goes_on && !begin_transfer(d))
        return;
    if (t & NO_DATA)
        verify(d);
    else if (t & WRITES && ask(d))
        ata_move(d, ATA_DMA_OUT, false);
    else if (!(t & WRITES) && fill(d))
        ata_move(d, t & DMA ? ATA_DMA_IN : ATA_PIO_IN, !(t & DMA));
}

/* -------------------------------------------------------------- IDENTIFY */

static void put_double(struct ata_drive *d, unsigned word, uint32_t value)
{
    ata_put_word(d, word, value & 0xffff);
    ata_put_word(d, word + 1, value >> 16);
}

/* By the current translation, 6.2.1. */
static uint32_t cylinders_now(const struct ata_drive *d)
{
    uint64_t n;

    if (d->heads_now == d->heads && d->sectors_now == d->sectors)
        return d->cylinders;
    n = capacity(d) / (d->heads_now * d->sectors_now);
    return n > 65535 ? 65535 : (uint32_t)n;
}

static void identify(struct ata_drive *d)
{
    uint64_t n = capacity(d);
    uint32_t cylinders = cylinders_now(d);

    ata_identify_common(d, "EMU HARDDISK");
    ata_put_word(d, 0, 0x0040);
    ata_put_word(d, 1, d->cylinders);
    ata_put_word(d, 2, 0xc837); /* all of this is complete, and it spins */
    ata_put_word(d, 3, d->heads);
    ata_put_word(d, 4, d->sectors * ATA_SECTOR);
    ata_put_word(d, 5, ATA_SECTOR);
    ata_put_word(d, 6, d->sectors);
    ata_put_word(d, 20, 3);
    ata_put_word(d, 21, ATA_BUFFER / ATA_SECTOR);
    ata_put_word(d, 22, 4);
    ata_put_word(d, 47, 0x8000 | ATA_MAX_MULTIPLE);
    ata_put_word(d, 48, 1); /* 32-bit accesses */
    ata_put_word(d, 50, 0x4000);
    ata_put_word(d, 54, cylinders);
    ata_put_word(d, 55, d->heads_now);
    ata_put_word(d, 56, d->sectors_now);
    put_double(d, 57, cylinders * d->heads_now * d->sectors_now);
    ata_put_word(d, 59, d->multiple ? 0x100u | d->multiple : 0);
    put_double(d, 60, n < LBA_28 ? (uint32_t)n : LBA_28 - 1);
    /* NOP, READ and WRITE BUFFER, look-ahead, write cache, power. */
    ata_put_word(d, 82, 0x7068);
    ata_put_word(d, 83, 0x7400); /* FLUSH, FLUSH EXT, 48 bits */
    ata_put_word(d, 85,
                 0x7008 | (d->no_cache ? 0 : 0x20u) |
                     (d->no_look_ahead ? 0 : 0x40u));
    ata_put_word(d, 86, 0x3400);
    put_double(d, 100, (uint32_t)n);
    put_double(d, 102, (uint32_t)(n >> 32));
    ata_identify_send(d);
}

/* ------------------------------------------------------- other commands */

static void flush(struct ata_drive *d)
{
    int err = d->block->read_only ? 0 : d->block->flush(d->block);

    ata_done(d, err ? host_error(d, "flush", err, ERROR_ABRT) : 0);
}

static void set_defaults(struct ata_drive *d)
{
    d->multiple = 0;
    d->no_cache = d->no_look_ahead = false;
    d->heads_now = d->heads;
    d->sectors_now = d->sectors;
}

static bool set_features(struct ata_drive *d)
{
    switch (d->features[0]) {
    case FEATURE_MODE:
        return ata_set_mode(d);
    case FEATURE_CACHE_ON:
        d->no_cache = false;
        return true;
    case FEATURE_CACHE_OFF:
        d->no_cache = true;
        return d->block->read_only || !d->block->flush(d->block);
    case FEATURE_LOOK_AHEAD_ON:
        d->no_look_ahead = false;
        return true;
    case FEATURE_LOOK_AHEAD_OFF:
        d->no_look_ahead = true;
        return true;
    case FEATURE_DEFAULTS: /* at a soft reset */
    case FEATURE_NO_DEFAULTS:
        d->keep = d->features[0] == FEATURE_NO_DEFAULTS;
        return true;
    }
    return false;
}

static bool set_multiple(struct ata_drive *d)
{
    uint8_t n = d->count[0];

    d->multiple = 0;
    if (n > ATA_MAX_MULTIPLE || (n & (n - 1)))
        return false;
    d->multiple = n;
    return true;
}

/* The CHS translation, 8.16 of ATA-5. */
static bool set_parameters(struct ata_drive *d)
{
    if (!d->count[0])
        return false;
    d->sectors_now = d->count[0];
    d->heads_now = (d->device & 15u) + 1;
    return true;
}

static void native_max(struct ata_drive *d, bool ext)
{
    uint64_t last = capacity(d) - 1;

    d->device |= DEVICE_LBA;
    put_address(d, ext, !ext && last >= LBA_28 ? LBA_28 - 1 : last);
    ata_done(d, 0);
}

static void done(struct ata_drive *d, bool well)
{
    ata_done(d, well ? 0 : ERROR_ABRT);
}

static void set_power(struct ata_drive *d, uint8_t power)
{
    /* Standby leaves nothing in a cache. */
    if (power == POWER_STANDBY) {
        d->power = power;
        flush(d);
        return;
    }
    d->power = power;
    ata_done(d, 0);
}

static void seek(struct ata_drive *d)
{
    uint64_t lba;

    ata_done(d, take_address(d, false, &lba) ? 0 : ERROR_IDNF);
}

static void read_buffer(struct ata_drive *d)
{
    d->end = d->size = ATA_SECTOR;
    ata_move(d, ATA_PIO_IN, true);
}

static void disk_execute(struct ata_drive *d)
{
    uint8_t c = d->command;

    if (traits(c) & MOVES) {
        transfer(d);
        return;
    }
    switch (c >= CMD_RECALIBRATE && c < CMD_RECALIBRATE + 16 ? CMD_RECALIBRATE
            : c >= CMD_SEEK && c < CMD_SEEK + 16             ? CMD_SEEK
                                                             : c) {
    case CMD_RECALIBRATE:
        ata_done(d, 0);
        break;
    case CMD_SEEK:
        seek(d);
        break;
    case CMD_IDENTIFY:
        identify(d);
        break;
    case CMD_READ_BUFFER:
        read_buffer(d);
        break;
    case CMD_SET_PARAMETERS:
        done(d, set_parameters(d));
        break;
    case CMD_SET_MULTIPLE:
        done(d, set_multiple(d));
        break;
    case CMD_SET_FEATURES:
        done(d, set_features(d));
        break;
    case CMD_FLUSH:
    case CMD_FLUSH_EXT:
        flush(d);
        break;
    case CMD_NATIVE_MAX:
    case CMD_NATIVE_MAX_EXT:
        native_max(d, c == CMD_NATIVE_MAX_EXT);
        break;
    case CMD_IDLE:
    case CMD_OLD_IDLE:
    case CMD_IDLE_NOW:
    case CMD_OLD_IDLE_NOW:
        set_power(d, POWER_IDLE);
        break;
    case CMD_STANDBY:
    case CMD_OLD_STANDBY:
    case CMD_STANDBY_NOW:
    case CMD_OLD_STANDBY_NOW:
        set_power(d, POWER_STANDBY);
        break;
    case CMD_SLEEP:
    case CMD_OLD_SLEEP:
        set_power(d, POWER_STANDBY);
        d->asleep = !(d->status & STATUS_ERR);
        break;
    case CMD_CHECK_POWER:
    case CMD_OLD_CHECK_POWER:
        d->count[0] = d->power;
        ata_done(d, 0);
        break;
    default: /* NOP, too */
        ata_done(d, ERROR_ABRT);
    }
}

/* The first block of a write by PIO is asked for without an interrupt. */
static void disk_command(struct ata_drive *d)
{
    unsigned t = traits(d->command);

    if (d->command == CMD_WRITE_BUFFER) {
        d->end = d->size = ATA_SECTOR;
        ata_move(d, ATA_PIO_OUT, false);
    } else if ((t & WRITES) && !(t & DMA)) {
        if (begin_transfer(d) && ask(d))
            ata_move(d, ATA_PIO_OUT, false);
    } else {
        ata_busy(d);
    }
}

static void disk_reset(struct ata_drive *d, bool hard)
{
    d->asleep = false;
    d->power = POWER_ACTIVE;
    if (hard || !d->keep)
        set_defaults(d);
    if (hard) {
        d->transfer_mode = 0;
        d->keep = false;
    }
}

const struct ata_kind ata_disk_kind = {
    .status = STATUS_GOOD,
    .command = disk_command,
    .execute = disk_execute,
    .moved = disk_moved,
    .reset = disk_reset,
};
