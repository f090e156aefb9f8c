/*
 * Motorola's MC6845, and the picture of a card that has one.
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

bool mc6845_write(struct mc6845 *c, uint8_t value)
{
    uint8_t old;

    if (c->index >= R_REGISTERS)
        return false;
    old = c->reg[c->index];
    c->reg[c->index] = value & bits[c->index];
    return c->reg[c->index] != old;
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
};

bool card_picture_new(struct card_picture **p, struct error *e)
{
    *p = calloc(1, sizeof(**p));
    if (*p)
        (*p)->pixels =
            calloc((size_t)CARD_WIDTH * CARD_HEIGHT, sizeof(uint32_t));
    if (!*p || !(*p)->pixels) {
        card_picture_free(*p);
        *p = NULL;
        return error_set(e, "out of memory");
    }
    (*p)->width = 640;
    (*p)->height = 200;
    return true;
}

void card_picture_free(struct card_picture *p)
{
    if (p)
        free(p->pixels);
    free(p);
}

void card_picture_reset(struct card_picture *p)
{
    p->valid = false;
}

void card_picture_touch(struct card_picture *p)
{
    p->touched = true;
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

void card_picture_update(struct card_picture *p, unsigned width,
                         unsigned height, uint64_t frame, void *owner,
                         void (*line)(void *owner, unsigned y, uint32_t *out),
                         struct display_frame *out)
{
    bool empty = !width || !height, all, any = false;

    all = !p->valid || (!empty && (width != p->width || height != p->height));
    if (!empty) {
        p->width = width;
        p->height = height;
    }
    if (all || p->touched || mc6845_blinks(frame, p->frame)) {
        for (unsigned y = 0; y < p->height; y++) {
            if (empty)
                memset(p->line, 0, p->width * sizeof(*p->line));
            else
                line(owner, y, p->line);
            any = paint_line(p, y, all) || any;
        }
    }
    p->valid = true;
    p->touched = false;
    p->frame = frame;
    if (all)
        p->resized = p->update + 1;
    p->update += any;
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
