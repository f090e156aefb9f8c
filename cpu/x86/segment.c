/*
 * Segmentation: descriptors, loads of segment registers, linear addresses,
 * and the instructions that look at descriptors.
 *
 * SDM 3-3 (protected-mode memory management), 3-5 (protection), 3-20.1
 * (real-address mode).  Hidden parts are kept as they were loaded, also when
 * the mode changes: real mode with limits of 4 GiB works as it does.
 *
 * An 8086's word at offset FFFFh has its second byte at offset 0 (80286
 * Programmer's Reference Manual, appendix on the 8086; SDM 3-22.33.1, which
 * has the fault of the 386 and later, too).  Such a word has a
 * linear address of its own, above all others, that crosses a page:
 * x86_wrapped().  The 80186's goes on at 10000h, a PUSH with SP = 1 too (80186
 * Programmer's Reference Manual, appendix on differences).
 *
 * Missing: that wrap for the longer operands of an 8087, which go on behind
 * the segment.
 */
#include "cpu/x86/x86_isa.h"

#define SELECTOR_TI 4u

bool x86_fault(struct cpu *c, unsigned vector, uint64_t error)
{
    x86_raise(c, vector, error);
    return false;
}

/* -------------------------------------------------------- tables in memory */

struct system_access {
    bool system;
    uint64_t context, global;
};

static struct system_access begin_system(struct x86_cpu *g)
{
    struct system_access was = {g->system, g->core.data_context,
                                g->core.global_data};

    g->system = true;
    g->core.data_context = g->system_context;
    g->core.global_data = g->system_global;
    return was;
}

static void end_system(struct x86_cpu *g, struct system_access was)
{
    g->system = was.system;
    g->core.data_context = was.context;
    g->core.global_data = was.global;
}

bool x86_system_load(struct x86_cpu *g, uint64_t va, unsigned size, uint64_t *v)
{
    struct system_access was = begin_system(g);
    bool ok = cpu_load(&g->core, x86_lma(g) ? va : (uint32_t)va, size, v);

    end_system(g, was);
    return ok;
}

bool x86_system_store(struct x86_cpu *g, uint64_t va, unsigned size, uint64_t v)
{
    struct system_access was = begin_system(g);
    bool ok = cpu_store(&g->core, x86_lma(g) ? va : (uint32_t)va, size, v);

    end_system(g, was);
    return ok;
}

/* ------------------------------------------------------------ descriptors */

static bool is_null(uint16_t selector)
{
    return (selector & 0xfffc) == 0;
}

/* Where a selector's descriptor is; false: beyond its table. */
static bool descriptor_at(const struct x86_cpu *g, uint16_t selector,
                          unsigned size, uint64_t *at)
{
    uint32_t offset = selector & 0xfff8;

    if (selector & SELECTOR_TI) {
        *at = g->ldtr.base + offset;
        return (g->ldtr.access & SEGMENT_P) &&
               offset + size - 1 <= g->ldtr.limit;
    }
    *at = g->gdtr.base + offset;
    return offset + size - 1 <= g->gdtr.limit;
}

enum x86_found x86_read_descriptor(struct x86_cpu *g, uint16_t selector,
                                   struct x86_descriptor *d)
{
    uint64_t v;

    if (!descriptor_at(g, selector, 8, &d->at))
        return X86_BEYOND;
    if (!x86_system_load(g, d->at, 8, &v))
        return X86_FAULTED;
    d->lo = (uint32_t)v;
    d->hi = (uint32_t)(v >> 32);
    /* The 286 knows nothing of the last word. */
    if (g->model == X86_MODEL_80286)
        d->hi &= 0xffff;
    return X86_FOUND;
}

bool x86_need_descriptor(struct x86_cpu *g, uint16_t selector, unsigned vector,
                         unsigned ext, struct x86_descriptor *d)
{
    switch (x86_read_descriptor(g, selector, d)) {
    case X86_BEYOND:
        return x86_fault(&g->core, vector, (selector & 0xfffc) | ext);
    case X86_FAULTED:
        return false;
    default:
        return true;
    }
}

