/* Control and status registers: which there are, who may use them, which
 * bits can be written; counters; floating-point state.  Privileged
 * Architecture 20240411 is "priv". */
#include "tests/unit.h"

#include <string.h>

#include "tests/cpu/riscv/asm.h"
#include "tests/cpu/riscv/rig.h"

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

#define COUNT(a) (unsigned)(sizeof(a) / sizeof((a)[0]))
static const unsigned privs[] = {PRIV_U, PRIV_S, PRIV_M};

/* The instruction raised an illegal instruction exception, tval and all. */
static void assert_illegal(struct rig *r, unsigned priv, uint32_t word)
{
    assert_false(rig_do(r, priv, word));
    assert_int_equal(r->last_cause, CAUSE_ILLEGAL);
    assert_int_equal(r->last_tval, word);
    assert_int_equal(r->last_epc, RIG_SCRATCH);
}

/* ------------------------------------------------ existence and privilege */

struct range {
    unsigned first, last;
};

/* priv 2.2, of what this hart has. */
static const struct range existing[] = {
    {0x001, 0x003}, {0x100, 0x100}, {0x104, 0x106}, {0x10a, 0x10a},
    {0x140, 0x144}, {0x14d, 0x14d}, {0x180, 0x180}, {0x300, 0x306},
    {0x30a, 0x30a}, {0x320, 0x320}, {0x323, 0x33f}, {0x340, 0x344},
    {0x3a0, 0x3a0}, {0x3a2, 0x3a2}, {0x3b0, 0x3bf}, {0x7a0, 0x7a3},
    {0xb00, 0xb00}, {0xb02, 0xb1f}, {0xc00, 0xc1f}, {0xda0, 0xda0},
    {0xf11, 0xf15},
};

static bool exists(unsigned csr)
{
    for (unsigned i = 0; i < COUNT(existing); i++)
        if (csr >= existing[i].first && csr <= existing[i].last)
            return true;
    return false;
}

/* Every number, from every privilege, read and written: priv 2.1. */
static void every_number(void **state)
{
    struct rig *r = *state;

    r->g->menvcfg = ENVCFG_STCE;
    for (unsigned csr = 0; csr < 0x1000; csr++)
        for (unsigned i = 0; i < COUNT(privs); i++) {
            bool may_read = exists(csr) && privs[i] >= (csr >> 8 & 3);
            bool may_write = may_read && csr >> 10 != 3;
            struct riscv_cpu saved = *r->g;

            r->g->fs = 3;
            assert_int_equal(rig_do(r, privs[i], asm_csrrs(6, csr, 0)),
                             may_read);
            assert_true(may_read || r->last_cause == CAUSE_ILLEGAL);
            r->g->fs = 3;
            r->g->x[5] = 0; /* set no bits: still a write */
            assert_int_equal(rig_do(r, privs[i], asm_csrrs(6, csr, 5)),
                             may_write);
            r->g->fs = 3;
            r->g->satp = 0;
            assert_int_equal(rig_do(r, privs[i], asm_csrrci(6, csr, 0)),
                             may_read);
            assert_int_equal(rig_do(r, privs[i], asm_csrrwi(0, csr, 0)),
                             may_write);
            /* Put the state back; the icount goes on. */
            memcpy(&r->g->x, &saved.x,
                   sizeof(saved) - offsetof(struct riscv_cpu, x));
            riscv_pmp_changed(r->g);
        }
}

/* csrrw, csrrs, csrrc and their immediates: what they read and leave. */
static void read_and_modify(void **state)
{
    struct rig *r = *state;
    static const struct {
        unsigned f3;
        uint64_t after; /* of 0xf0f0 with 0xff (or 0x1f) */
    } cases[] = {{1, 0xff}, {2, 0xf0ff}, {3, 0xf000},
                 {5, 0x1f}, {6, 0xf0ff}, {7, 0xf0e0}};

    for (unsigned i = 0; i < COUNT(cases); i++) {
        unsigned rs1 = cases[i].f3 >= 5 ? 0x1f : 5;

        rig_set_csr(r, CSR_MSCRATCH, 0xf0f0);
        r->g->x[5] = 0xff;
        assert_true(
            rig_do(r, PRIV_M, asm_i(CSR_MSCRATCH, rs1, cases[i].f3, 6, 0x73)));
        assert_int_equal(r->g->x[6], 0xf0f0);
        assert_int_equal(rig_get_csr(r, CSR_MSCRATCH), cases[i].after);
        /* rd and rs1 may be one register */
        rig_set_csr(r, CSR_MSCRATCH, 0xf0f0);
        r->g->x[6] = 0xff;
        assert_true(rig_do(
            r, PRIV_M,
            asm_i(CSR_MSCRATCH, rs1 == 5 ? 6 : rs1, cases[i].f3, 6, 0x73)));
        assert_int_equal(r->g->x[6], 0xf0f0);
        assert_int_equal(rig_get_csr(r, CSR_MSCRATCH), cases[i].after);
    }
}

