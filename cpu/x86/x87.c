/*
 * x87: what its instructions do beside computing - the register stack, tags,
 * condition codes, exceptions that wait for the next instruction.
 *
 * Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1,
 * chapter 8, and volume 2.  Numbers are cpu/fp's (f80.h).  Undefined condition
 * codes stay as they were.
 *
 * Missing: projective infinity and other ways of the 8087 and 80287, whose
 * control word has a bit for it that nothing heeds; the bus' wait states (an
 * 8086 without WAIT); the opcode of instructions that raised nothing, which
 * processors have not kept since the Pentium 4.
 */
#include "cpu/x86/x87.h"

#include "cpu/x86/x86_isa.h"

/* ------------------------------------------------------------- the state */

/* Exceptions in the order of the status word's bits. */
static const uint8_t exceptions[6] = {FP_NV, FP_DN, FP_DZ, FP_OF, FP_UF, FP_NX};

uint16_t x87_status(const struct x86_cpu *g)
{
    return (uint16_t)(g->x87.status | g->x87.top << X87_TOP_SHIFT);
}

/* ES and B: an exception is there that is not masked. */
static void settle(struct x86_cpu *g)
{
    struct x86_x87 *x = &g->x87;

    x->status &= (uint16_t) ~(X87_ES | X87_B);
    if (x->status & ~x->control & X87_EXCEPTIONS)
        x->status |= X87_ES | X87_B;
    x87_settle(g);
}

/* FERR# as it is now; an interrupt that it leads to is looked at at once. */
static void set_ferr(struct x86_cpu *g, bool on)
{
    struct cpu *c = &g->core;

    if (g->fpu_error == on)
        return;
    g->fpu_error = on;
    if (!c->wires.ferr.set)
        return;
    pthread_mutex_lock(memory_lock(c->env.memory));
    wire_set(&c->wires.ferr, on);
    pthread_mutex_unlock(memory_lock(c->env.memory));
    c->leave = true;
}

void x87_settle(struct x86_cpu *g)
{
    const bool error = g->x87.status & X87_ES;

    g->x87_wait = error && g->cr0 & CR0_NE;
    set_ferr(g, error && !(g->cr0 & CR0_NE));
}

void x87_set_status(struct x86_cpu *g, uint16_t v)
{
    g->x87.top = v >> X87_TOP_SHIFT & 7;
    g->x87.status = v & (uint16_t)~X87_TOP;
    settle(g);
}

void x87_set_control(struct x86_cpu *g, uint16_t v)
{
    g->x87.control = (v & 0x1f3f) | 0x40;
    settle(g);
}

uint16_t x87_tags(const struct x86_cpu *g)
{
    unsigned tags = 0;

    for (unsigned i = 0; i < 8; i++) {
        struct f80 v = {g->x87.mantissa[i], g->x87.exponent[i]};
        unsigned tag = 2;

        if (!(g->x87.used >> i & 1))
            tag = 3;
        else if (f80_classify(v) == F80_NORMAL)
            tag = 0;
        else if (f80_classify(v) == F80_IS_ZERO)
            tag = 1;
        tags |= tag << 2 * i;
    }
    return (uint16_t)tags;
}

uint16_t x87_opcode(struct x86_cpu *g)
{
    struct x86_x87 *x = &g->x87;
    uint8_t code[16] = {0};
    unsigned i = 0;

    if (x->opcode_due) {
        cpu_peek(&g->core, x86_cut_pc(&g->core, g->cs_base + x->ip), code, 15);
        /* Behind prefixes is D8 to DF; without it, it has gone. */
        while (i < 14 && (code[i] & 0xf8) != 0xd8)
            i++;
        x->opcode = (uint16_t)((code[i] & 7) << 8 | code[i + 1]);
        x->opcode_due = false;
    }
    return x->opcode;
}

static void init(struct x86_x87 *x)
{
    x->control = X87_CONTROL_INIT;
    x->status = x->opcode = x->cs = x->ds = 0;
    x->top = x->used = 0;
    x->ip = x->dp = 0;
    x->opcode_due = false;
}

