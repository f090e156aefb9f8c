/*
 * test_fp.c - cpu/fp: edge cases picked by hand, and three ways compared
 *
 * 1. Edge cases of every operation and flag, with and without the host.
 * 2. Random operands: the host's paths against soft.c, every operation, mode
 *    and set of rules.
 * 3. Random operands: soft.c against the host's own arithmetic under each of
 *    its four rounding modes, results and flags.
 * 4. The 128-bit helpers: the compiler's type against plain C.
 */
#include <fenv.h>
#include <math.h>
#include <string.h>

#include "cpu/fp/u128.h"
#include "fp_ops.h"
#include "tests/unit.h"

FP_OPS_TESTFLOAT(FP_OPS_DEFINE)
FP_OPS_OTHER(FP_OPS_DEFINE)

static const struct fp_op ops[] = {FP_OPS_TESTFLOAT(FP_OPS_ROW)
                                       FP_OPS_OTHER(FP_OPS_ROW)};

enum { OPS = sizeof(ops) / sizeof(ops[0]) };

/*
 * Edge cases
 */

enum { ANY = -1 }; /* all rounding modes, all rules */

struct edge {
    const char *op;
    int round, rules;
    uint64_t in[3];
    uint64_t want;
    uint8_t flags;
};

#define R FP_RULES_RISCV
#define S FP_RULES_SSE

/* f64 */
#define ONE 0x3ff0000000000000
#define TWO 0x4000000000000000
#define THREE 0x4008000000000000
#define HALF 0x3fe0000000000000
#define INF 0x7ff0000000000000
#define MAX 0x7fefffffffffffff
#define LEAST 0x0010000000000000 /* normal */
#define Q_NAN 0x7ff8000000000000
#define S_NAN 0x7ff0000000000001
#define NEG 0x8000000000000000

/* f32 */
#define ONE_S 0x3f800000
#define INF_S 0x7f800000
#define Q_NAN_S 0x7fc00000
#define NEG_S 0x80000000

