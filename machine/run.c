/*
 * Running a machine: the vCPU threads, the main loop's part, requests.
 *
 * In real time each vCPU has a thread, which runs guest code or sleeps until
 * an interrupt; timers and input are the main thread's, in machine_poll().
 * With -icount one thread runs the vCPUs in turn and does timers and input
 * itself, at exact counts of instructions; when all are halted, the clock
 * jumps to the next deadline.
 *
 * Whoever wants the vCPUs to stand still sets a bit of `hold` and kicks
 * them; each looks at `hold` before it enters the guest and parks while it
 * is not 0.  A kick that comes between that look and cpu_run() makes
 * cpu_run() return at once, so none is lost.  What changes the state of
 * several vCPUs (reset) is done by the main thread while all are parked.
 *
 * Lock order: device lock, run_lock, request_lock; README.md says more.
 *
 * Missing: snapshots; stopping one vCPU alone.
 */
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "machine/machine_priv.h"

/* With several vCPUs in one thread, how long each one's turn is, and up to how
 * many more (a power of 2). */
#define ICOUNT_SLICE 10000
#define ICOUNT_MORE_BITS 6

static void lock(pthread_mutex_t *mutex)
{
    pthread_mutex_lock(mutex);
}

static void unlock(pthread_mutex_t *mutex)
{
    pthread_mutex_unlock(mutex);
}

/* -- holding the vCPUs -- */

static void kick_all(struct machine *m)
{
    for (unsigned i = 0; i < m->n_cpus; i++)
        cpu_kick(m->vcpu[i].cpu);
}

/* Have the icount thread look again, should it sleep. */
static void nudge(struct machine *m)
{
    lock(&m->run_lock);
    m->nudged = true;
    pthread_cond_broadcast(&m->go_cond);
    unlock(&m->run_lock);
}

static void set_hold(struct machine *m, unsigned bits)
{
    atomic_fetch_or(&m->hold, bits);
    kick_all(m);
    if (m->icount)
        nudge(m);
}

static void clear_hold(struct machine *m, unsigned bits)
{
    lock(&m->run_lock);
    atomic_fetch_and(&m->hold, ~bits);
    pthread_cond_broadcast(&m->go_cond);
    unlock(&m->run_lock);
}

static void wait_parked(struct machine *m)
{
    lock(&m->run_lock);
    while (m->n_parked < m->n_threads)
        pthread_cond_wait(&m->parked_cond, &m->run_lock);
    unlock(&m->run_lock);
}

/* What holds a thread.  With -icount its thread has time to let pass while
 * the machine sleeps. */
static unsigned holds(const struct machine *m)
{
    unsigned hold = atomic_load(&m->hold);

    return m->icount ? hold & ~(unsigned)HOLD_SLEEP : hold;
}

/* A vCPU thread, before it enters the guest: stand still while anything
 * holds it.  false: end. */
static bool may_run(struct machine *m)
{
    unsigned hold = holds(m);

    if (!hold)
        return true;
    lock(&m->run_lock);
    m->n_parked++;
    pthread_cond_broadcast(&m->parked_cond);
    while ((hold = holds(m)) != 0 && !(hold & HOLD_STOP))
        pthread_cond_wait(&m->go_cond, &m->run_lock);
    if (!(hold & HOLD_STOP)) /* one that ends stays parked */
        m->n_parked--;
    unlock(&m->run_lock);
    return !(hold & HOLD_STOP);
}

/*
 * cpu_wires.bus_lock.  Who asks is in the middle of an instruction, and goes on
 * when all others are parked, or wait for the bus themselves, before their
 * access.  It counts as parked for those only: what else wants the vCPUs to
 * stand still waits until the instruction is done.
 */
void machine_bus_lock(void *machine, bool on)
{
    struct machine *m = machine;

    lock(&m->run_lock);
    if (on) {
        m->n_at_bus++;
        set_hold(m, HOLD_BUS);
        pthread_cond_broadcast(&m->parked_cond);
        while (m->bus_taken || m->n_parked + m->n_at_bus < m->n_threads)
            pthread_cond_wait(&m->parked_cond, &m->run_lock);
    } else if (--m->n_at_bus == 0) {
        atomic_fetch_and(&m->hold, ~(unsigned)HOLD_BUS);
        pthread_cond_broadcast(&m->go_cond);
    }
    m->bus_taken = on;
    unlock(&m->run_lock);
}

