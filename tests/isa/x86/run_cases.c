/*
 * Runs single instructions on an 8086 or 80286 in real mode, for vectors.py.
 *
 *     run_cases MODEL < CASES
 *
 * A case, in u16 but where u32 is said, little-endian: registers before (ax bx
 * cx dx cs ss ds es sp bp si di ip flags); after; mask of FLAGS; where FLAGS
 * are pushed by an exception, or ~0 (u32); counts of bytes of memory before
 * and after; those, each an address and a value (u32).  An 8086 runs one
 * instruction, a 80286 runs to HLT.  For each case that does not come out as
 * it should, a line: its number, what it was, wanted, got.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/x86/x86_isa.h"

#define RAM_SIZE (1u << 24)
#define MAX_BYTES 4096u
#define MAX_STEPS 64u

struct board {
    struct cpu *c;
    struct cpu_class class;
    struct memory *memory, *ports;
    struct ram *ram;
    struct region region;
    struct clock *clock;
    struct gate *gate;
    struct log log;
    pthread_mutex_t lock;
    bool to_halt;
};

struct byte {
    uint32_t at, value;
};

struct test {
    uint16_t before[14], after[14], mask;
    uint32_t pushed;
    uint16_t n_before, n_after;
    struct byte bytes[MAX_BYTES];
};

enum { AX, BX, CX, DX, CS, SS, DS, ES, SP, BP, SI, DI, IP, FLAGS };
static const char *const names[14] = {"ax", "bx", "cx", "dx",   "cs",
                                      "ss", "ds", "es", "sp",   "bp",
                                      "si", "di", "ip", "flags"};

static void must(bool ok, const struct error *e)
{
    if (ok)
        return;
    fprintf(stderr, "run_cases: %s\n", e->text);
    exit(2);
}

static uint64_t insns(void *owner)
{
    struct board *b = owner;

    return b->c ? cpu_icount_any(b->c) : 0;
}

/* An 8086 stops where its handler begins. */
static void deliver_and_stop(struct cpu *c)
{
    x86_class.deliver(c);
    c->halted = true;
}

static void board_new(struct board *b, const char *model)
{
    struct cpu_config config = {.model = model};
    struct cpu_env env;
    struct error e = {.text = "no memory"};

    pthread_mutex_init(&b->lock, NULL);
    log_init(&b->log, stderr);
    b->memory = memory_new("memory", true, &b->lock);
    b->ports = memory_new("ports", true, &b->lock);
    b->clock = clock_new();
    b->gate = gate_new();
    must(b->memory && b->ports && b->clock && b->gate, &e);
    must(ram_new(&b->ram, RAM_SIZE, &e), &e);
    b->region = (struct region){.name = "ram",
                                .kind = REGION_RAM,
                                .size = RAM_SIZE,
                                .enabled = true,
                                .ram = b->ram};
    must(memory_add(b->memory, &b->region, &e), &e);
    env = (struct cpu_env){b->memory, b->ports, b->clock, b->gate, &b->log};
    b->class = x86_class;
    if (strncmp(model, "80286", 5) != 0)
        b->class.deliver = deliver_and_stop;
    must(cpu_new(&b->c, &b->class, &env, &config, &e), &e);
    clock_use_icount(b->clock, 0, insns, b);
    b->to_halt = x86(b->c)->model == X86_MODEL_80286;
}

static bool read_test(struct test *t)
{
    uint8_t head[66];

    if (fread(head, sizeof(head), 1, stdin) != 1)
        return false;
    for (unsigned i = 0; i < 14; i++) {
        t->before[i] = ld_le16(head + 2 * i);
        t->after[i] = ld_le16(head + 28 + 2 * i);
    }
    t->mask = ld_le16(head + 56);
    t->pushed = ld_le32(head + 58);
    t->n_before = ld_le16(head + 62);
    t->n_after = ld_le16(head + 64);
    if (t->n_before + t->n_after > MAX_BYTES)
        return false;
    for (unsigned i = 0; i < (unsigned)t->n_before + t->n_after; i++) {
        uint8_t entry[8];

        if (fread(entry, sizeof(entry), 1, stdin) != 1)
            return false;
        t->bytes[i] =
            (struct byte){ld_le32(entry) & (RAM_SIZE - 1), ld_le32(entry + 4)};
    }
    return true;
}

