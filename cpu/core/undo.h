/*
 * A CPU's way back: its state at one point, and what it wrote since to RAM
 * and to its soft TLB.
 */
#ifndef CPU_CORE_UNDO_H
#define CPU_CORE_UNDO_H

#include "cpu/core/engine.h"

/* A page of RAM that was about to be written. */
struct undo_page {
    struct undo_page *next, *hash_next;
    struct ram *ram;
    uint64_t offset; /* in ram */
    uint64_t pa;     /* one of its addresses */
    bool kept;       /* `after` holds something */
    uint8_t before[PAGE_SIZE], after[PAGE_SIZE];
};

/* An entry that was changed. */
struct undo_note {
    struct tlb_entry *entry, old;
    struct jcache_entry *jump; /* if entry is NULL */
};

#define UNDO_BUCKETS 256

struct undo {
    struct cpu *cpu;
    bool on;           /* between undo_begin() and the end */
    bool no_memory;    /* there is no way back */
    struct cpu *start; /* a copy, without TLB */
    struct undo_note *notes;
    size_t n_notes, notes_room;
    struct undo_page *pages, *spare;
    struct undo_page *buckets[UNDO_BUCKETS];
};

bool undo_new(struct undo *u, struct cpu *c);
void undo_free(struct undo *u);

/* Copy the state of a CPU that runs no handlers; not its soft TLB. */
void undo_copy(struct cpu *to, const struct cpu *from);

/* From here on.  There are no write entries in the TLB. */
void undo_begin(struct undo *u);
/* Go back there, RAM and TLB as well, to begin again: the pages that were
 * saved stay so, with what was in them as `after` if `keep`. */
void undo_back(struct undo *u, bool keep);
/* Stay here, with no write entries; forget the pages. */
void undo_end(struct undo *u);

void undo_save(struct undo *u, struct ram *ram, const uint8_t *host,
               uint64_t pa);
bool undo_saved(const struct undo *u, const uint8_t *host);
void undo_note(struct undo *u, struct tlb_entry *entry,
               struct jcache_entry *jump);
void undo_note_all(struct undo *u);

#endif
