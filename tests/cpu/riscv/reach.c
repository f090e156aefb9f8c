/*
 * Counting what reach.h lists.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/cpu/riscv/reach.h"
#include "tests/cpu/riscv/rig.h"

const char *const reach_names[REACH_KINDS] = {
    [REACH_COMPILED] = "blocks compiled",
    [REACH_LEFT] = "returns in mid-block",
    [REACH_PATCHED] = "links patched",
    [REACH_FAR] = "branches to other pages",
    [REACH_STRADDLE] = "instructions on two pages",
    [REACH_STRADDLE_FAULT] = "faults on the second",
    [REACH_FAULT] = "exceptions in mid-block",
    [REACH_MIDDLE] = "blocks from the middle of an instruction",
    [REACH_WRITTEN] = "stores into compiled code",
    [REACH_SELF] = "stores into the block that runs",
    [REACH_FENCE_I] = "fence.i compiled",
    [REACH_REMAPPED] = "mappings changed under compiled code",
    [REACH_MMIO] = "fetches from a device",
    [REACH_UNMAPPED] = "runs into an unmapped page",
    [REACH_FLUSHES] = "full code buffers",
    [REACH_MISSES] = "jump cache misses",
    [REACH_SITES] = "changes of an access's page",
    [REACH_PLAIN] = "accesses that change it often",
    [REACH_SPANS] = "accesses that share a check",
    [REACH_AGAIN] = "blocks compiled again",
};

/* In the map: of an instruction, its first two bytes or the others. */
enum { FIRST = 1, MIDDLE };

static struct reach *reach_of(const struct cpu *c)
{
    return ((struct rig *)c->wires.time_owner)->reach;
}

/* Did compiled code enter the block of record r?  Where it did, and r is not
 * its first, no other way leads to r. */
static bool compiled(const struct rec *first)
{
    return block_entry(first)->code != NULL;
}

/* Is code compiled that lies in this page of the host's? */
static bool has_code(const struct reach *n, uint64_t host)
{
    uint64_t at = host - (uint64_t)(uintptr_t)n->rig->ram->host;

    if (at >= n->rig->ram->size)
        return false;
    for (unsigned i = 0; i < PAGE_SIZE / 2; i++)
        if (n->map[at / 2 + i])
            return true;
    return false;
}

/* A block is about to run: is its page where it was? */
static void note_page(struct reach *n, const struct cpu *c,
                      const uint8_t *host)
{
    const struct riscv_cpu *g = n->rig->g;
    const uint64_t va = c->pc & PAGE_MASK;
    const uint64_t at = (uint64_t)(uintptr_t)host & PAGE_MASK;
    struct reach_page *p = &n->pages[va >> PAGE_BITS & 63];

    if (p->va == va && p->satp == g->satp && p->priv == g->priv && p->host &&
        p->host != at && has_code(n, p->host))
        n->counts[REACH_REMAPPED]++;
    *p = (struct reach_page){va, g->satp, at, g->priv};
}

static void run(struct cpu *c, const struct rec *r, int64_t budget)
{
    struct reach *n = reach_of(c);
    const uint8_t *host;
    unsigned size;
    const struct rec *first = block_of(r, &host, &size);

    n->counts[REACH_STRADDLE] += first->fn == c->class->isa->engine->straddle;
    note_page(n, c, host);
    /* Slices of their own are too long for a machine that is disturbed. */
    if (++n->entries % 4 == 0)
        block_sample(c, r);
    n->original.run(c, r, budget);
    if (!c->cur || !c->pending_exception)
        return;
    first = block_of(c->cur, &host, &size);
    n->counts[REACH_FAULT] += first != c->cur && compiled(first);
}

/* An instruction that is now compiled. */
static void note_insn(struct reach *n, const struct insn *i,
                      const uint8_t *host, int32_t offset, bool first)
{
    const struct isa_row *row = &n->rig->cls.isa->rows[i->row];
    uint64_t at = (uint64_t)(host - n->rig->ram->host) / 2;

    if (row->flags & (ROW_BRANCH | ROW_JUMP) &&
        (offset + i->imm < 0 || offset + i->imm >= (int64_t)PAGE_SIZE))
        n->counts[REACH_FAR]++;
    n->counts[REACH_FENCE_I] += !strcmp(row->name, "fence.i");
    if (at >= n->rig->ram->size / 2)
        return; /* ROM */
    n->counts[REACH_MIDDLE] += first && n->map[at] & MIDDLE;
    n->map[at] |= FIRST;
    if (i->length > 2 && at + 1 < n->rig->ram->size / 2)
        n->map[at + 1] |= MIDDLE;
}

