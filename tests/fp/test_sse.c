/*
 * test_sse.c - cpu/fp under the rules of SSE against the host's SSE unit:
 * random operands, all of MXCSR, exceptions masked or not
 *
 * usage: test_sse [CASES [SEED]]
 *
 * Also every value of the approximations, to the error that they may have.
 * An exception that is not masked ends in SIGFPE, whose context has MXCSR.
 * Exit status: 0 all agree, 1 some do not, 77 (skipped) on other hosts.
 */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#include "cpu/fp/fp.h"
#include "tests/unit.h"

enum { SKIPPED = 77, MAX_SHOWN = 10 };

/* The largest error of 1/x and of 1/sqrt(x), relative, in 2^-12. */
static double worst_approximation(bool root)
{
    double worst = 0;

    for (uint32_t a = 0x3f800000; a < 0x40800000; a += 3) {
        double x = fp_value_f32(a);
        double exact = root ? 1 / sqrt(x) : 1 / x;
        double got = fp_value_f32(root ? fp_rsqrt_f32(a) : fp_rcp_f32(a));

        worst = fmax(worst, fabs(got - exact) / exact);
    }
    return worst * 4096;
}

static bool approximations(void)
{
    double rcp = worst_approximation(false), root = worst_approximation(true);

    printf("errors, in 2^-12: rcp %.3f, rsqrt %.3f\n", rcp, root);
    return rcp <= 1.5 && root <= 1.5;
}

#if defined(__x86_64__) && defined(__linux__)

struct sse_case {
    uint32_t mxcsr;
    uint64_t a, b, r;
    bool trapped;
};

static sigjmp_buf back;
static volatile uint32_t trapped_mxcsr;

static void on_fpe(int number, siginfo_t *info, void *context)
{
    const ucontext_t *u = context;

    (void)number, (void)info;
    trapped_mxcsr = u->uc_mcontext.fpregs->mxcsr;
    siglongjmp(back, 1);
}

static inline uint32_t get_mxcsr(void)
{
    uint32_t v;

    __asm__ volatile("stmxcsr %0" : "=m"(v));
    return v;
}

static inline void set_mxcsr(uint32_t v)
{
    __asm__ volatile("ldmxcsr %0" ::"m"(v));
}

/* x is both an operand and the result. */
#define SSE(name, instruction)                                                 \
    static void host_##name(struct sse_case *c)                                \
    {                                                                          \
        __asm__ volatile("movq %[a], %%xmm0\n\t"                               \
                         "movq %[b], %%xmm1\n\t"                               \
                         "mov %[a], %%rax\n\t"                                 \
                         "ldmxcsr %[csr]\n\t" instruction                      \
                         : [a] "+m"(c->a)                                      \
                         : [b] "m"(c->b), [csr] "m"(c->mxcsr)                  \
                         : "rax", "xmm0", "xmm1", "cc", "memory");             \
    }

#define TO_XMM(name, instruction) SSE(name, instruction "\n\tmovq %%xmm0, %[a]")
#define TO_RAX(name, instruction) SSE(name, instruction "\n\tmov %%rax, %[a]")
#define OURS(name, expr)                                                       \
    static uint64_t ours_##name(struct fp_env *e, uint64_t a, uint64_t b)      \
    {                                                                          \
        (void)a, (void)b, (void)e;                                             \
        return (uint64_t)(expr);                                               \
    }

