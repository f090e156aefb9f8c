/*
 * The intermediate representation: what a guest's instructions mean, for
 * the JIT to compile and for tests to evaluate.
 *
 * A block is an array of 16-byte nodes in program order.  A node is either
 * a value, named by its index (ir_ref), or an effect.  There are no basic
 * blocks inside: the only ways out are the exits, and a conditional exit
 * goes on with the next node when it is not taken.  Guest registers are
 * slots, byte offsets into the guest's CPU struct, read by GET and written
 * by PUT.
 *
 * Within one guest instruction (from one INSN to the next) whatever can
 * fault comes before whatever changes state, so that a fault leaves the
 * state as it was at the INSN; ir_verify() checks that.
 *
 * Values have a width and no sign.  Those narrower than 64 bits are kept
 * with zeros above them.
 *
 * Missing: the sign of a load (SX serves), alias information.
 */
#ifndef CPU_IR_IR_H
#define CPU_IR_IR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "cpu/ir/ir_ops.h"

struct cpu;
struct cpu_class;

typedef uint16_t ir_ref;
#define IR_NONE ((ir_ref)0xffff)
#define IR_MAX_NODES 0xffffu

enum ir_type {
    IR_VOID,
    IR_I1,
    IR_I8,
    IR_I16,
    IR_I32,
    IR_I64,
    IR_I128,
    IR_V128,
    IR_TYPES,
};

enum ir_op {
#define IR_OP_ENUM(name, text, operands, types, effects) IR_##name,
    IR_OPS(IR_OP_ENUM)
#undef IR_OP_ENUM
    IR_N_OPS,
};

enum ir_amo_op {
#define IR_AMO_ENUM(name, text) IR_AMO_##name,
    IR_AMOS(IR_AMO_ENUM)
#undef IR_AMO_ENUM
    IR_N_AMOS,
};

enum ir_fp_op {
#define IR_FP_ENUM(name, fn, result, operand, count, how) IR_FP_##name,
    IR_FPS(IR_FP_ENUM)
#undef IR_FP_ENUM
    IR_N_FPS,
};

/* What an operation does beside giving a value. */
enum ir_effect {
    IR_READS = 1 << 0,   /* state that others write: stays in order */
    IR_COMMITS = 1 << 1, /* changes state */
    IR_FAULTS = 1 << 2,  /* may raise an exception */
    IR_LEAVES = 1 << 3,  /* may leave the block */
    IR_ENDS = 1 << 4,    /* always leaves it: the last node */
    IR_MARKS = 1 << 5,
    IR_TYPED_EFFECT = 1 << 6, /* has a type, but gives no value */
    IR_OPTIONAL = 1 << 7,     /* every operand may be IR_NONE */
};

/* How a helper behaves (CALL). */
enum ir_call_fact {
    IR_CALL_RAISES = 1 << 0, /* false from it: an exception is pending */
    IR_CALL_MODE = 1 << 1,   /* may ask to leave (cpu->leave) */
    IR_CALL_PURE = 1 << 2,   /* changes no state, but may raise */
};

/* How memory is accessed. */
enum ir_access {
    IR_TO_WRITE = 1 << 0, /* a load faults where a store would */
    IR_LOCKED = 1 << 1, /* load and the next store are one atomic access */
};
/* What the guest wants to know of an access: cpu->space while it lasts. */
#define IR_SPACE(n) ((unsigned)(n) << 8)

/* What an indirect exit is. */
enum ir_hint { IR_JUMPS, IR_CALLS, IR_RETURNS, IR_MODE };

struct ir_node {
    uint8_t op;   /* enum ir_op */
    uint8_t type; /* enum ir_type */
    ir_ref a, b, c;
    uint64_t imm; /* FP, CALL and FLAGDEF: bits 31:16 are operand d */
};

struct ir_flags;

struct ir {
    struct ir_node *nodes; /* owned */
    uint32_t n, room;
    bool failed; /* out of memory or nodes: ir_verify() says so */
    struct ir_flags *flags; /* NULL: FLAGDEF and FLAGUSE stay as they are */
};

/* A family of flags: kinds by operand size (8, 16, 32, 64 bits), 0 where its
 * values are not kept; values of operations have `count`, and are extended to
 * 64 bits by their sign but for those in `typed`. */
struct ir_family {
    uint8_t kinds[4];
    uint8_t count, typed;
};

