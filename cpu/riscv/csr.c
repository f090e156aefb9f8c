/*
 * Control and status registers: one table, a row each.
 *
 * priv 2.2 lists the numbers; bits 9:8 of a number are the lowest privilege
 * that may use it, bits 11:10 = 3 make it read-only (priv 2.1).
 *
 * On RV32 a register of 64 bits is seen as two: the table has it once, and
 * `highs` says which number is its upper half.
 * Missing: debug triggers (the registers say that there are none), H and V.
 */
#include "base/memory.h"
#include "cpu/core/engine.h"
#include "cpu/riscv/riscv.h"
#include "riscv64_rows.h"

struct csr {
    uint16_t first, last; /* numbers; a range of registers alike */
    const char *name;
    /* A plain register: where it is and which bits can be written. */
    uint32_t offset;
    uint64_t mask;
    /* The others; n counts from `first`. */
    uint64_t (*read)(struct riscv_cpu *g, unsigned n);
    void (*write)(struct riscv_cpu *g, unsigned n, uint64_t value);
    /* May it be used at all, in this state? NULL: always. */
    bool (*allowed)(struct riscv_cpu *g, unsigned n);
    uint8_t how;
};

/* csr.how; most are neither. */
enum {
    LEAVES = 1, /* a write changes how instructions are fetched */
    SHARED = 2, /* chips have a part in it: used under the device lock */
};

/* ------------------------------------------------------- floating point */

static bool fp_on(struct riscv_cpu *g, unsigned n)
{
    (void)n;
    return g->fs != 0;
}

static uint64_t read_fflags(struct riscv_cpu *g, unsigned n)
{
    (void)n;
    return g->fp.flags;
}

static void write_fflags(struct riscv_cpu *g, unsigned n, uint64_t v)
{
    (void)n;
    g->fp.flags = v & 0x1f;
    g->fs = 3; /* it was not off */
}

static uint64_t read_frm(struct riscv_cpu *g, unsigned n)
{
    (void)n;
    return g->frm;
}

static void write_frm(struct riscv_cpu *g, unsigned n, uint64_t v)
{
    (void)n;
    g->frm = v & 7;
    g->fs = 3;
}

static uint64_t read_fcsr(struct riscv_cpu *g, unsigned n)
{
    (void)n;
    return (uint64_t)g->frm << 5 | g->fp.flags;
}

static void write_fcsr(struct riscv_cpu *g, unsigned n, uint64_t v)
{
    write_fflags(g, n, v);
    write_frm(g, n, v >> 5);
}

/* -------------------------------------------------------------- counters */

/* mcounteren lets S mode in, both let U mode in, priv 3.1.11, 4.1.5. */
static bool counter_on(struct riscv_cpu *g, unsigned n)
{
    if (!riscv_counter_exists(g, n) ||
        (g->priv < PRIV_M && !(g->mcounteren >> n & 1)))
        return false;
    return g->priv > PRIV_U || (g->scounteren >> n & 1);
}

static void write_mcountinhibit(struct riscv_cpu *g, unsigned n, uint64_t v)
{
    (void)n;
    riscv_write_inhibit(g, v);
}

static uint64_t read_mhpmevent(struct riscv_cpu *g, unsigned n)
{
    return riscv_read_event(g, n + COUNTER_FIRST);
}

static void write_mhpmevent(struct riscv_cpu *g, unsigned n, uint64_t v)
{
    riscv_write_event(g, n + COUNTER_FIRST, v);
}

static bool scountovf_on(struct riscv_cpu *g, unsigned n)
{
    (void)n;
    return g->features & RISCV_EXT_SSCOFPMF;
}

/* What S mode may not read it may not know of. */
static uint64_t read_scountovf(struct riscv_cpu *g, unsigned n)
{
    uint32_t bits = riscv_overflowed(g);

    (void)n;
    return g->priv == PRIV_M ? bits : bits & (uint32_t)g->mcounteren;
}

uint64_t riscv_time(struct riscv_cpu *g)
{
    const struct cpu_wires *w = &g->core.wires;

    return w->time ? w->time(w->time_owner) : 0;
}

