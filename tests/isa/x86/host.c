/*
 * What the host's own processor makes of a case, compared with the handlers
 * (bench.h): the same, but for what the row leaves undefined and what hosts
 * do otherwise than the manual, each with its reason.
 */
#include <stdio.h>

#include "nasty_gen.h"
#include "tests/isa/x86/bench.h"

static const uint8_t mxcsr_bits[5][2] = {
    {FP_NV, 0}, {FP_DZ, 2}, {FP_OF, 3}, {FP_UF, 4}, {FP_NX, 5}};

static void to_native(struct bench *t)
{
    static const uint8_t rounding[4] = {
        [FP_RNE] = 0, [FP_RTZ] = 3, [FP_RDN] = 1, [FP_RUP] = 2};
    const struct nasty_cpu *g = t->before;
    struct native_state *s = &t->in;

    memset(s, 0, sizeof(*s));
    memcpy(s->regs, g->g, sizeof(s->regs));
    s->rip = t->p.pc;
    s->eflags = bench_flags(&g->core) | (g->df ? EFLAGS_DF : 0) | EFLAGS_ONE;
    s->mxcsr = 0x1f80u | (uint32_t)rounding[g->rc & 3] << 13;
    for (unsigned i = 0; i < 5; i++) {
        if (g->fp.flags & mxcsr_bits[i][0])
            s->mxcsr |= 1u << mxcsr_bits[i][1];
        if (g->unmasked & mxcsr_bits[i][0])
            s->mxcsr &= ~(0x80u << mxcsr_bits[i][1]);
    }
    for (unsigned i = 0; i < 16; i++) {
        s->xmm[i][0] = v128_lo(g->xmm[i]);
        s->xmm[i][1] = v128_hi(g->xmm[i]);
    }
    s->status = (uint16_t)(g->top << 11);
    s->used = g->used;
    for (unsigned i = 0; i < 8; i++) {
        s->mantissa[i] = g->mantissa[(g->top + i) & 7];
        s->exponent[i] = g->exponent[(g->top + i) & 7];
    }
}

/* Units in the last place between two numbers of the same sign. */
static uint64_t ulps(uint64_t ma, uint16_t ea, uint64_t mb, uint16_t eb)
{
    if (ea == eb)
        return ma > mb ? ma - mb : mb - ma;
    if (ea + 1 == eb)
        return mb - (UINT64_C(1) << 63) + (0 - ma) / 2;
    if (eb + 1 == ea)
        return ma - (UINT64_C(1) << 63) + (0 - mb) / 2;
    return UINT64_MAX;
}

/* Register i from the top.  A sine may be off by its last bit, and is not
 * looked at where the operand is large or was itself computed. */
static bool same_st(struct bench *t, const struct nasty_cpu *g, unsigned i,
                    unsigned sines, unsigned loads)
{
    const struct native_state *s = &t->out;
    const struct nasty_cpu *before = t->before;
    unsigned n = (g->top + i) & 7;
    bool fresh = (g->used & ~before->used) >> n & 1, sine;
    uint64_t off =
        ulps(s->mantissa[i], s->exponent[i], g->mantissa[n], g->exponent[n]);

    sine = sines && (n == before->top || fresh) &&
           (s->exponent[i] & 0x7fff) != 0x7fff;
    if (!sine)
        return off == 0;
    return sines + loads > 1 || (before->exponent[n] & 0x7fff) >= 16382 ||
           off <= 1;
}

static bool same_x87(struct bench *t, const struct nasty_cpu *g)
{
    const struct native_state *s = &t->out;
    uint16_t status = X87_IE | X87_SF | X87_C2;
    unsigned sines = 0, loads = 0;

    for (unsigned i = 0; i < t->p.n; i++) {
        sines += bench_is_row(&t->p.insns[i], "fsin");
        loads += bench_is_row(&t->p.insns[i], "fld");
    }
    /* C1 of a sine says how it was rounded. */
    if (!sines)
        status |= X87_C1;
    if ((s->status >> 11 & 7) != g->top || s->used != g->used ||
        ((s->status ^ g->status) & status))
        return false;
    for (unsigned i = 0; i < 8; i++)
        if (g->used >> ((g->top + i) & 7) & 1 &&
            !same_st(t, g, i, sines, loads))
            return false;
    return true;
}

static bool same_sse(const struct native_state *s, const struct nasty_cpu *g)
{
    for (unsigned i = 0; i < 16; i++)
        if (s->xmm[i][0] != v128_lo(g->xmm[i]) ||
            s->xmm[i][1] != v128_hi(g->xmm[i]))
            return false;
    for (unsigned i = 0; i < 5; i++)
        if (!(g->fp.flags & mxcsr_bits[i][0]) !=
            !(s->mxcsr >> mxcsr_bits[i][1] & 1))
            return false;
    return true;
}

/* Is the instruction at pc of this row? */
static bool at_row(const struct bench *t, uint64_t pc, const char *name)
{
    for (unsigned i = 0; i < t->p.n; i++)
        if (t->p.pc + t->p.at[i] == pc)
            return bench_is_row(&t->p.insns[i], name);
    return false;
}