/* ------------------------------------------------------------------ WARL */

/* What a register reads as after all ones, then all zeros, were written. */
static void writable_bits(void **state)
{
    struct rig *r = *state;
    static const struct {
        unsigned csr;
        uint64_t ones, zeros;
    } cases[] = {
        {CSR_FFLAGS, 0x1f, 0},
        {CSR_FRM, 7, 0},
        {CSR_FCSR, 0xff, 0},
        {CSR_SSCRATCH, UINT64_MAX, 0},
        {CSR_MSCRATCH, UINT64_MAX, 0},
        {CSR_SEPC, UINT64_MAX - 1, 0}, /* priv 4.1.7: IALIGN is 16 */
        {CSR_MEPC, UINT64_MAX - 1, 0},
        {CSR_SCAUSE, UINT64_MAX, 0},
        {CSR_STVAL, UINT64_MAX, 0},
        {CSR_MTVAL, UINT64_MAX, 0},
        {CSR_MIDELEG, 0x2222, 0},
        {CSR_MIE, 0x2aaa, 0},
        {CSR_MIP, 0x2222, 0},     /* the others are wires: priv 3.1.9 */
        {CSR_MEDELEG, 0xb3ff, 0}, /* not 11: an M-mode call, priv 3.1.8 */
        {CSR_MCOUNTEREN, 0xffffffff, 0},
        {CSR_SCOUNTEREN, 0xffffffff, 0},
        {CSR_MCOUNTINHIBIT, 0xfffffffd, 0}, /* TM is none, 3.1.12 */
        {CSR_SENVCFG, 0xf1, 0}, /* CBZE, CBCFE, CBIE, FIOM */
        {CSR_MENVCFG, (uint64_t)7 << 61 | 0xf1, 0}, /* STCE, PBMTE, ADUE */
        {CSR_STIMECMP, UINT64_MAX, 0},
        {CSR_PMPADDR0 + 3, ((uint64_t)1 << 54) - 1, 0}, /* priv 3.7.1 */
        {0x323, (uint64_t)0xf << 60, 0}, /* there is no such event */
        {0x33f, (uint64_t)0xf << 60, 0},
        {0xb03, UINT64_MAX, 0},
        {0xb1f, UINT64_MAX, 0},
        {0x7a0, 0, 0},
    };

    r->g->fs = 3;
    for (unsigned i = 0; i < COUNT(cases); i++) {
        rig_set_csr(r, cases[i].csr, UINT64_MAX);
        assert_int_equal(rig_get_csr(r, cases[i].csr), cases[i].ones);
        rig_set_csr(r, cases[i].csr, 0);
        assert_int_equal(rig_get_csr(r, cases[i].csr), cases[i].zeros);
    }
}

/* priv 3.1.6: fields of mstatus, and what of it sstatus shows (4.1.1). */
static void status(void **state)
{
    struct rig *r = *state;
    const uint64_t fixed = MSTATUS_UXL / 3 * 2 | MSTATUS_SXL / 3 * 2;
    const uint64_t s_bits = MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP |
                            MSTATUS_FS | MSTATUS_SUM | MSTATUS_MXR;
    const uint64_t m_bits = s_bits | MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPP |
                            MSTATUS_MPRV | MSTATUS_TVM | MSTATUS_TW |
                            MSTATUS_TSR;

    rig_set_csr(r, CSR_MSTATUS, 0);
    assert_int_equal(rig_get_csr(r, CSR_MSTATUS), fixed);
    rig_set_csr(r, CSR_MSTATUS, UINT64_MAX);
    assert_int_equal(rig_get_csr(r, CSR_MSTATUS), m_bits | fixed | MSTATUS_SD);
    assert_int_equal(rig_get_csr(r, CSR_SSTATUS),
                     s_bits | MSTATUS_UXL / 3 * 2 | MSTATUS_SD);
    rig_set_csr(r, CSR_SSTATUS, 0);
    assert_int_equal(rig_get_csr(r, CSR_MSTATUS), (m_bits & ~s_bits) | fixed);
    /* MPP is WARL: 2 is no privilege. */
    rig_set_csr(r, CSR_MSTATUS, (uint64_t)PRIV_S << 11);
    rig_set_csr(r, CSR_MSTATUS, (uint64_t)2 << 11);
    assert_int_equal(rig_get_csr(r, CSR_MSTATUS) & MSTATUS_MPP,
                     (uint64_t)PRIV_S << 11);
    /* SD says that FS is dirty, and nothing less: priv 3.1.6.6. */
    for (uint64_t fs = 0; fs < 4; fs++) {
        rig_set_csr(r, CSR_MSTATUS, fs << 13);
        assert_int_equal(rig_get_csr(r, CSR_MSTATUS) & MSTATUS_SD,
                         fs == 3 ? MSTATUS_SD : 0);
    }
}

