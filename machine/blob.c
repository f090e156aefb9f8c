/* Bytes that grow. */
#include "machine/blob.h"

#include <stdlib.h>
#include <string.h>

uint32_t blob_grow(struct blob *b, uint32_t n)
{
    uint32_t at = b->size;

    if (!b->failed && (!b->bytes || b->size + n > b->room)) {
        uint32_t room = (b->size + n) * 2 + 16;
        uint8_t *p = realloc(b->bytes, room);

        b->failed = !p;
        if (p) {
            b->bytes = p;
            b->room = room;
        }
    }
    if (b->failed)
        return 0;
    memset(b->bytes + at, 0, n);
    b->size += n;
    return at;
}

void blob_put(struct blob *b, const void *bytes, uint32_t n)
{
    uint32_t at = blob_grow(b, n);

    if (!b->failed)
        memcpy(b->bytes + at, bytes, n);
}

void blob_set(struct blob *b, uint32_t at, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size && !b->failed; i++)
        b->bytes[at + i] = (uint8_t)(value >> 8 * i);
}

void blob_number(struct blob *b, uint64_t value, unsigned size)
{
    blob_set(b, blob_grow(b, size), value, size);
}

void blob_free(struct blob *b)
{
    free(b->bytes);
    *b = (struct blob){NULL, 0, 0, false};
}
