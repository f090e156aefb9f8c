/*
 * The run loop: exceptions, interrupts, slices of instructions.
 *
 * Handlers run until a poll finds the slice used up, or something needs the
 * loop's attention.  They come back with cpu->cur set to the record at which
 * to resume (its pc and instruction count are in the block's table), or with
 * the pc in cpu->pc and cur NULL.
 */
#include <errno.h>
#include <stdlib.h>

#include "cpu/core/atomic.h"
#include "cpu/core/engine.h"
#include "cpu/core/lockstep.h"

/* Instructions between two looks at what other threads want: some 30 us. */
#define SLICE 16384

/* Instructions retired in this slice up to record cur, or to the exit. */
static int64_t slice_done(const struct cpu *c)
{
    int64_t done = c->slice - c->budget;
    int32_t offset, count;

    if (!c->cur)
        return done;
    block_position(c->cur, &offset, &count);
    return done + count;
}

uint64_t cpu_icount(struct cpu *c)
{
    return c->icount + (uint64_t)slice_done(c);
}

uint64_t cpu_icount_any(struct cpu *c)
{
    return atomic_load_explicit(&c->icount_shown, memory_order_relaxed);
}

void run_settle(struct cpu *c)
{
    int64_t done = slice_done(c);
    int32_t offset, count;

    if (c->cur) {
        block_position(c->cur, &offset, &count);
        c->pc = isa_address(c, c->page + (uint64_t)(int64_t)offset);
        c->flag_kind = block_flag_kind(c, c->cur);
    }
    c->icount += (uint64_t)done;
    c->slice = c->budget = 0;
    c->cur = NULL;
    c->leave = false;
    atomic_store_explicit(&c->icount_shown, c->icount, memory_order_relaxed);
}

static void check_map(struct cpu *c)
{
    uint64_t version = memory_version(c->env.memory);

    if (version != c->memory_version) {
        c->memory_version = version;
        cpu_flush_tlb(c);
    }
}

/*
 * How many instructions to enter handlers with, and at most how many the
 * first block may have.  Exact counting ends in blocks cut to size: a block
 * overshoots its budget by less than BLOCK_MAX_INSNS.
 */
static int64_t slice_for(const struct cpu *c, int64_t left, bool exact,
                         unsigned *max_insns)
{
    *max_insns = BLOCK_MAX_INSNS;
    if (c->step) {
        *max_insns = 1;
        return 0;
    }
    if (c->no_chain)
        left = left < BLOCK_MAX_INSNS ? left : BLOCK_MAX_INSNS;
    if (exact && left <= BLOCK_MAX_INSNS) {
        *max_insns =
            (unsigned)(left < BLOCK_MAX_INSNS ? left : BLOCK_MAX_INSNS);
        return 0;
    }
    if (c->no_chain)
        return 0;
    if (exact)
        left -= BLOCK_MAX_INSNS;
    return left < SLICE ? left : SLICE;
}

static void log_entry(struct cpu *c)
{
    char text[2048];

    if (log_on(c->env.log, LOG_EXEC))
        log_line(c->env.log, LOG_EXEC, "exec %u: 0x%016llx", c->id,
                 (unsigned long long)c->pc);
    if (log_on(c->env.log, LOG_CPU) && c->class->dump) {
        c->class->dump(c, text, sizeof(text));
        log_line(c->env.log, LOG_CPU, "%s", text);
    }
}

/*
 * A trap right after a trap: the handler's own first instruction faults, and
 * will for ever.  It counts as an instruction where time is counted in them,
 * or else time would stand still, and every timer with it.
 */
void run_deliver(struct cpu *c, bool exact)
{
    if (c->icount == c->trapped_at) {
        log_guest(c->env.log,
                  "cpu %u: a trap at 0x%llx, where the trap handler begins; "
                  "no instruction is executed any more",
                  c->id, (unsigned long long)c->pc);
        c->icount += exact;
        run_settle(c);
    }
    c->pending_exception = false;
    c->class->deliver(c);
    if (!c->pending_exception)
        c->trapped_at = c->icount;
}

