/*
 * One function for each instruction under test: operands in a0 and a1, the
 * result in a0.  ops.h declares them.
 *
 * Each extension is switched on for its own lines only, so that the rest of
 * the demo runs without it.
 */
        .option norelax

/* op NAME, INSTRUCTION: a function op_NAME around one instruction. */
.macro op name, insn:vararg
        .globl  op_\name
op_\name:
        \insn
        ret
.endm

/* alu NAME...: instructions that take a0 and a1 and are named like that. */
.macro alu names:vararg
        .irp    name, \names
        op      \name, \name a0, a0, a1
        .endr
.endm

/* branch NAME...: 1 if the branch on a0 and a1 is taken, 0 if not. */
.macro branch names:vararg
        .irp    name, \names
        .globl  op_\name
op_\name:
        \name   a0, a1, 1f
        li      a0, 0
        ret
1:      li      a0, 1
        ret
        .endr
.endm

        .text
        .option norvc

/* RV64I */
        alu     add, sub, sll, srl, sra, slt, sltu, and, or, xor
        alu     addw, subw, sllw, srlw, sraw
        op      addi_min, addi a0, a0, -2048
        op      addiw_max, addiw a0, a0, 2047
        op      slti_m1, slti a0, a0, -1
        op      sltiu_m1, sltiu a0, a0, -1
        op      xori_m1, xori a0, a0, -1
        op      ori_m16, ori a0, a0, -16
        op      andi_m16, andi a0, a0, -16
        op      slli_63, slli a0, a0, 63
        op      srli_63, srli a0, a0, 63
        op      srai_63, srai a0, a0, 63
        op      slliw_31, slliw a0, a0, 31
        op      srliw_31, srliw a0, a0, 31
        op      sraiw_31, sraiw a0, a0, 31
        op      lui_min, lui a0, 0x80000
        op      lui_max, lui a0, 0x7ffff
        branch  beq, bne, blt, bge, bltu, bgeu

        .globl  op_auipc                # 0 if auipc yields its own address
op_auipc:
        auipc   a0, 0
        la      a1, op_auipc
        sub     a0, a0, a1
        ret

        .globl  op_jal                  # 0 if jal links and skips
op_jal:
        la      a1, 1f
        jal     t0, 2f
1:      li      a0, -1
2:      sub     a0, t0, a1
        ret

        .globl  op_jalr                 # 0 if jalr links and clears bit 0
op_jalr:
        la      t0, 2f + 1
        la      a1, 1f
        jalr    t0, t0, 0
1:      li      a0, -1
2:      sub     a0, t0, a1
        ret

        .irp    name, lb, lbu, lh, lhu, lw, lwu, ld
        op      \name, \name a0, 0(a0)
        .endr
        .irp    name, sb, sh, sw, sd
        op      \name, \name a1, 0(a0)
        .endr
        op      ld_back, ld a0, -8(a0)

/* M */
        alu     mul, mulh, mulhu, mulhsu, div, divu, rem, remu
        alu     mulw, divw, divuw, remw, remuw

/* A: the address in a0, the value in a1 */
        .irp    name, amoswap, amoadd, amoxor, amoand, amoor, amomin, amomax, \
                      amominu, amomaxu
        op      \name\()_w, \name\().w.aqrl a0, a1, (a0)
        op      \name\()_d, \name\().d.aqrl a0, a1, (a0)
        .endr
        op      lr_w, lr.w a0, (a0)
        op      sc_w, sc.w a0, a1, (a0)
        op      sc_d, sc.d a0, a1, (a0)

        .globl  op_lrsc_w               # load from a0, store there: 0 if stored
op_lrsc_w:
        lr.w.aq t0, (a0)
        sc.w.rl a0, a1, (a0)
        ret
        .globl  op_lrsc_d
op_lrsc_d:
        lr.d.aq t0, (a0)
        sc.d.rl a0, a1, (a0)
        ret
        .globl  op_lrsc_apart           # load from a0, store to a1
