/*
 * ATAPI CD-ROM drive: the packet interface and the commands.
 *
 * ATA/ATAPI-6 (T13/1410D revision 3b), 8.23 and 9.8 to 9.10 (PACKET), SFF-8020i
 * revision 2.6 and MMC-3 (T10/1363D) for the commands; what the drive says of
 * itself and of a disc is in cd_pages.c.
 *
 * A disc is one data track of mode 1 in sectors of 2048 bytes; an image that
 * ends within one is padded with zeros.  One that is larger than a CD is shown
 * as a DVD-ROM.  READ CD composes sync, header, EDC and ECC.  Audio commands
 * are answered as for a disc without audio tracks: illegal mode for this
 * track, and no play that could be held.
 *
 * Missing: audio and multi-session discs, subchannel data in READ CD, DVD
 * structures, regions, writers.
 */
#include "devices/ata/atapi.h"

#include <string.h>

#include "base/bytes.h"

enum {
    CMD_PACKET = 0xa0,
    CMD_IDENTIFY_PACKET = 0xa1,
    CMD_CHECK_POWER = 0xe5,
    CMD_IDENTIFY = 0xec,
    CMD_IDLE_NOW = 0xe1,
    CMD_STANDBY_NOW = 0xe0,
    CMD_SLEEP = 0xe6,
    CMD_SET_FEATURES = 0xef,
    CMD_READ = 0x20,
};

enum { OP_REQUEST_SENSE = 0x03 };

/* Interrupt reason, in the count register. */
enum { REASON_COMMAND = 1, REASON_TO_HOST = 2 };

enum { PACKET_DMA = 1, PACKET_OVERLAP = 2 };

/* Parts of a sector, byte 9 of READ CD. */
enum {
    PART_EDC = 0x08,
    PART_USER = 0x10,
    PART_HEADER = 0x20,
    PART_SUBHEADER = 0x40,
    PART_SYNC = 0x80,
};
enum {
    SYNC_SIZE = 12,
    HEADER_SIZE = 4,
    EDC_SIZE = 288, /* with ECC */
    RAW_SECTOR = SYNC_SIZE + HEADER_SIZE + CD_SECTOR + EDC_SIZE,
    PREGAP = 150, /* frames before block 0 */
    PIECE = 32,   /* blocks at a time */
};

