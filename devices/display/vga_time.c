/*
 * The VGA's beam: where on the screen it is, by the clock.
 *
 * IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem": CRT
 * controller, clocking mode register, miscellaneous output register (25.175
 * and 28.322 MHz).  What follows from those is raster.c's.  Vertical retrace is
 * towards a frame's end, and there the start address is taken over for the next
 * one.  VBE's modes, whose timing nobody states, have 60 frames a second.
 *
 * The vertical retrace interrupt is latched when a retrace begins, while CR11
 * bit 4 allows it; bit 5 keeps it from the wire and 3C2 bit 7 shows it.  Only
 * with a wire there is a timer.  The DAC's comparator (3C2 bit 4) is high while
 * no colour has more than 340 of 700 mV, which a BIOS looks at to find a
 * monitor: one with three colours is always there.
 *
 * Missing: the dots of VBE's modes in 3xA bits 4 and 5; horizontal blanking
 * that differs from display enable, retrace skews, the external clocks
 * (as 28.322 MHz).
 */
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

static struct raster_timing vbe_timing(const struct vbe_mode *m)
{
    uint32_t dots = m->width + m->width / 4;
    uint32_t lines = m->height + m->height / 16 + 4;

    return (struct raster_timing){
        .clock = (uint64_t)dots * lines * VBE_HZ,
        .dots = dots,
        .shown = m->width,
        .lines = lines,
        .shown_lines = m->height,
        .sync_start = m->height + 1,
        .sync_lines = 2,
    };
}

static struct raster_timing crtc_timing(const struct vga_regs *r)
{
    uint32_t cell = r->seq[SR_CLOCKING] & SR1_8DOT ? 8 : 9;
    uint32_t start = r->crtc[CR_V_RETRACE_START] | high_bits(r, 2, 7);
    uint32_t end = r->crtc[CR_V_RETRACE_END] & 15;
    unsigned twice = r->crtc[CR_MODE] & CR17_EVERY_SECOND ? 1 : 0;
    struct raster_timing t = {
        .clock = (r->misc & MISC_CLOCK) == 0 ? 25175000 : 28322000,
        .dots = cell * (r->crtc[CR_H_TOTAL] + 5u),
        .shown = cell * (r->crtc[CR_H_DISPLAY_END] + 1u),
        .lines = ((r->crtc[CR_V_TOTAL] | high_bits(r, 0, 5)) + 2) << twice,
        .shown_lines = vga_height(r),
        .sync_start = start << twice,
        .sync_lines = (((end - start - 1) & 15) + 1) << twice,
    };

    if (r->seq[SR_CLOCKING] & SR1_HALF_CLOCK)
        t.clock /= 2;
    /* A sync that never comes would keep the start address for ever. */
    if (t.sync_start >= t.lines)
        t.sync_start = t.lines - 1;
    return t;
}

static struct raster_timing timing(const struct vga *v)
{
    struct vbe_mode m;

    if (vbe_mode(&v->regs, v->vram->size, &m))
        return vbe_timing(&m);
    return crtc_timing(&v->regs);
}

struct raster_beam vga_beam(const struct vga *v)
{
    return raster_beam(&v->raster, v->dev->env->clock);
}

void vga_retime(struct vga *v)
{
    struct raster_timing t = timing(v);

    if (raster_retime(&v->raster, v->dev->env->clock, &t))
        vga_interrupt(v);
}

/* How many have begun. */
static uint64_t retraces(const struct vga *v, const struct raster_beam *b)
{
    return raster_passed(b, v->raster.timing.sync_start);
}

void vga_latch_start(struct vga *v, const struct raster_beam *b)
{
    if (raster_latch(&v->raster, b, v->raster.timing.sync_start))
        v->regs.start = (uint32_t)v->regs.crtc[CR_START_HIGH] << 8 |
                        v->regs.crtc[CR_START_LOW];
}

