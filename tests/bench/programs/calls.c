/* integer: calls and returns, by the recursive Fibonacci numbers, and calls
 * through pointers. */
#include "bench.h"

#define FIB 32
#define INDIRECT 20000000u

static __attribute__((noinline)) unsigned fib(unsigned n)
{
    unsigned sum = 0;

    /* The compiler shall not turn half of the calls into a loop. */
    __asm__ volatile("" : "+r"(n));
    if (n < 2)
        return n;
    sum = fib(n - 1);
    __asm__ volatile("" : "+r"(sum));
    return sum + fib(n - 2);
}

static uint64_t add(uint64_t x)
{
    return x + 3;
}

static uint64_t twist(uint64_t x)
{
    return x ^ (x >> 7);
}

static uint64_t times(uint64_t x)
{
    return x * 5;
}

static uint64_t (*const functions[4])(uint64_t) = {add, twist, times, add};

int main(void)
{
    uint64_t sum = 0, x = 1;

    bench_begin("calls");
    for (unsigned i = 0; i < 5; i++)
        sum = bench_mix(sum, fib(FIB + (i & 1)));
    for (unsigned i = 0; i < INDIRECT; i++)
        x = functions[(x ^ i) & 3](x);
    bench_end("calls", bench_mix(sum, x));
    return 0;
}
