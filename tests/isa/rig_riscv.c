/*
 * RISC-V for rig.h: random harts, and the address spaces that they are in.
 *
 * RAM, at 0x80000000: two pages of code, the vector, five page tables
 * (0x3000 Sv39's root, 0x4000, 0x5000, above the root 0x6000 for Sv48 and
 * 0x7000 for Sv57), data from 0x8000; then a page of ROM, then nothing.
 * Under each of them the same is seen four times: where it is, at
 * 0xffffffc000000000, through a superpage of 2 MiB at 0x80200000, and
 * through one of 1 GiB at 0xc0000000.  Under Sv32 thrice: where it is, at
 * 0x40000000, and through a superpage of 4 MiB at 0xc0000000.
 */
#include <stdlib.h>

#include "cpu/riscv/riscv.h"
#include "riscv32_gen.h"
#include "riscv64_gen.h"
#include "riscv64_rows.h"
#include "tests/isa/rig.h"

#define BASE 0x80000000u
#define ROOT RIG_TABLES
#define MIDDLE 0x4000u
#define LEAVES 0x5000u
#define ROOT48 0x6000u
#define ROOT57 0x7000u

enum {
    V = 1 << 0,
    R = 1 << 1,
    W = 1 << 2,
    X = 1 << 3,
    U = 1 << 4,
    G = 1 << 5,
    A = 1 << 6,
    D = 1 << 7,
};
#define N ((uint64_t)1 << 63)

struct world {
    bool user;      /* code is U's, not S's */
    uint64_t satp;  /* without ASID; 0: nothing is translated */
    uint64_t menvcfg; /* what of it matters to translation */
    bool lower;     /* S and U modes may be in it */
    uint8_t pmpcfg[PMP_ENTRIES];
    uint64_t pmpaddr[PMP_ENTRIES];
    uint16_t csrs[4096]; /* numbers that exist */
    unsigned n_csrs;
};

static struct world *world_of(const struct rig *r)
{
    return r->world;
}

static bool is_rv32(const struct rig *r)
{
    return r->guest->cls->xlen == 32;
}

/* As much of v as a register holds. */
static uint64_t cut(const struct rig *r, uint64_t v)
{
    return is_rv32(r) ? (uint32_t)v : v;
}

static uint64_t edgy(struct rig *r)
{
    return cut(r, rig_edgy(&r->random));
}

/* What mstatus says of the widths. */
static uint64_t widths(const struct rig *r)
{
    return is_rv32(r) ? 0 : (uint64_t)2 << 32 | (uint64_t)2 << 34;
}

/* The highest value of pmpaddr. */
static uint64_t pmp_top(const struct rig *r)
{
    return is_rv32(r) ? UINT32_MAX : ((uint64_t)1 << 54) - 1;
}

/* Where code and data are seen a second time. */
static uint64_t second_view(const struct rig *r)
{
    return is_rv32(r) ? 0x40000000 : UINT64_C(0xffffffc000000000);
}

/* ---------------------------------------------------------- address space */

static void prepare(struct rig *r)
{
    struct world *w = calloc(1, sizeof(*w));

    if (!w)
        abort();
    r->world = w;
    /* Both ways of floating point: what is not compared may differ. */
    riscv(r->b.c)->fp.soft = 1;
    st_le32(r->pristine + RIG_VECTOR, 0x0000006f); /* jal x0, 0 */
    for (unsigned n = 0; n < 4096; n++)
        if (riscv_csr_name(n) || (n >= 0x3a0 && n <= 0x3bf) ||
            (n & 0x7c0) == 0x300 || (n & 0xfe0) == 0xb00 ||
            (n & 0xfe0) == 0xc00)
            w->csrs[w->n_csrs++] = (uint16_t)n;
}

static uint64_t pte(uint64_t pa, unsigned flags)
{
    return pa >> PAGE_BITS << 10 | flags;
}

static void set_entry(struct rig *r, uint32_t table, unsigned n, uint64_t e)
{
    if (is_rv32(r))
        st_le32(r->pristine + table + n * 4, (uint32_t)e);
    else
        st_le64(r->pristine + table + n * 8, e);
}

