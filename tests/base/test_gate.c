/* base/gate.h: order, bounds, stalls, closing, answers, and posting threads
 * (also worth a run under ThreadSanitizer). */
#include "tests/unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/gate.h"

enum { RING = 64 * 1024 };

/* A sink that writes down what it got, prefixed by its letter. */
struct chip {
    struct gate *gate;
    unsigned source;
    char letter;
    size_t appetite;   /* bytes that it takes; SIZE_MAX: all */
    bool retry_inside; /* calls gate_retry() while it is offered */
    struct tape *tape;
    unsigned calls, closed;
};

struct tape {
    struct gate *gate;
    char text[256];
    struct chip chip[3];
    unsigned pendings, rooms, last_room;
};

static size_t chip_sink(void *owner, const uint8_t *bytes, size_t size)
{
    struct chip *c = owner;
    size_t n = size < c->appetite ? size : c->appetite;
    size_t at = strlen(c->tape->text);

    c->calls++;
    if (!bytes && size) {
        if (n < size)
            return 0;
        snprintf(c->tape->text + at, sizeof(c->tape->text) - at, "%c!%zu ",
                 c->letter, size);
        return size;
    }
    if (!bytes) {
        c->closed++;
        snprintf(c->tape->text + at, sizeof(c->tape->text) - at, "%c.",
                 c->letter);
        return 0;
    }
    assert_true(size > 0);
    if (c->appetite != SIZE_MAX)
        c->appetite -= n;
    if (n)
        snprintf(c->tape->text + at, sizeof(c->tape->text) - at, "%c%.*s ",
                 c->letter, (int)(n < 20 ? n : 20), (const char *)bytes);
    if (c->retry_inside)
        gate_retry(c->gate, c->source);
    return n;
}

static void on_pending(void *arg)
{
    ((struct tape *)arg)->pendings++;
}

static void on_room(void *arg, unsigned source)
{
    struct tape *t = arg;

    t->rooms++;
    t->last_room = source;
    /* It may look at once: no lock of the gate is held. */
    assert_true(gate_room(t->gate, source) > 0);
}

static int set_up(void **state)
{
    struct tape *t = calloc(1, sizeof(*t));

    t->gate = gate_new();
    gate_on_pending(t->gate, on_pending, t);
    gate_on_room(t->gate, on_room, t);
    for (unsigned i = 0; i < 3; i++) {
        struct chip *c = &t->chip[i];

        *c = (struct chip){.gate = t->gate,
                           .letter = (char)('A' + i),
                           .appetite = SIZE_MAX,
                           .tape = t};
        c->source = gate_add(t->gate, "chip", chip_sink, c);
        assert_int_equal(c->source, i);
    }
    *state = t;
    return 0;
}

static int tear_down(void **state)
{
    struct tape *t = *state;

    gate_free(t->gate);
    free(t);
    return 0;
}

static void post(struct tape *t, unsigned source, const char *text)
{
    assert_int_equal(
        gate_post(t->gate, source, (const uint8_t *)text, strlen(text)),
        strlen(text));
}

static void deliver(struct tape *t, const char *want)
{
    memset(t->text, 0, sizeof(t->text));
    gate_deliver(t->gate);
    assert_string_equal(t->text, want);
}

static void delivers_in_order_across_sources(void **state)
{
    struct tape *t = *state;

    assert_false(gate_pending(t->gate));
    deliver(t, "");
    post(t, 0, "1");
    assert_true(gate_pending(t->gate));
    post(t, 1, "2");
    post(t, 0, "3");
    post(t, 0, "4");
    post(t, 2, "5");
    post(t, 1, "6");
    assert_int_equal(t->pendings, 1);
    assert_string_equal(t->text, "");
    deliver(t, "A1 B2 A34 C5 B6 ");
    assert_false(gate_pending(t->gate));
    deliver(t, "");
}

