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
#include "devices/lapic.h"

#include "devices/ioapic.h"

#define MAX_IOAPICS 4
#define MIN_PERIOD_NS 10000
#define PHYSICAL_BITS 52

enum { OUT_INTR, OUT_NMI, OUT_INIT, OUT_SMI, OUT_SIPI, N_OUT };

/* Registers by number: MMIO offset / 16, MSR - 800h. */
enum {
    APIC_ID = 0x02,
    VERSION = 0x03,
    TPR = 0x08,
    APR = 0x09,
    PPR = 0x0a,
    EOI = 0x0b,
    RRD = 0x0c,
    LDR = 0x0d,
    DFR = 0x0e,
    SVR = 0x0f,
    ISR = 0x10,
    TMR = 0x18,
    IRR = 0x20,
    ESR = 0x28,
    ICR = 0x30,
    ICR_HIGH = 0x31,
    LVT_TIMER = 0x32,
    LVT_THERMAL = 0x33,
    LVT_PERFORMANCE = 0x34,
    LVT_LINT0 = 0x35,
    LVT_LINT1 = 0x36,
    LVT_ERROR = 0x37,
    INITIAL_COUNT = 0x38,
    CURRENT_COUNT = 0x39,
    DIVIDE = 0x3e,
    SELF_IPI = 0x3f,
};
#define N_LVT (LVT_ERROR - LVT_TIMER + 1)
#define LVT(n) ((n)-LVT_TIMER)

#define MSR_BASE 0x1b
#define MSR_DEADLINE 0x6e0
#define MSR_X2APIC 0x800

enum {
    BASE_BSP = 1 << 8,
    BASE_X2APIC = 1 << 10,
    BASE_ENABLE = 1 << 11,
    BASE_DEFAULT = 0xfee00000,
};

enum {
    VERSION_VALUE = (N_LVT - 1) << 16 | 0x14,

    SVR_ENABLE = 1 << 8,
    SVR_BITS = 0x1ff,

    /* LVT and ICR. */
    DELIVERY_SHIFT = 8,
    LOGICAL = 1 << 11,
    ASSERT = 1 << 14,
    LVT_REMOTE_IRR = 1 << 14,
    LEVEL = 1 << 15,
    LVT_MASKED = 1 << 16,
    TIMER_MODE_SHIFT = 17,
    SHORTHAND_SHIFT = 18,

    ICR_BITS = 0xccfff,

    ERROR_SEND_VECTOR = 1 << 5,
    ERROR_RECEIVE_VECTOR = 1 << 6,
    ERROR_REGISTER = 1 << 7,
};

enum delivery { FIXED, LOWEST, SMI, REMOTE_READ, NMI, INIT, SIPI, EXTINT };
enum timer_mode { ONE_SHOT, PERIODIC, TSC_DEADLINE };
enum shorthand { NONE, SELF, ALL, OTHERS };

struct local {
    uint64_t base; /* IA32_APIC_BASE */
    uint8_t id, tpr;
    uint32_t ldr, dfr, svr, esr, esr_next;
    uint32_t isr[8], tmr[8], irr[8];
    uint64_t icr;
    uint32_t lvt[N_LVT];
    uint32_t initial_count, divide;
    uint64_t started;  /* ns at which the count was the initial one */
    uint64_t deadline; /* IA32_TSC_DEADLINE; 0: none */
    struct timer timer;
    bool line[2]; /* LINT0, LINT1 */
    bool extint;  /* a message of that kind has come */
    struct lapic *owner;
    unsigned number;
};

struct lapic {
    struct device dev;
    uint32_t hz, timebase_hz;
    struct local local[LAPIC_MAX_CPUS];
    unsigned n;
    uint8_t (*pic)(void *owner);
    void *pic_owner;
    struct device *ioapic[MAX_IOAPICS];
    unsigned n_ioapics;
};

/* A message: what to whom. */
struct message {
    enum delivery delivery;
    uint8_t vector;
    bool level; /* trigger mode */
    bool assert;
};

static struct local *local_of(void *lapic, unsigned cpu)
{
    return &((struct lapic *)lapic)->local[cpu];
}

static bool is_on(const struct local *a)
{
    return (a->base & BASE_ENABLE) != 0;
}

