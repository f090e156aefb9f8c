/*
 * A PC's -kernel: what goes where, by the boot protocols; wrong and damaged
 * files.  That kernels start is for the guests' tests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "machine/load/pc_direct.h"
#include "roms/x86/direct_layout.h"

#define MIB ((uint64_t)1 << 20)
#define INIT_SIZE 0x2000000u

static char folder[] = "/tmp/emu-kernel-XXXXXX";

static const char *path(const char *name)
{
    static char text[4][64];
    static unsigned next;
    char *p = text[next++ % 4];

    snprintf(p, sizeof(text[0]), "%s/%s", folder, name);
    return p;
}

static const char *file(const char *name, const void *bytes, size_t size)
{
    const char *at = path(name);
    FILE *f = fopen(at, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
    return at;
}

/* A bzImage of four sectors of setup code and 64 KiB of kernel. */
#define SETUP_SIZE (5 * 512)
#define BZ_SIZE (SETUP_SIZE + 65536)
static uint8_t *bzimage(void)
{
    uint8_t *b = calloc(1, BZ_SIZE);

    b[0x1f1] = 4;
    st_le32(b + 0x1f4, 65536 / 16);
    st_le16(b + 0x1fe, 0xaa55);
    memcpy(b + 0x202, "HdrS", 4);
    st_le16(b + 0x206, 0x20f);
    b[0x211] = 1;
    st_le32(b + 0x22c, 0x7fffffff);
    st_le32(b + 0x238, 2047);
    st_le64(b + 0x258, 16 * MIB);
    st_le32(b + 0x260, INIT_SIZE);
    for (unsigned i = SETUP_SIZE; i < BZ_SIZE; i++)
        b[i] = (uint8_t)(i * 7);
    return b;
}

static void test_linux(void **state)
{
    uint8_t *b = bzimage(), initrd[5000];
    struct pc_kernel k;
    struct error e;
    struct pc_kernel_config c = {.append = "console=ttyS0 vga=0x317",
                                 .low_ram = 128 * MIB};

    (void)state;
    memset(initrd, 0x5a, sizeof(initrd));
    c.kernel = file("linux", b, BZ_SIZE);
    c.initrd = file("initrd", initrd, sizeof(initrd));
    assert_true(pc_kernel_open(&k, &c, &e));
    assert_int_equal(k.kind, KERNEL_KIND_LINUX);
    assert_int_equal(k.setup.address, 0x10000);
    assert_int_equal(k.setup.size, SETUP_SIZE);
    assert_int_equal(k.kernel.address, 0x100000);
    assert_int_equal(k.kernel.size, 65536);
    assert_memory_equal(k.kernel.bytes, b + SETUP_SIZE, 65536);
    assert_int_equal(k.line.address, 0x20000);
    assert_string_equal((char *)k.line.bytes, c.append);
    assert_int_equal(k.initrd.size, sizeof(initrd));
    assert_int_equal(k.initrd.address & 4095, 0);
    assert_true(k.initrd.address >= 16 * MIB + INIT_SIZE);
    assert_true(k.initrd.address + sizeof(initrd) <= c.low_ram - 0x40000);
    assert_int_equal(ld_le32(k.setup.bytes + 0x218), k.initrd.address);
    assert_int_equal(ld_le32(k.setup.bytes + 0x21c), sizeof(initrd));
    assert_int_equal(ld_le32(k.setup.bytes + 0x228), 0x20000);
    assert_int_equal(ld_le16(k.setup.bytes + 0x1fa), 0x317);
    assert_int_equal(k.setup.bytes[0x210], 0xff);
    assert_int_equal(k.setup.bytes[0x211], 0x81);
    /* The stack is above the heap, below the command line. */
    assert_true(k.stack > ld_le16(k.setup.bytes + 0x224));
    assert_true(k.setup.address + k.stack < k.line.address);
    pc_kernel_close(&k);
    free(b);
}

