/*
 * Options that say what the machine is: board, processors, memory, time.
 *
 * They are checked here for form only; whether a board or a processor exists
 * is the machine's to say.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/core/lockstep.h"
#include "frontend/cli/cli_priv.h"
#include "jit/jit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MAX_CPUS 1024 /* of any board; each says how many it takes */

/* Accelerators: ours, then those of others.  tcg, QEMU's translator, is what
 * runs where none is named. */
static const char *const accels[] = {"interp", "tcg", "jit", "lockstep",
                                     "kvm",    "xen", "hvf", "hax",
                                     "nvmm",   "whpx"};
enum { ACCELS_PRESENT = 4 };

/* The names of a list "a:b", in order of preference. */
static bool note_accels(struct config *c, const char *list, struct error *e)
{
    char *names = pool_strdup(&c->pool, list);

    for (char *name = names, *next; name; name = next) {
        size_t i = 0;

        next = strchr(name, ':');
        if (next)
            *next++ = '\0';
        while (i < COUNT(accels) && strcmp(name, accels[i]))
            i++;
        if (i == COUNT(accels))
            return unknown_word(e, "accelerator", name, accels, ACCELS_PRESENT);
        if (i < ACCELS_PRESENT && !c->accel_found) {
            c->accel_found = true;
            c->jit = strcmp(name, "interp") != 0;
            c->jit_wanted = !strcmp(name, "jit");
            c->lockstep = !strcmp(name, "lockstep");
        }
        if (!c->accel_found && !c->accel_missing)
            c->accel_missing = name;
    }
    return true;
}

enum cli_result cli_accel(struct config *c, const char *arg, struct error *e)
{
    static const char *const known[] = {"accel", "thread", "tb-size", "window"};
    static const char *const threads[] = {"single", "multi"};
    const char *value;
    struct keyval kv;

    if (!keyval_parse(&c->pool, arg, "accel", &kv, e))
        return CLI_ERROR;
    if (keyval_help(&kv)) {
        puts("Accelerators:\n"
             "  jit      compiles hot code, tb-size=MIB of it; the default\n"
             "           where the host is x86-64 (also called tcg)\n"
             "  interp   the interpreter\n"
             "  lockstep runs both, window=N instructions each in turn, and "
             "compares;\n"
             "           takes tb-size too, and implies -icount shift=3");
        return CLI_DONE;
    }
    if (!keyval_check(&kv, known, COUNT(known), e))
        return CLI_ERROR;
    value = keyval_get(&kv, "thread");
    if (value && strcmp(value, "single") && strcmp(value, "multi")) {
        unknown_word(e, "thread", value, threads, COUNT(threads));
        return CLI_ERROR;
    }
    value = keyval_get(&kv, "tb-size");
    if (value) {
        char *end;
        unsigned long mib = strtoul(value, &end, 10);

        if (*end || end == value || mib < 1 || mib > 1024) {
            error_set(e, "tb-size=%s: expected 1 to 1024 MiB", value);
            return CLI_ERROR;
        }
        c->jit_buffer = (uint64_t)mib << 20;
    }
    value = keyval_get(&kv, "window");
    if (value) {
        if (!parse_number(value, LOCKSTEP_MAX_WINDOW, &c->lockstep_window, e))
            return CLI_ERROR;
        if (!c->lockstep_window) {
            error_set(e, "window=0: expected 1 to %d", LOCKSTEP_MAX_WINDOW);
            return CLI_ERROR;
        }
    }
    value = keyval_get(&kv, "accel");
    return !value || note_accels(c, value, e) ? CLI_RUN : CLI_ERROR;
}

enum cli_result cli_jit(struct config *c, const char *arg, struct error *e)
{
    struct error why;

    if (!strcmp(arg, "help") || !strcmp(arg, "?")) {
        puts("What -accel jit does to be fast; -jit no-NAME leaves it out:");
        for (unsigned i = 0; i < JIT_PASSES; i++)
            printf("  no-%-10s %s\n", jit_passes[i].name, jit_passes[i].help);
        return CLI_DONE;
    }
    if (jit_parse(arg, &c->jit_off, &why))
        return CLI_RUN;
    error_set(e, "%s", why.text);
    return CLI_ERROR;
}

static bool has_word(const char *const *words, size_t n, const char *word)
{
    while (n > 0 && strcmp(words[n - 1], word))
        n--;
    return n > 0;
}

