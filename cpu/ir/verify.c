/*
 * Is a block of IR well-formed?  Run on every block by debug builds and by
 * the tests; the rules are those of ir_ops.h, and those of restartable
 * instructions (cpu/isa/README.md).
 */
#include "cpu/core/engine.h"
#include "cpu/ir/ir.h"

struct check {
    const struct ir *ir;
    const struct cpu_class *cls;
    struct error *e;
    uint32_t at; /* node */
    /* of the current guest instruction */
    bool in_insn, committed, left, fp_begun;
};

static bool bad(const struct check *k, const char *what)
{
    char text[96];

    ir_print_node(k->ir, k->at, NULL, text, sizeof(text));
    return error_set(k->e, "IR node %u (%s): %s", (unsigned)k->at, text, what);
}

static bool type_fits(unsigned type, const char *types)
{
    switch (*types) {
    case 'v':
        return type == IR_VOID;
    case '1':
        return type == IR_I1;
    case 'i':
        return type >= IR_I1 && type <= IR_I64;
    case 'b':
        return type >= IR_I8 && type <= IR_I64;
    case 'x':
        return type >= IR_I1 && type <= IR_V128;
    case 'y':
        return type >= IR_I8 && type <= IR_V128;
    case 't':
        return type >= IR_I16 && type <= IR_I64;
    case 'c':
        return type >= IR_I16 && type <= IR_V128;
    case 'V':
        return type == IR_V128;
    case 'q':
        return type == IR_I32 || type == IR_I64;
    default:
        return true; /* by the operation's own rules */
    }
}

/* Type of the value r, or IR_VOID with an error. */
static unsigned operand_type(const struct check *k, ir_ref r)
{
    if (r == IR_NONE) {
        bad(k, "an operand is missing");
        return IR_VOID;
    }
    if (r >= k->at) {
        bad(k, "an operand is used before it is made");
        return IR_VOID;
    }
    if (!ir_is_value(&k->ir->nodes[r])) {
        bad(k, "an operand is no value");
        return IR_VOID;
    }
    return k->ir->nodes[r].type;
}

static bool operand_fits(const struct ir_node *n, char kind, unsigned type,
                         unsigned first)
{
    unsigned bits = ir_bits(type), own = ir_bits(n->type);

    switch (kind) {
    case 's':
        return type == n->type;
    case 'm':
        return type == first;
    case 'n':
        return bits < own;
    case 'w':
        return bits > own;
    case 'h':
        return bits * 2 == own && type <= IR_I64;
    case 'd':
        return bits == own * 2;
    case '1':
        return type == IR_I1;
    case '6':
        return type == IR_I64;
    case 'p':
        return type == IR_I32 || type == IR_I64;
    case 'l':
        return type >= IR_I8 && type <= IR_I64;
    default:
        return false;
    }
}

static bool check_operands(const struct check *k, const struct ir_node *n)
{
    const char *kinds = ir_ops[n->op].operands;
    bool optional = ir_ops[n->op].effects & IR_OPTIONAL;
    unsigned first = IR_VOID;
    ir_ref refs[4];

    if (kinds[0] == '*')
        return true;
    ir_operands(n, refs);
    for (unsigned i = 0; kinds[i]; i++) {
        unsigned type;

        if (optional && refs[i] == IR_NONE)
            continue;
        type = operand_type(k, refs[i]);
        if (type == IR_VOID)
            return false;
        if (i == 0)
            first = type;
        if (!operand_fits(n, kinds[i], type, first))
            return bad(k, "an operand has the wrong type");
    }
    /* What is not used is not set, so that a pass may look at all. */
    if ((!kinds[0] && n->a != IR_NONE) ||
        ((!kinds[0] || !kinds[1]) && n->b != IR_NONE) ||
        ((!kinds[0] || !kinds[1] || !kinds[2]) && n->c != IR_NONE))
        return bad(k, "an operand too many");
    return true;
}

