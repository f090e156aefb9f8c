/* Counters: events, filters, overflow and its interrupt.  Privileged
 * Architecture 20240411 is "priv". */
#include "tests/unit.h"

#include <string.h>

#include "tests/cpu/riscv/asm.h"
#include "tests/cpu/riscv/rig.h"

#define CODE (RIG_RAM + 0x4000)
#define COUNT(a) (unsigned)(sizeof(a) / sizeof((a)[0]))
#define LAST 31u
#define COUNTER(n) (0xb00 + (n))
#define EVENT(n) (0x320 + (n))
#define SCOUNTOVF 0xda0
#define OF (UINT64_C(1) << 63)
#define MINH (UINT64_C(1) << 62)
#define SINH (UINT64_C(1) << 61)
#define UINH (UINT64_C(1) << 60)

static struct rig *open_rig(const char *model)
{
    struct rig_config config = {.model = model};
    struct rig *r = rig_new(&config);

    rig_prepare(r);
    return r;
}

static int set_up(void **state)
{
    *state = open_rig(NULL);
    return 0;
}

static int tear_down(void **state)
{
    rig_free(*state);
    return 0;
}

/* n instructions that do nothing, in privilege `priv`. */
static void idle(struct rig *r, unsigned priv, unsigned n)
{
    uint32_t nops[64];

    for (unsigned i = 0; i < 64; i++)
        nops[i] = ASM_NOP;
    nops[63] = asm_jal(0, -63 * 4);
    rig_poke(r, CODE, nops, 64);
    rig_enter(r, priv, CODE);
    rig_step(r, n);
}

/* ----------------------------------------------------------------- events */

/* Cycles and instructions can be counted by all; other events are none. */
static void events(void **state)
{
    struct rig *r = *state;

    for (unsigned n = COUNTER_FIRST; n <= LAST; n++)
        for (uint64_t event = 0; event < 70; event++) {
            uint64_t v = event < 64 ? event : UINT64_C(1) << (event - 30);
            bool counts = v == 1 || v == 2;

            rig_set_csr(r, EVENT(n), v);
            assert_int_equal(rig_get_csr(r, EVENT(n)), counts ? v : 0);
            rig_set_csr(r, COUNTER(n), 100);
            assert_int_equal(rig_get_csr(r, COUNTER(n)), 100);
            idle(r, PRIV_M, 10);
            /* and the two that read */
            assert_int_equal(rig_get_csr(r, COUNTER(n)), counts ? 111 : 100);
            assert_int_equal(rig_get_csr(r, 0xc00 + n), counts ? 112 : 100);
        }
}

/* priv 3.1.12: inhibited ones stand still, whatever they count. */
static void inhibited(void **state)
{
    struct rig *r = *state;

    for (unsigned n = COUNTER_FIRST; n <= LAST; n++) {
        rig_set_csr(r, EVENT(n), 2);
        rig_set_csr(r, COUNTER(n), 0);
    }
    for (unsigned n = COUNTER_FIRST; n <= LAST; n++) {
        uint64_t a, b;

        rig_set_csr(r, CSR_MCOUNTINHIBIT, 1u << n);
        assert_int_equal(rig_get_csr(r, CSR_MCOUNTINHIBIT), 1u << n);
        a = rig_get_csr(r, COUNTER(n));
        b = rig_get_csr(r, COUNTER(n == 3 ? 4 : 3));
        idle(r, PRIV_M, 50);
        assert_int_equal(rig_get_csr(r, COUNTER(n)), a);
        assert_int_equal(rig_get_csr(r, COUNTER(n == 3 ? 4 : 3)), b + 52);
        /* what is written is kept, and counted on from */
        rig_set_csr(r, COUNTER(n), 7);
        assert_int_equal(rig_get_csr(r, COUNTER(n)), 7);
        rig_set_csr(r, CSR_MCOUNTINHIBIT, 0);
        idle(r, PRIV_M, 5);
        assert_int_equal(rig_get_csr(r, COUNTER(n)), 7 + 6);
    }
}

/* Sscofpmf: MINH, SINH and UINH; the ways from one privilege to another
 * count where they begin. */
