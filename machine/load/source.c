/*
 * Reading the files that options name.
 *
 * A kernel stays open for as long as the machine lives and is read again
 * when the guest resets, so that no copy of it has to be kept in memory.
 *
 * Missing: anything but local files.
 */
#include "machine/load/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIPE_CHUNK ((uint64_t)1 << 20)

const char *size_text(uint64_t size, char *out)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    unsigned unit = 0;
    double n = (double)size / 1024;

    if (size < 4096) {
        snprintf(out, 24, "%u bytes", (unsigned)size);
        return out;
    }
    for (; n >= 1024 && unit < 3; unit++)
        n /= 1024;
    snprintf(out, 24, n == (double)(long)n ? "%.0f %s" : "%.1f %s", n,
             units[unit]);
    return out;
}

bool source_error(const struct source *s, struct error *e, const char *fmt, ...)
{
    char text[sizeof(((struct error *)0)->text)];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return error_set(e, "%s: %s", s->name ? s->name : "?", text);
}

static bool set_name(struct source *s, const char *name, struct error *e)
{
    *s = SOURCE_NONE;
    s->name = strdup(name);
    return s->name || error_set(e, "%s: out of memory", name);
}

bool source_memory(struct source *s, const char *name, const void *bytes,
                   uint64_t size, struct error *e)
{
    if (!set_name(s, name, e))
        return false;
    s->bytes = bytes;
    s->size = size;
    return true;
}

bool source_take(struct source *s, const char *name, uint8_t *bytes,
                 uint64_t size, struct error *e)
{
    if (!source_memory(s, name, bytes, size, e)) {
        free(bytes);
        return false;
    }
    s->held = bytes;
    return true;
}

bool source_part(struct source *s, const struct source *of, uint64_t start,
                 uint64_t size, struct error *e)
{
    if (start > of->size || size > of->size - start)
        return source_error(of, e,
                            "truncated: %s of it, from byte %llu on, "
                            "should be there, but it has %s",
                            SIZE_TEXT(size), (unsigned long long)start,
                            SIZE_TEXT(of->size));
    if (!set_name(s, of->name, e))
        return false;
    if (!of->bytes) {
        s->fd = fcntl(of->fd, F_DUPFD_CLOEXEC, 0);
        if (s->fd < 0)
            return source_error(s, e, "%s", strerror(errno));
    }
    s->bytes = of->bytes;
    s->start = of->start + start;
    s->size = size;
    return true;
}

void source_close(struct source *s)
{
    if (s->fd >= 0 && s->name)
        close(s->fd);
    free(s->held);
    free(s->name);
    *s = SOURCE_NONE;
}

/* A pipe or a FIFO, as in -kernel <(zcat x): read to its end. */
static bool read_stream(struct source *s, uint64_t limit, struct error *e)
{
    uint64_t room = 0;

    for (;;) {
        ssize_t n;

        if (s->size == room) {
            uint8_t *more = realloc(s->held, room + PIPE_CHUNK);

            if (!more)
                return source_error(s, e, "out of memory");
            s->held = more;
            room += PIPE_CHUNK;
        }
        n = read(s->fd, s->held + s->size, room - s->size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return source_error(s, e, "%s", strerror(errno));
        if (n == 0)
            break;
        s->size += (uint64_t)n;
        if (s->size > limit)
            return source_error(s, e, "more than %s; at most that is taken",
                                SIZE_TEXT(limit));
    }
    s->bytes = s->held;
    return true;
}

static void note_change(struct source *s, const struct stat *st)
{
    s->inode = (uint64_t)st->st_ino;
    s->changed_s = st->st_mtim.tv_sec;
    s->changed_ns = st->st_mtim.tv_nsec;
}

/* Bytes of a file or disk that is open. */
static uint64_t file_size(int fd, const struct stat *st)
{
    off_t end = S_ISBLK(st->st_mode) ? lseek(fd, 0, SEEK_END) : st->st_size;

    return end < 0 ? 0 : (uint64_t)end;
}

/* A terminal, /dev/zero: there need not be an end, and opening it may wait or
 * do something to it. */
static bool check_kind(const struct source *s, const struct stat *st,
                       bool pipes, struct error *e)
{
    bool stream = S_ISFIFO(st->st_mode) || S_ISSOCK(st->st_mode);

    if (S_ISDIR(st->st_mode))
        return source_error(s, e, "a folder; wanted a file");
    if (stream && !pipes)
        return source_error(s, e,
                            "a pipe, which can be read only once; wanted a "
                            "file, or -kernel in front of it");
    if (!stream && !S_ISREG(st->st_mode) && !S_ISBLK(st->st_mode))
        return source_error(s, e, "a device; wanted a file%s",
                            pipes ? " or a pipe" : "");
    return true;
}

static bool look(struct source *s, uint64_t limit, struct error *e)
{
    struct stat st;

    if (fstat(s->fd, &st))
        return source_error(s, e, "%s", strerror(errno));
    if (!check_kind(s, &st, limit, e))
        return false;
    if (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode))
        s->size = file_size(s->fd, &st);
    else if (!read_stream(s, limit, e))
        return false;
    if (s->size == 0)
        return source_error(
            s, e, "the file is empty; wanted one with something in it");
    note_change(s, &st);
    return true;
}

