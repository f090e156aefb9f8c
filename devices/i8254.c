/*
 * Intel 8254: programmable interval timer of a PC, with port 61h, which holds
 * the gate of its counter 2 and reads its output.
 *
 * Follows the 8254 data sheet (Intel 231164-005): the six modes, BCD, counter
 * latch, read-back; for port 61h (window 1) the IBM PC AT Technical
 * Reference, "system board ports".
 *
 * A counter is not counted down: what it holds and what OUT says is computed
 * from the ticks that have passed since it was loaded, so that there is no
 * drift and reading is exact to the tick.  Counter 0's OUT is output 0.  It
 * shows each rising edge at its tick; the low phases of modes 2 to 5 shrink
 * to nothing there, so that the interrupt controller does not forget an edge
 * whose phase passes while the guest is late.
 *
 * Where the host is late, several rising edges are due at once; and where the
 * CPU's thread is, which i8254_taken() tells, an edge is due before the last
 * one was taken.  Those that would be lost so are made up at four times the
 * rate, up to a quarter of a second's worth.  There are at most 50,000 a
 * second: of shorter periods output 0 shows only some, so that no guest can
 * keep the host busy.
 *
 * Counts of 1 in modes 2 and 3, which the data sheet forbids, count as 2.
 * Bit 4 of port 61h toggles every 18 ticks (15.1 us), as a BIOS programs
 * counter 1 to refresh, and whatever counter 1 does.
 *
 * Missing: a bus clock between a write and its CLK (writes take effect at the
 * next tick); memory parity and I/O channel checks (port 61h, bits 6 and 7
 * read 0); the speaker's sound, whose enable is kept in port 61h.
 */
#include "devices/i8254.h"

#include "devices/isa.h"

enum { COUNTERS = 3, REG_CONTROL = 3 };

enum { WINDOW_CHIP = 0, WINDOW_PORT61 = 1 };

/* Control word. */
enum {
    CW_BCD = 0x01,
    CW_MODE = 0x0e,
    CW_RW = 0x30, /* 0: latch this counter */
    CW_KEPT = 0x3f,
};

enum { RW_LSB = 1, RW_MSB = 2, RW_BOTH = 3 };

/* Read-back command. */
enum {
    RB_NO_STATUS = 0x10,
    RB_NO_COUNT = 0x20,
};

enum {
    STATUS_NULL = 0x40,
    STATUS_OUT = 0x80,
};

enum {
    P61_GATE2 = 0x01,
    P61_SPEAKER = 0x02,
    P61_KEPT = 0x0f,
    P61_REFRESH = 0x10,
    P61_OUT2 = 0x20,
};

#define REFRESH_TICKS 18
#define MOST_EDGES 50000 /* a second */

struct counter {
    uint64_t load_at;   /* tick at which cr goes into the counter */
    uint64_t since;     /* tick from which on it counts */
    uint64_t elapsed;   /* ticks that it had counted by then, from its load */
    uint64_t old_edges; /* rising edges of OUT from before the load */
    uint32_t n;         /* the count that was loaded, 1 to 65536 */
    uint16_t cr;        /* count register */
    uint16_t held;      /* what it holds while not loaded */
    uint16_t latch;
    uint8_t control; /* lower six bits of the last control word */
    uint8_t status;  /* latched */
    uint8_t low;     /* first byte of two */
    bool gate, loaded, counting, load_pending;
    bool has_count; /* cr was written since the control word */
    bool null_count;
    bool write_second, read_second;
    bool count_latched, status_latched;
};

struct i8254 {
    struct device dev;
    uint32_t hz; /* property */
    struct counter counter[COUNTERS];
    struct timer timer; /* of counter 0's next edge */
    uint64_t shown;     /* rising edges of counter 0 that were noted, */
    uint64_t owed;      /* and those of them that output 0 has not seen */
    bool taking;        /* the CPU takes them, as far as is known, */
    bool untaken;       /* but not yet the last one */
    uint8_t port61;
};

static uint64_t ticks(const struct i8254 *p)
{
    return clock_ticks(p->dev.env->clock, p->hz);
}

/* -------------------------------------------------------- one counter */

