/*
 * The PIIX3's interrupt router and the PIIX4's power management; ISA's
 * interrupt lines.
 */
#include "tests/unit.h"

#include <string.h>

#include "devices/pci/pci.h"
#include "tests/devices/harness.h"

#define TIMER_HZ 3579545.0
#define HALF_RANGE_NS ((uint64_t)((1 << 23) / TIMER_HZ * 1e9))

static uint64_t in(struct harness *h, uint64_t port, unsigned size)
{
    uint64_t v;

    assert_int_equal(memory_read(h->ports, port, size, &v), BUS_OK);
    return v;
}

static void out(struct harness *h, uint64_t port, unsigned size, uint64_t v)
{
    assert_int_equal(memory_write(h->ports, port, size, v), BUS_OK);
}

static void router(void **state)
{
    struct harness *h = harness_new();
    struct device *p = harness_device(h, "piix3", NULL);

    (void)state;
    assert_int_equal(harness_config_read(h, p, 0x60, 4), 0x80808080);
    harness_input(h, p, 1, true);
    assert_true(harness_level(h, p, 17));
    assert_false(harness_level(h, p, 10));
    harness_config_write(h, p, 0x61, 1, 10);
    assert_true(harness_level(h, p, 10));
    harness_config_write(h, p, 0x62, 1, 10); /* PIRQC to the same */
    harness_input(h, p, 2, true);
    harness_input(h, p, 1, false);
    assert_true(harness_level(h, p, 10));
    assert_false(harness_level(h, p, 17));
    harness_config_write(h, p, 0x62, 1, 11);
    assert_false(harness_level(h, p, 10));
    assert_true(harness_level(h, p, 11));
    harness_config_write(h, p, 0x62, 1, 13); /* reserved */
    for (unsigned irq = 0; irq < 16; irq++)
        assert_false(harness_level(h, p, irq));
    harness_reset(h, p);
    assert_int_equal(harness_config_read(h, p, 0x62, 1), 0x80);
    harness_free(h);
}

static struct device *make_pm(struct harness *h, const char *properties)
{
    struct device *p = harness_device(h, "piix4-pm", properties);

    assert_int_equal(harness_config_read(h, p, 0x40, 4), 1);
    harness_config_write(h, p, 0x40, 4, 0xb000);
    assert_int_equal(in(h, 0xb008, 4), 0xffffffff);
    harness_config_write(h, p, 0x80, 1, 1);
    return p;
}

static void pm_timer(void **state)
{
    struct harness *h = harness_new();
    struct device *p = make_pm(h, NULL);
    uint64_t a;

    (void)state;
    a = in(h, 0xb008, 4);
    harness_advance(h, 1000000000);
    assert_in_range((in(h, 0xb008, 4) - a) & 0xffffff, 3579544, 3579546);
    assert_int_equal(in(h, 0xb00a, 1), in(h, 0xb008, 4) >> 16 & 0xff);
    harness_advance(h, 2 * HALF_RANGE_NS); /* bit 23 has changed */
    assert_int_equal(in(h, 0xb000, 2) & 1, 1);
    out(h, 0xb000, 2, 1);
    assert_int_equal(in(h, 0xb000, 2), 0);
    out(h, 0xb002, 2, 1);
    out(h, 0xb2, 1, 0xf1);
    assert_false(harness_level(h, p, 0));
    harness_advance(h, HALF_RANGE_NS + 1000);
    assert_true(harness_level(h, p, 0));
    out(h, 0xb000, 2, 1);
    assert_false(harness_level(h, p, 0));
    harness_advance(h, HALF_RANGE_NS + 1000);
    assert_true(harness_level(h, p, 0));
    out(h, 0xb2, 1, 0xf0); /* SCI_EN goes */
    assert_false(harness_level(h, p, 0));
    harness_free(h);
}

