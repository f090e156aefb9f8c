/*
 * The gate: queues of outside events, entropy, and the wall clock.
 *
 * Each source has a ring of bytes and a short ring of records, which say how
 * many bytes were posted in one go and when, counted over all sources; the
 * delivery merges the sources by that count.  A source whose sink took less
 * than it was offered is stalled until gate_retry(); the others go on.
 *
 * Locks: the gate's own is a leaf.  Neither sinks nor the callbacks are
 * called with it held; the callbacks must not take the device lock, since
 * gate_retry() calls them under it.  During a sink's call the bytes stay in
 * the ring: posting threads write behind them only.
 *
 * Deterministic entropy is xoshiro256** (Blackman, Vigna, 2018), seeded by
 * splitmix64; it is for repeatable runs and not for secrets.
 * Missing: the recorder and the replayer, which will sit in gate_deliver()
 * and in the two answers.
 */
#include "base/gate.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { RING_BYTES = 64 * 1024, MAX_RECORDS = 1024 };

struct record {
    uint64_t order;
    uint32_t size; /* 0: the source has closed */
    bool event;    /* its one byte is what gate_event() was given */
};

struct source {
    const char *name;
    gate_sink *sink;
    void *owner;
    uint32_t head, fill; /* of ring */
    uint32_t first, n;   /* of record */
    uint32_t left;       /* bytes that this delivery may still hand over */
    bool closed;
    bool stalled; /* the sink is full */
    bool retried; /* gate_retry() came during the sink's own call */
    bool wanted;  /* somebody was told that the queue is full */
    struct record record[MAX_RECORDS];
    uint8_t ring[RING_BYTES];
};

struct gate {
    pthread_mutex_t lock;
    struct source **source;
    unsigned n;
    uint64_t order; /* of the latest record */
    bool delivering;
    atomic_bool pending;
    void (*on_pending)(void *arg);
    void *on_pending_arg;
    void (*on_room)(void *arg, unsigned source);
    void *on_room_arg;

    bool deterministic;
    uint64_t random[4];
    bool wall_clock_virtual;
    uint64_t wall_clock_base; /* to be added, modulo 2^64 */
};

struct gate *gate_new(void)
{
    struct gate *g = calloc(1, sizeof(*g));

    if (g)
        pthread_mutex_init(&g->lock, NULL);
    return g;
}

void gate_free(struct gate *g)
{
    if (!g)
        return;
    for (unsigned i = 0; i < g->n; i++)
        free(g->source[i]);
    free(g->source);
    pthread_mutex_destroy(&g->lock);
    free(g);
}

unsigned gate_add(struct gate *g, const char *name, gate_sink *sink,
                  void *owner)
{
    struct source *s = calloc(1, sizeof(*s));
    struct source **list;
    unsigned number;

    pthread_mutex_lock(&g->lock);
    list = realloc(g->source, (g->n + 1) * sizeof(*list));
    assert(s && list && sink);
    s->name = name;
    s->sink = sink;
    s->owner = owner;
    g->source = list;
    number = g->n++;
    g->source[number] = s;
    pthread_mutex_unlock(&g->lock);
    return number;
}

/* All static functions below with g->lock held. */

static struct source *get_source(struct gate *g, unsigned number)
{
    assert(number < g->n);
    return g->source[number];
}

static bool deliverable(const struct source *s)
{
    return s->n && !s->stalled;
}

/* Bring g->pending up to date; true if it has just become true. */
static bool update_pending(struct gate *g)
{
    bool now = false;

    for (unsigned i = 0; i < g->n && !now; i++)
        now = deliverable(g->source[i]);
    return !atomic_exchange(&g->pending, now) && now;
}

/* Unlock, and only then tell whoever waits. */
static void unlock_and_tell(struct gate *g, bool tell)
{
    void (*fn)(void *) = tell ? g->on_pending : NULL;
    void *arg = g->on_pending_arg;

    pthread_mutex_unlock(&g->lock);
    if (fn)
        fn(arg);
}

static struct record *last_record(struct source *s)
{
    return &s->record[(s->first + s->n - 1) % MAX_RECORDS];
}

/* May the latest record grow?  Only while nothing came after it. */
static bool mergeable(struct gate *g, struct source *s)
{
    return s->n && last_record(s)->order == g->order && !last_record(s)->event;
}

static void add_record(struct gate *g, struct source *s, uint32_t size,
                       bool event)
{
    assert(s->n < MAX_RECORDS);
    s->n++;
    *last_record(s) = (struct record){++g->order, size, event};
}

