/*
 * Motorola's MC6845, and what the cards that have one share: a picture of lines
 * that each card makes of its memory, its text, the light pen.
 *
 * Motorola MC6845 data sheet (1984): registers and their widths, of which R14
 * to R17 can be read; address and raster counters; the cursor, which blinks
 * with a period of 16 or 32 frames; LPSTB, whose rising edge puts the refresh
 * address into R16 and R17; a reset, which leaves the registers alone.  The
 * start address is taken over where a frame begins.
 *
 * Missing: interlace (what it shows are the lines of one field), skews, the
 * vertical sync's width (16 lines, as the 6845 itself has); of changes within a
 * frame, those of the totals and of the resolution.
 */
#include "devices/display/mc6845.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t bits[R_REGISTERS] = {
    0xff, 0xff, 0xff, 0xff, 0x7f, 0x1f, 0x7f, 0x7f, 0xf3,
    0x1f, 0x7f, 0x1f, 0x3f, 0xff, 0x3f, 0xff, 0,    0,
};

struct card_picture {
    uint32_t *pixels; /* room for the largest */
    unsigned width, height;
    uint64_t update, resized, frame;
    struct raster_trace trace;
    struct card_regs drawn;
    bool touched, valid, traced;
    uint64_t changed[CARD_HEIGHT];
    uint8_t dots[CARD_WIDTH];
    uint32_t line[CARD_WIDTH];
    uint16_t cells[256 * 128];
};

static unsigned rasters(const struct card_regs *r)
{
    return r->crt[R_MAX_RASTER] + 1u;
}

/* Scan lines that are shown. */
static unsigned shown_lines(const struct card_regs *r)
{
    unsigned rows = r->crt[R_V_DISPLAYED], most = r->crt[R_V_TOTAL] + 1u;

    return (rows < most ? rows : most) * rasters(r);
}

static unsigned word(const struct card_regs *r, unsigned high)
{
    return r->crt[high] << 8 | r->crt[high + 1];
}

/* ----------------------------------------------------------------- time */

static struct raster_timing timing(const struct card *c)
{
    const struct card_regs *r = &c->regs;
    unsigned ticks = c->look->ticks(r), columns = r->crt[R_H_TOTAL] + 1u;
    unsigned shown = r->crt[R_H_DISPLAYED];
    struct raster_timing t = {
        .clock = c->look->clock,
        .dots = columns * ticks,
        .shown = (shown < columns ? shown : columns) * ticks,
        .lines = (r->crt[R_V_TOTAL] + 1u) * rasters(r) + r->crt[R_V_ADJUST],
        .shown_lines = shown_lines(r),
        .sync_start = r->crt[R_V_SYNC] * rasters(r),
    };

    if (t.sync_start < t.lines)
        t.sync_lines = 16;
    else
        t.sync_start = 0;
    return t;
}

struct raster_beam card_beam(const struct card *c)
{
    return raster_beam(&c->raster, c->dev.env->clock);
}

static void latch(struct card *c, const struct raster_beam *b)
{
    if (raster_latch(&c->raster, b, 0))
        c->regs.start = (uint16_t)word(&c->regs, R_START_HIGH);
}

static void retime(struct card *c)
{
    struct raster_timing t = timing(c);

    raster_retime(&c->raster, c->dev.env->clock, &t);
}

bool card_in_hsync(const struct card *c, const struct raster_beam *b)
{
    const uint8_t *crt = c->regs.crt;
    unsigned column = b->dot / c->look->ticks(&c->regs);

    return column >= crt[R_H_SYNC] &&
           column - crt[R_H_SYNC] < (crt[R_SYNC_WIDTHS] & 15u);
}

/* ------------------------------------------------------------ registers */

