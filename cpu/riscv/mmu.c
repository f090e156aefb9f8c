/*
 * Address translation and protection: Sv32, Sv39, Sv48, Sv57 and PMP.
 *
 * The RISC-V Instruction Set Manual, Volume II 20240411: the supervisor
 * chapter on virtual memory, with Svnapot, Svpbmt, Svinval and Svadu, and
 * 3.7 (PMP).  One walker serves all schemes; they differ by a row of a table.
 *
 * Accessed and dirty bits: with Svadu and menvcfg.ADUE the walker sets them,
 * by compare-and-swap on the entry with a second look when it changed under
 * us; without ADUE, or on a hart with Svade alone, they fault.  A hart with
 * neither sets them.  The update comes before the access (Svadu: earlier in
 * the global memory order), so a store that PMP refuses leaves D set.
 *
 * Tables must lie in RAM; a walk that leaves it, or that PMP keeps from an
 * entry, ends in the access fault of the original access.  Memory types (PBMT)
 * are checked and have no effect: memory here has one order for all.
 * Missing: Smepmp, 64 PMP entries.
 */
#include "cpu/core/atomic.h"
#include "cpu/core/engine.h"
#include "cpu/riscv/riscv.h"
#include "riscv64_rows.h"

enum pte_bits {
    PTE_V = 1 << 0,
    PTE_R = 1 << 1,
    PTE_W = 1 << 2,
    PTE_X = 1 << 3,
    PTE_U = 1 << 4,
    PTE_G = 1 << 5,
    PTE_A = 1 << 6,
    PTE_D = 1 << 7,
};
#define PTE_PPN(pte) ((pte) >> 10 & (((uint64_t)1 << 44) - 1))
#define PTE_RESERVED ((uint64_t)0x7f << 54)
#define PTE_PBMT ((uint64_t)3 << 61)
#define PTE_N ((uint64_t)1 << 63)

/* Svnapot has one size: 16 pages, said by 8 in the low bits of the PPN. */
#define NAPOT_BITS 4
#define NAPOT_PPN 8u

/* A scheme of translation; satp.MODE chooses it. */
struct paging {
    uint8_t levels;
    uint8_t index_bits; /* of the address, for each level */
    uint8_t pte_size;   /* bytes */
    uint8_t va_bits;    /* those above are copies of the uppermost one */
};
static const struct paging sv32 = {2, 10, 4, 64}; /* there are none above */
static const struct paging sv39 = {3, 9, 8, 39};
static const struct paging sv48 = {4, 9, 8, 48};
static const struct paging sv57 = {5, 9, 8, 57};

/* Where satp has what, by XLEN. */
struct satp_layout {
    uint8_t mode, asid;
    uint16_t asid_mask;
};
static const struct satp_layout satp32 = {31, 22, 0x1ff};
static const struct satp_layout satp64 = {60, 44, 0xffff};

static const uint8_t page_cause[] = {
    [ACCESS_READ] = CAUSE_LOAD_PAGE,
    [ACCESS_WRITE] = CAUSE_STORE_PAGE,
    [ACCESS_FETCH] = CAUSE_FETCH_PAGE,
};
static const uint8_t access_cause[] = {
    [ACCESS_READ] = CAUSE_LOAD_ACCESS,
    [ACCESS_WRITE] = CAUSE_STORE_ACCESS,
    [ACCESS_FETCH] = CAUSE_FETCH_ACCESS,
};

/* ---------------------------------------------------------------- satp */

static bool has(const struct riscv_cpu *g, uint64_t ext)
{
    return (g->features & ext) != 0;
}

static const struct satp_layout *layout_of(const struct riscv_cpu *g)
{
    return has(g, RISCV_EXT_RV32) ? &satp32 : &satp64;
}

