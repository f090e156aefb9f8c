/*
 * Field tables: the one list of an object's state.
 *
 * A table names every member of a struct.  Snapshot, reset, comparison and
 * the monitor all walk the same table, so that nothing can be forgotten in
 * one of them; state_check() proves that a table covers its whole struct.
 *
 * Stream format: for each field in table order, its elements as
 * little-endian values of the element's width, no padding and no names;
 * the caller frames, versions and checksums it.
 */
#ifndef BASE_STATE_H
#define BASE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum field_type {
    FIELD_END,
    FIELD_UINT,   /* unsigned: elements of 1, 2, 4 or 8 bytes */
    FIELD_BOOL,   /* bool: nothing but 0 and 1 may be loaded into one */
    FIELD_TIMER,  /* struct timer: saved as armed (1 byte) and deadline */
    FIELD_STRUCT, /* count structs of `size` bytes, each by table `sub` */
    FIELD_BUFFER, /* a byte array behind a pointer of fixed length: `size`
                     bytes; the pointer is set by create and never changes */
    FIELD_HOST,   /* host-side: neither saved, compared nor reset */
};

struct field {
    const char *name;
    enum field_type type;
    uint32_t offset;         /* of the member, in bytes */
    uint32_t size;           /* of one element, in bytes */
    uint32_t count;          /* elements; 1 but for arrays */
    uint64_t reset;          /* each element's value at reset */
    const struct field *sub; /* FIELD_STRUCT only */
    bool keep;               /* a reset leaves it alone (e.g. NVRAM) */
};

#define FIELD_SIZEOF(s, m) sizeof(((s *)0)->m)

#define FIELD_SCALAR_TYPE(s, m)                                              \
    _Generic(((s *)0)->m, bool : FIELD_BOOL, default : FIELD_UINT)

/* A scalar member with its reset value. */
#define FIELD(s, m, reset_value)                                             \
    {#m, FIELD_SCALAR_TYPE(s, m), offsetof(s, m), FIELD_SIZEOF(s, m), 1,     \
     reset_value, NULL, false}
/* An array member, every element reset to reset_value. */
#define FIELD_ARRAY(s, m, reset_value)                                       \
    {#m, FIELD_SCALAR_TYPE(s, m[0]), offsetof(s, m), FIELD_SIZEOF(s, m[0]),  \
     FIELD_SIZEOF(s, m) / FIELD_SIZEOF(s, m[0]), reset_value, NULL, false}
/* The first `n` elements of an array; the others need entries too. */
#define FIELD_FIRST(s, m, n, reset_value)                                    \
    {#m, FIELD_SCALAR_TYPE(s, m[0]), offsetof(s, m), FIELD_SIZEOF(s, m[0]),  \
     n, reset_value, NULL, false}
/* As the ones above, for what a reset leaves alone. */
#define FIELD_KEEP(s, m)                                                     \
    {#m, FIELD_SCALAR_TYPE(s, m), offsetof(s, m), FIELD_SIZEOF(s, m), 1, 0,  \
     NULL, true}
#define FIELD_ARRAY_KEEP(s, m)                                               \
    {#m, FIELD_SCALAR_TYPE(s, m[0]), offsetof(s, m), FIELD_SIZEOF(s, m[0]),  \
     FIELD_SIZEOF(s, m) / FIELD_SIZEOF(s, m[0]), 0, NULL, true}
#define FIELD_TIMER(s, m)                                                    \
    {#m, FIELD_TIMER, offsetof(s, m), FIELD_SIZEOF(s, m), 1, 0, NULL, false}
/* One struct member or an array of them. */
#define FIELD_SUB(s, m, table)                                               \
    {#m, FIELD_STRUCT, offsetof(s, m), FIELD_SIZEOF(s, m), 1, 0, table, false}
#define FIELD_SUBS(s, m, table)                                              \
    {#m, FIELD_STRUCT, offsetof(s, m), FIELD_SIZEOF(s, m[0]),                \
     FIELD_SIZEOF(s, m) / FIELD_SIZEOF(s, m[0]), 0, table, false}
#define FIELD_BUFFER(s, m, bytes)                                            \
    {#m, FIELD_BUFFER, offsetof(s, m), bytes, 1, 0, NULL, false}
#define FIELD_HOST(s, m)                                                     \
    {#m, FIELD_HOST, offsetof(s, m), FIELD_SIZEOF(s, m), 1, 0, NULL, false}
#define FIELD_LIST_END {NULL, FIELD_END, 0, 0, 0, 0, NULL, false}

/* Set every field of obj to its reset value; timers are disarmed. */
void state_reset(const struct field *table, void *obj);

/* Bytes that state_save() writes for this table. */
size_t state_size(const struct field *table);

/* Write obj to out, which has state_size() bytes. */
void state_save(const struct field *table, const void *obj, uint8_t *out);

/* Read obj back from in (exactly state_size() bytes, else false). */
bool state_load(const struct field *table, void *obj, const uint8_t *in,
                size_t size, struct error *e);

/* True if both are equal in every saved field; else names the first. */
bool state_equal(const struct field *table, const void *a, const void *b,
                 struct error *e);

/*
 * True if the table covers all `size` bytes of its struct, each once, but
 * for padding before an aligned member.  Names the first gap or overlap.
 */
bool state_check(const struct field *table, size_t size, struct error *e);

#endif
