/*
 * The x86-64 backend's inner interface: what its files share while a block
 * is compiled.
 */
#ifndef JIT_X86_64_GEN_H
#define JIT_X86_64_GEN_H

#include "jit/common/backend.h"
#include "jit/x86_64/emit.h"

/* rbp is the CPU, rdi the budget; the guest's hot slots live in the pins. */
static const int8_t pins[] = {RBX, RSI, R8,  R9,  R10,
                              R11, R12, R13, R14, R15};
#define MAX_PINS (sizeof(pins) / sizeof(pins[0]))
/* Temporaries; pins that the guest has no use for are more of them. */
static const int8_t temps[] = {RAX, RDX, RCX};
#define N_TEMPS (sizeof(temps) / sizeof(temps[0]))
/* In g->reg: slot 0 of cpu->spilled, the others follow downwards. */
#define SPILLED (NO_REG - 1)

/* A member of struct cpu, from rbp. */
#define CPU(member) ((int32_t)offsetof(struct cpu, member))

/* Ways out of the middle, written behind the block. */
enum out_kind { OUT_RECORD, OUT_POLL, OUT_LINK, OUT_SITE };

struct out {
    enum out_kind kind;
    uint8_t *site;           /* the jump to be patched */
    const struct rec *rec;   /* RECORD: where to resume; LINK: the link */
    int32_t target;          /* POLL: offset of the next pc; SITE: number;
                                RECORD: row to count, or 0 */
};

#define MAX_OUTS (BLOCK_MAX_INSNS * 4)
/* An access reaches no further beyond its base: no disp + size overflows. */
#define MAX_DISP 0x7ffffff0

struct gen {
    struct emit e;
    struct jit *j;
    struct jit_block *b;
    const struct jit_insn *insn;
    unsigned n_pins;
    unsigned prefix;         /* instructions before the first that the
                                interpreter does */
    bool falls_out;          /* code goes on behind the last one */
    unsigned resumed;        /* the instruction before which code was entered
                                last: nothing was checked before that */
    uint32_t temps;          /* all temporaries, bit by register, */
    uint32_t busy;           /* and those in use */
    ir_ref dirty;            /* of this node only the low bits are wanted */
    struct {                 /* the place of an operand that is written, too */
        ir_ref address;      /* IR_NONE: there is none */
        ir_ref ref;          /* of the base */
        int base, addend;
        int old;             /* what was read, if the two are one access */
        int32_t disp;
    } rmw;
    int8_t *reg;             /* node -> register that holds it, or NO_REG;
                                from SPILLED down: a slot */
    uint8_t locks[16];       /* of a register that holds a node: uses that
                                have begun, so that it must stay there */
    uint32_t slots;          /* that are in use, by bit */
    uint8_t *uses;           /* node -> uses that are still to come */
    uint8_t *marked;         /* by node, for a walk over a tree */
    uint8_t *loaded;         /* by node: the load is written */
    uint32_t ir_first;       /* nodes that are lowered begin here, */
    uint32_t ir_end;         /* and end here */
    bool failed;             /* this instruction cannot be lowered */
    struct out outs[MAX_OUTS];
    unsigned n_outs;
    bool resumes;            /* code is entered in the middle: at these */
    const uint8_t *resume[BLOCK_MAX_INSNS]; /* where code goes on, NULL */
};

/* ------------------------------------------------------------ registers.c */

static inline const struct ir_node *node(const struct gen *g, ir_ref r)
{
    return &g->b->ir.nodes[r];
}

static inline bool wide(const struct ir_node *n)
{
    return n->type == IR_I64;
}

static inline bool is_temp(const struct gen *g, int r)
{
    return g->temps >> r & 1;
}

/* The pin of a slot, or NO_REG. */
int pin_of(const struct gen *g, uint64_t slot);
/* This one, which is free; any temporary; and not any more. */
int take_reg(struct gen *g, int r);
int take_temp(struct gen *g);
void drop(struct gen *g, int r);
/* Nobody begins a use of what is in this register, or may move it away. */
void lock(struct gen *g, int r);
void unlock(struct gen *g, int r);
/* Keep the nodes that a temporary holds in a slot instead.  Whoever has just
 * said used() may still read the register.  false: it is not free. */