static bool check_fp(const struct check *k, const struct ir_node *n)
{
    const ir_ref refs[3] = {n->a, n->b, n->c};
    const struct ir_fp_info *info;
    unsigned type;

    if (ir_which(n) >= IR_N_FPS)
        return bad(k, "there is no such operation");
    info = &ir_fps[ir_which(n)];
    if (n->type != info->result)
        return bad(k, "the result has another type");
    for (unsigned i = 0; i < 3; i++) {
        if (i >= info->count && refs[i] != IR_NONE)
            return bad(k, "an operand too many");
        if (i >= info->count)
            continue;
        type = operand_type(k, refs[i]);
        if (type == IR_VOID)
            return false;
        if (type != info->operand)
            return bad(k, "an operand has the wrong type");
    }
    if (!info->rounds)
        return ir_d(n) == IR_NONE || bad(k, "it does not round");
    type = operand_type(k, ir_d(n));
    if (type == IR_VOID)
        return false;
    return type == IR_I8 || bad(k, "the rounding mode has the wrong type");
}

/* Operations that lanes can have: of one, two or three vectors. */
static unsigned lane_operands(unsigned op)
{
    switch (op) {
    case IR_NOT:
    case IR_NEG:
    case IR_CLZ:
    case IR_CTZ:
    case IR_POPCNT:
        return 1;
    case IR_SELECT:
        return 3;
    case IR_FP:
        return 0;
    default:
        return (op >= IR_ADD && op <= IR_MULHSU) ||
                       (op >= IR_EQ && op <= IR_SLE)
                   ? 2
                   : 0;
    }
}

static bool check_lanes(const struct check *k, const struct ir_node *n)
{
    const ir_ref refs[3] = {n->a, n->b, n->c};
    unsigned lane = ir_lane_type(n), count = lane_operands(ir_lane_op(n));

    if (lane < IR_I8 || lane > IR_I64)
        return bad(k, "there are no such lanes");
    if (ir_lane_op(n) == IR_FP) {
        const struct ir_fp_info *info;

        if (ir_lane_fp(n) >= IR_N_FPS)
            return bad(k, "there is no such operation");
        info = &ir_fps[ir_lane_fp(n)];
        if (info->operand != lane ||
            (info->result != lane && info->result != IR_I1))
            return bad(k, "the lanes have another type");
        count = info->count;
        if (info->rounds != (ir_d(n) != IR_NONE) ||
            (info->rounds && operand_type(k, ir_d(n)) != IR_I8))
            return bad(k, "the rounding mode has the wrong type");
    }
    if (count == 0)
        return bad(k, "lanes have no such operation");
    for (unsigned i = 0; i < 3; i++) {
        if (i >= count && refs[i] != IR_NONE)
            return bad(k, "an operand too many");
        if (i < count && operand_type(k, refs[i]) != IR_V128)
            return bad(k, "an operand is no vector");
    }
    return true;
}

static bool check_deposit(const struct check *k, const struct ir_node *n,
                          unsigned bits)
{
    unsigned width = ir_bits(k->ir->nodes[n->b].type);

    if (n->imm > bits - width)
        return bad(k, "it reaches beyond its type");
    return n->imm % width == 0 ||
           bad(k, "its place is no multiple of its width");
}

static const struct isa_helper *helper(const struct isa *isa, unsigned n)
{
    const struct isa_helper *h = isa->helpers;

    for (unsigned i = 0; h[i].name; i++)
        if (i == n)
            return &h[i];
    return NULL;
}

static bool check_call(const struct check *k, const struct ir_node *n)
{
    unsigned count = ir_call_count(n);
    ir_ref refs[4];

    ir_operands(n, refs);
    if (n->type == IR_I1)
        return bad(k, "a helper gives no single bit");
    if (count > 4)
        return bad(k, "a helper takes four operands at most");
    for (unsigned i = 0; i < 4; i++) {
        unsigned type;

        if (i >= count && refs[i] != IR_NONE)
            return bad(k, "an operand too many");
        if (i >= count)
            continue;
        type = operand_type(k, refs[i]);
        if (type == IR_VOID)
            return false;
        if (type > IR_I64)
            return bad(k, "an operand has more than 64 bits");
    }
    if (k->cls) {
        const struct isa_helper *h = helper(k->cls->isa, ir_which(n));

        if (!h)
            return bad(k, "there is no such helper");
        if (h->n_args != count)
            return bad(k, "the helper takes other operands");
    }
    return true;
}

