/*
 * Self-test of RV64I and M: results that the specification gives, and for
 * multiplication and division a second opinion computed by shifts.
 */
#include "lib.h"
#include "ops.h"
#include "test.h"

#define MIN64 (UINT64_C(1) << 63)
#define MIN32 UINT64_C(0xffffffff80000000)
#define M(n) (-(uint64_t)(n)) /* minus n */

struct row {
    const char *name;
    op_fn *op;
    uint64_t a, b, want;
};

#define ROW(name, a, b, want)                                                  \
    {                                                                          \
#name, op_##name, a, b, want                                           \
    }

static void check_rows(struct test *test, const struct row *rows,
                       unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        test_result(test, rows[i].name, rows[i].a, rows[i].b,
                    rows[i].op(rows[i].a, rows[i].b), rows[i].want);
}

const char *test_integer(struct test *test)
{
    static const struct row rows[] = {
        ROW(add, MIN64 - 1, 1, MIN64),
        ROW(add, M(1), 1, 0),
        ROW(sub, 0, 1, M(1)),
        ROW(sub, MIN64, 1, MIN64 - 1),
        ROW(addw, 0x7fffffff, 1, MIN32),
        ROW(addw, 0x100000000, 5, 5),
        ROW(subw, 0x80000000, 1, 0x7fffffff),
        ROW(subw, 0, 1, M(1)),
        ROW(sll, 1, 63, MIN64),
        ROW(sll, 1, 64, 1), /* six bits of the amount count */
        ROW(srl, MIN64, 63, 1),
        ROW(sra, MIN64, 63, M(1)),
        ROW(sllw, 1, 31, MIN32),
        ROW(sllw, 1, 32, 1), /* five bits */
        ROW(srlw, MIN32, 4, 0x08000000),
        ROW(srlw, MIN32, 32, MIN32),
        ROW(sraw, 0x80000000, 4, 0xfffffffff8000000),
        ROW(slt, M(1), 0, 1),
        ROW(slt, 0, M(1), 0),
        ROW(sltu, M(1), 0, 0),
        ROW(sltu, 0, M(1), 1),
        ROW(and, 0xff00ff00ff00ff00, 0xf0f0f0f0f0f0f0f0, 0xf000f000f000f000),
        ROW(or, 0xff00ff00ff00ff00, 0xf0f0f0f0f0f0f0f0, 0xfff0fff0fff0fff0),
        ROW(xor, 0xff00ff00ff00ff00, 0xf0f0f0f0f0f0f0f0, 0x0ff00ff00ff00ff0),
        ROW(addi_min, 0, 0, M(2048)),
        ROW(addiw_max, 0x7fffffff, 0, 0xffffffff800007fe),
        ROW(slti_m1, M(2), 0, 1),
        ROW(slti_m1, 0, 0, 0),
        ROW(sltiu_m1, 0, 0, 1),
        ROW(sltiu_m1, M(1), 0, 0),
        ROW(xori_m1, 0x123456789abcdef0, 0, 0xedcba9876543210f),
        ROW(ori_m16, 0x5, 0, M(11)),
        ROW(andi_m16, 0x123456789abcdeff, 0, 0x123456789abcdef0),
        ROW(slli_63, 3, 0, MIN64),
        ROW(srli_63, MIN64, 0, 1),
        ROW(srai_63, MIN64, 0, M(1)),
        ROW(slliw_31, 3, 0, MIN32),
        ROW(srliw_31, 0x1ffffffff, 0, 1),
        ROW(sraiw_31, 0x80000000, 0, M(1)),
        ROW(lui_min, 0, 0, MIN32),
        ROW(lui_max, 0, 0, 0x7ffff000),
        ROW(auipc, 0, 0, 0),
    };

    check_rows(test, rows, ARRAY_SIZE(rows));
    return NULL;
}

const char *test_branches(struct test *test)
{
    static const struct row rows[] = {
        ROW(beq, 5, 5, 1),     ROW(beq, 5, 0x100000005, 0),
        ROW(bne, 5, 5, 0),     ROW(bne, 5, 0x100000005, 1),
        ROW(blt, M(1), 0, 1),  ROW(blt, 0, 0, 0),
        ROW(bge, M(1), 0, 0),  ROW(bge, 0, 0, 1),
        ROW(bltu, M(1), 0, 0), ROW(bltu, 0, M(1), 1),
        ROW(bgeu, M(1), 0, 1), ROW(bgeu, 0, M(1), 0),
        ROW(jal, 0, 0, 0),     ROW(jalr, 0, 0, 0),
    };

    check_rows(test, rows, ARRAY_SIZE(rows));
    return NULL;
}

