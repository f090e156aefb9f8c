/*
 * Where the loader patches the boot stub (boot.S), in bytes from its start.
 *
 * Plain numbers only, so that both the assembler and C may include it.  All
 * words are little-endian.
 */
#ifndef ROMS_RISCV_BOOT_LAYOUT_H
#define ROMS_RISCV_BOOT_LAYOUT_H

/* 64 bits each, RV32 too (where the upper half must be zero). */
#define BOOT_START 0x80 /* where to jump */
#define BOOT_TREE 0x88  /* address of the device tree, handed over in a1 */

/*
 * OpenSBI's struct fw_dynamic_info, handed over in a2.  Its fields are C's
 * unsigned long: field i lies at BOOT_INFO + 8 * i on RV64 and at
 * BOOT_INFO + 4 * i on RV32.  The image holds the RV64 form.
 */
#define BOOT_INFO 0x90
#define BOOT_INFO_MAGIC 0     /* BOOT_INFO_MAGIC_VALUE */
#define BOOT_INFO_VERSION 1   /* BOOT_INFO_VERSION_VALUE */
#define BOOT_INFO_NEXT_ADDR 2 /* where the firmware continues */
#define BOOT_INFO_NEXT_MODE 3 /* in which mode: 0 U, 1 S, 3 M */
#define BOOT_INFO_OPTIONS 4   /* bit 0: do not print while booting */
#define BOOT_INFO_BOOT_HART 5 /* the hart that shall boot */
#define BOOT_INFO_FIELDS 6

#define BOOT_INFO_MAGIC_VALUE 0x4942534f /* "OSBI" */
#define BOOT_INFO_VERSION_VALUE 2

#define BOOT_SIZE 0xc0 /* of the whole image */

#endif
