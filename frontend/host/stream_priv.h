/*
 * What the kinds of streams share.  For frontend/host/.
 */
#ifndef FRONTEND_HOST_STREAM_PRIV_H
#define FRONTEND_HOST_STREAM_PRIV_H

#include <pthread.h>

#include "frontend/host/ring.h"
#include "frontend/host/stream.h"

/* One kind of stream.  Any function may be NULL. */
struct stream_class {
    const char *name;
    size_t size; /* of its struct, which begins with a struct stream */
    bool keeps;  /* output is never dropped */
    bool (*check)(struct stream *s, struct error *e); /* stream_new() */
    bool (*open)(struct stream *s, struct error *e);
    void (*begin)(struct stream *s);
    void (*close)(struct stream *s);
    /* There is output in the ring.  Any thread, with the lock held. */
    void (*kick)(struct stream *s);
    /* As in stream.h, without the lock. */
    void (*lines)(struct stream *s, bool dtr, bool rts);
    void (*move)(struct stream *s, int dx, int dy, int dz, unsigned buttons);
    void (*service)(struct stream *s);
    uint64_t (*wait)(const struct stream *s);
    void (*suspend)(struct stream *s);
    void (*resume)(struct stream *s);
    struct terminal *(*terminal)(struct stream *s);
    bool (*waiting)(const struct stream *s);
    void (*describe)(const struct stream *s, char *out, size_t size);
};

struct stream {
    const struct stream_class *class;
    const struct char_config *config;
    struct loop *loop;
    const struct stream_user *user;
    void *user_owner;
    bool opened;

    pthread_mutex_t lock; /* for the rest */
    pthread_cond_t taken; /* the host took some output */
    struct ring out;
    bool dead;    /* nobody will read it: output is dropped */
    bool full;    /* stream_full() */
    bool choked;  /* nothing was taken for long: do not wait again */
    bool watched; /* the owner waits for the last byte to leave */
    int error;    /* stream_error() */
    uint8_t last; /* byte that was written */
};

extern const struct stream_class stream_stdio, stream_file, stream_pty,
    stream_null, stream_socket, stream_msmouse, stream_mswheel;

enum stream_input {
    INPUT_OK,
    INPUT_FULL,  /* the user has no room: watch again when it has */
    INPUT_AGAIN, /* nothing there */
    INPUT_END,   /* end of file, or hung up */
    INPUT_ERROR, /* errno says what */
};

/* Read once from fd and hand it to the user. */
enum stream_input stream_input(struct stream *s, int fd);
bool stream_has_room(struct stream *s);

/* n bytes from the front were taken by the host.  Lock held. */
void stream_took(struct stream *s, size_t n);
/* No output any more, because of an errno value.  Lock held. */
void stream_die(struct stream *s, int error);
/*
 * Write to a non-blocking fd what it takes.  Lock held.  True: all of it;
 * false: errno says why not (EAGAIN: wait for POLLOUT).
 */
bool stream_flush(struct stream *s, int fd);

/* A thread that writes what is in the ring to fd, which may block. */
struct writer {
    struct stream *stream;
    int fd;
    pthread_t thread;
    pthread_cond_t more;
    bool started;
    bool stop, finished; /* with the stream's lock */
};
bool writer_start(struct writer *w, struct stream *s, int fd, struct error *e);
/* With the lock held. */
void writer_kick(struct writer *w);
/* Ends the thread, be it blocked.  What is not written yet is lost. */
void writer_stop(struct writer *w);

#endif
