/*
 * The operations of the .isa language that C has no operator for.
 *
 * All are total: a shift by the width or more gives zeros (or the sign), a
 * division by zero gives 0, the most negative value divided by -1 gives
 * itself with remainder 0.  Rows that want something else say so.
 */
#ifndef CPU_CORE_OPS_H
#define CPU_CORE_OPS_H

#include <stdint.h>

#include "cpu/core/wide.h"

/* What is before it is seen before what is behind it, by all. */
static inline void op_fence(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Sums of bits in 2, 4, 8, then all; no call, whatever the host has. */
static inline uint64_t ops_popcnt(uint64_t a)
{
    a -= a >> 1 & 0x5555555555555555u;
    a = (a & 0x3333333333333333u) + (a >> 2 & 0x3333333333333333u);
    a = (a + (a >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return a * 0x0101010101010101u >> 56;
}

/* Has the low byte an even number of ones?  Its halves, folded, index a
 * table of 16 bits. */
static inline uint8_t op_parity(uint64_t a)
{
    return (uint8_t)(0x9669u >> ((a ^ a >> 4) & 15) & 1);
}

#define OPS_FOR(bits)                                                        \
    static inline uint##bits##_t op_shl_u##bits(uint##bits##_t a,            \
                                                uint##bits##_t n)            \
    {                                                                        \
        return n >= bits ? 0 : (uint##bits##_t)((uint64_t)a << n);           \
    }                                                                        \
    static inline uint##bits##_t op_shr_u##bits(uint##bits##_t a,            \
                                                uint##bits##_t n)            \
    {                                                                        \
        return n >= bits ? 0 : (uint##bits##_t)(a >> n);                     \
    }                                                                        \
    static inline uint##bits##_t op_sar_u##bits(uint##bits##_t a,            \
                                                uint##bits##_t n)            \
    {                                                                        \
        return (uint##bits##_t)((int##bits##_t)a >>                          \
                                (n >= bits ? bits - 1 : n));                 \
    }                                                                        \
    static inline uint##bits##_t op_rol_u##bits(uint##bits##_t a,            \
                                                uint##bits##_t n)            \
    {                                                                        \
        n &= bits - 1;                                                       \
        return n ? (uint##bits##_t)((uint64_t)a << n | a >> (bits - n)) : a; \
    }                                                                        \
    static inline uint##bits##_t op_ror_u##bits(uint##bits##_t a,            \
                                                uint##bits##_t n)            \
    {                                                                        \
        return op_rol_u##bits(a, (uint##bits##_t)(bits - (n & (bits - 1)))); \
    }                                                                        \
    static inline uint##bits##_t op_udiv_u##bits(uint##bits##_t a,           \
                                                 uint##bits##_t b)           \
    {                                                                        \
        return b ? (uint##bits##_t)(a / b) : 0;                              \
    }                                                                        \
    static inline uint##bits##_t op_urem_u##bits(uint##bits##_t a,           \
                                                 uint##bits##_t b)           \
    {                                                                        \
        return b ? (uint##bits##_t)(a % b) : 0;                              \
    }                                                                        \
    static inline uint##bits##_t op_sdiv_u##bits(uint##bits##_t a,           \
                                                 uint##bits##_t b)           \
    {                                                                        \
        if (b == 0)                                                          \
            return 0;                                                        \
        if (b == (uint##bits##_t)-1)                                         \
            return (uint##bits##_t)(0u - a);                                 \
        return (uint##bits##_t)((int##bits##_t)a / (int##bits##_t)b);        \
    }                                                                        \
    static inline uint##bits##_t op_srem_u##bits(uint##bits##_t a,           \
                                                 uint##bits##_t b)           \
    {                                                                        \
        if (b == 0 || b == (uint##bits##_t)-1)                               \
            return 0;                                                        \
        return (uint##bits##_t)((int##bits##_t)a % (int##bits##_t)b);        \
    }                                                                        \
    static inline uint##bits##_t op_clz_u##bits(uint##bits##_t a)            \
    {                                                                        \
        return a ? (uint##bits##_t)(__builtin_clzll(a) - (64 - bits))        \
                 : (uint##bits##_t)bits;                                     \
    }                                                                        \
    static inline uint##bits##_t op_ctz_u##bits(uint##bits##_t a)            \
    {                                                                        \
        return a ? (uint##bits##_t)__builtin_ctzll(a)                        \
                 : (uint##bits##_t)bits;                                     \
    }                                                                        \
    static inline uint##bits##_t op_popcnt_u##bits(uint##bits##_t a)         \
    {                                                                        \
        return (uint##bits##_t)ops_popcnt(a);                                \
    }

OPS_FOR(8)
OPS_FOR(16)
OPS_FOR(32)
OPS_FOR(64)

static inline uint16_t op_bswap_u16(uint16_t a)
{
    return __builtin_bswap16(a);
}

static inline uint32_t op_bswap_u32(uint32_t a)
{
    return __builtin_bswap32(a);
}

static inline uint64_t op_bswap_u64(uint64_t a)
{
    return __builtin_bswap64(a);
}

/* High halves of products. */
static inline uint32_t op_mulhu_u32(uint32_t a, uint32_t b)
{
    return (uint32_t)((uint64_t)a * b >> 32);
}

static inline uint32_t op_mulhs_u32(uint32_t a, uint32_t b)
{
    return (uint32_t)((uint64_t)((int64_t)(int32_t)a * (int32_t)b) >> 32);
}

static inline uint32_t op_mulhsu_u32(uint32_t a, uint32_t b)
{
    return (uint32_t)((uint64_t)((int64_t)(int32_t)a * (int64_t)b) >> 32);
}

static inline uint64_t op_mulhu_u64(uint64_t a, uint64_t b)
{
    return u128_hi(u128_mul64(a, b));
}

/* The signed product is the unsigned one less what the signs added. */
static inline uint64_t op_mulhs_u64(uint64_t a, uint64_t b)
{
    return op_mulhu_u64(a, b) - ((int64_t)a < 0 ? b : 0) -
           ((int64_t)b < 0 ? a : 0);
}

static inline uint64_t op_mulhsu_u64(uint64_t a, uint64_t b)
{
    return op_mulhu_u64(a, b) - ((int64_t)a < 0 ? b : 0);
}

#endif
