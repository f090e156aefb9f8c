/* The 8042 of a PC with its keyboard and mouse: the way in for input. */
#ifndef DEVICES_I8042_H
#define DEVICES_I8042_H

#include <stdbool.h>

#include "devices/ps2.h"

extern const struct device_class i8042_class;

/*
 * Post input to the gate, from which the device gets it; one thread only.
 * key: as in ps2.h.  Moves: to the right, up, and the wheel towards the user
 * are positive; buttons: all that are pressed, PS2_LEFT and so on.  false:
 * the gate's queue is full, ask again later.
 */
bool i8042_post_key(struct device *dev, unsigned key, bool down);
bool i8042_post_mouse(struct device *dev, int dx, int dy, int dz,
                      unsigned buttons);

/* The keyboard's LEDs: 1 scroll, 2 num, 4 caps lock.  false: the guest has
 * never set them.  Under the device lock. */
bool i8042_leds(struct device *dev, unsigned *leds);

#endif
