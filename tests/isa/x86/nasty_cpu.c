/*
 * The test CPU of nasty_cpu.h: its class, its memory, and the helpers that
 * stand for loops and mode changes.
 *
 * FSIN is the host's sine of the C library, in its long double: what is tested
 * is that 80 bits, top of stack and tags get to a helper and back, not the
 * last bit of a sine.
 */
#include <math.h>

#include "tests/isa/x86/nasty_cpu.h"
#include "nasty_gen.h"

/* EFLAGS that are not lazy. */
#define EFLAGS_DF ((uint64_t)1 << 10)

void nasty_raise(struct cpu *c, unsigned vector, uint64_t error)
{
    nasty(c)->vector = vector;
    nasty(c)->error = error;
    cpu_raise(c);
}

static void page_fault(struct cpu *c, uint64_t va, enum access access,
                       bool present)
{
    nasty(c)->cr2 = va;
    nasty_raise(c, 14,
                (uint64_t)present | (access == ACCESS_WRITE ? 2 : 0) | 4);
}

static bool long_mode(const struct nasty_cpu *g)
{
    return (g->mode & X86_MODE_SIZE) == X86_MODE_64;
}

/* ---------------------------------------------------------------- class */

static bool beyond_end(struct cpu *c)
{
    nasty_raise(c, c->space == SEG_SS + 1 ? NASTY_CAUSE_SS : NASTY_CAUSE_GP, 0);
    return false;
}

/* One to one within the window.  Outside of 64-bit mode, addresses wrap. */
static bool translate(struct cpu *c, uint64_t va, unsigned size,
                      enum access access, bool probe, struct translation *out)
{
    struct nasty_cpu *g = nasty(c);
    uint64_t page;
    unsigned kind;

    (void)size;
    va = nasty_pc(c, va);
    page = (va - NASTY_BASE) >> PAGE_BITS;
    kind = page < NASTY_PAGES ? g->pages[page] : PAGE_ABSENT;
    if (long_mode(g) && !x86_canonical(va))
        return !probe && beyond_end(c);
    if (kind == PAGE_ABSENT || (kind == PAGE_READ && access == ACCESS_WRITE)) {
        if (!probe)
            page_fault(c, va, access, kind != PAGE_ABSENT);
        return false;
    }
    *out = (struct translation){.pa = va - NASTY_BASE,
                                .page = PAGE_SIZE,
                                .read = true,
                                .write = kind == PAGE_READ_WRITE,
                                .exec = true};
    return true;
}

/* The end of the address space comes before any page's fault. */
static bool crosses(struct cpu *c, uint64_t va, unsigned size)
{
    return !long_mode(nasty(c)) || x86_canonical(va + size - 1) ||
           beyond_end(c);
}

static bool init(struct cpu *c, const struct cpu_config *config,
                 struct error *e)
{
    (void)config, (void)e;
    nasty(c)->fp.rules = FP_RULES_SSE;
    return true;
}

static void reset(struct cpu *c)
{
    nasty(c)->vector = 255;
}

static void input(struct cpu *c, unsigned line, bool level)
{
    (void)c, (void)line, (void)level;
}

static void bus_fault(struct cpu *c, uint64_t va, enum access access)
{
    page_fault(c, va, access, false);
}

static void undefined(struct cpu *c, uint64_t vector)
{
    nasty_raise(c, (unsigned)vector, 0);
}

/* Exceptions end the run: the test looks at the vector. */
static void deliver(struct cpu *c)
{
    c->halted = true;
}

static bool interrupt(struct cpu *c)
{
    (void)c;
    return false;
}

static bool wakes(struct cpu *c)
{
    (void)c;
    return false;
}

static uint32_t mode(struct cpu *c)
{
    return nasty(c)->mode;
}

#define G(n) offsetof(struct nasty_cpu, g[n])
static const uint32_t hot_slots[] = {G(0), G(1), G(2), G(3),
                                     G(4), G(5), G(6), G(7)};

static const struct isa nasty_isa = {
    .name = "nasty",
    .max_length = 15,
    .align = 1,
    .rows = nasty_row_table,
    .n_rows = NASTY_ROWS,
    .fusions = NULL,
    .n_fusions = 0,
    .decode = nasty_decode,
    .disassemble = nasty_disassemble,
    .lift = nasty_lift,
    .helpers = nasty_helpers,
    .ir = &nasty_ir_guest,
    .hot_slots = hot_slots,
    .n_hot_slots = sizeof(hot_slots) / sizeof(hot_slots[0]),
    .engine = &nasty_engine,
    .flags = NASTY_FLAGS,
};

static const struct field fields[] = {FIELD_LIST_END};

const struct cpu_class nasty_class = {
    .name = "nasty",
    .size = sizeof(struct nasty_cpu),
    .fields = fields,
    .isa = &nasty_isa,
    .init = init,
    .reset = reset,
    .input = input,
    .translate = translate,
    .crosses = crosses,
    .bus_fault = bus_fault,
    .undefined = undefined,
    .raise = nasty_raise,
    .deliver = deliver,
    .interrupt = interrupt,
    .wakes = wakes,
    .mode = mode,
};

