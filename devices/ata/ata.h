/*
 * An ATA channel with its two drives (ATA/ATAPI-6, T13/1410D).
 *
 * A controller embeds a struct ata_channel, shows its registers at ports, and
 * gives it an interrupt line and, if it is a bus master, a way to memory.
 * All under the device lock.
 */
#ifndef DEVICES_ATA_ATA_H
#define DEVICES_ATA_ATA_H

#include "devices/block.h"
#include "devices/device.h"

/* One piece of a transfer, at most: a multiple of all sizes of blocks that a
 * DRQ block of PIO may have. */
enum { ATA_BUFFER = 65536 };
enum { ATA_SECTOR = 512, CD_SECTOR = 2048 };

/* Registers of the command block; the control block has one. */
enum {
    ATA_DATA,
    ATA_FEATURES, /* read: error */
    ATA_COUNT,
    ATA_LBA_LOW,
    ATA_LBA_MID,
    ATA_LBA_HIGH,
    ATA_DEVICE,
    ATA_COMMAND, /* read: status */
    ATA_REGISTERS,
};

enum {
    STATUS_ERR = 0x01,
    STATUS_DRQ = 0x08,
    STATUS_DSC = 0x10,
    STATUS_DRDY = 0x40,
    STATUS_BSY = 0x80,
    STATUS_GOOD = STATUS_DRDY | STATUS_DSC,
};

enum {
    ERROR_ABRT = 0x04,
    ERROR_IDNF = 0x10,
    ERROR_UNC = 0x40, /* of a read */
    ERROR_WP = 0x40,  /* of a write */
};

enum { DEVICE_DEV = 0x10, DEVICE_LBA = 0x40 };

enum { FEATURE_MODE = 0x03 };   /* of SET FEATURES; see ata_set_mode() */
enum { ATA_MAX_MULTIPLE = 16 }; /* sectors */

enum ata_phase {
    ATA_IDLE,
    ATA_BUSY,    /* until `work` fires */
    ATA_PACKET,  /* the CPU writes a command packet */
    ATA_PIO_IN,  /* the CPU reads the buffer */
    ATA_PIO_OUT, /* and writes it */
    ATA_DMA_IN,
    ATA_DMA_OUT,
};

struct ata_channel;
struct ata_drive;

/* What disks and CD-ROM drives differ in. */
struct ata_kind {
    uint8_t lba_mid, lba_high; /* the signature, 9.12 */
    uint8_t status;            /* after a reset */
    /* A command was written; it may end at once, or go to ATA_BUSY. */
    void (*command)(struct ata_drive *d);
    /* ATA_BUSY has ended: carry the command out. */
    void (*execute)(struct ata_drive *d);
    /* Bytes up to d->end (PIO) or d->size (DMA) have been moved. */
    void (*moved)(struct ata_drive *d);
    /* After any reset; hard: of the machine. */
    void (*reset)(struct ata_drive *d, bool hard);
};

struct ata_drive {
    /* Host-side. */
    struct ata_channel *channel;
    const struct ata_kind *kind;        /* NULL: there is no drive */
    struct block *block;                /* NULL: there is no disc in it */
    const char *serial, *geometry;      /* properties */
    bool cd;                            /* likewise */
    uint32_t cylinders, heads, sectors; /* of a disk, by default */
    uint8_t *buffer;                    /* ATA_BUFFER bytes */

    /* Registers, [1] is what was in them before (HOB). */
    uint8_t features[2], count[2], lba_low[2], lba_mid[2], lba_high[2];
    uint8_t device, status, error, command;
    bool intrq;

    uint8_t phase;          /* enum ata_phase */
    uint32_t at, end, size; /* in the buffer: done, of this block, filled */
    uint64_t lba;           /* next */
    uint32_t left;          /* sectors or blocks that are not in the buffer */
    struct timer work;

    /* Disks. */
    uint32_t heads_now, sectors_now; /* INITIALIZE DEVICE PARAMETERS */
    uint8_t multiple;                /* sectors, 0: not set */
    uint8_t transfer_mode;           /* SET FEATURES' 03h */
    bool no_cache, no_look_ahead;
    bool keep;     /* these, MULTIPLE and the translation, over a soft reset */
    uint8_t power; /* as CHECK POWER MODE says it */
    bool asleep;

