/*
 * The x86 decoder: prefixes, opcode, ModRM, then the chain of entries that
 * the table has for the opcode (decode.h).
 */
#include "cpu/x86/decode.h"

#define MAX_LENGTH 15

/* The 286 takes ten bytes. */
static unsigned max_length(const struct x86_parse *x)
{
    bool is_286 =
        (x->mode & (X86_MODE_PRE386 | X86_MODE_PRE286)) == X86_MODE_PRE386;

    return is_286 ? 10 : MAX_LENGTH;
}

/* The next byte, if there is one. */
static enum x86_fetch next(struct x86_parse *x, const uint8_t *p,
                           unsigned avail, uint8_t *out)
{
    if (x->at >= max_length(x))
        return X86_LONG;
    if (x->at >= avail)
        return X86_MORE;
    *out = p[x->at++];
    return X86_OK;
}

/* Is b a prefix?  Notes it. */
static bool take_prefix(struct x86_parse *x, uint8_t b)
{
    static const uint8_t segments[4] = {SEG_ES, SEG_CS, SEG_SS, SEG_DS};

    if (x->mode & X86_MODE_PRE386 && b >= 0x64 && b <= 0x67)
        return false;
    if (x->mode & X86_MODE_PRE286 && b == 0xf1)
        b = 0xf0;
    switch (b) {
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e:
        /* In 64-bit mode they mean nothing, an FS before them stays. */
        if ((x->mode & X86_MODE_SIZE) != X86_MODE_64)
            x->segment = (uint8_t)(segments[b >> 3 & 3] + 1);
        return true;
    case 0x64:
    case 0x65:
        x->segment = (uint8_t)(b == 0x64 ? SEG_FS + 1 : SEG_GS + 1);
        return true;
    case 0x66:
        x->p66 = true;
        return true;
    case 0x67:
        x->p67 = true;
        return true;
    case 0xf0:
        x->lock = true;
        return true;
    case 0xf2:
    case 0xf3:
        x->rep = b;
        return true;
    default:
        return false;
    }
}

static void find_sizes(struct x86_parse *x)
{
    switch (x->mode & X86_MODE_SIZE) {
    case X86_MODE_64:
        x->operand = x->rex & 8 ? 8 : x->p66 ? 2 : 4;
        x->address = x->p67 ? 4 : 8;
        break;
    case X86_MODE_32:
        x->operand = x->p66 ? 2 : 4;
        x->address = x->p67 ? 2 : 4;
        break;
    default:
        x->operand = x->p66 ? 4 : 2;
        x->address = x->p67 ? 4 : 2;
        break;
    }
}

enum x86_fetch x86_parse_opcode(struct x86_parse *x, const uint8_t *p,
                                unsigned avail)
{
    enum x86_fetch f;
    uint8_t b;

    /* A REX that is not the last prefix does not count. */
    for (;;) {
        f = next(x, p, avail, &b);
        if (f != X86_OK)
            return f;
        if (take_prefix(x, b))
            x->rex = 0;
        else if ((x->mode & X86_MODE_SIZE) == X86_MODE_64 && (b & 0xf0) == 0x40)
            x->rex = b;
        else
            break;
    }
    if (b == 0x0f && !(x->mode & X86_MODE_PRE286)) {
        x->map = 1;
        f = next(x, p, avail, &b);
        if (f == X86_OK && (b == 0x38 || b == 0x3a)) {
            x->map = b == 0x38 ? 2 : 3;
            f = next(x, p, avail, &b);
        }
        if (f != X86_OK)
            return f;
    }
    x->opcode = b;
    find_sizes(x);
    return X86_OK;
}

static enum x86_fetch parse_disp(struct x86_parse *x, const uint8_t *p,
                                 unsigned avail, unsigned size)
{
    if (x->at + size > max_length(x))
        return X86_LONG;
    if (x->at + size > avail)
        return X86_MORE;
    x->disp_size = (uint8_t)size;
    if (size == 1)
        x->disp = (int8_t)p[x->at];
    else if (size == 2)
        x->disp = (int16_t)ld_le16(p + x->at);
    else if (size == 4)
        x->disp = (int32_t)ld_le32(p + x->at);
    x->at = (uint8_t)(x->at + size);
    return X86_OK;
}

