/*
 * The beam of a display by the clock, and what changes within a frame.
 *
 * All times follow from the dot clock and the totals of the CRT controller,
 * which the cards' files get from their registers.  A change of the totals
 * leaves the beam on its line.
 *
 * A frame with changes on its visible lines is painted when it is over, from
 * the registers that it began with; all others as they are now.  A change
 * counts from the line below on.
 *
 * Missing: changes of the resolution within a frame.
 */
#include "devices/display/raster.h"

#include <stdlib.h>
#include <string.h>

#include "base/muldiv.h"

#define SECOND UINT64_C(1000000000)

const struct field raster_fields[] = {
    FIELD(struct raster, origin, 0),
    FIELD(struct raster, frame_base, 0),
    FIELD(struct raster, latched, 0),
    FIELD_HOST(struct raster, timing),
    FIELD_LIST_END,
};

static struct raster_beam beam_at(const struct raster *r, uint64_t now)
{
    const struct raster_timing *t = &r->timing;
    const uint32_t whole = t->dots * t->lines;
    uint64_t dots =
        now > r->origin ? muldiv_floor(now - r->origin, t->clock, SECOND) : 0;
    uint32_t rest = (uint32_t)(dots % whole);

    return (struct raster_beam){
        .frame = r->frame_base + dots / whole,
        .line = rest / t->dots,
        .dot = rest % t->dots,
    };
}

struct raster_beam raster_beam(const struct raster *r, struct clock *clock)
{
    return beam_at(r, clock_ns(clock));
}

bool raster_retime(struct raster *r, struct clock *clock,
                   const struct raster_timing *t)
{
    /* It has no padding. */
    if (!memcmp(t, &r->timing, sizeof(*t)))
        return false;
    if (r->timing.lines) {
        const uint64_t now = clock_ns(clock);
        struct raster_beam b = beam_at(r, now);
        uint64_t since;

        b.line = b.line < t->lines ? b.line : t->lines - 1;
        b.dot = b.dot < t->dots ? b.dot : t->dots - 1;
        since =
            muldiv_ceil((uint64_t)b.line * t->dots + b.dot, SECOND, t->clock);
        r->frame_base = b.frame;
        r->origin = since < now ? now - since : now;
    }
    r->timing = *t;
    return true;
}

void raster_reset(struct raster *r, struct clock *clock)
{
    r->origin = clock_ns(clock);
    r->timing = (struct raster_timing){0};
}

void raster_loaded(struct raster *r, struct clock *clock)
{
    uint64_t now = clock_ns(clock);

    r->origin = r->origin < now ? r->origin : now;
    r->timing = (struct raster_timing){0};
}

uint64_t raster_passed(const struct raster_beam *b, uint32_t line)
{
    return b->frame + (b->line >= line);
}

bool raster_latch(struct raster *r, const struct raster_beam *b, uint32_t line)
{
    uint64_t n = raster_passed(b, line);

    if (n <= r->latched) /* a viewer's clock may be behind a processor's */
        return false;
    r->latched = n;
    return true;
}

bool raster_in_sync(const struct raster *r, const struct raster_beam *b)
{
    const struct raster_timing *t = &r->timing;

    return (b->line + t->lines - t->sync_start) % t->lines < t->sync_lines;
}

bool raster_is_shown(const struct raster *r, const struct raster_beam *b)
{
    return b->line < r->timing.shown_lines && b->dot < r->timing.shown;
}

/* -------------------------------------------------------------- changes */

bool raster_trace_new(struct raster_trace *t, size_t size)
{
    t->size = size;
    t->of[0].regs = calloc(1, size);
    t->of[1].regs = calloc(1, size);
    raster_trace_forget(t);
    return t->of[0].regs && t->of[1].regs;
}

void raster_trace_free(struct raster_trace *t)
{
    free(t->of[0].regs);
    free(t->of[1].regs);
}

void raster_trace_forget(struct raster_trace *t)
{
    t->of[0].frame = t->of[1].frame = RASTER_NO_FRAME;
}

static struct raster_frame *start(struct raster_trace *t, const void *regs,
                                  uint64_t frame)
{
    struct raster_frame *f = &t->of[t->now ^= 1];

    memcpy(f->regs, regs, t->size);
    f->frame = frame;
    f->n = 0;
    f->lost = false;
    return f;
}

void raster_note(struct raster_trace *t, const void *regs,
                 const struct raster_beam *b, size_t at, uint8_t value)
{
    struct raster_frame *f = &t->of[t->now];

    if (f->frame != b->frame)
        f = start(t, regs, b->frame);
    if (f->n == RASTER_NOTES)
        f->lost = true;
    else
        f->note[f->n++] =
            (struct raster_note){(uint16_t)(b->line + 1), (uint16_t)at, value};
}

/* Did anything change on its visible lines? */
static bool shows(const struct raster_frame *f, uint64_t frame, unsigned height)
{
    if (f->frame != frame || f->lost)
        return false;
    for (unsigned i = 0; i < f->n; i++)
        if (f->note[i].line < height)
            return true;
    return false;
}

const struct raster_frame *raster_choose(const struct raster_trace *t,
                                         struct raster_beam *b, unsigned height,
                                         const void *now, const void **regs)
{
    const struct raster_frame *young = &t->of[t->now];
    const struct raster_frame *old = &t->of[t->now ^ 1], *f = NULL;

    if (young->frame != RASTER_NO_FRAME && young->frame > b->frame)
        *b = (struct raster_beam){.frame = young->frame};
    if (b->frame && shows(young, b->frame - 1, height))
        f = young;
    else if (b->frame && shows(old, b->frame - 1, height))
        f = old;
    else if (shows(young, b->frame, height))
        f = young;
    *regs = now;
    if (f)
        *regs = f->regs;
    else if (young->frame == b->frame && !young->lost)
        *regs = young->regs;
    return f;
}

bool raster_take(const struct raster_frame *frame, unsigned *next, unsigned y,
                 void *regs)
{
    bool any = false;

    for (; frame && *next < frame->n && frame->note[*next].line <= y; ++*next) {
        const struct raster_note *n = &frame->note[*next];

        ((uint8_t *)regs)[n->at] = n->value;
        any = true;
    }
    return any;
}
