/*
 * Lockstep: the interpreter leads, the translator follows over the same
 * stretch, and both must have done the same.  README.md says how.
 *
 * For CPUs whose clock counts instructions, which one thread runs: nothing
 * else may write to RAM or move interrupt lines while cpu_run() is at work.
 */
#ifndef CPU_CORE_LOCKSTEP_H
#define CPU_CORE_LOCKSTEP_H

#include "cpu/core/cpu.h"

#define LOCKSTEP_WINDOW 10000
#define LOCKSTEP_MAX_WINDOW 1000000

struct lockstep_config {
    uint64_t window; /* instructions; 0: LOCKSTEP_WINDOW */
    /* Called once, in the vCPU's thread, at the first difference; the report
     * (many lines) stays until cpu_free().  From then on cpu_run() does
     * nothing. */
    void (*differs)(void *owner, const char *report);
    void *owner;
};

/* Compare c's translator, which it must have; before it runs. */
bool lockstep_attach(struct cpu *c, const struct lockstep_config *config,
                     struct error *e);
void lockstep_detach(struct cpu *c);
/* Instructions compared so far. */
uint64_t lockstep_compared(const struct cpu *c);
/* One line without a newline: what was compared. */
void lockstep_stats(const struct cpu *c, char *out, size_t size);

/* ------------------------------------------- for cpu/core; c has lockstep */

enum cpu_event lockstep_run(struct cpu *c, int64_t limit);
/* Entries that are about to change; all of them. */
void lockstep_note(struct cpu *c, struct tlb_entry *entry);
void lockstep_note_jump(struct cpu *c, struct jcache_entry *entry);
void lockstep_note_all(struct cpu *c);
/* May the page of RAM at host have a write entry now? */
bool lockstep_saved(struct cpu *c, const uint8_t *host);

#endif
