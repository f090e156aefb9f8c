/*
 * The run loop, with a stub CPU: starting, pausing, resets and ends from
 * inside and outside the guest, timers, input, instruction counting.  Also
 * built with the thread sanitizer (README of machine/).
 */
#include "rig.h"
#include "stub_cpu.h"

#include <sched.h>
#include <time.h>
#include <unistd.h>

#define FINISHER 0x100000
#define MSIP 0x2000000
#define PASS 0x5555
#define FAIL 0x3333
#define RESET 0x7777
#define RAM 0x80000000u

static struct stub_cpu *stub(struct rig *r, unsigned n)
{
    return (struct stub_cpu *)r->m->vcpu[n].cpu;
}

static void start(struct rig *r)
{
    if (!machine_start(r->m, &r->e))
        fail_msg("machine_start: %s", r->e.text);
}

static void finish(struct stub_cpu *s, uint32_t value)
{
    assert_int_equal(memory_write(s->core.env.memory, FINISHER, 4, value),
                     BUS_OK);
}

/* -- ends -- */

static void power_off(struct stub_cpu *s)
{
    if (s->steps == 1000)
        finish(s, PASS);
}

static void report_failure(struct stub_cpu *s)
{
    if (s->steps == 1000)
        finish(s, 7 << 16 | FAIL);
}

static void reboot(struct stub_cpu *s)
{
    if (s->core.id == 0 && s->steps == 1000)
        finish(s, RESET);
}

static void test_power_off(void **state)
{
    struct rig *r = *state;
    uint64_t insns;
    int code = -1;

    stub_run = power_off;
    r->config.cpus = 3;
    rig_machine(r);
    assert_string_equal(machine_why(r->m), "");
    start(r);
    assert_int_equal(rig_run(r, &code), MACHINE_POWEROFF);
    assert_int_equal(code, 0);
    assert_string_equal(machine_why(r->m), "the guest powered off");
    /* Nobody runs any more. */
    insns = machine_insns(r->m);
    usleep(20000);
    assert_int_equal(machine_insns(r->m), insns);
    assert_int_equal(machine_poll(r->m), CLOCK_NEVER);
    machine_resume(r->m);
    assert_int_equal(machine_insns(r->m), insns);
}

static void test_failure(void **state)
{
    struct rig *r = *state;
    int code = -1;

    stub_run = report_failure;
    rig_machine(r);
    start(r);
    assert_int_equal(rig_run(r, &code), MACHINE_FAILED);
    assert_int_equal(code, 7);
    assert_string_equal(machine_why(r->m), "the guest reported failure 7");
}

static void test_no_reboot(void **state)
{
    struct rig *r = *state;

    stub_run = reboot;
    rig_machine(r);
    machine_set_no_reboot(r->m, true);
    start(r);
    assert_int_equal(rig_run(r, NULL), MACHINE_RESET);
    assert_int_equal(atomic_load(&stub(r, 0)->resets), 1);
}

static bool reset_ten_times(void *arg)
{
    return atomic_load(&stub(arg, 0)->resets) >= 10;
}

static void test_reboot(void **state)
{
    struct rig *r = *state;

    stub_run = reboot;
    r->config.cpus = 2;
    rig_machine(r);
    start(r);
    rig_poll_until(r, reset_ten_times, r);
    assert_int_equal(machine_ended(r->m, NULL), MACHINE_RUNNING);
    assert_int_equal(atomic_load(&stub(r, 1)->resets),
                     atomic_load(&stub(r, 0)->resets));
}

/* -- a reset brings back what was loaded -- */

static const uint8_t code[] = {
    0x13, 0x00, 0x00, 0x00, /* nop */
    0x6f, 0x00, 0x00, 0x00, /* j . */
    'o',  'n',  'c',  'e',
};

/* Spoils all that was loaded, then resets. */
static void spoil(struct stub_cpu *s)
{
    struct memory *m = s->core.env.memory;

    if (s->steps == 10) {
        memory_write(m, RAM + 8, 4, 0xdeadbeef);
        memory_write(m, 0x1000, 4, 0xdeadbeef); /* ROM: vanishes */
        memory_write(m, RAM + (256 << 20) - (2 << 20), 8, 0);
    }
    if (s->steps == 20)
        finish(s, RESET);
    if (s->steps > 20)
        stub_halt(s);
}

