/*
 * A PS/2 mouse with a wheel and five buttons.
 *
 * Follows the IBM PS/2 Hardware Interface Technical Reference (1988),
 * "Mouse": stream, remote and wrap mode, scaling, resolution, sample rate;
 * and Microsoft's two extensions, which a driver asks for by setting the
 * sample rates 200, 100, 80 (a wheel, identifier 3) or 200, 200, 80 after
 * that (five buttons, identifier 4).
 *
 * What is moved between two samples adds up; of what does not fit a packet
 * the rest comes with the next one.  No change of the buttons is lost.  A
 * reset's self-test takes 20 ms instead of half a second.
 *
 * Missing: an effect of the resolution, which the host's pointer has none of.
 */
#include "devices/ps2.h"

enum {
    MOUSE_SCALE_1 = 0xe6,
    MOUSE_SCALE_2 = 0xe7,
    MOUSE_SET_RESOLUTION = 0xe8,
    MOUSE_STATUS = 0xe9,
    MOUSE_SET_STREAM = 0xea,
    MOUSE_READ = 0xeb,
    MOUSE_RESET_WRAP = 0xec,
    MOUSE_SET_WRAP = 0xee,
    MOUSE_SET_REMOTE = 0xf0,
    MOUSE_IDENTIFY = 0xf2,
    MOUSE_SET_RATE = 0xf3,
    MOUSE_ENABLE = 0xf4,
    MOUSE_DISABLE = 0xf5,
    MOUSE_DEFAULTS = 0xf6,
    MOUSE_RESEND = 0xfe,
    MOUSE_RESET = 0xff,
};

enum {
    REPLY_BAT = 0xaa,
    REPLY_ACK = 0xfa,
    REPLY_RESEND = 0xfe,
};

/* First byte of a packet; the buttons are its lowest bits. */
enum {
    PACKET_ALWAYS = 0x08,
    PACKET_X_SIGN = 0x10,
    PACKET_Y_SIGN = 0x20,
};

enum {
    STATUS_SCALED = 0x10,
    STATUS_ENABLED = 0x20,
    STATUS_REMOTE = 0x40,
};

#define BAT_NS UINT64_C(20000000)
#define FAR 100000 /* what is moved further in one go is lost */

static int32_t clamp(int64_t v, int32_t most)
{
    return (int32_t)(v > most ? most : v < -most ? -most : v);
}

/* Take what fits in +-most out of *v. */
static int take(int32_t *v, int32_t most)
{
    int32_t part = clamp(*v, most);

    *v -= part;
    return part;
}

/* Scaling 2:1, in stream mode only. */
static int scale(const struct ps2_mouse *m, int v)
{
    static const int8_t small[] = {0, 1, 1, 3, 6, 9};
    int size = v < 0 ? -v : v;

    if (!m->scaled || m->remote)
        return v;
    size = size < 6 ? small[size] : 2 * size;
    return clamp(v < 0 ? -size : size, 255);
}

static bool changed(const struct ps2_mouse *m)
{
    return m->dx || m->dy || (m->dz && m->id) || m->buttons != m->reported;
}

static void make_packet(struct ps2_mouse *m)
{
    int x = scale(m, take(&m->dx, 255)), y = scale(m, take(&m->dy, 255));

    m->packet[0] = PACKET_ALWAYS | (m->buttons & 7) |
                   (x < 0 ? PACKET_X_SIGN : 0) | (y < 0 ? PACKET_Y_SIGN : 0);
    m->packet[1] = (uint8_t)x;
    m->packet[2] = (uint8_t)y;
    m->packet_size = m->id ? 4 : 3;
    if (m->id == 3)
        m->packet[3] = (uint8_t)take(&m->dz, 127);
    else if (m->id == 4)
        m->packet[3] = (uint8_t)((take(&m->dz, 7) & 15) |
                                 (m->buttons & (PS2_SIDE | PS2_EXTRA)) << 1);
    if (!m->id)
        m->dz = 0;
    m->reported = m->buttons;
}

static void push_packet(struct ps2_mouse *m)
{
    for (unsigned i = 0; i < m->packet_size; i++)
        ps2_push(&m->out, m->packet[i]);
}

static bool streams(const struct ps2_mouse *m)
{
    return m->reporting && !m->remote && !m->wrap;
}

/* Report what has changed, if it is time. */
static void report(struct ps2_mouse *m)
{
    if (!streams(m) || m->out.count || m->command || timer_armed(&m->sample) ||
        !changed(m))
        return;
    make_packet(m);
    push_packet(m);
    timer_arm(&m->sample, clock_ns(m->env->clock) + 1000000000 / m->rate);
}

