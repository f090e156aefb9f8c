/*
 * The APLIC: source modes, direct delivery, messages, delegation.  Chapters
 * are those of the AIA specification 1.0.
 */
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "devices/aplic.h"
#include "devices/imsic.h"
#include "tests/devices/harness.h"

enum { SOURCES = 96, HARTS = 3 };
enum { INACTIVE, DETACHED, EDGE1 = 4, EDGE0, LEVEL1, LEVEL0 };
enum {
    DOMAINCFG = 0,
    MMSIADDRCFG = 0x1bc0,
    MMSIADDRCFGH = 0x1bc4,
    SMSIADDRCFG = 0x1bc8,
    SMSIADDRCFGH = 0x1bcc,
    SETIP = 0x1c00,
    SETIPNUM = 0x1cdc,
    IN_CLRIP = 0x1d00,
    CLRIPNUM = 0x1ddc,
    SETIE = 0x1e00,
    SETIENUM = 0x1edc,
    CLRIE = 0x1f00,
    CLRIENUM = 0x1fdc,
    SETIPNUM_LE = 0x2000,
    SETIPNUM_BE = 0x2004,
    GENMSI = 0x3000,
    IDELIVERY = 0x00,
    IFORCE = 0x04,
    ITHRESHOLD = 0x08,
    TOPI = 0x18,
    CLAIMI = 0x1c,
};
#define FIXED 0x80000000u
#define IE 0x100u
#define DM 4u
#define D 0x400u

static struct harness *h;
static struct device *dev;

static struct device *make(const char *msi_parent, unsigned harts)
{
    struct device *d = harness_make(h, &aplic_class);
    struct error e;

    assert_true(device_set(d, NULL, "riscv,num-sources", "96", &e));
    assert_true(device_set(d, NULL, "msi-parent", msi_parent, &e));
    assert_true(harness_start(h, d, harts, &e));
    return d;
}

static int setup(void **state)
{
    (void)state;
    h = harness_new();
    dev = make("0", HARTS);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    harness_free(h);
    return 0;
}

static uint32_t rd(uint64_t at)
{
    return (uint32_t)harness_read(h, dev, 0, at, 4);
}

static void wr(uint64_t at, uint32_t value)
{
    harness_write(h, dev, 0, at, 4, value);
}

static uint64_t idc(unsigned hart, unsigned reg)
{
    return 0x4000 + 32 * hart + reg;
}

static void configure(unsigned source, unsigned mode)
{
    wr(4 * source, mode);
}

static void target(unsigned source, uint32_t hart, uint32_t low)
{
    wr(0x3000 + 4 * source, hart << 18 | low);
}

static bool bit(uint64_t array, unsigned source)
{
    return rd(array + 4 * (source / 32)) >> source % 32 & 1;
}

static void line(unsigned source, bool level)
{
    harness_input(h, dev, source, level);
}

/* Interrupts on, delivered to every hart. */
static void deliver(void)
{
    wr(DOMAINCFG, IE);
    for (unsigned n = 0; n < HARTS; n++)
        wr(idc(n, IDELIVERY), 1);
}

/* ------------------------------------------------------------ registers */

static void test_reset_state(void **state)
{
    (void)state;
    for (uint64_t at = 4; at < 0x4000 + 32 * HARTS; at += 4)
        assert_int_equal(rd(at), 0);
    assert_int_equal(rd(DOMAINCFG), FIXED);
    for (unsigned n = 0; n < HARTS; n++)
        assert_false(harness_level(h, dev, n));
    assert_string_equal(harness_log(h), "");
}

