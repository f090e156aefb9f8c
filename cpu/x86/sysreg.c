/*
 * Control, debug and extended control registers, and the small instructions
 * about them.
 *
 * SDM 3-2.5 (control registers), 3-18.2 (debug registers), 2 (MOV CR, MOV DR,
 * LMSW, CLTS, SWAPGS, XSETBV...).
 */
#include "cpu/x86/apic.h"
#include "cpu/x86/x86_isa.h"
#include "cpu/x86/x87.h"

static bool gp(struct x86_cpu *g)
{
    return x86_fault(&g->core, VECTOR_GP, 0);
}

/* ---------------------------------------------------------------------- CR0 */

static uint64_t cr0_bits(const struct x86_cpu *g)
{
    uint64_t bits = CR0_PE | CR0_MP | CR0_EM | CR0_TS;

    if (g->model >= X86_MODEL_386)
        bits |= CR0_PG | CR0_ET;
    if (g->model >= X86_MODEL_486)
        bits |= CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD;
    return bits;
}

/* What may go wrong with it, SDM 2, MOV to CR0. */
static bool cr0_valid(struct x86_cpu *g, uint64_t v)
{
    const bool pg = v & CR0_PG, had = g->cr0 & CR0_PG;

    if ((pg && !(v & CR0_PE)) || ((v & CR0_NW) && !(v & CR0_CD)))
        return false;
    if (pg && !had && (g->efer & EFER_LME))
        return (g->cr4 & CR4_PAE) && !(g->segment[SEG_CS].access & SEGMENT_L) &&
               (g->tr.access & 8);
    return pg || !had || !(x86_long(g) || (g->cr4 & CR4_PCIDE));
}

bool x86_set_cr0(struct x86_cpu *g, uint64_t v)
{
    const uint64_t old = g->cr0;
    uint64_t changed;

    if (v >> 32)
        return gp(g);
    v &= cr0_bits(g);
    if (g->model >= X86_MODEL_486)
        v |= CR0_ET;
    if (!cr0_valid(g, v))
        return gp(g);
    changed = old ^ v;
    if ((changed & CR0_PG) && (v & CR0_PG) && !(g->efer & EFER_LME) &&
        (g->cr4 & CR4_PAE) && !x86_load_pdptes(g, g->cr3))
        return false;
    g->cr0 = v;
    if (changed & CR0_PG) {
        g->efer &= ~(uint64_t)EFER_LMA;
        if ((v & CR0_PG) && (g->efer & EFER_LME))
            g->efer |= EFER_LMA;
    }
    if ((changed & CR0_PE) && !(v & CR0_PE))
        g->cpl = 0;
    if (changed & (CR0_PG | CR0_WP | CR0_PE))
        x86_flush(g);
    x86_settle(g);
    cpu_sync_code(&g->core);
    return true;
}

bool x86_lmsw(struct cpu *c, uint16_t v)
{
    struct x86_cpu *g = x86(c);

    if (!x86_privileged(c))
        return false;
    /* It cannot clear PE. */
    return x86_set_cr0(g, (g->cr0 & ~UINT64_C(0xe)) | (v & 0xf));
}

bool x86_clts(struct cpu *c)
{
    if (!x86_privileged(c))
        return false;
    x86(c)->cr0 &= ~(uint64_t)CR0_TS;
    x86_settle(x86(c));
    return true;
}

/* ------------------------------------------------------------- CR3 and CR4 */

static bool set_cr3(struct x86_cpu *g, uint64_t v)
{
    const bool keep = (g->cr4 & CR4_PCIDE) && v >> 63;

    if (g->cr4 & CR4_PCIDE)
        v &= ~(UINT64_C(1) << 63);
    if (x86_lma(g)) {
        if (v >> g->phys_bits)
            return gp(g);
    } else {
        v = (uint32_t)v;
        if ((g->cr0 & CR0_PG) && (g->cr4 & CR4_PAE) && !x86_load_pdptes(g, v))
            return false;
    }
    g->cr3 = v;
    if (!keep)
        x86_flush_space(g, v);
    x86_update_contexts(g);
    cpu_sync_code(&g->core);
    return true;
}