/* Flags of a page of data: whole rights, or any. */
static unsigned data_flags(struct rig *r, bool user)
{
    unsigned whole = V | R | W | X | A | D | (user ? U : 0u);
    uint64_t v = rig_random(&r->random);

    switch (rig_below(&r->random, 4)) {
    case 0:
        return (unsigned)v & 0xff;
    case 1:
        return whole & ~(1u << (v & 7));
    case 2:
        return whole & ~(unsigned)(A | D);
    default:
        return whole;
    }
}

/* A page of data: by a page of its own or by one of 64 KiB, which are all of
 * RAM, as one type of memory or another; seldom something reserved. */
static uint64_t data_entry(struct rig *r, unsigned n, unsigned flags)
{
    uint64_t e = pte(BASE + n * PAGE_SIZE, flags);

    if (is_rv32(r)) /* has none of these */
        return e;
    if (rig_chance(&r->random, 2) && n < RIG_RAM_SIZE / PAGE_SIZE)
        e = pte(BASE | 8 * PAGE_SIZE, flags) | N;
    if (rig_chance(&r->random, 2))
        e |= rig_below(&r->random, 4) << 61;
    if (rig_chance(&r->random, 1))
        e ^= (uint64_t)1 << (54 + rig_below(&r->random, 9));
    return e;
}

static void upper_tables(struct rig *r, const struct world *w)
{
    for (unsigned n = 0; n < 512; n += 511) {
        set_entry(r, ROOT57, n, pte(BASE + ROOT48, V));
        set_entry(r, ROOT48, n, pte(BASE + ROOT, V));
    }
    set_entry(r, ROOT, 2, pte(BASE + MIDDLE, V));
    set_entry(r, ROOT, 256, pte(BASE + MIDDLE, V));
    set_entry(r, ROOT, 3, pte(BASE, data_flags(r, w->user)));
    set_entry(r, ROOT, 4, pte(BASE + PAGE_SIZE, V | R | W | A | D));
    set_entry(r, MIDDLE, 0, pte(BASE + LEAVES, V));
    set_entry(r, MIDDLE, 1, pte(BASE, data_flags(r, w->user)));
}

static void make_tables(struct rig *r, const struct world *w)
{
    unsigned user = w->user ? U : 0;

    memset(r->pristine + ROOT, 0, 5 * PAGE_SIZE);
    if (is_rv32(r)) {
        set_entry(r, ROOT, 512, pte(BASE + LEAVES, V));
        set_entry(r, ROOT, 256, pte(BASE + LEAVES, V));
        set_entry(r, ROOT, 768, pte(BASE, data_flags(r, w->user)));
        set_entry(r, ROOT, 769, pte(BASE + PAGE_SIZE, V | R | W | A | D));
    } else {
        upper_tables(r, w);
    }
    for (unsigned n = 0; n <= (RIG_RAM_SIZE + RIG_ROM_SIZE) / PAGE_SIZE; n++) {
        unsigned flags = V | R | W | A | D;

        if (n < RIG_VECTOR / PAGE_SIZE)
            flags = V | R | W | X | A | D | user;
        else if (n == RIG_VECTOR / PAGE_SIZE)
            flags = V | R | X | A | D;
        else if (n >= RIG_DATA / PAGE_SIZE)
            flags = data_flags(r, w->user ^ rig_chance(&r->random, 2));
        if (rig_chance(&r->random, 2))
            flags |= G;
        set_entry(r, LEAVES, n,
                  n >= RIG_DATA / PAGE_SIZE
                      ? data_entry(r, n, flags)
                      : pte(BASE + n * PAGE_SIZE, flags));
    }
}

static uint64_t any_satp(struct rig *r)
{
    static const uint32_t roots[] = {ROOT, ROOT48, ROOT57};
    uint64_t n = rig_below(&r->random, 3);

    if (is_rv32(r))
        return 1u << 31 | (BASE + ROOT) >> PAGE_BITS;
    return (8 + n) << 60 | (BASE + roots[n]) >> PAGE_BITS;
}

/* Entry 0 lets all of the code through, 15 everything; those between take
 * rights away from some data. */
