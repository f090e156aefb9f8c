/*
 * Memory that is freed all at once.
 *
 * An array that grows leaves its old copies in the pool; command lines are
 * short, so that nothing better is needed.
 */
#include "frontend/cli/pool.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pool_item {
    struct pool_item *next;
    alignas(max_align_t) char bytes[];
};

void *pool_alloc(struct pool *p, size_t size)
{
    struct pool_item *item = calloc(1, sizeof(*item) + size);

    if (!item) {
        fputs("emu: out of memory\n", stderr);
        exit(1);
    }
    item->next = p->items;
    p->items = item;
    return item->bytes;
}

char *pool_strdup(struct pool *p, const char *text)
{
    size_t size = strlen(text) + 1;

    return memcpy(pool_alloc(p, size), text, size);
}

char *pool_printf(struct pool *p, const char *fmt, ...)
{
    va_list ap;
    char *text;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    text = pool_alloc(p, (size_t)n + 1);
    va_start(ap, fmt);
    vsnprintf(text, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return text;
}

void *pool_append(struct pool *p, void *array, size_t *n, size_t size)
{
    char *grown = pool_alloc(p, (*n + 1) * size);
    void *old;

    /* array points to a pointer of some type: copied, not cast. */
    memcpy(&old, array, sizeof(old));
    if (*n)
        memcpy(grown, old, *n * size);
    old = grown;
    memcpy(array, &old, sizeof(old));
    return grown + size * (*n)++;
}

void pool_free(struct pool *p)
{
    while (p->items) {
        struct pool_item *item = p->items;

        p->items = item->next;
        free(item);
    }
}
