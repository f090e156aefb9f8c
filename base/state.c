/*
 * Field tables: reset, save, load, compare, and the check of a table.
 *
 * What state_check() cannot see: a member that hides where padding before
 * an aligned member could be.  Everything else that is forgotten shows.
 */
#include "base/state.h"

#include <assert.h>
#include <stdalign.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"

enum { TIMER_BYTES = 1 + 8 };

static uint64_t load_native(const void *p, unsigned size)
{
    uint8_t v8;
    uint16_t v16;
    uint32_t v32;
    uint64_t v64;

    switch (size) {
    case 1:
        memcpy(&v8, p, 1);
        return v8;
    case 2:
        memcpy(&v16, p, 2);
        return v16;
    case 4:
        memcpy(&v32, p, 4);
        return v32;
    default:
        assert(size == 8);
        memcpy(&v64, p, 8);
        return v64;
    }
}

static void store_native(void *p, uint64_t v, unsigned size)
{
    uint8_t v8 = (uint8_t)v;
    uint16_t v16 = (uint16_t)v;
    uint32_t v32 = (uint32_t)v;

    switch (size) {
    case 1:
        memcpy(p, &v8, 1);
        break;
    case 2:
        memcpy(p, &v16, 2);
        break;
    case 4:
        memcpy(p, &v32, 4);
        break;
    default:
        assert(size == 8);
        memcpy(p, &v, 8);
    }
}

/* Element i of field f. */
static void *element(const struct field *f, void *obj, uint32_t i)
{
    return (uint8_t *)obj + f->offset + (size_t)i * f->size;
}

static const void *element_of(const struct field *f, const void *obj,
                              uint32_t i)
{
    return (const uint8_t *)obj + f->offset + (size_t)i * f->size;
}

/* What the pointer of a FIELD_BUFFER points to. */
static uint8_t *buffer(const struct field *f, const void *obj)
{
    uint8_t *p;

    memcpy(&p, (const uint8_t *)obj + f->offset, sizeof(p));
    assert(p);
    return p;
}

static void reset_element(const struct field *f, void *obj, uint32_t i)
{
    switch (f->type) {
    case FIELD_UINT:
    case FIELD_BOOL:
        store_native(element(f, obj, i), f->reset, f->size);
        break;
    case FIELD_TIMER:
        timer_disarm(element(f, obj, i));
        break;
    case FIELD_STRUCT:
        state_reset(f->sub, element(f, obj, i));
        break;
    case FIELD_BUFFER:
        memset(buffer(f, obj), 0, f->size);
        break;
    default:
        break;
    }
}

void state_reset(const struct field *table, void *obj)
{
    for (const struct field *f = table; f->type != FIELD_END; f++)
        for (uint32_t i = 0; i < f->count && !f->keep; i++)
            reset_element(f, obj, i);
}

/* Stream bytes of one element. */
static size_t element_size(const struct field *f)
{
    switch (f->type) {
    case FIELD_UINT:
    case FIELD_BOOL:
    case FIELD_BUFFER:
        return f->size;
    case FIELD_TIMER:
        return TIMER_BYTES;
    case FIELD_STRUCT:
        return state_size(f->sub);
    default:
        return 0;
    }
}

size_t state_size(const struct field *table)
{
    size_t n = 0;

    for (const struct field *f = table; f->type != FIELD_END; f++)
        n += element_size(f) * f->count;
    return n;
}

static void save_element(const struct field *f, const void *obj, uint32_t i,
                         uint8_t *out)
{
    const void *p = element_of(f, obj, i);
    const struct timer *t;

    switch (f->type) {
    case FIELD_UINT:
    case FIELD_BOOL:
        st_le(out, load_native(p, f->size), f->size);
        break;
    case FIELD_TIMER:
        t = p;
        out[0] = timer_armed(t);
        st_le64(out + 1, timer_armed(t) ? t->deadline : CLOCK_NEVER);
        break;
    case FIELD_STRUCT:
        state_save(f->sub, p, out);
        break;
    case FIELD_BUFFER:
        memcpy(out, buffer(f, obj), f->size);
        break;
    default:
        break;
    }
}

