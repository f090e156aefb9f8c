/*
 * The local APICs of a machine's processors, xAPIC and x2APIC.
 *
 * Intel SDM volume 3, chapter 11 (APIC): 11.4 (registers, states), 11.5 (local
 * vector table, timer), 11.6 (interrupt command), 11.7 to 11.9 (logical
 * destinations, priorities, EOI), 11.11 (messages), 11.12 (x2APIC).
 *
 * One device for all, since they talk to each other.  The window is where
 * messages arrive (fee00000 to feefffff); the registers are a page that each
 * processor sees of its own, through its wires, wherever IA32_APIC_BASE says.
 *
 * Each processor has five outputs, in this order: INTR, NMI, INIT, SMI, SIPI
 * (an edge, with the vector in bits 15:8 of the line's number); and two
 * inputs, LINT0 and LINT1 of processor n being 2n and 2n + 1.  While a local
 * APIC is switched off they are the processor's INTR and NMI.
 *
 * LINT0 of processor 0 is ExtINT from reset on, which real firmware would have
 * to do: SeaBIOS runs a while before it does.
 *
 * The timer runs at clock-frequency, divided; periods below 10 us are taken
 * for 10 us, and periods that have passed unnoticed are one interrupt.  The
 * TSC deadline is in ticks of timebase-frequency.
 *
 * Missing: CMCI, thermal and performance interrupts (their vectors are held),
 * directed EOI suppression's register, remote reads, the arbitration of
 * lowest priority (the processor with the lowest priority, then the first),
 * IDs other than 0, 1, 2, ...
 */
#include "base/muldiv.h"
#include "devices/lapic_priv.h"

#include "devices/ioapic.h"

/* A message: what to whom. */
struct message {
    enum delivery delivery;
    uint8_t vector;
    bool level; /* trigger mode */
    bool assert;
};

static const struct wire *out(const struct local *a, unsigned n)
{
    return &a->owner->dev.out[a->number * N_OUT + n];
}

static void pulse(const struct local *a, unsigned n)
{
    wire_set(out(a, n), true);
    wire_set(out(a, n), false);
}

/* -- vectors in 256 bits -- */

static void set_bit(uint32_t *bits, uint8_t v)
{
    bits[v / 32] |= UINT32_C(1) << v % 32;
}

static void clear_bit(uint32_t *bits, uint8_t v)
{
    bits[v / 32] &= ~(UINT32_C(1) << v % 32);
}

static bool has_bit(const uint32_t *bits, uint8_t v)
{
    return (bits[v / 32] >> v % 32 & 1) != 0;
}

/* -1: none. */
static int highest(const uint32_t *bits)
{
    for (int i = 7; i >= 0; i--) {
        if (bits[i])
            return 32 * i + 31 - __builtin_clz(bits[i]);
    }
    return -1;
}

/* -- priorities and INTR -- */

/* 11.8.3.1 */
uint8_t lapic_ppr(const struct local *a)
{
    int serving = highest(a->isr);
    uint8_t class = serving < 0 ? 0 : (uint8_t)serving & 0xf0;

    return (a->tpr & 0xf0) >= class ? a->tpr : class;
}

/* The vector that may interrupt now, or -1. */
static int deliverable(const struct local *a)
{
    int v = highest(a->irr);

    return lapic_is_on(a) && (a->svr & SVR_ENABLE) && v >= 0 &&
                   (v & 0xf0) > (lapic_ppr(a) & 0xf0)
               ? v
               : -1;
}

static bool lint_is(const struct local *a, unsigned n, enum delivery d)
{
    uint32_t lvt = a->lvt[LVT(LVT_LINT0) + n];

    return !(lvt & LVT_MASKED) && (lvt >> DELIVERY_SHIFT & 7) == d;
}

/* Do the 8259s want this processor? */
static bool wants_pic(const struct local *a)
{
    if (!lapic_is_on(a))
        return a->line[0];
    return a->extint || (a->line[0] && lint_is(a, 0, EXTINT)) ||
           (a->line[1] && lint_is(a, 1, EXTINT));
}

void lapic_update(struct local *a)
{
    wire_set(out(a, OUT_INTR), deliverable(a) >= 0 || wants_pic(a));
}

