/*
 * The IR's vectors, and the operations that x86 wants: a lane of LANES against
 * the same operation on a scalar, bytes against cpu/core/lanes.h.
 */
#include "cpu/core/lanes.h"
#include "tests/cpu/ir/toy.h"

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

static void assert_bad(struct ir *ir, const char *what)
{
    struct error e;

    ir_exit(ir, 4);
    if (ir_verify(ir, &toy_class, &e))
        fail_msg("good, where '%s' is due", what);
    if (!strstr(e.text, what))
        fail_msg("'%s' where '%s' is due", e.text, what);
    ir_clear(ir);
}

static ir_ref vector(struct ir *ir, v128 v)
{
    ir_ref hi = ir_const(ir, IR_I64, v128_hi(v));
    ir_ref lo = ir_const(ir, IR_I64, v128_lo(v));

    return ir_binary(ir, IR_CAT, IR_V128, hi, lo);
}

/* The value of r, the last of an instruction. */
static v128 value(struct toy *t, struct ir *ir, ir_ref r)
{
    ir_put(ir, IR_V128, offsetof(struct toy, wide), r);
    ir_exit(ir, 4);
    assert_int_equal(run(ir, t).how, IR_END_EXIT);
    return v128_make(t->wide[1], t->wide[0]);
}

static void assert_same(v128 a, v128 b)
{
    assert_int_equal(v128_lo(a), v128_lo(b));
    assert_int_equal(v128_hi(a), v128_hi(b));
}

static uint64_t lane_of(v128 v, unsigned i, unsigned bits)
{
    uint64_t half = v.u64[i * bits / 64];

    return bits == 64 ? half
                      : half >> (i * bits % 64) & (((uint64_t)1 << bits) - 1);
}

/* ------------------------------------------------------------------ lanes */

/* The upper half of a product of less than 32 bits, which only lanes have. */
static uint64_t high_half(enum ir_op op, unsigned bits, uint64_t a, uint64_t b)
{
    const uint64_t sign = (uint64_t)1 << (bits - 1);
    int64_t x = (int64_t)(op == IR_MULHU ? a : (a ^ sign) - sign);
    int64_t y = (int64_t)(op == IR_MULHS ? (b ^ sign) - sign : b);

    return (uint64_t)(x * y) >> bits & (((uint64_t)1 << bits) - 1);
}

static uint64_t scalar(struct toy *t, struct ir *ir, enum ir_op op,
                       enum ir_type type, uint64_t a, uint64_t b)
{
    bool compares = op >= IR_EQ && op <= IR_SLE;
    unsigned bits = ir_bits(type);
    ir_ref x, y, r;

    if (bits < 32 && op >= IR_MULHU && op <= IR_MULHSU)
        return high_half(op, bits, a, b);
    ir_insn(ir, 0, 4);
    x = ir_const(ir, type, a);
    y = ir_const(ir, type, b);
    if (op == IR_NOT || op == IR_NEG || op == IR_CLZ || op == IR_CTZ ||
        op == IR_POPCNT)
        r = ir_unary(ir, op, type, x);
    else
        r = ir_binary(ir, op, compares ? IR_I1 : type, x, y);
    if (compares || bits < 64)
        r = ir_unary(ir, IR_ZX, IR_I64, r);
    ir_put(ir, IR_I64, TOY_R(0), r);
    ir_exit(ir, 4);
    assert_int_equal(run(ir, t).how, IR_END_EXIT);
    if (compares && t->r[0])
        return UINT64_MAX >> (64 - bits);
    return t->r[0];
}