const char *test_memory(struct test *test)
{
    static uint64_t memory[2];
    uint64_t at = (uintptr_t)memory;

    memory[0] = 0x8182838485868788;
    memory[1] = 0;
    const struct row loads[] = {
        ROW(lb, at, 0, 0xffffffffffffff88),
        ROW(lb, at + 7, 0, 0xffffffffffffff81),
        ROW(lbu, at + 3, 0, 0x85),
        ROW(lh, at + 2, 0, 0xffffffffffff8586),
        ROW(lhu, at + 6, 0, 0x8182),
        ROW(lw, at + 4, 0, 0xffffffff81828384),
        ROW(lwu, at, 0, 0x85868788),
        ROW(ld, at, 0, 0x8182838485868788),
        ROW(ld_back, at + 8, 0, 0x8182838485868788),
    };
    check_rows(test, loads, ARRAY_SIZE(loads));

    op_sb(at + 9, 0x1234567890abcd11);
    op_sh(at + 10, 0x1234567890ab2233);
    op_sw(at + 12, 0x1234567844556677);
    test_equal(test, "sb, sh, sw", memory[1], 0x4455667722331100);
    op_sd(at, memory[1] + 1);
    test_equal(test, "sd", memory[0], 0x4455667722331101);
    return NULL;
}

/* High and low half of a product, by shift and add. */
static void slow_multiply(uint64_t a, uint64_t b, uint64_t *high, uint64_t *low)
{
    *high = 0;
    *low = 0;
    for (int i = 63; i >= 0; i--) {
        *high = *high << 1 | *low >> 63;
        *low <<= 1;
        if ((b >> i & 1) != 0) {
            *low += a;
            *high += *low < a;
        }
    }
}

/* Quotient and remainder by shift and subtract; b is not 0. */
static void slow_divide(uint64_t a, uint64_t b, uint64_t *quotient,
                        uint64_t *rest)
{
    *quotient = 0;
    *rest = 0;
    for (int i = 63; i >= 0; i--) {
        bool carry = (*rest >> 63) != 0;
        *rest = *rest << 1 | (a >> i & 1);
        if (carry || *rest >= b) {
            *rest -= b;
            *quotient |= UINT64_C(1) << i;
        }
    }
}

static void check_pair(struct test *test, uint64_t a, uint64_t b)
{
    uint64_t high, low, quotient, rest;
    /* What a negative factor adds to the high half when taken as unsigned. */
    uint64_t a_sign = (a & MIN64) != 0 ? b : 0;
    uint64_t b_sign = (b & MIN64) != 0 ? a : 0;

    slow_multiply(a, b, &high, &low);
    test_result(test, "mul", a, b, op_mul(a, b), low);
    test_result(test, "mulhu", a, b, op_mulhu(a, b), high);
    test_result(test, "mulhsu", a, b, op_mulhsu(a, b), high - a_sign);
    test_result(test, "mulh", a, b, op_mulh(a, b), high - a_sign - b_sign);
    test_result(test, "mulw", a, b, op_mulw(a, b), (uint64_t)(int32_t)low);
    if (b == 0)
        return;
    slow_divide(a, b, &quotient, &rest);
    test_result(test, "divu", a, b, op_divu(a, b), quotient);
    test_result(test, "remu", a, b, op_remu(a, b), rest);
}

const char *test_muldiv(struct test *test)
{
    static const struct row rows[] = {
        ROW(div, 7, M(2), M(3)), /* towards zero */
        ROW(rem, 7, M(2), 1),
        ROW(div, M(7), 2, M(3)),
        ROW(rem, M(7), 2, M(1)),
        ROW(div, M(7), 0, M(1)), /* by zero */
        ROW(rem, M(7), 0, M(7)),
        ROW(divu, 7, 0, M(1)),
        ROW(remu, 7, 0, 7),
        ROW(div, MIN64, M(1), MIN64), /* overflow */
        ROW(rem, MIN64, M(1), 0),
        ROW(divw, 0x80000000, 0xffffffff, MIN32),
        ROW(remw, 0x80000000, 0xffffffff, 0),
        ROW(divw, 0x100000007, M(2), M(3)),
        ROW(divw, 7, 0x100000000, M(1)),
        ROW(remw, 0x80000000, 0, MIN32),
        ROW(divuw, 0x80000000, 1, MIN32),
        ROW(divuw, 7, 0x100000000, M(1)),
        ROW(remuw, 0x80000000, 0, MIN32),
        ROW(remuw, 0xffffffff, 0x10, 0xf),
    };

    if (!board_has(test->board, "m"))
        return "the ISA string names no M";
    check_rows(test, rows, ARRAY_SIZE(rows));
    for (unsigned i = 0; i < test_operand_count; i++) {
        for (unsigned j = 0; j < test_operand_count; j++)
            check_pair(test, test_operands[i], test_operands[j]);
    }
    return NULL;
}
