/*
 * Paging: 32 bits (with PSE and PSE-36), PAE, 4 and 5 levels; and what the
 * translations of the soft TLB hold for.
 *
 * SDM 3-4.  One walker serves all; they differ by a row of a table.  Accessed
 * bits of tables are set on the way down, those of the page when the access is
 * allowed, by compare-and-swap on what was looked at; an entry that changed
 * under us makes the walk start again.
 *
 * Contexts: a load of CR3 gives an address space new numbers, which forgets
 * all that it had; with PCIDs a load that keeps translations finds the old
 * ones.  Global pages are kept beside, under numbers that only x86_flush()
 * changes.
 *
 * The segment's limit is looked at where instructions are fetched: the page
 * that it ends in is good for one instruction at a time, and fetches beyond
 * are of a context of their own.
 *
 * Memory types have no effect: all memory has the order of write-back.
 */
#include "cpu/x86/system.h"

#include "cpu/core/atomic.h"

enum pte_bits {
    PTE_P = 1 << 0,
    PTE_W = 1 << 1,
    PTE_U = 1 << 2,
    PTE_A = 1 << 5,
    PTE_D = 1 << 6,
    PTE_PS = 1 << 7,
    PTE_G = 1 << 8,
};
#define PTE_NX ((uint64_t)1 << 63)

enum error_bits {
    PF_P = 1 << 0,
    PF_W = 1 << 1,
    PF_U = 1 << 2,
    PF_RSVD = 1 << 3,
    PF_I = 1 << 4,
    PF_PK = 1 << 5,
};

#define ADDRESS_BITS UINT64_C(0x000ffffffffff000)

/* ------------------------------------------------------------- canonical */

static bool canonical(uint64_t va, bool wide)
{
    const unsigned spare = wide ? 7 : 16;

    return (uint64_t)((int64_t)(va << spare) >> spare) == va;
}

bool x86_canonical_va(const struct x86_cpu *g, uint64_t va)
{
    return canonical(va, g->cr4 & CR4_LA57);
}

bool x86_canonical_base(const struct x86_cpu *g, uint64_t va)
{
    return canonical(va, x86_has(g, X86_LA57));
}

/* The end of the address space comes before any page's fault. */
bool x86_crosses(struct cpu *c, uint64_t va, unsigned size)
{
    struct x86_cpu *g = x86(c);

    return !x86_long(g) || x86_canonical_va(g, va + size - 1) ||
           x86_fault(c, c->space == SEG_SS + 1 ? VECTOR_SS : VECTOR_GP, 0);
}

/* --------------------------------------------------------------- contexts */

/* Keys: who asks, as far as translations differ by it. */
enum {
    KEY_USER = 1,
    KEY_SMAP = 2,      /* and it keeps the supervisor from users' pages */
    KEY_ALIGNED = 4,   /* nothing may be remembered: each access is checked */
    KEY_END_SHIFT = 8, /* the first page behind the code segment */
    KEY_GLOBAL = KEY_USER | KEY_SMAP, /* what global entries are kept for */
};

static struct x86_context *new_context(struct x86_cpu *g, uint64_t cr3,
                                       uint64_t key)
{
    struct x86_context *slot;

    if (g->next_context == TLB_CONTEXT_END) {
        cpu_flush_tlb(&g->core);
        for (unsigned i = 0; i < X86_CONTEXTS; i++)
            g->contexts[i].key = UINT64_MAX;
        g->next_context = 0;
    }
    slot = &g->contexts[g->next_context / TLB_CONTEXT_STEP % X86_CONTEXTS];
    *slot = (struct x86_context){cr3, key, g->next_context};
    g->next_context += TLB_CONTEXT_STEP;
    return slot;
}

static uint32_t context_for(struct x86_cpu *g, uint64_t cr3, uint64_t key)
{
    /* The one of this kind that was used last is the likeliest. */
    uint8_t *hint = &g->context_hint[key & 7];
    const struct x86_context *x = &g->contexts[*hint];

    if (x->key == key && x->cr3 == cr3)
        return x->number;
    for (unsigned i = 0; i < X86_CONTEXTS; i++) {
        x = &g->contexts[i];
        if (x->key == key && x->cr3 == cr3) {
            *hint = (uint8_t)i;
            return x->number;
        }
    }
    x = new_context(g, cr3, key);
    *hint = (uint8_t)(x - g->contexts);
    return x->number;
}

