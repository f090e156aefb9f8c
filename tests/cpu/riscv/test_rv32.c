/*
 * RV32: CSRs of 64 bits in halves, the layouts that differ, traps, and the
 * end of the address space, behind which it begins.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/cpu/riscv/asm.h"
#include "tests/cpu/riscv/rig.h"

#define CSR_STIMECMPH 0x15d
#define CSR_MSTATUSH 0x310
#define CSR_MEDELEGH 0x312
#define CSR_MENVCFGH 0x31a
#define CSR_MCYCLE 0xb00
#define CSR_MINSTRET 0xb02
#define CSR_MCYCLEH 0xb80
#define CSR_MINSTRETH 0xb82
#define CSR_TIMEH 0xc81
#define LAST_PAGE UINT64_C(0xfffff000)
#define NOP 0x00000013

/* RAM at the end of the addresses and at their start. */
struct ends {
    struct rig *r;
    struct region last, first;
};

static int set_up(void **state)
{
    static struct ends t;
    struct rig_config config = {.cls = &riscv32_class, .model = "rv32"};
    struct error e;

    t.r = rig_new(&config);
    rig_prepare(t.r);
    t.last = (struct region){.name = "last",
                             .kind = REGION_RAM,
                             .base = LAST_PAGE,
                             .size = PAGE_SIZE,
                             .enabled = true,
                             .ram = t.r->ram,
                             .ram_offset = 0x10000};
    t.first = t.last;
    t.first.base = 0;
    t.first.ram_offset = 0x11000;
    assert_true(memory_add(t.r->memory, &t.last, &e));
    assert_true(memory_add(t.r->memory, &t.first, &e));
    *state = &t;
    return 0;
}

static int tear_down(void **state)
{
    struct ends *t = *state;

    memory_remove(&t->last);
    memory_remove(&t->first);
    rig_free(t->r);
    return 0;
}

static void layouts(void **state)
{
    struct rig *r = ((struct ends *)*state)->r;

    assert_int_equal(rig_get_csr(r, CSR_MISA) >> 30, 1);
    rig_set_csr(r, CSR_MSTATUS, MSTATUS_FS);
    assert_int_equal(rig_get_csr(r, CSR_MSTATUS), 0x80006000u);
    assert_int_equal(rig_get_csr(r, CSR_SSTATUS), 0x80006000u);
    rig_set_csr(r, CSR_MSTATUSH, UINT32_MAX);
    assert_int_equal(rig_get_csr(r, CSR_MSTATUSH), 0);
    assert_int_equal(rig_get_csr(r, CSR_MSTATUS), 0x80006000u);
    rig_set_csr(r, CSR_MEDELEGH, UINT32_MAX);
    assert_int_equal(rig_get_csr(r, CSR_MEDELEGH), 0);
    /* Four entries in each of four registers. */
    rig_set_csr(r, CSR_PMPCFG0 + 1, 0x01020107);
    assert_int_equal(rig_get_csr(r, CSR_PMPCFG0 + 1), 0x01000107);
    assert_int_equal(r->g->pmpcfg[4], 7);
    assert_int_equal(r->g->pmpcfg[8], 0);
    /* MODE, 9 bits of ASID, 22 of the page's number. */
    rig_set_csr(r, CSR_SATP, 0xffffffff);
    assert_int_equal(rig_get_csr(r, CSR_SATP), 0xffffffff);
    rig_set_csr(r, CSR_SATP, 0);
}

static void halves(void **state)
{
    struct rig *r = ((struct ends *)*state)->r;
    uint64_t before, after;

    rig_set_csr(r, CSR_MENVCFGH, UINT32_MAX);
    assert_true(r->g->menvcfg & ENVCFG_STCE);
    assert_false(r->g->menvcfg & ENVCFG_PBMTE); /* Sv32 has none */
    rig_set_csr(r, CSR_MENVCFG, 0);
    assert_true(r->g->menvcfg & ENVCFG_STCE);
    rig_set_csr(r, CSR_STIMECMP, 0x89abcdef);
    rig_set_csr(r, CSR_STIMECMPH, 0x01234567);
    assert_int_equal(r->g->stimecmp, UINT64_C(0x0123456789abcdef));
    assert_int_equal(rig_get_csr(r, CSR_STIMECMP), 0x89abcdef);
    assert_int_equal(rig_get_csr(r, CSR_STIMECMPH), 0x01234567);
    /* A carry goes on into the upper half; writing one leaves the other. */
    rig_set_csr(r, CSR_MINSTRETH, 5);
    rig_set_csr(r, CSR_MINSTRET, UINT32_MAX);
    assert_int_equal(rig_get_csr(r, CSR_MINSTRET), UINT32_MAX);
    assert_int_equal(rig_get_csr(r, CSR_MINSTRETH), 6);
    before = rig_get_csr(r, CSR_MCYCLE);
    rig_set_csr(r, CSR_MCYCLEH, 9);
    after = rig_get_csr(r, CSR_MCYCLE);
    /* A write of a half is one of the counter: it is not counted. */
    assert_int_equal(after, before + 1);
    assert_int_equal(rig_get_csr(r, CSR_TIMEH), 0);
    assert_false(rig_do(r, PRIV_S, asm_csrrs(6, CSR_MCYCLEH, 0)));
    assert_int_equal(r->last_cause, CAUSE_ILLEGAL);
}

