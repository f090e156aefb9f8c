/*
 * Plain accesses to guest RAM, little-endian, of any alignment.
 *
 * Other vCPUs and devices may be at the same place: an aligned access of up
 * to 8 bytes is a single one, in no order with others (what a guest's memory
 * model wants beyond that, its fences and atomics give).  One that is not
 * aligned may be seen in parts.
 *
 * Most hosts access memory at any alignment by one instruction, which is what
 * a compiler makes of a copy.  For the others, and for a race detector, there
 * are relaxed atomics: guest RAM is the only place where threads meet without
 * synchronisation, and all of it comes through here, through cpu/core/atomic.h
 * or through host code of the translator.
 */
#ifndef BASE_RAM_ACCESS_H
#define BASE_RAM_ACCESS_H

#include <stddef.h>

#include "base/bytes.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RAM_BY_ATOMICS 1
#endif
#endif
#if defined(__SANITIZE_THREAD__) ||                                          \
    !(defined(__x86_64__) || defined(__aarch64__) || defined(__s390x__))
#define RAM_BY_ATOMICS 1
#endif

/* Guest RAM has no type: these may alias anything. */
typedef uint16_t __attribute__((may_alias)) ram_u16;
typedef uint32_t __attribute__((may_alias)) ram_u32;
typedef uint64_t __attribute__((may_alias)) ram_u64;

#ifdef RAM_BY_ATOMICS
static inline uint8_t ram_ld8(const void *p)
{
    return __atomic_load_n((const uint8_t *)p, __ATOMIC_RELAXED);
}

static inline void ram_st8(void *p, uint8_t v)
{
    __atomic_store_n((uint8_t *)p, v, __ATOMIC_RELAXED);
}

#define RAM_ACCESS(bits)                                                     \
    static inline uint##bits##_t ram_ld##bits(const void *p)                 \
    {                                                                        \
        uint##bits##_t v = 0;                                                \
                                                                             \
        if (!((uintptr_t)p & (bits / 8 - 1)))                                \
            return BASE_LE(bits, __atomic_load_n((const ram_u##bits *)p,     \
                                                 __ATOMIC_RELAXED));         \
        for (unsigned i = 0; i < bits / 8; i++)                              \
            v |= (uint##bits##_t)((uint##bits##_t)ram_ld8(                   \
                                      (const uint8_t *)p + i)                \
                                  << 8 * i);                                 \
        return v;                                                            \
    }                                                                        \
    static inline void ram_st##bits(void *p, uint##bits##_t v)               \
    {                                                                        \
        if (!((uintptr_t)p & (bits / 8 - 1))) {                              \
            __atomic_store_n((ram_u##bits *)p, BASE_LE(bits, v),             \
                             __ATOMIC_RELAXED);                              \
            return;                                                          \
        }                                                                    \
        for (unsigned i = 0; i < bits / 8; i++)                              \
            ram_st8((uint8_t *)p + i, (uint8_t)(v >> 8 * i));                \
    }
#else
static inline uint8_t ram_ld8(const void *p)
{
    return *(const uint8_t *)p;
}

static inline void ram_st8(void *p, uint8_t v)
{
    *(uint8_t *)p = v;
}

#define RAM_ACCESS(bits)                                                     \
    static inline uint##bits##_t ram_ld##bits(const void *p)                 \
    {                                                                        \
        return ld_le##bits(p);                                               \
    }                                                                        \
    static inline void ram_st##bits(void *p, uint##bits##_t v)               \
    {                                                                        \
        st_le##bits(p, v);                                                   \
    }
#endif

RAM_ACCESS(16)
RAM_ACCESS(32)
RAM_ACCESS(64)

/* The size bytes (1, 2, 4 or 8) at p. */
static inline uint64_t ram_ld(const void *p, unsigned size)
{
    switch (size) {
    case 1:
        return ram_ld8(p);
    case 2:
        return ram_ld16(p);
    case 4:
        return ram_ld32(p);
    default:
        return ram_ld64(p);
    }
}

static inline void ram_st(void *p, uint64_t v, unsigned size)
{
    switch (size) {
    case 1:
        ram_st8(p, (uint8_t)v);
        break;
    case 2:
        ram_st16(p, (uint16_t)v);
        break;
    case 4:
        ram_st32(p, (uint32_t)v);
        break;
    default:
        ram_st64(p, v);
    }
}

/* The largest aligned piece at p of at most n bytes, n > 0. */
static inline unsigned ram_piece(const void *p, size_t n)
{
    unsigned size = 8;

    while (size > n || ((uintptr_t)p & (size - 1)))
        size /= 2;
    return size;
}

/* Copies by aligned pieces, each a single access to guest RAM. */
static inline void ram_fetch(void *to, const void *from, size_t n)
{
    while (n) {
        unsigned size = ram_piece(from, n);

        st_le(to, ram_ld(from, size), size);
        to = (uint8_t *)to + size;
        from = (const uint8_t *)from + size;
        n -= size;
    }
}

/* Copies of bulk data, in any pieces. */
static inline void ram_read(void *to, const void *from, size_t n)
{
#ifdef RAM_BY_ATOMICS
    ram_fetch(to, from, n);
#else
    memcpy(to, from, n);
#endif
}

static inline void ram_write(void *to, const void *from, size_t n)
{
#ifdef RAM_BY_ATOMICS
    while (n) {
        unsigned size = ram_piece(to, n);

        ram_st(to, ld_le(from, size), size);
        to = (uint8_t *)to + size;
        from = (const uint8_t *)from + size;
        n -= size;
    }
#else
    memcpy(to, from, n);
#endif
}

static inline void ram_fill(void *to, uint8_t v, size_t n)
{
#ifdef RAM_BY_ATOMICS
    while (n) {
        unsigned size = ram_piece(to, n);

        ram_st(to, v * UINT64_C(0x0101010101010101), size);
        to = (uint8_t *)to + size;
        n -= size;
    }
#else
    memset(to, v, n);
#endif
}

#endif
