/*
 * Runs after the boot stub and checks what it handed over.  boot.py assembles
 * it for RV32 and RV64 with XLEN, TREE and INFO defined.  It ends the machine
 * by the finisher: success, or failure with the number of the check.
 */
#define FINISHER 0x100000

#if XLEN == 64
#define LOAD ld
#else
#define LOAD lw
#endif

        .option norelax
        .text
        .globl  _start
_start:
        csrr    t0, mhartid
        li      t1, 1
        bne     a0, t0, fail
        li      t0, TREE
        li      t1, 2
        bne     a1, t0, fail
        li      t0, INFO
        li      t1, 3
        bne     a2, t0, fail
        LOAD    t2, 0(a2)
        li      t0, 0x4942534f
        li      t1, 4
        bne     t2, t0, fail
        LOAD    t2, 5 * XLEN / 8(a2)    # boot_hart
        li      t0, 42
        li      t1, 5
        bne     t2, t0, fail
        li      t0, 0x5555
        j       finish
fail:
        slli    t1, t1, 16
        li      t0, 0x3333
        or      t0, t0, t1
finish:
        li      t1, FINISHER
        sw      t0, 0(t1)
1:      j       1b
