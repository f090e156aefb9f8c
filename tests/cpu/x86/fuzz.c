/*
 * Random machines of the x86: does each engine do what single steps do, and
 * does nothing that code of level 0 does end, hang or corrupt the emulator?
 *
 * A machine starts in one of the modes, with tables (GDT, LDT, IDT, tasks, page
 * tables) that are good but for some bits here and there, and code that is
 * random bytes among what changes tables, segments, modes and flags.  Handlers
 * step over one byte and return, so that it goes on.  Between stretches of
 * random length a line of the processor changes.
 *
 * Each machine runs as the budget has it, by the translator with every block
 * compiled, in lockstep, and one instruction a run, which is the reference.
 * All end in one state, RAM and device included.  A machine that has changed
 * what its pages are translated by while the TLB held them may rightly do
 * anything: it is run, but not compared.
 *
 * usage: test_x86_fuzz [FIRST-SEED [MACHINES [INSTRUCTIONS]]]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "jit/jit.h"
#include "tests/cpu/x86/rig.h"
#include "x86_gen.h"

enum { /* where things are */
       IVT = 0x0000,
       GDT = 0x1000,
       LDT = 0x1800,
       TSSES = 0x2000, /* of 256 bytes, with an I/O map's beginning */
       STACKS = 0x4000,
       IDT = 0x6000,
       TABLES = 0x8000, /* pages of page tables, which no page shows */
       PD32 = 0x8000,
       PT32 = 0x9000,
       PML4 = 0xa000,
       PDPT = 0xb000,
       PD = 0xc000,
       PT = 0xd000,
       PDPT32 = 0xe000,
       HANDLERS = 0x10000, /* of 16, 32 and 64 bits, 256 bytes apart */
       CODE = 0x11000,
       CODE_SIZE = 0x4000,
       DATA = 0x16000,
       DEVICE = 0x1a000,
};

/* Selectors: code and data of each size and level, tasks, gates. */
enum {
    CODE16 = 0x08,
    CODE32 = 0x10,
    CODE64 = 0x18,
    DATA0 = 0x20,
    CODE16_3 = 0x2b,
    CODE32_3 = 0x33,
    CODE64_3 = 0x3b,
    DATA3 = 0x43,
    LDTS = 0x48, /* 16 bytes */
    TASK = 0x58, /* of 16 bytes each, for long mode */
    TASKS = 4,
    GATES = TASK + 16 * TASKS, /* 16 bytes each */
    N_GATES = 6,
    SELECTORS = GATES + 16 * N_GATES,
};

enum start { REAL, FLAT16, FLAT32, PAGED, PAE, V86, COMPAT, LONG, STARTS };
static const char *const starts[] = {
    "real", "protected 16", "protected 32",  "paged",
    "PAE",  "V86",          "compatibility", "long"};

enum way { WAY_NORMAL, WAY_JIT, WAY_LOCKSTEP, WAY_STEPS };
static const char *const ways[] = {"interpreter", "translator", "lockstep"};

struct random {
    uint64_t state;
};

