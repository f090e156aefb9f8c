/*
 * Ways out of a block, and the stubs that enter and leave host code.
 */
#include <cpuid.h>

#include "jit/x86_64/gen.h"

/* Where what runs at `stub` is written. */
static uint8_t *written(const struct jit *j, const uint8_t *stub)
{
    return j->code.write + (stub - j->code.run);
}

void jump_to_stub(struct gen *g, const uint8_t *stub)
{
    e_jmp_to(&g->e, written(g->j, stub));
}

void call_stub(struct gen *g, const uint8_t *stub)
{
    e_call_to(&g->e, written(g->j, stub));
}

void add_out(struct gen *g, enum out_kind kind, uint8_t *site,
             const struct rec *rec, int32_t target)
{
    struct out *o;

    if (g->n_outs == MAX_OUTS) {
        g->failed = true;
        return;
    }
    o = &g->outs[g->n_outs++];
    *o = (struct out){kind, site, rec, target};
}

/* If cc, the interpreter does this instruction. */
void interpret_if(struct gen *g, enum cc cc)
{
    add_out(g, OUT_RECORD, e_jcc(&g->e, cc), g->insn->rec, 0);
}

_Static_assert(sizeof(struct jcache_entry) == 32, "scaled by a shift");
#define ENTRY(member)                                                          \
    (CPU(jcache) + (int32_t)offsetof(struct jcache_entry, member))

/* To the address in rax, `count` instructions on: through the jump cache, as
 * EXIT_INDIRECT in engine.h. */
static void jump_by_cache(struct gen *g, int32_t count)
{
    struct emit *e = &g->e;
    uint8_t *miss[3];

    e_alu_imm(e, true, ALU_SUB, RDI, count);
    if (jit_off(g->j, JIT_JUMPS)) {
        e_store(e, RBP, CPU(pc), RAX);
        jump_to_stub(g, g->j->exit_miss);
        return;
    }
    miss[0] = e_jcc(e, CC_B);
    /* rdx: the entry jcache_index(), of 32 bytes, from jcache */
    e_mov32(e, RDX, RAX);
    e_alu_imm(e, false, ALU_AND, RDX, (JCACHE_SIZE - 1) << 1);
    e_shift_imm(e, false, SHIFT_SHL, RDX, 4);
    e_load(e, RCX, RBP, CPU(jump_context));
    e_op_mem(e, true, 0x3b, RAX, RBP, RDX, 0, ENTRY(pc));
    miss[1] = e_jcc(e, CC_NE);
    e_op_mem(e, true, 0x3b, RCX, RBP, RDX, 0, ENTRY(context));
    miss[2] = e_jcc(e, CC_NE);
    e_alu_imm(e, true, ALU_AND, RAX, -(int32_t)PAGE_SIZE);
    e_store(e, RBP, CPU(page), RAX);
    e_op_mem(e, false, 0xff, 4, RBP, RDX, 0, ENTRY(code)); /* jmp */
    for (unsigned i = 0; i < 3; i++)
        e_patch(miss[i], e->at);
    e_store(e, RBP, CPU(pc), RAX);
    jump_to_stub(g, g->j->exit_miss);
}

void exit_by(struct gen *g, const struct rec *link)
{
    struct emit *e = &g->e;

    if (link->target < 0 || link->target >= (int32_t)PAGE_SIZE) {
        /* Where that page lies may change: no link can be patched. */
        e_load(e, RAX, RBP, CPU(page));
        e_lea(e, RAX, RAX, NO_REG, 0, link->target);
        if (g->b->cpu->class->isa->addresses == (uint64_t)1 << 32)
            e_mov32(e, RAX, RAX);
        jump_by_cache(g, link->count);
        return;
    }
    /* The budget is not negative: a borrow is its end. */
    e_alu_imm(e, true, ALU_SUB, RDI, link->count);
    add_out(g, OUT_LINK, e_jcc(e, CC_AE), link, 0);
    add_out(g, OUT_POLL, e_jmp(e), NULL, link->target);
}

