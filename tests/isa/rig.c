/*
 * The two machines of rig.h: made, loaded, run, compared.
 *
 * An instruction limit of n makes cpu_run() retire exactly n.  A trapped
 * instruction does not retire, so that after a trap the jump at the vector
 * runs instead: the other side does the same by hand.
 *
 * Such a limit cuts blocks to size, and those are never compiled.  So where
 * side a compiles, its clock does not count instructions, its blocks are not
 * chained and end where the row's code does, at the latest in a loop of one
 * jump behind it.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "jit/jit.h"
#include "tests/isa/rig.h"

/* Reports of one run beyond this are only counted. */
#define MAX_REPORTS 5

uint64_t rig_random(struct rig_random *r)
{
    r->state += !r->state;
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return r->state * 0x2545f4914f6cdd1d;
}

uint64_t rig_below(struct rig_random *r, uint64_t n)
{
    return (rig_random(r) >> 11) % n;
}

bool rig_chance(struct rig_random *r, unsigned n)
{
    return rig_below(r, 16) < n;
}

uint64_t rig_edgy(struct rig_random *r)
{
    static const uint64_t edges[] = {
        0,
        1,
        UINT64_MAX,
        INT64_MAX,
        (uint64_t)1 << 63,
        INT32_MAX,
        (uint64_t)1 << 31,
        UINT64_C(0xffffffff80000000),
        UINT32_MAX,
        (uint64_t)1 << 32,
        0x7f,
        0x80,
        0xff,
        0x7fff,
        0x8000,
        UINT64_C(0x5555555555555555),
    };
    uint64_t v = rig_random(r);

    switch (rig_below(r, 6)) {
    case 0:
    case 1:
        return edges[rig_below(r, sizeof(edges) / sizeof(edges[0]))];
    case 2:
        return ((uint64_t)1 << (v & 63)) + (v >> 8) % 3 - 1;
    case 3:
        return (v >> 56) % 100 - (v & 1 ? 50 : 0);
    case 4:
        return (uint64_t)(int64_t)(int32_t)v;
    default:
        return v >> (v & 63) ^ (v & 64 ? UINT64_MAX : 0);
    }
}

/* ------------------------------------------------------------ life cycle */

static uint64_t insns(void *owner)
{
    return cpu_icount_any(owner);
}

static bool side_new(struct rig_side *s, const struct rig_guest *g,
                     const char *name, bool jit, struct error *e)
{
    const struct jit_config all = {.off = 1u << JIT_TIERS};
    struct cpu_config config = {.model = g->model, .no_chain = jit};
    struct cpu_env env;

    pthread_mutex_init(&s->lock, NULL);
    log_init(&s->log, stderr);
    s->memory = memory_new(name, false, &s->lock);
    s->clock = clock_new();
    s->gate = gate_new();
    if (!s->memory || !s->clock || !s->gate)
        return error_set(e, "out of memory");
    if (!ram_new(&s->ram, RIG_RAM_SIZE, e) ||
        !ram_new(&s->rom, RIG_ROM_SIZE, e))
        return false;
    s->ram_region = (struct region){.name = "ram",
                                    .kind = REGION_RAM,
                                    .base = g->ram_base,
                                    .size = RIG_RAM_SIZE,
                                    .enabled = true,
                                    .ram = s->ram};
    s->rom_region = (struct region){.name = "rom",
                                    .kind = REGION_ROM,
                                    .base = g->ram_base + RIG_RAM_SIZE,
                                    .size = RIG_ROM_SIZE,
                                    .enabled = true,
                                    .ram = s->rom};
    if (!memory_add(s->memory, &s->ram_region, e) ||
        !memory_add(s->memory, &s->rom_region, e))
        return false;
    memset(s->rom->host, 0x5a, RIG_ROM_SIZE);
    env = (struct cpu_env){s->memory, NULL, s->clock, s->gate, &s->log};
    if (!cpu_new(&s->c, g->cls, &env, &config, e))
        return false;
    if (jit && !jit_attach(s->c, &all, e))
        return false;
    if (!jit)
        clock_use_icount(s->clock, 0, insns, s->c);
    /* All pages are dirty, or no write would ever be fast. */
    memory_wrote(s->memory, s->ram, 0, RIG_RAM_SIZE);
    return true;
}

