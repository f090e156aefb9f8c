/* Interrupts: which comes first, who takes it and when; WFI; timers.
 * Privileged Architecture 20240411 is "priv". */
#include "tests/unit.h"

#include "tests/cpu/riscv/asm.h"
#include "tests/cpu/riscv/rig.h"

#define CODE (RIG_RAM + 0x4000)
#define COUNT(a) (unsigned)(sizeof(a) / sizeof((a)[0]))

static const unsigned privs[] = {PRIV_U, PRIV_S, PRIV_M};
/* priv 3.1.9: the highest first. */
static const unsigned order[] = {IRQ_MEI, IRQ_MSI, IRQ_MTI,
                                 IRQ_SEI, IRQ_SSI, IRQ_STI};

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

/* The interrupt that is taken, as priv 3.1.6.1, 3.1.9 and 4.1.3 have it: its
 * number and where it goes, or false. */
static bool expected(uint64_t pending, uint64_t enabled, uint64_t delegated,
                     unsigned priv, bool mie, bool sie, unsigned *irq,
                     bool *to_s)
{
    bool m_open = priv < PRIV_M || mie;
    bool s_open = priv < PRIV_S || (priv == PRIV_S && sie);

    for (unsigned s = 0; s < 2; s++)
        for (unsigned i = 0; i < COUNT(order); i++) {
            uint64_t bit = MIP_BIT(order[i]);

            if (!(pending & enabled & bit) || !!(delegated & bit) != s)
                continue;
            if (!(s ? s_open : m_open))
                continue;
            *irq = order[i];
            *to_s = s;
            return true;
        }
    return false;
}

/* All that matters, at random and often, against that. */
static void who_and_where(void **state)
{
    struct rig *r = *state;
    struct prng p = {7};
    unsigned taken = 0;

    for (unsigned n = 0; n < 20000; n++) {
        uint64_t pending = prng_next(&p) & prng_next(&p) & 0xaaa;
        uint64_t enabled = prng_next(&p) & 0xaaa;
        uint64_t delegated = prng_next(&p) & 0x222;
        unsigned priv = privs[prng_below(&p, 3)], irq;
        bool mie = prng_next(&p) & 1, sie = prng_next(&p) & 1;
        bool vectored = prng_next(&p) & 1, to_s, due;
        uint64_t before = r->interrupts, base, cause;

        r->g->mideleg = delegated;
        r->g->mie = enabled;
        atomic_store(&r->g->lines, pending & 0x888);
        r->g->mip_soft = pending & 0x222;
        r->g->mtvec = RIG_M_TRAP | vectored;
        r->g->stvec = RIG_S_TRAP | vectored;
        r->g->mstatus = (mie ? MSTATUS_MIE : 0) | (sie ? MSTATUS_SIE : 0);
        due =
            expected(pending, enabled, delegated, priv, mie, sie, &irq, &to_s);
        rig_enter(r, priv, CODE);
        assert_int_equal(r->cls.interrupt(r->cpu), due);
        assert_int_equal(r->interrupts, before + due);
        if (!due) {
            assert_int_equal(r->cpu->pc, CODE);
            continue;
        }
        taken++;
        base = to_s ? RIG_S_TRAP : RIG_M_TRAP;
        cause = (uint64_t)1 << 63 | irq;
        assert_int_equal(r->cpu->pc, base + (vectored ? 4 * irq : 0));
        assert_int_equal(to_s ? r->g->scause : r->g->mcause, cause);
        assert_int_equal(to_s ? r->g->sepc : r->g->mepc, CODE);
        assert_int_equal(to_s ? r->g->stval : r->g->mtval, 0);
        assert_int_equal(r->g->priv, to_s ? PRIV_S : PRIV_M);
    }
    assert_in_range(taken, 5000, 19000);
}

/* priv 3.1.9: evaluated at once when a CSR write or a return allows it. */
static void taken_at_once(void **state)
{
    struct rig *r = *state;
    const struct {
        uint32_t word;
        uint64_t epc; /* that the interrupt saves */
    } cases[] = {
        {asm_csrrsi(0, CSR_MSTATUS, MSTATUS_MIE), CODE + 4},
        {asm_csrrs(0, CSR_MIE, 5), CODE + 4},
        {asm_csrrs(0, CSR_MIP, 5), CODE + 4},
        {ASM_MRET, CODE + 0x100},
    };

    for (unsigned i = 0; i < COUNT(cases); i++) {
        const uint32_t code[] = {cases[i].word, asm_addi(6, 6, 1),
                                 asm_addi(6, 6, 1)};
        uint64_t before = r->interrupts;

        rig_poke(r, CODE, code, 3);
        rig_poke(r, CODE + 0x100, code + 1, 2);
        r->g->x[5] = MIP_BIT(IRQ_SSI);
        r->g->x[6] = 0;
        r->g->mip_soft = i == 2 ? 0 : MIP_BIT(IRQ_SSI);
        r->g->mie = i == 1 ? 0 : MIP_BIT(IRQ_SSI);
        r->g->mstatus = i == 0   ? 0
                        : i == 3 ? MSTATUS_MPIE | MSTATUS_MPP
                                 : MSTATUS_MIE;
        r->g->mepc = CODE + 0x100;
        rig_enter(r, PRIV_M, CODE);
        rig_step(r, 3);
        assert_int_equal(r->interrupts, before + 1);
        assert_int_equal(r->g->mepc, cases[i].epc);
        assert_int_equal(r->g->x[6], 0);
    }
}

