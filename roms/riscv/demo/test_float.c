/*
 * Self-test of F and D: results and flags that IEEE 754-2008 and the
 * specification's chapters on F and D give, in all five rounding modes.
 */
#include "csr.h"
#include "lib.h"
#include "ops_float.h"
#include "print.h"
#include "test.h"

enum rounding { RNE, RTZ, RDN, RUP, RMM };
enum flags { NX = 1, UF = 2, OF = 4, DZ = 8, NV = 16 };

struct row {
    const char *name;
    fp_fn *op;
    enum rounding mode;
    uint64_t a, b, c, want;
    unsigned flags;
};

#define ROW(name, mode, a, b, c, want, flags)                                  \
    {                                                                          \
#name " " #mode, fp_##name, mode, a, b, c, want, flags                 \
    }

/* Doubles. */
#define D_1 0x3ff0000000000000
#define D_M1 0xbff0000000000000
#define D_1_5 0x3ff8000000000000
#define D_2 0x4000000000000000
#define D_3 0x4008000000000000
#define D_M0 0x8000000000000000
#define D_EPS 0x3cb0000000000000 /* 2^-52, the last bit of 1 */
#define D_HALF_EPS 0x3ca0000000000000
#define D_MAX 0x7fefffffffffffff
#define D_MIN 0x0010000000000000 /* smallest normal number */
#define D_TINY 0x0000000000000001
#define D_INF 0x7ff0000000000000
#define D_MINF 0xfff0000000000000
#define D_NAN 0x7ff8000000000000 /* the canonical NaN */
#define D_QNAN 0xfff8000000012345
#define D_SNAN 0x7ff0000000000001

/* Singles. */
#define S_1 0x3f800000
#define S_M1 0xbf800000
#define S_1_5 0x3fc00000
#define S_3 0x40400000
#define S_M0 0x80000000
#define S_HALF_EPS 0x33800000 /* 2^-24 */
#define S_MAX 0x7f7fffff
#define S_MIN 0x00800000
#define S_INF 0x7f800000
#define S_NAN 0x7fc00000
#define S_QNAN 0xffc12345
#define S_SNAN 0x7f800001

#define MAX32 UINT64_C(0x7fffffff)
#define MIN32 UINT64_C(0xffffffff80000000)
#define MAX64 UINT64_C(0x7fffffffffffffff)
#define ONES UINT64_MAX

