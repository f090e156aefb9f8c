/* A memory-mapped 16550A: what tests and backends may reach inside it. */
#ifndef DEVICES_NS16550A_H
#define DEVICES_NS16550A_H

#include "devices/uart16550.h"

extern const struct device_class ns16550a_class;

/* The port in a device of ns16550a_class, e.g. to send a break to it. */
struct uart16550 *ns16550a_uart(struct device *dev);

#endif
