/*
 * Physical address spaces: RAM, ROM, MMIO and aliases, with priorities.
 *
 * A struct memory is one address space (a PC has two: memory and I/O
 * ports).  Regions are added once and then moved, enabled and disabled; the
 * space is flattened into a sorted map whenever that happens.  Where two
 * overlap, the higher priority wins; of equal ones, the later added.
 *
 * The map may be read from any vCPU thread; it is changed under the device
 * lock, and `version` tells the vCPUs to drop what they cached of it.
 *
 * RAM pages carry flags.  A page with RAM_CODE holds decoded guest code: a
 * write to it must be announced (memory_wrote()), after it was made.  A page
 * without RAM_DIRTY has not been written since dirty logging began.
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define PAGE_BITS 12
#define PAGE_SIZE ((uint64_t)1 << PAGE_BITS)
#define PAGE_MASK (~(PAGE_SIZE - 1))

enum region_kind { REGION_RAM, REGION_ROM, REGION_MMIO, REGION_ALIAS };

enum ram_flag {
    RAM_DIRTY = 1 << 0, /* written since whoever reads it cleared it */
    RAM_CODE = 0xfe,    /* block caches that hold code of this page, counted
                           in units of RAM_CODE_ONE */
    RAM_CODE_ONE = 1 << 1,
};
#define RAM_CODE_MAX 127 /* caches that can be counted */

/* One mmap of guest RAM. */
struct ram {
    uint8_t *host; /* page aligned, zero filled */
    uint64_t size; /* bytes, a multiple of PAGE_SIZE */
    uint8_t *flags; /* enum ram_flag of each page; atomic access */
};

/*
 * What an MMIO region answers to.  `accept` are the widths a guest may use
 * (or-ed 1|2|4|8): others are a bus error.  `impl` are the widths the
 * device's functions handle: the core splits a wider access, and widens a
 * narrower one (read: part of the wide value; write: the device sees the
 * wide write with the other bytes zero only if it lists the narrow width,
 * else the access is a bus error).  An access not aligned to its width is a
 * bus error unless `unaligned`.
 */
struct mmio_ops {
    uint64_t (*read)(void *owner, uint64_t offset, unsigned size);
    void (*write)(void *owner, uint64_t offset, uint64_t value,
                  unsigned size);
    uint8_t accept, impl; /* 0 means 1|2|4 */
    bool unaligned;
    bool msi; /* takes memory_msi(); its write() reaches wires only */
};

struct region {
    const char *name;
    enum region_kind kind;
    uint64_t base, size; /* bytes, in its address space */
    int priority;
    bool enabled;
    struct ram *ram;         /* RAM, ROM */
    uint64_t ram_offset;     /* RAM, ROM: where in ram it starts */
    const struct mmio_ops *ops; /* MMIO; ROM: takes the CPUs' writes (flash),
                                   NULL: they vanish */
    void *owner;             /* first argument of ops */
    struct region *target;   /* ALIAS: of this RAM, ROM or MMIO region */
    uint64_t target_offset;  /* ALIAS: from here on */
    struct memory *space;    /* set by memory_add() */
};

/* A piece of the flattened map: one region, seen at [start, start+size). */
struct span {
    uint64_t start, size;
    const struct region *region; /* never an alias */
    uint64_t offset;             /* of start, within region */
};

struct memory;

/*
 * ones: unmapped reads give all ones and writes vanish (a PC), and what a
 * device refuses is tried in halves first; else both fail (RISC-V).  lock is
 * the device lock, taken by memory_read/_write.
 */
struct memory *memory_new(const char *name, bool ones, pthread_mutex_t *lock);
/* Regions and RAM stay with their owners. */
void memory_free(struct memory *m);
pthread_mutex_t *memory_lock(struct memory *m);

/* size is rounded up to a page.  false: the host has not that much. */
bool ram_new(struct ram **out, uint64_t size, struct error *e);
void ram_free(struct ram *ram);

/* The region must outlive the space.  Fails if it wraps the address space. */
bool memory_add(struct memory *m, struct region *r, struct error *e);
/* Take a region out of its space, if it is in one. */
void memory_remove(struct region *r);
/* Change place or visibility of a region; cheap if nothing changes. */
void memory_move(struct region *r, uint64_t base);
void memory_enable(struct region *r, bool enabled);
/* Let an ALIAS begin elsewhere in its target, within it. */
void memory_retarget(struct region *r, uint64_t offset);