/* -- a vCPU in real time -- */

static void *run_vcpu(void *arg)
{
    struct vcpu *v = arg;

    while (may_run(v->machine)) {
        if (cpu_run(v->cpu, INT64_MAX) == CPU_HALTED)
            cpu_wait(v->cpu);
    }
    return NULL;
}

/* -- all vCPUs by instructions -- */

static bool on_icount_thread(const struct machine *m)
{
    return m->have_key && pthread_getspecific(m->icount_key);
}

uint64_t machine_insns(void *machine)
{
    struct machine *m = machine;
    struct cpu *mine = NULL;
    uint64_t n = 0;

    /* Only its own thread may ask a CPU for its exact count. */
    if (on_icount_thread(m))
        mine = atomic_load(&m->running);
    for (unsigned i = 0; i < m->n_cpus; i++) {
        struct cpu *c = m->vcpu[i].cpu;

        n += c == mine ? cpu_icount(c) : cpu_icount_any(c);
    }
    return n;
}

/* Timers and input that are due; returns the next deadline. */
static uint64_t serve(struct machine *m)
{
    uint64_t deadline;

    lock(&m->lock);
    clock_fire(m->clock);
    if (gate_pending(m->gate))
        gate_deliver(m->gate);
    deadline = clock_deadline(m->clock);
    unlock(&m->lock);
    return deadline;
}

/* The next vCPU, from *turn on, that has something to do; NULL: none. */
static struct vcpu *next_vcpu(struct machine *m, unsigned *turn)
{
    for (unsigned i = 0; i < m->n_cpus; i++) {
        struct vcpu *v = &m->vcpu[(*turn + i) % m->n_cpus];

        if (v->idle && !v->cpu->class->wakes(v->cpu))
            continue;
        *turn = (*turn + i + 1) % m->n_cpus;
        return v;
    }
    return NULL;
}

/* Of v's turn. */
static uint64_t instructions_left(const struct vcpu *v)
{
    int64_t left = (int64_t)(v->turn_end - cpu_icount_any(v->cpu));

    return left > 0 ? (uint64_t)left : 0;
}

/* By how much it has run: a loop whose length divides a turn's would else end
 * every turn at the same place, with the lock taken that others wait for. */
static uint64_t turn_length(uint64_t icount)
{
    return ICOUNT_SLICE +
           (icount * UINT64_C(0x9e3779b97f4a7c15) >> (64 - ICOUNT_MORE_BITS));
}

/*
 * Whose turn it is; NULL: nobody has anything to do.  A turn that was
 * interrupted goes on: what interrupts one may come from the host, and must
 * not decide when the next one gets its own.
 */
static struct vcpu *whose_turn(struct machine *m, struct vcpu *now,
                               unsigned *turn)
{
    struct vcpu *v = now;

    if (!now || now->idle || !instructions_left(now)) {
        v = next_vcpu(m, turn);
        if (v) {
            uint64_t count = cpu_icount_any(v->cpu);

            v->turn_end =
                count + (m->n_cpus > 1 ? turn_length(count) : INT64_MAX);
        }
    }
    return v;
}

static int64_t instructions_until(const struct machine *m, const struct vcpu *v,
                                  uint64_t deadline, uint64_t now)
{
    uint64_t limit = instructions_left(v);

    if (deadline != CLOCK_NEVER) {
        uint64_t step = (uint64_t)1 << m->icount_shift;

        uint64_t timed = (deadline - now) >> m->icount_shift;

        if ((deadline - now) & (step - 1))
            timed++;
        limit = timed < limit ? timed : limit;
    }
    return limit ? (int64_t)limit : 1;
}

/* Nothing to run and no timer: until the gate or a hold. */
static void sleep_until_nudged(struct machine *m)
{
    lock(&m->run_lock);
    while (!m->nudged && !holds(m))
        pthread_cond_wait(&m->go_cond, &m->run_lock);
    m->nudged = false;
    unlock(&m->run_lock);
}

