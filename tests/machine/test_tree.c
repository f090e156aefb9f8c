/*
 * Device trees: reading, addresses, interrupts, copies; the embedded boards;
 * what a wrong tree is answered with; -device.
 */
#include "rig.h"

#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "devices/pci/pci.h"
#include "devices/virtio/virtio.h"
#include "machine/board.h"

#define MIB ((uint64_t)1 << 20)

/* A board's beginning: one CPU, 16 MiB at 0x80000000. */
#define HEAD                                                                   \
    "/dts-v1/; / { #address-cells = <2>; #size-cells = <2>;"                   \
    " cpus { #address-cells = <1>; #size-cells = <0>;"                         \
    "  cpu@0 { device_type = \"cpu\"; compatible = \"riscv\"; reg = <0>;"      \
    "   intc: interrupt-controller { interrupt-controller;"                    \
    "    compatible = \"riscv,cpu-intc\"; #interrupt-cells = <1>; }; }; };"    \
    " memory@80000000 { device_type = \"memory\";"                             \
    "  reg = <0 0x80000000 0 0x1000000>; };"
#define TAIL " };"
#define BOARD(text) HEAD text TAIL
#define PLIC                                                                   \
    " plic: plic@c000000 { compatible = \"riscv,plic0\";"                      \
    "  reg = <0 0xc000000 0 0x600000>; interrupt-controller;"                  \
    "  #interrupt-cells = <1>; riscv,ndev = <31>;"                             \
    "  interrupts-extended = <&intc 11>, <&intc 9>; };"
/* With one input, which needs no specifier of its own. */
#define GED(line)                                                              \
    " ged: ged@3000 { compatible = \"emu,acpi-ged\";"                          \
    "  reg = <0 0x3000 0 4>, <0 0x3010 0 3>; #interrupt-cells = <1>; };"       \
    " a@1000 { compatible = \"ns16550a\"; reg = <0 0x1000 0 8>;"               \
    "  interrupts-extended = <&ged " line ">; };"

static void open_dts(struct rig *r, struct tree *t, const char *dts)
{
    const char *file = rig_file(r, "tree.dts", dts, strlen(dts));

    if (!board_open_file(t, "-M", file, &r->e))
        fail_msg("%s", r->e.text);
}

static int node_at(const struct tree *t, const char *path)
{
    int node = tree_by_offset(t, fdt_path_offset(t->fdt, path));

    if (node < 0)
        fail_msg("no node %s", path);
    return node;
}

/* -- opening -- */

static void refuse_blob(const void *dtb, size_t size, const char *pattern)
{
    struct error e = {""};
    struct tree t;

    assert_false(tree_open(&t, "-M x", dtb, size, &e));
    tree_close(&t);
    assert_matches(pattern, e.text);
}

static void test_open(void **state)
{
    const struct board *b = &boards[0];
    uint8_t *copy = malloc(b->dtb_size);
    struct error e;
    struct tree t;

    (void)state;
    memcpy(copy, b->dtb, b->dtb_size);
    assert_true(tree_open(&t, "-M x", copy, b->dtb_size, &e));
    assert_int_equal(t.node[0].parent, -1);
    assert_int_equal(t.node[0].end, t.n);
    tree_close(&t);
    tree_close(&t);
    refuse_blob("abc", 3, "-M x: not a device tree blob (.dtb)");
    refuse_blob(copy, b->dtb_size - 1,
                "-M x: a tree of * bytes, of which only * are there");
    st_be32(copy + 8, 0x7fffffff); /* offset of the structure */
    refuse_blob(copy, b->dtb_size, "-M x: damaged device tree: *");
    free(copy);
}

static void write_nodes(void *fdt, int size, int deep, int wide)
{
    char name[20];

    assert_int_equal(fdt_create(fdt, size), 0);
    fdt_finish_reservemap(fdt);
    fdt_begin_node(fdt, "");
    for (int i = 0; i < deep; i++)
        fdt_begin_node(fdt, "n");
    for (int i = 0; i < deep; i++)
        fdt_end_node(fdt);
    for (int i = 0; i < wide; i++) {
        snprintf(name, sizeof(name), "w%d", i);
        fdt_begin_node(fdt, name);
        fdt_end_node(fdt);
    }
    fdt_end_node(fdt);
    assert_int_equal(fdt_finish(fdt), 0);
}

static void test_open_limits(void **state)
{
    int size = 1 << 20;
    void *fdt = calloc(1, (size_t)size);
    struct error e;
    struct tree t;

    (void)state;
    write_nodes(fdt, size, 24, 0);
    assert_true(tree_open(&t, "-M x", fdt, (size_t)size, &e));
    assert_int_equal(t.n, 25);
    tree_close(&t);
    write_nodes(fdt, size, 25, 0);
    refuse_blob(fdt, (size_t)size, "-M x: nodes nested more than 24 deep");
    write_nodes(fdt, size, 0, 4095);
    assert_true(tree_open(&t, "-M x", fdt, (size_t)size, &e));
    tree_close(&t);
    write_nodes(fdt, size, 0, 4096);
    refuse_blob(fdt, (size_t)size, "-M x: more than 4096 nodes");
    free(fdt);
}

static void test_index(void **state)
{
    struct rig *r = *state;
    char path[TREE_MAX_PATH];
    struct tree t;

    open_dts(r, &t,
             "/dts-v1/; / { a { b@1 { reg = <1>; }; c { d { }; }; }; e { x; "
             "}; };");
    assert_int_equal(t.n, 6);
    assert_string_equal(tree_path(&t, 0, path), "/");
    assert_string_equal(tree_path(&t, 4, path), "/a/c/d");
    assert_int_equal(t.node[1].end, 5);
    assert_int_equal(t.node[2].end, 3);
    assert_int_equal(t.node[5].parent, 0);
    assert_int_equal(tree_child(&t, 0, "e"), 5);
    assert_int_equal(tree_child(&t, 1, "b"), 2);
    assert_int_equal(tree_child(&t, 0, "b"), -1);
    assert_true(tree_named(&t, 2, "b@1"));
    assert_false(tree_named(&t, 2, "b@"));
    tree_close(&t);
}

static void test_phandles(void **state)
{
    struct rig *r = *state;
    struct tree t;

    open_dts(r, &t, "/dts-v1/; / { a: a { }; b { p = <&a>; }; };");
    assert_int_equal(tree_by_phandle(&t, t.node[1].phandle), 1);
    assert_int_equal(tree_by_phandle(&t, 0), -1);
    assert_int_equal(tree_by_phandle(&t, 77), -1);
    /* dtc would refuse two of the same. */
    t.fdt = realloc(t.fdt, 4096);
    assert_int_equal(fdt_open_into(t.fdt, t.fdt, 4096), 0);
    fdt_setprop_u32(t.fdt, fdt_path_offset(t.fdt, "/b"), "phandle",
                    t.node[1].phandle);
    refuse_blob(t.fdt, 4096, "-M x: /b: phandle: a has the same one");
    tree_close(&t);
}

