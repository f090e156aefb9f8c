/*
 * Exceptions and interrupts: gates, delivery, double faults, priorities, the
 * shadows of STI and MOV SS, single step, debug exceptions.
 *
 * SDM 3-6 (interrupts and exceptions), 3-18.2 and 18.3 (debug), 3-20 (real
 * mode and V86).
 *
 * A trap flag or a waiting interrupt in a shadow lets the run loop go by
 * single instructions (cpu->step).  RF counts until an instruction is retired:
 * it is kept with the count at which it was set.
 */
#include <inttypes.h>

#include "cpu/x86/apic.h"
#include "cpu/x86/system.h"
#include "cpu/x86/x87.h"
#include "x86_gen.h"

#define EXT 1u

/* ----------------------------------------------------------------- raising */

static bool has_error(unsigned vector)
{
    const uint32_t with = 1u << VECTOR_DF | 1u << VECTOR_TS | 1u << VECTOR_NP |
                          1u << VECTOR_SS | 1u << VECTOR_GP | 1u << VECTOR_PF |
                          1u << VECTOR_AC;

    return vector < 32 && with >> vector & 1;
}

void x86_raise(struct cpu *c, unsigned vector, uint64_t error)
{
    struct x86_cpu *g = x86(c);

    g->vector = (uint8_t)vector;
    g->source = X86_FAULT;
    g->has_error = has_error(vector);
    g->error = (uint32_t)error;
    cpu_raise(c);
}

bool x86_debug_fault(struct x86_cpu *g, uint32_t bits)
{
    g->dr6 = (g->dr6 & ~(uint64_t)15) | bits;
    x86_raise(&g->core, VECTOR_DB, 0);
    /* The one fault that leaves RF to its handler, SDM 3-18.3.1.1. */
    g->source = X86_TRAP;
    return false;
}

void x86_debug_trap(struct x86_cpu *g, uint32_t bits)
{
    g->debug_traps |= bits;
    g->core.leave = true;
}

void x86_look(struct x86_cpu *g)
{
    const unsigned intr = 1u << X86_LINE_INTR;

    /* What comes from now on kicks the CPU. */
    if ((atomic_load(&g->lines) & intr) || atomic_load(&g->latched))
        g->core.leave = true;
}

void x86_shadow(struct x86_cpu *g, bool debug)
{
    /* In a sequence of MOV SS only the first one casts a shadow. */
    if (debug && g->shadow_debug && g->shadow_at == cpu_icount(&g->core))
        return;
    g->shadow_at = cpu_icount(&g->core) + 1;
    g->shadow_debug = debug;
    x86_look(g);
    if (g->step_armed || g->debug_traps)
        g->core.leave = true;
}

bool x86_resumes(struct x86_cpu *g)
{
    return (g->eflags & FLAG_RF) && cpu_icount(&g->core) == g->rf_at;
}

/* ------------------------------------------------------------------ stacks */

void x86_this_stack(struct x86_cpu *g, struct x86_stack *s)
{
    s->ss = g->segment[SEG_SS];
    s->sp = g->g[4];
    s->cpl = g->cpl;
    s->error = 0;
    s->flat = x86_long(g);
}

static uint64_t stack_mask(const struct x86_stack *s)
{
    if (s->flat)
        return UINT64_MAX;
    return s->ss.access & SEGMENT_DB ? UINT32_MAX : UINT16_MAX;
}

/* The linear address of sp; *was: what the accesses were. */
static bool stack_at(struct x86_cpu *g, const struct x86_stack *s, uint64_t sp,
                     unsigned size, bool write, uint64_t *va)
{
    sp &= stack_mask(s);
    *va = sp;
    if (!(s->flat ? x86_canonical_va(g, sp)
                  : x86_in_segment(g, &s->ss, sp, size, write, va)))
        return x86_fault(&g->core, x86_segment_vector(g, SEG_SS), s->error);
    return !g->align_check || s->cpl < 3 || !(*va & (size - 1)) ||
           x86_fault(&g->core, VECTOR_AC, 0);
}

