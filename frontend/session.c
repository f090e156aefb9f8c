/*
 * One run: backends opened, a machine made, the main loop, and the end.
 *
 * Whatever may fail because of the command line is done before the machine
 * starts and before anything on the host is changed: a wrong option leaves
 * no file behind and none emptied.
 *
 * The guest is held (vCPUs paused, virtual clock stopped) while the monitor
 * has stopped it, and while a terminal or file does not take its output
 * fast enough; see host/stream.h.
 */
#include "frontend/session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cpu/core/lockstep.h"
#include "devices/display/display.h"
#include "frontend/demo.h"
#include "frontend/display/display.h"
#include "frontend/display/png.h"
#include "frontend/end.h"
#include "frontend/host/block_file.h"
#include "frontend/host/chr.h"
#include "frontend/host/signals.h"
#include "frontend/host/terminal.h"
#include "frontend/loop/loop.h"
#include "frontend/monitor/monitor.h"
#include "machine/machine.h"

enum hold { HOLD_USER = 1, HOLD_OUTPUT = 2 };
enum { STATUS_WRONG_USE = 1 };
#define DRAIN_NS 1000000000u /* of what nobody waits for */

/* A disk's file. */
struct medium {
    const struct drive_config *drive;
    struct block *block; /* NULL: the drive was empty, or is it now */
};

struct session {
    struct config *config;
    struct loop *loop;
    struct log log;
    FILE *log_file;
    int pid_fd;
    struct chr **chrs;    /* config->n_chars entries */
    struct medium *media; /* config->n_drives entries, and those that the
                             monitor put in */
    size_t n_media;
    struct gate *gate;
    struct machine *machine;
    struct chr_env env;
    struct monitor_host monitor_host;
    struct display_env display_env;
    struct display *display;
    atomic_ullong disk_requests;
    struct terminal terminal; /* that -display curses has */
    bool asked;               /* the window was closed once */

    bool started;      /* machine_start() was called */
    unsigned hold;     /* enum hold, or-ed */
    uint64_t deadline; /* of -timeout, on the monotonic clock; or UINT64_MAX */
    /* How the guest ended what goes on all the same (-no-shutdown, -action), or
     * MACHINE_RUNNING. */
    enum machine_end halted;
    enum end end;
    int code; /* see enum end */
};

static uint64_t host_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void say(const struct session *s, const char *text)
{
    fprintf(stderr, "%s: %s\n", s->config->program, text);
}

/* The first end counts. */
static void end(struct session *s, enum end how, int code)
{
    if (s->end != END_NOT_YET)
        return;
    s->end = how;
    s->code = code;
}

/* ------------------------------------------------------- monitor and keys */

static void quit(void *owner)
{
    end(owner, END_QUIT, 0);
}

static void stop(void *owner)
{
    ((struct session *)owner)->hold |= HOLD_USER;
}

/* The guest's end was none. */
static void go_on(struct session *s, bool from_reset)
{
    s->halted = MACHINE_RUNNING;
    machine_go_on(s->machine, from_reset);
}

static void cont(void *owner)
{
    struct session *s = owner;

    if (s->halted == MACHINE_POWEROFF || s->halted == MACHINE_RESET) {
        say(s, "the guest has ended; system_reset starts it again");
        return;
    }
    if (s->halted != MACHINE_RUNNING)
        go_on(s, false);
    s->hold &= ~(unsigned)HOLD_USER;
}

static void reset(void *owner)
{
    struct session *s = owner;

    if (s->halted != MACHINE_RUNNING)
        go_on(s, true);
    else if (s->started)
        machine_reset(s->machine);
}

static bool power_down(void *owner)
{
    struct session *s = owner;

    return s->started && machine_power_button(s->machine);
}

static bool send_break(void *owner, const char *id, struct error *e)
{
    struct session *s = owner;

    for (size_t i = 0; i < s->config->n_chars; i++)
        if (!strcmp(s->config->chars[i].id, id))
            return chr_break(s->chrs[i]) ||
                   error_set(e, "chardev '%s' leads to no chip", id);
    return error_set(e, "no chardev '%s'; info chardev lists them", id);
}

