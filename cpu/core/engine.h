/*
 * The interpreter engine: records, blocks, and what handlers are made of.
 *
 * A decoded block is an array of records.  A handler does one instruction
 * and jumps to the next record's handler (a sibling call, so that a hot
 * handler neither calls nor returns).  Included by cpu/core/, by generated
 * code and by the guests' folders; nothing above cpu/ sees it.
 *
 * Nothing virtual is in a record: blocks are keyed by physical page and
 * mode, and addresses are offsets from cpu->page.
 */
#ifndef CPU_CORE_ENGINE_H
#define CPU_CORE_ENGINE_H

#include "base/bytes.h"
#include "cpu/core/cpu.h"

/*
 * ENGINE_TAIL: handlers tail-dispatch.  Without optimisation, and under
 * sanitizers, the compiler may not turn the calls into jumps; then a loop
 * calls the handlers one by one.
 */
#ifndef ENGINE_TAIL
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) &&               \
    !defined(__SANITIZE_THREAD__) && !defined(ENGINE_SANITIZED)
#define ENGINE_TAIL 1
#else
#define ENGINE_TAIL 0
#endif
#endif

#if ENGINE_TAIL
typedef void rec_fn(struct cpu *c, const struct rec *r, int64_t budget);
#else
typedef const struct rec *rec_fn(struct cpu *c, const struct rec *r,
                                 int64_t *budget_p);
#endif

/*
 * An instruction: handler and operands.  A link (behind an exit): the next
 * record, the instructions retired from the block's start to this exit, and
 * the target's offset from cpu->page.
 */
struct rec {
    union {
        rec_fn *fn;
        const struct rec *next;
    };
    union {
        struct {
            uint8_t a, b, c, d;
            int32_t imm;
        };
        struct {
            int32_t count, target;
        };
        uint64_t data; /* of a data record */
    };
};

/* ------------------------------------------------- writing a handler */

#if ENGINE_TAIL
/* Not inlined: a slow twin's calls would give the fast one a frame. */
#define HANDLER(name)                                                        \
    static __attribute__((noinline)) void name(                              \
        struct cpu *c, const struct rec *r, int64_t budget)
#define HANDLER_ENTER (void)budget
#if defined(__clang__)
#define ENGINE_JUMP(f, rr)                                                   \
    __attribute__((musttail)) return (f)(c, (rr), budget)
#else
#define ENGINE_JUMP(f, rr)                                                   \
    do {                                                                     \
        (f)(c, (rr), budget);                                                \
        return;                                                              \
    } while (0)
#endif
/* Go on at record rr. */
#define NEXT(rr)                                                             \
    do {                                                                     \
        const struct rec *next_ = (rr);                                      \
        ENGINE_JUMP(next_->fn, next_);                                       \
    } while (0)
#define SLOW(twin) ENGINE_JUMP(twin, r)
#define LEAVE return
#else
#define HANDLER(name)                                                        \
    static const struct rec *name(struct cpu *c, const struct rec *r,        \
                                  int64_t *budget_p)
#define HANDLER_ENTER                                                        \
    int64_t budget = *budget_p;                                              \
    (void)budget
#define NEXT(rr)                                                             \
    do {                                                                     \
        *budget_p = budget;                                                  \
        return (rr);                                                         \
    } while (0)
#define SLOW(twin) return twin(c, r, budget_p)
#define LEAVE return NULL
#endif

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* What jump cache entries are made under. */
#define JUMP_CONTEXT(fetch, mode) ((fetch) | (uint64_t)(mode) * TLB_CONTEXTS)

/* Before anything that may want the exact pc or instruction count. */
#define SYNC()                                                               \
    do {                                                                     \
        c->cur = r;                                                          \
        c->budget = budget;                                                  \
    } while (0)
/* Back to the run loop, to resume (or fault) at record rr. */
#define LEAVE_AT(rr)                                                         \
    do {                                                                     \
        c->cur = (rr);                                                       \
        c->budget = budget;                                                  \
        LEAVE;                                                               \
    } while (0)
