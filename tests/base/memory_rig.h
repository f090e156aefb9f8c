/*
 * What the tests of base/memory.h share: a space, RAM, and a device that notes
 * how it was asked.
 */
#ifndef TESTS_BASE_MEMORY_RIG_H
#define TESTS_BASE_MEMORY_RIG_H

#include "tests/unit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"

struct fixture {
    pthread_mutex_t lock;
    struct memory *m; /* unmapped fails */
    struct ram *ram;  /* 16 pages */
};

enum { RAM_BYTES = 16 * 4096 };

static inline int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct error e;

    pthread_mutex_init(&f->lock, NULL);
    f->m = memory_new("memory", false, &f->lock);
    assert_ptr_equal(memory_lock(f->m), &f->lock);
    assert_true(ram_new(&f->ram, RAM_BYTES, &e));
    *state = f;
    return 0;
}

static inline int tear_down(void **state)
{
    struct fixture *f = *state;

    memory_free(f->m);
    ram_free(f->ram);
    pthread_mutex_destroy(&f->lock);
    free(f);
    return 0;
}

/* Regions live on the tests' stacks, and must outlive the space. */
static inline void finish(struct fixture *f)
{
    memory_free(f->m);
    f->m = NULL;
}

static inline void add(struct fixture *f, struct region *r)
{
    struct error e = {""};

    if (!memory_add(f->m, r, &e))
        fail_msg("%s", e.text);
}

static inline struct region ram_region(struct fixture *f, uint64_t base,
                                       uint64_t size, uint64_t offset)
{
    return (struct region){.name = "ram",
                           .kind = REGION_RAM,
                           .base = base,
                           .size = size,
                           .enabled = true,
                           .ram = f->ram,
                           .ram_offset = offset};
}

/* A device that is 64 bytes of memory, and notes how it was asked. */
struct chip {
    uint8_t bytes[64];
    unsigned reads, writes, last_size;
    uint64_t last_offset;
    unsigned impl;
    bool unaligned;
};

static inline void chip_note(struct chip *c, uint64_t offset, unsigned size)
{
    assert_true(offset < 64 && size <= 64 - offset);
    assert_true(c->impl & size);
    assert_true(c->unaligned || offset % size == 0);
    c->last_size = size;
    c->last_offset = offset;
}

static inline uint64_t chip_read(void *owner, uint64_t offset, unsigned size)
{
    struct chip *c = owner;

    chip_note(c, offset, size);
    c->reads++;
    /* Rubbish above the width must not come through. */
    return ld_le(c->bytes + offset, size) |
           (size < 8 ? UINT64_MAX << size * 8 : 0);
}

static inline void chip_write(void *owner, uint64_t offset, uint64_t value,
                              unsigned size)
{
    struct chip *c = owner;

    chip_note(c, offset, size);
    assert_true(size == 8 || value >> size * 8 == 0);
    c->writes++;
    st_le(c->bytes + offset, value, size);
}

static inline struct region chip_region(struct chip *c,
                                        const struct mmio_ops *ops,
                                        uint64_t base, uint64_t size)
{
    return (struct region){.name = "chip",
                           .kind = REGION_MMIO,
                           .base = base,
                           .size = size,
                           .enabled = true,
                           .ops = ops,
                           .owner = c};
}

static const struct mmio_ops all_ops = {
    .read = chip_read,
    .write = chip_write,
    .accept = 15,
    .impl = 15,
    .unaligned = true,
};

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
