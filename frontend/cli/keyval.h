/*
 * The argument syntax of options: key=value lists, numbers, sizes.
 *
 *     list: item { "," item }     a comma in a value is written ",,"
 *     item: key "=" value | key (on) | "no" key (off)
 *
 * The first item may be a bare value for an implied key.
 */
#ifndef FRONTEND_CLI_KEYVAL_H
#define FRONTEND_CLI_KEYVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "frontend/cli/pool.h"

struct keyval {
    size_t n;
    const char **keys, **values; /* owned by the pool */
};

/*
 * Split text.  implied: the key of a first item without "=", or NULL.
 * false: an item has no key.
 */
bool keyval_parse(struct pool *pool, const char *text, const char *implied,
                  struct keyval *out, struct error *e);

/* The last value of a key, or NULL. */
const char *keyval_get(const struct keyval *kv, const char *key);

/* Did somebody ask for help instead ("help", "?")? */
bool keyval_help(const struct keyval *kv);

/* Are all keys among the n known?  false: names the first that is not, and
 * the nearest that is. */
bool keyval_check(const struct keyval *kv, const char *const *known, size_t n,
                  struct error *e);

/* on|off|yes|no|true|false.  A missing key leaves *out as it is. */
bool keyval_bool(const struct keyval *kv, const char *key, bool *out,
                 struct error *e);

/* A whole number, decimal or 0x hexadecimal, of at most max. */
bool parse_number(const char *text, uint64_t max, uint64_t *out,
                  struct error *e);

/*
 * A size in bytes: a number, also with decimal places, and a suffix of
 * b k M G T P E in either case; without one, the unit is 1 << shift.
 */
bool parse_size(const char *text, unsigned shift, uint64_t *out,
                struct error *e);

/* Seconds as ns: "90", "0.5"; above 0, at most a year. */
bool parse_seconds(const char *text, uint64_t *ns, struct error *e);

/* "'word' is unknown", with the nearest of the n names, or all of them if
 * none is near.  Always returns false. */
bool unknown_word(struct error *e, const char *what, const char *word,
                  const char *const *names, size_t n);

#endif
