/*
 * The x86-64 backend: IR of one block to host code, a tree at a time.
 *
 * Registers: rbp is the CPU, rdi the instruction budget; rax, rcx and rdx
 * are temporaries; the others hold the guest's hot slots, in their order,
 * across blocks.  A value is computed where it is used: GET of a hot slot is
 * its register, and a PUT's tree is computed into the register it writes.
 *
 * What an instruction does not do here it does in the interpreter, at its
 * record: an access that misses the soft TLB, an exception, an operation
 * that is not lowered.  That is always safe, because nothing of an
 * instruction is committed before its last fault point.
 *
 * Needs BMI2 (shifts by a register without rcx).
 * Missing: floating point and atomics (interpreted, floating-point helpers
 * are called), checks served by an earlier one, spilling of temporaries.
 */
#include <assert.h>
#include <stdlib.h>

#include "jit/common/backend.h"
#include "jit/x86_64/emit.h"

static const int8_t pins[] = {RBX, RSI, R8,  R9,  R10,
                              R11, R12, R13, R14, R15};
#define MAX_PINS (sizeof(pins) / sizeof(pins[0]))
static const int8_t temps[] = {RAX, RDX, RCX};
#define N_TEMPS 3

/* Ways out of the middle, written behind the block. */
enum out_kind { OUT_RECORD, OUT_POLL, OUT_LINK };

struct out {
    enum out_kind kind;
    uint8_t *site;           /* the jump to be patched */
    const struct rec *rec;   /* RECORD: where to resume; LINK: the link */
    rec_fn *fn;              /* RECORD: its handler, if the record's own was
                                replaced */
    int32_t target;          /* POLL: offset of the next pc */
};

#define MAX_OUTS (BLOCK_MAX_INSNS * 6)

struct gen {
    struct emit e;
    struct jit *j;
    struct jit_block *b;
    const struct jit_insn *insn;
    unsigned n_pins;
    uint8_t busy;            /* temporaries in use, bit by register */
    int8_t *reg;             /* node -> register that holds it, or NO_REG */
    uint8_t *uses;           /* node -> uses that are still to come */
    bool failed;             /* this instruction cannot be lowered */
    struct out outs[MAX_OUTS];
    unsigned n_outs;
};

#define CPU(member) ((int32_t)offsetof(struct cpu, member))

static void jump_to_stub(struct gen *g, const uint8_t *stub)
{
    e_jmp_to(&g->e, g->j->code.write + (stub - g->j->code.run));
}

/* ------------------------------------------------------------- registers */

static int pin_of(const struct gen *g, uint64_t slot)
{
    const struct isa *isa = g->b->cpu->class->isa;

    for (unsigned i = 0; i < g->n_pins; i++)
        if (isa->hot_slots[i] == slot)
            return pins[i];
    return NO_REG;
}

static bool is_temp(int r)
{
    return r == RAX || r == RCX || r == RDX;
}

static int take_temp(struct gen *g)
{
    for (unsigned i = 0; i < N_TEMPS; i++)
        if (!(g->busy >> temps[i] & 1)) {
            g->busy |= (uint8_t)(1u << temps[i]);
            return temps[i];
        }
    g->failed = true;
    return RAX;
}

static void drop(struct gen *g, int r)
{
    if (is_temp(r))
        g->busy &= (uint8_t)~(1u << r);
}

static const struct ir_node *node(const struct gen *g, ir_ref r)
{
    return &g->b->ir.nodes[r];
}

/* A register for a result: the wanted one, or a temporary. */
static int result(struct gen *g, int want)
{
    return want != NO_REG ? want : take_temp(g);
}

static void add_out(struct gen *g, enum out_kind kind, uint8_t *site,
                    const struct rec *rec, int32_t target)
{
    struct out *o;

    if (g->n_outs == MAX_OUTS) {
        g->failed = true;
        return;
    }
    o = &g->outs[g->n_outs++];
    *o = (struct out){kind, site, rec, NULL, target};
    if (kind == OUT_RECORD && rec == g->b->first)
        o->fn = g->insn->fn;
}

