/*
 * The I/O Advanced Programmable Interrupt Controller, Intel 82093AA.
 *
 * Datasheet 290566-001: 3.1 (IOREGSEL, IOWIN), 3.2 (ID, version, arbitration
 * ID, redirection table).  24 inputs, whose level is "asserted": polarity is
 * held and does not matter.  Interrupts leave as messages to fee00000 in the
 * form that MSI has (SDM 3-11.11), whose bits are those of the redirection
 * table: the local APICs take them.
 *
 * An edge on a masked input is lost, as the datasheet says (3.2.4).
 *
 * Missing: the APIC bus's arbitration; the EOI register of later versions.
 */
#include "devices/ioapic.h"

#define N_PINS 24
#define VERSION 0x11

enum {
    IOREGSEL = 0x00,
    IOWIN = 0x10,

    IOAPICID = 0,
    IOAPICVER = 1,
    IOAPICARB = 2,
    IOREDTBL = 0x10,

    /* Of an entry's lower half. */
    DELIVERY_SHIFT = 8,
    LOGICAL = 1 << 11,
    DELIVERY_STATUS = 1 << 12,
    REMOTE_IRR = 1 << 14,
    LEVEL = 1 << 15,
    MASKED = 1 << 16,
    LOW_WRITABLE = 0x1afff, /* all but the two states */

    /* Of a message. */
    MSI_BASE = 0xfee00000,
    MSI_DEST_SHIFT = 12,
    MSI_LOGICAL = 1 << 2,
    MSI_ASSERT = 1 << 14,
};

enum delivery { FIXED, LOWEST, SMI, NMI = 4, INIT, EXTINT = 7 };

struct ioapic {
    struct device dev;
    uint8_t select, id;
    uint32_t low[N_PINS], high[N_PINS]; /* of the redirection table */
    bool level[N_PINS];                 /* of the inputs */
    void (*taken)(void *owner);         /* whom to tell of one input */
    void *taken_owner;
    unsigned taken_pin;
};

static enum delivery delivery(const struct ioapic *a, unsigned pin)
{
    return (enum delivery)(a->low[pin] >> DELIVERY_SHIFT & 7);
}

/* Level-triggered, with a remote IRR: of the other modes all are edges. */
static bool is_level(const struct ioapic *a, unsigned pin)
{
    return (a->low[pin] & LEVEL) && delivery(a, pin) <= LOWEST;
}

static void send(struct ioapic *a, unsigned pin)
{
    uint32_t low = a->low[pin], data = (low & 0x7ff) | MSI_ASSERT;
    uint64_t address = MSI_BASE | (uint64_t)(a->high[pin] >> 24)
                                      << MSI_DEST_SHIFT;

    if (low & LOGICAL)
        address |= MSI_LOGICAL;
    if (is_level(a, pin)) {
        data |= LEVEL;
        a->low[pin] |= REMOTE_IRR;
    }
    if (!memory_msi(a->dev.env->memory, address, data))
        log_guest(a->dev.env->log, "%s: nobody takes the interrupt of pin %u",
                  a->dev.path, pin);
}

/* A level that is high goes out once, until its end is told. */
static void service(struct ioapic *a, unsigned pin)
{
    if (is_level(a, pin) && a->level[pin] &&
        !(a->low[pin] & (MASKED | REMOTE_IRR)))
        send(a, pin);
}

static void ioapic_input(struct device *dev, unsigned pin, bool level)
{
    struct ioapic *a = (struct ioapic *)dev;
    bool rises = level && !a->level[pin];

    a->level[pin] = level;
    if (is_level(a, pin))
        service(a, pin);
    else if (rises && !(a->low[pin] & MASKED))
        send(a, pin);
}

void ioapic_eoi(struct device *ioapic, uint8_t vector)
{
    struct ioapic *a = (struct ioapic *)ioapic;

    for (unsigned pin = 0; pin < N_PINS; pin++) {
        if (!(a->low[pin] & REMOTE_IRR) || (uint8_t)a->low[pin] != vector)
            continue;
        a->low[pin] &= ~(uint32_t)REMOTE_IRR;
        service(a, pin);
    }
}

