/*
 * Ports: IN, OUT, INS, OUTS, and who may.
 *
 * SDM 1-19 (input/output): IOPL and the map in the task's state.
 */
#include "cpu/x86/x86_isa.h"

/* May this be accessed?  SDM 1-19.5. */
static bool permitted(struct x86_cpu *g, uint16_t port, unsigned size)
{
    uint64_t map, bits;

    if (!(g->cr0 & CR0_PE) || (!x86_v86(g) && g->cpl <= x86_iopl(g)))
        return true;
    if ((g->tr.access & 0x1d) != 9 || g->tr.limit < 0x67)
        return x86_fault(&g->core, VECTOR_GP, 0);
    if (!x86_system_load(g, g->tr.base + 0x66, 2, &map))
        return false;
    map += port / 8u;
    if (map + 1 > g->tr.limit)
        return x86_fault(&g->core, VECTOR_GP, 0);
    if (!x86_system_load(g, g->tr.base + map, 2, &bits))
        return false;
    if (bits >> (port & 7) & ((1u << size) - 1))
        return x86_fault(&g->core, VECTOR_GP, 0);
    return true;
}

/* Breakpoints of ports, SDM 3-18.2.4: CR4.DE and type 2. */
static void check_breakpoints(struct x86_cpu *g, uint16_t port, unsigned size)
{
    if (!(g->cr4 & CR4_DE) || !(g->dr7 & 0xff))
        return;
    for (unsigned n = 0; n < 4; n++) {
        const unsigned length = x86_watch_size(g, n);
        const uint64_t first = g->dr[n] & ~(uint64_t)(length - 1);

        if ((g->dr7 >> 2 * n & 3) && (g->dr7 >> (16 + 4 * n) & 3) == 2 &&
            port < first + length && first < port + size)
            x86_debug_trap(g, 1u << n);
    }
}

static bool port_read(struct x86_cpu *g, uint16_t port, unsigned size,
                      uint64_t *v)
{
    struct cpu *c = &g->core;

    *v = x86_mask(size);
    if (cpu_outside(c))
        return false;
    if (c->env.ports)
        memory_read_hinted(c->env.ports, &c->port_hint, port, size, v);
    check_breakpoints(g, port, size);
    cpu_notice_kick(c);
    return true;
}

static bool port_write(struct x86_cpu *g, uint16_t port, unsigned size,
                       uint64_t v)
{
    struct cpu *c = &g->core;

    if (cpu_outside(c))
        return false;
    if (c->env.ports)
        memory_write_hinted(c->env.ports, &c->port_hint, port, size, v);
    check_breakpoints(g, port, size);
    cpu_notice_kick(c);
    return true;
}

/* An operand of 64 bits is one of 32. */
static uint8_t width(uint8_t size)
{
    return size > 4 ? 4 : size;
}

bool x86_in(struct cpu *c, uint16_t port, uint8_t size)
{
    struct x86_cpu *g = x86(c);
    uint64_t v;

    size = width(size);
    if (!permitted(g, port, size) || !port_read(g, port, size, &v))
        return false;
    c->scratch = v;
    return true;
}

bool x86_out(struct cpu *c, uint16_t port, uint8_t size, uint64_t v)
{
    struct x86_cpu *g = x86(c);

    size = width(size);
    return permitted(g, port, size) &&
           port_write(g, port, size, v & x86_mask(size));
}

/* ------------------------------------------------------------- INS, OUTS */

/* Elements between two looks for interrupts. */
#define BURST 64

static uint64_t part(const struct x86_cpu *g, unsigned n, uint8_t addressing)
{
    return g->g[n] & x86_address_mask(addressing, g->addr_mask);
}

static void set_part(struct x86_cpu *g, unsigned n, uint8_t addressing,
                     uint64_t v)
{
    x86_put_masked(g->g, n, x86_address_mask(addressing, g->addr_mask), v);
}

/* One element in; what is stored is looked at before the port is. */
static bool ins(struct x86_cpu *g, uint8_t size, uint8_t addressing)
{
    struct cpu *c = &g->core;
    const uint64_t di = part(g, 7, addressing);
    uint64_t v, va;

    if (!x86_linear(c, SEG_ES, di, size, X86_WRITE))
        return false;
    va = c->scratch;
    if (!cpu_check_write(c, va, size) ||
        !port_read(g, (uint16_t)g->g[2], size, &v) ||
        !cpu_store(c, va, size, v))
        return false;
    set_part(g, 7, addressing, g->df ? di - size : di + size);
    return true;
}

static bool outs(struct x86_cpu *g, uint8_t size, uint8_t addressing)
{
    struct cpu *c = &g->core;
    const uint64_t si = part(g, 6, addressing);
    uint64_t v;

    if (!x86_linear(c, x86_segment(0, addressing), si, size, 0) ||
        !cpu_load(c, c->scratch, size, &v) ||
        !port_write(g, (uint16_t)g->g[2], size, v))
        return false;
    set_part(g, 6, addressing, g->df ? si - size : si + size);
    return true;
}

/* What is left of a repetition goes to scratch: the instruction is done again
 * until that is nothing.  One element at a time while it is stepped, or where
 * somebody waits. */
static bool repeat(struct cpu *c, uint8_t size, uint8_t addressing, bool rep,
                   bool (*one)(struct x86_cpu *, uint8_t, uint8_t))
{
    struct x86_cpu *g = x86(c);
    uint64_t left;

    size = width(size);
    if (!permitted(g, (uint16_t)g->g[2], size))
        return false;
    if (!rep) {
        if (!one(g, size, addressing))
            return false;
        c->scratch = 0;
        return true;
    }
    left = part(g, 1, addressing);
    for (unsigned n = 0; left && n < BURST; n++) {
        if (!one(g, size, addressing))
            return false;
        set_part(g, 1, addressing, --left);
        if (c->leave || c->step)
            break;
    }
    return x86_rep_left(g, left);
}

bool x86_ins(struct cpu *c, uint8_t size, uint8_t addressing, uint8_t rep)
{
    return repeat(c, size, addressing, rep, ins);
}

bool x86_outs(struct cpu *c, uint8_t size, uint8_t addressing, uint8_t rep)
{
    return repeat(c, size, addressing, rep, outs);
}
