/*
 * Memory that is freed all at once: what the command line was parsed into.
 */
#ifndef FRONTEND_CLI_POOL_H
#define FRONTEND_CLI_POOL_H

#include <stddef.h>

struct pool_item;

/* Empty when zeroed. */
struct pool {
    struct pool_item *items;
};

/* All of these end the process with a line when memory is out: the command
 * line is small, and there is nobody below who could go on without it. */

/* size zeroed bytes, owned by the pool. */
void *pool_alloc(struct pool *p, size_t size);
char *pool_strdup(struct pool *p, const char *text);
char *pool_printf(struct pool *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), nonnull(2)));

/*
 * Room for one more element of `size` bytes behind the *n at *array: grows
 * the array, zeroes the new element, counts it, returns it.
 */
void *pool_append(struct pool *p, void *array, size_t *n, size_t size);

void pool_free(struct pool *p);

#endif