static uint64_t read_counter(struct riscv_cpu *g, unsigned n)
{
    return n == COUNTER_TIME ? riscv_time(g) : riscv_read_counter(g, n);
}

/* What is there without doing anything. */
static uint64_t read_zero(struct riscv_cpu *g, unsigned n)
{
    (void)g;
    (void)n;
    return 0;
}

static void write_nothing(struct riscv_cpu *g, unsigned n, uint64_t v)
{
    (void)g;
    (void)n;
    (void)v;
}

/* --------------------------------------------------------------- mstatus */

#define SSTATUS_WRITABLE                                                       \
    (MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_SUM | MSTATUS_MXR)
#define MSTATUS_WRITABLE                                                       \
    (SSTATUS_WRITABLE | MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPRV |            \
     MSTATUS_TVM | MSTATUS_TW | MSTATUS_TSR)
#define SSTATUS_READABLE (SSTATUS_WRITABLE | MSTATUS_UXL)

static uint64_t fs_bits(const struct riscv_cpu *g)
{
    const uint64_t sd = riscv_xlen(g) == 32 ? MSTATUS_SD32 : MSTATUS_SD;

    return (uint64_t)g->fs << 13 | (g->fs == 3 ? sd : 0);
}

/* Interrupts are switched off and on all the time: only what matters to
 * translation and decoding picks new contexts. */
static void set_status(struct riscv_cpu *g, uint64_t v, uint64_t mask)
{
    uint64_t old = g->mstatus;
    uint32_t mode = riscv_mode(&g->core);

    g->mstatus = (g->mstatus & ~mask) | (v & mask);
    if (g->features & RISCV_EXT_F)
        g->fs = (uint8_t)(v >> 13 & 3);
    if (mode != riscv_mode(&g->core))
        g->core.leave = true;
    else if (!((old ^ g->mstatus) &
               (MSTATUS_SUM | MSTATUS_MXR | MSTATUS_MPRV | MSTATUS_MPP)))
        return;
    riscv_update_contexts(g);
}

static uint64_t read_mstatus(struct riscv_cpu *g, unsigned n)
{
    (void)n;
    return g->mstatus | fs_bits(g);
}

static void write_mstatus(struct riscv_cpu *g, unsigned n, uint64_t v)
{
    uint64_t mask = MSTATUS_WRITABLE;

    (void)n;
    if ((v & MSTATUS_MPP) >> 11 != 2) /* there is no H mode */
        mask |= MSTATUS_MPP;
    set_status(g, v, mask);
}

static uint64_t read_sstatus(struct riscv_cpu *g, unsigned n)
{
    (void)n;
    return (g->mstatus & SSTATUS_READABLE) | fs_bits(g);
}

static void write_sstatus(struct riscv_cpu *g, unsigned n, uint64_t v)
{
    (void)n;
    set_status(g, v, SSTATUS_WRITABLE);
}

/* ------------------------------------------------------------ interrupts */

#define M_INTERRUPTS (MIP_BIT(IRQ_MSI) | MIP_BIT(IRQ_MTI) | MIP_BIT(IRQ_MEI))

/* Those that software sets and clears; Sscofpmf adds one. */
static uint64_t lcofi(const struct riscv_cpu *g)
{
    return g->features & RISCV_EXT_SSCOFPMF ? MIP_BIT(IRQ_LCOFI) : 0;
}

static uint64_t s_interrupts(const struct riscv_cpu *g)
{
    return MIP_BIT(IRQ_SSI) | MIP_BIT(IRQ_STI) | MIP_BIT(IRQ_SEI) | lcofi(g);
}

static void write_mideleg(struct riscv_cpu *g, unsigned n, uint64_t v)
{
    (void)n;
    g->mideleg = v & s_interrupts(g);
}

uint64_t riscv_mie_bits(const struct riscv_cpu *g)
{
    return s_interrupts(g) | M_INTERRUPTS;
}

static void write_mie(struct riscv_cpu *g, unsigned n, uint64_t v)
{
    (void)n;
    g->mie = v & riscv_mie_bits(g);
}

