/*
 * A machine without a processor, to test the frontend with.
 *
 * It implements machine/machine.h; its -kernel is a script, one command a
 * line, which a thread of its own carries out as a guest would: under the
 * device lock, with a receiver of 16 bytes on the serial line.  It prints
 * "<break>" where it reads one.
 *
 *     print TEXT    write TEXT; \r \n \e and \xNN are escapes
 *     flood N       write N bytes in lines of 64, one byte at a time
 *     burst N       the same in one write
 *     disk          report the first drive's size, and write a sector to it
 *     sum N         read N bytes; print how many and their FNV-1a hash
 *     echo          send back what comes, until a 'q'
 *     until C       read until the character C came
 *     sleep MS      of host time
 *     ticks         count "tick" for ever, one in 20 ms
 *     poweroff, fail N, panic, differ, reset, segv, abort, hang
 */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cpu/core/cpu.h"
#include "devices/block.h"
#include "devices/chardev.h"
#include "devices/display/display.h"
#include "machine/machine.h"

enum { FIFO = 16, BREAK = 256 };

struct machine {
    const struct machine_config *config;
    struct gate *gate;
    struct chardev *serial;
    char *script;
    pthread_t thread;
    pthread_mutex_t lock; /* the device lock, and what follows */
    pthread_cond_t change;
    uint16_t fifo[FIFO]; /* bytes, or BREAK */
    size_t in_fifo;
    bool held; /* the receiver refused bytes */
    bool started, paused, stop;
    enum machine_end end;
    int code;
    void (*wake)(void *owner);
    void *wake_owner;
};

static const struct board_option no_options[] = {{NULL, NULL, NULL, 0}};

const struct board boards[] = {
    {"stub", "no processor, a script instead", NULL, 0, 1 << 20, 1 << 20,
     no_options},
    {NULL, NULL, NULL, 0, 0, 0, NULL},
};
const struct cpu_class *const cpu_classes[] = {NULL};

static bool read_script(struct machine *m, const char *file, struct error *e)
{
    FILE *f = fopen(file, "r");
    size_t n;

    if (!f)
        return error_set(e, "-kernel %s: %s", file, strerror(errno));
    m->script = calloc(1, 65536);
    n = fread(m->script, 1, 65535, f);
    fclose(f);
    return n > 0 || error_set(e, "-kernel %s: empty", file);
}

static size_t receive(void *owner, const uint8_t *bytes, size_t size)
{
    struct machine *m = owner;
    size_t room = FIFO - m->in_fifo;
    size_t n = size < room ? size : room;

    assert(bytes || size <= CHARDEV_BREAK);
    for (size_t i = 0; i < n; i++)
        m->fifo[m->in_fifo++] = bytes ? bytes[i] : BREAK;
    m->held = n < size;
    pthread_cond_broadcast(&m->change);
    return n;
}

static void on_pending(void *arg)
{
    struct machine *m = arg;

    m->wake(m->wake_owner);
}

bool machine_new(struct machine **out, const struct machine_config *config,
                 struct error *e)
{
    struct machine *m = calloc(1, sizeof(*m));

    *out = m;
    m->gate = config->gate;
    m->wake = config->wake;
    m->wake_owner = config->owner;
    m->config = config;
    pthread_mutex_init(&m->lock, NULL);
    pthread_cond_init(&m->change, NULL);
    gate_on_pending(m->gate, on_pending, m);
    if (!config->kernel)
        m->script = strdup("hang");
    else if (!read_script(m, config->kernel, e))
        goto fail;
    if (config->serial[0])
        m->serial =
            config->backends.chardev(config->backends.owner, config->serial[0]);
    if (m->serial) {
        chardev_connect(m->serial, receive, m);
        chardev_retry(m->serial); /* as a chip's reset does */
    }
    return true;
fail:
    machine_free(m);
    *out = NULL;
    return false;
}

void machine_free(struct machine *m)
{
    if (!m)
        return;
    gate_on_pending(m->gate, NULL, NULL);
    free(m->script);
    free(m);
}

bool machine_dump_tree(struct machine *m, const char *file, struct error *e)
{
    (void)m;
    return error_set(e, "%s: the stub has no tree", file);
}

