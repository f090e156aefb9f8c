/*
 * System management mode: SMI, RSM, the save area.
 *
 * And the 286's LOADALL, which loads as much (80286 LOADALL, Intel 1984, as
 * manuals of memory managers describe it).
 *
 * SDM 3-31 (SMM; tables 31-1, 31-3), with the layouts of processors without
 * and with long mode; the latter as in AMD64 Architecture Programmer's Manual,
 * volume 2, table 10-1, which is what firmware looks for.
 *
 * Missing: I/O restart, auto-HALT restart's choice (HLT is always gone back
 * to), SMRAM in a TSEG of its own.  While one processor is in SMM, SMRAM is seen
 * by all: the bridge hears of processors' SMIACT# as one line, and firmware has
 * all of them in SMM before it uses its memory.
 */
#include "cpu/x86/apic.h"
#include "cpu/x86/system.h"

#define SAVE_AREA 0x8000u /* from SMBASE; offsets in the tables are from it */
#define REVISION32 0x00020000u /* SMBASE relocation */
#define REVISION64 0x00020064u

/* How a member of the state is saved: offset in the save area, bytes. */
struct place {
    uint16_t at;
    uint8_t size;
    uint8_t of; /* bytes of the member */
    size_t member;
};
#define PLACE(at, size, m)                                                     \
    {at, size, sizeof(((struct x86_cpu *)0)->m), offsetof(struct x86_cpu, m)}

static const struct place map32[] = {
    PLACE(0x7ffc, 4, cr0),   PLACE(0x7ff8, 4, cr3),
    PLACE(0x7fec, 4, g[7]),  PLACE(0x7fe8, 4, g[6]),
    PLACE(0x7fe4, 4, g[5]),  PLACE(0x7fe0, 4, g[4]),
    PLACE(0x7fdc, 4, g[3]),  PLACE(0x7fd8, 4, g[2]),
    PLACE(0x7fd4, 4, g[1]),  PLACE(0x7fd0, 4, g[0]),
    PLACE(0x7fcc, 4, dr6),   PLACE(0x7fc8, 4, dr7),
    PLACE(0x7fc4, 2, tr.selector),
    PLACE(0x7fc0, 2, ldtr.selector),
    PLACE(0x7f58, 4, idtr.base), PLACE(0x7f54, 2, idtr.limit),
    PLACE(0x7f74, 4, gdtr.base), PLACE(0x7f70, 2, gdtr.limit),
    PLACE(0x7f64, 4, tr.base),   PLACE(0x7f60, 4, tr.limit),
    PLACE(0x7f5c, 2, tr.access),
    PLACE(0x7f80, 4, ldtr.base), PLACE(0x7f7c, 4, ldtr.limit),
    PLACE(0x7f78, 2, ldtr.access),
    PLACE(0x7f14, 4, cr4),
    PLACE(0x7ef8, 4, smbase),
};

static const struct place map64[] = {
    PLACE(0x7f58, 8, cr0),    PLACE(0x7f50, 8, cr3),
    PLACE(0x7f48, 4, cr4),    PLACE(0x7f60, 8, dr7),
    PLACE(0x7f68, 8, dr6),    PLACE(0x7ed0, 8, efer),
    PLACE(0x7ff8, 8, g[0]),   PLACE(0x7ff0, 8, g[1]),
    PLACE(0x7fe8, 8, g[2]),   PLACE(0x7fe0, 8, g[3]),
    PLACE(0x7fd8, 8, g[4]),   PLACE(0x7fd0, 8, g[5]),
    PLACE(0x7fc8, 8, g[6]),   PLACE(0x7fc0, 8, g[7]),
    PLACE(0x7fb8, 8, g[8]),   PLACE(0x7fb0, 8, g[9]),
    PLACE(0x7fa8, 8, g[10]),  PLACE(0x7fa0, 8, g[11]),
    PLACE(0x7f98, 8, g[12]),  PLACE(0x7f90, 8, g[13]),
    PLACE(0x7f88, 8, g[14]),  PLACE(0x7f80, 8, g[15]),
    PLACE(0x7e68, 8, gdtr.base), PLACE(0x7e64, 2, gdtr.limit),
    PLACE(0x7e88, 8, idtr.base), PLACE(0x7e84, 2, idtr.limit),
    PLACE(0x7e70, 2, ldtr.selector), PLACE(0x7e72, 2, ldtr.access),
    PLACE(0x7e74, 4, ldtr.limit),    PLACE(0x7e78, 8, ldtr.base),
    PLACE(0x7e90, 2, tr.selector), PLACE(0x7e92, 2, tr.access),
    PLACE(0x7e94, 4, tr.limit),    PLACE(0x7e98, 8, tr.base),
    PLACE(0x7f00, 4, smbase),
};

