/*
 * Motorola's MC6845, and what the cards that have one share: a picture of lines
 * that each card makes of its memory, and its text.
 *
 * Motorola MC6845 data sheet (1984): registers and their widths, of which R14
 * to R17 can be read; address and raster counters; the cursor, which blinks
 * with a period of 16 or 32 frames.
 *
 * Missing: interlace (what it shows are the lines of one field), the light pen,
 * skews, the width of sync pulses (16 lines, as a zero means); what a program
 * changes within a frame shows in all of it; a change of the timing sets the
 * beam elsewhere.
 */
#include "devices/display/mc6845.h"

#include <stdlib.h>
#include <string.h>

#include "base/muldiv.h"

static const uint8_t bits[R_REGISTERS] = {
    0xff, 0xff, 0xff, 0xff, 0x7f, 0x1f, 0x7f, 0x7f, 0xf3,
    0x1f, 0x7f, 0x1f, 0x3f, 0xff, 0x3f, 0xff, 0,    0,
};

const struct field mc6845_fields[] = {
    FIELD_ARRAY(struct mc6845, reg, 0),
    FIELD(struct mc6845, index, 0),
    FIELD_LIST_END,
};

void mc6845_index(struct mc6845 *c, uint8_t value)
{
    c->index = value & 31;
}

void mc6845_write(struct mc6845 *c, uint8_t value)
{
    if (c->index < R_REGISTERS)
        c->reg[c->index] = value & bits[c->index];
}

uint8_t mc6845_read(const struct mc6845 *c)
{
    return c->index >= R_CURSOR_HIGH && c->index < R_REGISTERS
               ? c->reg[c->index]
               : 0;
}

unsigned mc6845_lines(const struct mc6845 *c)
{
    unsigned rows = c->reg[R_V_DISPLAYED], most = c->reg[R_V_TOTAL] + 1u;

    return (rows < most ? rows : most) * (c->reg[R_MAX_RASTER] + 1u);
}

unsigned mc6845_start(const struct mc6845 *c)
{
    return c->reg[R_START_HIGH] << 8 | c->reg[R_START_LOW];
}

struct mc6845_beam mc6845_beam(const struct mc6845 *c, struct clock *clock,
                               uint64_t hz)
{
    unsigned raster = c->reg[R_MAX_RASTER] + 1u;
    unsigned columns = c->reg[R_H_TOTAL] + 1u;
    unsigned lines = (c->reg[R_V_TOTAL] + 1u) * raster + c->reg[R_V_ADJUST];
    uint64_t at = muldiv_floor(clock_ns(clock), hz, UINT64_C(1000000000));
    unsigned line = (unsigned)(at / columns % lines);
    unsigned sync = c->reg[R_V_SYNC] * raster;

    return (struct mc6845_beam){
        .frame = at / columns / lines,
        .sync = line >= sync && line - sync < 16,
        .shown = line < mc6845_lines(c) && at % columns < c->reg[R_H_DISPLAYED],
    };
}

bool mc6845_blink_on(uint64_t frame)
{
    return !(frame & 16);
}

bool mc6845_blinks(uint64_t a, uint64_t b)
{
    return (a ^ b) >> 3;
}

bool mc6845_cursor(const struct mc6845 *c, unsigned address, unsigned raster,
                   uint64_t frame)
{
    unsigned at = c->reg[R_CURSOR_HIGH] << 8 | c->reg[R_CURSOR_LOW];
    unsigned first = c->reg[R_CURSOR_START] & 31;

    switch (c->reg[R_CURSOR_START] >> 5) {
    case 1:
        return false;
    case 2:
        if (frame & 8)
            return false;
        break;
    case 3:
        if (frame & 16)
            return false;
        break;
    }
    return (address & 0x3fff) == at && raster >= first &&
           raster <= c->reg[R_CURSOR_END];
}

/* -------------------------------------------------------------- picture */

struct card_picture {
    uint32_t *pixels; /* room for the largest */
    unsigned width, height;
    uint64_t update, resized, frame;
    bool touched, valid;
    uint64_t changed[CARD_HEIGHT];
    uint32_t line[CARD_WIDTH];
    uint16_t cells[256 * 128];
};

const struct field card_fields[] = {
    DEVICE_FIELDS(struct card),     FIELD_SUB(struct card, crt, mc6845_fields),
    FIELD(struct card, mode, 0),    FIELD_HOST(struct card, picture),
    FIELD_HOST(struct card, frame), FIELD_LIST_END,
};

