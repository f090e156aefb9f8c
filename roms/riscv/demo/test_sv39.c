/*
 * Self-test of Sv39 paging: permissions by mode, faults and their addresses,
 * accessed and dirty bits, superpages, MPRV.
 *
 * Models: Privileged ISA 1.12, 4.3 and 4.4.  Missing: Sv48 and Sv57, ASIDs.
 */
#include "csr.h"
#include "lib.h"
#include "lower.h"

#define PAGE 4096
#define ENTRIES 512

enum pte {
    V = 1 << 0,
    R = 1 << 1,
    W = 1 << 2,
    X = 1 << 3,
    U = 1 << 4,
    A = 1 << 6,
    D = 1 << 7,
};

#define SATP_SV39 (UINT64_C(8) << 60)
#define GIGA (UINT64_C(1) << 30)

/* Virtual addresses: 512 small pages from WINDOW on, and gigabyte pages. */
#define WINDOW GIGA
#define VA(page) (WINDOW + (uint64_t)(page)*PAGE)

/* The small pages; each is named for what its entry says. */
enum page {
    CODE_U, /* lower.S, for U-mode */
    CODE_S, /* and for S-mode */
    DATA_U,
    DATA_S,
    READ_ONLY,
    EXECUTE_ONLY,
    INVALID,
    WRITE_ONLY, /* reserved: W without R */
    UNTOUCHED,  /* neither A nor D */
    CLEAN,      /* A, but not D */
};

static _Alignas(PAGE) uint64_t root[ENTRIES], middle[ENTRIES], leaf[ENTRIES];
static _Alignas(PAGE) uint64_t data[PAGE / sizeof(uint64_t)];

static uint64_t entry(const void *page, unsigned bits)
{
    return (uintptr_t)page >> 12 << 10 | bits | V;
}

static void build_tables(void)
{
    memset(root, 0, sizeof(root));
    memset(middle, 0, sizeof(middle));
    memset(leaf, 0, sizeof(leaf));
    root[1] = entry(middle, 0);
    middle[0] = entry(leaf, 0);
    leaf[CODE_U] = entry(lower_code, R | X | U | A);
    leaf[CODE_S] = entry(lower_code, R | X | A);
    leaf[DATA_U] = entry(data, R | W | U | A | D);
    leaf[DATA_S] = entry(data, R | W | A | D);
    leaf[READ_ONLY] = entry(data, R | A);
    leaf[EXECUTE_ONLY] = entry(data, X | A);
    leaf[WRITE_ONLY] = entry(data, W | A | D);
    leaf[UNTOUCHED] = entry(data, R | W);
    leaf[CLEAN] = entry(data, R | W | A);
    /* The first gigabyte of RAM as it is, and one that is misaligned. */
    root[2] = entry((const void *)(2 * GIGA), R | W | A | D);
    root[3] = entry((const void *)(2 * GIGA + PAGE), R | A);
}

/* False if the hart does not know Sv39. */
static bool paging_on(void)
{
    csr_write(satp, SATP_SV39 | (uintptr_t)root >> 12);
    sfence_vma();
    return (csr_read(satp) & SATP_SV39) != 0;
}

static void paging_off(void)
{
    csr_write(satp, 0);
    sfence_vma();
}

/* Where a piece of lower.S lies for this mode. */
static uint64_t code(enum mode mode, const char *piece)
{
    return VA(mode == MODE_U ? CODE_U : CODE_S) +
           ((uintptr_t)piece & (PAGE - 1));
}

static const struct row {
    const char *name;
    enum mode mode;
    const char *piece;
    uint64_t address;
    uint64_t status;
    uint64_t cause;
} rows[] = {
    {"U loads U", MODE_U, lower_load, VA(DATA_U), 0, CAUSE_ECALL_U},
    {"U stores U", MODE_U, lower_store, VA(DATA_U), 0, CAUSE_ECALL_U},
    {"U loads S", MODE_U, lower_load, VA(DATA_S), 0, CAUSE_LOAD_PAGE},
    {"U stores S", MODE_U, lower_store, VA(DATA_S), 0, CAUSE_STORE_PAGE},
    {"U fetches S", MODE_U, lower_fetch, VA(CODE_S), 0, CAUSE_FETCH_PAGE},
    {"U fetches data", MODE_U, lower_fetch, VA(DATA_U), 0, CAUSE_FETCH_PAGE},
    {"S loads S", MODE_S, lower_load, VA(DATA_S), 0, CAUSE_ECALL_S},
    {"S loads U", MODE_S, lower_load, VA(DATA_U), 0, CAUSE_LOAD_PAGE},
    {"S loads U, SUM", MODE_S, lower_load, VA(DATA_U), MSTATUS_SUM,
     CAUSE_ECALL_S},
    {"S fetches U, SUM", MODE_S, lower_fetch, VA(CODE_U), MSTATUS_SUM,
     CAUSE_FETCH_PAGE},
    {"S loads read-only", MODE_S, lower_load, VA(READ_ONLY), 0, CAUSE_ECALL_S},
    {"S stores read-only", MODE_S, lower_store, VA(READ_ONLY), 0,
     CAUSE_STORE_PAGE},
    {"S loads execute-only", MODE_S, lower_load, VA(EXECUTE_ONLY), 0,
     CAUSE_LOAD_PAGE},
    {"S loads execute-only, MXR", MODE_S, lower_load, VA(EXECUTE_ONLY),
     MSTATUS_MXR, CAUSE_ECALL_S},
    {"S loads invalid", MODE_S, lower_load, VA(INVALID) + 24, 0,
     CAUSE_LOAD_PAGE},
    {"S loads write-only", MODE_S, lower_load, VA(WRITE_ONLY), 0,
     CAUSE_LOAD_PAGE},
    {"no second level", MODE_S, lower_store, VA(ENTRIES), 0, CAUSE_STORE_PAGE},
    {"no first level", MODE_S, lower_load, 5 * GIGA, 0, CAUSE_LOAD_PAGE},
    {"not canonical", MODE_S, lower_load, UINT64_C(1) << 39 | WINDOW, 0,
     CAUSE_LOAD_PAGE},
    {"gigabyte page", MODE_S, lower_store, (uintptr_t)data, 0, CAUSE_ECALL_S},
    {"misaligned gigabyte page", MODE_S, lower_load, 3 * GIGA, 0,
     CAUSE_LOAD_PAGE},
};

