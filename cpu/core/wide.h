/*
 * 128-bit values for the .isa language, on any host: the compiler's own type
 * where there is one, else two halves.  Divisions by zero give 0.
 */
#ifndef CPU_CORE_WIDE_H
#define CPU_CORE_WIDE_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__SIZEOF_INT128__) && !defined(WIDE_PORTABLE)

__extension__ typedef unsigned __int128 u128;
__extension__ typedef __int128 s128;

static inline u128 u128_make(uint64_t hi, uint64_t lo)
{
    return (u128)hi << 64 | lo;
}

static inline uint64_t u128_lo(u128 a)
{
    return (uint64_t)a;
}

static inline uint64_t u128_hi(u128 a)
{
    return (uint64_t)(a >> 64);
}

static inline u128 u128_mul64(uint64_t a, uint64_t b)
{
    return (u128)a * b;
}

static inline u128 u128_add(u128 a, u128 b)
{
    return a + b;
}

static inline u128 u128_mul(u128 a, u128 b)
{
    return a * b;
}

static inline u128 op_udiv_u128(u128 a, u128 b)
{
    return b ? a / b : 0;
}

#else

typedef struct {
    uint64_t hi, lo;
} u128;

static inline u128 u128_make(uint64_t hi, uint64_t lo)
{
    return (u128){hi, lo};
}

static inline uint64_t u128_lo(u128 a)
{
    return a.lo;
}

static inline uint64_t u128_hi(u128 a)
{
    return a.hi;
}

static inline u128 u128_mul64(uint64_t a, uint64_t b)
{
    uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
    uint64_t ll = al * bl, lh = al * bh, hl = ah * bl;
    uint64_t mid = (ll >> 32) + (uint32_t)lh + (uint32_t)hl;

    return u128_make(ah * bh + (lh >> 32) + (hl >> 32) + (mid >> 32),
                     mid << 32 | (uint32_t)ll);
}

static inline u128 u128_add(u128 a, u128 b)
{
    uint64_t lo = a.lo + b.lo;

    return u128_make(a.hi + b.hi + (lo < a.lo), lo);
}

static inline u128 u128_mul(u128 a, u128 b)
{
    u128 p = u128_mul64(a.lo, b.lo);

    p.hi += a.hi * b.lo + a.lo * b.hi;
    return p;
}

/* Bit by bit: only a 128-bit DIV on a host without such a type gets here. */
static inline u128 op_udiv_u128(u128 a, u128 b)
{
    u128 q = {0, 0}, r = {0, 0};

    if (!(b.hi | b.lo))
        return q;
    for (int i = 127; i >= 0; i--) {
        uint64_t out = r.hi >> 63;

        r.hi = r.hi << 1 | r.lo >> 63;
        r.lo = r.lo << 1 | ((i >= 64 ? a.hi >> (i - 64) : a.lo >> i) & 1);
        if (out || r.hi > b.hi || (r.hi == b.hi && r.lo >= b.lo)) {
            r.hi -= b.hi + (r.lo < b.lo);
            r.lo -= b.lo;
            if (i >= 64)
                q.hi |= (uint64_t)1 << (i - 64);
            else
                q.lo |= (uint64_t)1 << i;
        }
    }
    return q;
}

#endif

static inline u128 u128_neg(u128 a)
{
    return u128_add(u128_make(~u128_hi(a), ~u128_lo(a)), u128_make(0, 1));
}

static inline u128 u128_sub(u128 a, u128 b)
{
    return u128_add(a, u128_neg(b));
}

static inline u128 u128_not(u128 a)
{
    return u128_make(~u128_hi(a), ~u128_lo(a));
}

static inline u128 u128_and(u128 a, u128 b)
{
    return u128_make(u128_hi(a) & u128_hi(b), u128_lo(a) & u128_lo(b));
}

static inline u128 u128_or(u128 a, u128 b)
{
    return u128_make(u128_hi(a) | u128_hi(b), u128_lo(a) | u128_lo(b));
}

static inline u128 u128_xor(u128 a, u128 b)
{
    return u128_make(u128_hi(a) ^ u128_hi(b), u128_lo(a) ^ u128_lo(b));
}

static inline u128 u128_sx(int64_t a)
{
    return u128_make(a < 0 ? UINT64_MAX : 0, (uint64_t)a);
}

static inline bool u128_eq(u128 a, u128 b)
{
    return u128_hi(a) == u128_hi(b) && u128_lo(a) == u128_lo(b);
}

static inline bool u128_ne(u128 a, u128 b)
{
    return !u128_eq(a, b);
}

static inline bool u128_ult(u128 a, u128 b)
{
    return u128_hi(a) != u128_hi(b) ? u128_hi(a) < u128_hi(b)
                                    : u128_lo(a) < u128_lo(b);
}

static inline bool u128_ule(u128 a, u128 b)
{
    return !u128_ult(b, a);
}

static inline bool u128_slt(u128 a, u128 b)
{
    return u128_hi(a) != u128_hi(b)
               ? (int64_t)u128_hi(a) < (int64_t)u128_hi(b)
               : u128_lo(a) < u128_lo(b);
}

static inline bool u128_sle(u128 a, u128 b)
{
    return !u128_slt(b, a);
}

/* Shifts by a 128-bit count; the width or more gives zeros or the sign. */
static inline u128 u128_shl(u128 a, u128 n)
{
    uint64_t k = u128_hi(n) ? 128 : u128_lo(n);
    uint64_t hi = u128_hi(a), lo = u128_lo(a);

    if (k >= 128)
        return u128_make(0, 0);
    if (k >= 64)
        return u128_make(lo << (k - 64), 0);
    return k ? u128_make(hi << k | lo >> (64 - k), lo << k) : a;
}

static inline u128 u128_shr(u128 a, u128 n)
{
    uint64_t k = u128_hi(n) ? 128 : u128_lo(n);
    uint64_t hi = u128_hi(a), lo = u128_lo(a);

    if (k >= 128)
        return u128_make(0, 0);
    if (k >= 64)
        return u128_make(0, hi >> (k - 64));
    return k ? u128_make(hi >> k, lo >> k | hi << (64 - k)) : a;
}

static inline u128 u128_sar(u128 a, u128 n)
{
    u128 ones = u128_sx((int64_t)u128_hi(a) >> 63);
    uint64_t k = u128_hi(n) ? 128 : u128_lo(n);
    u128 fill;

    if (k == 0)
        return a;
    if (k >= 128)
        return ones;
    fill = u128_shl(ones, u128_make(0, 128 - k));
    return u128_or(u128_shr(a, u128_make(0, k)), fill);
}

static inline u128 op_urem_u128(u128 a, u128 b)
{
    if (u128_eq(b, u128_make(0, 0)))
        return b;
    return u128_sub(a, u128_mul(op_udiv_u128(a, b), b));
}

static inline u128 op_sdiv_u128(u128 a, u128 b)
{
    bool na = (int64_t)u128_hi(a) < 0, nb = (int64_t)u128_hi(b) < 0;
    u128 q = op_udiv_u128(na ? u128_neg(a) : a, nb ? u128_neg(b) : b);

    return na != nb ? u128_neg(q) : q;
}

static inline u128 op_srem_u128(u128 a, u128 b)
{
    if (u128_eq(b, u128_make(0, 0)))
        return b;
    return u128_sub(a, u128_mul(op_sdiv_u128(a, b), b));
}

#endif
