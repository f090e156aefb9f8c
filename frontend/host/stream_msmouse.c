/*
 * A mouse on a serial line: Microsoft's protocol with Logitech's third
 * button.
 *
 * The mouse lives on what DTR and RTS supply: both on is power, and 14 ms
 * later it says "M3".  A report is three bytes, of which the first alone has
 * bit 6 set; while the third button is held, and once when it is let go, a
 * fourth byte follows.  At 1200 baud 40 reports a second have room; what is
 * moved in between adds up.  What the guest writes is thrown away.
 *
 * Missing: the wheel, and the Plug and Play identifier behind "M3".
 */
#include <stdio.h>
#include <time.h>

#include "devices/ps2.h"
#include "frontend/host/stream_priv.h"

#define MS UINT64_C(1000000)
#define POWER_UP (14 * MS)
#define PERIOD (25 * MS)
#define MOST 127
#define FAR 100000 /* what is moved further in one go is lost */

struct stream_msmouse {
    struct stream s;
    /* With the stream's lock: */
    bool powered, greeting; /* it has power; it has not said what it is */
    int dx, dy;
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

static bool has_news(const struct stream_msmouse *m)
{
    return m->powered &&
           (m->greeting || m->dx || m->dy || m->buttons != m->told);
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
    out[3] = middle ? 0x20 : 0;
    m->dx -= x;
    m->dy -= y;
    middle |= m->told & PS2_MIDDLE;
    m->told = m->buttons;
    return middle ? 4 : 3;
}

static size_t take_news(struct stream_msmouse *m, uint8_t *out)
{
    if (!m->greeting)
        return make_report(m, out);
    m->greeting = false;
    out[0] = 'M';
    out[1] = '3';
    return 2;
}

/* -- any thread -- */

static void lines(struct stream *s, bool dtr, bool rts)
{
    struct stream_msmouse *m = (struct stream_msmouse *)s;
    bool power = dtr && rts;

    pthread_mutex_lock(&s->lock);
    if (power && !m->powered) {
        m->greeting = true;
        m->dx = m->dy = 0;
        m->told = m->buttons;
        m->next = now_ns() + POWER_UP;
    }
    m->powered = power;
    pthread_mutex_unlock(&s->lock);
    loop_wake(s->loop);
}

static void move(struct stream *s, int dx, int dy, unsigned buttons)
{
    struct stream_msmouse *m = (struct stream_msmouse *)s;

    pthread_mutex_lock(&s->lock);
    m->dx = limited((int64_t)m->dx + dx, FAR);
    m->dy = limited((int64_t)m->dy + dy, FAR);
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
        m->next = now + PERIOD;
        if (s->user && s->user->room(s->user_owner) >= sizeof(bytes))
            n = take_news(m, bytes);
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
    (void)s;
    snprintf(out, size, "msmouse");
}

const struct stream_class stream_msmouse = {
    .name = "msmouse",
    .size = sizeof(struct stream_msmouse),
    .kick = kick,
    .lines = lines,
    .move = move,
    .service = service,
    .wait = wait,
    .describe = describe,
};