/* clang-format off */
static const struct edge edges[] = {
    /* Ties and the rest, for each mode. */
    {"f64_add", FP_RNE, ANY, {ONE, 0x3ca0000000000000}, ONE, FP_NX},
    {"f64_add", FP_RNE, ANY, {ONE + 1, 0x3ca0000000000000}, ONE + 2, FP_NX},
    {"f64_add", FP_RNE, ANY, {ONE, 0x3ca0000000000001}, ONE + 1, FP_NX},
    {"f64_add", FP_RTZ, ANY, {ONE, 0x3ca0000000000001}, ONE, FP_NX},
    {"f64_add", FP_RDN, ANY, {ONE, 0x3ca0000000000001}, ONE, FP_NX},
    {"f64_add", FP_RUP, ANY, {ONE, 1}, ONE + 1, FP_NX},
    {"f64_add", FP_RMM, ANY, {ONE, 0x3ca0000000000000}, ONE + 1, FP_NX},
    {"f64_add", FP_RMM, ANY, {ONE, 0x3c9fffffffffffff}, ONE, FP_NX},
    {"f64_sub", FP_RDN, ANY, {NEG | ONE, 1}, NEG | (ONE + 1), FP_NX},
    {"f64_sub", FP_RUP, ANY, {NEG | ONE, 1}, NEG | ONE, FP_NX},
    {"f64_sub", FP_RTZ, ANY, {ONE, 1}, ONE - 1, FP_NX},
    {"f64_sub", FP_RNE, ANY, {ONE, 1}, ONE, FP_NX},
    {"f64_sub", ANY, ANY, {THREE, ONE}, TWO, 0},
    {"f64_sub", ANY, ANY, {ONE + 1, ONE}, 0x3cb0000000000000, 0},
    {"f64_sub", FP_RNE, ANY, {ONE, 0x3c90000000000001}, ONE - 1, FP_NX},
    {"f64_sub", FP_RNE, ANY, {ONE, 0x3c90000000000000}, ONE, FP_NX},
    /* Zeros. */
    {"f64_sub", FP_RNE, ANY, {ONE, ONE}, 0, 0},
    {"f64_sub", FP_RDN, ANY, {ONE, ONE}, NEG, 0},
    {"f64_sub", FP_RMM, ANY, {ONE, ONE}, 0, 0},
    {"f64_add", FP_RDN, ANY, {0, NEG}, NEG, 0},
    {"f64_add", FP_RUP, ANY, {0, NEG}, 0, 0},
    {"f64_add", ANY, ANY, {NEG, NEG}, NEG, 0},
    {"f64_sub", ANY, ANY, {NEG, 0}, NEG, 0},
    {"f64_add", ANY, ANY, {0, 1}, 1, 0},
    {"f64_mul", ANY, ANY, {NEG, THREE}, NEG, 0},
    {"f64_div", ANY, ANY, {0, NEG | THREE}, NEG, 0},
    {"f64_sqrt", ANY, ANY, {NEG}, NEG, 0},
    /* Subnormal and exact: no underflow. */
    {"f64_add", ANY, ANY, {1, 1}, 2, 0},
    {"f64_add", ANY, ANY, {LEAST - 1, 1}, LEAST, 0},
    {"f64_sub", ANY, ANY, {LEAST, 1}, LEAST - 1, 0},
    {"f64_mul", ANY, ANY, {LEAST, HALF}, LEAST >> 1, 0},
    {"f64_div", ANY, ANY, {LEAST, TWO}, LEAST >> 1, 0},
    {"f64_sqrt", ANY, ANY, {1}, 0x1e60000000000000, 0},
    /* Underflow, after rounding. */
    {"f64_mul", FP_RNE, ANY, {1, HALF}, 0, FP_UF | FP_NX},
    {"f64_mul", FP_RMM, ANY, {1, HALF}, 1, FP_UF | FP_NX},
    {"f64_mul", FP_RNE, ANY, {3, HALF}, 2, FP_UF | FP_NX},
    {"f64_mul", FP_RUP, ANY, {1, 1}, 1, FP_UF | FP_NX},
    {"f64_mul", FP_RDN, ANY, {1, NEG | 1}, NEG | 1, FP_UF | FP_NX},
    {"f64_mul", FP_RTZ, ANY, {1, NEG | 1}, NEG, FP_UF | FP_NX},
    {"f64_mul", FP_RNE, ANY, {LEAST, ONE - 1}, LEAST, FP_UF | FP_NX},
    {"f64_mul", FP_RTZ, ANY, {LEAST, ONE - 1}, LEAST - 1, FP_UF | FP_NX},
    /* The first rounds up to the least normal in 53 bits: not tiny. */
    {"f64_mulAdd", FP_RNE, ANY,
     {NEG | LEAST, 0x3c90000000000000, LEAST}, LEAST, FP_NX},
    {"f64_mulAdd", FP_RNE, ANY,
     {NEG | LEAST, 0x3ca0000000000000, LEAST}, LEAST, FP_UF | FP_NX},
    {"f64_mulAdd", FP_RUP, ANY,
     {NEG | LEAST, 0x3c80000000000000, LEAST}, LEAST, FP_NX},
    {"f64_mulAdd", FP_RTZ, ANY,
     {NEG | LEAST, 0x3c80000000000000, LEAST}, LEAST - 1, FP_UF | FP_NX},
    {"f64_div", FP_RUP, ANY, {1, MAX}, 1, FP_UF | FP_NX},
    {"f64_div", FP_RNE, ANY, {1, MAX}, 0, FP_UF | FP_NX},
    {"f64_to_f32", FP_RNE, ANY, {0x3690000000000000}, 0, FP_UF | FP_NX},
    {"f64_to_f32", FP_RNE, ANY, {0x3690000000000001}, 1, FP_UF | FP_NX},
    {"f64_to_f32", FP_RUP, ANY, {1}, 1, FP_UF | FP_NX},
    {"f64_to_f32", ANY, ANY, {0x36a0000000000000}, 1, 0},
    {"f64_to_f32", FP_RNE, ANY, {0x380fffffffffffff}, 0x800000, FP_NX},
    {"f64_to_f32", FP_RNE, ANY, {0x380fffffe0000000}, 0x800000, FP_UF | FP_NX},
    /* Overflow. */
    {"f64_add", FP_RNE, ANY, {MAX, MAX}, INF, FP_OF | FP_NX},
    {"f64_add", FP_RMM, ANY, {MAX, MAX}, INF, FP_OF | FP_NX},
    {"f64_add", FP_RTZ, ANY, {MAX, MAX}, MAX, FP_OF | FP_NX},
    {"f64_add", FP_RDN, ANY, {MAX, MAX}, MAX, FP_OF | FP_NX},
    {"f64_add", FP_RUP, ANY, {MAX, MAX}, INF, FP_OF | FP_NX},
    {"f64_sub", FP_RDN, ANY, {NEG | MAX, MAX}, NEG | INF, FP_OF | FP_NX},
    {"f64_sub", FP_RUP, ANY, {NEG | MAX, MAX}, NEG | MAX, FP_OF | FP_NX},
    {"f64_add", FP_RNE, ANY, {MAX, 0x7c90000000000000}, INF, FP_OF | FP_NX},
    {"f64_add", FP_RNE, ANY, {MAX, 0x7c8fffffffffffff}, MAX, FP_NX},
    {"f64_add", FP_RUP, ANY, {MAX, 1}, INF, FP_OF | FP_NX},
    {"f64_mul", FP_RNE, ANY, {MAX, ONE + 1}, INF, FP_OF | FP_NX},
    {"f64_div", FP_RTZ, ANY, {NEG | MAX, 1}, NEG | MAX, FP_OF | FP_NX},
    {"f64_to_f32", FP_RNE, ANY, {MAX}, INF_S, FP_OF | FP_NX},
    {"f64_to_f32", FP_RTZ, ANY, {MAX}, 0x7f7fffff, FP_OF | FP_NX},
    {"f64_to_f32", FP_RNE, ANY, {0x47efffffefffffff}, 0x7f7fffff, FP_NX},
    {"f64_to_f32", FP_RNE, ANY, {0x47effffff0000000}, INF_S, FP_OF | FP_NX},
    {"f64_to_f16", FP_RNE, ANY, {0x40effdffffffffff}, 0x7bff, FP_NX},
    {"f64_to_f16", FP_RNE, ANY, {0x40effe0000000000}, 0x7c00, FP_OF | FP_NX},
    /* Infinities. */
    {"f64_add", ANY, ANY, {INF, NEG | MAX}, INF, 0},
    {"f64_add", ANY, R, {INF, NEG | INF}, Q_NAN, FP_NV},
    {"f64_add", ANY, S, {INF, NEG | INF}, NEG | Q_NAN, FP_NV},
    {"f64_sub", ANY, R, {INF, INF}, Q_NAN, FP_NV},
    {"f64_sub", ANY, ANY, {INF, NEG | INF}, INF, 0},
    {"f64_mul", ANY, R, {NEG | INF, 0}, Q_NAN, FP_NV},
    {"f64_mul", ANY, S, {0, INF}, NEG | Q_NAN, FP_NV},
    {"f64_mul", ANY, ANY, {NEG | INF, 1}, NEG | INF, 0},
    {"f64_div", ANY, R, {INF, NEG | INF}, Q_NAN, FP_NV},
    {"f64_div", ANY, ANY, {INF, NEG}, NEG | INF, 0},
    {"f64_div", ANY, ANY, {NEG | ONE, INF}, NEG, 0},
    {"f64_sqrt", ANY, ANY, {INF}, INF, 0},
    /* Division by zero. */
    {"f64_div", ANY, ANY, {ONE, 0}, INF, FP_DZ},
    {"f64_div", ANY, ANY, {NEG | 1, 0}, NEG | INF, FP_DZ},
    {"f64_div", ANY, R, {0, NEG}, Q_NAN, FP_NV},
    {"f64_div", ANY, S, {0, 0}, NEG | Q_NAN, FP_NV},
    {"f32_div", ANY, ANY, {ONE_S, NEG_S}, NEG_S | INF_S, FP_DZ},
    {"f16_div", ANY, ANY, {0x3c00, 0}, 0x7c00, FP_DZ},
    /* Quotients and roots. */
    {"f64_div", FP_RNE, ANY, {ONE, THREE}, 0x3fd5555555555555, FP_NX},
    {"f64_div", FP_RUP, ANY, {ONE, THREE}, 0x3fd5555555555556, FP_NX},
    {"f64_div", FP_RDN, ANY, {ONE, NEG | THREE}, 0xbfd5555555555556, FP_NX},
    {"f64_div", ANY, ANY, {THREE, THREE}, ONE, 0},
    {"f64_div", FP_RNE, ANY, {ONE, MAX}, 0x0004000000000000, FP_UF | FP_NX},
    {"f64_sqrt", FP_RNE, ANY, {TWO}, 0x3ff6a09e667f3bcd, FP_NX},
    {"f64_sqrt", FP_RTZ, ANY, {TWO}, 0x3ff6a09e667f3bcc, FP_NX},
    {"f64_sqrt", ANY, ANY, {0x4022000000000000}, THREE, 0},
    {"f64_sqrt", FP_RDN, ANY, {MAX}, 0x5fefffffffffffff, FP_NX},
    {"f64_sqrt", FP_RUP, ANY, {ONE - 1}, ONE, FP_NX},
    {"f64_sqrt", ANY, R, {NEG | 1}, Q_NAN, FP_NV},
    {"f64_sqrt", ANY, S, {NEG | INF}, NEG | Q_NAN, FP_NV},
    /* NaNs. */
    {"f64_add", ANY, R, {NEG | Q_NAN | 5, ONE}, Q_NAN, 0},
    {"f64_add", ANY, R, {ONE, S_NAN}, Q_NAN, FP_NV},
    {"f64_add", ANY, S, {ONE, NEG | Q_NAN | 5}, NEG | Q_NAN | 5, 0},
    {"f64_add", ANY, S, {Q_NAN | 5, S_NAN}, Q_NAN | 5, FP_NV},
    {"f64_mul", ANY, S, {S_NAN, Q_NAN | 5}, Q_NAN | 1, FP_NV},
    {"f64_sub", ANY, S, {ONE, Q_NAN | 5}, Q_NAN | 5, 0},
    {"f64_div", ANY, S, {0, Q_NAN | 5}, Q_NAN | 5, 0},
    {"f64_sqrt", ANY, S, {NEG | S_NAN}, NEG | Q_NAN | 1, FP_NV},
    {"f64_roundToInt", ANY, S, {S_NAN}, Q_NAN | 1, FP_NV},
    {"f64_roundToInt", ANY, R, {NEG | Q_NAN}, Q_NAN, 0},
    {"f64_rem", ANY, R, {Q_NAN | 5, S_NAN}, Q_NAN, FP_NV},
    {"f32_to_f64", ANY, R, {0x7f800001}, Q_NAN, FP_NV},
    {"f32_to_f64", ANY, S, {0xff800001}, 0xfff8000020000000, FP_NV},
    {"f64_to_f32", ANY, S, {S_NAN}, Q_NAN_S, FP_NV},
    {"f64_to_f32", ANY, S, {0xfff4000020000000}, 0xffe00001, FP_NV},
    {"f64_to_f16", ANY, R, {Q_NAN}, 0x7e00, 0},
    {"f16_to_f32", ANY, R, {0x7d00}, Q_NAN_S, FP_NV},
    {"f16_add", ANY, S, {0x7c00, 0xfc00}, 0xfe00, FP_NV},
    /* One rounding only. */
    {"f64_mulAdd", ANY, ANY, {TWO, THREE, ONE}, 0x401c000000000000, 0},
    {"f64_mulAdd", ANY, ANY,
     {ONE + 1, ONE + 1, NEG | (ONE + 2)}, 0x3970000000000000, 0},
    {"f64_mulAdd", FP_RUP, ANY, {1, 1, ONE}, ONE + 1, FP_NX},
    {"f64_mulAdd", FP_RNE, ANY, {MAX, TWO, NEG | MAX}, MAX, 0},
    {"f64_mulAdd", ANY, ANY, {MAX, TWO, NEG | INF}, NEG | INF, 0},
    {"f64_mulAdd", FP_RNE, ANY, {ONE, ONE, NEG | ONE}, 0, 0},
    {"f64_mulAdd", FP_RDN, ANY, {ONE, ONE, NEG | ONE}, NEG, 0},
    {"f64_mulAdd", FP_RNE, ANY, {NEG, ONE, 0}, 0, 0},
    {"f64_mulAdd", ANY, ANY, {NEG, ONE, NEG}, NEG, 0},
    {"f64_mulAdd", ANY, ANY, {0, ONE, 1}, 1, 0},
    {"f64_mulAdd", FP_RNE, ANY, {1, HALF, 0}, 0, FP_UF | FP_NX},
    {"f64_mulAdd", FP_RNE, ANY, {1, HALF, 1}, 2, FP_UF | FP_NX},
    {"f64_mulAdd", ANY, R, {INF, ONE, NEG | INF}, Q_NAN, FP_NV},
    {"f64_mulAdd", ANY, R, {0, INF, ONE}, Q_NAN, FP_NV},
    {"f64_mulAdd", ANY, R, {0, INF, Q_NAN | 5}, Q_NAN, FP_NV},
    {"f64_mulAdd", ANY, S, {0, INF, Q_NAN | 5}, Q_NAN | 5, 0},
    {"f64_mulAdd", ANY, S, {INF, 0, S_NAN}, Q_NAN | 1, FP_NV},
    {"f64_mulAdd", ANY, S, {Q_NAN | 1, Q_NAN | 2, Q_NAN | 3}, Q_NAN | 1, 0},
    {"f64_mulAdd", ANY, S, {ONE, Q_NAN | 2, S_NAN}, Q_NAN | 2, FP_NV},
    /* 1 + 2^-23 + 2^-24 - 2^-70: wrong if rounded to 53 bits, then to 24. */
    {"f32_mulAdd", FP_RNE, ANY,
     {0x3f800001, 0x337ffffe, 0x3f800001}, 0x3f800001, FP_NX},
    {"f32_mulAdd", FP_RNE, ANY,
     {0x3f800001, 0x33800001, ONE_S}, 0x3f800001, FP_NX},
    {"f32_mulAdd", FP_RNE, ANY,
     {0x00000001, 0x00000001, 0x3f800000}, ONE_S, FP_NX},
    {"f32_mulAdd", FP_RNE, ANY,
     {0x4b000001, 0x33800000, 0x00000001}, 0x3f000001, FP_NX},
    {"f32_mulAdd", FP_RNE, ANY,
     {ONE_S, 0x33800000, 0x3f800001}, 0x3f800002, FP_NX},
    {"f32_mulAdd", FP_RNE, ANY,
     {0x33800000, 0x3f7fffff, 0x3f800001}, 0x3f800001, FP_NX},
    /* Minimum and maximum. */
    {"f64_min", ANY, ANY, {ONE, TWO}, ONE, 0},
    {"f64_max", ANY, ANY, {ONE, NEG | TWO}, ONE, 0},
    {"f64_min", ANY, ANY, {NEG | ONE, NEG | INF}, NEG | INF, 0},
    {"f64_min", ANY, R, {0, NEG}, NEG, 0},
    {"f64_min", ANY, R, {NEG, 0}, NEG, 0},
    {"f64_max", ANY, R, {0, NEG}, 0, 0},
    {"f64_max", ANY, R, {NEG, 0}, 0, 0},
    {"f64_min", ANY, S, {NEG, 0}, 0, 0},
    {"f64_max", ANY, S, {0, NEG}, NEG, 0},
    {"f64_min", ANY, R, {Q_NAN, ONE}, ONE, 0},
    {"f64_max", ANY, R, {ONE, S_NAN}, ONE, FP_NV},
    {"f64_min", ANY, R, {NEG | Q_NAN | 5, S_NAN}, Q_NAN, FP_NV},
    {"f64_max", ANY, R, {Q_NAN | 5, Q_NAN | 6}, Q_NAN, 0},
    {"f64_min", ANY, S, {Q_NAN, ONE}, ONE, FP_NV},
    {"f64_max", ANY, S, {ONE, S_NAN}, S_NAN, FP_NV},
    {"f32_min", ANY, R, {NEG_S, 0}, NEG_S, 0},
    {"f16_max", ANY, R, {0x7c01, 0xbc00}, 0xbc00, FP_NV},
    /* Comparisons. */
    {"f64_eq", ANY, ANY, {0, NEG}, 1, 0},
    {"f64_eq", ANY, ANY, {ONE, ONE + 1}, 0, 0},
    {"f64_eq", ANY, ANY, {Q_NAN, Q_NAN}, 0, 0},
    {"f64_eq", ANY, ANY, {ONE, S_NAN}, 0, FP_NV},
    {"f64_eq_signaling", ANY, ANY, {ONE, Q_NAN}, 0, FP_NV},
    {"f64_eq_signaling", ANY, ANY, {NEG, 0}, 1, 0},
    {"f64_lt", ANY, ANY, {NEG, 0}, 0, 0},
    {"f64_lt", ANY, ANY, {NEG | ONE, NEG | 1}, 1, 0},
    {"f64_lt", ANY, ANY, {NEG | INF, MAX}, 1, 0},
    {"f64_lt", ANY, ANY, {Q_NAN, ONE}, 0, FP_NV},
    {"f64_lt_quiet", ANY, ANY, {Q_NAN, ONE}, 0, 0},
    {"f64_lt_quiet", ANY, ANY, {ONE, S_NAN}, 0, FP_NV},
    {"f64_lt_quiet", ANY, ANY, {1, 2}, 1, 0},
    {"f64_le", ANY, ANY, {0, NEG}, 1, 0},
    {"f64_le", ANY, ANY, {ONE, Q_NAN}, 0, FP_NV},
    {"f64_le", ANY, ANY, {INF, INF}, 1, 0},
    {"f64_le_quiet", ANY, ANY, {ONE, Q_NAN}, 0, 0},
    {"f64_le_quiet", ANY, ANY, {S_NAN, ONE}, 0, FP_NV},
    {"f64_le_quiet", ANY, ANY, {ONE, NEG | ONE}, 0, 0},
    {"f32_lt", ANY, ANY, {NEG_S | 1, 0}, 1, 0},
    {"f16_le", ANY, ANY, {0x8000, 0}, 1, 0},
    /* Classes. */
    {"f64_classify", ANY, ANY, {NEG | INF}, 1 << 0, 0},
    {"f64_classify", ANY, ANY, {NEG | LEAST}, 1 << 1, 0},
    {"f64_classify", ANY, ANY, {NEG | (LEAST - 1)}, 1 << 2, 0},
    {"f64_classify", ANY, ANY, {NEG}, 1 << 3, 0},
    {"f64_classify", ANY, ANY, {0}, 1 << 4, 0},
    {"f64_classify", ANY, ANY, {1}, 1 << 5, 0},
    {"f64_classify", ANY, ANY, {MAX}, 1 << 6, 0},
    {"f64_classify", ANY, ANY, {INF}, 1 << 7, 0},
    {"f64_classify", ANY, ANY, {NEG | S_NAN}, 1 << 8, 0},
    {"f64_classify", ANY, ANY, {NEG | Q_NAN}, 1 << 9, 0},
    {"f32_classify", ANY, ANY, {0xff800000}, 1 << 0, 0},
    {"f32_classify", ANY, ANY, {0xbf800000}, 1 << 1, 0},
    {"f32_classify", ANY, ANY, {0x807fffff}, 1 << 2, 0},
    {"f32_classify", ANY, ANY, {0x80000000}, 1 << 3, 0},
    {"f32_classify", ANY, ANY, {0x00000000}, 1 << 4, 0},
    {"f32_classify", ANY, ANY, {0x00000001}, 1 << 5, 0},
    {"f32_classify", ANY, ANY, {0x00800000}, 1 << 6, 0},
    {"f32_classify", ANY, ANY, {0x7f800000}, 1 << 7, 0},
    {"f32_classify", ANY, ANY, {0x7fbfffff}, 1 << 8, 0},
    {"f32_classify", ANY, ANY, {0x7fc00000}, 1 << 9, 0},
    {"f16_classify", ANY, ANY, {0xfc00}, 1 << 0, 0},
    {"f16_classify", ANY, ANY, {0x8400}, 1 << 1, 0},
    {"f16_classify", ANY, ANY, {0x83ff}, 1 << 2, 0},
    {"f16_classify", ANY, ANY, {0x8000}, 1 << 3, 0},
    {"f16_classify", ANY, ANY, {0x0000}, 1 << 4, 0},
    {"f16_classify", ANY, ANY, {0x0001}, 1 << 5, 0},
    {"f16_classify", ANY, ANY, {0x7bff}, 1 << 6, 0},
    {"f16_classify", ANY, ANY, {0x7c00}, 1 << 7, 0},
    {"f16_classify", ANY, ANY, {0x7dff}, 1 << 8, 0},
    {"f16_classify", ANY, ANY, {0x7fff}, 1 << 9, 0},
    /* Remainders: 5 rem 3 = -1, 3 rem 2 = -1, 1 rem 2 = 1, 8 rem 3 = -1. */
    {"f64_rem", ANY, ANY, {0x4014000000000000, THREE}, NEG | ONE, 0},
    {"f64_rem", ANY, ANY, {THREE, TWO}, NEG | ONE, 0},
    {"f64_rem", ANY, ANY, {ONE, TWO}, ONE, 0},
    {"f64_rem", ANY, ANY, {ONE + 1, TWO}, NEG | (ONE - 2), 0},
    {"f64_rem", ANY, ANY, {0x4020000000000000, NEG | THREE}, NEG | ONE, 0},
    {"f64_rem", ANY, ANY, {NEG | THREE, ONE}, NEG, 0},
    {"f64_rem", ANY, ANY, {NEG, ONE}, NEG, 0},
    {"f64_rem", ANY, ANY, {ONE, INF}, ONE, 0},
    {"f64_rem", ANY, ANY, {1, MAX}, 1, 0},
    {"f64_rem", ANY, ANY, {MAX, 3}, NEG | 1, 0},
    {"f64_rem", ANY, R, {INF, ONE}, Q_NAN, FP_NV},
    {"f64_rem", ANY, S, {ONE, 0}, NEG | Q_NAN, FP_NV},
    {"f32_rem", ANY, ANY, {0x40a00000, 0x40400000}, 0xbf800000, 0},
    {"f16_rem", ANY, ANY, {0x4500, 0x4200}, 0xbc00, 0},
    /* To an integer in the format: 0.5, 1.5, 2.5, -0.25. */
    {"f64_roundToInt", FP_RNE, ANY, {HALF}, 0, FP_NX},
    {"f64_roundToInt", FP_RMM, ANY, {HALF}, ONE, FP_NX},
    {"f64_roundToInt", FP_RNE, ANY, {0x3ff8000000000000}, TWO, FP_NX},
    {"f64_roundToInt", FP_RNE, ANY, {0x4004000000000000}, TWO, FP_NX},
    {"f64_roundToInt", FP_RUP, ANY, {0x4004000000000000}, THREE, FP_NX},
    {"f64_roundToInt", FP_RUP, ANY, {0xbfd0000000000000}, NEG, FP_NX},
    {"f64_roundToInt", FP_RDN, ANY, {0xbfd0000000000000}, NEG | ONE, FP_NX},
    {"f64_roundToInt", FP_RUP, ANY, {1}, ONE, FP_NX},
    {"f64_roundToInt", FP_RNE, ANY,
     {0x432fffffffffffff}, 0x4330000000000000, FP_NX},
    {"f64_roundToInt", ANY, ANY, {0x4330000000000001}, 0x4330000000000001, 0},
    {"f64_roundToInt", ANY, ANY, {MAX}, MAX, 0},
    {"f64_roundToInt", ANY, ANY, {NEG | INF}, NEG | INF, 0},
    {"f64_roundToInt", ANY, ANY, {NEG}, NEG, 0},
    {"f64_nearbyint", FP_RNE, ANY, {0x4004000000000000}, TWO, 0},
    {"f64_nearbyint", ANY, R, {S_NAN}, Q_NAN, FP_NV},
    {"f32_nearbyint", FP_RMM, ANY, {0x3f000000}, ONE_S, 0},
    {"f16_nearbyint", FP_RMM, ANY, {0x3800}, 0x3c00, 0},
    {"f16_roundToInt", FP_RDN, ANY, {0x8001}, 0xbc00, FP_NX},
    /* To integers: the borders of each. */
    {"f64_to_i32", ANY, ANY, {0x41dfffffffc00000}, 0x7fffffff, 0},
    {"f64_to_i32", ANY, ANY, {0xc1e0000000000000}, 0x80000000, 0},
    {"f64_to_i32", FP_RTZ, ANY, {0x41dfffffffffffff}, 0x7fffffff, FP_NX},
    {"f64_to_i32", FP_RNE, R, {0x41dfffffffe00000}, 0x7fffffff, FP_NV},
    {"f64_to_i32", FP_RNE, S, {0x41dfffffffe00000}, 0x80000000, FP_NV},
    {"f64_to_i32", FP_RTZ, ANY, {0xc1e00000001fffff}, 0x80000000, FP_NX},
    {"f64_to_i32", FP_RDN, ANY, {0xc1e00000001fffff}, 0x80000000, FP_NV},
    {"f64_to_i32", ANY, ANY, {0xc1e0000000200000}, 0x80000000, FP_NV},
    {"f64_to_i32", ANY, R, {INF}, 0x7fffffff, FP_NV},
    {"f64_to_i32", ANY, R, {NEG | Q_NAN}, 0x7fffffff, FP_NV},
    {"f64_to_i32", ANY, S, {Q_NAN}, 0x80000000, FP_NV},
    {"f64_to_i32", FP_RTZ, ANY, {0xbfe0000000000000}, 0, FP_NX},
    {"f64_to_i32", FP_RMM, ANY, {0xbfe0000000000000}, 0xffffffff, FP_NX},
    {"f64_to_i32", ANY, ANY, {NEG}, 0, 0},
    {"f64_to_ui32", ANY, ANY, {0x41efffffffe00000}, 0xffffffff, 0},
    {"f64_to_ui32", FP_RTZ, ANY, {0x41efffffffffffff}, 0xffffffff, FP_NX},
    {"f64_to_ui32", FP_RNE, ANY, {0x41effffffff00000}, 0xffffffff, FP_NV},
    {"f64_to_ui32", ANY, ANY, {0x41f0000000000000}, 0xffffffff, FP_NV},
    {"f64_to_ui32", FP_RTZ, ANY, {0xbfefffffffffffff}, 0, FP_NX},
    {"f64_to_ui32", FP_RDN, R, {0xbfd0000000000000}, 0, FP_NV},
    {"f64_to_ui32", ANY, S, {NEG | ONE}, 0xffffffff, FP_NV},
    {"f64_to_ui32", ANY, R, {NEG | ONE}, 0, FP_NV},
    {"f64_to_ui32", ANY, ANY, {Q_NAN}, 0xffffffff, FP_NV},
    {"f64_to_i64", ANY, ANY, {0x43dfffffffffffff}, 0x7ffffffffffffc00, 0},
    {"f64_to_i64", ANY, R, {0x43e0000000000000}, 0x7fffffffffffffff, FP_NV},
    {"f64_to_i64", ANY, S, {0x43e0000000000000}, NEG, FP_NV},
    {"f64_to_i64", ANY, ANY, {0xc3e0000000000000}, NEG, 0},
    {"f64_to_i64", ANY, ANY, {0xc3e0000000000001}, NEG, FP_NV},
    {"f64_to_i64", ANY, R, {NEG | INF}, NEG, FP_NV},
    {"f64_to_ui64", ANY, ANY, {0x43efffffffffffff}, 0xfffffffffffff800, 0},
    {"f64_to_ui64", ANY, ANY, {0x43e0000000000000}, NEG, 0},
    {"f64_to_ui64", ANY, ANY, {0x43f0000000000000}, UINT64_MAX, FP_NV},
    {"f64_to_ui64", ANY, R, {NEG | INF}, 0, FP_NV},
    {"f32_to_i32", ANY, ANY, {0x4effffff}, 0x7fffff80, 0},
    {"f32_to_i32", ANY, R, {0x4f000000}, 0x7fffffff, FP_NV},
    {"f32_to_ui64", ANY, ANY, {0x5f7fffff}, 0xffffff0000000000, 0},
    {"f32_to_i64", FP_RUP, ANY, {1}, 1, FP_NX},
    {"f32_to_ui32", FP_RUP, ANY, {0x80000001}, 0, FP_NX},
    {"f16_to_i32", ANY, ANY, {0x7bff}, 65504, 0},
    {"f16_to_ui32", ANY, R, {0xfc00}, 0, FP_NV},
    {"f16_to_i64", ANY, ANY, {0xfbff}, (uint64_t)-65504, 0},
    {"f16_to_ui64", FP_RUP, ANY, {1}, 1, FP_NX},
    /* From integers. */
    {"i32_to_f64", ANY, ANY, {0x80000000}, 0xc1e0000000000000, 0},
    {"i32_to_f64", ANY, ANY, {0}, 0, 0},
    {"ui32_to_f64", ANY, ANY, {0xffffffff}, 0x41efffffffe00000, 0},
    {"i64_to_f64", ANY, ANY, {NEG}, 0xc3e0000000000000, 0},
    {"i64_to_f64", FP_RNE, ANY, {0x20000000000001}, 0x4340000000000000, FP_NX},
    {"i64_to_f64", FP_RUP, ANY, {0x20000000000001}, 0x4340000000000001, FP_NX},
    {"i64_to_f64", ANY, ANY, {0x20000000000002}, 0x4340000000000001, 0},
    {"ui64_to_f64", FP_RNE, ANY, {UINT64_MAX}, 0x43f0000000000000, FP_NX},
    {"ui64_to_f64", FP_RTZ, ANY, {UINT64_MAX}, 0x43efffffffffffff, FP_NX},
    {"i32_to_f32", FP_RNE, ANY, {0x01000001}, 0x4b800000, FP_NX},
    {"i32_to_f32", FP_RMM, ANY, {0x01000001}, 0x4b800001, FP_NX},
    {"ui32_to_f32", FP_RTZ, ANY, {0xffffffff}, 0x4f7fffff, FP_NX},
    {"i64_to_f32", FP_RDN, ANY, {(uint64_t)-0x1000001}, 0xcb800001, FP_NX},
    {"ui64_to_f32", FP_RNE, ANY, {0x8000008000000001}, 0x5f000001, FP_NX},
    {"ui64_to_f32", FP_RNE, ANY, {0x8000008000000000}, 0x5f000000, FP_NX},
    {"i32_to_f16", FP_RNE, ANY, {65519}, 0x7bff, FP_NX},
    {"i32_to_f16", FP_RNE, ANY, {65520}, 0x7c00, FP_OF | FP_NX},
    {"ui32_to_f16", FP_RTZ, ANY, {0xffffffff}, 0x7bff, FP_OF | FP_NX},
    {"i64_to_f16", ANY, ANY, {(uint64_t)-2048}, 0xe800, 0},
    {"ui64_to_f16", FP_RUP, ANY, {2049}, 0x6801, FP_NX},
    /* Wider is exact, subnormals and signs included. */
    {"f16_to_f32", ANY, ANY, {0x8001}, 0xb3800000, 0},
    {"f16_to_f64", ANY, ANY, {0x3555}, 0x3fd5540000000000, 0},
    {"f32_to_f64", ANY, ANY, {1}, 0x36a0000000000000, 0},
    {"f32_to_f64", ANY, ANY, {NEG_S | INF_S}, NEG | INF, 0},
    {"f32_to_f16", FP_RNE, ANY, {0x33000000}, 0, FP_UF | FP_NX},
    {"f32_to_f16", FP_RNE, ANY, {0x33000001}, 1, FP_UF | FP_NX},
    {"f32_to_f16", ANY, ANY, {0x38800000}, 0x0400, 0},
    {"f16_mul", FP_RNE, ANY, {0x0001, 0x3800}, 0, FP_UF | FP_NX},
    {"f16_add", FP_RNE, ANY, {0x7bff, 0x4c00}, 0x7c00, FP_OF | FP_NX},
    {"f16_add", FP_RNE, ANY, {0x7bff, 0x4bff}, 0x7bff, FP_NX},
    {"f16_mulAdd", FP_RNE, ANY, {0x3c01, 0x3c01, 0xbc02}, 0x0010, 0},
    {"f16_sqrt", FP_RNE, ANY, {0x4000}, 0x3da8, FP_NX},
    {"f16_sub", ANY, ANY, {0x3c01, 0x3c00}, 0x1400, 0},
};
/* clang-format on */

