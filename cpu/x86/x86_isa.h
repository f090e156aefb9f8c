/*
 * What the code generated from x86.isa asks of the CPU.
 *
 * Helpers are declared here; rows of x86.isa say what they may do.
 */
#ifndef CPU_X86_X86_ISA_H
#define CPU_X86_X86_ISA_H

#include "cpu/x86/system.h"
#include "cpu/x86/x86.h"
#include "cpu/x86/x87.h"

#include "cpu/core/f80_ops.h"
#include "cpu/core/ops.h"
#include "cpu/ir/ir.h"
#include "x86_gen.h"

#define GUEST_MODE(c) (((const struct x86_cpu *)(c))->mode)
#define GUEST_MODEL(c) (((const struct x86_cpu *)(c))->model)
#define GUEST_FEATURES(c) (((const struct x86_cpu *)(c))->decoded)
#define GUEST_RAISE(c, cause, value) x86_raise(c, cause, value)
#define GUEST_PEEK(c, segment, off, size) x86_peek(c, segment, off, size)
#define GUEST_FP(c) (&((struct x86_cpu *)(c))->fp)
#define GUEST_FP_CAREFUL(c) (((struct x86_cpu *)(c))->unmasked != 0)
#define GUEST_FP_BEGIN x86_fp_begin
#define GUEST_FP_END x86_fp_end
#define GUEST_FP_ROUND(c, round) x86_fp_round(c, round)
/* x87: it rounds as its control word says, and the rows do. */
#define GUEST_FP80(c) (&((struct x86_cpu *)(c))->fp80)
#define GUEST_FP80_ROUND(c, round) ((void)(round), GUEST_FP80(c))
#define GUEST_LIFT_UNDEFINED(ir, i)                                            \
    ir_raise(ir, (unsigned)(i)->bits, ir_const(ir, IR_I64, 0))

static inline struct fp_env *x86_fp_round(struct cpu *c, uint8_t round)
{
    struct x86_cpu *g = (struct x86_cpu *)c;

    g->fp.round = round;
    return &g->fp;
}

/* Bytes at an offset as a value, 0 where there is nothing; nothing is
 * raised. */
uint64_t x86_peek(struct cpu *c, unsigned segment, uint64_t off, unsigned size);

/*
 * The linear address of `size` bytes at an offset in a segment, checked, into
 * c->scratch; access: enum x86_access.  false: an exception is pending.
 */
bool x86_linear(struct cpu *c, uint8_t segment, uint64_t off, uint8_t size,
                uint8_t access);
/* Of an instruction pointer of `size` bytes. */
bool x86_target(struct cpu *c, uint64_t to, uint8_t size);

/* string.c; results in c->scratch, 0 of a REP that is done */
bool x86_rep_movs(struct cpu *c, uint8_t size, uint8_t addressing);
bool x86_rep_stos(struct cpu *c, uint8_t size, uint8_t addressing);
bool x86_rep_lods(struct cpu *c, uint8_t size, uint8_t addressing);
bool x86_rep_cmps(struct cpu *c, uint8_t size, uint8_t addressing,
                  uint8_t while_equal);
bool x86_rep_scas(struct cpu *c, uint8_t size, uint8_t addressing,
                  uint8_t while_equal);
bool x86_pusha(struct cpu *c, uint8_t size);
bool x86_enter(struct cpu *c, uint8_t size, uint16_t bytes, uint8_t level);
void x86_crc32(struct cpu *c, uint32_t crc, uint64_t v, uint8_t size);
bool x86_random(struct cpu *c);

/* sse.c */
#define X86_MXCSR_MASK 0xffffu
#define X86_MXCSR_RESET 0x1f80u
uint32_t x86_mxcsr(const struct x86_cpu *g);
void x86_set_mxcsr(struct x86_cpu *g, uint32_t v);
bool x86_ldmxcsr(struct cpu *c, uint32_t v);
void x86_stmxcsr(struct cpu *c);
void x86_phminposuw(struct cpu *c, v128 a);
bool x86_maskmov(struct cpu *c, uint64_t v, uint64_t mask, uint8_t addressing);
bool x86_maskmovdqu(struct cpu *c, v128 mask, uint8_t n, uint8_t addressing);
void x86_strings(struct cpu *c, v128 b, uint8_t n, uint32_t control);

/* crypto.c */
void x86_clmul(struct cpu *c, uint64_t a, uint64_t b);
void x86_aes(struct cpu *c, v128 a, uint8_t what);
void x86_aes_key(struct cpu *c, v128 a, uint8_t round);
void x86_sha1(struct cpu *c, v128 w, uint8_t n, uint8_t what);
void x86_sha256(struct cpu *c, v128 s, uint8_t n);

/* Around a row of floating point whose exceptions may be unmasked (sse.c). */
void x86_fp_begin(struct cpu *c);
bool x86_fp_end(struct cpu *c);

#endif
