/*
 * core_priv.h - the core of the soft float: unpack, compute, round and pack
 *
 * Every format is a struct fp_format; every operation works on struct fp_num,
 * an unpacked number with a significand of 128 bits, and so is written once.
 * All functions inline into their callers with a constant format: for the
 * narrow ones the compiler drops what the low half does not need.
 *
 *     operand bits -> unpack() -> num_add(), num_mul(), ... -> pack() -> bits
 *
 * The significand's last bit may be sticky: set when anything below it was
 * not zero. Operations keep exact all that rounding to 64 bits can depend on
 * (fma: to 53 bits), so that x87 has its own unpack and pack only (f80.c);
 * binary128 would need wider products, quotients and roots too.
 */
#ifndef CPU_FP_CORE_PRIV_H
#define CPU_FP_CORE_PRIV_H

#include "fp.h"
#include "u128.h"

#define FP_CORE static inline __attribute__((always_inline))

/* An IEEE interchange format: sign, exponent, fraction from high to low. */
struct fp_format {
    uint8_t exp_bits, frac_bits;
};

static const struct fp_format fmt_f16 = {5, 10};
static const struct fp_format fmt_f32 = {8, 23};
static const struct fp_format fmt_f64 = {11, 52};

/* In this order: NaNs last. */
enum fp_kind { KIND_ZERO, KIND_FINITE, KIND_INF, KIND_QNAN, KIND_SNAN };

/*
 * KIND_FINITE: (-1)^sign * 2^exp * sig / 2^127, the top bit of sig set.
 * NaN: sig is the fraction, its quiet bit at NAN_QUIET.
 */
struct fp_num {
    uint8_t kind;
    bool sign;
    int32_t exp;
    struct u128 sig;
};

#define TOP_BIT (UINT64_C(1) << 63)
#define NAN_QUIET (UINT64_C(1) << 62)

/*
 * Formats
 */

FP_CORE int fmt_bias(const struct fp_format *f)
{
    return (1 << (f->exp_bits - 1)) - 1;
}

/* The exponent field of infinity and NaN. */
FP_CORE int fmt_exp_max(const struct fp_format *f)
{
    return (1 << f->exp_bits) - 1;
}

FP_CORE uint64_t fmt_frac_mask(const struct fp_format *f)
{
    return (UINT64_C(1) << f->frac_bits) - 1;
}

/* Infinity, which is also the least magnitude that is no number. */
FP_CORE uint64_t fmt_inf(const struct fp_format *f)
{
    return (uint64_t)fmt_exp_max(f) << f->frac_bits;
}

FP_CORE uint64_t fmt_sign(const struct fp_format *f)
{
    return UINT64_C(1) << (f->exp_bits + f->frac_bits);
}

FP_CORE bool fmt_is_nan(const struct fp_format *f, uint64_t a)
{
    return (a & (fmt_sign(f) - 1)) > fmt_inf(f);
}

FP_CORE bool fmt_is_snan(const struct fp_format *f, uint64_t a)
{
    return fmt_is_nan(f, a) && !(a >> (f->frac_bits - 1) & 1);
}

/*
 * NaNs
 */

FP_CORE struct fp_num num_default_nan(const struct fp_env *e)
{
    return (struct fp_num){
        .kind = KIND_QNAN,
        .sign = e->rules != FP_RULES_RISCV,
        .sig = {NAN_QUIET, 0},
    };
}

FP_CORE struct fp_num num_invalid(struct fp_env *e)
{
    e->flags |= FP_NV;
    return num_default_nan(e);
}

FP_CORE bool num_is_nan(struct fp_num a)
{
    return a.kind >= KIND_QNAN;
}

/* x87 of two NaNs: a quiet one, else that of the larger significand, else the
   positive one (SDM volume 1, table 4-7). */
FP_CORE bool num_x87_second(struct fp_num a, struct fp_num b)
{
    if (a.kind != b.kind)
        return a.kind == KIND_SNAN;
    if (a.sig.hi != b.sig.hi)
        return a.sig.hi < b.sig.hi;
    return a.sign;
}

/* The result for operands of which one at least is a NaN, first first. */
FP_CORE struct fp_num num_pick_nan(struct fp_env *e, struct fp_num a,
                                   struct fp_num b)
{
    struct fp_num n = num_is_nan(a) ? a : b;

