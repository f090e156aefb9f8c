/*
 * Models and features: what -cpu names.
 *
 * -cpu MODEL[,FEATURE=on|off...]: a row of `models`, and rows of `features` on
 * top of it.  What needs a feature that is switched off goes with it, unless
 * it was asked for by name; then that is an error.  vendor=NAME and phys-bits=N
 * say the rest of what is often switched.
 *
 * Features and signatures: the vendors' CPUID documentation (Intel AP-485; SDM
 * 2, CPUID; AMD 25481).  qemu64 is what distributions build for: family 15 of
 * AMD with SSE3 and CMPXCHG16B.
 */
#include <stdlib.h>
#include <string.h>

#include "cpu/x86/system.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define E(name) X86_EXT_##name
#define F(word, bit) (uint8_t) X86_FEATURE(X86_WORD_##word, bit)
#define NONE 255

/* A bit of CPUID; needs: another feature; ext: what is decoded with it. */
static const struct feature {
    const char *name;
    uint8_t at, needs;
    uint64_t ext;
} features[] = {
    {"fpu", F(1_EDX, 0), NONE, E(X87)},
    {"vme", F(1_EDX, 1), NONE, 0},
    {"de", F(1_EDX, 2), NONE, 0},
    {"pse", F(1_EDX, 3), NONE, 0},
    {"tsc", F(1_EDX, 4), NONE, E(TSC)},
    {"msr", F(1_EDX, 5), NONE, E(MSR)},
    {"pae", F(1_EDX, 6), NONE, 0},
    {"mce", F(1_EDX, 7), NONE, 0},
    {"cx8", F(1_EDX, 8), NONE, E(CX8)},
    {"apic", F(1_EDX, 9), NONE, 0},
    {"sep", F(1_EDX, 11), NONE, E(SEP)},
    {"mtrr", F(1_EDX, 12), NONE, 0},
    {"pge", F(1_EDX, 13), NONE, 0},
    {"mca", F(1_EDX, 14), NONE, 0},
    {"cmov", F(1_EDX, 15), NONE, E(CMOV)},
    {"pat", F(1_EDX, 16), NONE, 0},
    {"pse36", F(1_EDX, 17), F(1_EDX, 3), 0},
    {"clflush", F(1_EDX, 19), NONE, E(CLFLUSH)},
    {"mmx", F(1_EDX, 23), F(1_EDX, 0), E(MMX)},
    {"fxsr", F(1_EDX, 24), F(1_EDX, 0), E(FXSR)},
    {"sse", F(1_EDX, 25), F(1_EDX, 24), E(SSE)},
    {"sse2", F(1_EDX, 26), F(1_EDX, 25), E(SSE2)},
    {"sse3", F(1_ECX, 0), F(1_EDX, 26), E(SSE3)},
    {"pclmulqdq", F(1_ECX, 1), F(1_EDX, 26), E(PCLMUL)},
    {"monitor", F(1_ECX, 3), NONE, E(MONITOR)},
    {"ssse3", F(1_ECX, 9), F(1_ECX, 0), E(SSSE3)},
    {"cx16", F(1_ECX, 13), F(1_EDX, 8), E(CX16)},
    {"pcid", F(1_ECX, 17), F(81_EDX, 29), 0},
    {"sse4.1", F(1_ECX, 19), F(1_ECX, 9), E(SSE41)},
    {"sse4.2", F(1_ECX, 20), F(1_ECX, 19), E(SSE42)},
    {"x2apic", F(1_ECX, 21), F(1_EDX, 9), 0},
    {"movbe", F(1_ECX, 22), NONE, E(MOVBE)},
    {"popcnt", F(1_ECX, 23), NONE, E(POPCNT)},
    {"tsc-deadline", F(1_ECX, 24), F(1_EDX, 9), 0},
    {"aes", F(1_ECX, 25), F(1_EDX, 26), E(AES)},
    {"xsave", F(1_ECX, 26), F(1_EDX, 24), E(XSAVE)},
    {"rdrand", F(1_ECX, 30), NONE, E(RDRAND)},
    {"fsgsbase", F(7_EBX, 0), F(81_EDX, 29), E(FSGSBASE)},
    {"tsc-adjust", F(7_EBX, 1), F(1_EDX, 4), 0},
    {"smep", F(7_EBX, 7), NONE, 0},
    {"invpcid", F(7_EBX, 10), F(81_EDX, 29), E(INVPCID)},
    {"rdseed", F(7_EBX, 18), NONE, E(RDSEED)},
    {"smap", F(7_EBX, 20), NONE, E(SMAP)},
    {"clflushopt", F(7_EBX, 23), F(1_EDX, 19), E(CLFLUSHOPT)},
    {"clwb", F(7_EBX, 24), F(1_EDX, 19), E(CLWB)},
    {"sha-ni", F(7_EBX, 29), F(1_EDX, 26), E(SHA)},
    {"umip", F(7_ECX, 2), NONE, E(UMIP)},
    {"pku", F(7_ECX, 3), F(81_EDX, 29), E(PKU)},
    {"la57", F(7_ECX, 16), F(81_EDX, 29), 0},
    {"pks", F(7_ECX, 31), F(81_EDX, 29), 0},
    {"syscall", F(81_EDX, 11), NONE, E(SYSCALL)},
    {"nx", F(81_EDX, 20), F(1_EDX, 6), 0},
    {"pdpe1gb", F(81_EDX, 26), F(81_EDX, 29), 0},
    {"rdtscp", F(81_EDX, 27), F(1_EDX, 4), E(RDTSCP)},
    {"lm", F(81_EDX, 29), F(1_EDX, 26), E(LONGMODE)},
    {"lahf-lm", F(81_ECX, 0), F(81_EDX, 29), E(LAHF)},
};