bool source_open(struct source *s, const char *option, const char *file,
                 uint64_t limit, struct error *e)
{
    char name[400];
    struct stat st;

    snprintf(name, sizeof(name), "%s%s%s", option, *option ? " " : "", file);
    if (!set_name(s, name, e))
        return false;
    /* Looked at before it is opened, too: see check_kind(). */
    if (!stat(file, &st) && !check_kind(s, &st, limit, e)) {
        source_close(s);
        return false;
    }
    s->fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (s->fd >= 0) {
        if (look(s, limit, e))
            return true;
    } else {
        source_error(s, e, "%s; wanted the name of a file that can be read",
                     strerror(errno));
    }
    source_close(s);
    return false;
}

bool source_changed(const struct source *s)
{
    struct stat st;

    if (s->bytes)
        return false;
    return fstat(s->fd, &st) || (uint64_t)st.st_ino != s->inode ||
           file_size(s->fd, &st) != s->size ||
           st.st_mtim.tv_sec != s->changed_s ||
           st.st_mtim.tv_nsec != s->changed_ns;
}

bool source_read(const struct source *s, uint64_t offset, void *out,
                 uint64_t size, struct error *e)
{
    uint8_t *p = out;

    if (offset > s->size || size > s->size - offset)
        return source_error(s, e,
                            "truncated: wanted %s from byte %llu on, "
                            "but it has %s",
                            SIZE_TEXT(size), (unsigned long long)offset,
                            SIZE_TEXT(s->size));
    offset += s->start;
    if (s->bytes) {
        memcpy(out, s->bytes + offset, size);
        return true;
    }
    while (size) {
        ssize_t n = pread(s->fd, p, size, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return source_error(s, e, "%s",
                                n ? strerror(errno) : "the file got shorter");
        p += n;
        offset += (uint64_t)n;
        size -= (uint64_t)n;
    }
    return true;
}

size_t source_head(const struct source *s, void *out, size_t size)
{
    size_t n = s->size < size ? (size_t)s->size : size;

    memset(out, 0, size);
    return source_read(s, 0, out, n, NULL) ? n : 0;
}

bool source_all(const struct source *s, uint64_t limit, uint8_t **out,
                struct error *e)
{
    *out = NULL;
    if (s->size > limit)
        return source_error(s, e, "%s; at most %s is taken", SIZE_TEXT(s->size),
                            SIZE_TEXT(limit));
    *out = malloc(s->size ? s->size : 1);
    if (!*out)
        return source_error(s, e, "out of memory");
    if (source_read(s, 0, *out, s->size, e))
        return true;
    free(*out);
    *out = NULL;
    return false;
}
