/*
 * Code in flash: where the machine starts, what it is told, and what a board
 * without flash or firmware configuration is answered with.
 */
#include "rig.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "devices/block.h"
#include "devices/fw_cfg.h"
#include "roms/riscv/boot_layout.h"

#define RAM 0x80000000u
#define FLASH 0x20000000u

static const uint8_t nops[] = {0x13, 0, 0, 0, 0x13, 0, 0, 0, 0x6f, 0, 0, 0};

/* -- a drive -- */

static int drive_read(struct block *b, uint64_t offset, void *out,
                      uint64_t size)
{
    (void)b, (void)offset;
    memset(out, 0, (size_t)size);
    memcpy(out, nops, sizeof(nops));
    return 0;
}

static int drive_write(struct block *b, uint64_t offset, const void *in,
                       uint64_t size)
{
    (void)b, (void)offset, (void)in, (void)size;
    return 0;
}

static struct block *find_block(void *owner, const char *id)
{
    return strcmp(id, "code") == 0 ? owner : NULL;
}

static struct block drive = {
    .id = "code", .size = 4096, .read = drive_read, .write = drive_write};

static int setup(void **state)
{
    struct rig *r;

    rig_begin(state);
    r = *state;
    r->config.backends.block = find_block;
    r->config.backends.owner = &drive;
    r->config.pflash[0] = "code";
    return 0;
}

static uint64_t stub_word(struct rig *r, unsigned offset)
{
    uint8_t bytes[8];

    rig_read(r, 0x1000 + offset, bytes, 8);
    return ld_le64(bytes);
}

/* An item as the guest sees it. */
static void get_item(struct rig *r, unsigned key, void *out, size_t size)
{
    fw_cfg_select(r->m->fw_cfg, (uint16_t)key);
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)out)[i] = fw_cfg_next(r->m->fw_cfg);
}

static uint32_t item32(struct rig *r, unsigned key)
{
    uint8_t bytes[4];

    get_item(r, key, bytes, 4);
    return ld_le32(bytes);
}

/* -- tests -- */

/* -bios none: the CPU starts in flash. */
static void test_alone(void **state)
{
    struct rig *r = *state;
    uint8_t bytes[12];

    r->config.bios = "none";
    rig_machine(r);
    assert_int_equal(stub_word(r, BOOT_START), FLASH);
    rig_read(r, FLASH, bytes, sizeof(bytes));
    assert_memory_equal(bytes, nops, sizeof(nops));
    assert_int_equal(item32(r, FW_CFG_KERNEL_SIZE), 0);
}

/* Firmware first, which goes on in flash, in S-mode. */
static void test_behind_firmware(void **state)
{
    struct rig *r = *state;

    r->config.bios = rig_file(r, "fw", nops, sizeof(nops));
    rig_machine(r);
    assert_int_equal(stub_word(r, BOOT_START), RAM);
    assert_int_equal(stub_word(r, BOOT_INFO + 16), FLASH);
    assert_int_equal(stub_word(r, BOOT_INFO + 24), 1);
}

/* The kernel is the firmware's to load, whatever it is. */
static void test_kernel(void **state)
{
    struct rig *r = *state;
    char text[16] = "";
    int size;

    r->config.bios = "none";
    r->config.kernel = rig_file(r, "k", "MZ kernel", 9);
    r->config.initrd = rig_file(r, "i", "initrd", 6);
    r->config.append = "quiet";
    r->config.ram_size = 256 << 20;
    rig_machine(r);
    assert_int_equal(stub_word(r, BOOT_START), FLASH);
    assert_int_equal(item32(r, FW_CFG_KERNEL_SIZE), 9);
    get_item(r, FW_CFG_KERNEL_DATA, text, 10);
    assert_string_equal(text, "MZ kernel");
    assert_int_equal(item32(r, FW_CFG_INITRD_SIZE), 6);
    get_item(r, FW_CFG_INITRD_DATA, text, 7);
    assert_string_equal(text, "initrd");
    assert_int_equal(item32(r, FW_CFG_CMDLINE_SIZE), 6);
    get_item(r, FW_CFG_CMDLINE_DATA, text, 7);
    assert_string_equal(text, "quiet");
    assert_int_equal(item32(r, FW_CFG_NB_CPUS), 1);
    assert_int_equal(item32(r, FW_CFG_RAM_SIZE), 256 << 20);
    /* Nothing of it is in memory. */
    assert_null(tree_prop(&r->m->loader.guest,
                          tree_child(&r->m->loader.guest, 0, "chosen"),
                          "linux,initrd-start", &size));
    assert_false(source_used(&r->m->loader.kernel));
}

