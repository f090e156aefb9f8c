/*
 * Writing copies of device trees with libfdt's sequential writer.
 *
 * A tree is copied node by node; a struct writer says what changes on the
 * way.  What does not fit the buffer is written anew into a larger one.
 *
 * Missing: cpu-map; CPUs of several kinds are only copied as they are.
 */
#include "machine/tree_write.h"

#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

/* A property for CPUs of 32 bits is called so, and as it is for others. */
#define NARROW "emu,rv32-"

struct writer {
    const struct tree *in;
    void *fdt;
    int err; /* libfdt's, the first */

    /* The machine's tree. */
    const struct tree_plan *plan; /* NULL: the guest's */
    int pattern;                  /* the one CPU's node, or -1 */
    uint32_t next_phandle;        /* behind the highest of the board */
    unsigned cpu;                 /* the CPU that is being written */
    unsigned ram;                 /* entries of plan->ram already written */

    /* The guest's. */
    const struct tree_boot *boot;
};

/* -- primitive writes; errors stick -- */

static void begin(struct writer *w, const char *name)
{
    if (!w->err)
        w->err = fdt_begin_node(w->fdt, name);
}

static void end(struct writer *w)
{
    if (!w->err)
        w->err = fdt_end_node(w->fdt);
}

static void put(struct writer *w, const char *name, const void *p, int size)
{
    if (!w->err)
        w->err = fdt_property(w->fdt, name, p, size);
}

static void put_u32(struct writer *w, const char *name, uint32_t v)
{
    uint8_t cell[4];

    st_be32(cell, v);
    put(w, name, cell, 4);
}

static void put_u64(struct writer *w, const char *name, uint64_t v)
{
    uint8_t cells[8];

    st_be64(cells, v);
    put(w, name, cells, 8);
}

static void put_string(struct writer *w, const char *name, const char *s)
{
    put(w, name, s, (int)strlen(s) + 1);
}

/* -- CPUs -- */

static bool is_cpu(const struct tree *t, int node)
{
    const char *type = tree_string(t, node, "device_type");

    return type ? strcmp(type, "cpu") == 0 : tree_named(t, node, "cpu");
}

/* One of those that tree_cpus() lists. */
static bool is_listed_cpu(const struct tree *t, int node)
{
    return t->node[node].parent == tree_child(t, 0, "cpus") &&
           is_cpu(t, node) && !tree_disabled(t, node);
}

unsigned tree_cpus(const struct tree *t, int *out, unsigned max,
                   struct error *e)
{
    int cpus = tree_child(t, 0, "cpus");
    unsigned n = 0;

    if (cpus < 0) {
        tree_error(t, 0, NULL, e, "there is no node 'cpus'");
        return 0;
    }
    for (int i = cpus + 1; i < t->node[cpus].end; i++) {
        if (!is_listed_cpu(t, i))
            continue;
        if (n == max) {
            tree_error(t, cpus, NULL, e, "more than %u CPUs", max);
            return 0;
        }
        out[n++] = i;
    }
    if (n == 0)
        tree_error(t, cpus, NULL, e, "there is no CPU");
    return n;
}

static bool below(const struct tree *t, int top, int node)
{
    return top >= 0 && node >= top && node < t->node[top].end;
}

/* Nodes with a phandle below the pattern, before `node`. */
static uint32_t ordinal(const struct tree *t, int top, int node)
{
    uint32_t n = 0;

    for (int i = top; i < node; i++)
        n += t->node[i].phandle != 0;
    return n;
}

/* What the phandle of a node of the pattern is in the CPU's copy. */
static uint32_t copied_phandle(const struct writer *w, int node, unsigned cpu)
{
    const struct tree *t = w->in;
    uint32_t each = ordinal(t, w->pattern, t->node[w->pattern].end);

    if (cpu == 0 || t->node[node].phandle == 0)
        return t->node[node].phandle;
    return w->next_phandle + (cpu - 1) * each + ordinal(t, w->pattern, node);
}