/* What address spaces are told apart by: with PCIDs all of CR3. */
static uint64_t space_of(const struct x86_cpu *g)
{
    return g->cr4 & CR4_PCIDE ? g->cr3 : 0;
}

/* Pages from here on are behind the code segment; 0: none is. */
static uint64_t code_end(const struct x86_cpu *g)
{
    const struct x86_segment *cs = &g->segment[SEG_CS];

    if (x86_long(g) || cs->limit == UINT32_MAX)
        return 0;
    return (cs->base + cs->limit + 1) >> PAGE_BITS;
}

static bool paging(const struct x86_cpu *g)
{
    return (g->cr0 & CR0_PG) != 0;
}

/* Supervisor accesses to users' pages fault, SDM 3-4.6. */
static bool smap_on(const struct x86_cpu *g)
{
    return (g->cr4 & CR4_SMAP) && (g->system || !(g->eflags & FLAG_AC));
}

/* What global entries of a key are told by. */
static uint64_t global_number(const struct x86_cpu *g, uint64_t key)
{
    if (!(g->cr4 & CR4_PGE) || !paging(g) || key & ~(uint64_t)KEY_GLOBAL)
        return 0;
    return g->globals * TLB_CONTEXT_STEP + key;
}

void x86_update_contexts(struct x86_cpu *g)
{
    const uint64_t space = space_of(g), user = g->cpl == 3 ? KEY_USER : 0;
    const uint64_t before = g->core.data_context;
    uint64_t data = user, system = 0, fetch;
    uint32_t first;

    if (!user && (g->cr4 & CR4_SMAP) && !(g->eflags & FLAG_AC))
        data |= KEY_SMAP;
    if (g->cr4 & CR4_SMAP)
        system |= KEY_SMAP;
    if (g->align_check)
        data |= KEY_ALIGNED;
    fetch = user | code_end(g) << KEY_END_SHIFT;
    /* Numbers may start anew at any of them: then again. */
    do {
        first = context_for(g, space, data);
        g->core.data_context = first;
        g->system_context = context_for(g, space, system);
        g->core.fetch_context = context_for(g, space, fetch);
    } while (context_for(g, space, data) != first);
    if (first != before)
        tlb_forget_near(&g->core);
    g->core.global_data = global_number(g, data);
    g->system_global = global_number(g, system);
    g->core.global_fetch = global_number(g, fetch);
    g->core.jump_context =
        JUMP_CONTEXT(g->core.fetch_context, (uint64_t)g->mode);
}

static void flush_spaces(struct x86_cpu *g)
{
    for (unsigned i = 0; i < X86_CONTEXTS; i++)
        g->contexts[i].key = UINT64_MAX;
    x86_update_contexts(g);
    g->core.leave = true;
}

void x86_flush(struct x86_cpu *g)
{
    if (++g->globals >= TLB_CONTEXT_END / TLB_CONTEXT_STEP) {
        tlb_forget_global(&g->core);
        g->globals = 1;
    }
    flush_spaces(g);
}

#define PCID_MASK UINT64_C(0xfff)

static void forget_pcid(struct x86_cpu *g, uint64_t pcid)
{
    for (unsigned i = 0; i < X86_CONTEXTS; i++)
        if ((g->contexts[i].cr3 & PCID_MASK) == pcid)
            g->contexts[i].key = UINT64_MAX;
}

void x86_flush_space(struct x86_cpu *g, uint64_t cr3)
{
    forget_pcid(g, g->cr4 & CR4_PCIDE ? cr3 & PCID_MASK : 0);
}

