/*
 * Choosing a board: the embedded trees with their options, .dtb files, and
 * .dts files through dtc, which is run as a program because no library of it
 * exists.
 *
 * An option of an embedded board is an overlay of its tree (Devicetree
 * Specification's appendix on overlays, as dtc and libfdt have it).
 *
 * Missing: overlays of users (.dtbo); the C preprocessor for .dts files that
 * need it.
 */
#include "machine/board.h"

#include <errno.h>
#include <fcntl.h>
#include <libfdt.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "machine/load/source.h"
#include "machine/machine.h"

#define FDT_MAGIC_VALUE 0xd00dfeedu
#define MAX_BOARDS 16

extern char **environ;

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);

    return n >= m && strcmp(s + n - m, end) == 0;
}

/* -- dtc -- */

/* The first line that dtc complained with. */
static void first_line(FILE *f, char *out, size_t size)
{
    rewind(f);
    if (!fgets(out, (int)size, f))
        snprintf(out, size, "dtc failed and does not say why");
    out[strcspn(out, "\n")] = 0;
}

/* Start dtc with its output going to fd and its complaints to complaints. */
static int spawn_dtc(pid_t *pid, const char *file, int fd, int complaints)
{
    const char *const args[] = {"dtc", "-q", "-I", "dts", "-O", "dtb",
                                "-o",  "-",  "--", file,  NULL};
    posix_spawn_file_actions_t actions;
    int err;

    if (posix_spawn_file_actions_init(&actions))
        return ENOMEM;
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, fd, 1);
    posix_spawn_file_actions_adddup2(&actions, complaints, 2);
    err =
        posix_spawnp(pid, "dtc", &actions, NULL, (char *const *)args, environ);
    posix_spawn_file_actions_destroy(&actions);
    return err;
}