/* A copy of a frame, so that nobody waits for the file. */
struct picture {
    uint32_t *pixels; /* NULL: no memory */
    unsigned width, height;
};

static void copy_frame(void *owner, const struct display_frame *f)
{
    struct picture *p = owner;
    size_t size = (size_t)f->width * f->height * sizeof(*f->pixels);

    p->width = f->width;
    p->height = f->height;
    p->pixels = malloc(size);
    if (p->pixels)
        memcpy(p->pixels, f->pixels, size);
}

static bool screendump(void *owner, const char *file, struct error *e)
{
    struct session *s = owner;
    struct picture p = {0};
    bool ok;

    if (!s->started || !machine_show(s->machine, copy_frame, &p))
        return error_set(e, "this machine has no screen");
    ok = p.pixels ? png_write(file, p.pixels, p.width, p.height, e)
                  : error_set(e, "out of memory");
    free(p.pixels);
    return ok;
}

static struct medium *find_medium(const struct session *s,
                                  const struct block *b)
{
    for (size_t i = 0; b && i < s->n_media; i++)
        if (s->media[i].block == b)
            return &s->media[i];
    return NULL;
}

static size_t show_medium(const struct medium *m, const char *name, char *out,
                          size_t size)
{
    const struct drive_config *d = m->drive;

    return (size_t)snprintf(out, size, "%s: %s (raw%s%s), %llu bytes\n", name,
                            d->file, d->read_only ? ", read-only" : "",
                            d->snapshot && !d->read_only ? ", snapshot" : "",
                            (unsigned long long)m->block->size);
}

/* Is it in a drive of the board's, which has told of it? */
static bool is_in_drive(const struct session *s, const struct block *b)
{
    struct machine_drive d;

    for (unsigned n = 0; machine_drive(s->machine, n, &d); n++)
        if (d.medium == b)
            return true;
    return false;
}

static bool send_key(void *owner, const char *keys, unsigned ms,
                     struct error *e)
{
    return input_chord(display_input(((struct session *)owner)->display), keys,
                       ms, e);
}

static void mouse_move(void *owner, int dx, int dy, int dz)
{
    struct input *in = display_input(((struct session *)owner)->display);

    input_mouse(in, dx, dy, dz, input_buttons(in));
}

static void mouse_button(void *owner, unsigned buttons)
{
    input_mouse(display_input(((struct session *)owner)->display), 0, 0, 0,
                buttons);
}

/* The guest may power off first; who closes the window again has waited. */
static void closed(void *owner)
{
    struct session *s = owner;

    if (s->asked || !power_down(s))
        end(s, END_QUIT, 0);
    s->asked = true;
}

static uint64_t disk_requests(void *owner)
{
    return ((struct session *)owner)->disk_requests;
}

static void info_block(const struct session *s, char *out, size_t size)
{
    struct machine_drive d;
    size_t used = 0;

    for (unsigned n = 0; machine_drive(s->machine, n, &d) && used < size; n++) {
        const struct medium *m = find_medium(s, d.medium);
        char name[80];

        snprintf(name, sizeof(name), "%s%s%.50s%s", d.name, d.id ? " (" : "",
                 d.id ? d.id : "", d.id ? ")" : "");
        used += m ? show_medium(m, name, out + used, size - used)
                  : (size_t)snprintf(out + used, size - used,
                                     "%s: [not inserted]\n", name);
    }
    for (size_t i = 0; i < s->n_media && used < size; i++)
        if (s->media[i].block && !is_in_drive(s, s->media[i].block))
            used += show_medium(&s->media[i], s->media[i].drive->id, out + used,
                                size - used);
}

static bool add_medium(struct session *s, const struct drive_config *d,
                       struct error *e)
{
    struct medium *m =
        pool_append(&s->config->pool, &s->media, &s->n_media, sizeof(*m));

