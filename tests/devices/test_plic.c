/* The PLIC: gateways, priorities, thresholds, claims and completions. */
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "tests/devices/harness.h"

enum { NDEV = 95, CONTEXTS = 4 };

static struct harness *h;
static struct device *dev;

static struct device *make(const char *ndev, unsigned contexts)
{
    const struct device_class *cls = device_class_named("plic");
    struct device *d = harness_make(h, cls);
    struct error e;

    assert_true(device_set(d, NULL, "riscv,ndev", ndev, &e));
    assert_true(harness_start(h, d, contexts, &e));
    return d;
}

static int setup(void **state)
{
    (void)state;
    h = harness_new();
    dev = make("95", CONTEXTS);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    harness_free(h);
    return 0;
}

static uint32_t rd(uint64_t offset)
{
    return (uint32_t)harness_read(h, dev, 0, offset, 4);
}

static void wr(uint64_t offset, uint32_t value)
{
    harness_write(h, dev, 0, offset, 4, value);
}

static void set_priority(unsigned source, uint32_t priority)
{
    wr(4 * source, priority);
}

static uint64_t enable_at(unsigned context, unsigned source)
{
    return 0x2000 + 0x80 * context + 4 * (source / 32);
}

static void enable(unsigned context, unsigned source)
{
    uint64_t at = enable_at(context, source);

    wr(at, rd(at) | UINT32_C(1) << source % 32);
}

static void disable(unsigned context, unsigned source)
{
    uint64_t at = enable_at(context, source);

    wr(at, rd(at) & ~(UINT32_C(1) << source % 32));
}

static void set_threshold(unsigned context, uint32_t value)
{
    wr(0x200000 + 0x1000 * context, value);
}

static uint32_t claim(unsigned context)
{
    return rd(0x200004 + 0x1000 * context);
}

static void complete(unsigned context, uint32_t source)
{
    wr(0x200004 + 0x1000 * context, source);
}

static void line(unsigned source, bool level)
{
    harness_input(h, dev, source, level);
}

static void pulse(unsigned source)
{
    line(source, true);
    line(source, false);
}

static bool eip(unsigned context)
{
    return harness_level(h, dev, context);
}

static bool pending(unsigned source)
{
    return rd(0x1000 + 4 * (source / 32)) >> source % 32 & 1;
}

/* ------------------------------------------------------------ registers */

static void test_reset_state(void **state)
{
    (void)state;
    for (uint64_t at = 4; at <= 4 * NDEV; at += 4)
        assert_int_equal(rd(at), 0);
    for (uint64_t at = 0x1000; at < 0x1080; at += 4)
        assert_int_equal(rd(at), 0);
    for (unsigned c = 0; c < CONTEXTS; c++) {
        assert_int_equal(rd(enable_at(c, 0)), 0);
        assert_int_equal(rd(0x200000 + 0x1000 * c), 0);
        assert_int_equal(claim(c), 0);
        assert_false(eip(c));
    }
    assert_string_equal(harness_log(h), "");
}

/* WARL: three bits of priority, sources 1 to NDEV. */
static void test_warl(void **state)
{
    (void)state;
    for (unsigned s = 1; s <= NDEV; s++) {
        set_priority(s, UINT32_MAX);
        assert_int_equal(rd(4 * s), 7);
        set_priority(s, s);
        assert_int_equal(rd(4 * s), s & 7);
    }
    for (unsigned c = 0; c < CONTEXTS; c++) {
        set_threshold(c, UINT32_MAX);
        assert_int_equal(rd(0x200000 + 0x1000 * c), 7);
        for (unsigned w = 0; w < 32; w++)
            wr(0x2000 + 0x80 * c + 4 * w, UINT32_MAX);
        assert_int_equal(rd(0x2000 + 0x80 * c), 0xfffffffe);
        assert_int_equal(rd(0x2004 + 0x80 * c), 0xffffffff);
        assert_int_equal(rd(0x2008 + 0x80 * c), 0xffffffff);
        for (unsigned w = 3; w < 32; w++)
            assert_int_equal(rd(0x2000 + 0x80 * c + 4 * w), 0);
    }
    assert_string_equal(harness_log(h), "");
}

