/*
 * Every device class's field table: it covers its struct, what it saves it
 * loads, no element is left out of a comparison, and a reset gives the same
 * device again from any state.
 */
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "tests/devices/harness.h"

static const struct device_class *class_of(void **state)
{
    return *(const struct device_class *const *)*state;
}

/* ------------------------------------------- walking a table by elements */

/* Called with each element of a table that is saved. */
typedef void visitor(void *arg, const struct field *f, void *p);

static void walk(const struct field *table, void *obj, visitor *visit,
                 void *arg, bool keep_too)
{
    for (const struct field *f = table; f->type != FIELD_END; f++)
        for (uint32_t i = 0; i < f->count; i++) {
            char *p = (char *)obj + f->offset + (size_t)i * f->size;

            if (f->type == FIELD_HOST || (f->keep && !keep_too))
                continue;
            if (f->type == FIELD_STRUCT)
                walk(f->sub, p, visit, arg, keep_too);
            else
                visit(arg, f, p);
        }
}

static void randomise(void *arg, const struct field *f, void *p)
{
    struct prng *prng = arg;
    uint8_t *bytes = p;
    size_t size = f->size;

    if (f->type == FIELD_TIMER) {
        /* Far enough that none fires. */
        timer_arm(p, prng_below(prng, 3) ? prng_next(prng) >> 1 : CLOCK_NEVER);
        return;
    }
    if (f->type == FIELD_BOOL) {
        *(bool *)p = prng_below(prng, 2);
        return;
    }
    if (f->type == FIELD_BUFFER)
        memcpy(&bytes, p, sizeof(bytes));
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)prng_next(prng);
}

/* ---------------------------------------------------------------- tests */

static void covers_its_struct(void **state)
{
    const struct device_class *cls = class_of(state);
    struct error e;

    assert_non_null(cls->fields);
    if (!state_check(cls->fields, cls->size, &e))
        fail_msg("%s: %s", cls->name, e.text);
}

static uint8_t *save(const struct device_class *cls, struct device *dev)
{
    uint8_t *bytes = malloc(state_size(cls->fields) + 1);

    state_save(cls->fields, dev, bytes);
    return bytes;
}

static void loads_what_it_saves(void **state)
{
    const struct device_class *cls = class_of(state);
    struct harness *ha = harness_new(), *hb = harness_new();
    struct device *a = harness_any(ha, cls), *b = harness_any(hb, cls);
    size_t size = state_size(cls->fields);
    struct prng prng = {11};

    for (unsigned round = 0; round < 20; round++) {
        uint8_t *sa, *sb;
        struct error e = {""};

        walk(cls->fields, a, randomise, &prng, true);
        walk(cls->fields, b, randomise, &prng, true);
        sa = save(cls, a);
        assert_true(state_load(cls->fields, b, sa, size, &e));
        if (!state_equal(cls->fields, a, b, &e))
            fail_msg("%s: %s", cls->name, e.text);
        sb = save(cls, b);
        assert_memory_equal(sa, sb, size);
        if (size)
            assert_false(state_load(cls->fields, b, sa, size - 1, &e));
        free(sa);
        free(sb);
    }
    harness_free(ha);
    harness_free(hb);
}

/* One element at a time is changed in b. */
struct changer {
    const struct device_class *cls;
    struct device *a, *b;
    uint8_t *saved;
    const struct field *field;
    unsigned seen; /* of its elements */
};

static void change(void *arg, const struct field *f, void *p)
{
    struct changer *c = arg;
    size_t size = state_size(c->cls->fields);
    uint8_t *bytes = p, *now;
    struct error e;

    c->seen = f == c->field ? c->seen + 1 : 0;
    c->field = f;
    /* Large arrays: each of the first elements, and then some. */
    if (c->seen > 8 && c->seen % 1021)
        return;
    if (f->type == FIELD_TIMER)
        timer_arm(p, ((struct timer *)p)->deadline ^ 1);
    else if (f->type == FIELD_BOOL)
        *(bool *)p = !*(bool *)p;
    else if (f->type == FIELD_BUFFER)
        (*(uint8_t **)p)[f->size / 2] ^= 0x10;
    else
        bytes[f->size - 1] ^= 0x10;
    if (state_equal(c->cls->fields, c->a, c->b, &e))
        fail_msg("%s: a change of %s is not noticed", c->cls->name, f->name);
    now = save(c->cls, c->b);
    assert_memory_not_equal(now, c->saved, size);
    free(now);
    assert_true(state_load(c->cls->fields, c->b, c->saved, size, &e));
    assert_true(state_equal(c->cls->fields, c->a, c->b, &e));
}

