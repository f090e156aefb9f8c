/*
 * Exceptions, interrupts and the returns from them; priv 3.1, 3.3, 4.1.
 */
#include <inttypes.h>

#include "cpu/core/engine.h"
#include "cpu/core/atomic.h"
#include "cpu/riscv/riscv.h"

static const char *const cause_names[] = {
    [CAUSE_FETCH_MISALIGNED] = "instruction address misaligned",
    [CAUSE_FETCH_ACCESS] = "instruction access fault",
    [CAUSE_ILLEGAL] = "illegal instruction",
    [CAUSE_BREAKPOINT] = "breakpoint",
    [CAUSE_LOAD_MISALIGNED] = "load address misaligned",
    [CAUSE_LOAD_ACCESS] = "load access fault",
    [CAUSE_STORE_MISALIGNED] = "store/AMO address misaligned",
    [CAUSE_STORE_ACCESS] = "store/AMO access fault",
    [CAUSE_ECALL_U] = "environment call from U-mode",
    [CAUSE_ECALL_S] = "environment call from S-mode",
    [CAUSE_ECALL_M] = "environment call from M-mode",
    [CAUSE_FETCH_PAGE] = "instruction page fault",
    [CAUSE_LOAD_PAGE] = "load page fault",
    [CAUSE_STORE_PAGE] = "store/AMO page fault",
};

void riscv_raise(struct cpu *c, unsigned cause, uint64_t tval)
{
    struct riscv_cpu *g = riscv(c);

    g->cause = cause;
    g->tval = tval;
    cpu_raise(c);
}

bool riscv_illegal(struct cpu *c)
{
    riscv_raise(c, CAUSE_ILLEGAL, 0);
    return false;
}

/* The encoding at pc, for the tval of an illegal instruction. */
static uint64_t encoding_at_pc(struct cpu *c)
{
    uint8_t bytes[4] = {0};
    struct translation t;

    for (unsigned i = 0; i < 4; i += 2) {
        const uint8_t *host;

        if (i == 2 && (bytes[0] & 3) != 3)
            break;
        if (!riscv_translate(c, isa_address(c, c->pc + i), 2, ACCESS_FETCH, true, &t))
            break;
        host = memory_host(c->env.memory, t.pa, 2, false);
        if (!host)
            break;
        memcpy(bytes + i, host, 2);
    }
    return ld_le32(bytes);
}

static void log_trap(struct cpu *c, bool interrupt, uint64_t cause,
                     uint64_t tval, unsigned to)
{
    const char *what = interrupt ? "interrupt" : "exception";
    const char *name = "";

    if (!interrupt && cause < sizeof(cause_names) / sizeof(cause_names[0]) &&
        cause_names[cause])
        name = cause_names[cause];
    log_line(c->env.log, LOG_INT,
             "hart %u: %s %" PRIu64 " (%s) from %c to %c, pc 0x%" PRIx64
             ", tval 0x%" PRIx64,
             c->id, what, cause, name, "US?M"[riscv(c)->priv], "US?M"[to],
             c->pc, tval);
}

static uint64_t vector(struct riscv_cpu *g, uint64_t tvec, bool interrupt,
                       uint64_t cause)
{
    uint64_t base = tvec & ~(uint64_t)3;

    if (interrupt && (tvec & 1))
        base += 4 * cause;
    return isa_address(&g->core, base);
}

/* mcause or scause. */
static uint64_t cause_bits(const struct riscv_cpu *g, bool interrupt,
                           uint64_t cause)
{
    return cause | (uint64_t)interrupt << (riscv_xlen(g) - 1);
}

static void enter_s(struct riscv_cpu *g, bool interrupt, uint64_t cause,
                    uint64_t tval)
{
    uint64_t sie = g->mstatus & MSTATUS_SIE;

    g->scause = cause_bits(g, interrupt, cause);
    g->sepc = g->core.pc;
    g->stval = tval;
    g->mstatus &= ~(MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_SIE);
    g->mstatus |= sie << 4 | (g->priv == PRIV_S ? MSTATUS_SPP : 0);
    riscv_set_priv(g, PRIV_S, g->core.icount);
    g->core.pc = vector(g, g->stvec, interrupt, cause);
}

static void enter_m(struct riscv_cpu *g, bool interrupt, uint64_t cause,
                    uint64_t tval)
{
    uint64_t mie = g->mstatus & MSTATUS_MIE;

    g->mcause = cause_bits(g, interrupt, cause);
    g->mepc = g->core.pc;
    g->mtval = tval;
    g->mstatus &= ~(MSTATUS_MPIE | MSTATUS_MPP | MSTATUS_MIE);
    g->mstatus |= mie << 4 | (uint64_t)g->priv << 11;
    riscv_set_priv(g, PRIV_M, g->core.icount);
    g->core.pc = vector(g, g->mtvec, interrupt, cause);
}

