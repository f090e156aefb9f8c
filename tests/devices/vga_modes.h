/*
 * Registers of the VGA's standard modes, for its tests and for the programs
 * that run in a guest.
 */
#ifndef TESTS_DEVICES_VGA_MODES_H
#define TESTS_DEVICES_VGA_MODES_H

#include <stdint.h>

struct vga_mode {
    uint8_t misc;
    uint8_t seq[5], crtc[25], gfx[9], attr[21];
};

/* IBM's, as its BIOS sets them up; MODE_X is 13h unchained, of 240 lines. */
enum vga_mode_name {
    MODE_1,
    MODE_3,
    MODE_4,
    MODE_6,
    MODE_7,
    MODE_D,
    MODE_10,
    MODE_12,
    MODE_13,
    MODE_X,
    VGA_MODES,
};
extern const struct vga_mode vga_modes[VGA_MODES];

#endif