/* What the IR must know of a guest beside its class. */
struct ir_guest {
    size_t fp; /* offset of its struct fp_env; SIZE_MAX: it has none */
    size_t fp80; /* the same for extended numbers */
    /*
     * Flags, by the guest's own numbers of families and conditions.
     * flag_define: operation `family` of `bits` bits had operands v[0..2];
     * the flags in `keep` stay.  NULL where the guest has no flags.
     */
    void (*flag_define)(struct cpu *c, unsigned family, unsigned bits,
                        const uint64_t v[3], uint32_t keep);
    bool (*flag_use)(struct cpu *c, unsigned condition);
    /*
     * The same as IR, for a translator: a condition of values a and b of a
     * kind (engine.h), IR_NONE if the kind is none; the flags in `want` of an
     * operation's values, packed.
     */
    ir_ref (*flag_use_ir)(struct ir *ir, unsigned kind, unsigned condition,
                          ir_ref a, ir_ref b);
    ir_ref (*flag_bits_ir)(struct ir *ir, unsigned family, unsigned bits,
                           const ir_ref v[3], uint32_t want);
    const struct ir_family *families; /* by number; 0: the packed flags */
    unsigned n_families;
    /* FP_BEGIN and FP_CHECK; NULL where no instruction has them. */
    void (*fp_begin)(struct cpu *c);
    bool (*fp_end)(struct cpu *c);
    /* For the printer; each may be NULL, and may return NULL: the name of
     * the slot at an offset, of a helper, a family, a condition, a cause. */
    const char *(*slot_name)(uint64_t offset);
    const char *(*helper_name)(unsigned helper);
    const char *(*family_name)(unsigned family);
    const char *(*condition_name)(unsigned condition);
    const char *(*cause_name)(unsigned cause);
};

/* ------------------------------------------------------------- building */

/*
 * An empty block.  Building never fails on its own: when there is no memory
 * or no room, nodes are lost, `failed` is set, and ir_verify() refuses.
 */
void ir_init(struct ir *ir);
void ir_free(struct ir *ir);
/* Empty it and keep its memory. */
void ir_clear(struct ir *ir);

/* A guest instruction of `length` bytes at cpu->page + offset. */
void ir_insn(struct ir *ir, int32_t offset, unsigned length);

/* value is cut to the type's width. */
ir_ref ir_const(struct ir *ir, enum ir_type type, uint64_t value);
/* The address cpu->page + offset, as far as `type` holds it. */
ir_ref ir_pc(struct ir *ir, enum ir_type type, int32_t offset);
/* Where the low n bytes lie in a slot of `size` bytes. */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define IR_LOW_END(size, n) ((size) - (n))
#else
#define IR_LOW_END(size, n) 0
#endif
/* slot: offset in bytes into the guest's CPU struct. */
ir_ref ir_get(struct ir *ir, enum ir_type type, uint64_t slot);
void ir_put(struct ir *ir, enum ir_type type, uint64_t slot, ir_ref value);
/* Of `count` registers from `slot` on, the one that `index` says. */
ir_ref ir_get_at(struct ir *ir, enum ir_type type, uint64_t slot,
                 unsigned count, ir_ref index);
void ir_put_at(struct ir *ir, enum ir_type type, uint64_t slot, unsigned count,
               ir_ref index, ir_ref value);
void ir_fence(struct ir *ir);
void ir_flagpack(struct ir *ir);
ir_ref ir_unary(struct ir *ir, enum ir_op op, enum ir_type type, ir_ref a);
ir_ref ir_binary(struct ir *ir, enum ir_op op, enum ir_type type, ir_ref a,
                 ir_ref b);
/* cond ? a : b */
ir_ref ir_select(struct ir *ir, enum ir_type type, ir_ref cond, ir_ref a,
                 ir_ref b);

/* a with b in place of the bits from `at` on. */
ir_ref ir_deposit(struct ir *ir, enum ir_type type, ir_ref a, ir_ref b,
                  unsigned at);

/* op in each lane of type `lane`; operands that it has not are IR_NONE. */
ir_ref ir_lanes(struct ir *ir, enum ir_op op, enum ir_type lane, ir_ref a,
                ir_ref b, ir_ref c);
ir_ref ir_lanes_fp(struct ir *ir, enum ir_fp_op op, enum ir_type lane,
                   ir_ref a, ir_ref b, ir_ref c, ir_ref round);

