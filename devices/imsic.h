/* RISC-V IMSIC: what the machine connects beside the bus. */
#ifndef DEVICES_IMSIC_H
#define DEVICES_IMSIC_H

#include <stdint.h>

#include "devices/device.h"

extern const struct device_class imsic_class;

/*
 * The registers of interrupt file `file` (that of output `file`), 32 bits
 * each, by the numbers that *iselect has; IMSIC_TOPEI is *topei, a write of
 * which claims.  What does not exist reads 0.  Under the device lock.
 * (void, so that the functions fit a CPU's wires as they are.)
 */
enum {
    IMSIC_TOPEI = 0,
    IMSIC_EIDELIVERY = 0x70,
    IMSIC_EITHRESHOLD = 0x72,
    IMSIC_EIP0 = 0x80,
    IMSIC_EIE0 = 0xc0,
    IMSIC_END = 0x100,
};
uint32_t imsic_read_reg(void *imsic, unsigned file, unsigned reg);
void imsic_write_reg(void *imsic, unsigned file, unsigned reg, uint32_t value);

#endif
