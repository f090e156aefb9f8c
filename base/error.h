/*
 * Errors that a caller can show to a person.
 *
 * Only frontend/ prints or exits.  Everything below it returns false and
 * leaves one line in a struct error that the caller owns.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

struct error {
    char text[512]; /* one line, no newline; "" while nothing failed */
};

#define BASE_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/*
 * Fill e (which may be NULL) with a formatted line, cut at its size.
 * Always returns false, so that a function can `return error_set(...)`.
 */
bool error_set(struct error *e, const char *fmt, ...) BASE_PRINTF(2, 3);

/* Put "prefix: " in front of what e says.  Always returns false. */
bool error_prefix(struct error *e, const char *fmt, ...) BASE_PRINTF(2, 3);

/*
 * Of the n names, the one nearest to word (edit distance at most a third of
 * its length, at least 1, but less than its length), or NULL.  For "did you
 * mean" in error lines.
 */
const char *nearest_name(const char *word, const char *const *names, size_t n);

#endif
