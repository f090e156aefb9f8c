/*
 * What -cpu says behind a model's name, for every guest.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cpu/core/cpu.h"

#define MAX_FEATURES 128

bool cpu_name_is(const char *name, const char *text, size_t n)
{
    return strlen(name) == n && !strncasecmp(name, text, n);
}

static bool unknown(const char *(*name)(unsigned n), const char *text, size_t n,
                    struct error *e)
{
    const char *names[MAX_FEATURES], *near;
    unsigned count = 0;
    char word[32];

    while (count < MAX_FEATURES && (names[count] = name(count)))
        count++;
    snprintf(word, sizeof(word), "%.*s", (int)n, text);
    near = nearest_name(word, names, count);
    return error_set(e, "unknown feature '%s'%s%s%s", word,
                     near ? ", did you mean '" : "", near ? near : "",
                     near ? "'?" : "");
}

static bool parse_bool(const char *text, size_t n, bool *on)
{
    *on = cpu_name_is("on", text, n) || cpu_name_is("true", text, n);
    return *on || cpu_name_is("off", text, n) || cpu_name_is("false", text, n);
}

bool cpu_parse_feature(const char *(*name)(unsigned n), const char *item,
                       size_t length, unsigned *index, bool *on,
                       struct error *e)
{
    const char *eq = memchr(item, '=', length);
    size_t n = eq ? (size_t)(eq - item) : length;

    *on = true;
    if (*item == '+' || *item == '-') {
        if (eq)
            return error_set(e, "'%.*s': + or - takes no value", (int)length,
                             item);
        *on = *item == '+';
        item++;
        n--;
    } else if (eq && !parse_bool(eq + 1, length - n - 1, on)) {
        return error_set(e, "'%.*s' wants on or off", (int)length, item);
    }
    for (*index = 0; name(*index); ++*index)
        if (cpu_name_is(name(*index), item, n))
            return true;
    return unknown(name, item, n, e);
}
