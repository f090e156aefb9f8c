/* Decompression into memory, with a bound. */
#ifndef MACHINE_LOAD_UNPACK_H
#define MACHINE_LOAD_UNPACK_H

#include "machine/load/source.h"

enum packing { PACKING_GZIP, PACKING_ZSTD };

/*
 * Unpack `in` into memory that *out owns; its name is in's.  Data that would
 * grow beyond `limit` bytes, is damaged or ends early is an error.  Bytes
 * behind the end of the compressed data are ignored.
 */
bool unpack(const struct source *in, enum packing packing, uint64_t limit,
            struct source *out, struct error *e);
/* The same of its first `n` bytes, or all; what follows is not looked at. */
bool unpack_head(const struct source *in, enum packing packing, uint64_t n,
                 struct source *out, struct error *e);

#endif
