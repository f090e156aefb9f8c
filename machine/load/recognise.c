/*
 * Recognising files by their magic numbers.
 *
 * Sources: the kernel's Documentation/arch/riscv/boot-image-header.rst,
 * arm64/booting.rst and x86/boot.rst; the ELF and PE/COFF specifications;
 * RFC 1952 (gzip), RFC 8878 (zstd); U-Boot's image format; ECMA-119 (CDs).
 *
 * Missing: file systems without a boot sector.
 */
#include "machine/load/recognise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "devices/fdd.h"

#define HEAD_SIZE 0x8800 /* up to a CD's volume descriptor */

struct magic {
    uint32_t offset, size;
    const char *bytes;
    enum file_kind kind;
    const char *text;
};

/* What needs no look at anything else; the first that matches counts. */
static const struct magic magics[] = {
    {0x38, 4, "RSC\5", FILE_IMAGE, "a RISC-V Image"},
    {0x30, 5, "RISCV", FILE_IMAGE, "a RISC-V Image"},
    {0x38, 4, "ARM\x64", FILE_OTHER, "an arm64 Image"},
    {0x24, 4, "\x18\x28\x6f\x01", FILE_OTHER, "an arm zImage"},
    {0x202, 4, "HdrS", FILE_X86_KERNEL, "an x86 kernel (bzImage)"},
    {0, 2, "\x1f\x8b", FILE_GZIP, "a gzip file"},
    {0, 4, "\x28\xb5\x2f\xfd", FILE_ZSTD, "a zstd file"},
    {0, 6, "\xfd\x37zXZ\0", FILE_OTHER, "an xz file"},
    {0, 3, "BZh", FILE_OTHER, "a bzip2 file"},
    {0, 4, "\x04\x22\x4d\x18", FILE_OTHER, "an LZ4 file"},
    {0, 4, "\x02\x21\x4c\x18", FILE_OTHER, "an LZ4 file"},
    {0, 4, "\x89LZO", FILE_OTHER, "an LZO file"},
    {0, 5, "\x5d\0\0\x80\0", FILE_OTHER, "an LZMA file"},
    {0, 4, "PK\3\4", FILE_OTHER, "a zip file"},
    {0, 4, "QFI\xfb", FILE_OTHER, "a qcow2 disk image"},
    {0, 6, "070701", FILE_OTHER, "a cpio archive (an initrd?)"},
    {0, 8, "!<arch>\n", FILE_OTHER, "an ar archive or a .deb package"},
    {0x101, 5, "ustar", FILE_OTHER, "a tar archive"},
    {0, 2, "#!", FILE_OTHER, "a script"},
    {0, 6, "GIF89a", FILE_OTHER, "a picture"},
    {0, 4, "\x89PNG", FILE_OTHER, "a picture"},
    {0, 4, "%PDF", FILE_OTHER, "a PDF document"},
    {0x8001, 5, "CD001", FILE_CD, "a CD image (ISO 9660)"},
};

static const struct {
    unsigned number;
    const char *name;
} elf_machines[] =
    {
        {2, "SPARC"},       {3, "i386"},     {4, "m68k"},       {8, "MIPS"},
        {20, "PowerPC"},    {21, "PowerPC"}, {22, "S/390"},     {40, "arm"},
        {43, "SPARC"},      {62, "x86-64"},  {183, "arm64"},    {243, "RISC-V"},
        {258, "LoongArch"}, {50, "IA-64"},   {0x9026, "Alpha"}, {15, "PA-RISC"},
},
  uimage_archs[] =
      {
          {2, "arm"},    {3, "i386"},    {5, "MIPS"},
          {6, "MIPS"},   {7, "PowerPC"}, {12, "m68k"},
          {22, "arm64"}, {24, "x86-64"}, {26, "RISC-V"},
},
  pe_machines[] = {
      {0x14c, "i386"}, {0x8664, "x86-64"},    {0xaa64, "arm64"},
      {0x1c2, "arm"},  {0x6264, "LoongArch"},
};

#define NAME_IN(table, n)                                                      \
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {            \
        if (table[i].number == (n))                                            \
            return table[i].name;                                              \
    }

const char *elf_machine_name(unsigned machine, unsigned bits)
{
    if (machine == ELF_MACHINE_RISCV && bits)
        return bits == 32 ? "32-bit RISC-V" : "64-bit RISC-V";
    NAME_IN(elf_machines, machine)
    return "foreign";
}

const char *uimage_arch_name(unsigned arch)
{
    NAME_IN(uimage_archs, arch)
    return "foreign";
}

static const char *pe_machine_name(unsigned machine)
{
    if (machine == PE_MACHINE_RISCV64)
        return "64-bit RISC-V";
    if (machine == PE_MACHINE_RISCV32)
        return "32-bit RISC-V";
    NAME_IN(pe_machines, machine)
    return "foreign";
}

