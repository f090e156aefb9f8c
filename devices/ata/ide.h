/* What a machine does with the drives of an IDE controller. */
#ifndef DEVICES_ATA_IDE_H
#define DEVICES_ATA_IDE_H

#include "devices/ata/ata.h"

/* All of these want a created device of piix3_ide_class, under the device
 * lock; drives are 0 (primary master) to 3 (secondary slave). */

/* See ata_insert().  e does not name the device. */
bool ide_insert(struct device *dev, unsigned drive, struct block *disc,
                struct error *e);

/* A hard disk, as IDENTIFY says it is divided; false: there is none. */
struct ide_geometry {
    uint32_t cylinders, heads, sectors;
    uint64_t total; /* sectors */
};
bool ide_geometry(const struct device *dev, unsigned drive,
                  struct ide_geometry *out);

extern const struct device_class piix3_ide_class;

#endif