    *m = (struct medium){.drive = d};
    if (!d->file)
        return true;
    if (!block_file_open(&m->block, d, e))
        return false;
    block_file_count(m->block, &s->disk_requests);
    return true;
}

static void close_medium(struct session *s, struct block *b)
{
    struct medium *m = find_medium(s, b);

    if (m)
        m->block = NULL;
    block_file_close(b);
}

static bool change_medium(void *owner, const char *drive, const char *file,
                          bool read_only, bool force, struct error *e)
{
    struct session *s = owner;
    struct drive_config *d;
    struct block *old = NULL, *b = NULL;
    bool ok;

    if (file) {
        d = pool_alloc(&s->config->pool, sizeof(*d));
        *d = (struct drive_config){
            .file = pool_strdup(&s->config->pool, file),
            .id = pool_strdup(&s->config->pool, drive),
            .read_only = read_only || !strncmp(drive, "ide", 3),
            .snapshot = s->config->snapshot,
        };
        if (!add_medium(s, d, e))
            return false;
        b = s->media[s->n_media - 1].block;
    }
    ok = machine_change_medium(s->machine, drive, b, force, &old, e);
    if (old)
        close_medium(s, old);
    if (!ok && b)
        close_medium(s, b);
    return ok;
}

static void info_chardev(const struct session *s, char *out, size_t size)
{
    size_t used = 0;

    for (size_t i = 0; i < s->config->n_chars && used < size; i++) {
        char where[256];

        stream_describe(chr_stream(s->chrs[i]), where, sizeof(where));
        used += (size_t)snprintf(out + used, size - used, "%s: filename=%s\n",
                                 s->config->chars[i].id, where);
    }
}

/* Registers are there to be read while the vCPUs stand still. */
static void info_registers(struct session *s, char *out, size_t size)
{
    bool hold = s->started && !machine_paused(s->machine);

    if (hold)
        machine_pause(s->machine);
    machine_stats(s->machine, out, size);
    if (hold)
        machine_resume(s->machine);
}

static void info(void *owner, enum monitor_info what, char *out, size_t size)
{
    struct session *s = owner;
    const char *name = s->config->name;

    switch (what) {
    case INFO_BLOCK:
        info_block(s, out, size);
        break;
    case INFO_CHARDEV:
        info_chardev(s, out, size);
        break;
    case INFO_DISPLAY:
        display_info(s->display, out, size);
        break;
    case INFO_NAME:
        snprintf(out, size, "%s\n", name ? name : "(none)");
        break;
    case INFO_REGISTERS:
        info_registers(s, out, size);
        break;
    case INFO_STATUS:
        snprintf(out, size, "VM status: %s%s\n",
                 s->hold & HOLD_USER ? "paused" : "running",
                 s->halted == MACHINE_RUNNING ? ""
                 : s->halted == MACHINE_PANIC ? " (guest-panicked)"
                                              : " (shutdown)");
        break;
    }
}

/* ----------------------------------------------------------------- opening */

static struct chardev *find_chardev(void *owner, const char *id)
{
    struct session *s = owner;

    for (size_t i = 0; i < s->config->n_chars; i++)
        if (!strcmp(s->config->chars[i].id, id))
            return chr_guest(s->chrs[i]);
    return NULL;
}

static struct block *find_block(void *owner, const char *id)
{
    struct session *s = owner;

    for (size_t i = 0; i < s->n_media; i++)
        if (!strcmp(s->media[i].drive->id, id))
            return s->media[i].block;
    return NULL;
}

static void wake(void *owner)
{
    loop_wake(((struct session *)owner)->loop);
}

static void on_room(void *owner, unsigned source)
{
    (void)source;
    wake(owner);
}

