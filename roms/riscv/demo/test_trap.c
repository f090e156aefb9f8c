/*
 * Self-test of M-mode: counters, exceptions with their mcause, mepc and mtval,
 * and accesses at odd addresses.
 *
 * Models: Privileged ISA 1.12, 3.1 and 3.3.
 */
#include "clint.h"
#include "csr.h"
#include "lib.h"
#include "ops.h"
#include "print.h"
#include "test.h"
#include "trap.h"

static void count_some_instructions(void)
{
    for (int i = 0; i < 1000; i++)
        __asm__ volatile("");
}

const char *test_counters(struct test *test)
{
    uint64_t cycle = csr_read(mcycle);
    uint64_t instret = csr_read(minstret);
    uint64_t time = board_ticks(test->board);

    count_some_instructions();
    test_true(test, "mcycle stands still", csr_read(mcycle) > cycle);
    test_true(test, "minstret counts too little",
              csr_read(minstret) - instret >= 2000);
    for (int i = 0; i < 1000 && board_ticks(test->board) == time; i++)
        count_some_instructions();
    test_true(test, "time stands still", board_ticks(test->board) > time);
    if (test->board->time_csr && test->board->clint.present) {
        uint64_t before = csr_read(time);
        uint64_t mtime = clint_time(test->board);
        uint64_t after = csr_read(time);
        test_true(test, "the time CSR and mtime differ",
                  before <= mtime && mtime <= after);
    }
    return NULL;
}

struct row {
    const char *name;
    op_fn *op;
    uint64_t a;
    uint64_t cause, epc, tval;
    bool tval_may_be_0; /* where the hart may choose to tell nothing */
};

static void check_row(struct test *test, const struct row *row)
{
    struct trap trap;

    trap_run(&trap, row->op, row->a, 0);
    if (!test_trap(test, row->name, &trap, row->cause))
        return;
    test_equal(test, "  its mepc", trap.epc, row->epc);
    if (!row->tval_may_be_0 || trap.tval != 0)
        test_equal(test, "  its mtval", trap.tval, row->tval);
    /* MIE moved to MPIE. */
    test_equal(test, "  its mstatus.MPP, MPIE, MIE",
               trap.status & (MSTATUS_MPP | MSTATUS_MPIE | MSTATUS_MIE),
               MSTATUS_MPP | (csr_read(mstatus) & MSTATUS_MIE) << 4);
}

const char *test_exceptions(struct test *test)
{
    uint64_t hole = board_hole(test->board);
    uint64_t ebreak = (uintptr_t)op_ebreak;
    uint64_t c_ebreak = (uintptr_t)op_c_ebreak;
    const struct row rows[] = {
        {"ecall", op_ecall, 0, CAUSE_ECALL_M, (uintptr_t)op_ecall, 0, false},
        {"ebreak", op_ebreak, 0, CAUSE_BREAKPOINT, ebreak, ebreak, true},
        {"c.ebreak", op_c_ebreak, 0, CAUSE_BREAKPOINT, c_ebreak, c_ebreak,
         true},
        {"all ones", op_illegal_ones, 0, CAUSE_ILLEGAL,
         (uintptr_t)op_illegal_ones, 0xffffffff, true},
        {"all zeros", op_c_illegal, 0, CAUSE_ILLEGAL, (uintptr_t)op_c_illegal,
         0, true},
        {"csrw mhartid", op_csr_read_only, 0, CAUSE_ILLEGAL,
         (uintptr_t)op_csr_read_only, 0xf1451073, true},
        {"missing CSR", op_csr_missing, 0, CAUSE_ILLEGAL,
         (uintptr_t)op_csr_missing, 0x5c002573, true},
        {"load from nowhere", op_ld, hole, CAUSE_LOAD_ACCESS, (uintptr_t)op_ld,
         hole, false},
        {"store to nowhere", op_sd, hole + 8, CAUSE_STORE_ACCESS,
         (uintptr_t)op_sd, hole + 8, false},
        {"atomic on nowhere", op_amoadd_w, hole + 4, CAUSE_STORE_ACCESS,
         (uintptr_t)op_amoadd_w, hole + 4, false},
        {"jump to nowhere", op_jump, hole + 16, CAUSE_FETCH_ACCESS, hole + 16,
         hole + 16, false},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
        check_row(test, &rows[i]);
    return NULL;
}

static _Alignas(16) uint8_t bytes[16];

/* An odd load works as if in bytes, or traps and names its address. */
static void check_load(struct test *test, unsigned offset)
{
    uint64_t at = (uintptr_t)bytes + offset;
    uint64_t want = 0;
    struct trap trap;

    for (unsigned i = 8; i > 0; i--)
        want = want << 8 | bytes[offset + i - 1];
    if (trap_run(&trap, op_ld, at, 0)) {
        test_trap(test, "ld", &trap, CAUSE_LOAD_MISALIGNED);
        test_equal(test, "ld, mtval", trap.tval, at);
    } else {
        test_equal(test, "ld", trap.value, want);
    }
}

static void check_store(struct test *test, unsigned offset)
{
    uint64_t at = (uintptr_t)bytes + offset;
    uint64_t value = 0xa8a7a6a5a4a3a2a1;
    struct trap trap;

    if (trap_run(&trap, op_sd, at, value)) {
        test_trap(test, "sd", &trap, CAUSE_STORE_MISALIGNED);
        test_equal(test, "sd, mtval", trap.tval, at);
        return;
    }
    for (unsigned i = 0; i < 8; i++)
        test_equal(test, "sd", bytes[offset + i], value >> 8 * i & 0xff);
}

/*
 * Atomic operations never work at odd addresses (without Zam): they trap as
 * misaligned, or as access faults where nobody shall emulate them.
 */
static void check_atomic(struct test *test, const char *name, op_fn *op,
                         uint64_t misaligned, uint64_t access)
{
    uint64_t at = (uintptr_t)bytes + 2;
    struct trap trap;

    trap_run(&trap, op, at, 0);
    if (trap.cause != access && !test_trap(test, name, &trap, misaligned))
        return;
    test_equal(test, "  its mtval", trap.tval, at);
}

const char *test_misaligned(struct test *test)
{
    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(0x81 + i);
    for (unsigned i = 1; i < 8; i++)
        check_load(test, i);
    for (unsigned i = 1; i < 8; i++)
        check_store(test, i);
    if (!board_has(test->board, "a"))
        return NULL;
    check_atomic(test, "lr.w", op_lr_w, CAUSE_LOAD_MISALIGNED,
                 CAUSE_LOAD_ACCESS);
    check_atomic(test, "sc.d", op_sc_d, CAUSE_STORE_MISALIGNED,
                 CAUSE_STORE_ACCESS);
    check_atomic(test, "amoadd.d", op_amoadd_d, CAUSE_STORE_MISALIGNED,
                 CAUSE_STORE_ACCESS);
    return NULL;
}
