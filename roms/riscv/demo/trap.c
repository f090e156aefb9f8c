/*
 * Traps of hart 0: interrupts are served, exceptions end what trap_run called.
 *
 * Models: Privileged ISA 1.12, chapter 3.  Missing: vectored mode, and nesting
 * of interrupts, neither of which the demo needs.
 */
#include "trap.h"

#include "clint.h"
#include "console.h"
#include "csr.h"
#include "lib.h"
#include "plic.h"
#include "print.h"

/* What trap_entry of start.S saves. */
struct trap_frame {
    uint64_t regs[32];
    uint64_t epc, cause, tval, status;
};

_Static_assert(offsetof(struct trap_frame, epc) == FRAME_EPC, "start.S");
_Static_assert(offsetof(struct trap_frame, status) == FRAME_STATUS, "start.S");
_Static_assert(sizeof(struct trap_frame) == FRAME_SIZE, "start.S");

/* A place to return to when a trap comes; guard_call knows the first member. */
struct guard {
    uint64_t regs[14]; /* ra, sp, s0 to s11 */
    struct guard *outer;
    struct trap trap;
};

uintptr_t guard_call(struct guard *guard, trap_fn *fn, uintptr_t a,
                     uintptr_t b);
_Noreturn void guard_resume(struct guard *guard);
void trap_handle(struct trap_frame *frame);

static struct {
    struct guard *guard; /* the innermost one */
    const struct board *board;
    bool panicking;
    volatile struct interrupts interrupts;
} state;

#define INTERRUPT (UINT64_C(1) << 63)
#define REG_A0 10

static uintptr_t no_delegation(uintptr_t a, uintptr_t b)
{
    csr_write(medeleg, a);
    csr_write(mideleg, b);
    return 0;
}

void trap_init(void)
{
    csr_write(mie, 0);
    /* Without S-mode these registers do not exist: a trap, which is fine. */
    trap_run(NULL, no_delegation, 0, 0);
}

void trap_enable_interrupts(const struct board *board)
{
    state.board = board;
    if (board->clint.present) {
        clint_set_timer(board, UINT64_MAX);
        csr_set(mie, MIE_MSIE | MIE_MTIE);
    }
    if (board->plic.present && board->uart.irq != 0) {
        plic_enable_only(board, board->uart.irq);
        csr_set(mie, MIE_MEIE);
        console_use_interrupts();
    }
    csr_set(mstatus, MSTATUS_MIE);
}

struct interrupts trap_interrupts(void)
{
    return state.interrupts;
}

bool trap_run(struct trap *trap, trap_fn *fn, uintptr_t a, uintptr_t b)
{
    struct guard guard; /* all set before use; to clear it would take long */
    uint64_t status = csr_read(mstatus);

    guard.outer = state.guard;
    guard.trap.taken = false;
    state.guard = &guard;
    guard.trap.value = guard_call(&guard, fn, a, b);
    state.guard = guard.outer;
    csr_write(mstatus, status);
    if (trap != NULL)
        *trap = guard.trap;
    return guard.trap.taken;
}

static void serve_external(void)
{
    uint32_t irq;

    while ((irq = plic_claim(state.board)) != 0) {
        state.interrupts.last_irq = irq;
        if (irq == state.board->uart.irq)
            console_interrupt();
        plic_complete(state.board, irq);
        state.interrupts.external++;
    }
}

static void serve_interrupt(uint64_t number)
{
    switch (number) {
    case 3:
        clint_set_software(state.board, state.board->clint.hart_index, false);
        state.interrupts.software++;
        break;
    case 7:
        clint_set_timer(state.board, UINT64_MAX);
        state.interrupts.timer++;
        break;
    case 11:
        serve_external();
        break;
    default:
        /* Nobody asked for it: never again. */
        csr_clear(mie, UINT64_C(1) << number);
        break;
    }
}

/* Nobody guards the demo itself: say so and stop. */
_Noreturn static void panic(const struct trap_frame *frame)
{
    bool again = state.panicking;

    csr_write(mie, 0);
    state.panicking = true;
    while (again)
        wait_for_interrupt(); /* printing does not work either */
    print("\npanic: %s at %lx, mtval %lx, mcause %lx\n",
          trap_name(frame->cause), frame->epc, frame->tval, frame->cause);
    for (;;)
        wait_for_interrupt();
}

void trap_handle(struct trap_frame *frame)
{
    struct guard *guard = state.guard;

    if ((frame->cause & INTERRUPT) != 0) {
        serve_interrupt(frame->cause & ~INTERRUPT);
        return;
    }
    if (guard == NULL)
        panic(frame);
    guard->trap = (struct trap){
        .taken = true,
        .cause = frame->cause,
        .epc = frame->epc,
        .tval = frame->tval,
        .status = frame->status,
        .a0 = frame->regs[REG_A0],
    };
    guard_resume(guard);
}

const char *trap_name(uint64_t cause)
{
    static const char *const names[] = {
        [CAUSE_FETCH_MISALIGNED] = "misaligned fetch",
        [CAUSE_FETCH_ACCESS] = "fetch access fault",
        [CAUSE_ILLEGAL] = "illegal instruction",
        [CAUSE_BREAKPOINT] = "breakpoint",
        [CAUSE_LOAD_MISALIGNED] = "misaligned load",
        [CAUSE_LOAD_ACCESS] = "load access fault",
        [CAUSE_STORE_MISALIGNED] = "misaligned store",
        [CAUSE_STORE_ACCESS] = "store access fault",
        [CAUSE_ECALL_U] = "ecall from U-mode",
        [CAUSE_ECALL_S] = "ecall from S-mode",
        [CAUSE_ECALL_M] = "ecall from M-mode",
        [CAUSE_FETCH_PAGE] = "fetch page fault",
        [CAUSE_LOAD_PAGE] = "load page fault",
        [CAUSE_STORE_PAGE] = "store page fault",
    };

    if (cause >= ARRAY_SIZE(names) || names[cause] == NULL)
        return "unknown exception";
    return names[cause];
}

static uintptr_t load(uintptr_t address, uintptr_t size)
{
    switch (size) {
    case 1:
        return *(volatile uint8_t *)address;
    case 2:
        return *(volatile uint16_t *)address;
    case 4:
        return *(volatile uint32_t *)address;
    default:
        return *(volatile uint64_t *)address;
    }
}

bool probe_load(uint64_t address, unsigned size, uint64_t *value)
{
    struct trap trap;

    if (trap_run(&trap, load, address, size))
        return false;
    *value = trap.value;
    return true;
}

/* A store for store(): three values do not fit through trap_run. */
struct store {
    unsigned size;
    uint64_t value;
};

static uintptr_t store(uintptr_t address, uintptr_t what)
{
    const struct store *s = (const struct store *)what;

    switch (s->size) {
    case 1:
        *(volatile uint8_t *)address = (uint8_t)s->value;
        break;
    case 2:
        *(volatile uint16_t *)address = (uint16_t)s->value;
        break;
    case 4:
        *(volatile uint32_t *)address = (uint32_t)s->value;
        break;
    default:
        *(volatile uint64_t *)address = s->value;
        break;
    }
    return 0;
}

bool probe_store(uint64_t address, unsigned size, uint64_t value)
{
    struct store s = {size, value};

    return !trap_run(NULL, store, address, (uintptr_t)&s);
}