static void *run_icount(void *arg)
{
    struct machine *m = arg;
    struct vcpu *v = NULL;
    unsigned turn = 0;

    pthread_setspecific(m->icount_key, m);
    while (may_run(m)) {
        uint64_t deadline = serve(m), now = clock_ns(m->clock);

        v = machine_asleep(m) ? NULL : whose_turn(m, v, &turn);
        if (!v && deadline == CLOCK_NEVER) {
            sleep_until_nudged(m);
        } else if (!v) {
            /* Not past what a timer has asked for. */
            if (deadline > now && !holds(m))
                clock_jump(m->clock, deadline - now);
        } else if (deadline > now) {
            atomic_store(&m->running, v->cpu);
            v->idle = cpu_run(v->cpu, instructions_until(m, v, deadline,
                                                         now)) == CPU_HALTED;
            atomic_store(&m->running, NULL);
        }
    }
    return NULL;
}

/* -- who is woken by what -- */

/*
 * With -icount: have the thread look again at timers and input.  Who is not
 * that thread cannot know which vCPU it is about to run, if not yet `running`:
 * whichever it is returns at once.
 */
static void look_again(struct machine *m)
{
    struct cpu *running = atomic_load(&m->running);

    if (running && on_icount_thread(m)) {
        cpu_kick(running);
    } else {
        kick_all(m);
        nudge(m);
    }
}

/* The earliest deadline came nearer. */
static void on_rearm(void *arg)
{
    struct machine *m = arg;

    if (m->icount) {
        look_again(m);
    } else if (!atomic_load(&m->firing) && m->wake) {
        /* Else it is the main loop itself, which looks before it sleeps. */
        m->wake(m->owner);
    }
}

static void on_pending(void *arg)
{
    struct machine *m = arg;

    if (m->icount)
        look_again(m);
    else if (m->wake)
        m->wake(m->owner);
}

/* -- requests -- */

static void set_ending(struct ending *out, enum machine_end end, int code,
                       const char *fmt, ...) BASE_PRINTF(4, 5);

static void set_ending(struct ending *out, enum machine_end end, int code,
                       const char *fmt, ...)
{
    va_list args;

    if (out->end != MACHINE_RUNNING)
        return;
    out->end = end;
    out->code = code;
    va_start(args, fmt);
    vsnprintf(out->why, sizeof(out->why), fmt, args);
    va_end(args);
}

static void note_request(struct machine *m, enum machine_request what, int code)
{
    switch (what) {
    case REQUEST_POWEROFF:
        set_ending(&m->wanted, MACHINE_POWEROFF, code, "the guest powered off");
        break;
    case REQUEST_FAIL:
        set_ending(&m->wanted, MACHINE_FAILED, code,
                   "the guest reported failure %d", code);
        break;
    case REQUEST_PANIC:
        set_ending(&m->wanted, MACHINE_PANIC, code,
                   "the guest says that it crashed");
        break;
    case REQUEST_RESET:
        if (m->no_reboot && code)
            set_ending(&m->wanted, MACHINE_PANIC, code,
                       "the processor shut down (a triple fault), which "
                       "-no-reboot makes the end");
        else if (m->no_reboot)
            set_ending(&m->wanted, MACHINE_RESET, 0,
                       "reset, which -no-reboot makes the end");
        else
            m->reset_wanted = true;
        break;
    case REQUEST_SLEEP:
        m->sleep_wanted = true;
        m->sleep_loss = (enum sleep_loss)code;
        break;
    case REQUEST_WAKE:
        m->wake_wanted = true;
        break;
    }
}

void machine_request(void *machine, enum machine_request what, int code)
{
    struct machine *m = machine;

    lock(&m->request_lock);
    note_request(m, what, code);
    unlock(&m->request_lock);
    set_hold(m, HOLD_REQUEST);
    if (m->wake)
        m->wake(m->owner);
}

void machine_differs(void *machine, const char *report)
{
    struct machine *m = machine;

    lock(&m->request_lock);
    m->lockstep_report = report;
    set_ending(&m->wanted, MACHINE_DIFFERS, 0,
               "-accel lockstep: the translator differs from the interpreter");
    unlock(&m->request_lock);
    set_hold(m, HOLD_REQUEST);
    if (m->wake)
        m->wake(m->owner);
}