static void side_free(struct rig_side *s)
{
    cpu_free(s->c);
    if (s->memory)
        memory_free(s->memory);
    ram_free(s->ram);
    ram_free(s->rom);
    if (s->gate)
        gate_free(s->gate);
    if (s->clock)
        clock_free(s->clock);
    log_destroy(&s->log);
    pthread_mutex_destroy(&s->lock);
}

bool rig_new(struct rig *r, const struct rig_guest *guest, uint64_t seed,
             bool jit, struct error *e)
{
    memset(r, 0, sizeof(*r));
    r->guest = guest;
    r->jit = jit;
    r->random.state = seed;
    ir_init(&r->ir);
    if (!side_new(&r->a, guest, "a", jit, e) ||
        !side_new(&r->b, guest, "b", false, e))
        return false;
    r->pristine = calloc(1, RIG_RAM_SIZE);
    r->image = calloc(1, guest->cls->size);
    if (!r->pristine || !r->image)
        return error_set(e, "out of memory");
    for (unsigned i = RIG_DATA; i < RIG_RAM_SIZE; i++)
        r->pristine[i] = (uint8_t)rig_random(&r->random);
    guest->prepare(r);
    return true;
}

void rig_free(struct rig *r)
{
    side_free(&r->a);
    side_free(&r->b);
    ir_free(&r->ir);
    free(r->pristine);
    free(r->image);
    free(r->world);
}

/* ----------------------------------------------------------------- worlds */

void rig_new_world(struct rig *r)
{
    r->guest->world(r);
    memcpy(r->pristine + r->code_at, r->code, r->placed);
    memcpy(r->a.ram->host, r->pristine, RIG_RAM_SIZE);
    memcpy(r->b.ram->host, r->pristine, RIG_RAM_SIZE);
}

/*
 * The bytes that are compared and restored: around r->address, or all but
 * the page tables where more than one address is used.  The walker's bits in
 * those stay as they are: a translation that is found sets them no more.
 */
struct bytes {
    uint32_t at, size;
};

static unsigned windows(const struct rig *r, struct bytes out[2])
{
    uint64_t offset = (r->address - r->guest->ram_base) & 0x1fffff;
    uint64_t first = offset < RIG_BEFORE ? 0 : offset - RIG_BEFORE;
    uint64_t end = first + RIG_WINDOW;

    if (r->n_insns > 1 || r->whole) {
        out[0] = (struct bytes){0, RIG_TABLES};
        out[1] = (struct bytes){RIG_DATA, RIG_RAM_SIZE - RIG_DATA};
        return 2;
    }
    if (!r->has_address || first >= RIG_RAM_SIZE ||
        (offset >= RIG_TABLES && offset < RIG_DATA))
        return 0;
    if (end > RIG_RAM_SIZE)
        end = RIG_RAM_SIZE;
    if (offset < RIG_TABLES && end > RIG_TABLES)
        end = RIG_TABLES;
    if (offset >= RIG_DATA && first < RIG_DATA)
        first = RIG_DATA;
    out[0] = (struct bytes){(uint32_t)first, (uint32_t)(end - first)};
    return 1;
}

static void restore(const struct rig *r, struct rig_side *s)
{
    struct bytes w[2];

    for (unsigned i = 0, n = windows(r, w); i < n; i++)
        memcpy(s->ram->host + w[i].at, r->pristine + w[i].at, w[i].size);
    memcpy(s->ram->host + r->code_at, r->code, r->placed);
}

static bool same_bytes(const struct rig *r, uint32_t at, uint32_t size,
                       struct error *e)
{
    const uint8_t *a = r->a.ram->host + at, *b = r->b.ram->host + at;

    if (!memcmp(a, b, size))
        return true;
    for (uint32_t i = 0; i < size; i++)
        if (a[i] != b[i])
            return error_set(e, "RAM + 0x%x: %02x and %02x", (unsigned)at + i,
                             a[i], b[i]);
    return true;
}

