/*
 * Wires: one bit from a chip's output to whatever listens.
 *
 * Called under the device lock.  A wire with no listener is legal.
 */
#ifndef BASE_WIRE_H
#define BASE_WIRE_H

#include <stdbool.h>
#include <stddef.h>

struct wire {
    void (*set)(void *listener, unsigned line, bool level);
    void *listener;
    unsigned line; /* the listener's name for this input */
};

static inline void wire_set(const struct wire *w, bool level)
{
    if (w->set)
        w->set(w->listener, w->line, level);
}

#endif
