/*
 * What the code generated from riscv.isa includes: the hart, the language's
 * operations, and the text of operands.
 */
#ifndef CPU_RISCV_RISCV_ISA_H
#define CPU_RISCV_RISCV_ISA_H

/* Said by generated code only: the width of its registers. */
#if defined(GUEST_UX_BITS) && GUEST_UX_BITS == 32
#define ENGINE_PC(c, pc) ((uint64_t)(uint32_t)(pc))
#endif

#include "cpu/core/atomic.h"
#include "cpu/core/engine.h"
#include "cpu/core/ops.h"
#include "cpu/core/text.h"
#include "cpu/riscv/riscv.h"
#include "riscv64_rows.h"

#define GUEST_RAISE(c, cause, value) riscv_raise(c, cause, value)

/* With FS off there is no floating point at all, priv 3.1.6.6. */
static inline uint64_t riscv_features(const struct cpu *c)
{
    const struct riscv_cpu *g = (const struct riscv_cpu *)c;

    return g->fs ? g->features
                 : g->features & ~(uint64_t)(RISCV_EXT_F | RISCV_EXT_D);
}
#define GUEST_FEATURES(c) riscv_features(c)

static inline struct fp_env *riscv_fp_round(struct cpu *c, uint8_t round)
{
    struct riscv_cpu *g = (struct riscv_cpu *)c;

    g->fp.round = round;
    return &g->fp;
}
#define GUEST_FP_ROUND(c, round) riscv_fp_round(c, round)
#define GUEST_FP(c) (&((struct riscv_cpu *)(c))->fp)

#define GUEST_LIFT_UNDEFINED(ir, i)                                          \
    ir_raise(ir, CAUSE_ILLEGAL, ir_const(ir, IR_I64, (i)->bits))

static inline void text_undefined(struct text *t, const struct insn *i)
{
    if (i->length == 2)
        text_addf(t, ".2byte\t0x%x", (unsigned)i->bits);
    else
        text_addf(t, ".4byte\t0x%x", (unsigned)i->bits);
}

/* Operand forms: :x, :x12, :t, :csr, :rm, :order, :fence. */
static inline void text_x(struct text *t, uint64_t pc, uint64_t v)
{
    (void)pc;
    text_addf(t, "0x%llx", (unsigned long long)v);
}

static inline void text_x12(struct text *t, uint64_t pc, int64_t v)
{
    (void)pc;
    text_addf(t, "0x%x", (unsigned)((uint32_t)v >> 12));
}

static inline void text_t(struct text *t, uint64_t pc, int64_t v)
{
    text_addf(t, "0x%llx",
              (unsigned long long)ENGINE_PC(NULL, pc + (uint64_t)v));
}

static inline void text_csr(struct text *t, uint64_t pc, int64_t v)
{
    const char *name = riscv_csr_name((unsigned)v);

    (void)pc;
    if (name)
        text_add(t, name);
    else
        text_addf(t, "0x%x", (unsigned)v);
}

static inline void text_rm(struct text *t, uint64_t pc, unsigned v)
{
    static const char *const names[8] = {",rne", ",rtz", ",rdn", ",rup",
                                         ",rmm", ",5",   ",6",   ""};

    (void)pc;
    text_add(t, names[v & 7]);
}

/* aq and rl, behind the mnemonic. */
static inline void text_order(struct text *t, uint64_t pc, unsigned v)
{
    static const char *const names[4] = {"", ".rl", ".aq", ".aqrl"};

    (void)pc;
    text_add(t, names[v & 3]);
}

static inline void text_fence(struct text *t, uint64_t pc, unsigned v)
{
    char s[5], *p = s;

    (void)pc;
    for (int i = 3; i >= 0; i--)
        if (v >> i & 1)
            *p++ = "wroi"[i];
    *p = '\0';
    text_add(t, v ? s : "0");
}

#endif
