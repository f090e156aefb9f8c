/*
 * Motorola's MC6845 CRT controller, as the cards before the EGA have it, and
 * what such cards share.
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
void mc6845_write(struct mc6845 *c, uint8_t value);
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

/* Mode control, 3B8 or 3D8, as far as the cards agree. */
enum {
    CARD_GRAPHICS = 1 << 1,
    CARD_ENABLE = 1 << 3,
    CARD_BLINK = 1 << 5,
};

/* A card begins with this. */
struct card {
    struct device dev;
    struct mc6845 crt;
    uint8_t mode;
    struct card_picture *picture;
    uint64_t frame; /* that is being painted */
};

extern const struct field card_fields[];

/* How a card makes dots of its memory. */
struct card_look {
    unsigned (*cell)(const struct card *c); /* dots of a character clock */
    uint64_t (*hz)(const struct card *c);   /* characters a second */
    /* One raster line, from the 6845's address `at` on. */
    void (*text)(const struct card *c, unsigned at, unsigned raster,
                 uint32_t *out);
    void (*graphics)(const struct card *c, unsigned at, unsigned raster,
                     uint32_t *out);
    /* A character with its attribute, which are indexes of `colour`. */
    uint16_t (*character)(const struct card *c, unsigned at);
    const uint32_t *colour; /* 16 of them, 0xrrggbb */
};

/* Parts of a device_class. */
bool card_create(struct device *dev, struct error *e);
void card_destroy(struct device *dev);
void card_reset(struct device *dev);
/* Something that shows has changed. */
void card_touch(struct card *c);
struct mc6845_beam card_beam(const struct card *c, const struct card_look *l);
void card_update(struct card *c, const struct card_look *l,
                 struct display_frame *out);
bool card_text(struct card *c, const struct card_look *l,
               struct display_text *out);

/* Rows of dots, the leftmost in bit 7; of 8 and of 14 lines. */
extern const uint8_t font_8[256][8];
extern const uint8_t font_14[256][14];

#endif
