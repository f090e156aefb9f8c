/*
 * The reset code of a PC without a BIOS: from real mode at the top of 4 GiB to
 * protected mode, or through it to long mode, and to the kernel that the loader
 * has put into memory.
 *
 * Linux, Documentation/arch/x86/boot.rst (32-bit and 64-bit boot protocol:
 * flat CS 10h and DS 18h, ESI the boot parameters); Xen,
 * public/arch-x86/hvm/start_info.h (PVH: EBX the start information).
 *
 * CPUs other than the first never come here: they wait for their start message.
 */
#include "direct_layout.h"

#define CODE32 0x08
#define CODE 0x10
#define DATA 0x18

#define CR0_PE 1
#define CR0_PG 0x80000000
#define CR4_PAE 0x20
#define MSR_EFER 0xc0000080
#define EFER_LME 0x100

        .code16
        .text
base:
        .org DIRECT_ENTRY
entry:  .long 0
        .org DIRECT_EBX
ebx:    .long 0
        .org DIRECT_ESI
esi:    .long 0
        .org DIRECT_CR3
cr3:    .long 0
        .org DIRECT_STACK
stack:  .long 0

        .org 0x20
gdt:    .quad 0
        .quad 0x00cf9b000000ffff /* CODE32 */
code:   .quad 0x00cf9b000000ffff /* CODE, of 32 bits */
        .quad 0x00cf93000000ffff /* DATA */
gdt64:  .quad 0
        .quad 0x00cf9b000000ffff
        .quad 0x00af9b000000ffff /* CODE, of 64 bits */
        .quad 0x00cf93000000ffff
gdt_end:

/* CS is F000h with base FFFF0000h: offsets are 0xf000 and what they are from
 * the image's start. */
#define OFFSET(label) (0xf000 + label - base)
#define LINEAR(label) (0xfffff000 + label - base)

gdtr:   .word gdt64 - gdt - 1
        .long 0xfffff000 + 0x20
gdtr64: .word gdt_end - gdt64 - 1
        .long 0xfffff000 + 0x40

start:  cli
        lgdtl %cs:OFFSET(gdtr)
        mov %cr0, %eax
        or $CR0_PE, %al
        mov %eax, %cr0
        ljmpl $CODE32, $LINEAR(flat)

        .code32
flat:   mov $DATA, %ax
        mov %ax, %ds
        mov %ax, %es
        mov %ax, %fs
        mov %ax, %gs
        mov %ax, %ss
        mov LINEAR(stack), %esp
        mov LINEAR(ebx), %ebx
        mov LINEAR(esi), %esi
        mov LINEAR(entry), %edx
        xor %ebp, %ebp
        xor %edi, %edi
        mov LINEAR(cr3), %eax
        test %eax, %eax
        jnz long
        push $CODE
        push %edx
        xor %eax, %eax
        xor %ecx, %ecx
        xor %edx, %edx
        lret

long:   mov %eax, %cr3
        mov %cr4, %eax
        or $CR4_PAE, %eax
        mov %eax, %cr4
        mov %edx, %edi
        mov $MSR_EFER, %ecx
        rdmsr
        or $EFER_LME, %eax
        wrmsr
        mov %cr0, %eax
        or $CR0_PG, %eax
        mov %eax, %cr0
        lgdt LINEAR(gdtr64)
        push $CODE
        push %edi
        xor %edi, %edi
        lret

        .org DIRECT_SIZE - 16
        .code16
        jmp start
        .org DIRECT_SIZE - 1
        .byte 0
