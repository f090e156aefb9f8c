/*
 * testfloat_x87.c - cpu/fp/f80.h against the TestFloat vectors, every case
 *
 * usage: testfloat_x87 FOLDER
 *
 * FOLDER holds <function>.<rounding>.txt.gz, one case a line: operands,
 * result and flags in hexadecimal, extended numbers as 20 digits. They know
 * neither the denormal operand's flag nor C1. Exit status: 0 all agree, 1
 * some do not or a file was not understood, 77 (skipped) if there is no
 * FOLDER.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "cpu/fp/f80.h"

enum { SKIPPED = 77, MAX_SHOWN = 20 };

/* An extended number, or an integer in sig. */
typedef struct f80 run_case(struct fp_env *e, const struct f80 *in);

#define RUN(id, expr)                                                          \
    static struct f80 run_##id(struct fp_env *e, const struct f80 *in)         \
    {                                                                          \
        (void)e;                                                               \
        return expr;                                                           \
    }

static struct f80 integer(uint64_t v)
{
    return (struct f80){v, 0};
}

static struct f80 remainder_of(struct fp_env *e, struct f80 a, struct f80 b)
{
    bool partial = true;
    uint64_t q;

    while (partial)
        a = f80_rem(e, a, b, true, &q, &partial);
    return a;
}

static bool equal(struct fp_env *e, const struct f80 *in, bool quiet)
{
    return f80_compare(e, in[0], in[1], quiet) == F80_EQUAL;
}

static bool less(struct fp_env *e, const struct f80 *in, bool or_equal,
                 bool quiet)
{
    enum f80_order order = f80_compare(e, in[0], in[1], quiet);

    return order == F80_LESS || (or_equal && order == F80_EQUAL);
}

RUN(add, f80_add(e, in[0], in[1]))
RUN(sub, f80_sub(e, in[0], in[1]))
RUN(mul, f80_mul(e, in[0], in[1]))
RUN(div, f80_div(e, in[0], in[1]))
RUN(sqrt, f80_sqrt(e, in[0]))
RUN(rem, remainder_of(e, in[0], in[1]))
RUN(rint, f80_rint(e, in[0]))
RUN(eq, integer(equal(e, in, true)))
RUN(eq_signaling, integer(equal(e, in, false)))
RUN(lt, integer(less(e, in, false, false)))
RUN(le, integer(less(e, in, true, false)))
RUN(lt_quiet, integer(less(e, in, false, true)))
RUN(le_quiet, integer(less(e, in, true, true)))
RUN(to_f32, integer(f80_to_f32(e, in[0])))
RUN(to_f64, integer(f80_to_f64(e, in[0])))
RUN(to_i32, integer((uint32_t)f80_to_int(e, in[0], 32)))
RUN(to_i64, integer((uint64_t)f80_to_int(e, in[0], 64)))
RUN(from_i32, f80_from_i64((int32_t)in[0].sig))
RUN(from_i64, f80_from_i64((int64_t)in[0].sig))

struct function {
    const char *name;
    unsigned operands;
    run_case *run;
};

static const struct function functions[] = {
    {"extF80_add", 2, run_add},
    {"extF80_sub", 2, run_sub},
    {"extF80_mul", 2, run_mul},
    {"extF80_div", 2, run_div},
    {"extF80_sqrt", 1, run_sqrt},
    {"extF80_rem", 2, run_rem},
    {"extF80_roundToInt", 1, run_rint},
    {"extF80_eq", 2, run_eq},
    {"extF80_eq_signaling", 2, run_eq_signaling},
    {"extF80_lt", 2, run_lt},
    {"extF80_le", 2, run_le},
    {"extF80_lt_quiet", 2, run_lt_quiet},
    {"extF80_le_quiet", 2, run_le_quiet},
    {"extF80_to_f32", 1, run_to_f32},
    {"extF80_to_f64", 1, run_to_f64},
    {"extF80_to_i32", 1, run_to_i32},
    {"extF80_to_i64", 1, run_to_i64},
    {"i32_to_extF80", 1, run_from_i32},
    {"i64_to_extF80", 1, run_from_i64},
};

