/*
 * f80_math.c - x87's transcendental functions
 *
 * Intel 64 SDM volume 1, 8.3.8 to 8.3.10, and the instructions' entries in
 * volume 2: special cases, and errors below one unit of the last place. Here
 * functions are computed to about 120 bits and rounded once, in any mode; the
 * manual does not say how the last bit of an inexact result is to be rounded,
 * so processors differ in it, from us and from each other.
 *
 * Each is a series in the fraction wide.h has 128 bits of, after its argument
 * was made small: sine and cosine of at most pi / 4; arcs of 1/32 beside a
 * table of 16; logarithms of what is between 1 / sqrt(2) and sqrt(2) as those
 * of (1 + s) / (1 - s). Tables hold the series' coefficients and arcs rounded
 * to 128 bits, computed with integers of 400.
 *
 * Operands that the manual leaves undefined, |x| > 1 for F2XM1 and x below -1
 * for FYL2XP1, are the result, as with Intel's processors; and as with these
 * an exact result counts as inexact, but for zeros. Missing: the 387's and
 * earlier units' narrower ranges.
 */
#include "f80_priv.h"
#include "wide.h"

enum { ODD_TERMS = 25, FACTORIAL_TERMS = 29 };

/* 1 / (2 k + 3). */
static const struct u128 odd[ODD_TERMS] = {
    {UINT64_C(0x5555555555555555), UINT64_C(0x5555555555555555)},
    {UINT64_C(0x3333333333333333), UINT64_C(0x3333333333333333)},
    {UINT64_C(0x2492492492492492), UINT64_C(0x4924924924924925)},
    {UINT64_C(0x1c71c71c71c71c71), UINT64_C(0xc71c71c71c71c71c)},
    {UINT64_C(0x1745d1745d1745d1), UINT64_C(0x745d1745d1745d17)},
    {UINT64_C(0x13b13b13b13b13b1), UINT64_C(0x3b13b13b13b13b14)},
    {UINT64_C(0x1111111111111111), UINT64_C(0x1111111111111111)},
    {UINT64_C(0x0f0f0f0f0f0f0f0f), UINT64_C(0x0f0f0f0f0f0f0f0f)},
    {UINT64_C(0x0d79435e50d79435), UINT64_C(0xe50d79435e50d794)},
    {UINT64_C(0x0c30c30c30c30c30), UINT64_C(0xc30c30c30c30c30c)},
    {UINT64_C(0x0b21642c8590b216), UINT64_C(0x42c8590b21642c86)},
    {UINT64_C(0x0a3d70a3d70a3d70), UINT64_C(0xa3d70a3d70a3d70a)},
    {UINT64_C(0x097b425ed097b425), UINT64_C(0xed097b425ed097b4)},
    {UINT64_C(0x08d3dcb08d3dcb08), UINT64_C(0xd3dcb08d3dcb08d4)},
    {UINT64_C(0x0842108421084210), UINT64_C(0x8421084210842108)},
    {UINT64_C(0x07c1f07c1f07c1f0), UINT64_C(0x7c1f07c1f07c1f08)},
    {UINT64_C(0x0750750750750750), UINT64_C(0x7507507507507507)},
    {UINT64_C(0x06eb3e45306eb3e4), UINT64_C(0x5306eb3e45306eb4)},
    {UINT64_C(0x0690690690690690), UINT64_C(0x6906906906906907)},
    {UINT64_C(0x063e7063e7063e70), UINT64_C(0x63e7063e7063e706)},
    {UINT64_C(0x05f417d05f417d05), UINT64_C(0xf417d05f417d05f4)},
    {UINT64_C(0x05b05b05b05b05b0), UINT64_C(0x5b05b05b05b05b06)},
    {UINT64_C(0x0572620ae4c415c9), UINT64_C(0x882b9310572620ae)},
    {UINT64_C(0x05397829cbc14e5e), UINT64_C(0x0a72f05397829cbc)},
    {UINT64_C(0x0505050505050505), UINT64_C(0x0505050505050505)},
};

