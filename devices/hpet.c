/*
 * High precision event timers of a PC.
 *
 * IA-PC HPET Specification 1.0a: 2.3 (registers), 2.4 (operation of
 * comparators), 2.3.9 (periodic mode).  Three comparators, of 64 bits; the
 * first and second can be periodic.  The counter runs at 100 MHz.
 *
 * Inputs 0 and 1 are what the chip takes over from: the 8254's output and the
 * real-time clock's; they pass to outputs 0 (IRQ 0) and 1 (IRQ 8) unless the
 * legacy replacement is on, when comparators 0 and 1 do.  Outputs 2 to 5 are
 * I/O APIC inputs 20 to 23, to which each comparator can be routed.
 *
 * Periods below 10 us are taken for 10 us, and those that have passed
 * unnoticed are one interrupt.
 *
 * Missing: interrupts by messages (FSB).
 */
#include "base/bytes.h"
#include "base/muldiv.h"
#include "devices/device.h"

#define N_TIMERS 3
#define FEMTOSECONDS 10000000u /* of a tick */
#define TICK_NS 10
#define MIN_PERIOD 1000 /* ticks */

enum {
    FIRST_ROUTE = 20, /* I/O APIC input of output 2 */
    N_ROUTES = 4,
    OUT_ROUTES = 2,
    N_OUT = OUT_ROUTES + N_ROUTES,
};

enum {
    GENERAL_CAPABILITIES = 0x000,
    GENERAL_CONFIGURATION = 0x010,
    GENERAL_STATUS = 0x020,
    MAIN_COUNTER = 0x0f0,
    TIMERS = 0x100,
    TIMER_STEP = 0x20,
    TIMER_CONFIGURATION = 0x00,
    TIMER_COMPARATOR = 0x08,
    SIZE = 0x400,

    ENABLE_CNF = 1 << 0,
    LEG_RT_CNF = 1 << 1,

    INT_TYPE_CNF = 1 << 1, /* level */
    INT_ENB_CNF = 1 << 2,
    TYPE_CNF = 1 << 3, /* periodic */
    PER_INT_CAP = 1 << 4,
    SIZE_CAP = 1 << 5,
    VAL_SET_CNF = 1 << 6,
    MODE32_CNF = 1 << 8,
    INT_ROUTE_SHIFT = 9,
    CONFIG_BITS = INT_TYPE_CNF | INT_ENB_CNF | TYPE_CNF | VAL_SET_CNF |
                  MODE32_CNF | 31 << INT_ROUTE_SHIFT,
};

/* REV_ID 1, three timers, 64 bits, legacy replacement. */
#define CAPABILITIES                                                           \
    ((uint64_t)FEMTOSECONDS << 32 | 0x8086u << 16 | 1u << 15 | 1u << 13 |      \
     (N_TIMERS - 1) << 8 | 1)
#define ROUTES (UINT64_C(0xf) << FIRST_ROUTE << 32)

struct comparator {
    uint32_t config;
    uint64_t value, period;
    struct timer timer;
    struct hpet *owner;
    unsigned number;
};

struct hpet {
    struct device dev;
    uint64_t config, status;
    uint64_t counter; /* while it stands still, else at tick 0 of the clock */
    bool legacy_in[2];
    struct comparator t[N_TIMERS];
};

static uint64_t ticks(const struct hpet *h)
{
    return clock_ns(h->dev.env->clock) / TICK_NS;
}

static bool runs(const struct hpet *h)
{
    return (h->config & ENABLE_CNF) != 0;
}

static bool legacy(const struct hpet *h)
{
    return (h->config & LEG_RT_CNF) != 0;
}

static uint64_t count(const struct hpet *h, uint64_t now)
{
    return runs(h) ? h->counter + now : h->counter;
}

static bool is_periodic(const struct comparator *t)
{
    return t->number < 2 && (t->config & TYPE_CNF);
}

static uint64_t width(const struct comparator *t)
{
    return t->config & MODE32_CNF ? UINT32_MAX : UINT64_MAX;
}

/* -- outputs -- */

/* Output of a comparator, or -1. */
static int output(const struct comparator *t)
{
    unsigned route = t->config >> INT_ROUTE_SHIFT & 31;

    if (legacy(t->owner) && t->number < 2)
        return (int)t->number;
    if (route < FIRST_ROUTE || route >= FIRST_ROUTE + N_ROUTES)
        return -1;
    return (int)(OUT_ROUTES + route - FIRST_ROUTE);
}

/* Level-triggered, asserted and enabled. */
static bool holds_line(const struct comparator *t)
{
    return (t->config & INT_TYPE_CNF) && (t->config & INT_ENB_CNF) &&
           (t->owner->status >> t->number & 1);
}

static void drive(struct hpet *h)
{
    bool level[N_OUT] = {false};

    for (unsigned i = 0; i < N_TIMERS; i++) {
        int n = output(&h->t[i]);

        if (n >= 0 && holds_line(&h->t[i]))
            level[n] = true;
    }
    for (unsigned n = 0; n < N_OUT; n++) {
        bool through = n < 2 && !legacy(h) && h->legacy_in[n];

        wire_set(device_out(&h->dev, n), level[n] || through);
    }
}