    if (e->rules == FP_RULES_X87 && num_is_nan(a) && num_is_nan(b) &&
        num_x87_second(a, b))
        n = b;

    if (a.kind == KIND_SNAN || b.kind == KIND_SNAN)
        e->flags |= FP_NV;
    if (e->rules == FP_RULES_RISCV)
        return num_default_nan(e);
    n.kind = KIND_QNAN;
    n.sig.hi |= NAN_QUIET;
    return n;
}

/*
 * Unpack
 */

/* A finite number whose significand is not normalised yet, and not 0. */
FP_CORE struct fp_num num_normal(bool sign, int exp, struct u128 sig)
{
    unsigned up = u128_clz(sig);

    return (struct fp_num){
        .kind = KIND_FINITE,
        .sign = sign,
        .exp = exp - (int)up,
        .sig = u128_shl(sig, up),
    };
}

FP_CORE struct fp_num num_zero(bool sign)
{
    return (struct fp_num){.kind = KIND_ZERO, .sign = sign};
}

FP_CORE struct fp_num num_inf(bool sign)
{
    return (struct fp_num){.kind = KIND_INF, .sign = sign};
}

FP_CORE struct fp_num unpack(const struct fp_format *f, uint64_t bits)
{
    uint64_t frac = (bits & fmt_frac_mask(f)) << (63 - f->frac_bits);
    int exp = (int)(bits >> f->frac_bits) & fmt_exp_max(f);
    bool sign = bits & fmt_sign(f);
    struct fp_num n = {
        .kind = KIND_FINITE,
        .sign = sign,
        .exp = exp - fmt_bias(f),
        .sig = {frac | TOP_BIT, 0},
    };

    if (exp == 0) {
        if (frac == 0)
            return num_zero(sign);
        n.sig.hi = frac << __builtin_clzll(frac);
        n.exp = 1 - fmt_bias(f) - __builtin_clzll(frac);
    } else if (exp == fmt_exp_max(f)) {
        n.kind = frac & NAN_QUIET ? KIND_QNAN : frac ? KIND_SNAN : KIND_INF;
        n.sig.hi = frac;
    }
    return n;
}

/*
 * Round and pack
 */

/* A number cut in two: an integer, and what follows its point, sticky. */
struct fp_split {
    uint64_t kept, rest;
};

/* The top `bits` bits of the significand are kept; 64 at most. */
FP_CORE struct fp_split split(struct u128 sig, int bits)
{
    bool low = sig.lo != 0;

    if (bits >= 64)
        return (struct fp_split){sig.hi, sig.lo};
    if (bits > 0)
        return (struct fp_split){sig.hi >> (64 - bits), sig.hi << bits | low};
    if (bits == 0)
        return (struct fp_split){0, sig.hi | low};
    return (struct fp_split){0, 1}; /* less than a half, and not 0 */
}

/* What rounding adds to the kept integer. */
FP_CORE unsigned round_up(unsigned round, bool sign, struct fp_split s)
{
    switch (round) {
    case FP_RNE: /* above a half, or at it and odd */
        return (s.rest | (s.kept & 1)) > TOP_BIT;
    case FP_RDN:
        return sign && s.rest;
    case FP_RUP:
        return !sign && s.rest;
    case FP_RMM:
        return s.rest >= TOP_BIT;
    default:
        return 0;
    }
}

/* Under x87's rules, which way an inexact result was rounded matters. */
FP_CORE void note_up(struct fp_env *e, bool up)
{
    if (e->rules == FP_RULES_X87 && up)
        e->flags |= FP_UP;
}

/* Overflow gives infinity, not the largest number. */
FP_CORE bool overflow_to_inf(const struct fp_env *e, bool sign)
{
    return e->round == FP_RNE || e->round == FP_RMM ||
           e->round == (sign ? FP_RDN : FP_RUP);
}

/*
 * Where they are unmasked, overflow and underflow are inexact only if the
 * result would be so with any exponent: `rest` is what rounding took.
 */
FP_CORE uint64_t pack_overflow(struct fp_env *e, const struct fp_format *f,
                               bool sign, uint64_t rest)
{
    bool to_inf = overflow_to_inf(e, sign);

    e->flags |= rest || !(e->unmasked & FP_OF) ? FP_OF | FP_NX : FP_OF;
    note_up(e, to_inf);
    return fmt_inf(f) - !to_inf;
}

