/*
 * What the lifter generated from an x86 .isa file asks of an instruction:
 * registers, addresses and targets as IR.
 *
 * The guest's header defines X86_LIFT_SLOT(member), the offset of a member
 * of its struct, and the numbers of its helpers linear and target,
 * X86_LIFT_LINEAR and X86_LIFT_TARGET; its #GP is X86_LIFT_GP.  In flat code
 * no helper is called: an address beyond the mode's is for class->translate
 * to refuse, which finds the segment in cpu->space.
 */
#ifndef CPU_X86_LIFT_H
#define CPU_X86_LIFT_H

#include "cpu/ir/ir.h"
#include "cpu/x86/regs.h"

/* Called from a thousand places: not inline. */
#define X86_LIFT_FN static __attribute__((unused, noinline))

#if X86_AT16
#define X86_LOW(bits) (8u - (bits) / 8u)
#else
#define X86_LOW(bits) 0u
#endif

/* IR_SPACE of a segment. */
#define X86_SPACE(segment) ((segment) + 1u)

X86_LIFT_FN ir_ref x86_lift_const(struct ir *ir, uint64_t v)
{
    return ir_const(ir, IR_I64, v);
}

X86_LIFT_FN ir_ref x86_lift_op(struct ir *ir, enum ir_op op, ir_ref a,
                               uint64_t b)
{
    return ir_binary(ir, op, IR_I64, a, x86_lift_const(ir, b));
}

X86_LIFT_FN uint64_t x86_lift_gpr(unsigned n)
{
    return X86_LIFT_SLOT(g) + 8 * n;
}

/* at: a register, for IR_I8 an offset in bytes. */
X86_LIFT_FN ir_ref x86_lift_get(struct ir *ir, enum ir_type t, unsigned at)
{
    unsigned n = t == IR_I8 ? at / 8 : at;
    ir_ref whole = ir_get(ir, IR_I64, x86_lift_gpr(n));

    if (t == IR_I64)
        return whole;
    if (t == IR_I8 && at % 8)
        whole = x86_lift_op(ir, IR_SHR, whole, 8);
    return ir_unary(ir, IR_LO, t, whole);
}

/* 32 bits clear the upper half, narrower ones leave the rest. */
X86_LIFT_FN void x86_lift_put(struct ir *ir, enum ir_type t, unsigned at,
                              ir_ref value, ir_ref when)
{
    unsigned n = t == IR_I8 ? at / 8 : at;
    ir_ref old = IR_NONE;

    if (t < IR_I32 || when != IR_NONE)
        old = ir_get(ir, IR_I64, x86_lift_gpr(n));
    if (t == IR_I32)
        value = ir_unary(ir, IR_ZX, IR_I64, value);
    else if (t < IR_I32)
        value = ir_deposit(ir, IR_I64, old, value, t == IR_I8 ? at % 8 * 8 : 0);
    if (when != IR_NONE)
        value = ir_select(ir, IR_I64, when, value, old);
    ir_put(ir, IR_I64, x86_lift_gpr(n), value);
}

X86_LIFT_FN ir_ref x86_lift_imm(struct ir *ir, enum ir_type t,
                                const struct insn *i)
{
    return ir_const(ir, t, i->facts & INSN_DATA ? i->data : (uint64_t)i->imm);
}

/* ----------------------------------------------------------- modes, masks */

X86_LIFT_FN bool x86_lift_long(const struct insn *i)
{
    return (i->mode & X86_MODE_SIZE) == X86_MODE_64;
}

/* Bases 0 and limits that nothing reaches. */
X86_LIFT_FN bool x86_lift_flat(const struct insn *i)
{
    return x86_lift_long(i) || ((i->mode & X86_MODE_SIZE) == X86_MODE_32 &&
                                (i->mode & X86_MODE_FLAT));
}

X86_LIFT_FN uint64_t x86_lift_code_mask(const struct insn *i)
{
    switch (i->mode & X86_MODE_SIZE) {
    case X86_MODE_64:
        return UINT64_MAX;
    case X86_MODE_32:
        return 0xffffffff;
    default:
        return 0xffff;
    }
}

X86_LIFT_FN uint64_t x86_lift_stack_mask(const struct insn *i)
{
    if (x86_lift_long(i))
        return UINT64_MAX;
    return i->mode & X86_MODE_STACK32 ? 0xffffffff : 0xffff;
}

X86_LIFT_FN uint64_t x86_lift_address_mask(const struct insn *i)
{
    return x86_address_mask(i->reg[3], x86_lift_code_mask(i));
}

X86_LIFT_FN ir_ref x86_lift_cut(struct ir *ir, ir_ref v, uint64_t mask)
{
    return mask == UINT64_MAX ? v : x86_lift_op(ir, IR_AND, v, mask);
}

