/*
 * Decoded blocks: found, built, linked, invalidated.
 *
 * A block starts anywhere in a guest page and ends at a jump, at the page's
 * end or after BLOCK_MAX_INSNS; a branch that is not taken stays inside.
 * Blocks are keyed by the host address of their first byte and the CPU's
 * mode bits, so that every mapping of a page shares them.  Near exits link
 * record to record within one page only; hence all blocks of a page can be
 * dropped together without looking for what points at them.
 *
 * An instruction that straddles two pages gets a block of its own, which
 * begins with a check that the second page is still mapped where it was.
 *
 * Memory of dropped blocks is freed by block_cache_quiesce(), which the run
 * loop calls when no record is in use.
 *
 * One cache a vCPU, each a code watcher (memory.h).  What other threads write
 * or arm is queued under `lock` and taken in by quiesce(); they look under it
 * which pieces hold code, so a block's bytes are read, and its pieces marked,
 * under it too.
 *
 * Nobody waits for another CPU.  One that runs may write to a page for a
 * while after we armed it, by an entry of its TLB, and no word of it comes.
 * A guest can count on its code being seen by us only after it made us
 * synchronise, so such pages are `young`, and cpu_sync_code() compares their
 * blocks with what is in memory.  They are so until that has been done after
 * every CPU has looked.
 *
 * Missing: sharing of blocks between vCPUs.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "cpu/core/engine.h"
#include "cpu/core/lockstep.h"

#define HASH_BITS 15
#define HASH_SIZE (1u << HASH_BITS)
#define PAGE_HASH_SIZE 1024u
/* Records and tables of all blocks together; then everything is dropped. */
#define CACHE_LIMIT ((size_t)14 << 20)
#define GRANULE_BITS 6 /* 64 of 64 bytes in a page */
#define MAX_RECORDS (BLOCK_MAX_INSNS * 6 + 8)
/* Straddling blocks that one page can end; more drop their pages. */
#define MAX_STRADDLES 4

struct block {
    struct block *hash_next, *page_next;
    const uint8_t *host; /* of the first byte */
    uint32_t mode;
    uint32_t size;       /* bytes of this allocation */
    const uint8_t *second; /* host page of a straddling instruction's tail */
    struct position *positions;
    const uint8_t *bytes; /* that it was decoded from */
    unsigned n_bytes;
    struct block *shadow; /* see block_shadow(), or NULL */
    const struct block *original; /* of a shadow, else NULL */
    struct block_entry entry;
    struct rec recs[];   /* [0] is the head */
};
_Static_assert(offsetof(struct block, recs) ==
                   offsetof(struct block, entry) + sizeof(struct block_entry),
               "block_entry() finds the entry in front of the records");

/* A guest page that holds decoded code. */
struct code_page {
    struct code_page *hash_next;
    const uint8_t *host;
    struct ram *ram;
    uint64_t offset;   /* in ram, bytes */
    uint64_t granules; /* 64-byte pieces that some block was decoded from */
    struct block *blocks;
    const uint8_t *straddled[MAX_STRADDLES]; /* pages whose last instruction
                                                 ends here */
    unsigned n_straddled;
    struct code_page *young_next, **young_at; /* NULL: it is not young */
};

struct pending_write {
    struct ram *ram;
    uint64_t page; /* offset of the page in ram */
};

/* Pages that others armed since we looked last; of more, all are meant. */
#define MAX_ARMED 32

struct block_cache {
    struct block *hash[HASH_SIZE];
    struct code_page *pages[PAGE_HASH_SIZE];
    struct block *dead, *single; /* freed when quiet */
    size_t bytes, blocks;
    uint64_t built, invalidated;
    bool flush;
    bool sync; /* cpu_sync_code() was called */
    struct code_page *young;
    pthread_t owner;
    bool owned; /* owner, under the lock, is known: the CPU has run */
    struct code_watcher watcher;
    struct cpu *cpu;

    pthread_mutex_t lock; /* of the queues from other threads, of pages and
                             their granules */
    struct pending_write *queue;
    size_t n_queue, queue_size;
    const uint8_t *armed[MAX_ARMED]; /* host pages */
    size_t n_armed;
    atomic_bool queued; /* there is something in one of them */
    atomic_bool inside; /* the CPU runs, or is about to look at `queued` */

