/* SiFive's core-local interruptor: software interrupts and the timer. */
#ifndef DEMO_CLINT_H
#define DEMO_CLINT_H

#include <stdbool.h>
#include <stdint.h>

struct board;

#define CLINT_MTIME 0xbff8 /* offset of the register */

/* Which of the CLINT's harts is this one?  False if the tree does not say. */
bool clint_hart_index(const struct board *board, uint32_t hart,
                      uint32_t *index);
/* The address of a hart's msip register, by index. */
uint64_t clint_msip(const struct board *board, uint32_t index);
void clint_set_software(const struct board *board, uint32_t index, bool on);

/* mtime, and hart 0's mtimecmp, in ticks of the time base. */
uint64_t clint_time(const struct board *board);
void clint_set_timer(const struct board *board, uint64_t when);

#endif
