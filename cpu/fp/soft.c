/*
 * soft.c - floating point in integer arithmetic, one instance a format
 *
 * The operations are core_priv.h's; here they get their names, and what needs
 * no unpacking (comparisons, minimum, maximum, classify) works on the bits.
 *
 * Follows IEEE 754-2008; RISC-V unprivileged specification, "F", "D", "Zfh";
 * Intel 64 SDM volume 1, 4.8.3 (NaNs) and the MINSD and CVTSD2SI entries of
 * volume 2. Missing: what fp.h says.
 */
#include "core_priv.h"

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
    if (!fmt_is_nan(f, a) && !fmt_is_nan(f, b))
        return false;
    if (!quiet || fmt_is_snan(f, a) || fmt_is_snan(f, b))
        e->flags |= FP_NV;
    return true;
}

FP_CORE bool compare_eq(struct fp_env *e, const struct fp_format *f, uint64_t a,
                        uint64_t b, bool quiet)
{
    return !unordered(e, f, a, b, quiet) && order_key(f, a) == order_key(f, b);
}

FP_CORE bool compare_le(struct fp_env *e, const struct fp_format *f, uint64_t a,
                        uint64_t b, bool quiet)
{
    return !unordered(e, f, a, b, quiet) && order_key(f, a) <= order_key(f, b);
}

FP_CORE bool compare_lt(struct fp_env *e, const struct fp_format *f, uint64_t a,
                        uint64_t b, bool quiet)
{
    return !unordered(e, f, a, b, quiet) && order_key(f, a) < order_key(f, b);
}

/*
 * min (sign 0) and max (sign 1): a is the result if it is less, or greater.
 */
FP_CORE uint64_t min_max(struct fp_env *e, const struct fp_format *f,
                         uint64_t a, uint64_t b, bool max)
{
    int64_t ka = order_key(f, a), kb = order_key(f, b);

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

FP_CORE uint64_t subtract(struct fp_env *e, const struct fp_format *f,
                          uint64_t a, uint64_t b)
{
    /* A NaN keeps its sign. */
    if (!fmt_is_nan(f, b))
        b ^= fmt_sign(f);
    return pack(e, f, num_add(e, unpack(f, a), unpack(f, b)));
}

/* From one format to another. */
FP_CORE uint64_t convert(struct fp_env *e, const struct fp_format *to,
                         const struct fp_format *from, uint64_t a)
{
    struct fp_num n = unpack(from, a);

    return pack(e, to, num_is_nan(n) ? num_pick_nan(e, n, n) : n);
}

FP_CORE uint64_t from_signed(struct fp_env *e, const struct fp_format *f,
                             int64_t i)
{
    uint64_t magnitude = i < 0 ? -(uint64_t)i : (uint64_t)i;

    return pack(e, f, num_from_int(i < 0, magnitude));
}

/* clang-format off */
#define UNARY(T, B, name, expr)                                                \
    B name##_##T(struct fp_env *e, B bits)                                     \
    {                                                                          \
        struct fp_num a = unpack(&fmt_##T, bits);                              \
        return (B)pack(e, &fmt_##T, expr);                                     \
    }

#define BINARY(T, B, name, op)                                                 \
    B name##_##T(struct fp_env *e, B a, B b)                                   \
    {                                                                          \
        return (B)pack(e, &fmt_##T,                                            \
                       op(e, unpack(&fmt_##T, a), unpack(&fmt_##T, b)));       \
    }

#define ON_BITS(T, B, R, name, expr)                                           \
    R name##_##T(struct fp_env *e, B a, B b)                                   \
    {                                                                          \
        return (R)expr;                                                        \
    }

#define TO_INT(T, B, R, name, width, is_signed)                                \
    R fp_soft_to_##name##_##T(struct fp_env *e, B a)                           \
    {                                                                          \
        return (R)num_to_int(e, unpack(&fmt_##T, a), width, is_signed);        \
    }

#define FROM_INT(T, B, I, name, expr)                                          \
    B fp_soft_from_##name##_##T(struct fp_env *e, I i)                         \
    {                                                                          \
        return (B)expr;                                                        \
    }

#define FORMAT(T, B)                                                           \
    BINARY(T, B, fp_soft_add, num_add)                                         \
    ON_BITS(T, B, B, fp_soft_sub, subtract(e, &fmt_##T, a, b))                 \
    BINARY(T, B, fp_soft_mul, num_mul)                                         \
    BINARY(T, B, fp_soft_div, num_div)                                         \
    UNARY(T, B, fp_soft_sqrt, num_sqrt(e, a))                                  \
    B fp_soft_fma_##T(struct fp_env *e, B a, B b, B c)                         \
    {                                                                          \
        return (B)pack(e, &fmt_##T,                                            \
                       num_fma(e, unpack(&fmt_##T, a), unpack(&fmt_##T, b),    \
                               unpack(&fmt_##T, c)));                          \
    }                                                                          \
    BINARY(T, B, fp_rem, num_rem)                                              \
    B fp_rint_##T(struct fp_env *e, B a, bool exact)                           \
    {                                                                          \
        return (B)pack(e, &fmt_##T, num_rint(e, unpack(&fmt_##T, a), exact));  \
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