static void reset_cpus(struct machine *m)
{
    for (unsigned i = 0; i < m->n_cpus; i++) {
        cpu_reset(m->vcpu[i].cpu);
        m->vcpu[i].idle = false;
    }
}

bool machine_power_on(struct machine *m, struct error *e)
{
    bool ok;

    lock(&m->lock);
    for (unsigned i = 0; i < m->n_members; i++)
        device_reset(m->members[i].dev);
    reset_cpus(m);
    ok = m->bare || loader_load(&m->loader, m->log, e);
    unlock(&m->lock);
    return ok;
}

static void go_to_sleep(struct machine *m)
{
    lock(&m->lock);
    if (m->sleep_loss != SLEEP_LOSES_NOTHING)
        machine_tell_sleep(m, true);
    for (unsigned i = 0; i < m->n_members && m->sleep_loss == SLEEP_LOSES_ALL;
         i++)
        device_sleep(m->members[i].dev);
    unlock(&m->lock);
    atomic_fetch_or(&m->hold, HOLD_SLEEP);
}

static void wake_up(struct machine *m)
{
    if (!machine_asleep(m))
        return;
    lock(&m->lock);
    if (m->sleep_loss != SLEEP_LOSES_NOTHING)
        reset_cpus(m);
    unlock(&m->lock);
    atomic_fetch_and(&m->hold, ~(unsigned)HOLD_SLEEP);
}

static void run_clock(struct machine *m, bool on)
{
    if (m->clock_runs == on)
        return;
    m->clock_runs = on;
    if (on)
        clock_resume(m->clock);
    else
        clock_pause(m->clock);
}

/* All vCPUs are parked. */
static void carry_out(struct machine *m)
{
    struct error e = {""};
    bool reset, sleep, wake;

    lock(&m->request_lock);
    reset = m->reset_wanted;
    sleep = m->sleep_wanted;
    wake = m->wake_wanted;
    m->reset_wanted = m->sleep_wanted = m->wake_wanted = false;
    m->ended = m->wanted;
    unlock(&m->request_lock);
    if (m->ended.end == MACHINE_RUNNING && reset) {
        if (machine_asleep(m))
            machine_tell_sleep(m, false);
        atomic_fetch_and(&m->hold, ~(unsigned)HOLD_SLEEP);
        machine_tell_reset(m);
        if (!machine_power_on(m, &e))
            set_ending(&m->ended, MACHINE_FAILED, 1, "reset: %.480s", e.text);
    } else if (m->ended.end == MACHINE_RUNNING) {
        if (sleep)
            go_to_sleep(m);
        if (wake)
            wake_up(m);
    }
    if (m->ended.end == MACHINE_RUNNING)
        return;
    atomic_fetch_or(&m->hold, HOLD_END);
    run_clock(m, false);
}

/* -- the main thread's -- */

uint64_t machine_poll(struct machine *m)
{
    if (m->ended.end != MACHINE_RUNNING)
        return CLOCK_NEVER;
    if (atomic_load(&m->hold) & HOLD_REQUEST) {
        wait_parked(m);
        /* Before the requests are looked at: one that comes from now on
         * sets it again.  At no time is there nothing: a thread may wake up
         * and look. */
        atomic_fetch_or(&m->hold, HOLD_CARRY);
        atomic_fetch_and(&m->hold, ~(unsigned)HOLD_REQUEST);
        carry_out(m);
        clear_hold(m, HOLD_CARRY);
    }
    if (m->icount || !m->clock_runs)
        return CLOCK_NEVER;
    lock(&m->lock);
    atomic_store(&m->firing, true);
    clock_fire(m->clock);
    if (gate_pending(m->gate))
        gate_deliver(m->gate);
    atomic_store(&m->firing, false);
    unlock(&m->lock);
    return clock_host_wait(m->clock);
}

