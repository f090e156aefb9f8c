/* How fast this hart runs. */
#ifndef DEMO_BENCH_H
#define DEMO_BENCH_H

#include "board.h"

/* Runs each loop for about a tenth of a second and prints its speed. */
void bench_all(const struct board *board);

#endif
