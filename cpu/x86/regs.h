/*
 * Registers and addresses, as the code generated from an x86 .isa file wants
 * them.  g is the register file: X86_GPRS values of 64 bits.
 */
#ifndef CPU_X86_REGS_H
#define CPU_X86_REGS_H

#include <string.h>

#include "cpu/x86/decode.h"

/* Narrow views of a register lie at its end on a big-endian host. */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define X86_FLIP8 7u
#define X86_AT16 6u
#else
#define X86_FLIP8 0u
#define X86_AT16 0u
#endif

/* at: offset in bytes, see byte registers in decode.h. */
static inline uint8_t x86_get8(const uint64_t *g, unsigned at)
{
    return ((const uint8_t *)g)[at ^ X86_FLIP8];
}

static inline void x86_put8(uint64_t *g, unsigned at, uint8_t v)
{
    ((uint8_t *)g)[at ^ X86_FLIP8] = v;
}

static inline void x86_put16(uint64_t *g, unsigned n, uint16_t v)
{
    memcpy((uint8_t *)&g[n] + X86_AT16, &v, sizeof(v));
}

/* The low half of the mask's width: 16 bits leave the rest, 32 clear it. */
static inline void x86_put_masked(uint64_t *g, unsigned n, uint64_t mask,
                                  uint64_t v)
{
    if (mask == 0xffff)
        x86_put16(g, n, (uint16_t)v);
    else
        g[n] = v & mask;
}

static inline uint64_t x86_address_mask(unsigned d, uint64_t mode_mask)
{
    switch (d >> X86_D_SIZE & 3) {
    case 0:
        return mode_mask;
    case 1:
        return 0xffff;
    case 2:
        return 0xffffffff;
    default:
        return UINT64_MAX;
    }
}

/* Offset of a record's memory operand in its segment. */
static inline uint64_t x86_ea(const struct cpu *c, const uint64_t *g,
                              const struct rec *r, uint64_t mode_mask)
{
    uint64_t ea = g[r->b] + (g[r->c] << (r->d & 3)) + (uint64_t)(int64_t)r->imm;

    if (r->d & X86_D_EXTRA)
        ea += c->extra;
    return ea & x86_address_mask(r->d, mode_mask);
}

/* SDM 3.7.4: the override, or SS for a base of SP or BP, else DS. */
static inline uint8_t x86_segment(unsigned b, unsigned d)
{
    unsigned segment = d >> X86_D_SEGMENT & 7;

    if (segment)
        return (uint8_t)(segment - 1);
    return b == 4 || b == 5 ? SEG_SS : SEG_DS;
}

/* Linear address of the instruction of record r. */
static inline uint64_t x86_here(const struct cpu *c, const struct rec *r)
{
    int32_t offset, count;

    block_position(r, &offset, &count);
    return c->page + (uint64_t)(int64_t)offset;
}

#endif