uint32_t cd_blocks(const struct ata_drive *d)
{
    uint64_t n;

    if (!d->block || d->tray_open)
        return 0;
    n = (d->block->size + CD_SECTOR - 1) / CD_SECTOR;
    return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

/* ----------------------------------------------------------- end of packet */

static void complete(struct ata_drive *d)
{
    d->count[0] = REASON_COMMAND | REASON_TO_HOST;
    ata_done(d, 0);
}

static void set_sense(struct ata_drive *d, enum cd_sense sense)
{
    d->sense_key = (uint8_t)(sense >> 16);
    d->asc = (uint8_t)(sense >> 8);
    d->ascq = (uint8_t)sense;
}

static void check(struct ata_drive *d, enum cd_sense sense)
{
    set_sense(d, sense);
    d->count[0] = REASON_COMMAND | REASON_TO_HOST;
    ata_done(d, (uint8_t)(d->sense_key << 4 | ERROR_ABRT));
}

/* --------------------------------------------------------------- transfers */

/* The next DRQ block of what is in the buffer, 9.8: at most the byte count
 * limit, and whole sectors where they fit. */
static void next_block(struct ata_drive *d, bool in)
{
    uint32_t n = d->size - d->at, limit = d->limit;

    limit = !limit || limit == 0xffff ? 0xfffe : limit;
    if (n > limit) {
        n = limit & ~1u ? limit & ~1u : 2;
        if (d->block_bytes && n > d->block_bytes)
            n -= n % d->block_bytes;
    }
    d->end = d->at + n;
    d->lba_mid[0] = (uint8_t)n;
    d->lba_high[0] = (uint8_t)(n >> 8);
    d->count[0] = in ? REASON_TO_HOST : 0;
    ata_move(d, in ? ATA_PIO_IN : ATA_PIO_OUT, true);
}

/* d->size bytes are in the buffer, or wanted there. */
static void move(struct ata_drive *d, bool in)
{
    d->at = 0;
    if (d->by_dma)
        ata_move(d, in ? ATA_DMA_IN : ATA_DMA_OUT, false);
    else
        next_block(d, in);
}

/* An answer, as much of it as the host has room for. */
static void answer(struct ata_drive *d, int size, uint32_t room)
{
    d->left = 0;
    d->block_bytes = 0;
    d->size = (uint32_t)size < room ? (uint32_t)size : room;
    if (d->size)
        move(d, true);
    else
        complete(d);
}

/* ------------------------------------------------------------- raw sectors */

static uint8_t bcd(unsigned n)
{
    return (uint8_t)(n / 10 % 10 << 4 | n % 10);
}

static void put_msf(uint8_t *out, uint32_t lba)
{
    lba += PREGAP;
    out[0] = bcd(lba / (75 * 60));
    out[1] = bcd(lba / 75 % 60);
    out[2] = bcd(lba % 75);
}

/* ECMA-130, 14.3: a CRC over (x^16+x^15+x^2+1)(x^16+x^2+x+1), low bit first. */
static uint32_t edc(const uint8_t *p, unsigned n)
{
    uint32_t v = 0;

    while (n--) {
        v ^= *p++;
        for (unsigned i = 0; i < 8; i++)
            v = v >> 1 ^ (v & 1 ? 0xd8018001 : 0);
    }
    return v;
}

/* In GF(2^8) over x^8+x^4+x^3+x^2+1. */
static uint8_t twice(uint8_t v)
{
    return (uint8_t)(v << 1 ^ (v & 0x80 ? 0x1d : 0));
}

/* v / (x + 1), whose inverse is F4h. */
static uint8_t over_three(uint8_t v)
{
    uint8_t product = 0;

    for (unsigned bit = 0x80; bit; bit >>= 1) {
        product = twice(product);
        product ^= 0xf4 & bit ? v : 0;
    }
    return product;
}

/*
 * The parity of one Reed-Solomon product code, ECMA-130, annex A: `words`
 * code words of `n` bytes, whose parity bytes lie at out[w] and
 * out[words + w].  Bytes of a word are `stride` apart in the matrix of
 * `total` bytes at p, and wrap.
 */
static void parity(const uint8_t *p, uint8_t *out, unsigned words, unsigned n,
                   unsigned stride, unsigned step, unsigned total)
{
    for (unsigned w = 0; w < words; w++) {
        unsigned at = (w >> 1) * step + (w & 1);
        uint8_t sum = 0, weighted = 0;

        for (unsigned i = 0; i < n; i++) {
            uint8_t byte = p[at];

            at += stride;
            at -= at >= total ? total : 0;
            sum ^= byte;
            weighted = twice(weighted ^ byte);
        }
        /* Both check sums of the word must be 0. */
        out[w] = over_three(twice(weighted) ^ sum);
        out[words + w] = out[w] ^ sum;
    }
}

/* Around the 2048 bytes that are in raw already. */
static void frame_sector(uint8_t *raw, uint32_t lba)
{
    uint8_t *header = raw + SYNC_SIZE, *tail = header + HEADER_SIZE + CD_SECTOR;

    memset(raw, 0xff, SYNC_SIZE);
    raw[0] = raw[SYNC_SIZE - 1] = 0;
    put_msf(header, lba);
    header[3] = 1; /* the mode */
    st_le32(tail, edc(raw, SYNC_SIZE + HEADER_SIZE + CD_SECTOR));
    memset(tail + 4, 0, 8);
    parity(header, tail + 12, 86, 24, 86, 2, 24 * 86);
    parity(header, tail + 12 + 172, 52, 43, 88, 86, 26 * 86);
}

/* What the flags want of it; returns where that ends. */
static uint8_t *put_sector(uint8_t *out, const uint8_t *raw, uint8_t flags)
{
    static const struct {
        uint8_t flag;
        uint16_t at, size;
    } parts[] = {
        {PART_SYNC, 0, SYNC_SIZE},
        {PART_HEADER, SYNC_SIZE, HEADER_SIZE},
        {PART_USER, SYNC_SIZE + HEADER_SIZE, CD_SECTOR},
        {PART_EDC, SYNC_SIZE + HEADER_SIZE + CD_SECTOR, EDC_SIZE},
    };

    for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (flags & parts[i].flag) {
            memcpy(out, raw + parts[i].at, parts[i].size);
            out += parts[i].size;
        }
    }
    return out;
}