static bool same_windows(const struct rig *r, struct error *e)
{
    struct bytes w[2];

    for (unsigned i = 0, n = windows(r, w); i < n; i++)
        if (!same_bytes(r, w[i].at, w[i].size, e))
            return false;
    return true;
}

bool rig_same_ram(struct rig *r)
{
    struct error e;

    if (same_bytes(r, 0, RIG_RAM_SIZE, &e))
        return true;
    printf("outside of where the row should write, %s\n", e.text);
    return false;
}

/* ------------------------------------------------------------------- code */

static bool lift(struct rig *r)
{
    int32_t offset = (int32_t)(r->code_at & ~PAGE_MASK);
    const struct isa *isa = r->guest->cls->isa;
    struct error e;

    ir_clear(&r->ir);
    for (unsigned n = 0; n < r->n_insns; n++) {
        const struct insn *i = &r->insns[n];

        ir_insn(&r->ir, offset, i->length);
        isa->lift(&r->ir, i, offset);
        offset += i->length;
        /* A way out ends the block. */
        if (r->ir.n && ir_effects(&r->ir.nodes[r->ir.n - 1]) & IR_ENDS)
            break;
        if (n == r->n_insns - 1)
            ir_exit(&r->ir, offset);
    }
    if (ir_verify(&r->ir, r->guest->cls, &e))
        return true;
    rig_report(r, "the lifter made bad IR", &e);
    return false;
}

/* Decode what is in code, as side a's state has it; lift what is new. */
static bool decode(struct rig *r, bool always)
{
    const struct isa *isa = r->guest->cls->isa;
    bool changed = always;
    unsigned at = 0;

    for (unsigned n = 0; n < r->n_insns; n++) {
        uint16_t before = r->insns[n].row;

        if (!isa->decode(r->a.c, r->code + at, r->code_size - at,
                         &r->insns[n])) {
            printf("an instruction has more bytes than it has\n");
            r->failures++;
            return false;
        }
        at += r->insns[n].length;
        changed |= r->insns[n].row != before;
    }
    return !changed || lift(r);
}

bool rig_decode(struct rig *r)
{
    return decode(r, false);
}

bool rig_place(struct rig *r, const uint32_t *bits, const uint8_t *widths,
               unsigned n)
{
    uint32_t before = r->code_at, size = r->placed;

    /* Mostly somewhere in the page, at times over its end. */
    r->code_size = 0;
    for (unsigned i = 0; i < n; i++) {
        st_le32(r->code + r->code_size, bits[i]);
        r->code_size += widths[i] / 8;
    }
    r->placed = r->code_size;
    if (r->jit) {
        st_le32(r->code + r->placed, r->guest->loop);
        r->placed += (r->guest->loop & 3) == 3 ? 4 : 2;
        block_cache_flush(r->a.c);
    }
    memset(r->pristine + before, 0, size);
    memset(r->a.ram->host + before, 0, size);
    memset(r->b.ram->host + before, 0, size);
    r->code_at = RIG_CODE + 2 * (uint32_t)rig_below(&r->random, 0x7f0);
    if (rig_chance(&r->random, 2))
        r->code_at =
            RIG_CODE + PAGE_SIZE - 2 - 2 * (uint32_t)rig_below(&r->random, 3);
    r->code_at &= ~(r->guest->align - 1u);
    r->n_insns = n;
    memcpy(r->pristine + r->code_at, r->code, r->placed);
    memcpy(r->a.ram->host + r->code_at, r->code, r->placed);
    memcpy(r->b.ram->host + r->code_at, r->code, r->placed);
    return decode(r, true);
}

/*
 * Where does the code access memory?  If its address is a whole register,
 * perhaps with a constant added, *slot is that register's.
 */
