/*
 * The board of rig.h.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/cpu/riscv/asm.h"
#include "tests/cpu/riscv/rig.h"

static struct rig *rig_of(struct cpu *c)
{
    return c->wires.time_owner;
}

static void must(bool ok, const struct error *e)
{
    if (ok)
        return;
    fprintf(stderr, "rig: %s\n", e->text);
    abort();
}

/* -- time -- */

static uint64_t insns(void *owner)
{
    struct rig *r = owner;

    return r->cpu ? cpu_icount(r->cpu) : 0;
}

static uint64_t mtime(void *owner)
{
    struct rig *r = owner;

    return clock_ticks(r->clock, RIG_HZ);
}

static void mtimer_fired(void *owner)
{
    struct rig *r = owner;

    riscv_input(r->cpu, IRQ_MTI, true);
}

static void set_mtimecmp(struct rig *r, uint64_t v)
{
    r->mtimecmp = v;
    riscv_input(r->cpu, IRQ_MTI, mtime(r) >= v);
    if (mtime(r) >= v)
        timer_disarm(&r->mtimer);
    else
        timer_arm(&r->mtimer, clock_ticks_to_ns(v, RIG_HZ));
}

static void rearmed(void *owner)
{
    struct rig *r = owner;

    if (r->cpu)
        cpu_kick(r->cpu);
}

/* -- the device -- */

static void drive_lines(struct rig *r, uint64_t bits, bool level)
{
    for (unsigned i = 0; i < 16; i++)
        if (bits >> i & 1)
            riscv_input(r->cpu, i, level);
}

static uint64_t io_read(void *owner, uint64_t offset, unsigned size)
{
    struct rig *r = owner;

    (void)size;
    r->io_accesses++;
    switch (offset) {
    case RIG_REG_ICOUNT:
        return cpu_icount(r->cpu);
    case RIG_REG_MTIMECMP:
        return r->mtimecmp;
    case RIG_REG_COUNT:
        return r->io_accesses;
    default:
        return 0;
    }
}

#define ALL_LINES                                                              \
    (MIP_BIT(IRQ_MSI) | MIP_BIT(IRQ_MTI) | MIP_BIT(IRQ_MEI) | MIP_BIT(IRQ_SEI))

static void io_write(void *owner, uint64_t offset, uint64_t value,
                     unsigned size)
{
    struct rig *r = owner;

    (void)size;
    r->io_accesses++;
    switch (offset) {
    case RIG_REG_MTIMECMP:
        set_mtimecmp(r, value);
        break;
    case RIG_REG_RAISE:
        drive_lines(r, value & ALL_LINES, true);
        break;
    case RIG_REG_LOWER:
        drive_lines(r, value & ALL_LINES, false);
        break;
    default:
        break;
    }
}

static const struct mmio_ops io_ops = {
    .read = io_read,
    .write = io_write,
    .accept = 4 | 8,
    .impl = 4 | 8,
};

/* -- traps -- */

static void note(struct rig *r, uint64_t v)
{
    r->traps = (r->traps ^ v) * UINT64_C(0x100000001b3);
}

/* Exceptions in a row before a jolt. */
#define MAX_VAIN 20

static void deliver(struct cpu *c)
{
    struct rig *r = rig_of(c);

    r->last_cause = r->g->cause;
    r->last_epc = c->pc;
    riscv_deliver(c);
    r->last_tval = r->g->tval;
    reach_exception(r);
    note(r, r->last_cause);
    note(r, r->last_epc);
    note(r, r->last_tval);
    note(r, c->icount);
    r->exceptions++;
    r->vain = c->icount == r->last_icount ? r->vain + 1 : 0;
    r->last_icount = c->icount;
    if (r->jolt && r->vain > MAX_VAIN)
        cpu_kick(c);
    if (r->max_exceptions && r->exceptions >= r->max_exceptions) {
        r->stopped = true;
        cpu_kick(c);
    }
}

static bool interrupt(struct cpu *c)
{
    struct rig *r = rig_of(c);
    uint64_t pc = c->pc;

    if (!riscv_interrupt(c))
        return false;
    r->interrupts++;
    note(r, pc);
    note(r, c->pc);
    note(r, c->icount);
    return true;
}

/* -- life cycle -- */

static void add_ram(struct rig *r, struct ram **ram, struct region *region,
                    enum region_kind kind, uint64_t base, uint64_t size)
{
    struct error e;

    must(ram_new(ram, size, &e), &e);
    *region = (struct region){.name = "ram",
                              .kind = kind,
                              .base = base,
                              .size = size,
                              .enabled = true,
                              .ram = *ram};
    must(memory_add(r->memory, region, &e), &e);
}

