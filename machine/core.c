/*
 * A board's memory and processors: how much, which, how many, what they tell
 * the time by.
 *
 * Missing: processors of several models on a board.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/core/lockstep.h"
#include "devices/mtimer.h"
#include "jit/jit.h"
#include "machine/machine_priv.h"

#define DEFAULT_TIMEBASE 10000000

/* -- RAM -- */

/* Share `total` out over the pieces that the tree lists: each but the last
 * takes what it says, the last takes the rest. */
static bool share_out(struct machine *m, uint64_t total, struct error *e)
{
    uint64_t left = total;

    for (unsigned i = 0; i < m->n_ram; i++) {
        struct tree_ram *r = &m->ram_piece[i];

        if (i + 1 == m->n_ram || r->size > left)
            r->size = left;
        left -= r->size;
        if (r->size && r->base + (r->size - 1) < r->base)
            return error_set(e,
                             "-m: %s of memory at 0x%" PRIx64 " run over the "
                             "end of addresses",
                             SIZE_TEXT(r->size), r->base);
    }
    return true;
}

/* 32 bits of address or size must hold what was decided. */
static bool check_cells(struct machine *m, struct error *e)
{
    uint32_t address, size;

    if (!tree_u32(&m->board, 0, "#address-cells", 2, &address, e) ||
        !tree_u32(&m->board, 0, "#size-cells", 1, &size, e))
        return false;
    for (unsigned i = 0; i < m->n_ram; i++) {
        const struct tree_ram *r = &m->ram_piece[i];

        if ((size == 1 && r->size > UINT32_MAX) ||
            (address == 1 && r->base + r->size > (uint64_t)1 << 32))
            return error_set(e,
                             "-m: %s of memory: this board's addresses have "
                             "32 bits",
                             SIZE_TEXT(r->size));
    }
    return true;
}

static bool add_ram(struct machine *m, struct error *e)
{
    uint64_t at = 0;

    for (unsigned i = 0; i < m->n_ram; i++) {
        struct region *r = &m->ram_region[i];

        if (m->ram_piece[i].size == 0)
            continue;
        *r = (struct region){
            .name = "RAM",
            .kind = REGION_RAM,
            .base = m->ram_piece[i].base,
            .size = m->ram_piece[i].size,
            .enabled = true,
            .ram = m->ram,
            .ram_offset = at,
        };
        if (!memory_add(m->memory, r, e))
            return false;
        at += r->size;
    }
    return true;
}

static bool make_ram(struct machine *m, const struct machine_config *config,
                     struct error *e)
{
    uint64_t total = config->ram_size, listed = 0;

    if (!tree_ram(&m->board, m->ram_piece, MACHINE_MAX_RAM, &m->n_ram, e))
        return false;
    if (m->n_ram == 0)
        return tree_error(&m->board, 0, NULL, e,
                          "there is no node with device_type = \"memory\"");
    for (unsigned i = 0; i < m->n_ram; i++) {
        listed += m->ram_piece[i].size;
        if (m->ram_piece[i].base % PAGE_SIZE ||
            m->ram_piece[i].size % PAGE_SIZE)
            return error_set(e,
                             "%s: memory at 0x%" PRIx64 ": wanted whole "
                             "pages of 4 KiB",
                             m->board.name, m->ram_piece[i].base);
    }
    if (total == 0)
        total = m->default_ram ? m->default_ram : listed;
    if (total == 0)
        return error_set(e,
                         "%s: does not say how much memory there is: use "
                         "-m",
                         m->board.name);
    if (total < m->min_ram)
        return error_set(e,
                         "-m: %s is too little; this board takes at least "
                         "%s",
                         SIZE_TEXT(total), SIZE_TEXT(m->min_ram));
    if (total > UINT64_MAX - PAGE_SIZE)
        return error_set(e, "-m: more than there are addresses");
    total = (total + PAGE_SIZE - 1) & PAGE_MASK;
    if (!share_out(m, total, e) || !check_cells(m, e))
        return false;
    if (!ram_new(&m->ram, total, e))
        return error_prefix(e, "-m");
    return add_ram(m, e);
}

/* -- CPUs -- */

/* The n-th model of a class, NULL behind the last; a class that lists none has
 * one of its own name. */
static const char *model_name(const struct cpu_class *cls, unsigned n)
{
    if (cls->models)
        return cls->models[n].name;
    return n == 0 ? cls->name : NULL;
}

static const struct cpu_class *class_named(const char *name, size_t n)
{
    for (const struct cpu_class *const *c = cpu_classes; *c; c++) {
        const char *model;

        for (unsigned i = 0; (model = model_name(*c, i)); i++)
            if (strncmp(model, name, n) == 0 && model[n] == 0)
                return *c;
    }
    return NULL;
}

static bool unknown_cpu(const char *name, size_t n, const char *who,
                        struct error *e)
{
    const char *names[32] = {NULL}, *near;
    char word[64], all[200] = "";
    size_t count = 0, at = 0;