static void a_full_sink_stalls_alone(void **state)
{
    struct tape *t = *state;

    t->chip[0].appetite = 2;
    post(t, 0, "abcd");
    post(t, 1, "x");
    post(t, 0, "e");
    deliver(t, "Aab Bx ");
    assert_false(gate_pending(t->gate));
    post(t, 0, "f");
    assert_false(gate_pending(t->gate)); /* still full */
    post(t, 1, "y");
    deliver(t, "By ");
    assert_int_equal(t->chip[0].calls, 1); /* not asked again in vain */
    t->chip[0].appetite = SIZE_MAX;
    gate_retry(t->gate, 0);
    assert_true(gate_pending(t->gate));
    deliver(t, "Acd Aef ");
}

static void events_keep_their_place(void **state)
{
    struct tape *t = *state;

    post(t, 0, "ab");
    assert_true(gate_event(t->gate, 0, 7));
    assert_int_equal(gate_room(t->gate, 0), 65536 - 3);
    post(t, 0, "c");
    assert_true(gate_event(t->gate, 0, 255));
    assert_true(gate_event(t->gate, 0, 255));
    gate_close(t->gate, 0);
    assert_false(gate_event(t->gate, 0, 1));
    deliver(t, "Aab A!7 Ac A!255 A!255 A.");
    assert_false(gate_pending(t->gate));
}

static void a_refused_event_waits(void **state)
{
    struct tape *t = *state;

    t->chip[0].appetite = 1;
    post(t, 0, "a");
    assert_true(gate_event(t->gate, 0, 7));
    post(t, 0, "b");
    deliver(t, "Aa ");
    assert_false(gate_pending(t->gate));
    t->chip[0].appetite = SIZE_MAX;
    gate_retry(t->gate, 0);
    deliver(t, "A!7 Ab ");
}

static void retry_while_offered(void **state)
{
    struct tape *t = *state;

    t->chip[0].appetite = 1;
    t->chip[0].retry_inside = true;
    post(t, 0, "abc");
    deliver(t, "Aa "); /* comes back, whatever the sink does */
    assert_true(gate_pending(t->gate));
    assert_int_equal(t->pendings, 2); /* and says that there is more */
    t->chip[0].appetite = SIZE_MAX;
    deliver(t, "Abc ");
}

/* Sources that are as fast as the sinks do not hold the delivery up: each
 * time, A's sink posts what it got to B and to A. */
static size_t echo_sink(void *owner, const uint8_t *bytes, size_t size)
{
    struct chip *c = owner;

    assert_true(++c->calls < 100);
    assert_int_equal(gate_post(c->gate, 1, bytes, size), size);
    assert_int_equal(gate_post(c->gate, 0, bytes, size), size);
    return size;
}

static size_t count_sink(void *owner, const uint8_t *bytes, size_t size)
{
    (void)bytes;
    *(size_t *)owner += size;
    return size;
}

static void delivers_what_was_there(void **state)
{
    struct gate *g = gate_new();
    struct chip c = {.gate = g};
    size_t got = 0;

    (void)state;
    assert_int_equal(gate_add(g, "echo", echo_sink, &c), 0);
    assert_int_equal(gate_add(g, "count", count_sink, &got), 1);
    assert_int_equal(gate_post(g, 0, (const uint8_t *)"ab", 2), 2);
    assert_int_equal(gate_post(g, 1, (const uint8_t *)"c", 1), 1);
    gate_deliver(g);
    assert_int_equal(c.calls, 1);
    assert_int_equal(got, 1);
    assert_true(gate_pending(g));
    gate_deliver(g);
    assert_int_equal(c.calls, 2);
    assert_int_equal(got, 3);
    gate_free(g);
}

static void retry_without_need(void **state)
{
    struct tape *t = *state;

    gate_retry(t->gate, 0);
    assert_false(gate_pending(t->gate));
    post(t, 0, "a");
    gate_retry(t->gate, 0);
    deliver(t, "Aa ");
}