void state_save(const struct field *table, const void *obj, uint8_t *out)
{
    for (const struct field *f = table; f->type != FIELD_END; f++)
        for (uint32_t i = 0; i < f->count; i++) {
            save_element(f, obj, i, out);
            out += element_size(f);
        }
}

/* Nothing is loaded before all of it is known to be sound. */
static bool check_stream(const struct field *table, const uint8_t *in,
                         struct error *e)
{
    for (const struct field *f = table; f->type != FIELD_END; f++)
        for (uint32_t i = 0; i < f->count; i++, in += element_size(f)) {
            if (f->type == FIELD_STRUCT && !check_stream(f->sub, in, e))
                return error_prefix(e, "%s", f->name);
            if (f->type == FIELD_BOOL && ld_le(in, f->size) > 1)
                return error_set(e, "%s: damaged bool", f->name);
            if (f->type == FIELD_TIMER &&
                in[0] != (ld_le64(in + 1) != CLOCK_NEVER))
                return error_set(e, "%s: damaged timer", f->name);
        }
    return true;
}

static void load_element(const struct field *f, void *obj, uint32_t i,
                         const uint8_t *in);

static void load_table(const struct field *table, void *obj, const uint8_t *in)
{
    for (const struct field *f = table; f->type != FIELD_END; f++)
        for (uint32_t i = 0; i < f->count; i++) {
            load_element(f, obj, i, in);
            in += element_size(f);
        }
}

static void load_element(const struct field *f, void *obj, uint32_t i,
                         const uint8_t *in)
{
    void *p = element(f, obj, i);

    switch (f->type) {
    case FIELD_UINT:
    case FIELD_BOOL:
        store_native(p, ld_le(in, f->size), f->size);
        break;
    case FIELD_TIMER:
        timer_arm(p, ld_le64(in + 1)); /* CLOCK_NEVER disarms */
        break;
    case FIELD_STRUCT:
        load_table(f->sub, p, in);
        break;
    case FIELD_BUFFER:
        memcpy(buffer(f, obj), in, f->size);
        break;
    default:
        break;
    }
}

bool state_load(const struct field *table, void *obj, const uint8_t *in,
                size_t size, struct error *e)
{
    size_t want = state_size(table);

    if (size != want)
        return error_set(e, "%zu bytes of state where %zu are due", size, want);
    if (!check_stream(table, in, e))
        return false;
    load_table(table, obj, in);
    return true;
}

/* "name" or "name[3]", in front of whatever e says already. */
static bool name_element(struct error *e, const struct field *f, uint32_t i)
{
    if (f->count > 1)
        return error_prefix(e, "%s[%u]", f->name, (unsigned)i);
    return error_prefix(e, "%s", f->name);
}

static bool element_equal(const struct field *f, const void *a, const void *b,
                          uint32_t i, struct error *e)
{
    const void *pa = element_of(f, a, i), *pb = element_of(f, b, i);
    const struct timer *ta = pa, *tb = pb;
    uint64_t va, vb;

    switch (f->type) {
    case FIELD_UINT:
    case FIELD_BOOL:
        va = load_native(pa, f->size);
        vb = load_native(pb, f->size);
        return va == vb ||
               error_set(e, "0x%llx and 0x%llx differ", (unsigned long long)va,
                         (unsigned long long)vb);
    case FIELD_TIMER:
        va = timer_armed(ta) ? ta->deadline : CLOCK_NEVER;
        vb = timer_armed(tb) ? tb->deadline : CLOCK_NEVER;
        return va == vb ||
               error_set(e, "deadlines %llu and %llu differ",
                         (unsigned long long)va, (unsigned long long)vb);
    case FIELD_STRUCT:
        return state_equal(f->sub, pa, pb, e);
    case FIELD_BUFFER:
        return !memcmp(buffer(f, a), buffer(f, b), f->size) ||
               error_set(e, "contents differ");
    default:
        return true;
    }
}