/* priv 3.1.1, 3.1.2 to 3.1.5: what the hart says of itself. */
static void identity(void **state)
{
    struct rig *r = *state;
    const uint64_t misa =
        (uint64_t)2 << 62 | 1u << ('I' - 'A') | 1u << ('M' - 'A') |
        1u << ('A' - 'A') | 1u << ('F' - 'A') | 1u << ('D' - 'A') |
        1u << ('C' - 'A') | 1u << ('S' - 'A') | 1u << ('U' - 'A');

    rig_set_csr(r, CSR_MISA, 0);
    assert_int_equal(rig_get_csr(r, CSR_MISA), misa);
    assert_int_equal(rig_get_csr(r, CSR_MHARTID), 0);
    assert_int_equal(rig_get_csr(r, CSR_MVENDORID), 0);
    assert_int_equal(rig_get_csr(r, CSR_MARCHID), 0);
    assert_int_equal(rig_get_csr(r, CSR_MIMPID), 0);
    assert_int_equal(rig_get_csr(r, CSR_MCONFIGPTR), 0);
}

/* priv 3.1.7: modes 2 and 3 are reserved; 4.1.11: satp's modes are 0, 8, 9
 * and 10 here, and a write of another has no effect at all. */
static void modes(void **state)
{
    struct rig *r = *state;
    static const unsigned vectors[] = {CSR_MTVEC, CSR_STVEC};

    for (unsigned i = 0; i < 2; i++) {
        uint64_t old = rig_get_csr(r, vectors[i]), v;

        rig_set_csr(r, vectors[i], 0x80010001);
        assert_int_equal(rig_get_csr(r, vectors[i]), 0x80010001);
        rig_set_csr(r, vectors[i], 0x80020000);
        assert_int_equal(rig_get_csr(r, vectors[i]), 0x80020000);
        rig_set_csr(r, vectors[i], 0x80030002);
        v = rig_get_csr(r, vectors[i]);
        assert_true((v & 3) <= 1);
        rig_set_csr(r, vectors[i], old);
    }
    rig_set_csr(r, CSR_SATP, (uint64_t)8 << 60 | (uint64_t)0xffff << 44 | 5);
    for (uint64_t mode = 0; mode < 16; mode++) {
        if (mode == 0 || (mode >= 8 && mode <= 10))
            continue;
        rig_set_csr(r, CSR_SATP, mode << 60 | 7);
        assert_int_equal(rig_get_csr(r, CSR_SATP),
                         (uint64_t)8 << 60 | (uint64_t)0xffff << 44 | 5);
    }
    rig_set_csr(r, CSR_SATP, 0);
    assert_int_equal(rig_get_csr(r, CSR_SATP), 0);
}

/* sip and sie are mip and mie behind mideleg: priv 4.1.3. */
static void supervisor_views(void **state)
{
    struct rig *r = *state;

    rig_set_csr(r, CSR_MIP, 0x222);
    rig_set_csr(r, CSR_MIE, 0xaaa);
    rig_set_csr(r, CSR_MIDELEG, 0x022);
    assert_int_equal(rig_get_csr(r, CSR_SIP), 0x022);
    assert_int_equal(rig_get_csr(r, CSR_SIE), 0x022);
    rig_set_csr(r, CSR_SIE, 0);
    assert_int_equal(rig_get_csr(r, CSR_MIE), 0xa88);
    rig_set_csr(r, CSR_SIE, UINT64_MAX);
    assert_int_equal(rig_get_csr(r, CSR_MIE), 0xaaa);
    /* Of sip, SSIP alone is S mode's to write. */
    rig_set_csr(r, CSR_SIP, 0);
    assert_int_equal(rig_get_csr(r, CSR_MIP), 0x220);
    rig_set_csr(r, CSR_MIP, 0);
    rig_set_csr(r, CSR_SIP, UINT64_MAX);
    assert_int_equal(rig_get_csr(r, CSR_MIP), 0x002);
    rig_set_csr(r, CSR_MIDELEG, 0);
    rig_set_csr(r, CSR_SIP, 0);
    assert_int_equal(rig_get_csr(r, CSR_MIP), 0x002);
}