bool x86_invlpg(struct cpu *c, uint8_t segment, uint64_t off)
{
    struct x86_cpu *g = x86(c);
    uint64_t va = off;

    if (!x86_privileged(c))
        return false;
    if (!x86_long(g))
        va = (uint32_t)(off + g->segment[segment].base);
    else if (segment >= SEG_FS)
        va += g->segment[segment].base;
    if (!cpu_flush_page(c, va))
        x86_flush(g);
    c->leave = true;
    return true;
}

/* SDM 2, INVPCID: type 0 one address, 1 one PCID, 2 all, 3 all but globals. */
bool x86_invpcid(struct cpu *c, uint64_t type, uint64_t lo, uint64_t hi)
{
    struct x86_cpu *g = x86(c);

    if (!(g->cr0 & CR0_PE))
        return x86_fault(c, VECTOR_UD, 0);
    if (x86_v86(g) || g->cpl || type > 3 || lo >> 12)
        return x86_fault(c, VECTOR_GP, 0);
    if (type < 2 && !(g->cr4 & CR4_PCIDE) && lo)
        return x86_fault(c, VECTOR_GP, 0);
    if (type == 0) {
        if (!x86_canonical_base(g, hi))
            return x86_fault(c, VECTOR_GP, 0);
        if (!cpu_flush_page(c, hi))
            x86_flush(g);
    } else if (type == 1) {
        forget_pcid(g, lo);
        x86_update_contexts(g);
    } else if (type == 2) {
        x86_flush(g);
    } else {
        flush_spaces(g);
    }
    c->leave = true;
    return true;
}

/* ------------------------------------------------------------------- walk */

/* A scheme of translation. */
struct scheme {
    uint8_t levels, index_bits, pte_size;
    uint8_t large; /* levels, by bits, at which PS may make a page */
};
static const struct scheme bits32 = {2, 10, 4, 1 << 1};
static const struct scheme pae = {2, 9, 8, 1 << 1}; /* below the PDPTEs */
static const struct scheme four = {4, 9, 8, 1 << 1 | 1 << 2};
static const struct scheme five = {5, 9, 8, 1 << 1 | 1 << 2};

struct walk {
    struct x86_cpu *g;
    const struct scheme *scheme;
    uint64_t va;
    enum access access;
    bool user, probe;
    uint64_t rights; /* PTE_W, PTE_U of all levels; PTE_NX of any */
};

struct pte {
    uint64_t pa;
    uint8_t *host; /* NULL: not RAM */
    struct ram *ram;
    uint64_t value;
    unsigned level;
};

enum step { STEP_FAULT, STEP_AGAIN, STEP_DONE };

static enum step page_fault(const struct walk *w, unsigned bits)
{
    struct x86_cpu *g = w->g;
    unsigned error = bits;

    if (w->probe)
        return STEP_FAULT;
    if (w->access == ACCESS_WRITE)
        error |= PF_W;
    if (w->user)
        error |= PF_U;
    if (w->access == ACCESS_FETCH &&
        ((g->cr4 & CR4_SMEP) || ((g->cr4 & CR4_PAE) && (g->efer & EFER_NXE))))
        error |= PF_I;
    g->fault_address = w->va;
    x86_raise(&g->core, VECTOR_PF, error);
    return STEP_FAULT;
}

/* Tables are mostly RAM; what is not reads as the bus has it.  false: lockstep
 * wants to see that outside of its window. */
static bool read_entry(const struct walk *w, struct pte *e)
{
    const unsigned size = w->scheme->pte_size;
    struct cpu *c = &w->g->core;

    e->pa &= w->g->pa_mask;
    e->host = cpu_ram(c, e->pa, size, &e->ram);
    if (e->host) {
        e->value = atomic_load_le(e->host, size);
        return true;
    }
    if (cpu_outside(c))
        return false;
    e->value = x86_mask(size);
    memory_read(c->env.memory, e->pa, size, &e->value);
    return true;
}

/* Set bits in an entry, if it is still what was looked at. */
static enum step set_bits(const struct walk *w, struct pte *e, uint64_t bits)
{
    struct cpu *c = &w->g->core;

