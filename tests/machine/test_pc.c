/*
 * The board `pc` as a whole, with stub CPUs: what its ports and its memory
 * below 1 MiB do together, power, what it refuses; its interrupts are
 * test_pc_irq.c's, its firmware tables test_pc_tables.c's.
 */
#include "pc_rig.h"
#include "stub_cpu.h"

/* -- ports and configuration -- */

static void test_ports(void **state)
{
    struct rig *r = *state;

    pc_make(r, 1);
    assert_int_equal(pc_in(r, 0x80, 1), 0xff);
    assert_int_equal(pc_in(r, 0x1234, 4), 0xffffffff);
    assert_int_equal(pc_config_read(r, 0, 0, 4), 0x12378086);
    assert_int_equal(pc_config_read(r, PIIX3, 0, 4), 0x70008086);
    assert_int_equal(pc_config_read(r, PIIX3, 0x0e, 1),
                     0x80); /* multi-function */
    assert_int_equal(pc_config_read(r, PM, 2, 2), 0x7113);
    assert_int_equal(pc_config_read(r, 31 << 3, 0, 4), 0xffffffff);
    /* CF8 is there for dwords only. */
    pc_out(r, 0xcf8, 4, CONFIG(0, 0));
    pc_out(r, 0xcf8, 1, 8);
    assert_int_equal(pc_in(r, 0xcf8, 4), CONFIG(0, 0));
    pc_out(r, 0xcf8, 4, 0); /* not enabled */
    assert_int_equal(pc_in(r, 0xcfc, 4), 0xffffffff);
}

static void test_reset_port(void **state)
{
    struct rig *r = *state;

    pc_make(r, 1);
    pc_config_write(r, 0, 0x59, 1, 0x30);
    pc_out(r, 0xcf9, 1, 2);
    assert_int_equal(atomic_load(&r->m->hold), 0);
    pc_out(r, 0xcf9, 1, 6);
    machine_poll(r->m);
    assert_int_equal(pc_config_read(r, 0, 0x59, 1), 0);
    assert_int_equal(pc_in(r, 0xcf9, 1), 0);
}

/* -- memory below 1 MiB -- */

static void test_rom(void **state)
{
    struct rig *r = *state;

    pc_make(r, 1);
    assert_int_equal(pc_load(r, 0xfffc0000, 1), 0);
    assert_int_equal(pc_load(r, 0xfffffff0, 2), 0xffff);
    assert_int_equal(pc_load(r, 0xe0100, 1), 1 + 0x200 % 256);
    assert_int_equal(pc_load(r, 0xfe012, 1), 0xe0);
    pc_store(r, 0xf0000, 4, 0);
    assert_int_equal(pc_load(r, 0xf0000, 1), 0);
    assert_int_equal(pc_load(r, 0xf0100, 1), 1);
    assert_int_equal(pc_load(r, 0xc0000, 4), 0xffffffff);
    assert_int_equal(pc_load(r, 0xa0000, 4), 0xffffffff);
    pc_store(r, 0x9fffc, 8, UINT64_C(0x1122334455667788));
    assert_true(pc_load(r, 0x9fffc, 8) == UINT64_C(0xffffffff55667788));
}

/* A ROM is as large as its file, rounded up to pages; so is its second place,
 * which has 128 KiB at most. */
static void test_small_rom(void **state)
{
    static uint8_t bios[0x10800];
    struct rig *r = *state;

    memset(bios, 0x90, sizeof(bios));
    bios[0] = 0x11;
    r->config.bios = rig_file(r, "bios", bios, sizeof(bios));
    r->config.board = "pc";
    rig_machine(r);
    assert_int_equal(pc_load(r, 0xfffef800, 1), 0x11);
    assert_int_equal(pc_load(r, 0xfffef7ff, 2), 0x11ff);
    assert_int_equal(pc_load(r, 0xef800, 1), 0x11);
    assert_int_equal(pc_load(r, 0xee000, 4), 0xffffffff);
    assert_int_equal(pc_load(r, 0xfffee000, 4), 0xffffffff);
    assert_int_equal(pc_load(r, 0xffffffff, 1), 0x90);
}

