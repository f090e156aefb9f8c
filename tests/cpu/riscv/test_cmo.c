/*
 * Cache-block operations and WRS: who may, what faults as what, what is
 * written.  Unprivileged ISA 20240411, "CMO" and "Zawrs".
 */
#include "tests/unit.h"

#include "tests/cpu/riscv/asm.h"
#include "tests/cpu/riscv/rig.h"

#define CODE (RIG_RAM + 0x4000)
#define DATA (RIG_RAM + 0x10000)
#define NOWHERE UINT64_C(0x60000000)
#define COUNT(a) (unsigned)(sizeof(a) / sizeof((a)[0]))

/* Of the address in x10. */
#define CBO(n) ((uint32_t)(n) << 20 | 0x0005200f)
#define CBO_INVAL CBO(0)
#define CBO_CLEAN CBO(1)
#define CBO_FLUSH CBO(2)
#define CBO_ZERO CBO(4)
#define WRS_NTO 0x00d00073
#define WRS_STO 0x01d00073
#define PAUSE 0x0100000f

static const uint32_t manages[] = {CBO_INVAL, CBO_CLEAN, CBO_FLUSH};
static const uint32_t all[] = {CBO_INVAL, CBO_CLEAN, CBO_FLUSH, CBO_ZERO};

static int set_up(void **state)
{
    struct rig *r = rig_new(NULL);

    rig_prepare(r);
    r->g->menvcfg |= ENVCFG_CBIE | ENVCFG_CBCFE | ENVCFG_CBZE;
    r->g->senvcfg |= ENVCFG_CBIE | ENVCFG_CBCFE | ENVCFG_CBZE;
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    rig_free(*state);
    return 0;
}

static void fill(struct rig *r, uint64_t at, unsigned size)
{
    memset(rig_host(r, at), 0xa5, size);
}

/* `size` bytes at `at` are all `value`. */
static void assert_bytes(struct rig *r, uint64_t at, unsigned size,
                         uint8_t value)
{
    for (unsigned i = 0; i < size; i++)
        assert_int_equal(rig_host(r, at)[i], value);
}

static void assert_fault(struct rig *r, unsigned priv, uint32_t word,
                         uint64_t x10, unsigned cause)
{
    r->g->x[10] = x10;
    assert_false(rig_do(r, priv, word));
    assert_int_equal(r->last_cause, cause);
    assert_int_equal(r->last_tval, cause == CAUSE_ILLEGAL ? word : x10);
}

static void assert_done(struct rig *r, unsigned priv, uint32_t word,
                        uint64_t x10)
{
    r->g->x[10] = x10;
    assert_true(rig_do(r, priv, word));
}

/* Any address of the block means the block, and no more of memory. */
static void zeroes_a_block(void **state)
{
    struct rig *r = *state;
    static const unsigned offsets[] = {0, 1, 8, 63};

    for (unsigned i = 0; i < COUNT(offsets); i++) {
        fill(r, DATA, 192);
        assert_done(r, PRIV_U, CBO_ZERO, DATA + 64 + offsets[i]);
        assert_bytes(r, DATA, 64, 0xa5);
        assert_bytes(r, DATA + 64, 64, 0);
        assert_bytes(r, DATA + 128, 64, 0xa5);
    }
}

static void management_writes_nothing(void **state)
{
    struct rig *r = *state;

    fill(r, DATA, 64);
    for (unsigned i = 0; i < COUNT(manages); i++)
        assert_done(r, PRIV_U, manages[i], DATA + 5);
    assert_bytes(r, DATA, 64, 0xa5);
}

/* Code that is zeroed is no longer what it was: 0x0000 is illegal. */
static void zeroes_code(void **state)
{
    struct rig *r = *state;
    const uint32_t code[] = {CBO_ZERO, asm_jal(0, 60)};
    const uint32_t next[] = {asm_addi(6, 0, 1), asm_jal(0, -68)};

    rig_poke(r, CODE, code, 2);
    rig_poke(r, CODE + 64, next, 2);
    r->g->x[10] = DATA;
    rig_enter(r, PRIV_M, CODE);
    rig_step(r, 400);
    assert_int_equal(r->exceptions, 0);
    r->g->x[10] = CODE + 64;
    rig_step(r, 40);
    assert_true(r->exceptions > 0);
    assert_int_equal(r->last_cause, CAUSE_ILLEGAL);
    assert_int_equal(r->last_epc, CODE + 64);
}

static void places(void **state)
{
    struct rig *r = *state;

    for (unsigned i = 0; i < COUNT(all); i++)
        assert_fault(r, PRIV_M, all[i], NOWHERE + 7, CAUSE_STORE_ACCESS);
    /* A device may be loaded from, but has no block to zero. */
    assert_fault(r, PRIV_M, CBO_ZERO, RIG_IO + 4, CAUSE_STORE_ACCESS);
    for (unsigned i = 0; i < COUNT(manages); i++) {
        assert_done(r, PRIV_M, manages[i], RIG_IO);
        assert_done(r, PRIV_M, manages[i], RIG_ROM);
    }
    assert_int_equal(r->io_accesses, 0);
}

