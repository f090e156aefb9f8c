/*
 * Values: IR trees into registers, computed where they are used.
 *
 * GET of a hot slot is its register; a PUT's tree is computed into the
 * register that it writes.  Whoever takes a register that value() gave says
 * used() when it is done with it.
 *
 * A value of 32 bits has zeros above them, in registers and in slots: the
 * host's operations of 32 bits leave them so.  Slots of 64 bits may thus hold
 * registers of 32, and addresses of 32 bits are used as they are.
 */
#include "jit/x86_64/gen.h"

/* ------------------------------------------------------------- registers */

int pin_of(const struct gen *g, uint64_t slot)
{
    const struct isa *isa = g->b->cpu->class->isa;

    for (unsigned i = 0; i < g->n_pins; i++)
        if (isa->hot_slots[i] == slot)
            return pins[i];
    return NO_REG;
}

int take_temp(struct gen *g)
{
    for (unsigned i = 0; i < N_TEMPS; i++)
        if (!(g->busy >> temps[i] & 1)) {
            g->busy |= (uint8_t)(1u << temps[i]);
            return temps[i];
        }
    g->failed = true;
    return RAX;
}

void drop(struct gen *g, int r)
{
    if (is_temp(r))
        g->busy &= (uint8_t) ~(1u << r);
}

/* A register for a result: the wanted one, or a temporary. */
int result(struct gen *g, int want)
{
    return want != NO_REG ? want : take_temp(g);
}

/* ----------------------------------------------------------- expressions */

/* Done with one use of a node's value in register `at`. */
void used(struct gen *g, ir_ref r, int at)
{
    if (g->uses[r] > 0 && g->uses[r] < 255)
        g->uses[r]--;
    if (g->reg[r] == at && g->uses[r] > 0)
        return; /* it is needed again */
    drop(g, at);
}

bool constant(const struct gen *g, ir_ref r, int64_t *v)
{
    const struct ir_node *n = node(g, r), *c = n;

    while (c->op == IR_LO)
        c = node(g, c->a);
    if (c->op != IR_CONST || ir_bits(n->type) < 32)
        return false;
    *v = n->type == IR_I32 ? (int32_t)c->imm : (int64_t)c->imm;
    return true;
}

/* The low bits of a value, whatever is above them: skip what only clears. */
ir_ref low_part(const struct gen *g, ir_ref r)
{
    while (node(g, r)->op == IR_LO && g->uses[r] <= 1 && g->reg[r] == NO_REG)
        r = node(g, r)->a;
    return r;
}

/* Is node r a slot in memory that can be an operand as it is? */
bool in_memory(const struct gen *g, ir_ref r)
{
    const struct ir_node *n = node(g, r);

    return n->op == IR_GET && n->type == IR_I64 && g->reg[r] == NO_REG &&
           pin_of(g, n->imm) == NO_REG;
}

void copy(struct gen *g, bool w, int d, int s)
{
    if (w)
        e_mov(&g->e, d, s);
    else if (d != s)
        e_mov32(&g->e, d, s);
}

static int alu_constant(struct gen *g, const struct ir_node *n, enum alu op,
                        ir_ref ra, int32_t k, int want)
{
    bool w = wide(n);
    int a = value(g, ra, NO_REG), d;

    used(g, ra, a);
    d = result(g, want);
    if (op == ALU_ADD && w && d != a) {
        e_lea(&g->e, d, a, NO_REG, 0, k);
        return d;
    }
    copy(g, w, d, a);
    if (op != ALU_ADD || k != 0 || !w)
        e_alu_imm(&g->e, w, op, d, k);
    return d;
}

