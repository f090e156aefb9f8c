/* Self-test of A: what each operation returns and leaves in memory. */
#include "lib.h"
#include "ops.h"
#include "test.h"

#define OLD_W 0x80000001
#define OLD_D 0x8000000000000001

static const struct {
    const char *name;
    op_fn *word, *dword;
    uint64_t value;
    uint32_t want_word;
    uint64_t want_dword;
} rows[] = {
#define ROW(name, value, word, dword)                                          \
    {                                                                          \
#name, op_##name##_w, op_##name##_d, value, word, dword                \
    }
    ROW(amoswap, 5, 5, 5),
    ROW(amoadd, 0x7fffffff, 0, 0x8000000080000000),
    ROW(amoxor, 0xff, 0x800000fe, 0x80000000000000fe),
    ROW(amoand, 0xff, 1, 1),
    ROW(amoor, 0xff, 0x800000ff, 0x80000000000000ff),
    ROW(amomin, 5, OLD_W, OLD_D),
    ROW(amomax, 5, 5, 5),
    ROW(amominu, 5, 5, 5),
    ROW(amomaxu, 5, OLD_W, OLD_D),
#undef ROW
};

/* Two words and a guard, and far away another reservation set. */
static uint64_t memory[1024];

static void check_amo(struct test *test, unsigned i)
{
    memory[0] = 0x1122334400000000 | OLD_W;
    memory[1] = OLD_D;
    test_equal(test, rows[i].name,
               rows[i].word((uintptr_t)&memory[0], rows[i].value),
               (uint64_t)(int32_t)OLD_W);
    test_equal(test, rows[i].name, memory[0],
               0x1122334400000000 | rows[i].want_word);
    test_equal(test, rows[i].name,
               rows[i].dword((uintptr_t)&memory[1], rows[i].value), OLD_D);
    test_equal(test, rows[i].name, memory[1], rows[i].want_dword);
}

/* A store conditional may fail for no reason, but not for ever. */
static bool succeeds(op_fn *op, const uint64_t *at, uint64_t value)
{
    for (int tries = 0; tries < 100; tries++) {
        if (op((uintptr_t)at, value) == 0)
            return true;
    }
    return false;
}

const char *test_atomics(struct test *test)
{
    uintptr_t here = (uintptr_t)&memory[0];
    uintptr_t there = (uintptr_t)&memory[1023];

    if (!board_has(test->board, "a"))
        return "the ISA string names no A";
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
        check_amo(test, i);

    memory[0] = 0x1122334455667788;
    test_equal(test, "lr.w", op_lr_w(here, 0), 0x55667788);
    test_true(test, "lr.w, sc.w fails", succeeds(op_lrsc_w, memory, 7));
    test_equal(test, "sc.w", memory[0], 0x1122334400000007);
    test_true(test, "lr.d, sc.d fails", succeeds(op_lrsc_d, memory, 8));
    test_equal(test, "sc.d", memory[0], 8);
    test_true(test, "sc.w without lr.w stores", op_sc_w(here, 9) != 0);
    test_true(test, "sc.d after sc.d stores", op_lrsc_twice(here, 8) != 0);
    memory[1023] = 10;
    test_true(test, "sc.d elsewhere stores", op_lrsc_apart(here, there) != 0);
    test_equal(test, "after these", memory[0] + memory[1023], 18);
    return NULL;
}
