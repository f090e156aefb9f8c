/*
 * Loads and stores through the soft TLB.
 */
#include "jit/x86_64/gen.h"

/*
 * The soft TLB, for `size` bytes at the address of node r: leaves the
 * addend in rax, base register and displacement of the address besides.
 */
static int address(struct gen *g, ir_ref r, int32_t *disp, bool write,
                   unsigned size, int *addend)
{
    const struct ir_node *n = node(g, r);
    int64_t k;
    int base, t, u;
    int32_t tag = write ? CPU(write) : CPU(read);

    *disp = 0;
    if (n->op == IR_ADD && g->uses[r] <= 1 && g->reg[r] == NO_REG &&
        n->type == IR_I64 && constant(g, n->b, &k) && fits32(k) &&
        fits32(k + 8)) {
        *disp = (int32_t)k;
        base = value(g, n->a, NO_REG);
    } else {
        base = value(g, r, NO_REG);
    }
    t = take_temp(g);
    u = take_temp(g);
    if (g->failed)
        return base;
    e_lea(&g->e, t, base, NO_REG, 0, *disp + (int32_t)size - 1);
    e_lea(&g->e, u, base, NO_REG, 0, *disp);
    e_shift_imm(&g->e, false, SHIFT_SHR, u, PAGE_BITS - 4);
    e_alu_imm(&g->e, true, ALU_AND, t, -(int32_t)PAGE_SIZE);
    e_alu_imm(&g->e, false, ALU_AND, u, (int32_t)((TLB_SIZE - 1) << 4));
    e_alu_mem(&g->e, true, ALU_OR, t, RBP, CPU(data_context));
    /* cmp t, [rbp + u + tag] */
    e_op_mem(&g->e, true, 0x3b, t, RBP, u, 0, tag);
    interpret_if(g, CC_NE);
    e_op_mem(&g->e, true, 0x8b, t, RBP, u, 0,
             tag + (int32_t)offsetof(struct tlb_entry, addend));
    drop(g, u);
    *addend = t;
    return base;
}

/* Give back the register of an address. */
static void address_done(struct gen *g, ir_ref r, int base, int addend)
{
    const struct ir_node *n = node(g, r);
    int64_t k;

    drop(g, addend);
    if (n->op == IR_ADD && g->reg[r] == NO_REG && g->uses[r] <= 1 &&
        n->type == IR_I64 && constant(g, n->b, &k) && fits32(k) &&
        fits32(k + 8))
        used(g, n->a, base);
    else
        used(g, r, base);
}

int load(struct gen *g, const struct ir_node *n, int want, unsigned sign_to)
{
    unsigned bits = ir_bits(n->type);
    int32_t disp;
    int addend, base, d;

    base = address(g, n->a, &disp, false, bits / 8, &addend);
    if (g->failed)
        return RAX;
    address_done(g, n->a, base, addend);
    d = result(g, want);
    switch (bits) {
    case 8:
        e_op_mem(&g->e, sign_to != 0, sign_to ? 0x0fbe : 0x0fb6, d, addend,
                 base, 0, disp);
        break;
    case 16:
        e_op_mem(&g->e, sign_to != 0, sign_to ? 0x0fbf : 0x0fb7, d, addend,
                 base, 0, disp);
        break;
    case 32:
        e_op_mem(&g->e, sign_to != 0, sign_to ? 0x63 : 0x8b, d, addend, base, 0,
                 disp);
        break;
    default:
        e_op_mem(&g->e, true, 0x8b, d, addend, base, 0, disp);
    }
    return d;
}

void store(struct gen *g, const struct ir_node *n)
{
    unsigned bits = ir_bits(n->type);
    ir_ref rv = low_part(g, n->b);
    int64_t k;
    int32_t disp;
    int addend, base, v;

    /* Three temporaries: the value waits for the address's to be free. */
    base = address(g, n->a, &disp, true, bits / 8, &addend);
    if (bits == 64 && constant(g, n->b, &k) && fits32(k) && !g->failed) {
        e_op_mem(&g->e, true, 0xc7, 0, addend, base, 0, disp);
        e32(&g->e, (uint32_t)k);
        address_done(g, n->a, base, addend);
        return;
    }
    v = value(g, rv, NO_REG);
    if (g->failed)
        return;
    if (bits == 8) {
        e_rex(&g->e, false, v, base, addend, true);
        e8(&g->e, 0x88);
        e_modrm_mem(&g->e, v, addend, base, 0, disp);
    } else {
        if (bits == 16)
            e8(&g->e, 0x66);
        e_op_mem(&g->e, bits == 64, 0x89, v, addend, base, 0, disp);
    }
    used(g, rv, v);
    address_done(g, n->a, base, addend);
}
