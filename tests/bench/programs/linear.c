/* fp: systems of linear equations, by elimination with pivots. */
#include "bench.h"

#define N 100
#define ROUNDS 120

static double m[N][N + 1];

static void fill(uint64_t seed)
{
    for (int i = 0; i < N; i++) {
        for (int j = 0; j <= N; j++)
            m[i][j] = (double)(int64_t)(bench_random(&seed) % 2001) - 1000.0;
    }
}

static int pivot_row(int column)
{
    int best = column;

    for (int i = column + 1; i < N; i++) {
        if (__builtin_fabs(m[i][column]) > __builtin_fabs(m[best][column]))
            best = i;
    }
    return best;
}

static void eliminate(void)
{
    for (int c = 0; c < N; c++) {
        int p = pivot_row(c);

        for (int j = c; j <= N; j++) {
            double t = m[c][j];

            m[c][j] = m[p][j];
            m[p][j] = t;
        }
        for (int i = c + 1; i < N; i++) {
            double factor = m[i][c] / m[c][c];

            for (int j = c; j <= N; j++)
                m[i][j] -= factor * m[c][j];
        }
    }
    for (int c = N - 1; c >= 0; c--) {
        for (int j = c + 1; j < N; j++)
            m[c][N] -= m[c][j] * m[j][N];
        m[c][N] /= m[c][c];
    }
}

int main(void)
{
    uint64_t sum = 0;

    bench_begin("linear");
    for (unsigned i = 1; i <= ROUNDS; i++) {
        fill(i);
        eliminate();
        for (int j = 0; j < N; j++)
            sum = bench_mix_double(sum, m[j][N]);
    }
    bench_end("linear", sum);
    return 0;
}
