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

#include "base/ram_access.h"
#include "cpu/core/cpu.h"

/*
 * ENGINE_TAIL: handlers tail-dispatch.  Without optimisation, and under
 * sanitizers, the compiler may not turn the calls into jumps; then a loop
 * calls the handlers one by one.  So, too, where a fifth argument lies in a
 * register that its callee must preserve (s390x, r6): lazy flags are two more.
 */
#ifndef ENGINE_TAIL
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) &&               \
    !defined(__SANITIZE_THREAD__) && !defined(ENGINE_SANITIZED) &&           \
    !(defined(__s390x__) && defined(ENGINE_FLAGS))
#define ENGINE_TAIL 1
#else
#define ENGINE_TAIL 0
#endif
#endif

/* A handler as a record keeps it: called as a handler_fn, see below. */
typedef void rec_fn(void);

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

/*
 * What handlers hand on beside record and budget.  A guest with lazy flags
 * (cpu/isa/README.md) defines ENGINE_FLAGS before it includes this header:
 * then two values, fa and fb, travel in further arguments.  They are in
 * cpu->flag_a and flag_b whenever no handler runs; what they mean, their
 * kind, is known when a block is decoded and stored at its exits.  The
 * handlers of one guest are all of one form, the engine's own included
 * (special.h).
 */
#ifdef ENGINE_FLAGS
#define ENGINE_PARAMS , uint64_t fa, uint64_t fb
#define ENGINE_PASS , fa, fb
#define ENGINE_FETCH , c->flag_a, c->flag_b
#define ENGINE_KEEP (void)(c->flag_a = fa, c->flag_b = fb)
#define ENGINE_LOCALS                                                          \
    uint64_t fa = c->flag_a, fb = c->flag_b;                                   \
    (void)fa;                                                                  \
    (void)fb
#define ENGINE_UNUSED (void)fa, (void)fb
#else
#define ENGINE_PARAMS
#define ENGINE_PASS
#define ENGINE_FETCH
#define ENGINE_KEEP (void)0
#define ENGINE_LOCALS (void)0
#define ENGINE_UNUSED (void)0
#endif
/* Where addresses have fewer than 64 bits: a target, cut to them. */
#ifdef ENGINE_PC
#define ENGINE_WRAPS true
#else
#define ENGINE_WRAPS false
#define ENGINE_PC(c, pc) (pc)
#endif
/* A guest may want to know that c->page has changed; if all that it does is to
 * keep a copy, ENGINE_PAGE_SLOT is where that lies in its struct. */
#ifndef ENGINE_NEW_PAGE
#define ENGINE_NEW_PAGE(c) (void)0
#endif

/* A guest's handlers may be in several files. */
#ifndef HANDLER_LINKAGE
#define HANDLER_LINKAGE static
#endif

/*
 * On x86-64 the fourth argument stands for nothing: its register, rcx, is what
 * shifts want and compilers take early for temporaries, and what travels there
 * is moved out of their way and back by half of the handlers.
 */
#if ENGINE_TAIL && defined(__x86_64__)
#define ENGINE_SPARE , uint64_t spare
#define ENGINE_NO_SPARE , spare_
#define ENGINE_ANYTHING(x) __asm__("" : "=r"(x))
#define ENGINE_SPARE_UNUSED (void)spare
#else
#define ENGINE_SPARE
#define ENGINE_NO_SPARE
#define ENGINE_ANYTHING(x) (void)(x)
#define ENGINE_SPARE_UNUSED (void)0
#endif

#if ENGINE_TAIL
typedef void handler_fn(struct cpu *c, const struct rec *r,
                        int64_t budget ENGINE_SPARE ENGINE_PARAMS);
/* Not inlined: a slow twin's calls would give the fast one a frame. */
#define HANDLER(name)                                                          \
    HANDLER_LINKAGE __attribute__((noinline)) void name(                                \
        struct cpu *c, const struct rec *r,                                    \
        int64_t budget ENGINE_SPARE ENGINE_PARAMS)
#define HANDLER_ENTER (void)budget, ENGINE_SPARE_UNUSED, ENGINE_UNUSED
#if defined(__clang__)
#define ENGINE_TAIL_CALL __attribute__((musttail)) return
#define ENGINE_TAIL_END (void)0
#else
#define ENGINE_TAIL_CALL
#define ENGINE_TAIL_END return
#endif
#define ENGINE_JUMP(f, rr)                                                     \
    do {                                                                       \
        uint64_t spare_ = 0;                                                   \
        ENGINE_ANYTHING(spare_);                                               \
        ENGINE_TAIL_CALL ((handler_fn *)(f))(                                  \
            c, (rr), budget ENGINE_NO_SPARE ENGINE_PASS);              \
        ENGINE_TAIL_END;                                                       \
    } while (0)