/* Does this list go to the pattern CPU, and nowhere else? */
static bool goes_to_cpu(const struct writer *w, const struct tree_irq *irq,
                        unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (irq[i].controller < 0 ||
            !below(w->in, w->pattern, irq[i].controller))
            return false;
    }
    return n > 0;
}

static void put_irqs(struct writer *w, const struct tree_irq *irq, unsigned n)
{
    unsigned cpus = w->plan->cpus;
    uint8_t *list, *p;

    list = p = malloc((size_t)cpus * n * 4 * (1 + TREE_MAX_CELLS));
    if (!list) {
        w->err = w->err ? w->err : -FDT_ERR_INTERNAL;
        return;
    }
    for (unsigned cpu = 0; cpu < cpus; cpu++) {
        for (unsigned i = 0; i < n; i++) {
            st_be32(p, copied_phandle(w, irq[i].controller, cpu));
            p += 4;
            for (unsigned c = 0; c < irq[i].n; c++, p += 4)
                st_be32(p, irq[i].cell[c]);
        }
    }
    put(w, "interrupts-extended", list, (int)(p - list));
    free(list);
}

/* True if it wrote the property. */
static bool repeat_irqs(struct writer *w, int node)
{
    struct tree_irq *irq;
    unsigned n;
    bool mine;

    if (w->pattern < 0 || !tree_irqs(w->in, node, &irq, &n, NULL))
        return false;
    mine = goes_to_cpu(w, irq, n);
    if (mine)
        put_irqs(w, irq, n);
    free(irq);
    return mine;
}

/* What is said of each CPU, for the one that is at hand; NULL: nothing. */
static const char *cpu_text(const struct writer *w, int node,
                            const char *const *of_each)
{
    bool mine = node == w->pattern ||
                (w->pattern < 0 && is_listed_cpu(w->in, node));

    return mine && of_each ? of_each[w->cpu] : NULL;
}

/* -- what a CPU can do -- */

/* Extensions by which a CPU has caches' blocks, of 64 bytes (Zic64b). */
static const struct {
    const char *extension, *property;
} blocks[] = {
    {"zicbom", "riscv,cbom-block-size"},
    {"zicbop", "riscv,cbop-block-size"},
    {"zicboz", "riscv,cboz-block-size"},
};
#define N_BLOCKS (sizeof(blocks) / sizeof(blocks[0]))
#define BLOCK_SIZE 64

static bool is_isa(const char *name)
{
    for (unsigned i = 0; i < N_BLOCKS; i++)
        if (strcmp(name, blocks[i].property) == 0)
            return true;
    return strcmp(name, "riscv,isa") == 0 ||
           strcmp(name, "riscv,isa-base") == 0 ||
           strcmp(name, "riscv,isa-extensions") == 0;
}

/*
 * isa is rv, the width, letters, and names behind underscores.  The new
 * binding has the same as a base and a list; both are there, since software
 * is of either age.
 */
static void put_isa(struct writer *w, const char *isa)
{
    char list[2048], base[8];
    size_t at = 0, n;

    put_string(w, "riscv,isa", isa);
    if (strlen(isa) < 5 || 2 * strlen(isa) > sizeof(list))
        return;
    snprintf(base, sizeof(base), "%.5s", isa);
    put_string(w, "riscv,isa-base", base);
    for (isa += 4; *isa; isa += n) {
        isa += *isa == '_';
        n = isa[-1] == '_' ? strcspn(isa, "_") : 1;
        memcpy(list + at, isa, n);
        list[at + n] = '\0';
        for (unsigned i = 0; i < N_BLOCKS; i++)
            if (strcmp(list + at, blocks[i].extension) == 0)
                put_u32(w, blocks[i].property, BLOCK_SIZE);
        at += n + 1;
    }
    put(w, "riscv,isa-extensions", list, (int)at);
}

/* -- memory -- */

static bool is_memory(const struct tree *t, int node)
{
    const char *type = tree_string(t, node, "device_type");

    return t->node[node].parent == 0 && type && strcmp(type, "memory") == 0 &&
           !tree_disabled(t, node);
}