static uint32_t part_sizes(uint8_t flags)
{
    return (flags & PART_SYNC ? SYNC_SIZE : 0u) +
           (flags & PART_HEADER ? HEADER_SIZE : 0u) +
           (flags & PART_USER ? CD_SECTOR : 0u) +
           (flags & PART_EDC ? EDC_SIZE : 0u);
}

/* ----------------------------------------------------------------- reading */

/* Sectors from d->lba on; the last one may be padded.  errno value. */
static int read_blocks(struct ata_drive *d, uint8_t *out, uint32_t n)
{
    uint64_t at = d->lba * CD_SECTOR, size = (uint64_t)n * CD_SECTOR;
    uint64_t there = d->block->size - at;

    if (there >= size)
        return d->block->read(d->block, at, out, size);
    memset(out + there, 0, (size_t)(size - there));
    return d->block->read(d->block, at, out, there);
}

static int read_raw(struct ata_drive *d, uint32_t n)
{
    uint8_t *out = d->buffer, raw[RAW_SECTOR];

    while (n--) {
        int err = read_blocks(d, raw + SYNC_SIZE + HEADER_SIZE, 1);

        if (err)
            return err;
        if (d->read_flags != PART_USER)
            frame_sector(raw, (uint32_t)d->lba);
        out = put_sector(out, raw, d->read_flags);
        d->lba++;
    }
    return 0;
}

/* The next piece; the disc may have been changed meanwhile. */
static void read_more(struct ata_drive *d)
{
    uint32_t n, blocks = cd_blocks(d);
    int err;

    if (d->attention & ATTENTION_CHANGED) {
        check(d, SENSE_CHANGED);
        d->attention &= (uint8_t)~ATTENTION_CHANGED;
        return;
    }
    if (!d->block_bytes || d->block_bytes > RAW_SECTOR ||
        d->block_bytes != part_sizes(d->read_flags) || d->lba >= blocks ||
        d->left > blocks - d->lba) {
        check(d, blocks ? SENSE_RANGE : SENSE_NO_DISC);
        return;
    }
    n = ATA_BUFFER / d->block_bytes;
    n = n < PIECE ? n : PIECE;
    n = n < d->left ? n : d->left;
    if (d->read_flags == PART_USER) {
        err = read_blocks(d, d->buffer, n);
        d->lba += err ? 0 : n;
    } else {
        err = read_raw(d, n);
    }
    if (err) {
        log_guest(d->channel->dev->env->log, "%s: read of CD block %llu: %s",
                  d->channel->dev->path, (unsigned long long)d->lba,
                  strerror(err));
        check(d, SENSE_READ_ERROR);
        return;
    }
    d->left -= n;
    d->size = n * d->block_bytes;
    move(d, true);
}

static void start_read(struct ata_drive *d, uint32_t lba, uint32_t n,
                       uint8_t flags)
{
    uint32_t blocks = cd_blocks(d);

    if (lba > blocks || n > blocks - lba) {
        check(d, SENSE_RANGE);
        return;
    }
    d->lba = lba;
    d->left = n;
    d->read_flags = flags;
    d->block_bytes = part_sizes(flags);
    if (n && d->block_bytes)
        read_more(d);
    else
        complete(d);
}

/* READ CD and READ CD MSF, MMC-3 6.19: byte 1 wants a type of sector. */
static void read_cd(struct ata_drive *d, uint32_t lba, uint32_t n)
{
    const uint8_t *p = d->packet;
    unsigned type = p[1] >> 2 & 7;
    uint8_t flags = p[9] & 0xf8;

    if ((p[9] & 0x06) || (p[10] & 7)) { /* C2 errors, subchannel */
        check(d, SENSE_FIELD);
        return;
    }
    if (type != 0 && type != 2) { /* this disc is mode 1 */
        check(d, SENSE_TRACK_MODE);
        return;
    }
    start_read(d, lba, n, flags & (uint8_t)~PART_SUBHEADER);
}