void x87_reset(struct x86_cpu *g)
{
    for (unsigned i = 0; i < 8; i++) {
        g->x87.mantissa[i] = 0;
        g->x87.exponent[i] = 0;
    }
    init(&g->x87);
    settle(g);
}

/* ------------------------------------------------------------- the stack */

static unsigned place(const struct x86_cpu *g, unsigned i)
{
    return (g->x87.top + i) & 7;
}

static bool empty(const struct x86_cpu *g, unsigned i)
{
    return !(g->x87.used >> place(g, i) & 1);
}

static struct f80 get(const struct x86_cpu *g, unsigned i)
{
    unsigned n = place(g, i);

    return (struct f80){g->x87.mantissa[n], g->x87.exponent[n]};
}

static void put(struct x86_cpu *g, unsigned i, struct f80 v)
{
    unsigned n = place(g, i);

    g->x87.mantissa[n] = v.sig;
    g->x87.exponent[n] = v.se;
    g->x87.used |= (uint8_t)(1u << n);
}

static void push(struct x86_cpu *g, struct f80 v)
{
    g->x87.top = (g->x87.top - 1) & 7;
    put(g, 0, v);
}

static void pop(struct x86_cpu *g)
{
    g->x87.used &= (uint8_t) ~(1u << g->x87.top);
    g->x87.top = (g->x87.top + 1) & 7;
}

static void pop_as(struct x86_cpu *g, uint8_t how)
{
    if (how & (X87_POP | X87_POP_TWICE))
        pop(g);
    if (how & X87_POP_TWICE)
        pop(g);
}

/* ------------------------------------------------------------ exceptions */

static struct fp_env environment(const struct x86_cpu *g)
{
    static const uint8_t modes[4] = {FP_RNE, FP_RDN, FP_RUP, FP_RTZ};
    static const uint8_t precisions[4] = {24, 64, 53, 64};
    unsigned control = g->x87.control;
    struct fp_env e = {
        .rules = FP_RULES_X87,
        .round = modes[control >> 10 & 3],
        .precision = precisions[control >> 8 & 3],
    };

    if ((control & X87_EXCEPTIONS) != X87_EXCEPTIONS)
        for (unsigned i = 0; i < 6; i++)
            if (!(control >> i & 1))
                e.unmasked |= exceptions[i];
    return e;
}

/* Flags of an operation into the status word. */
static void post(struct x86_cpu *g, uint8_t flags)
{
    unsigned status = flags & FP_UP ? X87_C1 : 0;

    if (!flags)
        return;
    for (unsigned i = 0; i < 6; i++)
        if (flags & exceptions[i])
            status |= 1u << i;
    g->x87.status |= (uint16_t)status;
    if (status & ~(unsigned)g->x87.control & X87_EXCEPTIONS)
        g->x87.opcode_due = true;
    settle(g);
}

/* What was raised counts; true if there is a result. */
static bool commit(struct x86_cpu *g, struct fp_env *e)
{
    bool done = !f80_abandoned(e);

    if (!done)
        e->flags &= FP_NV | FP_DZ | FP_DN;
    post(g, e->flags);
    return done;
}

/* An empty register as a source, or one that is in use as a destination;
 * true if it is masked, and indefinite the answer. */
static bool stack_fault(struct x86_cpu *g, bool over)
{
    post(g, FP_NV);
    g->x87.status |= X87_SF;
    g->x87.status &= (uint16_t)~X87_C1;
    if (over)
        g->x87.status |= X87_C1;
    return g->x87.control & X87_IE;
}

/* With CR0.NE clear FERR# tells the board, which interrupts behind the
 * instruction that failed, not at the next one; while interrupts are off the
 * processor would stop there, here it goes on as if IGNNE# were low. */
bool x87_waits(struct cpu *c)
{
    struct x86_cpu *g = x86(c);

    if (!g->x87_wait)
        return true;
    x86_raise(c, VECTOR_MF, 0);
    return false;
}

