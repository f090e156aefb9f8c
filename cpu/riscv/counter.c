/*
 * Counters: mcycle, minstret, mhpmcounter3 to 31 with their events.
 *
 * priv 3.1.10 to 3.1.12; Sscofpmf, the count overflow and mode-based filtering
 * extension.  A cycle is an instruction.  Every mhpmcounter can count either,
 * by the numbers that SBI has for these events; other events are not taken
 * over.
 *
 * Nothing is counted while the guest runs: a counter that is on holds its
 * value less the instruction count, and is brought up to date when something
 * switches it.  When the first of them will overflow is known beforehand
 * (cpu.notice_at), so the interrupt comes at the very instruction.
 * Missing: Smcntrpmf, counter delegation.
 */
#include "cpu/core/engine.h"
#include "cpu/riscv/riscv.h"
#include "riscv64_rows.h"

/* mhpmevent, Sscofpmf 2.1. */
#define EVENT_OF ((uint64_t)1 << 63)
#define EVENT_MINH ((uint64_t)1 << 62)
#define EVENT_SINH ((uint64_t)1 << 61)
#define EVENT_UINH ((uint64_t)1 << 60)
#define EVENT_FILTER (EVENT_MINH | EVENT_SINH | EVENT_UINH)
#define EVENT_NUMBER (((uint64_t)1 << 58) - 1)

/* Event numbers, SBI 11.2: hardware general events. */
enum { EVENT_NONE = 0, EVENT_CYCLES = 1, EVENT_INSTRUCTIONS = 2 };

static bool has(const struct riscv_cpu *g, uint64_t ext)
{
    return (g->features & ext) != 0;
}

/* The counters that there are beside cycle and instret. */
static uint32_t programmable(const struct riscv_cpu *g)
{
    return has(g, RISCV_EXT_ZIHPM) ? ~(uint32_t)7 : 0;
}

static bool event_counts(const struct riscv_cpu *g, unsigned n)
{
    static const uint64_t filter[] = {
        [PRIV_U] = EVENT_UINH, [PRIV_S] = EVENT_SINH, [PRIV_M] = EVENT_MINH};
    uint64_t event = g->mhpmevent[n];

    return (event & EVENT_NUMBER) != EVENT_NONE && !(event & filter[g->priv]);
}

static uint32_t should_count(const struct riscv_cpu *g)
{
    uint32_t on = 1u << COUNTER_CYCLE | 1u << COUNTER_INSTRET;

    for (unsigned n = COUNTER_FIRST; n < RISCV_COUNTERS; n++)
        if (event_counts(g, n))
            on |= 1u << n;
    return on & ~(uint32_t)g->mcountinhibit;
}

/* The instruction count at which counter n, which is on, comes to 0. */
static uint64_t wraps_at(const struct riscv_cpu *g, unsigned n)
{
    return 0 - g->counter[n];
}

/* Counters that are on and would ask for an interrupt. */
static uint32_t watched(const struct riscv_cpu *g)
{
    uint32_t on = 0;

    if (!has(g, RISCV_EXT_SSCOFPMF))
        return 0;
    for (unsigned n = COUNTER_FIRST; n < RISCV_COUNTERS; n++)
        if ((g->counting >> n & 1) && !(g->mhpmevent[n] & EVENT_OF))
            on |= 1u << n;
    return on;
}

/* Find out which overflows next, after `now`. */
static void watch(struct riscv_cpu *g, uint64_t now)
{
    uint32_t on = watched(g);
    uint64_t next = UINT64_MAX;

    for (unsigned n = COUNTER_FIRST; n < RISCV_COUNTERS; n++) {
        uint64_t at = wraps_at(g, n);

        if ((on >> n & 1) && at > now && at < next)
            next = at;
    }
    if (next < g->core.notice_at)
        g->core.leave = true;
    g->core.notice_at = next;
}