/* Back to the run loop with the pc in c->pc, through the exit of link l. */
#define LEAVE_PC(l)                                                          \
    do {                                                                     \
        c->cur = NULL;                                                       \
        c->budget = budget - (l)->count;                                     \
        LEAVE;                                                               \
    } while (0)
/* After a slow path within an instruction: on, or out if it asked so. */
#define NEXT_CHECKED(rr)                                                     \
    do {                                                                     \
        if (unlikely(c->leave))                                              \
            LEAVE_AT(rr);                                                    \
        NEXT(rr);                                                            \
    } while (0)

/* Leave the block by link l: poll, then on. */
#define EXIT_DIRECT(l)                                                       \
    do {                                                                     \
        const struct rec *link_ = (l);                                       \
        budget -= link_->count;                                              \
        if (unlikely(budget < 0)) {                                          \
            c->pc = c->page + (int64_t)link_->target;                        \
            c->cur = NULL;                                                   \
            c->budget = budget;                                              \
            LEAVE;                                                           \
        }                                                                    \
        NEXT(link_->next);                                                   \
    } while (0)

static inline unsigned jcache_set(uint64_t pc)
{
    return (unsigned)(pc >> PAGE_BITS << JCACHE_SET_BITS) & (JCACHE_SIZE - 1);
}

static inline unsigned jcache_index(uint64_t pc)
{
    return jcache_set(pc) |
           (unsigned)((pc >> 1 ^ pc >> (1 + JCACHE_SET_BITS)) &
                      ((1u << JCACHE_SET_BITS) - 1));
}

/* Leave the block for virtual address `to`; l holds the count. */
#define EXIT_INDIRECT(l, to)                                                 \
    do {                                                                     \
        const uint64_t to_ = (to);                                           \
        const struct jcache_entry *e_ = &c->jcache[jcache_index(to_)];       \
        budget -= (l)->count;                                                \
        if (unlikely(e_->pc != to_ || e_->context != c->jump_context ||     \
                     budget < 0)) {                                          \
            c->pc = to_;                                                     \
            c->cur = NULL;                                                   \
            c->budget = budget;                                              \
            ENGINE_LOOK_UP;                                                  \
        }                                                                    \
        c->page = to_ & PAGE_MASK;                                           \
        NEXT(e_->rec);                                                       \
    } while (0)
/* A miss of the jump cache goes through the run loop. */
#define ENGINE_LOOK_UP LEAVE

/* -------------------------------------------------- memory in handlers */

static inline unsigned tlb_index(uint64_t va)
{
    return (unsigned)(va >> PAGE_BITS) & (TLB_SIZE - 1);
}

static inline unsigned fetch_index(uint64_t va)
{
    return (unsigned)(va >> PAGE_BITS) & (FETCH_TLB_SIZE - 1);
}

/* The check also rejects an access that crosses a page. */
#define TLB_MISS(t, va, size)                                                \
    unlikely(((((va) + ((size) - 1)) & PAGE_MASK) | c->data_context) !=      \
             (t)->tag)

static inline void *tlb_host(const struct tlb_entry *t, uint64_t va)
{
    return (void *)(t->addend + (uintptr_t)va);
}

/*
 * Slow twins: the value of a load is left in *out, which must not be a
 * local of the handler (an escaping local would forbid the sibling call).
 */
#define ENGINE_SCRATCH (c->scratch)

/* ---------------------------------------------------------- the decoder */

/* A decoded instruction, as the generated decoder returns it. */
struct insn {
    uint16_t row;     /* whose semantics; 0: undefined */
    uint16_t text;    /* row that names it in a disassembly */
    uint8_t length;   /* bytes */
    uint8_t reg[4];   /* register numbers and small fields, a to d */
    int64_t imm;      /* immediate */
    uint64_t bits;    /* the encoding, for `undefined` and the disassembler */
};

