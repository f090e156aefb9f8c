/* What lockstep.c and report.c share. */
#ifndef CPU_CORE_LOCKSTEP_PRIV_H
#define CPU_CORE_LOCKSTEP_PRIV_H

#include "cpu/core/lockstep.h"
#include "cpu/core/undo.h"

#define REPORT_SIZE 65536

struct lockstep {
    struct cpu *cpu;
    struct lockstep_config config;
    struct undo undo;
    struct cpu *lead; /* a copy: where the lead ended */
    struct log silent;
    char *report;
    bool ended; /* a difference was found */

    /* The phase that runs, or ran last. */
    bool in_window;
    bool refused;       /* it came to the outside, and stopped before it */
    uint64_t delivered; /* exceptions */
    bool polled;        /* compiled code came to the end of its budget */
    bool left;          /* something asked for the run loop */

    bool single;   /* this stretch goes block by block */
    uint64_t turn; /* steps left of the stretch */
    unsigned stretches;

    /* Statistics. */
    uint64_t windows, single_windows, retries;
    uint64_t compared, refusals, alone; /* instructions, windows, instr. */
};

enum verdict {
    SAME,
    DIFFERENT,
    NOTHING, /* no step could be made: an instruction for the interpreter */
};

/*
 * A window of about `limit` steps from here, at most max_insns instructions:
 * lead, back, follow.  A step is an instruction or the delivery of an
 * exception.  Leaves the CPU where the translator brought it; undo_end() or
 * undo_back() is the caller's.  *steps: of the lead.  DIFFERENT: e says in
 * what.
 */
enum verdict lockstep_compare(struct lockstep *l, uint64_t limit,
                              uint64_t max_insns, uint64_t *steps,
                              struct error *e);

/* A window of `steps` was DIFFERENT, and is still there: write l->report. */
void lockstep_report(struct lockstep *l, uint64_t steps,
                     const struct error *what);

#endif
