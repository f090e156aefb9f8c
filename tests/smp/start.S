/* Where every hart of a test program begins: a stack each, then main(hart). */
        .section .text.start, "ax"
        .globl _start
_start:
        csrr    a0, mhartid
        la      sp, stacks
        addi    t0, a0, 1
        slli    t0, t0, 14
        add     sp, sp, t0
        la      t0, trap_entry
        csrw    mtvec, t0
        csrw    mie, zero
        call    main
1:      wfi
        j       1b

/* An exception is noted in `trapped` (tp) and passed over; the instruction
 * has four bytes. */
        .balign 4
trap_entry:
        csrr    tp, mcause
        csrw    mscratch, t0
        csrr    t0, mepc
        addi    t0, t0, 4
        csrw    mepc, t0
        csrr    t0, mscratch
        mret

        .bss
        .balign 16
stacks: .space  8 << 14
