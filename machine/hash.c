/*
 * The state hash: FNV-1a's step, 64 bits, over the stream of the field tables
 * (base/state.h) and over RAM, in words of 8 bytes instead of bytes.
 *
 * What is host-side has no part in it: TLBs, decoded blocks, what -jit made.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "machine/machine_priv.h"

#define FNV_BASIS UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static void add_word(uint64_t *hash, uint64_t word)
{
    *hash = (*hash ^ word) * FNV_PRIME;
    *hash ^= *hash >> 32; /* the product moves nothing downwards */
}

static void add_bytes(uint64_t *hash, const uint8_t *bytes, size_t size)
{
    uint64_t last = 0;

    for (; size >= 8; size -= 8, bytes += 8)
        add_word(hash, ld_le64(bytes));
    for (size_t i = 0; i < size; i++)
        last |= (uint64_t)bytes[i] << 8 * i;
    add_word(hash, last | (uint64_t)size << 56);
}

static bool add_fields(uint64_t *hash, const struct field *fields,
                       const void *object)
{
    size_t size = state_size(fields);
    uint8_t *stream = malloc(size ? size : 1);

    if (!stream)
        return false;
    state_save(fields, object, stream);
    add_bytes(hash, stream, size);
    free(stream);
    return true;
}

bool machine_hash(struct machine *m, uint64_t *hash)
{
    bool ok = true;

    *hash = FNV_BASIS;
    add_word(hash, clock_ns(m->clock));
    for (unsigned i = 0; i < m->n_cpus; i++)
        ok &= add_fields(hash, m->vcpu[i].cpu->class->fields, m->vcpu[i].cpu);
    for (unsigned i = 0; i < m->n_members; i++)
        ok &= add_fields(hash, m->members[i].dev->class->fields,
                         m->members[i].dev);
    add_bytes(hash, m->ram->host, (size_t)m->ram->size);
    return ok;
}
