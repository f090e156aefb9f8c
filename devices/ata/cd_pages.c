/*
 * What an ATAPI CD-ROM drive says of itself and of its disc.
 *
 * MMC-3 (T10/1363D), 5 (features) and 6 (commands); SFF-8020i revision 2.6 for
 * the mode pages.  See atapi.c.
 *
 * Missing: PMA, ATIP and CD-Text, which a pressed disc of data has not.
 */
#include "devices/ata/atapi.h"

#include <string.h>

#include "base/bytes.h"

enum { PREGAP = 150, LEAD_OUT = 0xaa };
enum { DATA_TRACK = 0x14 }; /* ADR 1, data */

/* More than a CD of 99 minutes holds: a DVD. */
#define MAX_CD_BLOCKS (99u * 60 * 75)

enum { PROFILE_CD_ROM = 0x0008, PROFILE_DVD_ROM = 0x0010 };

enum {
    PAGE_ERRORS = 0x01,
    PAGE_CD = 0x0d,
    PAGE_AUDIO = 0x0e,
    PAGE_CAPABILITIES = 0x2a,
    PAGE_ALL = 0x3f,
};
enum { PC_CURRENT, PC_CHANGEABLE, PC_DEFAULT, PC_SAVED };

static int fail(enum cd_sense *sense, enum cd_sense why)
{
    *sense = why;
    return -1;
}

static void put_text(uint8_t *out, unsigned n, const char *text)
{
    for (unsigned i = 0; i < n; i++)
        out[i] = *text ? (uint8_t)*text++ : ' ';
}

/* A DVD has more than a time can say: the last one then. */
static void put_msf(uint8_t *out, uint32_t lba)
{
    const uint32_t last = (255 * 60 + 59) * 75 + 74;

    lba = lba > last - PREGAP ? last : lba + PREGAP;
    out[0] = (uint8_t)(lba / (75 * 60));
    out[1] = (uint8_t)(lba / 75 % 60);
    out[2] = (uint8_t)(lba % 75);
}

/* Four bytes, in the form that bit 1 of byte 1 of a packet asks for. */
static void put_address(const struct ata_drive *d, uint8_t *out, uint32_t lba)
{
    if (d->packet[1] & 2) {
        out[0] = 0;
        put_msf(out + 1, lba);
    } else {
        st_be32(out, lba);
    }
}

int cd_inquiry(struct ata_drive *d, enum cd_sense *sense)
{
    uint8_t *b = d->buffer;

    if (d->packet[1] & 1) /* no vital product data */
        return fail(sense, SENSE_FIELD);
    memset(b, 0, 36);
    b[0] = 0x05; /* CD-ROM */
    b[1] = 0x80; /* removable */
    b[3] = 0x21; /* ATAPI, response format 1 */
    b[4] = 31;
    put_text(b + 8, 8, "EMU");
    put_text(b + 16, 16, "CD-ROM");
    put_text(b + 32, 4, "1.0");
    return 36;
}

/* --------------------------------------------------------------------- TOC */

static uint8_t *put_track(struct ata_drive *d, uint8_t *at, uint8_t track,
                          uint32_t lba)
{
    at[0] = 0;
    at[1] = DATA_TRACK;
    at[2] = track;
    at[3] = 0;
    put_address(d, at + 4, lba);
    return at + 8;
}

static int toc(struct ata_drive *d, enum cd_sense *sense)
{
    uint8_t *b = d->buffer, *at = b + 4, from = d->packet[6];

    if (from > 1 && from != LEAD_OUT)
        return fail(sense, SENSE_FIELD);
    if (from <= 1)
        at = put_track(d, at, 1, 0);
    at = put_track(d, at, LEAD_OUT, cd_blocks(d));
    st_be16(b, (uint16_t)(at - b - 2));
    b[2] = b[3] = 1; /* first and last track */
    return (int)(at - b);
}

static int sessions(struct ata_drive *d)
{
    uint8_t *b = d->buffer;

    st_be16(b, 10);
    b[2] = b[3] = 1; /* first and last session */
    put_track(d, b + 4, 1, 0);
    return 12;
}

/* As it lies in the lead-in: Q frames with POINT and its time. */
static uint8_t *put_point(uint8_t *at, uint8_t point, const uint8_t time[3])
{
    memset(at, 0, 11);
    at[0] = 1; /* session */
    at[1] = DATA_TRACK;
    at[3] = point;
    memcpy(at + 8, time, 3);
    return at + 11;
}