bool x86_stack_push(struct x86_cpu *g, struct x86_stack *s, unsigned size,
                    uint64_t v)
{
    const uint64_t sp = s->sp - size;
    uint64_t va;
    bool ok;

    if (!stack_at(g, s, sp, size, true, &va))
        return false;
    ok = s->cpl < 3 ? x86_system_store(g, va, size, v)
                    : cpu_store(&g->core, va, size, v);
    if (ok)
        s->sp = sp;
    return ok;
}

bool x86_stack_pop(struct x86_cpu *g, struct x86_stack *s, unsigned size,
                   uint64_t *v)
{
    uint64_t va;

    if (!stack_at(g, s, s->sp, size, false, &va) ||
        !cpu_load(&g->core, va, size, v))
        return false;
    s->sp += size;
    return true;
}

void x86_use_stack(struct x86_cpu *g, const struct x86_stack *s)
{
    const uint64_t mask = stack_mask(s);

    if (s->flat)
        g->g[4] = s->sp;
    else
        x86_put_masked(g->g, 4, mask, s->sp);
}

/* ------------------------------------------------------------------- gates */

/* What the old state is pushed as. */
struct frame {
    const struct x86_event *e;
    uint32_t eflags;
    unsigned size; /* of each value */
    bool clear_if;
};

static bool push_return(struct x86_cpu *g, struct x86_stack *s,
                        const struct frame *f)
{
    return x86_stack_push(g, s, f->size, f->eflags) &&
           x86_stack_push(g, s, f->size, g->segment[SEG_CS].selector) &&
           x86_stack_push(g, s, f->size, f->e->ip) &&
           (!f->e->has_error || x86_stack_push(g, s, f->size, f->e->error));
}

/* Flags that a handler begins without. */
static void clear_flags(struct x86_cpu *g, bool clear_if, uint32_t more)
{
    g->eflags &= ~(uint32_t)(FLAG_TF | FLAG_RF | more);
    if (clear_if)
        g->eflags &= ~(uint32_t)FLAG_IF;
    g->step_armed = false;
    g->rep_at = UINT64_MAX;
}

static bool enter_real(struct x86_cpu *g, const struct x86_event *e)
{
    struct x86_event plain = *e;
    struct frame f = {&plain, x86_eflags(g), 2, true};
    struct x86_stack s;
    uint64_t entry;

    plain.has_error = false;
    if (e->vector * 4u + 3 > g->idtr.limit)
        return x86_fault(&g->core, VECTOR_GP, 0);
    x86_this_stack(g, &s);
    if (!x86_system_load(g, g->idtr.base + e->vector * 4u, 4, &entry) ||
        !push_return(g, &s, &f))
        return false;
    x86_use_stack(g, &s);
    clear_flags(g, true, FLAG_AC);
    x86_load_real(g, SEG_CS, (uint16_t)(entry >> 16));
    x86_settle(g);
    g->core.pc = (uint32_t)(g->cs_base + (entry & 0xffff));
    return true;
}

struct gate {
    struct x86_descriptor d;
    unsigned type, error, ext;
    uint16_t selector;
    uint64_t offset;
};

enum {
    GATE_TASK = 5,
    GATE_INT16 = 6,
    GATE_TRAP16 = 7,
    GATE_INT = 14,
    GATE_TRAP = 15
};

static bool read_gate(struct x86_cpu *g, const struct x86_event *e,
                      struct gate *gate)
{
    const bool lma = x86_lma(g);
    const unsigned size = lma ? 16 : 8, at = e->vector * size;
    uint64_t v, upper = 0;

    gate->ext = e->source == X86_SOFTWARE ? 0 : EXT;
    gate->error = e->vector * 8u + 2 + gate->ext;
    if (at + size - 1 > g->idtr.limit)
        return x86_fault(&g->core, VECTOR_GP, gate->error);
    if (!x86_system_load(g, g->idtr.base + at, 8, &v) ||
        (lma && !x86_system_load(g, g->idtr.base + at + 8, 8, &upper)))
        return false;
    gate->d.lo = (uint32_t)v;
    gate->d.hi = (uint32_t)(v >> 32);
    gate->type = gate->d.hi >> 8 & 0x1f;
    gate->selector = (uint16_t)(gate->d.lo >> 16);
    gate->offset =
        (gate->d.lo & 0xffff) | (gate->d.hi & 0xffff0000) | upper << 32;
    if (gate->type == GATE_INT16 || gate->type == GATE_TRAP16)
        gate->offset &= 0xffff;
    if (gate->type < GATE_TASK || (gate->type > 7 && gate->type < GATE_INT) ||
        gate->type > GATE_TRAP || (lma && gate->type < GATE_INT))
        return x86_fault(&g->core, VECTOR_GP, gate->error);
    if (e->source == X86_SOFTWARE && x86_dpl(x86_access(&gate->d)) < g->cpl)
        return x86_fault(&g->core, VECTOR_GP, gate->error);
    if (!(x86_access(&gate->d) & SEGMENT_P))
        return x86_fault(&g->core, VECTOR_NP, gate->error);
    return true;
}