/* name=default|other|... of each option, a line each. */
static void list_options(const struct board *b)
{
    for (const struct board_option *o = b->options; o->name; o++) {
        bool first = o == b->options || strcmp(o->name, o[-1].name) != 0;
        bool last = !o[1].name || strcmp(o->name, o[1].name) != 0;

        if (first)
            printf("    %s=", o->name);
        printf("%s%s%s", first ? "" : "|", o->value, last ? "\n" : "");
    }
}

static void list_boards(void)
{
    puts("Boards (or the name of a .dts or .dtb file):");
    for (const struct board *b = boards; b->name; b++) {
        printf("  %-12s %s%s\n", b->name, b->summary,
               b == boards ? " (default)" : "");
        list_options(b);
    }
}

/* Is it a property that every board has, or an option of one? */
static bool check_machine(const struct keyval *kv, const char *const *known,
                          size_t n, struct error *e)
{
    const char *all[64];

    memcpy(all, known, n * sizeof(*known));
    for (const struct board *b = boards; b->name; b++) {
        for (const struct board_option *o = b->options; o->name; o++) {
            if (n < COUNT(all) && !has_word(all, n, o->name))
                all[n++] = o->name;
        }
    }
    return keyval_check(kv, all, n, e);
}

/* The others are the board's to judge. */
static void note_board_options(struct config *c, const struct keyval *kv,
                               const char *const *known, size_t n)
{
    for (size_t i = 0; i < kv->n; i++) {
        if (!has_word(known, n, kv->keys[i]))
            *(const char **)pool_append(&c->pool, &c->board_options,
                                        &c->n_board_options,
                                        sizeof(*c->board_options)) =
                pool_printf(&c->pool, "%s=%s", kv->keys[i], kv->values[i]);
    }
}

enum cli_result cli_machine(struct config *c, const char *arg, struct error *e)
{
    static const char *const known[] = {"type",    "accel",    "dumpdtb",
                                        "usb",     "graphics", "acpi",
                                        "pflash0", "pflash1"};
    bool usb = false, graphics = false, acpi = false;
    const char *value;
    struct keyval kv;

    if (!keyval_parse(&c->pool, arg, "type", &kv, e))
        return CLI_ERROR;
    if (keyval_help(&kv)) {
        list_boards();
        return CLI_DONE;
    }
    if (!check_machine(&kv, known, COUNT(known), e) ||
        !keyval_bool(&kv, "usb", &usb, e) ||
        !keyval_bool(&kv, "graphics", &graphics, e) ||
        !keyval_bool(&kv, "acpi", &acpi, e))
        return CLI_ERROR;
    if (usb || graphics || acpi) {
        error_set(e, "%s=on is not supported; accepted is off",
                  usb        ? "usb"
                  : graphics ? "graphics"
                             : "acpi");
        return CLI_ERROR;
    }
    if ((value = keyval_get(&kv, "pflash0")))
        c->pflash[0] = value;
    if ((value = keyval_get(&kv, "pflash1")))
        c->pflash[1] = value;
    if ((value = keyval_get(&kv, "type")))
        c->board = value;
    if ((value = keyval_get(&kv, "dumpdtb")))
        c->dump_tree = value;
    note_board_options(c, &kv, known, COUNT(known));
    value = keyval_get(&kv, "accel");
    return !value || note_accels(c, value, e) ? CLI_RUN : CLI_ERROR;
}

static void show_cpus(void)
{
    puts("Processor models:");
    for (const struct cpu_class *const *cls = cpu_classes; *cls; cls++) {
        const struct cpu_model *m = (*cls)->models;

        for (; m && m->name; m++)
            printf("  %-9s %s\n", m->name, m->summary);
    }
    puts("\nFeatures, =on or =off behind a model's name:");
    for (const struct cpu_class *const *cls = cpu_classes; *cls; cls++) {
        const char *name;

        if (cls != cpu_classes && (*cls)->feature == cls[-1]->feature)
            continue;
        for (unsigned n = 0; (*cls)->feature && (name = (*cls)->feature(n));
             n++)
            printf("%s%s", n % 8 ? " " : n ? "\n  " : "  ", name);
        puts("");
    }
}

enum cli_result cli_cpu(struct config *c, const char *arg, struct error *e)
{
    (void)e;
    if (!strcmp(arg, "help") || !strcmp(arg, "?")) {
        show_cpus();
        return CLI_DONE;
    }
    c->cpu = arg;
    return CLI_RUN;
}

/* [name=]NAME,string=TEXT or file=FILE. */
enum cli_result cli_fw_cfg(struct config *c, const char *arg, struct error *e)
{
    static const char *const known[] = {"name", "file", "string"};
    struct fw_cfg_option o;
    struct keyval kv;