static void interrupt(struct comparator *t)
{
    struct hpet *h = t->owner;
    int n = output(t);

    if (t->config & INT_TYPE_CNF) {
        h->status |= UINT64_C(1) << t->number;
        drive(h);
    } else if ((t->config & INT_ENB_CNF) && n >= 0) {
        /* An edge: the line falls first, so that there is one. */
        wire_set(device_out(&h->dev, (unsigned)n), false);
        wire_set(device_out(&h->dev, (unsigned)n), true);
    }
}

/*
 * -- time --
 *
 * `now` is in ticks of the clock, which is looked at once in each access and
 * each match: a comparator that the counter passed between two looks would
 * miss it.
 */

/* A periodic comparator goes on by whole periods until it is ahead. */
static void advance(struct comparator *t, uint64_t count)
{
    uint64_t period = t->period < MIN_PERIOD ? MIN_PERIOD : t->period;
    uint64_t mask = width(t), behind = (count - t->value) & mask;

    /* Ahead already: what is behind would be more than half of a turn. */
    if (behind <= mask / 2)
        t->value = (t->value + (behind / period + 1) * period) & mask;
}

static void arm(struct comparator *t, uint64_t now)
{
    struct hpet *h = t->owner;
    uint64_t left = (t->value - (h->counter + now)) & width(t);
    uint64_t at = CLOCK_NEVER;

    /* It matches when the counter gets there: 0 is a whole turn away. */
    if (left == 0)
        left = width(t);
    if (runs(h) && left < UINT64_MAX / TICK_NS - now)
        at = (now + left) * TICK_NS;
    timer_arm(&t->timer, at);
}

static void match(struct comparator *t, uint64_t now)
{
    if (is_periodic(t) && t->period)
        advance(t, count(t->owner, now));
    arm(t, now);
    interrupt(t);
}

static void fire(void *owner)
{
    struct comparator *t = owner;

    match(t, ticks(t->owner));
}

/* The time of an access; what matched before it has interrupted, whether or
 * not the main loop has come round to it. */
static uint64_t access_time(struct hpet *h)
{
    uint64_t now = ticks(h);

    for (unsigned i = 0; i < N_TIMERS; i++)
        if (h->t[i].timer.deadline / TICK_NS <= now)
            match(&h->t[i], now);
    return now;
}

static void arm_all(struct hpet *h, uint64_t now)
{
    for (unsigned i = 0; i < N_TIMERS; i++)
        arm(&h->t[i], now);
}

/* -- registers -- */

static uint64_t read_timer(const struct comparator *t, unsigned reg)
{
    uint64_t caps = SIZE_CAP | ROUTES;

    if (reg == TIMER_CONFIGURATION)
        return t->config | caps | (t->number < 2 ? PER_INT_CAP : 0);
    return reg == TIMER_COMPARATOR ? t->value : 0;
}

/* All registers have 64 bits. */
static uint64_t read_register(const struct hpet *h, unsigned at, uint64_t now)
{
    unsigned n = (at - TIMERS) / TIMER_STEP;

    switch (at) {
    case GENERAL_CAPABILITIES:
        return CAPABILITIES;
    case GENERAL_CONFIGURATION:
        return h->config;
    case GENERAL_STATUS:
        return h->status;
    case MAIN_COUNTER:
        return count(h, now);
    default:
        if (at >= TIMERS && n < N_TIMERS)
            return read_timer(&h->t[n], at % TIMER_STEP);
        return 0;
    }
}

static void write_configuration(struct hpet *h, uint64_t value, uint64_t now)
{
    uint64_t counter = count(h, now);

    h->config = value & (ENABLE_CNF | LEG_RT_CNF);
    h->counter = runs(h) ? counter - now : counter;
    arm_all(h, now);
    drive(h);
}

static void write_comparator(struct comparator *t, uint64_t value, uint64_t now)
{
    value &= width(t);
    if (is_periodic(t)) {
        /* 2.3.9.2.2: with VAL_SET it is the accumulator's, too. */
        if (t->config & VAL_SET_CNF)
            t->value = value;
        t->period = value;
    } else {
        t->value = value;
    }
    t->config &= ~(uint32_t)VAL_SET_CNF;
    arm(t, now);
}

static void write_timer(struct comparator *t, unsigned reg, uint64_t value,
                        uint64_t now)
{
    if (reg == TIMER_COMPARATOR) {
        write_comparator(t, value, now);
    } else if (reg == TIMER_CONFIGURATION) {
        t->config = (uint32_t)value & CONFIG_BITS;
        if (t->number >= 2)
            t->config &= ~(uint32_t)TYPE_CNF;
        if (!(t->config & INT_TYPE_CNF))
            t->owner->status &= ~(UINT64_C(1) << t->number);
        t->value &= width(t);
        arm(t, now);
        drive(t->owner);
    }
}

