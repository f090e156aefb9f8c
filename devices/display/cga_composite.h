/* What a colour monitor at the CGA's composite output shows. */
#ifndef DEVICES_DISPLAY_CGA_COMPOSITE_H
#define DEVICES_DISPLAY_CGA_COMPOSITE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A line of `n` ticks of the 14.318 MHz clock, of the colours 0 to 15 that the
 * digital output has, to as many pixels, 0xrrggbb.  The first tick is one where
 * a character clock begins; black lies left and right of the line.  burst:
 * without it the monitor is a black and white one.
 */
void cga_composite(const uint8_t *dots, unsigned n, bool burst, uint32_t *out);

#endif