void vga_change(struct vga *v, uint8_t *reg, uint8_t value)
{
    const size_t at = (size_t)(reg - (uint8_t *)&v->regs);
    struct raster_beam b;

    if ((*reg ^ value) & vga_seen(at)) {
        b = vga_beam(v);
        vga_latch_start(v, &b);
        vga_screen_note(v, &b, at, value);
    }
    *reg = value;
}

/* ------------------------------------------------------------ interrupt */

static bool is_pending(const struct vga *v, const struct raster_beam *b)
{
    return (v->regs.crtc[CR_V_RETRACE_END] & CR11_NOT_CLEAR) &&
           retraces(v, b) > v->cleared;
}

void vga_interrupt_control(struct vga *v, uint8_t value)
{
    struct raster_beam b = vga_beam(v);

    if (!(v->regs.crtc[CR_V_RETRACE_END] & CR11_NOT_CLEAR))
        v->cleared = retraces(v, &b);
    v->regs.crtc[CR_V_RETRACE_END] = value;
    vga_interrupt(v);
}

static uint64_t next_retrace(const struct vga *v, const struct raster_beam *b)
{
    const struct raster_timing *t = &v->raster.timing;
    uint32_t line = t->sync_start + (b->line < t->sync_start ? 0 : t->lines);
    uint64_t dots = (uint64_t)(line - b->line) * t->dots - b->dot;

    return clock_ns(v->dev->env->clock) + muldiv_ceil(dots, SECOND, t->clock);
}

void vga_interrupt(struct vga *v)
{
    uint8_t control = v->regs.crtc[CR_V_RETRACE_END];
    struct raster_beam b;
    bool pending;

    if (!v->dev->n_out)
        return;
    if ((control & (CR11_NOT_CLEAR | CR11_NO_INTERRUPT)) != CR11_NOT_CLEAR) {
        timer_disarm(&v->retrace);
        wire_set(device_out(v->dev, 0), false);
        return;
    }
    b = vga_beam(v);
    pending = is_pending(v, &b);
    wire_set(device_out(v->dev, 0), pending);
    timer_arm(&v->retrace, pending ? CLOCK_NEVER : next_retrace(v, &b));
}

static void retrace_began(void *owner)
{
    vga_interrupt(owner);
}

void vga_timer_init(struct vga *v)
{
    timer_init(&v->retrace, v->dev->env->clock, retrace_began, v);
}

/* --------------------------------------------------------------- status */

uint8_t vga_status_0(const struct vga *v)
{
    struct raster_beam b = vga_beam(v);
    uint8_t status = is_pending(v, &b) ? 0x80 : 0;
    uint32_t colour = 0;

    if (raster_is_shown(&v->raster, &b) && !vga_is_dark(&v->regs))
        colour = vga_colour(&v->regs, vga_dot(v, &b));
    for (unsigned i = 0; i < 24; i += 8)
        if ((colour >> i & 0xff) > 0xff * 34 / 70)
            return status;
    return status | 0x10;
}

/* Two bits of what goes to the DAC: AR12 says which. */
static uint8_t diagnostic(const struct vga *v, unsigned dot)
{
    static const uint8_t bit[4][2] = {{0, 2}, {4, 5}, {1, 3}, {6, 7}};
    const uint8_t *b = bit[v->regs.attr[AR_PLANES] >> 4 & 3];

    return (uint8_t)((dot >> b[0] & 1) << 4 | (dot >> b[1] & 1) << 5);
}

uint8_t vga_status_1(const struct vga *v)
{
    struct raster_beam b = vga_beam(v);
    uint8_t status;

    if (raster_is_shown(&v->raster, &b))
        status = diagnostic(v, vga_dot(v, &b));
    else
        status = 1 | diagnostic(v, v->regs.attr[AR_OVERSCAN]);
    if (raster_in_sync(&v->raster, &b) && !vga_has_no_sync(&v->regs))
        status |= 8;
    return status;
}
