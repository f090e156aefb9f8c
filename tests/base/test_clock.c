/* base/clock.h: the line of time, exact ticks, timers, and readers beside
 * writers (also worth a run under ThreadSanitizer). */
#include "tests/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "tests/base/pest.h"

static void sleep_ms(unsigned ms)
{
    struct timespec ts = {ms / 1000, ms % 1000 * 1000000L};

    nanosleep(&ts, NULL);
}

/* A clock by instructions that a test turns by hand. */
struct manual {
    struct clock *clock;
    uint64_t insns;
    char fired[64]; /* what fired, in order */
    unsigned rearms;
};

static uint64_t get_insns(void *owner)
{
    return ((struct manual *)owner)->insns;
}

static void count_rearm(void *arg)
{
    ((struct manual *)arg)->rearms++;
}

static int set_up(void **state)
{
    struct manual *m = calloc(1, sizeof(*m));

    m->clock = clock_new();
    clock_use_icount(m->clock, 0, get_insns, m);
    clock_on_rearm(m->clock, count_rearm, m);
    *state = m;
    return 0;
}

static int tear_down(void **state)
{
    struct manual *m = *state;

    clock_free(m->clock);
    free(m);
    return 0;
}

/* --------------------------------------------------------------- time */

static void starts_paused_at_zero(void **state)
{
    struct clock *c = clock_new();
    uint64_t t;

    (void)state;
    assert_false(clock_is_icount(c));
    sleep_ms(2);
    assert_true(clock_ns(c) == 0);
    clock_resume(c);
    sleep_ms(2);
    t = clock_ns(c);
    assert_true(t >= 2000000);
    clock_pause(c);
    t = clock_ns(c);
    sleep_ms(2);
    assert_true(clock_ns(c) == t);
    clock_pause(c); /* twice is once */
    assert_true(clock_ns(c) == t);
    clock_resume(c);
    sleep_ms(1);
    clock_resume(c);
    assert_true(clock_ns(c) >= t + 1000000);
    assert_true(clock_ns(c) < t + 1000000000);
    clock_free(c);
}

static void is_scaled(void **state)
{
    struct clock *c = clock_new();
    uint64_t t;

    (void)state;
    clock_set_scale(c, 1000, 1);
    clock_resume(c);
    sleep_ms(2);
    clock_pause(c);
    t = clock_ns(c);
    assert_true(t >= 2000000000);
    clock_set_scale(c, 1, 1000000);
    assert_true(clock_ns(c) == t);
    clock_resume(c);
    sleep_ms(2);
    assert_true(clock_ns(c) >= t + 2);
    assert_true(clock_ns(c) < t + 1000000);
    clock_free(c);
}

static void continues_from_a_snapshot(void **state)
{
    struct clock *c = clock_new();

    (void)state;
    clock_set(c, 123456789);
    assert_true(clock_ns(c) == 123456789);
    clock_resume(c);
    assert_true(clock_ns(c) >= 123456789);
    clock_set(c, 5);
    assert_true(clock_ns(c) < 1000000000);
    /* The end of time holds. */
    clock_set(c, CLOCK_NEVER);
    assert_true(clock_ns(c) == CLOCK_NEVER - 1);
    clock_set(c, CLOCK_NEVER - 2);
    sleep_ms(1);
    assert_true(clock_ns(c) == CLOCK_NEVER - 1);
    clock_free(c);
}

static void counts_instructions(void **state)
{
    struct manual m = {.clock = clock_new(), .insns = 0};
    struct clock *c = m.clock;

    (void)state;
    m.insns = 5;
    clock_use_icount(c, 3, get_insns, &m);
    assert_true(clock_is_icount(c));
    assert_true(clock_ns(c) == 40);
    m.insns = 6;
    assert_true(clock_ns(c) == 48);
    clock_jump(c, 1000);
    assert_true(clock_ns(c) == 1048);
    m.insns = 7;
    assert_true(clock_ns(c) == 1056);
    clock_pause(c);
    clock_resume(c);
    assert_true(clock_ns(c) == 1056);
    clock_set(c, 9);
    assert_true(clock_ns(c) == 9);
    m.insns = 8;
    assert_true(clock_ns(c) == 17);
    clock_jump(c, UINT64_MAX);
    assert_true(clock_ns(c) == CLOCK_NEVER - 1);
    clock_set(c, 0);
    m.insns = UINT64_MAX;
    assert_true(clock_ns(c) == CLOCK_NEVER - 1);
    clock_free(c);
}

