/*
 * A string being built in a caller's buffer, for disassemblers; what does
 * not fit is cut.
 */
#ifndef CPU_CORE_TEXT_H
#define CPU_CORE_TEXT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct text {
    char *out;
    size_t size, at;
};

static inline void text_start(struct text *t)
{
    if (t->size)
        t->out[0] = '\0';
}

static inline void text_add(struct text *t, const char *s)
{
    size_t n = strlen(s);

    if (t->at + n >= t->size)
        return;
    memcpy(t->out + t->at, s, n + 1);
    t->at += n;
}

static inline void text_addf(struct text *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static inline void text_addf(struct text *t, const char *fmt, ...)
{
    char piece[64];
    va_list args;

    va_start(args, fmt);
    vsnprintf(piece, sizeof(piece), fmt, args);
    va_end(args);
    text_add(t, piece);
}

#endif
