/*
 * f80_random.h - extended numbers of every kind, and environments
 */
#ifndef TESTS_FP_F80_RANDOM_H
#define TESTS_FP_F80_RANDOM_H

#include "base/bytes.h"
#include "cpu/fp/f80.h"
#include "tests/unit.h"

/* Few bits set at the top, all set at the bottom, or neither. */
static inline uint64_t random_significand(struct prng *p)
{
    uint64_t sig = prng_next(p), r = prng_next(p);

    if ((r & 7) == 0)
        sig &= ~UINT64_C(0) << (r >> 8) % 64;
    else if ((r & 7) == 1)
        sig |= ~UINT64_C(0) >> (r >> 8) % 64;
    else if ((r & 7) == 2) /* beside a half of 24 or 53 bits */
        sig = (sig & ~UINT64_C(0) << (r & 8 ? 40 : 11)) +
              (UINT64_C(1) << (r & 8 ? 39 : 10)) - 1 + (r >> 8) % 3;
    else if ((r & 7) == 3)
        sig = UINT64_C(1) << (r >> 8) % 64;
    return sig;
}

/* Some in 40 are no numbers, some in 40 have a wrong integer bit. */
static inline struct f80 random_f80(struct prng *p)
{
    uint64_t r = prng_next(p), sig = random_significand(p), exp;

    switch (r >> 8 & 15) {
    case 0:
        exp = 0;
        sig &= r & 1 ? UINT64_MAX : UINT64_MAX >> 1 >> (r >> 1 & 31);
        return (struct f80){r >> 16 & 3 ? sig : 0,
                            (uint16_t)(r >> 48 & F80_SIGN)};
    case 1:
        exp = F80_EXP;
        if (r & 1)
            sig = 0;
        else if (r & 2)
            sig &= 3u | UINT64_C(1) << 62;
        break;
    case 2:
        exp = 1 + (r >> 16) % 130;
        break;
    case 3:
        exp = F80_EXP - 1 - (r >> 16) % 130;
        break;
    case 4:
        exp = (r >> 16) % F80_EXP;
        break;
    case 5: /* where f32 and f64 begin and end */
        exp = 16383 + (r & 1 ? 1023 : 127) * (r & 2 ? 1 : -1) - 4 +
              (r >> 16) % 60 - (r & 2 ? 30 : 50);
        break;
    case 6:
    case 7: /* integers and their halves */
        exp = 16383 + (r >> 16) % 65;
        sig &= ~UINT64_C(0) << 63 >> (exp - 16383 > 63 ? 63 : exp - 16383);
        break;
    default:
        exp = 16383 - 70 + (r >> 16) % 140;
        break;
    }
    if ((r >> 40 & 63) || exp == 0)
        sig |= UINT64_C(1) << 63;
    return (struct f80){sig, (uint16_t)(exp | (r >> 48 & F80_SIGN))};
}

/* Two that have something to do with each other, mostly. */
static inline void random_pair(struct prng *p, struct f80 *a, struct f80 *b)
{
    uint64_t r = prng_next(p);

    *a = random_f80(p);
    *b = random_f80(p);
    if ((r & 3) == 0) {
        unsigned exp = (a->se & F80_EXP) + (unsigned)(r >> 8) % 140 - 70;

        if (exp < F80_EXP)
            b->se = (uint16_t)((b->se & F80_SIGN) | exp);
    }
    if ((r & 31) == 1)
        b->sig = a->sig;
    if ((r & 63) == 1)
        b->se ^= (b->se ^ a->se) & F80_EXP;
}

/* A f32, f64, integer or decimal, whatever is read there. */
static inline void random_memory(struct prng *p, uint8_t *m)
{
    uint64_t r = prng_next(p), v = random_significand(p);

    if (r & 1) { /* exponents of interest */
        uint64_t f32_exp =
            (r >> 8 & 3) ? 127 - 30 + (r >> 16) % 60 : (r >> 10 & 3) * 85;
        uint64_t f64_exp = (r >> 8 & 3) ? 1023 - 60 + (r >> 16) % 120
                                        : (r >> 10 & 3) * 682 + (r >> 12 & 1);

        if (r & 2)
            v = (v & 0x807fffff) | (f32_exp & 0xff) << 23;
        else
            v = (v & 0x800fffffffffffff) | (f64_exp & 0x7ff) << 52;
    } else if ((r & 15) == 2) {
        v &= r >> 32 & 1 ? UINT64_C(1) << 63 : 0x80000000;
    } else if ((r & 15) == 4) {
        for (unsigned i = v = 0; i < 64; i += 4)
            v |= prng_next(p) % 10 << i;
    }
    st_le64(m, v);
    st_le64(m + 8, (r >> 40) % 10 | (r >> 44) % 10 << 4 | (r >> 48 & 0x8000));
}

static inline struct fp_env random_env(struct prng *p)
{
    static const uint8_t precisions[] = {64, 64, 53, 24};
    uint64_t r = prng_next(p);

    return (struct fp_env){
        .rules = FP_RULES_X87,
        .round = r & 3,
        .precision = precisions[r >> 2 & 3],
        .unmasked = r >> 4 & 1 ? r >> 8 & 63 : 0,
    };
}

#endif