/* Page faults of the host, and what it says where code just went on. */
static bool same_exception(struct bench *t, const struct native_end *end,
                           const struct nasty_cpu *g)
{
    const struct native_state *s = &t->out;
    bool landed =
        end->vector == 3 ||
        (end->vector == 14 && (end->error & 0x10) && end->cr2 == s->rip);
    uint64_t pc = s->rip - (end->vector == 3), error = end->error;

    if (g->core.pc != pc)
        return false;
    if (landed)
        return g->vector == 255;
    /* Hosts push before they look at a CALL's target; the manual does not. */
    if (g->vector == 13 && at_row(t, pc, "call"))
        return true;
    /* Their order of reading and checking IRET's frame is their own. */
    if (at_row(t, pc, "iret"))
        return g->vector != 255;
    if (end->vector != g->vector)
        return false;
    if (g->vector != 14)
        return true;
    /* Which pages outside of the window are there is the host's affair. */
    if (g->cr2 - NASTY_BASE >= RAM_SIZE)
        error = (error & ~(uint64_t)1) | (g->error & 1);
    return end->cr2 == g->cr2 && error == g->error;
}

static bool same_registers(struct bench *t, const struct nasty_cpu *g)
{
    uint64_t mask = bench_mode_size(t) == X86_MODE_64 ? UINT64_MAX : UINT32_MAX;
    unsigned n = bench_mode_size(t) == X86_MODE_64 ? 16 : 8;

    /* Of 32-bit string instructions that fault, hosts clear the upper halves
     * of all three registers, used or not. */
    bool strings = g->vector == 14 && at_row(t, g->core.pc, "movs");

    for (unsigned i = 0; i < n; i++) {
        bool half = strings && (i == 1 || i == 6 || i == 7);

        if ((t->out.regs[i] ^ g->g[i]) & (half ? UINT32_MAX : mask))
            return false;
    }
    return true;
}

static const char *different_natively(struct bench *t,
                                      const struct native_end *end)
{
    const struct nasty_cpu *g = nasty(t->a.c);
    uint64_t flags = NASTY_FLAGS & ~(uint64_t)t->undefined;

    if (!same_exception(t, end, g))
        return "exception";
    if (!same_registers(t, g))
        return "registers";
    if ((t->out.eflags ^ bench_flags(&g->core)) & flags ||
        !(t->out.eflags & EFLAGS_DF) != !g->df)
        return "flags";
    if (!same_sse(&t->out, g))
        return "SSE";
    if (!same_x87(t, g))
        return "x87";
    /* Of a CALL to no canonical address, hosts leave the return address on
     * the stack, though not in it. */
    if (g->vector == 13 && at_row(t, g->core.pc, "call"))
        return NULL;
    if (bench_difference(bench_native_ram(t), t->a.ram->host) < RAM_SIZE)
        return "memory";
    return NULL;
}

static void print_native(struct bench *t, const struct native_end *end)
{
    printf("host: pc %llx vector %u error %llx cr2 %llx flags %03llx "
           "(undefined %03x) mxcsr %04x\n",
           (unsigned long long)t->out.rip, end->vector,
           (unsigned long long)end->error, (unsigned long long)end->cr2,
           (unsigned long long)(t->out.eflags & NASTY_FLAGS), t->undefined,
           t->out.mxcsr);
    for (unsigned i = 0; i < 16; i++)
        printf("  %016llx%s", (unsigned long long)t->out.regs[i],
               i % 4 == 3 ? "\n" : "");
}

/* Would the host go on, within the program or what is no CC? */
static bool jumped_back(const struct bench *t)
{
    const struct nasty_cpu *g = nasty(t->a.c);
    uint64_t at = g->core.pc - NASTY_BASE;

    return g->vector == 255 &&
           ((g->core.pc >= t->p.pc && g->core.pc < t->p.pc + t->p.size) ||
            (at >= NATIVE_CONTROL && at < DATA));
}

/* Did IRET refuse a selector that the test CPU has not?  The host may have
 * it: Linux has code segments of 32 and of 64 bits. */
static bool other_selector(const struct bench *t)
{
    const struct nasty_cpu *g = nasty(t->a.c);

    return g->vector == NASTY_CAUSE_GP && g->error &&
           at_row(t, g->core.pc, "iret");
}

bool bench_compare_host(struct bench *t)
{
    struct native_end end;
    const char *what;
    char text[64];

    if (jumped_back(t) || other_selector(t))
        return true;
    to_native(t);
    end = native_run(t->native, bench_mode_size(t), &t->in, &t->out);
    if (t->tainted || t->operand_undefined)
        return true;
    t->natives++;
    what = different_natively(t, &end);
    if (!what)
        return true;
    snprintf(text, sizeof(text), "handlers and host: %s", what);
    bench_report(t, text);
    if (t->failures <= MAX_REPORTS)
        print_native(t, &end);
    return false;
}
