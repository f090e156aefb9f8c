/*
 * A VGA on the harness: its ports and its window at A0000, and the picture.
 */
#ifndef TESTS_DEVICES_VGA_RIG_H
#define TESTS_DEVICES_VGA_RIG_H

#include "tests/unit.h"

#include "devices/display/display.h"
#include "devices/display/vga_priv.h"
#include "tests/devices/harness.h"
#include "tests/devices/vga_modes.h"

struct vga_rig {
    struct harness *h;
    struct device *dev;
    uint64_t seen; /* update of the frame before the last */
    uint64_t last;
};

/* What an isa-vga is. */
struct rig_card {
    struct device dev;
    struct vga vga;
};

void rig_open(struct vga_rig *r, const char *cls, const char *properties);
void rig_close(struct vga_rig *r);

void rig_out(struct vga_rig *r, unsigned port, uint8_t value);
uint8_t rig_in(struct vga_rig *r, unsigned port);
/* A register behind an index at `port`, which is that of CRTC, sequencer or
 * graphics controller. */
void rig_set(struct vga_rig *r, unsigned port, unsigned index, uint8_t value);
uint8_t rig_get(struct vga_rig *r, unsigned port, unsigned index);
/* The attribute controller's; the screen stays on. */
void rig_set_attr(struct vga_rig *r, unsigned index, uint8_t value);
/* Bytes in the window at A0000. */
void rig_poke(struct vga_rig *r, uint32_t at, uint8_t value);
uint8_t rig_peek(struct vga_rig *r, uint32_t at);

void rig_vbe_set(struct vga_rig *r, unsigned index, uint16_t value);
uint16_t rig_vbe_get(struct vga_rig *r, unsigned index);

/* All registers of a mode, screen on. */
void rig_set_mode(struct vga_rig *r, enum vga_mode_name mode);
/* Colour i of the DAC becomes rig_colour(i). */
void rig_set_palette(struct vga_rig *r);
uint32_t rig_colour(unsigned i);

/* Let more than a frame pass, and look. */
bool rig_update(struct vga_rig *r, struct display_frame *f);
/* The same without time. */
bool rig_look(struct vga_rig *r, struct display_frame *f);
/* Did that look find the line, or the size, changed? */
bool rig_changed(const struct vga_rig *r, const struct display_frame *f,
                 unsigned y);
bool rig_resized(const struct vga_rig *r, const struct display_frame *f);

#endif