static const struct place *map_of(const struct x86_cpu *g, unsigned *n)
{
    if (x86_has(g, X86_LM)) {
        *n = sizeof(map64) / sizeof(map64[0]);
        return map64;
    }
    *n = sizeof(map32) / sizeof(map32[0]);
    return map32;
}

static uint64_t area(const struct x86_cpu *g)
{
    return (g->smbase + SAVE_AREA) & UINT32_MAX;
}

static void put(struct x86_cpu *g, unsigned at, unsigned size, uint64_t v)
{
    memory_write(g->core.env.memory, area(g) - SAVE_AREA + at, size, v);
}

static uint64_t get(struct x86_cpu *g, unsigned at, unsigned size)
{
    uint64_t v = 0;

    memory_read(g->core.env.memory, area(g) - SAVE_AREA + at, size, &v);
    return v;
}

/* A member of the state, of any width. */
static uint64_t member(const struct x86_cpu *g, const struct place *p)
{
    const uint8_t *at = (const uint8_t *)g + p->member;
    uint16_t v16;
    uint32_t v32;
    uint64_t v64;

    switch (p->of) {
    case 2:
        memcpy(&v16, at, 2);
        return v16;
    case 4:
        memcpy(&v32, at, 4);
        return v32;
    default:
        memcpy(&v64, at, 8);
        return v64;
    }
}

static void set_member(struct x86_cpu *g, const struct place *p, uint64_t v)
{
    uint8_t *at = (uint8_t *)g + p->member;
    const uint16_t v16 = (uint16_t)v;
    const uint32_t v32 = (uint32_t)v;

    switch (p->of) {
    case 2:
        memcpy(at, &v16, 2);
        break;
    case 4:
        memcpy(at, &v32, 4);
        break;
    default:
        memcpy(at, &v, 8);
        break;
    }
}

/* Where the parts of segment n are. */
struct segment_place {
    unsigned selector, access, limit, base, base_size;
};

static struct segment_place segment_at(const struct x86_cpu *g, unsigned n)
{
    unsigned at = SAVE_AREA + 0x7e00 + 16 * n;

    if (x86_has(g, X86_LM))
        return (struct segment_place){at, at + 2, at + 4, at + 8, 8};
    at = SAVE_AREA + (n < 3 ? 0x7f84 + 12 * n : 0x7f2c + 12 * (n - 3));
    return (struct segment_place){SAVE_AREA + 0x7fa8 + 4 * n, at, at + 4,
                                  at + 8, 4};
}

static void save(struct x86_cpu *g)
{
    const bool lm = x86_has(g, X86_LM);
    unsigned n;
    const struct place *map = map_of(g, &n);

    for (unsigned i = 0; i < n; i++)
        put(g, SAVE_AREA + map[i].at, map[i].size, member(g, &map[i]));
    for (unsigned i = 0; i < 6; i++) {
        const struct segment_place p = segment_at(g, i);
        const struct x86_segment *s = &g->segment[i];

        put(g, p.selector, 2, s->selector);
        put(g, p.access, 2, s->access);
        put(g, p.limit, 4, s->limit);
        put(g, p.base, p.base_size, s->base);
    }
    if (lm) {
        put(g, SAVE_AREA + 0x7f78, 8, x86_eip(g));
        put(g, SAVE_AREA + 0x7f70, 8, x86_eflags(g));
        put(g, SAVE_AREA + 0x7ec9, 1, g->activity == X86_HLT);
    } else {
        put(g, SAVE_AREA + 0x7ff0, 4, x86_eip(g));
        put(g, SAVE_AREA + 0x7ff4, 4, x86_eflags(g));
        put(g, SAVE_AREA + 0x7f02, 2, g->activity == X86_HLT);
    }
    put(g, SAVE_AREA + 0x7efc, 4, lm ? REVISION64 : REVISION32);
}

