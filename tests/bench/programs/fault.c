/* system: memory mapped, touched page by page and given back. */
#define _GNU_SOURCE
#include "bench.h"
#include <sys/mman.h>

#define PAGES 512
#define ROUNDS 40

int main(void)
{
    uint64_t sum = 0;

    bench_begin("fault");
    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t size = PAGES * 4096;
        unsigned char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED)
            bench_fail("mmap");
        madvise(p, size, MADV_NOHUGEPAGE);
        for (unsigned i = 0; i < PAGES; i++) {
            p[i * 4096] = (unsigned char)(i + round);
            sum += p[i * 4096 + 4095];
        }
        for (unsigned i = 0; i < PAGES; i++)
            sum = bench_mix(sum, p[i * 4096]);
        munmap(p, size);
    }
    bench_end("fault", sum);
    return 0;
}
