/*
 * testfloat_vectors.c - cpu/fp against the TestFloat vectors, every case
 *
 * usage: testfloat_vectors FOLDER
 *
 * FOLDER holds riscv/ and x86sse/ with files <function>.<rounding>.txt.gz,
 * one case a line: operands, result and flags in hexadecimal. Every file is
 * run four times: with the host's unit and without, NX clear and NX set
 * before. A file whose function is not in the table below is a failure, as is
 * a function of the table that no file tested. Exit status: 0 all agree, 1
 * some do not, 77 (skipped) if there is no FOLDER.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "fp_ops.h"

enum { SKIPPED = 77, MAX_SHOWN = 20 };

FP_OPS_TESTFLOAT(FP_OPS_DEFINE)

static const struct fp_op functions[] = {FP_OPS_TESTFLOAT(FP_OPS_ROW)};

enum { FUNCTIONS = sizeof(functions) / sizeof(functions[0]) };

struct tally {
    unsigned long cases[FUNCTIONS], wrong[FUNCTIONS];
    unsigned long shown, bad_files;
};

/* <function>.<rounding>.txt.gz; false if it is not understood. */
static bool parse_name(const char *name, size_t *function, uint8_t *round)
{
    static const char *const rounds[] = {"rne", "rtz", "rdn", "rup", "rmm"};
    const char *dot = strchr(name, '.');
    size_t length = dot ? (size_t)(dot - name) : 0;
    bool known = false;

    for (size_t i = 0; i < FUNCTIONS; i++)
        if (length == strlen(functions[i].name) &&
            strncmp(name, functions[i].name, length) == 0) {
            *function = i;
            known = true;
        }
    if (!known || strlen(dot) != 11 || strcmp(dot + 4, ".txt.gz") != 0)
        return false;
    for (uint8_t i = 0; i < 5; i++)
        if (strncmp(dot + 1, rounds[i], 3) == 0) {
            *round = i;
            return true;
        }
    return false;
}

/* A line's numbers: operands, result, flags. */
static bool parse_line(const char *line, unsigned count, uint64_t *out)
{
    for (unsigned i = 0; i < count; i++) {
        char *end;

        out[i] = strtoull(line, &end, 16);
        if (end == line)
            return false;
        line = end;
    }
    return line[strspn(line, " \r\n")] == '\0';
}

static void run_case(struct tally *t, size_t function, struct fp_env env,
                     const uint64_t *numbers, const char *file)
{
    const struct fp_op *f = &functions[function];
    uint64_t want = numbers[f->operands];
    uint8_t want_flags = (uint8_t)(numbers[f->operands + 1] | env.flags);
    struct fp_env e = env;
    uint64_t got = f->run(&e, numbers);

    t->cases[function]++;
    if (got == want && e.flags == want_flags)
        return;
    t->wrong[function]++;
    if (t->shown++ >= MAX_SHOWN)
        return;
    printf("%s, soft %d, flags before %02x:", file, env.soft, env.flags);
    for (unsigned i = 0; i < f->operands; i++)
        printf(" %llx", (unsigned long long)numbers[i]);
    printf(": %llx %02x, expected %llx %02x\n", (unsigned long long)got,
           e.flags, (unsigned long long)want, want_flags);
}

static void run_line(struct tally *t, size_t function, uint8_t round,
                     uint8_t rules, const uint64_t *numbers, const char *file)
{
    for (uint8_t i = 0; i < 4; i++) {
        struct fp_env env = {
            .round = round,
            .rules = rules,
            .soft = i & 1,
            .flags = i & 2 ? FP_NX : 0,
        };

        run_case(t, function, env, numbers, file);
    }
}

static void run_file(struct tally *t, const char *folder, const char *name,
                     uint8_t rules)
{
    char path[4096], line[256];
    unsigned long lines = 0;
    bool good = true;
    uint8_t round = 0;
    size_t f = 0;
    gzFile file;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = parse_name(name, &f, &round) ? gzopen(path, "rb") : NULL;
    if (!file) {
        printf("%s: no known function, or not readable\n", path);
        t->bad_files++;
        return;
    }
    while (good && gzgets(file, line, sizeof(line))) {
        uint64_t numbers[5];

        good = parse_line(line, functions[f].operands + 2, numbers);
        if (good)
            run_line(t, f, round, rules, numbers, path);
        lines++;
    }
    if (!good || !gzeof(file) || lines == 0) {
        printf("%s: line %lu is damaged\n", path, lines);
        t->bad_files++;
    }
    gzclose(file);
}

/* False if there is no such folder. */
static bool run_folder(struct tally *t, const char *top, const char *sub,
                       uint8_t rules)
{
    unsigned files = 0;
    struct dirent *entry;
    char path[2048];
    DIR *dir;

    snprintf(path, sizeof(path), "%s/%s", top, sub);
    dir = opendir(path);
    if (!dir)
        return false;
    while ((entry = readdir(dir)))
        if (entry->d_name[0] != '.') {
            run_file(t, path, entry->d_name, rules);
            files++;
        }
    closedir(dir);
    printf("%s: %u files\n", sub, files);
    return true;
}

/* True if all is well. */
static bool report(const struct tally *t)
{
    unsigned long cases = 0, wrong = 0, untested = 0;

    for (size_t i = 0; i < FUNCTIONS; i++) {
        printf("%-18s %8lu cases %6lu wrong\n", functions[i].name, t->cases[i],
               t->wrong[i]);
        cases += t->cases[i];
        wrong += t->wrong[i];
        untested += t->cases[i] == 0;
    }
    printf("total %lu cases, %lu wrong; %lu damaged files; %lu functions "
           "not tested\n",
           cases, wrong, t->bad_files, untested);
    return wrong == 0 && t->bad_files == 0 && untested == 0;
}

int main(int argc, char **argv)
{
    static struct tally t;
    struct stat st;

    if (argc != 2) {
        fprintf(stderr, "usage: testfloat_vectors FOLDER\n");
        return EXIT_FAILURE;
    }
    if (stat(argv[1], &st) != 0) {
        printf("skipped: no TestFloat vectors at %s\n", argv[1]);
        return SKIPPED;
    }
    if (!run_folder(&t, argv[1], "riscv", FP_RULES_RISCV) ||
        !run_folder(&t, argv[1], "x86sse", FP_RULES_SSE)) {
        fprintf(stderr, "%s: needs the folders riscv and x86sse\n", argv[1]);
        return EXIT_FAILURE;
    }
    return report(&t) ? EXIT_SUCCESS : EXIT_FAILURE;
}