/* priv 3.1.9: reads of SEIP show software's bit or the wire; what csrrs and
 * csrrc write back is software's alone. */
static void external_interrupt_bit(void **state)
{
    struct rig *r = *state;
    const uint64_t bit = MIP_BIT(IRQ_SEI);

    riscv_input(r->cpu, IRQ_SEI, true);
    assert_int_equal(rig_get_csr(r, CSR_MIP), bit);
    r->g->x[5] = MIP_BIT(IRQ_SSI);
    assert_true(rig_do(r, PRIV_M, asm_csrrs(6, CSR_MIP, 5)));
    assert_int_equal(r->g->x[6], bit);
    riscv_input(r->cpu, IRQ_SEI, false);
    assert_int_equal(rig_get_csr(r, CSR_MIP), MIP_BIT(IRQ_SSI));
    rig_set_csr(r, CSR_MIP, 0);
    /* What is read is from before the write. */
    r->g->x[5] = bit;
    assert_true(rig_do(r, PRIV_M, asm_csrrs(6, CSR_MIP, 5)));
    assert_int_equal(r->g->x[6], 0);
    assert_true(rig_do(r, PRIV_M, asm_csrrc(6, CSR_MIP, 5)));
    assert_int_equal(r->g->x[6], bit);
    assert_int_equal(rig_get_csr(r, CSR_MIP), 0);
}

/* priv 3.1.9 with Sstc: while menvcfg.STCE is set, STIP is the comparator's
 * alone; what M mode wrote before does not count. */
static void timer_interrupt_bit(void **state)
{
    struct rig *r = *state;
    const uint64_t bit = MIP_BIT(IRQ_STI);

    rig_set_csr(r, CSR_MIP, bit);
    assert_int_equal(rig_get_csr(r, CSR_MIP), bit);
    rig_set_csr(r, CSR_STIMECMP, UINT64_MAX);
    rig_set_csr(r, CSR_MENVCFG, ENVCFG_STCE);
    assert_int_equal(rig_get_csr(r, CSR_MIP), 0);
    r->g->mie = r->g->mideleg = bit;
    assert_true(rig_do(r, PRIV_U, ASM_NOP));
    assert_int_equal(r->interrupts, 0);
    rig_set_csr(r, CSR_MIP, bit);
    assert_int_equal(rig_get_csr(r, CSR_MIP), 0);
    rig_set_csr(r, CSR_STIMECMP, 0);
    assert_int_equal(rig_get_csr(r, CSR_MIP), bit);
    rig_set_csr(r, CSR_MIP, 0);
    assert_int_equal(rig_get_csr(r, CSR_MIP), bit);
    rig_do(r, PRIV_U, ASM_NOP);
    assert_int_equal(r->interrupts, 1);
    assert_int_equal(r->g->scause, (uint64_t)1 << 63 | IRQ_STI);
    /* Who may touch stimecmp: priv, Sstc 2.2. */
    for (unsigned bits = 0; bits < 4; bits++) {
        r->g->mie = 0;
        rig_set_csr(r, CSR_MENVCFG, bits & 1 ? ENVCFG_STCE : 0);
        rig_set_csr(r, CSR_MCOUNTEREN, bits & 2 ? 2 : ~UINT64_C(2));
        assert_int_equal(rig_do(r, PRIV_S, asm_csrrs(6, CSR_STIMECMP, 0)),
                         bits == 3);
        assert_true(rig_do(r, PRIV_M, asm_csrrs(6, CSR_STIMECMP, 0)));
        assert_illegal(r, PRIV_U, asm_csrrs(6, CSR_STIMECMP, 0));
    }
}

/* ---------------------------------------------------------------- traps */

