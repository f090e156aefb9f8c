/*
 * Reading device trees: index, properties, addresses, interrupts.
 *
 * Devicetree Specification 0.4: 2.2.1 (names), 2.3 (standard properties),
 * 2.4 (interrupts); Open Firmware's ISA/EISA binding (an address is a cell
 * of flags, bit 0 for I/O, and a number) and PCI binding 2.1 (phys.hi).
 *
 * I/O addresses of an ISA or PCI bus that its `ranges` does not mention go
 * up unchanged; those that arrive at the root are the port space's.
 *
 * Missing: interrupt nexus nodes other than PCI host bridges (those find
 * their way through `interrupt-map` in devices/pci), dma-ranges, addresses
 * of more than 64 bits.
 */
#include "machine/tree.h"

#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

/* -- the index -- */

static bool grow(struct tree *t, int *room)
{
    int more = *room ? *room * 2 : 64;
    struct tree_node *p = realloc(t->node, (size_t)more * sizeof(*p));

    if (!p)
        return false;
    t->node = p;
    *room = more;
    return true;
}

/* The ancestor of `last`, or last itself, at this depth below the root; the
 * nodes that this leaves end here. */
static int ancestor(const struct tree *t, int last, int last_depth, int depth)
{
    for (; last >= 0 && last_depth > depth; last_depth--) {
        t->node[last].end = t->n;
        last = t->node[last].parent;
    }
    return last;
}

static bool check_phandle(struct tree *t, int node, struct error *e)
{
    int other;

    if (t->node[node].phandle == 0)
        return true;
    other = tree_by_phandle(t, t->node[node].phandle);
    if (other == node)
        return true;
    return tree_error(t, node, "phandle", e, "%s has the same one",
                      tree_node_name(t, other));
}

static bool add_node(struct tree *t, int offset, int parent, struct error *e)
{
    int node = t->n++;

    t->node[node] = (struct tree_node){
        .offset = offset,
        .parent = parent,
        .phandle = fdt_get_phandle(t->fdt, offset),
    };
    if (t->node[node].phandle == UINT32_MAX)
        t->node[node].phandle = 0;
    return check_phandle(t, node, e);
}

static bool make_index(struct tree *t, struct error *e)
{
    int room = 0, last = -1, last_depth = -1;

    for (int at = 0, depth = 0; at >= 0 && depth >= 0;
         at = fdt_next_node(t->fdt, at, &depth)) {
        if (t->n == TREE_MAX_NODES)
            return error_set(e, "%s: more than %d nodes", t->name,
                             TREE_MAX_NODES);
        if (depth > TREE_MAX_DEPTH)
            return error_set(e, "%s: nodes nested more than %d deep", t->name,
                             TREE_MAX_DEPTH);
        if (t->n >= room && !grow(t, &room))
            return error_set(e, "%s: out of memory", t->name);
        last = ancestor(t, last, last_depth, depth - 1);
        if (!add_node(t, at, last, e))
            return false;
        last = t->n - 1;
        last_depth = depth;
    }
    ancestor(t, last, last_depth, -1);
    return true;
}

bool tree_open(struct tree *t, const char *name, const void *dtb, size_t size,
               struct error *e)
{
    int err;

    *t = (struct tree){.name = strdup(name), .size = size};
    if (!t->name)
        return error_set(e, "%s: out of memory", name);
    if (size < sizeof(struct fdt_header) || fdt_magic(dtb) != FDT_MAGIC)
        return error_set(e, "%s: not a device tree blob (.dtb)", name);
    if (fdt_totalsize(dtb) > size)
        return error_set(e,
                         "%s: a tree of %u bytes, of which only %zu are "
                         "there",
                         name, fdt_totalsize(dtb), size);
    t->size = fdt_totalsize(dtb);
    if (t->size > TREE_MAX_SIZE)
        return error_set(e, "%s: a tree of %zu bytes; at most %zu are taken",
                         name, t->size, TREE_MAX_SIZE);
    t->fdt = malloc(t->size);
    if (!t->fdt)
        return error_set(e, "%s: out of memory", name);
    memcpy(t->fdt, dtb, t->size);
    err = fdt_check_full(t->fdt, t->size);
    if (err)
        return error_set(e, "%s: damaged device tree: %s", name,
                         fdt_strerror(err));
    return make_index(t, e);
}

