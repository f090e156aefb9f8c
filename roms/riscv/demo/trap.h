/*
 * Traps of hart 0: interrupts are served, exceptions end what trap_run called.
 */
#ifndef DEMO_TRAP_H
#define DEMO_TRAP_H

#include <stdbool.h>
#include <stdint.h>

#include "board.h"

/* mcause of exceptions, Privileged ISA table 3.6. */
enum cause {
    CAUSE_FETCH_MISALIGNED = 0,
    CAUSE_FETCH_ACCESS = 1,
    CAUSE_ILLEGAL = 2,
    CAUSE_BREAKPOINT = 3,
    CAUSE_LOAD_MISALIGNED = 4,
    CAUSE_LOAD_ACCESS = 5,
    CAUSE_STORE_MISALIGNED = 6,
    CAUSE_STORE_ACCESS = 7,
    CAUSE_ECALL_U = 8,
    CAUSE_ECALL_S = 9,
    CAUSE_ECALL_M = 11,
    CAUSE_FETCH_PAGE = 12,
    CAUSE_LOAD_PAGE = 13,
    CAUSE_STORE_PAGE = 15,
};

/* What became of a guarded call. */
struct trap {
    bool taken;
    uint64_t value; /* what the function returned, if no trap was taken */
    uint64_t cause, epc, tval, status;
    uint64_t a0; /* at the time of the trap */
};

/* A function that trap_run can call. */
typedef uintptr_t trap_fn(uintptr_t a, uintptr_t b);

void trap_init(void);

/*
 * Call fn(a, b).  An exception within, in any mode, ends the call.  Returns
 * whether one was taken; *trap (unless NULL) has the details.  Guards nest.
 */
bool trap_run(struct trap *trap, trap_fn *fn, uintptr_t a, uintptr_t b);

/* What an exception is called. */
const char *trap_name(uint64_t cause);

/*
 * Interrupt counts since trap_init.  The handler turns each source off: it
 * clears msip, moves mtimecmp to the end of time, and serves the UART.
 */
struct interrupts {
    unsigned software, timer, external;
    uint32_t last_irq; /* what the PLIC said last */
};

/* Serve the board's interrupts from now on. */
void trap_enable_interrupts(const struct board *board);
struct interrupts trap_interrupts(void);

/* Loads and stores of 1, 2, 4 or 8 bytes that may fault: false if they did. */
bool probe_load(uint64_t address, unsigned size, uint64_t *value);
bool probe_store(uint64_t address, unsigned size, uint64_t value);

/* Go to `pc` with `arg` in a0, in mstatus.MPP's mode; run it by trap_run. */
trap_fn enter_lower;

#endif