    /* the block that is being built: instructions, with their offsets and
     * the flags that are used after them; records */
    struct insn insns[BLOCK_MAX_INSNS];
    int32_t offsets[BLOCK_MAX_INSNS];
    uint16_t live[BLOCK_MAX_INSNS];
    unsigned n_insns;
    uint8_t code[BLOCK_MAX_INSNS * 16];
    unsigned n_code;
    struct rec recs[MAX_RECORDS];
    struct position positions[MAX_RECORDS];
    unsigned n;
    unsigned last; /* which is the last instruction's */
    unsigned kind; /* of the flags behind the last record */
};

/* Marks the start of a block for block_position(); nobody runs it. */
static void h_head(void)
{
}

/* --------------------------------------------------------------- look-up */

static unsigned block_hash(const uint8_t *host, uint32_t mode)
{
    uint64_t h = ((uint64_t)(uintptr_t)host >> 1) + mode;

    return (unsigned)(h * 0x9e3779b97f4a7c15u >> (64 - HASH_BITS));
}

static unsigned page_hash(const uint8_t *host)
{
    uintptr_t h = (uintptr_t)host >> PAGE_BITS;

    return (unsigned)(h ^ h >> 10) & (PAGE_HASH_SIZE - 1);
}

static struct block *find_block(struct block_cache *bc, const uint8_t *host,
                                uint32_t mode)
{
    struct block *b = bc->hash[block_hash(host, mode)];

    while (b && (b->host != host || b->mode != mode))
        b = b->hash_next;
    return b;
}

static struct code_page *find_page(struct block_cache *bc,
                                   const uint8_t *host)
{
    struct code_page *p = bc->pages[page_hash(host)];

    while (p && p->host != host)
        p = p->hash_next;
    return p;
}

static const struct position *position(const struct rec *r)
{
    const struct rec *head = r;
    const struct block *b;

    while (head->fn != h_head)
        head--;
    b = (const struct block *)(uintptr_t)head->data;
    return &b->positions[r - b->recs];
}

const struct position *block_positions(const struct rec *r)
{
    return position(r);
}

void block_position(const struct rec *r, int32_t *offset, int32_t *count)
{
    const struct position *p = position(r);

    *offset = p->offset;
    *count = p->count;
}

const struct rec *block_of(const struct rec *r, const uint8_t **host,
                           unsigned *size)
{
    const struct block *b;
    int end = 0, n;

    while (r->fn != h_head)
        r--;
    b = (const struct block *)(uintptr_t)r->data;
    if (b->original)
        b = b->original;
    n = (int)((const struct rec *)(const void *)b->positions - b->recs);
    for (int i = 0; i < n; i++)
        if (b->positions[i].offset > end)
            end = b->positions[i].offset;
    *host = b->host;
    *size = (unsigned)(end - b->positions[0].offset) + 2;
    return &b->recs[1];
}

static void link_stubs(const struct engine_handlers *e, struct rec *recs,
                       unsigned n)
{
    for (unsigned i = 1; i < n; i++)
        if (recs[i].fn == e->stub_near || recs[i].fn == e->stub_far)
            recs[i - 1].next = &recs[i];
}

struct rec *block_shadow(struct cpu *c, const struct rec *r)
{
    struct block *b = (struct block *)(uintptr_t)r[-1].data;
    const size_t size = b->size, at = (size_t)((char *)b->positions - (char *)b);
    struct block *s = b->shadow ? b->shadow : malloc(size);

    if (!s)
        return NULL;
    if (!b->shadow)
        c->blocks->bytes += size;
    b->shadow = s;
    memcpy(s, b, size);
    s->original = b;
    s->positions = (struct position *)((char *)s + at);
    s->recs[0].data = (uintptr_t)s;
    s->recs[1].fn = b->entry.fn;
    link_stubs(c->class->isa->engine, s->recs,
               (unsigned)((struct rec *)s->positions - s->recs));
    return &s->recs[1];
}

unsigned block_flag_kind(const struct cpu *c, const struct rec *r)
{
    unsigned kind = position(r)->kind;

    return kind == FLAGS_IN_CPU ? c->flag_kind : kind;
}

/* ---------------------------------------------------------- invalidation */