/* Sources whose number ends a word, or is the last possible. */
static void test_source_masks(void **state)
{
    static const struct {
        const char *ndev;
        unsigned word;
        uint32_t mask;
    } cases[] = {
        {"1", 0, 2},  {"31", 0, 0xfffffffe},
        {"31", 1, 0}, {"32", 0, 0xfffffffe},
        {"32", 1, 1}, {"64", 2, 1},
        {"96", 3, 1}, {"1023", 31, 0xffffffff},
    };
    struct device *plain = dev;

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        dev = make(cases[i].ndev, 1);
        wr(0x2000 + 4 * cases[i].word, UINT32_MAX);
        assert_int_equal(rd(0x2000 + 4 * cases[i].word), cases[i].mask);
        harness_remove(h, dev);
    }
    dev = plain;
}

static void test_nowhere(void **state)
{
    static const uint64_t offsets[] = {
        0,        4 * (NDEV + 1), 0xffc,    0x1080,   0x1ffc,   0x2200,
        0x1ffffc, 0x200008,       0x200ffc, 0x204000, 0x204004, 0x3fffffc,
    };
    char text[32];

    (void)state;
    for (unsigned i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        wr(offsets[i], UINT32_MAX);
        assert_int_equal(rd(offsets[i]), 0);
        snprintf(text, sizeof(text), "offset 0x%llx",
                 (unsigned long long)offsets[i]);
        /* 20 lines a second are logged. */
        if (i < 9)
            assert_non_null(strstr(harness_log(h), text));
    }
    wr(0x1000, UINT32_MAX);
    assert_int_equal(rd(0x1000), 0);
}

static void test_width(void **state)
{
    uint64_t v;

    (void)state;
    assert_int_equal(harness_try_read(h, dev, 0, 4, 1, &v), BUS_REFUSED);
    assert_int_equal(harness_try_read(h, dev, 0, 4, 2, &v), BUS_REFUSED);
    assert_int_equal(harness_try_read(h, dev, 0, 8, 8, &v), BUS_REFUSED);
    assert_int_equal(harness_try_read(h, dev, 0, 6, 4, &v), BUS_REFUSED);
    assert_int_equal(harness_try_write(h, dev, 0, 4, 1, 1), BUS_REFUSED);
}

/* ------------------------------------------------------------ the flow */

static void test_interrupt_flow(void **state)
{
    (void)state;
    set_priority(10, 1);
    enable(1, 10);
    line(10, true);
    assert_true(pending(10));
    assert_true(eip(1));
    assert_false(eip(0));
    assert_int_equal(claim(0), 0); /* not enabled there */
    assert_true(pending(10));
    assert_int_equal(claim(1), 10);
    assert_false(pending(10));
    assert_false(eip(1));
    assert_int_equal(claim(1), 0);
    line(10, false); /* the handler satisfied the device */
    complete(1, 10);
    assert_false(eip(1));
    line(10, true);
    assert_true(eip(1));
}

/* Still up at completion: a new request. */
static void test_level_persists(void **state)
{
    (void)state;
    set_priority(5, 3);
    enable(0, 5);
    line(5, true);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(claim(0), 5);
        assert_false(eip(0));
        complete(0, 5);
        assert_true(eip(0));
    }
    line(5, false); /* forwarded already: no facility to take it back */
    assert_true(eip(0));
    assert_int_equal(claim(0), 5);
    complete(0, 5);
    assert_false(eip(0));
}

static void test_pulse_stays_pending(void **state)
{
    (void)state;
    pulse(7);
    assert_true(pending(7)); /* whether enabled or not */
    set_priority(7, 1);
    enable(0, 7);
    assert_true(eip(0));
    assert_int_equal(claim(0), 7);
}

/* In service, a source is not forwarded again; what came and went meanwhile
 * is forgotten. */
static void test_in_service(void **state)
{
    (void)state;
    set_priority(9, 1);
    enable(0, 9);
    pulse(9);
    assert_int_equal(claim(0), 9);
    pulse(9);
    pulse(9);
    assert_false(pending(9));
    assert_false(eip(0));
    complete(0, 9);
    assert_false(eip(0));
    pulse(9);
    assert_true(eip(0));
}

static void test_redundant_edges(void **state)
{
    (void)state;
    set_priority(9, 1);
    enable(0, 9);
    line(9, true);
    line(9, true);
    assert_int_equal(claim(0), 9);
    line(9, true);
    assert_int_equal(claim(0), 0);
    line(9, false);
    line(9, false);
    complete(0, 9);
    assert_int_equal(claim(0), 0);
    assert_int_equal(harness_out(h, dev, 0)->changes, 2);
}

