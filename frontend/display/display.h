/*
 * What a run shows of its machine's screen, and the input that it takes.
 */
#ifndef FRONTEND_DISPLAY_DISPLAY_H
#define FRONTEND_DISPLAY_DISPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "frontend/display/input.h"
#include "frontend/loop/loop.h"
#include "frontend/monitor/monitor.h"

struct display;

/* Ways to show one; in the order of display_kinds. */
enum display_kind {
    DISPLAY_DEFAULT, /* a window, where there can be one */
    DISPLAY_NONE,
    DISPLAY_SDL,
    DISPLAY_CURSES,
};

/* Is it in this build?  If not, e says what it would need. */
bool display_built(enum display_kind kind, struct error *e);

/* All outlive the display. */
struct display_env {
    struct loop *loop;
    struct machine *machine;
    const char *name; /* of the machine, or NULL */
    bool full_screen;
    const struct monitor_host *monitor_host;
    /* The user has closed the window; main thread. */
    void (*closed)(void *owner);
    /* The window is gone with its display; main thread. */
    void (*lost)(void *owner);
    /* Requests to disks so far; any thread. */
    uint64_t (*disk)(void *owner);
    void *owner;
};

/* kind: not DEFAULT; NONE takes the monitor's input.  With signals blocked,
 * for it makes threads. */
bool display_open(struct display **out, enum display_kind kind,
                  const struct display_env *env, struct error *e);
void display_free(struct display *d);

struct input *display_input(struct display *d);
/* What it has done, as text for people. */
void display_info(struct display *d, char *out, size_t size);

/* Stop (SIGTSTP) and go on: put the terminal back, take it. */
void display_suspend(struct display *d);
void display_resume(struct display *d);

/* Main thread, after each sleep; how many ns until it wants to be called
 * again, UINT64_MAX: not by itself. */
uint64_t display_service(struct display *d);

#endif
