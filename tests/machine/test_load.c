/* Loaders: every kernel format, what is wrong with damaged ones, and what a
 * file is taken for. */
#include "load_files.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "roms/riscv/boot_layout.h"

/* -- formats -- */

static void check_loaded(struct rig *r, const uint8_t *image, size_t size,
                         uint64_t at)
{
    rig_machine(r);
    assert_memory(r, at, image, size);
}

static void test_image(void **state)
{
    struct rig *r = *state;
    uint8_t *p = file_buffer();

    make_image(p, MIB, 0x200000, 3 * MIB);
    set_kernel(r, p, MIB);
    check_loaded(r, p, MIB, KERNEL);
    assert_int_equal(stub_word(r, BOOT_START), KERNEL);
    assert_int_equal(stub_word(r, BOOT_TREE), r->m->loader.tree_at);

    set_firmware(r);
    check_loaded(r, p, MIB, KERNEL);
    assert_int_equal(stub_word(r, BOOT_START), RAM);
    assert_int_equal(stub_word(r, BOOT_INFO), BOOT_INFO_MAGIC_VALUE);
    assert_int_equal(stub_word(r, BOOT_INFO + 8), BOOT_INFO_VERSION_VALUE);
    assert_int_equal(stub_word(r, BOOT_INFO + 16), KERNEL);
    assert_int_equal(stub_word(r, BOOT_INFO + 24), 1);
}

static void test_image_odd_offset(void **state)
{
    struct rig *r = *state;
    uint8_t *p = file_buffer();

    make_image(p, MIB, 0, MIB); /* a kernel for M-mode */
    set_kernel(r, p, MIB);
    check_loaded(r, p, MIB, RAM);
    set_firmware(r);
    check_loaded(r, p, MIB, KERNEL);
    make_image(p, MIB, 0x201000, MIB); /* large pages all the same */
    set_kernel(r, p, MIB);
    check_loaded(r, p, MIB, 0x80400000);
}

static void test_image_bad(void **state)
{
    struct rig *r = *state;
    uint8_t *p = file_buffer();

    make_image(p, MIB, 0x200000, MIB);
    st_le64(p + 24, 1);
    set_kernel(r, p, MIB);
    rig_refused(r, "-kernel *: a big-endian kernel; wanted a little-endian "
                   "one");
    make_image(p, MIB, 0x200000, UINT64_MAX - 100);
    set_kernel(r, p, MIB);
    rig_refused(r, "-kernel *: damaged: its header asks for * bytes at *");
    make_image(p, MIB, UINT64_MAX - 100, MIB);
    set_kernel(r, p, MIB);
    rig_refused(r, "-kernel *: damaged: its header asks for *");
    make_image(p, MIB, 0x200000, 300 * MIB);
    set_kernel(r, p, MIB);
    rig_refused(r, "-kernel *: needs 300 MiB at 0x80200000, but RAM ends at "
                   "0x90000000; -m gives more");
    make_image(p, MIB, (uint64_t)1 << 40, MIB);
    set_kernel(r, p, MIB);
    rig_refused(r, "-kernel *: wants to be at 0x10080000000, where there is "
                   "no RAM; that is from 0x80000000 to 0x8fffffff");
}

static void test_image_efi(void **state)
{
    struct rig *r = *state;
    uint8_t *p = file_buffer();

    make_image(p, MIB, 0x200000, MIB);
    make_efi(p, 0x5064, MIB);
    set_kernel(r, p, MIB);
    check_loaded(r, p, MIB, KERNEL);
    set_kernel(r, p, MIB - 1);
    rig_refused(r, "-kernel *: truncated: it has 1024.0 KiB of the 1 MiB "
                   "that its header lists");
    set_kernel(r, p, 80);
    rig_refused(r, "-kernel *: truncated: wanted 24 bytes from byte 64 on, "
                   "but it has 80 bytes");
    make_efi(p, 0x5032, MIB);
    set_kernel(r, p, MIB);
    rig_refused(r, "-kernel *: for another kind of CPU than 64-bit RISC-V");
    memcpy(p + 64, "XX", 2);
    set_kernel(r, p, MIB);
    rig_refused(r, "-kernel *: damaged: no PE header where *");
}