static int alu(struct gen *g, const struct ir_node *n, enum alu op, int want,
               bool commutes)
{
    bool w = wide(n);
    ir_ref ra = w ? n->a : low_part(g, n->a);
    ir_ref rb = w ? n->b : low_part(g, n->b);
    int64_t k;
    int a, b, d;

    if (n->type != IR_I64 && n->type != IR_I32) {
        g->failed = true;
        return RAX;
    }
    /* x0 in an operand: a move */
    if (constant(g, n->a, &k) && k == 0 && op != ALU_SUB && op != ALU_AND) {
        int64_t c;

        if (constant(g, n->b, &c)) {
            d = result(g, want);
            e_imm(&g->e, d, w ? (uint64_t)c : (uint32_t)c);
            return d;
        }
        b = value(g, n->b, NO_REG);
        used(g, n->b, b);
        d = result(g, want);
        copy(g, w, d, b);
        return d;
    }
    if (constant(g, n->b, &k) && fits32(k))
        return alu_constant(g, n, op, ra, (int32_t)k, want);
    a = value(g, ra, NO_REG);
    if (w && in_memory(g, rb)) {
        used(g, ra, a);
        d = result(g, want);
        e_mov(&g->e, d, a);
        e_alu_mem(&g->e, true, op, d, RBP, (int32_t)node(g, rb)->imm);
        return d;
    }
    b = value(g, rb, NO_REG);
    used(g, ra, a);
    used(g, rb, b);
    d = result(g, want);
    if (op == ALU_ADD && w && d != a && d != b) {
        e_lea(&g->e, d, a, b, 0, 0);
        return d;
    }
    if (d == b && d != a && commutes) {
        e_alu(&g->e, w, op, d, a);
        return d;
    }
    if (d == b && d != a) {
        /* d = a - d: neither may be lost */
        uint8_t busy = g->busy;
        int t;

        g->busy |=
            (uint8_t)((is_temp(a) ? 1u << a : 0) | (is_temp(d) ? 1u << d : 0));
        t = take_temp(g);
        copy(g, w, t, a);
        e_alu(&g->e, w, op, t, b);
        e_mov(&g->e, d, t);
        g->busy = busy;
        return d;
    }
    copy(g, w, d, a);
    e_alu(&g->e, w, op, d, b);
    return d;
}

static int multiply(struct gen *g, const struct ir_node *n, int want)
{
    bool w = wide(n);
    int a = value(g, n->a, NO_REG), b = value(g, n->b, NO_REG), d;

    if (n->type != IR_I64 && n->type != IR_I32)
        g->failed = true;
    used(g, n->a, a);
    used(g, n->b, b);
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

/* High halves and quotients want rax and rdx, and leave rcx to an operand:
 * all three must be free. */
static bool all_free(struct gen *g)
{
    if (g->busy)
        g->failed = true;
    return !g->failed;
}

static int multiply_high(struct gen *g, const struct ir_node *n, int want)
{
    int a, b, d;

    if (n->op == IR_MULHSU || !wide(n) || !all_free(g)) {
        g->failed = true;
        return RAX;
    }
    b = value(g, n->b, NO_REG);
    if (is_temp(b) && b != RCX) {
        e_mov(&g->e, RCX, b);
        b = RCX;
    }
    g->busy = 1u << RCX;
    a = value(g, n->a, NO_REG);
    e_mov(&g->e, RAX, a);
    e_f7(&g->e, true, n->op == IR_MULHU ? 4 : 5, b);
    g->busy = 0;
    d = result(g, want);
    e_mov(&g->e, d, RDX);
    return d;
}

/*
 * Total division: by 0 gives 0 (rest 0), by -1 the negative (rest 0); the
 * processor would raise for both.
 */
static int divide(struct gen *g, const struct ir_node *n, int want)
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
    e_mov(&g->e, RCX, b);
    g->busy = 1u << RCX;
    a = value(g, n->a, NO_REG);
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
    g->busy = 0;
    d = result(g, want);
    copy(g, w, d, rest ? RDX : RAX);
    return d;
}

