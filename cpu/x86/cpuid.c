/*
 * CPUID: SDM 2, and AMD64 Architecture Programmer's Manual, volume 3,
 * appendix E, for the extended leaves.
 *
 * A model says how far its leaves go; what lies beyond reads as the highest
 * one.  Missing: leaves of power, of performance counters, of hypervisors.
 */
#include "cpu/x86/apic.h"
#include "cpu/x86/system.h"
#include "cpu/x86/x87.h"

struct leaf {
    uint32_t a, b, c, d;
};

static uint32_t text32(const char *s)
{
    return ld_le32(s);
}

static void leaf_0(const struct x86_cpu *g, struct leaf *l)
{
    const char *v = g->vendor;

    *l = (struct leaf){g->facts->cpuid_max, text32(v), text32(v + 8),
                       text32(v + 4)};
}

static uint32_t signature(const struct x86_facts *f)
{
    const uint32_t family = f->family > 15 ? 15 : f->family;

    return f->stepping | (f->model_number & 15u) << 4 | family << 8 |
           (f->model_number >> 4 & 15u) << 16 |
           (f->family > 15 ? f->family - 15u : 0) << 20;
}

#define APIC_BIT (1u << 9) /* of leaf 1's EDX, and AMD's 80000001h */

/* There is a local APIC, and its own switch is on, SDM 3-11.4.3. */
static bool apic_on(struct x86_cpu *g)
{
    uint64_t base;

    if (!x86_has_apic(&g->core))
        return false;
    return g->core.wires.own.address != UINT64_MAX ||
           !x86_apic_read_msr(&g->core, MSR_APIC_BASE, &base) || base >> 11 & 1;
}

static void leaf_1(struct x86_cpu *g, struct leaf *l)
{
    l->a = signature(g->facts);
    l->b = g->core.id << 24;
    if (g->words[X86_WORD_1_EDX] >> 19 & 1) /* CLFLUSH: lines of 64 bytes */
        l->b |= 8 << 8;
    l->c = g->words[X86_WORD_1_ECX];
    l->d = g->words[X86_WORD_1_EDX];
    if (g->cr4 & CR4_OSXSAVE)
        l->c |= 1 << 27;
    if (!apic_on(g)) {
        l->c &= ~(1u << 21 | 1u << 24); /* x2APIC, TSC deadline */
        l->d &= ~APIC_BIT;
    }
}

/* Caches as descriptors: 2 MB of L2, 32 KB of data and code; none is there. */
static void leaf_2(struct leaf *l)
{
    *l = (struct leaf){0x00000001, 0, 0x0000004d, 0x002c307d};
}

/* Deterministic cache parameters: type, level, ways, sets. */
static void leaf_4(uint32_t n, struct leaf *l)
{
    static const struct {
        uint32_t type, level, ways, sets;
    } caches[] = {{1, 1, 8, 64}, {2, 1, 8, 64}, {3, 2, 16, 4096}};

    if (n >= sizeof(caches) / sizeof(caches[0]))
        return;
    l->a = caches[n].type | caches[n].level << 5 | 1 << 8;
    l->b = 63 | (caches[n].ways - 1) << 22;
    l->c = caches[n].sets - 1;
}

static void leaf_7(const struct x86_cpu *g, uint32_t n, struct leaf *l)
{
    if (n)
        return;
    l->b = g->words[X86_WORD_7_EBX];
    l->c = g->words[X86_WORD_7_ECX];
    if (g->cr4 & CR4_PKE)
        l->c |= 1 << 4;
}

/* Each processor is a package of one core and one thread. */
static void leaf_b(const struct x86_cpu *g, uint32_t n, struct leaf *l)
{
    l->c = n & 0xff;
    l->d = g->core.id;
    if (n < 2) {
        l->b = 1;
        l->c |= (n + 1) << 8;
    }
}

/* x87 and SSE are in the legacy area, which the header follows. */
static void leaf_d(const struct x86_cpu *g, uint32_t n, struct leaf *l)
{
    const uint64_t all = x86_xcr0_bits(g);

    if (!x86_has(g, X86_XSAVE))
        return;
    if (n == 0)
        *l = (struct leaf){(uint32_t)all, x86_xsave_size(g->xcr0),
                           x86_xsave_size(all), (uint32_t)(all >> 32)};
    else if (n == 9 && all & XFEATURE_PKRU)
        *l = (struct leaf){8, XSAVE_PKRU, 0, 0};
}

