/*
 * Vectors of 128 bits for the .isa language, on any host.
 *
 * Lane 0 is the least significant, as in memory of little-endian guests;
 * within the struct the low half comes first, each half in the host's order.
 */
#ifndef CPU_CORE_LANES_H
#define CPU_CORE_LANES_H

#include <stdint.h>

#include "base/bytes.h"
#include "cpu/core/wide.h"

/* Both halves as one value of the compiler's, so that a vector is stored at
 * once: a processor hands on whole what was stored whole. */
typedef uint64_t v128_halves __attribute__((vector_size(16), aligned(8)));

typedef union {
    v128_halves both;
    uint64_t u64[2]; /* [0] is the low half */
    uint32_t u32[4];
    uint16_t u16[8];
    uint8_t u8[16];
} v128;

/* Narrow lanes lie the other way round in a big-endian half. */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LANE_FLIP(bits) (64u / (bits)-1u)
#else
#define LANE_FLIP(bits) 0u
#endif

#define V128_LANES(bits)                                                       \
    static inline uint##bits##_t v128_get_u##bits(const v128 *a, unsigned i)   \
    {                                                                          \
        return a->u##bits[i ^ LANE_FLIP(bits)];                                \
    }                                                                          \
    static inline void v128_put_u##bits(v128 *a, unsigned i, uint##bits##_t v) \
    {                                                                          \
        a->u##bits[i ^ LANE_FLIP(bits)] = v;                                   \
    }

V128_LANES(8)
V128_LANES(16)
V128_LANES(32)
V128_LANES(64)

static inline v128 v128_make(uint64_t hi, uint64_t lo)
{
    return (v128){.both = {lo, hi}};
}

/* Four words, the highest first: put together as a vector, which takes fewer
 * steps than by halves. */
static inline v128 v128_words(uint32_t d, uint32_t c, uint32_t b, uint32_t a)
{
    const uint32_t lanes __attribute__((vector_size(16))) = {a, b, c, d};

    return LANE_FLIP(32)
               ? v128_make((uint64_t)d << 32 | c, (uint64_t)b << 32 | a)
               : (v128){.both = (v128_halves)lanes};
}

static inline uint64_t v128_lo(v128 a)
{
    return a.u64[0];
}

static inline uint64_t v128_hi(v128 a)
{
    return a.u64[1];
}

static inline v128 v128_and(v128 a, v128 b)
{
    return (v128){.both = a.both & b.both};
}

static inline v128 v128_or(v128 a, v128 b)
{
    return (v128){.both = a.both | b.both};
}

static inline v128 v128_xor(v128 a, v128 b)
{
    return (v128){.both = a.both ^ b.both};
}

static inline v128 v128_not(v128 a)
{
    return (v128){.both = ~a.both};
}

/* Byte i is byte b[i] of a, or 0 if that is above 15. */
static inline v128 v128_lookup(v128 a, v128 b)
{
    v128 out;

    for (unsigned i = 0; i < 16; i++) {
        uint8_t at = v128_get_u8(&b, i);

        v128_put_u8(&out, i, at < 16 ? v128_get_u8(&a, at) : 0);
    }
    return out;
}

/* In guest memory, any alignment. */
static inline v128 v128_ld(const void *p)
{
    return v128_make(ld_le64((const char *)p + 8), ld_le64(p));
}

static inline void v128_st(void *p, v128 v)
{
    st_le64(p, v.u64[0]);
    st_le64((char *)p + 8, v.u64[1]);
}

#endif
