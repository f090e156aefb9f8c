/*
 * Building blocks: bytes are fetched and decoded, neighbours fused, and
 * handlers chosen by the flags that are used behind them.  See block.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/core/block_priv.h"
#include "cpu/core/lockstep.h"

static struct rec *append(struct block_cache *bc, rec_fn *fn, int32_t offset,
                          unsigned count)
{
    struct rec *r = &bc->recs[bc->n];

    memset(r, 0, sizeof(*r));
    r->fn = fn;
    bc->positions[bc->n].offset = (int16_t)offset;
    bc->positions[bc->n].count = (int16_t)count;
    bc->positions[bc->n].kind = (uint16_t)bc->kind;
    bc->n++;
    return r;
}

/* A link and, behind a direct exit, its stub; `next` is set by finish(). */
static void append_link(struct block_cache *bc, int64_t target, unsigned count,
                        bool stub)
{
    struct rec *link = append(bc, NULL, 0, count);

    link->count = (int32_t)count;
    link->target = (int32_t)target;
    if (stub) {
        bool near = target >= 0 && target < (int64_t)PAGE_SIZE;

        append(bc,
               near ? block_engine(bc)->stub_near : block_engine(bc)->stub_far,
               0, count);
    }
}

/* See that the kind of the flags is in the CPU, as at every exit. */
static void append_kind(struct block_cache *bc, int32_t offset, unsigned count)
{
    if (bc->kind == FLAGS_IN_CPU)
        return;
    append(bc, block_engine(bc)->kind, offset, count)->imm = (int32_t)bc->kind;
    bc->kind = FLAGS_IN_CPU;
}

static void append_goto(struct block_cache *bc, int32_t offset, unsigned count)
{
    append_kind(bc, offset, count);
    append(bc, block_engine(bc)->go, offset, count);
    append_link(bc, offset, count, true);
}