static int shift(struct gen *g, const struct ir_node *n, int want)
{
    static const uint8_t ops[] = {[IR_SHL - IR_SHL] = SHIFT_SHL,
                                  [IR_SHR - IR_SHL] = SHIFT_SHR,
                                  [IR_SAR - IR_SHL] = SHIFT_SAR,
                                  [IR_ROL - IR_SHL] = SHIFT_ROL,
                                  [IR_ROR - IR_SHL] = SHIFT_ROR};
    enum shift op = (enum shift)ops[n->op - IR_SHL];
    bool w = wide(n);
    /* A shift of 32 bits sees the low half only. */
    ir_ref ra = w ? n->a : low_part(g, n->a);
    const struct ir_node *count = node(g, n->b);
    int64_t k;
    int a, c, d;

    if (n->type != IR_I64 && n->type != IR_I32) {
        g->failed = true;
        return RAX;
    }
    if (constant(g, n->b, &k)) {
        if (k < 0 || k >= (w ? 64 : 32)) {
            g->failed = true;
            return RAX;
        }
        a = value(g, ra, NO_REG);
        used(g, ra, a);
        d = result(g, want);
        copy(g, w, d, a);
        if (k)
            e_shift_imm(&g->e, w, op, d, (unsigned)k);
        return d;
    }
    /* By a register the processor takes the count modulo the width, which
     * is right only where the row says so too. */
    if (op == SHIFT_ROL || op == SHIFT_ROR ||
        !(count->op == IR_AND && constant(g, count->b, &k) &&
          k == (w ? 63 : 31)) ||
        count->type != n->type || g->uses[n->b] > 1 || g->reg[n->b] != NO_REG) {
        const struct ir_node *lo = count;

        /* lo(u32, x and 31) */
        if (op == SHIFT_ROL || op == SHIFT_ROR || lo->op != IR_LO ||
            node(g, lo->a)->op != IR_AND ||
            !constant(g, node(g, lo->a)->b, &k) || k != 31 || w ||
            g->uses[n->b] > 1 || g->uses[lo->a] > 1) {
            g->failed = true;
            return RAX;
        }
        count = node(g, lo->a);
    }
    a = value(g, ra, NO_REG);
    c = value(g, count->a, NO_REG);
    used(g, ra, a);
    used(g, count->a, c);
    d = result(g, want);
    e_shiftx(&g->e, w, op, d, a, c);
    return d;
}

/* Compare the operands of n; the condition under which it is 1. */
static enum cc compare(struct gen *g, const struct ir_node *n)
{
    static const uint8_t conds[] = {
        [IR_EQ - IR_EQ] = CC_E,  [IR_NE - IR_EQ] = CC_NE,
        [IR_ULT - IR_EQ] = CC_B, [IR_ULE - IR_EQ] = CC_BE,
        [IR_SLT - IR_EQ] = CC_L, [IR_SLE - IR_EQ] = CC_LE};
    const struct ir_node *na = node(g, n->a);
    bool w = na->type == IR_I64;
    int64_t k;
    int a = value(g, n->a, NO_REG), b;

    if (na->type != IR_I64 && na->type != IR_I32)
        g->failed = true;
    if (constant(g, n->b, &k) && fits32(k)) {
        if (k == 0)
            e_test(&g->e, w, a, a);
        else
            e_alu_imm(&g->e, w, ALU_CMP, a, (int32_t)k);
        used(g, n->a, a);
        /* After TEST, carry and overflow are 0: all conditions hold. */
        return (enum cc)conds[n->op - IR_EQ];
    }
    if (w && in_memory(g, n->b)) {
        e_alu_mem(&g->e, true, ALU_CMP, a, RBP, (int32_t)node(g, n->b)->imm);
        used(g, n->a, a);
        return (enum cc)conds[n->op - IR_EQ];
    }
    b = value(g, n->b, NO_REG);
    e_alu(&g->e, w, ALU_CMP, a, b);
    used(g, n->a, a);
    used(g, n->b, b);
    return (enum cc)conds[n->op - IR_EQ];
}

/* Test a value of one bit: the condition under which it is 1. */
enum cc condition(struct gen *g, ir_ref r)
{
    const struct ir_node *n = node(g, r);
    int a;