static uint32_t tsc_hz(const struct x86_cpu *g)
{
    const struct cpu_wires *w = &g->core.wires;

    return (uint32_t)(w->time ? w->timebase_hz : TSC_HZ);
}

static void basic(struct x86_cpu *g, uint32_t leaf, uint32_t n, struct leaf *l)
{
    switch (leaf) {
    case 0:
        leaf_0(g, l);
        break;
    case 1:
        leaf_1(g, l);
        break;
    case 2:
        leaf_2(l);
        break;
    case 4:
        leaf_4(n, l);
        break;
    case 5:
        if (g->words[X86_WORD_1_ECX] >> 3 & 1)
            *l = (struct leaf){64, 64, 3, 0};
        break;
    case 7:
        leaf_7(g, n, l);
        break;
    case 0xb:
        leaf_b(g, n, l);
        break;
    case 0xd:
        leaf_d(g, n, l);
        break;
    case 0x15: /* the TSC counts the crystal, which APIC timers do, too */
        *l = (struct leaf){1, 1, tsc_hz(g), 0};
        break;
    case 0x16: /* MHz: base, maximum, bus */
        *l = (struct leaf){tsc_hz(g) / 1000000, tsc_hz(g) / 1000000, 100, 0};
        break;
    default:
        break;
    }
}

static void brand(const struct x86_cpu *g, uint32_t part, struct leaf *l)
{
    char text[48] = {0};

    if (!g->facts->brand)
        return;
    memcpy(text, g->facts->brand, strlen(g->facts->brand));
    *l = (struct leaf){text32(text + 16 * part), text32(text + 16 * part + 4),
                       text32(text + 16 * part + 8),
                       text32(text + 16 * part + 12)};
}

static void extended(struct x86_cpu *g, uint32_t leaf, struct leaf *l)
{
    const bool amd = !strcmp(g->vendor, "AuthenticAMD");

    switch (leaf) {
    case 0x80000000:
        l->a = g->facts->extended_max;
        if (amd)
            *l = (struct leaf){l->a, text32("Auth"), text32("cAMD"),
                               text32("enti")};
        break;
    case 0x80000001:
        l->a = amd ? signature(g->facts) : 0;
        l->c = g->words[X86_WORD_81_ECX];
        l->d = g->words[X86_WORD_81_EDX];
        /* AMD repeats leaf 1. */
        if (amd)
            l->d |= g->words[X86_WORD_1_EDX] & 0x0183f3ff &
                    (apic_on(g) ? UINT32_MAX : ~APIC_BIT);
        break;
    case 0x80000002:
    case 0x80000003:
    case 0x80000004:
        brand(g, leaf - 0x80000002, l);
        break;
    case 0x80000005:
        if (amd)
            *l = (struct leaf){0x01ff01ff, 0x01ff01ff, 0x40020140, 0x40020140};
        break;
    case 0x80000006:
        *l = (struct leaf){0, 0x42004200, 0x02008140, 0};
        break;
    case 0x80000007:
        l->d = 1 << 8; /* the TSC never changes its rate */
        break;
    case 0x80000008:
        l->a = g->phys_bits | (!x86_has(g, X86_LM)    ? 32u
                               : x86_has(g, X86_LA57) ? 57u
                                                      : 48u)
                                  << 8;
        break;
    default:
        break;
    }
}

void x86_cpuid(struct cpu *c)
{
    struct x86_cpu *g = x86(c);
    uint32_t leaf = (uint32_t)g->g[0];
    const uint32_t n = (uint32_t)g->g[1];
    struct leaf l = {0, 0, 0, 0};

    cpu_sync_code(c); /* it serialises */
    if (leaf >= 0x80000000 && leaf <= g->facts->extended_max) {
        extended(g, leaf, &l);
    } else {
        if (leaf > g->facts->cpuid_max)
            leaf = g->facts->cpuid_max;
        basic(g, leaf, n, &l);
    }
    g->g[0] = l.a;
    g->g[3] = l.b;
    g->g[1] = l.c;
    g->g[2] = l.d;
}