/* Start of an instruction that waits and is not about control; C1 stays, as
 * the processors that have FCOMI and FCMOV leave it with those. */
static bool begin_with_c1(struct cpu *c)
{
    struct x86_cpu *g = x86(c);

    if (!x87_waits(c))
        return false;
    g->x87.cs = g->segment[SEG_CS].selector;
    return true;
}

static bool begin(struct cpu *c)
{
    if (!begin_with_c1(c))
        return false;
    x86(c)->x87.status &= (uint16_t)~X87_C1;
    return true;
}

static void note_operand(struct x86_cpu *g, uint64_t ea, uint8_t segment)
{
    g->x87.dp = ea;
    g->x87.ds = g->segment[segment].selector;
}

bool x86_fpu_wait(struct cpu *c)
{
    struct x86_cpu *g = x86(c);

    if ((g->cr0 & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS)) {
        x86_raise(c, VECTOR_NM, 0);
        return false;
    }
    return x87_waits(c);
}

/* ------------------------------------------------------------ arithmetic */

static void set_condition(struct x86_cpu *g, unsigned bits)
{
    const unsigned all = X87_C0 | X87_C2 | X87_C3;

    g->x87.status = (uint16_t)((g->x87.status & ~all) | bits);
}

static void set_order(struct x86_cpu *g, enum f80_order order)
{
    static const uint16_t bits[] = {X87_C0, X87_C3, 0,
                                    X87_C0 | X87_C2 | X87_C3};

    set_condition(g, bits[order]);
}

/* a op b; what f80.h does not see is whether b was a denormal in memory. */
static struct f80 compute(struct fp_env *e, unsigned op, struct f80 a,
                          struct f80 b, bool denormal)
{
    struct f80 r;

    switch (op) {
    case X87_ADD:
        r = f80_add(e, a, b);
        break;
    case X87_MUL:
        r = f80_mul(e, a, b);
        break;
    case X87_SUB:
        r = f80_sub(e, a, b);
        break;
    case X87_SUBR:
        r = f80_sub(e, b, a);
        break;
    case X87_DIV:
        r = f80_div(e, a, b);
        break;
    default:
        r = f80_div(e, b, a);
        break;
    }
    if (denormal && !(e->flags & (FP_NV | FP_DZ)) && f80_classify(r) != F80_NAN)
        e->flags |= FP_DN;
    return r;
}

/* ST(0) with a number: nothing but condition codes changes. */
static void compare(struct x86_cpu *g, struct f80 b, bool denormal, uint8_t how)
{
    struct fp_env e = environment(g);
    enum f80_order order = f80_compare(&e, get(g, 0), b, how & X87_QUIET);

    if (denormal && order != F80_UNORDERED)
        e.flags |= FP_DN;
    set_order(g, order);
    if (commit(g, &e))
        pop_as(g, how);
}

static void compare_empty(struct x86_cpu *g, uint8_t how)
{
    bool masked = stack_fault(g, false);

    set_order(g, F80_UNORDERED);
    if (masked)
        pop_as(g, how);
}

/* ST(i) = ST(0) op b, of which either may be empty. */
static void arith(struct x86_cpu *g, unsigned op, bool none, struct f80 b,
                  bool denormal, unsigned i, uint8_t how)
{
    struct fp_env e = environment(g);
    struct f80 r = F80_INDEFINITE;
    bool done;

    if (none || empty(g, 0)) {
        done = stack_fault(g, false);
    } else {
        r = compute(&e, op, get(g, 0), b, denormal);
        done = commit(g, &e);
    }
    if (done) {
        put(g, i, r);
        pop_as(g, how);
    }
}

bool x86_fpu_arith(struct cpu *c, uint8_t op, uint8_t i)
{
    if (!begin(c))
        return false;
    arith(x86(c), op, empty(x86(c), i), get(x86(c), i), false, 0, 0);
    return true;
}

