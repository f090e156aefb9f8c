/* base/memory.h: the flattened map, accesses, widths, hints, and look-ups
 * beside changes (also worth a run under ThreadSanitizer). */
#include "tests/base/memory_rig.h"

#include <stdatomic.h>

#include "tests/base/pest.h"

/* --------------------------------------------------------------- RAM */

static void refuses_ram_sizes(void **state)
{
    struct ram *ram = NULL;
    struct error e;

    (void)state;
    assert_false(ram_new(&ram, 0, &e));
    assert_string_equal(e.text, "guest RAM of 0 bytes");
    assert_false(ram_new(&ram, UINT64_MAX, &e));
    assert_false(ram_new(&ram, (uint64_t)1 << 60, &e));
    assert_non_null(strstr(e.text, "MiB of guest RAM: the host has "));
    assert_null(ram);
}

static void rounds_ram_up(void **state)
{
    struct error e;
    struct ram *ram;

    (void)state;
    assert_true(ram_new(&ram, 1, &e));
    assert_int_equal(ram->size, 4096);
    assert_int_equal((uintptr_t)ram->host % 4096, 0);
    for (unsigned i = 0; i < 4096; i++)
        assert_int_equal(ram->host[i], 0);
    assert_int_equal(ram->flags[0], 0);
    ram_free(ram);
    ram_free(NULL);
    assert_true(ram_new(&ram, 4097, &e));
    assert_int_equal(ram->size, 8192);
    ram_free(ram);
}

/* --------------------------------------------------------------- map */

static void refuses_bad_regions(void **state)
{
    struct fixture *f = *state;
    struct region r = ram_region(f, 0, 4096, 0), alias, second;
    struct chip c = {.impl = 15};
    struct error e;

    r.size = 0;
    assert_false(memory_add(f->m, &r, &e));
    r.size = RAM_BYTES + 1;
    assert_false(memory_add(f->m, &r, &e));
    r.size = 4096;
    r.ram_offset = RAM_BYTES - 4095;
    assert_false(memory_add(f->m, &r, &e));
    assert_string_equal(e.text, "region 'ram' is larger than its RAM");
    r.ram_offset = UINT64_MAX;
    assert_false(memory_add(f->m, &r, &e));
    r.ram_offset = 0;
    r.base = UINT64_MAX - 4094;
    assert_false(memory_add(f->m, &r, &e));
    assert_non_null(strstr(e.text, "ends beyond the memory space"));
    r.base = 0;
    r.ram = NULL;
    assert_false(memory_add(f->m, &r, &e));
    r.ram = f->ram;
    add(f, &r);
    assert_false(memory_add(f->m, &r, &e));
    assert_non_null(strstr(e.text, "already"));

    second = chip_region(&c, NULL, 0, 64);
    assert_false(memory_add(f->m, &second, &e));
    alias = (struct region){.name = "alias",
                            .kind = REGION_ALIAS,
                            .size = 4096,
                            .target = &r,
                            .target_offset = 1};
    assert_false(memory_add(f->m, &alias, &e));
    assert_non_null(strstr(e.text, "larger than its target"));
    alias.target_offset = 0;
    add(f, &alias);
    second = alias;
    second.space = NULL;
    second.target = &alias;
    assert_false(memory_add(f->m, &second, &e));
    assert_non_null(strstr(e.text, "alias of an alias"));
    second.target = NULL;
    assert_false(memory_add(f->m, &second, &e));
    memory_remove(&alias);
    memory_remove(&r);
    assert_null(r.space);
    assert_false(memory_find(f->m, 0, &(struct span){0}));
    finish(f);
}