static void converts_ticks(void **state)
{
    static const uint64_t hz[] = {1,          3,          32768,
                                  1193182,    10000000,   999999937,
                                  1000000000, 3000000001, UINT64_MAX};
    struct manual *m = *state;
    struct prng p = {3};

    for (unsigned i = 0; i < sizeof(hz) / sizeof(hz[0]); i++) {
        assert_true(clock_ticks_to_ns(0, hz[i]) == 0);
        for (unsigned k = 0; k < 2000; k++) {
            uint64_t ticks = prng_edgy(&p), ns;

            ns = clock_ticks_to_ns(ticks, hz[i]);
            if (ns == CLOCK_NEVER || !ticks)
                continue;
            /* The first ns at which there are that many, and not before. */
            clock_set(m->clock, ns);
            assert_true(ns == CLOCK_NEVER - 1 ||
                        clock_ticks(m->clock, hz[i]) >= ticks);
            clock_set(m->clock, ns - 1);
            assert_true(clock_ticks(m->clock, hz[i]) < ticks);
        }
    }
    assert_true(clock_ticks_to_ns(1, 0) == CLOCK_NEVER);
    assert_true(clock_ticks_to_ns(UINT64_MAX, 1) == CLOCK_NEVER);
    clock_set(m->clock, 3600u * 1000000000ull * 24 * 365 * 100);
    assert_true(clock_ticks(m->clock, 10000000) ==
                3600ull * 24 * 365 * 100 * 10000000);
    assert_true(clock_ticks(m->clock, 0) == 0);
}

/* ------------------------------------------------------------- timers */

struct named {
    struct timer timer;
    struct manual *m;
    char name;
    uint64_t again;     /* re-arm so much later when it fires; 0: not */
    struct named *also; /* arm this one for now */
};

static void named_fire(void *owner)
{
    struct named *n = owner;
    size_t len = strlen(n->m->fired);

    assert_false(timer_armed(&n->timer));
    assert_true(n->timer.deadline == CLOCK_NEVER);
    if (len < sizeof(n->m->fired) - 1)
        n->m->fired[len] = n->name;
    if (n->again)
        timer_arm(&n->timer, n->again - 1);
    if (n->also)
        timer_arm(&n->also->timer, clock_ns(n->m->clock));
}

static void name_timers(struct named *n, unsigned count, struct manual *m)
{
    memset(n, 0, count * sizeof(*n));
    for (unsigned i = 0; i < count; i++) {
        n[i].m = m;
        n[i].name = (char)('a' + i);
        timer_init(&n[i].timer, m->clock, named_fire, &n[i]);
    }
}

static void run_until(struct manual *m, uint64_t insns)
{
    m->insns = insns;
    m->fired[0] = '\0';
    memset(m->fired, 0, sizeof(m->fired));
    clock_fire(m->clock);
}

static void fires_in_order(void **state)
{
    struct manual *m = *state;
    struct named n[5];

    name_timers(n, 5, m);
    assert_true(clock_deadline(m->clock) == CLOCK_NEVER);
    timer_arm(&n[0].timer, 30);
    timer_arm(&n[1].timer, 10);
    timer_arm(&n[2].timer, 20);
    timer_arm(&n[3].timer, 10);
    timer_arm(&n[4].timer, 20);
    assert_true(clock_deadline(m->clock) == 10);
    run_until(m, 9);
    assert_string_equal(m->fired, "");
    run_until(m, 20);
    assert_string_equal(m->fired, "bdce"); /* ties in order of arming */
    assert_true(clock_deadline(m->clock) == 30);
    run_until(m, 30);
    assert_string_equal(m->fired, "a");
    assert_true(clock_deadline(m->clock) == CLOCK_NEVER);
}

