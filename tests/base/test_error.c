/* base/error.h: what a line may hold, and the nearest name. */
#include "tests/unit.h"

#include <string.h>

#include "base/error.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void sets_and_prefixes(void **state)
{
    struct error e = {""};

    (void)state;
    assert_false(error_set(&e, "%s has %d", "it", 3));
    assert_string_equal(e.text, "it has 3");
    assert_false(error_prefix(&e, "file '%s'", "x"));
    assert_string_equal(e.text, "file 'x': it has 3");
}

static void null_is_fine(void **state)
{
    (void)state;
    assert_false(error_set(NULL, "x"));
    assert_false(error_prefix(NULL, "x"));
}

static void cuts_long_lines(void **state)
{
    char big[2000];
    struct error e;

    (void)state;
    memset(big, 'a', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    error_set(&e, "%s", big);
    assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
    error_prefix(&e, "p");
    assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
    assert_memory_equal(e.text, "p: aaa", 6);
    error_prefix(&e, "%s", big);
    assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
}

static void keeps_to_one_line(void **state)
{
    struct error e;

    (void)state;
    error_set(&e, "%s", "a\nb\033[2Jc\177\r\xc3\xa9");
    assert_string_equal(e.text, "a?b?[2Jc??\xc3\xa9");
    error_prefix(&e, "x\ny");
    assert_memory_equal(e.text, "x?y: a?b", 8);
}

static void finds_the_nearest(void **state)
{
    static const char *const names[] = {"chardev", "clock-frequency",
                                        "reg-shift", "id", "x"};
    static const struct {
        const char *word, *want;
    } cases[] = {
        {"chardev", "chardev"},
        {"chradev", "chardev"},
        {"chardevs", "chardev"},
        {"hardev", "chardev"},
        {"charlie", NULL},
        {"clock_frequency", "clock-frequency"},
        {"clockfreqency", "clock-frequency"},
        {"regshift", "reg-shift"},
        {"di", "id"},
        {"ix", "id"}, /* one substitution, and the first of equals */
        {"zz", NULL},
        {"y", NULL}, /* another letter is another word */
        {"xx", "x"},
        {"", NULL},
        {"completely else", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *got = nearest_name(cases[i].word, names, COUNT(names));

        if (!cases[i].want)
            assert_null(got);
        else
            assert_string_equal(got, cases[i].want);
    }
    assert_null(nearest_name("x", names, 0));
}

static void survives_long_words(void **state)
{
    char big[5000];
    const char *names[] = {big, "abc"};

    (void)state;
    memset(big, 'b', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    assert_null(nearest_name(big, names, 2));
    assert_string_equal(nearest_name("abd", names, 2), "abc");
    big[63] = '\0';
    assert_ptr_equal(nearest_name(big, names, 2), big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_and_prefixes),
        cmocka_unit_test(null_is_fine),
        cmocka_unit_test(cuts_long_lines),
        cmocka_unit_test(keeps_to_one_line),
        cmocka_unit_test(finds_the_nearest),
        cmocka_unit_test(survives_long_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