static void reaches_the_top(void **state)
{
    struct fixture *f = *state;
    struct region r = ram_region(f, (uint64_t)0 - 4096, 4096, 0);
    struct span s;
    uint64_t v;

    add(f, &r);
    assert_true(memory_find(f->m, UINT64_MAX, &s));
    assert_true(s.start == r.base && s.size == 4096);
    assert_int_equal(memory_write(f->m, UINT64_MAX, 1, 0x5a), BUS_OK);
    assert_int_equal(memory_read(f->m, UINT64_MAX - 7, 8, &v), BUS_OK);
    assert_true(v == 0x5a00000000000000);
    /* Beyond the end there is nothing, and no wrapping to 0. */
    assert_int_equal(memory_read(f->m, UINT64_MAX, 2, &v), BUS_UNMAPPED);
    assert_int_equal(memory_write(f->m, UINT64_MAX, 8, 0), BUS_UNMAPPED);
    assert_false(dma_read(f->m, UINT64_MAX, &v, 2));
    assert_true(dma_read(f->m, UINT64_MAX, &v, 1));
    assert_false(dma_read(f->m, UINT64_MAX - 3, &v, UINT64_MAX));
    /* A guest moves it over the edge: it is gone, and comes back. */
    memory_move(&r, UINT64_MAX - 4094);
    assert_false(memory_find(f->m, UINT64_MAX, &s));
    memory_move(&r, 0);
    assert_true(memory_find(f->m, 4095, &s));
    assert_false(memory_find(f->m, 4096, &s));
    finish(f);
}

static void version_moves_with_changes_only(void **state)
{
    struct fixture *f = *state;
    struct region a = ram_region(f, 0, 8192, 0), b = a, c = a;
    uint64_t v = memory_version(f->m);

    add(f, &a);
    assert_true(memory_version(f->m) > v);
    v = memory_version(f->m);
    memory_move(&a, 0);
    memory_enable(&a, true);
    assert_true(memory_version(f->m) == v);
    b.priority = -1; /* hidden altogether */
    add(f, &b);
    memory_move(&b, 4096 - 4096);
    memory_enable(&b, false);
    assert_true(memory_version(f->m) == v);
    c.enabled = false;
    c.priority = 1;
    add(f, &c);
    memory_move(&c, 4096);
    assert_true(memory_version(f->m) == v);
    memory_enable(&c, true);
    assert_true(memory_version(f->m) == v + 1);
    finish(f);
}

/*
 * Random regions and aliases of all priorities on 256 bytes: for each byte,
 * the map against a search through the list.
 */
enum { BYTES = 256, REGIONS = 24 };

static bool covers(const struct region *r, uint64_t pa)
{
    return r->space && r->enabled && r->base + r->size > r->base &&
           pa >= r->base && pa - r->base < r->size;
}

static void check_byte(struct memory *m, const struct region *r,
                       const unsigned *added, uint64_t pa)
{
    const struct region *want = NULL;
    uint64_t offset;
    unsigned best = 0;
    struct span s, end;

    for (unsigned i = 0; i < REGIONS; i++) {
        if (!covers(&r[i], pa))
            continue;
        if (!want || r[i].priority > want->priority ||
            (r[i].priority == want->priority && added[i] > best)) {
            want = &r[i];
            best = added[i];
        }
    }
    if (!want) {
        assert_false(memory_find(m, pa, &s));
        return;
    }
    assert_true(memory_find(m, pa, &s));
    offset = pa - want->base;
    if (want->kind == REGION_ALIAS) {
        offset += want->target_offset;
        want = want->target;
    }
    assert_ptr_equal(s.region, want);
    assert_true(s.offset + (pa - s.start) == offset);
    assert_true(s.size > 0 && s.start + s.size <= BYTES * 2);
    /* It ends where it says. */
    assert_true(memory_find(m, s.start + s.size - 1, &end));
    assert_true(end.start == s.start && end.size == s.size);
}

static void make_random(struct fixture *f, struct prng *p, struct region *r)
{
    *r = ram_region(f, prng_below(p, BYTES), 1 + prng_below(p, 60), 0);
    r->ram_offset = prng_below(p, 1000);
    r->priority = (int)prng_below(p, 5) - 2;
    r->enabled = prng_below(p, 4) > 0;
    if (prng_below(p, 3) == 0)
        r->kind = REGION_ROM;
}

static void agrees_with_a_search(void **state)
{
    struct fixture *f = *state;
    struct region r[REGIONS], backing = ram_region(f, 0, 512, 3);
    unsigned added[REGIONS] = {0}, count = 0;
    struct prng p = {9};

    for (unsigned i = 0; i < REGIONS; i++) {
        make_random(f, &p, &r[i]);
        if (i % 3 == 0) {
            r[i].kind = REGION_ALIAS;
            r[i].target = &backing;
            r[i].target_offset = prng_below(&p, 400);
        }
    }
    for (unsigned step = 0; step < 3000; step++) {
        struct region *one = &r[prng_below(&p, REGIONS)];

        if (!one->space) {
            one->base %= BYTES;
            add(f, one);
            added[one - r] = ++count;
        } else if (prng_below(&p, 5) == 0) {
            memory_remove(one);
        } else if (prng_below(&p, 2)) {
            memory_move(one, prng_below(&p, BYTES));
        } else if (prng_below(&p, 9) == 0) {
            memory_move(one, UINT64_MAX - prng_below(&p, 8));
        } else {
            memory_enable(one, prng_below(&p, 3) > 0);
        }
        for (unsigned k = 0; k < 40; k++)
            check_byte(f->m, r, added, prng_below(&p, BYTES + 70));
    }
    finish(f);
}