static void refused(struct pc_kernel_config c, const char *text)
{
    struct pc_kernel k;
    struct error e;

    assert_false(pc_kernel_open(&k, &c, &e));
    if (!strstr(e.text, text))
        fail_msg("wanted '%s', got '%s'", text, e.text);
}

static void test_linux_bad(void **state)
{
    uint8_t *b = bzimage();
    char line[3000];
    struct pc_kernel_config c = {.low_ram = 64 * MIB};

    (void)state;
    c.kernel = file("linux", b, BZ_SIZE);
    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    c.append = line;
    refused(c, "this kernel takes 2047");
    c.append = "vga=blue";
    refused(c, "vga=blue: wanted ask");
    c.append = "quiet";
    c.initrd = path("nothing");
    refused(c, "-initrd");
    c.initrd = c.kernel;
    c.low_ram = 1 * MIB + 300000;
    refused(c, "-m");
    c.low_ram = 64 * MIB;
    c.kernel = file("short", b, SETUP_SIZE - 100);
    refused(c, "truncated");
    b[0x211] = 0;
    c.kernel = file("low", b, BZ_SIZE);
    c.initrd = NULL;
    {
        struct pc_kernel k;
        struct error e;

        assert_true(pc_kernel_open(&k, &c, &e));
        assert_int_equal(k.setup.address, 0x90000);
        assert_int_equal(k.kernel.address, 0x10000);
        pc_kernel_close(&k);
    }
    c.kernel = file("text", "#!/bin/sh\necho\n", 15);
    refused(c, "wanted an x86 kernel");
    free(b);
}

/* Wherever it is cut, it is refused. */
static void test_linux_cut(void **state)
{
    uint8_t *b = bzimage();
    struct pc_kernel_config c = {.low_ram = 64 * MIB};

    (void)state;
    for (unsigned size = 0; size < BZ_SIZE; size += size < 0x300 ? 1 : 509) {
        c.kernel = file("cut", b, size);
        refused(c, size < 0x206 ? "cut" : "truncated");
    }
    free(b);
}

/* An ELF32 program with a Multiboot header of either version. */
#define ELF_SIZE 0x400
static void elf(uint8_t *b, unsigned version)
{
    uint8_t *h = b + 0x100;

    memset(b, 0, ELF_SIZE);
    memcpy(b, "\177ELF\1\1\1", 7);
    st_le16(b + 16, 2);
    st_le16(b + 18, 3);
    st_le32(b + 20, 1);
    st_le32(b + 24, 0x200010);
    st_le32(b + 28, 52);
    st_le16(b + 42, 32);
    st_le16(b + 44, 1);
    st_le32(b + 52, 1);
    st_le32(b + 52 + 4, 0x100);
    st_le32(b + 52 + 8, 0x200000);
    st_le32(b + 52 + 12, 0x200000);
    st_le32(b + 52 + 16, 0x300);
    st_le32(b + 52 + 20, 0x5000);
    if (version == 1) {
        st_le32(h, 0x1badb002);
        st_le32(h + 4, 3);
        st_le32(h + 8, 0u - 0x1badb002 - 3);
    } else {
        st_le32(h, 0xe85250d6);
        st_le32(h + 8, 24);
        st_le32(h + 12, 0u - 0xe85250d6 - 24);
        st_le32(h + 20, 8);
    }
}

/* A word of the boot information. */
static uint32_t info(const struct pc_kernel *k, uint32_t at)
{
    assert_true(at + 4 <= k->setup.size);
    return ld_le32(k->setup.bytes + at);
}

static const char *text(const struct pc_kernel *k, uint32_t address)
{
    assert_true(address >= k->setup.address);
    assert_true(address < k->setup.address + k->setup.size);
    return (const char *)k->setup.bytes + (address - k->setup.address);
}

