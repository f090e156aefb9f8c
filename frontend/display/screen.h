/*
 * Ways to show a machine's screen to somebody: a window, text on a terminal.
 *
 * Each is a module, loaded when it is used, so that whoever does without pays
 * nothing for its libraries.  A module calls only what the struct
 * screen_host offers.
 */
#ifndef FRONTEND_DISPLAY_SCREEN_H
#define FRONTEND_DISPLAY_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "devices/display/display.h"
#include "devices/gameport.h"

/* What has happened since the start, for whoever shows it. */
struct screen_activity {
    uint64_t instructions; /* of the guest */
    uint64_t disk;         /* requests of the guest */
};

/* Any thread may call these, unless it is said. */
struct screen_host {
    const char *name; /* of the machine, or NULL */
    bool full_screen; /* to begin with */
    bool joysticks;   /* the machine takes them */
    /* Calls fn under the device lock. */
    void (*show)(void *owner,
                 void (*fn)(void *arg, const struct display_frame *f),
                 void *arg);
    /* The same for text; false: there is none. */
    bool (*text)(void *owner,
                 void (*fn)(void *arg, const struct display_text *t),
                 void *arg);
    /* As input.h has them. */
    void (*key)(void *owner, unsigned key, bool down);
    void (*mouse)(void *owner, int dx, int dy, int dz, unsigned buttons);
    void (*joystick)(void *owner, const struct joysticks *j);
    void (*release)(void *owner);
    /* The keyboard's LEDs: 2 num, 4 caps lock; false: nobody knows. */
    bool (*leds)(void *owner, unsigned *leds);
    /* The user has closed it. */
    void (*close)(void *owner);
    /* What it was shown on is gone, and with it the screen. */
    void (*lost)(void *owner);
    void (*activity)(void *owner, struct screen_activity *out);
    /* A byte for the monitor, which answers by print(); main thread. */
    void (*monitor_key)(void *owner, uint8_t key);
    void *owner;
};

struct screen_class {
    const char *name;
    /* false: e says why, in a line.  host outlives the screen. */
    bool (*open)(void **out, const struct screen_host *host, struct error *e);
    void (*close)(void *screen);
    /* What it has done, as text for people. */
    void (*info)(void *screen, char *out, size_t size);
    /* What lives on the main thread: a descriptor to call service() for, and
     * after how many ns it wants to be called again.  NULL: lives on a thread
     * of its own. */
    int (*fd)(void *screen);
    uint64_t (*service)(void *screen);
    void (*print)(void *screen, const char *bytes, size_t n);
    /* Give the terminal back before a stop, and take it after; or NULL. */
    void (*suspend)(void *screen);
    void (*resume)(void *screen);
};

/* Each module defines it. */
extern const struct screen_class emu_screen;

#endif
