/*
 * The gate: the one way in for everything from outside the machine.
 *
 * Keys, serial bytes, packets, the wall clock and entropy enter here and
 * nowhere else, so that a recorder can log them with the instruction count
 * at which the guest could first see them, and a replay can feed them back.
 *
 * Two kinds:
 * - events: pushed by host threads (gate_post), kept in order, delivered to
 *   their sink under the device lock by gate_deliver() - in real time from
 *   the main loop, by instructions from the vCPU thread at a block boundary;
 * - answers: asked for by a device or CPU while it runs (gate_entropy,
 *   gate_wall_clock).
 */
#ifndef BASE_GATE_H
#define BASE_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gate;

/*
 * Where events of one source end.  Returns how many of the bytes it took;
 * the rest stays in the gate and is offered again by the next
 * gate_deliver() after gate_retry().  With bytes NULL, size is what was given
 * to gate_event() - return it, or 0 to be offered it again - or 0: the source
 * has closed.
 */
typedef size_t gate_sink(void *owner, const uint8_t *bytes, size_t size);

struct gate *gate_new(void);
void gate_free(struct gate *g);

/* Register a source; returns its number.  Before the machine runs. */
unsigned gate_add(struct gate *g, const char *name, gate_sink *sink,
                  void *owner);

/*
 * Queue bytes of a source.  Any thread.  Returns how many were taken: the
 * queue of a source is bounded (64 KiB), and what is not taken stays with
 * the caller, who asks again later: nothing is ever dropped.
 */
size_t gate_post(struct gate *g, unsigned source, const uint8_t *bytes,
                 size_t size);
/*
 * Queue something that is no byte, such as a break, in its place among the
 * bytes of a source: 1 to 255, as source and sink agreed.  It takes a byte's
 * room.  Any thread.  False: there is none now; ask again later.
 */
bool gate_event(struct gate *g, unsigned source, uint8_t event);
/* Free room in a source's queue, in bytes.  Any thread. */
size_t gate_room(struct gate *g, unsigned source);
/* The source has no more to give.  Any thread. */
void gate_close(struct gate *g, unsigned source);

/* A sink has room again (called by its device, under the device lock). */
void gate_retry(struct gate *g, unsigned source);

/* Is there something that gate_deliver() would do?  Any thread, cheap. */
bool gate_pending(struct gate *g);
/* Offer what is queued to the sinks.  Under the device lock. */
void gate_deliver(struct gate *g);

/* Called (any thread) when gate_pending() becomes true. */
void gate_on_pending(struct gate *g, void (*fn)(void *arg), void *arg);
/* Called (any thread) when a source that was full has room again. */
void gate_on_room(struct gate *g, void (*fn)(void *arg, unsigned source),
                  void *arg);

/* Fill out with size random bytes: the host's, or from a fixed seed in
 * deterministic mode. */
void gate_entropy(struct gate *g, uint8_t *out, size_t size);
/* Seed for deterministic mode; from then on gate_entropy() is a fixed
 * sequence, and the wall clock is base + virtual time. */
void gate_set_deterministic(struct gate *g, uint64_t seed,
                            uint64_t wall_clock_base_ns);
/* The wall clock says base_ns now and goes on with the host's; or, if virtual,
 * it is base_ns + virtual time. */
void gate_set_wall_clock(struct gate *g, uint64_t base_ns, bool virtual);
/* Wall clock, ns since 1970-01-01, of UTC unless set otherwise; virtual_ns is
 * the machine's time. */
uint64_t gate_wall_clock(struct gate *g, uint64_t virtual_ns);

#endif
