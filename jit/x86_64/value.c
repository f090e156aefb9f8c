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

/* ----------------------------------------------------------- expressions */

/* Done with one use of a node's value in register `at`. */
void used(struct gen *g, ir_ref r, int at)
{
    if (g->reg[r] == at)
        unlock(g, at);
    if (g->uses[r] > 0 && g->uses[r] < 255)
        g->uses[r]--;
    if (g->reg[r] == at && (g->uses[r] > 0 || g->locks[at]))
        return; /* it is needed again, or still */
    drop(g, at);
}

bool constant(const struct gen *g, ir_ref r, int64_t *v)
{
    const struct ir_node *n = node(g, r), *c = n;
    const unsigned bits = ir_bits(n->type);

    while (c->op == IR_LO)
        c = node(g, c->a);
    if (c->op != IR_CONST || bits > 64)
        return false;
    *v = bits == 32 ? (int32_t)c->imm : (int64_t)c->imm;
    if (bits < 32)
        *v &= ((int64_t)1 << bits) - 1;
    return true;
}

/* Is this node's value needed once, and nowhere yet? */
static bool fresh(const struct gen *g, ir_ref r)
{
    return g->uses[r] <= 1 && g->reg[r] == NO_REG;
}

/* The low bits of a value, whatever is above them: skip what only clears. */
ir_ref low_part(const struct gen *g, ir_ref r)
{
    while (node(g, r)->op == IR_LO && fresh(g, r) &&
           ir_bits(node(g, node(g, r)->a)->type) <= 64)
        r = node(g, r)->a;
    return r;
}

/* At most as much as this is in node r. */
static uint64_t greatest(const struct gen *g, ir_ref r)
{
    const struct ir_node *n = node(g, r);
    const unsigned bits = ir_bits(n->type);
    const uint64_t all = bits < 64 ? ((uint64_t)1 << bits) - 1 : UINT64_MAX;
    uint64_t v = all, w;
    int64_t k;

    if (constant(g, r, &k))
        return (uint64_t)k & all;
    if (n->op == IR_ZX || n->op == IR_LO || n->op == IR_AND)
        v = greatest(g, n->a);
    if (n->op == IR_AND) {
        w = greatest(g, n->b);
        v = w < v ? w : v;
    }
    return v < all ? v : all;
}

/* Is node r a slot in memory that can be an operand as it is? */
static bool in_memory(const struct gen *g, ir_ref r)
{
    const struct ir_node *n = node(g, r);

    return n->op == IR_GET && n->type == IR_I64 && g->reg[r] == NO_REG &&
           pin_of(g, n->imm) == NO_REG;
}

void copy_value(struct gen *g, bool w, int d, int s)
{
    if (w)
        e_mov(&g->e, d, s);
    else if (d != s)
        e_mov32(&g->e, d, s);
}

void trim_value(struct gen *g, const struct ir_node *n, int d)
{
    const unsigned bits = ir_bits(n->type);

    if ((bits == 8 || bits == 16) && g->dirty != n - g->b->ir.nodes)
        e_extend(&g->e, false, bits, d, d);
}

int value_low(struct gen *g, ir_ref r)
{
    if (fresh(g, r))
        g->dirty = r;
    return value(g, r, NO_REG);
}

static int compute(struct gen *g, const struct ir_node *n, int want);

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
    copy_value(g, w, d, a);
    if (op != ALU_ADD || k != 0 || !w)
        e_alu_imm(&g->e, w, op, d, k);
    trim_value(g, n, d);
    return d;
}

/* d = base + (index << scale), if b is such an index. */
static bool scaled(struct gen *g, const struct ir_node *n, int want, int *d)
{
    const struct ir_node *s = node(g, n->b);
    int64_t k;
    int a, i;

    if (ir_bits(n->type) < 32 || s->op != IR_SHL || !fresh(g, n->b) ||
        !constant(g, s->b, &k) || k < 0 || k > 3)
        return false;
    a = value(g, n->a, NO_REG);
    i = value(g, s->a, NO_REG);
    used(g, n->a, a);
    used(g, s->a, i);
    *d = result(g, want);
    e_op_mem(&g->e, wide(n), 0x8d, *d, a, i, (unsigned)k, 0); /* lea */
    return true;
}

