/*
 * Control transfers between segments: far jumps, calls and returns, call
 * gates, IRET, and the fast system calls.
 *
 * SDM 3-5.8 (call gates, SYSENTER, SYSCALL), 2 (CALL, IRET, JMP, RET),
 * 3-20 (real mode, V86).  Helpers leave the linear address in cpu->scratch.
 */
#include "cpu/x86/system.h"

enum {
    TYPE_TSS16 = 1,
    TYPE_CALL16 = 4,
    TYPE_TASK_GATE = 5,
    TYPE_TSS32 = 9,
    TYPE_CALL32 = 12,
};

static bool fail(struct x86_cpu *g, unsigned vector, uint16_t selector)
{
    return x86_fault(&g->core, vector, selector & 0xfffc);
}

static bool is_code(unsigned access)
{
    return (access & (SEGMENT_S | SEGMENT_CODE)) == (SEGMENT_S | SEGMENT_CODE);
}

void x86_set_cs(struct x86_cpu *g, const struct x86_segment *cs, unsigned cpl)
{
    g->segment[SEG_CS] = *cs;
    g->segment[SEG_CS].selector = (uint16_t)((cs->selector & ~3u) | cpl);
    g->cpl = (uint8_t)cpl;
    x86_settle(g);
}

/* Is `to` within a code segment that is not the processor's yet? */
static bool check_target(struct x86_cpu *g, const struct x86_segment *cs,
                         uint64_t *to, unsigned size)
{
    *to &= x86_mask(size);
    if (x86_lma(g) && (cs->access & SEGMENT_L) ? !x86_canonical_va(g, *to)
                                               : *to > cs->limit)
        return x86_fault(&g->core, VECTOR_GP, 0);
    return true;
}

/* Go there: the linear address, for the row. */
static bool arrive(struct x86_cpu *g, uint64_t to)
{
    g->core.scratch = x86_long(g) ? to : (uint32_t)(g->cs_base + to);
    g->core.leave = true;
    return true;
}

static bool far_real(struct x86_cpu *g, uint16_t selector, uint64_t to,
                     unsigned size)
{
    to &= x86_mask(size);
    if (to > (x86_v86(g) ? 0xffff : g->segment[SEG_CS].limit))
        return x86_fault(&g->core, VECTOR_GP, 0);
    x86_load_real(g, SEG_CS, selector);
    x86_settle(g);
    return arrive(g, to);
}

static bool code_valid(struct x86_cpu *g, const struct x86_descriptor *d,
                       uint16_t selector)
{
    const unsigned access = x86_access(d);

    if (x86_lma(g) && (access & SEGMENT_L) && (access & SEGMENT_DB))
        return fail(g, VECTOR_GP, selector);
    return (access & SEGMENT_P) || fail(g, VECTOR_NP, selector);
}

/* A code segment of this privilege, as far jumps and calls go to. */
static bool same_code(struct x86_cpu *g, struct x86_descriptor *d,
                      uint16_t selector, struct x86_segment *cs)
{
    const unsigned access = x86_access(d);
    const bool conforming = access & SEGMENT_DOWN;

    if (conforming ? x86_dpl(access) > g->cpl
                   : (selector & 3) > g->cpl || x86_dpl(access) != g->cpl)
        return fail(g, VECTOR_GP, selector);
    if (!code_valid(g, d, selector) || !x86_set_accessed(g, d))
        return false;
    x86_unpack(d, selector, cs);
    return true;
}

bool x86_inner_stack(struct x86_cpu *g, unsigned cpl, unsigned ext,
                     struct x86_stack *s)
{
    const bool wide = g->tr.access & 8;
    const unsigned at = wide ? 4 + 8 * cpl : 2 + 4 * cpl, size = wide ? 4 : 2;
    uint64_t sp, ss;

    if (at + size + 1 > g->tr.limit)
        return x86_fault(&g->core, VECTOR_TS, (g->tr.selector & 0xfffc) | ext);
    if (!x86_system_load(g, g->tr.base + at, size, &sp) ||
        !x86_system_load(g, g->tr.base + at + size, 2, &ss) ||
        !x86_fetch_stack(g, (uint16_t)ss, cpl, VECTOR_TS, ext, &s->ss))
        return false;
    s->sp = sp;
    s->cpl = cpl;
    s->flat = false;
    s->error = (unsigned)(ss & 0xfffc) | ext;
    return true;
}

/* ------------------------------------------------------------- call gates */