enum row_flags {
    ROW_END = 1 << 0,    /* never falls through */
    ROW_BRANCH = 1 << 1, /* one direct exit, may fall through */
    ROW_JUMP = 1 << 2,   /* one direct exit, always taken */
    ROW_INDIRECT = 1 << 3,
    ROW_MODE = 1 << 4,   /* returns to the run loop afterwards */
    ROW_CALLS = 1 << 5,  /* through a helper */
    ROW_LOADS = 1 << 6,
    ROW_STORES = 1 << 7,
    ROW_PC = 1 << 8,     /* imm is relative to pc: an offset in records */
    ROW_LINK = 1 << 9,   /* carries nextpc's offset in a data record */
    ROW_FP = 1 << 10,
};

struct isa_row {
    const char *name;
    uint32_t flags;
    uint32_t line;   /* in the .isa file */
    rec_fn *fn;      /* NULL: an alias */
};

/* Two rows that run as one handler.  The second body may read what the
 * first wrote from a local, where the operands are the same register. */
struct isa_fusion {
    uint16_t first, second;
    uint8_t written; /* which operand of the first */
    rec_fn *plain;   /* body 1, body 2 */
    struct {
        uint8_t read; /* which operand of the second */
        rec_fn *fn;   /* NULL: none */
    } passes[2];
};

/* A helper by number, as IR calls it: arguments as 64-bit values, result in
 * cpu->scratch; false: an exception is pending. */
struct isa_helper {
    const char *name;
    bool (*fn)(struct cpu *c, const uint64_t *args);
    unsigned n_args;
    bool mode; /* may change what decoding or translation depends on */
};

struct ir;

struct isa {
    const char *name;
    unsigned max_length, align; /* bytes of an instruction; of its address */
    const struct isa_row *rows;
    unsigned n_rows;
    const struct isa_fusion *fusions; /* sorted by first, second */
    unsigned n_fusions;
    /*
     * Decode from the `avail` bytes at p.  Returns false if more bytes are
     * needed.  An undefined encoding gives row 0.
     */
    bool (*decode)(const struct cpu *c, const uint8_t *p, unsigned avail,
                   struct insn *out);
    /* Text of i at address pc, at most size bytes with the NUL. */
    void (*disassemble)(const struct insn *i, uint64_t pc, char *out,
                        size_t size);
    /* Append the IR of i, whose address is cpu->page + offset. */
    void (*lift)(struct ir *ir, const struct insn *i, int32_t offset);
    const struct isa_helper *helpers;
};

/* ------------------------------------------------ the engine's functions */

#define BLOCK_MAX_INSNS 64

struct block_cache;

bool block_cache_new(struct cpu *c, struct error *e);
void block_cache_free(struct cpu *c);
/* Forget all blocks (at the next return to the run loop). */
void block_cache_flush(struct cpu *c);
/*
 * The block at c->pc: its first record, with c->page set.  At most
 * max_insns instructions, when that is below BLOCK_MAX_INSNS (such a block
 * is not kept).  NULL: an exception is pending.
 */
const struct rec *block_find(struct cpu *c, unsigned max_insns);
/* Free what was invalidated; no record is in use. */
void block_cache_quiesce(struct cpu *c);

/* Where record r stands: offset from c->page and instructions before it. */
void block_position(const struct rec *r, int32_t *offset, int32_t *count);
/* Records of a block, for tests: build one for exactly these bytes. */
const struct rec *block_build_for_test(struct cpu *c, const uint8_t *bytes,
                                       unsigned size);
void block_stats(const struct cpu *c, uint64_t *blocks, uint64_t *bytes,
                 uint64_t *built, uint64_t *invalidated);

/* Slow twins: cpu_load() into c->scratch, cpu_store(). */
bool engine_load(struct cpu *c, const struct rec *r, int64_t budget,
                 uint64_t va, unsigned size);
bool engine_store(struct cpu *c, const struct rec *r, int64_t budget,
                  uint64_t va, unsigned size, uint64_t value);

/* Enter handlers at r with c->slice as budget; back when one leaves. */
void engine_enter(struct cpu *c, const struct rec *r);

#endif
