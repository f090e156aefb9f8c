/*
 * Undoing what a CPU did; see undo.h.
 *
 * RAM goes back by pages, each copied before its first write: a page gets a
 * write entry only when it is saved, so that first write is a slow one.
 *
 * The TLB goes back entry by entry, so that a guest that changes its page
 * tables without a fence sees the same stale translations twice.  The jump
 * cache is emptied instead where it was filled: what it pointed at may be
 * gone.  Blocks stay, but for those decoded from bytes that go.
 */
#include <stdlib.h>
#include <string.h>

#include "cpu/core/undo.h"

#define GRANULE 64 /* of what is told to the block cache */

static size_t guest_size(const struct cpu *c)
{
    return c->class->size - sizeof(struct cpu);
}

void undo_copy(struct cpu *to, const struct cpu *from)
{
    memcpy(to, from, offsetof(struct cpu, exit_request));
    to->halted = from->halted;
    to->class = from->class;
    to->id = from->id;
    to->large_first = from->large_first;
    to->large_last = from->large_last;
    memcpy(to + 1, from + 1, guest_size(from));
}

/* What belongs to the host's side of the CPU stays as it is now. */
static void restore_state(struct undo *u)
{
    struct cpu *c = u->cpu;
    const struct cpu *from = u->start;

    memcpy(c, from, offsetof(struct cpu, exit_request));
    c->compile = NULL; /* its block may be gone; so may the link's */
    c->patch = NULL;
    c->halted = from->halted;
    c->large_first = from->large_first;
    c->large_last = from->large_last;
    memcpy(c + 1, from + 1, guest_size(from));
}

bool undo_new(struct undo *u, struct cpu *c)
{
    memset(u, 0, sizeof(*u));
    u->cpu = c;
    u->start = calloc(1, c->class->size);
    return u->start != NULL;
}

static void free_pages(struct undo_page *p)
{
    while (p) {
        struct undo_page *next = p->next;

        free(p);
        p = next;
    }
}

void undo_free(struct undo *u)
{
    free_pages(u->pages);
    free_pages(u->spare);
    free(u->notes);
    free(u->start);
}

/* ------------------------------------------------------------------ pages */

static const uint8_t *page_of(const uint8_t *host)
{
    return host - ((uintptr_t)host & ~PAGE_MASK);
}

static unsigned bucket_of(const uint8_t *page)
{
    return (unsigned)((uintptr_t)page >> PAGE_BITS) % UNDO_BUCKETS;
}

bool undo_saved(const struct undo *u, const uint8_t *host)
{
    const uint8_t *page = page_of(host);
    const struct undo_page *p = u->buckets[bucket_of(page)];

    if (!u->on)
        return false;
    while (p && p->ram->host + p->offset != page)
        p = p->hash_next;
    return p != NULL;
}

void undo_save(struct undo *u, struct ram *ram, const uint8_t *host,
               uint64_t pa)
{
    const uint8_t *page = page_of(host);
    struct undo_page *p, **bucket = &u->buckets[bucket_of(page)];

    if (!u->on || undo_saved(u, host))
        return;
    p = u->spare ? u->spare : malloc(sizeof(*p));
    if (!p) {
        u->no_memory = true;
        return;
    }
    if (p == u->spare)
        u->spare = p->next;
    p->ram = ram;
    p->offset = (uint64_t)(page - ram->host);
    p->pa = pa & PAGE_MASK;
    p->kept = false;
    memcpy(p->before, page, PAGE_SIZE);
    p->next = u->pages;
    u->pages = p;
    p->hash_next = *bucket;
    *bucket = p;
}

/* Put back what was there; blocks decoded from something else go. */
static void restore_page(struct undo *u, const struct undo_page *p)
{
    uint8_t *host = p->ram->host + p->offset;

    for (unsigned at = 0; at < PAGE_SIZE; at += GRANULE) {
        if (!memcmp(host + at, p->before + at, GRANULE))
            continue;
        memcpy(host + at, p->before + at, GRANULE);
        memory_wrote(u->cpu->env.memory, p->ram, p->offset + at, GRANULE);
    }
}

/* -------------------------------------------------------------------- TLB */

void undo_note(struct undo *u, struct tlb_entry *entry,
               struct jcache_entry *jump)
{
    struct undo_note *n;

    if (!u->on)
        return;
    if (u->n_notes == u->notes_room) {
        size_t room = u->notes_room ? u->notes_room * 2 : 256;

        n = realloc(u->notes, room * sizeof(*n));
        if (!n) {
            u->no_memory = true;
            return;
        }
        u->notes = n;
        u->notes_room = room;
    }
    n = &u->notes[u->n_notes++];
    n->entry = entry;
    n->jump = jump;
    if (entry)
        n->old = *entry;
}

static void note_table(struct undo *u, struct tlb_entry *t, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (t[i].tag != TLB_EMPTY)
            undo_note(u, &t[i], NULL);
}

/* Write entries are all of this phase, and noted. */
void undo_note_all(struct undo *u)
{
    if (!u->on)
        return;
    note_table(u, u->cpu->read, TLB_SIZE);
    note_table(u, u->cpu->fetch, FETCH_TLB_SIZE);
    note_table(u, u->cpu->global[ACCESS_READ], GLOBAL_TLB_SIZE);
    note_table(u, u->cpu->global[ACCESS_FETCH], GLOBAL_TLB_SIZE);
}

static void restore_tlb(struct undo *u)
{
    while (u->n_notes) {
        const struct undo_note *n = &u->notes[--u->n_notes];

        if (n->entry)
            *n->entry = n->old;
        else
            n->jump->context = UINT64_MAX;
    }
    tlb_forget_near(u->cpu);
    u->cpu->jit->forget(u->cpu);
}

static bool is_write(const struct undo *u, const struct tlb_entry *e)
{
    const struct tlb_entry *first = u->cpu->write;

    return (uintptr_t)e >= (uintptr_t)first &&
           (uintptr_t)e < (uintptr_t)(first + TLB_SIZE);
}

/* ------------------------------------------------------------------ phases */

void undo_begin(struct undo *u)
{
    undo_copy(u->start, u->cpu);
    u->on = true;
}

void undo_back(struct undo *u, bool keep)
{
    for (struct undo_page *p = u->pages; p; p = p->next) {
        if (keep)
            memcpy(p->after, p->ram->host + p->offset, PAGE_SIZE);
        p->kept = keep;
        restore_page(u, p);
    }
    restore_tlb(u);
    restore_state(u);
}

void undo_end(struct undo *u)
{
    while (u->n_notes) {
        struct tlb_entry *e = u->notes[--u->n_notes].entry;

        if (e && is_write(u, e))
            e->tag = TLB_EMPTY;
    }
    tlb_forget_near(u->cpu);
    u->cpu->jit->forget(u->cpu);
    while (u->pages) {
        struct undo_page *p = u->pages;

        u->pages = p->next;
        u->buckets[bucket_of(p->ram->host + p->offset)] = NULL;
        p->next = u->spare;
        u->spare = p;
    }
    u->on = false;
}
