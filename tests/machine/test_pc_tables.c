/*
 * What the boards `pc` and `microvm` tell their firmware and kernel: fw_cfg,
 * CMOS, the memory map, ACPI's tables.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "pc_rig.h"

static void test_told(void **state)
{
    struct rig *r = *state;
    char text[5] = "";

    pc_make(r, 2);
    pc_out(r, 0x510, 2, FW_CFG_SIGNATURE);
    for (unsigned i = 0; i < 4; i++)
        text[i] = (char)pc_in(r, 0x511, 1);
    assert_string_equal(text, "QEMU");
    pc_out(r, 0x510, 2, FW_CFG_NB_CPUS);
    assert_int_equal(pc_in(r, 0x511, 1), 2);
    assert_int_equal(pc_in(r, 0x514, 4), 0x554d4551); /* "QEMU" */
    /* CMOS: processors, less one; memory above 16 MiB in 64 KiB. */
    pc_out(r, 0x70, 1, 0x5f);
    assert_int_equal(pc_in(r, 0x71, 1), 1);
    pc_out(r, 0x70, 1, 0x35);
    assert_int_equal(pc_in(r, 0x71, 1), (256 - 16) * 16 >> 8);
}

/* -- tables: run the loader's commands, as firmware does -- */

#define RSDP_AT 0xf0000u
#define TABLES_AT 0x200000u

struct files {
    uint8_t *data[2]; /* rsdp, tables */
    uint32_t size[2];
};

static const uint32_t file_at[2] = {RSDP_AT, TABLES_AT};

static unsigned file_number(const uint8_t *name)
{
    if (strcmp((const char *)name, "etc/acpi/rsdp") == 0)
        return 0;
    assert_string_equal((const char *)name, "etc/acpi/tables");
    return 1;
}

static void run_command(struct files *f, const uint8_t *c)
{
    uint8_t *p = f->data[file_number(c + 4)];
    uint32_t size = f->size[file_number(c + 4)], at, start, n;

    switch (ld_le32(c)) {
    case 1:
        assert_int_equal(c[64], p == f->data[0] ? 2 : 1);
        break;
    case 2:
        at = ld_le32(c + 116);
        n = c[120];
        assert_true(at + n <= size && (n == 4 || n == 8));
        assert_true(ld_le(p + at, n) < f->size[file_number(c + 60)]);
        st_le(p + at, ld_le(p + at, n) + file_at[file_number(c + 60)], n);
        break;
    case 3:
        at = ld_le32(c + 60);
        start = ld_le32(c + 64);
        n = ld_le32(c + 68);
        assert_true(at < size && start + n <= size);
        p[at] = (uint8_t)(p[at] - sum_bytes(p + start, n));
        break;
    default:
        fail_msg("command %u", ld_le32(c));
    }
}

static void load_tables(struct rig *r, struct files *f)
{
    const char *const names[] = {"etc/acpi/rsdp", "etc/acpi/tables"};
    const struct fw_cfg_item *commands = pc_file(r, "etc/table-loader");

    for (unsigned i = 0; i < 2; i++) {
        f->size[i] = pc_file(r, names[i])->size;
        f->data[i] = malloc(f->size[i]);
        assert_non_null(f->data[i]);
        memcpy(f->data[i], pc_file(r, names[i])->data, f->size[i]);
    }
    assert_int_equal(commands->size % 128, 0);
    for (uint32_t at = 0; at < commands->size; at += 128)
        run_command(f, commands->data + at);
}

/* A table by its address, whose sum is right. */
static const uint8_t *table(const struct files *f, uint64_t address)
{
    const uint8_t *p = f->data[1] + (address - TABLES_AT);

    assert_true(address >= TABLES_AT && address < TABLES_AT + f->size[1]);
    assert_int_equal(sum_bytes(p, ld_le32(p + 4)), 0);
    return p;
}

static void check_dsdt(const struct files *f, const uint8_t *dsdt)
{
    uint32_t presence = 0;

    assert_memory_equal(dsdt, "DSDT", 4);
    for (uint32_t i = 36; i + 10 <= ld_le32(dsdt + 4); i++) {
        if (memcmp(dsdt + i, "PRES\0\x0c", 6) == 0)
            presence = ld_le32(dsdt + i + 6);
    }
    assert_true(presence >= TABLES_AT && presence < TABLES_AT + f->size[1]);
    assert_int_equal(ld_le32(f->data[1] + (presence - TABLES_AT)), 0x80000000);
    assert_int_equal(ld_le32(f->data[1] + (presence - TABLES_AT) + 8), 0xff);
}

static void test_acpi(void **state)
{
    struct rig *r = *state;
    const uint8_t *rsdt, *fadt, *madt, *p;
    struct files f;
    unsigned cpus = 0;

    pc_make(r, 3);
    load_tables(r, &f);
    assert_memory_equal(f.data[0], "RSD PTR ", 8);
    assert_int_equal(sum_bytes(f.data[0], 20), 0);
    assert_int_equal(sum_bytes(f.data[0], 36), 0);
    rsdt = table(&f, ld_le32(f.data[0] + 16));
    assert_memory_equal(rsdt, "RSDT", 4);
    assert_int_equal(ld_le32(rsdt + 4), 36 + 3 * 4);
    p = table(&f, ld_le64(f.data[0] + 24));
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(ld_le64(p + 36 + 8 * i), ld_le32(rsdt + 36 + 4 * i));
    fadt = table(&f, ld_le32(rsdt + 36));
    assert_memory_equal(fadt, "FACP", 4);
    assert_int_equal(ld_le32(fadt + 4), 244);
    assert_int_equal(ld_le32(fadt + 76), 0x608);
    assert_int_equal(fadt[92], 4);
    assert_int_equal(ld_le32(fadt + 220 + 4), 0x60c);
    assert_int_equal(fadt[128], 6);
    check_dsdt(&f, table(&f, ld_le32(fadt + 40)));
    assert_int_equal(ld_le64(fadt + 140), ld_le32(fadt + 40));
    madt = table(&f, ld_le32(rsdt + 40));
    assert_memory_equal(madt, "APIC", 4);
    for (p = madt + 44; p < madt + ld_le32(madt + 4); p += p[1])
        cpus += p[0] == 0;
    assert_int_equal(cpus, 3);
    assert_memory_equal(table(&f, ld_le32(rsdt + 44)), "HPET", 4);
    free(f.data[0]);
    free(f.data[1]);
}