    /* CD-ROM drives. */
    uint8_t packet[12];
    uint8_t sense_key, asc, ascq;
    uint8_t attention; /* enum cd_attention */
    uint8_t event;     /* of the medium, to be told */
    bool tray_open, locked;
    bool by_dma;          /* the data of this packet */
    uint16_t limit;       /* byte count limit */
    uint32_t block_bytes; /* of what is read */
    uint8_t read_flags;   /* which parts of a sector READ CD wants */
    uint8_t retries;      /* mode page 01h */
    uint8_t audio[8];     /* mode page 0Eh: ports and volumes */
};

struct ata_channel {
    struct ata_drive drive[2];
    bool hob, no_interrupt, reset; /* device control */
    bool slave;                    /* DEV as last written */
    bool irq;                      /* what the line is */

    struct device *dev;
    void (*set_irq)(void *owner, bool level);
    /*
     * Move up to size bytes to or from memory; returns how many, fewer if the
     * controller is not ready: ata_dma_ready() tells.  NULL: no bus master.
     */
    size_t (*dma)(void *owner, bool to_memory, uint8_t *bytes, size_t size);
    void *owner;
};

extern const struct field ata_channel_fields[];
extern const struct ata_kind ata_disk_kind, ata_cd_kind;

/* See ide_check(). */
bool ata_check(struct ata_drive *d, struct error *e);

/*
 * The drives' properties and the callbacks are set: make them.  false: e, and
 * what was made is gone.
 */
bool ata_channel_create(struct ata_channel *c, struct device *dev,
                        struct error *e);
void ata_channel_destroy(struct ata_channel *c);
/* After the fields were reset; after they were loaded. */
void ata_channel_reset(struct ata_channel *c);
void ata_channel_loaded(struct ata_channel *c);

/* Registers; size 2 or 4 for ATA_DATA only, else 1. */
uint32_t ata_read(struct ata_channel *c, unsigned reg, unsigned size);
void ata_write(struct ata_channel *c, unsigned reg, uint32_t value,
               unsigned size);
/* The same as ports: an access of the data register is as wide as it is, one
 * of the others is a byte of each. */
uint32_t ata_read_ports(struct ata_channel *c, unsigned at, unsigned size);
void ata_write_ports(struct ata_channel *c, unsigned at, uint32_t value,
                     unsigned size);
uint8_t ata_read_alternate(struct ata_channel *c);
void ata_write_control(struct ata_channel *c, uint8_t value);

/* The controller would move something now. */
void ata_dma_ready(struct ata_channel *c);

/*
 * Put a disc into a CD-ROM drive, or (NULL) take it out.  The disc outlives
 * the drive, or is taken out first.  false: it is none, or the guest has
 * locked it (and is told of the wish).
 */
bool ata_insert(struct ata_drive *d, struct block *disc, struct error *e);

/* -- for ata.c and atapi.c -- */

/* BSY for a while, then kind->execute(). */
void ata_busy(struct ata_drive *d);
/* The command has ended, with an interrupt; error 0: well. */
void ata_done(struct ata_drive *d, uint8_t error);
/* The command has ended without one. */
void ata_idle(struct ata_drive *d);
/* The buffer up to d->size is to be moved (PIO: up to d->end first). */
void ata_move(struct ata_drive *d, enum ata_phase phase, bool interrupt);
/* Signature, status and error of a drive that was reset. */
void ata_signature(struct ata_drive *d);
/* EXECUTE DEVICE DIAGNOSTIC, which is for both. */
void ata_diagnose(struct ata_channel *c);
/* SET FEATURES, FEATURE_MODE; false: no such mode. */
bool ata_set_mode(struct ata_drive *d);
/* Words of IDENTIFY that both kinds have; text is padded with spaces. */
void ata_identify_common(struct ata_drive *d, const char *model);
void ata_put_word(struct ata_drive *d, unsigned word, unsigned value);
void ata_put_text(struct ata_drive *d, unsigned word, unsigned n_words,
                  const char *text);
/* Word 255, when all others are there, and off they go. */
void ata_identify_send(struct ata_drive *d);

#endif
