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
    info->fn = g->insn->rec == g->b->first ? g->insn->fn : NULL;
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
                      unsigned size, bool write)
{
    const uint32_t n = g->j->n_sites;

    if (!new_site(g, base, disp, size, write))
        return;
    emit_compare(g, n, temp, base, disp,
                 -(int32_t)PAGE_SIZE | (int32_t)(size - 1));
    e_op_rip(&g->e, true, 0x8b, temp, &g->j->sites[n].addend);
}

/* The check of a span, by both of its ends; or what it left. */
static void emit_span(struct gen *g, int temp, int base, unsigned size,
                      bool write)
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
    if (n->op != IR_ADD || g->reg[r] != NO_REG || g->uses[r] > 1 ||
        !constant(g, n->b, &k) || !fits32(k) ||
        k > MAX_DISP)
        return false;
    *disp = (int32_t)k;
    return true;
}

/*
 * Check an access of `size` bytes at the address of node r: what to add to
 * the base (the result) and *disp for the host's address is in *addend.
 */
static int address(struct gen *g, ir_ref r, int32_t *disp, bool write,
                   unsigned size, int *addend)
{
    const struct ir_node *n = node(g, r);
    int base, other;

    if (g->b->spans && g->insn->leader >= 0) {
        *disp = g->insn->disp;
        base = value(g, g->insn->base, NO_REG);
        *addend = take_temp(g);
        if (!g->failed)
            emit_span(g, *addend, base, size, write);
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
        emit_site(g, *addend, base, *disp, size, write);
    }
    return base;
}

/* Give back the register of an address. */
static void address_done(struct gen *g, ir_ref r, int base, int addend)
{
    int32_t disp;

    drop(g, addend);
    if (g->b->spans && g->insn->leader >= 0)
        used(g, g->insn->base, base);
    else
        used(g, displaced(g, r, &disp) ? node(g, r)->a : r, base);
}

int load(struct gen *g, const struct ir_node *n, int want, unsigned sign_to)
{
    unsigned bits = ir_bits(n->type);
    int32_t disp;
    int addend, base, d;

    /* Neither vectors nor what other guests ask of an access. */
    if (n->imm || bits > 64) {
        g->failed = true;
        return RAX;
    }
    base = address(g, n->a, &disp, false, bits / 8, &addend);
    if (g->failed)
        return RAX;
    address_done(g, n->a, base, addend);
    d = result(g, want);
    switch (bits) {
    case 8:
        e_op_mem(&g->e, sign_to != 0, sign_to ? 0x0fbe : 0x0fb6, d, addend,
                 base, 0, disp);
        break;
    case 16:
        e_op_mem(&g->e, sign_to != 0, sign_to ? 0x0fbf : 0x0fb7, d, addend,
                 base, 0, disp);
        break;
    case 32:
        e_op_mem(&g->e, sign_to != 0, sign_to ? 0x63 : 0x8b, d, addend, base, 0,
                 disp);
        break;
    default:
        e_op_mem(&g->e, true, 0x8b, d, addend, base, 0, disp);
    }
    return d;
}

void store(struct gen *g, const struct ir_node *n)
{
    unsigned bits = ir_bits(n->type);
    ir_ref rv = low_part(g, n->b);
    int64_t k;
    int32_t disp;
    int addend, base, v;

    if (n->imm || bits > 64) {
        g->failed = true;
        return;
    }
    base = address(g, n->a, &disp, true, bits / 8, &addend);
    if (bits == 64 && constant(g, n->b, &k) && fits32(k) && !g->failed) {
        e_op_mem(&g->e, true, 0xc7, 0, addend, base, 0, disp);
        e32(&g->e, (uint32_t)k);
        address_done(g, n->a, base, addend);
        return;
    }
    v = value(g, rv, NO_REG);
    if (g->failed)
        return;
    if (bits == 8) {
        e_rex(&g->e, false, v, base, addend, true);
        e8(&g->e, 0x88);
        e_modrm_mem(&g->e, v, addend, base, 0, disp);
    } else {
        if (bits == 16)
            e8(&g->e, 0x66);
        e_op_mem(&g->e, bits == 64, 0x89, v, addend, base, 0, disp);
    }
    used(g, rv, v);
    address_done(g, n->a, base, addend);
}

/* ----------------------------------------------------------- the slow side */

static const uint8_t *interpret(const struct jit *j, uint64_t *regs,
                                const struct site_info *s)
{
    regs[RAX] = (uintptr_t)s->rec;
    regs[RCX] = s->fn ? (uintptr_t)s->fn : (uintptr_t)s->rec->fn;
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

    c->cur = s->rec;
    c->budget = budget;
    switch (tlb_want(c, va, s->size, s->write ? ACCESS_WRITE : ACCESS_READ)) {
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
