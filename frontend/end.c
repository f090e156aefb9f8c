/*
 * How a run ended: exit statuses.
 *
 * The guest's own code may be any, so that the line on stderr tells apart
 * what the status cannot.  Under QEMU's names its statuses hold, since its
 * users' scripts test for them: 0 for whatever is not the guest's failure.
 * The status 126 of a fault of ours is in host/signals.c.
 */
#include "frontend/end.h"

#include <stdio.h>
#include <string.h>

enum {
    STATUS_DIFFERS = 123,
    STATUS_TIMEOUT = 124,
    STATUS_PANIC = 125,
    STATUS_SIGNAL = 128, /* and the signal's number */
};

const struct end_note end_notes[] = {
    {"0", "the guest powered off or reported success, or the user ended it"},
    {"1", "wrong use or configuration"},
    {"N", "the guest reported failure N (its low 8 bits, 1 if they are 0)"},
    {"123", "-accel lockstep: the translator and the interpreter differ"},
    {"124", "-timeout ran out"},
    {"125", "the guest panicked"},
    {"126", "a fault of the emulator itself"},
    {"128+N", "ended by signal N: 129 SIGHUP, 130 SIGINT, 143 SIGTERM"},
    {NULL, NULL},
};

int end_status(enum end end, int code, bool compat)
{
    switch (end) {
    case END_FAILED:
        /* The host passes 8 bits on; a failure must not become success. */
        return code & 0xff || compat ? code & 0xff : 1;
    case END_DIFFERS:
        return STATUS_DIFFERS;
    case END_TIMEOUT:
        return STATUS_TIMEOUT;
    case END_PANIC:
        return compat ? 0 : STATUS_PANIC;
    case END_SIGNAL:
        return compat ? 0 : STATUS_SIGNAL + code;
    case END_NOT_YET:
    case END_POWEROFF:
    case END_RESET:
    case END_QUIT:
        break;
    }
    return 0;
}

void end_text(enum end end, int code, bool compat, const char *guest, char *out,
              size_t size)
{
    int status = end_status(end, code, compat);

    *out = '\0';
    switch (end) {
    case END_FAILED:
    case END_PANIC:
    case END_DIFFERS:
    case END_RESET:
        snprintf(out, size, "%s, status %d", guest, status);
        break;
    case END_TIMEOUT:
        snprintf(out, size, "the time of -timeout is up, status %d", status);
        break;
    case END_SIGNAL:
        snprintf(out, size, "ended by signal %d (%s), status %d", code,
                 strsignal(code), status);
        break;
    case END_QUIT:
        snprintf(out, size, "ended by the user, status %d", status);
        break;
    case END_NOT_YET:
    case END_POWEROFF:
        break;
    }
}
