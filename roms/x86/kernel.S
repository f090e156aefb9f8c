/*
 * The option ROM that starts a -kernel on a PC: fetches what the loader put
 * into the firmware configuration store (setup code or boot information,
 * kernel, command line, initrd, each with its address), by DMA, then enters
 * Linux by its 16-bit setup code, or a Multiboot kernel in protected mode with
 * the map of memory that the BIOS gives.
 *
 * BIOS Boot Specification 1.01 (an expansion header with a bootstrap entry
 * vector), Plug and Play BIOS Specification 1.0A 3.2; Linux,
 * Documentation/arch/x86/boot.rst; Multiboot Specification 0.6.96, Multiboot2
 * 2.0; ACPI 15.1 (INT 15h, E820h); QEMU, docs/specs/fw_cfg.
 *
 * A request that fails stops it with a line on the screen and the debug port.
 */
#include "kernel_layout.h"

#define SELECTOR 0x510
#define DATA 0x511
#define DMA_HIGH 0x514
#define DMA_LOW 0x518

#define DMA_ERROR 1
#define DMA_READ 2
#define DMA_SELECT 8

#define SMAP 0x534d4150

#define CODE32 0x08
#define DATA32 0x10

        .code16
        .text
start:
        .byte 0x55, 0xaa
        .byte KERNEL_ROM_SIZE / 512
        lret # called once, when the BIOS finds it

        .org 0x1a
        .word pnp

        .org KERNEL_ROM_KIND
kind:   .long 0
        .org KERNEL_ROM_STACK
stack:  .long 0
        .org KERNEL_ROM_MAGIC
magic:  .long 0
        .org KERNEL_ROM_ENTRY
entry:  .long 0
        .org KERNEL_ROM_MAP
map:    .long 0
        .org KERNEL_ROM_LOWER
lower:  .long 0
        .org KERNEL_ROM_CHECKSUM
        .byte 0

        .org 0x40
pnp:    .ascii "$PnP"
        .byte 1, 2          # revision, length in 16 bytes
        .word 0             # no other header
        .byte 0, 0          # checksum: the loader's, of the whole suffices
        .long 0
        .word maker, product
        .byte 0, 0, 0, 0    # device type, indicators
        .word 0, 0          # no other vectors
        .word boot          # the bootstrap entry vector
        .word 0, 0

maker:  .asciz "emu"
product:
        .asciz "-kernel"
failed: .asciz "emu: cannot load the kernel\r\n"

/* Keys: of the address, of the size, of the bytes. */
items:  .byte 0x16, 0x17, 0x18 # setup
        .byte 0x07, 0x08, 0x11 # kernel
        .byte 0x13, 0x14, 0x15 # command line
        .byte 0x0a, 0x0b, 0x12 # initrd
items_end:

        .balign 8
gdt:    .quad 0
        .quad 0x00cf9b000000ffff # flat code of 32 bits
        .quad 0x00cf93000000ffff # flat data
gdt_end:

/* EAX: the item of key AL, a little-endian number. */
number: push %dx
        push %cx
        movzbw %al, %ax
        mov $SELECTOR, %dx
        out %ax, %dx
        mov $DATA, %dx
        mov $4, %cx
1:      in %dx, %al
        ror $8, %eax
        loop 1b
        pop %cx
        pop %dx
        ret

/* EBX bytes of item AL to address EDX. */
fetch:  push %bp
        sub $16, %sp
        mov %sp, %bp
        movzbl %al, %eax
        shl $16, %eax
        or $(DMA_SELECT | DMA_READ), %eax
        bswap %eax
        mov %eax, (%bp)
        bswap %ebx
        mov %ebx, 4(%bp)
        movl $0, 8(%bp)
        bswap %edx
        mov %edx, 12(%bp)
        mov $DMA_HIGH, %dx
        xor %eax, %eax
        out %eax, %dx
        mov %ss, %ax
        shl $4, %eax
        movzwl %bp, %ebx
        add %ebx, %eax
        bswap %eax
        mov $DMA_LOW, %dx
        out %eax, %dx
1:      mov (%bp), %eax
        bswap %eax
        test $DMA_ERROR, %al
        jnz fail
        test %eax, %eax
        jnz 1b
        add $16, %sp
        pop %bp
        ret

