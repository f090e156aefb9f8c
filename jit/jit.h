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

struct jit_config {
    uint64_t buffer_size; /* bytes of host code; 0: the default */
    unsigned threshold;   /* entries before a block is compiled; 0: default */
};

/*
 * Give cpu a translator; before it runs.  false: this build or host has
 * none, or no executable memory is to be had; e says which, and the CPU
 * goes on interpreting.
 */
bool jit_attach(struct cpu *c, const struct jit_config *config,
                struct error *e);

#endif