/* -- addresses -- */

static void check_place(const struct tree *t, const char *path, int i,
                        bool port, uint64_t base, uint64_t size)
{
    struct tree_place at;
    struct error e;

    if (!tree_reg(t, node_at(t, path), i, &at, &e))
        fail_msg("%s", e.text);
    assert_int_equal(at.port, port);
    assert_int_equal(at.base, base);
    assert_int_equal(at.size, size);
}

static void refuse_place(const struct tree *t, const char *path, int i,
                         const char *pattern)
{
    struct tree_place at;
    struct error e = {""};

    assert_false(tree_reg(t, node_at(t, path), i, &at, &e));
    assert_matches(pattern, e.text);
}

static void test_ranges(void **state)
{
    struct rig *r = *state;
    struct tree t;

    open_dts(r, &t,
             "/dts-v1/; / { #address-cells = <2>; #size-cells = <1>;"
             " top@1 { reg = <1 0x10 0x20>, <0 0x30 0x40>; };"
             " soc { #address-cells = <1>; #size-cells = <1>;"
             "  ranges = <0x1000 0x8 0x0 0x1000>, <0x4000 0x0 0x500 0x10>;"
             "  a@1800 { reg = <0x1800 0x100>; };"
             "  b@4008 { reg = <0x4008 0x8>; };"
             "  c@4008 { reg = <0x4008 0x9>; };"
             "  d@0 { reg = <0x0 0x9>; };"
             "  inner { #address-cells = <1>; #size-cells = <1>; ranges;"
             "   e@1ff0 { reg = <0x1ff0 0x10>; }; };"
             "  none { #address-cells = <1>; #size-cells = <1>;"
             "   f@1000 { reg = <0x1000 0x10>; }; };"
             "  odd { #address-cells = <1>; #size-cells = <1>;"
             "   ranges = <1 2>; g@1000 { reg = <0x1000 0x10>; }; }; };"
             " wrap@ffffffff { reg = <0xffffffff 0xfffffff0 0x11>; };"
             " last@ffffffff { reg = <0xffffffff 0xfffffff0 0x10>; };"
             " odd { reg = <1 2>; };"
             " three { #address-cells = <3>; h@1 { reg = <1 2 3 4>; }; };"
             " big { #size-cells = <3>; i@1 { reg = <1 2 3 4 5>; }; }; };");
    check_place(&t, "/top@1", 0, false, 0x100000010, 0x20);
    check_place(&t, "/top@1", 1, false, 0x30, 0x40);
    refuse_place(&t, "/top@1", 2, "-M *: /top@1: reg: has no entry 2");
    check_place(&t, "/soc/a@1800", 0, false, 0x800000800, 0x100);
    check_place(&t, "/soc/b@4008", 0, false, 0x508, 8);
    refuse_place(&t, "/soc/c@4008", 0,
                 "-M *: /soc/c@4008: reg: 0x4008+0x9 is not in the ranges of "
                 "the bus soc");
    refuse_place(&t, "/soc/d@0", 0, "*: reg: 0x0+0x9 is not in *");
    check_place(&t, "/soc/inner/e@1ff0", 0, false, 0x800000ff0, 0x10);
    refuse_place(&t, "/soc/none/f@1000", 0, "*: reg: * of the bus none");
    refuse_place(&t, "/soc/odd/g@1000", 0,
                 "-M *: /soc/odd: ranges: 8 bytes long: wanted entries of "
                 "12");
    refuse_place(&t, "/wrap@ffffffff", 0,
                 "*: reg: runs over the end of addresses");
    check_place(&t, "/last@ffffffff", 0, false, 0xfffffffffffffff0, 0x10);
    refuse_place(&t, "/odd", 0, "*: /odd: reg: *");
    assert_int_equal(tree_reg_count(&t, node_at(&t, "/odd"), &r->e), -1);
    assert_matches("-M *: /odd: reg: 8 bytes long: wanted entries of 12",
                   r->e.text);
    refuse_place(&t, "/three/h@1", 0, "*: #address-cells: 3: wanted 0 to 2");
    refuse_place(&t, "/big/i@1", 0, "*: #size-cells: 3: wanted 0 to 2");
    tree_close(&t);
}

static void test_properties(void **state)
{
    struct rig *r = *state;
    struct tree t;
    uint32_t v;
    uint64_t w;

    open_dts(r, &t,
             "/dts-v1/; / { one = <7>; two = <1 2>; three = [010203];"
             " s = \"text\"; compatible = \"a\", \"bc\"; bad = \"x\";"
             " off { status = \"disabled\"; }; on { status = \"okay\"; }; };");
    assert_true(tree_u32(&t, 0, "one", 1, &v, NULL) && v == 7);
    assert_true(tree_u32(&t, 0, "none", 9, &v, NULL) && v == 9);
    assert_false(tree_u32(&t, 0, "two", 1, &v, &r->e));
    assert_matches("-M *: /: two: 8 bytes long: wanted one cell", r->e.text);
    assert_true(tree_u64(&t, 0, "two", 1, &w, NULL) && w == 0x100000002);
    assert_false(tree_u64(&t, 0, "three", 1, &w, &r->e));
    assert_string_equal(tree_string(&t, 0, "s"), "text");
    assert_null(tree_string(&t, 0, "three"));
    assert_string_equal(tree_compatible(&t, 0, 1), "bc");
    assert_null(tree_compatible(&t, 0, 2));
    assert_true(tree_is_compatible(&t, 0, "bc"));
    assert_false(tree_is_compatible(&t, 0, "b"));
    assert_true(tree_disabled(&t, node_at(&t, "/off")));
    assert_false(tree_disabled(&t, node_at(&t, "/on")));
    tree_close(&t);
}

/* -- interrupts -- */

static void refuse_irqs(struct rig *r, const char *text, const char *pattern)
{
    struct tree_irq *irq;
    struct tree t;
    unsigned n;

    open_dts(r, &t, text);
    r->e.text[0] = 0;
    assert_false(tree_irqs(&t, node_at(&t, "/d"), &irq, &n, &r->e));
    assert_null(irq);
    assert_matches(pattern, r->e.text);
    tree_close(&t);
}

