/*
 * What the host's own processor makes of a case, compared with the handlers
 * (bench.h): the same, but for what the row leaves undefined and what hosts
 * do otherwise than the manual, each with its reason.
 */
#include <stdio.h>

#include "x86_gen.h"
#include "tests/isa/x86/bench.h"

#ifdef __x86_64__
#include <cpuid.h>

/* Extensions that the host has not. */
static uint64_t host_lacks(void)
{
    static const struct {
        uint64_t extension;
        uint8_t bit; /* of leaf 1's ECX; from 32 on, of leaf 7's EBX */
    } known[] = {
        {X86_EXT_SSE3, 0},      {X86_EXT_PCLMUL, 1},  {X86_EXT_SSSE3, 9},
        {X86_EXT_CX16, 13},     {X86_EXT_SSE41, 19},  {X86_EXT_SSE42, 20},
        {X86_EXT_MOVBE, 22},    {X86_EXT_POPCNT, 23}, {X86_EXT_AES, 25},
        {X86_EXT_SHA, 32 + 29},
    };
    unsigned a, b, c1 = 0, b7 = 0, c, d;
    uint64_t out = 0;

    if (__get_cpuid(1, &a, &b, &c, &d))
        c1 = c;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d))
        b7 = b;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (!(((uint64_t)b7 << 32 | c1) >> known[i].bit & 1))
            out |= known[i].extension;
    return out;
}
#else
static uint64_t host_lacks(void)
{
    return UINT64_MAX;
}
#endif

/* Has the host all that the program wants? */
static bool host_can(struct bench *t)
{
    if (!t->asked_host)
        t->host_lacks = host_lacks();
    t->asked_host = true;
    for (unsigned i = 0; i < t->p.n; i++)
        if (x86_tables.entries[t->p.insns[i].text].wants & t->host_lacks)
            return false;
    return true;
}

static void to_native(struct bench *t)
{
    const struct x86_cpu *g = t->before;
    struct native_state *s = &t->in;

    memset(s, 0, sizeof(*s));
    memcpy(s->regs, g->g, sizeof(s->regs));
    s->rip = t->p.pc;
    s->eflags = bench_flags(&g->core) | (g->df ? EFLAGS_DF : 0) | EFLAGS_ONE;
    s->mxcsr = x86_mxcsr(g);
    for (unsigned i = 0; i < 16; i++) {
        s->xmm[i][0] = v128_lo(g->xmm[i]);
        s->xmm[i][1] = v128_hi(g->xmm[i]);
    }
    s->status = (uint16_t)(g->x87.top << 11);
    s->used = g->x87.used;
    for (unsigned i = 0; i < 8; i++) {
        s->mantissa[i] = g->x87.mantissa[(g->x87.top + i) & 7];
        s->exponent[i] = g->x87.exponent[(g->x87.top + i) & 7];
    }
}

