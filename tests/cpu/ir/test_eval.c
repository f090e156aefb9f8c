/*
 * The IR evaluator: what each operation gives, and how blocks end.
 *
 * Operations of up to 64 bits are compared with cpu/core/ops.h, which the
 * handlers use: the two are written apart, and each checks the other.
 */
#include <stdlib.h>

#include "cpu/core/ops.h"
#include "tests/cpu/ir/toy.h"

static const ir_ref no_args[4] = {IR_NONE, IR_NONE, IR_NONE, IR_NONE};

/* Run a block that must be good. */
static struct ir_end run(struct ir *ir, struct toy *t)
{
    struct ir_end end;
    struct error e;

    if (!ir_verify(ir, &toy_class, &e))
        fail_msg("%s", e.text);
    t->core.page = TOY_BASE;
    t->core.pending_exception = false;
    end = ir_eval(ir, &t->core, &toy_guest);
    ir_clear(ir);
    return end;
}

/* ------------------------------------------------------------- operations */

#define OPS_SAME(X)                                                            \
    X(SHL, shl)                                                                \
    X(SHR, shr) X(SAR, sar) X(ROL, rol) X(ROR, ror) X(UDIV, udiv)              \
        X(UREM, urem) X(SDIV, sdiv) X(SREM, srem)
#define OPS_COUNT(X) X(CLZ, clz) X(CTZ, ctz) X(POPCNT, popcnt)

