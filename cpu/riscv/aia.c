/*
 * The hart's part of the Advanced Interrupt Architecture: Smaia and Ssaia.
 *
 * RISC-V Advanced Interrupt Architecture 1.0, cited as "aia": chapter 2 (the
 * CSRs), 3.8 and 3.9 (those of an IMSIC, which is reached through
 * cpu_wires.msi), 5 (priorities, interrupt filtering, virtual interrupts).
 *
 * Choices where the text leaves some: iprio bytes have 8 bits, and are there
 * for what can be enabled at their level, if that level has an IMSIC; else
 * they are read-only zeros and mtopi and stopi give priority 1.  mvien and
 * mvip have all the bits that they may have.
 * Missing: what the H extension adds.
 */
#include "cpu/riscv/riscv.h"
#include "riscv64_rows.h"

enum { IPRIO = 0x30, EIDELIVERY = 0x70, EIP = 0x80, SELECT_END = 0x100 };
#define TOPEI 0 /* as struct cpu_msi_file has it */

#define SSI MIP_BIT(IRQ_SSI)
#define STI MIP_BIT(IRQ_STI)
#define SEI MIP_BIT(IRQ_SEI)
#define LOCAL (UINT64_MAX << 13) /* interrupts 13 to 63 */

/* A level's registers: machine level or supervisor level. */
struct level {
    bool s;
    uint64_t select;
    uint8_t *iprio;
    const struct cpu_msi_file *msi;
    unsigned external;
};

static struct level level_of(struct riscv_cpu *g, bool s)
{
    return (struct level){
        .s = s,
        .select = s ? g->siselect : g->miselect,
        .iprio = s ? g->siprio : g->miprio,
        .msi = &g->core.wires.msi[s],
        .external = s ? IRQ_SEI : IRQ_MEI,
    };
}

static bool has_imsic(const struct level *l)
{
    return l->msi->read != NULL;
}

static uint32_t read_file(const struct level *l, unsigned reg)
{
    return l->msi->read(l->msi->owner, l->msi->file, reg);
}

static void write_file(const struct level *l, unsigned reg, uint32_t value)
{
    l->msi->write(l->msi->owner, l->msi->file, reg, value);
}

static unsigned xlen(const struct riscv_cpu *g)
{
    return g->features & RISCV_EXT_RV32 ? 32 : 64;
}

bool riscv_smaia(struct riscv_cpu *g, unsigned n)
{
    (void)n;
    return (g->features & RISCV_EXT_SMAIA) != 0;
}

bool riscv_ssaia(struct riscv_cpu *g, unsigned n)
{
    (void)n;
    return (g->features & RISCV_EXT_SSAIA) != 0;
}

/* ------------------------------------------- virtual interrupts, aia 5.3 */

/* Bits of sip and sie that come from mvip and are independent of mie. */
static uint64_t virtual_bits(const struct riscv_cpu *g)
{
    return g->mvien & ~g->mideleg;
}

void riscv_write_mvien(struct riscv_cpu *g, unsigned n, uint64_t v)
{
    (void)n;
    g->mvien = v & (LOCAL | SSI | SEI);
}

/* SEI is the software-writable bit of mip whatever mvien says, which only
 * takes it out of what mip reads; SSI and STI are aliases where they can. */
uint64_t riscv_read_mvip(struct riscv_cpu *g, unsigned n)
{
    uint64_t v = (g->mvip & LOCAL) | (g->mip_soft & SEI);

    (void)n;
    v |= (g->mvien & SSI ? g->mvip : riscv_mip(g)) & SSI;
    if (!(g->menvcfg & ENVCFG_STCE))
        v |= g->mip_soft & STI;
    return v;
}

void riscv_write_mvip(struct riscv_cpu *g, unsigned n, uint64_t v)
{
    uint64_t own = LOCAL | (g->mvien & SSI), alias = SEI | (~g->mvien & SSI);

    (void)n;
    if (!(g->menvcfg & ENVCFG_STCE))
        alias |= STI;
    g->mvip = (g->mvip & ~own) | (v & own);
    riscv_set_pending(g, alias, v);
}

uint64_t riscv_virtual_sip(struct riscv_cpu *g)
{
    return virtual_bits(g) & riscv_read_mvip(g, 0);
}

