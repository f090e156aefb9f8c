/*
 * f80_priv.h - extended numbers in the core's terms, for f80.c and f80_math.c
 */
#ifndef CPU_FP_F80_PRIV_H
#define CPU_FP_F80_PRIV_H

#include "core_priv.h"
#include "f80.h"

#define F80_BIAS 16383
/* What is added to or taken from an exponent for a handler to see. */
#define F80_ADJUST 24576

/* The integer bit is missing where the exponent wants it. */
static inline bool f80_unsupported(struct f80 a)
{
    return (a.se & F80_EXP) && !(a.sig & TOP_BIT);
}

static inline bool f80_is_denormal(struct f80 a)
{
    return !(a.se & F80_EXP) && a.sig;
}

/* Signaling where it is unsupported: invalid as an operand, any way. */
struct fp_num f80_unpack(struct f80 a);
/* Rounded to `bits` bits. */
struct f80 f80_pack(struct fp_env *e, struct fp_num n, int bits);
/* The same once operands are known to be denormal, or not. */
struct f80 f80_finish(struct fp_env *e, struct fp_num n, int bits,
                      bool denormal);
/* Of an unsupported operand. */
struct f80 f80_invalid(struct fp_env *e);

#endif
