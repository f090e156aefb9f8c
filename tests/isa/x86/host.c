/*
 * What the host's own processor makes of a case, compared with the handlers
 * (bench.h): the same, but for what the row leaves undefined and what hosts
 * do otherwise than the manual, each with its reason.
 */
#include <inttypes.h>
#include <stdio.h>

#include "x86_gen.h"
#include "cpu/x86/x86_isa.h"
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
        {X86_EXT_SSE3, 0},
        {X86_EXT_PCLMUL, 1},
        {X86_EXT_SSSE3, 9},
        {X86_EXT_CX16, 13},
        {X86_EXT_SSE41, 19},
        {X86_EXT_SSE42, 20},
        {X86_EXT_MOVBE, 22},
        {X86_EXT_POPCNT, 23},
        {X86_EXT_AES, 25},
        {X86_EXT_SHA, 32 + 29},
        {X86_EXT_CLFLUSHOPT, 32 + 23},
        {X86_EXT_CLWB, 32 + 24},
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

static const char *const reasons[REASONS] = {
    [REASON_CALL] = "CALL pushed before its target was looked at",
    [REASON_POPA] = "POPA keeps what it has popped when it faults",
    [REASON_ORDER] = "POPA and BOUND read in another order",
    [REASON_STRING] = "a string instruction that faults clears upper halves",
    [REASON_MASKED] = "a masked store that faults has written some, or need "
                      "not have faulted",
    [REASON_DOT] = "a dot product faults between its two steps",
    [REASON_OUTSIDE] = "which pages outside of the window are there",
    [REASON_MMX] = "what faults has begun with MMX",
    [REASON_ENTER] = "ENTER's frame pointer borrows from the upper half of ESP "
                     "where SP wraps",
    [REASON_TEN] = "a store of ten bytes that faults has written some, or "
                   "found the other fault first",
    [REASON_LAST_BIT] = "the last bit of a transcendental function",
};

static bool excuse(struct bench *t, enum reason why)
{
    t->excused[why]++;
    return true;
}

static void print_flags(unsigned bits)
{
    static const char *const names[16] = {[0] = "CF", [2] = "PF", [4] = "AF",
                                          [6] = "ZF", [7] = "SF", [11] = "OF"};

    for (unsigned i = 0; i < 16; i++)
        if (bits >> i & 1 && names[i])
            printf(" %s", names[i]);
}

void bench_print_reasons(const struct bench *t)
{
    for (unsigned i = 0; i < REASONS; i++)
        if (t->excused[i])
            printf("%" PRIu64 " times: %s\n", t->excused[i], reasons[i]);
    for (unsigned i = 1; i < x86_n_entries; i++) {
        if (!t->undefined_of[i])
            continue;
        printf("undefined by row %u, %s:", x86_tables.entries[i].row,
               x86_tables.entries[i].name);
        print_flags(t->undefined_of[i]);
        printf("\n");
    }
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
    s->control = g->x87.control;
    s->status = x87_status(g);
    s->used = g->x87.used;
    for (unsigned i = 0; i < 8; i++) {
        s->mantissa[i] = g->x87.mantissa[(g->x87.top + i) & 7];
        s->exponent[i] = g->x87.exponent[(g->x87.top + i) & 7];
    }
}

/* A unit of the last place, or less. */
static bool near(uint64_t a, uint16_t ea, uint64_t b, uint16_t eb)
{
    if (ea == eb)
        return a - b + 1 <= 2;
    return (ea + 1 == eb && a == UINT64_MAX && b == UINT64_C(1) << 63) ||
           (eb + 1 == ea && b == UINT64_MAX && a == UINT64_C(1) << 63);
}

/* Registers in use; not the pointers.  Transcendental functions are last in a
 * program. */
static bool same_x87(struct bench *t, const struct x86_cpu *g)
{
    const struct native_state *s = &t->out;
    const struct insn *last = &t->p.insns[t->p.n - 1];
    bool nearly =
        last->row && is_transcendental(&x86_tables.entries[last->text]);

    if (s->control != g->x87.control || s->used != g->x87.used ||
        (s->status ^ x87_status(g)) & (nearly ? ~(unsigned)X87_C1 : ~0u))
        return false;
    for (unsigned i = 0; i < 8; i++) {
        unsigned n = (g->x87.top + i) & 7;

        if (!(s->used >> n & 1) || (s->mantissa[i] == g->x87.mantissa[n] &&
                                    s->exponent[i] == g->x87.exponent[n]))
            continue;
        if (!nearly || !near(s->mantissa[i], s->exponent[i], g->x87.mantissa[n],
                             g->x87.exponent[n]))
            return false;
        excuse(t, REASON_LAST_BIT);
    }
    return true;
}

static bool is_row(const struct insn *n, const char *name)
{
    return n->row && strcmp(x86_row_table[n->row].name, name) == 0;
}

/* Is the instruction at pc of this row? */
static bool at_row(const struct bench *t, uint64_t pc, const char *name)
{
    for (unsigned i = 0; i < t->p.n; i++)
        if (t->p.pc + t->p.at[i] == pc)
            return is_row(&t->p.insns[i], name);
    return false;
}

