/*
 * Interrupt wires, from the tree: device outputs to the inputs of interrupt
 * controllers and CPUs; what RISC-V's AIA has beside them (an APLIC's
 * riscv,children, a hart's access to its IMSIC), and a PC's local APICs, 8259s,
 * host bridge and floppy controller (its DMA channel).
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

#include "base/bytes.h"
#include "devices/aplic.h"
#include "devices/fdc.h"
#include "devices/i8254.h"
#include "devices/i8259.h"
#include "devices/imsic.h"
#include "devices/ioapic.h"
#include "devices/isa.h"
#include "devices/lapic.h"
#include "devices/pci/i440fx.h"
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
    /* A hart's inputs are levels, and neither would know that the other still
     * asserts its own.  A PC's are told of edges by whom it may concern. */
    if (tree_is_compatible(&m->tree, irq->controller, "riscv,cpu-intc") &&
        m->vcpu[cpu].wired >> irq->cell[0] & 1)
        return tree_error(&m->tree, node, "interrupts", e,
                          "input %u of CPU %d is driven by another device",
                          irq->cell[0], cpu);
    m->vcpu[cpu].wired |= (uint64_t)1 << irq->cell[0];
    *out = cpu_input(m->vcpu[cpu].cpu, irq->cell[0]);
    return true;
}

