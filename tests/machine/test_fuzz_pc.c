/*
 * A PC's processors that write nonsense to every port and register: all the
 * chips of a board together, with their wires.
 *
 *     test_machine_fuzz_pc [SEED [STEPS]]
 *
 * With icount, so that a seed gives the same run again.  Between accesses time
 * passes, interrupts are taken, keys and moves come in.  A guest may end its
 * machine (power-off, a panic); then the next seed goes on.  One that sleeps is
 * woken by its button.  Nothing may
 * crash, hang, or trouble a sanitizer, and no interrupt may be reported where
 * the chips do not have one.
 */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>

#include "devices/i8042.h"
#include "stub_cpu.h"
#include "tests/unit.h"

#define CHECK(x)                                                               \
    do {                                                                       \
        if (!(x)) {                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);            \
            abort();                                                           \
        }                                                                      \
    } while (0)

enum { ROM_SIZE = 0x10000, ACCESSES = 4 };

#define FINGER_NS 1000000 /* how often somebody looks whether it sleeps */

static struct prng prng;
static struct machine *machine; /* that runs */
static struct device *keyboard;
static struct timer finger;
static unsigned steps, wanted, taken, naps;

static uint64_t below(uint64_t n)
{
    return prng_below(&prng, n);
}

/* First port and count: the chips of a PC. */
static const uint16_t chips[][2] = {
    {0x00, 0x10},  {0x20, 2},    {0x40, 4},      {0x60, 5},  {0x70, 4},
    {0x81, 7},     {0x89, 7},    {0x92, 1},      {0xa0, 2},  {0xb2, 2},
    {0xc0, 0x20},  {0xe9, 1},    {0xf0, 2},      {0x2f8, 8}, {0x378, 3},
    {0x3b0, 0x30}, {0x3f8, 8},   {0x402, 1},     {0x4d0, 2}, {0x505, 1},
    {0x510, 12},   {0xae00, 32}, {0xb000, 0x40}, {0xcf8, 8},
};

static uint16_t some_port(void)
{
    unsigned n = (unsigned)below(sizeof(chips) / sizeof(chips[0]));

    if (below(16) == 0)
        return (uint16_t)below(0x10000);
    return (uint16_t)(chips[n][0] + below(chips[n][1]));
}

static uint64_t some_address(void)
{
    static const uint32_t bases[] = {0xfec00000, 0xfed00000, 0xfee00000,
                                     0xa0000,    0xc0000,    0xe0000,
                                     0xfffc0000, 0};

    if (below(16) == 0)
        return prng_edgy(&prng);
    return bases[below(8)] + below(below(2) ? 0x400 : 0x20000);
}

static uint64_t some_value(void)
{
    return below(2) ? below(256) : prng_edgy(&prng);
}

static void port_access(struct cpu *c)
{
    uint16_t port = some_port();
    unsigned size = 1u << below(3);
    uint64_t v = some_value();

    if (below(2))
        memory_read(c->env.ports, port, size, &v);
    else
        memory_write(c->env.ports, port, size, v);
}

/* A function's registers, of those that the board has. */
static void config_access(struct cpu *c)
{
    static const uint8_t devfns[] = {0x00, 0x08, 0x09, 0x0b, 0x10};
    uint32_t at =
        0x80000000u | (uint32_t)devfns[below(5)] << 8 | (uint32_t)below(256);

    memory_write(c->env.ports, 0xcf8, 4, at & ~3u);
    memory_write(c->env.ports, 0xcfc + (at & 3), 1, some_value());
}

static void memory_access(struct cpu *c)
{
    uint64_t pa = some_address(), v = some_value();
    unsigned size = 1u << below(4);

    if (below(2))
        memory_read(c->env.memory, pa, size, &v);
    else
        memory_write(c->env.memory, pa, size, v);
}

/* What a processor and its local APIC say to each other. */
static void apic_access(struct cpu *c)
{
    static const uint16_t msrs[] = {0x1b, 0x6e0};
    struct cpu_own_page *own = &c->wires.own;
    struct cpu_apic *a = &c->wires.apic;
    uint64_t v = some_value();
    uint32_t msr = below(2) ? msrs[below(2)] : 0x800 + (uint32_t)below(0x100);

    pthread_mutex_lock(&machine->lock);
    switch (below(6)) {
    case 0:
        if (own->read)
            own->read(own->owner, own->cpu, below(0x100) * 16, 4);
        break;
    case 1:
        if (own->write)
            own->write(own->owner, own->cpu, below(0x100) * 16, v, 4);
        break;
    case 2:
        if (a->read_msr)
            a->read_msr(a->owner, a->cpu, msr, &v);
        break;
    case 3:
        if (a->write_msr)
            a->write_msr(a->owner, a->cpu, msr, v);
        break;
    case 4:
        if (a->set_cr8)
            a->set_cr8(a->owner, a->cpu, v & 15);
        break;
    case 5:
        if (a->smm)
            a->smm(a->smm_owner, a->cpu, v & 1);
        break;
    }
    pthread_mutex_unlock(&machine->lock);
}