static void test_gzip(void **state)
{
    struct rig *r = *state;
    uint8_t *p = file_buffer(), *packed = malloc(2 * MIB);
    size_t n;

    make_image(p, MIB, 0x200000, 3 * MIB);
    n = make_gzip(packed, 2 * MIB, p, MIB);
    set_kernel(r, packed, n);
    check_loaded(r, p, MIB, KERNEL);
    set_kernel(r, packed, n / 2);
    rig_refused(r, "-kernel *: truncated: the compressed data ends early");
    packed[n / 2] ^= 0xff;
    packed[n / 2 + 1] ^= 0xff;
    set_kernel(r, packed, n);
    rig_refused(r, "-kernel *: damaged gzip data: *");
    /* Not a kernel inside. */
    memset(p, 'x', MIB);
    n = make_gzip(packed, 2 * MIB, p, MIB);
    set_kernel(r, packed, n);
    rig_refused(r, "-kernel *: a text file; wanted a RISC-V kernel: *");
    /* No wrapping in a wrapping. */
    memcpy(p, packed, n);
    n = make_gzip(packed, 2 * MIB, p, n);
    set_kernel(r, packed, n);
    rig_refused(r, "-kernel *: a gzip file; wanted *");
    free(packed);
}

/* 64 MiB of zeros in 64 KiB, on a machine that has less. */
static void test_gzip_bomb(void **state)
{
    struct rig *r = *state;
    uint8_t *zeros = calloc(64, MIB), *packed = malloc(2 * MIB);
    size_t n;

    assert_non_null(zeros);
    make_image(zeros, 64, 0x200000, 3 * MIB);
    n = make_gzip(packed, 2 * MIB, zeros, 64 * MIB);
    r->config.ram_size = 32 * MIB;
    set_kernel(r, packed, n);
    rig_refused(r, "-kernel *: would unpack to more than 32 MiB, which does "
                   "not fit into memory");
    free(zeros);
    free(packed);
}

static void test_zboot(void **state)
{
    struct rig *r = *state;
    uint8_t *p = file_buffer(), *packed = malloc(2 * MIB),
            *file = malloc(2 * MIB);
    size_t n;

    make_image(p, MIB, 0x200000, 3 * MIB);
    n = make_gzip(packed, 2 * MIB, p, MIB);
    n = make_zboot(file, "gzip", packed, n);
    set_kernel(r, file, n);
    check_loaded(r, p, MIB, KERNEL);
    set_kernel(r, file, n - 100);
    rig_refused(r, "-kernel *: truncated: * of it, from byte 128 on, should "
                   "be there, but it has *");
    n = make_zstd(packed, 2 * MIB, p, MIB);
    n = make_zboot(file, "zstd", packed, n);
    set_kernel(r, file, n);
    check_loaded(r, p, MIB, KERNEL);
    file[n / 2] ^= 0xff;
    set_kernel(r, file, n);
    rig_refused(r, "-kernel *: damaged zstd data: *");
    st_le32(file + 8, 0xffffff00); /* offset */
    set_kernel(r, file, n);
    rig_refused(r, "-kernel *: truncated: *");
    make_zboot(file, "xzkern", packed, 100);
    set_kernel(r, file, 228);
    rig_refused(r, "-kernel *: an EFI zboot image packed with 'xzkern'; "
                   "wanted gzip or zstd");
    st_le16(file + 0x44, 0xaa64);
    set_kernel(r, file, 228);
    rig_refused(r, "-kernel *: an arm64 EFI zboot image; wanted a RISC-V "
                   "kernel: *");
    free(packed);
    free(file);
}

static void test_elf(void **state)
{
    struct rig *r = *state;
    uint8_t *p = file_buffer(), zeros[64] = {0};
    const struct segment s[] = {
        {4096, RAM + 0x1000, 12, 12},
        {8192, RAM + 0x100000, 100, 5 * MIB},
    };

    make_elf64(p, 243, RAM + 0x1004, s, 2);
    put_nops(p + 4096);
    memset(p + 8192, 0x5a, 100);
    set_kernel(r, p, 8292);
    rig_machine(r);
    assert_memory(r, RAM + 0x1000, nops, 12);
    assert_memory(r, RAM + 0x100000, p + 8192, 100);
    assert_memory(r, RAM + 0x100064, zeros, sizeof(zeros));
    assert_int_equal(stub_word(r, BOOT_START), RAM + 0x1004);
    /* Linked for virtual addresses: its lowest byte. */
    st_le64(p + 24, 0xffffffff80001004);
    set_kernel(r, p, 8292);
    rig_machine(r);
    assert_int_equal(stub_word(r, BOOT_START), RAM + 0x1000);
}

