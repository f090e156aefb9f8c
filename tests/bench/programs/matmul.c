/* integer: products of matrices of 32-bit numbers. */
#include "bench.h"

#define N 96
#define ROUNDS 400

static uint32_t a[N][N], b[N][N], c[N][N];

static void multiply(void)
{
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            uint32_t sum = 0;

            for (int k = 0; k < N; k++)
                sum += a[i][k] * b[k][j];
            c[i][j] = sum;
        }
    }
}

int main(void)
{
    uint64_t state = 96, sum = 0;

    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            a[i][j] = (uint32_t)bench_random(&state);
            b[i][j] = (uint32_t)bench_random(&state);
        }
    }
    bench_begin("matmul");
    for (int round = 0; round < ROUNDS; round++) {
        multiply();
        sum = bench_mix(sum, c[round % N][round * 7 % N]);
        a[round % N][0] = c[0][round % N];
    }
    bench_end("matmul", sum);
    return 0;
}