static void closes_behind_the_bytes(void **state)
{
    struct tape *t = *state;

    t->chip[0].appetite = 1;
    post(t, 0, "ab");
    gate_close(t->gate, 0);
    gate_close(t->gate, 0);
    post(t, 1, "x");
    assert_int_equal(gate_post(t->gate, 0, (const uint8_t *)"c", 1), 0);
    assert_int_equal(gate_room(t->gate, 0), 0);
    deliver(t, "Aa Bx ");
    t->chip[0].appetite = SIZE_MAX;
    gate_retry(t->gate, 0);
    deliver(t, "Ab A.");
    deliver(t, "");
    assert_int_equal(t->chip[0].closed, 1);
    assert_false(gate_pending(t->gate));
    gate_close(t->gate, 1);
    assert_true(gate_pending(t->gate));
    deliver(t, "B.");
    assert_int_equal(t->rooms, 0);
}

static void queues_are_bounded(void **state)
{
    struct tape *t = *state;
    uint8_t *big = malloc(RING + 100);

    memset(big, 'z', RING + 100);
    assert_int_equal(gate_room(t->gate, 0), RING);
    assert_int_equal(gate_post(t->gate, 0, big, 0), 0);
    assert_false(gate_pending(t->gate));
    assert_int_equal(gate_post(t->gate, 0, big, RING + 100), RING);
    assert_int_equal(gate_room(t->gate, 0), 0);
    assert_int_equal(gate_post(t->gate, 0, big, 1), 0);
    assert_int_equal(gate_room(t->gate, 1), RING); /* each has its own */
    t->chip[0].appetite = 0;
    gate_deliver(t->gate);
    assert_int_equal(t->rooms, 0); /* it took nothing */
    t->chip[0].appetite = 10;
    gate_retry(t->gate, 0);
    gate_deliver(t->gate);
    assert_int_equal(t->rooms, 1);
    assert_int_equal(t->last_room, 0);
    assert_int_equal(gate_room(t->gate, 0), 10);
    assert_int_equal(gate_post(t->gate, 0, big, 11), 10);
    t->chip[0].appetite = SIZE_MAX;
    gate_retry(t->gate, 0);
    gate_deliver(t->gate);
    assert_int_equal(t->rooms, 2);
    assert_int_equal(gate_room(t->gate, 0), RING);
    free(big);
}

/* Many small posts of two sources in turn fill the records, not the ring:
 * that too is "full", and order is kept. */
static void records_are_bounded(void **state)
{
    struct tape *t = *state;
    unsigned taken = 0;
    uint8_t byte = '.';

    while (gate_post(t->gate, 0, &byte, 1)) {
        assert_int_equal(gate_post(t->gate, 1, &byte, 1), 1);
        taken++;
        assert_true(taken < RING);
    }
    assert_true(taken > 500);
    assert_int_equal(gate_room(t->gate, 0), 0);
    gate_close(t->gate, 0); /* for this there is always a place */
    gate_deliver(t->gate);
    assert_int_equal(t->chip[0].calls, taken + 1);
    assert_int_equal(t->chip[1].calls, taken);
    assert_int_equal(t->chip[0].closed, 1);
}

/* Bytes survive any number of turns round the ring. */
struct checker {
    uint64_t posted, got;
    struct prng prng;
};

static size_t checker_sink(void *owner, const uint8_t *bytes, size_t size)
{
    struct checker *c = owner;
    size_t n = (size_t)prng_below(&c->prng, size + 1);

    for (size_t i = 0; i < n; i++)
        if (bytes[i] != (uint8_t)((c->got + i) * 7 >> 3))
            fail_msg("wrong byte at %llu", (unsigned long long)c->got + i);
    c->got += n;
    return n;
}

