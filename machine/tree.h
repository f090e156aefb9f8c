/*
 * A flattened device tree, checked and indexed, as the machine reads it.
 *
 * Trees come from users and may be damaged or malicious: tree_open() checks
 * the structure once, everything that is read later is checked where it is
 * read.  Errors are one line: what the tree is called, node, property, fault.
 *
 * Nodes are named by their number in tree order; 0 is the root.
 */
#ifndef MACHINE_TREE_H
#define MACHINE_TREE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define TREE_MAX_SIZE ((size_t)2 << 20) /* as Linux takes at most */
#define TREE_MAX_NODES 4096
#define TREE_MAX_DEPTH 24
#define TREE_MAX_PATH 512
#define TREE_MAX_CELLS 4 /* of an interrupt specifier */

struct tree_node {
    int offset;       /* libfdt's */
    int parent;       /* number, -1 for the root */
    int end;          /* number behind the last node below this one */
    uint32_t phandle; /* 0: none */
};

struct tree {
    char *name; /* how messages call it: "-M virt" */
    void *fdt;
    size_t size; /* bytes at fdt */
    struct tree_node *node;
    int n;
};

/* Take a copy of the `size` bytes at dtb, check it, make the index. */
bool tree_open(struct tree *t, const char *name, const void *dtb, size_t size,
               struct error *e);
/* Also right for a struct tree of zeros, and twice. */
void tree_close(struct tree *t);

/* e = "NAME: PATH: PROP: ..."; prop may be NULL.  Always false. */
bool tree_error(const struct tree *t, int node, const char *prop,
                struct error *e, const char *fmt, ...) BASE_PRINTF(5, 6);

/* The full path, in out[TREE_MAX_PATH]; cut if longer.  Returns out. */
const char *tree_path(const struct tree *t, int node, char *out);
/* "name@unit"; "" for the root. */
const char *tree_node_name(const struct tree *t, int node);
/* Does the part before the @ equal name? */
bool tree_named(const struct tree *t, int node, const char *name);

/* Child called `name` (without the @...) of node, or -1. */
int tree_child(const struct tree *t, int node, const char *name);
/* By phandle, or -1. */
int tree_by_phandle(const struct tree *t, uint32_t phandle);
/* By libfdt's offset, or -1. */
int tree_by_offset(const struct tree *t, int offset);

/* A property's bytes, or NULL where there is none.  *size may be NULL. */
const uint8_t *tree_prop(const struct tree *t, int node, const char *prop,
                         int *size);
/* A string property: NUL-terminated within its size, else NULL. */
const char *tree_string(const struct tree *t, int node, const char *prop);
/* One cell; `fallback` where there is no such property. */
bool tree_u32(const struct tree *t, int node, const char *prop,
              uint32_t fallback, uint32_t *out, struct error *e);
/* One or two cells as a number. */
bool tree_u64(const struct tree *t, int node, const char *prop,
              uint64_t fallback, uint64_t *out, struct error *e);

/* The i-th of the strings in `compatible`, or NULL. */
const char *tree_compatible(const struct tree *t, int node, int i);
bool tree_is_compatible(const struct tree *t, int node, const char *name);
/* Is `status` neither absent nor "okay"? */
bool tree_disabled(const struct tree *t, int node);

/* -- where a node's registers are -- */

struct tree_place {
    bool port; /* in the I/O port space */
    uint64_t base, size;
};

/* Is this node a bus in whose children reg is a PCI function's? */
bool tree_is_pci_bus(const struct tree *t, int node);
/* Entries of reg, 0 where there is none; -1: error. */
int tree_reg_count(const struct tree *t, int node, struct error *e);
/* Entry i of reg, through the ranges of every bus above it. */
bool tree_reg(const struct tree *t, int node, int i, struct tree_place *out,
              struct error *e);
/* The device and function number of a PCI function's node. */
bool tree_pci_devfn(const struct tree *t, int node, int *devfn,
                    struct error *e);

/* -- where its interrupts go -- */

struct tree_irq {
    int controller; /* node; -1: goes nowhere (phandle 0) */
    unsigned n;
    uint32_t cell[TREE_MAX_CELLS];
};

/*
 * All interrupts of a node, from `interrupts-extended` or `interrupts`.
 * *out is the caller's to free(); NULL and 0 where there are none.
 */
bool tree_irqs(const struct tree *t, int node, struct tree_irq **out,
               unsigned *n, struct error *e);

#endif
