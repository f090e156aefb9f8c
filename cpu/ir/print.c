/*
 * IR as text, for people: logs, test failures, the JIT's debug output.
 *
 *     insn +0x10 4
 *     t40 = add.64 t38, t39
 *     t41 = load.32 t40
 *     put.64 x10 t42
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "cpu/ir/ir.h"

/* Text of any length into a buffer of `size`; `at` counts what is cut too. */
struct sink {
    char *out;
    size_t size, at;
};

static void put(struct sink *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void put(struct sink *s, const char *fmt, ...)
{
    size_t room = s->at < s->size ? s->size - s->at : 0;
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(room ? s->out + s->at : NULL, room, fmt, args);
    va_end(args);
    if (n > 0)
        s->at += (size_t)n;
}

static void put_ref(struct sink *s, const char *before, ir_ref r)
{
    if (r == IR_NONE)
        put(s, "%snone", before);
    else
        put(s, "%st%u", before, r);
}

/* Operands up to the last one that there is. */
static void put_refs(struct sink *s, const ir_ref *r, unsigned n)
{
    while (n && r[n - 1] == IR_NONE)
        n--;
    for (unsigned i = 0; i < n; i++)
        put_ref(s, i ? ", " : " ", r[i]);
}

static void put_type(struct sink *s, unsigned type)
{
    if (type == IR_V128)
        put(s, ".v128");
    else if (type < IR_TYPES)
        put(s, ".%u", ir_bits(type));
    else
        put(s, ".type%u", type);
}

/* A name, or the number where there is none. */
static void put_named(struct sink *s, const char *(*name)(unsigned),
                      unsigned number)
{
    const char *text = name ? name(number) : NULL;

    if (text)
        put(s, " %s", text);
    else
        put(s, " %u", number);
}

static void put_offset(struct sink *s, const struct ir_node *n)
{
    int64_t offset = ir_offset(n);

    put(s, " %c0x%" PRIx64, offset < 0 ? '-' : '+',
        (uint64_t)(offset < 0 ? -offset : offset));
}

static void put_slot(struct sink *s, const struct ir_guest *guest,
                     uint64_t slot)
{
    const char *name =
        guest && guest->slot_name ? guest->slot_name(slot) : NULL;

    if (name)
        put(s, " %s", name);
    else
        put(s, " @%" PRIu64, slot);
}

static const char *amo_name(unsigned op)
{
    static const char *const names[] = {
#define IR_AMO_TEXT(name, text) text,
        IR_AMOS(IR_AMO_TEXT)
#undef IR_AMO_TEXT
    };

    return op < IR_N_AMOS ? names[op] : NULL;
}

static const char *fp_name(unsigned op)
{
    return op < IR_N_FPS ? ir_fps[op].text : NULL;
}

static const char *hint_name(unsigned hint)
{
    static const char *const names[] = {
        [IR_JUMPS] = "jump",
        [IR_CALLS] = "call",
        [IR_RETURNS] = "ret",
        [IR_MODE] = "mode",
    };

    return hint <= IR_MODE ? names[hint] : NULL;
}

static void put_flagdef(struct sink *s, const struct ir_node *n,
                        const struct ir_guest *guest)
{
    const ir_ref values[3] = {n->a, n->b, ir_d(n)};

    put_named(s, guest ? guest->family_name : NULL, ir_which(n));
    put_refs(s, values, 3);
    if (n->c != IR_NONE)
        put_ref(s, " if ", n->c);
    if (ir_flag_keep(n))
        put(s, " keep 0x%x", (unsigned)ir_flag_keep(n));
}

static void put_fp(struct sink *s, const struct ir_node *n)
{
    put_named(s, fp_name, ir_which(n));
    put_refs(s, &n->a, 1);
    if (n->b != IR_NONE)
        put_ref(s, ", ", n->b);
    if (n->c != IR_NONE)
        put_ref(s, ", ", n->c);
    if (ir_d(n) != IR_NONE)
        put_ref(s, " round ", ir_d(n));
}

static void put_access(struct sink *s, const struct ir_node *n)
{
    if (n->imm & IR_TO_WRITE)
        put(s, " to write");
    if (n->imm & IR_LOCKED)
        put(s, " locked");
    if (n->imm >> 8)
        put(s, " space %u", (unsigned)(n->imm >> 8));
}

/* lanes.v128 add.8 t1, t2 */
static void put_lanes(struct sink *s, const struct ir_node *n)
{
    const ir_ref refs[4] = {n->a, n->b, n->c, ir_d(n)};
    unsigned op = ir_lane_op(n);

    if (op == IR_FP)
        put_named(s, fp_name, ir_lane_fp(n));
    else
        put(s, " %s", op < IR_N_OPS ? ir_ops[op].text : "?");
    put_type(s, ir_lane_type(n));
    put_refs(s, refs, 4);
}

/* What follows the operation and its type. */
static void put_rest(struct sink *s, const struct ir_node *n,
                     const struct ir_guest *guest)
{
    ir_ref refs[4];

    ir_operands(n, refs);
    switch (n->op) {
    case IR_INSN:
        put_offset(s, n);
        put(s, " %u", ir_insn_length(n));
        break;
    case IR_CONST:
        put(s, " 0x%" PRIx64, n->imm);
        break;
    case IR_PC:
    case IR_EXIT:
    case IR_EXIT_IF_LEAVE:
        put_offset(s, n);
        break;
    case IR_EXIT_IF:
        put_refs(s, refs, 1);
        put_offset(s, n);
        break;
    case IR_LOAD:
    case IR_STORE:
        put_refs(s, refs, 2);
        put_access(s, n);
        break;
    case IR_DEPOSIT:
        put_refs(s, refs, 2);
        put(s, " at %u", (unsigned)n->imm);
        break;
    case IR_LANES:
        put_lanes(s, n);
        break;
    case IR_EXIT_INDIRECT_IF:
        put_refs(s, refs, 2);
        put_named(s, hint_name, (unsigned)n->imm);
        break;
    case IR_EXIT_INDIRECT:
        put_refs(s, refs, 1);
        put_named(s, hint_name, (unsigned)n->imm);
        break;
    case IR_GET:
        put_slot(s, guest, n->imm);
        break;
    case IR_PUT:
        put_slot(s, guest, n->imm);
        put_refs(s, refs, 1);
        break;
    case IR_GET_AT:
    case IR_PUT_AT:
        put_slot(s, guest, (uint32_t)n->imm);
        put_refs(s, refs, 2);
        break;
    case IR_AMO:
        put_named(s, amo_name, (unsigned)n->imm);
        put_refs(s, refs, 2);
        break;
    case IR_FP:
        put_fp(s, n);
        break;
    case IR_CALL:
        put_named(s, guest ? guest->helper_name : NULL, ir_which(n));
        put_refs(s, refs, 4);
        break;
    case IR_FLAGDEF:
        put_flagdef(s, n, guest);
        break;
    case IR_FLAGUSE:
        put_named(s, guest ? guest->condition_name : NULL, ir_which(n));
        break;
    case IR_RAISE:
        put_named(s, guest ? guest->cause_name : NULL, (unsigned)n->imm);
        put_refs(s, refs, 1);
        break;
    case IR_RAISE_IF:
        put_refs(s, refs, 1);
        put_named(s, guest ? guest->cause_name : NULL, (unsigned)n->imm);
        put_refs(s, refs + 1, 1);
        break;
    default:
        put_refs(s, refs, 4);
    }
}

static void put_node(struct sink *s, const struct ir *ir, uint32_t at,
                     const struct ir_guest *guest)
{
    const struct ir_node *n;

    if (at >= ir->n)
        return;
    n = &ir->nodes[at];
    if (ir_is_value(n))
        put(s, "t%u = ", (unsigned)at);
    if (n->op >= IR_N_OPS) {
        put(s, "op%u", n->op);
        return;
    }
    put(s, "%s", ir_ops[n->op].text);
    if (n->type != IR_VOID)
        put_type(s, n->type);
    put_rest(s, n, guest);
}

static struct sink sink_on(char *out, size_t size)
{
    if (size)
        out[0] = '\0';
    return (struct sink){out, size, 0};
}

size_t ir_print_node(const struct ir *ir, uint32_t at,
                     const struct ir_guest *guest, char *out, size_t size)
{
    struct sink s = sink_on(out, size);

    put_node(&s, ir, at, guest);
    return s.at;
}

size_t ir_print(const struct ir *ir, const struct ir_guest *guest, char *out,
                size_t size)
{
    struct sink s = sink_on(out, size);

    for (uint32_t i = 0; i < ir->n; i++) {
        if (ir->nodes[i].op != IR_INSN)
            put(&s, "    ");
        put_node(&s, ir, i, guest);
        put(&s, "\n");
    }
    return s.at;
}