/* The scheme that a value of satp asks for; NULL: none, or not here. */
static const struct paging *paging_of(const struct riscv_cpu *g, uint64_t satp)
{
    uint64_t mode = satp >> layout_of(g)->mode;

    if (has(g, RISCV_EXT_RV32))
        return mode == 1 ? &sv32 : NULL;
    switch (mode) {
    case 8:
        return &sv39;
    case 9:
        return has(g, RISCV_EXT_SV48) ? &sv48 : NULL;
    case 10:
        return has(g, RISCV_EXT_SV57) ? &sv57 : NULL;
    default:
        return NULL;
    }
}

const char *riscv_mmu_type(struct cpu *c)
{
    const struct riscv_cpu *g = riscv(c);

    if (has(g, RISCV_EXT_RV32))
        return "riscv,sv32";
    if (has(g, RISCV_EXT_SV57))
        return "riscv,sv57";
    return has(g, RISCV_EXT_SV48) ? "riscv,sv48" : "riscv,sv39";
}

bool riscv_satp_valid(const struct riscv_cpu *g, uint64_t satp)
{
    return satp >> layout_of(g)->mode == 0 || paging_of(g, satp);
}

static uint64_t root_table(const struct riscv_cpu *g)
{
    const struct satp_layout *s = layout_of(g);

    return (g->satp & (((uint64_t)1 << s->asid) - 1)) << PAGE_BITS;
}

/* ------------------------------------------------------------ contexts */

static uint32_t new_context(struct riscv_cpu *g, uint64_t satp, uint32_t key)
{
    struct riscv_context *slot;

    if (g->next_context == TLB_CONTEXT_END) {
        cpu_flush_tlb(&g->core);
        riscv_forget_contexts(g, -1);
        g->next_context = 0;
    }
    slot = &g->contexts[g->next_context / TLB_CONTEXT_STEP % RISCV_CONTEXTS];
    *slot = (struct riscv_context){satp, key, g->next_context};
    g->next_context += TLB_CONTEXT_STEP;
    return slot->number;
}

static uint32_t context_for(struct riscv_cpu *g, uint64_t satp, uint32_t key)
{
    for (unsigned i = 0; i < RISCV_CONTEXTS; i++) {
        const struct riscv_context *x = &g->contexts[i];

        if (x->key == key && x->satp == satp)
            return x->number;
    }
    return new_context(g, satp, key);
}

/* Where loads and stores are checked as, priv 3.1.6.3. */
static unsigned data_priv(const struct riscv_cpu *g)
{
    if (g->priv == PRIV_M && (g->mstatus & MSTATUS_MPRV))
        return (unsigned)(g->mstatus >> 11 & 3);
    return g->priv;
}

void riscv_update_contexts(struct riscv_cpu *g)
{
    unsigned data = data_priv(g);
    uint32_t key = data, fetch;

    /* SUM matters to S alone, MXR to all that translate. */
    if (data == PRIV_S && (g->mstatus & MSTATUS_SUM))
        key |= 1 << 2;
    if (data != PRIV_M && (g->mstatus & MSTATUS_MXR))
        key |= 1 << 3;
    fetch = context_for(g, g->priv == PRIV_M ? 0 : g->satp, g->priv);
    g->core.data_context =
        key == g->priv
            ? fetch
            : context_for(g, data == PRIV_M ? 0 : g->satp, key);
    /* The second look-up may have started the numbers anew. */
    fetch = context_for(g, g->priv == PRIV_M ? 0 : g->satp, g->priv);
    g->core.fetch_context = fetch;
    g->core.jump_context = JUMP_CONTEXT((uint64_t)fetch, riscv_mode(&g->core));
}

void riscv_forget_contexts(struct riscv_cpu *g, int32_t asid)
{
    const struct satp_layout *s = layout_of(g);

    for (unsigned i = 0; i < RISCV_CONTEXTS; i++) {
        struct riscv_context *x = &g->contexts[i];

        if (asid < 0 ||
            ((x->satp >> s->asid ^ (uint64_t)asid) & s->asid_mask) == 0)
            x->key = UINT32_MAX;
    }
}

