/*
 * x86-64 instructions, as far as the backend uses them (Intel SDM vol. 2).
 * 64-bit operands unless a name says otherwise; a 32-bit result clears the
 * upper half.  Writing past the end sets `full` and nothing else.
 */
#ifndef JIT_X86_64_EMIT_H
#define JIT_X86_64_EMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum reg {
    RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI,
    R8, R9, R10, R11, R12, R13, R14, R15,
    NO_REG = -1,
};

/* Condition codes, as in Jcc. */
enum cc {
    CC_B = 2, CC_AE = 3, CC_E = 4, CC_NE = 5, CC_BE = 6, CC_A = 7,
    CC_S = 8, CC_L = 12, CC_GE = 13, CC_LE = 14, CC_G = 15,
};

/* Two-operand arithmetic: the /digit of 81, and opcode / 8. */
enum alu {
    ALU_ADD = 0, ALU_OR = 1, ALU_SBB = 3, ALU_AND = 4, ALU_SUB = 5, ALU_XOR = 6,
    ALU_CMP = 7,
};

enum shift { SHIFT_ROL = 0, SHIFT_ROR = 1, SHIFT_SHL = 4, SHIFT_SHR = 5,
             SHIFT_SAR = 7 };

struct emit {
    uint8_t *at, *end;
    bool full;
};

static inline void e8(struct emit *e, unsigned b)
{
    if (e->at < e->end)
        *e->at++ = (uint8_t)b;
    else
        e->full = true;
}

static inline void e32(struct emit *e, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        e8(e, v >> (8 * i));
}

static inline void e64(struct emit *e, uint64_t v)
{
    e32(e, (uint32_t)v);
    e32(e, (uint32_t)(v >> 32));
}

static inline bool fits8(int64_t v)
{
    return v == (int8_t)v;
}

static inline bool fits32(int64_t v)
{
    return v == (int32_t)v;
}

/* REX for reg (ModRM.reg), index and base; none where it says nothing. */
static inline void e_rex(struct emit *e, bool w, int reg, int index, int base,
                         bool byte_reg)
{
    unsigned rex = 0x40u | (unsigned)w << 3 | (unsigned)(reg >= 8) << 2 |
                   (unsigned)(index >= 8) << 1 | (unsigned)(base >= 8);

    if (rex != 0x40 || byte_reg)
        e8(e, rex);
}

static inline void e_modrm_reg(struct emit *e, int reg, int rm)
{
    e8(e, 0xc0u | (unsigned)(reg & 7) << 3 | (unsigned)(rm & 7));
}

/* [base + index + disp]; index NO_REG: none. */
static inline void e_modrm_mem(struct emit *e, int reg, int base, int index,
                               unsigned scale, int32_t disp)
{
    unsigned r = (unsigned)(reg & 7) << 3;
    unsigned mod = disp == 0 && (base & 7) != RBP ? 0 : fits8(disp) ? 1 : 2;

    if (index == NO_REG && (base & 7) != RSP) {
        e8(e, mod << 6 | r | (unsigned)(base & 7));
    } else {
        e8(e, mod << 6 | r | 4);
        e8(e, scale << 6 | (index == NO_REG ? 4u << 3
                                            : (unsigned)(index & 7) << 3) |
                  (unsigned)(base & 7));
    }
    if (mod == 1)
        e8(e, (uint8_t)disp);
    else if (mod == 2)
        e32(e, (uint32_t)disp);
}

static inline void e_op_mem(struct emit *e, bool w, unsigned op, int reg,
                            int base, int index, unsigned scale, int32_t disp)
{
    e_rex(e, w, reg, index == NO_REG ? 0 : index, base, false);
    if (op > 0xff)
        e8(e, op >> 8);
    e8(e, op);
    e_modrm_mem(e, reg, base, index, scale, disp);
}

/* The same at an address beside the code. */
static inline void e_op_rip(struct emit *e, bool w, unsigned op, int reg,
                            const void *at)
{
    e_rex(e, w, reg, 0, 0, false);
    if (op > 0xff)
        e8(e, op >> 8);
    e8(e, op);
    e8(e, (unsigned)(reg & 7) << 3 | 5);
    e32(e, (uint32_t)((const uint8_t *)at - (e->at + 4)));
}

static inline void e_op_reg(struct emit *e, bool w, unsigned op, int reg,
                            int rm)
{
    e_rex(e, w, reg, 0, rm, false);
    if (op > 0xff)
        e8(e, op >> 8);
    e8(e, op);
    e_modrm_reg(e, reg, rm);
}

/* Moves. */
static inline void e_mov(struct emit *e, int d, int s)
{
    if (d != s)
        e_op_reg(e, true, 0x8b, d, s);
}

static inline void e_mov32(struct emit *e, int d, int s)
{
    e_op_reg(e, false, 0x8b, d, s);
}

static inline void e_movsxd(struct emit *e, int d, int s)
{
    e_op_reg(e, true, 0x63, d, s);
}