static void filters(void **state)
{
    static const unsigned privs[] = {PRIV_U, PRIV_S, PRIV_M};
    static const uint64_t bit[] = {UINH, SINH, MINH};

    (void)state;
    for (unsigned set = 0; set < 8; set++) {
        uint64_t event = 2;
        struct rig *r = open_rig(NULL);
        /* M: mret to S; S: 3 nops, sret to U; U: 5 nops, ecall to M */
        const uint32_t code[] = {ASM_MRET, ASM_NOP, ASM_NOP, ASM_NOP,
                                 ASM_SRET, ASM_NOP, ASM_NOP, ASM_NOP,
                                 ASM_NOP,  ASM_NOP, ASM_ECALL};
        uint64_t want = 0;
        static const unsigned counts[] = {5, 4, 1};

        for (unsigned p = 0; p < 3; p++)
            if (set >> p & 1)
                event |= bit[p];
            else
                want += counts[p];
        rig_set_csr(r, EVENT(5), event);
        assert_int_equal(rig_get_csr(r, EVENT(5)), event);
        rig_poke(r, CODE, code, COUNT(code));
        r->g->mepc = CODE + 4;
        r->g->sepc = CODE + 20;
        r->g->mstatus |= (uint64_t)PRIV_S << 11;
        r->g->mstatus &= ~MSTATUS_SPP;
        rig_set_csr(r, CSR_MCOUNTINHIBIT, 0);
        rig_set_csr(r, COUNTER(5), 0);
        rig_enter(r, PRIV_M, CODE);
        rig_step(r, 10);
        assert_int_equal(r->g->priv, PRIV_U);
        assert_int_equal(riscv_read_counter(r->g, 5), want);
        rig_step(r, 20); /* in M mode's loop */
        assert_int_equal(r->g->priv, PRIV_M);
        assert_int_equal(riscv_read_counter(r->g, 5),
                         want + (set & 4 ? 0 : 20));
        for (unsigned p = 0; p < 3; p++) {
            /* by a trap each time: rig_enter() alone is no way to go */
            r->g->mstatus &= ~MSTATUS_MPP;
            r->g->mstatus |= (uint64_t)privs[p] << 11;
            r->g->mepc = CODE + 4;
            rig_enter(r, PRIV_M, CODE);
            rig_step(r, 1);
            want = riscv_read_counter(r->g, 5);
            rig_step(r, 3);
            assert_int_equal(riscv_read_counter(r->g, 5) - want,
                             set >> p & 1 ? 0 : 3);
            r->g->priv = PRIV_M; /* where the counter believes it is */
            riscv_counters_reset(r->g);
        }
        rig_free(r);
    }
}

/* --------------------------------------------------------------- overflow */

/* The interrupt comes behind the very instruction that overflowed, OF and
 * LCOFIP with it, and only once. */
static void overflow(void **state)
{
    struct rig *r = *state;

    r->g->mideleg = 0;
    r->g->mie = MIP_BIT(IRQ_LCOFI);
    for (unsigned n = COUNTER_FIRST; n <= LAST; n += 7)
        for (uint64_t first = 1; first < 300; first = first * 3 / 2 + 1) {
            uint64_t before = r->interrupts, start, left = first;

            r->g->mstatus &= ~MSTATUS_MIE;
            rig_set_csr(r, EVENT(n), 1);
            rig_set_csr(r, COUNTER(n), 0 - left);
            rig_set_csr(r, CSR_MIP, 0);
            start = riscv_read_counter(r->g, n);
            r->g->mstatus |= MSTATUS_MIE;
            if (start <= first) { /* while the rig was at it */
                assert_true(riscv_overflowed(r->g) >> n & 1);
                continue;
            }
            left = 0 - start;
            idle(r, PRIV_M, (unsigned)left);
            assert_int_equal(r->interrupts, before);
            rig_step(r, 1);
            assert_int_equal(r->interrupts, before + 1);
            assert_int_equal(r->g->mcause, UINT64_C(1) << 63 | IRQ_LCOFI);
            assert_int_equal(r->g->mepc, CODE + left % 64 * 4);
            assert_int_equal(rig_get_csr(r, EVENT(n)), OF | 1);
            assert_int_equal(rig_get_csr(r, CSR_MIP), MIP_BIT(IRQ_LCOFI));
            assert_int_equal(rig_get_csr(r, SCOUNTOVF), 1u << n);
            /* It stays pending until it is cleared; then no more of it. */
            rig_set_csr(r, CSR_MIP, 0);
            rig_set_csr(r, COUNTER(n), 0 - UINT64_C(5));
            r->g->mstatus |= MSTATUS_MIE;
            idle(r, PRIV_M, 100);
            assert_int_equal(r->interrupts, before + 1);
            rig_set_csr(r, EVENT(n), 0);
            assert_int_equal(rig_get_csr(r, SCOUNTOVF), 0);
        }
}

