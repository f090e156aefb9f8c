/*
 * The log of one machine: what -d asks for, and a guest's wrongdoing.
 *
 * A struct log belongs to the machine and is handed to whoever logs; there
 * is no global one.  Every function may be called from any thread.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

enum log_mask {
    LOG_IN_ASM = 1 << 0,      /* guest code as it is decoded */
    LOG_INT = 1 << 1,         /* traps and interrupts as they are taken */
    LOG_EXEC = 1 << 2,        /* each block as it is entered */
    LOG_GUEST_ERRORS = 1 << 3, /* what a guest did wrong */
    LOG_UNIMP = 1 << 4,       /* what a guest asked for that we lack */
    LOG_MMU = 1 << 5,         /* page walks and TLB flushes */
    LOG_STATS = 1 << 6,       /* counters, printed at exit */
    LOG_CPU = 1 << 7,         /* registers before each block */
    LOG_IR = 1 << 8,          /* what the translator makes of a block */
    LOG_OUT_ASM = 1 << 9,     /* and the host code for it */
    LOG_HASH = 1 << 10,       /* of the machine's state, printed at exit */
};

struct log {
    uint32_t mask; /* enum log_mask, or-ed */
    FILE *file;    /* where it goes; owned by whoever opened it */
    pthread_mutex_t lock;
    uint64_t window_start_ns; /* rate limit: start of the current second */
    uint32_t in_window;       /* lines of guest errors in it */
    uint32_t dropped;         /* lines left out of it */
};

struct log_name {
    const char *name, *help;
    uint32_t bit;
};

/* Every -d item, ended by a NULL name. */
extern const struct log_name log_names[];

void log_init(struct log *log, FILE *file);
void log_destroy(struct log *log);

/* Parse "a,b,-c" into *mask; "help" is the caller's. */
bool log_parse(const char *items, uint32_t *mask, struct error *e);

static inline bool log_on(const struct log *log, uint32_t bits)
{
    return (log->mask & bits) != 0;
}

/* One line, newline added, if any of the bits is on. */
void log_line(struct log *log, uint32_t bits, const char *fmt, ...)
    BASE_PRINTF(3, 4);

/*
 * A guest's wrongdoing (LOG_GUEST_ERRORS): at most 20 lines a second, the
 * rest is counted and the count is logged.
 */
void log_guest(struct log *log, const char *fmt, ...) BASE_PRINTF(2, 3);

#endif