static int full_toc(struct ata_drive *d)
{
    static const uint8_t one[3] = {1, 0, 0};
    uint8_t *b = d->buffer, *at = b + 4, time[3];

    at = put_point(at, 0xa0, one); /* first track, type of disc */
    at = put_point(at, 0xa1, one); /* last track */
    put_msf(time, cd_blocks(d));
    at = put_point(at, 0xa2, time); /* lead-out */
    put_msf(time, 0);
    at = put_point(at, 1, time);
    st_be16(b, (uint16_t)(at - b - 2));
    b[2] = b[3] = 1;
    return (int)(at - b);
}

/* The format is in byte 2, or where SFF-8020i had it: in byte 9. */
int cd_read_toc(struct ata_drive *d, enum cd_sense *sense)
{
    unsigned format = d->packet[2] & 15;

    if (!format)
        format = d->packet[9] >> 6;
    switch (format) {
    case 0:
        return toc(d, sense);
    case 1:
        return sessions(d);
    case 2: /* from a session on */
        return d->packet[6] > 1 ? fail(sense, SENSE_FIELD) : full_toc(d);
    }
    return fail(sense, SENSE_FIELD);
}

/* ------------------------------------------------------------ of the disc */

/* A block's header. */
int cd_header(struct ata_drive *d, enum cd_sense *sense)
{
    uint32_t lba = ld_be32(d->packet + 2);
    uint8_t *b = d->buffer;

    if (lba >= cd_blocks(d))
        return fail(sense, SENSE_RANGE);
    memset(b, 0, 4);
    b[0] = 1; /* mode 1 */
    put_address(d, b + 4, lba);
    return 8;
}

/* Nothing is playing (15h: no status to tell). */
int cd_sub_channel(struct ata_drive *d, enum cd_sense *sense)
{
    uint8_t *b = d->buffer, format = d->packet[3];

    memset(b, 0, 24);
    b[1] = 0x15;
    if (!(d->packet[2] & 0x40)) /* SUBQ */
        return 4;
    b[4] = format;
    switch (format) {
    case 1: /* current position */
        b[3] = 12;
        b[5] = DATA_TRACK;
        b[6] = b[7] = 1;
        put_address(d, b + 8, 0);
        put_address(d, b + 12, 0);
        return 16;
    case 2: /* media catalogue number: there is none */
        b[3] = 20;
        return 24;
    case 3: /* ISRC of a track */
        b[3] = 20;
        b[5] = DATA_TRACK;
        b[6] = 1;
        return d->packet[6] == 1 ? 24 : fail(sense, SENSE_FIELD);
    }
    return fail(sense, SENSE_FIELD);
}

int cd_disc_information(struct ata_drive *d, enum cd_sense *sense)
{
    uint8_t *b = d->buffer;

    (void)sense;
    memset(b, 0, 34);
    st_be16(b, 32);
    b[2] = 0x0e; /* complete, last session complete */
    b[3] = b[4] = b[5] = b[6] = 1;
    b[7] = 0x20;             /* unrestricted use */
    memset(b + 16, 0xff, 8); /* no more lead-in, lead-out */
    return 34;
}

int cd_track_information(struct ata_drive *d, enum cd_sense *sense)
{
    const uint8_t *p = d->packet;
    uint32_t number = ld_be32(p + 2), blocks = cd_blocks(d);
    uint8_t *b = d->buffer;
    bool good;

    switch (p[1] & 3) {
    case 0: /* of a block */
        good = number < blocks;
        break;
    case 1: /* a track, or the lead-in */
    case 2: /* a session */
        good = number == 1;
        break;
    default:
        good = false;
    }
    if (!good)
        return fail(sense, SENSE_FIELD);
    memset(b, 0, 36);
    st_be16(b, 34);
    b[2] = b[3] = 1; /* track, session */
    b[5] = 0x04;     /* data */
    b[6] = 0x01;     /* mode 1 */
    st_be32(b + 24, blocks);
    return 36;
}

/* --------------------------------------------------------- configuration */

static unsigned profile(const struct ata_drive *d)
{
    uint32_t blocks = cd_blocks(d);

    return !blocks                  ? 0
           : blocks > MAX_CD_BLOCKS ? PROFILE_DVD_ROM
                                    : PROFILE_CD_ROM;
}