static const struct fp_op *find_op(const char *name)
{
    for (size_t i = 0; i < OPS; i++)
        if (strcmp(ops[i].name, name) == 0)
            return &ops[i];
    fail_msg("no operation %s", name);
    return NULL;
}

static void check(const char *name, const uint64_t *in, struct fp_env before,
                  uint64_t got, uint8_t flags, uint64_t want,
                  uint8_t want_flags)
{
    if (got == want && flags == want_flags)
        return;
    fail_msg("%s round %d rules %d soft %d flags %02x: %llx %llx %llx -> "
             "%llx %02x, expected %llx %02x",
             name, before.round, before.rules, before.soft, before.flags,
             (unsigned long long)in[0], (unsigned long long)in[1],
             (unsigned long long)in[2], (unsigned long long)got, flags,
             (unsigned long long)want, want_flags);
}

/* Each of the two ways, and the flags clear, inexact and all set before. */
static void run_edge(const struct edge *c, uint8_t round, uint8_t rules)
{
    static const uint8_t flags[] = {0, FP_NX, 31};
    const struct fp_op *op = find_op(c->op);

    for (unsigned i = 0; i < 6; i++) {
        const struct fp_env before = {
            .round = round,
            .rules = rules,
            .soft = i & 1,
            .flags = flags[i / 2],
        };
        struct fp_env e = before;
        uint64_t got = op->run(&e, c->in);

        check(c->op, c->in, before, got, e.flags, c->want,
              c->flags | before.flags);
        assert_int_equal(e.round, round);
        assert_int_equal(e.rules, rules);
        assert_int_equal(e.soft, before.soft);
    }
}

