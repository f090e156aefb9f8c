/*
 * The picture of a VGA, when somebody asks for it.
 *
 * What is on the screen follows from the registers and from video memory.
 * Lines are painted again where memory below them was written (by pages of
 * RAM, so that the guest's writes cost nothing), where something blinks, or
 * all of them when a register that shows has changed; they count as changed
 * only where the new line differs from the old one.
 *
 * Registers may change while the beam is on its way, for another look of the
 * lines below: raster.c notes when.
 *
 * Missing: what the guest writes to memory while the beam runs is seen where
 * it is at the time of the painting; changes of the resolution within a frame;
 * changes of VBE's registers are not noted (its modes begin and end at once);
 * the cells of vga_screen_text() behind a split screen or a row that panning
 * has moved.
 */
#include <stdlib.h>
#include <string.h>

#include "base/ram_access.h"
#include "devices/display/vga_priv.h"

#define MAX_LINES 2048
#define MAX_PIXELS ((size_t)256 * 9 * MAX_LINES) /* VBE has less */
#define MAX_CELLS (256 * 256)

struct vga_screen {
    struct raster_trace trace;

    uint32_t *pixels;
    unsigned width, height;
    uint64_t update, resized,
        changed[MAX_LINES]; /* as display_frame has them */
    bool valid, traced; /* what was painted last: anything, mid-frame changes */
    uint64_t frame;
    struct vga_regs drawn;
    uint32_t line[VGA_LINE];

    uint8_t *dirty; /* of each page: DIRTY_... */
    bool any_dirty;
    uint16_t cells[MAX_CELLS];
};

/* A page that a running CPU may have written behind our back is painted
 * until it cannot have any more. */
enum { DIRTY_AGAIN = 1, DIRTY_NOW = 2 };

void vga_screen_note(struct vga *v, const struct raster_beam *b, size_t at,
                     uint8_t value)
{
    /* The start address is the next frame's: vga_latch_start(). */
    if (at != offsetof(struct vga_regs, crtc[CR_START_HIGH]) &&
        at != offsetof(struct vga_regs, crtc[CR_START_LOW]))
        raster_note(&v->screen->trace, &v->regs, b, at, value);
}

/* --------------------------------------------------------- what is dirty */

static void collect_dirty(struct vga *v)
{
    struct vga_screen *s = v->screen;
    struct memory *m = v->dev->env->memory;
    bool settled = memory_code_settled(m, NULL);
    uint64_t n = v->vram->size >> PAGE_BITS;

    s->any_dirty = false;
    for (uint64_t i = 0; i < n; i++) {
        if (memory_take_dirty(m, v->vram, i << PAGE_BITS))
            s->dirty[i] = DIRTY_NOW | DIRTY_AGAIN;
        else if (s->dirty[i] & DIRTY_AGAIN)
            s->dirty[i] = DIRTY_NOW | (settled ? 0 : DIRTY_AGAIN);
        else
            s->dirty[i] = 0;
        s->any_dirty |= s->dirty[i] != 0;
    }
}

static bool pages_dirty(const struct vga_screen *s, uint32_t first,
                        uint32_t last)
{
    for (uint32_t i = first >> PAGE_BITS; i <= last >> PAGE_BITS; i++)
        if (s->dirty[i])
            return true;
    return false;
}

/* Addresses of planes, the last one too. */
static bool planes_dirty(const struct vga_screen *s, uint32_t first,
                         uint32_t last)
{
    if (first > last) /* it wraps */
        return s->any_dirty;
    for (uint32_t low = 0; low < 4; low++)
        for (uint32_t at = first & ~0xfffu; at <= last; at += 0x1000)
            if (s->dirty[vga_place(at | low) >> PAGE_BITS])
                return true;
    return false;
}

static bool fonts_dirty(const struct vga_screen *s, const struct vga_regs *r)
{
    for (unsigned i = 0; i < 2; i++) {
        uint32_t font = vga_font(r, i);

        if (planes_dirty(s, font, font + 0x1fff))
            return true;
    }
    return false;
}

/* ------------------------------------------------------------- painting */

/* One painting of a frame. */
struct job {
    struct vga *v;
    struct vga_screen *s;
    struct vga_regs regs; /* those of the line */
    struct vga_painter painter;
    uint32_t colour[256]; /* the painter's */
    const struct raster_frame *trace;
    unsigned next; /* note of trace */
    bool is_vbe;
    struct vbe_mode mode;
    bool all, cursor, any; /* paint all, the cursor's lines; any changed */
};