static void elf_refused(struct rig *r, struct segment s, const char *pattern)
{
    uint8_t *p = file_buffer();

    make_elf64(p, 243, RAM, &s, 1);
    set_kernel(r, p, 8192);
    rig_refused(r, pattern);
}

static void test_elf_bad(void **state)
{
    struct rig *r = *state;
    uint8_t *p = file_buffer();

    elf_refused(r, (struct segment){4096, 0x10000, 12, 12},
                "-kernel *: wants to be at 0x10000, where there is no RAM; "
                "*");
    elf_refused(r, (struct segment){4096, RAM, 12, 1 << 30},
                "-kernel *: needs 1 GiB at 0x80000000, but RAM ends at "
                "0x90000000; *");
    elf_refused(r, (struct segment){4096, RAM, 8000, 8000},
                "-kernel *: truncated: a segment ends at byte 12096, the "
                "file at 8192");
    elf_refused(r, (struct segment){UINT64_MAX - 10, RAM, 100, 100},
                "-kernel *: truncated: *");
    elf_refused(r, (struct segment){4096, RAM, 100, 50},
                "-kernel *: damaged: a segment has more bytes in the file *");
    elf_refused(r, (struct segment){4096, UINT64_MAX - 10, 100, 100},
                "-kernel *: damaged: a segment at 0xfffffffffffffff5 of 0x64 "
                "bytes");
    elf_refused(r, (struct segment){4096, RAM, 0, 0},
                "-kernel *: an ELF file with nothing to load; *");
    make_elf64(p, 62, RAM, NULL, 0);
    set_kernel(r, p, 8192);
    rig_refused(r, "-kernel *: an x86-64 ELF file; wanted a RISC-V kernel: "
                   "Image, Image.gz, EFI zboot, ELF or uImage");
    make_elf64(p, 243, RAM, NULL, 0);
    set_kernel(r, p, 20);
    rig_refused(r, "-kernel *: truncated: *");
    set_kernel(r, p, 60);
    rig_refused(r, "-kernel *: truncated: *");
    st_le64(p + 32, UINT64_MAX - 8); /* program headers */
    st_le16(p + 56, 3);
    set_kernel(r, p, 8192);
    rig_refused(r, "-kernel *: truncated: *");
    st_le64(p + 32, 64);
    st_le16(p + 54, 3); /* their size */
    set_kernel(r, p, 8192);
    rig_refused(r, "-kernel *: damaged: its program headers have 3 bytes "
                   "each");
    st_le16(p + 16, 1);
    set_kernel(r, p, 8192);
    rig_refused(r, "-kernel *: an ELF file of type 1 (an object file?); *");
    p[5] = 2;
    st_be16(p + 18, 243);
    set_kernel(r, p, 8192);
    rig_refused(r, "-kernel *: a big-endian ELF file; wanted *");
}

static void test_elf_many(void **state)
{
    struct rig *r = *state;
    uint8_t *p = file_buffer();
    struct segment s[70];

    for (unsigned i = 0; i < 70; i++)
        s[i] = (struct segment){0, RAM + i * 8192, 16, 16};
    make_elf64(p, 243, RAM, s, 64);
    set_kernel(r, p, 8192);
    rig_machine(r);
    make_elf64(p, 243, RAM, s, 65);
    set_kernel(r, p, 8192);
    rig_refused(r, "-kernel *: more than 64 segments");
}

