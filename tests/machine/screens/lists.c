/*
 * The screens of screens.elf.
 */
#include "tests/machine/screens/screens.h"

const struct screen *const lists[] = {
    text_screens,   graphics_screens, effect_screens, vbe_screens,
    memory_screens, card_screens,     (void *)0,
};