static void attach_jit(struct rig *r, const struct jit_config *config)
{
    const struct jit_config usual = {0};
    bool all = getenv("RIG_JIT") != NULL;
    struct error e;

    if (config) {
        jit_attach(r->cpu, config, &e);
        reach_attach(r);
    } else if (all) {
        if (!jit_attach(r->cpu, &usual, &e)) {
            printf("skipped: %s\n", e.text);
            exit(77);
        }
        r->cpu->jit->threshold = r->cpu->jit->samples = 0;
    }
}

struct rig *rig_new(const struct rig_config *config)
{
    static const struct rig_config none;
    const struct rig_config *want = config ? config : &none;
    struct rig *r = calloc(1, sizeof(*r));
    struct cpu_config cpu_config = {0, want->model, want->no_chain};
    struct cpu_env env = {0};
    struct error e = {"no memory"};

    must(r != NULL, &e);
    pthread_mutex_init(&r->lock, NULL);
    log_init(&r->log, stderr);
    r->memory = memory_new("rig", false, &r->lock);
    add_ram(r, &r->ram, &r->ram_region, REGION_RAM, RIG_RAM,
            want->ram_size ? want->ram_size : RIG_RAM_SIZE);
    add_ram(r, &r->rom, &r->rom_region, REGION_ROM, RIG_ROM, RIG_ROM_SIZE);
    r->alias_region = (struct region){.name = "alias",
                                      .kind = REGION_ALIAS,
                                      .base = RIG_ALIAS,
                                      .size = RIG_RAM_SIZE,
                                      .enabled = true,
                                      .target = &r->ram_region};
    must(memory_add(r->memory, &r->alias_region, &e), &e);
    r->io_region = (struct region){.name = "io",
                                   .kind = REGION_MMIO,
                                   .base = RIG_IO,
                                   .size = RIG_IO_SIZE,
                                   .enabled = true,
                                   .ops = &io_ops,
                                   .owner = r};
    must(memory_add(r->memory, &r->io_region, &e), &e);
    r->clock = clock_new();
    if (!want->real_time)
        clock_use_icount(r->clock, 0, insns, r);
    env.memory = r->memory;
    env.clock = r->clock;
    env.log = &r->log;
    r->cls = want->cls ? *want->cls : riscv64_class;
    r->cls.deliver = deliver;
    r->cls.interrupt = interrupt;
    must(cpu_new(&r->cpu, &r->cls, &env, &cpu_config, &e), &e);
    r->g = riscv(r->cpu);
    attach_jit(r, want->jit);
    r->cpu->wires.time = mtime;
    r->cpu->wires.time_owner = r;
    r->cpu->wires.timebase_hz = RIG_HZ;
    r->cpu->pc = RIG_RAM;
    r->mtimecmp = UINT64_MAX;
    timer_init(&r->mtimer, r->clock, mtimer_fired, r);
    clock_on_rearm(r->clock, rearmed, r);
    clock_resume(r->clock);
    return r;
}

