/*
 * A PC's -kernel: a Linux bzImage (or zImage), or a Multiboot program with its
 * modules, made ready for the option ROM that starts it (roms/x86/kernel.S).
 */
#ifndef MACHINE_LOAD_PC_KERNEL_H
#define MACHINE_LOAD_PC_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "roms/x86/kernel_layout.h"

struct fw_cfg;

/* Strings need live only through pc_kernel_open(). */
struct pc_kernel_config {
    const char *kernel;
    const void *demo; /* the file's bytes, where there is none; or NULL */
    size_t demo_size;
    /* Linux: a file.  Multiboot: files with their arguments, parted by
     * commas: "a arg arg,b"; a doubled comma stands for one. */
    const char *initrd; /* or NULL */
    const char *append; /* or NULL */
    uint64_t low_ram;   /* bytes of RAM from address 0 to the first hole */
};

/* What goes to an address. */
struct pc_item {
    uint8_t *bytes; /* owned, or NULL */
    uint32_t address;
    uint32_t size; /* bytes there are */
    uint32_t room; /* and that it takes: the rest are zeros */
};

struct pc_kernel {
    unsigned kind; /* KERNEL_KIND_... */
    /* Linux: setup code, the kernel, the command line, the initrd.
     * Multiboot: boot information, the program, nothing, the modules. */
    struct pc_item setup, kernel, line, initrd;
    uint32_t stack;        /* Linux: SP */
    uint32_t entry, magic; /* Multiboot */
    uint32_t map, lower;   /* see KERNEL_ROM_MAP, KERNEL_ROM_LOWER */
};

/* The option ROM's name in the store, and in its boot order. */
#define PC_KERNEL_ROM "genroms/emu-kernel.bin"
#define PC_KERNEL_BOOT_ORDER "/rom@" PC_KERNEL_ROM

/* Read and place everything; false: e, and nothing to close. */
bool pc_kernel_open(struct pc_kernel *k, const struct pc_kernel_config *c,
                    struct error *e);
/* Put it, and the ROM, into the store. */
bool pc_kernel_tell(const struct pc_kernel *k, struct fw_cfg *f,
                    struct error *e);
void pc_kernel_close(struct pc_kernel *k);

/* -- between pc_kernel.c, multiboot.c and pc_direct.c -- */

struct source;

/* The address for `size` bytes as high as they go below `limit`, at whole
 * pages, above `floor`; false: no room for `what`. */
bool pc_kernel_place(const struct pc_kernel_config *c, const char *what,
                     uint64_t size, uint64_t floor, uint64_t limit,
                     uint32_t *address, struct error *e);
/* An ELF program's segments as one piece, and its entry point (unless NULL). */
bool pc_kernel_load_elf(struct pc_item *out, uint32_t *entry,
                        const struct source *s,
                        const struct pc_kernel_config *c, struct error *e);
/* Does it have a Multiboot header (1: version 1, 2: version 2, 0: none)? */
unsigned multiboot_version(const struct source *s);
bool multiboot_open(struct pc_kernel *k, const struct source *s,
                    const struct pc_kernel_config *c, struct error *e);

#endif
