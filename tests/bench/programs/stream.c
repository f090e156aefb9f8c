/* memory: arrays larger than the caches, read and written in order. */
#include "bench.h"
#include <string.h>

#define COUNT (1u << 20) /* 8 MiB each */
#define ROUNDS 6

static uint64_t a[COUNT], b[COUNT], c[COUNT];

int main(void)
{
    uint64_t state = 20, sum = 0;

    for (unsigned i = 0; i < COUNT; i++)
        a[i] = bench_random(&state);
    bench_begin("stream");
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < COUNT; i++)
            b[i] = a[i] * 3 + round;
        for (unsigned i = 0; i < COUNT; i++)
            c[i] = a[i] + b[i];
        memcpy(b, c, sizeof(b));
        memmove(a, b + 1, sizeof(a) - sizeof(a[0]));
        for (unsigned i = 0; i < COUNT; i += 64)
            sum += a[i] ^ c[i];
    }
    bench_end("stream", bench_mix(sum, a[COUNT / 2]));
    return 0;
}
