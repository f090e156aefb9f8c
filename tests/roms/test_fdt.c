/*
 * The demo guest's tree walker (roms/riscv/demo/fdt.c), on the host: what it
 * finds in a sound tree (tree.dts), and that no damage makes it read outside of
 * the blob (run it with the address sanitizer) or loop.
 *
 * test_fdt TREE.dtb
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "roms/riscv/demo/fdt.h"

struct blob {
    uint8_t *data;
    size_t size;
};

static struct fdt open_blob(void **state)
{
    const struct blob *blob = *state;
    struct fdt fdt;

    assert_null(fdt_open(&fdt, blob->data));
    return fdt;
}

static void test_names(void **state)
{
    struct fdt fdt = open_blob(state);
    uint32_t uart = fdt_find(&fdt, "/soc/serial@1000");

    assert_int_not_equal(uart, FDT_NONE);
    assert_string_equal(fdt_name(&fdt, uart), "serial@1000");
    assert_int_equal(fdt_find(&fdt, "/soc/serial"), uart);
    assert_int_equal(fdt_find(&fdt, "serial0:115200n8"), uart);
    assert_int_equal(fdt_find(&fdt, "//soc//serial:x"), uart);
    assert_int_equal(fdt_find(&fdt, "/"), fdt.root);
    assert_int_equal(fdt_find(&fdt, "/soc/seria"), FDT_NONE);
    assert_int_equal(fdt_find(&fdt, "/soc/serial@1000/x"), FDT_NONE);
    assert_int_equal(fdt_find(&fdt, "serial1"), FDT_NONE);
    assert_int_equal(fdt_parent(&fdt, uart), fdt_find(&fdt, "/soc"));
    assert_int_equal(fdt_parent(&fdt, fdt.root), FDT_NONE);
}

static void test_props(void **state)
{
    struct fdt fdt = open_blob(state);
    uint32_t cpu = fdt_find(&fdt, "/cpus/cpu");
    struct fdt_prop list;
    uint32_t value = 7;

    assert_string_equal(fdt_text(&fdt, fdt.root, "model"), "walker");
    assert_null(fdt_text(&fdt, fdt.root, "#size-cells"));
    assert_false(fdt_cell(&fdt, fdt.root, "missing", 0, &value));
    assert_false(fdt_cell(&fdt, fdt.root, "#size-cells", 1, &value));
    assert_int_equal(value, 7);
    assert_true(fdt_prop(&fdt, cpu, "riscv,isa-extensions", &list));
    assert_true(fdt_list_has(&list, "i"));
    assert_true(fdt_list_has(&list, "zba"));
    assert_false(fdt_list_has(&list, "z"));
    assert_false(fdt_list_has(&list, "ba"));
}

static void test_compatible(void **state)
{
    struct fdt fdt = open_blob(state);
    uint32_t uart = fdt_by_compatible(&fdt, "ns16550a", FDT_NONE);

    assert_int_equal(uart, fdt_find(&fdt, "/soc/serial"));
    /* the other one is disabled */
    assert_int_equal(fdt_by_compatible(&fdt, "ns16550a", uart), FDT_NONE);
    assert_int_equal(fdt_by_compatible(&fdt, "16550a", FDT_NONE), FDT_NONE);
}

static void check_reg(const struct fdt *fdt, const char *path, uint32_t index,
                      uint64_t base, uint64_t size)
{
    struct region region;

    assert_true(fdt_reg(fdt, fdt_find(fdt, path), index, &region));
    assert_int_equal(region.base, base);
    assert_int_equal(region.size, size);
}

static void test_addresses(void **state)
{
    struct fdt fdt = open_blob(state);
    struct region region;

    check_reg(&fdt, "/memory", 0, 0x80000000, 0x200000);
    check_reg(&fdt, "/memory", 1, 0x100000000, 0x200000000);
    check_reg(&fdt, "/soc/serial", 0, 0x400001000, 0x100);
    check_reg(&fdt, "/soc/inner/leaf", 0, 0x30000110, 0x10);
    assert_false(fdt_reg(&fdt, fdt_find(&fdt, "/memory"), 2, &region));
    assert_false(fdt_reg(&fdt, fdt_find(&fdt, "/memory"), ~0u, &region));
    assert_false(
        fdt_reg(&fdt, fdt_find(&fdt, "/soc/inner/outside"), 0, &region));
    assert_true(fdt_reserved(&fdt, 0, &region));
    assert_int_equal(region.base, 0x80001000);
    assert_false(fdt_reserved(&fdt, 1, &region));
}

static void test_interrupts(void **state)
{
    struct fdt fdt = open_blob(state);
    uint32_t plic = fdt_find(&fdt, "/soc/plic");
    uint32_t intc = fdt_find(&fdt, "/cpus/cpu/interrupt-controller");
    uint32_t irq, phandle;

    assert_true(fdt_interrupt(&fdt, fdt_find(&fdt, "/soc/serial"), 0, &irq));
    assert_int_equal(irq, 10);
    assert_true(
        fdt_interrupt(&fdt, fdt_find(&fdt, "/soc/inner/leaf"), 1, &irq));
    assert_int_equal(irq, 4);
    assert_true(fdt_extended_interrupt(&fdt, plic, 1, &phandle, &irq));
    assert_int_equal(irq, 9);
    assert_int_equal(fdt_by_phandle(&fdt, phandle), intc);
    assert_false(fdt_extended_interrupt(&fdt, plic, 2, &phandle, &irq));
}

