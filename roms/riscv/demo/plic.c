/*
 * The platform-level interrupt controller, as hart 0 in M-mode sees it.
 *
 * Models: RISC-V Platform-Level Interrupt Controller Specification 1.0.0.
 */
#include "plic.h"

#include "board.h"

#define PRIORITY 0
#define ENABLE 0x2000
#define ENABLE_STRIDE 0x80
#define CONTEXT 0x200000
#define CONTEXT_STRIDE 0x1000
#define CLAIM 4 /* behind the threshold */
#define MAX_IRQ 1023

static volatile uint32_t *reg(const struct board *board, uint64_t offset)
{
    return (volatile uint32_t *)(board->plic.base + offset);
}

uint64_t plic_threshold(const struct board *board)
{
    return board->plic.base + CONTEXT +
           CONTEXT_STRIDE * (uint64_t)board->plic.context;
}

static volatile uint32_t *claim_reg(const struct board *board)
{
    return (volatile uint32_t *)(plic_threshold(board) + CLAIM);
}

void plic_enable_only(const struct board *board, uint32_t irq)
{
    uint64_t enable = ENABLE + ENABLE_STRIDE * (uint64_t)board->plic.context;

    if (irq > MAX_IRQ)
        return;
    for (uint32_t i = 0; i <= board->plic.last_irq && i <= MAX_IRQ; i += 32)
        *reg(board, enable + i / 8) = 0;
    *reg(board, PRIORITY + 4 * (uint64_t)irq) = 1;
    *reg(board, enable + irq / 32 * 4) = UINT32_C(1) << irq % 32;
    *(volatile uint32_t *)plic_threshold(board) = 0;
}

uint32_t plic_claim(const struct board *board)
{
    return *claim_reg(board);
}

void plic_complete(const struct board *board, uint32_t irq)
{
    *claim_reg(board) = irq;
}