static void power_button(void **state)
{
    struct harness *h = harness_new();
    struct device *p = make_pm(h, NULL);

    (void)state;
    out(h, 0xb000, 4, 0x100 << 16); /* PMEN */
    out(h, 0xb004, 2, 1);
    harness_input(h, p, 0, true);
    assert_int_equal(in(h, 0xb000, 2), 0x100);
    assert_true(harness_level(h, p, 0));
    out(h, 0xb001, 1, 1);
    assert_false(harness_level(h, p, 0));
    harness_input(h, p, 0, true); /* held: no other press */
    assert_int_equal(in(h, 0xb000, 2), 0);
    harness_free(h);
}

static void soft_off(void **state)
{
    struct harness *h = harness_new();

    (void)state;
    make_pm(h, NULL);
    out(h, 0xb004, 2, 1 << 10);
    assert_int_equal(h->requests, 0);
    out(h, 0xb004, 2, 0);
    assert_int_equal(h->requests, 0);
    out(h, 0xb005, 1, 1 << 5);
    assert_int_equal(h->requests, 1);
    assert_int_equal(h->last_request, REQUEST_POWEROFF);
    assert_int_equal(in(h, 0xb004, 2), 0); /* SUS_EN reads 0 */
    harness_free(h);
}

/* PMCNTRL with a suspend type. */
static void suspend(struct harness *h, unsigned type)
{
    out(h, 0xb004, 2, 1 << 13 | type << 10 | 1);
}

/* SUS_EN stops the processors, and says what is lost meanwhile. */
static void sleep_types(void **state)
{
    static const int losses[] = {-1, SLEEP_LOSES_ALL, SLEEP_LOSES_ALL,
                                 SLEEP_LOSES_CPUS, SLEEP_LOSES_NOTHING};
    struct harness *h = harness_new();
    struct device *p = make_pm(h, NULL);

    (void)state;
    for (unsigned type = 1; type <= 4; type++) {
        h->requests = 0;
        suspend(h, type);
        assert_int_equal(h->requests, 1);
        assert_int_equal(h->last_request, REQUEST_SLEEP);
        assert_int_equal(h->last_code, losses[type]);
        harness_input(h, p, 0, true); /* whatever PMEN says */
        assert_int_equal(h->requests, 2);
        assert_int_equal(h->last_request, REQUEST_WAKE);
        assert_int_equal(in(h, 0xb000, 2), 0x8100);
        harness_input(h, p, 0, false);
        harness_input(h, p, 0, true); /* it is awake */
        harness_input(h, p, 0, false);
        assert_int_equal(h->requests, 2);
        out(h, 0xb000, 2, 0xffff);
    }
    h->requests = 0;
    for (unsigned type = 5; type <= 7; type++)
        suspend(h, type);
    assert_int_equal(h->requests, 0);
    assert_non_null(strstr(harness_log(h), "no suspend type 7"));
    harness_free(h);
}

/* The clock wakes it if PMEN wants that, a key always; neither is an event
 * of its own while it is awake. */
static void wakes(void **state)
{
    struct harness *h = harness_new();
    struct device *p = make_pm(h, NULL);

    (void)state;
    harness_input(h, p, 2, true);
    harness_input(h, p, 2, false);
    assert_int_equal(in(h, 0xb000, 2), 0);
    suspend(h, 1);
    harness_input(h, p, 1, true);
    assert_int_equal(h->last_request, REQUEST_SLEEP);
    harness_input(h, p, 2, true);
    harness_input(h, p, 2, false);
    assert_int_equal(h->last_request, REQUEST_WAKE);
    assert_int_equal(in(h, 0xb000, 2), 0x8500);
    out(h, 0xb000, 4, 0x400 << 16 | 0x8100);
    suspend(h, 1); /* the alarm's status is still there */
    assert_int_equal(h->requests, 4);
    assert_int_equal(h->last_request, REQUEST_WAKE);
    out(h, 0xb000, 2, 0xffff);
    suspend(h, 1); /* its level alone is none */
    assert_int_equal(h->last_request, REQUEST_SLEEP);
    harness_input(h, p, 1, false);
    harness_input(h, p, 1, true);
    assert_int_equal(h->last_request, REQUEST_WAKE);
    harness_free(h);
}

