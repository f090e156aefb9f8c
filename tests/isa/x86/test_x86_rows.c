/*
 * The rows of nasty.isa three ways: handlers, IR evaluator, and the host's
 * own processor, over random programs of one to four instructions.
 *
 *     test_x86_rows [-n STATES] [-s SEED] [-r ROW] [-m 16|32|64]
 *     test_x86_rows -j OFF ...         compiled, without passes (jit.h, bits)
 *     test_x86_rows [-s SEED] -t N     random instructions as text (text.py)
 *
 * STATES is how many states each row is tried in, in each mode (default: as
 * many as ./check wants).  Handlers and evaluator must agree in everything;
 * the host but for what the row says it leaves undefined.  Memory operands
 * are aimed at the ends of pages that may be absent or read-only, so that a
 * third of the cases fault: nothing may be changed by those.
 *
 * Not compared with the host: FS and GS (they are the C library's), a sine
 * of more than a quarter turn, denormal exceptions of SSE.
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

static bool side_new(struct side *s, const char *name,
                     const struct jit_config *jit, struct error *e)
{
    struct cpu_config config = {.no_chain = jit != NULL};
    struct cpu_env env;

    pthread_mutex_init(&s->lock, NULL);
    log_init(&s->log, stderr);
    s->memory = memory_new(name, true, &s->lock);
    s->clock = clock_new();
    s->gate = gate_new();
    if (!s->memory || !s->clock || !s->gate)
        return error_set(e, "out of memory");
    if (!ram_new(&s->ram, RAM_SIZE, e))
        return false;
    s->region = (struct region){.name = "ram",
                                .kind = REGION_RAM,
                                .size = RAM_SIZE,
                                .enabled = true,
                                .ram = s->ram};
    if (!memory_add(s->memory, &s->region, e))
        return false;
    env = (struct cpu_env){s->memory, NULL, s->clock, s->gate, &s->log};
    if (!cpu_new(&s->c, &nasty_class, &env, &config, e))
        return false;
    if (jit && !jit_attach(s->c, jit, e))
        return false;
    if (!jit)
        clock_use_icount(s->clock, 0, insns, s->c);
    memory_wrote(s->memory, s->ram, 0, RAM_SIZE);
    memcpy(nasty(s->c)->pages, page_kinds, sizeof(page_kinds));
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

    t->native = native_new(NASTY_BASE, NASTY_PAGES, t->cs, t->ss, &why);
    if (!t->native) {
        printf("not compared with the host: %s\n", why);
        return;
    }
    memcpy(native_memory(t->native), t->pristine, RAM_SIZE);
    for (unsigned i = 0; i < NASTY_PAGES; i++)
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
    if (!t->pristine || !t->before || !side_new(&t->a, "a", jit, e) ||
        !side_new(&t->b, "b", NULL, e))
        return e->text[0] ? false : error_set(e, "out of memory");
    for (unsigned i = 0; i < MAX_INSNS; i++)
        ir_init(&t->irs[i]);
    memset(t->pristine, 0xcc, RAM_SIZE);
    for (size_t i = DATA; i < RAM_SIZE; i += 8)
        st_le64(t->pristine + i,
                i % 48 < 32 ? rng_double(&t->rng) : rng_edgy(&t->rng));
    memcpy(t->a.ram->host, t->pristine, RAM_SIZE);
    memcpy(t->b.ram->host, t->pristine, RAM_SIZE);
    for (const struct isa_undef *u = nasty_undefs; u->fn; u++)
        t->undefs[u->row] = u;
    if (!jit)
        native_setup(t);
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
}

/* ---------------------------------------------------------- the program */

/* Code of the program, or the bytes CC again, on all sides. */
static void place(struct bench *t, bool there)
{
    /* Where blocks are not cut to size, the last one ends here. */
    static const uint8_t loop[2] = {0xeb, 0xfe};
    uint64_t at = t->p.pc - NASTY_BASE;
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
        uint32_t flags = nasty_row_table[n->row].flags;

        ir_clear(ir);
        ir_insn(ir, offset, n->length);
        nasty_lift(ir, n, offset);
        if (n->row && !(flags & ROW_END))
            ir_exit(ir, offset + n->length);
        if (!ir_verify(ir, &nasty_class, e))
            return false;
    }
    return true;
}

/* ------------------------------------------------------------- the state */

