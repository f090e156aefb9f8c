/*
 * A floppy disk drive, as its controller sees it: heads, change line, and the
 * disk in it.
 */
#ifndef DEVICES_FDD_H
#define DEVICES_FDD_H

#include "base/error.h"
#include "base/state.h"
#include "devices/block.h"

enum { FDD_SECTOR = 512, FDD_SECTOR_N = 2 }; /* bytes; as ID fields say it */
enum { FDD_MAX_SECTORS = 80 * 2 * 36 };

/* Data rates by the two bits of CCR and DSR. */
enum fdd_rate { FDD_500, FDD_300, FDD_250, FDD_1000 };

struct fdd_format {
    uint8_t cylinders, heads, sectors;
    uint8_t density; /* enum density */
    uint8_t drive;   /* the type of drive that such a disk wants */
    bool odd;        /* only if the image has just this size */
};

struct fdd {
    struct block *medium;            /* NULL: empty */
    const struct fdd_format *format; /* likewise */
    const char *type_name;           /* as the property says it */
    uint8_t type;  /* a PC's number: 1 360 KB, 2 1.2 MB, 3 720 KB, 4 1.44 MB,
                      5 2.88 MB, 0 none */
    uint8_t track; /* where its heads are */
    bool changed;  /* the latch of the change line */
    uint8_t deleted[FDD_MAX_SECTORS / 8]; /* data marks */
};

extern const struct field fdd_fields[];

/* Is an image of so many bytes a whole disk of some format? */
bool fdd_is_size(uint64_t bytes);

/* Type by type_name, which may be "auto", and medium are set: check them. */
bool fdd_init(struct fdd *d, struct error *e);
/* See fdc_insert(). */
bool fdd_insert(struct fdd *d, struct block *medium, struct error *e);
/* Fields may hold what a damaged snapshot says. */
void fdd_loaded(struct fdd *d);

/* Step pulses, outwards if negative; those against a stop do nothing. */
void fdd_step(struct fdd *d, int steps);
/* Has it a change line, and does that say so? */
bool fdd_changed(const struct fdd *d);
/* One turn, in ns. */
uint64_t fdd_turn_ns(const struct fdd *d);

/* Are there ID fields to be read under the head of this side at this rate?
 * If so: those of which cylinder. */
bool fdd_has_ids(const struct fdd *d, unsigned rate, unsigned side);
unsigned fdd_cylinder(const struct fdd *d);

/* A sector of a track that has IDs; r is from 1 to format->sectors. */
unsigned fdd_sector(const struct fdd *d, unsigned side, unsigned r);
/* Move one, of FDD_SECTOR bytes, by fdd_sector()'s number; false: the host
 * cannot, or the image ends before it. */
bool fdd_read(struct fdd *d, unsigned sector, uint8_t *bytes);
bool fdd_write(struct fdd *d, unsigned sector, const uint8_t *bytes,
               bool deleted);
bool fdd_is_deleted(const struct fdd *d, unsigned sector);
bool fdd_is_protected(const struct fdd *d);

#endif
