/* Inside of the CD-ROM drive: atapi.c and what it says in cd_pages.c. */
#ifndef DEVICES_ATA_ATAPI_H
#define DEVICES_ATA_ATAPI_H

#include "devices/ata/ata.h"

/* Sense keys with their ASC << 8 | ASCQ (MMC-3, annex A). */
enum cd_sense {
    SENSE_NONE = 0,
    SENSE_NO_DISC = 0x23a01, /* tray closed */
    SENSE_NO_DISC_OPEN = 0x23a02,
    SENSE_READ_ERROR = 0x31100,
    SENSE_OPCODE = 0x52000,
    SENSE_RANGE = 0x52100,
    SENSE_FIELD = 0x52400,
    SENSE_PARAMETER = 0x52600,
    SENSE_SEQUENCE = 0x52c00,
    SENSE_LIST_LENGTH = 0x51a00,
    SENSE_SAVING = 0x53900,
    SENSE_LOCKED = 0x55302,
    SENSE_TRACK_MODE = 0x56400,
    SENSE_CHANGED = 0x62800,
    SENSE_RESET = 0x62900,
};

/* Unit attention conditions, bits; the lower one is told first. */
enum cd_attention { ATTENTION_RESET = 1, ATTENTION_CHANGED = 2 };

/* Media events (MMC-3, 6.9). */
enum { EVENT_NONE, EVENT_EJECT_WISH, EVENT_NEW, EVENT_REMOVED };

/* Blocks of CD_SECTOR bytes on the disc, 0: there is none. */
uint32_t cd_blocks(const struct ata_drive *d);

/*
 * Answers, into d->buffer: how many bytes there are.  -1: *sense says why
 * not.  The packet is d->packet.
 */
int cd_inquiry(struct ata_drive *d, enum cd_sense *sense);
int cd_read_toc(struct ata_drive *d, enum cd_sense *sense);
int cd_header(struct ata_drive *d, enum cd_sense *sense);
int cd_sub_channel(struct ata_drive *d, enum cd_sense *sense);
int cd_disc_information(struct ata_drive *d, enum cd_sense *sense);
int cd_track_information(struct ata_drive *d, enum cd_sense *sense);
int cd_configuration(struct ata_drive *d, enum cd_sense *sense);
int cd_event_status(struct ata_drive *d, enum cd_sense *sense);
int cd_mechanism_status(struct ata_drive *d, enum cd_sense *sense);
int cd_mode_sense(struct ata_drive *d, enum cd_sense *sense);
/* The parameter list is in the buffer. */
enum cd_sense cd_mode_select(struct ata_drive *d, unsigned size);
void cd_default_pages(struct ata_drive *d);

#endif