bool x86_fpu_arith_to(struct cpu *c, uint8_t op, uint8_t i, uint8_t how)
{
    if (!begin(c))
        return false;
    arith(x86(c), op, empty(x86(c), i), get(x86(c), i), false, i, how);
    return true;
}

/* With an operand from memory; comparisons are among these. */
static bool with_memory(struct cpu *c, unsigned op, struct f80 v, bool denormal,
                        uint64_t ea, uint8_t segment)
{
    struct x86_cpu *g = x86(c);
    uint8_t how = op == X87_COMP ? X87_POP : 0;

    if (!begin(c))
        return false;
    note_operand(g, ea, segment);
    if (op != X87_COM && op != X87_COMP)
        arith(g, op, false, v, denormal, 0, 0);
    else if (empty(g, 0))
        compare_empty(g, how);
    else
        compare(g, v, denormal, how);
    return true;
}

bool x86_fpu_arith_f32(struct cpu *c, uint8_t op, uint32_t v, uint64_t ea,
                       uint8_t segment)
{
    return with_memory(c, op, f80_widen_f32(v), !fp_is_plain_f32(v), ea,
                       segment);
}

bool x86_fpu_arith_f64(struct cpu *c, uint8_t op, uint64_t v, uint64_t ea,
                       uint8_t segment)
{
    return with_memory(c, op, f80_widen_f64(v), !fp_is_plain_f64(v), ea,
                       segment);
}

bool x86_fpu_arith_int(struct cpu *c, uint8_t op, uint64_t v, uint64_t ea,
                       uint8_t segment)
{
    return with_memory(c, op, f80_from_i64((int64_t)v), false, ea, segment);
}

/* ZF, PF and CF; the others are cleared. */
static void order_to_flags(struct cpu *c, enum f80_order order)
{
    static const uint8_t bits[] = {0x01, 0x40, 0, 0x45};

    c->flag_kind = FLAGS_BITS;
    c->flag_a = bits[order];
    c->flag_b = 0;
}

bool x86_fpu_compare_flags(struct cpu *c, uint8_t i, uint8_t how)
{
    struct x86_cpu *g = x86(c);
    struct fp_env e = environment(g);
    enum f80_order order = F80_UNORDERED;
    bool done;

    if (!begin_with_c1(c))
        return false;
    if (empty(g, 0) || empty(g, i)) {
        done = stack_fault(g, false);
    } else {
        order = f80_compare(&e, get(g, 0), get(g, i), how & X87_QUIET);
        done = commit(g, &e);
    }
    order_to_flags(c, order);
    if (done)
        pop_as(g, how);
    return true;
}

bool x86_fpu_compare(struct cpu *c, uint8_t i, uint8_t how)
{
    struct x86_cpu *g = x86(c);

    if (!begin(c))
        return false;
    if (empty(g, 0) || empty(g, i))
        compare_empty(g, how);
    else
        compare(g, get(g, i), false, how);
    return true;
}

/* ------------------------------------------------------- D9 E0 to D9 FF */

static void examine(struct x86_cpu *g)
{
    static const uint16_t bits[] = {
        [F80_UNSUPPORTED] = 0,
        [F80_NAN] = X87_C0,
        [F80_NORMAL] = X87_C2,
        [F80_INFINITY] = X87_C2 | X87_C0,
        [F80_IS_ZERO] = X87_C3,
        [F80_EMPTY] = X87_C3 | X87_C0,
        [F80_DENORMAL] = X87_C3 | X87_C2,
    };
    struct f80 v = get(g, 0);

    set_condition(g, bits[empty(g, 0) ? F80_EMPTY : f80_classify(v)]);
    if (v.se & F80_SIGN)
        g->x87.status |= X87_C1;
}

/* FLD1 to FLDZ: exact ones, and numbers that are rounded as they are loaded
 * (SDM 2, FLD1): whether the next bits lead up is the last column. */