static bool open_chars(struct session *s, struct error *e)
{
    struct config *c = s->config;

    s->monitor_host = (struct monitor_host){
        .prompt = c->compat ? "(qemu) " : "(emu) ",
        .quit = quit,
        .stop = stop,
        .cont = cont,
        .reset = reset,
        .power_down = power_down,
        .send_break = send_break,
        .screendump = screendump,
        .change_medium = change_medium,
        .send_key = send_key,
        .mouse_move = mouse_move,
        .mouse_button = mouse_button,
        .info = info,
        .owner = s,
    };
    s->env = (struct chr_env){
        .loop = s->loop,
        .escape = c->escape,
        .filter = !c->no_filter,
        .quit = quit,
        .monitor_host = &s->monitor_host,
        .owner = s,
    };
    s->chrs = pool_alloc(&c->pool, c->n_chars * sizeof(*s->chrs));
    s->gate = gate_new();
    if (!s->gate)
        return error_set(e, "out of memory");
    gate_on_room(s->gate, on_room, s);
    for (size_t i = 0; i < c->n_chars; i++) {
        if (!chr_new(&s->chrs[i], &c->chars[i], &s->env, e))
            return error_prefix(e, "%s", c->chars[i].option);
        chr_set_gate(s->chrs[i], s->gate);
    }
    return true;
}

static bool open_drives(struct session *s, struct error *e)
{
    struct config *c = s->config;

    for (size_t i = 0; i < c->n_drives; i++)
        if (!add_medium(s, &c->drives[i], e))
            return error_prefix(e, "%s", c->drives[i].option);
    return true;
}

/* The drives as the machine wants to know of them. */
static const struct drive_option *drive_options(struct config *c)
{
    struct drive_option *out = pool_alloc(&c->pool, c->n_drives * sizeof(*out));

    for (size_t i = 0; i < c->n_drives; i++) {
        const struct drive_config *d = &c->drives[i];

        out[i] = (struct drive_option){
            .option = d->option,
            .id = d->id,
            .interface = d->interface,
            .empty = !d->file,
            .cd = d->cd,
            .index = d->index,
            .bus = d->bus,
            .unit = d->unit,
        };
    }
    return out;
}

/* A -serial that the board has no line for would lead nowhere. */
static bool check_serials(struct session *s, struct error *e)
{
    struct config *c = s->config;

    for (size_t i = 0; i < c->n_serials; i++) {
        const struct char_config *d;

        if (!c->serials[i] || find_chardev(s, c->serials[i])->sink)
            continue;
        d = config_char(c, c->serials[i]);
        if (d->kind != CHAR_NULL && !strcmp(d->option, "-serial"))
            return error_set(e,
                             "-serial: the board has %zu serial line%s, none "
                             "for this one",
                             i, i == 1 ? "" : "s");
    }
    return true;
}

/* Why a window cannot be had here; NULL: it can. */
static const char *no_window(void)
{
    const char *x = getenv("DISPLAY"), *wayland = getenv("WAYLAND_DISPLAY");
    struct error e;

    if (!(x && *x) && !(wayland && *wayland))
        return "no display for a window ($DISPLAY is not set)";
    return display_built(DISPLAY_SDL, &e) ? NULL : "built without SDL 2";
}

/* Firmware is to use the serial line. */
static bool is_nographic(const struct config *c)
{
    return c->nographic || (c->display == DISPLAY_DEFAULT && no_window());
}