/* 1 / (k + 2)! */
static const struct u128 factorial[FACTORIAL_TERMS] = {
    {UINT64_C(0x8000000000000000), UINT64_C(0x0000000000000000)},
    {UINT64_C(0x2aaaaaaaaaaaaaaa), UINT64_C(0xaaaaaaaaaaaaaaab)},
    {UINT64_C(0x0aaaaaaaaaaaaaaa), UINT64_C(0xaaaaaaaaaaaaaaab)},
    {UINT64_C(0x0222222222222222), UINT64_C(0x2222222222222222)},
    {UINT64_C(0x005b05b05b05b05b), UINT64_C(0x05b05b05b05b05b0)},
    {UINT64_C(0x000d00d00d00d00d), UINT64_C(0x00d00d00d00d00d0)},
    {UINT64_C(0x0001a01a01a01a01), UINT64_C(0xa01a01a01a01a01a)},
    {UINT64_C(0x00002e3bc74aad8e), UINT64_C(0x671f5583911ca003)},
    {UINT64_C(0x0000049f93edde27), UINT64_C(0xd71cbbc05b4fa99a)},
    {UINT64_C(0x0000006b99159fd5), UINT64_C(0x138e3f9d1f92e0df)},
    {UINT64_C(0x00000008f76c77fc), UINT64_C(0x6c4bdaa26d4c3d68)},
    {UINT64_C(0x00000000b092309d), UINT64_C(0x43684be51c198e92)},
    {UINT64_C(0x000000000c9cba54), UINT64_C(0x603e4e905d6f8a2f)},
    {UINT64_C(0x0000000000d73f9f), UINT64_C(0x399dc0f88ec32b58)},
    {UINT64_C(0x00000000000d73f9), UINT64_C(0xf399dc0f88ec32b6)},
    {UINT64_C(0x000000000000ca96), UINT64_C(0x3b81856a53593029)},
    {UINT64_C(0x0000000000000b41), UINT64_C(0x3c31dcbecbbdd802)},
    {UINT64_C(0x0000000000000097), UINT64_C(0xa4da340a0ab92651)},
    {UINT64_C(0x0000000000000007), UINT64_C(0x950ae900808941ea)},
    {UINT64_C(0x0000000000000000), UINT64_C(0x5c6e3bdb73d5c630)},
    {UINT64_C(0x0000000000000000), UINT64_C(0x04338e5b6dfe14a5)},
    {UINT64_C(0x0000000000000000), UINT64_C(0x002ec368262c7034)},
    {UINT64_C(0x0000000000000000), UINT64_C(0x0001f2cf01972f57)},
    {UINT64_C(0x0000000000000000), UINT64_C(0x000013f3ccdd1660)},
    {UINT64_C(0x0000000000000000), UINT64_C(0x000000c4742fe352)},
    {UINT64_C(0x0000000000000000), UINT64_C(0x0000000746ac70b7)},
    {UINT64_C(0x0000000000000000), UINT64_C(0x0000000042862899)},
    {UINT64_C(0x0000000000000000), UINT64_C(0x00000000024b3f31)},
    {UINT64_C(0x0000000000000000), UINT64_C(0x000000000013932c)},
};

/* atan(k / 16), without k = 0. */
static const struct fp_num arc[16] = {
    WIDE(-5, 0xffaaddb967ef4e36, 0xcb2792dc0e2e0d51),
    WIDE(-4, 0xfeadd4d5617b6e32, 0xc897989f3e888ef8),
    WIDE(-3, 0xbdcbda5e72d81134, 0x7b0b4f881c9c7488),
    WIDE(-3, 0xfadbafc96406eb15, 0x6dc79ef5f7a217e6),
    WIDE(-2, 0x9b13b9b83f5e5e69, 0xc5abb498d27af328),
    WIDE(-2, 0xb7b0ca0f26f78473, 0x8aa32122dcfe4483),
    WIDE(-2, 0xd327761e611fe5b6, 0x427c95e9001e7136),
    WIDE(-2, 0xed63382b0dda7b45, 0x6fe445ecbc3a8d03),
    WIDE(-1, 0x832bf4a6d9867e2a, 0x4b6a09cb61a515c1),
    WIDE(-1, 0x8f005d5ef7f59f9b, 0x5c835e1665c43748),
    WIDE(-1, 0x9a2f80e671bdda20, 0x4226f8e2204ff3bd),
    WIDE(-1, 0xa4bc7d1934f70924, 0x19a87f2a457dac9f),
    WIDE(-1, 0xaeac4c38b4d8c080, 0x14725e2f3e52070a),
    WIDE(-1, 0xb8053e2bc2319e73, 0xcb2da55210a4443d),
    WIDE(-1, 0xc0ce85b8ac526640, 0x89dd62c46e92fa25),
    WIDE(-1, 0xc90fdaa22168c234, 0xc4c6628b80dc1cd1),
};

