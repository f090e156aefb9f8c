/*
 * Random encodings from the decoder's own table (program.h).
 */
#include <stdio.h>

#include "x86_gen.h"
#include "tests/isa/x86/program.h"

const uint8_t page_kinds[GUEST_PAGES] = {
    PAGE_READ,       PAGE_READ,   PAGE_ABSENT,     PAGE_READ_WRITE,
    PAGE_READ_WRITE, PAGE_READ,   PAGE_ABSENT,     PAGE_READ_WRITE,
    PAGE_READ_WRITE, PAGE_ABSENT, PAGE_ABSENT,     PAGE_ABSENT,
    PAGE_ABSENT,     PAGE_ABSENT, PAGE_READ_WRITE, PAGE_READ_WRITE};

uint64_t rng_next(struct rng *r)
{
    r->state += !r->state;
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return r->state * UINT64_C(0x2545f4914f6cdd1d);
}

uint64_t rng_below(struct rng *r, uint64_t n)
{
    return (rng_next(r) >> 11) % n;
}

bool rng_once(struct rng *r, unsigned n)
{
    return rng_below(r, n) == 0;
}

uint64_t rng_edgy(struct rng *r)
{
    uint64_t v = rng_next(r);

    switch (rng_below(r, 6)) {
    case 0:
        return ((uint64_t)1 << (v & 63)) + (v >> 8) % 3 - 1;
    case 1:
        return (v >> 56) % 100 - (v & 1 ? 50 : 0);
    case 2:
        return (uint64_t)(int64_t)(int32_t)v;
    case 3:
        return v >> (v & 63) ^ (v & 64 ? UINT64_MAX : 0);
    case 4:
        /* the same edge at every operand size */
        return (v & 1 ? UINT64_C(0x7f7f7f7f7fff7fff)
                      : UINT64_C(0x8080808080008000)) +
               (v >> 8) % 3 - 1;
    default:
        return v;
    }
}

uint64_t rng_double(struct rng *r)
{
    uint64_t v = rng_next(r);

    switch (rng_below(r, 5)) {
    case 0:
        return v;
    case 1: /* near 1 */
        return (v >> 12) | ((uint64_t)1020 + (v & 7)) << 52 | v << 63;
    case 2: /* few bits */
        return (v & UINT64_C(0xc00f000000000000)) | (uint64_t)0x3f8 << 52;
    case 3: /* zeros, infinities, NaNs, the least and the greatest */
        return (v & (uint64_t)1 << 63) | (v & 2 ? (uint64_t)0x7ff << 52 : 0) |
               (v & 12 ? 0 : v >> 20);
    default: /* small exponents of either sign */
        return (v & ~((uint64_t)0x7c << 56)) |
               (v & 2 ? (uint64_t)0x3c << 56 : 0);
    }
}

uint64_t rng_floats(struct rng *r)
{
    uint64_t a = rng_double(r), b = rng_double(r);

    /* The top halves of doubles are floats of a kind. */
    return a >> 32 | (b & ~(uint64_t)UINT32_MAX);
}

uint64_t interesting_address(struct rng *r)
{
    static const uint8_t edges[] = {3, 4, 4, 4, 5, 6, 7, 8, 8, 9, 14, 15, 16};
    uint64_t page = edges[rng_below(r, sizeof(edges))];

    if (rng_once(r, 2))
        return GUEST_BASE + 3 * PAGE_SIZE + rng_below(r, 2 * PAGE_SIZE - 64);
    return GUEST_BASE + page * PAGE_SIZE - 24 + rng_below(r, 48);
}

/* ------------------------------------------------------------ encoding */

static void put(struct program *p, uint64_t v, unsigned size)
{
    for (unsigned i = 0; i < size && p->size < sizeof(p->bytes); i++)
        p->bytes[p->size++] = (uint8_t)(v >> 8 * i);
}

static bool is_long(const struct program *p)
{
    return (p->mode & X86_MODE_SIZE) == X86_MODE_64;
}

