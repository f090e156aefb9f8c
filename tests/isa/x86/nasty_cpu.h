/*
 * A CPU that runs nasty.isa and no more: segments of a base and a limit,
 * memory mapped one to one with pages that may be absent or read-only,
 * exceptions that end the run.
 */
#ifndef TESTS_ISA_X86_NASTY_CPU_H
#define TESTS_ISA_X86_NASTY_CPU_H

#include "cpu/core/lanes.h"

/* Handlers carry lazy flags; RIP-relative operands have their base in g. */
#define ENGINE_FLAGS
#define ENGINE_NEW_PAGE(c)                                                     \
    (void)(((struct nasty_cpu *)(c))->g[X86_PAGE] = (c)->page)

#define ENGINE_PAGE_SLOT offsetof(struct nasty_cpu, g[X86_PAGE])
#define ENGINE_PC(c, pc) nasty_pc(c, pc)

#include "cpu/core/engine.h"
#include "cpu/core/isa_test.h"
#include "cpu/core/ops.h"
#include "cpu/fp/fp.h"
#include "cpu/ir/ir.h"
#include "cpu/x86/decode.h"
#include "cpu/x86/regs.h"
#include "nasty_rows.h"

/* Pages of the window that tests use, and what is on each. */
#define NASTY_BASE UINT64_C(0x10000000)
#define NASTY_PAGES 16u
enum nasty_page { PAGE_ABSENT, PAGE_READ, PAGE_READ_WRITE };

/* The x87 status word. */
#define X87_IE 0x0001u /* invalid operation */
#define X87_SF 0x0040u /* of the register stack */
#define X87_C1 0x0200u
#define X87_C2 0x0400u

struct nasty_segment {
    uint64_t base;
    uint32_t limit; /* last offset */
};

struct nasty_cpu {
    struct cpu core;
    uint64_t g[X86_GPRS];
    v128 xmm[16];
    struct fp_env fp; /* flags: those of MXCSR that have been raised */
    uint8_t rc, unmasked, fp_before; /* enum fp_round; enum fp_flags */
    uint8_t df;
    uint64_t stack_mask, addr_mask, cs_base, fs_base, gs_base;
    uint32_t mode;  /* X86_MODE_* */
    unsigned model; /* enum nasty_model */
    uint64_t features;
    struct nasty_segment segments[6];
    uint16_t selectors[6];
    uint8_t pages[NASTY_PAGES]; /* enum nasty_page */

    /* x87: registers as they lie, top and which are in use. */
    uint64_t mantissa[8];
    uint16_t exponent[8]; /* with the sign */
    uint8_t top, used;
    uint16_t status; /* C0 to C3 and exceptions, without top */

    /* The exception that ended the run; vector 255: none. */
    unsigned vector;
    uint64_t error, cr2;
};

/* Addresses have 32 bits but in 64-bit mode. */
static inline uint64_t nasty_pc(const struct cpu *c, uint64_t pc)
{
    const struct nasty_cpu *g = (const struct nasty_cpu *)c;

    return (g->mode & X86_MODE_SIZE) == X86_MODE_64 ? pc : (uint32_t)pc;
}

static inline struct nasty_cpu *nasty(struct cpu *c)
{
    return (struct nasty_cpu *)c;
}

extern const struct cpu_class nasty_class;

/* The mode and what derives from it and from the segments. */
void nasty_settle(struct nasty_cpu *g);
void nasty_raise(struct cpu *c, unsigned vector, uint64_t error);
/* Bytes at an offset as a value, 0 where there is nothing; nothing is
 * raised. */
uint64_t nasty_peek(struct cpu *c, unsigned segment, uint64_t off,
                    unsigned size);

/* Helpers of nasty.isa. */
bool nasty_linear(struct cpu *c, uint8_t segment, uint64_t off, uint8_t size,
                  uint8_t access);
bool nasty_target(struct cpu *c, uint64_t to, uint8_t size);
bool nasty_rep_movs(struct cpu *c, uint8_t size, uint8_t addressing);
bool nasty_iret(struct cpu *c, uint8_t size);
bool nasty_fld_f64(struct cpu *c, uint64_t bits);
bool nasty_fsin(struct cpu *c);
void nasty_fp_begin(struct cpu *c);
bool nasty_fp_end(struct cpu *c);

/* What the generated code wants. */
#define GUEST_MODE(c) (((const struct nasty_cpu *)(c))->mode)
#define GUEST_MODEL(c) (((const struct nasty_cpu *)(c))->model)
#define GUEST_FEATURES(c) (((const struct nasty_cpu *)(c))->features)
#define GUEST_RAISE(c, cause, value) nasty_raise(c, cause, value)
#define GUEST_PEEK(c, segment, off, size) nasty_peek(c, segment, off, size)
#define GUEST_FP(c) (&((struct nasty_cpu *)(c))->fp)
#define GUEST_FP_CAREFUL(c) (((struct nasty_cpu *)(c))->unmasked != 0)
#define GUEST_FP_BEGIN nasty_fp_begin
#define GUEST_FP_END nasty_fp_end
#define GUEST_LIFT_UNDEFINED(ir, i)                                            \
    ir_raise(ir, (unsigned)(i)->bits, ir_const(ir, IR_I64, 0))

static inline struct fp_env *nasty_fp_round(struct cpu *c, uint8_t round)
{
    struct nasty_cpu *g = (struct nasty_cpu *)c;

    g->fp.round = round;
    return &g->fp;
}
#define GUEST_FP_ROUND(c, round) nasty_fp_round(c, round)

#endif
