/*
 * The built-in demo guest, embedded from roms/riscv/ by meson.
 */
#ifndef FRONTEND_DEMO_H
#define FRONTEND_DEMO_H

#include <stddef.h>

extern const unsigned char demo_image[];
extern const size_t demo_image_size;

#endif
