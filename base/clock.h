/*
 * The virtual clock of one machine, and the timers that hang on it.
 *
 * Nothing in devices/ or cpu/ reads the host's time; all of it reads this.
 * The clock runs in real time (CLOCK_MONOTONIC, so it goes on while the
 * process is stopped by a signal) or by retired instructions (-icount).
 * It stands still while the machine is paused.
 *
 * Timers run under the device lock: in real time in the main loop, which
 * sleeps until clock_deadline(); by instructions in the vCPU thread, whose
 * budget ends at the next deadline.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_NEVER UINT64_MAX

struct clock;

struct timer {
    struct clock *clock;
    void (*fire)(void *owner); /* disarmed before the call */
    void *owner;
    uint64_t deadline; /* virtual ns; CLOCK_NEVER while disarmed */
    uint32_t slot;     /* place in the clock's heap + 1, 0 while disarmed */
};

/* A clock at 0 ns, in real time, paused.  NULL only when out of memory. */
struct clock *clock_new(void);
void clock_free(struct clock *c);

/* Virtual time in nanoseconds since the machine was made.  Any thread. */
uint64_t clock_ns(struct clock *c);

/* floor(clock_ns() * hz / 10^9) without overflow. */
uint64_t clock_ticks(struct clock *c, uint64_t hz);

/* The first ns at which clock_ticks() is at least ticks; CLOCK_NEVER if
 * that is past the end of time. */
uint64_t clock_ticks_to_ns(uint64_t ticks, uint64_t hz);

/*
 * Count by instructions: ns = insns << shift, read through insns(owner).
 * Called once, before the machine first runs.
 */
void clock_use_icount(struct clock *c, unsigned shift,
                      uint64_t (*insns)(void *owner), void *owner);
bool clock_is_icount(const struct clock *c);

/* icount only: add ns to the clock (all vCPUs are halted; it jumps). */
void clock_jump(struct clock *c, uint64_t ns);

/* Time dilation in real time: virtual = real * num / den from now on. */
void clock_set_scale(struct clock *c, uint32_t num, uint32_t den);

void clock_pause(struct clock *c);
void clock_resume(struct clock *c);

/* A snapshot's time: the clock continues from ns. */
void clock_set(struct clock *c, uint64_t ns);

/* All below under the device lock. */

void timer_init(struct timer *t, struct clock *c, void (*fire)(void *),
                void *owner);
/* (Re)arm for virtual time `ns`; a time in the past fires at once, from the
 * loop and never from inside this call.  CLOCK_NEVER disarms. */
void timer_arm(struct timer *t, uint64_t ns);
void timer_disarm(struct timer *t);

static inline bool timer_armed(const struct timer *t)
{
    return t->slot != 0;
}

/* The earliest deadline, or CLOCK_NEVER. */
uint64_t clock_deadline(struct clock *c);

/* Fire all that is due, earliest first, ties in order of arming. */
void clock_fire(struct clock *c);

/* Called (any thread) whenever the earliest deadline comes nearer, so that
 * whoever sleeps on it can look again. */
void clock_on_rearm(struct clock *c, void (*fn)(void *arg), void *arg);

/* Host ns until the earliest deadline (0 if due, CLOCK_NEVER if none or
 * paused), for the main loop's sleep. */
uint64_t clock_host_wait(struct clock *c);

#endif