static bool reset_twice(void *arg)
{
    return atomic_load(&stub(arg, 0)->resets) >= 3;
}

static void test_reset_reloads(void **state)
{
    struct rig *r = *state;
    uint8_t before[sizeof(code)], after[sizeof(code)], tree[40], stub[192];

    stub_run = spoil;
    r->config.kernel = rig_file(r, "code", code, sizeof(code));
    rig_machine(r);
    rig_read(r, RAM, before, sizeof(before));
    rig_read(r, 0x1000, stub, sizeof(stub));
    assert_memory_equal(before, code, sizeof(code));
    start(r);
    rig_poll_until(r, reset_twice, r);
    machine_stop(r->m);
    /* The last reset may be followed by a spoiling. */
    assert_true(machine_power_on(r->m, &r->e));
    rig_read(r, RAM, after, sizeof(after));
    assert_memory_equal(after, code, sizeof(code));
    rig_read(r, r->m->loader.tree_at, tree, sizeof(tree));
    assert_memory_equal(tree, r->m->loader.guest.fdt, sizeof(tree));
    rig_read(r, 0x1000, tree, sizeof(tree));
    assert_memory_equal(tree, stub, sizeof(tree));
}

/* The file is gone, or shorter: the open one counts. */
static void test_reset_without_file(void **state)
{
    struct rig *r = *state;
    const char *file = rig_file(r, "code", code, sizeof(code));
    FILE *f;

    stub_run = reboot;
    r->config.kernel = file;
    rig_machine(r);
    unlink(file);
    start(r);
    rig_poll_until(r, reset_ten_times, r);
    rig_free(r);

    r->config.kernel = rig_file(r, "code", code, sizeof(code));
    rig_machine(r);
    f = fopen(r->config.kernel, "wb"); /* truncates in place */
    assert_non_null(f);
    fclose(f);
    start(r);
    assert_int_equal(rig_run(r, NULL), MACHINE_FAILED);
    assert_matches("reset: -kernel */code: the file got shorter",
                   machine_why(r->m));
}

/* -- pausing -- */

static bool has_run(void *arg)
{
    return machine_insns(arg) > 0;
}

static void test_pause(void **state)
{
    struct rig *r = *state;

    stub_run = NULL;
    r->config.cpus = 3;
    rig_machine(r);
    machine_pause(r->m);
    start(r);
    usleep(2000);
    assert_int_equal(machine_insns(r->m), 0);
    assert_int_equal(clock_ns(r->m->clock), 0);
    machine_resume(r->m);
    for (int i = 0; i < 200; i++) {
        uint64_t insns, ns;
        char text[200];

        assert_false(machine_paused(r->m));
        machine_pause(r->m);
        assert_true(machine_paused(r->m));
        insns = machine_insns(r->m);
        ns = clock_ns(r->m->clock);
        machine_stats(r->m, text, sizeof(text));
        assert_non_null(strstr(text, ", paused"));
        assert_non_null(strstr(text, "stub"));
        assert_int_equal(machine_poll(r->m), CLOCK_NEVER);
        usleep(100);
        assert_int_equal(machine_insns(r->m), insns);
        assert_int_equal(clock_ns(r->m->clock), ns);
        machine_resume(r->m);
        usleep(i);
    }
    /* A loaded host may have run none of them so far. */
    rig_poll_until(r, has_run, r->m);
}

static void test_start_stop(void **state)
{
    struct rig *r = *state;

    stub_run = NULL;
    r->config.cpus = 2;
    rig_machine(r);
    for (int i = 0; i < 100; i++) {
        start(r);
        if (i & 1)
            usleep((unsigned)i);
        machine_stop(r->m);
    }
    for (int i = 0; i < 50; i++) {
        rig_machine(r);
        start(r);
        rig_free(r);
    }
}

/* Resets from another thread, from the guest, and pauses, all at once. */
static void *press_reset(void *arg)
{
    struct rig *r = arg;

    for (int i = 0; i < 200; i++) {
        machine_reset(r->m);
        usleep(50);
    }
    return NULL;
}