/* One entry of the PMP that takes something from a part of the block. */
static void protection(void **state)
{
    struct rig *r = *state;

    for (unsigned n = PMP_ENTRIES - 1; n > 0; n--) {
        r->g->pmpcfg[n] = r->g->pmpcfg[n - 1];
        r->g->pmpaddr[n] = r->g->pmpaddr[n - 1];
    }
    r->g->pmpaddr[0] = (DATA + 60) >> 2;
    for (unsigned cfg = 0x10; cfg < 0x18; cfg++) { /* NA4 */
        if ((cfg & 3) == 2)
            continue;
        r->g->pmpcfg[0] = (uint8_t)cfg;
        riscv_pmp_changed(r->g);
        /* What matches a part of an access only fails it, priv 3.7.1.3. */
        for (unsigned i = 0; i < COUNT(all); i++)
            assert_fault(r, PRIV_U, all[i], DATA + 3, CAUSE_STORE_ACCESS);
        assert_done(r, PRIV_U, CBO_ZERO, DATA + 64);
    }
    r->g->pmpaddr[0] = DATA >> 2 | 7; /* NAPOT, 64 bytes */
    for (unsigned cfg = 0x18; cfg < 0x20; cfg++) {
        if ((cfg & 3) == 2)
            continue;
        r->g->pmpcfg[0] = (uint8_t)cfg;
        riscv_pmp_changed(r->g);
        for (unsigned i = 0; i < COUNT(all); i++)
            if (cfg >> (all[i] == CBO_ZERO) & 1)
                assert_done(r, PRIV_U, all[i], DATA + 3);
            else
                assert_fault(r, PRIV_U, all[i], DATA + 3, CAUSE_STORE_ACCESS);
    }
}

/* Pages: a load's rights for management, a store's for cbo.zero; A and D as
 * by those; every fault is a store's. */
static void pages(void **state)
{
    struct rig *r = *state;
    const uint64_t root = RIG_RAM + 0x100000, va = 0x40000040;
    enum { V = 1, R = 2, W = 4, X = 8, U = 16, A = 64, D = 128 };
    static const struct {
        unsigned flags;
        bool load, store;
    } cases[] = {
        {V | R | W | U, true, true},  {V | R | U, true, false},
        {V | X | U, false, false},    {V | R | W, false, false},
        {R | W | U, false, false},    {V | R | X | U, true, false},
        {V | W | U, false, false},
    };

    rig_poke64(r, root + 8, (root + 0x1000) >> 12 << 10 | V);
    rig_poke64(r, root + 0x1000, (root + 0x2000) >> 12 << 10 | V);
    rig_poke64(r, root + 16,
               (RIG_RAM >> 12 << 10) | D | A | U | X | W | R | V);
    r->g->satp = (uint64_t)8 << 60 | root >> 12;
    for (unsigned i = 0; i < COUNT(cases); i++)
        for (unsigned n = 0; n < COUNT(all); n++) {
            const bool zero = all[n] == CBO_ZERO;
            const uint64_t pte = DATA >> 12 << 10 | cases[i].flags;
            uint64_t want = pte;

            rig_poke64(r, root + 0x2000, pte);
            riscv_forget_contexts(r->g, -1);
            if (zero ? cases[i].store : cases[i].load) {
                assert_done(r, PRIV_U, all[n], va);
                want |= A | (zero ? D : 0);
            } else {
                assert_fault(r, PRIV_U, all[n], va, CAUSE_STORE_PAGE);
            }
            assert_int_equal(rig_peek64(r, root + 0x2000), want);
        }
}

/* A bit for each kind, of menvcfg below M, of senvcfg too in U mode. */
static void enables(void **state)
{
    struct rig *r = *state;

    for (unsigned m = 0; m < 16; m++)
        for (unsigned s = 0; s < 16; s++) {
            if ((m & 3) == 2 || (s & 3) == 2) /* CBIE, reserved */
                continue;
            rig_set_csr(r, CSR_MENVCFG, m << 4);
            rig_set_csr(r, CSR_SENVCFG, s << 4);
            for (unsigned i = 0; i < COUNT(all); i++) {
                const unsigned bits = all[i] == CBO_INVAL  ? 3
                                      : all[i] == CBO_ZERO ? 8
                                                           : 4;

                assert_done(r, PRIV_M, all[i], DATA);
                if (m & bits)
                    assert_done(r, PRIV_S, all[i], DATA);
                else
                    assert_fault(r, PRIV_S, all[i], DATA, CAUSE_ILLEGAL);
                if ((m & bits) && (s & bits))
                    assert_done(r, PRIV_U, all[i], DATA);
                else
                    assert_fault(r, PRIV_U, all[i], DATA, CAUSE_ILLEGAL);
            }
        }
}

/* WRS ends by itself, always; with TW and something to wait for, WRS.NTO is
 * illegal below M mode. */
static void waiting(void **state)
{
    struct rig *r = *state;
    static const unsigned privs[] = {PRIV_U, PRIV_S, PRIV_M};

    for (unsigned n = 0; n < 8; n++)
        for (unsigned i = 0; i < 3; i++) {
            const bool tw = n & 1, reserved = n & 2, pending = n & 4;

            rig_set_csr(r, CSR_MSTATUS, tw ? MSTATUS_TW : 0);
            /* enabled, but not let through: M mode's own, MIE clear */
            r->g->mie = r->g->mip_soft = 0;
            if (pending && privs[i] == PRIV_M) {
                r->g->mie = MIP_BIT(IRQ_SSI);
                r->g->mip_soft = MIP_BIT(IRQ_SSI);
            }
            for (unsigned k = 0; k < 2; k++) {
                const uint32_t word = k ? WRS_STO : WRS_NTO;

                r->g->reservation = UINT64_MAX;
                if (reserved)
                    assert_true(riscv_lr_w(r->cpu, DATA));
                if (tw && reserved && !k && privs[i] != PRIV_M)
                    assert_fault(r, privs[i], word, DATA, CAUSE_ILLEGAL);
                else
                    assert_done(r, privs[i], word, DATA);
            }
            assert_done(r, privs[i], PAUSE, DATA);
        }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(zeroes_a_block), TEST(management_writes_nothing),
        TEST(zeroes_code),    TEST(places),
        TEST(protection),     TEST(pages),
        TEST(enables),        TEST(waiting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
