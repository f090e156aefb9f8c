/* Loaders: firmware, where the parts go, that none lies over another; the demo
 * and the device tree. */
#include "load_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <libfdt.h>

#include "roms/riscv/boot_layout.h"

/* -- firmware -- */

static void test_firmware(void **state)
{
    struct rig *r = *state;
    uint8_t *p = file_buffer();
    const struct segment s = {4096, RAM + 0x4000, 12, 12};
    const char *dirs[] = {r->folder, NULL};

    make_elf64(p, 243, RAM + 0x4004, &s, 1);
    put_nops(p + 4096);
    r->config.bios = rig_file(r, "fw.elf", p, 8192);
    rig_machine(r);
    assert_memory(r, RAM + 0x4000, nops, 12);
    assert_int_equal(stub_word(r, BOOT_START), RAM + 0x4004);
    assert_int_equal(stub_word(r, BOOT_INFO + 16), 0);

    /* -L's folders come first. */
    rig_file(r, "fw_dynamic.bin", nops, sizeof(nops));
    r->config.firmware_dirs = dirs;
    r->config.bios = NULL;
    rig_machine(r);
    assert_memory(r, RAM, nops, 12);
    rig_file(r, "opensbi-riscv64-generic-fw_dynamic.bin", "\1\2", 2);
    rig_refused(r, "-bios */opensbi-riscv64-generic-fw_dynamic.bin: of no "
                   "known format; wanted a 64-bit RISC-V ELF file or plain "
                   "machine code");
    r->config.bios = "fw.elf";
    rig_machine(r);
    assert_int_equal(stub_word(r, BOOT_START), RAM + 0x4004);
}

static void test_firmware_bad(void **state)
{
    struct rig *r = *state;
    uint8_t *p = file_buffer();

    r->config.bios = "nonexistent.bin";
    rig_refused(r, "-bios nonexistent.bin: No such file or directory*");
    make_image(p, MIB, 0x200000, MIB);
    r->config.bios = rig_file(r, "fw", p, MIB);
    rig_refused(r, "-bios *: a RISC-V Image; wanted a 64-bit RISC-V ELF file "
                   "or plain machine code");
    make_elf64(p, 183, RAM, NULL, 0);
    r->config.bios = rig_file(r, "fw", p, MIB);
    rig_refused(r, "-bios *: an arm64 ELF file; wanted *");
    /* Nothing of the name for rv32 is installed, nor in -L. */
    r->config.bios = "default";
    r->config.cpu = "rv32";
    r->e.text[0] = 0;
    if (!machine_new(&r->m, &r->config, &r->e))
        assert_matches("-bios default: no OpenSBI for 32-bit RISC-V "
                       "(fw_dynamic.bin) in the usual folders nor in those "
                       "of -L; install the package opensbi, or use -bios "
                       "FILE or -bios none",
                       r->e.text);
}

/* -- where things go -- */

static bool apart(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
    return a + a_size <= b || b + b_size <= a;
}

static void check_places(struct rig *r, uint64_t kernel_end,
                         uint64_t initrd_size)
{
    const struct loader *l = &r->m->loader;

    assert_int_equal(l->initrd_at % 4096, 0);
    assert_int_equal(l->tree_at % 4096, 0);
    assert_true(l->initrd_at >= kernel_end);
    assert_true(l->initrd_at + initrd_size <= RAM + r->m->ram->size);
    assert_true(l->tree_at + l->guest.size <= RAM + r->m->ram->size);
    assert_true(apart(l->initrd_at, initrd_size, l->tree_at, l->guest.size));
}

static void test_initrd(void **state)
{
    struct rig *r = *state;
    uint8_t *p = file_buffer(), *initrd = malloc(3 * MIB);
    uint64_t start, end;
    int node, size;
    const void *prop;

    for (size_t i = 0; i < 3 * MIB; i++)
        initrd[i] = (uint8_t)(i >> 8 ^ i);
    make_image(p, MIB, 0x200000, 20 * MIB);
    set_kernel(r, p, MIB);
    r->config.initrd = rig_file(r, "initrd", initrd, 3 * MIB - 5);
    r->config.append = "quiet emu";
    for (unsigned mib = 26; mib <= 64; mib += 19) {
        r->config.ram_size = mib * MIB;
        rig_machine(r);
        check_places(r, KERNEL + 20 * MIB, 3 * MIB - 5);
        assert_memory(r, r->m->loader.initrd_at, initrd, 3 * MIB - 5);
    }
    node = tree_child(&r->m->loader.guest, 0, "chosen");
    assert_true(tree_u64(&r->m->loader.guest, node, "linux,initrd-start", 0,
                         &start, NULL));
    assert_true(
        tree_u64(&r->m->loader.guest, node, "linux,initrd-end", 0, &end, NULL));
    assert_int_equal(start, r->m->loader.initrd_at);
    assert_int_equal(end, start + 3 * MIB - 5);
    assert_string_equal(tree_string(&r->m->loader.guest, node, "bootargs"),
                        "quiet emu");
    prop = tree_prop(&r->m->loader.guest, node, "rng-seed", &size);
    assert_non_null(prop);
    assert_int_equal(size, 32);
    /* 2 of firmware's, 20 of kernel, 3 of initrd, tree. */
    r->config.ram_size = 25 * MIB;
    rig_refused(r, "-initrd *: its 3.0 MiB do not fit between the kernel, "
                   "which needs memory up to 0x81600000, and the end of RAM "
                   "at 0x81900000; -m gives more");
    free(initrd);
}