/* SDM table 2-1. */
static enum x86_fetch parse_modrm16(struct x86_parse *x, const uint8_t *p,
                                    unsigned avail)
{
    static const uint8_t base[8] = {3, 3, 5, 5, 6, 7, 5, 3};
    static const uint8_t index[8] = {6,        7,        6,        7,
                                     X86_NONE, X86_NONE, X86_NONE, X86_NONE};
    unsigned mod = x->modrm >> 6, rm = x->modrm & 7;

    x->base = base[rm];
    x->index = index[rm];
    if (mod == 0 && rm == 6) {
        x->base = X86_NONE;
        return parse_disp(x, p, avail, 2);
    }
    return parse_disp(x, p, avail, mod);
}

static enum x86_fetch parse_sib(struct x86_parse *x, const uint8_t *p,
                                unsigned avail)
{
    enum x86_fetch f;
    uint8_t sib;

    f = next(x, p, avail, &sib);
    if (f != X86_OK)
        return f;
    x->base = (uint8_t)((sib & 7) | (x->rex & 1) << 3);
    x->index = (uint8_t)((sib >> 3 & 7) | (x->rex & 2) << 2);
    x->scale = sib >> 6;
    if (x->index == 4) {
        x->index = X86_NONE;
        x->scale = 0;
    }
    if ((sib & 7) == 5 && x->modrm >> 6 == 0) {
        x->base = X86_NONE;
        return parse_disp(x, p, avail, 4);
    }
    return X86_OK;
}

enum x86_fetch x86_parse_modrm(struct x86_parse *x, const uint8_t *p,
                               unsigned avail)
{
    static const uint8_t disp[4] = {0, 1, 4, 0};
    unsigned mod, rm;
    enum x86_fetch f;

    f = next(x, p, avail, &x->modrm);
    if (x->any_mod)
        x->modrm |= 0xc0;
    mod = x->modrm >> 6;
    rm = x->modrm & 7;
    x->base = x->index = X86_NONE;
    if (f != X86_OK || mod == 3)
        return f;
    if (x->address == 2)
        return parse_modrm16(x, p, avail);
    if (rm == 4) {
        f = parse_sib(x, p, avail);
        if (f != X86_OK || x->disp_size)
            return f;
        return parse_disp(x, p, avail, disp[mod]);
    }
    if (mod == 0 && rm == 5) {
        if ((x->mode & X86_MODE_SIZE) == X86_MODE_64)
            x->base = X86_PAGE;
        return parse_disp(x, p, avail, 4);
    }
    x->base = (uint8_t)(rm | (x->rex & 1) << 3);
    return parse_disp(x, p, avail, disp[mod]);
}

/* ------------------------------------------------------- which entry */

static bool prefix_fits(const struct x86_parse *x, unsigned prefix)
{
    switch (prefix) {
    case X86_NP:
        return !x->p66 && !x->rep;
    case X86_66:
        return x->p66 && !x->rep;
    case X86_F3:
        return x->rep == 0xf3;
    case X86_F2:
        return x->rep == 0xf2;
    case X86_REP:
        return x->rep != 0;
    case X86_NR:
        return x->rep == 0;
    default:
        return true;
    }
}

static bool modrm_fits(const struct x86_parse *x, const struct x86_entry *e)
{
    bool memory = x->modrm < 0xc0;

    if (!(e->flags & X86_MODRM))
        return true;
    if (e->flags & X86_EXACT)
        return x->modrm == e->reg;
    if ((e->flags & X86_DIGIT) && (x->modrm >> 3 & 7) != e->reg)
        return false;
    return !(e->flags & (memory ? X86_REG : X86_MEM));
}

static bool model_fits(const struct x86_parse *x, const struct x86_entry *e,
                       unsigned model)
{
    bool long_mode = (x->mode & X86_MODE_SIZE) == X86_MODE_64;

    return !(e->flags & (long_mode ? X86_I64 : X86_O64)) &&
           model >= e->model_first && model <= e->model_last;
}

static bool fits(const struct x86_parse *x, const struct x86_entry *e,
                 uint64_t features, unsigned model)
{
    return prefix_fits(x, e->prefix) && modrm_fits(x, e) &&
           model_fits(x, e, model) &&
           !(e->flags & (x->rex & 8 ? X86_W0 : X86_W1)) &&
           !(e->flags & X86_B0 && x->rex & 1) &&
           !(e->flags & X86_COUNT && x->no_count) && !(e->wants & ~features);
}

static const struct x86_entry *find_entry(const struct x86_tables *t,
                                          const struct x86_parse *x,
                                          uint64_t features, unsigned model)
{
    const struct x86_entry *e = &t->entries[t->first[x->map][x->opcode]];

    for (; !fits(x, e, features, model); e++)
        if (e->last)
            return NULL;
    return e;
}