void store_kind(struct gen *g, unsigned kind)
{
    if (kind != FLAGS_IN_CPU)
        e_store32_imm(&g->e, RBP, CPU(flag_kind), kind);
}

/* Has the row a direct exit, to where the IR goes? */
static bool has_link(struct gen *g, const struct ir_node *n)
{
    const struct insn *i = &g->insn->insn;
    const uint32_t flags = g->b->cpu->class->isa->rows[i->row].flags;

    if (flags & ROW_WIDE || !(flags & (ROW_BRANCH | ROW_JUMP)) ||
        g->insn->link->target != ir_offset(n))
        g->failed = true;
    return !g->failed;
}

void exit_always(struct gen *g, const struct ir_node *n)
{
    if (!has_link(g, n))
        return;
    store_kind(g, g->insn->kind);
    exit_by(g, g->insn->link);
}

void exit_if(struct gen *g, const struct ir_node *n)
{
    enum cc cc;
    uint8_t *over;

    if (!has_link(g, n))
        return;
    cc = condition(g, n->a);
    over = e_jcc(&g->e, cc ^ 1);
    store_kind(g, g->insn->kind);
    exit_by(g, g->insn->link);
    e_patch(over, g->e.at);
}

void exit_indirect(struct gen *g, const struct ir_node *n)
{
    int to;

    if (n->imm == IR_MODE) {
        g->failed = true;
        return;
    }
    to = value(g, n->a, NO_REG);
    if (g->failed)
        return;
    e_mov(&g->e, RAX, to);
    store_kind(g, g->insn->kind);
    jump_by_cache(g, g->insn->link->count);
}

void spill(struct emit *e, const struct isa *isa, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        e_store(e, RBP, (int32_t)isa->hot_slots[i], pins[i]);
}

void fill(struct emit *e, const struct isa *isa, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        e_load(e, pins[i], RBP, (int32_t)isa->hot_slots[i]);
}

unsigned pin_count(const struct jit *j)
{
    const struct isa *isa = j->cpu->class->isa;

    if (jit_off(j, JIT_PINS))
        return 0;
    return isa->n_hot_slots < MAX_PINS ? isa->n_hot_slots : (unsigned)MAX_PINS;
}

/* ------------------------------------------------------------------ stubs */

struct emit emit_here(struct jit *j)
{
    struct code_buffer *c = &j->code;

    return (struct emit){c->write + c->used, c->write + c->size, false};
}

const uint8_t *run_address(const struct jit *j, const uint8_t *at)
{
    return j->code.run + (at - j->code.write);
}

void count_one(struct emit *e, const uint64_t *counter)
{
    e_imm(e, RDX, (uintptr_t)counter);
    e_op_mem(e, true, 0xff, 0, RDX, NO_REG, 0, 0); /* inc */
}

/*
 * Into a handler: what it wants beside the CPU in rdi, the record in rsi and
 * the budget in rdx (engine.h: rcx is spare); changes rax.  `cpu` is the
 * register that holds the CPU.
 */
static void handler_arguments(struct emit *e, const struct isa *isa, int cpu)
{
    if (isa->engine->page_slot) {
        e_load(e, RAX, cpu, CPU(page));
        e_store(e, cpu, (int32_t)isa->engine->page_slot, RAX);
    }
    if (!isa->flags)
        return;
    e_load(e, R8, cpu, CPU(flag_a));
    e_load(e, R9, cpu, CPU(flag_b));
}

/* Out of a handler, whose arguments are those. */
static void from_handler(struct emit *e, const struct isa *isa)
{
    e_mov(e, RBP, RDI);
    if (!isa->flags)
        return;
    e_store(e, RBP, CPU(flag_a), R8);
    e_store(e, RBP, CPU(flag_b), R9);
}

/* BMI1, BMI2, and what came before them. */
static bool has_instructions(void)
{
    unsigned a, b, c, d;

    return __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("popcnt") &&
           __get_cpuid(0x80000001, &a, &b, &c, &d) && (c & bit_LZCNT);
}

