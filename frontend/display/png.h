/*
 * Pictures as PNG files, by libpng.
 */
#ifndef FRONTEND_DISPLAY_PNG_H
#define FRONTEND_DISPLAY_PNG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Write width * height pixels, 0xrrggbb, to a file, which is replaced.  false:
 * e, which names the file; no part of a file is left. */
bool png_write(const char *file, const uint32_t *pixels, unsigned width,
               unsigned height, struct error *e);

#endif
