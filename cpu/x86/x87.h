/*
 * x87 inside cpu/x86: the helpers of its rows (x87.c, x87_env.c), and the
 * state as images in memory hold it.
 */
#ifndef CPU_X86_X87_H
#define CPU_X86_X87_H

#include "cpu/fp/f80.h"
#include "cpu/x86/x86.h"

/* The status word, SDM 1-8.1.3. */
enum {
    X87_IE = 1 << 0,
    X87_DE = 1 << 1,
    X87_ZE = 1 << 2,
    X87_OE = 1 << 3,
    X87_UE = 1 << 4,
    X87_PE = 1 << 5,
    X87_EXCEPTIONS = 0x3f, /* masks are the same bits of the control word */
    X87_SF = 1 << 6,
    X87_ES = 1 << 7,
    X87_C0 = 1 << 8,
    X87_C1 = 1 << 9,
    X87_C2 = 1 << 10,
    X87_TOP = 7 << 11,
    X87_C3 = 1 << 14,
    X87_B = 1 << 15,
};
#define X87_TOP_SHIFT 11
#define X87_CONTROL_INIT 0x37f

/* Second digit of D8, DC, DA and DE, which is the operation. */
enum x87_operation {
    X87_ADD,
    X87_MUL,
    X87_COM,
    X87_COMP,
    X87_SUB,
    X87_SUBR,
    X87_DIV,
    X87_DIVR,
};

/* What a helper does besides. */
enum {
    X87_POP = 1,
    X87_QUIET = 2,  /* a quiet NaN is not invalid */
    X87_TRUNCATE = 8,
    X87_POP_TWICE = 16,
    X87_UNCHECKED = 32, /* an empty register is just popped */
};

/* D9 E0 to FF, by the last 5 bits. */
enum x87_function {
    X87_FCHS = 0x00,
    X87_FABS = 0x01,
    X87_FTST = 0x04,
    X87_FXAM = 0x05,
    X87_FLD1 = 0x08, /* to 0x0e: constants */
    X87_F2XM1 = 0x10,
    X87_FYL2X,
    X87_FPTAN,
    X87_FPATAN,
    X87_FXTRACT,
    X87_FPREM1,
    X87_FDECSTP,
    X87_FINCSTP,
    X87_FPREM,
    X87_FYL2XP1,
    X87_FSQRT,
    X87_FSINCOS,
    X87_FRNDINT,
    X87_FSCALE,
    X87_FSIN,
    X87_FCOS,
};

/*
 * Helpers.  All but the last group wait: false is #MF of an exception before.
 * ea, segment: where an operand in memory is; those that store do it
 * themselves, since nothing may change if they cannot.
 */
bool x86_fpu_wait(struct cpu *c);
bool x86_fpu_arith(struct cpu *c, uint8_t op, uint8_t i);
/* ST(i) = ST(i) op ST(0) */
bool x86_fpu_arith_to(struct cpu *c, uint8_t op, uint8_t i, uint8_t how);
bool x86_fpu_arith_f32(struct cpu *c, uint8_t op, uint32_t v, uint64_t ea,
                       uint8_t segment);
bool x86_fpu_arith_f64(struct cpu *c, uint8_t op, uint64_t v, uint64_t ea,
                       uint8_t segment);
bool x86_fpu_arith_int(struct cpu *c, uint8_t op, uint64_t v, uint64_t ea,
                       uint8_t segment);
bool x86_fpu_compare(struct cpu *c, uint8_t i, uint8_t how);
/* Into ZF, PF and CF. */
bool x86_fpu_compare_flags(struct cpu *c, uint8_t i, uint8_t how);
bool x86_fpu_function(struct cpu *c, uint8_t function);
bool x86_fpu_move(struct cpu *c, uint8_t i, uint8_t condition);
bool x86_fpu_load(struct cpu *c, uint8_t i);
bool x86_fpu_load_f32(struct cpu *c, uint32_t v, uint64_t ea, uint8_t segment);
bool x86_fpu_load_f64(struct cpu *c, uint64_t v, uint64_t ea, uint8_t segment);
bool x86_fpu_load_int(struct cpu *c, uint64_t v, uint64_t ea, uint8_t segment);
bool x86_fpu_load_f80(struct cpu *c, uint64_t low, uint16_t high, uint64_t ea,
                      uint8_t segment);