static void test_elf32(void **state)
{
    struct rig *r = *state;
    uint8_t file[128];
    size_t n = make_elf32(file, RAM + 4, RAM);

    set_kernel(r, file, n);
    rig_refused(r, "-kernel *: an ELF file for 32-bit RISC-V, but the CPU is "
                   "a 64-bit RISC-V");
    r->config.cpu = "rv32";
    rig_machine(r);
    assert_memory(r, RAM, nops, 12);
    assert_int_equal(stub_word(r, BOOT_START), RAM + 4);
    /* fw_dynamic_info has 32-bit fields there. */
    set_firmware(r);
    st_le32(file + 52 + 12, 0x80400000);
    st_le32(file + 24, 0x80400004);
    set_kernel(r, file, n);
    rig_machine(r);
    assert_int_equal(stub_word(r, BOOT_INFO),
                     (uint64_t)BOOT_INFO_VERSION_VALUE << 32 |
                         BOOT_INFO_MAGIC_VALUE);
    assert_int_equal(stub_word(r, BOOT_INFO + 8), 1ull << 32 | 0x80400004);
}

static void test_uimage(void **state)
{
    struct rig *r = *state;
    uint8_t *p = file_buffer(), *packed = malloc(2 * MIB),
            *file = malloc(2 * MIB);
    size_t n, m;

    make_image(p, MIB, 0x200000, 3 * MIB);
    n = make_uimage(file, 26, 0, KERNEL, KERNEL + 4, p, MIB);
    set_kernel(r, file, n);
    check_loaded(r, p, MIB, KERNEL);
    assert_int_equal(stub_word(r, BOOT_START), KERNEL + 4);
    m = make_gzip(packed, 2 * MIB, p, MIB);
    n = make_uimage(file, 26, 1, KERNEL, KERNEL, packed, m);
    set_kernel(r, file, n);
    check_loaded(r, p, MIB, KERNEL);
    set_kernel(r, file, n - 1);
    rig_refused(r, "-kernel *: truncated: *");
    file[n - 5] ^= 1;
    set_kernel(r, file, n);
    rig_refused(r, "-kernel *: a uImage with damaged data (checksum)");
    file[40] ^= 1;
    set_kernel(r, file, n);
    rig_refused(r, "-kernel *: a uImage with a damaged header");
    n = make_uimage(file, 26, 3, KERNEL, KERNEL, packed, m);
    set_kernel(r, file, n);
    rig_refused(r, "-kernel *: a uImage with compression 3; wanted none, "
                   "gzip or zstd");
    n = make_uimage(file, 26, 0, KERNEL, 0x1234, nops, sizeof(nops));
    set_kernel(r, file, n);
    rig_refused(r, "-kernel *: a uImage whose entry point 0x1234 is not in "
                   "its data");
    n = make_uimage(file, 26, 0, 0x1000000, 0x1000000, nops, sizeof(nops));
    set_kernel(r, file, n);
    rig_refused(r, "-kernel *: wants to be at 0x1000000, where there is no "
                   "RAM; *");
    n = make_uimage(file, 22, 0, KERNEL, KERNEL, nops, sizeof(nops));
    set_kernel(r, file, n);
    rig_refused(r, "-kernel *: an arm64 U-Boot image (uImage); wanted *");
    file[29] = 26;
    file[30] = 3;
    seal_uimage(file, n);
    set_kernel(r, file, n);
    rig_refused(r, "-kernel *: a uImage of type 3; wanted a kernel's");
    free(packed);
    free(file);
}

/* -- what is none -- */

static void foreign(struct rig *r, const void *bytes, size_t size, size_t at,
                    const char *what)
{
    uint8_t file[1024];
    char pattern[200];

    for (size_t i = 0; i < sizeof(file); i++)
        file[i] = (uint8_t)(i * 37 + 11);
    memcpy(file + at, bytes, size);
    set_kernel(r, file, sizeof(file));
    snprintf(pattern, sizeof(pattern), "-kernel *: %s; wanted *", what);
    rig_refused(r, pattern);
}