/* priv 3.1.6.5: TVM, TW and TSR trap S mode, and S mode only. */
static void virtualization_traps(void **state)
{
    struct rig *r = *state;
    const struct {
        uint64_t bit;
        uint32_t word;
    } cases[] = {
        {MSTATUS_TVM, asm_csrrs(6, CSR_SATP, 0)},
        {MSTATUS_TVM, asm_csrrw(0, CSR_SATP, 0)},
        {MSTATUS_TVM, asm_sfence_vma(0, 0)},
        {MSTATUS_TW, ASM_WFI},
        {MSTATUS_TSR, ASM_SRET},
    };

    r->g->sepc = RIG_S_TRAP;
    /* So that WFI ends; S and M mode do not take it. */
    r->g->mip_soft = r->g->mideleg = MIP_BIT(IRQ_SSI);
    for (unsigned i = 0; i < COUNT(cases); i++) {
        r->g->mie = MIP_BIT(IRQ_SSI);
        rig_set_csr(r, CSR_MSTATUS, MSTATUS_SPP);
        assert_true(rig_do(r, PRIV_S, cases[i].word));
        rig_set_csr(r, CSR_MSTATUS, cases[i].bit | MSTATUS_SPP);
        assert_illegal(r, PRIV_S, cases[i].word);
        rig_set_csr(r, CSR_MSTATUS, cases[i].bit | MSTATUS_SPP);
        assert_true(rig_do(r, PRIV_M, cases[i].word));
        rig_set_csr(r, CSR_MSTATUS, 0);
        r->g->mie = 0;
        assert_illegal(r, PRIV_U, cases[i].word);
    }
    assert_illegal(r, PRIV_S, ASM_MRET);
    assert_illegal(r, PRIV_U, ASM_MRET);
}

/* -------------------------------------------------------------- counters */

/* priv 3.1.11, 4.1.5: who sees which counter. */
static void counter_enables(void **state)
{
    struct rig *r = *state;

    for (unsigned n = 0; n < 32; n++)
        for (unsigned bits = 0; bits < 4; bits++) {
            bool m = bits & 1, s = bits & 2;

            r->g->mcounteren = m ? 1u << n : ~(1u << n);
            r->g->scounteren = s ? 1u << n : ~(1u << n);
            assert_true(rig_do(r, PRIV_M, asm_csrrs(6, 0xc00 + n, 0)));
            assert_int_equal(rig_do(r, PRIV_S, asm_csrrs(6, 0xc00 + n, 0)), m);
            assert_int_equal(rig_do(r, PRIV_U, asm_csrrs(6, 0xc00 + n, 0)),
                             m && s);
        }
}

/* priv 3.1.10: instret counts what retires; a write counts from the next
 * instruction on, which reads the value written. */
static void instructions_retired(void **state)
{
    struct rig *r = *state;
    const uint32_t code[] = {asm_csrrw(0, CSR_MINSTRET, 5),
                             asm_csrrs(6, CSR_MINSTRET, 0),
                             ASM_NOP,
                             ASM_NOP,
                             asm_csrrs(7, CSR_INSTRET, 0),
                             ASM_ECALL};

    r->g->x[5] = 1000;
    rig_poke(r, RIG_RAM + 0x4000, code, 6);
    rig_enter(r, PRIV_M, RIG_RAM + 0x4000);
    rig_step(r, 5 + 1); /* and the loop at the vector once */
    assert_int_equal(r->g->x[6], 1000);
    assert_int_equal(r->g->x[7], 1003);
    /* an exception does not retire: 1004 after csrrs, ecall none, 1005 */
    assert_true(rig_do(r, PRIV_M, asm_csrrs(6, CSR_MINSTRET, 0)));
    assert_int_equal(r->g->x[6], 1005);
}

/* priv 3.1.12. */
static void counter_inhibit(void **state)
{
    struct rig *r = *state;

    for (unsigned n = 0; n < 4; n++) {
        uint64_t cycle, instret;

        rig_set_csr(r, CSR_MCOUNTINHIBIT, (n & 1) | (n & 2) << 1);
        cycle = rig_get_csr(r, CSR_MCYCLE);
        instret = rig_get_csr(r, CSR_MINSTRET);
        for (unsigned i = 0; i < 10; i++)
            rig_do(r, PRIV_M, ASM_NOP);
        assert_int_equal(rig_get_csr(r, CSR_MCYCLE), cycle + (n & 1 ? 0 : 12));
        assert_int_equal(rig_get_csr(r, CSR_MINSTRET),
                         instret + (n & 2 ? 0 : 12));
        /* writing works all the same */
        rig_set_csr(r, CSR_MCYCLE, 5);
        assert_int_equal(rig_get_csr(r, CSR_CYCLE), 5);
    }
}