bool evict(struct gen *g, int r);
/* A node's value back from its slot. */
void reload(struct gen *g, ir_ref n);
/* All nodes that are held at `from` are held at `to` now; false: none was. */
bool move_held(struct gen *g, int from, int to);
/* A register for a result: the wanted one, or a temporary. */
int result(struct gen *g, int want);

/* ---------------------------------------------------------------- value.c */

/* The value of node r in a register: the wanted one if it is not NO_REG. */
int value(struct gen *g, ir_ref r, int want);
/* Done with one use of a node's value in register `at`. */
void used(struct gen *g, ir_ref r, int at);
/* The same, but above the bits of its type there may be anything. */
int value_low(struct gen *g, ir_ref r);
/* Is node r a constant?  Narrower than 32 bits, zeros are above it. */
bool constant(const struct gen *g, ir_ref r, int64_t *v);
/* Does the tree of node r have the node `what`? */
bool tree_has(const struct gen *g, ir_ref r, uint32_t what);
/* The low bits of a value, whatever is above them: skip what only clears. */
ir_ref low_part(const struct gen *g, ir_ref r);
int get(struct gen *g, const struct ir_node *n, int want);
/* Test a value of one bit: the condition under which it is 1. */
enum cc condition(struct gen *g, ir_ref r);

/* d = s, of 32 bits if not w. */
void copy_value(struct gen *g, bool w, int d, int s);
/* The host computes with 32 bits: clear what is above fewer, unless nobody
 * looks at it. */
void trim_value(struct gen *g, const struct ir_node *n, int d);

/* --------------------------------------------------------------- muldiv.c */

int multiply(struct gen *g, const struct ir_node *n, int want);
int multiply_high(struct gen *g, const struct ir_node *n, int want);
int divide(struct gen *g, const struct ir_node *n, int want);
/* Half of a product of operands half as wide: both extended alike. */
int half_product(struct gen *g, const struct ir_node *n, int want);

/* --------------------------------------------------------------- memory.c */

/* A load, extended with its sign if sign_to is not 0. */
int load(struct gen *g, const struct ir_node *n, int want, unsigned sign_to);
void store(struct gen *g, const struct ir_node *n);
/*
 * Called by the stub: site n found another page than the one it remembers.
 * regs are the host's registers by number, and may be changed.  Returns the
 * code to go on at.
 */
const uint8_t *site_missed(struct cpu *c, uint64_t *regs, uint32_t n);

/* ---------------------------------------------------------------- exits.c */

/* If cc, the interpreter does this instruction. */
void interpret_if(struct gen *g, enum cc cc);
void add_out(struct gen *g, enum out_kind kind, uint8_t *site,
             const struct rec *rec, int32_t target);
void write_out(struct gen *g, const struct out *o);
/* Add one to a counter; changes rdx and the flags. */
void count_one(struct emit *e, const uint64_t *counter);
void exit_by(struct gen *g, const struct rec *link);
void exit_always(struct gen *g, const struct ir_node *n);
void exit_if(struct gen *g, const struct ir_node *n);
void exit_indirect(struct gen *g, const struct ir_node *n);

/* At every exit, cpu->flag_kind says what the lazy flags are. */
void store_kind(struct gen *g, unsigned kind);

/* The record that the interpreter is entered at for one of the block's. */
static inline const struct rec *shadow_of(const struct gen *g,
                                          const struct rec *r)
{
    return g->b->shadow ? g->b->shadow + (r - g->b->first) : r;
}

/* To the stub that starts at `stub`. */
void jump_to_stub(struct gen *g, const uint8_t *stub);
void call_stub(struct gen *g, const uint8_t *stub);

/* Pinned registers to their slots, and back. */
void spill(struct emit *e, const struct isa *isa, unsigned n);
void fill(struct emit *e, const struct isa *isa, unsigned n);
unsigned pin_count(const struct jit *j);

struct emit emit_here(struct jit *j);
const uint8_t *run_address(const struct jit *j, const uint8_t *at);

#endif