    if (n->op >= IR_EQ && n->op <= IR_SLE && g->uses[r] <= 1 &&
        g->reg[r] == NO_REG)
        return compare(g, n);
    a = value(g, r, NO_REG);
    e_test(&g->e, false, a, a);
    used(g, r, a);
    return CC_NE;
}

static int select_value(struct gen *g, const struct ir_node *n, int want)
{
    int a, b, d;
    enum cc cc;

    if (n->type != IR_I64 && n->type != IR_I32) {
        g->failed = true;
        return RAX;
    }
    /* Into temporaries first: the condition's flags must survive. */
    b = value(g, n->c, NO_REG);
    if (!is_temp(b) || g->uses[n->c] > 1) {
        int t = take_temp(g);

        e_mov(&g->e, t, b);
        used(g, n->c, b);
        b = t;
    }
    a = value(g, n->b, NO_REG);
    cc = condition(g, n->a);
    e_cmov(&g->e, cc, b, a);
    used(g, n->b, a);
    if (want == NO_REG)
        return b;
    d = want;
    e_mov(&g->e, d, b);
    drop(g, b);
    return d;
}

static int convert(struct gen *g, const struct ir_node *n, int want)
{
    const struct ir_node *from = node(g, n->a);
    unsigned bits = n->op == IR_LO ? ir_bits(n->type) : ir_bits(from->type);
    ir_ref ra = n->op == IR_SX ? low_part(g, n->a) : n->a;
    int a, d;

    if (n->op == IR_ZX && from->type == IR_I1 && from->op >= IR_EQ &&
        from->op <= IR_SLE && g->uses[n->a] <= 1 && g->reg[n->a] == NO_REG) {
        enum cc cc = compare(g, from);

        d = take_temp(g);
        e_setcc(&g->e, cc, d);
        e_extend(&g->e, false, 8, want != NO_REG ? want : d, d);
        if (want == NO_REG)
            return d;
        drop(g, d);
        return want;
    }
    a = value(g, ra, NO_REG);
    used(g, ra, a);
    d = result(g, want);
    if (n->op == IR_LO && n->type == IR_I64) {
        g->failed = true; /* from 128 bits */
    } else if (bits == 1) {
        if (n->op == IR_SX) {
            g->failed = true;
            return d;
        }
        e_mov32(&g->e, d, a);
        e_alu_imm(&g->e, false, ALU_AND, d, 1);
    } else if (bits == 32) {
        if (n->op == IR_SX)
            e_movsxd(&g->e, d, a);
        else
            e_mov32(&g->e, d, a);
    } else if (bits == 8 || bits == 16) {
        e_extend(&g->e, n->op == IR_SX, bits, d, a);
        if (n->op == IR_SX && n->type == IR_I32)
            e_mov32(&g->e, d, d);
    } else {
        g->failed = true;
    }
    return d;
}

int get(struct gen *g, const struct ir_node *n, int want)
{
    int pin = n->type == IR_I64 || n->type == IR_I32 ? pin_of(g, n->imm)
                                                     : NO_REG;
    int d;

    if (pin != NO_REG && want == NO_REG)
        return pin;
    d = result(g, want);
    if (pin != NO_REG)
        e_mov(&g->e, d, pin);
    else if (n->type == IR_I64)
        e_load(&g->e, d, RBP, (int32_t)n->imm);
    else if (n->type == IR_I32)
        e_op_mem(&g->e, false, 0x8b, d, RBP, NO_REG, 0, (int32_t)n->imm);
    else if (n->type == IR_I8)
        e_op_mem(&g->e, false, 0x0fb6, d, RBP, NO_REG, 0, (int32_t)n->imm);
    else
        g->failed = true;
    return d;
}

static int pc_value(struct gen *g, const struct ir_node *n, int want)
{
    int d = result(g, want);

    e_load(&g->e, d, RBP, CPU(page));
    if (ir_offset(n))
        e_lea(&g->e, d, d, NO_REG, 0, ir_offset(n));
    if (!wide(n))
        e_mov32(&g->e, d, d);
    return d;
}

