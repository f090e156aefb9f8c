/*
 * Lazy flags in a translator's IR (ir.h): definitions and uses as operations
 * on the two values that are kept, as the interpreter's handlers have them
 * (cpu/isa/README.md).
 */
#include "cpu/core/engine.h"
#include "cpu/ir/ir.h"

#define SLOT_A offsetof(struct cpu, flag_a)
#define SLOT_B offsetof(struct cpu, flag_b)

static unsigned log_bytes(unsigned bits)
{
    return bits == 8 ? 0 : bits == 16 ? 1 : bits == 32 ? 2 : 3;
}

void ir_flags_begin(struct ir *ir)
{
    struct ir_flags *f = ir->flags;

    f->now = f->kind;
    f->a = f->b = IR_NONE;
    f->failed = false;
}

bool ir_flags_end(const struct ir *ir)
{
    return !ir->flags->failed && ir->flags->now == ir->flags->after;
}

static ir_ref zero(struct ir *ir, enum ir_type type)
{
    return ir_const(ir, type, 0);
}

/* The flags so far, packed. */
static ir_ref packed(struct ir *ir)
{
    struct ir_flags *f = ir->flags;
    ir_ref v[3] = {f->a, f->b, IR_NONE};

    if (v[0] == IR_NONE)
        v[0] = ir_get(ir, IR_I64, SLOT_A);
    if (f->now == FLAGS_BITS)
        return v[0];
    if (v[1] == IR_NONE)
        v[1] = ir_get(ir, IR_I64, SLOT_B);
    for (unsigned n = 1; f->now && n < f->guest->n_families; n++)
        for (unsigned size = 0; size < 4; size++)
            if (f->guest->families[n].kinds[size] == f->now)
                return f->guest->flag_bits_ir(ir, n, 8u << size, v,
                                              UINT32_MAX);
    f->failed = true;
    return zero(ir, IR_I64);
}

static void keep(struct ir *ir, unsigned kind, ir_ref a, ir_ref b)
{
    struct ir_flags *f = ir->flags;

    f->now = kind;
    f->a = a;
    f->b = b;
    if (!f->live)
        return;
    ir_put(ir, IR_I64, SLOT_A, a);
    if (b != IR_NONE)
        ir_put(ir, IR_I64, SLOT_B, b);
}

void ir_flags_pack(struct ir *ir)
{
    struct ir_flags *f = ir->flags;

    ir_put(ir, IR_I64, SLOT_A, packed(ir));
    f->kind = f->now = FLAGS_BITS;
    f->a = f->b = IR_NONE;
}

ir_ref ir_flags_use(struct ir *ir, unsigned condition)
{
    struct ir_flags *f = ir->flags;
    ir_ref r = IR_NONE;

    if (f->a == IR_NONE && f->kind != FLAGS_IN_CPU)
        r = f->guest->flag_use_ir(ir, f->kind, condition,
                                  ir_get(ir, IR_I64, SLOT_A),
                                  ir_get(ir, IR_I64, SLOT_B));
    if (r != IR_NONE)
        return r;
    f->failed |= !f->dead;
    return zero(ir, IR_I1);
}

/* Values as a family keeps them. */
static void extend(struct ir *ir, enum ir_type type, const struct ir_family *m,
                   const ir_ref v[3], ir_ref out[3])
{
    for (unsigned n = 0; n < 3; n++) {
        out[n] = v[n];
        if (n < m->count && type != IR_I64)
            out[n] = ir_unary(ir, m->typed >> n & 1 ? IR_ZX : IR_SX, IR_I64,
                              v[n]);
    }
}

static ir_ref mask(struct ir *ir, ir_ref v, uint64_t bits)
{
    return ir_binary(ir, IR_AND, IR_I64, v, ir_const(ir, IR_I64, bits));
}

void ir_flags_define(struct ir *ir, enum ir_type type, unsigned family,
                     const ir_ref v[3], ir_ref cond, uint32_t kept)
{
    struct ir_flags *f = ir->flags;
    const struct ir_family *m = &f->guest->families[family];
    const unsigned kind = m->kinds[log_bytes(ir_bits(type))];
    ir_ref x[3], bits, old = IR_NONE;

    if (f->skip)
        return;
    extend(ir, type, m, v, x);
    if (kind && kind == f->after && !kept && cond == IR_NONE) {
        keep(ir, kind, x[0], m->count > 1 ? x[1] : IR_NONE);
        return;
    }
    if (kept || cond != IR_NONE)
        old = packed(ir);
    if (family)
        bits = f->guest->flag_bits_ir(ir, family, ir_bits(type), x,
                                      f->live & ~kept);
    else
        bits = type == IR_I64 ? v[0] : ir_unary(ir, IR_ZX, IR_I64, v[0]);
    if (kept)
        bits = ir_binary(ir, IR_OR, IR_I64, mask(ir, old, kept),
                         family ? bits : mask(ir, bits, ~(uint64_t)kept));
    if (cond != IR_NONE)
        bits = ir_select(ir, IR_I64, cond, bits, old);
    keep(ir, FLAGS_BITS, bits, IR_NONE);
}
