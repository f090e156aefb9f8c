/*
 * The local APICs: SDM 3, chapter 11, register by register; two processors
 * that send each other interrupts; the timer; x2APIC's MSRs.
 */
#include "tests/unit.h"

#include "devices/ioapic.h"
#include "devices/lapic.h"
#include "tests/devices/harness.h"

enum { INTR, NMI, INIT, SMI, SIPI, OUTPUTS };
enum {
    ID = 0x20,
    TPR = 0x80,
    PPR = 0xa0,
    EOI = 0xb0,
    LDR = 0xd0,
    DFR = 0xe0,
    SVR = 0xf0,
    ISR = 0x100,
    TMR = 0x180,
    IRR = 0x200,
    ESR = 0x280,
    ICR = 0x300,
    ICR_HIGH = 0x310,
    LVT_TIMER = 0x320,
    LVT_LINT0 = 0x350,
    LVT_LINT1 = 0x360,
    LVT_ERROR = 0x370,
    INITIAL = 0x380,
    CURRENT = 0x390,
    DIVIDE = 0x3e0,
};
#define MSR_BASE 0x1b
#define MSR_DEADLINE 0x6e0
#define X2(offset) (0x800 + (offset) / 16)
#define CPUS 3

struct fixture {
    struct harness *h;
    struct device *lapic;
};

static struct fixture start(bool enabled)
{
    struct fixture f = {.h = harness_new()};
    struct error e;

    f.lapic = harness_make(f.h, &lapic_class);
    assert_true(harness_start(f.h, f.lapic, CPUS * OUTPUTS, &e));
    for (unsigned i = 0; i < CPUS && enabled; i++)
        lapic_write(f.lapic, i, SVR, 0x1ff, 4);
    return f;
}

static uint32_t get(struct fixture *f, unsigned cpu, unsigned reg)
{
    return (uint32_t)lapic_read(f->lapic, cpu, reg, 4);
}

static void put(struct fixture *f, unsigned cpu, unsigned reg, uint32_t v)
{
    lapic_write(f->lapic, cpu, reg, v, 4);
}

static bool out(struct fixture *f, unsigned cpu, unsigned n)
{
    return harness_level(f->h, f->lapic, cpu * OUTPUTS + n);
}

static unsigned changes(struct fixture *f, unsigned cpu, unsigned n)
{
    return harness_out(f->h, f->lapic, cpu * OUTPUTS + n)->changes;
}

/* A message to fee00000. */
static void msi(struct fixture *f, unsigned dest, bool logical, uint32_t data)
{
    harness_write(f->h, f->lapic, 0, dest << 12 | (logical ? 4 : 0), 4, data);
}

static void reset_state(void **state)
{
    struct fixture f = start(false);
    uint64_t v;

    (void)state;
    assert_int_equal(get(&f, 1, ID), 1u << 24);
    assert_int_equal(get(&f, 0, SVR), 0xff);
    assert_int_equal(get(&f, 0, 0x30), 0x50014);
    assert_int_equal(get(&f, 0, LVT_LINT0), 0x700);
    assert_int_equal(get(&f, 1, LVT_LINT0), 0x10000);
    assert_int_equal(get(&f, 1, DFR), 0xffffffff);
    assert_true(lapic_read_msr(f.lapic, 0, MSR_BASE, &v));
    assert_int_equal(v, 0xfee00900);
    assert_true(lapic_read_msr(f.lapic, 2, MSR_BASE, &v));
    assert_int_equal(v, 0xfee00800);
    /* Software-disabled: nothing is accepted, LVTs stay masked. */
    msi(&f, 1, false, 0x50);
    assert_false(out(&f, 1, INTR));
    put(&f, 1, LVT_TIMER, 0x40);
    assert_int_equal(get(&f, 1, LVT_TIMER), 0x10040);
    harness_free(f.h);
}