static void set_segments(struct bench *t, struct nasty_cpu *g)
{
    bool code16 = bench_mode_size(t) == X86_MODE_16;

    for (unsigned i = 0; i < 6; i++) {
        g->segments[i].base = code16 ? NASTY_BASE : 0;
        g->segments[i].limit = code16 ? 0xffff : UINT32_MAX;
        g->selectors[i] = t->ss[bench_mode_size(t)];
    }
    g->selectors[SEG_CS] = t->cs[bench_mode_size(t)];
    if (bench_mode_size(t) == X86_MODE_64) {
        g->segments[SEG_FS].base = NASTY_BASE + 0x3000;
        g->segments[SEG_GS].base = (uint64_t)0 - 0x1000;
    }
    g->mode = t->p.mode;
}

/* Lazy flags of any kind. */
static void random_flags(struct bench *t, struct cpu *c)
{
    static const unsigned widths[4] = {8, 16, 32, 64};

    c->flag_kind = FLAGS_BITS;
    c->flag_a = rng_next(&t->rng) & NASTY_FLAGS;
    c->flag_b = rng_next(&t->rng);
    if (rng_once(&t->rng, 2)) {
        uint64_t v[3] = {rng_edgy(&t->rng), rng_edgy(&t->rng),
                         rng_edgy(&t->rng)};

        nasty_flag_define(c, 1 + (unsigned)rng_below(&t->rng, 9),
                          widths[rng_below(&t->rng, 4)], v, 0);
    }
}

static void random_registers(struct bench *t, struct nasty_cpu *g)
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
    g->rc = (uint8_t)rng_below(r, 4);
    g->fp.flags = (uint8_t)(rng_next(r) & 31);
    /* Unmasked, FP_UF and FP_OF mean other things than masked. */
    g->unmasked =
        rng_once(r, 8) ? (uint8_t)(rng_next(r) & (FP_NV | FP_DZ | FP_NX)) : 0;
    g->top = (uint8_t)rng_below(r, 8);
    g->used = (uint8_t)(rng_once(r, 4) ? rng_next(r) : 1u << g->top);
    g->status = 0;
    for (unsigned i = 0; i < 8; i++) {
        g->mantissa[i] = rng_next(r) | UINT64_C(1) << 63;
        g->exponent[i] =
            (uint16_t)((16383 - rng_below(r, 20) + (rng_once(r, 4) ? 70 : 0)) |
                       (rng_next(r) & 0x8000));
    }
}

static void aim_stack(struct bench *t, struct nasty_cpu *g)
{
    struct rng *r = &t->rng;
    uint64_t sp = NASTY_BASE + STACK_PAGE * PAGE_SIZE;

    sp += rng_once(r, 4) ? PAGE_SIZE * rng_below(r, 3) - 16 + rng_below(r, 33)
                         : 64 + 8 * rng_below(r, 900);
    if (rng_once(r, 64))
        return;
    if (bench_mode_size(t) == X86_MODE_16)
        sp -= NASTY_BASE;
    g->g[4] = sp | (bench_mode_size(t) == X86_MODE_16 ? rng_next(r) << 16 : 0);
}

bool bench_is_row(const struct insn *n, const char *name)
{
    return n->row && strcmp(nasty_row_table[n->row].name, name) == 0;
}

/* Strings in the data, with short counts. */
static void aim_strings(struct bench *t, struct nasty_cpu *g)
{
    struct rng *r = &t->rng;
    uint64_t base = bench_mode_size(t) == X86_MODE_16 ? NASTY_BASE : 0;

    g->g[6] = interesting_address(r) - base;
    g->g[7] = interesting_address(r) - base;
    g->g[1] = rng_below(r, rng_once(r, 4) ? 60 : 9);
    if (rng_once(r, 8))
        g->g[7] = g->g[6] + rng_below(r, 16);
}

static unsigned insn_operand_size(const struct bench *t, unsigned i)
{
    const struct insn *n = &t->p.insns[i];
    struct x86_parse x = {.mode = t->p.mode};

    x86_parse_opcode(&x, n->bytes, n->length);
    return x86_operand_size(&x, &nasty_tables.entries[n->text]);
}