/* Lines that do not exist. */
static void test_no_such_line(void **state)
{
    (void)state;
    line(0, true);
    line(NDEV + 1, true);
    line(1023, true);
    for (unsigned w = 0; w < 32; w++)
        assert_int_equal(rd(0x1000 + 4 * w), 0);
}

/* ---------------------------------------------------------- priorities */

static void test_priority_order(void **state)
{
    (void)state;
    set_priority(3, 1);
    set_priority(40, 7);
    set_priority(41, 7);
    set_priority(95, 2);
    enable(0, 3);
    enable(0, 40);
    enable(0, 41);
    enable(0, 95);
    pulse(95);
    pulse(41);
    pulse(3);
    pulse(40);
    assert_int_equal(claim(0), 40); /* of equals the lowest number */
    assert_int_equal(claim(0), 41);
    assert_int_equal(claim(0), 95);
    assert_true(eip(0)); /* a lower one is left */
    assert_int_equal(claim(0), 3);
    assert_false(eip(0));
    assert_int_equal(claim(0), 0);
}

/* Priority 0: never, not even by polling. */
static void test_priority_0(void **state)
{
    (void)state;
    enable(0, 6);
    pulse(6);
    assert_false(eip(0));
    assert_int_equal(claim(0), 0);
    assert_true(pending(6));
    set_priority(6, 1);
    assert_true(eip(0));
    set_priority(6, 0);
    assert_false(eip(0));
    set_priority(6, 7);
    assert_int_equal(claim(0), 6);
}

/* Masks what is less or equal; a claim does not care. */
static void test_threshold(void **state)
{
    (void)state;
    set_priority(6, 4);
    enable(0, 6);
    enable(1, 6);
    pulse(6);
    for (unsigned t = 0; t < 8; t++) {
        set_threshold(0, t);
        assert_int_equal(eip(0), t < 4);
        assert_true(eip(1)); /* each context has its own */
    }
    assert_int_equal(claim(0), 6);
    assert_false(eip(1));
}

/* ------------------------------------------------ several contexts */

/* All are notified, the first to ask gets it. */
static void test_claim_race(void **state)
{
    (void)state;
    set_priority(8, 1);
    for (unsigned c = 0; c < CONTEXTS; c++)
        enable(c, 8);
    line(8, true);
    for (unsigned c = 0; c < CONTEXTS; c++)
        assert_true(eip(c));
    assert_int_equal(claim(2), 8);
    for (unsigned c = 0; c < CONTEXTS; c++) {
        assert_false(eip(c));
        assert_int_equal(claim(c), 0);
    }
    complete(2, 8);
    for (unsigned c = 0; c < CONTEXTS; c++)
        assert_true(eip(c));
}

/* One source in service hides no other. */
static void test_two_in_service(void **state)
{
    (void)state;
    set_priority(1, 1);
    set_priority(2, 2);
    enable(0, 1);
    enable(0, 2);
    line(1, true);
    assert_int_equal(claim(0), 1);
    line(2, true);
    assert_true(eip(0));
    assert_int_equal(claim(0), 2);
    /* Completed in another order than claimed. */
    complete(0, 1);
    assert_int_equal(claim(0), 1);
    complete(0, 2);
    assert_int_equal(claim(0), 2);
}

static void test_disable_while_pending(void **state)
{
    (void)state;
    set_priority(8, 1);
    enable(0, 8);
    pulse(8);
    disable(0, 8);
    assert_false(eip(0));
    assert_int_equal(claim(0), 0);
    assert_true(pending(8));
    enable(0, 8);
    assert_true(eip(0));
    assert_int_equal(claim(0), 8);
}

/* ------------------------------------------------------- completions */

static void test_completion_needs_enable(void **state)
{
    (void)state;
    set_priority(8, 1);
    enable(0, 8);
    line(8, true);
    assert_int_equal(claim(0), 8);
    disable(0, 8);
    complete(0, 8); /* silently ignored */
    complete(1, 8); /* there it was never enabled */
    enable(0, 8);
    assert_false(eip(0));
    assert_int_equal(claim(0), 0);
    complete(0, 8);
    assert_true(eip(0));
    assert_string_equal(harness_log(h), "");
}

/* The last claim is not compared: another context may complete. */
static void test_completion_by_another(void **state)
{
    (void)state;
    set_priority(8, 1);
    enable(0, 8);
    enable(3, 8);
    line(8, true);
    assert_int_equal(claim(0), 8);
    complete(3, 8);
    assert_true(eip(0));
    assert_int_equal(claim(3), 8);
}