static void test_multiboot(void **state)
{
    uint8_t b[ELF_SIZE], m[5000];
    char modules[200], want[100];
    struct pc_kernel k;
    struct error e;
    struct pc_kernel_config c = {.append = "a b", .low_ram = 64 * MIB};
    uint32_t list;

    (void)state;
    elf(b, 1);
    memset(m, 1, sizeof(m));
    c.kernel = file("mb", b, sizeof(b));
    snprintf(modules, sizeof(modules), "%s x,,y=1,%s", file("m1", m, 5000),
             file("m2", m, 3));
    c.initrd = modules;
    assert_true(pc_kernel_open(&k, &c, &e));
    assert_int_equal(k.kind, KERNEL_KIND_MULTIBOOT);
    assert_int_equal(k.magic, 0x2badb002);
    assert_int_equal(k.entry, 0x200010);
    assert_int_equal(k.kernel.address, 0x200000);
    assert_int_equal(k.kernel.size, 0x300);
    assert_int_equal(k.kernel.room, 0x5000);
    assert_int_equal(info(&k, 0) & (1 << 2 | 1 << 3 | 1 << 6 | 1),
                     1 << 2 | 1 << 3 | 1 << 6 | 1);
    snprintf(want, sizeof(want), "%s a b", c.kernel);
    assert_string_equal(text(&k, info(&k, 16)), want);
    assert_int_equal(info(&k, 20), 2);
    list = info(&k, 24) - k.setup.address;
    assert_int_equal(info(&k, list), k.initrd.address);
    assert_int_equal(info(&k, list + 4), k.initrd.address + 5000);
    assert_int_equal(info(&k, list + 16), k.initrd.address + 8192);
    assert_int_equal(info(&k, list + 20), k.initrd.address + 8192 + 3);
    assert_non_null(strstr(text(&k, info(&k, list + 8)), "m1 x,y=1"));
    assert_int_equal(k.initrd.address & 4095, 0);
    assert_int_equal(info(&k, 48), k.setup.address + k.map);
    assert_true(k.map + 24 * KERNEL_MAP_ENTRIES <= k.setup.size);
    pc_kernel_close(&k);
}

static void test_multiboot2(void **state)
{
    uint8_t b[ELF_SIZE];
    unsigned seen = 0;
    struct pc_kernel k;
    struct error e;
    struct pc_kernel_config c = {.append = "a", .low_ram = 64 * MIB};
    uint32_t at = 8;

    (void)state;
    elf(b, 2);
    c.kernel = file("mb2", b, sizeof(b));
    c.initrd = c.kernel;
    assert_true(pc_kernel_open(&k, &c, &e));
    assert_int_equal(k.kind, KERNEL_KIND_MULTIBOOT2);
    assert_int_equal(k.magic, 0x36d76289);
    /* Tags up to the map of memory, which the option ROM fills in. */
    for (; info(&k, at) != 6; at += (info(&k, at + 4) + 7) & ~7u) {
        unsigned type = info(&k, at);

        assert_true(info(&k, at + 4) >= 8);
        seen |= 1u << type;
        if (type == 4)
            assert_int_equal(k.lower, at + 8);
        if (type == 3)
            assert_int_equal(info(&k, at + 12) - info(&k, at + 8), ELF_SIZE);
    }
    assert_int_equal(seen, 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4);
    assert_int_equal(at + 16, k.map);
    assert_int_equal(info(&k, at + 8), 24);
    pc_kernel_close(&k);
}