static void say(struct file_type *out, enum file_kind kind, const char *of,
                const char *what)
{
    bool vowel = of[0] && strchr("aAiIxXS", of[0]);

    out->kind = kind;
    snprintf(out->text, sizeof(out->text), "%s %s%s%s", vowel ? "an" : "a", of,
             *of ? " " : "", what);
}

static bool is_elf(const uint8_t *h, struct file_type *out)
{
    unsigned machine;

    if (memcmp(h, "\177ELF", 4) != 0)
        return false;
    machine = h[5] == 2 ? ld_be16(h + 18) : ld_le16(h + 18);
    out->riscv = machine == ELF_MACHINE_RISCV;
    say(out, FILE_ELF, elf_machine_name(machine, h[4] == 1 ? 32 : 64),
        "ELF file");
    return true;
}

static bool is_pe(const uint8_t *h, size_t n, struct file_type *out)
{
    uint32_t at = ld_le32(h + 0x3c);
    bool zboot = memcmp(h + 4, "zimg", 4) == 0;
    const char *of = "foreign";
    unsigned machine;

    if (memcmp(h, "MZ", 2) != 0)
        return false;
    if (at < n - 6 && memcmp(h + at, "PE\0", 4) == 0) {
        machine = ld_le16(h + at + 4);
        of = pe_machine_name(machine);
        out->riscv =
            machine == PE_MACHINE_RISCV32 || machine == PE_MACHINE_RISCV64;
    }
    say(out, zboot ? FILE_ZBOOT : FILE_OTHER, of,
        zboot ? "EFI zboot image" : "EFI or Windows program");
    return true;
}

static bool is_uboot(const uint8_t *h, struct file_type *out)
{
    if (ld_be32(h) != 0x27051956)
        return false;
    out->riscv = h[29] == UIMAGE_ARCH_RISCV;
    say(out, FILE_UIMAGE, uimage_arch_name(h[29]), "U-Boot image (uImage)");
    return true;
}

static bool is_tree(const uint8_t *h, size_t n, struct file_type *out)
{
    const char *p;

    if (ld_be32(h) == 0xd00dfeed) {
        /* A node of that name: its token, the name. */
        bool fit = memmem(h, n, "\0\0\0\1images", 11) != NULL;

        say(out, fit ? FILE_FIT : FILE_TREE, "",
            fit ? "U-Boot FIT image" : "device tree blob");
        return true;
    }
    p = memmem(h, n < 8192 ? n : 8192, "/dts-v1/", 8);
    if (!p || memchr(h, 0, (size_t)(p - (const char *)h)))
        return false;
    say(out, FILE_TREE_SOURCE, "", "device tree source");
    return true;
}

static bool is_boot_sector(const uint8_t *h, uint64_t size,
                           struct file_type *out)
{
    if (size < 512 || h[510] != 0x55 || h[511] != 0xaa)
        return false;
    if (fdd_is_size(size)) {
        say(out, FILE_FLOPPY, "", "floppy image");
        return true;
    }
    say(out, FILE_DISK, "", "disk image");
    return true;
}

/* Bytes of text, or nothing but zeros: no code starts so. */
static bool is_dull(const uint8_t *h, size_t n, struct file_type *out)
{
    size_t text = 0, zeros = 0;

    n = n < 512 ? n : 512;
    for (size_t i = 0; i < n; i++) {
        text += (h[i] >= ' ' && h[i] < 127) || (h[i] >= 8 && h[i] <= 13) ||
                h[i] >= 0xa0;
        zeros += h[i] == 0;
    }
    if (zeros == n)
        snprintf(out->text, sizeof(out->text), "a file of zeros");
    else if (text == n)
        snprintf(out->text, sizeof(out->text), "a text file");
    else
        return false;
    out->kind = FILE_OTHER;
    return true;
}

static bool is_magic(const uint8_t *h, size_t n, struct file_type *out)
{
    for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
        const struct magic *m = &magics[i];

        if (m->offset + m->size > n ||
            memcmp(h + m->offset, m->bytes, m->size) != 0)
            continue;
        out->kind = m->kind;
        out->riscv = m->kind == FILE_IMAGE;
        snprintf(out->text, sizeof(out->text), "%s", m->text);
        return true;
    }
    return false;
}

void recognise(const struct source *s, struct file_type *out)
{
    uint8_t *h = malloc(HEAD_SIZE);
    size_t n = h ? source_head(s, h, HEAD_SIZE) : 0;

    *out = (struct file_type){.kind = FILE_UNKNOWN};
    snprintf(out->text, sizeof(out->text), "of no known format");
    if (n < 4) {
        free(h);
        return;
    }
    /* Magics first: kernels pretend to be EFI programs, too. */
    if (!is_elf(h, out) && !is_uboot(h, out) && !is_tree(h, n, out) &&
        !is_magic(h, n, out) && !is_pe(h, HEAD_SIZE, out) &&
        !is_boot_sector(h, s->size, out))
        is_dull(h, n, out);
    free(h);
}
