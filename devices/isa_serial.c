/*
 * 16550A serial port on an ISA bus: eight ports around uart16550.c.  OUT2
 * enables the interrupt's line driver, as on a PC's adapter (IBM PC AT
 * Technical Reference, "Serial/Parallel Adapter").  Nothing is missing.
 */
#include "devices/isa.h"
#include "devices/uart16550.h"

struct isa_serial {
    struct device dev;
    struct uart16550 uart;
};

static struct uart16550 *uart(struct device *dev)
{
    return &((struct isa_serial *)dev)->uart;
}

static bool isa_serial_create(struct device *dev, struct error *e)
{
    if (uart(dev)->clock_hz == 0)
        return error_set(e, "clock-frequency is 0: want hertz");
    uart(dev)->out2_gates_irq = true;
    uart16550_init(uart(dev), dev);
    return true;
}

static void isa_serial_destroy(struct device *dev)
{
    uart16550_destroy(uart(dev));
}

static void isa_serial_reset(struct device *dev)
{
    uart16550_reset(uart(dev));
}

static void isa_serial_loaded(struct device *dev)
{
    uart16550_loaded(uart(dev));
}

static uint64_t isa_serial_read(struct device *dev, unsigned window,
                                uint64_t offset, unsigned size)
{
    (void)window, (void)size;
    return uart16550_read(uart(dev), (unsigned)offset);
}

static void isa_serial_write(struct device *dev, unsigned window,
                             uint64_t offset, uint64_t value, unsigned size)
{
    (void)window, (void)size;
    uart16550_write(uart(dev), (unsigned)offset, (uint8_t)value);
}

static const struct property isa_serial_properties[] = {
    {"chardev", PROP_CHARDEV, offsetof(struct isa_serial, uart.chardev), NULL,
     "what the line is connected to", false},
    {"clock-frequency", PROP_U32, offsetof(struct isa_serial, uart.clock_hz),
     "1843200", "input clock in Hz, 16 times the highest baud rate", false},
    {NULL, PROP_U32, 0, NULL, NULL, false},
};

static const struct field isa_serial_fields[] = {
    DEVICE_FIELDS(struct isa_serial),
    FIELD_SUB(struct isa_serial, uart, uart16550_fields),
    FIELD_LIST_END,
};

static const struct window isa_serial_windows[] = {
    ISA_WINDOW("registers", UART16550_REGISTERS),
};

static const char *const isa_serial_compatible[] = {"isa,ns16550a", NULL};

const struct device_class isa_serial_class = {
    .name = "isa-serial",
    .summary = "16550A serial port, on ISA ports",
    .compatible = isa_serial_compatible,
    .size = sizeof(struct isa_serial),
    .properties = isa_serial_properties,
    .fields = isa_serial_fields,
    .windows = isa_serial_windows,
    .n_windows = 1,
    .n_outputs = 1,
    .create = isa_serial_create,
    .destroy = isa_serial_destroy,
    .reset = isa_serial_reset,
    .loaded = isa_serial_loaded,
    .read = isa_serial_read,
    .write = isa_serial_write,
};
