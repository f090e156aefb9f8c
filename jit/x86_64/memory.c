/*
 * Loads and stores through the soft TLB.
 *
 * Each access has a site beside the code, which remembers the entry of the
 * TLB that it used last: most accesses stay on one page for a while, and the
 * host's address is then one load away that depends on nothing.  An access
 * that changes its page too often, or is not aligned, is marked as plain and
 * its block compiled once more: then it looks in the TLB itself.
 *
 * What the TLB does not have is looked up here; what it cannot have (MMIO,
 * pages with code, accesses across pages) is the interpreter's.
 */
#include "jit/x86_64/gen.h"

/* A miss this few instructions after the last one is a bad sign; so many of
 * them in a row make an access plain. */
#define SOON 400
#define PATIENCE 32
/* So many times a span may cross a page, or an access not be aligned. */
#define MAX_CROSSED 4

/*
 * A look into the TLB, with another temporary; leaves the addend in temp.
 * Returns the jump of a miss.
 */
static uint8_t *emit_lookup(struct emit *e, int temp, int other, int base,
                            int32_t disp, unsigned size, bool write)
{
    const int32_t table = write ? CPU(write) : CPU(read);
    uint8_t *miss;

    e_lea(e, other, base, NO_REG, 0, disp);
    e_shift_imm(e, false, SHIFT_SHR, other, PAGE_BITS - 4);
    /* The last byte's page: an access across pages has no entry. */
    e_lea(e, temp, base, NO_REG, 0, disp + (int32_t)size - 1);
    e_alu_imm(e, true, ALU_AND, temp, -(int32_t)PAGE_SIZE);
    e_alu_mem(e, true, ALU_OR, temp, RBP, CPU(data_context));
    e_alu_imm(e, false, ALU_AND, other, (int32_t)((TLB_SIZE - 1) << 4));
    e_op_mem(e, true, 0x3b, temp, RBP, other, 0,
             table + (int32_t)offsetof(struct tlb_entry, tag));
    miss = e_jcc(e, CC_NE);
    e_op_mem(e, true, 0x8b, temp, RBP, other, 0,
             table + (int32_t)offsetof(struct tlb_entry, addend));
    return miss;
}

static struct site_info *new_site(struct gen *g, int base, int32_t disp,
                                  unsigned size, bool write)
{
    struct jit *j = g->j;
    struct site_info *info;

    if (j->n_sites == j->max_sites) {
        g->e.full = true;
        return NULL;
    }
    info = &j->infos[j->n_sites++];
    memset(info, 0, sizeof(*info));
    info->rec = g->insn->rec;
    info->fn = jit_handler(g->b, g->insn->rec);
    info->disp = disp;
    info->base = (uint8_t)base;
    info->insn = (uint8_t)(g->insn - g->b->insns);
    info->first = g->b->first;
    info->size = (uint8_t)size;
    info->write = write;
    info->start = (uint32_t)(g->e.at - g->j->code.write);
    return info;
}

/* Is base + disp, less the bits of `mask`, on the page of site n? */
static void emit_compare(struct gen *g, uint32_t n, int temp, int base,
                         int32_t disp, int32_t mask)
{
    struct emit *e = &g->e;

    e_lea(e, temp, base, NO_REG, 0, disp);
    e_alu_imm(e, true, ALU_AND, temp, mask);
    e_alu_mem(e, true, ALU_XOR, temp, RBP, CPU(data_context));
    e_op_rip(e, true, 0x3b, temp, &g->j->sites[n].tag);
    add_out(g, OUT_SITE, e_jcc(e, CC_NE), NULL, (int32_t)n);
}

/* The check by a site of its own.  What is left of an address that is not
 * aligned is no tag. */
static void emit_site(struct gen *g, int temp, int base, int32_t disp,
                      unsigned size, bool write, uint8_t space)
{
    const uint32_t n = g->j->n_sites;
    struct site_info *info = new_site(g, base, disp, size, write);

    if (!info)
        return;
    info->space = space;
    emit_compare(g, n, temp, base, disp,
                 -(int32_t)PAGE_SIZE | (int32_t)(size - 1));
    e_op_rip(&g->e, true, 0x8b, temp, &g->j->sites[n].addend);
}

