/* Smaia and Ssaia: which CSRs there are, access to an IMSIC, priorities,
 * interrupt filtering and virtual interrupts.  "aia" is the RISC-V Advanced
 * Interrupt Architecture 1.0. */
#include "tests/unit.h"

#include <string.h>

#include "riscv64_rows.h"
#include "tests/cpu/riscv/asm.h"
#include "tests/cpu/riscv/rig.h"

enum {
    SISELECT = 0x150,
    SIREG = 0x151,
    STOPEI = 0x15c,
    STOPI = 0xdb0,
    MVIEN = 0x308,
    MVIP = 0x309,
    MISELECT = 0x350,
    MIREG = 0x351,
    MTOPEI = 0x35c,
    MTOPI = 0xfb0,
};
static const unsigned machine_csrs[] = {MVIEN, MVIP, MISELECT, MIREG, MTOPI};
static const unsigned supervisor_csrs[] = {SISELECT, SIREG, STOPI};

#define COUNT(a) (unsigned)(sizeof(a) / sizeof((a)[0]))
#define CODE (RIG_RAM + 0x4000)
#define LOCAL (UINT64_MAX << 13)
#define SSI MIP_BIT(IRQ_SSI)
#define STI MIP_BIT(IRQ_STI)
#define SEI MIP_BIT(IRQ_SEI)
#define MEI MIP_BIT(IRQ_MEI)

/* An IMSIC's files in place of a real one: registers that keep what is
 * written, and a top interrupt that the test sets. */
struct files {
    uint32_t reg[2][0x100];
    uint32_t top[2];
    unsigned claims[2];
};

static uint32_t read_file(void *owner, unsigned file, unsigned reg)
{
    struct files *f = owner;

    return reg ? f->reg[file][reg] : f->top[file] << 16 | f->top[file];
}

static void write_file(void *owner, unsigned file, unsigned reg, uint32_t value)
{
    struct files *f = owner;

    if (reg) {
        f->reg[file][reg] = value;
    } else {
        f->claims[file]++;
        f->top[file] = 0;
    }
}

static struct files files;

static struct rig *make(const char *model, bool imsic)
{
    struct rig_config config = {.model = model};
    struct rig *r = rig_new(&config);

    rig_prepare(r);
    memset(&files, 0, sizeof(files));
    for (unsigned i = 0; imsic && i < 2; i++)
        r->cpu->wires.msi[i] =
            (struct cpu_msi_file){read_file, write_file, &files, i};
    return r;
}

static int set_up(void **state)
{
    *state = make("rv64,smaia=on,ssaia=on", true);
    return 0;
}

static int tear_down(void **state)
{
    rig_free(*state);
    return 0;
}

static bool can_read(struct rig *r, unsigned priv, unsigned csr)
{
    bool ok = rig_do(r, priv, asm_csrrs(6, csr, 0));

    assert_true(ok || r->last_cause == CAUSE_ILLEGAL);
    return ok;
}

/* ------------------------------------------------------------- existence */

static void check_existence(const char *model, bool imsic, bool m, bool s)
{
    struct rig *r = make(model, imsic);

    r->g->miselect = r->g->siselect = 0x30;
    for (unsigned priv = PRIV_U; priv <= PRIV_M; priv += priv + 1) {
        for (unsigned i = 0; i < COUNT(machine_csrs); i++)
            assert_int_equal(can_read(r, priv, machine_csrs[i]),
                             m && priv == PRIV_M);
        for (unsigned i = 0; i < COUNT(supervisor_csrs); i++)
            assert_int_equal(can_read(r, priv, supervisor_csrs[i]),
                             s && priv >= PRIV_S);
        assert_int_equal(can_read(r, priv, MTOPEI),
                         m && imsic && priv == PRIV_M);
        assert_int_equal(can_read(r, priv, STOPEI),
                         s && imsic && priv >= PRIV_S);
    }
    rig_free(r);
}

static void existence(void **state)
{
    (void)state;
    check_existence("rv64", false, false, false);
    check_existence("rv64", true, false, false);
    check_existence("rv64,smaia=on", true, true, false);
    check_existence("rv64,ssaia=on", true, false, true);
    check_existence("rv64,smaia=on,ssaia=on", false, true, true);
    check_existence("rv64,smaia=on,ssaia=on", true, true, true);
}

