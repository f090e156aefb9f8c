/*
 * The bytes of a file that an option names, wherever they come from: read
 * from the file as they are needed, or held in memory (a pipe's, a compressed
 * file's, the built-in demo's).
 */
#ifndef MACHINE_LOAD_SOURCE_H
#define MACHINE_LOAD_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct source {
    char *name;           /* for messages: "-kernel FILE" */
    int fd;               /* open for reading, or -1 */
    uint8_t *held;        /* owned, or NULL */
    const uint8_t *bytes; /* held, or somebody else's; NULL: read fd */
    uint64_t start;       /* of what counts, in the file or in bytes */
    uint64_t size;        /* bytes */
    /* What the file was when it was opened. */
    uint64_t inode;
    int64_t changed_s, changed_ns;
};

#define SOURCE_NONE ((struct source){.fd = -1})

/*
 * Open `file`; messages say "OPTION FILE: ...".  A pipe is read whole, at
 * most `limit` bytes (0: pipes are not taken); a FIFO nobody has open for
 * writing yet is waited for, as by cat.  An empty file, a folder and a
 * character device are errors.
 */
bool source_open(struct source *s, const char *option, const char *file,
                 uint64_t limit, struct error *e);
/* Bytes that outlive the source. */
bool source_memory(struct source *s, const char *name, const void *bytes,
                   uint64_t size, struct error *e);
/* Take over malloc()ed bytes; freed also on failure. */
bool source_take(struct source *s, const char *name, uint8_t *bytes,
                 uint64_t size, struct error *e);
/* The part [start, start+size) of `of`, which must outlive it. */
bool source_part(struct source *s, const struct source *of, uint64_t start,
                 uint64_t size, struct error *e);
/* Also right for SOURCE_NONE, and twice. */
void source_close(struct source *s);

static inline bool source_used(const struct source *s)
{
    return s->name != NULL;
}

/* Read exactly size bytes at offset. */
bool source_read(const struct source *s, uint64_t offset, void *out,
                 uint64_t size, struct error *e);
/* Up to size bytes from the start; the rest of out is zeroed.  Returns how
 * many there were. */
size_t source_head(const struct source *s, void *out, size_t size);
/* All of it, in malloc()ed memory. */
bool source_all(const struct source *s, uint64_t limit, uint8_t **out,
                struct error *e);
/* Has the file been changed since it was opened? */
bool source_changed(const struct source *s);
/* e = "NAME: ...".  Always false. */
bool source_error(const struct source *s, struct error *e, const char *fmt, ...)
    BASE_PRINTF(3, 4);

/* "31.2 MiB" and the like, in out[24]. */
const char *size_text(uint64_t size, char *out);
#define SIZE_TEXT(n) size_text(n, (char[24]){0})

#endif
