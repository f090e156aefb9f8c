/*
 * cpu/core/wide.h on hosts without a 128-bit type, against one that has it.
 */
#define WIDE_PORTABLE 1
#include "cpu/core/wide.h"
#include "tests/unit.h"

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 native;
__extension__ typedef __int128 signed_native;

static native n_of(u128 a)
{
    return (native)u128_hi(a) << 64 | u128_lo(a);
}

static void same(const char *what, u128 a, u128 b, u128 got, native want)
{
    if (n_of(got) != want)
        fail_msg("%s of %llx:%llx and %llx:%llx", what,
                 (unsigned long long)a.hi, (unsigned long long)a.lo,
                 (unsigned long long)b.hi, (unsigned long long)b.lo);
}

static void same_bool(const char *what, u128 a, u128 b, bool got, bool want)
{
    same(what, a, b, u128_make(0, got), want);
}

static native shifted(native a, unsigned n, char how)
{
    if (n >= 128)
        return how == 's' && (signed_native)a < 0 ? ~(native)0 : 0;
    if (how == 'l')
        return a << n;
    return how == 's' ? (native)((signed_native)a >> n) : a >> n;
}

static void check(u128 a, u128 b, unsigned n)
{
    const native x = n_of(a), y = n_of(b);
    const signed_native sx = (signed_native)x, sy = (signed_native)y;
    const bool overflow = y == ~(native)0 && x == (native)1 << 127;
    const u128 k = u128_make(0, n);

    same("add", a, b, u128_add(a, b), x + y);
    same("sub", a, b, u128_sub(a, b), x - y);
    same("mul", a, b, u128_mul(a, b), x * y);
    same("mul64", a, b, u128_mul64(a.lo, b.lo), (native)a.lo * b.lo);
    same("neg", a, b, u128_neg(a), -x);
    same("udiv", a, b, op_udiv_u128(a, b), y ? x / y : 0);
    same("urem", a, b, op_urem_u128(a, b), y ? x % y : 0);
    if (!overflow) {
        same("sdiv", a, b, op_sdiv_u128(a, b), y ? (native)(sx / sy) : 0);
        same("srem", a, b, op_srem_u128(a, b), y ? (native)(sx % sy) : 0);
    }
    same("shl", a, k, u128_shl(a, k), shifted(x, n, 'l'));
    same("shr", a, k, u128_shr(a, k), shifted(x, n, 'r'));
    same("sar", a, k, u128_sar(a, k), shifted(x, n, 's'));
    same_bool("eq", a, b, u128_eq(a, b), x == y);
    same_bool("ult", a, b, u128_ult(a, b), x < y);
    same_bool("ule", a, b, u128_ule(a, b), x <= y);
    same_bool("slt", a, b, u128_slt(a, b), sx < sy);
    same_bool("sle", a, b, u128_sle(a, b), sx <= sy);
}

static void test_portable(void **state)
{
    struct prng p = {3};

    (void)state;
    for (unsigned i = 0; i < 100000; i++) {
        u128 a = u128_make(prng_edgy(&p), prng_edgy(&p));
        u128 b = u128_make(prng_edgy(&p), prng_edgy(&p));

        switch (prng_below(&p, 8)) {
        case 0:
            b = a;
            break;
        case 1:
            b.hi = 0;
            break;
        case 2:
            a.hi = 0;
            break;
        default:
            break;
        }
        check(a, b, (unsigned)prng_below(&p, 140));
    }
}

static void test_edges(void **state)
{
    (void)state;
    /* The one that C leaves undefined: it gives itself, with rest 0. */
    const u128 least = u128_make((uint64_t)1 << 63, 0);
    const u128 minus = u128_make(UINT64_MAX, UINT64_MAX);

    assert_true(u128_eq(op_sdiv_u128(least, minus), least));
    assert_true(u128_eq(op_srem_u128(least, minus), u128_make(0, 0)));
    /* A count whose low half is small. */
    assert_true(u128_eq(u128_shl(minus, u128_make(1, 1)), u128_make(0, 0)));
    assert_true(u128_eq(u128_sar(least, u128_make(1, 0)), minus));
}
#else
static void test_portable(void **state)
{
    (void)state;
    skip(); /* nothing to compare with */
}

static void test_edges(void **state)
{
    (void)state;
    skip();
}
#endif

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_portable),
        cmocka_unit_test(test_edges),
    };

    return cmocka_run_group_tests_name("wide", tests, NULL, NULL);
}