/* Software may set and clear LCOFIP; S mode too, where it is delegated. */
static void pending_bit(void **state)
{
    struct rig *r = *state;
    const uint64_t bit = MIP_BIT(IRQ_LCOFI);

    for (unsigned on = 0; on < 2; on++) {
        rig_set_csr(r, CSR_MIDELEG, on ? bit : 0);
        rig_set_csr(r, CSR_MIP, bit);
        assert_int_equal(rig_get_csr(r, CSR_SIP), on ? bit : 0);
        rig_set_csr(r, CSR_SIE, bit);
        assert_int_equal(rig_get_csr(r, CSR_MIE) & bit, on ? bit : 0);
        rig_set_csr(r, CSR_MIE, 0);
        rig_set_csr(r, CSR_SIP, 0);
        assert_int_equal(rig_get_csr(r, CSR_MIP), on ? 0 : bit);
        rig_set_csr(r, CSR_SIP, bit);
        assert_int_equal(rig_get_csr(r, CSR_MIP), bit);
    }
    /* It is the last of them all. */
    r->g->mideleg = 0x2222;
    r->g->mip_soft = 0x2222;
    r->g->mie = 0x2222;
    static const unsigned order[] = {IRQ_SEI, IRQ_SSI, IRQ_STI, IRQ_LCOFI};
    for (unsigned i = 0; i < COUNT(order); i++) {
        idle(r, PRIV_U, 1);
        assert_int_equal(r->g->scause, UINT64_C(1) << 63 | order[i]);
        r->g->mip_soft &= ~MIP_BIT(order[i]);
    }
}

/* A sampling profiler: S mode's handler sets the counter anew each time. */
static void again_and_again(void **state)
{
    struct rig *r = *state;
    uint64_t period = 1000, start;

    rig_set_csr(r, CSR_MIDELEG, MIP_BIT(IRQ_LCOFI));
    rig_set_csr(r, CSR_MIE, MIP_BIT(IRQ_LCOFI));
    rig_set_csr(r, EVENT(3), 2 | MINH | SINH);
    rig_set_csr(r, COUNTER(3), 0 - period);
    /* mret to U; the handler: to M mode by ecall, which does the rest */
    rig_poke(r, RIG_S_TRAP, (uint32_t[]){ASM_ECALL}, 1);
    rig_poke(r, RIG_M_TRAP,
             (uint32_t[]){asm_csrrw(0, COUNTER(3), 6),
                          asm_csrrw(0, EVENT(3), 7),
                          asm_csrrc(0, CSR_MIP, 8),
                          asm_csrrs(9, CSR_SEPC, 0),
                          asm_csrrw(0, CSR_MEPC, 9),
                          asm_csrrc(0, CSR_MSTATUS, 12),
                          asm_addi(11, 11, 1), ASM_MRET},
             8);
    idle(r, PRIV_M, 0);
    r->g->x[6] = 0 - period;
    r->g->x[7] = 2 | MINH | SINH;
    r->g->x[8] = MIP_BIT(IRQ_LCOFI);
    r->g->x[11] = 0;
    r->g->x[12] = MSTATUS_MPP;
    r->g->mepc = CODE;
    r->g->mstatus &= ~MSTATUS_MPP;
    rig_poke(r, RIG_SCRATCH, (uint32_t[]){ASM_MRET}, 1);
    rig_enter(r, PRIV_M, RIG_SCRATCH);
    start = r->cpu->icount;
    rig_step(r, 1 + 50 * (period + 8));
    assert_int_equal(r->cpu->icount - start, 1 + 50 * (period + 8));
    assert_int_equal(r->g->x[11], 50);
    assert_int_equal(r->interrupts, 50);
    assert_int_equal(r->g->priv, PRIV_U);
}

/* scountovf: S mode sees what mcounteren lets it, U mode nothing. */
static void overflow_bits(void **state)
{
    struct rig *r = *state;

    for (unsigned n = COUNTER_FIRST; n <= LAST; n++)
        rig_set_csr(r, EVENT(n), n % 3 ? OF | 1 : 1);
    for (unsigned n = 0; n < 4; n++) {
        const uint32_t enable = n == 3 ? 0xffff0000 : UINT32_C(0x55555555) << n;
        const uint32_t all = 0xb6db6db0;

        rig_set_csr(r, CSR_MCOUNTEREN, enable);
        assert_int_equal(rig_get_csr(r, SCOUNTOVF), all);
        assert_true(rig_do(r, PRIV_S, asm_csrrs(5, SCOUNTOVF, 0)));
        assert_int_equal(r->g->x[5], all & enable);
        assert_false(rig_do(r, PRIV_U, asm_csrrs(5, SCOUNTOVF, 0)));
        assert_false(rig_do(r, PRIV_M, asm_csrrw(0, SCOUNTOVF, 5)));
    }
}

/* ------------------------------------------------------------------- RV32 */