#define B(n) (1u << (n))
/* Words of CPUID that several models begin with. */
#define PENTIUM (B(0) | B(1) | B(2) | B(3) | B(4) | B(5) | B(7) | B(8) | B(9))
#define P6                                                                     \
    (PENTIUM | B(6) | B(11) | B(12) | B(13) | B(14) | B(15) | B(16) | B(17) |  \
     B(23) | B(24))
#define CORE (P6 | B(19) | B(25) | B(26))

static const struct x86_facts models[] = {
    {.name = "qemu64",
     .model = X86_MODEL_QEMU64,
     .family = 15,
     .model_number = 107,
     .stepping = 1,
     .vendor = "AuthenticAMD",
     .cpuid_max = 0xd,
     .extended_max = 0x80000008,
     .brand = "emu virtual CPU",
     .phys_bits = 40,
     .words = {[X86_WORD_1_EDX] = CORE,
               [X86_WORD_1_ECX] = B(0) | B(13) | B(21),
               [X86_WORD_81_EDX] = B(11) | B(20) | B(29),
               [X86_WORD_81_ECX] = B(0)}},
    {.name = "8086",
     .model = X86_MODEL_8086,
     .phys_bits = 20,
     .words = {[X86_WORD_1_EDX] = B(0)}},
    {.name = "80186",
     .model = X86_MODEL_80186,
     .phys_bits = 20,
     .words = {[X86_WORD_1_EDX] = B(0)}},
    {.name = "80286",
     .model = X86_MODEL_80286,
     .phys_bits = 24,
     .words = {[X86_WORD_1_EDX] = B(0)}},
    {.name = "386",
     .model = X86_MODEL_386,
     .family = 3,
     .phys_bits = 32,
     .words = {[X86_WORD_1_EDX] = B(0)}},
    {.name = "486",
     .model = X86_MODEL_486,
     .family = 4,
     .model_number = 8,
     .stepping = 0,
     .vendor = "GenuineIntel",
     .cpuid_max = 1,
     .phys_bits = 32,
     .words = {[X86_WORD_1_EDX] = B(0) | B(1)}},
    {.name = "pentium",
     .model = X86_MODEL_PENTIUM,
     .family = 5,
     .model_number = 4,
     .stepping = 3,
     .vendor = "GenuineIntel",
     .cpuid_max = 1,
     .phys_bits = 32,
     .words = {[X86_WORD_1_EDX] = PENTIUM | B(23)}},
    {.name = "pentium2",
     .model = X86_MODEL_PENTIUM2,
     .family = 6,
     .model_number = 5,
     .stepping = 2,
     .vendor = "GenuineIntel",
     .cpuid_max = 2,
     .phys_bits = 36,
     .words = {[X86_WORD_1_EDX] = P6}},
    {.name = "pentium3",
     .model = X86_MODEL_PENTIUM3,
     .family = 6,
     .model_number = 8,
     .stepping = 3,
     .vendor = "GenuineIntel",
     .cpuid_max = 2,
     .phys_bits = 36,
     .words = {[X86_WORD_1_EDX] = P6 | B(25)}},
    {.name = "core2duo",
     .model = X86_MODEL_CORE2DUO,
     .family = 6,
     .model_number = 15,
     .stepping = 11,
     .vendor = "GenuineIntel",
     .cpuid_max = 0xa,
     .extended_max = 0x80000008,
     .brand = "Intel(R) Core(TM)2 Duo CPU     T7700  @ 2.40GHz",
     .phys_bits = 36,
     .words = {[X86_WORD_1_EDX] = CORE,
               [X86_WORD_1_ECX] = B(0) | B(9) | B(13),
               [X86_WORD_81_EDX] = B(11) | B(20) | B(29),
               [X86_WORD_81_ECX] = B(0)}},
    {.name = "max",
     .model = X86_MODEL_MAX,
     .family = 6,
     .model_number = 94,
     .stepping = 3,
     .vendor = "GenuineIntel",
     .cpuid_max = 0x16,
     .extended_max = 0x80000008,
     .brand = "emu max",
     .phys_bits = 40,
     .words = {[X86_WORD_1_EDX] = UINT32_MAX,
               [X86_WORD_1_ECX] = ~B(3),
               [X86_WORD_7_EBX] = UINT32_MAX,
               [X86_WORD_7_ECX] = ~B(16),
               [X86_WORD_81_EDX] = UINT32_MAX,
               [X86_WORD_81_ECX] = UINT32_MAX}},
};

