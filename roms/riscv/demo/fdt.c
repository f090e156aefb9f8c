/*
 * Reading a flattened device tree that may be damaged.
 *
 * Models: Devicetree Specification 0.4, chapter 5, versions 16 and 17 of the
 * format.  Missing: overlays, interrupt nexus nodes (interrupt-map), addresses
 * of more than two cells.
 *
 * Everything goes through read_item, which alone looks at the structure block
 * and never beyond its end.  Searches are linear: trees are small, and nothing
 * here is asked often.
 */
#include "fdt.h"

#include "lib.h"

#define FDT_MAGIC 0xd00dfeed
#define FDT_HEADER_SIZE 36 /* version 16; 17 adds a word that we need too */

enum token {
    BEGIN_NODE = 1,
    END_NODE = 2,
    PROP = 3,
    NOP = 4,
    END = 9,
};

/* One token with what follows it. */
struct item {
    uint32_t token;
    uint32_t next;       /* offset behind it */
    const char *name;    /* of a node or property */
    const uint8_t *data; /* of a property */
    uint32_t size;
};

uint32_t fdt_get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
           p[3];
}

uint64_t fdt_get64(const uint8_t *p)
{
    return (uint64_t)fdt_get32(p) << 32 | fdt_get32(p + 4);
}

/* Length of the node name at `at`, or FDT_NONE if it is endless. */
static uint32_t name_size(const struct fdt *fdt, uint32_t at)
{
    const uint8_t *name = fdt->blob + fdt->structs;

    for (uint32_t i = at; i < fdt->structs_size; i++) {
        if (name[i] == '\0')
            return i - at;
    }
    return FDT_NONE;
}

static uint32_t align4(uint32_t n)
{
    return (n + 3) & ~3u;
}

static bool read_prop(const struct fdt *fdt, uint32_t at, struct item *item)
{
    const uint8_t *p = fdt->blob + fdt->structs + at;
    uint32_t left = fdt->structs_size - at;

    if (left < 8 || fdt_get32(p) > left - 8)
        return false;
    item->size = fdt_get32(p);
    item->data = p + 8;
    item->next = at + 8 + align4(item->size);
    at = fdt_get32(p + 4);
    if (at >= fdt->strings_size) /* the block's last byte ends any string */
        return false;
    item->name = (const char *)fdt->blob + fdt->strings + at;
    return true;
}

static bool read_item(const struct fdt *fdt, uint32_t at, struct item *item)
{
    uint32_t length;

    do {
        if (at > fdt->structs_size || fdt->structs_size - at < 4)
            return false;
        item->token = fdt_get32(fdt->blob + fdt->structs + at);
        at += 4;
    } while (item->token == NOP);

    item->next = at;
    switch (item->token) {
    case BEGIN_NODE:
        length = name_size(fdt, at);
        if (length == FDT_NONE)
            return false;
        item->name = (const char *)fdt->blob + fdt->structs + at;
        item->next = at + align4(length + 1);
        return true;
    case PROP:
        return read_prop(fdt, at, item);
    default:
        return item->token == END_NODE || item->token == END;
    }
}

/* Walk the whole structure block once. */
static const char *check_structure(struct fdt *fdt)
{
    struct item item;
    int depth = 0;
    bool props_over = true; /* properties come before a node's children */

    for (uint32_t at = 0;; at = item.next) {
        if (!read_item(fdt, at, &item))
            return "its structure block is damaged";
        switch (item.token) {
        case BEGIN_NODE:
            if (depth++ == FDT_MAX_DEPTH)
                return "it is nested too deeply";
            if (depth == 1) {
                if (fdt->root != FDT_NONE)
                    return "it has two roots";
                fdt->root = at;
            }
            props_over = false;
            break;
        case END_NODE:
            if (depth-- == 0)
                return "it ends more nodes than it begins";
            props_over = true;
            break;
        case PROP:
            if (props_over)
                return "it has a property outside of a node's head";
            break;
        case END:
            if (depth != 0 || fdt->root == FDT_NONE)
                return "it ends within a node";
            return NULL;
        }
    }
}

static bool inside(const struct fdt *fdt, uint32_t offset, uint32_t size)
{
    return offset <= fdt->size && size <= fdt->size - offset;
}