static void check_lanes(struct toy *t, enum ir_op op, bool unary, v128 a,
                        v128 b)
{
    struct ir ir;

    ir_init(&ir);
    for (enum ir_type type = IR_I8; type <= IR_I64; type++) {
        unsigned bits = ir_bits(type);
        ir_ref x, y;
        v128 got;

        ir_insn(&ir, 0, 4);
        x = vector(&ir, a);
        y = unary ? IR_NONE : vector(&ir, b);
        got = value(t, &ir, ir_lanes(&ir, op, type, x, y, IR_NONE));
        for (unsigned i = 0; i < 128 / bits; i++) {
            uint64_t want = scalar(t, &ir, op, type, lane_of(a, i, bits),
                                   lane_of(b, i, bits));
            if (lane_of(got, i, bits) != want)
                fail_msg("operation %u, lane %u of %u bits: %llx, not %llx", op,
                         i, bits, (unsigned long long)lane_of(got, i, bits),
                         (unsigned long long)want);
        }
    }
    ir_free(&ir);
}

static void test_lanes(void **state)
{
    static const enum ir_op unary[] = {IR_NOT, IR_NEG, IR_CLZ, IR_CTZ,
                                       IR_POPCNT};
    struct prng p = {5};

    for (unsigned n = 0; n < 40; n++) {
        v128 a = v128_make(prng_edgy(&p), prng_edgy(&p));
        v128 b = v128_make(prng_edgy(&p), n % 4 ? prng_edgy(&p) : v128_lo(a));

        for (unsigned i = 0; i < sizeof(unary) / sizeof(unary[0]); i++)
            check_lanes(*state, unary[i], true, a, b);
        for (enum ir_op op = IR_ADD; op <= IR_MULHSU; op++)
            check_lanes(*state, op, false, a, b);
        for (enum ir_op op = IR_EQ; op <= IR_SLE; op++)
            check_lanes(*state, op, false, a, b);
    }
}

/* A lane is chosen by its sign, as a comparison leaves it. */
static void test_select(void **state)
{
    const v128 c = v128_make(UINT64_C(0x80000000ffffffff), 0x7fffffff);
    struct ir ir;
    ir_ref x, y, z;
    v128 got;

    ir_init(&ir);
    ir_insn(&ir, 0, 4);
    x = vector(&ir, c);
    y = vector(&ir, v128_make(UINT64_MAX, UINT64_MAX));
    z = vector(&ir, v128_make(0, 0));
    got = value(*state, &ir, ir_lanes(&ir, IR_SELECT, IR_I32, x, y, z));
    assert_same(got, v128_make(UINT64_MAX, 0));
    ir_free(&ir);
}

static void test_lanes_fp(void **state)
{
    const v128 a = v128_make(UINT64_C(0x3ff0000000000000), /* 1, 2 */
                             UINT64_C(0x4000000000000000));
    struct toy *t = *state;
    struct ir ir;
    ir_ref x, round;
    v128 got;

    ir_init(&ir);
    ir_insn(&ir, 0, 4);
    x = vector(&ir, a);
    round = ir_const(&ir, IR_I8, FP_RNE);
    got = value(t, &ir,
                ir_lanes_fp(&ir, IR_FP_ADD_F64, IR_I64, x, x, IR_NONE, round));
    assert_same(got, v128_make(UINT64_C(0x4000000000000000),
                               UINT64_C(0x4010000000000000)));
    ir_free(&ir);
}

/* ------------------------------------------------------------------ bytes */

static void test_bytes(void **state)
{
    struct toy *t = *state;
    struct prng p = {6};
    struct ir ir;

    ir_init(&ir);
    for (unsigned n = 0; n < 200; n++) {
        v128 a = v128_make(prng_next(&p), prng_next(&p));
        v128 b = v128_make(prng_next(&p), prng_next(&p) & 0x1f0f1f0f1f0f1f0f);
        v128 got;
        ir_ref x, y;

        ir_insn(&ir, 0, 4);
        x = vector(&ir, a);
        y = vector(&ir, b);
        got = value(t, &ir, ir_binary(&ir, IR_LOOKUP, IR_V128, x, y));
        assert_same(got, v128_lookup(a, b));
        for (unsigned i = 0; i < 16; i++) {
            uint64_t at = lane_of(b, i, 8);

            assert_int_equal(lane_of(got, i, 8),
                             at < 16 ? lane_of(a, (unsigned)at, 8) : 0);
            assert_int_equal(v128_get_u8(&a, i), lane_of(a, i, 8));
        }
        ir_insn(&ir, 0, 4);
        x = ir_const(&ir, IR_I16, v128_lo(a) & 0xffff);
        got = value(t, &ir, ir_unary(&ir, IR_SPLAT, IR_V128, x));
        for (unsigned i = 0; i < 8; i++)
            assert_int_equal(v128_get_u16(&got, i), v128_lo(a) & 0xffff);
    }
    ir_free(&ir);
}