static void test_irqs(void **state)
{
    struct rig *r = *state;
    struct tree_irq *irq;
    struct tree t;
    unsigned n;

    open_dts(r, &t,
             "/dts-v1/; / { interrupt-parent = <&a>;"
             " a: a { #interrupt-cells = <1>; };"
             " b: b { #interrupt-cells = <3>; };"
             " d { interrupts = <4>, <5>; };"
             " e { interrupts-extended = <&b 1 2 3>, <0>, <&a 9>; };"
             " f { interrupt-parent = <&b>; g { interrupts = <7 8 9>; }; };"
             " };");
    assert_true(tree_irqs(&t, node_at(&t, "/d"), &irq, &n, &r->e));
    assert_int_equal(n, 2);
    assert_int_equal(irq[1].controller, node_at(&t, "/a"));
    assert_int_equal(irq[1].cell[0], 5);
    free(irq);
    assert_true(tree_irqs(&t, node_at(&t, "/e"), &irq, &n, &r->e));
    assert_int_equal(n, 3);
    assert_int_equal(irq[0].cell[2], 3);
    assert_int_equal(irq[1].controller, -1);
    assert_int_equal(irq[2].controller, node_at(&t, "/a"));
    free(irq);
    assert_true(tree_irqs(&t, node_at(&t, "/f/g"), &irq, &n, &r->e));
    assert_int_equal(n, 1);
    assert_int_equal(irq[0].cell[1], 8);
    free(irq);
    assert_true(tree_irqs(&t, node_at(&t, "/a"), &irq, &n, &r->e));
    assert_int_equal(n, 0);
    assert_null(irq);
    tree_close(&t);

    refuse_irqs(r, "/dts-v1/; / { d { interrupts = <1>; }; };",
                "-M *: /d: interrupts: neither this node nor one above it "
                "has an interrupt-parent");
    refuse_irqs(r,
                "/dts-v1/; / { d { interrupts = <1>;"
                " interrupt-parent = <77>; }; };",
                "-M *: /d: interrupt-parent: no node has the phandle 0x4d");
    refuse_irqs(r,
                "/dts-v1/; / { a: a { }; d { interrupts = <1>;"
                " interrupt-parent = <&a>; }; };",
                "-M *: /d: interrupts: a has no #interrupt-cells, hence is "
                "no interrupt controller");
    refuse_irqs(r,
                "/dts-v1/; / { a: a { #interrupt-cells = <9>; };"
                " d { interrupts = <1>; interrupt-parent = <&a>; }; };",
                "-M *: /a: #interrupt-cells: 9: wanted 1 to 4");
    refuse_irqs(r,
                "/dts-v1/; / { a: a { #interrupt-cells = <2>; };"
                " d { interrupts = <1>; interrupt-parent = <&a>; }; };",
                "-M *: /d: interrupts: 4 bytes long: a wants 2 cells each");
    refuse_irqs(r,
                "/dts-v1/; / { a: a { #interrupt-cells = <2>; };"
                " d { interrupts-extended = <&a 1>; }; };",
                "-M *: /d: interrupts-extended: ends within a specifier for "
                "a");
    refuse_irqs(r, "/dts-v1/; / { d { interrupts-extended = <99 1>; }; };",
                "-M *: /d: interrupts-extended: no node has the phandle "
                "0x63");
    refuse_irqs(r, "/dts-v1/; / { d { interrupts = [0102]; }; };",
                "-M *: /d: interrupts: 2 bytes long: no whole cells");
}

/* -- copies -- */

static void check_cpu_irqs(const struct tree *t, const char *path,
                           unsigned cpus, uint32_t first, uint32_t second)
{
    struct tree_irq *irq;
    struct error e;
    char cpu[60];
    unsigned n;

    if (!tree_irqs(t, node_at(t, path), &irq, &n, &e))
        fail_msg("%s", e.text);
    assert_int_equal(n, 2 * cpus);
    for (unsigned i = 0; i < n; i++) {
        snprintf(cpu, sizeof(cpu), "/cpus/cpu@%x/interrupt-controller", i / 2);
        assert_int_equal(irq[i].controller, node_at(t, cpu));
        assert_int_equal(irq[i].cell[0], i % 2 ? second : first);
    }
    free(irq);
}

static void test_smp(void **state)
{
    struct rig *r = *state;
    const struct tree *t;
    int cpu[32];

    r->config.cpus = 12;
    rig_machine(r);
    t = &r->m->loader.guest;
    assert_int_equal(tree_cpus(t, cpu, 32, &r->e), 12);
    check_cpu_irqs(t, "/soc/interrupt-controller@c000000", 12, 11, 9);
    check_cpu_irqs(t, "/soc/clint@2000000", 12, 3, 7);
    for (int i = 0; i < 12; i++) {
        uint32_t reg;

        assert_true(tree_u32(t, cpu[i], "reg", 99, &reg, NULL));
        assert_int_equal(reg, i);
        assert_string_equal(tree_string(t, cpu[i], "riscv,isa"),
                            i ? "rv64i_stub_other" : "rv64i_stub");
        assert_string_equal(tree_string(t, cpu[i], "mmu-type"),
                            i ? "riscv,none" : "riscv,sv39");
    }
    /* The wires arrive: hart 5's MSIP. */
    assert_int_equal(memory_write(r->m->memory, 0x2000014, 4, 1), BUS_OK);
    r->config.cpus = 33;
    rig_refused(r, "-smp: 33 is too many; this board takes at most 32 CPUs");
}

static void test_guest_tree(void **state)
{
    struct rig *r = *state;
    const struct tree *t;
    struct tree_place at;

    r->config.ram_size = 300 * MIB + 1;
    rig_machine(r);
    t = &r->m->loader.guest;
    for (int i = 0; i < t->n; i++) {
        int p;

        fdt_for_each_property_offset(p, t->fdt, t->node[i].offset)
        {
            const char *name;

            fdt_getprop_by_offset(t->fdt, p, &name, NULL);
            assert_int_not_equal(strncmp(name, "emu,", 4), 0);
        }
    }
    assert_int_equal(tree_child(t, 0, "rom"), -1);
    assert_true(tree_reg(t, tree_child(t, 0, "memory"), 0, &at, NULL));
    assert_int_equal(at.base, 0x80000000);
    assert_int_equal(at.size, 300 * MIB + 4096);
    assert_string_equal(
        tree_string(t, tree_child(t, 0, "chosen"), "stdout-path"),
        "/soc/serial@10000000");
}