static bool start_thread(pthread_t *thread, void *(*fn)(void *), void *arg,
                         struct error *e)
{
    /* Signals are the main thread's, but for those that a fault raises in
     * the thread that it happens in. */
    static const int own[] = {SIGSEGV, SIGBUS,  SIGFPE,
                              SIGILL,  SIGTRAP, SIGABRT};
    sigset_t all, old;
    int err;

    sigfillset(&all);
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        sigdelset(&all, own[i]);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    err = pthread_create(thread, NULL, fn, arg);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return err == 0 ||
           error_set(e, "cannot start a CPU's thread: %s", strerror(err));
}

static void set_threads(struct machine *m, unsigned n)
{
    lock(&m->run_lock);
    m->n_threads = n;
    if (n == 0)
        m->n_parked = 0;
    pthread_cond_broadcast(&m->parked_cond);
    unlock(&m->run_lock);
}

bool machine_start(struct machine *m, struct error *e)
{
    unsigned wanted = m->icount && m->n_cpus ? 1 : m->n_cpus;

    while (m->n_threads < wanted) {
        struct vcpu *v = &m->vcpu[m->n_threads];
        bool ok;

        set_threads(m, m->n_threads + 1);
        ok = m->icount ? start_thread(&v->thread, run_icount, m, e)
                       : start_thread(&v->thread, run_vcpu, v, e);
        if (!ok) {
            set_threads(m, m->n_threads - 1);
            machine_stop(m);
            return false;
        }
    }
    if (!machine_paused(m))
        run_clock(m, true);
    return true;
}

void machine_stop(struct machine *m)
{
    if (m->n_threads == 0)
        return;
    set_hold(m, HOLD_STOP);
    clear_hold(m, 0);
    for (unsigned i = 0; i < m->n_threads; i++)
        pthread_join(m->vcpu[i].thread, NULL);
    set_threads(m, 0);
    clear_hold(m, HOLD_STOP);
    run_clock(m, false);
}

void machine_pause(struct machine *m)
{
    set_hold(m, HOLD_PAUSE);
    wait_parked(m);
    run_clock(m, false);
}

void machine_resume(struct machine *m)
{
    if (m->ended.end != MACHINE_RUNNING)
        return;
    if (m->n_threads)
        run_clock(m, true);
    clear_hold(m, HOLD_PAUSE);
    if (m->wake)
        m->wake(m->owner);
}

bool machine_paused(const struct machine *m)
{
    return (atomic_load(&m->hold) & HOLD_PAUSE) != 0;
}

bool machine_asleep(const struct machine *m)
{
    return (atomic_load(&m->hold) & HOLD_SLEEP) != 0;
}

void machine_reset(struct machine *m)
{
    machine_request(m, REQUEST_RESET, 0);
}

void machine_set_no_reboot(struct machine *m, bool on)
{
    lock(&m->request_lock);
    m->no_reboot = on;
    unlock(&m->request_lock);
}

enum machine_end machine_ended(struct machine *m, int *code)
{
    if (code)
        *code = m->ended.code;
    return m->ended.end;
}

void machine_go_on(struct machine *m, bool reset)
{
    lock(&m->request_lock);
    m->wanted = m->ended = (struct ending){.end = MACHINE_RUNNING};
    m->reset_wanted = reset;
    unlock(&m->request_lock);
    if (reset)
        set_hold(m, HOLD_REQUEST);
    if (m->n_threads && !machine_paused(m))
        run_clock(m, true);
    clear_hold(m, HOLD_END);
    if (m->wake)
        m->wake(m->owner);
}

const char *machine_why(struct machine *m)
{
    return m->ended.why;
}

/* -- making -- */

bool machine_init_run(struct machine *m, struct error *e)
{
    if (m->icount) {
        if (pthread_key_create(&m->icount_key, NULL))
            return error_set(e, "-icount: no key for its thread");
        m->have_key = true;
        clock_use_icount(m->clock, m->icount_shift, machine_insns, m);
    }
    clock_on_rearm(m->clock, on_rearm, m);
    gate_on_pending(m->gate, on_pending, m);
    return true;
}

void machine_destroy_run(struct machine *m)
{
    if (m->have_key)
        pthread_key_delete(m->icount_key);
    gate_on_pending(m->gate, NULL, NULL);
}
