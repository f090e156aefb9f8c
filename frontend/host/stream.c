/*
 * What all streams share: the queue of output and its limits, input that
 * waits for its user, and the list of kinds.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "frontend/host/stream_priv.h"

enum {
    KEEP_LIMIT = 16 << 20,  /* bytes of a stream that keeps its output */
    HIGH_WATER = 256 << 10, /* from here on, the guest is held */
    LOW_WATER = 64 << 10,   /* and from here on down, it goes on */
    DROP_LIMIT = 256 << 10, /* bytes of a stream that drops */
    STALL_NS = 100000000,   /* nothing taken for so long: no reader */
    PATIENCE_NS = 1000000000,
};

static const struct stream_class *const kinds[] = {
    [CHAR_STDIO] = &stream_stdio,     [CHAR_FILE] = &stream_file,
    [CHAR_PTY] = &stream_pty,         [CHAR_NULL] = &stream_null,
    [CHAR_SOCKET] = &stream_socket,   [CHAR_MSMOUSE] = &stream_msmouse,
    [CHAR_MSWHEEL] = &stream_mswheel,
};

/* Waits on the monotonic clock, so that setting the host's date is safe. */
static void init_locks(struct stream *s)
{
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->taken, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&s->lock, NULL);
}

bool stream_new(struct stream **out, const struct char_config *config,
                struct loop *loop, struct error *e)
{
    const struct stream_class *class = kinds[config->kind];
    struct stream *s = calloc(1, class->size);

    if (!s)
        return error_set(e, "out of memory");
    s->class = class;
    s->config = config;
    s->loop = loop;
    s->out.limit = class->keeps ? KEEP_LIMIT : DROP_LIMIT;
    s->last = '\n';
    init_locks(s);
    *out = s;
    if (class->check && !class->check(s, e)) {
        stream_free(s);
        *out = NULL;
        return false;
    }
    return true;
}

bool stream_open(struct stream *s, struct error *e)
{
    s->opened = true;
    return !s->class->open || s->class->open(s, e);
}

void stream_begin(struct stream *s)
{
    if (s->class->begin)
        s->class->begin(s);
}

void stream_free(struct stream *s)
{
    if (!s)
        return;
    if (s->class->close)
        s->class->close(s);
    ring_free(&s->out);
    pthread_cond_destroy(&s->taken);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

void stream_connect(struct stream *s, const struct stream_user *user,
                    void *owner)
{
    s->user = user;
    s->user_owner = owner;
}

/* --------------------------------------------------------------- output */

static struct timespec from_now(uint64_t ns)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    ns += (uint64_t)ts.tv_nsec;
    ts.tv_sec += (time_t)(ns / 1000000000);
    ts.tv_nsec = (long)(ns % 1000000000);
    return ts;
}

static bool past(const struct timespec *limit)
{
    struct timespec now = from_now(0);

    return now.tv_sec > limit->tv_sec ||
           (now.tv_sec == limit->tv_sec && now.tv_nsec >= limit->tv_nsec);
}

/*
 * The ring is full, though the guest should have been held long before: one
 * request was that large.  Wait for the host to take some, but never for
 * good: a guest must not hang us.  Lock held.  False: no room to be had.
 */
static bool wait_for_room(struct stream *s, const struct timespec *limit)
{
    struct timespec stall = from_now(STALL_NS);
    size_t used = s->out.used;

    while (!s->dead && !s->choked && !ring_room(&s->out) && !past(limit)) {
        if (pthread_cond_timedwait(&s->taken, &s->lock, &stall) != ETIMEDOUT)
            continue;
        if (s->out.used >= used)
            s->choked = true;
        used = s->out.used;
        stall = from_now(STALL_NS);
    }
    return !s->dead && ring_room(&s->out);
}

static void put_keeping(struct stream *s, const uint8_t *bytes, size_t n)
{
    struct timespec limit = {0};

    while (n) {
        size_t took = ring_put(&s->out, bytes, n);

        bytes += took;
        n -= took;
        if (!n)
            break;
        if (s->class->kick)
            s->class->kick(s);
        if (!limit.tv_sec)
            limit = from_now(PATIENCE_NS);
        if (!wait_for_room(s, &limit)) {
            s->error = s->dead ? s->error : ENOBUFS;
            break;
        }
    }
}

static void put_dropping(struct stream *s, const uint8_t *bytes, size_t n)
{
    if (n > s->out.limit) {
        bytes += n - s->out.limit;
        n = s->out.limit;
    }
    if (n > ring_room(&s->out))
        ring_drop(&s->out, n - ring_room(&s->out));
    ring_put(&s->out, bytes, n);
}