static void test_multiboot_bad(void **state)
{
    uint8_t b[ELF_SIZE];
    struct pc_kernel_config c = {.low_ram = 64 * MIB};

    (void)state;
    elf(b, 1);
    st_le32(b + 0x104, 3 | 4);
    st_le32(b + 0x108, 0u - 0x1badb002 - 7);
    c.kernel = file("bad", b, sizeof(b));
    refused(c, "video mode");
    elf(b, 1);
    st_le32(b + 0x104, 3 | 0x100);
    st_le32(b + 0x108, 0u - 0x1badb002 - 0x103);
    c.kernel = file("bad", b, sizeof(b));
    refused(c, "flags 0x103");
    elf(b, 1);
    st_le32(b + 52 + 12, 0x7c00);
    c.kernel = file("bad", b, sizeof(b));
    refused(c, "below 1 MiB");
    elf(b, 1);
    st_le32(b + 52 + 20, 0x7000000);
    c.kernel = file("bad", b, sizeof(b));
    refused(c, "-m");
    elf(b, 1);
    st_le32(b + 52 + 16, 0x4000);
    c.kernel = file("bad", b, sizeof(b));
    refused(c, "truncated");
    elf(b, 1);
    st_le16(b + 18, 243);
    c.kernel = file("bad", b, sizeof(b));
    refused(c, "wanted one for x86");
    elf(b, 2);
    st_le16(b + 0x110, 5);
    st_le32(b + 0x114, 20);
    st_le32(b + 0x108, 0x40);
    st_le32(b + 0x10c, 0u - 0xe85250d6 - 0x40);
    c.kernel = file("bad", b, sizeof(b));
    refused(c, "framebuffer");
    st_le32(b + 0x114, 4);
    c.kernel = file("bad", b, sizeof(b));
    refused(c, "tag of 4 bytes");
}

static const struct tree_ram ram[] = {{0, 64 * MIB}, {4096 * MIB, MIB}};

static struct pc_direct_config direct_config(const char *kernel)
{
    static const struct pc_direct_slot slot = {0xfeb00000, 512, 16};

    return (struct pc_direct_config){
        .kernel = {.kernel = kernel, .append = "quiet", .low_ram = 64 * MIB},
        .ram = ram,
        .n_ram = 2,
        .n_cpus = 3,
        .lapic = 0xfee00000,
        .ioapic = 0xfec00000,
        .ioapic_inputs = 24,
        .slot = &slot,
        .n_slots = 1,
    };
}

static void check_mp(const struct pc_item *item)
{
    const uint8_t *t = item->bytes + 16;
    unsigned cpus = 0, entries = ld_le16(t + 34);
    const uint8_t *p = t + 44;

    assert_memory_equal(item->bytes, "_MP_", 4);
    assert_int_equal(sum_bytes(item->bytes, 16), 0);
    assert_int_equal(ld_le32(item->bytes + 4), item->address + 16);
    assert_memory_equal(t, "PCMP", 4);
    assert_int_equal(sum_bytes(t, ld_le16(t + 4)), 0);
    while (entries--) {
        cpus += p[0] == 0;
        /* The virtio device's is a level. */
        if (p[0] == 3)
            assert_int_equal(ld_le16(p + 2), p[7] == 16 ? 0x0d : 0);
        p += p[0] == 0 ? 20 : 8;
    }
    assert_int_equal(cpus, 3);
    assert_ptr_equal(p, t + ld_le16(t + 4));
    assert_true(p <= item->bytes + item->size);
}

