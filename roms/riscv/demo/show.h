/* What the machine has, printed. */
#ifndef DEMO_SHOW_H
#define DEMO_SHOW_H

#include "board.h"

void show_harts(const struct board *board);
void show_memory(const struct board *board);
/* The tree's devices, then what sits on PCI and behind virtio-mmio. */
void show_devices(const struct board *board);
void show_pci(const struct board *board);
void show_virtio(const struct board *board);
/* The tree below a path, in the notation of its sources. */
void show_tree(const struct board *board, const char *path);
/* Time since the time base began, and the date if a clock tells it. */
void show_time(const struct board *board);

#endif