static void priorities(void **state)
{
    struct fixture f = start(true);

    (void)state;
    msi(&f, 0, false, 0x51);
    assert_true(out(&f, 0, INTR));
    assert_int_equal(get(&f, 0, IRR + 0x20), 1u << 17);
    put(&f, 0, TPR, 0x50);
    assert_false(out(&f, 0, INTR));
    put(&f, 0, TPR, 0x4f);
    assert_int_equal(get(&f, 0, PPR), 0x4f);
    msi(&f, 0, false, 0x61);
    assert_int_equal(lapic_acknowledge(f.lapic, 0), 0x61);
    assert_int_equal(get(&f, 0, PPR), 0x60);
    assert_int_equal(get(&f, 0, ISR + 0x30), 1u << 1);
    assert_false(out(&f, 0, INTR)); /* 51 waits */
    msi(&f, 0, false, 0x6f);        /* of the same class */
    assert_false(out(&f, 0, INTR));
    msi(&f, 0, false, 0x70);
    assert_int_equal(lapic_acknowledge(f.lapic, 0), 0x70);
    put(&f, 0, EOI, 0);
    assert_false(out(&f, 0, INTR));
    put(&f, 0, EOI, 0);
    assert_int_equal(lapic_acknowledge(f.lapic, 0), 0x6f);
    put(&f, 0, EOI, 0);
    assert_int_equal(lapic_acknowledge(f.lapic, 0), 0x51);
    assert_int_equal(lapic_acknowledge(f.lapic, 0), -1);
    put(&f, 0, EOI, 0);
    put(&f, 0, EOI, 0); /* one too many */
    lapic_set_cr8(f.lapic, 0, 9);
    assert_int_equal(get(&f, 0, TPR), 0x90);
    assert_int_equal(lapic_get_cr8(f.lapic, 0), 9);
    harness_free(f.h);
}

static void vectors_below_16(void **state)
{
    struct fixture f = start(true);

    (void)state;
    put(&f, 0, LVT_ERROR, 0xfe);
    msi(&f, 0, false, 0x0f);
    assert_int_equal(get(&f, 0, ESR), 0); /* latched by a write */
    put(&f, 0, ESR, 0);
    assert_int_equal(get(&f, 0, ESR), 0x40);
    assert_int_equal(lapic_acknowledge(f.lapic, 0), 0xfe);
    put(&f, 0, ESR, 0);
    assert_int_equal(get(&f, 0, ESR), 0);
    put(&f, 0, ICR, 0x40003);
    put(&f, 0, 0x3f0, 0); /* no such register */
    put(&f, 0, ESR, 0);
    assert_int_equal(get(&f, 0, ESR), 0xa0);
    harness_free(f.h);
}

/* Who has vector v now? */
static unsigned takers(struct fixture *f, uint8_t v)
{
    unsigned who = 0;

    for (unsigned i = 0; i < CPUS; i++) {
        if (!(get(f, i, IRR + v / 32 * 16) >> v % 32 & 1))
            continue;
        who |= 1u << i;
        assert_int_equal(lapic_acknowledge(f->lapic, i), v);
        put(f, i, EOI, 0);
    }
    return who;
}

static void destinations(void **state)
{
    struct fixture f = start(true);

    (void)state;
    msi(&f, 2, false, 0x41);
    assert_int_equal(takers(&f, 0x41), 4);
    msi(&f, 0xff, false, 0x41);
    assert_int_equal(takers(&f, 0x41), 7);
    msi(&f, 9, false, 0x41);
    assert_int_equal(takers(&f, 0x41), 0);
    for (unsigned i = 0; i < CPUS; i++)
        put(&f, i, LDR, 1u << (24 + i));
    msi(&f, 5, true, 0x41); /* flat */
    assert_int_equal(takers(&f, 0x41), 5);
    for (unsigned i = 0; i < CPUS; i++) {
        put(&f, i, DFR, 0x0fffffff);
        put(&f, i, LDR, (i < 2 ? 0x10u | 1u << i : 0x21) << 24);
    }
    msi(&f, 0x13, true, 0x41); /* clusters */
    assert_int_equal(takers(&f, 0x41), 3);
    msi(&f, 0x21, true, 0x41);
    assert_int_equal(takers(&f, 0x41), 4);
    msi(&f, 0xf1, true, 0x41); /* of all clusters the first */
    assert_int_equal(takers(&f, 0x41), 5);
    /* Lowest priority: one of them. */
    put(&f, 0, TPR, 0x30);
    msi(&f, 0x13, true, 0x141);
    assert_int_equal(takers(&f, 0x41), 2);
    put(&f, 0, TPR, 0);
    /* IDs can be changed. */
    put(&f, 1, ID, 7u << 24);
    msi(&f, 7, false, 0x41);
    assert_int_equal(takers(&f, 0x41), 2);
    harness_free(f.h);
}

