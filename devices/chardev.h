/*
 * A character device's host side, as a chip sees it: a stream of bytes
 * each way.  Implemented by frontend/host/.
 *
 * Bytes from the host come through the gate: whoever makes a struct chardev
 * registers the source with it, and the chip registers itself as the sink
 * with chardev_connect().  A chip takes as much as it has room for and calls
 * chardev_retry() when there is room again, so that input is never dropped.
 * A break comes as an event of the gate, CHARDEV_BREAK, in its place among
 * the bytes; what has no breaks ignores it.
 */
#ifndef DEVICES_CHARDEV_H
#define DEVICES_CHARDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/gate.h"

#define CHARDEV_BREAK 1 /* gate_event(): the line was spacing */

struct chardev {
    /* Write size bytes.  Never blocks: what the host does not take now is
     * buffered, or dropped by rules that the backend documents. */
    void (*write)(struct chardev *c, const uint8_t *bytes, size_t size);
    /* A serial chip has set these two wires, or still has them so.  NULL: of
     * no interest. */
    void (*lines)(struct chardev *c, bool dtr, bool rts);
    const char *id;

    struct gate *gate; /* set by the backend's maker */
    unsigned source;   /* its number in the gate */
    gate_sink *sink;   /* set by chardev_connect() */
    void *sink_owner;
};

/* The chip at this end.  One only; NULL sink disconnects. */
static inline void chardev_connect(struct chardev *c, gate_sink *sink,
                                   void *owner)
{
    c->sink = sink;
    c->sink_owner = owner;
}

/* The chip has room for more.  Under the device lock. */
static inline void chardev_retry(struct chardev *c)
{
    gate_retry(c->gate, c->source);
}

/* Gate sink of every chardev source: owner is the struct chardev.  With no
 * chip connected, input is thrown away. */
static inline size_t chardev_sink(void *owner, const uint8_t *bytes,
                                  size_t size)
{
    struct chardev *c = owner;

    return c->sink ? c->sink(c->sink_owner, bytes, size) : size;
}

#endif
