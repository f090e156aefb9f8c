/*
 * Products and quotients, which want rax and rdx.  See value.c.
 */
#include "jit/x86_64/gen.h"

static int product(struct gen *g, bool w, ir_ref ra, ir_ref rb, int want)
{
    int a = value(g, ra, NO_REG), b = value(g, rb, NO_REG), d;

    used(g, ra, a);
    used(g, rb, b);
    d = result(g, want);
    if (d == b) {
        int t = a;

        a = b;
        b = t;
    }
    e_mov(&g->e, d, a);
    e_imul(&g->e, w, d, b);
    return d;
}

int multiply(struct gen *g, const struct ir_node *n, int want)
{
    int d;

    if (ir_bits(n->type) > 64 || n->type == IR_I1) {
        g->failed = true;
        return RAX;
    }
    d = product(g, wide(n), n->a, n->b, want);
    trim_value(g, n, d);
    return d;
}

/* High halves and quotients want rax and rdx, and leave rcx to an operand:
 * all three must be free. */
static bool all_free(struct gen *g)
{
    for (unsigned i = 0; i < N_TEMPS; i++)
        g->failed |= !evict(g, temps[i]);
    return !g->failed;
}

static int product_high(struct gen *g, bool is_signed, ir_ref ra, ir_ref rb,
                        int want)
{
    int a, b, d;

    if (!all_free(g))
        return RAX;
    b = value(g, rb, NO_REG);
    if (b == RAX || b == RDX) {
        const bool held = g->reg[rb] == b;

        g->failed |= !evict(g, RCX);
        e_mov(&g->e, RCX, b);
        drop(g, b);
        if (held) {
            move_held(g, b, RCX);
            unlock(g, b);
            lock(g, RCX);
        }
        b = take_reg(g, RCX);
    }
    a = value(g, ra, NO_REG);
    used(g, ra, a);
    if (g->failed || !evict(g, RAX) || !evict(g, RDX)) {
        g->failed = true;
        return RAX;
    }
    e_mov(&g->e, RAX, a);
    e_f7(&g->e, true, is_signed ? 5 : 4, b);
    used(g, rb, b);
    d = result(g, want);
    e_mov(&g->e, d, RDX);
    return d;
}

int multiply_high(struct gen *g, const struct ir_node *n, int want)
{
    if (n->op == IR_MULHSU || !wide(n)) {
        g->failed = true;
        return RAX;
    }
    return product_high(g, n->op == IR_MULHS, n->a, n->b, want);
}

/*
 * Total division: by 0 gives 0 (rest 0), by -1 the negative (rest 0); the
 * processor would raise for both.
 */
int divide(struct gen *g, const struct ir_node *n, int want)
{
    bool w = wide(n), is_signed = n->op == IR_SDIV || n->op == IR_SREM;
    bool rest = n->op == IR_UREM || n->op == IR_SREM;
    uint8_t *zero, *minus = NULL, *done = NULL, *done2;
    int a, b, d;

    if (n->type != IR_I64 && n->type != IR_I32)
        g->failed = true;
    if (g->failed || !all_free(g))
        return RAX;
    b = value(g, n->b, NO_REG);
    g->failed |= b != RCX && !evict(g, RCX);
    e_mov(&g->e, RCX, b);
    used(g, n->b, b);
    take_reg(g, RCX);
    lock(g, RCX);
    a = value(g, n->a, NO_REG);
    used(g, n->a, a);
    g->failed |= !evict(g, RAX) || !evict(g, RDX);
    e_mov(&g->e, RAX, a);
    e_imm(&g->e, RDX, 0);
    e_test(&g->e, w, RCX, RCX);
    zero = e_jcc(&g->e, CC_E);
    if (is_signed) {
        e_alu_imm(&g->e, w, ALU_CMP, RCX, -1);
        minus = e_jcc(&g->e, CC_E);
        e8(&g->e, w ? 0x48 : 0x90); /* cqo or nop, cdq */
        e8(&g->e, 0x99);
    }
    e_f7(&g->e, w, is_signed ? 7 : 6, RCX);
    done2 = e_jmp(&g->e);
    if (is_signed) {
        e_patch(minus, g->e.at);
        e_f7(&g->e, w, 3, RAX);
        done = e_jmp(&g->e);
    }
    e_patch(zero, g->e.at);
    e_imm(&g->e, RAX, 0);
    if (done)
        e_patch(done, g->e.at);
    e_patch(done2, g->e.at);
    unlock(g, RCX);
    if (g->reg[n->b] != RCX || !g->uses[n->b])
        drop(g, RCX);
    d = result(g, want);
    copy_value(g, w, d, rest ? RDX : RAX);
    return d;
}

int half_product(struct gen *g, const struct ir_node *n, int want)
{
    const struct ir_node *p = node(g, n->a), *a, *b;

    if (p->op == IR_MUL && n->type == IR_I64) {
        a = node(g, p->a);
        b = node(g, p->b);
        if (a->op == b->op && (a->op == IR_ZX || a->op == IR_SX) &&
            node(g, a->a)->type == IR_I64 && node(g, b->a)->type == IR_I64) {
            /* Both halves may be wanted, and each computes its own. */
            if (g->uses[a->a] < 255)
                g->uses[a->a]++;
            if (g->uses[b->a] < 255)
                g->uses[b->a]++;
            if (n->op == IR_LO)
                return product(g, true, a->a, b->a, want);
            return product_high(g, a->op == IR_SX, a->a, b->a, want);
        }
    }
    g->failed = true;
    return RAX;
}