static void unhash_block(struct block_cache *bc, struct block *b)
{
    struct block **p = &bc->hash[block_hash(b->host, b->mode)];

    while (*p != b)
        p = &(*p)->hash_next;
    *p = b->hash_next;
}

static void unhash_page(struct block_cache *bc, const struct code_page *p)
{
    struct code_page **at = &bc->pages[page_hash(p->host)];

    while (*at != p)
        at = &(*at)->hash_next;
    *at = p->hash_next;
}

static void set_young(struct block_cache *bc, struct code_page *p)
{
    p->young_next = bc->young;
    p->young_at = &bc->young;
    if (bc->young)
        bc->young->young_at = &p->young_next;
    bc->young = p;
}

static void set_settled(struct code_page *p)
{
    if (!p->young_at)
        return;
    *p->young_at = p->young_next;
    if (p->young_next)
        p->young_next->young_at = p->young_at;
    p->young_at = NULL;
}

static void drop_blocks(struct block_cache *bc, struct code_page *p)
{
    while (p->blocks) {
        struct block *b = p->blocks;

        p->blocks = b->page_next;
        unhash_block(bc, b);
        b->page_next = bc->dead;
        bc->dead = b;
        bc->invalidated++;
    }
}

/* The blocks of a page, and of those whose last instruction ends on it, and
 * so on: a guest can make that chain as long as it likes.  Under the lock. */
static void drop_page(struct block_cache *bc, struct code_page *p)
{
    struct code_page *todo = p;

    unhash_page(bc, p);
    p->hash_next = NULL;
    while (todo) {
        p = todo;
        todo = p->hash_next;
        set_settled(p);
        drop_blocks(bc, p);
        memory_disarm_code(p->ram, p->offset);
        for (unsigned i = 0; i < p->n_straddled; i++) {
            struct code_page *before = find_page(bc, p->straddled[i]);

            if (!before)
                continue;
            unhash_page(bc, before);
            before->hash_next = todo;
            todo = before;
        }
        free(p);
    }
}

/* All blocks of a page that was written; its write entries may come back. */
static void invalidate(struct block_cache *bc, struct ram *ram,
                       uint64_t offset)
{
    struct code_page *p = find_page(bc, ram->host + offset);

    if (!p)
        return;
    drop_page(bc, p);
    jcache_empty(bc->cpu);
}

static bool queue_write(struct block_cache *bc, struct ram *ram,
                        uint64_t page)
{
    if (bc->n_queue == bc->queue_size) {
        size_t size = bc->queue_size ? bc->queue_size * 2 : 64;
        struct pending_write *q = realloc(bc->queue, size * sizeof(*q));

        if (!q) {
            bc->flush = true;
            return false;
        }
        bc->queue = q;
        bc->queue_size = size;
    }
    bc->queue[bc->n_queue++] = (struct pending_write){ram, page};
    return true;
}

/* Does any block come from these bytes?  Under the lock. */
static bool hits_code(struct block_cache *bc, struct ram *ram,
                      uint64_t offset, uint64_t end)
{
    uint64_t page = offset & PAGE_MASK;
    const struct code_page *p = find_page(bc, ram->host + page);
    unsigned first = (offset & ~PAGE_MASK) >> GRANULE_BITS;
    unsigned last = ((end - 1) & ~PAGE_MASK) >> GRANULE_BITS;
    uint64_t bits = (~(uint64_t)0 << first) & (~(uint64_t)0 >> (63 - last));

    return p && (p->granules & bits);
}

/* memory_wrote(): somebody wrote to a page that holds code. */
static void code_wrote(void *owner, struct ram *ram, uint64_t offset,
                       uint64_t size)
{
    struct block_cache *bc = owner;
    uint64_t end = offset + size;
    bool own, hit = false;

    pthread_mutex_lock(&bc->lock);
    own = bc->owned && pthread_equal(pthread_self(), bc->owner);
    for (uint64_t at = offset; at < end;) {
        uint64_t next = (at & PAGE_MASK) + PAGE_SIZE;

        if (next > end)
            next = end;
        if (hits_code(bc, ram, at, next)) {
            queue_write(bc, ram, at & PAGE_MASK);
            atomic_store(&bc->queued, true);
            hit = true;
        }
        at = next;
    }
    pthread_mutex_unlock(&bc->lock);
    if (!hit)
        return;
    if (own)
        bc->cpu->leave = true;
    else
        cpu_kick(bc->cpu);
}

