/*
 * fp_host.h - where the host's floating-point unit gives the guest's answer
 *
 * Part of fp.h; include that. fp_<op>_<type> is the whole operation;
 * fp_try_<op>_<type> is its host half for callers that handle the rest
 * elsewhere: it returns true and stores the result if the host's is right to
 * the bit and leaves the environment as it is, or returns false and stores
 * nothing of use. A false is no error: call fp_soft_<op>_<type> then.
 *
 * The host always computes in its default state: to nearest even, nothing
 * flushed to zero, no trap. Its flags are never read. Instead:
 * - the result is exact in the guest's terms, or the guest rounds to nearest
 *   even and its NX is set already, so that inexact changes nothing;
 * - the result itself proves that no other flag is due. A sum that is finite
 *   had finite operands, did not overflow, and if subnormal is exact. A
 *   product or quotient that is normal and finite did not underflow, overflow
 *   or divide by zero. NaNs and infinities go to soft.c, where the guest's
 *   rules are.
 * While NX is clear, tests for exactness let whole numbers stay on the host;
 * the first inexact result goes through soft.c, which sets NX.
 *
 * Needs a host that computes in the operands' own precision: where it does
 * not (FLT_EVAL_METHOD), FP_HOST is 0 and all tries fail. -ffast-math and the
 * like would break the tests for exactness, and are refused. Contracting
 * a * b + c (-ffp-contract) cannot harm here, as no expression has that form.
 */
#ifndef CPU_FP_FP_HOST_H
#define CPU_FP_FP_HOST_H

#include <float.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#ifdef __FAST_MATH__
#error "floating point must be compiled without -ffast-math"
#endif

#if FLT_EVAL_METHOD == 0 && FLT_RADIX == 2 && FLT_MANT_DIG == 24 &&            \
    FLT_MAX_EXP == 128 && DBL_MANT_DIG == 53 && DBL_MAX_EXP == 1024
#define FP_HOST 1
#else
#define FP_HOST 0
#endif

#define fp_likely(condition) __builtin_expect(!!(condition), 1)

/* The host may be used. */
static inline bool fp_host(const struct fp_env *e)
{
    return FP_HOST && !e->soft;
}

/* The host may be used, and rounds as the guest does. */
static inline bool fp_host_nearest(const struct fp_env *e)
{
    return FP_HOST && (e->soft | e->round) == 0;
}

/* An inexact result to nearest would raise nothing new. */
static inline bool fp_host_inexact(const struct fp_env *e)
{
    return FP_HOST && ((e->soft | e->round) | (~e->flags & FP_NX)) == 0;
}

