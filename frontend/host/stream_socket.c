/*
 * A unix socket, as server or as client.
 *
 * A server has one client at a time; the next waits in the listen queue
 * until the first has gone.  Without a client, the newest output is kept for
 * the next one.  A client whose server has gone does not come back: its
 * output is dropped.
 *
 * The socket's file appears when the machine is about to start and goes at
 * the end.  One that a dead process has left is replaced, one that answers
 * is not.
 * Missing: TCP, passed descriptors, reconnecting.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "frontend/host/stream_priv.h"

struct socket {
    struct stream s;
    struct sockaddr_un address;
    int listener, peer; /* -1 while not open */
    bool bound;         /* the file is ours to remove */
    bool met;           /* somebody has connected once */
    bool waiting;       /* for room at the user's */
    bool blocked;       /* output waits for POLLOUT */
};

static struct socket *socket_of(struct stream *s)
{
    return (struct socket *)s;
}

static void ready(void *owner, short revents);
static void on_client(void *owner, short revents);

static void watch(struct socket *t)
{
    short events =
        (short)((t->waiting ? 0 : POLLIN) | (t->blocked ? POLLOUT : 0));

    if (t->peer >= 0)
        loop_watch(t->s.loop, t->peer, events, ready, t);
    if (t->listener >= 0)
        loop_watch(t->s.loop, t->listener, t->peer < 0 ? POLLIN : 0, on_client,
                   t);
}

static void hang_up(struct socket *t)
{
    pthread_mutex_lock(&t->s.lock);
    loop_unwatch(t->s.loop, t->peer);
    close(t->peer);
    t->peer = -1;
    t->blocked = false;
    if (t->listener < 0)
        stream_die(&t->s, 0);
    pthread_mutex_unlock(&t->s.lock);
    watch(t);
}

static void flush(struct socket *t)
{
    bool gone;

    pthread_mutex_lock(&t->s.lock);
    t->blocked = !stream_flush(&t->s, t->peer);
    gone = t->blocked && errno != EAGAIN;
    pthread_mutex_unlock(&t->s.lock);
    if (gone)
        hang_up(t);
    else
        watch(t);
}

static void ready(void *owner, short revents)
{
    struct socket *t = owner;

    if (revents & POLLOUT)
        flush(t);
    if (t->peer < 0 || !(revents & (POLLIN | POLLHUP | POLLERR)))
        return;
    switch (stream_input(&t->s, t->peer)) {
    case INPUT_FULL:
        t->waiting = true;
        watch(t);
        break;
    case INPUT_END:
    case INPUT_ERROR:
        hang_up(t);
        break;
    case INPUT_OK:
    case INPUT_AGAIN:
        break;
    }
}

static void set_flags(int fd)
{
    fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static void on_client(void *owner, short revents)
{
    struct socket *t = owner;
    int fd = accept(t->listener, NULL, NULL);

    (void)revents;
    if (fd < 0)
        return;
    set_flags(fd);
    pthread_mutex_lock(&t->s.lock);
    t->peer = fd;
    t->met = true;
    pthread_mutex_unlock(&t->s.lock);
    flush(t);
}

static bool check(struct stream *s, struct error *e)
{
    struct socket *t = socket_of(s);
    const char *path = s->config->path;

    t->listener = t->peer = -1;
    t->address.sun_family = AF_UNIX;
    if (strlen(path) >= sizeof(t->address.sun_path))
        return error_set(e, "%s: a socket's path has at most %zu bytes", path,
                         sizeof(t->address.sun_path) - 1);
    strcpy(t->address.sun_path, path);
    return true;
}

static int connect_to(const struct socket *t)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    int error;

    if (fd >= 0 &&
        !connect(fd, (const struct sockaddr *)&t->address, sizeof(t->address)))
        return fd;
    error = errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    return -1;
}

/* Remove a socket that nobody listens on any more. */
static bool clear_path(struct socket *t, struct error *e)
{
    const char *path = t->s.config->path;
    struct stat st;
    int fd;

    if (lstat(path, &st))
        return true; /* bind() says what is wrong, if something is */
    if (!S_ISSOCK(st.st_mode))
        return error_set(e, "%s: exists and is not a socket", path);
    fd = connect_to(t);
    if (fd >= 0)
        close(fd);
    if (fd >= 0 || errno != ECONNREFUSED)
        return error_set(e, "%s: another process listens here", path);
    unlink(path);
    return true;
}

static bool listen_at(struct socket *t, struct error *e)
{
    const char *path = t->s.config->path;

    if (!clear_path(t, e))
        return false;
    t->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (t->listener < 0)
        return error_set(e, "%s: %s", path, strerror(errno));
    if (bind(t->listener, (const struct sockaddr *)&t->address,
             sizeof(t->address)))
        return error_set(e, "%s: %s", path, strerror(errno));
    t->bound = true;
    if (listen(t->listener, 1))
        return error_set(e, "%s: %s", path, strerror(errno));
    set_flags(t->listener);
    return true;
}

static bool start(struct stream *s, struct error *e)
{
    struct socket *t = socket_of(s);

    if (s->config->server) {
        if (!listen_at(t, e))
            return false;
    } else {
        t->peer = connect_to(t);
        if (t->peer < 0)
            return error_set(e, "%s: %s", s->config->path, strerror(errno));
        set_flags(t->peer);
        t->met = true;
    }
    watch(t);
    return true;
}

static void finish(struct stream *s)
{
    struct socket *t = socket_of(s);

    if (t->peer >= 0) {
        pthread_mutex_lock(&s->lock);
        stream_flush(s, t->peer);
        pthread_mutex_unlock(&s->lock);
        loop_unwatch(s->loop, t->peer);
        close(t->peer);
    }
    if (t->listener >= 0) {
        loop_unwatch(s->loop, t->listener);
        close(t->listener);
    }
    if (t->bound)
        unlink(s->config->path);
}

static void kick(struct stream *s)
{
    struct socket *t = socket_of(s);

    if (t->peer >= 0 && !t->blocked)
        loop_wake(s->loop);
}

static void service(struct stream *s)
{
    struct socket *t = socket_of(s);

    if (t->peer < 0)
        return;
    if (t->waiting && stream_has_room(s)) {
        t->waiting = false;
        watch(t);
    }
    if (!t->blocked)
        flush(t);
}

static bool waiting(const struct stream *s)
{
    return s->config->wait && !((const struct socket *)s)->met;
}

static void describe(const struct stream *s, char *out, size_t size)
{
    const struct socket *t = (const struct socket *)s;

    snprintf(out, size, "%sunix:%s%s", t->peer < 0 ? "disconnected:" : "",
             s->config->path, s->config->server ? ",server=on" : "");
}

const struct stream_class stream_socket = {
    .name = "socket",
    .size = sizeof(struct socket),
    .check = check,
    .open = start,
    .close = finish,
    .kick = kick,
    .service = service,
    .waiting = waiting,
    .describe = describe,
};