/* memory_arm_code(): another cache wants to hear of writes to this page. */
static bool code_armed(void *owner, const uint8_t *host)
{
    struct block_cache *bc = owner;

    pthread_mutex_lock(&bc->lock);
    if (bc->n_armed < MAX_ARMED)
        bc->armed[bc->n_armed] = host;
    bc->n_armed++;
    atomic_store(&bc->queued, true);
    pthread_mutex_unlock(&bc->lock);
    /* It says that it is inside before it looks at `queued`. */
    return atomic_load(&bc->inside);
}

static bool code_settled(void *owner)
{
    struct block_cache *bc = owner;

    return !atomic_load(&bc->inside) || !atomic_load(&bc->queued);
}

static void forget_host(struct tlb_entry *t, unsigned n, const uint8_t *host)
{
    for (struct tlb_entry *e = t; e < t + n; e++)
        if (e->tag != TLB_EMPTY &&
            e->addend + (uintptr_t)(e->tag & PAGE_MASK) == (uintptr_t)host)
            e->tag = TLB_EMPTY;
}

static void forget_writes(struct cpu *c, const uint8_t *host)
{
    forget_host(c->write, TLB_SIZE, host);
    forget_host(c->global[ACCESS_WRITE], GLOBAL_TLB_SIZE, host);
    tlb_forget_near(c);
    if (c->jit)
        c->jit->forget_writes(c, host);
}

/* Let writes to the pages that others have armed be slow ones. */
static void take_armed(struct block_cache *bc)
{
    struct cpu *c = bc->cpu;

    if (bc->n_armed > MAX_ARMED) {
        for (unsigned i = 0; i < TLB_SIZE; i++)
            c->write[i].tag = TLB_EMPTY;
        tlb_forget_global(c);
        tlb_forget_near(c);
        if (c->jit)
            c->jit->forget(c);
    } else {
        for (size_t i = 0; i < bc->n_armed; i++)
            forget_writes(c, bc->armed[i]);
    }
    bc->n_armed = 0;
}

static void take_queues(struct block_cache *bc)
{
    pthread_mutex_lock(&bc->lock);
    for (size_t i = 0; i < bc->n_queue; i++)
        invalidate(bc, bc->queue[i].ram, bc->queue[i].page);
    bc->n_queue = 0;
    take_armed(bc);
    atomic_store(&bc->queued, false);
    pthread_mutex_unlock(&bc->lock);
}

void cpu_sync_code(struct cpu *c)
{
    c->blocks->sync = true;
    c->leave = true;
}

/* Are these blocks still what is in memory? */
static bool unchanged(const struct block *b)
{
    uint8_t now[BLOCK_MAX_INSNS * 16];

    for (; b; b = b->page_next) {
        unsigned head = (unsigned)(PAGE_SIZE - ((uintptr_t)b->host & ~PAGE_MASK));

        head = head < b->n_bytes ? head : b->n_bytes;
        ram_fetch(now, b->host, head);
        if (b->second)
            ram_fetch(now + head, b->second, b->n_bytes - head);
        if (memcmp(now, b->bytes, b->n_bytes))
            return false;
    }
    return true;
}

static bool page_unchanged(struct block_cache *bc, const struct code_page *p)
{
    bool same = unchanged(p->blocks);

    for (unsigned i = 0; same && i < p->n_straddled; i++) {
        const struct code_page *before = find_page(bc, p->straddled[i]);

        same = !before || unchanged(before->blocks);
    }
    return same;
}

/* Drop what was written before we could hear of it.  What is decoded from
 * now on is so only if every CPU has looked. */
static void check_young(struct block_cache *bc)
{
    struct code_page *p, *next;
    bool settled;

    bc->sync = false;
    if (!bc->young)
        return;
    settled = memory_code_settled(bc->cpu->env.memory, &bc->watcher);
    pthread_mutex_lock(&bc->lock);
    for (p = bc->young; p; p = next) {
        next = p->young_next;
        if (!page_unchanged(bc, p)) {
            drop_page(bc, p);
            jcache_empty(bc->cpu);
            next = bc->young; /* it may have taken others along */
        } else if (settled) {
            set_settled(p);
        }
    }
    pthread_mutex_unlock(&bc->lock);
}

