/*
 * Address translation and protection: Sv39 and PMP.
 *
 * priv 4.3 and 4.4 (Sv39), 3.7 (PMP).  Accessed and dirty bits are set by
 * the walker, by compare-and-swap on the entry with a second look when it
 * changed under us.
 * Missing: Sv48, Sv57, Svnapot, Svpbmt, Svade.
 */
#include "cpu/core/atomic.h"
#include "cpu/core/engine.h"
#include "cpu/riscv/riscv.h"

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
#define PTE_RESERVED ((uint64_t)0x3ff << 54)

#define LEVELS 3 /* Sv39 */

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

/* ------------------------------------------------------------ contexts */

static uint32_t new_context(struct riscv_cpu *g, uint64_t satp, uint32_t key)
{
    struct riscv_context *slot;

    /* The last number, of the last page, would be TLB_EMPTY. */
    if (g->next_context == TLB_CONTEXTS - 1) {
        cpu_flush_tlb(&g->core);
        riscv_forget_contexts(g, -1);
        g->next_context = 0;
    }
    slot = &g->contexts[g->next_context % RISCV_CONTEXTS];
    *slot = (struct riscv_context){satp, key, g->next_context};
    return g->next_context++;
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
    for (unsigned i = 0; i < RISCV_CONTEXTS; i++) {
        struct riscv_context *x = &g->contexts[i];

        if (asid < 0 || (int32_t)(x->satp >> 44 & 0xffff) == asid)
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
    uint64_t va;
    enum access access;
    unsigned priv;
    bool probe;
};

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

/* Host address of the page table entry at pa, if S mode may read it; it
 * lies in RAM. */
static uint8_t *entry_at(const struct walk *w, uint64_t pa, struct ram **ram)
{
    bool whole;

    if (!(pmp_check(w->g, pa, 8, PRIV_S, &whole) & PMP_R))
        return NULL;
    return cpu_ram(&w->g->core, pa, 8, ram);
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

/* Set A, and D for a write.  1: done, 0: the entry changed, -1: fault. */
static int set_accessed(const struct walk *w, uint64_t pa, uint8_t *host,
                        struct ram *ram, uint64_t *pte)
{
    uint64_t want = *pte | PTE_A | (w->access == ACCESS_WRITE ? PTE_D : 0);
    bool whole;

    if (want == *pte || w->probe)
        return 1;
    if (!(pmp_check(w->g, pa, 8, PRIV_S, &whole) & PMP_W))
        return -1;
    cpu_will_write(&w->g->core, ram, host, pa);
    if (!atomic_cas(host, 8, *pte, want))
        return 0;
    *pte = want;
    memory_wrote(w->g->core.env.memory, ram, (uint64_t)(host - ram->host), 8);
    return 1;
}

static bool leaf(const struct walk *w, unsigned level, uint64_t pte,
                 struct translation *out)
{
    uint64_t size = PAGE_SIZE << (9 * level);
    unsigned allowed = leaf_allows(w, pte);

    if (PTE_PPN(pte) << PAGE_BITS & (size - 1))
        return fail(w, page_cause[w->access]); /* misaligned superpage */
    if (!(allowed & leaf_need(w->access)) && !w->probe)
        return fail(w, page_cause[w->access]);
    out->pa = PTE_PPN(pte) << PAGE_BITS | (w->va & (size - 1));
    out->page = size;
    out->read = (allowed & PTE_R) != 0;
    out->write = (allowed & PTE_W) && (pte & PTE_D);
    out->exec = (allowed & PTE_X) != 0;
    out->global = (pte & PTE_G) != 0;
    return true;
}

/* One way down the tables.  1: found, 0: an entry changed, -1: fault. */
static int descend(const struct walk *w, struct translation *out)
{
    uint64_t table = (w->g->satp & (((uint64_t)1 << 44) - 1)) << PAGE_BITS;

    for (int level = LEVELS - 1; level >= 0; level--) {
        unsigned index = w->va >> (PAGE_BITS + 9 * level) & 0x1ff;
        uint64_t pa = table + index * 8u, pte;
        struct ram *ram;
        uint8_t *host = entry_at(w, pa, &ram);
        int done;

        if (!host)
            return fail(w, access_cause[w->access]) - 1;
        pte = BASE_LE(64, __atomic_load_n((uint64_t *)(void *)host,
                                          __ATOMIC_RELAXED));
        if (!(pte & PTE_V) || (pte & (PTE_R | PTE_W)) == PTE_W ||
            (pte & PTE_RESERVED))
            break;
        if (!(pte & (PTE_R | PTE_X))) {
            /* D, A and U are reserved in a pointer. */
            if (pte & (PTE_D | PTE_A | PTE_U))
                break;
            table = PTE_PPN(pte) << PAGE_BITS;
            continue;
        }
        if (!leaf(w, (unsigned)level, pte, out))
            return -1;
        done = set_accessed(w, pa, host, ram, &pte);
        if (done < 0)
            return fail(w, access_cause[w->access]) - 1;
        if (done > 0 && !leaf(w, (unsigned)level, pte, out))
            return -1;
        return done;
    }
    return fail(w, page_cause[w->access]) - 1;
}

bool riscv_translate(struct cpu *c, uint64_t va, unsigned size,
                     enum access access, bool probe, struct translation *out)
{
    struct riscv_cpu *g = riscv(c);
    struct walk w = {g, va, access, PRIV_U, probe};
    int found;

    w.priv = access == ACCESS_FETCH ? g->priv : data_priv(g);
    if (w.priv == PRIV_M || g->satp >> 60 == 0) {
        *out = (struct translation){va, PAGE_SIZE, true, true, true, false};
        return check_physical(&w, size, out);
    }
    /* Bits 63 to 39 equal bit 38, priv 4.4.1. */
    if ((int64_t)(va << 25) >> 25 != (int64_t)va)
        return fail(&w, page_cause[access]);
    do {
        found = descend(&w, out);
    } while (found == 0);
    return found > 0 && check_physical(&w, size, out);
}