/* Does a tiny result end here, without its bits? */
FP_CORE bool pack_no_tiny(struct fp_env *e, uint64_t rest)
{
    if (e->unmasked & FP_UF)
        e->flags |= rest ? FP_UF | FP_NX : FP_UF;
    else if (e->denormal & FP_DENORMAL_FLUSH)
        e->flags |= FP_UF | FP_NX;
    else
        return false;
    return true;
}

/* The bits of a finite number but for its sign. */
FP_CORE uint64_t pack_finite(struct fp_env *e, const struct fp_format *f,
                             const struct fp_num *n)
{
    int exp = n->exp + fmt_bias(f), bits = f->frac_bits + 1;
    struct fp_split s = split(n->sig, bits);
    unsigned up = round_up(e->round, n->sign, s);
    uint64_t out = s.kept + up;
    uint8_t flags = FP_NX;

    if (exp >= fmt_exp_max(f))
        return pack_overflow(e, f, n->sign, s.rest);
    if (exp < 1) {
        /* Tiny unless full precision would round up to the least normal. */
        if (exp < 0 || out >> bits == 0) {
            flags |= FP_UF;
            if (pack_no_tiny(e, s.rest))
                return 0;
        }
        s = split(n->sig, bits + exp - 1);
        up = round_up(e->round, n->sign, s);
        out = s.kept + up;
        exp = 1;
    }
    /* The leading one, or the carry above it, adds one to the exponent. */
    out += (uint64_t)(exp - 1) << f->frac_bits;
    if (out >= fmt_inf(f))
        return pack_overflow(e, f, n->sign, s.rest);
    if (s.rest) {
        e->flags |= flags;
        note_up(e, up);
    }
    return out;
}

FP_CORE uint64_t pack(struct fp_env *e, const struct fp_format *f,
                      struct fp_num n)
{
    uint64_t sign = n.sign ? fmt_sign(f) : 0;

    if (n.kind == KIND_FINITE)
        return sign | pack_finite(e, f, &n);
    if (n.kind == KIND_ZERO)
        return sign;
    if (n.kind == KIND_INF)
        return sign | fmt_inf(f);
    return sign | fmt_inf(f) | n.sig.hi >> (63 - f->frac_bits);
}

/*
 * Arithmetic
 */

FP_CORE struct fp_num add_special(struct fp_env *e, struct fp_num a,
                                  struct fp_num b)
{
    if (num_is_nan(a) || num_is_nan(b))
        return num_pick_nan(e, a, b);
    if (a.kind == KIND_INF && b.kind == KIND_INF && a.sign != b.sign)
        return num_invalid(e);
    if (a.kind == KIND_ZERO && b.kind == KIND_ZERO && a.sign != b.sign)
        return num_zero(e->round == FP_RDN);
    return a.kind == KIND_INF || b.kind == KIND_ZERO ? a : b;
}

/* Exchange, without a branch: which operand is larger is anyone's guess. */
FP_CORE void num_swap_if(bool swap, struct fp_num *a, struct fp_num *b)
{
    uint64_t hi = swap ? a->sig.hi ^ b->sig.hi : 0;
    uint64_t lo = swap ? a->sig.lo ^ b->sig.lo : 0;
    int32_t exp = swap ? a->exp ^ b->exp : 0;
    bool sign = swap & (a->sign ^ b->sign);

    a->sig.hi ^= hi;
    b->sig.hi ^= hi;
    a->sig.lo ^= lo;
    b->sig.lo ^= lo;
    a->exp ^= exp;
    b->exp ^= exp;
    a->sign ^= sign;
    b->sign ^= sign;
}

FP_CORE struct fp_num num_add(struct fp_env *e, struct fp_num a,
                              struct fp_num b)
{
    struct u128 sum, rest;

    if (a.kind != KIND_FINITE || b.kind != KIND_FINITE)
        return add_special(e, a, b);
    num_swap_if((a.exp < b.exp) | ((a.exp == b.exp) & u128_less(a.sig, b.sig)),
                &a, &b);
    /* One place down, to have room for a carry. */
    sum = u128_shr_sticky(a.sig, 1);
    rest = u128_shr_sticky(b.sig, (unsigned)(a.exp - b.exp + 1));
    sum = u128_add(sum, u128_negate_if(rest, a.sign != b.sign));
    if (sum.hi == 0 && sum.lo == 0)
        return num_zero(e->round == FP_RDN);
    return num_normal(a.sign, a.exp + 1, sum);
}

