/*
 * The virtual clock and its timers.
 *
 * Virtual time is a line through one point: it was `virtual_ns` when the
 * source (the host's monotonic clock, or the count of instructions) stood
 * at `origin`.  Changes of speed, pauses and jumps set a new point.  Readers
 * are many and on any thread, writers rare: a sequence number that is odd
 * while a writer works lets readers go without a lock.
 *
 * Timers are a binary heap of (deadline, order of arming).
 *
 * With icount, clock_pause() changes nothing: instructions stand still when
 * the machine does.  clock_host_wait() is CLOCK_NEVER then, since the vCPU
 * thread fires the timers.  Missing: slewing towards the host's wall clock.
 */
#include "base/clock.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/muldiv.h"

#define NS_PER_S 1000000000u

struct entry {
    uint64_t deadline, order;
    struct timer *timer;
};

struct clock {
    atomic_uint sequence;
    _Atomic uint64_t virtual_ns, origin;
    _Atomic uint64_t scale; /* num << 32 | den */
    atomic_bool running;
    pthread_mutex_t writer;

    bool icount;
    unsigned shift;
    uint64_t (*insns)(void *owner);
    void *insns_owner;

    struct entry *heap;
    uint32_t n, capacity;
    uint32_t timers; /* ever initialised: no more can be armed */
    uint64_t armed;  /* orders given out */
    _Atomic uint64_t earliest;
    void (*rearm)(void *arg);
    void *rearm_arg;
};

struct clock *clock_new(void)
{
    struct clock *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    pthread_mutex_init(&c->writer, NULL);
    atomic_init(&c->scale, (uint64_t)1 << 32 | 1);
    atomic_init(&c->earliest, CLOCK_NEVER);
    return c;
}

void clock_free(struct clock *c)
{
    if (!c)
        return;
    pthread_mutex_destroy(&c->writer);
    free(c->heap);
    free(c);
}

/* ------------------------------------------------------------ the time */

static uint64_t host_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static uint64_t source_now(const struct clock *c)
{
    return c->icount ? c->insns(c->insns_owner) : host_ns();
}

/* CLOCK_NEVER is no time: the clock stops one before it, in 584 years. */
static uint64_t add_saturated(uint64_t a, uint64_t b)
{
    uint64_t last = CLOCK_NEVER - 1;

    return a >= last || b >= last - a ? last : a + b;
}

static uint64_t shift_saturated(uint64_t v, unsigned shift)
{
    return v > UINT64_MAX >> shift ? UINT64_MAX : v << shift;
}

/* The line's value where the source stands at `now`. */
static uint64_t time_at(const struct clock *c, uint64_t virtual_ns,
                        uint64_t origin, uint64_t scale, uint64_t now)
{
    uint64_t passed = now > origin ? now - origin : 0;

    if (c->icount)
        passed = shift_saturated(passed, c->shift);
    else if (scale >> 32 != (uint32_t)scale)
        passed = muldiv_floor(passed, scale >> 32, (uint32_t)scale);
    return add_saturated(virtual_ns, passed);
}

/*
 * Acquire on every load keeps the second look at the sequence number behind
 * them; a release on every store keeps the first number in front.
 */
uint64_t clock_ns(struct clock *c)
{
    for (;;) {
        unsigned s = atomic_load_explicit(&c->sequence, memory_order_acquire);
        uint64_t v = atomic_load_explicit(&c->virtual_ns, memory_order_acquire);
        uint64_t o = atomic_load_explicit(&c->origin, memory_order_acquire);
        uint64_t k = atomic_load_explicit(&c->scale, memory_order_acquire);
        bool run = atomic_load_explicit(&c->running, memory_order_acquire);
        uint64_t now = run || c->icount ? source_now(c) : o;

        if (!(s & 1) &&
            atomic_load_explicit(&c->sequence, memory_order_acquire) == s)
            return time_at(c, v, o, k, now);
    }
}

/*
 * Begin a change: from here on readers wait, and the point of the line is
 * moved to now.  The sequence number goes first, by an operation that is
 * also a full barrier: a reader that still got the old line has read the
 * source before us, so that time never steps back.
 */
static void change_begin(struct clock *c)
{
    uint64_t now, v;

    pthread_mutex_lock(&c->writer);
    atomic_fetch_add(&c->sequence, 1);
    v = atomic_load(&c->virtual_ns);
    now = source_now(c);
    if (c->icount || atomic_load(&c->running))
        v = time_at(c, v, atomic_load(&c->origin), atomic_load(&c->scale), now);
    atomic_store_explicit(&c->virtual_ns, v, memory_order_release);
    atomic_store_explicit(&c->origin, now, memory_order_release);
}

static void change_end(struct clock *c)
{
    atomic_fetch_add_explicit(&c->sequence, 1, memory_order_release);
    pthread_mutex_unlock(&c->writer);
}

/* The host time of the earliest deadline may have come nearer. */
static void nudge(struct clock *c)
{
    if (c->rearm && atomic_load(&c->earliest) != CLOCK_NEVER)
        c->rearm(c->rearm_arg);
}

uint64_t clock_ticks(struct clock *c, uint64_t hz)
{
    return muldiv_floor(clock_ns(c), hz, NS_PER_S);
}

uint64_t clock_ticks_to_ns(uint64_t ticks, uint64_t hz)
{
    if (!ticks)
        return 0;
    return hz ? muldiv_ceil(ticks, NS_PER_S, hz) : CLOCK_NEVER;
}