static unsigned mode(const struct counter *c)
{
    unsigned m = (c->control & CW_MODE) >> 1;

    return m > 5 ? m - 4 : m; /* X10 and X11 */
}

static bool periodic(const struct counter *c)
{
    return mode(c) == 2 || mode(c) == 3;
}

/* Modes whose counting only a trigger starts, and no gate stops. */
static bool triggered(const struct counter *c)
{
    return mode(c) == 1 || mode(c) == 5;
}

static unsigned rw(const struct counter *c)
{
    return (c->control & CW_RW) >> 4;
}

/* A count register's contents as a number; 0 is the largest. */
static uint32_t decode(const struct counter *c)
{
    bool bcd = c->control & CW_BCD;
    uint32_t v = c->cr;

    if (bcd)
        v = (v & 15) + 10 * (v >> 4 & 15) + 100 * (v >> 8 & 15) +
            1000 * (v >> 12);
    if (v == 0)
        v = bcd ? 10000 : 65536;
    return v == 1 && periodic(c) ? 2 : v;
}

static uint16_t encode(const struct counter *c, uint64_t v)
{
    if (!(c->control & CW_BCD))
        return (uint16_t)v;
    v %= 10000;
    return (uint16_t)(v % 10 | v / 10 % 10 << 4 | v / 100 % 10 << 8 |
                      v / 1000 << 12);
}

/* Ticks counted since the load, at tick `now`. */
static uint64_t elapsed(const struct counter *c, uint64_t now)
{
    return c->elapsed + (c->counting && now > c->since ? now - c->since : 0);
}

/* Mode 3: the ticks of a period during which OUT is high. */
static uint32_t high_half(const struct counter *c)
{
    return (c->n + 1) / 2;
}

/* What the counting element holds. */
static uint16_t holds(const struct counter *c, uint64_t now)
{
    uint64_t t = elapsed(c, now), wrap;
    uint32_t at = (uint32_t)(t % c->n);

    if (!c->loaded)
        return c->held;
    switch (mode(c)) {
    case 2:
        return encode(c, c->n - at);
    case 3: /* by two, from an even number, once in each half */
        at = at < high_half(c) ? at : at - high_half(c);
        return encode(c, (c->n & ~1u) - 2 * at);
    default:
        wrap = c->control & CW_BCD ? 10000 : 65536;
        return encode(c, c->n % wrap + wrap - t % wrap);
    }
}

static bool out(const struct counter *c, uint64_t now)
{
    uint64_t t = elapsed(c, now);

    if (!c->loaded)
        return mode(c) != 0;
    switch (mode(c)) {
    case 0:
    case 1:
        return t >= c->n;
    case 2: /* low while it holds 1; GATE low sets it high at once */
        return !c->counting || t % c->n != c->n - 1;
    case 3:
        return !c->counting || t % c->n < high_half(c);
    default:
        return t != c->n;
    }
}

/* Rising edges of OUT since the load. */
static uint64_t edges(const struct counter *c, uint64_t now)
{
    uint64_t t = elapsed(c, now);

    if (!c->loaded)
        return 0;
    switch (mode(c)) {
    case 0:
    case 1:
        return t >= c->n;
    case 2:
    case 3:
        return t / c->n;
    default:
        return t > c->n;
    }
}

/* CR goes into the counting element at tick `now`. */
static void load(struct counter *c, uint64_t now)
{
    bool second = c->loaded && c->counting && mode(c) == 3 && out(c, now - 1);

    c->old_edges += edges(c, now);
    c->n = decode(c);
    c->loaded = true;
    c->load_pending = c->null_count = false;
    c->counting = c->gate || triggered(c);
    c->since = now;
    /* Mode 3: a new count in the middle of a period begins its low half. */
    c->elapsed = second ? high_half(c) : 0;
}

static void sync(struct counter *c, uint64_t now)
{
    if (c->load_pending && c->load_at <= now)
        load(c, c->load_at);
}

static void load_at(struct counter *c, uint64_t tick)
{
    c->load_pending = true;
    c->load_at = tick;
}