/* A frame for IRET that stays in the mode; into RAM of all sides. */
static void put_frame(struct bench *t, struct nasty_cpu *g, unsigned size)
{
    unsigned m = bench_mode_size(t);
    uint64_t base = m == X86_MODE_16 ? NASTY_BASE : 0;
    uint64_t mask = m == X86_MODE_16 ? 0xffff : UINT64_MAX;
    uint64_t frame[5] = {
        NASTY_BASE + rng_below(&t->rng, 0x800) - base, t->cs[m],
        (rng_next(&t->rng) & (NASTY_FLAGS | EFLAGS_DF)) | EFLAGS_ONE,
        interesting_address(&t->rng) - base, t->ss[m]};
    uint8_t *rams[3] = {t->a.ram->host, t->b.ram->host, bench_native_ram(t)};

    for (unsigned i = 0; i < 5; i++) {
        uint64_t at = ((g->g[4] + i * size) & mask) + base - NASTY_BASE;

        for (unsigned k = 0; k < 3; k++)
            if (rams[k] && at >= DATA && at <= RAM_SIZE - 8)
                st_le(rams[k] + at, frame[i], size);
    }
}

static void random_state(struct bench *t)
{
    struct nasty_cpu *g = t->before;

    random_flags(t, &g->core);
    random_registers(t, g);
    set_segments(t, g);
    aim_stack(t, g);
    for (unsigned i = t->p.n; i-- > 0;) {
        const struct insn *n = &t->p.insns[i];

        aim(&t->p, i, g->g, interesting_address(&t->rng));
        if (bench_is_row(n, "movs"))
            aim_strings(t, g);
        if (bench_is_row(n, "iret") && i == 0)
            put_frame(t, g, insn_operand_size(t, i));
        /* Targets that are code. */
        if ((nasty_row_table[n->row].flags & ROW_INDIRECT) && n->reg[1] < 16 &&
            rng_once(&t->rng, 2) && !bench_is_row(n, "iret"))
            g->g[n->reg[1]] =
                rng_below(&t->rng, 0x2000) +
                (bench_mode_size(t) == X86_MODE_16 ? 0 : NASTY_BASE);
    }
    if (bench_mode_size(t) != X86_MODE_64)
        for (unsigned i = 0; i < 16; i++)
            g->g[i] = i < 8 ? (uint32_t)g->g[i] : 0;
}

static void load_state(struct bench *t, struct side *s)
{
    const struct nasty_cpu *from = t->before;
    struct nasty_cpu *g = nasty(s->c);
    bool flush = g->mode != from->mode || rng_once(&t->rng, 8);

    memcpy((char *)g + offsetof(struct nasty_cpu, g),
           (const char *)from + offsetof(struct nasty_cpu, g),
           offsetof(struct nasty_cpu, pages) - offsetof(struct nasty_cpu, g));
    memcpy((char *)g + offsetof(struct nasty_cpu, mantissa),
           (const char *)from + offsetof(struct nasty_cpu, mantissa),
           sizeof(*g) - offsetof(struct nasty_cpu, mantissa));
    g->fp.rules = FP_RULES_SSE;
    g->model = NASTY_MODEL_486;
    g->features = UINT64_MAX;
    g->core.flag_kind = from->core.flag_kind;
    g->core.flag_a = from->core.flag_a;
    g->core.flag_b = from->core.flag_b;
    g->core.pc = t->p.pc;
    g->core.page = t->p.pc & PAGE_MASK;
    g->core.pending_exception = false;
    g->core.halted = false;
    g->vector = 255;
    g->error = g->cr2 = 0;
    nasty_settle(g);
    if (flush)
        cpu_flush_tlb(s->c);
}

uint64_t bench_flags(const struct cpu *c)
{
    return nasty_flag_bits(c->flag_kind, c->flag_a, c->flag_b) & NASTY_FLAGS;
}

/* -------------------------------------------------------- the evaluator */

/* What instruction i will leave undefined, and whether it uses what was. */
static uint32_t look_ahead(struct bench *t, unsigned i)
{
    const struct insn *n = &t->p.insns[i];
    const struct isa_flow *flow = nasty_row_table[n->row].flow;
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
    if (bench_is_row(n, "movs") && (n->reg[3] >> X86_D_SIZE & 3) == 2 &&
        (uint32_t)nasty(c)->g[1] == 0)
        t->tainted = true;
    if (n->facts & INSN_IMM_PC)
        r[0].imm += offset;
    r[1].data = n->data;
    c->extra = n->extra + (uint64_t)(n->facts & INSN_EXTRA_PC ? offset : 0);
    nasty(c)->g[X86_PAGE] = c->page;
    if (n->row && t->undefs[n->row])
        out = t->undefs[n->row]->fn(c, r, bench_flags(c));
    if (out & 0x10000)
        t->operand_undefined = true;
    return out & NASTY_FLAGS;
}

