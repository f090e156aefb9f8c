/*
 * Input on its way to the machine: from a window, the terminal, the monitor.
 *
 * Remembers what is held, so that everything can be let go at once, and keeps
 * what the machine has no room for.  Nothing that went down stays down.
 */
#ifndef FRONTEND_DISPLAY_INPUT_H
#define FRONTEND_DISPLAY_INPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "machine/machine.h"

struct input;

#define INPUT_CHORD 16 /* keys that go down together, at most */

/* The machine outlives it.  NULL: no memory. */
struct input *input_new(struct machine *m);
void input_free(struct input *in);

/* From now on moves go there instead of to the machine's mouse: to the right
 * and down.  Before there are any; move is called by any thread. */
void input_divert(struct input *in,
                  void (*move)(void *owner, int dx, int dy, int dz,
                               unsigned buttons),
                  void *owner);

/* Any thread, all of them.  key: see keys.h.  What is down already, or up,
 * changes nothing; a key that does not fit is not typed. */
void input_key(struct input *in, unsigned key, bool down);
/* Moved to the right, down, and the wheel towards the user, with all of these
 * buttons pressed (devices/ps2.h). */
void input_mouse(struct input *in, int dx, int dy, int dz, unsigned buttons);
/* How the joysticks stand. */
void input_joystick(struct input *in, const struct joysticks *j);
/* All that input_key() has put down, and the buttons. */
void input_release(struct input *in);

/*
 * The monitor's: names of keys with '-' between them, and for how many ms of
 * host time they are held; behind those that are still to come.
 */
bool input_chord(struct input *in, const char *names, unsigned ms,
                 struct error *e);
unsigned input_buttons(struct input *in);

/* Main thread, after each sleep; now: monotonic ns.  How many ns until it
 * wants to be called again, UINT64_MAX: only when the gate has room. */
uint64_t input_service(struct input *in, uint64_t now);

#endif
