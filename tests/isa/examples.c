/*
 * The examples of a table's rows; cpu/isa/README.md has their syntax.
 *
 * Each runs in a plain state (the guest's: highest privilege, no
 * translation, everything that is not named random).  What the example does
 * not say must stay as it was.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

#include "tests/isa/rig.h"

/* `@`: two whole pages of data. */
#define BUFFER RIG_DATA

struct run {
    struct rig *r;
    const struct isa_example *x;
    const struct cpu *entry; /* registers in values are as of here */
    const char *at;
    bool failed;
};

static void fail(struct run *s, const char *what)
{
    const char *name = s->r->guest->cls->isa->rows[s->x->row].name;

    if (s->failed)
        return;
    s->failed = true;
    s->r->failures++;
    printf("line %u: %s: example `%s -> %s`: %s\n", (unsigned)s->x->line, name,
           s->x->before, s->x->after, what);
}

static bool skip(struct run *s, char c)
{
    if (*s->at != c)
        return false;
    s->at++;
    return true;
}

/* A name: letters, digits, dots, underscores. */
static bool word(struct run *s, char *out, size_t size)
{
    size_t n = 0;

    while (isalnum((unsigned char)*s->at) || *s->at == '_' || *s->at == '.') {
        if (n + 1 < size)
            out[n++] = *s->at;
        s->at++;
    }
    out[n] = '\0';
    return n > 0;
}

/* A register of the table, of any width up to 64. */
static const struct isa_register *find_register(const struct rig *r,
                                                const char *name)
{
    const struct isa_register *x = r->guest->registers;

    while (x->name && strcmp(x->name, name))
        x++;
    return x->name ? x : NULL;
}

static uint64_t get_register(const struct cpu *c, const struct isa_register *x)
{
    const char *at = (const char *)c + x->offset;
    uint64_t v;
    uint8_t b;

    if (x->size == 1) {
        memcpy(&b, at, 1);
        return b;
    }
    memcpy(&v, at, 8);
    return v;
}

static void set_register(struct cpu *c, const struct isa_register *x,
                         uint64_t v)
{
    const uint8_t b = (uint8_t)v;

    v &= UINT64_MAX >> (64 - x->bits);
    memcpy((char *)c + x->offset, x->size == 1 ? (const void *)&b : &v,
           x->size);
}

static uint64_t term(struct run *s)
{
    const struct rig *r = s->r;
    const struct isa_register *x;
    char name[32], *end;
    uint64_t v;

    if (skip(s, '-'))
        return 0 - term(s);
    if (skip(s, '@'))
        return r->guest->ram_base + BUFFER;
    if (isdigit((unsigned char)*s->at)) {
        v = strtoull(s->at, &end, 0);
        s->at = end;
        return v;
    }
    if (!word(s, name, sizeof(name))) {
        fail(s, "a value is missing");
        return 0;
    }
    if (!strcmp(name, "pc"))
        return s->entry->pc;
    x = find_register(r, name);
    if (!x) {
        fail(s, "a value names no register");
        return 0;
    }
    return get_register(s->entry, x);
}

static uint64_t value(struct run *s)
{
    uint64_t v = term(s);

    for (;;) {
        if (skip(s, '+'))
            v += term(s);
        else if (skip(s, '-'))
            v -= term(s);
        else
            return v;
    }
}

/* [ADDRESS]=VALUE:SIZE in the RAM of `side`. */
static void cell(struct run *s, struct rig_side *side)
{
    uint64_t at = value(s) - s->r->guest->ram_base, v, size;
    bool good = skip(s, ']') && skip(s, '=');

    v = value(s);
    good = good && skip(s, ':');
    size = value(s);
    if (!good || size > 8 || at > RIG_RAM_SIZE - 8) {
        fail(s, "a cell reads [ADDRESS]=VALUE:SIZE, and lies in RAM");
        return;
    }
    st_le(side->ram->host + at, v, (unsigned)size);
}

struct facts {
    bool traps, has_tval, has_pc;
};

