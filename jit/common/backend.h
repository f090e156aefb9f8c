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
    size_t size, used;
};

/* An instruction of the block that is compiled. */
struct jit_insn {
    struct insn insn;
    const struct rec *rec;  /* its record */
    rec_fn *fn;             /* the interpreter's handler for it */
    int32_t offset;         /* from cpu->page */
    uint32_t ir_first, ir_end; /* its nodes */
};

struct jit_block {
    struct cpu *cpu;
    const struct rec *first; /* record of the first instruction */
    struct jit_insn insns[BLOCK_MAX_INSNS];
    unsigned n;
    struct ir ir;
    const struct rec *end; /* the record behind the last instruction, a goto,
                              where that can fall through; else NULL */
};

struct jit {
    struct cpu_jit hooks; /* first: what cpu->jit points at */
    struct cpu *cpu;
    struct code_buffer code;
    size_t stubs; /* bytes of the backend's own code at the start */
    struct jit_block block;
    uint32_t off; /* passes to leave out */
    struct jit_counters counters; /* entered, left and misses by stubs */
    /* Entry points of the backend's stubs. */
    const uint8_t *enter, *exit_record, *exit_link, *exit_poll, *exit_miss;
};

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

/*
 * The link at the end of an exit was reached: host code of the block that
 * it leads to, NULL if that is interpreted.  `site` is the exit's jump,
 * which is patched to go there at once from now on.
 */
const uint8_t *jit_follow(struct cpu *c, const struct rec *link,
                          const uint8_t *site);

#endif
