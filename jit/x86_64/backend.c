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
 * Needs BMI2 (shifts by a register without rcx).
 * Missing: floating point and atomics (interpreted, floating-point helpers
 * are called), checks served by an earlier one, spilling of temporaries.
 */
#include <stdlib.h>

#include "jit/x86_64/gen.h"

/* ------------------------------------------------------------- statements */

/* Does the tree of node r read the slot, or the very node `what`? */
bool tree_has(const struct gen *g, ir_ref r, uint64_t slot, uint32_t what)
{
    const struct ir_node *n = node(g, r);
    ir_ref o[4];

    if (r == what || (n->op == IR_GET && n->imm == slot))
        return true;
    ir_operands(n, o);
    for (unsigned i = 0; i < 4; i++)
        if (o[i] != IR_NONE && tree_has(g, o[i], slot, what))
            return true;
    return false;
}

/* Does a statement behind node `at` read the slot's old value? */
static bool read_later(const struct gen *g, uint64_t slot, uint32_t at,
                       uint32_t end)
{
    for (uint32_t i = at + 1; i < end; i++)
        if (!ir_is_value(&g->b->ir.nodes[i]) &&
            tree_has(g, (ir_ref)i, slot, UINT32_MAX))
            return true;
    return false;
}

/* Before a slot's register changes: what reads its old value later gets a
 * copy, which stays to the end of the instruction. */
static void keep_old(struct gen *g, uint64_t slot)
{
    for (uint32_t i = g->insn->ir_first; i < g->insn->ir_end; i++) {
        const struct ir_node *n = &g->b->ir.nodes[i];

        if (n->op != IR_GET || n->imm != slot || g->reg[i] != NO_REG)
            continue;
        g->reg[i] = (int8_t)get(g, n, take_temp(g));
        g->uses[i] = 255;
    }
}

static void put(struct gen *g, const struct ir_node *n, uint32_t at,
                uint32_t end)
{
    int pin = n->type != IR_I8 ? pin_of(g, n->imm) : NO_REG;
    int64_t k;
    int v;

    if (n->type != IR_I64 && n->type != IR_I32 && n->type != IR_I8) {
        g->failed = true;
        return;
    }
    if (read_later(g, n->imm, at, end)) {
        keep_old(g, n->imm);
    } else if (pin != NO_REG && g->uses[n->a] <= 1) {
        /* Operands are all read before the result is written. */
        value(g, n->a, pin);
        return;
    }
    if (n->type == IR_I64 && pin == NO_REG && constant(g, n->a, &k) &&
        fits32(k)) {
        e_store_imm(&g->e, RBP, (int32_t)n->imm, (int32_t)k);
        return;
    }
    v = value(g, n->a, NO_REG);
    if (pin != NO_REG) {
        e_mov(&g->e, pin, v);
    } else if (n->type != IR_I8) {
        e_op_mem(&g->e, wide(n), 0x89, v, RBP, NO_REG, 0, (int32_t)n->imm);
    } else {
        e_rex(&g->e, false, v, 0, RBP, true);
        e8(&g->e, 0x88);
        e_modrm_mem(&g->e, v, RBP, NO_REG, 0, (int32_t)n->imm);
    }
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
        exit_by(g, link_of(g));
        break;
    case IR_EXIT_INDIRECT:
        exit_indirect(g, n);
        break;
    case IR_RAISE_IF: {
        enum cc cc = condition(g, n->a);

        interpret_if(g, cc);
        break;
    }
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

/* A load is computed where it is used: is one used only behind the first
 * commit, where it could fault too late, or not at all (`lw x0`)? */
static bool faults_late(const struct gen *g, uint32_t first, uint32_t end)
{
    uint32_t commit = first;

    while (commit < end && !(ir_effects(&g->b->ir.nodes[commit]) &
                             (IR_COMMITS | IR_LEAVES | IR_ENDS)))
        commit++;
    for (uint32_t i = first; i < commit; i++)
        if (g->b->ir.nodes[i].op == IR_LOAD &&
            (commit == end || !tree_has(g, (ir_ref)commit, UINT64_MAX, i)))
            return true;
    return false;
}

static bool lower_insn(struct gen *g, const struct jit_insn *i)
{
    const struct emit before = g->e;
    const unsigned outs = g->n_outs;
    const uint32_t sites = g->j->n_sites;

    g->insn = i;
    g->failed = i->insn.row == 0;
    g->busy = 0;
    for (uint32_t n = i->ir_first; n < i->ir_end; n++) {
        ir_ref o[4];

        ir_operands(&g->b->ir.nodes[n], o);
        for (unsigned x = 0; x < 4; x++)
            if (o[x] != IR_NONE && g->uses[o[x]] < 255)
                g->uses[o[x]]++;
    }
    if (!g->failed && faults_late(g, i->ir_first, i->ir_end))
        g->failed = true;
    for (uint32_t n = i->ir_first; n < i->ir_end && !g->failed; n++)
        statement(g, n, i->ir_end);
    if (!g->failed && !g->e.full)
        return true;
    if (!g->e.full)
        g->e = before;
    g->n_outs = outs;
    g->j->n_sites = sites;
    return false;
}

/* The instruction is the interpreter's, and all behind it in this block. */
static void give_back(struct gen *g, const struct jit_insn *i)
{
    g->insn = i;
    add_out(g, OUT_RECORD, e_jmp(&g->e), i->rec, 0);
}

/* Let whoever jumps to old code go on at the new; none of it runs now. */
static void replace(const struct jit *j, const uint8_t *old, const uint8_t *new)
{
    uint8_t *at = j->code.write + (old - j->code.run);
    struct emit e = {at, at + JUMP_SIZE, false};

    e_jmp_to(&e, j->code.write + (new - j->code.run));
}

const uint8_t *backend_compile(struct jit *j)
{
    struct jit_block *b = &j->block;
    struct gen *g = calloc(1, sizeof(*g));
    const uint8_t *entry = NULL;
    unsigned done = 0;

    if (!g)
        return NULL;
    g->j = j;
    g->b = b;
    g->e = emit_here(j);
    g->n_pins = pin_count(j);
    g->uses = calloc(1, b->ir.n + 1);
    g->reg = malloc(b->ir.n + 1);
    if (g->uses && g->reg) {
        memset(g->reg, NO_REG, b->ir.n + 1);
        while (done < b->n && lower_insn(g, &b->insns[done]))
            done++;
        g->failed = false;
        if (done < b->n)
            give_back(g, &b->insns[done]);
        else if (b->end)
            exit_by(g, b->end + 1);
        if (done > 0) {
            for (unsigned i = 0; i < g->n_outs && !g->e.full; i++)
                write_out(g, &g->outs[i]);
            if (!g->e.full && !g->failed) {
                entry = run_address(j, j->code.write + j->code.used);
                if (b->old)
                    replace(j, b->old, entry);
                j->code.used =
                    (size_t)(g->e.at - j->code.write + 15) & ~(size_t)15;
            }
        }
        /* Where even an empty buffer is too small, it stays interpreted. */
        if (g->e.full && j->code.used > j->stubs)
            block_cache_flush(b->cpu);
    }
    free(g->uses);
    free(g->reg);
    free(g);
    return entry;
}
