/*
 * Repeated string instructions, and others that work through memory: PUSHA,
 * ENTER.
 *
 * Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, REP.
 * Registers are right after each element, so that any of them may fault;
 * every so many elements the run loop may look for interrupts.  Upward MOVS
 * and STOS go a page at a time where both sides are RAM.
 */
#include "cpu/x86/x86_isa.h"

#define BURST 32         /* elements, of CMPS, SCAS and LODS */
#define BULK (4 * 4096u) /* bytes, of MOVS and STOS */

enum { AX, CX, DX, BX, SP, BP, SI, DI };

/* One repeated instruction. */
struct rep {
    struct x86_cpu *g;
    uint64_t mask, left;
    uint8_t size, addressing;
};

static struct rep begin(struct cpu *c, uint8_t size, uint8_t addressing)
{
    struct x86_cpu *g = x86(c);
    uint64_t mask = x86_address_mask(addressing, g->addr_mask);

    return (struct rep){g, mask, g->g[CX] & mask, size, addressing};
}

static uint64_t at(const struct rep *r, unsigned n)
{
    return r->g->g[n] & r->mask;
}

/* n elements are done of what register `reg` points at. */
static void move(struct rep *r, unsigned reg, uint64_t n)
{
    uint64_t step = n * r->size;

    x86_put_masked(r->g->g, reg, r->mask,
                   at(r, reg) + (r->g->df ? 0 - step : step));
}

static void count(struct rep *r, uint64_t n)
{
    r->left -= n;
    x86_put_masked(r->g->g, CX, r->mask, r->left);
}

static bool load(struct rep *r, unsigned reg, uint64_t *v)
{
    struct cpu *c = &r->g->core;
    uint8_t segment = reg == DI ? SEG_ES : x86_segment(0, r->addressing);

    return x86_linear(c, segment, at(r, reg), r->size, 0) &&
           cpu_load(c, c->scratch, r->size, v);
}

static bool store(struct rep *r, uint64_t v)
{
    struct cpu *c = &r->g->core;

    return x86_linear(c, SEG_ES, at(r, DI), r->size, X86_WRITE) &&
           cpu_store(c, c->scratch, r->size, v);
}

/* ----------------------------------------------------------- by pages */

/*
 * How many elements from register `reg` on lie in one page, at *va, in RAM
 * that is mapped for the access: at most n.  0: go one by one (which may
 * fault).
 */
static uint64_t span(struct rep *r, unsigned reg, enum access access,
                     uint64_t n, uint64_t *va)
{
    struct cpu *c = &r->g->core;
    uint8_t segment = reg == DI ? SEG_ES : x86_segment(0, r->addressing);
    uint8_t how = access == ACCESS_WRITE ? X86_WRITE : 0;
    uint64_t off = at(r, reg), room;

    if (!x86_linear(c, segment, off, r->size, how))
        return 0;
    *va = c->scratch;
    room = (PAGE_SIZE - (*va & ~PAGE_MASK)) / r->size;
    n = n < room ? n : room;
    room = (r->mask - off) / r->size; /* not over the end of addresses */
    n = n < room ? n : room;
    if (n < 2 || tlb_want(c, *va, r->size, access) != TLB_FOUND)
        return 0;
    if (!x86_linear(c, segment, off + (n - 1) * r->size, r->size, how) ||
        c->scratch != *va + (n - 1) * r->size)
        return 0;
    return n;
}

/* What span() tried may have raised what the element itself will raise. */
static void forget_fault(struct cpu *c)
{
    c->pending_exception = false;
}

static void copy(uint8_t *to, const uint8_t *from, uint64_t n, unsigned size)
{
    uintptr_t ahead = (uintptr_t)to - (uintptr_t)from;
    uint8_t bytes[PAGE_SIZE];

    if (ahead >= n * size) {
        ram_read(bytes, from, n * size);
        ram_write(to, bytes, n * size);
        return;
    }
    /* What was written is read again. */
    for (; n; n--, to += size, from += size)
        ram_st(to, ram_ld(from, size), size);
}

