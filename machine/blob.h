/* Bytes that grow, for tables that firmware is told; errors stick. */
#ifndef MACHINE_BLOB_H
#define MACHINE_BLOB_H

#include <stdbool.h>
#include <stdint.h>

struct blob {
    uint8_t *bytes; /* malloc()ed, the owner's */
    uint32_t size, room;
    bool failed; /* out of memory: nothing was added since */
};

/* Add n zero bytes; returns where they begin (0 if that failed). */
uint32_t blob_grow(struct blob *b, uint32_t n);
void blob_put(struct blob *b, const void *bytes, uint32_t n);
/* A number of `size` bytes, 1 to 8, little-endian. */
void blob_number(struct blob *b, uint64_t value, unsigned size);
/* Change what is there. */
void blob_set(struct blob *b, uint32_t at, uint64_t value, unsigned size);
void blob_free(struct blob *b);

#endif
