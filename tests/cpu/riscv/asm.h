/*
 * RISC-V instructions as words, for tests that write code.
 *
 * Arguments are in the assembler's order; immediates and offsets in bytes.
 * Encodings: Unprivileged ISA 20240411, chapter "RV32/64G Instruction Set
 * Listings".
 */
#ifndef TESTS_CPU_RISCV_ASM_H
#define TESTS_CPU_RISCV_ASM_H

#include <stdint.h>

#define ASM_FN static inline __attribute__((unused)) uint32_t

ASM_FN asm_r(unsigned f7, unsigned rs2, unsigned rs1, unsigned f3, unsigned rd,
             unsigned op)
{
    return f7 << 25 | rs2 << 20 | rs1 << 15 | f3 << 12 | rd << 7 | op;
}

ASM_FN asm_i(int imm, unsigned rs1, unsigned f3, unsigned rd, unsigned op)
{
    return ((uint32_t)imm & 0xfff) << 20 | rs1 << 15 | f3 << 12 | rd << 7 | op;
}

ASM_FN asm_s(int imm, unsigned rs2, unsigned rs1, unsigned f3, unsigned op)
{
    uint32_t i = (uint32_t)imm;

    return (i >> 5 & 0x7f) << 25 | rs2 << 20 | rs1 << 15 | f3 << 12 |
           (i & 31) << 7 | op;
}

ASM_FN asm_b(int offset, unsigned rs2, unsigned rs1, unsigned f3)
{
    uint32_t i = (uint32_t)offset;

    return (i >> 12 & 1) << 31 | (i >> 5 & 0x3f) << 25 | rs2 << 20 | rs1 << 15 |
           f3 << 12 | (i >> 1 & 15) << 8 | (i >> 11 & 1) << 7 | 0x63;
}

ASM_FN asm_jal(unsigned rd, int offset)
{
    uint32_t i = (uint32_t)offset;

    return (i >> 20 & 1) << 31 | (i >> 1 & 0x3ff) << 21 | (i >> 11 & 1) << 20 |
           (i >> 12 & 0xff) << 12 | rd << 7 | 0x6f;
}

#define ASM_NOP 0x00000013u
#define ASM_ECALL 0x00000073u
#define ASM_EBREAK 0x00100073u
#define ASM_SRET 0x10200073u
#define ASM_MRET 0x30200073u
#define ASM_WFI 0x10500073u
#define ASM_FENCE 0x0ff0000fu
#define ASM_FENCE_I 0x0000100fu
#define ASM_ILLEGAL 0xffffffffu
#define ASM_C_NOP 0x0001u

#define asm_addi(rd, rs1, imm) asm_i(imm, rs1, 0, rd, 0x13)
#define asm_xori(rd, rs1, imm) asm_i(imm, rs1, 4, rd, 0x13)
#define asm_andi(rd, rs1, imm) asm_i(imm, rs1, 7, rd, 0x13)
#define asm_slli(rd, rs1, n) asm_i(n, rs1, 1, rd, 0x13)
#define asm_srli(rd, rs1, n) asm_i(n, rs1, 5, rd, 0x13)
#define asm_add(rd, rs1, rs2) asm_r(0, rs2, rs1, 0, rd, 0x33)
#define asm_xor(rd, rs1, rs2) asm_r(0, rs2, rs1, 4, rd, 0x33)
#define asm_and(rd, rs1, rs2) asm_r(0, rs2, rs1, 7, rd, 0x33)
#define asm_lui(rd, value) (((uint32_t)(value)&0xfffff000u) | (rd) << 7 | 0x37)
#define asm_auipc(rd, value)                                                   \
    (((uint32_t)(value)&0xfffff000u) | (rd) << 7 | 0x17)