struct call {
    bool call;     /* not a jump */
    unsigned size; /* of what is pushed */
    uint64_t next, to;
    struct x86_segment cs;
};

static bool push_call(struct x86_cpu *g, struct x86_stack *s,
                      const struct call *k)
{
    return x86_stack_push(g, s, k->size, g->segment[SEG_CS].selector) &&
           x86_stack_push(g, s, k->size, k->next);
}

/* Copy `n` parameters from the old stack. */
static bool copy_parameters(struct x86_cpu *g, struct x86_stack *s,
                            unsigned size, unsigned n)
{
    struct x86_stack old;
    uint64_t v;

    for (unsigned i = n; i-- > 0;) {
        x86_this_stack(g, &old);
        old.sp += (uint64_t)size * i;
        if (!x86_stack_pop(g, &old, size, &v) || !x86_stack_push(g, s, size, v))
            return false;
    }
    return true;
}

static bool call_inner(struct x86_cpu *g, const struct x86_descriptor *gate,
                       struct call *k, unsigned cpl)
{
    struct x86_stack s;
    uint64_t at = g->tr.base + 4 + 8 * cpl;

    if (x86_lma(g)) {
        s = (struct x86_stack){.cpl = cpl, .flat = true};
        s.ss = (struct x86_segment){.selector = (uint16_t)cpl,
                                    .access =
                                        (uint16_t)(cpl << SEGMENT_DPL_SHIFT)};
        if (4 + 8 * cpl + 7 > g->tr.limit)
            return fail(g, VECTOR_TS, g->tr.selector);
        if (!x86_system_load(g, at, 8, &s.sp))
            return false;
    } else if (!x86_inner_stack(g, cpl, 0, &s)) {
        return false;
    }
    if (!x86_stack_push(g, &s, k->size, g->segment[SEG_SS].selector) ||
        !x86_stack_push(g, &s, k->size, g->g[4]) ||
        (!x86_lma(g) && !copy_parameters(g, &s, k->size, gate->hi & 31)) ||
        !push_call(g, &s, k) || !check_target(g, &k->cs, &k->to, 8))
        return false;
    g->segment[SEG_SS] = s.ss;
    x86_use_stack(g, &s);
    x86_set_cs(g, &k->cs, cpl);
    return arrive(g, k->to);
}

static bool call_same(struct x86_cpu *g, struct call *k, unsigned size)
{
    struct x86_stack s;

    x86_this_stack(g, &s);
    if (k->call && !push_call(g, &s, k))
        return false;
    if (!check_target(g, &k->cs, &k->to, size))
        return false;
    if (k->call)
        x86_use_stack(g, &s);
    x86_set_cs(g, &k->cs, g->cpl);
    return arrive(g, k->to);
}

static bool through_gate(struct x86_cpu *g, struct x86_descriptor *gate,
                         uint16_t selector, struct call *k)
{
    const unsigned type = x86_access(gate) & 15;
    const uint16_t code = (uint16_t)(gate->lo >> 16);
    struct x86_descriptor d;
    unsigned access;
    uint64_t upper = 0;

    if (!(x86_access(gate) & SEGMENT_P))
        return fail(g, VECTOR_NP, selector);
    if (x86_lma(g) && !x86_upper_base(g, gate, selector, VECTOR_GP, &upper))
        return false;
    if (!(code & 0xfffc))
        return x86_fault(&g->core, VECTOR_GP, 0);
    if (!x86_need_descriptor(g, code, VECTOR_GP, 0, &d))
        return false;
    access = x86_access(&d);
    if (!is_code(access) || x86_dpl(access) > g->cpl ||
        (!k->call && !(access & SEGMENT_DOWN) && x86_dpl(access) != g->cpl) ||
        (x86_lma(g) && (access & (SEGMENT_L | SEGMENT_DB)) != SEGMENT_L))
        return fail(g, VECTOR_GP, code);
    if (!(access & SEGMENT_P))
        return fail(g, VECTOR_NP, code);
    if (!x86_set_accessed(g, &d))
        return false;
    x86_unpack(&d, code, &k->cs);
    k->to = (gate->lo & 0xffff) | (gate->hi & 0xffff0000) | upper;
    k->size = x86_lma(g) ? 8 : type == TYPE_CALL32 ? 4 : 2;
    if (type == TYPE_CALL16)
        k->to &= 0xffff;
    if (k->call && !(access & SEGMENT_DOWN) && x86_dpl(access) < g->cpl)
        return call_inner(g, gate, k, x86_dpl(access));
    return call_same(g, k, 8);
}