/* Free bytes; the last record is kept for gate_close(). */
static size_t room(struct gate *g, struct source *s)
{
    size_t n = RING_BYTES - s->fill;

    if (s->closed || (s->n >= MAX_RECORDS - 1 && !mergeable(g, s)))
        n = 0;
    if (!n)
        s->wanted = !s->closed;
    return n;
}

static void put_bytes(struct source *s, const uint8_t *bytes, size_t size)
{
    size_t at = (s->head + s->fill) % RING_BYTES;
    size_t first = size < RING_BYTES - at ? size : RING_BYTES - at;

    memcpy(s->ring + at, bytes, first);
    memcpy(s->ring, bytes + first, size - first);
    s->fill += (uint32_t)size;
}

size_t gate_post(struct gate *g, unsigned source, const uint8_t *bytes,
                 size_t size)
{
    struct source *s;
    size_t n;

    pthread_mutex_lock(&g->lock);
    s = get_source(g, source);
    n = room(g, s);
    if (n < size)
        s->wanted = !s->closed;
    else
        n = size;
    if (n) {
        put_bytes(s, bytes, n);
        if (mergeable(g, s))
            last_record(s)->size += (uint32_t)n;
        else
            add_record(g, s, (uint32_t)n, false);
    }
    unlock_and_tell(g, update_pending(g));
    return n;
}

bool gate_event(struct gate *g, unsigned source, uint8_t event)
{
    struct source *s;
    bool good;

    assert(event);
    pthread_mutex_lock(&g->lock);
    s = get_source(g, source);
    good = room(g, s) && s->n < MAX_RECORDS - 1;
    if (good) {
        put_bytes(s, &event, 1);
        add_record(g, s, 1, true);
    } else {
        s->wanted = !s->closed;
    }
    unlock_and_tell(g, update_pending(g));
    return good;
}

size_t gate_room(struct gate *g, unsigned source)
{
    size_t n;

    pthread_mutex_lock(&g->lock);
    n = room(g, get_source(g, source));
    pthread_mutex_unlock(&g->lock);
    return n;
}

void gate_close(struct gate *g, unsigned source)
{
    struct source *s;

    pthread_mutex_lock(&g->lock);
    s = get_source(g, source);
    if (!s->closed) {
        s->closed = true;
        s->wanted = false;
        add_record(g, s, 0, false);
    }
    unlock_and_tell(g, update_pending(g));
}

void gate_retry(struct gate *g, unsigned source)
{
    struct source *s;

    pthread_mutex_lock(&g->lock);
    s = get_source(g, source);
    s->stalled = false;
    s->retried = true;
    unlock_and_tell(g, update_pending(g));
}

bool gate_pending(struct gate *g)
{
    return atomic_load_explicit(&g->pending, memory_order_acquire);
}

/* Is there something of it that this delivery may hand over? */
static bool eligible(const struct source *s)
{
    return deliverable(s) && (s->left || !s->record[s->first].size);
}

/* The eligible source whose first record is the oldest, or NULL. */
static struct source *next_source(struct gate *g, unsigned *number)
{
    struct source *best = NULL;

    for (unsigned i = 0; i < g->n; i++) {
        struct source *s = g->source[i];

        if (eligible(s) && (!best || s->record[s->first].order <
                                         best->record[best->first].order)) {
            best = s;
            *number = i;
        }
    }
    return best;
}

/* The sink took n bytes of the first record's. */
static void consume(struct source *s, uint32_t n)
{
    struct record *r = &s->record[s->first];

    s->head = (s->head + n) % RING_BYTES;
    s->fill -= n;
    s->left -= n;
    r->size -= n;
    if (!r->size) {
        s->first = (s->first + 1) % MAX_RECORDS;
        s->n--;
    }
}

/* How many of the record's bytes the sink took. */
static size_t hand_over(struct source *s, const struct record *r, uint32_t size)
{
    const uint8_t *bytes = s->ring + s->head;
    size_t took;

    if (!size || r->event)
        return !!s->sink(s->owner, NULL, size ? *bytes : 0);
    took = s->sink(s->owner, bytes, size);
    assert(took <= size);
    return took;
}

/* Offer the first record of s, as far as it is contiguous.  Drops the lock
 * meanwhile. */