static void make_pmp(struct rig *r, struct world *w)
{
    memset(w->pmpcfg, 0, sizeof(w->pmpcfg));
    memset(w->pmpaddr, 0, sizeof(w->pmpaddr));
    if (!w->lower && rig_chance(&r->random, 12))
        return;
    w->pmpcfg[0] = 0x1f | (rig_chance(&r->random, 4) ? 0x80 : 0);
    w->pmpaddr[0] = BASE >> 2 | 0xfff;
    w->pmpcfg[15] = 0x1f;
    w->pmpaddr[15] = pmp_top(r);
    for (unsigned n = 1; n < 5; n++) {
        uint64_t at = BASE + RIG_DATA + rig_below(&r->random, RIG_DATA);
        uint64_t v = rig_random(&r->random);
        uint8_t cfg = (uint8_t)(v & 0x87);

        if (rig_chance(&r->random, 8))
            continue;
        if ((cfg & 3) == 2) /* W without R is reserved */
            cfg |= 1;
        w->pmpcfg[n] = (uint8_t)(cfg | (v >> 8 & 0x18));
        w->pmpaddr[n] = at >> 2;
        if (rig_chance(&r->random, 8)) /* a page, or some of them */
            w->pmpaddr[n] |= ((uint64_t)1 << (8 + (v >> 16 & 3))) - 1;
    }
}

static void make_world(struct rig *r)
{
    struct world *w = world_of(r);

    w->lower = rig_chance(&r->random, 10);
    w->user = rig_chance(&r->random, 8);
    w->satp = rig_chance(&r->random, 12) ? any_satp(r) : 0;
    w->menvcfg = rig_random(&r->random) &
                 (ENVCFG_ADUE | (is_rv32(r) ? 0 : ENVCFG_PBMTE));
    make_tables(r, w);
    make_pmp(r, w);
}

static uint64_t address(struct rig *r)
{
    const uint64_t bases[] = {BASE, 0xc0000000u, 0x80200000u,
                              second_view(r)};
    const struct riscv_cpu *g = riscv(r->a.c);
    uint64_t base = BASE, page, offset;
    bool translates =
        g->satp && (g->priv != PRIV_M || (g->mstatus & MSTATUS_MPRV));

    if (rig_chance(&r->random, 1))
        return edgy(r);
    if (translates ? rig_chance(&r->random, 10) : rig_chance(&r->random, 1))
        base = bases[rig_below(&r->random, 4)];
    /* Data, ROM, and what lies behind; seldom code.  Not the vector, which
     * must stay, nor the tables: the walk itself writes there. */
    page = RIG_DATA / PAGE_SIZE + rig_below(&r->random, 10);
    if (rig_chance(&r->random, 1))
        page = RIG_CODE / PAGE_SIZE;
    switch (rig_below(&r->random, 4)) {
    case 0: /* about the end of a page */
        offset = PAGE_SIZE - 10 + rig_below(&r->random, 14);
        break;
    case 1: /* any alignment */
        offset = rig_below(&r->random, PAGE_SIZE);
        break;
    default:
        offset = 8 * rig_below(&r->random, PAGE_SIZE / 8);
    }
    return base + page * PAGE_SIZE + offset;
}

/* ------------------------------------------------------------------ states */

/* Bits of a number with `exp` bits of exponent and `man` of mantissa. */
static uint64_t float_edge(struct rig *r, unsigned exp, unsigned man)
{
    uint64_t v = rig_random(&r->random), e, m;
    uint64_t top = ((uint64_t)1 << exp) - 1, bias = top >> 1;
    uint64_t ones = ((uint64_t)1 << man) - 1;

    switch (v >> 8 & 7) {
    case 0: /* zero and subnormal */
        e = 0;
        break;
    case 1: /* infinity and NaN */
        e = top;
        break;
    case 2: /* where integers end */
        e = bias + 28 + (v >> 16) % 40;
        break;
    case 3: /* the ends of the range */
        e = v >> 16 & 1 ? 1 + (v >> 17 & 3) : top - 1 - (v >> 17 & 3);
        break;
    case 4: /* about one */
        e = bias - 2 + (v >> 16) % 5;
        break;
    default:
        e = (v >> 16) % (top + 1);
    }
    switch (v >> 32 & 7) {
    case 0:
    case 1:
        m = 0;
        break;
    case 2:
        m = ones;
        break;
    case 3:
        m = (uint64_t)1 << (man - 1); /* a quiet NaN; a half */
        break;
    case 4:
        m = (v >> 40 & 1) + ((uint64_t)1 << (v >> 41) % man);
        break;
    default:
        m = rig_random(&r->random);
    }
    return (v & 1) << (exp + man) | (e & top) << man | (m & ones);
}