/* A fixed interrupt arrives. */
void lapic_accept(struct local *a, uint8_t vector, bool level)
{
    if (!(a->svr & SVR_ENABLE))
        return;
    if (vector < 16) {
        lapic_error(a, ERROR_RECEIVE_VECTOR);
        return;
    }
    set_bit(a->irr, vector);
    if (level)
        set_bit(a->tmr, vector);
    else
        clear_bit(a->tmr, vector);
    lapic_update(a);
}

/* 11.5.3; the error interrupt comes with the first of new errors. */
void lapic_error(struct local *a, uint32_t bit)
{
    uint32_t lvt = a->lvt[LVT(LVT_ERROR)];

    if (a->esr_next & bit)
        return;
    a->esr_next |= bit;
    if (!(lvt & LVT_MASKED) && (uint8_t)lvt >= 16)
        lapic_accept(a, (uint8_t)lvt, false);
}

/* -- states -- */

/* 11.4.7.1, 11.4.7.3: what a reset and INIT do; the ID and the base stay. */
void lapic_initialise(struct local *a)
{
    a->tpr = 0;
    a->ldr = lapic_is_x2(a) ? a->ldr : 0;
    a->dfr = UINT32_MAX;
    a->svr = 0xff;
    a->esr = a->esr_next = 0;
    for (unsigned i = 0; i < 8; i++)
        a->isr[i] = a->tmr[i] = a->irr[i] = 0;
    a->icr = 0;
    for (unsigned i = 0; i < N_LVT; i++)
        a->lvt[i] = LVT_MASKED;
    if (a->number == 0)
        a->lvt[LVT(LVT_LINT0)] = EXTINT << DELIVERY_SHIFT;
    a->initial_count = a->divide = 0;
    a->started = a->deadline = 0;
    a->extint = false;
    timer_disarm(&a->timer);
    lapic_update(a);
}

static void send_init(struct local *a)
{
    lapic_initialise(a);
    pulse(a, OUT_INIT);
}

static void send_sipi(const struct local *a, uint8_t vector)
{
    struct wire w = *out(a, OUT_SIPI);

    w.line |= (unsigned)vector << 8;
    wire_set(&w, true);
    wire_set(&w, false);
}

static void take(struct local *a, const struct message *m)
{
    switch (m->delivery) {
    case FIXED:
    case LOWEST:
        lapic_accept(a, m->vector, m->level);
        break;
    case SMI:
        pulse(a, OUT_SMI);
        break;
    case NMI:
        pulse(a, OUT_NMI);
        break;
    case INIT:
        /* A deassertion synchronised arbitration IDs, once. */
        if (m->assert || !m->level)
            send_init(a);
        break;
    case SIPI:
        send_sipi(a, m->vector);
        break;
    case EXTINT:
        a->extint = true;
        lapic_update(a);
        break;
    case REMOTE_READ:
        break;
    }
}

/* -- destinations, 11.6.2, 11.12.10 -- */

struct destination {
    uint32_t id;
    bool logical, wide; /* wide: of 32 bits, from an x2APIC's ICR */
};

static bool is_physical(const struct local *a, const struct destination *d)
{
    if (d->id == (d->wide ? UINT32_MAX : 0xff))
        return true;
    return d->id == (lapic_is_x2(a) ? a->number : a->id);
}

static bool is_logical(const struct local *a, const struct destination *d)
{
    uint32_t ldr = a->ldr;

    if (lapic_is_x2(a)) {
        if (d->id == UINT32_MAX)
            return true;
        return ldr >> 16 == d->id >> 16 && (ldr & d->id & 0xffff);
    }
    if (d->wide && d->id != UINT32_MAX && d->id > 0xff)
        return false;
    ldr >>= 24;
    if (a->dfr >> 28 == 15)
        return (ldr & d->id) != 0;
    if ((d->id >> 4 & 15) != 15 && d->id >> 4 != ldr >> 4)
        return false;
    return (ldr & d->id & 15) != 0;
}

static bool is_meant(const struct local *a, const struct destination *d)
{
    if (!lapic_is_on(a))
        return false;
    return d->logical ? is_logical(a, d) : is_physical(a, d);
}

