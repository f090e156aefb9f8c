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

/* Valid until the next call for the same device. */
struct display_frame {
    /* 0xrrggbb in the host's byte order; `height` lines of `width`. */
    const uint32_t *pixels;
    unsigned width, height;      /* at least 1 */
    unsigned aspect_x, aspect_y; /* a pixel's width to its height */
    /* Of each line: 1 if it is not as the last call showed it, else 0. */
    const uint8_t *changed;
    bool resized; /* since the last call; then all lines have changed */
};

/* Valid until the next call for the same device. */
struct display_text {
    unsigned columns, rows;
    const uint16_t *cells; /* character | attribute << 8, row after row */
    int cursor_column, cursor_row; /* -1: there is none */
    uint32_t colour[16];           /* of the attributes, 0xrrggbb */
    bool blink; /* attribute bit 7 blinks, it is not of the background */
};

struct display_ops {
    /* true: something has changed.  *out is filled in any case. */
    bool (*update)(struct device *dev, struct display_frame *out);
    /* false: it shows graphics, or nothing. */
    bool (*text)(struct device *dev, struct display_text *out);
};

#endif