void machine_set_no_reboot(struct machine *m, bool on)
{
    (void)m;
    (void)on;
}

/* ------------------------------------------------- the guest; lock held */

static bool running(struct machine *m)
{
    while (m->paused && !m->stop)
        pthread_cond_wait(&m->change, &m->lock);
    return !m->stop;
}

/* Let others have the lock, as a guest does between accesses. */
static bool step(struct machine *m)
{
    pthread_mutex_unlock(&m->lock);
    pthread_mutex_lock(&m->lock);
    return running(m);
}

static void put(struct machine *m, const void *bytes, size_t n)
{
    if (m->serial)
        m->serial->write(m->serial, bytes, n);
}

static int get(struct machine *m)
{
    uint16_t byte;

    while (running(m) && !m->in_fifo)
        pthread_cond_wait(&m->change, &m->lock);
    if (m->stop)
        return -1;
    byte = m->fifo[0];
    memmove(m->fifo, m->fifo + 1, --m->in_fifo * sizeof(byte));
    if (m->held && m->in_fifo <= FIFO / 2) {
        m->held = false;
        chardev_retry(m->serial);
    }
    if (byte == BREAK) {
        put(m, "<break>", 7);
        return get(m);
    }
    return byte;
}

static void finish(struct machine *m, enum machine_end how, int code)
{
    m->end = how;
    m->code = code;
    m->stop = true;
    m->wake(m->wake_owner);
}

static void print(struct machine *m, const char *text)
{
    for (; *text && running(m); text++) {
        char byte = *text;

        if (byte == '\\' && text[1]) {
            switch (*++text) {
            case 'n':
                byte = '\n';
                break;
            case 'r':
                byte = '\r';
                break;
            case 'e':
                byte = '\x1b';
                break;
            case 'x':
                byte = (char)strtol((char[]){text[1], text[2], 0}, NULL, 16);
                text += 2;
                break;
            default:
                byte = *text;
            }
        }
        put(m, &byte, 1);
        step(m);
    }
}

/* Byte i of a flood: lines of 63 characters that differ. */
static uint8_t flood_byte(size_t i)
{
    if (i % 64 == 63)
        return '\n';
    return (uint8_t)('!' + (i / 64 * 7 + i % 64) % 90);
}

static void flood(struct machine *m, size_t n)
{
    for (size_t i = 0; i < n && running(m); i++) {
        uint8_t byte = flood_byte(i);

        put(m, &byte, 1);
        if (i % 16 == 0)
            step(m);
    }
}

static void burst(struct machine *m, size_t n)
{
    uint8_t *bytes = malloc(n);

    for (size_t i = 0; i < n; i++)
        bytes[i] = flood_byte(i);
    put(m, bytes, n);
    free(bytes);
}

static void sum(struct machine *m, size_t n)
{
    uint32_t hash = 2166136261;
    char text[80];
    size_t i = 0;
    int byte;

    for (; i < n && (byte = get(m)) >= 0; i++)
        hash = (hash ^ (uint8_t)byte) * 16777619;
    snprintf(text, sizeof(text), "sum %zu %08x\r\n", i, (unsigned)hash);
    put(m, text, strlen(text));
}

static void disk(struct machine *m)
{
    const struct backends *b = &m->config->backends;
    struct block *d = b->block(b->owner, m->config->drives[0].id);
    uint8_t sector[512];
    char text[80];
    int err;

    memset(sector, 'G', sizeof(sector));
    err = d->write(d, 512, sector, sizeof(sector));
    snprintf(text, sizeof(text), "disk %llu write %d\r\n",
             (unsigned long long)d->size, err);
    put(m, text, strlen(text));
}

static void pause_ms(struct machine *m, long ms)
{
    struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

    pthread_mutex_unlock(&m->lock);
    nanosleep(&ts, NULL);
    pthread_mutex_lock(&m->lock);
    running(m);
}

static void hang(struct machine *m)
{
    while (!m->stop)
        pthread_cond_wait(&m->change, &m->lock);
}