/* Two CPUs of the author's stay what they are. */
static void test_listed_cpus(void **state)
{
    struct rig *r = *state;
    static const char dts[] =
        "/dts-v1/; / { #address-cells = <1>; #size-cells = <1>;"
        " cpus { #address-cells = <1>; #size-cells = <0>;"
        "  cpu@7 { device_type = \"cpu\"; reg = <7>; };"
        "  cpu@8 { device_type = \"cpu\"; reg = <8>; status = \"fail\"; };"
        "  cpu@9 { device_type = \"cpu\"; reg = <9>; };"
        "  cpu@a { device_type = \"cpu\"; reg = <10>; status = \"fail\"; };"
        " };"
        " soc { cpu@0 { }; cpu@1 { }; };"
        " memory@80000000 { device_type = \"memory\";"
        "  reg = <0x80000000 0x1000000>; }; };";
    int cpu[4];

    rig_board(r, dts);
    assert_int_equal(r->m->n_cpus, 2);
    assert_int_equal(r->m->vcpu[1].cpu->id, 9);
    assert_int_equal(tree_cpus(&r->m->tree, cpu, 4, NULL), 2);
    assert_string_equal(tree_string(&r->m->tree, cpu[1], "riscv,isa"),
                        "rv64i_stub_other");
    assert_null(tree_string(&r->m->tree, cpu[1] - 1, "riscv,isa"));
    assert_null(tree_string(&r->m->tree, cpu[1] + 1, "riscv,isa"));
    r->config.cpus = 3;
    rig_board_refused(r, dts,
                      "-smp: this board has 2 CPUs, no more and no "
                      "less");
    r->config.cpus = 0;
    r->config.ram_size = (uint64_t)4096 * MIB;
    rig_board_refused(r, dts,
                      "-m: 4 GiB of memory: this board's addresses "
                      "have 32 bits");
}

/* Memory in pieces: the first takes what it says, the last the rest. */
static void test_ram_pieces(void **state)
{
    struct rig *r = *state;
    static const char dts[] =
        "/dts-v1/; / { #address-cells = <2>; #size-cells = <2>;"
        " cpus { #address-cells = <1>; #size-cells = <0>;"
        "  cpu@0 { device_type = \"cpu\"; reg = <0>; }; };"
        " memory@80000000 { device_type = \"memory\";"
        "  reg = <0 0x80000000 0 0x1000000>, <1 0 0 0x1000000>; };"
        " memory@200000000 { device_type = \"memory\";"
        "  reg = <2 0 0 0x100000>; }; };";
    struct tree_ram ram[4];
    unsigned n;

    rig_board(r, dts);
    assert_int_equal(r->m->ram->size, 33 * MIB);
    r->config.ram_size = 40 * MIB;
    rig_board(r, dts);
    assert_true(tree_ram(&r->m->loader.guest, ram, 4, &n, NULL));
    assert_int_equal(n, 3);
    assert_int_equal(ram[2].size, 8 * MIB);
    assert_non_null(memory_host(r->m->memory, 0x2007fffff, 1, true));
    r->config.ram_size = 20 * MIB;
    rig_board(r, dts);
    assert_true(tree_ram(&r->m->loader.guest, ram, 4, &n, NULL));
    assert_int_equal(n, 2);
    assert_int_equal(ram[1].size, 4 * MIB);
    assert_null(memory_host(r->m->memory, 0x100400000, 1, true));
    assert_null(memory_host(r->m->memory, 0x200000000, 1, true));
}

/* -- boards -- */

/* Every node of a board can be read: its places, and where its wires go. */
static void read_all(struct tree *t)
{
    struct error e = {""};

    for (int node = 1; node < t->n; node++) {
        int parent = t->node[node].parent, devfn;
        struct tree_place at;
        struct tree_irq *irq;
        unsigned n;

        if (tree_named(t, parent, "cpus"))
            continue;
        if (tree_is_pci_bus(t, parent)) {
            if (!tree_pci_devfn(t, node, &devfn, &e))
                fail_msg("%s", e.text);
        } else {
            int count = tree_reg_count(t, node, &e);

            if (count < 0)
                fail_msg("%s", e.text);
            for (int i = 0; i < count; i++) {
                if (!tree_reg(t, node, i, &at, &e))
                    fail_msg("%s", e.text);
            }
        }
        if (!tree_irqs(t, node, &irq, &n, &e))
            fail_msg("%s", e.text);
        free(irq);
    }
}

static void check_irq(const struct tree *t, const char *path, unsigned i,
                      const char *controller, uint32_t cell)
{
    struct tree_irq *irq;
    unsigned n;

    assert_true(tree_irqs(t, node_at(t, path), &irq, &n, NULL));
    assert_true(n > i);
    assert_int_equal(irq[i].controller, node_at(t, controller));
    assert_int_equal(irq[i].cell[0], cell);
    free(irq);
}

static void test_isapc(void **state)
{
    struct rig *r = *state;
    struct tree t;

    assert_true(board_open(&t, "isapc", NULL, 0, &r->e));
    read_all(&t);
    check_place(&t, "/bus/serial@3f8", 0, true, 0x3f8, 8);
    check_place(&t, "/bus/fw-cfg@510", 1, true, 0x514, 8);
    check_place(&t, "/bus/bios@fffe0000", 1, false, 0xe0000, 0x20000);
    /* The cascade: COM1, IRQ 4 of the first; the clock, IRQ 8 of the second,
     * which goes to input 2 of the first, which goes to the CPU. */
    check_irq(&t, "/bus/serial@3f8", 0, "/bus/irqs", 4);
    check_irq(&t, "/bus/irqs", 4, "/bus/interrupt-controller@20", 4);
    check_irq(&t, "/bus/irqs", 8, "/bus/interrupt-controller@a0", 0);
    check_irq(&t, "/bus/interrupt-controller@a0", 0,
              "/bus/interrupt-controller@20", 2);
    check_irq(&t, "/bus/interrupt-controller@20", 0,
              "/cpus/cpu@0/interrupt-controller", 0);
    tree_close(&t);
}

static void check_pirq(const struct tree *t, unsigned slot, unsigned pin,
                       uint32_t pirq)
{
    struct pci_route route;
    struct error e = {""};

    if (!pci_interrupt_route(t->fdt, t->node[node_at(t, "/bus/pci@cf8")].offset,
                             slot, pin, &route, &e))
        fail_msg("%s", e.text);
    assert_int_equal(tree_by_offset(t, route.controller),
                     node_at(t, "/bus/pci@cf8/isa@1,0"));
    assert_int_equal(route.cells[0], pirq);
}