const char *fdt_open(struct fdt *fdt, const uint8_t *blob)
{
    fdt->blob = blob;
    fdt->root = FDT_NONE;
    if (fdt_get32(blob) != FDT_MAGIC)
        return "its magic number is wrong";
    fdt->size = fdt_get32(blob + 4);
    fdt->structs = fdt_get32(blob + 8);
    fdt->strings = fdt_get32(blob + 12);
    fdt->reserved = fdt_get32(blob + 16);
    if (fdt_get32(blob + 20) < 16 || fdt_get32(blob + 24) > 17)
        return "its version is not supported";
    fdt->strings_size = fdt_get32(blob + 32);
    if (fdt->size < FDT_HEADER_SIZE || fdt->size > FDT_MAX_SIZE)
        return "its size makes no sense";
    /* Version 16 does not tell the size of the structure block. */
    fdt->structs_size =
        inside(fdt, fdt->structs, 0) ? fdt->size - fdt->structs : 0;
    if (fdt_get32(blob + 20) >= 17 && inside(fdt, FDT_HEADER_SIZE, 4))
        fdt->structs_size = fdt_get32(blob + 36);
    if (!inside(fdt, fdt->structs, fdt->structs_size) ||
        !inside(fdt, fdt->strings, fdt->strings_size))
        return "its blocks exceed it";
    if (fdt->strings_size > 0 &&
        blob[fdt->strings + fdt->strings_size - 1] != '\0')
        return "its last string does not end";
    return check_structure(fdt);
}

uint32_t fdt_next(const struct fdt *fdt, uint32_t node, int *depth)
{
    struct item item;
    int level = 0;

    if (node == FDT_NONE || !read_item(fdt, node, &item))
        return FDT_NONE;
    for (uint32_t at = item.next; read_item(fdt, at, &item); at = item.next) {
        if (item.token == BEGIN_NODE) {
            if (depth != NULL)
                *depth += level + 1;
            return at;
        }
        if (item.token == END)
            break;
        if (item.token == END_NODE)
            level--;
    }
    return FDT_NONE;
}

uint32_t fdt_parent(const struct fdt *fdt, uint32_t node)
{
    uint32_t path[FDT_MAX_DEPTH];
    int depth = 0;

    for (uint32_t n = fdt->root; n != FDT_NONE; n = fdt_next(fdt, n, &depth)) {
        if (depth < 0 || depth >= FDT_MAX_DEPTH)
            break;
        if (n == node)
            return depth > 0 ? path[depth - 1] : FDT_NONE;
        path[depth] = n;
    }
    return FDT_NONE;
}

const char *fdt_name(const struct fdt *fdt, uint32_t node)
{
    struct item item;

    if (node == FDT_NONE || !read_item(fdt, node, &item) ||
        item.token != BEGIN_NODE)
        return "";
    return item.name;
}

/* Whether the path's first component names the node; *rest is what follows. */
static bool component_matches(const char *name, const char *path,
                              const char **rest)
{
    size_t length = 0;

    while (path[length] != '\0' && path[length] != '/' && path[length] != ':')
        length++;
    *rest = path + length;
    for (size_t i = 0; i < length; i++) {
        if (name[i] == '\0' || name[i] != path[i])
            return false;
    }
    return name[length] == '\0' || name[length] == '@';
}

static uint32_t child_by_path(const struct fdt *fdt, uint32_t node,
                              const char *path, const char **rest)
{
    int depth = 0;

    while ((node = fdt_next(fdt, node, &depth)) != FDT_NONE && depth > 0) {
        if (depth == 1 && component_matches(fdt_name(fdt, node), path, rest))
            return node;
    }
    return FDT_NONE;
}

static uint32_t find_absolute(const struct fdt *fdt, const char *path)
{
    uint32_t node = fdt->root;

    while (node != FDT_NONE) {
        while (*path == '/')
            path++;
        if (*path == '\0' || *path == ':')
            break;
        node = child_by_path(fdt, node, path, &path);
    }
    return node;
}

uint32_t fdt_find(const struct fdt *fdt, const char *path)
{
    struct fdt_prop alias;
    const char *rest;

    if (*path == '/')
        return find_absolute(fdt, path);
    bool more = fdt_first_prop(fdt, find_absolute(fdt, "/aliases"), &alias);
    for (; more; more = fdt_next_prop(fdt, &alias)) {
        if (component_matches(alias.name, path, &rest) && alias.size > 0 &&
            alias.data[0] == '/' && alias.data[alias.size - 1] == '\0')
            return find_absolute(fdt, (const char *)alias.data);
    }
    return FDT_NONE;
}