static void isa_strings(void **state)
{
    struct rig *r = make("rv64,smaia=on,ssaia=on", false);
    struct rig *none = make("rv64", false);

    (void)state;
    assert_non_null(strstr(r->cls.isa_string(r->cpu), "_smaia_ssaia_"));
    assert_null(strstr(none->cls.isa_string(none->cpu), "aia"));
    rig_free(r);
    rig_free(none);
}

/* What mireg and sireg are, for every select, aia 2.1 and 3.8. */
static bool ireg_there(unsigned select, bool imsic)
{
    if (select >= 0x30 && select <= 0x3f)
        return select % 2 == 0;
    if (!imsic || select < 0x70 || select > 0xff)
        return false;
    return select < 0x80 || select % 2 == 0;
}

static void selects(void **state)
{
    (void)state;
    for (unsigned imsic = 0; imsic < 2; imsic++) {
        struct rig *r = make("rv64,smaia=on,ssaia=on", imsic);

        for (unsigned select = 0; select < 0x200; select++) {
            rig_set_csr(r, MISELECT, select);
            rig_set_csr(r, SISELECT, select);
            assert_int_equal(rig_get_csr(r, MISELECT), select & 0xff);
            assert_int_equal(rig_get_csr(r, SISELECT), select);
            assert_int_equal(can_read(r, PRIV_M, MIREG),
                             ireg_there(select & 0xff, imsic));
            assert_int_equal(can_read(r, PRIV_S, SIREG),
                             ireg_there(select, imsic));
        }
        rig_free(r);
    }
}

/* -------------------------------------------------------------- the IMSIC */

static void registers(void **state)
{
    struct rig *r = *state;

    for (unsigned s = 0; s < 2; s++) {
        unsigned select = s ? SISELECT : MISELECT, reg = s ? SIREG : MIREG;

        rig_set_csr(r, select, 0x70);
        rig_set_csr(r, reg, 1);
        assert_int_equal(files.reg[s][0x70], 1);
        rig_set_csr(r, reg, UINT64_C(0x100000000)); /* no legal value */
        assert_int_equal(files.reg[s][0x70], 1);
        rig_set_csr(r, select, 0x72);
        rig_set_csr(r, reg, 77);
        assert_int_equal(rig_get_csr(r, reg), 77);
        /* Two words of an array at a time. */
        rig_set_csr(r, select, 0x82);
        rig_set_csr(r, reg, UINT64_C(0x1122334455667788));
        assert_int_equal(files.reg[s][0x82], 0x55667788);
        assert_int_equal(files.reg[s][0x83], 0x11223344);
        r->g->x[5] = UINT64_C(0x8000000000000001);
        assert_true(rig_do(r, PRIV_M, asm_csrrs(6, reg, 5)));
        assert_true(r->g->x[6] == UINT64_C(0x1122334455667788));
        assert_int_equal(files.reg[s][0x82], 0x55667789);
        assert_int_equal(files.reg[s][0x83], 0x91223344);
        rig_set_csr(r, select, 0xfe);
        rig_set_csr(r, reg, UINT64_C(0xaaaaaaaabbbbbbbb));
        assert_int_equal(files.reg[s][0xfe], 0xbbbbbbbb);
        assert_int_equal(files.reg[s][0xff], 0xaaaaaaaa);
        assert_int_equal(files.reg[!s][0x82], s ? 0x55667789 : 0);
    }
}

/* A read claims nothing, a write claims whatever it writes, and both at once
 * tell what was claimed. */
static void topei(void **state)
{
    struct rig *r = *state;

    for (unsigned s = 0; s < 2; s++) {
        unsigned csr = s ? STOPEI : MTOPEI, priv = s ? PRIV_S : PRIV_M;

        files.top[s] = 42;
        assert_true(can_read(r, priv, csr));
        assert_int_equal(r->g->x[6], 42 << 16 | 42);
        assert_int_equal(files.claims[s], 0);
        assert_true(rig_do(r, priv, asm_csrrw(6, csr, 0)));
        assert_int_equal(r->g->x[6], 42 << 16 | 42);
        assert_int_equal(files.claims[s], 1);
        files.top[s] = 9;
        r->g->x[5] = UINT64_MAX;
        assert_true(rig_do(r, priv, asm_csrrs(6, csr, 5)));
        assert_int_equal(files.claims[s], 2);
        assert_int_equal(files.claims[!s], s ? 2 : 0);
    }
}