static bool find_address(const struct rig *r, uint64_t *slot,
                         uint64_t *constant)
{
    const unsigned address = r->guest->cls->xlen == 32 ? IR_I32 : IR_I64;

    for (uint32_t i = 0; i < r->ir.n; i++) {
        const struct ir_node *n = &r->ir.nodes[i], *a, *b;

        if (n->op != IR_LOAD && n->op != IR_STORE && n->op != IR_AMO &&
            n->op != IR_CALL)
            continue;
        if (n->a == IR_NONE)
            continue;
        a = &r->ir.nodes[n->a];
        *constant = 0;
        if (a->op == IR_ADD) {
            b = &r->ir.nodes[a->b];
            a = &r->ir.nodes[a->a];
            if (b->op != IR_CONST)
                continue;
            *constant = b->imm;
        }
        if (a->op == IR_CONST) {
            *slot = 0;
            *constant += a->imm;
            return n->op != IR_CALL;
        }
        *slot = a->imm;
        if (a->op == IR_GET && a->type == address)
            return true;
    }
    return false;
}

/* Point the register of the access somewhere worth going. */
static void aim(struct rig *r)
{
    uint64_t slot, constant, value;

    r->has_address = find_address(r, &slot, &constant);
    if (!r->has_address)
        return;
    r->address =
        isa_address(r->a.c, slot ? r->guest->address(r) : constant);
    if (!slot)
        return;
    value = isa_address(r->a.c, r->address - constant);
    /* The slot is as wide as the address that the IR takes from it. */
    if (r->guest->cls->xlen == 32) {
        uint32_t half = (uint32_t)value;

        memcpy((char *)r->a.c + slot, &half, sizeof(half));
    } else {
        memcpy((char *)r->a.c + slot, &value, sizeof(value));
    }
}

/* ---------------------------------------------------------------- running */

void rig_copy(struct rig *r, struct cpu *to, const struct cpu *from)
{
    to->pc = from->pc;
    to->icount = from->icount;
    to->trapped_at = UINT64_MAX; /* not the same trap once more */
    to->halted = from->halted;
    to->pending_exception = from->pending_exception;
    r->guest->copy(to, from);
}

struct ir_end rig_eval(struct rig *r)
{
    struct cpu *c = r->b.c;

    c->page = c->pc & PAGE_MASK;
    return ir_eval(&r->ir, c, r->guest->ir);
}

/* What cpu_run() does after n instructions of which one trapped. */
static void deliver(struct rig *r)
{
    struct cpu *c = r->b.c;

    if (!c->pending_exception)
        return;
    r->traps++;
    c->pending_exception = false;
    c->class->deliver(c);
    c->icount = r->image->icount + r->n_insns;
}

bool rig_compare(struct rig *r, struct error *e)
{
    struct cpu *a = r->a.c, *b = r->b.c;

    r->guest->tidy(a);
    r->guest->tidy(b);
    if (a->pc != b->pc)
        return error_set(e, "pc: 0x%" PRIx64 " and 0x%" PRIx64, a->pc, b->pc);
    if (a->icount != b->icount)
        return error_set(e, "instructions: %" PRIu64 " and %" PRIu64, a->icount,
                         b->icount);
    if (!r->guest->same(a, b) && !state_equal(r->guest->cls->fields, a, b, e))
        return false;
    return same_windows(r, e);
}

static void print_state(const struct rig *r, struct cpu *c)
{
    char text[4096];

    if (!r->guest->cls->dump)
        return;
    r->guest->cls->dump(c, text, sizeof(text));
    fputs(text, stdout);
}

void rig_report(struct rig *r, const char *what, const struct error *e)
{
    const struct isa *isa = r->guest->cls->isa;
    char text[8192];

    if (++r->failures > MAX_REPORTS)
        return;
    printf("%s: %s\n", what, e->text);
    for (unsigned n = 0; n < r->n_insns; n++) {
        const struct insn *i = &r->insns[n];

        isa->disassemble(i, r->a.c->pc, text, sizeof(text));
        printf("line %u: %0*" PRIx64 "  %s\n",
               (unsigned)isa->rows[i->text].line, i->length * 2, i->bits, text);
    }
    ir_print(&r->ir, r->guest->ir, text, sizeof(text));
    printf("%s", text);
    printf("before, address 0x%" PRIx64 ":\n", r->address);
    r->image->class = r->guest->cls;
    print_state(r, r->image);
    printf("handlers:\n");
    print_state(r, r->a.c);
    printf("the other side:\n");
    print_state(r, r->b.c);
}

