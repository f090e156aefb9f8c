/*
 * The built-in demo guests, embedded from roms/ by meson.
 */
#ifndef FRONTEND_DEMO_H
#define FRONTEND_DEMO_H

#include <stddef.h>

extern const unsigned char demo_image[];
extern const size_t demo_image_size;
extern const unsigned char pc_demo_image[];
extern const size_t pc_demo_image_size;

#endif