bool x86_fpu_load_bcd(struct cpu *c, uint64_t low, uint16_t high, uint64_t ea,
                      uint8_t segment);
bool x86_fpu_store(struct cpu *c, uint8_t i, uint8_t how);
/* bytes: 4 or 8; 10: as it is */
bool x86_fpu_store_float(struct cpu *c, uint64_t ea, uint8_t segment,
                         uint8_t bytes, uint8_t how);
bool x86_fpu_store_int(struct cpu *c, uint64_t ea, uint8_t segment,
                       uint8_t bytes, uint8_t how);
bool x86_fpu_store_bcd(struct cpu *c, uint64_t ea, uint8_t segment);
bool x86_fpu_exchange(struct cpu *c, uint8_t i);
bool x86_fpu_free(struct cpu *c, uint8_t i, uint8_t how);
bool x86_fpu_set_control(struct cpu *c, uint16_t v);

/* These do not wait. */
void x86_fpu_init(struct cpu *c);
void x86_fpu_clear(struct cpu *c);
void x86_fpu_status(struct cpu *c); /* into scratch */
void x86_fpu_get_control(struct cpu *c);

/* x87_env.c; bytes: the operand size.  The loading ones wait. */
bool x86_fpu_store_env(struct cpu *c, uint64_t ea, uint8_t segment,
                       uint8_t bytes);
bool x86_fpu_load_env(struct cpu *c, uint64_t ea, uint8_t segment,
                      uint8_t bytes);
bool x86_fpu_save(struct cpu *c, uint64_t ea, uint8_t segment, uint8_t bytes);
bool x86_fpu_restore(struct cpu *c, uint64_t ea, uint8_t segment,
                     uint8_t bytes);
/* XSAVE's components, and the place of those that are not in the legacy area:
 * that of AVX is left free. */
#define XFEATURE_X87 UINT64_C(1)
#define XFEATURE_SSE UINT64_C(2)
#define XFEATURE_PKRU UINT64_C(0x200)
#define XSAVE_PKRU 832u
/* Bytes of the area for these components. */
unsigned x86_xsave_size(uint64_t components);
bool x86_fxsave(struct cpu *c, uint64_t ea, uint8_t segment, uint8_t bytes);
bool x86_fxrstor(struct cpu *c, uint64_t ea, uint8_t segment, uint8_t bytes);
bool x86_xsave(struct cpu *c, uint64_t ea, uint8_t segment, uint8_t bytes);
bool x86_xrstor(struct cpu *c, uint64_t ea, uint8_t segment, uint8_t bytes);

/* ------------------------------------------------------------- the state */

/* What follows from CR0 and the status word. */
void x87_settle(struct x86_cpu *g);
/* Is there no exception that waits?  Else #MF is pending. */
bool x87_waits(struct cpu *c);
/* As after a reset: FNINIT's, and empty registers. */
void x87_reset(struct x86_cpu *g);
/* With TOP. */
uint16_t x87_status(const struct x86_cpu *g);
/* TOP and ES follow; the control word comes before it. */
void x87_set_status(struct x86_cpu *g, uint16_t v);
void x87_set_control(struct x86_cpu *g, uint16_t v);
/* Two bits a register: valid, zero, special, empty. */
uint16_t x87_tags(const struct x86_cpu *g);
/* The opcode of the last unmasked exception, found if it is due. */
uint16_t x87_opcode(struct x86_cpu *g);

#endif
