/*
 * Copies of a device tree: the machine's own, made from a board's, and the
 * guest's, made from the machine's.
 */
#ifndef MACHINE_TREE_WRITE_H
#define MACHINE_TREE_WRITE_H

#include "machine/tree.h"

/* What a run decides of a board. */
struct tree_ram {
    uint64_t base, size; /* bytes; size 0: nothing there */
};

struct tree_plan {
    unsigned cpus;
    unsigned xlen; /* 32: a property emu,rv32-NAME stands for NAME */
    /* Of each CPU: riscv,isa, from which riscv,isa-base, riscv,isa-extensions
     * and the sizes of cache blocks follow; NULL: leave them. */
    const char *const *isa;
    const char *const *mmu; /* of each CPU: mmu-type; the same */
    /* In the order of the memory nodes' reg entries. */
    const struct tree_ram *ram;
    unsigned n_ram;
};

/*
 * The CPUs that a board's tree lists: node numbers in order of appearance,
 * at most `max`.  Returns how many there are; 0: none, and e says so.
 */
unsigned tree_cpus(const struct tree *t, int *out, unsigned max,
                   struct error *e);

/* The memory nodes' reg entries, likewise; addresses are the root's. */
bool tree_ram(const struct tree *t, struct tree_ram *out, unsigned max,
              unsigned *n, struct error *e);

/*
 * The machine's tree: where the board lists one CPU, it becomes plan->cpus
 * of them, each with phandles of its own, and every interrupts-extended that
 * goes to this CPU only is repeated for each.  Memory gets its size.
 */
bool tree_make_machine(struct tree *out, const struct tree *board,
                       const struct tree_plan *plan, struct error *e);

/* What goes into /chosen and, where the tree has none, into /memory. */
struct tree_boot {
    bool whole;         /* with what is the emulator's own: a board again */
    const char *append; /* bootargs; NULL: as in the tree */
    bool initrd;
    uint64_t initrd_start, initrd_end; /* end: behind the last byte */
    uint8_t seed[32];
    const struct tree_ram *ram;
    unsigned n_ram;
};

/* The guest's tree: without what is the emulator's own, and with /chosen. */
bool tree_make_guest(struct tree *out, const struct tree *in,
                     const struct tree_boot *boot, struct error *e);

#endif
