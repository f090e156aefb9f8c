/*
 * Repeated string instructions.
 *
 * Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2,
 * REP.  Registers are right after each element, so that any of them may
 * fault; every so many elements the run loop may look for interrupts.
 */
#include "cpu/x86/x86_isa.h"

#define BURST 16

static uint64_t address_part(const struct x86_cpu *g, unsigned n,
                             uint8_t addressing)
{
    return g->g[n] & x86_address_mask(addressing, g->addr_mask);
}

static void set_address_part(struct x86_cpu *g, unsigned n, uint8_t addressing,
                             uint64_t v)
{
    x86_put_masked(g->g, n, x86_address_mask(addressing, g->addr_mask), v);
}

bool x86_rep_movs(struct cpu *c, uint8_t size, uint8_t addressing)
{
    struct x86_cpu *g = x86(c);
    uint64_t step = g->df ? 0 - (uint64_t)size : size;
    uint64_t left = address_part(g, 1, addressing), v;

    for (unsigned n = 0; left && n < BURST; n++) {
        if (!x86_linear(c, x86_segment(0, addressing),
                        address_part(g, 6, addressing), size, 0) ||
            !cpu_load(c, c->scratch, size, &v) ||
            !x86_linear(c, SEG_ES, address_part(g, 7, addressing), size,
                        X86_WRITE) ||
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