static void commands(void **state)
{
    struct fixture f = start(true);
    unsigned before;

    (void)state;
    put(&f, 0, ICR_HIGH, 1u << 24);
    put(&f, 0, ICR, 0x4055);
    assert_int_equal(takers(&f, 0x55), 2);
    put(&f, 0, ICR, 0x44055); /* self, all, others */
    assert_int_equal(takers(&f, 0x55), 1);
    put(&f, 0, ICR, 0x84055);
    assert_int_equal(takers(&f, 0x55), 7);
    put(&f, 0, ICR, 0xc4055);
    assert_int_equal(takers(&f, 0x55), 6);
    assert_int_equal(get(&f, 0, ICR), 0xc4055);
    before = changes(&f, 1, NMI);
    put(&f, 0, ICR, 0x4400);
    assert_int_equal(changes(&f, 1, NMI), before + 2);
    before = changes(&f, 1, SMI);
    put(&f, 0, ICR, 0x4200);
    assert_int_equal(changes(&f, 1, SMI), before + 2);
    /* INIT resets the chip, its deassertion does nothing. */
    put(&f, 1, TPR, 0x20);
    before = changes(&f, 1, INIT);
    put(&f, 0, ICR, 0xc500);
    assert_int_equal(changes(&f, 1, INIT), before + 2);
    assert_int_equal(get(&f, 1, TPR), 0);
    put(&f, 0, ICR, 0x8500);
    assert_int_equal(changes(&f, 1, INIT), before + 2);
    before = changes(&f, 1, SIPI);
    put(&f, 0, ICR, 0x469a);
    assert_int_equal(changes(&f, 1, SIPI), before + 2);
    assert_int_equal(harness_out(f.h, f.lapic, OUTPUTS + SIPI)->carried, 0x9a);
    assert_false(out(&f, 1, SIPI));
    harness_free(f.h);
}

/* Messages that nobody may send to himself: lowest priority, SMI, NMI, INIT,
 * start-up, by a shorthand that includes him. */
static void commands_to_oneself(void **state)
{
    static const uint16_t deliveries[] = {0x100, 0x200, 0x400, 0x500, 0x600};
    static const unsigned lines[] = {INTR, SMI, NMI, INIT, SIPI};
    struct fixture f = start(true);

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        for (unsigned who = 1; who <= 3; who++) {
            unsigned before[CPUS];

            for (unsigned cpu = 0; cpu < CPUS; cpu++)
                before[cpu] = changes(&f, cpu, lines[i]);
            put(&f, 0, ICR, who << 18 | 0x4055 | deliveries[i]);
            for (unsigned cpu = 0; cpu < CPUS; cpu++)
                assert_int_equal(changes(&f, cpu, lines[i]) != before[cpu],
                                 who == 3 && cpu != 0);
        }
    }
    harness_free(f.h);
}

static uint8_t acknowledge_pic(void *owner)
{
    ++*(unsigned *)owner;
    return 0x23;
}

static void lint(void **state)
{
    struct fixture f = start(true);
    unsigned asked = 0, before;

    (void)state;
    lapic_set_pic(f.lapic, acknowledge_pic, &asked);
    put(&f, 0, LVT_LINT0, 0x700);
    harness_input(f.h, f.lapic, 0, true);
    assert_true(out(&f, 0, INTR));
    put(&f, 0, TPR, 0xff); /* does not matter */
    assert_true(out(&f, 0, INTR));
    assert_int_equal(lapic_acknowledge(f.lapic, 0), 0x23);
    assert_int_equal(asked, 1);
    put(&f, 0, LVT_LINT0, 0x10700);
    assert_false(out(&f, 0, INTR));
    put(&f, 0, TPR, 0);
    /* Fixed and level: once, until EOI. */
    put(&f, 0, LVT_LINT0, 0x8044);
    assert_int_equal(lapic_acknowledge(f.lapic, 0), 0x44);
    assert_int_equal(get(&f, 0, LVT_LINT0), 0xc044);
    assert_false(out(&f, 0, INTR));
    put(&f, 0, EOI, 0);
    assert_int_equal(lapic_acknowledge(f.lapic, 0), 0x44);
    harness_input(f.h, f.lapic, 0, false);
    put(&f, 0, EOI, 0);
    assert_int_equal(get(&f, 0, LVT_LINT0), 0x8044);
    assert_false(out(&f, 0, INTR));
    /* LINT1 as NMI, by its edge. */
    put(&f, 0, LVT_LINT1, 0x400);
    before = changes(&f, 0, NMI);
    harness_input(f.h, f.lapic, 1, true);
    harness_input(f.h, f.lapic, 1, true);
    assert_int_equal(changes(&f, 0, NMI), before + 2);
    /* Switched off: the pins are the processor's. */
    assert_true(lapic_write_msr(f.lapic, 2, MSR_BASE, 0xfee00000));
    harness_input(f.h, f.lapic, 4, true);
    assert_true(out(&f, 2, INTR));
    assert_int_equal(lapic_acknowledge(f.lapic, 2), 0x23);
    harness_input(f.h, f.lapic, 5, true);
    assert_true(out(&f, 2, NMI));
    harness_free(f.h);
}

