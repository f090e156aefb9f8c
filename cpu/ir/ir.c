/*
 * Building IR, and the facts of its operations.
 */
#include <stdlib.h>
#include <string.h>

#include "cpu/ir/ir.h"

const struct ir_op_info ir_ops[IR_N_OPS] = {
#define IR_OP_INFO(name, text, operands, types, effects)                       \
    [IR_##name] = {text, operands, types, sizeof(operands) - 1, effects},
    IR_OPS(IR_OP_INFO)
#undef IR_OP_INFO
};

#define HOW_ROUNDS true, true
#define HOW_FLAGS false, true
#define HOW_PURE false, false

const struct ir_fp_info ir_fps[IR_N_FPS] = {
#define IR_FP_INFO(name, fn, result, operand, count, how)                      \
    [IR_FP_##name] = {#fn, IR_##result, IR_##operand, count, HOW_##how},
    IR_FPS(IR_FP_INFO)
#undef IR_FP_INFO
};

unsigned ir_bits(unsigned type)
{
    static const uint8_t bits[IR_TYPES] = {
        [IR_I1] = 1,   [IR_I8] = 8,     [IR_I16] = 16,   [IR_I32] = 32,
        [IR_I64] = 64, [IR_I128] = 128, [IR_V128] = 128,
    };

    return type < IR_TYPES ? bits[type] : 0;
}

bool ir_is_value(const struct ir_node *n)
{
    return n->op < IR_N_OPS && n->type != IR_VOID &&
           !(ir_ops[n->op].effects & IR_TYPED_EFFECT);
}

unsigned ir_effects(const struct ir_node *n)
{
    unsigned effects, facts;

    if (n->op >= IR_N_OPS)
        return 0;
    effects = ir_ops[n->op].effects;
    if (n->op == IR_FP) {
        unsigned op = ir_which(n);

        return op < IR_N_FPS && !ir_fps[op].flags ? 0 : effects;
    }
    if (n->op == IR_LANES) {
        unsigned op = ir_lane_fp(n);

        return ir_lane_op(n) != IR_FP || (op < IR_N_FPS && !ir_fps[op].flags)
                   ? 0
                   : effects;
    }
    if (n->op == IR_CALL) {
        facts = ir_call_facts(n);
        if (!(facts & IR_CALL_RAISES))
            effects &= ~(unsigned)IR_FAULTS;
        if (facts & IR_CALL_PURE)
            effects &= ~(unsigned)IR_COMMITS;
    }
    return effects;
}

void ir_operands(const struct ir_node *n, ir_ref out[4])
{
    const ir_ref all[4] = {n->a, n->b, n->c, ir_d(n)};
    const unsigned count = n->op < IR_N_OPS ? ir_ops[n->op].count : 0;

    for (unsigned i = 0; i < 4; i++)
        out[i] = i < count ? all[i] : IR_NONE;
}

/* ------------------------------------------------------------- building */

void ir_init(struct ir *ir)
{
    *ir = (struct ir){NULL, 0, 0, false, NULL};
}

void ir_free(struct ir *ir)
{
    free(ir->nodes);
    ir_init(ir);
}

void ir_clear(struct ir *ir)
{
    ir->n = 0;
    ir->failed = false;
}

static bool grow(struct ir *ir)
{
    uint32_t room = ir->room ? ir->room * 2 : 64;
    struct ir_node *nodes;

    if (room > IR_MAX_NODES)
        room = IR_MAX_NODES;
    if (room == ir->room)
        return false;
    nodes = realloc(ir->nodes, room * sizeof(*nodes));
    if (!nodes)
        return false;
    ir->nodes = nodes;
    ir->room = room;
    return true;
}

static ir_ref add(struct ir *ir, struct ir_node n)
{
    if (ir->failed || (ir->n == ir->room && !grow(ir))) {
        ir->failed = true;
        return IR_NONE;
    }
    ir->nodes[ir->n] = n;
    return (ir_ref)ir->n++;
}

static ir_ref add_node(struct ir *ir, enum ir_op op, enum ir_type type,
                       ir_ref a, ir_ref b, ir_ref c, uint64_t imm)
{
    return add(ir, (struct ir_node){(uint8_t)op, (uint8_t)type, a, b, c, imm});
}

/* ------------------------------------------------------------- constants */

static uint64_t cut(uint64_t v, unsigned bits)
{
    return bits < 64 ? v & (((uint64_t)1 << bits) - 1) : v;
}

static int64_t sign(uint64_t v, unsigned bits)
{
    return (int64_t)(v << (64 - bits)) >> (64 - bits);
}

/* Is r a constant that may be folded? */
static bool known(const struct ir *ir, ir_ref r, uint64_t *v, unsigned *bits)
{
    if (!ir->flags || r >= ir->n || ir->nodes[r].op != IR_CONST)
        return false;
    *v = ir->nodes[r].imm;
    *bits = ir_bits(ir->nodes[r].type);
    return true;
}

static bool fold(enum ir_op op, unsigned bits, uint64_t a, uint64_t b,
                 uint64_t *out)
{
    switch (op) {
    case IR_ADD: *out = a + b; return true;
    case IR_SUB: *out = a - b; return true;
    case IR_MUL: *out = a * b; return true;
    case IR_AND: *out = a & b; return true;
    case IR_OR: *out = a | b; return true;
    case IR_XOR: *out = a ^ b; return true;
    case IR_SHL: *out = b < bits ? a << b : 0; return true;
    case IR_SHR: *out = b < bits ? a >> b : 0; return true;
    case IR_UREM: *out = b ? a % b : 0; return true;
    case IR_EQ: *out = a == b; return true;
    case IR_NE: *out = a != b; return true;
    case IR_ULT: *out = a < b; return true;
    case IR_ULE: *out = a <= b; return true;
    case IR_SLT: *out = sign(a, bits) < sign(b, bits); return true;
    case IR_SLE: *out = sign(a, bits) <= sign(b, bits); return true;
    default: return false;
    }
}

/* imm with operand d in its place. */
static uint64_t imm_of(unsigned which, ir_ref d, uint64_t high)
{
    return (uint64_t)(which & 0xffff) | (uint64_t)d << 16 | high << 32;
}

void ir_insn(struct ir *ir, int32_t offset, unsigned length)
{
    add_node(ir, IR_INSN, IR_VOID, IR_NONE, IR_NONE, IR_NONE,
             (uint32_t)offset | (uint64_t)(length & 0xff) << 32);
}

ir_ref ir_const(struct ir *ir, enum ir_type type, uint64_t value)
{
    unsigned bits = ir_bits(type);

    if (bits < 64)
        value &= ((uint64_t)1 << bits) - 1;
    return add_node(ir, IR_CONST, type, IR_NONE, IR_NONE, IR_NONE, value);
}

ir_ref ir_pc(struct ir *ir, enum ir_type type, int32_t offset)
{
    return add_node(ir, IR_PC, type, IR_NONE, IR_NONE, IR_NONE,
                    (uint32_t)offset);
}

ir_ref ir_get(struct ir *ir, enum ir_type type, uint64_t slot)
{
    return add_node(ir, IR_GET, type, IR_NONE, IR_NONE, IR_NONE, slot);
}

void ir_put(struct ir *ir, enum ir_type type, uint64_t slot, ir_ref value)
{
    add_node(ir, IR_PUT, type, value, IR_NONE, IR_NONE, slot);
}

ir_ref ir_get_at(struct ir *ir, enum ir_type type, uint64_t slot,
                 unsigned count, ir_ref index)
{
    return add_node(ir, IR_GET_AT, type, index, IR_NONE, IR_NONE,
                    slot | (uint64_t)count << 32);
}

void ir_put_at(struct ir *ir, enum ir_type type, uint64_t slot, unsigned count,
               ir_ref index, ir_ref value)
{
    add_node(ir, IR_PUT_AT, type, value, index, IR_NONE,
             slot | (uint64_t)count << 32);
}

void ir_fence(struct ir *ir)
{
    add_node(ir, IR_FENCE, IR_VOID, IR_NONE, IR_NONE, IR_NONE, 0);
}

void ir_flagpack(struct ir *ir)
{
    add_node(ir, IR_FLAGPACK, IR_VOID, IR_NONE, IR_NONE, IR_NONE, 0);
}

ir_ref ir_unary(struct ir *ir, enum ir_op op, enum ir_type type, ir_ref a)
{
    uint64_t v;
    unsigned bits;

    if (type <= IR_I64 && known(ir, a, &v, &bits)) {
        if (op == IR_ZX || op == IR_LO)
            return ir_const(ir, type, v);
        if (op == IR_SX)
            return ir_const(ir, type, (uint64_t)sign(v, bits));
        if (op == IR_NOT)
            return ir_const(ir, type, ~v);
    }
    return add_node(ir, op, type, a, IR_NONE, IR_NONE, 0);
}

ir_ref ir_binary(struct ir *ir, enum ir_op op, enum ir_type type, ir_ref a,
                 ir_ref b)
{
    uint64_t va, vb, v;
    unsigned bits, bits_b;

    if (type <= IR_I64 && known(ir, b, &vb, &bits_b)) {
        if (known(ir, a, &va, &bits) && fold(op, bits, va, vb, &v))
            return ir_const(ir, type, cut(v, ir_bits(type)));
        if (vb == 0 && (op == IR_ADD || op == IR_OR || op == IR_XOR ||
                        op == IR_SHL || op == IR_SHR || op == IR_SUB))
            return a;
    }
    return add_node(ir, op, type, a, b, IR_NONE, 0);
}

ir_ref ir_select(struct ir *ir, enum ir_type type, ir_ref cond, ir_ref a,
                 ir_ref b)
{
    uint64_t v;
    unsigned bits;

    if (known(ir, cond, &v, &bits))
        return v ? a : b;
    return add_node(ir, IR_SELECT, type, cond, a, b, 0);
}

ir_ref ir_deposit(struct ir *ir, enum ir_type type, ir_ref a, ir_ref b,
                  unsigned at)
{
    return add_node(ir, IR_DEPOSIT, type, a, b, IR_NONE, at);
}

ir_ref ir_lanes(struct ir *ir, enum ir_op op, enum ir_type lane, ir_ref a,
                ir_ref b, ir_ref c)
{
    return add_node(ir, IR_LANES, IR_V128, a, b, c,
                    imm_of((unsigned)op | (unsigned)lane << 8, IR_NONE, 0));
}

ir_ref ir_lanes_fp(struct ir *ir, enum ir_fp_op op, enum ir_type lane,
                   ir_ref a, ir_ref b, ir_ref c, ir_ref round)
{
    return add_node(ir, IR_LANES, IR_V128, a, b, c,
                    imm_of(IR_FP | (unsigned)lane << 8, round, op));
}

ir_ref ir_load_as(struct ir *ir, enum ir_type type, ir_ref address,
                  unsigned how)
{
    return add_node(ir, IR_LOAD, type, address, IR_NONE, IR_NONE, how);
}

void ir_store_as(struct ir *ir, enum ir_type type, ir_ref address,
                 ir_ref value, unsigned how)
{
    add_node(ir, IR_STORE, type, address, value, IR_NONE, how);
}

ir_ref ir_load(struct ir *ir, enum ir_type type, ir_ref address)
{
    return add_node(ir, IR_LOAD, type, address, IR_NONE, IR_NONE, 0);
}

void ir_store(struct ir *ir, enum ir_type type, ir_ref address, ir_ref value)
{
    add_node(ir, IR_STORE, type, address, value, IR_NONE, 0);
}

ir_ref ir_amo(struct ir *ir, enum ir_type type, enum ir_amo_op op,
              ir_ref address, ir_ref value)
{
    return add_node(ir, IR_AMO, type, address, value, IR_NONE, op);
}

ir_ref ir_fp(struct ir *ir, enum ir_type type, enum ir_fp_op op, ir_ref a,
             ir_ref b, ir_ref c, ir_ref round)
{
    return add_node(ir, IR_FP, type, a, b, c, imm_of(op, round, 0));
}

ir_ref ir_call(struct ir *ir, enum ir_type type, unsigned helper,
               unsigned facts, unsigned n, const ir_ref args[4])
{
    uint64_t high = (facts & 0xffff) | (uint64_t)(n & 0xffff) << 16;

    return add_node(ir, IR_CALL, type, args[0], args[1], args[2],
                    imm_of(helper, args[3], high));
}

void ir_flagdef(struct ir *ir, enum ir_type type, unsigned family, ir_ref a,
                ir_ref b, ir_ref c, ir_ref cond, uint32_t keep)
{
    if (ir->flags) {
        ir_flags_define(ir, type, family, (const ir_ref[3]){a, b, c}, cond,
                        keep);
        return;
    }
    add_node(ir, IR_FLAGDEF, type, a, b, cond, imm_of(family, c, keep));
}

ir_ref ir_flaguse(struct ir *ir, unsigned condition)
{
    if (ir->flags)
        return ir_flags_use(ir, condition);
    return add_node(ir, IR_FLAGUSE, IR_I1, IR_NONE, IR_NONE, IR_NONE,
                    condition & 0xffff);
}

void ir_raise(struct ir *ir, unsigned cause, ir_ref value)
{
    add_node(ir, IR_RAISE, IR_VOID, value, IR_NONE, IR_NONE, cause);
}

void ir_raise_if(struct ir *ir, ir_ref cond, unsigned cause, ir_ref value)
{
    add_node(ir, IR_RAISE_IF, IR_VOID, cond, value, IR_NONE, cause);
}

void ir_exit(struct ir *ir, int32_t offset)
{
    add_node(ir, IR_EXIT, IR_VOID, IR_NONE, IR_NONE, IR_NONE, (uint32_t)offset);
}

void ir_exit_if(struct ir *ir, ir_ref cond, int32_t offset)
{
    add_node(ir, IR_EXIT_IF, IR_VOID, cond, IR_NONE, IR_NONE, (uint32_t)offset);
}

void ir_exit_indirect(struct ir *ir, ir_ref target, enum ir_hint hint)
{
    add_node(ir, IR_EXIT_INDIRECT, IR_VOID, target, IR_NONE, IR_NONE, hint);
}

void ir_exit_if_leave(struct ir *ir, int32_t offset)
{
    add_node(ir, IR_EXIT_IF_LEAVE, IR_VOID, IR_NONE, IR_NONE, IR_NONE,
             (uint32_t)offset);
}

void ir_exit_indirect_if(struct ir *ir, ir_ref cond, ir_ref target,
                         enum ir_hint hint)
{
    add_node(ir, IR_EXIT_INDIRECT_IF, IR_VOID, cond, target, IR_NONE, hint);
}

void ir_fp_begin(struct ir *ir)
{
    add_node(ir, IR_FP_BEGIN, IR_VOID, IR_NONE, IR_NONE, IR_NONE, 0);
}

void ir_fp_check(struct ir *ir)
{
    add_node(ir, IR_FP_CHECK, IR_VOID, IR_NONE, IR_NONE, IR_NONE, 0);
}

void ir_again_if(struct ir *ir, ir_ref cond)
{
    add_node(ir, IR_AGAIN_IF, IR_VOID, cond, IR_NONE, IR_NONE, 0);
}