/* A file of registers. */
static bool check_file(const struct check *k, const struct ir_node *n)
{
    const uint64_t first = (uint32_t)n->imm, count = n->imm >> 32;
    const uint64_t end = first + count * (ir_bits(n->type) / 8);

    if (count == 0 || count & (count - 1))
        return bad(k, "the count is no power of two");
    return (first >= sizeof(struct cpu) && (!k->cls || end <= k->cls->size)) ||
           bad(k, "the slot is not the guest's");
}

static bool check_imm(const struct check *k, const struct ir_node *n)
{
    unsigned bits = ir_bits(n->type);

    switch (n->op) {
    case IR_CONST:
        if (bits < 64 && n->imm >> bits)
            return bad(k, "the value does not fit its type");
        return true;
    case IR_GET:
    case IR_PUT:
        /* The engine's own part of the struct is not the guest's. */
        if (n->imm < sizeof(struct cpu) ||
            (k->cls &&
             (n->imm > k->cls->size || (bits + 7) / 8 > k->cls->size - n->imm)))
            return bad(k, "the slot is not the guest's");
        return true;
    case IR_GET_AT:
    case IR_PUT_AT:
        return check_file(k, n);
    case IR_AMO:
        return n->imm < IR_N_AMOS || bad(k, "there is no such operation");
    case IR_DEPOSIT:
        return check_deposit(k, n, bits);
    case IR_LANES:
        return check_lanes(k, n);
    case IR_EXIT_INDIRECT:
    case IR_EXIT_INDIRECT_IF:
        return n->imm <= IR_MODE || bad(k, "there is no such hint");
    case IR_FP:
        return check_fp(k, n);
    case IR_CALL:
        return check_call(k, n);
    default:
        return true;
    }
}

/* The order of effects within a guest instruction. */
static bool check_effects(struct check *k, const struct ir_node *n)
{
    unsigned effects = ir_effects(n);
    const unsigned acts = IR_FAULTS | IR_COMMITS | IR_LEAVES | IR_ENDS;

    if (n->op == IR_INSN) {
        k->in_insn = true;
        k->committed = k->left = k->fp_begun = false;
        return true;
    }
    if (n->op == IR_FP_BEGIN)
        k->fp_begun = true;
    else if (n->op == IR_FP_CHECK)
        k->fp_begun = false;
    else if (k->fp_begun && (n->op == IR_FP || n->op == IR_LANES))
        effects &= ~(unsigned)IR_COMMITS;
    if (!(effects & acts))
        return true;
    if (!k->in_insn)
        return bad(k, "it belongs to no instruction");
    if (k->left && (!(effects & IR_ENDS) || (effects & IR_FAULTS)))
        return bad(k, "the instruction may have been left before");
    if ((effects & IR_FAULTS) && k->committed)
        return bad(k, "it may fault after a commit");
    if (effects & IR_COMMITS)
        k->committed = true;
    if (effects & IR_LEAVES)
        k->left = true;
    return true;
}

static bool check_node(struct check *k)
{
    const struct ir_node *n = &k->ir->nodes[k->at];
    bool last = k->at == k->ir->n - 1;
    bool ends;

    if (n->op >= IR_N_OPS)
        return bad(k, "there is no such operation");
    if (n->type >= IR_TYPES || !type_fits(n->type, ir_ops[n->op].types))
        return bad(k, "it cannot have this type");
    if (!check_operands(k, n) || !check_imm(k, n) || !check_effects(k, n))
        return false;
    ends = ir_ops[n->op].effects & IR_ENDS;
    if (ends && !last)
        return bad(k, "a node stands behind the end of the block");
    if (last && !ends)
        return bad(k, "the block does not end");
    return true;
}

bool ir_verify(const struct ir *ir, const struct cpu_class *cls,
               struct error *e)
{
    struct check k = {.ir = ir, .cls = cls, .e = e};

    if (ir->failed)
        return error_set(e, "IR: out of memory, or more than %u nodes",
                         IR_MAX_NODES);
    if (ir->n == 0)
        return error_set(e, "IR: the block is empty");
    for (k.at = 0; k.at < ir->n; k.at++)
        if (!check_node(&k))
            return false;
    return true;
}