static void test_direct_linux(void **state)
{
    uint8_t *b = bzimage();
    struct pc_direct_config c = direct_config(NULL);
    struct pc_direct d;
    struct error e;
    const uint8_t *p;

    (void)state;
    b[0x201] = 0x66;
    b[0x236] = 1;
    c.kernel.kernel = file("linux", b, BZ_SIZE);
    assert_true(pc_direct_open(&d, &c, &e));
    p = d.item[PC_DIRECT_RESET].bytes;
    assert_int_equal(ld_le32(p + DIRECT_ENTRY), 0x100200);
    assert_int_equal(ld_le32(p + DIRECT_ESI), d.item[PC_DIRECT_INFO].address);
    assert_int_equal(ld_le32(p + DIRECT_CR3), d.item[PC_DIRECT_PAGES].address);
    assert_int_equal((uint64_t)d.item[PC_DIRECT_RESET].address + DIRECT_SIZE,
                     UINT64_C(1) << 32);
    p = d.item[PC_DIRECT_INFO].bytes;
    assert_memory_equal(p + 0x202, "HdrS", 4);
    assert_int_equal(p[0x1e8], 5); /* memory, with the one above 4 GiB */
    assert_int_equal(ld_le64(p + 0x2d0 + 4 * 20), 4096 * MIB);
    assert_int_equal(ld_le32(p + 0x228), d.item[PC_DIRECT_LINE].address);
    assert_string_equal((char *)d.item[PC_DIRECT_LINE].bytes,
                        "quiet virtio_mmio.device=512@0xfeb00000:16");
    check_mp(&d.item[PC_DIRECT_MP]);
    assert_int_equal(ld_le64(p + 0x70), 0);
    pc_direct_close(&d);
    /* ACPI's tables are where the parameters say. */
    c.acpi = (const uint8_t *)"RSD PTR ";
    c.acpi_size = 8;
    assert_true(pc_direct_open(&d, &c, &e));
    p = d.item[PC_DIRECT_INFO].bytes;
    assert_int_equal(ld_le64(p + 0x70), PC_DIRECT_ACPI_AT);
    assert_int_equal(d.item[PC_DIRECT_ACPI].address, PC_DIRECT_ACPI_AT);
    assert_memory_equal(d.item[PC_DIRECT_ACPI].bytes, "RSD PTR ", 8);
    pc_direct_close(&d);
    c.acpi_size = 0x10001; /* no room */
    assert_false(pc_direct_open(&d, &c, &e));
    c.acpi_size = 0;
    /* Of 32 bits. */
    b[0x236] = 0;
    c.kernel.kernel = file("linux", b, BZ_SIZE);
    assert_true(pc_direct_open(&d, &c, &e));
    p = d.item[PC_DIRECT_RESET].bytes;
    assert_int_equal(ld_le32(p + DIRECT_ENTRY), 0x100000);
    assert_int_equal(ld_le32(p + DIRECT_CR3), 0);
    assert_null(d.item[PC_DIRECT_PAGES].bytes);
    pc_direct_close(&d);
    c.kernel.kernel = NULL;
    assert_false(pc_direct_open(&d, &c, &e));
    free(b);
}

static void test_direct_pvh(void **state)
{
    uint8_t b[ELF_SIZE];
    struct pc_direct_config c = direct_config(NULL);
    struct pc_direct d;
    struct error e;
    const uint8_t *p;

    (void)state;
    elf(b, 1);
    memset(b + 0x100, 0, 16);
    c.kernel.kernel = file("pvh", b, sizeof(b));
    assert_false(pc_direct_open(&d, &c, &e)); /* neither */
    st_le16(b + 44, 2);
    st_le32(b + 84, 4); /* notes */
    st_le32(b + 84 + 4, 0x200);
    st_le32(b + 84 + 16, 20);
    st_le32(b + 0x200, 4);
    st_le32(b + 0x204, 4);
    st_le32(b + 0x208, 18);
    memcpy(b + 0x20c, "Xen", 4);
    st_le32(b + 0x210, 0x200040);
    c.kernel.kernel = file("pvh", b, sizeof(b));
    c.kernel.initrd = c.kernel.kernel;
    assert_true(pc_direct_open(&d, &c, &e));
    p = d.item[PC_DIRECT_RESET].bytes;
    assert_int_equal(ld_le32(p + DIRECT_ENTRY), 0x200040);
    assert_int_equal(ld_le32(p + DIRECT_EBX), d.item[PC_DIRECT_INFO].address);
    p = d.item[PC_DIRECT_INFO].bytes;
    assert_int_equal(ld_le32(p), 0x336ec578);
    assert_int_equal(ld_le32(p + 12), 1);
    assert_int_equal(ld_le64(p + 56), d.item[PC_DIRECT_INITRD].address);
    assert_int_equal(ld_le32(p + 48), 5);
    pc_direct_close(&d);
    st_le32(b + 0x204, 0xfffffff0); /* a note that does not end */
    c.kernel.kernel = file("pvh", b, sizeof(b));
    assert_false(pc_direct_open(&d, &c, &e));
}