static void test_storm(void **state)
{
    struct rig *r = *state;
    pthread_t thread;

    stub_run = reboot;
    r->config.cpus = 3;
    rig_machine(r);
    start(r);
    assert_int_equal(pthread_create(&thread, NULL, press_reset, r), 0);
    for (int i = 0; i < 200; i++) {
        machine_poll(r->m);
        machine_pause(r->m);
        machine_poll(r->m);
        machine_resume(r->m);
    }
    pthread_join(thread, NULL);
    machine_poll(r->m);
    assert_int_equal(machine_ended(r->m, NULL), MACHINE_RUNNING);
    assert_true(atomic_load(&stub(r, 0)->resets) > 1);
    assert_int_equal(atomic_load(&stub(r, 2)->resets),
                     atomic_load(&stub(r, 0)->resets));
}

/* The first end counts, whatever comes after. */
static void test_two_ends(void **state)
{
    struct rig *r = *state;
    int code;

    stub_run = NULL;
    rig_machine(r);
    start(r);
    machine_request(r->m, REQUEST_FAIL, 3);
    machine_request(r->m, REQUEST_POWEROFF, 0);
    machine_request(r->m, REQUEST_RESET, 0);
    assert_int_equal(rig_run(r, &code), MACHINE_FAILED);
    assert_int_equal(code, 3);
    assert_int_equal(atomic_load(&stub(r, 0)->resets), 1);
}

/* -- sleeping -- */

struct alarm {
    struct timer timer;
    struct machine *m;
    unsigned fired;
    uint64_t at;    /* clock_ns() when it fired */
    uint64_t insns; /* machine_insns() then */
    struct wire wire;
};

static void ring(void *owner)
{
    struct alarm *a = owner;

    a->fired++;
    a->at = clock_ns(a->m->clock);
    a->insns = machine_insns(a->m);
    wire_set(&a->wire, true);
}

static void arm(struct rig *r, struct alarm *a, uint64_t ns)
{
    pthread_mutex_lock(&r->m->lock);
    a->m = r->m;
    a->wire = cpu_input(r->m->vcpu[0].cpu, 7);
    timer_init(&a->timer, r->m->clock, ring, a);
    timer_arm(&a->timer, ns);
    pthread_mutex_unlock(&r->m->lock);
}

static uint64_t host_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Sleep; then, woken by the input, end. */
static void sleep_then_end(struct stub_cpu *s)
{
    if (atomic_load(&s->lines))
        finish(s, PASS);
    else
        stub_halt(s);
}

static void test_idle(void **state)
{
    struct rig *r = *state;
    struct alarm a = {.fired = 0};
    uint64_t began;

    stub_run = sleep_then_end;
    rig_machine(r);
    arm(r, &a, 300000000);
    began = host_ms();
    start(r);
    assert_int_equal(rig_run(r, NULL), MACHINE_POWEROFF);
    assert_int_equal(a.fired, 1);
    assert_true(a.at >= 300000000);
    assert_true(machine_insns(r->m) <= 2 * STUB_STEP);
    /* rig_poll_until() itself looks every 20 ms: that often, and a few. */
    assert_in_range(r->polls, 1, (host_ms() - began) / 20 + 15);
}

/* A hart that sleeps is woken by another one's software interrupt. */
static void wake_other(struct stub_cpu *s)
{
    if (s->core.id == 1 && atomic_load(&s->lines))
        finish(s, PASS);
    else if (s->core.id == 1)
        stub_halt(s);
    else if (s->steps == 100)
        memory_write(s->core.env.memory, MSIP + 4, 4, 1);
}

static void test_ipi(void **state)
{
    struct rig *r = *state;

    stub_run = wake_other;
    r->config.cpus = 2;
    rig_machine(r);
    start(r);
    assert_int_equal(rig_run(r, NULL), MACHINE_POWEROFF);
    assert_int_equal(atomic_load(&stub(r, 1)->lines), 1 << 3);
}

/* -- the bus -- */

/* Of three that count together; no atomics, for the bus is what keeps them
 * apart.  The third only looks, which no bus keeps it from: it stands still
 * instead. */
static struct {
    unsigned count, inside, seen_inside;
    atomic_uint own[2];
} shared;