static bool input_line(struct device *dev, const struct tree_irq *irq,
                       unsigned *line)
{
    *line = 0;
    return dev->class->specifier
               ? dev->class->specifier(dev, irq->cell, irq->n, line)
               : irq->n == 1 && irq->cell[0] == 0;
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
    if (!dev || !dev->class->input ||
        (!dev->class->specifier && dev->class->n_inputs != 1))
        return tree_error(&m->tree, node, "interrupts", e,
                          "%s takes no interrupts", path);
    if (!input_line(dev, irq, &line))
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

/* -- AIA -- */

static bool adopt_children(struct machine *m, struct device *dev, int node,
                           struct error *e)
{
    const char *const prop = "riscv,children";
    int size = 0;
    const uint8_t *p = tree_prop(&m->tree, node, prop, &size);

    if (size % 4)
        return tree_error(&m->tree, node, prop, e, "no whole cells");
    for (int i = 0; i < size; i += 4) {
        int at = tree_by_phandle(&m->tree, ld_be32(p + i));
        struct device *child = at < 0 ? NULL : machine_device_at(m, at);
        struct error why;

        if (!child)
            return tree_error(&m->tree, node, prop, e,
                              "no device has the phandle 0x%x", ld_be32(p + i));
        if (!aplic_adopt(dev, child, &why))
            return tree_error(&m->tree, node, prop, e, "%s", why.text);
    }
    return true;
}

/* Each output of an IMSIC goes to a hart: machine level (11) or supervisor
 * level (9), whose interrupt file it has. */
static bool connect_files(struct machine *m, struct device *dev, int node,
                          struct error *e)
{
    struct tree_irq *irq;
    unsigned n;
    bool ok = true;

    if (!tree_irqs(&m->tree, node, &irq, &n, e))
        return false;
    for (unsigned i = 0; i < n && ok; i++) {
        int cpu = irq[i].controller < 0 ? -1 : cpu_of(m, irq[i].controller);

        ok = cpu >= 0 && (irq[i].cell[0] == 11 || irq[i].cell[0] == 9);
        if (!ok)
            tree_error(&m->tree, node, "interrupts-extended", e,
                       "entry %u is no external interrupt of a hart (11 or 9)",
                       i);
        else
            m->vcpu[cpu].cpu->wires.msi[irq[i].cell[0] == 9] =
                (struct cpu_msi_file){imsic_read_reg, imsic_write_reg, dev, i};
    }
    free(irq);
    return ok;
}

/* -- x86 -- */

/* Each processor's local APIC, by its number. */
static bool connect_lapic(struct machine *m, struct device *lapic, int node,
                          struct error *e)
{
    if (lapic_cpus(lapic) != m->n_cpus)
        return tree_error(&m->tree, node, "interrupts-extended", e,
                          "are those of %u processors; there are %u",
                          lapic_cpus(lapic), m->n_cpus);
    for (unsigned i = 0; i < m->n_cpus; i++) {
        struct cpu_wires *w = &m->vcpu[i].cpu->wires;

        w->own = (struct cpu_own_page){UINT64_MAX, lapic_read, lapic_write,
                                       lapic, i};
        w->apic.acknowledge = lapic_acknowledge;
        w->apic.read_msr = lapic_read_msr;
        w->apic.write_msr = lapic_write_msr;
        w->apic.get_cr8 = lapic_get_cr8;
        w->apic.set_cr8 = lapic_set_cr8;
        w->apic.owner = lapic;
        w->apic.cpu = i;
    }
    for (unsigned i = 0; i < m->n_members; i++) {
        struct device *dev = m->members[i].dev;

        if (dev->class == &ioapic_class && !lapic_add_ioapic(lapic, dev))
            return tree_error(&m->tree, node, NULL, e, "too many I/O APICs");
    }
    return true;
}

/* INTA of a processor without a local APIC. */
static int acknowledge_pic(void *pic, unsigned cpu)
{
    (void)cpu;
    return i8259_int(pic) ? i8259_acknowledge(pic) : -1;
}

/* A master's INT goes to a local APIC or to a processor; a slave's to a
 * master, which adopts it. */
static bool connect_pic(struct machine *m, struct device *pic, int node,
                        struct error *e)
{
    void *to = pic->n_out ? pic->out[0].listener : NULL;
    struct error why;

    for (unsigned i = 0; i < m->n_members; i++) {
        struct device *dev = m->members[i].dev;

        if (dev != to)
            continue;
        if (dev->class == &lapic_class)
            lapic_set_pic(dev, i8259_acknowledge, pic);
        else if (dev->class == &i8259_class && !i8259_adopt(dev, pic, &why))
            return tree_error(&m->tree, node, "interrupts", e, "%s", why.text);
    }
    for (unsigned i = 0; i < m->n_cpus; i++) {
        struct cpu *c = m->vcpu[i].cpu;

        if (to == c && !c->wires.apic.acknowledge) {
            c->wires.apic.acknowledge = acknowledge_pic;
            c->wires.apic.owner = pic;
        }
    }
    return true;
}

/* SMIACT# of all processors goes to the bridge that hides SMRAM. */
static void connect_smm(struct machine *m, struct device *bridge)
{
    for (unsigned i = 0; i < m->n_cpus; i++) {
        struct cpu_apic *a = &m->vcpu[i].cpu->wires.apic;

        a->smm = i440fx_smm;
        a->smm_owner = bridge;
    }
}

/* The 8254 learns when its interrupt is taken, which is IRQ 0, and input 2 of
 * an IOAPIC.  With icount no CPU is ever late. */
static void connect_ticks(struct machine *m, struct device *pit)
{
    for (unsigned i = 0; i < m->n_members && !clock_is_icount(m->clock); i++) {
        struct device *dev = m->members[i].dev;

        if (dev->class == &i8259_class && i8259_is_master(dev))
            i8259_on_taken(dev, 0, i8254_taken, pit);
        if (dev->class == &ioapic_class)
            ioapic_on_taken(dev, 2, i8254_taken, pit);
    }
}

/* dmas = <&controller channel>: a floppy controller's. */
static bool connect_dma(struct machine *m, struct device *fdc, int node,
                        struct error *e)
{
    struct device *to = NULL;
    const uint8_t *p;
    struct error why;
    int size, at;

    p = tree_prop(&m->tree, node, "dmas", &size);
    if (!p)
        return true;
    at = size == 8 ? tree_by_phandle(&m->tree, ld_be32(p)) : -1;
    if (at >= 0)
        to = machine_device_at(m, at);
    if (!to)
        return tree_error(&m->tree, node, "dmas", e,
                          "wanted a DMA controller and its channel");
    return fdc_connect(fdc, to, ld_be32(p + 4), &why) ||
           tree_error(&m->tree, node, "dmas", e, "%s", why.text);
}

static bool connect_x86(struct machine *m, struct device *dev, int node,
                        struct error *e)
{
    if (dev->class == &fdc_class)
        return connect_dma(m, dev, node, e);
    if (dev->class == &lapic_class)
        return connect_lapic(m, dev, node, e);
    if (dev->class == &i8259_class)
        return connect_pic(m, dev, node, e);
    if (dev->class == &i8254_class)
        connect_ticks(m, dev);
    if (dev->class == &i440fx_class)
        connect_smm(m, dev);
    if (dev->class == &isa_ferr_class)
        m->vcpu[0].cpu->wires.ferr = device_input(dev, 0);
    return true;
}

static bool connect_aia(struct machine *m, struct device *dev, int node,
                        struct error *e)
{
    if (dev->class == &aplic_class)
        return adopt_children(m, dev, node, e);
    if (dev->class == &imsic_class)
        return connect_files(m, dev, node, e);
    return true;
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
        struct device *dev = m->members[i].dev;

        if (!connect_device(m, dev, m->members[i].node, e) ||
            !connect_aia(m, dev, m->members[i].node, e))
            return false;
    }
    for (unsigned i = 0; i < m->n_members; i++) {
        if (!connect_x86(m, m->members[i].dev, m->members[i].node, e))
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
