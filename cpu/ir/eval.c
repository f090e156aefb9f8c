/*
 * The IR evaluator: the plain oracle that handlers and compiled code are
 * compared with.  It does one node after the other and is written apart from
 * cpu/core/ops.h, so that a mistake there is not repeated here; only values
 * of 128 bits and floating point share their functions with the handlers.
 */
#include <stdlib.h>

#include "cpu/core/engine.h"
#include "cpu/core/f80_ops.h"
#include "cpu/core/ops.h"
#include "cpu/core/wide.h"
#include "cpu/fp/fp.h"
#include "cpu/ir/ir.h"

/* Values of this many nodes fit on the stack. */
#define FEW 128

struct value {
    uint64_t lo, hi; /* hi is 0 up to 64 bits */
};

struct eval {
    const struct ir *ir;
    struct cpu *c;
    const struct ir_guest *guest;
    struct value *values;
    uint64_t insn_pc; /* of the current guest instruction */
    bool counted;     /* an instruction has begun */
};

enum step { GO_ON, DONE, RAISED, BAD };

static uint64_t cut(uint64_t v, unsigned bits)
{
    return bits < 64 ? v & (((uint64_t)1 << bits) - 1) : v;
}

static uint64_t extend(uint64_t v, unsigned bits)
{
    uint64_t sign = (uint64_t)1 << (bits - 1);

    return (cut(v, bits) ^ sign) - sign;
}

static const struct value *value_of(const struct eval *v, ir_ref r)
{
    static const struct value zero;

    return r < v->ir->n ? &v->values[r] : &zero;
}

static unsigned bits_of(const struct eval *v, ir_ref r)
{
    return r < v->ir->n ? ir_bits(v->ir->nodes[r].type) : 0;
}

/* ------------------------------------------------------ up to 64 bits */

static uint64_t count_zeros(uint64_t a, unsigned bits, bool from_top)
{
    unsigned n = 0;

    while (n < bits && !(a >> (from_top ? bits - 1 - n : n) & 1))
        n++;
    return n;
}

static uint64_t swap_bytes(uint64_t a, unsigned bits)
{
    uint64_t out = 0;

    for (unsigned i = 0; i < bits; i += 8)
        out = out << 8 | (a >> i & 0xff);
    return out;
}

static uint64_t ones(uint64_t a)
{
    uint64_t n = 0;

    for (; a; a &= a - 1)
        n++;
    return n;
}

/* Bits 127:64 of a * b, in pieces of 32 bits. */
static uint64_t high_product(uint64_t a, uint64_t b)
{
    uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t low = a0 * b0, mid = a1 * b0 + (low >> 32);
    uint64_t mid2 = a0 * b1 + (uint32_t)mid;

    return a1 * b1 + (mid >> 32) + (mid2 >> 32);
}

static uint64_t multiply_high(unsigned op, uint64_t a, uint64_t b,
                              unsigned bits)
{
    bool neg_a = op != IR_MULHU && a >> (bits - 1);
    bool neg_b = op == IR_MULHS && b >> (bits - 1);
    uint64_t x = neg_a ? cut(0 - a, bits) : a;
    uint64_t y = neg_b ? cut(0 - b, bits) : b;
    uint64_t lo, hi;

    if (bits < 64) {
        uint64_t p = x * y;

        p = neg_a != neg_b ? 0 - p : p;
        return p >> bits;
    }
    lo = x * y;
    hi = high_product(x, y);
    /* the negative of hi:lo */
    return neg_a != neg_b ? ~hi + (lo == 0) : hi;
}

static uint64_t divide(unsigned op, uint64_t a, uint64_t b, unsigned bits)
{
    uint64_t x = a, y = b, q;
    bool neg_a = false, neg_b = false;

    if (op == IR_SDIV || op == IR_SREM) {
        neg_a = a >> (bits - 1);
        neg_b = b >> (bits - 1);
        x = neg_a ? cut(0 - a, bits) : a;
        y = neg_b ? cut(0 - b, bits) : b;
    }
    if (y == 0)
        return 0;
    if (op == IR_UREM || op == IR_SREM) {
        q = x % y;
        return neg_a ? 0 - q : q;
    }
    q = x / y;
    return neg_a != neg_b ? 0 - q : q;
}

