/*
 * What every cmocka test includes: cmocka with the headers that it wants
 * before it, and repeatable random numbers.
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Marsaglia's xorshift64*, from any seed. */
struct prng {
    uint64_t state;
};

static inline uint64_t prng_next(struct prng *p)
{
    p->state += !p->state;
    p->state ^= p->state >> 12;
    p->state ^= p->state << 25;
    p->state ^= p->state >> 27;
    return p->state * 0x2545f4914f6cdd1d;
}

/* A number below n, which is not 0. */
static inline uint64_t prng_below(struct prng *p, uint64_t n)
{
    return (prng_next(p) >> 11) % n;
}

/* Numbers of all magnitudes, and those beside powers of two. */
static inline uint64_t prng_edgy(struct prng *p)
{
    uint64_t v = prng_next(p) >> prng_below(p, 64);

    switch (prng_below(p, 4)) {
    case 0:
        return ((uint64_t)1 << prng_below(p, 64)) + prng_below(p, 3) - 1;
    case 1:
        return ~v;
    default:
        return v;
    }
}

#endif