static void test_deposit(void **state)
{
    struct toy *t = *state;
    struct ir ir;
    ir_ref a, b;

    ir_init(&ir);
    ir_insn(&ir, 0, 4);
    a = ir_const(&ir, IR_I64, UINT64_C(0x1122334455667788));
    b = ir_const(&ir, IR_I8, 0xab);
    ir_put(&ir, IR_I64, TOY_R(0), ir_deposit(&ir, IR_I64, a, b, 8));
    ir_put(&ir, IR_I64, TOY_R(1), ir_deposit(&ir, IR_I64, a, b, 56));
    ir_exit(&ir, 4);
    run(&ir, t);
    assert_int_equal(t->r[0], UINT64_C(0x112233445566ab88));
    assert_int_equal(t->r[1], UINT64_C(0xab22334455667788));
    ir_insn(&ir, 0, 4);
    a = vector(&ir, v128_make(1, 2));
    b = ir_const(&ir, IR_I32, 0x12345678);
    assert_same(value(t, &ir, ir_deposit(&ir, IR_V128, a, b, 96)),
                v128_make(UINT64_C(0x1234567800000001), 2));
    ir_free(&ir);
}

/* ----------------------------------------------------------------- memory */

static void test_memory(void **state)
{
    struct toy *t = *state;
    const v128 v = v128_make(UINT64_C(0x1011121314151617), 0x8899aabbccddeeff);
    struct ir_end end;
    struct ir ir;
    ir_ref at, x;

    ir_init(&ir);
    ir_insn(&ir, 0, 4);
    at = ir_const(&ir, IR_I64, TOY_BASE + 0x103);
    x = vector(&ir, v);
    ir_store_as(&ir, IR_V128, at, x, 0);
    ir_exit(&ir, 4);
    assert_int_equal(run(&ir, t).how, IR_END_EXIT);
    assert_same(v128_ld(toy_memory(t) + 0x103), v);
    ir_insn(&ir, 0, 4);
    at = ir_const(&ir, IR_I64, TOY_BASE + 0x103);
    assert_same(value(t, &ir, ir_load_as(&ir, IR_V128, at, IR_TO_WRITE)), v);
    /* All or nothing: its second half has no memory. */
    ir_insn(&ir, 0, 4);
    at = ir_const(&ir, IR_I64, TOY_BASE + PAGE_SIZE - 8);
    x = vector(&ir, v);
    ir_store_as(&ir, IR_V128, at, x, 0);
    ir_exit(&ir, 4);
    end = run(&ir, t);
    assert_int_equal(end.how, IR_END_RAISED);
    assert_int_equal(end.pc, TOY_BASE);
    assert_int_equal(ld_le64(toy_memory(t) + PAGE_SIZE - 8), 0);
    ir_free(&ir);
}

/* --------------------------------------------------------------- ways out */

static struct ir_end leave(struct toy *t, bool again, bool taken)
{
    struct ir_end end;
    struct ir ir;
    ir_ref c, to;

    ir_init(&ir);
    ir_insn(&ir, 8, 4);
    c = ir_const(&ir, IR_I1, taken);
    to = ir_const(&ir, IR_I64, 0x1234);
    if (again)
        ir_again_if(&ir, c);
    else
        ir_exit_indirect_if(&ir, c, to, IR_CALLS);
    ir_exit(&ir, 12);
    end = run(&ir, t);
    ir_free(&ir);
    return end;
}

