/* system: two processes that hand a byte to and fro through pipes. */
#include "bench.h"
#include <sys/wait.h>
#include <unistd.h>

#define TURNS 5000u

static void child(int in, int out)
{
    unsigned char byte;

    while (read(in, &byte, 1) == 1) {
        byte = (unsigned char)(byte * 5 + 1);
        if (write(out, &byte, 1) != 1)
            break;
    }
    _exit(0);
}

int main(void)
{
    int to[2], from[2];
    unsigned char byte = 1;
    uint64_t sum = 0;
    pid_t pid;

    if (pipe(to) || pipe(from))
        bench_fail("pipe");
    pid = fork();
    if (pid < 0)
        bench_fail("fork");
    if (pid == 0) {
        close(to[1]);
        close(from[0]);
        child(to[0], from[1]);
    }
    close(to[0]);
    close(from[1]);
    bench_begin("pipe");
    for (unsigned i = 0; i < TURNS; i++) {
        if (write(to[1], &byte, 1) != 1 || read(from[0], &byte, 1) != 1)
            bench_fail("broken pipe");
        sum = bench_mix(sum, byte);
    }
    bench_end("pipe", sum);
    close(to[1]);
    waitpid(pid, NULL, 0);
    return 0;
}
