/*
 * The device tree, printed in the notation of its sources.  What a property
 * means is not known, so it shows as text where it looks like text, as cells
 * where its size fits, and as bytes else.
 */
#include "lib.h"
#include "print.h"
#include "show.h"

static void indent(int depth)
{
    for (int i = 0; i < depth; i++)
        print("    ");
}

/* Printable strings, none of them empty, the last one ended. */
static bool looks_like_text(const struct fdt_prop *prop)
{
    if (prop->size < 2 || prop->data[prop->size - 1] != '\0')
        return false;
    for (uint32_t i = 0; i < prop->size; i++) {
        uint8_t c = prop->data[i];
        if (c == '\0' ? i == 0 || prop->data[i - 1] == '\0'
                      : c < ' ' || c > '~')
            return false;
    }
    return true;
}

static void show_text(const struct fdt_prop *prop)
{
    print("\"");
    for (uint32_t i = 0; i + 1 < prop->size; i++) {
        if (prop->data[i] == '\0')
            print("\", \"");
        else
            print("%c", prop->data[i]);
    }
    print("\"");
}

static void show_cells(const struct fdt_prop *prop)
{
    print("<");
    for (uint32_t i = 0; i < prop->size; i += 4)
        print("%s0x%x", i == 0 ? "" : " ", fdt_get32(prop->data + i));
    print(">");
}

static void show_bytes(const struct fdt_prop *prop)
{
    print("[");
    for (uint32_t i = 0; i < prop->size; i++)
        print("%s%02x", i == 0 ? "" : " ", prop->data[i]);
    print("]");
}

static void show_prop(const struct fdt_prop *prop)
{
    print("%s", prop->name);
    if (prop->size > 0)
        print(" = ");
    if (looks_like_text(prop))
        show_text(prop);
    else if (prop->size > 0 && prop->size % 4 == 0)
        show_cells(prop);
    else if (prop->size > 0)
        show_bytes(prop);
    print(";\n");
}

static void begin_node(const struct fdt *fdt, uint32_t node, int depth)
{
    const char *name = fdt_name(fdt, node);
    struct fdt_prop prop;
    bool more;

    indent(depth);
    print("%s {\n", *name != '\0' ? name : "/");
    for (more = fdt_first_prop(fdt, node, &prop); more;
         more = fdt_next_prop(fdt, &prop)) {
        indent(depth + 1);
        show_prop(&prop);
    }
}

/* Close the nodes at the depths from `from` down to `to`. */
static void end_nodes(int from, int to)
{
    for (; from >= to; from--) {
        indent(from);
        print("};\n");
    }
}

void show_tree(const struct board *board, const char *path)
{
    const struct fdt *fdt = &board->fdt;
    uint32_t node = fdt_find(fdt, path);
    int depth = 0, last = 0;

    if (node == FDT_NONE) {
        print("tree: no node %s\n", path);
        return;
    }
    begin_node(fdt, node, depth);
    while ((node = fdt_next(fdt, node, &depth)) != FDT_NONE && depth > 0) {
        end_nodes(last, depth);
        begin_node(fdt, node, depth);
        last = depth;
    }
    end_nodes(last, 0);
}
