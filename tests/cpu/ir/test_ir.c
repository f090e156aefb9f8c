/*
 * The IR: building, printing, verifying; blocks that no lifter makes.
 */
#include <stdlib.h>

#include "tests/cpu/ir/toy.h"

static void assert_good(const struct ir *ir)
{
    struct error e;

    if (!ir_verify(ir, &toy_class, &e))
        fail_msg("%s", e.text);
}

static void assert_bad(struct ir *ir, const char *why)
{
    struct error e = {""};

    assert_false(ir_verify(ir, &toy_class, &e));
    if (!strstr(e.text, why))
        fail_msg("'%s' where '%s' is due", e.text, why);
    ir_clear(ir);
}

/* ------------------------------------------------------------- printing */

static void test_print(void **state)
{
    static const char want[] = "insn +0x10 4\n"
                               "    t1 = get.64 r3\n"
                               "    t2 = const.64 0xfff\n"
                               "    t3 = add.64 t1, t2\n"
                               "    t4 = load.32 t3\n"
                               "    t5 = sx.64 t4\n"
                               "    t6 = eq.1 t5, t1\n"
                               "    raise.if t6 7 t5\n"
                               "    t8 = select.64 t6, t5, t1\n"
                               "    put.64 r4 t8\n"
                               "insn +0x14 2\n"
                               "    t11 = amo.32 max t3, t4\n"
                               "    t12 = const.8 0x1\n"
                               "    t13 = fp.32 fma_f32 t4, t4, t11 round t12\n"
                               "    t14 = fp.32 classify_f32 t13\n"
                               "    flagdef.64 sub t1, t2 if t6 keep 0x3\n"
                               "    t16 = flaguse.1 nz\n"
                               "    exit.if t16 -0x8\n"
                               "insn +0x16 2\n"
                               "    t19 = call.64 add4 t1, t2, t1, t1\n"
                               "    call leave\n"
                               "    exit.if.leave +0x18\n"
                               "    t22 = pc.64 +0x18\n"
                               "    exit.indirect t22 ret\n";
    char text[2048], small[10];
    ir_ref a, k, s, l, x, q, m, r, f, n;
    struct ir ir;

    (void)state;
    ir_init(&ir);
    ir_insn(&ir, 0x10, 4);
    a = ir_get(&ir, IR_I64, TOY_R(3));
    k = ir_const(&ir, IR_I64, 0xfff);
    s = ir_binary(&ir, IR_ADD, IR_I64, a, k);
    l = ir_load(&ir, IR_I32, s);
    x = ir_unary(&ir, IR_SX, IR_I64, l);
    q = ir_binary(&ir, IR_EQ, IR_I1, x, a);
    ir_raise_if(&ir, q, 7, x);
    ir_put(&ir, IR_I64, TOY_R(4), ir_select(&ir, IR_I64, q, x, a));
    ir_insn(&ir, 0x14, 2);
    m = ir_amo(&ir, IR_I32, IR_AMO_MAX, s, l);
    r = ir_const(&ir, IR_I8, 1);
    f = ir_fp(&ir, IR_I32, IR_FP_FMA_F32, l, l, m, r);
    ir_fp(&ir, IR_I32, IR_FP_CLASSIFY_F32, f, IR_NONE, IR_NONE, IR_NONE);
    ir_flagdef(&ir, IR_I64, 3, a, k, IR_NONE, q, 3);
    ir_exit_if(&ir, ir_flaguse(&ir, 1), -8);
    ir_insn(&ir, 0x16, 2);
    ir_call(&ir, IR_I64, TOY_ADD4, 0, 4, (const ir_ref[4]){a, k, a, a});
    ir_call(&ir, IR_VOID, TOY_LEAVE, IR_CALL_MODE, 0,
            (const ir_ref[4]){IR_NONE, IR_NONE, IR_NONE, IR_NONE});
    ir_exit_if_leave(&ir, 0x18);
    n = ir_pc(&ir, IR_I64, 0x18);
    ir_exit_indirect(&ir, n, IR_RETURNS);
    assert_good(&ir);
    assert_int_equal(ir_print(&ir, &toy_guest, text, sizeof(text)),
                     strlen(want));
    assert_string_equal(text, want);
    /* Cut, the length is that of the whole; and without a guest's names. */
    assert_int_equal(ir_print(&ir, &toy_guest, small, sizeof(small)),
                     strlen(want));
    assert_string_equal(small, "insn +0x1");
    ir_print_node(&ir, 1, NULL, text, sizeof(text));
    assert_memory_equal(text, "t1 = get.64 @", 13);
    assert_int_equal(ir_print_node(&ir, ir.n, NULL, text, sizeof(text)), 0);
    ir_free(&ir);
}