const struct cpu_model x86_models[] = {
    {"qemu64", "a plain 64-bit processor, as builds expect"},
    {"8086", "16 bits, 1978"},
    {"80186", "16 bits, with what came in 1982"},
    {"80286", "protected mode of 16 bits"},
    {"386", "32 bits and paging"},
    {"486", "with a coprocessor and CPUID"},
    {"pentium", "TSC, CMPXCHG8B, large pages"},
    {"pentium2", "P6 with MMX"},
    {"pentium3", "P6 with SSE"},
    {"core2duo", "64 bits, SSSE3"},
    {"max", "all that there is, but for MONITOR and LA57"},
    {NULL, NULL},
};

const char *x86_feature_name(unsigned n)
{
    return n < COUNT(features) ? features[n].name : NULL;
}

/* ---------------------------------------------------------------- parsing */

static bool has(const struct x86_cpu *g, unsigned at)
{
    return g->words[at / 32] >> at % 32 & 1;
}

static void set(struct x86_cpu *g, unsigned at, bool on)
{
    g->words[at / 32] &= ~(1u << at % 32);
    g->words[at / 32] |= (uint32_t)on << at % 32;
}

/* "vendor=GenuineIntel", "phys-bits=36" among the features; *done: it was one
 * of them. */
static bool set_fact(struct x86_cpu *g, const char *item, size_t length,
                     bool *done, struct error *e)
{
    static const char *const vendors[] = {"GenuineIntel", "AuthenticAMD"};
    const char *eq = memchr(item, '=', length);
    const size_t n = eq ? (size_t)(eq - item) : 0;
    unsigned long bits;
    char *end;

    *done = cpu_name_is("vendor", item, n) || cpu_name_is("phys-bits", item, n);
    if (!*done)
        return true;
    if (!g->vendor)
        return error_set(e, "a %s has no CPUID to say it", g->facts->name);
    if (cpu_name_is("vendor", item, n)) {
        for (unsigned i = 0; i < COUNT(vendors); i++) {
            if (!cpu_name_is(vendors[i], eq + 1, length - n - 1))
                continue;
            g->vendor = vendors[i];
            return true;
        }
        return error_set(e, "'%.*s': wanted %s or %s", (int)length, item,
                         vendors[0], vendors[1]);
    }
    bits = strtoul(eq + 1, &end, 10);
    if (end != item + length || bits < 32 || bits > 52)
        return error_set(e, "'%.*s': wanted 32 to 52", (int)length, item);
    g->phys_bits = (uint8_t)bits;
    return true;
}