/* SDM 3-31.5.1. */
static void begin(struct x86_cpu *g)
{
    g->cr0 &= ~(uint64_t)(CR0_PE | CR0_EM | CR0_TS | CR0_PG);
    g->cr4 = 0;
    g->efer = 0;
    g->cpl = 0;
    x86_set_eflags(g, 0, UINT32_MAX);
    x86_set_dr7(g, 0);
    for (unsigned i = 0; i < 6; i++)
        g->segment[i] = (struct x86_segment){.access = 0x93 | SEGMENT_G,
                                             .limit = UINT32_MAX};
    g->segment[SEG_CS].selector = (uint16_t)(g->smbase >> 4);
    g->segment[SEG_CS].base = g->smbase;
    x86_flush(g);
    x86_settle(g);
    g->core.pc = (uint32_t)(g->cs_base + 0x8000);
}

void x86_enter_smm(struct x86_cpu *g)
{
    g->smm = true;
    x86_smm_changed(&g->core, true);
    save(g);
    begin(g);
    g->activity = X86_ACTIVE;
    g->core.halted = false;
    g->step_armed = false;
    g->nmi_in_smm = g->nmi_blocked;
    g->nmi_blocked = true;
}

static void restore(struct x86_cpu *g, uint64_t *eip, uint32_t *eflags,
                    bool *halted)
{
    unsigned n;
    const struct place *map = map_of(g, &n);
    uint64_t dr7;

    for (unsigned i = 0; i < 6; i++) {
        const struct segment_place p = segment_at(g, i);
        struct x86_segment *s = &g->segment[i];

        s->selector = (uint16_t)get(g, p.selector, 2);
        s->access = (uint16_t)get(g, p.access, 2);
        s->limit = (uint32_t)get(g, p.limit, 4);
        s->base = get(g, p.base, p.base_size);
    }
    if (x86_has(g, X86_LM)) {
        *eip = get(g, SAVE_AREA + 0x7f78, 8);
        *eflags = (uint32_t)get(g, SAVE_AREA + 0x7f70, 8);
        *halted = get(g, SAVE_AREA + 0x7ec9, 1) & 1;
    } else {
        *eip = get(g, SAVE_AREA + 0x7ff0, 4);
        *eflags = (uint32_t)get(g, SAVE_AREA + 0x7ff4, 4);
        *halted = get(g, SAVE_AREA + 0x7f02, 2) & 1;
    }
    /* SMBASE is the last: the others are found by the old one. */
    for (unsigned i = 0; i < n; i++)
        set_member(g, &map[i], get(g, SAVE_AREA + map[i].at, map[i].size));
    dr7 = g->dr7;
    x86_set_dr7(g, dr7);
}

/* A state that no processor can be in. */
static bool is_valid(const struct x86_cpu *g)
{
    if ((g->cr0 & CR0_PG) && !(g->cr0 & CR0_PE))
        return false;
    if ((g->cr0 & CR0_NW) && !(g->cr0 & CR0_CD))
        return false;
    return !(g->efer & EFER_LMA) ||
           ((g->cr0 & CR0_PG) && (g->cr4 & CR4_PAE));
}