/* If cc, the interpreter does this instruction. */
static void interpret_if(struct gen *g, enum cc cc)
{
    add_out(g, OUT_RECORD, e_jcc(&g->e, cc), g->insn->rec, 0);
}

/* ----------------------------------------------------------- expressions */

static int value(struct gen *g, ir_ref r, int want);

/* Done with one use of a node's value in register `at`. */
static void used(struct gen *g, ir_ref r, int at)
{
    if (g->uses[r] > 0 && g->uses[r] < 255)
        g->uses[r]--;
    if (g->reg[r] == at && g->uses[r] > 0)
        return; /* it is needed again */
    drop(g, at);
}

static bool constant(const struct gen *g, ir_ref r, int64_t *v)
{
    const struct ir_node *n = node(g, r), *c = n;

    while (c->op == IR_LO)
        c = node(g, c->a);
    if (c->op != IR_CONST || ir_bits(n->type) < 32)
        return false;
    *v = n->type == IR_I32 ? (int32_t)c->imm : (int64_t)c->imm;
    return true;
}

static bool wide(const struct ir_node *n)
{
    return n->type == IR_I64;
}

/* The low bits of a value, whatever is above them: skip what only clears. */
static ir_ref low_part(const struct gen *g, ir_ref r)
{
    while (node(g, r)->op == IR_LO && g->uses[r] <= 1 &&
           g->reg[r] == NO_REG)
        r = node(g, r)->a;
    return r;
}

/* Is node r a slot in memory that can be an operand as it is? */
static bool in_memory(const struct gen *g, ir_ref r)
{
    const struct ir_node *n = node(g, r);

    return n->op == IR_GET && n->type == IR_I64 && g->reg[r] == NO_REG &&
           pin_of(g, n->imm) == NO_REG;
}

static void copy(struct gen *g, bool w, int d, int s)
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

        g->busy |= (uint8_t)((is_temp(a) ? 1u << a : 0) |
                             (is_temp(d) ? 1u << d : 0));
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
    static const uint8_t ops[] = {
        [IR_SHL - IR_SHL] = SHIFT_SHL, [IR_SHR - IR_SHL] = SHIFT_SHR,
        [IR_SAR - IR_SHL] = SHIFT_SAR, [IR_ROL - IR_SHL] = SHIFT_ROL,
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
          k == (w ? 63 : 31)) || count->type != n->type ||
        g->uses[n->b] > 1 || g->reg[n->b] != NO_REG) {
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
        e_alu_mem(&g->e, true, ALU_CMP, a, RBP,
                  (int32_t)node(g, n->b)->imm);
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
static enum cc condition(struct gen *g, ir_ref r)
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

static int load(struct gen *g, const struct ir_node *n, int want,
                unsigned sign_to)
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
        e_op_mem(&g->e, sign_to != 0, sign_to ? 0x63 : 0x8b, d, addend, base,
                 0, disp);
        break;
    default:
        e_op_mem(&g->e, true, 0x8b, d, addend, base, 0, disp);
    }
    return d;
}

static void store(struct gen *g, const struct ir_node *n)
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

