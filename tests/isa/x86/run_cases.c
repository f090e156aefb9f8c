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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/cpu/x86/rig.h"

#define RAM_SIZE (1u << 24)
#define MAX_BYTES 4096u
#define MAX_STEPS 64u

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

/* An 8086 stops where its handler begins. */
static void deliver_and_stop(struct cpu *c)
{
    x86_class.deliver(c);
    c->halted = true;
}

static struct x86_rig *new_rig(const char *model)
{
    struct cpu_class class = x86_class;

    if (strncmp(model, "80286", 5) != 0)
        class.deliver = deliver_and_stop;
    return x86_rig_plain(model, &class, RAM_SIZE);
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

static void load(struct x86_rig *b, const struct test *t)
{
    struct x86_cpu *g = b->g;
    const uint16_t *r = t->before;

    cpu_reset(b->cpu);
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
    b->cpu->pc = g->cs_base + r[IP];
    for (unsigned i = 0; i < t->n_before; i++)
        b->ram->host[t->bytes[i].at] = (uint8_t)t->bytes[i].value;
    memory_wrote(b->memory, b->ram, 0, RAM_SIZE);
}

static void run(struct x86_rig *b)
{
    struct cpu *c = b->cpu;
    const bool to_halt = b->g->model == X86_MODEL_80286;
    const uint64_t start = cpu_icount_any(c);

    for (unsigned i = 0; i < MAX_STEPS && !c->halted; i++) {
        cpu_run(c, 1);
        if (!to_halt && cpu_icount_any(c) != start)
            break;
    }
}

static void found(struct x86_rig *b, uint16_t out[14])
{
    struct x86_cpu *g = b->g;
    static const uint8_t order[12] = {0, 3, 1, 2, 0, 0, 0, 0, 4, 5, 6, 7};

    for (unsigned i = AX; i <= DI; i++)
        out[i] = (uint16_t)g->g[order[i]];
    out[CS] = g->segment[SEG_CS].selector;
    out[SS] = g->segment[SEG_SS].selector;
    out[DS] = g->segment[SEG_DS].selector;
    out[ES] = g->segment[SEG_ES].selector;
    out[IP] = (uint16_t)(b->cpu->pc - g->cs_base);
    out[FLAGS] = (uint16_t)x86_eflags(g);
}

static unsigned mask_of(const struct test *t, uint32_t at)
{
    if (t->pushed != UINT32_MAX && at - t->pushed < 2)
        return at == t->pushed ? t->mask & 0xff : t->mask >> 8;
    return 0xff;
}

static void compare(struct x86_rig *b, const struct test *t, unsigned long n)
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
static void clear(struct x86_rig *b, const struct test *t)
{
    for (unsigned i = 0; i < (unsigned)t->n_before + t->n_after; i++)
        b->ram->host[t->bytes[i].at] = 0;
}

int main(int argc, char **argv)
{
    static struct test t;
    struct x86_rig *b;

    if (argc != 2) {
        fprintf(stderr, "run_cases MODEL < CASES\n");
        return 2;
    }
    b = new_rig(argv[1]);
    for (unsigned long n = 0; read_test(&t); n++) {
        load(b, &t);
        run(b);
        compare(b, &t, n);
        clear(b, &t);
    }
    x86_rig_free(b);
    return 0;
}