/* A write of either half is one of the counter, so that it does not count
 * that instruction; events have halves, too. */
static void halves(void **state)
{
    struct rig_config config = {.model = "rv32", .cls = &riscv32_class};
    struct rig *r = rig_new(&config);
    const uint32_t code[] = {asm_csrrw(0, CSR_MINSTRET, 5),
                             asm_csrrw(0, 0xb82, 5), ASM_NOP,
                             asm_csrrs(6, CSR_MINSTRET, 0),
                             asm_csrrs(7, 0xb82, 0)};

    (void)state;
    rig_prepare(r);
    r->g->x[5] = UINT32_MAX;
    rig_poke(r, CODE, code, COUNT(code));
    rig_enter(r, PRIV_M, CODE);
    rig_step(r, COUNT(code));
    assert_int_equal(r->g->x[6], 0);
    assert_int_equal(r->g->x[7], 0);
    for (unsigned n = COUNTER_FIRST; n <= LAST; n++) {
        rig_set_csr(r, EVENT(n), 2);
        rig_set_csr(r, 0x720 + n, 0xf0000000);
        assert_int_equal(rig_get_csr(r, EVENT(n)), 2);
        assert_int_equal(rig_get_csr(r, 0x720 + n), 0xf0000000);
        rig_set_csr(r, 0x720 + n, 0);
        assert_int_equal(r->g->mhpmevent[n], 2);
        rig_set_csr(r, 0xb80 + n, 7);
        rig_set_csr(r, COUNTER(n), UINT32_MAX);
        idle(r, PRIV_M, 5);
        assert_int_equal(rig_get_csr(r, COUNTER(n)), 4);
        assert_int_equal(rig_get_csr(r, 0xb80 + n), 8);
        assert_int_equal(rig_get_csr(r, 0xc80 + n), 8);
    }
    rig_free(r);
    /* without what they are for, they are not there */
    config.model = "rv32,sscofpmf=off";
    r = rig_new(&config);
    rig_prepare(r);
    assert_false(rig_do(r, PRIV_M, asm_csrrs(5, 0x723, 0)));
    rig_free(r);
}

/* ----------------------------------------------------------------- models */

static void without_them(void **state)
{
    struct rig *none = open_rig("rv64,zihpm=off,sscofpmf=off");
    struct rig *plain = open_rig("rv64,sscofpmf=off");

    (void)state;
    for (unsigned n = COUNTER_FIRST; n <= LAST; n++) {
        rig_set_csr(none, EVENT(n), 1);
        rig_set_csr(none, COUNTER(n), 5);
        assert_int_equal(rig_get_csr(none, EVENT(n)), 0);
        assert_int_equal(rig_get_csr(none, COUNTER(n)), 0);
        assert_false(rig_do(none, PRIV_M, asm_csrrs(5, 0xc00 + n, 0)));
        rig_set_csr(plain, EVENT(n), UINT64_MAX ^ 0xfffffffffffffd);
        assert_int_equal(rig_get_csr(plain, EVENT(n)), 0);
        rig_set_csr(plain, EVENT(n), OF | MINH | 2);
        assert_int_equal(rig_get_csr(plain, EVENT(n)), 2);
    }
    rig_set_csr(none, CSR_MCOUNTINHIBIT, UINT64_MAX);
    assert_int_equal(rig_get_csr(none, CSR_MCOUNTINHIBIT), 5);
    assert_true(rig_do(none, PRIV_M, asm_csrrs(5, CSR_INSTRET, 0)));
    /* Nothing tells of an overflow. */
    assert_false(rig_do(plain, PRIV_M, asm_csrrs(5, SCOUNTOVF, 0)));
    rig_set_csr(plain, CSR_MIE, UINT64_MAX);
    assert_int_equal(rig_get_csr(plain, CSR_MIE), 0xaaa);
    rig_set_csr(plain, CSR_MIDELEG, UINT64_MAX);
    assert_int_equal(rig_get_csr(plain, CSR_MIDELEG), 0x222);
    rig_set_csr(plain, COUNTER(3), UINT64_MAX - 5);
    idle(plain, PRIV_M, 20);
    assert_int_equal(rig_get_csr(plain, CSR_MIP), 0);
    assert_int_equal(rig_get_csr(plain, EVENT(3)), 2);
    assert_in_range(rig_get_csr(plain, COUNTER(3)), 15, 25);
    rig_free(none);
    rig_free(plain);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(events),       TEST(inhibited),
        TEST(overflow),     TEST(pending_bit),
        TEST(overflow_bits), TEST(again_and_again),
        cmocka_unit_test(filters), cmocka_unit_test(halves),
        cmocka_unit_test(without_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