static bool to_task(struct x86_cpu *g, uint16_t selector, const struct call *k)
{
    if (!x86_task_switch(g, selector, k->call ? X86_TASK_CALL : X86_TASK_JMP,
                         k->next, 0, NULL))
        return false;
    g->core.scratch = g->core.pc;
    g->core.leave = true;
    return true;
}

/* Through a gate or to a task. */
static bool far_system(struct x86_cpu *g, struct x86_descriptor *d,
                       uint16_t selector, struct call *k)
{
    const unsigned access = x86_access(d), type = access & 0x1f;

    if (x86_dpl(access) < g->cpl || x86_dpl(access) < (selector & 3u))
        return fail(g, VECTOR_GP, selector);
    if (type == TYPE_CALL32 || (type == TYPE_CALL16 && !x86_lma(g)))
        return through_gate(g, d, selector, k);
    if (x86_lma(g))
        return fail(g, VECTOR_GP, selector);
    switch (type) {
    case TYPE_TASK_GATE:
        if (!(access & SEGMENT_P))
            return fail(g, VECTOR_NP, selector);
        return to_task(g, (uint16_t)(d->lo >> 16), k);
    case TYPE_TSS16:
    case TYPE_TSS32:
        return to_task(g, selector, k);
    default:
        return fail(g, VECTOR_GP, selector);
    }
}

static bool far(struct x86_cpu *g, uint16_t selector, struct call *k)
{
    struct x86_descriptor d;

    if (!(selector & 0xfffc))
        return x86_fault(&g->core, VECTOR_GP, 0);
    if (!x86_need_descriptor(g, selector, VECTOR_GP, 0, &d))
        return false;
    if (!(x86_access(&d) & SEGMENT_S))
        return far_system(g, &d, selector, k);
    if (!is_code(x86_access(&d)))
        return fail(g, VECTOR_GP, selector);
    return same_code(g, &d, selector, &k->cs) && call_same(g, k, k->size);
}

bool x86_jmp_far(struct cpu *c, uint16_t selector, uint64_t to, uint8_t size,
                 uint64_t next)
{
    struct x86_cpu *g = x86(c);
    struct call k = {.size = size, .next = next, .to = to};

    if (!x86_protected(g))
        return far_real(g, selector, to, size);
    return far(g, selector, &k);
}

bool x86_call_far(struct cpu *c, uint16_t selector, uint64_t to, uint8_t size,
                  uint64_t next)
{
    struct x86_cpu *g = x86(c);
    struct call k = {.call = true, .size = size, .next = next, .to = to};
    struct x86_stack s;

    if (x86_protected(g))
        return far(g, selector, &k);
    x86_this_stack(g, &s);
    if (!push_call(g, &s, &k) || !far_real(g, selector, to, size))
        return false;
    x86_use_stack(g, &s);
    return true;
}

/* ---------------------------------------------------------------- returns */

/* Where a return goes. */
struct back {
    uint64_t ip, sp;
    uint16_t cs_selector, ss_selector;
    struct x86_segment cs, ss;
    unsigned cpl;
    bool outer; /* SS:SP are popped too */
};

static bool return_code(struct x86_cpu *g, struct back *b)
{
    const uint16_t selector = b->cs_selector;
    struct x86_descriptor d;
    unsigned access;

    if (!(selector & 0xfffc))
        return x86_fault(&g->core, VECTOR_GP, 0);
    if (!x86_need_descriptor(g, selector, VECTOR_GP, 0, &d))
        return false;
    access = x86_access(&d);
    b->cpl = selector & 3;
    if (b->cpl < g->cpl || !is_code(access) ||
        (access & SEGMENT_DOWN ? x86_dpl(access) > b->cpl
                               : x86_dpl(access) != b->cpl))
        return fail(g, VECTOR_GP, selector);
    if (!code_valid(g, &d, selector) || !x86_set_accessed(g, &d))
        return false;
    x86_unpack(&d, selector, &b->cs);
    return true;
}

static bool return_stack(struct x86_cpu *g, struct back *b)
{
    const bool to_long = x86_lma(g) && (b->cs.access & SEGMENT_L);

    if (!(b->ss_selector & 0xfffc) && to_long && b->cpl < 3 &&
        (b->ss_selector & 3) == b->cpl) {
        b->ss = (struct x86_segment){
            .selector = b->ss_selector,
            .access = (uint16_t)(b->cpl << SEGMENT_DPL_SHIFT)};
        return true;
    }
    return x86_fetch_stack(g, b->ss_selector, b->cpl, VECTOR_GP, 0, &b->ss);
}

