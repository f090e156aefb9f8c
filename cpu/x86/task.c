/*
 * Hardware task switches, 16 and 32 bits.
 *
 * SDM 3-7 (task management).  All of the new task's state is read, and the
 * old one's written, before anything is committed; from there on faults are
 * the new task's: the switch is over, and they are pending at its first
 * instruction.
 */
#include "cpu/x86/system.h"

enum { TSS16_SIZE = 0x2c, TSS32_SIZE = 0x68 };

/* Order of segment registers in a TSS; a 286's has the first four. */
static const uint8_t tss_segments[6] = {SEG_ES, SEG_CS, SEG_SS,
                                        SEG_DS, SEG_FS, SEG_GS};

struct task {
    uint64_t base;
    bool wide;
    uint32_t eip, eflags, cr3, r[8];
    uint16_t segment[6], ldt;
    bool trap;
};

static bool get(struct x86_cpu *g, const struct task *t, unsigned at16,
                unsigned at32, uint32_t *v)
{
    uint64_t x;

    if (!x86_system_load(g, t->base + (t->wide ? at32 : at16), t->wide ? 4 : 2,
                         &x))
        return false;
    *v = (uint32_t)x;
    return true;
}

static bool get_selector(struct x86_cpu *g, const struct task *t, unsigned at16,
                         unsigned at32, uint16_t *v)
{
    uint64_t x;

    if (!x86_system_load(g, t->base + (t->wide ? at32 : at16), 2, &x))
        return false;
    *v = (uint16_t)x;
    return true;
}

static bool read_task(struct x86_cpu *g, struct task *t)
{
    uint64_t x = 0;

    for (unsigned i = 0; i < 8; i++) {
        if (!get(g, t, 0x12 + 2 * i, 0x28 + 4 * i, &t->r[i]))
            return false;
        if (!t->wide)
            t->r[i] |= 0xffff0000;
    }
    for (unsigned i = 0; i < (t->wide ? 6u : 4u); i++)
        if (!get_selector(g, t, 0x22 + 2 * i, 0x48 + 4 * i,
                          &t->segment[i]))
            return false;
    if (!get(g, t, 0x0e, 0x20, &t->eip) || !get(g, t, 0x10, 0x24, &t->eflags) ||
        !get_selector(g, t, 0x2a, 0x60, &t->ldt))
        return false;
    if (!t->wide)
        return true;
    if (!x86_system_load(g, t->base + 0x64, 1, &x))
        return false;
    t->trap = x & 1;
    return get(g, t, 0, 0x1c, &t->cr3);
}

static bool write_old(struct x86_cpu *g, const struct x86_segment *tr,
                      uint64_t eip, uint32_t eflags)
{
    const bool wide = tr->access & 8;
    const unsigned size = wide ? 4 : 2;
    const uint64_t base = tr->base;
    bool ok = x86_system_store(g, base + (wide ? 0x20 : 0x0e), size, eip) &&
              x86_system_store(g, base + (wide ? 0x24 : 0x10), size, eflags);

    for (unsigned i = 0; ok && i < 8; i++)
        ok = x86_system_store(g, base + (wide ? 0x28 + 4 * i : 0x12 + 2 * i),
                              size, g->g[i]);
    for (unsigned i = 0; ok && i < (wide ? 6u : 4u); i++)
        ok = x86_system_store(g, base + (wide ? 0x48 + 4 * i : 0x22 + 2 * i), 2,
                              g->segment[tss_segments[i]].selector);
    return ok;
}

/* Set or clear the busy bit of the descriptor at `at`. */
static bool set_busy(struct x86_cpu *g, uint64_t at, bool busy)
{
    uint64_t v;

    if (!x86_system_load(g, at + 5, 1, &v))
        return false;
    return x86_system_store(g, at + 5, 1, busy ? v | 2 : v & ~UINT64_C(2));
}

/* ------------------------------------------------------ in the new task */