static void test_pc(void **state)
{
    struct rig *r = *state;
    struct tree t;
    int devfn;

    assert_true(board_open(&t, "pc", NULL, 0, &r->e));
    read_all(&t);
    /* Behind two buses, a port is a port and memory is memory. */
    check_place(&t, "/bus/pci@cf8/isa@1,0/serial@3f8", 0, true, 0x3f8, 8);
    check_place(&t, "/bus/pci@cf8", 0, true, 0xcf8, 8);
    check_place(&t, "/bus/interrupt-controller@fee00000", 0, false, 0xfee00000,
                0x100000);
    check_place(&t, "/bus/bios@ff800000", 0, false, 0xff800000, 0x800000);
    assert_true(
        tree_pci_devfn(&t, node_at(&t, "/bus/pci@cf8/pm@1,3"), &devfn, NULL));
    assert_int_equal(devfn, 1 << 3 | 3);
    /* Slot 3's INTA is PIRQC; PIRQC to the IOAPIC's 18. */
    check_pirq(&t, 3, 0, 2);
    check_pirq(&t, 1, 0, 0);
    check_pirq(&t, 0, 3, 2);
    check_irq(&t, "/bus/pci@cf8/isa@1,0", 18,
              "/bus/interrupt-controller@fec00000", 18);
    /* IRQ 0 is the first 8259's input 0 and the IOAPIC's 2. */
    check_irq(&t, "/bus/pci@cf8/isa@1,0/irqs", 0,
              "/bus/pci@cf8/isa@1,0/interrupt-controller@20", 0);
    check_irq(&t, "/bus/pci@cf8/isa@1,0/irqs", 16,
              "/bus/interrupt-controller@fec00000", 2);
    tree_close(&t);
}

static void test_unknown_board(void **state)
{
    struct rig *r = *state;

    r->config.board = "vitr";
    rig_refused(r, "-M vitr: no such board*; there are virt, none, isapc, "
                   "microvm, pc, and "
                   "the file of one: name.dts or name.dtb");
    r->config.board = "virtt";
    rig_refused(r, "-M virtt: no such board (did you mean 'virt'?); there "
                   "are *");
    r->config.board = "/nonexistent/x.dts";
    rig_refused(r, "-M /nonexistent/x.dts: No such file or directory*");
    r->config.board = rig_file(r, "text", "hello", 5);
    rig_refused(r, "-M *text: not a device tree blob (.dtb), and its name "
                   "does not end in .dts");
    rig_board_refused(r, "/dts-v1/; / { x = ; };", "-M *board.dts: *rror*");
    r->config.board =
        rig_file(r, "board.dtb", boards[0].dtb, boards[0].dtb_size);
    rig_machine(r);
    r->config.board = NULL;
    r->config.cpu = "rv65";
    rig_refused(r, "-cpu: there is no CPU 'rv65' (did you mean 'rv64'?); "
                   "there are: rv64, rv32, "
                   "qemu64, 486");
    r->config.cpu = "rv64,broken=on";
    rig_refused(r, "-cpu rv64,broken=on: broken");
}

/* -- wrong boards -- */

static void test_wrong_root(void **state)
{
    struct rig *r = *state;

    rig_board_refused(r, "/dts-v1/; / { };",
                      "-M *board.dts: /: there is no node with device_type "
                      "= \"memory\"");
    rig_board_refused(r,
                      "/dts-v1/; / { #address-cells = <1>; #size-cells = "
                      "<1>; memory@0 { device_type = \"memory\"; reg = <0 "
                      "0x1000>; }; };",
                      "-M *: /: there is no node 'cpus'");
    rig_board_refused(r,
                      "/dts-v1/; / { #address-cells = <1>; #size-cells = "
                      "<1>; cpus { }; memory@0 { device_type = \"memory\"; "
                      "reg = <0 0x1000>; }; };",
                      "-M *: /cpus: there is no CPU");
    rig_board_refused(r, "/dts-v1/; / { emu,max-cpus = <0>; };",
                      "-M *: /: emu,max-cpus: 0: wanted 1 to 127");
    rig_board_refused(r, "/dts-v1/; / { emu,virtio = \"isa\"; };",
                      "-M *: /: emu,virtio: 'isa': wanted 'pci' or "
                      "'device'");
    r->config.ram_size = 3;
    rig_refused(r, "*");
    r->config.board = NULL;
    rig_refused(r, "-m: 3 bytes is too little; this board takes at least 4 "
                   "MiB");
    r->config.ram_size = UINT64_MAX;
    rig_refused(r, "-m: more than there are addresses");
    r->config.ram_size = (uint64_t)1 << 62;
    rig_refused(r, "-m: *");
}

static void test_wrong_devices(void **state)
{
    struct rig *r = *state;

    rig_board_refused(r,
                      BOARD(" x@1000 { compatible = \"ns16550b\";"
                            " reg = <0 0x1000 0 0x100>; };"),
                      "-M *: /x@1000: compatible: no device for compatible "
                      "\"ns16550b\" (did you mean \"ns16550a\"?)");
    rig_board(r, BOARD(" x@1000 { compatible = \"abc\"; status = "
                       "\"disabled\"; reg = <0 0x1000 0 0x100>; };"));
    rig_board(r, BOARD(" x { compatible = \"abc\"; };"));
    rig_board_refused(r,
                      BOARD(" x@1000 { compatible = \"ns16550a\";"
                            " reg = <0 0x1000 0 0x100>, <0 0 0 1>; };"),
                      "-M *: /x@1000: reg: 2 entries; ns16550a has 1");
    rig_board_refused(r, BOARD(" x { compatible = \"ns16550a\"; };"),
                      "-M *: /x: reg: 0 entries; ns16550a has 1");
    rig_board_refused(r,
                      BOARD(" x@1000 { compatible = \"ns16550a\";"
                            " reg = <0 0x1000 0 0>; };"),
                      "-M *: /x@1000: reg: entry 0 has size 0");
    rig_board_refused(r,
                      BOARD(" x@1000 { compatible = \"ns16550a\";"
                            " clock-frequency = [00]; "
                            " reg = <0 0x1000 0 8>; };"),
                      "-M *: /x@1000: clock-frequency: 1 bytes long: wanted "
                      "one or two cells");
    rig_board_refused(r,
                      BOARD(" x@1000 { compatible = \"ns16550a\";"
                            " emu,reg-shift = <99>; "
                            " reg = <0 0x1000 0 8>; };"),
                      "-M *: /x@1000: reg-shift is 99: want 0 to 8");
    rig_board_refused(r,
                      BOARD(" x@1000 { compatible = \"ns16550a\";"
                            " emu,serial = <4>; reg = <0 0x1000 0 8>; };"),
                      "-M *: /x@1000: emu,serial: 4: wanted 0 to 3");
    rig_board_refused(r,
                      BOARD(" bus { compatible = \"isa\"; #address-cells = "
                            "<2>; #size-cells = <1>; ranges; "
                            " x@1000 { compatible = \"ns16550a\";"
                            " reg = <1 0x1000 8>; }; };"),
                      "-M *: /bus/x@1000: reg: entry 0 is I/O ports; that of "
                      "ns16550a is memory");
    rig_board_refused(r,
                      BOARD(" x@1000 { compatible = \"ns16550a\";"
                            " emu,serial = <1>; reg = <0 0x1000 0 8>; };"
                            " y@2000 { compatible = \"ns16550a\";"
                            " emu,serial = <1>; reg = <0 0x2000 0 8>; };"),
                      "-M *: /y@2000: emu,serial: 1: another node has it "
                      "already");
    rig_board_refused(r,
                      BOARD(" x@1000 { compatible = \"ns16550a\";"
                            " emu,seral = <1>; reg = <0 0x1000 0 8>; };"),
                      "-M *: /x@1000: emu,seral: ns16550a has no such "
                      "property");
    rig_board_refused(
        r,
        "/dts-v1/; / { #address-cells = <1>; #size-cells = <1>; cpus {"
        " #address-cells = <1>; #size-cells = <0>;"
        " a@0 { device_type = \"cpu\"; reg = <3>; };"
        " b@1 { device_type = \"cpu\"; reg = <3>; }; };"
        " memory@0 { device_type = \"memory\"; reg = <0 0x1000>; }; };",
        "-M *: /cpus/b@1: reg: another CPU has the number 3");
    r->config.serial[0] = "nobody";
    r->config.board = NULL;
    rig_refused(r, "-M virt: /soc/serial@10000000: chardev='nobody': there "
                   "is no character device of that id");
}

