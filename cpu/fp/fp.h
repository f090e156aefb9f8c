/*
 * fp.h - floating point for guests: results and flags exact to the bit
 *
 * IEEE 754-2008 binary16, binary32 and binary64, with the choices that the
 * standard leaves open (NaN results, what an impossible conversion to an
 * integer returns, minimum and maximum) made as the guest's rules say:
 * RISC-V unprivileged specification, chapters "F", "D" and "Zfh"; Intel 64
 * SDM volume 1, chapters 4.8 and 11.5 for SSE. Tininess is detected after
 * rounding, as both require.
 *
 * A value is its bits in an unsigned integer of its width, called f16, f32
 * and f64 in the names here. Each operation takes an environment, reads the
 * rounding mode from it and ors the flags it raises into it.
 *
 * Where the host's own floating-point unit gives the same result and no flag
 * changes, it is used: fp_host.h holds those paths, which inline into the
 * caller. What they do not take goes to soft.c, integer arithmetic only.
 *
 * Formats wider than 64 bits are apart: f80.h has x87's.
 *
 * Missing: binary128; F16C's own treatment of denormals.
 */
#ifndef CPU_FP_FP_H
#define CPU_FP_FP_H

#include <stdbool.h>
#include <stdint.h>

/* Rounding modes, numbered as RISC-V's frm. */
enum fp_round {
    FP_RNE, /* to nearest, ties to even */
    FP_RTZ, /* towards zero */
    FP_RDN, /* down */
    FP_RUP, /* up */
    FP_RMM, /* to nearest, ties away from zero */
};

/* Exception flags, the bits of RISC-V's fflags and two of Intel's. */
enum fp_flags {
    FP_NX = 1,  /* inexact */
    FP_UF = 2,  /* underflow: tiny and inexact; if unmasked, tiny */
    FP_OF = 4,  /* overflow */
    FP_DZ = 8,  /* division by zero */
    FP_NV = 16, /* invalid operation */
    FP_DN = 32, /* a denormal operand: where the environment asks for it */
    FP_UP = 64, /* x87 rules: an inexact result was rounded away from 0 */
};

/* What the standard leaves to the implementation. */
enum fp_rules {
    FP_RULES_RISCV, /* canonical NaN, saturating conversions */
    FP_RULES_SSE,   /* first NaN operand made quiet, integer indefinite */
    FP_RULES_X87,   /* the NaN of larger significand, integer indefinite */
};

/* What a guest makes of denormals, by bits: SDM volume 1, 10.2.3. */
enum fp_denormal {
    FP_DENORMAL_FLAG = 1,  /* as operands they raise FP_DN */
    FP_DENORMAL_ZERO = 2,  /* ... or count as zeros of their sign (DAZ) */
    FP_DENORMAL_FLUSH = 4, /* tiny results become zero while underflow is
                              masked (FTZ) */
};

/* All zero is a valid environment: RNE, no flags, host allowed, RISC-V. */
struct fp_env {
    uint8_t round;     /* enum fp_round; a larger value rounds as FP_RTZ */
    uint8_t flags;     /* enum fp_flags, sticky: operations only set bits */
    uint8_t soft;      /* 1: never use the host's floating-point unit */
    uint8_t rules;     /* enum fp_rules */
    uint8_t denormal;  /* enum fp_denormal; what is asked of operands is for
                          SSE; f80 always flags them */
    uint8_t unmasked;  /* enum fp_flags that trap: flags are then as a trap
                          wants them, results mean nothing (but f80.h) */
    uint8_t precision; /* f80: bits of the significand, 24 or 53; else 64 */
};

/*
 * Operations of one format T, whose values are of type B, always in soft.c.
 *
 * min, max   RISC-V: minimumNumber and maximumNumber of IEEE 754-2019, -0
 *            below +0. SSE: `a < b ? a : b`, hence b for a NaN or two zeros,
 *            and a quiet NaN is invalid too.
 * eq         quiet; eq_signaling, le and lt are invalid for any NaN, le_quiet
 *            and lt_quiet for a signaling one only
 * classify   one bit set, numbered as RISC-V's FCLASS
 * rem        IEEE remainder: a - b * n, n the integer nearest to a / b
 * rint       to an integer in the same format; NX only if `exact`
 * to_X       to an integer; out of range: NV and the rules' value (RISC-V: the
 *            nearest representable value, NaN as plus infinity; SSE: the
 *            lowest signed value, or all ones if unsigned)
 * from_X     from an integer
 *
 * fma is a * b + c, rounded once. Under the SSE rules the first NaN of a, b, c
 * is the result: pass the operands in the order of the digits of the mnemonic
 * (VFMADD213: second, first, third).
 */