bool x86_upper_base(struct x86_cpu *g, const struct x86_descriptor *d,
                    uint16_t selector, unsigned vector, uint64_t *base)
{
    uint64_t at, v;

    if (!descriptor_at(g, selector, 16, &at))
        return x86_fault(&g->core, vector, selector & 0xfffc);
    if (!x86_system_load(g, d->at + 8, 8, &v))
        return false;
    /* The upper type must be 0. */
    if (v >> 40 & 0x1f)
        return x86_fault(&g->core, vector, selector & 0xfffc);
    *base = v << 32;
    return true;
}

/* The high part of the base in an LDT's or a task's descriptor. */
static bool system_base(struct x86_cpu *g, const struct x86_descriptor *d,
                        uint16_t selector, uint64_t *base)
{
    *base = 0;
    return !x86_lma(g) || (x86_upper_base(g, d, selector, VECTOR_GP, base) &&
                           (x86_canonical_base(g, *base) ||
                            x86_fault(&g->core, VECTOR_GP, selector & 0xfffc)));
}

void x86_unpack(const struct x86_descriptor *d, uint16_t selector,
                struct x86_segment *out)
{
    out->selector = selector;
    out->access = x86_access(d);
    out->base = d->lo >> 16 | (d->hi & 0xff) << 16 | (d->hi & 0xff000000);
    out->limit = (d->lo & 0xffff) | (d->hi & 0xf0000);
    if (out->access & SEGMENT_G)
        out->limit = out->limit << 12 | 0xfff;
}

bool x86_set_accessed(struct x86_cpu *g, struct x86_descriptor *d)
{
    if (d->hi >> 8 & SEGMENT_ACCESSED)
        return true;
    d->hi |= SEGMENT_ACCESSED << 8;
    return x86_system_store(g, d->at + 5, 1, d->hi >> 8 & 0xff);
}

/* ---------------------------------------------------------------- loading */

void x86_load_real(struct x86_cpu *g, unsigned segment, uint16_t selector)
{
    struct x86_segment *s = &g->segment[segment];

    s->selector = selector;
    s->base = (uint32_t)selector << 4;
    if (x86_v86(g)) {
        s->limit = 0xffff;
        s->access = 0xf3;
    } else if (!(g->cr0 & CR0_PE)) {
        /* Limit and size stay; what it allows does not matter here. */
        s->access = (uint16_t)((s->access & 0xff00) | 0x93);
    }
}

static void load_null(struct x86_cpu *g, unsigned segment, uint16_t selector)
{
    struct x86_segment *s = &g->segment[segment];

    s->selector = selector;
    s->base = 0;
    s->limit = 0;
    s->access = 0;
    /* In 64-bit mode the CPL is still that of SS. */
    if (segment == SEG_SS)
        s->access = (uint16_t)(g->cpl << SEGMENT_DPL_SHIFT);
}

static bool is_writable_data(uint32_t access)
{
    return (access & (SEGMENT_S | SEGMENT_CODE | SEGMENT_WRITE)) ==
           (SEGMENT_S | SEGMENT_WRITE);
}

bool x86_fetch_stack(struct x86_cpu *g, uint16_t selector, unsigned cpl,
                     unsigned vector, unsigned ext, struct x86_segment *out)
{
    struct x86_descriptor d;
    uint16_t access;
    const unsigned error = (selector & 0xfffc) | ext;

    if (is_null(selector))
        return x86_fault(&g->core, vector, ext);
    if (!x86_need_descriptor(g, selector, vector, ext, &d))
        return false;
    access = x86_access(&d);
    if ((selector & 3u) != cpl || !is_writable_data(access) ||
        x86_dpl(access) != cpl)
        return x86_fault(&g->core, vector, error);
    if (!(access & SEGMENT_P))
        return x86_fault(&g->core, VECTOR_SS, error);
    if (!x86_set_accessed(g, &d))
        return false;
    x86_unpack(&d, selector, out);
    return true;
}