void card_change(struct card *c, uint8_t *reg, uint8_t value)
{
    struct raster_beam b;

    if (*reg == value)
        return;
    b = card_beam(c);
    latch(c, &b);
    /* The start address is the next frame's. */
    if (reg != &c->regs.crt[R_START_HIGH] && reg != &c->regs.crt[R_START_LOW])
        raster_note(&c->picture->trace, &c->regs, &b,
                    (size_t)(reg - (uint8_t *)&c->regs), value);
    *reg = value;
    retime(c);
}

uint8_t card_read_crt(const struct card *c, unsigned port)
{
    if (!(port & 1))
        return 0xff;
    return c->index >= R_CURSOR_HIGH && c->index < R_REGISTERS
               ? c->regs.crt[c->index]
               : 0;
}

void card_write_crt(struct card *c, unsigned port, uint8_t value)
{
    if (!(port & 1))
        c->index = value & 31;
    else if (c->index < R_PEN_HIGH)
        card_change(c, &c->regs.crt[c->index], value & bits[c->index]);
}

/* -------------------------------------------------------------- counters */

/* From scan line to scan line. */
struct walk {
    unsigned address; /* of the row's first character */
    unsigned row, raster;
};

static void next_line(const struct card_regs *r, struct walk *w)
{
    if (w->raster != r->crt[R_MAX_RASTER]) {
        w->raster = (w->raster + 1) & 31;
        return;
    }
    w->raster = 0;
    w->row++;
    w->address += r->crt[R_H_DISPLAYED];
}

static struct walk walk_to(const struct card_regs *r, unsigned line)
{
    struct walk w = {.address = r->start};

    for (unsigned y = 0; y < line; y++)
        next_line(r, &w);
    return w;
}

bool card_blink_on(const struct card *c)
{
    return !(c->frame & 16);
}

bool card_cursor(const struct card *c, const struct card_regs *r,
                 unsigned address, unsigned raster)
{
    unsigned first = r->crt[R_CURSOR_START] & 31;

    /* The 6845's own blinking, gated with the cards' of 16 frames. */
    if (c->frame & 8)
        return false;
    switch (r->crt[R_CURSOR_START] >> 5) {
    case 1:
        return false;
    case 3:
        if (c->frame & 16)
            return false;
        break;
    }
    return (address & 0x3fff) == word(r, R_CURSOR_HIGH) && raster >= first &&
           raster <= r->crt[R_CURSOR_END];
}

void card_set_pen(struct card *c, bool on)
{
    struct raster_beam b = card_beam(c);
    unsigned at;

    if (on && !c->pen) {
        latch(c, &b);
        at = walk_to(&c->regs, b.line).address +
             b.dot / c->look->ticks(&c->regs);
        c->regs.crt[R_PEN_HIGH] = at >> 8 & 0x3f;
        c->regs.crt[R_PEN_LOW] = at & 0xff;
    }
    c->pen = on;
}

/* -------------------------------------------------------------- picture */

static void dots_of(const struct card *c, const struct card_regs *r,
                    const struct walk *w, unsigned first, unsigned n,
                    uint8_t *out)
{
    unsigned at = w->address + first;

    if (!(r->mode & CARD_ENABLE) || w->row >= r->crt[R_V_DISPLAYED])
        memset(out, 0, (size_t)n * c->look->cell(r));
    else if (r->mode & CARD_GRAPHICS)
        c->look->graphics(c, r, at, w->raster, n, out);
    else
        c->look->text(c, r, at, w->raster, n, out);
}

unsigned card_dot(struct card *c, const struct raster_beam *b)
{
    const struct card_regs *r = &c->regs;
    unsigned ticks = c->look->ticks(r);
    uint8_t dots[16];
    struct walk w;

    if (!raster_is_shown(&c->raster, b))
        return 0;
    latch(c, b);
    c->frame = b->frame;
    w = walk_to(r, b->line);
    dots_of(c, r, &w, b->dot / ticks, 1, dots);
    return dots[b->dot % ticks * c->look->cell(r) / ticks];
}

/* Ticks of a dot, where the monitor sees them. */
static unsigned repeats(const struct card *c, const struct card_regs *r)
{
    return c->monitor && c->look->ticks(r) > c->look->cell(r) ? 2 : 1;
}