/* Go on at record rr. */
#define NEXT(rr)                                                               \
    do {                                                                       \
        const struct rec *next_ = (rr);                                        \
        ENGINE_JUMP(next_->fn, next_);                                         \
    } while (0)
#define SLOW(twin) ENGINE_JUMP(twin, r)
#define LEAVE return
#else
typedef const struct rec *handler_fn(struct cpu *c, const struct rec *r,
                                     int64_t *budget_p);
#define ENGINE_JUMP(f, rr)                                                     \
    do {                                                                       \
        *budget_p = budget;                                                    \
        ENGINE_KEEP;                                                           \
        return ((handler_fn *)(f))(c, (rr), budget_p);                         \
    } while (0)
#define HANDLER(name)                                                          \
    HANDLER_LINKAGE const struct rec *name(struct cpu *c, const struct rec *r,          \
                                  int64_t *budget_p)
#define HANDLER_ENTER                                                          \
    int64_t budget = *budget_p;                                                \
    ENGINE_LOCALS;                                                             \
    (void)budget, (void)c
#define NEXT(rr)                                                               \
    do {                                                                       \
        *budget_p = budget;                                                    \
        ENGINE_KEEP;                                                           \
        return (rr);                                                           \
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
        ENGINE_KEEP;                                                     \
    } while (0)
/* Back to the run loop, to resume (or fault) at record rr. */
#define LEAVE_AT(rr)                                                         \
    do {                                                                     \
        c->cur = (rr);                                                       \
        c->budget = budget;                                                  \
        ENGINE_KEEP;                                                         \
        LEAVE;                                                               \
    } while (0)
/* Back to the run loop with the pc in c->pc, through the exit of link l. */
#define LEAVE_PC(l)                                                          \
    do {                                                                     \
        c->cur = NULL;                                                       \
        c->budget = budget - (l)->count;                                     \
        ENGINE_KEEP;                                                         \
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
            c->pc = ENGINE_PC(c, c->page + (int64_t)link_->target);          \
            c->cur = NULL;                                                   \
            c->budget = budget;                                              \
            ENGINE_KEEP;                                                     \
            LEAVE;                                                           \
        }                                                                    \
        NEXT(link_->next);                                                   \
    } while (0)

static inline unsigned jcache_index(uint64_t pc)
{
    return (unsigned)(pc >> 1) & (JCACHE_SIZE - 1);
}

/* The entry that pc may have; said by its place in bytes, so that compilers
 * keep one register for it. */
static inline const struct jcache_entry *jcache_find(const struct cpu *c,
                                                     uint64_t pc)
{
    const size_t size = sizeof(struct jcache_entry);
    const size_t at = size & (size - 1)
                          ? jcache_index(pc) * size
                          : (size_t)pc * (size / 2) & (JCACHE_SIZE - 1) * size;

    return (const struct jcache_entry *)((const char *)c->jcache + at);
}

/* Leave the block for virtual address `to`; l holds the count. */
#define EXIT_INDIRECT(l, to)                                                 \
    do {                                                                     \
        const uint64_t to_ = (to);                                           \
        const struct jcache_entry *e_ = jcache_find(c, to_);                 \
        budget -= (l)->count;                                                \
        if (unlikely(e_->pc != to_ || e_->context != c->jump_context ||     \
                     budget < 0)) {                                          \
            c->pc = to_;                                                     \
            c->cur = NULL;                                                   \
            c->budget = budget;                                              \
            ENGINE_KEEP;                                                     \
            ENGINE_LOOK_UP;                                                  \
        }                                                                    \
        c->page = to_ & PAGE_MASK;                                           \
        ENGINE_NEW_PAGE(c);                                                  \
        NEXT(e_->rec);                                                       \
    } while (0)
/* The same in two steps: is e, looked up before anything is committed, not to
 * be taken?  Then a slow twin does it all.  Else leave by e. */
#define JUMP_MISS(e, to, l)                                                  \
    unlikely((e)->pc != (to) || (e)->context != c->jump_context ||           \
             budget < (l)->count)
