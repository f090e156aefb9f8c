/*
 * The human monitor: a line editor of the simplest kind and a table of
 * commands, named as in QEMU's monitor.
 *
 * Missing: history and completion; commands that look into the guest's
 * memory or change its devices; QMP.
 */
#include "frontend/monitor/monitor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "devices/ps2.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
enum { LINE_SIZE = 256, INFO_SIZE = 16384, CTRL_C = 3, CTRL_U = 21 };

struct monitor {
    const struct monitor_host *host;
    void (*write)(void *owner, const char *bytes, size_t n);
    void *owner;
    char line[LINE_SIZE];
    size_t length;
    bool greeted;
    bool after_cr;                          /* a line feed now belongs to it */
    enum { PLAIN, AFTER_ESC, IN_CSI } keys; /* cursor keys are skipped */
};

/* Text with "\n" as "\r\n": nobody knows whether the far end adds it. */
static void put(struct monitor *m, const char *text)
{
    for (const char *end; *text; text = end) {
        end = text + strcspn(text, "\n");
        m->write(m->owner, text, (size_t)(end - text));
        if (*end) {
            m->write(m->owner, "\r\n", 2);
            end++;
        }
    }
}

static void putf(struct monitor *m, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void putf(struct monitor *m, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    put(m, text);
}

/* ------------------------------------------------------------- commands */

static void do_help(struct monitor *m, const char *arg);
static void do_info(struct monitor *m, const char *arg);

static void do_quit(struct monitor *m, const char *arg)
{
    (void)arg;
    m->host->quit(m->host->owner);
}

static void do_stop(struct monitor *m, const char *arg)
{
    (void)arg;
    m->host->stop(m->host->owner);
}

static void do_cont(struct monitor *m, const char *arg)
{
    (void)arg;
    m->host->cont(m->host->owner);
}

static void do_reset(struct monitor *m, const char *arg)
{
    (void)arg;
    m->host->reset(m->host->owner);
}

static void do_power_down(struct monitor *m, const char *arg)
{
    (void)arg;
    if (!m->host->power_down(m->host->owner))
        put(m, "this machine has no power button\n");
}

static void do_wake(struct monitor *m, const char *arg)
{
    (void)arg;
    if (!m->host->wake(m->host->owner))
        put(m, "this machine does not sleep\n");
}

static void do_nmi(struct monitor *m, const char *arg)
{
    (void)arg;
    if (!m->host->nmi(m->host->owner))
        put(m, "this machine has no NMI button\n");
}

static void do_break(struct monitor *m, const char *arg)
{
    struct error e = {0};

    if (!*arg)
        put(m, "chardev-send-break: want an id; info chardev lists them\n");
    else if (!m->host->send_break(m->host->owner, arg, &e))
        putf(m, "%s\n", e.text);
}

static void do_screendump(struct monitor *m, const char *arg)
{
    struct error e = {0};

    if (!*arg)
        put(m, "screendump: want a file's name\n");
    else if (!m->host->screendump(m->host->owner, arg, &e))
        putf(m, "%s\n", e.text);
}

/* [-f] DRIVE */
static void do_eject(struct monitor *m, const char *arg)
{
    struct error e = {0};
    bool force = !strncmp(arg, "-f ", 3);

    arg += force ? 3 : 0;
    arg += strspn(arg, " \t");
    if (!*arg || strpbrk(arg, " \t"))
        put(m, "eject: want [-f] DRIVE; info block lists them\n");
    else if (!m->host->change_medium(m->host->owner, arg, NULL, false, force,
                                     &e))
        putf(m, "%s\n", e.text);
}

/* DRIVE FILE [raw [read-only]]; a file's name may have blanks within. */
static void do_change(struct monitor *m, const char *arg)
{
    static const char *const ends[] = {" raw read-only", " raw retain", " raw"};
    char drive[LINE_SIZE], file[LINE_SIZE];
    struct error e = {0};
    bool read_only = false;
    size_t n = strcspn(arg, " \t"), length;

    snprintf(drive, sizeof(drive), "%.*s", (int)n, arg);
    arg += n;
    arg += strspn(arg, " \t");
    snprintf(file, sizeof(file), "%s", arg);
    for (size_t i = 0; i < COUNT(ends); i++) {
        length = strlen(file);
        n = strlen(ends[i]);
        if (length <= n || strcmp(file + length - n, ends[i]))
            continue;
        file[length - n] = '\0';
        read_only = i == 0;
        break;
    }
    if (!*drive || !*file)
        put(m, "change: want DRIVE FILE; info block lists the drives\n");
    else if (!m->host->change_medium(m->host->owner, drive, file, read_only,
                                     false, &e))
        putf(m, "%s\n", e.text);
}

/* The next word of *arg as a number, from least to most; `optional`: there
 * may be none, and *out stays. */
static bool take_number(struct monitor *m, const char **arg, const char *what,
                        long least, long most, bool optional, long *out)
{
    const char *at = *arg + strspn(*arg, " \t");
    char *end;
    long value;

    if (!*at && optional)
        return true;
    errno = 0;
    value = strtol(at, &end, 0);
    if (end == at || !strchr(" \t", *end) || errno || value < least ||
        value > most) {
        putf(m, "%s: wanted is a number from %ld to %ld\n", what, least, most);
        return false;
    }
    *arg = end;
    *out = value;
    return true;
}

/* Nothing may be left. */
static bool take_end(struct monitor *m, const char *arg)
{
    if (!arg[strspn(arg, " \t")])
        return true;
    put(m, "there is a word too many\n");
    return false;
}

static void do_send_key(struct monitor *m, const char *arg)
{
    size_t n = strcspn(arg, " \t");
    const char *rest = arg + n;
    char keys[LINE_SIZE];
    long ms = 100;
    struct error e = {0};

    snprintf(keys, sizeof(keys), "%.*s", (int)n, arg);
    if (!*keys)
        put(m, "sendkey: want keys, such as ctrl-alt-delete\n");
    else if (take_number(m, &rest, "sendkey", 1, 60000, true, &ms) &&
             take_end(m, rest) &&
             !m->host->send_key(m->host->owner, keys, (unsigned)ms, &e))
        putf(m, "sendkey: %s\n", e.text);
}

static void do_mouse_move(struct monitor *m, const char *arg)
{
    long x, y, z = 0;

    if (take_number(m, &arg, "mouse_move", -32767, 32767, false, &x) &&
        take_number(m, &arg, "mouse_move", -32767, 32767, false, &y) &&
        take_number(m, &arg, "mouse_move", -32767, 32767, true, &z) &&
        take_end(m, arg))
        m->host->mouse_move(m->host->owner, (int)x, (int)y, (int)z);
}

/* QEMU's order, which its manual gives: left, middle, right. */
static void do_mouse_button(struct monitor *m, const char *arg)
{
    long state;

    if (!take_number(m, &arg, "mouse_button", 0, 7, false, &state) ||
        !take_end(m, arg))
        return;
    m->host->mouse_button(m->host->owner, (state & 1 ? PS2_LEFT : 0) |
                                              (state & 2 ? PS2_MIDDLE : 0) |
                                              (state & 4 ? PS2_RIGHT : 0));
}

static const struct command {
    const char *name, *alias, *argument;
    void (*run)(struct monitor *m, const char *arg);
    const char *help;
} commands[] = {
    {"help", "?", NULL, do_help, "this list"},
    {"info", NULL, "WHAT", do_info, "show something; alone, lists what"},
    {"stop", "s", NULL, do_stop, "halt the machine"},
    {"cont", "c", NULL, do_cont, "let it go on"},
    {"system_reset", NULL, NULL, do_reset, "press the reset button"},
    {"system_powerdown", NULL, NULL, do_power_down, "press the power button"},
    {"system_wakeup", NULL, NULL, do_wake, "wake a machine that sleeps"},
    {"nmi", NULL, NULL, do_nmi, "press a PC's NMI button"},
    {"chardev-send-break", NULL, "ID", do_break,
     "send a break on a serial line"},
    {"eject", NULL, "[-f] DRIVE", do_eject, "take out a drive's medium"},
    {"change", NULL, "DRIVE FILE", do_change, "put a file into a drive"},
    {"screendump", NULL, "FILE", do_screendump,
     "write what the screen shows as PNG, or as PPM to a FILE.ppm"},
    {"sendkey", NULL, "KEYS [MS]", do_send_key,
     "type keys, with '-' between those that go together"},
    {"mouse_move", NULL, "DX DY [DZ]", do_mouse_move,
     "move the mouse right and down, turn its wheel"},
    {"mouse_button", NULL, "STATE", do_mouse_button,
     "mouse buttons: 1 left, 2 middle, 4 right"},
    {"quit", "q", NULL, do_quit, "end the emulator"},
};

static const struct {
    const char *name;
    enum monitor_info what;
    const char *help;
} infos[] = {
    {"block", INFO_BLOCK, "the disks' files"},
    {"chardev", INFO_CHARDEV, "where serial lines lead"},
    {"display", INFO_DISPLAY, "what the window has drawn"},
    {"name", INFO_NAME, "the machine's name"},
    {"registers", INFO_REGISTERS, "processor registers and counters"},
    {"status", INFO_STATUS, "whether the machine runs"},
};

static void do_help(struct monitor *m, const char *arg)
{
    (void)arg;
    for (size_t i = 0; i < COUNT(commands); i++) {
        const struct command *c = &commands[i];
        char name[40];

        snprintf(name, sizeof(name), "%s%s%s%s%s", c->name, c->alias ? "|" : "",
                 c->alias ? c->alias : "", c->argument ? " " : "",
                 c->argument ? c->argument : "");
        putf(m, "%-24s %s\n", name, c->help);
    }
}

static void unknown(struct monitor *m, const char *what, const char *word,
                    const char *const *names, size_t n)
{
    const char *near = nearest_name(word, names, n);

    if (near)
        putf(m, "unknown %s '%s'; did you mean '%s'?\n", what, word, near);
    else
        putf(m, "unknown %s '%s'; help lists all\n", what, word);
}

static void do_info(struct monitor *m, const char *arg)
{
    const char *names[COUNT(infos)];

    for (size_t i = 0; i < COUNT(infos); i++) {
        char *text;

        names[i] = infos[i].name;
        if (!*arg)
            putf(m, "info %-12s %s\n", infos[i].name, infos[i].help);
        if (strcmp(arg, infos[i].name))
            continue;
        text = calloc(1, INFO_SIZE);
        if (text) {
            m->host->info(m->host->owner, infos[i].what, text, INFO_SIZE);
            put(m, text);
        }
        free(text);
        return;
    }
    if (*arg)
        unknown(m, "thing to show", arg, names, COUNT(names));
}

/* Run m->line. */
static void run_line(struct monitor *m)
{
    const char *names[COUNT(commands)];
    char *word = m->line + strspn(m->line, " \t");
    char *arg = word + strcspn(word, " \t");

    if (*arg)
        *arg++ = '\0';
    arg += strspn(arg, " \t");
    for (size_t n = strlen(arg); n && strchr(" \t", arg[n - 1]);)
        arg[--n] = '\0';
    if (!*word)
        return;
    for (size_t i = 0; i < COUNT(commands); i++) {
        const struct command *c = &commands[i];

        names[i] = c->name;
        if (strcmp(word, c->name) && (!c->alias || strcmp(word, c->alias)))
            continue;
        if (*arg && !c->argument)
            putf(m, "%s takes no argument\n", c->name);
        else
            c->run(m, arg);
        return;
    }
    unknown(m, "command", word, names, COUNT(names));
}

/* ----------------------------------------------------------------- line */

static void prompt(struct monitor *m)
{
    m->length = 0;
    put(m, m->host->prompt);
}

/* Cursor and function keys send ESC, or CSI and a final byte. */
static bool skip_key(struct monitor *m, uint8_t key)
{
    switch (m->keys) {
    case AFTER_ESC:
        m->keys = key == '[' || key == 'O' ? IN_CSI : PLAIN;
        return true;
    case IN_CSI:
        if (key >= 0x40 && key <= 0x7e)
            m->keys = PLAIN;
        return true;
    case PLAIN:
        break;
    }
    if (key == 0x1b)
        m->keys = AFTER_ESC;
    return key == 0x1b;
}

static void erase(struct monitor *m, size_t n)
{
    for (; n && m->length; n--) {
        m->length--;
        put(m, "\b \b");
    }
}

static void end_line(struct monitor *m)
{
    put(m, "\n");
    m->line[m->length] = '\0';
    run_line(m);
    prompt(m);
}

void monitor_key(struct monitor *m, uint8_t key)
{
    char text[2] = {(char)key, '\0'};
    bool after_cr = m->after_cr;

    m->after_cr = key == '\r';
    if (skip_key(m, key) || (key == '\n' && after_cr))
        return;
    switch (key) {
    case '\r':
    case '\n':
        end_line(m);
        break;
    case '\b':
    case 0x7f:
        erase(m, 1);
        break;
    case CTRL_U:
        erase(m, m->length);
        break;
    case CTRL_C:
        put(m, "^C\n");
        prompt(m);
        break;
    default:
        if (key >= ' ' && m->length < LINE_SIZE - 1) {
            m->line[m->length++] = (char)key;
            put(m, text);
        }
    }
}

void monitor_enter(struct monitor *m)
{
    if (!m->greeted)
        put(m, "\nemu " EMU_VERSION
               " monitor - type 'help' for more information\n");
    else
        put(m, "\n");
    m->greeted = true;
    prompt(m);
}

struct monitor *monitor_new(const struct monitor_host *host,
                            void (*write)(void *owner, const char *bytes,
                                          size_t n),
                            void *owner)
{
    struct monitor *m = calloc(1, sizeof(*m));

    if (m) {
        m->host = host;
        m->write = write;
        m->owner = owner;
    }
    return m;
}

void monitor_free(struct monitor *m)
{
    free(m);
}
