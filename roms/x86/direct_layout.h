/*
 * Where the loader patches the reset code of a PC without a BIOS (direct.S),
 * in bytes from its start, 32 bits each, little-endian.
 *
 * Plain numbers only, so that both the assembler and C may include it.
 */
#ifndef ROMS_X86_DIRECT_LAYOUT_H
#define ROMS_X86_DIRECT_LAYOUT_H

#define DIRECT_ENTRY 0x00
#define DIRECT_EBX 0x04 /* PVH: the start information */
#define DIRECT_ESI 0x08 /* Linux: the boot parameters */
#define DIRECT_CR3 0x0c /* not 0: the entry is of 64-bit code */
#define DIRECT_STACK 0x10

/* The image lies at the top of the first 4 GiB, and is no larger than a page
 * of it, where real mode starts. */
#define DIRECT_SIZE 0x1000

#endif
