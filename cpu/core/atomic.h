/*
 * Guest atomics on host memory: read-modify-write of little-endian values,
 * returning the old one.  The address is naturally aligned.
 */
#ifndef CPU_CORE_ATOMIC_H
#define CPU_CORE_ATOMIC_H

#include <stdbool.h>

#include "base/bytes.h"

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
        return builtin((uint##bits##_t *)p, v, __ATOMIC_SEQ_CST);            \
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

/* Store v if the value is still `expected`. */
static inline bool atomic_cas(void *p, unsigned size, uint64_t expected,
                              uint64_t v)
{
    if (size == 4) {
        uint32_t e = BASE_LE(32, (uint32_t)expected);

        return __atomic_compare_exchange_n((uint32_t *)p, &e,
                                           BASE_LE(32, (uint32_t)v), false,
                                           __ATOMIC_SEQ_CST,
                                           __ATOMIC_RELAXED);
    }
    uint64_t e = BASE_LE(64, expected);

    return __atomic_compare_exchange_n((uint64_t *)p, &e, BASE_LE(64, v),
                                       false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_RELAXED);
}

#endif
