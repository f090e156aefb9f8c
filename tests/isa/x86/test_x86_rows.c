/*
 * The rows of x86.isa three ways: handlers, IR evaluator, and the host's
 * own processor, over random programs of one to four instructions.
 *
 *     test_x86_rows [-n STATES] [-s SEED] [-r ROW] [-m 16|32|64] [-i 1..4]
 *                   [-f 1] [-l 1]
 *     test_x86_rows -j OFF ...         compiled, without passes (jit.h, bits)
 *     test_x86_rows [-s SEED] -t N     random instructions as text (text.py)
 *     test_x86_rows -d 1 < LINES       lines "SIZE HEX" as "LENGTH TEXT", 0
 *                                      for what is undefined (iced.py)
 *
 * -f 1: the handlers do without the host's floating-point unit.  -l 1: lists
 * which differences from the host were excused, how often and why, and which
 * flags each row leaves undefined.  Each row is run in each size of code that
 * it exists in, with its operand in a register and in memory, with 66, 67,
 * segment overrides and LOCK where it takes them; with 2000 states and more
 * also in every form that decoding picks.  What was not reached is a failure.
 *
 * STATES is how many states each row is tried in, in each mode (default: as
 * many as ./check wants).  Handlers and evaluator must agree in everything;
 * the host but for what the row says it leaves undefined.  Memory operands
 * are aimed at the ends of pages that may be absent or read-only, so that a
 * third of the cases fault: nothing may be changed by those.
 *
 * Not compared with the host: FS and GS (they are the C library's), rows of
 * extensions that it lacks, RCPPS' and RSQRTPS' results, images of x87's and
 * SSE's state in memory.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "jit/jit.h"
#include "tests/isa/x86/bench.h"

/* States that one program is run in. */
#define STATES_EACH 8

/* --------------------------------------------------------------- set-up */

static uint64_t insns(void *owner)
{
    return cpu_icount_any(owner);
}

static bool side_new(struct side *s, const struct cpu_class *class,
                     const char *name, const struct jit_config *jit,
                     struct error *e)
{
    struct cpu_config config = {.model = "max", .no_chain = jit != NULL};
    const uint64_t size = RAM_SIZE + GUEST_TABLES * PAGE_SIZE;
    struct cpu_env env;

    pthread_mutex_init(&s->lock, NULL);
    log_init(&s->log, stderr);
    s->memory = memory_new(name, true, &s->lock);
    s->clock = clock_new();
    s->gate = gate_new();
    if (!s->memory || !s->clock || !s->gate)
        return error_set(e, "out of memory");
    if (!ram_new(&s->ram, size, e))
        return false;
    s->region = (struct region){.name = "ram",
                                .kind = REGION_RAM,
                                .size = size,
                                .enabled = true,
                                .ram = s->ram};
    if (!memory_add(s->memory, &s->region, e))
        return false;
    env = (struct cpu_env){s->memory, NULL, s->clock, s->gate, &s->log};
    if (!cpu_new(&s->c, class, &env, &config, e))
        return false;
    if (jit && !jit_attach(s->c, jit, e))
        return false;
    if (!jit)
        clock_use_icount(s->clock, 0, insns, s->c);
    memory_wrote(s->memory, s->ram, 0, size);
    guest_map(s->ram->host, page_kinds);
    return true;
}

static void side_free(struct side *s)
{
    cpu_free(s->c);
    if (s->memory)
        memory_free(s->memory);
    ram_free(s->ram);
    if (s->gate)
        gate_free(s->gate);
    if (s->clock)
        clock_free(s->clock);
    log_destroy(&s->log);
    pthread_mutex_destroy(&s->lock);
}

static void native_setup(struct bench *t)
{
    const char *why;

    t->native = native_new(GUEST_BASE, GUEST_PAGES, t->cs, t->ss, &why);
    if (!t->native) {
        fprintf(stderr, "not compared with the host: %s\n", why);
        return;
    }
    memcpy(native_memory(t->native), t->pristine, RAM_SIZE);
    for (unsigned i = 0; i < GUEST_PAGES; i++)
        native_protect(t->native, i, page_kinds[i] != PAGE_ABSENT,
                       page_kinds[i] == PAGE_READ_WRITE, i < CODE_PAGES);
}