void riscv_set_pending(struct riscv_cpu *g, uint64_t mask, uint64_t v)
{
    g->mip_soft = (g->mip_soft & ~mask) | (v & mask);
    if (mask & ~v & MIP_BIT(IRQ_SSI))
        atomic_fetch_and(&g->lines, ~MIP_BIT(IRQ_SSI));
}

static bool stce(const struct riscv_cpu *g)
{
    return (g->menvcfg & ENVCFG_STCE) != 0;
}

/* The line follows the timer a moment later; software sees it at once. */
static uint64_t read_mip(struct riscv_cpu *g, unsigned n)
{
    uint64_t mip = riscv_mip(g);

    (void)n;
    if (stce(g)) {
        mip &= ~MIP_BIT(IRQ_STI);
        if (riscv_time(g) >= g->stimecmp)
            mip |= MIP_BIT(IRQ_STI);
    }
    return mip;
}

static void write_mip(struct riscv_cpu *g, unsigned n, uint64_t v)
{
    uint64_t mask = s_interrupts(g);

    (void)n;
    if (stce(g))
        mask &= ~MIP_BIT(IRQ_STI);
    mask &= ~(g->mvien & MIP_BIT(IRQ_SEI));
    riscv_set_pending(g, mask, v);
}

static uint64_t read_sip(struct riscv_cpu *g, unsigned n)
{
    return (read_mip(g, n) & g->mideleg) | riscv_virtual_sip(g);
}

static void write_sip(struct riscv_cpu *g, unsigned n, uint64_t v)
{
    uint64_t mask = (MIP_BIT(IRQ_SSI) | lcofi(g)) & g->mideleg;

    (void)n;
    riscv_set_pending(g, mask, v);
    riscv_write_virtual_sip(g, v);
}

static uint64_t read_sie(struct riscv_cpu *g, unsigned n)
{
    (void)n;
    return (g->mie & g->mideleg) | riscv_virtual_sie(g);
}

static void write_sie(struct riscv_cpu *g, unsigned n, uint64_t v)
{
    uint64_t mask = g->mideleg & s_interrupts(g);

    (void)n;
    g->mie = (g->mie & ~mask) | (v & mask);
    riscv_write_virtual_sie(g, v);
}

static bool stimecmp_on(struct riscv_cpu *g, unsigned n)
{
    (void)n;
    if (!(g->features & RISCV_EXT_SSTC))
        return false;
    return g->priv == PRIV_M ||
           (stce(g) && (g->mcounteren >> COUNTER_TIME & 1));
}

void riscv_stimer_fired(void *owner)
{
    struct riscv_cpu *g = owner;

    riscv_input(&g->core, IRQ_STI, true);
}

void riscv_time_jumped(struct cpu *c)
{
    atomic_store(&riscv(c)->time_jumped, true);
    cpu_kick(c);
}

void riscv_update_stimer(struct riscv_cpu *g)
{
    pthread_mutex_t *lock = memory_lock(g->core.env.memory);
    uint64_t hz = g->core.wires.timebase_hz;
    uint64_t now = riscv_time(g);

    pthread_mutex_lock(lock);
    if (!stce(g) || !hz) {
        timer_disarm(&g->stimer);
        riscv_input(&g->core, IRQ_STI, false);
    } else if (now >= g->stimecmp) {
        timer_disarm(&g->stimer);
        riscv_input(&g->core, IRQ_STI, true);
    } else {
        /* mtime may have been set: count from what it says now. */
        uint64_t wait = clock_ticks_to_ns(g->stimecmp - now, hz);
        uint64_t at = clock_ns(g->core.env.clock);

        riscv_input(&g->core, IRQ_STI, false);
        timer_arm(&g->stimer,
                  wait > CLOCK_NEVER - 1 - at ? CLOCK_NEVER : at + wait);
    }
    pthread_mutex_unlock(lock);
}

static void write_stimecmp(struct riscv_cpu *g, unsigned n, uint64_t v)
{
    (void)n;
    g->stimecmp = v;
    riscv_update_stimer(g);
}

