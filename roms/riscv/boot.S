/*
 * Boot stub: the first instructions that a RISC-V machine runs.
 *
 * The board puts this image at its reset vector (0x1000 on `virt`) after the
 * loader has patched the words behind the code.  Every hart enters here and
 * leaves with the registers that firmware and kernels expect:
 *
 *     a0  the hart's id
 *     a1  the address of the device tree
 *     a2  the address of OpenSBI's struct fw_dynamic_info (FW_DYNAMIC in
 *         OpenSBI's docs/firmware/fw_dynamic.md; other firmware ignores it)
 *
 * One image serves RV32 and RV64, wherever it lies.  What makes that possible:
 * a shift by a register with the value 32 moves a word by 32 bits on RV64 and
 * by nothing at all on RV32, where only five bits of the amount count.
 *
 * No compressed instructions, and no registers above a5: it runs on RV32E too.
 */
#include "boot_layout.h"

        .option norvc
        .option norelax

/* Load a 64-bit word (on RV32: its lower half; the upper one must be 0). */
.macro load_word reg, offset
        lw      \reg, \offset(t0)
        sll     \reg, \reg, t2          # lw extended the sign: undo that
        srl     \reg, \reg, t2
        lw      t1, \offset + 4(t0)
        sll     t1, t1, t2
        or      \reg, \reg, t1
.endm

        .section .text
        .globl  _start
_start:
        auipc   t0, 0                   # where we are
        li      t2, 32
        load_word a1, BOOT_TREE
        load_word a3, BOOT_START
        addi    a2, t0, BOOT_INFO
        csrr    a0, mhartid
        jr      a3

        .org    BOOT_START
        .dword  0x80000000
        .org    BOOT_TREE
        .dword  0
        .org    BOOT_INFO
        .dword  BOOT_INFO_MAGIC_VALUE
        .dword  BOOT_INFO_VERSION_VALUE
        .dword  0                       # next_addr
        .dword  1                       # next_mode: S
        .dword  0                       # options
        .dword  0                       # boot_hart
        .org    BOOT_SIZE
