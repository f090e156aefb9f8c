/*
 * Keys by all their names: the number that keyboards of machines take, what
 * the host calls it, and QEMU's name.
 */
#ifndef FRONTEND_DISPLAY_KEYS_H
#define FRONTEND_DISPLAY_KEYS_H

#include <stdint.h>

struct key {
    /* As in <linux/input-event-codes.h>, which devices/ps2.h takes. */
    uint8_t number;
    /* SDL's scancode; below 256 that is USB's usage on its keyboard page. */
    uint16_t scancode;
    const char *name; /* QEMU's, of its QKeyCode */
    /* On a US keyboard, alone and with Shift; 0: nothing to be seen. */
    char plain, shifted;
};

/* Ended by a name of NULL. */
extern const struct key keys[];

/* NULL: there is none. */
const struct key *key_scancode(unsigned scancode);
const struct key *key_named(const char *name);
/* Of what a US keyboard types, control characters as their letters. */
const struct key *key_typing(char c);

#endif
