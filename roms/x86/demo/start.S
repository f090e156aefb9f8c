/*
 * Entry of a Multiboot program on a PC, and its way to the BIOS.
 *
 * Multiboot Specification 0.6.96, 3.2 (machine state); Intel SDM 3A 9.9
 * (between protected and real mode).  The BIOS's interrupt table and data stay
 * where they are; what must lie below 1 MiB is copied to LOW.
 */
#define LOW 0x8000
#define STACK16 0x7c00
#define MULTIBOOT 0x1badb002
#define REGS 36 /* bytes of struct bios_regs */

#define CODE32 0x08
#define DATA32 0x10
#define CODE16 0x18
#define DATA16 0x20

        .section .head, "ax"
        .balign 4
        .long MULTIBOOT, 0, -MULTIBOOT

        .globl start
start:  cli
        cld
        mov $stack_end, %esp
        push %ebx
        mov $low_begin, %esi
        mov $LOW, %edi
        mov $(low_end - low_begin), %ecx
        rep movsb
        lgdt gdtr
        ljmp $CODE32, $1f
1:      mov $DATA32, %ax
        mov %ax, %ds
        mov %ax, %es
        mov %ax, %fs
        mov %ax, %gs
        mov %ax, %ss
        call main
2:      cli
        hlt
        jmp 2b

        .data
        .balign 8
gdt:    .quad 0
        .quad 0x00cf9b000000ffff /* CODE32 */
        .quad 0x00cf93000000ffff /* DATA32 */
        .quad 0x00009b000000ffff /* CODE16 */
        .quad 0x000093000000ffff /* DATA16 */
gdt_end:
gdtr:   .word gdt_end - gdt - 1
        .long gdt

/*
 * void bios_call(unsigned n, struct bios_regs *r)
 *
 * Interrupt n in real mode, with the registers of r before and after.
 */
        .text
        .globl bios_call
bios_call:
        push %ebp
        push %ebx
        push %esi
        push %edi
        pushf
        mov 24(%esp), %eax
        mov (,%eax,4), %eax
        mov %eax, LOW + vector - low_begin
        mov 28(%esp), %esi
        mov $(LOW + regs - low_begin), %edi
        mov $(REGS >> 2), %ecx
        rep movsl
        mov %esp, LOW + saved_esp - low_begin
        sidt LOW + saved_idt - low_begin
        ljmp $CODE16, $(LOW + to_real - low_begin)

back:   mov $DATA32, %ax
        mov %ax, %ds
        mov %ax, %es
        mov %ax, %fs
        mov %ax, %gs
        mov %ax, %ss
        mov LOW + saved_esp - low_begin, %esp
        lidt LOW + saved_idt - low_begin
        mov 28(%esp), %edi
        mov $(LOW + regs - low_begin), %esi
        mov $(REGS >> 2), %ecx
        rep movsl
        popf
        pop %edi
        pop %esi
        pop %ebx
        pop %ebp
        ret

        .data
        .balign 16
low_begin:
        .code16
#define AT(label) (LOW + label - low_begin)
to_real:
        mov $DATA16, %ax
        mov %ax, %ds
        mov %ax, %es
        mov %ax, %fs
        mov %ax, %gs
        mov %ax, %ss
        lidtl AT(real_idt)
        mov %cr0, %eax
        and $~1, %al
        mov %eax, %cr0
        ljmp $0, $AT(real)
real:   xor %ax, %ax
        mov %ax, %ds
        mov %ax, %es
        mov %ax, %ss
        mov $STACK16, %esp
        mov AT(regs), %eax
        mov AT(regs) + 4, %ebx
        mov AT(regs) + 8, %ecx
        mov AT(regs) + 12, %edx
        mov AT(regs) + 16, %esi
        mov AT(regs) + 20, %edi
        mov AT(regs) + 24, %ebp
        mov AT(regs) + 28, %es
        mov AT(regs) + 30, %ds
        sti
        pushf
        lcall *%cs:AT(vector)
        cli
        cld
        pushfl
        push %ds
        push %es
        push %eax
        xor %ax, %ax
        mov %ax, %ds
        popl AT(regs)
        pop AT(regs) + 28
        pop AT(regs) + 30
        popl AT(regs) + 32
        mov %ebx, AT(regs) + 4
        mov %ecx, AT(regs) + 8
        mov %edx, AT(regs) + 12
        mov %esi, AT(regs) + 16
        mov %edi, AT(regs) + 20
        mov %ebp, AT(regs) + 24
        lgdtl AT(low_gdtr)
        mov %cr0, %eax
        or $1, %al
        mov %eax, %cr0
        ljmpl $CODE32, $back


/* An interrupt's handler that waits for another one. */
halt16: sti
        hlt
        iret

/*
 * The BIOS's far call for each packet of a PS/2 mouse (INT 15h, C207h): on the
 * stack, from the top, there is Z, Y, X, status: a word each.  Z is always 0:
 * what the BIOS has got of a packet is in its data area (RBIL, "MEMORY
 * xxxx:0027h").
 */
mouse16:
        push %bp
        mov %sp, %bp
        push %ax
        push %bx
        push %ds
        xor %ax, %ax
        mov %ax, %ds
        mov 0x40e, %ds          /* the extended BIOS data area */
        mov 0x27, %al
        and $7, %al
        cmp $4, %al             /* bytes of a packet */
        jne 1f
        mov 0x2b, %al           /* the fourth: the wheel */
        cbw
        add %ax, %cs:AT(low_mouse_data) + 6
1:      pop %ds
        mov 12(%bp), %bl
        mov %bl, %cs:AT(low_mouse_data) + 4
        mov 10(%bp), %al
        shl $3, %bl             /* X's sign to bit 7 */
        call extend
        add %ax, %cs:AT(low_mouse_data)
        mov 8(%bp), %al
        mov 12(%bp), %bl
        shl $2, %bl             /* Y's */
        call extend
        sub %ax, %cs:AT(low_mouse_data) + 2
        pop %bx
        pop %ax
        pop %bp
        lret
/* AL with bit 7 of BL as its sign. */
extend: xor %ah, %ah
        shl %bl
        sbb $0, %ah
        ret

        .globl low_halt, low_mouse_call, low_mouse
        .set low_halt, AT(halt16)
        .set low_mouse_call, AT(mouse16)
        .set low_mouse, AT(low_mouse_data)

        .balign 4
low_mouse_data:
        .word 0, 0, 0, 0
        .balign 4
low_gdtr:
        .word gdt_end - gdt - 1
        .long gdt
        .balign 4
real_idt:
        .word 0x3ff
        .long 0
        .balign 4
vector: .long 0
saved_esp:
        .long 0
saved_idt:
        .word 0
        .long 0
        .balign 4
regs:   .skip REGS
low_end:

        .bss
        .balign 16
stack:  .skip 16384
stack_end:
