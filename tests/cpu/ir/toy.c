/*
 * The guest of toy.h.
 */
#include <stdlib.h>

#include "tests/cpu/ir/toy.h"

struct toy_world {
    struct memory *memory;
    struct clock *clock;
    struct gate *gate;
    struct log log;
    pthread_mutex_t lock;
    struct ram *ram;
    struct region region;
};

static struct toy *toy(struct cpu *c)
{
    return (struct toy *)c;
}

static void toy_raise(struct cpu *c, unsigned cause, uint64_t value)
{
    toy(c)->cause = cause;
    toy(c)->value = value;
    cpu_raise(c);
}

static void bus_fault(struct cpu *c, uint64_t va, enum access access)
{
    toy_raise(c, 100 + access, va);
}

static bool translate(struct cpu *c, uint64_t va, unsigned size,
                      enum access access, bool probe, struct translation *out)
{
    (void)size;
    *out = (struct translation){va, PAGE_SIZE, true, true, true, false};
    if (va >> PAGE_BITS == TOY_BASE >> PAGE_BITS)
        return true;
    if (!probe)
        bus_fault(c, va, access);
    return false;
}

static bool init(struct cpu *c, const struct cpu_config *config,
                 struct error *e)
{
    (void)c;
    (void)config;
    (void)e;
    return true;
}

static void reset(struct cpu *c)
{
    c->page = TOY_BASE;
}

static bool add4(struct cpu *c, const uint64_t *a)
{
    memcpy(toy(c)->args, a, sizeof(toy(c)->args));
    toy(c)->calls++;
    c->scratch = a[0] + a[1] + a[2] + a[3];
    return true;
}

static bool leave(struct cpu *c, const uint64_t *a)
{
    (void)a;
    c->leave = true;
    return true;
}

static bool raising(struct cpu *c, const uint64_t *a)
{
    toy_raise(c, 50, a[0]);
    return false;
}

static bool nothing(struct cpu *c, const uint64_t *a)
{
    (void)c;
    (void)a;
    return true;
}

static const struct isa_helper helpers[] = {
    [TOY_ADD4] = {"add4", add4, 4, false},
    [TOY_LEAVE] = {"leave", leave, 0, true},
    [TOY_RAISE] = {"raise", raising, 1, false},
    [TOY_NOTHING] = {"nothing", nothing, 0, false},
    {NULL, NULL, 0, false},
};

static const struct isa isa = {.name = "toy", .helpers = helpers};

static const struct field fields[] = {
    FIELD_SUB(struct toy, core, cpu_core_fields),
    FIELD_LIST_END,
};

const struct cpu_class toy_class = {
    .name = "toy",
    .size = sizeof(struct toy),
    .fields = fields,
    .isa = &isa,
    .init = init,
    .reset = reset,
    .translate = translate,
    .bus_fault = bus_fault,
    .raise = toy_raise,
};

static void flag_define(struct cpu *c, unsigned family, unsigned bits,
                        const uint64_t v[3], uint32_t keep)
{
    struct toy *t = toy(c);

    memcpy(t->flag, v, sizeof(t->flag));
    t->family = family;
    t->bits = bits;
    t->keep = keep;
}

/* Condition n: is bit n of the first value set? */
static bool flag_use(struct cpu *c, unsigned condition)
{
    return toy(c)->flag[0] >> (condition & 63) & 1;
}

static const char *slot_name(uint64_t slot)
{
    static const char *const names[] = {"r0", "r1", "r2", "r3",
                                        "r4", "r5", "r6", "r7"};
    uint64_t n = (slot - TOY_R(0)) / 8;

    return slot >= TOY_R(0) && n < 8 && slot % 8 == TOY_R(0) % 8 ? names[n]
                                                                 : NULL;
}

static const char *family_name(unsigned family)
{
    return family == 3 ? "sub" : NULL;
}

static const char *condition_name(unsigned condition)
{
    return condition == 1 ? "nz" : NULL;
}

static const char *helper_name(unsigned helper)
{
    return helper < 4 ? helpers[helper].name : NULL;
}

const struct ir_guest toy_guest = {
    .fp = offsetof(struct toy, fp),
    .fp80 = offsetof(struct toy, fp),
    .flag_define = flag_define,
    .flag_use = flag_use,
    .slot_name = slot_name,
    .helper_name = helper_name,
    .family_name = family_name,
    .condition_name = condition_name,
};

int toy_setup(void **state)
{
    struct toy_world *w = calloc(1, sizeof(*w));
    struct cpu_config config = {0};
    struct cpu_env env;
    struct cpu *c;
    struct error e;

    assert_non_null(w);
    pthread_mutex_init(&w->lock, NULL);
    log_init(&w->log, stderr);
    w->memory = memory_new("toy", false, &w->lock);
    w->clock = clock_new();
    w->gate = gate_new();
    assert_true(ram_new(&w->ram, PAGE_SIZE, &e));
    w->region = (struct region){.name = "ram",
                                .kind = REGION_RAM,
                                .base = TOY_BASE,
                                .size = PAGE_SIZE,
                                .enabled = true,
                                .ram = w->ram};
    assert_true(memory_add(w->memory, &w->region, &e));
    env = (struct cpu_env){w->memory, NULL, w->clock, w->gate, &w->log};
    assert_true(cpu_new(&c, &toy_class, &env, &config, &e));
    c->wires.time_owner = w; /* to find it again */
    *state = c;
    return 0;
}

int toy_teardown(void **state)
{
    struct cpu *c = *state;
    struct toy_world *w = c->wires.time_owner;

    cpu_free(c);
    memory_free(w->memory);
    ram_free(w->ram);
    gate_free(w->gate);
    clock_free(w->clock);
    log_destroy(&w->log);
    pthread_mutex_destroy(&w->lock);
    free(w);
    return 0;
}

uint8_t *toy_memory(struct toy *t)
{
    struct toy_world *w = t->core.wires.time_owner;

    return w->ram->host;
}
