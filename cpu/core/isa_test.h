/*
 * What the generator says of its rows to the tests.
 */
#ifndef CPU_CORE_ISA_TEST_H
#define CPU_CORE_ISA_TEST_H

#include <stdbool.h>
#include <stdint.h>

/* The fixed bits of a row; a zero width ends a table. */
struct isa_encoding {
    uint16_t row;
    uint8_t width; /* bits */
    uint32_t mask, value;
    uint64_t wants; /* features without which it is not decoded */
};

/* An example from the last column; a NULL `before` ends a table. */
struct isa_example {
    uint16_t row;
    uint32_t line;
    uint32_t bits;
    const char *before, *after;
};

/* A register that examples name; a NULL name ends a table. */
struct isa_register {
    const char *name;
    uint32_t offset; /* in the guest's struct */
    uint8_t size;    /* bytes */
    uint8_t bits;    /* of a value; those above are zero */
};

struct cpu;
struct rec;

/*
 * What instruction r of row `row` will leave undefined, from the state before
 * it with flags fl: bits of flags, and bit 16 for an operand.  A row that is
 * not there leaves nothing undefined; a NULL fn ends the table.
 */
struct isa_undef {
    uint16_t row;
    uint32_t (*fn)(struct cpu *c, const struct rec *r, uint64_t fl);
};

/* A short cut for a condition on the lazy flags of one kind; a NULL name
 * ends the table. */
struct isa_short {
    const char *name;
    unsigned kind, width; /* operand size in bits */
    unsigned condition;
    bool (*fn)(uint64_t fa, uint64_t fb);
};

#endif