void rig_free(struct rig *r)
{
    timer_disarm(&r->mtimer);
    reach_free(r);
    cpu_free(r->cpu);
    memory_remove(&r->io_region);
    memory_remove(&r->rom_region);
    memory_remove(&r->alias_region);
    memory_remove(&r->ram_region);
    memory_free(r->memory);
    ram_free(r->ram);
    ram_free(r->rom);
    clock_free(r->clock);
    log_destroy(&r->log);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

/* -- running -- */

static uint64_t serve(struct rig *r)
{
    uint64_t deadline;

    pthread_mutex_lock(&r->lock);
    clock_fire(r->clock);
    deadline = clock_deadline(r->clock);
    pthread_mutex_unlock(&r->lock);
    return deadline;
}

/* Is it time for a jolt?  Then do it.  Returns what is left to the next. */
static uint64_t jolt(struct rig *r)
{
    if (!r->jolt)
        return UINT64_MAX;
    if (r->cpu->icount >= r->next_jolt || r->vain > MAX_VAIN) {
        r->vain = 0;
        r->jolt(r);
        assert(r->next_jolt > r->cpu->icount);
    }
    return r->next_jolt - r->cpu->icount;
}

/* It halted: on to the next deadline, if there is one. */
static void skip_time(struct rig *r)
{
    uint64_t deadline = serve(r);

    if (r->cpu->class->wakes(r->cpu))
        return;
    if (deadline == CLOCK_NEVER && r->jolt)
        r->next_jolt = r->cpu->icount;
    else if (deadline == CLOCK_NEVER)
        r->stopped = true;
    else if (deadline > clock_ns(r->clock))
        clock_jump(r->clock, deadline - clock_ns(r->clock));
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void rig_run(struct rig *r, uint64_t icount, int64_t chunk, bool flush)
{
    while (r->cpu->icount < icount && !r->stopped) {
        uint64_t deadline = serve(r), now = clock_ns(r->clock);
        uint64_t left = least(icount - r->cpu->icount, jolt(r));

        if (deadline <= now)
            continue;
        left = least(least(left, deadline - now), (uint64_t)chunk);
        if (flush)
            block_cache_flush(r->cpu);
        if (cpu_run(r->cpu, (int64_t)left) == CPU_HALTED)
            skip_time(r);
    }
    /* Where the interpreter puts what goes to x0; nobody reads it. */
    r->g->x[32] = 0;
}

void rig_step(struct rig *r, uint64_t n)
{
    rig_run(r, r->cpu->icount + n, INT64_MAX, false);
}

/* -- memory and state -- */

uint8_t *rig_host(struct rig *r, uint64_t pa)
{
    uint8_t *host = memory_host(r->memory, pa, 1, false);
    struct error e = {"no such address"};

    must(host != NULL, &e);
    return host;
}

void rig_poke(struct rig *r, uint64_t pa, const uint32_t *words, unsigned n)
{
    struct error e = {"no such address"};

    for (unsigned i = 0; i < n; i++) {
        uint8_t bytes[4];

        st_le32(bytes, words[i]);
        must(memory_poke(r->memory, pa + 4u * i, bytes, 4), &e);
    }
}

void rig_poke64(struct rig *r, uint64_t pa, uint64_t value)
{
    uint32_t words[2] = {(uint32_t)value, (uint32_t)(value >> 32)};

    rig_poke(r, pa, words, 2);
}

uint64_t rig_peek64(struct rig *r, uint64_t pa)
{
    return ld_le64(rig_host(r, pa));
}

void rig_open_pmp(struct rig *r)
{
    r->g->pmpaddr[0] = ((uint64_t)1 << 54) - 1;
    r->g->pmpcfg[0] = 0x1f;
    riscv_pmp_changed(r->g);
}

void rig_enter(struct rig *r, unsigned priv, uint64_t pc)
{
    r->g->priv = (uint8_t)priv;
    r->cpu->pc = pc;
    r->cpu->pending_exception = false;
    r->cpu->halted = false;
    riscv_update_contexts(r->g);
}

/* -- single instructions -- */

void rig_prepare(struct rig *r)
{
    static const uint32_t loop = 0x0000006f; /* j . */

    rig_poke(r, RIG_M_TRAP, &loop, 1);
    rig_poke(r, RIG_S_TRAP, &loop, 1);
    r->g->mtvec = RIG_M_TRAP;
    r->g->stvec = RIG_S_TRAP;
    r->g->mcounteren = r->g->scounteren = UINT32_MAX;
    rig_open_pmp(r);
}

bool rig_do(struct rig *r, unsigned priv, uint32_t word)
{
    uint64_t before = r->exceptions;
    uint32_t code[2] = {word, 0};

    rig_poke(r, RIG_SCRATCH, code, 2);
    rig_enter(r, priv, RIG_SCRATCH);
    rig_step(r, 1);
    return r->exceptions == before;
}

uint64_t rig_get_csr(struct rig *r, unsigned csr)
{
    struct error e = {"no such CSR"};
    uint64_t x5 = r->g->x[5], v;

    must(rig_do(r, PRIV_M, asm_csrrs(5, csr, 0)), &e);
    v = r->g->x[5];
    r->g->x[5] = x5;
    return v;
}

void rig_set_csr(struct rig *r, unsigned csr, uint64_t value)
{
    struct error e = {"no such CSR"};
    uint64_t x5 = r->g->x[5];

    r->g->x[5] = value;
    must(rig_do(r, PRIV_M, asm_csrrw(0, csr, 5)), &e);
    r->g->x[5] = x5;
}

/* The first byte that differs, or size. */
static uint64_t first_difference(const uint8_t *a, const uint8_t *b,
                                 uint64_t size)
{
    uint64_t i = 0;

    while (i < size && a[i] == b[i])
        i++;
    return i;
}

bool rig_differ(const struct rig *a, const struct rig *b, struct error *e)
{
    uint64_t at;

    if (!state_equal(riscv64_class.fields, a->cpu, b->cpu, e))
        return true;
    if (a->exceptions != b->exceptions || a->interrupts != b->interrupts)
        error_set(e,
                  "%" PRIu64 " and %" PRIu64 " exceptions, %" PRIu64
                  " and %" PRIu64 " interrupts",
                  a->exceptions, b->exceptions, a->interrupts, b->interrupts);
    else if (a->traps != b->traps)
        error_set(e, "the traps were not the same");
    else if (a->io_accesses != b->io_accesses || a->mtimecmp != b->mtimecmp ||
             a->stopped != b->stopped)
        error_set(e, "the device saw other accesses");
    else if (clock_ns(a->clock) != clock_ns(b->clock))
        error_set(e, "other times");
    else if (memcmp(a->ram->host, b->ram->host, a->ram->size)) {
        at = first_difference(a->ram->host, b->ram->host, a->ram->size);
        error_set(e, "RAM at 0x%" PRIx64 ": %02x and %02x", RIG_RAM + at,
                  a->ram->host[at], b->ram->host[at]);
    } else
        return false;
    return true;
}
