/*
 * How fast this hart runs: four loops, instructions by minstret, time by the
 * time base.
 *
 * Some machines do not count instructions (QEMU without -icount counts cycles
 * of the host instead).  The loops' instructions are known, so where minstret
 * disagrees the line says so and goes by what is known.
 */
#include "bench.h"

#include "csr.h"
#include "lib.h"
#include "print.h"

#define ROUNDS 10000        /* between two looks at the clock */
#define MAX_CALLS 2000      /* should the clock stand still */
#define DURATION_DIVISOR 10 /* a tenth of a second */

typedef void bench_fn(uint64_t rounds, void *memory);

bench_fn bench_integer, bench_multiply, bench_memory, bench_calls;

static const struct {
    const char *name;
    bench_fn *run;
    unsigned per_round;
} loops[] = {
    {"integer", bench_integer, 12},
    {"multiply, divide", bench_multiply, 6},
    {"memory", bench_memory, 12},
    {"calls, branches", bench_calls, 10},
};

static uint64_t memory[512];

static void bench_one(const struct board *board, unsigned i)
{
    uint64_t duration = board->timebase / DURATION_DIVISOR;
    uint64_t calls = 0;
    uint64_t counted = csr_read(minstret);
    uint64_t start = board_ticks(board);
    uint64_t ticks;

    do {
        loops[i].run(ROUNDS, memory);
        calls++;
        ticks = board_ticks(board) - start;
    } while (ticks < duration && calls < MAX_CALLS);
    counted = csr_read(minstret) - counted;

    uint64_t known = calls * ROUNDS * loops[i].per_round;
    bool agrees = counted >= known && counted - known <= known / 100;
    if (ticks == 0) {
        print("  %-20sthe clock stands still\n", loops[i].name);
        return;
    }
    /* Tenths of a million instructions a second. */
    uint64_t speed =
        (agrees ? counted : known) * board->timebase / ticks / 100000;
    print("  %-20s%5lu.%lu MIPS%s\n", loops[i].name, speed / 10, speed % 10,
          agrees ? "" : "  (minstret counts something else)");
}

void bench_all(const struct board *board)
{
    print("benchmark\n");
    for (unsigned i = 0; i < ARRAY_SIZE(loops); i++)
        bench_one(board, i);
}