static bool bench_new(struct bench *t, uint64_t seed,
                      const struct jit_config *jit, struct error *e)
{
    memset(t, 0, sizeof(*t));
    t->rng.state = seed;
    t->jit = jit != NULL;
    t->pristine = malloc(RAM_SIZE);
    t->before = calloc(1, sizeof(*t->before));
    t->reached = calloc(x86_n_entries * 3 * WANTS, sizeof(*t->reached));
    t->undefined_of = calloc(x86_n_entries, sizeof(*t->undefined_of));
    guest_class(&t->class);
    if (!t->pristine || !t->before || !t->reached || !t->undefined_of ||
        !side_new(&t->a, &t->class, "a", jit, e) ||
        !side_new(&t->b, &t->class, "b", NULL, e))
        return e->text[0] ? false : error_set(e, "out of memory");
    for (unsigned i = 0; i < MAX_INSNS; i++)
        ir_init(&t->irs[i]);
    memset(t->pristine, 0xcc, RAM_SIZE);
    for (size_t i = DATA; i < RAM_SIZE; i += 8)
        st_le64(t->pristine + i,
                i % 48 < 32 ? rng_double(&t->rng) : rng_edgy(&t->rng));
    memcpy(t->a.ram->host, t->pristine, RAM_SIZE);
    memcpy(t->b.ram->host, t->pristine, RAM_SIZE);
    for (const struct isa_undef *u = x86_undefs; u->fn; u++)
        t->undefs[u->row] = u;
    if (!jit)
        native_setup(t);
    for (unsigned size = X86_MODE_16; size <= X86_MODE_64; size++) {
        guest_set_mode(x86(t->a.c), size, t->cs[size], t->ss[size]);
        t->modes[size] = x86(t->a.c)->mode;
    }
    return true;
}

static void bench_free(struct bench *t)
{
    native_free(t->native);
    side_free(&t->a);
    side_free(&t->b);
    for (unsigned i = 0; i < MAX_INSNS; i++)
        ir_free(&t->irs[i]);
    free(t->pristine);
    free(t->before);
    free(t->reached);
    free(t->undefined_of);
}

/* ---------------------------------------------------------- the program */

/* Code of the program, or the bytes CC again, on all sides. */
static void place(struct bench *t, bool there)
{
    /* Where blocks are not cut to size, the last one ends here. */
    static const uint8_t loop[2] = {0xeb, 0xfe};
    uint64_t at = t->p.pc - GUEST_BASE;
    uint8_t *rams[3] = {t->a.ram->host, t->b.ram->host, bench_native_ram(t)};

    for (unsigned i = 0; i < 3; i++) {
        if (!rams[i])
            continue;
        if (there)
            memcpy(rams[i] + at, t->p.bytes, t->p.size);
        else
            memset(rams[i] + at, 0xcc, t->p.size + sizeof(loop));
        if (there && t->jit)
            memcpy(rams[i] + at + t->p.size, loop, sizeof(loop));
    }
    if (t->jit)
        block_cache_flush(t->a.c);
    if (!t->native)
        return;
    native_prepare(t->native, bench_mode_size(t), t->p.pc);
    for (unsigned i = 0; i < 2; i++)
        memcpy(rams[i] + NATIVE_CONTROL, rams[2] + NATIVE_CONTROL, 8);
}

static bool lift(struct bench *t, struct error *e)
{
    for (unsigned i = 0; i < t->p.n; i++) {
        struct ir *ir = &t->irs[i];
        const struct insn *n = &t->p.insns[i];
        int32_t offset = (int32_t)((t->p.pc & ~PAGE_MASK) + t->p.at[i]);
        uint32_t flags = x86_row_table[n->row].flags;

        ir_clear(ir);
        ir_insn(ir, offset, n->length);
        x86_lift(ir, n, offset);
        if (n->row && !(flags & ROW_END))
            ir_exit(ir, offset + n->length);
        if (!ir_verify(ir, &t->class, e))
            return false;
    }
    return true;
}

/* ------------------------------------------------------------- the state */

/* Lazy flags of any kind. */
static void random_flags(struct bench *t, struct cpu *c)
{
    static const unsigned widths[4] = {8, 16, 32, 64};

    c->flag_kind = FLAGS_BITS;
    c->flag_a = rng_next(&t->rng) & X86_FLAGS;
    c->flag_b = rng_next(&t->rng);
    if (rng_once(&t->rng, 2)) {
        uint64_t v[3] = {rng_edgy(&t->rng), rng_edgy(&t->rng),
                         rng_edgy(&t->rng)};

        x86_flag_define(c, 1 + (unsigned)rng_below(&t->rng, 9),
                        widths[rng_below(&t->rng, 4)], v, 0);
    }
}