static bool fault(struct x86_cpu *g, unsigned vector, uint16_t selector,
                  unsigned ext)
{
    return x86_fault(&g->core, vector, (selector & 0xfffc) | ext);
}

static bool load_ldt(struct x86_cpu *g, uint16_t selector, unsigned ext)
{
    struct x86_descriptor d;

    g->ldtr = (struct x86_segment){.selector = selector};
    if (!(selector & 0xfffc))
        return true;
    if (selector & 4)
        return fault(g, VECTOR_TS, selector, ext);
    if (!x86_need_descriptor(g, selector, VECTOR_TS, ext, &d))
        return false;
    if ((x86_access(&d) & 0x9f) != 0x82)
        return fault(g, VECTOR_TS, selector, ext);
    x86_unpack(&d, selector, &g->ldtr);
    return true;
}

static bool load_code(struct x86_cpu *g, uint16_t selector, unsigned ext)
{
    struct x86_descriptor d;
    unsigned access;

    if (!(selector & 0xfffc))
        return fault(g, VECTOR_TS, 0, ext);
    if (!x86_need_descriptor(g, selector, VECTOR_TS, ext, &d))
        return false;
    access = x86_access(&d);
    if ((access & (SEGMENT_S | SEGMENT_CODE)) != (SEGMENT_S | SEGMENT_CODE) ||
        (access & SEGMENT_DOWN ? x86_dpl(access) > g->cpl
                               : x86_dpl(access) != g->cpl))
        return fault(g, VECTOR_TS, selector, ext);
    if (!(access & SEGMENT_P))
        return fault(g, VECTOR_NP, selector, ext);
    if (!x86_set_accessed(g, &d))
        return false;
    x86_unpack(&d, selector, &g->segment[SEG_CS]);
    return true;
}

/* Load it as MOV would, with #TS for #GP. */
static bool load_data(struct x86_cpu *g, unsigned segment, uint16_t selector,
                      unsigned ext)
{
    if (x86_load_segment(&g->core, (uint8_t)segment, selector))
        return true;
    if (g->vector == VECTOR_GP)
        g->vector = VECTOR_TS;
    if (g->vector != VECTOR_PF)
        g->error |= ext;
    return false;
}

static bool load_segments(struct x86_cpu *g, const struct task *t, unsigned ext)
{
    struct x86_segment ss;

    if (x86_v86(g)) {
        for (unsigned i = 0; i < 6; i++)
            x86_load_real(g, tss_segments[i], t->segment[i]);
        x86_settle(g);
        return true;
    }
    if (!load_code(g, t->segment[1], ext))
        return false;
    x86_settle(g);
    if (!x86_fetch_stack(g, t->segment[2], g->cpl, VECTOR_TS, ext, &ss))
        return false;
    g->segment[SEG_SS] = ss;
    x86_settle(g);
    for (unsigned i = 0; i < 6; i++)
        if (tss_segments[i] != SEG_CS && tss_segments[i] != SEG_SS &&
            !load_data(g, tss_segments[i], t->segment[i], ext))
            return false;
    return true;
}

static bool push_error(struct x86_cpu *g, const struct task *t, uint32_t error)
{
    struct x86_stack s;

    x86_this_stack(g, &s);
    if (!x86_stack_push(g, &s, t->wide ? 4 : 2, error))
        return false;
    x86_use_stack(g, &s);
    return true;
}

/* Registers as they are before any descriptor is looked at. */
static void load_plain(struct x86_cpu *g, const struct task *t)
{
    for (unsigned i = 0; i < 8; i++)
        g->g[i] = t->r[i];
    g->cpl = 3;
    x86_set_eflags(g, t->eflags, t->wide ? 0x277fd5 : 0x7fd5);
    if (!x86_v86(g))
        g->cpl = t->segment[1] & 3;
    for (unsigned i = 0; i < 6; i++)
        g->segment[tss_segments[i]] = (struct x86_segment){
            .selector = t->segment[i],
            .access = tss_segments[i] == SEG_SS
                          ? (uint16_t)(g->cpl << SEGMENT_DPL_SHIFT) : 0};
    g->ldtr = (struct x86_segment){.selector = t->ldt};
}