static void send_lowest(struct lapic *l, const struct destination *d,
                        const struct message *m)
{
    struct local *best = NULL;

    for (unsigned i = 0; i < l->n; i++) {
        struct local *a = &l->local[i];

        if (is_meant(a, d) && (a->svr & SVR_ENABLE) &&
            (!best || (lapic_ppr(a) & 0xf0) < (lapic_ppr(best) & 0xf0)))
            best = a;
    }
    if (best)
        take(best, m);
}

static void send(struct lapic *l, const struct destination *d,
                 const struct message *m)
{
    if (m->delivery == LOWEST) {
        send_lowest(l, d, m);
        return;
    }
    for (unsigned i = 0; i < l->n; i++) {
        if (is_meant(&l->local[i], d))
            take(&l->local[i], m);
    }
}

/* A message on the bus, 11.11. */
static void msi(struct lapic *l, uint64_t offset, uint32_t data)
{
    struct destination d = {
        .id = offset >> 12 & 0xff,
        .logical = (offset & 4) != 0,
    };
    struct message m = {
        .delivery = (enum delivery)(data >> DELIVERY_SHIFT & 7),
        .vector = (uint8_t)data,
        .level = (data & LEVEL) != 0,
        .assert = (data & ASSERT) != 0,
    };

    /* The end of a level is no message that matters: EOI asks anew. */
    if (m.level && !m.assert)
        return;
    send(l, &d, &m);
}

/* 11.6.1 */
void lapic_command(struct local *a)
{
    struct lapic *l = a->owner;
    uint32_t low = (uint32_t)a->icr;
    struct destination d = {
        .id = lapic_is_x2(a) ? (uint32_t)(a->icr >> 32)
                             : (uint32_t)(a->icr >> 56),
        .logical = (low & LOGICAL) != 0,
        .wide = lapic_is_x2(a),
    };
    struct message m = {
        .delivery = (enum delivery)(low >> DELIVERY_SHIFT & 7),
        .vector = (uint8_t)low,
        .level = (low & LEVEL) != 0,
        .assert = (low & ASSERT) != 0,
    };
    enum shorthand who = (enum shorthand)(low >> SHORTHAND_SHIFT & 3);

    /* IPIs are edges, but INIT's deassertion. */
    if (m.delivery != INIT)
        m.level = false;
    if (m.delivery <= LOWEST && m.vector < 16) {
        lapic_error(a, ERROR_SEND_VECTOR);
        return;
    }
    /* Table 11-3: to oneself, alone or with all others, only fixed ones are
     * valid. */
    if ((who == SELF || who == ALL) && m.delivery != FIXED)
        return;
    if (who == NONE)
        send(l, &d, &m);
    else if (who == SELF)
        take(a, &m);
    for (unsigned i = 0; i < l->n && who >= ALL; i++) {
        struct local *b = &l->local[i];

        if (lapic_is_on(b) && (b != a || who == ALL))
            take(b, &m);
    }
}

/* -- the timer, 11.5.4 -- */

static uint64_t now(const struct local *a)
{
    return clock_ns(a->owner->dev.env->clock);
}

/* 1 to 128, 11.5.4: bits 3, 1, 0. */
static unsigned divisor(const struct local *a)
{
    unsigned n = (a->divide & 3) | (a->divide >> 1 & 4);

    return 1u << ((n + 1) & 7);
}

/* Of `count` steps of the timer, in ns, at least 1. */
static uint64_t count_ns(const struct local *a, uint32_t count)
{
    uint64_t ns = clock_ticks_to_ns((uint64_t)count * divisor(a), a->owner->hz);

    return ns ? ns : 1;
}

static uint64_t period_ns(const struct local *a)
{
    uint64_t ns = count_ns(a, a->initial_count);

    return ns < MIN_PERIOD_NS ? MIN_PERIOD_NS : ns;
}

/* What is left of the count at `at`. */
static uint32_t left_at(const struct local *a, uint64_t at)
{
    uint64_t elapsed = at - a->started, ns, ticks;

    if (!a->initial_count || lapic_timer_mode(a) == TSC_DEADLINE)
        return 0;
    ns = count_ns(a, a->initial_count);
    if (lapic_timer_mode(a) == PERIODIC)
        elapsed %= period_ns(a);
    if (elapsed >= ns)
        return 0;
    ticks = muldiv_floor(elapsed, a->owner->hz, 1000000000) / divisor(a);
    return ticks < a->initial_count ? a->initial_count - (uint32_t)ticks : 0;
}

