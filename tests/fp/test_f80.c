/*
 * test_f80.c - cpu/fp/f80.h against the host's x87 unit: random operands of
 * every kind, all rounding and precision modes, exceptions masked or not
 *
 * usage: test_f80 [CASES [SEED]]
 *
 * CASES for each instruction. Exit status: 0 all agree, 1 some do not, 77
 * (skipped) where the host has no x87.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "f80_random.h"
#include "x87_host.h"

enum { SKIPPED = 77, MAX_SHOWN = 10 };

#if HAVE_X87

/* What our own code leaves: ST(0), ST(1), memory. */
struct outcome {
    struct f80 st[2];
    unsigned count; /* of registers that are looked at */
    uint8_t m[16];
    uint16_t bits, mask; /* of the status word, beside flags */
};

enum effect {
    COMPUTES,
    LOADS,  /* not even an unmasked denormal stops it */
    STORES, /* only if nothing unmasked is raised */
    NEARLY, /* a transcendental function: the last bits may differ */
};

struct instruction {
    const char *name;
    void (*host)(struct x87_case *c);
    void (*ours)(struct fp_env *e, const struct x87_case *c, struct outcome *o);
    enum effect effect;
};

#define OURS(name, body)                                                       \
    static void ours_##name(struct fp_env *e, const struct x87_case *c,        \
                            struct outcome *o)                                 \
    {                                                                          \
        struct f80 a = c->a, b = c->b;                                         \
                                                                               \
        (void)a, (void)b, (void)e, (void)o;                                    \
        body;                                                                  \
    }

/* An operand in memory that is denormal: NaNs come before. */
static struct f80 with_denormal(struct fp_env *e, struct f80 r, bool plain)
{
    if (!plain && !(e->flags & (FP_NV | FP_DZ)) && f80_classify(r) != F80_NAN)
        e->flags |= FP_DN;
    return r;
}

static void order(struct outcome *o, enum f80_order r)
{
    static const uint16_t bits[] = {SW_C0, SW_C3, 0, SW_C0 | SW_C2 | SW_C3};

    o->bits = bits[r];
    o->mask = SW_C0 | SW_C2 | SW_C3;
}

static void remainder_of(struct fp_env *e, struct f80 a, struct f80 b,
                         bool nearest, struct outcome *o)
{
    uint64_t q;
    bool partial;

    o->st[0] = f80_rem(e, a, b, nearest, &q, &partial);
    o->mask = SW_C0 | SW_C1 | SW_C2 | SW_C3;
    if (e->flags & FP_NV || f80_abandoned(e))
        o->bits = 0;
    else if (partial)
        o->bits = SW_C2;
    else
        o->bits = (uint16_t)((q & 4 ? SW_C0 : 0) | (q & 2 ? SW_C3 : 0) |
                             (q & 1 ? SW_C1 : 0));
}

static bool beyond(struct outcome *o, bool done)
{
    o->bits = done ? 0 : SW_C2;
    o->mask = SW_C2;
    return done;
}

static uint16_t class_bits(struct f80 a)
{
    static const uint16_t bits[] = {
        0, SW_C0, SW_C2, SW_C2 | SW_C0, SW_C3, SW_C3 | SW_C0, SW_C3 | SW_C2};

    return (uint16_t)(bits[f80_classify(a)] | (a.se & F80_SIGN ? SW_C1 : 0));
}

#define M32 ld_le32(c->m)
#define M64 ld_le64(c->m)

