/*
 * The translator: compiles hot blocks of a CPU to host code.
 *
 * It sits beside the interpreter, never in its place: a compiled block is
 * entered through its first record's handler, and whatever it does not do
 * itself it gives back to the interpreter at the record in question.
 */
#ifndef JIT_JIT_H
#define JIT_JIT_H

#include <stdint.h>

#include "base/error.h"
#include "cpu/core/cpu.h"

/* What makes compiled code fast, each to be switched off by its name. */
enum jit_pass {
    JIT_LINKS, /* jumps from block to block are patched in */
    JIT_JUMPS, /* compiled code looks into the jump cache itself */
    JIT_SITES, /* each access remembers its page */
    JIT_SPANS, /* accesses off one base share a check */
    JIT_PINS,  /* guest registers stay in host registers */
    JIT_TIERS, /* cold code is interpreted */
    JIT_PASSES,
};

struct jit_pass_name {
    const char *name, *help;
};

/* By enum jit_pass. */
extern const struct jit_pass_name jit_passes[JIT_PASSES];

/*
 * Read "no-links,no-pins" into *off, bits by enum jit_pass.  false: e names
 * what is no pass, and *off stays.
 */
bool jit_parse(const char *list, uint32_t *off, struct error *e);

struct jit_config {
    uint64_t buffer_size; /* bytes of host code; 0: the default */
    unsigned threshold;   /* entries before a block is compiled; 0: default */
    unsigned samples;     /* slices that end in front of it before it is
                             compiled again; 0: default */
    uint32_t off;         /* passes to leave out, bits by enum jit_pass */
};

/* Since the translator was attached. */
struct jit_counters {
    uint64_t compiled, rejected; /* blocks; the latter stay interpreted */
    uint64_t guest_bytes, host_bytes; /* of those compiled */
    uint64_t compile_ns; /* CPU time of compiling, where it was logged */
    uint64_t flushes;    /* times that all code was dropped */
    uint64_t entered;    /* ways from the interpreter into code */
    uint64_t left;       /* ways back in the middle of a block */
    uint64_t links;      /* exits followed by a look-up, */
    uint64_t patched;    /* and those of them that now jump at once */
    uint64_t misses;     /* indirect jumps that the jump cache did not have */
    uint64_t again;      /* blocks compiled a second time */
    uint64_t sites;      /* accesses to another page than the last time */
    uint64_t plain;      /* sites given up */
    uint64_t spans;      /* accesses whose check another one does */
    uint64_t narrowed;   /* times that a block had better not have such */
};

/*
 * Give cpu a translator; before it runs.  false: this build or host has
 * none, or no executable memory is to be had; e says which, and the CPU
 * goes on interpreting.
 */
bool jit_attach(struct cpu *c, const struct jit_config *config,
                struct error *e);
/* The counters of a CPU that has one. */
void jit_count(const struct cpu *c, struct jit_counters *out);

#endif
