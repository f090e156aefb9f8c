/*
 * gzip (RFC 1952, through zlib) and zstd (RFC 8878, through libzstd).
 *
 * Memory grows with what really comes out, never by what a header promises,
 * and stops at the caller's limit.
 *
 * Missing: several gzip members one after the other (the first one counts),
 * zstd dictionaries.
 */
#include "machine/load/unpack.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#define CHUNK ((size_t)64 << 10)
#define FIRST_ROOM ((uint64_t)4 << 20)

struct unpacker {
    const struct source *in;
    uint64_t at; /* bytes of in that were read */
    uint8_t chunk[CHUNK];
    uint8_t *out;
    uint64_t used, room, limit;
    bool head; /* no more than the limit is wanted */
};

/* Read on; 0: the end of the file, or an error. */
static size_t next_chunk(struct unpacker *u, struct error *e)
{
    uint64_t left = u->in->size - u->at;
    size_t n = left < CHUNK ? (size_t)left : CHUNK;

    if (n == 0) {
        source_error(u->in, e, "truncated: the compressed data ends early");
        return 0;
    }
    if (!source_read(u->in, u->at, u->chunk, n, e))
        return 0;
    u->at += n;
    return n;
}

static bool is_enough(const struct unpacker *u)
{
    return u->head && u->used >= u->limit;
}

/* Room for at least one more byte. */
static bool make_room(struct unpacker *u, struct error *e)
{
    uint64_t room = u->room ? u->room * 2 : FIRST_ROOM;
    uint8_t *more;

    if (u->used < u->room)
        return true;
    if (u->room >= u->limit)
        return source_error(u->in, e,
                            "would unpack to more than %s, which does not "
                            "fit into memory",
                            SIZE_TEXT(u->limit));
    room = room < u->limit ? room : u->limit;
    more = room > SIZE_MAX ? NULL : realloc(u->out, (size_t)room);
    if (!more)
        return source_error(u->in, e, "no memory to unpack it");
    u->out = more;
    u->room = room;
    return true;
}

static bool run_inflate(struct unpacker *u, z_stream *z, struct error *e)
{
    for (;;) {
        uint64_t room;
        int r;

        if (z->avail_in == 0) {
            z->avail_in = (uInt)next_chunk(u, e);
            z->next_in = u->chunk;
            if (z->avail_in == 0)
                return false;
        }
        if (!make_room(u, e))
            return false;
        room = u->room - u->used;
        z->avail_out = room < (1u << 30) ? (uInt)room : 1u << 30;
        room = z->avail_out;
        z->next_out = u->out + u->used;
        r = inflate(z, Z_NO_FLUSH);
        u->used += room - z->avail_out;
        if (r == Z_STREAM_END || is_enough(u))
            return true;
        if (r != Z_OK && r != Z_BUF_ERROR)
            return source_error(u->in, e, "damaged gzip data%s%s",
                                z->msg ? ": " : "", z->msg ? z->msg : "");
    }
}

static bool run_gzip(struct unpacker *u, struct error *e)
{
    z_stream z = {.next_in = NULL};
    bool ok;

    /* 15: the largest window; 16: a gzip header, not zlib's. */
    if (inflateInit2(&z, 15 + 16) != Z_OK)
        return source_error(u->in, e, "no memory to unpack it");
    ok = run_inflate(u, &z, e);
    inflateEnd(&z);
    return ok;
}

static bool run_decompress(struct unpacker *u, ZSTD_DStream *z, struct error *e)
{
    ZSTD_inBuffer in = {u->chunk, 0, 0};

    for (;;) {
        ZSTD_outBuffer out;
        size_t r;

        if (in.pos == in.size) {
            in.pos = 0;
            in.size = next_chunk(u, e);
            if (in.size == 0)
                return false;
        }
        if (!make_room(u, e))
            return false;
        out = (ZSTD_outBuffer){u->out, (size_t)u->room, (size_t)u->used};
        r = ZSTD_decompressStream(z, &out, &in);
        u->used = out.pos;
        if (ZSTD_isError(r))
            return source_error(u->in, e, "damaged zstd data: %s",
                                ZSTD_getErrorName(r));
        if (r == 0 || is_enough(u))
            return true;
    }
}

static bool run_zstd(struct unpacker *u, struct error *e)
{
    ZSTD_DStream *z = ZSTD_createDStream();
    bool ok;

    if (!z)
        return source_error(u->in, e, "no memory to unpack it");
    ok = run_decompress(u, z, e);
    ZSTD_freeDStream(z);
    return ok;
}

static bool run(const struct source *in, enum packing packing, uint64_t limit,
                bool head, struct source *out, struct error *e)
{
    struct unpacker *u = calloc(1, sizeof(*u));
    bool ok;

    *out = SOURCE_NONE;
    if (!u)
        return source_error(in, e, "out of memory");
    u->in = in;
    u->limit = limit;
    u->head = head;
    ok = packing == PACKING_GZIP ? run_gzip(u, e) : run_zstd(u, e);
    if (ok)
        ok = source_take(out, in->name, u->out, u->used, e);
    else
        free(u->out);
    free(u);
    return ok;
}

bool unpack(const struct source *in, enum packing packing, uint64_t limit,
            struct source *out, struct error *e)
{
    return run(in, packing, limit, false, out, e);
}

bool unpack_head(const struct source *in, enum packing packing, uint64_t n,
                 struct source *out, struct error *e)
{
    return run(in, packing, n, true, out, e);
}
