/*
 * f80.c - x87's extended numbers, in integer arithmetic
 *
 * The operations are core_priv.h's; here they meet the format, x87's
 * precision control, its adjusted results where overflow or underflow is
 * unmasked, and what only x87 has: FPREM, FSCALE, FXTRACT, packed decimals.
 *
 * Follows Intel 64 SDM volume 1, 8.2 (formats), 8.4 and 8.5 (exceptions), and
 * volume 2. What it leaves open is as Intel's processors have it: FPREM takes
 * 32 to 63 bits a step.
 */
#include "f80_priv.h"

/*
 * Format
 */

struct fp_num f80_unpack(struct f80 a)
{
    int exp = a.se & F80_EXP;
    bool sign = a.se & F80_SIGN;
    struct fp_num n = {
        .kind = KIND_FINITE,
        .sign = sign,
        .exp = exp - F80_BIAS,
        .sig = {a.sig, 0},
    };

    if (exp == 0)
        return a.sig ? num_normal(sign, 1 - F80_BIAS, n.sig) : num_zero(sign);
    if (exp == F80_EXP) {
        n.sig.hi &= ~TOP_BIT;
        n.kind = !n.sig.hi              ? KIND_INF
                 : n.sig.hi & NAN_QUIET ? KIND_QNAN
                                        : KIND_SNAN;
    }
    return n;
}

static struct f80 make(bool sign, int exp, uint64_t sig)
{
    return (struct f80){sig, (uint16_t)(exp | (sign ? F80_SIGN : 0))};
}

static struct f80 pack_wide_overflow(struct fp_env *e, bool sign, int bits)
{
    bool to_inf = overflow_to_inf(e, sign);

    e->flags |= FP_OF | FP_NX;
    note_up(e, to_inf);
    if (to_inf)
        return make(sign, F80_EXP, TOP_BIT);
    return make(sign, F80_EXP - 1, ~UINT64_C(0) << (64 - bits));
}

/* exp is 0 or less: as many bits fewer are kept. */
static struct f80 pack_subnormal(struct fp_env *e, const struct fp_num *n,
                                 int exp, int bits, bool tiny)
{
    struct fp_split s = split(n->sig, bits + exp - 1);
    unsigned up = round_up(e->round, n->sign, s);
    uint64_t sig = (s.kept + up) << (64 - bits);

    if (s.rest) {
        e->flags |= FP_NX | (tiny ? FP_UF : 0);
        note_up(e, up);
    }
    return make(n->sign, sig >> 63, sig);
}

static struct f80 pack_number(struct fp_env *e, const struct fp_num *n,
                              int bits)
{
    struct fp_split s = split(n->sig, bits);
    unsigned up = round_up(e->round, n->sign, s);
    uint64_t sig = (s.kept + up) << (64 - bits);
    /* All ones become a one and zeros. */
    int exp = n->exp + F80_BIAS + (sig == 0);

    if (exp < 1 && e->unmasked & FP_UF) {
        e->flags |= FP_UF;
        exp += F80_ADJUST;
        if (exp < 1) { /* FSCALE only */
            e->flags |= FP_NX;
            return make(n->sign, 0, 0);
        }
    } else if (n->exp + F80_BIAS < 1) {
        return pack_subnormal(e, n, n->exp + F80_BIAS, bits, exp < 1);
    } else if (exp >= (int)F80_EXP) {
        if (!(e->unmasked & FP_OF))
            return pack_wide_overflow(e, n->sign, bits);
        e->flags |= FP_OF;
        exp -= F80_ADJUST;
        if (exp >= (int)F80_EXP) { /* FSCALE only */
            e->flags |= FP_NX | FP_UP;
            return make(n->sign, F80_EXP, TOP_BIT);
        }
    }
    if (s.rest) {
        e->flags |= FP_NX;
        note_up(e, up);
    }
    return make(n->sign, exp, sig ? sig : TOP_BIT);
}

struct f80 f80_pack(struct fp_env *e, struct fp_num n, int bits)
{
    switch (n.kind) {
    case KIND_ZERO:
        return make(n.sign, 0, 0);
    case KIND_INF:
        return make(n.sign, F80_EXP, TOP_BIT);
    case KIND_FINITE:
        return pack_number(e, &n, bits);
    default:
        return make(n.sign, F80_EXP, TOP_BIT | n.sig.hi);
    }
}

