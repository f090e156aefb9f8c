/*
 * The drives of IDE controllers, whichever these are.
 *
 * Missing: nothing.
 */
#include "devices/ata/ide.h"

bool ide_is_controller(const struct device_class *cls)
{
    return cls == &piix3_ide_class || cls == &isa_ide_class;
}

static struct ata_drive *drive_of(struct device *dev, unsigned drive)
{
    struct ata_channel *c;

    if (drive >= IDE_DRIVES)
        return NULL;
    c = dev->class == &isa_ide_class ? isa_ide_channel(dev, drive / 2)
                                     : piix3_ide_channel(dev, drive / 2);
    return &c->drive[drive % 2];
}

bool ide_check(struct device *dev, unsigned drive, struct error *e)
{
    struct ata_drive *d = drive_of(dev, drive);

    return d ? ata_check(d, e)
             : error_set(e, "there is no IDE drive %u", drive);
}

bool ide_insert(struct device *dev, unsigned drive, struct block *disc,
                struct error *e)
{
    struct ata_drive *d = drive_of(dev, drive);

    return d ? ata_insert(d, disc, e)
             : error_set(e, "there is no IDE drive %u", drive);
}

bool ide_geometry(struct device *dev, unsigned drive, struct ide_geometry *out)
{
    const struct ata_drive *d = drive_of(dev, drive);

    if (!d || d->kind != &ata_disk_kind)
        return false;
    *out = (struct ide_geometry){d->cylinders, d->heads, d->sectors,
                                 d->block->size / ATA_SECTOR};
    return true;
}

struct block *ide_medium(struct device *dev, unsigned drive)
{
    const struct ata_drive *d = drive_of(dev, drive);

    return d ? d->block : NULL;
}

void ide_unlock(struct device *dev, unsigned drive)
{
    struct ata_drive *d = drive_of(dev, drive);

    if (d)
        d->locked = false;
}