static void timer(void **state)
{
    struct fixture f = start(true);

    (void)state;
    put(&f, 0, DIVIDE, 3); /* by 16 */
    put(&f, 0, LVT_TIMER, 0x60);
    put(&f, 0, INITIAL, 1000);
    assert_int_equal(get(&f, 0, CURRENT), 1000);
    harness_advance(f.h, 8000);
    assert_int_equal(get(&f, 0, CURRENT), 500);
    assert_false(out(&f, 0, INTR));
    harness_advance(f.h, 8000);
    assert_int_equal(get(&f, 0, CURRENT), 0);
    assert_int_equal(lapic_acknowledge(f.lapic, 0), 0x60);
    put(&f, 0, EOI, 0);
    harness_advance(f.h, 100000);
    assert_false(out(&f, 0, INTR)); /* once */
    put(&f, 0, DIVIDE, 0xb);        /* by 1 */
    put(&f, 0, LVT_TIMER, 0x20061);
    put(&f, 0, INITIAL, 20000);
    for (unsigned i = 0; i < 5; i++) {
        harness_advance(f.h, 19999);
        assert_false(out(&f, 0, INTR));
        harness_advance(f.h, 1);
        assert_int_equal(lapic_acknowledge(f.lapic, 0), 0x61);
        put(&f, 0, EOI, 0);
    }
    put(&f, 0, LVT_TIMER, 0x30061); /* masked: it runs on */
    harness_advance(f.h, 10000);
    assert_int_equal(get(&f, 0, CURRENT), 10000);
    harness_advance(f.h, 10000);
    assert_false(out(&f, 0, INTR));
    put(&f, 0, INITIAL, 0);
    assert_int_equal(get(&f, 0, CURRENT), 0);
    harness_free(f.h);
}

/* The host takes the thread away between two looks at the clock, for longer
 * than the count. */
static void slow_host(void **state)
{
    struct fixture f = start(true);

    (void)state;
    put(&f, 0, DIVIDE, 0x0b);
    put(&f, 0, LVT_TIMER, 0x61);
    f.h->look_ns = 1000;
    put(&f, 0, INITIAL, 500);
    f.h->look_ns = 0;
    harness_advance(f.h, 500);
    assert_int_equal(lapic_acknowledge(f.lapic, 0), 0x61);
    put(&f, 0, EOI, 0);
    put(&f, 0, INITIAL, 5000);
    f.h->look_ns = 3000;
    put(&f, 0, DIVIDE, 0);
    f.h->look_ns = 0;
    harness_advance(f.h, 10000);
    assert_int_equal(lapic_acknowledge(f.lapic, 0), 0x61);
    put(&f, 0, EOI, 0);
    /* Over already, but its interrupt has not been noticed yet. */
    put(&f, 0, INITIAL, 5000);
    f.h->look_ns = 12000;
    put(&f, 0, DIVIDE, 0x0b);
    f.h->look_ns = 0;
    harness_advance(f.h, 1);
    assert_int_equal(lapic_acknowledge(f.lapic, 0), 0x61);
    harness_free(f.h);
}

/* What is due when a register is written, and was not noticed, is not lost: of
 * a period, of a count that is begun anew, of one that is masked, of a
 * deadline. */
static void due_when_written(void **state)
{
    static const struct {
        unsigned lvt, reg, value;
    } writes[] = {{0x20061, DIVIDE, 0},          {0x20061, INITIAL, 90000},
                  {0x61, INITIAL, 90000},        {0x61, INITIAL, 0},
                  {0x20061, LVT_TIMER, 0x10061}, {0x61, LVT_TIMER, 0x40061}};
    struct fixture f = start(true);

    (void)state;
    put(&f, 0, DIVIDE, 0x0b);
    for (unsigned i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
        put(&f, 0, LVT_TIMER, writes[i].lvt);
        put(&f, 0, INITIAL, 20000);
        f.h->look_ns = 21000;
        put(&f, 0, writes[i].reg, writes[i].value);
        f.h->look_ns = 0;
        assert_int_equal(lapic_acknowledge(f.lapic, 0), 0x61);
        put(&f, 0, EOI, 0);
        put(&f, 0, LVT_TIMER, 0x10061);
        put(&f, 0, INITIAL, 0);
        put(&f, 0, DIVIDE, 0x0b);
    }
    put(&f, 0, LVT_TIMER, 0x40062);
    lapic_write_msr(f.lapic, 0, MSR_DEADLINE, clock_ns(f.h->clock) + 500);
    f.h->look_ns = 1000;
    lapic_write_msr(f.lapic, 0, MSR_DEADLINE, 0);
    f.h->look_ns = 0;
    assert_int_equal(lapic_acknowledge(f.lapic, 0), 0x62);
    harness_free(f.h);
}