/* The check of a span, by both of its ends; or what it left. */
static void emit_span(struct gen *g, int temp, int base, unsigned size,
                      bool write, uint8_t space)
{
    const struct jit_insn *i = g->insn;
    struct jit_insn *leader = &g->b->insns[i->leader];
    struct site_info *info;

    if (leader == i) {
        leader->site = g->j->n_sites;
        info = new_site(g, base, i->disp, size, write);
        if (!info)
            return;
        info->span = true;
        info->space = space;
        info->lo = i->lo;
        info->hi = i->hi;
        emit_compare(g, i->site, temp, base, i->lo, -(int32_t)PAGE_SIZE);
        emit_compare(g, i->site, temp, base, i->hi - 1, -(int32_t)PAGE_SIZE);
    } else {
        g->j->counters.spans++;
    }
    e_op_rip(&g->e, true, 0x8b, temp, &g->j->sites[leader->site].addend);
}

/* Is the address of node r a register and a constant?  Where addresses have
 * 32 bits, a sum beyond them is on no page of the TLB, and is left to the
 * interpreter. */
static bool displaced(const struct gen *g, ir_ref r, int32_t *disp)
{
    const struct ir_node *n = node(g, r);
    int64_t k;

    *disp = 0;
    if ((n->op != IR_ADD && n->op != IR_SUB) || g->reg[r] != NO_REG ||
        g->uses[r] > 1 || !constant(g, n->b, &k) || !fits32(k))
        return false;
    if (n->op == IR_SUB)
        k = -k;
    if (k > MAX_DISP || !fits32(k))
        return false;
    *disp = (int32_t)k;
    return true;
}

/* Does the check of another access serve this one?  Not if code was entered
 * in between. */
static bool in_span(const struct gen *g)
{
    return g->b->spans && g->insn->leader >= (int)g->resumed;
}

/*
 * Check an access of `size` bytes at the address of node r: what to add to
 * the base (the result) and *disp for the host's address is in *addend.
 */
static int address(struct gen *g, const struct ir_node *a, int32_t *disp,
                   bool write, int *addend)
{
    const unsigned size = ir_bits(a->type) / 8;
    const ir_ref r = a->a;
    const struct ir_node *n = node(g, r);
    int base, other;

    if (in_span(g)) {
        *disp = g->insn->disp;
        base = value(g, g->insn->base, NO_REG);
        *addend = take_temp(g);
        if (!g->failed)
            emit_span(g, *addend, base, size, write, (uint8_t)(a->imm >> 8));
        return base;
    }
    base = value(g, displaced(g, r, disp) ? n->a : r, NO_REG);
    *addend = take_temp(g);
    if (g->failed)
        return base;
    if (!g->b->whole || jit_off(g->j, JIT_SITES) ||
        (block_entry(g->b->first)->plain >> (g->insn - g->b->insns) & 1)) {
        other = take_temp(g);
        if (g->failed)
            return base;
        add_out(g, OUT_RECORD,
                emit_lookup(&g->e, *addend, other, base, *disp, size, write),
                g->insn->rec, 0);
        drop(g, other);
    } else {
        emit_site(g, *addend, base, *disp, size, write, (uint8_t)(a->imm >> 8));
    }
    return base;
}

/* Give back the register of an address. */
static void address_done(struct gen *g, ir_ref r, int base, int addend)
{
    int32_t disp;

    drop(g, addend);
    if (in_span(g))
        used(g, g->insn->base, base);
    else
        used(g, displaced(g, r, &disp) ? node(g, r)->a : r, base);
}

/* Vectors are the interpreter's. */
static bool can_access(struct gen *g, const struct ir_node *n)
{
    if (ir_bits(n->type) > 64)
        g->failed = true;
    return !g->failed;
}

/* Will this instruction write where it reads? */
static bool written_later(const struct gen *g, const struct ir_node *load)
{
    for (uint32_t i = g->insn->ir_first; i < g->insn->ir_end; i++) {
        const struct ir_node *n = &g->b->ir.nodes[i];

        if (n->op == IR_STORE && n->a == load->a && n->type == load->type)
            return true;
    }
    return false;
}