static int unary(struct gen *g, const struct ir_node *n, int want)
{
    int a = value(g, n->a, NO_REG), d;

    if (n->type != IR_I64 && n->type != IR_I32)
        g->failed = true;
    used(g, n->a, a);
    d = result(g, want);
    if (wide(n))
        e_mov(&g->e, d, a);
    else
        e_mov32(&g->e, d, a);
    if (n->op == IR_BSWAP) {
        e_rex(&g->e, wide(n), 0, 0, d, false);
        e8(&g->e, 0x0f);
        e8(&g->e, 0xc8u | (unsigned)(d & 7));
    } else {
        e_f7(&g->e, wide(n), n->op == IR_NOT ? 2 : 3, d);
    }
    return d;
}

static int compute(struct gen *g, const struct ir_node *n, int want)
{
    int d;

    switch (n->op) {
    case IR_CONST:
        d = result(g, want);
        e_imm(&g->e, d, n->imm);
        return d;
    case IR_PC:
        return pc_value(g, n, want);
    case IR_GET:
        return get(g, n, want);
    case IR_ADD:
        return alu(g, n, ALU_ADD, want, true);
    case IR_SUB:
        return alu(g, n, ALU_SUB, want, false);
    case IR_AND:
        return alu(g, n, ALU_AND, want, true);
    case IR_OR:
        return alu(g, n, ALU_OR, want, true);
    case IR_XOR:
        return alu(g, n, ALU_XOR, want, true);
    case IR_MUL:
        return multiply(g, n, want);
    case IR_MULHU:
    case IR_MULHS:
        return multiply_high(g, n, want);
    case IR_UDIV:
    case IR_UREM:
    case IR_SDIV:
    case IR_SREM:
        return divide(g, n, want);
    case IR_SHL:
    case IR_SHR:
    case IR_SAR:
    case IR_ROL:
    case IR_ROR:
        return shift(g, n, want);
    case IR_NOT:
    case IR_NEG:
    case IR_BSWAP:
        return unary(g, n, want);
    case IR_SX:
        if (node(g, n->a)->op == IR_LOAD && g->uses[n->a] <= 1 &&
            g->reg[n->a] == NO_REG && n->type == IR_I64)
            return load(g, node(g, n->a), want, 64);
        return convert(g, n, want);
    case IR_ZX:
        if (node(g, n->a)->op == IR_LOAD && g->uses[n->a] <= 1 &&
            g->reg[n->a] == NO_REG)
            return load(g, node(g, n->a), want, 0);
        return convert(g, n, want);
    case IR_LO:
        return convert(g, n, want);
    case IR_SELECT:
        return select_value(g, n, want);
    case IR_LOAD:
        return load(g, n, want, 0);
    default:
        if (n->op >= IR_EQ && n->op <= IR_SLE) {
            enum cc cc = compare(g, n);

            d = result(g, want);
            e_setcc(&g->e, cc, d);
            e_extend(&g->e, false, 8, d, d);
            return d;
        }
        g->failed = true;
        return want != NO_REG ? want : RAX;
    }
}

/* Cheaper to compute again than to keep. */
static bool cheap(const struct gen *g, ir_ref r)
{
    const struct ir_node *n = node(g, r);

    while (n->op == IR_LO)
        n = node(g, n->a);
    return n->op == IR_GET || n->op == IR_CONST || n->op == IR_PC;
}

/* The value of node r in a register: the wanted one if it is not NO_REG. */
int value(struct gen *g, ir_ref r, int want)
{
    int d;

    if (g->failed)
        return RAX;
    if (g->reg[r] != NO_REG) {
        if (want == NO_REG)
            return g->reg[r];
        e_mov(&g->e, want, g->reg[r]);
        return want;
    }
    d = compute(g, node(g, r), want);
    if (g->uses[r] > 1 && !cheap(g, r)) {
        if (!is_temp(d))
            g->failed = true; /* a pin may change before the next use */
        else
            g->reg[r] = (int8_t)d;
    }
    return d;
}