static void time_is_the_platforms(void **state)
{
    struct rig *r = *state;

    rig_do(r, PRIV_M, ASM_NOP);
    for (unsigned i = 0; i < 100; i++) {
        uint64_t now = r->cpu->icount / 10;

        assert_int_equal(rig_get_csr(r, CSR_TIME), now);
    }
}

/* -------------------------------------------------------- floating point */

/* priv 3.1.6.6: with FS off, instructions and CSRs of F and D are illegal. */
static void float_off(void **state)
{
    struct rig *r = *state;
    const uint32_t words[] = {
        asm_fld(1, 0, 10),           asm_fsd(1, 0, 10),
        asm_fmv_d_x(1, 5),           asm_fadd_d(1, 2, 3),
        asm_csrrs(6, CSR_FFLAGS, 0), asm_csrrs(6, CSR_FRM, 0),
        asm_csrrw(0, CSR_FCSR, 0),   asm_i(0, 10, 2, 1, 0x07), /* flw */
        asm_s(0, 1, 10, 2, 0x27),                              /* fsw */
    };

    r->g->x[10] = RIG_RAM + 0x10000;
    for (unsigned i = 0; i < COUNT(words); i++)
        for (unsigned p = 0; p < COUNT(privs); p++) {
            rig_set_csr(r, CSR_MSTATUS, 0);
            assert_illegal(r, privs[p], words[i]);
            rig_set_csr(r, CSR_MSTATUS, (uint64_t)1 << 13);
            assert_true(rig_do(r, privs[p], words[i]));
        }
    /* c.fld f8, 0(x10) as well */
    rig_set_csr(r, CSR_MSTATUS, 0);
    assert_illegal(r, PRIV_M, 0x2100);
}

/* What writes f or fcsr makes FS dirty; reading does not. */
static void float_dirty(void **state)
{
    struct rig *r = *state;
    const struct {
        uint32_t word;
        bool dirties;
    } cases[] = {
        {asm_fld(1, 0, 10), true},
        {asm_fsd(1, 0, 10), false},
        {asm_fmv_d_x(1, 5), true},
        {asm_r(0x71, 0, 1, 0, 5, 0x53), false}, /* fmv.x.d */
        {asm_r(0x71, 0, 1, 1, 5, 0x53), false}, /* fclass.d */
        {asm_csrrs(6, CSR_FCSR, 0), false},
        {asm_csrrw(0, CSR_FCSR, 0), true},
        {asm_csrrwi(0, CSR_FRM, 1), true},
        {ASM_NOP, false},
    };

    r->g->x[10] = RIG_RAM + 0x10000;
    for (unsigned fs = 1; fs < 3; fs++)
        for (unsigned i = 0; i < COUNT(cases); i++) {
            uint64_t after;

            rig_set_csr(r, CSR_MSTATUS, (uint64_t)fs << 13);
            assert_true(rig_do(r, PRIV_U, cases[i].word));
            after = rig_get_csr(r, CSR_MSTATUS);
            assert_int_equal(after >> 13 & 3, cases[i].dirties ? 3 : fs);
            assert_int_equal(after >> 63, cases[i].dirties);
        }
}

/* frm above 4 is reserved: what rounds by it is illegal, all else works. */
static void reserved_rounding(void **state)
{
    struct rig *r = *state;

    rig_set_csr(r, CSR_MSTATUS, MSTATUS_FS);
    for (unsigned frm = 0; frm < 8; frm++) {
        rig_set_csr(r, CSR_FRM, frm);
        assert_int_equal(rig_get_csr(r, CSR_FRM), frm);
        assert_int_equal(rig_do(r, PRIV_U, asm_fadd_d(1, 2, 3)), frm < 5);
        assert_true(rig_do(r, PRIV_U, asm_fmv_d_x(1, 5)));
        /* its own rounding mode: rtz */
        assert_true(rig_do(r, PRIV_U, asm_r(0x01, 3, 2, 1, 1, 0x53)));
        assert_illegal(r, PRIV_U, asm_r(0x01, 3, 2, 5, 1, 0x53));
        assert_illegal(r, PRIV_U, asm_r(0x01, 3, 2, 6, 1, 0x53));
    }
}