static bool has_memory_form(const struct x86_entry *e)
{
    return e->forms >> X86_B & 0x1f;
}

static bool has_register_form(const struct x86_entry *e)
{
    return e->forms & 7;
}

const char *const want_names[WANTS] = {
    "in a register", "in memory", "with 67",   "with a segment override",
    "with FS or GS", "with 66",   "with LOCK", "at all"};

bool can_have(const struct x86_entry *e, enum want want)
{
    switch (want) {
    case WANT_REGISTER:
        return has_register_form(e) && has_memory_form(e);
    case WANT_MEMORY:
    case WANT_ADDRESS:
    case WANT_SEGMENT:
    case WANT_OTHER:
        return has_memory_form(e);
    case WANT_OPERAND:
        return e->flags & X86_SIZED && e->prefix != X86_NP &&
               e->prefix != X86_66;
    case WANT_LOCK:
        return e->forms >> X86_L & 1;
    default:
        return true;
    }
}

static bool wants_memory(enum want want)
{
    return want == WANT_MEMORY || want == WANT_ADDRESS ||
           want == WANT_SEGMENT || want == WANT_OTHER || want == WANT_LOCK;
}

/* A prefix that means nothing: REP before what is no string. */
static void put_idle_prefix(struct rng *r, struct program *p,
                            const struct x86_entry *e)
{
    if (e->prefix == X86_ANY && !e->map && (e->opcode & 0xf8) != 0x90 &&
        rng_once(r, 32))
        put(p, 0xf2 + rng_below(r, 2), 1);
}

/* Legacy prefixes; address is the resulting address size in bytes. */
static void put_prefixes(struct rng *r, struct program *p,
                         const struct x86_entry *e, enum want want, bool memory,
                         unsigned *address)
{
    unsigned size = p->mode & X86_MODE_SIZE;

    *address = 2u << size;
    if (want == WANT_ADDRESS || rng_once(r, 16)) {
        *address = size == X86_MODE_64 ? 4 : *address ^ 6;
        put(p, 0x67, 1);
    }
    if (want == WANT_SEGMENT || want == WANT_OTHER || rng_once(r, 24)) {
        static const uint8_t segments[] = {0x26, 0x36, 0x3e, 0x2e, 0x64, 0x65};
        unsigned n = (unsigned)rng_below(r, want == WANT_SEGMENT ? 3 : 6);

        /* Natively, FS and GS are the C library's; CS is not writable. */
        if (want == WANT_OTHER)
            n = 4 + n % 2;
        if (n >= 4 || (n == 3 && size != X86_MODE_64))
            p->native = false;
        put(p, segments[n], 1);
    }
    put_idle_prefix(r, p, e);
    if (e->prefix == X86_66 || want == WANT_OPERAND ||
        (e->prefix != X86_NP && rng_once(r, 4)))
        put(p, 0x66, 1);
    if (e->prefix == X86_F3 || (e->prefix == X86_REP && rng_once(r, 2)))
        put(p, 0xf3, 1);
    else if (e->prefix == X86_F2 || e->prefix == X86_REP)
        put(p, 0xf2, 1);
    if (want == WANT_LOCK ||
        (e->forms >> X86_L & 1 ? memory && rng_once(r, 2) : rng_once(r, 500)))
        put(p, 0xf0, 1);
}

static void put_rex(struct rng *r, struct program *p, const struct x86_entry *e)
{
    uint8_t rex = (uint8_t)rng_below(r, 16);

    if (!is_long(p))
        return;
    if (e->flags & X86_W1)
        rex |= 8;
    if (e->flags & X86_W0)
        rex &= 7;
    if ((e->flags & X86_W1) || rng_once(r, 2))
        put(p, 0x40 | rex, 1);
}

