/* base/memory.h: DMA, messages, and who is told of code and dirty pages. */
#include "tests/base/memory_rig.h"

struct spy {
    struct code_watcher watcher;
    struct ram *ram;
    uint64_t offset[8], size[8];
    unsigned n;
};

static void spy_wrote(void *owner, struct ram *ram, uint64_t offset,
                      uint64_t size)
{
    struct spy *s = owner;

    s->ram = ram;
    s->offset[s->n % 8] = offset;
    s->size[s->n % 8] = size;
    s->n++;
}

static void dma_is_all_or_nothing(void **state)
{
    struct fixture *f = *state;
    struct region ram = ram_region(f, 0x1000, 8192, 0);
    struct region next = ram_region(f, 0x3000, 4096, 12288);
    struct region rom = ram_region(f, 0x4000, 4096, 20480);
    struct chip c = {.impl = 15};
    struct region chip = chip_region(&c, &all_ops, 0x5000, 64);
    uint8_t out[16384], in[16384];
    struct prng p = {10};

    rom.kind = REGION_ROM;
    add(f, &ram);
    add(f, &next);
    add(f, &rom);
    add(f, &chip);
    for (unsigned i = 0; i < sizeof(in); i++)
        in[i] = (uint8_t)prng_next(&p);
    /* Over two regions that are apart in RAM. */
    assert_true(dma_write(f->m, 0x1001, in, 12287));
    assert_memory_equal(f->ram->host + 1, in, 8191);
    assert_memory_equal(f->ram->host + 12288, in + 8191, 4096);
    assert_true(dma_read(f->m, 0x1001, out, 12287));
    assert_memory_equal(out, in, 12287);
    /* Into ROM: only reading, and poking. */
    assert_true(dma_read(f->m, 0x3ff0, out, 32));
    memset(f->ram->host + 12288 + 4080, 0, 16);
    assert_false(dma_write(f->m, 0x3ff0, in, 32));
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(f->ram->host[12288 + 4080 + i], 0);
    assert_true(memory_poke(f->m, 0x3ff0, in, 32));
    assert_memory_equal(f->ram->host + 20480, in + 16, 16);
    /* Into registers, and into nothing. */
    memset(out, 0x11, sizeof(out));
    assert_false(dma_read(f->m, 0x4ff0, out, 32));
    assert_int_equal(out[0], 0x11);
    assert_false(dma_read(f->m, 0x5000, out, 1));
    assert_false(dma_write(f->m, 0x5000, in, 4));
    assert_false(memory_poke(f->m, 0x5000, in, 4));
    assert_false(dma_read(f->m, 0xfff, out, 2));
    assert_false(dma_write(f->m, 0x1000, in, UINT64_MAX));
    assert_int_equal(c.reads + c.writes, 0);
    /* Nothing is always possible. */
    assert_true(dma_write(f->m, 0x9000000, in, 0));
    assert_true(dma_read(f->m, UINT64_MAX, out, 0));
    finish(f);
}

/* A message reaches RAM and registers that are there for it, no others. */
static void messages(void **state)
{
    struct fixture *f = *state;
    struct mmio_ops takes = all_ops, halves = all_ops;
    struct region ram = ram_region(f, 0x1000, 4096, 0);
    struct region rom = ram_region(f, 0x2000, 4096, 8192);
    struct chip a = {.impl = 15}, b = {.impl = 15}, c = {.impl = 15};
    struct region plain = chip_region(&a, &all_ops, 0x5000, 64);
    struct region taker = chip_region(&b, &takes, 0x6000, 64);
    struct region narrow = chip_region(&c, &halves, 0x7000, 64);

    rom.kind = REGION_ROM;
    takes.msi = halves.msi = true;
    halves.accept = 2;
    add(f, &ram);
    add(f, &rom);
    add(f, &plain);
    add(f, &taker);
    add(f, &narrow);
    assert_true(memory_msi(f->m, 0x1ffc, 0x11223344));
    assert_int_equal(ld_le32(f->ram->host + 4092), 0x11223344);
    assert_int_equal(f->ram->flags[0], RAM_DIRTY);
    assert_true(memory_msi(f->m, 0x6004, 7));
    assert_int_equal(b.writes, 1);
    assert_false(memory_msi(f->m, 0x6002, 7)); /* not aligned */
    assert_false(memory_msi(f->m, 0x1001, 7));
    assert_false(memory_msi(f->m, 0x2000, 7)); /* ROM */
    assert_false(memory_msi(f->m, 0x5000, 7)); /* other registers */
    assert_false(memory_msi(f->m, 0x7000, 7)); /* a width that it refuses */
    assert_false(memory_msi(f->m, 0x8000, 7)); /* nothing */
    assert_false(memory_msi(f->m, UINT64_MAX - 3, 7));
    assert_int_equal(a.writes + a.reads + b.reads + c.writes, 0);
    assert_int_equal(b.writes, 1);
    finish(f);
}

