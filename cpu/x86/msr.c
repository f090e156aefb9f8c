/*
 * Model-specific registers and the time stamp counter.
 *
 * SDM 4-2 (MSRs), 3-12 (MTRRs, PAT: kept, without effect), 3-18.17 (TSC).
 * The TSC runs at the rate of the board's wire for time, or at 1 GHz, and
 * never stops.  What is not here is #GP.
 */
#include "cpu/x86/apic.h"
#include "cpu/x86/system.h"

enum msr {
    MSR_TSC = 0x10,
    MSR_PLATFORM_ID = 0x17,
    MSR_FEATURE_CONTROL = 0x3a,
    MSR_TSC_ADJUST = 0x3b,
    MSR_BIOS_UPDATE = 0x79,
    MSR_BIOS_SIGN = 0x8b,
    MSR_SMBASE = 0x9e,
    MSR_MTRR_CAP = 0xfe,
    MSR_SYSENTER_CS = 0x174,
    MSR_SYSENTER_ESP = 0x175,
    MSR_SYSENTER_EIP = 0x176,
    MSR_MCG_CAP = 0x179,
    MSR_MCG_STATUS = 0x17a,
    MSR_MISC_ENABLE = 0x1a0,
    MSR_MTRR_BASE = 0x200, /* to 0x20f */
    MSR_MTRR_FIX64K = 0x250,
    MSR_MTRR_FIX16K = 0x258, /* and 259 */
    MSR_MTRR_FIX4K = 0x268,  /* to 26f */
    MSR_PAT = 0x277,
    MSR_MTRR_DEF = 0x2ff,
    MSR_PKRS = 0x6e1,
};
#define MSR_EFER 0xc0000080u
#define MSR_STAR 0xc0000081u
#define MSR_LSTAR 0xc0000082u
#define MSR_CSTAR 0xc0000083u
#define MSR_SFMASK 0xc0000084u
#define MSR_FS_BASE 0xc0000100u
#define MSR_GS_BASE 0xc0000101u
#define MSR_KERNEL_GS_BASE 0xc0000102u
#define MSR_TSC_AUX 0xc0000103u

/*
 * Of AMD's processors of family 15: there, and without effect (the counters
 * of BKDG 26094 4.1 stand at 0).
 */
#define MSR_PERF_CTL 0xc0010000u /* to 3; the counters to 7 */
#define MSR_SYSCFG 0xc0010010u
#define MSR_HWCR 0xc0010015u
#define MSR_TOP_MEM 0xc001001au
#define MSR_TOP_MEM2 0xc001001du
#define MSR_NB_CFG 0xc001001fu
#define MSR_INT_PENDING 0xc0010055u

#define MTRR_PAIRS 8u

static uint64_t raw_tsc(struct x86_cpu *g)
{
    struct cpu *c = &g->core;

    if (c->wires.time)
        return c->wires.time(c->wires.time_owner);
    return clock_ticks(c->env.clock, TSC_HZ);
}

uint64_t x86_tsc(struct x86_cpu *g)
{
    return raw_tsc(g) + g->tsc_offset;
}

/* A plain register of 64 bits that can be read and written. */
static uint64_t *plain(struct x86_cpu *g, uint32_t n)
{
    if (n >= MSR_MTRR_BASE && n < MSR_MTRR_BASE + 2 * MTRR_PAIRS &&
        x86_has(g, X86_MTRR))
        return n & 1 ? &g->mtrr_mask[(n - MSR_MTRR_BASE) / 2]
                     : &g->mtrr_base[(n - MSR_MTRR_BASE) / 2];
    if (n >= MSR_MTRR_FIX4K && n < MSR_MTRR_FIX4K + 8 && x86_has(g, X86_MTRR))
        return &g->mtrr_fixed[3 + n - MSR_MTRR_FIX4K];
    switch (n) {
    case MSR_MTRR_FIX64K:
        return x86_has(g, X86_MTRR) ? &g->mtrr_fixed[0] : NULL;
    case MSR_MTRR_FIX16K:
    case MSR_MTRR_FIX16K + 1:
        return x86_has(g, X86_MTRR) ? &g->mtrr_fixed[1 + n - MSR_MTRR_FIX16K]
                                    : NULL;
    case MSR_MTRR_DEF:
        return x86_has(g, X86_MTRR) ? &g->mtrr_def : NULL;
    case MSR_PAT:
        return x86_has(g, X86_PAT) ? &g->pat : NULL;
    case MSR_SYSENTER_CS:
        return x86_has(g, X86_SEP) ? &g->sysenter_cs : NULL;
    case MSR_SYSENTER_ESP:
        return x86_has(g, X86_SEP) ? &g->sysenter_esp : NULL;
    case MSR_SYSENTER_EIP:
        return x86_has(g, X86_SEP) ? &g->sysenter_eip : NULL;
    case MSR_MISC_ENABLE:
        return g->model >= X86_MODEL_CORE2DUO ? &g->misc_enable : NULL;
    case MSR_STAR:
        return x86_has(g, X86_SYSCALL) ? &g->star : NULL;
    case MSR_LSTAR:
        return x86_has(g, X86_LM) ? &g->lstar : NULL;
    case MSR_CSTAR:
        return x86_has(g, X86_LM) ? &g->cstar : NULL;
    case MSR_SFMASK:
        return x86_has(g, X86_LM) ? &g->sfmask : NULL;
    case MSR_FS_BASE:
        return x86_has(g, X86_LM) ? &g->segment[SEG_FS].base : NULL;
    case MSR_GS_BASE:
        return x86_has(g, X86_LM) ? &g->segment[SEG_GS].base : NULL;
    case MSR_KERNEL_GS_BASE:
        return x86_has(g, X86_LM) ? &g->kernel_gs_base : NULL;
    case MSR_TSC_AUX:
        return x86_has(g, X86_RDTSCP) ? &g->tsc_aux : NULL;
    case MSR_PKRS:
        return x86_has(g, X86_PKS) ? &g->pkrs : NULL;
    default:
        return NULL;
    }
}