static const struct fp_num pi = WIDE(1, 0xc90fdaa22168c234, 0xc4c6628b80dc1cd1);
static const struct fp_num half_pi =
    WIDE(0, 0xc90fdaa22168c234, 0xc4c6628b80dc1cd1);
static const struct fp_num three_quarters_pi =
    WIDE(1, 0x96cbe3f9990e91a7, 0x9394c9e8a0a5159d);
static const struct fp_num ln2 =
    WIDE(-1, 0xb17217f7d1cf79ab, 0xc9e3b39803f2f6af);
static const struct fp_num two_by_ln2 =
    WIDE(1, 0xb8aa3b295c17f0bb, 0xbe87fed0691d3e89);
static const struct fp_num one = WIDE(0, 0x8000000000000000, 0);

/* Round what is known not to be exact. */
static struct f80 round_inexact(struct fp_env *e, struct fp_num n,
                                bool denormal)
{
    n.sig.lo |= 1;
    return f80_finish(e, n, 64, denormal);
}

static struct f80 exactly(struct fp_env *e, struct fp_num n, bool denormal)
{
    return f80_finish(e, n, 64, denormal);
}

/* Exact, but they say that it is not. */
static struct f80 as_inexact(struct fp_env *e, struct fp_num n, bool denormal)
{
    struct f80 r = exactly(e, n, denormal);

    e->flags |= f80_is_denormal(r) ? FP_NX | FP_UF : FP_NX;
    return r;
}

/* z * (c[0] + z * (c[step] + ...)), or with signs that alternate. */
static struct u128 series(const struct u128 *c, unsigned terms, unsigned step,
                          struct u128 z, bool alternate)
{
    struct u128 sum = {0, 0};

    while (terms--)
        sum = wide_fraction_mul(
            z, u128_add(c[terms * step], u128_negate_if(sum, alternate)));
    return sum;
}

/*
 * F2XM1
 */

/* exp(t) - 1 = t (1 + t / 2! + t^2 / 3! ...), for |t| < 1. */
static struct fp_num exp_minus_1(struct fp_num t)
{
    struct fp_num magnitude = t, s;

    magnitude.sign = false;
    s = wide_from_fraction(series(factorial, FACTORIAL_TERMS, 1,
                                  wide_to_fraction(magnitude), t.sign));
    s.sign = t.sign;
    return wide_add(t, wide_mul(t, s));
}

struct f80 f80_2xm1(struct fp_env *e, struct f80 a)
{
    struct fp_num x = f80_unpack(a), t;

    if (f80_unsupported(a))
        return f80_invalid(e);
    if (num_is_nan(x))
        return exactly(e, num_pick_nan(e, x, x), false);
    if (x.kind == KIND_INF)
        return exactly(e, x.sign ? wide_int(-1) : x, false);
    if (x.kind == KIND_ZERO)
        return a;
    if (x.exp >= 0) { /* 1 and -1 among them, whose result is exact */
        x.exp -= x.sign && x.exp == 0 && x.sig.hi == TOP_BIT;
        return as_inexact(e, x, false);
    }
    t = wide_mul(x, ln2);
    return round_inexact(e, exp_minus_1(t), f80_is_denormal(a));
}

/*
 * Logarithms
 */

/* 2 / ln 2 * atanh(n / d); the quotient is at most 0.172, and not 0. */
static struct fp_num log_of_quotient(struct fp_num n, struct fp_num d)
{
    struct fp_num s = wide_div(n, d), sum;

