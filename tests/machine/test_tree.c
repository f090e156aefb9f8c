/*
 * Device trees: reading, addresses, interrupts, copies; the embedded boards.
 * What a wrong board is answered with is test_board.c's.
 */
#include "rig.h"

#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "devices/pci/pci.h"
#include "machine/board.h"

#define MIB ((uint64_t)1 << 20)

static void open_dts(struct rig *r, struct tree *t, const char *dts)
{
    const char *file = rig_file(r, "tree.dts", dts, strlen(dts));

    if (!board_open_file(t, "-M", file, &r->e))
        fail_msg("%s", r->e.text);
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

    if (!tree_reg(t, rig_node(t, path), i, &at, &e))
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

    assert_false(tree_reg(t, rig_node(t, path), i, &at, &e));
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
    assert_int_equal(tree_reg_count(&t, rig_node(&t, "/odd"), &r->e), -1);
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
    assert_true(tree_disabled(&t, rig_node(&t, "/off")));
    assert_false(tree_disabled(&t, rig_node(&t, "/on")));
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
    assert_false(tree_irqs(&t, rig_node(&t, "/d"), &irq, &n, &r->e));
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
    assert_true(tree_irqs(&t, rig_node(&t, "/d"), &irq, &n, &r->e));
    assert_int_equal(n, 2);
    assert_int_equal(irq[1].controller, rig_node(&t, "/a"));
    assert_int_equal(irq[1].cell[0], 5);
    free(irq);
    assert_true(tree_irqs(&t, rig_node(&t, "/e"), &irq, &n, &r->e));
    assert_int_equal(n, 3);
    assert_int_equal(irq[0].cell[2], 3);
    assert_int_equal(irq[1].controller, -1);
    assert_int_equal(irq[2].controller, rig_node(&t, "/a"));
    free(irq);
    assert_true(tree_irqs(&t, rig_node(&t, "/f/g"), &irq, &n, &r->e));
    assert_int_equal(n, 1);
    assert_int_equal(irq[0].cell[1], 8);
    free(irq);
    assert_true(tree_irqs(&t, rig_node(&t, "/a"), &irq, &n, &r->e));
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

    if (!tree_irqs(t, rig_node(t, path), &irq, &n, &e))
        fail_msg("%s", e.text);
    assert_int_equal(n, 2 * cpus);
    for (unsigned i = 0; i < n; i++) {
        snprintf(cpu, sizeof(cpu), "/cpus/cpu@%x/interrupt-controller", i / 2);
        assert_int_equal(irq[i].controller, rig_node(t, cpu));
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

    assert_true(tree_irqs(t, rig_node(t, path), &irq, &n, NULL));
    assert_true(n > i);
    assert_int_equal(irq[i].controller, rig_node(t, controller));
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

    if (!pci_interrupt_route(t->fdt,
                             t->node[rig_node(t, "/bus/pci@cf8")].offset, slot,
                             pin, &route, &e))
        fail_msg("%s", e.text);
    assert_int_equal(tree_by_offset(t, route.controller),
                     rig_node(t, "/bus/pci@cf8/isa@1,0"));
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
        tree_pci_devfn(&t, rig_node(&t, "/bus/pci@cf8/pm@1,3"), &devfn, NULL));
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_open),        TEST(test_open_limits),   TEST(test_index),
        TEST(test_phandles),    TEST(test_ranges),        TEST(test_properties),
        TEST(test_irqs),        TEST(test_smp),           TEST(test_guest_tree),
        TEST(test_listed_cpus), TEST(test_ram_pieces),    TEST(test_isapc),
        TEST(test_pc),          TEST(test_unknown_board),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
