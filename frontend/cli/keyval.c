/*
 * The argument syntax of options: key=value lists, numbers, sizes.
 *
 * It is QEMU's, so that scripts written for it run.  Missing: JSON as an
 * argument, and nested keys (a.b=c).
 */
#include "frontend/cli/keyval.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Copy one item to out, ",," made ","; returns where the next one begins,
 * or NULL at the end. */
static const char *next_item(const char *text, char *out)
{
    for (; *text; text++) {
        if (*text == ',' && *++text != ',') {
            *out = '\0';
            return text;
        }
        *out++ = *text;
    }
    *out = '\0';
    return NULL;
}

static void add(struct pool *pool, struct keyval *kv, const char *key,
                const char *value)
{
    size_t n = kv->n;

    *(const char **)pool_append(pool, &kv->keys, &n, sizeof(*kv->keys)) = key;
    *(const char **)pool_append(pool, &kv->values, &kv->n,
                                sizeof(*kv->values)) = value;
}

static bool add_item(struct pool *pool, struct keyval *kv, char *item,
                     const char *implied, struct error *e)
{
    char *equals = strchr(item, '=');

    if (equals) {
        *equals = '\0';
        if (equals == item)
            return error_set(e, "'=%s' has no key before the '='", equals + 1);
        add(pool, kv, item, equals + 1);
    } else if (implied) {
        add(pool, kv, implied, item);
    } else if (!*item) {
        return error_set(e, "empty item (a comma in a value is written ',,')");
    } else if (!strncmp(item, "no", 2) && item[2]) {
        add(pool, kv, item + 2, "off");
    } else {
        add(pool, kv, item, "on");
    }
    return true;
}

bool keyval_parse(struct pool *pool, const char *text, const char *implied,
                  struct keyval *out, struct error *e)
{
    *out = (struct keyval){0};
    while (text) {
        char *item = pool_alloc(pool, strlen(text) + 1);

        text = next_item(text, item);
        if (!add_item(pool, out, item, implied, e))
            return false;
        implied = NULL;
    }
    return true;
}

const char *keyval_get(const struct keyval *kv, const char *key)
{
    const char *value = NULL;

    for (size_t i = 0; i < kv->n; i++)
        if (!strcmp(kv->keys[i], key))
            value = kv->values[i];
    return value;
}

static bool is_help(const char *word)
{
    return !strcmp(word, "help") || !strcmp(word, "?");
}

bool keyval_help(const struct keyval *kv)
{
    for (size_t i = 0; i < kv->n; i++)
        if (is_help(kv->keys[i]) || (!i && is_help(kv->values[i])))
            return true;
    return false;
}

bool unknown_word(struct error *e, const char *what, const char *word,
                  const char *const *names, size_t n)
{
    const char *near = nearest_name(word, names, n);
    char all[256] = "";
    size_t used = 0;

    if (near)
        return error_set(e, "unknown %s '%s'; did you mean '%s'?", what, word,
                         near);
    for (size_t i = 0; i < n && used < sizeof(all); i++) {
        const char *sep = !i ? "" : i + 1 < n ? ", " : " or ";

        used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s", sep,
                                 names[i]);
    }
    return error_set(e, "unknown %s '%s'; accepted: %s", what, word, all);
}

bool keyval_check(const struct keyval *kv, const char *const *known, size_t n,
                  struct error *e)
{
    for (size_t i = 0; i < kv->n; i++) {
        size_t k = 0;

        while (k < n && strcmp(kv->keys[i], known[k]))
            k++;
        if (k == n)
            return unknown_word(e, "property", kv->keys[i], known, n);
    }
    return true;
}

bool keyval_bool(const struct keyval *kv, const char *key, bool *out,
                 struct error *e)
{
    const char *value = keyval_get(kv, key);

    if (!value)
        return true;
    if (!strcmp(value, "on") || !strcmp(value, "yes") ||
        !strcmp(value, "true")) {
        *out = true;
    } else if (!strcmp(value, "off") || !strcmp(value, "no") ||
               !strcmp(value, "false")) {
        *out = false;
    } else {
        return error_set(e, "%s=%s: accepted are on and off", key, value);
    }
    return true;
}

bool parse_number(const char *text, uint64_t max, uint64_t *out,
                  struct error *e)
{
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    unsigned long long value;
    char *end;

    /* strtoull() would take signs and blanks. */
    if (!isdigit((unsigned char)*text))
        return error_set(e, "'%s' is not a number", text);
    errno = 0;
    value = strtoull(text, &end, hex ? 16 : 10);
    if (*end)
        return error_set(e, "'%s' is not a number", text);
    if (errno || value > max)
        return error_set(e, "%s is too large (at most %llu)", text,
                         (unsigned long long)max);
    *out = value;
    return true;
}

/* The power of two that a suffix stands for; -1: none does. */
static int suffix_shift(const char *text, unsigned fallback)
{
    static const char letters[] = "bkmgtpe";
    const char *at;

    if (!*text)
        return (int)fallback;
    at = strchr(letters, tolower((unsigned char)*text));
    if (!at || text[1])
        return -1;
    return 10 * (int)(at - letters);
}

/* The digits behind a decimal point, as bytes of a unit of 1 << shift. */
static uint64_t fraction_bytes(const char *digits, const char *end, int shift)
{
    double value = 0, place = 1;

    while (digits < end)
        value += (*digits++ - '0') * (place /= 10);
    value = value * (double)((uint64_t)1 << shift) + 0.5;
    if (value >= (double)((uint64_t)1 << shift)) /* .999... rounds up */
        return ((uint64_t)1 << shift) - 1;
    return (uint64_t)value;
}

bool parse_size(const char *text, unsigned shift, uint64_t *out,
                struct error *e)
{
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    const char *point = NULL;
    unsigned long long value;
    int unit;
    char *end;

    if (!isdigit((unsigned char)*text))
        goto bad;
    errno = 0;
    value = strtoull(text, &end, hex ? 16 : 10);
    if (*end == '.' && !hex) {
        point = ++end;
        while (isdigit((unsigned char)*end))
            end++;
        if (end == point)
            goto bad;
    }
    unit = suffix_shift(end, shift);
    if (unit < 0)
        goto bad;
    if (errno || (unit && value >> (64 - unit)))
        return error_set(e, "'%s' is more than 64 bits can hold", text);
    *out = (uint64_t)value << unit;
    if (point)
        *out += fraction_bytes(point, end, unit);
    return true;
bad:
    return error_set(e, "'%s' is not a size: a number and b, k, M, G or T",
                     text);
}

bool parse_seconds(const char *text, uint64_t *ns, struct error *e)
{
    double value;
    char *end;

    errno = 0;
    value = strtod(text, &end);
    if (!isdigit((unsigned char)*text) || *end || errno || !(value > 0) ||
        value > 366.0 * 86400)
        return error_set(e, "'%s' is not a number of seconds above 0", text);
    *ns = (uint64_t)(value * 1e9);
    if (!*ns)
        *ns = 1;
    return true;
}