static void test_initrd_bad(void **state)
{
    struct rig *r = *state;

    r->config.initrd = rig_file(r, "initrd", "x", 1);
    rig_refused(r, "-initrd *: only with a -kernel");
    set_kernel(r, nops, sizeof(nops));
    rig_machine(r);
    r->config.initrd = rig_file(r, "initrd", "", 0);
    rig_refused(r, "-initrd *: the file is empty*");
    r->config.initrd = "/nonexistent";
    rig_refused(r, "-initrd /nonexistent: No such file or directory*");
    r->config.initrd = NULL;
    r->config.kernel = NULL;
    r->config.append = "x";
    rig_refused(r, "-append: only with a -kernel");
}

static void test_overlap(void **state)
{
    struct rig *r = *state;
    uint8_t *p = file_buffer();
    const struct segment s = {4096, RAM, 12, 12};

    make_elf64(p, 243, RAM, &s, 1);
    put_nops(p + 4096);
    set_kernel(r, p, 8192);
    set_firmware(r);
    rig_refused(r, "-kernel *: would lie at 0x80000000 to 0x8000000b, over "
                   "-bios * at 0x80000000 to 0x8000000b");
}

/* fw_jump puts the tree at 0x82200000: nothing of ours is there. */
static void test_fw_jump(void **state)
{
    struct rig *r = *state;
    uint8_t *p = file_buffer();
    uint8_t *initrd = calloc(40, MIB);

    make_image(p, MIB, 0x200000, 8 * MIB);
    set_kernel(r, p, MIB);
    set_firmware(r);
    for (unsigned mib = 1; mib < 24; mib += 5) {
        r->config.ram_size = 64 * MIB;
        r->config.initrd = rig_file(r, "initrd", initrd, mib * MIB);
        rig_machine(r);
        check_places(r, KERNEL + 8 * MIB, mib * MIB);
        assert_true(
            apart(r->m->loader.initrd_at, mib * MIB, 0x82200000, 2 * MIB));
        assert_true(apart(r->m->loader.tree_at, r->m->loader.guest.size,
                          0x82200000, 2 * MIB));
    }
    r->config.initrd = NULL;
    r->config.ram_size = 36 * MIB; /* the tree would be just there */
    rig_machine(r);
    assert_true(r->m->loader.tree_at > 0x82100000);
    assert_true(apart(r->m->loader.tree_at, r->m->loader.guest.size, 0x82200000,
                      2 * MIB));
    free(initrd);
}

/* Big memory: tree and initrd stay below 3 GiB. */
static void test_big_memory(void **state)
{
    struct rig *r = *state;

    r->config.ram_size = (uint64_t)3 << 30;
    if (r->config.ram_size > SIZE_MAX / 2) {
        rig_refused(r, "-m: 3072 MiB of guest RAM: this host's addresses "
                       "allow less than 2048 MiB");
        return;
    }
    set_kernel(r, nops, sizeof(nops));
    r->config.initrd = rig_file(r, "initrd", "x", 1);
    rig_machine(r);
    assert_true(r->m->loader.tree_at < 0xc0000000);
    assert_true(r->m->loader.tree_at > 0xb0000000);
    assert_true(r->m->loader.initrd_at < 0xc0000000);
}

static void test_tiny_memory(void **state)
{
    struct rig *r = *state;
    uint8_t *p = file_buffer();

    r->config.ram_size = 4 * MIB;
    set_kernel(r, nops, sizeof(nops));
    rig_machine(r);
    make_image(p, MIB, 0, 4 * MIB);
    set_kernel(r, p, MIB);
    rig_refused(r, "-m: 4 MiB is not enough: the device tree of * does not "
                   "fit beside what is loaded");
}

/* -- the demo, and -dtb -- */