/* ----------------------------------------------------------------- PMP */

enum pmp_bits {
    PMP_R = 1,
    PMP_W = 2,
    PMP_X = 4,
    PMP_A = 0x18,
    PMP_TOR = 0x08,
    PMP_NA4 = 0x10,
    PMP_NAPOT = 0x18,
    PMP_L = 0x80,
};

/* First and last byte of entry n; false: it matches nothing. */
static bool pmp_range(const struct riscv_cpu *g, unsigned n, uint64_t *first,
                      uint64_t *last)
{
    uint64_t addr = g->pmpaddr[n], ones;

    switch (g->pmpcfg[n] & PMP_A) {
    case PMP_TOR:
        *first = n ? g->pmpaddr[n - 1] << 2 : 0;
        *last = (addr << 2) - 1;
        return *first < addr << 2;
    case PMP_NA4:
        *first = addr << 2;
        *last = *first + 3;
        return true;
    case PMP_NAPOT:
        ones = addr ^ (addr + 1); /* the trailing ones and the zero */
        *first = (addr & ~ones) << 2;
        *last = *first + (ones << 2 | 3);
        return true;
    default:
        return false;
    }
}

void riscv_pmp_changed(struct riscv_cpu *g)
{
    g->pmp_active = 0;
    for (unsigned n = 0; n < PMP_ENTRIES; n++) {
        struct pmp_range *p = &g->pmp[g->pmp_active];

        p->cfg = g->pmpcfg[n];
        if (pmp_range(g, n, &p->first, &p->last))
            g->pmp_active++;
    }
    cpu_flush_tlb(&g->core);
    g->core.leave = true;
}

/*
 * Permissions for [pa, pa+size) in privilege `priv`, as PMP_R|W|X; *whole
 * says whether they hold for all of pa's page.
 */
static unsigned pmp_check(const struct riscv_cpu *g, uint64_t pa,
                          unsigned size, unsigned priv, bool *whole)
{
    uint64_t end = pa + size - 1;
    uint64_t page = pa & PAGE_MASK, page_end = page + PAGE_SIZE - 1;

    *whole = true;
    for (unsigned n = 0; n < g->pmp_active; n++) {
        uint64_t first = g->pmp[n].first, last = g->pmp[n].last;
        uint8_t cfg = g->pmp[n].cfg;

        if (last < page || first > page_end)
            continue;
        if (first > page || last < page_end)
            *whole = false;
        if (last < pa || first > end)
            continue;
        if (first > pa || last < end)
            return 0; /* matches a part only: always fails */
        if (priv == PRIV_M && !(cfg & PMP_L))
            return PMP_R | PMP_W | PMP_X;
        return cfg & (PMP_R | PMP_W | PMP_X);
    }
    return priv == PRIV_M ? PMP_R | PMP_W | PMP_X : 0;
}

static unsigned pmp_need(enum access access)
{
    return access == ACCESS_READ ? PMP_R
                                 : access == ACCESS_WRITE ? PMP_W : PMP_X;
}

/* ---------------------------------------------------------------- walk */

struct walk {
    struct riscv_cpu *g;
    const struct paging *paging;
    uint64_t va;
    enum access access;
    unsigned priv;
    bool probe;
};

/* An entry of a table: where it is and what it says. */
struct pte {
    uint64_t pa;
    uint8_t *host;
    struct ram *ram;
    uint64_t value;
    unsigned level;
};

enum step { STEP_FAULT, STEP_AGAIN, STEP_DONE };

static bool fail(const struct walk *w, unsigned cause)
{
    if (!w->probe)
        riscv_raise(&w->g->core, cause, w->va);
    return false;
}

/* Protection of the physical address, into what was translated. */
static bool check_physical(const struct walk *w, unsigned size,
                           struct translation *out)
{
    bool whole;
    unsigned allowed = pmp_check(w->g, out->pa, size, w->priv, &whole);

