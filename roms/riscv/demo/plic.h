/* The platform-level interrupt controller, as hart 0 in M-mode sees it. */
#ifndef DEMO_PLIC_H
#define DEMO_PLIC_H

#include <stdint.h>

struct board;

/* The address of the context's threshold register. */
uint64_t plic_threshold(const struct board *board);

/* Let interrupt `irq` through, and no other. */
void plic_enable_only(const struct board *board, uint32_t irq);
/* The most urgent pending interrupt, 0 if there is none. */
uint32_t plic_claim(const struct board *board);
void plic_complete(const struct board *board, uint32_t irq);

#endif
