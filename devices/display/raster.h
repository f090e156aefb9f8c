/*
 * The beam of a display, by the clock, and the registers that change while it
 * is under way: what all cards share.
 *
 * Nothing runs while nobody looks.  A frame begins with its first visible
 * line.  Registers that change on the way are noted by scan line, for this
 * frame and the one before, so that who looks once sees them, too.
 */
#ifndef DEVICES_DISPLAY_RASTER_H
#define DEVICES_DISPLAY_RASTER_H

#include "base/clock.h"
#include "base/state.h"

/* What the dot clock counts; all but the syncs at least 1; fewer than 2^32 dots
 * a frame. */
struct raster_timing {
    uint64_t clock;       /* Hz */
    uint32_t dots, shown; /* of a line */
    uint32_t lines, shown_lines;
    uint32_t sync_start, sync_lines; /* vertical; none: there is none */
};

struct raster_beam {
    uint64_t frame;
    uint32_t line, dot;
};

struct raster {
    uint64_t origin; /* ns when frame `frame_base` began */
    uint64_t frame_base;
    uint64_t latched;            /* raster_latch() */
    struct raster_timing timing; /* what the card's registers say */
};

extern const struct field raster_fields[];

struct raster_beam raster_beam(const struct raster *r, struct clock *clock);
/* From now on its timing is t; the beam stays on its line.  Was it another? */
bool raster_retime(struct raster *r, struct clock *clock,
                   const struct raster_timing *t);
/* At a reset a frame begins; what was loaded is not of the future.  The timing
 * is to be set again. */
void raster_reset(struct raster *r, struct clock *clock);
void raster_loaded(struct raster *r, struct clock *clock);
/* How often line `line` of a frame has begun. */
uint64_t raster_passed(const struct raster_beam *b, uint32_t line);
/* Has that happened since it was asked last? */
bool raster_latch(struct raster *r, const struct raster_beam *b, uint32_t line);
bool raster_in_sync(const struct raster *r, const struct raster_beam *b);
bool raster_is_shown(const struct raster *r, const struct raster_beam *b);

/* -- changes within a frame -- */

#define RASTER_NOTES 4096
#define RASTER_NO_FRAME UINT64_MAX

struct raster_note {
    uint16_t line; /* the first that shows it */
    uint16_t at;   /* byte of the registers */
    uint8_t value;
};

/* What happened in a frame. */
struct raster_frame {
    uint64_t frame;
    void *regs; /* as they were ahead of the first change */
    unsigned n;
    bool lost; /* there was more */
    struct raster_note note[RASTER_NOTES];
};

struct raster_trace {
    struct raster_frame of[2];
    unsigned now; /* of them: the younger one */
    size_t size;  /* of the registers, in bytes, below 64 Ki */
};

/* false: no memory; free it all the same. */
bool raster_trace_new(struct raster_trace *t, size_t size);
void raster_trace_free(struct raster_trace *t);
void raster_trace_forget(struct raster_trace *t);
/* Byte `at` of regs will be `value`: from the line below the beam's on. */
void raster_note(struct raster_trace *t, const void *regs,
                 const struct raster_beam *b, size_t at, uint8_t value);
/* The frame that is to be painted at `b`, where `height` lines are visible: if
 * there are changes on them the one with changes that is over, or else this
 * one.  NULL: nothing changes within it.  regs: what it begins with, `now` if
 * nothing is known of it.  A processor that counts instructions may be ahead of
 * the clock as a viewer sees it: b follows. */
const struct raster_frame *raster_choose(const struct raster_trace *t,
                                         struct raster_beam *b, unsigned height,
                                         const void *now, const void **regs);
/* Make regs, of line y - 1, those of line y; next counts notes.  Has any
 * changed?  frame may be NULL. */
bool raster_take(const struct raster_frame *frame, unsigned *next, unsigned y,
                 void *regs);

#endif