/* Bits of menvcfg that can be written; senvcfg has the lower ones. */
static uint64_t envcfg_bits(const struct riscv_cpu *g)
{
    static const struct {
        uint64_t ext, bits;
    } rows[] = {
        {RISCV_EXT_S, ENVCFG_FIOM},
        {RISCV_EXT_SSTC, ENVCFG_STCE},
        {RISCV_EXT_ZICBOM, ENVCFG_CBIE | ENVCFG_CBCFE},
        {RISCV_EXT_ZICBOZ, ENVCFG_CBZE},
        {RISCV_EXT_SVADU, ENVCFG_ADUE},
        {RISCV_EXT_SVPBMT, ENVCFG_PBMTE},
    };
    uint64_t bits = 0;

    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (g->features & rows[i].ext)
            bits |= rows[i].bits;
    return bits;
}

/* Those of v, and CBIE as it was where v has the reserved 2. */
static uint64_t new_envcfg(const struct riscv_cpu *g, uint64_t old, uint64_t v)
{
    if ((v & ENVCFG_CBIE) >> 4 == 2)
        v ^= (v ^ old) & ENVCFG_CBIE;
    return v & envcfg_bits(g);
}

static void write_senvcfg(struct riscv_cpu *g, unsigned n, uint64_t v)
{
    (void)n;
    g->senvcfg = (uint32_t)new_envcfg(g, g->senvcfg, v);
}

static void write_menvcfg(struct riscv_cpu *g, unsigned n, uint64_t v)
{
    uint64_t old = g->menvcfg;

    (void)n;
    g->menvcfg = new_envcfg(g, old, v);
    if (stce(g)) /* STIP is the comparator's alone now */
        g->mip_soft &= ~MIP_BIT(IRQ_STI);
    riscv_update_stimer(g);
    if ((old ^ g->menvcfg) & (ENVCFG_ADUE | ENVCFG_PBMTE)) {
        riscv_forget_contexts(g, -1);
        riscv_update_contexts(g);
    }
}

/* ----------------------------------------------------- traps and address */

static void write_tvec(uint64_t *tvec, uint64_t v)
{
    /* Modes: 0 direct, 1 vectored; others are not taken over. */
    if ((v & 3) <= 1)
        *tvec = v;
}

/* Bit 1 of an address of code is there only where C is. */
static uint64_t code_address(const struct riscv_cpu *g, uint64_t v)
{
    return v & ~(uint64_t)(g->features & RISCV_EXT_C ? 1 : 3);
}

static void write_mepc(struct riscv_cpu *g, unsigned n, uint64_t v)
{
    (void)n;
    g->mepc = code_address(g, v);
}

static void write_sepc(struct riscv_cpu *g, unsigned n, uint64_t v)
{
    (void)n;
    g->sepc = code_address(g, v);
}

static void write_mtvec(struct riscv_cpu *g, unsigned n, uint64_t v)
{
    (void)n;
    write_tvec(&g->mtvec, v);
}

static void write_stvec(struct riscv_cpu *g, unsigned n, uint64_t v)
{
    (void)n;
    write_tvec(&g->stvec, v);
}

static bool satp_on(struct riscv_cpu *g, unsigned n)
{
    (void)n;
    return !(g->priv == PRIV_S && (g->mstatus & MSTATUS_TVM));
}

/* A write of a mode that is not there is ignored as a whole. */
static void write_satp(struct riscv_cpu *g, unsigned n, uint64_t v)
{
    (void)n;
    if (!riscv_satp_valid(g, v))
        return;
    g->satp = v;
    riscv_update_contexts(g);
}

static uint64_t read_mhartid(struct riscv_cpu *g, unsigned n)
{
    (void)n;
    return g->core.id;
}

/* ------------------------------------------------------------------- PMP */

#define PMP_LOCKED 0x80
#define PMP_MODE 0x18
#define PMP_MODE_TOR 0x08

/* Four registers of four entries each, or every other one of eight. */
static uint64_t read_pmpcfg(struct riscv_cpu *g, unsigned n)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < riscv_xlen(g) / 8; i++)
        v |= (uint64_t)g->pmpcfg[n * 4 + i] << (8 * i);
    return v;
}

