/* Exceptions: causes, values, where they go, what they save; mret and sret.
 * Privileged Architecture 20240411 is "priv". */
#include "tests/unit.h"

#include "tests/cpu/riscv/asm.h"
#include "tests/cpu/riscv/rig.h"

#define CODE (RIG_RAM + 0x4000)
#define DATA (RIG_RAM + 0x10000)
#define NOWHERE UINT64_C(0x60000000)
#define COUNT(a) (unsigned)(sizeof(a) / sizeof((a)[0]))

static const unsigned privs[] = {PRIV_U, PRIV_S, PRIV_M};

static int set_up(void **state)
{
    struct rig *r = rig_new(NULL);

    rig_prepare(r);
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    rig_free(*state);
    return 0;
}

/* ----------------------------------------------------------- what raises */

/* priv tables 14 and 15: each cause with its value; x10 is the address. */
static void causes_and_values(void **state)
{
    struct rig *r = *state;
    const struct {
        uint32_t word;
        uint64_t x10;
        unsigned cause;
        uint64_t tval;
    } cases[] = {
        {ASM_ILLEGAL, 0, CAUSE_ILLEGAL, ASM_ILLEGAL},
        {0x0000, 0, CAUSE_ILLEGAL, 0},
        {0x8002, 0, CAUSE_ILLEGAL, 0x8002}, /* c.jr x0 */
        {asm_csrrw(0, 0x123, 0), 0, CAUSE_ILLEGAL, asm_csrrw(0, 0x123, 0)},
        {asm_csrrw(0, CSR_MHARTID, 5), 0, CAUSE_ILLEGAL,
         asm_csrrw(0, CSR_MHARTID, 5)},
        {ASM_EBREAK, 0, CAUSE_BREAKPOINT, RIG_SCRATCH},
        {0x9002, 0, CAUSE_BREAKPOINT, RIG_SCRATCH}, /* c.ebreak */
        {asm_lw(5, 0, 10), NOWHERE, CAUSE_LOAD_ACCESS, NOWHERE},
        {asm_lb(5, -1, 10), NOWHERE, CAUSE_LOAD_ACCESS, NOWHERE - 1},
        {asm_sw(5, 4, 10), NOWHERE, CAUSE_STORE_ACCESS, NOWHERE + 4},
        {asm_fsd(5, 0, 10), NOWHERE, CAUSE_STORE_ACCESS, NOWHERE},
        {asm_lr(2, 5, 10), NOWHERE, CAUSE_LOAD_ACCESS, NOWHERE},
        {asm_amoadd(3, 5, 6, 10), NOWHERE, CAUSE_STORE_ACCESS, NOWHERE},
        {asm_lr(2, 5, 10), DATA + 2, CAUSE_LOAD_MISALIGNED, DATA + 2},
        {asm_lr(3, 5, 10), DATA + 4, CAUSE_LOAD_MISALIGNED, DATA + 4},
        {asm_sc(2, 5, 6, 10), DATA + 1, CAUSE_STORE_MISALIGNED, DATA + 1},
        {asm_amoadd(2, 5, 6, 10), DATA + 2, CAUSE_STORE_MISALIGNED, DATA + 2},
        {asm_amoswap(3, 5, 6, 10), DATA + 4, CAUSE_STORE_MISALIGNED, DATA + 4},
        /* a device takes 4 and 8 bytes, and no atomics */
        {asm_lh(5, 0, 10), RIG_IO, CAUSE_LOAD_ACCESS, RIG_IO},
        {asm_sb(5, 0, 10), RIG_IO, CAUSE_STORE_ACCESS, RIG_IO},
        {asm_lw(5, 2, 10), RIG_IO, CAUSE_LOAD_ACCESS, RIG_IO + 2},
        {asm_lr(3, 5, 10), RIG_IO, CAUSE_LOAD_ACCESS, RIG_IO},
        {asm_amoadd(3, 5, 6, 10), RIG_IO, CAUSE_STORE_ACCESS, RIG_IO},
        {asm_amoadd(3, 5, 6, 10), RIG_ROM, CAUSE_STORE_ACCESS, RIG_ROM},
        {asm_jalr(1, 0, 10), NOWHERE, CAUSE_FETCH_ACCESS, NOWHERE},
        {asm_jalr(1, 0, 10), RIG_IO, CAUSE_FETCH_ACCESS, RIG_IO},
    };

    r->g->fs = 3;
    for (unsigned i = 0; i < COUNT(cases); i++)
        for (unsigned p = 0; p < COUNT(privs); p++) {
            bool jump = (cases[i].word & 0x7f) == 0x67;

            r->g->x[10] = cases[i].x10;
            r->g->x[5] = 0x5555;
            assert_int_equal(rig_do(r, privs[p], cases[i].word), jump);
            rig_step(r, jump);
            assert_int_equal(r->g->mcause, cases[i].cause);
            assert_int_equal(r->g->mtval, cases[i].tval);
            assert_int_equal(r->g->mepc, jump ? cases[i].x10 : RIG_SCRATCH);
            assert_int_equal(r->g->mstatus >> 11 & 3, privs[p]);
            assert_int_equal(r->g->priv, PRIV_M);
            assert_int_equal(r->g->x[5], 0x5555); /* nothing was done */
        }
}

