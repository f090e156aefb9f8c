/* What the demo needs to know of the machine, as its device tree tells it. */
#ifndef DEMO_BOARD_H
#define DEMO_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "console.h"
#include "fdt.h"

/* SiFive's core-local interruptor. */
struct clint {
    bool present;
    uint32_t node; /* of the tree */
    uint64_t base;
    uint32_t hart_index; /* of hart 0's registers */
};

struct plic {
    bool present;
    uint64_t base;
    uint32_t context; /* hart 0's in M-mode */
    uint32_t last_irq;
};

/* A store that ends or restarts the machine. */
struct syscon {
    bool present;
    uint64_t address;
    uint32_t value;
};

struct board {
    struct fdt fdt;
    const char *problem; /* with the tree, NULL if it is sound */
    uint64_t misa;
    uint32_t timebase; /* Hz, never 0 */
    bool time_csr;     /* the time CSR can be read */
    bool has_console;  /* uart answers; perhaps not the one of the tree */
    struct uart uart;
    struct clint clint;
    struct plic plic;
    struct syscon poweroff, reboot;
    bool has_finisher; /* SiFive's test device */
    uint64_t finisher;
};

/*
 * Reads the tree at `tree`, which may be anything.  The first part suffices to
 * use the console; the second one must follow.
 */
void board_read_console(struct board *board, const void *tree);
void board_read_rest(struct board *board);

/* Whether hart 0's ISA string or list names the extension ("m", "zba"). */
bool board_has(const struct board *board, const char *extension);
/* Whether misa says so ('S', 'U'); true where it says nothing. */
bool board_misa(const struct board *board, char letter);

/* The cpu node of a hart, FDT_NONE if the tree has none. */
uint32_t board_hart(const struct board *board, uint32_t id);
/* The next cpu node after `after` (FDT_NONE: first) and its hart id. */
uint32_t board_next_hart(const struct board *board, uint32_t after,
                         uint32_t *id);
/* Where CPU interrupt `irq` of a hart stands in a controller's list. */
bool board_hart_interrupt(const struct board *board, uint32_t controller,
                          uint32_t hart, uint32_t irq, uint32_t *index);

/* An address at which nothing answers: no RAM, no device, no bus window. */
uint64_t board_hole(const struct board *board);

/* The time base's ticks, and seconds of it as ticks. */
uint64_t board_ticks(const struct board *board);

/* Ends the machine with this exit code; returns if it cannot. */
void board_poweroff(const struct board *board, unsigned code);
/* Restarts the machine; returns if it cannot. */
void board_reboot(const struct board *board);

#endif
