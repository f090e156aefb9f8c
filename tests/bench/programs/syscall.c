/* system: the cheapest system calls, and short reads. */
#include "bench.h"
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALLS 120000u

int main(void)
{
    int zero = open("/dev/zero", O_RDONLY);
    uint64_t sum = 0;
    long parent = getppid();
    char buffer[64];

    if (zero < 0)
        bench_fail("no /dev/zero");
    bench_begin("syscall");
    for (unsigned i = 0; i < CALLS; i++) {
        sum += syscall(SYS_getppid) == parent;
        if (i % 4 == 0)
            sum += (uint64_t)read(zero, buffer, sizeof(buffer));
    }
    bench_end("syscall", bench_mix(sum, CALLS));
    return 0;
}