static void test_fw_cfg(void **state)
{
    struct rig *r = *state;
    const struct fw_cfg_option files[] = {
        {"opt/a", NULL, "text"},
        {"opt/b", rig_file(r, "b", "from a file", 11), NULL},
    };
    char text[16] = "";

    r->config.pflash[0] = NULL;
    r->config.bios = "none";
    r->config.fw_cfg = files;
    r->config.n_fw_cfg = 2;
    rig_machine(r);
    /* The first is etc/boot-fail-wait: for ever. */
    get_item(r, FW_CFG_FILE_FIRST, text, 4);
    assert_memory_equal(text, "\xff\xff\xff\xff", 4);
    get_item(r, FW_CFG_FILE_FIRST + 1, text, 5);
    assert_string_equal(text, "text");
    get_item(r, FW_CFG_FILE_FIRST + 2, text, 12);
    assert_string_equal(text, "from a file");
    rig_free(r);
    r->config.n_fw_cfg = 1;
    r->config.board = rig_file(r, "bare.dts",
#define BARE                                                                   \
    "/dts-v1/; / { #address-cells = <2>; #size-cells = <2>;"                   \
    " cpus { #address-cells = <1>; #size-cells = <0>;"                         \
    "  cpu@0 { device_type = \"cpu\"; compatible = \"riscv\"; reg = <0>; };"   \
    " }; rom@1000 { compatible = \"emu,boot-rom\"; reg = <0 0x1000 0 0x1000>;" \
    " }; memory@80000000 { device_type = \"memory\";"                          \
    "  reg = <0 0x80000000 0 0x1000000>; };"
                               BARE " };", sizeof(BARE " };") - 1);
    rig_refused(r, "-fw_cfg: this board has no firmware configuration device");
}

#define BOARD(text) BARE text " };"
#define NODE(props)                                                            \
    BOARD(" f@20000000 { compatible = \"cfi-flash\"; " props " };")

static void test_wrong(void **state)
{
    struct rig *r = *state;

    r->config.bios = "none";
    rig_board_refused(r, BOARD(""),
                      "drive code: if=pflash,unit=0: this board "
                      "has no such flash bank");
    rig_board_refused(r, NODE("reg = <0 0x20000000 0 0x40000>;"),
                      "drive code: if=pflash,unit=0: this board has no such "
                      "flash bank");
    rig_board_refused(
        r, NODE("reg = <0 0x20000000 0 0x40000>; emu,pflash = <4>;"),
        "-M *: /f@20000000: emu,pflash: unit 4: wanted 0 to 3, each once");
    rig_board_refused(
        r, NODE("reg = <0 0x20000000 0 0x40000>; emu,pflash = <0xffffffff>;"),
        "-M *: /f@20000000: emu,pflash: *");
    rig_board_refused(
        r, NODE("reg = <0 0x20000000 0 0x30000>; emu,pflash = <0>;"),
        "-M *: /f@20000000: a bank of 0x30000 bytes at 0x20000000: want *");
    rig_board_refused(
        r,
        NODE("reg = <0 0x20000000 0 0x40000>, <0 0x30000000 0 0x40000>,"
             " <0 0x40000000 0 0x40000>; emu,pflash = <0>;"),
        "-M *: /f@20000000: reg: 3 entries; cfi_flash has 2");
    rig_board_refused(
        r,
        NODE("reg = <0 0x20000000 0 0x40000>, <0 0x20000000 0 0x40000>;"
             " emu,pflash = <0>;"),
        "-M *: /f@20000000: reg: * overlaps /f@20000000 at *");
    r->config.kernel = rig_file(r, "k", nops, sizeof(nops));
    rig_board_refused(
        r, NODE("reg = <0 0x20000000 0 0x40000>; emu,pflash = <0>;"),
        "-kernel *: what runs from flash would be told of it by fw_cfg, and "
        "this board has none");
    r->config.kernel = NULL;
    drive.size = 0x4000000;
    r->config.board = NULL;
    rig_refused(r, "-M virt: /flash@20000000: drive code: 67108864 bytes do "
                   "not fit into a bank of 33554432");
    drive.size = 4096;
    r->config.pflash[1] = "nobody";
    rig_refused(r, "-M virt: /flash@20000000: drive1='nobody': there is no "
                   "drive of that id");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, rig_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_alone),  TEST(test_behind_firmware), TEST(test_kernel),
        TEST(test_fw_cfg), TEST(test_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
