/*
 * The two devices at a PC's PS/2 ports, without their controller.
 *
 * A controller embeds both, puts their fields into its table, takes the bytes
 * that they have for the host and hands the host's to them.  Whenever one may
 * have something new, `news` is called.  All under the device lock.
 */
#ifndef DEVICES_PS2_H
#define DEVICES_PS2_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/device.h"

/* Keys have the numbers of Linux's <linux/input-event-codes.h>: KEY_ESC is 1,
 * KEY_A 30, KEY_F12 88, KEY_UP 103. */
#define PS2_KEYS 256

/* Mouse buttons, or-ed. */
#define PS2_LEFT 0x01
#define PS2_RIGHT 0x02
#define PS2_MIDDLE 0x04
#define PS2_SIDE 0x08 /* the fourth and fifth */
#define PS2_EXTRA 0x10

#define PS2_QUEUE 16 /* bytes; a power of 2 */

struct ps2_queue {
    uint8_t head, count;
    uint8_t byte[PS2_QUEUE];
};

struct ps2_keyboard {
    const struct device_env *env;
    void (*news)(void *owner);
    void *owner;

    struct ps2_queue reply; /* answers to commands; they go first */
    struct ps2_queue keys;  /* scan codes */
    uint8_t command;        /* that waits for its parameter, or 0 */
    uint8_t last;           /* byte that was sent, for a resend */
    uint8_t set;            /* of scan codes, 1 to 3 */
    uint8_t typematic;      /* delay and rate, as the command gives them */
    uint8_t leds;           /* 1: scroll, 2: num, 4: caps */
    uint8_t repeats;        /* the key that is repeated, or 0 */
    bool leds_set;          /* the host has told of them */
    bool scanning;
    bool num_shift;             /* a shift code for Num Lock is out */
    uint8_t down[PS2_KEYS / 8]; /* bits: the keys that are held */
    uint8_t types[0x90];        /* of set 3's codes: enum in ps2_keyboard.c */
    struct timer repeat, bat;
};

struct ps2_mouse {
    const struct device_env *env;
    void (*news)(void *owner);
    void *owner;

    struct ps2_queue out;
    int32_t dx, dy, dz; /* moved, and not yet reported */
    uint8_t buttons, reported;
    uint8_t command; /* that waits for its parameter, or 0 */
    uint8_t rate, resolution;
    uint8_t knock[2];  /* the sample rates before this one */
    uint8_t id;        /* 0, 3: wheel, 4: wheel and five buttons */
    uint8_t packet[4]; /* the last one, for a resend */
    uint8_t packet_size;
    bool reporting, remote, wrap, scaled;
    struct timer sample, bat;
};

extern const struct field ps2_keyboard_fields[], ps2_mouse_fields[];

/* From the controller's create, destroy, reset (after the fields) and
 * loaded. */
void ps2_keyboard_init(struct ps2_keyboard *k, const struct device_env *env,
                       void (*news)(void *owner), void *owner);
void ps2_mouse_init(struct ps2_mouse *m, const struct device_env *env,
                    void (*news)(void *owner), void *owner);
void ps2_keyboard_reset(struct ps2_keyboard *k);
void ps2_mouse_reset(struct ps2_mouse *m);
void ps2_keyboard_loaded(struct ps2_keyboard *k);
void ps2_mouse_loaded(struct ps2_mouse *m);

/* Is there a byte for the host, and which?  The second only after a true. */
bool ps2_keyboard_ready(const struct ps2_keyboard *k);
uint8_t ps2_keyboard_next(struct ps2_keyboard *k);
bool ps2_mouse_ready(const struct ps2_mouse *m);
uint8_t ps2_mouse_next(struct ps2_mouse *m);

/* A byte from the host. */
void ps2_keyboard_write(struct ps2_keyboard *k, uint8_t byte);
void ps2_mouse_write(struct ps2_mouse *m, uint8_t byte);

/* A key goes down or up.  One that is down already, and one that there is
 * not, changes nothing.  false: the buffer is full, ask again. */
bool ps2_keyboard_key(struct ps2_keyboard *k, unsigned key, bool down);

/* Moved by so much (right, up, wheel towards the user are positive), with
 * these buttons pressed.  false: an earlier change of the buttons has not
 * been reported yet, ask again. */
bool ps2_mouse_move(struct ps2_mouse *m, int dx, int dy, int dz,
                    unsigned buttons);

/* Set 1's code of a byte below 0x80 (and 0x83, 0x84) of set 2. */
uint8_t ps2_set1(uint8_t set2);

/* For the two of them. */
void ps2_push(struct ps2_queue *q, uint8_t byte);
uint8_t ps2_pop(struct ps2_queue *q);
extern const struct field ps2_queue_fields[];

#endif
