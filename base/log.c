/*
 * The log of one machine.
 *
 * Lines are put together outside the lock and written whole, so that lines
 * of several vCPUs do not mix.  The rate limit of guest errors runs on the
 * host's monotonic clock: it protects the host's disk, whatever the guest's
 * clock does.  Missing: lines beyond 1 KiB are cut.
 */
#include "base/log.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>

enum { LINE_MAX_BYTES = 1024, GUEST_LINES_PER_SECOND = 20 };

const struct log_name log_names[] = {
    {"in_asm", "guest instructions of each block when it is decoded",
     LOG_IN_ASM},
    {"int", "traps and interrupts when they are taken", LOG_INT},
    {"exec", "each block when it is entered", LOG_EXEC},
    {"cpu", "registers before each block", LOG_CPU},
    {"mmu", "page walks and TLB flushes", LOG_MMU},
    {"guest_errors", "what a guest does wrong", LOG_GUEST_ERRORS},
    {"unimp", "what a guest asks for that is not implemented", LOG_UNIMP},
    {"ir", "IR of each block when it is compiled (-accel jit)", LOG_IR},
    {"out_asm", "host code of each block when it is compiled (-accel jit)",
     LOG_OUT_ASM},
    {"stats", "counters, at exit", LOG_STATS},
    {"hash", "a hash of the machine's state, at exit", LOG_HASH},
    {"all", "all of these",
     LOG_IN_ASM | LOG_INT | LOG_EXEC | LOG_CPU | LOG_MMU | LOG_GUEST_ERRORS |
         LOG_UNIMP | LOG_IR | LOG_OUT_ASM | LOG_STATS | LOG_HASH},
    {NULL, NULL, 0},
};

void log_init(struct log *log, FILE *file)
{
    memset(log, 0, sizeof(*log));
    log->file = file;
    pthread_mutex_init(&log->lock, NULL);
}

static void put_line(struct log *log, const char *line)
{
    if (!log->file)
        return;
    fputs(line, log->file);
    fputc('\n', log->file);
}

/* Say what the rate limit kept back, and begin anew. */
static void put_dropped(struct log *log)
{
    char line[80];

    if (log->dropped) {
        snprintf(line, sizeof(line), "(%u more lines of guest errors left out)",
                 (unsigned)log->dropped);
        put_line(log, line);
    }
    log->dropped = 0;
}

void log_destroy(struct log *log)
{
    put_dropped(log);
    if (log->file)
        fflush(log->file);
    pthread_mutex_destroy(&log->lock);
}

static bool add_item(const char *item, size_t len, uint32_t *mask,
                     struct error *e)
{
    const char *names[sizeof(log_names) / sizeof(log_names[0])];
    bool off = len > 0 && *item == '-';
    const char *near;
    char word[64];
    size_t n = 0;

    item += off;
    len -= off;
    for (; log_names[n].name; n++) {
        names[n] = log_names[n].name;
        if (strlen(names[n]) == len && !memcmp(names[n], item, len)) {
            *mask = off ? *mask & ~log_names[n].bit : *mask | log_names[n].bit;
            return true;
        }
    }
    snprintf(word, sizeof(word), "%.*s", (int)(len < 63 ? len : 63), item);
    near = nearest_name(word, names, n);
    return error_set(e, "unknown log item '%s' (%s%s%s'help' lists all)", word,
                     near ? "did you mean '" : "", near ? near : "",
                     near ? "'? " : "");
}

/* Starts from what *mask holds, so that "-x" has something to take away;
 * leaves it alone on error. */
bool log_parse(const char *items, uint32_t *mask, struct error *e)
{
    uint32_t bits = *mask;

    for (;;) {
        size_t len = strcspn(items, ",");

        if (!add_item(items, len, &bits, e))
            return false;
        if (!items[len])
            break;
        items += len + 1;
    }
    *mask = bits;
    return true;
}

static void format_line(char *out, const char *fmt, va_list ap)
{
    vsnprintf(out, LINE_MAX_BYTES, fmt, ap);
    /* Guest strings may come in here: nothing that steers a terminal. */
    for (; *out; out++)
        if (((unsigned char)*out < ' ' && *out != '\n' && *out != '\t') ||
            *out == 0x7f)
            *out = '?';
}

void log_line(struct log *log, uint32_t bits, const char *fmt, ...)
{
    char line[LINE_MAX_BYTES];
    va_list ap;

    if (!log_on(log, bits))
        return;
    va_start(ap, fmt);
    format_line(line, fmt, ap);
    va_end(ap);
    pthread_mutex_lock(&log->lock);
    put_line(log, line);
    pthread_mutex_unlock(&log->lock);
}

static uint64_t host_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* May one more line of guest errors go out now? */
static bool guest_line_allowed(struct log *log)
{
    uint64_t now = host_ns();

    if (!log->window_start_ns || now - log->window_start_ns >= 1000000000) {
        put_dropped(log);
        log->window_start_ns = now;
        log->in_window = 0;
    }
    if (log->in_window < GUEST_LINES_PER_SECOND) {
        log->in_window++;
        return true;
    }
    if (log->dropped < UINT32_MAX)
        log->dropped++;
    return false;
}

void log_guest(struct log *log, const char *fmt, ...)
{
    char line[LINE_MAX_BYTES];
    va_list ap;

    if (!log_on(log, LOG_GUEST_ERRORS))
        return;
    pthread_mutex_lock(&log->lock);
    if (guest_line_allowed(log)) {
        va_start(ap, fmt);
        format_line(line, fmt, ap);
        va_end(ap);
        put_line(log, line);
    }
    pthread_mutex_unlock(&log->lock);
}
