/* RISC-V APLIC: how the machine joins its interrupt domains. */
#ifndef DEVICES_APLIC_H
#define DEVICES_APLIC_H

#include "devices/device.h"

extern const struct device_class aplic_class;

/*
 * Make `child` the next child domain of `parent`, in the order of the tree's
 * riscv,children.  false: not two domains, or not a tree of them; e does not
 * name the devices.
 */
bool aplic_adopt(struct device *parent, struct device *child, struct error *e);

#endif