static void test_wrong_places(void **state)
{
    struct rig *r = *state;

    rig_board_refused(r,
                      BOARD(" a@1000 { compatible = \"ns16550a\";"
                            " reg = <0 0x1000 0 0x100>; };"
                            " b@10ff { compatible = \"ns16550a\";"
                            " reg = <0 0x10ff 0 0x100>; };"),
                      "-M *: /b@10ff: reg: 0x10ff to 0x11fe overlaps "
                      "/a@1000 at 0x1000 to 0x10ff");
    rig_board(r, BOARD(" a@1000 { compatible = \"ns16550a\";"
                       " reg = <0 0x1000 0 0x100>; };"
                       " b@10ff { compatible = \"ns16550a\"; emu,priority "
                       "= <1>; reg = <0 0x10ff 0 0x100>; };"));
    rig_board_refused(r,
                      BOARD(" a@80ffffff { compatible = \"ns16550a\";"
                            " reg = <0 0x80ffffff 0 0x100>; };"),
                      "-M *: /a@80ffffff: reg: 0x80ffffff to 0x810000fe "
                      "overlaps RAM at 0x80000000 to 0x80ffffff");
    rig_board_refused(r,
                      BOARD(" a@0 { compatible = \"emu,boot-rom\";"
                            " reg = <0 0x80000000 0 0x1000>; };"),
                      "-M *: * overlaps *");
    rig_board_refused(r,
                      BOARD(" a@0 { compatible = \"emu,boot-rom\";"
                            " reg = <0 0x100 0 0x1000>; };"),
                      "-M *: /a@0: reg: wanted whole pages of 4 KiB, at most "
                      "16 MiB");
    r->config.board = NULL;
    /* half of a 32-bit host's addresses are too much */
    r->config.ram_size = (uint64_t)1 << (SIZE_MAX > UINT32_MAX ? 31 : 30);
    rig_machine(r);
}

static void test_wrong_wires(void **state)
{
    struct rig *r = *state;

    rig_board_refused(r,
                      BOARD(" a@1000 { compatible = \"ns16550a\";"
                            " reg = <0 0x1000 0 8>;"
                            " interrupts-extended = <&intc 64>; };"),
                      "-M *: /a@1000: interrupts: a CPU has no interrupt "
                      "input 64");
    rig_board_refused(r,
                      BOARD(PLIC " a@1000 { compatible = \"ns16550a\";"
                                 " reg = <0 0x1000 0 8>;"
                                 " interrupts-extended = <&intc 9>; };"),
                      "-M *: /a@1000: interrupts: input 9 of CPU 0 is driven "
                      "by another device");
    rig_board_refused(r,
                      BOARD(PLIC " a@1000 { compatible = \"ns16550a\";"
                                 " reg = <0 0x1000 0 8>;"
                                 " interrupts-extended = <&plic 32>; };"),
                      "-M *: /a@1000: interrupts: /plic@c000000 has no input "
                      "<32>");
    rig_board(r, BOARD(PLIC " a@1000 { compatible = \"ns16550a\";"
                            " reg = <0 0x1000 0 8>;"
                            " interrupts-extended = <&plic 31>; };"));
    rig_board_refused(r,
                      BOARD(PLIC " a@1000 { compatible = \"ns16550a\";"
                                 " reg = <0 0x1000 0 8>; interrupt-parent ="
                                 " <&plic>; interrupts = <1 2>; };"),
                      "-M *: /a@1000: interrupts: 2 entries; ns16550a has 1");
    rig_board_refused(r,
                      BOARD(" a@1000 { compatible = \"ns16550a\";"
                            " reg = <0 0x1000 0 8>;"
                            " interrupts-extended = <&b 1>; };"
                            " b: b@2000 { compatible = \"ns16550a\";"
                            " reg = <0 0x2000 0 8>; #interrupt-cells = <1>; "
                            "};"),
                      "-M *: /a@1000: interrupts: /b@2000 takes no "
                      "interrupts");
    rig_board_refused(r, BOARD(GED("1")),
                      "-M *: /a@1000: interrupts: /ged@3000 has no input <1>");
    rig_board(r, BOARD(GED("0")));
    rig_board_refused(
        r,
        BOARD(" a: a@c000000 { compatible = \"riscv,plic0\";"
              " reg = <0 0xc000000 0 0x600000>; #interrupt-cells = <1>;"
              " riscv,ndev = <31>; interrupts-extended = <&b 1>; };"
              " b: b@d000000 { compatible = \"riscv,plic0\";"
              " reg = <0 0xd000000 0 0x600000>; #interrupt-cells = <1>;"
              " riscv,ndev = <31>; interrupts-extended = <&a 1>; };"),
        "-M *: /a@c000000: interrupts: go in a circle");
    rig_board_refused(
        r,
        BOARD(" a: a@c000000 { compatible = \"riscv,plic0\";"
              " reg = <0 0xc000000 0 0x600000>; #interrupt-cells = <1>;"
              " riscv,ndev = <31>; interrupts-extended = <&a 1>; };"),
        "-M *: /a@c000000: interrupts: go in a circle");
}

/* -- AIA -- */

#define APLIC(name, at, rest)                                                  \
    name " { compatible = \"riscv,aplic\"; interrupt-controller;"              \
         " reg = <0 " at " 0 0x8000>; #interrupt-cells = <2>;"                 \
         " riscv,num-sources = <31>; " rest " };"
#define IMSIC(rest)                                                            \
    " i: i@28000000 { compatible = \"riscv,imsics\"; riscv,num-ids = <63>;"    \
    " reg = <0 0x28000000 0 0x8000>; " rest " };"

