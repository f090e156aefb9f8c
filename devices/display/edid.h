/*
 * What a monitor says of itself to a guest.
 */
#ifndef DEVICES_DISPLAY_EDID_H
#define DEVICES_DISPLAY_EDID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define EDID_SIZE 128

/* The monitor's own resolution, which guests choose; false: e says what it may
 * be. */
bool edid_check(uint32_t width, uint32_t height, struct error *e);
void edid_make(uint32_t width, uint32_t height, uint8_t block[EDID_SIZE]);

#endif
