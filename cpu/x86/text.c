/*
 * The x86 disassembler: Intel's syntax, from the operand columns of the
 * table.  What the bytes hold is parsed once more, as decode.c does.
 */
#include "cpu/core/text.h"
#include "cpu/x86/decode.h"

static const char *const names[4][16] = {
    {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b",
     "r11b", "r12b", "r13b", "r14b", "r15b"},
    {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "r8w", "r9w", "r10w",
     "r11w", "r12w", "r13w", "r14w", "r15w"},
    {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d", "r9d",
     "r10d", "r11d", "r12d", "r13d", "r14d", "r15d"},
    {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10",
     "r11", "r12", "r13", "r14", "r15"},
};
static const char *const high_names[4] = {"ah", "ch", "dh", "bh"};
static const char *const segment_names[6] = {"es", "cs", "ss",
                                             "ds", "fs", "gs"};

struct printer {
    struct text *t;
    const struct x86_parse *x;
    const struct insn *i;
    unsigned size; /* operand size in bytes */
    uint64_t pc;
};

static const char *general(const struct x86_parse *x, unsigned n, unsigned size)
{
    if (size == 1 && !x->rex && n >= 4 && n < 8)
        return high_names[n - 4];
    return names[size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3][n & 15];
}

/* Bytes of an operand, by its size letter. */
static unsigned operand_bytes(const struct printer *p, char size)
{
    switch (size) {
    case 'b':
    case 's':
        return 1;
    case 'w':
        return 2;
    case 'd':
        return 4;
    case 'q':
        return 8;
    case 't':
        return 10;
    case 'o':
    case 'x':
        return 16;
    case 'y':
        return p->size == 8 ? 8 : 4;
    case 'z':
        return p->size == 2 ? 2 : 4;
    default:
        return p->size;
    }
}

static void number(struct text *t, int64_t v)
{
    if (v < 0)
        text_addf(t, "-0x%llx", -(unsigned long long)v);
    else
        text_addf(t, "0x%llx", (unsigned long long)v);
}

static void print_segment(const struct printer *p)
{
    if (p->x->segment)
        text_addf(p->t, "%s:", segment_names[p->x->segment - 1]);
}

static void print_width(const struct printer *p, const struct x86_operand *o)
{
    switch (o->size ? operand_bytes(p, o->size) : 0) {
    case 1:
        text_add(p->t, "BYTE PTR ");
        break;
    case 2:
        text_add(p->t, "WORD PTR ");
        break;
    case 4:
        text_add(p->t, "DWORD PTR ");
        break;
    case 8:
        text_add(p->t, "QWORD PTR ");
        break;
    case 10:
        text_add(p->t, "TBYTE PTR ");
        break;
    case 16:
        text_add(p->t, o->size == 'o' ? "OWORD PTR " : "XMMWORD PTR ");
        break;
    default:
        break;
    }
}

/* No base and no index: the address itself. */
static void print_absolute(const struct printer *p)
{
    const struct x86_parse *x = p->x;
    uint64_t v = (uint64_t)x->disp;

    if (!x->segment)
        text_add(p->t, "ds:");
    if (x->address == 2)
        v = (uint16_t)v;
    else if (x->address == 4)
        v = (uint32_t)v;
    text_addf(p->t, "0x%llx", (unsigned long long)v);
}