#define PAIR(name, suffix, T, B, low)                                          \
    TO_XMM(name##suffix, #name #suffix " %%xmm1, %%xmm0")                      \
    OURS(name##suffix, (a & ~(uint64_t)(low)) | fp_##name##_##T(e, (B)a, (B)b))
#define COMPARE(name, suffix, T, B, low, f)                                    \
    TO_XMM(cmp##name##suffix, "cmp" #name #suffix " %%xmm1, %%xmm0")           \
    OURS(cmp##name##suffix,                                                    \
         (a & ~(uint64_t)(low)) | (f(e, (B)a, (B)b) ? (low) : 0))
#define FORMAT(suffix, T, B, low)                                              \
    PAIR(add, suffix, T, B, low)                                               \
    PAIR(sub, suffix, T, B, low)                                               \
    PAIR(mul, suffix, T, B, low)                                               \
    PAIR(div, suffix, T, B, low)                                               \
    PAIR(min, suffix, T, B, low)                                               \
    PAIR(max, suffix, T, B, low)                                               \
    COMPARE(eq, suffix, T, B, low, fp_eq_##T)                                  \
    COMPARE(lt, suffix, T, B, low, fp_lt_##T)                                  \
    COMPARE(le, suffix, T, B, low, fp_le_##T)                                  \
    COMPARE(nlt, suffix, T, B, low, !fp_lt_##T)                                \
    TO_XMM(sqrt##suffix, "sqrt" #suffix " %%xmm1, %%xmm0")                     \
    OURS(sqrt##suffix, (a & ~(uint64_t)(low)) | fp_sqrt_##T(e, (B)b))          \
    TO_RAX(cvt##suffix##2si, "cvt" #suffix "2si %%xmm1, %%eax")                \
    OURS(cvt##suffix##2si, (uint32_t)fp_to_i32_##T(e, (B)b))                   \
    TO_RAX(cvt##suffix##2siq, "cvt" #suffix "2si %%xmm1, %%rax")               \
    OURS(cvt##suffix##2siq, fp_to_i64_##T(e, (B)b))                            \
    TO_RAX(cvtt##suffix##2siq, "cvtt" #suffix "2si %%xmm1, %%rax")             \
    OURS(cvtt##suffix##2siq, towards_zero_##T(e, (B)b))                        \
    TO_XMM(cvtsi2##suffix, "cvtsi2" #suffix " %%eax, %%xmm0")                  \
    OURS(cvtsi2##suffix,                                                       \
         (a & ~(uint64_t)(low)) | fp_from_i32_##T(e, (int32_t)a))              \
    TO_XMM(cvtsi2##suffix##q, "cvtsi2" #suffix " %%rax, %%xmm0")               \
    OURS(cvtsi2##suffix##q,                                                    \
         (a & ~(uint64_t)(low)) | fp_from_i64_##T(e, (int64_t)a))

#define ONES32 UINT64_C(0xffffffff)

static int64_t towards_zero_f32(struct fp_env *e, uint32_t a)
{
    e->round = FP_RTZ;
    return fp_to_i64_f32(e, a);
}

static int64_t towards_zero_f64(struct fp_env *e, uint64_t a)
{
    e->round = FP_RTZ;
    return fp_to_i64_f64(e, a);
}

FORMAT(ss, f32, uint32_t, ONES32)
FORMAT(sd, f64, uint64_t, UINT64_MAX)
TO_XMM(cvtss2sd, "cvtss2sd %%xmm1, %%xmm0")
OURS(cvtss2sd, fp_to_f64_f32(e, (uint32_t)b))
TO_XMM(cvtsd2ss, "cvtsd2ss %%xmm1, %%xmm0")
OURS(cvtsd2ss, (a & ~ONES32) | fp_to_f32_f64(e, b))
TO_XMM(rcpss, "rcpss %%xmm1, %%xmm0")
OURS(rcpss, (a & ~ONES32) | fp_rcp_f32((uint32_t)b))
TO_XMM(rsqrtss, "rsqrtss %%xmm1, %%xmm0")
OURS(rsqrtss, (a & ~ONES32) | fp_rsqrt_f32((uint32_t)b))
TO_XMM(roundss, "roundss $4, %%xmm1, %%xmm0")
OURS(roundss, (a & ~ONES32) | fp_rint_f32(e, (uint32_t)b, true))
TO_XMM(roundsd, "roundsd $12, %%xmm1, %%xmm0")
OURS(roundsd, fp_rint_f64(e, b, false))

/* EFLAGS' ZF, PF, CF as in AH. */
static uint64_t order_bits(bool unordered, bool less, bool equal)
{
    return (uint64_t)(unordered ? 0x45 : less ? 0x01 : equal ? 0x40 : 0) << 8;
}

TO_RAX(ucomisd, "ucomisd %%xmm1, %%xmm0\n\tlahf\n\tand $0x4500, %%eax")
OURS(ucomisd, order_bits((a & INT64_MAX) > INT64_C(0x7ff) << 52 ||
                             (b & INT64_MAX) > INT64_C(0x7ff) << 52,
                         fp_lt_quiet_f64(e, a, b), fp_eq_f64(e, a, b)))

#define ROW(name) {#name, host_##name, ours_##name},
#define ROWS(s)                                                                \
    ROW(add##s)                                                                \
    ROW(sub##s) ROW(mul##s) ROW(div##s) ROW(min##s) ROW(max##s) ROW(cmpeq##s)  \
        ROW(cmplt##s) ROW(cmple##s) ROW(cmpnlt##s) ROW(sqrt##s)                \
            ROW(cvt##s##2si) ROW(cvt##s##2siq) ROW(cvtt##s##2siq)              \
                ROW(cvtsi2##s) ROW(cvtsi2##s##q)

struct instruction {
    const char *name;
    void (*host)(struct sse_case *c);
    uint64_t (*ours)(struct fp_env *e, uint64_t a, uint64_t b);
};

static const struct instruction table[] = {ROWS(ss) ROWS(sd) ROW(cvtss2sd) ROW(
    cvtsd2ss) ROW(rcpss) ROW(rsqrtss) ROW(roundss) ROW(roundsd) ROW(ucomisd)};

/* MXCSR's exceptions are mirrored, but for DE. */
static uint32_t to_sse(uint8_t flags)
{
    return (flags & FP_NV ? 1u : 0) | (flags & FP_DN ? 2u : 0) |
           (flags & FP_DZ ? 4u : 0) | (flags & FP_OF ? 8u : 0) |
           (flags & FP_UF ? 16u : 0) | (flags & FP_NX ? 32u : 0);
}

static void run_host(const struct instruction *i, struct sse_case *c)
{
    uint32_t old = get_mxcsr();

    c->trapped = false;
    if (sigsetjmp(back, 0)) {
        c->trapped = true;
        c->mxcsr = trapped_mxcsr;
    } else {
        i->host(c);
        c->mxcsr = get_mxcsr();
    }
    set_mxcsr(old);
}

/* f32 and f64 whose exponents meet, are the least or the greatest. */
static uint64_t random_operand(struct prng *p)
{
    uint64_t r = prng_next(p), v = prng_next(p);
    uint32_t e32 = 127 - 20 + (uint32_t)(r >> 8) % 40;
    uint32_t e64 = 1023 - 40 + (uint32_t)(r >> 16) % 80;

    if ((r & 7) < 2)
        e32 = e64 = 0;
    else if ((r & 7) == 2)
        e32 = 1 + (uint32_t)(r >> 8) % 24, e64 = 1 + (uint32_t)(r >> 8) % 54;
    else if ((r & 7) == 3)
        e32 = 255 - (uint32_t)(r >> 8) % 3, e64 = 2047 - (uint32_t)(r >> 8) % 3;
    else if ((r & 7) == 4)
        e32 = (uint32_t)(r >> 8) & 255, e64 = (uint32_t)(r >> 8) & 2047;
    if ((r >> 3 & 7) == 0)
        v &= 0x8000000080000000;
    else if ((r >> 3 & 7) == 1)
        v &= UINT64_MAX << (r >> 32) % 52;
    else if ((r >> 3 & 7) == 2)
        v |= UINT64_MAX >> 1 >> (r >> 32 & 63);
    if (r >> 6 & 1)
        return (v & ~(UINT64_C(0x7ff) << 52)) | (uint64_t)e64 << 52;
    return (v & ~(UINT64_C(0xff) << 23)) | (uint64_t)e32 << 23;
}

static bool run_case(const struct instruction *i, struct prng *p, bool report)
{
    static const uint32_t rounds[] = {0, 3, 1, 2};
    uint64_t r = prng_next(p);
    struct fp_env e = {
        .rules = FP_RULES_SSE,
        .round = r & 3,
        .denormal =
            (uint8_t)((r >> 2 & 1 ? FP_DENORMAL_ZERO : 0) |
                      (r >> 3 & 1 ? FP_DENORMAL_FLUSH : 0) | FP_DENORMAL_FLAG),
        .unmasked = (r >> 16 & 7) == 0 ? r >> 4 & 63 : 0,
        .flags = r >> 20 & 1 ? FP_NX : 0,
        .soft = r >> 21 & 1,
    };
    uint32_t before = (~to_sse(e.unmasked) & 63) << 7 | rounds[e.round] << 13 |
                      (e.denormal & FP_DENORMAL_ZERO ? 0x40 : 0) |
                      (e.denormal & FP_DENORMAL_FLUSH ? 0x8000 : 0) |
                      to_sse(e.flags);
    struct sse_case c = {before, random_operand(p), random_operand(p), 0, 0};
    uint64_t a = c.a, b = c.b, ours;
    uint8_t sticky = e.flags, raised;

    run_host(i, &c);
    /* A handler of an exception wants to know of which: without the sticky
       ones. */
    e.flags = e.unmasked ? 0 : sticky;
    ours = i->ours(&e, a, b);
    raised = e.flags & e.unmasked;
    if (raised)
        ours = a;
    if (raised & (FP_NV | FP_DZ | FP_DN))
        e.flags &= FP_NV | FP_DZ | FP_DN;
    e.flags |= sticky;
    if (c.trapped == (raised != 0) && c.a == ours &&
        (c.mxcsr & 63) == to_sse(e.flags))
        return true;
    if (report)
        printf("%s mxcsr %04x: %016llx %016llx: %016llx %02x, host %016llx "
               "%02x%s\n",
               i->name, before, (unsigned long long)a, (unsigned long long)b,
               (unsigned long long)ours, to_sse(e.flags),
               (unsigned long long)c.a, c.mxcsr & 63,
               c.trapped ? " trapped" : "");
    return false;
}

int main(int argc, char **argv)
{
    unsigned long cases = argc > 1 ? strtoul(argv[1], NULL, 0) : 30000;
    struct prng p = {argc > 2 ? strtoull(argv[2], NULL, 0) : 1};
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_NODEFER};
    unsigned long total = 0;

    action.sa_sigaction = on_fpe;
    sigaction(SIGFPE, &action, NULL);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        unsigned long wrong = 0;

        for (unsigned long n = 0; n < cases; n++)
            wrong += !run_case(&table[i], &p, wrong < MAX_SHOWN);
        printf("%-12s %9lu cases %6lu wrong\n", table[i].name, cases, wrong);
        total += wrong;
    }
    return total || !approximations() ? EXIT_FAILURE : EXIT_SUCCESS;
}
#else
int main(void)
{
    if (!approximations())
        return EXIT_FAILURE;
    printf("skipped but for these: the host has no SSE\n");
    return SKIPPED;
}
#endif