static void set_segment(struct x86_cpu *g, unsigned n, uint16_t selector)
{
    g->segment[n].selector = selector;
    g->segment[n].base = (uint32_t)selector << 4;
}

static void load(struct board *b, const struct test *t)
{
    struct x86_cpu *g = x86(b->c);
    const uint16_t *r = t->before;

    cpu_reset(b->c);
    memcpy(
        g->g,
        (uint64_t[8]){r[AX], r[CX], r[DX], r[BX], r[SP], r[BP], r[SI], r[DI]},
        8 * sizeof(uint64_t));
    set_segment(g, SEG_CS, r[CS]);
    set_segment(g, SEG_SS, r[SS]);
    set_segment(g, SEG_DS, r[DS]);
    set_segment(g, SEG_ES, r[ES]);
    x86_set_eflags(g, r[FLAGS], 0xfd7);
    x86_settle(g);
    b->c->pc = g->cs_base + r[IP];
    for (unsigned i = 0; i < t->n_before; i++)
        b->ram->host[t->bytes[i].at] = (uint8_t)t->bytes[i].value;
    memory_wrote(b->memory, b->ram, 0, RAM_SIZE);
}

static void run(struct board *b)
{
    struct cpu *c = b->c;
    const uint64_t start = cpu_icount_any(c);

    for (unsigned i = 0; i < MAX_STEPS && !c->halted; i++) {
        cpu_run(c, 1);
        if (!b->to_halt && cpu_icount_any(c) != start)
            break;
    }
}

static void found(struct board *b, uint16_t out[14])
{
    struct x86_cpu *g = x86(b->c);
    static const uint8_t order[12] = {0, 3, 1, 2, 0, 0, 0, 0, 4, 5, 6, 7};

    for (unsigned i = AX; i <= DI; i++)
        out[i] = (uint16_t)g->g[order[i]];
    out[CS] = g->segment[SEG_CS].selector;
    out[SS] = g->segment[SEG_SS].selector;
    out[DS] = g->segment[SEG_DS].selector;
    out[ES] = g->segment[SEG_ES].selector;
    out[IP] = (uint16_t)(b->c->pc - g->cs_base);
    out[FLAGS] = (uint16_t)x86_eflags(g);
}

static unsigned mask_of(const struct test *t, uint32_t at)
{
    if (t->pushed != UINT32_MAX && at - t->pushed < 2)
        return at == t->pushed ? t->mask & 0xff : t->mask >> 8;
    return 0xff;
}

static void compare(struct board *b, const struct test *t, unsigned long n)
{
    uint16_t got[14];

    found(b, got);
    for (unsigned i = 0; i < 14; i++) {
        unsigned mask = i == FLAGS ? t->mask & 0xfd5u : 0xffff;

        if ((got[i] ^ t->after[i]) & mask) {
            printf("%lu %s %x %x\n", n, names[i], t->after[i], got[i]);
            return;
        }
    }
    for (unsigned i = 0; i < t->n_after; i++) {
        const struct byte *w = &t->bytes[t->n_before + i];
        uint8_t byte = b->ram->host[w->at];

        if ((byte ^ w->value) & mask_of(t, w->at)) {
            printf("%lu memory@%x %x %x\n", n, w->at, w->value, byte);
            return;
        }
    }
}

/* What a case may have written: it and its neighbours. */
static void clear(struct board *b, const struct test *t)
{
    for (unsigned i = 0; i < (unsigned)t->n_before + t->n_after; i++)
        b->ram->host[t->bytes[i].at] = 0;
}

int main(int argc, char **argv)
{
    static struct board b;
    static struct test t;

    if (argc != 2) {
        fprintf(stderr, "run_cases MODEL < CASES\n");
        return 2;
    }
    board_new(&b, argv[1]);
    for (unsigned long n = 0; read_test(&t); n++) {
        load(&b, &t);
        run(&b);
        compare(&b, &t, n);
        clear(&b, &t);
    }
    return 0;
}
