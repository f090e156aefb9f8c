/*
 * A stream of bytes to and from the host: terminal, file, pty, socket,
 * serial mouse.
 *
 * Output comes from any thread and never blocks it for long; input is handed
 * to one user on the main thread, and not read from the host before the user
 * has room for it.
 *
 * Where output goes that the host does not take at once:
 * - stdio and files lose nothing: it is kept, and while more than 256 KiB
 *   wait, stream_full() asks the owner to hold the guest.  (A guest that
 *   writes on for 16 MiB regardless, in one request, waits up to a second,
 *   and loses the rest.)
 * - ptys and sockets never hold the guest: the newest 256 KiB are kept.
 * - once nobody can read it any more (EPIPE, an error), it is dropped.
 */
#ifndef FRONTEND_HOST_STREAM_H
#define FRONTEND_HOST_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "frontend/cli/config.h"
#include "frontend/loop/loop.h"

struct stream;

/* Who gets the input. */
struct stream_user {
    /* How many bytes it takes now. */
    size_t (*room)(void *owner);
    /* At most as many as room() said. */
    void (*take)(void *owner, const uint8_t *bytes, size_t n);
};

/*
 * Make the stream that config describes, which outlives it.  Nothing is
 * changed on the host yet but that missing files are made.
 */
bool stream_new(struct stream **out, const struct char_config *config,
                struct loop *loop, struct error *e);
/* Listen, connect, take the terminal. */
bool stream_open(struct stream *s, struct error *e);
/* The run begins: old contents of files go. */
void stream_begin(struct stream *s);
/* A file that stream_new() made is removed if the run never began. */
void stream_free(struct stream *s);

void stream_connect(struct stream *s, const struct stream_user *user,
                    void *owner);

/* Any thread. */
void stream_write(struct stream *s, const uint8_t *bytes, size_t n);
void stream_print(struct stream *s, const char *text);
/* What the guest's end of a serial line does with two of its wires. */
void stream_lines(struct stream *s, bool dtr, bool rts);
/* The user moved the mouse that this is, to the right and down, its wheel
 * towards himself, with these buttons held (devices/ps2.h).  false: it is no
 * mouse. */
bool stream_move(struct stream *s, int dx, int dy, int dz, unsigned buttons);

/* The rest on the main thread. */

/* Go on with what had to wait; call after each sleep of the loop. */
void stream_service(struct stream *s);
/* ns until stream_service() wants to be called; UINT64_MAX: no need. */
uint64_t stream_wait(const struct stream *s);
/* Does too much output wait?  The owner is woken when this changes. */
bool stream_full(struct stream *s);
/* Is output left that the host may still take?  Once this was asked, the
 * owner is woken when it is no longer so. */
bool stream_pending(struct stream *s);
/* Why output was dropped, an errno value; 0: it was not, or was told. */
int stream_error(struct stream *s);
/* Does it wait for its first client (socket,server=on,wait=on)? */
bool stream_waiting(const struct stream *s);
/* The terminal behind it; NULL if it is another kind of stream. */
struct terminal *stream_terminal(struct stream *s);
/* Is its output seen on a terminal, so that filtering makes sense? */
bool stream_shown(const struct stream *s);
/* Does its output end in the middle of a line? */
bool stream_midline(struct stream *s);
/* Stop (Ctrl-Z and the like) and go on: put the terminal back, take it. */
void stream_suspend(struct stream *s);
void stream_resume(struct stream *s);
/* "file:out.txt", "pty:/dev/pts/3", for people. */
void stream_describe(const struct stream *s, char *out, size_t size);

#endif
