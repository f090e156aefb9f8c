/*
 * Between the common part and a host's backend.
 *
 * A backend turns the IR of one block into host code in the code buffer.
 * Guest registers that the guest names hot (isa->hot_slots) live in fixed
 * host registers across blocks; everything else is in the CPU's struct.
 */
#ifndef JIT_COMMON_BACKEND_H
#define JIT_COMMON_BACKEND_H

#include "cpu/core/engine.h"
#include "cpu/ir/ir.h"
#include "jit/jit.h"

/* The code buffer: the same memory twice, once to write, once to run. */
struct code_buffer {
    uint8_t *write;
    const uint8_t *run;
    size_t size, used; /* of code */
    size_t mapped;     /* with the sites behind it */
};

/* An instruction of the block that is compiled. */
struct jit_insn {
    struct insn insn;
    const struct rec *start; /* the first of its records, */
    const struct rec *rec;   /* the one behind what prepares the flags, */
    const struct rec *link;  /* and of its exit, if it has one */
    int32_t offset;          /* from cpu->page */
    uint32_t ir_first;       /* its nodes: what prepares the flags, */
    uint32_t ir_body, ir_end; /* and the instruction */
    uint8_t kind; /* of the lazy flags behind it; FLAGS_IN_CPU: all is there */
    bool foreign; /* it has no IR for the flags that there are */
    /* Whose check serves its access, by number; -1: its own.  Its address
     * is node base plus disp; a leader checks from lo to below hi. */
    int16_t leader;
    ir_ref base;
    int32_t disp, lo, hi;
    uint32_t site; /* a leader's */
};

/*
 * What a load or store of compiled code remembers: an entry of the soft TLB
 * that it used last.  Code reads it beside itself; what the TLB forgets, all
 * sites forget.
 */
struct jit_site {
    uint64_t tag; /* TLB_EMPTY: none */
    uintptr_t addend;
};

/* What its slow side must know. */
struct site_info {
    const struct rec *rec; /* of its instruction */
    rec_fn *fn;            /* and the interpreter's handler */
    int64_t budget;        /* when it missed last */
    uint32_t start;        /* of its check, in the code buffer */
    int32_t disp;          /* the address is host register base + disp */
    const struct rec *first; /* of its block */
    int32_t lo, hi;        /* of a span: what must be on one page, from base */
    uint8_t base;
    uint8_t insn;          /* number of its instruction in the block */
    uint8_t size, write, space;
    uint8_t bad;           /* misses that came soon after another */
    uint8_t crossed;       /* times that a span was not on one page */
    bool span;             /* it leads one */
};

struct jit_block {
    struct cpu *cpu;
    const struct rec *first; /* record of the first instruction */
    struct rec *shadow;      /* the same in the copy that host code leaves to */
    struct jit_insn insns[BLOCK_MAX_INSNS];
    const uint8_t *old; /* its code until now, or NULL */
    bool whole;         /* it is worth the whole effort */
    bool spans;         /* with accesses that share checks */
    unsigned n;
    rec_fn *fn; /* the interpreter's handler of the first record */
    uint16_t live[BLOCK_MAX_INSNS]; /* lazy flags that are used behind each */
    struct ir ir;
    struct ir_flags flags;
    const struct rec *end; /* the record behind the last instruction, a goto,
                              where that can fall through; else NULL */
    uint8_t end_kind;      /* of the flags there */
};

struct jit {
    struct cpu_jit hooks; /* first: what cpu->jit points at */
    struct cpu *cpu;
    struct code_buffer code;
    size_t stubs; /* bytes of the backend's own code at the start */
    struct jit_block block;
    struct jit_site *sites; /* max_sites, behind the code */
    struct site_info *infos;
    uint32_t *active; /* the n_active sites that remember something */
    uint32_t n_sites, max_sites, n_active;
    uint32_t off; /* passes to leave out */
    uint32_t threshold;  /* as configured; hooks.threshold is raised when */
    uint64_t last_flush; /* flushes follow each other closely (icount) */
    struct jit_counters counters; /* entered, left and misses by stubs */
    uint64_t *left_for; /* by row: times that the interpreter was left an
                           instruction which it always is; NULL: not counted */
    /* Entry points of the backend's stubs. */
    const uint8_t *enter, *resume, *exit_record, *exit_link, *exit_poll, *exit_miss,
        *exit_fault, *site, *pack;
};

/* The interpreter's handler of a record of the block. */
static inline rec_fn *jit_handler(const struct jit_block *b,
                                  const struct rec *r)
{
    return r == b->first ? b->fn : r->fn;
}

static inline bool jit_off(const struct jit *j, enum jit_pass pass)
{
    return j->off >> pass & 1;
}

/* Write the stubs; set hooks.run and hooks.enter.  false: the host lacks
 * something, which e names. */
bool backend_init(struct jit *j, struct error *e);
/*
 * Compile j->block; returns the entry, or NULL if there is no room or
 * nothing in it that is worth compiling.
 */
const uint8_t *backend_compile(struct jit *j);

/* Find out which accesses of the block share a check. */
void jit_find_spans(struct jit_block *b);
/* Site n remembers entry e; or nothing, if another access changed it. */
void jit_remember(struct jit *j, uint32_t n, const struct tlb_entry *e);

/*
 * The link at the end of an exit was reached: host code of the block that
 * it leads to, NULL if that is interpreted.  `site` is the exit's jump,
 * which is patched to go there at once from now on.
 */
const uint8_t *jit_follow(struct cpu *c, const struct rec *link,
                          const uint8_t *site);

#endif
