/*
 * Floppy disk drives of a PC, and how their disks are formatted.
 *
 * 360 KB and 1.2 MB ones for 5.25 inches, and 720 KB, 1.44 MB and 2.88 MB ones
 * for 3.5 inches; the change line follows the IBM PC AT Technical Reference:
 * it is latched when the disk goes, and cleared by a step with a disk inside.
 *
 * What a disk is formatted as follows from its image's size: 160 KB to
 * 2.88 MB.  An image between two sizes is a damaged disk of the next format,
 * whose missing sectors cannot be read.  A disk is found at its own data rate
 * only: 250 kbit/s for double density (300 in a 1.2 MB drive, which turns
 * faster, and steps twice from track to track of a 40-track disk), 500 for
 * high and 1000 for extra density.
 *
 * Deleted data marks are kept beside the image, until the disk is changed.
 *
 * Missing: sectors that are not 512 bytes, or not numbered from 1.
 */
#include "devices/fdd.h"

#include <string.h>

enum density { DENSITY_DOUBLE, DENSITY_HIGH, DENSITY_EXTRA };

static const struct drive_type {
    const char *name;
    uint8_t tracks; /* as far as the heads go */
    enum density density;
    bool fast;      /* 360 turns a minute, not 300 */
    bool no_change; /* it has no change line */
    bool narrow;    /* two of its tracks are one of a 40-track disk */
} drive_types[] = {
    {"none", 0, DENSITY_DOUBLE, false, true, false},
    {"360", 42, DENSITY_DOUBLE, false, true, false},
    {"1200", 83, DENSITY_HIGH, true, false, true},
    {"720", 83, DENSITY_DOUBLE, false, false, false},
    {"1440", 83, DENSITY_HIGH, false, false, false},
    {"2880", 83, DENSITY_EXTRA, false, false, false},
};
enum { N_DRIVE_TYPES = sizeof(drive_types) / sizeof(drive_types[0]) };

enum { NARROW_TRACKS = 42 }; /* at most, of a 40-track disk */

static const struct fdd_format formats[] = {
    {40, 1, 8, DENSITY_DOUBLE, 1, false}, {40, 1, 9, DENSITY_DOUBLE, 1, false},
    {40, 2, 8, DENSITY_DOUBLE, 1, false}, {40, 2, 9, DENSITY_DOUBLE, 1, false},
    {40, 2, 10, DENSITY_DOUBLE, 1, true}, {80, 2, 8, DENSITY_DOUBLE, 4, true},
    {80, 2, 9, DENSITY_DOUBLE, 4, false}, {80, 2, 10, DENSITY_DOUBLE, 4, true},
    {82, 2, 10, DENSITY_DOUBLE, 4, true}, {80, 2, 15, DENSITY_HIGH, 2, false},
    {80, 2, 18, DENSITY_HIGH, 4, false},  {80, 2, 20, DENSITY_HIGH, 4, true},
    {80, 2, 21, DENSITY_HIGH, 4, true},   {82, 2, 21, DENSITY_HIGH, 4, true},
    {83, 2, 21, DENSITY_HIGH, 4, true},   {80, 2, 36, DENSITY_EXTRA, 5, false},
};
enum { N_FORMATS = sizeof(formats) / sizeof(formats[0]) };

static const struct drive_type *type_of(const struct fdd *d)
{
    return &drive_types[d->type];
}

/* --------------------------------------------------------------- formats */

static uint64_t bytes_of(const struct fdd_format *f)
{
    return (uint64_t)f->cylinders * f->heads * f->sectors * FDD_SECTOR;
}

/* The format of an image of `size` bytes in a drive, or in any (NULL). */
static const struct fdd_format *format_for(uint64_t size,
                                           const struct drive_type *t)
{
    const struct fdd_format *best = NULL;

    for (unsigned i = 0; i < N_FORMATS; i++) {
        const struct fdd_format *f = &formats[i];

        if (t && (f->cylinders > t->tracks || f->density > t->density))
            continue;
        if (bytes_of(f) == size)
            return f;
        if (!f->odd && bytes_of(f) > size &&
            (!best || bytes_of(f) < bytes_of(best)))
            best = f;
    }
    return best;
}

bool fdd_is_size(uint64_t bytes)
{
    const struct fdd_format *f = format_for(bytes, NULL);

    return f && bytes_of(f) == bytes;
}

static bool put_medium(struct fdd *d, struct block *medium, struct error *e)
{
    d->medium = NULL;
    d->format = format_for(medium->size, type_of(d));
    if (d->format) {
        d->medium = medium;
        return true;
    }
    if (format_for(medium->size, NULL))
        return error_set(e,
                         "a disk of %llu bytes does not fit a drive of %s KB",
                         (unsigned long long)medium->size, type_of(d)->name);
    return error_set(e, "%llu bytes are no floppy disk; the largest has %llu",
                     (unsigned long long)medium->size,
                     (unsigned long long)bytes_of(&formats[N_FORMATS - 1]));
}

