/*
 * host.c - host paths that need more than an expression in C
 *
 * See fp_host.h for when a host's result is the guest's. Square roots need
 * -fno-math-errno to be an instruction; the fused multiply-add needs a
 * processor that has it, which on x86-64 is asked at run time, because
 * compilers build for the first of its kind. Where there is none, soft.c is
 * faster than what a C library does instead.
 */
#include "fp.h"

#include <math.h>

bool fp_try_sqrt_f32(const struct fp_env *e, uint32_t a, uint32_t *r)
{
    float value = fp_value_f32(a), root;

    if (!fp_host_nearest(e) || !(value >= 0))
        return false;
    root = sqrtf(value);
    *r = fp_bits_f32(root);
    return fp_is_finite_f32(*r) && FP_PLAIN(e, f32, a, 0, 0) &&
           (e->flags & FP_NX || fp_exact_mul_f32(root, root, value));
}

bool fp_try_sqrt_f64(const struct fp_env *e, uint64_t a, uint64_t *r)
{
    double value = fp_value_f64(a), root;

    if (!fp_host_nearest(e) || !(value >= 0))
        return false;
    root = sqrt(value);
    *r = fp_bits_f64(root);
    return fp_is_finite_f64(*r) && FP_PLAIN(e, f64, a, 0, 0) &&
           (e->flags & FP_NX || fp_exact_div_f64(value, root, root));
}

/*
 * The product is exact in double. The sum is rounded to odd: if inexact, the
 * last bit is set; that keeps what the second rounding, to 24 of 53 bits, has
 * to know (S. Boldo and G. Melquiond, "Emulation of FMA and correctly rounded
 * sums: proved algorithms using rounding to odd", 2008).
 */
bool fp_try_fma_f32(const struct fp_env *e, uint32_t a, uint32_t b, uint32_t c,
                    uint32_t *r)
{
    double product, addend = fp_value_f32(c), sum, lost, taken;
    uint64_t bits;

    if (!fp_host_nearest(e))
        return false;
    product = (double)fp_value_f32(a) * (double)fp_value_f32(b);
    sum = product + addend;
    taken = sum - product;
    lost = (product - (sum - taken)) + (addend - taken);
    bits = fp_bits_f64(sum);
    if (lost != 0 && !(bits & 1))
        bits += (lost > 0) == (sum > 0) ? 1 : -1;
    *r = fp_bits_f32((float)fp_value_f64(bits));
    if (!FP_PLAIN(e, f32, a, b, c))
        return false;
    if (fp_value_f32(*r) == 0)
        return sum == 0;
    return fp_is_safe_f32(*r) &&
           (e->flags & FP_NX || (lost == 0 && (double)fp_value_f32(*r) == sum));
}

/*
 * fma_f64() computes x * y + z with one rounding if has_fma().
 */
#if defined(FP_FAST_FMA) || defined(__FP_FAST_FMA) || defined(__FMA__) ||      \
    defined(__ARM_FEATURE_FMA)
static bool has_fma(void)
{
    return true;
}

static double fma_f64(double x, double y, double z)
{
    return fma(x, y, z);
}
#elif defined(__x86_64__)
static bool has_fma(void)
{
    return __builtin_cpu_supports("fma");
}

__attribute__((target("fma"))) static double fma_f64(double x, double y,
                                                     double z)
{
    return __builtin_fma(x, y, z);
}
#else
static bool has_fma(void)
{
    return false;
}

static double fma_f64(double x, double y, double z)
{
    (void)x, (void)y, (void)z;
    return 0;
}
#endif

/* The product is exact, and so is the sum. */
static bool exact_fma_f64(double x, double y, double z)
{
    double product = x * y, sum = product + z;

    return fp_is_safe_f64(fp_bits_f64(product)) &&
           fp_exact_mul_f64(x, y, product) && fp_exact_add_f64(product, z, sum);
}

bool fp_try_fma_f64(const struct fp_env *e, uint64_t a, uint64_t b, uint64_t c,
                    uint64_t *r)
{
    double x = fp_value_f64(a), y = fp_value_f64(b), z = fp_value_f64(c);

    if (!fp_host_nearest(e) || !has_fma())
        return false;
    *r = fp_bits_f64(fma_f64(x, y, z));
    if (!FP_PLAIN(e, f64, a, b, c))
        return false;
    if (x == 0 || y == 0)
        return fp_is_finite_f64(*r); /* c, or the sum of two zeros */
    return fp_is_safe_f64(*r) && (e->flags & FP_NX || exact_fma_f64(x, y, z));
}
