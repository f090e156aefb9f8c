/*
 * The main loop's sleep, by ppoll().
 *
 * There are a handful of descriptors, so that a list is searched each time.
 * Wake-ups are collected in a flag: only the first since the last sleep
 * costs a system call.
 */
#include "frontend/loop/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct watch {
    int fd;
    short events;
    loop_fn *fn;
    void *owner;
};

struct loop {
    int wake[2];
    atomic_bool woken;
    struct watch *watches;
    struct pollfd *polled; /* as many, and one for wake */
    size_t n;
};

/*
 * What woke us is looked at by whoever called loop_once().  The flag is
 * cleared once the pipe is empty: the other way round, a byte that came in
 * between would be taken with its flag still set, and all later calls of
 * loop_wake() would rely on a byte that is gone.
 */
static void drain_wake(void *owner, short revents)
{
    struct loop *l = owner;
    char bytes[64];

    (void)revents;
    while (read(l->wake[0], bytes, sizeof(bytes)) > 0)
        ;
    atomic_store(&l->woken, false);
}

static bool set_flags(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
           fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

bool loop_new(struct loop **out, struct error *e)
{
    struct loop *l = calloc(1, sizeof(*l));

    if (!l)
        return error_set(e, "out of memory");
    if (pipe(l->wake)) {
        error_set(e, "no pipe: %s", strerror(errno));
        free(l);
        return false;
    }
    *out = l;
    if (!set_flags(l->wake[0]) || !set_flags(l->wake[1])) {
        error_set(e, "no pipe: %s", strerror(errno));
        loop_free(l);
        return false;
    }
    loop_watch(l, l->wake[0], POLLIN, drain_wake, l);
    return true;
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    close(l->wake[0]);
    close(l->wake[1]);
    free(l->watches);
    free(l->polled);
    free(l);
}

static struct watch *find(struct loop *l, int fd)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->watches[i].fd == fd)
            return &l->watches[i];
    return NULL;
}

void loop_watch(struct loop *l, int fd, short events, loop_fn *fn, void *owner)
{
    struct watch *w = find(l, fd);

    if (!w) {
        void *watches = realloc(l->watches, (l->n + 1) * sizeof(*w));
        void *polled = realloc(l->polled, (l->n + 1) * sizeof(*l->polled));

        if (!watches || !polled)
            abort();
        l->watches = watches;
        l->polled = polled;
        w = &l->watches[l->n++];
    }
    *w = (struct watch){fd, events, fn, owner};
}

void loop_unwatch(struct loop *l, int fd)
{
    struct watch *w = find(l, fd);

    if (w)
        *w = l->watches[--l->n];
}

void loop_wake(struct loop *l)
{
    /* A full pipe wakes as well as one more byte would. */
    if (!atomic_exchange(&l->woken, true) && write(l->wake[1], "", 1) < 0)
        return;
}

/* ns as a time limit; NULL: none. */
static struct timespec *limit(uint64_t ns, struct timespec *ts)
{
    if (ns == UINT64_MAX)
        return NULL;
    /* A century is as good as any: time_t may have 32 bits. */
    if (ns / 1000000000 > INT32_MAX)
        ns = (uint64_t)INT32_MAX * 1000000000;
    ts->tv_sec = (time_t)(ns / 1000000000);
    ts->tv_nsec = (long)(ns % 1000000000);
    return ts;
}

void loop_once(struct loop *l, uint64_t ns)
{
    struct timespec ts;
    nfds_t n = l->n;

    for (nfds_t i = 0; i < n; i++) {
        const struct watch *w = &l->watches[i];

        /* A negative fd is skipped; events 0 alone would report hang-ups. */
        l->polled[i].fd = w->events ? w->fd : -1;
        l->polled[i].events = w->events;
        l->polled[i].revents = 0;
    }
    if (ppoll(l->polled, n, limit(ns, &ts), NULL) <= 0)
        n = 0;
    for (nfds_t i = 0; i < n; i++) {
        struct watch *w;

        if (!l->polled[i].revents)
            continue;
        /* An earlier function may have dropped or changed it. */
        w = find(l, l->polled[i].fd);
        if (w && w->events)
            w->fn(w->owner, l->polled[i].revents);
    }
}