/* What C says; false: this operation has not this width. */
#define REFERENCE(bits)                                                        \
    static bool reference_##bits(enum ir_op op, uint##bits##_t a,              \
                                 uint##bits##_t b, uint64_t *out)              \
    {                                                                          \
        const int##bits##_t sa = (int##bits##_t)a, sb = (int##bits##_t)b;      \
                                                                               \
        switch (op) {                                                          \
            OPS_SAME(CASE2_##bits)                                             \
            OPS_COUNT(CASE1_##bits)                                            \
        case IR_ADD:                                                           \
            *out = (uint##bits##_t)(a + b);                                    \
            break;                                                             \
        case IR_SUB:                                                           \
            *out = (uint##bits##_t)(a - b);                                    \
            break;                                                             \
        case IR_MUL:                                                           \
            *out = (uint##bits##_t)((uint64_t)a * b);                          \
            break;                                                             \
        case IR_AND:                                                           \
            *out = a & b;                                                      \
            break;                                                             \
        case IR_OR:                                                            \
            *out = a | b;                                                      \
            break;                                                             \
        case IR_XOR:                                                           \
            *out = a ^ b;                                                      \
            break;                                                             \
        case IR_NOT:                                                           \
            *out = (uint##bits##_t) ~a;                                        \
            break;                                                             \
        case IR_NEG:                                                           \
            *out = (uint##bits##_t)(0 - a);                                    \
            break;                                                             \
        case IR_EQ:                                                            \
            *out = a == b;                                                     \
            break;                                                             \
        case IR_NE:                                                            \
            *out = a != b;                                                     \
            break;                                                             \
        case IR_ULT:                                                           \
            *out = a < b;                                                      \
            break;                                                             \
        case IR_ULE:                                                           \
            *out = a <= b;                                                     \
            break;                                                             \
        case IR_SLT:                                                           \
            *out = sa < sb;                                                    \
            break;                                                             \
        case IR_SLE:                                                           \
            *out = sa <= sb;                                                   \
            break;                                                             \
        default:                                                               \
            return more_##bits(op, a, b, out);                                 \
        }                                                                      \
        return true;                                                           \
    }

#define CASE2(bits, OP, fn)                                                    \
    case IR_##OP:                                                              \
        *out = op_##fn##_u##bits(a, b);                                        \
        break;
#define CASE1(bits, OP, fn)                                                    \
    case IR_##OP:                                                              \
        *out = op_##fn##_u##bits(a);                                           \
        break;
#define CASE2_8(OP, fn) CASE2(8, OP, fn)
#define CASE2_16(OP, fn) CASE2(16, OP, fn)
#define CASE2_32(OP, fn) CASE2(32, OP, fn)
#define CASE2_64(OP, fn) CASE2(64, OP, fn)
#define CASE1_8(OP, fn) CASE1(8, OP, fn)
#define CASE1_16(OP, fn) CASE1(16, OP, fn)
#define CASE1_32(OP, fn) CASE1(32, OP, fn)
#define CASE1_64(OP, fn) CASE1(64, OP, fn)

static bool more_8(enum ir_op op, uint8_t a, uint8_t b, uint64_t *out)
{
    (void)op;
    (void)a;
    (void)b;
    (void)out;
    return false;
}

static bool more_16(enum ir_op op, uint16_t a, uint16_t b, uint64_t *out)
{
    (void)b;
    *out = op_bswap_u16(a);
    return op == IR_BSWAP;
}

#define MORE(bits)                                                             \
    static bool more_##bits(enum ir_op op, uint##bits##_t a, uint##bits##_t b, \
                            uint64_t *out)                                     \
    {                                                                          \
        switch (op) {                                                          \
        case IR_BSWAP:                                                         \
            *out = op_bswap_u##bits(a);                                        \
            return true;                                                       \
        case IR_MULHU:                                                         \
            *out = op_mulhu_u##bits(a, b);                                     \
            return true;                                                       \
        case IR_MULHS:                                                         \
            *out = op_mulhs_u##bits(a, b);                                     \
            return true;                                                       \
        case IR_MULHSU:                                                        \
            *out = op_mulhsu_u##bits(a, b);                                    \
            return true;                                                       \
        default:                                                               \
            return false;                                                      \
        }                                                                      \
    }

MORE(32)
MORE(64)
REFERENCE(8)
REFERENCE(16)
REFERENCE(32)
REFERENCE(64)

static bool reference(enum ir_op op, enum ir_type type, uint64_t a, uint64_t b,
                      uint64_t *out)
{
    switch (type) {
    case IR_I8:
        return reference_8(op, (uint8_t)a, (uint8_t)b, out);
    case IR_I16:
        return reference_16(op, (uint16_t)a, (uint16_t)b, out);
    case IR_I32:
        return reference_32(op, (uint32_t)a, (uint32_t)b, out);
    default:
        return reference_64(op, a, b, out);
    }
}

static uint64_t evaluate(struct toy *t, struct ir *ir, enum ir_op op,
                         enum ir_type type, uint64_t a, uint64_t b)
{
    enum ir_type to = op >= IR_EQ && op <= IR_SLE ? IR_I1 : type;
    ir_ref x, y, r;

    ir_insn(ir, 0, 4);
    x = ir_const(ir, type, a);
    y = ir_const(ir, type, b);
    if (!ir_ops[op].operands[1])
        r = ir_unary(ir, op, to, x);
    else
        r = ir_binary(ir, op, to, x, y);
    t->r[0] = UINT64_MAX;
    ir_put(ir, IR_I64, TOY_R(0),
           to == IR_I64 ? r : ir_unary(ir, IR_ZX, IR_I64, r));
    ir_exit(ir, 4);
    assert_int_equal(run(ir, t).how, IR_END_EXIT);
    return t->r[0];
}

static void test_operations(void **state)
{
    struct toy *t = *state;
    struct prng p = {7};
    unsigned n = 0;
    struct ir ir;

    ir_init(&ir);
    for (unsigned round = 0; round < 300; round++)
        for (unsigned type = IR_I8; type <= IR_I64; type++)
            for (unsigned op = IR_NOT; op <= IR_SLE; op++) {
                uint64_t a = prng_edgy(&p), b = prng_edgy(&p), want, got;

                if (prng_below(&p, 8) == 0)
                    b = prng_below(&p, 2) ? a : 0 - a;
                if (op >= IR_SHL && op <= IR_ROR)
                    b = prng_below(&p, 70);
                if (!reference((enum ir_op)op, (enum ir_type)type, a, b, &want))
                    continue;
                n++;
                got =
                    evaluate(t, &ir, (enum ir_op)op, (enum ir_type)type, a, b);
                if (got != want)
                    fail_msg("%s of %u bits, 0x%llx and 0x%llx: 0x%llx, "
                             "C says 0x%llx",
                             ir_ops[op].text, ir_bits(type),
                             (unsigned long long)a, (unsigned long long)b,
                             (unsigned long long)got, (unsigned long long)want);
            }
    ir_free(&ir);
    /* All but the conversions, in the widths that they have. */
    assert_int_equal(n, 300u * (4 * 26 + 3 + 2 * 3));
}

/* One value through a conversion, as 64 bits. */
static uint64_t convert(struct toy *t, struct ir *ir, enum ir_op op,
                        enum ir_type from, enum ir_type to, uint64_t v)
{
    ir_ref r;

    ir_insn(ir, 0, 4);
    r = ir_unary(ir, op, to, ir_const(ir, from, v));
    ir_put(ir, IR_I64, TOY_R(0),
           to == IR_I64 ? r : ir_unary(ir, IR_ZX, IR_I64, r));
    ir_exit(ir, 4);
    run(ir, t);
    return t->r[0];
}

static void test_conversions(void **state)
{
    struct toy *t = *state;
    struct ir ir;

    ir_init(&ir);
    assert_int_equal(convert(t, &ir, IR_SX, IR_I8, IR_I64, 0x80),
                     0xffffffffffffff80);
    assert_int_equal(convert(t, &ir, IR_SX, IR_I1, IR_I32, 1), 0xffffffff);
    assert_int_equal(convert(t, &ir, IR_SX, IR_I16, IR_I32, 0x7fff), 0x7fff);
    assert_int_equal(convert(t, &ir, IR_ZX, IR_I16, IR_I32, 0xffff), 0xffff);
    assert_int_equal(convert(t, &ir, IR_LO, IR_I64, IR_I8, 0x1234), 0x34);
    assert_int_equal(convert(t, &ir, IR_LO, IR_I8, IR_I1, 0xfe), 0);
    assert_int_equal(convert(t, &ir, IR_HI, IR_I64, IR_I32, 0x123456789), 1);
    assert_int_equal(convert(t, &ir, IR_HI, IR_I16, IR_I8, 0x1234), 0x12);
    ir_free(&ir);
}

/* 128 bits come from halves and go back into them. */
static ir_ref wide(struct ir *ir, uint64_t hi, uint64_t lo)
{
    ir_ref h = ir_const(ir, IR_I64, hi), l = ir_const(ir, IR_I64, lo);

    return ir_binary(ir, IR_CAT, IR_I128, h, l);
}

static void assert_wide(struct toy *t, struct ir *ir, ir_ref r, uint64_t hi,
                        uint64_t lo)
{
    ir_put(ir, IR_I64, TOY_R(0), ir_unary(ir, IR_LO, IR_I64, r));
    ir_put(ir, IR_I64, TOY_R(1), ir_unary(ir, IR_HI, IR_I64, r));
    ir_put(ir, IR_I128, offsetof(struct toy, wide), r);
    ir_exit(ir, 4);
    run(ir, t);
    assert_int_equal(t->r[0], lo);
    assert_int_equal(t->r[1], hi);
    assert_int_equal(t->wide[0], lo);
    assert_int_equal(t->wide[1], hi);
    ir_insn(ir, 0, 4);
}

static void test_wide(void **state)
{
    struct toy *t = *state;
    struct ir ir;
    ir_ref a, b;

    ir_init(&ir);
    ir_insn(&ir, 0, 4);
    a = wide(&ir, 1, UINT64_MAX);
    b = wide(&ir, 2, 1);
    assert_wide(t, &ir, ir_binary(&ir, IR_ADD, IR_I128, a, b), 4, 0);
    a = wide(&ir, 1, 0);
    b = wide(&ir, 0, 1);
    assert_wide(t, &ir, ir_binary(&ir, IR_SUB, IR_I128, a, b), 0, UINT64_MAX);
    a = wide(&ir, 0, UINT64_MAX);
    assert_wide(t, &ir, ir_binary(&ir, IR_MUL, IR_I128, a, a), UINT64_MAX - 1,
                1);
    a = wide(&ir, 5, 3);
    b = wide(&ir, 0, 2);
    assert_wide(t, &ir, ir_binary(&ir, IR_UDIV, IR_I128, a, b), 2,
                (uint64_t)1 << 63 | 1);
    a = wide(&ir, UINT64_MAX, UINT64_MAX - 6); /* -7 */
    b = wide(&ir, 0, 2);
    assert_wide(t, &ir, ir_binary(&ir, IR_SDIV, IR_I128, a, b), UINT64_MAX,
                UINT64_MAX - 2);
    a = wide(&ir, UINT64_MAX, UINT64_MAX - 6);
    b = wide(&ir, 0, 2);
    assert_wide(t, &ir, ir_binary(&ir, IR_SREM, IR_I128, a, b), UINT64_MAX,
                UINT64_MAX);
    a = wide(&ir, 0, 3);
    b = wide(&ir, 0, 64);
    assert_wide(t, &ir, ir_binary(&ir, IR_SHL, IR_I128, a, b), 3, 0);
    a = wide(&ir, (uint64_t)1 << 63, 0);
    b = wide(&ir, 0, 127);
    assert_wide(t, &ir, ir_binary(&ir, IR_SAR, IR_I128, a, b), UINT64_MAX,
                UINT64_MAX);
    a = ir_const(&ir, IR_I32, 0x80000000);
    assert_wide(t, &ir, ir_unary(&ir, IR_SX, IR_I128, a), UINT64_MAX,
                0xffffffff80000000);
    t->wide[0] = 8;
    t->wide[1] = 9;
    a = ir_get(&ir, IR_V128, offsetof(struct toy, wide));
    b = ir_unary(&ir, IR_NOT, IR_V128, a);
    a = ir_binary(&ir, IR_AND, IR_V128, a, b);
    b = ir_binary(&ir, IR_EQ, IR_I1, a, b);
    ir_put(&ir, IR_I1, offsetof(struct toy, bytes), b);
    ir_exit(&ir, 4);
    t->bytes[0] = 7;
    run(&ir, t);
    assert_int_equal(t->bytes[0], 0);
    ir_free(&ir);
}

/* --------------------------------------------------------- slots, memory */

static void test_slots(void **state)
{
    struct toy *t = *state;
    size_t at = offsetof(struct toy, bytes);
    struct ir ir;
    ir_ref a;

    ir_init(&ir);
    memset(t->bytes, 0xff, sizeof(t->bytes));
    ir_insn(&ir, 0, 4);
    a = ir_const(&ir, IR_I16, 0x1234);
    ir_put(&ir, IR_I16, at + 2, a);
    a = ir_get(&ir, IR_I16, at + 2);
    a = ir_unary(&ir, IR_LO, IR_I8, a);
    ir_put(&ir, IR_I8, at + 5, a);
    /* A file of eight, by numbers that are values, modulo 8. */
    a = ir_get_at(&ir, IR_I8, at, 8, ir_const(&ir, IR_I16, 13));
    ir_put_at(&ir, IR_I8, at, 8, ir_const(&ir, IR_I8, 255), a);
    ir_exit(&ir, 4);
    run(&ir, t);
    assert_int_equal(t->bytes[7], 0x34);
    assert_int_equal(t->bytes[6], 0xff);
    assert_int_equal(t->bytes[1], 0xff);
    assert_int_equal(t->bytes[2] + t->bytes[3], 0x12 + 0x34);
    assert_int_equal(t->bytes[4], 0xff);
    assert_int_equal(t->bytes[5], 0x34);
    ir_free(&ir);
}

static void test_memory(void **state)
{
    struct toy *t = *state;
    struct ir ir;
    ir_ref a, v;

    ir_init(&ir);
    st_le64(toy_memory(t), 0x8877665544332211);
    ir_insn(&ir, 0, 4);
    a = ir_const(&ir, IR_I64, TOY_BASE + 1);
    v = ir_load(&ir, IR_I16, a);
    ir_put(&ir, IR_I64, TOY_R(0), ir_unary(&ir, IR_SX, IR_I64, v));
    ir_insn(&ir, 4, 4);
    v = ir_const(&ir, IR_I32, 0xdeadbeef);
    ir_store(&ir, IR_I32, a, v);
    ir_insn(&ir, 8, 4);
    a = ir_const(&ir, IR_I64, TOY_BASE + 8);
    v = ir_const(&ir, IR_I32, 0xffffffff);
    v = ir_amo(&ir, IR_I32, IR_AMO_MIN, a, v);
    ir_put(&ir, IR_I64, TOY_R(1), ir_unary(&ir, IR_ZX, IR_I64, v));
    ir_exit(&ir, 12);
    st_le32(toy_memory(t) + 8, 5);
    assert_int_equal(run(&ir, t).how, IR_END_EXIT);
    assert_int_equal(t->r[0], 0x3322);
    assert_int_equal(ld_le64(toy_memory(t)), 0x887766deadbeef11);
    assert_int_equal(t->r[1], 5);
    assert_int_equal(ld_le32(toy_memory(t) + 8), 0xffffffff);
    ir_free(&ir);
}

/* A fault leaves the state as it was, and the pc on its instruction. */
static void test_fault(void **state)
{
    struct toy *t = *state;
    struct ir_end end;
    struct ir ir;
    ir_ref a, v;

    ir_init(&ir);
    t->core.icount = 100;
    t->r[0] = t->r[1] = 0;
    ir_insn(&ir, 0x20, 4);
    v = ir_const(&ir, IR_I64, 1);
    ir_put(&ir, IR_I64, TOY_R(0), v);
    ir_insn(&ir, 0x24, 4);
    a = ir_const(&ir, IR_I64, 0x5008);
    ir_load(&ir, IR_I8, a);
    ir_put(&ir, IR_I64, TOY_R(1), v);
    ir_exit(&ir, 0x28);
    end = run(&ir, t);
    assert_int_equal(end.how, IR_END_RAISED);
    assert_int_equal(end.pc, TOY_BASE + 0x24);
    assert_int_equal(t->core.pc, TOY_BASE + 0x24);
    assert_int_equal(t->core.icount, 101);
    assert_int_equal(t->r[0], 1);
    assert_int_equal(t->r[1], 0);
    assert_int_equal(t->cause, 100 + ACCESS_READ);
    assert_int_equal(t->value, 0x5008);
    assert_true(t->core.pending_exception);
    ir_free(&ir);
}

static void test_raise(void **state)
{
    struct toy *t = *state;
    struct ir ir;
    ir_ref v;

    ir_init(&ir);
    for (int taken = 0; taken < 2; taken++) {
        ir_insn(&ir, 0, 4);
        v = ir_const(&ir, IR_I64, 33);
        ir_raise_if(&ir, ir_const(&ir, IR_I1, (uint64_t)taken), 5, v);
        ir_raise(&ir, 6, v);
        assert_int_equal(run(&ir, t).how, IR_END_RAISED);
        assert_int_equal(t->cause, taken ? 5 : 6);
        assert_int_equal(t->value, 33);
    }
    ir_free(&ir);
}

/* ---------------------------------------------------------------- ways out */

static void test_exits(void **state)
{
    struct toy *t = *state;
    struct ir_end end;
    struct ir ir;

    ir_init(&ir);
    for (int taken = 0; taken < 2; taken++) {
        uint64_t count = t->core.icount;

        ir_insn(&ir, 0, 4);
        ir_exit_if(&ir, ir_const(&ir, IR_I1, (uint64_t)taken), -16);
        ir_insn(&ir, 4, 2);
        ir_exit(&ir, 6);
        end = run(&ir, t);
        assert_int_equal(end.how, IR_END_EXIT);
        assert_int_equal(end.pc, taken ? TOY_BASE - 16 : TOY_BASE + 6);
        assert_int_equal(t->core.icount - count, taken ? 1 : 2);
    }
    ir_insn(&ir, 0, 4);
    ir_exit_indirect(&ir, ir_pc(&ir, IR_I64, 0x100), IR_CALLS);
    end = run(&ir, t);
    assert_int_equal(end.how, IR_END_INDIRECT);
    assert_int_equal(end.pc, TOY_BASE + 0x100);
    assert_int_equal(end.hint, IR_CALLS);
    assert_int_equal(t->core.pc, TOY_BASE + 0x100);
    ir_free(&ir);
}

/* A helper asks to leave: at the node that looks, or at the next
 * instruction. */
static void test_leave(void **state)
{
    struct toy *t = *state;
    struct ir_end end;
    struct ir ir;

    ir_init(&ir);
    for (int looks = 0; looks < 2; looks++) {
        uint64_t count = t->core.icount;

        ir_insn(&ir, 0, 4);
        ir_call(&ir, IR_VOID, TOY_LEAVE, IR_CALL_MODE, 0, no_args);
        if (looks)
            ir_exit_if_leave(&ir, 4);
        ir_insn(&ir, 4, 4);
        ir_exit(&ir, 8);
        end = run(&ir, t);
        assert_int_equal(end.how, IR_END_LEFT);
        assert_int_equal(end.pc, TOY_BASE + 4);
        assert_int_equal(t->core.icount - count, 1);
        assert_false(t->core.leave);
    }
    ir_free(&ir);
}

static void test_calls(void **state)
{
    struct toy *t = *state;
    struct ir ir;
    ir_ref r[4];

    ir_init(&ir);
    ir_insn(&ir, 0, 4);
    for (unsigned i = 0; i < 4; i++)
        r[i] = ir_const(&ir, i == 3 ? IR_I8 : IR_I64, 0x101 + i);
    r[0] = ir_call(&ir, IR_I8, TOY_ADD4, IR_CALL_PURE, 4, r);
    ir_put(&ir, IR_I8, offsetof(struct toy, bytes), r[0]);
    ir_exit(&ir, 4);
    t->calls = 0;
    run(&ir, t);
    assert_int_equal(t->calls, 1);
    assert_int_equal(t->args[2], 0x103);
    assert_int_equal(t->args[3], 4);
    assert_int_equal(t->bytes[0], 0x0a);

    ir_insn(&ir, 0, 4);
    r[0] = ir_const(&ir, IR_I64, 12);
    ir_call(&ir, IR_VOID, TOY_RAISE, IR_CALL_RAISES, 1,
            (const ir_ref[4]){r[0], IR_NONE, IR_NONE, IR_NONE});
    ir_exit(&ir, 4);
    assert_int_equal(run(&ir, t).how, IR_END_RAISED);
    assert_int_equal(t->cause, 50);
    assert_int_equal(t->value, 12);
    ir_free(&ir);
}

/* ------------------------------------------------------------ flags, fp */

static void test_flags(void **state)
{
    struct toy *t = *state;
    struct ir ir;
    ir_ref a, b, c;

    ir_init(&ir);
    for (unsigned cond = 0; cond < 3; cond++) {
        t->family = 9;
        t->flag[0] = 0;
        ir_insn(&ir, 0, 4);
        a = ir_const(&ir, IR_I16, 0x8002);
        b = ir_const(&ir, IR_I16, 3);
        c = cond == 2 ? IR_NONE : ir_const(&ir, IR_I1, cond);
        ir_flagdef(&ir, IR_I16, 4, a, b, IR_NONE, c, 5);
        ir_put(&ir, IR_I1, offsetof(struct toy, bytes), ir_flaguse(&ir, 1));
        ir_exit(&ir, 4);
        run(&ir, t);
        assert_int_equal(t->family, cond ? 4 : 9);
        assert_int_equal(t->bytes[0], cond != 0);
        if (cond) {
            assert_int_equal(t->bits, 16);
            assert_int_equal(t->keep, 5);
            assert_int_equal(t->flag[1], 3);
        }
    }
    ir_free(&ir);
}

/* Of extended numbers x is the significand, from 1 to 2. */
static ir_ref fp_operand(struct ir *ir, enum ir_type type, uint64_t x)
{
    ir_ref high;

    if (type != IR_I128)
        return ir_const(ir, type, x);
    high = ir_const(ir, IR_I64, 0x3fff);
    return ir_binary(ir, IR_CAT, IR_I128, high, ir_const(ir, IR_I64, x));
}

static uint64_t fp2(struct toy *t, enum ir_fp_op op, uint64_t x, uint64_t y,
                    unsigned round)
{
    const struct ir_fp_info *info = &ir_fps[op];
    enum ir_type type = (enum ir_type)info->operand;
    ir_ref a, b, r;
    struct ir ir;

    ir_init(&ir);
    ir_insn(&ir, 0, 4);
    a = fp_operand(&ir, type, x);
    b = info->count > 1 ? fp_operand(&ir, type, y) : IR_NONE;
    r = info->rounds ? ir_const(&ir, IR_I8, round) : IR_NONE;
    r = ir_fp(&ir, (enum ir_type)info->result, op, a, b,
              info->count > 2 ? b : IR_NONE, r);
    if (info->result != IR_I64) /* the slot is the whole register */
        r = ir_unary(&ir, info->result == IR_I128 ? IR_LO : IR_ZX, IR_I64, r);
    ir_put(&ir, IR_I64, TOY_R(0), r);
    ir_exit(&ir, 4);
    memset(&t->fp, 0, sizeof(t->fp));
    assert_int_equal(run(&ir, t).how, IR_END_EXIT);
    ir_free(&ir);
    return t->r[0];
}

static void test_fp(void **state)
{
    struct toy *t = *state;

    assert_int_equal(fp2(t, IR_FP_ADD_F32, 0x3f800000, 0x33800000, FP_RNE),
                     0x3f800000);
    assert_int_equal(t->fp.flags, FP_NX);
    assert_int_equal(fp2(t, IR_FP_ADD_F32, 0x3f800000, 0x33800000, FP_RUP),
                     0x3f800001);
    assert_int_equal(t->fp.round, FP_RUP);
    /* 3 * 2 + 2 */
    assert_int_equal(
        fp2(t, IR_FP_FMA_F64, 0x4008000000000000, 0x4000000000000000, FP_RNE),
        0x4020000000000000);
    assert_int_equal(fp2(t, IR_FP_TO_I32_F64, 0xc008000000000000, 0, FP_RTZ),
                     0xfffffffd);
    assert_int_equal(fp2(t, IR_FP_FROM_U64_F32, UINT64_MAX, 0, FP_RNE),
                     0x5f800000);
    assert_int_equal(fp2(t, IR_FP_LT_F64, 0, 0x7ff8000000000000, 0), 0);
    assert_int_equal(t->fp.flags, FP_NV);
    assert_int_equal(fp2(t, IR_FP_CLASSIFY_F32, 0xff800000, 0, 0), 1);
    assert_int_equal(t->fp.flags, 0);
    /* 1.25 + 1.5, significands; 1.5 / 1.5; 1.5 less than 1.75 */
    assert_int_equal(fp2(t, IR_FP_ADD_F80, 0xa000000000000000,
                         0xc000000000000000, FP_RNE),
                     0xb000000000000000);
    assert_int_equal(fp2(t, IR_FP_DIV_F80, 0xc000000000000000,
                         0xc000000000000000, FP_RNE),
                     0x8000000000000000);
    assert_int_equal(fp2(t, IR_FP_CMP_F80, 0xc000000000000000,
                         0xe000000000000000, 0),
                     1);
    assert_int_equal(fp2(t, IR_FP_WIDEN_F32, 0x3fc00000, 0, 0),
                     0xc000000000000000);
    /* Each has an entry that verifies and runs. */
    for (unsigned op = 0; op < IR_N_FPS; op++)
        fp2(t, (enum ir_fp_op)op, 0, 0, FP_RNE);
}

#define EVAL_TEST(f) cmocka_unit_test_setup_teardown(f, toy_setup, toy_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        EVAL_TEST(test_operations), EVAL_TEST(test_conversions),
        EVAL_TEST(test_wide),       EVAL_TEST(test_slots),
        EVAL_TEST(test_memory),     EVAL_TEST(test_fault),
        EVAL_TEST(test_raise),      EVAL_TEST(test_exits),
        EVAL_TEST(test_leave),      EVAL_TEST(test_calls),
        EVAL_TEST(test_flags),      EVAL_TEST(test_fp),
    };

    return cmocka_run_group_tests_name("ir eval", tests, NULL, NULL);
}