/* One item; named: those asked for. */
static bool set_feature(struct x86_cpu *g, bool *named, const char *item,
                        size_t length, struct error *e)
{
    unsigned i;
    bool on;

    if (!set_fact(g, item, length, &on, e))
        return false;
    if (on)
        return true;
    if (!cpu_parse_feature(x86_feature_name, item, length, &i, &on, e))
        return false;
    /* Without CPUID there is just the coprocessor to take away. */
    if (!g->vendor && features[i].at != X86_FPU)
        return error_set(e, "a %s has no feature to switch but fpu",
                         g->facts->name);
    set(g, features[i].at, on);
    named[i] = on;
    return true;
}

static const char *name_at(unsigned at)
{
    for (unsigned i = 0; i < COUNT(features); i++)
        if (features[i].at == at)
            return features[i].name;
    return "?";
}

/* Take away what lacks something that it needs, unless it was named. */
static bool settle(struct x86_cpu *g, const bool *named, struct error *e)
{
    bool changed = true;

    while (changed) {
        changed = false;
        for (unsigned i = 0; i < COUNT(features); i++) {
            const struct feature *f = &features[i];

            if (!has(g, f->at) || f->needs == NONE || has(g, f->needs))
                continue;
            if (named[i])
                return error_set(e, "%s needs %s", f->name, name_at(f->needs));
            set(g, f->at, false);
            changed = true;
        }
    }
    return true;
}

/* Nothing but what has a row; what is decoded. */
static void finish(struct x86_cpu *g)
{
    uint32_t known[X86_WORDS] = {0};

    g->features = 0;
    for (unsigned i = 0; i < COUNT(features); i++) {
        const struct feature *f = &features[i];

        known[f->at / 32] |= 1u << f->at % 32;
        if (has(g, f->at))
            g->features |= f->ext;
    }
    for (unsigned i = 0; i < X86_WORDS; i++)
        g->words[i] &= known[i];
    if (!(g->features & E(X87)))
        g->features |= E(NOFPU);
    /* LAHF is missing in 64-bit mode alone. */
    if (!has(g, X86_LM))
        g->features |= E(LAHF);
}

bool x86_parse_model(const char *text, struct x86_cpu *g, struct error *e)
{
    size_t n = text ? strcspn(text, ",") : 0;
    bool named[COUNT(features)] = {false};

    g->facts = NULL;
    for (unsigned i = 0; i < COUNT(models) && !g->facts; i++)
        if (!text || cpu_name_is(models[i].name, text, n))
            g->facts = &models[i];
    if (!g->facts)
        return error_set(e, "no such model");
    g->model = g->facts->model;
    g->vendor = g->facts->vendor;
    g->phys_bits = g->facts->phys_bits;
    memcpy(g->words, g->facts->words, sizeof(g->words));
    for (text = text ? text + n : ""; *text == ','; text += n) {
        text++;
        n = strcspn(text, ",");
        if (!set_feature(g, named, text, n, e))
            return false;
    }
    if (!settle(g, named, e))
        return false;
    finish(g);
    return true;
}