static bool load_stack(struct x86_cpu *g, uint16_t selector)
{
    struct x86_segment s;

    if (is_null(selector) && x86_long(g) && g->cpl < 3 &&
        (selector & 3) == g->cpl) {
        load_null(g, SEG_SS, selector);
        return true;
    }
    if (!x86_fetch_stack(g, selector, g->cpl, VECTOR_GP, 0, &s))
        return false;
    g->segment[SEG_SS] = s;
    return true;
}

static bool load_data(struct x86_cpu *g, unsigned segment, uint16_t selector)
{
    struct x86_descriptor d;
    unsigned access, least = selector & 3u;

    if (is_null(selector)) {
        load_null(g, segment, selector);
        return true;
    }
    if (!x86_need_descriptor(g, selector, VECTOR_GP, 0, &d))
        return false;
    access = x86_access(&d);
    if (least < g->cpl)
        least = g->cpl;
    if (!(access & SEGMENT_S) ||
        (access & (SEGMENT_CODE | SEGMENT_WRITE)) == SEGMENT_CODE)
        return x86_fault(&g->core, VECTOR_GP, selector & 0xfffc);
    if ((access & (SEGMENT_CODE | SEGMENT_DOWN)) !=
            (SEGMENT_CODE | SEGMENT_DOWN) &&
        x86_dpl(access) < least)
        return x86_fault(&g->core, VECTOR_GP, selector & 0xfffc);
    if (!(access & SEGMENT_P))
        return x86_fault(&g->core, VECTOR_NP, selector & 0xfffc);
    if (!x86_set_accessed(g, &d))
        return false;
    x86_unpack(&d, selector, &g->segment[segment]);
    return true;
}

bool x86_load_segment(struct cpu *c, uint8_t segment, uint16_t selector)
{
    struct x86_cpu *g = x86(c);
    bool ok = true;

    if (!x86_protected(g))
        x86_load_real(g, segment, selector);
    else if (segment == SEG_SS)
        ok = load_stack(g, selector);
    else
        ok = load_data(g, segment, selector);
    if (ok)
        x86_settle(g);
    return ok;
}

/* POP of a segment register: SP moves as the old stack has it. */
bool x86_pop_segment(struct cpu *c, uint8_t segment, uint8_t size)
{
    struct x86_cpu *g = x86(c);
    struct x86_stack s;
    uint64_t v;

    x86_this_stack(g, &s);
    if (!x86_stack_pop(g, &s, size, &v) ||
        !x86_load_segment(c, segment, (uint16_t)v))
        return false;
    x86_use_stack(g, &s);
    if (segment == SEG_SS)
        x86_shadow(g, true);
    return true;
}

/* MOV and POP of CS, which the 8086 has. */
void x86_load_cs(struct cpu *c, uint16_t selector, uint64_t next)
{
    struct x86_cpu *g = x86(c);

    x86_load_real(g, SEG_CS, selector);
    x86_settle(g);
    c->scratch = g->cs_base + (uint16_t)next;
    c->leave = true;
}

bool x86_mov_ss(struct cpu *c, uint16_t selector)
{
    if (!x86_load_segment(c, SEG_SS, selector))
        return false;
    x86_shadow(x86(c), true);
    return true;
}

void x86_drop_inner(struct x86_cpu *g, unsigned cpl)
{
    static const uint8_t data[] = {SEG_ES, SEG_DS, SEG_FS, SEG_GS};

    for (unsigned i = 0; i < sizeof(data); i++) {
        struct x86_segment *s = &g->segment[data[i]];
        bool conforming = (s->access & (SEGMENT_CODE | SEGMENT_DOWN)) ==
                          (SEGMENT_CODE | SEGMENT_DOWN);

        if (x86_dpl(s->access) < cpl && !conforming &&
            (s->access & SEGMENT_S)) {
            /* Not usable; 64-bit code does not ask, and still has the base. */
            s->selector = 0;
            s->access = 0;
        }
    }
}

/* --------------------------------------------------------------- addresses */

