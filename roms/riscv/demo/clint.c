/*
 * SiFive's core-local interruptor: software interrupts and the timer.
 *
 * Models: SiFive FU540-C000 Manual, chapter 9 "CLINT".
 */
#include "clint.h"

#include "board.h"

#define MSIP_IRQ 3
#define MTIMECMP 0x4000

bool clint_hart_index(const struct board *board, uint32_t hart, uint32_t *index)
{
    uint32_t at;

    /* The list has two entries a hart, software and timer interrupt. */
    if (!board_hart_interrupt(board, board->clint.node, hart, MSIP_IRQ, &at))
        return false;
    *index = at / 2;
    return true;
}

uint64_t clint_msip(const struct board *board, uint32_t index)
{
    return board->clint.base + 4 * (uint64_t)index;
}

void clint_set_software(const struct board *board, uint32_t index, bool on)
{
    *(volatile uint32_t *)clint_msip(board, index) = on;
}

uint64_t clint_time(const struct board *board)
{
    return *(volatile uint64_t *)(board->clint.base + CLINT_MTIME);
}

void clint_set_timer(const struct board *board, uint64_t when)
{
    uint64_t at =
        board->clint.base + MTIMECMP + 8 * (uint64_t)board->clint.hart_index;

    *(volatile uint64_t *)at = when;
}
