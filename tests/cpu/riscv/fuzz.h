/*
 * Random machines for fuzz.c: what lies in a rig's memory and registers
 * before it runs, all of it made from one number.
 */
#ifndef TESTS_CPU_RISCV_FUZZ_H
#define TESTS_CPU_RISCV_FUZZ_H

#include "tests/cpu/riscv/rig.h"

enum fuzz_kind {
    FUZZ_SYSTEM, /* handlers in M and S, Sv39 whose entries change, SMC */
    FUZZ_LOOPS,  /* routines that loop and call, disturbed now and then */
    FUZZ_BARE,   /* random code and registers, no page tables */
    FUZZ_WILD,   /* random page tables as well */
    FUZZ_KINDS,
};

/* Numbers from a seed (SplitMix64). */
struct fuzz_random {
    uint64_t state;
};

uint64_t fuzz_random(struct fuzz_random *f);
/* Below n, which is not 0. */
uint64_t fuzz_below(struct fuzz_random *f, uint64_t n);
/* True once in n times. */
bool fuzz_once_in(struct fuzz_random *f, uint64_t n);

void fuzz_fill(struct rig *r, enum fuzz_kind kind, uint64_t seed);

#endif
