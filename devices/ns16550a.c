/*
 * 16550A serial port on a memory bus: the register spacing and offset of
 * the device-tree binding "ns16550a" around the port of uart16550.c.
 *
 * An access reaches the register in whose first byte it starts, whatever its
 * width: the chip has eight data lines, and they are the lowest.  The other
 * bytes of a register's place read 0.
 *
 * Missing: big-endian buses (the binding's big-endian and native-endian).
 */
#include "devices/ns16550a.h"

struct ns16550a {
    struct device dev;
    uint32_t reg_shift, reg_offset, reg_io_width;
    struct uart16550 uart;
};

struct uart16550 *ns16550a_uart(struct device *dev)
{
    return &((struct ns16550a *)dev)->uart;
}

static bool ns16550a_create(struct device *dev, struct error *e)
{
    struct ns16550a *n = (struct ns16550a *)dev;

    if (n->reg_shift > 8)
        return error_set(e, "reg-shift is %u: want 0 to 8", n->reg_shift);
    if (n->reg_io_width != 1 && n->reg_io_width != 2 && n->reg_io_width != 4 &&
        n->reg_io_width != 8)
        return error_set(e, "reg-io-width is %u: want 1, 2, 4 or 8",
                         n->reg_io_width);
    if (n->uart.clock_hz == 0)
        return error_set(e, "clock-frequency is 0: want hertz");
    uart16550_init(&n->uart, dev);
    return true;
}

static void ns16550a_destroy(struct device *dev)
{
    uart16550_destroy(ns16550a_uart(dev));
}

static void ns16550a_reset(struct device *dev)
{
    uart16550_reset(ns16550a_uart(dev));
}

static void ns16550a_loaded(struct device *dev)
{
    uart16550_loaded(ns16550a_uart(dev));
}

/* The register at a window's offset; false, and logged: there is none. */
static bool find_register(struct ns16550a *n, uint64_t offset, unsigned *reg)
{
    uint64_t place = offset - n->reg_offset;

    *reg = (unsigned)(place >> n->reg_shift);
    if (offset >= n->reg_offset &&
        place >> n->reg_shift < UART16550_REGISTERS &&
        (uint64_t)*reg << n->reg_shift == place)
        return true;
    log_guest(n->dev.env->log, "%s: no register at offset 0x%llx", n->dev.path,
              (unsigned long long)offset);
    return false;
}

static uint64_t ns16550a_read(struct device *dev, unsigned window,
                              uint64_t offset, unsigned size)
{
    struct ns16550a *n = (struct ns16550a *)dev;
    unsigned reg;

    (void)window, (void)size;
    return find_register(n, offset, &reg) ? uart16550_read(&n->uart, reg) : 0;
}

static void ns16550a_write(struct device *dev, unsigned window, uint64_t offset,
                           uint64_t value, unsigned size)
{
    struct ns16550a *n = (struct ns16550a *)dev;
    unsigned reg;

    (void)window, (void)size;
    if (find_register(n, offset, &reg))
        uart16550_write(&n->uart, reg, (uint8_t)value);
}

static const struct property ns16550a_properties[] = {
    {"chardev", PROP_CHARDEV, offsetof(struct ns16550a, uart.chardev), NULL,
     "what the line is connected to", false},
    {"clock-frequency", PROP_U32, offsetof(struct ns16550a, uart.clock_hz),
     "1843200", "input clock in Hz, 16 times the highest baud rate", false},
    {"reg-shift", PROP_U32, offsetof(struct ns16550a, reg_shift), "0",
     "registers lie 1 << n bytes apart", false},
    {"reg-offset", PROP_U32, offsetof(struct ns16550a, reg_offset), "0",
     "bytes before the first register", false},
    {"reg-io-width", PROP_U32, offsetof(struct ns16550a, reg_io_width), "1",
     "width of access that the guest is told to use; all work", false},
    {NULL, PROP_U32, 0, NULL, NULL, false},
};

static const struct field ns16550a_fields[] = {
    DEVICE_FIELDS(struct ns16550a),
    FIELD_HOST(struct ns16550a, reg_shift),
    FIELD_HOST(struct ns16550a, reg_offset),
    FIELD_HOST(struct ns16550a, reg_io_width),
    FIELD_SUB(struct ns16550a, uart, uart16550_fields),
    FIELD_LIST_END,
};

static const struct window ns16550a_windows[] = {
    {.name = "registers", .accept = 1 | 2 | 4 | 8, .impl = 1 | 2 | 4 | 8},
};

static const char *const ns16550a_compatible[] = {"ns16550a", "ns16550", NULL};

const struct device_class ns16550a_class = {
    .name = "ns16550a",
    .summary = "16550A serial port, memory-mapped",
    .compatible = ns16550a_compatible,
    .size = sizeof(struct ns16550a),
    .properties = ns16550a_properties,
    .fields = ns16550a_fields,
    .windows = ns16550a_windows,
    .n_windows = 1,
    .n_outputs = 1,
    .create = ns16550a_create,
    .destroy = ns16550a_destroy,
    .reset = ns16550a_reset,
    .loaded = ns16550a_loaded,
    .read = ns16550a_read,
    .write = ns16550a_write,
};