static void test_warl(void **state)
{
    static const uint8_t legal[] = {0, 1, 0, 0, 4, 5, 6, 7};

    (void)state;
    wr(DOMAINCFG, UINT32_MAX);
    assert_int_equal(rd(DOMAINCFG), FIXED | IE); /* DM, BE: read-only 0 */
    for (unsigned s = 1; s <= SOURCES; s++)
        for (unsigned mode = 0; mode < 8; mode++) {
            configure(s, 0xfffff3f8 | mode); /* all but D */
            assert_int_equal(rd(4 * s), legal[mode]);
        }
    configure(5, D | EDGE1); /* a leaf */
    assert_int_equal(rd(4 * 5), 0);
    configure(SOURCES + 1, EDGE1);
    configure(1023, EDGE1);
    assert_int_equal(rd(4 * (SOURCES + 1)) | rd(4 * 1023), 0);
    configure(5, EDGE1);
    target(5, 0x3fff, 0x3ffff);
    assert_int_equal(rd(0x3014), 0xfffc00ff);
    target(5, 2, 0x100);
    assert_int_equal(rd(0x3014), 2 << 18 | 1); /* 0 is no priority */
    wr(SETIE, UINT32_MAX);
    assert_int_equal(rd(SETIE), 0xfffffffe);
    for (uint64_t at = MMSIADDRCFG; at <= SMSIADDRCFGH; at += 4) {
        wr(at, UINT32_MAX);
        assert_int_equal(rd(at), 0);
    }
    wr(GENMSI, UINT32_MAX);
    assert_int_equal(rd(GENMSI), 0);
    wr(idc(0, IDELIVERY), UINT32_MAX);
    wr(idc(0, IFORCE), UINT32_MAX);
    wr(idc(0, ITHRESHOLD), UINT32_MAX);
    assert_int_equal(rd(idc(0, IDELIVERY)), 1);
    assert_int_equal(rd(idc(0, IFORCE)), 1);
    assert_int_equal(rd(idc(0, ITHRESHOLD)), 255);
    wr(idc(HARTS, IDELIVERY), 1);
    assert_int_equal(rd(idc(HARTS, IDELIVERY)), 0);
}

static void test_width(void **state)
{
    uint64_t v;

    (void)state;
    assert_int_equal(harness_try_read(h, dev, 0, 0, 8, &v), BUS_REFUSED);
    assert_int_equal(harness_try_read(h, dev, 0, 0, 2, &v), BUS_REFUSED);
    assert_int_equal(harness_try_write(h, dev, 0, 4, 1, 1), BUS_REFUSED);
    assert_int_equal(harness_try_write(h, dev, 0, 2, 4, 1), BUS_REFUSED);
    wr(0x1000, 1);
    assert_non_null(strstr(harness_log(h), "no register at offset 0x1000"));
}

/* What is inactive has nothing, 4.5.2. */
static void test_inactive(void **state)
{
    (void)state;
    configure(40, DETACHED);
    wr(SETIPNUM, 40);
    wr(SETIENUM, 40);
    target(40, 1, 9);
    assert_true(bit(SETIP, 40) && bit(SETIE, 40));
    configure(40, EDGE1); /* keeps it */
    assert_true(bit(SETIP, 40) && bit(SETIE, 40));
    configure(40, INACTIVE);
    assert_false(bit(SETIP, 40) || bit(SETIE, 40));
    assert_int_equal(rd(0x3000 + 160), 0);
    wr(SETIPNUM, 40);
    wr(SETIENUM, 40);
    wr(SETIP + 4, UINT32_MAX);
    wr(SETIE + 4, UINT32_MAX);
    target(40, 1, 9);
    line(40, true);
    assert_false(bit(SETIP, 40) || bit(SETIE, 40) || bit(IN_CLRIP, 40));
    assert_int_equal(rd(0x3000 + 160), 0);
}