static bool is_x2(const struct local *a)
{
    return (a->base & BASE_X2APIC) != 0;
}

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
static uint8_t ppr(const struct local *a)
{
    int serving = highest(a->isr);
    uint8_t class = serving < 0 ? 0 : (uint8_t)serving & 0xf0;

    return (a->tpr & 0xf0) >= class ? a->tpr : class;
}

/* The vector that may interrupt now, or -1. */
static int deliverable(const struct local *a)
{
    int v = highest(a->irr);

    return is_on(a) && (a->svr & SVR_ENABLE) && v >= 0 &&
                   (v & 0xf0) > (ppr(a) & 0xf0)
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
    if (!is_on(a))
        return a->line[0];
    return a->extint || (a->line[0] && lint_is(a, 0, EXTINT)) ||
           (a->line[1] && lint_is(a, 1, EXTINT));
}

static void update(struct local *a)
{
    wire_set(out(a, OUT_INTR), deliverable(a) >= 0 || wants_pic(a));
}

static void set_error(struct local *a, uint32_t bit);

/* A fixed interrupt arrives. */
static void accept(struct local *a, uint8_t vector, bool level)
{
    if (!(a->svr & SVR_ENABLE))
        return;
    if (vector < 16) {
        set_error(a, ERROR_RECEIVE_VECTOR);
        return;
    }
    set_bit(a->irr, vector);
    if (level)
        set_bit(a->tmr, vector);
    else
        clear_bit(a->tmr, vector);
    update(a);
}

/* 11.5.3; the error interrupt comes with the first of new errors. */
static void set_error(struct local *a, uint32_t bit)
{
    uint32_t lvt = a->lvt[LVT(LVT_ERROR)];

    if (a->esr_next & bit)
        return;
    a->esr_next |= bit;
    if (!(lvt & LVT_MASKED) && (uint8_t)lvt >= 16)
        accept(a, (uint8_t)lvt, false);
}

/* -- states -- */

/* 11.4.7.1, 11.4.7.3: what a reset and INIT do; the ID and the base stay. */
static void initialise(struct local *a)
{
    a->tpr = 0;
    a->ldr = is_x2(a) ? a->ldr : 0;
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
    update(a);
}

static void send_init(struct local *a)
{
    initialise(a);
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
        accept(a, m->vector, m->level);
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
        update(a);
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
    return d->id == (is_x2(a) ? a->number : a->id);
}