#define EXIT_FOUND(l, e, to)                                                 \
    do {                                                                     \
        budget -= (l)->count;                                                \
        c->page = (to) & PAGE_MASK;                                          \
        ENGINE_NEW_PAGE(c);                                                  \
        NEXT((e)->rec);                                                      \
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

/*
 * In front of the TLB: the page that each register was last used for as a
 * base, whose address on the host so does not wait for the look-up.  Aligned
 * accesses only, which cross no page.
 */
#define NEAR_MISS(near, slot, va, size)                                        \
    unlikely(((va) & (PAGE_MASK | ((size) - 1))) != (near)->page[slot])
#define NEAR_NOTE(near, slot, va, e)                                           \
    ((near)->page[slot] = (va) & PAGE_MASK,                                    \
     (near)->addend[slot] = (e)->addend)

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

/* Where a constant of an instruction goes and what it means. */
enum insn_fact {
    INSN_IMM_PC = 1 << 0,   /* imm is relative to the instruction */
    INSN_DATA = 1 << 1,     /* `data` goes into a data record */
    INSN_EXTRA = 1 << 2,    /* `extra` goes to cpu->extra beforehand */
    INSN_EXTRA_PC = 1 << 3, /* it is relative to the instruction */
};

/* A decoded instruction, as the generated decoder returns it. */
struct insn {
    uint16_t row;   /* whose semantics; 0: undefined */
    uint16_t text;  /* row that names it in a disassembly */
    uint8_t length; /* bytes */
    uint8_t reg[4]; /* register numbers and small fields, a to d */
    uint8_t facts;  /* enum insn_fact */
    uint32_t mode;  /* that it was decoded in, where the guest wants it */
    int64_t imm;    /* immediate */
    uint64_t data, extra;
    union {
        uint64_t bits; /* the encoding, for `undefined`, the disassembler */
        uint8_t bytes[16]; /* where instructions are strings of bytes */
    };
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
    ROW_LINK = 1 << 9,   /* carries nextpc's offset in imm */
    ROW_FP = 1 << 10,
    ROW_ATOMIC = 1 << 15,
    ROW_WIDE = 1 << 11,  /* imm is a target's offset, kept in a data record */
    ROW_EXACT = 1 << 12, /* may fault or be left: all flags count as used */
    ROW_KIND = 1 << 13,  /* wants the kind of the flags in d */
};

/* Kinds of lazy flags: FLAGS_IN_CPU, FLAGS_BITS, then the guest's own. */
#define FLAGS_IN_CPU 0 /* the kind is in cpu->flag_kind */
#define FLAGS_BITS 1   /* fa holds the flags themselves */
#define FLAGS_SAME 255 /* of a row that leaves kind and values alone */

/*
 * What a row has to do with the lazy flags.  There are two handlers: one
 * for when some flag in `merges` is used afterwards (live), one for when none
 * is (dead).  Each may differ by the kind of the flags before it.
 */
struct isa_flow {
    uint16_t uses;   /* flags that decide what it does */
    uint16_t sets;   /* flags that it gives new values in any case */
    uint16_t merges; /* flags that cost something to give; 0: none */
    uint8_t kind[2]; /* of the flags behind it: live, dead */
    /* Handlers by kind, NULL where there is none; live, dead.  NULL: the
     * row's own, for every kind. */
    rec_fn *const *by_kind[2];
};

struct isa_row {
    const char *name;
    uint32_t flags;
    uint32_t line; /* in the .isa file */
    rec_fn *fn;    /* NULL: an alias */
    const struct isa_flow *flow; /* NULL: nothing to do with flags */
    uint16_t role[2]; /* its numbers in pairs: as first, as second; 0: none */
};

struct isa;

/* Two rows that run as one handler.  The second body may read what the
 * first wrote from a local, where the operands are the same register. */
struct isa_fusion {
    uint16_t first, second; /* roles */
    uint8_t written; /* which operand of the first */
    rec_fn *plain;   /* body 1, body 2 */
    struct {
        uint8_t read; /* which operand of the second */
        rec_fn *fn;   /* NULL: none */
    } passes[2];
};

/* The pair of these rows, or NULL. */
const struct isa_fusion *isa_find_fusion(const struct isa *isa, unsigned first,
                                         unsigned second);

/* A helper by number, as IR calls it: arguments as 64-bit values, result in
 * cpu->scratch; false: an exception is pending. */
struct isa_helper {
    const char *name;
    bool (*fn)(struct cpu *c, const uint64_t *args);
    unsigned n_args;
    bool mode; /* may change what decoding or translation depends on */
};

/* Is what the row has to give not used, where `live` are the flags that are
 * used behind it? */
static inline bool flow_dead(const struct isa_flow *flow, uint16_t live)
{
    return flow->merges && !(flow->merges & live);
}

struct ir;
struct ir_guest;

/* The engine's own handlers in the guest's form (special.h). */
struct engine_handlers {
    rec_fn *stub_near, *stub_far, *go, *undefined, *straddle, *extra;
    rec_fn *count; /* in front of a block that may be compiled */
    rec_fn *kind, *pack; /* NULL where there are no lazy flags */
    /* The flags that two values of a kind stand for; NULL likewise. */
    uint64_t (*flag_bits)(uint32_t kind, uint64_t a, uint64_t b);
    uint32_t page_slot; /* where the guest has a copy of page; 0: nowhere */
    bool wraps;         /* addresses wrap as ENGINE_PC says */
    /* Enter handlers at r with c->slice as budget; back when one leaves. */
    void (*enter)(struct cpu *c, const struct rec *r);
};

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
    const struct ir_guest *ir; /* for the printer and the evaluator */
    const struct engine_handlers *engine;
    /* Slots of 64 bits that a translator should keep in host registers, the
     * hottest first. */
    const uint32_t *hot_slots;
    unsigned n_hot_slots;
    uint16_t flags; /* all lazy flags, as bits of isa_flow; 0: none */
    uint64_t addresses; /* how many there are: behind the last comes the
                           first; 0: 2^64, or the guest's own business */
};