static void emit_load(struct emit *e, unsigned bits, bool sign, int d,
                      int addend, int base, int32_t disp)
{
    switch (bits) {
    case 8:
        e_op_mem(e, sign, sign ? 0x0fbe : 0x0fb6, d, addend, base, 0, disp);
        break;
    case 16:
        e_op_mem(e, sign, sign ? 0x0fbf : 0x0fb7, d, addend, base, 0, disp);
        break;
    case 32:
        e_op_mem(e, sign, sign ? 0x63 : 0x8b, d, addend, base, 0, disp);
        break;
    default:
        e_op_mem(e, true, 0x8b, d, addend, base, 0, disp);
    }
}

/* A look into the TLB lets by what is not aligned; that holds the bus. */
static void check_aligned(struct gen *g, int base, int32_t disp, unsigned size)
{
    const int t = take_temp(g);

    e_lea(&g->e, t, base, NO_REG, 0, disp);
    e_alu_imm(&g->e, false, ALU_AND, t, (int32_t)size - 1);
    drop(g, t);
    interpret_if(g, CC_NE);
}

int load(struct gen *g, const struct ir_node *n, int want, unsigned sign_to)
{
    const bool write = n->imm & IR_TO_WRITE, locked = n->imm & IR_LOCKED;
    int32_t disp;
    int addend, base, d;

    if (!can_access(g, n))
        return RAX;
    base = address(g, n, &disp, write, &addend);
    if (g->failed)
        return RAX;
    g->loaded[n - g->b->ir.nodes] = 1;
    if (write && written_later(g, n)) {
        g->rmw.address = n->a;
        g->rmw.ref = in_span(g) ? g->insn->base : n->a;
        g->rmw.base = base;
        g->rmw.addend = addend;
        g->rmw.disp = disp;
    } else {
        address_done(g, n->a, base, addend);
        g->failed |= locked;
    }
    if (locked)
        check_aligned(g, base, disp, ir_bits(n->type) / 8);
    d = result(g, want);
    emit_load(&g->e, ir_bits(n->type), sign_to != 0, d, addend, base, disp);
    if (locked) {
        g->rmw.old = take_temp(g);
        e_mov(&g->e, g->rmw.old, d);
    }
    return d;
}

/* Is something of the instruction committed before node n? */
static bool committed(const struct gen *g, const struct ir_node *n)
{
    for (uint32_t i = g->ir_first; node(g, (ir_ref)i) != n; i++)
        if (ir_effects(node(g, (ir_ref)i)) & IR_COMMITS)
            return true;
    return false;
}

/*
 * Write v where `old` was read, as one access: if something else stands there
 * meanwhile, the interpreter does the instruction.
 */
static void exchange(struct gen *g, const struct ir_node *n, int v)
{
    const int old = g->rmw.old;
    int base = g->rmw.base, addend = g->rmw.addend;

    g->failed |= committed(g, n);
    if (old != RAX) {
        e_xchg(&g->e, RAX, old);
        base = base == RAX ? old : base;
        addend = addend == RAX ? old : addend;
        v = v == RAX ? old : v;
    }
    e_lock_cmpxchg(&g->e, ir_bits(n->type), addend, base, g->rmw.disp, v);
    if (old != RAX)
        e_xchg(&g->e, RAX, old);
    drop(g, old);
    interpret_if(g, CC_NE);
}

/* To where the same instruction has read from. */
static void store_back(struct gen *g, const struct ir_node *n, int v)
{
    if (n->imm & IR_LOCKED)
        exchange(g, n, v);
    else
        e_store_part(&g->e, ir_bits(n->type), g->rmw.addend, g->rmw.base,
                     g->rmw.disp, v);
    drop(g, g->rmw.addend);
    used(g, g->rmw.ref, g->rmw.base);
    if (g->rmw.ref == n->a) /* the load's use, and the store's */
        used(g, n->a, g->rmw.base);
    g->rmw.address = IR_NONE;
}

/* Is the value of a store made of a load?  That comes first: it may fault. */
static bool loads(const struct gen *g, ir_ref r)
{
    for (uint32_t i = g->ir_first; i <= r; i++)
        if (node(g, (ir_ref)i)->op == IR_LOAD && g->reg[i] == NO_REG &&
            tree_has(g, r, i))
            return true;
    return false;
}

