/*
 * Self-test of Zba, Zbb and Zbs: each instruction against a plain definition
 * of it, over all pairs of test_operands.
 */
#include "lib.h"
#include "ops.h"
#include "test.h"

struct row {
    const char *name;
    op_fn *op, *slow;
};

#define ROW(name)                                                              \
    {                                                                          \
#name, op_##name, slow_##name                                          \
    }
#define SLOW(name, expression)                                                 \
    static uint64_t slow_##name(uint64_t a, uint64_t b)                        \
    {                                                                          \
        (void)a;                                                               \
        (void)b;                                                               \
        return expression;                                                     \
    }

static void check_rows(struct test *test, const struct row *rows,
                       unsigned count)
{
    for (unsigned r = 0; r < count; r++) {
        for (unsigned i = 0; i < test_operand_count; i++) {
            for (unsigned j = 0; j < test_operand_count; j++) {
                uint64_t a = test_operands[i], b = test_operands[j];
                test_result(test, rows[r].name, a, b, rows[r].op(a, b),
                            rows[r].slow(a, b));
            }
        }
    }
}

SLOW(sh1add, 2 * a + b)
SLOW(sh2add, 4 * a + b)
SLOW(sh3add, 8 * a + b)
SLOW(add_uw, (uint32_t)a + b)
SLOW(sh1add_uw, 2 * (uint64_t)(uint32_t)a + b)
SLOW(sh2add_uw, 4 * (uint64_t)(uint32_t)a + b)
SLOW(sh3add_uw, 8 * (uint64_t)(uint32_t)a + b)
SLOW(slli_uw_35, (uint64_t)(uint32_t)a << 35)

const char *test_zba(struct test *test)
{
    static const struct row rows[] = {
        ROW(sh1add),    ROW(sh2add),    ROW(sh3add),    ROW(add_uw),
        ROW(sh1add_uw), ROW(sh2add_uw), ROW(sh3add_uw), ROW(slli_uw_35),
    };

    if (!board_has(test->board, "zba"))
        return "the ISA string names no Zba";
    check_rows(test, rows, ARRAY_SIZE(rows));
    return NULL;
}

static uint64_t sign_extend(uint32_t value)
{
    return (uint64_t)(int32_t)value;
}

/* Bits of a below `size`, counted while they are zero, from either end. */
static uint64_t leading_zeros(uint64_t a, unsigned size)
{
    unsigned n = 0;

    while (n < size && (a >> (size - 1 - n) & 1) == 0)
        n++;
    return n;
}

static uint64_t trailing_zeros(uint64_t a, unsigned size)
{
    unsigned n = 0;

    while (n < size && (a >> n & 1) == 0)
        n++;
    return n;
}

static uint64_t count_ones(uint64_t a, unsigned size)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < size; i++)
        n += a >> i & 1;
    return n;
}

static uint64_t rotate_right(uint64_t a, unsigned amount)
{
    for (amount %= 64; amount > 0; amount--)
        a = a >> 1 | a << 63;
    return a;
}

static uint64_t rotate_word_right(uint64_t a, unsigned amount)
{
    uint32_t word = (uint32_t)a;

    for (amount %= 32; amount > 0; amount--)
        word = word >> 1 | word << 31;
    return sign_extend(word);
}

static uint64_t reverse_bytes(uint64_t a)
{
    uint64_t result = 0;

    for (int i = 0; i < 64; i += 8)
        result = result << 8 | (a >> i & 0xff);
    return result;
}

static uint64_t fill_bytes(uint64_t a)
{
    uint64_t result = 0;

    for (int i = 0; i < 64; i += 8)
        result |= (a >> i & 0xff) != 0 ? UINT64_C(0xff) << i : 0;
    return result;
}

SLOW(andn, a & ~b)
SLOW(orn, a | ~b)
SLOW(xnor, ~(a ^ b))
SLOW(min, (int64_t)a < (int64_t)b ? a : b)
SLOW(max, (int64_t)a > (int64_t)b ? a : b)
SLOW(minu, a < b ? a : b)
SLOW(maxu, a > b ? a : b)
SLOW(rol, rotate_right(a, 64 - b % 64))
SLOW(ror, rotate_right(a, b % 64))
SLOW(rolw, rotate_word_right(a, 32 - b % 32))
SLOW(rorw, rotate_word_right(a, b % 32))
SLOW(rori_37, rotate_right(a, 37))
SLOW(roriw_5, rotate_word_right(a, 5))
SLOW(clz, leading_zeros(a, 64))
SLOW(ctz, trailing_zeros(a, 64))
SLOW(cpop, count_ones(a, 64))
SLOW(clzw, leading_zeros(a, 32))
SLOW(ctzw, trailing_zeros(a, 32))
SLOW(cpopw, count_ones(a, 32))
SLOW(rev8, reverse_bytes(a))
SLOW(orc_b, fill_bytes(a))
SLOW(sext_b, (uint64_t)(int8_t)a)
SLOW(sext_h, (uint64_t)(int16_t)a)
SLOW(zext_h, (uint16_t)a)

const char *test_zbb(struct test *test)
{
    static const struct row rows[] = {
        ROW(andn),    ROW(orn),     ROW(xnor),   ROW(min),    ROW(max),
        ROW(minu),    ROW(maxu),    ROW(rol),    ROW(ror),    ROW(rolw),
        ROW(rorw),    ROW(rori_37), ROW(clz),    ROW(ctz),    ROW(cpop),
        ROW(clzw),    ROW(ctzw),    ROW(cpopw),  ROW(rev8),   ROW(orc_b),
        ROW(roriw_5), ROW(sext_b),  ROW(sext_h), ROW(zext_h),
    };

    if (!board_has(test->board, "zbb"))
        return "the ISA string names no Zbb";
    check_rows(test, rows, ARRAY_SIZE(rows));
    return NULL;
}

#define BIT(n) (UINT64_C(1) << (n))

SLOW(bclr, a & ~BIT(b % 64))
SLOW(bext, a >> b % 64 & 1)
SLOW(binv, a ^ BIT(b % 64))
SLOW(bset, a | BIT(b % 64))
SLOW(bclri_63, a & ~BIT(63))
SLOW(bexti_31, a >> 31 & 1)
SLOW(binvi_32, a ^ BIT(32))
SLOW(bseti_31, a | BIT(31))

const char *test_zbs(struct test *test)
{
    static const struct row rows[] = {
        ROW(bclr),     ROW(bext),     ROW(binv),     ROW(bset),
        ROW(bclri_63), ROW(bexti_31), ROW(binvi_32), ROW(bseti_31),
    };

    if (!board_has(test->board, "zbs"))
        return "the ISA string names no Zbs";
    check_rows(test, rows, ARRAY_SIZE(rows));
    return NULL;
}