static const struct row single_rows[] = {
    /* inexact results, each way of rounding */
    ROW(fdiv_s, RNE, S_1, S_3, 0, 0x3eaaaaab, NX),
    ROW(fdiv_s, RTZ, S_1, S_3, 0, 0x3eaaaaaa, NX),
    ROW(fdiv_s, RDN, S_M1, S_3, 0, 0xbeaaaaab, NX),
    ROW(fdiv_s, RUP, S_M1, S_3, 0, 0xbeaaaaaa, NX),
    ROW(fadd_s, RNE, S_1, S_HALF_EPS, 0, S_1, NX),
    ROW(fadd_s, RMM, S_1, S_HALF_EPS, 0, S_1 + 1, NX),
    ROW(fadd_s, RUP, S_1, S_HALF_EPS, 0, S_1 + 1, NX),
    ROW(fadd_s, RDN, S_1, S_HALF_EPS, 0, S_1, NX),
    ROW(fadd_rtz_s, RUP, S_1, S_HALF_EPS, 0, S_1, NX),
    /* exact ones, and signs of zero */
    ROW(fsub_s, RNE, S_1_5, S_1, 0, 0x3f000000, 0),
    ROW(fsub_s, RNE, S_1, S_1, 0, 0, 0),
    ROW(fsub_s, RDN, S_1, S_1, 0, S_M0, 0),
    ROW(fmul_s, RNE, S_1_5, S_1_5, 0, 0x40100000, 0),
    ROW(fsqrt_s, RNE, 0x40000000, 0, 0, 0x3fb504f3, NX),
    ROW(fsqrt_s, RNE, S_M0, 0, 0, S_M0, 0),
    ROW(fmadd_s, RNE, S_1_5, S_3, S_1, 0x40b00000, 0),
    ROW(fmsub_s, RNE, S_1_5, S_3, S_1, 0x40600000, 0),
    ROW(fnmsub_s, RNE, S_1_5, S_3, S_1, 0xc0600000, 0),
    ROW(fnmadd_s, RNE, S_1_5, S_3, S_1, 0xc0b00000, 0),
    /* exceptions */
    ROW(fadd_s, RNE, S_MAX, S_MAX, 0, S_INF, OF | NX),
    ROW(fadd_s, RTZ, S_MAX, S_MAX, 0, S_MAX, OF | NX),
    ROW(fmul_s, RNE, S_MIN + 1, 0x3f000000, 0, 0x00400000, UF | NX),
    ROW(fmul_s, RNE, S_MIN, 0x3f000000, 0, 0x00400000, 0),
    ROW(fdiv_s, RNE, S_1, 0, 0, S_INF, DZ),
    ROW(fdiv_s, RNE, 0, 0, 0, S_NAN, NV),
    ROW(fsqrt_s, RNE, S_M1, 0, 0, S_NAN, NV),
    ROW(fadd_s, RNE, S_QNAN, S_1, 0, S_NAN, 0),
    ROW(fadd_s, RNE, S_SNAN, S_1, 0, S_NAN, NV),
    /* comparisons, selections, signs */
    ROW(feq_s, RNE, 0, S_M0, 0, 1, 0),
    ROW(feq_s, RNE, S_QNAN, S_1, 0, 0, 0),
    ROW(flt_s, RNE, S_M1, S_1, 0, 1, 0),
    ROW(flt_s, RNE, S_QNAN, S_1, 0, 0, NV),
    ROW(fle_s, RNE, S_1, S_1, 0, 1, 0),
    ROW(fmin_s, RNE, 0, S_M0, 0, S_M0, 0),
    ROW(fmax_s, RNE, S_SNAN, S_1, 0, S_1, NV),
    ROW(fsgnj_s, RNE, S_1, S_M0, 0, S_M1, 0),
    ROW(fsgnjn_s, RNE, S_1, S_M0, 0, S_1, 0),
    ROW(fsgnjx_s, RNE, S_M1, S_M0, 0, S_1, 0),
    /* conversions */
    ROW(fcvt_w_s, RNE, 0x40200000, 0, 0, 2, NX), /* 2.5 */
    ROW(fcvt_w_s, RMM, 0x40200000, 0, 0, 3, NX),
    ROW(fcvt_w_s, RTZ, 0x4f000000, 0, 0, MAX32, NV), /* 2^31 */
    ROW(fcvt_wu_s, RTZ, 0x4f000000, 0, 0, MIN32, 0),
    ROW(fcvt_wu_s, RTZ, S_M1, 0, 0, 0, NV),
    ROW(fcvt_l_s, RTZ, S_INF, 0, 0, MAX64, NV),
    ROW(fcvt_lu_s, RTZ, S_QNAN, 0, 0, ONES, NV),
    ROW(fcvt_s_w, RNE, ONES, 0, 0, S_M1, 0),
    ROW(fcvt_s_wu, RNE, ONES, 0, 0, 0x4f800000, NX),
    ROW(fcvt_s_l, RTZ, 0x1000001, 0, 0, 0x4b800000, NX),
    ROW(fcvt_s_lu, RUP, 0x1000001, 0, 0, 0x4b800001, NX),
};