static bool same_sse(struct bench *t, const struct x86_cpu *g)
{
    const struct native_state *s = &t->out;

    for (unsigned i = 0; i < 16; i++)
        if (s->xmm[i][0] != v128_lo(g->xmm[i]) ||
            s->xmm[i][1] != v128_hi(g->xmm[i]))
            return false;
    if (s->mxcsr == x86_mxcsr(g))
        return true;
    return g->vector == VECTOR_XM &&
           (at_row(t, g->core.pc, "dpps") || at_row(t, g->core.pc, "dppd")) &&
           excuse(t, REASON_DOT);
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
    if (end->vector != g->vector)
        return g->vector == 13 && at_row(t, pc, "call") &&
               excuse(t, REASON_CALL);
    if (g->vector != 14)
        return true;
    if (g->fault_address - GUEST_BASE >= RAM_SIZE && (error ^ g->error) & 1 &&
        excuse(t, REASON_OUTSIDE))
        error ^= 1;
    if (end->cr2 == g->fault_address && error == g->error)
        return true;
    return (at_row(t, pc, "popa") || at_row(t, pc, "bound")) &&
           ((end->cr2 ^ g->fault_address) & PAGE_MASK) == 0 &&
           excuse(t, REASON_ORDER);
}

/* Of 32-bit ENTER on a 16-bit stack, the manual has ESP as it is pushed to. */
static bool wrapped_enter(const struct bench *t)
{
    for (unsigned i = 0; i < t->p.n; i++)
        if (is_row(&t->p.insns[i], "enter"))
            return bench_mode_size(t) == X86_MODE_16;
    return false;
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
        uint64_t change = (t->out.regs[i] ^ g->g[i]) & mask;

        if (!change)
            continue;
        if (popa && i != 4 && excuse(t, REASON_POPA))
            continue;
        if (i == 5 && !(change & UINT16_MAX) && wrapped_enter(t) &&
            excuse(t, REASON_ENTER))
            continue;
        if (!strings || (i != 1 && i != 6 && i != 7) || change & UINT32_MAX ||
            !excuse(t, REASON_STRING))
            return false;
    }
    return true;
}

/* FSTP and FBSTP of 80 bits: hosts store them in two parts. */
static bool ten_fault(const struct bench *t, const struct native_end *end)
{
    const struct x86_cpu *g = x86(t->a.c);

    for (unsigned i = 0; i < t->p.n; i++) {
        const struct insn *n = &t->p.insns[i];

        if (t->p.pc + t->p.at[i] == g->core.pc && n->row)
            return x86_tables.entries[n->text].operands[0].size == 't' &&
                   t->out.rip == g->core.pc && g->vector != GUEST_NONE &&
                   end->vector != 3;
    }
    return false;
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
    size_t at;

    if (masked_fault(t, end) && excuse(t, REASON_MASKED))
        return NULL;
    if (!same_exception(t, end, g) &&
        !(ten_fault(t, end) && excuse(t, REASON_TEN)))
        return "exception";
    if (!same_registers(t, g))
        return "registers";
    if ((t->out.eflags ^ bench_flags(&g->core)) & flags ||
        !(t->out.eflags & EFLAGS_DF) != !g->df)
        return "flags";
    if (!same_sse(t, g))
        return "SSE";
    if (!same_x87(t, g) && (g->vector == GUEST_NONE || !excuse(t, REASON_MMX)))
        return "x87";
    at = bench_difference(bench_native_ram(t), t->a.ram->host);
    if (at == RAM_SIZE)
        return NULL;
    /* Of a CALL to no canonical address, hosts leave the return address on
     * the stack, though not in it. */
    if (g->vector == 13 && at_row(t, g->core.pc, "call") &&
        excuse(t, REASON_CALL))
        return NULL;
    if (ten_fault(t, end) && excuse(t, REASON_TEN))
        return NULL;
    if ((uint8_t)(bench_native_ram(t)[at] + 1) == t->a.ram->host[at] &&
        wrapped_enter(t) && excuse(t, REASON_ENTER))
        return NULL;
    return "memory";
}

static void print_x87(const struct bench *t, const struct x86_cpu *g)
{
    printf("  x87 %04x %04x %02x, host %04x %04x %02x\n", g->x87.control,
           x87_status(g), g->x87.used, t->out.control, t->out.status,
           t->out.used);
    for (unsigned i = 0; i < 8; i++) {
        unsigned n = (g->x87.top + i) & 7;

        if (t->out.mantissa[i] != g->x87.mantissa[n] ||
            t->out.exponent[i] != g->x87.exponent[n])
            printf("  st(%u) %04x:%016llx, host %04x:%016llx\n", i,
                   g->x87.exponent[n], (unsigned long long)g->x87.mantissa[n],
                   t->out.exponent[i], (unsigned long long)t->out.mantissa[i]);
    }
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
    print_x87(t, g);
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
    if (t->tainted || t->operand_undefined) {
        bench_reached(t)->open++;
        return true;
    }
    t->natives++;
    bench_reached(t)->natives++;
    what = different_natively(t, &end);
    if (!what)
        return true;
    snprintf(text, sizeof(text), "handlers and host: %s", what);
    bench_report(t, text);
    if (t->failures <= MAX_REPORTS)
        print_native(t, &end);
    return false;
}