static void test_bogus_completions(void **state)
{
    static const uint32_t ids[] = {0,    NDEV + 1,   1023,
                                   1024, 0x80000008, UINT32_MAX};

    (void)state;
    set_priority(8, 1);
    enable(0, 8);
    line(8, true);
    assert_int_equal(claim(0), 8);
    for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        complete(0, ids[i]);
        assert_false(eip(0));
    }
    complete(0, 8);
    assert_true(eip(0));
}

/* Completed before it was claimed: at most one request of a source is
 * pending, and the gateway is free to forward the next one. */
static void test_early_completion(void **state)
{
    (void)state;
    set_priority(8, 1);
    enable(0, 8);
    line(8, true);
    complete(0, 8);
    assert_int_equal(claim(0), 8);
    assert_int_equal(claim(0), 8);
    assert_int_equal(claim(0), 0);
    /* Twice in a row does no more than once. */
    complete(0, 8);
    complete(0, 8);
    line(8, false);
    assert_int_equal(claim(0), 8);
    assert_int_equal(claim(0), 0);
}

/* ------------------------------------------------- reset, description */

static void test_reset(void **state)
{
    (void)state;
    set_priority(8, 1);
    set_priority(9, 1);
    enable(0, 8);
    set_threshold(1, 5);
    line(8, true);
    line(9, true);
    assert_int_equal(claim(0), 8);
    line(8, false);
    harness_reset(h, dev);
    assert_false(eip(0));
    /* A device that is reset after this one lets its line go then, and that
     * must not leave a request behind. */
    line(9, false);
    test_reset_state(state);
    /* 8 is not in service any more. */
    set_priority(8, 1);
    enable(0, 8);
    line(8, true);
    assert_int_equal(claim(0), 8);
    /* A line that stays up through a reset is seen after it. */
    harness_reset(h, dev);
    assert_false(eip(0));
    assert_true(pending(8));
    set_priority(8, 1);
    enable(0, 8);
    assert_true(eip(0));
}

static void test_specifier(void **state)
{
    static const uint32_t good[] = {10, 4};
    static const uint32_t bad[] = {0, NDEV + 1, UINT32_MAX};
    unsigned got = 0;

    (void)state;
    assert_true(dev->class->specifier(dev, good, 1, &got));
    assert_int_equal(got, 10);
    assert_false(dev->class->specifier(dev, good, 2, &got));
    assert_false(dev->class->specifier(dev, good, 0, &got));
    for (unsigned i = 0; i < 3; i++)
        assert_false(dev->class->specifier(dev, &bad[i], 1, &got));
}

static void test_compatible(void **state)
{
    (void)state;
    assert_ptr_equal(device_class_compatible("sifive,plic-1.0.0"), dev->class);
    assert_ptr_equal(device_class_compatible("riscv,plic0"), dev->class);
    assert_string_equal(dev->class->compatible[0], "sifive,plic-1.0.0");
}

static void check_refused(const char *ndev, const char *priority,
                          unsigned contexts, const char *say)
{
    struct device *d = harness_make(h, device_class_named("plic"));
    struct error e = {""};

    if (ndev)
        assert_true(device_set(d, NULL, "riscv,ndev", ndev, &e));
    assert_true(device_set(d, NULL, "riscv,max-priority", priority, &e));
    assert_false(harness_start(h, d, contexts, &e));
    assert_non_null(strstr(e.text, say));
    harness_remove(h, d);
}

static void test_bad_properties(void **state)
{
    (void)state;
    check_refused(NULL, "7", 1, "riscv,ndev");
    check_refused("0", "7", 1, "riscv,ndev is 0: want 1 to 1023");
    check_refused("1024", "7", 1, "riscv,ndev is 1024: want 1 to 1023");
    check_refused("5", "0", 1, "riscv,max-priority is 0");
    check_refused("5", "6", 1, "riscv,max-priority is 6");
    check_refused("5", "7", 257, "257 contexts: want at most 256");
}

static void test_extremes(void **state)
{
    struct device *plain = dev;

    (void)state;
    dev = make("1023", 256);
    set_priority(1023, 7);
    enable(255, 1023);
    line(1023, true);
    assert_true(eip(255));
    assert_true(pending(1023));
    assert_int_equal(claim(255), 1023);
    complete(255, 1023);
    assert_true(eip(255));
    dev = plain;
}

/* --------------------------------------------------- against a model */