/* Pop SS:SP behind `bytes` of parameters. */
static bool pop_stack(struct x86_cpu *g, struct x86_stack *s, unsigned size,
                      struct back *b)
{
    uint64_t ss;

    if (!x86_stack_pop(g, s, size, &b->sp) || !x86_stack_pop(g, s, size, &ss))
        return false;
    b->ss_selector = (uint16_t)ss;
    return true;
}

/* SP as it is in the new mode. */
static void set_sp(struct x86_cpu *g, uint64_t sp)
{
    if (x86_long(g))
        g->g[4] = sp;
    else
        x86_put_masked(g->g, 4, g->stack_mask, sp);
}

static void go_back(struct x86_cpu *g, const struct back *b, uint16_t bytes)
{
    if (b->outer)
        g->segment[SEG_SS] = b->ss;
    if (b->cpl > g->cpl)
        x86_drop_inner(g, b->cpl);
    x86_set_cs(g, &b->cs, b->cpl);
    if (b->outer)
        set_sp(g, b->sp + bytes);
    arrive(g, b->ip);
}

bool x86_ret_far(struct cpu *c, uint8_t size, uint16_t bytes)
{
    struct x86_cpu *g = x86(c);
    struct x86_stack s;
    struct back b = {0};
    uint64_t cs;

    x86_this_stack(g, &s);
    if (!x86_stack_pop(g, &s, size, &b.ip) || !x86_stack_pop(g, &s, size, &cs))
        return false;
    b.cs_selector = (uint16_t)cs;
    s.sp += bytes;
    if (!x86_protected(g)) {
        if (!far_real(g, b.cs_selector, b.ip, size))
            return false;
        x86_use_stack(g, &s);
        return true;
    }
    if (!return_code(g, &b))
        return false;
    b.outer = b.cpl > g->cpl;
    if (b.outer && (!pop_stack(g, &s, size, &b) || !return_stack(g, &b)))
        return false;
    if (!check_target(g, &b.cs, &b.ip, 8))
        return false;
    if (!b.outer)
        x86_use_stack(g, &s);
    go_back(g, &b, b.outer ? bytes : 0);
    return true;
}

/* -------------------------------------------------------------------- IRET */

static bool iret_real(struct x86_cpu *g, unsigned size)
{
    uint32_t mask = size == 2 ? 0xffff : 0x257fd5;
    struct x86_stack s;
    uint64_t ip, cs, flags;

    x86_this_stack(g, &s);
    if (!x86_stack_pop(g, &s, size, &ip) || !x86_stack_pop(g, &s, size, &cs) ||
        !x86_stack_pop(g, &s, size, &flags) ||
        !far_real(g, (uint16_t)cs, ip, size))
        return false;
    x86_use_stack(g, &s);
    x86_set_eflags(g, (uint32_t)flags, mask);
    g->nmi_blocked = false;
    return true;
}

static bool iret_to_v86(struct x86_cpu *g, struct x86_stack *s, uint64_t ip,
                        uint16_t cs, uint32_t flags)
{
    static const uint8_t order[] = {SEG_SS, SEG_ES, SEG_DS, SEG_FS, SEG_GS};
    uint64_t sp, selectors[5];

    if (!x86_stack_pop(g, s, 4, &sp))
        return false;
    for (unsigned i = 0; i < 5; i++)
        if (!x86_stack_pop(g, s, 4, &selectors[i]))
            return false;
    x86_set_eflags(g, flags, 0x3f7fd5);
    for (unsigned i = 0; i < 5; i++)
        x86_load_real(g, order[i], (uint16_t)selectors[i]);
    x86_load_real(g, SEG_CS, cs);
    g->cpl = 3;
    g->g[4] = sp;
    x86_settle(g);
    return arrive(g, ip & 0xffff);
}

/* Flags that IRET and POPF may change in protected mode. */
static uint32_t flags_mask(const struct x86_cpu *g, unsigned size)
{
    uint32_t mask = 0x244dd5 | FLAG_RF; /* arithmetic, TF DF NT AC ID */

    if (g->cpl == 0)
        mask |= FLAG_IOPL | FLAG_VIF | FLAG_VIP;
    if (g->cpl <= x86_iopl(g))
        mask |= FLAG_IF;
    return size == 2 ? mask & 0xffff : mask;
}