static void float_registers(struct rig *r, struct riscv_cpu *g)
{
    const uint64_t box = (uint64_t)UINT32_MAX << 32;

    for (unsigned i = 0; i < 32; i++)
        switch (rig_below(&r->random, 8)) {
        case 0:
            g->f[i] = rig_random(&r->random);
            break;
        case 1: /* as another, or near it */
            g->f[i] =
                g->f[rig_below(&r->random, 32)] + rig_below(&r->random, 3) - 1;
            break;
        case 2:
        case 3:
        case 4:
            g->f[i] = box | float_edge(r, 8, 23);
            break;
        default:
            g->f[i] = float_edge(r, 11, 52);
        }
}

static void status(struct rig *r, struct riscv_cpu *g)
{
    static const uint8_t mpp[] = {PRIV_U, PRIV_S, PRIV_M, PRIV_M};
    uint64_t v = rig_random(&r->random);

    g->mstatus = widths(r);
    g->mstatus |= v & (MSTATUS_SIE | MSTATUS_MIE | MSTATUS_SPIE | MSTATUS_MPIE |
                       MSTATUS_SPP | MSTATUS_SUM | MSTATUS_MXR);
    g->mstatus |= (uint64_t)mpp[v >> 60 & 3] << 11;
    if (rig_chance(&r->random, 4))
        g->mstatus |= MSTATUS_MPRV;
    if (rig_chance(&r->random, 4))
        g->mstatus |= v & (MSTATUS_TVM | MSTATUS_TW | MSTATUS_TSR);
    g->fs = rig_chance(&r->random, 1) ? 0 : (uint8_t)(1 + (v >> 50) % 3);
    g->mie = rig_random(&r->random) & 0xaaa;
    g->mip_soft = rig_random(&r->random) & 0x222;
    /* No interrupt is to come before the instruction. */
    if (g->priv != PRIV_M || (g->mstatus & MSTATUS_MIE))
        g->mip_soft &= ~g->mie;
}

static void traps(struct rig *r, struct riscv_cpu *g)
{
    g->medeleg = rig_random(&r->random) & 0xb3ff;
    g->mideleg = rig_random(&r->random) & 0x222;
    g->mtvec = g->stvec = BASE + RIG_VECTOR;
    g->mscratch = edgy(r);
    g->sscratch = edgy(r);
    g->mepc = edgy(r) & ~(uint64_t)(r->guest->align - 1);
    g->sepc = edgy(r) & ~(uint64_t)(r->guest->align - 1);
    g->mcause = edgy(r);
    g->scause = edgy(r);
    g->mtval = edgy(r);
    g->stval = edgy(r);
    g->cause = 0;
    g->tval = 0;
}

static void counters(struct rig *r, struct riscv_cpu *g)
{
    /* CBIE is 0 or 1 */
    const uint64_t envcfg =
        ENVCFG_FIOM | ENVCFG_CBCFE | ENVCFG_CBZE | (uint64_t)1 << 4;

    g->stimecmp = rig_edgy(&r->random);
    g->menvcfg = rig_random(&r->random) & (ENVCFG_STCE | envcfg);
    g->menvcfg |= world_of(r)->menvcfg;
    g->senvcfg = rig_random(&r->random) & envcfg;
    g->mcounteren = (uint32_t)rig_random(&r->random);
    g->scounteren = (uint32_t)rig_random(&r->random);
    g->mcountinhibit = rig_random(&r->random) & 0xd;
    g->counter[COUNTER_CYCLE] = rig_edgy(&r->random);
    g->counter[COUNTER_INSTRET] = rig_edgy(&r->random);
    g->counter[COUNTER_FIRST] = rig_edgy(&r->random);
    g->mhpmevent[COUNTER_FIRST] =
        rig_below(&r->random, 3) | (rig_random(&r->random) & (uint64_t)15 << 60);
    riscv_counters_reset(g);
}