static bool is_logical(const struct local *a, const struct destination *d)
{
    uint32_t ldr = a->ldr;

    if (is_x2(a)) {
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
    if (!is_on(a))
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
            (!best || (ppr(a) & 0xf0) < (ppr(best) & 0xf0)))
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
static void command(struct local *a)
{
    struct lapic *l = a->owner;
    uint32_t low = (uint32_t)a->icr;
    struct destination d = {
        .id = is_x2(a) ? (uint32_t)(a->icr >> 32) : (uint32_t)(a->icr >> 56),
        .logical = (low & LOGICAL) != 0,
        .wide = is_x2(a),
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
        set_error(a, ERROR_SEND_VECTOR);
        return;
    }
    if (who == NONE)
        send(l, &d, &m);
    else if (who == SELF)
        take(a, &m);
    for (unsigned i = 0; i < l->n && who >= ALL; i++) {
        struct local *b = &l->local[i];

        if (is_on(b) && (b != a || who == ALL))
            take(b, &m);
    }
}

/* -- the timer, 11.5.4 -- */

static enum timer_mode timer_mode(const struct local *a)
{
    return (enum timer_mode)(a->lvt[LVT(LVT_TIMER)] >> TIMER_MODE_SHIFT & 3);
}

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

static uint32_t current_count(const struct local *a)
{
    uint64_t elapsed = now(a) - a->started, ns;
    unsigned __int128 ticks;

    if (!a->initial_count || timer_mode(a) == TSC_DEADLINE)
        return 0;
    ns = count_ns(a, a->initial_count);
    if (timer_mode(a) == PERIODIC)
        elapsed %= period_ns(a);
    if (elapsed >= ns)
        return 0;
    ticks = (unsigned __int128)elapsed * a->owner->hz / 1000000000;
    ticks /= divisor(a);
    return ticks < a->initial_count ? a->initial_count - (uint32_t)ticks : 0;
}

/* Arm for the next interrupt. */
static void arm(struct local *a)
{
    uint64_t at = CLOCK_NEVER, ns = now(a), period;

    if (timer_mode(a) == TSC_DEADLINE) {
        if (a->deadline)
            at = clock_ticks_to_ns(a->deadline, a->owner->timebase_hz);
    } else if (a->initial_count && timer_mode(a) == PERIODIC) {
        period = period_ns(a);
        at = a->started + period;
        if (at <= ns) {
            a->started += (ns - a->started) / period * period;
            at = a->started + period;
        }
    } else if (a->initial_count) {
        at = a->started + count_ns(a, a->initial_count);
        if (at <= ns)
            at = CLOCK_NEVER; /* it has been 0 for a while */
    }
    timer_arm(&a->timer, at);
}

static void fire(void *owner)
{
    struct local *a = owner;
    uint32_t lvt = a->lvt[LVT(LVT_TIMER)];

    a->deadline = 0;
    if (timer_mode(a) == PERIODIC)
        arm(a);
    if (!(lvt & LVT_MASKED) && is_on(a))
        accept(a, (uint8_t)lvt, false);
}

static void start(struct local *a, uint32_t count)
{
    if (timer_mode(a) == TSC_DEADLINE)
        return;
    a->initial_count = count;
    a->started = now(a);
    arm(a);
}

static void write_divide(struct local *a, uint32_t value)
{
    uint32_t left = current_count(a);

    a->divide = value & 0x0b;
    /* What is left goes on at the new speed. */
    if (a->initial_count && left)
        a->started = now(a) - count_ns(a, a->initial_count - left);
    arm(a);
}

static void write_timer_lvt(struct local *a, uint32_t value)
{
    enum timer_mode old = timer_mode(a);

    a->lvt[LVT(LVT_TIMER)] = value & 0x700ff;
    if (timer_mode(a) == old)
        return;
    /* 11.5.4.1: the two kinds disarm each other. */
    if (old == TSC_DEADLINE || timer_mode(a) == TSC_DEADLINE) {
        a->initial_count = 0;
        a->deadline = 0;
    }
    arm(a);
}

/* -- local inputs -- */

static void drive_lint(struct local *a, unsigned n, bool rises)
{
    uint32_t *lvt = &a->lvt[LVT(LVT_LINT0) + n];

    if (!is_on(a)) {
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
            accept(a, (uint8_t)*lvt, true);
        }
    } else if (rises && lint_is(a, n, FIXED)) {
        accept(a, (uint8_t)*lvt, false);
    }
    update(a);
}

static void lapic_input(struct device *dev, unsigned line, bool level)
{
    struct lapic *l = (struct lapic *)dev;
    struct local *a = &l->local[line / 2];
    bool rises = level && !a->line[line % 2];

    a->line[line % 2] = level;
    if (line / 2 < l->n)
        drive_lint(a, line % 2, rises);
}

static void end_local(struct local *a, uint8_t vector)
{
    for (unsigned n = 0; n < 2; n++) {
        uint32_t *lvt = &a->lvt[LVT(LVT_LINT0) + n];

        if (!(*lvt & LVT_REMOTE_IRR) || (uint8_t)*lvt != vector)
            continue;
        *lvt &= ~(uint32_t)LVT_REMOTE_IRR;
        drive_lint(a, n, false);
    }
}

/* 11.8.5 */
static void end_of_interrupt(struct local *a)
{
    struct lapic *l = a->owner;
    int v = highest(a->isr);
    bool level;

    if (v < 0)
        return;
    level = has_bit(a->tmr, (uint8_t)v);
    clear_bit(a->isr, (uint8_t)v);
    update(a);
    if (!level)
        return;
    end_local(a, (uint8_t)v);
    for (unsigned i = 0; i < l->n_ioapics; i++)
        ioapic_eoi(l->ioapic[i], (uint8_t)v);
}

int lapic_acknowledge(void *lapic, unsigned cpu)
{
    struct lapic *l = lapic;
    struct local *a = local_of(lapic, cpu);
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
    update(a);
    return v;
}

/* -- registers -- */