static int alu(struct gen *g, const struct ir_node *n, enum alu op, int want,
               bool commutes);

/* The low half of a value of 64 bits; a sum is computed with as many. */
static int cut_to_32(struct gen *g, ir_ref r, int want)
{
    struct ir_node n = *node(g, r);
    int a, d;

    if (fresh(g, r) && (n.op == IR_ADD || n.op == IR_SUB)) {
        n.type = IR_I32;
        return alu(g, &n, n.op == IR_ADD ? ALU_ADD : ALU_SUB, want,
                   n.op == IR_ADD);
    }
    a = value(g, r, NO_REG);
    used(g, r, a);
    d = result(g, want);
    e_mov32(&g->e, d, a);
    return d;
}

static int alu(struct gen *g, const struct ir_node *n, enum alu op, int want,
               bool commutes)
{
    bool w = wide(n);
    const bool whole = w || n->type == IR_I1;
    ir_ref ra = whole ? n->a : low_part(g, n->a);
    ir_ref rb = whole ? n->b : low_part(g, n->b);
    int64_t k;
    int a, b, d;

    if (ir_bits(n->type) > 64) {
        g->failed = true;
        return RAX;
    }
    if (op == ALU_ADD && scaled(g, n, want, &d))
        return d;
    if (op == ALU_AND && w && constant(g, n->b, &k) && k == UINT32_MAX)
        return cut_to_32(g, ra, want);
    /* x0 in an operand: a move */
    if (constant(g, n->a, &k) && k == 0 && op != ALU_SUB && op != ALU_AND) {
        int64_t c;

        if (constant(g, n->b, &c)) {
            d = result(g, want);
            e_imm(&g->e, d, w ? (uint64_t)c : (uint32_t)c);
            return d; /* a constant has no bits above its type */
        }
        b = value(g, n->b, NO_REG);
        used(g, n->b, b);
        d = result(g, want);
        copy_value(g, w, d, b);
        return d; /* all of it was read: nothing is above its type */
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
    } else if (d == b && d != a) {
        /* d = a - d: neither may be lost */
        const uint32_t mine = (1u << a | 1u << d) & g->temps & ~g->busy;
        int t;

        g->busy |= mine;
        t = take_temp(g);
        copy_value(g, w, t, a);
        e_alu(&g->e, w, op, t, b);
        e_mov(&g->e, d, t);
        drop(g, t);
        g->busy &= ~mine;
    } else {
        copy_value(g, w, d, a);
        e_alu(&g->e, w, op, d, b);
    }
    trim_value(g, n, d);
    return d;
}

static int shift_constant(struct gen *g, const struct ir_node *n, enum shift op,
                          unsigned k, int want)
{
    const unsigned bits = ir_bits(n->type);
    const bool w = bits == 64, rotates = op == SHIFT_ROL || op == SHIFT_ROR;
    /* To the left, only low bits are seen; the others move all there is. */
    ir_ref ra = bits == 32 || op != SHIFT_SHR ? low_part(g, n->a) : n->a;
    int a, d;

    if (rotates)
        k &= bits - 1;
    else if (k >= bits && op == SHIFT_SAR)
        k = bits - 1;
    a = value(g, ra, NO_REG);
    used(g, ra, a);
    d = result(g, want);
    if (k >= bits) {
        e_imm(&g->e, d, 0);
        return d;
    }
    if (bits < 32 && op == SHIFT_SAR)
        e_extend(&g->e, true, bits, d, a);
    else
        copy_value(g, w, d, a);
    if (k && rotates && bits < 32)
        e_rotate_part(&g->e, bits, op, d, k);
    else if (k)
        e_shift_imm(&g->e, w, op, d, k);
    else if (bits == 32 && d == a)
        e_mov32(&g->e, d, d); /* nothing has cleared what is above */
    trim_value(g, n, d);
    return d;
}

