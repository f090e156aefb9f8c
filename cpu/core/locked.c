/*
 * Wide and locked accesses: 16 bytes, and read-modify-writes of any size
 * and alignment that no other vCPU may see half of.
 *
 * Aligned values in RAM are compared and swapped on the host: up to 8 bytes,
 * and 16 where it can.  The rest (split locks, MMIO) holds the bus:
 * cpu_wires.bus_lock stops the other vCPUs where there are any.
 */
#include "cpu/core/atomic.h"
#include "cpu/core/engine.h"

bool cpu_store16(struct cpu *c, uint64_t va, uint64_t lo, uint64_t hi)
{
    if (!cpu_check_write(c, va, 16))
        return false;
    return cpu_store(c, va, 8, lo) && cpu_store(c, va + 8, 8, hi);
}

static void bus_lock(struct cpu *c, bool on)
{
    if (c->wires.bus_lock)
        c->wires.bus_lock(c->wires.bus_owner, on);
}

bool cpu_lock(struct cpu *c, uint64_t va, unsigned size)
{
    c->lock_va = va;
    c->lock_host = NULL;
    if (!cpu_check_write(c, va, size))
        return false;
    if ((size <= 8 || c->cas16) && !(va & (size - 1)))
        c->lock_host = cpu_try_host(c, va, size);
    if (!c->lock_host)
        bus_lock(c, true);
    return true;
}

bool cpu_lock_load(struct cpu *c, unsigned size)
{
    bool ok = true;

    if (c->lock_host) {
        c->scratch = atomic_load_le(c->lock_host, size < 8 ? size : 8);
        /* Halves that do not belong together will not be swapped. */
        if (size == 16)
            c->scratch_hi = atomic_load_le((uint8_t *)c->lock_host + 8, 8);
    } else if (size == 16) {
        ok = cpu_load16(c, c->lock_va);
    } else {
        ok = cpu_load(c, c->lock_va, size, &c->scratch);
    }
    if (!ok)
        bus_lock(c, false);
    return ok;
}

enum lock_result cpu_lock_store(struct cpu *c, unsigned size, uint64_t old,
                                uint64_t lo, uint64_t hi)
{
    bool ok;

    if (c->lock_host) {
        ok = size == 16 ? atomic_cas16(c->lock_host, old, c->scratch_hi, lo, hi)
                        : atomic_cas(c->lock_host, size, old, lo);
        return ok ? LOCK_DONE : LOCK_RETRY;
    }
    ok = size == 16 ? cpu_store16(c, c->lock_va, lo, hi)
                    : cpu_store(c, c->lock_va, size, lo);
    bus_lock(c, false);
    return ok ? LOCK_DONE : LOCK_FAULT;
}
