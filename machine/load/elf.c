/*
 * ELF kernels and firmware (System V ABI, chapters 4 and 5; the RISC-V ELF
 * psABI for the machine number).
 *
 * The segments of type PT_LOAD go to their physical addresses.  A file whose
 * entry point lies in one of them starts there; one that is linked for
 * virtual addresses (a vmlinux) starts at its lowest physical address, which
 * is where such kernels have the entry for a boot loader.
 *
 * Missing: position-independent files that want relocating, more than 64
 * segments, symbols.
 */
#include <string.h>

#include "base/bytes.h"
#include "machine/load/image.h"

#define PT_LOAD 1
#define ET_EXEC 2
#define ET_DYN 3
#define MAX_PHENTSIZE 256

/* What differs between the two classes: places of fields. */
struct elf_format {
    bool wide;
    unsigned ehdr_size, phdr_size;
    unsigned entry, phoff, phentsize, phnum;
    unsigned offset, paddr, filesz, memsz;
};

static const struct elf_format format32 = {
    false, 52, 32, 24, 28, 42, 44, 4, 12, 16, 20,
};
static const struct elf_format format64 = {
    true, 64, 56, 24, 32, 54, 56, 8, 24, 32, 40,
};

static uint64_t word(const struct elf_format *f, const uint8_t *p)
{
    return f->wide ? ld_le64(p) : ld_le32(p);
}

static bool check_header(const struct image *img, const uint8_t *h,
                         const struct image_rules *rules, struct error *e)
{
    unsigned type;

    if (h[5] != 1)
        return source_error(&img->data, e, "a big-endian ELF file; wanted %s",
                            image_wanted(rules));
    if (rules->x86) {
        if (ld_le16(h + 18) !=
            (h[4] == 1 ? ELF_MACHINE_386 : ELF_MACHINE_X86_64))
            return source_error(
                &img->data, e, "an ELF file for %s; wanted one for x86",
                elf_machine_name(ld_le16(h + 18), h[4] == 1 ? 32 : 64));
    } else if (ld_le16(h + 18) != ELF_MACHINE_RISCV ||
               h[4] != (rules->xlen == 32 ? 1 : 2)) {
        return source_error(
            &img->data, e,
            "an ELF file for %s, but the CPU is a %u-bit "
            "RISC-V",
            elf_machine_name(ld_le16(h + 18), h[4] == 1 ? 32 : 64),
            rules->xlen);
    }
    type = ld_le16(h + 16);
    if (type != ET_EXEC && type != ET_DYN)
        return source_error(&img->data, e,
                            "an ELF file of type %u (an object file?); "
                            "wanted an executable",
                            type);
    return true;
}

static bool add_segment(struct image *img, const struct elf_format *f,
                        const uint8_t *ph, struct error *e)
{
    struct image_piece *p = &img->piece[img->n];

    if (ld_le32(ph) != PT_LOAD)
        return true;
    if (img->n == IMAGE_MAX_PIECES)
        return source_error(&img->data, e, "more than %d segments",
                            IMAGE_MAX_PIECES);
    *p = (struct image_piece){
        .offset = word(f, ph + f->offset),
        .address = word(f, ph + f->paddr),
        .file_size = word(f, ph + f->filesz),
        .mem_size = word(f, ph + f->memsz),
    };
    if (p->mem_size == 0)
        return true;
    if (p->file_size > p->mem_size)
        return source_error(&img->data, e,
                            "damaged: a segment has more bytes in the file "
                            "than in memory");
    if (p->address + (p->mem_size - 1) < p->address)
        return source_error(
            &img->data, e, "damaged: a segment at 0x%llx of 0x%llx bytes",
            (unsigned long long)p->address, (unsigned long long)p->mem_size);
    if (p->offset > img->data.size || p->file_size > img->data.size - p->offset)
        return source_error(&img->data, e,
                            "truncated: a segment ends at byte %llu, the "
                            "file at %llu",
                            (unsigned long long)(p->offset + p->file_size),
                            (unsigned long long)img->data.size);
    img->n++;
    return true;
}

static void find_entry(struct image *img, uint64_t entry)
{
    img->entry = image_start(img);
    img->entry_known = true;
    for (unsigned i = 0; i < img->n; i++) {
        if (entry >= img->piece[i].address &&
            entry - img->piece[i].address < img->piece[i].file_size)
            img->entry = entry;
    }
}

bool image_elf(struct image *img, const struct image_rules *rules,
               struct error *e)
{
    uint8_t h[64], ph[MAX_PHENTSIZE];
    const struct elf_format *f;
    unsigned phnum, phentsize;
    uint64_t phoff;

    if (!source_read(&img->data, 0, h, 52, e) ||
        !check_header(img, h, rules, e))
        return false;
    f = h[4] == 1 ? &format32 : &format64;
    if (!source_read(&img->data, 0, h, f->ehdr_size, e))
        return false;
    phoff = word(f, h + f->phoff);
    phentsize = ld_le16(h + f->phentsize);
    phnum = ld_le16(h + f->phnum);
    if (phnum && (phentsize < f->phdr_size || phentsize > sizeof(ph)))
        return source_error(&img->data, e,
                            "damaged: its program headers have %u bytes each",
                            phentsize);
    for (unsigned i = 0; i < phnum; i++, phoff += phentsize) {
        if (!source_read(&img->data, phoff, ph, f->phdr_size, e) ||
            !add_segment(img, f, ph, e))
            return false;
    }
    if (img->n == 0)
        return source_error(&img->data, e,
                            "an ELF file with nothing to load; "
                            "wanted %s",
                            image_wanted(rules));
    img->fixed = true;
    find_entry(img, word(f, h + f->entry));
    return true;
}