bool backend_init(struct jit *j, struct error *err)
{
    static const int8_t saved[] = {RBX, RBP, R12, R13, R14, R15};
    /* what a function changes beside the temporaries */
    static const int8_t kept[] = {RSI, RDI, R8, R9, R10, R11};
    const struct isa *isa = j->cpu->class->isa;
    unsigned n = pin_count(j);
    struct emit e = emit_here(j);
    uint8_t *none, *poll;

    if (!has_instructions())
        return error_set(err, "the host processor lacks BMI1, BMI2, LZCNT or "
                              "POPCNT");

    /* run(cpu, record, budget): handlers below may change every register */
    j->hooks.run = (void (*)(struct cpu *, const struct rec *, int64_t))(
        uintptr_t)run_address(j, e.at);
    for (unsigned i = 0; i < 6; i++)
        e_push(&e, saved[i]);
    e_alu_imm(&e, true, ALU_SUB, RSP, 8);
    handler_arguments(&e, isa, RDI);
    e_op_mem(&e, false, 0xff, 2, RSI, NO_REG, 0, 0); /* call [rsi] */
    e_alu_imm(&e, true, ALU_ADD, RSP, 8);
    for (unsigned i = 6; i-- > 0;)
        e_pop(&e, saved[i]);
    e_ret(&e);

    /* enter: a record's handler (cpu, record, budget) */
    j->enter = run_address(j, e.at);
    j->hooks.enter = (rec_fn *)(uintptr_t)j->enter;
    e_rex(&e, false, 0, 0, RDI, false); /* cmp byte [rdi + interpret], 0 */
    e8(&e, 0x80);
    e_modrm_mem(&e, 7, RDI, NO_REG, 0, CPU(interpret));
    e8(&e, 0);
    none = e_jcc(&e, CC_E);
    e_jmp_mem(&e, RSI, BLOCK_FN_OFFSET);
    e_patch(none, e.at);
    e_load(&e, RAX, RSI, BLOCK_CODE_OFFSET);
    /* resume: the same at the code in rax */
    j->resume = run_address(j, e.at);
    from_handler(&e, isa);
    e_mov(&e, RDI, RDX);
    count_one(&e, &j->counters.entered);
    fill(&e, isa, n);
    e_jmp_reg(&e, RAX);

    /* exit_record: rax = record, rcx = handler */
    j->exit_record = run_address(j, e.at);
    spill(&e, isa, n);
    count_one(&e, &j->counters.left);
    e_mov(&e, RSI, RAX);
    e_mov(&e, RDX, RDI);
    e_mov(&e, RDI, RBP);
    handler_arguments(&e, isa, RBP);
    e_jmp_reg(&e, RCX);

    /* site: the site's number is on the stack; all registers survive */
    j->site = run_address(j, e.at);
    for (int r = R15; r >= RAX; r--)
        e_push(&e, r);
    e_mov(&e, RDI, RBP);
    e_mov(&e, RSI, RSP);
    e_op_mem(&e, false, 0x8b, RDX, RSP, NO_REG, 0, 16 * 8);
    e_imm(&e, RAX, (uintptr_t)site_missed);
    e_call_reg(&e, RAX);
    e_store(&e, RSP, 16 * 8, RAX);
    for (int r = RAX; r <= R15; r++)
        if (r == RSP)
            e_alu_imm(&e, true, ALU_ADD, RSP, 8);
        else
            e_pop(&e, r);
    e_ret(&e);

    /* pack: cpu_pack_flags(); called, and only temporaries change */
    j->pack = run_address(j, e.at);
    for (unsigned i = 0; i < 6; i++)
        e_push(&e, kept[i]);
    e_mov(&e, RDI, RBP);
    e_imm(&e, RAX, (uintptr_t)cpu_pack_flags);
    e_call_reg(&e, RAX);
    for (unsigned i = 6; i-- > 0;)
        e_pop(&e, kept[i]);
    e_ret(&e);

    /* exit_fault: an exception is pending, cpu->cur and budget are set */
    j->exit_fault = run_address(j, e.at);
    spill(&e, isa, n);
    e_ret(&e);

    /* look: rdx is a jump cache entry, which knows no code yet */
    j->hooks.look = run_address(j, e.at);
    e_op_mem(&e, true, 0x8b, RCX, RBP, RDX, 0, ENTRY(rec));
    e_imm(&e, RAX, (uintptr_t)j->enter);
    e_op_mem(&e, true, 0x3b, RAX, RCX, NO_REG, 0, 0);
    none = e_jcc(&e, CC_NE);
    e_load(&e, RAX, RCX, BLOCK_CODE_OFFSET);
    e_op_mem(&e, true, 0x89, RAX, RBP, RDX, 0, ENTRY(code));
    e_jmp_reg(&e, RAX);
    e_patch(none, e.at);
    e_mov(&e, RAX, RCX);
    e_load(&e, RCX, RAX, 0);
    e_jmp_to(&e, written(j, j->exit_record));

    /* exit_miss: as exit_poll, but for what the jump cache does not have */
    j->exit_miss = run_address(j, e.at);
    e_test(&e, true, RDI, RDI);
    poll = e_jcc(&e, CC_S);
    count_one(&e, &j->counters.misses);
    e_patch(poll, e.at);
    /* exit_poll: cpu->pc is set, and the budget is counted */
    j->exit_poll = run_address(j, e.at);
    spill(&e, isa, n);
    e_store_imm(&e, RBP, CPU(cur), 0);
    e_store(&e, RBP, CPU(budget), RDI);
    e_ret(&e);

    /* exit_link: rax = link, rdx = site of the jump that came here */
    j->exit_link = run_address(j, e.at);
    spill(&e, isa, n);
    e_push(&e, RDI);
    e_push(&e, RAX);
    e_alu_imm(&e, true, ALU_SUB, RSP, 8); /* the callers' 8 make it 16 */
    e_mov(&e, RDI, RBP);
    e_mov(&e, RSI, RAX);
    e_imm(&e, RAX, (uintptr_t)jit_follow);
    e_call_reg(&e, RAX);
    e_alu_imm(&e, true, ALU_ADD, RSP, 8);
    e_pop(&e, RCX);
    e_pop(&e, RDI);
    e_test(&e, true, RAX, RAX);
    none = e_jcc(&e, CC_E);
    fill(&e, isa, n);
    e_jmp_reg(&e, RAX);
    e_patch(none, e.at);
    e_load(&e, RSI, RCX, 0); /* link->next */
    e_mov(&e, RDX, RDI);
    e_mov(&e, RDI, RBP);
    handler_arguments(&e, isa, RBP);
    e_jmp_mem(&e, RSI, 0);
    if (e.full)
        return error_set(err, "the code buffer is too small");
    j->code.used = (size_t)(e.at - j->code.write);
    return true;
}

