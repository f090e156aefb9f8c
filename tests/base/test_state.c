/* base/state.h: tables over a struct that has every kind of member. */
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/state.h"

struct inner {
    uint16_t a;
    uint8_t b[3];
};

struct outer {
    void *host;
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    bool flag;
    uint32_t array[5];
    struct inner one, many[2];
    uint64_t nvram;
    struct timer timer;
    uint8_t *buffer;
};

static const struct field inner_fields[] = {
    FIELD(struct inner, a, 7),
    FIELD_ARRAY(struct inner, b, 0x55),
    FIELD_LIST_END,
};

static const struct field outer_fields[] = {
    FIELD_HOST(struct outer, host),
    FIELD(struct outer, u8, 0x81),
    FIELD(struct outer, u16, 0x8182),
    FIELD(struct outer, u32, 0x81828384),
    FIELD(struct outer, u64, 0x8182838485868788),
    FIELD(struct outer, flag, true),
    FIELD_ARRAY(struct outer, array, 9),
    FIELD_SUB(struct outer, one, inner_fields),
    FIELD_SUBS(struct outer, many, inner_fields),
    FIELD_KEEP(struct outer, nvram),
    FIELD_TIMER(struct outer, timer),
    FIELD_BUFFER(struct outer, buffer, 6),
    FIELD_LIST_END,
};

enum { OUTER_BYTES = 1 + 2 + 4 + 8 + 1 + 20 + 3 * 5 + 8 + 9 + 6 };

struct fixture {
    struct clock *clock;
    struct outer a, b;
};

static void no_fire(void *owner)
{
    (void)owner;
}

static void make(struct outer *o, struct clock *c)
{
    memset(o, 0, sizeof(*o));
    o->buffer = calloc(1, 6);
    timer_init(&o->timer, c, no_fire, o);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->clock = clock_new();
    make(&f->a, f->clock);
    make(&f->b, f->clock);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    free(f->a.buffer);
    free(f->b.buffer);
    clock_free(f->clock);
    free(f);
    return 0;
}

static void fill(struct outer *o)
{
    o->host = o;
    o->u8 = 1;
    o->u16 = 0x0203;
    o->u32 = 0x04050607;
    o->u64 = 0x08090a0b0c0d0e0f;
    o->flag = true;
    for (unsigned i = 0; i < 5; i++)
        o->array[i] = 0x10 + i;
    o->one = (struct inner){0x2122, {0x23, 0x24, 0x25}};
    o->many[0] = (struct inner){0x3132, {0x33, 0x34, 0x35}};
    o->many[1] = (struct inner){0x4142, {0x43, 0x44, 0x45}};
    o->nvram = 0x5152535455565758;
    timer_arm(&o->timer, 0x6162636465666768);
    memcpy(o->buffer, "buffer", 6);
}

static void saves_little_endian(void **state)
{
    static const uint8_t want[OUTER_BYTES] = {
        0x01, 0x03, 0x02, 0x07, 0x06, 0x05, 0x04, 0x0f, 0x0e, 0x0d, 0x0c,
        0x0b, 0x0a, 0x09, 0x08, 0x01, 0x10, 0,    0,    0,    0x11, 0,
        0,    0,    0x12, 0,    0,    0,    0x13, 0,    0,    0,    0x14,
        0,    0,    0,    0x22, 0x21, 0x23, 0x24, 0x25, 0x32, 0x31, 0x33,
        0x34, 0x35, 0x42, 0x41, 0x43, 0x44, 0x45, 0x58, 0x57, 0x56, 0x55,
        0x54, 0x53, 0x52, 0x51, 0x01, 0x68, 0x67, 0x66, 0x65, 0x64, 0x63,
        0x62, 0x61, 'b',  'u',  'f',  'f',  'e',  'r'};
    struct fixture *f = *state;
    uint8_t got[OUTER_BYTES];

    fill(&f->a);
    assert_int_equal(state_size(outer_fields), OUTER_BYTES);
    state_save(outer_fields, &f->a, got);
    assert_memory_equal(got, want, OUTER_BYTES);
}

