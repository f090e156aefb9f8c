/*
 * A character device's whole host side.
 *
 * With mux=on, the terminal's input goes to the guest or to the monitor; the
 * escape key and C switches, and both see their output.  Ctrl-A keys are
 * acted upon even while the guest takes no input: up to 64 KiB that it has
 * no room for wait here, behind the 64 KiB that wait in the gate, and only
 * then is the terminal no longer read.
 *
 * Keys are QEMU's.  Missing: Ctrl-A S and T.
 */
#include "frontend/host/chr.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "frontend/host/filter.h"
#include "frontend/host/ring.h"

enum { WAITING_LIMIT = 64 * 1024 };

struct chr {
    struct chardev chardev;
    const struct char_config *config;
    const struct chr_env *env;
    struct stream *stream;
    struct monitor *monitor; /* or NULL */
    bool filtered;
    struct filter filter;

    /* Input for the guest that the gate has no room for: bytes with mux=on
     * only, and a break behind the first `ahead` of them. */
    struct ring waiting;
    bool breaking;
    size_t ahead;

    /* mux=on only: */
    bool escaped;    /* the escape key was the last byte */
    bool to_monitor; /* input goes there */
};

/* -------------------------------------------------------- to the terminal */

/* The guest writes: any thread, under the device lock. */
static void guest_write(struct chardev *cd, const uint8_t *bytes, size_t size)
{
    struct chr *c = (struct chr *)cd;
    uint8_t out[1024 + FILTER_HOLD];

    while (c->filtered && size) {
        size_t n = size < 1024 ? size : 1024;

        stream_write(c->stream, out, filter_run(&c->filter, bytes, n, out));
        bytes += n;
        size -= n;
    }
    stream_write(c->stream, bytes, size);
}

/* The guest's end has set two wires: any thread, under the device lock. */
static void guest_lines(struct chardev *cd, bool dtr, bool rts)
{
    stream_lines(((struct chr *)cd)->stream, dtr, rts);
}

static void monitor_write(void *owner, const char *bytes, size_t n)
{
    struct chr *c = owner;

    stream_write(c->stream, (const uint8_t *)bytes, n);
}

/* ---------------------------------------------------- input without a mux */

static size_t guest_room(void *owner)
{
    struct chr *c = owner;

    return gate_room(c->chardev.gate, c->chardev.source);
}

static void guest_take(void *owner, const uint8_t *bytes, size_t n)
{
    struct chr *c = owner;
    size_t took;

    atomic_store_explicit(&c->filter.typed, true, memory_order_relaxed);
    took = gate_post(c->chardev.gate, c->chardev.source, bytes, n);
    assert(took == n); /* only we fill it, and room was asked for */
    (void)took;
}

static const struct stream_user guest_user = {guest_room, guest_take};

static size_t monitor_room(void *owner)
{
    (void)owner;
    return 4096;
}

static void monitor_take(void *owner, const uint8_t *bytes, size_t n)
{
    struct chr *c = owner;

    for (size_t i = 0; i < n; i++)
        monitor_key(c->monitor, bytes[i]);
}

static const struct stream_user monitor_user = {monitor_room, monitor_take};

/* ------------------------------------------------------ what has to wait */

/* Hand what waits to the gate, as far as there is room. */
static void pass_waiting(struct chr *c)
{
    uint8_t bytes[4096];
    size_t n, took;

    for (;;) {
        if (c->breaking && !c->ahead)
            c->breaking =
                !gate_event(c->chardev.gate, c->chardev.source, CHARDEV_BREAK);
        n = ring_peek(&c->waiting, bytes, sizeof(bytes));
        if (c->breaking && n > c->ahead)
            n = c->ahead;
        if (!n)
            return;
        took = gate_post(c->chardev.gate, c->chardev.source, bytes, n);
        ring_drop(&c->waiting, took);
        if (c->breaking)
            c->ahead -= took;
        if (took < n)
            return;
    }
}

bool chr_break(struct chr *c)
{
    if (!c->chardev.sink)
        return false;
    if (!c->breaking) {
        c->breaking = true;
        c->ahead = c->waiting.used;
    }
    pass_waiting(c);
    return true;
}

/* ------------------------------------------------------------------- mux */

/* "Ctrl-A", or what -echr made of it. */
static const char *escape_name(const struct chr *c, char *out, size_t size)
{
    int key = c->env->escape;

    if (key >= 1 && key <= 26)
        snprintf(out, size, "Ctrl-%c", 'A' + key - 1);
    else if (key > ' ' && key < 0x7f)
        snprintf(out, size, "%c", key);
    else
        snprintf(out, size, "<0x%02x>", (unsigned)key);
    return out;
}

