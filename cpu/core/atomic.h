/*
 * Guest atomics on host memory: read-modify-write of little-endian values,
 * returning the old one.  The address is naturally aligned.
 */
#ifndef CPU_CORE_ATOMIC_H
#define CPU_CORE_ATOMIC_H

#include <stdbool.h>

#include "base/bytes.h"

#ifdef __x86_64__
#include <cpuid.h>
#endif

/*
 * Guests take an atomic that is acquire and release for a full barrier: what
 * comes after it may not pass its store.  Where the host's may be passed.
 */
#if defined(__x86_64__) || defined(__i386__) || defined(__s390x__)
#define ATOMIC_AFTER() (void)0
#else
#define ATOMIC_AFTER() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#endif

/* Any operation, by compare and swap. */
#define ATOMIC_LOOP(op, bits, expression)                                    \
    static inline uint##bits##_t atomic_##op##_u##bits(void *p,              \
                                                       uint##bits##_t v)     \
    {                                                                        \
        uint##bits##_t *at = p;                                              \
        uint##bits##_t raw = __atomic_load_n(at, __ATOMIC_RELAXED), old;     \
                                                                             \
        do {                                                                 \
            old = BASE_LE(bits, raw);                                        \
        } while (!__atomic_compare_exchange_n(                               \
            at, &raw, BASE_LE(bits, (uint##bits##_t)(expression)), true,     \
            __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));                            \
        ATOMIC_AFTER();                                                      \
        return old;                                                          \
    }

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define ATOMIC_DIRECT(op, bits, builtin, expression)                         \
    ATOMIC_LOOP(op, bits, expression)
#else
#define ATOMIC_DIRECT(op, bits, builtin, expression)                         \
    static inline uint##bits##_t atomic_##op##_u##bits(void *p,              \
                                                       uint##bits##_t v)     \
    {                                                                        \
        v = builtin((uint##bits##_t *)p, v, __ATOMIC_SEQ_CST);               \
        ATOMIC_AFTER();                                                      \
        return v;                                                            \
    }
#endif

#define ATOMIC_FOR(bits)                                                     \
    ATOMIC_DIRECT(add, bits, __atomic_fetch_add, old + v)                    \
    ATOMIC_DIRECT(swap, bits, __atomic_exchange_n, v)                        \
    ATOMIC_DIRECT(and, bits, __atomic_fetch_and, old & v)                    \
    ATOMIC_DIRECT(or, bits, __atomic_fetch_or, old | v)                      \
    ATOMIC_DIRECT(xor, bits, __atomic_fetch_xor, old ^ v)                    \
    ATOMIC_LOOP(min, bits,                                                   \
                (int##bits##_t)old < (int##bits##_t)v ? old : v)             \
    ATOMIC_LOOP(max, bits,                                                   \
                (int##bits##_t)old < (int##bits##_t)v ? v : old)             \
    ATOMIC_LOOP(minu, bits, old < v ? old : v)                               \
    ATOMIC_LOOP(maxu, bits, old < v ? v : old)

ATOMIC_FOR(32)
ATOMIC_FOR(64)

/* 1, 2, 4 or 8 bytes. */
static inline uint64_t atomic_load_le(const void *p, unsigned size)
{
    switch (size) {
    case 1:
        return __atomic_load_n((const uint8_t *)p, __ATOMIC_SEQ_CST);
    case 2:
        return BASE_LE(16,
                       __atomic_load_n((const uint16_t *)p, __ATOMIC_SEQ_CST));
    case 4:
        return BASE_LE(32,
                       __atomic_load_n((const uint32_t *)p, __ATOMIC_SEQ_CST));
    default:
        return BASE_LE(64,
                       __atomic_load_n((const uint64_t *)p, __ATOMIC_SEQ_CST));
    }
}

#define ATOMIC_CAS(bits)                                                       \
    static inline bool atomic_cas_u##bits(void *p, uint##bits##_t expected,    \
                                          uint##bits##_t v)                    \
    {                                                                          \
        uint##bits##_t e = expected;                                           \
        bool done = __atomic_compare_exchange_n((uint##bits##_t *)p, &e, v,    \
                                                false, __ATOMIC_SEQ_CST,       \
                                                __ATOMIC_RELAXED);             \
                                                                               \
        ATOMIC_AFTER();                                                        \
        return done;                                                           \
    }

ATOMIC_CAS(8)
ATOMIC_CAS(16)
ATOMIC_CAS(32)
ATOMIC_CAS(64)

/*
 * 16 bytes, two little-endian values; only where atomic_has_cas16() says so.
 * The first processors of x86-64 have no such instruction.
 */
#ifdef __x86_64__
static inline bool atomic_has_cas16(void)
{
    unsigned a, b, c, d;

    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_CMPXCHG16B);
}

static inline bool atomic_cas16(void *p, uint64_t old_lo, uint64_t old_hi,
                                uint64_t lo, uint64_t hi)
{
    bool done;

    __asm__ volatile("lock cmpxchg16b %1"
                     : "=@ccz"(done), "+m"(*(char(*)[16])p), "+a"(old_lo),
                       "+d"(old_hi)
                     : "b"(lo), "c"(hi)
                     : "memory");
    return done;
}
#else
static inline bool atomic_has_cas16(void)
{
    return false;
}

static inline bool atomic_cas16(void *p, uint64_t old_lo, uint64_t old_hi,
                                uint64_t lo, uint64_t hi)
{
    (void)p, (void)old_lo, (void)old_hi, (void)lo, (void)hi;
    return false;
}
#endif

/* Store v if the value is still `expected`; 1, 2, 4 or 8 bytes. */
static inline bool atomic_cas(void *p, unsigned size, uint64_t expected,
                              uint64_t v)
{
    switch (size) {
    case 1:
        return atomic_cas_u8(p, (uint8_t)expected, (uint8_t)v);
    case 2:
        return atomic_cas_u16(p, BASE_LE(16, (uint16_t)expected),
                              BASE_LE(16, (uint16_t)v));
    case 4:
        return atomic_cas_u32(p, BASE_LE(32, (uint32_t)expected),
                              BASE_LE(32, (uint32_t)v));
    default:
        return atomic_cas_u64(p, BASE_LE(64, expected), BASE_LE(64, v));
    }
}

#endif