op_lrsc_apart:
        lr.d    t0, (a0)
        sc.d    a0, t0, (a1)
        ret
        .globl  op_lrsc_twice           # a store conditional ends the chance
op_lrsc_twice:
        lr.d    t0, (a0)
        sc.d    t1, a1, (a0)
        sc.d    a0, a1, (a0)
        ret

/* What traps, and is the first instruction of its function */
        op      ecall, ecall
        op      ebreak, ebreak
        op      illegal_ones, .word 0xffffffff
        op      csr_read_only, csrw mhartid, a0
        op      csr_missing, csrr a0, 0x5c0
        op      jump, jr a0

        .globl  op_c_ebreak
op_c_ebreak:
        .option rvc
        c.ebreak
        .globl  op_c_illegal
op_c_illegal:
        .half   0
        .option norvc

/* Zba, Zbb, Zbs */
        .option push
        .option arch, +zba
        alu     sh1add, sh2add, sh3add
        op      add_uw, add.uw a0, a0, a1
        op      sh1add_uw, sh1add.uw a0, a0, a1
        op      sh2add_uw, sh2add.uw a0, a0, a1
        op      sh3add_uw, sh3add.uw a0, a0, a1
        op      slli_uw_35, slli.uw a0, a0, 35
        .option pop

        .option push
        .option arch, +zbb
        alu     andn, orn, xnor, min, minu, max, maxu, rol, ror, rolw, rorw
        .irp    name, clz, ctz, cpop, clzw, ctzw, cpopw, rev8
        op      \name, \name a0, a0
        .endr
        op      orc_b, orc.b a0, a0
        op      sext_b, sext.b a0, a0
        op      sext_h, sext.h a0, a0
        op      zext_h, zext.h a0, a0
        op      rori_37, rori a0, a0, 37
        op      roriw_5, roriw a0, a0, 5
        .option pop

        .option push
        .option arch, +zbs
        alu     bclr, bext, binv, bset
        op      bclri_63, bclri a0, a0, 63
        op      bexti_31, bexti a0, a0, 31
        op      binvi_32, binvi a0, a0, 32
        op      bseti_31, bseti a0, a0, 31
        .option pop

/*
 * The same little program twice, with and without compressed instructions.
 * a0 goes in, a0 comes out; 32 bytes at a1 are scratch memory.
 */
.macro program
        addi    sp, sp, -32
        sd      s0, 16(sp)
        sd      s1, 24(sp)
        mv      s0, a0
        mv      s1, a1
        li      a0, 21
        lui     a2, 0x1f
        addi    a0, a0, -13
        addiw   a2, a2, 9
        sw      a2, 4(s1)
        sd      s0, 8(s1)
        lw      a3, 4(s1)
        ld      a4, 8(s1)
        sub     a4, a4, a3
        xor     a4, a4, a2
        or      a0, a0, a4
        and     a4, a4, s0
        subw    a3, a3, a4
        addw    a3, a3, a0
        slli    a0, a0, 3
        srli    a4, a4, 7
        srai    a3, a3, 2
        andi    a4, a4, 27
        add     a0, a0, a3
        addi    a5, sp, 8
        sw      a0, 0(sp)
        sd      a4, 8(sp)
        lw      a2, 0(sp)
        ld      a5, 0(a5)
        add     a0, a0, a2
        beqz    a5, 1f
        xor     a0, a0, a5
1:      bnez    a0, 2f
        li      a0, -1
2:      la      a5, 4f
        mv      t0, ra
        jalr    a5
        j       3f
        ebreak                          # never reached
4:      addi    a0, a0, 1
        jr      ra
3:      mv      ra, t0
        ld      s0, 16(sp)
        ld      s1, 24(sp)
        addi    sp, sp, 32
        ret
.endm

        .option rvc
        .globl  program_short, program_short_end, program_long, program_long_end
        .balign 4
program_short:
        program
program_short_end:
        .option norvc
        .balign 4
program_long:
        program
program_long_end:
