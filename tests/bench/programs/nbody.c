/* fp: bodies that attract one another; sums, products, roots and quotients of
 * doubles that hang on each other. */
#include "bench.h"

#define BODIES 6
#define STEPS 270000

struct body {
    double x[3], v[3], mass;
};

static struct body bodies[BODIES];

static double root(double x)
{
    return __builtin_sqrt(x);
}

static void start(void)
{
    uint64_t state = 6;

    for (int i = 0; i < BODIES; i++) {
        for (int k = 0; k < 3; k++) {
            bodies[i].x[k] = (double)(bench_random(&state) % 20000) / 997.0;
            bodies[i].v[k] = (double)(bench_random(&state) % 200) / 9973.0;
        }
        bodies[i].mass = 1.0 + (double)i / 3.0;
    }
}

static void pull(struct body *a, struct body *b, double dt)
{
    double d[3], square = 0.01, force;

    for (int k = 0; k < 3; k++) {
        d[k] = a->x[k] - b->x[k];
        square += d[k] * d[k];
    }
    force = dt / (square * root(square));
    for (int k = 0; k < 3; k++) {
        a->v[k] -= d[k] * b->mass * force;
        b->v[k] += d[k] * a->mass * force;
    }
}

static void step(double dt)
{
    for (int i = 0; i < BODIES; i++) {
        for (int j = i + 1; j < BODIES; j++)
            pull(&bodies[i], &bodies[j], dt);
    }
    for (int i = 0; i < BODIES; i++) {
        for (int k = 0; k < 3; k++)
            bodies[i].x[k] += dt * bodies[i].v[k];
    }
}

int main(void)
{
    uint64_t sum = 0;

    start();
    bench_begin("nbody");
    for (int i = 0; i < STEPS; i++)
        step(0.001);
    for (int i = 0; i < BODIES; i++) {
        for (int k = 0; k < 3; k++)
            sum = bench_mix_double(sum, bodies[i].x[k]);
    }
    bench_end("nbody", sum);
    return 0;
}