/* May the segment be accessed so?  Real mode does not ask. */
static bool allows(const struct x86_cpu *g, const struct x86_segment *s,
                   bool write)
{
    if (!x86_protected(g))
        return true;
    if (!(s->access & SEGMENT_P))
        return false;
    if (s->access & SEGMENT_CODE)
        return !write && (s->access & SEGMENT_WRITE);
    return !write || (s->access & SEGMENT_WRITE);
}

/* Is [off, off+size) within the segment, and may it be accessed so? */
static bool within(const struct x86_cpu *g, const struct x86_segment *s,
                   uint64_t off, unsigned size, bool write)
{
    uint64_t last = off + size - 1;

    if (!allows(g, s, write))
        return false;
    if ((s->access & (SEGMENT_S | SEGMENT_CODE | SEGMENT_DOWN)) ==
            (SEGMENT_S | SEGMENT_DOWN) &&
        x86_protected(g))
        return off > s->limit &&
               last <= (s->access & SEGMENT_DB ? UINT32_MAX : UINT16_MAX);
    /* A limit of 4 GiB is none: addresses wrap there. */
    return s->limit == UINT32_MAX || last <= s->limit;
}

bool x86_in_segment(struct x86_cpu *g, const struct x86_segment *s,
                    uint64_t off, unsigned size, bool write, uint64_t *va)
{
    *va = (uint32_t)(s->base + off);
    if (within(g, s, off, size, write))
        return true;
    if (g->model > X86_MODEL_80186)
        return false;
    if (size == 2 && g->model == X86_MODEL_8086)
        *va = X86_WRAPS | (uint64_t)s->base << 9 | (PAGE_SIZE - 1);
    return true;
}

uint64_t x86_wrapped(uint64_t va)
{
    uint64_t base = va >> 9 & 0xffff0;

    return base + (va & PAGE_SIZE ? 0 : 0xf000) + (va & ~PAGE_MASK);
}

unsigned x86_segment_vector(const struct x86_cpu *g, unsigned segment)
{
    /* The 286 in real mode makes no difference. */
    const bool real = g->model == X86_MODEL_80286 && !(g->cr0 & CR0_PE);

    return segment == SEG_SS && !real ? VECTOR_SS : VECTOR_GP;
}

static bool segment_fault(struct cpu *c, unsigned segment)
{
    return x86_fault(c, x86_segment_vector(x86(c), segment), 0);
}

bool x86_linear(struct cpu *c, uint8_t segment, uint64_t off, uint8_t size,
                uint8_t access)
{
    struct x86_cpu *g = x86(c);
    const struct x86_segment *s = &g->segment[segment];
    uint64_t va = off;
    bool ok;

    if (x86_long(g)) {
        if (segment >= SEG_FS)
            va = s->base + off;
        ok = x86_canonical_va(g, va) && x86_canonical_va(g, va + size - 1);
    } else {
        ok = x86_in_segment(g, s, off, size, access & X86_WRITE, &va);
    }
    if (access & X86_ALIGNED && va & 15)
        return segment_fault(c, SEG_DS);
    if (!ok)
        return segment_fault(c, segment);
    if (g->align_check && (size & (size - 1)) == 0 && va & (size - 1u) &&
        size <= 8)
        return x86_fault(c, VECTOR_AC, 0);
    c->scratch = va;
    return true;
}

bool x86_target(struct cpu *c, uint64_t to, uint8_t size)
{
    struct x86_cpu *g = x86(c);

    to &= x86_mask(size);
    if (x86_long(g)) {
        if (!x86_canonical_va(g, to))
            return x86_fault(c, VECTOR_GP, 0);
        c->scratch = to;
        return true;
    }
    if (to > g->segment[SEG_CS].limit)
        return x86_fault(c, VECTOR_GP, 0);
    c->scratch = (uint32_t)(to + g->cs_base);
    return true;
}

uint64_t x86_peek(struct cpu *c, unsigned segment, uint64_t off, unsigned size)
{
    const struct x86_cpu *g = x86(c);
    uint64_t base = g->segment[segment].base;
    uint8_t bytes[8] = {0};

    if (x86_long(g))
        base = segment < SEG_FS ? 0 : base;
    cpu_peek(c, x86_cut_pc(c, base + off), bytes, size > 8 ? 8 : size);
    return ld_le64(bytes);
}