FP_CORE struct fp_num mul_special(struct fp_env *e, struct fp_num a,
                                  struct fp_num b)
{
    bool sign = a.sign != b.sign;

    if (num_is_nan(a) || num_is_nan(b))
        return num_pick_nan(e, a, b);
    if (a.kind == KIND_ZERO || b.kind == KIND_ZERO) {
        if (a.kind == KIND_INF || b.kind == KIND_INF)
            return num_invalid(e);
        return num_zero(sign);
    }
    return num_inf(sign);
}

FP_CORE struct fp_num num_mul(struct fp_env *e, struct fp_num a,
                              struct fp_num b)
{
    struct fp_num n = {
        .kind = KIND_FINITE,
        .sign = a.sign != b.sign,
        .exp = a.exp + b.exp + 1,
    };
    unsigned up;

    if (a.kind != KIND_FINITE || b.kind != KIND_FINITE)
        return mul_special(e, a, b);
    n.sig = u128_mul64(a.sig.hi, b.sig.hi);
    up = !(n.sig.hi >> 63);
    n.sig = u128_shl(n.sig, up);
    n.exp -= (int)up;
    return n;
}

FP_CORE struct fp_num num_fma(struct fp_env *e, struct fp_num a,
                              struct fp_num b, struct fp_num c)
{
    bool no_product = (a.kind == KIND_ZERO && b.kind == KIND_INF) ||
                      (a.kind == KIND_INF && b.kind == KIND_ZERO);

    if (num_is_nan(a) || num_is_nan(b) || num_is_nan(c)) {
        /* The standard leaves 0 * inf + quiet NaN open (7.2 c). */
        if (no_product && e->rules == FP_RULES_RISCV)
            e->flags |= FP_NV;
        if (c.kind == KIND_SNAN)
            e->flags |= FP_NV;
        return num_is_nan(a) || num_is_nan(b) ? num_pick_nan(e, a, b)
                                              : num_pick_nan(e, c, c);
    }
    if (no_product)
        return num_invalid(e);
    return num_add(e, num_mul(e, a, b), c);
}

FP_CORE struct fp_num div_special(struct fp_env *e, struct fp_num a,
                                  struct fp_num b)
{
    bool sign = a.sign != b.sign;

    if (num_is_nan(a) || num_is_nan(b))
        return num_pick_nan(e, a, b);
    if (a.kind == b.kind)
        return num_invalid(e); /* 0 / 0, inf / inf */
    if (a.kind == KIND_INF)
        return num_inf(sign);
    if (a.kind == KIND_ZERO || b.kind == KIND_INF)
        return num_zero(sign);
    e->flags |= FP_DZ;
    return num_inf(sign);
}

FP_CORE struct fp_num num_div(struct fp_env *e, struct fp_num a,
                              struct fp_num b)
{
    struct fp_num n = {
        .kind = KIND_FINITE,
        .sign = a.sign != b.sign,
        .exp = a.exp - b.exp,
    };
    uint64_t rest;

    if (a.kind != KIND_FINITE || b.kind != KIND_FINITE)
        return div_special(e, a, b);
    /* Quotients from 1/2 to 1 have their top bit set. */
    if (a.sig.hi >= b.sig.hi)
        a.sig = u128_shr_sticky(a.sig, 1);
    else
        n.exp--;
    n.sig.hi = u128_div64(a.sig, b.sig.hi, &rest);
    n.sig.lo = rest != 0;
    /* The 65th bit; no quotient ends with it, which would be one of 65 bits
       times a divisor. */
    if (rest > b.sig.hi >> 1)
        n.sig.lo |= TOP_BIT;
    return n;
}

FP_CORE struct fp_num num_sqrt(struct fp_env *e, struct fp_num a)
{
    struct u128 square;
    bool exact;
    uint64_t s;

    if (num_is_nan(a))
        return num_pick_nan(e, a, a);
    if (a.kind == KIND_ZERO)
        return a;
    if (a.sign)
        return num_invalid(e);
    if (a.kind == KIND_INF)
        return a;
    /* An even exponent: sig is then 4 to the power of 63 and above. */
    if (!(a.exp & 1))
        a.sig = u128_shr_sticky(a.sig, 1);
    a.exp = (a.exp - (a.exp & 1)) / 2;
    s = u128_sqrt(a.sig, &exact);
    square = u128_sub(a.sig, u128_mul64(s, s));
    /* (s + 1/2)^2 is s more than s^2, and a little. */
    a.sig = (struct u128){s, !exact};
    if (square.hi || square.lo > s)
        a.sig.lo |= TOP_BIT;
    return a;
}