static void test_edges(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
        for (uint8_t round = FP_RNE; round <= FP_RMM; round++)
            for (uint8_t rules = R; rules <= S; rules++)
                if ((edges[i].round == ANY || edges[i].round == round) &&
                    (edges[i].rules == ANY || edges[i].rules == rules))
                    run_edge(&edges[i], round, rules);
}

/* No operation but has an edge case. */
static void test_edges_reach_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < OPS; i++) {
        const char *suffix = strchr(ops[i].name, '_');
        bool found = false;

        for (size_t j = 0; j < sizeof(edges) / sizeof(edges[0]); j++)
            found |= strcmp(edges[j].op, ops[i].name) == 0 ||
                     /* f16 and f32 share f64's code. */
                     (ops[i].name[0] == 'f' && edges[j].op[0] == 'f' &&
                      strcmp(strchr(edges[j].op, '_'), suffix) == 0);
        if (!found)
            fail_msg("no edge case for %s", ops[i].name);
    }
}

/*
 * Random operands
 */

/* A value of a format: of every kind, near the borders more often. */
static uint64_t random_bits(struct prng *p, unsigned exp_bits,
                            unsigned frac_bits)
{
    uint64_t r = prng_next(p), frac = prng_next(p);
    uint64_t exp_max = (UINT64_C(1) << exp_bits) - 1, exp;

    switch (r >> 60) {
    case 0:
    case 1:
        exp = 0;
        break;
    case 2:
        exp = exp_max;
        break;
    case 3:
        exp = r >> 8 & 3;
        break;
    case 4:
        exp = exp_max - (r >> 8 & 3);
        break;
    case 5:
        exp = r >> 8 & exp_max;
        break;
    default: /* near one, so that sums and integers have something to do */
        exp = exp_max / 2 - frac_bits / 2 + (r >> 8) % (2 * frac_bits);
        break;
    }
    frac >>= 64 - frac_bits;
    if (r >> 32 & 1) /* few bits set at the top, or all set at the bottom */
        frac &= ~UINT64_C(0) << r % frac_bits;
    else if (r >> 33 & 1)
        frac |= (UINT64_C(1) << r % frac_bits) - 1;
    return (r >> 40 & 1) << (exp_bits + frac_bits) |
           (exp & exp_max) << frac_bits |
           (frac & ((UINT64_C(1) << frac_bits) - 1));
}

