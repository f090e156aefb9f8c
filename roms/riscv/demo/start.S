/*
 * Entry, trap entry, and the three jumps that C cannot do.
 *
 * Entered in M-mode with a0 = hart id and a1 = address of the device tree.
 * Hart 0, which every RISC-V machine has, runs the demo; the others park.
 * C code here uses neither floating point nor gp and tp, so nothing saves them.
 */
#include "layout.h"

        .option norelax

        .section .text.start, "ax"
        .globl  _start
_start:
        csrci   mstatus, MSTATUS_MIE
        csrw    mie, zero
        csrw    mscratch, zero
        la      t0, park
        csrw    mtvec, t0
        bnez    a0, park

        la      sp, stack_top
        la      t0, bss_start
        la      t1, bss_end
1:      bgeu    t0, t1, 2f
        sd      zero, 0(t0)
        addi    t0, t0, 8
        j       1b
2:      la      t0, trap_entry
        csrw    mtvec, t0
        mv      a0, a1
        call    demo_main
3:      wfi
        j       3b

/*
 * A parked hart sleeps until hart 0 sends it a software interrupt, and answers
 * by clearing it and counting up.  Hart 0 leaves the address of the hart's
 * msip register in park_msip before.
 */
        .balign 4
park:
        csrwi   mie, MIE_MSIE
1:      wfi
        csrr    t0, mip
        andi    t0, t0, MIE_MSIE
        beqz    t0, 1b
        la      t1, park_msip
        ld      t1, 0(t1)
        beqz    t1, 1b
        sw      zero, 0(t1)
2:      csrr    t0, mip
        andi    t0, t0, MIE_MSIE
        bnez    t0, 2b
        la      t1, park_answers
        li      t0, 1
        amoadd.d.aqrl zero, t0, (t1)
        j       1b

/*
 * Every trap of hart 0 comes here.  mscratch is 0 while M-mode runs, and
 * M-mode's stack pointer while a lower mode runs.
 */
        .balign 4
trap_entry:
        csrrw   sp, mscratch, sp
        bnez    sp, 1f
        csrr    sp, mscratch            # from M-mode: its own stack goes on
1:      addi    sp, sp, -FRAME_SIZE
        sd      ra, FRAME_REG(1)(sp)
        sd      t0, FRAME_REG(5)(sp)
        csrrw   t0, mscratch, zero      # sp at the time of the trap
        sd      t0, FRAME_REG(2)(sp)
        .irp    n, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, \
                   21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        sd      x\n, FRAME_REG(\n)(sp)
        .endr
        csrr    t0, mepc
        sd      t0, FRAME_EPC(sp)
        csrr    t0, mcause
        sd      t0, FRAME_CAUSE(sp)
        csrr    t0, mtval
        sd      t0, FRAME_TVAL(sp)
        csrr    t0, mstatus
        sd      t0, FRAME_STATUS(sp)
        mv      a0, sp
        call    trap_handle

        ld      t0, FRAME_EPC(sp)
        csrw    mepc, t0
        ld      t0, FRAME_STATUS(sp)
        csrw    mstatus, t0
        li      t1, MSTATUS_MPP
        and     t0, t0, t1
        beq     t0, t1, 2f              # back to M-mode: mscratch stays 0
        addi    t0, sp, FRAME_SIZE
        csrw    mscratch, t0
2:      .irp    n, 1, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, \
                   20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        ld      x\n, FRAME_REG(\n)(sp)
        .endr
        ld      sp, FRAME_REG(2)(sp)
        mret

        .text
/*
 * uintptr_t guard_call(struct guard *g, fn, uintptr_t a, uintptr_t b)
 *
 * Calls fn(a, b) and returns what it returns.  If a trap handler calls
 * guard_resume(g) meanwhile, returns at once, with no value to speak of.
 */
        .globl  guard_call
guard_call:
        sd      ra, 0(a0)
        sd      sp, 8(a0)
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
        sd      s\n, 16 + 8 * \n(a0)
        .endr
        addi    sp, sp, -16
        sd      a0, 0(sp)
        mv      t0, a1
        mv      a0, a2
        mv      a1, a3
        jalr    t0
        ld      t0, 0(sp)
        ld      ra, 0(t0)
        addi    sp, sp, 16
        ret

/* void guard_resume(struct guard *g): see above; never returns. */
        .globl  guard_resume
guard_resume:
        ld      ra, 0(a0)
        ld      sp, 8(a0)
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
        ld      s\n, 16 + 8 * \n(a0)
        .endr
        ret

/*
 * enter_lower(uintptr_t pc, uintptr_t arg): go to pc, with arg in a0, in the
 * mode that mstatus.MPP names.  Only a trap comes back, so call it under a
 * guard.
 */
        .globl  enter_lower
enter_lower:
        csrw    mepc, a0
        csrw    mscratch, sp
        mv      a0, a1
        la      sp, lower_stack_top
        mret
