/*
 * Pictures as files.
 */
#ifndef FRONTEND_DISPLAY_PICTURE_H
#define FRONTEND_DISPLAY_PICTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Write width * height pixels, 0xrrggbb, to a file, which is replaced: PPM if
 * its name ends in .ppm, otherwise PNG.  false: e, which names the file; no
 * part of a file is left. */
bool picture_write(const char *file, const uint32_t *pixels, unsigned width,
                   unsigned height, struct error *e);

#endif