static int get(struct gen *g, const struct ir_node *n, int want)
{
    int pin = n->type == IR_I64 ? pin_of(g, n->imm) : NO_REG, d;

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
static int value(struct gen *g, ir_ref r, int want)
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

/* ------------------------------------------------------------- statements */

/* Does the tree of node r read the slot, or the very node `what`? */
static bool tree_has(const struct gen *g, ir_ref r, uint64_t slot,
                     uint32_t what)
{
    const struct ir_node *n = node(g, r);
    ir_ref o[4];

    if (r == what || (n->op == IR_GET && n->imm == slot))
        return true;
    ir_operands(n, o);
    for (unsigned i = 0; i < 4; i++)
        if (o[i] != IR_NONE && tree_has(g, o[i], slot, what))
            return true;
    return false;
}

/* Does a statement behind node `at` read the slot's old value? */
static bool read_later(const struct gen *g, uint64_t slot, uint32_t at,
                       uint32_t end)
{
    for (uint32_t i = at + 1; i < end; i++)
        if (!ir_is_value(&g->b->ir.nodes[i]) &&
            tree_has(g, (ir_ref)i, slot, UINT32_MAX))
            return true;
    return false;
}

/* Before a slot's register changes: what reads its old value later gets a
 * copy, which stays to the end of the instruction. */
static void keep_old(struct gen *g, uint64_t slot)
{
    for (uint32_t i = g->insn->ir_first; i < g->insn->ir_end; i++) {
        const struct ir_node *n = &g->b->ir.nodes[i];

        if (n->op != IR_GET || n->imm != slot || g->reg[i] != NO_REG)
            continue;
        g->reg[i] = (int8_t)get(g, n, take_temp(g));
        g->uses[i] = 255;
    }
}

static void put(struct gen *g, const struct ir_node *n, uint32_t at,
                uint32_t end)
{
    int pin = n->type == IR_I64 ? pin_of(g, n->imm) : NO_REG;
    int64_t k;
    int v;

    if (n->type != IR_I64 && n->type != IR_I8) {
        g->failed = true;
        return;
    }
    if (read_later(g, n->imm, at, end)) {
        keep_old(g, n->imm);
    } else if (pin != NO_REG && g->uses[n->a] <= 1) {
        /* Operands are all read before the result is written. */
        value(g, n->a, pin);
        return;
    }
    if (n->type == IR_I64 && pin == NO_REG && constant(g, n->a, &k) &&
        fits32(k)) {
        e_store_imm(&g->e, RBP, (int32_t)n->imm, (int32_t)k);
        return;
    }
    v = value(g, n->a, NO_REG);
    if (pin != NO_REG) {
        e_mov(&g->e, pin, v);
    } else if (n->type == IR_I64) {
        e_store(&g->e, RBP, (int32_t)n->imm, v);
    } else {
        e_rex(&g->e, false, v, 0, RBP, true);
        e8(&g->e, 0x88);
        e_modrm_mem(&g->e, v, RBP, NO_REG, 0, (int32_t)n->imm);
    }
    used(g, n->a, v);
}

/* The link of this instruction's exit is the record behind its own. */
static const struct rec *link_of(const struct gen *g)
{
    return g->insn->rec + 1;
}

static void exit_by(struct gen *g, const struct rec *link)
{
    e_alu_imm(&g->e, true, ALU_SUB, RDI, link->count);
    add_out(g, OUT_POLL, e_jcc(&g->e, CC_S), NULL, link->target);
    add_out(g, OUT_LINK, e_jmp(&g->e), link, 0);
}

static void exit_if(struct gen *g, const struct ir_node *n)
{
    enum cc cc = condition(g, n->a);
    uint8_t *over = e_jcc(&g->e, cc ^ 1);

    exit_by(g, link_of(g));
    e_patch(over, g->e.at);
}

/* Through the jump cache, as EXIT_INDIRECT in engine.h. */
static void exit_indirect(struct gen *g, const struct ir_node *n)
{
    const int32_t entry = CPU(jcache);
    int to;
    uint8_t *miss[4];

    if (n->imm == IR_MODE) {
        g->failed = true;
        return;
    }
    to = value(g, n->a, NO_REG);
    if (g->failed)
        return;
    e_mov(&g->e, RAX, to);
    e_alu_imm(&g->e, true, ALU_SUB, RDI, link_of(g)->count);
    miss[0] = e_jcc(&g->e, CC_S);
    e_mov32(&g->e, RDX, RAX);
    e_mov32(&g->e, RCX, RAX);
    e_shift_imm(&g->e, false, SHIFT_SHR, RDX, PAGE_BITS - JCACHE_SET_BITS);
    e_alu_imm(&g->e, false, ALU_AND, RDX,
              (int32_t)((JCACHE_SIZE - 1) & ~((1u << JCACHE_SET_BITS) - 1)));
    e_shift_imm(&g->e, false, SHIFT_SHR, RCX, JCACHE_SET_BITS);
    e_alu(&g->e, false, ALU_XOR, RCX, RAX);
    e_shift_imm(&g->e, false, SHIFT_SHR, RCX, 1);
    e_alu_imm(&g->e, false, ALU_AND, RCX, (1 << JCACHE_SET_BITS) - 1);
    e_alu(&g->e, false, ALU_OR, RCX, RDX);
    e_lea(&g->e, RCX, RCX, RCX, 1, 0);
    e_op_mem(&g->e, true, 0x3b, RAX, RBP, RCX, 3,
             entry + (int32_t)offsetof(struct jcache_entry, pc));
    miss[1] = e_jcc(&g->e, CC_NE);
    e_load(&g->e, RDX, RBP, CPU(jump_context));
    e_op_mem(&g->e, true, 0x3b, RDX, RBP, RCX, 3,
             entry + (int32_t)offsetof(struct jcache_entry, context));
    miss[2] = e_jcc(&g->e, CC_NE);
    e_op_mem(&g->e, true, 0x8b, RCX, RBP, RCX, 3,
             entry + (int32_t)offsetof(struct jcache_entry, rec));
    e_alu_imm(&g->e, true, ALU_AND, RAX, -(int32_t)PAGE_SIZE);
    e_store(&g->e, RBP, CPU(page), RAX);
    /* Compiled, or back to the interpreter? */
    e_imm(&g->e, RDX, (uintptr_t)g->j->enter);
    e_op_mem(&g->e, true, 0x3b, RDX, RCX, NO_REG, 0, 0);
    miss[3] = e_jcc(&g->e, CC_NE);
    e_jmp_mem(&g->e, RCX, BLOCK_CODE_OFFSET);
    e_patch(miss[3], g->e.at);
    e_mov(&g->e, RAX, RCX);
    e_op_mem(&g->e, true, 0x8b, RCX, RAX, NO_REG, 0, 0);
    jump_to_stub(g, g->j->exit_record);
    for (unsigned i = 0; i < 3; i++)
        e_patch(miss[i], g->e.at);
    e_store(&g->e, RBP, CPU(pc), RAX);
    jump_to_stub(g, g->j->exit_poll);
}

static void spill(struct emit *e, const struct isa *isa, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        e_store(e, RBP, (int32_t)isa->hot_slots[i], pins[i]);
}

static void fill(struct emit *e, const struct isa *isa, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        e_load(e, pins[i], RBP, (int32_t)isa->hot_slots[i]);
}

static unsigned pin_count(const struct isa *isa)
{
    return isa->n_hot_slots < MAX_PINS ? isa->n_hot_slots
                                       : (unsigned)MAX_PINS;
}

/* A helper without operands, result or exception: every register of the
 * guest is stored, and read again. */
static void call_plain(struct gen *g, const struct ir_node *n)
{
    const struct isa *isa = g->b->cpu->class->isa;
    const struct isa_helper *h = &isa->helpers[ir_which(n)];

    if (ir_call_facts(n) || ir_call_count(n) || n->type != IR_VOID) {
        g->failed = true;
        return;
    }
    spill(&g->e, isa, g->n_pins);
    e_push(&g->e, RDI);
    e_mov(&g->e, RDI, RBP);
    e_imm(&g->e, RSI, 0);
    e_imm(&g->e, RAX, (uintptr_t)h->fn);
    e_call_reg(&g->e, RAX);
    e_pop(&g->e, RDI);
    fill(&g->e, isa, g->n_pins);
}

static void statement(struct gen *g, uint32_t at, uint32_t end)
{
    const struct ir_node *n = &g->b->ir.nodes[at];

    switch (n->op) {
    case IR_PUT:
        put(g, n, at, end);
        break;
    case IR_STORE:
        store(g, n);
        break;
    case IR_EXIT_IF:
        exit_if(g, n);
        break;
    case IR_EXIT:
        exit_by(g, link_of(g));
        break;
    case IR_EXIT_INDIRECT:
        exit_indirect(g, n);
        break;
    case IR_RAISE_IF: {
        enum cc cc = condition(g, n->a);

        interpret_if(g, cc);
        break;
    }
    case IR_CALL:
        call_plain(g, n);
        break;
    case IR_INSN:
    case IR_NOP:
        break;
    default:
        if (!ir_is_value(n) || (ir_effects(n) & ~(IR_READS | IR_FAULTS)))
            g->failed = true;
    }
}

/* A load is computed where it is used: is one used only behind the first
 * commit, where it could fault too late, or not at all (`lw x0`)? */
static bool faults_late(const struct gen *g, uint32_t first, uint32_t end)
{
    uint32_t commit = first;

    while (commit < end && !(ir_effects(&g->b->ir.nodes[commit]) &
                             (IR_COMMITS | IR_LEAVES | IR_ENDS)))
        commit++;
    for (uint32_t i = first; i < commit; i++)
        if (g->b->ir.nodes[i].op == IR_LOAD &&
            (commit == end || !tree_has(g, (ir_ref)commit, UINT64_MAX, i)))
            return true;
    return false;
}

static bool lower_insn(struct gen *g, const struct jit_insn *i)
{
    const struct emit before = g->e;
    unsigned outs = g->n_outs;

    g->insn = i;
    g->failed = i->insn.row == 0;
    g->busy = 0;
    for (uint32_t n = i->ir_first; n < i->ir_end; n++) {
        ir_ref o[4];

        ir_operands(&g->b->ir.nodes[n], o);
        for (unsigned x = 0; x < 4; x++)
            if (o[x] != IR_NONE && g->uses[o[x]] < 255)
                g->uses[o[x]]++;
    }
    if (!g->failed && faults_late(g, i->ir_first, i->ir_end))
        g->failed = true;
    for (uint32_t n = i->ir_first; n < i->ir_end && !g->failed; n++)
        statement(g, n, i->ir_end);
    if (!g->failed && !g->e.full)
        return true;
    if (!g->e.full)
        g->e = before;
    g->n_outs = outs;
    return false;
}

/* ------------------------------------------------------------------ stubs */

static struct emit emit_here(struct jit *j)
{
    struct code_buffer *c = &j->code;

    return (struct emit){c->write + c->used, c->write + c->size, false};
}

static const uint8_t *run_address(const struct jit *j, const uint8_t *at)
{
    return j->code.run + (at - j->code.write);
}

bool backend_init(struct jit *j, struct error *err)
{
    static const int8_t saved[] = {RBX, RBP, R12, R13, R14, R15};
    const struct isa *isa = j->cpu->class->isa;
    unsigned n = pin_count(isa);
    struct emit e = emit_here(j);
    uint8_t *none;

    if (!__builtin_cpu_supports("bmi2"))
        return error_set(err, "the host processor lacks BMI2");

    /* run(cpu, record, budget): handlers below may change every register */
    j->hooks.run = (void (*)(struct cpu *, const struct rec *, int64_t))(
        uintptr_t)run_address(j, e.at);
    for (unsigned i = 0; i < 6; i++)
        e_push(&e, saved[i]);
    e_alu_imm(&e, true, ALU_SUB, RSP, 8);
    e_op_mem(&e, false, 0xff, 2, RSI, NO_REG, 0, 0); /* call [rsi] */
    e_alu_imm(&e, true, ALU_ADD, RSP, 8);
    for (unsigned i = 6; i-- > 0;)
        e_pop(&e, saved[i]);
    e_ret(&e);

    /* enter: a record's handler (cpu, record, budget) */
    j->enter = run_address(j, e.at);
    j->hooks.enter = (rec_fn *)(uintptr_t)j->enter;
    e_load(&e, RAX, RSI, BLOCK_CODE_OFFSET);
    e_mov(&e, RBP, RDI);
    e_mov(&e, RDI, RDX);
    fill(&e, isa, n);
    e_jmp_reg(&e, RAX);

    /* exit_record: rax = record, rcx = handler */
    j->exit_record = run_address(j, e.at);
    spill(&e, isa, n);
    e_mov(&e, RSI, RAX);
    e_mov(&e, RDX, RDI);
    e_mov(&e, RDI, RBP);
    e_jmp_reg(&e, RCX);

    /* exit_poll: cpu->pc is set, and the budget is counted */
    j->exit_poll = run_address(j, e.at);
    spill(&e, isa, n);
    e_store_imm(&e, RBP, CPU(cur), 0);
    e_store(&e, RBP, CPU(budget), RDI);
    e_ret(&e);

    /* exit_link: rax = link, rdx = site of the jump that came here */
    j->exit_link = run_address(j, e.at);
    spill(&e, isa, n);
    e_push(&e, RDI);
    e_push(&e, RAX);
    e_alu_imm(&e, true, ALU_SUB, RSP, 8); /* the callers' 8 make it 16 */
    e_mov(&e, RDI, RBP);
    e_mov(&e, RSI, RAX);
    e_imm(&e, RAX, (uintptr_t)jit_follow);
    e_call_reg(&e, RAX);
    e_alu_imm(&e, true, ALU_ADD, RSP, 8);
    e_pop(&e, RCX);
    e_pop(&e, RDI);
    e_test(&e, true, RAX, RAX);
    none = e_jcc(&e, CC_E);
    fill(&e, isa, n);
    e_jmp_reg(&e, RAX);
    e_patch(none, e.at);
    e_load(&e, RSI, RCX, 0); /* link->next */
    e_mov(&e, RDX, RDI);
    e_mov(&e, RDI, RBP);
    e_jmp_mem(&e, RSI, 0);
    if (e.full)
        return error_set(err, "the code buffer is too small");
    j->code.used = (size_t)(e.at - j->code.write);
    return true;
}

static void write_out(struct gen *g, const struct out *o)
{
    struct emit *e = &g->e;

    e_patch(o->site, e->at);
    switch (o->kind) {
    case OUT_RECORD:
        e_imm(e, RAX, (uintptr_t)o->rec);
        if (o->fn)
            e_imm(e, RCX, (uintptr_t)o->fn);
        else
            e_load(e, RCX, RAX, 0);
        jump_to_stub(g, g->j->exit_record);
        break;
    case OUT_POLL:
        e_load(e, RAX, RBP, CPU(page));
        e_lea(e, RAX, RAX, NO_REG, 0, o->target);
        e_store(e, RBP, CPU(pc), RAX);
        jump_to_stub(g, g->j->exit_poll);
        break;
    case OUT_LINK:
        e_imm(e, RAX, (uintptr_t)o->rec);
        e_imm(e, RDX, (uintptr_t)run_address(g->j, o->site));
        jump_to_stub(g, g->j->exit_link);
        break;
    }
}

/* The instruction is the interpreter's, and all behind it in this block. */
static void give_back(struct gen *g, const struct jit_insn *i)
{
    g->insn = i;
    add_out(g, OUT_RECORD, e_jmp(&g->e), i->rec, 0);
}

const uint8_t *backend_compile(struct jit *j)
{
    struct jit_block *b = &j->block;
    struct gen *g = calloc(1, sizeof(*g));
    const uint8_t *entry = NULL;
    unsigned done = 0;

    if (!g)
        return NULL;
    g->j = j;
    g->b = b;
    g->e = emit_here(j);
    g->n_pins = pin_count(b->cpu->class->isa);
    g->uses = calloc(1, b->ir.n + 1);
    g->reg = malloc(b->ir.n + 1);
    if (g->uses && g->reg) {
        memset(g->reg, NO_REG, b->ir.n + 1);
        while (done < b->n && lower_insn(g, &b->insns[done]))
            done++;
        g->failed = false;
        if (done < b->n)
            give_back(g, &b->insns[done]);
        else if (b->end)
            exit_by(g, b->end + 1);
        if (done > 0) {
            for (unsigned i = 0; i < g->n_outs && !g->e.full; i++)
                write_out(g, &g->outs[i]);
            if (!g->e.full && !g->failed) {
                entry = run_address(j, j->code.write + j->code.used);
                j->code.used = (size_t)(g->e.at - j->code.write + 15) &
                               ~(size_t)15;
            }
        }
        if (g->e.full)
            block_cache_flush(b->cpu);
    }
    free(g->uses);
    free(g->reg);
    free(g);
    return entry;
}