static void print_memory(const struct printer *p, const struct x86_operand *o)
{
    const struct x86_parse *x = p->x;
    bool sib = x->address != 2 && (x->modrm & 7) == 4;
    bool plain = sib && x->base != X86_NONE && (x->base & 7) != 4 &&
                 x->index == X86_NONE;

    print_width(p, o);
    print_segment(p);
    if (x->base == X86_NONE && x->index == X86_NONE && !sib) {
        print_absolute(p);
        return;
    }
    text_add(p->t, "[");
    if (x->base == X86_PAGE)
        text_add(p->t, x->address == 4 ? "eip" : "rip");
    else if (x->base != X86_NONE)
        text_add(p->t, general(x, x->base, x->address));
    if (x->index != X86_NONE && x->address == 2)
        text_addf(p->t, "+%s", general(x, x->index, 2));
    else if (x->index != X86_NONE)
        text_addf(p->t, "%s%s*%u", x->base == X86_NONE ? "" : "+",
                  general(x, x->index, x->address), 1u << x->scale);
    else if (plain || (sib && x->base == X86_NONE))
        text_addf(p->t, "%s%s", x->base == X86_NONE ? "" : "+",
                  x->address == 8 ? "riz*1" : "eiz*1");
    if (x->disp_size) {
        if (x->disp >= 0)
            text_add(p->t, "+");
        number(p->t, x->disp);
    }
    text_add(p->t, "]");
}

static int64_t constant(const struct printer *p, unsigned at, unsigned n)
{
    const uint8_t *b = p->i->bytes + at;

    return n == 1   ? (int8_t)*b
           : n == 2 ? (int16_t)ld_le16(b)
           : n == 4 ? (int32_t)ld_le32(b)
                    : (int64_t)ld_le64(b);
}

/* As wide as the operand that it goes with. */
static void print_immediate(const struct printer *p,
                            const struct x86_operand *o, unsigned at,
                            unsigned n)
{
    int64_t v = constant(p, at, n);
    unsigned bits = 8 * (o->size == 's' || o->size == 'z' ? p->size : n);

    if (bits < 64)
        v &= (int64_t)(((uint64_t)1 << bits) - 1);
    text_addf(p->t, "0x%llx", (unsigned long long)v);
}

static void print_target(const struct printer *p, unsigned at, unsigned n)
{
    uint64_t to = p->pc + p->i->length + (uint64_t)constant(p, at, n);

    if (p->size == 2)
        to &= 0xffff;
    else if (p->size == 4)
        to &= 0xffffffff;
    text_addf(p->t, "0x%llx", (unsigned long long)to);
}

static void print_offset(const struct printer *p, unsigned at, unsigned n)
{
    uint64_t v = (uint64_t)constant(p, at, n);

    if (n < 8)
        v &= ((uint64_t)1 << 8 * n) - 1;
    if (p->x->segment)
        print_segment(p);
    else
        text_add(p->t, "ds:");
    text_addf(p->t, "0x%llx", (unsigned long long)v);
}

static void print_string(const struct printer *p, const struct x86_operand *o)
{
    bool to = o->letter == 'Y';

    print_width(p, o);
    if (to)
        text_add(p->t, "es:");
    else if (p->x->segment)
        print_segment(p);
    else
        text_add(p->t, "ds:");
    text_addf(p->t, "[%s]", general(p->x, to ? 7 : 6, p->x->address));
}

static void print_register(const struct printer *p, const struct x86_operand *o,
                           unsigned n)
{
    switch (o->letter) {
    case 'V':
    case 'W':
    case 'U':
        text_addf(p->t, "xmm%u", n);
        break;
    case 'P':
    case 'Q':
    case 'N':
        text_addf(p->t, "mm%u", n & 7);
        break;
    default:
        text_add(p->t, general(p->x, n, operand_bytes(p, o->size)));
        break;
    }
}