/* The tick at which a running period, in mode 3 its half, ends. */
static uint64_t period_end(const struct counter *c, uint64_t now)
{
    uint32_t at = (uint32_t)(elapsed(c, now) % c->n);
    uint32_t end = mode(c) == 3 && at < high_half(c) ? high_half(c) : c->n;

    return now + (end - at);
}

static void set_gate(struct counter *c, bool gate, uint64_t now)
{
    sync(c, now);
    if (gate == c->gate)
        return;
    c->gate = gate;
    if (triggered(c)) {
        if (gate && c->has_count)
            load_at(c, now + 1);
        return;
    }
    c->elapsed = elapsed(c, now);
    c->since = now;
    c->counting = gate && c->loaded && !periodic(c);
    if (periodic(c) && c->loaded) {
        /* A trigger starts a new period; until then nothing is loaded. */
        c->load_pending = false;
        if (gate)
            load_at(c, now + 1);
    }
}

static void stop(struct counter *c, uint64_t now)
{
    c->held = holds(c, now);
    c->old_edges += edges(c, now);
    c->loaded = c->counting = c->load_pending = false;
    c->elapsed = 0;
}

/* Both bytes of a count, or the only one, have been written. */
static void set_count(struct counter *c, uint16_t value, uint64_t now)
{
    c->cr = value;
    c->has_count = c->null_count = true;
    if (mode(c) == 0)
        stop(c, now);
    if (triggered(c))
        return;
    if (!periodic(c) || !c->loaded)
        load_at(c, now + 1);
    else if (c->counting)
        load_at(c, period_end(c, now));
}

static void write_count(struct counter *c, uint8_t byte, uint64_t now)
{
    switch (rw(c)) {
    case RW_LSB:
        set_count(c, byte, now);
        return;
    case RW_MSB:
        set_count(c, (uint16_t)(byte << 8), now);
        return;
    }
    c->write_second = !c->write_second;
    if (!c->write_second) {
        set_count(c, (uint16_t)(byte << 8 | c->low), now);
        return;
    }
    c->low = byte;
    if (mode(c) == 0) /* the first byte stops it, and sets OUT low */
        stop(c, now);
}

static void write_control(struct counter *c, uint8_t value, uint64_t now)
{
    stop(c, now);
    c->control = value & CW_KEPT;
    c->has_count = false;
    c->null_count = true;
    c->write_second = c->read_second = false;
    c->count_latched = c->status_latched = false;
}

static void latch_count(struct counter *c, uint64_t now)
{
    if (c->count_latched)
        return;
    c->latch = holds(c, now);
    c->count_latched = true;
}

static void latch_status(struct counter *c, uint64_t now)
{
    if (c->status_latched)
        return;
    c->status = (out(c, now) ? STATUS_OUT : 0) |
                (c->null_count ? STATUS_NULL : 0) | c->control;
    c->status_latched = true;
}

static uint8_t read_count(struct counter *c, uint64_t now)
{
    uint16_t v = c->count_latched ? c->latch : holds(c, now);
    bool msb = rw(c) == RW_MSB;

    if (c->status_latched) {
        c->status_latched = false;
        return c->status;
    }
    if (rw(c) == RW_BOTH) {
        msb = c->read_second;
        c->read_second = !msb;
    }
    if (rw(c) != RW_BOTH || msb)
        c->count_latched = false;
    return (uint8_t)(msb ? v >> 8 : v);
}

/* ------------------------------------------------- counter 0's output */

/* The shortest time between two edges. */
static uint32_t pause_ticks(const struct i8254 *p)
{
    return p->hz / MOST_EDGES + 1;
}

/* Is it time for the next edge, if one is owed? */
static bool may_show(const struct i8254 *p)
{
    return !p->taking || !p->untaken;
}

/* The tick at which counter 0 wants to be looked at again. */
static uint64_t next_look(struct i8254 *p, uint64_t now)
{
    struct counter *c = &p->counter[0];
    uint64_t t = elapsed(c, now), at = UINT64_MAX;

    if (c->loaded && c->counting && periodic(c))
        at = now + (c->n - t % c->n);
    else if (c->loaded && c->counting && t < (uint64_t)c->n + (mode(c) > 1))
        at = now + (c->n + (mode(c) > 1) - t);
    if (c->load_pending && c->load_at < at)
        at = c->load_at;
    if (may_show(p) && p->owed && now + c->n / 4 < at)
        at = now + c->n / 4;
    return at < now + pause_ticks(p) ? now + pause_ticks(p) : at;
}

