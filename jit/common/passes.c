/*
 * The names of what can be switched off.
 */
#include <string.h>

#include "jit/jit.h"

const struct jit_pass_name jit_passes[JIT_PASSES] = {
    [JIT_LINKS] = {"links", "jumps from block to block are patched in"},
    [JIT_JUMPS] = {"jumps", "indirect jumps look up their target inline"},
    [JIT_SITES] = {"sites", "each access remembers the page it touched last"},
    [JIT_SPANS] = {"spans", "accesses off one base share a check"},
    [JIT_PINS] = {"pins", "guest registers stay in host registers"},
    [JIT_TIERS] = {"tiers", "cold code is interpreted, not compiled"},
};

static bool parse_one(const char *word, size_t n, uint32_t *off,
                      struct error *e)
{
    const char *near = NULL, *names[JIT_PASSES];
    char name[32];

    if (n > 3 && n < sizeof(name) && !memcmp(word, "no-", 3)) {
        memcpy(name, word + 3, n - 3);
        name[n - 3] = '\0';
        for (unsigned i = 0; i < JIT_PASSES; i++) {
            names[i] = jit_passes[i].name;
            if (!strcmp(names[i], name)) {
                *off |= (uint32_t)1 << i;
                return true;
            }
        }
        near = nearest_name(name, names, JIT_PASSES);
    }
    if (near)
        return error_set(e, "%.*s: no such pass (did you mean 'no-%s'?)",
                         (int)n, word, near);
    return error_set(e, "%.*s: expected no-NAME; help lists the names",
                     (int)(n < 64 ? n : 64), word);
}

bool jit_parse(const char *list, uint32_t *off, struct error *e)
{
    uint32_t bits = *off;

    for (;; list++) {
        size_t n = strcspn(list, ",");

        if (!parse_one(list, n, &bits, e))
            return false;
        list += n;
        if (!*list)
            break;
    }
    *off = bits;
    return true;
}
