/*
 * The random machines of fuzz.h, each in a file of its own.  They are made for
 * RV64; a hart of RV32 gets what of them fits its registers, and Sv32's page
 * tables for FUZZ_WILD.
 */
#include "tests/cpu/riscv/fuzz_emit.h"

/* What was made, as far as RV32 can hold it. */
static void narrow(struct riscv_cpu *g)
{
    uint64_t *const wide[] = {
        &g->mtvec, &g->mscratch, &g->mepc,     &g->mcause, &g->mtval,
        &g->stvec, &g->sscratch, &g->sepc,     &g->scause, &g->stval,
        &g->mie,   &g->mideleg,  &g->core.pc,
    };

    for (unsigned i = 0; i < 32; i++)
        g->x[i] = (uint32_t)g->x[i];
    for (unsigned i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
        *wide[i] = (uint32_t)*wide[i];
    for (unsigned i = 0; i < PMP_ENTRIES; i++)
        g->pmpaddr[i] = (uint32_t)g->pmpaddr[i];
    g->mstatus &= ~(MSTATUS_UXL | MSTATUS_SXL);
    if (g->satp >> 32) /* RV64's */
        g->satp = 0;
    riscv_pmp_changed(g);
    riscv_update_contexts(g);
}

static void narrow_jolt(struct rig *r)
{
    r->wide_jolt(r);
    narrow(r->g);
}

/* Tables that point at each other, at code and at nothing. */
static void wild_sv32(struct rig *r, struct fuzz_random *f)
{
    for (unsigned i = 0; i < 16 * 1024; i++) {
        uint64_t e = fuzz_entry(RIG_RAM + fuzz_below(f, 0x30) * 4096, 1);

        if (!fuzz_once_in(f, 3))
            e |= fuzz_random(f) & 0xff;
        if (fuzz_once_in(f, 20))
            e = fuzz_random(f);
        st_le32(r->ram->host + AT_PAGING + i * 4u, (uint32_t)e);
    }
    r->g->satp = UINT64_C(1) << 31 | (RIG_RAM + AT_PAGING) >> 12;
    riscv_update_contexts(r->g);
}

void fuzz_fill(struct rig *r, enum fuzz_kind kind, uint64_t seed)
{
    static void (*const fill[])(struct rig *, struct fuzz_random *) = {
        [FUZZ_SYSTEM] = fuzz_fill_system,
        [FUZZ_LOOPS] = fuzz_fill_loops,
        [FUZZ_BARE] = fuzz_fill_bare,
        [FUZZ_WILD] = fuzz_fill_wild,
    };
    struct fuzz_random f = {seed * FUZZ_KINDS + kind};

    fill[kind](r, &f);
    if (riscv_xlen(r->g) == 64)
        return;
    narrow(r->g);
    if (kind == FUZZ_WILD)
        wild_sv32(r, &f);
    if (r->jolt) {
        r->wide_jolt = r->jolt;
        r->jolt = narrow_jolt;
    }
}
