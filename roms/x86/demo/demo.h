/*
 * The PC's demo guest: what its parts share.
 */
#ifndef ROMS_X86_DEMO_DEMO_H
#define ROMS_X86_DEMO_DEMO_H

#include "bios.h"

#define SPACE 0x20
#define ESCAPE 0x1b

/* -- main.c -- */

void *memset(void *to, int value, unsigned n);
void *memcpy(void *to, const void *from, unsigned n);
/* The key that was typed, as INT 16h has it: character | scan code << 8; 0:
 * none. */
unsigned key_typed(void);
/* The same, and sleep until something happens. */
unsigned key_or_sleep(void);
/* Until a key comes: what it is. */
unsigned key_wait(void);
static inline unsigned key_char(unsigned key)
{
    return key & 0xff;
}
/* A byte of the BIOS's data, and of the CMOS RAM. */
uint8_t bios_data(unsigned at);
uint8_t cmos(unsigned at);

/* -- text.c -- */

enum {
    PLAIN = 0x07,
    LIGHT = 0x0f,
    DIM = 0x08,
    TITLE = 0x1f,
    TITLE_DIM = 0x17,
    NAME = 0x0b,
    KEY = 0x0e,
    GOOD = 0x0a,
};

enum text_card { CARD_NONE, CARD_BIOS, CARD_CGA, CARD_MDA };
enum text_card text_card(void);
/* 80 columns and 25 lines, empty. */
void text_start(void);
/* Where the next words go, and in which colours. */
void text_at(unsigned column, unsigned row, unsigned attribute);
void text_colour(unsigned attribute);
/* %s, %u, %d, %x (of 2 digits at least), %c; none of it goes past a line. */
void text(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Over the rest of a line. */
void text_rest(void);
void text_put(unsigned column, unsigned row, unsigned attribute,
              unsigned character);
/* What is there: character | attribute << 8. */
unsigned text_get(unsigned column, unsigned row);
/* The head of a page, and what keys do at its foot. */
void text_page(const char *title, const char *keys);
void text_page_modes(void);

/* -- show.c -- */

void show_machine(void);

/* -- input.c -- */

void page_keyboard(void);
void page_mouse(void);
/* false: there is none. */
_Bool mouse_start(void);
void mouse_stop(void);
/* Movement, downwards and towards the user, since the last call, and buttons;
 * did anything change? */
_Bool mouse_moved(int *dx, int *dy, int *wheel, unsigned *buttons);

/* -- graphics.c, vesa.c -- */

void page_cga(void);
void page_planes(void);
void page_256(void);
void page_x(void);
void page_vesa(void);

/* INT 10h. */
void video_mode(unsigned n);
/* Rows of eight dots of the BIOS's characters of eight lines. */
const uint8_t *font_8x8(void);
/* 127 times the sine of a 256th of a circle. */
int sine(unsigned angle);
void set_dac(unsigned i, unsigned r, unsigned g, unsigned b);
/* Channel 0 to 2 of `top` for a hue of 0 to 255. */
unsigned hue(unsigned at, unsigned channel, unsigned top);

#endif