const struct isa_fusion *isa_find_fusion(const struct isa *isa, unsigned first,
                                         unsigned second)
{
    unsigned lo = 0, hi = isa->n_fusions;
    uint32_t want =
        (uint32_t)isa->rows[first].role[0] << 16 | isa->rows[second].role[1];

    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        const struct isa_fusion *f = &isa->fusions[mid];
        uint32_t have = (uint32_t)f->first << 16 | f->second;

        if (have == want)
            return f;
        if (have < want)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

/* Let the previous record's handler do this instruction too. */
static bool fuse(struct block_cache *bc, const struct insn *before,
                 const struct insn *i)
{
    const struct isa *isa = bc->cpu->class->isa;
    const struct isa_fusion *f = isa_find_fusion(isa, before->row, i->row);
    struct rec *r = &bc->recs[bc->last];

    if (!f)
        return false;
    r->fn = f->plain;
    for (unsigned n = 0; n < 2; n++)
        if (f->passes[n].fn &&
            before->reg[f->written] == i->reg[f->passes[n].read]) {
            r->fn = f->passes[n].fn;
            break;
        }
    return true;
}

/*
 * The handler of a row for the kind of flags that there is, or records that
 * turn them into a kind that it takes.
 */
static rec_fn *choose(struct block_cache *bc, const struct isa_row *row,
                      uint16_t live, int32_t offset, unsigned count,
                      unsigned *kind_after)
{
    const struct isa_flow *flow = row->flow;
    unsigned dead;
    rec_fn *const *by_kind;

    *kind_after = bc->kind;
    if (!flow)
        return row->fn;
    dead = flow_dead(flow, live);
    by_kind = flow->by_kind[dead];
    if (by_kind && !by_kind[bc->kind]) {
        if (by_kind[FLAGS_BITS]) {
            append(bc, block_engine(bc)->pack, offset, count)->imm =
                (int32_t)bc->kind;
            bc->kind = FLAGS_BITS;
        } else {
            append_kind(bc, offset, count);
        }
    }
    *kind_after = flow->kind[dead] == FLAGS_SAME ? bc->kind : flow->kind[dead];
    return by_kind ? by_kind[bc->kind] : row->fn;
}

static void append_exits(struct block_cache *bc, const struct isa_row *row,
                         const struct insn *i, int32_t offset, unsigned count)
{
    if (row->flags & ROW_WIDE)
        append(bc, NULL, offset, count)->data = (uint64_t)(offset + i->imm);
    else if (row->flags & (ROW_BRANCH | ROW_JUMP))
        append_link(bc, offset + i->imm, count + 1, true);
    if (row->flags & (ROW_INDIRECT | ROW_WIDE))
        append_link(bc, offset + i->length, count + 1, false);
}

static void append_insn(struct block_cache *bc, const struct insn *i,
                        uint16_t live, int32_t offset, unsigned count)
{
    const struct isa_row *row = &bc->cpu->class->isa->rows[i->row];
    unsigned kind;
    struct rec *r;
    rec_fn *fn;

    if (i->row == 0) {
        append(bc, block_engine(bc)->undefined, offset, count);
        append(bc, NULL, offset, count)->data = i->bits;
        return;
    }
    fn = choose(bc, row, live, offset, count, &kind);
    if (i->facts & INSN_EXTRA)
        append(bc, block_engine(bc)->extra, offset, count)->data =
            i->extra + (uint64_t)(i->facts & INSN_EXTRA_PC ? offset : 0);
    bc->last = bc->n;
    r = append(bc, fn, offset, count);
    r->a = i->reg[0];
    r->b = i->reg[1];
    r->c = i->reg[2];
    r->d = i->reg[3];
    r->imm = (int32_t)i->imm;
    if (row->flags & ROW_PC || i->facts & INSN_IMM_PC)
        r->imm = offset + (int32_t)i->imm;
    if (row->flags & ROW_LINK)
        r->imm = offset + i->length;
    if (row->flags & ROW_KIND)
        r->d = (uint8_t)bc->kind;
    bc->kind = kind;
    if (i->facts & INSN_DATA)
        append(bc, NULL, offset, count)->data = i->data;
    append_exits(bc, row, i, offset, count);
}

static void log_insn(struct cpu *c, const struct insn *i, uint64_t pc)
{
    char text[96], bytes[40];

    c->class->isa->disassemble(i, pc, text, sizeof(text));
    if (c->class->isa->align > 1)
        snprintf(bytes, sizeof(bytes), "%0*" PRIx64, i->length * 2, i->bits);
    else
        for (unsigned n = 0; n < i->length && n < sizeof(i->bytes); n++)
            snprintf(bytes + 2 * n, 3, "%02x", i->bytes[n]);
    log_line(c->env.log, LOG_IN_ASM, "0x%016" PRIx64 ":  %-16s  %s", pc, bytes,
             text);
}

static void remember_fetch(struct cpu *c, uint64_t va, const uint8_t *host,
                           const struct translation *t)
{
    struct tlb_entry *e = &c->fetch[fetch_index(va)];

    if (t->page < PAGE_SIZE)
        return;
    if (c->lockstep)
        lockstep_note(c, e);
    e->tag = (va & PAGE_MASK) | c->fetch_context;
    e->addend = (uintptr_t)host - (uintptr_t)va;
    if (t->global)
        tlb_note_global(c, e, va, ACCESS_FETCH);
    if (t->page > PAGE_SIZE)
        cpu_note_large(c, va, t->page);
}

const uint8_t *block_fetch_page(struct cpu *c, uint64_t va, struct ram **ram,
                                bool *whole)
{
    struct translation t;
    struct span span;
    const uint8_t *host;

    if (!c->class->translate(c, va, 1, ACCESS_FETCH, false, &t))
        return NULL;
    if (!memory_find(c->env.memory, t.pa, &span) ||
        span.region->kind == REGION_MMIO) {
        c->class->bus_fault(c, va, ACCESS_FETCH);
        return NULL;
    }
    *ram = span.region->ram;
    host = (*ram)->host + span.region->ram_offset + span.offset +
           (t.pa - span.start);
    remember_fetch(c, va, host, &t);
    *whole = t.page >= PAGE_SIZE;
    return host;
}

static void mark_granules(struct code_page *p, unsigned first, unsigned last)
{
    for (unsigned g = first >> GRANULE_BITS; g <= last >> GRANULE_BITS; g++)
        p->granules |= (uint64_t)1 << g;
}

/* Copy what was built into memory of its own and make it known. */
static struct block *finish(struct block_cache *bc, const uint8_t *host,
                            uint32_t mode)
{
    size_t size = sizeof(struct block) + bc->n * sizeof(struct rec) +
                  bc->n * sizeof(struct position) + bc->n_code;
    struct block *b = malloc(size);

    if (!b)
        return NULL;
    memset(b, 0, sizeof(*b));
    b->host = host;
    b->mode = mode;
    b->size = (uint32_t)size;
    memcpy(b->recs, bc->recs, bc->n * sizeof(struct rec));
    b->positions = (struct position *)&b->recs[bc->n];
    memcpy(b->positions, bc->positions, bc->n * sizeof(struct position));
    b->bytes = memcpy(&b->positions[bc->n], bc->code, bc->n_code);
    b->n_bytes = bc->n_code;
    b->recs[0].data = (uintptr_t)b;
    block_link_stubs(block_engine(bc), b->recs, bc->n);
    bc->bytes += size;
    bc->blocks++;
    bc->built++;
    return b;
}

/* Let the first record's handler count how often it is entered. */
static void watch_heat(struct block_cache *bc, struct block *b)
{
    const struct cpu_jit *jit = bc->cpu->jit;

    if (!jit || b->second)
        return;
    b->entry.fn = b->recs[1].fn;
    b->entry.cold = jit->threshold;
    b->recs[1].fn = block_engine(bc)->count;
}

static void publish(struct block_cache *bc, struct block *b,
                    struct code_page *p)
{
    unsigned h = block_hash(b->host, b->mode);

    watch_heat(bc, b);
    b->page_next = p->blocks;
    p->blocks = b;
    b->hash_next = bc->hash[h];
    bc->hash[h] = b;
}

struct builder {
    struct cpu *c;
    const uint8_t *page; /* host */
    uint64_t va;         /* of the page */
    uint32_t mode;
    unsigned max_insns;
    int32_t start, end; /* offsets of the first and behind the last byte */
};

/* Decode from b->start on; false if the first instruction straddles. */
static bool decode_run(struct block_cache *bc, struct builder *b)
{
    struct cpu *c = b->c;
    const struct isa *isa = c->class->isa;
    const bool log = log_on(c->env.log, LOG_IN_ASM);
    int32_t offset = b->start;
    unsigned n = 0;

    while (n < b->max_insns && offset < (int32_t)PAGE_SIZE) {
        struct insn *i = &bc->insns[n];
        uint8_t *bytes = bc->code + (offset - b->start);
        unsigned left = (unsigned)((int32_t)PAGE_SIZE - offset);
        uint32_t flags;

        left = left < isa->max_length ? left : isa->max_length;
        ram_fetch(bytes, b->page + offset, left);
        if (!isa->decode(c, bytes, left, i)) {
            if (n == 0)
                return false;
            break;
        }
        if (log)
            log_insn(c, i, b->va + (uint64_t)offset);
        bc->offsets[n++] = offset;
        offset += i->length;
        flags = isa->rows[i->row].flags;
        if (i->row == 0 || (flags & ROW_END))
            break;
        /* What a translator leaves to the interpreter ends its block. */
        if (c->jit && (flags & (ROW_CALLS | ROW_ATOMIC)))
            break;
        /* A branch that is not taken may run into what is decoded. */
        if ((flags & ROW_BRANCH) && offset < (int32_t)PAGE_SIZE &&
            block_lookup(bc, b->page + offset, b->mode))
            break;
    }
    bc->n_insns = n;
    bc->n_code = (unsigned)(offset - b->start);
    b->end = offset;
    return true;
}

/* Which flags are used behind each instruction, seen from the end. */
static void find_live(struct block_cache *bc)
{
    const struct isa *isa = bc->cpu->class->isa;
    uint16_t live = isa->flags;

    for (unsigned n = bc->n_insns; n-- > 0;) {
        const unsigned row = bc->insns[n].row;

        bc->live[n] = isa_live_behind(isa, row, live);
        live = isa_live_before(isa, row, live);
    }
}

/* Turn what was decoded into records. */
static void append_run(struct block_cache *bc)
{
    const struct isa *isa = bc->cpu->class->isa;
    bool fusible = false;
    uint32_t flags = 0;

    find_live(bc);
    for (unsigned n = 0; n < bc->n_insns; n++) {
        const struct insn *i = &bc->insns[n];

        if (fusible)
            fusible = !fuse(bc, i - 1, i);
        else
            fusible = true;
        append_insn(bc, i, bc->live[n], bc->offsets[n], n);
        flags = isa->rows[i->row].flags;
        if (i->row == 0)
            return;
        if (flags & ROW_BRANCH)
            fusible = false;
    }
    if (!(flags & ROW_END)) {
        unsigned last = bc->n_insns - 1;

        append_goto(bc, bc->offsets[last] + bc->insns[last].length,
                    bc->n_insns);
    }
}

/* The one instruction at b->start, whose tail is on the next page. */
static void decode_straddle(struct block_cache *bc, struct builder *b,
                            const uint8_t *second)
{
    struct cpu *c = b->c;
    const struct isa *isa = c->class->isa;
    unsigned head = (unsigned)((int32_t)PAGE_SIZE - b->start);
    struct insn *i = &bc->insns[0];

    ram_fetch(bc->code, b->page + b->start, head);
    ram_fetch(bc->code + head, second, isa->max_length - head);
    isa->decode(c, bc->code, isa->max_length, i);
    if (log_on(c->env.log, LOG_IN_ASM))
        log_insn(c, i, b->va + (uint64_t)b->start);
    bc->offsets[0] = b->start;
    bc->n_insns = 1;
    bc->n_code = i->length;
    b->end = b->start + i->length;
}

/* Page p holds the tail of the last instruction of page `before`. */
static bool remember_straddle(struct code_page *p, const uint8_t *before)
{
    for (unsigned i = 0; i < p->n_straddled; i++)
        if (p->straddled[i] == before)
            return true;
    if (p->n_straddled == MAX_STRADDLES)
        return false;
    p->straddled[p->n_straddled++] = before;
    return true;
}

/*
 * Decode from b->start on into bc->insns; writers that come later see which
 * pieces were read.  *second: the next page of the host's, if the first
 * instruction ends there.  false: an exception is pending, or there is no
 * memory.
 */
static bool decode(struct block_cache *bc, struct builder *b,
                   struct code_page *p, struct code_page **second)
{
    const uint8_t *host;
    struct ram *ram;
    bool whole, straddles;

    *second = NULL;
    pthread_mutex_lock(&bc->lock);
    straddles = !decode_run(bc, b);
    if (!straddles)
        mark_granules(p, (unsigned)b->start, (unsigned)b->end - 1);
    pthread_mutex_unlock(&bc->lock);
    if (!straddles)
        return true;
    host = block_fetch_page(b->c, isa_address(b->c, b->va + PAGE_SIZE), &ram,
                            &whole);
    if (!host)
        return false;
    *second = block_arm_page(bc, host, ram);
    if (!*second)
        return false;
    pthread_mutex_lock(&bc->lock);
    decode_straddle(bc, b, host);
    mark_granules(p, (unsigned)b->start, PAGE_SIZE - 1);
    /* What is undefined may turn out to end before. */
    if (b->end > (int32_t)PAGE_SIZE)
        mark_granules(*second, 0, (unsigned)b->end - PAGE_SIZE - 1);
    pthread_mutex_unlock(&bc->lock);
    return true;
}

struct block *block_build(struct cpu *c, const uint8_t *host, struct ram *ram,
                          uint32_t mode, unsigned max_insns)
{
    struct block_cache *bc = c->blocks;
    int32_t start = (int32_t)(c->pc & ~PAGE_MASK);
    struct builder b = {c,     host - start, c->pc & PAGE_MASK, mode, max_insns,
                        start, start};
    struct code_page *p = block_arm_page(bc, b.page, ram), *second;
    struct block *out = NULL;

    bc->n = 0;
    bc->kind = FLAGS_IN_CPU;
    append(bc, block_head, start, 0);
    if (p && decode(bc, &b, p, &second)) {
        if (second) {
            append(bc, block_engine(bc)->straddle, start, 0);
            append(bc, NULL, start, 0)->data = (uintptr_t)second->host;
        }
        append_run(bc);
        out = finish(bc, host, mode);
    }
    if (!out) {
        /* Out of memory: drop all and try again. */
        bc->flush |= !c->pending_exception;
        return NULL;
    }
    if (second) {
        out->second = second->host;
        if (!remember_straddle(second, p->host))
            max_insns = 0; /* no room to remember it: use it once */
    }
    if (max_insns < BLOCK_MAX_INSNS) {
        out->page_next = bc->single;
        bc->single = out;
    } else {
        publish(bc, out, p);
    }
    return out;
}