static void put_opcode(struct rng *r, struct program *p,
                       const struct x86_entry *e)
{
    static const uint8_t escapes[4] = {0, 0, 0x38, 0x3a};
    unsigned plus = e->flags & X86_PLUS ? (unsigned)rng_below(r, 8) : 0;

    if (e->map)
        put(p, 0x0f, 1);
    if (e->map > 1)
        put(p, escapes[e->map], 1);
    put(p, e->opcode + plus, 1);
}

static uint64_t displacement(struct rng *r, unsigned size)
{
    return size == 1 || rng_once(r, 2) ? (uint64_t)(rng_below(r, 256) - 128)
                                       : rng_next(r);
}

/* The displacement that there is after ModRM; with no base, an address. */
static void put_displacement(struct rng *r, struct program *p, unsigned mod,
                             bool absolute, unsigned address)
{
    unsigned size = mod == 1 ? 1 : address == 2 ? 2 : 4;

    if (absolute)
        put(p, interesting_address(r) - (address == 2 ? GUEST_BASE : 0), size);
    else if (mod == 1 || mod == 2)
        put(p, displacement(r, size), size);
}

static void put_modrm(struct rng *r, struct program *p,
                      const struct x86_entry *e, bool memory, unsigned address)
{
    unsigned mod = memory ? (unsigned)rng_below(r, 3) : 3;
    unsigned reg = e->flags & X86_DIGIT ? e->reg : (unsigned)rng_below(r, 8);
    unsigned rm = rng_once(r, 3) ? 4 : (unsigned)rng_below(r, 8), sib;

    if (!(e->flags & X86_MODRM))
        return;
    if (e->flags & X86_EXACT) {
        put(p, e->reg, 1);
        return;
    }
    put(p, mod << 6 | reg << 3 | rm, 1);
    if (!memory)
        return;
    if (address == 2) {
        put_displacement(r, p, mod, mod == 0 && rm == 6, address);
        return;
    }
    if (rm == 4) {
        sib = (unsigned)rng_below(r, 256);
        put(p, sib, 1);
        put_displacement(r, p, mod, mod == 0 && (sib & 7) == 5, address);
        return;
    }
    put_displacement(r, p, mod, mod == 0 && rm == 5, address);
}

static bool has_operand(const struct x86_entry *e, char letter)
{
    for (unsigned i = 0; i < 4; i++)
        if (e->operands[i].letter == letter)
            return true;
    return false;
}

/* Immediates, absolute addresses and targets. */
static void put_constants(struct rng *r, struct program *p,
                          const struct x86_entry *e, unsigned operand,
                          unsigned address)
{
    for (unsigned i = 0; i < 4; i++) {
        const struct x86_operand *o = &e->operands[i];
        unsigned size = x86_immediate_size(o, operand, address);
        uint64_t v = rng_edgy(r);

        if (o->letter == 'O')
            v = interesting_address(r) - (address == 2 ? GUEST_BASE : 0);
        /* Targets: behind the program, seldom far away. */
        if (o->letter == 'J' && (size == 1 || !rng_once(r, 16)))
            v = 64 + rng_below(r, 63);
        else if (o->letter == 'J' && rng_once(r, 2))
            v = INT32_MAX - rng_below(r, PAGE_SIZE);
        put(p, v, size);
    }
}

/* A RIP-relative displacement, once the length is known. */
static void aim_relative(struct rng *r, struct program *p, unsigned i)
{
    const struct insn *n = &p->insns[i];
    uint64_t next = p->pc + p->at[i] + n->length;
    int64_t now = n->facts & INSN_EXTRA ? (int64_t)n->extra : n->imm;
    uint32_t raw = (uint32_t)(now - n->length), wanted;

    wanted = (uint32_t)(interesting_address(r) - next);
    for (unsigned k = n->length - 4u; k-- > 1;) {
        uint8_t *at = p->bytes + p->at[i] + k;

        if (ld_le32(at) == raw) {
            st_le32(at, wanted);
            return;
        }
    }
    st_le32(p->bytes + p->at[i] + n->length - 4, wanted);
}

