/*
 * The x86-64 backend: IR of one block to host code, a tree at a time.
 *
 * Registers: rbp is the CPU, rdi the instruction budget; rax, rcx and rdx
 * are temporaries; the others hold the guest's hot slots, in their order,
 * across blocks.  A value is computed where it is used: GET of a hot slot is
 * its register, and a PUT's tree is computed into the register it writes.
 *
 * What an instruction does not do here it does in the interpreter, at its
 * record: an access that misses the soft TLB, an exception, an operation
 * that is not lowered.  That is always safe, because nothing of an
 * instruction is committed before its last fault point.
 *
 * Needs BMI2 (shifts by a register without rcx), BMI1, LZCNT, POPCNT.
 * Missing: floating point and atomics (interpreted, floating-point helpers
 * are called), checks served by an earlier one.
 */
#include <stdlib.h>

#include "jit/x86_64/gen.h"

/* ------------------------------------------------------------- statements */

/* Does the tree of node r read the slot as it is before node `what`, or have
 * that very node?  Operands stand before what uses them. */
static bool tree_reads(const struct gen *g, ir_ref r, uint64_t slot,
                       uint32_t what)
{
    const uint32_t first = g->ir_first;
    uint8_t *marked = g->marked;

    memset(marked + first, 0, r + 1 - first);
    marked[r] = 1;
    for (uint32_t i = r + 1u; i-- > first;) {
        const struct ir_node *n = node(g, (ir_ref)i);
        ir_ref o[4];

        if (!marked[i])
            continue;
        if (i == what || (n->op == IR_GET && n->imm == slot && i < what))
            return true;
        ir_operands(n, o);
        for (unsigned x = 0; x < 4; x++)
            if (o[x] != IR_NONE)
                marked[o[x]] = 1;
    }
    return false;
}

bool tree_has(const struct gen *g, ir_ref r, uint32_t what)
{
    return tree_reads(g, r, UINT64_MAX, what);
}

/* Does a statement behind node `at` read the slot's old value? */
static bool read_later(const struct gen *g, uint64_t slot, uint32_t at,
                       uint32_t end)
{
    for (uint32_t i = at + 1; i < end; i++)
        if (!ir_is_value(&g->b->ir.nodes[i]) &&
            tree_reads(g, (ir_ref)i, slot, at))
            return true;
    return false;
}

/* Before a slot's register changes: what reads its old value later gets a
 * copy, which stays to the end of the instruction. */
static void keep_old(struct gen *g, uint64_t slot, uint32_t at)
{
    int copies[IR_TYPES];

    for (unsigned t = 0; t < IR_TYPES; t++)
        copies[t] = NO_REG;
    for (uint32_t i = g->ir_first; i < at; i++) {
        const struct ir_node *n = &g->b->ir.nodes[i];

        if (n->op != IR_GET || n->imm != slot || g->reg[i] != NO_REG ||
            !g->uses[i])
            continue;
        if (copies[n->type] == NO_REG)
            lock(g, copies[n->type] = get(g, n, take_temp(g)));
        g->reg[i] = (int8_t)copies[n->type];
        g->uses[i] = 255;
    }
    for (unsigned t = 0; t < IR_TYPES; t++)
        unlock(g, copies[t]);
}

static bool replaces_part(const struct gen *g, const struct ir_node *n)
{
    return node(g, n->a)->op == IR_DEPOSIT;
}

/* PUT of a slot with its low bits, or some further up, replaced. */
static bool put_part(struct gen *g, const struct ir_node *n, int pin)
{
    const struct ir_node *d = node(g, n->a);
    const struct ir_node *old = d->op == IR_DEPOSIT ? node(g, d->a) : d;
    unsigned bits, at;
    int v;

    if (d->op != IR_DEPOSIT || g->uses[n->a] > 1 || old->op != IR_GET ||
        old->imm != n->imm || g->reg[d->a] != NO_REG)
        return false;
    bits = ir_bits(node(g, d->b)->type);
    at = (unsigned)d->imm;
    if ((bits != 8 && bits != 16) || (pin != NO_REG && at))
        return false;
    v = value_low(g, d->b);
    if (pin != NO_REG)
        e_merge(&g->e, bits, pin, v);
    else
        e_store_part(&g->e, bits, RBP, NO_REG,
                     (int32_t)n->imm + (int32_t)at / 8, v);
    used(g, d->b, v);
    return true;
}

