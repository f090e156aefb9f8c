/*
 * What a person asks of a run: the monitor's commands, keys that end it, the
 * window's close button.
 */
#include <stdlib.h>
#include <string.h>

#include "devices/display/display.h"
#include "frontend/display/picture.h"
#include "frontend/host/block_file.h"
#include "frontend/session_priv.h"

void session_quit(void *owner)
{
    session_end(owner, END_QUIT, 0);
}

static void stop(void *owner)
{
    ((struct session *)owner)->hold |= HOLD_USER;
}

/* The guest's end was none. */
void session_go_on(struct session *s, bool from_reset)
{
    s->halted = MACHINE_RUNNING;
    machine_go_on(s->machine, from_reset);
}

static void cont(void *owner)
{
    struct session *s = owner;

    if (s->halted == MACHINE_POWEROFF || s->halted == MACHINE_RESET) {
        session_say(s, "the guest has ended; system_reset starts it again");
        return;
    }
    if (s->halted != MACHINE_RUNNING)
        session_go_on(s, false);
    s->hold &= ~(unsigned)HOLD_USER;
}

static void reset(void *owner)
{
    struct session *s = owner;

    if (s->halted != MACHINE_RUNNING)
        session_go_on(s, true);
    else if (s->started)
        machine_reset(s->machine);
}

static bool power_down(void *owner)
{
    struct session *s = owner;

    return s->started && machine_power_button(s->machine);
}

/* By its button, as one would. */
static bool wake(void *owner)
{
    struct session *s = owner;

    return s->started && machine_asleep(s->machine) &&
           machine_power_button(s->machine);
}

static bool nmi(void *owner)
{
    struct session *s = owner;

    return s->started && machine_nmi(s->machine);
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

    if (!s->started)
        return error_set(e, "the machine has not been started; see cont");
    if (!machine_show(s->machine, copy_frame, &p))
        return error_set(e, "this machine has no screen");
    ok = p.pixels ? picture_write(file, p.pixels, p.width, p.height, e)
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
void session_closed(void *owner)
{
    struct session *s = owner;

    if (s->asked || !power_down(s))
        session_end(s, END_QUIT, 0);
    s->asked = true;
}

void session_lost(void *owner)
{
    session_say(owner, "the window is gone with its display; the guest was "
                       "asked to power off and runs on without");
    session_closed(owner);
}

uint64_t session_disk_requests(void *owner)
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

static void disk_failed(void *owner, const char *file, const char *what,
                        int err)
{
    struct error e;

    error_set(&e, "%s: a %s failed: %s; the guest sees an error", file, what,
              strerror(err));
    session_say(owner, e.text);
}

bool session_add_medium(struct session *s, const struct drive_config *d,
                        struct error *e)
{
    struct medium *m =
        pool_append(&s->config->pool, &s->media, &s->n_media, sizeof(*m));

    *m = (struct medium){.drive = d};
    if (!d->file)
        return true;
    if (!block_file_open(&m->block, d, e))
        return false;
    block_file_watch(m->block, &s->watch);
    return true;
}

static void close_medium(struct session *s, struct block *b)
{
    struct medium *m = find_medium(s, b);

    if (m)
        m->block = NULL;
    block_file_close(b);
}

/* The drive of that name or id. */
static bool find_drive(const struct session *s, const char *drive,
                       struct machine_drive *d)
{
    for (unsigned n = 0; machine_drive(s->machine, n, d); n++)
        if (!strcmp(d->name, drive) || (d->id && !strcmp(d->id, drive)))
            return true;
    *d = (struct machine_drive){.medium = NULL};
    return false;
}

static bool change_medium(void *owner, const char *drive, const char *file,
                          bool read_only, bool force, struct error *e)
{
    struct session *s = owner;
    struct drive_config *d;
    struct block *old = NULL, *b = NULL;
    struct machine_drive place;
    const struct medium *now;
    bool cd, ok;

    if (file) {
        cd = find_drive(s, drive, &place) && place.cd;
        now = find_medium(s, place.medium);
        /* The file that is in the drive has a lock: out with it first. */
        if (now && !strcmp(now->drive->file, file) &&
            !change_medium(s, drive, NULL, false, force, e))
            return false;
        d = pool_alloc(&s->config->pool, sizeof(*d));
        *d = (struct drive_config){
            .file = pool_strdup(&s->config->pool, file),
            .id = pool_strdup(&s->config->pool, drive),
            .read_only = read_only || cd,
            .raw_given = cd, /* as with -cdrom */
            .snapshot = s->config->snapshot,
        };
        if (!session_add_medium(s, d, e))
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
                 s->halted == MACHINE_RUNNING
                     ? machine_asleep(s->machine) ? " (suspended)" : ""
                 : s->halted == MACHINE_PANIC ? " (guest-panicked)"
                                              : " (shutdown)");
        break;
    }
}

void session_commands(struct session *s)
{
    s->monitor_host = (struct monitor_host){
        .prompt = s->config->compat ? "(qemu) " : "(emu) ",
        .quit = session_quit,
        .stop = stop,
        .cont = cont,
        .reset = reset,
        .power_down = power_down,
        .wake = wake,
        .nmi = nmi,
        .send_break = send_break,
        .screendump = screendump,
        .change_medium = change_medium,
        .send_key = send_key,
        .mouse_move = mouse_move,
        .mouse_button = mouse_button,
        .info = info,
        .owner = s,
    };
    s->watch = (struct block_watch){
        .requests = &s->disk_requests,
        .failed = disk_failed,
        .owner = s,
    };
}