#define asm_jalr(rd, imm, rs1) asm_i(imm, rs1, 0, rd, 0x67)
#define asm_beq(rs1, rs2, offset) asm_b(offset, rs2, rs1, 0)
#define asm_bne(rs1, rs2, offset) asm_b(offset, rs2, rs1, 1)
#define asm_lb(rd, imm, rs1) asm_i(imm, rs1, 0, rd, 0x03)
#define asm_lh(rd, imm, rs1) asm_i(imm, rs1, 1, rd, 0x03)
#define asm_lw(rd, imm, rs1) asm_i(imm, rs1, 2, rd, 0x03)
#define asm_ld(rd, imm, rs1) asm_i(imm, rs1, 3, rd, 0x03)
#define asm_lwu(rd, imm, rs1) asm_i(imm, rs1, 6, rd, 0x03)
#define asm_sb(rs2, imm, rs1) asm_s(imm, rs2, rs1, 0, 0x23)
#define asm_sh(rs2, imm, rs1) asm_s(imm, rs2, rs1, 1, 0x23)
#define asm_sw(rs2, imm, rs1) asm_s(imm, rs2, rs1, 2, 0x23)
#define asm_sd(rs2, imm, rs1) asm_s(imm, rs2, rs1, 3, 0x23)
#define asm_fld(fd, imm, rs1) asm_i(imm, rs1, 3, fd, 0x07)
#define asm_fsd(fs2, imm, rs1) asm_s(imm, fs2, rs1, 3, 0x27)
#define asm_fmv_d_x(fd, rs1) asm_r(0x79, 0, rs1, 0, fd, 0x53)
#define asm_fadd_d(fd, fs1, fs2) asm_r(0x01, fs2, fs1, 7, fd, 0x53)
#define asm_csrrw(rd, csr, rs1) asm_i((int)(csr), rs1, 1, rd, 0x73)
#define asm_csrrs(rd, csr, rs1) asm_i((int)(csr), rs1, 2, rd, 0x73)
#define asm_csrrc(rd, csr, rs1) asm_i((int)(csr), rs1, 3, rd, 0x73)
#define asm_csrrwi(rd, csr, n) asm_i((int)(csr), n, 5, rd, 0x73)
#define asm_csrrsi(rd, csr, n) asm_i((int)(csr), n, 6, rd, 0x73)
#define asm_csrrci(rd, csr, n) asm_i((int)(csr), n, 7, rd, 0x73)
#define asm_sfence_vma(rs1, rs2) asm_r(0x09, rs2, rs1, 0, 0, 0x73)
/* width: 2 for words, 3 for doublewords */
#define asm_lr(width, rd, rs1) asm_r(0x08, 0, rs1, width, rd, 0x2f)
#define asm_sc(width, rd, rs2, rs1) asm_r(0x0c, rs2, rs1, width, rd, 0x2f)
#define asm_amoadd(width, rd, rs2, rs1) asm_r(0x00, rs2, rs1, width, rd, 0x2f)
#define asm_amoswap(width, rd, rs2, rs1) asm_r(0x04, rs2, rs1, width, rd, 0x2f)

/* CSR numbers, priv 2.2. */
enum csr_number {
    CSR_FFLAGS = 0x001,
    CSR_FRM = 0x002,
    CSR_FCSR = 0x003,
    CSR_SSTATUS = 0x100,
    CSR_SIE = 0x104,
    CSR_STVEC = 0x105,
    CSR_SCOUNTEREN = 0x106,
    CSR_SENVCFG = 0x10a,
    CSR_SSCRATCH = 0x140,
    CSR_SEPC = 0x141,
    CSR_SCAUSE = 0x142,
    CSR_STVAL = 0x143,
    CSR_SIP = 0x144,
    CSR_STIMECMP = 0x14d,
    CSR_SATP = 0x180,
    CSR_MSTATUS = 0x300,
    CSR_MISA = 0x301,
    CSR_MEDELEG = 0x302,
    CSR_MIDELEG = 0x303,
    CSR_MIE = 0x304,
    CSR_MTVEC = 0x305,
    CSR_MCOUNTEREN = 0x306,
    CSR_MENVCFG = 0x30a,
    CSR_MCOUNTINHIBIT = 0x320,
    CSR_MSCRATCH = 0x340,
    CSR_MEPC = 0x341,
    CSR_MCAUSE = 0x342,
    CSR_MTVAL = 0x343,
    CSR_MIP = 0x344,
    CSR_PMPCFG0 = 0x3a0,
    CSR_PMPCFG2 = 0x3a2,
    CSR_PMPADDR0 = 0x3b0,
    CSR_MCYCLE = 0xb00,
    CSR_MINSTRET = 0xb02,
    CSR_CYCLE = 0xc00,
    CSR_TIME = 0xc01,
    CSR_INSTRET = 0xc02,
    CSR_MVENDORID = 0xf11,
    CSR_MARCHID = 0xf12,
    CSR_MIMPID = 0xf13,
    CSR_MHARTID = 0xf14,
    CSR_MCONFIGPTR = 0xf15,
};

#endif
