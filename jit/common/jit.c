/*
 * The translator's common part: code buffer, compiling a block that the
 * block cache calls hot, following links.
 *
 * The buffer is one memfd mapped twice, so that nothing is writable and
 * executable at once.  Code is never moved or freed alone: when the buffer
 * is full the block cache is dropped, and with it all code.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "jit/common/backend.h"

#define DEFAULT_SIZE ((uint64_t)32 << 20)
#define MIN_SIZE ((uint64_t)64 << 10)
#define MAX_SIZE ((uint64_t)1 << 30) /* jumps reach 2 GiB */
#define DEFAULT_THRESHOLD 24
#define DEFAULT_SAMPLES 16

/* Sites in a buffer of `size` bytes: one for 112 bytes of code. */
static uint32_t count_sites(uint64_t size)
{
    return (uint32_t)(size / 8 / sizeof(struct jit_site));
}

static bool buffer_new(struct code_buffer *b, uint64_t size, struct error *e)
{
    int fd = memfd_create("emu-jit", MFD_CLOEXEC);
    void *w = MAP_FAILED, *x = MAP_FAILED;

    if (fd >= 0 && ftruncate(fd, (off_t)size) == 0) {
        w = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        x = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    }
    if (fd >= 0)
        close(fd);
    if (w == MAP_FAILED || x == MAP_FAILED) {
        if (w != MAP_FAILED)
            munmap(w, size);
        if (x != MAP_FAILED)
            munmap(x, size);
        return error_set(e, "no executable memory is to be had");
    }
    b->write = w;
    b->run = x;
    b->mapped = size;
    b->size = size - count_sites(size) * sizeof(struct jit_site);
    b->used = 0;
    return true;
}

/* Of each instruction, the lazy flags that are used behind it. */
static void find_live(const struct isa *isa, struct jit_block *b)
{
    uint16_t live = isa->flags;

    for (unsigned n = b->n; n-- > 0;) {
        b->live[n] = isa_live_behind(isa, b->insns[n].insn.row, live);
        live = isa_live_before(isa, b->insns[n].insn.row, live);
    }
}

/* Behind the record in front of an instruction that prepares the flags. */
static const struct rec *skip_prepared(const struct isa *isa,
                                       const struct jit_block *b,
                                       const struct rec *r)
{
    rec_fn *const fn = jit_handler(b, r);

    if (isa->flags && (fn == isa->engine->kind || fn == isa->engine->pack))
        r++;
    return r;
}

static const struct rec *records_end(const struct isa *isa, struct jit_insn *i)
{
    const uint32_t flags = isa->rows[i->insn.row].flags;
    const struct rec *r = i->rec;

    if (i->insn.row == 0)
        return r + 2;
    r += 1 + (i->insn.facts & INSN_EXTRA ? 1 : 0) +
         (i->insn.facts & INSN_DATA ? 1 : 0) + (flags & ROW_WIDE ? 1 : 0);
    i->link = r;
    if (!(flags & ROW_WIDE) && flags & (ROW_BRANCH | ROW_JUMP))
        r += 2;
    if (flags & (ROW_INDIRECT | ROW_WIDE))
        r++;
    return r;
}

/* Decode the block's instructions once more, and find their records. */
static bool find_insns(struct jit *j, const uint8_t *bytes, unsigned size,
                       int32_t offset)
{
    const struct isa *isa = j->cpu->class->isa;
    struct jit_block *b = &j->block;
    const struct position *positions = block_positions(b->first);
    const struct rec *r = b->first;
    bool ended = false;

    b->n = 0;
    b->end = NULL;
    while (!ended) {
        struct jit_insn *i = &b->insns[b->n];
        const struct position *at = &positions[r - b->first];

        if (at->offset != offset || (unsigned)at->count != b->n)
            return false;
        i->start = r;
        i->rec = skip_prepared(isa, b, r);
        if (i->rec->fn == isa->engine->go) {
            b->end = i->rec;
            b->end_kind = (uint8_t)at->kind;
            break;
        }
        if (b->n == BLOCK_MAX_INSNS)
            return false;
        if (!size || !isa->decode(j->cpu, bytes, size, &i->insn))
            return false;
        i->offset = offset;
        b->n++;
        ended = i->insn.row == 0 || (isa->rows[i->insn.row].flags & ROW_END);
        r = records_end(isa, i);
        bytes += i->insn.length;
        size -= i->insn.length;
        offset += i->insn.length;
    }
    return b->n > 0;
}

/* Lift what the records in front of the instruction's own do; the kind of
 * the flags is then the one that its handler was chosen for. */