static const struct row double_rows[] = {
    /* inexact results, each way of rounding */
    ROW(fdiv_d, RNE, D_1, D_3, 0, 0x3fd5555555555555, NX),
    ROW(fdiv_d, RTZ, D_1, D_3, 0, 0x3fd5555555555555, NX),
    ROW(fdiv_d, RDN, D_M1, D_3, 0, 0xbfd5555555555556, NX),
    ROW(fdiv_d, RUP, D_1, D_3, 0, 0x3fd5555555555556, NX),
    ROW(fdiv_d, RMM, D_1, D_3, 0, 0x3fd5555555555555, NX),
    ROW(fadd_d, RNE, D_1, D_HALF_EPS, 0, D_1, NX),
    ROW(fadd_d, RMM, D_1, D_HALF_EPS, 0, D_1 + 1, NX),
    ROW(fadd_d, RTZ, D_1, D_HALF_EPS, 0, D_1, NX),
    ROW(fadd_d, RDN, D_1, D_HALF_EPS, 0, D_1, NX),
    ROW(fadd_d, RUP, D_1, D_HALF_EPS, 0, D_1 + 1, NX),
    ROW(fadd_rtz_d, RUP, D_1, D_HALF_EPS, 0, D_1, NX),
    /* exact ones, and signs of zero */
    ROW(fadd_d, RNE, D_1, D_EPS, 0, D_1 + 1, 0),
    ROW(fsub_d, RNE, D_1, D_1, 0, 0, 0),
    ROW(fsub_d, RDN, D_1, D_1, 0, D_M0, 0),
    ROW(fmul_d, RNE, D_1_5, D_2, 0, D_3, 0),
    ROW(fsqrt_d, RNE, D_2, 0, 0, 0x3ff6a09e667f3bcd, NX),
    ROW(fsqrt_d, RTZ, D_2, 0, 0, 0x3ff6a09e667f3bcc, NX),
    /* (1 + 2^-52)^2 - (1 + 2^-51) = 2^-104: rounded once */
    ROW(fmsub_d, RNE, D_1 + 1, D_1 + 1, D_1 + 2, 0x3970000000000000, 0),
    ROW(fmadd_d, RNE, D_1_5, D_2, D_M1, D_2, 0),
    ROW(fnmsub_d, RNE, D_1_5, D_2, D_1, 0xc000000000000000, 0),
    ROW(fnmadd_d, RNE, D_1_5, D_2, D_M1, 0xc000000000000000, 0),
    /* overflow, underflow */
    ROW(fadd_d, RNE, D_MAX, D_MAX, 0, D_INF, OF | NX),
    ROW(fadd_d, RTZ, D_MAX, D_MAX, 0, D_MAX, OF | NX),
    ROW(fmul_d, RUP, D_MAX, 0xc000000000000000, 0, 0xffefffffffffffff, OF | NX),
    ROW(fdiv_d, RNE, D_MIN, D_2, 0, 0x0008000000000000, 0),
    ROW(fdiv_d, RNE, D_TINY, D_2, 0, 0, UF | NX),
    ROW(fdiv_d, RUP, D_TINY, D_2, 0, D_TINY, UF | NX),
    /* rounds up to a normal number: not tiny after rounding */
    ROW(fmul_d, RNE, D_1 + 1, D_MIN - 1, 0, D_MIN, NX),
    /* invalid operations, NaNs */
    ROW(fdiv_d, RNE, D_M1, 0, 0, D_MINF, DZ),
    ROW(fdiv_d, RNE, 0, 0, 0, D_NAN, NV),
    ROW(fsub_d, RNE, D_INF, D_INF, 0, D_NAN, NV),
    ROW(fmul_d, RNE, D_INF, 0, 0, D_NAN, NV),
    ROW(fsqrt_d, RNE, D_M1, 0, 0, D_NAN, NV),
    ROW(fadd_d, RNE, D_QNAN, D_1, 0, D_NAN, 0),
    ROW(fadd_d, RNE, D_SNAN, D_1, 0, D_NAN, NV),
    ROW(fmadd_d, RNE, D_INF, 0, D_QNAN, D_NAN, NV),
    /* comparisons, selections, signs */
    ROW(feq_d, RNE, 0, D_M0, 0, 1, 0),
    ROW(feq_d, RNE, D_QNAN, D_QNAN, 0, 0, 0),
    ROW(feq_d, RNE, D_SNAN, D_1, 0, 0, NV),
    ROW(flt_d, RNE, D_MINF, D_M1, 0, 1, 0),
    ROW(flt_d, RNE, D_QNAN, D_1, 0, 0, NV),
    ROW(fle_d, RNE, D_M0, 0, 0, 1, 0),
    ROW(fmin_d, RNE, 0, D_M0, 0, D_M0, 0),
    ROW(fmax_d, RNE, D_M0, 0, 0, 0, 0),
    ROW(fmin_d, RNE, D_SNAN, D_1, 0, D_1, NV),
    ROW(fmax_d, RNE, D_QNAN, D_QNAN, 0, D_NAN, 0),
    ROW(fsgnj_d, RNE, D_QNAN, D_1, 0, 0x7ff8000000012345, 0),
    ROW(fsgnjn_d, RNE, D_1, D_1, 0, D_M1, 0),
    ROW(fsgnjx_d, RNE, D_M1, D_M1, 0, D_1, 0),
    ROW(fclass_d, RNE, D_MINF, 0, 0, 1 << 0, 0),
    ROW(fclass_d, RNE, D_M1, 0, 0, 1 << 1, 0),
    ROW(fclass_d, RNE, D_M0 | D_TINY, 0, 0, 1 << 2, 0),
    ROW(fclass_d, RNE, D_M0, 0, 0, 1 << 3, 0),
    ROW(fclass_d, RNE, 0, 0, 0, 1 << 4, 0),
    ROW(fclass_d, RNE, D_TINY, 0, 0, 1 << 5, 0),
    ROW(fclass_d, RNE, D_MIN, 0, 0, 1 << 6, 0),
    ROW(fclass_d, RNE, D_INF, 0, 0, 1 << 7, 0),
    ROW(fclass_d, RNE, D_SNAN, 0, 0, 1 << 8, 0),
    ROW(fclass_d, RNE, D_QNAN, 0, 0, 1 << 9, 0),
    /* conversions */
    ROW(fcvt_w_d, RTZ, 0xbff8000000000000, 0, 0, ONES, NX), /* -1.5 */
    ROW(fcvt_w_d, RDN, 0xbff8000000000000, 0, 0, ONES - 1, NX),
    ROW(fcvt_w_d, RTZ, D_QNAN, 0, 0, MAX32, NV),
    ROW(fcvt_w_d, RTZ, D_MINF, 0, 0, MIN32, NV),
    ROW(fcvt_wu_d, RTZ, D_INF, 0, 0, ONES, NV),
    ROW(fcvt_wu_d, RNE, 0x41effffffff00000, 0, 0, ONES, NV), /* 2^32 - 1/2 */
    ROW(fcvt_l_d, RTZ, 0x43e0000000000000, 0, 0, MAX64, NV), /* 2^63 */
    ROW(fcvt_lu_d, RTZ, 0x43e0000000000000, 0, 0, MAX64 + 1, 0),
    ROW(fcvt_lu_d, RUP, 0xbfe0000000000000, 0, 0, 0, NX), /* -1/2 */
    ROW(fcvt_d_w, RNE, 0x80000000, 0, 0, 0xc1e0000000000000, 0),
    ROW(fcvt_d_wu, RNE, 0x80000000, 0, 0, 0x41e0000000000000, 0),
    ROW(fcvt_d_l, RNE, MAX64, 0, 0, 0x43e0000000000000, NX),
    ROW(fcvt_d_lu, RTZ, ONES, 0, 0, 0x43efffffffffffff, NX),
    ROW(fcvt_s_d, RNE, 0x3ff0000010000000, 0, 0, S_1, NX), /* 1 + 2^-24 */
    ROW(fcvt_s_d, RMM, 0x3ff0000010000000, 0, 0, S_1 + 1, NX),
    ROW(fcvt_s_d, RNE, D_SNAN, 0, 0, S_NAN, NV),
    ROW(fcvt_d_s, RNE, S_1_5, 0, 0, D_1_5, 0),
    ROW(fcvt_d_s, RNE, S_QNAN, 0, 0, D_NAN, 0),
    /* a single in a register is boxed in ones, or counts as NaN */
    ROW(fadd_s_raw, RNE, 0xffffffff3f800000, 0xffffffff3f800000, 0,
        0xffffffff40000000, 0),
    ROW(fadd_s_raw, RNE, 0x000000003f800000, 0xffffffff3f800000, 0,
        0xffffffff7fc00000, 0),
};

