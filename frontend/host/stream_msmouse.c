/*
 * Mice on a serial line: Microsoft's protocol with Logitech's third button
 * (msmouse), and Microsoft's IntelliMouse with its wheel (mswheel).
 *
 * The mouse lives on what DTR and RTS supply: both on is power, and 14 ms
 * later it says what it is: "M3"; or "MZ@" and its Plug and Play identifier
 * (Plug and Play External COM Device Specification 1.00, in the form of six
 * bits, which is 0x20 less than ASCII).  A report is three bytes, of which the
 * first alone has bit 6 set.  msmouse: while the third button is held, and once
 * when it is let go, a fourth byte follows.  mswheel: always, with the third
 * button in bit 4 and the wheel's turn towards the user below, -8 to 7.
 *
 * A byte takes nine bits at 1200 baud; what is moved meanwhile adds up.  What
 * the guest writes is thrown away.
 */
#include <stdio.h>
#include <time.h>

#include "devices/ps2.h"
#include "frontend/host/stream_priv.h"

#define MS UINT64_C(1000000)
#define POWER_UP (14 * MS)
#define BYTE (MS * 15 / 2)
#define MOST 127
#define MOST_WHEEL 7
#define FAR 100000 /* what is moved further in one go is lost */

struct stream_msmouse {
    struct stream s;
    /* With the stream's lock: */
    bool powered;
    size_t said; /* of what it is */
    int dx, dy, dz;
    unsigned buttons, told;
    uint64_t next; /* not before then, ns */
};

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static int limited(int64_t v, int most)
{
    return (int)(v > most ? most : v < -most ? -most : v);
}

/* -- with the lock -- */

/* Revision 1.00 is 100 in twice six bits; then, all 0x20 more than it is sent,
 * maker and product, a serial number (none), class, what it is compatible with,
 * name; then the checksum of all but itself, in hexadecimal, and the end. */
static const char three_buttons[] = "M3", wheel[] = "MZ@\x08\x01\x24",
                  plug_and_play[] = "MSH0001\\\\MOUSE\\PNP0F0C\\"
                                    "MICROSOFT INTELLIMOUSE7F)";

static bool has_wheel(const struct stream_msmouse *m)
{
    return m->s.class == &stream_mswheel;
}

static size_t identity_size(const struct stream_msmouse *m)
{
    return has_wheel(m) ? sizeof(wheel) + sizeof(plug_and_play) - 2
                        : sizeof(three_buttons) - 1;
}

static uint8_t identity(const struct stream_msmouse *m, size_t at)
{
    if (!has_wheel(m))
        return (uint8_t)three_buttons[at];
    return at < sizeof(wheel) - 1
               ? (uint8_t)wheel[at]
               : (uint8_t)(plug_and_play[at - (sizeof(wheel) - 1)] - 0x20);
}

static bool has_news(const struct stream_msmouse *m)
{
    return m->powered && (m->said < identity_size(m) || m->dx || m->dy ||
                          m->dz || m->buttons != m->told);
}

/* Of 3 or 4 bytes. */
static size_t make_report(struct stream_msmouse *m, uint8_t *out)
{
    int x = limited(m->dx, MOST), y = limited(m->dy, MOST);
    bool middle = m->buttons & PS2_MIDDLE;

    out[0] = (uint8_t)(0x40 | (m->buttons & PS2_LEFT ? 0x20 : 0) |
                       (m->buttons & PS2_RIGHT ? 0x10 : 0) |
                       ((unsigned)y >> 4 & 0x0c) | ((unsigned)x >> 6 & 3));
    out[1] = (uint8_t)((unsigned)x & 0x3f);
    out[2] = (uint8_t)((unsigned)y & 0x3f);
    m->dx -= x;
    m->dy -= y;
    if (has_wheel(m)) {
        int z = limited(m->dz, MOST_WHEEL);

        out[3] = (uint8_t)((middle ? 0x10 : 0) | ((unsigned)z & 15));
        m->dz -= z;
        m->told = m->buttons;
        return 4;
    }
    out[3] = middle ? 0x20 : 0;
    middle |= m->told & PS2_MIDDLE;
    m->told = m->buttons;
    return middle ? 4 : 3;
}

static size_t take_news(struct stream_msmouse *m, uint8_t *out)
{
    if (m->said == identity_size(m))
        return make_report(m, out);
    out[0] = identity(m, m->said++);
    return 1;
}

/* -- any thread -- */

static void lines(struct stream *s, bool dtr, bool rts)
{
    struct stream_msmouse *m = (struct stream_msmouse *)s;
    bool power = dtr && rts;

    pthread_mutex_lock(&s->lock);
    if (power && !m->powered) {
        m->said = 0;
        m->dx = m->dy = m->dz = 0;
        m->told = m->buttons;
        m->next = now_ns() + POWER_UP;
    }
    m->powered = power;
    pthread_mutex_unlock(&s->lock);
    loop_wake(s->loop);
}

static void move(struct stream *s, int dx, int dy, int dz, unsigned buttons)
{
    struct stream_msmouse *m = (struct stream_msmouse *)s;

    pthread_mutex_lock(&s->lock);
    m->dx = limited((int64_t)m->dx + dx, FAR);
    m->dy = limited((int64_t)m->dy + dy, FAR);
    if (has_wheel(m))
        m->dz = limited((int64_t)m->dz + dz, FAR);
    m->buttons = buttons;
    pthread_mutex_unlock(&s->lock);
    loop_wake(s->loop);
}

static void kick(struct stream *s)
{
    ring_drop(&s->out, s->out.used);
}

/* -- main thread -- */

static void service(struct stream *s)
{
    struct stream_msmouse *m = (struct stream_msmouse *)s;
    uint64_t now = now_ns();
    uint8_t bytes[4];
    size_t n = 0;

    pthread_mutex_lock(&s->lock);
    if (has_news(m) && now >= m->next) {
        if (s->user && s->user->room(s->user_owner) >= sizeof(bytes))
            n = take_news(m, bytes);
        m->next = now + BYTE * (n ? n : sizeof(bytes));
    }
    pthread_mutex_unlock(&s->lock);
    if (n)
        s->user->take(s->user_owner, bytes, n);
}

static uint64_t wait(const struct stream *s)
{
    /* For its lock. */
    struct stream_msmouse *m = (struct stream_msmouse *)(uintptr_t)s;
    uint64_t now = now_ns(), ns = UINT64_MAX;

    pthread_mutex_lock(&m->s.lock);
    if (has_news(m))
        ns = m->next > now ? m->next - now : 0;
    pthread_mutex_unlock(&m->s.lock);
    return ns;
}

static void describe(const struct stream *s, char *out, size_t size)
{
    snprintf(out, size, "%s", s->class->name);
}

#define MOUSE(NAME)                                                            \
    {                                                                          \
        .name = NAME, .size = sizeof(struct stream_msmouse), .kick = kick,     \
        .lines = lines, .move = move, .service = service, .wait = wait,        \
        .describe = describe,                                                  \
    }

const struct stream_class stream_msmouse = MOUSE("msmouse");
const struct stream_class stream_mswheel = MOUSE("mswheel");