    snprintf(word, sizeof(word), "%.*s", (int)n, name);
    for (const struct cpu_class *const *c = cpu_classes; *c; c++) {
        const char *model;

        for (unsigned i = 0; (model = model_name(*c, i)) && count < 32; i++) {
            names[count++] = model;
            if (at < sizeof(all))
                at += (size_t)snprintf(all + at, sizeof(all) - at, "%s%s",
                                       at ? ", " : "", model);
        }
    }
    near = nearest_name(word, names, count);
    return error_set(e, "%s: there is no CPU '%s'%s%s%s; there are: %s", who,
                     word, near ? " (did you mean '" : "", near ? near : "",
                     near ? "'?)" : "", all);
}

/* Several classes have a "max": the board's is that of the model that it
 * names, or, if that is "max" itself, of its processors' kind. */
static const struct cpu_class *class_of_max(const struct machine *m,
                                            const char *board)
{
    size_t n = strcspn(board, ",");
    int cpu;

    if (n != 3 || strncmp(board, "max", n) != 0)
        return class_named(board, n);
    if (tree_cpus(&m->board, &cpu, 1, NULL) == 0)
        return NULL;
    for (const struct cpu_class *const *c = cpu_classes; *c; c++) {
        if (tree_is_compatible(&m->board, cpu, (*c)->name))
            return *c;
    }
    return NULL;
}

/* The class that -cpu names, else the board's. */
static const struct cpu_class *choose_cpu(struct machine *m,
                                          const struct machine_config *config,
                                          const char **model, struct error *e)
{
    const char *board = config->board_cpu
                            ? config->board_cpu
                            : tree_string(&m->board, 0, "emu,cpu");
    const struct cpu_class *cls;
    size_t n;

    *model = config->cpu ? config->cpu : board;
    if (!*model)
        *model = cpu_classes[0]->name;
    n = strcspn(*model, ",");
    cls = board && n == 3 && !strncmp(*model, "max", n)
              ? class_of_max(m, board)
              : class_named(*model, n);
    if (!cls)
        unknown_cpu(*model, n, config->cpu ? "-cpu" : m->board.name, e);
    return cls;
}

/* Each listed CPU's number; where one is listed, it is the pattern of n. */
static bool number_cpus(struct machine *m, unsigned wanted, uint32_t *id,
                        struct error *e)
{
    int node[MACHINE_MAX_CPUS];
    unsigned listed = tree_cpus(&m->board, node, MACHINE_MAX_CPUS, e);

    if (listed == 0)
        return false;
    m->n_cpus = wanted ? wanted : listed;
    if (listed > 1 && m->n_cpus != listed)
        return error_set(e,
                         "-smp: this board has %u CPUs, no more and no "
                         "less",
                         listed);
    if (m->n_cpus > m->max_cpus && listed == 1)
        return error_set(e,
                         "-smp: %u is too many; this board takes at most "
                         "%u CPUs",
                         m->n_cpus, m->max_cpus);
    for (unsigned i = 0; i < m->n_cpus; i++) {
        uint64_t reg;

        if (!tree_u64(&m->board, node[listed == 1 ? 0 : i], "reg", 0, &reg, e))
            return false;
        if (reg > UINT32_MAX || (listed == 1 && reg))
            return tree_error(&m->board, node[i], "reg", e,
                              "CPU number %" PRIu64 "; wanted %s", reg,
                              listed == 1 ? "0" : "one of 32 bits");
        id[i] = listed == 1 ? i : (uint32_t)reg;
        for (unsigned k = 0; k < i; k++)
            if (id[k] == id[i])
                return tree_error(&m->board, node[i], "reg", e,
                                  "another CPU has the number %u", id[i]);
    }
    return true;
}

static bool read_timebase(struct machine *m, struct error *e)
{
    int cpus = tree_child(&m->board, 0, "cpus");
    uint32_t hz = DEFAULT_TIMEBASE;

    if (cpus >= 0 &&
        !tree_u32(&m->board, cpus, "timebase-frequency", hz, &hz, e))
        return false;
    if (hz == 0)
        return tree_error(&m->board, cpus, "timebase-frequency", e,
                          "0: wanted hertz");
    m->timebase_hz = hz;
    return true;
}

/* Every block is compiled at its second entry: what is not cannot differ. */
static bool attach_lockstep(struct machine *m, struct cpu *c,
                            const struct machine_config *config,
                            struct error *e)
{
    struct jit_config jit = {.buffer_size = config->jit_buffer,
                             .threshold = 1,
                             .samples = 2,
                             .off = config->jit_off};
    struct lockstep_config lockstep = {
        .window = config->lockstep, .differs = machine_differs, .owner = m};

    if (config->no_chain)
        return error_set(e, "not together with -d exec");
    if (!config->icount)
        return error_set(e, "needs -icount");
    return jit_attach(c, &jit, e) && lockstep_attach(c, &lockstep, e);
}