/* A one-shot that is over stays so, whatever the divider becomes. */
static void divider_after_the_end(void **state)
{
    struct fixture f = start(true);

    (void)state;
    put(&f, 0, DIVIDE, 0x0b);
    put(&f, 0, LVT_TIMER, 0x61);
    put(&f, 0, INITIAL, 1000);
    harness_advance(f.h, 1001);
    assert_int_equal(lapic_acknowledge(f.lapic, 0), 0x61);
    put(&f, 0, EOI, 0);
    put(&f, 0, DIVIDE, 0x0a); /* by 128 */
    assert_int_equal(get(&f, 0, CURRENT), 0);
    harness_advance(f.h, 1000000);
    assert_false(out(&f, 0, INTR));
    harness_free(f.h);
}

static void tsc_deadline(void **state)
{
    struct fixture f = start(true);
    uint64_t v, now;

    (void)state;
    assert_true(lapic_write_msr(f.lapic, 0, MSR_DEADLINE, 5)); /* not now */
    assert_true(lapic_read_msr(f.lapic, 0, MSR_DEADLINE, &v));
    assert_int_equal(v, 0);
    put(&f, 0, LVT_TIMER, 0x40062);
    put(&f, 0, INITIAL, 100); /* ignored */
    now = clock_ns(f.h->clock);
    assert_true(lapic_write_msr(f.lapic, 0, MSR_DEADLINE, now + 5000));
    assert_true(lapic_read_msr(f.lapic, 0, MSR_DEADLINE, &v));
    assert_true(v == now + 5000);
    harness_advance(f.h, 4999);
    assert_false(out(&f, 0, INTR));
    harness_advance(f.h, 1);
    assert_int_equal(lapic_acknowledge(f.lapic, 0), 0x62);
    assert_true(lapic_read_msr(f.lapic, 0, MSR_DEADLINE, &v));
    assert_int_equal(v, 0);
    assert_true(lapic_write_msr(f.lapic, 0, MSR_DEADLINE, 1)); /* past */
    harness_advance(f.h, 1);
    put(&f, 0, EOI, 0);
    assert_int_equal(lapic_acknowledge(f.lapic, 0), 0x62);
    harness_free(f.h);
}

static void x2apic(void **state)
{
    struct fixture f = start(true);
    struct device *l = f.lapic;
    uint64_t v;

    (void)state;
    assert_false(lapic_read_msr(l, 1, X2(ID), &v));
    assert_false(lapic_write_msr(l, 1, MSR_BASE, 0xfee00400)); /* no such */
    assert_true(lapic_write_msr(l, 1, MSR_BASE, 0xfee00c00));
    assert_false(lapic_write_msr(l, 1, MSR_BASE, 0xfee00800)); /* back */
    assert_false(lapic_write_msr(l, 1, MSR_BASE, UINT64_C(1) << 60));
    assert_true(lapic_read_msr(l, 1, X2(ID), &v));
    assert_int_equal(v, 1);
    assert_true(lapic_read_msr(l, 1, X2(LDR), &v));
    assert_int_equal(v, 2);
    assert_false(lapic_write_msr(l, 1, X2(LDR), 2));
    assert_false(lapic_read_msr(l, 1, X2(DFR), &v));
    assert_false(lapic_read_msr(l, 1, X2(ICR_HIGH), &v));
    assert_false(lapic_read_msr(l, 1, X2(EOI), &v));
    assert_false(lapic_write_msr(l, 1, X2(EOI), 1));
    assert_false(lapic_write_msr(l, 1, X2(TPR), 0x100));
    assert_false(lapic_write_msr(l, 1, X2(SVR), 0x10000));
    assert_false(lapic_read_msr(l, 1, 0x8ff, &v));
    assert_true(lapic_write_msr(l, 1, 0x83f, 0x71)); /* to itself */
    assert_int_equal(takers(&f, 0x71), 2);
    /* 32 bits of destination; from here to an xAPIC. */
    assert_true(lapic_write_msr(l, 1, X2(ICR), UINT64_C(2) << 32 | 0x4072));
    assert_int_equal(takers(&f, 0x72), 4);
    assert_true(
        lapic_write_msr(l, 1, X2(ICR), UINT64_C(0xffffffff) << 32 | 0x4072));
    assert_int_equal(takers(&f, 0x72), 7);
    assert_true(lapic_read_msr(l, 1, X2(ICR), &v));
    assert_true(v == (UINT64_C(0xffffffff) << 32 | 0x4072));
    msi(&f, 2, true, 0x73); /* logical: cluster 0, the second */
    assert_int_equal(takers(&f, 0x73), 2);
    assert_true(lapic_write_msr(l, 1, MSR_BASE, 0xfee00000));
    msi(&f, 1, false, 0x74);
    assert_int_equal(takers(&f, 0x74), 0);
    harness_free(f.h);
}