static void put(struct gen *g, const struct ir_node *n, uint32_t at,
                uint32_t end)
{
    int pin = pin_of(g, n->imm);
    int64_t k;
    int v;

    if (n->type > IR_I64 || n->type < IR_I8 ||
        (pin != NO_REG && n->type < IR_I32)) {
        g->failed = true;
        return;
    }
    if (read_later(g, n->imm, at, end))
        keep_old(g, n->imm, at);
    else if (pin != NO_REG && g->uses[n->a] <= 1 && !replaces_part(g, n)) {
        /* Operands are all read before the result is written. */
        value(g, n->a, pin);
        return;
    }
    if (n->type == IR_I64 && put_part(g, n, pin))
        return;
    if (n->type == IR_I64 && pin == NO_REG && constant(g, n->a, &k) &&
        fits32(k)) {
        e_store_imm(&g->e, RBP, (int32_t)n->imm, (int32_t)k);
        return;
    }
    v = value(g, n->a, NO_REG);
    if (pin != NO_REG)
        e_mov(&g->e, pin, v);
    else
        e_store_part(&g->e, ir_bits(n->type), RBP, NO_REG, (int32_t)n->imm, v);
    used(g, n->a, v);
}

/* A helper without operands, result or exception: every register of the
 * guest is stored, and read again. */
static void call_plain(struct gen *g, const struct ir_node *n)
{
    const struct isa *isa = g->b->cpu->class->isa;
    const struct isa_helper *h = &isa->helpers[ir_which(n)];

    if (ir_call_facts(n) || ir_call_count(n) || n->type != IR_VOID) {
        g->failed = true;
        return;
    }
    spill(&g->e, isa, g->n_pins);
    e_push(&g->e, RDI);
    e_mov(&g->e, RDI, RBP);
    e_imm(&g->e, RSI, 0);
    e_imm(&g->e, RAX, (uintptr_t)h->fn);
    e_call_reg(&g->e, RAX);
    e_pop(&g->e, RDI);
    fill(&g->e, isa, g->n_pins);
}

static void pack_flags(struct gen *g)
{
    struct emit *e = &g->e;
    uint8_t *over;

    e_op_mem(e, false, 0x83, ALU_CMP, RBP, NO_REG, 0, CPU(flag_kind));
    e8(e, FLAGS_BITS);
    over = e_jcc(e, CC_E);
    call_stub(g, g->j->pack);
    e_patch(over, e->at);
}

static void statement(struct gen *g, uint32_t at, uint32_t end)
{
    const struct ir_node *n = &g->b->ir.nodes[at];

    switch (n->op) {
    case IR_PUT:
        put(g, n, at, end);
        break;
    case IR_STORE:
        store(g, n);
        break;
    case IR_EXIT_IF:
        exit_if(g, n);
        break;
    case IR_EXIT:
        exit_always(g, n);
        break;
    case IR_EXIT_INDIRECT:
        exit_indirect(g, n);
        break;
    case IR_RAISE_IF: {
        enum cc cc = condition(g, n->a);

        interpret_if(g, cc);
        break;
    }
    case IR_FENCE:
        e_mfence(&g->e);
        break;
    case IR_FLAGPACK:
        pack_flags(g);
        break;
    case IR_CALL:
        call_plain(g, n);
        break;
    case IR_INSN:
    case IR_NOP:
        break;
    default:
        if (!ir_is_value(n) || (ir_effects(n) & ~(IR_READS | IR_FAULTS)))
            g->failed = true;
    }
}

/* Count the uses of the values that statements need. */
static void count_uses(struct gen *g, ir_ref r)
{
    ir_ref o[4];

    ir_operands(node(g, r), o);
    for (unsigned x = 0; x < 4; x++) {
        if (o[x] == IR_NONE || g->uses[o[x]] == 255)
            continue;
        if (g->uses[o[x]]++ == 0)
            count_uses(g, o[x]);
    }
}

/* A load is computed where it is used; that must not be behind the first
 * commit, where it could fault too late, nor nowhere. */
static bool used_in_time(const struct gen *g, uint32_t load, uint32_t end)
{
    for (uint32_t i = load + 1; i < end; i++) {
        const struct ir_node *n = &g->b->ir.nodes[i];

        if (ir_is_value(n))
            continue;
        if (tree_has(g, (ir_ref)i, load))
            return true;
        if (ir_effects(n) & (IR_COMMITS | IR_LEAVES | IR_ENDS))
            return false;
    }
    return false;
}