static void test_arrays(void **state)
{
    (void)state;
    for (unsigned s = 30; s < 70; s++)
        configure(s, DETACHED);
    wr(SETIP + 4, 0x0f0f0f0f);
    assert_int_equal(rd(SETIP + 4), 0x0f0f0f0f);
    wr(SETIP, UINT32_MAX);
    assert_int_equal(rd(SETIP), 0xc0000000);
    wr(IN_CLRIP + 4, 0xff);
    assert_int_equal(rd(SETIP + 4), 0x0f0f0f00);
    wr(SETIE + 8, UINT32_MAX);
    assert_int_equal(rd(SETIE + 8), 0x3f);
    wr(CLRIE + 8, 0x11);
    assert_int_equal(rd(SETIE + 8), 0x2e);
    assert_int_equal(rd(CLRIE + 8), 0);
    wr(SETIENUM, 68);
    assert_int_equal(rd(SETIE + 8), 0x3e);
    wr(CLRIENUM, 69);
    assert_int_equal(rd(SETIE + 8), 0x1e);
    wr(CLRIPNUM, 30);
    assert_int_equal(rd(SETIP), 0x80000000);
    wr(SETIPNUM_LE, 30);
    assert_int_equal(rd(SETIP), 0xc0000000);
    wr(CLRIPNUM, 31);
    wr(SETIPNUM_BE, 31u << 24);
    assert_int_equal(rd(SETIP), 0xc0000000);
    /* No such source. */
    wr(SETIPNUM, 0);
    wr(SETIPNUM, 1024);
    wr(SETIPNUM, UINT32_MAX);
    wr(CLRIENUM, 0x10045);
    assert_int_equal(rd(SETIP), 0xc0000000);
    assert_int_equal(rd(SETIE + 8), 0x1e);
}

/* ------------------------------------------- pending bits, 4.7, and modes */

/* Direct delivery: what sets and clears the pending bit of each mode. */
static void test_modes(void **state)
{
    (void)state;
    for (unsigned mode = DETACHED; mode <= LEVEL0; mode++) {
        bool inverted = mode == EDGE0 || mode == LEVEL0;
        bool is_level = mode >= LEVEL1, edge = mode == EDGE1 || mode == EDGE0;

        if (mode == 2 || mode == 3)
            continue;
        line(9, inverted);
        configure(9, INACTIVE);
        configure(9, mode);
        assert_false(bit(SETIP, 9) || bit(IN_CLRIP, 9));
        line(9, !inverted);
        assert_int_equal(bit(SETIP, 9), edge || is_level);
        assert_int_equal(bit(IN_CLRIP, 9), edge || is_level);
        wr(CLRIPNUM, 9);
        assert_int_equal(bit(SETIP, 9), is_level);
        wr(SETIPNUM, 9);
        assert_true(bit(SETIP, 9));
        line(9, inverted);
        assert_int_equal(bit(SETIP, 9), !is_level);
        wr(CLRIPNUM, 9);
        assert_false(bit(SETIP, 9));
        wr(SETIPNUM, 9);
        assert_int_equal(bit(SETIP, 9), !is_level);
    }
}

static void test_flow(void **state)
{
    (void)state;
    deliver();
    configure(10, LEVEL1);
    configure(11, EDGE1);
    target(10, 1, 5);
    target(11, 1, 4);
    line(10, true);
    line(11, true);
    assert_int_equal(rd(idc(1, TOPI)), 0);
    wr(SETIENUM, 10);
    assert_int_equal(rd(idc(1, TOPI)), 10 << 16 | 5);
    assert_true(harness_level(h, dev, 1));
    assert_false(harness_level(h, dev, 0));
    wr(SETIENUM, 11);
    assert_int_equal(rd(idc(1, CLAIMI)), 11 << 16 | 4);
    assert_false(bit(SETIP, 11));
    assert_int_equal(rd(idc(1, CLAIMI)), 10 << 16 | 5);
    assert_int_equal(rd(idc(1, CLAIMI)), 10 << 16 | 5); /* a level stays */
    line(10, false);
    assert_int_equal(rd(idc(1, CLAIMI)), 0);
    assert_false(harness_level(h, dev, 1));
    /* To another hart. */
    line(10, true);
    target(10, 2, 5);
    assert_false(harness_level(h, dev, 1));
    assert_true(harness_level(h, dev, 2));
    target(10, HARTS, 5); /* there is none */
    assert_false(harness_level(h, dev, 2));
}

