/* fp: how fast points leave the Mandelbrot set; doubles and compares. */
#include "bench.h"

#define WIDTH 160
#define HEIGHT 120
#define LIMIT 4000

static unsigned escape(double cx, double cy)
{
    double x = 0, y = 0;
    unsigned n;

    for (n = 0; n < LIMIT; n++) {
        double xx = x * x, yy = y * y;

        if (xx + yy > 4.0)
            break;
        y = 2.0 * x * y + cy;
        x = xx - yy + cx;
    }
    return n;
}

int main(void)
{
    uint64_t sum = 0;

    bench_begin("mandel");
    for (int j = 0; j < HEIGHT; j++) {
        for (int i = 0; i < WIDTH; i++)
            sum = bench_mix(sum, escape(-2.0 + 2.75 * i / WIDTH,
                                        -1.25 + 2.5 * j / HEIGHT));
    }
    bench_end("mandel", sum);
    return 0;
}