static bool is_apic(uint32_t n)
{
    return n == MSR_APIC_BASE || n == MSR_TSC_DEADLINE ||
           (n >= MSR_X2APIC && n <= MSR_X2APIC + 0xff);
}

static bool is_amd(const struct x86_cpu *g, uint32_t n)
{
    if (strcmp(g->vendor, "AuthenticAMD") != 0)
        return false;
    return (n >= MSR_PERF_CTL && n < MSR_PERF_CTL + 8) || n == MSR_SYSCFG ||
           n == MSR_HWCR || n == MSR_TOP_MEM || n == MSR_TOP_MEM2 ||
           n == MSR_NB_CFG || n == MSR_INT_PENDING;
}

static bool read_other(struct x86_cpu *g, uint32_t n, uint64_t *v)
{
    *v = 0;
    switch (n) {
    case 0: /* machine check address and type of the Pentium */
    case 1:
        return x86_has(g, X86_MCE);
    case MSR_TSC:
        *v = x86_tsc(g);
        return x86_has(g, X86_TSC);
    case MSR_TSC_ADJUST:
        *v = g->tsc_offset;
        return x86_has(g, X86_TSC_ADJUST);
    case MSR_MTRR_CAP:
        *v = MTRR_PAIRS | 1 << 8 | 1 << 10;
        return x86_has(g, X86_MTRR);
    case MSR_EFER:
        *v = g->efer;
        return x86_has(g, X86_SYSCALL) || x86_has(g, X86_NX);
    case MSR_MCG_CAP:
    case MSR_MCG_STATUS:
        return x86_has(g, X86_MCA);
    case MSR_PLATFORM_ID:
    case MSR_BIOS_SIGN:
        return g->model >= X86_MODEL_PENTIUM2;
    case MSR_FEATURE_CONTROL:
        *v = 1; /* locked, and nothing is on */
        return g->model == X86_MODEL_CORE2DUO || g->model == X86_MODEL_MAX;
    case MSR_SMBASE:
        *v = g->smbase;
        return g->smm;
    default:
        return is_amd(g, n);
    }
}

static bool read_msr(struct x86_cpu *g, uint32_t n, uint64_t *v)
{
    const uint64_t *r = plain(g, n);

    if (is_apic(n))
        return x86_apic_read_msr(&g->core, n, v) &&
               (n != MSR_TSC_DEADLINE || !*v || (*v += g->tsc_offset, true));
    if (r)
        *v = *r;
    return r || read_other(g, n, v);
}

bool x86_rdmsr(struct cpu *c)
{
    struct x86_cpu *g = x86(c);
    uint64_t v;

    if (!x86_privileged(c) || cpu_outside(c))
        return false;
    if (!read_msr(g, (uint32_t)g->g[1], &v)) {
        log_guest(c->env.log, "cpu %u: RDMSR of %x, which is not there", c->id,
                  (unsigned)g->g[1]);
        return x86_fault(c, VECTOR_GP, 0);
    }
    g->g[0] = (uint32_t)v;
    g->g[2] = v >> 32;
    return true;
}

static bool is_base(uint32_t n)
{
    return n == MSR_LSTAR || n == MSR_CSTAR || n == MSR_FS_BASE ||
           n == MSR_GS_BASE || n == MSR_KERNEL_GS_BASE ||
           n == MSR_SYSENTER_ESP || n == MSR_SYSENTER_EIP;
}

/* Memory types, SDM 3-12.2.1 and table 3-12-8: UC, WC, WT, WP, WB; 7, UC-, is
 * the PAT's alone. */
enum { WRITE_BACK = 6, UNCACHED_MINUS = 7 };
static bool type_valid(uint64_t type, unsigned most)
{
    return type <= most && type != 2 && type != 3;
}

/* One in each byte; most: the highest that there is. */
static bool types_valid(uint64_t v, unsigned most)
{
    for (unsigned i = 0; i < 8; i++, v >>= 8)
        if (!type_valid(v & 0xff, most))
            return false;
    return true;
}

