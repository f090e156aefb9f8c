/*
 * The stub CPU, with the protocol of cpu/core/cpu.h: kicks are never lost,
 * a limit is kept exactly, a halted CPU comes back for an input that is high.
 */
#include "stub_cpu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/core/lockstep.h"
#include "jit/jit.h"

stub_program *stub_run;

static bool stub_wakes(struct cpu *c)
{
    return atomic_load(&((struct stub_cpu *)c)->lines) != 0;
}

static const char *stub_isa(struct cpu *c)
{
    return c->id == 0 ? "rv64i_stub" : "rv64i_stub_other";
}

static const char *stub_mmu(struct cpu *c)
{
    return c->id == 0 ? "riscv,sv39" : "riscv,none";
}

static void stub_dump(struct cpu *c, char *out, size_t size)
{
    (void)c;
    if (size > 5)
        strcpy(out, "stub\n");
}

static const struct cpu_class stub_class = {
    .name = "rv64",
    .xlen = 64,
    .size = sizeof(struct stub_cpu),
    .wakes = stub_wakes,
    .isa_string = stub_isa,
    .mmu_type = stub_mmu,
    .dump = stub_dump,
};

static const struct cpu_class stub32_class = {
    .name = "rv32",
    .xlen = 32,
    .size = sizeof(struct stub_cpu),
    .wakes = stub_wakes,
    .dump = stub_dump,
};

static const struct cpu_model stub86_models[] = {
    {"qemu64", "stub"}, {"486", "stub"}, {NULL, NULL}};

static const struct cpu_class stub86_class = {
    .name = "x86",
    .models = stub86_models,
    .size = sizeof(struct stub_cpu),
    .wakes = stub_wakes,
};

const struct cpu_class *const cpu_classes[] = {&stub_class, &stub32_class,
                                               &stub86_class, NULL};

bool cpu_new(struct cpu **out, const struct cpu_class *cls,
             const struct cpu_env *env, const struct cpu_config *config,
             struct error *e)
{
    struct cpu *c = calloc(1, cls->size);

    if (!c)
        return error_set(e, "out of memory");
    if (config->model && strstr(config->model, "broken")) {
        free(c);
        return error_set(e, "broken");
    }
    c->class = cls;
    c->env = *env;
    c->id = config->id;
    /* Every test's board has RAM there; a PC has its ROM. */
    c->pc = cls == &stub86_class ? 0xfffffff0 : 0x80000000;
    sem_init(&c->wake, 0, 0);
    *out = c;
    return true;
}

void cpu_free(struct cpu *c)
{
    sem_destroy(&c->wake);
    free(c);
}

void cpu_forget_code(struct cpu *c)
{
    (void)c;
}

void cpu_reset(struct cpu *c)
{
    struct stub_cpu *s = (struct stub_cpu *)c;

    c->halted = false;
    s->steps = 0;
    atomic_fetch_add(&s->resets, 1);
}

static void step(struct stub_cpu *s, uint64_t n)
{
    struct cpu *c = &s->core;

    c->icount += n;
    if (c->icount % STUB_STEP == 0) {
        s->steps++;
        if (stub_run)
            stub_run(s);
    }
    atomic_store(&c->icount_shown, c->icount);
}

enum cpu_event cpu_run(struct cpu *c, int64_t limit)
{
    while (limit > 0) {
        int64_t n = STUB_STEP - (int64_t)(c->icount % STUB_STEP);

        if (atomic_exchange(&c->exit_request, false))
            return CPU_KICKED;
        if (c->halted && !stub_wakes(c))
            return CPU_HALTED;
        c->halted = false;
        n = n < limit ? n : limit;
        limit -= n;
        step((struct stub_cpu *)c, (uint64_t)n);
    }
    return CPU_KICKED;
}

void cpu_kick(struct cpu *c)
{
    atomic_store(&c->exit_request, true);
    if (atomic_load(&c->asleep))
        sem_post(&c->wake);
}

void cpu_wait(struct cpu *c)
{
    atomic_store(&c->asleep, true);
    if (!atomic_load(&c->exit_request) && !stub_wakes(c)) {
        while (sem_wait(&c->wake) && errno == EINTR)
            continue;
    }
    atomic_store(&c->asleep, false);
    while (sem_trywait(&c->wake) == 0)
        continue;
}

static void set_line(void *listener, unsigned line, bool level)
{
    struct stub_cpu *s = listener;

    line %= 32; /* above that are SIPI's vectors */
    if (level)
        atomic_fetch_or(&s->lines, 1u << line);
    else
        atomic_fetch_and(&s->lines, ~(1u << line));
    if (level && line == 1)
        atomic_fetch_add(&s->nmis, 1);
    if (level)
        cpu_kick(&s->core);
}

struct wire cpu_input(struct cpu *c, unsigned line)
{
    return (struct wire){set_line, c, line};
}

uint64_t cpu_icount(struct cpu *c)
{
    return c->icount;
}

bool jit_attach(struct cpu *c, const struct jit_config *config,
                struct error *e)
{
    (void)c;
    (void)config;
    return error_set(e, "a stub has none");
}

bool lockstep_attach(struct cpu *c, const struct lockstep_config *config,
                     struct error *e)
{
    (void)c;
    (void)config;
    return error_set(e, "a stub has none");
}

void lockstep_stats(const struct cpu *c, char *out, size_t size)
{
    (void)c;
    (void)out;
    (void)size;
}

uint64_t cpu_icount_any(struct cpu *c)
{
    return atomic_load(&c->icount_shown);
}