void riscv_counters_overflow(struct riscv_cpu *g, uint64_t now)
{
    uint32_t on;

    if (now < g->core.notice_at)
        return;
    on = watched(g);
    for (unsigned n = COUNTER_FIRST; n < RISCV_COUNTERS; n++) {
        uint64_t at = wraps_at(g, n);

        if ((on >> n & 1) && at >= g->core.notice_at && at <= now) {
            g->mhpmevent[n] |= EVENT_OF;
            g->mip_soft |= MIP_BIT(IRQ_LCOFI);
        }
    }
    watch(g, now);
}

/* Counters, events or what stops them are not what they were, but all that
 * overflowed until `now` is noted: count the right ones from there on. */
static void recount(struct riscv_cpu *g, uint64_t now)
{
    uint32_t on = should_count(g), flips = on ^ g->counting;

    for (unsigned n = 0; n < RISCV_COUNTERS; n++)
        if (flips >> n & 1)
            g->counter[n] += on >> n & 1 ? 0 - now : now;
    g->counting = on;
    watch(g, now);
}

void riscv_set_priv(struct riscv_cpu *g, unsigned priv, uint64_t now)
{
    if (g->filtered)
        riscv_counters_overflow(g, now);
    g->priv = (uint8_t)priv;
    if (g->filtered)
        recount(g, now);
}

void riscv_counters_reset(struct riscv_cpu *g)
{
    g->counting = g->filtered = 0;
    for (unsigned n = COUNTER_FIRST; n < RISCV_COUNTERS; n++)
        if (g->mhpmevent[n] & EVENT_FILTER)
            g->filtered |= 1u << n;
    recount(g, g->core.icount);
}

/* ------------------------------------------------- what CSRs make of them */

bool riscv_counter_exists(const struct riscv_cpu *g, unsigned n)
{
    return n < COUNTER_FIRST || (programmable(g) >> n & 1);
}

uint64_t riscv_read_counter(struct riscv_cpu *g, unsigned n)
{
    uint64_t v = g->counter[n];

    return g->counting >> n & 1 ? v + cpu_icount(&g->core) : v;
}

void riscv_write_counter(struct riscv_cpu *g, unsigned n, uint64_t v)
{
    /* The next instruction reads what was written, priv 3.1.10. */
    uint64_t now = cpu_icount(&g->core) + 1;

    if (!riscv_counter_exists(g, n) || n == COUNTER_TIME)
        return;
    riscv_counters_overflow(g, now);
    g->counter[n] = g->counting >> n & 1 ? v - now : v;
    recount(g, now);
}

void riscv_write_inhibit(struct riscv_cpu *g, uint64_t v)
{
    uint64_t now = cpu_icount(&g->core);

    riscv_counters_overflow(g, now);
    g->mcountinhibit = v & (1u << COUNTER_CYCLE | 1u << COUNTER_INSTRET |
                            programmable(g));
    recount(g, now);
}

uint64_t riscv_read_event(struct riscv_cpu *g, unsigned n)
{
    riscv_counters_overflow(g, cpu_icount(&g->core));
    return g->mhpmevent[n];
}

void riscv_write_event(struct riscv_cpu *g, unsigned n, uint64_t v)
{
    uint64_t now = cpu_icount(&g->core), number = v & EVENT_NUMBER;

    if (!(programmable(g) >> n & 1))
        return;
    riscv_counters_overflow(g, now);
    if (number != EVENT_CYCLES && number != EVENT_INSTRUCTIONS)
        number = EVENT_NONE;
    if (has(g, RISCV_EXT_SSCOFPMF))
        number |= v & (EVENT_OF | EVENT_FILTER);
    g->mhpmevent[n] = number;
    g->filtered &= ~(1u << n);
    if (number & EVENT_FILTER)
        g->filtered |= 1u << n;
    recount(g, now);
}

uint32_t riscv_overflowed(struct riscv_cpu *g)
{
    uint32_t bits = 0;

    riscv_counters_overflow(g, cpu_icount(&g->core));
    for (unsigned n = COUNTER_FIRST; n < RISCV_COUNTERS; n++)
        if (g->mhpmevent[n] & EVENT_OF)
            bits |= 1u << n;
    return bits;
}
