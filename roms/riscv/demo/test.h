/*
 * The self-test: groups of checks, each printing PASS or FAIL and what
 * differed.
 */
#ifndef DEMO_TEST_H
#define DEMO_TEST_H

#include <stdbool.h>
#include <stdint.h>

#include "board.h"
#include "trap.h"

/* The group that is running. */
struct test {
    const struct board *board;
    const char *name;
    unsigned failures;
};

/* Note a difference; the first one makes the group FAIL. */
void test_equal(struct test *test, const char *what, uint64_t got,
                uint64_t want);
void test_true(struct test *test, const char *what, bool ok);
/* The same for what an operation made of a and b. */
void test_result(struct test *test, const char *operation, uint64_t a,
                 uint64_t b, uint64_t got, uint64_t want);
/* The exception that must have been taken; whether one was. */
bool test_trap(struct test *test, const char *what, const struct trap *trap,
               uint64_t cause);

/* Runs every group; whether none failed. */
bool test_all(const struct board *board);

/* A group returns NULL, or why this machine cannot run it. */
typedef const char *test_fn(struct test *test);

test_fn test_integer, test_muldiv, test_memory, test_branches; /* test_int.c */
test_fn test_compressed, test_fencei;                          /* test_code.c */
test_fn test_atomics;                                    /* test_atomics.c */
test_fn test_zba, test_zbb, test_zbs;                    /* test_bits.c */
test_fn test_float, test_double;                         /* test_float.c */
test_fn test_counters, test_exceptions, test_misaligned; /* test_trap.c */
test_fn test_supervisor, test_user, test_delegation, test_pmp; /* test_mode.c */
test_fn test_sv39;                                             /* test_sv39.c */
test_fn test_timer, test_software, test_external, test_sstc, test_harts;
/* test_interrupt.c */

/* Operands where integer operations go wrong first. */
extern const uint64_t test_operands[];
extern const unsigned test_operand_count;

#endif