static void sampled(void *owner)
{
    struct ps2_mouse *m = owner;

    report(m);
    m->news(m->owner);
}

bool ps2_mouse_move(struct ps2_mouse *m, int dx, int dy, int dz,
                    unsigned buttons)
{
    buttons &= 0x1f;
    if (streams(m) && m->buttons != m->reported && buttons != m->buttons)
        return false;
    m->dx = clamp((int64_t)m->dx + dx, FAR);
    m->dy = clamp((int64_t)m->dy + dy, FAR);
    m->dz = clamp((int64_t)m->dz + dz, FAR);
    m->buttons = (uint8_t)buttons;
    if (!streams(m) && !m->remote) /* nobody counts */
        m->dx = m->dy = m->dz = 0;
    report(m);
    m->news(m->owner);
    return true;
}

/* ----------------------------------------------------------- commands */

/* Counters start anew with most commands. */
static void forget(struct ps2_mouse *m)
{
    m->dx = m->dy = m->dz = 0;
    m->reported = m->buttons;
}

static void defaults(struct ps2_mouse *m)
{
    m->rate = 100;
    m->resolution = 2;
    m->scaled = m->remote = m->reporting = m->wrap = false;
    forget(m);
}

static void bat_done(void *owner)
{
    struct ps2_mouse *m = owner;

    ps2_push(&m->out, REPLY_BAT);
    ps2_push(&m->out, 0);
    m->news(m->owner);
}

static void reset_command(struct ps2_mouse *m)
{
    defaults(m);
    m->id = 0;
    m->knock[0] = m->knock[1] = 0;
    timer_arm(&m->bat, clock_ns(m->env->clock) + BAT_NS);
}

static void push_status(struct ps2_mouse *m)
{
    uint8_t buttons = (m->buttons & PS2_LEFT ? 4 : 0) |
                      (m->buttons & PS2_MIDDLE ? 2 : 0) |
                      (m->buttons & PS2_RIGHT ? 1 : 0);

    ps2_push(&m->out, buttons | (m->scaled ? STATUS_SCALED : 0) |
                          (m->reporting ? STATUS_ENABLED : 0) |
                          (m->remote ? STATUS_REMOTE : 0));
    ps2_push(&m->out, m->resolution);
    ps2_push(&m->out, m->rate);
}

/* What follows the acknowledgement of a command. */
static void run(struct ps2_mouse *m, uint8_t byte)
{
    switch (byte) {
    case MOUSE_SCALE_1:
    case MOUSE_SCALE_2:
        m->scaled = byte == MOUSE_SCALE_2;
        break;
    case MOUSE_SET_RESOLUTION:
    case MOUSE_SET_RATE:
        m->command = byte;
        break;
    case MOUSE_STATUS:
        push_status(m);
        break;
    case MOUSE_SET_STREAM:
        m->remote = false;
        forget(m);
        break;
    case MOUSE_READ:
        make_packet(m);
        push_packet(m);
        break;
    case MOUSE_RESET_WRAP:
        m->wrap = false;
        forget(m);
        break;
    case MOUSE_SET_WRAP:
        m->wrap = true;
        forget(m);
        break;
    case MOUSE_SET_REMOTE:
        m->remote = true;
        forget(m);
        break;
    case MOUSE_IDENTIFY:
        ps2_push(&m->out, m->id);
        break;
    case MOUSE_ENABLE:
        m->reporting = true;
        forget(m);
        break;
    case MOUSE_DISABLE:
        m->reporting = false;
        forget(m);
        break;
    case MOUSE_DEFAULTS:
        defaults(m);
        break;
    case MOUSE_RESET:
        reset_command(m);
        break;
    }
}

static bool is_command(uint8_t byte)
{
    return (byte >= MOUSE_SCALE_1 && byte <= MOUSE_RESET_WRAP) ||
           byte == MOUSE_SET_WRAP || byte == MOUSE_SET_REMOTE ||
           (byte >= MOUSE_IDENTIFY && byte <= MOUSE_DEFAULTS) ||
           byte == MOUSE_RESET;
}

static void set_rate(struct ps2_mouse *m, uint8_t rate)
{
    if (m->knock[0] == 200 && m->knock[1] == 100 && rate == 80)
        m->id = 3;
    if (m->knock[0] == 200 && m->knock[1] == 200 && rate == 80 && m->id)
        m->id = 4;
    m->knock[0] = m->knock[1];
    m->knock[1] = rate;
    m->rate = rate;
}