unsigned x86_operand_size(const struct x86_parse *x, const struct x86_entry *e)
{
    if ((x->mode & X86_MODE_SIZE) != X86_MODE_64)
        return x->operand;
    if (e->flags & X86_F64)
        return 8;
    if ((e->flags & X86_D64) && x->operand == 4)
        return 8;
    return x->operand;
}

/* -------------------------------------------------------- immediates */

unsigned x86_immediate_size(const struct x86_operand *o, unsigned size,
                            unsigned address)
{
    if (o->letter == 'O')
        return address;
    if (o->letter != 'I' && o->letter != 'J')
        return 0;
    switch (o->size) {
    case 'b':
    case 's':
        return 1;
    case 'w':
        return 2;
    case 'z':
        return size == 2 ? 2 : 4;
    default:
        return size;
    }
}

static int64_t read_signed(const uint8_t *p, unsigned size)
{
    switch (size) {
    case 1:
        return (int8_t)*p;
    case 2:
        return (int16_t)ld_le16(p);
    case 4:
        return (int32_t)ld_le32(p);
    default:
        return (int64_t)ld_le64(p);
    }
}

/* ----------------------------------------------------- filling in */

struct fill {
    const struct x86_parse *x;
    const struct x86_entry *e;
    struct insn *out;
    unsigned size; /* operand size in bytes */
    bool memory;
    unsigned registers, immediates; /* met so far */
};

/* A byte register as an offset, SDM 3.4.1.1: without REX, 4 to 7 are AH,
 * CH, DH and BH. */
static uint8_t byte_register(const struct x86_parse *x, unsigned n)
{
    return (uint8_t)(x->rex || n < 4 || n > 7 ? n * 8 : (n - 4) * 8 + 1);
}

/* The first register operand goes to b and the second to a, or, beside a
 * memory operand, to a and c. */
static void fill_register(struct fill *f, const struct x86_operand *o,
                          unsigned n)
{
    static const uint8_t slots[2][3] = {{1, 0, 2}, {0, 2, 3}};
    bool general = o->letter == 'G' || o->letter == 'E' || o->letter == 'Z' ||
                   o->letter == 'A';

    if (general && o->size == 'b')
        n = byte_register(f->x, n);
    f->out->reg[slots[f->memory][f->registers++]] = (uint8_t)n;
}

static void fill_operand(struct fill *f, const struct x86_operand *o)
{
    const struct x86_parse *x = f->x;

    switch (o->letter) {
    case 'G':
    case 'V':
    case 'C':
    case 'D':
        fill_register(f, o, (x->modrm >> 3 & 7) | (x->rex & 4) << 1);
        break;
    case 'P':
        fill_register(f, o, x->modrm >> 3 & 7);
        break;
    case 'S':
        /* The first ones know four. */
        fill_register(f, o,
                      x->modrm >> 3 & (x->mode & X86_MODE_PRE286 ? 3 : 7));
        break;
    case 'E':
    case 'W':
    case 'R':
    case 'U':
        if (!f->memory)
            fill_register(f, o, (x->modrm & 7) | (x->rex & 1) << 3);
        break;
    case 'Q':
    case 'N':
    case 'H':
        if (!f->memory)
            fill_register(f, o, x->modrm & 7);
        break;
    case 'Z':
        fill_register(f, o, (x->opcode & 7) | (x->rex & 1) << 3);
        break;
    case 'A':
        fill_register(f, o, 0);
        break;
    default:
        break;
    }
}

/* The immediate: in imm, or in a data record where a displacement is there,
 * it has 64 bits, or is the second. */
static void fill_immediate(struct fill *f, const struct x86_operand *o,
                           const uint8_t *p, unsigned n)
{
    int64_t v = read_signed(p, n);
    struct insn *out = f->out;

    if (o->letter == 'J')
        out->imm = v + out->length;
    else if (f->memory || n == 8 || f->immediates++) {
        out->data = (uint64_t)v;
        out->facts |= INSN_DATA;
    } else {
        out->imm = v;
    }
}

static void fill_addressing(struct fill *f)
{
    static const uint8_t sizes[9] = {[2] = 1, [4] = 2, [8] = 3};
    const struct x86_parse *x = f->x;

    f->out->reg[3] = (uint8_t)(x->scale | x->segment << X86_D_SEGMENT);
    if (x->p67)
        f->out->reg[3] |= (uint8_t)(sizes[x->address] << X86_D_SIZE);
}

