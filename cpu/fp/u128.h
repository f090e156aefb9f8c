/*
 * u128.h - the little of 128-bit arithmetic that the soft float core needs
 *
 * Products and quotients come twice: with the compiler's 128-bit type where
 * it has one, and in plain C. The plain ones exist everywhere, so that the
 * tests check both on one host. Division follows Knuth, TAOCP volume 2,
 * 4.3.1, algorithm D with 32-bit digits; the square root doubles its digits
 * with one division a step (P. Zimmermann, "Karatsuba Square Root", 1999).
 */
#ifndef CPU_FP_U128_H
#define CPU_FP_U128_H

#include <stdbool.h>
#include <stdint.h>

struct u128 {
    uint64_t hi, lo;
};

static inline struct u128 u128_add(struct u128 a, struct u128 b)
{
    uint64_t lo = a.lo + b.lo;

    return (struct u128){a.hi + b.hi + (lo < a.lo), lo};
}

static inline struct u128 u128_sub(struct u128 a, struct u128 b)
{
    return (struct u128){a.hi - b.hi - (a.lo < b.lo), a.lo - b.lo};
}

/* a or, if `negate`, -a, without a branch. */
static inline struct u128 u128_negate_if(struct u128 a, bool negate)
{
    uint64_t flip = -(uint64_t)negate;

    return u128_add((struct u128){a.hi ^ flip, a.lo ^ flip},
                    (struct u128){0, negate});
}

static inline bool u128_less(struct u128 a, struct u128 b)
{
    return (a.hi < b.hi) | ((a.hi == b.hi) & (a.lo < b.lo));
}

/* n: 0 to 127. */
static inline struct u128 u128_shl(struct u128 a, unsigned n)
{
    if (n >= 64)
        return (struct u128){a.lo << (n - 64), 0};
    /* In two steps, since one of 64 is undefined. */
    return (struct u128){a.hi << n | a.lo >> 1 >> (63 - n), a.lo << n};
}

/* Shift right, the last bit set if any bit set was lost. n: 1 or more. */
static inline struct u128 u128_shr_sticky(struct u128 a, unsigned n)
{
    if (n < 64) {
        bool lost = a.lo << (64 - n) != 0;

        return (struct u128){a.hi >> n, a.hi << (64 - n) | a.lo >> n | lost};
    }
    if (n == 64)
        return (struct u128){0, a.hi | (a.lo != 0)};
    if (n < 128) {
        bool lost = a.hi << (128 - n) != 0 || a.lo != 0;

        return (struct u128){0, a.hi >> (n - 64) | lost};
    }
    return (struct u128){0, a.hi != 0 || a.lo != 0};
}

/* Leading zeros of a value other than 0. */
static inline unsigned u128_clz(struct u128 a)
{
    if (a.hi)
        return (unsigned)__builtin_clzll(a.hi);
    return 64 + (unsigned)__builtin_clzll(a.lo);
}

static inline struct u128 u128_mul64_plain(uint64_t a, uint64_t b)
{
    uint64_t a0 = (uint32_t)a, a1 = a >> 32;
    uint64_t b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t low = a0 * b0, mid1 = a0 * b1, mid2 = a1 * b0;
    uint64_t mid = (low >> 32) + (uint32_t)mid1 + (uint32_t)mid2;

    return (struct u128){
        a1 * b1 + (mid1 >> 32) + (mid2 >> 32) + (mid >> 32),
        mid << 32 | (uint32_t)low,
    };
}

/*
 * One 32-bit digit of a quotient: divides *rest:next (96 bits) by d and
 * leaves the remainder in *rest. Needs d's top bit set and *rest < d.
 */
static inline uint64_t u128_div_digit(uint64_t *rest, uint32_t next, uint64_t d)
{
    uint64_t q = *rest / (d >> 32);
    uint64_t take = q * (uint32_t)d;
    uint64_t have = *rest % (d >> 32) << 32 | next;

    /* The guess is at most two too large; a sum that wraps is enough. */
    if (take > have) {
        q--;
        have += d;
        if (have >= d && take > have) {
            q--;
            have += d;
        }
    }
    *rest = have - take;
    return q;
}

/* n / d and the remainder. Needs d's top bit set and n.hi < d. */
static inline uint64_t u128_div64_plain(struct u128 n, uint64_t d,
                                        uint64_t *rest)
{
    uint64_t high, low;

    *rest = n.hi;
    high = u128_div_digit(rest, (uint32_t)(n.lo >> 32), d);
    low = u128_div_digit(rest, (uint32_t)n.lo, d);
    return high << 32 | low;
}

#ifdef __SIZEOF_INT128__
static inline struct u128 u128_mul64_wide(uint64_t a, uint64_t b)
{
    unsigned __int128 p = (unsigned __int128)a * b;

    return (struct u128){(uint64_t)(p >> 64), (uint64_t)p};
}

static inline uint64_t u128_div64_wide(struct u128 n, uint64_t d,
                                       uint64_t *rest)
{
    unsigned __int128 num = (unsigned __int128)n.hi << 64 | n.lo;
    uint64_t q = (uint64_t)(num / d);

    *rest = n.lo - q * d;
    return q;
}

#define u128_mul64 u128_mul64_wide
#define u128_div64 u128_div64_wide
#else
#define u128_mul64 u128_mul64_plain
#define u128_div64 u128_div64_plain
#endif

/* Floor of the square root of n >= 2^30: 16 bits. */
static inline uint32_t u128_sqrt32(uint32_t n)
{
    /* The chord, raised by half its sag: within 4.2 % of the root. Each of
       Heron's steps squares that, and none ends below the floor. */
    uint32_t s = n / 98304 + 21845 + 1365;

    s = (s + n / s) / 2;
    s = (s + n / s) / 2;
    while ((uint64_t)s * s > n)
        s--;
    return s;
}

/* Floor of the square root of n >= 2^62: 32 bits. */
static inline uint32_t u128_sqrt64(uint64_t n)
{
    uint64_t top = u128_sqrt32((uint32_t)(n >> 32));
    uint64_t rest = (n >> 32) - top * top;
    uint64_t q = (rest << 15 | (n >> 17 & 0x7fff)) / top;
    uint64_t s = (top << 16) + (q > 0xffff ? 0xffff : q);

    while (s * s > n)
        s--;
    return (uint32_t)s;
}

/*
 * Floor of the square root of n >= 2^126, and whether it is exact. The high
 * half of the digits being exact, the division's guess of the low half is
 * right or one too large, here and above.
 */
static inline uint64_t u128_sqrt(struct u128 n, bool *exact)
{
    uint64_t top = u128_sqrt64(n.hi);
    uint64_t rest = n.hi - top * top;
    uint64_t q = (rest << 31 | n.lo >> 33) / top;
    uint64_t s = (top << 32) + (q > UINT32_MAX ? UINT32_MAX : q);
    struct u128 square = u128_mul64(s, s);

    while (u128_less(n, square)) {
        s--;
        square = u128_mul64(s, s);
    }
    *exact = square.hi == n.hi && square.lo == n.lo;
    return s;
}

#endif