/* Masked, most often; now and then an exception waits that is not. */
static void random_x87_modes(struct rng *r, struct x86_cpu *g)
{
    static const uint16_t precisions[4] = {0x300, 0x300, 0x200, 0};
    unsigned v = (unsigned)rng_next(r);

    x87_set_control(g, (uint16_t)((rng_once(r, 2) ? v & 0xc00 : 0) |
                                  precisions[v >> 12 & 3] |
                                  (rng_once(r, 8) ? v & 0x3f : 0x3f)));
    v = (unsigned)rng_next(r) &
        (X87_TOP | X87_C0 | X87_C1 | X87_C2 | X87_C3 | X87_EXCEPTIONS);
    if (!rng_once(r, 8))
        v &= ~(~(unsigned)g->x87.control & X87_EXCEPTIONS);
    x87_set_status(g, (uint16_t)v);
}

static void random_registers(struct bench *t, struct x86_cpu *g)
{
    struct rng *r = &t->rng;

    for (unsigned i = 0; i < 16; i++) {
        g->g[i] = rng_edgy(r);
        g->xmm[i] = v128_make(rng_double(r), rng_double(r));
        if (rng_once(r, 2))
            g->xmm[i] = v128_make(rng_floats(r), rng_floats(r));
        if (rng_once(r, 8))
            g->g[i] = interesting_address(r);
    }
    g->g[X86_NONE] = 0;
    g->df = rng_once(r, 4);
    /* Masked, most often; now and then denormals are zeros. */
    x86_set_mxcsr(g, (uint32_t)(0x1f80u | (rng_next(r) & 0x603f) |
                                (rng_once(r, 4) ? rng_next(r) & 0x8040 : 0)) ^
                         (rng_once(r, 8) ? rng_next(r) & 0x1f80u : 0));
    random_x87_modes(r, g);
    g->x87.used = (uint8_t)(rng_once(r, 4) ? rng_next(r) : 1u << g->x87.top);
    for (unsigned i = 0; i < 8; i++) {
        g->x87.mantissa[i] = rng_once(r, 2) ? rng_edgy(r) : rng_next(r);
        g->x87.exponent[i] =
            (uint16_t)((16383 - rng_below(r, 20) + (rng_once(r, 4) ? 70 : 0)) |
                       (rng_next(r) & 0x8000));
    }
}

static void aim_stack(struct bench *t, struct x86_cpu *g)
{
    struct rng *r = &t->rng;
    uint64_t sp = GUEST_BASE + STACK_PAGE * PAGE_SIZE;

    sp += rng_once(r, 4) ? PAGE_SIZE * rng_below(r, 3) - 16 + rng_below(r, 33)
                         : 64 + 8 * rng_below(r, 900);
    if (rng_once(r, 64))
        return;
    if (bench_mode_size(t) == X86_MODE_16)
        sp -= GUEST_BASE;
    g->g[4] = sp | (bench_mode_size(t) == X86_MODE_16 ? rng_next(r) << 16 : 0);
}

static bool is_string(const struct insn *n)
{
    const struct x86_entry *e = &x86_tables.entries[n->text];

    for (unsigned i = 0; n->row && i < 4; i++)
        if (e->operands[i].letter == 'X' || e->operands[i].letter == 'Y')
            return true;
    return false;
}

/* Strings in the data, with short counts. */
static void aim_strings(struct bench *t, struct x86_cpu *g)
{
    struct rng *r = &t->rng;
    uint64_t base = bench_mode_size(t) == X86_MODE_16 ? GUEST_BASE : 0;

    g->g[6] = interesting_address(r) - base;
    g->g[7] = interesting_address(r) - base;
    g->g[1] = rng_below(r, rng_once(r, 4) ? 60 : 9);
    if (rng_once(r, 8))
        g->g[7] = g->g[6] + rng_below(r, 16);
}

static void random_state(struct bench *t)
{
    struct x86_cpu *g = t->before;

    random_flags(t, &g->core);
    random_registers(t, g);
    aim_stack(t, g);
    for (unsigned i = t->p.n; i-- > 0;) {
        const struct insn *n = &t->p.insns[i];

        aim(&t->p, i, g->g, interesting_address(&t->rng));
        if (is_string(n))
            aim_strings(t, g);
        /* Targets that are code. */
        if ((x86_row_table[n->row].flags & ROW_INDIRECT) && n->reg[1] < 16 &&
            rng_once(&t->rng, 2))
            g->g[n->reg[1]] =
                rng_below(&t->rng, 0x2000) +
                (bench_mode_size(t) == X86_MODE_16 ? 0 : GUEST_BASE);
    }
    if (bench_mode_size(t) != X86_MODE_64)
        for (unsigned i = 0; i < 16; i++)
            g->g[i] = i < 8 ? (uint32_t)g->g[i] : 0;
}