/* An operand as the name says: "f32_add" takes f32. */
static uint64_t random_operand(struct prng *p, const char *name)
{
    if (strncmp(name, "f16", 3) == 0)
        return random_bits(p, 5, 10);
    if (strncmp(name, "f32", 3) == 0)
        return random_bits(p, 8, 23);
    if (strncmp(name, "f64", 3) == 0)
        return random_bits(p, 11, 52);
    /* An integer of any length. */
    return (int64_t)prng_next(p) >> (prng_next(p) & 63);
}

enum { HOST_CASES = 6000, NATIVE_CASES = 40000 };

static void test_host_against_soft(void **state)
{
    struct prng p = {UINT64_C(0x9e3779b97f4a7c15)};
    unsigned long cases = 0;

    (void)state;
    for (size_t i = 0; i < OPS; i++)
        for (unsigned n = 0; n < HOST_CASES; n++, cases++) {
            uint64_t r = prng_next(&p), in[3], hard_result, soft_result;
            struct fp_env before = {
                .round = (uint8_t)(n & 1 ? FP_RNE : r % 5),
                .rules = r >> 8 & 1,
                .flags = (uint8_t)(r >> 9 & 31),
            };
            struct fp_env hard = before, soft = before;

            for (unsigned j = 0; j < 3; j++)
                in[j] = random_operand(&p, ops[i].name);
            soft.soft = 1;
            hard_result = ops[i].run(&hard, in);
            soft_result = ops[i].run(&soft, in);
            check(ops[i].name, in, before, hard_result, hard.flags, soft_result,
                  soft.flags);
        }
    print_message("%lu cases\n", cases);
}