static void state(struct rig *r)
{
    const struct world *w = world_of(r);
    struct cpu *c = r->a.c;
    struct riscv_cpu *g = riscv(c);

    c->halted = c->pending_exception = false;
    for (unsigned i = 1; i < 32; i++)
        g->x[i] = rig_chance(&r->random, 2)
                      ? cut(r, g->x[rig_below(&r->random, 32)] +
                                   rig_below(&r->random, 3) - 1)
                      : edgy(r);
    g->x[32] = 0;
    float_registers(r, g);
    g->priv = PRIV_M;
    if (w->lower && rig_chance(&r->random, 12))
        g->priv = w->user ? PRIV_U : PRIV_S;
    g->frm = (uint8_t)rig_below(&r->random, rig_chance(&r->random, 2) ? 8 : 5);
    g->fp.flags = (uint8_t)rig_below(&r->random, 32);
    if (rig_chance(&r->random, 8))
        g->fp.flags = 0;
    g->fp.round = (uint8_t)rig_below(&r->random, 5);
    status(r, g);
    traps(r, g);
    counters(r, g);
    g->satp = w->satp;
    if (w->satp)
        g->satp |= rig_below(&r->random, 3) << (is_rv32(r) ? 22 : 44);
    if (memcmp(g->pmpcfg, w->pmpcfg, sizeof(g->pmpcfg)) ||
        memcmp(g->pmpaddr, w->pmpaddr, sizeof(g->pmpaddr))) {
        memcpy(g->pmpcfg, w->pmpcfg, sizeof(g->pmpcfg));
        memcpy(g->pmpaddr, w->pmpaddr, sizeof(g->pmpaddr));
        riscv_pmp_changed(g);
    }
    g->reservation = UINT64_MAX;
    c->pc = BASE + r->code_at;
    if (g->priv != PRIV_M && g->satp && rig_chance(&r->random, 8))
        c->pc = second_view(r) + r->code_at;
}

/* M mode, nothing translated, all allowed, fp on and clean. */
static void plain(struct rig *r)
{
    struct cpu *c = r->a.c;
    struct riscv_cpu *g = riscv(c);

    state(r);
    g->priv = PRIV_M;
    g->mstatus = widths(r);
    g->fs = 3;
    g->frm = g->fp.flags = 0;
    g->satp = g->medeleg = g->mideleg = g->mie = g->mip_soft = 0;
    g->menvcfg = g->senvcfg = g->mcountinhibit = 0;
    memset(g->counter, 0, sizeof(g->counter));
    memset(g->mhpmevent, 0, sizeof(g->mhpmevent));
    riscv_counters_reset(g);
    memset(g->pmpcfg, 0, sizeof(g->pmpcfg));
    memset(g->pmpaddr, 0, sizeof(g->pmpaddr));
    g->pmpcfg[0] = 0x1f;
    g->pmpaddr[0] = pmp_top(r);
    riscv_pmp_changed(g);
    c->pc = BASE + r->code_at;
}

static void scatter(struct rig *r)
{
    struct riscv_cpu *g = riscv(r->a.c);

    for (unsigned i = 1; i < 32; i++)
        switch (rig_below(&r->random, 6)) {
        case 0:
        case 1:
        case 2:
            g->x[i] = address(r);
            break;
        case 3:
            g->x[i] = 0;
            break;
        case 4:
            g->x[i] = cut(r, UINT64_MAX);
            break;
        default:
            g->x[i] = rig_below(&r->random, 16);
        }
}

static uint32_t encode(struct rig *r, const struct isa_encoding *e)
{
    uint32_t bits = e->value | ((uint32_t)rig_random(&r->random) & ~e->mask);
    const uint32_t rd = 0x1fu << 7, rs1 = 0x1fu << 15, rs2 = 0x1fu << 20;
    const struct world *w = world_of(r);

    if (e->width == 16)
        return bits & 0xffff;
    if ((bits & 0x7f) == 0x73 && (bits >> 12 & 3) && !(e->mask >> 20) &&
        rig_chance(&r->random, 14))
        bits = (bits & 0xfffff) |
               (uint32_t)w->csrs[rig_below(&r->random, w->n_csrs)] << 20;
    /* Operands that are one register. */
    if (!(e->mask & (rs1 | rs2)) && rig_chance(&r->random, 1))
        bits = (bits & ~rs2) | (bits & rs1) << 5;
    if (!(e->mask & (rs1 | rd)) && rig_chance(&r->random, 1))
        bits = (bits & ~rd) | (bits & rs1) >> 8;
    return bits;
}

