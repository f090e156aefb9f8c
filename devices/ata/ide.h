/* What a machine does with the drives of an IDE controller. */
#ifndef DEVICES_ATA_IDE_H
#define DEVICES_ATA_IDE_H

#include "devices/ata/ata.h"

/* Drives are 0 (primary master) to 3 (secondary slave); so are the
 * controllers' properties: hda, hda-cd, hda-serial, hda-chs, hdb ... */
enum { IDE_DRIVES = 4 };

extern const struct device_class isa_ide_class, piix3_ide_class;

/* Is it one of these? */
bool ide_is_controller(const struct device_class *cls);

/* Is what the properties say of a drive possible?  Of a device that is not
 * created yet, whose creation would fail otherwise.  e does not name it. */
bool ide_check(struct device *dev, unsigned drive, struct error *e);

/* The others want a created one, under the device lock. */

/* See ata_insert().  e does not name the device. */
bool ide_insert(struct device *dev, unsigned drive, struct block *disc,
                struct error *e);

/* What is in a drive; NULL: nothing. */
struct block *ide_medium(struct device *dev, unsigned drive);
/* Undo the guest's lock of a CD-ROM drive. */
void ide_unlock(struct device *dev, unsigned drive);

/* A hard disk, as IDENTIFY says it is divided; false: there is none. */
struct ide_geometry {
    uint32_t cylinders, heads, sectors;
    uint64_t total; /* sectors */
};
bool ide_geometry(struct device *dev, unsigned drive, struct ide_geometry *out);

/* -- for the controllers -- */

/* Channel 0 or 1. */
struct ata_channel *piix3_ide_channel(struct device *dev, unsigned n);
struct ata_channel *isa_ide_channel(struct device *dev, unsigned n);

/* Of drive `member` (a struct ata_drive) of a device's struct. */
#define IDE_DRIVE_PROPERTIES(type, member, name, what)                         \
    {name,                                                                     \
     PROP_BLOCK,                                                               \
     offsetof(type, member.block),                                             \
     NULL,                                                                     \
     "the " what "'s disk, or its disc",                                       \
     false},                                                                   \
        {name "-cd",                                                           \
         PROP_BOOL,                                                            \
         offsetof(type, member.cd),                                            \
         "off",                                                                \
         "the " what " is a CD-ROM drive, perhaps without a disc",             \
         false},                                                               \
        {name "-serial",                                                       \
         PROP_STRING,                                                          \
         offsetof(type, member.serial),                                        \
         "EMU-" name,                                                          \
         "what it says it is, at most 20 characters",                          \
         false},                                                               \
    {                                                                          \
        name "-chs", PROP_STRING, offsetof(type, member.geometry), NULL,       \
            "cylinders,heads,sectors; default: by the disk's size", false      \
    }

/* The four of a controller; DRIVE(c, n) is where channel c's drive n is. */
#define IDE_PROPERTIES(type, DRIVE)                                            \
    IDE_DRIVE_PROPERTIES(type, DRIVE(0, 0), "hda", "primary master"),          \
        IDE_DRIVE_PROPERTIES(type, DRIVE(0, 1), "hdb", "primary slave"),       \
        IDE_DRIVE_PROPERTIES(type, DRIVE(1, 0), "hdc", "secondary master"),    \
        IDE_DRIVE_PROPERTIES(type, DRIVE(1, 1), "hdd", "secondary slave"),     \
    {                                                                          \
        NULL, PROP_U32, 0, NULL, NULL, false                                   \
    }

#endif