/* The lazy flags that are used before an instruction, if `live` are used
 * behind it.  Of one that may be left or looked at, all are. */
static inline uint16_t isa_live_before(const struct isa *isa, unsigned row,
                                       uint16_t live)
{
    const struct isa_row *r = &isa->rows[row];

    if (row == 0 || r->flags & ROW_EXACT)
        return isa->flags;
    if (!r->flow)
        return live;
    return (uint16_t)((live & ~r->flow->sets) | r->flow->uses);
}
static inline uint16_t isa_live_behind(const struct isa *isa, unsigned row,
                                       uint16_t live)
{
    const bool exact = row == 0 || isa->rows[row].flags & ROW_EXACT;

    return exact ? isa->flags : live;
}

/* A virtual address beyond the last, or below the first, as it counts. */
static inline uint64_t isa_address(const struct cpu *c, uint64_t va)
{
    return va & (c->class->isa->addresses - 1);
}

/* ------------------------------------------------------- for a translator */

/* How a block is entered; lies right in front of its records. */
struct block_entry {
    rec_fn *fn;       /* the first record's own handler */
    uint32_t cold;    /* entries until it is hot */
    uint16_t samples; /* slices that ended in front of it, compiled */
    bool narrow;      /* its accesses had better be checked one by one */
    uint64_t plain;   /* instructions, by bit, whose accesses had better
                         remember nothing */
    const void *code; /* compiled, or NULL; last, see BLOCK_CODE_OFFSET */
};

/* The entry of the block whose first record (behind the head) is r. */
static inline struct block_entry *block_entry(const struct rec *r)
{
    return (struct block_entry *)(uintptr_t)(r - 1) - 1;
}

/* Where block_entry(r)->code lies, from r. */
#define BLOCK_CODE_OFFSET (-(int)(sizeof(struct rec) + sizeof(void *)))

/* Where block_entry(r)->fn lies, from r. */
#define BLOCK_FN_OFFSET                                                        \
    (-(int)(sizeof(struct rec) + sizeof(struct block_entry)))

/* What the core needs of a translator; cpu->jit points at one. */
struct cpu_jit {
    /* Enter at a record, as engine_handlers.enter. */
    void (*run)(struct cpu *c, const struct rec *r, int64_t budget);
    /* Handler of a compiled block's first record; with cpu->interpret set it
     * goes on at block_entry()->fn. */
    rec_fn *enter;
    const void *look; /* code of jump cache entries that have none yet */
    uint32_t threshold; /* entries before a block is compiled */
    uint32_t samples; /* of a block before it is compiled again; 0: it gets
                         the whole effort at once */
    /*
     * Compile the block whose first record is r, with fn as that record's
     * handler, from the `size` bytes that it was decoded from, `offset` into
     * their page.  NULL: let it be interpreted, or run what it has: a block
     * where much time is spent is compiled again.
     */
    const void *(*compile)(struct cpu *c, const struct rec *r, rec_fn *fn,
                           const uint8_t *bytes, unsigned size,
                           int32_t offset);
    /* The TLB lost entries: forget what was remembered of it, all, or of the
     * page that holds va, or to write to the page at host. */
    void (*forget)(struct cpu *c);
    void (*forget_page)(struct cpu *c, uint64_t va);
    void (*forget_writes)(struct cpu *c, const uint8_t *host);
    /* All blocks are gone, and no code runs. */
    void (*flushed)(struct cpu *c);
    void (*detach)(struct cpu *c);
    void (*stats)(struct cpu *c, char *out, size_t size);
};