static void take_interrupt(struct cpu *c)
{
    struct cpu_apic *a = &c->wires.apic;
    int vector = -1;

    pthread_mutex_lock(&machine->lock);
    if (a->acknowledge)
        vector = a->acknowledge(a->owner, a->cpu);
    pthread_mutex_unlock(&machine->lock);
    CHECK(vector >= -1 && vector < 256);
    taken += vector >= 0;
    if (vector >= 0 && below(4)) { /* what a handler does */
        memory_write(c->env.ports, 0xa0, 1, 0x20);
        memory_write(c->env.ports, 0x20, 1, 0x20);
    }
}

static void press_something(void)
{
    if (below(2))
        i8042_post_key(keyboard, (unsigned)below(256), below(2));
    else
        i8042_post_mouse(keyboard, (int)below(600) - 300, (int)below(600) - 300,
                         (int)below(3) - 1, (unsigned)below(8));
}

/* A working PC now and then: interrupt controllers and timer as a BIOS sets
 * them up, so that interrupts come. */
static void set_up(struct cpu *c)
{
    /* Power management, at 0xb000. */
    static const uint32_t config[][2] = {{0x80000b40, 0xb001}, {0x80000b80, 1}};
    static const uint8_t writes[][2] = {
        {0x20, 0x11}, {0x21, 0x08}, {0x21, 0x04}, {0x21, 0x01}, {0x21, 0x00},
        {0xa0, 0x11}, {0xa1, 0x70}, {0xa1, 0x02}, {0xa1, 0x01}, {0xa1, 0x00},
        {0x43, 0x34}, {0x40, 0xa9}, {0x40, 0x04}, {0x64, 0x60}, {0x60, 0x43},
        {0x70, 0x0b}, {0x71, 0x72}, {0x60, 0xf4}, {0x64, 0xd4}, {0x60, 0xf4}};

    for (unsigned i = 0; i < sizeof(writes) / sizeof(writes[0]); i++)
        memory_write(c->env.ports, writes[i][0], 1, writes[i][1]);
    for (unsigned i = 0; i < 2; i++) {
        memory_write(c->env.ports, 0xcf8, 4, config[i][0]);
        memory_write(c->env.ports, 0xcfc, 4, config[i][1]);
    }
}

static void step(struct stub_cpu *s)
{
    struct cpu *c = &s->core;

    if (++steps > wanted) {
        machine_request(machine, REQUEST_FAIL, 99);
        return;
    }
    for (unsigned i = 0; i < ACCESSES; i++) {
        switch (below(16)) {
        case 0:
            config_access(c);
            break;
        case 1:
        case 2:
        case 3:
            memory_access(c);
            break;
        case 4:
        case 5:
            apic_access(c);
            break;
        case 6:
        case 7:
            take_interrupt(c);
            break;
        case 8:
            press_something();
            break;
        default:
            port_access(c);
        }
    }
    if (below(500) == 0)
        set_up(c);
}

static void look(void *owner)
{
    struct rig *r = owner;

    if (machine_asleep(r->m)) {
        naps++;
        machine_power_button(r->m);
    }
    timer_arm(&finger, clock_ns(r->m->clock) + FINGER_NS);
}

/* One machine, until it or the test ends. */
static void run(struct rig *r, const char *board, unsigned cpus)
{
    enum machine_end how;

    r->config.board = board;
    r->config.cpus = cpus;
    rig_machine(r);
    machine = r->m;
    keyboard = NULL;
    for (unsigned i = 0; i < r->m->n_members; i++)
        if (r->m->members[i].dev->class == &i8042_class)
            keyboard = r->m->members[i].dev;
    CHECK(keyboard);
    timer_init(&finger, r->m->clock, look, r);
    timer_arm(&finger, FINGER_NS);
    CHECK(machine_start(r->m, &r->e));
    machine_resume(r->m);
    how = rig_run(r, NULL);
    machine_stop(r->m);
    timer_arm(&finger, CLOCK_NEVER);
    CHECK(how != MACHINE_RUNNING && how != MACHINE_DIFFERS);
    rig_free(r);
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    unsigned per_board = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : 20000;
    static const uint8_t rom[ROM_SIZE];
    unsigned machines = 0;
    struct rig *r;

    CHECK(rig_begin((void **)&r) == 0);
    r->config.bios = rig_file(r, "bios", rom, sizeof(rom));
    r->config.icount = true;
    r->config.icount_shift = 10; /* 0.1 ms a step */
    stub_run = step;
    prng.state = seed;
    wanted = per_board;
    while (steps < wanted) {
        run(r, "pc", 2);
        machines++;
    }
    wanted += per_board;
    while (steps < wanted) {
        run(r, "isapc", 1);
        machines++;
    }
    printf("%u machines, %u interrupts taken, %u naps\n", machines, taken,
           naps);
    rig_end((void **)&r);
    return taken ? 0 : 1;
}