static bool iret_task(struct x86_cpu *g, uint64_t next)
{
    uint64_t link;

    if (x86_lma(g))
        return x86_fault(&g->core, VECTOR_GP, 0);
    if (!x86_system_load(g, g->tr.base, 2, &link) ||
        !x86_task_switch(g, (uint16_t)link, X86_TASK_IRET, next, 0, NULL))
        return false;
    g->core.scratch = g->core.pc;
    g->core.leave = true;
    return true;
}

static bool iret_protected(struct x86_cpu *g, unsigned size)
{
    struct x86_stack s;
    struct back b = {0};
    uint64_t cs, flags;
    uint32_t mask = flags_mask(g, size);

    x86_this_stack(g, &s);
    if (!x86_stack_pop(g, &s, size, &b.ip) ||
        !x86_stack_pop(g, &s, size, &cs) || !x86_stack_pop(g, &s, size, &flags))
        return false;
    if ((flags & FLAG_VM) && size == 4 && g->cpl == 0 && !x86_lma(g))
        return iret_to_v86(g, &s, b.ip, (uint16_t)cs, (uint32_t)flags);
    b.cs_selector = (uint16_t)cs;
    if (!return_code(g, &b))
        return false;
    b.outer = b.cpl > g->cpl || x86_long(g);
    if (b.outer && (!pop_stack(g, &s, size, &b) || !return_stack(g, &b)))
        return false;
    if (!check_target(g, &b.cs, &b.ip, 8))
        return false;
    if (!b.outer)
        x86_use_stack(g, &s);
    go_back(g, &b, 0);
    x86_set_eflags(g, (uint32_t)flags, mask);
    return true;
}

bool x86_iret(struct cpu *c, uint8_t size, uint64_t next)
{
    struct x86_cpu *g = x86(c);
    bool ok;

    /* It serialises: other processors' code is seen from here on. */
    cpu_sync_code(c);
    if (x86_v86(g))
        return x86_v86_iret(c, size);
    if (!(g->cr0 & CR0_PE))
        return iret_real(g, size);
    if (g->eflags & FLAG_NT)
        ok = iret_task(g, next);
    else
        ok = iret_protected(g, size);
    if (ok)
        g->nmi_blocked = false;
    return ok;
}

bool x86_v86_iret(struct cpu *c, uint8_t size)
{
    struct x86_cpu *g = x86(c);
    uint32_t mask = 0x244dd5 | FLAG_RF | FLAG_IF;
    struct x86_stack s;
    uint64_t ip, cs, flags;
    const bool vme = x86_iopl(g) < 3;

    if (vme && (!(g->cr4 & CR4_VME) || size != 2))
        return x86_fault(c, VECTOR_GP, 0);
    x86_this_stack(g, &s);
    if (!x86_stack_pop(g, &s, size, &ip) || !x86_stack_pop(g, &s, size, &cs) ||
        !x86_stack_pop(g, &s, size, &flags))
        return false;
    if (vme) {
        /* IF is VIF, SDM 3-20.3.3. */
        if ((flags & FLAG_TF) || ((flags & FLAG_IF) && (g->eflags & FLAG_VIP)))
            return x86_fault(c, VECTOR_GP, 0);
        mask = (mask & ~(uint32_t)FLAG_IF) & 0xffff;
    } else if (size == 2) {
        mask &= 0xffff;
    }
    if (!far_real(g, (uint16_t)cs, ip, size))
        return false;
    x86_use_stack(g, &s);
    x86_set_eflags(g, (uint32_t)flags, mask);
    if (vme)
        x86_set_eflags(g, flags & FLAG_IF ? FLAG_VIF : 0, FLAG_VIF);
    g->nmi_blocked = false;
    return true;
}

/* ------------------------------------------------------ fast system calls */

/* A flat segment: no descriptor is read. */
static struct x86_segment flat(uint16_t selector, unsigned access)
{
    return (struct x86_segment){
        .selector = selector,
        .access = (uint16_t)(access | SEGMENT_S | SEGMENT_P | SEGMENT_G |
                             SEGMENT_ACCESSED | SEGMENT_WRITE |
                             (selector & 3) << SEGMENT_DPL_SHIFT),
        .limit = UINT32_MAX};
}