static void offer(struct gate *g, struct source *s, unsigned number)
{
    struct record r = s->record[s->first];
    uint32_t size = r.size;
    void (*on_room)(void *, unsigned) = g->on_room;
    size_t took;

    if (size > RING_BYTES - s->head)
        size = RING_BYTES - s->head;
    if (size > s->left)
        size = s->left;
    s->retried = false;
    pthread_mutex_unlock(&g->lock);
    took = hand_over(s, &r, size);
    pthread_mutex_lock(&g->lock);
    consume(s, size ? (uint32_t)took : 0);
    if (took < size) {
        s->left = 0;
        s->stalled = !s->retried;
    }
    if (took && s->wanted && on_room) {
        s->wanted = false;
        pthread_mutex_unlock(&g->lock);
        on_room(g->on_room_arg, number);
        pthread_mutex_lock(&g->lock);
    }
}

/*
 * Delivers what was queued when it was called, so that a fast source cannot
 * hold the device lock for ever.  What came in meanwhile is announced.
 */
void gate_deliver(struct gate *g)
{
    struct source *s;
    unsigned number;

    pthread_mutex_lock(&g->lock);
    if (g->delivering) { /* a sink called us: the outer call goes on */
        pthread_mutex_unlock(&g->lock);
        return;
    }
    g->delivering = true;
    for (unsigned i = 0; i < g->n; i++)
        g->source[i]->left = g->source[i]->fill;
    while ((s = next_source(g, &number)))
        offer(g, s, number);
    g->delivering = false;
    update_pending(g);
    unlock_and_tell(g, atomic_load(&g->pending));
}

void gate_on_pending(struct gate *g, void (*fn)(void *arg), void *arg)
{
    pthread_mutex_lock(&g->lock);
    g->on_pending = fn;
    g->on_pending_arg = arg;
    pthread_mutex_unlock(&g->lock);
}

void gate_on_room(struct gate *g, void (*fn)(void *arg, unsigned source),
                  void *arg)
{
    pthread_mutex_lock(&g->lock);
    g->on_room = fn;
    g->on_room_arg = arg;
    pthread_mutex_unlock(&g->lock);
}

/* ------------------------------------------------------------- answers */

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static uint64_t rotate_left(uint64_t v, unsigned n)
{
    return v << n | v >> (64 - n);
}

static uint64_t xoshiro256(uint64_t s[4])
{
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

static void deterministic_entropy(struct gate *g, uint8_t *out, size_t size)
{
    uint64_t v = 0;

    for (size_t i = 0; i < size; i++) {
        if (i % 8 == 0)
            v = xoshiro256(g->random);
        out[i] = (uint8_t)(v >> i % 8 * 8);
    }
}

static void host_entropy(uint8_t *out, size_t size)
{
    while (size) {
        ssize_t n = getrandom(out, size, 0);

        assert(n > 0 || (n < 0 && errno == EINTR));
        if (n > 0) {
            out += n;
            size -= (size_t)n;
        }
    }
}

void gate_entropy(struct gate *g, uint8_t *out, size_t size)
{
    bool deterministic;

    pthread_mutex_lock(&g->lock);
    deterministic = g->deterministic;
    if (deterministic)
        deterministic_entropy(g, out, size);
    pthread_mutex_unlock(&g->lock);
    if (!deterministic)
        host_entropy(out, size);
}

void gate_set_deterministic(struct gate *g, uint64_t seed,
                            uint64_t wall_clock_base_ns)
{
    pthread_mutex_lock(&g->lock);
    g->deterministic = true;
    for (unsigned i = 0; i < 4; i++)
        g->random[i] = splitmix64(&seed);
    g->wall_clock_virtual = true;
    g->wall_clock_base = wall_clock_base_ns;
    pthread_mutex_unlock(&g->lock);
}

static uint64_t host_wall_clock(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

void gate_set_wall_clock(struct gate *g, uint64_t base_ns, bool virtual)
{
    pthread_mutex_lock(&g->lock);
    g->wall_clock_virtual = virtual;
    g->wall_clock_base = virtual ? base_ns : base_ns - host_wall_clock();
    pthread_mutex_unlock(&g->lock);
}

uint64_t gate_wall_clock(struct gate *g, uint64_t virtual_ns)
{
    uint64_t base;
    bool virtual;

    pthread_mutex_lock(&g->lock);
    virtual = g->wall_clock_virtual;
    base = g->wall_clock_base;
    pthread_mutex_unlock(&g->lock);
    return base + (virtual ? virtual_ns : host_wall_clock());
}