/* The gate's code segment; *inner: it is of a more privileged level. */
static bool gate_code(struct x86_cpu *g, const struct gate *gate,
                      struct x86_segment *cs, bool *inner)
{
    struct x86_descriptor d;
    unsigned access;
    const unsigned error = (gate->selector & 0xfffc) | gate->ext;

    if (!(gate->selector & 0xfffc))
        return x86_fault(&g->core, VECTOR_GP, gate->ext);
    if (!x86_need_descriptor(g, gate->selector, VECTOR_GP, gate->ext, &d))
        return false;
    access = x86_access(&d);
    if ((access & (SEGMENT_S | SEGMENT_CODE)) != (SEGMENT_S | SEGMENT_CODE) ||
        x86_dpl(access) > g->cpl)
        return x86_fault(&g->core, VECTOR_GP, error);
    if (x86_lma(g) && (access & (SEGMENT_L | SEGMENT_DB)) != SEGMENT_L)
        return x86_fault(&g->core, VECTOR_GP, error);
    if (!(access & SEGMENT_P))
        return x86_fault(&g->core, VECTOR_NP, error);
    *inner = !(access & SEGMENT_DOWN) && x86_dpl(access) < g->cpl;
    /* V86 mode is left for level 0, or not at all. */
    if (x86_v86(g) && (!*inner || x86_dpl(access) != 0))
        return x86_fault(&g->core, VECTOR_GP, error);
    if (!x86_set_accessed(g, &d))
        return false;
    x86_unpack(&d, gate->selector, cs);
    cs->selector =
        (uint16_t)((cs->selector & ~3u) | (*inner ? x86_dpl(access) : g->cpl));
    return true;
}

static bool push_v86(struct x86_cpu *g, struct x86_stack *s, unsigned size)
{
    static const uint8_t order[] = {SEG_GS, SEG_FS, SEG_DS, SEG_ES};

    for (unsigned i = 0; i < sizeof(order); i++)
        if (!x86_stack_push(g, s, size, g->segment[order[i]].selector))
            return false;
    return true;
}

static bool enter_gate(struct x86_cpu *g, const struct gate *gate,
                       struct frame *f)
{
    struct x86_segment cs;
    struct x86_stack s, old;
    bool inner, v86 = x86_v86(g);
    unsigned cpl;

    if (!gate_code(g, gate, &cs, &inner))
        return false;
    cpl = cs.selector & 3;
    f->size = gate->type >= GATE_INT ? 4 : 2;
    x86_this_stack(g, &old);
    s = old;
    s.error = gate->ext;
    if (inner) {
        if (!x86_inner_stack(g, cpl, gate->ext, &s))
            return false;
        s.error = (s.ss.selector & 0xfffc) | gate->ext;
        if (v86 && !push_v86(g, &s, f->size))
            return false;
        if (!x86_stack_push(g, &s, f->size, g->segment[SEG_SS].selector) ||
            !x86_stack_push(g, &s, f->size, g->g[4]))
            return false;
    }
    if (!push_return(g, &s, f))
        return false;
    if (gate->offset > cs.limit)
        return x86_fault(&g->core, VECTOR_GP, gate->ext);
    if (v86)
        for (unsigned i = 0; i < 6; i++)
            if (i != SEG_CS && i != SEG_SS)
                g->segment[i] = (struct x86_segment){0};
    clear_flags(g, f->clear_if, FLAG_NT | FLAG_VM);
    if (inner)
        g->segment[SEG_SS] = s.ss;
    x86_use_stack(g, &s);
    x86_set_cs(g, &cs, cpl);
    g->core.pc = (uint32_t)(g->cs_base + gate->offset);
    return true;
}

