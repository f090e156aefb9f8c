/*
 * -action: what is done when the guest ends, resets or panics.
 *
 * Missing: watchdog=, since there is none.
 */
#include <string.h>

#include "frontend/cli/cli_priv.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The number of the word that `key` has; `fallback` where it is not there, -1:
 * it is none of them. */
static int word_of(const struct keyval *kv, const char *key,
                   const char *const *words, size_t n, int fallback,
                   struct error *e)
{
    const char *value = keyval_get(kv, key);

    if (!value)
        return fallback;
    for (size_t i = 0; i < n; i++)
        if (!strcmp(value, words[i]))
            return (int)i;
    unknown_word(e, key, value, words, n);
    return -1;
}

enum cli_result cli_action(struct config *c, const char *arg, struct error *e)
{
    static const char *const known[] = {"reboot", "shutdown", "panic"};
    static const char *const reboot[] = {"reset", "shutdown"};
    static const char *const shutdown[] = {"poweroff", "pause"};
    static const char *const panic[] = {
        [PANIC_SHUTDOWN] = "shutdown",
        [PANIC_PAUSE] = "pause",
        [PANIC_FAIL] = "exit-failure",
        [PANIC_NONE] = "none",
    };
    struct keyval kv;
    int found[3];

    if (!keyval_parse(&c->pool, arg, NULL, &kv, e) ||
        !keyval_check(&kv, known, COUNT(known), e))
        return CLI_ERROR;
    found[0] = word_of(&kv, "reboot", reboot, COUNT(reboot), c->no_reboot, e);
    found[1] = word_of(&kv, "shutdown", shutdown, COUNT(shutdown),
                       c->pause_at_shutdown, e);
    found[2] = word_of(&kv, "panic", panic, COUNT(panic), (int)c->at_panic, e);
    if (found[0] < 0 || found[1] < 0 || found[2] < 0)
        return CLI_ERROR;
    c->no_reboot = found[0];
    c->pause_at_shutdown = found[1];
    c->at_panic = (enum at_panic)found[2];
    return CLI_RUN;
}
