/*
 * The random machines of fuzz.h, each in a file of its own.
 */
#include "tests/cpu/riscv/fuzz_emit.h"

void fuzz_fill(struct rig *r, enum fuzz_kind kind, uint64_t seed)
{
    static void (*const fill[])(struct rig *, struct fuzz_random *) = {
        [FUZZ_SYSTEM] = fuzz_fill_system,
        [FUZZ_LOOPS] = fuzz_fill_loops,
        [FUZZ_BARE] = fuzz_fill_bare,
        [FUZZ_WILD] = fuzz_fill_wild,
    };
    struct fuzz_random f = {seed * FUZZ_KINDS + kind};

    fill[kind](r, &f);
}