    if ((e->value & bits) == bits || w->probe || !e->host)
        return STEP_DONE;
    cpu_will_write(c, e->ram, e->host, e->pa);
    if (!atomic_cas(e->host, w->scheme->pte_size, e->value, e->value | bits))
        return STEP_AGAIN;
    e->value |= bits;
    memory_wrote(c->env.memory, e->ram, (uint64_t)(e->host - e->ram->host),
                 w->scheme->pte_size);
    return STEP_DONE;
}

static bool is_large(const struct walk *w, const struct pte *e)
{
    const struct x86_cpu *g = w->g;

    if (!(e->value & PTE_PS) || !(w->scheme->large >> e->level & 1))
        return false;
    if (w->scheme == &bits32)
        return (g->cr4 & CR4_PSE) != 0;
    return e->level == 1 || x86_has(g, X86_PAGE1G);
}

static uint64_t page_size(const struct walk *w, const struct pte *e)
{
    return PAGE_SIZE << (w->scheme->index_bits * e->level);
}

/* Bits that must be 0. */
static uint64_t reserved(const struct walk *w, const struct pte *e, bool leaf)
{
    const struct x86_cpu *g = w->g;
    const uint64_t high = ADDRESS_BITS & ~(((uint64_t)1 << g->phys_bits) - 1);
    uint64_t bits = 0;

    if (w->scheme == &bits32) {
        if (!leaf || e->level == 0)
            return 0;
        if (!x86_has(g, X86_PSE36))
            return 0x3fe000;
        return 1 << 21 | (g->phys_bits < 40
                              ? 0x1fe000 & ~((1u << (g->phys_bits - 19)) - 1)
                              : 0);
    }
    bits = high;
    if (!(g->efer & EFER_NXE))
        bits |= PTE_NX;
    if (w->scheme == &pae)
        bits |= UINT64_C(0x7ff0000000000000);
    else if (!leaf && e->level >= 2)
        bits |= PTE_PS;
    if (leaf && e->level)
        bits |= (page_size(w, e) - 1) & UINT64_C(0x3fffe000);
    return bits;
}

/* Where a leaf's page begins. */
static uint64_t leaf_base(const struct walk *w, const struct pte *e)
{
    uint64_t base = e->value & ADDRESS_BITS & ~(page_size(w, e) - 1);

    if (w->scheme == &bits32 && e->level == 1) {
        base &= 0xffc00000;
        if (x86_has(w->g, X86_PSE36))
            base |= (e->value >> 13 & 0xff) << 32;
    }
    return base;
}

/* SDM 3-4.6: what the rights of all levels allow. */
static void permit(const struct walk *w, struct translation *out)
{
    const struct x86_cpu *g = w->g;
    const bool users = w->rights & PTE_U, write = w->rights & PTE_W;
    const bool nx = w->rights & PTE_NX;

    if (w->user) {
        out->read = users;
        out->write = users && write;
        out->exec = users && !nx;
        return;
    }
    out->read = !users || !smap_on(g);
    out->write = out->read && (write || !(g->cr0 & CR0_WP));
    out->exec = !nx && !(users && (g->cr4 & CR4_SMEP));
}

/* SDM 3-4.6.2: the page's protection key denies data accesses, or writes. */
static bool key_denies(const struct walk *w, unsigned key, bool write)
{
    const struct x86_cpu *g = w->g;
    const bool users = w->rights & PTE_U;
    unsigned rights;

    if (!x86_lma(g) || !(g->cr4 & (users ? CR4_PKE : CR4_PKS)))
        return false;
    rights = (unsigned)((users ? g->pkru : g->pkrs) >> 2 * key & 3);
    return rights & 1 ||
           (write && rights & 2 && (w->user || (g->cr0 & CR0_WP)));
}

static bool permitted(enum access access, const struct translation *t)
{
    return access == ACCESS_READ    ? t->read
           : access == ACCESS_WRITE ? t->write
                                    : t->exec;
}

static enum step leaf(struct walk *w, struct pte *e, struct translation *out)
{
    const uint64_t size = page_size(w, e);
    const unsigned key = e->value >> 59 & 15;
    unsigned error = PF_P;
    enum step step;