static struct f80 constant(const struct x86_cpu *g, unsigned n)
{
    static const struct {
        struct f80 down; /* towards zero */
        bool inexact, above_half;
    } table[7] = {
        {{UINT64_C(0x8000000000000000), 0x3fff}, false, false},
        {{UINT64_C(0xd49a784bcd1b8afe), 0x4000}, true, false},
        {{UINT64_C(0xb8aa3b295c17f0bb), 0x3fff}, true, true},
        {{UINT64_C(0xc90fdaa22168c234), 0x4000}, true, true},
        {{UINT64_C(0x9a209a84fbcff798), 0x3ffd}, true, true},
        {{UINT64_C(0xb17217f7d1cf79ab), 0x3ffe}, true, true},
        {{0, 0}, false, false},
    };
    uint8_t round = environment(g).round;
    struct f80 v = table[n].down;

    if (table[n].inexact &&
        (round == FP_RUP || (round == FP_RNE && table[n].above_half)))
        v.sig++;
    return v;
}

static void load_constant(struct x86_cpu *g, unsigned n)
{
    if (empty(g, 7))
        push(g, constant(g, n));
    else if (stack_fault(g, true))
        push(g, F80_INDEFINITE);
}

static void remainder_of(struct x86_cpu *g, bool nearest)
{
    struct fp_env e = environment(g);
    unsigned condition = 0;
    bool partial;
    uint64_t q;
    struct f80 r = f80_rem(&e, get(g, 0), get(g, 1), nearest, &q, &partial);

    if (partial)
        condition = X87_C2;
    else
        condition = (q & 4 ? X87_C0 : 0u) | (q & 2 ? X87_C3 : 0u) |
                    (q & 1 ? X87_C1 : 0u);
    if (commit(g, &e)) {
        put(g, 0, r);
        if (f80_classify(r) != F80_NAN)
            set_condition(g, condition);
    }
}

/* Of ST(0) alone, in its place. */
static void unary(struct x86_cpu *g, unsigned function)
{
    struct fp_env e = environment(g);
    struct f80 a = get(g, 0), r = a;
    bool in_range = true;

    switch (function) {
    case X87_F2XM1:
        r = f80_2xm1(&e, a);
        break;
    case X87_FSQRT:
        r = f80_sqrt(&e, a);
        break;
    case X87_FRNDINT:
        r = f80_rint(&e, a);
        break;
    case X87_FSIN:
        in_range = f80_sin(&e, a, &r);
        break;
    default:
        in_range = f80_cos(&e, a, &r);
        break;
    }
    if (!in_range)
        g->x87.status |= X87_C2;
    if (commit(g, &e) && in_range)
        put(g, 0, r);
}

/* Of ST(0) and ST(1), which it replaces, popping the other. */
static void binary(struct x86_cpu *g, unsigned function)
{
    struct fp_env e = environment(g);
    struct f80 x = get(g, 0), y = get(g, 1), r;

    if (function == X87_FYL2X)
        r = f80_yl2x(&e, x, y);
    else if (function == X87_FYL2XP1)
        r = f80_yl2xp1(&e, x, y);
    else
        r = f80_patan(&e, x, y);
    if (commit(g, &e)) {
        put(g, 1, r);
        pop(g);
    }
}

static void scale(struct x86_cpu *g)
{
    struct fp_env e = environment(g);
    struct f80 r = f80_scale(&e, get(g, 0), get(g, 1));

    if (commit(g, &e))
        put(g, 0, r);
}

/* ST(0) gives two results, the second on top of it. */
static void pair(struct x86_cpu *g, unsigned function)
{
    struct fp_env e = environment(g);
    struct f80 a = get(g, 0), below = a, above = F80_ONE;
    bool in_range = true;

    if (function == X87_FXTRACT) {
        above = f80_extract(&e, a, &below);
    } else {
        if (function == X87_FPTAN)
            in_range = f80_tan(&e, a, &below);
        else
            in_range = f80_sincos(&e, a, &below, &above);
        if (!in_range)
            g->x87.status |= X87_C2;
        if (function == X87_FPTAN && f80_classify(below) == F80_NAN)
            above = below;
    }
    if (commit(g, &e) && in_range) {
        put(g, 0, below);
        push(g, above);
    }
}