    sum = wide_from_fraction(
        series(odd, ODD_TERMS, 1, wide_to_fraction(wide_mul(s, s)), false));
    return wide_mul(two_by_ln2, wide_add(s, wide_mul(s, sum)));
}

/* log2 of a number above 0; exact if that is. */
static struct fp_num log_2(struct fp_num x)
{
    int exp = x.exp;

    x.exp = 0;
    if (x.sig.hi == TOP_BIT && x.sig.lo == 0)
        return wide_int(exp);
    if (x.sig.hi > UINT64_C(0xb504f333f9de6484)) { /* sqrt(2) */
        x.exp = -1;
        exp++;
    }
    return wide_add(wide_int(exp),
                    log_of_quotient(wide_sub(x, one), wide_add(x, one)));
}

/* y times a logarithm, which is exact if it is an integer. */
static struct f80 finish_log(struct fp_env *e, struct fp_num log,
                             struct fp_num y, bool exact, bool denormal)
{
    struct fp_num r = wide_mul(log, y);

    return exact ? as_inexact(e, r, denormal) : round_inexact(e, r, denormal);
}

/* Of which one at least is no finite number, or x is not above 0; `log` has
   the sign and kind of x's logarithm. */
static struct f80 log_special(struct fp_env *e, struct fp_num log,
                              struct fp_num y, bool denormal)
{
    bool sign = log.sign != y.sign;

    if ((log.kind == KIND_INF && y.kind == KIND_ZERO) ||
        (log.kind == KIND_ZERO && y.kind == KIND_INF))
        return exactly(e, num_invalid(e), false);
    if (log.kind == KIND_INF || y.kind == KIND_INF)
        return exactly(e, num_inf(sign), denormal);
    return exactly(e, num_zero(sign), denormal);
}

struct f80 f80_yl2x(struct fp_env *e, struct f80 a, struct f80 b)
{
    struct fp_num x = f80_unpack(a), y = f80_unpack(b), log = x;
    bool denormal = f80_is_denormal(a) || f80_is_denormal(b);

    if (f80_unsupported(a) || f80_unsupported(b))
        return f80_invalid(e);
    if (num_is_nan(x) || num_is_nan(y))
        return exactly(e, num_pick_nan(e, x, y), false);
    if (x.sign && x.kind != KIND_ZERO)
        return exactly(e, num_invalid(e), false);
    if (x.kind == KIND_ZERO) {
        log = num_inf(true);
        if (y.kind == KIND_FINITE) {
            e->flags |= FP_DZ;
            denormal = false;
        }
    } else if (x.kind == KIND_FINITE) {
        log = log_2(x);
    }
    if (log.kind != KIND_FINITE || y.kind != KIND_FINITE)
        return log_special(e, log, y, denormal);
    return finish_log(e, log, y, x.sig.hi == TOP_BIT, denormal);
}

/* log2(1 + x), x above -1 and not 0. */
static struct fp_num log_2_plus_1(struct fp_num x, bool *exact)
{
    struct fp_num sum = wide_add(one, x);

    *exact = false;
    if (x.exp < -2) /* 1/4: the sum may lose what counts */
        return log_of_quotient(x, wide_add(wide_add(one, one), x));
    *exact = sum.sig.hi == TOP_BIT && sum.sig.lo == 0;
    return log_2(sum);
}

struct f80 f80_yl2xp1(struct fp_env *e, struct f80 a, struct f80 b)
{
    struct fp_num x = f80_unpack(a), y = f80_unpack(b), log = x;
    bool denormal = f80_is_denormal(a) || f80_is_denormal(b), exact = false;

    if (f80_unsupported(a) || f80_unsupported(b))
        return f80_invalid(e);
    if (num_is_nan(x) || num_is_nan(y))
        return exactly(e, num_pick_nan(e, x, y), false);
    if (x.sign && x.kind == KIND_INF)
        return exactly(e, num_invalid(e), false);
    if (log.kind != KIND_FINITE || y.kind != KIND_FINITE)
        return log_special(e, log, y, denormal);
    if (x.sign && x.exp >= 0)
        return as_inexact(e, x, denormal);
    log = log_2_plus_1(x, &exact);
    return finish_log(e, log, y, exact, denormal);
}