#define ARITH(op)                                                              \
    X87_HOST(f##op, "f" #op " %%st(1),%%st")                                   \
    OURS(f##op, o->st[0] = f80_##op(e, a, b))                                  \
    X87_HOST(f##op##s, "f" #op "s %[m]")                                       \
    OURS(f##op##s,                                                             \
         o->st[0] = with_denormal(e, f80_##op(e, a, f80_widen_f32(M32)),       \
                                  fp_is_plain_f32(M32)))                       \
    X87_HOST(f##op##l, "f" #op "l %[m]")                                       \
    OURS(f##op##l,                                                             \
         o->st[0] = with_denormal(e, f80_##op(e, a, f80_widen_f64(M64)),       \
                                  fp_is_plain_f64(M64)))

ARITH(add)
ARITH(sub)
ARITH(mul)
ARITH(div)
X87_HOST(fsqrt, "fsqrt")
OURS(fsqrt, o->st[0] = f80_sqrt(e, a))
X87_HOST(frndint, "frndint")
OURS(frndint, o->st[0] = f80_rint(e, a))
X87_HOST(fscale, "fscale")
OURS(fscale, o->st[0] = f80_scale(e, a, b))
X87_HOST(fprem, "fprem")
OURS(fprem, remainder_of(e, a, b, false, o))
X87_HOST(fprem1, "fprem1")
OURS(fprem1, remainder_of(e, a, b, true, o))
X87_HOST(fxtract, "fxtract")
OURS(fxtract, o->count = 2; o->st[0] = f80_extract(e, a, &o->st[1]))
X87_HOST(fcom, "fcom %%st(1)")
OURS(fcom, order(o, f80_compare(e, a, b, false)))
X87_HOST(fucom, "fucom %%st(1)")
OURS(fucom, order(o, f80_compare(e, a, b, true)))
X87_HOST(ftst, "ftst")
OURS(ftst, order(o, f80_compare(e, a, F80_ZERO, false)))
X87_HOST(fxam, "fxam")
OURS(fxam, o->bits = class_bits(a); o->mask = SW_C0 | SW_C1 | SW_C2 | SW_C3)
X87_HOST(flds, "flds %[m]")
OURS(flds, o->st[0] = f80_from_f32(e, M32))
X87_HOST(fldl, "fldl %[m]")
OURS(fldl, o->st[0] = f80_from_f64(e, M64))
X87_HOST(fildll, "fildll %[m]")
OURS(fildll, o->st[0] = f80_from_i64((int64_t)M64))
X87_HOST(fbld, "fbld %[m]")
OURS(fbld, o->st[0] = f80_from_bcd(M64, ld_le16(c->m + 8)))
X87_HOST(fsts, "fsts %[m]")
OURS(fsts, st_le32(o->m, f80_to_f32(e, a)))
X87_HOST(fstl, "fstl %[m]")
OURS(fstl, st_le64(o->m, f80_to_f64(e, a)))
X87_HOST(fists, "fists %[m]")
OURS(fists, st_le16(o->m, (uint16_t)f80_to_int(e, a, 16)))
X87_HOST(fistl, "fistl %[m]")
OURS(fistl, st_le32(o->m, (uint32_t)f80_to_int(e, a, 32)))
X87_HOST(fistpll, "fistpll %[m]")
OURS(fistpll, o->count = 0; st_le64(o->m, (uint64_t)f80_to_int(e, a, 64)))
X87_HOST(fbstp, "fbstp %[m]")
static void ours_fbstp(struct fp_env *e, const struct x87_case *c,
                       struct outcome *o)
{
    uint16_t high;

    o->count = 0;
    st_le64(o->m, f80_to_bcd(e, c->a, &high));
    st_le16(o->m + 8, high);
}

X87_HOST(f2xm1, "f2xm1")
OURS(f2xm1, o->st[0] = f80_2xm1(e, a))
X87_HOST(fyl2x, "fyl2x")
OURS(fyl2x, o->st[0] = f80_yl2x(e, a, b))
X87_HOST(fyl2xp1, "fyl2xp1")
OURS(fyl2xp1, o->st[0] = f80_yl2xp1(e, a, b))
X87_HOST(fpatan, "fpatan")
OURS(fpatan, o->st[0] = f80_patan(e, a, b))
X87_HOST(fsin, "fsin")
OURS(fsin, beyond(o, f80_sin(e, a, &o->st[0])))
X87_HOST(fcos, "fcos")
OURS(fcos, beyond(o, f80_cos(e, a, &o->st[0])))
X87_HOST(fptan, "fptan")
OURS(
    fptan, if (beyond(o, f80_tan(e, a, &o->st[1]))) {
        o->count = 2;
        o->st[0] = f80_classify(o->st[1]) == F80_NAN ? o->st[1] : F80_ONE;
    })
X87_HOST(fsincos, "fsincos")
OURS(fsincos,
     if (beyond(o, f80_sincos(e, a, &o->st[1], &o->st[0]))) o->count = 2)

#define ROW(name) {#name, host_##name, ours_##name, COMPUTES},
#define LOAD(name) {#name, host_##name, ours_##name, LOADS},
#define NEAR(name) {#name, host_##name, ours_##name, NEARLY},
#define STORE(name) {#name, host_##name, ours_##name, STORES},

static const struct instruction table[] = {
    ROW(fadd) ROW(fadds) ROW(faddl) ROW(fsub) ROW(fsubs) ROW(fsubl) ROW(fmul)
        ROW(fmuls) ROW(fmull) ROW(fdiv) ROW(fdivs) ROW(fdivl) ROW(fsqrt)
            ROW(frndint) ROW(fscale) ROW(fprem) ROW(fprem1) ROW(fxtract)
                ROW(fcom) ROW(fucom) ROW(ftst) ROW(fxam) LOAD(flds) LOAD(fldl)
                    LOAD(fildll) LOAD(fbld) STORE(fsts) STORE(fstl) STORE(fists)
                        STORE(fistl) STORE(fistpll) STORE(fbstp) NEAR(f2xm1)
                            NEAR(fyl2x) NEAR(fyl2xp1) NEAR(fpatan) NEAR(fsin)
                                NEAR(fcos) NEAR(fptan) NEAR(fsincos)};

/* What is abandoned, or not stored, changes nothing. */
static void settle(const struct instruction *i, const struct x87_case *c,
                   struct fp_env *e, struct outcome *o)
{
    uint8_t trapped = e->flags & e->unmasked;

    if (i->effect == LOADS)
        trapped &= FP_NV;
    if (trapped & (FP_NV | FP_DZ | FP_DN))
        e->flags &= FP_NV | FP_DZ | FP_DN;
    else if (i->effect == STORES && trapped & (FP_OF | FP_UF))
        e->flags &= FP_OF | FP_UF;
    else
        return;
    o->count = 2;
    o->st[0] = c->a;
    o->st[1] = c->b;
    memcpy(o->m, c->m, sizeof(o->m));
}

/* How many units of the last place apart; 2 and more are as bad. */
static unsigned apart(struct f80 a, struct f80 b)
{
    uint64_t x = a.sig, y = b.sig;

    /* Of denormals, the exponent is that of 1. */
    a.se |= !(a.se & F80_EXP);
    b.se |= !(b.se & F80_EXP);
    if (a.se == b.se && (x == y || x + 1 == y || y + 1 == x))
        return x != y;
    if (a.se == b.se + 1)
        return x == UINT64_C(1) << 63 && y == UINT64_MAX ? 1 : 2;
    if (b.se == a.se + 1)
        return y == UINT64_C(1) << 63 && x == UINT64_MAX ? 1 : 2;
    return 2;
}

/* Same but for the last bit, and whether it was rounded up; beside the least
   normal number, whether it is tiny. */
static bool nearly_same(const struct x87_case *c, const struct fp_env *e,
                        const struct outcome *o)
{
    uint8_t unlike = (x87_flags(c->sw) ^ e->flags) & (uint8_t)~FP_UP;

    if ((o->st[0].se & F80_EXP) < 2)
        unlike &= (uint8_t)~FP_UF;
    if (unlike || (c->sw & o->mask) != o->bits)
        return false;
    for (unsigned i = 0; i < o->count; i++)
        if (apart(c->st[i], o->st[i]) > 1)
            return false;
    return true;
}

static bool same(const struct x87_case *c, const struct fp_env *e,
                 const struct outcome *o)
{
    uint8_t flags = x87_flags(c->sw), ours = e->flags;

    if (o->mask & SW_C1) {
        flags &= (uint8_t)~FP_UP;
        ours &= (uint8_t)~FP_UP;
    }
    if (flags != ours || (c->sw & o->mask) != o->bits)
        return false;
    for (unsigned i = 0; i < o->count; i++)
        if (c->st[i].sig != o->st[i].sig || c->st[i].se != o->st[i].se)
            return false;
    return memcmp(c->m, o->m, sizeof(o->m)) == 0;
}

static void show(const char *name, const struct x87_case *before,
                 const struct x87_case *host, const struct fp_env *e,
                 const struct outcome *o)
{
    printf("%s: cw %04x a %04x:%016llx b %04x:%016llx m %016llx\n", name,
           before->cw, before->a.se, (unsigned long long)before->a.sig,
           before->b.se, (unsigned long long)before->b.sig,
           (unsigned long long)ld_le64(before->m));
    printf("  host sw %04x st %04x:%016llx %04x:%016llx m %016llx\n", host->sw,
           host->st[0].se, (unsigned long long)host->st[0].sig, host->st[1].se,
           (unsigned long long)host->st[1].sig,
           (unsigned long long)ld_le64(host->m));
    printf("  ours fl %02x/%02x bits %04x st %04x:%016llx %04x:%016llx "
           "m %016llx\n",
           e->flags, x87_flags(host->sw), o->bits, o->st[0].se,
           (unsigned long long)o->st[0].sig, o->st[1].se,
           (unsigned long long)o->st[1].sig, (unsigned long long)ld_le64(o->m));
}

static unsigned long run(const struct instruction *i, unsigned long cases,
                         struct prng *p)
{
    unsigned long wrong = 0, near = 0;

    for (unsigned long n = 0; n < cases; n++) {
        struct fp_env e = random_env(p);
        struct x87_case c = {.cw = x87_control(&e)}, host;
        struct outcome o = {.count = 1};

        random_pair(p, &c.a, &c.b);
        random_memory(p, c.m);
        host = c;
        i->host(&host);
        o.st[0] = c.a;
        memcpy(o.m, c.m, sizeof(o.m));
        i->ours(&e, &c, &o);
        settle(i, &c, &e, &o);
        if (same(&host, &e, &o))
            continue;
        if (i->effect == NEARLY && nearly_same(&host, &e, &o))
            near++;
        else if (wrong++ < MAX_SHOWN)
            show(i->name, &c, &host, &e, &o);
    }
    printf("%-10s %9lu cases %6lu wrong", i->name, cases, wrong);
    if (i->effect == NEARLY)
        printf(", %lu by the last bit", near);
    printf("\n");
    return wrong;
}

int main(int argc, char **argv)
{
    unsigned long cases = argc > 1 ? strtoul(argv[1], NULL, 0) : 40000;
    struct prng p = {argc > 2 ? strtoull(argv[2], NULL, 0) : 1};
    unsigned long wrong = 0;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        wrong += run(&table[i], cases, &p);
    }
    return wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}
#else
int main(void)
{
    printf("skipped: the host has no x87\n");
    return SKIPPED;
}
#endif
