/*
 * FUZZ_BARE: random code, registers and protection, no page tables; and
 * FUZZ_WILD, the same with page tables that are random, too.
 */
#include <string.h>

#include "tests/cpu/riscv/fuzz_emit.h"

static void random_code(struct rig *r, struct fuzz_random *f, uint64_t at,
                        uint64_t size)
{
    struct emit e = emit_at(r, f, at, size);
    uint64_t noise = 1 + fuzz_below(f, 20);

    e.calm = 1 + (unsigned)fuzz_below(f, CALM_LEVELS - 1);
    while (e.end - e.at >= 2)
        if (fuzz_once_in(f, 4 * noise))
            emit_half(&e, (uint16_t)fuzz_random(f));
        else if (fuzz_once_in(f, noise))
            emit_any(&e);
        else
            emit_piece(&e);
}

/* Small and large pieces of the code, each with permissions of its own. */
static void random_protection(struct rig *r, struct fuzz_random *f)
{
    for (unsigned i = 0; i < PMP_ENTRIES - 1; i++) {
        r->g->pmpcfg[i] = (uint8_t)fuzz_random(f) & 0x1f;
        if (fuzz_once_in(f, 2))
            r->g->pmpcfg[i] |= 7;
        r->g->pmpaddr[i] = (RIG_RAM + fuzz_below(f, 0x20000)) >> 2 |
                           ((1u << fuzz_below(f, 16)) - 1);
    }
    r->g->pmpcfg[fuzz_below(f, PMP_ENTRIES - 1)] |=
        fuzz_once_in(f, 4) ? 0x80 : 0;
    riscv_pmp_changed(r->g);
}

/* A border of two permissions a few instructions behind pc. */
static void protect_around(struct rig *r, struct fuzz_random *f, uint64_t pc)
{
    r->g->pmpaddr[0] = (pc >> 2) + fuzz_below(f, 12);
    r->g->pmpaddr[1] = r->g->pmpaddr[0] + fuzz_below(f, 200);
    r->g->pmpcfg[0] = 0xf; /* below: all is allowed */
    r->g->pmpcfg[1] = 0x8 | (uint8_t)fuzz_below(f, 8);
    riscv_pmp_changed(r->g);
}

static void enter_anywhere(struct rig *r, struct fuzz_random *f)
{
    static const uint8_t privs[] = {PRIV_U, PRIV_U, PRIV_S, PRIV_S, PRIV_M};
    uint64_t pc = RIG_RAM + fuzz_below(f, 0x10000) * 2;

    if (fuzz_once_in(f, 3))
        protect_around(r, f, pc);
    rig_enter(r, privs[fuzz_below(f, sizeof(privs))], pc);
    r->next_jolt = r->cpu->icount + 1 + fuzz_below(f, 500);
}

/* Where a trap goes that is not the end: at once into another one. */
static void random_handlers(struct rig *r, struct fuzz_random *f)
{
    r->g->mtvec = RIG_RAM + (fuzz_below(f, 0x20000) & ~UINT64_C(2));
    r->g->stvec = RIG_RAM + (fuzz_below(f, 0x20000) & ~UINT64_C(2));
}

static void bare_registers(struct rig *r, struct fuzz_random *f)
{
    r->g->x[REG_LABELS] = RIG_RAM + AT_PAGING;
    r->g->x[REG_WORDS] = RIG_ROM;
    r->g->x[REG_IO] = RIG_IO;
    r->g->x[REG_CODE] = RIG_RAM + fuzz_below(f, 0x20000);
    r->g->x[REG_DATA] = RIG_RAM + (fuzz_below(f, 0x20000) & ~UINT64_C(7));
}

static void jolt_bare(struct rig *r)
{
    struct fuzz_random f = fuzz_now(r);

    if (fuzz_once_in(&f, 3))
        fuzz_registers(r, &f);
    if (fuzz_once_in(&f, 6)) {
        fuzz_interrupts(r, &f);
        random_handlers(r, &f);
    }
    if (fuzz_once_in(&f, 6)) {
        memset(r->g->pmpcfg, 0, PMP_ENTRIES - 1);
        riscv_pmp_changed(r->g);
    } else if (fuzz_once_in(&f, 6)) {
        random_protection(r, &f);
    }
    bare_registers(r, &f);
    enter_anywhere(r, &f);
}

void fuzz_fill_bare(struct rig *r, struct fuzz_random *f)
{
    random_code(r, f, 0, 0x20000);
    fuzz_words(r, f);
    for (unsigned i = 0; i < 64; i++)
        fuzz_put64(r, AT_PAGING + i * 8u,
                   RIG_RAM + (fuzz_below(f, 0x20000) & ~UINT64_C(1)));
    fuzz_registers(r, f);
    fuzz_interrupts(r, f);
    bare_registers(r, f);
    random_handlers(r, f);
    if (fuzz_once_in(f, 2))
        random_protection(r, f);
    r->g->pmpaddr[15] = ((uint64_t)1 << 54) - 1;
    r->g->pmpcfg[15] = 0x1f;
    riscv_pmp_changed(r->g);
    enter_anywhere(r, f);
    r->jolt = jolt_bare;
}

/* Tables that point at each other, at code and at nothing. */
void fuzz_fill_wild(struct rig *r, struct fuzz_random *f)
{
    fuzz_fill_bare(r, f);
    for (unsigned i = 0; i < 16 * 512; i++) {
        uint64_t e = fuzz_entry(RIG_RAM + fuzz_below(f, 0x30) * 4096, 1);

        if (!fuzz_once_in(f, 3))
            e |= fuzz_random(f) & 0xff;
        if (fuzz_once_in(f, 20))
            e = fuzz_random(f);
        fuzz_put64(r, AT_PAGING + i * 8u, e);
    }
    r->g->satp = (8 + fuzz_below(f, 3)) << 60 | (RIG_RAM + AT_PAGING) >> 12;
    r->g->mstatus |= fuzz_random(f) & (MSTATUS_SUM | MSTATUS_MXR);
    riscv_update_contexts(r->g);
}
