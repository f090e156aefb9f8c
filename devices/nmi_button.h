/* A PC's NMI button, for the monitor. */
#ifndef DEVICES_NMI_BUTTON_H
#define DEVICES_NMI_BUTTON_H

#include "devices/device.h"

extern const struct device_class nmi_button_class;

/* Press and release it.  Any thread. */
void nmi_button_press(struct device *dev);

#endif