bool run_ready(struct cpu *c, uint64_t end, enum cpu_event *event)
{
    block_cache_quiesce(c);
    if (c->pending_exception)
        run_deliver(c, clock_is_icount(c->env.clock));
    *event = CPU_KICKED;
    if (atomic_load_explicit(&c->exit_request, memory_order_acquire)) {
        atomic_store(&c->exit_request, false);
        return false;
    }
    if ((int64_t)(end - c->icount) <= 0)
        return false;
    check_map(c);
    c->class->interrupt(c);
    while (c->halted) {
        if (!c->class->wakes(c)) {
            *event = CPU_HALTED;
            return false;
        }
        /* One that came meanwhile, or the next (x86: SIPI behind INIT); or
         * what wakes but is not taken (RISC-V: WFI). */
        if (!c->class->interrupt(c) && c->class->wakes(c))
            c->halted = false;
    }
    return true;
}

uint64_t run_until(const struct cpu *c, uint64_t end)
{
    return c->notice_at > c->icount && c->notice_at < end ? c->notice_at : end;
}

static enum cpu_event run(struct cpu *c, int64_t limit)
{
    const bool exact = clock_is_icount(c->env.clock);
    const uint64_t end = c->icount + (uint64_t)limit;
    enum cpu_event event;
    bool polled = false;

    for (;;) {
        const struct rec *r;
        unsigned max_insns;

        if (!run_ready(c, end, &event))
            return event;
        c->leave = false;
        c->slice = slice_for(c, (int64_t)(run_until(c, end) - c->icount),
                             exact, &max_insns);
        c->budget = c->slice;
        r = block_find(c, max_insns);
        if (!r)
            continue;
        if (polled)
            block_sample(c, r);
        if (log_on(c->env.log, LOG_EXEC | LOG_CPU))
            log_entry(c);
        if (c->jit)
            c->jit->run(c, r, c->slice);
        else
            c->class->isa->engine->enter(c, r);
        polled = c->jit && !c->cur && c->budget < 0;
        run_settle(c);
    }
}

enum cpu_event cpu_run(struct cpu *c, int64_t limit)
{
    enum cpu_event event =
        c->lockstep ? lockstep_run(c, limit) : run(c, limit);

    block_cache_rest(c);
    return event;
}

void cpu_kick(struct cpu *c)
{
    atomic_store(&c->exit_request, true);
    if (atomic_load(&c->asleep))
        sem_post(&c->wake);
}

void cpu_wait(struct cpu *c)
{
    atomic_store(&c->asleep, true);
    if (!atomic_load(&c->exit_request) && !c->class->wakes(c))
        while (sem_wait(&c->wake) != 0 && errno == EINTR)
            continue;
    atomic_store(&c->asleep, false);
    /* Kicks that came in between leave the semaphore raised. */
    while (sem_trywait(&c->wake) == 0)
        continue;
}

static void cpu_line(void *listener, unsigned line, bool level)
{
    struct cpu *c = listener;

    c->class->input(c, line, level);
}

struct wire cpu_input(struct cpu *c, unsigned line)
{
    return (struct wire){cpu_line, c, line};
}

bool cpu_new(struct cpu **out, const struct cpu_class *cls,
             const struct cpu_env *env, const struct cpu_config *config,
             struct error *e)
{
    struct cpu *c = calloc(1, cls->size);

    if (!c)
        return error_set(e, "no memory for CPU %u", config->id);
    c->class = cls;
    c->env = *env;
    c->id = config->id;
    c->no_chain = config->no_chain;
    c->cas16 = atomic_has_cas16();
    sem_init(&c->wake, 0, 0);
    for (unsigned i = 0; i < JCACHE_SIZE; i++)
        c->jcache[i].context = UINT64_MAX;
    cpu_flush_tlb(c);
    if (!block_cache_new(c, e) || !cls->init(c, config, e)) {
        cpu_free(c);
        return false;
    }
    cpu_reset(c);
    *out = c;
    return true;
}