static bool line_dirty(const struct job *j, const struct vga_walk *w,
                       unsigned y)
{
    const struct vga_regs *r = &j->regs;
    uint32_t first, last, n = vga_columns(r);

    if (!j->s->any_dirty)
        return false;
    if (j->is_vbe) {
        first = j->mode.start + y * j->mode.pitch;
        if (j->mode.bpp == 4)
            return planes_dirty(j->s, first, first + j->mode.width / 8 - 1);
        return pages_dirty(j->s, first,
                           first + j->mode.width * ((j->mode.bpp + 7) / 8) - 1);
    }
    first = vga_offset(r, w->address, w->row_scan);
    last = vga_offset(r, w->address + n, w->row_scan);
    return planes_dirty(j->s, first, last);
}

static bool has_cursor(const struct job *j, const struct vga_walk *w)
{
    uint32_t address;

    return vga_cursor(&j->regs, &address) && address >= w->address &&
           address <= w->address + vga_columns(&j->regs);
}

static void paint_line(struct job *j, const struct vga_walk *w, unsigned y)
{
    struct vga_screen *s = j->s;
    uint32_t *old = s->pixels + (size_t)y * s->width;
    const uint32_t *line = s->line;
    size_t size = s->width * sizeof(*old);

    if (j->is_vbe)
        vbe_paint(&j->painter, &j->mode, y, s->line);
    else
        line = vga_paint(&j->painter, w, s->line);
    if (s->valid && !memcmp(old, line, size))
        return;
    memcpy(old, line, size);
    s->changed[y] = s->update + 1;
    j->any = true;
}

static void paint(struct job *j)
{
    struct vga_walk w;

    vga_walk_start(&j->regs, &w);
    for (unsigned y = 0; y < j->s->height; y++) {
        if (raster_take(j->trace, &j->next, y, &j->regs))
            vga_paint_prepare(&j->painter, j->colour);
        if (j->all || line_dirty(j, &w, y) || (j->cursor && has_cursor(j, &w)))
            paint_line(j, &w, y);
        vga_walk_next(&j->regs, &w, y);
    }
}

uint8_t vga_seen(size_t at)
{
    const size_t seq = offsetof(struct vga_regs, seq);
    const size_t gfx = offsetof(struct vga_regs, gfx);

    if (at == seq + SR_RESET)
        return SR0_RUN;
    if (at == seq + SR_MEMORY)
        return SR4_EXTENDED;
    if (at == seq + SR_CLOCKING)
        return SR1_8DOT | SR1_SHIFT_LOAD | SR1_HALF_CLOCK | SR1_SHIFT_4 |
               SR1_SCREEN_OFF;
    if (at == gfx + GR_MODE)
        return GR5_256 | GR5_INTERLEAVE;
    if (at == gfx + GR_MISC)
        return GR6_GRAPHICS;
    if (at == offsetof(struct vga_regs, attr_index))
        return AR_PAS;
    if ((at >= seq && at < seq + 8 && at != seq + SR_CHARACTER_MAP) ||
        (at >= gfx && at < gfx + 16) ||
        at == offsetof(struct vga_regs, feature))
        return 0;
    return 0xff;
}

static void forget_hidden(struct vga_regs *r)
{
    for (size_t at = 0; at < sizeof(*r); at++)
        ((uint8_t *)r)[at] &= vga_seen(at);
    r->vbe[VBE_BANK] = 0;
}

/* What must be painted, before anything was. */
static void compare(struct job *j, uint64_t frame)
{
    struct vga_screen *s = j->s;
    struct vga_regs now = j->regs;
    bool text = !j->is_vbe && vga_is_text(&now);

    forget_hidden(&now);
    j->all = !s->valid || j->trace || s->traced ||
             memcmp(&now, &s->drawn, sizeof(now)) != 0 ||
             (text && s->any_dirty && fonts_dirty(s, &now)) ||
             (!j->is_vbe && (now.attr[AR_MODE] & AR10_BLINK) &&
              vga_blink_on(frame) != vga_blink_on(s->frame));
    j->cursor = text && vga_cursor_on(frame) != vga_cursor_on(s->frame);
    s->drawn = now;
    s->traced = j->trace != NULL;
    s->frame = frame;
}

static bool resize(struct job *j)
{
    struct vga_screen *s = j->s;
    unsigned width = j->is_vbe ? j->mode.width : vga_width(&j->regs);
    unsigned height = j->is_vbe ? j->mode.height : vga_height(&j->regs);

    if (width == s->width && height == s->height)
        return false;
    s->width = width;
    s->height = height;
    s->valid = false;
    return true;
}

/* A screen of 4 to 3; VBE's pixels are square. */
static void describe(const struct job *j, struct display_frame *out)
{
    const struct vga_screen *s = j->s;

    *out = (struct display_frame){
        .pixels = s->pixels,
        .width = s->width,
        .height = s->height,
        .aspect_x = j->is_vbe ? 1 : 4 * s->height,
        .aspect_y = j->is_vbe ? 1 : 3 * s->width,
        .update = s->update,
        .resized = s->resized,
        .changed = s->changed,
    };
}