static void test_priority(void **state)
{
    (void)state;
    deliver();
    for (unsigned s = 1; s <= 4; s++) {
        configure(s, DETACHED);
        wr(SETIENUM, s);
        wr(SETIPNUM, s);
    }
    target(1, 0, 200);
    target(2, 0, 7);
    target(3, 0, 7);
    target(4, 0, 255);
    assert_int_equal(rd(idc(0, TOPI)), 2 << 16 | 7); /* the lowest of equals */
    wr(idc(0, ITHRESHOLD), 7); /* 7 and above do not count */
    assert_int_equal(rd(idc(0, TOPI)), 0);
    assert_false(harness_level(h, dev, 0));
    wr(idc(0, ITHRESHOLD), 8);
    assert_int_equal(rd(idc(0, CLAIMI)), 2 << 16 | 7);
    assert_int_equal(rd(idc(0, CLAIMI)), 3 << 16 | 7);
    assert_int_equal(rd(idc(0, CLAIMI)), 0);
    wr(idc(0, ITHRESHOLD), 0);
    assert_int_equal(rd(idc(0, CLAIMI)), 1 << 16 | 200);
    assert_int_equal(rd(idc(0, CLAIMI)), 4 << 16 | 255);
}

/* IE, idelivery and iforce affect the signal alone, 4.8.1. */
static void test_signal(void **state)
{
    (void)state;
    configure(3, DETACHED);
    target(3, 0, 1);
    wr(SETIENUM, 3);
    wr(SETIPNUM, 3);
    assert_int_equal(rd(idc(0, TOPI)), 3 << 16 | 1);
    assert_false(harness_level(h, dev, 0));
    wr(idc(0, IDELIVERY), 1);
    assert_false(harness_level(h, dev, 0));
    wr(DOMAINCFG, IE);
    assert_true(harness_level(h, dev, 0));
    wr(idc(0, IDELIVERY), 0);
    assert_false(harness_level(h, dev, 0));
    wr(idc(0, IDELIVERY), 1);
    assert_int_equal(rd(idc(0, CLAIMI)), 3 << 16 | 1);
    assert_false(harness_level(h, dev, 0));
    wr(idc(0, IFORCE), 1);
    assert_true(harness_level(h, dev, 0));
    assert_int_equal(rd(idc(0, TOPI)), 0);
    assert_true(harness_level(h, dev, 0));
    assert_int_equal(rd(idc(0, CLAIMI)), 0); /* spurious: clears it */
    assert_int_equal(rd(idc(0, IFORCE)), 0);
    assert_false(harness_level(h, dev, 0));
}

/* ------------------------------------------------------------- messages */

static struct device *imsic_m, *imsic_s, *root, *child;

static struct device *make_imsic(void)
{
    struct device *d = harness_make(h, &imsic_class);
    struct error e;

    assert_true(device_set(d, NULL, "riscv,num-ids", "255", &e));
    assert_true(harness_start(h, d, 4, &e));
    return d;
}

static void set_addresses(void)
{
    uint64_t m = imsic_m->regions[0].base >> 12;
    uint64_t s = imsic_s->regions[0].base >> 12;

    dev = root;
    wr(MMSIADDRCFG, (uint32_t)m);
    wr(MMSIADDRCFGH, 2 << 12 | (uint32_t)(m >> 32)); /* LHXW = 2 */
    wr(SMSIADDRCFG, (uint32_t)s);
    wr(SMSIADDRCFGH, (uint32_t)(s >> 32));
}

/* Two domains, machine and supervisor level, with an IMSIC each. */
static void make_pair(const char *msi_parent, unsigned harts)
{
    struct error e;

    root = make(msi_parent, harts);
    child = make(msi_parent, harts);
    assert_true(aplic_adopt(root, child, &e));
    imsic_m = make_imsic();
    imsic_s = make_imsic();
    if (atoi(msi_parent))
        set_addresses();
}

static uint32_t taken(struct device *imsic, unsigned file)
{
    uint32_t id;

    pthread_mutex_lock(&h->lock);
    for (unsigned i = 0; i < 8; i++)
        imsic_write_reg(imsic, file, IMSIC_EIE0 + i, UINT32_MAX);
    id = imsic_read_reg(imsic, file, IMSIC_TOPEI) >> 16;
    imsic_write_reg(imsic, file, IMSIC_TOPEI, 0);
    pthread_mutex_unlock(&h->lock);
    return id;
}