    permit(w, out);
    if (key_denies(w, key, false))
        out->read = false;
    if (key_denies(w, key, true))
        out->write = false;
    if (!permitted(w->access, out) && !w->probe) {
        if (w->access != ACCESS_FETCH &&
            key_denies(w, key, w->access == ACCESS_WRITE))
            error |= PF_PK;
        return page_fault(w, error);
    }
    step = set_bits(w, e, PTE_A | (w->access == ACCESS_WRITE ? PTE_D : 0));
    if (step != STEP_DONE)
        return step;
    out->pa = leaf_base(w, e) | (w->va & (size - 1));
    out->page = size;
    out->write = out->write && (e->value & PTE_D);
    out->global = (e->value & PTE_G) && (w->g->cr4 & CR4_PGE);
    return STEP_DONE;
}

/* One way down the tables. */
static enum step descend(struct walk *w, struct translation *out)
{
    const struct scheme *s = w->scheme;
    uint64_t table = w->g->cr3 & ADDRESS_BITS;
    struct pte e;

    w->rights = PTE_W | PTE_U;
    if (s == &bits32)
        table = w->g->cr3 & 0xfffff000;
    if (s == &pae) {
        uint64_t pdpte = w->g->pdpte[w->va >> 30 & 3];

        if (!(pdpte & PTE_P))
            return page_fault(w, 0);
        table = pdpte & ADDRESS_BITS;
    }
    for (e.level = s->levels; e.level-- > 0;) {
        uint64_t index = w->va >> (PAGE_BITS + s->index_bits * e.level) &
                         ((1u << s->index_bits) - 1);
        bool last;
        enum step step;

        e.pa = table + index * s->pte_size;
        if (!read_entry(w, &e))
            return STEP_FAULT;
        if (!(e.value & PTE_P))
            return page_fault(w, 0);
        last = e.level == 0 || is_large(w, &e);
        if (e.value & reserved(w, &e, last))
            return page_fault(w, PF_P | PF_RSVD);
        w->rights = (w->rights & e.value & (PTE_W | PTE_U)) |
                    ((w->rights | e.value) & PTE_NX);
        if (last)
            return leaf(w, &e, out);
        step = set_bits(w, &e, PTE_A);
        if (step != STEP_DONE)
            return step;
        table = e.value & (s == &bits32 ? 0xfffff000 : ADDRESS_BITS);
    }
    return page_fault(w, 0);
}

bool x86_load_pdptes(struct x86_cpu *g, uint64_t cr3)
{
    const uint64_t bad = UINT64_C(0x1e6) | ~(((uint64_t)1 << g->phys_bits) - 1);
    struct walk w = {.g = g, .scheme = &pae};
    uint64_t loaded[4];

    for (unsigned i = 0; i < 4; i++) {
        struct pte e = {.pa = (cr3 & 0xffffffe0) + 8 * i};

        if (!read_entry(&w, &e))
            return false;
        if ((e.value & PTE_P) && (e.value & bad))
            return x86_fault(&g->core, VECTOR_GP, 0);
        loaded[i] = e.value;
    }
    memcpy(g->pdpte, loaded, sizeof(loaded));
    return true;
}

/* ---------------------------------------------------------- segment, debug */

/* EIP within the code segment, and pages that the segment ends in are good
 * for this access only. */
static bool check_code(struct x86_cpu *g, uint64_t va, bool probe,
                       struct translation *out)
{
    const struct x86_segment *cs = &g->segment[SEG_CS];
    uint32_t ip = (uint32_t)(va - cs->base), to_end;

    if (g->model <= X86_MODEL_80186)
        return true;
    if (ip > cs->limit) {
        if (!probe)
            x86_raise(&g->core, VECTOR_GP, 0);
        return false;
    }
    to_end = (uint32_t)(PAGE_SIZE - 1 - (va & ~PAGE_MASK));
    if (cs->limit - ip < to_end)
        out->page = 0;
    return true;
}

