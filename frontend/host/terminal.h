/*
 * The terminal that the emulator was started on.
 */
#ifndef FRONTEND_HOST_TERMINAL_H
#define FRONTEND_HOST_TERMINAL_H

#include <signal.h>
#include <stdbool.h>
#include <termios.h>

struct terminal {
    int fd;
    bool tty;                  /* fd is a terminal */
    bool signals;              /* Ctrl-C and the like stay signals */
    volatile sig_atomic_t raw; /* ours to put back */
    struct termios saved, wanted;
    const char *goodbye; /* written to it when it is left; or NULL */
};

/* Look at fd; nothing is changed yet. */
void terminal_init(struct terminal *t, int fd, bool signals);

/* May we read from it and change it?  False in the background. */
bool terminal_foreground(const struct terminal *t);

/*
 * Every key goes to the guest from now on.  In the background nothing
 * happens, and false is returned: try again later.
 */
bool terminal_enter(struct terminal *t);

/* As it was before terminal_enter().  Safe in a signal handler. */
void terminal_leave(struct terminal *t);

#endif
