/*
 * The interrupt flag as programs of less privilege see it: IOPL, virtual-8086
 * mode with its extensions (VME), and protected-mode virtual interrupts (PVI).
 *
 * SDM 3-20.2 and 20.3 (V86 mode), 20.4 (PVI), 2 (PUSHF, POPF, CLI, STI, INT).
 */
#include "cpu/x86/system.h"

static bool vme(const struct x86_cpu *g)
{
    return (g->cr4 & CR4_VME) != 0;
}

/* V86 mode with IOPL below 3. */
static bool v86_limited(const struct x86_cpu *g)
{
    return x86_v86(g) && x86_iopl(g) < 3;
}

/* PVI: CPL 3 with IOPL below 3. */
static bool pvi(const struct x86_cpu *g)
{
    return x86_protected(g) && (g->cr4 & CR4_PVI) && g->cpl == 3 &&
           x86_iopl(g) < 3;
}

bool x86_pushf(struct cpu *c, uint8_t size)
{
    struct x86_cpu *g = x86(c);
    uint32_t v = x86_eflags(g) & ~(uint32_t)(FLAG_VM | FLAG_RF);

    if (v86_limited(g)) {
        if (!vme(g) || size != 2)
            return x86_fault(c, VECTOR_GP, 0);
        v |= FLAG_IOPL;
        v &= ~(uint32_t)FLAG_IF;
        if (g->eflags & FLAG_VIF)
            v |= FLAG_IF;
    }
    c->scratch = v;
    return true;
}

/* Arithmetic, TF, DF, NT, AC, ID. */
#define PLAIN 0x244dd5u

static bool popf_vme(struct x86_cpu *g, uint8_t size, uint32_t v)
{
    if (!vme(g) || size != 2 || (v & FLAG_TF) ||
        ((v & FLAG_IF) && (g->eflags & FLAG_VIP)))
        return x86_fault(&g->core, VECTOR_GP, 0);
    x86_set_eflags(g, v, PLAIN & 0xffff);
    x86_set_eflags(g, v & FLAG_IF ? FLAG_VIF : 0, FLAG_VIF);
    return true;
}

bool x86_popf(struct cpu *c, uint8_t size, uint64_t v)
{
    struct x86_cpu *g = x86(c);
    uint32_t mask = PLAIN;

    if (v86_limited(g))
        return popf_vme(g, size, (uint32_t)v);
    if (g->cpl == 0)
        mask |= FLAG_IOPL;
    if (g->cpl <= x86_iopl(g))
        mask |= FLAG_IF;
    if (size == 2)
        mask &= 0xffff;
    else if (!x86_v86(g))
        x86_set_eflags(g, 0, FLAG_RF);
    x86_set_eflags(g, (uint32_t)v, mask);
    return true;
}

/* CLI and STI: on IF, or on VIF, or not at all. */
static bool set_if(struct x86_cpu *g, uint32_t on)
{
    const unsigned iopl = x86_iopl(g);
    uint32_t which = FLAG_IF;

    if (x86_v86(g) ? iopl < 3 : g->cpl > iopl) {
        if (!(x86_v86(g) ? vme(g) : pvi(g)) || (on && (g->eflags & FLAG_VIP)))
            return x86_fault(&g->core, VECTOR_GP, 0);
        which = FLAG_VIF;
    }
    if (on && which == FLAG_IF && !(g->eflags & FLAG_IF))
        x86_shadow(g, false);
    x86_set_eflags(g, on ? which : 0, which);
    return true;
}

bool x86_cli(struct cpu *c)
{
    return set_if(x86(c), 0);
}

bool x86_sti(struct cpu *c)
{
    return set_if(x86(c), 1);
}

/* -------------------------------------------------------------------- INT n */

/* Does the map in front of the I/O map send it to the 8086's own handler?
 * SDM 3-20.3.3. */
static bool redirected(struct x86_cpu *g, uint8_t vector, bool *yes)
{
    uint64_t map, byte;

    *yes = false;
    if (g->tr.limit < 0x67)
        return true;
    if (!x86_system_load(g, g->tr.base + 0x66, 2, &map))
        return false;
    if (map < 32 || map - 32 + vector / 8u > g->tr.limit)
        return true;
    if (!x86_system_load(g, g->tr.base + map - 32 + vector / 8u, 1, &byte))
        return false;
    *yes = !(byte >> (vector & 7) & 1);
    return true;
}

/* As real mode does it, with VIF for IF where IOPL is below 3. */
static bool int_real(struct x86_cpu *g, uint8_t vector, uint64_t next)
{
    const bool limited = x86_iopl(g) < 3;
    uint32_t flags = x86_eflags(g);
    struct x86_stack s;
    uint64_t entry;

    if (limited) {
        flags = (flags & ~(uint32_t)FLAG_IF) | FLAG_IOPL;
        if (g->eflags & FLAG_VIF)
            flags |= FLAG_IF;
    }
    x86_this_stack(g, &s);
    /* The table is at 0 of the task's memory, and read as the user. */
    if (!cpu_load(&g->core, vector * 4u, 4, &entry) ||
        !x86_stack_push(g, &s, 2, flags) ||
        !x86_stack_push(g, &s, 2, g->segment[SEG_CS].selector) ||
        !x86_stack_push(g, &s, 2, next))
        return false;
    x86_use_stack(g, &s);
    x86_set_eflags(g, 0,
                   FLAG_TF | FLAG_RF | FLAG_NT |
                       (limited ? (uint32_t)FLAG_VIF : (uint32_t)FLAG_IF));
    g->step_armed = false;
    x86_load_real(g, SEG_CS, (uint16_t)(entry >> 16));
    x86_settle(g);
    g->core.scratch = (uint32_t)(g->cs_base + (entry & 0xffff));
    g->core.leave = true;
    return true;
}

enum x86_v86 x86_v86_int(struct x86_cpu *g, uint8_t vector, uint64_t next)
{
    bool to_8086;

    if (vme(g)) {
        if (!redirected(g, vector, &to_8086))
            return X86_V86_FAULT;
        if (to_8086)
            return int_real(g, vector, next) ? X86_V86_DONE : X86_V86_FAULT;
    }
    if (x86_iopl(g) == 3)
        return X86_V86_PROTECTED;
    x86_fault(&g->core, VECTOR_GP, 0);
    return X86_V86_FAULT;
}