static inline void e_load(struct emit *e, int d, int base, int32_t disp)
{
    e_op_mem(e, true, 0x8b, d, base, NO_REG, 0, disp);
}

static inline void e_store(struct emit *e, int base, int32_t disp, int s)
{
    e_op_mem(e, true, 0x89, s, base, NO_REG, 0, disp);
}

/* mov qword [base+disp], imm32 sign-extended */
static inline void e_store_imm(struct emit *e, int base, int32_t disp,
                               int32_t v)
{
    e_op_mem(e, true, 0xc7, 0, base, NO_REG, 0, disp);
    e32(e, (uint32_t)v);
}

static inline void e_store32_imm(struct emit *e, int base, int32_t disp,
                                 uint32_t v)
{
    e_op_mem(e, false, 0xc7, 0, base, NO_REG, 0, disp);
    e32(e, v);
}

static inline void e_store8_imm(struct emit *e, int base, int32_t disp,
                                unsigned v)
{
    e_op_mem(e, false, 0xc6, 0, base, NO_REG, 0, disp);
    e8(e, v);
}

static inline void e_imm(struct emit *e, int d, uint64_t v)
{
    if (v == 0) {
        e_op_reg(e, false, 0x31, d, d); /* flags change: callers know */
    } else if (v == (uint32_t)v) {
        e_rex(e, false, 0, 0, d, false);
        e8(e, 0xb8u | (unsigned)(d & 7));
        e32(e, (uint32_t)v);
    } else if (fits32((int64_t)v)) {
        e_rex(e, true, 0, 0, d, false);
        e8(e, 0xc7);
        e_modrm_reg(e, 0, d);
        e32(e, (uint32_t)v);
    } else {
        e_rex(e, true, 0, 0, d, false);
        e8(e, 0xb8u | (unsigned)(d & 7));
        e64(e, v);
    }
}

/* The low 8 to 64 bits of a register. */
static inline void e_store_part(struct emit *e, unsigned bits, int base,
                                int index, int32_t disp, int s)
{
    if (bits == 8) {
        e_rex(e, false, s, index == NO_REG ? 0 : index, base, true);
        e8(e, 0x88);
        e_modrm_mem(e, s, base, index, 0, disp);
        return;
    }
    if (bits == 16)
        e8(e, 0x66);
    e_op_mem(e, bits == 64, 0x89, s, base, index, 0, disp);
}

/* LOCK CMPXCHG: if rax is what stands there, s does, and ZF is set. */
static inline void e_lock_cmpxchg(struct emit *e, unsigned bits, int base,
                                  int index, int32_t disp, int s)
{
    e8(e, 0xf0);
    if (bits == 16)
        e8(e, 0x66);
    e_rex(e, bits == 64, s, index == NO_REG ? 0 : index, base, bits == 8);
    e8(e, 0x0f);
    e8(e, bits == 8 ? 0xb0 : 0xb1);
    e_modrm_mem(e, s, base, index, 0, disp);
}

static inline void e_xchg(struct emit *e, int a, int b)
{
    e_op_reg(e, true, 0x87, a, b);
}

/* The low 8 or 16 bits of d = those of s, the others stay. */
static inline void e_merge(struct emit *e, unsigned bits, int d, int s)
{
    if (bits == 16)
        e8(e, 0x66);
    e_rex(e, false, s, 0, d, bits == 8);
    e8(e, bits == 8 ? 0x88 : 0x89);
    e_modrm_reg(e, s, d);
}

static inline void e_lea(struct emit *e, int d, int base, int index,
                         unsigned scale, int32_t disp)
{
    e_op_mem(e, true, 0x8d, d, base, index, scale, disp);
}

/* Arithmetic. */
static inline void e_alu(struct emit *e, bool w, enum alu op, int d, int s)
{
    e_op_reg(e, w, (unsigned)op * 8 + 3, d, s);
}

static inline void e_alu_mem(struct emit *e, bool w, enum alu op, int d,
                             int base, int32_t disp)
{
    e_op_mem(e, w, (unsigned)op * 8 + 3, d, base, NO_REG, 0, disp);
}

static inline void e_alu_imm(struct emit *e, bool w, enum alu op, int d,
                             int32_t v)
{
    e_rex(e, w, 0, 0, d, false);
    e8(e, fits8(v) ? 0x83 : 0x81);
    e_modrm_reg(e, (int)op, d);
    if (fits8(v))
        e8(e, (uint8_t)v);
    else
        e32(e, (uint32_t)v);
}

static inline void e_test(struct emit *e, bool w, int a, int b)
{
    e_op_reg(e, w, 0x85, b, a);
}

static inline void e_imul(struct emit *e, bool w, int d, int s)
{
    e_op_reg(e, w, 0x0faf, d, s);
}

/* F7 /digit: not 2, neg 3, mul 4, imul 5, div 6, idiv 7 */
static inline void e_f7(struct emit *e, bool w, int digit, int r)
{
    e_op_reg(e, w, 0xf7, digit, r);
}