/* What needs ST(1), too. */
static bool takes_two(unsigned function)
{
    return function == X87_FYL2X || function == X87_FPATAN ||
           function == X87_FYL2XP1 || function == X87_FPREM ||
           function == X87_FPREM1 || function == X87_FSCALE;
}

/* What pushes, too. */
static bool gives_two(unsigned function)
{
    return function == X87_FPTAN || function == X87_FXTRACT ||
           function == X87_FSINCOS;
}

/* C2 says that the operand is out of range, or that there is more to do. */
static bool tells_range(unsigned function)
{
    return function == X87_FSIN || function == X87_FCOS ||
           function == X87_FSINCOS || function == X87_FPTAN ||
           function == X87_FPREM || function == X87_FPREM1;
}

/* A register is missing, or one too many is there. */
static void function_fault(struct x86_cpu *g, unsigned function)
{
    bool none = empty(g, 0) || (takes_two(function) && empty(g, 1));

    if (tells_range(function))
        g->x87.status &= (uint16_t)~X87_C2;
    if (!stack_fault(g, !none))
        return;
    if (function == X87_FYL2X || function == X87_FYL2XP1 ||
        function == X87_FPATAN) {
        put(g, 1, F80_INDEFINITE);
        pop(g);
        return;
    }
    put(g, 0, F80_INDEFINITE);
    if (gives_two(function))
        push(g, F80_INDEFINITE);
}

static void run_function(struct x86_cpu *g, unsigned function)
{
    struct f80 a = get(g, 0);

    if (tells_range(function))
        g->x87.status &= (uint16_t)~X87_C2;
    switch (function) {
    case X87_FCHS:
        a.se ^= F80_SIGN;
        put(g, 0, a);
        break;
    case X87_FABS:
        a.se &= (uint16_t)~F80_SIGN;
        put(g, 0, a);
        break;
    case X87_FTST:
        compare(g, F80_ZERO, false, 0);
        break;
    case X87_FYL2X:
    case X87_FYL2XP1:
    case X87_FPATAN:
        binary(g, function);
        break;
    case X87_FXTRACT:
    case X87_FPTAN:
    case X87_FSINCOS:
        pair(g, function);
        break;
    case X87_FPREM:
    case X87_FPREM1:
        remainder_of(g, function == X87_FPREM1);
        break;
    case X87_FSCALE:
        scale(g);
        break;
    default:
        unary(g, function);
        break;
    }
}

bool x86_fpu_function(struct cpu *c, uint8_t function)
{
    struct x86_cpu *g = x86(c);

    if (!begin(c))
        return false;
    if (function == X87_FXAM)
        examine(g);
    else if (function == X87_FDECSTP)
        g->x87.top = (g->x87.top - 1) & 7;
    else if (function == X87_FINCSTP)
        g->x87.top = (g->x87.top + 1) & 7;
    else if (function >= X87_FLD1 && function < X87_F2XM1)
        load_constant(g, function - X87_FLD1);
    else if (function == X87_FTST && empty(g, 0))
        compare_empty(g, 0);
    else if (empty(g, 0) || (takes_two(function) && empty(g, 1)) ||
             (gives_two(function) && !empty(g, 7)))
        function_fault(g, function);
    else
        run_function(g, function);
    return true;
}

/* ----------------------------------------------------------------- moves */

bool x86_fpu_move(struct cpu *c, uint8_t i, uint8_t condition)
{
    struct x86_cpu *g = x86(c);

    if (!begin_with_c1(c))
        return false;
    if (empty(g, 0) || empty(g, i)) {
        if (stack_fault(g, false))
            put(g, 0, F80_INDEFINITE);
    } else if (condition) {
        put(g, 0, get(g, i));
    }
    return true;
}