void tree_close(struct tree *t)
{
    free(t->name);
    free(t->fdt);
    free(t->node);
    *t = (struct tree){.n = 0};
}

/* -- names -- */

const char *tree_node_name(const struct tree *t, int node)
{
    const char *name = fdt_get_name(t->fdt, t->node[node].offset, NULL);

    return name ? name : "?";
}

const char *tree_path(const struct tree *t, int node, char *out)
{
    int chain[TREE_MAX_DEPTH + 2], n = 0;
    size_t at = 0;

    for (; t->node[node].parent >= 0; node = t->node[node].parent)
        chain[n++] = node;
    strcpy(out, "/");
    while (n-- > 0 && at < TREE_MAX_PATH)
        at += (size_t)snprintf(out + at, TREE_MAX_PATH - at, "/%s",
                               tree_node_name(t, chain[n]));
    return out;
}

bool tree_error(const struct tree *t, int node, const char *prop,
                struct error *e, const char *fmt, ...)
{
    char path[TREE_MAX_PATH], text[sizeof(((struct error *)0)->text)];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return error_set(e, "%s: %s: %s%s%s", t->name, tree_path(t, node, path),
                     prop ? prop : "", prop ? ": " : "", text);
}

bool tree_named(const struct tree *t, int node, const char *name)
{
    const char *have = tree_node_name(t, node);
    size_t n = strlen(name);

    return strncmp(have, name, n) == 0 && (have[n] == 0 || have[n] == '@');
}

int tree_child(const struct tree *t, int node, const char *name)
{
    for (int i = node + 1; i < t->node[node].end; i++) {
        if (t->node[i].parent == node && tree_named(t, i, name))
            return i;
    }
    return -1;
}

int tree_by_phandle(const struct tree *t, uint32_t phandle)
{
    if (phandle == 0)
        return -1;
    for (int i = 0; i < t->n; i++) {
        if (t->node[i].phandle == phandle)
            return i;
    }
    return -1;
}

int tree_by_offset(const struct tree *t, int offset)
{
    for (int i = 0; i < t->n; i++) {
        if (t->node[i].offset == offset)
            return i;
    }
    return -1;
}

/* -- properties -- */

const uint8_t *tree_prop(const struct tree *t, int node, const char *prop,
                         int *size)
{
    int n;
    const void *p = fdt_getprop(t->fdt, t->node[node].offset, prop, &n);

    if (size)
        *size = p ? n : 0;
    return p;
}

const char *tree_string(const struct tree *t, int node, const char *prop)
{
    int size;
    const uint8_t *p = tree_prop(t, node, prop, &size);

    return p && memchr(p, 0, (size_t)size) ? (const char *)p : NULL;
}

bool tree_u64(const struct tree *t, int node, const char *prop,
              uint64_t fallback, uint64_t *out, struct error *e)
{
    int size;
    const uint8_t *p = tree_prop(t, node, prop, &size);

    *out = fallback;
    if (!p)
        return true;
    if (size != 4 && size != 8)
        return tree_error(t, node, prop, e,
                          "%d bytes long: wanted one or two cells", size);
    *out = size == 4 ? ld_be32(p) : ld_be64(p);
    return true;
}

bool tree_u32(const struct tree *t, int node, const char *prop,
              uint32_t fallback, uint32_t *out, struct error *e)
{
    int size;
    const uint8_t *p = tree_prop(t, node, prop, &size);

    *out = fallback;
    if (!p)
        return true;
    if (size != 4)
        return tree_error(t, node, prop, e, "%d bytes long: wanted one cell",
                          size);
    *out = ld_be32(p);
    return true;
}