/* Each error sets its bit, which a write of ESR shows; the error interrupt
 * comes with the first of new ones (11.5.3). */
static void errors(void **state)
{
    struct fixture f = start(true);

    (void)state;
    put(&f, 0, LVT_ERROR, 0xfe);
    put(&f, 0, ICR, 0x4400f); /* to itself: cannot be sent */
    put(&f, 0, ICR, 0x44105); /* nor by lowest priority */
    assert_int_equal(lapic_acknowledge(f.lapic, 0), 0xfe);
    put(&f, 0, EOI, 0);
    put(&f, 0, ICR, 0x44000); /* not shown yet: no news */
    assert_int_equal(lapic_acknowledge(f.lapic, 0), -1);
    get(&f, 0, 0x3f0);
    assert_int_equal(lapic_acknowledge(f.lapic, 0), 0xfe);
    put(&f, 0, EOI, 0);
    put(&f, 0, ESR, 0);
    assert_int_equal(get(&f, 0, ESR), 0xa0);
    /* What arrives, and what its own table says. */
    put(&f, 0, LVT_ERROR, 0x100fe);
    put(&f, 0, DIVIDE, 0xb);
    put(&f, 0, LVT_TIMER, 0x0a);
    put(&f, 0, INITIAL, 20000);
    harness_advance(f.h, 20000);
    put(&f, 0, ESR, 0);
    assert_int_equal(get(&f, 0, ESR), 0x40);
    assert_false(out(&f, 0, INTR));
    /* Not of what has no vector. */
    put(&f, 0, ICR_HIGH, 1u << 24);
    put(&f, 0, ICR, 0x4400); /* NMI */
    put(&f, 0, ESR, 0);
    assert_int_equal(get(&f, 0, ESR), 0);
    /* An error interrupt whose vector is illegal is none, and no loop. */
    put(&f, 0, LVT_ERROR, 0x05);
    put(&f, 0, ICR, 0x44003);
    assert_false(out(&f, 0, INTR));
    harness_free(f.h);
}

/* What each entry keeps of ones, xAPIC's read-only bits apart; and reset. */
static void local_table(void **state)
{
    static const struct {
        unsigned reg;
        uint32_t kept;
    } rows[] = {{LVT_TIMER, 0x700ff}, {0x330, 0x107ff},
                {0x340, 0x107ff},     {LVT_LINT0, 0x1a7ff},
                {LVT_LINT1, 0x1a7ff}, {LVT_ERROR, 0x100ff}};
    struct fixture f = start(true);

    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(get(&f, 1, rows[i].reg), 0x10000);
        put(&f, 1, rows[i].reg, 0xffffffff);
        assert_int_equal(get(&f, 1, rows[i].reg), rows[i].kept);
        put(&f, 1, rows[i].reg, 0x50);
        assert_int_equal(get(&f, 1, rows[i].reg), 0x50);
    }
    /* Switched off by software: all are masked, and stay so; what has come
     * stays, and is not delivered; NMIs are. */
    msi(&f, 1, false, 0x61);
    put(&f, 1, SVR, 0x3f);
    assert_false(out(&f, 1, INTR));
    assert_int_equal(get(&f, 1, IRR + 0x30), 1u << 1);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(get(&f, 1, rows[i].reg), 0x10050);
        put(&f, 1, rows[i].reg, 0x50);
        assert_int_equal(get(&f, 1, rows[i].reg), 0x10050);
    }
    {
        const unsigned before = changes(&f, 1, NMI);

        msi(&f, 1, false, 0x400);
        assert_int_equal(changes(&f, 1, NMI), before + 2);
    }
    put(&f, 1, SVR, 0x13f);
    assert_int_equal(takers(&f, 0x61), 2);
    /* INIT: as a reset, but for the ID and the base. */
    put(&f, 1, ID, 9u << 24);
    put(&f, 1, LDR, 2u << 24);
    put(&f, 1, DFR, 0);
    put(&f, 1, LVT_TIMER, 0x20050);
    put(&f, 1, INITIAL, 100000);
    msi(&f, 1, false, 0x61);
    msi(&f, 9, false, 0x61);
    put(&f, 0, ICR_HIGH, 9u << 24);
    put(&f, 0, ICR, 0x4500);
    assert_int_equal(get(&f, 1, ID), 9u << 24);
    assert_int_equal(get(&f, 1, LDR), 0);
    assert_int_equal(get(&f, 1, DFR), 0xffffffff);
    assert_int_equal(get(&f, 1, SVR), 0xff);
    assert_int_equal(get(&f, 1, INITIAL), 0);
    assert_int_equal(get(&f, 1, CURRENT), 0);
    assert_int_equal(get(&f, 1, IRR + 0x30), 0);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(get(&f, 1, rows[i].reg), 0x10000);
    harness_free(f.h);
}

