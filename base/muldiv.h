/*
 * a * b / d with a 128-bit product, on any host.
 *
 * Compilers for 32-bit hosts have no 128-bit integer; the plain versions
 * (always compiled, so that tests can compare the two) serve there.
 */
#ifndef BASE_MULDIV_H
#define BASE_MULDIV_H

#include <stdbool.h>
#include <stdint.h>

/* hi:lo = a * b, by schoolbook on 32-bit halves. */
static inline void mul_wide_plain(uint64_t a, uint64_t b, uint64_t *hi,
                                  uint64_t *lo)
{
    uint64_t al = (uint32_t)a, ah = a >> 32;
    uint64_t bl = (uint32_t)b, bh = b >> 32;
    uint64_t ll = al * bl, lh = al * bh, hl = ah * bl;
    uint64_t middle = (ll >> 32) + (uint32_t)lh + (uint32_t)hl;

    *lo = middle << 32 | (uint32_t)ll;
    *hi = ah * bh + (lh >> 32) + (hl >> 32) + (middle >> 32);
}

/* One quotient digit to base 2^32 of (rem:digit) / d, for rem < d and the
 * top bit of d set; leaves the new remainder. */
static inline uint64_t div_digit_plain(uint64_t *rem, uint32_t digit,
                                       uint64_t d)
{
    uint64_t dh = d >> 32, dl = (uint32_t)d;
    uint64_t q = *rem / dh, r = *rem % dh;

    /* The guess from the top digit is at most 2 too large. */
    while (q >> 32 || q * dl > (r << 32 | digit)) {
        q--;
        r += dh;
        if (r >> 32)
            break;
    }
    /* Exact modulo 2^64, since the true remainder is below d. */
    *rem = (*rem << 32 | digit) - q * d;
    return q;
}

/* hi:lo / d for hi < d; the remainder to *rem. */
static inline uint64_t div_wide_plain(uint64_t hi, uint64_t lo, uint64_t d,
                                      uint64_t *rem)
{
    unsigned shift = 0;
    uint64_t q;

    if (!hi) {
        *rem = lo % d;
        return lo / d;
    }
    while (!(d >> 63)) {
        d <<= 1;
        shift++;
    }
    if (shift) {
        hi = hi << shift | lo >> (64 - shift);
        lo <<= shift;
    }
    q = div_digit_plain(&hi, (uint32_t)(lo >> 32), d) << 32;
    q |= div_digit_plain(&hi, (uint32_t)lo, d);
    *rem = hi >> shift;
    return q;
}

/* floor(a * b / d), and whether there is a remainder; UINT64_MAX when it
 * does not fit 64 bits.  d is not 0. */
static inline uint64_t muldiv_plain(uint64_t a, uint64_t b, uint64_t d,
                                    bool *inexact)
{
    uint64_t hi, lo, rem, q;

    mul_wide_plain(a, b, &hi, &lo);
    if (hi >= d) {
        *inexact = false;
        return UINT64_MAX;
    }
    q = div_wide_plain(hi, lo, d, &rem);
    *inexact = rem != 0;
    return q;
}

#ifdef __SIZEOF_INT128__
static inline uint64_t muldiv(uint64_t a, uint64_t b, uint64_t d,
                              bool *inexact)
{
    __extension__ typedef unsigned __int128 u128;
    u128 product = (u128)a * b;
    uint64_t q;

    if (product >> 64 >= d) {
        *inexact = false;
        return UINT64_MAX;
    }
    /* Most products fit 64 bits, and that division is far cheaper. */
    if (product >> 64)
        q = (uint64_t)(product / d);
    else
        q = (uint64_t)product / d;
    *inexact = q * d != (uint64_t)product;
    return q;
}
#else
static inline uint64_t muldiv(uint64_t a, uint64_t b, uint64_t d,
                              bool *inexact)
{
    return muldiv_plain(a, b, d, inexact);
}
#endif

/* Both saturate at UINT64_MAX. */
static inline uint64_t muldiv_floor(uint64_t a, uint64_t b, uint64_t d)
{
    bool inexact;

    return muldiv(a, b, d, &inexact);
}

static inline uint64_t muldiv_ceil(uint64_t a, uint64_t b, uint64_t d)
{
    bool inexact;
    uint64_t q = muldiv(a, b, d, &inexact);

    return q + (inexact && q < UINT64_MAX);
}

#endif