static unsigned width_of(const struct card *c, const struct card_regs *r)
{
    return r->crt[R_H_DISPLAYED] * c->look->cell(r) * repeats(c, r);
}

/* One scan line, of the picture's width: that of the frame's first line. */
static void make_line(const struct card *c, const struct card_regs *r,
                      const struct walk *w)
{
    struct card_picture *p = c->picture;
    unsigned n = width_of(c, r), twice = repeats(c, r) - 1;

    dots_of(c, r, w, 0, r->crt[R_H_DISPLAYED], p->dots);
    for (unsigned x = n; twice && x-- > 0;)
        p->dots[x] = p->dots[x >> 1];
    if (c->monitor)
        c->monitor(r, p->dots, n, p->line);
    else
        for (unsigned x = 0; x < n; x++)
            p->line[x] = c->look->colour[p->dots[x]];
    if (n == 0)
        memset(p->line, 0, p->width * sizeof(*p->line));
    else if (n > p->width)
        for (unsigned x = 0; x < p->width; x++)
            p->line[x] = p->line[x * n / p->width];
    else if (n < p->width)
        for (unsigned x = p->width; x-- > 0;)
            p->line[x] = p->line[x * n / p->width];
}

/* Does it differ from the one before? */
static bool paint_line(struct card_picture *p, unsigned y, bool all)
{
    uint32_t *old = p->pixels + (size_t)y * p->width;
    size_t size = p->width * sizeof(*old);

    if (!all && memcmp(old, p->line, size) == 0)
        return false;
    memcpy(old, p->line, size);
    p->changed[y] = p->update + 1;
    return true;
}

static bool paint(struct card *c, const struct raster_frame *trace,
                  struct card_regs r, bool all)
{
    struct card_picture *p = c->picture;
    struct walk w = {.address = r.start};
    unsigned next = 0;
    bool any = false;

    for (unsigned y = 0; y < p->height; y++) {
        raster_take(trace, &next, y, &r);
        make_line(c, &r, &w);
        any = paint_line(p, y, all) || any;
        next_line(&r, &w);
    }
    return any;
}

/* What is as large as nothing leaves the picture as large as it was. */
static bool resize(const struct card *c, const struct card_regs *r)
{
    struct card_picture *p = c->picture;
    unsigned width = width_of(c, r), height = shown_lines(r);

    if (!width || !height || (width == p->width && height == p->height))
        return false;
    p->width = width;
    p->height = height;
    return true;
}

void card_update(struct device *dev, struct display_frame *out)
{
    struct card *c = (struct card *)dev;
    struct card_picture *p = c->picture;
    struct raster_beam b = card_beam(c);
    const struct raster_frame *trace;
    struct card_regs r;
    const void *regs;
    bool all;

    latch(c, &b);
    trace =
        raster_choose(&p->trace, &b, shown_lines(&c->regs), &c->regs, &regs);
    memcpy(&r, regs, sizeof(r));
    c->frame = b.frame;
    all = resize(c, &r) || !p->valid;
    if (all)
        p->resized = p->update + 1;
    if ((all || p->touched || trace || p->traced ||
         memcmp(&r, &p->drawn, sizeof(r)) != 0 || (c->frame ^ p->frame) >> 3) &&
        paint(c, trace, r, all))
        p->update++;
    p->valid = true;
    p->touched = false;
    p->traced = trace != NULL;
    p->drawn = r;
    p->frame = c->frame;
    *out = (struct display_frame){
        .pixels = p->pixels,
        .width = p->width,
        .height = p->height,
        .aspect_x = 4 * p->height,
        .aspect_y = 3 * p->width,
        .update = p->update,
        .resized = p->resized,
        .changed = p->changed,
    };
}

void card_touch(struct card *c)
{
    c->picture->touched = true;
}

/* ----------------------------------------------------------------- text */

