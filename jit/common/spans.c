/*
 * Spans: accesses off one base that share a check.
 *
 * Within a block the first load off a register, the leader, checks that all
 * that later loads off it touch lies on one page; those need no check, as
 * long as the register stays.  Stores likewise, among themselves.
 */
#include "jit/common/backend.h"

/* Bytes that a span has at most: one that crosses a page is of no use. */
#define MAX_SPAN 256
/* A leader's check costs as much as two others. */
#define MIN_ACCESSES 3

/* An instruction's only access, if its address is a slot and a constant. */
struct span_access {
    ir_ref base; /* node of the slot */
    uint64_t slot;
    int32_t disp, size;
    bool write;
};

static bool find_access(const struct ir *ir, const struct jit_insn *i,
                        struct span_access *out)
{
    const struct ir_node *found = NULL, *a;

    for (uint32_t n = i->ir_first; n < i->ir_end; n++) {
        const struct ir_node *node = &ir->nodes[n];

        if (node->op != IR_LOAD && node->op != IR_STORE)
            continue;
        if (found || node->imm & (IR_TO_WRITE | IR_LOCKED) ||
            ir_bits(node->type) > 64)
            return false;
        found = node;
    }
    if (!found)
        return false;
    out->write = found->op == IR_STORE;
    out->size = (int32_t)ir_bits(found->type) / 8;
    out->disp = 0;
    out->base = found->a;
    a = &ir->nodes[found->a];
    if (a->op == IR_ADD || a->op == IR_SUB) {
        const struct ir_node *k = &ir->nodes[a->b];
        int64_t v = k->type == IR_I32 ? (int32_t)k->imm : (int64_t)k->imm;

        if (a->op == IR_SUB)
            v = -v;
        if (k->op != IR_CONST || v < -4096 || v > 4096)
            return false;
        out->disp = (int32_t)v;
        out->base = a->a;
        a = &ir->nodes[a->a];
    }
    out->slot = a->imm;
    return a->op == IR_GET && (a->type == IR_I64 || a->type == IR_I32);
}

/* Does instruction i change the slot, or may it? */
static bool changes(const struct ir *ir, const struct jit_insn *i,
                    uint64_t slot)
{
    for (uint32_t n = i->ir_first; n < i->ir_end; n++) {
        const struct ir_node *node = &ir->nodes[n];

        /* Any part of it. */
        if (node->op == IR_PUT ? node->imm + 8 > slot && node->imm < slot + 8
                               : !ir_is_value(node) && node->op != IR_STORE &&
                                     (ir_effects(node) & IR_COMMITS))
            return true;
    }
    return false;
}

/* Gather the span that instruction `at` may lead; true if it is worth it. */
static bool gather(struct jit_block *b, unsigned at, const struct span_access *first)
{
    const struct ir *ir = &b->ir;
    int32_t lo = first->disp, hi = first->disp + first->size;
    unsigned count = 1;

    b->insns[at].leader = (int16_t)at;
    for (unsigned i = at; i < b->n; i++) {
        struct span_access a;

        if (i > at && b->insns[i].leader < 0 &&
            find_access(ir, &b->insns[i], &a) && a.slot == first->slot &&
            a.write == first->write) {
            const int32_t l = a.disp < lo ? a.disp : lo;
            const int32_t h = a.disp + a.size > hi ? a.disp + a.size : hi;

            if (h - l <= MAX_SPAN) {
                lo = l;
                hi = h;
                count++;
                b->insns[i].leader = (int16_t)at;
                b->insns[i].base = a.base;
                b->insns[i].disp = a.disp;
            }
        }
        if (changes(ir, &b->insns[i], first->slot))
            break;
    }
    b->insns[at].base = first->base;
    b->insns[at].disp = first->disp;
    b->insns[at].lo = lo;
    b->insns[at].hi = hi;
    return count >= MIN_ACCESSES;
}

void jit_find_spans(struct jit_block *b)
{
    struct span_access a;

    for (unsigned i = 0; i < b->n; i++)
        b->insns[i].leader = -1;
    for (unsigned i = 0; i < b->n; i++) {
        if (b->insns[i].leader >= 0 || !find_access(&b->ir, &b->insns[i], &a))
            continue;
        if (!gather(b, i, &a))
            for (unsigned k = i; k < b->n; k++)
                if (b->insns[k].leader == (int16_t)i)
                    b->insns[k].leader = -1;
    }
}