static void environment_calls(void **state)
{
    struct rig *r = *state;
    static const unsigned cause[] = {CAUSE_ECALL_U, CAUSE_ECALL_S, 0,
                                     CAUSE_ECALL_M};

    for (unsigned p = 0; p < COUNT(privs); p++) {
        assert_false(rig_do(r, privs[p], ASM_ECALL));
        assert_int_equal(r->g->mcause, cause[privs[p]]);
        assert_int_equal(r->g->mtval, 0);
        assert_int_equal(r->g->mepc, RIG_SCRATCH);
    }
}

/* Misaligned loads and stores are done in RAM, across pages as well. */
static void misaligned_accesses(void **state)
{
    struct rig *r = *state;

    for (uint64_t at = DATA + 0xff0; at < DATA + 0x1010; at++) {
        r->g->x[10] = at;
        r->g->x[6] = UINT64_C(0x0123456789abcdef) ^ at;
        assert_true(rig_do(r, PRIV_U, asm_sd(6, 0, 10)));
        assert_true(rig_do(r, PRIV_U, asm_ld(7, 0, 10)));
        assert_int_equal(r->g->x[7], r->g->x[6]);
        assert_true(rig_do(r, PRIV_U, asm_lw(7, 4, 10)));
        assert_int_equal(r->g->x[7], (int64_t)r->g->x[6] >> 32);
        assert_true(rig_do(r, PRIV_U, asm_lh(7, 6, 10)));
        assert_int_equal(r->g->x[7], (int64_t)r->g->x[6] >> 48);
    }
}

/* An access whose second page is not there: the value is the address of the
 * part that failed, and the first page is as it was. */
static void half_there(void **state)
{
    struct rig *r = *state;
    const uint64_t end = RIG_RAM + RIG_RAM_SIZE;

    for (unsigned n = 1; n < 8; n++) {
        rig_poke64(r, end - 8, 0x1111111111111111);
        r->g->x[10] = end - n;
        r->g->x[5] = UINT64_MAX;
        assert_false(rig_do(r, PRIV_M, asm_sd(5, 0, 10)));
        assert_int_equal(r->last_cause, CAUSE_STORE_ACCESS);
        assert_int_equal(r->last_tval, end);
        assert_int_equal(rig_peek64(r, end - 8), 0x1111111111111111);
        assert_false(rig_do(r, PRIV_M, asm_ld(5, 0, 10)));
        assert_int_equal(r->last_cause, CAUSE_LOAD_ACCESS);
        assert_int_equal(r->last_tval, end);
    }
    /* an instruction whose second half is not there */
    rig_poke(r, end - 4, (uint32_t[]){0x00130001}, 1); /* c.nop, half nop */
    rig_enter(r, PRIV_M, end - 4);
    rig_step(r, 2);
    assert_int_equal(r->last_cause, CAUSE_FETCH_ACCESS);
    assert_int_equal(r->last_epc, end - 2);
    assert_int_equal(r->last_tval, end);
}