/* Every segment, with each of its four settings. */
static void test_pam(void **state)
{
    struct rig *r = *state;

    pc_make(r, 1);
    for (unsigned n = 0; n < 13; n++) {
        uint64_t at = n < 12 ? 0xc0000 + n * 0x4000 : 0xf0000;
        unsigned reg = n < 12 ? 0x5a + n / 2 : 0x59;
        unsigned shift = n < 12 ? n % 2 * 4 : 4;
        uint64_t pci = pc_load(r, at + 0x2344, 1),
                 last = n < 12 ? 0x3fff : 0xffff;

        pc_config_write(r, 0, reg, 1, 2u << shift); /* writes to RAM */
        pc_store(r, at + 0x2344, 1, 0x5a);
        assert_int_equal(pc_load(r, at + 0x2344, 1), pci);
        pc_config_write(r, 0, reg, 1, 1u << shift); /* reads from RAM */
        assert_int_equal(pc_load(r, at + 0x2344, 1), 0x5a);
        pc_store(r, at + 0x2344, 1, 0xa5);
        assert_int_equal(pc_load(r, at + 0x2344, 1), 0x5a);
        assert_int_equal(pc_load(r, at + last, 1), 0);
        pc_config_write(r, 0, reg, 1, 3u << shift);
        pc_store(r, at + 0x2344, 1, 0xa5);
        assert_int_equal(pc_load(r, at + 0x2344, 1), 0xa5);
        pc_config_write(r, 0, reg, 1, 0);
        assert_int_equal(pc_load(r, at + 0x2344, 1), pci);
    }
}

static void test_smram(void **state)
{
    struct rig *r = *state;
    struct cpu_apic *a;

    pc_make(r, 1);
    pc_config_write(r, 0, 0x72, 1, 0x48 | 2);
    pc_store(r, 0xa8000, 4, 0x12345678);
    assert_int_equal(pc_load(r, 0xa8000, 4), 0x12345678);
    pc_config_write(r, 0, 0x72, 1, 0x0a);
    assert_int_equal(pc_load(r, 0xa8000, 4), 0xffffffff);
    a = &r->m->vcpu[0].cpu->wires.apic;
    a->smm(a->smm_owner, 0, true);
    assert_int_equal(pc_load(r, 0xa8000, 4), 0x12345678);
    a->smm(a->smm_owner, 0, false);
    assert_int_equal(pc_load(r, 0xa8000, 4), 0xffffffff);
    pc_config_write(r, 0, 0x72, 1, 0x1a); /* locked */
    pc_config_write(r, 0, 0x72, 1, 0x4a);
    assert_int_equal(pc_config_read(r, 0, 0x72, 1), 0x1a);
    assert_int_equal(pc_load(r, 0xa8000, 4), 0xffffffff);
}

static void test_memory_above(void **state)
{
    struct rig *r = *state;

    if (sizeof(void *) < 8)
        skip(); /* no room for so much */
    r->config.ram_size = UINT64_C(0xc0000000) + 0x100000;
    pc_make(r, 1);
    pc_store(r, UINT64_C(0x1000ffff8), 8, 77);
    assert_int_equal(pc_load(r, UINT64_C(0x1000ffff8), 8), 77);
    assert_int_equal(pc_load(r, 0xc0000000, 4), 0xffffffff);
    assert_int_equal(pc_load(r, UINT64_C(0x100100000), 4), 0xffffffff);
}

/* -- power -- */

static void test_power_off(void **state)
{
    struct rig *r = *state;
    int code = -1;

    pc_make(r, 1);
    pc_config_write(r, PM, 0x40, 4, 0x600);
    pc_config_write(r, PM, 0x80, 1, 1);
    pc_out(r, 0xb2, 1, 0xf1);
    assert_int_equal(pc_in(r, 0x604, 2), 1); /* SCI_EN */
    pc_out(r, 0x604, 2, 0x2001);
    machine_poll(r->m);
    assert_int_equal(machine_ended(r->m, &code), MACHINE_POWEROFF);
    assert_int_equal(code, 0);
}

/* The button is a level of the PIIX4's, and an interrupt if wanted. */
static void test_power_button(void **state)
{
    static const char *const off[] = {"acpi=off"};
    struct rig *r = *state;

    pc_make(r, 1);
    pc_config_write(r, PM, 0x40, 4, 0x601);
    pc_config_write(r, PM, 0x80, 1, 1);
    assert_int_equal(pc_in(r, 0x600, 2) & 0x100, 0);
    assert_true(machine_power_button(r->m));
    gate_deliver(r->m->gate);
    assert_int_equal(pc_in(r, 0x600, 2) & 0x100, 0x100);
    rig_free(r);
    r->config.board = "microvm";
    r->config.bios = NULL;
    r->config.kernel = pc_pvh_file(r, 16, 16);
    r->config.board_options = off;
    r->config.n_board_options = 1;
    rig_machine(r);
    assert_false(machine_power_button(r->m));
}

/* -- other boards, options, firmware -- */

/* A board without local APICs has no ACPI. */
static void test_isapc(void **state)
{
    static uint8_t rom[0x20000];
    struct rig *r = *state;

    r->config.board = "isapc";
    r->config.bios = rig_file(r, "bios", rom, sizeof(rom));
    rig_machine(r);
    for (unsigned i = 0; i < r->m->fw_cfg->n_files; i++)
        assert_null(
            strstr(r->m->fw_cfg->item[FW_CFG_FILE_FIRST + i].name, "acpi"));
    pc_init_pics(r);
    pc_raise(r, pc_device(r, "isa-serial"), 0, true);
    assert_int_equal(pc_lines(r, 0) & INTR, INTR);
    assert_int_equal(pc_acknowledge(r, 0), 8 + 4);
    assert_int_equal(pc_acknowledge(r, 0), -1);
}