/* ------------------------------------------------------- copy and compare */

/* What is a guest's lies between these members. */
#define FIRST offsetof(struct riscv_cpu, x)
#define LAST offsetof(struct riscv_cpu, lines)

static void copy(struct cpu *to, const struct cpu *from)
{
    struct riscv_cpu *g = riscv(to);
    const struct riscv_cpu *h = (const struct riscv_cpu *)from;
    bool pmp = memcmp(g->pmpcfg, h->pmpcfg, sizeof(g->pmpcfg)) ||
               memcmp(g->pmpaddr, h->pmpaddr, sizeof(g->pmpaddr));
    uint8_t soft = g->fp.soft;

    memcpy((char *)to + FIRST, (const char *)from + FIRST, LAST - FIRST);
    g->fp.soft = soft;
    to->notice_at = from->notice_at;
    cpu_watch_end(to);
    if (from->data_context == TLB_WATCHED)
        cpu_watch(to); /* a reservation is good */
    if (pmp && to->class)
        riscv_pmp_changed(g);
}

static bool part_same(const struct cpu *a, const struct cpu *b, size_t first,
                      size_t last)
{
    return !memcmp((const char *)a + first, (const char *)b + first,
                   last - first);
}

/* Reservations are host addresses; fp.soft differs on purpose. */
static bool same(const struct cpu *a, const struct cpu *b)
{
    const struct riscv_cpu *g = (const struct riscv_cpu *)a;
    const struct riscv_cpu *h = (const struct riscv_cpu *)b;

    return a->halted == b->halted &&
           part_same(a, b, FIRST, offsetof(struct riscv_cpu, fp)) &&
           g->fp.round == h->fp.round && g->fp.flags == h->fp.flags &&
           part_same(a, b, offsetof(struct riscv_cpu, frm),
                     offsetof(struct riscv_cpu, reservation)) &&
           part_same(a, b, offsetof(struct riscv_cpu, cause), LAST);
}

/* x[32] takes what is written to x0; round is the last operation's; counters
 * that overflowed are noted between slices. */
static void tidy(struct cpu *c)
{
    riscv_counters_overflow(riscv(c), c->icount);
    riscv(c)->x[32] = 0;
    riscv(c)->fp.round = 0;
}

static void settle(struct cpu *c, bool flush)
{
    struct riscv_cpu *g = riscv(c);

    bool watched = cpu_watch_end(c);

    if (flush)
        riscv_forget_contexts(g, -1);
    riscv_update_contexts(g);
    if (watched)
        cpu_watch(c);
}

/* LR in front of an SC: on the same place, a near one, or none. */
static void reserve(struct rig *r, struct cpu *c, uint64_t at, bool wide,
                    bool changed)
{
    struct riscv_cpu *g = riscv(c);
    bool done = wide ? riscv_lr_d(c, at) : riscv_lr_w(c, at);

    (void)r;
    if (done && changed)
        g->reserved_value ^= 1;
    c->pending_exception = false;
    g->cause = g->tval = 0;
}

static void prelude(struct rig *r, const struct insn *i, uint64_t at)
{
    const char *name = r->guest->cls->isa->rows[i->row].name;
    bool wide, changed;

    if (!strncmp(name, "wrs.", 4) && rig_chance(&r->random, 8)) {
        reserve(r, r->a.c, BASE + RIG_DATA, false, false);
        reserve(r, r->b.c, BASE + RIG_DATA, false, false);
    }
    if (!r->has_address || strncmp(name, "sc.", 3) || rig_chance(&r->random, 3))
        return;
    wide = (name[3] == 'd') ^ rig_chance(&r->random, 1);
    changed = rig_chance(&r->random, 2);
    if (rig_chance(&r->random, 2))
        at += 8;
    reserve(r, r->a.c, at, wide, changed);
    reserve(r, r->b.c, at, wide, changed);
}