static uint64_t shift(unsigned op, uint64_t a, uint64_t n, unsigned bits)
{
    bool fill = op == IR_SAR && a >> (bits - 1);

    if (n >= bits)
        return fill ? ~(uint64_t)0 : 0;
    switch (op) {
    case IR_SHL:
        return a << n;
    case IR_SHR:
        return a >> n;
    default:
        return a >> n | (fill && n ? ~(uint64_t)0 << (bits - n) : 0);
    }
}

static uint64_t rotate(unsigned op, uint64_t a, uint64_t n, unsigned bits)
{
    n %= bits;
    if (op == IR_ROR)
        n = (bits - n) % bits;
    return n ? a << n | a >> (bits - n) : a;
}

static bool compare(unsigned op, uint64_t a, uint64_t b, unsigned bits)
{
    int64_t x = (int64_t)extend(a, bits), y = (int64_t)extend(b, bits);

    switch (op) {
    case IR_EQ:
        return a == b;
    case IR_NE:
        return a != b;
    case IR_ULT:
        return a < b;
    case IR_ULE:
        return a <= b;
    case IR_SLT:
        return x < y;
    default:
        return x <= y;
    }
}

/* a and b have `from` bits, the result is cut by the caller. */
static uint64_t narrow(unsigned op, uint64_t a, uint64_t b, unsigned bits,
                       unsigned from)
{
    switch (op) {
    case IR_NOT:
        return ~a;
    case IR_NEG:
        return 0 - a;
    case IR_CLZ:
    case IR_CTZ:
        return count_zeros(a, bits, op == IR_CLZ);
    case IR_POPCNT:
        return ones(a);
    case IR_BSWAP:
        return swap_bytes(a, bits);
    case IR_ZX:
    case IR_LO:
        return a;
    case IR_SX:
        return extend(a, from);
    case IR_HI:
        return shift(IR_SHR, a, bits, 64);
    case IR_ADD:
        return a + b;
    case IR_SUB:
        return a - b;
    case IR_MUL:
        return a * b;
    case IR_AND:
        return a & b;
    case IR_OR:
        return a | b;
    case IR_XOR:
        return a ^ b;
    case IR_SHL:
    case IR_SHR:
    case IR_SAR:
        return shift(op, a, b, bits);
    case IR_ROL:
    case IR_ROR:
        return rotate(op, a, b, bits);
    case IR_UDIV:
    case IR_UREM:
    case IR_SDIV:
    case IR_SREM:
        return divide(op, a, b, bits);
    case IR_MULHU:
    case IR_MULHS:
    case IR_MULHSU:
        return multiply_high(op, a, b, bits);
    case IR_CAT:
        return shift(IR_SHL, a, from, 64) | b;
    default:
        return compare(op, a, b, from);
    }
}

/* ---------------------------------------------------------- 128 bits */

static bool wide_compare(unsigned op, u128 a, u128 b)
{
    switch (op) {
    case IR_EQ:
        return u128_eq(a, b);
    case IR_NE:
        return u128_ne(a, b);
    case IR_ULT:
        return u128_ult(a, b);
    case IR_ULE:
        return u128_ule(a, b);
    case IR_SLT:
        return u128_slt(a, b);
    default:
        return u128_sle(a, b);
    }
}

static u128 wide_arithmetic(unsigned op, u128 a, u128 b)
{
    switch (op) {
    case IR_NOT:
        return u128_not(a);
    case IR_NEG:
        return u128_neg(a);
    case IR_ADD:
        return u128_add(a, b);
    case IR_SUB:
        return u128_sub(a, b);
    case IR_MUL:
        return u128_mul(a, b);
    case IR_AND:
        return u128_and(a, b);
    case IR_OR:
        return u128_or(a, b);
    case IR_XOR:
        return u128_xor(a, b);
    case IR_SHL:
        return u128_shl(a, b);
    case IR_SHR:
        return u128_shr(a, b);
    case IR_SAR:
        return u128_sar(a, b);
    case IR_UDIV:
        return op_udiv_u128(a, b);
    case IR_UREM:
        return op_urem_u128(a, b);
    case IR_SDIV:
        return op_sdiv_u128(a, b);
    default:
        return op_srem_u128(a, b);
    }
}