void stream_write(struct stream *s, const uint8_t *bytes, size_t n)
{
    bool wake = false;

    if (!n)
        return;
    pthread_mutex_lock(&s->lock);
    s->last = bytes[n - 1];
    if (!s->dead) {
        if (s->class->keeps)
            put_keeping(s, bytes, n);
        else
            put_dropping(s, bytes, n);
        if (s->class->keeps && s->out.used > HIGH_WATER && !s->full)
            s->full = wake = true;
        if (s->class->kick)
            s->class->kick(s);
    }
    pthread_mutex_unlock(&s->lock);
    if (wake)
        loop_wake(s->loop);
}

void stream_print(struct stream *s, const char *text)
{
    stream_write(s, (const uint8_t *)text, strlen(text));
}

void stream_took(struct stream *s, size_t n)
{
    ring_drop(&s->out, n);
    s->choked = false;
    pthread_cond_broadcast(&s->taken);
    if (s->full && s->out.used <= LOW_WATER) {
        s->full = false;
        loop_wake(s->loop);
    }
    if (s->watched && !s->out.used)
        loop_wake(s->loop);
}

void stream_die(struct stream *s, int error)
{
    s->dead = true;
    s->error = error;
    stream_took(s, s->out.used);
}

bool stream_flush(struct stream *s, int fd)
{
    uint8_t bytes[4096];

    while (s->out.used) {
        size_t n = ring_peek(&s->out, bytes, sizeof(bytes));
        ssize_t took = write(fd, bytes, n);

        if (took < 0 && errno != EINTR)
            return false;
        if (took > 0)
            stream_took(s, (size_t)took);
    }
    return true;
}

bool stream_full(struct stream *s)
{
    bool full;

    pthread_mutex_lock(&s->lock);
    full = s->full;
    pthread_mutex_unlock(&s->lock);
    return full;
}

bool stream_pending(struct stream *s)
{
    bool pending;

    pthread_mutex_lock(&s->lock);
    pending = s->class->keeps && !s->dead && s->out.used;
    s->watched = true;
    pthread_mutex_unlock(&s->lock);
    return pending;
}

int stream_error(struct stream *s)
{
    int error;

    pthread_mutex_lock(&s->lock);
    error = s->error;
    s->error = 0;
    pthread_mutex_unlock(&s->lock);
    return error;
}

bool stream_midline(struct stream *s)
{
    bool midline;

    pthread_mutex_lock(&s->lock);
    midline = !s->dead && s->last != '\n';
    pthread_mutex_unlock(&s->lock);
    return midline;
}

/* ---------------------------------------------------------------- input */

bool stream_has_room(struct stream *s)
{
    return !s->user || s->user->room(s->user_owner);
}

enum stream_input stream_input(struct stream *s, int fd)
{
    uint8_t bytes[4096];
    size_t room = sizeof(bytes);
    ssize_t n;

    if (s->user) {
        room = s->user->room(s->user_owner);
        if (!room)
            return INPUT_FULL;
    }
    n = read(fd, bytes, room < sizeof(bytes) ? room : sizeof(bytes));
    if (n > 0) {
        if (s->user)
            s->user->take(s->user_owner, bytes, (size_t)n);
        return INPUT_OK;
    }
    if (!n)
        return INPUT_END;
    return errno == EAGAIN || errno == EINTR ? INPUT_AGAIN : INPUT_ERROR;
}

/* ------------------------------------------------------ the rest is theirs */

void stream_lines(struct stream *s, bool dtr, bool rts)
{
    if (s->class->lines)
        s->class->lines(s, dtr, rts);
}

bool stream_move(struct stream *s, int dx, int dy, int dz, unsigned buttons)
{
    if (s->class->move)
        s->class->move(s, dx, dy, dz, buttons);
    return s->class->move != NULL;
}

void stream_service(struct stream *s)
{
    if (s->class->service)
        s->class->service(s);
}

uint64_t stream_wait(const struct stream *s)
{
    return s->class->wait ? s->class->wait(s) : UINT64_MAX;
}

bool stream_waiting(const struct stream *s)
{
    return s->class->waiting && s->class->waiting(s);
}

struct terminal *stream_terminal(struct stream *s)
{
    return s->class->terminal ? s->class->terminal(s) : NULL;
}

bool stream_shown(const struct stream *s)
{
    return s->config->kind == CHAR_STDIO && isatty(STDOUT_FILENO);
}

void stream_suspend(struct stream *s)
{
    if (s->class->suspend)
        s->class->suspend(s);
}

void stream_resume(struct stream *s)
{
    if (s->class->resume)
        s->class->resume(s);
}

void stream_describe(const struct stream *s, char *out, size_t size)
{
    s->class->describe(s, out, size);
}