/*
 * FPATAN
 */

/* atan(n / d), both above 0 and n <= d. */
static struct fp_num arc_of_quotient(struct fp_num n, struct fp_num d)
{
    int diff = d.exp - n.exp;
    uint64_t high = diff < 6 ? n.sig.hi >> 32 >> diff : 0;
    /* 16 times the quotient, to the nearest or nearly so. */
    int k = (int)((high * 32 / (d.sig.hi >> 32) + 1) / 2);
    struct fp_num s, sum, arc_sum;

    if (k) {
        struct fp_num numerator = n;

        n.exp += 4;
        n = wide_sub(n, wide_mul(wide_int(k), d));
        d.exp += 4;
        d = wide_add(d, wide_mul(wide_int(k), numerator));
        if (n.kind == KIND_ZERO)
            return arc[k - 1];
    }
    s = wide_div(n, d);
    sum = wide_from_fraction(
        series(odd, ODD_TERMS, 1, wide_to_fraction(wide_mul(s, s)), true));
    arc_sum = wide_sub(s, wide_mul(s, sum));
    return k ? wide_add(arc[k - 1], arc_sum) : arc_sum;
}

static struct fp_num arc_special(struct fp_num x, struct fp_num y)
{
    if (y.kind == KIND_INF && x.kind == KIND_INF)
        return x.sign ? three_quarters_pi : arc[15];
    if (y.kind == KIND_INF || (x.kind == KIND_ZERO && y.kind != KIND_ZERO))
        return half_pi;
    return x.sign ? pi : num_zero(false);
}

struct f80 f80_patan(struct fp_env *e, struct f80 a, struct f80 b)
{
    struct fp_num x = f80_unpack(a), y = f80_unpack(b), r;
    bool denormal = f80_is_denormal(a) || f80_is_denormal(b);
    bool sign = y.sign, x_sign = x.sign;

    if (f80_unsupported(a) || f80_unsupported(b))
        return f80_invalid(e);
    if (num_is_nan(x) || num_is_nan(y))
        return exactly(e, num_pick_nan(e, x, y), false);
    if (x.kind != KIND_FINITE || y.kind != KIND_FINITE) {
        r = arc_special(x, y);
    } else {
        x.sign = y.sign = false;
        if (y.exp > x.exp || (y.exp == x.exp && y.sig.hi > x.sig.hi))
            r = wide_sub(half_pi, arc_of_quotient(x, y));
        else
            r = arc_of_quotient(y, x);
        if (x_sign)
            r = wide_sub(pi, r);
    }
    r.sign = sign;
    return r.kind == KIND_ZERO ? exactly(e, r, denormal)
                               : round_inexact(e, r, denormal);
}

/*
 * Sines
 */

/* Intel's pi: 66 bits, here with 64 behind the point. */
static const struct u128 pi_66 = {3, UINT64_C(0x243f6a8885a308d3)};

/*
 * Reduce x to at most a quarter of pi_66 and return the quadrant. |x| is at
 * least 1/2 and below 2^63, hence an integer of 2^-65, in which unit half of
 * pi_66 is pi_66's own integer.
 */
static unsigned reduce_angle(struct fp_num *x)
{
    struct u128 r = {0, 0}, double_r;
    unsigned quadrant = 0;

    for (int i = 0; i < x->exp + 66; i++) {
        r = u128_shl(r, 1);
        if (i < 64)
            r.lo |= x->sig.hi >> (63 - i) & 1;
        quadrant <<= 1;
        if (!u128_less(r, pi_66)) {
            r = u128_sub(r, pi_66);
            quadrant++;
        }
    }
    double_r = u128_shl(r, 1);
    if (u128_less(pi_66, double_r)) {
        r = u128_sub(pi_66, r);
        quadrant++;
        *x = num_normal(true, 62, r);
    } else {
        *x = num_normal(false, 62, r);
    }
    return quadrant & 3;
}