/* The elements that were moved so. */
static uint64_t movs_pages(struct rep *r, uint64_t most)
{
    struct cpu *c = &r->g->core;
    uint64_t from, to, n = span(r, SI, ACCESS_READ, most, &from);
    uint8_t *p = NULL;

    if (n)
        n = span(r, DI, ACCESS_WRITE, n, &to);
    /* Looking for the source may put its page where the other's entry is. */
    if (n)
        p = tlb_host(&c->write[tlb_index(to)], to);
    if (!n || tlb_want(c, from, r->size, ACCESS_READ) != TLB_FOUND) {
        forget_fault(c);
        return 0;
    }
    copy(p, tlb_host(&c->read[tlb_index(from)], from), n, r->size);
    move(r, SI, n);
    move(r, DI, n);
    count(r, n);
    return n;
}

/* Most fill with one byte, zero. */
static void fill(uint8_t *p, uint64_t v, uint64_t n, unsigned size)
{
    const uint64_t bytes = (v & 0xff) * 0x0101010101010101u;

    if ((v ^ bytes) << (64 - 8 * size) == 0) {
        ram_fill(p, (uint8_t)v, n * size);
        return;
    }
    for (uint64_t i = 0; i < n; i++)
        ram_st(p + i * size, v, size);
}

static uint64_t stos_pages(struct rep *r, uint64_t most)
{
    struct cpu *c = &r->g->core;
    uint64_t to, n = span(r, DI, ACCESS_WRITE, most, &to);

    if (!n) {
        forget_fault(c);
        return 0;
    }
    fill(tlb_host(&c->write[tlb_index(to)], to), r->g->g[AX], n, r->size);
    move(r, DI, n);
    count(r, n);
    return n;
}

/* A trap waits for the end of this element: a breakpoint, a single step. */
static bool wanted(const struct cpu *c)
{
    return c->leave || c->step;
}

/*
 * How many elements are left when the run loop may look next: registers alone
 * say so, so that by pages and one by one it looks after the same element.
 */
static uint64_t pause_at(const struct rep *r)
{
    return r->left ? (r->left - 1) & ~(uint64_t)(BULK / r->size - 1) : 0;
}

bool x86_rep_movs(struct cpu *c, uint8_t size, uint8_t addressing)
{
    struct rep r = begin(c, size, addressing);
    const uint64_t pause = pause_at(&r);
    uint64_t v;

    while (r.left > pause) {
        if (!r.g->df && !c->step && movs_pages(&r, r.left - pause))
            continue;
        if (!load(&r, SI, &v) || !store(&r, v))
            return false;
        move(&r, SI, 1);
        move(&r, DI, 1);
        count(&r, 1);
        if (wanted(c))
            break;
    }
    return x86_rep_left(r.g, r.left);
}

bool x86_rep_stos(struct cpu *c, uint8_t size, uint8_t addressing)
{
    struct rep r = begin(c, size, addressing);
    const uint64_t pause = pause_at(&r);

    while (r.left > pause) {
        if (!r.g->df && !c->step && stos_pages(&r, r.left - pause))
            continue;
        if (!store(&r, r.g->g[AX]))
            return false;
        move(&r, DI, 1);
        count(&r, 1);
        if (wanted(c))
            break;
    }
    return x86_rep_left(r.g, r.left);
}

/* ---------------------------------------------------------- one by one */

static void put_accumulator(struct x86_cpu *g, unsigned size, uint64_t v)
{
    if (size == 1)
        x86_put8(g->g, 0, (uint8_t)v);
    else if (size == 2)
        x86_put16(g->g, AX, (uint16_t)v);
    else
        g->g[AX] = v;
}

bool x86_rep_lods(struct cpu *c, uint8_t size, uint8_t addressing)
{
    struct rep r = begin(c, size, addressing);
    uint64_t v;

    for (unsigned n = 0; r.left && n < BURST; n++) {
        if (!load(&r, SI, &v))
            return false;
        put_accumulator(r.g, size, v);
        move(&r, SI, 1);
        count(&r, 1);
        if (wanted(c))
            break;
    }
    return x86_rep_left(r.g, r.left);
}

static bool equal(uint64_t x, uint64_t y, unsigned size)
{
    return (x ^ y) << (64 - 8 * size) == 0;
}

/* Flags change only at the end: a fault finds those from before. */
static void finish(struct cpu *c, uint64_t x, uint64_t y, unsigned size)
{
    const uint64_t v[3] = {x, y, 0};

    x86_flag_define(c, X86_FAMILY_SUB, 8 * size, v, 0);
    c->scratch = 0;
}