bool card_create(struct device *dev, struct error *e)
{
    struct card *c = (struct card *)dev;
    struct card_picture *p = c->picture = calloc(1, sizeof(*p));

    if (p)
        p->pixels = calloc((size_t)CARD_WIDTH * CARD_HEIGHT, sizeof(uint32_t));
    if (!p || !p->pixels) {
        card_destroy(dev);
        return error_set(e, "out of memory");
    }
    p->width = 640;
    p->height = 200;
    return true;
}

void card_destroy(struct device *dev)
{
    struct card *c = (struct card *)dev;

    if (c->picture)
        free(c->picture->pixels);
    free(c->picture);
    c->picture = NULL;
}

void card_reset(struct device *dev)
{
    ((struct card *)dev)->picture->valid = false;
}

void card_touch(struct card *c)
{
    c->picture->touched = true;
}

struct mc6845_beam card_beam(const struct card *c, const struct card_look *l)
{
    return mc6845_beam(&c->crt, c->dev.env->clock, l->hz(c));
}

/* Scan line y, of the card as it is now. */
static void make_line(const struct card *c, const struct card_look *l,
                      unsigned y, uint32_t *out)
{
    unsigned rasters = c->crt.reg[R_MAX_RASTER] + 1u;
    unsigned columns = c->crt.reg[R_H_DISPLAYED];
    unsigned at = mc6845_start(&c->crt) + y / rasters * columns;

    if (!(c->mode & CARD_ENABLE))
        memset(out, 0, (size_t)columns * l->cell(c) * sizeof(*out));
    else if (c->mode & CARD_GRAPHICS)
        l->graphics(c, at, y % rasters, out);
    else
        l->text(c, at, y % rasters, out);
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

static bool paint(struct card *c, const struct card_look *l, bool all,
                  bool empty)
{
    struct card_picture *p = c->picture;
    bool any = false;

    for (unsigned y = 0; y < p->height; y++) {
        if (empty)
            memset(p->line, 0, p->width * sizeof(*p->line));
        else
            make_line(c, l, y, p->line);
        any = paint_line(p, y, all) || any;
    }
    return any;
}

void card_update(struct card *c, const struct card_look *l,
                 struct display_frame *out)
{
    struct card_picture *p = c->picture;
    unsigned width = c->crt.reg[R_H_DISPLAYED] * l->cell(c);
    unsigned height = mc6845_lines(&c->crt);
    bool empty = !width || !height, all;

    c->frame = card_beam(c, l).frame;
    all = !p->valid || (!empty && (width != p->width || height != p->height));
    if (!empty) {
        p->width = width;
        p->height = height;
    }
    if (all)
        p->resized = p->update + 1;
    if ((all || p->touched || mc6845_blinks(c->frame, p->frame)) &&
        paint(c, l, all, empty))
        p->update++;
    p->valid = true;
    p->touched = false;
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

/* Where in what is shown; false: not there. */
static bool find_cursor(const struct card *c, unsigned columns, unsigned rows,
                        unsigned *at)
{
    unsigned address =
        c->crt.reg[R_CURSOR_HIGH] << 8 | c->crt.reg[R_CURSOR_LOW];

    *at = (address - mc6845_start(&c->crt)) & 0x3fff;
    return *at < columns * rows && (c->crt.reg[R_CURSOR_START] >> 5) != 1 &&
           (c->crt.reg[R_CURSOR_START] & 31) <= c->crt.reg[R_CURSOR_END];
}

bool card_text(struct card *c, const struct card_look *l,
               struct display_text *out)
{
    unsigned columns = c->crt.reg[R_H_DISPLAYED];
    unsigned rows = mc6845_lines(&c->crt) / (c->crt.reg[R_MAX_RASTER] + 1u);
    unsigned cursor;

    if ((c->mode & CARD_GRAPHICS) || !(c->mode & CARD_ENABLE) || !columns ||
        !rows)
        return false;
    for (unsigned i = 0; i < columns * rows; i++)
        c->picture->cells[i] = l->character(c, mc6845_start(&c->crt) + i);
    *out = (struct display_text){
        .columns = columns,
        .rows = rows,
        .cells = c->picture->cells,
        .cursor_column = -1,
        .cursor_row = -1,
        .blink = c->mode & CARD_BLINK,
    };
    if (find_cursor(c, columns, rows, &cursor)) {
        out->cursor_column = (int)(cursor % columns);
        out->cursor_row = (int)(cursor / columns);
    }
    memcpy(out->colour, l->colour, sizeof(out->colour));
    return true;
}
