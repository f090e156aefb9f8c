/* Self-test of how instructions are fetched: compressed ones, and fresh ones.*/
#include "lib.h"
#include "ops.h"
#include "test.h"

#define PAGE 4096

const char *test_compressed(struct test *test)
{
    static uint64_t scratch[4];
    uint64_t at = (uintptr_t)scratch;
    long short_size = program_short_end - (const char *)program_short;
    long long_size = program_long_end - (const char *)program_long;

    test_true(test, "the assembler did not compress", short_size < long_size);
    for (unsigned i = 0; i < test_operand_count; i++)
        test_equal(test, "same code, compressed",
                   program_short(test_operands[i], at),
                   program_long(test_operands[i], at));
    /* One result by hand, lest both be wrong alike: see ops.S. */
    test_equal(test, "program(0)", program_short(0, at), 0xf7e3);
    return NULL;
}

/* Write "li a0, VALUE; ret" as halfwords, wherever `at` is. */
static void write_function(volatile uint16_t *at, unsigned value)
{
    uint32_t li = value << 20 | 10 << 7 | 0x13; /* addi a0, zero, value */
    uint32_t ret = 0x8067;

    at[0] = (uint16_t)li;
    at[1] = (uint16_t)(li >> 16);
    at[2] = (uint16_t)ret;
    at[3] = (uint16_t)(ret >> 16);
}

const char *test_fencei(struct test *test)
{
    static _Alignas(PAGE) uint16_t code[PAGE];
    /* The first instruction lies half in one page and half in the next. */
    uint16_t *at = code + (PAGE - 2) / sizeof(uint16_t);
    op_fn *function = (op_fn *)(uintptr_t)at;

    for (unsigned value = 1; value <= 3; value++) {
        write_function(at, value);
        __asm__ volatile("fence.i" : : : "memory");
        test_equal(test, "fresh code", function(0, 0), value);
    }
    return NULL;
}
