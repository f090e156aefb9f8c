/*
 * Lockstep: windows in which the interpreter leads and the translator
 * follows.
 *
 * There is one CPU.  For a window it runs interpreted, is put back (undo.c),
 * runs once more through cpu->jit, and then state and RAM must be what they
 * were the first time.  Windows are long, so that blocks chain; but every
 * STRETCH-th stretch goes block by block.
 *
 * A lead ends where a block does, and the translator enters with a budget
 * that ends there too.  Its blocks may be cut elsewhere (the cache changes
 * meanwhile): when it comes out further on, the window is done again with a
 * lead of exactly that length.
 *
 * What cannot be undone stays outside: an access to a device or to the
 * platform's time fails without an exception (cpu_outside()), the window
 * ends before it, and that one instruction is the interpreter's, outside of
 * any window.  Interrupts, kicks and changes of the memory map are looked
 * at between windows.
 *
 * Missing: CPUs in threads of their own, whose stores cannot be put back
 * before others see them; writes of translated code to RAM at host addresses
 * that went through no TLB entry are not seen.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cpu/core/lockstep_priv.h"

#define STRETCH 16
/* Windows done again because the translator came out further on; after so
 * many its last blocks are cut to size, and interpreted. */
#define MAX_TRIES 4

/* ------------------------------------------------------------------ hooks */

bool lockstep_refuses(struct cpu *c)
{
    if (!c->lockstep->in_window)
        return false;
    c->lockstep->refused = true;
    return true;
}

void lockstep_save(struct cpu *c, struct ram *ram, const uint8_t *host,
                   uint64_t pa)
{
    undo_save(&c->lockstep->undo, ram, host, pa);
}

bool lockstep_saved(struct cpu *c, const uint8_t *host)
{
    return undo_saved(&c->lockstep->undo, host);
}

void lockstep_note(struct cpu *c, struct tlb_entry *entry)
{
    undo_note(&c->lockstep->undo, entry, NULL);
}

void lockstep_note_jump(struct cpu *c, struct jcache_entry *entry)
{
    undo_note(&c->lockstep->undo, NULL, entry);
}

void lockstep_note_all(struct cpu *c)
{
    undo_note_all(&c->lockstep->undo);
}

/* ----------------------------------------------------------------- phases */

static uint64_t steps_done(const struct lockstep *l)
{
    return l->cpu->icount - l->undo.start->icount + l->delivered;
}

/* Into handlers with what is left of a phase: to the end of a block, or
 * exactly. */
static void enter(struct lockstep *l, bool follow, uint64_t left, bool exact)
{
    struct cpu *c = l->cpu;
    unsigned max_insns = BLOCK_MAX_INSNS;
    const struct rec *r;

    c->leave = false;
    c->slice = (int64_t)left - 1;
    if (exact && left > BLOCK_MAX_INSNS)
        c->slice = (int64_t)left - BLOCK_MAX_INSNS;
    else if (exact) {
        c->slice = 0;
        max_insns = (unsigned)left;
    }
    c->budget = c->slice;
    r = block_find(c, max_insns);
    if (!r) {
        c->slice = c->budget = 0;
        return;
    }
    if (follow) {
        if (l->polled)
            block_sample(c, r);
        c->jit->run(c, r, c->slice);
        l->polled = !c->cur && c->budget < 0;
    } else {
        c->class->isa->engine->enter(c, r);
    }
    /* A string's instruction that goes on later may have done a part. */
    l->left = c->leave || (follow && c->cur && !c->pending_exception);
    run_settle(c);
}

/* At least `steps` from the window's start on; exactly so many if `exact`.
 * Less only when it halts or comes to the outside. */
static void phase(struct lockstep *l, bool follow, uint64_t steps, bool exact)
{
    struct cpu *c = l->cpu;
    struct log *log = c->env.log;

    l->refused = l->left = false;
    l->delivered = 0;
    l->in_window = true;
    c->interpret = !follow;
    if (follow)
        c->env.log = &l->silent;
    for (;;) {
        block_cache_quiesce(c);
        if (c->pending_exception) {
            run_deliver(c, true);
            l->delivered++;
        }
        if (steps_done(l) >= steps || l->refused || c->halted ||
            l->undo.no_memory)
            break;
        enter(l, follow, steps - steps_done(l), exact);
        /* It may have let interrupts in: those come between windows. */
        if (l->left && !follow && !exact)
            break;
    }
    c->env.log = log;
    c->interpret = true; /* outside of windows as well */
    l->in_window = false;
}

static bool same_ram(const struct undo *u, struct error *e)
{
    for (const struct undo_page *p = u->pages; p; p = p->next) {
        const uint8_t *want = p->kept ? p->after : p->before;
        const uint8_t *have = p->ram->host + p->offset;
        unsigned at = 0;

        if (!memcmp(want, have, PAGE_SIZE))
            continue;
        while (want[at] == have[at])
            at++;
        return error_set(e, "RAM at 0x%" PRIx64 ": 0x%02x and 0x%02x differ",
                         p->pa + at, want[at], have[at]);
    }
    return true;
}

enum verdict lockstep_compare(struct lockstep *l, uint64_t limit,
                              uint64_t max_insns, uint64_t *steps,
                              struct error *e)
{
    struct cpu *c = l->cpu;
    struct undo *u = &l->undo;
    uint64_t followed;
    bool refused, early, exact = false;