static void free_blocks(struct block_cache *bc, struct block **list)
{
    while (*list) {
        struct block *b = *list;

        *list = b->page_next;
        bc->bytes -= b->size;
        if (b->shadow)
            bc->bytes -= b->size;
        bc->blocks--;
        free(b->shadow);
        free(b);
    }
}

static void drop_everything(struct block_cache *bc)
{
    pthread_mutex_lock(&bc->lock);
    for (unsigned i = 0; i < PAGE_HASH_SIZE; i++)
        while (bc->pages[i])
            drop_page(bc, bc->pages[i]);
    pthread_mutex_unlock(&bc->lock);
    jcache_empty(bc->cpu);
    bc->flush = false;
    if (bc->cpu->jit)
        bc->cpu->jit->flushed(bc->cpu);
}

void block_cache_flush(struct cpu *c)
{
    c->blocks->flush = true;
    c->leave = true;
}

void cpu_forget_code(struct cpu *c)
{
    drop_everything(c->blocks);
}

void block_sample(struct cpu *c, const struct rec *r)
{
    struct block_entry *e = block_entry(r);

    if (r[-1].fn == h_head && e->code && e->samples < c->jit->samples &&
        ++e->samples == c->jit->samples)
        c->compile = (struct rec *)(uintptr_t)r;
}

/* The block whose count ran out, if it still exists: compile it.  Called
 * when no record is in use. */
static void compile_hot(struct cpu *c)
{
    struct rec *r = c->compile;
    struct block_entry *e = block_entry(r);
    const struct block *b = (const struct block *)(uintptr_t)r[-1].data;
    const void *code;

    c->compile = NULL;
    if (b->mode != c->class->mode(c))
        return; /* it would not be decoded as it was */
    code = c->jit->compile(c, r, e->fn, b->bytes, b->n_bytes,
                           (int32_t)position(r)->offset);
    if (code)
        e->code = code;
    r->fn = e->code ? c->jit->enter : e->fn;
}

static void begin(struct block_cache *bc)
{
    pthread_mutex_lock(&bc->lock);
    bc->owner = pthread_self();
    bc->owned = true;
    pthread_mutex_unlock(&bc->lock);
    atomic_store(&bc->inside, true);
}

void block_cache_rest(struct cpu *c)
{
    atomic_store(&c->blocks->inside, false);
}

void block_cache_quiesce(struct cpu *c)
{
    struct block_cache *bc = c->blocks;

    if (!atomic_load_explicit(&bc->inside, memory_order_relaxed))
        begin(bc);
    if (c->late_ram) {
        memory_wrote(c->env.memory, c->late_ram, c->late_offset,
                     c->late_size);
        c->late_ram = NULL;
    }
    if (atomic_load(&bc->queued))
        take_queues(bc);
    if (bc->sync)
        check_young(bc);
    if (bc->flush || bc->bytes > CACHE_LIMIT)
        drop_everything(bc);
    if (bc->dead || bc->single) { /* they may be in one of them */
        c->patch = NULL;
        c->compile = NULL;
    }
    if (c->compile)
        compile_hot(c);
    free_blocks(bc, &bc->dead);
    free_blocks(bc, &bc->single);
}

/* --------------------------------------------------------------- building */

static const struct engine_handlers *engine(const struct block_cache *bc)
{
    return bc->cpu->class->isa->engine;
}

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
static void append_link(struct block_cache *bc, int64_t target,
                        unsigned count, bool stub)
{
    struct rec *link = append(bc, NULL, 0, count);

    link->count = (int32_t)count;
    link->target = (int32_t)target;
    if (stub) {
        bool near = target >= 0 && target < (int64_t)PAGE_SIZE;

        append(bc, near ? engine(bc)->stub_near : engine(bc)->stub_far, 0,
               count);
    }
}

/* See that the kind of the flags is in the CPU, as at every exit. */
static void append_kind(struct block_cache *bc, int32_t offset, unsigned count)
{
    if (bc->kind == FLAGS_IN_CPU)
        return;
    append(bc, engine(bc)->kind, offset, count)->imm = (int32_t)bc->kind;
    bc->kind = FLAGS_IN_CPU;
}