/* fcsr is frm and fflags in one. */
static void float_status(void **state)
{
    struct rig *r = *state;

    rig_set_csr(r, CSR_MSTATUS, MSTATUS_FS);
    rig_set_csr(r, CSR_FCSR, 0xb5);
    assert_int_equal(rig_get_csr(r, CSR_FRM), 5);
    assert_int_equal(rig_get_csr(r, CSR_FFLAGS), 0x15);
    rig_set_csr(r, CSR_FRM, 1);
    rig_set_csr(r, CSR_FFLAGS, 2);
    assert_int_equal(rig_get_csr(r, CSR_FCSR), 0x22);
}

/* ------------------------------------------------------------------ model */

/* An extension that is switched off is gone: instructions, misa, CSRs. */
static void without_extensions(void **state)
{
    static const struct {
        const char *model;
        char letter;
        uint32_t word;
    } cases[] = {
        {"rv64,m=off", 'M', 0x02b50533},       /* mul */
        {"rv64,a=off", 'A', 0x00b5252f},       /* amoadd.w */
        {"rv64,d=off", 'D', 0x02b57553},       /* fadd.d */
        {"rv64,f=off,d=off", 'F', 0x00b57553}, /* fadd.s */
        {"rv64,zba=off", 0, 0x20b52533},       /* sh1add */
        {"rv64,zbb=off", 0, 0x0ab54533},       /* min */
        {"rv64,zbb=off", 0, 0x9d65},           /* c.sext.b */
        {"rv64,zbb=off,zbkb=off", 0, 0x40b57533}, /* andn */
        {"rv64,zbs=off", 0, 0x28b51533},       /* bset */
        {"rv64,zbc=off", 0, 0x0ab52533},       /* clmulr */
        {"rv64,zbc=off,zbkc=off", 0, 0x0ab51533}, /* clmul */
        {"rv64,zbkb=off", 0, 0x08b57533},      /* packh */
        {"rv64,zbkx=off", 0, 0x28b54533},      /* xperm8 */
        {"rv64,zicond=off", 0, 0x0eb55533},    /* czero.eqz */
        {"rv64,zicbom=off", 0, 0x0015200f},    /* cbo.clean */
        {"rv64,zicboz=off", 0, 0x0045200f},    /* cbo.zero */
        {"rv64,zawrs=off", 0, 0x01d00073},     /* wrs.sto */
        {"rv64,zcb=off", 0, 0x9d75},           /* c.not */
        {"rv64,zfh=off", 0, 0x04b57553},       /* fadd.h */
        {"rv64,zfh=off,zfhmin=off", 0, 0x00051507}, /* flh */
    };

    (void)state;
    for (unsigned i = 0; i < COUNT(cases); i++) {
        struct rig_config config = {.model = cases[i].model};
        struct rig *off = rig_new(&config), *on = rig_new(NULL);

        rig_prepare(off);
        rig_prepare(on);
        off->g->x[10] = on->g->x[10] = RIG_RAM + 0x10000;
        rig_set_csr(on, CSR_MSTATUS, MSTATUS_FS);
        rig_set_csr(off, CSR_MSTATUS, MSTATUS_FS);
        assert_true(rig_do(on, PRIV_M, cases[i].word));
        assert_illegal(off, PRIV_M, cases[i].word);
        if (cases[i].letter)
            assert_int_equal(
                rig_get_csr(off, CSR_MISA) >> (cases[i].letter - 'A') & 1, 0);
        rig_free(on);
        rig_free(off);
    }
}

/* One extension of several that have the row is enough; hints stay hints;
 * senvcfg has bits for what is there. */