static void look_again(struct i8254 *p, uint64_t now)
{
    uint64_t at = next_look(p, now);

    timer_arm(&p->timer,
              at == UINT64_MAX ? CLOCK_NEVER : clock_ticks_to_ns(at, p->hz));
}

/* Count the edges up to now, and forget those that are too many: a guest
 * that takes none (a mask) does not want them later. */
static void count_edges(struct i8254 *p, uint64_t now)
{
    struct counter *c = &p->counter[0];
    uint64_t all, most;

    sync(c, now);
    most = c->n < pause_ticks(p) ? 1 : p->hz / 4 / c->n + 1;
    all = c->old_edges + edges(c, now);
    p->owed += all - p->shown;
    p->shown = all;
    if (p->owed <= most)
        return;
    p->owed = p->taking ? 1 : most;
    p->taking = false;
}

/* Bring output 0 up to date, one edge at a time. */
static void update(struct i8254 *p)
{
    struct counter *c = &p->counter[0];
    uint64_t now = ticks(p);

    count_edges(p, now);
    if (p->owed && may_show(p)) {
        p->owed--;
        p->untaken = true;
        wire_set(device_out(&p->dev, 0), false);
        wire_set(device_out(&p->dev, 0), true);
    }
    wire_set(device_out(&p->dev, 0), mode(c) > 1 || out(c, now));
    look_again(p, now);
}

void i8254_taken(void *dev)
{
    struct i8254 *p = dev;

    p->taking = true;
    p->untaken = false;
    if (p->owed)
        look_again(p, ticks(p));
}

static void fire(void *owner)
{
    update(owner);
}

/* ------------------------------------------------------------ registers */

static void read_back(struct i8254 *p, uint8_t value, uint64_t now)
{
    for (unsigned i = 0; i < COUNTERS; i++) {
        if (!(value >> (i + 1) & 1))
            continue;
        if (!(value & RB_NO_COUNT))
            latch_count(&p->counter[i], now);
        if (!(value & RB_NO_STATUS))
            latch_status(&p->counter[i], now);
    }
}

static void write_control_word(struct i8254 *p, uint8_t value, uint64_t now)
{
    unsigned i = value >> 6;

    if (i == COUNTERS) {
        read_back(p, value, now);
    } else if (!(value & CW_RW)) {
        latch_count(&p->counter[i], now);
    } else {
        write_control(&p->counter[i], value, now);
        if (i == 0) {
            p->owed = 0;
            p->untaken = false;
        }
    }
}

static uint8_t read_port61(struct i8254 *p, uint64_t now)
{
    uint8_t v = p->port61;

    if (now / REFRESH_TICKS & 1)
        v |= P61_REFRESH;
    if (out(&p->counter[2], now))
        v |= P61_OUT2;
    return v;
}

static uint64_t i8254_read(struct device *dev, unsigned window, uint64_t offset,
                           unsigned size)
{
    struct i8254 *p = (struct i8254 *)dev;
    uint64_t now = ticks(p);

    (void)size;
    for (unsigned i = 0; i < COUNTERS; i++)
        sync(&p->counter[i], now);
    if (window == WINDOW_PORT61)
        return read_port61(p, now);
    if (offset == REG_CONTROL) /* the data sheet: no operation, floating */
        return 0xff;
    return read_count(&p->counter[offset], now);
}

static void i8254_write(struct device *dev, unsigned window, uint64_t offset,
                        uint64_t value, unsigned size)
{
    struct i8254 *p = (struct i8254 *)dev;
    uint64_t now = ticks(p);

    (void)size;
    for (unsigned i = 0; i < COUNTERS; i++)
        sync(&p->counter[i], now);
    if (window == WINDOW_PORT61) {
        p->port61 = value & P61_KEPT;
        set_gate(&p->counter[2], value & P61_GATE2, now);
        return;
    }
    if (offset == REG_CONTROL)
        write_control_word(p, (uint8_t)value, now);
    else
        write_count(&p->counter[offset], (uint8_t)value, now);
    if (offset == 0 || (offset == REG_CONTROL && !(value >> 6)))
        update(p);
}