static void test_foreign(void **state)
{
    struct rig *r = *state;

    foreign(r, "ARM\x64", 4, 56, "an arm64 Image");
    foreign(r, "HdrS", 4, 0x202, "an x86 kernel (bzImage)");
    foreign(r, "\xfd\x37zXZ\0", 6, 0, "an xz file");
    foreign(r, "BZh", 3, 0, "a bzip2 file");
    foreign(r, "\x04\x22\x4d\x18", 4, 0, "an LZ4 file");
    foreign(r, "\x28\xb5\x2f\xfd", 4, 0, "a zstd file");
    foreign(r, "PK\3\4", 4, 0, "a zip file");
    foreign(r, "QFI\xfb", 4, 0, "a qcow2 disk image");
    foreign(r, "070701", 6, 0, "a cpio archive (an initrd?)");
    foreign(r, "#!/bin/sh\n", 10, 0, "a script");
    foreign(r, "\x55\xaa", 2, 510, "a disk image");
    foreign(r, "MZ", 2, 0, "a foreign EFI or Windows program");
    foreign(r, "\xd0\x0d\xfe\xed", 4, 0, "a device tree blob");
    set_kernel(r, "hello, world\n", 13);
    rig_refused(r, "-kernel *: a text file; wanted *");
    set_kernel(r, "\0\0\0\0\0\0\0\0", 8);
    rig_refused(r, "-kernel *: a file of zeros; wanted *");
    set_kernel(r, "\1\2\0\0\377\0\0", 7);
    rig_refused(r, "-kernel *: of no known format; wanted *");
    set_kernel(r, "", 0);
    rig_refused(r, "-kernel *: the file is empty*");
    r->config.kernel = "/nonexistent/kernel";
    rig_refused(r, "-kernel /nonexistent/kernel: No such file or directory*");
    r->config.kernel = r->folder;
    rig_refused(r, "-kernel *: a folder; wanted a file");
    r->config.kernel = "/dev/zero";
    rig_refused(r, "-kernel /dev/zero: a device; wanted a file or a pipe");
}

/* A child that feeds a FIFO with the n bytes, `times` over. */
static void feed(const char *fifo, const uint8_t *bytes, size_t n,
                 unsigned times)
{
    int fd;

    if (fork())
        return;
    signal(SIGPIPE, SIG_DFL);
    fd = open(fifo, O_WRONLY);
    while (times-- && write(fd, bytes, n) == (ssize_t)n)
        ;
    _exit(0);
}

