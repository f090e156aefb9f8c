/* The i440FX: what the machine connects beside the bus. */
#ifndef DEVICES_PCI_I440FX_H
#define DEVICES_PCI_I440FX_H

#include "devices/device.h"

extern const struct device_class i440fx_class;

/* SMIACT#: processor `cpu` (below 64) enters or leaves SMM.  Under the device
 * lock; fits struct cpu_apic. */
void i440fx_smm(void *i440fx, unsigned cpu, bool on);

#endif
