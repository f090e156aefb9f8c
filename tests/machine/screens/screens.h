/*
 * A program that shows screens on a PC's display, one for each name that it is
 * told over the first serial line; see main.c.
 */
#ifndef TESTS_MACHINE_SCREENS_SCREENS_H
#define TESTS_MACHINE_SCREENS_SCREENS_H

#include "roms/x86/demo/bios.h"
#include "tests/devices/vga_modes.h"

struct screen {
    const char *name;
    void (*show)(void);
    void (*frame)(void); /* again and again; or NULL */
};

/* Of this program, up to NULL; each up to one without a name. */
extern const struct screen *const lists[];
extern const struct screen text_screens[], graphics_screens[], effect_screens[],
    vbe_screens[], memory_screens[], card_screens[];

#define SEQ 0x3c4
#define GFX 0x3ce
#define CRTC crtc_port()

/* -- main.c -- */

void *memset(void *to, int value, unsigned n);
void *memcpy(void *to, const void *from, unsigned n);

/* -- vga.c -- */

/* 3D4h, or 3B4h as an MDA has it. */
unsigned crtc_port(void);
/* An indexed register. */
void set(unsigned port, unsigned index, unsigned value);
unsigned get(unsigned port, unsigned index);
/* The attribute controller's; the picture stays on. */
void set_attr(unsigned index, unsigned value);
unsigned get_attr(unsigned index);
void set_dac(unsigned i, unsigned r, unsigned g, unsigned b);
/* The BIOS's: INT 10h, AH 0. */
void bios_mode(unsigned n);
/* By registers; a black screen with the palette of BIOSes, or dac_256(). */
void set_mode(enum vga_mode_name mode);
/* 64 colours as an EGA has them, four times. */
void ega_colours(void);
/* 16 of the CGA, shades of grey, and 14 hues in 16 steps. */
void dac_256(void);
void start_address(unsigned at);
void line_compare(unsigned line);
/* All of the four planes, from A0000 on. */
void clear_planes(void);
/* To the start of vertical retrace. */
void wait_retrace(void);
/* To the end of the next scan line that is shown. */
void wait_line(void);

/* -- graphics.c -- */

struct canvas {
    unsigned width, height;
    unsigned colours; /* 0: 0xrrggbb */
    void (*put)(unsigned x, unsigned y, unsigned colour);
};

/* Bars, finest lines, ramps, a frame at the edges, diagonals, circles. */
void card(const struct canvas *c);
/* What `put` draws on. */
extern unsigned canvas_pitch, canvas_start;
void put_planar(unsigned x, unsigned y, unsigned colour);
void put_cga4(unsigned x, unsigned y, unsigned colour);
void put_cga2(unsigned x, unsigned y, unsigned colour);
void put_linear(unsigned x, unsigned y, unsigned colour);
void put_unchained(unsigned x, unsigned y, unsigned colour);
/* Mode 13h unchained, with two pages of different cards. */
void mode_x(void);

/* -- text.c -- */

struct text {
    unsigned columns, rows;
    uint16_t *cells;
};

/* A frame, all characters, all attributes, numbers of rows. */
void text_card(const struct text *t);
void write_text(const struct text *t, unsigned x, unsigned y, const char *s,
                unsigned attribute);
void hide_cursor(void);

#define B8000 ((uint16_t *)0xb8000)

#endif
