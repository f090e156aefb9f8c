/*
 * Error lines, and the nearest of a list of names.
 *
 * The distance counts insertions, deletions, substitutions and swaps of
 * neighbours (optimal string alignment).  Missing: words beyond 63 bytes
 * are not compared; none of our names is that long.
 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What a user typed may hold newlines and escape sequences: one line and
 * nothing but text reaches the terminal. */
static void strip_controls(char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < ' ' || *s == 0x7f)
            *s = '?';
}

bool error_set(struct error *e, const char *fmt, ...)
{
    va_list ap;

    if (!e)
        return false;
    va_start(ap, fmt);
    vsnprintf(e->text, sizeof(e->text), fmt, ap);
    va_end(ap);
    strip_controls(e->text);
    return false;
}

bool error_prefix(struct error *e, const char *fmt, ...)
{
    char old[sizeof(e->text)];
    va_list ap;
    int n;

    if (!e)
        return false;
    memcpy(old, e->text, sizeof(old));
    va_start(ap, fmt);
    n = vsnprintf(e->text, sizeof(e->text), fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof(e->text))
        snprintf(e->text + n, sizeof(e->text) - (size_t)n, ": %s", old);
    strip_controls(e->text);
    return false;
}

enum { MAX_WORD = 63 };

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;

    return m < c ? m : c;
}

/* Three rows of the usual table: the current one and the two above. */
static unsigned distance(const char *a, size_t na, const char *b, size_t nb)
{
    unsigned rows[3][MAX_WORD + 1];

    for (size_t j = 0; j <= nb; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= na; i++) {
        unsigned *cur = rows[i % 3], *up = rows[(i + 2) % 3];
        unsigned *up2 = rows[(i + 1) % 3];

        cur[0] = (unsigned)i;
        for (size_t j = 1; j <= nb; j++) {
            cur[j] = min3(up[j] + 1, cur[j - 1] + 1,
                          up[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
                a[i - 2] == b[j - 1] && up2[j - 2] + 1 < cur[j])
                cur[j] = up2[j - 2] + 1;
        }
    }
    return rows[na % 3][nb];
}

const char *nearest_name(const char *word, const char *const *names, size_t n)
{
    size_t len = strlen(word);
    unsigned best = len < 6 ? 2 : (unsigned)len / 3 + 1; /* exclusive */
    const char *found = NULL;

    if (len > MAX_WORD)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        size_t other = strlen(names[i]);
        unsigned d;

        if (other > MAX_WORD)
            continue;
        d = distance(word, len, names[i], other);
        if (d < best && d < len) { /* something of the word must stay */
            best = d;
            found = names[i];
        }
    }
    return found;
}