ir_ref ir_load(struct ir *ir, enum ir_type type, ir_ref address);
void ir_store(struct ir *ir, enum ir_type type, ir_ref address, ir_ref value);
/* how: or-ed enum ir_access and IR_SPACE(). */
ir_ref ir_load_as(struct ir *ir, enum ir_type type, ir_ref address,
                  unsigned how);
void ir_store_as(struct ir *ir, enum ir_type type, ir_ref address,
                 ir_ref value, unsigned how);
/* The value that was there. */
ir_ref ir_amo(struct ir *ir, enum ir_type type, enum ir_amo_op op,
              ir_ref address, ir_ref value);

/* Operands beyond those of the operation, and `round` where it does not
 * round, are IR_NONE. */
ir_ref ir_fp(struct ir *ir, enum ir_type type, enum ir_fp_op op, ir_ref a,
             ir_ref b, ir_ref c, ir_ref round);
/* Helper number `helper` of isa->helpers with n operands; `facts` are enum
 * ir_call_fact.  type IR_VOID: no value. */
ir_ref ir_call(struct ir *ir, enum ir_type type, unsigned helper,
               unsigned facts, unsigned n, const ir_ref args[4]);

/* Flags of operation `family` on values of `type`; only if `cond`, unless
 * that is IR_NONE.  Operands that the family does not have are IR_NONE. */
void ir_flagdef(struct ir *ir, enum ir_type type, unsigned family, ir_ref a,
                ir_ref b, ir_ref c, ir_ref cond, uint32_t keep);
ir_ref ir_flaguse(struct ir *ir, unsigned condition);

/* Exception `cause` of the .isa file with an IR_I64 value. */
void ir_raise(struct ir *ir, unsigned cause, ir_ref value);
void ir_raise_if(struct ir *ir, ir_ref cond, unsigned cause, ir_ref value);

/* Go to cpu->page + offset. */
void ir_exit(struct ir *ir, int32_t offset);
void ir_exit_if(struct ir *ir, ir_ref cond, int32_t offset);
void ir_exit_indirect(struct ir *ir, ir_ref target, enum ir_hint hint);
void ir_exit_indirect_if(struct ir *ir, ir_ref cond, ir_ref target,
                         enum ir_hint hint);
void ir_fp_begin(struct ir *ir);
void ir_fp_check(struct ir *ir);
void ir_again_if(struct ir *ir, ir_ref cond);
/* Leave for cpu->page + offset if a helper asked to (cpu->leave). */
void ir_exit_if_leave(struct ir *ir, int32_t offset);

/* --------------------------------------------------------- lazy flags */

/*
 * Lazy flags while a translator lifts: with this in ir->flags, definitions
 * and uses become PUT and GET of cpu->flag_a and flag_b, and constants are
 * folded.  What the caller sets for each instruction says which form of the
 * row the interpreter has chosen, so that both mean the same by those two.
 */
struct ir_flags {
    const struct ir_guest *guest;
    unsigned kind;  /* of the flags before the instruction */
    unsigned after; /* of those it leaves */
    uint32_t live;  /* flags that are used behind it */
    bool skip;      /* it leaves kind and values alone */
    bool dead;      /* a flag that it only hands on is not used */
    /* Out: the kind was not known where it had to be, or is not as wanted. */
    bool failed;
    /* Within an instruction: what it has defined so far. */
    unsigned now;
    ir_ref a, b;
};

/* Begin an instruction; what it wants to know is set. */
void ir_flags_begin(struct ir *ir);
/* Its flags become the packed ones first. */
void ir_flags_pack(struct ir *ir);
ir_ref ir_flags_use(struct ir *ir, unsigned condition);
void ir_flags_define(struct ir *ir, enum ir_type type, unsigned family,
                     const ir_ref v[3], ir_ref cond, uint32_t keep);
/* Has it come out as it should? */
bool ir_flags_end(const struct ir *ir);

/* -------------------------------------------------------------- reading */

/* The facts of the tables above. */
struct ir_op_info {
    const char *text, *operands, *types;
    unsigned count;   /* of operands */
    unsigned effects; /* of any node with this operation */
};
extern const struct ir_op_info ir_ops[IR_N_OPS];

