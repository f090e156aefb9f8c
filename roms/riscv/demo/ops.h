/* One function for each instruction under test: see ops.S. */
#ifndef DEMO_OPS_H
#define DEMO_OPS_H

#include <stdint.h>

typedef uint64_t op_fn(uint64_t a, uint64_t b);

/* RV64I */
op_fn op_add, op_sub, op_sll, op_srl, op_sra, op_slt, op_sltu, op_and, op_or,
    op_xor, op_addw, op_subw, op_sllw, op_srlw, op_sraw;
op_fn op_addi_min, op_addiw_max, op_slti_m1, op_sltiu_m1, op_xori_m1,
    op_ori_m16, op_andi_m16, op_slli_63, op_srli_63, op_srai_63, op_slliw_31,
    op_srliw_31, op_sraiw_31, op_lui_min, op_lui_max;
op_fn op_beq, op_bne, op_blt, op_bge, op_bltu, op_bgeu, op_auipc, op_jal,
    op_jalr;
op_fn op_lb, op_lbu, op_lh, op_lhu, op_lw, op_lwu, op_ld, op_ld_back, op_sb,
    op_sh, op_sw, op_sd;

/* M */
op_fn op_mul, op_mulh, op_mulhu, op_mulhsu, op_div, op_divu, op_rem, op_remu,
    op_mulw, op_divw, op_divuw, op_remw, op_remuw;

/* A */
op_fn op_amoswap_w, op_amoadd_w, op_amoxor_w, op_amoand_w, op_amoor_w,
    op_amomin_w, op_amomax_w, op_amominu_w, op_amomaxu_w;
op_fn op_amoswap_d, op_amoadd_d, op_amoxor_d, op_amoand_d, op_amoor_d,
    op_amomin_d, op_amomax_d, op_amominu_d, op_amomaxu_d;
op_fn op_lr_w, op_sc_w, op_sc_d, op_lrsc_w, op_lrsc_d, op_lrsc_apart,
    op_lrsc_twice;

/* What traps */
op_fn op_ecall, op_ebreak, op_illegal_ones, op_csr_read_only, op_csr_missing,
    op_jump, op_c_ebreak, op_c_illegal;

/* Zba, Zbb, Zbs */
op_fn op_sh1add, op_sh2add, op_sh3add, op_add_uw, op_sh1add_uw, op_sh2add_uw,
    op_sh3add_uw, op_slli_uw_35;
op_fn op_andn, op_orn, op_xnor, op_min, op_minu, op_max, op_maxu, op_rol,
    op_ror, op_rolw, op_rorw, op_clz, op_ctz, op_cpop, op_clzw, op_ctzw,
    op_cpopw, op_rev8, op_orc_b, op_sext_b, op_sext_h, op_zext_h, op_rori_37,
    op_roriw_5;
op_fn op_bclr, op_bext, op_binv, op_bset, op_bclri_63, op_bexti_31, op_binvi_32,
    op_bseti_31;

/* A program in both encodings; b is the address of 32 bytes of scratch. */
op_fn program_short, program_long;
extern const char program_short_end[], program_long_end[];

#endif