/* ------------------------------------------------------------ verifying */

static void test_verify_operands(void **state)
{
    struct ir ir;
    ir_ref a, b;

    (void)state;
    ir_init(&ir);
    assert_bad(&ir, "empty");
    ir_unary(&ir, IR_NOT, IR_I64, IR_NONE);
    assert_bad(&ir, "missing");
    ir_unary(&ir, IR_NOT, IR_I64, 0);
    assert_bad(&ir, "before it is made");
    ir_insn(&ir, 0, 4);
    ir_unary(&ir, IR_NOT, IR_I64, 0);
    assert_bad(&ir, "no value");
    a = ir_const(&ir, IR_I32, 1);
    b = ir_const(&ir, IR_I64, 1);
    ir_binary(&ir, IR_ADD, IR_I64, a, b);
    assert_bad(&ir, "wrong type");
    a = ir_const(&ir, IR_I32, 1);
    b = ir_const(&ir, IR_I64, 1);
    ir_binary(&ir, IR_EQ, IR_I1, a, b);
    assert_bad(&ir, "wrong type");
    a = ir_const(&ir, IR_I64, 1);
    ir_binary(&ir, IR_NOT, IR_I64, a, a);
    assert_bad(&ir, "too many");
    a = ir_const(&ir, IR_I64, 1);
    ir_unary(&ir, IR_ZX, IR_I32, a);
    assert_bad(&ir, "wrong type");
    a = ir_const(&ir, IR_I32, 1);
    ir_unary(&ir, IR_LO, IR_I32, a);
    assert_bad(&ir, "wrong type");
    a = ir_const(&ir, IR_I32, 1);
    ir_binary(&ir, IR_CAT, IR_I128, a, a);
    assert_bad(&ir, "wrong type");
    a = ir_const(&ir, IR_I1, 1);
    ir_binary(&ir, IR_ADD, IR_I1, a, a);
    assert_bad(&ir, "cannot have this type");
    ir_unary(&ir, IR_N_OPS, IR_I64, 0);
    assert_bad(&ir, "no such operation");
    ir_get(&ir, (enum ir_type)77, TOY_R(0));
    assert_bad(&ir, "cannot have this type");
    ir_free(&ir);
}

static void test_verify_immediates(void **state)
{
    struct ir ir;
    ir_ref a;

    (void)state;
    ir_init(&ir);
    ir_const(&ir, IR_I8, 1);
    ir.nodes[0].imm = 0x100;
    assert_bad(&ir, "does not fit");
    /* The engine's own members are no slots, nor is what lies behind. */
    ir_get(&ir, IR_I64, offsetof(struct cpu, class));
    assert_bad(&ir, "not the guest's");
    ir_get(&ir, IR_I64, sizeof(struct toy) - 4);
    assert_bad(&ir, "not the guest's");
    ir_get(&ir, IR_I64, UINT64_MAX - 3);
    assert_bad(&ir, "not the guest's");
    a = ir_const(&ir, IR_I8, 0);
    ir_get_at(&ir, IR_I64, TOY_R(0), 6, a);
    assert_bad(&ir, "no power of two");
    a = ir_const(&ir, IR_I8, 0);
    ir_get_at(&ir, IR_I64, TOY_R(0), 1 << 30, a);
    assert_bad(&ir, "not the guest's");
    a = ir_const(&ir, IR_I8, 0);
    ir_get_at(&ir, IR_I64, offsetof(struct cpu, class), 2, a);
    assert_bad(&ir, "not the guest's");
    ir_insn(&ir, 0, 4);
    a = ir_const(&ir, IR_I64, 0);
    ir_amo(&ir, IR_I64, IR_N_AMOS, a, a);
    assert_bad(&ir, "no such operation");
    a = ir_const(&ir, IR_I64, 0);
    ir_exit_indirect(&ir, a, (enum ir_hint)9);
    assert_bad(&ir, "no such hint");
    ir_insn(&ir, 0, 4);
    ir_call(&ir, IR_VOID, 4, 0, 0,
            (const ir_ref[4]){IR_NONE, IR_NONE, IR_NONE, IR_NONE});
    assert_bad(&ir, "no such helper");
    ir_call(&ir, IR_VOID, TOY_RAISE, 0, 0,
            (const ir_ref[4]){IR_NONE, IR_NONE, IR_NONE, IR_NONE});
    assert_bad(&ir, "other operands");
    a = ir_const(&ir, IR_I64, 0);
    ir_call(&ir, IR_VOID, TOY_NOTHING, 0, 0,
            (const ir_ref[4]){a, IR_NONE, IR_NONE, IR_NONE});
    assert_bad(&ir, "too many");
    ir_call(&ir, IR_I1, TOY_NOTHING, 0, 0,
            (const ir_ref[4]){IR_NONE, IR_NONE, IR_NONE, IR_NONE});
    assert_bad(&ir, "no single bit");
    ir_free(&ir);
}

