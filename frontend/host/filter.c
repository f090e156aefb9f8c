/*
 * Keeps firmware from resetting and clearing the user's terminal.
 *
 * Firmware and boot loaders take a serial line for a terminal of their own:
 * they reset it, switch line wrapping off, resize the window and clear the
 * screen, and the shell's history and our messages with it.  Of the control
 * sequences (ECMA-48, and the DEC and xterm ones) these are kept back:
 *
 * always: RIS (ESC c), DECSTR (CSI ! p), no-wrap (CSI ?7 l), 80/132 columns
 *     (CSI ?3 h, l), screen modes (CSI = n h, l), window size (CSI 8 t);
 * until the first key is pressed: erase display (CSI J) and cursor to the
 *     upper left corner (CSI H without or with 1;1).
 *
 * Once somebody types, what clears the screen is likelier an editor or a
 * pager, which must work.  A sequence that is not complete is held until it
 * is, 32 bytes at most.
 */
#include "frontend/host/filter.h"

#include <stdbool.h>
#include <string.h>

enum { ESC = 0x1b };

static bool is(const char *text, size_t n, const char *word)
{
    return strlen(word) == n && !memcmp(text, word, n);
}

/* Parameters that mean line 1, column 1: none, zeros, or ones, as in "",
 * ";", "1;1" and "01;01". */
static bool is_corner(const char *text, size_t n)
{
    unsigned value = 0;

    for (size_t i = 0; i < n && value <= 1; i++) {
        if (text[i] == ';')
            value = 0;
        else if (text[i] >= '0' && text[i] <= '9')
            value = value * 10 + (unsigned)(text[i] - '0');
        else
            return false;
    }
    return value <= 1;
}

/* Is CSI text[0..n-1] final one to keep back? */
static bool keep_back(const struct filter *f, const char *text, size_t n,
                      uint8_t final)
{
    bool typed = atomic_load_explicit(&f->typed, memory_order_relaxed);

    switch (final) {
    case 'h':
    case 'l':
        return (n && text[0] == '=') || is(text, n, "?3") ||
               (final == 'l' && is(text, n, "?7"));
    case 'p':
        return is(text, n, "!");
    case 't':
        return n >= 2 && !memcmp(text, "8;", 2);
    case 'J':
        return !typed;
    case 'H':
    case 'f':
        return !typed && is_corner(text, n);
    }
    return false;
}

static size_t release(struct filter *f, uint8_t *out)
{
    size_t n = f->n_held;

    memcpy(out, f->held, n);
    f->n_held = 0;
    return n;
}

/* One more byte of a sequence.  Returns how many bytes went to out. */
static size_t add(struct filter *f, uint8_t byte, uint8_t *out)
{
    const char *text = (const char *)f->held + 2;

    f->held[f->n_held++] = byte;
    if (f->n_held == 2 && byte == 'c') {
        f->n_held = 0;
        return 0;
    }
    if (f->n_held == 2 && byte == '[')
        return 0;
    if (f->n_held > 2 && byte >= 0x40 && byte <= 0x7e) {
        if (!keep_back(f, text, f->n_held - 3, byte))
            return release(f, out);
        f->n_held = 0;
        return 0;
    }
    /* Parameters and intermediates go on; anything else is not ours. */
    if (f->n_held > 2 && byte >= 0x20 && byte <= 0x3f &&
        f->n_held < FILTER_HOLD)
        return 0;
    return release(f, out);
}

size_t filter_run(struct filter *f, const uint8_t *in, size_t n, uint8_t *out)
{
    size_t used = 0;

    for (size_t i = 0; i < n; i++) {
        if (in[i] == ESC) { /* also in the middle of another: a new one */
            used += release(f, out + used);
            f->held[f->n_held++] = ESC;
        } else if (f->n_held) {
            used += add(f, in[i], out + used);
        } else {
            out[used++] = in[i];
        }
    }
    return used;
}