enum { FUNCTIONS = sizeof(functions) / sizeof(functions[0]) };

static unsigned long cases[FUNCTIONS], wrong, shown;

/* <function>.<rounding>.txt.gz; FUNCTIONS if it is not understood. */
static size_t parse_name(const char *name, uint8_t *round)
{
    static const char *const rounds[] = {"rne", "rtz", "rdn", "rup"};
    const char *dot = strchr(name, '.');
    size_t length = dot ? (size_t)(dot - name) : 0, f = 0;

    while (f < FUNCTIONS && (length != strlen(functions[f].name) ||
                             strncmp(name, functions[f].name, length) != 0))
        f++;
    if (f == FUNCTIONS || strcmp(dot + 4, ".txt.gz") != 0)
        return FUNCTIONS;
    for (*round = 0; *round < 4; ++*round)
        if (strncmp(dot + 1, rounds[*round], 3) == 0)
            return f;
    return FUNCTIONS;
}

/* The next number of a line. */
static bool parse_number(const char **line, struct f80 *out)
{
    size_t digits = strspn(*line, "0123456789ABCDEFabcdef");
    char high[5] = "";

    *out = (struct f80){0, 0};
    if (digits == 0 || digits > 20)
        return false;
    if (digits > 16) {
        memcpy(high, *line, digits - 16);
        out->se = (uint16_t)strtoul(high, NULL, 16);
    }
    /* The rest is 16 digits at most. */
    out->sig = strtoull(*line + (digits > 16 ? digits - 16 : 0), NULL, 16);
    *line += digits;
    *line += strspn(*line, " \r\n");
    return true;
}

static void check(const struct function *f, uint8_t round,
                  const struct f80 *numbers)
{
    struct fp_env e = {.rules = FP_RULES_X87, .round = round};
    struct f80 got = f->run(&e, numbers), want = numbers[f->operands];
    uint8_t flags = e.flags & (uint8_t) ~(FP_DN | FP_UP);

    if (got.sig == want.sig && got.se == want.se &&
        flags == numbers[f->operands + 1].sig)
        return;
    wrong++;
    if (shown++ < MAX_SHOWN)
        printf("%s round %d: %04x:%016llx %04x:%016llx: %04x:%016llx %02x, "
               "expected %04x:%016llx\n",
               f->name, round, numbers[0].se,
               (unsigned long long)numbers[0].sig, numbers[1].se,
               (unsigned long long)numbers[1].sig, got.se,
               (unsigned long long)got.sig, flags, want.se,
               (unsigned long long)want.sig);
}

static bool run_file(const char *folder, const char *name)
{
    char path[4096], text[256];
    uint8_t round = 0;
    size_t f = parse_name(name, &round);
    bool good = true;
    gzFile file;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = f < FUNCTIONS ? gzopen(path, "rb") : NULL;
    while (file && good && gzgets(file, text, sizeof(text))) {
        struct f80 numbers[4];
        const char *line = text;

        for (unsigned i = 0; good && i < functions[f].operands + 2; i++)
            good = parse_number(&line, &numbers[i]);
        good = good && !*line;
        if (good)
            check(&functions[f], round, numbers);
        cases[f]++;
    }
    good = file && good && gzeof(file);
    if (file)
        gzclose(file);
    if (!good)
        printf("%s: damaged, or no known function\n", path);
    return good;
}

int main(int argc, char **argv)
{
    unsigned long total = 0, bad = 0;
    struct dirent *entry;
    DIR *dir;

    if (argc != 2) {
        fprintf(stderr, "usage: testfloat_x87 FOLDER\n");
        return EXIT_FAILURE;
    }
    dir = opendir(argv[1]);
    if (!dir) {
        printf("skipped: no TestFloat vectors at %s\n", argv[1]);
        return SKIPPED;
    }
    while ((entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            bad += !run_file(argv[1], entry->d_name);
    closedir(dir);
    for (size_t i = 0; i < FUNCTIONS; i++) {
        total += cases[i];
        bad += cases[i] == 0;
    }
    printf("%lu cases, %lu wrong; %lu damaged files or functions not tested\n",
           total, wrong, bad);
    return wrong || bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