static void load_state(struct bench *t, struct side *s)
{
    const struct x86_cpu *from = t->before;
    struct x86_cpu *g = x86(s->c);
    unsigned size = bench_mode_size(t);

    memcpy(g->g, from->g, sizeof(g->g));
    memcpy(g->xmm, from->xmm, sizeof(g->xmm));
    g->x87 = from->x87;
    x87_settle(g);
    g->df = from->df;
    x86_set_mxcsr(g, x86_mxcsr(from));
    g->fp.soft = t->soft && s == &t->a;
    if ((g->mode & X86_MODE_SIZE) != size || rng_once(&t->rng, 8))
        cpu_flush_tlb(s->c);
    if (g->mode != t->modes[size])
        guest_set_mode(g, size, t->cs[size], t->ss[size]);
    g->core.flag_kind = from->core.flag_kind;
    g->core.flag_a = from->core.flag_a;
    g->core.flag_b = from->core.flag_b;
    g->core.pc = t->p.pc;
    g->core.page = t->p.pc & PAGE_MASK;
    g->core.pending_exception = false;
    g->core.halted = false;
    g->activity = X86_ACTIVE;
    g->vector = GUEST_NONE;
    g->error = 0;
    g->fault_address = 0;
}

uint64_t bench_flags(const struct cpu *c)
{
    return x86_flag_bits(c->flag_kind, c->flag_a, c->flag_b);
}

/* -------------------------------------------------------- the evaluator */

/* What instruction i will leave undefined, and whether it uses what was. */
static uint32_t look_ahead(struct bench *t, unsigned i)
{
    const struct insn *n = &t->p.insns[i];
    const struct isa_flow *flow = x86_row_table[n->row].flow;
    struct cpu *c = t->b.c;
    int32_t offset = (int32_t)((t->p.pc & ~PAGE_MASK) + t->p.at[i]);
    struct rec r[2] = {{.a = n->reg[0],
                        .b = n->reg[1],
                        .c = n->reg[2],
                        .d = n->reg[3],
                        .imm = (int32_t)n->imm}};
    uint32_t out = 0;

    if (flow && (flow->uses & t->undefined))
        t->tainted = true;
    /* With nothing to move by ECX in 64-bit code, hosts clear the upper halves
     * of registers, or do not. */
    if (is_string(n) && (n->reg[3] >> X86_D_SIZE & 3) == 2 &&
        (uint32_t)x86(c)->g[1] == 0)
        t->tainted = true;
    if (n->facts & INSN_IMM_PC)
        r[0].imm += offset;
    r[1].data = n->data;
    c->extra = n->extra + (uint64_t)(n->facts & INSN_EXTRA_PC ? offset : 0);
    x86(c)->g[X86_PAGE] = c->page;
    if (n->row && t->undefs[n->row])
        out = t->undefs[n->row]->fn(c, r, bench_flags(c));
    t->undefined_of[n->text] |= out & X86_FLAGS;
    if (out & 0x10000)
        t->operand_undefined = true;
    return out & X86_FLAGS;
}

/* Instruction by instruction; false: the IR was bad. */
static bool run_evaluator(struct bench *t)
{
    struct cpu *c = t->b.c;

    t->undefined = 0;
    t->tainted = t->operand_undefined = false;
    for (unsigned i = 0; i < t->p.n; i++) {
        const struct isa_flow *flow = x86_row_table[t->p.insns[i].row].flow;
        uint32_t undefined = look_ahead(t, i);
        struct ir_end end;

        c->page = t->p.pc & PAGE_MASK;
        do {
            end = ir_eval(&t->irs[i], c, &x86_ir_guest);
        } while (end.how == IR_END_AGAIN);
        if (end.how == IR_END_BAD)
            return false;
        if (flow && end.how != IR_END_RAISED)
            t->undefined &= ~(uint32_t)flow->sets;
        t->undefined |= undefined;
        c->pc = x86_cut_pc(c, c->pc);
        if (end.how == IR_END_RAISED || i + 1 == t->p.n ||
            c->pc != t->p.pc + t->p.at[i + 1])
            break;
    }
    return true;
}

/* Block by block, until it leaves the program. */
static void run_compiled(struct bench *t)
{
    struct cpu *c = t->a.c;
    const uint64_t start = c->icount;

    for (unsigned tries = 0; tries < 100; tries++) {
        uint64_t done;

        cpu_run(c, 1);
        done = c->icount - start;
        if (c->pending_exception || c->halted || done >= t->p.n ||
            c->pc != t->p.pc + t->p.at[done])
            break;
    }
}