static void count_on_the_bus(struct stub_cpu *s)
{
    struct cpu *c = &s->core;
    unsigned was;

    if (c->id == 2) {
        shared.seen_inside += shared.inside;
        return;
    }
    c->wires.bus_lock(c->wires.bus_owner, true);
    shared.inside++;
    was = shared.count;
    sched_yield();
    shared.count = was + 1;
    shared.inside--;
    c->wires.bus_lock(c->wires.bus_owner, false);
    atomic_fetch_add(&shared.own[c->id], 1);
}

static bool both_counted(void *arg)
{
    unsigned want = *(unsigned *)arg;

    return atomic_load(&shared.own[0]) >= want &&
           atomic_load(&shared.own[1]) >= want;
}

/* While it is paused, resumed, stopped and started, too. */
static void test_bus(void **state)
{
    struct rig *r = *state;
    unsigned want = 0;

    memset(&shared, 0, sizeof(shared));
    stub_run = count_on_the_bus;
    r->config.cpus = 3;
    rig_machine(r);
    for (unsigned i = 0; i < 20; i++) {
        want += 20;
        start(r);
        rig_poll_until(r, both_counted, &want);
        machine_pause(r->m);
        assert_int_equal(shared.count,
                         atomic_load(&shared.own[0]) + shared.own[1]);
        machine_resume(r->m);
        if (i & 1)
            machine_reset(r->m);
        else
            machine_stop(r->m);
    }
    machine_stop(r->m);
    assert_int_equal(shared.count, shared.own[0] + shared.own[1]);
    assert_int_equal(shared.seen_inside, 0);
}

/* One alone, and those that run in turn, need none. */
static void test_no_bus(void **state)
{
    struct rig *r = *state;

    stub_run = NULL;
    rig_machine(r);
    assert_null(stub(r, 0)->core.wires.bus_lock);
    rig_free(r);
    r->config.cpus = 2;
    r->config.icount = true;
    rig_machine(r);
    assert_null(stub(r, 1)->core.wires.bus_lock);
}

/* -- input -- */

static size_t swallow(void *owner, const uint8_t *bytes, size_t size)
{
    (void)bytes;
    atomic_fetch_add((_Atomic size_t *)owner, size);
    return size;
}

static bool got_input(void *arg)
{
    return atomic_load((_Atomic size_t *)arg) == 5;
}

static void run_input(struct rig *r)
{
    _Atomic size_t got = 0;
    unsigned source;

    stub_run = sleep_then_end;
    rig_machine(r);
    source = gate_add(machine_gate(r->m), "test", swallow, &got);
    start(r);
    usleep(1000);
    assert_int_equal(
        gate_post(machine_gate(r->m), source, (const uint8_t *)"hello", 5), 5);
    /* By instructions, the machine's own thread delivers. */
    rig_poll_until(r, got_input, &got);
    machine_stop(r->m);
    assert_int_equal(atomic_load(&got), 5);
}

static void test_input(void **state)
{
    run_input(*state);
}

static void test_input_icount(void **state)
{
    struct rig *r = *state;

    r->config.icount = true;
    run_input(r);
}

/* The guest is busy, and has no timer that would end its turn: bytes that come
 * while the thread delivers, or is about to go on, are not left lying. */
static void test_input_busy_icount(void **state)
{
    struct rig *r = *state;
    _Atomic size_t got;
    unsigned source;

    stub_run = NULL;
    r->config.icount = true;
    rig_machine(r);
    source = gate_add(machine_gate(r->m), "test", swallow, &got);
    start(r);
    for (int i = 0; i < 5000; i++) {
        uint64_t began = host_ms();

        atomic_store(&got, 0);
        gate_post(machine_gate(r->m), source, (const uint8_t *)"hello", 5);
        while (!got_input(&got)) {
            assert_true(host_ms() - began < 60000);
            sched_yield();
        }
    }
}

/* -- by instructions -- */

