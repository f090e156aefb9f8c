/* integer: quicksort with a comparing function, then a heap sort. */
#include "bench.h"
#include <string.h>

#define COUNT 60000
#define ROUNDS 14

static uint32_t data[COUNT];

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void swap(uint32_t *a, uint32_t *b)
{
    uint32_t t = *a;

    *a = *b;
    *b = t;
}

static void quick(uint32_t *p, long n, int (*less)(const void *,
                                                   const void *))
{
    while (n > 12) {
        uint32_t pivot = p[n / 2];
        long i = 0, j = n - 1;

        while (i <= j) {
            while (less(&p[i], &pivot) < 0)
                i++;
            while (less(&pivot, &p[j]) < 0)
                j--;
            if (i <= j)
                swap(&p[i++], &p[j--]);
        }
        quick(p, j + 1, less);
        p += i;
        n -= i;
    }
    for (long i = 1; i < n; i++) {
        for (long j = i; j > 0 && less(&p[j], &p[j - 1]) < 0; j--)
            swap(&p[j], &p[j - 1]);
    }
}

static void sift(uint32_t *p, long root, long n)
{
    for (;;) {
        long child = 2 * root + 1;

        if (child >= n)
            return;
        if (child + 1 < n && p[child + 1] > p[child])
            child++;
        if (p[root] >= p[child])
            return;
        swap(&p[root], &p[child]);
        root = child;
    }
}

static void heap(uint32_t *p, long n)
{
    for (long i = n / 2; i-- > 0;)
        sift(p, i, n);
    while (n-- > 1) {
        swap(&p[0], &p[n]);
        sift(p, 0, n);
    }
}

static void fill(uint64_t seed)
{
    for (int i = 0; i < COUNT; i++)
        data[i] = (uint32_t)bench_random(&seed);
}

static uint64_t check(uint64_t sum)
{
    for (int i = 0; i < COUNT; i++) {
        if (i && data[i - 1] > data[i])
            bench_fail("not sorted");
        sum += (uint64_t)data[i] * (unsigned)i;
    }
    return bench_mix(sum, COUNT);
}

int main(void)
{
    /* Keeps the compiler from seeing which function it is. */
    int (*volatile less)(const void *, const void *) = compare;
    uint64_t sum = 0;

    bench_begin("sort");
    for (unsigned i = 1; i <= ROUNDS; i++) {
        fill(i);
        quick(data, COUNT, less);
        sum = check(sum);
        fill(i + 1000);
        heap(data, COUNT);
        sum = check(sum);
    }
    bench_end("sort", sum);
    return 0;
}