static void write_pmpcfg(struct riscv_cpu *g, unsigned n, uint64_t v)
{
    for (unsigned i = 0; i < riscv_xlen(g) / 8; i++) {
        uint8_t *cfg = &g->pmpcfg[n * 4 + i];
        uint8_t want = (uint8_t)(v >> (8 * i)) & 0x9f;

        /* W without R is reserved: keep what is there, priv 3.7.1. */
        if (!(*cfg & PMP_LOCKED) && (want & 3) != 2)
            *cfg = want;
    }
    riscv_pmp_changed(g);
}

static bool pmpcfg_exists(struct riscv_cpu *g, unsigned n)
{
    return riscv_xlen(g) == 32 || n % 2 == 0;
}

static uint64_t read_pmpaddr(struct riscv_cpu *g, unsigned n)
{
    return g->pmpaddr[n];
}

static void write_pmpaddr(struct riscv_cpu *g, unsigned n, uint64_t v)
{
    bool locked = g->pmpcfg[n] & PMP_LOCKED;

    /* A locked TOR entry locks the address below it too, priv 3.7.1.2. */
    if (n + 1 < PMP_ENTRIES && (g->pmpcfg[n + 1] & PMP_LOCKED) &&
        (g->pmpcfg[n + 1] & PMP_MODE) == PMP_MODE_TOR)
        locked = true;
    if (locked)
        return;
    g->pmpaddr[n] = v & (((uint64_t)1 << 54) - 1);
    riscv_pmp_changed(g);
}

/* ------------------------------------------------------------- the table */

#define ALL UINT64_MAX
#define PLAIN(n, name, mask)                                                   \
    {                                                                          \
        n, n, #name, offsetof(struct riscv_cpu, name), mask, NULL, NULL, NULL, \
            false                                                              \
    }
#define SPECIAL(n, name, r, w, ok)                                             \
    {                                                                          \
        n, n, name, 0, 0, r, w, ok, false                                      \
    }
#define WITH_CHIPS(n, name, r, w, ok)                                          \
    {                                                                          \
        n, n, name, 0, 0, r, w, ok, SHARED                                     \
    }