/* Is the access of this case one that the fast path would take? */
static bool in_tlb(const struct rig *r)
{
    const struct cpu *c = r->a.c;
    unsigned at = tlb_index(r->address);

    if (!r->has_address)
        return false;
    return !TLB_MISS(&c->read[at], r->address, 1) ||
           !TLB_MISS(&c->write[at], r->address, 1);
}

/* a.c has the state; b.c gets it. */
static void begin(struct rig *r)
{
    r->guest->settle(r->a.c, true);
    rig_copy(r, r->b.c, r->a.c);
    r->guest->settle(r->b.c, true);
    if (r->guest->prelude)
        r->guest->prelude(r, &r->insns[0], r->address);
    rig_copy(r, r->image, r->a.c);
}

/* The loop behind the code ran once, or not: it leaves all else as it is. */
static void forget_loop(struct rig *r)
{
    struct cpu *c = r->a.c;
    uint64_t end = r->guest->ram_base + r->code_at + r->code_size;

    if (c->icount == r->image->icount + r->n_insns + 1 &&
        (c->pc & 0xfff) == (end & 0xfff))
        c->icount--;
}

/* Was the code entered as compiled code?  The jump cache knows its block. */
static bool was_compiled(const struct rig *r)
{
    const uint64_t pc = r->image->pc;
    const struct jcache_entry *e = &r->a.c->jcache[jcache_index(pc)];

    return e->pc == pc && e->context != UINT64_MAX &&
           block_entry(e->rec)->code != NULL;
}

static bool run_handlers(struct rig *r, bool forget)
{
    struct error e;

    rig_copy(r, r->a.c, r->image);
    restore(r, &r->a);
    r->guest->settle(r->a.c, forget);
    r->fast_hits += in_tlb(r);
    cpu_run(r->a.c, r->n_insns);
    if (r->jit) {
        forget_loop(r);
        r->compiled += was_compiled(r);
    }
    if (rig_compare(r, &e))
        return true;
    rig_report(r,
               forget ? "they differ, translations forgotten"
                      : "they differ, translations found",
               &e);
    return false;
}

/* Did the instruction itself write to the page tables? */
static bool tables_written(const struct rig *r)
{
    for (uint32_t at = RIG_TABLES; at < RIG_DATA; at += 8)
        if ((ld_le64(r->b.ram->host + at) ^ ld_le64(r->pristine + at)) &
            ~r->guest->walker_bits)
            return true;
    return false;
}

/* What a translation gives that was made before its table was written is
 * anybody's guess. */
static bool start_afresh(struct rig *r)
{
    r->rewritten++;
    memcpy(r->a.ram->host, r->pristine, RIG_RAM_SIZE);
    memcpy(r->b.ram->host, r->pristine, RIG_RAM_SIZE);
    r->guest->settle(r->a.c, true);
    r->guest->settle(r->b.c, true);
    return true;
}

bool rig_rest(struct rig *r)
{
    deliver(r);
    if (tables_written(r))
        return start_afresh(r);
    if (!run_handlers(r, true) || !run_handlers(r, false))
        return false;
    restore(r, &r->a);
    restore(r, &r->b);
    return true;
}

bool rig_case(struct rig *r, enum rig_how how)
{
    r->cases++;
    r->whole = false;
    r->guest->state(r);
    r->guest->settle(r->a.c, false);
    if (!decode(r, false))
        return false;
    if (r->n_insns > 1 && rig_chance(&r->random, 8))
        r->guest->scatter(r);
    aim(r);
    begin(r);
    if (how == RIG_EVAL)
        rig_eval(r);
    else
        for (unsigned i = 0; i < r->n_insns; i++)
            cpu_run(r->b.c, 1);
    return rig_rest(r);
}