static uint8_t *put_profile(struct ata_drive *d, uint8_t *at, unsigned p)
{
    st_be16(at, (uint16_t)p);
    at[2] = profile(d) == p;
    at[3] = 0;
    return at + 4;
}

/* One feature (MMC-3, 5.3): its own bytes, after a head of four. */
static unsigned feature(struct ata_drive *d, unsigned number, uint8_t *at)
{
    switch (number) {
    case 0x0000: /* profile list */
        put_profile(d, put_profile(d, at, PROFILE_DVD_ROM), PROFILE_CD_ROM);
        return 8;
    case 0x0001: /* core: ATAPI */
        st_be32(at, 2);
        return 4;
    case 0x0003: /* removable medium: tray, ejects, can be locked */
        st_be32(at, 0x29000000);
        return 4;
    case 0x0010: /* random readable */
        st_be32(at, CD_SECTOR);
        st_be32(at + 4, 0x00010000);
        return 8;
    case 0x001e: /* CD read */
        st_be32(at, 0);
        return 4;
    }
    return 0; /* 001F: DVD read; 0100: power management */
}

int cd_configuration(struct ata_drive *d, enum cd_sense *sense)
{
    static const struct {
        uint16_t number;
        uint8_t flags; /* version << 2, persistent, current */
    } all[] = {
        {0x0000, 0x03}, {0x0001, 0x03}, {0x0003, 0x03}, {0x0010, 0x00},
        {0x001e, 0x00}, {0x001f, 0x00}, {0x0100, 0x03},
    };
    unsigned type = d->packet[1] & 3, from = ld_be16(d->packet + 2);
    uint8_t *b = d->buffer, *at = b + 8;

    if (type == 3)
        return fail(sense, SENSE_FIELD);
    memset(b, 0, 8);
    st_be16(b + 6, (uint16_t)profile(d));
    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        unsigned number = all[i].number;
        bool current = all[i].flags & 1;

        current |= profile(d) && number == 0x0010;
        current |= profile(d) == PROFILE_CD_ROM && number == 0x001e;
        current |= profile(d) == PROFILE_DVD_ROM && number == 0x001f;
        if (number < from || (type == 1 && !current) ||
            (type == 2 && number != from))
            continue;
        st_be16(at, (uint16_t)number);
        at[2] = all[i].flags | current;
        at[3] = (uint8_t)feature(d, number, at + 4);
        at += 4 + at[3];
    }
    st_be32(b, (uint32_t)(at - b - 4));
    return (int)(at - b);
}

/* Media events only, each told once, to a host with room for more than the
 * head.  No waiting for one: bit 0 is set. */
int cd_event_status(struct ata_drive *d, enum cd_sense *sense)
{
    enum { CLASS_MEDIA = 4, NO_EVENT = 0x80 };
    uint8_t *b = d->buffer;

    if (!(d->packet[1] & 1))
        return fail(sense, SENSE_FIELD);
    memset(b, 0, 8);
    b[3] = 1 << CLASS_MEDIA;
    if (!(d->packet[4] & 1 << CLASS_MEDIA)) {
        st_be16(b, 2);
        b[2] = NO_EVENT;
        return 4;
    }
    st_be16(b, 6);
    b[2] = CLASS_MEDIA;
    b[4] = d->event;
    b[5] = (uint8_t)(d->tray_open | (cd_blocks(d) ? 2 : 0));
    if (ld_be16(d->packet + 7) > 4)
        d->event = EVENT_NONE;
    return 8;
}

int cd_mechanism_status(struct ata_drive *d, enum cd_sense *sense)
{
    (void)sense;
    memset(d->buffer, 0, 8);
    d->buffer[1] = d->tray_open ? 0x10 : 0;
    return 8;
}

/* -------------------------------------------------------------- mode pages */

static uint8_t *errors_page(const struct ata_drive *d, uint8_t *at, unsigned pc)
{
    memset(at, 0, 8);
    at[0] = PAGE_ERRORS;
    at[1] = 6;
    at[3] = pc == PC_CHANGEABLE ? 0xff : pc == PC_DEFAULT ? 5 : d->retries;
    return at + 8;
}

static uint8_t *cd_page(uint8_t *at, unsigned pc)
{
    memset(at, 0, 8);
    at[0] = PAGE_CD;
    at[1] = 6;
    if (pc != PC_CHANGEABLE) {
        at[5] = 60; /* seconds a minute */
        at[7] = 75; /* frames a second */
    }
    return at + 8;
}

