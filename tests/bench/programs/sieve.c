/* integer: the sieve of Eratosthenes over bytes that fit a first cache. */
#include "bench.h"
#include <string.h>

#define LIMIT 32768
#define ROUNDS 3300

static uint8_t composite[LIMIT];

static unsigned sieve(void)
{
    unsigned count = 0;

    memset(composite, 0, sizeof(composite));
    for (unsigned i = 2; i < LIMIT; i++) {
        if (composite[i])
            continue;
        count++;
        for (unsigned j = i + i; j < LIMIT; j += i)
            composite[j] = 1;
    }
    return count;
}

int main(void)
{
    uint64_t sum = 0;

    bench_begin("sieve");
    for (int i = 0; i < ROUNDS; i++)
        sum = bench_mix(sum, sieve());
    bench_end("sieve", sum);
    return 0;
}