fail:   mov $failed, %si
1:      mov %cs:(%si), %al
        inc %si
        test %al, %al
        jz 2f
        out %al, $0xe9
        mov $0x0e, %ah
        mov $7, %bx
        int $0x10
        jmp 1b
2:      hlt
        jmp 2b

boot:   cld
        mov $items, %si
1:      mov %cs:1(%si), %al
        call number
        mov %eax, %ebx
        test %eax, %eax
        jz 2f
        mov %cs:(%si), %al
        call number
        mov %eax, %edx
        mov %cs:2(%si), %al
        call fetch
2:      add $3, %si
        cmp $items_end, %si
        jb 1b
        mov $0x16, %al
        call number
        cmpl $KERNEL_KIND_LINUX, %cs:kind
        jne multiboot

        /* All segments are the setup code's, but CS, 200h bytes further. */
        cli
        shr $4, %eax
        mov %ax, %ds
        mov %ax, %es
        mov %ax, %fs
        mov %ax, %gs
        mov %ax, %ss
        mov %cs:stack, %esp
        add $0x20, %ax
        push %ax
        push $0
        xor %ebx, %ebx
        xor %ecx, %ecx
        xor %edx, %edx
        xor %esi, %esi
        xor %edi, %edi
        xor %ebp, %ebp
        lret

/*
 * Memory as E820h tells it goes to the boot information, at EAX.  An entry of
 * both versions has 24 bytes: Multiboot 1 has its size (20) in front,
 * Multiboot 2 a zero at its end.
 */
multiboot:
        push %eax
        shr $4, %eax
        mov %ax, %es
        mov %cs:map, %di
        xor %ebp, %ebp  # upper memory, KiB
        xor %ebx, %ebx
        mov $KERNEL_MAP_ENTRIES, %cx
next:   push %cx
        push %di
        cmpl $KERNEL_KIND_MULTIBOOT, %cs:kind
        jne 1f
        movl $20, %es:(%di)
        add $4, %di
        jmp 2f
1:      movl $0, %es:20(%di)
2:      mov $0xe820, %eax
        mov $SMAP, %edx
        mov $20, %ecx
        push %ebp
        int $0x15
        pop %ebp
        jc 3f
        cmp $SMAP, %eax
        jne 3f
        cmpl $0x100000, %es:(%di)
        jne 4f
        cmpl $0, %es:4(%di)
        jne 4f
        mov %es:8(%di), %ebp
        shr $10, %ebp
4:      pop %di
        pop %cx
        add $24, %di
        test %ebx, %ebx
        jz 5f
        loop next
        jmp 5f
3:      pop %di # an error ends the list
        pop %cx
5:      int $0x12
        movzwl %ax, %eax
        mov %cs:lower, %si
        mov %eax, %es:(%si)
        mov %ebp, %es:4(%si)
        cmpl $KERNEL_KIND_MULTIBOOT, %cs:kind
        jne 6f
        movzwl %di, %eax
        sub %cs:map, %eax
        mov %eax, %es:44 # mmap_length
        jmp 7f
        /* The tag's own size, an end tag, the size of all. */
6:      mov %cs:map, %si
        movzwl %di, %eax
        sub %si, %ax
        add $16, %ax
        mov %eax, %es:-12(%si)
        movl $0, %es:(%di)
        movl $8, %es:4(%di)
        add $8, %di
        movzwl %di, %edi
        mov %edi, %es:0
7:      pop %ebx

        cli
        xor %eax, %eax
        mov %cs, %ax
        shl $4, %eax
        lea protected(%eax), %ecx
        add $gdt, %eax
        push %eax
        pushw $(gdt_end - gdt - 1)
        mov %sp, %bp
        lgdtl (%bp)
        mov %cs:magic, %esi
        mov %cs:entry, %edi
        mov %cr0, %eax
        or $1, %al
        mov %eax, %cr0
        pushl $CODE32
        push %ecx
        lretl

        .code32
protected:
        mov $DATA32, %ax
        mov %ax, %ds
        mov %ax, %es
        mov %ax, %fs
        mov %ax, %gs
        mov %ax, %ss
        mov %esi, %eax
        jmp *%edi

        .org KERNEL_ROM_SIZE - 1
        .byte 0