static void test_msi(void **state)
{
    (void)state;
    make_pair("1", 0);
    assert_int_equal(rd(DOMAINCFG), FIXED | DM); /* no choice */
    wr(DOMAINCFG, IE);
    assert_int_equal(rd(DOMAINCFG), FIXED | DM | IE);
    configure(20, EDGE1);
    target(20, 3, 0x3f8ff);
    assert_int_equal(rd(0x3000 + 80), 3 << 18 | 0xff); /* no guests */
    target(20, 3, 77);
    wr(SETIENUM, 20);
    line(20, true);
    assert_int_equal(taken(imsic_m, 3), 77);
    assert_int_equal(taken(imsic_m, 3), 0);
    assert_int_equal(taken(imsic_s, 3), 0);
    assert_false(bit(SETIP, 20));
    line(20, false);
    wr(DOMAINCFG, 0);
    line(20, true);
    assert_true(bit(SETIP, 20)); /* held back */
    wr(DOMAINCFG, IE);
    assert_int_equal(taken(imsic_m, 3), 77);
    assert_int_equal(rd(idc(0, TOPI)) | rd(idc(0, IDELIVERY)), 0);
}

/* A level is sent once for each time it rises, 4.9.2. */
static void test_msi_level(void **state)
{
    (void)state;
    make_pair("1", 0);
    wr(DOMAINCFG, IE);
    configure(20, LEVEL1);
    target(20, 0, 5);
    wr(SETIENUM, 20);
    wr(SETIPNUM, 20); /* down: not to be set */
    assert_int_equal(taken(imsic_m, 0), 0);
    line(20, true);
    assert_int_equal(taken(imsic_m, 0), 5);
    assert_false(bit(SETIP, 20));
    assert_true(bit(IN_CLRIP, 20));
    wr(SETIPNUM, 20); /* still up: again */
    assert_int_equal(taken(imsic_m, 0), 5);
    wr(CLRIENUM, 20);
    wr(SETIPNUM, 20);
    assert_true(bit(SETIP, 20));
    wr(CLRIPNUM, 20);
    assert_false(bit(SETIP, 20));
    wr(SETIPNUM, 20);
    line(20, false);
    assert_false(bit(SETIP, 20));
}

static void test_genmsi(void **state)
{
    (void)state;
    make_pair("1", 0);
    wr(GENMSI, 1 << 18 | 99); /* IE is off */
    assert_int_equal(rd(GENMSI), 1 << 18 | 99);
    assert_int_equal(taken(imsic_m, 1), 99);
    dev = child;
    wr(GENMSI, 2 << 18 | 98);
    assert_int_equal(taken(imsic_s, 2), 98);
}

/* Where messages go, 4.9.1: group and hart of an index. */
static void test_addresses(void **state)
{
    static const struct {
        uint32_t high, index;
        uint64_t address;
    } cases[] = {
        {0, 5, 0x80000000},
        {3 << 12, 5, 0x80005000},
        {3 << 12 | 1 << 20, 5, 0x8000a000},
        {2 << 12 | 1 << 16, 5, 0x81001000},
        {2 << 12 | 1 << 16 | 1 << 24, 5, 0x82001000},
        {1 << 12 | 3 << 16 | 1 << 24, 0x3fff, 0x8e001000},
        {0x123, 0, 0x12300080000000},
    };

    (void)state;
    make_pair("1", 0);
    wr(MMSIADDRCFG, 0x80000);
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[64];

        wr(MMSIADDRCFGH, cases[i].high);
        if (cases[i].address < HARNESS_RAM + HARNESS_RAM_SIZE) {
            uint64_t got;

            wr(GENMSI, cases[i].index << 18 | 0x77);
            memory_read(h->memory, cases[i].address, 4, &got);
            assert_int_equal(got, 0x77);
            continue;
        }
        wr(GENMSI, cases[i].index << 18 | 0x77);
        snprintf(text, sizeof(text), "a message to nowhere: 0x%llx\n",
                 (unsigned long long)cases[i].address);
        assert_non_null(strstr(harness_log(h), text));
    }
}

