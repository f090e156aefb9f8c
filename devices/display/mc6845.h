/*
 * Motorola's MC6845 CRT controller, as the cards before the EGA have it, and
 * the picture that such a card makes.
 */
#ifndef DEVICES_DISPLAY_MC6845_H
#define DEVICES_DISPLAY_MC6845_H

#include "devices/device.h"
#include "devices/display/display.h"

enum {
    R_H_TOTAL,
    R_H_DISPLAYED,
    R_H_SYNC,
    R_SYNC_WIDTHS,
    R_V_TOTAL,
    R_V_ADJUST,
    R_V_DISPLAYED,
    R_V_SYNC,
    R_INTERLACE,
    R_MAX_RASTER,
    R_CURSOR_START,
    R_CURSOR_END,
    R_START_HIGH,
    R_START_LOW,
    R_CURSOR_HIGH,
    R_CURSOR_LOW,
    R_PEN_HIGH,
    R_PEN_LOW,
    R_REGISTERS,
};

struct mc6845 {
    uint8_t reg[R_REGISTERS], index;
};

extern const struct field mc6845_fields[];

void mc6845_index(struct mc6845 *c, uint8_t value);
/* Has a register changed? */
bool mc6845_write(struct mc6845 *c, uint8_t value);
uint8_t mc6845_read(const struct mc6845 *c);

struct mc6845_beam {
    uint64_t frame;
    bool sync;  /* vertical */
    bool shown; /* display enable */
};
/* By a clock of `hz` characters a second. */
struct mc6845_beam mc6845_beam(const struct mc6845 *c, struct clock *clock,
                               uint64_t hz);

/* Scan lines that are shown; the start address; is the cursor in a character's
 * raster line, whatever blinks? */
unsigned mc6845_lines(const struct mc6845 *c);
unsigned mc6845_start(const struct mc6845 *c);
bool mc6845_cursor(const struct mc6845 *c, unsigned address, unsigned raster,
                   uint64_t frame);
/* Has the cursor's or (`blink`) the characters' look changed between frames? */
bool mc6845_blinks(uint64_t a, uint64_t b);
bool mc6845_blink_on(uint64_t frame);

/* -- the picture -- */

#define CARD_WIDTH (256 * 16)
#define CARD_HEIGHT (128 * 32 + 32)

struct card_picture;

bool card_picture_new(struct card_picture **p, struct error *e);
void card_picture_free(struct card_picture *p);
void card_picture_reset(struct card_picture *p);
/* Something that shows has changed. */
void card_picture_touch(struct card_picture *p);
/* Paint it, if it was touched or something blinks: `line` gives each scan
 * line's `width` pixels.  A height of 0 is an empty screen. */
void card_picture_update(struct card_picture *p, unsigned width,
                         unsigned height, uint64_t frame, void *owner,
                         void (*line)(void *owner, unsigned y, uint32_t *out),
                         struct display_frame *out);

/* Rows of dots, the leftmost in bit 7; of 8 and of 14 lines. */
extern const uint8_t font_8[256][8];
extern const uint8_t font_14[256][14];

#endif