/* By number. */
static const struct csr table[] = {
    SPECIAL(0x001, "fflags", read_fflags, write_fflags, fp_on),
    SPECIAL(0x002, "frm", read_frm, write_frm, fp_on),
    SPECIAL(0x003, "fcsr", read_fcsr, write_fcsr, fp_on),
    SPECIAL(0x100, "sstatus", read_sstatus, write_sstatus, NULL),
    SPECIAL(0x104, "sie", read_sie, write_sie, NULL),
    {0x105, 0x105, "stvec", offsetof(struct riscv_cpu, stvec), 0, NULL,
     write_stvec, NULL, false},
    PLAIN(0x106, scounteren, 0xffffffff),
    {0x10a, 0x10a, "senvcfg", offsetof(struct riscv_cpu, senvcfg), 0, NULL,
     write_senvcfg, NULL, false},
    PLAIN(0x140, sscratch, ALL),
    {0x141, 0x141, "sepc", offsetof(struct riscv_cpu, sepc), 0, NULL,
     write_sepc, NULL, false},
    PLAIN(0x142, scause, ALL),
    PLAIN(0x143, stval, ALL),
    WITH_CHIPS(0x144, "sip", read_sip, write_sip, NULL),
    {0x14d, 0x14d, "stimecmp", offsetof(struct riscv_cpu, stimecmp), 0, NULL,
     write_stimecmp, stimecmp_on, false},
    {0x150, 0x150, "siselect", offsetof(struct riscv_cpu, siselect), 0x1ff,
     NULL, NULL, riscv_ssaia, false},
    WITH_CHIPS(0x151, "sireg", riscv_read_sireg, riscv_write_sireg,
               riscv_sireg_on),
    WITH_CHIPS(0x15c, "stopei", riscv_read_stopei, riscv_write_stopei,
               riscv_stopei_on),
    {0x180, 0x180, "satp", offsetof(struct riscv_cpu, satp), 0, NULL,
     write_satp, satp_on, true},
    SPECIAL(0x300, "mstatus", read_mstatus, write_mstatus, NULL),
    {0x301, 0x301, "misa", offsetof(struct riscv_cpu, misa), 0, NULL,
     write_nothing, NULL, false},
    /* M-mode calls are not delegated; 10, 14 and above do not exist. */
    PLAIN(0x302, medeleg, 0xb3ff),
    {0x303, 0x303, "mideleg", offsetof(struct riscv_cpu, mideleg), 0, NULL,
     write_mideleg, NULL, false},
    {0x304, 0x304, "mie", offsetof(struct riscv_cpu, mie), 0, NULL, write_mie,
     NULL, false},
    {0x305, 0x305, "mtvec", offsetof(struct riscv_cpu, mtvec), 0, NULL,
     write_mtvec, NULL, false},
    PLAIN(0x306, mcounteren, 0xffffffff),
    {0x308, 0x308, "mvien", offsetof(struct riscv_cpu, mvien), 0, NULL,
     riscv_write_mvien, riscv_smaia, false},
    WITH_CHIPS(0x309, "mvip", riscv_read_mvip, riscv_write_mvip, riscv_smaia),
    {0x30a, 0x30a, "menvcfg", offsetof(struct riscv_cpu, menvcfg), 0, NULL,
     write_menvcfg, NULL, false},
    {0x320, 0x320, "mcountinhibit", offsetof(struct riscv_cpu, mcountinhibit),
     0, NULL, write_mcountinhibit, NULL, false},
    {0x323, 0x33f, "mhpmevent", 0, 0, read_mhpmevent, write_mhpmevent, NULL,
     false},
    PLAIN(0x340, mscratch, ALL),
    {0x341, 0x341, "mepc", offsetof(struct riscv_cpu, mepc), 0, NULL,
     write_mepc, NULL, false},
    PLAIN(0x342, mcause, ALL),
    PLAIN(0x343, mtval, ALL),
    WITH_CHIPS(0x344, "mip", read_mip, write_mip, NULL),
    {0x350, 0x350, "miselect", offsetof(struct riscv_cpu, miselect), 0xff, NULL,
     NULL, riscv_smaia, false},
    WITH_CHIPS(0x351, "mireg", riscv_read_mireg, riscv_write_mireg,
               riscv_mireg_on),
    WITH_CHIPS(0x35c, "mtopei", riscv_read_mtopei, riscv_write_mtopei,
               riscv_mtopei_on),
    {0x3a0, 0x3a3, "pmpcfg", 0, 0, read_pmpcfg, write_pmpcfg, pmpcfg_exists,
     false},
    {0x3b0, 0x3bf, "pmpaddr", 0, 0, read_pmpaddr, write_pmpaddr, NULL, false},
    /* One trigger of type 0: there is none, Debug 1.0, 5.7. */
    {0x7a0, 0x7a3, "tdata", 0, 0, read_zero, write_nothing, NULL, false},
    {0xb00, 0xb00, "mcycle", 0, 0, riscv_read_counter, riscv_write_counter,
     NULL, false},
    {0xb02, 0xb1f, "mhpmcounter", 0, 0, NULL, NULL, NULL, false},
    {0xc00, 0xc1f, "hpmcounter", 0, 0, read_counter, write_nothing, counter_on,
     false},
    SPECIAL(0xda0, "scountovf", read_scountovf, write_nothing, scountovf_on),
    WITH_CHIPS(0xdb0, "stopi", riscv_read_stopi, write_nothing, riscv_ssaia),
    SPECIAL(0xf11, "mvendorid", read_zero, write_nothing, NULL),
    SPECIAL(0xf12, "marchid", read_zero, write_nothing, NULL),
    SPECIAL(0xf13, "mimpid", read_zero, write_nothing, NULL),
    SPECIAL(0xf14, "mhartid", read_mhartid, write_nothing, NULL),
    SPECIAL(0xf15, "mconfigptr", read_zero, write_nothing, NULL),
    WITH_CHIPS(0xfb0, "mtopi", riscv_read_mtopi, write_nothing, riscv_smaia),
};