static void test_lock(void **state)
{
    (void)state;
    make_pair("1", 0);
    wr(MMSIADDRCFG, 0x1234);
    wr(MMSIADDRCFGH, UINT32_MAX & ~(1u << 31));
    wr(SMSIADDRCFGH, UINT32_MAX);
    assert_int_equal(rd(MMSIADDRCFGH), 0x1f77ffff);
    assert_int_equal(rd(SMSIADDRCFGH), 0x00700fff);
    wr(MMSIADDRCFGH, 1u << 31 | 7);
    wr(MMSIADDRCFG, 1);
    wr(MMSIADDRCFGH, 1);
    wr(SMSIADDRCFG, 1);
    wr(SMSIADDRCFGH, 1);
    assert_int_equal(rd(MMSIADDRCFG), 0x1234);
    assert_int_equal(rd(MMSIADDRCFGH), 1u << 31 | 7);
    assert_int_equal(rd(SMSIADDRCFGH), 0x00700fff);
    dev = child; /* never at supervisor level */
    wr(MMSIADDRCFG, 1);
    for (uint64_t at = MMSIADDRCFG; at <= SMSIADDRCFGH; at += 4)
        assert_int_equal(rd(at), 0);
    harness_reset(h, root);
    dev = root;
    assert_int_equal(rd(MMSIADDRCFGH), 0);
}

/* Where a domain has both, DM chooses. */
static void test_both_modes(void **state)
{
    (void)state;
    make_pair("1", 2);
    configure(7, LEVEL1);
    wr(SETIENUM, 7);
    line(7, true);
    target(7, 1, 0x83);
    wr(DOMAINCFG, IE);
    wr(idc(1, IDELIVERY), 1);
    assert_int_equal(rd(DOMAINCFG), FIXED | IE);
    assert_true(harness_level(h, root, 1));
    wr(DOMAINCFG, DM);
    assert_int_equal(rd(DOMAINCFG), FIXED | DM);
    assert_false(harness_level(h, root, 1));
    target(7, 1, 42);
    wr(DOMAINCFG, DM | IE);
    assert_int_equal(taken(imsic_m, 1), 42);
    assert_false(bit(SETIP, 7));
    wr(DOMAINCFG, IE);
    assert_true(bit(SETIP, 7)); /* a copy of the input again */
    assert_true(harness_level(h, root, 1));
}

/* ----------------------------------------------------------- delegation */

static void test_delegation(void **state)
{
    (void)state;
    make_pair("0", HARTS);
    dev = child;
    configure(30, LEVEL1); /* not its own yet */
    assert_int_equal(rd(120), 0);
    dev = root;
    configure(30, LEVEL1);
    wr(SETIENUM, 30);
    configure(30, D | 1); /* there is one child */
    assert_int_equal(rd(120), 0);
    configure(30, D);
    assert_int_equal(rd(120), D);
    assert_false(bit(SETIE, 30));
    dev = child;
    assert_int_equal(rd(120), 0);
    line(30, true); /* a wire to any of them is one to the root */
    configure(30, LEVEL1);
    target(30, 2, 3);
    wr(SETIENUM, 30);
    deliver();
    assert_true(bit(SETIP, 30));
    assert_true(harness_level(h, child, 2));
    dev = root;
    assert_false(bit(SETIP, 30));
    assert_false(bit(IN_CLRIP, 30));
    line(30, false);
    assert_false(harness_level(h, child, 2));
    line(30, true);
    assert_true(harness_level(h, child, 2));
    /* Taken back, it is gone there. */
    configure(30, EDGE1);
    assert_false(harness_level(h, child, 2));
    dev = child;
    assert_int_equal(rd(120), 0);
    assert_int_equal(rd(0x3000 + 120), 0);
    assert_false(bit(SETIE, 30));
}

static void test_grandchild(void **state)
{
    struct device *third;
    struct error e;

    (void)state;
    make_pair("0", HARTS);
    third = make("0", HARTS);
    assert_true(aplic_adopt(child, third, &e));
    dev = root;
    configure(8, D);
    dev = child;
    configure(8, D);
    dev = third;
    configure(8, EDGE0);
    line(8, true);
    assert_false(bit(SETIP, 8));
    line(8, false);
    assert_true(bit(SETIP, 8));
    dev = root;
    configure(8, INACTIVE);
    dev = child;
    assert_int_equal(rd(32), 0);
    dev = third;
    assert_int_equal(rd(32), 0);
    assert_false(bit(SETIP, 8));
}