bool tree_ram(const struct tree *t, struct tree_ram *out, unsigned max,
              unsigned *n, struct error *e)
{
    *n = 0;
    for (int node = 1; node < t->n; node++) {
        int entries = is_memory(t, node) ? tree_reg_count(t, node, e) : 0;
        struct tree_place place;

        if (entries < 0)
            return false;
        for (int i = 0; i < entries; i++) {
            if (*n == max)
                return tree_error(t, node, "reg", e,
                                  "more than %u pieces of memory", max);
            if (!tree_reg(t, node, i, &place, e))
                return false;
            out[(*n)++] = (struct tree_ram){place.base, place.size};
        }
    }
    return true;
}

/* Root's #address-cells or #size-cells; bad ones were reported by then. */
static uint32_t root_cells(const struct tree *t, const char *prop,
                           uint32_t fallback)
{
    uint32_t v;

    return tree_u32(t, 0, prop, fallback, &v, NULL) && v <= 2 ? v : fallback;
}

static uint8_t *st_cells(uint8_t *p, uint32_t n, uint64_t v)
{
    if (n == 2) {
        st_be64(p, v);
    } else if (n == 1) {
        st_be32(p, (uint32_t)v);
    }
    return p + 4 * n;
}

static void put_ram(struct writer *w, const struct tree_ram *ram, unsigned n)
{
    uint32_t address = root_cells(w->in, "#address-cells", 2);
    uint32_t size = root_cells(w->in, "#size-cells", 1);
    uint8_t list[16 * 16], *p = list;

    for (unsigned i = 0; i < n && i < 16; i++) {
        if (ram[i].size == 0)
            continue;
        p = st_cells(p, address, ram[i].base);
        p = st_cells(p, size, ram[i].size);
    }
    put(w, "reg", list, (int)(p - list));
}

/* -- the walk -- */

/* Is it the emulator's own, and none of the guest's business? */
static bool is_own(const struct writer *w, const char *name)
{
    return !w->boot->whole && strncmp(name, "emu,", 4) == 0;
}

/* A property that is written otherwise, or not at all. */
static bool replaced(struct writer *w, int node, const char *name)
{
    const struct tree *t = w->in;

    if (w->boot)
        return is_own(w, name);
    if (strncmp(name, NARROW, strlen(NARROW)) == 0)
        return true;
    if (strcmp(name, "interrupts-extended") == 0)
        return repeat_irqs(w, node);
    if (strcmp(name, "reg") == 0 && is_memory(t, node)) {
        unsigned n = (unsigned)tree_reg_count(t, node, NULL);

        put_ram(w, w->plan->ram + w->ram, n);
        w->ram += n;
        return true;
    }
    if (is_isa(name))
        return cpu_text(w, node, w->plan->isa) != NULL;
    if (strcmp(name, "mmu-type") == 0)
        return cpu_text(w, node, w->plan->mmu) != NULL;
    if (!below(t, w->pattern, node) || w->cpu == 0)
        return false;
    if (strcmp(name, "phandle") == 0 || strcmp(name, "linux,phandle") == 0) {
        put_u32(w, name, copied_phandle(w, node, w->cpu));
        return true;
    }
    if (strcmp(name, "reg") == 0 && node == w->pattern) {
        int size;

        tree_prop(t, node, "reg", &size);
        if (size == 8)
            put_u64(w, name, w->cpu);
        else
            put_u32(w, name, w->cpu);
        return true;
    }
    return false;
}

/* What a board with a CPU of 32 bits has in place of p; it does not stay
 * beside it. */
static const void *narrow(const struct tree *t, int node, const char *name,
                          const void *p, int *size)
{
    char own[80];
    const void *q;
    int length;

    snprintf(own, sizeof(own), NARROW "%s", name);
    q = tree_prop(t, node, own, &length);
    if (q)
        *size = length;
    return q ? q : p;
}