void store(struct gen *g, const struct ir_node *n)
{
    const unsigned bits = ir_bits(n->type);
    ir_ref rv = low_part(g, n->b);
    int64_t k;
    int32_t disp;
    int addend, base, v = NO_REG;

    if (!can_access(g, n))
        return;
    g->failed |= n->imm & IR_LOCKED && g->rmw.address != n->a;
    if (g->rmw.address == n->a || loads(g, rv))
        v = value_low(g, rv);
    if (g->failed)
        return;
    if (g->rmw.address == n->a) {
        store_back(g, n, v);
        used(g, rv, v);
        return;
    }
    base = address(g, n, &disp, true, &addend);
    if (v == NO_REG && bits == 64 && constant(g, n->b, &k) && fits32(k) &&
        !g->failed) {
        e_op_mem(&g->e, true, 0xc7, 0, addend, base, 0, disp);
        e32(&g->e, (uint32_t)k);
        address_done(g, n->a, base, addend);
        return;
    }
    if (v == NO_REG)
        v = value_low(g, rv);
    if (g->failed)
        return;
    e_store_part(&g->e, bits, addend, base, disp, v);
    used(g, rv, v);
    address_done(g, n->a, base, addend);
}

/* ----------------------------------------------------------- the slow side */

static const uint8_t *interpret(const struct jit *j, uint64_t *regs,
                                const struct site_info *s)
{
    regs[RAX] = (uintptr_t)s->rec;
    regs[RCX] = (uintptr_t)s->fn;
    return j->exit_record;
}

/* Has it missed so often, each time soon after another? */
static bool wanders(const struct jit *j, struct site_info *s, uint32_t n,
                    int64_t budget)
{
    const int64_t since = s->budget - budget;

    s->budget = budget;
    if (j->sites[n].tag == TLB_EMPTY || since < 0 || since >= SOON)
        s->bad = 0;
    else
        s->bad++;
    return s->bad >= PATIENCE;
}

/* This access had better be plain; or its span be checked one by one.  Let
 * the block be compiled anew, and go on in the interpreter. */
static const uint8_t *give_up(struct cpu *c, uint64_t *regs,
                              const struct site_info *s)
{
    struct rec *first = (struct rec *)(uintptr_t)s->first;
    struct block_entry *e = block_entry(first);
    const uint64_t insn = (uint64_t)1 << s->insn;
    struct jit *j = (struct jit *)c->jit;

    if (s->span) {
        j->counters.narrowed += !e->narrow;
        e->narrow = true;
    } else {
        j->counters.plain += !(e->plain & insn);
        e->plain |= insn;
    }
    c->compile = first;
    return interpret(j, regs, s);
}

static bool crosses(const uint64_t *regs, const struct site_info *s)
{
    const uint64_t base = regs[s->base];

    return ((base + (uint64_t)(int64_t)s->lo) ^
            (base + (uint64_t)(int64_t)s->hi - 1)) &
           PAGE_MASK;
}

const uint8_t *site_missed(struct cpu *c, uint64_t *regs, uint32_t n)
{
    struct jit *j = (struct jit *)c->jit;
    struct site_info *s = &j->infos[n];
    const uint64_t va = regs[s->base] + (uint64_t)(int64_t)s->disp;
    const int64_t budget = (int64_t)regs[RDI];
    enum tlb_found found;

    c->cur = s->rec;
    c->budget = budget;
    c->space = s->space;
    found = tlb_want(c, va, s->size, s->write ? ACCESS_WRITE : ACCESS_READ);
    c->space = 0;
    switch (found) {
    case TLB_FAULT:
        return j->exit_fault;
    case TLB_NONE:
        return interpret(j, regs, s);
    case TLB_FOUND:
        break;
    }
    j->counters.sites++;
    if (s->span ? crosses(regs, s) : va & (s->size - 1u))
        return ++s->crossed < MAX_CROSSED ? interpret(j, regs, s)
                                          : give_up(c, regs, s);
    if (wanders(j, s, n, budget))
        return give_up(c, regs, s);
    jit_remember(j, n, (s->write ? c->write : c->read) + tlb_index(va));
    return j->code.run + s->start;
}
