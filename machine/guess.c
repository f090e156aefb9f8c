/* Guessing what a file is, for `emu FILE`. */
#include <string.h>

#include "machine/load/image.h"
#include "machine/load/pc_kernel.h"
#include "machine/load/unpack.h"
#include "machine/machine.h"

/* What recognise() and multiboot_version() look at. */
#define PEEK ((uint64_t)64 << 10)

/* What its first bytes do not tell. */
static enum image_kind guess_program(const struct source *s)
{
    return multiboot_version(s) ? IMAGE_X86_KERNEL : IMAGE_UNKNOWN;
}

/* What is in a gzip file: a kernel, or nothing that we run. */
static enum image_kind guess_gzip(const struct source *s, struct error *e)
{
    enum image_kind kind;
    struct source inner;
    struct file_type type;

    if (!unpack_head(s, PACKING_GZIP, PEEK, &inner, e))
        return IMAGE_UNKNOWN;
    recognise(&inner, &type);
    if (type.kind == FILE_IMAGE || (type.kind == FILE_ELF && type.riscv))
        kind = IMAGE_RISCV_KERNEL;
    else
        kind = guess_program(&inner);
    source_close(&inner);
    return kind;
}

/* Before the partition table.  RISC-V's partitioning tools leave zeros. */
static bool has_boot_code(const struct source *s)
{
    uint8_t head[4] = {0};

    return source_head(s, head, sizeof(head)) == sizeof(head) &&
           (head[0] || head[1] || head[2] || head[3]);
}

static enum image_kind guess(const struct source *s, struct error *e)
{
    struct file_type type;

    recognise(s, &type);
    switch (type.kind) {
    case FILE_IMAGE:
        return IMAGE_RISCV_KERNEL;
    case FILE_ZBOOT:
    case FILE_UIMAGE:
        return type.riscv ? IMAGE_RISCV_KERNEL : IMAGE_UNKNOWN;
    case FILE_ELF:
        return type.riscv ? IMAGE_RISCV_ELF : guess_program(s);
    case FILE_GZIP:
        return guess_gzip(s, e);
    case FILE_TREE:
    case FILE_TREE_SOURCE:
        return IMAGE_TREE;
    case FILE_X86_KERNEL:
        return IMAGE_X86_KERNEL;
    case FILE_CD:
        return IMAGE_CD;
    case FILE_DISK:
        return has_boot_code(s) ? IMAGE_PC_DISK : IMAGE_DISK;
    case FILE_FLOPPY:
        return IMAGE_FLOPPY;
    default:
        return guess_program(s);
    }
}

bool machine_guess_image(const char *file, enum image_kind *kind,
                         struct error *e)
{
    struct error why = {""};
    struct file_type type;
    struct source s;

    *kind = IMAGE_UNKNOWN;
    /* Whoever loads it opens it again, which a pipe does not stand. */
    if (!source_open(&s, "", file, 0, e))
        return false;
    *kind = guess(&s, &why);
    if (*kind == IMAGE_UNKNOWN) {
        recognise(&s, &type);
        if (why.text[0])
            error_set(e, "%s", why.text);
        else
            source_error(&s, e,
                         "%s; wanted a kernel, a RISC-V ELF file, a device "
                         "tree, or the image of a disk, CD or floppy",
                         type.text);
    }
    source_close(&s);
    return *kind != IMAGE_UNKNOWN;
}