bool state_equal(const struct field *table, const void *a, const void *b,
                 struct error *e)
{
    for (const struct field *f = table; f->type != FIELD_END; f++)
        for (uint32_t i = 0; i < f->count; i++)
            if (!element_equal(f, a, b, i, e))
                return name_element(e, f, i);
    return true;
}

/* The largest power of two that divides n. */
static size_t lowest_bit(size_t n)
{
    return n & ~(n - 1);
}

static size_t table_alignment(const struct field *table);

/*
 * The alignment of a field's type, or an upper bound: of a host-side member
 * only offset and size are known, and both are multiples of it.
 */
static size_t field_alignment(const struct field *f)
{
    size_t n;

    switch (f->type) {
    case FIELD_UINT:
    case FIELD_BOOL:
        return f->size;
    case FIELD_TIMER:
        return alignof(struct timer);
    case FIELD_BUFFER:
        return alignof(void *);
    case FIELD_STRUCT:
        return table_alignment(f->sub);
    default:
        n = lowest_bit((size_t)f->offset | f->size);
        return n < alignof(max_align_t) ? n : alignof(max_align_t);
    }
}

static size_t table_alignment(const struct field *table)
{
    size_t most = 1;

    for (const struct field *f = table; f->type != FIELD_END; f++) {
        size_t n = field_alignment(f);

        most = n > most ? n : most;
    }
    return most;
}

/* Bytes of the struct that a field takes. */
static size_t member_size(const struct field *f)
{
    if (f->type == FIELD_BUFFER)
        return sizeof(void *);
    return (size_t)f->size * f->count;
}

static bool check_field(const struct field *f, size_t size, struct error *e)
{
    if (!f->name)
        return error_set(e, "a field at offset %u has no name",
                         (unsigned)f->offset);
    if (!f->size || !f->count)
        return error_set(e, "%s: empty", f->name);
    if (f->offset > size || member_size(f) > size - f->offset)
        return error_set(e, "%s: beyond the end of the struct", f->name);
    switch (f->type) {
    case FIELD_BOOL:
        return f->size == sizeof(bool) ||
               error_set(e, "%s: not a bool", f->name);
    case FIELD_UINT:
        if (f->size > 8 || (f->size & (f->size - 1)))
            return error_set(e, "%s: elements of %u bytes", f->name,
                             (unsigned)f->size);
        return true;
    case FIELD_TIMER:
        return f->size == sizeof(struct timer) ||
               error_set(e, "%s: not a struct timer", f->name);
    case FIELD_BUFFER:
        return f->count == 1 || error_set(e, "%s: array of buffers", f->name);
    case FIELD_STRUCT:
        if (!f->sub)
            return error_set(e, "%s: no table", f->name);
        return state_check(f->sub, f->size, e) ||
               error_prefix(e, "%s", f->name);
    case FIELD_HOST:
        return true;
    default:
        return error_set(e, "%s: unknown type", f->name);
    }
}

/* The field with the lowest offset that is >= at, the table being in any
 * order; of several at one offset, the first not yet seen (after prev). */
static const struct field *next_field(const struct field *table,
                                      const struct field *prev)
{
    const struct field *best = NULL;

    for (const struct field *f = table; f->type != FIELD_END; f++) {
        if (prev && (f->offset < prev->offset ||
                     (f->offset == prev->offset && f <= prev)))
            continue;
        if (!best || f->offset < best->offset)
            best = f;
    }
    return best;
}

bool state_check(const struct field *table, size_t size, struct error *e)
{
    const struct field *f = NULL;
    const char *before = "the struct's start";
    size_t at = 0;

    for (const struct field *g = table; g->type != FIELD_END; g++)
        if (!check_field(g, size, e))
            return false;
    while ((f = next_field(table, f))) {
        if (f->offset < at)
            return error_set(e, "%s and %s overlap", before, f->name);
        if (f->offset - at >= field_alignment(f))
            return error_set(e, "%zu bytes between %s and %s in no field",
                             f->offset - at, before, f->name);
        at = f->offset + member_size(f);
        before = f->name;
    }
    if (size - at >= table_alignment(table))
        return error_set(e, "%zu bytes behind %s in no field", size - at,
                         before);
    return true;
}