/* An operation of which an operand or the result has 128 bits. */
static struct value wide(unsigned op, const struct value *x,
                         const struct value *y, unsigned bits, unsigned from)
{
    u128 a = u128_make(x->hi, x->lo), b = u128_make(y->hi, y->lo), r;

    switch (op) {
    case IR_ZX:
        r = a;
        break;
    case IR_SX:
        r = u128_sx((int64_t)extend(x->lo, from > 64 ? 64 : from));
        break;
    case IR_LO:
        return (struct value){cut(x->lo, bits), 0};
    case IR_HI:
        return (struct value){x->hi, 0};
    case IR_CAT:
        return (struct value){y->lo, x->lo};
    case IR_EQ:
    case IR_NE:
    case IR_ULT:
    case IR_ULE:
    case IR_SLT:
    case IR_SLE:
        return (struct value){wide_compare(op, a, b), 0};
    default:
        r = wide_arithmetic(op, a, b);
    }
    return (struct value){u128_lo(r), u128_hi(r)};
}

static struct value operate(const struct eval *v, const struct ir_node *n)
{
    const struct value *a = value_of(v, n->a), *b = value_of(v, n->b);
    unsigned bits = ir_bits(n->type), from = bits_of(v, n->a);

    if (bits == 0 || from == 0)
        return (struct value){0, 0};
    if (bits > 64 || from > 64)
        return wide(n->op, a, b, bits, from);
    return (struct value){cut(narrow(n->op, a->lo, b->lo, bits, from), bits),
                          0};
}

/* ------------------------------------------------------------- state */

/* The slot's bytes; NULL: it is not the guest's. */
static void *slot(const struct eval *v, const struct ir_node *n)
{
    size_t size = v->c->class->size, bytes = (ir_bits(n->type) + 7) / 8;

    if (n->imm < sizeof(struct cpu) || n->imm > size || bytes > size - n->imm)
        return NULL;
    return (char *)v->c + n->imm;
}

static enum step get(const struct eval *v, const struct ir_node *n,
                     struct value *out)
{
    const void *p = slot(v, n);
    uint8_t b;
    uint16_t h;
    uint32_t w;

    if (!p)
        return BAD;
    *out = (struct value){0, 0};
    switch (n->type) {
    case IR_I1:
    case IR_I8:
        memcpy(&b, p, 1);
        out->lo = n->type == IR_I1 ? b & 1 : b;
        break;
    case IR_I16:
        memcpy(&h, p, 2);
        out->lo = h;
        break;
    case IR_I32:
        memcpy(&w, p, 4);
        out->lo = w;
        break;
    case IR_I64:
        memcpy(&out->lo, p, 8);
        break;
    case IR_I128:
    case IR_V128:
        /* the low half first, on any host */
        memcpy(&out->lo, p, 8);
        memcpy(&out->hi, (const char *)p + 8, 8);
        break;
    default:
        return BAD;
    }
    return GO_ON;
}

static enum step put(const struct eval *v, const struct ir_node *n)
{
    const struct value *a = value_of(v, n->a);
    const uint8_t b = (uint8_t)a->lo;
    const uint16_t h = (uint16_t)a->lo;
    const uint32_t w = (uint32_t)a->lo;
    void *p = slot(v, n);

    if (!p)
        return BAD;
    switch (n->type) {
    case IR_I1:
    case IR_I8:
        memcpy(p, &b, 1);
        break;
    case IR_I16:
        memcpy(p, &h, 2);
        break;
    case IR_I32:
        memcpy(p, &w, 4);
        break;
    case IR_I64:
        memcpy(p, &a->lo, 8);
        break;
    case IR_I128:
    case IR_V128:
        memcpy(p, &a->lo, 8);
        memcpy((char *)p + 8, &a->hi, 8);
        break;
    default:
        return BAD;
    }
    return GO_ON;
}

/* GET_AT or PUT_AT as what it is by its operand `index`. */
static struct ir_node slot_at(const struct eval *v, const struct ir_node *n,
                              ir_ref index)
{
    const uint64_t count = n->imm >> 32;
    struct ir_node s = *n;

    s.imm = (uint32_t)n->imm +
            (value_of(v, index)->lo & (count - 1)) * (ir_bits(n->type) / 8);
    return s;
}