uint32_t fdt_by_phandle(const struct fdt *fdt, uint32_t phandle)
{
    uint32_t value;

    for (uint32_t n = fdt->root; n != FDT_NONE; n = fdt_next(fdt, n, NULL)) {
        if ((fdt_cell(fdt, n, "phandle", 0, &value) ||
             fdt_cell(fdt, n, "linux,phandle", 0, &value)) &&
            value == phandle)
            return n;
    }
    return FDT_NONE;
}

uint32_t fdt_by_compatible(const struct fdt *fdt, const char *compatible,
                           uint32_t after)
{
    uint32_t node = after == FDT_NONE ? fdt->root : fdt_next(fdt, after, NULL);

    for (; node != FDT_NONE; node = fdt_next(fdt, node, NULL)) {
        if (fdt_enabled(fdt, node) && fdt_is_compatible(fdt, node, compatible))
            return node;
    }
    return FDT_NONE;
}

static bool prop_at(const struct fdt *fdt, uint32_t at, struct fdt_prop *prop)
{
    struct item item;

    if (!read_item(fdt, at, &item) || item.token != PROP)
        return false;
    *prop = (struct fdt_prop){item.name, item.data, item.size, item.next};
    return true;
}

bool fdt_first_prop(const struct fdt *fdt, uint32_t node, struct fdt_prop *prop)
{
    struct item item;

    return node != FDT_NONE && read_item(fdt, node, &item) &&
           item.token == BEGIN_NODE && prop_at(fdt, item.next, prop);
}

bool fdt_next_prop(const struct fdt *fdt, struct fdt_prop *prop)
{
    return prop_at(fdt, prop->next, prop);
}

bool fdt_prop(const struct fdt *fdt, uint32_t node, const char *name,
              struct fdt_prop *prop)
{
    bool more = fdt_first_prop(fdt, node, prop);

    while (more && strcmp(prop->name, name) != 0)
        more = fdt_next_prop(fdt, prop);
    return more;
}

/* Up to two cells of a property, from cell `at` on, as one number. */
static bool read_cells(const struct fdt_prop *prop, uint32_t at, uint32_t count,
                       uint64_t *value)
{
    uint32_t cells = prop->size / 4;

    if (count > 2 || at > cells || count > cells - at)
        return false;
    *value = 0;
    for (uint32_t i = 0; i < count; i++)
        *value = *value << 32 | fdt_get32(prop->data + 4 * (at + i));
    return true;
}

bool fdt_cell(const struct fdt *fdt, uint32_t node, const char *name,
              uint32_t index, uint32_t *value)
{
    struct fdt_prop prop;
    uint64_t number;

    if (!fdt_prop(fdt, node, name, &prop) ||
        !read_cells(&prop, index, 1, &number))
        return false;
    *value = (uint32_t)number;
    return true;
}

const char *fdt_text(const struct fdt *fdt, uint32_t node, const char *name)
{
    struct fdt_prop prop;

    if (!fdt_prop(fdt, node, name, &prop) || prop.size == 0 ||
        prop.data[prop.size - 1] != '\0')
        return NULL;
    return (const char *)prop.data;
}

bool fdt_list_has(const struct fdt_prop *list, const char *text)
{
    uint32_t length = (uint32_t)strlen(text) + 1;
    bool at_start = true;

    for (uint32_t i = 0; i < list->size && length <= list->size - i; i++) {
        if (at_start && memcmp(list->data + i, text, length) == 0)
            return true;
        at_start = list->data[i] == '\0';
    }
    return false;
}

bool fdt_enabled(const struct fdt *fdt, uint32_t node)
{
    const char *status = fdt_text(fdt, node, "status");

    return status == NULL || strcmp(status, "okay") == 0 ||
           strcmp(status, "ok") == 0;
}

bool fdt_is_compatible(const struct fdt *fdt, uint32_t node,
                       const char *compatible)
{
    struct fdt_prop list;

    return fdt_prop(fdt, node, "compatible", &list) &&
           fdt_list_has(&list, compatible);
}

