/*
 * A CPU without an instruction set, for tests of machines: it counts, and
 * calls a program in C every so many instructions.
 */
#ifndef TESTS_MACHINE_STUB_CPU_H
#define TESTS_MACHINE_STUB_CPU_H

#include "cpu/core/cpu.h"

#define STUB_STEP 100 /* instructions between two calls of the program */

struct stub_cpu {
    struct cpu core;
    atomic_uint lines;  /* levels of the interrupt inputs */
    atomic_uint nmis;   /* how often input 1 was raised */
    atomic_uint resets; /* how often it was reset */
    uint64_t steps;     /* calls of the program since the last reset */
};

/* What every stub CPU runs, in its thread; NULL: it only counts.  To be set
 * while no machine runs. */
typedef void stub_program(struct stub_cpu *s);
extern stub_program *stub_run;

/* Wait for an interrupt input. */
static inline void stub_halt(struct stub_cpu *s)
{
    s->core.halted = true;
}

#endif