/* Spans are as long as they can be: a region that nothing covers is one. */
static void spans_are_whole(void **state)
{
    struct fixture *f = *state;
    struct region low = ram_region(f, 0, RAM_BYTES, 0), high = low;
    struct span s;

    high.base = 8192;
    high.size = 4096;
    high.priority = 1;
    high.kind = REGION_ROM;
    add(f, &high);
    add(f, &low);
    assert_true(memory_find(f->m, 5, &s));
    assert_true(s.start == 0 && s.size == 8192 && s.offset == 0);
    assert_true(memory_find(f->m, 12287, &s));
    assert_ptr_equal(s.region, &high);
    assert_true(s.start == 8192 && s.size == 4096 && s.offset == 0);
    assert_true(memory_find(f->m, 12288, &s));
    assert_true(s.size == RAM_BYTES - 12288 && s.offset == 12288);
    memory_enable(&high, false);
    assert_true(memory_find(f->m, 5, &s));
    assert_true(s.size == RAM_BYTES);
    finish(f);
}

/* ---------------------------------------------------------- accesses */

static void reads_and_writes_ram(void **state)
{
    struct fixture *f = *state;
    struct region ram = ram_region(f, 0x1000, 4096, 4096);
    struct region rom = ram_region(f, 0x2000, 4096, 8192);
    uint64_t v;

    rom.kind = REGION_ROM;
    add(f, &ram);
    add(f, &rom);
    for (unsigned size = 1; size <= 8; size *= 2)
        for (uint64_t at = 0x1000; at < 0x1010; at++) {
            assert_int_equal(memory_write(f->m, at, size, 0x8182838485868788),
                             BUS_OK);
            assert_int_equal(memory_read(f->m, at, size, &v), BUS_OK);
            assert_true(v == ld_le(f->ram->host + at, size));
            assert_true(v ==
                        (0x8182838485868788 & (UINT64_MAX >> (64 - 8 * size))));
        }
    assert_int_equal(f->ram->flags[1] & RAM_DIRTY, RAM_DIRTY);
    assert_int_equal(f->ram->flags[2], 0);
    /* Writes to ROM vanish. */
    f->ram->host[8192] = 0x77;
    assert_int_equal(memory_write(f->m, 0x2000, 1, 1), BUS_OK);
    assert_int_equal(memory_read(f->m, 0x2000, 1, &v), BUS_OK);
    assert_int_equal(v, 0x77);
    assert_int_equal(f->ram->flags[2], 0);
    /* Over the edge from one to the other: byte by byte. */
    assert_int_equal(memory_write(f->m, 0x1ffe, 4, 0xa1a2a3a4), BUS_OK);
    assert_int_equal(memory_read(f->m, 0x1ffe, 4, &v), BUS_OK);
    assert_int_equal(v, 0x0077a3a4);
    assert_int_equal(memory_read(f->m, 0x0fff, 2, &v), BUS_UNMAPPED);
    assert_int_equal(memory_write(f->m, 0x2ffe, 4, 0), BUS_UNMAPPED);
    finish(f);
}

static void finds_host_memory(void **state)
{
    struct fixture *f = *state;
    struct region ram = ram_region(f, 0x1000, 4096, 4096);
    struct region rom = ram_region(f, 0x2000, 4096, 8192);
    struct chip c = {.impl = 15};
    struct region chip = chip_region(&c, &all_ops, 0x3000, 64);

    rom.kind = REGION_ROM;
    add(f, &ram);
    add(f, &rom);
    add(f, &chip);
    assert_ptr_equal(memory_host(f->m, 0x1000, 4096, true),
                     f->ram->host + 4096);
    assert_ptr_equal(memory_host(f->m, 0x1fff, 1, true), f->ram->host + 8191);
    assert_null(memory_host(f->m, 0x1fff, 2, true));
    assert_null(memory_host(f->m, 0x1000, UINT64_MAX, true));
    assert_null(memory_host(f->m, 0x2000, 1, true));
    assert_ptr_equal(memory_host(f->m, 0x2000, 1, false), f->ram->host + 8192);
    assert_null(memory_host(f->m, 0x3000, 1, false));
    assert_null(memory_host(f->m, 0xfff, 1, false));
    finish(f);
}