static void check_rows(struct test *test, const struct row *rows,
                       unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct row *row = &rows[i];
        struct fp_result got = row->op(row->a, row->b, row->c, row->mode);
        test_equal(test, row->name, got.bits, row->want);
        test_equal(test, "  and its flags", got.flags, row->flags);
    }
}

/* mstatus.FS: off traps, using the unit makes it dirty. */
static void check_status(struct test *test)
{
    csr_clear(mstatus, MSTATUS_FS);
    csr_set(mstatus, MSTATUS_FS & -MSTATUS_FS); /* Initial */
    fp_fadd_s(S_1, S_1, 0, RNE);
    test_equal(test, "mstatus.FS after use", csr_read(mstatus) & MSTATUS_FS,
               MSTATUS_FS);
}

const char *test_float(struct test *test)
{
    if (!board_has(test->board, "f"))
        return "the ISA string names no F";
    csr_set(mstatus, MSTATUS_FS);
    check_rows(test, single_rows, ARRAY_SIZE(single_rows));
    check_status(test);
    return NULL;
}

const char *test_double(struct test *test)
{
    static uint64_t memory;

    if (!board_has(test->board, "d"))
        return "the ISA string names no D";
    csr_set(mstatus, MSTATUS_FS);
    check_rows(test, double_rows, ARRAY_SIZE(double_rows));
    memory = S_1;
    test_equal(test, "flw, fsd, fld",
               fp_store_load((uintptr_t)&memory, 0, 0, 0).bits,
               0xffffffff00000000 | S_1);
    return NULL;
}