static void all_changed(struct job *j)
{
    for (unsigned y = 0; y < j->s->height; y++)
        j->s->changed[y] = j->s->update + 1;
    j->any = true;
}

void vga_screen_update(struct vga *v, struct display_frame *out)
{
    struct vga_screen *s = v->screen;
    struct raster_beam b = vga_beam(v);
    struct job j = {.v = v, .s = s};
    const void *regs;
    bool first = !s->valid;

    vga_latch_start(v, &b);
    j.trace = raster_choose(&s->trace, &b, v->raster.timing.shown_lines,
                            &v->regs, &regs);
    memcpy(&j.regs, regs, sizeof(j.regs));
    j.is_vbe = vbe_mode(&j.regs, v->vram->size, &j.mode);
    j.painter =
        (struct vga_painter){.vga = v, .regs = &j.regs, .frame = b.frame};
    /* Between modes a picture of some odd size would flash. */
    if (!vga_is_blank(&j.regs) || j.is_vbe)
        first |= resize(&j);
    collect_dirty(v);
    compare(&j, b.frame);
    vga_paint_prepare(&j.painter, j.colour);
    if (j.all || j.cursor || s->any_dirty)
        paint(&j);
    s->valid = true;
    if (first) {
        all_changed(&j);
        s->resized = s->update + 1;
    }
    s->update += j.any;
    describe(&j, out);
}

/* ----------------------------------------------------------------- text */

static void find_cursor(const struct vga_regs *r, struct display_text *out)
{
    uint32_t at, pitch = r->crtc[CR_OFFSET] * 2u;

    out->cursor_column = out->cursor_row = -1;
    if (!vga_cursor(r, &at) || at < r->start || !pitch)
        return;
    at -= r->start;
    if (at / pitch >= out->rows || at % pitch >= out->columns)
        return;
    out->cursor_row = (int)(at / pitch);
    out->cursor_column = (int)(at % pitch);
}

bool vga_screen_text(struct vga *v, struct display_text *out)
{
    struct vga_screen *s = v->screen;
    struct raster_beam b = vga_beam(v);
    const struct vga_regs *r = &v->regs;
    struct vga_painter p = {.vga = v, .regs = r};
    unsigned lines = (r->crtc[CR_MAX_SCAN_LINE] & 31) + 1u;
    uint16_t *cell = s->cells;
    uint32_t colour[256];

    if ((r->vbe[VBE_ENABLE] & VBE_ENABLED) || vga_is_blank(r) ||
        !vga_is_text(r))
        return false;
    vga_latch_start(v, &b);
    if (r->crtc[CR_MAX_SCAN_LINE] & CR9_DOUBLE_SCAN)
        lines *= 2;
    out->columns = vga_columns(r);
    out->rows = (vga_height(r) + lines - 1) / lines;
    out->rows = out->rows < 256 ? out->rows : 256;
    for (unsigned y = 0; y < out->rows; y++)
        for (unsigned x = 0; x < out->columns; x++) {
            uint32_t at = r->start + y * (r->crtc[CR_OFFSET] * 2u) + x;
            uint32_t place = vga_place(vga_offset(r, at, 0));

            *cell++ = ram_ld16(v->vram->host + place);
        }
    out->cells = s->cells;
    find_cursor(r, out);
    vga_paint_prepare(&p, colour);
    memcpy(out->colour, colour, sizeof(out->colour));
    out->blink = r->attr[AR_MODE] & AR10_BLINK;
    return true;
}

/* ----------------------------------------------------------------- life */

bool vga_screen_new(struct vga *v, struct error *e)
{
    struct vga_screen *s = calloc(1, sizeof(*s));

    v->screen = s;
    if (s) {
        s->dirty = calloc((size_t)(v->vram->size >> PAGE_BITS), 1);
        /* For the largest mode; what is not painted takes no memory. */
        s->pixels = calloc(MAX_PIXELS, sizeof(*s->pixels));
    }
    if (!s || !s->dirty || !s->pixels ||
        !raster_trace_new(&s->trace, sizeof(v->regs)))
        return error_set(e, "out of memory");
    s->width = 720;
    s->height = 400;
    vga_screen_reset(v);
    return true;
}

void vga_screen_free(struct vga *v)
{
    if (!v->screen)
        return;
    raster_trace_free(&v->screen->trace);
    free(v->screen->dirty);
    free(v->screen->pixels);
    free(v->screen);
    v->screen = NULL;
}

void vga_screen_reset(struct vga *v)
{
    struct vga_screen *s = v->screen;

    raster_trace_forget(&s->trace);
    s->valid = false;
}
