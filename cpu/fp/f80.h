/*
 * f80.h - x87's extended numbers: results and flags exact to the bit
 *
 * Intel 64 and IA-32 SDM, volume 1, chapters 4.8 and 8, and the entries of
 * the instructions in volume 2. A number has a sign, 15 bits of exponent and
 * 64 of significand with its integer bit, which may be wrong: unnormals,
 * pseudo-infinities and pseudo-NaNs are invalid operands, pseudo-denormals
 * denormal ones.
 *
 * Every operation takes the environment of fp.h, with FP_RULES_X87: it reads
 * `round`, `precision` (add, sub, mul, div and sqrt only, the exponent's range
 * being whole all the same) and `unmasked`, and ors flags in, FP_DN and FP_UP
 * (C1) among them. Where overflow or underflow is unmasked, the result's
 * exponent is less or more by 24576. Where FP_NV, FP_DZ or FP_DN is both
 * raised and unmasked, the result and the flags below mean nothing: the
 * caller drops them (f80_abandoned()).
 *
 * No host's floating point is used: all hosts agree.
 */
#ifndef CPU_FP_F80_H
#define CPU_FP_F80_H

#include "fp.h"

struct f80 {
    uint64_t sig; /* the integer bit is bit 63 */
    uint16_t se;  /* sign in bit 15, exponent biased by 16383 */
};

#define F80_SIGN 0x8000u
#define F80_EXP 0x7fffu
#define F80_ONE ((struct f80){UINT64_C(1) << 63, 0x3fff})
#define F80_ZERO ((struct f80){0, 0})
/* "Real indefinite", the NaN of a masked invalid operation. */
#define F80_INDEFINITE ((struct f80){UINT64_C(3) << 62, 0xffff})

/* As FXAM tells them apart. */
enum f80_class {
    F80_UNSUPPORTED,
    F80_NAN,
    F80_NORMAL,
    F80_INFINITY,
    F80_IS_ZERO,
    F80_EMPTY, /* never returned: of registers */
    F80_DENORMAL,
};

enum f80_order { F80_LESS, F80_EQUAL, F80_GREATER, F80_UNORDERED };

enum f80_class f80_classify(struct f80 a);

/* The flags that were raised stop the operation: these alone count. */
static inline bool f80_abandoned(const struct fp_env *e)
{
    return e->flags & e->unmasked & (FP_NV | FP_DZ | FP_DN);
}

struct f80 f80_add(struct fp_env *e, struct f80 a, struct f80 b);
struct f80 f80_sub(struct fp_env *e, struct f80 a, struct f80 b);
struct f80 f80_mul(struct fp_env *e, struct f80 a, struct f80 b);
struct f80 f80_div(struct fp_env *e, struct f80 a, struct f80 b);
struct f80 f80_sqrt(struct fp_env *e, struct f80 a);

/*
 * What is left of a / b, whose quotient is rounded to nearest (FPREM1) or
 * towards zero (FPREM). If their exponents differ by 64 or more, some of it
 * is done and *partial is true; else *quotient has the quotient's low bits.
 */
struct f80 f80_rem(struct fp_env *e, struct f80 a, struct f80 b, bool nearest,
                   uint64_t *quotient, bool *partial);

struct f80 f80_rint(struct fp_env *e, struct f80 a);
/* a * 2^b, b towards zero. */
struct f80 f80_scale(struct fp_env *e, struct f80 a, struct f80 b);
/* Returns the significand, from 1 to 2, and sets *exp to the exponent. */
struct f80 f80_extract(struct fp_env *e, struct f80 a, struct f80 *exp);
/* With `quiet`, a quiet NaN is not invalid. */
enum f80_order f80_compare(struct fp_env *e, struct f80 a, struct f80 b,
                           bool quiet);

/*
 * Conversions. Loading a f32 or f64 raises NV and DN (f80_from); as operand
 * of an operation it raises what that says of a signaling NaN, but a denormal
 * number is none any more (f80_widen; fp_is_plain_f32() tells it).
 */
struct f80 f80_widen_f32(uint32_t a);
struct f80 f80_widen_f64(uint64_t a);
struct f80 f80_from_f32(struct fp_env *e, uint32_t a);
struct f80 f80_from_f64(struct fp_env *e, uint64_t a);
struct f80 f80_from_i64(int64_t i);
/* The sign in bit 7 of sign, 18 digits: those above nine are taken as they
   are. */
struct f80 f80_from_bcd(uint64_t low, uint16_t high);
uint32_t f80_to_f32(struct fp_env *e, struct f80 a);
uint64_t f80_to_f64(struct fp_env *e, struct f80 a);
/* width: 16, 32 or 64 bits, sign-extended; NV: the lowest. */
int64_t f80_to_int(struct fp_env *e, struct f80 a, unsigned width);
/* The low 16 digits; the sign and two more digits in *high. */
uint64_t f80_to_bcd(struct fp_env *e, struct f80 a, uint16_t *high);

/*
 * Transcendental functions, f80_math.c: correctly rounded but for cases so
 * near to a half that 40 further bits do not tell, precision always 64.
 */
struct f80 f80_2xm1(struct fp_env *e, struct f80 a); /* 2^a - 1, |a| <= 1 */
struct f80 f80_yl2x(struct fp_env *e, struct f80 x, struct f80 y);
struct f80 f80_yl2xp1(struct fp_env *e, struct f80 x, struct f80 y);
struct f80 f80_patan(struct fp_env *e, struct f80 x, struct f80 y);
/* Angles are reduced by a pi of 66 bits. false: |a| >= 2^63, nothing is done
   and no flag raised. */
bool f80_sin(struct fp_env *e, struct f80 a, struct f80 *sin);
bool f80_cos(struct fp_env *e, struct f80 a, struct f80 *cos);
bool f80_sincos(struct fp_env *e, struct f80 a, struct f80 *sin,
                struct f80 *cos);
bool f80_tan(struct fp_env *e, struct f80 a, struct f80 *tan);

#endif