/* S mode may not see its file while SEI is virtual, aia 5.3. */
static void kept_away(void **state)
{
    struct rig *r = *state;

    rig_set_csr(r, MVIEN, SEI);
    assert_false(can_read(r, PRIV_S, STOPEI));
    assert_true(can_read(r, PRIV_M, STOPEI));
    rig_set_csr(r, SISELECT, 0x80);
    assert_false(can_read(r, PRIV_S, SIREG));
    assert_true(can_read(r, PRIV_M, SIREG));
    rig_set_csr(r, SISELECT, 0x30);
    assert_true(can_read(r, PRIV_S, SIREG));
    rig_set_csr(r, MVIEN, ~SEI);
    assert_true(can_read(r, PRIV_S, STOPEI));
}

/* ------------------------------------------------------ virtual interrupts */

static void mvien_bits(void **state)
{
    struct rig *r = *state;

    rig_set_csr(r, MVIEN, UINT64_MAX);
    assert_true(rig_get_csr(r, MVIEN) == (LOCAL | SSI | SEI));
    rig_set_csr(r, MVIP, UINT64_MAX);
    assert_true(rig_get_csr(r, MVIP) == (LOCAL | SSI | STI | SEI));
    rig_set_csr(r, MVIP, 0);
    assert_int_equal(rig_get_csr(r, MVIP), 0);
}

/* The table of aia 5.3: what sip and sie show of each interrupt. */
static void filtering(void **state)
{
    struct rig *r = *state;
    struct prng p = {31};

    r->g->menvcfg = 0;
    for (unsigned n = 0; n < 3000; n++) {
        uint64_t deleg, vien, want, old;

        rig_set_csr(r, CSR_MIDELEG, prng_next(&p));
        rig_set_csr(r, MVIEN, prng_next(&p));
        deleg = rig_get_csr(r, CSR_MIDELEG);
        vien = rig_get_csr(r, MVIEN) & ~deleg;
        rig_set_csr(r, CSR_MIP, prng_next(&p));
        rig_set_csr(r, CSR_MIE, prng_next(&p));
        rig_set_csr(r, MVIP, prng_next(&p));
        want = (rig_get_csr(r, CSR_MIP) & deleg) |
               (rig_get_csr(r, MVIP) & vien);
        assert_true(rig_get_csr(r, CSR_SIP) == want);
        /* sie: an alias of mie, or its own. */
        old = rig_get_csr(r, CSR_MIE);
        want = prng_next(&p) & (deleg | vien);
        rig_set_csr(r, CSR_SIE, want | ~(deleg | vien));
        assert_true(rig_get_csr(r, CSR_SIE) == want);
        assert_true(rig_get_csr(r, CSR_MIE) ==
                    ((old & ~deleg) | (want & deleg)));
        /* sip: SSI and the local ones can be written. */
        old = rig_get_csr(r, CSR_SIP);
        want = prng_next(&p);
        rig_set_csr(r, CSR_SIP, want);
        assert_true(((rig_get_csr(r, CSR_SIP) ^ want) & (deleg | vien) &
                     (SSI | LOCAL)) == 0);
        assert_true(((rig_get_csr(r, CSR_SIP) ^ old) & (STI | SEI)) == 0);
    }
}