/* A displacement that 32 bits cannot hold, once the page's offset is added
 * to a relative one, goes through cpu->extra. */
static void fill_memory(struct fill *f, int64_t disp)
{
    const struct x86_parse *x = f->x;
    struct insn *out = f->out;
    bool relative = x->base == X86_PAGE;

    if (f->e->flags & X86_AFTER_SP && x->base == 4 && x->address != 2)
        disp += f->size;
    out->reg[1] = x->base;
    out->reg[2] = x->index;
    fill_addressing(f);
    if (relative)
        disp += out->length;
    if (disp > INT32_MAX - 2 * (int64_t)PAGE_SIZE ||
        disp < INT32_MIN + 2 * (int64_t)PAGE_SIZE) {
        out->reg[3] |= X86_D_EXTRA;
        out->extra = (uint64_t)disp;
        out->facts |= INSN_EXTRA | (relative ? INSN_EXTRA_PC : 0);
        return;
    }
    out->imm = disp;
    if (relative)
        out->facts |= INSN_IMM_PC;
}

static bool has_form(const struct x86_entry *e, unsigned form)
{
    return e->forms >> form & 1;
}

/* Flat code whose exits are of the code's own size. */
static unsigned flat_size(const struct fill *f)
{
    const uint32_t flat32 = X86_MODE_32 | X86_MODE_FLAT | X86_MODE_STACK32;
    uint32_t mode = f->x->mode;

    if ((mode & X86_MODE_SIZE) == X86_MODE_64)
        return (f->e->flags & X86_EXIT) && f->size != 8 ? 0 : 64;
    if ((mode & flat32) == flat32)
        return (f->e->flags & X86_EXIT) && f->size != 4 ? 0 : 32;
    return 0;
}

static unsigned register_form(const struct fill *f)
{
    unsigned flat = flat_size(f);
    const struct x86_entry *e = f->e;

    if (!(e->flags & (X86_STACK | X86_EXIT)))
        return has_form(e, X86_R) ? X86_R : X86_RS;
    if (flat == 32 && (e->flags & X86_STACK))
        return has_form(e, X86_RY) ? X86_RY : X86_RS;
    /* The target's offset must fit once that in the page is added. */
    if (flat && has_form(e, X86_R) &&
        f->out->imm < INT32_MAX - 2 * (int64_t)PAGE_SIZE &&
        f->out->imm > INT32_MIN + 2 * (int64_t)PAGE_SIZE)
        return X86_R;
    return X86_RS;
}

static unsigned memory_form(const struct fill *f)
{
    const struct x86_parse *x = f->x;
    unsigned flat = flat_size(f);
    bool plain = !(f->out->facts & INSN_EXTRA) && !x->p67;

    if ((x->lock && (has_form(f->e, X86_L) || !(x->mode & X86_MODE_PRE386))) ||
        (f->e->flags & X86_LOCKED))
        return X86_L;
    if (flat == 64 && plain && !x->segment) {
        unsigned form = x->index == X86_NONE ? X86_B : X86_X;

        if (has_form(f->e, form))
            return form;
    }
    if (flat == 32 && plain && !x->segment && has_form(f->e, X86_Y))
        return X86_Y;
    return X86_S;
}

static unsigned popcount8(unsigned v)
{
    unsigned n = 0;

    for (; v; v &= v - 1)
        n++;
    return n;
}

/* The row of this size and form, or 0. */
static unsigned find_row(const struct fill *f, unsigned form)
{
    static const uint8_t index[9] = {0, 0, 1, 0, 2, 0, 0, 0, 3};
    const struct x86_entry *e = f->e;
    unsigned base = e->instance[e->flags & X86_SIZED ? index[f->size] : 0];

    if (!base || !has_form(e, form))
        return 0;
    return base + popcount8(e->forms & ((1u << form) - 1));
}

static enum x86_fetch fill(struct fill *f, const uint8_t *p, unsigned avail)
{
    const struct x86_parse *x = f->x;
    struct insn *out = f->out;
    unsigned at = x->at, total = at;
    int64_t disp = x->disp;

    for (unsigned n = 0; n < 4; n++)
        total += x86_immediate_size(&f->e->operands[n], f->size, x->address);
    if (total > max_length(x))
        return X86_LONG;
    if (total > avail)
        return X86_MORE;
    out->length = (uint8_t)total;
    for (unsigned n = 0; n < 4; n++) {
        const struct x86_operand *o = &f->e->operands[n];
        unsigned size = x86_immediate_size(o, f->size, x->address);

        fill_operand(f, o);
        if (o->letter == 'O')
            disp = read_signed(p + at, size);
        else if (size)
            fill_immediate(f, o, p + at, size);
        at += size;
    }
    if (f->memory)
        fill_memory(f, disp);
    else if (f->e->flags & X86_ADDRESSING)
        fill_addressing(f);
    return X86_OK;
}

