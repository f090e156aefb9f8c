/*
 * fp_ops.h - every operation of cpu/fp behind one signature, by name
 *
 * The names are TestFloat's where it has the operation: mulAdd, roundToInt,
 * i32 and ui32. `FP_OPS_TESTFLOAT` rows have vectors, the other ones not.
 */
#ifndef TESTS_FP_FP_OPS_H
#define TESTS_FP_FP_OPS_H

#include <stddef.h>

#include "cpu/fp/fp.h"

struct fp_op {
    const char *name;
    unsigned operands;
    uint64_t (*run)(struct fp_env *e, const uint64_t *in);
};

/* Each row: name, number of operands, a mask as wide as the result (or more,
   where it is unsigned), expression. */
#define FP_OPS_FORMAT(F, T, B)                                                 \
    F(T##_add, 2, UINT64_MAX, fp_add_##T(e, (B)in[0], (B)in[1]))               \
    F(T##_sub, 2, UINT64_MAX, fp_sub_##T(e, (B)in[0], (B)in[1]))               \
    F(T##_mul, 2, UINT64_MAX, fp_mul_##T(e, (B)in[0], (B)in[1]))               \
    F(T##_div, 2, UINT64_MAX, fp_div_##T(e, (B)in[0], (B)in[1]))               \
    F(T##_rem, 2, UINT64_MAX, fp_rem_##T(e, (B)in[0], (B)in[1]))               \
    F(T##_sqrt, 1, UINT64_MAX, fp_sqrt_##T(e, (B)in[0]))                       \
    F(T##_mulAdd, 3, UINT64_MAX, fp_fma_##T(e, (B)in[0], (B)in[1], (B)in[2]))  \
    F(T##_roundToInt, 1, UINT64_MAX, fp_rint_##T(e, (B)in[0], true))           \
    F(T##_eq, 2, UINT64_MAX, fp_eq_##T(e, (B)in[0], (B)in[1]))                 \
    F(T##_le, 2, UINT64_MAX, fp_le_##T(e, (B)in[0], (B)in[1]))                 \
    F(T##_lt, 2, UINT64_MAX, fp_lt_##T(e, (B)in[0], (B)in[1]))                 \
    F(T##_eq_signaling, 2, UINT64_MAX,                                         \
      fp_eq_signaling_##T(e, (B)in[0], (B)in[1]))                              \
    F(T##_le_quiet, 2, UINT64_MAX, fp_le_quiet_##T(e, (B)in[0], (B)in[1]))     \
    F(T##_lt_quiet, 2, UINT64_MAX, fp_lt_quiet_##T(e, (B)in[0], (B)in[1]))     \
    F(T##_to_i32, 1, UINT32_MAX, fp_to_i32_##T(e, (B)in[0]))                   \
    F(T##_to_ui32, 1, UINT32_MAX, fp_to_u32_##T(e, (B)in[0]))                  \
    F(T##_to_i64, 1, UINT64_MAX, fp_to_i64_##T(e, (B)in[0]))                   \
    F(T##_to_ui64, 1, UINT64_MAX, fp_to_u64_##T(e, (B)in[0]))                  \
    F(i32_to_##T, 1, UINT64_MAX, fp_from_i32_##T(e, (int32_t)in[0]))           \
    F(ui32_to_##T, 1, UINT64_MAX, fp_from_u32_##T(e, (uint32_t)in[0]))         \
    F(i64_to_##T, 1, UINT64_MAX, fp_from_i64_##T(e, (int64_t)in[0]))           \
    F(ui64_to_##T, 1, UINT64_MAX, fp_from_u64_##T(e, in[0]))

#define FP_OPS_TESTFLOAT(F)                                                    \
    FP_OPS_FORMAT(F, f16, uint16_t)                                            \
    FP_OPS_FORMAT(F, f32, uint32_t)                                            \
    FP_OPS_FORMAT(F, f64, uint64_t)                                            \
    F(f16_to_f32, 1, UINT64_MAX, fp_to_f32_f16(e, (uint16_t)in[0]))            \
    F(f16_to_f64, 1, UINT64_MAX, fp_to_f64_f16(e, (uint16_t)in[0]))            \
    F(f32_to_f16, 1, UINT64_MAX, fp_to_f16_f32(e, (uint32_t)in[0]))            \
    F(f32_to_f64, 1, UINT64_MAX, fp_to_f64_f32(e, (uint32_t)in[0]))            \
    F(f64_to_f16, 1, UINT64_MAX, fp_to_f16_f64(e, in[0]))                      \
    F(f64_to_f32, 1, UINT64_MAX, fp_to_f32_f64(e, in[0]))

#define FP_OPS_OTHER_FORMAT(F, T, B)                                           \
    F(T##_min, 2, UINT64_MAX, fp_min_##T(e, (B)in[0], (B)in[1]))               \
    F(T##_max, 2, UINT64_MAX, fp_max_##T(e, (B)in[0], (B)in[1]))               \
    F(T##_nearbyint, 1, UINT64_MAX, fp_rint_##T(e, (B)in[0], false))           \
    F(T##_classify, 1, UINT64_MAX, ((void)e, fp_classify_##T((B)in[0])))

#define FP_OPS_OTHER(F)                                                        \
    FP_OPS_OTHER_FORMAT(F, f16, uint16_t)                                      \
    FP_OPS_OTHER_FORMAT(F, f32, uint32_t)                                      \
    FP_OPS_OTHER_FORMAT(F, f64, uint64_t)

#define FP_OPS_DEFINE(id, n, mask, expr)                                       \
    static uint64_t run_##id(struct fp_env *e, const uint64_t *in)             \
    {                                                                          \
        return (uint64_t)(expr) & (mask);                                      \
    }

#define FP_OPS_ROW(id, n, mask, expr) {#id, n, run_##id},

#endif