void ioapic_on_taken(struct device *ioapic, unsigned pin,
                     void (*fn)(void *owner), void *owner)
{
    struct ioapic *a = (struct ioapic *)ioapic;

    a->taken = fn;
    a->taken_owner = owner;
    a->taken_pin = pin % N_PINS;
}

void ioapic_taken(struct device *ioapic, uint8_t vector)
{
    struct ioapic *a = (struct ioapic *)ioapic;
    uint32_t low = a->low[a->taken_pin];

    if (a->taken && !(low & MASKED) && (uint8_t)low == vector)
        a->taken(a->taken_owner);
}

/* -- registers -- */

static uint32_t read_register(const struct ioapic *a)
{
    unsigned n = a->select - IOREDTBL;

    switch (a->select) {
    case IOAPICID:
    case IOAPICARB:
        return (uint32_t)a->id << 24;
    case IOAPICVER:
        return (N_PINS - 1) << 16 | VERSION;
    default:
        if (a->select < IOREDTBL || n >= 2 * N_PINS)
            return 0;
        return n % 2 ? a->high[n / 2] : a->low[n / 2];
    }
}

static void write_low(struct ioapic *a, unsigned pin, uint32_t value)
{
    uint32_t old = a->low[pin];

    a->low[pin] = (old & ~(uint32_t)LOW_WRITABLE) | (value & LOW_WRITABLE);
    /* An edge has no remote IRR; systems clear one by this. */
    if (!(value & LEVEL))
        a->low[pin] &= ~(uint32_t)REMOTE_IRR;
    service(a, pin);
}

static void write_register(struct ioapic *a, uint32_t value)
{
    unsigned n = a->select - IOREDTBL;

    if (a->select == IOAPICID)
        a->id = value >> 24 & 15;
    if (a->select < IOREDTBL || n >= 2 * N_PINS)
        return;
    if (n % 2)
        a->high[n / 2] = value & 0xff000000;
    else
        write_low(a, n / 2, value);
}

static uint64_t ioapic_read(struct device *dev, unsigned window,
                            uint64_t offset, unsigned size)
{
    struct ioapic *a = (struct ioapic *)dev;

    (void)window;
    (void)size;
    if (offset == IOREGSEL)
        return a->select;
    return offset == IOWIN ? read_register(a) : 0;
}

static void ioapic_write(struct device *dev, unsigned window, uint64_t offset,
                         uint64_t value, unsigned size)
{
    struct ioapic *a = (struct ioapic *)dev;

    (void)window;
    (void)size;
    if (offset == IOREGSEL)
        a->select = (uint8_t)value;
    else if (offset == IOWIN)
        write_register(a, (uint32_t)value);
}

static bool ioapic_specifier(struct device *dev, const uint32_t *cells,
                             unsigned n, unsigned *line)
{
    (void)dev;
    *line = cells[0];
    return n >= 1 && n <= 2 && cells[0] < N_PINS;
}

static const struct field ioapic_fields[] = {
    DEVICE_FIELDS(struct ioapic),
    FIELD(struct ioapic, select, 0),
    FIELD(struct ioapic, id, 0),
    FIELD_ARRAY(struct ioapic, low, MASKED),
    FIELD_ARRAY(struct ioapic, high, 0),
    FIELD_ARRAY_KEEP(struct ioapic, level),
    FIELD_HOST(struct ioapic, taken),
    FIELD_HOST(struct ioapic, taken_owner),
    FIELD_HOST(struct ioapic, taken_pin),
    FIELD_LIST_END,
};

static const struct window ioapic_windows[] = {
    {.name = "registers", .size = 0x1000, .accept = 1 | 2 | 4, .impl = 4},
};

const struct device_class ioapic_class = {
    .name = "ioapic",
    .summary = "I/O APIC (Intel 82093AA)",
    .compatible = (const char *const[]){"intel,ioapic", "intel,i82093aa", NULL},
    .size = sizeof(struct ioapic),
    .fields = ioapic_fields,
    .windows = ioapic_windows,
    .n_windows = 1,
    .n_inputs = N_PINS,
    .read = ioapic_read,
    .write = ioapic_write,
    .input = ioapic_input,
    .specifier = ioapic_specifier,
};
