/* The 8259A: what the machine connects beside its wires. */
#ifndef DEVICES_I8259_H
#define DEVICES_I8259_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/device.h"

extern const struct device_class i8259_class;

/*
 * Tell a master which slave is behind one of its inputs: the one that the
 * slave's INT output is wired to.  Both are of i8259_class and live equally
 * long.  false: e, the slave's output goes elsewhere, or the line has one.
 */
bool i8259_adopt(struct device *master, struct device *slave, struct error *e);

/*
 * The CPU's two interrupt acknowledge cycles, run by the master (or by a
 * single chip): the vector that the data bus carries in the second.  Where no
 * request is left it is that of IR7, with nothing in service (spurious).
 * Under the device lock.  Fits a member of struct cpu_wires.
 */
uint8_t i8259_acknowledge(void *master);

/* Call fn(owner) whenever the request of an input is taken by an acknowledge
 * or a poll.  One for each input; fn drives no wire. */
void i8259_on_taken(struct device *dev, unsigned line, void (*fn)(void *owner),
                    void *owner);

/* Does it have an input for a slave? */
bool i8259_is_master(struct device *dev);

/* The INT output's level.  Under the device lock. */
bool i8259_int(struct device *dev);

#endif