static void test_wrong_aia(void **state)
{
    struct rig *r = *state;

    rig_board_refused(r,
                      BOARD(APLIC("a@c000000", "0xc000000",
                                  "riscv,children = <99>;")),
                      "-M *: /a@c000000: riscv,children: no device has the "
                      "phandle 0x63");
    rig_board_refused(r,
                      BOARD(APLIC("a@c000000", "0xc000000",
                                  "riscv,children = [00];")),
                      "-M *: /a@c000000: riscv,children: no whole cells");
    rig_board_refused(r,
                      BOARD(PLIC APLIC("a@d000000", "0xd000000",
                                       "riscv,children = <&plic>;")),
                      "-M *: /a@d000000: riscv,children: /plic@c000000 is no "
                      "riscv,aplic");
    rig_board_refused(r,
                      BOARD(APLIC("a: a@c000000", "0xc000000",
                                  "riscv,children = <&b>;")
                                APLIC("b: b@d000000", "0xd000000",
                                      "riscv,children = <&a>;")),
                      "-M *: /b@d000000: riscv,children: /a@c000000 is above "
                      "it");
    rig_board_refused(r,
                      BOARD(PLIC IMSIC("interrupts-extended = <&plic 9>;")),
                      "-M *: /i@28000000: interrupts-extended: entry 0 is no "
                      "external interrupt of a hart (11 or 9)");
    rig_board_refused(r, BOARD(IMSIC("interrupts-extended = <&intc 3>;")),
                      "-M *: /i@28000000: interrupts-extended: entry 0 is no "
                      "*");
    rig_board(r, BOARD(IMSIC("interrupts-extended = <&intc 9>;")
                           APLIC("a@c000000", "0xc000000",
                                 "msi-parent = <&i>;")));
}

/* Hart n's file is page n, of its own level. */
static void test_aia_files(void **state)
{
    const char *const options[] = {"aia=aplic", "aia=aplic-imsic"};
    struct rig *r = *state;

    r->config.cpus = 3;
    r->config.board_options = options;
    r->config.n_board_options = 2;
    rig_machine(r);
    for (unsigned s = 0; s < 2; s++)
        for (unsigned n = 0; n < 3; n++) {
            uint64_t page = (s ? 0x28000000 : 0x24000000) + 0x1000 * n;
            const struct cpu_msi_file *f = &r->m->vcpu[n].cpu->wires.msi[s];

            assert_int_equal(memory_write(r->m->memory, page, 4, 40 + n),
                             BUS_OK);
            assert_int_equal(f->read(f->owner, f->file, 0x81),
                             1 << (8 + n));
            assert_int_equal(f->read(f->owner, f->file, 0x80), 0);
        }
    assert_null(memory_host(r->m->memory, 0xc000000, 4, false));
    rig_free(r);
    r->config.n_board_options = 1; /* of a name the last counts */
    rig_machine(r);
    assert_null(r->m->vcpu[0].cpu->wires.msi[0].read);
}

static void refused_option(struct rig *r, const char *board,
                           const char *option, const char *pattern)
{
    struct error e = {""};
    struct tree t;

    (void)r;
    assert_false(board_open(&t, board, &option, 1, &e));
    tree_close(&t);
    assert_matches(pattern, e.text);
}

static void test_board_options(void **state)
{
    static const char *const off[] = {"aclint=on", "aia=aplic", "aia=none",
                                      "aclint=off"};
    struct rig *r = *state;
    struct tree plain, t;

    refused_option(r, NULL, "aia=maybe",
                   "-M virt: aia=maybe: accepted are none, aplic, "
                   "aplic-imsic");
    refused_option(r, "virt", "aia", "-M virt: aia: accepted are none, *");
    refused_option(r, "virt", "ai=none",
                   "-M virt: this board has no option 'ai'");
    refused_option(r, "pc", "aia=none",
                   "-M pc: this board has no option 'aia'");
    refused_option(r, "a.dts", "aia=none",
                   "-M a.dts,aia=none: a board of a file has no options: its "
                   "tree says all");
    /* Defaults change nothing, and no trace of the means is left. */
    assert_true(board_open(&plain, NULL, NULL, 0, &r->e));
    assert_true(board_open(&t, NULL, off, 4, &r->e));
    assert_int_equal(t.size, plain.size);
    assert_memory_equal(t.fdt, plain.fdt, t.size);
    assert_int_equal(tree_child(&t, 0, "__symbols__"), -1);
    tree_close(&t);
    assert_true(board_open(&t, NULL, off, 2, &r->e));
    node_at(&t, "/soc/mswi@2000000");
    node_at(&t, "/soc/aplic@d000000");
    assert_int_equal(fdt_path_offset(t.fdt, "/soc/clint@2000000"),
                     -FDT_ERR_NOTFOUND);
    for (int i = 0; i < t.n; i++)
        assert_null(tree_prop(&t, i, "emu,absent", NULL));
    tree_close(&t);
    tree_close(&plain);
}

#define PCI(inner, map)                                                        \
    PLIC " pci@30000000 { compatible = \"pci-host-ecam-generic\";"             \
         " device_type = \"pci\"; reg = <0 0x30000000 0 0x10000000>;"          \
         " #address-cells = <3>; #size-cells = <2>;"                           \
         " #interrupt-cells = <1>;"                                            \
         " ranges = <0x2000000 0 0x40000000 0 0x40000000 0 0x40000000>;"       \
         " interrupt-map-mask = <0 0 0 7>; interrupt-map = " map ";" inner     \
         " };"
#define MAP "<0 0 0 1 &plic 5 0 0 0 2 &plic 5 0 0 0 3 &plic 5 0 0 0 4 &plic 5>"

static void test_pci(void **state)
{
    struct rig *r = *state;
    struct device *host;

    rig_board(r, BOARD(PCI("", MAP)));
    host = r->m->members[r->m->n_members - 1].dev;
    for (unsigned i = 0; i < 4; i++) {
        assert_ptr_equal(host->out[i].listener, r->m->members[0].dev);
        assert_int_equal(host->out[i].line, 5);
    }
    rig_board_refused(r, BOARD(PCI("", "<0 0 0 1 99 5>")), "-M *: *phandle*");
    rig_board_refused(r,
                      BOARD(PCI(" x@8,0 { compatible = \"ns16550a\"; reg "
                                "= <0x4000 0 0 0 0>; };",
                                MAP)),
                      "-M *: /pci@30000000/x@8,0: *");
    r->config.ram_size = (uint64_t)250 << 30;
    r->e.text[0] = 0;
    r->config.board = NULL;
    if (!machine_new(&r->m, &r->config, &r->e))
        assert_matches("-m: *", r->e.text);
}

