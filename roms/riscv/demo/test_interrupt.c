/*
 * Self-test of interrupts: timer and software interrupt through the CLINT, an
 * external one from the UART through the PLIC, the supervisor's timer, and
 * software interrupts to the other harts.
 */
#include "clint.h"
#include "csr.h"
#include "lib.h"
#include "print.h"
#include "test.h"
#include "trap.h"

/* A host may be busy elsewhere; to wait longer costs nothing if all is well. */
#define PATIENCE 5 /* seconds */

/* What parked harts use: see start.S. */
uint64_t park_msip;
volatile uint64_t park_answers;

static unsigned count_timer(void)
{
    return trap_interrupts().timer;
}

static unsigned count_software(void)
{
    return trap_interrupts().software;
}

static unsigned count_answers(void)
{
    return (unsigned)park_answers;
}

/* Wait until the count differs from `old`. */
static bool wait_for(const struct board *board, unsigned (*count)(void),
                     unsigned old)
{
    uint64_t start = board_ticks(board);
    uint64_t limit = PATIENCE * (uint64_t)board->timebase;

    while (count() == old) {
        if (board_ticks(board) - start > limit)
            return count() != old;
    }
    return true;
}

/* Whether bits of mip become `want`: they may lag behind their cause. */
static bool wait_for_mip(const struct board *board, uint64_t bits,
                         uint64_t want)
{
    uint64_t start = board_ticks(board);
    uint64_t limit = PATIENCE * (uint64_t)board->timebase;

    while ((csr_read(mip) & bits) != want) {
        if (board_ticks(board) - start > limit)
            return false;
    }
    return true;
}

/* Sleep until the timer fires: wfi wakes for it even while MIE is off. */
static void sleep_until_timer(unsigned old)
{
    csr_clear(mstatus, MSTATUS_MIE);
    while (count_timer() == old) {
        wait_for_interrupt();
        csr_set(mstatus, MSTATUS_MIE);
        csr_clear(mstatus, MSTATUS_MIE);
    }
    csr_set(mstatus, MSTATUS_MIE);
}

const char *test_timer(struct test *test)
{
    const struct board *board = test->board;
    uint64_t delay = board->timebase / 1000; /* 1 ms */
    unsigned old = count_timer();

    if (!board->clint.present)
        return "the tree names no CLINT";
    uint64_t when = clint_time(board) + delay;
    clint_set_timer(board, when);
    test_true(test, "no interrupt came", wait_for(board, count_timer, old));
    if (count_timer() == old)
        return NULL; /* do not sleep for what does not come */
    test_true(test, "it came too early", clint_time(board) >= when);
    test_equal(test, "interrupts", count_timer(), old + 1);

    when = clint_time(board) + delay;
    clint_set_timer(board, when);
    sleep_until_timer(old + 1);
    test_true(test, "wfi ended too early", clint_time(board) >= when);
    return NULL;
}

const char *test_software(struct test *test)
{
    const struct board *board = test->board;
    unsigned old = count_software();

    if (!board->clint.present)
        return "the tree names no CLINT";
    clint_set_software(board, board->clint.hart_index, true);
    test_true(test, "no interrupt came", wait_for(board, count_software, old));
    test_equal(test, "interrupts", count_software(), old + 1);
    test_true(test, "mip.MSIP stays set", wait_for_mip(board, MIE_MSIE, 0));
    return NULL;
}

const char *test_external(struct test *test)
{
    const struct board *board = test->board;
    unsigned old = console_transmit_interrupts();

    if (!board->plic.present || board->uart.irq == 0)
        return "the tree names no PLIC for the UART";
    console_ask_transmit_interrupt();
    test_true(test, "no interrupt came",
              wait_for(board, console_transmit_interrupts, old));
    test_equal(test, "interrupts", console_transmit_interrupts(), old + 1);
    test_equal(test, "the PLIC's claim", trap_interrupts().last_irq,
               board->uart.irq);
    test_true(test, "mip.MEIP stays set", wait_for_mip(board, MIE_MEIE, 0));
    return NULL;
}

/* STIP follows the comparison of time with stimecmp. */
static void check_stimecmp(struct test *test)
{
    const struct board *board = test->board;

    csr_write(CSR_STIMECMP, UINT64_MAX);
    test_true(test, "mip.STIP is set before its time",
              wait_for_mip(board, MIE_STIE, 0));
    csr_write(CSR_STIMECMP, csr_read(time));
    test_true(test, "mip.STIP is clear when it is time",
              wait_for_mip(board, MIE_STIE, MIE_STIE));
    csr_write(CSR_STIMECMP, UINT64_MAX);
    test_true(test, "mip.STIP stays set", wait_for_mip(board, MIE_STIE, 0));
}

const char *test_sstc(struct test *test)
{
    if (!board_has(test->board, "sstc"))
        return "the ISA string names no Sstc";
    csr_set(CSR_MENVCFG, MENVCFG_STCE);
    check_stimecmp(test);
    csr_clear(CSR_MENVCFG, MENVCFG_STCE);
    return NULL;
}

/* Each parked hart answers a software interrupt. */
const char *test_harts(struct test *test)
{
    const struct board *board = test->board;
    uint32_t node = FDT_NONE;
    uint32_t id, index;
    unsigned others = 0;

    if (!board->clint.present)
        return "the tree names no CLINT";
    while ((node = board_next_hart(board, node, &id)) != FDT_NONE) {
        if (id == 0 || !fdt_enabled(&board->fdt, node) ||
            !clint_hart_index(board, id, &index))
            continue;
        unsigned old = count_answers();
        park_msip = clint_msip(board, index);
        fence();
        clint_set_software(board, index, true);
        test_true(test, "a hart does not answer",
                  wait_for(board, count_answers, old));
        others++;
    }
    return others == 0 ? "there are none" : NULL;
}
