/*
 * Motorola's MC6845 CRT controller, as the cards before the EGA have it, and
 * what such cards share.
 */
#ifndef DEVICES_DISPLAY_MC6845_H
#define DEVICES_DISPLAY_MC6845_H

#include "devices/device.h"
#include "devices/display/display.h"
#include "devices/display/raster.h"

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

/* -- the picture -- */

#define CARD_WIDTH (256 * 16)
#define CARD_HEIGHT (128 * 32 + 32)

/* Mode control, 3B8 or 3D8, as far as the cards agree. */
enum {
    CARD_GRAPHICS = 1 << 1,
    CARD_ENABLE = 1 << 3,
    CARD_BLINK = 1 << 5,
};

/* All that the look of a scan line depends on.  No padding. */
struct card_regs {
    uint16_t start; /* address that the frame begins with: latched */
    uint8_t crt[R_REGISTERS];
    uint8_t mode, colour; /* 3x8, 3D9 */
};

struct card_picture;
struct card_look;

/* A card begins with this. */
struct card {
    struct device dev;
    struct card_regs regs;
    uint8_t index; /* of the 6845 */
    bool pen;      /* the light pen's flip-flop: LPSTB */
    struct raster raster;
    const struct card_look *look;
    /* What a monitor that knows no RGBI makes of `n` ticks of colours; or NULL,
     * set before card_new(). */
    void (*monitor)(const struct card_regs *r, const uint8_t *dots, unsigned n,
                    uint32_t *out);
    struct card_picture *picture;
    uint64_t frame; /* that is being painted */
};

extern const struct field card_fields[];

/* How a card makes dots of its memory. */
struct card_look {
    uint64_t clock; /* of the dots, Hz */
    /* A character clock: in dots of memory, and in the dot clock's ticks, which
     * are as many or twice as many. */
    unsigned (*cell)(const struct card_regs *r);
    unsigned (*ticks)(const struct card_regs *r);
    /* `n` characters of one raster line, from the 6845's address `at` on: as
     * indexes of `colour`. */
    void (*text)(const struct card *c, const struct card_regs *r, unsigned at,
                 unsigned raster, unsigned n, uint8_t *out);
    void (*graphics)(const struct card *c, const struct card_regs *r,
                     unsigned at, unsigned raster, unsigned n, uint8_t *out);
    /* A character with its attribute. */
    uint16_t (*character)(const struct card *c, unsigned at);
    const uint32_t *colour; /* 16 of them, 0xrrggbb */
};

/* look: stays the caller's. */
bool card_new(struct card *c, const struct card_look *look, struct error *e);
/* Parts of a device_class. */
void card_destroy(struct device *dev);
void card_reset(struct device *dev);
void card_loaded(struct device *dev);
void card_update(struct device *dev, struct display_frame *out);
bool card_text(struct device *dev, struct display_text *out);

/* The ports that the cards share: those of the 6845, even ones the index and
 * odd ones data. */
uint8_t card_read_crt(const struct card *c, unsigned port);
void card_write_crt(struct card *c, unsigned port, uint8_t value);
/* A register of c->regs changes, so that the screen shows when. */
void card_change(struct card *c, uint8_t *reg, uint8_t value);
/* Memory changes. */
void card_touch(struct card *c);
/* The light pen's flip-flop is set, as by a pen that sees the beam, or
 * cleared. */
void card_set_pen(struct card *c, bool on);

struct raster_beam card_beam(const struct card *c);
/* The dot under the beam, as an index of colours; 0: none is shown. */
unsigned card_dot(struct card *c, const struct raster_beam *b);
/* The 6845's HSYNC. */
bool card_in_hsync(const struct card *c, const struct raster_beam *b);

/* Is the cursor in a character's raster line? */
bool card_cursor(const struct card *c, const struct card_regs *r,
                 unsigned address, unsigned raster);
/* Are blinking characters seen? */
bool card_blink_on(const struct card *c);

/* Rows of dots, the leftmost in bit 7; of 8 and of 14 lines. */
extern const uint8_t font_8[256][8];
extern const uint8_t font_14[256][14];

#endif