/* ROM whose writes are a device's: flash. */
static void rom_hands_writes_over(void **state)
{
    struct fixture *f = *state;
    struct chip c = {.impl = 4};
    struct mmio_ops words = {
        .read = chip_read, .write = chip_write, .accept = 4 | 8, .impl = 4};
    struct region rom = ram_region(f, 0x1000, 64, 4096);
    uint8_t byte = 0x11;
    uint64_t v;

    rom.kind = REGION_ROM;
    rom.ops = &words;
    rom.owner = &c;
    add(f, &rom);
    f->ram->host[4096 + 8] = 0x55;
    assert_int_equal(memory_read(f->m, 0x1008, 2, &v), BUS_OK);
    assert_int_equal(v, 0x55);
    assert_int_equal(memory_write(f->m, 0x1008, 4, 0x12345678), BUS_OK);
    assert_int_equal(ld_le32(c.bytes + 8), 0x12345678);
    assert_int_equal(memory_write(f->m, 0x1010, 8, 1), BUS_OK);
    assert_int_equal(c.writes, 3);
    assert_int_equal(c.reads, 0);
    assert_int_equal(memory_write(f->m, 0x1008, 1, 0), BUS_REFUSED);
    assert_int_equal(memory_write(f->m, 0x100a, 4, 0), BUS_REFUSED);
    assert_int_equal(memory_write(f->m, 0x103e, 4, 0), BUS_REFUSED);
    assert_int_equal(f->ram->host[4096 + 8], 0x55);
    assert_false(dma_write(f->m, 0x1008, &byte, 1));
    assert_int_equal(c.writes, 3);
    finish(f);
}

static void unmapped_reads_as_ones(void **state)
{
    struct fixture *f = *state;
    struct memory *io = memory_new("ports", true, &f->lock);
    struct chip c = {.impl = 15};
    struct region r = chip_region(&c, &all_ops, 0x10, 1);
    struct error e;
    uint64_t v;

    assert_true(memory_add(io, &r, &e));
    for (unsigned size = 1; size <= 8; size *= 2) {
        assert_int_equal(memory_read(io, 0x100, size, &v), BUS_OK);
        assert_true(v == UINT64_MAX >> (64 - 8 * size));
        assert_int_equal(memory_write(io, 0x100, size, 0), BUS_OK);
    }
    c.bytes[0] = 0x12;
    assert_int_equal(memory_read(io, 0xf, 4, &v), BUS_OK);
    assert_int_equal(v, 0xffff12ff);
    assert_int_equal(memory_write(io, 0xf, 4, 0x44332211), BUS_OK);
    assert_int_equal(c.bytes[0], 0x22);
    assert_int_equal(memory_read(io, UINT64_MAX, 8, &v), BUS_OK);
    assert_true(v == UINT64_MAX);
    assert_int_equal(memory_read(f->m, 0x100, 1, &v), BUS_UNMAPPED);
    assert_int_equal(memory_write(f->m, 0x100, 8, 1), BUS_UNMAPPED);
    memory_free(io);
    finish(f);
}

