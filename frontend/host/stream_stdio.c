/*
 * Standard input and output.
 *
 * Input is read only while we are in the foreground of the terminal; in the
 * background we look every quarter of a second whether that has changed,
 * since a shell's fg does not always tell.  The end of input (</dev/null, a
 * closed pipe) ends the input and nothing else.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "frontend/host/stream_priv.h"
#include "frontend/host/terminal.h"

enum { LOOK_NS = 250000000 };

struct stdio {
    struct stream s;
    struct writer writer;
    struct terminal terminal;
    enum {
        READING,    /* the loop watches the descriptor */
        WAITING,    /* for room at the user's */
        BACKGROUND, /* the terminal is not ours now */
        ENDED,      /* there is nothing more to come */
    } input;
};

static struct stdio *stdio_of(struct stream *s)
{
    return (struct stdio *)s;
}

static void readable(void *owner, short revents);

static void set_input(struct stdio *t, int input)
{
    t->input = input;
    loop_watch(t->s.loop, STDIN_FILENO, input == READING ? POLLIN : 0, readable,
               t);
}

static void readable(void *owner, short revents)
{
    struct stdio *t = owner;

    (void)revents;
    if (!terminal_foreground(&t->terminal)) {
        set_input(t, BACKGROUND);
        return;
    }
    switch (stream_input(&t->s, STDIN_FILENO)) {
    case INPUT_FULL:
        set_input(t, WAITING);
        break;
    case INPUT_END:
        set_input(t, ENDED);
        break;
    case INPUT_ERROR:
        /* EIO: the terminal has hung up, or was taken from us just now. */
        set_input(t, terminal_foreground(&t->terminal) ? ENDED : BACKGROUND);
        break;
    case INPUT_OK:
    case INPUT_AGAIN:
        break;
    }
}

static bool start(struct stream *s, struct error *e)
{
    struct stdio *t = stdio_of(s);

    terminal_init(&t->terminal, STDIN_FILENO, s->config->signals);
    if (!writer_start(&t->writer, s, STDOUT_FILENO, e))
        return false;
    set_input(t, terminal_enter(&t->terminal) ? READING : BACKGROUND);
    return true;
}

static void finish(struct stream *s)
{
    struct stdio *t = stdio_of(s);

    writer_stop(&t->writer);
    if (!s->opened)
        return;
    loop_unwatch(s->loop, STDIN_FILENO);
    terminal_leave(&t->terminal);
}

static void kick(struct stream *s)
{
    writer_kick(&stdio_of(s)->writer);
}

static void service(struct stream *s)
{
    struct stdio *t = stdio_of(s);

    if (!s->opened)
        return;
    if (t->input == BACKGROUND && terminal_enter(&t->terminal))
        set_input(t, READING);
    if (t->input == WAITING && stream_has_room(s))
        set_input(t, READING);
}

static uint64_t wait_ns(const struct stream *s)
{
    const struct stdio *t = (const struct stdio *)s;

    return s->opened && t->input == BACKGROUND ? LOOK_NS : UINT64_MAX;
}

static void suspend(struct stream *s)
{
    if (s->opened)
        terminal_leave(&stdio_of(s)->terminal);
}

/* The shell has set its own modes meanwhile, or we are in the background. */
static void resume(struct stream *s)
{
    struct stdio *t = stdio_of(s);

    if (!s->opened)
        return;
    if (!terminal_enter(&t->terminal)) {
        if (t->input != ENDED)
            set_input(t, BACKGROUND);
    } else if (t->input == BACKGROUND) {
        set_input(t, READING);
    }
}

static struct terminal *get_terminal(struct stream *s)
{
    return &stdio_of(s)->terminal;
}

static void describe(const struct stream *s, char *out, size_t size)
{
    (void)s;
    snprintf(out, size, "stdio");
}

const struct stream_class stream_stdio = {
    .name = "stdio",
    .size = sizeof(struct stdio),
    .keeps = true,
    .open = start,
    .close = finish,
    .kick = kick,
    .service = service,
    .wait = wait_ns,
    .suspend = suspend,
    .resume = resume,
    .terminal = get_terminal,
    .describe = describe,
};