static void load_now(struct gen *g, uint32_t at)
{
    int v;

    if (node(g, (ir_ref)at)->op != IR_LOAD || g->loaded[at])
        return;
    v = value(g, (ir_ref)at, NO_REG);
    if (g->reg[at] != NO_REG)
        unlock(g, v);
    else if (g->uses[at])
        g->reg[at] = (int8_t)v;
    else
        drop(g, v);
}

/* Nodes of one instruction, or of what prepares it. */
static bool lower_nodes(struct gen *g, uint32_t first, uint32_t end)
{
    g->ir_first = first;
    g->ir_end = end;
    g->busy = g->slots = 0;
    memset(g->locks, 0, sizeof(g->locks));
    memset(g->loaded + first, 0, end - first);
    g->rmw.address = IR_NONE;
    g->dirty = IR_NONE;
    for (uint32_t n = first; n < end; n++)
        if (!ir_is_value(&g->b->ir.nodes[n]))
            count_uses(g, (ir_ref)n);
    for (uint32_t n = first; n < end; n++)
        if (g->b->ir.nodes[n].op == IR_LOAD && !g->uses[n])
            count_uses(g, (ir_ref)n);
    for (uint32_t n = first; n < end && !g->failed; n++) {
        const struct ir_node *at = &g->b->ir.nodes[n];

        if (at->op != IR_LOAD)
            statement(g, n, end);
        else if (!used_in_time(g, n, end))
            /* Those before it may fault first. */
            for (uint32_t load = first; load <= n; load++)
                load_now(g, load);
    }
    return !g->failed;
}

static bool lower_insn(struct gen *g, const struct jit_insn *i)
{
    const struct emit before = g->e;
    const unsigned outs = g->n_outs;
    const uint32_t sites = g->j->n_sites;

    g->insn = i;
    g->failed = i->insn.row == 0 || i->foreign;
    if (!g->failed && lower_nodes(g, i->ir_first, i->ir_body) &&
        lower_nodes(g, i->ir_body, i->ir_end) && !g->e.full)
        return true;
    if (!g->e.full)
        g->e = before;
    g->n_outs = outs;
    g->j->n_sites = sites;
    return false;
}

/* The instruction is the interpreter's. */
static void give_back(struct gen *g, const struct rec *r, unsigned row)
{
    add_out(g, OUT_RECORD, e_jmp(&g->e), r, (int32_t)row);
}

/* Instructions from `at` on in host code; returns the first that is not. */
static unsigned lower_run(struct gen *g, unsigned at)
{
    while (at < g->b->n && lower_insn(g, &g->b->insns[at]))
        at++;
    return at;
}

/* Fewer instructions than this between two that the interpreter does are its
 * own as well: to and fro costs more. */
#define WORTH_RETURN 5
#define WORTH_ENTRY 8

/*
 * All of the block: what host code has no way to do is left to the
 * interpreter, which comes back where that pays.  Returns how many
 * instructions are done in host code.
 */
static unsigned lower_block(struct gen *g)
{
    const struct jit_block *b = g->b;
    unsigned at = lower_run(g, 0), done = at;

    g->prefix = at;
    g->falls_out = at == b->n;
    if (at < b->n && !g->e.full)
        give_back(g, b->insns[at].start, b->insns[at].insn.row);
    while (at < b->n && !g->e.full) {
        const struct emit before = g->e;
        const unsigned outs = g->n_outs, first = at + 1;
        const uint32_t sites = g->j->n_sites;

        g->resumed = first;
        at = lower_run(g, first);
        if (g->e.full || at == first)
            continue;
        if (at == b->n || at - first >= WORTH_RETURN) {
            g->resume[first] = before.at;
            g->resumes = true;
            done += at - first;
            g->falls_out = at == b->n;
            if (at < b->n)
                give_back(g, b->insns[at].start, b->insns[at].insn.row);
        } else {
            g->e = before;
            g->n_outs = outs;
            g->j->n_sites = sites;
        }
    }
    return done;
}

/* The end that no jump makes; where addresses wrap as the guest's mode says,
 * it is the interpreter's to leave the page. */
