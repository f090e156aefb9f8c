/*
 * What a rig's translator had to deal with: counted around its hooks, so
 * that a random test can say whether it was there at all.
 */
#ifndef TESTS_CPU_RISCV_REACH_H
#define TESTS_CPU_RISCV_REACH_H

#include "cpu/core/engine.h"

struct rig;

enum reach_what {
    REACH_COMPILED, /* blocks */
    REACH_LEFT,     /* returns to the interpreter in the middle of one */
    REACH_PATCHED,  /* exits that jump straight into other compiled code */
    REACH_FAR,      /* compiled branches and jumps into another page */
    REACH_STRADDLE, /* instructions on two pages, run */
    REACH_STRADDLE_FAULT, /* the second page cannot be fetched from */
    REACH_FAULT,    /* exceptions in the middle of compiled blocks */
    REACH_MIDDLE,   /* blocks that begin inside of a compiled instruction */
    REACH_WRITTEN,  /* stores into bytes that are compiled */
    REACH_SELF,     /* into those of the very block that runs */
    REACH_FENCE_I,  /* compiled blocks with a fence.i */
    REACH_REMAPPED, /* pages whose code is compiled that are now elsewhere */
    REACH_MMIO,     /* fetches from a device */
    REACH_UNMAPPED, /* pages run into that are not there */
    REACH_FLUSHES,  /* times that the code buffer was full */
    REACH_MISSES,   /* indirect jumps that the jump cache does not know */
    REACH_SITES,    /* accesses to another page than at the last time */
    REACH_PLAIN,    /* and those that do so all the time */
    REACH_SPANS,    /* accesses that another one checks */
    REACH_AGAIN,    /* blocks compiled a second time, with more effort */
    REACH_KINDS,
};

extern const char *const reach_names[REACH_KINDS];

struct reach_page {
    uint64_t va, satp, host;
    uint8_t priv;
};

struct reach {
    struct rig *rig;
    struct cpu_jit original; /* hooks */
    struct code_watcher watcher;
    uint8_t *map; /* what is compiled, a byte for two of RAM */
    struct reach_page pages[64]; /* mapped last */
    uint64_t counts[REACH_KINDS];
    uint64_t entries; /* from the run loop */
};

/* Watch r's translator, if it has one; owned by the rig. */
void reach_attach(struct rig *r);
/* An exception is delivered. */
void reach_exception(struct rig *r);
/* The counts so far are added to totals. */
void reach_add(struct rig *r, uint64_t totals[REACH_KINDS]);
void reach_free(struct rig *r);

#endif
