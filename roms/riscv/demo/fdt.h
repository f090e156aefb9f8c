/*
 * Reading a flattened device tree (Devicetree Specification 0.4, chapter 5)
 * that may be damaged: fdt_open checks the whole of it once, and no function
 * ever reads outside the blob, whatever it says.
 *
 * A node is named by the offset of its FDT_BEGIN_NODE in the structure block.
 */
#ifndef DEMO_FDT_H
#define DEMO_FDT_H

#include <stdbool.h>
#include <stdint.h>

#define FDT_NONE UINT32_MAX /* no such node */
#define FDT_MAX_DEPTH 16    /* deeper trees are refused */
#define FDT_MAX_SIZE (2u << 20)

struct fdt {
    const uint8_t *blob;
    uint32_t size;
    uint32_t structs, structs_size; /* offset and size of each block */
    uint32_t strings, strings_size;
    uint32_t reserved; /* offset of the memory reservation block */
    uint32_t root;
};

struct fdt_prop {
    const char *name;
    const uint8_t *data;
    uint32_t size;
    uint32_t next; /* for fdt_next_prop */
};

struct region {
    uint64_t base, size;
};

/* NULL, or what is wrong with the blob, which then must not be used. */
const char *fdt_open(struct fdt *fdt, const uint8_t *blob);

/*
 * The node after `node` in the order of the tree, FDT_NONE at its end.  *depth
 * (the root's is 0) goes up and down with it, unless depth is NULL.
 */
uint32_t fdt_next(const struct fdt *fdt, uint32_t node, int *depth);
uint32_t fdt_parent(const struct fdt *fdt, uint32_t node);
const char *fdt_name(const struct fdt *fdt, uint32_t node);

/* An absolute path or an alias; unit addresses may be left out; ends at ':'. */
uint32_t fdt_find(const struct fdt *fdt, const char *path);
uint32_t fdt_by_phandle(const struct fdt *fdt, uint32_t phandle);
/* The first enabled node behind `after` (FDT_NONE: any) that is compatible. */
uint32_t fdt_by_compatible(const struct fdt *fdt, const char *compatible,
                           uint32_t after);

bool fdt_first_prop(const struct fdt *fdt, uint32_t node,
                    struct fdt_prop *prop);
bool fdt_next_prop(const struct fdt *fdt, struct fdt_prop *prop);
bool fdt_prop(const struct fdt *fdt, uint32_t node, const char *name,
              struct fdt_prop *prop);
/* False (and *value untouched) if there is no such cell. */
bool fdt_cell(const struct fdt *fdt, uint32_t node, const char *name,
              uint32_t index, uint32_t *value);
/* The property as text, NULL if it is absent or not NUL-terminated. */
const char *fdt_text(const struct fdt *fdt, uint32_t node, const char *name);
/* Whether a list of strings holds this one. */
bool fdt_list_has(const struct fdt_prop *list, const char *text);

bool fdt_enabled(const struct fdt *fdt, uint32_t node);
bool fdt_is_compatible(const struct fdt *fdt, uint32_t node,
                       const char *compatible);
/* Entry `index` of reg as the CPU sees it, through the parents' ranges. */
bool fdt_reg(const struct fdt *fdt, uint32_t node, uint32_t index,
             struct region *region);
/* The first cell of interrupt `index`. */
bool fdt_interrupt(const struct fdt *fdt, uint32_t node, uint32_t index,
                   uint32_t *irq);
/*
 * Entry `index` of interrupts-extended: the controller's phandle and the first
 * cell behind it.
 */
bool fdt_extended_interrupt(const struct fdt *fdt, uint32_t node,
                            uint32_t index, uint32_t *phandle, uint32_t *irq);
/* Entry `index` of the memory reservation block. */
bool fdt_reserved(const struct fdt *fdt, uint32_t index, struct region *region);

/* Big-endian loads, at any alignment. */
uint32_t fdt_get32(const uint8_t *p);
uint64_t fdt_get64(const uint8_t *p);

#endif
