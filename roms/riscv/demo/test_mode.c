/*
 * Self-test of S- and U-mode without paging: entry and return, what each mode
 * may not do, delegation, and physical memory protection.
 *
 * Models: Privileged ISA 1.12, 3.1.6, 3.1.8, 3.7 and 4.1.
 */
#include "csr.h"
#include "lib.h"
#include "lower.h"

#define PMP_NAPOT_RWX 0x1f
#define PMP_NAPOT_R 0x19
#define PMP_NAPOT 0x18
#define PMP_ALL (UINT64_MAX >> 10)
#define PAGE 4096

static uintptr_t open_memory(uintptr_t a, uintptr_t b)
{
    (void)a;
    (void)b;
    csr_write(pmpaddr0, PMP_ALL);
    csr_write(pmpcfg0, PMP_NAPOT_RWX);
    return csr_read(pmpaddr0) != 0;
}

bool lower_open_memory(void)
{
    struct trap trap;

    return !trap_run(&trap, open_memory, 0, 0) && trap.value != 0;
}

struct trap lower_run(enum mode mode, uint64_t pc, uint64_t arg,
                      uint64_t status)
{
    uint64_t old = csr_read(mstatus);
    struct trap trap;

    /* An interrupt in between would change MPP. */
    csr_clear(mstatus, MSTATUS_MPP | MSTATUS_MIE);
    csr_set(mstatus, (uint64_t)mode << 11 | MSTATUS_MPIE | status);
    trap_run(&trap, enter_lower, pc, arg);
    csr_write(mstatus, old);
    return trap;
}

struct trap lower_expect(struct test *test, const char *what, enum mode mode,
                         uint64_t pc, uint64_t arg, uint64_t status,
                         uint64_t cause)
{
    struct trap trap = lower_run(mode, pc, arg, status);

    test_trap(test, what, &trap, cause);
    test_equal(test, "  the mode it came from", trap.status >> 11 & 3, mode);
    return trap;
}

struct row {
    const char *name;
    const char *pc;
    uint64_t status;
    uint64_t cause;
};

static void check_rows(struct test *test, enum mode mode,
                       const struct row *rows, unsigned count)
{
    lower_open_memory();
    for (unsigned i = 0; i < count; i++)
        lower_expect(test, rows[i].name, mode, (uintptr_t)rows[i].pc, 0,
                     rows[i].status, rows[i].cause);
}

const char *test_supervisor(struct test *test)
{
    static const struct row rows[] = {
        {"ecall", lower_ecall, 0, CAUSE_ECALL_S},
        {"csrr mstatus", lower_read_mstatus, 0, CAUSE_ILLEGAL},
        {"csrr sstatus", lower_read_sstatus, 0, CAUSE_ECALL_S},
        {"csrr satp", lower_read_satp, 0, CAUSE_ECALL_S},
        {"csrr satp, TVM", lower_read_satp, MSTATUS_TVM, CAUSE_ILLEGAL},
        {"sfence.vma", lower_sfence, 0, CAUSE_ECALL_S},
        {"sfence.vma, TVM", lower_sfence, MSTATUS_TVM, CAUSE_ILLEGAL},
        {"sret, TSR", lower_sret, MSTATUS_TSR, CAUSE_ILLEGAL},
        {"mret", lower_mret, 0, CAUSE_ILLEGAL},
        {"wfi, TW", lower_wfi, MSTATUS_TW, CAUSE_ILLEGAL},
    };

    if (!board_misa(test->board, 'S'))
        return "misa names no S";
    check_rows(test, MODE_S, rows, ARRAY_SIZE(rows));
    return NULL;
}

/* With mcounteren all zero, U-mode may read no counter. */
static void check_counters(struct test *test)
{
    uint64_t old = csr_read(mcounteren);

    csr_write(mcounteren, 0);
    lower_expect(test, "cycle, disabled", MODE_U, (uintptr_t)lower_read_cycle,
                 0, 0, CAUSE_ILLEGAL);
    lower_expect(test, "time, disabled", MODE_U, (uintptr_t)lower_read_time, 0,
                 0, CAUSE_ILLEGAL);
    csr_write(mcounteren, 7);
    if (board_misa(test->board, 'S'))
        csr_write(scounteren, 7);
    lower_expect(test, "cycle, enabled", MODE_U, (uintptr_t)lower_read_cycle, 0,
                 0, CAUSE_ECALL_U);
    csr_write(mcounteren, old);
    if (board_misa(test->board, 'S'))
        csr_write(scounteren, 0);
}

const char *test_user(struct test *test)
{
    static const struct row rows[] = {
        {"ecall", lower_ecall, 0, CAUSE_ECALL_U},
        {"csrr mstatus", lower_read_mstatus, 0, CAUSE_ILLEGAL},
        {"csrr sstatus", lower_read_sstatus, 0, CAUSE_ILLEGAL},
        {"sret", lower_sret, 0, CAUSE_ILLEGAL},
        {"mret", lower_mret, 0, CAUSE_ILLEGAL},
        {"sfence.vma", lower_sfence, 0, CAUSE_ILLEGAL},
        {"ebreak", lower_ebreak, 0, CAUSE_BREAKPOINT},
    };

    if (!board_misa(test->board, 'U'))
        return "misa names no U";
    check_rows(test, MODE_U, rows, ARRAY_SIZE(rows));
    check_counters(test);
    return NULL;
}