static void dma_moves_words(void **state)
{
    struct fixture *f = *state;
    struct region ram = ram_region(f, 0, 4096, 0);
    uint8_t in[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, out[9];

    add(f, &ram);
    for (uint64_t size = 1; size <= 9; size++)
        for (uint64_t at = 0; at < 9; at++) {
            memset(f->ram->host, 0, 32);
            memset(out, 0, 9);
            assert_true(dma_write(f->m, at, in, size));
            assert_memory_equal(f->ram->host + at, in, size);
            assert_int_equal(f->ram->host[at + size], 0);
            assert_true(dma_read(f->m, at, out, size));
            assert_memory_equal(out, in, size);
        }
    finish(f);
}

static void announces_code_and_dirt(void **state)
{
    struct fixture *f = *state;
    struct region ram = ram_region(f, 0, RAM_BYTES, 0);
    struct spy s = {.n = 0}, t = {.n = 0};
    uint8_t in[3 * 4096] = {0};

    s.watcher = (struct code_watcher){.wrote = spy_wrote, .owner = &s};
    t.watcher = (struct code_watcher){.wrote = spy_wrote, .owner = &t};
    add(f, &ram);
    memory_watch_code(f->m, &s.watcher);
    memory_watch_code(f->m, &t.watcher);
    f->ram->flags[1] = RAM_CODE;
    f->ram->flags[2] = RAM_CODE;
    assert_true(dma_write(f->m, 10, in, 100));
    assert_int_equal(s.n, 0);
    assert_int_equal(f->ram->flags[0], RAM_DIRTY);
    assert_true(dma_write(f->m, 4000, in, sizeof(in)));
    assert_int_equal(s.n, 2);
    assert_int_equal(t.n, 2);
    assert_ptr_equal(s.ram, f->ram);
    assert_true(s.offset[0] == 4096 && s.size[0] == 4096);
    assert_true(s.offset[1] == 8192 && s.size[1] == 4096);
    assert_int_equal(f->ram->flags[3], RAM_DIRTY);
    assert_int_equal(f->ram->flags[1], RAM_CODE | RAM_DIRTY);
    assert_int_equal(f->ram->flags[4], 0);
    memory_unwatch_code(f->m, &t.watcher);
    memory_unwatch_code(f->m, &t.watcher);
    assert_int_equal(memory_write(f->m, 8190, 8, 1), BUS_OK);
    assert_int_equal(s.n, 4);
    assert_true(s.offset[2] == 8190 && s.size[2] == 2);
    assert_true(s.offset[3] == 8192 && s.size[3] == 6);
    assert_int_equal(t.n, 2);
    memory_unwatch_code(f->m, &s.watcher);
    assert_int_equal(memory_write(f->m, 8190, 8, 1), BUS_OK);
    assert_int_equal(s.n, 4);
    finish(f);
}

struct keeper {
    struct code_watcher watcher;
    const uint8_t *armed;
    unsigned n;
    bool is_settled;
};

static bool keeper_armed(void *owner, const uint8_t *host)
{
    struct keeper *k = owner;

    k->armed = host;
    k->n++;
    return true;
}

static bool keeper_settled(void *owner)
{
    return ((struct keeper *)owner)->is_settled;
}

/* Each writer's own way to a page ends when its dirt is taken. */
static void takes_dirty_pages(void **state)
{
    struct fixture *f = *state;
    struct region ram = ram_region(f, 0, RAM_BYTES, 0);
    struct spy s = {.n = 0};
    struct keeper k = {.n = 0};

    s.watcher = (struct code_watcher){.wrote = spy_wrote, .owner = &s};
    k.watcher = (struct code_watcher){.wrote = spy_wrote,
                                      .armed = keeper_armed,
                                      .settled = keeper_settled,
                                      .owner = &k};
    add(f, &ram);
    memory_watch_code(f->m, &s.watcher); /* has no function for it */
    memory_watch_code(f->m, &k.watcher);
    assert_false(memory_take_dirty(f->m, f->ram, 4096));
    assert_int_equal(k.n, 0);
    assert_int_equal(memory_write(f->m, 5000, 2, 1), BUS_OK);
    f->ram->flags[1] |= 2 * RAM_CODE_ONE;
    assert_false(memory_take_dirty(f->m, f->ram, 0));
    assert_false(memory_take_dirty(f->m, f->ram, 8192));
    assert_true(memory_take_dirty(f->m, f->ram, 6000));
    assert_int_equal(f->ram->flags[1], 2 * RAM_CODE_ONE);
    assert_int_equal(k.n, 1);
    assert_ptr_equal(k.armed, f->ram->host + 4096);
    assert_false(memory_code_settled(f->m, NULL));
    k.is_settled = true;
    assert_true(memory_code_settled(f->m, NULL));
    assert_false(memory_take_dirty(f->m, f->ram, 4096));
    assert_int_equal(k.n, 1);
    f->ram->flags[1] = 0;
    assert_int_equal(memory_write(f->m, 5000, 2, 1), BUS_OK);
    assert_true(memory_take_dirty(f->m, f->ram, 4096));
    memory_unwatch_code(f->m, &k.watcher);
    memory_unwatch_code(f->m, &s.watcher);
    finish(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(dma_is_all_or_nothing), TEST(messages),
        TEST(dma_moves_words),       TEST(announces_code_and_dirt),
        TEST(takes_dirty_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