static void trap(struct riscv_cpu *g, bool interrupt, uint64_t cause,
                 uint64_t tval, bool to_s)
{
    if (log_on(g->core.env.log, LOG_INT))
        log_trap(&g->core, interrupt, cause, tval, to_s ? PRIV_S : PRIV_M);
    if (to_s)
        enter_s(g, interrupt, cause, tval);
    else
        enter_m(g, interrupt, cause, tval);
    riscv_update_contexts(g);
}

void riscv_deliver(struct cpu *c)
{
    struct riscv_cpu *g = riscv(c);

    if (g->cause == CAUSE_ILLEGAL && g->tval == 0)
        g->tval = encoding_at_pc(c);
    trap(g, false, g->cause, g->tval,
         g->priv <= PRIV_S && (g->medeleg >> g->cause & 1));
}

/* ----------------------------------------------------------- interrupts */

uint64_t riscv_mip(struct riscv_cpu *g)
{
    return atomic_load_explicit(&g->lines, memory_order_relaxed) |
           (g->mip_soft & ~(g->mvien & MIP_BIT(IRQ_SEI)));
}

bool riscv_wakes(struct cpu *c)
{
    struct riscv_cpu *g = riscv(c);

    return (riscv_pending(g, false) | riscv_pending(g, true)) != 0;
}

/* The pending and enabled ones that this privilege and its enable bit let
 * through; M mode's before S mode's (*to_s). */
static uint64_t due(struct riscv_cpu *g, bool *to_s)
{
    uint64_t bits = riscv_pending(g, false);

    *to_s = false;
    if (bits && (g->priv < PRIV_M || (g->mstatus & MSTATUS_MIE)))
        return bits;
    *to_s = true;
    if (g->priv < PRIV_S || (g->priv == PRIV_S && (g->mstatus & MSTATUS_SIE)))
        return riscv_pending(g, true);
    return 0;
}

bool riscv_due(struct riscv_cpu *g)
{
    bool to_s;

    return due(g, &to_s) != 0;
}

bool riscv_interrupt(struct cpu *c)
{
    struct riscv_cpu *g = riscv(c);
    uint64_t bits;
    bool to_s;

    if (atomic_load_explicit(&g->time_jumped, memory_order_acquire)) {
        atomic_store(&g->time_jumped, false);
        riscv_update_stimer(g);
    }
    riscv_counters_overflow(g, c->icount);
    bits = due(g, &to_s);
    if (!bits)
        return false;
    c->halted = false;
    trap(g, true, riscv_highest(g, to_s, bits), 0, to_s);
    return true;
}

void riscv_input(struct cpu *c, unsigned line, bool level)
{
    struct riscv_cpu *g = riscv(c);

    /* SSWI's wire has edges; software clears SSIP. */
    if (level)
        atomic_fetch_or(&g->lines, MIP_BIT(line));
    else if (line != IRQ_SSI)
        atomic_fetch_and(&g->lines, ~MIP_BIT(line));
    if (level)
        cpu_kick(c);
}

/* -------------------------------------------------------------- helpers */

bool riscv_ecall(struct cpu *c)
{
    riscv_raise(c, CAUSE_ECALL_U + riscv(c)->priv, 0);
    return false;
}

/* The return itself is the old privilege's. */
static void set_priv_next(struct riscv_cpu *g, unsigned priv)
{
    riscv_set_priv(g, priv, cpu_icount(&g->core) + 1);
}

bool riscv_sret(struct cpu *c)
{
    struct riscv_cpu *g = riscv(c);
    uint64_t m = g->mstatus;

    if (g->priv < PRIV_S || (g->priv == PRIV_S && (m & MSTATUS_TSR)))
        return riscv_illegal(c);
    set_priv_next(g, m & MSTATUS_SPP ? PRIV_S : PRIV_U);
    m &= ~(MSTATUS_SIE | MSTATUS_SPP | MSTATUS_MPRV);
    m |= (m & MSTATUS_SPIE) >> 4 | MSTATUS_SPIE;
    g->mstatus = m;
    riscv_update_contexts(g);
    if (riscv_due(g))
        c->leave = true;
    c->scratch = g->sepc;
    return true;
}

bool riscv_mret(struct cpu *c)
{
    struct riscv_cpu *g = riscv(c);
    uint64_t m = g->mstatus;

    if (g->priv < PRIV_M)
        return riscv_illegal(c);
    set_priv_next(g, m >> 11 & 3);
    if (g->priv != PRIV_M)
        m &= ~MSTATUS_MPRV;
    m &= ~(MSTATUS_MIE | MSTATUS_MPP);
    m |= (m & MSTATUS_MPIE) >> 4 | MSTATUS_MPIE;
    g->mstatus = m;
    riscv_update_contexts(g);
    if (riscv_due(g))
        c->leave = true;
    c->scratch = g->mepc;
    return true;
}