/* String operands are memory by fixed registers. */
static bool has_operand(const struct x86_entry *e, char letter)
{
    for (unsigned n = 0; n < 4; n++)
        if (e->operands[n].letter == letter)
            return true;
    return false;
}

/* What CR0 and CR4 say of an instruction's state, SDM table 3-2.2.5. */
static enum x86_fetch check_state(uint32_t mode, uint32_t flags)
{
    if ((flags & X86_USES_XMM && mode & (X86_MODE_NO_SSE | X86_MODE_EM)) ||
        (flags & X86_USES_MM && mode & X86_MODE_EM))
        return X86_BAD;
    if ((flags & X86_USES_FPU && mode & X86_MODE_EM) ||
        (flags & (X86_USES_FPU | X86_USES_MM | X86_USES_XMM) &&
         mode & X86_MODE_TS))
        return X86_NO_DEVICE;
    return X86_OK;
}

/* All of one model and mode have it, or none. */
static bool has_modrm(const struct x86_parse *x, const struct x86_entry *e,
                      unsigned model)
{
    while (!e->last && !model_fits(x, e, model))
        e++;
    return (e->flags & X86_MODRM) != 0;
}

/* An immediate counts modulo 32, or 64 where operands are as wide. */
static bool shifts_by_nothing(const struct fill *f)
{
    const struct insn *i = f->out;
    const uint64_t n = i->facts & INSN_DATA ? i->data : (uint64_t)i->imm;

    return !(n & (f->size == 8 ? 63 : 31));
}

static enum x86_fetch decode(const struct x86_tables *t, struct x86_parse *x,
                             uint64_t features, unsigned model,
                             const uint8_t *p, unsigned avail, struct insn *out)
{
    struct fill f = {.x = x, .out = out};
    enum x86_fetch r = x86_parse_opcode(x, p, avail);
    unsigned first, form;

    if (r != X86_OK)
        return r;
    first = t->first[x->map][x->opcode];
    if (!first)
        return X86_BAD;
    x->base = x->index = X86_NONE;
    x->any_mod = (t->entries[first].flags & X86_ANY_MOD) != 0;
    if (has_modrm(x, &t->entries[first], model)) {
        r = x86_parse_modrm(x, p, avail);
        if (r != X86_OK)
            return r;
    }
    f.e = find_entry(t, x, features, model);
    if (!f.e)
        return X86_BAD;
    f.size = x86_operand_size(x, f.e);
    f.memory = (f.e->flags & X86_MODRM && !(f.e->flags & X86_EXACT) &&
                x->modrm < 0xc0) ||
               has_operand(f.e, 'O') || has_operand(f.e, 'X') ||
               has_operand(f.e, 'Y');
    r = fill(&f, p, avail);
    if (r != X86_OK)
        return r;
    if (f.e->flags & X86_COUNT && shifts_by_nothing(&f)) {
        x->no_count = true;
        f.e = find_entry(t, x, features, model);
        if (!f.e)
            return X86_BAD;
    }
    form = f.memory ? memory_form(&f) : register_form(&f);
    if (x->lock && form != X86_L && !(x->mode & X86_MODE_PRE386))
        return X86_BAD;
    out->row = (uint16_t)find_row(&f, form);
    out->text = (uint16_t)(f.e - t->entries);
    return out->row ? check_state(x->mode, f.e->flags) : X86_BAD;
}

bool x86_table_decode(const struct x86_tables *t, uint32_t mode,
                      uint64_t features, unsigned model, const uint8_t *p,
                      unsigned avail, struct insn *out)
{
    struct x86_parse x = {.mode = mode};
    enum x86_fetch r;

    memset(out, 0, sizeof(*out));
    r = decode(t, &x, features, model, p, avail, out);
    if (r == X86_MORE)
        return false;
    out->mode = mode;
    if (r == X86_OK) {
        memcpy(out->bytes, p, out->length);
        return true;
    }
    memset(out, 0, sizeof(*out));
    out->mode = mode;
    out->length = x.at ? x.at : 1;
    out->bits = r == X86_LONG ? 13 : r == X86_NO_DEVICE ? 7 : 6;
    return true;
}