/* Instruction by instruction; false: the IR was bad. */
static bool run_evaluator(struct bench *t)
{
    struct cpu *c = t->b.c;

    t->undefined = 0;
    t->tainted = t->operand_undefined = false;
    for (unsigned i = 0; i < t->p.n; i++) {
        const struct isa_flow *flow = nasty_row_table[t->p.insns[i].row].flow;
        uint32_t undefined = look_ahead(t, i);
        struct ir_end end;

        c->page = t->p.pc & PAGE_MASK;
        do {
            end = ir_eval(&t->irs[i], c, &nasty_ir_guest);
        } while (end.how == IR_END_AGAIN);
        if (end.how == IR_END_BAD)
            return false;
        if (flow && end.how != IR_END_RAISED)
            t->undefined &= ~(uint32_t)flow->sets;
        t->undefined |= undefined;
        c->pc = nasty_pc(c, c->pc);
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

static void print_state(const char *who, const struct nasty_cpu *g)
{
    printf("%s: pc %llx vector %u error %llx cr2 %llx flags %03llx df %u\n",
           who, (unsigned long long)g->core.pc, g->vector,
           (unsigned long long)g->error, (unsigned long long)g->cr2,
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
    print_state(t->jit ? "compiled" : "handlers", nasty(t->a.c));
    print_state("evaluator", nasty(t->b.c));
}

static const char *different(const struct nasty_cpu *a,
                             const struct nasty_cpu *b)
{
    if (a->core.pc != b->core.pc)
        return "pc";
    if (a->vector != b->vector || a->error != b->error || a->cr2 != b->cr2)
        return "exception";
    if (memcmp(a->g, b->g, sizeof(a->g[0]) * 16) != 0)
        return "registers";
    if (bench_flags(&a->core) != bench_flags(&b->core) || a->df != b->df)
        return "flags";
    if (memcmp(a->xmm, b->xmm, sizeof(a->xmm)) != 0 ||
        a->fp.flags != b->fp.flags)
        return "SSE";
    if (memcmp(a->mantissa, b->mantissa, sizeof(a->mantissa)) != 0 ||
        memcmp(a->exponent, b->exponent, sizeof(a->exponent)) != 0 ||
        a->top != b->top || a->used != b->used || a->status != b->status)
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
    const char *what = different(nasty(t->a.c), nasty(t->b.c));
    size_t at = bench_difference(t->a.ram->host, t->b.ram->host);
    char text[80];

    if (what)
        snprintf(text, sizeof(text), "handlers and evaluator: %s", what);
    else if (at < RAM_SIZE)
        snprintf(text, sizeof(text), "handlers and evaluator: memory at %llx",
                 (unsigned long long)(NASTY_BASE + at));
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
    load_state(t, &t->a);
    load_state(t, &t->b);
    run_handlers(t);
    if (!run_evaluator(t)) {
        bench_report(t, "the evaluator found the IR to be bad");
        ok = false;
    }
    t->cases++;
    t->faults += nasty(t->a.c)->vector != 255;
    ok = ok && compare_sides(t);
    if (ok && t->native && t->p.native)
        ok = bench_compare_host(t);
    restore_data(t);
    return ok;
}

static uint32_t mode_for(unsigned size)
{
    return size == X86_MODE_64 ? X86_MODE_64
           : size == X86_MODE_32
               ? X86_MODE_32 | X86_MODE_FLAT | X86_MODE_STACK32
               : X86_MODE_16;
}

/* Programs that begin with entry e. */
static void run_entry(struct bench *t, const struct x86_entry *e, unsigned size,
                      unsigned states)
{
    const struct machine m = {mode_for(size), NASTY_MODEL_486, UINT64_MAX};
    /* Compiled ones want to be long enough to be left and entered again. */
    const unsigned most = t->jit ? MAX_INSNS : FEW_INSNS;
    struct error error;

    if (e->flags & (size == X86_MODE_64 ? X86_I64 : X86_O64) ||
        m.model < e->model_first || m.model > e->model_last)
        return;
    for (unsigned i = 0; i < states; i += STATES_EACH) {
        while (!make_program(
            &t->rng, &m, e, 1 + (unsigned)rng_below(&t->rng, most), &t->p))
            continue;
        place(t, true);
        if (!lift(t, &error)) {
            bench_report(t, error.text);
            place(t, false);
            return;
        }
        for (unsigned k = 0; k < STATES_EACH; k++)
            if (!run_case(t))
                break;
        place(t, false);
    }
}

/* ----------------------------------------------------- conditions, models */

/* Every short cut says what the flags themselves say. */
static void run_shorts(struct bench *t, unsigned states)
{
    struct cpu *c = t->a.c;

    for (const struct isa_short *s = nasty_shorts; s->name; s++)
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
            want = nasty_flag_use(c, s->condition);
            if (s->fn(v[0], v[1]) == want)
                continue;
            if (t->failures++ < MAX_REPORTS)
                printf("condition %s of %llx, %llx: not %d\n", s->name,
                       (unsigned long long)v[0], (unsigned long long)v[1],
                       !want);
        }
}

/* PUSH SP: the 8086 and 80186 push the new value, later ones the old. */
static void run_push_sp(struct bench *t, unsigned model, uint16_t want)
{
    struct nasty_cpu *g = nasty(t->a.c);
    const uint16_t sp = 0x7100;
    uint16_t got;

    t->p = (struct program){.mode = X86_MODE_16,
                            .pc = NASTY_BASE + 0x100,
                            .bytes = {0x54},
                            .size = 1,
                            .n = 1,
                            .insns = {{.length = 1}}};
    place(t, true);
    random_state(t);
    t->before->g[4] = sp;
    load_state(t, &t->a);
    g->model = model;
    run_handlers(t);
    got = ld_le16(t->a.ram->host + sp - 2);
    if (got != want || g->g[4] != sp - 2u) {
        printf("PUSH SP of model %u: %x, not %x\n", model, got, want);
        t->failures++;
    }
    place(t, false);
    restore_data(t);
}

/* -------------------------------------------------------------- the lot */

struct plan {
    unsigned states, seed, row;
    bool compiled;
    int mode; /* -1: all */
};

static void run_all(struct bench *t, const struct plan *plan)
{
    run_shorts(t, 2000);
    for (unsigned m = NASTY_MODEL_8086; m < NASTY_MODELS; m++)
        run_push_sp(t, m, m < NASTY_MODEL_80286 ? 0x70fe : 0x7100);
    for (unsigned i = 1; i < nasty_n_entries; i++) {
        const struct x86_entry *e = &nasty_tables.entries[i];

        if (plan->row && e->row != plan->row)
            continue;
        for (unsigned size = X86_MODE_16; size <= X86_MODE_64; size++)
            if (plan->mode < 0 || (unsigned)plan->mode == size)
                run_entry(t, e, size, plan->states);
    }
}

/* Lines "SIZE HEX TEXT" for another disassembler to look at. */
static void print_programs(unsigned n, uint64_t seed)
{
    struct rng r = {seed};
    struct program p;

    while (n) {
        unsigned size = (unsigned)rng_below(&r, 3);
        struct machine m = {mode_for(size), NASTY_MODEL_486, UINT64_MAX};
        char text[96];

        if (!make_program(&r, &m, NULL, 1, &p) || !p.insns[0].row)
            continue;
        nasty_disassemble(&p.insns[0], 0x1000, text, sizeof(text));
        printf("%u ", 16u << size);
        for (unsigned i = 0; i < p.insns[0].length; i++)
            printf("%02x", p.bytes[i]);
        printf(" %s\n", text);
        n--;
    }
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
    struct plan plan = {.states = 160, .seed = 1, .mode = -1};
    struct jit_config jit = {0};
    struct bench t;
    struct error e;
    unsigned failures;

    for (int i = 1; i < argc; i += 2) {
        unsigned v = number(i + 1 < argc ? argv[i + 1] : "");

        if (strcmp(argv[i], "-n") == 0)
            plan.states = v;
        else if (strcmp(argv[i], "-s") == 0)
            plan.seed = v;
        else if (strcmp(argv[i], "-r") == 0)
            plan.row = v;
        else if (strcmp(argv[i], "-m") == 0)
            plan.mode = v == 16   ? X86_MODE_16
                        : v == 32 ? X86_MODE_32
                                  : X86_MODE_64;
        else if (strcmp(argv[i], "-j") == 0) {
            plan.compiled = true;
            jit.off = v | 1u << JIT_TIERS;
        } else if (strcmp(argv[i], "-t") == 0) {
            print_programs(v, plan.seed);
            return 0;
        } else {
            fprintf(stderr,
                    "test_x86_rows: no option '%s': -n, -s, -r, -m, -j "
                    "or -t, each with a number\n",
                    argv[i]);
            return 2;
        }
    }
    if (!bench_new(&t, plan.seed, plan.compiled ? &jit : NULL, &e)) {
        fprintf(stderr, "test_x86_rows: %s\n", e.text);
        return 1;
    }
    run_all(&t, &plan);
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