struct f80 f80_finish(struct fp_env *e, struct fp_num n, int bits,
                      bool denormal)
{
    if (denormal && !num_is_nan(n))
        e->flags |= FP_DN;
    return f80_pack(e, n, bits);
}

struct f80 f80_invalid(struct fp_env *e)
{
    e->flags |= FP_NV;
    return F80_INDEFINITE;
}

/* An operand that is the result: nobody looks whether it is tiny. */
static struct f80 unchanged(struct fp_env *e, struct f80 a)
{
    if (f80_is_denormal(a)) {
        e->flags |= FP_DN;
        a.se |= a.sig >> 63;
    }
    return a;
}

enum f80_class f80_classify(struct f80 a)
{
    if (f80_unsupported(a))
        return F80_UNSUPPORTED;
    if ((a.se & F80_EXP) == F80_EXP)
        return a.sig << 1 ? F80_NAN : F80_INFINITY;
    if (a.se & F80_EXP)
        return F80_NORMAL;
    return a.sig ? F80_DENORMAL : F80_IS_ZERO;
}

/*
 * Arithmetic
 */

static int precision(const struct fp_env *e)
{
    return e->precision == 24 || e->precision == 53 ? e->precision : 64;
}

typedef struct fp_num operation(struct fp_env *e, struct fp_num a,
                                struct fp_num b);

FP_CORE struct f80 binary(struct fp_env *e, operation *op, struct f80 a,
                          struct f80 b)
{
    if (f80_unsupported(a) || f80_unsupported(b))
        return f80_invalid(e);
    return f80_finish(e, op(e, f80_unpack(a), f80_unpack(b)), precision(e),
                      f80_is_denormal(a) || f80_is_denormal(b));
}

struct f80 f80_add(struct fp_env *e, struct f80 a, struct f80 b)
{
    return binary(e, num_add, a, b);
}

/* A NaN keeps its sign. */
static struct fp_num num_sub(struct fp_env *e, struct fp_num a, struct fp_num b)
{
    b.sign ^= !num_is_nan(b);
    return num_add(e, a, b);
}

struct f80 f80_sub(struct fp_env *e, struct f80 a, struct f80 b)
{
    return binary(e, num_sub, a, b);
}

struct f80 f80_mul(struct fp_env *e, struct f80 a, struct f80 b)
{
    return binary(e, num_mul, a, b);
}

struct f80 f80_div(struct fp_env *e, struct f80 a, struct f80 b)
{
    /* What is divided by zero is looked at no further. */
    if (f80_is_denormal(a) && f80_classify(b) == F80_IS_ZERO)
        a.se |= 1, a.sig |= TOP_BIT;
    return binary(e, num_div, a, b);
}

struct f80 f80_sqrt(struct fp_env *e, struct f80 a)
{
    if (f80_unsupported(a))
        return f80_invalid(e);
    return f80_finish(e, num_sqrt(e, f80_unpack(a)), precision(e),
                      f80_is_denormal(a));
}

struct f80 f80_rint(struct fp_env *e, struct f80 a)
{
    if (f80_unsupported(a))
        return f80_invalid(e);
    return f80_finish(e, num_rint(e, f80_unpack(a), true), 64,
                      f80_is_denormal(a));
}

enum f80_order f80_compare(struct fp_env *e, struct f80 a, struct f80 b,
                           bool quiet)
{
    struct fp_num x = f80_unpack(a), y = f80_unpack(b);
    bool invalid = f80_unsupported(a) || f80_unsupported(b);
    int order;

    if (invalid || num_is_nan(x) || num_is_nan(y)) {
        if (invalid || !quiet || x.kind == KIND_SNAN || y.kind == KIND_SNAN)
            e->flags |= FP_NV;
        return F80_UNORDERED;
    }
    if (f80_is_denormal(a) || f80_is_denormal(b))
        e->flags |= FP_DN;
    if (x.kind == KIND_ZERO && y.kind == KIND_ZERO)
        return F80_EQUAL;
    if (x.kind != y.kind && x.kind != KIND_INF && y.kind != KIND_INF)
        order = x.kind == KIND_ZERO ? -1 : 1; /* one of them is zero */
    else if (x.kind != y.kind)
        order = x.kind == KIND_INF ? 1 : -1;
    else if (x.kind == KIND_INF)
        order = 0;
    else if (x.exp != y.exp)
        order = x.exp < y.exp ? -1 : 1;
    else
        order = (x.sig.hi > y.sig.hi) - (x.sig.hi < y.sig.hi);
    /* So far of magnitudes. */
    if (x.sign != y.sign)
        return x.sign ? F80_LESS : F80_GREATER;
    return (enum f80_order)(F80_EQUAL + (x.sign ? -order : order));
}