/* Exceptions of U-mode go to S-mode, which reports them or resumes. */
static void check_exceptions(struct test *test)
{
    struct trap trap;

    csr_write(medeleg, 1 << CAUSE_BREAKPOINT | 1 << CAUSE_ECALL_U);
    csr_write(stvec, (uintptr_t)lower_handler);
    trap = lower_run(MODE_U, (uintptr_t)lower_ecall, 0, 0);
    test_trap(test, "ecall to S-mode", &trap, CAUSE_ECALL_S);
    test_equal(test, "  its scause", trap.a0, CAUSE_ECALL_U);
    test_equal(test, "  its sstatus.SPP", trap.status >> 8 & 1, MODE_U);
    test_equal(test, "  its sepc", csr_read(sepc), (uintptr_t)lower_ecall + 4);

    csr_write(medeleg, 1 << CAUSE_BREAKPOINT);
    csr_write(stvec, (uintptr_t)lower_skipper);
    trap = lower_expect(test, "ebreak, and back by sret", MODE_U,
                        (uintptr_t)lower_ebreak, 0, 0, CAUSE_ECALL_U);
    test_equal(test, "  its scause", trap.a0, CAUSE_BREAKPOINT);
    csr_write(medeleg, 0);
}

/* A delegated interrupt comes in S-mode once sstatus.SIE lets it. */
static void check_interrupt(struct test *test)
{
    struct trap trap;

    csr_write(mideleg, MIE_SSIE);
    csr_write(stvec, (uintptr_t)lower_handler);
    csr_set(mie, MIE_SSIE);
    csr_set(mip, MIE_SSIE);
    trap = lower_expect(test, "software interrupt", MODE_S,
                        (uintptr_t)lower_interrupt, 0, 0, CAUSE_ECALL_S);
    test_equal(test, "  its scause", trap.a0, UINT64_C(1) << 63 | 1);
    csr_clear(mip, MIE_SSIE);
    csr_clear(mie, MIE_SSIE);
    trap = lower_expect(test, "no interrupt", MODE_S,
                        (uintptr_t)lower_interrupt, 0, 0, CAUSE_ECALL_S);
    test_equal(test, "  its scause", trap.a0, 0);
    csr_write(mideleg, 0);
}

const char *test_delegation(struct test *test)
{
    if (!board_misa(test->board, 'S') || !board_misa(test->board, 'U'))
        return "misa names no S and U";
    lower_open_memory();
    check_exceptions(test);
    check_interrupt(test);
    return NULL;
}

/* Set up two entries: `first` for the page, all access to everything else. */
static void set_pmp(struct test *test, const void *page, uint64_t first)
{
    csr_write(pmpaddr0, (uintptr_t)page >> 2 | (PAGE / 8 - 1));
    csr_write(pmpaddr1, PMP_ALL);
    csr_write(pmpcfg0, PMP_NAPOT_RWX << 8 | first);
    /* Harts with paging may cache permissions. */
    if (board_misa(test->board, 'S'))
        sfence_vma();
}

const char *test_pmp(struct test *test)
{
    static _Alignas(PAGE) volatile uint64_t page[PAGE / sizeof(uint64_t)];
    uint64_t at = (uintptr_t)page;
    uint64_t load = (uintptr_t)lower_load;
    uint64_t store = (uintptr_t)lower_store;
    struct trap trap;

    if (!board_misa(test->board, 'U'))
        return "misa names no U";
    if (!lower_open_memory())
        return "this hart has none";
    set_pmp(test, (const void *)page, PMP_NAPOT);
    trap = lower_expect(test, "load, no access", MODE_U, load, at, 0,
                        CAUSE_LOAD_ACCESS);
    test_equal(test, "  its mtval", trap.tval, at);
    lower_expect(test, "store, no access", MODE_U, store, at, 0,
                 CAUSE_STORE_ACCESS);
    trap = lower_expect(test, "fetch, no access", MODE_U,
                        (uintptr_t)lower_fetch, at, 0, CAUSE_FETCH_ACCESS);
    test_equal(test, "  its mtval", trap.tval, at);
    lower_expect(test, "load beside it", MODE_U, load, (uintptr_t)lower_code, 0,
                 CAUSE_ECALL_U);
    page[0] = 5;
    test_equal(test, "M-mode's access", page[0], 5);

    set_pmp(test, (const void *)page, PMP_NAPOT_R);
    lower_expect(test, "load, read-only", MODE_U, load, at, 0, CAUSE_ECALL_U);
    lower_expect(test, "store, read-only", MODE_U, store, at, 0,
                 CAUSE_STORE_ACCESS);
    lower_open_memory();
    return NULL;
}
