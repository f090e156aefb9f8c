/*
 * Intel 8259A: programmable interrupt controller, one of them; two make the
 * PC's pair.
 *
 * Follows the 8259A data sheet (Intel 231468-003) and, for ELCR (window 1,
 * ports 4D0h and 4D1h), the 82371SB's (PIIX3), 2.2.5.  Where ELCR is there it
 * replaces the LTIM bit of ICW1, as that chip says.
 *
 * Inputs are IR0 to IR7, output 0 is INT.  SP/EN# is the property `cascade`:
 * the chip that has it is the master, whose input of that number has a
 * slave.  A master drives the cascade lines for the inputs that ICW3 marks;
 * a slave answers to the number in its own ICW3, and where nobody does, the
 * bus floats to 0xff.
 *
 * An edge is forgotten when its input falls before the acknowledge ("the IR
 * inputs must remain high until after the falling edge of the first INTA"),
 * so that IR7 is spurious then.
 *
 * In MCS-80 mode (ICW4 without uPM) a CPU of the 8086's kind takes the byte
 * of the second cycle, the low half of the address, for the vector.
 *
 * Missing: buffered mode (SP/EN# as an output; BUF and M/S are only kept),
 * which a program cannot tell.
 */
#include "devices/i8259.h"

#include "devices/isa.h"

/* A0 is the register. */
enum { REG_COMMAND = 0, REG_DATA = 1 };

enum { WINDOW_CHIP = 0, WINDOW_ELCR = 1 };

enum {
    ICW1_IC4 = 0x01,
    ICW1_SNGL = 0x02,
    ICW1_ADI = 0x04,
    ICW1_LTIM = 0x08,
    ICW1_MARK = 0x10, /* what makes it an ICW1 */
};

enum {
    ICW4_UPM = 0x01,
    ICW4_AEOI = 0x02,
    ICW4_SFNM = 0x10,
};

/* OCW2's upper three bits. */
enum {
    OCW2_ROTATE_AEOI_CLEAR = 0,
    OCW2_EOI = 1,
    OCW2_NOP = 2,
    OCW2_EOI_SPECIFIC = 3,
    OCW2_ROTATE_AEOI_SET = 4,
    OCW2_ROTATE_EOI = 5,
    OCW2_SET_PRIORITY = 6,
    OCW2_ROTATE_EOI_SPECIFIC = 7,
};

enum {
    OCW3_RIS = 0x01,
    OCW3_RR = 0x02,
    OCW3_POLL = 0x04,
    OCW3_MARK = 0x08,
    OCW3_SMM = 0x20,
    OCW3_ESMM = 0x40,
};

/* Inputs that ELCR cannot make level: 0 to 2 of the master, 8 and 13. */
#define ELCR_MASTER 0xf8
#define ELCR_SLAVE 0xde

#define NO_CASCADE 8
#define NO_LEVEL 8

struct listener {
    void (*taken)(void *owner);
    void *owner;
};

struct i8259 {
    struct device dev;
    uint32_t cascade;     /* property: the slave's input; NO_CASCADE */
    uint32_t levels;      /* property: ELCR after a reset */
    struct device *slave; /* at it */
    struct listener listener[8];
    uint8_t lines; /* the inputs' levels */
    uint8_t edge;  /* edges that wait for their acknowledge */
    uint8_t imr, isr, elcr;
    uint8_t icw1, icw2, icw3, icw4;
    uint8_t expect; /* the ICW that the next write of A0 = 1 is; 0: OCW1 */
    uint8_t lowest; /* the level of the lowest priority */
    bool rotate_aeoi, special_mask;
    bool read_isr; /* what A0 = 0 reads */
    bool poll;     /* the next read polls */
};

static uint8_t level_inputs(const struct i8259 *p)
{
    if (p->dev.regions[WINDOW_ELCR].space)
        return p->elcr;
    return p->icw1 & ICW1_LTIM ? 0xff : 0;
}

static uint8_t irr(const struct i8259 *p)
{
    uint8_t level = level_inputs(p);

    return (p->lines & level) | (p->edge & ~level);
}

/* The level in `set` that comes first in priority, as its distance from the
 * highest; NO_LEVEL if the set is empty. */