/*
 * FPREM and FPREM1
 */

/* The significand r modulo m, after r was moved up by `todo` places; returns
   the quotient's low bits. */
static uint64_t reduce(uint64_t *r, uint64_t m, unsigned todo)
{
    uint64_t q = *r >= m;

    *r -= q ? m : 0;
    if (todo) {
        struct u128 n = {*r >> (64 - todo), *r << todo};

        q = q << todo | u128_div64(n, m, r);
    }
    return q;
}

/* Both are finite, not zero, and a is not below b / 4. */
static struct fp_num rem_step(struct fp_num a, struct fp_num b, bool nearest,
                              uint64_t *quotient, bool *partial)
{
    int diff = a.exp - b.exp, done = diff;
    uint64_t r = a.sig.hi, m = b.sig.hi;

    if (diff >= 64) {
        *partial = true;
        done = (diff & 31) | 32;
        reduce(&r, m, (unsigned)done);
        if (r == 0)
            return num_zero(a.sign);
        return num_normal(a.sign, a.exp - done, (struct u128){r, 0});
    }
    if (diff < 0) {
        /* Less than b: with FPREM1 from b / 2 on the quotient is one. */
        if (!nearest || diff < -1 || r <= m)
            return a;
        *quotient = 1;
        return num_normal(
            !a.sign, b.exp,
            u128_sub((struct u128){m, 0}, u128_shr_sticky(a.sig, 1)));
    }
    *quotient = reduce(&r, m, (unsigned)diff);
    if (nearest && (r > m - r || (r == m - r && *quotient & 1))) {
        r = m - r;
        a.sign = !a.sign;
        ++*quotient;
    }
    if (r == 0)
        return num_zero(a.sign);
    return num_normal(a.sign, b.exp, (struct u128){r, 0});
}

struct f80 f80_rem(struct fp_env *e, struct f80 a, struct f80 b, bool nearest,
                   uint64_t *quotient, bool *partial)
{
    struct fp_num x = f80_unpack(a), y = f80_unpack(b), r;

    *quotient = 0;
    *partial = false;
    if (f80_unsupported(a) || f80_unsupported(b))
        return f80_invalid(e);
    if (num_is_nan(x) || num_is_nan(y))
        r = num_pick_nan(e, x, y);
    else if (x.kind == KIND_INF || y.kind == KIND_ZERO)
        r = num_invalid(e);
    else if (y.kind == KIND_INF)
        return unchanged(e, a);
    else if (x.kind == KIND_ZERO)
        r = x;
    else
        r = rem_step(x, y, nearest, quotient, partial);
    return f80_finish(e, r, 64, f80_is_denormal(a) || f80_is_denormal(b));
}

/*
 * Exponents
 */

/* An integer, towards zero, as far as any exponent can matter. */
static int small_int(struct fp_num n)
{
    int i;

    if (n.kind == KIND_ZERO || n.exp < 0)
        return 0;
    i = n.exp > 16 ? 1 << 17 : (int)(n.sig.hi >> (63 - n.exp));
    return n.sign ? -i : i;
}

static struct fp_num scale_special(struct fp_env *e, struct fp_num a,
                                   struct fp_num b)
{
    if (num_is_nan(a) || num_is_nan(b))
        return num_pick_nan(e, a, b);
    if (b.kind != KIND_INF)
        return a;
    /* By plus infinity or minus infinity. */
    if (a.kind == (b.sign ? KIND_INF : KIND_ZERO))
        return num_invalid(e);
    return b.sign ? num_zero(a.sign) : num_inf(a.sign);
}

struct f80 f80_scale(struct fp_env *e, struct f80 a, struct f80 b)
{
    struct fp_num x = f80_unpack(a), y = f80_unpack(b);

    if (f80_unsupported(a) || f80_unsupported(b))
        return f80_invalid(e);
    if (x.kind == KIND_FINITE && y.kind == KIND_ZERO)
        return unchanged(e, a);
    if (x.kind != KIND_FINITE || y.kind > KIND_FINITE)
        x = scale_special(e, x, y);
    else
        x.exp += small_int(y);
    return f80_finish(e, x, 64, f80_is_denormal(a) || f80_is_denormal(b));
}

