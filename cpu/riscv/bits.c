/*
 * Bit manipulation that wants a loop: Zbc, Zbkc, Zbkx.
 *
 * The RISC-V Instruction Set Manual, Volume I 20240411, chapters "B" (28) and
 * "Scalar cryptography" (30).  Operands are of 64 bits; the rows of RV32
 * widen them.
 */
#include "cpu/riscv/riscv.h"

/* The product of polynomials over GF(2), of 127 bits. */
static uint64_t multiply(uint64_t a, uint64_t b, uint64_t *high)
{
    uint64_t lo = a & (0 - (b & 1)), hi = 0;

    for (b &= ~(uint64_t)1; b; b &= b - 1) {
        unsigned n = (unsigned)__builtin_ctzll(b);

        lo ^= a << n;
        hi ^= a >> (64 - n);
    }
    *high = hi;
    return lo;
}

void riscv_clmul(struct cpu *c, uint64_t a, uint64_t b)
{
    uint64_t high;

    c->scratch = multiply(a, b, &high);
}

void riscv_clmulh(struct cpu *c, uint64_t a, uint64_t b)
{
    multiply(a, b, &c->scratch);
}

void riscv_clmulr(struct cpu *c, uint64_t a, uint64_t b)
{
    uint64_t high, low = multiply(a, b, &high);

    c->scratch = high << 1 | low >> 63;
}

/* Piece i of the result is the piece of a that piece i of b names, or 0 if
 * a has none of that number. */
static uint64_t permute(uint64_t a, uint64_t b, unsigned bits)
{
    const uint64_t ones = ((uint64_t)1 << bits) - 1;
    uint64_t out = 0;

    for (unsigned at = 0; at < 64; at += bits) {
        uint64_t from = (b >> at & ones) * bits;

        if (from < 64)
            out |= (a >> from & ones) << at;
    }
    return out;
}

void riscv_xperm4(struct cpu *c, uint64_t a, uint64_t b)
{
    c->scratch = permute(a, b, 4);
}

void riscv_xperm8(struct cpu *c, uint64_t a, uint64_t b)
{
    c->scratch = permute(a, b, 8);
}