/* Damaged headers are told apart. */
static void test_headers(void **state)
{
    static const struct {
        unsigned offset;
        uint32_t value;
        const char *problem;
    } rows[] = {
        {0, 0, "its magic number is wrong"},
        {4, 12, "its size makes no sense"},
        {4, 0x7fffffff, "its size makes no sense"},
        {8, 0xffffffff, "its blocks exceed it"},
        {12, 0x00ffffff, "its blocks exceed it"},
        {20, 3, "its version is not supported"},
        {24, 18, "its version is not supported"},
        {36, 0xfffffffc, "its blocks exceed it"},
        {36, 8, "its structure block is damaged"},
    };
    const struct blob *blob = *state;
    uint8_t *copy = malloc(blob->size);
    struct fdt fdt;

    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        memcpy(copy, blob->data, blob->size);
        for (unsigned j = 0; j < 4; j++)
            copy[rows[i].offset + j] = (uint8_t)(rows[i].value >> (24 - 8 * j));
        const char *problem = fdt_open(&fdt, copy);
        assert_non_null(problem);
        assert_string_equal(problem, rows[i].problem);
    }
    free(copy);
}

/* Ask everything of every node. */
static void use_node(const struct fdt *fdt, uint32_t node)
{
    struct fdt_prop prop;
    struct region region;
    uint32_t irq, phandle;
    bool more;

    (void)strlen(fdt_name(fdt, node));
    (void)fdt_parent(fdt, node);
    for (more = fdt_first_prop(fdt, node, &prop); more;
         more = fdt_next_prop(fdt, &prop)) {
        (void)strlen(prop.name);
        (void)fdt_list_has(&prop, "ns16550a");
        for (uint32_t i = 0; i < prop.size; i++)
            (void)*(volatile const uint8_t *)&prop.data[i];
    }
    for (uint32_t i = 0; i < 100 && fdt_reg(fdt, node, i, &region); i++)
        ;
    for (uint32_t i = 0; i < 100 && fdt_interrupt(fdt, node, i, &irq); i++)
        ;
    for (uint32_t i = 0;
         i < 100 && fdt_extended_interrupt(fdt, node, i, &phandle, &irq); i++)
        ;
}

static void use_tree(const struct fdt *fdt)
{
    struct region region;
    int depth = 0;

    for (uint32_t n = fdt->root; n != FDT_NONE; n = fdt_next(fdt, n, &depth)) {
        assert_in_range(depth, 0, FDT_MAX_DEPTH - 1);
        use_node(fdt, n);
    }
    (void)fdt_find(fdt, "/soc/serial@1000");
    (void)fdt_find(fdt, "serial0");
    (void)fdt_by_compatible(fdt, "ns16550a", FDT_NONE);
    for (uint32_t i = 0; fdt_reserved(fdt, i, &region); i++)
        ;
}

static uint32_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

static void damage(uint8_t *data, size_t size, uint64_t *seed)
{
    for (uint32_t n = next_random(seed) % 4 + 1; n > 0; n--) {
        size_t at = next_random(seed) % size;
        switch (next_random(seed) % 3) {
        case 0:
            data[at] = (uint8_t)next_random(seed);
            break;
        case 1:
            data[at] ^= (uint8_t)(1u << next_random(seed) % 8);
            break;
        default: /* tokens and sizes are words with small values */
            at = at % (size / 4) * 4;
            memset(data + at, 0, 3);
            data[at + 3] = (uint8_t)(next_random(seed) % 16);
            break;
        }
    }
}

static void test_damage(void **state)
{
    const struct blob *blob = *state;
    uint64_t seed = 1;
    unsigned opened = 0;

    for (unsigned i = 0; i < 20000; i++) {
        uint8_t *copy = malloc(blob->size); /* anew: exact bounds */
        struct fdt fdt;
        memcpy(copy, blob->data, blob->size);
        /* Its size is the one thing that the walker has to believe. */
        damage(copy + 8, blob->size - 8, &seed);
        if (fdt_open(&fdt, copy) == NULL) {
            opened++;
            use_tree(&fdt);
        }
        free(copy);
    }
    /* Both must happen, or the damage is of the wrong kind. */
    print_message("%u of 20000 damaged trees opened\n", opened);
    assert_in_range(opened, 1000, 19000);
}

static bool read_blob(const char *path, struct blob *blob)
{
    FILE *file = fopen(path, "rb");

    if (file == NULL)
        return false;
    blob->data = malloc(65536);
    blob->size = fread(blob->data, 1, 65536, file);
    fclose(file);
    blob->data = realloc(blob->data, blob->size);
    return blob->data != NULL && blob->size >= 40;
}

int main(int argc, char **argv)
{
    static struct blob blob;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_names, &blob),
        cmocka_unit_test_prestate(test_props, &blob),
        cmocka_unit_test_prestate(test_compatible, &blob),
        cmocka_unit_test_prestate(test_addresses, &blob),
        cmocka_unit_test_prestate(test_interrupts, &blob),
        cmocka_unit_test_prestate(test_headers, &blob),
        cmocka_unit_test_prestate(test_damage, &blob),
    };

    if (argc != 2 || !read_blob(argv[1], &blob)) {
        fprintf(stderr, "usage: test_fdt TREE.dtb\n");
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(blob.data);
    return failed;
}