    if (!(allowed & pmp_need(w->access)) && !w->probe)
        return fail(w, access_cause[w->access]);
    out->read &= (allowed & PMP_R) != 0;
    out->write &= (allowed & PMP_W) != 0;
    out->exec &= (allowed & PMP_X) != 0;
    if (!whole)
        out->page = 0;
    return true;
}

/* Walks are made by S mode, whatever they are for. */
static bool may_access_table(const struct walk *w, uint64_t pa, unsigned need)
{
    bool whole;

    return (pmp_check(w->g, pa, w->paging->pte_size, PRIV_S, &whole) & need) !=
           0;
}

/* Fetch the entry at e->pa; false if that is not to be had. */
static bool read_entry(const struct walk *w, struct pte *e)
{
    if (!may_access_table(w, e->pa, PMP_R))
        return false;
    e->host = cpu_ram(&w->g->core, e->pa, w->paging->pte_size, &e->ram);
    if (!e->host)
        return false;
    if (w->paging->pte_size == 4)
        e->value = BASE_LE(32, __atomic_load_n((uint32_t *)(void *)e->host,
                                               __ATOMIC_RELAXED));
    else
        e->value = BASE_LE(64, __atomic_load_n((uint64_t *)(void *)e->host,
                                               __ATOMIC_RELAXED));
    return true;
}

/* What the leaf allows in the walk's privilege, as PTE_R|W|X. */
static unsigned leaf_allows(const struct walk *w, uint64_t pte)
{
    const uint64_t mstatus = w->g->mstatus;
    unsigned rwx = (unsigned)pte & (PTE_R | PTE_W | PTE_X);

    if ((rwx & PTE_X) && (mstatus & MSTATUS_MXR))
        rwx |= PTE_R;
    if (w->priv == PRIV_U)
        return pte & PTE_U ? rwx : 0;
    if (!(pte & PTE_U))
        return rwx;
    return mstatus & MSTATUS_SUM ? rwx & ~(unsigned)PTE_X : 0;
}

static unsigned leaf_need(enum access access)
{
    return access == ACCESS_READ ? PTE_R
                                 : access == ACCESS_WRITE ? PTE_W : PTE_X;
}

/* Does the walker set A and D, or do they fault? */
static bool sets_accessed(const struct riscv_cpu *g)
{
    if (has(g, RISCV_EXT_SVADU))
        return g->menvcfg & ENVCFG_ADUE;
    return !has(g, RISCV_EXT_SVADE);
}

/* See that A is set, and D for a write. */
static enum step set_accessed(const struct walk *w, struct pte *e)
{
    uint64_t want = e->value | PTE_A | (w->access == ACCESS_WRITE ? PTE_D : 0);
    struct cpu *c = &w->g->core;

    if (want == e->value || w->probe)
        return STEP_DONE;
    if (!sets_accessed(w->g)) {
        fail(w, page_cause[w->access]);
        return STEP_FAULT;
    }
    if (!may_access_table(w, e->pa, PMP_W)) {
        fail(w, access_cause[w->access]);
        return STEP_FAULT;
    }
    cpu_will_write(c, e->ram, e->host, e->pa);
    if (!atomic_cas(e->host, w->paging->pte_size, e->value, want))
        return STEP_AGAIN;
    e->value = want;
    memory_wrote(c->env.memory, e->ram, (uint64_t)(e->host - e->ram->host),
                 w->paging->pte_size);
    return STEP_DONE;
}

