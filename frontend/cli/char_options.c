/*
 * Consoles: -serial, -monitor, -chardev, -mon, and what the terminal is used
 * for when none of them says.
 *
 * Missing: tcp, udp, telnet, pipe, vc, log files; QMP (-mon mode=control).
 */
#include <stdio.h>
#include <string.h>

#include "frontend/cli/cli_priv.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct char_config *add_char(struct config *c, struct char_config d)
{
    struct char_config *at =
        pool_append(&c->pool, &c->chars, &c->n_chars, sizeof(d));

    *at = d;
    return at;
}

/* The options of a unix socket, behind its path. */
static bool parse_socket(const struct keyval *kv, struct char_config *d,
                         struct error *e)
{
    d->server = false;
    d->wait = false;
    if (!keyval_bool(kv, "server", &d->server, e))
        return false;
    d->wait = d->server; /* QEMU's default */
    if (keyval_get(kv, "wait") && !d->server)
        return error_set(e, "wait= needs server=on");
    if (!keyval_bool(kv, "wait", &d->wait, e))
        return false;
    d->path = keyval_get(kv, "path");
    if (!d->path || !*d->path)
        return error_set(e, "no socket path is named");
    return true;
}

/* What -serial and -monitor take, but for none, chardev: and mon:. */
static bool parse_where(struct config *c, const char *text,
                        struct char_config *d, struct error *e)
{
    static const char *const kinds[] = {
        "stdio",
        "mon:stdio",
        "file:FILE",
        "pty",
        "null",
        "none",
        "unix:PATH[,server,nowait]",
        "msmouse",
        "mswheel",
        "chardev:ID",
    };
    static const char *const known[] = {"path", "server", "wait"};
    struct keyval kv;

    d->signals = true;
    if (!strcmp(text, "stdio")) {
        d->kind = CHAR_STDIO;
    } else if (!strcmp(text, "pty")) {
        d->kind = CHAR_PTY;
    } else if (!strcmp(text, "null")) {
        d->kind = CHAR_NULL;
    } else if (!strcmp(text, "msmouse")) {
        d->kind = CHAR_MSMOUSE;
    } else if (!strcmp(text, "mswheel")) {
        d->kind = CHAR_MSWHEEL;
    } else if (!strncmp(text, "file:", 5)) {
        d->kind = CHAR_FILE;
        d->path = text + 5;
        if (!*d->path)
            return error_set(e, "no file is named");
    } else if (!strncmp(text, "unix:", 5)) {
        d->kind = CHAR_SOCKET;
        return keyval_parse(&c->pool, text + 5, "path", &kv, e) &&
               keyval_check(&kv, known, COUNT(known), e) &&
               parse_socket(&kv, d, e);
    } else {
        return unknown_word(e, "place", text, kinds, COUNT(kinds));
    }
    return true;
}

static void add_monitor(struct config *c, const char *option, const char *id)
{
    struct monitor_config *m =
        pool_append(&c->pool, &c->monitors, &c->n_monitors, sizeof(*m));

    *m = (struct monitor_config){option, id};
}

/*
 * A backend for -serial or -monitor: *id is its chardev's, NULL for none.
 * kind: "serial" or "compat_monitor", as QEMU calls them.
 */
static bool take_where(struct config *c, const char *option, const char *kind,
                       size_t number, const char *arg, const char **id,
                       struct error *e)
{
    struct char_config d = {.option = option};
    bool mux = !strncmp(arg, "mon:", 4);

    *id = NULL;
    if (!strcmp(arg, "none"))
        return true;
    if (!strncmp(arg, "chardev:", 8)) {
        *id = arg + 8;
        return true;
    }
    if (!parse_where(c, mux ? arg + 4 : arg, &d, e))
        return false;
    d.mux = mux;
    if (mux) /* Ctrl-C belongs to the guest */
        d.signals = false;
    *id = d.id = pool_printf(&c->pool, "%s%zu", kind, number);
    add_char(c, d);
    if (mux)
        add_monitor(c, option, d.id);
    return true;
}

enum cli_result cli_serial(struct config *c, const char *arg, struct error *e)
{
    const char *id;

    if (c->n_serials == CONFIG_SERIALS) {
        error_set(e, "more than %d serial lines", CONFIG_SERIALS);
        return CLI_ERROR;
    }
    if (!take_where(c, "-serial", "serial", c->n_serials, arg, &id, e))
        return CLI_ERROR;
    c->serials[c->n_serials++] = id;
    return CLI_RUN;
}

