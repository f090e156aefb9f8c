/* Accesses of every kind in a rig, for tests of translation and protection. */
#ifndef TESTS_CPU_RISCV_ACCESS_H
#define TESTS_CPU_RISCV_ACCESS_H

#include "tests/cpu/riscv/rig.h"

#define DATA (RIG_RAM + 0x10000)
#define SOFT 0x6f /* j . */
#define FINE 99u

extern const enum access accesses[3];
/* Their causes, by enum access. */
extern const unsigned page_fault[];
extern const unsigned access_fault[];

/* An access as `priv` makes it, with SUM or MXR in `status`: the cause of its
 * exception, or FINE.  Loads and stores are M mode's with MPRV. */
unsigned access_as(struct rig *r, unsigned priv, uint64_t status,
                   enum access access, uint64_t va, unsigned size);

/* A rig with code that stays where it is from DATA on. */
struct rig *open_any(const char *model, const struct cpu_class *cls);
/* Of RV64. */
struct rig *open_rig(const char *model);

#endif
