/*
 * Keeps firmware from resetting and clearing the user's terminal.
 */
#ifndef FRONTEND_HOST_FILTER_H
#define FRONTEND_HOST_FILTER_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { FILTER_HOLD = 32 };

/* Zeroed at the start. */
struct filter {
    uint8_t held[FILTER_HOLD]; /* an escape sequence that is not complete */
    size_t n_held;
    atomic_bool typed; /* somebody uses the terminal: see filter.c */
};

/*
 * Copy n bytes from in to out but for the sequences that are kept back;
 * returns how many.  out has room for n + FILTER_HOLD.
 */
size_t filter_run(struct filter *f, const uint8_t *in, size_t n, uint8_t *out);

#endif