/* Writes to ROM vanish, reads and fetches work. */
static void rom(void **state)
{
    struct rig *r = *state;

    r->g->x[10] = RIG_ROM;
    r->g->x[5] = 0x1234;
    assert_true(rig_do(r, PRIV_M, asm_sd(5, 0, 10)));
    assert_true(rig_do(r, PRIV_M, asm_ld(6, 0, 10)));
    assert_int_equal(r->g->x[6], 0);
    rig_poke(r, RIG_ROM, (uint32_t[]){asm_addi(7, 0, 9), ASM_ECALL}, 2);
    rig_enter(r, PRIV_M, RIG_ROM);
    rig_step(r, 1);
    assert_int_equal(r->g->x[7], 9);
}

/* ------------------------------------------------------- where it goes */

/* priv 3.1.8: a delegated exception goes to S mode, but never from M. */
static void delegation(void **state)
{
    struct rig *r = *state;
    static const struct {
        uint32_t word;
        unsigned cause;
    } cases[] = {{ASM_ILLEGAL, CAUSE_ILLEGAL},
                 {ASM_EBREAK, CAUSE_BREAKPOINT},
                 {0x00052283, CAUSE_LOAD_ACCESS},  /* lw x5, 0(x10) */
                 {0x00552023, CAUSE_STORE_ACCESS}, /* sw x5, 0(x10) */
                 {ASM_ECALL, 0}};

    for (unsigned i = 0; i < COUNT(cases); i++)
        for (unsigned p = 0; p < COUNT(privs); p++)
            for (unsigned on = 0; on < 2; on++) {
                unsigned cause =
                    cases[i].cause ? cases[i].cause : CAUSE_ECALL_U + privs[p];
                bool to_s = on && privs[p] != PRIV_M;

                r->g->x[10] = NOWHERE;
                r->g->scause = r->g->mcause = r->g->sepc = r->g->mepc = 99;
                rig_set_csr(r, CSR_MEDELEG,
                            on ? (uint64_t)1 << cause
                               : ~((uint64_t)1 << cause));
                assert_false(rig_do(r, privs[p], cases[i].word));
                assert_int_equal(r->g->priv, to_s ? PRIV_S : PRIV_M);
                assert_int_equal(r->cpu->pc, to_s ? RIG_S_TRAP : RIG_M_TRAP);
                assert_int_equal(r->g->scause, to_s ? cause : 99);
                assert_int_equal(r->g->mcause, to_s ? 99 : cause);
                assert_int_equal(to_s ? r->g->sepc : r->g->mepc, RIG_SCRATCH);
            }
}

/* Exceptions go to the base also where interrupts are vectored, 3.1.7. */
static void vectored_base(void **state)
{
    struct rig *r = *state;

    r->g->mtvec |= 1;
    r->g->stvec |= 1;
    assert_false(rig_do(r, PRIV_U, ASM_EBREAK));
    assert_int_equal(r->cpu->pc, RIG_M_TRAP);
    r->g->medeleg = 1u << CAUSE_BREAKPOINT;
    assert_false(rig_do(r, PRIV_U, ASM_EBREAK));
    assert_int_equal(r->cpu->pc, RIG_S_TRAP);
}

/* priv 3.1.6.1: the stacks of enable bits and privileges. */
static void status_stack(void **state)
{
    struct rig *r = *state;

    for (unsigned p = 0; p < COUNT(privs); p++)
        for (unsigned ie = 0; ie < 2; ie++) {
            uint64_t m;

            r->g->medeleg = 0;
            r->g->mstatus = ie ? MSTATUS_MIE | MSTATUS_SIE
                               : MSTATUS_MPIE | MSTATUS_SPIE | MSTATUS_SPP;
            assert_false(rig_do(r, privs[p], ASM_EBREAK));
            m = r->g->mstatus;
            assert_false(m & MSTATUS_MIE);
            assert_int_equal(!!(m & MSTATUS_MPIE), ie);
            assert_int_equal(!!(m & MSTATUS_SIE), ie);
            assert_int_equal(m >> 11 & 3, privs[p]);
            if (privs[p] == PRIV_M)
                continue;
            r->g->medeleg = 1u << CAUSE_BREAKPOINT;
            r->g->mstatus =
                ie ? MSTATUS_SIE : MSTATUS_SPIE | MSTATUS_MIE | MSTATUS_MPP;
            assert_false(rig_do(r, privs[p], ASM_EBREAK));
            m = r->g->mstatus;
            assert_false(m & MSTATUS_SIE);
            assert_int_equal(!!(m & MSTATUS_SPIE), ie);
            assert_int_equal(!!(m & MSTATUS_MIE), !ie);
            assert_int_equal(!!(m & MSTATUS_SPP), privs[p] == PRIV_S);
            assert_int_equal(m >> 11 & 3, ie ? 0 : 3);
        }
}