static uint32_t read_register(struct local *a, unsigned n)
{
    switch (n) {
    case APIC_ID:
        return is_x2(a) ? a->number : (uint32_t)a->id << 24;
    case VERSION:
        return VERSION_VALUE;
    case TPR:
        return a->tpr;
    case PPR:
        return ppr(a);
    case LDR:
        return a->ldr;
    case DFR:
        return a->dfr;
    case SVR:
        return a->svr;
    case ESR:
        return a->esr;
    case ICR:
        return (uint32_t)a->icr;
    case ICR_HIGH:
        return (uint32_t)(a->icr >> 32);
    case INITIAL_COUNT:
        return timer_mode(a) == TSC_DEADLINE ? 0 : a->initial_count;
    case CURRENT_COUNT:
        return current_count(a);
    case DIVIDE:
        return a->divide;
    case APR:
    case RRD:
        return 0;
    default:
        break;
    }
    if (n >= LVT_TIMER && n <= LVT_ERROR)
        return a->lvt[LVT(n)];
    if (n >= ISR && n < IRR + 8)
        return n < TMR   ? a->isr[n - ISR]
               : n < IRR ? a->tmr[n - TMR]
                         : a->irr[n - IRR];
    set_error(a, ERROR_REGISTER);
    return 0;
}

static void write_svr(struct local *a, uint32_t value)
{
    a->svr = value & SVR_BITS;
    /* 11.4.7.2 */
    for (unsigned i = 0; i < N_LVT && !(value & SVR_ENABLE); i++)
        a->lvt[i] |= LVT_MASKED;
    update(a);
}

static void write_lvt(struct local *a, unsigned n, uint32_t value)
{
    static const uint32_t bits[N_LVT] = {0x700ff, 0x107ff, 0x107ff,
                                         0x1a7ff, 0x1a7ff, 0x100ff};
    uint32_t *lvt = &a->lvt[LVT(n)];
    uint32_t state = *lvt & LVT_REMOTE_IRR;

    if (!(a->svr & SVR_ENABLE))
        value |= LVT_MASKED;
    if (n == LVT_TIMER) {
        write_timer_lvt(a, value);
        return;
    }
    *lvt = value & bits[LVT(n)];
    if (*lvt & LEVEL)
        *lvt |= state;
    if (n == LVT_LINT0 || n == LVT_LINT1)
        drive_lint(a, n - LVT_LINT0, false);
}

static void write_register(struct local *a, unsigned n, uint32_t value)
{
    switch (n) {
    case APIC_ID:
        a->id = (uint8_t)(value >> 24);
        break;
    case TPR:
        a->tpr = (uint8_t)value;
        update(a);
        break;
    case EOI:
        end_of_interrupt(a);
        break;
    case LDR:
        a->ldr = value & 0xff000000;
        break;
    case DFR:
        a->dfr = value | 0x0fffffff;
        break;
    case SVR:
        write_svr(a, value);
        break;
    case ESR:
        a->esr = a->esr_next;
        a->esr_next = 0;
        break;
    case ICR:
        a->icr = (a->icr & ~(uint64_t)UINT32_MAX) | (value & ICR_BITS);
        command(a);
        break;
    case ICR_HIGH:
        a->icr = (uint32_t)a->icr | (uint64_t)(value & 0xff000000) << 32;
        break;
    case INITIAL_COUNT:
        start(a, value);
        break;
    case DIVIDE:
        write_divide(a, value);
        break;
    default:
        if (n >= LVT_TIMER && n <= LVT_ERROR)
            write_lvt(a, n, value);
        else
            set_error(a, ERROR_REGISTER);
    }
}

/* Registers are words at every 16th byte; parts of them may be read. */
uint64_t lapic_read(void *lapic, unsigned cpu, uint64_t offset, unsigned size)
{
    unsigned at = offset & 15;

    (void)size;
    if (at >= 4)
        return 0;
    return read_register(local_of(lapic, cpu), (unsigned)(offset >> 4)) >>
           8 * at;
}

void lapic_write(void *lapic, unsigned cpu, uint64_t offset, uint64_t value,
                 unsigned size)
{
    if (offset % 16 == 0 && size >= 4)
        write_register(local_of(lapic, cpu), (unsigned)(offset >> 4),
                       (uint32_t)value);
}

/* -- MSRs, 11.12.1 -- */

