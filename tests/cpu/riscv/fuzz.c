/*
 * Random machines: does the engine do what single steps do, and does
 * nothing that a guest does end, hang or corrupt the emulator?
 *
 * Each machine (fuzz_fill.c) runs five times: in stretches as the budget
 * has it; in blocks that are never chained; with every block compiled when
 * it is entered, with the whole effort; with a random threshold, code buffer
 * and choice of the translator's passes; and one instruction a run with the
 * block cache emptied before each, which is the reference.  All must end in
 * the same state, after the same traps at the same instruction counts.
 * Machines with random page tables run in the first way only, and some in
 * real time, kicked and interrupted by another thread: what they do without
 * fences has many right answers.  Each fourth seed makes machines of RV32, too.
 *
 * usage: test_riscv_fuzz [FIRST-SEED [MACHINES [INSTRUCTIONS [no-PASS,...]]]]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tests/cpu/riscv/fuzz.h"

/* A machine that does nothing but trap is through sooner. */
#define MAX_EXCEPTIONS 20000

enum way { WAY_NORMAL, WAY_UNCHAINED, WAY_JIT, WAY_JIT_ANY, WAY_STEPS };

struct run {
    enum fuzz_kind kind;
    bool rv32;
    uint64_t seed, instructions;
    uint32_t off; /* passes that the translator leaves out always */
};

static int64_t chunk_of(const struct run *run)
{
    struct fuzz_random f = {run->seed ^ 0x77};

    switch (fuzz_below(&f, 3)) {
    case 0:
        return (int64_t)fuzz_below(&f, 200) + 1;
    case 1:
        return (int64_t)fuzz_below(&f, 5000) + 1;
    default:
        return INT64_MAX;
    }
}

static struct jit_config jit_of(const struct run *run, enum way way)
{
    struct fuzz_random f = {run->seed ^ 0x999};

    if (way == WAY_JIT)
        return (struct jit_config){
            .off = run->off | (uint32_t)1 << JIT_TIERS};
    return (struct jit_config){
        .threshold = 1 + (unsigned)fuzz_below(&f, 40),
        .samples = 1 + (unsigned)fuzz_below(&f, 4),
        .buffer_size = fuzz_once_in(&f, 2) ? 64 << 10 : 0,
        .off = run->off | (uint32_t)fuzz_below(&f, 1 << JIT_PASSES)};
}

static struct rig *new_hart(const struct run *run, struct rig_config *config)
{
    if (run->rv32) {
        config->cls = &riscv32_class;
        config->model = "rv32";
    }
    return rig_new(config);
}

static struct rig *run_one(const struct run *run, enum way way)
{
    const bool jit = way == WAY_JIT || way == WAY_JIT_ANY;
    const struct jit_config translator = jit_of(run, way);
    struct rig_config config = {
        .no_chain = way == WAY_UNCHAINED || way == WAY_STEPS,
        .jit = jit ? &translator : NULL};
    struct rig *r = new_hart(run, &config);

    fuzz_fill(r, run->kind, run->seed);
    r->max_exceptions = MAX_EXCEPTIONS;
    rig_run(r, run->instructions,
            way == WAY_STEPS       ? 1
            : way == WAY_UNCHAINED ? INT64_MAX
                                   : chunk_of(run),
            way == WAY_STEPS);
    return r;
}

/* Has it looked at tables that nobody fences? */
static bool has_translated(const struct run *run, const struct rig *r)
{
    return run->kind == FUZZ_BARE && r->g->satp >> (run->rv32 ? 31 : 60) != 0;
}

static bool agree(const struct run *run, enum way way, struct error *e)
{
    struct rig *reference = run_one(run, WAY_STEPS);
    struct rig *r = run_one(run, way);
    bool same = has_translated(run, r) || !rig_differ(reference, r, e);

    rig_free(reference);
    rig_free(r);
    return same;
}

/* The instruction that is next. */
static void show_next(struct cpu *c)
{
    const struct isa *isa = c->class->isa;
    struct translation t;
    const uint8_t *host;
    struct insn i;
    char text[96];

    if (!riscv_translate(c, c->pc, 2, ACCESS_FETCH, true, &t))
        return;
    host = memory_host(c->env.memory, t.pa, 4, false);
    if (!host)
        return;
    isa->decode(c, host, 4, &i);
    isa->disassemble(&i, c->pc, text, sizeof(text));
    printf("    %s\n", text);
}

static void report(const struct run *run, enum way way)
{
    static const char *const names[] = {"normal", "unchained", "jit",
                                        "jit at random"};
    struct run less = *run;
    uint64_t low = 0, high = run->instructions;
    struct error e = {"nothing any more"};
    struct rig *r;
    char text[2048];

    /* The first count at which they differ. */
    while (high - low > 1) {
        less.instructions = low + (high - low) / 2;
        if (agree(&less, way, &e))
            low = less.instructions;
        else
            high = less.instructions;
    }
    less.instructions = high;
    agree(&less, way, &e);
    printf("kind %d, seed %" PRIu64 ", %s: differs from %" PRIu64
           " instructions on: %s\n",
           (int)run->kind, run->seed, names[way], high, e.text);
    less.instructions = low;
    r = run_one(&less, WAY_STEPS);
    r->cpu->class->dump(r->cpu, text, sizeof(text));
    printf("before it:\n%s", text);
    show_next(r->cpu);
    rig_free(r);
}

