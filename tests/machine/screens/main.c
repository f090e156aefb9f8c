/*
 * Shows screens: each line that comes on COM1 (115200 8N1) names one.  When it
 * stands, "NAME ready" goes back; what moves then goes on until the next line
 * comes.  "list" gives all the names.
 *
 * A Multiboot program: the BIOS is there, and start.S (of the demo's) leads to
 * it.  It polls, and takes no interrupts but within the BIOS.
 */
#include "tests/machine/screens/screens.h"

#define COM1 0x3f8
#define LSR 5
#define LSR_DATA 1
#define LSR_EMPTY 0x20

void *memset(void *to, int value, unsigned n)
{
    uint8_t *p = to;

    while (n--)
        *p++ = (uint8_t)value;
    return to;
}

void *memcpy(void *to, const void *from, unsigned n)
{
    uint8_t *p = to;
    const uint8_t *q = from;

    while (n--)
        *p++ = *q++;
    return to;
}

static void say(const char *s)
{
    for (; *s; s++) {
        while (!(inb(COM1 + LSR) & LSR_EMPTY))
            ;
        outb(COM1, (uint8_t)*s);
    }
}

static int hear(void)
{
    return inb(COM1 + LSR) & LSR_DATA;
}

static void read_line(char *line, unsigned size)
{
    unsigned n = 0;

    for (;;) {
        char c;

        while (!hear())
            ;
        c = (char)inb(COM1);
        if (c == '\n')
            break;
        if (n + 1 < size)
            line[n++] = c;
    }
    line[n] = 0;
}

static int same(const char *a, const char *b)
{
    for (; *a && *a == *b; a++, b++)
        ;
    return *a == *b;
}

static const struct screen *find(const char *name)
{
    for (unsigned i = 0; lists[i]; i++)
        for (const struct screen *s = lists[i]; s->name; s++)
            if (same(s->name, name))
                return s;
    return (void *)0;
}

static void list(void)
{
    for (unsigned i = 0; lists[i]; i++)
        for (const struct screen *s = lists[i]; s->name; s++) {
            say(s->name);
            say("\n");
        }
    say("list ready\n");
}

/* What is seen from now on is a whole frame. */
static void show(const struct screen *s)
{
    s->show();
    for (unsigned i = 0; i < 3; i++)
        if (s->frame)
            s->frame();
        else
            wait_retrace();
}

void main(void);
void main(void)
{
    static char line[64];

    outb(COM1 + 3, 0x80);
    outb(COM1, 1);
    outb(COM1 + 1, 0);
    outb(COM1 + 3, 3);
    outb(COM1 + 2, 7);
    say("screens ready\n");
    for (;;) {
        const struct screen *s;

        read_line(line, sizeof(line));
        s = find(line);
        if (same(line, "list")) {
            list();
            continue;
        }
        if (s)
            show(s);
        say(line);
        say(s ? " ready\n" : " unknown\n");
        while (!hear())
            if (s && s->frame)
                s->frame();
    }
}