static inline float fp_value_f32(uint32_t bits)
{
    float value;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

static inline uint32_t fp_bits_f32(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static inline double fp_value_f64(uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

static inline uint64_t fp_bits_f64(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static inline bool fp_is_finite_f32(uint32_t a)
{
    return a << 1 < UINT32_C(0xff) << 24;
}

static inline bool fp_is_finite_f64(uint64_t a)
{
    return a << 1 < UINT64_C(0x7ff) << 53;
}

/* Finite, and at least twice the least normal number, to which a tiny one may
   have been rounded: from the exponent alone, to need no large constant. */
static inline bool fp_is_safe_f32(uint32_t a)
{
    return (a << 1 >> 24) - 2 < 0xff - 2;
}

static inline bool fp_is_safe_f64(uint64_t a)
{
    return (uint32_t)(a << 1 >> 53) - 2 < 0x7ff - 2;
}

/* Zero, or not denormal. */
static inline bool fp_is_plain_f32(uint32_t a)
{
    return (a << 1) - 1 >= (UINT32_C(1) << 24) - 1;
}

static inline bool fp_is_plain_f64(uint64_t a)
{
    return (a << 1) - 1 >= (UINT64_C(1) << 53) - 1;
}

/* Nothing is to be made of denormals, as far as these are concerned. */
#define FP_PLAIN(e, T, a, b, c)                                                \
    (!(e)->denormal ||                                                         \
     (fp_is_plain_##T(a) && fp_is_plain_##T(b) && fp_is_plain_##T(c)))

/*
 * Exactness. Each test may say false of an exact result, never true of an
 * inexact one; operands are finite, and results safe, or finite for a sum.
 */

/* Both fit into f32: 48 bits at most. */
static inline bool fp_exact_mul_f64(double a, double b, double product)
{
    (void)product;
    return (double)(float)a == a && (double)(float)b == b;
}

static inline bool fp_exact_mul_f32(float a, float b, float product)
{
    return (double)a * (double)b == (double)product;
}

/* What is lost of a sum, itself computed without error (D. Knuth, TAOCP
   volume 2, 4.2.2, theorem B); a NaN if a step overflowed. */
#define FP_EXACT_ADD(T, host)                                                  \
    static inline bool fp_exact_add_##T(host a, host b, host sum)              \
    {                                                                          \
        host b_taken = sum - a, a_taken = sum - b_taken;                       \
                                                                               \
        return (a - a_taken) + (b - b_taken) == 0;                             \
    }

FP_EXACT_ADD(f32, float)
FP_EXACT_ADD(f64, double)

/* The product of quotient and divisor is exact and is the dividend. */
static inline bool fp_exact_div_f64(double a, double b, double quotient)
{
    return fp_is_safe_f64(fp_bits_f64(a)) && fp_exact_mul_f64(quotient, b, a) &&
           quotient * b == a;
}

static inline bool fp_exact_div_f32(float a, float b, float quotient)
{
    return fp_exact_mul_f32(quotient, b, a);
}

/*
 * add, sub, mul, div
 */
#define FP_TRY(T, B, host)                                                     \
    static inline bool fp_try_add_##T(const struct fp_env *e, B a, B b, B *r)  \
    {                                                                          \
        host x = fp_value_##T(a), y = fp_value_##T(b), sum;                    \
                                                                               \
        if (!fp_host_nearest(e))                                               \
            return false;                                                      \
        sum = x + y;                                                           \
        *r = fp_bits_##T(sum);                                                 \
        return fp_is_finite_##T(*r) && FP_PLAIN(e, T, a, b, *r) &&             \
               (fp_likely(e->flags & FP_NX) || fp_exact_add_##T(x, y, sum));   \
    }                                                                          \
                                                                               \
    static inline bool fp_try_sub_##T(const struct fp_env *e, B a, B b, B *r)  \
    {                                                                          \
        host x = fp_value_##T(a), y = fp_value_##T(b), sum;                    \
                                                                               \
        if (!fp_host_nearest(e))                                               \
            return false;                                                      \
        sum = x - y;                                                           \
        *r = fp_bits_##T(sum);                                                 \
        return fp_is_finite_##T(*r) && FP_PLAIN(e, T, a, b, *r) &&             \
               (fp_likely(e->flags & FP_NX) || fp_exact_add_##T(x, -y, sum));  \
    }                                                                          \
                                                                               \
    static inline bool fp_try_mul_##T(const struct fp_env *e, B a, B b, B *r)  \
    {                                                                          \
        host x = fp_value_##T(a), y = fp_value_##T(b), product;                \
                                                                               \
        if (!fp_host_nearest(e))                                               \
            return false;                                                      \
        product = x * y;                                                       \
        *r = fp_bits_##T(product);                                             \
        if (!FP_PLAIN(e, T, a, b, 0))                                          \
            return false;                                                      \
        if (fp_likely(fp_is_safe_##T(*r)))                                     \
            return fp_likely(e->flags & FP_NX) ||                              \
                   fp_exact_mul_##T(x, y, product);                            \
        return product == 0 && (x == 0 || y == 0);                             \
    }                                                                          \
                                                                               \
    static inline bool fp_try_div_##T(const struct fp_env *e, B a, B b, B *r)  \
    {                                                                          \
        host x = fp_value_##T(a), y = fp_value_##T(b), quotient;               \
                                                                               \
        if (!fp_host_nearest(e))                                               \
            return false;                                                      \
        quotient = x / y;                                                      \
        *r = fp_bits_##T(quotient);                                            \
        if (!FP_PLAIN(e, T, a, b, 0))                                          \
            return false;                                                      \
        if (fp_likely(fp_is_safe_##T(*r)))                                     \
            return fp_likely(e->flags & FP_NX) ||                              \
                   fp_exact_div_##T(x, y, quotient);                           \
        return quotient == 0 && x == 0;                                        \
    }

FP_TRY(f32, uint32_t, float)
FP_TRY(f64, uint64_t, double)

/* In host.c, since they need more of the host than an expression in C. */
bool fp_try_sqrt_f32(const struct fp_env *e, uint32_t a, uint32_t *r);
bool fp_try_sqrt_f64(const struct fp_env *e, uint64_t a, uint64_t *r);
bool fp_try_fma_f32(const struct fp_env *e, uint32_t a, uint32_t b, uint32_t c,
                    uint32_t *r);
bool fp_try_fma_f64(const struct fp_env *e, uint64_t a, uint64_t b, uint64_t c,
                    uint64_t *r);

/*
 * Conversions between formats
 */
static inline bool fp_try_to_f64_f32(const struct fp_env *e, uint32_t a,
                                     uint64_t *r)
{
    if (!fp_host(e) || !fp_is_finite_f32(a) || !FP_PLAIN(e, f32, a, 0, 0))
        return false;
    *r = fp_bits_f64((double)fp_value_f32(a));
    return true;
}

static inline bool fp_try_to_f32_f64(const struct fp_env *e, uint64_t a,
                                     uint32_t *r)
{
    double value = fp_value_f64(a);
    float narrow;

    if (!fp_host(e))
        return false;
    narrow = (float)value;
    *r = fp_bits_f32(narrow);
    if (!FP_PLAIN(e, f32, *r, 0, 0))
        return false;
    if (fp_likely(fp_host_inexact(e) && fp_is_safe_f32(*r)))
        return true;
    return fp_is_finite_f64(a) && (double)narrow == value;
}

/*
 * Conversions to integers: exact ones in any mode, others towards zero, which
 * is what C programs use.
 */
static inline bool fp_try_to_i64_f64(const struct fp_env *e, uint64_t a,
                                     int64_t *r)
{
    double value = fp_value_f64(a);

    if (!fp_host(e) || !(value >= -0x1p63 && value < 0x1p63))
        return false;
    *r = (int64_t)value;
    return (double)*r == value || (e->round == FP_RTZ && e->flags & FP_NX);
}

static inline bool fp_try_to_i32_f64(const struct fp_env *e, uint64_t a,
                                     int32_t *r)
{
    double value = fp_value_f64(a);

    if (!fp_host(e) || !(value > -0x1p31 - 1 && value < 0x1p31))
        return false;
    *r = (int32_t)value;
    return (double)*r == value || (e->round == FP_RTZ && e->flags & FP_NX);
}

/* Above 2^63 is left to soft.c. */
static inline bool fp_try_to_u64_f64(const struct fp_env *e, uint64_t a,
                                     uint64_t *r)
{
    int64_t i = -1;
    bool done = fp_try_to_i64_f64(e, a, &i);

    *r = (uint64_t)i;
    return done && i >= 0;
}

static inline bool fp_try_to_u32_f64(const struct fp_env *e, uint64_t a,
                                     uint32_t *r)
{
    int64_t i = -1;
    bool done = fp_try_to_i64_f64(e, a, &i);

    *r = (uint32_t)i;
    return done && i >= 0 && i <= UINT32_MAX;
}

/* Exact in f64, hence the same question; NaNs fail the range tests. */
#define FP_TRY_TO_INT_F32(name, I)                                             \
    static inline bool fp_try_to_##name##_f32(const struct fp_env *e,          \
                                              uint32_t a, I *r)                \
    {                                                                          \
        uint64_t wide;                                                         \
                                                                               \
        if (!fp_host(e))                                                       \
            return false;                                                      \
        wide = fp_bits_f64((double)fp_value_f32(a));                           \
        return fp_try_to_##name##_f64(e, wide, r);                             \
    }

FP_TRY_TO_INT_F32(i32, int32_t)
FP_TRY_TO_INT_F32(u32, uint32_t)
FP_TRY_TO_INT_F32(i64, int64_t)
FP_TRY_TO_INT_F32(u64, uint64_t)

/*
 * Conversions from integers: exact up to `limit` in magnitude
 */
#define FP_TRY_FROM_INT(T, B, host, limit)                                     \
    static inline bool fp_try_from_i64_##T(const struct fp_env *e, int64_t i,  \
                                           B *r)                               \
    {                                                                          \
        if (!fp_host(e))                                                       \
            return false;                                                      \
        *r = fp_bits_##T((host)i);                                             \
        return (i >= -(limit) && i <= (limit)) || fp_host_inexact(e);          \
    }                                                                          \
                                                                               \
    static inline bool fp_try_from_u64_##T(const struct fp_env *e, uint64_t i, \
                                           B *r)                               \
    {                                                                          \
        if (!fp_host(e))                                                       \
            return false;                                                      \
        *r = fp_bits_##T((host)i);                                             \
        return i <= (uint64_t)(limit) || fp_host_inexact(e);                   \
    }                                                                          \
                                                                               \
    static inline bool fp_try_from_i32_##T(const struct fp_env *e, int32_t i,  \
                                           B *r)                               \
    {                                                                          \
        return fp_try_from_i64_##T(e, i, r);                                   \
    }                                                                          \
                                                                               \
    static inline bool fp_try_from_u32_##T(const struct fp_env *e, uint32_t i, \
                                           B *r)                               \
    {                                                                          \
        return fp_try_from_i64_##T(e, i, r);                                   \
    }

FP_TRY_FROM_INT(f32, uint32_t, float, INT64_C(1) << 24)
FP_TRY_FROM_INT(f64, uint64_t, double, INT64_C(1) << 53)

/*
 * The whole operations
 */
#define FP_WHOLE1(R, name, A)                                                  \
    static inline R fp_##name(struct fp_env *e, A a)                           \
    {                                                                          \
        R r;                                                                   \
                                                                               \
        return fp_likely(fp_try_##name(e, a, &r)) ? r : fp_soft_##name(e, a);  \
    }

#define FP_WHOLE2(R, name)                                                     \
    static inline R fp_##name(struct fp_env *e, R a, R b)                      \
    {                                                                          \
        R r;                                                                   \
                                                                               \
        return fp_likely(fp_try_##name(e, a, b, &r))                           \
                   ? r                                                         \
                   : fp_soft_##name(e, a, b);                                  \
    }

#define FP_WHOLE3(R, name)                                                     \
    static inline R fp_##name(struct fp_env *e, R a, R b, R c)                 \
    {                                                                          \
        R r;                                                                   \
                                                                               \
        return fp_likely(fp_try_##name(e, a, b, c, &r))                        \
                   ? r                                                         \
                   : fp_soft_##name(e, a, b, c);                               \
    }

/* f16: hosts compute it in f32 at best, and guests seldom do. */
#define FP_SOFT1(R, name, A)                                                   \
    static inline R fp_##name(struct fp_env *e, A a)                           \
    {                                                                          \
        return fp_soft_##name(e, a);                                           \
    }

#define FP_SOFT2(R, name)                                                      \
    static inline R fp_##name(struct fp_env *e, R a, R b)                      \
    {                                                                          \
        return fp_soft_##name(e, a, b);                                        \
    }

#define FP_SOFT3(R, name)                                                      \
    static inline R fp_##name(struct fp_env *e, R a, R b, R c)                 \
    {                                                                          \
        return fp_soft_##name(e, a, b, c);                                     \
    }

/* clang-format off */
#define FP_OPERATIONS(HOW, T, B)                                               \
    FP_##HOW##2(B, add_##T)                                                    \
    FP_##HOW##2(B, sub_##T)                                                    \
    FP_##HOW##2(B, mul_##T)                                                    \
    FP_##HOW##2(B, div_##T)                                                    \
    FP_##HOW##1(B, sqrt_##T, B)                                                \
    FP_##HOW##3(B, fma_##T)                                                    \
    FP_##HOW##1(int32_t, to_i32_##T, B)                                        \
    FP_##HOW##1(uint32_t, to_u32_##T, B)                                       \
    FP_##HOW##1(int64_t, to_i64_##T, B)                                        \
    FP_##HOW##1(uint64_t, to_u64_##T, B)                                       \
    FP_##HOW##1(B, from_i32_##T, int32_t)                                      \
    FP_##HOW##1(B, from_u32_##T, uint32_t)                                     \
    FP_##HOW##1(B, from_i64_##T, int64_t)                                      \
    FP_##HOW##1(B, from_u64_##T, uint64_t)
/* clang-format on */

FP_OPERATIONS(SOFT, f16, uint16_t)
FP_OPERATIONS(WHOLE, f32, uint32_t)
FP_OPERATIONS(WHOLE, f64, uint64_t)
FP_WHOLE1(uint64_t, to_f64_f32, uint32_t)
FP_WHOLE1(uint32_t, to_f32_f64, uint64_t)

#endif