static void with_one_extension(void **state)
{
    static const struct {
        const char *model;
        uint32_t word;
    } cases[] = {
        {"rv64,zbb=off", 0x40b57533},    /* andn */
        {"rv64,zbkb=off", 0x40b57533},
        {"rv64,zbkb=off", 0x0805453b},   /* zext.h, else packw */
        {"rv64,zbb=off", 0x0805453b},
        {"rv64,zbkc=off", 0x0ab51533},   /* clmul */
        {"rv64,zfhmin=off", 0x00051507}, /* flh */
        {"rv64,zicbop=off", 0x00056013}, /* prefetch.i, else ori */
        {"rv64,zihintpause=off", 0x0100000f},
        {"rv64,zihintntl=off", 0x00200033},
        {"rv64,zihintntl=off", 0x900a},
    };

    (void)state;
    for (unsigned i = 0; i < COUNT(cases); i++) {
        struct rig_config config = {.model = cases[i].model};
        struct rig *r = rig_new(&config);

        rig_prepare(r);
        r->g->x[10] = RIG_RAM + 0x10000;
        rig_set_csr(r, CSR_MSTATUS, MSTATUS_FS);
        assert_true(rig_do(r, PRIV_M, cases[i].word));
        rig_free(r);
    }
    for (unsigned i = 0; i < 4; i++) {
        static const char *const models[] = {
            "rv64", "rv64,zicbom=off", "rv64,zicboz=off",
            "rv64,zicbom=off,zicboz=off"};
        static const uint32_t ones[] = {0xf1, 0x81, 0x71, 0x01};
        struct rig_config config = {.model = models[i]};
        struct rig *r = rig_new(&config);

        rig_prepare(r);
        rig_set_csr(r, CSR_SENVCFG, UINT64_MAX);
        assert_int_equal(rig_get_csr(r, CSR_SENVCFG), ones[i]);
        /* CBIE 2 is reserved: it stays what it was. */
        rig_set_csr(r, CSR_SENVCFG, 0x21);
        assert_int_equal(rig_get_csr(r, CSR_SENVCFG), (ones[i] & 0x30) | 1);
        rig_free(r);
    }
}

/* Without C targets are multiples of 4, and addresses of code have no bit 1:
 * a jump elsewhere raises, and leaves its register alone. */
static void without_compressed(void **state)
{
    struct rig_config config = {.model = "rv64,c=off"};
    struct rig *r = rig_new(&config);

    (void)state;
    rig_prepare(r);
    assert_int_equal(rig_get_csr(r, CSR_MISA) >> ('C' - 'A') & 1, 0);
    assert_illegal(r, PRIV_M, 0x00000505); /* c.addi a0, 1 */
    rig_set_csr(r, CSR_MEPC, 0x1007);
    assert_int_equal(rig_get_csr(r, CSR_MEPC), 0x1004);
    r->g->x[1] = 7;
    assert_false(rig_do(r, PRIV_M, 0x006000ef)); /* jal ra, 6 */
    assert_int_equal(r->g->mcause, CAUSE_FETCH_MISALIGNED);
    assert_int_equal(r->g->mtval, r->g->mepc + 6);
    assert_int_equal(r->g->x[1], 7);
    rig_free(r);
}

/* What lacks something goes with it, but not if it was asked for. */
static void dependencies(void **state)
{
    static const struct {
        const char *model, *error;
    } cases[] = {
        {"rv64,f=off,d=on", "d needs f"},
        {"rv64,zicsr=off", "'zicsr' cannot be switched"},
        {"rv64,za64rs=off", "'za64rs' cannot be switched"},
        {"rv64,zbx=on", "unknown feature 'zbx', did you mean 'zba'?"},
        {"rv64,m=maybe", "'m=maybe' wants on or off"},
        {"rv32", "no such model"},
    };
    struct rig *r = *state, *off;
    struct rig_config config = {.model = "rva22s64,f=off"};
    struct error e;
    struct cpu *c;

    for (unsigned i = 0; i < COUNT(cases); i++) {
        struct cpu_config cpu = {.model = cases[i].model};

        assert_false(cpu_new(&c, &riscv64_class, &r->cpu->env, &cpu, &e));
        assert_string_equal(e.text, cases[i].error);
    }
    off = rig_new(&config);
    rig_prepare(off);
    assert_int_equal(rig_get_csr(off, CSR_MISA) & (1 << 5 | 1 << 3), 0);
    assert_null(strstr(off->cpu->class->isa_string(off->cpu), "sstc"));
    rig_free(off);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_number),
        TEST(read_and_modify),
        TEST(writable_bits),
        TEST(status),
        TEST(identity),
        TEST(modes),
        TEST(supervisor_views),
        TEST(external_interrupt_bit),
        TEST(timer_interrupt_bit),
        TEST(virtualization_traps),
        TEST(counter_enables),
        TEST(instructions_retired),
        TEST(counter_inhibit),
        TEST(time_is_the_platforms),
        TEST(float_off),
        TEST(float_dirty),
        TEST(reserved_rounding),
        TEST(float_status),
        TEST(without_extensions),
        TEST(with_one_extension),
        TEST(without_compressed),
        TEST(dependencies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