/*
 * The same written the plain way, one source at a time, and driven with the
 * same random operations.
 */
struct model {
    bool level[NDEV + 1], ip[NDEV + 1], busy[NDEV + 1];
    unsigned priority[NDEV + 1], threshold[CONTEXTS];
    bool enable[CONTEXTS][NDEV + 1];
};

static void model_gateways(struct model *m)
{
    for (unsigned s = 1; s <= NDEV; s++)
        if (m->level[s] && !m->busy[s] && !m->ip[s])
            m->busy[s] = m->ip[s] = true;
}

static unsigned model_best(struct model *m, unsigned c)
{
    unsigned best = 0;

    for (unsigned s = NDEV; s >= 1; s--)
        if (m->ip[s] && m->enable[c][s] && m->priority[s] &&
            (!best || m->priority[s] >= m->priority[best]))
            best = s;
    return best;
}

static void check_model(struct model *m)
{
    for (unsigned c = 0; c < CONTEXTS; c++) {
        unsigned best = model_best(m, c);

        assert_int_equal(eip(c), best && m->priority[best] > m->threshold[c]);
    }
    for (unsigned s = 1; s <= NDEV; s++)
        assert_int_equal(pending(s), m->ip[s]);
}

static void random_step(struct model *m, struct prng *p)
{
    /* Few sources, so that they meet. */
    static const unsigned sources[] = {1, 2, 31, 32, 63, 64, 94, 95};
    unsigned s = sources[prng_below(p, 8)];
    unsigned c = (unsigned)prng_below(p, CONTEXTS), got;

    switch (prng_below(p, 7)) {
    case 0:
        m->priority[s] = (unsigned)prng_below(p, 8);
        set_priority(s, m->priority[s]);
        break;
    case 1:
        m->threshold[c] = (unsigned)prng_below(p, 8) & 3;
        set_threshold(c, m->threshold[c]);
        break;
    case 2:
        m->enable[c][s] = prng_below(p, 4);
        if (m->enable[c][s])
            enable(c, s);
        else
            disable(c, s);
        break;
    case 3:
    case 4:
        m->level[s] = prng_below(p, 2);
        line(s, m->level[s]);
        break;
    case 5:
        got = model_best(m, c);
        m->ip[got] = false;
        assert_int_equal(claim(c), got);
        break;
    default:
        if (m->enable[c][s])
            m->busy[s] = false;
        complete(c, s);
    }
    model_gateways(m);
}

static void test_against_model(void **state)
{
    struct model m = {{false}, {false}, {false}, {0}, {0}, {{false}}};
    struct prng p = {12345};

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        random_step(&m, &p);
        check_model(&m);
    }
}

/* A saved PLIC goes on the same in another. */
static void test_snapshot(void **state)
{
    const struct field *fields = dev->class->fields;
    size_t size = state_size(fields);
    uint8_t *saved = malloc(size);
    struct device *plain = dev;
    struct error e;

    (void)state;
    set_priority(8, 2);
    set_priority(9, 1);
    enable(0, 8);
    enable(0, 9);
    line(8, true);
    line(9, true);
    assert_int_equal(claim(0), 8);
    state_save(fields, dev, saved);
    dev = make("95", CONTEXTS);
    assert_true(state_load(fields, dev, saved, size, &e));
    dev->class->loaded(dev);
    assert_true(eip(0));
    assert_int_equal(claim(0), 9);
    assert_int_equal(claim(0), 0);
    complete(0, 8);
    assert_int_equal(claim(0), 8);
    dev = plain;
    free(saved);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reset_state),
        TEST(test_warl),
        TEST(test_source_masks),
        TEST(test_nowhere),
        TEST(test_width),
        TEST(test_interrupt_flow),
        TEST(test_level_persists),
        TEST(test_pulse_stays_pending),
        TEST(test_in_service),
        TEST(test_redundant_edges),
        TEST(test_no_such_line),
        TEST(test_priority_order),
        TEST(test_priority_0),
        TEST(test_threshold),
        TEST(test_claim_race),
        TEST(test_two_in_service),
        TEST(test_disable_while_pending),
        TEST(test_completion_needs_enable),
        TEST(test_completion_by_another),
        TEST(test_bogus_completions),
        TEST(test_early_completion),
        TEST(test_reset),
        TEST(test_specifier),
        TEST(test_compatible),
        TEST(test_bad_properties),
        TEST(test_extremes),
        TEST(test_against_model),
        TEST(test_snapshot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