/* ----------------------------------------------------------------- life */

static bool i8254_create(struct device *dev, struct error *e)
{
    struct i8254 *p = (struct i8254 *)dev;

    if (p->hz < 1000 || p->hz > 100000000)
        return error_set(e, "clock-frequency is %u: want 1000 to 100000000 Hz",
                         p->hz);
    timer_init(&p->timer, dev->env->clock, fire, p);
    return true;
}

/* "Undefined until programmed": mode 0 without a count, OUT low. */
static void i8254_reset(struct device *dev)
{
    struct i8254 *p = (struct i8254 *)dev;

    for (unsigned i = 0; i < COUNTERS; i++) {
        p->counter[i].control = RW_BOTH << 4;
        p->counter[i].n = 65536;
        p->counter[i].gate = i != 2;
    }
    update(p);
}

static void i8254_loaded(struct device *dev)
{
    struct i8254 *p = (struct i8254 *)dev;

    for (unsigned i = 0; i < COUNTERS; i++) {
        struct counter *c = &p->counter[i];

        c->control &= CW_KEPT;
        if (c->n < 2 || c->n > 65536)
            c->n = c->n == 1 && !periodic(c) ? 1 : 65536;
    }
    p->port61 &= P61_KEPT;
    update(p);
}

static const struct property i8254_properties[] = {
    {"clock-frequency", PROP_U32, offsetof(struct i8254, hz), "1193182",
     "of CLK, in Hz", false},
    {NULL, PROP_U32, 0, NULL, NULL, false},
};

static const struct field counter_fields[] = {
    FIELD(struct counter, load_at, 0),
    FIELD(struct counter, since, 0),
    FIELD(struct counter, elapsed, 0),
    FIELD(struct counter, old_edges, 0),
    FIELD(struct counter, n, 0),
    FIELD(struct counter, cr, 0),
    FIELD(struct counter, held, 0),
    FIELD(struct counter, latch, 0),
    FIELD(struct counter, control, 0),
    FIELD(struct counter, status, 0),
    FIELD(struct counter, low, 0),
    FIELD(struct counter, gate, false),
    FIELD(struct counter, loaded, false),
    FIELD(struct counter, counting, false),
    FIELD(struct counter, load_pending, false),
    FIELD(struct counter, has_count, false),
    FIELD(struct counter, null_count, false),
    FIELD(struct counter, write_second, false),
    FIELD(struct counter, read_second, false),
    FIELD(struct counter, count_latched, false),
    FIELD(struct counter, status_latched, false),
    FIELD_LIST_END,
};

static const struct field i8254_fields[] = {
    DEVICE_FIELDS(struct i8254),
    FIELD_HOST(struct i8254, hz),
    FIELD_SUBS(struct i8254, counter, counter_fields),
    FIELD_TIMER(struct i8254, timer),
    FIELD(struct i8254, shown, 0),
    FIELD(struct i8254, owed, 0),
    FIELD(struct i8254, taking, false),
    FIELD(struct i8254, untaken, false),
    FIELD(struct i8254, port61, 0),
    FIELD_LIST_END,
};

static const struct window i8254_windows[] = {
    ISA_WINDOW("registers", 4),
    ISA_WINDOW("port 61h", 1),
};

static const char *const i8254_compatible[] = {"intel,i8254", NULL};

const struct device_class i8254_class = {
    .name = "i8254",
    .summary = "8254 interval timer and port 61h of a PC",
    .compatible = i8254_compatible,
    .size = sizeof(struct i8254),
    .properties = i8254_properties,
    .fields = i8254_fields,
    .windows = i8254_windows,
    .n_windows = 2,
    .n_outputs = 1,
    .create = i8254_create,
    .reset = i8254_reset,
    .loaded = i8254_loaded,
    .read = i8254_read,
    .write = i8254_write,
};
