/*
 * x87: what its rows do not say - its words as a whole, exceptions that wait
 * for the next instruction, stores, which those may keep from being done.
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
    const struct x86_x87 *x = &g->x87;

    return (uint16_t)(x->status | x->codes | (x->c1 ? X87_C1 : 0) |
                      x->top << X87_TOP_SHIFT);
}

/* What an exception that waits does: #MF, or FERR# as x86_interrupt() sees it,
 * outside of instructions that lockstep may do twice. */
static void set_wait(struct x86_cpu *g)
{
    g->x87_wait = (g->x87.status & X87_ES) && (g->cr0 & CR0_NE);
    if (x87_ferr(g) != g->ferr && g->core.wires.ferr.set)
        g->core.leave = true;
}

/* ES and B: an exception is there that is not masked. */
static void settle(struct x86_cpu *g)
{
    struct x86_x87 *x = &g->x87;

    x->status &= (uint16_t) ~(X87_ES | X87_B);
    if (x->status & ~x->control & X87_EXCEPTIONS)
        x->status |= X87_ES | X87_B;
    set_wait(g);
}

void x87_settle(struct x86_cpu *g)
{
    static const uint8_t modes[4] = {FP_RNE, FP_RDN, FP_RUP, FP_RTZ};
    static const uint8_t precisions[4] = {24, 64, 53, 64};
    const unsigned control = g->x87.control;

    g->fp80 = (struct fp_env){
        .rules = FP_RULES_X87,
        .round = modes[control >> 10 & 3],
        .precision = precisions[control >> 8 & 3],
    };
    for (unsigned i = 0; i < 6; i++)
        if (!(control >> i & 1))
            g->fp80.unmasked |= exceptions[i];
    set_wait(g);
}

void x87_set_status(struct x86_cpu *g, uint16_t v)
{
    g->x87.top = v >> X87_TOP_SHIFT & 7;
    g->x87.codes = v & (X87_C0 | X87_C2 | X87_C3);
    g->x87.c1 = (v & X87_C1) != 0;
    g->x87.status =
        v & (uint16_t) ~(X87_TOP | X87_C0 | X87_C1 | X87_C2 | X87_C3);
    settle(g);
}

void x87_set_control(struct x86_cpu *g, uint16_t v)
{
    g->x87.control = (v & 0x1f3f) | 0x40;
    x87_settle(g);
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
    x->status = x->codes = x->opcode = x->cs = x->ds = 0;
    x->top = x->used = x->c1 = 0;
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
    x87_settle(g);
    settle(g);
}

/* ------------------------------------------------------------ exceptions */

/* Flags of an operation into the status word. */
static void raise_flags(struct x86_cpu *g, uint8_t flags)
{
    unsigned status = 0;

    if (!flags)
        return;
    for (unsigned i = 0; i < 6; i++)
        if (flags & exceptions[i])
            status |= 1u << i;
    if (status & ~(unsigned)g->x87.control & X87_EXCEPTIONS)
        g->x87.opcode_due = true;
    else if (!(status & ~(unsigned)g->x87.status))
        return;
    g->x87.status |= (uint16_t)status;
    settle(g);
}

bool x86_post(struct cpu *c, uint8_t how)
{
    struct x86_cpu *g = x86(c);
    const uint8_t stop = how & X87_LOADS ? FP_NV : FP_NV | FP_DZ | FP_DN;
    uint8_t flags = g->fp80.flags;
    bool done;

    g->fp80.flags = 0;
    if (how & (X87_UNDERFLOW | X87_OVERFLOW)) {
        flags = FP_NV;
        g->x87.status |= X87_SF;
        g->x87.c1 = (how & X87_OVERFLOW) != 0;
        done = g->x87.control & X87_IE;
    } else {
        done = !(flags & g->fp80.unmasked & stop);
        if (!done)
            flags &= FP_NV | FP_DZ | FP_DN;
        if (!(how & X87_KEEP_C1))
            g->x87.c1 = (flags & FP_UP) != 0;
    }
    raise_flags(g, flags);
    c->scratch = done;
    return done;
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

/* ---------------------------------------------------------------- stores */

/* Bytes that go to memory: 10 at most. */
struct stored {
    uint64_t low;
    uint16_t high;
};

/* ST(0), the indefinite number if it is empty. */
static struct f80 top(const struct x86_cpu *g, bool *none)
{
    unsigned n = g->x87.top;

    *none = !(g->x87.used >> n & 1);
    return *none ? F80_INDEFINITE
                 : (struct f80){g->x87.mantissa[n], g->x87.exponent[n]};
}

/* Everything that can fail comes before anything changes: fp80 has the flags
 * of v, none those of an empty register. */
static bool store(struct cpu *c, struct stored v, bool none, uint64_t ea,
                  uint8_t segment, uint8_t bytes, uint8_t how)
{
    struct x86_cpu *g = x86(c);
    struct x86_x87 *x = &g->x87;
    uint8_t flags = none ? FP_NV : g->fp80.flags;
    bool writes = !(flags & g->fp80.unmasked & (FP_NV | FP_OF | FP_UF));

    g->fp80.flags = 0;
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
    } else {
        /* Inexact is what was stored. */
        flags &= FP_NV | FP_OF | FP_UF;
    }
    x->c1 = (flags & FP_UP) != 0;
    x->cs = g->segment[SEG_CS].selector;
    x->dp = ea;
    x->ds = g->segment[segment].selector;
    if (none)
        x->status |= X87_SF;
    raise_flags(g, flags);
    if (writes && how & X87_POP) {
        x->used &= (uint8_t) ~(1u << x->top);
        x->top = (x->top + 1) & 7;
    }
    return true;
}

bool x86_fpu_store_float(struct cpu *c, uint64_t ea, uint8_t segment,
                         uint8_t bytes, uint8_t how)
{
    struct x86_cpu *g = x86(c);
    bool none;
    struct f80 v = top(g, &none);
    struct stored s = {v.sig, v.se};

    if (!x87_waits(c))
        return false;
    if (bytes == 4)
        s.low = f80_to_f32(&g->fp80, v);
    else if (bytes == 8)
        s.low = f80_to_f64(&g->fp80, v);
    return store(c, s, none, ea, segment, bytes, how);
}

bool x86_fpu_store_int(struct cpu *c, uint64_t ea, uint8_t segment,
                       uint8_t bytes, uint8_t how)
{
    struct x86_cpu *g = x86(c);
    const uint8_t round = g->fp80.round;
    bool none;
    struct f80 v = top(g, &none);
    struct stored s = {0, 0};

    if (!x87_waits(c))
        return false;
    if (how & X87_TRUNCATE)
        g->fp80.round = FP_RTZ;
    s.low = (uint64_t)f80_to_int(&g->fp80, v, bytes * 8u);
    g->fp80.round = round;
    return store(c, s, none, ea, segment, bytes, how);
}

bool x86_fpu_store_bcd(struct cpu *c, uint64_t ea, uint8_t segment)
{
    struct x86_cpu *g = x86(c);
    bool none;
    struct f80 v = top(g, &none);
    struct stored s;

    if (!x87_waits(c))
        return false;
    s.low = f80_to_bcd(&g->fp80, v, &s.high);
    return store(c, s, none, ea, segment, 10, X87_POP);
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
    x87_settle(x86(c));
    settle(x86(c));
}

void x86_fpu_clear(struct cpu *c)
{
    struct x86_cpu *g = x86(c);

    x87_opcode(g);
    g->x87.status &= (uint16_t) ~(X87_EXCEPTIONS | X87_SF | X87_ES | X87_B);
    settle(g);
}