static enum step load(const struct eval *v, const struct ir_node *n,
                      struct value *out)
{
    unsigned bits = ir_bits(n->type);
    uint64_t va = value_of(v, n->a)->lo;
    bool ok = true;

    if (bits < 8)
        return BAD;
    out->hi = 0;
    v->c->space = (uint8_t)(n->imm >> 8);
    if (n->imm & (IR_TO_WRITE | IR_LOCKED))
        ok = cpu_check_write(v->c, va, bits / 8);
    if (ok && bits == 128) {
        ok = cpu_load16(v->c, va);
        *out = (struct value){v->c->scratch, v->c->scratch_hi};
    } else if (ok) {
        ok = cpu_load(v->c, va, bits / 8, &out->lo);
        out->lo = cut(out->lo, bits);
    }
    v->c->space = 0;
    return ok ? GO_ON : RAISED;
}

static enum step store(const struct eval *v, const struct ir_node *n)
{
    unsigned bits = ir_bits(n->type);
    uint64_t va = value_of(v, n->a)->lo;
    const struct value *b = value_of(v, n->b);
    bool ok;

    if (bits < 8)
        return BAD;
    v->c->space = (uint8_t)(n->imm >> 8);
    ok = bits == 128 ? cpu_store16(v->c, va, b->lo, b->hi)
                     : cpu_store(v->c, va, bits / 8, b->lo);
    v->c->space = 0;
    return ok ? GO_ON : RAISED;
}

static uint64_t combine(uint64_t op, uint64_t old, uint64_t b, unsigned bits)
{
    switch (op) {
    case IR_AMO_ADD:
        return old + b;
    case IR_AMO_SWAP:
        return b;
    case IR_AMO_AND:
        return old & b;
    case IR_AMO_OR:
        return old | b;
    case IR_AMO_XOR:
        return old ^ b;
    case IR_AMO_MIN:
        return compare(IR_SLT, old, b, bits) ? old : b;
    case IR_AMO_MAX:
        return compare(IR_SLT, old, b, bits) ? b : old;
    case IR_AMO_MINU:
        return old < b ? old : b;
    default:
        return old < b ? b : old;
    }
}

static enum step amo(const struct eval *v, const struct ir_node *n,
                     struct value *out)
{
    unsigned bits = ir_bits(n->type), size = bits / 8;
    uint64_t va = value_of(v, n->a)->lo;
    void *p;

    if (bits < 32 || bits > 64 || va & (size - 1))
        return BAD;
    p = cpu_atomic(v->c, va, size);
    if (!p)
        return RAISED;
    *out = (struct value){ld_le(p, size), 0};
    st_le(p, combine(n->imm, out->lo, value_of(v, n->b)->lo, bits), size);
    return GO_ON;
}

/* -------------------------------------------- floating point, helpers */

#define FP_FLAGS1(fn) fp_##fn(env, a)
#define FP_ROUNDS1(fn) fp_##fn(env, a)
#define FP_ROUNDS2(fn) fp_##fn(env, a, b)
#define FP_ROUNDS3(fn) fp_##fn(env, a, b, c)
#define FP_FLAGS2(fn) fp_##fn(env, a, b)
#define FP_PURE1(fn) fp_##fn(a)

#define FP_A_I16(v, x) const uint16_t v = (uint16_t)(x).lo
#define FP_A_I32(v, x) const uint32_t v = (uint32_t)(x).lo
#define FP_A_I64(v, x) const uint64_t v = (x).lo
#define FP_A_I128(v, x) const u128 v = u128_make((x).hi, (x).lo)

#define FP_R_NARROW(x) ((struct value){(uint64_t)(x), 0})
#define FP_R_I1 FP_R_NARROW
#define FP_R_I8 FP_R_NARROW
#define FP_R_I16 FP_R_NARROW
#define FP_R_I32 FP_R_NARROW
#define FP_R_I64 FP_R_NARROW
#define FP_R_I128(x) of_wide(x)

static struct value of_wide(u128 x)
{
    return (struct value){u128_lo(x), u128_hi(x)};
}

/* Operands of the operation's own type, so that nothing converts them. */
#define FP_CASE(name, fn, result, operand, count, how)                         \
    case IR_FP_##name: {                                                       \
        FP_A_##operand(a, x[0]);                                               \
        FP_A_##operand(b, x[1]);                                               \
        FP_A_##operand(c, x[2]);                                               \
                                                                               \
        (void)b;                                                               \
        (void)c;                                                               \
        *out = FP_R_##result(FP_##how##count(fn));                             \
        break;                                                                 \
    }