static bool decode(const struct machine *m, struct program *p, unsigned i,
                   unsigned end)
{
    uint8_t bytes[16] = {0};

    memcpy(bytes, p->bytes + p->at[i], end - p->at[i]);
    return x86_table_decode(&x86_tables, m->mode, m->features, m->model, bytes,
                            15, &p->insns[i]) &&
           p->insns[i].length == end - p->at[i];
}

bool is_image(const struct x86_entry *e)
{
    return e->flags & X86_USES_FPU && e->operands[0].letter == 'M' &&
           !e->operands[0].size;
}

static bool add_insn(struct rng *r, const struct machine *m, struct program *p,
                     const struct x86_entry *e, enum want want)
{
    bool memory =
        has_memory_form(e) && (!has_register_form(e) || wants_memory(want) ||
                               (want != WANT_REGISTER && rng_once(r, 2)));
    unsigned address, i = p->n;
    struct x86_parse x = {.mode = m->mode};

    p->at[i] = p->size;
    put_prefixes(r, p, e, want, memory, &address);
    put_rex(r, p, e);
    put_opcode(r, p, e);
    if (x86_parse_opcode(&x, p->bytes + p->at[i], 15) != X86_OK)
        return false;
    put_modrm(r, p, e, memory, address);
    put_constants(r, p, e, x86_operand_size(&x, e), address);
    if (p->size - p->at[i] > 15)
        return false;
    if (is_image(e)) /* their pointers differ */
        p->native = false;
    if (!decode(m, p, i, p->size)) {
        /* Not what was meant (an invalid LOCK, 32 bits popped in 64-bit
         * code): let the host say so too, but nothing can follow. */
        if (p->insns[i].row)
            return false;
        p->insns[i].length = (uint8_t)(p->size - p->at[i]);
    }
    if (p->insns[i].row && p->insns[i].reg[1] == X86_PAGE &&
        (p->insns[i].facts & (INSN_IMM_PC | INSN_EXTRA_PC))) {
        aim_relative(r, p, i);
        if (!decode(m, p, i, p->size))
            return false;
    }
    p->n++;
    return true;
}

/* What rows of the system do is beyond a window of memory. */
bool is_for_users(const struct machine *m, const struct x86_entry *e)
{
    bool mode64 = (m->mode & X86_MODE_SIZE) == X86_MODE_64;

    return !(e->flags & X86_SYSTEM) &&
           !(e->flags & (mode64 ? X86_I64 : X86_O64)) &&
           m->model >= e->model_first && m->model <= e->model_last &&
           !(e->wants & ~m->features);
}

bool is_transcendental(const struct x86_entry *e)
{
    static const char *const names[] = {"f2xm1", "fyl2x",   "fyl2xp1",
                                        "fptan", "fpatan",  "fsin",
                                        "fcos",  "fsincos", NULL};

    for (unsigned i = 0; names[i]; i++)
        if (strcmp(e->name, names[i]) == 0)
            return true;
    return false;
}

/* Can another instruction follow? */
static bool goes_on(const struct program *p)
{
    const struct insn *i = &p->insns[p->n - 1];
    uint32_t flags = x86_row_table[i->row].flags;

    return i->row && !(flags & (ROW_END | ROW_BRANCH | ROW_WIDE)) &&
           !is_transcendental(&x86_tables.entries[i->text]);
}

static const struct x86_entry *any_entry(struct rng *r, const struct machine *m)
{
    for (;;) {
        const struct x86_entry *e =
            &x86_tables.entries[1 + rng_below(r, x86_n_entries - 1)];

        if (is_for_users(m, e))
            return e;
    }
}