static void turns_round_the_ring(void **state)
{
    struct checker c = {.prng = {5}};
    struct gate *g = gate_new();
    unsigned source = gate_add(g, "c", checker_sink, &c);
    uint8_t *buffer = malloc(RING);
    struct prng p = {6};

    (void)state;
    while (c.got < 40 * RING) {
        size_t size = (size_t)prng_below(&p, RING);

        for (size_t i = 0; i < size; i++)
            buffer[i] = (uint8_t)((c.posted + i) * 7 >> 3);
        c.posted += gate_post(g, source, buffer, size);
        gate_retry(g, source);
        gate_deliver(g);
        assert_int_equal(gate_room(g, source), RING - (c.posted - c.got));
    }
    free(buffer);
    gate_free(g);
}

/* ------------------------------------------------------------ threads */

enum { POSTERS = 3, PER_POSTER = 200000 };

struct storm {
    struct gate *gate;
    atomic_uint stamp; /* order of the posts over all threads */
    atomic_uint wakes, rooms;
    unsigned last_stamp;
    uint64_t got[POSTERS];
    struct prng prng;
};

struct poster {
    struct storm *storm;
    unsigned source;
    pthread_t thread;
};

static size_t storm_sink(void *owner, const uint8_t *bytes, size_t size)
{
    struct poster *p = owner;
    struct storm *s = p->storm;
    size_t n = (size_t)prng_below(&s->prng, size + 1);

    for (size_t i = 0; i < n; i++)
        if (bytes[i] != (uint8_t)(s->got[p->source] + i))
            abort();
    s->got[p->source] += n;
    return n;
}

static void *post_storm(void *arg)
{
    struct poster *p = arg;
    uint64_t at = 0;

    while (at < PER_POSTER) {
        uint8_t bytes[300];
        size_t size = 1 + at % sizeof(bytes);

        size = size < PER_POSTER - at ? size : PER_POSTER - at;
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)(at + i);
        size = gate_post(p->storm->gate, p->source, bytes, size);
        at += size;
        if (!size)
            sched_yield();
    }
    gate_close(p->storm->gate, p->source);
    return NULL;
}

static void storm_pending(void *arg)
{
    atomic_fetch_add(&((struct storm *)arg)->wakes, 1);
}

static void storm_room(void *arg, unsigned source)
{
    (void)source;
    atomic_fetch_add(&((struct storm *)arg)->rooms, 1);
}

static void loses_nothing_between_threads(void **state)
{
    struct storm s = {.gate = gate_new(), .prng = {7}};
    struct poster p[POSTERS];
    uint64_t got = 0;

    (void)state;
    gate_on_pending(s.gate, storm_pending, &s);
    gate_on_room(s.gate, storm_room, &s);
    for (unsigned i = 0; i < POSTERS; i++) {
        p[i].storm = &s;
        p[i].source = gate_add(s.gate, "p", storm_sink, &p[i]);
    }
    for (unsigned i = 0; i < POSTERS; i++)
        pthread_create(&p[i].thread, NULL, post_storm, &p[i]);
    while (got < (uint64_t)POSTERS * PER_POSTER) {
        if (gate_pending(s.gate))
            gate_deliver(s.gate);
        for (unsigned i = 0; i < POSTERS; i++)
            gate_retry(s.gate, i);
        got = 0;
        for (unsigned i = 0; i < POSTERS; i++)
            got += s.got[i];
    }
    for (unsigned i = 0; i < POSTERS; i++)
        pthread_join(p[i].thread, NULL);
    for (unsigned i = 0; i < POSTERS; i++)
        assert_true(s.got[i] == PER_POSTER);
    assert_true(atomic_load(&s.wakes) > 0);
    gate_free(s.gate);
}

/* A post that makes the gate pending always wakes: no lost wake-up in a
 * main loop that sleeps when nothing is pending. */