/* Push what was loaded with the flags in e, if ST(7) is free. */
static void load(struct x86_cpu *g, struct f80 v, uint8_t flags)
{
    if (!empty(g, 7)) {
        if (stack_fault(g, true))
            push(g, F80_INDEFINITE);
        return;
    }
    /* An unmasked denormal does not keep it from being loaded. */
    if (!(flags & FP_NV) || g->x87.control & X87_IE)
        push(g, v);
    post(g, flags);
}

static bool load_memory(struct cpu *c, struct f80 v, uint8_t flags, uint64_t ea,
                        uint8_t segment)
{
    if (!begin(c))
        return false;
    note_operand(x86(c), ea, segment);
    load(x86(c), v, flags);
    return true;
}

bool x86_fpu_load(struct cpu *c, uint8_t i)
{
    struct x86_cpu *g = x86(c);

    if (!begin(c))
        return false;
    if (!empty(g, i))
        load(g, get(g, i), 0);
    else if (stack_fault(g, false))
        push(g, F80_INDEFINITE);
    return true;
}

bool x86_fpu_load_f32(struct cpu *c, uint32_t v, uint64_t ea, uint8_t segment)
{
    struct fp_env e = {.rules = FP_RULES_X87};
    struct f80 r = f80_from_f32(&e, v);

    return load_memory(c, r, e.flags, ea, segment);
}

bool x86_fpu_load_f64(struct cpu *c, uint64_t v, uint64_t ea, uint8_t segment)
{
    struct fp_env e = {.rules = FP_RULES_X87};
    struct f80 r = f80_from_f64(&e, v);

    return load_memory(c, r, e.flags, ea, segment);
}

bool x86_fpu_load_int(struct cpu *c, uint64_t v, uint64_t ea, uint8_t segment)
{
    return load_memory(c, f80_from_i64((int64_t)v), 0, ea, segment);
}

bool x86_fpu_load_f80(struct cpu *c, uint64_t low, uint16_t high, uint64_t ea,
                      uint8_t segment)
{
    return load_memory(c, (struct f80){low, high}, 0, ea, segment);
}

bool x86_fpu_load_bcd(struct cpu *c, uint64_t low, uint16_t high, uint64_t ea,
                      uint8_t segment)
{
    return load_memory(c, f80_from_bcd(low, high), 0, ea, segment);
}

bool x86_fpu_store(struct cpu *c, uint8_t i, uint8_t how)
{
    struct x86_cpu *g = x86(c);
    struct f80 v = get(g, 0);

    if (!begin(c))
        return false;
    if (empty(g, 0) && how & X87_UNCHECKED) {
        pop(g);
        return true;
    }
    if (empty(g, 0)) {
        if (!stack_fault(g, false))
            return true;
        v = F80_INDEFINITE;
    }
    put(g, i, v);
    pop_as(g, how);
    return true;
}

bool x86_fpu_exchange(struct cpu *c, uint8_t i)
{
    struct x86_cpu *g = x86(c);
    struct f80 a = get(g, 0), b = get(g, i);

    if (!begin(c))
        return false;
    if (empty(g, 0) || empty(g, i)) {
        if (!stack_fault(g, false))
            return true;
        a = empty(g, 0) ? F80_INDEFINITE : a;
        b = empty(g, i) ? F80_INDEFINITE : b;
    }
    put(g, 0, b);
    put(g, i, a);
    return true;
}

bool x86_fpu_free(struct cpu *c, uint8_t i, uint8_t how)
{
    struct x86_cpu *g = x86(c);

    if (!begin(c))
        return false;
    g->x87.used &= (uint8_t) ~(1u << place(g, i));
    pop_as(g, how);
    return true;
}

/* ---------------------------------------------------------------- stores */

/* Bytes that go to memory: 10 at most. */
struct stored {
    uint64_t low;
    uint16_t high;
};

/* Everything that can fail comes before anything changes: e has the flags of
 * v, none those of an empty register. */