static bool make_machine(struct session *s, struct error *e)
{
    struct config *c = s->config;
    struct machine_config m = {
        .board = c->board,
        .board_options = c->board_options,
        .n_board_options = c->n_board_options,
        .ram_size = c->ram,
        .cpus = c->cpus,
        .cpu = c->cpu,
        .board_cpu = !strcmp(c->program, "qemu-system-riscv32") ? "rv32" : NULL,
        .kernel = c->kernel,
        .initrd = c->initrd,
        .append = c->append,
        .dtb = c->dtb,
        .bios = c->bios,
        .firmware_dirs = c->firmware_dirs,
        .demo = c->compat ? NULL : demo_image,
        .demo_size = c->compat ? 0 : demo_image_size,
        .devices = c->devices,
        .n_devices = c->n_devices,
        .no_defaults = c->nodefaults,
        .vga = c->vga,
        .no_graphics = is_nographic(c),
        .boot = c->boot,
        .fw_cfg = c->fw_cfg,
        .n_fw_cfg = c->n_fw_cfg,
        .icount = c->icount,
        .jit = c->jit,
        .jit_buffer = c->jit_buffer,
        .jit_off = c->jit_off,
        .lockstep = !c->lockstep         ? 0
                    : c->lockstep_window ? c->lockstep_window
                                         : LOCKSTEP_WINDOW,
        .icount_shift = c->icount_shift,
        .seed = c->seed,
        .wall_clock_stops = c->rtc_vm,
        .no_chain = (c->log_mask & LOG_EXEC) != 0,
        .log = &s->log,
        .gate = s->gate,
        .backends = {find_chardev, find_block, s},
        .wake = wake,
        .owner = s,
    };

    m.wall_clock_given = config_wall_clock(c, &m.wall_clock_ns);
    for (size_t i = 0; i < c->n_serials; i++)
        m.serial[i] = c->serials[i];
    m.parallel = c->parallel;
    m.drives = drive_options(c);
    m.n_drives = c->n_drives;
    memcpy(m.pflash, c->pflash, sizeof(m.pflash));
    if (!machine_new(&s->machine, &m, e))
        return false;
    machine_set_no_reboot(s->machine, c->no_reboot);
    if (c->jit_wanted && machine_jit_missing(s->machine))
        fprintf(stderr, "emu: -accel jit: %s; interpreting instead\n",
                machine_jit_missing(s->machine));
    return check_serials(s, e);
}