static void run_handlers(struct bench *t)
{
    struct cpu *c = t->a.c;

    if (t->jit) {
        run_compiled(t);
        return;
    }
    while (cpu_run(c, t->p.n) == CPU_KICKED && c->pending_exception)
        continue;
}

/* -------------------------------------------------------------- compare */

static void print_state(const char *who, const struct x86_cpu *g)
{
    printf("%s: pc %llx vector %u error %llx cr2 %llx flags %03llx df %u\n",
           who, (unsigned long long)g->core.pc, g->vector,
           (unsigned long long)g->error, (unsigned long long)g->fault_address,
           (unsigned long long)bench_flags(&g->core), g->df);
    for (unsigned i = 0; i < 16; i++)
        printf("  %016llx%s", (unsigned long long)g->g[i],
               i % 4 == 3 ? "\n" : "");
}

void bench_report(struct bench *t, const char *what)
{
    char text[1024];

    if (t->failures++ >= MAX_REPORTS)
        return;
    program_text(&t->p, text, sizeof(text));
    printf("%s (%u-bit code)\n%s", what, 16u << bench_mode_size(t), text);
    print_state("before", t->before);
    print_state(t->jit ? "compiled" : "handlers", x86(t->a.c));
    print_state("evaluator", x86(t->b.c));
}

static const char *different(const struct x86_cpu *a, const struct x86_cpu *b)
{
    if (a->core.pc != b->core.pc)
        return "pc";
    if (a->vector != b->vector || a->error != b->error ||
        a->fault_address != b->fault_address)
        return "exception";
    if (memcmp(a->g, b->g, sizeof(a->g[0]) * 16) != 0)
        return "registers";
    if (bench_flags(&a->core) != bench_flags(&b->core) || a->df != b->df)
        return "flags";
    if (memcmp(a->xmm, b->xmm, sizeof(a->xmm)) != 0 ||
        a->fp.flags != b->fp.flags)
        return "SSE";
    if (memcmp(&a->x87, &b->x87, sizeof(a->x87)) != 0)
        return "x87";
    return NULL;
}

size_t bench_difference(const uint8_t *a, const uint8_t *b)
{
    size_t at = DATA;

    if (memcmp(a + DATA, b + DATA, RAM_SIZE - DATA) == 0)
        return RAM_SIZE;
    while (a[at] == b[at])
        at++;
    return at;
}

static bool compare_sides(struct bench *t)
{
    const char *what = different(x86(t->a.c), x86(t->b.c));
    size_t at = bench_difference(t->a.ram->host, t->b.ram->host);
    char text[80];

    if (what)
        snprintf(text, sizeof(text), "handlers and evaluator: %s", what);
    else if (at < RAM_SIZE)
        snprintf(text, sizeof(text), "handlers and evaluator: memory at %llx",
                 (unsigned long long)(GUEST_BASE + at));
    else
        return true;
    bench_report(t, text);
    return false;
}

/* ---------------------------------------------------------------- a case */

static void restore_data(struct bench *t)
{
    uint8_t *rams[3] = {t->a.ram->host, t->b.ram->host, bench_native_ram(t)};

    for (unsigned i = 0; i < 3; i++)
        for (size_t at = DATA; rams[i] && at < RAM_SIZE; at += PAGE_SIZE)
            if (memcmp(rams[i] + at, t->pristine + at, PAGE_SIZE) != 0)
                memcpy(rams[i] + at, t->pristine + at, PAGE_SIZE);
}

static bool run_case(struct bench *t)
{
    bool ok = true;

    random_state(t);
    bench_reached(t)->cases++;
    for (unsigned i = 0; i < t->p.n; i++)
        t->by_row[t->p.insns[i].row]++;
    load_state(t, &t->a);
    load_state(t, &t->b);
    run_handlers(t);
    if (!run_evaluator(t)) {
        bench_report(t, "the evaluator found the IR to be bad");
        ok = false;
    }
    t->cases++;
    t->faults += x86(t->a.c)->vector != GUEST_NONE;
    ok = ok && compare_sides(t);
    if (ok && t->native && t->p.native)
        ok = bench_compare_host(t);
    restore_data(t);
    return ok;
}

static struct machine machine_for(const struct bench *t, unsigned size)
{
    const struct x86_cpu *g = x86(t->a.c);

    return (struct machine){t->modes[size], g->model, g->features};
}