static unsigned first_of(const struct i8259 *p, uint8_t set)
{
    for (unsigned i = 0; i < 8; i++)
        if (set >> ((p->lowest + 1 + i) & 7) & 1)
            return i;
    return NO_LEVEL;
}

static unsigned level_at(const struct i8259 *p, unsigned distance)
{
    return (p->lowest + 1 + distance) & 7;
}

static bool is_slave_line(const struct i8259 *p, unsigned level)
{
    return p->cascade != NO_CASCADE && !(p->icw1 & ICW1_SNGL) &&
           p->icw3 >> level & 1;
}

/*
 * The level that INT is up for, or NO_LEVEL.  What is in service blocks its
 * own and lower priorities; with the special mask not where it is masked;
 * in special fully nested mode a slave's line does not block itself.
 */
static unsigned pending(const struct i8259 *p)
{
    uint8_t serving = p->special_mask ? p->isr & ~p->imr : p->isr;
    unsigned want = first_of(p, irr(p) & ~p->imr), now = first_of(p, serving);

    if (want == NO_LEVEL || p->expect)
        return NO_LEVEL;
    if (want < now || (want == now && (p->icw4 & ICW4_SFNM) &&
                       is_slave_line(p, level_at(p, want))))
        return level_at(p, want);
    return NO_LEVEL;
}

bool i8259_int(struct device *dev)
{
    return pending((struct i8259 *)dev) != NO_LEVEL;
}

static void update(struct i8259 *p)
{
    wire_set(device_out(&p->dev, 0), pending(p) != NO_LEVEL);
}

static void i8259_input(struct device *dev, unsigned line, bool level)
{
    struct i8259 *p = (struct i8259 *)dev;
    uint8_t bit = (uint8_t)(1u << line);

    if (level && !(p->lines & bit))
        p->edge |= bit;
    if (!level)
        p->edge &= ~bit;
    p->lines = level ? p->lines | bit : p->lines & ~bit;
    update(p);
}

/* ---------------------------------------------------------- acknowledge */

/* First INTA, or a poll: the request goes into service. */
static void serve(struct i8259 *p, unsigned level)
{
    const struct listener *l = &p->listener[level];

    p->edge &= ~(1u << level);
    p->isr |= (uint8_t)(1u << level);
    if (l->taken)
        l->taken(l->owner);
}

/* The end of the last INTA.  INT has been low, so that a master sees an edge
 * if there is more. */
static void served(struct i8259 *p, unsigned level)
{
    wire_set(device_out(&p->dev, 0), false);
    if (p->icw4 & ICW4_AEOI) {
        p->isr &= ~(1u << level);
        if (p->rotate_aeoi)
            p->lowest = (uint8_t)level;
    }
    update(p);
}

static uint8_t vector(const struct i8259 *p, unsigned level)
{
    if (p->icw4 & ICW4_UPM)
        return (p->icw2 & 0xf8) | level;
    /* CALL's low byte: A7 to A5 of ICW1, or A7 and A6. */
    if (p->icw1 & ICW1_ADI)
        return (p->icw1 & 0xe0) | level << 2;
    return (p->icw1 & 0xc0) | level << 3;
}

static uint8_t acknowledge(struct i8259 *p);

/* The cascade lines carry `level`: whoever has that number answers. */
static uint8_t ask_slave(struct i8259 *p, unsigned level)
{
    struct i8259 *s = (struct i8259 *)p->slave;

    if (!s || (s->icw3 & 7) != level)
        return 0xff;
    return acknowledge(s);
}

static uint8_t acknowledge(struct i8259 *p)
{
    unsigned level = pending(p);
    uint8_t byte;

    if (level == NO_LEVEL)
        return vector(p, 7);
    serve(p, level);
    byte = is_slave_line(p, level) ? ask_slave(p, level) : vector(p, level);
    served(p, level);
    return byte;
}

uint8_t i8259_acknowledge(void *master)
{
    return acknowledge(master);
}

static uint8_t poll(struct i8259 *p)
{
    unsigned level = pending(p);

    p->poll = false;
    if (level == NO_LEVEL)
        return 0;
    serve(p, level);
    served(p, level);
    return 0x80 | level;
}