static bool is_rate(uint8_t v)
{
    static const uint8_t rates[] = {10, 20, 40, 60, 80, 100, 200};

    for (unsigned i = 0; i < sizeof(rates); i++)
        if (rates[i] == v)
            return true;
    return false;
}

/* true: it was a good one. */
static bool parameter(struct ps2_mouse *m, uint8_t command, uint8_t byte)
{
    if (command == MOUSE_SET_RATE && is_rate(byte)) {
        set_rate(m, byte);
        return true;
    }
    if (command == MOUSE_SET_RESOLUTION && byte <= 3) {
        m->resolution = byte;
        return true;
    }
    return false;
}

static void write_byte(struct ps2_mouse *m, uint8_t byte)
{
    uint8_t command = m->command;

    m->command = 0;
    if (command && parameter(m, command, byte)) {
        ps2_push(&m->out, REPLY_ACK);
    } else if (command) {
        /* A second wrong one in a row is an error, says the reference; a
         * driver starts over at the first. */
        ps2_push(&m->out, REPLY_RESEND);
    } else if (m->wrap && byte != MOUSE_RESET && byte != MOUSE_RESET_WRAP) {
        ps2_push(&m->out, byte);
    } else if (byte == MOUSE_RESEND) {
        push_packet(m);
    } else if (is_command(byte)) {
        ps2_push(&m->out, REPLY_ACK);
        run(m, byte);
    } else {
        ps2_push(&m->out, REPLY_RESEND);
    }
}

void ps2_mouse_write(struct ps2_mouse *m, uint8_t byte)
{
    /* A command ends a packet, an answer, and a self-test. */
    m->out.count = 0;
    timer_disarm(&m->bat);
    write_byte(m, byte);
    m->news(m->owner);
}

bool ps2_mouse_ready(const struct ps2_mouse *m)
{
    return m->out.count;
}

uint8_t ps2_mouse_next(struct ps2_mouse *m)
{
    uint8_t byte = ps2_pop(&m->out);

    report(m);
    return byte;
}

/* --------------------------------------------------------------- life */

void ps2_mouse_init(struct ps2_mouse *m, const struct device_env *env,
                    void (*news)(void *owner), void *owner)
{
    m->env = env;
    m->news = news;
    m->owner = owner;
    timer_init(&m->sample, env->clock, sampled, m);
    timer_init(&m->bat, env->clock, bat_done, m);
}

/* As after power-on and its self-test. */
void ps2_mouse_reset(struct ps2_mouse *m)
{
    defaults(m);
}

void ps2_mouse_loaded(struct ps2_mouse *m)
{
    m->out.head %= PS2_QUEUE;
    if (m->out.count > PS2_QUEUE)
        m->out.count = PS2_QUEUE;
    m->dx = clamp(m->dx, FAR);
    m->dy = clamp(m->dy, FAR);
    m->dz = clamp(m->dz, FAR);
    if (!is_rate(m->rate))
        m->rate = 100;
    if (m->id != 3 && m->id != 4)
        m->id = 0;
    if (m->packet_size > sizeof(m->packet))
        m->packet_size = sizeof(m->packet);
    m->resolution &= 3;
}

const struct field ps2_mouse_fields[] = {
    FIELD_HOST(struct ps2_mouse, env),
    FIELD_HOST(struct ps2_mouse, news),
    FIELD_HOST(struct ps2_mouse, owner),
    FIELD_SUB(struct ps2_mouse, out, ps2_queue_fields),
    FIELD(struct ps2_mouse, dx, 0),
    FIELD(struct ps2_mouse, dy, 0),
    FIELD(struct ps2_mouse, dz, 0),
    FIELD(struct ps2_mouse, buttons, 0),
    FIELD(struct ps2_mouse, reported, 0),
    FIELD(struct ps2_mouse, command, 0),
    FIELD(struct ps2_mouse, rate, 100),
    FIELD(struct ps2_mouse, resolution, 2),
    FIELD_ARRAY(struct ps2_mouse, knock, 0),
    FIELD(struct ps2_mouse, id, 0),
    FIELD_ARRAY(struct ps2_mouse, packet, 0),
    FIELD(struct ps2_mouse, packet_size, 0),
    FIELD(struct ps2_mouse, reporting, false),
    FIELD(struct ps2_mouse, remote, false),
    FIELD(struct ps2_mouse, wrap, false),
    FIELD(struct ps2_mouse, scaled, false),
    FIELD_TIMER(struct ps2_mouse, sample),
    FIELD_TIMER(struct ps2_mouse, bat),
    FIELD_LIST_END,
};
