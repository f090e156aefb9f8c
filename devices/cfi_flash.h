/* NOR flash: what the machine needs to know of it. */
#ifndef DEVICES_CFI_FLASH_H
#define DEVICES_CFI_FLASH_H

#include "devices/block.h"
#include "devices/device.h"

#define CFI_FLASH_BANKS 2

/* Banks are its windows; bank n is on the property "drive<n>". */
extern const struct device_class cfi_flash_class;

/* That drive; NULL: there is none. */
const struct block *cfi_flash_drive(struct device *dev, unsigned bank);

#endif