/* -kernel <(zcat x) works; what never ends is read as far as RAM goes. */
static void test_pipe(void **state)
{
    struct rig *r = *state;
    static uint8_t code[4096], zeros[1 << 20];
    enum image_kind kind;
    char path[96];

    snprintf(path, sizeof(path), "%s/fifo", r->folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    r->config.bios = path;
    for (size_t i = 0; i + sizeof(nops) <= sizeof(code); i += sizeof(nops))
        put_nops(code + i);
    feed(path, code, sizeof(code), 3);
    rig_machine(r);
    assert_int_equal(r->m->loader.firmware.size, 3 * sizeof(code));
    rig_free(r);
    r->config.ram_size = 16 << 20;
    feed(path, zeros, sizeof(zeros), 64);
    rig_refused(r, "-bios *: more than 16 MiB; at most that is taken");
    assert_false(machine_guess_image(path, &kind, &r->e));
    assert_matches("*/fifo: a pipe, which can be read only once*", r->e.text);
    while (wait(NULL) > 0)
        ;
    unlink(path);
}

static void test_fit(void **state)
{
    struct rig *r = *state;
    uint8_t file[256] = {0xd0, 0x0d, 0xfe, 0xed};

    memcpy(file + 100, "\0\0\0\1images", 11);
    set_kernel(r, file, sizeof(file));
    rig_refused(r, "-kernel *: a U-Boot FIT image, which is not understood; "
                   "take the kernel out with dumpimage *");
}

static void test_code(void **state)
{
    struct rig *r = *state;
    uint8_t *p = file_buffer();

    set_kernel(r, nops, sizeof(nops));
    check_loaded(r, nops, sizeof(nops), RAM);
    set_firmware(r);
    check_loaded(r, nops, sizeof(nops), KERNEL);
    assert_int_equal(stub_word(r, BOOT_INFO + 16), KERNEL);
    assert_true(looks_like_code((const uint8_t *)"\x82\x80", 2)); /* ret */
    assert_false(looks_like_code((const uint8_t *)"\x00\x00", 2));
    assert_false(looks_like_code((const uint8_t *)"\x13\x00", 2));
    assert_false(looks_like_code(p, 0));
    /* j -4, out of the file; j over what is no code, to a ret */
    assert_false(looks_like_code((const uint8_t *)"\x6f\xf0\xdf\xff", 4));
    assert_true(looks_like_code(
        (const uint8_t *)"\x6f\x00\x80\x00\0\0\0\0\x82\x80", 10));
    assert_false(
        looks_like_code((const uint8_t *)"\x6f\x00\x80\x00\0\0\0\0\0\0", 10));
}

/* -- guessing -- */

static enum image_kind guess(struct rig *r, const void *bytes, size_t size)
{
    enum image_kind kind = IMAGE_UNKNOWN;

    r->e.text[0] = 0;
    machine_guess_image(rig_file(r, "guess", bytes, size), &kind, &r->e);
    return kind;
}

static void test_guess(void **state)
{
    struct rig *r = *state;
    static const uint16_t floppies[] = {160,  360,  400,  720,  820, 1200,
                                        1440, 1600, 1680, 1743, 2880}; /* KB */
    uint8_t *p = file_buffer();
    enum image_kind kind;

    make_image(p, MIB, 0, MIB);
    assert_int_equal(guess(r, p, MIB), IMAGE_RISCV_KERNEL);
    assert_int_equal(guess(r, p + 2 * MIB, make_gzip(p + 2 * MIB, MIB, p, MIB)),
                     IMAGE_RISCV_KERNEL);
    make_uimage(p, 26, 0, 0, 0, nops, sizeof(nops));
    assert_int_equal(guess(r, p, MIB), IMAGE_RISCV_KERNEL);
    make_elf64(p, 243, 0, NULL, 0);
    assert_int_equal(guess(r, p, MIB), IMAGE_RISCV_ELF);
    make_elf64(p, 62, 0, NULL, 0);
    assert_int_equal(guess(r, p, MIB), IMAGE_UNKNOWN);
    assert_matches("*/guess: an x86-64 ELF file; wanted *", r->e.text);
    assert_int_equal(guess(r, boards[0].dtb, boards[0].dtb_size), IMAGE_TREE);
    assert_int_equal(guess(r, "/dts-v1/; / {};", 15), IMAGE_TREE);
    p = file_buffer();
    p[510] = 0x55;
    p[511] = 0xaa;
    assert_int_equal(guess(r, p, MIB), IMAGE_DISK);
    for (unsigned i = 0; i < sizeof(floppies) / sizeof(floppies[0]); i++)
        assert_int_equal(guess(r, p, floppies[i] * 1024u), IMAGE_FLOPPY);
    assert_int_equal(guess(r, p, 1441 * 1024), IMAGE_DISK);
    memcpy(p + 0x8001, "CD001", 5);
    assert_int_equal(guess(r, p, MIB), IMAGE_CD);
    memcpy(p + 0x202, "HdrS", 4);
    assert_int_equal(guess(r, p, MIB), IMAGE_X86_KERNEL);
    p = file_buffer();
    make_elf64(p, 62, 0, NULL, 0);
    memcpy(p + 0x100, "\x02\xb0\xad\x1b\x03\0\0\0\xfb\x4f\x52\xe4", 12);
    assert_int_equal(guess(r, p, MIB), IMAGE_X86_KERNEL); /* Multiboot */
    assert_int_equal(guess(r, p + 2 * MIB, make_gzip(p + 2 * MIB, MIB, p, MIB)),
                     IMAGE_X86_KERNEL);
    assert_int_equal(guess(r, p + 0x80, MIB), IMAGE_X86_KERNEL);
    p[0x108]++;
    assert_int_equal(guess(r, p, MIB), IMAGE_UNKNOWN);
    assert_int_equal(guess(r, "text", 4), IMAGE_UNKNOWN);
    assert_int_equal(guess(r, "\x1f\x8b\x08\0\0", 5), IMAGE_UNKNOWN);
    assert_matches("*/guess: truncated: *", r->e.text);
    assert_false(machine_guess_image("/nonexistent", &kind, &r->e));
    assert_matches("/nonexistent: No such file or directory*", r->e.text);
    assert_false(machine_guess_image(r->folder, &kind, &r->e));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_image),     TEST(test_image_odd_offset),
        TEST(test_image_bad), TEST(test_image_efi),
        TEST(test_gzip),      TEST(test_gzip_bomb),
        TEST(test_zboot),     TEST(test_elf),
        TEST(test_elf_bad),   TEST(test_elf_many),
        TEST(test_elf32),     TEST(test_uimage),
        TEST(test_foreign),   TEST(test_pipe),
        TEST(test_fit),       TEST(test_code),
        TEST(test_guess),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