/* All but SEI, which is the controller's to clear. */
void riscv_write_virtual_sip(struct riscv_cpu *g, uint64_t v)
{
    uint64_t mask = virtual_bits(g) & (LOCAL | SSI);

    g->mvip = (g->mvip & ~mask) | (v & mask);
}

uint64_t riscv_virtual_sie(struct riscv_cpu *g)
{
    return virtual_bits(g) & g->vsie;
}

void riscv_write_virtual_sie(struct riscv_cpu *g, uint64_t v)
{
    uint64_t mask = virtual_bits(g);

    g->vsie = (g->vsie & ~mask) | (v & mask);
}

/* ------------------------------------------------- priorities, aia 5.1, 5.2 */

uint64_t riscv_pending(struct riscv_cpu *g, bool s)
{
    uint64_t pending = riscv_mip(g) & g->mie;

    if (!s)
        return pending & ~g->mideleg;
    pending &= g->mideleg;
    if (virtual_bits(g))
        pending |= riscv_virtual_sip(g) & riscv_virtual_sie(g);
    return pending;
}

/* The default order; those that it does not name come last, by number. */
static unsigned rank(unsigned irq)
{
    static const uint8_t order[] = {
        47, 23, 46, 45, 22, 44, 43, 21, 42, 41, 20, 40, /* local */
        11, 3,  7,  9,  1,  5,  12, 10, 2,  6,  13,     /* the hart's */
        39, 19, 38, 37, 18, 36, 35, 17, 34, 33, 16, 32, /* local */
    };
    unsigned n = 0;

    while (n < sizeof(order) && order[n] != irq)
        n++;
    return n < sizeof(order) ? n : n + irq;
}

#define LOWEST 4096u

/* The priority number, where 0 is above and LOWEST below all external
 * interrupts. */
static unsigned priority(const struct level *l, unsigned irq)
{
    if (irq == l->external) {
        unsigned top = read_file(l, TOPEI) >> 16;

        return top ? top : 256; /* not the controller's: aia 5.4.1 */
    }
    if (l->iprio[irq])
        return l->iprio[irq];
    return rank(irq) < rank(l->external) ? 0 : LOWEST;
}

/* The highest of `bits` at a level; under the device lock. */
static unsigned highest(const struct level *l, uint64_t bits)
{
    unsigned best = 64, best_priority = 0;

    for (; bits; bits &= bits - 1) {
        unsigned irq = (unsigned)__builtin_ctzll(bits);
        unsigned p = has_imsic(l) ? priority(l, irq) : 0;

        if (best < 64 && (p > best_priority ||
                          (p == best_priority && rank(irq) > rank(best))))
            continue;
        best = irq;
        best_priority = p;
    }
    return best;
}

unsigned riscv_highest(struct riscv_cpu *g, bool s, uint64_t bits)
{
    pthread_mutex_t *lock = memory_lock(g->core.env.memory);
    struct level l = level_of(g, s);
    unsigned irq;

    if (!has_imsic(&l) || !(bits & (bits - 1)))
        return highest(&(struct level){.msi = &(struct cpu_msi_file){0}}, bits);
    pthread_mutex_lock(lock);
    irq = highest(&l, bits);
    pthread_mutex_unlock(lock);
    return irq;
}

static uint64_t topi(struct riscv_cpu *g, bool s)
{
    struct level l = level_of(g, s);
    uint64_t bits = riscv_pending(g, s);
    unsigned irq, p = 1;

    if (!bits)
        return 0;
    irq = highest(&l, bits);
    if (has_imsic(&l))
        p = priority(&l, irq);
    return (uint64_t)irq << 16 | (p > 255 ? 255 : p);
}

uint64_t riscv_read_mtopi(struct riscv_cpu *g, unsigned n)
{
    (void)n;
    return topi(g, false);
}

uint64_t riscv_read_stopi(struct riscv_cpu *g, unsigned n)
{
    (void)n;
    return topi(g, true);
}

/* --------------------------------------- indirect registers, aia 2.1, 3.8 */

/* S mode is kept from its file while SEI is virtual, aia 5.3. */
static bool kept_away(const struct riscv_cpu *g, bool s)
{
    return s && g->priv == PRIV_S && (g->mvien & SEI);
}

static bool ireg_exists(struct riscv_cpu *g, bool s)
{
    struct level l = level_of(g, s);
    bool odd = l.select & 1 && xlen(g) == 64;

    if (l.select >= IPRIO && l.select < IPRIO + 16)
        return !odd;
    if (l.select < EIDELIVERY || l.select >= SELECT_END || !has_imsic(&l) ||
        kept_away(g, s))
        return false;
    return l.select < EIP || !odd;
}