/* Upper halves, and the numbers of what they belong to; RV32 only. */
static const struct high {
    uint16_t first, last, low;
    const char *name;
    bool (*allowed)(struct riscv_cpu *g, unsigned n); /* as of struct csr */
} highs[] = {
    {0x114, 0x114, 0x104, "sieh", riscv_ssaia},
    {0x154, 0x154, 0x144, "siph", riscv_ssaia},
    {0x15d, 0x15d, 0x14d, "stimecmph", NULL},
    {0x310, 0x310, 0x300, "mstatush", NULL},
    {0x312, 0x312, 0x302, NULL, NULL}, /* medelegh */
    {0x313, 0x313, 0x303, "midelegh", riscv_smaia},
    {0x314, 0x314, 0x304, "mieh", riscv_smaia},
    {0x318, 0x318, 0x308, "mvienh", riscv_smaia},
    {0x319, 0x319, 0x309, "mviph", riscv_smaia},
    {0x31a, 0x31a, 0x30a, "menvcfgh", NULL},
    {0x354, 0x354, 0x344, "miph", riscv_smaia},
    {0x723, 0x73f, 0x323, NULL, scountovf_on}, /* mhpmeventh */
    {0xb80, 0xb80, 0xb00, "mcycleh", NULL},
    {0xb82, 0xb82, 0xb02, "minstreth", NULL},
    {0xb83, 0xb9f, 0xb03, NULL, NULL},
    {0xc80, 0xc80, 0xc00, "cycleh", NULL},
    {0xc81, 0xc81, 0xc01, "timeh", NULL},
    {0xc82, 0xc82, 0xc02, "instreth", NULL},
    {0xc83, 0xc9f, 0xc03, NULL, NULL},
};

static const struct high *find_high(unsigned number)
{
    for (unsigned i = 0; i < sizeof(highs) / sizeof(highs[0]); i++)
        if (number >= highs[i].first && number <= highs[i].last)
            return &highs[i];
    return NULL;
}

static const struct csr *find(unsigned number)
{
    unsigned lo = 0, hi = sizeof(table) / sizeof(table[0]);

    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;

        if (number > table[mid].last)
            lo = mid + 1;
        else if (number < table[mid].first)
            hi = mid;
        else
            return &table[mid];
    }
    return NULL;
}

const char *riscv_csr_name(unsigned number)
{
    static const char *const counters[] = {"cycle", "time", "instret"};
    const struct csr *r = find(number);
    const struct high *h = find_high(number);

    if (h)
        return h->name;
    if (number >= 0xc00 && number <= 0xc02)
        return counters[number - 0xc00];
    if (number == 0xb02)
        return "minstret";
    return r && r->first == r->last ? r->name : NULL;
}

/* mcycle's range has a gap at 1: mhpmcounter rows count from 0xb00. */
static unsigned index_of(const struct csr *r, unsigned number)
{
    return r->first == 0xb02 ? number - 0xb00 : number - r->first;
}

static uint64_t *plain(struct riscv_cpu *g, const struct csr *r)
{
    return (uint64_t *)(void *)((char *)g + r->offset);
}

static uint64_t get(struct riscv_cpu *g, const struct csr *r, unsigned n)
{
    if (r->read)
        return r->read(g, n);
    return r->offset ? *plain(g, r) : riscv_read_counter(g, n);
}

static void put(struct riscv_cpu *g, const struct csr *r, unsigned n,
                uint64_t v)
{
    if (r->write)
        r->write(g, n, v);
    else if (r->offset)
        *plain(g, r) = (*plain(g, r) & ~r->mask) | (v & r->mask);
    else
        riscv_write_counter(g, n, v);
    /* A timer that was armed may be due within the slice: it has kicked. */
    if ((r->how & LEAVES) || riscv_due(g) ||
        atomic_load_explicit(&g->core.exit_request, memory_order_relaxed))
        g->core.leave = true;
}

/* A register as an instruction names it. */
struct place {
    const struct csr *r;
    unsigned n;
    bool high; /* its upper half, RV32 */
};