static bool wait_for(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return false;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Both files are open; out is where dtc writes. */
static bool run_dtc(struct tree *t, const char *name, const char *file,
                    FILE *out, FILE *complaints, struct error *e)
{
    char line[300];
    uint8_t *dtb;
    size_t size;
    pid_t pid;
    int err = spawn_dtc(&pid, file, fileno(out), fileno(complaints));
    bool ok;

    if (err == ENOENT)
        return error_set(e,
                         "%s: a .dts needs the program dtc, of the package "
                         "device-tree-compiler; a .dtb does not",
                         name);
    if (err)
        return error_set(e, "%s: cannot run dtc: %s", name, strerror(err));
    if (!wait_for(pid)) {
        first_line(complaints, line, sizeof(line));
        return error_set(e, "%s: %s", name, line);
    }
    rewind(out);
    dtb = malloc(TREE_MAX_SIZE + 1);
    if (!dtb)
        return error_set(e, "%s: out of memory", name);
    size = fread(dtb, 1, TREE_MAX_SIZE + 1, out);
    ok = tree_open(t, name, dtb, size, e);
    free(dtb);
    return ok;
}

static bool open_source(struct tree *t, const char *name, const char *file,
                        struct error *e)
{
    FILE *out = tmpfile(), *complaints = tmpfile();
    bool ok;

    if (out && complaints)
        ok = run_dtc(t, name, file, out, complaints, e);
    else
        ok = error_set(e, "%s: no temporary file: %s", name, strerror(errno));
    if (out)
        fclose(out);
    if (complaints)
        fclose(complaints);
    return ok;
}

/* -- files -- */

bool board_open_file(struct tree *t, const char *option, const char *file,
                     struct error *e)
{
    struct source s;
    uint8_t magic[4], *dtb;
    bool ok;

    *t = (struct tree){.n = 0};
    if (!source_open(&s, option, file, TREE_MAX_SIZE, e))
        return false;
    source_head(&s, magic, sizeof(magic));
    if (ld_be32(magic) != FDT_MAGIC_VALUE) {
        if (ends_with(file, ".dts"))
            ok = open_source(t, s.name, file, e);
        else
            ok = source_error(&s, e,
                              "not a device tree blob (.dtb), and "
                              "its name does not end in .dts");
    } else {
        ok = source_all(&s, TREE_MAX_SIZE, &dtb, e);
        if (ok) {
            ok = tree_open(t, s.name, dtb, s.size, e);
            free(dtb);
        }
    }
    source_close(&s);
    return ok;
}

static bool unknown_board(const char *board, struct error *e)
{
    const char *names[MAX_BOARDS] = {NULL};
    char all[200] = "";
    size_t n = 0, at = 0;
    const char *near;

    for (const struct board *b = boards; b->name && n < MAX_BOARDS; b++) {
        names[n++] = b->name;
        if (at < sizeof(all))
            at += (size_t)snprintf(all + at, sizeof(all) - at, "%s%s",
                                   at ? ", " : "", b->name);
    }
    near = nearest_name(board, names, n);
    return error_set(e,
                     "-M %s: no such board%s%s%s; there are %s, and the file "
                     "of one: name.dts or name.dtb",
                     board, near ? " (did you mean '" : "", near ? near : "",
                     near ? "'?)" : "", all);
}

/* -- options -- */

/* All that an option takes, for messages. */
static bool wrong_value(const struct board *b, const char *option,
                        struct error *e)
{
    size_t n = strcspn(option, "="), at = 0;
    char all[200] = "";

    for (const struct board_option *o = b->options; o->name; o++) {
        if (strncmp(o->name, option, n) == 0 && !o->name[n] &&
            at < sizeof(all))
            at += (size_t)snprintf(all + at, sizeof(all) - at, "%s%s",
                                   at ? ", " : "", o->value);
    }
    if (!at)
        return error_set(e, "-M %s: this board has no option '%.*s'", b->name,
                         (int)n, option);
    return error_set(e, "-M %s: %s: accepted are %s", b->name, option, all);
}

static bool is_option(const struct board_option *o, const char *option)
{
    size_t n = strlen(o->name);

    return strncmp(o->name, option, n) == 0 && option[n] == '=' &&
           strcmp(o->value, option + n + 1) == 0;
}

/* Is this what the last of its name says? */
static bool is_chosen(const struct board_option *o, const char *const *options,
                      size_t n_options)
{
    size_t n = strlen(o->name);

    while (n_options-- > 0) {
        const char *option = options[n_options];

        if (strncmp(o->name, option, n) == 0 && option[n] == '=')
            return is_option(o, option);
    }
    return false;
}

static bool check_options(const struct board *b, const char *const *options,
                          size_t n, struct error *e)
{
    for (size_t i = 0; i < n; i++) {
        const struct board_option *o = b->options;

        while (o->name && !is_option(o, options[i]))
            o++;
        if (!o->name)
            return wrong_value(b, options[i], e);
    }
    return true;
}

/* Nodes that an overlay marks, and what served to apply it. */
static int remove_absent(void *fdt)
{
    int at = fdt_path_offset(fdt, "/__symbols__");
    int err = at < 0 ? 0 : fdt_del_node(fdt, at);

    for (at = 0; at >= 0 && !err;) {
        if (fdt_getprop(fdt, at, "emu,absent", NULL)) {
            err = fdt_del_node(fdt, at);
            at = 0;
        } else {
            at = fdt_next_node(fdt, at, NULL);
        }
    }
    return err;
}

/* The overlay is copied: applying it changes it. */
static int apply(void *fdt, const struct board_option *o)
{
    void *overlay = malloc(o->overlay_size);
    int err = -FDT_ERR_NOSPACE;

    if (overlay) {
        memcpy(overlay, o->overlay, o->overlay_size);
        err = fdt_overlay_apply(fdt, overlay);
    }
    free(overlay);
    return err;
}

static bool open_embedded(struct tree *t, const struct board *b,
                          const char *const *options, size_t n, struct error *e)
{
    size_t size = b->dtb_size + 4096;
    char name[400];
    void *fdt;
    bool ok;
    int err;

    if (!check_options(b, options, n, e))
        return false;
    for (const struct board_option *o = b->options; o->name; o++)
        size += 2 * o->overlay_size;
    snprintf(name, sizeof(name), "-M %s", b->name);
    fdt = malloc(size);
    if (!fdt)
        return error_set(e, "%s: out of memory", name);
    err = fdt_open_into(b->dtb, fdt, (int)size);
    for (const struct board_option *o = b->options; o->name && !err; o++) {
        if (o->overlay && is_chosen(o, options, n))
            err = apply(fdt, o);
    }
    if (!err)
        err = remove_absent(fdt);
    if (!err)
        err = fdt_pack(fdt);
    if (err)
        ok = error_set(e, "%s: cannot make the board's tree: %s", name,
                       fdt_strerror(err));
    else
        ok = tree_open(t, name, fdt, fdt_totalsize(fdt), e);
    free(fdt);
    return ok;
}

bool board_open(struct tree *t, const char *board, const char *const *options,
                size_t n_options, struct error *e)
{
    *t = (struct tree){.n = 0};
    for (const struct board *b = boards; b->name; b++) {
        if (!board || strcmp(board, b->name) == 0)
            return open_embedded(t, b, options, n_options, e);
    }
    if (board && (strchr(board, '/') || ends_with(board, ".dts") ||
                  ends_with(board, ".dtb"))) {
        if (n_options)
            return error_set(e,
                             "-M %s,%s: a board of a file has no options: "
                             "its tree says all",
                             board, options[0]);
        return board_open_file(t, "-M", board, e);
    }
    return unknown_board(board ? board : "", e);
}