static void loads_what_it_saved(void **state)
{
    struct fixture *f = *state;
    uint8_t bytes[OUTER_BYTES];
    struct error e = {""};

    fill(&f->a);
    state_save(outer_fields, &f->a, bytes);
    assert_false(state_equal(outer_fields, &f->a, &f->b, &e));
    assert_string_equal(e.text, "u8: 0x1 and 0x0 differ");
    assert_true(state_load(outer_fields, &f->b, bytes, OUTER_BYTES, &e));
    assert_true(state_equal(outer_fields, &f->a, &f->b, &e));
    assert_true(timer_armed(&f->b.timer));
    assert_true(f->b.timer.deadline == 0x6162636465666768);
    assert_null(f->b.host);
    assert_ptr_not_equal(f->a.buffer, f->b.buffer);

    timer_disarm(&f->a.timer);
    state_save(outer_fields, &f->a, bytes);
    assert_true(state_load(outer_fields, &f->b, bytes, OUTER_BYTES, &e));
    assert_false(timer_armed(&f->b.timer));
    assert_true(state_equal(outer_fields, &f->a, &f->b, &e));
}

static void refuses_damage(void **state)
{
    struct fixture *f = *state;
    uint8_t bytes[OUTER_BYTES + 1], *timer = bytes + OUTER_BYTES - 15;
    struct error e;

    fill(&f->a);
    state_save(outer_fields, &f->a, bytes);
    assert_false(state_load(outer_fields, &f->b, bytes, OUTER_BYTES - 1, &e));
    assert_string_equal(e.text, "73 bytes of state where 74 are due");
    assert_false(state_load(outer_fields, &f->b, bytes, OUTER_BYTES + 1, &e));
    assert_false(state_load(outer_fields, &f->b, bytes, 0, &e));
    assert_int_equal(bytes[15], 1); /* flag */
    bytes[15] = 2;
    assert_false(state_load(outer_fields, &f->b, bytes, OUTER_BYTES, &e));
    assert_string_equal(e.text, "flag: damaged bool");
    bytes[15] = 1;
    assert_int_equal(timer[0], 1);
    timer[0] = 2;
    assert_false(state_load(outer_fields, &f->b, bytes, OUTER_BYTES, &e));
    assert_string_equal(e.text, "timer: damaged timer");
    timer[0] = 0; /* yet a deadline */
    assert_false(state_load(outer_fields, &f->b, bytes, OUTER_BYTES, &e));
    timer[0] = 1;
    memset(timer + 1, 0xff, 8); /* armed for never */
    assert_false(state_load(outer_fields, &f->b, bytes, OUTER_BYTES, &e));
    /* Nothing of it was loaded. */
    assert_int_equal(f->b.u8, 0);
}

static void names_what_differs(void **state)
{
    struct fixture *f = *state;
    struct error e;

    fill(&f->a);
    fill(&f->b);
    assert_true(state_equal(outer_fields, &f->a, &f->b, &e));
    f->b.array[3]++;
    assert_false(state_equal(outer_fields, &f->a, &f->b, &e));
    assert_string_equal(e.text, "array[3]: 0x13 and 0x14 differ");
    f->b.array[3]--;
    f->b.many[1].b[2] ^= 0x80;
    assert_false(state_equal(outer_fields, &f->a, &f->b, &e));
    assert_string_equal(e.text, "many[1]: b[2]: 0x45 and 0xc5 differ");
    f->b.many[1].b[2] ^= 0x80;
    f->b.buffer[5]++;
    assert_false(state_equal(outer_fields, &f->a, &f->b, &e));
    assert_string_equal(e.text, "buffer: contents differ");
    f->b.buffer[5]--;
    timer_arm(&f->b.timer, 1);
    assert_false(state_equal(outer_fields, &f->a, &f->b, &e));
    assert_non_null(strstr(e.text, "timer: deadlines"));
}

static void resets(void **state)
{
    struct fixture *f = *state;
    struct outer *o = &f->a;

    fill(o);
    state_reset(outer_fields, o);
    assert_int_equal(o->u8, 0x81);
    assert_int_equal(o->u16, 0x8182);
    assert_int_equal(o->u32, 0x81828384);
    assert_true(o->u64 == 0x8182838485868788);
    assert_true(o->flag);
    assert_int_equal(o->array[0], 9);
    assert_int_equal(o->array[4], 9);
    assert_int_equal(o->many[1].a, 7);
    assert_int_equal(o->many[1].b[2], 0x55);
    assert_true(o->nvram == 0x5152535455565758);
    assert_false(timer_armed(&o->timer));
    assert_memory_equal(o->buffer, "\0\0\0\0\0\0", 6);
    assert_ptr_equal(o->host, o);
}