bool make_program(struct rng *r, const struct machine *m,
                  const struct x86_entry *e, enum want want,
                  const struct x86_entry *then, unsigned n, struct program *p)
{
    const struct x86_entry *const wanted[] = {e, then};

    *p = (struct program){.mode = m->mode, .native = true};
    /* Seldom over the end of the first page. */
    p->pc = GUEST_BASE + (rng_once(r, 8) ? PAGE_SIZE - 1 - rng_below(r, 24)
                                         : 0x100 + rng_below(r, 0xd00));
    do {
        const struct x86_entry *next = p->n < 2 ? wanted[p->n] : NULL;

        if (!add_insn(r, m, p, next ? next : any_entry(r, m),
                      next && p->n == 0 ? want : WANT_ANY))
            return false;
    } while (p->n < n && goes_on(p));
    return true;
}

/* -------------------------------------------------------- memory operands */

static bool has_address(const struct program *p, unsigned i)
{
    const struct insn *n = &p->insns[i];
    const struct x86_entry *e = &x86_tables.entries[n->text];
    unsigned form = 0, rank = n->row;

    if (!n->row || has_operand(e, 'X') || has_operand(e, 'Y'))
        return false;
    /* Which form is the row?  Rows of a size are numbered by form. */
    for (unsigned k = 0; k < 4; k++)
        if (e->instance[k] && e->instance[k] <= n->row)
            rank = n->row - e->instance[k];
    for (; form < 8; form++)
        if (e->forms >> form & 1 && rank-- == 0)
            break;
    return form >= X86_B;
}

static unsigned address_bits(const struct program *p, const struct insn *n)
{
    static const unsigned bits[4] = {0, 16, 32, 64};
    unsigned d = n->reg[3] >> X86_D_SIZE & 3;

    return d ? bits[d] : 16u << (p->mode & X86_MODE_SIZE);
}

static uint64_t cut(uint64_t v, unsigned bits)
{
    return bits < 64 ? v & (((uint64_t)1 << bits) - 1) : v;
}

/* In 16-bit code, segments are at the window. */
static uint64_t segment_base(const struct program *p)
{
    return (p->mode & X86_MODE_SIZE) == X86_MODE_16 ? GUEST_BASE : 0;
}

bool operand_address(const struct program *p, unsigned i, const uint64_t *g,
                     uint64_t *va)
{
    const struct insn *n = &p->insns[i];
    uint64_t ea = n->facts & INSN_EXTRA ? n->extra : (uint64_t)n->imm;

    if (!has_address(p, i))
        return false;
    if (n->reg[1] == X86_PAGE)
        ea += p->pc + p->at[i];
    else if (n->reg[1] < 16)
        ea += g[n->reg[1]];
    if (n->reg[2] < 16)
        ea += g[n->reg[2]] << (n->reg[3] & 3);
    *va = cut(ea, address_bits(p, n)) + segment_base(p);
    return true;
}

void aim(const struct program *p, unsigned i, uint64_t *g, uint64_t va)
{
    const struct insn *n = &p->insns[i];
    unsigned bits = address_bits(p, n);
    uint64_t now, change;

    if (!operand_address(p, i, g, &now))
        return;
    change = va - now;
    if (n->reg[1] < 16 && n->reg[1] != n->reg[2])
        g[n->reg[1]] = (g[n->reg[1]] & ~cut(UINT64_MAX, bits)) |
                       cut(g[n->reg[1]] + change, bits);
    else if (n->reg[1] >= 16 && n->reg[2] < 16 && !(n->reg[3] & 3))
        g[n->reg[2]] += change;
}

void program_text(const struct program *p, char *out, size_t size)
{
    size_t at = 0;

    out[0] = '\0';
    for (unsigned i = 0; i < p->n && at + 120 < size; i++) {
        char text[96];

        x86_disassemble(&p->insns[i], p->pc + p->at[i], text, sizeof(text));
        at += (size_t)snprintf(out + at, size - at, "  %08llx: ",
                               (unsigned long long)(p->pc + p->at[i]));
        for (unsigned k = 0; k < p->insns[i].length; k++)
            at += (size_t)snprintf(out + at, size - at, "%02x",
                                   p->bytes[p->at[i] + k]);
        at += (size_t)snprintf(out + at, size - at, "  %s\n", text);
    }
}