/* ------------------------------------------------------------------- WFI */

/* priv 3.3.3: it waits for what is enabled in mie, taken or not. */
static void wait_for_interrupt(void **state)
{
    struct rig *r = *state;
    const uint32_t code[] = {ASM_WFI, asm_addi(6, 6, 1), asm_jal(0, 0)};

    rig_poke(r, CODE, code, 3);
    for (unsigned mie = 0; mie < 2; mie++) {
        uint64_t before = r->interrupts, now = r->cpu->icount;

        r->g->x[6] = 0;
        riscv_input(r->cpu, IRQ_MTI, false);
        r->mtimecmp = UINT64_MAX;
        r->g->mie = MIP_BIT(IRQ_MTI);
        r->g->mstatus = mie ? MSTATUS_MIE : 0;
        pthread_mutex_lock(&r->lock);
        timer_arm(&r->mtimer, clock_ns(r->clock) + 1000000);
        pthread_mutex_unlock(&r->lock);
        rig_enter(r, PRIV_M, CODE);
        rig_step(r, 3);
        /* The clock jumped; hardly an instruction was needed. */
        assert_int_equal(r->cpu->icount, now + 3);
        assert_true(clock_ns(r->clock) >= 1000000 * (mie + 1));
        assert_int_equal(r->interrupts, before + mie);
        assert_int_equal(r->g->x[6], !mie);
        if (mie)
            assert_int_equal(r->g->mepc, CODE + 4);
    }
}

/* It does not wait where something is pending already. */
static void no_wait_when_pending(void **state)
{
    struct rig *r = *state;

    r->g->mie = MIP_BIT(IRQ_SSI);
    r->g->mip_soft = MIP_BIT(IRQ_SSI);
    assert_true(rig_do(r, PRIV_M, ASM_WFI));
    rig_step(r, 1);
    assert_false(r->stopped);
    assert_false(r->cpu->halted);
    /* Pending but not enabled: nothing ends it. */
    r->g->mie = 0;
    assert_true(rig_do(r, PRIV_M, ASM_WFI));
    rig_step(r, 1);
    assert_true(r->stopped);
}

/* ---------------------------------------------------------------- timers */

/* Sstc: the interrupt comes within the tick in which time reaches stimecmp,
 * never before, and goes when stimecmp moves on. */
static void supervisor_timer(void **state)
{
    struct rig *r = *state;
    const uint32_t code[] = {asm_csrrw(0, CSR_STIMECMP, 5), asm_addi(6, 6, 1),
                             asm_jal(0, -4)};

    rig_poke(r, CODE, code, 3);
    rig_set_csr(r, CSR_MENVCFG, ENVCFG_STCE);
    r->g->mideleg = r->g->mie = MIP_BIT(IRQ_STI);
    r->g->mstatus = MSTATUS_SIE;
    for (unsigned n = 1; n < 50; n += 7) {
        uint64_t start = r->cpu->icount, ticks = start / 10 + n;
        uint64_t before = r->interrupts;

        r->g->mstatus |= MSTATUS_SIE;
        r->g->x[5] = ticks;
        r->g->x[6] = 0;
        rig_enter(r, PRIV_S, CODE);
        rig_step(r, 600);
        assert_int_equal(r->interrupts, before + 1);
        assert_int_equal(r->g->scause, (uint64_t)1 << 63 | IRQ_STI);
        assert_in_range(r->g->x[6], (ticks * 10 - start) / 2,
                        (ticks * 10 + 10 - start) / 2);
        r->g->x[5] = UINT64_MAX;
        assert_true(rig_get_csr(r, CSR_MIP) & MIP_BIT(IRQ_STI));
        rig_set_csr(r, CSR_STIMECMP, UINT64_MAX);
        assert_false(rig_get_csr(r, CSR_MIP) & MIP_BIT(IRQ_STI));
    }
}

/* A comparison with a time far away, or past, does not wrap. */
static void supervisor_timer_extremes(void **state)
{
    struct rig *r = *state;
    static const uint64_t far[] = {UINT64_MAX, UINT64_MAX - 1,
                                   (uint64_t)1 << 63, (uint64_t)1 << 60};

    rig_set_csr(r, CSR_MENVCFG, ENVCFG_STCE);
    for (unsigned i = 0; i < COUNT(far); i++) {
        rig_set_csr(r, CSR_STIMECMP, far[i]);
        rig_do(r, PRIV_M, ASM_NOP);
        assert_false(rig_get_csr(r, CSR_MIP) & MIP_BIT(IRQ_STI));
    }
    rig_set_csr(r, CSR_STIMECMP, 0);
    assert_true(rig_get_csr(r, CSR_MIP) & MIP_BIT(IRQ_STI));
    rig_set_csr(r, CSR_MENVCFG, 0);
    assert_false(rig_get_csr(r, CSR_MIP) & MIP_BIT(IRQ_STI));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(who_and_where),      TEST(taken_at_once),
        TEST(wait_for_interrupt), TEST(no_wait_when_pending),
        TEST(supervisor_timer),   TEST(supervisor_timer_extremes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
