/*
 * What stands between a machine and the way its screen is shown: loads the
 * module, and hands on what each side asks of the other.
 */
#include "frontend/display/display.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "frontend/display/screen.h"
#include "frontend/host/module.h"

struct display {
    const struct display_env *env;
    struct input *input;
    struct screen_host host;
    const struct screen_class *class; /* NULL: nothing is shown */
    void *screen;
    struct monitor *monitor; /* the screen's, or NULL */
    atomic_uint closes;      /* asked by the user, */
    unsigned closed;         /* and passed on */
    atomic_bool lost;
    bool watched; /* class->fd is */
};

static const struct {
    const char *module, *missing; /* what it would need; NULL: it is here */
} kinds[] = {
    [DISPLAY_DEFAULT] = {NULL, NULL},
    [DISPLAY_NONE] = {NULL, NULL},
#ifdef HAVE_SDL
    [DISPLAY_SDL] = {"sdl", NULL},
#else
    [DISPLAY_SDL] = {NULL, "sdl, SDL 2 (libsdl2-dev)"},
#endif
#ifdef HAVE_CURSES
    [DISPLAY_CURSES] = {"curses", NULL},
#else
    [DISPLAY_CURSES] = {NULL, "curses, ncurses (libncurses-dev)"},
#endif
};

bool display_built(enum display_kind kind, struct error *e)
{
    return !kinds[kind].missing ||
           error_set(e, "this emulator was built without %s",
                     kinds[kind].missing);
}

/* ---------------------------------------------------------- for the screen */

static void show(void *owner,
                 void (*fn)(void *arg, const struct display_frame *f),
                 void *arg)
{
    struct display *d = owner;

    machine_show(d->env->machine, fn, arg);
}

static bool text(void *owner,
                 void (*fn)(void *arg, const struct display_text *t), void *arg)
{
    struct display *d = owner;

    return machine_show_text(d->env->machine, fn, arg);
}

static void key(void *owner, unsigned number, bool down)
{
    input_key(((struct display *)owner)->input, number, down);
}

static void mouse(void *owner, int dx, int dy, int dz, unsigned buttons)
{
    input_mouse(((struct display *)owner)->input, dx, dy, dz, buttons);
}

static void joystick(void *owner, const struct joysticks *j)
{
    input_joystick(((struct display *)owner)->input, j);
}

static void release(void *owner)
{
    input_release(((struct display *)owner)->input);
}

static void close_it(void *owner)
{
    struct display *d = owner;

    d->closes++;
    loop_wake(d->env->loop);
}

static void lose(void *owner)
{
    struct display *d = owner;

    d->lost = true;
    loop_wake(d->env->loop);
}

static bool leds(void *owner, unsigned *out)
{
    return machine_leds(((struct display *)owner)->env->machine, out);
}

static void activity(void *owner, struct screen_activity *out)
{
    struct display *d = owner;

    out->instructions = machine_instructions(d->env->machine);
    out->disk = d->env->disk(d->env->owner);
}

static void monitor_write(void *owner, const char *bytes, size_t n)
{
    struct display *d = owner;

    d->class->print(d->screen, bytes, n);
}

static void monitor_byte(void *owner, uint8_t byte)
{
    struct display *d = owner;

    if (d->monitor) {
        monitor_key(d->monitor, byte);
        return;
    }
    d->monitor = monitor_new(d->env->monitor_host, monitor_write, d);
    if (d->monitor)
        monitor_enter(d->monitor);
}

/* ----------------------------------------------------------------- service */

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* The descriptor only wakes: display_service() follows each sleep. */
static void readable(void *owner, short revents)
{
    (void)owner, (void)revents;
}

uint64_t display_service(struct display *d)
{
    uint64_t wait = input_service(d->input, now_ns()), screen;

    for (; d->closed != d->closes; d->closed++)
        d->env->closed(d->env->owner);
    if (atomic_exchange(&d->lost, false))
        d->env->lost(d->env->owner);
    if (!d->class || !d->class->service)
        return wait;
    screen = d->class->service(d->screen);
    return wait < screen ? wait : screen;
}

void display_suspend(struct display *d)
{
    if (d && d->class && d->class->suspend)
        d->class->suspend(d->screen);
}

void display_resume(struct display *d)
{
    if (d && d->class && d->class->resume)
        d->class->resume(d->screen);
}

struct input *display_input(struct display *d)
{
    return d->input;
}

void display_info(struct display *d, char *out, size_t size)
{
    if (d->class)
        d->class->info(d->screen, out, size);
    else
        snprintf(out, size, "none\n");
}

/* -------------------------------------------------------------------- life */

static bool load(struct display *d, const char *module, struct error *e)
{
    d->class = module_load(module, "emu_screen", e);
    if (!d->class)
        return false;
    if (!d->class->open(&d->screen, &d->host, e)) {
        d->class = NULL;
        return false;
    }
    if (d->class->fd) {
        loop_watch(d->env->loop, d->class->fd(d->screen), POLLIN, readable, d);
        d->watched = true;
    }
    return true;
}

bool display_open(struct display **out, enum display_kind kind,
                  const struct display_env *env, struct error *e)
{
    struct display *d = calloc(1, sizeof(*d));

    if (d)
        d->input = input_new(env->machine);
    if (!d || !d->input) {
        free(d);
        return error_set(e, "out of memory");
    }
    d->env = env;
    d->host = (struct screen_host){
        .name = env->name,
        .full_screen = env->full_screen,
        .show = show,
        .text = text,
        .key = key,
        .mouse = mouse,
        .joysticks = machine_has_gameport(env->machine),
        .joystick = joystick,
        .release = release,
        .leds = leds,
        .close = close_it,
        .lost = lose,
        .activity = activity,
        .monitor_key = monitor_byte,
        .owner = d,
    };
    if (display_built(kind, e) &&
        (!kinds[kind].module || load(d, kinds[kind].module, e))) {
        *out = d;
        return true;
    }
    display_free(d);
    return false;
}

void display_free(struct display *d)
{
    if (!d)
        return;
    if (d->watched)
        loop_unwatch(d->env->loop, d->class->fd(d->screen));
    if (d->class)
        d->class->close(d->screen);
    monitor_free(d->monitor);
    input_free(d->input);
    free(d);
}
