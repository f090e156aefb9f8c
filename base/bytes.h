/*
 * Little-endian and big-endian values in byte arrays, whatever the host's
 * byte order and alignment rules.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define BASE_LE(bits, v) __builtin_bswap##bits(v)
#define BASE_BE(bits, v) (v)
#else
#define BASE_LE(bits, v) (v)
#define BASE_BE(bits, v) __builtin_bswap##bits(v)
#endif

#define BASE_BYTES_ACCESS(bits)                                              \
    static inline uint##bits##_t ld_le##bits(const void *p)                  \
    {                                                                        \
        uint##bits##_t v;                                                    \
        memcpy(&v, p, sizeof(v));                                            \
        return BASE_LE(bits, v);                                             \
    }                                                                        \
    static inline void st_le##bits(void *p, uint##bits##_t v)                \
    {                                                                        \
        v = BASE_LE(bits, v);                                                \
        memcpy(p, &v, sizeof(v));                                            \
    }                                                                        \
    static inline uint##bits##_t ld_be##bits(const void *p)                  \
    {                                                                        \
        uint##bits##_t v;                                                    \
        memcpy(&v, p, sizeof(v));                                            \
        return BASE_BE(bits, v);                                             \
    }                                                                        \
    static inline void st_be##bits(void *p, uint##bits##_t v)                \
    {                                                                        \
        v = BASE_BE(bits, v);                                                \
        memcpy(p, &v, sizeof(v));                                            \
    }

BASE_BYTES_ACCESS(16)
BASE_BYTES_ACCESS(32)
BASE_BYTES_ACCESS(64)

/* The size bytes (1, 2, 4 or 8) at p as a little-endian value. */
static inline uint64_t ld_le(const void *p, unsigned size)
{
    switch (size) {
    case 1:
        return *(const uint8_t *)p;
    case 2:
        return ld_le16(p);
    case 4:
        return ld_le32(p);
    default:
        return ld_le64(p);
    }
}

static inline void st_le(void *p, uint64_t v, unsigned size)
{
    switch (size) {
    case 1:
        *(uint8_t *)p = (uint8_t)v;
        break;
    case 2:
        st_le16(p, (uint16_t)v);
        break;
    case 4:
        st_le32(p, (uint32_t)v);
        break;
    default:
        st_le64(p, v);
    }
}

/* Of all bytes, as the checksums of a PC's tables want to be 0. */
static inline uint8_t sum_bytes(const void *p, size_t n)
{
    const uint8_t *b = p;
    uint8_t sum = 0;

    while (n--)
        sum = (uint8_t)(sum + *b++);
    return sum;
}

#endif