/* The program in a few states; false: it is no use to go on. */
static bool run_program(struct bench *t)
{
    struct error error;
    bool good;

    place(t, true);
    good = lift(t, &error);
    if (!good)
        bench_report(t, error.text);
    for (unsigned k = 0; good && k < STATES_EACH; k++)
        if (!run_case(t))
            break;
    place(t, false);
    return good;
}

static void next_want(struct bench *t, const struct x86_entry *e)
{
    do
        t->want = (t->want + 1) % WANTS;
    while (!can_have(e, t->want));
}

/* Programs that begin with entry e. */
static void run_entry(struct bench *t, const struct x86_entry *e, unsigned size,
                      unsigned states)
{
    const struct machine m = machine_for(t, size);
    /* Compiled ones want to be long enough to be left and entered again. */
    const unsigned most = t->jit                 ? MAX_INSNS
                          : t->insns < FEW_INSNS ? t->insns
                                                 : FEW_INSNS;

    if (!is_for_users(&m, e))
        return;
    t->entry = (unsigned)(e - x86_tables.entries);
    for (unsigned i = 0; i < states; i += STATES_EACH) {
        next_want(t, e);
        while (!make_program(&t->rng, &m, e, t->want, NULL,
                             1 + (unsigned)rng_below(&t->rng, most), &t->p))
            continue;
        if (!run_program(t))
            return;
    }
}

/* ------------------------------------------------------------ fused pairs */

/* Has one of the rows that it decodes to a number in pairs? */
static bool pairs_as(const struct x86_entry *e, unsigned place)
{
    for (unsigned k = 0; k < 4; k++)
        for (unsigned form = 0, row = e->instance[k]; row && form < 8; form++)
            if (e->forms >> form & 1 && x86_row_table[row++].role[place])
                return true;
    return false;
}

static void run_pair(struct bench *t, const struct x86_entry *e,
                     const struct x86_entry *then, unsigned size)
{
    const struct machine m = machine_for(t, size);
    const struct insn *i = t->p.insns;
    const struct isa_fusion *f;

    if (!is_for_users(&m, e) || !is_for_users(&m, then))
        return;
    t->entry = (unsigned)(e - x86_tables.entries);
    /* Of each pair as it comes out, a few programs. */
    for (unsigned n = 0; n < 300; n++) {
        next_want(t, e);
        while (!make_program(&t->rng, &m, e, t->want, then, 2, &t->p))
            continue;
        f = t->p.n < 2 ? NULL
                       : isa_find_fusion(t->class.isa, i[0].row, i[1].row);
        if (f && t->by_pair[f - x86_fusions]++ < 16 && !run_program(t))
            return;
    }
}

/* Every fused pair, in programs of those two. */
static void run_pairs(struct bench *t)
{
    for (unsigned a = 1; a < x86_n_entries; a++) {
        const struct x86_entry *e = &x86_tables.entries[a];

        for (unsigned b = 1; pairs_as(e, 0) && b < x86_n_entries; b++) {
            const struct x86_entry *then = &x86_tables.entries[b];

            if (pairs_as(then, 1))
                for (unsigned size = X86_MODE_32; size <= X86_MODE_64; size++)
                    run_pair(t, e, then, size);
        }
    }
    for (unsigned n = 0; n < X86_N_FUSIONS; n++)
        if (!t->by_pair[n]) {
            printf("pair %u, %u: not reached\n", x86_fusions[n].first,
                   x86_fusions[n].second);
            t->failures++;
        }
}

/* ----------------------------------------------------- conditions, models */

/* Every short cut says what the flags themselves say. */
static void run_shorts(struct bench *t, unsigned states)
{
    struct cpu *c = t->a.c;

    for (const struct isa_short *s = x86_shorts; s->name; s++)
        for (unsigned i = 0; i < states; i++) {
            uint64_t v[2];
            bool want;

            for (unsigned k = 0; k < 2; k++) {
                unsigned shift = 64 - s->width;

                v[k] =
                    (uint64_t)((int64_t)(rng_edgy(&t->rng) << shift) >> shift);
            }
            if (rng_once(&t->rng, 8))
                v[1] = v[0];
            c->flag_kind = s->kind;
            c->flag_a = v[0];
            c->flag_b = v[1];
            want = x86_flag_use(c, s->condition);
            if (s->fn(v[0], v[1]) == want)
                continue;
            if (t->failures++ < MAX_REPORTS)
                printf("condition %s of %llx, %llx: not %d\n", s->name,
                       (unsigned long long)v[0], (unsigned long long)v[1],
                       !want);
        }
}

/* -------------------------------------------------------------- the lot */