static void print_operand(const struct printer *p, const struct x86_operand *o,
                          unsigned at, unsigned n)
{
    const struct x86_parse *x = p->x;

    switch (o->letter) {
    case 'F':
        text_add(p->t, o->text);
        break;
    case 'G':
    case 'V':
    case 'P':
        print_register(p, o, (x->modrm >> 3 & 7) | (x->rex & 4) << 1);
        break;
    case 'S':
        n = x->modrm >> 3 & 7;
        text_add(p->t, n < 6 ? segment_names[n] : "?");
        break;
    case 'C':
    case 'D':
        text_addf(p->t, "%cr%u", o->letter == 'C' ? 'c' : 'd',
                  (x->modrm >> 3 & 7u) | (x->rex & 4u) << 1);
        break;
    case 'H':
        text_addf(p->t, "st(%u)", x->modrm & 7u);
        break;
    case 'Z':
        print_register(p, o, (x->opcode & 7) | (x->rex & 1) << 3);
        break;
    case 'A':
        print_register(p, o, 0);
        break;
    case 'I':
        print_immediate(p, o, at, n);
        break;
    case 'J':
        print_target(p, at, n);
        break;
    case 'O':
        print_offset(p, at, n);
        break;
    case 'X':
    case 'Y':
        print_string(p, o);
        break;
    default:
        if (x->modrm < 0xc0)
            print_memory(p, o);
        else
            print_register(p, o, (x->modrm & 7) | (x->rex & 1) << 3);
        break;
    }
}

/* Of string instructions. */
static void print_repeat(const struct printer *p, const struct x86_entry *e)
{
    bool string = false;

    for (unsigned n = 0; n < 4; n++)
        string |= e->operands[n].letter == 'X' || e->operands[n].letter == 'Y';
    if (e->prefix == X86_REP)
        text_add(p->t, p->x->rep == 0xf2 ? "repnz " : "rep ");
    else if (string && e->prefix == X86_F2)
        text_add(p->t, "repnz ");
    else if (string && e->prefix == X86_F3)
        text_add(p->t, "repz ");
}

/* NAME:NAME:NAME is by operand size, or by address size where that is all
 * that differs. */
static void print_name(const struct printer *p, const struct x86_entry *e)
{
    unsigned size = e->flags & X86_ADDRESSING ? p->x->address : p->size;
    unsigned skip = size == 8 ? 2 : size == 4 ? 1 : 0;
    const char *name = e->name, *end;

    for (; (end = strchr(name, ':')) && skip; skip--)
        name = end + 1;
    text_addf(p->t, "%.*s", (int)(end ? (size_t)(end - name) : strlen(name)),
              name);
}

/* A selector behind an offset. */
static bool is_far(const struct x86_entry *e)
{
    return e->operands[0].letter == 'I' && e->operands[0].size == 'z' &&
           e->operands[1].letter == 'I' && e->operands[1].size == 'w';
}

static void print_far(const struct printer *p, unsigned at)
{
    unsigned size = p->size == 2 ? 2 : 4;
    const uint8_t *b = p->i->bytes + at;

    text_addf(p->t, " 0x%x:0x%x", ld_le16(b + size),
              size == 2 ? ld_le16(b) : ld_le32(b));
}

void x86_table_disassemble(const struct x86_tables *tables,
                           const struct insn *i, uint64_t pc, char *out,
                           size_t size)
{
    struct text t = {out, size, 0};
    struct x86_parse x = {.mode = i->mode, .base = X86_NONE, .index = X86_NONE};
    const struct x86_entry *e = &tables->entries[i->text];
    struct printer p = {&t, &x, i, 0, pc};
    unsigned at;

    text_start(&t);
    if (!i->row) {
        text_add(&t, "(bad)");
        return;
    }
    x86_parse_opcode(&x, i->bytes, i->length);
    x.any_mod = (e->flags & X86_ANY_MOD) != 0;
    if (e->flags & X86_MODRM)
        x86_parse_modrm(&x, i->bytes, i->length);
    p.size = x86_operand_size(&x, e);
    at = x.at;
    if (x.lock)
        text_add(&t, "lock ");
    print_repeat(&p, e);
    print_name(&p, e);
    if (is_far(e)) {
        print_far(&p, at);
        return;
    }
    for (unsigned n = 0; n < 4 && e->operands[n].letter; n++) {
        const struct x86_operand *o = &e->operands[n];
        unsigned bytes = x86_immediate_size(o, p.size, x.address);

        text_add(&t, n ? "," : " ");
        print_operand(&p, o, at, bytes);
        at += bytes;
    }
}