/* Which bits of mvip are aliases of mip's, and when. */
static void aliases(void **state)
{
    struct rig *r = *state;

    r->g->menvcfg = 0;
    rig_set_csr(r, MVIEN, 0);
    rig_set_csr(r, MVIP, SSI | STI | SEI);
    assert_int_equal(rig_get_csr(r, CSR_MIP) & (SSI | STI | SEI),
                     SSI | STI | SEI);
    rig_set_csr(r, CSR_MIP, 0);
    assert_int_equal(rig_get_csr(r, MVIP), 0);
    /* SSI and SEI of their own. */
    rig_set_csr(r, MVIEN, SSI | SEI);
    rig_set_csr(r, MVIP, SSI | SEI);
    assert_int_equal(rig_get_csr(r, CSR_MIP) & (SSI | SEI), 0);
    rig_set_csr(r, CSR_MIP, SSI | SEI);
    assert_int_equal(rig_get_csr(r, CSR_MIP) & (SSI | SEI), SSI);
    rig_set_csr(r, MVIP, 0);
    assert_int_equal(rig_get_csr(r, CSR_MIP) & SSI, SSI);
    assert_int_equal(rig_get_csr(r, MVIP), 0);
    /* mip.SEIP is then the controller's alone. */
    riscv_input(r->cpu, IRQ_SEI, true);
    assert_int_equal(rig_get_csr(r, CSR_MIP) & SEI, SEI);
    rig_set_csr(r, CSR_MIP, 0);
    assert_int_equal(rig_get_csr(r, CSR_MIP) & SEI, SEI);
    riscv_input(r->cpu, IRQ_SEI, false);
    /* STI is not there while it is the comparator's. */
    rig_set_csr(r, MVIP, STI);
    assert_int_equal(rig_get_csr(r, CSR_MIP) & STI, STI);
    rig_set_csr(r, CSR_STIMECMP, UINT64_MAX);
    rig_set_csr(r, CSR_MENVCFG, ENVCFG_STCE);
    rig_set_csr(r, MVIP, STI);
    assert_int_equal(rig_get_csr(r, MVIP) & STI, 0);
    assert_int_equal(rig_get_csr(r, CSR_MIP) & STI, 0);
}

/* An interrupt of M mode's making reaches S mode, and never M mode. */
static void virtual_interrupt(void **state)
{
    struct rig *r = *state;

    for (unsigned irq = 13; irq < 64; irq++) {
        rig_set_csr(r, CSR_MIDELEG, 0);
        rig_set_csr(r, MVIEN, MIP_BIT(irq));
        rig_set_csr(r, CSR_SIE, MIP_BIT(irq));
        rig_set_csr(r, MVIP, MIP_BIT(irq));
        r->g->mstatus = MSTATUS_MIE;
        rig_enter(r, PRIV_M, CODE);
        assert_true(r->cls.wakes(r->cpu));
        assert_false(r->cls.interrupt(r->cpu));
        r->g->mstatus = 0;
        rig_enter(r, PRIV_S, CODE);
        assert_false(r->cls.interrupt(r->cpu));
        r->g->mstatus = MSTATUS_SIE;
        assert_true(r->cls.interrupt(r->cpu));
        assert_true(r->g->scause == (UINT64_C(1) << 63 | irq));
        assert_int_equal(r->g->priv, PRIV_S);
        assert_int_equal(rig_get_csr(r, STOPI) >> 16, irq);
        assert_int_equal(rig_get_csr(r, MTOPI), 0);
        rig_set_csr(r, MVIP, 0);
        assert_false(r->cls.wakes(r->cpu));
    }
}

/* A pulse of SSWI sets SSIP, which software clears; ACLINT 1.0, 4.2. */
static void software_interrupt(void **state)
{
    struct rig *r = *state;

    rig_set_csr(r, CSR_MIDELEG, SSI);
    for (unsigned s = 0; s < 2; s++) {
        unsigned csr = s ? CSR_SIP : CSR_MIP;

        riscv_input(r->cpu, IRQ_SSI, true);
        riscv_input(r->cpu, IRQ_SSI, false);
        assert_int_equal(rig_get_csr(r, CSR_SIP), SSI);
        r->g->x[5] = STI;
        assert_true(rig_do(r, PRIV_M, asm_csrrs(6, csr, 5)));
        assert_int_equal(rig_get_csr(r, CSR_SIP) & SSI, SSI);
        r->g->x[5] = SSI;
        assert_true(rig_do(r, PRIV_M, asm_csrrc(6, csr, 5)));
        assert_int_equal(r->g->x[6] & SSI, SSI);
        assert_int_equal(rig_get_csr(r, CSR_SIP), 0);
    }
    riscv_input(r->cpu, IRQ_SSI, true);
    riscv_input(r->cpu, IRQ_SSI, false);
    cpu_reset(r->cpu);
    assert_int_equal(riscv_mip(r->g) & SSI, 0);
}

/* -------------------------------------------------------------- priorities */

/* Bytes of iprio that are there: 1, 3, 5, 7, 9 and 13 at machine level, all
 * that sie can have at supervisor level but 9. */
