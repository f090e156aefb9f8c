/*
 * Pages of registers that a hart remembers (struct device_entry): each way in
 * which such a page may become another, or be forbidden, is seen by the next
 * access.  The rig's device counts accesses; Sv39, a table at VA.
 */
#include "tests/unit.h"

#include "tests/cpu/riscv/asm.h"
#include "tests/cpu/riscv/rig.h"

#define VA UINT64_C(0x10000)
#define TABLES (RIG_RAM + 0x100000)
#define DATA (RIG_RAM + 0x10000)
#define ENTRY (TABLES + 0x2000 + 8 * (VA >> 12))
#define SFENCE asm_sfence_vma(0, 0)
enum {
    V = 1 << 0,
    R = 1 << 1,
    W = 1 << 2,
    U = 1 << 4,
    G = 1 << 5,
    A = 1 << 6,
    D = 1 << 7,
    ALL = V | R | W | A | D,
    FINE = 99,
};

static struct rig *rig;

static uint64_t entry(uint64_t pa, unsigned bits)
{
    return pa >> 12 << 10 | bits;
}

static void map(uint64_t pa, unsigned bits)
{
    rig_poke64(rig, ENTRY, entry(pa, bits));
}

static void fence(void)
{
    assert_true(rig_do(rig, PRIV_M, SFENCE));
}

static int set_up(void **state)
{
    (void)state;
    rig = rig_new(NULL);
    rig_prepare(rig);
    rig_poke64(rig, TABLES, entry(TABLES + 0x1000, V));
    rig_poke64(rig, TABLES + 0x1000, entry(TABLES + 0x2000, V));
    rig_poke64(rig, DATA + RIG_REG_COUNT, 0x600df00d);
    map(RIG_IO, ALL);
    rig->g->satp = UINT64_C(8) << 60 | TABLES >> 12;
    fence();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_free(rig);
    return 0;
}

/* As `priv` loads or stores at VA, by MPRV: the cause of its exception, or
 * FINE. */
static unsigned access_as(unsigned priv, uint64_t status, bool write)
{
    struct riscv_cpu *g = rig->g;
    const uint64_t before = rig->exceptions;

    g->mstatus &= ~(MSTATUS_MPP | MSTATUS_SUM);
    g->mstatus |= MSTATUS_MPRV | (uint64_t)priv << 11 | status;
    g->x[10] = VA;
    g->x[6] = 0;
    rig_do(rig, PRIV_M,
           write ? asm_sw(6, RIG_REG_COUNT, 10) : asm_lw(7, RIG_REG_COUNT, 10));
    g->mstatus &= ~(MSTATUS_MPRV | MSTATUS_SUM);
    return rig->exceptions == before ? FINE : (unsigned)rig->last_cause;
}

static unsigned load(void)
{
    return access_as(PRIV_S, 0, false);
}

static unsigned store(void)
{
    return access_as(PRIV_S, 0, true);
}

/* Does a load reach the device, as do all accesses of this test before it? */
static bool reaches(void)
{
    const uint64_t before = rig->io_accesses;

    assert_int_equal(load(), FINE);
    return rig->io_accesses == before + 1 &&
           (uint32_t)rig->g->x[7] == before + 1;
}

/* Else all that follows tells nothing. */
static void is_remembered(void **state)
{
    (void)state;
    assert_true(reaches());
    assert_int_equal(store(), FINE);
    rig_poke64(rig, TABLES + 0x1000, 0);
    assert_true(reaches());
    assert_int_equal(store(), FINE);
    fence();
    assert_int_equal(load(), CAUSE_LOAD_PAGE);
    assert_int_equal(store(), CAUSE_STORE_PAGE);
}

static void fences(void **state)
{
    (void)state;
    for (unsigned by_page = 0; by_page < 2; by_page++) {
        map(RIG_IO, ALL | G);
        fence();
        assert_true(reaches());
        assert_int_equal(store(), FINE);
        map(DATA, ALL | G);
        rig->g->x[5] = VA + 8;
        assert_true(rig_do(rig, PRIV_M, asm_sfence_vma(by_page ? 5 : 0, 0)));
        assert_false(reaches());
        map(RIG_IO, ALL | G);
        assert_true(rig_do(rig, PRIV_M, asm_sfence_vma(by_page ? 5 : 0, 0)));
        assert_true(reaches());
    }
}

/* A fence for one address of a page of 2 MiB. */
static void large_page(void **state)
{
    (void)state;
    rig_poke64(rig, TABLES + 0x1000, entry(RIG_IO, ALL));
    fence();
    assert_int_equal(load(), CAUSE_LOAD_ACCESS); /* 64 KiB behind it */
    memory_move(&rig->io_region, RIG_IO + VA);
    assert_true(reaches());
    rig_poke64(rig, TABLES + 0x1000, entry(RIG_RAM, ALL));
    rig->g->x[5] = VA + 0x8000;
    assert_true(rig_do(rig, PRIV_M, asm_sfence_vma(5, 0)));
    assert_false(reaches());
}

