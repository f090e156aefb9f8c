/*
 * A pseudo-terminal of our own, for `screen`, `minicom` and the like.
 *
 * Its name is printed in the words that tools look for.  Our own descriptor
 * of the far side stays open, so that the near side never hangs up and modes
 * stay; whether somebody reads cannot be seen then, and need not: the newest
 * output is kept, the rest dropped.  What the kernel holds for the reader is
 * older than what we hold, and is dropped first.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "frontend/host/stream_priv.h"

struct pty {
    struct stream s;
    int near, far; /* -1 while not open */
    bool waiting;  /* for room at the user's */
    bool blocked;  /* output waits for POLLOUT */
    char name[64];
};

static struct pty *pty_of(struct stream *s)
{
    return (struct pty *)s;
}

static void ready(void *owner, short revents);

static void watch(struct pty *t)
{
    short events =
        (short)((t->waiting ? 0 : POLLIN) | (t->blocked ? POLLOUT : 0));

    loop_watch(t->s.loop, t->near, events, ready, t);
}

static void flush(struct pty *t)
{
    pthread_mutex_lock(&t->s.lock);
    t->blocked = !stream_flush(&t->s, t->near);
    pthread_mutex_unlock(&t->s.lock);
    watch(t);
}

static void ready(void *owner, short revents)
{
    struct pty *t = owner;

    if (revents & POLLOUT)
        flush(t);
    if (revents & POLLIN && stream_input(&t->s, t->near) == INPUT_FULL) {
        t->waiting = true;
        watch(t);
    }
}

/* No echo, no line editing, all eight bits. */
static void set_modes(int fd)
{
    struct termios modes;

    if (tcgetattr(fd, &modes))
        return;
    modes.c_iflag = 0;
    modes.c_oflag = 0;
    modes.c_lflag = 0;
    modes.c_cflag &= ~(tcflag_t)(CSIZE | PARENB);
    modes.c_cflag |= CS8;
    modes.c_cc[VMIN] = 1;
    modes.c_cc[VTIME] = 0;
    tcsetattr(fd, TCSANOW, &modes);
}

static bool check(struct stream *s, struct error *e)
{
    struct pty *t = pty_of(s);
    const char *name;

    t->far = -1;
    t->near = posix_openpt(O_RDWR | O_NOCTTY);
    if (t->near < 0 || grantpt(t->near) || unlockpt(t->near) ||
        !(name = ptsname(t->near)))
        return error_set(e, "no pseudo-terminal: %s", strerror(errno));
    snprintf(t->name, sizeof(t->name), "%s", name);
    t->far = open(t->name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (t->far < 0)
        return error_set(e, "%s: %s", t->name, strerror(errno));
    set_modes(t->far);
    fcntl(t->near, F_SETFL, O_RDWR | O_NONBLOCK);
    fcntl(t->near, F_SETFD, FD_CLOEXEC);
    return true;
}

static bool start(struct stream *s, struct error *e)
{
    struct pty *t = pty_of(s);

    (void)e;
    printf("char device redirected to %s (label %s)\n", t->name, s->config->id);
    fflush(stdout);
    watch(t);
    return true;
}

static void finish(struct stream *s)
{
    struct pty *t = pty_of(s);

    if (t->near >= 0) {
        loop_unwatch(s->loop, t->near);
        close(t->near);
    }
    if (t->far >= 0)
        close(t->far);
}

/* The main loop writes; it knows of what waits for POLLOUT already. */
static void kick(struct stream *s)
{
    struct pty *t = pty_of(s);

    if (s->out.used == s->out.limit)
        tcflush(t->far, TCIFLUSH);
    if (!t->blocked)
        loop_wake(s->loop);
}

static void service(struct stream *s)
{
    struct pty *t = pty_of(s);

    if (!s->opened)
        return;
    if (!t->blocked)
        flush(t);
    if (t->waiting && stream_has_room(s)) {
        t->waiting = false;
        watch(t);
    }
}

static void describe(const struct stream *s, char *out, size_t size)
{
    snprintf(out, size, "pty:%s", ((const struct pty *)s)->name);
}

const struct stream_class stream_pty = {
    .name = "pty",
    .size = sizeof(struct pty),
    .check = check,
    .open = start,
    .close = finish,
    .kick = kick,
    .service = service,
    .describe = describe,
};