void cpu_free(struct cpu *c)
{
    if (!c)
        return;
    if (c->class->destroy)
        c->class->destroy(c);
    lockstep_detach(c);
    block_cache_free(c);
    if (c->jit)
        c->jit->detach(c);
    sem_destroy(&c->wake);
    free(c);
}

/* Between two slices the rest is empty or can be made again. */
const struct field cpu_core_fields[] = {
    FIELD_HOST(struct cpu, page),
    FIELD_HOST(struct cpu, data_context),
    FIELD_HOST(struct cpu, fetch_context),
    FIELD_HOST(struct cpu, jump_context),
    FIELD_HOST(struct cpu, budget),
    FIELD_HOST(struct cpu, cur),
    FIELD_HOST(struct cpu, scratch),
    FIELD_HOST(struct cpu, scratch_hi),
    FIELD_HOST(struct cpu, extra),
    FIELD_HOST(struct cpu, watched_context),
    FIELD_HOST(struct cpu, global_data),
    FIELD_HOST(struct cpu, global_fetch),
    FIELD_HOST(struct cpu, late_ram),
    FIELD_HOST(struct cpu, late_offset),
    FIELD_HOST(struct cpu, late_size),
    FIELD(struct cpu, flag_a, 0),
    FIELD(struct cpu, flag_b, 0),
    FIELD(struct cpu, flag_kind, FLAGS_BITS),
    FIELD_HOST(struct cpu, compile),
    FIELD_HOST(struct cpu, patch),
    FIELD_HOST(struct cpu, leave),
    FIELD(struct cpu, pending_exception, 0),
    FIELD(struct cpu, pc, 0),
    FIELD_HOST(struct cpu, slice),
    FIELD_KEEP(struct cpu, icount),
    FIELD(struct cpu, trapped_at, UINT64_MAX),
    FIELD(struct cpu, notice_at, UINT64_MAX),
    FIELD_HOST(struct cpu, exit_request),
    FIELD_HOST(struct cpu, asleep),
    FIELD(struct cpu, halted, 0),
    FIELD_HOST(struct cpu, interpret),
    FIELD_HOST(struct cpu, step),
    FIELD_HOST(struct cpu, wake),
    FIELD_HOST(struct cpu, class),
    FIELD_HOST(struct cpu, env),
    FIELD_HOST(struct cpu, wires),
    FIELD_HOST(struct cpu, id),
    FIELD_HOST(struct cpu, no_chain),
    FIELD_HOST(struct cpu, memory_version),
    FIELD_HOST(struct cpu, blocks),
    FIELD_HOST(struct cpu, jit),
    FIELD_HOST(struct cpu, spilled),
    FIELD_HOST(struct cpu, lockstep),
    FIELD_HOST(struct cpu, icount_shown),
    FIELD_HOST(struct cpu, near_read),
    FIELD_HOST(struct cpu, near_write),
    FIELD_HOST(struct cpu, read),
    FIELD_HOST(struct cpu, write),
    FIELD_HOST(struct cpu, fetch),
    FIELD_HOST(struct cpu, global),
    FIELD_HOST(struct cpu, device),
    FIELD_HOST(struct cpu, memory_hint),
    FIELD_HOST(struct cpu, port_hint),
    FIELD_HOST(struct cpu, jcache),
    FIELD_HOST(struct cpu, jcache_notes),
    FIELD_HOST(struct cpu, large_first),
    FIELD_HOST(struct cpu, large_last),
    FIELD_HOST(struct cpu, ram_hint),
    FIELD_HOST(struct cpu, space),
    FIELD_HOST(struct cpu, lock_va),
    FIELD_HOST(struct cpu, cas16),
    FIELD_HOST(struct cpu, lock_host),
    FIELD_LIST_END,
};

void cpu_reset(struct cpu *c)
{
    c->halted = false;
    c->pending_exception = false;
    c->leave = false;
    c->cur = NULL;
    c->patch = NULL;
    c->late_ram = NULL;
    c->slice = c->budget = 0;
    cpu_flush_tlb(c);
    block_cache_flush(c);
    state_reset(c->class->fields, c);
    c->class->reset(c);
}