static void never_loses_a_wake(void **state)
{
    struct storm s = {.gate = gate_new(), .prng = {8}};
    struct poster p = {.storm = &s};
    struct timespec nap = {0, 20000};
    unsigned seen = 0, idle = 0;

    (void)state;
    gate_on_pending(s.gate, storm_pending, &s);
    p.source = gate_add(s.gate, "p", storm_sink, &p);
    pthread_create(&p.thread, NULL, post_storm, &p);
    /* Deliver only when woken. */
    while (s.got[0] < PER_POSTER && idle < 100000) {
        unsigned wakes = atomic_load(&s.wakes);

        if (wakes == seen) {
            idle++;
            nanosleep(&nap, NULL);
            continue;
        }
        idle = 0;
        seen = wakes;
        gate_deliver(s.gate);
        gate_retry(s.gate, p.source);
    }
    assert_true(s.got[0] == PER_POSTER);
    pthread_join(p.thread, NULL);
    gate_free(s.gate);
}

/* ------------------------------------------------------------- answers */

static void deterministic_answers(void **state)
{
    struct gate *a = gate_new(), *b = gate_new(), *c = gate_new();
    uint8_t x[100], y[100], z[100];

    (void)state;
    gate_set_deterministic(a, 42, 1000);
    gate_set_deterministic(b, 42, 2000);
    gate_set_deterministic(c, 43, 0);
    gate_entropy(a, x, 100);
    gate_entropy(b, y, 100);
    gate_entropy(c, z, 100);
    assert_memory_equal(x, y, 100);
    assert_memory_not_equal(x, z, 100);
    gate_entropy(a, y, 100);
    assert_memory_not_equal(x, y, 100);
    assert_true(gate_wall_clock(a, 5) == 1005);
    assert_true(gate_wall_clock(b, 5) == 2005);
    gate_free(a);
    gate_free(b);
    gate_free(c);
}

/* Worked out once with Python's integers, from definitions that gave the
 * authors' published first values: 6457827717110365317 for splitmix64 from
 * 1234567, 11520 for xoshiro256** from 1, 2, 3, 4. */
static void known_sequence(void **state)
{
    static const uint8_t want[16] = {0x67, 0x04, 0x60, 0x63, 0xc3, 0xa1,
                                     0xa3, 0x30, 0xca, 0x29, 0x99, 0x57,
                                     0x0f, 0x5f, 0x40, 0x19};
    struct gate *g = gate_new();
    uint8_t got[16];

    (void)state;
    gate_set_deterministic(g, 1234567, 0);
    gate_entropy(g, got, 16);
    assert_memory_equal(got, want, 16);
    gate_free(g);
}

static void host_answers(void **state)
{
    struct gate *g = gate_new();
    uint8_t x[64] = {0}, y[64] = {0};
    uint64_t now;

    (void)state;
    gate_entropy(g, x, 64);
    gate_entropy(g, y, 64);
    assert_memory_not_equal(x, y, 64);
    gate_entropy(g, x, 0);
    now = gate_wall_clock(g, 0);
    assert_true(now / 1000000000 - (uint64_t)time(NULL) + 5 < 10);
    /* Another beginning, that goes on with the host's or with the machine's. */
    gate_set_wall_clock(g, 1000, false);
    now = gate_wall_clock(g, 77);
    assert_true(now >= 1000 && now < UINT64_C(10000000000));
    assert_true(gate_wall_clock(g, 0) >= now);
    gate_set_wall_clock(g, 1000, true);
    assert_true(gate_wall_clock(g, 77) == 1077);
    gate_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(delivers_in_order_across_sources,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_sink_stalls_alone, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(events_keep_their_place, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_refused_event_waits, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(retry_while_offered, set_up, tear_down),
        cmocka_unit_test(delivers_what_was_there),
        cmocka_unit_test_setup_teardown(retry_without_need, set_up, tear_down),
        cmocka_unit_test_setup_teardown(closes_behind_the_bytes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(queues_are_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(records_are_bounded, set_up, tear_down),
        cmocka_unit_test(turns_round_the_ring),
        cmocka_unit_test(loses_nothing_between_threads),
        cmocka_unit_test(never_loses_a_wake),
        cmocka_unit_test(deterministic_answers),
        cmocka_unit_test(known_sequence),
        cmocka_unit_test(host_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
