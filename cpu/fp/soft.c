/*
 * soft.c - floating point in integer arithmetic, one instance a format
 *
 * The operations are core_priv.h's; here they get their names, and what needs
 * no unpacking (comparisons, minimum, maximum, classify) works on the bits.
 *
 * Follows IEEE 754-2008; RISC-V unprivileged specification, "F", "D", "Zfh";
 * Intel 64 SDM volume 1, 4.8.3 (NaNs), 10.2.3 (denormals) and the MINSD and
 * CVTSD2SI entries of volume 2. Missing: what fp.h says.
 */
#include "core_priv.h"

/*
 * Denormal operands. A format of 16 bits is left alone: F16C knows neither
 * flag nor zeros.
 */
FP_CORE bool is_denormal(const struct fp_format *f, uint64_t a)
{
    uint64_t magnitude = a & (fmt_sign(f) - 1);

    return magnitude - 1 < fmt_frac_mask(f);
}

/* An operand, or the zero that it counts for. */
FP_CORE uint64_t operand(const struct fp_env *e, const struct fp_format *f,
                         uint64_t a)
{
    if (e->denormal & FP_DENORMAL_ZERO && f->exp_bits > 5 && is_denormal(f, a))
        return a & fmt_sign(f);
    return a;
}

/* Raised unless an operand is a NaN, or the operation invalid. */
FP_CORE void note_denormal(struct fp_env *e, const struct fp_format *f,
                           uint64_t a)
{
    if (e->denormal & FP_DENORMAL_FLAG && f->exp_bits > 5 && is_denormal(f, a))
        e->flags |= FP_DN;
}

/* A result is packed once its operands have been looked at. */
FP_CORE uint64_t finish(struct fp_env *e, const struct fp_format *f, uint64_t a,
                        uint64_t b, uint64_t c, struct fp_num r)
{
    if (e->denormal && !num_is_nan(r)) {
        note_denormal(e, f, a);
        note_denormal(e, f, b);
        note_denormal(e, f, c);
    }
    return pack(e, f, r);
}

/*
 * A key that orders all numbers as signed integers, both zeros alike.
 */
FP_CORE int64_t order_key(const struct fp_format *f, uint64_t a)
{
    int64_t magnitude = (int64_t)(a & (fmt_sign(f) - 1));

    return a & fmt_sign(f) ? -magnitude : magnitude;
}

/* True, and NV raised where it is due, if a and b cannot be compared. */
FP_CORE bool unordered(struct fp_env *e, const struct fp_format *f, uint64_t a,
                       uint64_t b, bool quiet)
{
    if (!fmt_is_nan(f, a) && !fmt_is_nan(f, b)) {
        note_denormal(e, f, a);
        note_denormal(e, f, b);
        return false;
    }
    if (!quiet || fmt_is_snan(f, a) || fmt_is_snan(f, b))
        e->flags |= FP_NV;
    return true;
}

FP_CORE bool compare_eq(struct fp_env *e, const struct fp_format *f, uint64_t a,
                        uint64_t b, bool quiet)
{
    a = operand(e, f, a);
    b = operand(e, f, b);
    return !unordered(e, f, a, b, quiet) && order_key(f, a) == order_key(f, b);
}

FP_CORE bool compare_le(struct fp_env *e, const struct fp_format *f, uint64_t a,
                        uint64_t b, bool quiet)
{
    a = operand(e, f, a);
    b = operand(e, f, b);
    return !unordered(e, f, a, b, quiet) && order_key(f, a) <= order_key(f, b);
}

FP_CORE bool compare_lt(struct fp_env *e, const struct fp_format *f, uint64_t a,
                        uint64_t b, bool quiet)
{
    a = operand(e, f, a);
    b = operand(e, f, b);
    return !unordered(e, f, a, b, quiet) && order_key(f, a) < order_key(f, b);
}

/*
 * min (sign 0) and max (sign 1): a is the result if it is less, or greater.
 */