static void rearms_and_disarms(void **state)
{
    struct manual *m = *state;
    struct named n[4];

    name_timers(n, 4, m);
    for (unsigned i = 0; i < 4; i++)
        timer_arm(&n[i].timer, 10);
    timer_arm(&n[0].timer, 10); /* armed last now */
    timer_disarm(&n[1].timer);
    timer_disarm(&n[1].timer);
    timer_arm(&n[2].timer, CLOCK_NEVER);
    assert_false(timer_armed(&n[1].timer));
    assert_false(timer_armed(&n[2].timer));
    assert_true(timer_armed(&n[3].timer));
    run_until(m, 10);
    assert_string_equal(m->fired, "da");
}

static void past_fires_from_the_loop(void **state)
{
    struct manual *m = *state;
    struct named n[1];

    name_timers(n, 1, m);
    m->insns = 100;
    timer_arm(&n[0].timer, 5);
    assert_string_equal(m->fired, "");
    assert_true(clock_deadline(m->clock) == 5);
    run_until(m, 100);
    assert_string_equal(m->fired, "a");
}

static void fires_what_a_timer_arms(void **state)
{
    struct manual *m = *state;
    struct named n[2];

    name_timers(n, 2, m);
    n[0].also = &n[1];
    timer_arm(&n[0].timer, 10);
    run_until(m, 12);
    assert_string_equal(m->fired, "ab");
}

/* A guest sets a period of nothing: clock_fire() must come back. */
static void cannot_be_held_up(void **state)
{
    struct manual *m = *state;
    struct named n[1];

    name_timers(n, 1, m);
    n[0].again = 1;
    timer_arm(&n[0].timer, 0);
    run_until(m, 10);
    assert_true(strlen(m->fired) > 0);
    assert_true(timer_armed(&n[0].timer));
    assert_true(clock_deadline(m->clock) == 0);
}

static void tells_of_nearer_deadlines(void **state)
{
    struct manual *m = *state;
    struct named n[3];

    name_timers(n, 3, m);
    timer_arm(&n[0].timer, 50);
    assert_int_equal(m->rearms, 1);
    timer_arm(&n[1].timer, 60);
    assert_int_equal(m->rearms, 1);
    timer_arm(&n[2].timer, 50); /* no nearer */
    assert_int_equal(m->rearms, 1);
    timer_arm(&n[1].timer, 40);
    assert_int_equal(m->rearms, 2);
    timer_arm(&n[1].timer, 45); /* later than it was */
    assert_int_equal(m->rearms, 2);
    timer_disarm(&n[1].timer);
    assert_int_equal(m->rearms, 2);
    clock_set(m->clock, 40); /* time itself comes nearer */
    assert_int_equal(m->rearms, 3);
}

static void waits_in_host_time(void **state)
{
    struct clock *c = clock_new();
    struct manual m = {.clock = c};
    struct named n[1];

    (void)state;
    clock_on_rearm(c, count_rearm, &m);
    name_timers(n, 1, &m);
    assert_true(clock_host_wait(c) == CLOCK_NEVER);
    timer_arm(&n[0].timer, 3600000000000);
    assert_true(clock_host_wait(c) == CLOCK_NEVER); /* paused */
    clock_resume(c);
    assert_int_equal(m.rearms, 2);
    assert_true(clock_host_wait(c) <= 3600000000000);
    assert_true(clock_host_wait(c) > 3500000000000);
    clock_set_scale(c, 10, 1);
    assert_int_equal(m.rearms, 3);
    assert_true(clock_host_wait(c) <= 360000000000);
    clock_set_scale(c, 1, 2);
    assert_true(clock_host_wait(c) > 6000000000000);
    timer_arm(&n[0].timer, 1);
    sleep_ms(1);
    assert_true(clock_host_wait(c) == 0);
    clock_set_scale(c, 1, UINT32_MAX);
    timer_arm(&n[0].timer, CLOCK_NEVER - 1);
    assert_true(clock_host_wait(c) == CLOCK_NEVER);
    clock_free(c);
}