static bool always_traps(const char *name)
{
    return !strcmp(name, "ecall") || !strcmp(name, "ebreak") ||
           !strcmp(name, "c.ebreak") || !strcmp(name, "jal/odd");
}

/* --------------------------------------------------------------- examples */

static int csr_number(const char *name)
{
    for (unsigned n = 0; n < 4096; n++) {
        const char *have = riscv_csr_name(n);

        if (have && !strcmp(have, name))
            return (int)n;
    }
    return -1;
}

static bool set(struct cpu *c, const char *name, uint64_t value)
{
    struct riscv_cpu *g = riscv(c);
    uint8_t priv = g->priv;
    int n = csr_number(name);
    bool done;

    if (!strcmp(name, "priv")) {
        g->priv = (uint8_t)value;
        return value == PRIV_U || value == PRIV_S || value == PRIV_M;
    }
    if (!strcmp(name, "trap") || !strcmp(name, "tval")) {
        *(*name == 't' && name[1] == 'r' ? &g->cause : &g->tval) =
            isa_address(c, value);
        return true;
    }
    if (!strcmp(name, "halted")) {
        c->halted = value;
        return true;
    }
    /* A reservation, as that instruction makes one. */
    if (!strcmp(name, "lr.w") || !strcmp(name, "lr.d"))
        return name[3] == 'w' ? riscv_lr_w(c, value) : riscv_lr_d(c, value);
    if (n < 0)
        return false;
    g->priv = PRIV_M;
    done = riscv_csr_write(c, (uint32_t)n, value);
    g->priv = priv;
    c->pending_exception = false;
    return done;
}

static bool get(struct cpu *c, const char *name, uint64_t *value)
{
    struct riscv_cpu *g = riscv(c);
    uint8_t priv = g->priv;
    bool pending = c->pending_exception, done;
    int n = csr_number(name);

    if (!strcmp(name, "priv") || !strcmp(name, "trap") ||
        !strcmp(name, "tval")) {
        *value = *name == 'p' ? g->priv : name[1] == 'r' ? g->cause : g->tval;
        return true;
    }
    if (n < 0)
        return false;
    g->priv = PRIV_M;
    done = riscv_csr_read(c, (uint32_t)n);
    *value = c->scratch;
    g->priv = priv;
    c->pending_exception = pending;
    return done;
}

#define GUEST(width)                                                         \
    .cls = &riscv##width##_class, .encodings = riscv##width##_encodings,     \
    .examples = riscv##width##_examples,                                     \
    .registers = riscv##width##_registers, .ir = &riscv##width##_ir_guest,   \
    .ram_base = BASE,                                                        \
    .walker_bits = (A | D) * (width == 32 ? UINT64_C(0x100000001) : 1),      \
    .prepare = prepare, .world = make_world, .state = state,                 \
    .address = address, .scatter = scatter, .encode = encode, .copy = copy,  \
    .same = same, .tidy = tidy, .settle = settle, .prelude = prelude,        \
    .always_traps = always_traps, .plain = plain, .set = set, .get = get

#define OTHERS (~(uint64_t)(RISCV_EXT_IALIGN32 | RISCV_EXT_C |           \
                            RISCV_EXT_RV32 | RISCV_EXT_RV64))
#define JUMP16 .loop = 0xa001, .align = 2 /* c.j . */

const struct rig_guest rig_riscv[] = {
    {
        .name = "riscv64",
        .features = OTHERS | RISCV_EXT_RV64 | RISCV_EXT_C,
        JUMP16,
        GUEST(64),
    },
    {
        .name = "riscv32",
        .features = OTHERS | RISCV_EXT_RV32 | RISCV_EXT_C,
        JUMP16,
        GUEST(32),
    },
    {
        .name = "riscv64 without C",
        .model = "rv64,c=off",
        .features = OTHERS | RISCV_EXT_RV64 | RISCV_EXT_IALIGN32,
        .only = RISCV_EXT_IALIGN32,
        .loop = 0x0000006f, /* jal zero, . */
        .align = 4,
        GUEST(64),
    },
    {.name = NULL},
};