uint32_t lapic_timer_count(const struct local *a)
{
    return left_at(a, now(a));
}

/* Arm for the next interrupt after ns.  Who starts the count gives the time at
 * which it did: the host may take the thread away for longer than the count. */
static void arm(struct local *a, uint64_t ns)
{
    uint64_t at = CLOCK_NEVER, period;

    if (lapic_timer_mode(a) == TSC_DEADLINE) {
        if (a->deadline)
            at = clock_ticks_to_ns(a->deadline, a->owner->timebase_hz);
    } else if (a->initial_count && lapic_timer_mode(a) == PERIODIC) {
        period = period_ns(a);
        at = a->started + period;
        if (at <= ns) {
            a->started += (ns - a->started) / period * period;
            at = a->started + period;
        }
    } else if (a->initial_count) {
        at = a->started + count_ns(a, a->initial_count);
        if (at <= ns && !timer_armed(&a->timer))
            return; /* it has been 0 for a while */
    }
    timer_arm(&a->timer, at);
}

static void fire(void *owner)
{
    struct local *a = owner;
    uint32_t lvt = a->lvt[LVT(LVT_TIMER)];

    a->deadline = 0;
    if (lapic_timer_mode(a) == PERIODIC)
        arm(a, now(a));
    if (!(lvt & LVT_MASKED) && lapic_is_on(a))
        lapic_accept(a, (uint8_t)lvt, false);
}

/* Before a register changes: what was due by ns has come, though the host has
 * not noticed yet. */
static void catch_up(struct local *a, uint64_t ns)
{
    if (a->timer.deadline <= ns) {
        timer_disarm(&a->timer);
        fire(a);
    }
}

void lapic_timer_start(struct local *a, uint32_t count)
{
    uint64_t ns = now(a);

    if (lapic_timer_mode(a) == TSC_DEADLINE)
        return;
    catch_up(a, ns);
    a->initial_count = count;
    a->started = ns;
    arm(a, ns);
}

void lapic_timer_deadline(struct local *a, uint64_t tsc)
{
    uint64_t ns = now(a);

    if (lapic_timer_mode(a) != TSC_DEADLINE)
        return;
    catch_up(a, ns);
    a->deadline = tsc;
    arm(a, ns);
}

void lapic_timer_divide(struct local *a, uint32_t value)
{
    uint64_t ns = now(a);
    uint32_t left;

    catch_up(a, ns);
    left = left_at(a, ns);
    a->divide = value & 0x0b;
    /* What is left goes on at the new speed; if nothing is, it ends now. */
    if (a->initial_count)
        a->started = ns - count_ns(a, a->initial_count - left);
    arm(a, ns);
}

void lapic_timer_lvt(struct local *a, uint32_t value)
{
    enum timer_mode old = lapic_timer_mode(a);
    uint64_t ns = now(a);

    catch_up(a, ns);
    a->lvt[LVT(LVT_TIMER)] = value & 0x700ff;
    if (lapic_timer_mode(a) == old)
        return;
    /* 11.5.4.1: the two kinds disarm each other. */
    if (old == TSC_DEADLINE || lapic_timer_mode(a) == TSC_DEADLINE) {
        a->initial_count = 0;
        a->deadline = 0;
    }
    arm(a, ns);
}

/* -- local inputs -- */

void lapic_drive_lint(struct local *a, unsigned n, bool rises)
{
    uint32_t *lvt = &a->lvt[LVT(LVT_LINT0) + n];

    if (!lapic_is_on(a)) {
        if (n == 1)
            wire_set(out(a, OUT_NMI), a->line[1]);
    } else if (rises && lint_is(a, n, NMI)) {
        pulse(a, OUT_NMI);
    } else if (rises && lint_is(a, n, SMI)) {
        pulse(a, OUT_SMI);
    } else if (rises && lint_is(a, n, INIT)) {
        send_init(a);
    } else if (lint_is(a, n, FIXED) && (*lvt & LEVEL)) {
        if (a->line[n] && !(*lvt & LVT_REMOTE_IRR) && (uint8_t)*lvt >= 16) {
            *lvt |= LVT_REMOTE_IRR;
            lapic_accept(a, (uint8_t)*lvt, true);
        }
    } else if (rises && lint_is(a, n, FIXED)) {
        lapic_accept(a, (uint8_t)*lvt, false);
    }
    lapic_update(a);
}

