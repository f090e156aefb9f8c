/*
 * Extended numbers in the .isa language and the IR: the low 80 bits of a u128.
 * Operations are cpu/fp/f80.h's; what they tell beside a number stands above
 * it, as that header's unit has it in its status word (SDM 1-8.1.3).
 */
#ifndef CPU_CORE_F80_OPS_H
#define CPU_CORE_F80_OPS_H

#include "cpu/core/wide.h"
#include "cpu/fp/f80.h"

/* Of an operand: it was a denormal in memory, which its 80 bits are not. */
#define F80_WAS_DENORMAL (UINT64_C(1) << 16)
/* Of a result: condition codes. */
#define F80_C0 (UINT64_C(0x100) << 16)
#define F80_C1 (UINT64_C(0x200) << 16)
#define F80_C2 (UINT64_C(0x400) << 16)
#define F80_C3 (UINT64_C(0x4000) << 16)

static inline struct f80 f80_of(u128 v)
{
    return (struct f80){u128_lo(v), (uint16_t)u128_hi(v)};
}

static inline u128 f80_value(struct f80 v, uint64_t above)
{
    return u128_make(above | v.se, v.sig);
}

/* A result of a and b, of which one may have been a denormal in memory. */
static inline u128 f80_result(struct fp_env *e, struct f80 r, u128 a, u128 b)
{
    if ((u128_hi(a) | u128_hi(b)) & F80_WAS_DENORMAL &&
        !(e->flags & (FP_NV | FP_DZ)) && f80_classify(r) != F80_NAN)
        e->flags |= FP_DN;
    return f80_value(r, 0);
}

#define F80_ARITHMETIC(op)                                                     \
    static inline u128 fp_##op##_f80(struct fp_env *e, u128 a, u128 b)         \
    {                                                                          \
        return f80_result(e, f80_##op(e, f80_of(a), f80_of(b)), a, b);         \
    }
F80_ARITHMETIC(add)
F80_ARITHMETIC(sub)
F80_ARITHMETIC(mul)
F80_ARITHMETIC(div)

#define F80_OF_TWO(op)                                                         \
    static inline u128 fp_##op##_f80(struct fp_env *e, u128 a, u128 b)         \
    {                                                                          \
        return f80_value(f80_##op(e, f80_of(a), f80_of(b)), 0);                \
    }
F80_OF_TWO(scale)
F80_OF_TWO(yl2x)
F80_OF_TWO(yl2xp1)
F80_OF_TWO(patan)

#define F80_OF_ONE(name, op)                                                   \
    static inline u128 fp_##name##_f80(struct fp_env *e, u128 a)               \
    {                                                                          \
        return f80_value(f80_##op(e, f80_of(a)), 0);                           \
    }
F80_OF_ONE(sqrt, sqrt)
F80_OF_ONE(round, rint)
F80_OF_ONE(2xm1, 2xm1)

/* C2: out of range, the result is the operand.  C1 tells of the last one. */
#define F80_OF_ANGLE(op)                                                       \
    static inline u128 fp_##op##_f80(struct fp_env *e, u128 a)                 \
    {                                                                          \
        struct f80 r = f80_of(a);                                              \
        bool in_range;                                                         \
                                                                               \
        e->flags &= (uint8_t)~FP_UP;                                           \
        in_range = f80_##op(e, r, &r);                                         \
        return f80_value(r, in_range ? 0 : F80_C2);                            \
    }
F80_OF_ANGLE(sin)
F80_OF_ANGLE(cos)
F80_OF_ANGLE(tan)

/* C2: there is more to do; else C0, C3 and C1 are the quotient's low bits. */
static inline u128 f80_remainder(struct fp_env *e, u128 a, u128 b, bool nearest)
{
    uint64_t q = 0, codes = F80_C2;
    bool partial = false;
    struct f80 r = f80_rem(e, f80_of(a), f80_of(b), nearest, &q, &partial);

    if (!partial)
        codes =
            (q & 4 ? F80_C0 : 0) | (q & 2 ? F80_C3 : 0) | (q & 1 ? F80_C1 : 0);
    return f80_value(r, codes);
}

static inline u128 fp_rem_f80(struct fp_env *e, u128 a, u128 b)
{
    return f80_remainder(e, a, b, false);
}

static inline u128 fp_rem1_f80(struct fp_env *e, u128 a, u128 b)
{
    return f80_remainder(e, a, b, true);
}

/* The significand, and the exponent as a number. */
static inline u128 fp_sig_f80(struct fp_env *e, u128 a)
{
    struct f80 exponent;

    return f80_value(f80_extract(e, f80_of(a), &exponent), 0);
}

static inline u128 fp_exp_f80(struct fp_env *e, u128 a)
{
    struct f80 exponent = f80_of(a);

    f80_extract(e, exponent, &exponent);
    return f80_value(exponent, 0);
}

/* C3, C2 and C0 in bits 6, 2 and 0. */
static inline uint8_t f80_order(struct fp_env *e, u128 a, u128 b, bool quiet)
{
    static const uint8_t bits[] = {[F80_LESS] = 0x01,
                                   [F80_EQUAL] = 0x40,
                                   [F80_GREATER] = 0,
                                   [F80_UNORDERED] = 0x45};
    enum f80_order order = f80_compare(e, f80_of(a), f80_of(b), quiet);

    if ((u128_hi(a) | u128_hi(b)) & F80_WAS_DENORMAL && order != F80_UNORDERED)
        e->flags |= FP_DN;
    return bits[order];
}

static inline uint8_t fp_cmp_f80(struct fp_env *e, u128 a, u128 b)
{
    return f80_order(e, a, b, false);
}

static inline uint8_t fp_cmpq_f80(struct fp_env *e, u128 a, u128 b)
{
    return f80_order(e, a, b, true);
}

/* The same of what kind of number it is. */
static inline uint32_t fp_classify_f80(u128 a)
{
    static const uint8_t bits[] = {
        [F80_UNSUPPORTED] = 0, [F80_NAN] = 0x01,     [F80_NORMAL] = 0x04,
        [F80_INFINITY] = 0x05, [F80_IS_ZERO] = 0x40, [F80_EMPTY] = 0x41,
        [F80_DENORMAL] = 0x44};

    return bits[f80_classify(f80_of(a))];
}

/* Operands of arithmetic, which asks of them what f80_result() says. */
static inline u128 fp_widen_f32(uint32_t a)
{
    return f80_value(f80_widen_f32(a),
                     fp_is_plain_f32(a) ? 0 : F80_WAS_DENORMAL);
}

static inline u128 fp_widen_f64(uint64_t a)
{
    return f80_value(f80_widen_f64(a),
                     fp_is_plain_f64(a) ? 0 : F80_WAS_DENORMAL);
}

static inline u128 fp_to_f80_f32(struct fp_env *e, uint32_t a)
{
    return f80_value(f80_from_f32(e, a), 0);
}

static inline u128 fp_to_f80_f64(struct fp_env *e, uint64_t a)
{
    return f80_value(f80_from_f64(e, a), 0);
}

static inline u128 fp_from_i64_f80(struct fp_env *e, uint64_t a)
{
    (void)e;
    return f80_value(f80_from_i64((int64_t)a), 0);
}

/* Of 18 decimal digits and a sign, ten bytes. */
static inline u128 fp_bcd_f80(u128 a)
{
    return f80_value(f80_from_bcd(u128_lo(a), (uint16_t)u128_hi(a)), 0);
}

#endif