/* Increases with every change of the map.  Atomic, any thread. */
uint64_t memory_version(struct memory *m);

/* The span that holds pa; false if nothing is mapped there. */
bool memory_find(struct memory *m, uint64_t pa, struct span *out);

/* Host address of pa if `size` bytes from it are RAM (or ROM, when !write)
 * in one span, else NULL. */
uint8_t *memory_host(struct memory *m, uint64_t pa, uint64_t size, bool write);

enum bus_result {
    BUS_OK,
    BUS_UNMAPPED, /* nothing there, and the space does not answer in ones */
    BUS_REFUSED,  /* width or alignment that the device does not accept */
};

/* A CPU's access of 1, 2, 4 or 8 bytes to any kind of region, little-endian;
 * takes the device lock for MMIO.  Writes to ROM go to its ops, or vanish. */
enum bus_result memory_read(struct memory *m, uint64_t pa, unsigned size,
                            uint64_t *value);
enum bus_result memory_write(struct memory *m, uint64_t pa, unsigned size,
                             uint64_t value);

/* The span that was found last, for whoever mostly comes back to the same
 * registers.  All zero at first; each thread has its own. */
struct memory_hint {
    uint64_t version;
    struct span span;
};

/* As memory_read() and memory_write(), but takes the device lock for memory,
 * too; does not search where the hint holds. */
enum bus_result memory_read_hinted(struct memory *m, struct memory_hint *hint,
                                   uint64_t pa, unsigned size,
                                   uint64_t *value);
enum bus_result memory_write_hinted(struct memory *m, struct memory_hint *hint,
                                    uint64_t pa, unsigned size,
                                    uint64_t value);

/* DMA by a device, under the device lock: RAM and (read) ROM only; touching
 * MMIO or nothing is false and does nothing at all.  Announces code and
 * dirty pages. */
bool dma_read(struct memory *m, uint64_t pa, void *out, uint64_t size);
bool dma_write(struct memory *m, uint64_t pa, const void *in, uint64_t size);

/*
 * A message-signalled interrupt: a device's write of 32 bits, under the
 * device lock.  It reaches RAM, and registers that are there for messages
 * (mmio_ops.msi); all others are refused as by DMA, so that no device calls
 * itself.  false: pa is not aligned to 4, or the message went nowhere.
 */
bool memory_msi(struct memory *m, uint64_t pa, uint32_t data);

/* Loader's and debugger's access: as DMA, but writes ROM too. */
bool memory_poke(struct memory *m, uint64_t pa, const void *in, uint64_t size);

/*
 * After a write of `size` bytes at byte `offset` of ram by anyone but the
 * fast path: set dirty, and tell the code watchers if a page holds code.
 */
void memory_wrote(struct memory *m, struct ram *ram, uint64_t offset,
                  uint64_t size);

/*
 * Was the page at byte `offset` of ram written?  Clears RAM_DIRTY; the next
 * write sets it again.  A CPU that is running may write once more unnoticed,
 * so that what was dirty wants a second look after memory_code_settled(m,
 * NULL).
 */
bool memory_take_dirty(struct memory *m, struct ram *ram, uint64_t offset);

/* A block cache's interest in writes to RAM_CODE pages; called from the
 * writing thread. */
struct code_watcher {
    void (*wrote)(void *owner, struct ram *ram, uint64_t offset,
                  uint64_t size);
    /*
     * Another cache has counted itself into the page at host, or it is no
     * longer dirty.  true: this
     * one's CPU is running, and may still write there unannounced until it
     * looks for such news.  May be NULL.
     */
    bool (*armed)(void *owner, const uint8_t *host);
    /* Has it taken in all such news, or does its CPU not run?  May be NULL. */
    bool (*settled)(void *owner);
    void *owner;
    struct code_watcher *next;
};
void memory_watch_code(struct memory *m, struct code_watcher *w);
void memory_unwatch_code(struct memory *m, struct code_watcher *w);

/*
 * w's cache is about to decode code of the page at byte `offset` of ram:
 * from now on writes to it are announced.  true: but for some of CPUs that
 * are running.  Each page is disarmed as often as it was armed.
 */
bool memory_arm_code(struct memory *m, const struct code_watcher *w,
                     struct ram *ram, uint64_t offset);
void memory_disarm_code(struct ram *ram, uint64_t offset);
/* Do all other caches than w's (NULL: all) know of every page that was armed,
 * or taken from the dirty ones? */
bool memory_code_settled(struct memory *m, const struct code_watcher *w);

#endif
