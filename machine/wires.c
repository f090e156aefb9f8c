/*
 * Interrupt wires, from the tree: device outputs to the inputs of interrupt
 * controllers and CPUs.
 *
 * The interrupt-controller below a cpu node is the CPU itself: its first
 * cell is the CPU's input line.  A PCI host bridge's outputs are INTA to
 * INTD of slot 0, per its interrupt-map; which slot's pin is which is the
 * bridge's to know and to check.
 *
 * Missing: one output that goes to several inputs (a device that fans out
 * does that).
 */
#include <stdlib.h>

#include "devices/pci/pci.h"
#include "machine/machine_priv.h"

#define CPU_LINES 64
#define PCI_PINS 4

/* PCI functions have their bus's pins, unless they have wires beside it. */
static bool wired_by_bus(const struct machine *m, int node)
{
    int parent = m->tree.node[node].parent;

    return parent >= 0 && tree_is_pci_bus(&m->tree, parent) &&
           !tree_prop(&m->tree, node, "interrupts-extended", NULL);
}

bool machine_count_outputs(struct machine *m, int node, unsigned *n,
                           struct error *e)
{
    struct tree_irq *irq;

    *n = 0;
    if (wired_by_bus(m, node))
        return true;
    if (!tree_irqs(&m->tree, node, &irq, n, e))
        return false;
    free(irq);
    return true;
}

/* The number of the CPU that this node is part of, or -1. */
static int cpu_of(const struct machine *m, int node)
{
    int cpu[MACHINE_MAX_CPUS];
    unsigned n = tree_cpus(&m->tree, cpu, MACHINE_MAX_CPUS, NULL);

    for (unsigned i = 0; i < n; i++) {
        if (node >= cpu[i] && node < m->tree.node[cpu[i]].end)
            return (int)i;
    }
    return -1;
}

static bool to_cpu(struct machine *m, int node, const struct tree_irq *irq,
                   int cpu, struct wire *out, struct error *e)
{
    if (irq->cell[0] >= CPU_LINES)
        return tree_error(&m->tree, node, "interrupts", e,
                          "a CPU has no interrupt input %u", irq->cell[0]);
    *out = cpu_input(m->vcpu[cpu].cpu, irq->cell[0]);
    return true;
}

static bool resolve(struct machine *m, int node, const struct tree_irq *irq,
                    struct wire *out, struct error *e)
{
    char path[TREE_MAX_PATH];
    struct device *dev;
    unsigned line;
    int cpu;

    *out = (struct wire){.set = NULL};
    if (irq->controller < 0)
        return true;
    cpu = cpu_of(m, irq->controller);
    if (cpu >= 0)
        return to_cpu(m, node, irq, cpu, out, e);
    tree_path(&m->tree, irq->controller, path);
    dev = machine_device_at(m, irq->controller);
    if (!dev || !dev->class->specifier || !dev->class->input)
        return tree_error(&m->tree, node, "interrupts", e,
                          "%s takes no interrupts", path);
    if (!dev->class->specifier(dev, irq->cell, irq->n, &line))
        return tree_error(&m->tree, node, "interrupts", e,
                          "%s has no input <%u%s>", path, irq->cell[0],
                          irq->n > 1 ? " ..." : "");
    *out = device_input(dev, line);
    return out->set || tree_error(&m->tree, node, "interrupts", e,
                                  "%s has no input %u", path, line);
}

static bool connect_pci(struct machine *m, struct device *dev, int node,
                        struct error *e)
{
    for (unsigned pin = 0; pin < PCI_PINS && pin < dev->n_out; pin++) {
        struct tree_irq irq = {.controller = -1};
        struct pci_route r;

        if (!pci_interrupt_route(m->tree.fdt, m->tree.node[node].offset, 0, pin,
                                 &r, e))
            return error_prefix(e, "%s", m->tree.name);
        irq.controller = tree_by_offset(&m->tree, r.controller);
        irq.n = r.n < TREE_MAX_CELLS ? r.n : TREE_MAX_CELLS;
        for (unsigned i = 0; i < irq.n; i++)
            irq.cell[i] = r.cells[i];
        if (!resolve(m, node, &irq, &dev->out[pin], e))
            return false;
    }
    return true;
}

static bool connect_device(struct machine *m, struct device *dev, int node,
                           struct error *e)
{
    struct tree_irq *irq;
    unsigned n;
    bool ok = true;

    if (wired_by_bus(m, node))
        return true;
    if (!tree_irqs(&m->tree, node, &irq, &n, e))
        return false;
    for (unsigned i = 0; i < n && i < dev->n_out && ok; i++)
        ok = resolve(m, node, &irq[i], &dev->out[i], e);
    free(irq);
    if (ok && n == 0 && dev->class->pci &&
        tree_prop(&m->tree, node, "interrupt-map", NULL))
        ok = connect_pci(m, dev, node, e);
    return ok;
}

/* -- circles: a wire that comes back would call for ever -- */

enum colour { UNSEEN, OPEN, DONE };

static unsigned member_of(const struct machine *m, const void *listener)
{
    unsigned i = 0;

    while (i < m->n_members && m->members[i].dev != listener)
        i++;
    return i;
}

/* Follow the outputs of member i.  Recursion ends at TREE_MAX_DEPTH: a chain
 * of more controllers than that is refused like a circle. */
static bool follow(struct machine *m, unsigned i, uint8_t *colour,
                   unsigned depth, struct error *e)
{
    struct device *dev = m->members[i].dev;

    if (colour[i] == OPEN || depth > TREE_MAX_DEPTH)
        return tree_error(&m->tree, m->members[i].node, "interrupts", e,
                          "go in a circle");
    if (colour[i] == DONE)
        return true;
    colour[i] = OPEN;
    for (unsigned n = 0; n < dev->n_out; n++) {
        struct wire *w = &dev->out[n];
        unsigned to;

        if (!w->set)
            continue;
        to = member_of(m, w->listener);
        if (to < m->n_members && !follow(m, to, colour, depth + 1, e))
            return false;
    }
    colour[i] = DONE;
    return true;
}

bool machine_connect(struct machine *m, struct error *e)
{
    uint8_t *colour;
    bool ok = true;

    for (unsigned i = 0; i < m->n_members; i++) {
        if (!connect_device(m, m->members[i].dev, m->members[i].node, e))
            return false;
    }
    colour = calloc(m->n_members + 1, 1);
    if (!colour)
        return error_set(e, "out of memory");
    for (unsigned i = 0; i < m->n_members && ok; i++)
        ok = follow(m, i, colour, 0, e);
    free(colour);
    return ok;
}