/* ------------------------------------------------- tables: LGDT ... STR */

bool x86_privileged(struct cpu *c)
{
    return x86(c)->cpl == 0 || x86_fault(c, VECTOR_GP, 0);
}

/* LGDT, LIDT: which, and the operand's place; size: of the operand. */
bool x86_load_table(struct cpu *c, uint8_t idt, uint8_t segment, uint64_t off,
                    uint8_t size)
{
    struct x86_cpu *g = x86(c);
    struct x86_table *t = idt ? &g->idtr : &g->gdtr;
    const unsigned base_size = x86_long(g) ? 8 : 4;
    uint64_t limit, base;

    if (!x86_privileged(c) || !x86_linear(c, segment, off, 2, 0) ||
        !cpu_load(c, c->scratch, 2, &limit) ||
        !x86_linear(c, segment, (off + 2) & g->addr_mask, (uint8_t)base_size,
                    0) ||
        !cpu_load(c, c->scratch, base_size, &base))
        return false;
    if (x86_long(g) && !x86_canonical_base(g, base))
        return x86_fault(c, VECTOR_GP, 0);
    if (base_size == 4 && (size == 2 || g->model == X86_MODEL_80286))
        base &= 0xffffff;
    t->base = base;
    t->limit = (uint16_t)limit;
    return true;
}

/* CR4.UMIP keeps SGDT, SIDT, SLDT, STR and SMSW from user code. */
static bool may_look(struct cpu *c)
{
    struct x86_cpu *g = x86(c);

    return !(g->cr4 & CR4_UMIP) || g->cpl == 0 || x86_fault(c, VECTOR_GP, 0);
}

bool x86_store_table(struct cpu *c, uint8_t idt, uint8_t segment, uint64_t off)
{
    struct x86_cpu *g = x86(c);
    const struct x86_table *t = idt ? &g->idtr : &g->gdtr;
    const unsigned size = x86_long(g) ? 8 : 4;
    uint64_t at, at_base, base = t->base;

    if (!may_look(c) || !x86_linear(c, segment, off, 2, X86_WRITE))
        return false;
    at = c->scratch;
    if (!x86_linear(c, segment, (off + 2) & g->addr_mask, (uint8_t)size,
                    X86_WRITE))
        return false;
    at_base = c->scratch;
    if (g->model == X86_MODEL_80286)
        base |= 0xff000000;
    return cpu_check_write(c, at, 2) && cpu_check_write(c, at_base, size) &&
           cpu_store(c, at, 2, t->limit) && cpu_store(c, at_base, size, base);
}

static bool need_protected(struct cpu *c)
{
    return x86_protected(x86(c)) || x86_fault(c, VECTOR_UD, 0);
}

bool x86_lldt(struct cpu *c, uint16_t selector)
{
    struct x86_cpu *g = x86(c);
    struct x86_descriptor d;
    uint64_t upper;

    if (!need_protected(c) || !x86_privileged(c))
        return false;
    if (is_null(selector)) {
        g->ldtr = (struct x86_segment){.selector = selector};
        return true;
    }
    if (selector & SELECTOR_TI)
        return x86_fault(c, VECTOR_GP, selector & 0xfffc);
    if (!x86_need_descriptor(g, selector, VECTOR_GP, 0, &d))
        return false;
    if ((x86_access(&d) & 0x1f) != 2)
        return x86_fault(c, VECTOR_GP, selector & 0xfffc);
    if (!(x86_access(&d) & SEGMENT_P))
        return x86_fault(c, VECTOR_NP, selector & 0xfffc);
    if (!system_base(g, &d, selector, &upper))
        return false;
    x86_unpack(&d, selector, &g->ldtr);
    g->ldtr.base |= upper;
    return true;
}

