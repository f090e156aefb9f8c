/*
 * A host without a backend.
 */
#include "jit/jit.h"

bool jit_attach(struct cpu *c, const struct jit_config *config, struct error *e)
{
    (void)c;
    (void)config;
    return error_set(e, "this host has no translator yet");
}

void jit_count(const struct cpu *c, struct jit_counters *out)
{
    (void)c;
    *out = (struct jit_counters){0};
}
