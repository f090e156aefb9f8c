/*
 * SMBIOS of the board `pc`: the structures it makes by itself, those that
 * -smbios changes, and what -smbios refuses.
 */
#include "base/bytes.h"
#include "pc_rig.h"

static void test_smbios(void **state)
{
    struct rig *r = *state;
    const struct fw_cfg_item *anchor, *tables;
    const uint8_t *p, *end;
    unsigned n = 0, last = 0;

    pc_make(r, 2);
    anchor = pc_file(r, "etc/smbios/smbios-anchor");
    tables = pc_file(r, "etc/smbios/smbios-tables");
    assert_int_equal(anchor->size, 31);
    assert_int_equal(sum_bytes(anchor->data, 31), 0);
    assert_int_equal(sum_bytes(anchor->data + 16, 15), 0);
    assert_int_equal(ld_le16(anchor->data + 22), tables->size);
    end = tables->data + tables->size;
    for (p = tables->data; p < end; n++) {
        last = p[0];
        /* Behind the formatted part strings, and an empty one. */
        for (p += p[1]; p + 1 < end && (p[0] || p[1]); p++)
            ;
        p += 2;
    }
    assert_ptr_equal(p, end);
    assert_int_equal(last, 127);
    assert_int_equal(n, ld_le16(anchor->data + 28));
    assert_int_equal(n, 1 + 1 + 1 + 2 + 1 + 1 + 1 + 1 + 1);
}

/* The structure of that type, or NULL; string n of it. */
static const uint8_t *smbios_find(struct rig *r, unsigned type)
{
    const struct fw_cfg_item *tables = pc_file(r, "etc/smbios/smbios-tables");
    const uint8_t *p = tables->data, *end = p + tables->size;

    while (p < end && p[0] != type) {
        for (p += p[1]; p + 1 < end && (p[0] || p[1]); p++)
            ;
        p += 2;
    }
    return p < end ? p : NULL;
}

static const char *smbios_string(const uint8_t *structure, unsigned n)
{
    const char *p = (const char *)structure + structure[1];

    for (; n > 1; n--)
        p += strlen(p) + 1;
    return n ? p : "";
}

static void test_smbios_given(void **state)
{
    static const uint8_t uuid[16] = {0, 1, 2,  3,  4,  5,  6,  7,
                                     8, 9, 10, 11, 12, 13, 14, 15};
    /* Little-endian in its first three fields. */
    static const uint8_t stored[16] = {3, 2, 1,  0,  5,  4,  7,  6,
                                       8, 9, 10, 11, 12, 13, 14, 15};
    static const uint8_t own[] = {3, 5, 0xcd, 0xab, 1, 'x', 0, 0};
    const char *n0[] = {"type", "vendor", "release", "uefi"},
               *v0[] = {"0", "me", "12.34", "on"},
               *n1[] = {"type", "product", "serial", "serial", "family"},
               *v1[] = {"1", "box", "1", "S-2", ""},
               *n2[] = {"type", "location"}, *v2[] = {"2", "there"},
               *n3[] = {"file"}, *v3[1],
               *n4[] = {"type", "sock_pfx", "max-speed"},
               *v4[] = {"4", "LGA", "65535"},
               *n5[] = {"type", "value", "value"}, *v5[] = {"11", "a", "b,c"},
               *n6[] = {"type", "speed", "bank"}, *v6[] = {"17", "3200", "B"};
    const struct smbios_option o[] = {
        {4, n0, v0}, {5, n1, v1}, {2, n2, v2}, {1, n3, v3},
        {3, n4, v4}, {3, n5, v5}, {3, n6, v6},
    };
    struct rig *r = *state;
    const uint8_t *p;

    v3[0] = rig_file(r, "type3", own, sizeof(own));
    r->config.smbios = o;
    r->config.n_smbios = 7;
    r->config.uuid = uuid;
    pc_make(r, 2);
    p = smbios_find(r, 0);
    assert_string_equal(smbios_string(p, p[4]), "me");
    assert_int_equal(p[19], 0x1c);
    assert_int_equal(p[20], 12);
    assert_int_equal(p[21], 34);
    p = smbios_find(r, 1);
    assert_string_equal(smbios_string(p, p[4]), "emu");
    assert_string_equal(smbios_string(p, p[5]), "box");
    assert_int_equal(p[6], 0);
    assert_string_equal(smbios_string(p, p[7]), "S-2");
    assert_memory_equal(p + 8, stored, 16);
    assert_int_equal(p[26], 0);
    assert_memory_equal(r->m->fw_cfg->item[FW_CFG_UUID].data, uuid, 16);
    p = smbios_find(r, 2);
    assert_int_equal(p[1], 15);
    assert_string_equal(smbios_string(p, p[10]), "there");
    p = smbios_find(r, 3); /* the file's, and no other */
    assert_memory_equal(p, own, sizeof(own));
    p = smbios_find(r, 4);
    assert_string_equal(smbios_string(p, p[4]), "LGA0");
    assert_int_equal(ld_le16(p + 20), 65535);
    assert_int_equal(ld_le16(p + 22), 2000);
    p = smbios_find(r, 11);
    assert_int_equal(p[4], 2);
    assert_string_equal(smbios_string(p, 2), "b,c");
    p = smbios_find(r, 17);
    assert_string_equal(smbios_string(p, p[17]), "B");
    assert_int_equal(ld_le16(p + 21), 3200);
    p = pc_file(r, "etc/smbios/smbios-anchor")->data;
    assert_int_equal(sum_bytes(p, 31), 0);
    assert_int_equal(ld_le16(p + 28), 1 + 1 + 1 + 1 + 2 + 1 + 1 + 1 + 1 + 2);
}