/* The stack of 64-bit mode: by IST, by the task's state, or as it is. */
static bool long_stack(struct x86_cpu *g, unsigned ist, bool inner,
                       unsigned cpl, unsigned ext, struct x86_stack *s)
{
    uint64_t at = ist ? 36 + 8 * (ist - 1) : 4 + 8 * cpl;

    s->flat = true;
    s->cpl = cpl;
    s->error = ext;
    s->sp = g->g[4];
    s->ss = g->segment[SEG_SS];
    if (!ist && !inner)
        goto align;
    if (at + 7 > g->tr.limit)
        return x86_fault(&g->core, VECTOR_TS, (g->tr.selector & 0xfffc) | ext);
    if (!x86_system_load(g, g->tr.base + at, 8, &s->sp))
        return false;
    if (!x86_canonical_va(g, s->sp))
        return x86_fault(&g->core, VECTOR_SS, ext);
align:
    s->sp &= ~(uint64_t)15;
    return true;
}

/* Into 64-bit code, SDM 3-6.14. */
static bool enter_64(struct x86_cpu *g, const struct gate *gate, unsigned ist,
                     struct frame *f)
{
    struct x86_segment cs;
    struct x86_stack s;
    bool inner;
    unsigned cpl;

    if (!gate_code(g, gate, &cs, &inner))
        return false;
    cpl = cs.selector & 3;
    f->size = 8;
    if (!long_stack(g, ist, inner, cpl, gate->ext, &s))
        return false;
    if (!x86_stack_push(g, &s, 8, g->segment[SEG_SS].selector) ||
        !x86_stack_push(g, &s, 8, g->g[4]) || !push_return(g, &s, f))
        return false;
    if (!x86_canonical_va(g, gate->offset))
        return x86_fault(&g->core, VECTOR_GP, gate->ext);
    clear_flags(g, f->clear_if, FLAG_NT);
    if (inner)
        g->segment[SEG_SS] = (struct x86_segment){
            .selector = (uint16_t)cpl,
            .access = (uint16_t)(cpl << SEGMENT_DPL_SHIFT)};
    g->g[4] = s.sp;
    x86_set_cs(g, &cs, cpl);
    g->core.pc = gate->offset;
    return true;
}

static bool enter_protected(struct x86_cpu *g, const struct x86_event *e)
{
    struct frame f = {e, x86_eflags(g), 4, false};
    struct gate gate;

    if (!read_gate(g, e, &gate))
        return false;
    if (gate.type == GATE_TASK)
        return x86_task_switch(g, gate.selector, X86_TASK_INT, e->ip, gate.ext,
                               e->has_error ? &e->error : NULL);
    /* Faults push RF set, so that they come once; SDM 3-18.3.1.1. */
    f.eflags &= ~(uint32_t)FLAG_RF;
    if (e->source == X86_FAULT && e->vector < 32 && e->vector != VECTOR_DF &&
        e->vector != VECTOR_MC)
        f.eflags |= FLAG_RF;
    else if (x86_resumes(g) || g->rep_at == cpu_icount(&g->core))
        f.eflags |= FLAG_RF; /* a repetition is to go on */
    f.clear_if = !(gate.type & 1);
    if (x86_lma(g))
        return enter_64(g, &gate, gate.d.hi & 7, &f);
    return enter_gate(g, &gate, &f);
}

bool x86_enter_handler(struct x86_cpu *g, const struct x86_event *e)
{
    bool ok = g->cr0 & CR0_PE ? enter_protected(g, e) : enter_real(g, e);

    if (ok) {
        g->activity = X86_ACTIVE;
        g->core.halted = false;
    }
    return ok;
}

/* -------------------------------------------------------------- exceptions */

static void log_event(struct x86_cpu *g, const struct x86_event *e)
{
    log_line(g->core.env.log, LOG_INT,
             "cpu %u: vector %u, error %x, at %04x:%" PRIx64
             " (cpl %u), cr2 %" PRIx64,
             g->core.id, e->vector, e->has_error ? e->error : 0,
             g->segment[SEG_CS].selector, e->ip, g->cpl, g->cr2);
}

