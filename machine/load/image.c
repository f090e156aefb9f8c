/*
 * Kernels and firmware: RISC-V Image, plain, in gzip, in EFI zboot; plain
 * machine code.
 *
 * Documentation/arch/riscv/boot-image-header.rst of the kernel; for zboot
 * its drivers/firmware/efi/libstub/zboot-header.S says the layout: "zimg" at
 * 4, the payload's offset and size at 8, the compression's name at 0x18.
 *
 * An Image that is also an EFI program (all of today's are) lists its
 * sections, so that a truncated one is noticed; of others only the guest
 * can tell.
 *
 * Missing: U-Boot's FIT (it is recognised and refused); compressions other
 * than gzip and zstd.
 */
#include "machine/load/image.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "machine/load/unpack.h"

#define HEADER_SIZE 64
#define PE_SECTION_SIZE 40
#define CODE_SAMPLE 65536
#define CODE_STEPS 32
/* No sum of an address and two sizes below it wraps. */
#define ADDRESS_LIMIT ((uint64_t)1 << 48)

const char *image_wanted(const struct image_rules *rules)
{
    if (rules->x86)
        return "an x86 kernel: bzImage, or a Multiboot program, plain or in "
               "gzip";
    if (rules->firmware)
        return rules->xlen == 32
                   ? "a 32-bit RISC-V ELF file or plain machine code"
                   : "a 64-bit RISC-V ELF file or plain machine code";
    return "a RISC-V kernel: Image, Image.gz, EFI zboot, ELF or uImage";
}

uint64_t image_start(const struct image *img)
{
    uint64_t start = UINT64_MAX;

    for (unsigned i = 0; i < img->n; i++) {
        if (img->piece[i].mem_size && img->piece[i].address < start)
            start = img->piece[i].address;
    }
    return start == UINT64_MAX ? 0 : start;
}

uint64_t image_end(const struct image *img)
{
    uint64_t end = 0;

    for (unsigned i = 0; i < img->n; i++) {
        const struct image_piece *p = &img->piece[i];

        if (p->mem_size && p->address + p->mem_size > end)
            end = p->address + p->mem_size;
    }
    return end;
}

void image_close(struct image *img)
{
    source_close(&img->data);
}

/* -- machine code -- */

/*
 * Length of the instruction at p, 0: none starts so.  Not a decoder, only
 * the top of the encoding tree (unprivileged ISA, "Base Instruction-Length
 * Encoding" and table of major opcodes): enough to tell code from data.
 */
static unsigned code_length(const uint8_t *p)
{
    /* One bit for each value of bits 6:2 that is in use. */
    const uint32_t majors = 0x1b1f7b7b;
    uint16_t half = ld_le16(p);

    if ((half & 3) != 3)
        return half == 0 ? 0 : 2;
    return majors >> (half >> 2 & 31) & 1 ? 4 : 0;
}

/* Where JAL goes, from its own address. */
static int64_t jal_offset(uint32_t insn)
{
    uint32_t v = (insn >> 31) << 20 | (insn >> 12 & 0xff) << 12 |
                 (insn >> 20 & 1) << 11 | (insn >> 21 & 0x3ff) << 1;

    return (int64_t)v - (int64_t)(v & 1u << 20) * 2;
}

bool looks_like_code(const uint8_t *bytes, size_t size)
{
    int64_t at = 0;

    for (int steps = 0; steps < CODE_STEPS; steps++) {
        unsigned n;
        uint32_t insn;

        if (at < 0 || (uint64_t)at + 2 > size)
            return false;
        n = code_length(bytes + at);
        if (n == 0 || (uint64_t)at + n > size)
            return false;
        insn = n == 4 ? ld_le32(bytes + at) : 0;
        if ((insn & 0xfff) == 0x06f) { /* JAL zero: data may follow */
            if (jal_offset(insn) == 0)
                return true;
            at += jal_offset(insn);
            /* Beyond the sample: no more to see. */
            if (at >= CODE_SAMPLE)
                return true;
            continue;
        }
        /* JALR zero, C.JR: nobody knows where to; the end of the path. */
        if ((insn & 0xfff) == 0x067 ||
            (n == 2 && (ld_le16(bytes + at) & 0xf07f) == 0x8002))
            return true;
        at += n;
    }
    return true;
}

static bool open_code(struct image *img, const struct image_rules *rules,
                      struct error *e)
{
    uint8_t *sample = malloc(CODE_SAMPLE);
    size_t n;
    bool ok;

    if (!sample)
        return source_error(&img->data, e, "out of memory");
    n = source_head(&img->data, sample, CODE_SAMPLE);
    ok = looks_like_code(sample, n);
    free(sample);
    if (!ok)
        return source_error(&img->data, e, "of no known format; wanted %s",
                            image_wanted(rules));
    img->piece[img->n++] = (struct image_piece){.file_size = img->data.size,
                                                .mem_size = img->data.size};
    return true;
}

/* -- the kernel's header -- */

