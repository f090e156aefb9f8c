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

/* What a store does besides. */
enum {
    X87_POP = 1,
    X87_TRUNCATE = 8,
};

/* How an operation ended, for x86_post(). */
enum {
    X87_UNDERFLOW = 1, /* of the stack: the invalid exception alone */
    X87_OVERFLOW = 2,
    X87_KEEP_C1 = 4,
    X87_LOADS = 8, /* an unmasked denormal does not keep it from its result */
};

/*
 * Helpers.  Those that give a bool wait: false is #MF of an exception before.
 * ea, segment: where an operand in memory is, which they store to themselves,
 * since nothing may change if they cannot.
 */
/* What operations have raised is the guest's; also into scratch: do their
 * results count? */
bool x86_post(struct cpu *c, uint8_t how);
/* bytes: 4 or 8; 10: as it is */
bool x86_fpu_store_float(struct cpu *c, uint64_t ea, uint8_t segment,
                         uint8_t bytes, uint8_t how);
bool x86_fpu_store_int(struct cpu *c, uint64_t ea, uint8_t segment,
                       uint8_t bytes, uint8_t how);
bool x86_fpu_store_bcd(struct cpu *c, uint64_t ea, uint8_t segment);
bool x86_fpu_set_control(struct cpu *c, uint16_t v);

/* These do not wait. */
void x86_fpu_init(struct cpu *c);
void x86_fpu_clear(struct cpu *c);

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

/* What follows from CR0, the control and the status word. */
void x87_settle(struct x86_cpu *g);
/* Is there no exception that waits?  Else #MF is pending. */
bool x87_waits(struct cpu *c);
/* FERR# as it is to be. */
static inline bool x87_ferr(const struct x86_cpu *g)
{
    return (g->x87.status & X87_ES) && !(g->cr0 & CR0_NE);
}
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