struct plan {
    unsigned states, seed, row, insns;
    bool compiled, list;
    int mode; /* -1: all */
};

/* ------------------------------------------------------ what was reached */

/* Does decoding ever pick this form at size 8 << k? */
static bool form_happens(const struct x86_entry *e, unsigned k, unsigned form)
{
    const bool sized = e->flags & X86_SIZED;
    const bool only64 = e->flags & (X86_O64 | X86_W1) || (sized && k == 3);
    const bool never64 = e->flags & X86_I64 ||
                         (sized && k == 1 && e->flags & X86_F64) ||
                         (sized && k == 2 && e->flags & (X86_F64 | X86_D64));
    const bool far = e->operands[0].letter == 'J' && e->operands[0].size != 'b';
    const bool exits = e->flags & X86_EXIT, stack = e->flags & X86_STACK;

    if (sized && k == 3 && e->flags & X86_W0)
        return false;
    switch (form) {
    case X86_RY:
    case X86_Y:
        return !only64 && (!exits || k == 2);
    case X86_B:
    case X86_X:
        return !never64 && (!exits || k == 3);
    case X86_R: /* of the code's own size, and what flat32 has in RY */
        return (!exits && !stack) || (!never64 && (!exits || k == 3)) ||
               (exits && !stack && k == 2);
    case X86_RS: /* or else a twin; a target may be too far for the others */
        return exits || stack ? !only64 || far : !(e->forms >> X86_R & 1);
    default:
        return true;
    }
}

static bool is_reached(const struct bench *t, unsigned i, unsigned size,
                       enum want want, bool host)
{
    const struct x86_entry *e = &x86_tables.entries[i];
    const struct reached *n = &t->reached[(i * 3 + size) * WANTS + want];

    if (!n->cases)
        return false;
    return !host || n->natives || n->open || want == WANT_OTHER ||
           is_image(e) || e->wants & t->host_lacks;
}

/* Every row that is for users, in every size of code, with all that it can
 * have; of long runs also each form, and on the host.  What was not reached
 * is a failure. */
static void check_reached(struct bench *t, bool whole)
{
    for (unsigned i = 1; i < x86_n_entries; i++) {
        const struct x86_entry *e = &x86_tables.entries[i];
        bool ours = false;

        for (unsigned size = X86_MODE_16; size <= X86_MODE_64; size++) {
            const struct machine m = machine_for(t, size);

            if (!is_for_users(&m, e))
                continue;
            ours = true;
            for (unsigned w = 0; w < WANTS; w++) {
                if (!can_have(e, w) ||
                    is_reached(t, i, size, w, whole && t->native))
                    continue;
                printf("row %u, %s, in %u-bit code, %s: not reached\n", e->row,
                       e->name, 16u << size, want_names[w]);
                t->failures++;
            }
        }
        for (unsigned k = 0; whole && ours && k < 4; k++) {
            unsigned row = e->instance[k];

            for (unsigned form = 0; row && form < 8; form++) {
                if (!(e->forms >> form & 1))
                    continue;
                if (!t->by_row[row] && form_happens(e, k, form)) {
                    printf("row %u, %s, size %u, form %u: not reached\n",
                           e->row, e->name, 8u << k, form);
                    t->failures++;
                }
                row++;
            }
        }
    }
}

static void run_all(struct bench *t, const struct plan *plan)
{
    t->insns = plan->insns;
    run_shorts(t, 2000);
    for (unsigned i = 1; i < x86_n_entries; i++) {
        const struct x86_entry *e = &x86_tables.entries[i];

        unsigned before = t->failures;

        if (plan->row && e->row != plan->row)
            continue;
        for (unsigned size = X86_MODE_16; size <= X86_MODE_64; size++)
            if (plan->mode < 0 || (unsigned)plan->mode == size)
                run_entry(t, e, size, plan->states);
        if (t->failures != before)
            printf("row %u, %s: %u failures\n", e->row, e->name,
                   t->failures - before);
    }
    if (!plan->row && plan->mode < 0)
        run_pairs(t);
}

/* Lines "SIZE HEX TEXT" for another disassembler to look at. */
static void print_programs(const struct bench *t, unsigned n, uint64_t seed)
{
    struct rng r = {seed};
    struct program p;

    while (n) {
        unsigned size = (unsigned)rng_below(&r, 3);
        struct machine m = machine_for(t, size);
        char text[96];

        if (!make_program(&r, &m, NULL, WANT_ANY, NULL, 1, &p) ||
            !p.insns[0].row)
            continue;
        x86_disassemble(&p.insns[0], 0x1000, text, sizeof(text));
        printf("%u ", 16u << size);
        for (unsigned i = 0; i < p.insns[0].length; i++)
            printf("%02x", p.bytes[i]);
        printf(" %s\n", text);
        n--;
    }
}

