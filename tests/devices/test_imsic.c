/* The IMSIC: pages that messages are written to, and the harts' registers. */
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "devices/imsic.h"
#include "tests/devices/harness.h"

enum { FILES = 3, IDS = 255, PAGE = 0x1000 };

static struct harness *h;
static struct device *dev;

static struct device *make(const char *ids, const char *bits, unsigned files)
{
    struct device *d = harness_make(h, &imsic_class);
    struct error e;

    assert_true(device_set(d, NULL, "riscv,num-ids", ids, &e));
    assert_true(device_set(d, NULL, "riscv,guest-index-bits", bits, &e));
    assert_true(harness_start(h, d, files, &e));
    return d;
}

static int setup(void **state)
{
    (void)state;
    h = harness_new();
    dev = make("255", "0", FILES);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    harness_free(h);
    return 0;
}

static void message(unsigned file, uint32_t id)
{
    harness_write(h, dev, 0, PAGE * file, 4, id);
}

static uint32_t rd(unsigned file, unsigned reg)
{
    return imsic_read_reg(dev, file, reg);
}

static void wr(unsigned file, unsigned reg, uint32_t value)
{
    pthread_mutex_lock(&h->lock);
    imsic_write_reg(dev, file, reg, value);
    pthread_mutex_unlock(&h->lock);
}

static void enable(unsigned file, unsigned id)
{
    wr(file, IMSIC_EIE0 + id / 32,
       rd(file, IMSIC_EIE0 + id / 32) | UINT32_C(1) << id % 32);
}

static bool pending(unsigned file, unsigned id)
{
    return rd(file, IMSIC_EIP0 + id / 32) >> id % 32 & 1;
}

static uint32_t topei(unsigned file)
{
    uint32_t v = rd(file, IMSIC_TOPEI);

    assert_int_equal(v >> 16, v & 0xffff);
    return v >> 16;
}

static void test_reset_state(void **state)
{
    (void)state;
    for (unsigned f = 0; f < FILES; f++) {
        for (unsigned reg = 0; reg < 0x120; reg++)
            assert_int_equal(rd(f, reg), 0);
        assert_false(harness_level(h, dev, f));
    }
}

static void test_warl(void **state)
{
    (void)state;
    wr(1, IMSIC_EIDELIVERY, 1);
    wr(1, IMSIC_EIDELIVERY, 0x40000000);
    wr(1, IMSIC_EIDELIVERY, 2);
    assert_int_equal(rd(1, IMSIC_EIDELIVERY), 1);
    wr(1, IMSIC_EITHRESHOLD, IDS);
    wr(1, IMSIC_EITHRESHOLD, IDS + 1);
    assert_int_equal(rd(1, IMSIC_EITHRESHOLD), IDS);
    for (unsigned i = 0; i < 64; i++) {
        uint32_t mask = i == 0 ? 0xfffffffe : i < 8 ? UINT32_MAX : 0;

        wr(1, IMSIC_EIE0 + i, UINT32_MAX);
        wr(1, IMSIC_EIP0 + i, UINT32_MAX);
        assert_int_equal(rd(1, IMSIC_EIE0 + i), mask);
        assert_int_equal(rd(1, IMSIC_EIP0 + i), mask);
        assert_int_equal(rd(0, IMSIC_EIE0 + i) | rd(2, IMSIC_EIP0 + i), 0);
    }
    wr(1, 0x71, 1);
    wr(1, 0x7f, 1);
    assert_int_equal(rd(1, 0x71) | rd(1, 0x7f), 0);
}