/* ----------------------------------------------------------- the returns */

/* priv 3.3.2, 3.1.6.1 and 3.1.6.3. */
static void machine_return(void **state)
{
    struct rig *r = *state;

    rig_poke(r, CODE, (uint32_t[]){ASM_NOP, ASM_NOP}, 2);
    for (unsigned p = 0; p < COUNT(privs); p++)
        for (unsigned pie = 0; pie < 2; pie++) {
            uint64_t m;

            r->g->mepc = CODE;
            r->g->mstatus = (uint64_t)privs[p] << 11 | MSTATUS_MPRV |
                            (pie ? MSTATUS_MPIE : MSTATUS_MIE);
            assert_true(rig_do(r, PRIV_M, ASM_MRET));
            m = r->g->mstatus;
            assert_int_equal(r->cpu->pc, CODE);
            assert_int_equal(r->g->priv, privs[p]);
            assert_int_equal(!!(m & MSTATUS_MIE), pie);
            assert_true(m & MSTATUS_MPIE);
            assert_int_equal(m & MSTATUS_MPP, 0);
            assert_int_equal(!!(m & MSTATUS_MPRV), privs[p] == PRIV_M);
        }
}

/* sret, from S and from M mode. */
static void supervisor_return(void **state)
{
    struct rig *r = *state;

    rig_poke(r, CODE, (uint32_t[]){ASM_NOP, ASM_NOP}, 2);
    for (unsigned from = PRIV_S; from <= PRIV_M; from += 2)
        for (unsigned spp = 0; spp < 2; spp++)
            for (unsigned pie = 0; pie < 2; pie++) {
                uint64_t m;

                r->g->sepc = CODE;
                r->g->mstatus = (spp ? MSTATUS_SPP : 0) | MSTATUS_MPRV |
                                MSTATUS_MIE |
                                (pie ? MSTATUS_SPIE : MSTATUS_SIE);
                assert_true(rig_do(r, from, ASM_SRET));
                m = r->g->mstatus;
                assert_int_equal(r->cpu->pc, CODE);
                assert_int_equal(r->g->priv, spp ? PRIV_S : PRIV_U);
                assert_int_equal(!!(m & MSTATUS_SIE), pie);
                assert_true(m & MSTATUS_SPIE);
                assert_true(m & MSTATUS_MIE);
                assert_false(m & MSTATUS_SPP);
                assert_false(m & MSTATUS_MPRV);
            }
}

/* An exception in the middle of a block: what came before it is done, what
 * comes behind it is not. */
static void exception_within_block(void **state)
{
    struct rig *r = *state;
    const uint32_t code[] = {asm_addi(5, 5, 1), asm_addi(6, 6, 1),
                             asm_lw(7, 0, 10),  asm_addi(5, 5, 1),
                             asm_addi(6, 6, 1), asm_jal(0, -20)};

    rig_poke(r, CODE, code, COUNT(code));
    r->g->x[10] = DATA;
    rig_enter(r, PRIV_S, CODE);
    rig_step(r, 600);
    assert_int_equal(r->g->x[5], 200);
    r->g->x[10] = NOWHERE;
    rig_step(r, 10);
    assert_int_equal(r->g->x[5], 201);
    assert_int_equal(r->g->x[6], 201);
    assert_int_equal(r->last_epc, CODE + 8);
    assert_int_equal(r->exceptions, 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(causes_and_values),
        TEST(environment_calls),
        TEST(misaligned_accesses),
        TEST(half_there),
        TEST(rom),
        TEST(delegation),
        TEST(vectored_base),
        TEST(status_stack),
        TEST(machine_return),
        TEST(supervisor_return),
        TEST(exception_within_block),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
