/*
 * Loops whose instructions can be counted by hand.
 *
 * Each takes the number of rounds in a0 and the address of 4 KiB of memory in
 * a1.  What a round executes is in bench.c.
 */
        .option norelax
        .option norvc
        .text

        .globl  bench_integer           # 12 instructions a round
        .balign 16
bench_integer:
        li      a2, 1
1:      add     a3, a3, a2
        xor     a4, a4, a3
        slli    a5, a4, 3
        sub     a3, a5, a3
        srli    a6, a3, 7
        or      a4, a4, a6
        andi    a5, a5, 1023
        addw    a6, a6, a5
        sltu    a7, a4, a6
        add     a2, a2, a7
        addi    a0, a0, -1
        bnez    a0, 1b
        ret

        .globl  bench_multiply          # 6
        .balign 16
bench_multiply:
        li      a2, 0x10001
        li      a3, 12345
1:      mul     a3, a3, a2
        mulhu   a4, a3, a2
        add     a3, a3, a4
        divu    a4, a3, a2
        addi    a0, a0, -1
        bnez    a0, 1b
        ret

        .globl  bench_memory            # 12
        .balign 16
bench_memory:
        li      a2, 0
        li      a7, 4088 - 24
1:      add     a3, a1, a2
        ld      a4, 0(a3)
        lw      a5, 8(a3)
        lbu     a6, 16(a3)
        add     a4, a4, a5
        sd      a4, 24(a3)
        sw      a6, 12(a3)
        sb      a5, 17(a3)
        addi    a2, a2, 40
        and     a2, a2, a7
        addi    a0, a0, -1
        bnez    a0, 1b
        ret

        .globl  bench_calls             # 10, on either way
        .balign 16
bench_calls:
        mv      t0, ra
        la      a2, 3f
1:      jal     3f
        andi    a3, a0, 3
        jalr    a2
        beqz    a3, 2f
        addi    a4, a4, 1
        j       4f
2:      addi    a4, a4, 3
        nop
4:      addi    a0, a0, -1
        bnez    a0, 1b
        jr      t0
3:      ret