static const uint8_t default_audio[8] = {1, 0xff, 2, 0xff};

static uint8_t *audio_page(const struct ata_drive *d, uint8_t *at, unsigned pc)
{
    memset(at, 0, 16);
    at[0] = PAGE_AUDIO;
    at[1] = 14;
    at[2] = pc == PC_CHANGEABLE ? 0 : 4; /* IMMED */
    if (pc == PC_CHANGEABLE)
        memset(at + 8, 0xff, 8);
    else
        memcpy(at + 8, pc == PC_DEFAULT ? default_audio : d->audio, 8);
    return at + 16;
}

static uint8_t *capabilities_page(const struct ata_drive *d, uint8_t *at,
                                  unsigned pc)
{
    memset(at, 0, 20);
    at[0] = PAGE_CAPABILITIES;
    at[1] = 18;
    if (pc == PC_CHANGEABLE)
        return at + 20;
    at[2] = 0x0b; /* reads CD-R, CD-RW and DVD-ROM */
    at[4] = 0x71; /* audio, modes 2, sessions */
    at[6] = 0x29; /* lock, eject, tray */
    at[6] |= d->locked ? 2 : 0;
    st_be16(at + 8, 16 * 176); /* KB/s */
    st_be16(at + 10, 256);     /* levels of volume */
    st_be16(at + 12, ATA_BUFFER / 1024);
    st_be16(at + 14, 16 * 176);
    return at + 20;
}

/* What is inside, SFF-8020i, table 66. */
static uint8_t medium_type(const struct ata_drive *d)
{
    if (d->tray_open)
        return 0x71;
    return d->block ? 0x01 : 0x70;
}

int cd_mode_sense(struct ata_drive *d, enum cd_sense *sense)
{
    unsigned page = d->packet[2] & 0x3f, pc = d->packet[2] >> 6;
    uint8_t *b = d->buffer, *at = b + 8;

    if (pc == PC_SAVED)
        return fail(sense, SENSE_SAVING);
    memset(b, 0, 8);
    b[2] = medium_type(d);
    if (page == PAGE_ERRORS || page == PAGE_ALL)
        at = errors_page(d, at, pc);
    if (page == PAGE_CD || page == PAGE_ALL)
        at = cd_page(at, pc);
    if (page == PAGE_AUDIO || page == PAGE_ALL)
        at = audio_page(d, at, pc);
    if (page == PAGE_CAPABILITIES || page == PAGE_ALL)
        at = capabilities_page(d, at, pc);
    if (at == b + 8)
        return fail(sense, SENSE_FIELD);
    st_be16(b, (uint16_t)(at - b - 2));
    return (int)(at - b);
}

static enum cd_sense select_page(struct ata_drive *d, const uint8_t *page,
                                 unsigned size)
{
    switch (page[0] & 0x3f) {
    case PAGE_ERRORS:
        if (size != 8)
            return SENSE_PARAMETER;
        d->retries = page[3];
        return SENSE_NONE;
    case PAGE_CD:
        return size == 8 ? SENSE_NONE : SENSE_PARAMETER;
    case PAGE_AUDIO:
        if (size != 16)
            return SENSE_PARAMETER;
        memcpy(d->audio, page + 8, sizeof(d->audio));
        return SENSE_NONE;
    }
    return SENSE_PARAMETER; /* the capabilities, too: nothing can change */
}

/* A head of eight bytes, which says nothing here, and pages. */
enum cd_sense cd_mode_select(struct ata_drive *d, unsigned size)
{
    const uint8_t *b = d->buffer;
    unsigned at = 8;
    enum cd_sense sense = SENSE_NONE;

    if (d->packet[1] & 1) /* SP */
        return SENSE_FIELD;
    if (size < 8 || ld_be16(b + 6)) /* no block descriptors in ATAPI */
        return SENSE_LIST_LENGTH;
    while (at < size && !sense) {
        if (size - at < 2 || size - at < 2u + b[at + 1])
            return SENSE_LIST_LENGTH;
        sense = select_page(d, b + at, 2u + b[at + 1]);
        at += 2u + b[at + 1];
    }
    return sense;
}

void cd_default_pages(struct ata_drive *d)
{
    d->retries = 5;
    memcpy(d->audio, default_audio, sizeof(d->audio));
}