bool riscv_wfi(struct cpu *c)
{
    struct riscv_cpu *g = riscv(c);

    /* U mode may not wait at all, priv 3.3.3. */
    if (g->priv == PRIV_U ||
        (g->priv == PRIV_S && (g->mstatus & MSTATUS_TW)))
        return riscv_illegal(c);
    c->halted = true;
    c->leave = true;
    return true;
}

enum fence_set { FENCE_W = 1, FENCE_R = 2, FENCE_O = 4, FENCE_I = 8 };
#define FENCE_TSO 8

/* Only a write before a read needs more than acquire and release; on hosts
 * that keep all other orders themselves those cost nothing.  Devices count as
 * memory. */
void riscv_fence(struct cpu *c, uint8_t fm, uint8_t pred, uint8_t succ)
{
    const uint8_t all = FENCE_R | FENCE_W;

    (void)c;
    if ((pred & (FENCE_W | FENCE_O)) && (succ & (FENCE_R | FENCE_I)) &&
        !(fm == FENCE_TSO && pred == all && succ == all))
        atomic_thread_fence(memory_order_seq_cst);
    else
        atomic_thread_fence(memory_order_acq_rel);
}

void riscv_fence_i(struct cpu *c)
{
    cpu_sync_code(c);
}

bool riscv_sfence_vma(struct cpu *c, uint64_t va, uint64_t asid, uint8_t rs1,
                      uint8_t rs2)
{
    struct riscv_cpu *g = riscv(c);

    if (g->priv == PRIV_U ||
        (g->priv == PRIV_S && (g->mstatus & MSTATUS_TVM)))
        return riscv_illegal(c);
    /* A page is forgotten in every address space: more than is asked. */
    if (!rs1 && rs2)
        riscv_forget_contexts(g, (int32_t)(asid & 0xffff));
    else if (!rs1 || !cpu_flush_page(c, va))
        riscv_forget_contexts(g, -1);
    riscv_update_contexts(g);
    c->leave = true;
    return true;
}

/* SFENCE.W.INVAL and SFENCE.INVAL.IR: SINVAL.VMA has done it all, so there is
 * nothing left to order; TVM does not matter, Svinval. */
bool riscv_sfence_inval(struct cpu *c)
{
    return riscv(c)->priv != PRIV_U || riscv_illegal(c);
}

/* ------------------------------------------------------------- LR and SC */

/*
 * SC compares and swaps, and fails if the hart accessed memory since its LR
 * (cpu_watch()) or trapped.  So when it succeeds LR might as well have been
 * done at that very moment: nothing in between could tell, and a store of the
 * same value by another hart came before it.  Sequences that are sure to
 * succeed in the end access no memory in between, unpriv 13.3.
 */

static bool load_reserved(struct cpu *c, uint64_t va, unsigned size)
{
    struct riscv_cpu *g = riscv(c);
    const void *host;

    if (va & (size - 1)) {
        riscv_raise(c, CAUSE_LOAD_MISALIGNED, va);
        return false;
    }
    host = cpu_host(c, va, size, ACCESS_READ);
    if (!host)
        return false;
    if (size == 4)
        c->scratch = (uint64_t)(int64_t)(int32_t)BASE_LE(
            32, __atomic_load_n((const uint32_t *)host, __ATOMIC_SEQ_CST));
    else
        c->scratch = BASE_LE(
            64, __atomic_load_n((const uint64_t *)host, __ATOMIC_SEQ_CST));
    g->reservation = (uintptr_t)host;
    g->reserved_value = c->scratch;
    g->reserved_size = (uint8_t)size;
    cpu_watch(c);
    return true;
}

/* The reservation is the host address, so that two mappings of one place
 * are one.  It ends with every SC. */
static bool store_conditional(struct cpu *c, uint64_t va, unsigned size,
                              uint64_t value)
{
    struct riscv_cpu *g = riscv(c);
    bool quiet = cpu_watch_end(c);
    uint64_t held = g->reservation;
    void *host;

    if (va & (size - 1)) {
        riscv_raise(c, CAUSE_STORE_MISALIGNED, va);
        return false;
    }
    g->reservation = UINT64_MAX;
    c->scratch = 1;
    if (!quiet || held == UINT64_MAX || g->reserved_size != size)
        return true;
    host = cpu_host(c, va, size, ACCESS_WRITE);
    if (!host)
        return false;
    if ((uintptr_t)host == held)
        c->scratch = !atomic_cas(host, size, g->reserved_value, value);
    return true;
}

bool riscv_lr_w(struct cpu *c, uint64_t va)
{
    return load_reserved(c, va, 4);
}

bool riscv_lr_d(struct cpu *c, uint64_t va)
{
    return load_reserved(c, va, 8);
}

bool riscv_sc_w(struct cpu *c, uint64_t va, uint32_t value)
{
    return store_conditional(c, va, 4, value);
}

bool riscv_sc_d(struct cpu *c, uint64_t va, uint64_t value)
{
    return store_conditional(c, va, 8, value);
}