static bool mtrr_valid(const struct x86_cpu *g, uint32_t n, uint64_t v)
{
    const uint64_t high = ~(((uint64_t)1 << g->phys_bits) - 1);

    if (n == MSR_MTRR_DEF)
        return !(v & ~UINT64_C(0xcff)) && type_valid(v & 0xff, WRITE_BACK);
    if (n >= MSR_MTRR_BASE && n < MSR_MTRR_BASE + 2 * MTRR_PAIRS)
        return n & 1
                   ? !(v & (high | 0x7ff))
                   : !(v & (high | 0xf00)) && type_valid(v & 0xff, WRITE_BACK);
    if (n < MSR_MTRR_FIX64K || n > MSR_MTRR_FIX4K + 7)
        return true;
    return types_valid(v, WRITE_BACK);
}

static bool write_efer(struct x86_cpu *g, uint64_t v)
{
    uint64_t bits = EFER_LMA;

    if (!x86_has(g, X86_SYSCALL) && !x86_has(g, X86_NX))
        return false;
    bits |= x86_has(g, X86_SYSCALL) ? EFER_SCE : 0;
    bits |= x86_has(g, X86_NX) ? EFER_NXE : 0;
    bits |= x86_has(g, X86_LM) ? EFER_LME : 0;
    bits |= strcmp(g->vendor, "AuthenticAMD") ? 0 : EFER_FFXSR;
    if (v & ~bits || (((v ^ g->efer) & EFER_LME) && (g->cr0 & CR0_PG)))
        return false;
    v = (v & ~(uint64_t)EFER_LMA) | (g->efer & EFER_LMA);
    if ((v ^ g->efer) & EFER_NXE)
        x86_flush(g);
    g->efer = v;
    return true;
}

static bool write_other(struct x86_cpu *g, uint32_t n, uint64_t v)
{
    switch (n) {
    case 0:
    case 1:
        return x86_has(g, X86_MCE);
    case MSR_TSC:
        g->tsc_offset = v - raw_tsc(g);
        return x86_has(g, X86_TSC);
    case MSR_TSC_ADJUST:
        if (!x86_has(g, X86_TSC_ADJUST))
            return false;
        g->tsc_offset = v;
        return true;
    case MSR_EFER:
        return write_efer(g, v);
    case MSR_BIOS_UPDATE:
    case MSR_BIOS_SIGN:
        return g->model >= X86_MODEL_PENTIUM2;
    case MSR_MCG_STATUS:
        return x86_has(g, X86_MCA) && v == 0;
    default:
        return is_amd(g, n);
    }
}

static bool write_msr(struct x86_cpu *g, uint32_t n, uint64_t v)
{
    uint64_t *r = plain(g, n);

    if (n == MSR_TSC_DEADLINE && v)
        v -= g->tsc_offset;
    if (is_apic(n))
        return x86_apic_write_msr(&g->core, n, v);
    if (!r)
        return write_other(g, n, v);
    if ((is_base(n) && x86_has(g, X86_LM) && !x86_canonical_base(g, v)) ||
        (n == MSR_PAT && !types_valid(v, UNCACHED_MINUS)) ||
        !mtrr_valid(g, n, v) ||
        ((n == MSR_TSC_AUX || n == MSR_SFMASK || n == MSR_PKRS) && v >> 32))
        return false;
    if (n == MSR_PKRS && v != *r)
        x86_flush(g);
    *r = v;
    return true;
}

bool x86_wrmsr(struct cpu *c)
{
    struct x86_cpu *g = x86(c);
    const uint64_t v = (uint32_t)g->g[0] | g->g[2] << 32;

    if (!x86_privileged(c) || cpu_outside(c))
        return false;
    if (!write_msr(g, (uint32_t)g->g[1], v)) {
        log_guest(c->env.log, "cpu %u: WRMSR of %x refuses %llx", c->id,
                  (unsigned)g->g[1], (unsigned long long)v);
        return x86_fault(c, VECTOR_GP, 0);
    }
    /* These do not serialise, SDM 3-11.12.3. */
    if (is_apic((uint32_t)g->g[1]) && (uint32_t)g->g[1] != MSR_APIC_BASE) {
        x86_look(g);
        cpu_notice_kick(c);
        return true;
    }
    x86_settle(g);
    cpu_sync_code(c);
    return true;
}

/* --------------------------------------------------------------- counters */

static bool may_read_tsc(struct x86_cpu *g)
{
    return !(g->cr4 & CR4_TSD) || g->cpl == 0 ||
           x86_fault(&g->core, VECTOR_GP, 0);
}

bool x86_rdtsc(struct cpu *c)
{
    struct x86_cpu *g = x86(c);
    uint64_t v;

    if (!may_read_tsc(g) || cpu_outside(c))
        return false;
    v = x86_tsc(g);
    g->g[0] = (uint32_t)v;
    g->g[2] = v >> 32;
    return true;
}

bool x86_rdtscp(struct cpu *c)
{
    if (!x86_rdtsc(c))
        return false;
    x86(c)->g[1] = (uint32_t)x86(c)->tsc_aux;
    return true;
}
