/*
 * Models and extensions: what -cpu names, and what a device tree says.
 *
 * -cpu MODEL[,EXT=on|off...]: a row of `models`, and rows of `extensions` on
 * top of it.  What needs an extension that is switched off goes with it,
 * unless it was asked for by name; then that is an error.
 *
 * Names and their order: The RISC-V Instruction Set Manual, Volume I
 * 20240411, chapter 35; the RVA22 profiles 1.0.
 * Missing: a hart without S or U mode.
 */
#include <stdio.h>
#include <string.h>

#include "cpu/riscv/riscv_isa.h"

#define X(name) RISCV_EXT_##name
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum {
    FIXED = 1 << 0,  /* cannot be switched */
    RVA22 = 1 << 1,  /* of rva22s64 */
    HIDDEN = 1 << 2, /* not in riscv,isa: another property says it */
    OFF = 1 << 3,    /* unless it is named, but for rva22s64 */
};

/*
 * An extension.  bit: its feature; 0: a fact, which holds wherever all of
 * `needs` does.  In canonical order: as misa's letters go, then Z, by the
 * letter that follows, then S.
 */
static const struct extension {
    const char *name;
    uint64_t bit, needs;
    unsigned flags;
} extensions[] = {
    {"i", X(I), 0, FIXED | RVA22},
    {"m", X(M), 0, RVA22},
    {"a", X(A), 0, RVA22},
    {"f", X(F), 0, RVA22},
    {"d", X(D), X(F), RVA22},
    {"c", X(C), 0, RVA22},
    {"zic64b", 0, X(ZICBOM) | X(ZICBOP) | X(ZICBOZ), RVA22},
    {"zicbom", X(ZICBOM), 0, RVA22},
    {"zicbop", X(ZICBOP), 0, RVA22},
    {"zicboz", X(ZICBOZ), 0, RVA22},
    {"ziccamoa", 0, X(A), RVA22},
    {"ziccif", 0, X(I), RVA22},
    {"zicclsm", 0, X(I), RVA22},
    {"ziccrse", 0, X(A), RVA22},
    {"zicntr", 0, X(I), RVA22},
    {"zicond", X(ZICOND), 0, 0},
    {"zicsr", X(ZICSR), 0, FIXED | RVA22},
    {"zifencei", X(ZIFENCEI), 0, FIXED | RVA22},
    {"zihintntl", X(ZIHINTNTL), 0, 0},
    {"zihintpause", X(ZIHINTPAUSE), 0, RVA22},
    {"zihpm", X(ZIHPM), 0, RVA22},
    {"za64rs", 0, X(A), RVA22},
    {"zawrs", X(ZAWRS), X(A), 0},
    {"zfh", X(ZFH), X(F), 0},
    {"zfhmin", X(ZFHMIN), X(F), RVA22},
    {"zca", 0, X(C), RVA22},
    {"zcb", X(ZCB), X(C), 0},
    {"zcd", 0, X(C) | X(D), RVA22},
    {"zcf", 0, X(C) | X(F) | X(RV32), RVA22},
    {"zba", X(ZBA), 0, RVA22},
    {"zbb", X(ZBB), 0, RVA22},
    {"zbc", X(ZBC), 0, 0},
    {"zbkb", X(ZBKB), 0, 0},
    {"zbkc", X(ZBKC), 0, 0},
    {"zbkx", X(ZBKX), 0, 0},
    {"zbs", X(ZBS), 0, RVA22},
    {"zkt", 0, X(I), RVA22},
    {"s", X(S), 0, FIXED | RVA22 | HIDDEN},
    {"smaia", X(SMAIA), 0, OFF}, /* the board's controllers want them */
    {"ssaia", X(SSAIA), 0, OFF},
    {"sscofpmf", X(SSCOFPMF), X(ZIHPM), 0},
    {"ssccptr", 0, X(S), RVA22},
    {"sscounterenw", 0, X(S), RVA22},
    {"sstc", X(SSTC), 0, 0},
    {"sstvala", 0, X(S), RVA22},
    {"sstvecd", 0, X(S), RVA22},
    {"sv48", X(SV48), X(RV64), HIDDEN},
    {"sv57", X(SV57), X(SV48), HIDDEN},
    /* Without svade A and D are set by hardware from the start. */
    {"svade", X(SVADE), 0, RVA22 | OFF},
    {"svadu", X(SVADU), 0, 0},
    {"svinval", X(SVINVAL), 0, RVA22},
    {"svnapot", X(SVNAPOT), X(RV64), 0},
    {"svpbmt", X(SVPBMT), X(RV64), RVA22},
};