static void iprio_bytes(void **state)
{
    struct rig *r = *state;

    for (unsigned s = 0; s < 2; s++)
        for (unsigned irq = 0; irq < 64; irq++) {
            unsigned reg = s ? SIREG : MIREG;
            bool there = s ? irq == 1 || irq == 5 || irq >= 13
                           : irq < 11 ? irq % 2 : irq == 13;
            uint64_t v;

            rig_set_csr(r, s ? SISELECT : MISELECT, 0x30 + irq / 8 * 2);
            rig_set_csr(r, reg, UINT64_MAX);
            v = rig_get_csr(r, reg);
            assert_int_equal(v >> irq % 8 * 8 & 0xff, there ? 0xff : 0);
            rig_set_csr(r, reg, 0);
        }
    /* Without an IMSIC, none. */
    memset(r->cpu->wires.msi, 0, sizeof(r->cpu->wires.msi));
    rig_set_csr(r, MISELECT, 0x30);
    rig_set_csr(r, MIREG, UINT64_MAX);
    assert_int_equal(rig_get_csr(r, MIREG), 0);
}

/* aia 5.1, with the custom ones behind. */
static const uint8_t order[] = {
    47, 23, 46, 45, 22, 44, 43, 21, 42, 41, 20, 40, 11, 3,  7,  9,
    1,  5,  12, 10, 2,  6,  13, 39, 19, 38, 37, 18, 36, 35, 17, 34,
    33, 16, 32, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31, 48, 49, 50,
    51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
};

static unsigned place(unsigned irq)
{
    unsigned n = 0;

    while (order[n] != irq)
        n++;
    return n;
}

/*
 * The table of aia 5.2.1 and 5.4.1 walked from its top: who comes first, and
 * what *topi says of it.
 */
static uint64_t expected(uint64_t bits, const uint8_t *iprio, unsigned top,
                         unsigned external)
{
    unsigned number = top ? top : 256;

    for (unsigned i = 0; i < place(external); i++)
        if ((bits >> order[i] & 1) && !iprio[order[i]])
            return (uint64_t)order[i] << 16;
    for (unsigned row = 1; row < 2048; row++)
        for (unsigned i = 0; i < COUNT(order); i++) {
            unsigned irq = order[i];
            unsigned its = irq == external ? number : iprio[irq];

            if ((bits >> irq & 1) && its == row)
                return (uint64_t)irq << 16 | (row > 255 ? 255 : row);
        }
    for (unsigned i = place(external) + 1; i < COUNT(order); i++)
        if (bits >> order[i] & 1)
            return (uint64_t)order[i] << 16 | 255;
    return 0;
}

static void random_priorities(struct prng *p, uint8_t *iprio, uint64_t there)
{
    for (unsigned i = 0; i < 64; i++)
        iprio[i] = there >> i & 1 && prng_below(p, 3)
                       ? (uint8_t)(prng_next(p) & (prng_below(p, 2) ? 3 : 255))
                       : 0;
}

/* mtopi and stopi, and that the trap agrees with them. */
static void priorities(void **state)
{
    struct rig *r = *state;
    struct prng p = {77};

    for (unsigned n = 0; n < 20000; n++) {
        uint64_t pending = prng_next(&p) & 0x2aaa, deleg, m, s, want;
        uint64_t virtual = prng_next(&p) & prng_next(&p) & LOCAL;

        files.top[0] = (uint32_t)prng_below(&p, 4) * prng_below(&p, 170);
        files.top[1] = (uint32_t)prng_below(&p, 4) * prng_below(&p, 170);
        random_priorities(&p, r->g->miprio, 0x22aa);
        random_priorities(&p, r->g->siprio, LOCAL | SSI | STI);
        deleg = prng_next(&p) & 0x2222;
        r->g->mideleg = deleg;
        r->g->mvien = virtual;
        r->g->mvip = virtual;
        r->g->vsie = prng_next(&p);
        r->g->mie = prng_next(&p) & 0x2aaa;
        r->g->mip_soft = pending & 0x2022;
        atomic_store(&r->g->lines, pending & 0x0a88);
        m = pending & r->g->mie & ~deleg;
        s = (pending & r->g->mie & deleg) | (virtual & r->g->vsie & ~deleg);
        want = expected(m, r->g->miprio, files.top[0], IRQ_MEI);
        assert_true(rig_get_csr(r, MTOPI) == want);
        r->g->mstatus = MSTATUS_SIE;
        rig_enter(r, PRIV_S, CODE);
        assert_int_equal(r->cls.interrupt(r->cpu), m || s);
        if (m)
            assert_true(r->g->mcause == (UINT64_C(1) << 63 | want >> 16));
        want = expected(s, r->g->siprio, files.top[1], IRQ_SEI);
        assert_true(rig_get_csr(r, STOPI) == want);
        if (!m && s)
            assert_true(r->g->scause == (UINT64_C(1) << 63 | want >> 16));
    }
}