/* -- microvm: the same tables, without firmware -- */

static void read_table(struct rig *r, uint64_t at, const char *name,
                       uint8_t *out, size_t room)
{
    rig_read(r, at, out, 8);
    assert_memory_equal(out, name, 4);
    assert_true(ld_le32(out + 4) <= room);
    rig_read(r, at, out, ld_le32(out + 4));
    assert_int_equal(sum_bytes(out, ld_le32(out + 4)), 0);
}

static void test_microvm_acpi(void **state)
{
    static const char *const off[] = {"acpi=off"};
    struct rig *r = *state;
    uint8_t info[56], t[4096], fadt[268], dsdt[4096];
    unsigned cpus = 0;

    r->config.board = "microvm";
    r->config.kernel = pc_pvh_file(r, 16, 16);
    r->config.cpus = 2;
    rig_machine(r);
    assert_true(machine_power_on(r->m, &r->e));
    rig_read(r, 0x7000, info, sizeof(info)); /* PVH's start information */
    rig_read(r, ld_le64(info + 32), t, 36);
    assert_memory_equal(t, "RSD PTR ", 8);
    assert_int_equal(sum_bytes(t, 20), 0);
    assert_int_equal(sum_bytes(t, 36), 0);
    read_table(r, ld_le64(t + 24), "XSDT", t, sizeof(t));
    assert_int_equal(ld_le32(t + 4), 36 + 2 * 8);
    read_table(r, ld_le64(t + 36), "FACP", fadt, sizeof(fadt));
    assert_int_equal(ld_le32(fadt + 112) & 1 << 20, 1 << 20);
    assert_int_equal(ld_le64(fadt + 244 + 4), 0xfea00200);
    assert_int_equal(ld_le64(fadt + 116 + 4), 0xfea00202);
    read_table(r, ld_le64(fadt + 140), "DSDT", dsdt, sizeof(dsdt));
    assert_int_equal(ld_le32(fadt + 40), ld_le64(fadt + 140));
    read_table(r, ld_le64(t + 44), "APIC", t, sizeof(t));
    for (uint8_t *p = t + 44; p < t + ld_le32(t + 4); p += p[1])
        cpus += p[0] == 0;
    assert_int_equal(cpus, 2);
    assert_true(machine_power_button(r->m));
    gate_deliver(r->m->gate);
    assert_int_equal(pc_load(r, 0xfea00000, 4), 2);
    rig_free(r);
    r->config.board_options = off;
    r->config.n_board_options = 1;
    rig_machine(r);
    assert_true(machine_power_on(r->m, &r->e));
    rig_read(r, 0x7000, info, sizeof(info));
    assert_int_equal(ld_le64(info + 32), 0);
    assert_false(machine_power_button(r->m));
}

static void test_e820(void **state)
{
    struct rig *r = *state;
    const uint8_t *p;

    if (sizeof(void *) < 8)
        skip(); /* no room for so much */
    r->config.ram_size = UINT64_C(0xc0000000) + 0x100000;
    pc_make(r, 1);
    p = pc_file(r, "etc/e820")->data;
    assert_int_equal(pc_file(r, "etc/e820")->size, 40);
    assert_int_equal(ld_le64(p + 8), 0xc0000000);
    assert_true(ld_le64(p + 20) == UINT64_C(0x100000000));
    assert_int_equal(ld_le64(p + 28), 0x100000);
    assert_int_equal(ld_le32(p + 36), 1);
}

static void test_waits(void **state)
{
    struct rig *r = *state;

    r->config.boot.has_splash_time = true;
    r->config.boot.splash_time = 5000;
    pc_make(r, 1);
    assert_int_equal(pc_file(r, "etc/boot-menu-wait")->size, 2);
    assert_int_equal(ld_le16(pc_file(r, "etc/boot-menu-wait")->data), 5000);
    assert_int_equal(pc_file(r, "etc/boot-fail-wait")->size, 4);
    assert_true(ld_le32(pc_file(r, "etc/boot-fail-wait")->data) == UINT32_MAX);
}

static void test_splash(void **state)
{
    static const uint8_t jpeg[4] = {0xff, 0xd8, 0xff, 0xe0};
    struct rig *r = *state;

    r->config.boot.splash = rig_file(r, "splash", jpeg, sizeof(jpeg));
    pc_make(r, 1);
    assert_int_equal(pc_file(r, "bootsplash.jpg")->size, sizeof(jpeg));
    assert_memory_equal(pc_file(r, "bootsplash.jpg")->data, jpeg, sizeof(jpeg));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_told), TEST(test_acpi),  TEST(test_microvm_acpi),
        TEST(test_e820), TEST(test_waits), TEST(test_splash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