static bool lift_prepared(struct jit *j, const struct jit_insn *i)
{
    struct jit_block *b = &j->block;
    struct ir *ir = &b->ir;

    if (i->rec == i->start)
        return true;
    if (jit_handler(b, i->start) == j->cpu->class->isa->engine->pack) {
        ir_flags_pack(ir);
        return !b->flags.failed;
    }
    ir_put(ir, IR_I32, offsetof(struct cpu, flag_kind),
           ir_const(ir, IR_I32, b->flags.kind));
    b->flags.kind = b->flags.now = FLAGS_IN_CPU;
    return true;
}

/* With flags of that kind before it; false: it is the interpreter's. */
static bool lift_as(struct jit *j, struct jit_insn *i, uint16_t live,
                    unsigned kind)
{
    const struct isa *isa = j->cpu->class->isa;
    const struct isa_flow *flow = isa->rows[i->insn.row].flow;
    struct jit_block *b = &j->block;
    struct ir *ir = &b->ir;
    bool ok = true;

    if (ir->flags) {
        struct ir_flags *f = ir->flags;
        const bool dead = flow && flow_dead(flow, live);

        f->kind = kind;
        ir_flags_begin(ir);
        ok = lift_prepared(j, i);
        f->live = live;
        f->skip = !flow || flow->kind[dead] == FLAGS_SAME;
        f->dead = dead && !f->skip;
        f->after = f->skip ? f->kind : flow->kind[dead];
    }
    i->ir_body = ir->n;
    isa->lift(ir, &i->insn, i->offset);
    i->ir_end = ir->n;
    i->kind = ir->flags ? (uint8_t)ir->flags->after : FLAGS_IN_CPU;
    return ok && (!ir->flags || ir_flags_end(ir));
}

static void lift_insn(struct jit *j, struct jit_insn *i, uint16_t live)
{
    struct jit_block *b = &j->block;
    const unsigned kind = block_positions(b->first)[i->start - b->first].kind;
    struct ir *ir = &b->ir;

    i->ir_first = ir->n;
    ir_insn(ir, i->offset, i->insn.length);
    i->foreign = !lift_as(j, i, live, kind);
    if (!i->foreign || !ir->flags || kind != FLAGS_IN_CPU || ir->failed)
        return;
    /* Where a block begins their kind is known to the CPU alone. */
    ir->n = i->ir_first + 1;
    ir_flagpack(ir);
    i->foreign = !lift_as(j, i, live, FLAGS_BITS);
}

static bool lift_block(struct jit *j, const struct rec *first,
                       const uint8_t *bytes, unsigned size, int32_t offset)
{
    const struct isa *isa = j->cpu->class->isa;
    struct jit_block *b = &j->block;

    b->cpu = j->cpu;
    b->first = first;
    b->shadow = NULL;
    b->old = block_entry(first)->code;
    b->whole = b->old || !j->hooks.samples;
    b->spans = b->whole && !block_entry(first)->narrow &&
               !jit_off(j, JIT_SITES) && !jit_off(j, JIT_SPANS);
    ir_clear(&b->ir);
    if (!find_insns(j, bytes, size, offset))
        return false;
    if (isa->flags)
        find_live(isa, b);
    for (unsigned n = 0; n < b->n; n++)
        lift_insn(j, &b->insns[n], b->live[n]);
    return !b->ir.failed;
}