/* All identities that there are, in either byte order. */
static void test_messages(void **state)
{
    (void)state;
    for (uint32_t id = 0; id <= 2 * IDS; id++) {
        bool there = id >= 1 && id <= IDS;

        message(2, id);
        for (unsigned i = 0; i < 64; i++)
            assert_int_equal(rd(2, IMSIC_EIP0 + i),
                             there && id / 32 == i ? UINT32_C(1) << id % 32
                                                   : 0);
        wr(2, IMSIC_EIP0 + id / 32, 0);
        harness_write(h, dev, 0, 2 * PAGE + 4, 4, __builtin_bswap32(id));
        assert_int_equal(there && pending(2, id), there);
        wr(2, IMSIC_EIP0 + id / 32, 0);
    }
    message(2, UINT32_MAX);
    message(2, 0x10001);
    assert_int_equal(harness_read(h, dev, 0, 2 * PAGE, 4), 0);
    assert_int_equal(harness_read(h, dev, 0, 2 * PAGE + 4, 4), 0);
    harness_write(h, dev, 0, 2 * PAGE + 8, 4, 5);
    assert_int_equal(rd(2, IMSIC_EIP0), 0);
    assert_int_equal(rd(0, IMSIC_EIP0), 0);
    assert_string_equal(harness_log(h), "");
    message(FILES, 1);
    assert_non_null(strstr(harness_log(h), "no interrupt file: 0x3000"));
}

static void test_width(void **state)
{
    uint64_t v;

    (void)state;
    for (unsigned size = 1; size <= 8; size *= 2) {
        if (size == 4)
            continue;
        assert_int_equal(harness_try_write(h, dev, 0, 0, size, 1),
                         BUS_REFUSED);
        assert_int_equal(harness_try_read(h, dev, 0, 0, size, &v),
                         BUS_REFUSED);
    }
    assert_int_equal(harness_try_write(h, dev, 0, 2, 4, 1), BUS_REFUSED);
    assert_int_equal(rd(0, IMSIC_EIP0), 0);
}

static void test_flow(void **state)
{
    (void)state;
    message(0, 40);
    message(0, 7);
    message(0, 200);
    assert_int_equal(topei(0), 0);
    enable(0, 200);
    enable(0, 40);
    assert_int_equal(topei(0), 40);
    assert_false(harness_level(h, dev, 0));
    wr(0, IMSIC_EIDELIVERY, 1);
    assert_true(harness_level(h, dev, 0));
    assert_false(harness_level(h, dev, 1));
    enable(0, 7);
    assert_int_equal(topei(0), 7);
    wr(0, IMSIC_TOPEI, 0xdead); /* claims; the value does not matter */
    assert_false(pending(0, 7));
    assert_int_equal(topei(0), 40);
    wr(0, IMSIC_TOPEI, 0);
    assert_int_equal(topei(0), 200);
    wr(0, IMSIC_TOPEI, 0);
    assert_int_equal(topei(0), 0);
    assert_false(harness_level(h, dev, 0));
    wr(0, IMSIC_TOPEI, 0); /* nothing to claim */
    message(0, 40);
    assert_true(harness_level(h, dev, 0));
    wr(0, IMSIC_EIDELIVERY, 0);
    assert_false(harness_level(h, dev, 0));
    assert_int_equal(topei(0), 40); /* eidelivery does not matter */
}

static void test_threshold(void **state)
{
    (void)state;
    wr(0, IMSIC_EIDELIVERY, 1);
    enable(0, 33);
    enable(0, IDS);
    message(0, 33);
    message(0, IDS);
    wr(0, IMSIC_EITHRESHOLD, 34);
    assert_int_equal(topei(0), 33);
    wr(0, IMSIC_EITHRESHOLD, 33);
    assert_int_equal(topei(0), 0);
    assert_false(harness_level(h, dev, 0));
    wr(0, IMSIC_TOPEI, 0);
    wr(0, IMSIC_EITHRESHOLD, 0);
    assert_int_equal(topei(0), 33);
    assert_true(harness_level(h, dev, 0));
    wr(0, IMSIC_TOPEI, 0);
    wr(0, IMSIC_EITHRESHOLD, IDS);
    assert_int_equal(topei(0), 0);
    wr(0, IMSIC_EITHRESHOLD, 0);
    assert_int_equal(topei(0), IDS);
}

/* Pages of guests' files, which are not there, read 0 and take nothing. */
static void test_spaced(void **state)
{
    (void)state;
    dev = make("63", "2", 2);
    message(4, 63);
    assert_true(pending(1, 63));
    message(5, 1);
    message(3, 1);
    assert_int_equal(rd(0, IMSIC_EIP0) | rd(1, IMSIC_EIP0), 0);
    assert_int_equal(harness_read(h, dev, 0, 5 * PAGE, 4), 0);
    message(8, 1);
    assert_non_null(strstr(harness_log(h), "no interrupt file: 0x8000"));
}