/* No broadcast of EOIs can be suppressed: bit 24 of the version says so. */
static void no_suppression(void **state)
{
    struct fixture f = start(true);

    (void)state;
    assert_int_equal(get(&f, 0, 0x30) >> 24 & 1, 0);
    put(&f, 0, SVR, 0x11ff);
    assert_int_equal(get(&f, 0, SVR), 0x1ff);
    harness_free(f.h);
}

/* Who is meant, by every model; the lowest of them. */
static void models(void **state)
{
    struct fixture f = start(true);

    (void)state;
    for (unsigned i = 0; i < CPUS; i++)
        put(&f, i, LDR, 1u << (24 + i));
    msi(&f, 0xff, true, 0x41);
    assert_int_equal(takers(&f, 0x41), 7);
    msi(&f, 0, true, 0x41); /* no bit: nobody */
    assert_int_equal(takers(&f, 0x41), 0);
    msi(&f, 0x08, true, 0x41);
    assert_int_equal(takers(&f, 0x41), 0);
    put(&f, 0, ICR_HIGH, 6u << 24);
    put(&f, 0, ICR, 0x4841);
    assert_int_equal(takers(&f, 0x41), 6);
    /* Lowest priority: the first of equals, what it serves counts, one that
     * is switched off does not. */
    msi(&f, 7, true, 0x141);
    assert_int_equal(takers(&f, 0x41), 1);
    msi(&f, 0, false, 0x81);
    assert_int_equal(lapic_acknowledge(f.lapic, 0), 0x81);
    put(&f, 1, TPR, 0x10);
    msi(&f, 7, true, 0x141);
    assert_int_equal(takers(&f, 0x41), 4);
    put(&f, 2, SVR, 0xff);
    msi(&f, 7, true, 0x141);
    assert_int_equal(takers(&f, 0x41), 2);
    msi(&f, 0, false, 0x141); /* the only one */
    assert_int_equal(get(&f, 0, IRR + 0x20), 1u << 1);
    harness_free(f.h);
}

/* All divisors: 2, 4, ... 128, 1. */
static void divisors(void **state)
{
    struct fixture f = start(true);

    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        put(&f, 0, DIVIDE, (i & 3) | (i & 4) << 1 | 0xfffffff4);
        assert_int_equal(get(&f, 0, DIVIDE), (i & 3) | (i & 4) << 1);
        put(&f, 0, LVT_TIMER, 0x10060);
        put(&f, 0, INITIAL, 100000);
        harness_advance(f.h, 12800);
        assert_int_equal(get(&f, 0, CURRENT),
                         100000 - 12800 / (i == 7 ? 1 : 2 << i));
    }
    harness_free(f.h);
}

/* Nothing that INTR announced is taken back by the time of the acknowledge, so
 * the spurious vector never comes: TPR lowers INTR at once. */
static void nothing_spurious(void **state)
{
    struct fixture f = start(true);

    (void)state;
    put(&f, 0, SVR, 0x1ef);
    msi(&f, 0, false, 0x51);
    put(&f, 0, TPR, 0x50);
    assert_false(out(&f, 0, INTR));
    assert_int_equal(lapic_acknowledge(f.lapic, 0), -1);
    assert_int_equal(get(&f, 0, ISR + 0x70), 0);
    put(&f, 0, TPR, 0);
    assert_int_equal(lapic_acknowledge(f.lapic, 0), 0x51);
    harness_free(f.h);
}