static void address_spaces(void **state)
{
    const uint64_t one = rig->g->satp, other = one | UINT64_C(7) << 44;

    (void)state;
    assert_true(reaches());
    rig_set_csr(rig, CSR_SATP, other);
    map(DATA, ALL);
    assert_false(reaches());
    map(RIG_IO, ALL);
    rig->g->x[5] = 7;
    assert_true(rig_do(rig, PRIV_M, asm_sfence_vma(0, 5)));
    assert_true(reaches());
    rig_set_csr(rig, CSR_SATP, 0);
    assert_int_equal(load(), CAUSE_LOAD_ACCESS); /* no RAM at VA itself */
}

static void privileges(void **state)
{
    (void)state;
    assert_true(reaches());
    assert_int_equal(access_as(PRIV_U, 0, false), CAUSE_LOAD_PAGE);
    assert_int_equal(access_as(PRIV_U, 0, true), CAUSE_STORE_PAGE);
    map(RIG_IO, ALL | U);
    fence();
    assert_int_equal(access_as(PRIV_U, 0, true), FINE);
    assert_int_equal(access_as(PRIV_S, MSTATUS_SUM, true), FINE);
    assert_int_equal(access_as(PRIV_S, 0, true), CAUSE_STORE_PAGE);
    assert_int_equal(access_as(PRIV_S, MSTATUS_SUM, false), FINE);
    assert_int_equal(access_as(PRIV_S, 0, false), CAUSE_LOAD_PAGE);
}

/* A fault and a new entry take the place of a fence here. */
static void read_only_and_dirty(void **state)
{
    (void)state;
    map(RIG_IO, V | R | A);
    fence();
    assert_true(reaches());
    assert_int_equal(store(), CAUSE_STORE_PAGE);
    map(DATA, ALL);
    assert_int_equal(store(), FINE);
    assert_false(reaches());
    assert_int_equal(rig->g->x[7], 0); /* what was stored */

    rig_set_csr(rig, CSR_MENVCFG, ENVCFG_ADUE);
    map(RIG_IO, V | R | W);
    fence();
    assert_true(reaches());
    assert_int_equal(rig_peek64(rig, ENTRY), entry(RIG_IO, V | R | W | A));
    assert_int_equal(store(), FINE);
    assert_int_equal(rig_peek64(rig, ENTRY), entry(RIG_IO, V | R | W | A | D));
}

static void set_pmp(unsigned cfg, uint64_t pmpaddr)
{
    rig_set_csr(rig, CSR_PMPCFG0, 0);
    rig_set_csr(rig, CSR_PMPADDR0, pmpaddr);
    rig_set_csr(rig, CSR_PMPADDR0 + 1, (UINT64_C(1) << 54) - 1);
    rig_set_csr(rig, CSR_PMPCFG0, 0x1f << 8 | cfg);
}

/* Entry 0 protects some of the device, entry 1 opens the rest. */
static void pmp(void **state)
{
    (void)state;
    assert_true(reaches());
    assert_int_equal(store(), FINE);
    set_pmp(0x19, RIG_IO >> 2 | 0x1ff); /* NAPOT 4 KiB, R */
    assert_true(reaches());
    assert_int_equal(store(), CAUSE_STORE_ACCESS);
    set_pmp(0x18, RIG_IO >> 2 | 0x1ff);
    assert_int_equal(load(), CAUSE_LOAD_ACCESS);
    /* Nothing for these 4 bytes: their neighbours say nothing of them. */
    set_pmp(0x10, (RIG_IO + RIG_REG_COUNT + 4) >> 2);
    assert_true(reaches());
    set_pmp(0x10, (RIG_IO + RIG_REG_COUNT) >> 2);
    assert_int_equal(load(), CAUSE_LOAD_ACCESS);
    set_pmp(0x1f, RIG_IO >> 2 | 0x1ff);
    assert_true(reaches());
    assert_int_equal(store(), FINE);
}

/* The device moves away while the entry stays, and RAM comes. */
static void memory_map(void **state)
{
    struct region ram = {.name = "over it",
                         .kind = REGION_RAM,
                         .base = RIG_IO,
                         .size = 4096,
                         .priority = 1,
                         .ram = rig->ram,
                         .ram_offset = DATA - RIG_RAM};
    struct error e;

    (void)state;
    assert_true(memory_add(rig->memory, &ram, &e));
    assert_true(reaches());
    memory_enable(&rig->io_region, false);
    assert_int_equal(load(), CAUSE_LOAD_ACCESS);
    memory_enable(&ram, true);
    assert_false(reaches());
    assert_int_equal(rig->g->x[7], 0x600df00d);
    assert_int_equal(store(), FINE);
    assert_int_equal(rig_peek64(rig, DATA + RIG_REG_COUNT), 0);
    memory_enable(&ram, false);
    memory_enable(&rig->io_region, true);
    assert_true(reaches());
    memory_remove(&ram);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(is_remembered), TEST(fences),
        TEST(large_page),    TEST(address_spaces),
        TEST(privileges),    TEST(read_only_and_dirty),
        TEST(pmp),           TEST(memory_map),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