FP_CORE uint64_t min_max(struct fp_env *e, const struct fp_format *f,
                         uint64_t a, uint64_t b, bool max)
{
    int64_t ka, kb;

    a = operand(e, f, a);
    b = operand(e, f, b);
    ka = order_key(f, a);
    kb = order_key(f, b);
    if (unordered(e, f, a, b, e->rules == FP_RULES_RISCV)) {
        if (e->rules == FP_RULES_SSE || !fmt_is_nan(f, b))
            return b;
        return fmt_is_nan(f, a) ? pack(e, f, num_default_nan(e)) : a;
    }
    /* Equal keys are equal bits, or two zeros: -0 is RISC-V's minimum. */
    if (ka == kb && e->rules == FP_RULES_RISCV)
        return max ? a & b : a | b;
    return (max ? ka > kb : ka < kb) ? a : b;
}

FP_CORE uint32_t classify(const struct fp_format *f, uint64_t a)
{
    uint64_t magnitude = a & (fmt_sign(f) - 1);
    bool sign = a & fmt_sign(f);

    if (magnitude > fmt_inf(f))
        return fmt_is_snan(f, a) ? 1 << 8 : 1 << 9;
    if (magnitude == fmt_inf(f))
        return sign ? 1 << 0 : 1 << 7;
    if (magnitude > fmt_frac_mask(f))
        return sign ? 1 << 1 : 1 << 6;
    if (magnitude != 0)
        return sign ? 1 << 2 : 1 << 5;
    return sign ? 1 << 3 : 1 << 4;
}

typedef struct fp_num fp_operation(struct fp_env *e, struct fp_num a,
                                   struct fp_num b);

FP_CORE uint64_t binary(struct fp_env *e, const struct fp_format *f,
                        fp_operation *op, uint64_t a, uint64_t b)
{
    a = operand(e, f, a);
    b = operand(e, f, b);
    return finish(e, f, a, b, 0, op(e, unpack(f, a), unpack(f, b)));
}

FP_CORE uint64_t subtract(struct fp_env *e, const struct fp_format *f,
                          uint64_t a, uint64_t b)
{
    /* A NaN keeps its sign. */
    if (!fmt_is_nan(f, b))
        b ^= fmt_sign(f);
    return binary(e, f, num_add, a, b);
}

/* What is divided by zero is looked at no further. */
FP_CORE uint64_t divide(struct fp_env *e, const struct fp_format *f, uint64_t a,
                        uint64_t b)
{
    a = operand(e, f, a);
    b = operand(e, f, b);
    return finish(e, f, b & (fmt_sign(f) - 1) ? a : 0, b, 0,
                  num_div(e, unpack(f, a), unpack(f, b)));
}

FP_CORE uint64_t square_root(struct fp_env *e, const struct fp_format *f,
                             uint64_t a)
{
    a = operand(e, f, a);
    return finish(e, f, a, 0, 0, num_sqrt(e, unpack(f, a)));
}

FP_CORE uint64_t multiply_add(struct fp_env *e, const struct fp_format *f,
                              uint64_t a, uint64_t b, uint64_t c)
{
    a = operand(e, f, a);
    b = operand(e, f, b);
    c = operand(e, f, c);
    return finish(e, f, a, b, c,
                  num_fma(e, unpack(f, a), unpack(f, b), unpack(f, c)));
}

/* No flag for denormals, though they count as zeros if the guest says so. */
FP_CORE uint64_t round_to_int(struct fp_env *e, const struct fp_format *f,
                              uint64_t a, bool exact)
{
    return pack(e, f, num_rint(e, unpack(f, operand(e, f, a)), exact));
}

FP_CORE uint64_t to_int(struct fp_env *e, const struct fp_format *f, uint64_t a,
                        unsigned width, bool is_signed)
{
    return num_to_int(e, unpack(f, operand(e, f, a)), width, is_signed);
}