/* RAM that reaches a PCI window. */
static void test_pci_window(void **state)
{
    struct rig *r = *state;

    rig_board_refused(
        r,
        "/dts-v1/; / { #address-cells = <2>; #size-cells = <2>;"
        " cpus { #address-cells = <1>; #size-cells = <0>;"
        "  cpu@0 { device_type = \"cpu\"; compatible = \"riscv\"; reg = <0>;"
        "   intc: interrupt-controller { #interrupt-cells = <1>; }; }; };"
        " memory@7f000000 { device_type = \"memory\";"
        "  reg = <0 0x7f000000 0 0x1000000>; };" PCI("", MAP) " };",
        "-M *: RAM: reg: 0x7f000000 to 0x7fffffff overlaps a PCI window at "
        "0x40000000 to 0x7fffffff");
}

/* -- -device -- */

static void set_devices(struct rig *r, const struct device_option *o, size_t n)
{
    r->config.devices = o;
    r->config.n_devices = n;
}

static void refuse_device(struct rig *r, const char *driver, const char *name,
                          const char *value, const char *pattern)
{
    struct device_option o = {driver, name ? 1 : 0, &name, &value};

    set_devices(r, &o, 1);
    rig_refused(r, pattern);
    set_devices(r, NULL, 0);
}

static void test_device(void **state)
{
    struct rig *r = *state;
    struct device_option o[9];
    const char *bus = "bus", *fifth = "virtio-mmio-bus.4";
    unsigned taken = 0, at = 0;

    for (int i = 0; i < 9; i++)
        o[i] = (struct device_option){.driver = "virtio-rng-device"};
    o[1].n = 1;
    o[1].names = &bus;
    o[1].values = &fifth;
    set_devices(r, o, 2);
    rig_machine(r);
    for (unsigned i = 0; i < r->m->n_members; i++) {
        struct device *dev = r->m->members[i].dev;

        if (!virtio_mmio_is_slot(dev))
            continue;
        if (!virtio_mmio_is_free(dev))
            taken |= 1u << at;
        at++;
    }
    assert_int_equal(at, 8);
    assert_int_equal(taken, 1 | 1 << 4);
    set_devices(r, o, 8);
    rig_machine(r);
    set_devices(r, o, 9);
    rig_refused(r, "-device virtio-rng-device: all 8 virtio-mmio slots are "
                   "taken");
    o[0] = o[1];
    set_devices(r, o, 2);
    rig_refused(r, "-device virtio-rng-device: *");
}

static void test_device_pci(void **state)
{
    struct rig *r = *state;
    const char *const names[] = {"id", "addr", "bus"};
    const char *const values[] = {"mine", "1d.0", "pcie.0"};
    const struct device_option o[] = {{"virtio-rng", 3, names, values},
                                      {"virtio-rng-pci", 1, names, values}};
    struct device *dev;

    set_devices(r, o, 1);
    rig_machine(r);
    dev = r->m->members[r->m->n_members - 1].dev;
    assert_string_equal(dev->path, "mine");
    assert_int_equal(((struct pci_device *)dev)->devfn, 0x1d << 3);
    set_devices(r, o, 2);
    rig_refused(r, "-device virtio-rng-pci: id=mine is taken");
}

static void test_device_bad(void **state)
{
    struct rig *r = *state;
    const char *drive = "disk0";

    refuse_device(r, "virtio-rgn-pci", NULL, NULL,
                  "-device virtio-rgn-pci: there is no such device (did you "
                  "mean 'virtio-rng-pci'?)");
    refuse_device(r, "qqq", NULL, NULL,
                  "-device qqq: there is no such device; there are: *");
    refuse_device(r, "plic", NULL, NULL,
                  "-device plic: part of a board, not to be plugged in");
    refuse_device(r, "virtio-rng-device", "bus", "pcie.0",
                  "-device virtio-rng-device: bus=pcie.0: wanted "
                  "virtio-mmio-bus.0 and so on");
    refuse_device(r, "virtio-rng-device", "bus", "virtio-mmio-bus.8",
                  "-device virtio-rng-device: bus=virtio-mmio-bus.8: this "
                  "board has 8 slots");
    refuse_device(r, "virtio-rng-device", "bus", "virtio-mmio-bus.-1",
                  "-device virtio-rng-device: bus=*: wanted *");
    refuse_device(r, "virtio-rng-device", "addr", "3",
                  "-device virtio-rng-device: addr=3: only for PCI devices");
    refuse_device(r, "virtio-rng-pci", "bus", "usb.0",
                  "-device virtio-rng-pci: bus=usb.0: wanted pcie.0");
    refuse_device(r, "virtio-rng-pci", "addr", "20",
                  "-device virtio-rng-pci: *20*");
    refuse_device(r, "virtio-rng-pci", "addr", "0",
                  "-device virtio-rng-pci: *");
    refuse_device(r, "virtio-rng-pci", "colour", "red",
                  "-device virtio-rng-pci: * has no property 'colour'*");
    refuse_device(r, "virtio-blk-pci", "drive", "d0",
                  "-device virtio-blk-pci: drive='d0': there is no drive of "
                  "that id");
    r->config.drives = &(struct drive_option){.option = "-drive x",
                                              .id = drive,
                                              .interface = DRIVE_BOARD,
                                              .index = -1,
                                              .bus = -1,
                                              .unit = -1};
    r->config.n_drives = 1;
    rig_refused(r, "drive disk0: drive='disk0': there is no drive of that "
                   "id");
    r->config.n_drives = 0;
    r->config.board = rig_file(r, "bare.dts", BOARD(""), strlen(BOARD("")));
    refuse_device(r, "virtio-rng-pci", NULL, NULL,
                  "-device virtio-rng-pci: this board has no PCI bus");
    refuse_device(r, "virtio-rng-device", NULL, NULL,
                  "-device virtio-rng-device: this board has no virtio-mmio "
                  "slots");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_open),
        TEST(test_open_limits),
        TEST(test_index),
        TEST(test_phandles),
        TEST(test_ranges),
        TEST(test_properties),
        TEST(test_irqs),
        TEST(test_smp),
        TEST(test_guest_tree),
        TEST(test_listed_cpus),
        TEST(test_ram_pieces),
        TEST(test_isapc),
        TEST(test_pc),
        TEST(test_unknown_board),
        TEST(test_wrong_root),
        TEST(test_wrong_devices),
        TEST(test_wrong_places),
        TEST(test_wrong_wires),
        TEST(test_wrong_aia),
        TEST(test_aia_files),
        TEST(test_board_options),
        TEST(test_pci),
        TEST(test_pci_window),
        TEST(test_device),
        TEST(test_device_pci),
        TEST(test_device_bad),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