/* By as much as is in rcx: the processor takes it modulo the width. */
static int rotate(struct gen *g, const struct ir_node *n, enum shift op,
                  int want)
{
    const unsigned bits = ir_bits(n->type);
    int a, c, t;

    if (!evict(g, RCX)) {
        g->failed = true;
        return RAX;
    }
    c = value(g, n->b, NO_REG);
    g->failed |= c != RCX && !evict(g, RCX);
    e_mov(&g->e, RCX, c);
    used(g, n->b, c);
    take_reg(g, RCX);
    lock(g, RCX);
    a = value(g, n->a, NO_REG);
    used(g, n->a, a);
    t = take_temp(g);
    e_mov(&g->e, t, a);
    if (bits == 16)
        e8(&g->e, 0x66);
    e_rex(&g->e, bits == 64, 0, 0, t, bits == 8);
    e8(&g->e, bits == 8 ? 0xd2 : 0xd3);
    e_modrm_reg(&g->e, (int)op, t);
    trim_value(g, n, t);
    unlock(g, RCX);
    if (g->reg[n->b] != RCX || !g->uses[n->b])
        drop(g, RCX);
    if (want == NO_REG)
        return t;
    e_mov(&g->e, want, t);
    drop(g, t);
    return want;
}

/* What is masked to the bits that the processor looks at anyway. */
static ir_ref count_operand(const struct gen *g, ir_ref r, unsigned bits)
{
    const ir_ref all = r;
    int64_t k;

    while ((node(g, r)->op == IR_ZX || node(g, r)->op == IR_LO) && fresh(g, r))
        r = node(g, r)->a;
    if (node(g, r)->op == IR_AND && fresh(g, r) &&
        constant(g, node(g, r)->b, &k) && k == (int64_t)bits - 1)
        return low_part(g, node(g, r)->a);
    return all;
}

static int shift(struct gen *g, const struct ir_node *n, int want)
{
    static const uint8_t ops[] = {[IR_SHL - IR_SHL] = SHIFT_SHL,
                                  [IR_SHR - IR_SHL] = SHIFT_SHR,
                                  [IR_SAR - IR_SHL] = SHIFT_SAR,
                                  [IR_ROL - IR_SHL] = SHIFT_ROL,
                                  [IR_ROR - IR_SHL] = SHIFT_ROR};
    enum shift op = (enum shift)ops[n->op - IR_SHL];
    const unsigned bits = ir_bits(n->type), host = bits == 64 ? 64 : 32;
    const bool w = bits == 64, less = greatest(g, n->b) < host;
    ir_ref ra = n->a, rc = less ? count_operand(g, n->b, host) : n->b;
    int64_t k;
    int a, c, d, t;

    if (bits < 8 || bits > 64) {
        g->failed = true;
        return RAX;
    }
    if (constant(g, n->b, &k))
        return shift_constant(g, n, op, k < 0 || k > 255 ? 255 : (unsigned)k,
                              want);
    if (op == SHIFT_ROL || op == SHIFT_ROR)
        return rotate(g, n, op, want);
    if (op == SHIFT_SAR && !less) {
        g->failed = true;
        return RAX;
    }
    if (bits == 32 || op != SHIFT_SHR)
        ra = low_part(g, ra);
    a = value(g, ra, NO_REG);
    c = value(g, rc, NO_REG);
    if (bits < 32 && op == SHIFT_SAR) {
        t = take_temp(g);
        e_extend(&g->e, true, bits, t, a);
        used(g, ra, a);
        a = t;
        g->busy &= ~(1u << t);
    } else {
        used(g, ra, a);
    }
    if (less) {
        used(g, rc, c);
        d = result(g, want);
        e_shiftx(&g->e, w, op, d, a, c);
        trim_value(g, n, d);
        return d;
    }
    /* The processor takes the count modulo the width. */
    t = take_temp(g);
    e_shiftx(&g->e, w, op, t, a, c);
    e_alu_imm(&g->e, bits == 64, ALU_CMP, c, (int32_t)host);
    used(g, rc, c);
    d = take_temp(g);
    e_alu(&g->e, true, ALU_SBB, d, d);
    e_alu(&g->e, true, ALU_AND, t, d);
    drop(g, d);
    trim_value(g, n, t);
    if (want == NO_REG)
        return t;
    e_mov(&g->e, want, t);
    drop(g, t);
    return want;
}