static void copy_properties(struct writer *w, int node)
{
    int at;

    fdt_for_each_property_offset(at, w->in->fdt, w->in->node[node].offset)
    {
        const char *name;
        int size;
        const void *p = fdt_getprop_by_offset(w->in->fdt, at, &name, &size);

        if (p && w->plan && w->plan->xlen == 32)
            p = narrow(w->in, node, name, p, &size);
        if (p && !replaced(w, node, name))
            put(w, name, p, size);
    }
}

static bool is_chosen(const struct tree *t, int node)
{
    return t->node[node].parent == 0 &&
           strcmp(tree_node_name(t, node), "chosen") == 0;
}

static bool chosen_replaces(const struct writer *w, const char *name)
{
    return is_own(w, name) || strcmp(name, "rng-seed") == 0 ||
           strcmp(name, "linux,initrd-start") == 0 ||
           strcmp(name, "linux,initrd-end") == 0 ||
           (w->boot->append && strcmp(name, "bootargs") == 0);
}

/* node -1: the tree has no /chosen yet. */
static void write_chosen(struct writer *w, int node)
{
    int at;

    begin(w, "chosen");
    if (node >= 0) {
        fdt_for_each_property_offset(at, w->in->fdt, w->in->node[node].offset)
        {
            const char *name;
            int size;
            const void *p = fdt_getprop_by_offset(w->in->fdt, at, &name, &size);

            if (p && !chosen_replaces(w, name))
                put(w, name, p, size);
        }
    }
    if (w->boot->append)
        put_string(w, "bootargs", w->boot->append);
    if (w->boot->initrd) {
        put_u64(w, "linux,initrd-start", w->boot->initrd_start);
        put_u64(w, "linux,initrd-end", w->boot->initrd_end);
    }
    put(w, "rng-seed", w->boot->seed, sizeof(w->boot->seed));
    end(w);
}

static void write_memory(struct writer *w)
{
    char name[32];

    for (unsigned i = 0; i < w->boot->n_ram; i++) {
        if (w->boot->ram[i].size == 0)
            continue;
        snprintf(name, sizeof(name), "memory@%llx",
                 (unsigned long long)w->boot->ram[i].base);
        begin(w, name);
        put_string(w, "device_type", "memory");
        put_ram(w, &w->boot->ram[i], 1);
        end(w);
    }
}

/* What the guest's tree must have, and this one lacks. */
static void complete_root(struct writer *w)
{
    struct tree_ram ram;
    unsigned n;

    /* Something, however much: it is the author's. */
    if (!tree_ram(w->in, &ram, 1, &n, NULL))
        n = 1;
    if (n == 0 || ram.size == 0)
        write_memory(w);
    if (tree_child(w->in, 0, "chosen") < 0)
        write_chosen(w, -1);
}

/* Is this node left out of the copy? */
static bool left_out(const struct writer *w, int node)
{
    const char *compatible = tree_compatible(w->in, node, 0);
    int entries;

    if (w->boot)
        return compatible && is_own(w, compatible);
    if (!is_memory(w->in, node))
        return false;
    entries = tree_reg_count(w->in, node, NULL);
    for (int i = 0; i < entries; i++) {
        if (w->plan->ram[w->ram + (unsigned)i].size)
            return false;
    }
    return true;
}

static void copy_node(struct writer *w, int node, const char *name);

static void copy_child(struct writer *w, int node)
{
    const char *name = tree_node_name(w->in, node);
    char numbered[32];

    if (left_out(w, node))
        return;
    if (w->boot && is_chosen(w->in, node)) {
        write_chosen(w, node);
        return;
    }
    if (node != w->pattern) {
        copy_node(w, node, name);
        if (w->plan && w->pattern < 0 && is_listed_cpu(w->in, node))
            w->cpu++;
        return;
    }
    for (w->cpu = 0; w->cpu < w->plan->cpus; w->cpu++) {
        snprintf(numbered, sizeof(numbered), "cpu@%x", w->cpu);
        copy_node(w, node, w->cpu ? numbered : name);
    }
    w->cpu = 0;
}