/* A chip of 8 bits at an odd port, and one that takes 2 and 4 bytes only. */
static void refused_goes_in_halves(void **state)
{
    static const struct mmio_ops narrow = {
        .read = chip_read, .write = chip_write, .accept = 1, .impl = 1};
    static const struct mmio_ops wide = {
        .read = chip_read, .write = chip_write, .accept = 2 | 4, .impl = 2 | 4};
    struct fixture *f = *state;
    struct memory *io = memory_new("ports", true, &f->lock);
    struct chip a = {.impl = 1}, b = {.impl = 2 | 4};
    struct region ra = chip_region(&a, &narrow, 0x11, 4);
    struct region rb = chip_region(&b, &wide, 0x20, 8);
    struct error e;
    uint64_t v;

    assert_true(memory_add(io, &ra, &e) && memory_add(io, &rb, &e));
    assert_int_equal(memory_write(io, 0x11, 4, 0x44332211), BUS_OK);
    assert_int_equal(a.bytes[0], 0x11);
    assert_int_equal(a.bytes[3], 0x44);
    assert_int_equal(memory_read(io, 0x10, 4, &v), BUS_OK);
    assert_int_equal(v, 0x332211ff);
    assert_int_equal(memory_write(io, 0x20, 8, UINT64_C(0x8877665544332211)),
                     BUS_OK);
    assert_int_equal(b.writes, 2);
    assert_int_equal(memory_read(io, 0x22, 4, &v), BUS_OK);
    assert_int_equal(v, 0x66554433);
    assert_int_equal(memory_read(io, 0x20, 1, &v), BUS_OK);
    assert_int_equal(v, 0xff);
    assert_int_equal(memory_write(io, 0x20, 1, 0), BUS_OK);
    assert_int_equal(b.bytes[0], 0x11);
    memory_free(io);
    finish(f);
}

/*
 * Every accept and impl, width and offset: what is taken, that the device
 * sees only what it says, and that the bytes are those of a memory.
 */
static bool expect_accept(const struct mmio_ops *ops, uint64_t offset,
                          unsigned size, bool write)
{
    unsigned accept = ops->accept ? ops->accept : 7;
    unsigned impl = ops->impl ? ops->impl : 7, wider = 2 * size;

    if (!(accept & size) || (!ops->unaligned && offset % size))
        return false;
    if (impl & (2 * size - 1))
        return true; /* this width, or split */
    while (!(impl & wider))
        wider *= 2;
    return offset / wider == (offset + size - 1) / wider &&
           (!write || (ops->accept & size));
}

static void check_widths(struct fixture *f, struct chip *c,
                         const struct mmio_ops *ops, uint64_t offset,
                         unsigned size)
{
    uint64_t value = 0x9192939495969798, v = 0;
    unsigned reads = c->reads, writes = c->writes;
    enum bus_result result;
    uint8_t was[64];

    memcpy(was, c->bytes, 64);
    result = memory_read(f->m, 0x1000 + offset, size, &v);
    if (!expect_accept(ops, offset, size, false)) {
        assert_int_equal(result, BUS_REFUSED);
        assert_int_equal(c->reads, reads);
    } else {
        assert_int_equal(result, BUS_OK);
        assert_true(v == ld_le(was + offset, size));
        assert_true(c->reads > reads);
    }
    result = memory_write(f->m, 0x1000 + offset, size, value);
    if (!expect_accept(ops, offset, size, true)) {
        assert_int_equal(result, BUS_REFUSED);
        assert_int_equal(c->writes, writes);
        assert_memory_equal(c->bytes, was, 64);
    } else {
        unsigned seen = c->last_size > size ? c->last_size : size;
        uint64_t start = offset - offset % seen;

        assert_int_equal(result, BUS_OK);
        if (c->last_size > size) /* widened: the rest was zero */
            memset(was + start, 0, seen);
        st_le(was + offset, value, size);
        assert_memory_equal(c->bytes, was, 64);
    }
}

static void fits_widths(void **state)
{
    struct fixture *f = *state;

    for (unsigned kind = 0; kind < 16 * 16 * 2; kind++) {
        struct mmio_ops ops = {.read = chip_read,
                               .write = chip_write,
                               .accept = kind & 15,
                               .impl = kind >> 4 & 15,
                               .unaligned = kind >> 8};
        struct chip c = {.impl = ops.impl ? ops.impl : 7,
                         .unaligned = ops.unaligned};
        struct region r = chip_region(&c, &ops, 0x1000, 64);

        for (unsigned i = 0; i < 64; i++)
            c.bytes[i] = (uint8_t)(0x80 + i);
        add(f, &r);
        for (unsigned size = 1; size <= 8; size *= 2)
            for (uint64_t offset = 0; offset < 24; offset++)
                check_widths(f, &c, &ops, offset, size);
        memory_remove(&r);
    }
    finish(f);
}