const char *tree_compatible(const struct tree *t, int node, int i)
{
    int size;
    const char *p = (const char *)tree_prop(t, node, "compatible", &size);

    while (p && size > 0) {
        const char *end = memchr(p, 0, (size_t)size);

        if (!end)
            return NULL;
        if (i-- == 0)
            return p;
        size -= (int)(end + 1 - p);
        p = end + 1;
    }
    return NULL;
}

bool tree_is_compatible(const struct tree *t, int node, const char *name)
{
    const char *have;

    for (int i = 0; (have = tree_compatible(t, node, i)); i++) {
        if (strcmp(have, name) == 0)
            return true;
    }
    return false;
}

bool tree_disabled(const struct tree *t, int node)
{
    const char *status = tree_string(t, node, "status");

    return status && strcmp(status, "okay") != 0 && strcmp(status, "ok") != 0;
}

/* -- addresses -- */

enum bus_kind { BUS_PLAIN, BUS_ISA, BUS_PCI };

/* What a bus calls an address. */
struct bus_format {
    enum bus_kind kind;
    uint32_t address_cells, size_cells;
};

bool tree_is_pci_bus(const struct tree *t, int node)
{
    const char *type = tree_string(t, node, "device_type");

    return type && strcmp(type, "pci") == 0;
}

static bool bus_format(const struct tree *t, int bus, struct bus_format *f,
                       struct error *e)
{
    static const uint32_t cells[] = {0, 2, 3};

    if (!tree_u32(t, bus, "#address-cells", 2, &f->address_cells, e) ||
        !tree_u32(t, bus, "#size-cells", 1, &f->size_cells, e))
        return false;
    f->kind = tree_is_pci_bus(t, bus)             ? BUS_PCI
              : tree_is_compatible(t, bus, "isa") ? BUS_ISA
                                                  : BUS_PLAIN;
    if (f->size_cells > 2)
        return tree_error(t, bus, "#size-cells", e, "%u: wanted 0 to 2",
                          f->size_cells);
    if (f->kind == BUS_PLAIN && f->address_cells > 2)
        return tree_error(t, bus, "#address-cells", e, "%u: wanted 0 to 2",
                          f->address_cells);
    if (f->kind != BUS_PLAIN && f->address_cells != cells[f->kind])
        return tree_error(t, bus, "#address-cells", e,
                          "%u: this kind of bus has %u", f->address_cells,
                          cells[f->kind]);
    return true;
}

static uint64_t get_cells(const uint8_t *p, uint32_t n)
{
    uint64_t v = 0;

    for (; n; n--, p += 4)
        v = v << 32 | ld_be32(p);
    return v;
}

/* false: it is PCI configuration space. */
static bool get_address(const struct bus_format *f, const uint8_t *p,
                        struct tree_place *out)
{
    uint32_t flags = f->kind == BUS_PLAIN ? 0 : ld_be32(p);

    out->port = false;
    if (f->kind == BUS_PLAIN) {
        out->base = get_cells(p, f->address_cells);
    } else if (f->kind == BUS_ISA) {
        out->base = ld_be32(p + 4);
        out->port = flags & 1;
    } else {
        out->base = ld_be64(p + 4);
        out->port = (flags >> 24 & 3) == 1;
        return flags >> 24 & 3;
    }
    return true;
}

static bool has_ports(enum bus_kind kind)
{
    return kind != BUS_PLAIN;
}

/* Take a place on `bus` through the ranges of the bus to where the bus
 * itself lies. */
static bool through(const struct tree *t, int node, int bus,
                    struct tree_place *place, struct error *e)
{
    struct bus_format child, parent;
    struct tree_place from, to;
    int size, entry;
    const uint8_t *p = tree_prop(t, bus, "ranges", &size);