static void lapic_input(struct device *dev, unsigned line, bool level)
{
    struct lapic *l = (struct lapic *)dev;
    struct local *a = &l->local[line / 2];
    bool rises = level && !a->line[line % 2];

    a->line[line % 2] = level;
    if (line / 2 < l->n)
        lapic_drive_lint(a, line % 2, rises);
}

static void end_local(struct local *a, uint8_t vector)
{
    for (unsigned n = 0; n < 2; n++) {
        uint32_t *lvt = &a->lvt[LVT(LVT_LINT0) + n];

        if (!(*lvt & LVT_REMOTE_IRR) || (uint8_t)*lvt != vector)
            continue;
        *lvt &= ~(uint32_t)LVT_REMOTE_IRR;
        lapic_drive_lint(a, n, false);
    }
}

/* 11.8.5 */
void lapic_end(struct local *a)
{
    struct lapic *l = a->owner;
    int v = highest(a->isr);
    bool level;

    if (v < 0)
        return;
    level = has_bit(a->tmr, (uint8_t)v);
    clear_bit(a->isr, (uint8_t)v);
    lapic_update(a);
    if (!level)
        return;
    end_local(a, (uint8_t)v);
    for (unsigned i = 0; i < l->n_ioapics; i++)
        ioapic_eoi(l->ioapic[i], (uint8_t)v);
}

int lapic_acknowledge(void *lapic, unsigned cpu)
{
    struct lapic *l = lapic;
    struct local *a = lapic_local(lapic, cpu);
    int v = deliverable(a);

    if (v >= 0) {
        clear_bit(a->irr, (uint8_t)v);
        set_bit(a->isr, (uint8_t)v);
        for (unsigned i = 0; i < l->n_ioapics; i++)
            ioapic_taken(l->ioapic[i], (uint8_t)v);
    } else if (wants_pic(a)) {
        a->extint = false;
        v = l->pic ? l->pic(l->pic_owner) : -1;
    }
    lapic_update(a);
    return v;
}

/* -- the device -- */

unsigned lapic_cpus(struct device *lapic)
{
    return ((struct lapic *)lapic)->n;
}

void lapic_set_pic(struct device *lapic, uint8_t (*acknowledge)(void *owner),
                   void *owner)
{
    struct lapic *l = (struct lapic *)lapic;

    l->pic = acknowledge;
    l->pic_owner = owner;
}

bool lapic_add_ioapic(struct device *lapic, struct device *ioapic)
{
    struct lapic *l = (struct lapic *)lapic;

    if (l->n_ioapics == MAX_IOAPICS)
        return false;
    l->ioapic[l->n_ioapics++] = ioapic;
    return true;
}

static uint64_t window_read(struct device *dev, unsigned window,
                            uint64_t offset, unsigned size)
{
    (void)dev;
    (void)window;
    (void)offset;
    (void)size;
    return UINT64_MAX; /* nobody answers */
}

static void window_write(struct device *dev, unsigned window, uint64_t offset,
                         uint64_t value, unsigned size)
{
    (void)window;
    (void)size;
    msi((struct lapic *)dev, offset, (uint32_t)value);
}

static bool lapic_create(struct device *dev, struct error *e)
{
    struct lapic *l = (struct lapic *)dev;

    l->n = dev->n_out / N_OUT;
    if (l->n > LAPIC_MAX_CPUS)
        return error_set(e,
                         "%u interrupts: wanted %d for each processor, and at "
                         "most %d processors",
                         dev->n_out, N_OUT, LAPIC_MAX_CPUS);
    if (!l->hz || !l->timebase_hz)
        return error_set(e, "a frequency of 0");
    for (unsigned i = 0; i < LAPIC_MAX_CPUS; i++) {
        l->local[i].owner = l;
        l->local[i].number = i;
        timer_init(&l->local[i].timer, dev->env->clock, fire, &l->local[i]);
    }
    return true;
}