static void set_flat(struct x86_cpu *g, uint16_t cs, uint16_t ss, unsigned cpl,
                     bool to_long)
{
    const struct x86_segment code =
        flat((uint16_t)((cs & ~3u) | cpl),
             SEGMENT_CODE | (to_long ? SEGMENT_L : SEGMENT_DB));

    g->segment[SEG_SS] = flat((uint16_t)((ss & ~3u) | cpl), SEGMENT_DB);
    x86_set_cs(g, &code, cpl);
}

/* From compatibility and legacy mode where AMD's do. */
static bool syscall_here(const struct x86_cpu *g)
{
    return (g->efer & EFER_SCE) && x86_protected(g) &&
           (x86_long(g) || !strcmp(g->vendor, "AuthenticAMD"));
}

bool x86_syscall(struct cpu *c, uint64_t next)
{
    struct x86_cpu *g = x86(c);
    const uint16_t cs = (uint16_t)(g->star >> 32 & 0xfffc);

    if (!syscall_here(g))
        return x86_fault(c, VECTOR_UD, 0);
    if (!x86_lma(g)) {
        g->g[1] = (uint32_t)next;
        x86_set_eflags(g, 0, FLAG_IF | FLAG_RF | FLAG_VM);
        set_flat(g, cs, (uint16_t)(cs + 8), 0, false);
        return arrive(g, (uint32_t)g->star);
    }
    next = x86_long(g) ? next : (uint32_t)next;
    g->g[1] = next;
    g->g[11] = x86_eflags(g) & ~(uint32_t)FLAG_RF;
    x86_set_eflags(g, 0, (uint32_t)g->sfmask | FLAG_RF);
    next = x86_long(g) ? g->lstar : g->cstar;
    set_flat(g, cs, (uint16_t)(cs + 8), 0, true);
    g->step_armed = g->step_armed && (g->eflags & FLAG_TF);
    return arrive(g, next);
}

bool x86_sysret(struct cpu *c, uint8_t size)
{
    struct x86_cpu *g = x86(c);
    const uint16_t cs = (uint16_t)(g->star >> 48 & 0xfffc);
    const uint64_t to = g->g[1];

    if (!syscall_here(g))
        return x86_fault(c, VECTOR_UD, 0);
    if (g->cpl || !x86_protected(g) || (size == 8 && !x86_canonical_va(g, to)))
        return x86_fault(c, VECTOR_GP, 0);
    if (x86_lma(g))
        x86_set_eflags(g, (uint32_t)g->g[11], 0x3c7fd7);
    else
        x86_set_eflags(g, FLAG_IF, FLAG_IF);
    set_flat(g, (uint16_t)(cs + (size == 8 ? 16 : 0)), (uint16_t)(cs + 8), 3,
             size == 8);
    /* TF counts at its end, not from the next instruction on. */
    g->step_armed = (g->eflags & FLAG_TF) != 0;
    return arrive(g, size == 8 ? to : (uint32_t)to);
}

bool x86_sysenter(struct cpu *c)
{
    struct x86_cpu *g = x86(c);
    const uint16_t cs = (uint16_t)(g->sysenter_cs & 0xfffc);
    const bool lma = x86_lma(g);

    if (!(g->cr0 & CR0_PE) || !cs)
        return x86_fault(c, VECTOR_GP, 0);
    x86_set_eflags(g, 0, FLAG_VM | FLAG_IF | FLAG_RF);
    set_flat(g, cs, (uint16_t)(cs + 8), 0, lma);
    g->g[4] = lma ? g->sysenter_esp : (uint32_t)g->sysenter_esp;
    return arrive(g, lma ? g->sysenter_eip : (uint32_t)g->sysenter_eip);
}

bool x86_sysexit(struct cpu *c, uint8_t size)
{
    struct x86_cpu *g = x86(c);
    const uint16_t cs = (uint16_t)(g->sysenter_cs & 0xfffc);
    const unsigned at = size == 8 ? 32 : 16;
    const uint64_t to = g->g[2], sp = g->g[1];

    if (!(g->cr0 & CR0_PE) || !cs || g->cpl ||
        (size == 8 && (!x86_canonical_va(g, to) || !x86_canonical_va(g, sp))))
        return x86_fault(c, VECTOR_GP, 0);
    set_flat(g, (uint16_t)(cs + at), (uint16_t)(cs + at + 8), 3, size == 8);
    g->g[4] = size == 8 ? sp : (uint32_t)sp;
    return arrive(g, size == 8 ? to : (uint32_t)to);
}