enum cli_result cli_parallel(struct config *c, const char *arg, struct error *e)
{
    if (c->parallel) {
        error_set(e, "more than one parallel port");
        return CLI_ERROR;
    }
    return take_where(c, "-parallel", "parallel", 0, arg, &c->parallel, e)
               ? CLI_RUN
               : CLI_ERROR;
}

enum cli_result cli_monitor(struct config *c, const char *arg, struct error *e)
{
    const char *id;

    if (!strncmp(arg, "mon:", 4))
        arg += 4;
    if (!take_where(c, "-monitor", "compat_monitor", c->n_monitors, arg, &id,
                    e))
        return CLI_ERROR;
    c->monitor_given = true;
    if (id)
        add_monitor(c, "-monitor", id);
    return CLI_RUN;
}

/* Port E9h: a device of its own. */
enum cli_result cli_debugcon(struct config *c, const char *arg, struct error *e)
{
    struct device_option *d;
    const char **pair = pool_alloc(&c->pool, 2 * sizeof(*pair));
    size_t n = 0;

    for (size_t i = 0; i < c->n_devices; i++)
        n += !strcmp(c->devices[i].driver, "isa-debugcon");
    if (!take_where(c, "-debugcon", "debugcon", n, arg, &pair[1], e))
        return CLI_ERROR;
    if (!pair[1]) /* none */
        return CLI_RUN;
    pair[0] = "chardev";
    d = pool_append(&c->pool, &c->devices, &c->n_devices, sizeof(*d));
    *d = (struct device_option){"isa-debugcon", 1, &pair[0], &pair[1]};
    return CLI_RUN;
}

enum cli_result cli_mon(struct config *c, const char *arg, struct error *e)
{
    static const char *const known[] = {"chardev", "mode", "pretty"};
    const char *id, *mode;
    struct keyval kv;

    if (!keyval_parse(&c->pool, arg, "chardev", &kv, e) ||
        !keyval_check(&kv, known, 2, e))
        return CLI_ERROR;
    id = keyval_get(&kv, "chardev");
    mode = keyval_get(&kv, "mode");
    if (!id || (mode && strcmp(mode, "readline"))) {
        if (id)
            error_set(e, "mode=%s is not supported; accepted is readline",
                      mode);
        else
            error_set(e, "no chardev=ID is named");
        return CLI_ERROR;
    }
    c->monitor_given = true;
    add_monitor(c, "-mon", id);
    return CLI_RUN;
}

/* The kinds of -chardev, and which keys each takes. */
static const struct {
    const char *name;
    enum char_kind kind;
    size_t n;
    const char *keys[6];
} backends[] = {
    {"stdio", CHAR_STDIO, 4, {"backend", "id", "mux", "signal"}},
    {"file", CHAR_FILE, 5, {"backend", "id", "mux", "path", "append"}},
    {"pty", CHAR_PTY, 3, {"backend", "id", "mux"}},
    {"null", CHAR_NULL, 3, {"backend", "id", "mux"}},
    {"msmouse", CHAR_MSMOUSE, 2, {"backend", "id"}},
    {"mswheel", CHAR_MSWHEEL, 2, {"backend", "id"}},
    {"socket",
     CHAR_SOCKET,
     6,
     {"backend", "id", "mux", "path", "server", "wait"}},
};

static bool check_backend(const struct keyval *kv, struct char_config *d,
                          struct error *e)
{
    const char *name = keyval_get(kv, "backend");
    const char *names[COUNT(backends)];
    size_t i = 0;

    for (size_t k = 0; k < COUNT(backends); k++)
        names[k] = backends[k].name;
    if (!name)
        return error_set(e, "no kind is named, such as file or pty");
    while (i < COUNT(backends) && strcmp(name, backends[i].name))
        i++;
    if (i == COUNT(backends))
        return unknown_word(e, "kind", name, names, COUNT(backends));
    d->kind = backends[i].kind;
    return keyval_check(kv, backends[i].keys, backends[i].n, e);
}

static bool parse_chardev(struct config *c, const char *arg,
                          struct char_config *d, struct error *e)
{
    struct keyval kv;

    if (!keyval_parse(&c->pool, arg, "backend", &kv, e) ||
        !check_backend(&kv, d, e))
        return false;
    d->id = keyval_get(&kv, "id");
    if (!d->id || !*d->id)
        return error_set(e, "no id=ID is given");
    if (config_char(c, d->id))
        return error_set(e, "there is a chardev '%s' already", d->id);
    if (!keyval_bool(&kv, "mux", &d->mux, e) ||
        !keyval_bool(&kv, "signal", &d->signals, e) ||
        !keyval_bool(&kv, "append", &d->append, e))
        return false;
    d->path = keyval_get(&kv, "path");
    if (d->kind == CHAR_SOCKET)
        return parse_socket(&kv, d, e);
    if (d->kind == CHAR_FILE && (!d->path || !*d->path))
        return error_set(e, "no path=FILE is named");
    return true;
}

