/*
 * Input on its way to the machine.
 *
 * A key that comes while the gate's queue is full is lost, as with a real
 * keyboard; its release never is: it stays marked as late and goes when there
 * is room.  Of a mouse, moves add up meanwhile, and its buttons' last state
 * counts, as does that of joysticks.
 */
#include "frontend/display/input.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/display/keys.h"

enum { KEYS = 256, CHORDS = 64 };

struct chord {
    uint8_t key[INPUT_CHORD];
    unsigned n;
    uint64_t ns;
};

struct input {
    struct machine *machine;
    pthread_mutex_t lock; /* of what follows; before the gate's */
    /* NULL: the machine has the mouse. */
    void (*move)(void *owner, int dx, int dy, int dz, unsigned buttons);
    void *owner;
    bool held[KEYS]; /* the machine was told so */
    bool late[KEYS]; /* held, and should not be */
    int dx, dy, dz;  /* not yet told */
    unsigned buttons, told_buttons;
    struct joysticks sticks;
    bool sticks_late; /* not yet told */

    struct chord chords[CHORDS]; /* a ring; the first may be down */
    unsigned first, n_chords;
    bool pressed;
    uint64_t until; /* pressed: when it is let go */
};

struct input *input_new(struct machine *m)
{
    struct input *in = calloc(1, sizeof(*in));

    if (in) {
        in->machine = m;
        pthread_mutex_init(&in->lock, NULL);
    }
    return in;
}

void input_free(struct input *in)
{
    if (in)
        pthread_mutex_destroy(&in->lock);
    free(in);
}

/* ----------------------------------------------------------- with the lock */

static void release(struct input *in, unsigned key)
{
    in->late[key] = !machine_key(in->machine, key, false);
    in->held[key] = in->late[key];
}

static void set_key(struct input *in, unsigned key, bool down)
{
    if (key >= KEYS)
        return;
    if (in->held[key] && (in->late[key] || !down))
        release(in, key);
    if (down && !in->held[key])
        in->held[key] = machine_key(in->machine, key, true);
}

static void tell_mouse(struct input *in)
{
    if (!in->dx && !in->dy && !in->dz && in->buttons == in->told_buttons)
        return;
    if (in->move)
        in->move(in->owner, in->dx, in->dy, in->dz, in->buttons);
    else if (!machine_mouse(in->machine, in->dx, -in->dy, in->dz, in->buttons))
        return;
    in->dx = in->dy = in->dz = 0;
    in->told_buttons = in->buttons;
}

static void tell_sticks(struct input *in)
{
    if (in->sticks_late)
        in->sticks_late = !machine_joysticks(in->machine, &in->sticks);
}

static int limited(int64_t v)
{
    return (int)(v > INT16_MAX ? INT16_MAX : v < -INT16_MAX ? -INT16_MAX : v);
}

static void set_chord(struct input *in, const struct chord *c, bool down)
{
    for (unsigned i = 0; i < c->n; i++)
        set_key(in, c->key[down ? i : c->n - 1 - i], down);
}

/* The time between two chords, as long as the last one's. */
static void run_chords(struct input *in, uint64_t now)
{
    while (in->n_chords && now >= in->until) {
        const struct chord *c = &in->chords[in->first];

        in->pressed = !in->pressed;
        in->until = now + c->ns;
        set_chord(in, c, in->pressed);
        if (!in->pressed) {
            in->first = (in->first + 1) % CHORDS;
            in->n_chords--;
        }
    }
}

/* ------------------------------------------------------------------ public */

void input_divert(struct input *in,
                  void (*move)(void *owner, int dx, int dy, int dz,
                               unsigned buttons),
                  void *owner)
{
    pthread_mutex_lock(&in->lock);
    in->move = move;
    in->owner = owner;
    pthread_mutex_unlock(&in->lock);
}

void input_key(struct input *in, unsigned key, bool down)
{
    pthread_mutex_lock(&in->lock);
    set_key(in, key, down);
    pthread_mutex_unlock(&in->lock);
}

void input_mouse(struct input *in, int dx, int dy, int dz, unsigned buttons)
{
    pthread_mutex_lock(&in->lock);
    in->dx = limited((int64_t)in->dx + dx);
    in->dy = limited((int64_t)in->dy + dy);
    in->dz = limited((int64_t)in->dz + dz);
    in->buttons = buttons;
    tell_mouse(in);
    pthread_mutex_unlock(&in->lock);
}

void input_joystick(struct input *in, const struct joysticks *j)
{
    pthread_mutex_lock(&in->lock);
    in->sticks = *j;
    in->sticks_late = true;
    tell_sticks(in);
    pthread_mutex_unlock(&in->lock);
}

void input_release(struct input *in)
{
    pthread_mutex_lock(&in->lock);
    for (unsigned key = 0; key < KEYS; key++)
        if (in->held[key])
            release(in, key);
    in->buttons = 0;
    tell_mouse(in);
    pthread_mutex_unlock(&in->lock);
}

unsigned input_buttons(struct input *in)
{
    unsigned buttons;

    pthread_mutex_lock(&in->lock);
    buttons = in->buttons;
    pthread_mutex_unlock(&in->lock);
    return buttons;
}

static bool parse_chord(const char *names, struct chord *c, struct error *e)
{
    while (true) {
        size_t n = strcspn(names, "-");
        const struct key *k;
        char name[24];

        snprintf(name, sizeof(name), "%.*s", (int)(n < 64 ? n : 64), names);
        k = n < sizeof(name) ? key_named(name) : NULL;
        if (!k)
            return error_set(e, "unknown key '%s'", name);
        if (c->n == INPUT_CHORD)
            return error_set(e, "more than %d keys at once", INPUT_CHORD);
        c->key[c->n++] = k->number;
        if (!names[n])
            return true;
        names += n + 1;
    }
}

bool input_chord(struct input *in, const char *names, unsigned ms,
                 struct error *e)
{
    struct chord c = {.ns = (uint64_t)ms * 1000000};
    bool room;

    if (!parse_chord(names, &c, e))
        return false;
    pthread_mutex_lock(&in->lock);
    room = in->n_chords < CHORDS;
    if (room)
        in->chords[(in->first + in->n_chords++) % CHORDS] = c;
    pthread_mutex_unlock(&in->lock);
    return room || error_set(e, "%d keys wait already", CHORDS);
}

uint64_t input_service(struct input *in, uint64_t now)
{
    uint64_t wait = UINT64_MAX;

    pthread_mutex_lock(&in->lock);
    for (unsigned key = 0; key < KEYS; key++)
        if (in->late[key])
            release(in, key);
    tell_mouse(in);
    tell_sticks(in);
    run_chords(in, now);
    if (in->n_chords)
        wait = in->until > now ? in->until - now : 0;
    pthread_mutex_unlock(&in->lock);
    return wait;
}
