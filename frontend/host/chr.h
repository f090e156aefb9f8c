/*
 * A character device's whole host side: a stream, the guest's end of it, and
 * the monitor where the two share the stream by Ctrl-A keys.
 */
#ifndef FRONTEND_HOST_CHR_H
#define FRONTEND_HOST_CHR_H

#include <stdbool.h>

#include "base/error.h"
#include "base/gate.h"
#include "devices/chardev.h"
#include "frontend/cli/config.h"
#include "frontend/host/stream.h"
#include "frontend/loop/loop.h"
#include "frontend/monitor/monitor.h"

struct chr;

/* What is the same for all of them. */
struct chr_env {
    struct loop *loop;
    int escape;  /* the byte that Ctrl-A is */
    bool filter; /* see filter.h; only where the output is a terminal */
    /* Ctrl-A X was typed. */
    void (*quit)(void *owner);
    const struct monitor_host *monitor_host;
    void *owner;
};

/* As stream_new(); env and config outlive it. */
bool chr_new(struct chr **out, const struct char_config *config,
             const struct chr_env *env, struct error *e);
void chr_free(struct chr *c);

/* The guest's end, by the id in config. */
struct chardev *chr_guest(struct chr *c);
/* Where its input goes; before the machine runs. */
void chr_set_gate(struct chr *c, struct gate *g);

/* A break to the guest, behind what was typed before; while it has to wait,
 * further ones are the same one.  False: no chip is at the other end. */
bool chr_break(struct chr *c);

struct stream *chr_stream(struct chr *c);

/* Go on with what had to wait.  Main thread, after each sleep. */
void chr_service(struct chr *c);

/* The monitor may greet: the run begins. */
void chr_begin(struct chr *c);

#endif