static void test_demo(void **state)
{
    struct rig *r = *state;

    r->config.demo = nops;
    r->config.demo_size = sizeof(nops);
    r->config.bios = NULL;
    rig_machine(r);
    assert_true(r->m->loader.demo);
    assert_memory(r, RAM, nops, sizeof(nops));
    assert_int_equal(stub_word(r, BOOT_START), RAM);
    r->config.bios = "none";
    rig_machine(r);
    assert_false(r->m->loader.demo);
    rig_free(r);
    /* It is linked for one place. */
    r->config.bios = NULL;
    rig_board_refused(
        r,
        "/dts-v1/; / { #address-cells = <1>; #size-cells = <1>; cpus {"
        " #address-cells = <1>; #size-cells = <0>; cpu@0 { compatible ="
        " \"riscv\"; device_type = \"cpu\"; reg = <0>; }; };"
        " memory@40000000 { device_type = \"memory\";"
        " reg = <0x40000000 0x1000000>; }; };",
        "the built-in demo: wants to be at 0x80000000, where there is no RAM; "
        "that is from 0x40000000 to 0x40ffffff");
}

static void test_dtb(void **state)
{
    struct rig *r = *state;
    static const char dts[] =
        "/dts-v1/; / { model = \"mine\"; #address-cells = <2>;"
        " #size-cells = <2>; chosen { bootargs = \"theirs\";"
        " emu,x = <1>; linux,initrd-start = <1>; }; };";
    const struct tree *guest;
    int node;

    set_kernel(r, nops, sizeof(nops));
    r->config.dtb = rig_file(r, "mine.dts", dts, strlen(dts));
    rig_machine(r);
    guest = &r->m->loader.guest;
    assert_string_equal(tree_string(guest, 0, "model"), "mine");
    node = tree_child(guest, 0, "chosen");
    assert_string_equal(tree_string(guest, node, "bootargs"), "theirs");
    assert_null(tree_prop(guest, node, "emu,x", NULL));
    assert_null(tree_prop(guest, node, "linux,initrd-start", NULL));
    assert_non_null(tree_prop(guest, node, "rng-seed", NULL));
    /* It has no memory node: ours. */
    node = tree_child(guest, 0, "memory");
    assert_true(node > 0);
    assert_non_null(tree_prop(guest, node, "reg", NULL));

    r->config.dtb = rig_file(r, "bad.dtb", "\xd0\x0d\xfe\xed", 4);
    rig_refused(r, "-dtb */bad.dtb: not a device tree blob (.dtb)");
    r->config.dtb = rig_file(r, "bad.dts", "/dts-v1/; / { a = <; };", 22);
    rig_refused(r, "-dtb */bad.dts: *rror*");
    r->config.dtb = "/nonexistent.dtb";
    rig_refused(r, "-dtb /nonexistent.dtb: No such file or directory*");
}

/* What dumpdtb writes is a board; as -dtb it is what lay in memory, but for
 * rng-seed. */
static void test_dump(void **state)
{
    struct rig *r = *state;
    const char *file = rig_file(r, "out.dtb", "", 0);
    uint8_t *have = file_buffer();
    size_t n;
    int chosen, size;

    set_kernel(r, nops, sizeof(nops));
    r->config.append = "abc";
    rig_machine(r);
    assert_true(machine_dump_tree(r->m, file, &r->e));
    n = r->m->loader.guest.size;
    rig_read(r, r->m->loader.tree_at, have, n);
    r->config.dtb = file;
    r->config.append = NULL;
    rig_machine(r);
    assert_int_equal(r->m->loader.guest.size, n);
    chosen = fdt_path_offset(have, "/chosen");
    memcpy((void *)fdt_getprop(have, chosen, "rng-seed", &size),
           tree_prop(&r->m->loader.guest,
                     tree_child(&r->m->loader.guest, 0, "chosen"), "rng-seed",
                     NULL),
           32);
    assert_memory(r, r->m->loader.tree_at, have, n);
    r->config.dtb = NULL;
    r->config.board = file;
    rig_machine(r);
    assert_int_equal(r->m->rom_region.base, 0x1000);
    assert_int_equal(r->m->loader.guest.size, n);
    assert_false(machine_dump_tree(r->m, "/nonexistent/x.dtb", &r->e));
    assert_matches("dumpdtb=/nonexistent/x.dtb: No such file or directory",
                   r->e.text);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_firmware),   TEST(test_firmware_bad), TEST(test_initrd),
        TEST(test_initrd_bad), TEST(test_overlap),      TEST(test_fw_jump),
        TEST(test_big_memory), TEST(test_tiny_memory),  TEST(test_demo),
        TEST(test_dtb),        TEST(test_dump),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