static void write_register(struct hpet *h, unsigned at, uint64_t value,
                           uint64_t now)
{
    unsigned n = (at - TIMERS) / TIMER_STEP;

    switch (at) {
    case GENERAL_CONFIGURATION:
        write_configuration(h, value, now);
        break;
    case GENERAL_STATUS:
        h->status &= ~value;
        drive(h);
        break;
    case MAIN_COUNTER: /* while it stands still */
        if (!runs(h))
            h->counter = value;
        break;
    default:
        if (at >= TIMERS && n < N_TIMERS)
            write_timer(&h->t[n], at % TIMER_STEP, value, now);
    }
}

static uint64_t hpet_read(struct device *dev, unsigned window, uint64_t offset,
                          unsigned size)
{
    struct hpet *h = (struct hpet *)dev;
    uint64_t now = access_time(h);

    (void)window, (void)size;
    return read_register(h, (unsigned)offset & ~7u, now) >> 8 * (offset & 7);
}

/* What a write of half a register leaves of it. */
static uint64_t old_value(const struct hpet *h, unsigned at, uint64_t now)
{
    unsigned n = (at - TIMERS) / TIMER_STEP;

    if (at == GENERAL_STATUS) /* what is 1 there is cleared */
        return 0;
    if (at >= TIMERS && n < N_TIMERS && at % TIMER_STEP == TIMER_COMPARATOR &&
        is_periodic(&h->t[n]) && !(h->t[n].config & VAL_SET_CNF))
        return h->t[n].period;
    return read_register(h, at, now);
}

static void hpet_write(struct device *dev, unsigned window, uint64_t offset,
                       uint64_t value, unsigned size)
{
    struct hpet *h = (struct hpet *)dev;
    unsigned at = (unsigned)offset & ~7u;
    uint64_t now = access_time(h), old;

    (void)window;
    if (size == 8) {
        write_register(h, at, value, now);
        return;
    }
    old = old_value(h, at, now);
    if (offset & 4)
        value = value << 32 | (uint32_t)old;
    else
        value |= old & ~(uint64_t)UINT32_MAX;
    write_register(h, at, value, now);
}

/* -- the device -- */

static void hpet_input(struct device *dev, unsigned line, bool level)
{
    struct hpet *h = (struct hpet *)dev;

    h->legacy_in[line] = level;
    if (!legacy(h))
        wire_set(device_out(dev, line), level);
}

static bool hpet_specifier(struct device *dev, const uint32_t *cells,
                           unsigned n, unsigned *line)
{
    (void)dev;
    *line = cells[0];
    return n == 1 && cells[0] < 2;
}

static bool hpet_create(struct device *dev, struct error *e)
{
    struct hpet *h = (struct hpet *)dev;

    (void)e;
    for (unsigned i = 0; i < N_TIMERS; i++) {
        h->t[i].owner = h;
        h->t[i].number = i;
        timer_init(&h->t[i].timer, dev->env->clock, fire, &h->t[i]);
    }
    return true;
}

static void hpet_reset(struct device *dev)
{
    drive((struct hpet *)dev);
}

static void hpet_loaded(struct device *dev)
{
    struct hpet *h = (struct hpet *)dev;

    for (unsigned i = 0; i < N_TIMERS; i++)
        h->t[i].config &= i < 2 ? CONFIG_BITS : CONFIG_BITS & ~TYPE_CNF;
    arm_all(h, ticks(h));
    drive(h);
}

static const struct field comparator_fields[] = {
    FIELD(struct comparator, config, 0),
    FIELD(struct comparator, value, UINT64_MAX),
    FIELD(struct comparator, period, 0),
    FIELD_TIMER(struct comparator, timer),
    FIELD_HOST(struct comparator, owner),
    FIELD_HOST(struct comparator, number),
    FIELD_LIST_END,
};

static const struct field hpet_fields[] = {
    DEVICE_FIELDS(struct hpet),
    FIELD(struct hpet, config, 0),
    FIELD(struct hpet, status, 0),
    FIELD(struct hpet, counter, 0),
    FIELD_ARRAY(struct hpet, legacy_in, false),
    FIELD_SUBS(struct hpet, t, comparator_fields),
    FIELD_LIST_END,
};

static const struct window hpet_windows[] = {
    {.name = "registers", .size = SIZE, .accept = 4 | 8, .impl = 4 | 8},
};

const struct device_class hpet_class = {
    .name = "hpet",
    .summary = "high precision event timers of a PC",
    .compatible = (const char *const[]){"intel,hpet", NULL},
    .size = sizeof(struct hpet),
    .fields = hpet_fields,
    .windows = hpet_windows,
    .n_windows = 1,
    .n_outputs = N_OUT,
    .n_inputs = 2,
    .create = hpet_create,
    .reset = hpet_reset,
    .loaded = hpet_loaded,
    .read = hpet_read,
    .write = hpet_write,
    .input = hpet_input,
    .specifier = hpet_specifier,
};