/* Minutes, seconds, frames; false: before block 0, or no time at all. */
static bool take_msf(const uint8_t *p, uint32_t *lba)
{
    uint32_t frames = (p[0] * 60u + p[1]) * 75 + p[2];

    if (p[1] >= 60 || p[2] >= 75 || frames < PREGAP)
        return false;
    *lba = frames - PREGAP;
    return true;
}

static void read_cd_msf(struct ata_drive *d)
{
    uint32_t from, to;

    if (!take_msf(d->packet + 3, &from) || !take_msf(d->packet + 6, &to) ||
        to < from)
        check(d, SENSE_FIELD);
    else
        read_cd(d, from, to - from);
}

static void read_capacity(struct ata_drive *d)
{
    st_be32(d->buffer, cd_blocks(d) - 1);
    st_be32(d->buffer + 4, CD_SECTOR);
    answer(d, 8, 8);
}

/* ---------------------------------------------------------- tray and sense */

static void request_sense(struct ata_drive *d)
{
    uint8_t *b = d->buffer;

    memset(b, 0, 18);
    b[0] = 0x70;
    b[2] = d->sense_key;
    b[7] = 10;
    b[12] = d->asc;
    b[13] = d->ascq;
    set_sense(d, SENSE_NONE);
    answer(d, 18, d->packet[4]);
}

static void start_stop(struct ata_drive *d)
{
    bool start = d->packet[4] & 1, eject = d->packet[4] & 2;

    if (eject && d->locked && !start) {
        check(d, SENSE_LOCKED);
        return;
    }
    if (eject && start && d->tray_open) {
        d->tray_open = false;
        d->event = d->block ? EVENT_NEW : EVENT_NONE;
        d->attention |= d->block ? ATTENTION_CHANGED : 0;
    } else if (eject && !start && !d->tray_open) {
        d->tray_open = true;
        d->event = EVENT_REMOVED;
    }
    complete(d);
}

bool ata_insert(struct ata_drive *d, struct block *disc, struct error *e)
{
    if (d->kind != &ata_cd_kind)
        return error_set(e, "it is no CD-ROM drive");
    if (d->locked && disc != d->block) {
        d->event = EVENT_EJECT_WISH;
        return error_set(e, "the guest has locked the drive");
    }
    d->block = disc;
    d->tray_open = false;
    d->event = disc ? EVENT_NEW : EVENT_REMOVED;
    d->attention |= disc ? ATTENTION_CHANGED : 0;
    return true;
}

/* ---------------------------------------------------------------- packets */

static enum cd_sense attention(struct ata_drive *d)
{
    if (d->attention & ATTENTION_RESET) {
        d->attention &= (uint8_t)~ATTENTION_RESET;
        return SENSE_RESET;
    }
    d->attention &= (uint8_t)~ATTENTION_CHANGED;
    return SENSE_CHANGED;
}

static void mode_select(struct ata_drive *d)
{
    uint32_t size = ld_be16(d->packet + 7);

    d->left = 0;
    d->block_bytes = 0;
    d->size = size;
    if (size)
        move(d, false);
    else
        complete(d);
}

static void seek(struct ata_drive *d)
{
    if (ld_be32(d->packet + 2) < cd_blocks(d))
        complete(d);
    else
        check(d, SENSE_RANGE);
}

static void prevent_allow(struct ata_drive *d)
{
    d->locked = d->packet[4] & 1;
    complete(d);
}

/* Nothing is played: there is no audio track. */
static void no_audio(struct ata_drive *d)
{
    check(d, SENSE_TRACK_MODE);
}

/* Nor is there anything to be held, or to go on with. */
static void pause_resume(struct ata_drive *d)
{
    check(d, SENSE_SEQUENCE);
}

enum { CURRENT_POSITION = 0xffffffff }; /* as an address */

/* Playing none of it is well. */
static void play(struct ata_drive *d, uint32_t lba, uint32_t n)
{
    if (!n)
        complete(d);
    else if (lba != CURRENT_POSITION && lba >= cd_blocks(d))
        check(d, SENSE_RANGE);
    else
        no_audio(d);
}

static void play_10(struct ata_drive *d)
{
    play(d, ld_be32(d->packet + 2), ld_be16(d->packet + 7));
}

static void play_12(struct ata_drive *d)
{
    play(d, ld_be32(d->packet + 2), ld_be32(d->packet + 6));
}