/* CMPS and SCAS: goes on while the elements are equal, or differ. */
static bool compare(struct rep *r, bool string, bool while_equal)
{
    struct cpu *c = &r->g->core;
    uint64_t x = r->g->g[AX], y;

    c->scratch = 0;
    for (unsigned n = 0; r->left; n++) {
        if (n == BURST || (n && wanted(c)))
            return x86_rep_left(r->g, r->left);
        if (!load(r, DI, &y) || (string && !load(r, SI, &x)))
            return false;
        if (string)
            move(r, SI, 1);
        move(r, DI, 1);
        count(r, 1);
        c->scratch = 0;
        if (!r->left || equal(x, y, r->size) != while_equal) {
            finish(c, x, y, r->size);
            return true;
        }
    }
    return true;
}

bool x86_rep_cmps(struct cpu *c, uint8_t size, uint8_t addressing,
                  uint8_t while_equal)
{
    struct rep r = begin(c, size, addressing);

    return compare(&r, true, while_equal);
}

bool x86_rep_scas(struct cpu *c, uint8_t size, uint8_t addressing,
                  uint8_t while_equal)
{
    struct rep r = begin(c, size, addressing);

    return compare(&r, false, while_equal);
}

/* ---------------------------------------------------------------- stack */

static bool push(struct x86_cpu *g, uint64_t *sp, unsigned size, uint64_t v)
{
    struct cpu *c = &g->core;

    *sp = (*sp - size) & g->stack_mask;
    return x86_linear(c, SEG_SS, *sp, (uint8_t)size, X86_WRITE) &&
           cpu_store(c, c->scratch, size, v);
}

/* SP changes last: a fault leaves only what lies beyond it. */
bool x86_pusha(struct cpu *c, uint8_t size)
{
    struct x86_cpu *g = x86(c);
    uint64_t sp = g->g[SP];

    for (unsigned n = AX; n <= DI; n++)
        if (!push(g, &sp, size, g->g[n]))
            return false;
    x86_put_masked(g->g, SP, g->stack_mask, sp);
    return true;
}

/* The outer frames' pointers, then this one's. */
static bool push_display(struct x86_cpu *g, uint64_t *sp, unsigned size,
                         unsigned level, uint64_t frame)
{
    struct cpu *c = &g->core;
    uint64_t bp = g->g[BP], v;

    for (unsigned n = 1; n < level; n++) {
        bp = (bp - size) & g->stack_mask;
        if (!x86_linear(c, SEG_SS, bp, (uint8_t)size, 0) ||
            !cpu_load(c, c->scratch, size, &v) || !push(g, sp, size, v))
            return false;
    }
    return push(g, sp, size, frame);
}

bool x86_enter(struct cpu *c, uint8_t size, uint16_t bytes, uint8_t level)
{
    struct x86_cpu *g = x86(c);
    uint64_t sp = g->g[SP], frame;

    if (!push(g, &sp, size, g->g[BP]))
        return false;
    /* On a stack of 16 bits SP wraps, and EBP's upper half borrows, as on the
     * processors that the rows' tests ran on. */
    frame = g->g[SP] - size;
    if (level && !push_display(g, &sp, size, level, frame))
        return false;
    sp = (sp - bytes) & g->stack_mask;
    /* The last place of the stack has to be writable. */
    if (!x86_linear(c, SEG_SS, sp, size, X86_WRITE) ||
        !cpu_check_write(c, c->scratch, size))
        return false;
    if (size == 2)
        x86_put16(g->g, BP, (uint16_t)frame);
    else
        g->g[BP] = size == 4 ? (uint32_t)frame : frame;
    x86_put_masked(g->g, SP, g->stack_mask, sp);
    return true;
}

/* ------------------------------------------------------------- the rest */

/* Castagnoli's polynomial, bits reflected. */
void x86_crc32(struct cpu *c, uint32_t crc, uint64_t v, uint8_t size)
{
    for (unsigned n = 0; n < size; n++) {
        crc ^= (uint8_t)(v >> 8 * n);
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    c->scratch = crc;
}

bool x86_random(struct cpu *c)
{
    uint8_t bytes[8];

    if (cpu_outside(c))
        return false;
    gate_entropy(c->env.gate, bytes, sizeof(bytes));
    c->scratch = ld_le64(bytes);
    return true;
}