/* Operation op on x[0..2], rounding as `round` says; false: none such. */
static bool fp_operate(const struct eval *v, unsigned op, const struct value *x,
                       uint8_t round, struct value *out)
{
    struct fp_env *env;
    size_t at;

    if (!v->guest || op >= IR_N_FPS)
        return false;
    at = ir_fps[op].operand == IR_I128 || ir_fps[op].result == IR_I128
             ? v->guest->fp80
             : v->guest->fp;
    if (at > v->c->class->size || v->c->class->size - at < sizeof(*env))
        return false;
    env = (struct fp_env *)(void *)((char *)v->c + at);
    if (ir_fps[op].rounds)
        env->round = round;
    switch (op) {
        IR_FPS(FP_CASE)
    default:
        return false;
    }
    return true;
}

static enum step fp(const struct eval *v, const struct ir_node *n,
                    struct value *out)
{
    const struct value x[3] = {*value_of(v, n->a), *value_of(v, n->b),
                               *value_of(v, n->c)};

    if (!fp_operate(v, ir_which(n), x, (uint8_t)value_of(v, ir_d(n))->lo, out))
        return BAD;
    out->lo = cut(out->lo, ir_bits(n->type));
    return GO_ON;
}

/* ------------------------------------------------------------ vectors */

static uint64_t get_lane(const struct value *a, unsigned i, unsigned bits)
{
    unsigned at = i * bits;

    return cut((at < 64 ? a->lo : a->hi) >> at % 64, bits);
}

static void put_lane(struct value *a, unsigned i, unsigned bits, uint64_t x)
{
    unsigned at = i * bits;

    *(at < 64 ? &a->lo : &a->hi) |= cut(x, bits) << at % 64;
}

/* Ones in a lane that a comparison found true. */
static uint64_t lane(unsigned op, const uint64_t *x, unsigned bits)
{
    switch (op) {
    case IR_SELECT:
        return x[0] >> (bits - 1) ? x[1] : x[2];
    case IR_EQ:
    case IR_NE:
    case IR_ULT:
    case IR_ULE:
    case IR_SLT:
    case IR_SLE:
        return compare(op, x[0], x[1], bits) ? ~(uint64_t)0 : 0;
    default:
        return narrow(op, x[0], x[1], bits, bits);
    }
}

static enum step lanes(const struct eval *v, const struct ir_node *n,
                       struct value *out)
{
    unsigned bits = ir_bits(ir_lane_type(n)), op = ir_lane_op(n);
    struct value r = {0, 0};

    if (bits < 8 || bits > 64)
        return BAD;
    for (unsigned i = 0; i < 128 / bits; i++) {
        const uint64_t x[3] = {get_lane(value_of(v, n->a), i, bits),
                               get_lane(value_of(v, n->b), i, bits),
                               get_lane(value_of(v, n->c), i, bits)};
        const struct value each[3] = {{x[0], 0}, {x[1], 0}, {x[2], 0}};
        struct value y;

        if (op != IR_FP)
            y.lo = lane(op, x, bits);
        else if (!fp_operate(v, ir_lane_fp(n), each,
                             (uint8_t)value_of(v, ir_d(n))->lo, &y))
            return BAD;
        else if (ir_fps[ir_lane_fp(n)].result == IR_I1)
            y.lo = 0 - y.lo;
        put_lane(&r, i, bits, y.lo);
    }
    *out = r;
    return GO_ON;
}

static struct value splat(const struct value *a, unsigned bits)
{
    struct value r = {0, 0};

    for (unsigned i = 0; bits >= 8 && i < 128 / bits; i++)
        put_lane(&r, i, bits, a->lo);
    return r;
}

static struct value lookup(const struct value *a, const struct value *b)
{
    struct value r = {0, 0};

    for (unsigned i = 0; i < 16; i++) {
        uint64_t at = get_lane(b, i, 8);

        put_lane(&r, i, 8, at < 16 ? get_lane(a, (unsigned)at, 8) : 0);
    }
    return r;
}

