/* system: processes made and waited for, each of which touches some memory
 * that it shares with its parent until it writes. */
#include "bench.h"
#include <sys/wait.h>
#include <unistd.h>

#define CHILDREN 250
#define PAGES 32

static volatile char memory[PAGES * 4096];

int main(void)
{
    uint64_t sum = 0;

    for (int i = 0; i < PAGES; i++)
        memory[i * 4096] = (char)i;
    bench_begin("fork");
    for (int n = 0; n < CHILDREN; n++) {
        int status;
        pid_t pid = fork();

        if (pid < 0)
            bench_fail("fork");
        if (pid == 0) {
            for (int i = 0; i < PAGES; i++)
                memory[i * 4096] = (char)(memory[i * 4096] + n);
            _exit((memory[4096 * (n % PAGES)] & 0x7f));
        }
        if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
            bench_fail("waitpid");
        sum = bench_mix(sum, (uint64_t)WEXITSTATUS(status));
    }
    bench_end("fork", sum);
    return 0;
}