/* Recursion is as deep as the tree: at most TREE_MAX_DEPTH. */
static void copy_node(struct writer *w, int node, const char *name)
{
    begin(w, name);
    copy_properties(w, node);
    if (w->plan && cpu_text(w, node, w->plan->isa))
        put_isa(w, cpu_text(w, node, w->plan->isa));
    if (w->plan && cpu_text(w, node, w->plan->mmu))
        put_string(w, "mmu-type", cpu_text(w, node, w->plan->mmu));
    for (int i = node + 1; i < w->in->node[node].end && !w->err; i++) {
        if (w->in->node[i].parent == node)
            copy_child(w, i);
    }
    if (w->boot && node == 0)
        complete_root(w);
    end(w);
}

static void copy_tree(struct writer *w, size_t size)
{
    uint64_t address, length;
    int n = fdt_num_mem_rsv(w->in->fdt);

    w->err = fdt_create(w->fdt, (int)size);
    for (int i = 0; i < n && !w->err; i++) {
        w->err = fdt_get_mem_rsv(w->in->fdt, i, &address, &length);
        if (!w->err)
            w->err = fdt_add_reservemap_entry(w->fdt, address, length);
    }
    if (!w->err)
        w->err = fdt_finish_reservemap(w->fdt);
    w->ram = w->cpu = 0;
    copy_node(w, 0, "");
    if (!w->err)
        w->err = fdt_finish(w->fdt);
    if (!w->err && fdt_totalsize(w->fdt) > TREE_MAX_SIZE)
        w->err = -FDT_ERR_NOSPACE;
}

/* Into buffers that grow until it fits. */
static bool write_tree(struct writer *w, struct tree *out, struct error *e)
{
    bool ok;

    for (size_t size = w->in->size + 16384;; size *= 2) {
        w->fdt = malloc(size);
        if (!w->fdt)
            return error_set(e, "%s: out of memory", w->in->name);
        memset(w->fdt, 0, size);
        copy_tree(w, size);
        if (w->err != -FDT_ERR_NOSPACE || size > 2 * TREE_MAX_SIZE)
            break;
        free(w->fdt);
    }
    if (w->err == -FDT_ERR_NOSPACE)
        ok = error_set(e, "%s: the tree would have more than %zu bytes",
                       w->in->name, TREE_MAX_SIZE);
    else if (w->err)
        ok = error_set(e, "%s: cannot copy the tree: %s", w->in->name,
                       fdt_strerror(w->err));
    else
        ok = tree_open(out, w->in->name, w->fdt, fdt_totalsize(w->fdt), e);
    free(w->fdt);
    return ok;
}

static uint32_t highest_phandle(const struct tree *t)
{
    uint32_t max = 0;

    for (int i = 0; i < t->n; i++) {
        if (t->node[i].phandle > max)
            max = t->node[i].phandle;
    }
    return max;
}

bool tree_make_machine(struct tree *out, const struct tree *board,
                       const struct tree_plan *plan, struct error *e)
{
    int cpu[2];
    struct writer w = {.in = board, .plan = plan, .pattern = -1};

    if (tree_cpus(board, cpu, 2, NULL) == 1)
        w.pattern = cpu[0];
    w.next_phandle = highest_phandle(board) + 1;
    if (w.pattern >= 0) {
        int last = board->node[w.pattern].end;
        uint32_t each = ordinal(board, w.pattern, last);

        if ((uint64_t)w.next_phandle + (uint64_t)each * plan->cpus >=
            UINT32_MAX)
            return error_set(e, "%s: no phandles are left for %u CPUs",
                             board->name, plan->cpus);
    }
    return write_tree(&w, out, e);
}

bool tree_make_guest(struct tree *out, const struct tree *in,
                     const struct tree_boot *boot, struct error *e)
{
    struct writer w = {.in = in, .boot = boot, .pattern = -1};

    return write_tree(&w, out, e);
}