static void notices_every_change(void **state)
{
    const struct device_class *cls = class_of(state);
    struct harness *ha = harness_new(), *hb = harness_new();
    struct device *a = harness_any(ha, cls), *b = harness_any(hb, cls);
    struct changer c = {cls, a, b, save(cls, a), NULL, 0};
    struct error e;

    assert_true(
        state_load(cls->fields, b, c.saved, state_size(cls->fields), &e));
    walk(cls->fields, b, change, &c, true);
    free(c.saved);
    harness_free(ha);
    harness_free(hb);
}

/* From any state of what a reset covers, a reset gives the state that the
 * device had after its first one. */
static void resets_whole(void **state)
{
    const struct device_class *cls = class_of(state);
    struct harness *ha = harness_new(), *hb = harness_new();
    struct device *a = harness_any(ha, cls), *fresh = harness_any(hb, cls);
    struct prng prng = {12};
    struct error e;

    for (unsigned round = 0; round < 20; round++) {
        walk(cls->fields, a, randomise, &prng, false);
        harness_reset(ha, a);
        if (!state_equal(cls->fields, a, fresh, &e))
            fail_msg("%s: after a reset: %s", cls->name, e.text);
    }
    harness_free(ha);
    harness_free(hb);
}

/* A snapshot that is damaged, but well-formed, is survived: ASan and UBSan
 * look on. */
static void survives_damaged_snapshots(void **state)
{
    const struct device_class *cls = class_of(state);
    struct harness *h = harness_new();
    struct device *dev = harness_any(h, cls);
    struct prng prng = {13};

    for (unsigned round = 0; round < 50; round++) {
        walk(cls->fields, dev, randomise, &prng, true);
        pthread_mutex_lock(&h->lock);
        if (cls->loaded)
            cls->loaded(dev);
        pthread_mutex_unlock(&h->lock);
        for (unsigned n = 0; n < cls->n_windows; n++)
            for (uint64_t at = 0; at < 0x200 && dev->regions[n].space; at++)
                for (unsigned size = 1; size <= 8; size *= 2) {
                    uint64_t v;

                    if (dev->regions[n].enabled)
                        harness_try_read(h, dev, n, at, size, &v);
                }
        harness_advance(h, 1000000);
    }
    harness_free(h);
}

static void describes_itself(void **state)
{
    const struct device_class *cls = class_of(state);

    assert_true(cls->name && cls->name[0]);
    assert_true(cls->summary && cls->summary[0]);
    assert_true(cls->size >= sizeof(struct device));
    assert_ptr_equal(device_class_named(cls->name), cls);
    if (cls->compatible) {
        assert_non_null(cls->compatible[0]);
        for (const char *const *c = cls->compatible; *c; c++)
            assert_ptr_equal(device_class_compatible(*c), cls);
    }
    for (const struct property *p = cls->properties; p && p->name; p++) {
        assert_true(p->help && p->help[0]);
        assert_true(p->offset >= sizeof(struct device));
        assert_true(p->offset < cls->size);
        assert_ptr_equal(device_property(cls, p->name), p);
    }
}

static void (*const each_class[])(void **) = {
    describes_itself,     covers_its_struct, loads_what_it_saves,
    notices_every_change, resets_whole,      survives_damaged_snapshots,
};
static const char *const each_name[] = {
    "describes itself",     "covers its struct", "loads what it saves",
    "notices every change", "resets whole",      "survives damaged snapshots",
};

int main(void)
{
    enum { PER_CLASS = sizeof(each_class) / sizeof(each_class[0]) };
    unsigned n_classes = 0, n = 0;
    struct CMUnitTest *tests;
    char(*names)[80];
    int failed;

    while (device_classes[n_classes])
        n_classes++;
    tests = calloc(n_classes * PER_CLASS + 1, sizeof(*tests));
    names = calloc(n_classes * PER_CLASS + 1, sizeof(*names));
    for (unsigned c = 0; c < n_classes; c++)
        for (unsigned i = 0; i < PER_CLASS; i++, n++) {
            snprintf(names[n], sizeof(names[n]), "%s %s",
                     device_classes[c]->name, each_name[i]);
            tests[n].name = names[n];
            tests[n].test_func = each_class[i];
            tests[n].initial_state = (void *)&device_classes[c];
        }
    failed = _cmocka_run_group_tests("device state", tests, n, NULL, NULL);
    free(tests);
    free(names);
    return failed;
}
