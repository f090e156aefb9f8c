/*
 * How a run ended, as an exit status and as a line for a person.
 */
#ifndef FRONTEND_END_H
#define FRONTEND_END_H

#include <stdbool.h>
#include <stddef.h>

enum end {
    END_NOT_YET,
    END_POWEROFF, /* the guest powered off or reported success */
    END_FAILED,   /* the guest reported failure; code: its own */
    END_RESET,    /* the guest reset under -no-reboot */
    END_PANIC,    /* the guest said that it crashed */
    END_DIFFERS,  /* -accel lockstep found a fault of ours */
    END_QUIT,     /* Ctrl-A X, or the monitor's quit */
    END_TIMEOUT,  /* -timeout */
    END_SIGNAL,   /* code: the signal */
};

/* The exit status.  compat: QEMU's. */
int end_status(enum end end, int code, bool compat);

/*
 * One line without newline that says why, "" for a plain power-off.
 * guest: what the machine says of an end that the guest chose.
 */
void end_text(enum end end, int code, bool compat, const char *guest, char *out,
              size_t size);

/* What -help and the manual say of it; ended by a NULL status. */
struct end_note {
    const char *status, *meaning;
};
extern const struct end_note end_notes[];

#endif
