/*
 * What chips on an ISA bus have in common: an eight-bit data bus, on which
 * wider accesses of I/O ports are one cycle a byte, lowest port first.
 */
#ifndef DEVICES_ISA_H
#define DEVICES_ISA_H

#include "devices/device.h"

/* A window of `ports` I/O ports; a tree may list fewer. */
#define ISA_WINDOW(what, ports)                                              \
    {                                                                        \
        .name = what, .size = ports, .accept = 1 | 2 | 4, .impl = 1,         \
        .unaligned = true, .port = true                                      \
    }

/* FERR# and IRQ 13; input 0 is the first processor's. */
extern const struct device_class isa_ferr_class;

/* A parallel port with a printer. */
extern const struct device_class isa_parallel_class;

/* The interrupt lines (isa_irqs.c), and which of them an input is of. */
extern const struct device_class isa_irqs_class;
unsigned isa_irqs_number(unsigned input);

#endif