static void smbios_refused(struct rig *r, size_t n, const char *const *names,
                           const char *const *values, const char *pattern)
{
    const struct smbios_option o = {n, names, values};

    r->config.smbios = &o;
    r->config.n_smbios = 1;
    rig_refused(r, pattern);
}

static void test_smbios_wrong(void **state)
{
    static const struct {
        const char *type, *name, *value, *says;
    } rows[] = {
        {"9", "x", "y", "-smbios: type=9: fields can be given of *"},
        {"1", "seriol", "y", "-smbios: *did you mean 'serial'?"},
        {"4", "max-speed", "65536", "-smbios: max-speed=65536: *"},
        {"4", "max-speed", "-1", "-smbios: max-speed=-1: *"},
        {"0", "release", "1", "-smbios: *MAJOR.MINOR*"},
        {"0", "release", "1.256", "-smbios: *MAJOR.MINOR*"},
        {"0", "release", "1.2x", "-smbios: *MAJOR.MINOR*"},
        {"0", "uefi", "maybe", "-smbios: *on or off"},
        {"11", "path", "missing", "-smbios: path missing: *"},
        {NULL, "x", "y", "-smbios: wanted type=N or file=FILE"},
        {NULL, "file", "missing", "-smbios: file missing: *"},
    };
    static const uint8_t cut[] = {3, 5, 0, 0, 1, 'x', 0},
                         more[] = {3, 5, 0, 0, 1, 'x', 0, 0, 0},
                         end[] = {127, 4, 0, 0, 0, 0};
    static const struct {
        const uint8_t *bytes;
        unsigned size;
    } files[] = {{cut, sizeof(cut)},
                 {more, sizeof(more)},
                 {end, sizeof(end)},
                 {cut, 1},
                 {more, 3}};
    struct rig *r = *state;

    pc_config(r, 1);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *names[] = {"type", rows[i].name},
                   *values[] = {rows[i].type, rows[i].value};
        const unsigned skip = rows[i].type ? 0 : 1;

        smbios_refused(r, 2 - skip, names + skip, values + skip, rows[i].says);
    }
    for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        const char *name = "file",
                   *value = rig_file(r, "smb", files[i].bytes, files[i].size);

        smbios_refused(r, 1, &name, &value,
                       "-smbios: file=*: wanted one SMBIOS structure *");
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_smbios),
        TEST(test_smbios_given),
        TEST(test_smbios_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