void nasty_settle(struct nasty_cpu *g)
{
    static const uint64_t masks[3] = {0xffff, 0xffffffff, UINT64_MAX};
    bool flat = true;

    for (unsigned i = 0; i < 4; i++)
        flat = flat && g->segments[i].base == 0 &&
               g->segments[i].limit == UINT32_MAX;
    g->mode &= ~X86_MODE_FLAT;
    if (flat)
        g->mode |= X86_MODE_FLAT;
    g->addr_mask = masks[g->mode & X86_MODE_SIZE];
    g->stack_mask = long_mode(g)                 ? UINT64_MAX
                    : g->mode & X86_MODE_STACK32 ? UINT32_MAX
                                                 : UINT16_MAX;
    g->cs_base = long_mode(g) ? 0 : g->segments[SEG_CS].base;
    g->fs_base = g->segments[SEG_FS].base;
    g->gs_base = g->segments[SEG_GS].base;
    g->core.jump_context = JUMP_CONTEXT(g->core.fetch_context, g->mode);
}

/* --------------------------------------------------------- segmentation */

static bool segment_fault(struct cpu *c, unsigned segment)
{
    nasty_raise(c, segment == SEG_SS ? NASTY_CAUSE_SS : NASTY_CAUSE_GP, 0);
    return false;
}

bool nasty_linear(struct cpu *c, uint8_t segment, uint64_t off, uint8_t size,
                  uint8_t access)
{
    const struct nasty_segment *s = &nasty(c)->segments[segment];
    uint64_t va = off;

    if (!long_mode(nasty(c)))
        va = (s->base + off) & UINT32_MAX;
    else if (segment >= SEG_FS)
        va += s->base;
    if (access & X86_ALIGNED && va & 15)
        return segment_fault(c, SEG_DS);
    if (long_mode(nasty(c))) {
        if (!x86_canonical(va) || !x86_canonical(va + size - 1))
            return segment_fault(c, segment);
    } else if (s->limit != UINT32_MAX && off + size - 1 > s->limit) {
        /* A limit of 4 GiB is none: hosts wrap there. */
        return segment_fault(c, segment);
    }
    c->scratch = va;
    return true;
}

bool nasty_target(struct cpu *c, uint64_t to, uint8_t size)
{
    struct nasty_cpu *g = nasty(c);

    if (size < 8)
        to &= ((uint64_t)1 << 8 * size) - 1;
    if (long_mode(g) ? !x86_canonical(to) : to > g->segments[SEG_CS].limit)
        return segment_fault(c, SEG_CS);
    c->scratch = long_mode(g) ? to : (to + g->cs_base) & UINT32_MAX;
    return true;
}

uint64_t nasty_peek(struct cpu *c, unsigned segment, uint64_t off,
                    unsigned size)
{
    const struct nasty_cpu *g = nasty(c);
    uint64_t base = g->segments[segment].base;
    uint8_t bytes[8] = {0};

    if (long_mode(g))
        base = segment < SEG_FS ? 0 : base;
    cpu_peek(c, base + off, bytes, size > 8 ? 8 : size);
    return ld_le64(bytes);
}

/* -------------------------------------------------------------- helpers */

static uint64_t address_part(const struct nasty_cpu *g, unsigned n,
                             uint8_t addressing)
{
    return g->g[n] & x86_address_mask(addressing, g->addr_mask);
}

static void set_address_part(struct nasty_cpu *g, unsigned n,
                             uint8_t addressing, uint64_t v)
{
    x86_put_masked(g->g, n, x86_address_mask(addressing, g->addr_mask), v);
}

/* One element after the other, registers after each; every 16 of them the
 * run loop may look for interrupts. */
bool nasty_rep_movs(struct cpu *c, uint8_t size, uint8_t addressing)
{
    struct nasty_cpu *g = nasty(c);
    uint64_t step = g->df ? 0 - (uint64_t)size : size;
    uint64_t left = address_part(g, 1, addressing), v;

    for (unsigned n = 0; left && n < 16; n++) {
        if (!nasty_linear(c, x86_segment(0, addressing),
                          address_part(g, 6, addressing), size, false) ||
            !cpu_load(c, c->scratch, size, &v) ||
            !nasty_linear(c, SEG_ES, address_part(g, 7, addressing), size,
                          true) ||
            !cpu_store(c, c->scratch, size, v))
            return false;
        set_address_part(g, 6, addressing,
                         address_part(g, 6, addressing) + step);
        set_address_part(g, 7, addressing,
                         address_part(g, 7, addressing) + step);
        set_address_part(g, 1, addressing, --left);
    }
    c->scratch = left;
    return true;
}

static bool pop(struct cpu *c, uint64_t *sp, unsigned size, uint64_t *v)
{
    struct nasty_cpu *g = nasty(c);

    if (!nasty_linear(c, SEG_SS, *sp & g->stack_mask, (uint8_t)size, false) ||
        !cpu_load(c, c->scratch, size, v))
        return false;
    *sp += size;
    return true;
}