/* From a time, or from where it is (three bytes of ones), to before one. */
static void play_msf(struct ata_drive *d)
{
    const uint8_t *p = d->packet + 3;
    uint32_t from = 0, to;
    bool here = (p[0] & p[1] & p[2]) == 0xff;

    if ((!here && !take_msf(p, &from)) || !take_msf(p + 3, &to) || to < from)
        check(d, SENSE_FIELD);
    else
        play(d, from, to - from);
}

static void read_10(struct ata_drive *d)
{
    start_read(d, ld_be32(d->packet + 2), ld_be16(d->packet + 7), PART_USER);
}

static void read_12(struct ata_drive *d)
{
    start_read(d, ld_be32(d->packet + 2), ld_be32(d->packet + 6), PART_USER);
}

static void read_cd_lba(struct ata_drive *d)
{
    read_cd(d, ld_be32(d->packet + 2), ld_be32(d->packet + 5) & 0xffffff);
}

enum {
    NO_DISC = 1, /* works without one */
    ALWAYS = 2,  /* so, and without telling of unit attentions */
    ROOM_8 = 4,  /* the host's room for the answer is one byte, not two */
};

/* All that the drive knows: each has an answer of cd_pages.c, and where the
 * packet says the host's room for it, or does something else. */
static const struct opcode {
    uint8_t op, flags, room_at;
    int (*answer)(struct ata_drive *d, enum cd_sense *sense);
    void (*run)(struct ata_drive *d);
} opcodes[] = {
    {0x00, 0, 0, NULL, complete}, /* TEST UNIT READY */
    {OP_REQUEST_SENSE, ALWAYS, 0, NULL, request_sense},
    {0x12, ALWAYS | ROOM_8, 4, cd_inquiry, NULL},
    {0x1b, NO_DISC, 0, NULL, start_stop},
    {0x1e, NO_DISC, 0, NULL, prevent_allow},
    {0x25, 0, 0, NULL, read_capacity},
    {0x28, 0, 0, NULL, read_10},
    {0x2b, 0, 0, NULL, seek},
    {0x42, 0, 7, cd_sub_channel, NULL},
    {0x43, 0, 7, cd_read_toc, NULL},
    {0x44, 0, 7, cd_header, NULL},
    {0x45, 0, 0, NULL, play_10},
    {0x46, ALWAYS, 7, cd_configuration, NULL},
    {0x47, 0, 0, NULL, play_msf},
    {0x48, 0, 0, NULL, no_audio}, /* PLAY AUDIO TRACK INDEX */
    {0x4a, ALWAYS, 7, cd_event_status, NULL},
    {0x4b, 0, 0, NULL, pause_resume},
    {0x4e, NO_DISC, 0, NULL, complete}, /* STOP PLAY/SCAN */
    {0x51, 0, 7, cd_disc_information, NULL},
    {0x52, 0, 7, cd_track_information, NULL},
    {0x55, NO_DISC, 0, NULL, mode_select},
    {0x5a, NO_DISC, 7, cd_mode_sense, NULL},
    {0xa5, 0, 0, NULL, play_12},
    {0xa8, 0, 0, NULL, read_12},
    {0xb9, 0, 0, NULL, read_cd_msf},
    {0xba, 0, 0, NULL, no_audio},       /* SCAN */
    {0xbb, NO_DISC, 0, NULL, complete}, /* SET CD SPEED */
    {0xbd, NO_DISC, 8, cd_mechanism_status, NULL},
    {0xbe, 0, 0, NULL, read_cd_lba},
};

static void run_opcode(struct ata_drive *d, const struct opcode *o)
{
    const uint8_t *room = d->packet + o->room_at;
    enum cd_sense sense = SENSE_FIELD;
    int size;

    if (o->run) {
        o->run(d);
        return;
    }
    size = o->answer(d, &sense);
    if (size < 0)
        check(d, sense);
    else
        answer(d, size, o->flags & ROOM_8 ? room[0] : ld_be16(room));
}