bool fdd_insert(struct fdd *d, struct block *medium, struct error *e)
{
    d->medium = NULL;
    d->format = NULL;
    d->changed = true;
    memset(d->deleted, 0, sizeof(d->deleted));
    return !medium || put_medium(d, medium, e);
}

/* -- the mechanism -- */

void fdd_step(struct fdd *d, int steps)
{
    int track = d->track + steps, most = type_of(d)->tracks - 1;

    d->track = (uint8_t)(track < 0 || most < 0 ? 0
                         : track > most        ? most
                                               : track);
    if (d->medium && steps)
        d->changed = false;
}

bool fdd_changed(const struct fdd *d)
{
    return d->changed && !type_of(d)->no_change;
}

uint64_t fdd_turn_ns(const struct fdd *d)
{
    return UINT64_C(60000000000) / (type_of(d)->fast ? 360 : 300);
}

/* --------------------------------------------------------------- sectors */

/* Has the disk tracks of 48 to the inch, and the drive heads for 96? */
static bool steps_twice(const struct fdd *d)
{
    return type_of(d)->narrow && d->format->cylinders <= NARROW_TRACKS;
}

unsigned fdd_cylinder(const struct fdd *d)
{
    return steps_twice(d) ? d->track / 2 : d->track;
}

static unsigned rate_of(const struct fdd *d)
{
    switch (d->format->density) {
    case DENSITY_DOUBLE:
        return type_of(d)->fast ? FDD_300 : FDD_250;
    case DENSITY_HIGH:
        return FDD_500;
    default:
        return FDD_1000;
    }
}

bool fdd_has_ids(const struct fdd *d, unsigned rate, unsigned side)
{
    if (!d->format || rate != rate_of(d) || (steps_twice(d) && (d->track & 1)))
        return false;
    return fdd_cylinder(d) < d->format->cylinders && side < d->format->heads;
}

unsigned fdd_sector(const struct fdd *d, unsigned side, unsigned r)
{
    const struct fdd_format *f = d->format;

    return (fdd_cylinder(d) * f->heads + side) * f->sectors + r - 1;
}

static bool in_image(const struct fdd *d, unsigned sector)
{
    return (uint64_t)(sector + 1) * FDD_SECTOR <= d->medium->size;
}

bool fdd_read(struct fdd *d, unsigned sector, uint8_t *bytes)
{
    struct block *b = d->medium;

    return in_image(d, sector) &&
           !b->read(b, (uint64_t)sector * FDD_SECTOR, bytes, FDD_SECTOR);
}

bool fdd_write(struct fdd *d, unsigned sector, const uint8_t *bytes,
               bool deleted)
{
    struct block *b = d->medium;
    uint8_t bit = (uint8_t)(1u << sector % 8);

    if (!in_image(d, sector) ||
        b->write(b, (uint64_t)sector * FDD_SECTOR, bytes, FDD_SECTOR))
        return false;
    d->deleted[sector / 8] &= (uint8_t)~bit;
    d->deleted[sector / 8] |= deleted ? bit : 0;
    return true;
}

bool fdd_is_deleted(const struct fdd *d, unsigned sector)
{
    return d->deleted[sector / 8] >> sector % 8 & 1;
}

bool fdd_is_protected(const struct fdd *d)
{
    return d->medium && d->medium->read_only;
}

/* ------------------------------------------------------------------ life */

static bool set_type(struct fdd *d, struct error *e)
{
    const struct fdd_format *f =
        d->medium ? format_for(d->medium->size, NULL) : NULL;

    if (!strcmp(d->type_name, "auto")) {
        /* What is no disk at all is put_medium()'s to say. */
        d->type = f ? f->drive : d->medium ? N_DRIVE_TYPES - 1 : 0;
        return true;
    }
    for (d->type = 0; d->type < N_DRIVE_TYPES; d->type++)
        if (!strcmp(d->type_name, drive_types[d->type].name))
            return true;
    d->type = 0;
    return error_set(e,
                     "type '%s': want auto, none, 360, 720, 1200, 1440 or "
                     "2880",
                     d->type_name);
}

bool fdd_init(struct fdd *d, struct error *e)
{
    d->changed = true;
    if (!set_type(d, e))
        return false;
    if (d->medium && !d->type)
        return error_set(e, "there is no drive for the disk");
    return !d->medium || put_medium(d, d->medium, e);
}

void fdd_loaded(struct fdd *d)
{
    uint8_t most = type_of(d)->tracks ? type_of(d)->tracks - 1 : 0;

    if (d->track > most)
        d->track = most;
}

/* A reset of the controller moves no heads. */
const struct field fdd_fields[] = {
    FIELD_HOST(struct fdd, medium),        FIELD_HOST(struct fdd, format),
    FIELD_HOST(struct fdd, type_name),     FIELD_HOST(struct fdd, type),
    FIELD_KEEP(struct fdd, track),         FIELD_KEEP(struct fdd, changed),
    FIELD_ARRAY_KEEP(struct fdd, deleted), FIELD_LIST_END,
};
