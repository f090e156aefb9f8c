/* base/muldiv.h: the plain version against fixed values, against what a
 * product must satisfy, and against the compiler's 128-bit integer. */
#include "tests/unit.h"

#include "base/muldiv.h"

/* From Python's integers. */
static const struct {
    uint64_t a, b, d, q;
    bool inexact;
} known[] = {
    {0, 0, 1, 0, false},
    {7, 3, 2, 10, true},
    {UINT64_MAX, 1, 1, UINT64_MAX, false},
    {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, false},
    {UINT64_MAX, UINT64_MAX - 1, UINT64_MAX, UINT64_MAX - 1, false},
    {UINT64_MAX, 10000000, 1000000000, 184467440737095516, true},
    {3600000000000, 3000000000, 1000000000, 10800000000000, false},
    {0x8000000000000000, 0x8000000000000001, 0xc000000000000000,
     0x5555555555555556, false},
    {0xfedcba9876543210, 0x0123456789abcdef, 0x8000000000000001,
     0x243f4015aefae84, true},
    {0xffffffff00000001, 0xffffffff, 0xffffffff00000002, 0xfffffffe, true},
    {UINT64_MAX, 2, 1, UINT64_MAX, false}, /* saturates */
};

static void knows_fixed_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        bool x, y;

        assert_true(muldiv_plain(known[i].a, known[i].b, known[i].d, &x) ==
                    known[i].q);
        assert_true(muldiv(known[i].a, known[i].b, known[i].d, &y) ==
                    known[i].q);
        assert_int_equal(x, known[i].inexact);
        assert_int_equal(y, known[i].inexact);
    }
}

/* a * b = q * d + r with r < d, by other means than the code's: q * d + r
 * is formed again and compared as 128 bits. */
static void check_identity(uint64_t a, uint64_t b, uint64_t d)
{
    uint64_t hi, lo, q, r, hi2, lo2;

    mul_wide_plain(a, b, &hi, &lo);
    assert_true(lo == a * b);
    if (hi >= d)
        return;
    q = div_wide_plain(hi, lo, d, &r);
    assert_true(r < d);
    mul_wide_plain(q, d, &hi2, &lo2);
    lo2 += r;
    hi2 += lo2 < r;
    assert_true(hi2 == hi && lo2 == lo);
}

static void agrees_with_itself(void **state)
{
    struct prng p = {1};

    (void)state;
    for (unsigned i = 0; i < 300000; i++) {
        uint64_t a = prng_edgy(&p), b = prng_edgy(&p), d = prng_edgy(&p);
        bool x, y;

        d += !d;
        check_identity(a, b, d);
        assert_true(muldiv(a, b, d, &x) == muldiv_plain(a, b, d, &y));
        assert_int_equal(x, y);
    }
}

#ifdef __SIZEOF_INT128__
static void agrees_with_the_compiler(void **state)
{
    __extension__ typedef unsigned __int128 u128;
    struct prng p = {2};

    (void)state;
    for (unsigned i = 0; i < 300000; i++) {
        uint64_t a = prng_edgy(&p), b = prng_edgy(&p), d = prng_edgy(&p);
        u128 q, r;
        bool inexact;
        uint64_t got;

        d += !d;
        q = (u128)a * b / d;
        r = (u128)a * b % d;
        got = muldiv_plain(a, b, d, &inexact);
        assert_true(got == (q > UINT64_MAX ? UINT64_MAX : (uint64_t)q));
        assert_true(q > UINT64_MAX || inexact == (r != 0));
    }
}
#endif

static void rounds_and_saturates(void **state)
{
    (void)state;
    assert_true(muldiv_floor(10, 1, 3) == 3);
    assert_true(muldiv_ceil(10, 1, 3) == 4);
    assert_true(muldiv_ceil(9, 1, 3) == 3);
    assert_true(muldiv_floor(UINT64_MAX, 3, 2) == UINT64_MAX);
    assert_true(muldiv_ceil(UINT64_MAX, 3, 2) == UINT64_MAX);
    /* The quotient is 2^64 - 1 and a remainder: up would be 2^64. */
    assert_true(muldiv_ceil(UINT64_MAX, 6, 6) == UINT64_MAX);
    assert_true(muldiv_ceil(0x8000000000000000, UINT64_MAX,
                            0x8000000000000000) == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_fixed_values),
        cmocka_unit_test(agrees_with_itself),
#ifdef __SIZEOF_INT128__
        cmocka_unit_test(agrees_with_the_compiler),
#endif
        cmocka_unit_test(rounds_and_saturates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