/* All harts of a model have X(RV32) or X(RV64), which -cpu cannot name. */
static const struct model {
    const char *name;
    uint64_t width;
    unsigned want; /* flags: only extensions that have them */
} models[] = {
    {"rv64", X(RV64), 0},
    {"rva22s64", X(RV64), RVA22},
    {"max", X(RV64), 0},
    {"rv32", X(RV32), 0},
    {"max32", X(RV32), 0},
    {"max", X(RV32), 0}, /* of a board whose CPU is that */
};

const struct cpu_model riscv64_models[] = {
    {"rv64", "RV64GC and what goes with it"},
    {"rva22s64", "what the profile RVA22S64 demands, no more"},
    {"max", "all that there is for RV64"},
    {NULL, NULL},
};
const struct cpu_model riscv32_models[] = {
    {"rv32", "RV32GC and what goes with it"},
    {"max32", "all that there is for RV32"},
    {NULL, NULL},
};

const char *riscv_feature(unsigned n)
{
    for (unsigned i = 0; i < COUNT(extensions); i++)
        if (extensions[i].bit && !(extensions[i].flags & FIXED) && n-- == 0)
            return extensions[i].name;
    return NULL;
}

/* ---------------------------------------------------------------- parsing */

static const char *extension_name(unsigned n)
{
    return n < COUNT(extensions) ? extensions[n].name : NULL;
}

/* One item among the features; *named: those asked for. */
static bool set_feature(uint64_t *features, uint64_t *named, const char *item,
                        size_t length, struct error *e)
{
    const struct extension *x;
    unsigned i;
    bool on;

    if (!cpu_parse_feature(extension_name, item, length, &i, &on, e))
        return false;
    x = &extensions[i];
    if (!x->bit || (x->flags & FIXED))
        return error_set(e, "'%s' cannot be switched", x->name);
    *features = on ? *features | x->bit : *features & ~x->bit;
    *named = on ? *named | x->bit : *named & ~x->bit;
    return true;
}

static const char *name_of(uint64_t bit)
{
    for (unsigned i = 0; i < COUNT(extensions); i++)
        if (extensions[i].bit == bit)
            return extensions[i].name;
    return bit == X(RV64) ? "RV64" : "RV32";
}

/* Take away what lacks something that it needs, unless it was named. */
static bool settle(uint64_t *features, uint64_t named, struct error *e)
{
    bool changed = true;

    while (changed) {
        changed = false;
        for (unsigned i = 0; i < COUNT(extensions); i++) {
            const struct extension *x = &extensions[i];
            uint64_t lacks = x->needs & ~*features;

            if (!(*features & x->bit) || !lacks)
                continue;
            if (named & x->bit)
                return error_set(e, "%s needs %s", x->name,
                                 name_of(lacks & -lacks));
            *features &= ~x->bit;
            changed = true;
        }
    }
    return true;
}

bool riscv_parse_model(const char *text, uint64_t width, uint64_t *features,
                       struct error *e)
{
    size_t n = text ? strcspn(text, ",") : 0;
    const struct model *m = NULL;
    uint64_t named = 0;

    for (unsigned i = 0; i < COUNT(models) && !m; i++)
        if (models[i].width == width &&
            (!text || cpu_name_is(models[i].name, text, n)))
            m = &models[i];
    if (!m)
        return error_set(e, "no such model");
    *features = width;
    for (unsigned i = 0; i < COUNT(extensions); i++)
        if (m->want ? extensions[i].flags & m->want
                    : !(extensions[i].flags & OFF))
            *features |= extensions[i].bit;
    for (text = text ? text + n : ""; *text == ','; text += n) {
        text++;
        n = strcspn(text, ",");
        if (!set_feature(features, &named, text, n, e))
            return false;
    }
    if (!settle(features, named, e))
        return false;
    if (!(*features & X(C)))
        *features |= X(IALIGN32);
    return true;
}

/* ------------------------------------------------------------- describing */

static bool shown(const struct extension *x, uint64_t features)
{
    return !(x->flags & HIDDEN) && !((x->bit | x->needs) & ~features);
}

void riscv_isa_text(uint64_t features, char *out, size_t size)
{
    struct text t = {out, size, 0};

    text_start(&t);
    text_add(&t, features & X(RV32) ? "rv32" : "rv64");
    for (unsigned i = 0; i < COUNT(extensions); i++) {
        const char *name = extensions[i].name;

        if (shown(&extensions[i], features))
            text_addf(&t, "%s%s", name[1] ? "_" : "", name);
    }
}

uint64_t riscv_misa(uint64_t features)
{
    uint64_t misa = features & X(RV32) ? (uint64_t)1 << 30 : (uint64_t)2 << 62;

    for (unsigned i = 0; i < COUNT(extensions); i++) {
        const struct extension *x = &extensions[i];

        if (!x->name[1] && (features & x->bit))
            misa |= (uint64_t)1 << (*x->name - 'a');
    }
    return misa | 1u << ('u' - 'a');
}