static uint64_t cpu_time(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void log_ir(struct jit *j)
{
    struct log *log = j->cpu->env.log;
    const struct ir_guest *guest = j->cpu->class->isa->ir;
    const struct ir *ir = &j->block.ir;
    char line[256];

    log_line(log, LOG_IR, "IR of 0x%llx:",
             (unsigned long long)j->cpu->page +
                 (unsigned long long)j->block.insns[0].offset);
    for (uint32_t i = 0; i < ir->n; i++) {
        ir_print_node(ir, i, guest, line, sizeof(line));
        log_line(log, LOG_IR, "%s%s", ir->nodes[i].op == IR_INSN ? "" : "    ",
                 line);
    }
}

/* In bytes, 16 a line, for `objdump -D -b binary` and its like. */
static void log_code(struct jit *j, const uint8_t *code, size_t size)
{
    struct log *log = j->cpu->env.log;
    const uint8_t *bytes = j->code.write + (code - j->code.run);
    char text[3 * 16 + 1];

    log_line(log, LOG_OUT_ASM, "code of 0x%llx, %zu bytes:",
             (unsigned long long)j->cpu->page +
                 (unsigned long long)j->block.insns[0].offset,
             size);
    for (size_t at = 0; at < size; at += 16) {
        size_t n = size - at < 16 ? size - at : 16;

        for (size_t i = 0; i < n; i++)
            snprintf(text + 3 * i, 4, " %02x", bytes[at + i]);
        log_line(log, LOG_OUT_ASM, "%p:%s", (const void *)(code + at), text);
    }
}

static const void *compile(struct cpu *c, const struct rec *first, rec_fn *fn,
                           const uint8_t *bytes, unsigned size, int32_t offset)
{
    struct jit *j = (struct jit *)c->jit;
    const bool timed = log_on(c->env.log, LOG_STATS);
    const uint64_t start = timed ? cpu_time(CLOCK_THREAD_CPUTIME_ID) : 0;
    const size_t before = j->code.used;
    const uint8_t *code = NULL;

    j->block.fn = fn;
    if (lift_block(j, first, bytes, size, offset)) {
        if (log_on(c->env.log, LOG_IR))
            log_ir(j);
        if (j->block.spans)
            jit_find_spans(&j->block);
        code = backend_compile(j);
    }
    if (code) {
        const struct jit_insn *last = &j->block.insns[j->block.n - 1];

        j->counters.compiled++;
        j->counters.again += j->block.old != NULL;
        j->counters.guest_bytes +=
            (uint64_t)(last->offset + last->insn.length - offset);
        j->counters.host_bytes += j->code.used - before;
        if (log_on(c->env.log, LOG_OUT_ASM))
            log_code(j, code, j->code.used - before);
    } else {
        j->counters.rejected++;
    }
    if (timed)
        j->counters.compile_ns += cpu_time(CLOCK_THREAD_CPUTIME_ID) - start;
    return code;
}

void jit_remember(struct jit *j, uint32_t n, const struct tlb_entry *e)
{
    struct jit_site *s = &j->sites[n];

    if (s->tag == TLB_EMPTY)
        j->active[j->n_active++] = n;
    s->addend = e->addend;
    s->tag = e->tag;
}

static void forget(struct cpu *c)
{
    struct jit *j = (struct jit *)c->jit;

    while (j->n_active > 0)
        j->sites[j->active[--j->n_active]].tag = TLB_EMPTY;
}

static void forget_page(struct cpu *c, uint64_t va)
{
    struct jit *j = (struct jit *)c->jit;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < j->n_active; i++) {
        struct jit_site *s = &j->sites[j->active[i]];

        if (((s->tag ^ va) & PAGE_MASK) == 0)
            s->tag = TLB_EMPTY;
        else
            j->active[kept++] = j->active[i];
    }
    j->n_active = kept;
}

static void forget_writes(struct cpu *c, const uint8_t *host)
{
    struct jit *j = (struct jit *)c->jit;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < j->n_active; i++) {
        struct jit_site *s = &j->sites[j->active[i]];

        if (j->infos[j->active[i]].write &&
            s->addend + (uintptr_t)(s->tag & PAGE_MASK) == (uintptr_t)host)
            s->tag = TLB_EMPTY;
        else
            j->active[kept++] = j->active[i];
    }
    j->n_active = kept;
}

/*
 * Code that is thrown away before it has paid for itself: a byte of it costs
 * as much as interpreting some 20 instructions.  Then only hotter blocks are
 * compiled, so that a buffer that is too small does no harm.
 */
#define WORTH 20
#define MAX_THRESHOLD (1u << 20)

static void flushed(struct cpu *c)
{
    struct jit *j = (struct jit *)c->jit;
    const uint64_t lost = j->code.used - j->stubs;

    forget(c);
    j->n_sites = 0;
    if (!lost)
        return;
    j->counters.flushes++;
    if (c->icount - j->last_flush < WORTH * lost) {
        if (j->hooks.threshold < MAX_THRESHOLD)
            j->hooks.threshold *= 2;
    } else if (j->hooks.threshold / 2 >= j->threshold) {
        j->hooks.threshold /= 2;
    }
    j->last_flush = c->icount;
    j->code.used = j->stubs;
}

const uint8_t *jit_follow(struct cpu *c, const struct rec *link,
                          const uint8_t *site)
{
    struct jit *j = (struct jit *)c->jit;
    const struct rec *to = link->next;
    const uint8_t *code;
    int32_t d;

    j->counters.links++;
    if (to->fn != j->hooks.enter)
        return NULL;
    code = block_entry(to)->code;
    if (jit_off(j, JIT_LINKS))
        return code;
    j->counters.patched++;
    d = (int32_t)(code - (site + 4));
    memcpy(j->code.write + (site - j->code.run), &d, sizeof(d));
    return code;
}

static void detach(struct cpu *c)
{
    struct jit *j = (struct jit *)c->jit;

    if (j->code.write) {
        munmap(j->code.write, j->code.mapped);
        munmap((void *)(uintptr_t)j->code.run, j->code.mapped);
    }
    ir_free(&j->block.ir);
    free(j->infos);
    free(j->active);
    free(j->left_for);
    free(j);
    c->jit = NULL;
}

void jit_count(const struct cpu *c, struct jit_counters *out)
{
    *out = ((const struct jit *)c->jit)->counters;
}

#define U(n) ((unsigned long long)(n))
#define TOP 10