static void check_refused(const char *ids, const char *bits, unsigned files,
                          const char *say)
{
    struct device *d = harness_make(h, &imsic_class);
    struct error e = {""};

    if (ids)
        assert_true(device_set(d, NULL, "riscv,num-ids", ids, &e));
    assert_true(device_set(d, NULL, "riscv,guest-index-bits", bits, &e));
    assert_false(harness_start(h, d, files, &e));
    assert_non_null(strstr(e.text, say));
    harness_remove(h, d);
}

static void test_bad_properties(void **state)
{
    (void)state;
    check_refused(NULL, "0", 1, "riscv,num-ids");
    check_refused("0", "0", 1, "riscv,num-ids is 0: want a multiple of 64");
    check_refused("64", "0", 1, "riscv,num-ids is 64");
    check_refused("2111", "0", 1, "riscv,num-ids is 2111");
    check_refused("255", "8", 1, "riscv,guest-index-bits is 8: want 0 to 7");
    check_refused("255", "0", 129, "129 interrupts: want at most 128");
}

/* Against one written the plain way. */
struct model {
    bool ip[2048], ie[2048];
    unsigned threshold;
    bool on;
};

static unsigned model_top(const struct model *m, unsigned ids)
{
    for (unsigned i = 1; i <= ids; i++)
        if (m->ip[i] && m->ie[i] && (!m->threshold || i < m->threshold))
            return i;
    return 0;
}

static void random_step(struct model *m, struct prng *p, unsigned ids)
{
    unsigned id = (unsigned)prng_below(p, ids + 3);
    unsigned word = id / 32 % 64;
    bool there = id >= 1 && id <= ids;
    uint32_t v;

    switch (prng_below(p, 6)) {
    case 0:
        message(0, id);
        if (there)
            m->ip[id] = true;
        break;
    case 1:
        v = (uint32_t)prng_next(p);
        wr(0, IMSIC_EIE0 + word, v);
        for (unsigned i = 32 * word, b = 0; b < 32; b++, i++)
            m->ie[i] = i && i <= ids && v >> b & 1;
        break;
    case 2:
        v = (uint32_t)(prng_next(p) & prng_next(p));
        wr(0, IMSIC_EIP0 + word, v);
        for (unsigned i = 32 * word, b = 0; b < 32; b++, i++)
            m->ip[i] = i && i <= ids && v >> b & 1;
        break;
    case 3:
        wr(0, IMSIC_EITHRESHOLD, id);
        if (id <= ids)
            m->threshold = prng_below(p, 3) ? id : 0;
        wr(0, IMSIC_EITHRESHOLD, m->threshold);
        break;
    case 4:
        m->on = prng_below(p, 4);
        wr(0, IMSIC_EIDELIVERY, m->on);
        break;
    default:
        wr(0, IMSIC_TOPEI, 0);
        m->ip[model_top(m, ids)] = false;
    }
}

static void test_against_model(void **state)
{
    static const unsigned sizes[] = {63, 255, 2047};
    struct prng p = {4711};

    (void)state;
    for (unsigned n = 0; n < 3; n++) {
        struct model *m = calloc(1, sizeof(*m));
        char text[16];

        snprintf(text, sizeof(text), "%u", sizes[n]);
        dev = make(text, "0", 1);
        for (unsigned i = 0; i < 20000; i++) {
            random_step(m, &p, sizes[n]);
            assert_int_equal(topei(0), model_top(m, sizes[n]));
            assert_int_equal(harness_level(h, dev, 0),
                             m->on && model_top(m, sizes[n]));
        }
        free(m);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reset_state),    TEST(test_warl),
        TEST(test_messages),       TEST(test_width),
        TEST(test_flow),           TEST(test_threshold),
        TEST(test_spaced),         TEST(test_bad_properties),
        TEST(test_against_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