static bool store(struct cpu *c, struct stored v, struct fp_env *e, bool none,
                  uint64_t ea, uint8_t segment, uint8_t bytes, uint8_t how)
{
    struct x86_cpu *g = x86(c);
    uint8_t trapped = e->flags & e->unmasked;
    bool writes = !(trapped & (FP_NV | FP_OF | FP_UF));

    if (writes) {
        uint64_t at;

        if (!x86_linear(c, segment, ea, bytes, X86_WRITE))
            return false;
        at = c->scratch;
        if (bytes > 8) {
            if (!cpu_check_write(c, at, bytes) || !cpu_store(c, at, 8, v.low) ||
                !cpu_store(c, x86_cut_pc(c, at + 8), 2, v.high))
                return false;
        } else if (!cpu_store(c, at, bytes, v.low)) {
            return false;
        }
    }
    g->x87.status &= (uint16_t)~X87_C1;
    g->x87.cs = g->segment[SEG_CS].selector;
    note_operand(g, ea, segment);
    if (none) {
        stack_fault(g, false);
    } else {
        /* Inexact is what was stored. */
        if (!writes)
            e->flags &= FP_NV | FP_OF | FP_UF;
        post(g, e->flags);
    }
    if (writes)
        pop_as(g, how);
    return true;
}

bool x86_fpu_store_float(struct cpu *c, uint64_t ea, uint8_t segment,
                         uint8_t bytes, uint8_t how)
{
    struct x86_cpu *g = x86(c);
    struct fp_env e = environment(g);
    bool none = empty(g, 0);
    struct f80 v = none ? F80_INDEFINITE : get(g, 0);
    struct stored s = {v.sig, v.se};

    if (!x87_waits(c))
        return false;
    if (bytes == 4)
        s.low = f80_to_f32(&e, v);
    else if (bytes == 8)
        s.low = f80_to_f64(&e, v);
    if (none)
        e.flags = FP_NV;
    return store(c, s, &e, none, ea, segment, bytes, how);
}

bool x86_fpu_store_int(struct cpu *c, uint64_t ea, uint8_t segment,
                       uint8_t bytes, uint8_t how)
{
    struct x86_cpu *g = x86(c);
    struct fp_env e = environment(g);
    bool none = empty(g, 0);
    struct f80 v = none ? F80_INDEFINITE : get(g, 0);
    struct stored s = {0, 0};

    if (!x87_waits(c))
        return false;
    if (how & X87_TRUNCATE)
        e.round = FP_RTZ;
    s.low = (uint64_t)f80_to_int(&e, v, bytes * 8u);
    return store(c, s, &e, none, ea, segment, bytes, how);
}

bool x86_fpu_store_bcd(struct cpu *c, uint64_t ea, uint8_t segment)
{
    struct x86_cpu *g = x86(c);
    struct fp_env e = environment(g);
    bool none = empty(g, 0);
    struct f80 v = none ? F80_INDEFINITE : get(g, 0);
    struct stored s;

    if (!x87_waits(c))
        return false;
    s.low = f80_to_bcd(&e, v, &s.high);
    return store(c, s, &e, none, ea, segment, 10, X87_POP);
}

/* --------------------------------------------------------------- control */

bool x86_fpu_set_control(struct cpu *c, uint16_t v)
{
    if (!x87_waits(c))
        return false;
    x87_set_control(x86(c), v);
    return true;
}

void x86_fpu_init(struct cpu *c)
{
    init(&x86(c)->x87);
    settle(x86(c));
}

void x86_fpu_clear(struct cpu *c)
{
    struct x86_cpu *g = x86(c);

    x87_opcode(g);
    g->x87.status &= (uint16_t) ~(X87_EXCEPTIONS | X87_SF | X87_ES | X87_B);
    settle(g);
}

void x86_fpu_status(struct cpu *c)
{
    c->scratch = x87_status(x86(c));
}

void x86_fpu_get_control(struct cpu *c)
{
    c->scratch = x86(c)->x87.control;
}