/* Anything that goes on until it is told otherwise. */
static void command_loop(struct machine *m, const char *word, const char *arg)
{
    int byte;

    if (!strcmp(word, "echo")) {
        while ((byte = get(m)) >= 0 && byte != 'q')
            put(m, &(uint8_t){(uint8_t)byte}, 1);
    } else if (!strcmp(word, "until")) {
        while ((byte = get(m)) >= 0 && byte != *arg)
            ;
    } else if (!strcmp(word, "ticks")) {
        for (int n = 0; !m->stop; n++) {
            char text[32];

            snprintf(text, sizeof(text), "tick %d\r\n", n);
            put(m, text, strlen(text));
            pause_ms(m, 20);
        }
    } else {
        assert(!strcmp(word, "hang"));
        hang(m);
    }
}

static void command(struct machine *m, const char *word, const char *arg)
{
    size_t n = (size_t)strtoul(arg, NULL, 0);

    if (!strcmp(word, "print"))
        print(m, arg);
    else if (!strcmp(word, "flood"))
        flood(m, n);
    else if (!strcmp(word, "burst"))
        burst(m, n);
    else if (!strcmp(word, "sum"))
        sum(m, n);
    else if (!strcmp(word, "disk"))
        disk(m);
    else if (!strcmp(word, "sleep"))
        pause_ms(m, (long)n);
    else if (!strcmp(word, "poweroff"))
        finish(m, MACHINE_POWEROFF, 0);
    else if (!strcmp(word, "fail"))
        finish(m, MACHINE_FAILED, (int)n);
    else if (!strcmp(word, "panic"))
        finish(m, MACHINE_PANIC, 0);
    else if (!strcmp(word, "differ"))
        finish(m, MACHINE_DIFFERS, 0);
    else if (!strcmp(word, "reset"))
        finish(m, MACHINE_RESET, 0);
    else if (!strcmp(word, "segv"))
        *(volatile int *)(uintptr_t)n = 1;
    else if (!strcmp(word, "abort"))
        abort();
    else
        command_loop(m, word, arg);
}

static void *run(void *arg)
{
    struct machine *m = arg;
    char *next, *line = m->script;

    pthread_mutex_lock(&m->lock);
    for (; line && running(m); line = next) {
        char *word = line, *rest = line + strcspn(line, " \n");

        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        if (*rest)
            *rest++ = '\0';
        if (*word)
            command(m, word, rest);
    }
    hang(m);
    pthread_mutex_unlock(&m->lock);
    return NULL;
}

/* ---------------------------------------------------------- the main thread */

bool machine_start(struct machine *m, struct error *e)
{
    m->started = true;
    return !pthread_create(&m->thread, NULL, run, m) ||
           error_set(e, "no thread");
}

static void set(struct machine *m, bool *flag, bool value)
{
    pthread_mutex_lock(&m->lock);
    *flag = value;
    pthread_cond_broadcast(&m->change);
    pthread_mutex_unlock(&m->lock);
}

void machine_pause(struct machine *m)
{
    set(m, &m->paused, true);
}

void machine_resume(struct machine *m)
{
    set(m, &m->paused, false);
}

bool machine_paused(const struct machine *m)
{
    return m->paused;
}

bool machine_asleep(const struct machine *m)
{
    (void)m;
    return false;
}

const struct drive_kind drive_kinds[] = {{NULL, NULL, NULL}};

bool machine_drive(struct machine *m, unsigned n, struct machine_drive *out)
{
    (void)m, (void)n, (void)out;
    return false;
}

bool machine_change_medium(struct machine *m, const char *drive,
                           struct block *medium, bool force, struct block **old,
                           struct error *e)
{
    (void)m, (void)medium, (void)force;
    *old = NULL;
    return error_set(e, "there is no drive '%s'", drive);
}

bool machine_show(struct machine *m,
                  void (*show)(void *owner, const struct display_frame *f),
                  void *owner)
{
    static const uint32_t pixels[] = {0x000000, 0xff0000, 0x00ff00,
                                      0x0000ff, 0x123456, 0xffffff};
    const struct display_frame f = {.pixels = pixels, .width = 3, .height = 2};

    (void)m;
    show(owner, &f);
    return true;
}

