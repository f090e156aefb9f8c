/*
 * Does everything have its place to itself?
 *
 * Registers, RAM and ROM that overlap are an error, unless a node says by
 * emu,priority that it means to lie over or under another.  A PCI bus's
 * windows may hold other registers, but no RAM, unless they are what RAM
 * leaves of the addresses (a PC).
 */
#include <inttypes.h>
#include <stdlib.h>

#include "devices/pci/pci.h"
#include "machine/machine_priv.h"

struct place {
    const struct memory *space;
    int priority;
    uint64_t base, last;
    const char *name;
};

static int by_place(const void *a, const void *b)
{
    const struct place *p = a, *q = b;

    if (p->space != q->space)
        return (uintptr_t)p->space < (uintptr_t)q->space ? -1 : 1;
    if (p->priority != q->priority)
        return p->priority < q->priority ? -1 : 1;
    if (p->base != q->base)
        return p->base < q->base ? -1 : 1;
    return 0;
}

static void note(struct place *list, unsigned *n, const struct region *r)
{
    if (!r->space || r->size == 0)
        return;
    list[(*n)++] = (struct place){r->space, r->priority, r->base,
                                  r->base + (r->size - 1), r->name};
}

static unsigned note_all(struct machine *m, struct place *list)
{
    unsigned n = 0;

    for (unsigned i = 0; i < m->n_ram; i++)
        note(list, &n, &m->ram_region[i]);
    note(list, &n, &m->rom_region);
    note(list, &n, &m->rom_alias);
    for (unsigned i = 0; i < m->n_members; i++) {
        struct device *dev = m->members[i].dev;

        if (device_class_is_pci(dev->class))
            continue;
        for (unsigned w = 0; w < dev->class->n_windows; w++)
            note(list, &n, &dev->regions[w]);
    }
    return n;
}

static bool overlap(struct machine *m, const struct place *a,
                    const struct place *b, struct error *e)
{
    const struct place *t = a;

    /* The node that the line begins with: the later one, if it is one. */
    if (b->name[0] == '/') {
        a = b;
        b = t;
    }
    return error_set(e,
                     "%s: %s: reg: 0x%" PRIx64 " to 0x%" PRIx64
                     " overlaps %s at 0x%" PRIx64 " to 0x%" PRIx64,
                     m->tree.name, a->name, a->base, a->last, b->name, b->base,
                     b->last);
}

static bool check_sorted(struct machine *m, const struct place *list,
                         unsigned n, struct error *e)
{
    unsigned highest = 0; /* the one that reaches furthest so far */

    for (unsigned i = 1; i < n; i++) {
        const struct place *h = &list[highest], *p = &list[i];

        if (h->space != p->space || h->priority != p->priority) {
            highest = i;
            continue;
        }
        if (p->base <= h->last)
            return overlap(m, h, p, e);
        highest = i;
    }
    return true;
}

/* RAM behind a PCI window would hide it. */
static bool check_windows(struct machine *m, struct device *host,
                          struct error *e)
{
    const struct pci_bus *bus = host->class->pci(host);

    for (unsigned w = 0; w < bus->n_windows && !bus->under_ram; w++) {
        const struct pci_window *win = &bus->window[w];
        struct place window = {win->io ? bus->ports : bus->memory, 0, win->cpu,
                               win->cpu + (win->size - 1), "a PCI window"};

        for (unsigned i = 0; i < m->n_ram; i++) {
            struct place ram;
            unsigned n = 0;

            note(&ram, &n, &m->ram_region[i]);
            if (n && ram.space == window.space && ram.base <= window.last &&
                window.base <= ram.last)
                return overlap(m, &ram, &window, e);
        }
    }
    return true;
}

bool machine_check_overlaps(struct machine *m, struct error *e)
{
    size_t room = m->n_ram + 2 + (size_t)m->n_members * DEVICE_MAX_WINDOWS;
    struct place *list = calloc(room, sizeof(*list));
    unsigned n;
    bool ok;

    if (!list)
        return error_set(e, "out of memory");
    n = note_all(m, list);
    qsort(list, n, sizeof(*list), by_place);
    ok = check_sorted(m, list, n, e);
    free(list);
    for (unsigned i = 0; i < m->n_members && ok; i++) {
        if (m->members[i].dev->class->pci)
            ok = check_windows(m, m->members[i].dev, e);
    }
    return ok;
}