/* The heap against a plain list, over random arming, disarming and time. */
static void agrees_with_a_list(void **state)
{
    enum { N = 37 };
    struct manual *m = *state;
    struct named n[N];
    uint64_t deadline[N], order[N], orders = 0;
    struct prng p = {4};

    name_timers(n, N, m);
    for (unsigned i = 0; i < N; i++)
        deadline[i] = CLOCK_NEVER;
    for (unsigned step = 0; step < 20000; step++) {
        unsigned i = (unsigned)prng_below(&p, N);
        char want[64] = "";

        if (prng_below(&p, 5)) {
            deadline[i] = m->insns + prng_below(&p, 50);
            order[i] = orders++;
            timer_arm(&n[i].timer, deadline[i]);
        } else {
            deadline[i] = CLOCK_NEVER;
            timer_disarm(&n[i].timer);
        }
        if (prng_below(&p, 4))
            continue;
        run_until(m, m->insns + prng_below(&p, 20));
        for (unsigned k = 0; k < N; k++) {
            unsigned best = N;

            for (unsigned j = 0; j < N; j++)
                if (deadline[j] <= m->insns &&
                    (best == N || deadline[j] < deadline[best] ||
                     (deadline[j] == deadline[best] && order[j] < order[best])))
                    best = j;
            if (best == N)
                break;
            want[k] = n[best].name;
            deadline[best] = CLOCK_NEVER;
        }
        assert_string_equal(m->fired, want);
    }
}

/* ------------------------------------------------------------ threads */

struct readers {
    struct clock *clock;
    atomic_bool stop;
    atomic_bool back; /* time stepped back */
    atomic_uint ready;
    atomic_uint_fast64_t reads;
};

static void *read_clock(void *arg)
{
    struct readers *r = arg;
    uint64_t last = 0, n = 0;

    atomic_fetch_add(&r->ready, 1);
    while (!atomic_load(&r->stop)) {
        uint64_t t = clock_ns(r->clock);

        if (t < last)
            atomic_store(&r->back, true);
        last = t;
        n++;
    }
    atomic_fetch_add(&r->reads, n);
    return NULL;
}

static void change_clock(struct clock *c, unsigned i)
{
    switch (i % 4) {
    case 0:
        clock_resume(c);
        break;
    case 1:
        clock_set_scale(c, 1 + i % 7, 1 + i % 3);
        break;
    case 2:
        clock_pause(c);
        break;
    default:
        clock_set(c, clock_ns(c) + i % 5);
    }
}

static void never_steps_back(void **state)
{
    struct readers r = {.clock = clock_new()};
    struct pest p = {.victim = {pthread_self()}};
    pthread_t thread[2];
    uint64_t last = 0;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&thread[i], NULL, read_clock, &r), 0);
        p.victim[1 + i] = thread[i];
    }
    while (atomic_load(&r.ready) < 2)
        sleep_ms(1);
    pest_start(&p);
    for (unsigned i = 0; i < 1000 || atomic_load(&p.signals) < 400; i++) {
        uint64_t t;

        change_clock(r.clock, i);
        t = clock_ns(r.clock);
        assert_true(t >= last);
        last = t;
    }
    pest_stop(&p);
    atomic_store(&r.stop, true);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    assert_false(atomic_load(&r.back));
    assert_true(atomic_load(&r.reads) > 0);
    assert_true(last > 0);
    clock_free(r.clock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_paused_at_zero),
        cmocka_unit_test(is_scaled),
        cmocka_unit_test(continues_from_a_snapshot),
        cmocka_unit_test(counts_instructions),
        cmocka_unit_test_setup_teardown(converts_ticks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fires_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rearms_and_disarms, set_up, tear_down),
        cmocka_unit_test_setup_teardown(past_fires_from_the_loop, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(fires_what_a_timer_arms, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(cannot_be_held_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_of_nearer_deadlines, set_up,
                                        tear_down),
        cmocka_unit_test(waits_in_host_time),
        cmocka_unit_test_setup_teardown(agrees_with_a_list, set_up, tear_down),
        cmocka_unit_test(never_steps_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