bool x86_rsm(struct cpu *c)
{
    struct x86_cpu *g = x86(c);
    uint64_t eip;
    uint32_t eflags;
    bool halted;

    if (!g->smm)
        return x86_fault(c, VECTOR_UD, 0);
    if (cpu_outside(c))
        return false;
    restore(g, &eip, &eflags, &halted);
    g->smm = false;
    x86_smm_changed(c, false);
    g->nmi_blocked = g->nmi_in_smm;
    if (!is_valid(g)) {
        x86_shutdown(g, "RSM to a state that cannot be");
        c->scratch = c->pc;
        return true;
    }
    g->cpl = g->cr0 & CR0_PE ? x86_dpl(g->segment[SEG_SS].access) : 0;
    x86_set_eflags(g, eflags, UINT32_MAX);
    if (x86_v86(g))
        g->cpl = 3;
    if ((g->cr0 & CR0_PG) && (g->cr4 & CR4_PAE) && !x86_lma(g) &&
        !x86_load_pdptes(g, g->cr3)) {
        c->pending_exception = false;
        x86_shutdown(g, "RSM to page directories that cannot be");
    }
    x86_flush(g);
    x86_settle(g);
    if (halted) {
        g->activity = X86_HLT;
        c->halted = true;
    }
    c->leave = true;
    c->scratch = x86_long(g) ? eip : (uint32_t)(g->cs_base + eip);
    return true;
}

/* ----------------------------------------------------------------- LOADALL */

/* A hidden part: base of 24 bits, rights, limit. */
static void load_hidden(struct x86_cpu *g, unsigned at, uint16_t selector,
                        struct x86_segment *s)
{
    uint64_t v = 0;

    memory_read(g->core.env.memory, at & g->pa_mask, 4, &v);
    s->selector = selector;
    s->base = v & 0xffffff;
    s->access = (uint16_t)(v >> 24);
    memory_read(g->core.env.memory, (at + 4) & g->pa_mask, 2, &v);
    s->limit = (uint16_t)v;
}

static uint16_t word(struct x86_cpu *g, unsigned at)
{
    uint64_t v = 0;

    memory_read(g->core.env.memory, at, 2, &v);
    return (uint16_t)v;
}

/* All of the 286's registers from physical 800h. */
bool x86_loadall(struct cpu *c)
{
    static const uint8_t general[8] = {7, 6, 5, 4, 3, 2, 1, 0};
    static const struct {
        uint16_t selector, hidden;
        uint8_t segment;
    } segments[] = {{0x824, 0x836, SEG_ES}, {0x822, 0x83c, SEG_CS},
                    {0x820, 0x842, SEG_SS}, {0x81e, 0x848, SEG_DS}};
    struct x86_cpu *g = x86(c);
    struct x86_segment table;
    uint16_t flags, ip, msw;

    if (!x86_privileged(c) || cpu_outside(c))
        return false;
    msw = word(g, 0x806);
    flags = word(g, 0x818);
    ip = word(g, 0x81a);
    for (unsigned i = 0; i < 8; i++)
        x86_put16(g->g, general[i], word(g, 0x826 + 2 * i));
    for (unsigned i = 0; i < 4; i++)
        load_hidden(g, segments[i].hidden, word(g, segments[i].selector),
                    &g->segment[segments[i].segment]);
    load_hidden(g, 0x84e, 0, &table);
    g->gdtr = (struct x86_table){table.base, (uint16_t)table.limit};
    load_hidden(g, 0x854, word(g, 0x81c), &g->ldtr);
    load_hidden(g, 0x85a, 0, &table);
    g->idtr = (struct x86_table){table.base, (uint16_t)table.limit};
    load_hidden(g, 0x860, word(g, 0x816), &g->tr);
    g->cr0 = (g->cr0 & CR0_PE) | (msw & 15); /* it does not clear PE */
    g->cpl = g->cr0 & CR0_PE ? x86_dpl(g->segment[SEG_SS].access) : 0;
    x86_set_eflags(g, flags, 0xffff);
    x86_settle(g);
    c->scratch = (uint32_t)(g->cs_base + ip);
    c->leave = true;
    return true;
}