bool machine_show_text(struct machine *m,
                       void (*show)(void *owner, const struct display_text *t),
                       void *owner)
{
    (void)m, (void)show, (void)owner;
    return false;
}

bool machine_has_screen(const struct machine *m)
{
    (void)m;
    return false;
}

/* Input is printed. */
static bool say(struct machine *m, const char *what, int a, int b, int c,
                unsigned d)
{
    char text[80];

    snprintf(text, sizeof(text), "%s %d %d %d %u\r\n", what, a, b, c, d);
    pthread_mutex_lock(&m->lock);
    put(m, text, strlen(text));
    pthread_mutex_unlock(&m->lock);
    return true;
}

bool machine_key(struct machine *m, unsigned key, bool down)
{
    return say(m, "key", (int)key, down, 0, 0);
}

bool machine_mouse(struct machine *m, int dx, int dy, int dz, unsigned buttons)
{
    return say(m, "mouse", dx, dy, dz, buttons);
}

bool machine_leds(struct machine *m, unsigned *leds)
{
    (void)m, (void)leds;
    return false;
}

bool machine_has_gameport(struct machine *m)
{
    (void)m;
    return false;
}

bool machine_joysticks(struct machine *m, const struct joysticks *j)
{
    (void)m, (void)j;
    return true;
}

uint64_t machine_instructions(struct machine *m)
{
    (void)m;
    return 0;
}

bool machine_nmi(struct machine *m)
{
    (void)m;
    return false;
}

bool machine_power_button(struct machine *m)
{
    (void)m;
    return false;
}

void machine_reset(struct machine *m)
{
    pthread_mutex_lock(&m->lock);
    put(m, "reset button\r\n", 14);
    pthread_mutex_unlock(&m->lock);
}

bool machine_can_plug(const struct device_class *cls)
{
    (void)cls;
    return true;
}

void machine_go_on(struct machine *m, bool reset)
{
    (void)reset;
    set(m, &m->stop, false);
}

void machine_stop(struct machine *m)
{
    set(m, &m->stop, true);
    if (m->started)
        pthread_join(m->thread, NULL);
    m->started = false;
}

uint64_t machine_poll(struct machine *m)
{
    pthread_mutex_lock(&m->lock);
    if (!m->paused)
        gate_deliver(m->gate);
    pthread_mutex_unlock(&m->lock);
    return CLOCK_NEVER;
}

enum machine_end machine_ended(struct machine *m, int *code)
{
    enum machine_end end;

    pthread_mutex_lock(&m->lock);
    end = m->end;
    *code = m->code;
    pthread_mutex_unlock(&m->lock);
    return end;
}

const char *machine_why(struct machine *m)
{
    static const char *const texts[] = {
        [MACHINE_POWEROFF] = "the guest powered off",
        [MACHINE_FAILED] = "the guest reported failure",
        [MACHINE_RESET] = "reset (-no-reboot)",
        [MACHINE_PANIC] = "the guest panicked",
        [MACHINE_DIFFERS] = "the engines differ",
    };

    return texts[m->end] ? texts[m->end] : "";
}

const char *machine_lockstep_report(const struct machine *m)
{
    return m->end == MACHINE_DIFFERS ? "lockstep: what differs\n" : NULL;
}

bool machine_has_program(const struct machine *m)
{
    (void)m;
    return true;
}

bool machine_runs_demo(const struct machine *m)
{
    (void)m;
    return false;
}

const char *machine_jit_missing(const struct machine *m)
{
    (void)m;
    return NULL;
}

void machine_stats(struct machine *m, char *out, size_t size)
{
    (void)m;
    snprintf(out, size, "no registers\n");
}

bool machine_hash(struct machine *m, uint64_t *hash)
{
    (void)m;
    *hash = 0;
    return true;
}

bool machine_guess_image(const char *file, enum image_kind *kind,
                         struct error *e)
{
    FILE *f = fopen(file, "r");

    *kind = IMAGE_RISCV_KERNEL;
    if (!f)
        return error_set(e, "%s: %s", file, strerror(errno));
    fclose(f);
    return true;
}