/* The pid file and the log; from here on, the host is changed. */
static bool open_files(struct session *s, struct error *e)
{
    const struct config *c = s->config;
    char text[32];
    int n;

    if (c->pid_file) {
        s->pid_fd = open(c->pid_file, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        if (s->pid_fd < 0)
            return error_set(e, "-pidfile %s: %s", c->pid_file,
                             strerror(errno));
    }
    if (c->log_file) {
        s->log_file = fopen(c->log_file, "we");
        if (!s->log_file)
            return error_set(e, "-D %s: %s", c->log_file, strerror(errno));
        s->log.file = s->log_file;
    }
    if (c->pid_file) {
        n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
        if (ftruncate(s->pid_fd, 0) || write(s->pid_fd, text, (size_t)n) != n)
            return error_set(e, "-pidfile %s: %s", c->pid_file,
                             strerror(errno));
    }
    return true;
}

/* ---------------------------------------------------------------- signals */

static void suspend(struct session *s)
{
    for (size_t i = 0; i < s->config->n_chars; i++)
        stream_suspend(chr_stream(s->chrs[i]));
    signals_stop();
}

static void resume(struct session *s)
{
    for (size_t i = 0; i < s->config->n_chars; i++)
        stream_resume(chr_stream(s->chrs[i]));
}

static void on_signal(void *owner, short revents)
{
    struct session *s = owner;
    int number;

    (void)revents;
    while ((number = signals_next()) != 0) {
        if (number == SIGTSTP)
            suspend(s);
        if (number == SIGTSTP || number == SIGCONT)
            resume(s);
        else
            end(s, END_SIGNAL, number);
    }
}

static struct terminal *find_terminal(struct session *s)
{
    if (s->config->display == DISPLAY_CURSES)
        return &s->terminal;
    for (size_t i = 0; i < s->config->n_chars; i++)
        if (stream_terminal(chr_stream(s->chrs[i])))
            return stream_terminal(chr_stream(s->chrs[i]));
    return NULL;
}

/* ------------------------------------------------------------ the main loop */

static void service(struct session *s)
{
    bool full = false;

    for (size_t i = 0; i < s->config->n_chars; i++) {
        struct stream *stream = chr_stream(s->chrs[i]);
        int error;

        chr_service(s->chrs[i]);
        full |= stream_full(stream);
        error = stream_error(stream);
        if (error)
            fprintf(stderr, "%s: %s: %s; output is dropped\n",
                    s->config->program, s->config->chars[i].id,
                    strerror(error));
    }
    if (full)
        s->hold |= HOLD_OUTPUT;
    else
        s->hold &= ~(unsigned)HOLD_OUTPUT;
}

static bool start(struct session *s, struct error *e)
{
    sigset_t old;
    bool good;

    signals_block(&old);
    good = machine_start(s->machine, e);
    signals_restore(&old);
    s->started = true;
    return good;
}

/* Let the machine run, or not, as `hold` says.  Tells whether that is new:
 * machine_poll() must be asked again then for how long it may sleep. */
static bool apply_hold(struct session *s, bool *changed, struct error *e)
{
    bool want = !s->hold;

    *changed = false;
    if (!s->started) {
        if (s->hold & HOLD_USER)
            return true;
        *changed = true;
        return start(s, e);
    }
    if (want == !machine_paused(s->machine))
        return true;
    *changed = true;
    if (want)
        machine_resume(s->machine);
    else
        machine_pause(s->machine);
    return true;
}

/* What the guest meant to be the end is a pause. */
static void halt(struct session *s, enum machine_end how)
{
    s->halted = how;
    s->hold |= HOLD_USER;
}

static void look_at_panic(struct session *s)
{
    switch (s->config->at_panic) {
    case PANIC_SHUTDOWN:
        end(s, END_PANIC, 0);
        break;
    case PANIC_PAUSE:
        halt(s, MACHINE_PANIC);
        break;
    case PANIC_FAIL:
        end(s, END_FAILED, 1);
        break;
    case PANIC_NONE:
        go_on(s, false);
        break;
    }
}

/* Has the guest ended the run? */
static void look_for_end(struct session *s)
{
    enum machine_end how;
    int code = 0;

    how = machine_ended(s->machine, &code);
    if (how == s->halted)
        return;
    if (s->config->pause_at_shutdown &&
        (how == MACHINE_POWEROFF || how == MACHINE_RESET)) {
        halt(s, how);
        return;
    }
    switch (how) {
    case MACHINE_RUNNING:
        break;
    case MACHINE_POWEROFF:
        end(s, END_POWEROFF, 0);
        break;
    case MACHINE_FAILED:
        end(s, END_FAILED, code);
        break;
    case MACHINE_RESET:
        end(s, END_RESET, 0);
        break;
    case MACHINE_PANIC:
        look_at_panic(s);
        break;
    case MACHINE_DIFFERS:
        end(s, END_DIFFERS, 0);
        break;
    }
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Sleep until something is to be done, at most ns. */
static void sleep_once(struct session *s, uint64_t ns)
{
    uint64_t now = host_ns();

    ns = earlier(ns, display_service(s->display));
    for (size_t i = 0; i < s->config->n_chars; i++)
        ns = earlier(ns, stream_wait(chr_stream(s->chrs[i])));
    if (s->deadline != UINT64_MAX)
        ns = earlier(ns, s->deadline > now ? s->deadline - now : 0);
    /* The display may have ended the run. */
    loop_once(s->loop, s->end == END_NOT_YET ? ns : 0);
    if (s->deadline != UINT64_MAX && host_ns() >= s->deadline) {
        s->deadline = UINT64_MAX;
        end(s, END_TIMEOUT, 0);
    }
}

static bool run(struct session *s, struct error *e)
{
    while (s->end == END_NOT_YET) {
        uint64_t wait = UINT64_MAX;
        bool changed;

        if (s->started) {
            wait = machine_poll(s->machine);
            look_for_end(s);
        }
        service(s);
        if (s->end == END_NOT_YET) {
            if (!apply_hold(s, &changed, e))
                return false;
            sleep_once(s, changed ? 0 : wait);
        }
    }
    return true;
}

/* -chardev socket,wait=on: nothing starts before the client is there. */
static void wait_for_clients(struct session *s)
{
    for (size_t i = 0; i < s->config->n_chars; i++) {
        struct stream *stream = chr_stream(s->chrs[i]);

        if (!stream_waiting(stream))
            continue;
        fprintf(stderr, "%s: waiting for a connection on %s\n",
                s->config->program, s->config->chars[i].path);
        while (s->end == END_NOT_YET && stream_waiting(stream)) {
            service(s);
            sleep_once(s, UINT64_MAX);
        }
    }
}

/* ------------------------------------------------------------------ the end */

static bool output_pending(struct session *s)
{
    bool pending = false;

    for (size_t i = 0; i < s->config->n_chars; i++)
        pending |= stream_pending(chr_stream(s->chrs[i]));
    return pending;
}

/*
 * Let the rest of the output out.  A guest's own end waits for the reader,
 * as any program does whose output goes through a pipe, until the user, a
 * signal or the time-out says otherwise; where one of them has spoken
 * already, for a second.
 */
static void drain(struct session *s)
{
    enum end how = s->end;
    int code = s->code;
    bool patient = how != END_QUIT && how != END_TIMEOUT && how != END_SIGNAL;
    uint64_t limit = host_ns() + DRAIN_NS;

    s->end = END_NOT_YET; /* to see whether somebody speaks now */
    while (output_pending(s) && s->end == END_NOT_YET) {
        uint64_t now = host_ns();

        if (!patient && now >= limit)
            break;
        service(s);
        sleep_once(s, patient ? UINT64_MAX : limit - now);
    }
    service(s); /* an error may have come with the last of it */
    /* What was cut off is not the guest's own end any more. */
    if (!patient || s->end == END_NOT_YET || s->end == END_QUIT) {
        s->end = how;
        s->code = code;
    }
}

static void log_stats(struct session *s)
{
    char text[4096] = "";

    if (!log_on(&s->log, LOG_STATS))
        return;
    machine_stats(s->machine, text, sizeof(text));
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        log_line(&s->log, LOG_STATS, "%s", line);
}

static void log_hash(struct session *s)
{
    uint64_t hash;

    if (log_on(&s->log, LOG_HASH) && machine_hash(s->machine, &hash))
        log_line(&s->log, LOG_HASH, "state hash %016llx",
                 (unsigned long long)hash);
}

/* Stop the machine, let its output out, put the cursor below it. */
static void finish(struct session *s)
{
    if (s->started)
        machine_stop(s->machine);
    for (size_t i = 0; i < s->config->n_chars; i++) {
        struct stream *stream = chr_stream(s->chrs[i]);

        if (stream_shown(stream) && stream_midline(stream))
            stream_print(stream, "\r\n");
    }
    drain(s);
    log_stats(s);
    log_hash(s);
}

static void session_free(struct session *s)
{
    struct config *c = s->config;

    display_free(s->display);
    terminal_leave(&s->terminal);
    machine_free(s->machine);
    for (size_t i = 0; s->chrs && i < c->n_chars; i++)
        chr_free(s->chrs[i]);
    for (size_t i = 0; i < s->n_media; i++)
        block_file_close(s->media[i].block);
    gate_free(s->gate);
    if (s->pid_fd >= 0) {
        unlink(c->pid_file);
        close(s->pid_fd);
    }
    log_destroy(&s->log);
    if (s->log_file)
        fclose(s->log_file);
    loop_free(s->loop);
}

/* How to leave, for who did not ask for a terminal by name. */
static void greet(const struct session *s)
{
    if (!machine_runs_demo(s->machine) || !isatty(STDERR_FILENO))
        return;
    say(s, "no image given, running the built-in demo; Ctrl-A X ends it, "
           "-help lists the options");
}

static bool prepare(struct session *s, struct error *e)
{
    struct config *c = s->config;

    return loop_new(&s->loop, e) && open_chars(s, e) && open_drives(s, e) &&
           make_machine(s, e) &&
           (!c->dump_tree || machine_dump_tree(s->machine, c->dump_tree, e));
}

/* What to show where no option says; tells why it is no window. */
static enum display_kind choose_display(const struct session *s)
{
    if (s->config->display != DISPLAY_DEFAULT)
        return s->config->display;
    if (s->config->nographic || !machine_has_screen(s->machine))
        return DISPLAY_NONE;
    if (!no_window())
        return DISPLAY_SDL;
    fprintf(stderr, "%s: %s; running as -nographic\n", s->config->program,
            no_window());
    return DISPLAY_NONE;
}

static bool open_display(struct session *s, struct error *e)
{
    static const char *const options[] = {
        [DISPLAY_SDL] = "-display sdl", [DISPLAY_CURSES] = "-display curses"};
    enum display_kind kind = choose_display(s);
    sigset_t old;
    bool good;

    s->display_env = (struct display_env){
        .loop = s->loop,
        .machine = s->machine,
        .name = s->config->name,
        .full_screen = s->config->full_screen,
        .monitor_host = &s->monitor_host,
        .closed = closed,
        .disk = disk_requests,
        .owner = s,
    };
    if (kind != DISPLAY_NONE && !machine_has_screen(s->machine))
        return error_set(e, "%s: this machine has no screen", options[kind]);
    if (kind == DISPLAY_CURSES)
        terminal_enter(&s->terminal);
    signals_block(&old);
    good = display_open(&s->display, kind, &s->display_env, e);
    signals_restore(&old);
    if (!good && kind != DISPLAY_NONE)
        error_prefix(e, "%s", options[kind]);
    if (!good && s->config->display == DISPLAY_DEFAULT) {
        struct error why = *e;

        error_set(e, "%s; -nographic does without", why.text);
    }
    return good;
}

static void move_mouse(void *stream, int dx, int dy, unsigned buttons)
{
    stream_move(stream, dx, dy, buttons);
}

/* A serial mouse, if there is one, is what the user moves. */
static void find_mouse(struct session *s)
{
    for (size_t i = 0; i < s->config->n_chars; i++)
        if (stream_move(chr_stream(s->chrs[i]), 0, 0, 0))
            input_divert(display_input(s->display), move_mouse,
                         chr_stream(s->chrs[i]));
}

static bool go(struct session *s, struct error *e)
{
    struct config *c = s->config;

    if (!signals_open(find_terminal(s), c->compat, e) || !open_display(s, e))
        return false;
    find_mouse(s);
    loop_watch(s->loop, signals_fd(), POLLIN, on_signal, s);
    for (size_t i = 0; i < c->n_chars; i++)
        if (!stream_open(chr_stream(s->chrs[i]), e))
            return error_prefix(e, "%s", c->chars[i].option);
    if (!open_files(s, e))
        return false;
    greet(s);
    for (size_t i = 0; i < c->n_chars; i++)
        chr_begin(s->chrs[i]);
    s->hold = c->start_paused ? HOLD_USER : 0;
    if (c->timeout_ns)
        s->deadline = host_ns() + c->timeout_ns;
    wait_for_clients(s);
    return run(s, e);
}

int session_run(struct config *config)
{
    struct session s = {.config = config, .pid_fd = -1, .deadline = UINT64_MAX};
    struct error e = {""};
    char text[640] = "", *report = NULL;
    int status = STATUS_WRONG_USE;

    terminal_init(&s.terminal, STDIN_FILENO, false);
    /* The main screen, colours and cursor: curses' end in a crash. */
    s.terminal.goodbye = "\033[?1049l\033[0m\033[?25h";
    log_init(&s.log, stderr);
    s.log.mask = config->log_mask;
    signals_ignore();
    if (prepare(&s, &e)) {
        if (config->dump_tree) {
            status = 0;
        } else if (go(&s, &e)) {
            finish(&s);
            status = end_status(s.end, s.code, config->compat);
            end_text(s.end, s.code, config->compat, machine_why(s.machine),
                     text, sizeof(text));
            if (s.end == END_DIFFERS)
                report = strdup(machine_lockstep_report(s.machine));
        }
    }
    session_free(&s); /* the terminal is put back here */
    if (report)
        fputs(report, stderr);
    free(report);
    if (e.text[0])
        fprintf(stderr, "%s: %s\n", config->program, e.text);
    else if (text[0])
        fprintf(stderr, "%s: %s\n", config->program, text);
    return status;
}