struct f80 f80_extract(struct fp_env *e, struct f80 a, struct f80 *exp)
{
    struct fp_num n = f80_unpack(a);

    if (f80_unsupported(a))
        return *exp = f80_invalid(e);
    if (num_is_nan(n))
        return *exp = f80_pack(e, num_pick_nan(e, n, n), 64);
    if (n.kind == KIND_ZERO) {
        e->flags |= FP_DZ;
        *exp = make(true, F80_EXP, TOP_BIT);
        return a;
    }
    if (n.kind == KIND_INF) {
        *exp = make(false, F80_EXP, TOP_BIT);
        return a;
    }
    *exp = f80_from_i64(n.exp);
    n.exp = 0;
    return f80_finish(e, n, 64, f80_is_denormal(a));
}

/*
 * Conversions
 */

static struct f80 widen(const struct fp_format *f, uint64_t a)
{
    struct fp_env none = {.rules = FP_RULES_X87};

    return f80_pack(&none, unpack(f, a), 64);
}

struct f80 f80_widen_f32(uint32_t a)
{
    return widen(&fmt_f32, a);
}

struct f80 f80_widen_f64(uint64_t a)
{
    return widen(&fmt_f64, a);
}

static struct f80 load(struct fp_env *e, struct f80 a, bool plain)
{
    struct fp_num n = f80_unpack(a);

    if (num_is_nan(n))
        return f80_pack(e, num_pick_nan(e, n, n), 64);
    if (!plain)
        e->flags |= FP_DN;
    return a;
}

struct f80 f80_from_f32(struct fp_env *e, uint32_t a)
{
    return load(e, f80_widen_f32(a), fp_is_plain_f32(a));
}

struct f80 f80_from_f64(struct fp_env *e, uint64_t a)
{
    return load(e, f80_widen_f64(a), fp_is_plain_f64(a));
}

struct f80 f80_from_i64(int64_t i)
{
    uint64_t magnitude = i < 0 ? -(uint64_t)i : (uint64_t)i;
    unsigned up;

    if (i == 0)
        return F80_ZERO;
    up = (unsigned)__builtin_clzll(magnitude);
    return make(i < 0, F80_BIAS + 63 - (int)up, magnitude << up);
}

static uint64_t store(struct fp_env *e, const struct fp_format *f, struct f80 a)
{
    struct fp_num n = f80_unpack(a);

    if (f80_unsupported(a))
        n = num_invalid(e);
    else if (num_is_nan(n))
        n = num_pick_nan(e, n, n);
    return pack(e, f, n);
}

uint32_t f80_to_f32(struct fp_env *e, struct f80 a)
{
    return (uint32_t)store(e, &fmt_f32, a);
}

uint64_t f80_to_f64(struct fp_env *e, struct f80 a)
{
    return store(e, &fmt_f64, a);
}

int64_t f80_to_int(struct fp_env *e, struct f80 a, unsigned width)
{
    struct fp_num n = f80_unpack(a);
    uint64_t v;

    if (f80_unsupported(a))
        n.kind = KIND_SNAN;
    v = num_to_int(e, n, width, true) << (64 - width);
    return (int64_t)v >> (64 - width);
}

#define BCD_LIMIT INT64_C(999999999999999999)

struct f80 f80_from_bcd(uint64_t low, uint16_t high)
{
    uint64_t v = (uint64_t)(high >> 4 & 15) * 10 + (high & 15);
    struct f80 r;

    for (int i = 60; i >= 0; i -= 4)
        v = v * 10 + (low >> i & 15);
    r = f80_from_i64((int64_t)v);
    r.se |= high & F80_SIGN;
    return r;
}

uint64_t f80_to_bcd(struct fp_env *e, struct f80 a, uint16_t *high)
{
    struct fp_env tried = *e;
    int64_t i = f80_to_int(&tried, a, 64);
    uint64_t v = i < 0 ? -(uint64_t)i : (uint64_t)i, low = 0;

    if (v > BCD_LIMIT) { /* invalid gives the lowest, which is more */
        e->flags |= FP_NV;
        *high = 0xffff;
        return UINT64_C(3) << 62;
    }
    *e = tried;
    for (unsigned n = 0; n < 64; n += 4, v /= 10)
        low |= v % 10 << n;
    *high = (uint16_t)((a.se & F80_SIGN) | v / 10 << 4 | v % 10);
    return low;
}
