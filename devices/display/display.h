/*
 * What a display shows, for the frontend: a picture, or text.
 *
 * A class with a screen has `display` in its struct device_class.  Its
 * functions are called under the device lock, by whoever wants to see, as
 * often as that wants to see something new; a display that nobody asks draws
 * nothing.
 */
#ifndef DEVICES_DISPLAY_DISPLAY_H
#define DEVICES_DISPLAY_DISPLAY_H

#include <stdbool.h>
#include <stdint.h>

struct device;

/*
 * Valid until the next call for the same device.  Any number of viewers may
 * look: one that remembers `update` of the frame it saw last finds new what
 * has a higher number now.
 */
struct display_frame {
    /* 0xrrggbb in the host's byte order; `height` lines of `width`. */
    const uint32_t *pixels;
    unsigned width, height;      /* at least 1 */
    unsigned aspect_x, aspect_y; /* a pixel's width to its height */
    /* Calls that found something new, by number from 1 on: the last one, that
     * which found the size (and so all lines), and each line's. */
    uint64_t update, resized;
    const uint64_t *changed;
};

/* Valid until the next call for the same device. */
struct display_text {
    unsigned columns, rows;
    const uint16_t *cells; /* character | attribute << 8, row after row */
    int cursor_column, cursor_row; /* -1: there is none */
    uint32_t colour[16];           /* of the attributes, 0xrrggbb */
    bool blink; /* attribute bit 7 blinks, it is not of the background */
};

/* The card whose BIOS is for the machine to show to the firmware. */
extern const struct device_class vga_isa_class;
/* The cards without one, of which the CMOS tells. */
extern const struct device_class cga_class, hercules_class;

struct display_ops {
    void (*update)(struct device *dev, struct display_frame *out);
    /* false: it shows graphics, or nothing. */
    bool (*text)(struct device *dev, struct display_text *out);
};

#endif