/* Suspended to RAM, only the suspend well has power. */
static void suspend_well(void **state)
{
    struct harness *h = harness_new();
    struct device *p = make_pm(h, NULL);

    (void)state;
    out(h, 0xb000, 4, 0x400 << 16);
    out(h, 0xb010, 4, 0x12);
    suspend(h, 1);
    device_sleep(p);
    assert_int_equal(harness_config_read(h, p, 0x40, 4), 1);
    assert_int_equal(in(h, 0xb000, 4), 0xffffffff);
    harness_input(h, p, 1, true);
    assert_int_equal(h->last_request, REQUEST_WAKE);
    harness_config_write(h, p, 0x40, 4, 0xb000);
    harness_config_write(h, p, 0x80, 1, 1);
    assert_int_equal(in(h, 0xb000, 4), 0x400 << 16 | 0x8400);
    assert_int_equal(in(h, 0xb004, 2), 1 << 10 | 1);
    assert_int_equal(in(h, 0xb010, 4), 0);
    harness_reset(h, p);
    assert_int_equal(harness_level(h, p, 0), 0);
    harness_free(h);
}

static void smi(void **state)
{
    struct harness *h = harness_new();
    struct device *p = make_pm(h, "smm=on");
    struct harness_wire *w = harness_out(h, p, 1);
    unsigned before = w->changes;

    (void)state;
    assert_int_equal(harness_config_read(h, p, 0x5b, 1), 0);
    out(h, 0xb2, 1, 0x42);
    out(h, 0xb3, 1, 0x43);
    assert_int_equal(in(h, 0xb2, 2), 0x4342);
    assert_int_equal(w->changes, before);
    harness_config_write(h, p, 0x58, 4, 1 << 25);
    out(h, 0xb2, 1, 0x42);
    assert_int_equal(w->changes, before + 2);
    harness_free(h);

    h = harness_new();
    p = make_pm(h, NULL);
    assert_int_equal(harness_config_read(h, p, 0x5b, 1), 2);
    out(h, 0xb2, 1, 0x42);
    assert_int_equal(harness_out(h, p, 1)->changes, 0);
    harness_free(h);
}

static void smbus(void **state)
{
    struct harness *h = harness_new();
    struct device *p = make_pm(h, NULL);

    (void)state;
    harness_config_write(h, p, 0x90, 4, 0xb100);
    harness_config_write(h, p, 0xd2, 1, 9);
    out(h, 0xb104, 1, 0xa1);
    out(h, 0xb102, 1, 0x48);
    assert_int_equal(in(h, 0xb100, 1), 4); /* nobody there */
    assert_int_equal(in(h, 0xb102, 1), 8);
    out(h, 0xb100, 1, 0xff);
    assert_int_equal(in(h, 0xb100, 1), 0);
    assert_int_equal(in(h, 0xb104, 1), 0xa1);
    harness_free(h);
}

static void isa_lines(void **state)
{
    struct harness *h = harness_new();
    struct device *p = harness_device(h, "isa-irqs", NULL);
    uint32_t cells[2] = {9, 4};
    unsigned a, b;

    (void)state;
    assert_true(p->class->specifier(p, cells, 2, &a));
    assert_true(p->class->specifier(p, cells, 2, &b));
    assert_true(a != b);
    harness_input(h, p, a, true);
    harness_input(h, p, b, true);
    harness_input(h, p, a, false);
    assert_true(harness_level(h, p, 9) && harness_level(h, p, 16 + 9));
    harness_input(h, p, b, false);
    assert_false(harness_level(h, p, 9) || harness_level(h, p, 16 + 9));
    cells[0] = 16;
    assert_false(p->class->specifier(p, cells, 2, &a));
    cells[0] = 3;
    for (unsigned i = 0; i < 32; i++)
        assert_true(p->class->specifier(p, cells, 1, &a));
    assert_false(p->class->specifier(p, cells, 1, &a));
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(router),       cmocka_unit_test(pm_timer),
        cmocka_unit_test(power_button), cmocka_unit_test(soft_off),
        cmocka_unit_test(sleep_types),  cmocka_unit_test(wakes),
        cmocka_unit_test(suspend_well), cmocka_unit_test(smi),
        cmocka_unit_test(smbus),        cmocka_unit_test(isa_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