/*
 * The host itself, under its own rounding modes. Only where it computes in
 * the format, and has the modes.
 */
#if FP_HOST && defined(FE_TONEAREST) && defined(FE_TOWARDZERO) &&              \
    defined(FE_DOWNWARD) && defined(FE_UPWARD)

struct native {
    const char *name;
    unsigned width; /* of the result */
    void (*run)(const uint64_t *in, uint64_t *out);
};

/* Compilers' own expansions of these assume the default rounding mode. */
static float (*const volatile call_rintf)(float) = rintf;
static float (*const volatile call_nearbyintf)(float) = nearbyintf;
static double (*const volatile call_rint)(double) = rint;
static double (*const volatile call_nearbyint)(double) = nearbyint;

/* volatile: between the reading and writing of the host's flags. */
#define NATIVE(id, from, to, RB, expr)                                         \
    static void native_##id(const uint64_t *in, uint64_t *out)                 \
    {                                                                          \
        volatile from a = fp_value_##id##_in(in[0]);                           \
        volatile from b = fp_value_##id##_in(in[1]);                           \
        volatile from c = fp_value_##id##_in(in[2]);                           \
        volatile to r = expr;                                                  \
        to plain = r;                                                          \
        RB bits;                                                               \
                                                                               \
        (void)b, (void)c;                                                      \
        memcpy(&bits, &plain, sizeof(bits));                                   \
        *out = bits;                                                           \
    }