static void splits_over_edges(void **state)
{
    static const struct mmio_ops words = {
        .read = chip_read, .write = chip_write, .accept = 4, .impl = 4};
    struct fixture *f = *state;
    struct chip a = {.impl = 15, .unaligned = true}, b = a, w = {.impl = 4};
    struct region ra = chip_region(&a, &all_ops, 0x100, 16);
    struct region rb = chip_region(&b, &all_ops, 0x110, 16);
    struct region rw = chip_region(&w, &words, 0x120, 16);
    uint64_t v;

    add(f, &ra);
    add(f, &rb);
    add(f, &rw);
    assert_int_equal(memory_write(f->m, 0x10e, 4, 0x44332211), BUS_OK);
    assert_int_equal(a.bytes[15], 0x22);
    assert_int_equal(b.bytes[1], 0x44);
    assert_int_equal(memory_read(f->m, 0x10d, 8, &v), BUS_OK);
    assert_true(v == 0x0000004433221100);
    /* The words' chip takes no bytes: then nobody sees anything. */
    b.writes = b.reads = 0;
    assert_int_equal(memory_write(f->m, 0x11e, 4, 0), BUS_REFUSED);
    assert_int_equal(memory_read(f->m, 0x11e, 4, &v), BUS_REFUSED);
    assert_int_equal(memory_write(f->m, 0x12e, 4, 0), BUS_REFUSED);
    assert_int_equal(memory_write(f->m, 0xfe, 4, 0), BUS_UNMAPPED);
    assert_int_equal(b.writes + b.reads + w.writes + w.reads, 0);
    assert_int_equal(memory_write(f->m, 0x120, 4, 1), BUS_OK);
    finish(f);
}

static void aliases_show_the_target(void **state)
{
    struct fixture *f = *state;
    struct region ram = ram_region(f, 0, 8192, 0), alias;
    struct chip c = {.impl = 15};
    struct region chip = chip_region(&c, &all_ops, 0x8000, 64), mirror;
    uint64_t v;

    alias = (struct region){.name = "alias",
                            .kind = REGION_ALIAS,
                            .base = 0x4000,
                            .size = 16,
                            .enabled = true,
                            .target = &ram,
                            .target_offset = 4096};
    mirror = alias;
    mirror.base = 0x9000;
    mirror.target = &chip;
    mirror.target_offset = 8;
    add(f, &ram);
    add(f, &alias);
    add(f, &mirror); /* its target is in no space: that does not matter */
    assert_int_equal(memory_write(f->m, 0x4002, 2, 0x1234), BUS_OK);
    assert_int_equal(memory_read(f->m, 0x1002, 2, &v), BUS_OK);
    assert_int_equal(v, 0x1234);
    assert_ptr_equal(memory_host(f->m, 0x4000, 16, true), f->ram->host + 4096);
    assert_int_equal(memory_write(f->m, 0x9001, 1, 0x56), BUS_OK);
    assert_int_equal(c.bytes[9], 0x56);
    assert_int_equal(f->ram->flags[1], RAM_DIRTY);
    finish(f);
}

/* What a hint holds is never of an earlier map, and what it holds not is
 * found: as by memory_read() and memory_write(), every time. */
