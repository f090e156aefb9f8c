/*
 * The main loop's sleep: file descriptors, a time limit, and a wake-up that
 * any thread can send.
 */
#ifndef FRONTEND_LOOP_LOOP_H
#define FRONTEND_LOOP_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct loop;

/* revents: poll()'s bits. */
typedef void loop_fn(void *owner, short revents);

bool loop_new(struct loop **out, struct error *e);
void loop_free(struct loop *l);

/*
 * Call fn when fd has one of `events` (or an error, or a hang-up).  A second
 * call for the same fd replaces the first; events 0 leaves the fd alone
 * altogether, errors included.  Main thread only.
 */
void loop_watch(struct loop *l, int fd, short events, loop_fn *fn, void *owner);
/* Before the fd is closed.  Main thread only. */
void loop_unwatch(struct loop *l, int fd);

/* Make loop_once() return soon.  Any thread. */
void loop_wake(struct loop *l);

/*
 * Sleep until something happens, a signal included, but at most ns
 * (UINT64_MAX: no limit); call the functions of what happened.
 */
void loop_once(struct loop *l, uint64_t ns);

#endif