/* Where no priorities can be set, the number is always 1, aia 5.2.2. */
static void without_priorities(void **state)
{
    struct rig *r = *state;

    memset(r->cpu->wires.msi, 0, sizeof(r->cpu->wires.msi));
    r->g->mie = 0xaaa;
    atomic_store(&r->g->lines, MEI | MIP_BIT(IRQ_MTI));
    assert_int_equal(rig_get_csr(r, MTOPI), IRQ_MEI << 16 | 1);
    assert_int_equal(rig_get_csr(r, STOPI), 0);
    atomic_store(&r->g->lines, MIP_BIT(IRQ_MTI));
    assert_int_equal(rig_get_csr(r, MTOPI), IRQ_MTI << 16 | 1);
    r->g->mideleg = SEI;
    atomic_store(&r->g->lines, SEI);
    assert_int_equal(rig_get_csr(r, MTOPI), 0);
    assert_int_equal(rig_get_csr(r, STOPI), IRQ_SEI << 16 | 1);
}

/* ------------------------------------------------------------------- RV32 */

static void set32(struct rig *r, unsigned csr, uint32_t value)
{
    r->g->x[5] = value;
    assert_true(rig_do(r, PRIV_M, asm_csrrw(0, csr, 5)));
}

static uint32_t get32(struct rig *r, unsigned csr)
{
    assert_true(rig_do(r, PRIV_M, asm_csrrs(6, csr, 0)));
    assert_int_equal(r->g->x[6] >> 32, 0);
    return (uint32_t)r->g->x[6];
}

/* Registers of 32 bits, odd ones too, and the upper halves of the others. */
static void rv32(void **state)
{
    struct rig *r = *state;

    r->g->features ^= RISCV_EXT_RV64 | RISCV_EXT_RV32;
    for (unsigned s = 0; s < 2; s++) {
        unsigned select = s ? SISELECT : MISELECT, reg = s ? SIREG : MIREG;

        set32(r, select, 0x31); /* interrupts 4 to 7 */
        set32(r, reg, UINT32_MAX);
        assert_int_equal(get32(r, reg), s ? 0xff00 : 0xff00ff00);
        set32(r, select, 0x81);
        set32(r, reg, 0x12345678);
        assert_int_equal(files.reg[s][0x81], 0x12345678);
        assert_int_equal(files.reg[s][0x82] | files.reg[s][0x80], 0);
        files.top[s] = 2047;
        assert_int_equal(get32(r, s ? STOPEI : MTOPEI), 2047 << 16 | 2047);
    }
    set32(r, MVIEN, UINT32_MAX);
    set32(r, 0x318, 0x80000001); /* mvienh */
    assert_true(r->g->mvien ==
                (UINT64_C(0x8000000100000000) | ((uint32_t)LOCAL | SSI | SEI)));
    set32(r, 0x319, 0x80000000); /* mviph */
    set32(r, 0x114, UINT32_MAX); /* sieh */
    assert_int_equal(get32(r, 0x114), 0x80000001);
    assert_int_equal(get32(r, 0x154), 0x80000000); /* siph */
    assert_int_equal(get32(r, STOPI), 63 << 16 | 255);
    set32(r, 0x154, 0);
    assert_int_equal(get32(r, 0x319), 0);
    /* A write to miph leaves the lower half be: what a wire says does not
     * become software's. */
    set32(r, MVIEN, 0);
    riscv_input(r->cpu, IRQ_SEI, true);
    set32(r, 0x354, 0);
    riscv_input(r->cpu, IRQ_SEI, false);
    assert_int_equal(get32(r, CSR_MIP) & SEI, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(existence), cmocka_unit_test(isa_strings),
        cmocka_unit_test(selects),   TEST(registers),
        TEST(topei),                 TEST(kept_away),
        TEST(mvien_bits),            TEST(filtering),
        TEST(aliases),               TEST(virtual_interrupt),
        TEST(software_interrupt),    TEST(iprio_bytes),
        TEST(priorities),            TEST(without_priorities),
        TEST(rv32),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
