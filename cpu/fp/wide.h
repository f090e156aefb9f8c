/*
 * wide.h - arithmetic with 128-bit significands, for f80_math.c
 *
 * Finite numbers and zero only, as struct fp_num. Results are cut, not
 * rounded, and wrong by a few of the last bits at most.
 */
#ifndef CPU_FP_WIDE_H
#define CPU_FP_WIDE_H

#include "core_priv.h"

#define WIDE(e, hi, lo)                                                        \
    {                                                                          \
        KIND_FINITE, false, e,                                                 \
        {                                                                      \
            UINT64_C(hi), UINT64_C(lo)                                         \
        }                                                                      \
    }

/* The upper half of a product: of two fractions, the fraction. */
static inline struct u128 wide_fraction_mul(struct u128 a, struct u128 b)
{
    struct u128 high = u128_mul64(a.hi, b.hi);
    struct u128 mid = u128_add((struct u128){0, u128_mul64(a.lo, b.lo).hi},
                               u128_mul64(a.hi, b.lo));
    struct u128 other = u128_mul64(a.lo, b.hi);
    struct u128 sum = u128_add(mid, other);

    return u128_add(high, (struct u128){u128_less(sum, mid), sum.hi});
}

static inline struct fp_num wide_add(struct fp_num a, struct fp_num b)
{
    struct fp_env none = {.round = FP_RNE};

    return num_add(&none, a, b);
}

static inline struct fp_num wide_negate(struct fp_num a)
{
    a.sign = !a.sign;
    return a;
}

static inline struct fp_num wide_sub(struct fp_num a, struct fp_num b)
{
    return wide_add(a, wide_negate(b));
}

static inline struct fp_num wide_mul(struct fp_num a, struct fp_num b)
{
    if (a.kind == KIND_ZERO || b.kind == KIND_ZERO)
        return num_zero(a.sign != b.sign);
    return num_normal(a.sign != b.sign, a.exp + b.exp + 1,
                      wide_fraction_mul(a.sig, b.sig));
}

/* b is not zero. Bit by bit: a division costs as much as twenty products. */
static inline struct fp_num wide_div(struct fp_num a, struct fp_num b)
{
    struct u128 q = {0, 0}, r = a.sig, d = b.sig;
    bool carry = false;

    if (a.kind == KIND_ZERO)
        return num_zero(a.sign != b.sign);
    for (unsigned i = 0; i < 128; i++) {
        bool take = carry || !u128_less(r, d);

        q = u128_shl(q, 1);
        q.lo |= take;
        if (take)
            r = u128_sub(r, d);
        carry = r.hi >> 63;
        r = u128_shl(r, 1);
    }
    return num_normal(a.sign != b.sign, a.exp - b.exp, q);
}

static inline struct fp_num wide_int(int i)
{
    return num_from_int(i < 0, (uint64_t)(i < 0 ? -(int64_t)i : i));
}

/* A number below 1, not negative, as a fraction of 2^128. */
static inline struct u128 wide_to_fraction(struct fp_num a)
{
    if (a.kind == KIND_ZERO || a.exp < -128)
        return (struct u128){0, 0};
    return a.exp == -1 ? a.sig : u128_shr_sticky(a.sig, (unsigned)(-1 - a.exp));
}

/* And back; where it is zero, something all the same, far below 2^-128, for
   what is added to be inexact. */
static inline struct fp_num wide_from_fraction(struct u128 a)
{
    if (a.hi == 0 && a.lo == 0)
        return num_normal(false, -300, (struct u128){TOP_BIT, 0});
    return num_normal(false, -1, a);
}

#endif
