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
#include "frontend/session_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cpu/core/lockstep.h"
#include "frontend/demo.h"
#include "frontend/host/block_file.h"
#include "frontend/host/signals.h"

enum { STATUS_WRONG_USE = 1 };
#define DRAIN_NS 1000000000u /* of what nobody waits for */

static uint64_t host_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

void session_say(const struct session *s, const char *text)
{
    fprintf(stderr, "%s: %s\n", s->config->program, text);
}

/* The first end counts. */
void session_end(struct session *s, enum end how, int code)
{
    if (s->end != END_NOT_YET)
        return;
    s->end = how;
    s->code = code;
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

    session_commands(s);
    s->env = (struct chr_env){
        .loop = s->loop,
        .escape = c->escape,
        .filter = !c->no_filter,
        .quit = session_quit,
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
        if (!session_add_medium(s, &c->drives[i], e))
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
        .pc_demo = c->compat ? NULL : pc_demo_image,
        .pc_demo_size = c->compat ? 0 : pc_demo_image_size,
        .devices = c->devices,
        .n_devices = c->n_devices,
        .no_defaults = c->nodefaults,
        .vga = c->vga,
        .no_graphics = is_nographic(c),
        .boot = c->boot,
        .fw_cfg = c->fw_cfg,
        .n_fw_cfg = c->n_fw_cfg,
        .smbios = c->smbios,
        .n_smbios = c->n_smbios,
        .uuid = c->uuid_given ? c->uuid : NULL,
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
    display_suspend(s->display);
    signals_stop();
}

static void resume(struct session *s)
{
    for (size_t i = 0; i < s->config->n_chars; i++)
        stream_resume(chr_stream(s->chrs[i]));
    display_resume(s->display);
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
            session_end(s, END_SIGNAL, number);
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
        session_end(s, END_PANIC, 0);
        break;
    case PANIC_PAUSE:
        halt(s, MACHINE_PANIC);
        break;
    case PANIC_FAIL:
        session_end(s, END_FAILED, 1);
        break;
    case PANIC_NONE:
        session_go_on(s, false);
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
        session_end(s, END_POWEROFF, 0);
        break;
    case MACHINE_FAILED:
        session_end(s, END_FAILED, code);
        break;
    case MACHINE_RESET:
        session_end(s, END_RESET, 0);
        break;
    case MACHINE_PANIC:
        look_at_panic(s);
        break;
    case MACHINE_DIFFERS:
        session_end(s, END_DIFFERS, 0);
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
        session_end(s, END_TIMEOUT, 0);
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
    struct stat st;

    display_free(s->display);
    terminal_leave(&s->terminal);
    machine_free(s->machine);
    for (size_t i = 0; s->chrs && i < c->n_chars; i++)
        chr_free(s->chrs[i]);
    for (size_t i = 0; i < s->n_media; i++)
        block_file_close(s->media[i].block);
    gate_free(s->gate);
    if (s->pid_fd >= 0) {
        /* A device that was named by mistake stays where it is. */
        if (!fstat(s->pid_fd, &st) && S_ISREG(st.st_mode))
            unlink(c->pid_file);
        close(s->pid_fd);
    }
    log_destroy(&s->log);
    if (s->log_file && (ferror(s->log_file) | fclose(s->log_file)))
        fprintf(stderr, "%s: -D %s: not all of it could be written\n",
                c->program, c->log_file);
    loop_free(s->loop);
}

/* How to leave, for who did not ask for a terminal by name. */
static void greet(const struct session *s)
{
    if (!machine_runs_demo(s->machine) || !isatty(STDERR_FILENO))
        return;
    session_say(s,
                "no image given, running the built-in demo; Ctrl-A X ends it, "
                "-help lists the options");
}

/* Only -bios none leaves a board without one; its processors would take the
 * zeros in memory for code. */
static bool check_program(const struct session *s, struct error *e)
{
    return machine_has_program(s->machine) ||
           error_set(e, "-bios none: nothing to run; wanted -kernel FILE, or "
                        "code in flash");
}

static bool prepare(struct session *s, struct error *e)
{
    struct config *c = s->config;

    return loop_new(&s->loop, e) && open_chars(s, e) && open_drives(s, e) &&
           make_machine(s, e) &&
           (c->dump_tree ? machine_dump_tree(s->machine, c->dump_tree, e)
                         : check_program(s, e));
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
        .closed = session_closed,
        .lost = session_lost,
        .disk = session_disk_requests,
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

static void move_mouse(void *stream, int dx, int dy, int dz, unsigned buttons)
{
    stream_move(stream, dx, dy, dz, buttons);
}

/* A serial mouse, if there is one, is what the user moves. */
static void find_mouse(struct session *s)
{
    for (size_t i = 0; i < s->config->n_chars; i++)
        if (stream_move(chr_stream(s->chrs[i]), 0, 0, 0, 0))
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