/* ------------------------------------------------------------ registers */

static void write_icw1(struct i8259 *p, uint8_t value)
{
    p->icw1 = value;
    p->edge = 0; /* "an input must make a low-to-high transition" anew */
    p->imr = 0;
    p->isr = 0;
    p->lowest = 7;
    p->icw3 = 7;
    p->icw4 = 0; /* stays so without IC4 */
    p->special_mask = p->read_isr = p->poll = false;
    p->rotate_aeoi = false;
    p->expect = 2;
}

/* ICW2, 3 and 4, those of them that ICW1 announced. */
static void write_icw(struct i8259 *p, uint8_t value)
{
    switch (p->expect) {
    case 2:
        p->icw2 = value;
        break;
    case 3:
        p->icw3 = value;
        break;
    default:
        p->icw4 = value;
    }
    if (p->expect == 2 && !(p->icw1 & ICW1_SNGL))
        p->expect = 3;
    else
        p->expect = p->expect < 4 && (p->icw1 & ICW1_IC4) ? 4 : 0;
}

/* The level that a non-specific EOI ends: a masked one stays in service in
 * special mask mode. */
static unsigned served_first(const struct i8259 *p)
{
    uint8_t set = p->special_mask ? p->isr & ~p->imr : p->isr;
    unsigned distance = first_of(p, set);

    return distance == NO_LEVEL ? NO_LEVEL : level_at(p, distance);
}

static void end(struct i8259 *p, unsigned level, bool rotate)
{
    if (level == NO_LEVEL)
        return;
    p->isr &= ~(1u << level);
    if (rotate)
        p->lowest = (uint8_t)level;
}

static void write_ocw2(struct i8259 *p, uint8_t value)
{
    switch (value >> 5) {
    case OCW2_ROTATE_AEOI_CLEAR:
        p->rotate_aeoi = false;
        break;
    case OCW2_EOI:
        end(p, served_first(p), false);
        break;
    case OCW2_NOP:
        break;
    case OCW2_EOI_SPECIFIC:
        end(p, value & 7, false);
        break;
    case OCW2_ROTATE_AEOI_SET:
        p->rotate_aeoi = true;
        break;
    case OCW2_ROTATE_EOI:
        end(p, served_first(p), true);
        break;
    case OCW2_SET_PRIORITY:
        p->lowest = value & 7;
        break;
    case OCW2_ROTATE_EOI_SPECIFIC:
        end(p, value & 7, true);
        break;
    }
}

static void write_ocw3(struct i8259 *p, uint8_t value)
{
    if (value & OCW3_ESMM)
        p->special_mask = value & OCW3_SMM;
    if (value & OCW3_POLL)
        p->poll = true;
    else if (value & OCW3_RR)
        p->read_isr = value & OCW3_RIS;
}

static uint64_t i8259_read(struct device *dev, unsigned window, uint64_t offset,
                           unsigned size)
{
    struct i8259 *p = (struct i8259 *)dev;

    (void)size;
    if (window == WINDOW_ELCR)
        return p->elcr;
    if (p->poll)
        return poll(p);
    if (offset == REG_DATA)
        return p->imr;
    return p->read_isr ? p->isr : irr(p);
}

static void i8259_write(struct device *dev, unsigned window, uint64_t offset,
                        uint64_t value, unsigned size)
{
    struct i8259 *p = (struct i8259 *)dev;
    uint8_t byte = (uint8_t)value;

    (void)size;
    if (window == WINDOW_ELCR)
        p->elcr = byte & (p->cascade != NO_CASCADE ? ELCR_MASTER : ELCR_SLAVE);
    else if (offset == REG_DATA && p->expect)
        write_icw(p, byte);
    else if (offset == REG_DATA)
        p->imr = byte;
    else if (byte & ICW1_MARK)
        write_icw1(p, byte);
    else if (byte & OCW3_MARK)
        write_ocw3(p, byte);
    else
        write_ocw2(p, byte);
    update(p);
}

/* ----------------------------------------------------------------- life */

bool i8259_is_master(struct device *dev)
{
    return ((struct i8259 *)dev)->cascade != NO_CASCADE;
}