/* iprio bytes that are there. */
static uint64_t iprio_bits(struct riscv_cpu *g, const struct level *l)
{
    uint64_t bits = riscv_mie_bits(g);

    if (!has_imsic(l))
        return 0;
    if (l->s)
        bits = (bits & (SSI | STI)) | LOCAL;
    return bits & ~MIP_BIT(l->external);
}

static uint64_t read_ireg(struct riscv_cpu *g, bool s)
{
    struct level l = level_of(g, s);
    unsigned reg = (unsigned)l.select;
    uint64_t v = 0;

    if (reg < EIDELIVERY) {
        const uint8_t *bytes = l.iprio + 4 * (reg - IPRIO);

        for (unsigned i = 0; i < xlen(g) / 8; i++)
            v |= (uint64_t)bytes[i] << 8 * i;
        return v;
    }
    v = read_file(&l, reg);
    if (reg >= EIP && xlen(g) == 64)
        v |= (uint64_t)read_file(&l, reg + 1) << 32;
    return v;
}

static void write_ireg(struct riscv_cpu *g, bool s, uint64_t v)
{
    struct level l = level_of(g, s);
    unsigned reg = (unsigned)l.select;

    if (reg < EIDELIVERY) {
        unsigned first = 4 * (reg - IPRIO);

        for (unsigned i = 0; i < xlen(g) / 8; i++)
            if (iprio_bits(g, &l) >> (first + i) & 1)
                l.iprio[first + i] = (uint8_t)(v >> 8 * i);
        return;
    }
    /* What does not fit is no legal value of eidelivery or eithreshold. */
    if (reg < EIP && v > UINT32_MAX)
        return;
    write_file(&l, reg, (uint32_t)v);
    if (reg >= EIP && xlen(g) == 64)
        write_file(&l, reg + 1, (uint32_t)(v >> 32));
}

bool riscv_mireg_on(struct riscv_cpu *g, unsigned n)
{
    return riscv_smaia(g, n) && ireg_exists(g, false);
}

bool riscv_sireg_on(struct riscv_cpu *g, unsigned n)
{
    return riscv_ssaia(g, n) && ireg_exists(g, true);
}

uint64_t riscv_read_mireg(struct riscv_cpu *g, unsigned n)
{
    (void)n;
    return read_ireg(g, false);
}

uint64_t riscv_read_sireg(struct riscv_cpu *g, unsigned n)
{
    (void)n;
    return read_ireg(g, true);
}

void riscv_write_mireg(struct riscv_cpu *g, unsigned n, uint64_t v)
{
    (void)n;
    write_ireg(g, false, v);
}

void riscv_write_sireg(struct riscv_cpu *g, unsigned n, uint64_t v)
{
    (void)n;
    write_ireg(g, true, v);
}

/* ----------------------------------------------------- *topei, aia 3.9 */

bool riscv_mtopei_on(struct riscv_cpu *g, unsigned n)
{
    return riscv_smaia(g, n) && g->core.wires.msi[0].read;
}

bool riscv_stopei_on(struct riscv_cpu *g, unsigned n)
{
    return riscv_ssaia(g, n) && g->core.wires.msi[1].read &&
           !kept_away(g, true);
}

static uint64_t read_topei(struct riscv_cpu *g, bool s)
{
    struct level l = level_of(g, s);

    return read_file(&l, TOPEI);
}

/* A write claims, whatever is written. */
static void claim(struct riscv_cpu *g, bool s)
{
    struct level l = level_of(g, s);

    write_file(&l, TOPEI, 0);
}

uint64_t riscv_read_mtopei(struct riscv_cpu *g, unsigned n)
{
    (void)n;
    return read_topei(g, false);
}

uint64_t riscv_read_stopei(struct riscv_cpu *g, unsigned n)
{
    (void)n;
    return read_topei(g, true);
}

void riscv_write_mtopei(struct riscv_cpu *g, unsigned n, uint64_t v)
{
    (void)n;
    (void)v;
    claim(g, false);
}

void riscv_write_stopei(struct riscv_cpu *g, unsigned n, uint64_t v)
{
    (void)n;
    (void)v;
    claim(g, true);
}