static void test_verify_fp(void **state)
{
    struct ir ir;
    ir_ref a, r;

    (void)state;
    ir_init(&ir);
    a = ir_const(&ir, IR_I32, 0);
    ir_fp(&ir, IR_I32, IR_N_FPS, a, a, IR_NONE, IR_NONE);
    assert_bad(&ir, "no such operation");
    a = ir_const(&ir, IR_I32, 0);
    ir_fp(&ir, IR_I64, IR_FP_MIN_F32, a, a, IR_NONE, IR_NONE);
    assert_bad(&ir, "another type");
    a = ir_const(&ir, IR_I32, 0);
    ir_fp(&ir, IR_I64, IR_FP_MIN_F64, a, a, IR_NONE, IR_NONE);
    assert_bad(&ir, "wrong type");
    a = ir_const(&ir, IR_I32, 0);
    ir_fp(&ir, IR_I32, IR_FP_MIN_F32, a, a, a, IR_NONE);
    assert_bad(&ir, "too many");
    a = ir_const(&ir, IR_I32, 0);
    r = ir_const(&ir, IR_I8, 0);
    ir_fp(&ir, IR_I32, IR_FP_MIN_F32, a, a, IR_NONE, r);
    assert_bad(&ir, "does not round");
    a = ir_const(&ir, IR_I32, 0);
    ir_fp(&ir, IR_I32, IR_FP_ADD_F32, a, a, IR_NONE, IR_NONE);
    assert_bad(&ir, "missing");
    a = ir_const(&ir, IR_I32, 0);
    ir_fp(&ir, IR_I32, IR_FP_ADD_F32, a, a, IR_NONE, a);
    assert_bad(&ir, "rounding mode");
    ir_free(&ir);
}

static void test_verify_effects(void **state)
{
    struct ir ir;
    ir_ref a, c;

    (void)state;
    ir_init(&ir);
    a = ir_const(&ir, IR_I64, 0);
    ir_put(&ir, IR_I64, TOY_R(0), a);
    assert_bad(&ir, "no instruction");
    /* A fault after a commit; in the next instruction it is well. */
    for (int next = 0; next < 2; next++) {
        ir_insn(&ir, 0, 4);
        a = ir_const(&ir, IR_I64, TOY_BASE);
        ir_put(&ir, IR_I64, TOY_R(0), a);
        if (next)
            ir_insn(&ir, 4, 4);
        ir_load(&ir, IR_I64, a);
        ir_exit(&ir, 8);
        if (!next)
            assert_bad(&ir, "after a commit");
    }
    assert_good(&ir);
    ir_clear(&ir);
    /* Two stores; flags of floating point; a helper; a pure one is well. */
    ir_insn(&ir, 0, 4);
    a = ir_const(&ir, IR_I64, TOY_BASE);
    ir_store(&ir, IR_I64, a, a);
    ir_store(&ir, IR_I64, a, a);
    assert_bad(&ir, "after a commit");
    ir_insn(&ir, 0, 4);
    a = ir_const(&ir, IR_I64, TOY_BASE);
    ir_fp(&ir, IR_I64, IR_FP_MIN_F64, a, a, IR_NONE, IR_NONE);
    ir_load(&ir, IR_I64, a);
    assert_bad(&ir, "after a commit");
    for (int pure = 0; pure < 2; pure++) {
        ir_insn(&ir, 0, 4);
        a = ir_const(&ir, IR_I64, TOY_BASE);
        ir_call(&ir, IR_VOID, TOY_NOTHING, pure ? IR_CALL_PURE : 0, 0,
                (const ir_ref[4]){IR_NONE, IR_NONE, IR_NONE, IR_NONE});
        ir_load(&ir, IR_I64, a);
        ir_exit(&ir, 4);
        if (!pure)
            assert_bad(&ir, "after a commit");
    }
    assert_good(&ir);
    ir_clear(&ir);
    /* Half an instruction behind a way out. */
    ir_insn(&ir, 0, 4);
    c = ir_const(&ir, IR_I1, 0);
    ir_exit_if(&ir, c, 0);
    a = ir_const(&ir, IR_I64, 0);
    ir_put(&ir, IR_I64, TOY_R(0), a);
    assert_bad(&ir, "left before");
    ir_free(&ir);
}