/* To the same privilege only: any other selector is #GP. */
bool nasty_iret(struct cpu *c, uint8_t size)
{
    struct nasty_cpu *g = nasty(c);
    uint64_t sp = g->g[4], to, cs, eflags, rsp = 0, ss = 0, next;

    if (!pop(c, &sp, size, &to) || !pop(c, &sp, size, &cs) ||
        !pop(c, &sp, size, &eflags))
        return false;
    if (long_mode(g) && (!pop(c, &sp, size, &rsp) || !pop(c, &sp, size, &ss)))
        return false;
    if ((uint16_t)cs != g->selectors[SEG_CS] ||
        (long_mode(g) && (uint16_t)ss != g->selectors[SEG_SS])) {
        nasty_raise(c, NASTY_CAUSE_GP, cs & 0xfffc);
        return false;
    }
    if (!nasty_target(c, to, size))
        return false;
    next = c->scratch;
    if (long_mode(g))
        g->g[4] = rsp;
    else
        x86_put_masked(g->g, 4, g->stack_mask, sp);
    g->df = (eflags & EFLAGS_DF) != 0;
    c->flag_kind = FLAGS_BITS;
    c->flag_a = eflags & NASTY_FLAGS;
    c->flag_b = 0;
    c->leave = true;
    c->scratch = next;
    return true;
}

/* ------------------------------------------------------------------ x87 */

/* Of a finite number, both. */
static long double get_st(const struct nasty_cpu *g)
{
    unsigned n = g->top;
    long double v = ldexpl((long double)g->mantissa[n],
                           (g->exponent[n] & 0x7fff) - 16383 - 63);

    return g->exponent[n] & 0x8000 ? -v : v;
}

static void set_st(struct nasty_cpu *g, long double v)
{
    unsigned n = g->top;
    int exponent = 0;
    long double m = frexpl(fabsl(v), &exponent);

    g->mantissa[n] = (uint64_t)ldexpl(m, 64);
    g->exponent[n] = (uint16_t)(v == 0 ? 0 : exponent + 16382);
    if (signbit(v))
        g->exponent[n] |= 0x8000;
}

static void set_indefinite(struct nasty_cpu *g)
{
    g->mantissa[g->top] = UINT64_C(3) << 62;
    g->exponent[g->top] = 0xffff;
    g->status |= X87_IE;
}

/* The register was in use, or was not: all exceptions are masked. */
static void stack_fault(struct nasty_cpu *g, bool over)
{
    g->used |= (uint8_t)(1u << g->top);
    g->status |= X87_SF | (over ? X87_C1 : 0);
    set_indefinite(g);
}

/* Infinity; a NaN becomes a quiet one. */
static void set_special(struct nasty_cpu *g, uint64_t bits)
{
    const uint64_t quiet = UINT64_C(1) << 62;
    uint64_t fraction = bits << 12 >> 1;

    if (fraction && !(fraction & quiet))
        g->status |= X87_IE;
    g->mantissa[g->top] = UINT64_C(1) << 63 | fraction | (fraction ? quiet : 0);
    g->exponent[g->top] = bits >> 63 ? 0xffff : 0x7fff;
}

bool nasty_fld_f64(struct cpu *c, uint64_t bits)
{
    struct nasty_cpu *g = nasty(c);
    double v;

    memcpy(&v, &bits, sizeof(v));
    g->top = (g->top - 1) & 7;
    g->status &= (uint16_t)~X87_C1;
    if (g->used >> g->top & 1) {
        stack_fault(g, true);
        return true;
    }
    g->used |= (uint8_t)(1u << g->top);
    if (isfinite(v))
        set_st(g, v);
    else
        set_special(g, bits);
    return true;
}

/* C2 says that the operand was too large, and nothing was done. */
bool nasty_fsin(struct cpu *c)
{
    struct nasty_cpu *g = nasty(c);
    long double v;

    g->status &= (uint16_t) ~(X87_C1 | X87_C2);
    if (!(g->used >> g->top & 1)) {
        stack_fault(g, false);
        return true;
    }
    if ((g->exponent[g->top] & 0x7fff) == 0x7fff) {
        /* Of an infinity there is none; NaNs that were loaded are quiet. */
        if (g->mantissa[g->top] << 1 == 0)
            set_indefinite(g);
        return true;
    }
    v = get_st(g);
    if (fabsl(v) < 0x1p63L)
        set_st(g, sinl(v));
    else
        g->status |= X87_C2;
    return true;
}

/* ------------------------------------------------------------------ SSE */

void nasty_fp_begin(struct cpu *c)
{
    struct nasty_cpu *g = nasty(c);

    g->fp_before = g->fp.flags;
    g->fp.flags = 0;
}

/* An exception that is not masked stays in MXCSR and raises #XM. */
bool nasty_fp_end(struct cpu *c)
{
    struct nasty_cpu *g = nasty(c);
    uint8_t raised = g->fp.flags;

    /* What is found before the computation comes before it, SDM 11.5.2.2. */
    if (raised & g->unmasked & (FP_NV | FP_DZ))
        g->fp.flags &= FP_NV | FP_DZ;
    g->fp.flags |= g->fp_before;
    if (!(raised & g->unmasked))
        return true;
    nasty_raise(c, 19, 0);
    return false;
}