static bool can_read(unsigned n)
{
    return n == APIC_ID || n == VERSION || n == TPR || n == PPR || n == LDR ||
           n == SVR || (n >= ISR && n <= ESR) || n == ICR ||
           (n >= LVT_TIMER && n <= CURRENT_COUNT) || n == DIVIDE;
}

/* Bits that a write may set; 0: it may not be written at all, or 0 only. */
static uint64_t writable_bits(unsigned n)
{
    switch (n) {
    case TPR:
    case SELF_IPI:
        return 0xff;
    case SVR:
        return SVR_BITS;
    case ICR:
        return 0xffffffff000ccfff;
    case LVT_TIMER:
        return 0x710ff;
    case LVT_THERMAL:
    case LVT_PERFORMANCE:
        return 0x117ff;
    case LVT_LINT0:
    case LVT_LINT1:
        return 0x1f7ff;
    case LVT_ERROR:
        return 0x110ff;
    case INITIAL_COUNT:
        return UINT32_MAX;
    case DIVIDE:
        return 0x0b;
    default: /* EOI, ESR: 0 */
        return 0;
    }
}

static bool write_x2(struct local *a, unsigned n, uint64_t value)
{
    uint64_t bits = writable_bits(n);

    if ((!bits && n != EOI && n != ESR) || (value & ~bits))
        return false;
    if (n == ICR) {
        a->icr = value;
        command(a);
    } else if (n == SELF_IPI) {
        if (value < 16)
            set_error(a, ERROR_SEND_VECTOR);
        else
            accept(a, (uint8_t)value, false);
    } else {
        write_register(a, n, (uint32_t)value);
    }
    return true;
}

/* 11.12.5: which changes of state there are. */
static bool write_base(struct local *a, uint64_t value)
{
    uint64_t mode = value & (BASE_ENABLE | BASE_X2APIC);
    uint64_t old = a->base & (BASE_ENABLE | BASE_X2APIC);
    bool both = mode == (BASE_ENABLE | BASE_X2APIC);

    if ((value & (0xff | 1 << 9)) || value >> PHYSICAL_BITS ||
        mode == BASE_X2APIC || (both && old == 0) ||
        (old == (BASE_ENABLE | BASE_X2APIC) && mode == BASE_ENABLE))
        return false;
    a->base = (value & ~(uint64_t)BASE_BSP) | (a->base & BASE_BSP);
    if (both && old != mode)
        a->ldr = (a->number >> 4) << 16 | UINT32_C(1) << (a->number & 15);
    if (!mode && old) {
        a->ldr = 0;
        initialise(a);
    }
    update(a);
    return true;
}

bool lapic_read_msr(void *lapic, unsigned cpu, uint32_t msr, uint64_t *value)
{
    struct local *a = local_of(lapic, cpu);
    unsigned n = msr - MSR_X2APIC;

    if (msr == MSR_BASE) {
        *value = a->base;
        return true;
    }
    if (msr == MSR_DEADLINE) {
        *value = timer_mode(a) == TSC_DEADLINE ? a->deadline : 0;
        return true;
    }
    if (!is_x2(a) || msr < MSR_X2APIC || n > SELF_IPI || !can_read(n))
        return false;
    *value = n == ICR ? a->icr : read_register(a, n);
    return true;
}

bool lapic_write_msr(void *lapic, unsigned cpu, uint32_t msr, uint64_t value)
{
    struct local *a = local_of(lapic, cpu);
    unsigned n = msr - MSR_X2APIC;

    if (msr == MSR_BASE)
        return write_base(a, value);
    if (msr == MSR_DEADLINE) {
        if (timer_mode(a) == TSC_DEADLINE) {
            a->deadline = value;
            arm(a);
        }
        return true;
    }
    return is_x2(a) && msr >= MSR_X2APIC && n <= SELF_IPI &&
           write_x2(a, n, value);
}

uint8_t lapic_get_cr8(void *lapic, unsigned cpu)
{
    return local_of(lapic, cpu)->tpr >> 4;
}

void lapic_set_cr8(void *lapic, unsigned cpu, uint8_t value)
{
    struct local *a = local_of(lapic, cpu);

    a->tpr = (uint8_t)(value << 4);
    update(a);
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
    return 0;
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
        initialise(a);
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
        update(a);
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