static void test_verify_ends(void **state)
{
    struct ir ir;

    (void)state;
    ir_init(&ir);
    ir_insn(&ir, 0, 4);
    assert_bad(&ir, "does not end");
    ir_insn(&ir, 0, 4);
    ir_exit(&ir, 4);
    ir_insn(&ir, 4, 4);
    ir_exit(&ir, 8);
    assert_bad(&ir, "behind the end");
    ir_insn(&ir, 0, 4);
    ir_raise(&ir, 1, ir_const(&ir, IR_I64, 0));
    assert_good(&ir);
    ir_free(&ir);
}

/* More nodes than there are refs for: nodes are lost, nothing else. */
static void test_too_long(void **state)
{
    struct ir ir;

    (void)state;
    ir_init(&ir);
    for (unsigned i = 0; i < IR_MAX_NODES; i++)
        assert_int_equal(ir_const(&ir, IR_I64, i), i);
    assert_int_equal(ir_const(&ir, IR_I64, 0), IR_NONE);
    assert_true(ir.failed);
    assert_int_equal(ir.n, IR_MAX_NODES);
    assert_bad(&ir, "more than 65535 nodes");
    assert_false(ir.failed);
    assert_int_equal(ir_const(&ir, IR_I64, 0), 0);
    ir_free(&ir);
}

/* Whatever is in the nodes, the verifier answers, the printer prints, and
 * the evaluator ends. */
static void test_garbage(void **state)
{
    struct toy *t = *state;
    struct prng p = {1};
    struct error e;
    char text[4096];

    for (unsigned n = 0; n < 20000; n++) {
        struct ir_node nodes[24];
        struct ir ir = {.nodes = nodes,
                        .n = 1 + (uint32_t)prng_below(&p, 24),
                        .room = 24};

        for (unsigned i = 0; i < ir.n; i++) {
            uint64_t v = prng_next(&p);

            nodes[i] = (struct ir_node){
                (uint8_t)(v % (IR_N_OPS + 2)),
                (uint8_t)((v >> 8) % (IR_TYPES + 1)),
                (ir_ref)((v >> 16) % (i + 2) - 1),
                (ir_ref)((v >> 24) % (i + 2) - 1),
                (ir_ref)((v >> 32) % (i + 3) - 1),
                v & 1 ? prng_edgy(&p) : sizeof(struct cpu) + (v >> 40) % 256,
            };
        }
        ir_print(&ir, &toy_guest, text, sizeof(text));
        if (ir_verify(&ir, &toy_class, &e))
            assert_int_not_equal(ir_eval(&ir, &t->core, &toy_guest).how,
                                 IR_END_BAD);
        else
            ir_eval(&ir, &t->core, &toy_guest);
        t->core.pending_exception = false;
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_print),
        cmocka_unit_test(test_verify_operands),
        cmocka_unit_test(test_verify_immediates),
        cmocka_unit_test(test_verify_fp),
        cmocka_unit_test(test_verify_effects),
        cmocka_unit_test(test_verify_ends),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test_setup_teardown(test_garbage, toy_setup, toy_teardown),
    };

    return cmocka_run_group_tests_name("ir", tests, NULL, NULL);
}
