/*
 * What the tests run in S- and U-mode.  It lies within one page, so that a page
 * table can map it anywhere; it uses no stack.  Each piece gets its argument in
 * a0 and ends in an ecall, unless what it does traps before.
 */
        .option norelax
        .option norvc

        .section .lower, "ax"

.macro piece name, insn:vararg
        .globl  lower_\name
lower_\name:
        \insn
        ecall
.endm

        piece   ecall, nop
        piece   load, ld a0, 0(a0)
        piece   store, sd a0, 0(a0)
        piece   fetch, jr a0
        piece   read_mstatus, csrr a0, mstatus
        piece   read_sstatus, csrr a0, sstatus
        piece   read_satp, csrr a0, satp
        piece   read_cycle, csrr a0, cycle
        piece   read_time, csrr a0, time
        piece   sret, sret
        piece   mret, mret
        piece   wfi, wfi
        piece   sfence, sfence.vma

/* In U-mode: a breakpoint, which the tests delegate to S-mode. */
        piece   ebreak, ebreak

/* S-mode's trap handler: scause to M-mode by ecall. */
        .balign 4
        .globl  lower_handler
lower_handler:
        csrr    a0, scause
        ecall

/* Another: skip the instruction and go on in U-mode with scause in a0. */
        .balign 4
        .globl  lower_skipper
lower_skipper:
        csrr    a0, sepc
        addi    a0, a0, 4
        csrw    sepc, a0
        csrr    a0, scause
        sret

/* Let S-mode's software interrupt in, which is pending. */
        .globl  lower_interrupt
lower_interrupt:
        csrsi   sstatus, 2
        nop
        li      a0, 0
        ecall
