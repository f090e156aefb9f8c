/*
 * From argv to a struct config, by the table of options.
 *
 * Missing: response files, and -readconfig.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "frontend/cli/cli_priv.h"

/* Of the virtual time of -accel lockstep, where -icount says nothing. */
#define LOCKSTEP_SHIFT 3

/* argv[0] without folders. */
static const char *base_name(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;

    return slash ? slash + 1 : path && *path ? path : "emu";
}

static const struct option *find_option(const char *name, struct error *e)
{
    const char *names[128];
    const char *near;
    size_t n = 0;

    for (const struct option *o = cli_options; o->help; o++) {
        if (o->name && !strcmp(o->name, name))
            return o;
        if (o->name && n < sizeof(names) / sizeof(names[0]))
            names[n++] = o->name;
    }
    near = nearest_name(name, names, n);
    if (near)
        error_set(e, "unknown option '-%s'; did you mean '-%s'?", name, near);
    else
        error_set(e, "unknown or unsupported option '-%s' (-help lists all)",
                  name);
    return NULL;
}

/* The names of the PC's QEMU: its board is the default there. */
static bool is_pc(const char *program)
{
    return !strcmp(program, "qemu-system-i386") ||
           !strcmp(program, "qemu-system-x86_64");
}

/* Read twice, which a pipe does not stand. */
static bool is_x86_kernel(const char *file)
{
    enum image_kind kind;
    struct error ignored = {""};
    struct stat st;

    return !stat(file, &st) && S_ISREG(st.st_mode) &&
           machine_guess_image(file, &kind, &ignored) &&
           kind == IMAGE_X86_KERNEL;
}

/* An x86 kernel; or -hda, -cdrom, -fda and the like, and nothing that says
 * what is to run: a PC boots from them. */
static bool wants_pc(const struct config *c)
{
    if (c->compat)
        return false;
    if (c->kernel)
        return is_x86_kernel(c->kernel);
    if (c->bios || c->image)
        return false;
    for (size_t i = 0; i < c->n_drives; i++)
        if (c->drives[i].pc)
            return true;
    return false;
}

/* One option at argv[*at]; leaves *at on the last word that it took. */
static enum cli_result take_option(struct config *c, int argc, char **argv,
                                   int *at, struct error *e)
{
    const char *word = argv[*at], *name = word + 1, *arg = NULL;
    const struct option *o;
    enum cli_result result;

    if (*name == '-')
        name++;
    o = find_option(name, e);
    if (!o)
        return CLI_ERROR;
    if (o->argument) {
        if (*at + 1 >= argc) {
            error_set(e, "-%s needs an argument: %s", o->name, o->argument);
            return CLI_ERROR;
        }
        arg = argv[++*at];
    }
    result = o->handle(c, arg, e);
    if (result == CLI_ERROR) {
        if (arg)
            error_prefix(e, "-%s %s", o->name, arg);
        else
            error_prefix(e, "-%s", o->name);
    }
    return result;
}

/* What needs what. */
static bool check_together(const struct config *c, struct error *e)
{
    if (c->initrd && !c->kernel)
        return error_set(e, "-initrd needs a -kernel");
    if (c->append && !c->kernel)
        return error_set(e, "-append needs a -kernel");
    if (c->seed_given && !c->icount)
        return error_set(e, "-seed needs -icount shift=N");
    if (c->lockstep_window && !c->lockstep)
        return error_set(e, "-accel window=N is for -accel lockstep");
    if (c->lockstep && (c->log_mask & LOG_EXEC))
        return error_set(e, "-accel lockstep and -d exec: take one of them");
    if (c->accel_missing && !c->accel_found)
        return error_set(
            e, "-accel %s: not in this build; accepted are interp and jit",
            c->accel_missing);
    return true;
}

enum cli_result config_parse(struct config *c, int argc, char **argv,
                             struct error *e)
{
    enum cli_result result;

    memset(c, 0, sizeof(*c));
    c->jit = true;
    c->program = base_name(argc ? argv[0] : NULL);
    c->compat = !strncmp(c->program, "qemu-system-", 12);
    c->escape = 1;
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-' && argv[i][1]) {
            result = take_option(c, argc, argv, &i, e);
            if (result != CLI_RUN)
                return result;
        } else if (c->image) {
            error_set(e,
                      "two images, '%s' and '%s': give one, and options "
                      "for the rest",
                      c->image, argv[i]);
            return CLI_ERROR;
        } else {
            c->image = argv[i];
        }
    }
    if (c->lockstep && !c->icount) {
        c->icount = true;
        c->icount_shift = LOCKSTEP_SHIFT;
    }
    if (!c->board && (is_pc(c->program) || wants_pc(c)))
        c->board = "pc";
    if ((c->image && !cli_take_image(c, e)) || !check_together(c, e) ||
        !cli_finish_devices(c, e) || !cli_finish_drives(c, e) ||
        !cli_finish_chars(c, e))
        return CLI_ERROR;
    return CLI_RUN;
}

void config_free(struct config *c)
{
    pool_free(&c->pool);
}

struct char_config *config_char(struct config *c, const char *id)
{
    for (size_t i = 0; i < c->n_chars; i++)
        if (!strcmp(c->chars[i].id, id))
            return &c->chars[i];
    return NULL;
}
