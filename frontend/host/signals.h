/*
 * The process's signals: those that end or stop it become events of the main
 * loop, and a crash puts the terminal back first.
 */
#ifndef FRONTEND_HOST_SIGNALS_H
#define FRONTEND_HOST_SIGNALS_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

#include "base/error.h"

struct terminal;

/* Writing to a closed pipe or beyond a file's limit is an error, and nothing
 * worse; from the start on, since making a machine writes too. */
void signals_ignore(void);

/*
 * Catch what would end, stop or continue the process, but for what the
 * parent had ignored.  terminal: put back on a crash; outlives the process's
 * run, may be NULL.  compat: a crash ends with its signal, not with 126.
 */
bool signals_open(struct terminal *terminal, bool compat, struct error *e);

/* Readable when signals_next() has something. */
int signals_fd(void);
/* The next signal that has arrived, 0 if none. */
int signals_next(void);

/* Stop the process, as SIGTSTP does; returns when it is continued. */
void signals_stop(void);

/*
 * Threads inherit the mask of whoever makes them: call these around, so that
 * signals reach the main thread.
 */
void signals_block(sigset_t *old);
void signals_restore(const sigset_t *old);

/* Interrupt a thread's system call (EINTR), if it has called
 * signals_interruptible() itself. */
void signals_interrupt(pthread_t thread);
void signals_interruptible(void);

#endif