struct angle {
    struct fp_num sin, cos;
};

/* Of a finite number below 2^63 that is not 0. */
static struct angle sin_and_cos(struct fp_num x)
{
    bool sign = x.sign;
    struct fp_num s, c;
    unsigned quadrant;
    struct u128 z;
    struct angle r;

    x.sign = false;
    quadrant = x.exp < -1 ? 0 : reduce_angle(&x);
    z = wide_to_fraction(wide_mul(x, x));
    s = wide_from_fraction(series(factorial + 1, 14, 2, z, true));
    c = wide_from_fraction(series(factorial, 14, 2, z, true));
    s = wide_sub(x, wide_mul(x, s));
    c = wide_sub(one, c);
    r.sin = quadrant & 1 ? c : s;
    r.cos = quadrant & 1 ? s : c;
    r.sin.sign ^= quadrant >> 1;
    r.cos.sign ^= (quadrant ^ quadrant >> 1) & 1;
    r.sin.sign ^= sign;
    return r;
}

/* What needs no computing: both are set, or false is returned. An angle that
   is out of range leaves *in_range false. */
static bool angle_special(struct fp_env *e, struct f80 a, struct fp_num x,
                          struct f80 *sin, struct f80 *cos, bool *in_range)
{
    *in_range = x.kind != KIND_FINITE || x.exp < 63;
    if (f80_unsupported(a) || x.kind == KIND_INF)
        *sin = *cos = f80_invalid(e);
    else if (num_is_nan(x))
        *sin = *cos = exactly(e, num_pick_nan(e, x, x), false);
    else if (x.kind == KIND_ZERO)
        *sin = a, *cos = F80_ONE;
    else
        return !*in_range;
    *in_range = true;
    return true;
}

/* Of very small angles, processors return sine, tangent and cosine to nearest
   in any mode, and do not say that they were rounded up. */
static struct f80 round_angle(struct fp_env *e, struct fp_num x,
                              struct fp_num result, bool denormal)
{
    struct fp_env near = *e;
    struct f80 r;

    if (x.exp >= -68)
        return round_inexact(e, result, denormal);
    near.round = FP_RNE;
    near.flags = 0;
    r = round_inexact(&near, result, denormal);
    e->flags |= near.flags & (uint8_t)~FP_UP;
    return r;
}

bool f80_sincos(struct fp_env *e, struct f80 a, struct f80 *sin,
                struct f80 *cos)
{
    struct fp_num x = f80_unpack(a);
    struct angle r;
    bool in_range;

    if (angle_special(e, a, x, sin, cos, &in_range))
        return in_range;
    r = sin_and_cos(x);
    *sin = round_angle(e, x, r.sin, f80_is_denormal(a));
    /* C1 tells of the cosine. */
    e->flags &= (uint8_t)~FP_UP;
    *cos = round_angle(e, x, r.cos, false);
    return true;
}

bool f80_sin(struct fp_env *e, struct f80 a, struct f80 *sin)
{
    struct fp_num x = f80_unpack(a);
    struct f80 cos;
    bool in_range;

    if (!angle_special(e, a, x, sin, &cos, &in_range))
        *sin = round_angle(e, x, sin_and_cos(x).sin, f80_is_denormal(a));
    return in_range;
}

bool f80_cos(struct fp_env *e, struct f80 a, struct f80 *cos)
{
    struct fp_num x = f80_unpack(a);
    struct f80 sin;
    bool in_range;

    if (!angle_special(e, a, x, &sin, cos, &in_range))
        *cos = round_angle(e, x, sin_and_cos(x).cos, f80_is_denormal(a));
    return in_range;
}

bool f80_tan(struct fp_env *e, struct f80 a, struct f80 *tan)
{
    struct fp_num x = f80_unpack(a);
    struct angle r;
    struct f80 cos;
    bool in_range;

    if (angle_special(e, a, x, tan, &cos, &in_range))
        return in_range;
    r = sin_and_cos(x);
    *tan = round_angle(e, x, wide_div(r.sin, r.cos), f80_is_denormal(a));
    return true;
}