X86_LIFT_FN ir_ref x86_lift_stack_cut(struct ir *ir, const struct insn *i,
                                      ir_ref v)
{
    return x86_lift_cut(ir, v, x86_lift_stack_mask(i));
}

X86_LIFT_FN ir_ref x86_lift_address_cut(struct ir *ir, const struct insn *i,
                                        ir_ref v)
{
    return x86_lift_cut(ir, v, x86_lift_address_mask(i));
}

X86_LIFT_FN void x86_lift_put_cut(struct ir *ir, unsigned n, uint64_t mask,
                                  ir_ref v)
{
    if (mask == 0xffff)
        x86_lift_put(ir, IR_I16, n, ir_unary(ir, IR_LO, IR_I16, v), IR_NONE);
    else
        x86_lift_put(ir, IR_I64, n, x86_lift_cut(ir, v, mask), IR_NONE);
}

X86_LIFT_FN ir_ref x86_lift_stack_register(struct ir *ir, const struct insn *i,
                                           unsigned n)
{
    return x86_lift_stack_cut(ir, i, x86_lift_get(ir, IR_I64, n));
}

X86_LIFT_FN void x86_lift_put_stack_register(struct ir *ir,
                                             const struct insn *i, unsigned n,
                                             ir_ref v)
{
    x86_lift_put_cut(ir, n, x86_lift_stack_mask(i), v);
}

X86_LIFT_FN ir_ref x86_lift_address_register(struct ir *ir,
                                             const struct insn *i, unsigned n)
{
    return x86_lift_address_cut(ir, i, x86_lift_get(ir, IR_I64, n));
}

X86_LIFT_FN void x86_lift_put_address_register(struct ir *ir,
                                               const struct insn *i, unsigned n,
                                               ir_ref v)
{
    x86_lift_put_cut(ir, n, x86_lift_address_mask(i), v);
}

/* ------------------------------------------------------------- addresses */

/* Offset of the memory operand in its segment. */
X86_LIFT_FN ir_ref x86_lift_ea(struct ir *ir, const struct insn *i,
                               int32_t offset)
{
    uint64_t disp = i->facts & INSN_EXTRA ? i->extra : (uint64_t)i->imm;
    ir_ref ea;

    if (i->reg[1] == X86_PAGE)
        ea = ir_pc(ir, IR_I64, offset);
    else if (i->reg[1] == X86_NONE)
        ea = IR_NONE;
    else
        ea = x86_lift_get(ir, IR_I64, i->reg[1]);
    if (i->reg[2] != X86_NONE) {
        ir_ref index = x86_lift_get(ir, IR_I64, i->reg[2]);

        if (i->reg[3] & 3)
            index = x86_lift_op(ir, IR_SHL, index, i->reg[3] & 3);
        ea = ea == IR_NONE ? index : ir_binary(ir, IR_ADD, IR_I64, ea, index);
    }
    if (ea == IR_NONE)
        ea = x86_lift_const(ir, disp);
    else if (disp)
        ea = x86_lift_op(ir, IR_ADD, ea, disp);
    return x86_lift_address_cut(ir, i, ea);
}

/* Where the bit is that register a counts from there, for operands of type t:
 * the offset of its operand. */
X86_LIFT_FN ir_ref x86_lift_bit_place(struct ir *ir, const struct insn *i,
                                      ir_ref ea, enum ir_type t)
{
    unsigned log = t == IR_I16 ? 4 : t == IR_I32 ? 5 : 6;
    ir_ref at = x86_lift_get(ir, t, i->reg[0]);

    if (t != IR_I64)
        at = ir_unary(ir, IR_SX, IR_I64, at);
    at = x86_lift_op(ir, IR_SHL, x86_lift_op(ir, IR_SAR, at, log), log - 3);
    return x86_lift_address_cut(ir, i, ir_binary(ir, IR_ADD, IR_I64, ea, at));
}

X86_LIFT_FN ir_ref x86_lift_aligned(struct ir *ir, ir_ref va, unsigned access)
{
    ir_ref low, zero;

    if (access & X86_ALIGNED) {
        low = x86_lift_op(ir, IR_AND, va, 15);
        zero = x86_lift_const(ir, 0);
        ir_raise_if(ir, ir_binary(ir, IR_NE, IR_I1, low, zero), X86_LIFT_GP,
                    zero);
    }
    return va;
}

/* The linear address of an offset in a segment, checked as far as
 * class->translate does not; access: enum x86_access. */