static void accepts_whole_tables(void **state)
{
    struct error e;

    (void)state;
    assert_true(state_check(outer_fields, sizeof(struct outer), &e));
    assert_true(state_check(inner_fields, sizeof(struct inner), &e));
}

/* Must fail, with this text in the line. */
static void check_fails(const struct field *table, size_t size,
                        const char *text)
{
    struct error e = {""};

    assert_false(state_check(table, size, &e));
    if (!strstr(e.text, text))
        fail_msg("'%s' does not say '%s'", e.text, text);
}

/* Take any one field away, and the check must see it: but for members that
 * hide where padding could be. */
static void sees_forgotten_fields(void **state)
{
    enum { N = sizeof(outer_fields) / sizeof(outer_fields[0]) };
    unsigned seen = 0;

    (void)state;
    for (unsigned skip = 0; skip < N - 1; skip++) {
        struct field table[N];
        unsigned n = 0;
        struct error e;

        for (unsigned i = 0; i < N; i++)
            if (i != skip)
                table[n++] = outer_fields[i];
        seen += !state_check(table, sizeof(struct outer), &e);
    }
    /* u16 looks like padding before u32; u32 like padding before u64, but
     * where pointers are short and so leave more. */
    assert_int_equal(seen, N - 1 - (sizeof(void *) == 8 ? 2 : 1));
}

static void sees_bad_tables(void **state)
{
    struct s {
        uint32_t a, b;
        uint64_t c[2];
        void *p;
    };
    const struct field gap[] = {
        FIELD(struct s, a, 0),
        FIELD_ARRAY(struct s, c, 0),
        FIELD_HOST(struct s, p),
        FIELD_LIST_END,
    };
    const struct field tail[] = {
        FIELD(struct s, a, 0),
        FIELD(struct s, b, 0),
        FIELD_ARRAY(struct s, c, 0),
        FIELD_LIST_END,
    };
    const struct field twice[] = {
        FIELD(struct s, a, 0),   FIELD(struct s, b, 0),
        FIELD(struct s, b, 0),   FIELD_ARRAY(struct s, c, 0),
        FIELD_HOST(struct s, p), FIELD_LIST_END,
    };
    const struct field any_order[] = {
        FIELD_HOST(struct s, p), FIELD_ARRAY(struct s, c, 0),
        FIELD(struct s, b, 0),   FIELD(struct s, a, 0),
        FIELD_LIST_END,
    };
    struct field odd[] = {any_order[0], any_order[1], any_order[2],
                          any_order[3], any_order[4]};
    struct error e;

    (void)state;
    assert_true(state_check(any_order, sizeof(struct s), &e));
    if (sizeof(void *) == 8)
        /* Four bytes before eight: indistinguishable from padding. */
        assert_true(state_check(gap, sizeof(struct s), &e));
    check_fails(tail, sizeof(struct s), "behind c in no field");
    check_fails(twice, sizeof(struct s), "b and b overlap");
    check_fails(any_order, offsetof(struct s, p) + 1, "p: beyond the end");
    check_fails(any_order, sizeof(struct s) + 8, "behind p in no field");
    odd[2].size = 3;
    check_fails(odd, sizeof(struct s), "b: elements of 3 bytes");
    odd[2].size = 0;
    check_fails(odd, sizeof(struct s), "b: empty");
    odd[2] = any_order[2];
    odd[2].name = NULL;
    check_fails(odd, sizeof(struct s), "has no name");
    odd[2] = any_order[2];
    odd[2].type = FIELD_TIMER;
    check_fails(odd, sizeof(struct s), "b: not a struct timer");
    odd[2].type = FIELD_STRUCT;
    check_fails(odd, sizeof(struct s), "b: no table");
    odd[2].type = FIELD_BOOL;
    check_fails(odd, sizeof(struct s), "b: not a bool");
    odd[2].type = (enum field_type)99;
    check_fails(odd, sizeof(struct s), "b: unknown type");
    odd[2].type = FIELD_STRUCT;
    odd[2].sub = inner_fields;
    check_fails(odd, sizeof(struct s), "b: b: beyond the end");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(saves_little_endian, set_up, tear_down),
        cmocka_unit_test_setup_teardown(loads_what_it_saved, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_damage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_what_differs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(resets, set_up, tear_down),
        cmocka_unit_test(accepts_whole_tables),
        cmocka_unit_test(sees_forgotten_fields),
        cmocka_unit_test(sees_bad_tables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