/* A second segment of 0x100 bytes at that physical address. */
static void second_segment(uint8_t *b, unsigned version, uint32_t at,
                           uint32_t size)
{
    uint8_t *ph = b + 84;

    elf(b, version);
    st_le16(b + 44, 2);
    st_le32(ph, 1);
    st_le32(ph + 4, 0x300);
    st_le32(ph + 8, at);
    st_le32(ph + 12, at);
    st_le32(ph + 16, 0x100);
    st_le32(ph + 20, size);
}

/* Of segments that lie on each other the later one stays; those that lie where
 * no memory is are refused. */
static void test_wild_segments(void **state)
{
    static const struct {
        uint32_t at, size;
        const char *text; /* NULL: it is a kernel */
    } rows[] = {
        {0x205000, 0x100, NULL},      {0x200100, 0x100, NULL},
        {0x204fff, 0x100, NULL},      {0x1fff80, 0x100, NULL},
        {0xfffffff0, 0x100, "-m"},    {0xf0000000, 0x100, "-m"},
        {0x205000, 0xfffffff0, "-m"}, {0x205000, 0x80, "segment"},
    };
    uint8_t b[ELF_SIZE];
    struct pc_kernel_config c = {.low_ram = 64 * MIB};

    (void)state;
    for (unsigned i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        struct pc_kernel k;
        struct error e;

        second_segment(b, i % 2 + 1, rows[i / 2].at, rows[i / 2].size);
        memset(b + 0x300, 0xa5, 0x100);
        c.kernel = file("wild", b, sizeof(b));
        if (rows[i / 2].text) {
            refused(c, rows[i / 2].text);
            continue;
        }
        assert_true(pc_kernel_open(&k, &c, &e));
        assert_memory_equal(k.kernel.bytes +
                                (rows[i / 2].at - k.kernel.address),
                            b + 0x300, 0x100);
        pc_kernel_close(&k);
    }
}

/* Nothing that is damaged does more than fail. */
static void test_damaged(void **state)
{
    uint8_t *image[3] = {bzimage(), calloc(1, ELF_SIZE), calloc(1, ELF_SIZE)};
    size_t size[3] = {BZ_SIZE, ELF_SIZE, ELF_SIZE};
    uint32_t seed = 1;
    unsigned good = 0;

    (void)state;
    elf(image[1], 1);
    elf(image[2], 2);
    for (unsigned i = 0; i < 1500; i++) {
        uint8_t *b = image[i % 3];
        uint8_t old[4];
        size_t at[4];
        struct pc_kernel k;
        struct error e;
        struct pc_kernel_config c = {.low_ram = 32 * MIB, .append = "x"};

        for (unsigned j = 0; j < 4; j++) {
            seed = seed * 1664525 + 1013904223;
            at[j] = (seed >> 8) % (i % 3 ? 0x140 : 0x270);
            old[j] = b[at[j]];
            b[at[j]] = (uint8_t)(seed >> 3);
        }
        c.kernel = file("damaged", b, size[i % 3] - (seed >> 4) % 3 * 200);
        if (pc_kernel_open(&k, &c, &e)) {
            good++;
            pc_kernel_close(&k);
        }
        for (unsigned j = 4; j-- > 0;)
            b[at[j]] = old[j];
    }
    assert_true(good > 100);
    for (unsigned i = 0; i < 3; i++)
        free(image[i]);
}

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    static const char *const names[] = {
        "linux", "initrd", "short",   "low", "text", "mb",   "m1", "m2",
        "mb2",   "bad",    "damaged", "pvh", "cut",  "wild", NULL};

    (void)state;
    for (unsigned i = 0; names[i]; i++)
        unlink(path(names[i]));
    return rmdir(folder);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linux),
        cmocka_unit_test(test_linux_bad),
        cmocka_unit_test(test_linux_cut),
        cmocka_unit_test(test_wild_segments),
        cmocka_unit_test(test_multiboot),
        cmocka_unit_test(test_multiboot2),
        cmocka_unit_test(test_multiboot_bad),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_direct_linux),
        cmocka_unit_test(test_direct_pvh),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
