/*
 * The local APICs of all processors: what the machine connects beside the
 * bus.  Everything under the device lock.
 */
#ifndef DEVICES_LAPIC_H
#define DEVICES_LAPIC_H

#include "devices/device.h"

#define LAPIC_MAX_CPUS 64

extern const struct device_class lapic_class;

/* The page of registers that processor `cpu` (below the number of CPUs) sees
 * of its own; these, and the functions below, fit a CPU's wires. */
uint64_t lapic_read(void *lapic, unsigned cpu, uint64_t offset, unsigned size);
void lapic_write(void *lapic, unsigned cpu, uint64_t offset, uint64_t value,
                 unsigned size);

/* INTA: the vector, now in service; the 8259s' if it is theirs; -1: nothing
 * is pending (any more). */
int lapic_acknowledge(void *lapic, unsigned cpu);

/* IA32_APIC_BASE, IA32_TSC_DEADLINE, 0x800 to 0x8ff; false: #GP. */
bool lapic_read_msr(void *lapic, unsigned cpu, uint32_t msr, uint64_t *value);
bool lapic_write_msr(void *lapic, unsigned cpu, uint32_t msr, uint64_t value);
uint8_t lapic_get_cr8(void *lapic, unsigned cpu);
void lapic_set_cr8(void *lapic, unsigned cpu, uint8_t value);

/* How many processors it serves. */
unsigned lapic_cpus(struct device *lapic);

/* Who acknowledges ExtINT: the 8259s. */
void lapic_set_pic(struct device *lapic, uint8_t (*acknowledge)(void *owner),
                   void *owner);
/* Who is told of the end of level-triggered interrupts.  false: they are too
 * many. */
bool lapic_add_ioapic(struct device *lapic, struct device *ioapic);

#endif
