/*
 * A program for S mode of RV32, behind OpenSBI at 0x80400000: it turns Sv32
 * on, with itself in a superpage and two pages for U mode at 0x40000000, runs
 * those, and looks at what they wrote and at the fault that they raise.  What
 * it finds it prints by SBI's legacy console; then it powers off.
 */
#define PUTCHAR 1
#define SRST 0x53525354
#define USER 0x40000000

        .text
        .globl _start
_start: la s0, hello
        call print
        /* root[513]: this; root[256]: the leaves */
        la t0, root
        li t1, 0x80400000 >> 12 << 10 | 0xcf /* D A X W R V */
        li t2, 513 * 4
        add t2, t2, t0
        sw t1, 0(t2)
        la t1, leaves
        srli t1, t1, 2
        ori t1, t1, 1
        sw t1, 256 * 4(t0)
        la t1, user
        srli t1, t1, 2
        ori t1, t1, 0x5b /* A U X R V */
        la t2, leaves
        sw t1, 0(t2)
        la t1, data
        srli t1, t1, 2
        ori t1, t1, 0xd7 /* D A U W R V */
        sw t1, 4(t2)
        srli t0, t0, 12
        li t1, 1 << 31
        or t0, t0, t1
        csrw satp, t0
        sfence.vma
        la t0, trap
        csrw stvec, t0
        li t0, 1 << 8 /* SPP */
        csrc sstatus, t0
        li t0, USER
        csrw sepc, t0
        sret

        .align 2
trap:   csrr t0, scause
        li t1, 13 /* load page fault */
        beq t0, t1, fault
        li t1, 8 /* call from U mode */
        bne t0, t1, wrong
        la t0, data
        lw t0, 0(t0)
        li t1, 0x12345678
        bne t0, t1, wrong
        la s0, called
        call print
        csrr t0, sepc
        addi t0, t0, 4
        csrw sepc, t0
        sret
fault:  csrr t0, stval
        li t1, USER + 0x2000
        bne t0, t1, wrong
        la s0, faulted
        call print
        j off
wrong:  la s0, bad
        call print
off:    li a7, SRST
        li a6, 0
        li a0, 0
        li a1, 0
        ecall
1:      j 1b

print:  li a7, PUTCHAR
1:      lbu a0, 0(s0)
        beqz a0, 2f
        ecall
        addi s0, s0, 1
        j 1b
2:      ret

hello:  .asciz "rv32: S mode\n"
called: .asciz "rv32: U mode wrote through Sv32\n"
faulted: .asciz "rv32: U mode faulted where nothing is\n"
bad:    .asciz "rv32: wrong\n"

        .align 12
user:   li t0, USER + 0x1000
        li t1, 0x12345678
        sw t1, 0(t0)
        ecall
        li t0, USER + 0x2000
        lw t1, 0(t0)
1:      j 1b

        .align 12
data:   .space 4096
root:   .space 4096
leaves: .space 4096