static uint64_t cr4_bits(const struct x86_cpu *g)
{
    static const struct {
        uint32_t bits;
        enum x86_feature f;
    } rows[] = {
        {CR4_VME | CR4_PVI, X86_VME},
        {CR4_TSD, X86_TSC},
        {CR4_DE, X86_DE},
        {CR4_PSE, X86_PSE},
        {CR4_PAE, X86_PAE},
        {CR4_MCE, X86_MCE},
        {CR4_PGE, X86_PGE},
        {CR4_OSFXSR, X86_FXSR},
        {CR4_OSXMMEXCPT, X86_SSE},
        {CR4_UMIP, X86_UMIP},
        {CR4_LA57, X86_LA57},
        {CR4_FSGSBASE, X86_FSGSBASE},
        {CR4_PCIDE, X86_PCID},
        {CR4_OSXSAVE, X86_XSAVE},
        {CR4_SMEP, X86_SMEP},
        {CR4_SMAP, X86_SMAP},
        {CR4_PKE, X86_PKU},
        {CR4_PKS, X86_PKS},
    };
    uint64_t bits = g->model >= X86_MODEL_PENTIUM2 ? CR4_PCE : 0;

    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (x86_has(g, rows[i].f))
            bits |= rows[i].bits;
    return bits;
}

static bool set_cr4(struct x86_cpu *g, uint64_t v)
{
    const uint64_t changed = g->cr4 ^ v;
    const uint64_t paging = CR4_PSE | CR4_PAE | CR4_PGE | CR4_PCIDE | CR4_SMEP |
                            CR4_SMAP | CR4_LA57 | CR4_PKE | CR4_PKS;

    if (v & ~cr4_bits(g))
        return gp(g);
    if (x86_lma(g) && (!(v & CR4_PAE) || (changed & CR4_LA57)))
        return gp(g);
    if ((changed & v & CR4_PCIDE) && (!x86_lma(g) || (g->cr3 & 0xfff)))
        return gp(g);
    if ((changed & (CR4_PAE | CR4_PSE | CR4_PGE)) && (g->cr0 & CR0_PG) &&
        (v & CR4_PAE) && !x86_lma(g) && !x86_load_pdptes(g, g->cr3))
        return false;
    g->cr4 = v;
    if (changed & paging)
        x86_flush(g);
    x86_set_dr7(g, g->dr7); /* DE */
    x86_settle(g);
    return true;
}

bool x86_read_cr(struct cpu *c, uint8_t n)
{
    struct x86_cpu *g = x86(c);

    if (!x86_privileged(c))
        return false;
    switch (n) {
    case 0:
        c->scratch = g->cr0;
        return true;
    case 2:
        c->scratch = g->cr2;
        return true;
    case 3:
        c->scratch = g->cr3;
        return true;
    case 4:
        if (g->model < X86_MODEL_PENTIUM)
            break;
        c->scratch = g->cr4;
        return true;
    case 8:
        if (cpu_outside(c))
            return false;
        c->scratch = x86_get_cr8(c);
        return true;
    default:
        break;
    }
    return x86_fault(c, VECTOR_UD, 0);
}

bool x86_write_cr(struct cpu *c, uint8_t n, uint64_t v)
{
    struct x86_cpu *g = x86(c);

    if (!x86_privileged(c))
        return false;
    switch (n) {
    case 0:
        return x86_set_cr0(g, v);
    case 2:
        g->cr2 = v;
        return true;
    case 3:
        return set_cr3(g, v);
    case 4:
        if (g->model < X86_MODEL_PENTIUM)
            break;
        return set_cr4(g, v);
    case 8:
        if (v > 15)
            return gp(g);
        if (cpu_outside(c))
            return false;
        x86_set_cr8(c, (uint8_t)v);
        c->leave = true;
        return true;
    default:
        break;
    }
    return x86_fault(c, VECTOR_UD, 0);
}

/* --------------------------------------------------------- debug registers */

#define DR7_ONES UINT64_C(0x400)
#define DR7_GD UINT64_C(0x2000)

/* DR6 is kept without the bits that are always set. */
static uint64_t dr6_ones(const struct x86_cpu *g)
{
    return g->model >= X86_MODEL_PENTIUM ? 0xffff0ff0 : 0xffff1ff0;
}

void x86_set_dr7(struct x86_cpu *g, uint64_t v)
{
    const uint8_t watched = g->watched, code = g->code_watched;

    g->dr7 = (v & UINT64_C(0xffff2bff)) | DR7_ONES;
    g->watched = g->code_watched = 0;
    for (unsigned n = 0; n < 4; n++) {
        const unsigned type = g->dr7 >> (16 + 4 * n) & 3;

        if (!(g->dr7 >> 2 * n & 3))
            continue;
        if (type == 0)
            g->code_watched |= (uint8_t)(1u << n);
        else if (type != 2 || !(g->cr4 & CR4_DE))
            g->watched |= (uint8_t)(1u << n);
    }
    if (watched | code | g->watched | g->code_watched)
        x86_flush(g);
}

/* The register that is meant; GD makes any access a fault. */
static bool dr_access(struct cpu *c, uint8_t *n)
{
    struct x86_cpu *g = x86(c);

    if (*n == 4 || *n == 5) {
        if (g->cr4 & CR4_DE)
            return x86_fault(c, VECTOR_UD, 0);
        *n = (uint8_t)(*n + 2);
    }
    if (*n > 7)
        return x86_fault(c, VECTOR_UD, 0);
    if (!x86_privileged(c))
        return false;
    if (g->dr7 & DR7_GD) {
        g->dr6 |= 1 << 13; /* BD */
        return x86_fault(c, VECTOR_DB, 0);
    }
    return true;
}

bool x86_read_dr(struct cpu *c, uint8_t n)
{
    struct x86_cpu *g = x86(c);

    if (!dr_access(c, &n))
        return false;
    c->scratch = n < 4 ? g->dr[n] : n == 6 ? g->dr6 | dr6_ones(g) : g->dr7;
    return true;
}

bool x86_write_dr(struct cpu *c, uint8_t n, uint64_t v)
{
    struct x86_cpu *g = x86(c);

    if (!dr_access(c, &n))
        return false;
    if (n >= 6 && v >> 32)
        return gp(g);
    if (n < 4) {
        g->dr[n] = v;
        x86_set_dr7(g, g->dr7);
    } else if (n == 6) {
        g->dr6 = v & UINT64_C(0xe00f);
    } else {
        x86_set_dr7(g, v);
    }
    c->leave = true;
    return true;
}

/* ----------------------------------------------------------------- smaller */

/* INVD, WBINVD: there is no cache. */
bool x86_invd(struct cpu *c)
{
    if (!x86_privileged(c))
        return false;
    cpu_sync_code(c);
    return true;
}

bool x86_set_base(struct cpu *c, uint8_t gs, uint64_t v)
{
    struct x86_cpu *g = x86(c);

    if (!(g->cr4 & CR4_FSGSBASE))
        return x86_fault(c, VECTOR_UD, 0);
    if (!x86_canonical_base(g, v))
        return gp(g);
    g->segment[gs ? SEG_GS : SEG_FS].base = v;
    if (gs)
        g->gs_base = v;
    else
        g->fs_base = v;
    return true;
}

bool x86_stac(struct cpu *c, uint8_t on)
{
    struct x86_cpu *g = x86(c);

    if (g->cpl)
        return x86_fault(c, VECTOR_UD, 0);
    x86_set_eflags(g, on ? FLAG_AC : 0, FLAG_AC);
    return true;
}

bool x86_xsetbv(struct cpu *c)
{
    struct x86_cpu *g = x86(c);
    const uint64_t v = (uint32_t)g->g[0] | g->g[2] << 32;

    if (!(g->cr4 & CR4_OSXSAVE))
        return x86_fault(c, VECTOR_UD, 0);
    if (!x86_privileged(c))
        return false;
    if ((uint32_t)g->g[1] || !(v & 1) || v & ~x86_xcr0_bits(g))
        return gp(g);
    g->xcr0 = v;
    x86_settle(g);
    return true;
}

uint64_t x86_xcr0_bits(const struct x86_cpu *g)
{
    return XFEATURE_X87 | XFEATURE_SSE |
           (x86_has(g, X86_PKU) ? XFEATURE_PKRU : 0);
}

void x86_set_pkru(struct x86_cpu *g, uint32_t v)
{
    if (g->pkru == v)
        return;
    g->pkru = v;
    if (g->cr4 & CR4_PKE)
        x86_flush(g);
}

bool x86_wrpkru(struct cpu *c)
{
    struct x86_cpu *g = x86(c);

    if (!(g->cr4 & CR4_PKE))
        return x86_fault(c, VECTOR_UD, 0);
    if ((uint32_t)g->g[1] || (uint32_t)g->g[2])
        return gp(g);
    x86_set_pkru(g, (uint32_t)g->g[0]);
    return true;
}

/* What RCX asks of MONITOR and MWAIT: all of it in 64-bit mode. */
static uint64_t wait_extensions(const struct x86_cpu *g)
{
    return x86_long(g) ? g->g[1] : (uint32_t)g->g[1];
}

/* MONITOR looks at its address as a load does. */
bool x86_monitor(struct cpu *c, uint8_t addressing)
{
    struct x86_cpu *g = x86(c);
    const uint64_t va = g->g[0] & x86_address_mask(addressing, g->addr_mask);
    const uint8_t segment = x86_segment(0, addressing);
    uint64_t v;

    if (g->cpl)
        return x86_fault(c, VECTOR_UD, 0);
    if (wait_extensions(g))
        return gp(g);
    return x86_linear(c, segment, va, 1, 0) && cpu_load(c, c->scratch, 1, &v);
}

/* It may go on at any time, and does so at once. */
bool x86_mwait(struct cpu *c)
{
    if (x86(c)->cpl)
        return x86_fault(c, VECTOR_UD, 0);
    if (wait_extensions(x86(c)) > 1)
        return gp(x86(c));
    c->leave = true;
    return true;
}
