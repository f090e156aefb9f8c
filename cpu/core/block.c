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
#include <stdlib.h>

#include "cpu/core/block_priv.h"

/* Records and tables of all blocks together; then everything is dropped. */
#define CACHE_LIMIT ((size_t)14 << 20)

/* See block_priv.h. */
void block_head(void)
{
}

/* --------------------------------------------------------------- look-up */

static unsigned page_hash(const uint8_t *host)
{
    uintptr_t h = (uintptr_t)host >> PAGE_BITS;

    return (unsigned)(h ^ h >> 10) & (PAGE_HASH_SIZE - 1);
}

static struct code_page *find_page(struct block_cache *bc, const uint8_t *host)
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

    while (head->fn != block_head)
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

    while (r->fn != block_head)
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

void block_link_stubs(const struct engine_handlers *e, struct rec *recs,
                      unsigned n)
{
    for (unsigned i = 1; i < n; i++)
        if (recs[i].fn == e->stub_near || recs[i].fn == e->stub_far)
            recs[i - 1].next = &recs[i];
}

struct rec *block_shadow(struct cpu *c, const struct rec *r)
{
    struct block *b = (struct block *)(uintptr_t)r[-1].data;
    const size_t size = b->size,
                 at = (size_t)((char *)b->positions - (char *)b);
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
    block_link_stubs(c->class->isa->engine, s->recs,
                     (unsigned)((struct rec *)s->positions - s->recs));
    return &s->recs[1];
}

unsigned block_flag_kind(const struct cpu *c, const struct rec *r)
{
    unsigned kind = position(r)->kind;

    return kind == FLAGS_IN_CPU ? c->flag_kind : kind;
}

void cpu_pack_flags(struct cpu *c)
{
    const struct isa *isa = c->class->isa;

    if (!isa->flags)
        return;
    c->flag_a = isa->engine->flag_bits(c->flag_kind, c->flag_a, c->flag_b);
    c->flag_b = 0;
    c->flag_kind = FLAGS_BITS;
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
static void invalidate(struct block_cache *bc, struct ram *ram, uint64_t offset)
{
    struct code_page *p = find_page(bc, ram->host + offset);

    if (!p)
        return;
    drop_page(bc, p);
    jcache_empty(bc->cpu);
}

static bool queue_write(struct block_cache *bc, struct ram *ram, uint64_t page)
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
static bool hits_code(struct block_cache *bc, struct ram *ram, uint64_t offset,
                      uint64_t end)
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
        unsigned head =
            (unsigned)(PAGE_SIZE - ((uintptr_t)b->host & ~PAGE_MASK));

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

    if (r[-1].fn == block_head && e->code && e->samples < c->jit->samples &&
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
        memory_wrote(c->env.memory, c->late_ram, c->late_offset, c->late_size);
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

/* ---------------------------------------------------------------- arming */

struct code_page *block_arm_page(struct block_cache *bc, const uint8_t *host,
                                 struct ram *ram)
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

/* ------------------------------------------------------------- the way in */

/*
 * The block of one instruction, used once: only a part of the page may be
 * executed, so that each instruction, and each piece of it, is looked at
 * when its turn comes.
 */
static struct block *build_guarded(struct cpu *c, const uint8_t *host,
                                   struct ram *ram, uint32_t mode)
{
    struct block *b = block_build(c, host, ram, mode, 1);
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
            b = block_lookup(bc, host, mode);
        if (b)
            return b;
    }
    host = block_fetch_page(c, c->pc, &ram, &whole);
    if (!host)
        return NULL;
    if (!whole)
        return build_guarded(c, host, ram, mode);
    if (max_insns >= BLOCK_MAX_INSNS)
        b = block_lookup(bc, host, mode);
    return b ? b : block_build(c, host, ram, mode, max_insns);
}

/* See that a straddling block's second page is the one it was decoded
 * from, and make h_straddle find it. */
static bool straddle_valid(struct cpu *c, const struct block *b)
{
    struct ram *ram;
    bool whole;
    const uint64_t next = (c->pc & PAGE_MASK) + PAGE_SIZE;
    const uint8_t *host =
        block_fetch_page(c, isa_address(c, next), &ram, &whole);

    return host && host == b->second;
}

/* A link asked to be patched: do so if its target is in the same page. */
static void patch_link(struct cpu *c, struct block *b)
{
    struct rec *link = c->patch;
    const struct rec *head = link;
    const struct block *from;

    c->patch = NULL;
    while (head->fn != block_head)
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
        struct code_page *p = find_page(bc, b->host - (c->pc & ~PAGE_MASK));

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
