/*
 * What the files of the block cache share: block.c, which finds, links and
 * invalidates blocks, and block_build.c, which builds them.
 */
#ifndef CPU_CORE_BLOCK_PRIV_H
#define CPU_CORE_BLOCK_PRIV_H

#include "cpu/core/engine.h"

#define HASH_BITS 15
#define HASH_SIZE (1u << HASH_BITS)
#define PAGE_HASH_SIZE 1024u
#define GRANULE_BITS 6 /* 64 of 64 bytes in a page */
#define MAX_RECORDS (BLOCK_MAX_INSNS * 6 + 8)
/* Straddling blocks that one page can end; more drop their pages. */
#define MAX_STRADDLES 4

struct block {
    struct block *hash_next, *page_next;
    const uint8_t *host; /* of the first byte */
    uint32_t mode;
    uint32_t size;         /* bytes of this allocation */
    const uint8_t *second; /* host page of a straddling instruction's tail */
    struct position *positions;
    const uint8_t *bytes; /* that it was decoded from */
    unsigned n_bytes;
    struct block *shadow;         /* see block_shadow(), or NULL */
    const struct block *original; /* of a shadow, else NULL */
    struct block_entry entry;
    struct rec recs[]; /* [0] is the head */
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
void block_head(void);

static inline unsigned block_hash(const uint8_t *host, uint32_t mode)
{
    uint64_t h = ((uint64_t)(uintptr_t)host >> 1) + mode;

    return (unsigned)(h * 0x9e3779b97f4a7c15u >> (64 - HASH_BITS));
}

/* The block that starts there, or NULL. */
static inline struct block *block_lookup(struct block_cache *bc,
                                         const uint8_t *host, uint32_t mode)
{
    struct block *b = bc->hash[block_hash(host, mode)];

    while (b && (b->host != host || b->mode != mode))
        b = b->hash_next;
    return b;
}

static inline const struct engine_handlers *
block_engine(const struct block_cache *bc)
{
    return bc->cpu->class->isa->engine;
}

/* Records that lead to a stub get its address. */
void block_link_stubs(const struct engine_handlers *e, struct rec *recs,
                      unsigned n);
/* The page's entry, made and armed if it is new; NULL: no memory. */
struct code_page *block_arm_page(struct block_cache *bc, const uint8_t *host,
                                 struct ram *ram);

/* -- block_build.c -- */

/* Host address of va to fetch from, through the fetch TLB; the RAM that it
 * lies in; whether what holds for va holds for all of its page.  NULL: an
 * exception is pending. */
const uint8_t *block_fetch_page(struct cpu *c, uint64_t va, struct ram **ram,
                                bool *whole);
/* The block at c->pc, which is at `host`, of at most so many instructions; one
 * of fewer than BLOCK_MAX_INSNS is used once.  NULL: an exception is pending,
 * or (with bc->flush set) there is no memory. */
struct block *block_build(struct cpu *c, const uint8_t *host, struct ram *ram,
                          uint32_t mode, unsigned max_insns);

#endif
