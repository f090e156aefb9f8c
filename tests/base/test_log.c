/* base/log.h: items, masks, whole lines, and the rate limit. */
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* A log into memory. */
struct sink {
    struct log log;
    char *text;
    size_t size;
};

static void open_sink(struct sink *s, uint32_t mask)
{
    log_init(&s->log, open_memstream(&s->text, &s->size));
    s->log.mask = mask;
}

static const char *text(struct sink *s)
{
    fflush(s->log.file);
    return s->text;
}

static void close_sink(struct sink *s)
{
    fclose(s->log.file);
    free(s->text);
}

static unsigned count_lines(const char *s)
{
    unsigned n = 0;

    for (; *s; s++)
        n += *s == '\n';
    return n;
}

static void parses_items(void **state)
{
    uint32_t mask = 0;
    struct error e;

    (void)state;
    assert_true(log_parse("in_asm,int", &mask, &e));
    assert_int_equal(mask, LOG_IN_ASM | LOG_INT);
    assert_true(log_parse("exec,-int", &mask, &e));
    assert_int_equal(mask, LOG_IN_ASM | LOG_EXEC);
    assert_true(log_parse("all,-stats", &mask, &e));
    for (const struct log_name *n = log_names; n->name; n++) {
        uint32_t one = 0;

        assert_true(log_parse(n->name, &one, &e));
        assert_int_equal(one, n->bit);
        assert_true(n->help[0]);
        if (n->bit != LOG_STATS)
            assert_true(!strcmp(n->name, "all") || (mask & n->bit));
    }
    assert_false(mask & LOG_STATS);
}

static void refuses_items(void **state)
{
    static const char *const bad[] = {"",     ",",        "int,", "inn",
                                      "-foo", "int,,cpu", "-",    "INT"};
    uint32_t mask = LOG_MMU;
    struct error e;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(log_parse(bad[i], &mask, &e));
        assert_int_equal(mask, LOG_MMU);
        assert_non_null(strstr(e.text, "unknown log item '"));
    }
    assert_false(log_parse("gest_errors", &mask, &e));
    assert_non_null(strstr(e.text, "did you mean 'guest_errors'?"));
    assert_false(log_parse("a much too long item that goes on and on and on "
                           "and on beyond any buffer that one may have",
                           &mask, &e));
}

static void writes_what_is_on(void **state)
{
    struct sink s;

    (void)state;
    open_sink(&s, LOG_INT);
    log_line(&s.log, LOG_INT | LOG_EXEC, "one %d", 1);
    log_line(&s.log, LOG_EXEC, "two");
    log_guest(&s.log, "three");
    assert_string_equal(text(&s), "one 1\n");
    log_destroy(&s.log);
    close_sink(&s);
}

static void keeps_the_terminal_safe(void **state)
{
    char big[5000];
    struct sink s;

    (void)state;
    open_sink(&s, LOG_INT);
    log_line(&s.log, LOG_INT, "%s", "a\033[31mb\177");
    assert_string_equal(text(&s), "a?[31mb?\n");
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    log_line(&s.log, LOG_INT, "%s", big);
    assert_true(strlen(text(&s)) < 1100);
    assert_int_equal(count_lines(text(&s)), 2);
    log_destroy(&s.log);
    close_sink(&s);
}

static void limits_guest_errors(void **state)
{
    struct sink s;

    (void)state;
    open_sink(&s, LOG_GUEST_ERRORS);
    for (int i = 0; i < 1000; i++)
        log_guest(&s.log, "bad %d", i);
    /* A slow machine may step into a second window, hardly into a third. */
    assert_in_range(count_lines(text(&s)), 20, 41);
    assert_non_null(strstr(text(&s), "bad 19\n"));
    /* The next second says how many it missed, and begins anew. */
    s.log.window_start_ns -= 1000000000;
    log_guest(&s.log, "after");
    assert_non_null(strstr(text(&s), "more lines of guest errors left out)\n"
                                     "after\n"));
    for (int i = 0; i < 30; i++)
        log_guest(&s.log, "bad");
    log_destroy(&s.log);
    assert_non_null(strstr(text(&s), "(11 more lines"));
    close_sink(&s);
}

static void works_without_a_file(void **state)
{
    struct log log;

    (void)state;
    log_init(&log, NULL);
    log.mask = UINT32_MAX;
    for (int i = 0; i < 100; i++)
        log_guest(&log, "x");
    log_line(&log, LOG_INT, "x");
    log_destroy(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_items),
        cmocka_unit_test(refuses_items),
        cmocka_unit_test(writes_what_is_on),
        cmocka_unit_test(keeps_the_terminal_safe),
        cmocka_unit_test(limits_guest_errors),
        cmocka_unit_test(works_without_a_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
