/* The 8254 of a PC: how it learns that its interrupts are taken. */
#ifndef DEVICES_I8254_H
#define DEVICES_I8254_H

#include "devices/device.h"

extern const struct device_class i8254_class;

/*
 * A CPU has taken the interrupt of counter 0 (output 0).  Whoever runs in
 * real time calls it each time, so that ticks that came while the CPU's
 * thread did not run are made up.  Under the device lock; drives no wire.
 */
void i8254_taken(void *dev);

#endif