static void test_adopt(void **state)
{
    struct device *other;
    struct error e;

    (void)state;
    make_pair("0", 1);
    assert_false(aplic_adopt(dev, child, &e));
    assert_non_null(strstr(e.text, "has a parent already"));
    assert_false(aplic_adopt(child, root, &e));
    assert_non_null(strstr(e.text, "is above it"));
    assert_false(aplic_adopt(root, root, &e));
    assert_false(aplic_adopt(root, imsic_m, &e));
    assert_non_null(strstr(e.text, "is no riscv,aplic"));
    other = harness_make(h, &aplic_class);
    assert_true(device_set(other, NULL, "riscv,num-sources", "95", &e));
    assert_true(harness_start(h, other, 1, &e));
    assert_false(aplic_adopt(root, other, &e));
    assert_non_null(strstr(e.text, "has another number of sources"));
}

static void test_specifier(void **state)
{
    static const uint32_t good[] = {SOURCES, 4, 0};
    static const uint32_t none[] = {0, 4}, beyond[] = {SOURCES + 1, 4};
    unsigned got = 0;

    (void)state;
    assert_true(dev->class->specifier(dev, good, 2, &got));
    assert_int_equal(got, SOURCES);
    assert_false(dev->class->specifier(dev, good, 1, &got));
    assert_false(dev->class->specifier(dev, good, 3, &got));
    assert_false(dev->class->specifier(dev, none, 2, &got));
    assert_false(dev->class->specifier(dev, beyond, 2, &got));
}

static void test_bad_properties(void **state)
{
    static const struct {
        const char *sources;
        unsigned harts;
        const char *say;
    } cases[] = {
        {"0", 1, "riscv,num-sources is 0: want 1 to 1023"},
        {"1024", 1, "riscv,num-sources is 1024"},
        {"1023", 129, "129 interrupts: want at most 128 harts"},
    };
    struct error e;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct device *d = harness_make(h, &aplic_class);

        assert_true(
            device_set(d, NULL, "riscv,num-sources", cases[i].sources, &e));
        assert_false(harness_start(h, d, cases[i].harts, &e));
        assert_non_null(strstr(e.text, cases[i].say));
        harness_remove(h, d);
    }
}

/* -------------------------------------------------------------- random */

/*
 * Registers and wires of a pair at random, in either mode: pending bits are
 * as a model of 4.7 says, and each message arrives as the target says.
 */
struct model {
    unsigned mode[SOURCES + 1];
    bool wire[SOURCES + 1], ip[SOURCES + 1], ie[SOURCES + 1];
    bool msi;
};

static bool model_input(const struct model *m, unsigned s)
{
    bool inverted = m->mode[s] == EDGE0 || m->mode[s] == LEVEL0;

    return m->mode[s] >= EDGE1 && m->wire[s] != inverted;
}

static bool model_level(const struct model *m, unsigned s)
{
    return m->mode[s] >= LEVEL1;
}

static void model_configure(struct model *m, unsigned s, unsigned mode)
{
    m->mode[s] = mode == 2 || mode == 3 ? 0 : mode;
    if (!m->mode[s])
        m->ip[s] = m->ie[s] = false;
    if (model_level(m, s))
        m->ip[s] = model_input(m, s);
}

static void model_line(struct model *m, unsigned s)
{
    m->wire[s] = !m->wire[s];
    if (model_input(m, s))
        m->ip[s] = true;
    else if (model_level(m, s))
        m->ip[s] = false;
}

static void random_step(struct model *m, struct prng *p)
{
    static const unsigned sources[] = {1, 2, 31, 32, 64, 96};
    unsigned s = sources[prng_below(p, 6)], mode;

    switch (prng_below(p, 6)) {
    case 0:
        mode = (unsigned)prng_below(p, 8);
        configure(s, mode);
        model_configure(m, s, mode);
        break;
    case 1:
    case 2:
        model_line(m, s);
        line(s, m->wire[s]);
        break;
    case 3:
        wr(SETIPNUM, s);
        if (m->mode[s] && (!model_level(m, s) ||
                           (m->msi && model_input(m, s))))
            m->ip[s] = true;
        break;
    case 4:
        wr(CLRIPNUM, s);
        if (!model_level(m, s) || m->msi)
            m->ip[s] = false;
        break;
    default:
        m->ie[s] = m->mode[s] && prng_below(p, 3);
        wr(m->ie[s] ? SETIENUM : CLRIENUM, s);
    }
}