static void lapic_reset(struct device *dev)
{
    struct lapic *l = (struct lapic *)dev;

    for (unsigned i = 0; i < l->n; i++) {
        struct local *a = &l->local[i];

        a->base = BASE_DEFAULT | BASE_ENABLE | (i == 0 ? BASE_BSP : 0);
        a->id = (uint8_t)i;
        a->ldr = 0;
        lapic_initialise(a);
    }
}

static void lapic_loaded(struct device *dev)
{
    struct lapic *l = (struct lapic *)dev;

    for (unsigned i = 0; i < LAPIC_MAX_CPUS; i++) {
        struct local *a = &l->local[i];

        if (i >= l->n) {
            timer_disarm(&a->timer);
            continue;
        }
        if (a->started > now(a))
            a->started = now(a);
        lapic_update(a);
    }
}

static bool lapic_specifier(struct device *dev, const uint32_t *cells,
                            unsigned n, unsigned *line)
{
    *line = cells[0];
    return n == 1 && cells[0] < 2 * ((struct lapic *)dev)->n;
}

static const struct field local_fields[] = {
    FIELD(struct local, base, 0),
    FIELD(struct local, id, 0),
    FIELD(struct local, tpr, 0),
    FIELD(struct local, ldr, 0),
    FIELD(struct local, dfr, 0),
    FIELD(struct local, svr, 0),
    FIELD(struct local, esr, 0),
    FIELD(struct local, esr_next, 0),
    FIELD_ARRAY(struct local, isr, 0),
    FIELD_ARRAY(struct local, tmr, 0),
    FIELD_ARRAY(struct local, irr, 0),
    FIELD(struct local, icr, 0),
    FIELD_ARRAY(struct local, lvt, 0),
    FIELD(struct local, initial_count, 0),
    FIELD(struct local, divide, 0),
    FIELD(struct local, started, 0),
    FIELD(struct local, deadline, 0),
    FIELD_TIMER(struct local, timer),
    FIELD_ARRAY(struct local, line, false),
    FIELD(struct local, extint, false),
    FIELD_HOST(struct local, owner),
    FIELD_HOST(struct local, number),
    FIELD_LIST_END,
};

static const struct field lapic_fields[] = {
    DEVICE_FIELDS(struct lapic),
    FIELD_HOST(struct lapic, hz),
    FIELD_HOST(struct lapic, timebase_hz),
    FIELD_SUBS(struct lapic, local, local_fields),
    FIELD_HOST(struct lapic, n),
    FIELD_HOST(struct lapic, pic),
    FIELD_HOST(struct lapic, pic_owner),
    FIELD_HOST(struct lapic, ioapic),
    FIELD_HOST(struct lapic, n_ioapics),
    FIELD_LIST_END,
};

static const struct property lapic_properties[] = {
    {"clock-frequency", PROP_U32, offsetof(struct lapic, hz), "1000000000",
     "of the timers, before they divide it", false},
    {"timebase-frequency", PROP_U32, offsetof(struct lapic, timebase_hz),
     "1000000000", "of the time-stamp counters", false},
    {NULL, PROP_U32, 0, NULL, NULL, false},
};

static const struct window lapic_windows[] = {
    {.name = "messages", .size = 0x100000, .accept = 4, .impl = 4, .msi = true},
};

const struct device_class lapic_class = {
    .name = "lapic",
    .summary = "the local APICs of x86 processors",
    .compatible = (const char *const[]){"intel,lapic", NULL},
    .size = sizeof(struct lapic),
    .properties = lapic_properties,
    .fields = lapic_fields,
    .windows = lapic_windows,
    .n_windows = 1,
    .n_outputs = N_OUT,
    .n_inputs = 2 * LAPIC_MAX_CPUS,
    .create = lapic_create,
    .reset = lapic_reset,
    .loaded = lapic_loaded,
    .read = window_read,
    .write = window_write,
    .input = lapic_input,
    .specifier = lapic_specifier,
};
