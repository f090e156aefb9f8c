/*
 * The terminal that the emulator was started on.
 *
 * Output processing is left as it is: it makes our own lines and a guest's
 * bare line feeds look right, and a guest's CR LF is not harmed by it.
 * A process in the background neither reads nor sets modes: the terminal
 * belongs to the shell then.  Putting modes back in the background is left
 * out for the same reason; the shell has put its own back already.
 */
#include "frontend/host/terminal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void terminal_init(struct terminal *t, int fd, bool signals)
{
    memset(t, 0, sizeof(*t));
    t->fd = fd;
    t->signals = signals;
    t->tty = isatty(fd);
}

bool terminal_foreground(const struct terminal *t)
{
    pid_t group;

    if (!t->tty)
        return true;
    group = tcgetpgrp(t->fd);
    /* Not our controlling terminal (-1), or the group lies outside of our
     * container (0): no shell that we could disturb is to be seen. */
    return group <= 0 || group == getpgrp();
}

static struct termios raw_modes(const struct terminal *t)
{
    struct termios modes = t->saved;

    modes.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR |
                                 IGNCR | ICRNL | IXON);
    modes.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN);
    if (!t->signals)
        modes.c_lflag &= ~(tcflag_t)ISIG;
    modes.c_cflag &= ~(tcflag_t)(CSIZE | PARENB);
    modes.c_cflag |= CS8;
    modes.c_cc[VMIN] = 1;
    modes.c_cc[VTIME] = 0;
    return modes;
}

static bool same_modes(const struct termios *a, const struct termios *b)
{
    return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag &&
           a->c_cflag == b->c_cflag && a->c_lflag == b->c_lflag;
}

bool terminal_enter(struct terminal *t)
{
    struct termios now;

    if (!t->tty)
        return true;
    if (!terminal_foreground(t))
        return false;
    if (tcgetattr(t->fd, &now))
        return true; /* it has hung up; reading will tell */
    /* Already ours (a bare SIGSTOP and SIGCONT): `saved` still holds. */
    if (!t->raw || !same_modes(&now, &t->wanted)) {
        t->saved = now;
        t->wanted = raw_modes(t);
    }
    t->raw = 1;
    tcsetattr(t->fd, TCSANOW, &t->wanted);
    return true;
}

void terminal_leave(struct terminal *t)
{
    if (!t->raw || !terminal_foreground(t))
        return;
    t->raw = 0;
    tcsetattr(t->fd, TCSANOW, &t->saved);
    if (t->goodbye && write(t->fd, t->goodbye, strlen(t->goodbye)) < 0)
        return; /* one that is only read */
}