#define FP_DECLARE(T, B)                                                       \
    B fp_soft_add_##T(struct fp_env *e, B a, B b);                             \
    B fp_soft_sub_##T(struct fp_env *e, B a, B b);                             \
    B fp_soft_mul_##T(struct fp_env *e, B a, B b);                             \
    B fp_soft_div_##T(struct fp_env *e, B a, B b);                             \
    B fp_soft_sqrt_##T(struct fp_env *e, B a);                                 \
    B fp_soft_fma_##T(struct fp_env *e, B a, B b, B c);                        \
    B fp_rem_##T(struct fp_env *e, B a, B b);                                  \
    B fp_min_##T(struct fp_env *e, B a, B b);                                  \
    B fp_max_##T(struct fp_env *e, B a, B b);                                  \
    B fp_rint_##T(struct fp_env *e, B a, bool exact);                          \
    bool fp_eq_##T(struct fp_env *e, B a, B b);                                \
    bool fp_le_##T(struct fp_env *e, B a, B b);                                \
    bool fp_lt_##T(struct fp_env *e, B a, B b);                                \
    bool fp_eq_signaling_##T(struct fp_env *e, B a, B b);                      \
    bool fp_le_quiet_##T(struct fp_env *e, B a, B b);                          \
    bool fp_lt_quiet_##T(struct fp_env *e, B a, B b);                          \
    uint32_t fp_classify_##T(B a);                                             \
    int32_t fp_soft_to_i32_##T(struct fp_env *e, B a);                         \
    uint32_t fp_soft_to_u32_##T(struct fp_env *e, B a);                        \
    int64_t fp_soft_to_i64_##T(struct fp_env *e, B a);                         \
    uint64_t fp_soft_to_u64_##T(struct fp_env *e, B a);                        \
    B fp_soft_from_i32_##T(struct fp_env *e, int32_t i);                       \
    B fp_soft_from_u32_##T(struct fp_env *e, uint32_t i);                      \
    B fp_soft_from_i64_##T(struct fp_env *e, int64_t i);                       \
    B fp_soft_from_u64_##T(struct fp_env *e, uint64_t i);

FP_DECLARE(f16, uint16_t)
FP_DECLARE(f32, uint32_t)
FP_DECLARE(f64, uint64_t)

/* From format (last) to format; a NaN keeps its high bits under SSE. */
uint32_t fp_to_f32_f16(struct fp_env *e, uint16_t a);
uint64_t fp_to_f64_f16(struct fp_env *e, uint16_t a);
uint16_t fp_to_f16_f32(struct fp_env *e, uint32_t a);
uint16_t fp_to_f16_f64(struct fp_env *e, uint64_t a);
uint64_t fp_soft_to_f64_f32(struct fp_env *e, uint32_t a);
uint32_t fp_soft_to_f32_f64(struct fp_env *e, uint64_t a);

/*
 * RCPSS and RSQRTSS: 12 bits of the result, no flag. Denormals count as zero,
 * on both sides. Any value within 1.5 * 2^-12 would do; this is the value at
 * the middle of the operands that share 11 bits, or 10 and the exponent's
 * last, rounded, as Intel's processors have it.
 */
uint32_t fp_rcp_f32(uint32_t a);
uint32_t fp_rsqrt_f32(uint32_t a);

/* rint in the mode that `round` says; FP_QUIETLY in it: never inexact. */
#define FP_QUIETLY 8u
#define FP_ROUND(T, B)                                                         \
    static inline B fp_round_##T(struct fp_env *e, B a)                        \
    {                                                                          \
        bool quiet = (e->round & FP_QUIETLY) != 0;                             \
                                                                               \
        e->round &= (uint8_t)~FP_QUIETLY;                                      \
        return fp_rint_##T(e, a, !quiet);                                      \
    }

FP_ROUND(f16, uint16_t)
FP_ROUND(f32, uint32_t)
FP_ROUND(f64, uint64_t)

/* The rest, with the host's unit where it serves: fp_<op>_<type>. */
#include "fp_host.h"

#endif