static bool is_contributory(unsigned vector)
{
    return vector == VECTOR_DE || (vector >= VECTOR_TS && vector <= VECTOR_GP);
}

/* Both exceptions, the second while the first was delivered: a double fault?
 * SDM table 3-6.5. */
static bool doubles(const struct x86_event *first, unsigned second)
{
    if (first->source != X86_FAULT || first->vector >= 32)
        return false;
    if (first->vector == VECTOR_PF)
        return second == VECTOR_PF || is_contributory(second);
    return is_contributory(first->vector) && is_contributory(second);
}

static bool triples(const struct x86_event *first, unsigned second)
{
    return first->vector == VECTOR_DF && first->source == X86_FAULT &&
           (second == VECTOR_PF || is_contributory(second));
}

/* The exception that g has pending, as an event. */
static struct x86_event take_pending(struct x86_cpu *g)
{
    struct x86_event e = {g->vector, g->source, g->has_error, g->error,
                          x86_eip(g)};

    g->core.pending_exception = false;
    if (e.vector == VECTOR_PF)
        g->cr2 = g->fault_address;
    if (e.vector == VECTOR_DB)
        g->dr7 &= ~(uint64_t)0x2000; /* GD */
    return e;
}

/* The 8086 and 80186 go on behind a division that failed. */
static void skip_division(struct x86_cpu *g, struct x86_event *e)
{
    uint8_t bytes[15] = {0};
    struct insn i;

    if (e->vector != VECTOR_DE || g->model > X86_MODEL_80186)
        return;
    cpu_peek(&g->core, g->core.pc, bytes, sizeof(bytes));
    if (x86_decode(&g->core, bytes, sizeof(bytes), &i))
        e->ip = (uint16_t)(e->ip + i.length);
}

/* It stays pending: lockstep wants to see it done outside of its window. */
static void put_back(struct x86_cpu *g, const struct x86_event *e)
{
    g->vector = e->vector;
    g->source = e->source;
    g->has_error = e->has_error;
    g->error = e->error;
    g->core.pending_exception = true;
}

/* Alignment checks of a handler at level 3 whose stack is not aligned come
 * again and again, and a processor would not come out of it. */
#define MAX_NESTED 8

void x86_deliver(struct cpu *c)
{
    struct x86_cpu *g = x86(c);
    struct x86_event e = take_pending(g), next;

    skip_division(g, &e);

    /* Data breakpoints of an instruction that faulted are not reported. */
    g->debug_traps = 0;
    g->step_armed = false;
    for (unsigned n = 0; n < MAX_NESTED; n++) {
        bool entered;

        if (log_on(c->env.log, LOG_INT))
            log_event(g, &e);
        entered = x86_enter_handler(g, &e);
        /* A task switch may be over, and the new task at fault. */
        if (!c->pending_exception) {
            if (!entered)
                put_back(g, &e);
            return;
        }
        next = take_pending(g);
        if (triples(&e, next.vector)) {
            x86_shutdown(g, "triple fault");
            return;
        }
        if (doubles(&e, next.vector))
            next = (struct x86_event){VECTOR_DF, X86_FAULT, true, 0, e.ip};
        else if (next.has_error && next.vector != VECTOR_PF &&
                 next.vector != VECTOR_AC && e.source != X86_SOFTWARE)
            next.error |= EXT;
        e = next;
    }
    x86_shutdown(g, "an exception whose delivery raises it again, for ever,");
}

/* Deliver what is no instruction's fault. */
static void deliver_event(struct x86_cpu *g, unsigned vector, unsigned source)
{
    struct x86_event e = {(uint8_t)vector, (uint8_t)source, false, 0,
                          x86_eip(g)};

    if (log_on(g->core.env.log, LOG_INT))
        log_event(g, &e);
    if (!x86_enter_handler(g, &e) || g->core.pending_exception)
        x86_deliver(&g->core);
    g->core.trapped_at = UINT64_MAX;
}

/* -------------------------------------------------------------- interrupts */

#define LINE(name) (1u << X86_LINE_##name)

