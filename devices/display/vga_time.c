/*
 * The VGA's beam: where on the screen it is, by the clock.
 *
 * IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem": CRT
 * controller, clocking mode register, miscellaneous output register (25.175
 * and 28.322 MHz).  All times follow from the dot clock and the CRTC's totals;
 * nothing runs while nobody looks.  A frame begins with its first visible
 * line; vertical retrace is towards its end, and there the start address is
 * taken over for the next one.
 *
 * A change of the totals leaves the beam on its line.  VBE's modes, whose
 * timing nobody states, have 60 frames a second.
 *
 * Missing: horizontal blanking that differs from display enable, retrace
 * skews, the external clocks (as 28.322 MHz).
 */
#include <string.h>

#include "base/muldiv.h"
#include "devices/display/vga_priv.h"

#define SECOND UINT64_C(1000000000)
#define VBE_HZ 60

/* Bits 8 and 9 of a vertical value, from CR7. */
static uint32_t high_bits(const struct vga_regs *r, unsigned bit8,
                          unsigned bit9)
{
    uint32_t o = r->crtc[CR_OVERFLOW];

    return (o >> bit8 & 1) << 8 | (o >> bit9 & 1) << 9;
}

static struct vga_timing vbe_timing(const struct vbe_mode *m)
{
    uint32_t dots = m->width + m->width / 4;
    uint32_t lines = m->height + m->height / 16 + 4;

    return (struct vga_timing){
        .clock = (uint64_t)dots * lines * VBE_HZ,
        .dots = dots,
        .shown = m->width,
        .lines = lines,
        .shown_lines = m->height,
        .sync_start = m->height + 1,
        .sync_lines = 2,
    };
}

static struct vga_timing crtc_timing(const struct vga_regs *r)
{
    uint32_t cell = r->seq[SR_CLOCKING] & SR1_8DOT ? 8 : 9;
    uint32_t start = r->crtc[CR_V_RETRACE_START] | high_bits(r, 2, 7);
    uint32_t end = r->crtc[CR_V_RETRACE_END] & 15;
    struct vga_timing t = {
        .clock = (r->misc & MISC_CLOCK) == 0 ? 25175000 : 28322000,
        .dots = cell * (r->crtc[CR_H_TOTAL] + 5u),
        .shown = cell * (r->crtc[CR_H_DISPLAY_END] + 1u),
        .lines = (r->crtc[CR_V_TOTAL] | high_bits(r, 0, 5)) + 2,
        .shown_lines = vga_height(r),
        .sync_start = start,
        .sync_lines = ((end - start - 1) & 15) + 1,
    };

    if (r->seq[SR_CLOCKING] & SR1_HALF_CLOCK)
        t.clock /= 2;
    /* A sync that never comes would keep the start address for ever. */
    if (t.sync_start >= t.lines)
        t.sync_start = t.lines - 1;
    return t;
}

static struct vga_timing timing(const struct vga *v)
{
    struct vbe_mode m;

    if (vbe_mode(&v->regs, v->vram->size, &m))
        return vbe_timing(&m);
    return crtc_timing(&v->regs);
}

struct vga_beam vga_beam(const struct vga *v)
{
    const struct vga_timing *t = &v->timing;
    uint64_t now = clock_ns(v->dev->env->clock), whole, dots;
    struct vga_beam b;

    dots =
        now > v->origin ? muldiv_floor(now - v->origin, t->clock, SECOND) : 0;
    whole = (uint64_t)t->dots * t->lines;
    b.frame = v->frame_base + dots / whole;
    b.line = (uint32_t)(dots % whole / t->dots);
    b.dot = (uint32_t)(dots % t->dots);
    return b;
}

void vga_retime(struct vga *v)
{
    struct vga_timing t = timing(v);
    struct vga_beam b;
    uint64_t now, since;

    /* It has no padding. */
    if (!memcmp(&t, &v->timing, sizeof(t)))
        return;
    if (v->timing.lines) {
        b = vga_beam(v);
        now = clock_ns(v->dev->env->clock);
        b.line = b.line < t.lines ? b.line : t.lines - 1;
        b.dot = b.dot < t.dots ? b.dot : t.dots - 1;
        since = muldiv_ceil((uint64_t)b.line * t.dots + b.dot, SECOND, t.clock);
        v->frame_base = b.frame;
        v->origin = since < now ? now - since : now;
    }
    v->timing = t;
}

void vga_latch_start(struct vga *v, const struct vga_beam *b)
{
    uint64_t n = b->frame + (b->line >= v->timing.sync_start);

    if (n <= v->latched) /* a viewer's clock may be behind a processor's */
        return;
    v->latched = n;
    v->regs.start =
        (uint32_t)v->regs.crtc[CR_START_HIGH] << 8 | v->regs.crtc[CR_START_LOW];
}

void vga_change(struct vga *v, uint8_t *reg, uint8_t value)
{
    const size_t at = (size_t)(reg - (uint8_t *)&v->regs);
    struct vga_beam b;

    if ((*reg ^ value) & vga_seen(at)) {
        b = vga_beam(v);
        vga_latch_start(v, &b);
        vga_screen_note(v, &b, at, value);
    }
    *reg = value;
}

uint8_t vga_status(const struct vga *v)
{
    const struct vga_timing *t = &v->timing;
    struct vga_beam b = vga_beam(v);
    uint32_t since = (b.line + t->lines - t->sync_start) % t->lines;
    uint8_t status = 0;

    if (b.line >= t->shown_lines || b.dot >= t->shown)
        status |= 1;
    if (since < t->sync_lines)
        status |= 8;
    return status;
}
