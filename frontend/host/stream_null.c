/*
 * A stream to nowhere: output vanishes, input never comes.
 */
#include <stdio.h>

#include "frontend/host/stream_priv.h"

static void kick(struct stream *s)
{
    ring_drop(&s->out, s->out.used);
}

static void describe(const struct stream *s, char *out, size_t size)
{
    (void)s;
    snprintf(out, size, "null");
}

const struct stream_class stream_null = {
    .name = "null",
    .size = sizeof(struct stream),
    .kick = kick,
    .describe = describe,
};
