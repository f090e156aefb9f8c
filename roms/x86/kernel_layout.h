/*
 * Where the loader patches the option ROM that starts a -kernel (kernel.S),
 * in bytes from its start, 32 bits each, little-endian.
 *
 * Plain numbers only, so that both the assembler and C may include it.
 */
#ifndef ROMS_X86_KERNEL_LAYOUT_H
#define ROMS_X86_KERNEL_LAYOUT_H

#define KERNEL_ROM_KIND 0x20 /* what follows the loading: KERNEL_KIND_... */
#define KERNEL_ROM_STACK 0x24 /* Linux: SP in the segment of the setup code */
/* Multiboot: EAX and EIP at the start; EBX is where the boot information
 * lies, as the store says of the setup item. */
#define KERNEL_ROM_MAGIC 0x28
#define KERNEL_ROM_ENTRY 0x2c
/* In the boot information: where the map of memory goes, and the two words of
 * lower and upper memory. */
#define KERNEL_ROM_MAP 0x30
#define KERNEL_ROM_LOWER 0x34
#define KERNEL_ROM_CHECKSUM 0x38 /* a byte: all of them add up to 0 */

#define KERNEL_KIND_LINUX 0
#define KERNEL_KIND_MULTIBOOT 1
#define KERNEL_KIND_MULTIBOOT2 2

#define KERNEL_MAP_ENTRIES 64 /* room that the loader leaves, of 24 bytes */

#define KERNEL_ROM_SIZE 0x400

#endif