static void print_keys(struct chr *c)
{
    char name[16], text[512];

    escape_name(c, name, sizeof(name));
    snprintf(text, sizeof(text),
             "\r\n%s H  this help\r\n%s X  end the emulator\r\n"
             "%s C  switch between the guest's line and the monitor\r\n"
             "%s B  send a break to the guest\r\n"
             "%s A  send %s to the guest\r\n",
             name, name, name, name, name, name);
    stream_print(c->stream, text);
}

static void put_byte(struct chr *c, uint8_t byte)
{
    if (c->to_monitor)
        monitor_key(c->monitor, byte);
    else
        ring_put(&c->waiting, &byte, 1);
}

static void escaped_key(struct chr *c, uint8_t byte)
{
    if (byte == c->env->escape) {
        put_byte(c, byte);
        return;
    }
    switch (byte | 0x20) { /* either case */
    case 'a':
        put_byte(c, (uint8_t)c->env->escape);
        break;
    case 'b':
        chr_break(c);
        break;
    case 'c':
        if (!c->monitor || !c->config->guest)
            break;
        c->to_monitor = !c->to_monitor;
        if (c->to_monitor)
            monitor_enter(c->monitor);
        else
            stream_print(c->stream, "\r\n");
        break;
    case 'h':
        print_keys(c);
        break;
    case 'x':
        c->env->quit(c->env->owner);
        break;
    }
}

static size_t mux_room(void *owner)
{
    return ring_room(&((struct chr *)owner)->waiting);
}

static void mux_take(void *owner, const uint8_t *bytes, size_t n)
{
    struct chr *c = owner;

    atomic_store_explicit(&c->filter.typed, true, memory_order_relaxed);
    for (size_t i = 0; i < n; i++) {
        if (c->escaped) {
            c->escaped = false;
            escaped_key(c, bytes[i]);
        } else if (bytes[i] == c->env->escape) {
            c->escaped = true;
        } else {
            put_byte(c, bytes[i]);
        }
    }
    pass_waiting(c);
}

static const struct stream_user mux_user = {mux_room, mux_take};

/* -------------------------------------------------------------------- API */

static bool connect_users(struct chr *c, struct error *e)
{
    const struct stream_user *user = NULL;

    if (c->config->monitor) {
        c->monitor = monitor_new(c->env->monitor_host, monitor_write, c);
        if (!c->monitor)
            return error_set(e, "out of memory");
    }
    if (c->config->mux) {
        user = &mux_user;
        c->waiting.limit = WAITING_LIMIT;
        c->to_monitor = c->monitor && !c->config->guest;
    } else if (c->monitor) {
        user = &monitor_user;
    } else if (c->config->guest) {
        user = &guest_user;
    }
    stream_connect(c->stream, user, c);
    return true;
}

bool chr_new(struct chr **out, const struct char_config *config,
             const struct chr_env *env, struct error *e)
{
    struct chr *c = calloc(1, sizeof(*c));

    if (!c)
        return error_set(e, "out of memory");
    c->config = config;
    c->env = env;
    c->chardev.id = config->id;
    c->chardev.write = guest_write;
    c->chardev.lines = guest_lines;
    if (!stream_new(&c->stream, config, env->loop, e) || !connect_users(c, e)) {
        chr_free(c);
        return false;
    }
    c->filtered = env->filter && stream_shown(c->stream);
    *out = c;
    return true;
}

void chr_free(struct chr *c)
{
    if (!c)
        return;
    stream_free(c->stream);
    monitor_free(c->monitor);
    ring_free(&c->waiting);
    free(c);
}

struct chardev *chr_guest(struct chr *c)
{
    return &c->chardev;
}

void chr_set_gate(struct chr *c, struct gate *g)
{
    c->chardev.source = gate_add(g, c->config->id, chardev_sink, &c->chardev);
    c->chardev.gate = g;
}

struct stream *chr_stream(struct chr *c)
{
    return c->stream;
}

void chr_service(struct chr *c)
{
    pass_waiting(c);
    stream_service(c->stream);
}

void chr_begin(struct chr *c)
{
    stream_begin(c->stream);
    if (c->monitor && (!c->config->mux || c->to_monitor))
        monitor_enter(c->monitor);
}