/* The CMOS says which display there is: 80 columns of a CGA, or an MDA. */
static void test_display_in_cmos(void **state)
{
    static const uint8_t rom[16];
    struct rig *r = *state;

    r->config.board = "isapc";
    r->config.bios = rig_file(r, "bios", rom, sizeof(rom));
    for (unsigned i = 0; i < 4; i++) {
        static const enum vga_option card[] = {VGA_STD, VGA_CGA, VGA_HERCULES,
                                               VGA_CGA_COMPOSITE};
        static const unsigned display[] = {0, 2, 3, 2};

        r->config.vga = card[i];
        rig_machine(r);
        pc_out(r, 0x70, 1, 0x14);
        assert_int_equal(pc_in(r, 0x71, 1) >> 4 & 3, display[i]);
        machine_free(r->m);
        r->m = NULL;
    }
}

/* -device at a port of the user's choice. */
static void test_plug_isa(void **state)
{
    const char *names[] = {"iobase"}, *values[] = {"0x510"};
    struct device_option o = {"isa-debug-exit", 1, names, values};
    struct rig *r = *state;

    r->config.devices = &o;
    r->config.n_devices = 1;
    r->config.board = "pc";
    r->config.bios = rig_file(r, "bios", "x", 1);
    rig_refused(r, "*overlaps*");
    values[0] = "0x10000";
    rig_refused(r, "-device isa-debug-exit: iobase=0x10000: wanted at most "
                   "0xffff");
    names[0] = "bus";
    values[0] = "pci.0";
    rig_refused(r, "-device isa-debug-exit: bus=pci.0: wanted isa.0");
    r->config.board = "virt";
    values[0] = "isa.0";
    rig_refused(r, "-device isa-debug-exit: this board has no I/O ports");
    r->config.board = "pc";
    names[0] = "iobase";
    values[0] = "0xf4";
    rig_machine(r);
    pc_out(r, 0xf4, 1, 5);
    machine_poll(r->m);
    assert_int_equal(machine_ended(r->m, NULL), MACHINE_FAILED);
}

/* The test kernels' device: its lines are the board's interrupts. */
static void test_testdev(void **state)
{
    struct device_option o = {.driver = "pc-testdev"};
    struct rig *r = *state;

    r->config.devices = &o;
    r->config.n_devices = 1;
    r->config.board = "pc";
    r->config.bios = rig_file(r, "bios", "x", 1);
    rig_machine(r);
    pc_out(r, 0xe0, 4, 0x12345678);
    assert_int_equal(pc_in(r, 0xe2, 2), 0x1234);
    pc_init_pics(r);
    pc_out(r, 0x200e, 1, 1);
    assert_int_equal(pc_lines(r, 0) & INTR, INTR);
    assert_int_equal(pc_acknowledge(r, 0), 0x70 + 6);
    pc_out(r, 0x200e, 1, 0);
}

static void test_firmware_refused(void **state)
{
    static uint8_t large[(8 << 20) + 1];
    struct rig *r = *state;

    r->config.board = "pc";
    rig_refused(r, "-bios none: this board's processors start in their "
                   "firmware");
    r->config.bios = rig_file(r, "large", large, sizeof(large));
    rig_refused(r, "-bios: -bios * has 8388609 bytes; this board's ROM takes "
                   "1 to 8388608");
    r->config.bios = rig_file(r, "empty", large, 0);
    rig_refused(r, "*");
    r->config.bios = "/nonexistent/bios";
    rig_refused(r, "-bios /nonexistent/bios: *");
}

/* A program in 32-bit code that says by a note how it wants to start: what
 * its file lacks is zero, at a reset as at the start. */
static void test_direct_bss(void **state)
{
    struct rig *r = *state;

    r->config.board = "microvm";
    r->config.kernel = pc_pvh_file(r, 0x300, 0x5000);
    rig_machine(r);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(pc_load(r, 0x200110, 4), 0x200010);
        assert_int_equal(pc_load(r, 0x200300, 8), 0);
        assert_int_equal(pc_load(r, 0x204ff8, 8), 0);
        pc_store(r, 0x200110, 4, 1);
        pc_store(r, 0x200300, 8, UINT64_MAX);
        pc_store(r, 0x204ff8, 8, UINT64_MAX);
        assert_true(machine_power_on(r->m, &r->e));
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ports),
        TEST(test_reset_port),
        TEST(test_rom),
        TEST(test_small_rom),
        TEST(test_pam),
        TEST(test_smram),
        TEST(test_memory_above),
        TEST(test_power_off),
        TEST(test_power_button),
        TEST(test_isapc),
        TEST(test_display_in_cmos),
        TEST(test_plug_isa),
        TEST(test_testdev),
        TEST(test_firmware_refused),
        TEST(test_direct_bss),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
