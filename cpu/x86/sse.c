/*
 * SSE: MXCSR, exceptions of floating point, and what no lanes express:
 * approximations, comparisons of strings, masked stores.
 *
 * Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1,
 * chapters 10.2.3 and 11.5; volume 2, 4.1 (PCMPxSTRx).
 */
#include "cpu/x86/x86_isa.h"

/* ---------------------------------------------------------------- MXCSR */

#define MXCSR_DAZ (1u << 6)
#define MXCSR_FTZ (1u << 15)
#define MXCSR_MASKS 7 /* bit of the first mask */
#define MXCSR_RC 13

/* Exceptions in the order of MXCSR's bits. */
static const uint8_t exceptions[6] = {FP_NV, FP_DN, FP_DZ, FP_OF, FP_UF, FP_NX};

/* MXCSR.RC by enum fp_round, and the other way round. */
static const uint8_t rounding[4] = {
    [FP_RNE] = 0, [FP_RTZ] = 3, [FP_RDN] = 1, [FP_RUP] = 2};
static const uint8_t modes[4] = {FP_RNE, FP_RDN, FP_RUP, FP_RTZ};

uint32_t x86_mxcsr(const struct x86_cpu *g)
{
    uint32_t v = (uint32_t)rounding[g->rc & 3] << MXCSR_RC;

    for (unsigned i = 0; i < 6; i++) {
        if (g->fp.flags & exceptions[i])
            v |= 1u << i;
        if (!(g->unmasked & exceptions[i]))
            v |= 1u << (i + MXCSR_MASKS);
    }
    if (g->fp.denormal & FP_DENORMAL_ZERO)
        v |= MXCSR_DAZ;
    if (g->fp.denormal & FP_DENORMAL_FLUSH)
        v |= MXCSR_FTZ;
    return v;
}

void x86_set_mxcsr(struct x86_cpu *g, uint32_t v)
{
    g->rc = modes[v >> MXCSR_RC & 3];
    g->fp.flags = g->unmasked = 0;
    for (unsigned i = 0; i < 6; i++) {
        if (v & 1u << i)
            g->fp.flags |= exceptions[i];
        if (!(v & 1u << (i + MXCSR_MASKS)))
            g->unmasked |= exceptions[i];
    }
    g->fp.rules = FP_RULES_SSE;
    g->fp.unmasked = g->unmasked;
    g->fp.denormal = FP_DENORMAL_FLAG;
    if (v & MXCSR_DAZ)
        g->fp.denormal |= FP_DENORMAL_ZERO;
    if (v & MXCSR_FTZ)
        g->fp.denormal |= FP_DENORMAL_FLUSH;
}

bool x86_ldmxcsr(struct cpu *c, uint32_t v)
{
    if (v & ~X86_MXCSR_MASK) {
        x86_raise(c, VECTOR_GP, 0);
        return false;
    }
    x86_set_mxcsr(x86(c), v);
    return true;
}

void x86_stmxcsr(struct cpu *c)
{
    c->scratch = x86_mxcsr(x86(c));
}

void x86_fp_begin(struct cpu *c)
{
    struct x86_cpu *g = x86(c);

    g->fp_before = g->fp.flags;
    g->fp.flags = 0;
}

/* An exception that is not masked stays in MXCSR and raises #XM. */
bool x86_fp_end(struct cpu *c)
{
    struct x86_cpu *g = x86(c);
    const uint8_t first = FP_NV | FP_DZ | FP_DN;
    uint8_t raised = g->fp.flags;

    /* What is found before the computation comes before it, SDM 11.5.2.2. */
    if (raised & g->unmasked & first)
        g->fp.flags &= first;
    g->fp.flags |= g->fp_before;
    if (!(raised & g->unmasked))
        return true;
    x86_raise(c, g->cr4 & CR4_OSXMMEXCPT ? VECTOR_XM : VECTOR_UD, 0);
    return false;
}

/* --------------------------------------------------------------- vectors */

static void give(struct cpu *c, v128 v)
{
    c->scratch = v128_lo(v);
    c->scratch_hi = v128_hi(v);
}

/* The least word, and where it is. */
void x86_phminposuw(struct cpu *c, v128 a)
{
    unsigned at = 0;

    for (unsigned i = 1; i < 8; i++)
        if (v128_get_u16(&a, i) < v128_get_u16(&a, at))
            at = i;
    give(c, v128_make(0, v128_get_u16(&a, at) | (uint64_t)at << 16));
}