/* b in place of a's bits from `at` on. */
static struct value deposit(const struct value *a, const struct value *b,
                            unsigned at, unsigned bits)
{
    struct value r = *a;
    uint64_t *half = at < 64 ? &r.lo : &r.hi;
    uint64_t mask = cut(~(uint64_t)0, bits) << at % 64;

    *half = (*half & ~mask) | (b->lo << at % 64 & mask);
    return r;
}

static enum step call(const struct eval *v, const struct ir_node *n,
                      struct value *out)
{
    const struct isa_helper *h = v->c->class->isa->helpers;
    uint64_t args[4];
    ir_ref refs[4];

    for (unsigned i = 0; i < ir_which(n) && h->name; i++)
        h++;
    if (!h->name)
        return BAD;
    ir_operands(n, refs);
    for (unsigned i = 0; i < 4; i++)
        args[i] = value_of(v, refs[i])->lo;
    if (!h->fn(v->c, args))
        return v->c->pending_exception ? RAISED : BAD;
    *out = (struct value){cut(v->c->scratch, ir_bits(n->type)),
                          ir_bits(n->type) > 64 ? v->c->scratch_hi : 0};
    return GO_ON;
}

static enum step flagdef(const struct eval *v, const struct ir_node *n)
{
    const uint64_t values[3] = {value_of(v, n->a)->lo, value_of(v, n->b)->lo,
                                value_of(v, ir_d(n))->lo};

    if (!v->guest || !v->guest->flag_define)
        return BAD;
    if (n->c == IR_NONE || value_of(v, n->c)->lo)
        v->guest->flag_define(v->c, ir_which(n), ir_bits(n->type), values,
                              ir_flag_keep(n));
    return GO_ON;
}

/* --------------------------------------------------------------- ways out */

static enum step leave(const struct eval *v, struct ir_end *end,
                       enum ir_how how, uint64_t pc)
{
    end->how = how;
    end->pc = pc;
    v->c->icount += v->counted;
    return DONE;
}

static uint64_t target(const struct eval *v, const struct ir_node *n)
{
    return v->c->page + (uint64_t)(int64_t)ir_offset(n);
}

static enum step raise(const struct eval *v, uint64_t cause, ir_ref value)
{
    if (!v->c->class->raise)
        return BAD;
    v->c->class->raise(v->c, (unsigned)cause, value_of(v, value)->lo);
    return RAISED;
}

/* The next instruction begins, unless what was before wants to leave. */
static enum step insn(struct eval *v, const struct ir_node *n,
                      struct ir_end *end)
{
    if (v->c->leave && v->counted)
        return leave(v, end, IR_END_LEFT, target(v, n));
    v->c->icount += v->counted;
    v->counted = true;
    v->insn_pc = v->c->pc = target(v, n);
    return GO_ON;
}

static enum step leave_step(const struct eval *v, const struct ir_node *n,
                            struct ir_end *end)
{
    switch (n->op) {
    case IR_EXIT_IF:
        if (!value_of(v, n->a)->lo)
            return GO_ON;
        return leave(v, end, IR_END_EXIT, target(v, n));
    case IR_EXIT_IF_LEAVE:
        if (!v->c->leave)
            return GO_ON;
        return leave(v, end, IR_END_LEFT, target(v, n));
    case IR_AGAIN_IF:
        if (!value_of(v, n->a)->lo)
            return GO_ON;
        end->how = IR_END_AGAIN;
        end->pc = v->insn_pc;
        return DONE;
    case IR_EXIT_INDIRECT_IF:
        if (!value_of(v, n->a)->lo)
            return GO_ON;
        end->hint = (uint8_t)n->imm;
        return leave(v, end, IR_END_INDIRECT, value_of(v, n->b)->lo);
    case IR_EXIT_INDIRECT:
        end->hint = (uint8_t)n->imm;
        return leave(v, end, IR_END_INDIRECT, value_of(v, n->a)->lo);
    default:
        return leave(v, end, IR_END_EXIT, target(v, n));
    }
}

static enum step step(struct eval *v, const struct ir_node *n,
                      struct value *out, struct ir_end *end)
{
    struct ir_node s;

