/*
 * Random machines in lockstep: fuzz.c's, with a translator that compiles
 * each block at its second entry, compared with the interpreter over windows
 * of several lengths.
 *
 * usage: test_riscv_fuzz_lockstep [-32] [-n TOTAL]
 *                                 [FIRST-SEED [INSTRUCTIONS]]
 *
 * -32: harts of RV32.  They get the same memory, made for RV64, or Sv32's
 * tables: much of it is illegal to them, the rest runs and traps.
 * Machines of INSTRUCTIONS each run until TOTAL instructions are compared.
 * The status is 77 where there is no translator.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cpu/core/lockstep.h"
#include "jit/jit.h"
#include "tests/cpu/riscv/fuzz.h"

/* A machine that does nothing but trap is through sooner; both passes of a
 * window count. */
#define MAX_EXCEPTIONS 40000

struct totals {
    bool rv32;
    uint64_t machines, instructions, failures;
    struct rig *now;
};

static void differs(void *owner, const char *report)
{
    struct totals *t = owner;

    t->now->stopped = true;
    if (t->failures++ < 3)
        printf("%s", report);
}

static bool equip(struct rig *r, uint64_t seed, struct totals *t)
{
    static const uint64_t windows[] = {1, 50, 1000, LOCKSTEP_WINDOW};
    struct jit_config jit = {.threshold = 1, .samples = 1 + seed % 3};
    struct lockstep_config lockstep = {windows[seed % 4], differs, t};
    struct error e;

    if (jit_attach(r->cpu, &jit, &e) && lockstep_attach(r->cpu, &lockstep, &e))
        return true;
    printf("skipped: %s\n", e.text);
    return false;
}

static bool run(enum fuzz_kind kind, uint64_t seed, uint64_t instructions,
                struct totals *t)
{
    const struct rig_config rv32 = {.cls = &riscv32_class, .model = "rv32"};
    struct rig *r = rig_new(t->rv32 ? &rv32 : NULL);
    uint64_t failures = t->failures;
    bool good = equip(r, seed, t);

    t->now = r;
    if (good) {
        fuzz_fill(r, kind, seed);
        r->max_exceptions = MAX_EXCEPTIONS;
        rig_run(r, instructions, INT64_MAX, false);
        t->machines++;
        t->instructions += lockstep_compared(r->cpu);
        if (t->failures != failures)
            printf("kind %d, seed %" PRIu64 "\n", (int)kind, seed);
    }
    rig_free(r);
    return good;
}

int main(int argc, char **argv)
{
    uint64_t total = 2000000, seed = 1, instructions = 50000;
    struct totals t = {0};
    int at = 1;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 1 && !strcmp(argv[1], "-32")) {
        t.rv32 = true;
        at++;
    }
    if (argc > at + 1 && !strcmp(argv[at], "-n")) {
        total = strtoull(argv[at + 1], NULL, 0);
        at += 2;
    }
    if (at < argc)
        seed = strtoull(argv[at++], NULL, 0);
    if (at < argc)
        instructions = strtoull(argv[at++], NULL, 0);
    for (; t.instructions < total && t.failures < 10; seed++) {
        /* Whoever hangs is killed, and the seed is on the last line. */
        alarm(120);
        for (enum fuzz_kind kind = 0; kind < FUZZ_KINDS; kind++)
            if (!run(kind, seed, instructions, &t))
                return 77;
    }
    printf("%" PRIu64 " machines, %" PRIu64 " instructions compared, %" PRIu64
           " differences\n",
           t.machines, t.instructions, t.failures);
    return t.failures ? 1 : 0;
}