/* The instructions that the interpreter was left most, by row (its line in the
 * .isa file) and form; of two with the same count, one. */
static void stats_left(const struct jit *j, char *out, size_t size)
{
    const struct isa *isa = j->cpu->class->isa;
    uint64_t before = UINT64_MAX, count;
    size_t used = 0;

    for (unsigned n = 0; n < TOP && used < size; n++) {
        unsigned best = 0;

        for (unsigned i = 1; i < isa->n_rows; i++) {
            count = j->left_for[i];
            if (count < before && count > j->left_for[best])
                best = i;
        }
        count = j->left_for[best];
        if (!count)
            break;
        used += (size_t)snprintf(out + used, size - used, "%s%s:%u %llu",
                                 n ? ", " : "\njit: left for ",
                                 isa->rows[best].name,
                                 (unsigned)isa->rows[best].line, U(count));
        before = count;
    }
}

static void stats(struct cpu *c, char *out, size_t size)
{
    const struct jit *j = (const struct jit *)c->jit;
    const struct jit_counters *n = &j->counters;
    const uint64_t cpu_ns = cpu_time(CLOCK_PROCESS_CPUTIME_ID);

    snprintf(
        out, size,
        "jit: %llu blocks compiled, %llu rejected, %llu flushes; %.1f ms "
        "of compiling, %.1f %% of all CPU time\n"
        "jit: %llu guest bytes to %llu host bytes, %.1f to 1; %llu in use\n"
        "jit: %llu entries, %llu returns in mid-block, %llu links "
        "followed, %llu patched, %llu jump cache misses\n"
        "jit: %llu blocks compiled again, %llu sites, %llu changes of page, "
        "%llu given up, %llu in spans, "
        "%llu blocks narrowed",
        U(n->compiled), U(n->rejected), U(n->flushes),
        (double)n->compile_ns / 1e6,
        cpu_ns ? 100.0 * (double)n->compile_ns / (double)cpu_ns : 0.0,
        U(n->guest_bytes), U(n->host_bytes),
        n->guest_bytes ? (double)n->host_bytes / (double)n->guest_bytes : 0.0,
        U(j->code.used), U(n->entered), U(n->left), U(n->links), U(n->patched),
        U(n->misses), U(n->again), U(j->n_sites), U(n->sites), U(n->plain),
        U(n->spans), U(n->narrowed));
    if (j->left_for)
        stats_left(j, out + strlen(out), size - strlen(out));
}

bool jit_attach(struct cpu *c, const struct jit_config *config, struct error *e)
{
    uint64_t size = config->buffer_size ? config->buffer_size : DEFAULT_SIZE;
    struct jit *j;

    if (!ENGINE_TAIL)
        return error_set(e, "this build dispatches in a loop");
    if (!c->class->isa->n_hot_slots)
        return error_set(e, "the guest %s is not prepared for it",
                         c->class->name);
    if (size < MIN_SIZE || size > MAX_SIZE)
        return error_set(e, "the code buffer must have 64 KiB to 1 GiB");
    j = calloc(1, sizeof(*j));
    if (!j || !buffer_new(&j->code, size, e)) {
        free(j);
        return j ? false : error_set(e, "no memory for the translator");
    }
    j->max_sites = count_sites(size);
    j->sites = (struct jit_site *)(void *)(j->code.write + j->code.size);
    j->infos = calloc(j->max_sites, sizeof(*j->infos));
    j->active = calloc(j->max_sites, sizeof(*j->active));
    ir_init(&j->block.ir);
    if (c->class->isa->flags) {
        j->block.flags.guest = c->class->isa->ir;
        j->block.ir.flags = &j->block.flags;
    }
    j->cpu = c;
    j->hooks.compile = compile;
    j->hooks.flushed = flushed;
    j->hooks.forget = forget;
    j->hooks.forget_page = forget_page;
    j->hooks.forget_writes = forget_writes;
    j->hooks.detach = detach;
    j->hooks.stats = stats;
    if (log_on(c->env.log, LOG_STATS))
        j->left_for = calloc(c->class->isa->n_rows, sizeof(*j->left_for));
    j->off = config->off;
    j->threshold = config->threshold ? config->threshold : DEFAULT_THRESHOLD;
    j->hooks.samples = config->samples ? config->samples : DEFAULT_SAMPLES;
    if (jit_off(j, JIT_TIERS))
        j->threshold = j->hooks.samples = 0;
    j->hooks.threshold = j->threshold;
    c->jit = &j->hooks;
    if (!j->infos || !j->active) {
        detach(c);
        return error_set(e, "no memory for the translator");
    }
    for (uint32_t i = 0; i < j->max_sites; i++)
        j->sites[i].tag = TLB_EMPTY;
    if (!backend_init(j, e)) {
        detach(c);
        return false;
    }
    j->stubs = j->code.used;
    return true;
}