/* Where in what is shown; false: not there. */
static bool find_cursor(const struct card_regs *r, unsigned columns,
                        unsigned rows, unsigned *at)
{
    *at = (word(r, R_CURSOR_HIGH) - r->start) & 0x3fff;
    return *at < columns * rows && (r->crt[R_CURSOR_START] >> 5) != 1 &&
           (r->crt[R_CURSOR_START] & 31) <= r->crt[R_CURSOR_END];
}

bool card_text(struct device *dev, struct display_text *out)
{
    struct card *c = (struct card *)dev;
    struct raster_beam b = card_beam(c);
    const struct card_regs *r = &c->regs;
    unsigned columns = r->crt[R_H_DISPLAYED];
    unsigned rows = shown_lines(r) / rasters(r);
    unsigned cursor;

    if ((r->mode & CARD_GRAPHICS) || !(r->mode & CARD_ENABLE) || !columns ||
        !rows)
        return false;
    latch(c, &b);
    for (unsigned i = 0; i < columns * rows; i++)
        c->picture->cells[i] = c->look->character(c, r->start + i);
    *out = (struct display_text){
        .columns = columns,
        .rows = rows,
        .cells = c->picture->cells,
        .cursor_column = -1,
        .cursor_row = -1,
        .blink = r->mode & CARD_BLINK,
    };
    if (find_cursor(r, columns, rows, &cursor)) {
        out->cursor_column = (int)(cursor % columns);
        out->cursor_row = (int)(cursor / columns);
    }
    memcpy(out->colour, c->look->colour, sizeof(out->colour));
    return true;
}

/* ----------------------------------------------------------------- life */

static const struct field card_regs_fields[] = {
    FIELD(struct card_regs, start, 0),
    FIELD_ARRAY_KEEP(struct card_regs, crt),
    FIELD(struct card_regs, mode, 0),
    FIELD(struct card_regs, colour, 0),
    FIELD_LIST_END,
};

const struct field card_fields[] = {
    DEVICE_FIELDS(struct card),
    FIELD_SUB(struct card, regs, card_regs_fields),
    FIELD_KEEP(struct card, index),
    FIELD(struct card, pen, false),
    FIELD_SUB(struct card, raster, raster_fields),
    FIELD_HOST(struct card, look),
    FIELD_HOST(struct card, monitor),
    FIELD_HOST(struct card, picture),
    FIELD_HOST(struct card, frame),
    FIELD_LIST_END,
};

bool card_new(struct card *c, const struct card_look *look, struct error *e)
{
    struct card_picture *p = c->picture = calloc(1, sizeof(*p));

    c->look = look;
    if (p)
        p->pixels = calloc((size_t)CARD_WIDTH * CARD_HEIGHT, sizeof(uint32_t));
    if (!p || !p->pixels || !raster_trace_new(&p->trace, sizeof(c->regs))) {
        card_destroy(&c->dev);
        return error_set(e, "out of memory");
    }
    p->width = 640;
    p->height = 200;
    retime(c); /* it may be looked at before its first reset */
    return true;
}

void card_destroy(struct device *dev)
{
    struct card *c = (struct card *)dev;

    if (c->picture) {
        free(c->picture->pixels);
        raster_trace_free(&c->picture->trace);
    }
    free(c->picture);
    c->picture = NULL;
}

static void settle(struct card *c)
{
    retime(c);
    raster_trace_forget(&c->picture->trace);
    c->picture->valid = false;
}

void card_reset(struct device *dev)
{
    struct card *c = (struct card *)dev;

    raster_reset(&c->raster, dev->env->clock);
    settle(c);
}

void card_loaded(struct device *dev)
{
    struct card *c = (struct card *)dev;

    /* What no program can write is not to be found there either. */
    c->index &= 31;
    for (unsigned i = 0; i < R_PEN_HIGH; i++)
        c->regs.crt[i] &= bits[i];
    raster_loaded(&c->raster, dev->env->clock);
    settle(c);
}