enum cli_result cli_chardev(struct config *c, const char *arg, struct error *e)
{
    struct char_config d = {.option = "-chardev", .signals = true};

    if (!strcmp(arg, "help") || !strcmp(arg, "?")) {
        puts("Kinds of -chardev:");
        for (size_t i = 0; i < COUNT(backends); i++)
            printf("  %s\n", backends[i].name);
        return CLI_DONE;
    }
    if (!parse_chardev(c, arg, &d, e))
        return CLI_ERROR;
    add_char(c, d);
    return CLI_RUN;
}

/* Does somebody have the terminal? */
static bool terminal_taken(const struct config *c)
{
    for (size_t i = 0; i < c->n_chars; i++)
        if (c->chars[i].kind == CHAR_STDIO)
            return true;
    return false;
}

/*
 * What the terminal is for when no option says: serial line and monitor share
 * it, window or not, as -nographic means elsewhere.
 */
static void default_chars(struct config *c)
{
    bool serial = !c->n_serials && !c->nodefaults;
    bool monitor = !c->monitor_given && !c->n_monitors && !c->nodefaults;
    struct char_config d = {
        .id = "serial0", .option = "-nographic", .kind = CHAR_STDIO};

    if ((c->display == DISPLAY_NONE && !c->nographic) ||
        c->display == DISPLAY_CURSES || terminal_taken(c) ||
        (!serial && !monitor))
        return;
    d.mux = serial && monitor;
    d.signals = !d.mux;
    if (serial)
        c->serials[c->n_serials++] = d.id;
    else
        d.id = "compat_monitor0";
    if (monitor)
        add_monitor(c, "-nographic", d.id);
    if (!config_char(c, d.id))
        add_char(c, d);
}

static bool use(struct config *c, const char *option, const char *id,
                bool monitor, struct error *e)
{
    struct char_config *d = config_char(c, id);
    bool *used;

    if (!d)
        return error_set(e, "%s: there is no -chardev with id '%s'", option,
                         id);
    if (monitor && (d->kind == CHAR_MSMOUSE || d->kind == CHAR_MSWHEEL))
        return error_set(e, "%s: chardev '%s' is a mouse", option, id);
    used = monitor ? &d->monitor : &d->guest;
    if (*used)
        return error_set(e, "%s: chardev '%s' is in use already", option, id);
    *used = true;
    if (d->guest && d->monitor && !d->mux)
        return error_set(e,
                         "%s: chardev '%s' is in use already; mux=on "
                         "lets the monitor share it",
                         option, id);
    return true;
}

/* The chardevs that -device properties name. */
static bool use_of_devices(struct config *c, struct error *e)
{
    for (size_t i = 0; i < c->n_devices; i++) {
        const struct device_option *d = &c->devices[i];
        const char *option = pool_printf(&c->pool, "-device %s", d->driver);

        for (size_t k = 0; k < d->n; k++)
            if (!strcmp(d->names[k], "chardev") &&
                !use(c, option, d->values[k], false, e))
                return false;
    }
    return true;
}

bool cli_finish_chars(struct config *c, struct error *e)
{
    const char *stdio = NULL;

    if (c->display == DISPLAY_CURSES && (c->nographic || terminal_taken(c)))
        return error_set(e,
                         "-display curses has the terminal: it does not go "
                         "together with %s",
                         c->nographic ? "-nographic" : "a chardev there");
    default_chars(c);
    for (size_t i = 0; i < c->n_serials; i++)
        if (c->serials[i] && !use(c, "-serial", c->serials[i], false, e))
            return false;
    if (c->parallel && !use(c, "-parallel", c->parallel, false, e))
        return false;
    for (size_t i = 0; i < c->n_monitors; i++)
        if (!use(c, c->monitors[i].option, c->monitors[i].chardev, true, e))
            return false;
    if (!use_of_devices(c, e))
        return false;
    for (size_t i = 0; i < c->n_chars; i++) {
        if (c->chars[i].kind != CHAR_STDIO)
            continue;
        if (stdio)
            return error_set(e,
                             "%s: the terminal is in use by chardev '%s' "
                             "already",
                             c->chars[i].option, stdio);
        stdio = c->chars[i].id;
    }
    return true;
}