/* ------------------------------------------------ the engine's functions */

#define BLOCK_MAX_INSNS 64

struct block_cache;

/* A slice ended in front of the block at r, while compiled code ran: where
 * that is so often, much time is spent. */
void block_sample(struct cpu *c, const struct rec *r);
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
/* Take in what other threads want of the cache, and free what was
 * invalidated; no record is in use.  The CPU is about to run. */
void block_cache_quiesce(struct cpu *c);
/* It does not run until the next call of block_cache_quiesce(). */
void block_cache_rest(struct cpu *c);

/* Of a record: offset from the page, instructions of the block before it. */
struct position {
    int16_t offset, count;
    uint16_t kind; /* of the lazy flags before it */
};

/* Where record r stands: offset from c->page and instructions before it. */
void block_position(const struct rec *r, int32_t *offset, int32_t *count);
/* The same of the records of the block whose first is r, in their order. */
const struct position *block_positions(const struct rec *r);
/*
 * A copy of the block of which r is the first record, for a translator: it
 * may change handlers, and so get control back behind instructions that it
 * lets the interpreter do.  Freed with the block; each time as the block is.
 * NULL: no memory.
 */
struct rec *block_shadow(struct cpu *c, const struct rec *r);
/* The kind of the lazy flags before record r, while it runs. */
unsigned block_flag_kind(const struct cpu *c, const struct rec *r);
/* Lazy flags, of the kind that flag_kind says, become the packed ones: the
 * form that interpreter and translator have in common. */
void cpu_pack_flags(struct cpu *c);
/* The first record of the block that r is in, and for tests the bytes that
 * it was decoded from (short of those of the last instruction but two). */
const struct rec *block_of(const struct rec *r, const uint8_t **host,
                           unsigned *size);
void block_stats(const struct cpu *c, uint64_t *blocks, uint64_t *bytes,
                 uint64_t *built, uint64_t *invalidated);

/*
 * Look `size` bytes at va up for an access, and see that the TLB has them.
 * TLB_NONE: it cannot (no RAM, code, a page crossed).  TLB_FAULT: an
 * exception is pending.
 */
enum tlb_found { TLB_FOUND, TLB_NONE, TLB_FAULT };
enum tlb_found tlb_want(struct cpu *c, uint64_t va, unsigned size,
                        enum access access);
/* Global entries (cpu.h): forget all; e, which is filled for va, holds in all
 * spaces; fill e from what is kept, or false. */
void tlb_forget_global(struct cpu *c);
void tlb_note_global(struct cpu *c, const struct tlb_entry *e, uint64_t va,
                     enum access access);
bool tlb_from_global(struct cpu *c, struct tlb_entry *e, uint64_t va,
                     enum access access);
/* The TLB lost entries, or what tells whose they are changes. */
void tlb_forget_near(struct cpu *c);
/* Let jumps to pc find r. */
void jcache_add(struct cpu *c, uint64_t pc, const struct rec *r);
/* Forget all jumps, or those to the page that holds va. */
void jcache_empty(struct cpu *c);
void jcache_forget_page(struct cpu *c, uint64_t va);

/*
 * Before handlers are entered: exceptions, kicks, interrupts, halts.  false:
 * cpu_run() is to return *event.  At c->icount = end it has run enough.
 */
bool run_ready(struct cpu *c, uint64_t end, enum cpu_event *event);
/* The instruction count to run to: `end`, or before it where the class wants
 * to be asked for interrupts. */
uint64_t run_until(const struct cpu *c, uint64_t end);
/* What a device does at an access (an interrupt, a timer that is due before
 * the slice ends, a change of the memory map) counts from the next
 * instruction on. */
static inline void cpu_notice_kick(struct cpu *c)
{
    if (atomic_load_explicit(&c->exit_request, memory_order_relaxed) ||
        memory_version(c->env.memory) != c->memory_version)
        c->leave = true;
}
/* Deliver the pending exception; exact: the clock counts instructions. */
void run_deliver(struct cpu *c, bool exact);
/* Handlers are back: bring pc and count up to date. */
void run_settle(struct cpu *c);

/* Slow twins: cpu_load() into c->scratch, cpu_store(). */
bool engine_load(struct cpu *c, const struct rec *r, int64_t budget,
                 uint64_t va, unsigned size);
bool engine_store(struct cpu *c, const struct rec *r, int64_t budget,
                  uint64_t va, unsigned size, uint64_t value);

#endif
