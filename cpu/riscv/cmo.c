/*
 * Cache-block operations and waiting for memory: Zicbom, Zicboz, Zawrs,
 * Zihintpause.
 *
 * The RISC-V Instruction Set Manual, Volume I 20240411, chapters "CMO" (19),
 * "Zawrs" (13) and "Zihintpause" (11).
 * There is no cache, so a block's management only checks whether the block
 * may be reached, and cbo.inval is cbo.flush.  A hart that would stall gives
 * its host processor away once, which is a time-out at once.
 */
#include <sched.h>

#include "cpu/core/engine.h"
#include "cpu/riscv/riscv.h"

/* Zic64b */
#define BLOCK 64u

static bool store_fault(struct cpu *c, unsigned cause, uint64_t va)
{
    riscv_raise(c, cause, va);
    return false;
}

/* menvcfg and, for U mode, senvcfg must have one of these bits. */
static bool enabled(struct cpu *c, uint64_t bits)
{
    const struct riscv_cpu *g = riscv(c);

    if ((g->priv != PRIV_M && !(g->menvcfg & bits)) ||
        (g->priv == PRIV_U && !(g->senvcfg & bits)))
        return riscv_illegal(c);
    return true;
}

/*
 * May the block be accessed so?  Every fault is a store's, of the address
 * that the instruction names.  *kind: what lies there.
 */
static bool reach(struct cpu *c, uint64_t va, enum access access,
                  enum region_kind *kind)
{
    struct translation t;
    struct span s;

    if (!riscv_translate(c, va & ~(uint64_t)(BLOCK - 1), BLOCK, access, false,
                         &t)) {
        bool page = riscv(c)->cause == CAUSE_LOAD_PAGE ||
                    riscv(c)->cause == CAUSE_STORE_PAGE;

        return store_fault(c, page ? CAUSE_STORE_PAGE : CAUSE_STORE_ACCESS, va);
    }
    if (!memory_find(c->env.memory, t.pa, &s))
        return store_fault(c, CAUSE_STORE_ACCESS, va);
    *kind = s.region->kind;
    return true;
}

/* What may be stored to may be loaded from, so a load's rights decide. */
static bool manage(struct cpu *c, uint64_t va, uint64_t bits)
{
    enum region_kind kind;

    return enabled(c, bits) && reach(c, va, ACCESS_READ, &kind);
}

bool riscv_cbo_inval(struct cpu *c, uint64_t va)
{
    return manage(c, va, ENVCFG_CBIE);
}

bool riscv_cbo_clean(struct cpu *c, uint64_t va)
{
    return manage(c, va, ENVCFG_CBCFE);
}

bool riscv_cbo_zero(struct cpu *c, uint64_t va)
{
    const uint64_t block = va & ~(uint64_t)(BLOCK - 1);
    const struct tlb_entry *e = &c->write[tlb_index(block)];
    enum region_kind kind;

    if (!enabled(c, ENVCFG_CBZE))
        return false;
    /* An entry is for all of its page: kernels clear pages so. */
    if (!TLB_MISS(e, block, 8)) {
        for (unsigned n = 0; n < BLOCK; n += 8)
            ram_st64(tlb_host(e, block + n), 0);
        return true;
    }
    if (!reach(c, va, ACCESS_WRITE, &kind))
        return false;
    /* Devices have no blocks. */
    if (kind == REGION_MMIO)
        return store_fault(c, CAUSE_STORE_ACCESS, va);
    for (unsigned n = 0; n < BLOCK; n += 8)
        if (!cpu_store(c, block + n, 8, 0))
            return false;
    return true;
}

void riscv_pause(struct cpu *c)
{
    (void)c;
    sched_yield();
}

/* Without a reservation, or with an interrupt pending (enabled or not where
 * the hart is), there is nothing to wait for. */
bool riscv_wrs(struct cpu *c, uint8_t no_timeout)
{
    const struct riscv_cpu *g = riscv(c);

    if (g->reservation == UINT64_MAX || riscv_wakes(c))
        return true;
    if (no_timeout && g->priv != PRIV_M && (g->mstatus & MSTATUS_TW))
        return riscv_illegal(c);
    riscv_pause(c);
    return true;
}
