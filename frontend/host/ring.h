/*
 * A queue of bytes that grows up to a limit.  No locks: the owner's.
 */
#ifndef FRONTEND_HOST_RING_H
#define FRONTEND_HOST_RING_H

#include <stddef.h>
#include <stdint.h>

/* Empty when zeroed but for limit. */
struct ring {
    uint8_t *bytes;
    size_t size, head, used;
    size_t limit; /* bytes it may hold */
};

/* Append as many of the bytes as there is room for; returns how many. */
size_t ring_put(struct ring *r, const uint8_t *bytes, size_t n);
/* Copy up to n bytes from the front without taking them; returns how many. */
size_t ring_peek(const struct ring *r, uint8_t *out, size_t n);
/* Take n bytes, at most ring->used, from the front. */
void ring_drop(struct ring *r, size_t n);

static inline size_t ring_room(const struct ring *r)
{
    return r->limit - r->used;
}

void ring_free(struct ring *r);

#endif