static void test_icount_exact(void **state)
{
    struct rig *r = *state;
    struct alarm a = {.fired = 0}, b = {.fired = 0};

    stub_run = power_off; /* after 100,000 instructions */
    r->config.icount = true;
    r->config.icount_shift = 3;
    rig_machine(r);
    arm(r, &a, 8 * 12345);
    arm(r, &b, 8 * 777 + 1);
    start(r);
    assert_int_equal(rig_run(r, NULL), MACHINE_POWEROFF);
    assert_int_equal(a.fired, 1);
    assert_int_equal(a.insns, 12345);
    assert_int_equal(a.at, 8 * 12345);
    assert_int_equal(b.insns, 778);
    assert_int_equal(machine_insns(r->m), 1000 * STUB_STEP);
}

static void test_icount_jump(void **state)
{
    struct rig *r = *state;
    struct alarm a = {.fired = 0};
    uint64_t began;

    stub_run = sleep_then_end;
    r->config.icount = true;
    r->config.cpus = 2;
    rig_machine(r);
    /* An hour of sleep. */
    arm(r, &a, 3600 * (uint64_t)1000000000);
    began = host_ms();
    start(r);
    assert_int_equal(rig_run(r, NULL), MACHINE_POWEROFF);
    assert_int_equal(a.at, 3600 * (uint64_t)1000000000);
    assert_true(host_ms() - began < 600000);
    /* One step each, then CPU 0's last. */
    assert_int_equal(machine_insns(r->m), 3 * STUB_STEP);
}

/* Two CPUs take turns; the run is the same each time. */
static uint64_t turns[3];

static void meet(struct stub_cpu *s)
{
    uint64_t *n = &turns[s->core.id];

    ++*n;
    if (turns[0] + turns[1] == 5000) {
        turns[2] = turns[0];
        finish(s, PASS);
    }
}

static void test_icount_turns(void **state)
{
    struct rig *r = *state;
    uint64_t first = 0;

    stub_run = meet;
    r->config.icount = true;
    r->config.cpus = 2;
    for (int i = 0; i < 3; i++) {
        memset(turns, 0, sizeof(turns));
        rig_machine(r);
        start(r);
        assert_int_equal(rig_run(r, NULL), MACHINE_POWEROFF);
        assert_in_range(turns[2], 2400, 2600);
        if (i == 0)
            first = turns[2];
        assert_int_equal(turns[2], first);
    }
}

static void test_icount_pause(void **state)
{
    struct rig *r = *state;

    stub_run = NULL;
    r->config.icount = true;
    rig_machine(r);
    start(r);
    for (int i = 0; i < 100; i++) {
        uint64_t insns;

        machine_pause(r->m);
        insns = machine_insns(r->m);
        usleep(50);
        assert_int_equal(machine_insns(r->m), insns);
        machine_resume(r->m);
    }
}

/* A sleeping machine without a timer still hears requests. */
static void test_icount_asleep(void **state)
{
    struct rig *r = *state;

    stub_run = sleep_then_end;
    r->config.icount = true;
    rig_machine(r);
    start(r);
    usleep(20000);
    machine_pause(r->m);
    machine_resume(r->m);
    usleep(20000);
    machine_request(r->m, REQUEST_PANIC, 0);
    assert_int_equal(rig_run(r, NULL), MACHINE_PANIC);
}

/* Two machines in one process do not know of each other. */
static void test_two_machines(void **state)
{
    struct rig *r = *state;
    struct machine *other;
    int code;

    stub_run = power_off;
    rig_machine(r);
    assert_true(machine_new(&other, &r->config, &r->e));
    start(r);
    assert_int_equal(rig_run(r, &code), MACHINE_POWEROFF);
    assert_int_equal(machine_ended(other, NULL), MACHINE_RUNNING);
    assert_int_equal(machine_insns(other), 0);
    machine_free(other);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_power_off),
        TEST(test_failure),
        TEST(test_no_reboot),
        TEST(test_reboot),
        TEST(test_reset_reloads),
        TEST(test_reset_without_file),
        TEST(test_pause),
        TEST(test_start_stop),
        TEST(test_storm),
        TEST(test_two_ends),
        TEST(test_idle),
        TEST(test_ipi),
        TEST(test_bus),
        TEST(test_no_bus),
        TEST(test_input),
        TEST(test_input_icount),
        TEST(test_input_busy_icount),
        TEST(test_icount_exact),
        TEST(test_icount_jump),
        TEST(test_icount_turns),
        TEST(test_icount_pause),
        TEST(test_icount_asleep),
        TEST(test_two_machines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