/* A node's #address-cells and #size-cells, for the addresses of its children.*/
static bool cell_counts(const struct fdt *fdt, uint32_t node, uint32_t *address,
                        uint32_t *size)
{
    *address = 2; /* the specification's defaults */
    *size = 1;
    fdt_cell(fdt, node, "#address-cells", 0, address);
    fdt_cell(fdt, node, "#size-cells", 0, size);
    return node != FDT_NONE && *address >= 1 && *address <= 2 && *size <= 2;
}

/* Turn an address on the bus `bus` into one on the bus above it. */
static bool translate(const struct fdt *fdt, uint32_t bus, uint64_t *address)
{
    uint32_t child_cells, size_cells, parent_cells, ignored;
    uint64_t child, parent, size;
    struct fdt_prop ranges;

    if (!fdt_prop(fdt, bus, "ranges", &ranges))
        return false;
    if (ranges.size == 0)
        return true;
    if (!cell_counts(fdt, bus, &child_cells, &size_cells) ||
        !cell_counts(fdt, fdt_parent(fdt, bus), &parent_cells, &ignored))
        return false;
    uint32_t step = child_cells + parent_cells + size_cells;
    for (uint32_t at = 0;
         read_cells(&ranges, at, child_cells, &child) &&
         read_cells(&ranges, at + child_cells, parent_cells, &parent) &&
         read_cells(&ranges, at + child_cells + parent_cells, size_cells,
                    &size);
         at += step) {
        if (*address >= child && *address - child < size) {
            *address += parent - child;
            return true;
        }
    }
    return false;
}

bool fdt_reg(const struct fdt *fdt, uint32_t node, uint32_t index,
             struct region *region)
{
    uint32_t bus = fdt_parent(fdt, node);
    uint32_t address_cells, size_cells;
    struct fdt_prop reg;

    if (!cell_counts(fdt, bus, &address_cells, &size_cells) ||
        !fdt_prop(fdt, node, "reg", &reg) || index > reg.size)
        return false;
    uint32_t at = index * (address_cells + size_cells);
    if (!read_cells(&reg, at, address_cells, &region->base) ||
        !read_cells(&reg, at + address_cells, size_cells, &region->size))
        return false;
    for (; bus != fdt->root; bus = fdt_parent(fdt, bus)) {
        if (!translate(fdt, bus, &region->base))
            return false;
    }
    return true;
}

/* The node's interrupt controller: inherited from the nodes above it. */
static uint32_t interrupt_parent(const struct fdt *fdt, uint32_t node)
{
    uint32_t phandle;

    for (; node != FDT_NONE; node = fdt_parent(fdt, node)) {
        if (fdt_cell(fdt, node, "interrupt-parent", 0, &phandle))
            return fdt_by_phandle(fdt, phandle);
    }
    return FDT_NONE;
}

bool fdt_interrupt(const struct fdt *fdt, uint32_t node, uint32_t index,
                   uint32_t *irq)
{
    uint32_t cells = 1;
    uint32_t phandle;

    if (fdt_extended_interrupt(fdt, node, index, &phandle, irq))
        return true;
    fdt_cell(fdt, interrupt_parent(fdt, node), "#interrupt-cells", 0, &cells);
    return cells >= 1 && cells <= 4 && index < FDT_MAX_SIZE &&
           fdt_cell(fdt, node, "interrupts", index * cells, irq);
}

bool fdt_extended_interrupt(const struct fdt *fdt, uint32_t node,
                            uint32_t index, uint32_t *phandle, uint32_t *irq)
{
    static const char name[] = "interrupts-extended";
    uint32_t cells;

    for (uint32_t at = 0; fdt_cell(fdt, node, name, at, phandle);
         at += 1 + cells) {
        if (!fdt_cell(fdt, fdt_by_phandle(fdt, *phandle), "#interrupt-cells", 0,
                      &cells) ||
            cells < 1 || cells > 4)
            return false;
        if (index-- == 0)
            return fdt_cell(fdt, node, name, at + 1, irq);
    }
    return false;
}

bool fdt_reserved(const struct fdt *fdt, uint32_t index, struct region *region)
{
    if (index > FDT_MAX_SIZE / 16 || !inside(fdt, fdt->reserved, 0) ||
        !inside(fdt, fdt->reserved + 16 * index, 16))
        return false;
    const uint8_t *p = fdt->blob + fdt->reserved + 16 * index;
    region->base = fdt_get64(p);
    region->size = fdt_get64(p + 8);
    return region->base != 0 || region->size != 0;
}