static void check_rows(struct test *test)
{
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct row *row = &rows[i];
        struct trap trap = lower_expect(test, row->name, row->mode,
                                        code(row->mode, row->piece),
                                        row->address, row->status, row->cause);
        if (row->cause >= CAUSE_FETCH_PAGE)
            test_equal(test, "  its mtval", trap.tval, row->address);
    }
}

/*
 * An access that needs A or D set: either the hart sets it, or it traps and
 * leaves the entry alone.
 */
static void check_bits(struct test *test, const char *what, enum page page,
                       const char *piece, uint64_t fault, uint64_t bits)
{
    uint64_t old = leaf[page];
    struct trap trap = lower_run(MODE_S, code(MODE_S, piece), VA(page), 0);

    if (trap.cause == fault) {
        test_equal(test, what, *(volatile uint64_t *)&leaf[page], old);
        return;
    }
    test_trap(test, what, &trap, CAUSE_ECALL_S);
    test_equal(test, what, *(volatile uint64_t *)&leaf[page], old | bits);
}

/* A changed entry counts once sfence.vma was executed. */
static void check_change(struct test *test)
{
    static _Alignas(PAGE) uint64_t other[PAGE / sizeof(uint64_t)];
    uint64_t load = code(MODE_S, lower_load);

    data[0] = 1;
    other[0] = 2;
    test_equal(test, "before a change",
               lower_run(MODE_S, load, VA(DATA_S), 0).a0, 1);
    leaf[DATA_S] = entry(other, R | A);
    sfence_vma();
    test_equal(test, "after a change",
               lower_run(MODE_S, load, VA(DATA_S), 0).a0, 2);
}

static uintptr_t load_as_supervisor(uintptr_t address, uintptr_t ignored)
{
    uint64_t value;

    (void)ignored;
    __asm__ volatile("csrs mstatus, %2\n"
                     "ld     %0, 0(%1)\n"
                     "csrc   mstatus, %2\n"
                     : "=&r"(value)
                     : "r"(address), "r"((uint64_t)MSTATUS_MPRV)
                     : "memory");
    return value;
}

/* With MPRV, M-mode's loads go the way of the mode in MPP. */
static void check_mprv(struct test *test)
{
    uint64_t status = csr_read(mstatus);
    struct trap trap;

    data[1] = 0x1234;
    csr_clear(mstatus, MSTATUS_MPP | MSTATUS_MIE);
    csr_set(mstatus, MODE_S << 11);
    trap_run(&trap, load_as_supervisor, VA(READ_ONLY) + 8, 0);
    test_true(test, "MPRV: a load faults", !trap.taken);
    test_equal(test, "MPRV: a load", trap.value, 0x1234);
    csr_clear(mstatus, MSTATUS_MPP);
    csr_set(mstatus, MODE_S << 11);
    trap_run(&trap, load_as_supervisor, VA(DATA_U), 0);
    test_trap(test, "MPRV: a load from U", &trap, CAUSE_LOAD_PAGE);
    csr_write(mstatus, status);
}

const char *test_sv39(struct test *test)
{
    const char *mmu =
        fdt_text(&test->board->fdt, board_hart(test->board, 0), "mmu-type");

    if (!board_misa(test->board, 'S') || mmu == NULL ||
        memcmp(mmu, "riscv,sv", 8) != 0)
        return "the tree names no MMU";
    lower_open_memory();
    build_tables();
    if (!paging_on()) {
        test_true(test, "satp does not take the mode", false);
        return NULL;
    }
    check_rows(test);
    check_bits(test, "load, A clear", UNTOUCHED, lower_load, CAUSE_LOAD_PAGE,
               A);
    check_bits(test, "store, D clear", CLEAN, lower_store, CAUSE_STORE_PAGE, D);
    check_mprv(test);
    check_change(test);
    paging_off();
    return NULL;
}