/*
 * IEEE remainder. The dividend's significand is reduced modulo the divisor's
 * with up to 64 bits of quotient a step, of which only the last bit matters.
 */
FP_CORE struct fp_num num_rem(struct fp_env *e, struct fp_num a,
                              struct fp_num b)
{
    int todo = a.exp - b.exp;
    uint64_t m = b.sig.hi, r = a.sig.hi, q;

    if (num_is_nan(a) || num_is_nan(b))
        return num_pick_nan(e, a, b);
    if (a.kind == KIND_INF || b.kind == KIND_ZERO)
        return num_invalid(e);
    if (a.kind == KIND_ZERO || b.kind == KIND_INF || todo < -1)
        return a;
    if (todo < 0) {
        /* a / b is from 1/4 to 1: 0 or 1 is the nearest integer. */
        if (r <= m)
            return a;
        a.sign = !a.sign;
        return num_normal(
            a.sign, b.exp,
            u128_sub((struct u128){m, 0}, u128_shr_sticky(a.sig, 1)));
    }
    q = r >= m;
    r -= q ? m : 0;
    while (todo > 0) {
        unsigned step = todo < 64 ? (unsigned)todo : 64;
        struct u128 n = {step < 64 ? r >> (64 - step) : r,
                         step < 64 ? r << step : 0};

        q = u128_div64(n, m, &r);
        todo -= (int)step;
    }
    if (r == 0)
        return num_zero(a.sign);
    if (r > m - r || (r == m - r && (q & 1))) {
        r = m - r;
        a.sign = !a.sign;
    }
    return num_normal(a.sign, b.exp, (struct u128){r, 0});
}

/*
 * Integers
 */

FP_CORE struct fp_num num_rint(struct fp_env *e, struct fp_num a, bool exact)
{
    struct fp_split s;
    unsigned up;

    if (num_is_nan(a))
        return num_pick_nan(e, a, a);
    if (a.kind != KIND_FINITE || a.exp >= 63)
        return a;
    s = split(a.sig, a.exp + 1);
    up = round_up(e->round, a.sign, s);
    s.kept += up;
    if (s.rest && exact) {
        e->flags |= FP_NX;
        note_up(e, up);
    }
    if (s.kept == 0)
        return num_zero(a.sign);
    return num_normal(a.sign, 63, (struct u128){s.kept, 0});
}

FP_CORE struct fp_num num_from_int(bool sign, uint64_t magnitude)
{
    if (magnitude == 0)
        return num_zero(false);
    return num_normal(sign, 63, (struct u128){magnitude, 0});
}

/* What a conversion to `width` bits returns for what does not fit. */
FP_CORE uint64_t int_invalid(struct fp_env *e, struct fp_num a, unsigned width,
                             bool is_signed)
{
    uint64_t low = is_signed ? UINT64_C(1) << (width - 1) : 0;

    e->flags |= FP_NV;
    if (e->rules != FP_RULES_RISCV)
        return is_signed ? low : UINT64_MAX;
    return a.sign && !num_is_nan(a) ? low : low - 1;
}

/* To an integer of `width` bits, in the low bits of the result. */
FP_CORE uint64_t num_to_int(struct fp_env *e, struct fp_num a, unsigned width,
                            bool is_signed)
{
    uint64_t limit = is_signed ? (UINT64_C(1) << (width - 1)) - !a.sign
                     : a.sign  ? 0
                               : UINT64_MAX >> (64 - width);
    struct fp_split s;
    uint64_t up;

    if (a.kind == KIND_ZERO)
        return 0;
    if (a.kind != KIND_FINITE || a.exp > 63)
        return int_invalid(e, a, width, is_signed);
    s = split(a.sig, a.exp + 1);
    up = round_up(e->round, a.sign, s);
    if (s.kept > limit || up > limit - s.kept)
        return int_invalid(e, a, width, is_signed);
    if (s.rest) {
        e->flags |= FP_NX;
        note_up(e, up);
    }
    return a.sign ? -(s.kept + up) : s.kept + up;
}

#endif
