/*
 * Boards by their source: what a wrong one is answered with, AIA, PCI, boards'
 * options, -device.
 */
#include "rig.h"

#include <libfdt.h>
#include <stdlib.h>

#include "devices/pci/pci.h"
#include "devices/virtio/virtio.h"
#include "machine/board.h"

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

    rig_board_refused(
        r, BOARD(APLIC("a@c000000", "0xc000000", "riscv,children = <99>;")),
        "-M *: /a@c000000: riscv,children: no device has the "
        "phandle 0x63");
    rig_board_refused(
        r, BOARD(APLIC("a@c000000", "0xc000000", "riscv,children = [00];")),
        "-M *: /a@c000000: riscv,children: no whole cells");
    rig_board_refused(r,
                      BOARD(PLIC APLIC("a@d000000", "0xd000000",
                                       "riscv,children = <&plic>;")),
                      "-M *: /a@d000000: riscv,children: /plic@c000000 is no "
                      "riscv,aplic");
    rig_board_refused(
        r,
        BOARD(APLIC("a: a@c000000", "0xc000000", "riscv,children = <&b>;")
                  APLIC("b: b@d000000", "0xd000000", "riscv,children = <&a>;")),
        "-M *: /b@d000000: riscv,children: /a@c000000 is above "
        "it");
    rig_board_refused(r, BOARD(PLIC IMSIC("interrupts-extended = <&plic 9>;")),
                      "-M *: /i@28000000: interrupts-extended: entry 0 is no "
                      "external interrupt of a hart (11 or 9)");
    rig_board_refused(r, BOARD(IMSIC("interrupts-extended = <&intc 3>;")),
                      "-M *: /i@28000000: interrupts-extended: entry 0 is no "
                      "*");
    rig_board(r, BOARD(IMSIC("interrupts-extended = <&intc 9>;") APLIC(
                     "a@c000000", "0xc000000", "msi-parent = <&i>;")));
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
            assert_int_equal(f->read(f->owner, f->file, 0x81), 1 << (8 + n));
            assert_int_equal(f->read(f->owner, f->file, 0x80), 0);
        }
    assert_null(memory_host(r->m->memory, 0xc000000, 4, false));
    rig_free(r);
    r->config.n_board_options = 1; /* of a name the last counts */
    rig_machine(r);
    assert_null(r->m->vcpu[0].cpu->wires.msi[0].read);
}

static void refused_option(struct rig *r, const char *board, const char *option,
                           const char *pattern)
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
    rig_node(&t, "/soc/mswi@2000000");
    rig_node(&t, "/soc/aplic@d000000");
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
        TEST(test_wrong_root),    TEST(test_wrong_devices),
        TEST(test_wrong_places),  TEST(test_wrong_wires),
        TEST(test_wrong_aia),     TEST(test_aia_files),
        TEST(test_board_options), TEST(test_pci),
        TEST(test_pci_window),    TEST(test_device),
        TEST(test_device_pci),    TEST(test_device_bad),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