#define NATIVE_F32(id, to, RB, expr)                                           \
    static float fp_value_##id##_in(uint64_t bits)                             \
    {                                                                          \
        return fp_value_f32((uint32_t)bits);                                   \
    }                                                                          \
    NATIVE(id, float, to, RB, expr)

#define NATIVE_F64(id, to, RB, expr)                                           \
    static double fp_value_##id##_in(uint64_t bits)                            \
    {                                                                          \
        return fp_value_f64(bits);                                             \
    }                                                                          \
    NATIVE(id, double, to, RB, expr)

#define NATIVE_INT(id, I, to, RB)                                              \
    static I fp_value_##id##_in(uint64_t bits)                                 \
    {                                                                          \
        return (I)bits;                                                        \
    }                                                                          \
    NATIVE(id, I, to, RB, (to)a)

NATIVE_F32(f32_add, float, uint32_t, a + b)
NATIVE_F32(f32_sub, float, uint32_t, a - b)
NATIVE_F32(f32_mul, float, uint32_t, a *b)
NATIVE_F32(f32_div, float, uint32_t, a / b)
NATIVE_F32(f32_sqrt, float, uint32_t, sqrtf(a))
NATIVE_F32(f32_mulAdd, float, uint32_t, fmaf(a, b, c))
NATIVE_F32(f32_roundToInt, float, uint32_t, call_rintf(a))
NATIVE_F32(f32_nearbyint, float, uint32_t, call_nearbyintf(a))
NATIVE_F32(f32_rem, float, uint32_t, remainderf(a, b))
NATIVE_F32(f32_to_f64, double, uint64_t, a)
NATIVE_F64(f64_add, double, uint64_t, a + b)
NATIVE_F64(f64_sub, double, uint64_t, a - b)
NATIVE_F64(f64_mul, double, uint64_t, a *b)
NATIVE_F64(f64_div, double, uint64_t, a / b)
NATIVE_F64(f64_sqrt, double, uint64_t, sqrt(a))
NATIVE_F64(f64_mulAdd, double, uint64_t, fma(a, b, c))
NATIVE_F64(f64_roundToInt, double, uint64_t, call_rint(a))
NATIVE_F64(f64_nearbyint, double, uint64_t, call_nearbyint(a))
NATIVE_F64(f64_rem, double, uint64_t, remainder(a, b))
NATIVE_F64(f64_to_f32, float, uint32_t, (float)a)
NATIVE_INT(i32_to_f32, int32_t, float, uint32_t)
NATIVE_INT(ui32_to_f64, uint32_t, double, uint64_t)
#if UINTPTR_MAX > UINT32_MAX /* else a library's, which forgets flags */
NATIVE_INT(i64_to_f32, int64_t, float, uint32_t)
NATIVE_INT(i64_to_f64, int64_t, double, uint64_t)
#endif

#define NATIVE_ROW(id, width) {#id, width, native_##id},

/* clang-format off */
static const struct native natives[] = {
    NATIVE_ROW(f32_add, 32)
    NATIVE_ROW(f32_sub, 32)
    NATIVE_ROW(f32_mul, 32)
    NATIVE_ROW(f32_div, 32)
    NATIVE_ROW(f32_sqrt, 32)
    NATIVE_ROW(f32_mulAdd, 32)
    NATIVE_ROW(f32_roundToInt, 32)
    NATIVE_ROW(f32_nearbyint, 32)
    NATIVE_ROW(f32_rem, 32)
    NATIVE_ROW(f32_to_f64, 64)
    NATIVE_ROW(f64_add, 64)
    NATIVE_ROW(f64_sub, 64)
    NATIVE_ROW(f64_mul, 64)
    NATIVE_ROW(f64_div, 64)
    NATIVE_ROW(f64_sqrt, 64)
    NATIVE_ROW(f64_mulAdd, 64)
    NATIVE_ROW(f64_roundToInt, 64)
    NATIVE_ROW(f64_nearbyint, 64)
    NATIVE_ROW(f64_rem, 64)
    NATIVE_ROW(f64_to_f32, 32)
    NATIVE_ROW(i32_to_f32, 32)
    NATIVE_ROW(ui32_to_f64, 64)
#if UINTPTR_MAX > UINT32_MAX
    NATIVE_ROW(i64_to_f32, 32)
    NATIVE_ROW(i64_to_f64, 64)
#endif
};
/* clang-format on */

