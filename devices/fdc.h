/* What a machine does with a floppy controller beside its registers. */
#ifndef DEVICES_FDC_H
#define DEVICES_FDC_H

#include <stdbool.h>

#include "devices/device.h"

/* Is what the properties say of drive 0 or 1 possible?  Of a device of
 * fdc_class that is not created yet, whose creation would fail otherwise.  e
 * does not name it. */
bool fdc_check(struct device *dev, unsigned drive, struct error *e);

/* All of these want a created one, under the device lock. */

/* Give it a channel of an 8237A; see dma_connect().  false: e. */
bool fdc_connect(struct device *dev, struct device *controller,
                 unsigned channel, struct error *e);

/*
 * Put a medium into drive 0 or 1 of a created controller, or (NULL) take it
 * out; the drive's change line says so.  The medium outlives the device, or is
 * taken out first.  false: no such drive, or it does not fit; the drive is
 * empty then.  e does not name the device.
 */
bool fdc_insert(struct device *dev, unsigned drive, struct block *medium,
                struct error *e);

/* What is in drive 0 or 1; NULL: nothing. */
struct block *fdc_medium(const struct device *dev, unsigned drive);

/* A drive's type as a PC's setup has it in the CMOS RAM: 1 360 KB, 2 1.2 MB,
 * 3 720 KB, 4 1.44 MB, 5 2.88 MB; 0: there is none. */
unsigned fdc_drive_type(const struct device *dev, unsigned drive);

extern const struct device_class fdc_class;

#endif