X86_LIFT_FN ir_ref x86_lift_linear(struct ir *ir, const struct insn *i,
                                   unsigned segment, ir_ref off, unsigned size,
                                   unsigned access)
{
    ir_ref args[4];

    if (x86_lift_long(i)) {
        ir_ref base;

        if (segment >= SEG_FS) {
            base = ir_get(ir, IR_I64,
                          segment == SEG_FS ? X86_LIFT_SLOT(fs_base)
                                            : X86_LIFT_SLOT(gs_base));
            off = ir_binary(ir, IR_ADD, IR_I64, base, off);
        }
        return x86_lift_aligned(ir, off, access);
    }
    /* Code cannot be written. */
    if (x86_lift_flat(i) && segment < SEG_FS && segment != SEG_CS)
        return x86_lift_aligned(ir, x86_lift_cut(ir, off, 0xffffffff), access);
    args[0] = ir_const(ir, IR_I8, segment);
    args[1] = off;
    args[2] = ir_const(ir, IR_I8, size);
    args[3] = ir_const(ir, IR_I8, access);
    return ir_call(ir, IR_I64, X86_LIFT_LINEAR, IR_CALL_RAISES | IR_CALL_PURE,
                   4, args);
}

X86_LIFT_FN void x86_lift_again(struct ir *ir, ir_ref unfinished)
{
    ir_again_if(ir,
                ir_binary(ir, IR_NE, IR_I1, unfinished, x86_lift_const(ir, 0)));
}

/* --------------------------------------------------------------- targets */

/* The instruction pointer of what lies at cpu->page + offset. */
X86_LIFT_FN ir_ref x86_lift_offset(struct ir *ir, const struct insn *i,
                                   int32_t offset)
{
    ir_ref pc = ir_pc(ir, IR_I64, offset);

    if (x86_lift_flat(i))
        return pc;
    return ir_binary(ir, IR_SUB, IR_I64, pc,
                     ir_get(ir, IR_I64, X86_LIFT_SLOT(cs_base)));
}

/* An instruction pointer of `size` bytes as a linear address, checked. */
X86_LIFT_FN ir_ref x86_lift_target(struct ir *ir, const struct insn *i,
                                   ir_ref to, unsigned size)
{
    ir_ref args[4] = {to, IR_NONE, IR_NONE, IR_NONE};

    if (x86_lift_long(i)) {
        ir_ref same =
            x86_lift_op(ir, IR_SAR, x86_lift_op(ir, IR_SHL, to, 16), 16);

        ir_raise_if(ir, ir_binary(ir, IR_NE, IR_I1, same, to), X86_LIFT_GP,
                    x86_lift_const(ir, 0));
        return to;
    }
    if (x86_lift_flat(i) && size == 4)
        return x86_lift_cut(ir, to, 0xffffffff);
    args[1] = ir_const(ir, IR_I8, size);
    return ir_call(ir, IR_I64, X86_LIFT_TARGET, IR_CALL_RAISES | IR_CALL_PURE,
                   2, args);
}

/* Can a branch by imm be a direct exit?  Its target's offset fits, and it
 * stays where nothing wraps: in 32-bit code, in its page. */
X86_LIFT_FN bool x86_lift_direct(const struct insn *i, int32_t offset,
                                 unsigned size)
{
    int64_t to = offset + i->imm;

    if (x86_lift_long(i))
        return i->imm < INT32_MAX - 2 * (int64_t)PAGE_SIZE &&
               i->imm > INT32_MIN + 2 * (int64_t)PAGE_SIZE;
    return x86_lift_flat(i) && size == 4 && to >= 0 && to < (int64_t)PAGE_SIZE;
}

/* The checked target of a branch that is no direct exit; IR_NONE of others.
 * One that is not taken checks its own address instead, which passes. */
X86_LIFT_FN ir_ref x86_lift_branch_target(struct ir *ir, const struct insn *i,
                                          int32_t offset, ir_ref cond,
                                          unsigned size)
{
    ir_ref to;

    if (x86_lift_direct(i, offset, size))
        return IR_NONE;
    to = x86_lift_offset(ir, i, offset);
    if (cond == IR_NONE)
        to = x86_lift_op(ir, IR_ADD, to, (uint64_t)i->imm);
    else
        to = ir_select(ir, IR_I64, cond,
                       x86_lift_op(ir, IR_ADD, to, (uint64_t)i->imm), to);
    return x86_lift_target(ir, i, to, size);
}

X86_LIFT_FN void x86_lift_branch(struct ir *ir, const struct insn *i,
                                 int32_t offset, ir_ref cond, ir_ref to,
                                 enum ir_hint hint)
{
    if (to == IR_NONE && cond == IR_NONE)
        ir_exit(ir, offset + (int32_t)i->imm);
    else if (to == IR_NONE)
        ir_exit_if(ir, cond, offset + (int32_t)i->imm);
    else if (cond == IR_NONE)
        ir_exit_indirect(ir, to, hint);
    else
        ir_exit_indirect_if(ir, cond, to, hint);
}

#endif
