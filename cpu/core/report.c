/*
 * What lockstep says of a difference: where it begins, the block that is
 * run there with its IR, and both states.
 *
 * The window is cut in halves, each tried from the same start, to the length
 * at which the difference first shows; then that last block is tried alone.
 * What only shows the first time (a link that is followed, code that has been
 * dropped since) does not come back: then the window as a whole is all that
 * is known.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "cpu/core/lockstep_priv.h"
#include "cpu/core/text.h"
#include "cpu/ir/ir.h"

static void add_line(struct text *t, const char *what, const char *text)
{
    text_add(t, what);
    text_add(t, text);
    text_add(t, "\n");
}

static void add_state(struct text *t, const char *title, struct cpu *c)
{
    char state[4096] = "";

    if (!c->class->dump)
        return;
    c->class->dump(c, state, sizeof(state));
    text_add(t, title);
    text_add(t, state);
}

/* The instruction at pc; false: it cannot be read. */
static bool decode_at(struct cpu *c, uint64_t pc, struct insn *out)
{
    const struct isa *isa = c->class->isa;
    uint8_t bytes[16] = {0};
    uint64_t left = PAGE_SIZE - (pc & ~PAGE_MASK);
    size_t n = left < isa->max_length ? (size_t)left : isa->max_length;

    if (!cpu_peek(c, pc, bytes, n))
        return false;
    if (isa->decode(c, bytes, (unsigned)n, out))
        return true;
    return cpu_peek(c, pc + n, bytes + n, isa->max_length - n) &&
           isa->decode(c, bytes, isa->max_length, out);
}

static void add_insn(struct text *t, struct cpu *c, uint64_t pc,
                     const struct insn *i, struct ir *ir)
{
    const struct isa *isa = c->class->isa;
    char line[128], *nodes = malloc(REPORT_SIZE);

    isa->disassemble(i, pc, line, sizeof(line));
    text_addf(t, "  0x%016" PRIx64 ":  ", pc);
    add_line(t, "", line);
    ir_clear(ir);
    isa->lift(ir, i, (int32_t)(pc - c->page));
    if (nodes) {
        ir_print(ir, isa->ir, nodes, REPORT_SIZE);
        text_add(t, nodes);
    }
    free(nodes);
}

/* The guest's code from pc to the end of the block, each instruction with
 * its IR. */
static void add_block(struct text *t, struct cpu *c)
{
    const struct isa *isa = c->class->isa;
    uint64_t pc = c->pc;
    struct insn i;
    struct ir ir;

    ir_init(&ir);
    c->page = pc & PAGE_MASK;
    text_add(t, "the block:\n");
    for (unsigned n = 0; n < BLOCK_MAX_INSNS && decode_at(c, pc, &i); n++) {
        uint32_t flags = isa->rows[i.row].flags;

        add_insn(t, c, pc, &i, &ir);
        pc += i.length;
        if (i.row == 0 || (flags & (ROW_END | ROW_CALLS | ROW_ATOMIC)) ||
            (pc & PAGE_MASK) != c->page)
            break;
    }
    ir_free(&ir);
}

/* Does a window of that length differ?  The CPU is back at its start. */
static bool differs(struct lockstep *l, uint64_t steps)
{
    struct error e;
    uint64_t n;
    bool yes = lockstep_compare(l, steps, UINT64_MAX, &n, &e) == DIFFERENT;

    undo_back(&l->undo, false);
    return yes;
}

/* The least length that differs, or 0. */
static uint64_t narrow(struct lockstep *l, uint64_t steps)
{
    uint64_t low = 0, high = steps;

    if (!differs(l, steps))
        return 0;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;

        if (differs(l, middle))
            high = middle;
        else
            low = middle;
    }
    return high;
}

/* The last block of a window that differs from `steps` on. */
static void add_culprit(struct text *t, struct lockstep *l, uint64_t steps)
{
    struct error e = {""};
    uint64_t n;

    lockstep_compare(l, steps, UINT64_MAX, &n, &e);
    text_addf(t, "it shows from step %" PRIu64 " of the window on: ", steps);
    add_line(t, "", e.text);
    add_state(t, "interpreted:\n", l->lead);
    add_state(t, "translated:\n", l->cpu);
    undo_back(&l->undo, false);
    if (steps > 1) {
        lockstep_compare(l, steps - 1, UINT64_MAX, &n, &e);
        undo_end(&l->undo);
    }
    add_line(t, "",
             differs(l, 1) ? "that block differs by itself"
                           : "that block alone does not differ");
    add_state(t, "before it:\n", l->cpu);
    add_block(t, l->cpu);
}

void lockstep_report(struct lockstep *l, uint64_t steps,
                     const struct error *what)
{
    struct text t = {l->report, REPORT_SIZE, 0};
    struct cpu *c = l->cpu;
    uint64_t least;

    text_start(&t);
    text_addf(&t, "lockstep: CPU %u: ", c->id);
    add_line(&t, "the translator differs from the interpreter: ", what->text);
    text_addf(&t, "in a window of %" PRIu64 " steps ", steps);
    text_addf(&t, "from pc 0x%" PRIx64, l->undo.start->pc);
    text_addf(&t, ", instruction %" PRIu64 "\n", l->undo.start->icount);
    add_state(&t, "interpreted, at its end:\n", l->lead);
    add_state(&t, "translated, at its end:\n", c);
    undo_back(&l->undo, false);
    if (l->undo.no_memory)
        return;
    least = narrow(l, steps);
    if (least) {
        add_culprit(&t, l, least);
    } else {
        text_add(&t, "it does not come back; the window begins with\n");
        add_block(&t, c);
    }
}