static void lower_end(struct gen *g)
{
    const struct jit_block *b = g->b;
    const struct isa *isa = b->cpu->class->isa;
    const struct rec *link = b->end + 1;

    if (isa->engine->wraps && !isa->addresses &&
        link->target >= (int32_t)PAGE_SIZE) {
        store_kind(g, b->end_kind);
        give_back(g, b->end, 0);
        return;
    }
    store_kind(g, b->end_kind);
    exit_by(g, link);
}

/* Records of the shadow where the interpreter is to come back. */
static void write_resumes(struct gen *g)
{
    struct jit_block *b = g->b;
    const struct isa *isa = b->cpu->class->isa;

    for (unsigned i = 0; i < b->n && !g->e.full; i++) {
        const uint8_t *here = run_address(g->j, g->e.at);
        struct rec *r;

        if (!g->resume[i])
            continue;
        r = b->shadow + (b->insns[i].start - b->first);
        e_op_rip(&g->e, true, 0x8d, RAX, g->resume[i]);
        jump_to_stub(g, g->j->resume);
        r->fn = (rec_fn *)(uintptr_t)here;
        /* No pair of instructions runs past it. */
        r = b->shadow + (b->insns[i - 1].rec - b->first);
        if (isa_find_fusion(isa, b->insns[i - 1].insn.row,
                            b->insns[i].insn.row))
            r->fn = isa->rows[b->insns[i - 1].insn.row].fn;
    }
}

/* Let whoever jumps to old code go on at the new; none of it runs now. */
static void replace(const struct jit *j, const uint8_t *old, const uint8_t *new)
{
    uint8_t *at = j->code.write + (old - j->code.run);
    struct emit e = {at, at + JUMP_SIZE, false};

    e_jmp_to(&e, j->code.write + (new - j->code.run));
}

static void set_up(struct gen *g, struct jit *j)
{
    g->j = j;
    g->b = &j->block;
    g->e = emit_here(j);
    g->n_pins = pin_count(j);
    for (unsigned i = 0; i < N_TEMPS; i++)
        g->temps |= 1u << temps[i];
    for (unsigned i = g->n_pins; i < MAX_PINS; i++)
        g->temps |= 1u << pins[i];
}

/* Everything that belongs to the block's code; false: not worth it, or no
 * room. */
static bool write_block(struct gen *g)
{
    struct jit_block *b = g->b;
    const uint32_t sites = g->j->n_sites;
    const unsigned done = lower_block(g);

    g->failed = false;
    /* What is entered only to leave at once must do a good deal later. */
    if (done < (g->prefix ? 1 : WORTH_ENTRY))
        return false;
    if (b->end && g->falls_out)
        lower_end(g);
    if (g->resumes && !(b->shadow = block_shadow(b->cpu, b->first)))
        return false;
    for (uint32_t n = sites; n < g->j->n_sites; n++)
        g->j->infos[n].rec = shadow_of(g, g->j->infos[n].rec);
    write_resumes(g);
    for (unsigned i = 0; i < g->n_outs && !g->e.full; i++)
        write_out(g, &g->outs[i]);
    return !g->e.full && !g->failed;
}

const uint8_t *backend_compile(struct jit *j)
{
    struct jit_block *b = &j->block;
    struct gen *g = calloc(1, sizeof(*g));
    const uint32_t sites = j->n_sites;
    const uint8_t *entry = NULL;

    if (!g)
        return NULL;
    set_up(g, j);
    g->uses = calloc(1, b->ir.n + 1);
    g->marked = calloc(1, b->ir.n + 1);
    g->loaded = calloc(1, b->ir.n + 1);
    g->reg = malloc(b->ir.n + 1);
    if (g->uses && g->marked && g->loaded && g->reg) {
        memset(g->reg, NO_REG, b->ir.n + 1);
        if (write_block(g)) {
            entry = run_address(j, j->code.write + j->code.used);
            if (b->old)
                replace(j, b->old, entry);
            j->code.used = (size_t)(g->e.at - j->code.write + 15) & ~(size_t)15;
        }
        /* Where even an empty buffer is too small, it stays interpreted. */
        if (g->e.full && j->code.used > j->stubs)
            block_cache_flush(b->cpu);
    }
    if (!entry)
        j->n_sites = sites;
    free(g->uses);
    free(g->marked);
    free(g->loaded);
    free(g->reg);
    free(g);
    return entry;
}