bool x86_ltr(struct cpu *c, uint16_t selector)
{
    struct x86_cpu *g = x86(c);
    struct x86_descriptor d;
    uint64_t upper;
    unsigned type;

    if (!need_protected(c) || !x86_privileged(c))
        return false;
    if (is_null(selector) || (selector & SELECTOR_TI))
        return x86_fault(c, VECTOR_GP, selector & 0xfffc);
    if (!x86_need_descriptor(g, selector, VECTOR_GP, 0, &d))
        return false;
    type = x86_access(&d) & 0x1f;
    if (type != 9 && (type != 1 || x86_lma(g)))
        return x86_fault(c, VECTOR_GP, selector & 0xfffc);
    if (!(x86_access(&d) & SEGMENT_P))
        return x86_fault(c, VECTOR_NP, selector & 0xfffc);
    if (!system_base(g, &d, selector, &upper))
        return false;
    d.hi |= 2 << 8; /* busy */
    if (!x86_system_store(g, d.at + 5, 1, d.hi >> 8 & 0xff))
        return false;
    x86_unpack(&d, selector, &g->tr);
    g->tr.base |= upper;
    return true;
}

/* ------------------------------------------------ LAR, LSL, VERR, VERW */

#define TYPES(...) (TYPES_OR(__VA_ARGS__, 31, 31, 31, 31, 31, 31, 31, 31))
#define TYPES_OR(a, b, c, d, e, f, g, h, ...)                                  \
    ((1u << (a) | 1u << (b) | 1u << (c) | 1u << (d) | 1u << (e) | 1u << (f) |  \
      1u << (g) | 1u << (h)) &                                                 \
     0xffffu)

/* Can the selector's descriptor be looked at?  types: of system segments
 * that can.  *seen; false: an exception. */
static bool look(struct x86_cpu *g, uint16_t selector, uint32_t types,
                 struct x86_descriptor *d, bool *seen)
{
    unsigned access, least = selector & 3u;

    *seen = false;
    if (!need_protected(&g->core))
        return false;
    if (is_null(selector))
        return true;
    switch (x86_read_descriptor(g, selector, d)) {
    case X86_FAULTED:
        return false;
    case X86_BEYOND:
        return true;
    default:
        break;
    }
    access = x86_access(d);
    if (least < g->cpl)
        least = g->cpl;
    if (!(access & SEGMENT_S)) {
        if (!(types >> (access & 15) & 1))
            return true;
    } else if ((access & (SEGMENT_CODE | SEGMENT_DOWN)) ==
               (SEGMENT_CODE | SEGMENT_DOWN)) {
        least = 0;
    }
    *seen = x86_dpl(access) >= least;
    return true;
}

/* Bit 63 of what they leave: it could be looked at. */
#define SEEN ((uint64_t)1 << 63)

bool x86_lar(struct cpu *c, uint16_t selector)
{
    struct x86_cpu *g = x86(c);
    struct x86_descriptor d;
    bool seen;

    if (!look(g, selector,
              x86_lma(g) ? TYPES(2, 9, 11, 12)
                         : TYPES(1, 2, 3, 4, 5, 9, 11, 12),
              &d, &seen))
        return false;
    c->scratch = seen ? SEEN | (d.hi & 0x00f0ff00) : 0;
    return true;
}

bool x86_lsl(struct cpu *c, uint16_t selector)
{
    struct x86_cpu *g = x86(c);
    struct x86_descriptor d;
    struct x86_segment s;
    bool seen;

    if (!look(g, selector, x86_lma(g) ? TYPES(2, 9, 11) : TYPES(1, 2, 3, 9, 11),
              &d, &seen))
        return false;
    c->scratch = 0;
    if (seen) {
        x86_unpack(&d, selector, &s);
        c->scratch = SEEN | s.limit;
    }
    return true;
}

bool x86_verify(struct cpu *c, uint16_t selector, uint8_t write)
{
    struct x86_descriptor d;
    unsigned access;
    bool seen;

    if (!look(x86(c), selector, 0, &d, &seen))
        return false;
    access = seen ? x86_access(&d) : 0;
    if (write)
        c->scratch = seen && is_writable_data(access);
    else
        c->scratch = seen && (access & SEGMENT_S) &&
                     (access & (SEGMENT_CODE | SEGMENT_WRITE)) != SEGMENT_CODE;
    return true;
}