/* false: it does not exist or may not be used so. */
static bool usable(struct riscv_cpu *g, unsigned number, bool write,
                   struct place *p)
{
    const struct high *h = riscv_xlen(g) == 32 ? find_high(number) : NULL;

    if (g->priv < (number >> 8 & 3) || (write && number >> 10 == 3))
        return false;
    if (h && h->allowed && !h->allowed(g, number - h->first))
        return false;
    if (h)
        number = number - h->first + h->low;
    p->r = find(number);
    if (!p->r)
        return false;
    p->n = index_of(p->r, number);
    p->high = h != NULL;
    return !p->r->allowed || p->r->allowed(g, p->n);
}

/* Does it take part in the platform's time, and is that out of reach now? */
static bool outside(struct cpu *c, const struct place *p)
{
    const struct csr *r = p->r;
    bool time = (r->how & SHARED) || r->write == write_stimecmp ||
                r->write == write_menvcfg ||
                (r->read == read_counter && p->n == COUNTER_TIME);

    return time && cpu_outside(c);
}

/* So that nothing is lost of what a chip does between read and write. */
static void lock_chips(struct riscv_cpu *g, const struct csr *r, bool on)
{
    pthread_mutex_t *lock = memory_lock(g->core.env.memory);

    if (!(r->how & SHARED))
        return;
    if (on)
        pthread_mutex_lock(lock);
    else
        pthread_mutex_unlock(lock);
}

/* The whole register v as it is modified: mip's external bit is read with the
 * wire, but modified without it, priv 3.1.9. */
static uint64_t modified(const struct riscv_cpu *g, const struct place *p,
                         uint64_t v)
{
    if (p->r->read == read_mip)
        v = (v & ~MIP_BIT(IRQ_SEI)) | (g->mip_soft & MIP_BIT(IRQ_SEI));
    return v;
}

/* What of the whole register a read gives. */
static uint64_t seen(const struct riscv_cpu *g, const struct place *p,
                     uint64_t whole)
{
    if (riscv_xlen(g) == 64)
        return whole;
    return p->high ? whole >> 32 : (uint32_t)whole;
}

/* The whole register, old, for a write of v to what of it is named.  A write
 * of half a counter is one of the counter: it does not count meanwhile. */
static uint64_t whole(const struct riscv_cpu *g, const struct place *p,
                      uint64_t old, uint64_t v)
{
    if (riscv_xlen(g) == 64)
        return v;
    return p->high ? v << 32 | (uint32_t)old
                   : (old & ~(uint64_t)UINT32_MAX) | (uint32_t)v;
}

bool riscv_csr_read(struct cpu *c, uint32_t csr)
{
    struct riscv_cpu *g = riscv(c);
    struct place p;

    if (!usable(g, csr, false, &p))
        return riscv_illegal(c);
    if (outside(c, &p))
        return false;
    lock_chips(g, p.r, true);
    c->scratch = seen(g, &p, get(g, p.r, p.n));
    lock_chips(g, p.r, false);
    return true;
}

/* Read, change, write: `keep` are the old bits that stay. */
static bool change(struct cpu *c, uint32_t csr, uint64_t keep, uint64_t flip)
{
    struct riscv_cpu *g = riscv(c);
    struct place p;
    uint64_t now, old;

    if (!usable(g, csr, true, &p))
        return riscv_illegal(c);
    if (outside(c, &p))
        return false;
    lock_chips(g, p.r, true);
    now = get(g, p.r, p.n);
    old = modified(g, &p, now);
    put(g, p.r, p.n, whole(g, &p, old, (seen(g, &p, old) & keep) | flip));
    lock_chips(g, p.r, false);
    c->scratch = seen(g, &p, now);
    return true;
}

bool riscv_csr_write(struct cpu *c, uint32_t csr, uint64_t value)
{
    return change(c, csr, 0, value);
}

bool riscv_csr_set(struct cpu *c, uint32_t csr, uint64_t bits)
{
    return change(c, csr, ~(uint64_t)0, bits);
}

bool riscv_csr_clear(struct cpu *c, uint32_t csr, uint64_t bits)
{
    return change(c, csr, ~bits, 0);
}