static inline void e_shift_imm(struct emit *e, bool w, enum shift op, int d,
                               unsigned n)
{
    e_rex(e, w, 0, 0, d, false);
    e8(e, 0xc1);
    e_modrm_reg(e, (int)op, d);
    e8(e, n);
}

/* BMI2: shlx (pp 1), sarx (2), shrx (3): d = s shifted by n. */
static inline void e_shiftx(struct emit *e, bool w, enum shift op, int d,
                            int s, int n)
{
    unsigned pp = op == SHIFT_SHL ? 1 : op == SHIFT_SAR ? 2 : 3;

    e8(e, 0xc4);
    e8(e, (d < 8 ? 0x80u : 0) | 0x40u | (s < 8 ? 0x20u : 0) | 2);
    e8(e, (unsigned)w << 7 | (~(unsigned)n & 15) << 3 | pp);
    e8(e, 0xf7);
    e_modrm_reg(e, d, s);
}

/* Rotate the low 8 or 16 bits. */
static inline void e_rotate_part(struct emit *e, unsigned bits, enum shift op,
                                 int d, unsigned n)
{
    if (bits == 16)
        e8(e, 0x66);
    e_rex(e, false, 0, 0, d, bits == 8);
    e8(e, bits == 8 ? 0xc0 : 0xc1);
    e_modrm_reg(e, (int)op, d);
    e8(e, n);
}

/* F3 0F: popcnt b8, tzcnt bc, lzcnt bd */
static inline void e_f3(struct emit *e, bool w, unsigned op, int d, int s)
{
    e8(e, 0xf3);
    e_op_reg(e, w, 0x0f00u | op, d, s);
}

static inline void e_setcc(struct emit *e, enum cc cc, int d)
{
    e_rex(e, false, 0, 0, d, true);
    e8(e, 0x0f);
    e8(e, 0x90u | (unsigned)cc);
    e_modrm_reg(e, 0, d);
}

static inline void e_cmov(struct emit *e, enum cc cc, int d, int s)
{
    e_op_reg(e, true, 0x0f40u | (unsigned)cc, d, s);
}

/* movzx / movsx from 8 or 16 bits; s must be named in full. */
static inline void e_extend(struct emit *e, bool sign, unsigned bits, int d,
                            int s)
{
    e_rex(e, sign, d, 0, s, bits == 8);
    e8(e, 0x0f);
    e8(e, (sign ? 0xbeu : 0xb6u) | (bits == 16));
    e_modrm_reg(e, d, s);
}

/* Jumps; the displacement is patched later by the address returned. */
static inline uint8_t *e_jcc(struct emit *e, enum cc cc)
{
    e8(e, 0x0f);
    e8(e, 0x80u | (unsigned)cc);
    e32(e, 0);
    return e->at - 4;
}

#define JUMP_SIZE 5
static inline uint8_t *e_jmp(struct emit *e)
{
    e8(e, 0xe9);
    e32(e, 0);
    return e->at - 4;
}

/* Make the jump whose displacement is at `site` go to `to`. */
static inline void e_patch(uint8_t *site, const uint8_t *to)
{
    int32_t d = (int32_t)(to - (site + 4));

    memcpy(site, &d, 4);
}

static inline void e_jmp_to(struct emit *e, const uint8_t *to)
{
    uint8_t *site = e_jmp(e);

    if (!e->full)
        e_patch(site, to);
}

static inline void e_call_to(struct emit *e, const uint8_t *to)
{
    e8(e, 0xe8);
    e32(e, 0);
    if (!e->full)
        e_patch(e->at - 4, to);
}

static inline void e_jmp_reg(struct emit *e, int r)
{
    e_rex(e, false, 0, 0, r, false);
    e8(e, 0xff);
    e_modrm_reg(e, 4, r);
}

static inline void e_jmp_mem(struct emit *e, int base, int32_t disp)
{
    e_op_mem(e, false, 0xff, 4, base, NO_REG, 0, disp);
}

static inline void e_call_reg(struct emit *e, int r)
{
    e_rex(e, false, 0, 0, r, false);
    e8(e, 0xff);
    e_modrm_reg(e, 2, r);
}

static inline void e_push_imm(struct emit *e, int32_t v)
{
    e8(e, 0x68);
    e32(e, (uint32_t)v);
}

static inline void e_mfence(struct emit *e)
{
    e8(e, 0x0f);
    e8(e, 0xae);
    e8(e, 0xf0);
}

static inline void e_push(struct emit *e, int r)
{
    e_rex(e, false, 0, 0, r, false);
    e8(e, 0x50u | (unsigned)(r & 7));
}

static inline void e_pop(struct emit *e, int r)
{
    e_rex(e, false, 0, 0, r, false);
    e8(e, 0x58u | (unsigned)(r & 7));
}

static inline void e_ret(struct emit *e)
{
    e8(e, 0xc3);
}

#endif
