/* A machine's power button, for the frontend's request to power down. */
#ifndef DEVICES_POWER_BUTTON_H
#define DEVICES_POWER_BUTTON_H

#include "devices/device.h"

extern const struct device_class power_button_class;

/* Press and release it.  Any thread. */
void power_button_press(struct device *dev);

#endif