struct ir_fp_info {
    const char *text;
    uint8_t result, operand; /* enum ir_type */
    uint8_t count;
    bool rounds, flags;
};
extern const struct ir_fp_info ir_fps[IR_N_FPS];

/* Width in bits; 0 for IR_VOID and for what is no type. */
unsigned ir_bits(unsigned type);
/* Does this node give a value? */
bool ir_is_value(const struct ir_node *n);
/* enum ir_effect of this very node: a pure helper commits nothing, and a
 * floating-point operation without flags has no effect. */
unsigned ir_effects(const struct ir_node *n);
/* Its operands in order, with IR_NONE where there is none. */
void ir_operands(const struct ir_node *n, ir_ref out[4]);

/* Parts of imm. */
static inline ir_ref ir_d(const struct ir_node *n)
{
    return (ir_ref)(n->imm >> 16);
}

static inline int32_t ir_offset(const struct ir_node *n)
{
    return (int32_t)(uint32_t)n->imm;
}

static inline unsigned ir_insn_length(const struct ir_node *n)
{
    return (unsigned)(n->imm >> 32) & 0xff;
}

/* Helper, family, or floating-point operation. */
static inline unsigned ir_which(const struct ir_node *n)
{
    return (unsigned)(n->imm & 0xffff);
}

static inline unsigned ir_call_facts(const struct ir_node *n)
{
    return (unsigned)(n->imm >> 32) & 0xffff;
}

/* LANES: the operation, its lanes' type, which of floating point. */
static inline unsigned ir_lane_op(const struct ir_node *n)
{
    return (unsigned)n->imm & 0xff;
}

static inline unsigned ir_lane_type(const struct ir_node *n)
{
    return (unsigned)n->imm >> 8 & 0xff;
}

static inline unsigned ir_lane_fp(const struct ir_node *n)
{
    return (unsigned)(n->imm >> 32) & 0xffff;
}

static inline unsigned ir_call_count(const struct ir_node *n)
{
    return (unsigned)(n->imm >> 48);
}

static inline uint32_t ir_flag_keep(const struct ir_node *n)
{
    return (uint32_t)(n->imm >> 32);
}

/* ------------------------------------------------------------- printing */

/*
 * One node as text, without a newline: `t41 = load.32 t40`, `put.64 x10
 * t42`.  Cut at `size`; returns the length that it has whole.  guest may be
 * NULL.  Any node can be printed, also one that ir_verify() refuses.
 */
size_t ir_print_node(const struct ir *ir, uint32_t at,
                     const struct ir_guest *guest, char *out, size_t size);
/* The block, a line a node, under a line for each instruction; cut as
 * above. */
size_t ir_print(const struct ir *ir, const struct ir_guest *guest, char *out,
                size_t size);

/* ------------------------------------------------------------ verifying */

/*
 * Is the block well-formed: types, operands before their use, faults before
 * commits, one exit at the end?  cls (may be NULL) bounds slots and
 * helpers; e names the node.
 */
bool ir_verify(const struct ir *ir, const struct cpu_class *cls,
               struct error *e);

/* ----------------------------------------------------------- evaluating */

enum ir_how {
    IR_END_EXIT,     /* by EXIT or EXIT_IF */
    IR_END_INDIRECT, /* by EXIT_INDIRECT */
    IR_END_RAISED,   /* an exception is pending; pc is its instruction's */
    IR_END_LEFT,     /* by EXIT_IF_LEAVE */
    IR_END_AGAIN,    /* by AGAIN_IF; pc is its instruction's */
    IR_END_BAD,      /* the block is not well-formed, or no memory */
};

struct ir_end {
    enum ir_how how;
    uint64_t pc;   /* where to go on */
    uint8_t hint;  /* enum ir_hint; IR_END_INDIRECT */
    uint32_t node; /* at which it ended */
};

/*
 * Do what the block says, node by node: the oracle of tests.  c->page is the
 * page's virtual base; c->pc and c->icount are kept up to date (the latter
 * counts what has retired), and the pc of the end is stored in c->pc.  An
 * exception is left pending, not delivered.  guest may be NULL where the
 * block has neither floating point nor flags.
 *
 * The block must have passed ir_verify() with c's class; one that did not
 * may end in IR_END_BAD or compute nonsense, but reads and writes nothing
 * outside of the guest.
 */
struct ir_end ir_eval(const struct ir *ir, struct cpu *c,
                      const struct ir_guest *guest);

#endif
