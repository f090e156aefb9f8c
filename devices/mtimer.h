/*
 * mtime and mtimecmp: the machine-level timer that the CLINT and the
 * ACLINT's MTIMER have in common.
 */
#ifndef DEVICES_MTIMER_H
#define DEVICES_MTIMER_H

#include <stdint.h>

#include "devices/device.h"

/* Harts that one timer can serve. */
#define MTIMER_MAX_HARTS 128

struct mtimer {
    struct device *dev;   /* that this is part of */
    uint32_t timebase_hz; /* a property of it */
    uint32_t n_harts;
    uint32_t first, step; /* hart n's wire is output first + step * n */
    void (*on_jump)(void *owner);
    void *on_jump_owner;

    struct timer timer; /* when the next mtip changes */
    /* mtime less the clock's ticks, modulo 2^64.  Atomic: the harts read
     * mtime without a lock. */
    _Alignas(8) uint64_t offset;
    uint64_t mtimecmp[MTIMER_MAX_HARTS];
    bool mtip[MTIMER_MAX_HARTS];
};

extern const struct field mtimer_fields[];

/* -- for machines -- */

/* The timer of a CLINT or MTIMER, else NULL. */
struct mtimer *mtimer_of(struct device *dev);
/*
 * mtime now, in ticks of timebase_hz.  For the harts' time CSR: any thread,
 * no lock.  (void, so that the function fits a CPU's time wire as it is.)
 */
uint64_t mtimer_now(void *mtimer);
/*
 * Have fn called, under the device lock, after mtime has jumped (the guest
 * wrote it, a reset, a snapshot): whoever waits for a value of it must
 * reckon anew.  One listener; fn NULL for none.
 */
void mtimer_on_jump(struct mtimer *t, void (*fn)(void *owner), void *owner);

/* -- for the devices: create (first, step and n_harts are set), destroy,
 * reset, loaded -- */

bool mtimer_create(struct mtimer *t, struct device *dev, struct error *e);
void mtimer_destroy(struct mtimer *t);
void mtimer_reset(struct mtimer *t);
void mtimer_loaded(struct mtimer *t);

/* Registers, by the byte of mtime or of the array mtimecmp.  size: 4 or 8. */
uint64_t mtimer_read_time(struct mtimer *t, unsigned at, unsigned size);
void mtimer_write_time(struct mtimer *t, unsigned at, uint64_t value,
                       unsigned size);
bool mtimer_has_compare(const struct mtimer *t, uint64_t offset);
uint64_t mtimer_read_compare(struct mtimer *t, uint64_t offset, unsigned size);
void mtimer_write_compare(struct mtimer *t, uint64_t offset, uint64_t value,
                          unsigned size);

#endif
