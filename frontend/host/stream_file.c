/*
 * A stream into a file.  Input never comes.
 *
 * A wrong command line changes nothing on the host: the file is opened when
 * the options are checked and emptied only when the machine starts; one that
 * was made for a run that did not start is removed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frontend/host/stream_priv.h"

struct file {
    struct stream s;
    struct writer writer;
    int fd;
    bool made; /* by us, for a run that has not started yet */
};

static struct file *file_of(struct stream *s)
{
    return (struct file *)s;
}

static bool check(struct stream *s, struct error *e)
{
    struct file *f = file_of(s);
    const char *path = s->config->path;
    int flags = O_WRONLY | O_CLOEXEC | O_NOCTTY;
    struct stat st;

    f->fd = open(path, flags | O_CREAT | O_EXCL, 0666);
    f->made = f->fd >= 0;
    if (f->fd < 0 && errno == EEXIST)
        /* O_NONBLOCK: a FIFO without a reader would hold us here. */
        f->fd = open(path, flags | O_NONBLOCK);
    if (f->fd < 0 && errno == ENXIO)
        return error_set(e, "%s: nobody reads it", path);
    if (f->fd < 0)
        return error_set(e, "%s: %s", path, strerror(errno));
    if (!fstat(f->fd, &st) && S_ISBLK(st.st_mode))
        return error_set(e, "%s: is a disk, which output would destroy", path);
    fcntl(f->fd, F_SETFL, s->config->append ? O_APPEND : 0);
    return true;
}

static bool start(struct stream *s, struct error *e)
{
    struct file *f = file_of(s);

    return writer_start(&f->writer, s, f->fd, e);
}

static void begin(struct stream *s)
{
    struct file *f = file_of(s);

    f->made = false;
    /* A FIFO or a terminal has nothing to empty. */
    if (!s->config->append && ftruncate(f->fd, 0))
        return;
}

static void finish(struct stream *s)
{
    struct file *f = file_of(s);

    writer_stop(&f->writer);
    if (f->fd >= 0)
        close(f->fd);
    if (f->made)
        unlink(s->config->path);
}

static void kick(struct stream *s)
{
    writer_kick(&file_of(s)->writer);
}

static void describe(const struct stream *s, char *out, size_t size)
{
    snprintf(out, size, "file:%s", s->config->path);
}

const struct stream_class stream_file = {
    .name = "file",
    .size = sizeof(struct file),
    .keeps = true,
    .check = check,
    .open = start,
    .begin = begin,
    .close = finish,
    .kick = kick,
    .describe = describe,
};