static bool load_rest(struct x86_cpu *g, const struct task *t, unsigned ext,
                      const uint32_t *error)
{
    if (!load_ldt(g, t->ldt, ext) || !load_segments(g, t, ext))
        return false;
    g->core.pc = (uint32_t)(g->cs_base + t->eip);
    if (error && !push_error(g, t, *error))
        return false;
    if (t->eip > g->segment[SEG_CS].limit)
        return x86_fault(&g->core, VECTOR_GP, ext);
    if (t->trap)
        x86_debug_trap(g, 1 << 15); /* BT */
    return true;
}

/* CR3 of the new task; the walk of its tables begins with it. */
static bool load_space(struct x86_cpu *g, const struct task *t)
{
    if (!t->wide || !(g->cr0 & CR0_PG))
        return true;
    if ((g->cr4 & CR4_PAE) && !x86_load_pdptes(g, t->cr3))
        return false;
    g->cr3 = t->cr3;
    x86_flush_space(g, g->cr3);
    x86_update_contexts(g);
    return true;
}

/* ------------------------------------------------------------- the switch */

static bool find_task(struct x86_cpu *g, uint16_t selector,
                      enum x86_task_reason reason, unsigned ext,
                      struct x86_descriptor *d, struct x86_segment *tr)
{
    const unsigned vector = reason == X86_TASK_IRET ? VECTOR_TS : VECTOR_GP;
    unsigned type;

    if ((selector & 4) || !(selector & 0xfffc))
        return fault(g, vector, selector, ext);
    if (!x86_need_descriptor(g, selector, vector, ext, d))
        return false;
    type = x86_access(d) & 0x1f;
    if ((type & 0x15) != 1 || !(type & 2) != (reason != X86_TASK_IRET))
        return fault(g, vector, selector, ext);
    if (!(x86_access(d) & SEGMENT_P))
        return fault(g, VECTOR_NP, selector, ext);
    x86_unpack(d, selector, tr);
    if (tr->limit < (type & 8 ? TSS32_SIZE : TSS16_SIZE) - 1)
        return fault(g, VECTOR_TS, selector, ext);
    return true;
}

bool x86_task_switch(struct x86_cpu *g, uint16_t selector,
                     enum x86_task_reason reason, uint64_t next, unsigned ext,
                     const uint32_t *error)
{
    const bool nested = reason == X86_TASK_CALL || reason == X86_TASK_INT;
    const uint64_t old_at = g->gdtr.base + (g->tr.selector & 0xfff8);
    const uint16_t old = g->tr.selector;
    struct x86_descriptor d;
    struct x86_segment tr;
    uint32_t eflags = x86_eflags(g);
    struct task t = {0};

    if (!find_task(g, selector, reason, ext, &d, &tr))
        return false;
    t.base = tr.base;
    t.wide = tr.access & 8;
    if (reason == X86_TASK_IRET)
        eflags &= ~(uint32_t)FLAG_NT;
    if (!read_task(g, &t) || !write_old(g, &g->tr, next, eflags))
        return false;
    if (nested) {
        if (!x86_system_store(g, t.base, 2, old))
            return false;
        t.eflags |= FLAG_NT;
    } else if (!set_busy(g, old_at, false)) {
        return false;
    }
    if (reason != X86_TASK_IRET && !set_busy(g, d.at, true))
        return false;
    g->tr = tr;
    g->tr.access |= 2;
    g->cr0 |= CR0_TS;
    /* Breakpoints of the old task alone, SDM 3-18.2.4. */
    x86_set_dr7(g, g->dr7 & ~UINT64_C(0x155));
    if (!load_space(g, &t))
        return false;
    load_plain(g, &t);
    x86_settle(g);
    g->core.pc = t.eip;
    g->core.leave = true;
    /* What is wrong now is the new task's. */
    load_rest(g, &t, ext, error);
    return true;
}
