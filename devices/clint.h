/* SiFive's CLINT: what the machine connects beside the bus. */
#ifndef DEVICES_CLINT_H
#define DEVICES_CLINT_H

#include <stdint.h>

#include "devices/device.h"

/* Harts that one CLINT can serve. */
#define CLINT_MAX_HARTS 128

extern const struct device_class clint_class;

/*
 * mtime now, in ticks of clint_timebase_hz().  For the harts' time CSR: any
 * thread, no lock.  clint is a struct device of clint_class (void, so that
 * the function fits a CPU's time wire as it is).
 */
uint64_t clint_mtime(void *clint);
uint32_t clint_timebase_hz(const struct device *dev);

/*
 * Have fn called, under the device lock, after mtime has jumped (the guest
 * wrote it, a reset, a snapshot): whoever waits for a value of it must
 * reckon anew.  One listener; fn NULL for none.
 */
void clint_on_jump(struct device *dev, void (*fn)(void *owner), void *owner);

#endif