static void hints_follow_the_map(void **state)
{
    struct fixture *f = *state;
    struct chip c = {.impl = 4}, d = {.impl = 1};
    const struct mmio_ops words = {
        .read = chip_read, .write = chip_write, .accept = 6, .impl = 4};
    const struct mmio_ops bytes = {
        .read = chip_read, .write = chip_write, .accept = 7, .impl = 1};
    struct region chip = chip_region(&c, &words, 0x1000, 64);
    struct region other = chip_region(&d, &bytes, 0x1040, 64);
    struct region ram = ram_region(f, 0x1000, 4096, 0);
    struct memory_hint hint = {0};
    uint64_t v;

#define READ(pa, size) memory_read_hinted(f->m, &hint, pa, size, &v)
#define WRITE(pa, size, v) memory_write_hinted(f->m, &hint, pa, size, v)
    assert_int_equal(READ(0, 4), BUS_UNMAPPED); /* of an empty map */
    ram.enabled = false;
    ram.priority = 1;
    add(f, &chip);
    add(f, &other);
    add(f, &ram);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(WRITE(0x1008, 4, 0x11223344), BUS_OK);
        assert_int_equal(READ(0x1008, 4), BUS_OK);
        assert_int_equal(v, 0x11223344);
        assert_int_equal(READ(0x1008, 2), BUS_OK); /* part of a word */
        assert_int_equal(v, 0x3344);
        assert_int_equal(READ(0x1009, 4), BUS_REFUSED);
        assert_int_equal(WRITE(0x1008, 8, 0), BUS_REFUSED);
        assert_int_equal(WRITE(0x1041, 1, 0x55), BUS_OK);
        assert_int_equal(READ(0x1041, 1), BUS_OK);
        assert_int_equal(v, 0x55);
        assert_int_equal(READ(0x1080, 1), BUS_UNMAPPED);
        assert_int_equal(READ(0x103e, 4), BUS_REFUSED); /* in both */
    }
    assert_int_equal(READ(0x1008, 4), BUS_OK);
    memory_move(&chip, 0x1004);
    assert_int_equal(READ(0x1008, 4), BUS_OK);
    assert_int_equal(v, 0);
    assert_int_equal(READ(0x100c, 4), BUS_OK);
    assert_int_equal(v, 0x11223344);
    memory_enable(&ram, true);
    st_le32(f->ram->host + 12, 0x600df00d);
    f->ram->flags[0] = 0;
    assert_int_equal(READ(0x100c, 4), BUS_OK);
    assert_int_equal(v, 0x600df00d);
    assert_int_equal(WRITE(0x100c, 4, 7), BUS_OK);
    assert_int_equal(f->ram->flags[0], RAM_DIRTY);
    assert_int_equal(ld_le32(f->ram->host + 12), 7);
    memory_enable(&ram, false);
    assert_int_equal(READ(0x100c, 4), BUS_OK);
    assert_int_equal(v, 0x11223344);
    memory_remove(&chip);
    memset(&chip, 0xff, sizeof(chip)); /* nobody looks into it any more */
    assert_int_equal(READ(0x100c, 4), BUS_UNMAPPED);
#undef READ
#undef WRITE
    finish(f);
}

/* ------------------------------------------------------------ threads */

/*
 * One window moves between two places, under the lock, while readers look
 * both up: at each moment exactly one of the maps before and after.
 */
struct race {
    struct fixture *f;
    struct chip chip;
    struct region window;
    atomic_bool stop;
    atomic_uint ready, bad;
    atomic_uint_fast64_t hits;
};

/* On both sides of what stands still, whose place in the map shifts. */
static const uint64_t places[4] = {0, 0x8000, 0x9000, 0x400000};

static void *look_up(void *arg)
{
    struct race *r = arg;
    uint64_t version = 0, hits = 0, turns = 0;

    atomic_fetch_add(&r->ready, 1);
    while (!atomic_load(&r->stop)) {
        uint64_t now = memory_version(r->f->m), v = 0;
        struct span s;

        if (now < version)
            atomic_fetch_add(&r->bad, 1);
        version = now;
        for (unsigned i = 0; i < 4; i++) {
            uint64_t pa = places[i];

            if (!memory_find(r->f->m, pa, &s))
                continue;
            if (s.region != &r->window || s.start != pa || s.size != 64 ||
                s.offset != 0)
                atomic_fetch_add(&r->bad, 1);
            hits++;
        }
        /* What stands still is always there. */
        for (unsigned i = 0; i < 64; i++)
            if (!memory_find(r->f->m, 0x1010, &s) || s.start != 0x1000)
                atomic_fetch_add(&r->bad, 1);
        if (memory_read(r->f->m, 0x1ffc, 4, &v) != BUS_OK || v != 0x600df00d)
            atomic_fetch_add(&r->bad, 1);
        /* Registers take the lock: seldom, or the changes wait for it. */
        if (++turns % 256 == 0 &&
            memory_read(r->f->m, 0x9000, 4, &v) == BUS_OK && v != 0x01020304)
            atomic_fetch_add(&r->bad, 1);
    }
    atomic_fetch_add(&r->hits, hits);
    return NULL;
}