/* A reset of the I/O APIC lowers none of its inputs: a level that is there is
 * sent, an edge that was there is none. */
static void held_levels(void **state)
{
    struct fixture f = start(true);
    struct device *io = harness_device(f.h, "ioapic", NULL);

    (void)state;
    assert_true(device_map(f.lapic, 0, 0xfee00000, 0, NULL));
    harness_input(f.h, io, 5, true);
    harness_input(f.h, io, 6, true);
    harness_reset(f.h, io);
    harness_write(f.h, io, 0, 0, 4, 0x10 + 2 * 5);
    harness_write(f.h, io, 0, 0x10, 4, 0x8045);
    assert_int_equal(lapic_acknowledge(f.lapic, 0), 0x45);
    put(&f, 0, EOI, 0);
    harness_write(f.h, io, 0, 0, 4, 0x10 + 2 * 6);
    harness_write(f.h, io, 0, 0x10, 4, 0x46);
    harness_input(f.h, io, 6, true);
    assert_int_equal(lapic_acknowledge(f.lapic, 0), -1);
    harness_input(f.h, io, 6, false);
    harness_input(f.h, io, 6, true);
    assert_int_equal(lapic_acknowledge(f.lapic, 0), 0x46);
    harness_free(f.h);
}

/* EOI of a level goes to the I/O APICs, which send it again. */
static void levels(void **state)
{
    struct fixture f = start(true);
    struct device *io = harness_device(f.h, "ioapic", NULL);

    (void)state;
    assert_true(device_map(f.lapic, 0, 0xfee00000, 0, NULL));
    assert_true(lapic_add_ioapic(f.lapic, io));
    harness_write(f.h, io, 0, 0, 4, 0x10 + 2 * 5);
    harness_write(f.h, io, 0, 0x10, 4, 0x8045);
    harness_input(f.h, io, 5, true);
    assert_int_equal(harness_read(f.h, io, 0, 0x10, 4), 0xc045);
    assert_int_equal(get(&f, 0, TMR + 0x20), 1u << 5);
    assert_int_equal(lapic_acknowledge(f.lapic, 0), 0x45);
    put(&f, 0, EOI, 0);
    assert_true(out(&f, 0, INTR));
    assert_int_equal(lapic_acknowledge(f.lapic, 0), 0x45);
    harness_input(f.h, io, 5, false);
    put(&f, 0, EOI, 0);
    assert_false(out(&f, 0, INTR));
    assert_int_equal(harness_read(f.h, io, 0, 0x10, 4), 0x8045);
    /* An edge; masked ones are lost. */
    harness_write(f.h, io, 0, 0x10, 4, 0x10046);
    harness_input(f.h, io, 5, true);
    harness_write(f.h, io, 0, 0x10, 4, 0x46);
    assert_false(out(&f, 0, INTR));
    harness_input(f.h, io, 5, false);
    harness_input(f.h, io, 5, true);
    assert_int_equal(lapic_acknowledge(f.lapic, 0), 0x46);
    harness_input(f.h, io, 5, true);
    put(&f, 0, EOI, 0);
    assert_int_equal(lapic_acknowledge(f.lapic, 0), -1);
    /* To another processor. */
    harness_write(f.h, io, 0, 0, 4, 0x10 + 2 * 5 + 1);
    harness_write(f.h, io, 0, 0x10, 4, 2u << 24);
    harness_input(f.h, io, 5, false);
    harness_input(f.h, io, 5, true);
    assert_int_equal(takers(&f, 0x46), 4);
    harness_write(f.h, io, 0, 0, 4, 1);
    assert_int_equal(harness_read(f.h, io, 0, 0x10, 4), 0x170011);
    harness_write(f.h, io, 0, 0, 4, 0);
    harness_write(f.h, io, 0, 0x10, 4, 0xff000000);
    assert_int_equal(harness_read(f.h, io, 0, 0x10, 4), 0x0f000000);
    harness_free(f.h);
}

#define TEST(f) cmocka_unit_test(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reset_state),
        TEST(priorities),
        TEST(vectors_below_16),
        TEST(destinations),
        TEST(commands),
        TEST(commands_to_oneself),
        TEST(lint),
        TEST(timer),
        TEST(slow_host),
        TEST(due_when_written),
        TEST(divider_after_the_end),
        TEST(tsc_deadline),
        TEST(x2apic),
        TEST(levels),
        TEST(held_levels),
        TEST(errors),
        TEST(local_table),
        TEST(no_suppression),
        TEST(models),
        TEST(divisors),
        TEST(nothing_spurious),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
