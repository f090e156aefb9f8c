/*
 * A guest of eight registers for tests of the IR: no instructions, four
 * helpers, one page of memory at address 0x1000.
 */
#ifndef TESTS_CPU_IR_TOY_H
#define TESTS_CPU_IR_TOY_H

#include "tests/unit.h"

#include "cpu/core/engine.h"
#include "cpu/fp/fp.h"
#include "cpu/ir/ir.h"

#define TOY_BASE 0x1000u

struct toy {
    struct cpu core;
    uint64_t r[8];
    uint64_t wide[2];
    uint8_t bytes[8];
    struct fp_env fp;
    uint64_t cause, value; /* of the last exception */
    uint64_t args[4];      /* of the last helper */
    uint64_t flag[3];      /* of the last flag definition */
    unsigned family, bits, keep;
    unsigned calls;
};

enum toy_helper { TOY_ADD4, TOY_LEAVE, TOY_RAISE, TOY_NOTHING };

#define TOY_R(n) (offsetof(struct toy, r) + 8u * (n))

extern const struct cpu_class toy_class;
extern const struct ir_guest toy_guest;

/* cmocka's setup and teardown: *state is the struct toy. */
int toy_setup(void **state);
int toy_teardown(void **state);
/* Its memory. */
uint8_t *toy_memory(struct toy *t);

#endif
