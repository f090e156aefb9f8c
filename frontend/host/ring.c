/*
 * A queue of bytes that grows up to a limit, by doubling.
 */
#include "frontend/host/ring.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SIZE = 4096 };

/* Room for n bytes in all; false: no memory, and nothing has changed. */
static bool grow(struct ring *r, size_t n)
{
    size_t size = r->size ? r->size : FIRST_SIZE;
    uint8_t *bytes;

    while (size < n)
        size *= 2;
    if (size == r->size)
        return true;
    bytes = malloc(size);
    if (!bytes)
        return false;
    ring_peek(r, bytes, r->used);
    free(r->bytes);
    r->bytes = bytes;
    r->size = size;
    r->head = 0;
    return true;
}

size_t ring_put(struct ring *r, const uint8_t *bytes, size_t n)
{
    size_t at, first;

    if (n > ring_room(r))
        n = ring_room(r);
    if (!n || !grow(r, r->used + n))
        return 0;
    at = (r->head + r->used) % r->size;
    first = n < r->size - at ? n : r->size - at;
    memcpy(r->bytes + at, bytes, first);
    memcpy(r->bytes, bytes + first, n - first);
    r->used += n;
    return n;
}

size_t ring_peek(const struct ring *r, uint8_t *out, size_t n)
{
    size_t first;

    if (n > r->used)
        n = r->used;
    if (!n)
        return 0;
    first = n < r->size - r->head ? n : r->size - r->head;
    memcpy(out, r->bytes + r->head, first);
    memcpy(out + first, r->bytes, n - first);
    return n;
}

void ring_drop(struct ring *r, size_t n)
{
    r->used -= n;
    r->head = r->used ? (r->head + n) % r->size : 0;
}

void ring_free(struct ring *r)
{
    free(r->bytes);
    *r = (struct ring){.limit = r->limit};
}