static void execute_packet(struct ata_drive *d)
{
    const struct opcode *o = opcodes,
                        *end = o + sizeof(opcodes) / sizeof(opcodes[0]);

    while (o < end && o->op != d->packet[0])
        o++;
    if (o == end) {
        check(d, SENSE_OPCODE);
        return;
    }
    if (d->attention && !(o->flags & ALWAYS)) {
        check(d, attention(d));
        return;
    }
    if (!(o->flags & (ALWAYS | NO_DISC)) && !cd_blocks(d)) {
        check(d, d->tray_open ? SENSE_NO_DISC_OPEN : SENSE_NO_DISC);
        return;
    }
    /* A REQUEST SENSE tells of the command before. */
    if (o->op != OP_REQUEST_SENSE)
        set_sense(d, SENSE_NONE);
    else if (d->attention && !d->sense_key)
        set_sense(d, attention(d));
    run_opcode(d, o);
}

/* ----------------------------------------------------------- ATA commands */

static void identify_packet(struct ata_drive *d)
{
    ata_identify_common(d, "EMU CD-ROM");
    ata_put_word(d, 0, 0x85c0);  /* CD-ROM, removable, DRQ in 50 us */
    ata_put_word(d, 82, 0x4218); /* NOP, DEVICE RESET, PACKET, power */
    ata_put_word(d, 83, 0x4000);
    ata_put_word(d, 85, 0x4218);
    ata_identify_send(d);
}

/* Commands of disks are refused with the signature, 8.12.5.2. */
static void refuse(struct ata_drive *d)
{
    uint8_t device = d->device;

    if (d->command == CMD_IDENTIFY || d->command == CMD_READ) {
        ata_signature(d);
        d->device = device;
    }
    ata_done(d, ERROR_ABRT);
}

static void cd_execute(struct ata_drive *d)
{
    switch (d->command) {
    case CMD_PACKET:
        execute_packet(d);
        break;
    case CMD_IDENTIFY_PACKET:
        identify_packet(d);
        break;
    case CMD_SET_FEATURES:
        ata_done(d, d->features[0] == FEATURE_MODE && ata_set_mode(d)
                        ? 0
                        : ERROR_ABRT);
        break;
    case CMD_CHECK_POWER:
        d->count[0] = 0xff;
        ata_done(d, 0);
        break;
    case CMD_IDLE_NOW:
    case CMD_STANDBY_NOW:
        ata_done(d, 0);
        break;
    case CMD_SLEEP:
        ata_done(d, 0);
        d->asleep = true;
        break;
    default:
        refuse(d);
    }
}

static void cd_command(struct ata_drive *d)
{
    if (d->command != CMD_PACKET) {
        ata_busy(d);
        return;
    }
    d->by_dma = d->features[0] & PACKET_DMA;
    d->limit = (uint16_t)(d->lba_mid[0] | d->lba_high[0] << 8);
    if ((d->features[0] & PACKET_OVERLAP) || (d->by_dma && !d->channel->dma)) {
        ata_done(d, ERROR_ABRT);
        return;
    }
    d->count[0] = REASON_COMMAND;
    d->end = d->size = sizeof(d->packet);
    ata_move(d, ATA_PACKET, false);
}

static void cd_moved(struct ata_drive *d)
{
    bool in = d->phase == ATA_PIO_IN || d->phase == ATA_DMA_IN;

    if (d->phase == ATA_PACKET) {
        memcpy(d->packet, d->buffer, sizeof(d->packet));
        ata_busy(d);
    } else if (d->command != CMD_PACKET) {
        ata_idle(d); /* IDENTIFY PACKET DEVICE */
    } else if (d->at < d->size) {
        next_block(d, in);
    } else if (!in) {
        enum cd_sense sense = cd_mode_select(d, d->size);

        if (sense)
            check(d, sense);
        else
            complete(d);
    } else if (d->left) {
        read_more(d);
    } else {
        complete(d);
    }
}

static void cd_reset(struct ata_drive *d, bool hard)
{
    d->asleep = false;
    set_sense(d, SENSE_NONE);
    d->locked = false;
    if (!hard)
        return;
    d->attention = ATTENTION_RESET;
    d->event = d->block ? EVENT_NEW : EVENT_NONE;
    cd_default_pages(d);
}

const struct ata_kind ata_cd_kind = {
    .lba_mid = 0x14,
    .lba_high = 0xeb,
    .command = cd_command,
    .execute = cd_execute,
    .moved = cd_moved,
    .reset = cd_reset,
};