static void readers_beside_changes(void **state)
{
    struct fixture *f = *state;
    struct race r = {.f = f, .chip = {.impl = 15, .unaligned = true}};
    struct region ram = ram_region(f, 0x1000, 4096, 0);
    struct region extra[40];
    struct pest p = {.stop = false};
    pthread_t thread[2];

    st_le32(f->ram->host + 4092, 0x600df00d);
    st_le32(r.chip.bytes, 0x01020304);
    r.window = chip_region(&r.chip, &all_ops, 0x8000, 64);
    add(f, &ram);
    add(f, &r.window);
    for (unsigned i = 0; i < 2; i++)
        pthread_create(&thread[i], NULL, look_up, &r);
    while (atomic_load(&r.ready) < 2)
        ;
    for (unsigned i = 0; i < PEST_VICTIMS; i++)
        p.victim[i] = thread[i % 2];
    pest_start(&p);
    for (unsigned i = 0; i < 20000 || atomic_load(&p.signals) < 400; i++) {
        pthread_mutex_lock(&f->lock);
        if (i % 7 == 3)
            memory_enable(&r.window, i % 2);
        memory_move(&r.window, places[i % 4]);
        if (i % 500 == 0 && i < 20000) { /* the map outgrows its buffers */
            extra[i / 500] = ram_region(f, 0x100000 + i * 64, 64, 0);
            add(f, &extra[i / 500]);
        }
        pthread_mutex_unlock(&f->lock);
    }
    pest_stop(&p);
    atomic_store(&r.stop, true);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(atomic_load(&r.bad), 0);
    assert_true(atomic_load(&r.hits) > 0);
    for (unsigned i = 0; i < 40; i++)
        memory_remove(&extra[i]);
    memory_remove(&r.window);
    memory_remove(&ram);
    finish(f);
}

/*
 * A decoder marks a page and reads it, while a writer writes and announces:
 * whoever comes second notices, always.
 */
struct dekker {
    struct fixture *f;
    struct code_watcher watcher;
    atomic_uint round, done;
    atomic_uint told;
};

static void dekker_wrote(void *owner, struct ram *ram, uint64_t offset,
                         uint64_t size)
{
    (void)ram, (void)offset, (void)size;
    atomic_fetch_add(&((struct dekker *)owner)->told, 1);
}

enum { ROUNDS = 20000 };

static void *write_bytes(void *arg)
{
    struct dekker *d = arg;

    for (unsigned i = 1; i <= ROUNDS; i++) {
        while (atomic_load(&d->round) != i)
            ;
        memory_write(d->f->m, 0x100, 4, i);
        atomic_store(&d->done, i);
    }
    return NULL;
}

static void code_flags_leave_no_gap(void **state)
{
    struct fixture *f = *state;
    struct dekker d = {.f = f};
    struct region ram = ram_region(f, 0, 4096, 0);
    unsigned saw_old = 0;
    pthread_t thread;

    add(f, &ram);
    d.watcher = (struct code_watcher){.wrote = dekker_wrote, .owner = &d};
    memory_watch_code(f->m, &d.watcher);
    pthread_create(&thread, NULL, write_bytes, &d);
    for (unsigned i = 1; i <= ROUNDS; i++) {
        unsigned told = atomic_load(&d.told);
        uint64_t v = 0;

        atomic_store(&d.round, i);
        for (volatile unsigned spin = 0; spin < i % 64; spin++)
            ;
        __atomic_fetch_or(&f->ram->flags[0], RAM_CODE, __ATOMIC_ACQ_REL);
        memory_read(f->m, 0x100, 4, &v);
        while (atomic_load(&d.done) != i)
            ;
        if (v != i) { /* decoded the old bytes: it must have been told */
            saw_old++;
            assert_true(atomic_load(&d.told) > told);
        }
        __atomic_fetch_and(&f->ram->flags[0], (uint8_t)~RAM_CODE,
                           __ATOMIC_ACQ_REL);
    }
    pthread_join(thread, NULL);
    print_message("old bytes decoded in %u of %u rounds\n", saw_old, ROUNDS);
    memory_unwatch_code(f->m, &d.watcher);
    memory_remove(&ram);
    finish(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_ram_sizes),
        cmocka_unit_test(rounds_ram_up),
        TEST(refuses_bad_regions),
        TEST(reaches_the_top),
        TEST(version_moves_with_changes_only),
        TEST(agrees_with_a_search),
        TEST(spans_are_whole),
        TEST(reads_and_writes_ram),
        TEST(finds_host_memory),
        TEST(rom_hands_writes_over),
        TEST(unmapped_reads_as_ones),
        TEST(refused_goes_in_halves),
        TEST(fits_widths),
        TEST(splits_over_edges),
        TEST(aliases_show_the_target),
        TEST(hints_follow_the_map),
        TEST(readers_beside_changes),
        TEST(code_flags_leave_no_gap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