/* The same of 8 and 16 bits, by their signs. */
static enum cc compare_signed(struct gen *g, const struct ir_node *n)
{
    const unsigned bits = ir_bits(node(g, n->a)->type);
    int a, b, t, u;

    if (bits != 8 && bits != 16) {
        g->failed = true;
        return CC_E;
    }
    a = value(g, n->a, NO_REG);
    t = take_temp(g);
    e_extend(&g->e, true, bits, t, a);
    used(g, n->a, a);
    b = value(g, n->b, NO_REG);
    u = take_temp(g);
    e_extend(&g->e, true, bits, u, b);
    used(g, n->b, b);
    e_alu(&g->e, true, ALU_CMP, t, u);
    drop(g, t);
    drop(g, u);
    return n->op == IR_SLT ? CC_L : CC_LE;
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
    int a, b;

    if (ir_bits(na->type) > 64 ||
        (ir_bits(na->type) < 32 && (n->op == IR_SLT || n->op == IR_SLE)))
        return compare_signed(g, n);
    a = value(g, n->a, NO_REG);
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
    if (n->op == IR_NOT && fresh(g, r))
        return condition(g, n->a) ^ 1;
    a = value(g, r, NO_REG);
    e_test(&g->e, false, a, a);
    used(g, r, a);
    return CC_NE;
}