unsigned x86_watch_size(const struct x86_cpu *g, unsigned n)
{
    static const uint8_t sizes[4] = {1, 2, 8, 4};

    return sizes[g->dr7 >> (18 + 4 * n) & 3];
}

/* Data breakpoints, SDM 3-18.2: pages that have one are never remembered. */
static void check_data(struct x86_cpu *g, uint64_t va, unsigned size,
                       enum access access, struct translation *out)
{
    uint32_t hit = 0;

    for (unsigned n = 0; n < 4; n++) {
        unsigned length = x86_watch_size(g, n),
                 type = g->dr7 >> (16 + 4 * n) & 3;
        uint64_t first = g->dr[n] & ~(uint64_t)(length - 1);

        if (!(g->watched >> n & 1) || ((first ^ va) & PAGE_MASK))
            continue;
        out->page = 0;
        if (va < first + length && first < va + size &&
            (access == ACCESS_WRITE || type == 3))
            hit |= 1u << n;
    }
    /* Accesses of the processor's own hit none, but their pages are not
     * remembered either: their context may be that of level 0's code. */
    if (hit && !g->system)
        x86_debug_trap(g, hit);
}

static bool check_breakpoints(struct x86_cpu *g, uint64_t va, bool probe,
                              struct translation *out)
{
    for (unsigned n = 0; n < 4; n++) {
        if (!(g->code_watched >> n & 1) || ((g->dr[n] ^ va) & PAGE_MASK))
            continue;
        out->page = 0;
        if (g->dr[n] == va && va == g->core.pc && !probe && !x86_resumes(g))
            return x86_debug_fault(g, 1u << n);
    }
    return true;
}

static bool beyond_end(struct x86_cpu *g)
{
    return x86_fault(&g->core,
                     g->core.space == SEG_SS + 1 ? VECTOR_SS : VECTOR_GP, 0);
}

static const struct scheme *scheme_of(const struct x86_cpu *g)
{
    if (x86_lma(g))
        return g->cr4 & CR4_LA57 ? &five : &four;
    return g->cr4 & CR4_PAE ? &pae : &bits32;
}

static bool translate(struct x86_cpu *g, uint64_t va, enum access access,
                      bool probe, struct translation *out)
{
    struct walk w = {.g = g, .va = va, .access = access, .probe = probe};
    enum step step;

    if (!paging(g)) {
        *out = (struct translation){.pa = va,
                                    .page = PAGE_SIZE,
                                    .read = true,
                                    .write = true,
                                    .exec = true};
        return true;
    }
    w.scheme = scheme_of(g);
    w.user = g->cpl == 3 && !g->system;
    do {
        step = descend(&w, out);
    } while (step == STEP_AGAIN);
    return step == STEP_DONE;
}

bool x86_translate(struct cpu *c, uint64_t va, unsigned size,
                   enum access access, bool probe, struct translation *out)
{
    struct x86_cpu *g = x86(c);
    struct translation checks = {.page = PAGE_SIZE};

    if (!x86_lma(g))
        va = (uint32_t)va;
    else if (!x86_canonical_va(g, va))
        return !probe && beyond_end(g);
    if (access == ACCESS_FETCH) {
        if (g->code_watched && !check_breakpoints(g, va, probe, &checks))
            return false;
        if (!x86_long(g) && !check_code(g, va, probe, &checks))
            return false;
        if (g->model <= X86_MODEL_80186) {
            /* IP has 16 bits; the page in which it wraps is two. */
            if ((va | ~PAGE_MASK) - g->cs_base > 0xffff)
                checks.page = 0;
            va = g->cs_base + (uint16_t)(va - g->cs_base);
        }
    } else if (va & X86_WRAPS && g->model <= X86_MODEL_80186) {
        checks.page = 0;
        va = x86_wrapped(va);
    }
    if (!translate(g, va, access, probe, out))
        return false;
    if (access != ACCESS_FETCH && g->watched && !probe)
        check_data(g, va, size, access, &checks);
    if (g->align_check && access != ACCESS_FETCH)
        checks.page = 0;
    if (!checks.page)
        out->page = 0;
    out->pa &= g->pa_mask;
    return true;
}
