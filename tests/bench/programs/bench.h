/*
 * What every program of the benchmark shares: markers on the console between
 * which the host takes the time, and a check sum over the results, which has
 * to be the same on every machine that runs the program right.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Says that the work begins.  name: the program's, without blanks. */
static inline void bench_begin(const char *name)
{
    printf("bench-begin %s\n", name);
    fflush(stdout);
}

/* Says that the work has ended, and what came out. */
static inline void bench_end(const char *name, uint64_t sum)
{
    printf("bench-end %s %016llx\n", name, (unsigned long long)sum);
    fflush(stdout);
}

/* Ends the program with a message that the host's script shows. */
static inline void bench_fail(const char *why)
{
    printf("bench-fail %s\n", why);
    exit(1);
}

/* Adds a value to a check sum; order matters. */
static inline uint64_t bench_mix(uint64_t sum, uint64_t value)
{
    sum ^= value;
    sum *= UINT64_C(0x9e3779b97f4a7c15);
    return sum ^ (sum >> 29);
}

/* The same, of a double's bits: results have to agree to the last. */
static inline uint64_t bench_mix_double(uint64_t sum, double value)
{
    union {
        double d;
        uint64_t u;
    } both = {.d = value};

    return bench_mix(sum, both.u);
}

/* The next of a row of pseudo-random numbers (xorshift). */
static inline uint64_t bench_random(uint64_t *state)
{
    uint64_t x = *state;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}

#endif