/* SplitMix64. */
static uint64_t random64(struct random *f)
{
    uint64_t z = f->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint64_t below(struct random *f, uint64_t n)
{
    return random64(f) % n;
}

static bool once_in(struct random *f, uint64_t n)
{
    return below(f, n) == 0;
}

/* ------------------------------------------------------------- the machine */

struct machine {
    struct x86_rig *r;
    struct region device;
    uint64_t accesses; /* a sum of all that the device saw */
    unsigned looks;    /* of the run loop for interrupts */
    enum start start;
};

static uint64_t device_read(void *owner, uint64_t offset, unsigned size)
{
    struct machine *m = owner;

    m->accesses = m->accesses * 31 + offset * 8 + size;
    return m->accesses * UINT64_C(0x9e3779b97f4a7c15) >> 8;
}

static void device_write(void *owner, uint64_t offset, uint64_t v,
                         unsigned size)
{
    struct machine *m = owner;

    m->accesses = m->accesses * 31 + (v ^ offset * 16) + size + 1;
}

static const struct mmio_ops device_ops = {
    .read = device_read, .write = device_write, .impl = 1 | 2 | 4 | 8};

/* Strings of 4 GiB are an instruction, too: such a machine is given up. */
#define MAX_LOOKS 60000

static bool look(struct cpu *c)
{
    struct machine *m = c->wires.bus_owner;

    if (++m->looks == MAX_LOOKS) {
        m->r->ended = true;
        cpu_kick(c);
    }
    return x86_interrupt(c);
}

/* ------------------------------------------------------------------ tables */

static uint64_t descriptor(uint64_t base, uint32_t limit, unsigned access)
{
    return (limit & 0xffff) | (base & 0xffffff) << 16 |
           (uint64_t)(access & 0xff) << 40 |
           (uint64_t)(limit >> 16 & 15) << 48 |
           (uint64_t)(access >> 12 & 15) << 52 | (base >> 24 & 0xff) << 56;
}

static void put(struct machine *m, uint32_t at, uint64_t v)
{
    st_le64(m->r->ram->host + at, v);
}

static uint32_t handler_of(enum start start)
{
    return start >= COMPAT   ? HANDLERS + 0x200
           : start >= FLAT32 ? HANDLERS + 0x100
                             : HANDLERS;
}

/* Gates that interrupts and far calls go through, of the size of the mode. */
static void put_gate(struct machine *m, uint32_t at, unsigned type,
                     uint16_t selector, uint32_t offset)
{
    put(m, at,
        (offset & 0xffff) | (uint64_t)selector << 16 |
            (uint64_t)(type | 0x80) << 40 | (uint64_t)(offset >> 16) << 48);
}

static void fill_gdt(struct machine *m, struct random *f)
{
    const bool lma = m->start >= COMPAT;
    static const uint16_t access[] = {0x009b, 0xc09b, 0xa09b, 0xc093,
                                      0x00fb, 0xc0fb, 0xa0fb, 0xc0f3};

    for (unsigned i = 0; i < 8; i++)
        put(m, GDT + 8 + 8 * i,
            descriptor(0, access[i] & 0x8000 ? 0xfffff : 0x1ffff, access[i]));
    put(m, GDT + LDTS, descriptor(LDT, 0x7f, 0x82));
    for (unsigned i = 0; i < TASKS; i++)
        put(m, GDT + TASK + 16 * i,
            descriptor(TSSES + 0x100 * i, 0xa8,
                       lma || i < 2 ? 0x89
                       : i == 2     ? 0x81
                                    : 0xe9));
    for (unsigned i = 0; i < N_GATES; i++)
        put_gate(m, GDT + GATES + 16 * i,
                 (lma || below(f, 3) ? 12 : 4) | (unsigned)below(f, 4) << 5,
                 (uint16_t)(lma ? CODE64 : CODE16 + 8 * below(f, 2)),
                 CODE + (uint32_t)below(f, 0x1000));
    for (unsigned i = 0; i < 16; i++)
        put(m, LDT + 8 * i,
            descriptor(below(f, 0x20000), (uint32_t)below(f, 0x20000),
                       (unsigned)random64(f) & 0xf0ff));
}

static void fill_idt(struct machine *m, struct random *f)
{
    const bool lma = m->start >= COMPAT;
    const uint16_t selector = lma                  ? CODE64
                              : m->start >= FLAT32 ? CODE32
                                                   : CODE16;

    for (unsigned v = 0; v < 256; v++) {
        const unsigned with = 0x27d00; /* an error code */
        uint32_t to =
            handler_of(m->start) + (v < 32 && with >> v & 1 ? 0x40 : 0);
        unsigned type = (m->start == FLAT16 ? 6 : 14) + (unsigned)below(f, 2);

        if (once_in(f, 30))
            type = 5; /* a task gate */
        put_gate(m, IDT + v * (lma ? 16 : 8), type | (v & 3) << 5,
                 type == 5 ? (uint16_t)(TASK + 16 * below(f, TASKS)) : selector,
                 to);
        if (lma) /* an IST for some */
            m->r->ram->host[IDT + v * 16 + 4] = (uint8_t)(v % 11 ? 0 : v % 8);
        if (m->start == REAL)
            st_le32(m->r->ram->host + IVT + 4 * v, HANDLERS << 12);
    }
}

static void fill_tasks(struct machine *m, struct random *f)
{
    for (unsigned i = 0; i < TASKS; i++) {
        uint8_t *t = m->r->ram->host + TSSES + 0x100 * i;

        if (m->start >= COMPAT) {
            for (unsigned n = 0; n < 12; n++)
                st_le64(t + 4 + 8 * n, STACKS + 0x200 * below(f, 15));
            st_le16(t + 0x66, 0x68);
            continue;
        }
        for (unsigned n = 0; n < 3; n++) {
            st_le32(t + 4 + 8 * n, STACKS + 0x1000 + 0x200 * n);
            st_le16(t + 8 + 8 * n, (uint16_t)(DATA0 + n));
        }
        if (i == 2)
            continue;
        st_le32(t + 0x1c, m->start == PAE ? PDPT32 : PD32);
        st_le32(t + 0x20, CODE + (uint32_t)below(f, 0x3000));
        st_le32(t + 0x24, 2);
        st_le32(t + 0x38, STACKS + 0x800 + (uint32_t)below(f, 0x800));
        for (unsigned n = 0; n < 6; n++)
            st_le16(t + 0x48 + 4 * n, n == 1 ? CODE32 : DATA0);
        st_le32(t + 0x64, 0x680000 | (uint32_t)once_in(f, 8));
    }
}

static void fill_pages(struct machine *m)
{
    put(m, PD32, PT32 | 7);
    put(m, PML4, PDPT | 7);
    put(m, PDPT, PD | 7);
    put(m, PDPT32, PD | 1);
    put(m, PD, PT | 7);
    for (unsigned i = 0; i < 512; i++) {
        const bool shown = i < TABLES >> 12 || i >= HANDLERS >> 12;

        put(m, PT + 8 * i, shown ? i << 12 | 7 : 0);
        st_le32(m->r->ram->host + PT32 + 4 * i, shown ? i << 12 | 7 : 0);
    }
}

/* Bits that are wrong somewhere in what the processor reads. */
static void damage(struct machine *m, struct random *f)
{
    static const struct {
        uint32_t at, size;
    } places[] = {{GDT, 0x200}, {IDT, 0x400}, {TSSES, 0x400}, {PT, 0x180},
                  {PT32, 0xc0}, {PD, 8},      {LDT, 0x80},    {CODE, 0x4000}};

    for (uint64_t n = below(f, 12); n > 0; n--) {
        const unsigned i = (unsigned)below(f, sizeof(places) / sizeof(*places));

        m->r->ram->host[places[i].at + below(f, places[i].size)] ^=
            (uint8_t)(1u << below(f, 8));
    }
}

/* -------------------------------------------------------------------- code */

struct emitter {
    uint8_t *at, *end;
    struct random *f;
    enum start start;
};

static void byte(struct emitter *e, unsigned b)
{
    if (e->at < e->end)
        *e->at++ = (uint8_t)b;
}

static void bytes(struct emitter *e, const char *text, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        byte(e, (uint8_t)text[i]);
}
#define BYTES(e, text) bytes(e, text, sizeof(text) - 1)

/* An immediate: an address of data mostly. */
static void immediate(struct emitter *e, unsigned size)
{
    uint64_t v = once_in(e->f, 3) ? random64(e->f) : DATA + below(e->f, 0x5000);

    for (unsigned i = 0; i < size; i++, v >>= 8)
        byte(e, (unsigned)v & 0xff);
}

static unsigned word_size(const struct emitter *e)
{
    return e->start == REAL || e->start == FLAT16 || e->start == V86 ? 2 : 4;
}

static void set_ax(struct emitter *e, unsigned v)
{
    byte(e, 0xb8); /* MOV eAX, v */
    byte(e, v & 0xff);
    byte(e, v >> 8 & 0xff);
    if (word_size(e) == 4) {
        byte(e, v >> 16 & 0xff);
        byte(e, v >> 24);
    }
}

static unsigned selector(struct emitter *e)
{
    return once_in(e->f, 8) ? (unsigned)random64(e->f) & 0xffff
                            : 8 * (unsigned)below(e->f, SELECTORS / 8) +
                                  (unsigned)below(e->f, 4);
}

static void emit_msr(struct emitter *e)
{
    static const uint32_t msrs[] = {
        0xc0000080, 0xc0000081, 0xc0000082, 0xc0000084, 0xc0000100, 0xc0000101,
        0xc0000102, 0xc0000103, 0x174,      0x175,      0x176,      0x277,
        0x10,       0x3b,       0x6e1,      0x1a0,      0x1b,       0x2ff};
    const uint32_t n = msrs[below(e->f, sizeof(msrs) / sizeof(*msrs))];

    set_ax(e, (unsigned)random64(e->f));
    if (word_size(e) == 2)
        byte(e, 0x66);
    byte(e, 0xb9); /* MOV ECX */
    for (unsigned i = 0; i < 4; i++)
        byte(e, n >> 8 * i & 0xff);
    BYTES(e, "\x31\xd2\x0f");
    byte(e, once_in(e->f, 3) ? 0x32 : 0x30);
}

/* Flip a bit of CR0 or CR4. */
static void emit_control(struct emitter *e)
{
    const unsigned cr = once_in(e->f, 2) ? 4 : 0,
                   bit = (unsigned)below(e->f, 32);

    BYTES(e, "\x0f\x20");
    byte(e, 0xc0 | cr << 3);
    if (word_size(e) == 2)
        byte(e, 0x66);
    BYTES(e, "\x0f\xba\xf8"); /* BTC EAX, bit */
    byte(e, bit);
    BYTES(e, "\x0f\x22");
    byte(e, 0xc0 | cr << 3);
}

static void emit_system(struct emitter *e)
{
    switch (below(e->f, 16)) {
    case 0:
        emit_msr(e);
        return;
    case 1:
        emit_control(e);
        return;
    case 2: /* MOV Sreg, AX */
        set_ax(e, selector(e));
        byte(e, 0x8e);
        byte(e, 0xc0 | (unsigned)below(e->f, 8) << 3);
        return;
    case 3: /* LLDT, LTR, VERR, VERW, LAR, LSL */
        set_ax(e, selector(e));
        byte(e, 0x0f);
        byte(e, (unsigned)below(e->f, 4));
        byte(e, 0xc0 | (unsigned)below(e->f, 8) << 3);
        return;
    case 4: /* far jumps and calls, by register pushes in 64-bit code */
        if (e->start != LONG) {
            byte(e, once_in(e->f, 2) ? 0xea : 0x9a);
            immediate(e, word_size(e));
            byte(e, selector(e));
            byte(e, 0);
            return;
        }
        byte(e, 0x6a);
        byte(e, selector(e) & 0x7f);
        byte(e, 0x68);
        immediate(e, 4);
        BYTES(e, "\x48\xcb");
        return;
    case 5:
        byte(e, 0xcd);
        byte(e, (unsigned)below(e->f, 256));
        return;
    case 6: /* POPF of something */
        byte(e, 0x68);
        immediate(e, word_size(e));
        byte(e, 0x9d);
        return;
    case 7:
        byte(e, 0xcf - 2 * (unsigned)below(e->f, 3)); /* IRET, RETF... */
        return;
    case 8: /* a line of the processor, an interrupt, A20 */
        byte(e, 0xb0);
        byte(e, (unsigned)random64(e->f) & 0xcf);
        byte(e, 0xe6);
        byte(e, "\xf5\xf6\xf8\xfa\xfc"[below(e->f, 5)]);
        return;
    case 9: /* DRs */
        set_ax(e, CODE + (unsigned)below(e->f, 0x5000));
        BYTES(e, "\x0f\x23");
        byte(e, 0xc0 | (unsigned)below(e->f, 8) << 3);
        return;
    case 10: /* LGDT, LIDT, SMSW, INVLPG...: with memory or without */
        BYTES(e, "\x0f\x01");
        byte(e, (unsigned)random64(e->f));
        immediate(e, word_size(e));
        return;
    case 11:
        byte(e, "\xfa\xfb\xf4\xf1\xcc\x9c\xfb\x17"[below(e->f, 8)]);
        return;
    case 12: /* strings, INS and OUTS; a short count */
        byte(e, 0xb1);
        byte(e, (unsigned)below(e->f, 64));
        byte(e, once_in(e->f, 2) ? 0xf3 : 0xf2);
        byte(e, "\xa4\xa5\xaa\xab\xac\xae\x6c\x6e\xa6\xa7"[below(e->f, 10)]);
        return;
    case 13: /* SYSCALL, SYSENTER, SYSRET, SYSEXIT, RSM, CPUID... */
        byte(e, 0x0f);
        byte(e, "\x05\x34\x07\x35\xaa\xa2\x06\x09"[below(e->f, 8)]);
        return;
    case 14: /* ENTER, LEAVE, PUSHA, segments to and from the stack */
        byte(e, "\xc8\xc9\x60\x61\x06\x07\x1e\x1f\x16\x0e"[below(e->f, 10)]);
        return;
    default: /* CR3, CR2, CR8 */
        BYTES(e, "\x0f\x20\xd8\x0f\x22\xd8");
        return;
    }
}

static void emit(struct emitter *e)
{
    static const uint8_t prefixes[] = {0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x2e,
                                       0x26, 0x65, 0x48, 0x41, 0x36};

    if (once_in(e->f, 3)) {
        emit_system(e);
        return;
    }
    while (once_in(e->f, 4))
        byte(e, prefixes[below(e->f, sizeof(prefixes))]);
    if (once_in(e->f, 3))
        byte(e, 0x0f);
    byte(e, (unsigned)random64(e->f) & 0xff);
    byte(e, (once_in(e->f, 2) ? 0xc0 : 0) | ((unsigned)random64(e->f) & 0xff));
    if (once_in(e->f, 2))
        immediate(e, word_size(e));
}

static void fill_code(struct machine *m, struct random *f)
{
    /* Step over a byte, and return; with an error code at 40h. */
    static const struct {
        uint32_t at;
        const char *code;
        unsigned size;
    } handlers[] = {
        {0x00, "\x55\x89\xe5\xff\x46\x02\x5d\xcf", 8},
        {0x40, "\x83\xc4\x02\x55\x89\xe5\xff\x46\x02\x5d\xcf", 11},
        {0x100, "\xff\x04\x24\xcf", 4},
        {0x140, "\x83\xc4\x04\xff\x04\x24\xcf", 7},
        {0x200, "\x48\xff\x04\x24\x48\xcf", 6},
        {0x240, "\x48\x83\xc4\x08\x48\xff\x04\x24\x48\xcf", 10},
    };
    uint8_t *host = m->r->ram->host;
    struct emitter e = {host + CODE, host + CODE + CODE_SIZE, f, m->start};

    for (unsigned i = 0; i < sizeof(handlers) / sizeof(*handlers); i++)
        memcpy(host + HANDLERS + handlers[i].at, handlers[i].code,
               handlers[i].size);
    while (e.at < e.end)
        emit(&e);
    for (unsigned i = 0; i < 0x1000; i += 8)
        st_le64(host + DATA + i, random64(f));
}

/* --------------------------------------------------------------- registers */

static void load(struct machine *m, unsigned n, uint16_t selector)
{
    const uint8_t *at = m->r->ram->host + GDT + (selector & 0xfff8);
    const struct x86_descriptor d = {ld_le32(at), ld_le32(at + 4), 0};

    x86_unpack(&d, selector, &m->r->g->segment[n]);
}

static void load_system(struct machine *m, uint16_t selector,
                        struct x86_segment *out)
{
    const uint8_t *at = m->r->ram->host + GDT + selector;
    const struct x86_descriptor d = {ld_le32(at), ld_le32(at + 4), 0};

    x86_unpack(&d, selector, out);
    if (selector == TASK)
        out->access |= 2; /* busy */
}

static void start_protected(struct machine *m)
{
    struct x86_cpu *g = m->r->g;
    const bool user = m->start == V86;
    const uint16_t code = m->start == FLAT16 ? CODE16
                          : m->start == LONG ? CODE64
                                             : CODE32;

    g->cr0 |= CR0_PE;
    g->gdtr = (struct x86_table){GDT, SELECTORS - 1};
    g->idtr = (struct x86_table){IDT, 0xfff};
    load_system(m, LDTS, &g->ldtr);
    load_system(m, TASK, &g->tr);
    for (unsigned i = 0; i < 6; i++)
        load(m, i, i == SEG_CS ? code : DATA0);
    if (m->start >= PAGED && m->start != V86) {
        g->cr0 |= CR0_PG;
        g->cr3 = m->start == PAGED ? PD32 : m->start == PAE ? PDPT32 : PML4;
    }
    if (m->start >= PAE && m->start != V86)
        g->cr4 |= CR4_PAE;
    if (m->start >= COMPAT)
        g->efer = EFER_LME | EFER_LMA | EFER_SCE | EFER_NXE;
    if (m->start == PAE)
        x86_load_pdptes(g, g->cr3);
    if (user) {
        g->eflags |= FLAG_VM;
        g->cpl = 3;
        for (unsigned i = 0; i < 6; i++)
            x86_load_real(g, i, i == SEG_CS ? CODE >> 4 : DATA >> 4);
    }
}

static void fill_registers(struct machine *m, struct random *f)
{
    struct x86_cpu *g = m->r->g;
    const bool real = m->start == REAL;

    for (unsigned i = 0; i < 16; i++)
        g->g[i] = once_in(f, 4) ? random64(f) : DATA + below(f, 0x5000);
    g->cr0 = CR0_ET | (once_in(f, 2) ? CR0_WP | CR0_AM : 0) |
             (once_in(f, 8) ? CR0_TS : 0);
    g->cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT |
             (random64(f) & (CR4_VME | CR4_PVI | CR4_DE | CR4_PGE | CR4_UMIP |
                             CR4_FSGSBASE | CR4_OSXSAVE | CR4_PKE | CR4_PKS));
    g->eflags = 2 | (uint32_t)(random64(f) & (FLAG_IF | FLAG_IOPL));
    if (real)
        for (unsigned i = 0; i < 6; i++)
            x86_load_real(g, i,
                          i == SEG_CS   ? CODE >> 4
                          : i == SEG_SS ? STACKS >> 4
                                        : DATA >> 4);
    else
        start_protected(m);
    g->g[4] = real || m->start == V86 ? 0x1000 : STACKS + 0x1800;
    x86_settle(g);
    x86_flush(g);
    m->r->cpu->pc = CODE;
}

/* ----------------------------------------------------------------- running */

struct run {
    uint64_t seed, instructions;
};

static void free_machine(struct machine *m)
{
    x86_rig_free(m->r);
    free(m);
}

static struct machine *new_machine(const struct run *run, enum way way)
{
    static const uint8_t rom[4096] = {0};
    struct machine *m = calloc(1, sizeof(*m));
    const struct jit_config all = {.threshold = 1};
    struct random f = {run->seed};
    struct error e;

    m->start = (enum start)(run->seed % STARTS);
    m->r = x86_rig_new("max,-rdrand,-rdseed", rom, sizeof(rom));
    m->device = (struct region){.name = "device",
                                .kind = REGION_MMIO,
                                .base = DEVICE,
                                .size = 0x1000,
                                .priority = 1,
                                .ops = &device_ops,
                                .owner = m,
                                .enabled = true};
    if (!memory_add(m->r->memory, &m->device, &e) ||
        (way == WAY_JIT && !jit_attach(m->r->cpu, &all, &e)) ||
        (way == WAY_LOCKSTEP && !x86_rig_lockstep(m->r))) {
        free_machine(m);
        return NULL;
    }
    m->r->class.interrupt = look;
    m->r->cpu->wires.bus_owner = m;
    m->r->cpu->no_chain = way == WAY_STEPS;
    if (!getenv("X86_RIG_LOG"))
        m->r->log.mask = 0;
    fill_gdt(m, &f);
    fill_idt(m, &f);
    fill_tasks(m, &f);
    fill_pages(m);
    fill_code(m, &f);
    damage(m, &f);
    fill_registers(m, &f);
    return m;
}

/* One line goes up or down, as from a chip. */
static void jolt(struct machine *m, struct random *f)
{
    static const enum x86_line lines[] = {X86_LINE_NMI,  X86_LINE_SMI,
                                          X86_LINE_A20,  X86_LINE_INTR,
                                          X86_LINE_INTR, X86_LINE_INTR};
    const enum x86_line line = lines[below(f, sizeof(lines) / sizeof(*lines))];

    m->r->vector = (uint8_t)random64(f);
    x86_input(m->r->cpu, line, line == X86_LINE_A20 ? !once_in(f, 3) : true);
    if (line != X86_LINE_A20 && line != X86_LINE_INTR)
        x86_input(m->r->cpu, line, false);
}

static struct machine *run_one(const struct run *run, enum way way)
{
    struct machine *m = new_machine(run, way);
    struct random f = {run->seed ^ 0x77};
    struct x86_rig *r = m ? m->r : NULL;

    for (unsigned n = 0; m && n < 64 && r->cpu->icount < run->instructions;
         n++) {
        uint64_t end = r->cpu->icount + 1 + below(&f, 500);

        end = end < run->instructions ? end : run->instructions;

        while (r->cpu->icount < end && !r->ended && !r->shut_down) {
            const uint64_t left = way == WAY_STEPS ? 1 : end - r->cpu->icount;

            if (cpu_run(r->cpu, (int64_t)left) == CPU_HALTED)
                break;
        }
        if (r->ended || r->shut_down)
            break;
        jolt(m, &f);
    }
    if (m) /* what is pending is not left to the next run by all ways */
        cpu_run(r->cpu, 0);
    return m;
}

/* Flags are kept lazily, in one of many ways. */
static void settle_flags(const struct machine *m)
{
    x86_set_eflags(m->r->g, x86_eflags(m->r->g), X86_FLAGS);
}

static bool differ(const struct machine *a, const struct machine *b,
                   struct error *e)
{
    const uint8_t *x = a->r->ram->host, *y = b->r->ram->host;
    uint64_t at = 0;

    settle_flags(a);
    settle_flags(b);
    if (a->r->cpu->icount != b->r->cpu->icount)
        return !error_set(e, "%" PRIu64 " and %" PRIu64 " instructions",
                          a->r->cpu->icount, b->r->cpu->icount);
    if (!state_equal(x86_class.fields, a->r->cpu, b->r->cpu, e))
        return true;
    if (a->accesses != b->accesses || a->r->n_text != b->r->n_text ||
        a->r->ended != b->r->ended || a->r->shut_down != b->r->shut_down)
        return !error_set(e, "the device or the board saw something else");
    while (at < X86_RIG_RAM && x[at] == y[at])
        at++;
    return at < X86_RIG_RAM &&
           !error_set(e, "RAM at %" PRIx64 ": %02x and %02x", at, x[at], y[at]);
}

/* Has it used page tables that are not those which no page shows? */
static bool wild(const struct machine *m)
{
    const uint64_t table = m->r->g->cr3 & ~UINT64_C(0xfff);

    return table != 0 && table != PD32 && table != PDPT32 && table != PML4;
}

/* Lockstep ends in the middle of an instruction that traps, and compares by
 * itself. */
static bool is_right(const struct machine *m, enum way way,
                     const struct machine *reference, struct error *e)
{
    if (!m || wild(reference) || reference->looks >= MAX_LOOKS ||
        m->looks >= MAX_LOOKS)
        return true;
    error_set(e, "lockstep says so");
    return way == WAY_LOCKSTEP ? !m->r->differs : !differ(reference, m, e);
}

static bool agree(const struct run *run, enum way way, struct error *e)
{
    struct machine *reference = run_one(run, WAY_STEPS), *m = run_one(run, way);
    bool same = is_right(m, way, reference, e);

    free_machine(reference);
    if (m)
        free_machine(m);
    return same;
}

/* The instruction that is next. */
static void show_next(struct cpu *c)
{
    uint8_t bytes[15] = {0};
    struct insn i;
    char text[96];

    cpu_peek(c, c->pc, bytes, sizeof(bytes));
    x86_decode(c, bytes, sizeof(bytes), &i);
    x86_disassemble(&i, c->pc, text, sizeof(text));
    for (unsigned n = 0; n < sizeof(bytes); n++)
        printf("%02x", bytes[n]);
    printf("  %s\n", text);
}

/* The first count of instructions at which they differ, and where that is. */
static void report(const struct run *run, enum way way)
{
    struct run less = *run;
    uint64_t low = 0, high = run->instructions;
    struct error e = {"nothing any more"};
    struct machine *m;
    char text[4096];

    while (high - low > 1) {
        less.instructions = low + (high - low) / 2;
        if (agree(&less, way, &e))
            low = less.instructions;
        else
            high = less.instructions;
    }
    less.instructions = high;
    agree(&less, way, &e);
    printf("seed %" PRIu64 ", %s: %s differs from %" PRIu64
           " instructions on: %s\n",
           run->seed, starts[run->seed % STARTS], ways[way], high, e.text);
    less.instructions = low;
    m = run_one(&less, WAY_STEPS);
    x86_class.dump(m->r->cpu, text, sizeof(text));
    printf("before it:\n%s", text);
    show_next(m->r->cpu);
    free_machine(m);
}

struct totals {
    uint64_t instructions, shut_down, failures, skipped;
};

static void compare(const struct run *run, struct totals *t)
{
    struct machine *reference = run_one(run, WAY_STEPS);

    t->instructions += reference->r->cpu->icount;
    t->shut_down += reference->r->shut_down;
    t->skipped += wild(reference);
    for (enum way way = WAY_NORMAL; way < WAY_STEPS; way++) {
        struct machine *m = run_one(run, way);
        struct error e;

        if (!is_right(m, way, reference, &e) && ++t->failures < 10)
            report(run, way);
        if (m)
            free_machine(m);
    }
    free_machine(reference);
}

static uint64_t argument(int argc, char **argv, int n, uint64_t otherwise)
{
    return n < argc ? strtoull(argv[n], NULL, 0) : otherwise;
}

int main(int argc, char **argv)
{
    const uint64_t first = argument(argc, argv, 1, 1),
                   machines = argument(argc, argv, 2, 200);
    struct totals t = {0};

    setvbuf(stdout, NULL, _IOLBF, 0);
    for (uint64_t seed = first; seed < first + machines; seed++) {
        const struct run run = {seed, argument(argc, argv, 3, 5000)};

        /* Whoever hangs is killed, and says nothing of its seed but here. */
        alarm(120);
        if (getenv("X86_FUZZ_LOG"))
            printf("seed %" PRIu64 "\n", seed);
        compare(&run, &t);
    }
    printf("%" PRIu64 " machines from seed %" PRIu64 ": %" PRIu64
           " instructions, %" PRIu64 " shut down, %" PRIu64
           " not compared, %" PRIu64 " differences\n",
           machines, first, t.instructions, t.shut_down, t.skipped, t.failures);
    return t.failures ? 1 : 0;
}
