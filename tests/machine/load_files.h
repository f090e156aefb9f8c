/* Kernels, firmware and their wrappings, made byte by byte, for the tests of
 * loaders. */
#ifndef TESTS_MACHINE_LOAD_FILES_H
#define TESTS_MACHINE_LOAD_FILES_H

#include "rig.h"

#define RAM 0x80000000u
#define KERNEL 0x80200000u
#define MIB ((size_t)1 << 20)

/* RISC-V code: two NOPs and an endless loop. */
extern const uint8_t nops[12];

/* All of these write a file at p, and return its size where it varies. */
void put_nops(uint8_t *p);
/* A Linux Image. */
void make_image(uint8_t *p, size_t size, uint64_t text_offset,
                uint64_t image_size);
/* The EFI header in it, with a section that ends there. */
void make_efi(uint8_t *p, unsigned machine, uint32_t end);
struct segment {
    uint64_t offset, paddr, filesz, memsz;
};
size_t make_elf64(uint8_t *p, unsigned machine, uint64_t entry,
                  const struct segment *s, unsigned n);
size_t make_elf32(uint8_t *p, uint32_t entry, uint32_t paddr);
size_t make_gzip(uint8_t *out, size_t room, const uint8_t *in, size_t size);
size_t make_zstd(uint8_t *out, size_t room, const uint8_t *in, size_t size);
size_t make_zboot(uint8_t *p, const char *packing, const uint8_t *data,
                  size_t size);
size_t make_uimage(uint8_t *p, unsigned arch, unsigned comp, uint32_t load,
                   uint32_t entry, const uint8_t *data, size_t size);
/* Its sums, after a change. */
void seal_uimage(uint8_t *p, size_t size);

/* 4 MiB of zeros, the same each time. */
uint8_t *file_buffer(void);
void set_kernel(struct rig *r, const void *bytes, size_t size);
/* Something to stand for firmware. */
void set_firmware(struct rig *r);
/* Eight bytes of the boot ROM. */
uint64_t stub_word(struct rig *r, unsigned offset);
void assert_memory(struct rig *r, uint64_t at, const uint8_t *want,
                   size_t size);

#endif