/* Bytes that a leaf maps; 0: its encoding is reserved. */
static uint64_t leaf_size(const struct walk *w, const struct pte *e)
{
    uint64_t size = PAGE_SIZE << (w->paging->index_bits * e->level);
    uint64_t ppn = PTE_PPN(e->value);

    if (e->value & PTE_PBMT)
        if (!(w->g->menvcfg & ENVCFG_PBMTE) ||
            (e->value & PTE_PBMT) == PTE_PBMT)
            return 0;
    if (e->value & PTE_N) {
        if (!has(w->g, RISCV_EXT_SVNAPOT) || e->level > 0 ||
            ppn % (1u << NAPOT_BITS) != NAPOT_PPN)
            return 0;
        return PAGE_SIZE << NAPOT_BITS;
    }
    /* A large page lies where its size says. */
    return ppn << PAGE_BITS & (size - 1) ? 0 : size;
}

static bool leaf(const struct walk *w, const struct pte *e,
                 struct translation *out)
{
    uint64_t size = leaf_size(w, e), pte = e->value;
    unsigned allowed = leaf_allows(w, pte);

    if (!size)
        return fail(w, page_cause[w->access]);
    if (!(allowed & leaf_need(w->access)) && !w->probe)
        return fail(w, page_cause[w->access]);
    out->pa = (PTE_PPN(pte) << PAGE_BITS & ~(size - 1)) | (w->va & (size - 1));
    out->page = size;
    out->read = (allowed & PTE_R) != 0;
    out->write = (allowed & PTE_W) && (pte & PTE_D);
    out->exec = (allowed & PTE_X) != 0;
    out->global = (pte & PTE_G) != 0;
    return true;
}

/* Is there no such entry: neither a pointer nor a leaf? */
static bool is_invalid(uint64_t pte)
{
    if (!(pte & PTE_V) || (pte & (PTE_R | PTE_W)) == PTE_W ||
        (pte & PTE_RESERVED))
        return true;
    /* In a pointer these are reserved, too. */
    return !(pte & (PTE_R | PTE_X)) &&
           (pte & (PTE_D | PTE_A | PTE_U | PTE_PBMT | PTE_N));
}

/* One way down the tables. */
static enum step descend(const struct walk *w, struct translation *out)
{
    const struct paging *p = w->paging;
    uint64_t table = root_table(w->g);
    struct pte e;

    for (e.level = p->levels; e.level-- > 0;) {
        unsigned index = w->va >> (PAGE_BITS + p->index_bits * e.level) &
                         ((1u << p->index_bits) - 1);
        enum step step;

        e.pa = table + (uint64_t)index * p->pte_size;
        if (!read_entry(w, &e)) {
            fail(w, access_cause[w->access]);
            return STEP_FAULT;
        }
        if (is_invalid(e.value))
            break;
        if (!(e.value & (PTE_R | PTE_X))) {
            table = PTE_PPN(e.value) << PAGE_BITS;
            continue;
        }
        if (!leaf(w, &e, out))
            return STEP_FAULT;
        step = set_accessed(w, &e);
        if (step == STEP_DONE)
            leaf(w, &e, out); /* with the bits that are set now */
        return step;
    }
    fail(w, page_cause[w->access]);
    return STEP_FAULT;
}

bool riscv_translate(struct cpu *c, uint64_t va, unsigned size,
                     enum access access, bool probe, struct translation *out)
{
    struct riscv_cpu *g = riscv(c);
    struct walk w = {g, NULL, va, access, PRIV_U, probe};
    enum step step;
    unsigned spare;

    w.priv = access == ACCESS_FETCH ? g->priv : data_priv(g);
    if (w.priv != PRIV_M)
        w.paging = paging_of(g, g->satp);
    if (!w.paging) {
        *out = (struct translation){va, PAGE_SIZE, true, true, true, false};
        return check_physical(&w, size, out);
    }
    spare = 64u - w.paging->va_bits;
    if ((int64_t)(va << spare) >> spare != (int64_t)va)
        return fail(&w, page_cause[access]);
    do {
        step = descend(&w, out);
    } while (step == STEP_AGAIN);
    return step == STEP_DONE && check_physical(&w, size, out);
}
