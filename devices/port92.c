/*
 * Port 92h of a PC: "system control port A", fast A20 and fast reset.
 *
 * Follows the IBM PS/2 Hardware Interface Technical Reference (1988),
 * "System Control Port A", and the 82371AB's (PIIX4) for what chip sets kept
 * of it: bit 0 resets the CPU when it goes from 0 to 1, bit 1 is A20.
 *
 * A20 has two masters, this port and the keyboard controller, whose output is
 * input 0 here.  Whoever writes last has its way, and bit 1 reads so; on real
 * chip sets each can only open the gate for both, but software that closes
 * it by one knows nothing of the other.
 *
 * Outputs: 0 A20 (high: not masked), 1 reset, a pulse.
 *
 * Missing: the security lock of the CMOS RAM (bit 3), the watchdog (bit 4)
 * and the disk's lamps (bits 6 and 7), which read 0.
 */
#include "devices/device.h"
#include "devices/isa.h"

enum { BIT_RESET = 0x01, BIT_A20 = 0x02 };

enum { OUT_A20, OUT_RESET, OUTPUTS };

struct port92 {
    struct device dev;
    bool a20, reset;
};

static void set_a20(struct port92 *p, bool on)
{
    p->a20 = on;
    wire_set(device_out(&p->dev, OUT_A20), on);
}

static void port92_input(struct device *dev, unsigned line, bool level)
{
    (void)line;
    set_a20((struct port92 *)dev, level);
}

static uint64_t port92_read(struct device *dev, unsigned window,
                            uint64_t offset, unsigned size)
{
    struct port92 *p = (struct port92 *)dev;

    (void)window, (void)offset, (void)size;
    return (p->reset ? BIT_RESET : 0) | (p->a20 ? BIT_A20 : 0);
}

static void port92_write(struct device *dev, unsigned window, uint64_t offset,
                         uint64_t value, unsigned size)
{
    struct port92 *p = (struct port92 *)dev;
    bool pulse = (value & BIT_RESET) && !p->reset;

    (void)window, (void)offset, (void)size;
    p->reset = value & BIT_RESET;
    set_a20(p, value & BIT_A20);
    if (pulse) {
        wire_set(device_out(dev, OUT_RESET), true);
        wire_set(device_out(dev, OUT_RESET), false);
    }
}

/* As the keyboard controller says of its own half after a reset. */
static void port92_reset(struct device *dev)
{
    set_a20((struct port92 *)dev, true);
    wire_set(device_out(dev, OUT_RESET), false);
}

static void port92_loaded(struct device *dev)
{
    struct port92 *p = (struct port92 *)dev;

    set_a20(p, p->a20);
}

static const struct field port92_fields[] = {
    DEVICE_FIELDS(struct port92),
    FIELD(struct port92, a20, true),
    FIELD(struct port92, reset, false),
    FIELD_LIST_END,
};

static const struct window port92_windows[] = {
    ISA_WINDOW("port 92h", 1),
};

static const char *const port92_compatible[] = {"emu,port92", NULL};

const struct device_class port92_class = {
    .name = "port92",
    .summary = "port 92h of a PC: A20 and reset",
    .compatible = port92_compatible,
    .size = sizeof(struct port92),
    .fields = port92_fields,
    .windows = port92_windows,
    .n_windows = 1,
    .n_outputs = OUTPUTS,
    .n_inputs = 1,
    .reset = port92_reset,
    .loaded = port92_loaded,
    .read = port92_read,
    .write = port92_write,
    .input = port92_input,
};