void write_out(struct gen *g, const struct out *o)
{
    struct emit *e = &g->e;

    e_patch(o->site, e->at);
    switch (o->kind) {
    case OUT_RECORD:
        if (g->j->left_for && o->target)
            count_one(e, &g->j->left_for[o->target]);
        e_imm(e, RAX, (uintptr_t)shadow_of(g, o->rec));
        /* Where code is entered, the record itself leads here. */
        if (shadow_of(g, o->rec)->fn == jit_handler(g->b, o->rec))
            e_load(e, RCX, RAX, 0);
        else
            e_imm(e, RCX, (uintptr_t)jit_handler(g->b, o->rec));
        jump_to_stub(g, g->j->exit_record);
        break;
    case OUT_SITE:
        e_push_imm(e, o->target);
        jump_to_stub(g, g->j->site);
        break;
    case OUT_POLL:
        e_load(e, RAX, RBP, CPU(page));
        e_lea(e, RAX, RAX, NO_REG, 0, o->target);
        e_store(e, RBP, CPU(pc), RAX);
        jump_to_stub(g, g->j->exit_poll);
        break;
    case OUT_LINK:
        e_imm(e, RAX, (uintptr_t)o->rec);
        e_imm(e, RDX, (uintptr_t)run_address(g->j, o->site));
        jump_to_stub(g, g->j->exit_link);
        break;
    }
}