void x86_input(struct cpu *c, unsigned line, bool level)
{
    struct x86_cpu *g = x86(c);
    const unsigned bit = 1u << (line & 7); /* SIPI's vector is above */
    const unsigned before = level ? atomic_fetch_or(&g->lines, bit)
                                  : atomic_fetch_and(&g->lines, ~bit);

    if ((before & bit) == (level ? bit : 0))
        return;
    if (level && bit == LINE(SIPI))
        atomic_store(&g->sipi_vector, line >> 8);
    if (level && bit != LINE(INTR) && bit != LINE(A20))
        atomic_fetch_or(&g->latched, bit);
    if (level || bit == LINE(A20))
        cpu_kick(c);
}

/* Events that this state of the processor lets in. */
static unsigned due(struct x86_cpu *g)
{
    unsigned latched = (unsigned)atomic_load(&g->latched);
    unsigned lines = (unsigned)atomic_load(&g->lines);
    unsigned out = 0;

    if (g->activity == X86_WAIT_SIPI)
        return latched & (LINE(SIPI) | LINE(INIT));
    if (!g->smm)
        out |= latched & (LINE(SMI) | LINE(INIT));
    if (!g->nmi_blocked)
        out |= latched & LINE(NMI);
    if ((g->eflags & FLAG_IF) && g->activity != X86_SHUTDOWN)
        out |= lines & LINE(INTR);
    return out;
}

bool x86_wakes(struct cpu *c)
{
    struct x86_cpu *g = x86(c);
    return due(g) != 0;
}

static bool take_latched(struct x86_cpu *g, unsigned bit)
{
    if (!(atomic_load_explicit(&g->latched, memory_order_relaxed) & bit))
        return false;
    return (atomic_fetch_and(&g->latched, ~(uint_fast32_t)bit) & bit) != 0;
}

/* false: it is gone. */
static bool take_interrupt(struct x86_cpu *g)
{
    const int vector = x86_acknowledge(&g->core);

    if (vector >= 0)
        deliver_event(g, (unsigned)vector, X86_TRAP);
    return vector >= 0;
}

static void take_sipi(struct x86_cpu *g)
{
    const unsigned vector = (unsigned)atomic_load(&g->sipi_vector);

    x86_load_real(g, SEG_CS, (uint16_t)(vector << 8));
    g->activity = X86_ACTIVE;
    g->core.halted = false;
    x86_settle(g);
    g->core.pc = g->cs_base;
}

/* Address lines: those that the processor has, and whether A20 passes. */
static void follow_a20(struct x86_cpu *g)
{
    const bool high =
        atomic_load_explicit(&g->lines, memory_order_relaxed) & LINE(A20);
    uint64_t mask = ((uint64_t)1 << g->phys_bits) - 1;

    if (!high && g->model >= X86_MODEL_80286)
        mask &= ~((uint64_t)1 << 20);
    if (mask == g->pa_mask)
        return;
    g->pa_mask = mask;
    x86_flush(g);
}

/* FERR#: an exception of x87 waits, and CR0.NE does not make it #MF. */
static void follow_ferr(struct x86_cpu *g)
{
    struct cpu *c = &g->core;

    if (x87_ferr(g) == g->ferr)
        return;
    g->ferr = !g->ferr;
    if (!c->wires.ferr.set)
        return;
    pthread_mutex_lock(memory_lock(c->env.memory));
    wire_set(&c->wires.ferr, g->ferr);
    pthread_mutex_unlock(memory_lock(c->env.memory));
}

/* The traps of the instruction before: T of a task, single step, data
 * breakpoints. */
static bool take_debug_trap(struct x86_cpu *g)
{
    if (g->step_armed) {
        g->step_armed = false;
        g->debug_traps |= 1 << 14; /* BS */
    }
    if (!g->debug_traps)
        return false;
    g->dr6 = (g->dr6 & ~(uint64_t)15) | g->debug_traps;
    g->debug_traps = 0;
    g->dr7 &= ~(uint64_t)0x2000;
    deliver_event(g, VECTOR_DB, X86_TRAP);
    return true;
}