void clock_use_icount(struct clock *c, unsigned shift,
                      uint64_t (*insns)(void *owner), void *owner)
{
    assert(shift < 64 && insns);
    c->shift = shift;
    c->insns = insns;
    c->insns_owner = owner;
    c->icount = true;
    atomic_store(&c->origin, 0);
}

bool clock_is_icount(const struct clock *c)
{
    return c->icount;
}

void clock_jump(struct clock *c, uint64_t ns)
{
    assert(c->icount);
    change_begin(c);
    atomic_store_explicit(&c->virtual_ns,
                          add_saturated(atomic_load(&c->virtual_ns), ns),
                          memory_order_release);
    change_end(c);
}

void clock_set_scale(struct clock *c, uint32_t num, uint32_t den)
{
    assert(num && den);
    change_begin(c);
    atomic_store_explicit(&c->scale, (uint64_t)num << 32 | den,
                          memory_order_release);
    change_end(c);
    nudge(c);
}

static void set_running(struct clock *c, bool running)
{
    change_begin(c);
    atomic_store_explicit(&c->running, running, memory_order_release);
    change_end(c);
}

void clock_pause(struct clock *c)
{
    set_running(c, false);
}

void clock_resume(struct clock *c)
{
    set_running(c, true);
    nudge(c);
}

void clock_set(struct clock *c, uint64_t ns)
{
    change_begin(c);
    atomic_store_explicit(&c->virtual_ns, add_saturated(ns, 0),
                          memory_order_release);
    change_end(c);
    nudge(c);
}

/* -------------------------------------------------------------- timers */

void timer_init(struct timer *t, struct clock *c, void (*fire)(void *),
                void *owner)
{
    t->clock = c;
    t->fire = fire;
    t->owner = owner;
    t->deadline = CLOCK_NEVER;
    t->slot = 0;
    /* Room is made here, where machines are built, so that arming a timer
     * cannot fail. */
    c->timers++;
    if (c->timers > c->capacity) {
        uint32_t capacity = c->capacity ? c->capacity * 2 : 16;
        struct entry *heap = realloc(c->heap, capacity * sizeof(*heap));

        assert(heap);
        c->heap = heap;
        c->capacity = capacity;
    }
}

static bool before(const struct entry *a, const struct entry *b)
{
    return a->deadline < b->deadline ||
           (a->deadline == b->deadline && a->order < b->order);
}

static void put(struct clock *c, uint32_t i, struct entry e)
{
    c->heap[i] = e;
    e.timer->slot = i + 1;
}

/* Put e at place i, or above or below it where it belongs. */
static void settle(struct clock *c, uint32_t i, struct entry e)
{
    while (i && before(&e, &c->heap[(i - 1) / 2])) {
        put(c, i, c->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    for (;;) {
        uint32_t child = 2 * i + 1;

        if (child >= c->n)
            break;
        if (child + 1 < c->n && before(&c->heap[child + 1], &c->heap[child]))
            child++;
        if (before(&e, &c->heap[child]))
            break;
        put(c, i, c->heap[child]);
        i = child;
    }
    put(c, i, e);
}

static void show_earliest(struct clock *c)
{
    atomic_store_explicit(&c->earliest,
                          c->n ? c->heap[0].deadline : CLOCK_NEVER,
                          memory_order_release);
}

static void take_out(struct timer *t)
{
    struct clock *c = t->clock;
    uint32_t i = t->slot - 1;
    struct entry last = c->heap[--c->n];

    if (last.timer != t)
        settle(c, i, last);
    t->slot = 0;
    t->deadline = CLOCK_NEVER;
}

void timer_disarm(struct timer *t)
{
    if (!timer_armed(t))
        return;
    take_out(t);
    show_earliest(t->clock);
}

void timer_arm(struct timer *t, uint64_t ns)
{
    struct clock *c = t->clock;
    uint64_t was = atomic_load_explicit(&c->earliest, memory_order_relaxed);
    struct entry e = {ns, c->armed, t};

    if (ns == CLOCK_NEVER) {
        timer_disarm(t);
        return;
    }
    c->armed++;
    if (!timer_armed(t)) {
        assert(c->n < c->capacity);
        t->slot = ++c->n;
    }
    t->deadline = ns;
    settle(c, t->slot - 1, e);
    show_earliest(c);
    if (c->heap[0].deadline < was && c->rearm)
        c->rearm(c->rearm_arg);
}

uint64_t clock_deadline(struct clock *c)
{
    return atomic_load_explicit(&c->earliest, memory_order_acquire);
}

/*
 * What is armed by a fired timer and due already fires too, but a guest
 * whose timer re-arms itself in the past must not keep us here: what is
 * beyond the limit stays due, and the caller's loop comes back.
 */
void clock_fire(struct clock *c)
{
    uint64_t now = clock_ns(c);
    uint64_t limit = (uint64_t)c->n + 64;

    while (c->n && c->heap[0].deadline <= now && limit--) {
        struct timer *t = c->heap[0].timer;

        timer_disarm(t);
        t->fire(t->owner);
    }
}

void clock_on_rearm(struct clock *c, void (*fn)(void *arg), void *arg)
{
    c->rearm = fn;
    c->rearm_arg = arg;
}

uint64_t clock_host_wait(struct clock *c)
{
    uint64_t deadline = clock_deadline(c), now, scale;

    if (deadline == CLOCK_NEVER || c->icount || !atomic_load(&c->running))
        return CLOCK_NEVER;
    now = clock_ns(c);
    if (deadline <= now)
        return 0;
    scale = atomic_load(&c->scale);
    return muldiv_ceil(deadline - now, (uint32_t)scale, scale >> 32);
}
