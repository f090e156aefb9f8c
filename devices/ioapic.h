/* The IOAPIC: what the machine connects beside the bus. */
#ifndef DEVICES_IOAPIC_H
#define DEVICES_IOAPIC_H

#include "devices/device.h"

extern const struct device_class ioapic_class;

/* A local APIC broadcasts the end of a level-triggered interrupt.  Under the
 * device lock. */
void ioapic_eoi(struct device *ioapic, uint8_t vector);

/* Call fn(owner) whenever a processor takes the vector of an input that is
 * not masked.  One for each IOAPIC; fn drives no wire. */
void ioapic_on_taken(struct device *ioapic, unsigned pin,
                     void (*fn)(void *owner), void *owner);
/* A processor takes a vector.  Under the device lock. */
void ioapic_taken(struct device *ioapic, uint8_t vector);

#endif