static void run_model(struct device *d, bool msi)
{
    struct model m = {.msi = msi};
    struct prng p = {msi + 99};

    dev = d;
    wr(DOMAINCFG, IE);
    for (unsigned i = 0; i < 20000; i++) {
        random_step(&m, &p);
        for (unsigned s = 1; s <= SOURCES; s++) {
            if (m.mode[s] && msi)
                target(s, s % 4, s);
            if (msi && m.ip[s] && m.ie[s]) {
                m.ip[s] = false;
                /* Perhaps sent when its target was not set yet. */
                taken(imsic_s, s % 4);
            }
            assert_int_equal(bit(SETIP, s), m.ip[s]);
            assert_int_equal(bit(SETIE, s), m.ie[s]);
            assert_int_equal(bit(IN_CLRIP, s), model_input(&m, s));
        }
    }
}

static void test_against_model(void **state)
{
    (void)state;
    run_model(dev, false);
}

static void test_messages_against_model(void **state)
{
    (void)state;
    make_pair("1", 0);
    for (unsigned s = 1; s <= SOURCES; s++)
        configure(s, D);
    run_model(child, true);
}

/* Nonsense in all registers of a pair; sanitizers look on. */
static void test_nonsense(void **state)
{
    struct prng p = {5};

    (void)state;
    make_pair("1", 2);
    for (unsigned i = 0; i < 200000; i++) {
        uint64_t at = prng_below(&p, 0x4080) & ~(uint64_t)3;

        dev = prng_below(&p, 2) ? root : child;
        if (prng_below(&p, 4) == 0)
            at = 4 * prng_below(&p, SOURCES + 2);
        switch (prng_below(&p, 8)) {
        case 0:
            rd(at);
            break;
        case 1:
            line((unsigned)prng_below(&p, 1024), prng_below(&p, 2));
            break;
        case 2:
            wr(at, (uint32_t)prng_below(&p, 1030));
            break;
        default:
            wr(at, (uint32_t)prng_next(&p));
        }
    }
}

static void test_snapshot(void **state)
{
    const struct field *fields = dev->class->fields;
    size_t size = state_size(fields);
    uint8_t *saved = malloc(size);
    struct error e;

    (void)state;
    deliver();
    configure(8, LEVEL1);
    configure(9, EDGE1);
    target(8, 1, 9);
    target(9, 1, 8);
    wr(SETIENUM, 8);
    wr(SETIENUM, 9);
    line(8, true);
    line(9, true);
    state_save(fields, dev, saved);
    dev = make("0", HARTS);
    assert_true(state_load(fields, dev, saved, size, &e));
    dev->class->loaded(dev);
    free(saved);
    assert_true(harness_level(h, dev, 1));
    assert_int_equal(rd(idc(1, CLAIMI)), 9 << 16 | 8);
    assert_int_equal(rd(idc(1, CLAIMI)), 8 << 16 | 9);
    line(8, false);
    assert_false(harness_level(h, dev, 1));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reset_state),
        TEST(test_warl),
        TEST(test_width),
        TEST(test_inactive),
        TEST(test_arrays),
        TEST(test_modes),
        TEST(test_flow),
        TEST(test_priority),
        TEST(test_signal),
        TEST(test_msi),
        TEST(test_msi_level),
        TEST(test_genmsi),
        TEST(test_addresses),
        TEST(test_lock),
        TEST(test_both_modes),
        TEST(test_delegation),
        TEST(test_grandchild),
        TEST(test_adopt),
        TEST(test_specifier),
        TEST(test_bad_properties),
        TEST(test_against_model),
        TEST(test_messages_against_model),
        TEST(test_nonsense),
        TEST(test_snapshot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
