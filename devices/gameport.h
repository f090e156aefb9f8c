/* A PC's game port: the way in for joysticks. */
#ifndef DEVICES_GAMEPORT_H
#define DEVICES_GAMEPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/device.h"

extern const struct device_class gameport_class;

/* Two joysticks: X and Y of the first, then of the second. */
struct joysticks {
    uint8_t present; /* bits: which of the two are plugged in */
    uint8_t buttons; /* bits 0 and 1 of the first, 2 and 3 of the second */
    uint8_t axis[4]; /* 0: left or up, 255: right or down */
};

/* Post their state to the gate; one thread at a time.  false: its queue is
 * full, ask again later. */
bool gameport_post(struct device *dev, const struct joysticks *j);

#endif