/* -- machines without a reference -- */

struct kicker {
    struct rig *r;
    atomic_bool stop;
    uint64_t seed;
};

static void *kick(void *arg)
{
    struct kicker *k = arg;
    struct fuzz_random f = {k->seed};
    struct timespec pause = {0, 20000};

    while (!atomic_load(&k->stop)) {
        unsigned line = (unsigned)fuzz_below(&f, 6) * 2 + 1;

        nanosleep(&pause, NULL);
        cpu_kick(k->r->cpu);
        pthread_mutex_lock(&k->r->lock);
        riscv_input(k->r->cpu, line, fuzz_once_in(&f, 2));
        pthread_mutex_unlock(&k->r->lock);
    }
    return NULL;
}

static void run_wild(const struct run *run)
{
    struct rig_config config = {.real_time = run->seed % 2 == 0};
    struct rig *r = new_hart(run, &config);
    struct kicker k = {r, false, run->seed};
    pthread_t thread;

    fuzz_fill(r, FUZZ_WILD, run->seed);
    r->max_exceptions = MAX_EXCEPTIONS;
    if (config.real_time) {
        pthread_create(&thread, NULL, kick, &k);
        for (unsigned i = 0;
             i < 2000 && !r->stopped && r->cpu->icount < run->instructions;
             i++) {
            cpu_run(r->cpu, 1000);
            r->jolt(r);
        }
        atomic_store(&k.stop, true);
        pthread_join(thread, NULL);
    } else {
        rig_run(r, run->instructions, INT64_MAX, false);
    }
    rig_free(r);
}

struct totals {
    uint64_t instructions, exceptions, interrupts, failures;
    uint64_t reached[REACH_KINDS];
};

static void compare(const struct run *run, struct totals *t)
{
    struct rig *reference = run_one(run, WAY_STEPS);

    t->instructions += reference->cpu->icount;
    t->exceptions += reference->exceptions;
    t->interrupts += reference->interrupts;
    for (enum way way = WAY_NORMAL; way < WAY_STEPS; way++) {
        struct rig *r = run_one(run, way);
        struct error e;

        if (!has_translated(run, r) && rig_differ(reference, r, &e)) {
            t->failures++;
            if (t->failures < 10)
                report(run, way);
        }
        reach_add(r, t->reached);
        rig_free(r);
    }
    rig_free(reference);
}

/* Enough machines reach everything. */
static void check_reached(struct totals *t, bool enough)
{
    printf("translated:");
    if (!t->reached[REACH_COMPILED])
        printf(" skipped, nothing was compiled on this host");
    for (unsigned i = 0; i < REACH_KINDS && t->reached[REACH_COMPILED]; i++) {
        printf("%s %" PRIu64 " %s", i ? "," : "", t->reached[i],
               reach_names[i]);
        if (enough && !t->reached[i]) {
            printf(" (that is a failure)");
            t->failures++;
        }
    }
    printf("\n");
}

static uint64_t argument(int argc, char **argv, int n, uint64_t otherwise)
{
    return n < argc ? strtoull(argv[n], NULL, 0) : otherwise;
}

int main(int argc, char **argv)
{
    uint64_t first = argument(argc, argv, 1, 1);
    uint64_t machines = argument(argc, argv, 2, 60);
    uint64_t instructions = argument(argc, argv, 3, 20000);
    struct totals t = {0};
    uint32_t off = 0;
    struct error e;

    if (argc > 4 && !jit_parse(argv[4], &off, &e)) {
        printf("%s\n", e.text);
        return 2;
    }
    for (uint64_t seed = first; seed < first + machines; seed++) {
        /* Whoever hangs is killed, and the seed is on the last line. */
        alarm(120);
        for (unsigned n = 0; n < FUZZ_KINDS * (seed % 4 == 3 ? 2 : 1); n++) {
            enum fuzz_kind kind = n % FUZZ_KINDS;
            struct run run = {kind, n >= FUZZ_KINDS, seed, instructions, off};

            if (kind == FUZZ_WILD)
                run_wild(&run);
            else
                compare(&run, &t);
        }
    }
    printf("%" PRIu64 " machines of each kind from seed %" PRIu64 ": %" PRIu64
           " instructions, %" PRIu64 " exceptions, %" PRIu64
           " interrupts compared, %" PRIu64 " differences\n",
           machines, first, t.instructions, t.exceptions, t.interrupts,
           t.failures);
    check_reached(&t, machines * instructions >= 400000 && !off);
    return t.failures ? 1 : 0;
}