static void traps(void **state)
{
    struct rig *r = ((struct ends *)*state)->r;
    const uint32_t loop = 0x0000006f; /* j . */

    rig_poke(r, RIG_M_TRAP + 4 * IRQ_SSI, &loop, 1);
    assert_false(rig_do(r, PRIV_M, 0x00000073)); /* ecall */
    assert_int_equal(r->g->mcause, CAUSE_ECALL_M);
    rig_set_csr(r, CSR_MTVEC, RIG_M_TRAP | 1);
    rig_set_csr(r, CSR_MIE, MIP_BIT(IRQ_SSI));
    rig_set_csr(r, CSR_MIP, MIP_BIT(IRQ_SSI));
    rig_enter(r, PRIV_U, RIG_SCRATCH);
    rig_step(r, 1);
    assert_int_equal(r->g->mcause, 0x80000000u | IRQ_SSI);
    assert_int_equal(r->cpu->pc, RIG_M_TRAP + 4 * IRQ_SSI);
    rig_set_csr(r, CSR_MIP, 0);
    /* RV64's instructions are none, and registers have 32 bits. */
    assert_false(rig_do(r, PRIV_M, 0x00053503)); /* ld a0, 0(a0) */
    assert_int_equal(r->last_cause, CAUSE_ILLEGAL);
    r->g->x[10] = 0x80000000u;
    assert_true(rig_do(r, PRIV_M, 0x00a50533)); /* add a0, a0, a0 */
    assert_int_equal(r->g->x[10], 0);
    r->g->x[11] = 0x30000000;
    assert_false(rig_do(r, PRIV_M, 0xfff5a503)); /* lw a0, -1(a1) */
    assert_int_equal(r->g->mtval, 0x2fffffff);
}

static void data_wraps(void **state)
{
    struct rig *r = ((struct ends *)*state)->r;

    rig_poke64(r, LAST_PAGE + 0xff8, UINT64_C(0x1122334455667788));
    rig_poke64(r, 0, UINT64_C(0x99aabbccddeeff00));
    for (unsigned i = 0; i < 100; i++) {
        r->g->x[11] = 0;
        assert_true(rig_do(r, PRIV_M, 0xffe5a503)); /* lw a0, -2(a1) */
        assert_int_equal(r->g->x[10], 0xff001122);
        assert_true(rig_do(r, PRIV_M, 0xffc5a503)); /* lw a0, -4(a1) */
        assert_int_equal(r->g->x[10], 0x11223344);
        r->g->x[11] = UINT32_MAX;
        assert_true(rig_do(r, PRIV_M, 0x0055a503)); /* lw a0, 5(a1) */
        assert_int_equal(r->g->x[10], 0x99aabbcc);
    }
    r->g->x[10] = 0xa1b2c3d4;
    assert_true(rig_do(r, PRIV_M, 0xfea5afa3)); /* sw a0, -1(a1) */
    assert_int_equal(rig_peek64(r, LAST_PAGE + 0xff8) >> 32, 0xc3d43344);
    assert_int_equal(rig_peek64(r, 0) & 0xffffffff, 0xddeea1b2);
}

/* Through the end, straight on and by a jump; an instruction lies on it. */
static void code_wraps(void **state)
{
    struct rig *r = ((struct ends *)*state)->r;
    const uint32_t end[2] = {NOP, NOP}, start[2] = {NOP, 0x0000006f};
    const uint32_t across[3] = {NOP, 0x05130001, 0};
    const uint32_t rest[2] = {0x006f02a0, 0x00000000}; /* li a0, 42; j . */
    const uint32_t jump = 0x0080006f;                  /* j pc + 8 */

    rig_poke(r, LAST_PAGE + 0xff8, end, 2);
    rig_poke(r, 0, start, 2);
    rig_enter(r, PRIV_M, LAST_PAGE + 0xff8);
    rig_step(r, 3);
    assert_int_equal(r->cpu->pc, 4);
    rig_poke(r, LAST_PAGE + 0xffc, &jump, 1);
    rig_enter(r, PRIV_M, LAST_PAGE + 0xffc);
    rig_step(r, 1);
    assert_int_equal(r->cpu->pc, 4);
    rig_poke(r, LAST_PAGE + 0xff8, across, 2);
    rig_poke(r, 0, rest, 2);
    for (unsigned i = 0; i < 50; i++) {
        r->g->x[10] = 0;
        rig_enter(r, PRIV_M, LAST_PAGE + 0xff8);
        rig_step(r, 3);
        assert_int_equal(r->g->x[10], 42);
        assert_int_equal(r->cpu->pc, 2);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(layouts), TEST(halves),     TEST(traps),
        TEST(data_wraps), TEST(code_wraps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
