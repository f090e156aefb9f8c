/*
 * A thread that writes a stream's output to a descriptor that may block.
 *
 * Standard output belongs to whoever started us, too: making it
 * non-blocking would do so for the shell as well, and poll() cannot promise
 * that a write to a terminal or pipe does not block.  Hence a thread.
 * Bytes leave the queue once they are written, so that stream_pending()
 * means what it says.
 *
 * A write that blocks is interrupted by a signal when the thread is to end;
 * the signal may come just before the write, hence again and again.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "frontend/host/signals.h"
#include "frontend/host/stream_priv.h"

enum { PIECE = 16384, RETRY_NS = 10000000 };

/* Somebody else made the descriptor non-blocking: wait as if it were not. */
static void wait_writable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};

    poll(&p, 1, 1000);
}

static ssize_t write_piece(const struct writer *w, const uint8_t *bytes,
                           size_t n)
{
    ssize_t took = write(w->fd, bytes, n);

    if (took >= 0 || errno != EAGAIN)
        return took;
    wait_writable(w->fd);
    return 0;
}

static void *run(void *arg)
{
    struct writer *w = arg;
    struct stream *s = w->stream;
    uint8_t bytes[PIECE];

    signals_interruptible();
    pthread_mutex_lock(&s->lock);
    while (!w->stop) {
        size_t n = ring_peek(&s->out, bytes, sizeof(bytes));
        ssize_t took;

        if (!n) {
            pthread_cond_wait(&w->more, &s->lock);
            continue;
        }
        pthread_mutex_unlock(&s->lock);
        took = write_piece(w, bytes, n);
        pthread_mutex_lock(&s->lock);
        if (took > 0)
            stream_took(s, (size_t)took);
        else if (took < 0 && errno != EINTR)
            stream_die(s, errno);
    }
    w->finished = true;
    pthread_cond_broadcast(&s->taken);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

bool writer_start(struct writer *w, struct stream *s, int fd, struct error *e)
{
    pthread_attr_t attr;
    sigset_t old;
    int err;

    w->stream = s;
    w->fd = fd;
    pthread_cond_init(&w->more, NULL);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 128 * 1024);
    signals_block(&old);
    err = pthread_create(&w->thread, &attr, run, w);
    signals_restore(&old);
    pthread_attr_destroy(&attr);
    w->started = !err;
    return !err || error_set(e, "no thread for output: %s", strerror(err));
}

void writer_kick(struct writer *w)
{
    if (w->started)
        pthread_cond_signal(&w->more);
}

void writer_stop(struct writer *w)
{
    struct stream *s = w->stream;

    if (!w->started)
        return;
    pthread_mutex_lock(&s->lock);
    w->stop = true;
    pthread_cond_signal(&w->more);
    while (!w->finished) {
        struct timespec soon;

        signals_interrupt(w->thread);
        clock_gettime(CLOCK_MONOTONIC, &soon);
        soon.tv_nsec += RETRY_NS;
        soon.tv_sec += soon.tv_nsec / 1000000000;
        soon.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&s->taken, &s->lock, &soon);
    }
    pthread_mutex_unlock(&s->lock);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->more);
    w->started = false;
}
