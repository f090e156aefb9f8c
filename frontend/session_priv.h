/*
 * A run's state, and what its two files call of each other.
 */
#ifndef FRONTEND_SESSION_PRIV_H
#define FRONTEND_SESSION_PRIV_H

#include <stdatomic.h>
#include <stdio.h>

#include "frontend/display/display.h"
#include "frontend/end.h"
#include "frontend/host/block_file.h"
#include "frontend/host/chr.h"
#include "frontend/host/terminal.h"
#include "frontend/loop/loop.h"
#include "frontend/monitor/monitor.h"
#include "frontend/session.h"
#include "machine/machine.h"

enum hold { HOLD_USER = 1, HOLD_OUTPUT = 2 };

/* A disk's file. */
struct medium {
    const struct drive_config *drive;
    struct block *block; /* NULL: the drive was empty, or is it now */
};

struct session {
    struct config *config;
    struct loop *loop;
    struct log log;
    FILE *log_file;
    int pid_fd;
    struct chr **chrs;    /* config->n_chars entries */
    struct medium *media; /* config->n_drives entries, and those that the
                             monitor put in */
    size_t n_media;
    struct gate *gate;
    struct machine *machine;
    struct chr_env env;
    struct monitor_host monitor_host;
    struct display_env display_env;
    struct display *display;
    atomic_ullong disk_requests;
    struct block_watch watch; /* of every medium */
    struct terminal terminal; /* that -display curses has */
    bool asked;               /* the window was closed once */

    bool started;      /* machine_start() was called */
    unsigned hold;     /* enum hold, or-ed */
    uint64_t deadline; /* of -timeout, on the monotonic clock; or UINT64_MAX */
    /* How the guest ended what goes on all the same (-no-shutdown, -action), or
     * MACHINE_RUNNING. */
    enum machine_end halted;
    enum end end;
    int code; /* see enum end */
};

/* session.c: the first end counts; a line on stderr. */
void session_end(struct session *s, enum end how, int code);
void session_say(const struct session *s, const char *text);

/* commands.c */
/* Fill in s->monitor_host and s->watch. */
void session_commands(struct session *s);
/* Ctrl-A X and the monitor's quit; the window's close button, or its end. */
void session_quit(void *owner);
void session_closed(void *owner);
void session_lost(void *owner);
/* The guest's end was none. */
void session_go_on(struct session *s, bool from_reset);
/* A medium that outlives the machine; none for an empty drive. */
bool session_add_medium(struct session *s, const struct drive_config *d,
                        struct error *e);
uint64_t session_disk_requests(void *owner);

#endif