static void decode_line(const struct bench *t, unsigned bits, const char *hex)
{
    const struct machine m = machine_for(t, bits == 64   ? X86_MODE_64
                                            : bits == 32 ? X86_MODE_32
                                                         : X86_MODE_16);
    uint8_t bytes[16] = {0};
    unsigned n = 0;
    struct insn i;
    char text[96];

    for (; n < 15 && sscanf(hex + 2 * n, "%2hhx", &bytes[n]) == 1; n++)
        continue;
    if (!x86_table_decode(&x86_tables, m.mode & ~X86_MODE_NO_XSAVE, m.features,
                          m.model, bytes, n, &i))
        i.row = 0; /* cut short */
    x86_disassemble(&i, 0x1000, text, sizeof(text));
    printf("%u %s\n", i.row ? i.length : 0, text);
}

static void decode_lines(const struct bench *t)
{
    char hex[64];
    unsigned bits;

    while (scanf("%u %63s", &bits, hex) == 2)
        decode_line(t, bits, hex);
}

static unsigned number(const char *text)
{
    char *end;
    unsigned long v = strtoul(text, &end, 0);

    if (!*text || *end) {
        fprintf(stderr, "test_x86_rows: '%s' is no number\n", text);
        exit(2);
    }
    return (unsigned)v;
}

int main(int argc, char **argv)
{
    struct plan plan = {
        .states = 160, .seed = 1, .insns = MAX_INSNS, .mode = -1};
    struct jit_config jit = {0};
    struct bench t;
    struct error e;
    unsigned failures, texts = 0, lines = 0, soft = 0;

    for (int i = 1; i < argc; i += 2) {
        unsigned v = number(i + 1 < argc ? argv[i + 1] : "");

        if (strcmp(argv[i], "-n") == 0)
            plan.states = v;
        else if (strcmp(argv[i], "-s") == 0)
            plan.seed = v;
        else if (strcmp(argv[i], "-r") == 0)
            plan.row = v;
        else if (strcmp(argv[i], "-d") == 0)
            lines = v;
        else if (strcmp(argv[i], "-f") == 0)
            soft = v;
        else if (strcmp(argv[i], "-l") == 0)
            plan.list = v;
        else if (strcmp(argv[i], "-i") == 0 && v && v <= MAX_INSNS)
            plan.insns = v;
        else if (strcmp(argv[i], "-m") == 0)
            plan.mode = v == 16   ? X86_MODE_16
                        : v == 32 ? X86_MODE_32
                                  : X86_MODE_64;
        else if (strcmp(argv[i], "-j") == 0) {
            plan.compiled = true;
            jit.off = v | 1u << JIT_TIERS;
        } else if (strcmp(argv[i], "-t") == 0) {
            texts = v;
        } else {
            fprintf(stderr,
                    "test_x86_rows: no option '%s': -n, -s, -r, -m, -i, "
                    "-j, -d or -t, each with a number\n",
                    argv[i]);
            return 2;
        }
    }
    if (!bench_new(&t, plan.seed, plan.compiled ? &jit : NULL, &e)) {
        fprintf(stderr, "%s: %s\n", plan.compiled ? "skipped" : "test_x86_rows",
                e.text);
        bench_free(&t);
        return plan.compiled ? 77 : 1;
    }
    t.soft = soft;
    if (texts || lines) {
        if (lines)
            decode_lines(&t);
        print_programs(&t, texts, plan.seed);
        bench_free(&t);
        return 0;
    }
    run_all(&t, &plan);
    if (!plan.row && plan.mode < 0 && plan.states >= 8 * STATES_EACH)
        check_reached(&t, !plan.compiled && plan.states >= 2000);
    if (plan.list)
        bench_print_reasons(&t);
    printf("%" PRIu64 " cases, %" PRIu64 " of them faulted, %" PRIu64
           " compared with the host; %u failures\n",
           t.cases, t.faults, t.natives, t.failures);
    failures = t.failures + !t.cases;
    if (plan.compiled) {
        struct jit_counters n;

        jit_count(t.a.c, &n);
        printf("%" PRIu64 " blocks compiled, %" PRIu64 " not, %" PRIu64
               " returns in mid-block\n",
               n.compiled, n.rejected, n.left);
        failures += !n.compiled;
    }
    bench_free(&t);
    return failures != 0;
}