static void test_ways_out(void **state)
{
    struct ir_end end = leave(*state, true, true);

    assert_int_equal(end.how, IR_END_AGAIN);
    assert_int_equal(end.pc, TOY_BASE + 8);
    end = leave(*state, false, true);
    assert_int_equal(end.how, IR_END_INDIRECT);
    assert_int_equal(end.hint, IR_CALLS);
    assert_int_equal(end.pc, 0x1234);
    assert_int_equal(leave(*state, true, false).how, IR_END_EXIT);
    assert_int_equal(leave(*state, false, false).how, IR_END_EXIT);
}

static void test_verify(void **state)
{
    struct ir ir;
    ir_ref a, b;

    (void)state;
    ir_init(&ir);
    a = ir_const(&ir, IR_I64, 1);
    ir_lanes(&ir, IR_ADD, IR_I8, a, a, IR_NONE);
    assert_bad(&ir, "no vector");
    a = vector(&ir, v128_make(1, 2));
    ir_lanes(&ir, IR_ADD, IR_I128, a, a, IR_NONE);
    assert_bad(&ir, "no such lanes");
    a = vector(&ir, v128_make(1, 2));
    ir_lanes(&ir, IR_LOAD, IR_I8, a, a, IR_NONE);
    assert_bad(&ir, "no such operation");
    a = vector(&ir, v128_make(1, 2));
    ir_lanes(&ir, IR_NOT, IR_I8, a, a, IR_NONE);
    assert_bad(&ir, "too many");
    a = vector(&ir, v128_make(1, 2));
    b = ir_const(&ir, IR_I8, FP_RNE);
    ir_lanes_fp(&ir, IR_FP_ADD_F64, IR_I32, a, a, IR_NONE, b);
    assert_bad(&ir, "another type");
    a = vector(&ir, v128_make(1, 2));
    ir_lanes_fp(&ir, IR_FP_ADD_F64, IR_I64, a, a, IR_NONE, IR_NONE);
    assert_bad(&ir, "rounding mode");
    a = ir_const(&ir, IR_I64, 1);
    b = ir_const(&ir, IR_I16, 1);
    ir_deposit(&ir, IR_I64, a, b, 56);
    assert_bad(&ir, "beyond its type");
    a = ir_const(&ir, IR_I64, 1);
    b = ir_const(&ir, IR_I16, 1);
    ir_deposit(&ir, IR_I64, a, b, 8);
    assert_bad(&ir, "multiple of its width");
    ir_free(&ir);
}

/* A guest whose floating point is not held back has no such instructions. */
static void test_no_fp_begin(void **state)
{
    struct ir ir;

    ir_init(&ir);
    ir_insn(&ir, 0, 4);
    ir_fp_begin(&ir);
    ir_fp_check(&ir);
    ir_exit(&ir, 4);
    assert_int_equal(run(&ir, *state).how, IR_END_BAD);
    ir_free(&ir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lanes, toy_setup, toy_teardown),
        cmocka_unit_test_setup_teardown(test_select, toy_setup, toy_teardown),
        cmocka_unit_test_setup_teardown(test_lanes_fp, toy_setup, toy_teardown),
        cmocka_unit_test_setup_teardown(test_bytes, toy_setup, toy_teardown),
        cmocka_unit_test_setup_teardown(test_deposit, toy_setup, toy_teardown),
        cmocka_unit_test_setup_teardown(test_memory, toy_setup, toy_teardown),
        cmocka_unit_test_setup_teardown(test_ways_out, toy_setup, toy_teardown),
        cmocka_unit_test(test_verify),
        cmocka_unit_test_setup_teardown(test_no_fp_begin, toy_setup,
                                        toy_teardown),
    };

    return cmocka_run_group_tests_name("vector", tests, NULL, NULL);
}