    if (!bus_format(t, bus, &child, e) ||
        !bus_format(t, t->node[bus].parent, &parent, e))
        return false;
    if (p && size == 0)
        return true;
    entry = 4 * (int)(child.address_cells + parent.address_cells +
                      child.size_cells);
    if (p && (entry == 0 || size % entry))
        return tree_error(t, bus, "ranges", e,
                          "%d bytes long: wanted entries of %d", size, entry);
    for (; p && size; size -= entry, p += entry) {
        const uint8_t *q = p + 4 * child.address_cells;

        if (!get_address(&child, p, &from) || !get_address(&parent, q, &to))
            continue;
        from.size = get_cells(q + 4 * parent.address_cells, child.size_cells);
        if (from.port != place->port || place->base < from.base ||
            place->base - from.base > from.size ||
            place->size > from.size - (place->base - from.base))
            continue;
        place->base = place->base - from.base + to.base;
        place->port = to.port;
        return true;
    }
    if (place->port && has_ports(child.kind) &&
        (has_ports(parent.kind) || t->node[bus].parent == 0))
        return true;
    return tree_error(t, node, "reg", e,
                      "0x%llx+0x%llx is not in the ranges of the bus %s",
                      (unsigned long long)place->base,
                      (unsigned long long)place->size, tree_node_name(t, bus));
}

int tree_reg_count(const struct tree *t, int node, struct error *e)
{
    struct bus_format f;
    int size, entry;

    if (!tree_prop(t, node, "reg", &size) || node == 0)
        return 0;
    if (!bus_format(t, t->node[node].parent, &f, e))
        return -1;
    entry = 4 * (int)(f.address_cells + f.size_cells);
    if (entry == 0 || size % entry) {
        tree_error(t, node, "reg", e, "%d bytes long: wanted entries of %d",
                   size, entry);
        return -1;
    }
    return size / entry;
}

bool tree_reg(const struct tree *t, int node, int i, struct tree_place *out,
              struct error *e)
{
    int bus = t->node[node].parent, n = tree_reg_count(t, node, e);
    struct bus_format f;
    const uint8_t *p;

    if (n < 0)
        return false;
    if (i >= n)
        return tree_error(t, node, "reg", e, "has no entry %d", i);
    if (!bus_format(t, bus, &f, e))
        return false;
    p = tree_prop(t, node, "reg", NULL) +
        4 * (uint32_t)i * (f.address_cells + f.size_cells);
    if (!get_address(&f, p, out))
        return tree_error(t, node, "reg", e, "names configuration space");
    out->size = get_cells(p + 4 * f.address_cells, f.size_cells);
    if (out->size && out->base + (out->size - 1) < out->base)
        return tree_error(t, node, "reg", e, "runs over the end of addresses");
    for (; bus != 0; bus = t->node[bus].parent) {
        if (!through(t, node, bus, out, e))
            return false;
    }
    if (out->size && out->base + (out->size - 1) < out->base)
        return tree_error(t, node, "reg", e, "runs over the end of addresses");
    return true;
}

bool tree_pci_devfn(const struct tree *t, int node, int *devfn, struct error *e)
{
    int size;
    const uint8_t *p = tree_prop(t, node, "reg", &size);

    if (!p || size < 20)
        return tree_error(t, node, "reg", e,
                          "wanted a PCI function's: five cells, the first "
                          "device << 11 | function << 8");
    *devfn = (int)(ld_be32(p) >> 8 & 0xff);
    if (ld_be32(p) & 0x03ff00ff)
        return tree_error(t, node, "reg", e,
                          "0x%x is not the configuration space of a function "
                          "on bus 0",
                          ld_be32(p));
    return true;
}

/* -- interrupts -- */

static bool irq_cells(const struct tree *t, int node, const char *prop,
                      int controller, uint32_t *n, struct error *e)
{
    if (!tree_prop(t, controller, "#interrupt-cells", NULL))
        return tree_error(t, node, prop, e,
                          "%s has no #interrupt-cells, hence is no interrupt "
                          "controller",
                          tree_node_name(t, controller));
    if (!tree_u32(t, controller, "#interrupt-cells", 0, n, e))
        return false;
    if (*n < 1 || *n > TREE_MAX_CELLS)
        return tree_error(t, controller, "#interrupt-cells", e,
                          "%u: wanted 1 to %d", *n, TREE_MAX_CELLS);
    return true;
}