/* What is in use; the rest of x87 has tests of its own. */
static bool same_x87(const struct native_state *s, const struct x86_cpu *g)
{
    if ((s->status >> 11 & 7) != g->x87.top || s->used != g->x87.used)
        return false;
    for (unsigned i = 0; i < 8; i++) {
        unsigned n = (g->x87.top + i) & 7;

        if (s->mantissa[i] != g->x87.mantissa[n] ||
            s->exponent[i] != g->x87.exponent[n])
            return false;
    }
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

static bool same_sse(const struct bench *t, const struct x86_cpu *g)
{
    const struct native_state *s = &t->out;

    for (unsigned i = 0; i < 16; i++)
        if (s->xmm[i][0] != v128_lo(g->xmm[i]) ||
            s->xmm[i][1] != v128_hi(g->xmm[i]))
            return false;
    /* A dot product that faults does so between its two steps. */
    if (g->vector == VECTOR_XM &&
        (at_row(t, g->core.pc, "dpps") || at_row(t, g->core.pc, "dppd")))
        return true;
    return s->mxcsr == x86_mxcsr(g);
}

static bool at_string(const struct bench *t, uint64_t pc)
{
    static const char *const names[] = {"movs", "cmps", "stos", "lods", "scas"};

    for (unsigned i = 0; i < 5; i++)
        if (at_row(t, pc, names[i]))
            return true;
    return false;
}

/* Page faults of the host, and what it says where code just went on. */
static bool same_exception(struct bench *t, const struct native_end *end,
                           const struct x86_cpu *g)
{
    const struct native_state *s = &t->out;
    bool landed =
        end->vector == 3 ||
        (end->vector == 14 && (end->error & 0x10) && end->cr2 == s->rip);
    uint64_t pc = s->rip - (end->vector == 3), error = end->error;

    if (g->core.pc != pc)
        return false;
    if (landed)
        return g->vector == GUEST_NONE;
    /* Hosts push before they look at a CALL's target; the manual does not. */
    if (g->vector == 13 && at_row(t, pc, "call"))
        return true;
    if (end->vector != g->vector)
        return false;
    if (g->vector != 14)
        return true;
    /* Which pages outside of the window are there is the host's affair. */
    if (g->fault_address - GUEST_BASE >= RAM_SIZE)
        error = (error & ~(uint64_t)1) | (g->error & 1);
    /* In which order POPA and BOUND read. */
    if (at_row(t, pc, "popa") || at_row(t, pc, "bound"))
        return ((end->cr2 ^ g->fault_address) & PAGE_MASK) == 0;
    return end->cr2 == g->fault_address && error == g->error;
}

static bool same_registers(struct bench *t, const struct x86_cpu *g)
{
    uint64_t mask = bench_mode_size(t) == X86_MODE_64 ? UINT64_MAX : UINT32_MAX;
    unsigned n = bench_mode_size(t) == X86_MODE_64 ? 16 : 8;

    /* Of 32-bit string instructions that fault, hosts clear the upper halves
     * of all three registers, used or not. */
    bool strings = g->vector == 14 && at_string(t, g->core.pc);

    /* What POPA has popped when it faults, be it by a page or by the stack's
     * limit, hosts keep; SP has not moved. */
    bool popa = g->vector != GUEST_NONE && at_row(t, g->core.pc, "popa");

    for (unsigned i = 0; i < n; i++) {
        bool half = strings && (i == 1 || i == 6 || i == 7);

        if (popa && i != 4)
            continue;
        if ((t->out.regs[i] ^ g->g[i]) & (half ? UINT32_MAX : mask))
            return false;
    }
    return true;
}

/* A masked store that writes nothing may fault, and how much of one that does
 * is written, and which byte is looked at first, is the processor's affair. */
static bool masked_fault(const struct bench *t, const struct native_end *end)
{
    const struct x86_cpu *g = x86(t->a.c);

    return (end->vector != 3 || g->vector != GUEST_NONE) &&
           (at_row(t, t->out.rip, "maskmovq") ||
            at_row(t, t->out.rip, "maskmovdqu"));
}

static const char *different_natively(struct bench *t,
                                      const struct native_end *end)
{
    const struct x86_cpu *g = x86(t->a.c);
    uint64_t flags = X86_FLAGS & ~(uint64_t)t->undefined;

    if (masked_fault(t, end))
        return NULL;
    if (!same_exception(t, end, g))
        return "exception";
    if (!same_registers(t, g))
        return "registers";
    if ((t->out.eflags ^ bench_flags(&g->core)) & flags ||
        !(t->out.eflags & EFLAGS_DF) != !g->df)
        return "flags";
    if (!same_sse(t, g))
        return "SSE";
    /* Hosts have begun with MMX when a fault comes. */
    if (g->vector == GUEST_NONE && !same_x87(&t->out, g))
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
    const struct x86_cpu *g = x86(t->a.c);

    printf("host: pc %llx vector %u error %llx cr2 %llx flags %03llx "
           "(undefined %03x) mxcsr %04x\n",
           (unsigned long long)t->out.rip, end->vector,
           (unsigned long long)end->error, (unsigned long long)end->cr2,
           (unsigned long long)(t->out.eflags & X86_FLAGS), t->undefined,
           t->out.mxcsr);
    for (unsigned i = 0; i < 16; i++)
        printf("  %016llx%s", (unsigned long long)t->out.regs[i],
               i % 4 == 3 ? "\n" : "");
    for (unsigned i = 0; i < 16; i++)
        if (t->out.xmm[i][0] != v128_lo(g->xmm[i]) ||
            t->out.xmm[i][1] != v128_hi(g->xmm[i]))
            printf("  xmm%u %016llx%016llx, host %016llx%016llx\n", i,
                   (unsigned long long)v128_hi(g->xmm[i]),
                   (unsigned long long)v128_lo(g->xmm[i]),
                   (unsigned long long)t->out.xmm[i][1],
                   (unsigned long long)t->out.xmm[i][0]);
    if (t->out.mxcsr != x86_mxcsr(g))
        printf("  mxcsr %04x\n", x86_mxcsr(g));
}

/* Would the host go on, within the program or what is no CC? */
static bool jumped_back(const struct bench *t)
{
    const struct x86_cpu *g = x86(t->a.c);
    uint64_t at = g->core.pc - GUEST_BASE;

    return g->vector == GUEST_NONE &&
           ((g->core.pc >= t->p.pc && g->core.pc < t->p.pc + t->p.size) ||
            (at >= NATIVE_CONTROL && at < DATA));
}

bool bench_compare_host(struct bench *t)
{
    struct native_end end;
    const char *what;
    char text[64];

    if (jumped_back(t) || !host_can(t))
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