/* The model with what the board's interrupt controllers need of a CPU; what
 * the user says comes later, and wins. */
static bool add_features(struct machine *m, const char *model, char *out,
                         size_t size, struct error *e)
{
    const char *features = tree_string(&m->board, 0, "emu,cpu-features");
    size_t n = strcspn(model, ",");
    int length =
        snprintf(out, size, "%.*s%s%s%s", (int)n, model, features ? "," : "",
                 features ? features : "", model + n);

    return (size_t)length < size ||
           error_set(e, "-cpu: a model of more than %zu bytes", size - 1);
}

static bool make_cpus(struct machine *m, const struct machine_config *config,
                      struct error *e)
{
    uint32_t id[MACHINE_MAX_CPUS];
    const char *model;
    char whole[512];
    const struct cpu_class *cls;
    struct cpu_env env = {
        .memory = m->memory,
        .ports = m->ports,
        .clock = m->clock,
        .gate = m->gate,
        .log = m->log,
    };

    if (!number_cpus(m, config->cpus, id, e) || !read_timebase(m, e))
        return false;
    cls = choose_cpu(m, config, &model, e);
    if (!cls || !add_features(m, model, whole, sizeof(whole), e))
        return false;
    snprintf(m->cpu_model, sizeof(m->cpu_model), "%.*s",
             (int)strcspn(whole, ","), whole);
    m->xlen = cls->xlen;
    m->vcpu = calloc(m->n_cpus, sizeof(*m->vcpu));
    if (!m->vcpu)
        return error_set(e, "out of memory");
    for (unsigned i = 0; i < m->n_cpus; i++) {
        struct cpu_config c = {
            .id = id[i], .model = whole, .no_chain = config->no_chain};

        m->vcpu[i].machine = m;
        if (!cpu_new(&m->vcpu[i].cpu, cls, &env, &c, e))
            return error_prefix(e, "-cpu %s", model);
        if (config->lockstep) {
            if (!attach_lockstep(m, m->vcpu[i].cpu, config, e))
                return error_prefix(e, "-accel lockstep");
        } else if (config->jit && !config->no_chain) {
            struct jit_config jit = {.buffer_size = config->jit_buffer,
                                     .off = config->jit_off};

            /* Without it everything works all the same, only slower. */
            jit_attach(m->vcpu[i].cpu, &jit, &m->jit_missing);
        }
    }
    return true;
}

/* -- what CPUs are connected to -- */

static uint64_t clock_time(void *machine)
{
    struct machine *m = machine;

    return clock_ticks(m->clock, m->timebase_hz);
}

/* The timer's mtime was set. */
static void time_jumped(void *machine)
{
    struct machine *m = machine;

    for (unsigned i = 0; i < m->n_cpus; i++) {
        struct cpu *c = m->vcpu[i].cpu;

        if (c->class->time_jumped)
            c->class->time_jumped(c);
    }
}

/* A PC's bridge answers a shutdown cycle by a reset. */
static void shut_down(void *machine, bool crash)
{
    machine_request(machine, REQUEST_RESET, crash);
}

void machine_connect_time(struct machine *m)
{
    struct mtimer *timer = NULL;

    for (unsigned i = 0; i < m->n_members && !timer; i++)
        timer = mtimer_of(m->members[i].dev);
    for (unsigned i = 0; i < m->n_cpus; i++) {
        struct cpu_wires *w = &m->vcpu[i].cpu->wires;

        w->time = timer ? mtimer_now : clock_time;
        w->time_owner = timer ? (void *)timer : m;
        w->timebase_hz = m->timebase_hz;
        /* With -icount one runs at a time. */
        if (!m->icount && m->n_cpus > 1)
            w->bus_lock = machine_bus_lock;
        w->bus_owner = m;
        w->shutdown = shut_down;
        w->shutdown_owner = m;
    }
    if (timer)
        mtimer_on_jump(timer, time_jumped, m);
}

/* -- both -- */

/* What a board without a CPU cannot take. */
static bool check_bare(const struct machine *m,
                       const struct machine_config *config, struct error *e)
{
    const struct {
        const char *option;
        bool given;
    } wrong[] = {
        {"-m", config->ram_size != 0},
        {"-cpu", config->cpu != NULL},
        {"-smp", config->cpus > 1},
        {"-kernel", config->kernel != NULL},
        {"-initrd", config->initrd != NULL},
        {"-append", config->append != NULL},
        {"-dtb", config->dtb != NULL},
        {"-bios", config->bios && strcmp(config->bios, "none") != 0},
        {"-accel lockstep", config->lockstep != 0},
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (wrong[i].given)
            return error_set(e, "%s: %s has no processor and no memory",
                             wrong[i].option, m->board.name);
    }
    return true;
}

bool machine_make_core(struct machine *m, const struct machine_config *config,
                       struct error *e)
{
    if (m->bare)
        return check_bare(m, config, e);
    return make_ram(m, config, e) && make_cpus(m, config, e);
}