/* One event, by priority, SDM table 3-6-2; true if there was one. */
static bool take_event(struct x86_cpu *g, bool shadow)
{
    const bool deep = shadow && g->shadow_debug;
    unsigned events;

    /* A trap in the shadow of MOV SS waits for the next instruction. */
    if ((g->step_armed || g->debug_traps) && !deep && take_debug_trap(g))
        return true;
    events = due(g);
    /* One that nobody waits for is lost. */
    if (g->activity != X86_WAIT_SIPI && !(events & LINE(INIT)))
        take_latched(g, LINE(SIPI));
    if (!events)
        return false;
    if (events & LINE(INIT)) {
        take_latched(g, LINE(INIT));
        x86_init_state(g);
        return true;
    }
    if (events & LINE(SIPI)) {
        take_latched(g, LINE(SIPI));
        take_sipi(g);
        return true;
    }
    if (events & LINE(SMI)) {
        take_latched(g, LINE(SMI));
        x86_enter_smm(g);
        return true;
    }
    if (shadow && (events & (LINE(NMI) | LINE(INTR)))) {
        g->core.step = true;
        return false;
    }
    if (events & LINE(NMI)) {
        take_latched(g, LINE(NMI));
        g->nmi_blocked = true;
        deliver_event(g, VECTOR_NMI, X86_TRAP);
        return true;
    }
    return take_interrupt(g);
}

bool x86_interrupt(struct cpu *c)
{
    struct x86_cpu *g = x86(c);
    bool shadow = c->icount == g->shadow_at;
    unsigned n = 0;

    c->step = false;
    follow_a20(g);
    follow_ferr(g);
    /* A step whose trap waits in a shadow is forgotten, as a processor does. */
    if (shadow && g->shadow_debug)
        g->step_armed = false;
    /* What else waits comes before the handler's first instruction; a line
     * that stays up does so for ever. */
    while (n < MAX_NESTED && take_event(g, shadow))
        n++;
    if (n == MAX_NESTED)
        c->step = true;
    if (g->eflags & FLAG_TF) {
        g->step_armed = true;
        c->step = true;
    }
    return n > 0;
}

/* ------------------------------------------------------------ instructions */

static bool software(struct x86_cpu *g, unsigned vector, uint64_t next,
                     unsigned source)
{
    const struct x86_event e = {(uint8_t)vector, (uint8_t)source, false, 0,
                                next};

    if (log_on(g->core.env.log, LOG_INT))
        log_event(g, &e);
    /* What RF kept from this instruction is over, SDM 3-18.3.1.1. */
    g->eflags &= ~(uint32_t)FLAG_RF;
    if (!x86_enter_handler(g, &e))
        return false;
    g->core.leave = true;
    g->core.scratch = g->core.pc;
    return true;
}

bool x86_int(struct cpu *c, uint8_t vector, uint64_t next)
{
    struct x86_cpu *g = x86(c);

    if (x86_v86(g)) {
        switch (x86_v86_int(g, vector, next)) {
        case X86_V86_DONE:
            return true;
        case X86_V86_FAULT:
            return false;
        default:
            break;
        }
    }
    return software(g, vector, next, X86_SOFTWARE);
}

/* INT3 and INTO do not ask for IOPL. */
bool x86_int3(struct cpu *c, uint64_t next)
{
    return software(x86(c), VECTOR_BP, next, X86_SOFTWARE);
}

bool x86_into(struct cpu *c, uint64_t next)
{
    struct x86_cpu *g = x86(c);

    if (x86_eflags(g) & 1 << 11)
        return software(g, VECTOR_OF, next, X86_SOFTWARE);
    c->scratch = (uint32_t)(g->cs_base + next);
    return true;
}

bool x86_icebp(struct cpu *c, uint64_t next)
{
    struct x86_cpu *g = x86(c);

    if (!software(g, VECTOR_DB, next, X86_TRAP))
        return false;
    /* What waited behind a MOV SS is the same exception. */
    if (g->debug_traps)
        g->dr6 = (g->dr6 & ~(uint64_t)15) | g->debug_traps;
    g->debug_traps = 0;
    g->dr7 &= ~(uint64_t)0x2000; /* GD */
    return true;
}

bool x86_hlt(struct cpu *c)
{
    struct x86_cpu *g = x86(c);

    if (!x86_privileged(c))
        return false;
    g->activity = X86_HLT;
    c->halted = true;
    c->leave = true;
    return true;
}