    switch (n->op) {
    case IR_NOP:
        return GO_ON;
    case IR_INSN:
        return insn(v, n, end);
    case IR_CONST:
        *out = (struct value){n->imm, 0};
        return GO_ON;
    case IR_PC:
        *out = (struct value){cut(target(v, n), ir_bits(n->type)), 0};
        return GO_ON;
    case IR_GET:
        return get(v, n, out);
    case IR_PUT:
        return put(v, n);
    case IR_GET_AT:
        s = slot_at(v, n, n->a);
        return get(v, &s, out);
    case IR_PUT_AT:
        s = slot_at(v, n, n->b);
        return put(v, &s);
    case IR_SELECT:
        *out = *value_of(v, value_of(v, n->a)->lo ? n->b : n->c);
        return GO_ON;
    case IR_LOAD:
        return load(v, n, out);
    case IR_STORE:
        return store(v, n);
    case IR_AMO:
        return amo(v, n, out);
    case IR_DEPOSIT:
        *out = deposit(value_of(v, n->a), value_of(v, n->b),
                       (unsigned)n->imm & 127, bits_of(v, n->b));
        return GO_ON;
    case IR_LANES:
        return lanes(v, n, out);
    case IR_SPLAT:
        *out = splat(value_of(v, n->a), bits_of(v, n->a));
        return GO_ON;
    case IR_LOOKUP:
        *out = lookup(value_of(v, n->a), value_of(v, n->b));
        return GO_ON;
    case IR_FP:
        return fp(v, n, out);
    case IR_FP_BEGIN:
        if (!v->guest || !v->guest->fp_begin)
            return BAD;
        v->guest->fp_begin(v->c);
        return GO_ON;
    case IR_FP_CHECK:
        if (!v->guest || !v->guest->fp_end)
            return BAD;
        return v->guest->fp_end(v->c) ? GO_ON : RAISED;
    case IR_FENCE:
        op_fence();
        return GO_ON;
    case IR_FLAGPACK:
        cpu_pack_flags(v->c);
        return GO_ON;
    case IR_CALL:
        return call(v, n, out);
    case IR_FLAGDEF:
        return flagdef(v, n);
    case IR_FLAGUSE:
        if (!v->guest || !v->guest->flag_use)
            return BAD;
        *out = (struct value){v->guest->flag_use(v->c, ir_which(n)), 0};
        return GO_ON;
    case IR_RAISE:
        return raise(v, n->imm, n->a);
    case IR_RAISE_IF:
        return value_of(v, n->a)->lo ? raise(v, n->imm, n->b) : GO_ON;
    case IR_EXIT:
    case IR_EXIT_IF:
    case IR_EXIT_INDIRECT:
    case IR_EXIT_INDIRECT_IF:
    case IR_EXIT_IF_LEAVE:
    case IR_AGAIN_IF:
        return leave_step(v, n, end);
    default:
        if (n->op >= IR_N_OPS)
            return BAD;
        *out = operate(v, n);
        return GO_ON;
    }
}

static struct ir_end run(struct eval *v)
{
    struct ir_end end = {IR_END_BAD, v->c->pc, IR_JUMPS, 0};
    enum step s = GO_ON;

    for (uint32_t i = 0; i < v->ir->n && s == GO_ON; i++) {
        end.node = i;
        s = step(v, &v->ir->nodes[i], &v->values[i], &end);
    }
    if (s == RAISED) {
        end.how = IR_END_RAISED;
        end.pc = v->insn_pc;
    } else if (s != DONE) {
        end.how = IR_END_BAD;
    }
    return end;
}

struct ir_end ir_eval(const struct ir *ir, struct cpu *c,
                      const struct ir_guest *guest)
{
    struct value few[FEW];
    struct eval v = {ir, c, guest, few, c->pc, false};
    struct ir_end end = {IR_END_BAD, c->pc, IR_JUMPS, 0};

    if (ir->failed)
        return end;
    if (ir->n > FEW) {
        v.values = calloc(ir->n, sizeof(*v.values));
        if (!v.values)
            return end;
    } else {
        memset(few, 0, ir->n * sizeof(few[0]));
    }
    /* As outside of handlers: pc and icount are exact as they stand. */
    c->cur = NULL;
    c->slice = c->budget = 0;
    c->leave = false;
    end = run(&v);
    c->leave = false;
    c->pc = end.pc;
    if (v.values != few)
        free(v.values);
    return end;
}
