/*
 * bench_fp.c - what an operation of cpu/fp costs, in nanoseconds
 *
 * Three columns: on the host with NX set already; on the host with NX clear,
 * whole numbers as operands; without the host. Operands are 4096 random ones
 * of like magnitude, so that no branch predictor learns them; the best of
 * several runs counts. Operations do not wait for each other here.
 */
#include <stdio.h>
#include <time.h>

#include "fp_ops.h"

enum { OPERANDS = 4096, RUNS = 12, PASSES = 20 };

struct operands {
    uint64_t a[OPERANDS], b[OPERANDS], c[OPERANDS];
};

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Each operation inline, as in an interpreter's handler. */
#define BENCH(id, expr)                                                        \
    static double bench_##id(const struct operands *in, struct fp_env start)   \
    {                                                                          \
        struct fp_env env, *e = &env;                                          \
        volatile uint64_t sink;                                                \
        double best = 1e9;                                                     \
                                                                               \
        for (int run = 0; run < RUNS; run++) {                                 \
            double began = now_ns(), spent;                                    \
            uint64_t sum = 0;                                                  \
                                                                               \
            for (int i = 0; i < PASSES * OPERANDS; i++) {                      \
                uint64_t a = in->a[i % OPERANDS], b = in->b[i % OPERANDS];     \
                uint64_t c = in->c[i % OPERANDS];                              \
                                                                               \
                (void)b, (void)c;                                              \
                env = start;                                                   \
                sum += (uint64_t)(expr);                                       \
            }                                                                  \
            spent = (now_ns() - began) / (PASSES * OPERANDS);                  \
            best = spent < best ? spent : best;                                \
            sink = sum;                                                        \
        }                                                                      \
        (void)sink;                                                            \
        return best;                                                           \
    }

BENCH(add, fp_add_f64(e, a, b))
BENCH(mul, fp_mul_f64(e, a, b))
BENCH(div, fp_div_f64(e, a, b))
BENCH(fma, fp_fma_f64(e, a, b, c))
BENCH(sqrt, fp_sqrt_f64(e, a))
BENCH(lt, fp_lt_f64(e, a, b))
BENCH(rint, fp_rint_f64(e, a, true))
BENCH(to_i32, (e->round = FP_RTZ, fp_to_i32_f64(e, a)))
BENCH(from_i64, fp_from_i64_f64(e, (int64_t)(a >> 8)))
BENCH(to_f32, fp_to_f32_f64(e, a))

#define BENCH_ROW(id)                                                          \
    {                                                                          \
#id, bench_##id                                                        \
    }

static const struct bench {
    const char *name;
    double (*run)(const struct operands *in, struct fp_env start);
} benches[] = {
    BENCH_ROW(add),    BENCH_ROW(mul),      BENCH_ROW(div),  BENCH_ROW(fma),
    BENCH_ROW(sqrt),   BENCH_ROW(lt),       BENCH_ROW(rint), BENCH_ROW(to_i32),
    BENCH_ROW(to_f32), BENCH_ROW(from_i64),
};

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return *seed >> 11 ^ *seed << 31;
}

static void fill(uint64_t *out, bool whole, uint64_t *seed)
{
    struct fp_env e = {0};

    for (int i = 0; i < OPERANDS; i++) {
        uint64_t r = next_random(seed);
        uint64_t exp = 1023 - 8 + next_random(seed) % 16;

        out[i] = whole ? fp_from_u32_f64(&e, r % 1000 + 1)
                       : exp << 52 | (r & 0xfffffffffffff);
    }
}

int main(void)
{
    static struct operands any, whole;
    const struct fp_env nx = {.flags = FP_NX}, clear = {0}, soft = {.soft = 1};
    uint64_t seed = 1;

    fill(any.a, false, &seed);
    fill(any.b, false, &seed);
    fill(any.c, false, &seed);
    fill(whole.a, true, &seed);
    fill(whole.b, true, &seed);
    fill(whole.c, true, &seed);
    printf("%-9s %8s %8s %8s   ns, f64\n", "", "host", "exact", "soft");
    for (size_t i = 0; i < sizeof(benches) / sizeof(benches[0]); i++)
        printf("%-9s %8.2f %8.2f %8.2f\n", benches[i].name,
               benches[i].run(&any, nx), benches[i].run(&whole, clear),
               benches[i].run(&any, soft));
    return 0;
}