static const void *compile(struct cpu *c, const struct rec *r, rec_fn *fn,
                           const uint8_t *bytes, unsigned n_bytes,
                           int32_t offset)
{
    struct reach *n = reach_of(c);
    const void *code = n->original.compile(c, r, fn, bytes, n_bytes, offset);
    const uint8_t *start;
    struct insn i;
    unsigned size;

    if (!code)
        return NULL;
    block_of(r, &start, &size);
    for (unsigned at = 0; at < size; at += i.length) {
        if (!c->class->isa->decode(c, start + at, size - at + 2, &i))
            break;
        note_insn(n, &i, start + at, offset + (int32_t)at, at == 0);
    }
    return code;
}

/* Somebody writes to a page that holds code. */
static void wrote(void *owner, struct ram *ram, uint64_t offset, uint64_t size)
{
    struct reach *n = owner;
    struct cpu *c = n->rig->cpu;
    const uint8_t *host;
    unsigned length;
    bool hit = false;

    if (ram != n->rig->ram)
        return;
    for (uint64_t i = offset / 2; i < (offset + size + 1) / 2; i++)
        hit |= n->map[i] != 0;
    n->counts[REACH_WRITTEN] += hit;
    if (hit && c->cur && compiled(block_of(c->cur, &host, &length)))
        n->counts[REACH_SELF] += ram->host + offset < host + length &&
                                 ram->host + offset + size > host;
    if (hit)
        for (uint64_t at = offset & PAGE_MASK; at < offset + size;
             at += PAGE_SIZE)
            memset(n->map + at / 2, 0, PAGE_SIZE / 2);
}

void reach_attach(struct rig *r)
{
    struct cpu_jit *jit = r->cpu->jit;
    struct reach *n;

    if (!jit)
        return;
    n = calloc(1, sizeof(*n));
    n->map = calloc(1, r->ram->size / 2);
    n->rig = r;
    n->original = *jit;
    jit->run = run;
    jit->compile = compile;
    n->watcher.wrote = wrote;
    n->watcher.owner = n;
    memory_watch_code(r->memory, &n->watcher);
    r->reach = n;
}

void reach_exception(struct rig *r)
{
    const uint64_t cause = r->last_cause, pc = r->last_epc;
    struct reach *n = r->reach;

    if (!n || (cause != CAUSE_FETCH_ACCESS && cause != CAUSE_FETCH_PAGE))
        return;
    n->counts[REACH_MMIO] += pc >= RIG_IO && pc < RIG_IO + RIG_IO_SIZE;
    n->counts[REACH_UNMAPPED] += (pc & ~PAGE_MASK) == 0;
    n->counts[REACH_STRADDLE_FAULT] += r->last_tval != pc;
}

void reach_add(struct rig *r, uint64_t totals[REACH_KINDS])
{
    struct jit_counters j;

    if (!r->reach)
        return;
    jit_count(r->cpu, &j);
    for (unsigned i = 0; i < REACH_KINDS; i++)
        totals[i] += r->reach->counts[i];
    totals[REACH_COMPILED] += j.compiled;
    totals[REACH_LEFT] += j.left;
    totals[REACH_PATCHED] += j.patched;
    totals[REACH_FLUSHES] += j.flushes;
    totals[REACH_MISSES] += j.misses;
    totals[REACH_SITES] += j.sites;
    totals[REACH_PLAIN] += j.plain;
    totals[REACH_SPANS] += j.spans;
    totals[REACH_AGAIN] += j.again;
}

void reach_free(struct rig *r)
{
    if (!r->reach)
        return;
    memory_unwatch_code(r->memory, &r->reach->watcher);
    free(r->reach->map);
    free(r->reach);
}