static void append_goto(struct block_cache *bc, int32_t offset,
                        unsigned count)
{
    append_kind(bc, offset, count);
    append(bc, engine(bc)->go, offset, count);
    append_link(bc, offset, count, true);
}

const struct isa_fusion *isa_find_fusion(const struct isa *isa, unsigned first,
                                         unsigned second)
{
    unsigned lo = 0, hi = isa->n_fusions;
    uint32_t want = (uint32_t)isa->rows[first].role[0] << 16 |
                    isa->rows[second].role[1];

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
            append(bc, engine(bc)->pack, offset, count)->imm =
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
        append(bc, engine(bc)->undefined, offset, count);
        append(bc, NULL, offset, count)->data = i->bits;
        return;
    }
    fn = choose(bc, row, live, offset, count, &kind);
    if (i->facts & INSN_EXTRA)
        append(bc, engine(bc)->extra, offset, count)->data =
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

/* Host address of va to fetch from, through the fetch TLB; the RAM that it
 * lies in; whether what holds for va holds for all of its page. */
static const uint8_t *fetch_page(struct cpu *c, uint64_t va, struct ram **ram,
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

/* The page's entry, made and armed if it is new. */
static struct code_page *arm_page(struct block_cache *bc,
                                  const uint8_t *host, struct ram *ram)
{
    struct code_page *p = find_page(bc, host);
    struct cpu *c = bc->cpu;

    if (p)
        return p;
    p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    p->host = host;
    p->ram = ram;
    p->offset = (uint64_t)(host - ram->host);
    pthread_mutex_lock(&bc->lock);
    p->hash_next = bc->pages[page_hash(host)];
    bc->pages[page_hash(host)] = p;
    pthread_mutex_unlock(&bc->lock);
    if (memory_arm_code(c->env.memory, &bc->watcher, ram, p->offset))
        set_young(bc, p);
    forget_writes(c, host);
    return p;
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
    link_stubs(engine(bc), b->recs, bc->n);
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
    b->recs[1].fn = engine(bc)->count;
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
    int32_t start, end;  /* offsets of the first and behind the last byte */
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
            find_block(bc, b->page + offset, b->mode))
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
    host = fetch_page(b->c, isa_address(b->c, b->va + PAGE_SIZE), &ram,
                      &whole);
    if (!host)
        return false;
    *second = arm_page(bc, host, ram);
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

static struct block *build(struct cpu *c, const uint8_t *host,
                           struct ram *ram, uint32_t mode,
                           unsigned max_insns)
{
    struct block_cache *bc = c->blocks;
    int32_t start = (int32_t)(c->pc & ~PAGE_MASK);
    struct builder b = {c,    host - start, c->pc & PAGE_MASK, mode,
                        max_insns, start, start};
    struct code_page *p = arm_page(bc, b.page, ram), *second;
    struct block *out = NULL;

    bc->n = 0;
    bc->kind = FLAGS_IN_CPU;
    append(bc, h_head, start, 0);
    if (p && decode(bc, &b, p, &second)) {
        if (second) {
            append(bc, engine(bc)->straddle, start, 0);
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

/* ------------------------------------------------------------- the way in */

/*
 * The block of one instruction, used once: only a part of the page may be
 * executed, so that each instruction, and each piece of it, is looked at
 * when its turn comes.
 */
static struct block *build_guarded(struct cpu *c, const uint8_t *host,
                                   struct ram *ram, uint32_t mode)
{
    struct block *b = build(c, host, ram, mode, 1);
    unsigned length = b ? c->blocks->insns[0].length : 0;
    unsigned step = c->class->isa->align;
    struct translation t;

    for (unsigned n = step; n < length; n += step) {
        if (((c->pc + n) ^ c->pc) & PAGE_MASK)
            break; /* decode_straddle() has been there */
        if (!c->class->translate(c, c->pc + n, 1, ACCESS_FETCH, false, &t))
            return NULL;
    }
    return b;
}

static struct block *find_or_build(struct cpu *c, unsigned max_insns)
{
    struct block_cache *bc = c->blocks;
    struct tlb_entry *e = &c->fetch[fetch_index(c->pc)];
    uint32_t mode = c->class->mode(c);
    const uint8_t *host = NULL;
    struct block *b = NULL;
    struct ram *ram;
    bool whole;

    if (e->tag == ((c->pc & PAGE_MASK) | c->fetch_context) ||
        tlb_from_global(c, e, c->pc, ACCESS_FETCH)) {
        host = tlb_host(e, c->pc);
        if (max_insns >= BLOCK_MAX_INSNS)
            b = find_block(bc, host, mode);
        if (b)
            return b;
    }
    host = fetch_page(c, c->pc, &ram, &whole);
    if (!host)
        return NULL;
    if (!whole)
        return build_guarded(c, host, ram, mode);
    if (max_insns >= BLOCK_MAX_INSNS)
        b = find_block(bc, host, mode);
    return b ? b : build(c, host, ram, mode, max_insns);
}

/* See that a straddling block's second page is the one it was decoded
 * from, and make h_straddle find it. */
static bool straddle_valid(struct cpu *c, const struct block *b)
{
    struct ram *ram;
    bool whole;
    const uint64_t next = (c->pc & PAGE_MASK) + PAGE_SIZE;
    const uint8_t *host = fetch_page(c, isa_address(c, next), &ram, &whole);

    return host && host == b->second;
}

/* A link asked to be patched: do so if its target is in the same page. */
static void patch_link(struct cpu *c, struct block *b)
{
    struct rec *link = c->patch;
    const struct rec *head = link;
    const struct block *from;

    c->patch = NULL;
    while (head->fn != h_head)
        head--;
    from = (const struct block *)(uintptr_t)head->data;
    if (((uintptr_t)from->host ^ (uintptr_t)b->host) & PAGE_MASK ||
        from->mode != b->mode || c->no_chain ||
        c->page + (uint64_t)(int64_t)link->target != c->pc)
        return;
    link->next = &b->recs[1];
}

const struct rec *block_find(struct cpu *c, unsigned max_insns)
{
    struct block_cache *bc = c->blocks;
    struct block *b = find_or_build(c, max_insns);
    bool keep = max_insns >= BLOCK_MAX_INSNS;

    if (b && b->second && !straddle_valid(c, b)) {
        struct code_page *p =
            find_page(bc, b->host - (c->pc & ~PAGE_MASK));

        if (c->pending_exception)
            return NULL;
        pthread_mutex_lock(&bc->lock);
        drop_page(bc, p);
        pthread_mutex_unlock(&bc->lock);
        jcache_empty(c);
        b = find_or_build(c, max_insns);
        if (b && b->second && !straddle_valid(c, b))
            b = NULL;
    }
    if (!b)
        return NULL;
    keep = keep && b != bc->single;
    c->page = c->pc & PAGE_MASK;
    if (keep) {
        jcache_add(c, c->pc, &b->recs[1]);
        if (c->patch)
            patch_link(c, b);
    }
    c->patch = NULL;
    /* The second page was just checked: pass over h_straddle. */
    return &b->recs[b->second ? 3 : 1];
}

/* ------------------------------------------------------------- life cycle */

bool block_cache_new(struct cpu *c, struct error *e)
{
    struct block_cache *bc = calloc(1, sizeof(*bc));

    if (!bc)
        return error_set(e, "no memory for the block cache");
    bc->cpu = c;
    pthread_mutex_init(&bc->lock, NULL);
    bc->watcher.wrote = code_wrote;
    bc->watcher.armed = code_armed;
    bc->watcher.settled = code_settled;
    bc->watcher.owner = bc;
    memory_watch_code(c->env.memory, &bc->watcher);
    c->blocks = bc;
    return true;
}

void block_cache_free(struct cpu *c)
{
    struct block_cache *bc = c->blocks;

    if (!bc)
        return;
    memory_unwatch_code(c->env.memory, &bc->watcher);
    drop_everything(bc);
    free_blocks(bc, &bc->dead);
    free_blocks(bc, &bc->single);
    pthread_mutex_destroy(&bc->lock);
    free(bc->queue);
    free(bc);
    c->blocks = NULL;
}

void block_stats(const struct cpu *c, uint64_t *blocks, uint64_t *bytes,
                 uint64_t *built, uint64_t *invalidated)
{
    *blocks = c->blocks->blocks;
    *bytes = c->blocks->bytes;
    *built = c->blocks->built;
    *invalidated = c->blocks->invalidated;
}