    if (!keyval_parse(&c->pool, arg, "name", &kv, e) ||
        !keyval_check(&kv, known, COUNT(known), e))
        return CLI_ERROR;
    o.name = keyval_get(&kv, "name");
    o.file = keyval_get(&kv, "file");
    o.text = keyval_get(&kv, "string");
    if (!o.name || !*o.name) {
        error_set(e, "no name is given; opt/NAME is usual");
        return CLI_ERROR;
    }
    if (!o.file == !o.text) {
        error_set(e, "name=%s: wanted either file=FILE or string=TEXT",
                  o.name);
        return CLI_ERROR;
    }
    *(struct fw_cfg_option *)pool_append(&c->pool, &c->fw_cfg, &c->n_fw_cfg,
                                         sizeof(o)) = o;
    return CLI_RUN;
}

/* The topology is QEMU's to say and nobody's to see, but has to fit. */
enum cli_result cli_smp(struct config *c, const char *arg, struct error *e)
{
    enum { CPUS, SOCKETS, DIES, CORES, THREADS, MAXCPUS };
    static const char *const known[] = {"cpus",  "sockets", "dies",
                                        "cores", "threads", "maxcpus"};
    uint64_t given[COUNT(known)] = {0}, product = 1;
    struct keyval kv;

    if (!keyval_parse(&c->pool, arg, "cpus", &kv, e) ||
        !keyval_check(&kv, known, COUNT(known), e))
        return CLI_ERROR;
    for (size_t i = 0; i < kv.n; i++) {
        uint64_t n;

        if (!parse_number(kv.values[i], UINT32_MAX, &n, e))
            return CLI_ERROR;
        if (n < 1 || n > MAX_CPUS) {
            error_set(e, "%s=%s: wanted 1 to %d", kv.keys[i], kv.values[i],
                      MAX_CPUS);
            return CLI_ERROR;
        }
        for (size_t k = 0; k < COUNT(known); k++)
            if (!strcmp(kv.keys[i], known[k]))
                given[k] = n;
    }
    for (unsigned k = SOCKETS; k <= THREADS; k++)
        product *= given[k] ? given[k] : 1;
    if (!given[CPUS])
        given[CPUS] = product;
    if (given[CPUS] > MAX_CPUS || given[CPUS] % product) {
        error_set(e, "%s: %llu processors in units of %llu", arg,
                  (unsigned long long)given[CPUS],
                  (unsigned long long)product);
        return CLI_ERROR;
    }
    if (given[MAXCPUS] && given[MAXCPUS] != given[CPUS]) {
        error_set(e, "maxcpus=%llu: none can be added to a running machine; "
                     "wanted %llu",
                  (unsigned long long)given[MAXCPUS],
                  (unsigned long long)given[CPUS]);
        return CLI_ERROR;
    }
    c->cpus = (unsigned)given[CPUS];
    return CLI_RUN;
}

enum cli_result cli_m(struct config *c, const char *arg, struct error *e)
{
    static const char *const known[] = {"size"};
    const char *size;
    struct keyval kv;

    if (!keyval_parse(&c->pool, arg, "size", &kv, e) ||
        !keyval_check(&kv, known, COUNT(known), e))
        return CLI_ERROR;
    size = keyval_get(&kv, "size");
    if (!parse_size(size, 20, &c->ram, e))
        return CLI_ERROR;
    if (!c->ram) {
        error_set(e, "a machine needs memory; 256M is usual");
        return CLI_ERROR;
    }
    return CLI_RUN;
}

/* sleep=off is what there is: an idle machine's clock jumps. */
enum cli_result cli_icount(struct config *c, const char *arg, struct error *e)
{
    static const char *const known[] = {"shift", "align", "sleep"};
    bool align = false, sleep = false;
    const char *shift;
    struct keyval kv;
    uint64_t n;

    if (!keyval_parse(&c->pool, arg, "shift", &kv, e) ||
        !keyval_check(&kv, known, COUNT(known), e) ||
        !keyval_bool(&kv, "align", &align, e) ||
        !keyval_bool(&kv, "sleep", &sleep, e))
        return CLI_ERROR;
    shift = keyval_get(&kv, "shift");
    if (align || sleep) {
        error_set(e, "%s=on is not supported; accepted is off",
                  align ? "align" : "sleep");
        return CLI_ERROR;
    }
    if (!shift || !strcmp(shift, "auto")) {
        error_set(e, "shift=auto is not supported; accepted is shift=0 to 10");
        return CLI_ERROR;
    }
    if (!parse_number(shift, 10, &n, e))
        return CLI_ERROR;
    c->icount = true;
    c->icount_shift = (unsigned)n;
    return CLI_RUN;
}