bool i8259_adopt(struct device *master, struct device *slave, struct error *e)
{
    struct i8259 *p = (struct i8259 *)master;
    struct wire *out = device_out(slave, 0);

    if (p->cascade == NO_CASCADE || out->listener != master ||
        out->line != p->cascade)
        return error_set(e, "%s: is not at the cascade input of %s",
                         slave->path, master->path);
    if (p->slave || ((struct i8259 *)slave)->cascade != NO_CASCADE)
        return error_set(e, "%s: is no slave, or not the only one of %s",
                         slave->path, master->path);
    p->slave = slave;
    return true;
}

void i8259_on_taken(struct device *dev, unsigned line, void (*fn)(void *owner),
                    void *owner)
{
    ((struct i8259 *)dev)->listener[line & 7] = (struct listener){fn, owner};
}

static bool i8259_create(struct device *dev, struct error *e)
{
    struct i8259 *p = (struct i8259 *)dev;

    if (p->cascade > NO_CASCADE)
        return error_set(e, "cascade is %u: want 0 to 7", p->cascade);
    return true;
}

static bool i8259_specifier(struct device *dev, const uint32_t *cells,
                            unsigned n, unsigned *line)
{
    (void)dev;
    *line = cells[0];
    return n == 1 && cells[0] < 8;
}

/* Undefined until it is initialised (data sheet): all inputs are masked. */
static void i8259_reset(struct device *dev)
{
    struct i8259 *p = (struct i8259 *)dev;

    p->elcr = (uint8_t)p->levels;
    update(p);
}

static void i8259_loaded(struct device *dev)
{
    struct i8259 *p = (struct i8259 *)dev;

    p->lowest &= 7;
    p->edge &= p->lines;
    if (p->expect == 1 || p->expect > 4)
        p->expect = 0;
    update(p);
}

static const struct property i8259_properties[] = {
    {"cascade", PROP_U32, offsetof(struct i8259, cascade), "8",
     "a master's input that has a slave (8: none, or a slave itself)", false},
    {"elcr", PROP_U32, offsetof(struct i8259, levels), "0",
     "ELCR after a reset, on a board without firmware that sets it", false},
    {NULL, PROP_U32, 0, NULL, NULL, false},
};

static const struct field i8259_fields[] = {
    DEVICE_FIELDS(struct i8259),
    FIELD_HOST(struct i8259, levels),
    FIELD_HOST(struct i8259, cascade),
    FIELD_HOST(struct i8259, slave),
    FIELD_HOST(struct i8259, listener),
    FIELD_KEEP(struct i8259, lines),
    FIELD(struct i8259, edge, 0),
    FIELD(struct i8259, imr, 0xff),
    FIELD(struct i8259, isr, 0),
    FIELD(struct i8259, elcr, 0),
    FIELD(struct i8259, icw1, 0),
    FIELD(struct i8259, icw2, 0),
    FIELD(struct i8259, icw3, 7),
    FIELD(struct i8259, icw4, 0),
    FIELD(struct i8259, expect, 0),
    FIELD(struct i8259, lowest, 7),
    FIELD(struct i8259, rotate_aeoi, false),
    FIELD(struct i8259, special_mask, false),
    FIELD(struct i8259, read_isr, false),
    FIELD(struct i8259, poll, false),
    FIELD_LIST_END,
};

static const struct window i8259_windows[] = {
    ISA_WINDOW("registers", 2),
    ISA_WINDOW("elcr", 1),
};

static const char *const i8259_compatible[] = {"intel,i8259", NULL};

const struct device_class i8259_class = {
    .name = "i8259",
    .summary = "8259A interrupt controller of a PC",
    .compatible = i8259_compatible,
    .size = sizeof(struct i8259),
    .properties = i8259_properties,
    .fields = i8259_fields,
    .windows = i8259_windows,
    .n_windows = 2,
    .min_windows = 1,
    .n_outputs = 1,
    .n_inputs = 8,
    .create = i8259_create,
    .reset = i8259_reset,
    .loaded = i8259_loaded,
    .read = i8259_read,
    .write = i8259_write,
    .input = i8259_input,
    .specifier = i8259_specifier,
};
