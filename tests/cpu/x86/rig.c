/*
 * The board of rig.h.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cpu/core/lockstep.h"
#include "jit/jit.h"
#include "tests/cpu/x86/rig.h"

static void must(bool ok, const struct error *e)
{
    if (ok)
        return;
    fprintf(stderr, "x86 rig: %s\n", e->text);
    abort();
}

static uint64_t insns(void *owner)
{
    struct x86_rig *r = owner;

    return r->cpu ? cpu_icount(r->cpu) : 0;
}

static void drive(struct x86_rig *r, unsigned bits, bool level)
{
    for (unsigned i = 0; i < 8; i++)
        if (bits >> i & 1)
            x86_input(r->cpu, i, level);
}

static uint64_t port_read(void *owner, uint64_t port, unsigned size)
{
    struct x86_rig *r = owner;

    (void)size;
    if (port >= 0xfc && port <= 0xff)
        return r->latch[port - 0xfc];
    return port == 0xe9 ? 0xe9 : 0xff;
}

static void port_write(void *owner, uint64_t port, uint64_t v, unsigned size)
{
    struct x86_rig *r = owner;

    (void)size;
    switch (port) {
    case 0xe9:
    case 0x402:
        if (r->n_text < X86_RIG_TEXT - 1)
            r->text[r->n_text++] = (char)v;
        break;
    case 0xf4:
        r->ended = true;
        cpu_kick(r->cpu);
        break;
    case 0xf5:
        drive(r, (unsigned)v, true);
        break;
    case 0xf6:
        drive(r, (unsigned)v, false);
        break;
    case 0xf8:
        r->vector = (uint8_t)v;
        x86_input(r->cpu, X86_LINE_INTR, true);
        break;
    case 0xfa:
        x86_input(r->cpu, X86_LINE_A20, v & 1);
        break;
    default:
        if (port >= 0xfc && port <= 0xff)
            r->latch[port - 0xfc] = (uint8_t)v;
        break;
    }
}

static const struct mmio_ops port_ops = {
    .read = port_read, .write = port_write, .accept = 1, .impl = 1};

static int acknowledge(void *owner, unsigned cpu)
{
    struct x86_rig *r = owner;

    (void)cpu;
    x86_input(r->cpu, X86_LINE_INTR, false);
    return r->vector;
}

static void shutdown(void *owner, bool crash)
{
    struct x86_rig *r = owner;

    (void)crash;
    r->shut_down = true;
    cpu_kick(r->cpu);
}

static void add(struct memory *m, struct region *region)
{
    struct error e;

    region->enabled = true;
    must(memory_add(m, region, &e), &e);
}

struct x86_rig *x86_rig_plain(const char *model, const struct cpu_class *class,
                              uint64_t size)
{
    struct x86_rig *r = calloc(1, sizeof(*r));
    struct cpu_config config = {.model = model};
    struct cpu_env env;
    struct error e;

    pthread_mutex_init(&r->lock, NULL);
    log_init(&r->log, stderr);
    if (getenv("X86_RIG_LOG"))
        must(log_parse(getenv("X86_RIG_LOG"), &r->log.mask, &e), &e);
    r->memory = memory_new("memory", true, &r->lock);
    r->ports = memory_new("ports", true, &r->lock);
    must(ram_new(&r->ram, size, &e), &e);
    r->ram_region = (struct region){
        .name = "ram", .kind = REGION_RAM, .size = size, .ram = r->ram};
    add(r->memory, &r->ram_region);
    r->clock = clock_new();
    clock_use_icount(r->clock, 0, insns, r);
    clock_resume(r->clock);
    r->class = *class;
    env = (struct cpu_env){.memory = r->memory,
                           .ports = r->ports,
                           .clock = r->clock,
                           .log = &r->log};
    must(cpu_new(&r->cpu, &r->class, &env, &config, &e), &e);
    r->g = x86(r->cpu);
    r->cpu->wires.apic.acknowledge = acknowledge;
    r->cpu->wires.apic.owner = r;
    r->cpu->wires.shutdown = shutdown;
    r->cpu->wires.shutdown_owner = r;
    return r;
}

struct x86_rig *x86_rig_new(const char *model, const uint8_t *rom,
                            unsigned size)
{
    struct x86_rig *r = x86_rig_plain(model, &x86_class, X86_RIG_RAM);
    struct error e;

    must(ram_new(&r->rom, size, &e), &e);
    memcpy(r->rom->host, rom, size);
    r->ram_again = (struct region){.name = "ram",
                                   .kind = REGION_RAM,
                                   .base = 0x1000000,
                                   .size = X86_RIG_RAM,
                                   .ram = r->ram};
    r->rom_low = (struct region){.name = "rom",
                                 .kind = REGION_ROM,
                                 .base = 0x100000 - size,
                                 .size = size,
                                 .priority = 1,
                                 .ram = r->rom};
    r->rom_286 = r->rom_high = r->rom_low;
    r->rom_286.base = 0x1000000 - size;
    r->rom_high.base = UINT64_C(0x100000000) - size;
    r->port_region = (struct region){.name = "ports",
                                     .kind = REGION_MMIO,
                                     .size = 0x10000,
                                     .ops = &port_ops,
                                     .owner = r};
    add(r->memory, &r->ram_again);
    add(r->memory, &r->rom_low);
    add(r->memory, &r->rom_286);
    add(r->memory, &r->rom_high);
    add(r->ports, &r->port_region);
    return r;
}

static void differs(void *owner, const char *report)
{
    struct x86_rig *r = owner;

    fputs(report, stderr);
    r->differs = r->ended = true;
}

bool x86_rig_lockstep(struct x86_rig *r)
{
    const struct jit_config all = {.threshold = 1};
    const struct lockstep_config config = {.differs = differs, .owner = r};
    struct error e;

    if (!jit_attach(r->cpu, &all, &e))
        return false;
    must(lockstep_attach(r->cpu, &config, &e), &e);
    return true;
}

void x86_rig_free(struct x86_rig *r)
{
    cpu_free(r->cpu);
    memory_free(r->memory);
    memory_free(r->ports);
    ram_free(r->ram);
    ram_free(r->rom);
    clock_free(r->clock);
    log_destroy(&r->log);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

void x86_rig_run(struct x86_rig *r, uint64_t n)
{
    const uint64_t end = r->cpu->icount + n;

    while (!r->ended && !r->shut_down && r->cpu->icount < end)
        if (cpu_run(r->cpu, (int64_t)(end - r->cpu->icount)) == CPU_HALTED)
            break;
}
