/* What a file is, by its first bytes; for messages and for `emu FILE`. */
#ifndef MACHINE_LOAD_RECOGNISE_H
#define MACHINE_LOAD_RECOGNISE_H

#include "machine/load/source.h"

enum file_kind {
    FILE_UNKNOWN,
    FILE_IMAGE,  /* RISC-V kernel image */
    FILE_ZBOOT,  /* EFI zboot image, `riscv` says of what */
    FILE_ELF,    /* likewise */
    FILE_UIMAGE, /* U-Boot legacy image, likewise */
    FILE_FIT,    /* U-Boot flattened image tree */
    FILE_GZIP,
    FILE_ZSTD,
    FILE_TREE,        /* device tree blob */
    FILE_TREE_SOURCE, /* .dts */
    FILE_X86_KERNEL,  /* bzImage */
    FILE_CD,
    FILE_DISK,   /* boot sector, bigger than a floppy */
    FILE_FLOPPY, /* boot sector and a floppy's size */
    FILE_OTHER,  /* something else that has a name */
};

struct file_type {
    enum file_kind kind;
    bool riscv;
    char text[64]; /* with its article: "an x86-64 ELF file" */
};

void recognise(const struct source *s, struct file_type *out);

/* ELF's e_machine, or U-Boot's architecture, as a word. */
const char *elf_machine_name(unsigned machine, unsigned bits);
const char *uimage_arch_name(unsigned arch);

#define ELF_MACHINE_386 3
#define ELF_MACHINE_X86_64 62
#define ELF_MACHINE_RISCV 243
#define UIMAGE_ARCH_RISCV 26
#define PE_MACHINE_RISCV32 0x5032
#define PE_MACHINE_RISCV64 0x5064

#endif