/* From one format to another. */
FP_CORE uint64_t convert(struct fp_env *e, const struct fp_format *to,
                         const struct fp_format *from, uint64_t a)
{
    struct fp_num n = unpack(from, operand(e, from, a));

    if (num_is_nan(n))
        n = num_pick_nan(e, n, n);
    else if (n.kind == KIND_FINITE)
        note_denormal(e, from, a);
    return pack(e, to, n);
}

FP_CORE uint64_t from_signed(struct fp_env *e, const struct fp_format *f,
                             int64_t i)
{
    uint64_t magnitude = i < 0 ? -(uint64_t)i : (uint64_t)i;

    return pack(e, f, num_from_int(i < 0, magnitude));
}

/* clang-format off */
#define ON_BITS(T, B, R, name, expr)                                           \
    R name##_##T(struct fp_env *e, B a, B b)                                   \
    {                                                                          \
        return (R)expr;                                                        \
    }

#define TO_INT(T, B, R, name, width, is_signed)                                \
    R fp_soft_to_##name##_##T(struct fp_env *e, B a)                           \
    {                                                                          \
        return (R)to_int(e, &fmt_##T, a, width, is_signed);                    \
    }

#define FROM_INT(T, B, I, name, expr)                                          \
    B fp_soft_from_##name##_##T(struct fp_env *e, I i)                         \
    {                                                                          \
        return (B)expr;                                                        \
    }

#define FORMAT(T, B)                                                           \
    ON_BITS(T, B, B, fp_soft_add, binary(e, &fmt_##T, num_add, a, b))          \
    ON_BITS(T, B, B, fp_soft_sub, subtract(e, &fmt_##T, a, b))                 \
    ON_BITS(T, B, B, fp_soft_mul, binary(e, &fmt_##T, num_mul, a, b))          \
    ON_BITS(T, B, B, fp_soft_div, divide(e, &fmt_##T, a, b))                   \
    B fp_soft_sqrt_##T(struct fp_env *e, B a)                                  \
    {                                                                          \
        return (B)square_root(e, &fmt_##T, a);                                 \
    }                                                                          \
    B fp_soft_fma_##T(struct fp_env *e, B a, B b, B c)                         \
    {                                                                          \
        return (B)multiply_add(e, &fmt_##T, a, b, c);                          \
    }                                                                          \
    ON_BITS(T, B, B, fp_rem, binary(e, &fmt_##T, num_rem, a, b))               \
    B fp_rint_##T(struct fp_env *e, B a, bool exact)                           \
    {                                                                          \
        return (B)round_to_int(e, &fmt_##T, a, exact);                         \
    }                                                                          \
    ON_BITS(T, B, B, fp_min, min_max(e, &fmt_##T, a, b, false))                \
    ON_BITS(T, B, B, fp_max, min_max(e, &fmt_##T, a, b, true))                 \
    ON_BITS(T, B, bool, fp_eq, compare_eq(e, &fmt_##T, a, b, true))            \
    ON_BITS(T, B, bool, fp_le, compare_le(e, &fmt_##T, a, b, false))           \
    ON_BITS(T, B, bool, fp_lt, compare_lt(e, &fmt_##T, a, b, false))           \
    ON_BITS(T, B, bool, fp_eq_signaling, compare_eq(e, &fmt_##T, a, b, false)) \
    ON_BITS(T, B, bool, fp_le_quiet, compare_le(e, &fmt_##T, a, b, true))      \
    ON_BITS(T, B, bool, fp_lt_quiet, compare_lt(e, &fmt_##T, a, b, true))      \
    uint32_t fp_classify_##T(B a)                                              \
    {                                                                          \
        return classify(&fmt_##T, a);                                          \
    }                                                                          \
    TO_INT(T, B, int32_t, i32, 32, true)                                       \
    TO_INT(T, B, uint32_t, u32, 32, false)                                     \
    TO_INT(T, B, int64_t, i64, 64, true)                                       \
    TO_INT(T, B, uint64_t, u64, 64, false)                                     \
    FROM_INT(T, B, int32_t, i32, from_signed(e, &fmt_##T, i))                  \
    FROM_INT(T, B, int64_t, i64, from_signed(e, &fmt_##T, i))                  \
    FROM_INT(T, B, uint32_t, u32, pack(e, &fmt_##T, num_from_int(false, i)))   \
    FROM_INT(T, B, uint64_t, u64, pack(e, &fmt_##T, num_from_int(false, i)))
/* clang-format on */

FORMAT(f16, uint16_t)
FORMAT(f32, uint32_t)
FORMAT(f64, uint64_t)

uint32_t fp_to_f32_f16(struct fp_env *e, uint16_t a)
{
    return (uint32_t)convert(e, &fmt_f32, &fmt_f16, a);
}

uint64_t fp_to_f64_f16(struct fp_env *e, uint16_t a)
{
    return convert(e, &fmt_f64, &fmt_f16, a);
}

uint16_t fp_to_f16_f32(struct fp_env *e, uint32_t a)
{
    return (uint16_t)convert(e, &fmt_f16, &fmt_f32, a);
}

uint16_t fp_to_f16_f64(struct fp_env *e, uint64_t a)
{
    return (uint16_t)convert(e, &fmt_f16, &fmt_f64, a);
}

uint64_t fp_soft_to_f64_f32(struct fp_env *e, uint32_t a)
{
    return convert(e, &fmt_f64, &fmt_f32, a);
}

uint32_t fp_soft_to_f32_f64(struct fp_env *e, uint64_t a)
{
    return (uint32_t)convert(e, &fmt_f32, &fmt_f64, a);
}

/*
 * Approximations: an operand of 1 + i / 2^n to the next such is the odd
 * number 2^(n+1) + 2 i + 1, divided by 2^(n+1).
 */
enum { RCP_BITS = 11, RSQRT_BITS = 10, APPROX_FRACTION = 12 };

uint32_t fp_rcp_f32(uint32_t a)
{
    uint32_t sign = a & 0x80000000, exp = a >> 23 & 0xff;
    uint32_t middle =
        1u << (RCP_BITS + 1) | (a & 0x7fffff) >> (23 - RCP_BITS) << 1 | 1;
    /* 2^13 divided by it is from 2^12 to 2^13. */
    uint32_t r = ((1u << (14 + RCP_BITS + 1)) / middle + 1) >> 1;

    if (fmt_is_nan(&fmt_f32, a))
        return a | 0x400000;
    if (exp == 0)
        return sign | (uint32_t)fmt_inf(&fmt_f32);
    if (exp >= 253) /* the result would be denormal; of infinity it is zero */
        return sign;
    return sign + ((252 - exp) << 23) + (r << (23 - APPROX_FRACTION));
}

uint32_t fp_rsqrt_f32(uint32_t a)
{
    uint32_t exp = a >> 23 & 0xff, even = !(exp & 1);
    uint32_t middle =
        (1u << (RSQRT_BITS + 1) | (a & 0x7fffff) >> (23 - RSQRT_BITS) << 1 | 1)
        << even;
    /* 2^13 divided by its root is from 2^12 to 2^13; three bits more. */
    uint32_t r =
        (u128_sqrt32(
             (uint32_t)((UINT64_C(1) << (32 + RSQRT_BITS + 1)) / middle)) +
         4) >>
        3;

    if (fmt_is_nan(&fmt_f32, a))
        return a | 0x400000;
    if (exp == 0)
        return (a & 0x80000000) | (uint32_t)fmt_inf(&fmt_f32);
    if (a >> 31)
        return 0xffc00000;
    if (exp == 255)
        return 0;
    return ((377 - exp + even) / 2 << 23) + (r << (23 - APPROX_FRACTION));
}
