/*
 * The human monitor: a prompt that looks at the machine and steers it.
 */
#ifndef FRONTEND_MONITOR_MONITOR_H
#define FRONTEND_MONITOR_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct monitor;

/* What "info" can show. */
enum monitor_info {
    INFO_BLOCK,
    INFO_CHARDEV,
    INFO_DISPLAY,
    INFO_NAME,
    INFO_REGISTERS,
    INFO_STATUS,
};

/* What the monitor steers.  All on the main thread. */
struct monitor_host {
    const char *prompt;
    void (*quit)(void *owner);
    void (*stop)(void *owner);
    void (*cont)(void *owner);
    void (*reset)(void *owner);
    /* Press the power button; false: there is none. */
    bool (*power_down)(void *owner);
    /* Wake it; false: it does not sleep. */
    bool (*wake)(void *owner);
    /* Press the NMI button; false: there is none. */
    bool (*nmi)(void *owner);
    /* A break to the chip at the chardev of that id. */
    bool (*send_break)(void *owner, const char *id, struct error *e);
    /* Write what the screen shows to a PNG file. */
    bool (*screendump)(void *owner, const char *file, struct error *e);
    /* Put a file into a drive, or (NULL) take out what is in it. */
    bool (*change_medium)(void *owner, const char *drive, const char *file,
                          bool read_only, bool force, struct error *e);
    /* Names of keys with '-' between them, held for so many ms. */
    bool (*send_key)(void *owner, const char *keys, unsigned ms,
                     struct error *e);
    /* Move the mouse: to the right, down, its wheel towards the user. */
    void (*mouse_move)(void *owner, int dx, int dy, int dz);
    /* Which buttons are pressed from now on: PS2_LEFT and so on. */
    void (*mouse_button)(void *owner, unsigned buttons);
    /* Text for people, lines ended by "\n". */
    void (*info)(void *owner, enum monitor_info what, char *out, size_t size);
    void *owner;
};

/* host outlives the monitor; output goes to write.  NULL: no memory. */
struct monitor *monitor_new(const struct monitor_host *host,
                            void (*write)(void *owner, const char *bytes,
                                          size_t n),
                            void *owner);
void monitor_free(struct monitor *m);

/* It gets the keys from now on: greet (the first time), prompt. */
void monitor_enter(struct monitor *m);

/* A key was typed. */
void monitor_key(struct monitor *m, uint8_t key);

#endif