/* What is written is checked before, byte by byte. */
static bool store_masked(struct cpu *c, v128 v, v128 mask, unsigned n,
                         uint8_t addressing)
{
    struct x86_cpu *g = x86(c);
    uint64_t cut = x86_address_mask(addressing, g->addr_mask);

    for (unsigned i = 0; i < n; i++)
        if ((v128_get_u8(&mask, i) & 0x80) &&
            (!x86_linear(c, x86_segment(0, addressing), (g->g[7] + i) & cut, 1,
                         X86_WRITE) ||
             !cpu_check_write(c, c->scratch, 1)))
            return false;
    for (unsigned i = 0; i < n; i++) {
        uint64_t off = (g->g[7] + i) & cut;

        if (!(v128_get_u8(&mask, i) & 0x80))
            continue;
        if (!x86_linear(c, x86_segment(0, addressing), off, 1, X86_WRITE) ||
            !cpu_store(c, c->scratch, 1, v128_get_u8(&v, i)))
            return false;
    }
    return true;
}

bool x86_maskmov(struct cpu *c, uint64_t v, uint64_t mask, uint8_t addressing)
{
    return store_masked(c, v128_make(0, v), v128_make(0, mask), 8, addressing);
}

bool x86_maskmovdqu(struct cpu *c, v128 mask, uint8_t n, uint8_t addressing)
{
    return store_masked(c, x86(c)->xmm[n & 15], mask, 16, addressing);
}

/* --------------------------------------------------------------- strings */

#define STRING_WORDS 1u
#define STRING_SIGNED 2u
#define STRING_EXPLICIT 0x80000000u

struct strings {
    v128 a, b;
    unsigned control, n; /* elements in a vector */
    unsigned la, lb;     /* elements that count */
};

static int32_t element(const struct strings *s, const v128 *v, unsigned i)
{
    if (s->control & STRING_WORDS) {
        uint16_t x = v128_get_u16(v, i);

        return s->control & STRING_SIGNED ? (int16_t)x : x;
    }
    return s->control & STRING_SIGNED ? (int8_t)v128_get_u8(v, i)
                                      : v128_get_u8(v, i);
}

/* Up to the first zero. */
static unsigned implicit_length(const struct strings *s, const v128 *v)
{
    unsigned i = 0;

    while (i < s->n && element(s, v, i) != 0)
        i++;
    return i;
}

/* SDM 2-4.1.6: what is beyond an end is true or false by the aggregation. */
static bool any_of(const struct strings *s, unsigned j)
{
    for (unsigned i = 0; i < s->la; i++)
        if (j < s->lb && element(s, &s->a, i) == element(s, &s->b, j))
            return true;
    return false;
}

static bool in_ranges(const struct strings *s, unsigned j)
{
    int32_t x = element(s, &s->b, j);

    for (unsigned i = 0; i + 1 < s->la; i += 2)
        if (j < s->lb && x >= element(s, &s->a, i) &&
            x <= element(s, &s->a, i + 1))
            return true;
    return false;
}

static bool each_equal(const struct strings *s, unsigned j)
{
    if (j >= s->la || j >= s->lb)
        return j >= s->la && j >= s->lb;
    return element(s, &s->a, j) == element(s, &s->b, j);
}

/* Does a stand at j of b, as far as that reaches? */
static bool ordered(const struct strings *s, unsigned j)
{
    for (unsigned i = 0; i < s->la && i + j < s->n; i++)
        if (i + j >= s->lb || element(s, &s->a, i) != element(s, &s->b, i + j))
            return false;
    return true;
}

static uint32_t aggregate(const struct strings *s)
{
    bool (*const how[4])(const struct strings *,
                         unsigned) = {any_of, in_ranges, each_equal, ordered};
    uint32_t out = 0;

    for (unsigned j = 0; j < s->n; j++)
        if (how[s->control >> 2 & 3](s, j))
            out |= 1u << j;
    /* polarity: all negated, or what is not beyond the end of b */
    if (s->control & 0x10)
        out ^= (1u << (s->control & 0x20 ? s->lb : s->n)) - 1;
    return out;
}

void x86_strings(struct cpu *c, v128 b, uint8_t n, uint32_t control)
{
    struct strings s = {.a = x86(c)->xmm[n & 15], .b = b, .control = control};

    s.n = control & STRING_WORDS ? 8 : 16;
    if (control & STRING_EXPLICIT) {
        s.la = control >> 8 & 31;
        s.lb = control >> 16 & 31;
    } else {
        s.la = implicit_length(&s, &s.a);
        s.lb = implicit_length(&s, &s.b);
    }
    c->scratch = aggregate(&s) | (uint32_t)(s.lb < s.n) << 16 |
                 (uint32_t)(s.la < s.n) << 17;
}