static uint8_t native_flags(void)
{
    int raised = fetestexcept(FE_ALL_EXCEPT);

    return (uint8_t)((raised & FE_INEXACT ? FP_NX : 0) |
                     (raised & FE_UNDERFLOW ? FP_UF : 0) |
                     (raised & FE_OVERFLOW ? FP_OF : 0) |
                     (raised & FE_DIVBYZERO ? FP_DZ : 0) |
                     (raised & FE_INVALID ? FP_NV : 0));
}

/* Hosts differ in what they take for tiny, and a NaN's bits are theirs. */
static void check_native(const struct native *n, const uint64_t *in,
                         struct fp_env before, uint64_t native, uint8_t flags)
{
    struct fp_env e = before;
    uint64_t got = find_op(n->name)->run(&e, in);
    uint64_t nan = n->width == 32 ? Q_NAN_S : Q_NAN;
    uint8_t ignore = FP_UF;

#if defined(__x86_64__) || defined(__riscv)
    ignore = 0;
#endif
    if (got == nan && (native & nan) == nan)
        native = nan;
    check(n->name, in, before, got, e.flags & ~ignore, native, flags & ~ignore);
}

static void test_soft_against_native(void **state)
{
    static const int modes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD,
                                FE_UPWARD};
    struct prng p = {UINT64_C(0xd1b54a32d192ed03)};

    (void)state;
    for (size_t i = 0; i < sizeof(natives) / sizeof(natives[0]); i++)
        for (unsigned n = 0; n < NATIVE_CASES; n++) {
            const struct native *op = &natives[i];
            /* C libraries' remainder() heeds the mode, and should not. */
            unsigned mode = strstr(op->name, "rem") ? 0 : n & 3;
            struct fp_env e = {.round = (uint8_t)mode, .soft = 1};
            uint64_t in[3], out;
            uint8_t flags;

            for (unsigned j = 0; j < 3; j++)
                in[j] = random_operand(&p, op->name);
            fesetround(modes[mode]);
            feclearexcept(FE_ALL_EXCEPT);
            op->run(in, &out);
            flags = native_flags();
            fesetround(FE_TONEAREST);
            check_native(op, in, e, out, flags);
        }
}
#else
static void test_soft_against_native(void **state)
{
    (void)state;
    skip();
}
#endif

/*
 * 128-bit helpers
 */

static void check_sqrt(struct u128 n)
{
    bool exact;
    uint64_t s = u128_sqrt(n, &exact);
    struct u128 square = u128_mul64_plain(s, s);
    struct u128 rest = u128_sub(n, square);

    assert_false(u128_less(n, square));
    assert_true(exact == (rest.hi == 0 && rest.lo == 0));
    /* The next square is 2 s + 1 further on. */
    assert_true(rest.hi == 0 || (rest.hi == 1 && rest.lo <= s << 1));
    if (rest.hi == 0)
        assert_true(rest.lo <= s << 1 || s >> 63);
}

static void check_division(struct u128 n, uint64_t d)
{
    uint64_t rest, q = u128_div64_plain(n, d, &rest);
    struct u128 back = u128_add(u128_mul64_plain(q, d), (struct u128){0, rest});

    assert_true(rest < d);
    assert_true(back.hi == n.hi && back.lo == n.lo);
#ifdef __SIZEOF_INT128__
    {
        uint64_t wide_rest;

        assert_true(u128_div64_wide(n, d, &wide_rest) == q);
        assert_true(wide_rest == rest);
    }
#endif
}

static void check_product(uint64_t a, uint64_t b)
{
    struct u128 p = u128_mul64_plain(a, b);

    assert_true(p.lo == a * b);
    /* (a + 1) b = a b + b, carries and all. */
    if (a != UINT64_MAX) {
        struct u128 next = u128_mul64_plain(a + 1, b);
        struct u128 sum = u128_add(p, (struct u128){0, b});

        assert_true(next.hi == sum.hi && next.lo == sum.lo);
    }
#ifdef __SIZEOF_INT128__
    {
        struct u128 wide = u128_mul64_wide(a, b);

        assert_true(wide.hi == p.hi && wide.lo == p.lo);
    }
#endif
}

static uint64_t random_limbs(struct prng *p)
{
    static const uint64_t picked[] = {
        0, 1, UINT32_MAX, UINT64_MAX, NEG, NEG - 1, UINT64_MAX << 32, NEG | 1};
    uint64_t r = prng_next(p);

    return r & 3 ? prng_next(p) : picked[r >> 8 & 7];
}

static void test_u128(void **state)
{
    struct prng p = {UINT64_C(0x2545f4914f6cdd1d)};

    (void)state;
    for (unsigned i = 0; i < 200000; i++) {
        uint64_t a = random_limbs(&p), b = random_limbs(&p);
        uint64_t d = random_limbs(&p) | NEG;

        check_product(a, b);
        check_division((struct u128){a % d, b}, d);
        check_sqrt((struct u128){a | UINT64_C(1) << 62, b});
        check_sqrt(u128_mul64_plain(d, d));
        check_sqrt(
            u128_sub(u128_mul64_plain(d | 1, d | 1), (struct u128){0, 1}));
    }
}

static void test_u128_shifts(void **state)
{
    struct prng p = {UINT64_C(0x632be59bd9b4e019)};

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        struct u128 a = {random_limbs(&p), random_limbs(&p)};
        struct u128 down = a, up = a;
        bool lost = false;

        for (unsigned n = 1; n < 130; n++) {
            struct u128 got = u128_shr_sticky(a, n);

            lost |= down.lo & 1;
            down = (struct u128){down.hi >> 1, down.hi << 63 | down.lo >> 1};
            assert_true(got.hi == down.hi && got.lo == (down.lo | lost));
            up = (struct u128){up.hi << 1 | up.lo >> 63, up.lo << 1};
            if (n < 128) {
                got = u128_shl(a, n);
                assert_true(got.hi == up.hi && got.lo == up.lo);
            }
        }
        a = u128_shl((struct u128){0, 1}, i % 128);
        assert_int_equal(u128_clz(a), 127 - i % 128);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_edges_reach_all),
        cmocka_unit_test(test_host_against_soft),
        cmocka_unit_test(test_soft_against_native),
        cmocka_unit_test(test_u128),
        cmocka_unit_test(test_u128_shifts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