static int select_value(struct gen *g, const struct ir_node *n, int want)
{
    int a, b, d;
    enum cc cc;

    if (ir_bits(n->type) > 64) {
        g->failed = true;
        return RAX;
    }
    /* Into temporaries first: the condition's flags must survive. */
    b = value(g, n->c, NO_REG);
    if (!is_temp(g, b) || g->uses[n->c] > 1) {
        int t = take_temp(g);

        e_mov(&g->e, t, b);
        used(g, n->c, b);
        b = t;
    } else {
        used(g, n->c, b);
        take_reg(g, b);
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

static bool is_compare(const struct gen *g, ir_ref r)
{
    const struct ir_node *n = node(g, r);

    return n->op >= IR_EQ && n->op <= IR_SLE && fresh(g, r);
}

static int high_half(struct gen *g, const struct ir_node *n, int want)
{
    int a, d;

    if (ir_bits(node(g, n->a)->type) > 64)
        return half_product(g, n, want);
    a = value(g, n->a, NO_REG);
    used(g, n->a, a);
    d = result(g, want);
    e_mov(&g->e, d, a);
    e_shift_imm(&g->e, true, SHIFT_SHR, d, ir_bits(n->type));
    return d;
}

static int sign_extend(struct gen *g, const struct ir_node *n, int want)
{
    const unsigned bits = ir_bits(node(g, n->a)->type);
    const ir_ref ra = low_part(g, n->a);
    int a, d;

    if (ir_bits(n->type) > 64) {
        g->failed = true;
        return RAX;
    }
    a = bits == 1 ? value(g, n->a, NO_REG) : value_low(g, ra);
    used(g, bits == 1 ? n->a : ra, a);
    d = result(g, want);
    if (bits == 1) {
        e_mov(&g->e, d, a);
        e_f7(&g->e, true, 3, d);
    } else if (bits == 32) {
        e_movsxd(&g->e, d, a);
    } else {
        e_extend(&g->e, true, bits, d, a);
    }
    if (n->type == IR_I32)
        e_mov32(&g->e, d, d);
    else if (n->type == IR_I16)
        e_extend(&g->e, false, 16, d, d);
    return d;
}

/* Cut off what is above. */
static int low_half(struct gen *g, const struct ir_node *n, int want)
{
    const unsigned bits = ir_bits(n->type);
    ir_ref ra;
    int a, d;

    if (ir_bits(node(g, n->a)->type) > 64)
        return half_product(g, n, want);
    ra = low_part(g, n->a);
    a = value_low(g, ra);
    used(g, ra, a);
    d = result(g, want);
    if (bits == 32) {
        e_mov32(&g->e, d, a);
    } else if (bits == 1) {
        e_mov32(&g->e, d, a);
        e_alu_imm(&g->e, false, ALU_AND, d, 1);
    } else if (g->dirty == (ir_ref)(n - g->b->ir.nodes)) {
        e_mov(&g->e, d, a);
    } else {
        e_extend(&g->e, false, bits, d, a);
    }
    return d;
}

/* There are zeros above it already. */
static int zero_extend(struct gen *g, const struct ir_node *n, int want)
{
    int a, d;

    if (ir_bits(n->type) > 64) {
        g->failed = true;
        return RAX;
    }
    if (is_compare(g, n->a)) {
        enum cc cc = compare(g, node(g, n->a));

        d = take_temp(g);
        e_setcc(&g->e, cc, d);
        e_extend(&g->e, false, 8, want != NO_REG ? want : d, d);
        if (want == NO_REG)
            return d;
        drop(g, d);
        return want;
    }
    if (fresh(g, n->a))
        return compute(g, node(g, n->a), want);
    a = value(g, n->a, NO_REG);
    used(g, n->a, a);
    d = result(g, want);
    e_mov(&g->e, d, a);
    return d;
}

/* a with b in place of its bits from imm on. */
static int deposit(struct gen *g, const struct ir_node *n, int want)
{
    const unsigned bits = ir_bits(node(g, n->b)->type);
    const uint64_t mask = (((uint64_t)1 << bits) - 1) << n->imm;
    int a, b, t;

    if (!wide(n) || (bits != 8 && bits != 16) || !fits32((int64_t)~mask)) {
        g->failed = true;
        return RAX;
    }
    b = value(g, n->b, NO_REG);
    t = take_temp(g);
    e_mov(&g->e, t, b);
    used(g, n->b, b);
    if (n->imm)
        e_shift_imm(&g->e, true, SHIFT_SHL, t, (unsigned)n->imm);
    a = value(g, n->a, NO_REG);
    used(g, n->a, a);
    b = take_temp(g);
    e_mov(&g->e, b, a);
    e_alu_imm(&g->e, true, ALU_AND, b, (int32_t)~mask);
    e_alu(&g->e, true, ALU_OR, b, t);
    drop(g, t);
    if (want == NO_REG)
        return b;
    e_mov(&g->e, want, b);
    drop(g, b);
    return want;
}

/* a above b */
static int join(struct gen *g, const struct ir_node *n, int want)
{
    int a, b, t;

    if (ir_bits(n->type) > 64) {
        g->failed = true;
        return RAX;
    }
    a = value(g, n->a, NO_REG);
    t = take_temp(g);
    e_mov(&g->e, t, a);
    used(g, n->a, a);
    e_shift_imm(&g->e, true, SHIFT_SHL, t, ir_bits(n->type) / 2);
    b = value(g, n->b, NO_REG);
    e_alu(&g->e, true, ALU_OR, t, b);
    used(g, n->b, b);
    if (want == NO_REG)
        return t;
    e_mov(&g->e, want, t);
    drop(g, t);
    return want;
}

/* Bits that are 1, or zeros below the first or above the last. */
static int count_bits(struct gen *g, const struct ir_node *n, int want)
{
    const unsigned bits = ir_bits(n->type);
    int a, d;

    if (bits < 8 || bits > 64) {
        g->failed = true;
        return RAX;
    }
    a = value(g, n->a, NO_REG);
    used(g, n->a, a);
    d = result(g, want);
    if (n->op == IR_CTZ && bits < 32) {
        copy_value(g, false, d, a);
        a = d;
        e_alu_imm(&g->e, false, ALU_OR, d, 1 << bits);
    }
    e_f3(&g->e, bits == 64,
         n->op == IR_CTZ   ? 0xbc
         : n->op == IR_CLZ ? 0xbd
                           : 0xb8,
         d, a);
    if (n->op == IR_CLZ && bits < 32)
        e_alu_imm(&g->e, false, ALU_SUB, d, 32 - (int32_t)bits);
    return d;
}

int get(struct gen *g, const struct ir_node *n, int want)
{
    int pin = pin_of(g, n->imm), d;

    if (pin != NO_REG && n->type != IR_I64 && n->type != IR_I32)
        g->failed = true;
    if (pin != NO_REG && want == NO_REG)
        return pin;
    d = result(g, want);
    if (pin != NO_REG)
        e_mov(&g->e, d, pin);
    else if (n->type == IR_I64)
        e_load(&g->e, d, RBP, (int32_t)n->imm);
    else if (n->type == IR_I32)
        e_op_mem(&g->e, false, 0x8b, d, RBP, NO_REG, 0, (int32_t)n->imm);
    else if (n->type == IR_I8 || n->type == IR_I16)
        e_op_mem(&g->e, false, n->type == IR_I8 ? 0x0fb6 : 0x0fb7, d, RBP,
                 NO_REG, 0, (int32_t)n->imm);
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
    const unsigned bits = ir_bits(n->type);
    ir_ref ra = n->op == IR_BSWAP || bits == 64 ? n->a : low_part(g, n->a);
    int a, d;

    if (bits > 64 || (bits == 1 && n->op != IR_NOT)) {
        g->failed = true;
        return RAX;
    }
    if (bits == 1)
        ra = n->a;
    a = value(g, ra, NO_REG);
    used(g, ra, a);
    d = result(g, want);
    if (wide(n))
        e_mov(&g->e, d, a);
    else
        e_mov32(&g->e, d, a);
    if (bits == 1) {
        e_alu_imm(&g->e, false, ALU_XOR, d, 1);
    } else if (n->op == IR_BSWAP && bits == 16) {
        e_rotate_part(&g->e, 16, SHIFT_ROL, d, 8);
    } else if (n->op == IR_BSWAP) {
        e_rex(&g->e, wide(n), 0, 0, d, false);
        e8(&g->e, 0x0f);
        e8(&g->e, 0xc8u | (unsigned)(d & 7));
    } else {
        e_f7(&g->e, wide(n), n->op == IR_NOT ? 2 : 3, d);
    }
    trim_value(g, n, d);
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
        if (node(g, n->a)->op == IR_LOAD && fresh(g, n->a) && n->type == IR_I64)
            return load(g, node(g, n->a), want, 64);
        return sign_extend(g, n, want);
    case IR_ZX:
        return zero_extend(g, n, want);
    case IR_LO:
        return low_half(g, n, want);
    case IR_HI:
        return high_half(g, n, want);
    case IR_DEPOSIT:
        return deposit(g, n, want);
    case IR_CAT:
        return join(g, n, want);
    case IR_CTZ:
    case IR_CLZ:
    case IR_POPCNT:
        return count_bits(g, n, want);
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
    if (g->reg[r] <= SPILLED)
        reload(g, r);
    if (g->reg[r] != NO_REG) {
        if (want == NO_REG) {
            lock(g, g->reg[r]);
            return g->reg[r];
        }
        e_mov(&g->e, want, g->reg[r]);
        return want;
    }
    d = compute(g, node(g, r), want);
    if (g->uses[r] > 1 && !cheap(g, r)) {
        if (!is_temp(g, d))
            g->failed = true; /* a pin may change before the next use */
        else
            lock(g, g->reg[r] = (int8_t)d);
    }
    return d;
}