/* NAME=VALUE, or pc+N. */
static void item(struct run *s, struct rig_side *side, struct facts *f)
{
    const struct isa_register *x;
    struct cpu *c = side->c;
    char name[32];
    uint64_t v;

    if (skip(s, '[')) {
        cell(s, side);
        return;
    }
    if (!word(s, name, sizeof(name))) {
        fail(s, "a name is missing");
        return;
    }
    if (!strcmp(name, "pc") && (*s->at == '+' || *s->at == '-')) {
        s->at -= 2;
        v = value(s);
    } else if (skip(s, '=')) {
        v = value(s);
    } else {
        fail(s, "an item reads NAME=VALUE, [ADDRESS]=VALUE:SIZE or pc+N");
        return;
    }
    x = find_register(s->r, name);
    if (!strcmp(name, "pc")) {
        c->pc = isa_address(c, v);
        f->has_pc = true;
    } else if (x) {
        set_register(c, x, v);
    } else if (!s->r->guest->set(c, name, v)) {
        fail(s, "there is nothing of that name");
    }
    f->traps |= !strcmp(name, "trap");
    f->has_tval |= !strcmp(name, "tval");
}

static struct facts items(struct run *s, struct rig_side *side,
                          const char *text)
{
    struct facts f = {0};

    s->at = text;
    while (*s->at && !s->failed) {
        if (skip(s, ' '))
            continue;
        item(s, side, &f);
        if (*s->at && *s->at != ' ')
            fail(s, "items are parted by spaces");
    }
    return f;
}

/* Does side b, where the example has run, look as it says? */
static void check(struct run *s)
{
    struct rig *r = s->r;
    uint64_t tval = 0, cause = 0;
    struct facts f;
    struct error e;

    r->guest->get(r->b.c, "tval", &tval);
    r->guest->get(r->b.c, "trap", &cause);
    f = items(s, &r->a, s->x->after);
    if (!f.has_pc && !f.traps)
        r->a.c->pc += r->insns[0].length;
    if (f.traps && !f.has_tval)
        r->guest->set(r->a.c, "tval", tval);
    r->a.c->pending_exception = f.traps;
    r->a.c->icount = r->b.c->icount;
    if (s->failed || rig_compare(r, &e))
        return;
    fail(s, "expected and found:");
    if (r->b.c->pending_exception)
        printf("    (found trap=%" PRIu64 " tval=0x%" PRIx64 ")\n", cause,
               tval);
    printf("    %s\n", e.text);
}

static bool run_example(struct rig *r, const struct isa_example *x)
{
    const struct isa_encoding *e = r->guest->encodings;
    struct run s = {r, x, r->a.c, "", false};

    while (e->width && e->row != x->row)
        e++;
    if ((e->wants & ~r->guest->features) || r->guest->only & ~e->wants)
        return true;
    rig_new_world(r);
    r->guest->plain(r);
    r->has_address = false;
    r->whole = true;
    if (!rig_place(r, &x->bits, &e->width, 1))
        return false;
    r->guest->plain(r);
    if (r->insns[0].text != x->row) {
        fail(&s, "its encoding is another row's");
        return false;
    }
    /* Both get it on their own: reservations are the host's. */
    rig_copy(r, r->b.c, r->a.c);
    items(&s, &r->a, x->before);
    items(&s, &r->b, x->before);
    memcpy(r->pristine, r->a.ram->host, RIG_RAM_SIZE);
    r->guest->settle(r->a.c, true);
    r->guest->settle(r->b.c, true);
    rig_copy(r, r->image, r->a.c);
    if (s.failed || !rig_decode(r))
        return false;
    rig_eval(r);
    s.entry = r->image;
    check(&s);
    if (s.failed)
        return false;
    /* And now as any other state: handlers and evaluator agree. */
    return rig_rest(r);
}

unsigned rig_examples(struct rig *r, const char *only)
{
    const struct isa *isa = r->guest->cls->isa;
    unsigned n = 0, rows = 0;

    for (const struct isa_encoding *e = r->guest->encodings; e->width; e++) {
        unsigned here = 0;

        if (only && strcmp(only, isa->rows[e->row].name))
            continue;
        for (const struct isa_example *x = r->guest->examples; x->before; x++)
            if (x->row == e->row) {
                here++;
                run_example(r, x);
            }
        n += here;
        rows += here > 0;
        if (here == 0 && !(e->wants & ~r->guest->features) &&
            !(r->guest->only & ~e->wants)) {
            printf("line %u: %s has no example\n",
                   (unsigned)isa->rows[e->row].line, isa->rows[e->row].name);
            r->failures++;
        }
    }
    printf("%s: %u examples of %u rows\n", r->guest->name, n, rows);
    return n;
}