/* Every section that the EFI header lists must be in the file. */
static bool check_sections(const struct image *img, const uint8_t *header,
                           const struct image_rules *rules, struct error *e)
{
    uint32_t at = ld_le32(header + 0x3c);
    uint8_t pe[24], section[PE_SECTION_SIZE];
    uint64_t first;
    unsigned machine;

    if (memcmp(header, "MZ", 2) != 0 || at == 0)
        return true;
    if (!source_read(&img->data, at, pe, sizeof(pe), e))
        return false;
    if (memcmp(pe, "PE\0", 4) != 0)
        return source_error(&img->data, e,
                            "damaged: no PE header where its "
                            "first header says");
    machine = ld_le16(pe + 4);
    if (machine !=
        (rules->xlen == 32 ? PE_MACHINE_RISCV32 : PE_MACHINE_RISCV64))
        return source_error(&img->data, e,
                            "for another kind of CPU than "
                            "%u-bit RISC-V",
                            rules->xlen);
    first = (uint64_t)at + sizeof(pe) + ld_le16(pe + 20);
    for (unsigned i = 0; i < ld_le16(pe + 6); i++) {
        uint64_t end;

        if (!source_read(&img->data, first + i * PE_SECTION_SIZE, section,
                         sizeof(section), e))
            return false;
        end = (uint64_t)ld_le32(section + 20) + ld_le32(section + 16);
        if (end > img->data.size)
            return source_error(&img->data, e,
                                "truncated: it has %s of the %s that its "
                                "header lists",
                                SIZE_TEXT(img->data.size), SIZE_TEXT(end));
    }
    return true;
}

bool image_linux_header(struct image *img, const struct image_rules *rules,
                        uint64_t *mem_size, struct error *e)
{
    uint8_t h[HEADER_SIZE];

    if (!source_read(&img->data, 0, h, sizeof(h), e) ||
        !check_sections(img, h, rules, e))
        return false;
    if (ld_le64(h + 24) & 1)
        return source_error(&img->data, e,
                            "a big-endian kernel; wanted a little-endian one");
    img->linux_header = true;
    img->text_offset = ld_le64(h + 8);
    /* Kernels before 5.x say 0: only the file's size is known then. */
    *mem_size = ld_le64(h + 16);
    if (*mem_size < img->data.size)
        *mem_size = img->data.size;
    if (*mem_size > ADDRESS_LIMIT || img->text_offset > ADDRESS_LIMIT)
        return source_error(&img->data, e,
                            "damaged: its header asks for 0x%llx bytes at "
                            "0x%llx behind the start of memory",
                            (unsigned long long)*mem_size,
                            (unsigned long long)img->text_offset);
    return true;
}

static bool open_linux(struct image *img, const struct image_rules *rules,
                       struct error *e)
{
    uint64_t mem_size;

    if (!image_linux_header(img, rules, &mem_size, e))
        return false;
    img->piece[img->n++] =
        (struct image_piece){.file_size = img->data.size, .mem_size = mem_size};
    return true;
}

/* -- wrappings -- */

static bool refuse(const struct source *s, const struct file_type *type,
                   const struct image_rules *rules, struct error *e)
{
    if (type->kind == FILE_FIT)
        return source_error(s, e,
                            "%s, which is not understood; take the "
                            "kernel out with dumpimage -T flat_dt -p 0",
                            type->text);
    return source_error(s, e, "%s; wanted %s", type->text, image_wanted(rules));
}

/* What is in a wrapping: a kernel that is not wrapped again. */
static bool open_plain(struct image *img, const struct image_rules *rules,
                       struct error *e)
{
    struct file_type type;

    recognise(&img->data, &type);
    if (type.kind == FILE_IMAGE && !rules->firmware)
        return open_linux(img, rules, e);
    if (type.kind == FILE_ELF && type.riscv)
        return image_elf(img, rules, e);
    if (type.kind == FILE_UNKNOWN)
        return open_code(img, rules, e);
    return refuse(&img->data, &type, rules, e);
}

static bool open_zboot(struct image *img, const struct source *file,
                       const struct image_rules *rules, struct error *e)
{
    uint8_t h[HEADER_SIZE];
    struct source payload;
    enum packing packing;
    bool ok;

    if (!source_read(file, 0, h, sizeof(h), e))
        return false;
    if (memcmp(h + 0x18, "gzip", 5) == 0)
        packing = PACKING_GZIP;
    else if (memcmp(h + 0x18, "zstd", 5) == 0 ||
             memcmp(h + 0x18, "zstd22", 7) == 0)
        packing = PACKING_ZSTD;
    else
        return source_error(file, e,
                            "an EFI zboot image packed with "
                            "'%.16s'; wanted gzip or zstd",
                            (const char *)h + 0x18);
    if (!source_part(&payload, file, ld_le32(h + 8), ld_le32(h + 12), e))
        return false;
    ok = unpack(&payload, packing, rules->unpack_limit, &img->data, e);
    source_close(&payload);
    return ok && open_plain(img, rules, e);
}

static bool open_gzip(struct image *img, const struct source *file,
                      const struct image_rules *rules, struct error *e)
{
    return unpack(file, PACKING_GZIP, rules->unpack_limit, &img->data, e) &&
           open_plain(img, rules, e);
}

bool image_open(struct image *img, const struct source *file,
                const struct image_rules *rules, struct error *e)
{
    struct file_type type;
    uint8_t first;
    bool ok;

    *img = (struct image){.data = SOURCE_NONE};
    if (!source_read(file, 0, &first, 1, e))
        return false;
    recognise(file, &type);
    if (!rules->firmware && type.kind == FILE_GZIP)
        ok = open_gzip(img, file, rules, e);
    else if (!rules->firmware && type.kind == FILE_ZBOOT && type.riscv)
        ok = open_zboot(img, file, rules, e);
    else if (!rules->firmware && type.kind == FILE_UIMAGE && type.riscv)
        ok = image_uimage(img, file, rules, e);
    else
        ok = source_part(&img->data, file, 0, file->size, e) &&
             open_plain(img, rules, e);
    if (!ok)
        image_close(img);
    return ok;
}