/* One phandle with its specifier; returns the cells used, 0: error. */
static int extended(const struct tree *t, int node, const uint8_t *p, int left,
                    struct tree_irq *out, struct error *e)
{
    static const char prop[] = "interrupts-extended";

    *out = (struct tree_irq){.controller = -1};
    if (ld_be32(p) == 0)
        return 1;
    out->controller = tree_by_phandle(t, ld_be32(p));
    if (out->controller < 0) {
        tree_error(t, node, prop, e, "no node has the phandle 0x%x",
                   ld_be32(p));
        return 0;
    }
    if (!irq_cells(t, node, prop, out->controller, &out->n, e))
        return 0;
    if ((int)out->n >= left) {
        tree_error(t, node, prop, e, "ends within a specifier for %s",
                   tree_node_name(t, out->controller));
        return 0;
    }
    for (unsigned i = 0; i < out->n; i++)
        out->cell[i] = ld_be32(p + 4 + 4 * i);
    return 1 + (int)out->n;
}

static bool irqs_extended(const struct tree *t, int node, const uint8_t *p,
                          int size, struct tree_irq *out, unsigned *n,
                          struct error *e)
{
    for (int at = 0, used; at < size / 4; at += used) {
        used = extended(t, node, p + 4 * at, size / 4 - at, &out[*n], e);
        if (!used)
            return false;
        ++*n;
    }
    return true;
}

/* The nearest interrupt-parent at or above node, or -1 with e set. */
static int interrupt_parent(const struct tree *t, int node, struct error *e)
{
    uint32_t phandle;
    int at, found;

    for (at = node; at >= 0; at = t->node[at].parent) {
        if (!tree_u32(t, at, "interrupt-parent", 0, &phandle, e))
            return -1;
        if (phandle)
            break;
    }
    if (at < 0) {
        tree_error(t, node, "interrupts", e,
                   "neither this node nor one above it has an "
                   "interrupt-parent");
        return -1;
    }
    found = tree_by_phandle(t, phandle);
    if (found < 0)
        tree_error(t, at, "interrupt-parent", e, "no node has the phandle 0x%x",
                   phandle);
    return found;
}

static bool irqs_plain(const struct tree *t, int node, const uint8_t *p,
                       int size, struct tree_irq *out, unsigned *n,
                       struct error *e)
{
    int controller = interrupt_parent(t, node, e);
    uint32_t cells;

    if (controller < 0 ||
        !irq_cells(t, node, "interrupts", controller, &cells, e))
        return false;
    if ((uint32_t)size % (4 * cells))
        return tree_error(t, node, "interrupts", e,
                          "%d bytes long: %s wants %u cells each", size,
                          tree_node_name(t, controller), cells);
    for (; size > 0; size -= 4 * (int)cells, ++*n) {
        out[*n] = (struct tree_irq){.controller = controller, .n = cells};
        for (uint32_t i = 0; i < cells; i++, p += 4)
            out[*n].cell[i] = ld_be32(p);
    }
    return true;
}

bool tree_irqs(const struct tree *t, int node, struct tree_irq **out,
               unsigned *n, struct error *e)
{
    int size;
    const uint8_t *p = tree_prop(t, node, "interrupts-extended", &size);
    bool ext = p != NULL;
    bool ok;

    *out = NULL;
    *n = 0;
    if (!p)
        p = tree_prop(t, node, "interrupts", &size);
    if (!p || size == 0)
        return true;
    if (size % 4)
        return tree_error(t, node, ext ? "interrupts-extended" : "interrupts",
                          e, "%d bytes long: no whole cells", size);
    *out = calloc((size_t)size / 4, sizeof(**out));
    if (!*out)
        return tree_error(t, node, NULL, e, "out of memory");
    ok = ext ? irqs_extended(t, node, p, size, *out, n, e)
             : irqs_plain(t, node, p, size, *out, n, e);
    if (!ok) {
        free(*out);
        *out = NULL;
    }
    return ok;
}