    undo_begin(u);
    for (unsigned tries = 0;; tries++) {
        phase(l, false, limit, tries > 0);
        /* It may have left in the middle of an instruction that goes on later
         * (a string's): then the window ends in front of it. */
        if (l->left && tries == 0 && !l->refused && !c->halted &&
            steps_done(l)) {
            limit = steps_done(l);
            undo_back(u, false);
            phase(l, false, limit, true);
        }
        refused = l->refused;
        early = refused || c->halted;
        *steps = steps_done(l);
        if (*steps == 0 || c->icount - u->start->icount > max_insns) {
            undo_back(u, false);
            return NOTHING;
        }
        undo_copy(l->lead, c);
        undo_back(u, true);
        /* What was refused has set bits in page tables on its way. */
        phase(l, true, *steps + refused, exact || tries >= MAX_TRIES);
        followed = steps_done(l);
        if (early || tries >= MAX_TRIES)
            break;
        /* So may the translator have left. */
        if (followed <= *steps && (exact || !l->left))
            break;
        exact = followed <= *steps;
        undo_back(u, false);
        limit = followed;
        l->retries++;
    }
    l->refused = refused;
    cpu_pack_flags(l->lead);
    cpu_pack_flags(c);
    if (u->no_memory)
        error_set(e, "no memory to undo with");
    else if (followed != *steps)
        error_set(e, "%" PRIu64 " and %" PRIu64 " steps", *steps, followed);
    else if (state_equal(c->class->fields, l->lead, c, e) && same_ram(u, e))
        return SAME;
    return DIFFERENT;
}

/* ---------------------------------------------------------------- the run */

static uint64_t next_limit(struct lockstep *l, uint64_t left)
{
    uint64_t limit = l->config.window;

    if (!l->turn) {
        l->single = ++l->stretches % STRETCH == 0;
        l->turn = limit;
    }
    /* The last block may be a whole one. */
    if (l->single || left <= BLOCK_MAX_INSNS)
        return 1;
    left -= BLOCK_MAX_INSNS;
    return left < limit ? left : limit;
}

static void count(struct lockstep *l, uint64_t steps)
{
    l->windows++;
    l->single_windows += l->single;
    l->refusals += l->refused;
    l->compared += l->cpu->icount - l->undo.start->icount;
    l->turn -= steps < l->turn ? steps : l->turn;
}

/* false: nothing was done. */
static bool window(struct lockstep *l, uint64_t left)
{
    struct error e;
    uint64_t steps;

    switch (lockstep_compare(l, next_limit(l, left), left, &steps, &e)) {
    case SAME:
        count(l, steps);
        undo_end(&l->undo);
        return true;
    case NOTHING:
        undo_end(&l->undo);
        return false;
    default:
        lockstep_report(l, steps, &e);
        undo_end(&l->undo);
        l->ended = true;
        l->config.differs(l->config.owner, l->report);
        return true;
    }
}

/* The instruction that no window has. */
static void alone(struct lockstep *l)
{
    struct cpu *c = l->cpu;
    const struct rec *r;

    c->leave = false;
    c->slice = c->budget = 0;
    r = block_find(c, 1);
    if (!r)
        return;
    c->class->isa->engine->enter(c, r);
    run_settle(c);
    l->alone++;
}

enum cpu_event lockstep_run(struct cpu *c, int64_t limit)
{
    struct lockstep *l = c->lockstep;
    const uint64_t end = c->icount + (uint64_t)limit;
    enum cpu_event event;

    assert(clock_is_icount(c->env.clock));
    for (;;) {
        if (!run_ready(c, end, &event))
            return event;
        if (l->ended)
            return CPU_KICKED;
        if (c->step || !window(l, run_until(c, end) - c->icount))
            alone(l);
    }
}

/* ------------------------------------------------------------- life cycle */

bool lockstep_attach(struct cpu *c, const struct lockstep_config *config,
                     struct error *e)
{
    struct lockstep *l;

    if (!c->jit)
        return error_set(e, "there is no translator to compare");
    l = calloc(1, sizeof(*l));
    if (!l)
        return error_set(e, "no memory for lockstep");
    l->cpu = c;
    l->config = *config;
    if (!l->config.window)
        l->config.window = LOCKSTEP_WINDOW;
    log_init(&l->silent, NULL);
    l->lead = calloc(1, c->class->size);
    l->report = malloc(REPORT_SIZE);
    c->lockstep = l;
    c->interpret = true;
    if (!undo_new(&l->undo, c) || !l->lead || !l->report) {
        lockstep_detach(c);
        return error_set(e, "no memory for lockstep");
    }
    cpu_flush_tlb(c);
    return true;
}

void lockstep_detach(struct cpu *c)
{
    struct lockstep *l = c->lockstep;

    if (!l)
        return;
    c->lockstep = NULL;
    c->interpret = false;
    undo_free(&l->undo);
    log_destroy(&l->silent);
    free(l->lead);
    free(l->report);
    free(l);
}

uint64_t lockstep_compared(const struct cpu *c)
{
    return c->lockstep->compared;
}

void lockstep_stats(const struct cpu *c, char *out, size_t size)
{
    const struct lockstep *l = c->lockstep;

    snprintf(out, size,
             "lockstep: %" PRIu64 " windows (%" PRIu64
             " of one block) with %" PRIu64 " instructions compared, %" PRIu64
             " ended early at the outside, %" PRIu64 " done again; %" PRIu64
             " instructions outside of windows",
             l->windows, l->single_windows, l->compared, l->refusals,
             l->retries, l->alone);
}
