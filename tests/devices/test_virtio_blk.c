/*
 * The virtio disk: every request, every error, the configuration space, over
 * both transports.
 */
#include "tests/devices/virtio_rig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { IN = 0, OUT = 1, FLUSH = 4, GET_ID = 8, DISCARD = 11, ZEROES = 13 };
enum { OK = 0, IOERR = 1, UNSUPP = 2 };

#define F_RO ((uint64_t)1 << 5)
#define F_FLUSH ((uint64_t)1 << 9)
#define F_CONFIG_WCE ((uint64_t)1 << 11)
#define F_DISCARD ((uint64_t)1 << 13)
#define F_WRITE_ZEROES ((uint64_t)1 << 14)

#define HEADER RIG_BUFFERS
#define STATUS (RIG_BUFFERS + 0x80)
#define DATA (RIG_BUFFERS + 0x1000)

struct fixture {
    struct rig rig;
    struct vdev d;
    enum transport transport;
};

static void plug(struct fixture *f, const char *const *properties)
{
    static const char *const plain[] = {"drive=d0", NULL};

    if (f->d.dev)
        device_free(f->d.dev);
    vdev_plug(&f->d, &f->rig, f->transport, "virtio-blk",
              properties ? properties : plain);
}

static int setup(void **state, enum transport t)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->transport = t;
    rig_init(&f->rig);
    plug(f, NULL);
    vdev_start(&f->d, F_FLUSH, 1, 64);
    *state = f;
    return 0;
}

static int setup_mmio(void **state)
{
    return setup(state, ON_MMIO);
}

static int setup_pci(void **state)
{
    return setup(state, ON_PCI);
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    device_free(f->d.dev);
    rig_fini(&f->rig);
    free(f);
    return 0;
}

/* ------------------------------------------------------------- requests */

static void put_header(struct fixture *f, uint32_t type, uint64_t sector)
{
    rig_write(&f->rig, HEADER, type, 4);
    rig_write(&f->rig, HEADER + 4, 0xdeadbeef, 4); /* reserved */
    rig_write(&f->rig, HEADER + 8, sector, 8);
    rig_write(&f->rig, STATUS, 0xee, 1);
}

/* One request with `size` bytes of data at DATA; returns the status, and the
 * used length. */
static unsigned request(struct fixture *f, uint32_t type, uint64_t sector,
                        uint32_t size, uint32_t *len)
{
    bool from_guest = type == OUT || type == DISCARD || type == ZEROES;
    uint64_t table = f->d.ring[0].desc;
    uint32_t got;

    put_header(f, type, sector);
    put_desc(&f->rig, table, 0, HEADER, 16, DESC_NEXT, size ? 1 : 2);
    put_desc(&f->rig, table, 1, DATA, size,
             DESC_NEXT | (from_guest ? 0 : DESC_WRITE), 2);
    put_desc(&f->rig, table, 2, STATUS, 1, DESC_WRITE, 0);
    got = vdev_run(&f->d, 0);
    if (len)
        *len = got;
    vdev_take_isr(&f->d);
    return (unsigned)rig_read(&f->rig, STATUS, 1);
}

/* What the guest sees at DATA and what the disk has at a sector. */
static uint8_t *guest(struct fixture *f)
{
    return memory_host(f->rig.memory, DATA, 0x100000, true);
}

static uint8_t *disk(struct fixture *f, uint64_t sector)
{
    return f->rig.disk->data + sector * 512;
}

static void put_range(struct fixture *f, unsigned i, uint64_t sector,
                      uint32_t sectors, uint32_t flags)
{
    rig_write(&f->rig, DATA + 16 * i, sector, 8);
    rig_write(&f->rig, DATA + 16 * i + 8, sectors, 4);
    rig_write(&f->rig, DATA + 16 * i + 12, flags, 4);
}

static void test_read(void **state)
{
    struct fixture *f = *state;
    uint32_t len;

    assert_int_equal(request(f, IN, 3, 1024, &len), OK);
    assert_int_equal(len, 1025);
    assert_memory_equal(guest(f), disk(f, 3), 1024);
    /* The whole disk at once, the last sector, and none. */
    assert_int_equal(request(f, IN, 0, RIG_DISK_SIZE, &len), OK);
    assert_int_equal(len, RIG_DISK_SIZE + 1);
    assert_memory_equal(guest(f), disk(f, 0), RIG_DISK_SIZE);
    assert_int_equal(request(f, IN, 2047, 512, NULL), OK);
    assert_memory_equal(guest(f), disk(f, 2047), 512);
    assert_int_equal(request(f, IN, 2048, 0, &len), OK);
    assert_int_equal(len, 1);
}

static void test_write(void **state)
{
    struct fixture *f = *state;
    uint32_t len;
    uint8_t *before = malloc(RIG_DISK_SIZE);

    memcpy(before, disk(f, 0), RIG_DISK_SIZE);
    for (unsigned i = 0; i < 1024; i++)
        guest(f)[i] = (uint8_t)(i * 7);
    assert_int_equal(request(f, OUT, 5, 1024, &len), OK);
    assert_int_equal(len, 1);
    assert_memory_equal(guest(f), disk(f, 5), 1024);
    assert_memory_equal(before, disk(f, 0), 5 * 512);
    assert_memory_equal(before + 7 * 512, disk(f, 7), 2041 * 512);
    assert_int_equal(f->rig.disk->flushes, 0);
    memset(guest(f), 0xab, RIG_DISK_SIZE / 2);
    assert_int_equal(request(f, OUT, 1024, RIG_DISK_SIZE / 2, NULL), OK);
    assert_memory_equal(guest(f), disk(f, 1024), RIG_DISK_SIZE / 2);
    free(before);
}

/* Header, data and status in any pieces, as 2.7.4.2 allows. */
static void test_any_layout(void **state)
{
    struct fixture *f = *state;
    struct rig *r = &f->rig;
    uint64_t t = f->d.ring[0].desc;
    uint32_t len;

    put_header(f, OUT, 9);
    for (unsigned i = 0; i < 16; i++) {
        put_desc(r, t, i, HEADER + i, 1, DESC_NEXT, i + 1);
        assert_int_equal(rig_read(r, HEADER, 1), OUT);
    }
    put_desc(r, t, 16, DATA, 511, DESC_NEXT, 17);
    put_desc(r, t, 17, DATA + 511, 1, DESC_NEXT, 18);
    put_desc(r, t, 18, STATUS, 1, DESC_WRITE, 0);
    memset(guest(f), 0x77, 512);
    assert_int_equal(vdev_run(&f->d, 0), 1);
    assert_int_equal(rig_read(r, STATUS, 1), OK);
    assert_memory_equal(disk(f, 9), guest(f), 512);
    /* Header and data in one; data and status in one. */
    put_header(f, OUT, 10);
    memset(memory_host(r->memory, HEADER + 16, 64, true), 0x33, 64);
    put_desc(r, t, 0, HEADER, 16 + 64, DESC_NEXT, 1);
    put_desc(r, t, 1, DATA, 448, DESC_NEXT, 2);
    put_desc(r, t, 2, STATUS, 1, DESC_WRITE, 0);
    assert_int_equal(vdev_run(&f->d, 0), 1);
    assert_int_equal(rig_read(r, STATUS, 1), OK);
    assert_int_equal(disk(f, 10)[63], 0x33);
    assert_int_equal(disk(f, 10)[64], 0x77);
    put_header(f, IN, 10);
    put_desc(r, t, 0, HEADER, 16, DESC_NEXT, 1);
    put_desc(r, t, 1, DATA, 513, DESC_WRITE, 0);
    guest(f)[512] = 0xee;
    len = vdev_run(&f->d, 0);
    assert_int_equal(len, 513);
    assert_int_equal(guest(f)[512], OK);
    assert_memory_equal(guest(f), disk(f, 10), 512);
}

static void test_out_of_range(void **state)
{
    struct fixture *f = *state;
    static const struct {
        uint64_t sector;
        uint32_t size;
    } bad[] = {{2048, 512},
               {2047, 1024},
               {0, 0x100200},
               {2049, 0},
               {UINT64_MAX, 512},
               {UINT64_MAX / 512, 512},
               {(uint64_t)1 << 55, 512},
               {0, 511},
               {0, 513},
               {0, 1}};
    uint32_t len;

    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        f->rig.disk->reads = f->rig.disk->writes = 0;
        assert_int_equal(request(f, IN, bad[i].sector, bad[i].size, &len),
                         IOERR);
        /* Nothing was written but the status, at the end. */
        assert_int_equal(len, bad[i].size ? 0 : 1);
        assert_int_equal(request(f, OUT, bad[i].sector, bad[i].size, &len),
                         IOERR);
        assert_int_equal(len, 1);
        assert_int_equal(f->rig.disk->reads + f->rig.disk->writes, 0);
    }
}

static void test_host_errors(void **state)
{
    struct fixture *f = *state;
    static const int errors[] = {EIO, ENOSPC, EROFS};
    uint32_t len;

    for (unsigned i = 0; i < 3; i++) {
        f->rig.disk->error = errors[i];
        rig_log(&f->rig);
        assert_int_equal(request(f, IN, 1, 512, &len), IOERR);
        assert_int_equal(len, 0);
        assert_non_null(strstr(rig_log(&f->rig), "read at sector 1"));
        assert_int_equal(request(f, OUT, 1, 512, NULL), IOERR);
        assert_int_equal(request(f, FLUSH, 0, 0, NULL), IOERR);
        assert_int_equal(vdev_status(&f->d), 15);
    }
    f->rig.disk->error = EOPNOTSUPP;
    assert_int_equal(request(f, FLUSH, 0, 0, NULL), UNSUPP);
    f->rig.disk->error = 0;
    assert_int_equal(request(f, IN, 1, 512, NULL), OK);
}

static void test_flush(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(request(f, FLUSH, 0, 0, NULL), OK);
    assert_int_equal(f->rig.disk->flushes, 1);
}

/* Who cannot flush, or asks for write-through, has it done for each write. */
static void test_cache_mode(void **state)
{
    struct fixture *f = *state;
    static const struct {
        uint64_t features;
        int writeback; /* as the driver sets it, -1: does not */
        unsigned shown, flushes;
    } t[] = {{F_FLUSH, -1, 1, 0},
             {F_FLUSH, 0, 1, 0},
             {0, -1, 0, 1},
             {F_CONFIG_WCE, -1, 0, 1},
             {F_FLUSH | F_CONFIG_WCE, -1, 1, 0},
             {F_FLUSH | F_CONFIG_WCE, 0, 0, 1},
             {F_FLUSH | F_CONFIG_WCE, 1, 1, 0},
             {F_FLUSH | F_CONFIG_WCE | F_WRITE_ZEROES, 0, 0, 1}};

    for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        vdev_start(&f->d, t[i].features, 1, 8);
        if (t[i].writeback >= 0)
            vdev_set_config(&f->d, 32, (uint32_t)t[i].writeback, 1);
        assert_int_equal(vdev_config(&f->d, 32, 1), t[i].shown);
        f->rig.disk->flushes = 0;
        assert_int_equal(request(f, OUT, 1, 512, NULL), OK);
        assert_int_equal(f->rig.disk->flushes, t[i].flushes);
        assert_int_equal(request(f, IN, 1, 512, NULL), OK);
        assert_int_equal(f->rig.disk->flushes, t[i].flushes);
        put_range(f, 0, 5, 1, 0);
        assert_int_equal(request(f, ZEROES, 0, 16, NULL), OK);
        assert_int_equal(f->rig.disk->flushes, 2 * t[i].flushes);
        /* A reset gives write-back again. */
        vdev_set_status(&f->d, 0);
        assert_int_equal(vdev_config(&f->d, 32, 1), 1);
    }
}

static void test_get_id(void **state)
{
    struct fixture *f = *state;
    static const char *const serial[] = {"drive=d0",
                                         "serial=12345678901234567890", NULL};
    uint32_t len;

    memset(guest(f), 0xcc, 32);
    assert_int_equal(request(f, GET_ID, 0, 20, &len), OK);
    assert_int_equal(len, 21);
    assert_int_equal(guest(f)[0], 0);
    assert_int_equal(guest(f)[19], 0);
    assert_int_equal(guest(f)[20], 0xcc);
    plug(f, serial);
    vdev_start(&f->d, 0, 1, 8);
    assert_int_equal(request(f, GET_ID, 0, 20, &len), OK);
    assert_memory_equal(guest(f), "12345678901234567890", 20);
    /* Less room, more room. */
    memset(guest(f), 0xcc, 32);
    assert_int_equal(request(f, GET_ID, 0, 3, &len), OK);
    assert_int_equal(len, 4);
    assert_memory_equal(guest(f), "123\xcc", 4);
    assert_int_equal(request(f, GET_ID, 0, 32, &len), OK);
    assert_int_equal(len, 20);
    assert_int_equal(guest(f)[20], 0xcc);
}

static void test_unknown_types(void **state)
{
    struct fixture *f = *state;
    static const uint32_t types[] = {2,  3,  5,  6,          7,  9,
                                     10, 12, 14, 0x80000000, ~0u};
    uint32_t len;

    for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        assert_int_equal(request(f, types[i], 0, 512, &len), UNSUPP);
        assert_int_equal(len, 0);
        assert_int_equal(request(f, types[i], 0, 0, &len), UNSUPP);
        assert_int_equal(len, 1);
    }
}

/* --------------------------------------------- discard and write-zeroes */

static bool zero(struct fixture *f, uint64_t sector, uint64_t sectors)
{
    for (uint64_t i = 0; i < sectors * 512; i++) {
        if (disk(f, sector)[i])
            return false;
    }
    return true;
}

static void test_discard(void **state)
{
    struct fixture *f = *state;

    put_range(f, 0, 100, 8, 0);
    assert_int_equal(request(f, DISCARD, 0, 16, NULL), OK);
    assert_true(zero(f, 100, 8));
    assert_false(zero(f, 99, 1) || zero(f, 108, 1));
    /* As many as max_discard_seg says. */
    assert_int_equal(vdev_config(&f->d, 40, 4), 16);
    for (unsigned i = 0; i < 16; i++)
        put_range(f, i, 200 + 2 * i, i != 3, 0);
    f->rig.disk->discards = 0;
    assert_int_equal(request(f, DISCARD, 0, 256, NULL), OK);
    assert_int_equal(f->rig.disk->discards, 15);
    assert_true(zero(f, 230, 1));
    assert_false(zero(f, 206, 1) || zero(f, 231, 1));
    assert_int_equal(f->rig.disk->writes, 0);
}

static void test_discard_bad(void **state)
{
    struct fixture *f = *state;

    f->rig.disk->discards = 0;
    put_range(f, 0, 100, 8, 1); /* unmap is for write-zeroes only */
    assert_int_equal(request(f, DISCARD, 0, 16, NULL), UNSUPP);
    put_range(f, 0, 100, 8, 0x80000000);
    assert_int_equal(request(f, DISCARD, 0, 16, NULL), UNSUPP);
    put_range(f, 0, 2041, 8, 0);
    assert_int_equal(request(f, DISCARD, 0, 16, NULL), IOERR);
    put_range(f, 0, UINT64_MAX, 2, 0);
    assert_int_equal(request(f, DISCARD, 0, 16, NULL), IOERR);
    put_range(f, 0, 0, UINT32_MAX, 0);
    assert_int_equal(request(f, DISCARD, 0, 16, NULL), IOERR);
    assert_int_equal(request(f, DISCARD, 0, 15, NULL), IOERR);
    assert_int_equal(request(f, DISCARD, 0, 17, NULL), IOERR);
    assert_int_equal(request(f, DISCARD, 0, 17 * 16, NULL), IOERR);
    assert_int_equal(request(f, DISCARD, 0, 0, NULL), IOERR);
    /* One bad range, and none is done. */
    put_range(f, 0, 100, 8, 0);
    put_range(f, 1, 2048, 1, 0);
    assert_int_equal(request(f, DISCARD, 0, 32, NULL), IOERR);
    assert_int_equal(f->rig.disk->discards, 0);
    f->rig.disk->error = EIO;
    assert_int_equal(request(f, DISCARD, 0, 16, NULL), IOERR);
    f->rig.disk->error = ENOTSUP;
    assert_int_equal(request(f, DISCARD, 0, 16, NULL), UNSUPP);
}

static int no_discard(struct block *b, uint64_t offset, uint64_t size)
{
    (void)b;
    (void)offset;
    (void)size;
    return EOPNOTSUPP;
}

static void test_write_zeroes(void **state)
{
    struct fixture *f = *state;
    struct harness_disk *d = f->rig.disk;

    put_range(f, 0, 300, 300, 0);
    assert_int_equal(request(f, ZEROES, 0, 16, NULL), OK);
    assert_true(zero(f, 300, 300));
    assert_false(zero(f, 299, 1) || zero(f, 600, 1));
    assert_int_equal(d->discards, 0); /* not without leave */
    put_range(f, 0, 700, 2, 1);
    assert_int_equal(request(f, ZEROES, 0, 16, NULL), OK);
    assert_true(zero(f, 700, 2));
    assert_int_equal(d->discards, 1);
    assert_int_equal(d->writes, 3); /* those of the first, in 64 KiB */
    /* A host that cannot discard writes them. */
    d->block.discard = no_discard;
    d->writes = 0;
    put_range(f, 0, 800, 2, 1);
    assert_int_equal(request(f, ZEROES, 0, 16, NULL), OK);
    assert_true(zero(f, 800, 2));
    assert_int_equal(d->writes, 1);
}

static void test_write_zeroes_bad(void **state)
{
    struct fixture *f = *state;

    put_range(f, 0, 100, 8, 2);
    assert_int_equal(request(f, ZEROES, 0, 16, NULL), UNSUPP);
    put_range(f, 0, 2041, 8, 0);
    assert_int_equal(request(f, ZEROES, 0, 16, NULL), IOERR);
    put_range(f, 0, 100, 1, 0);
    put_range(f, 1, 101, 1, 0);
    assert_int_equal(request(f, ZEROES, 0, 32, NULL), IOERR);
    assert_int_equal(f->rig.disk->writes, 0);
    f->rig.disk->error = EIO;
    assert_int_equal(request(f, ZEROES, 0, 16, NULL), IOERR);
}

/* -------------------------------------------------------------- hostile */

static void test_bad_requests(void **state)
{
    struct fixture *f = *state;
    struct rig *r = &f->rig;
    static const struct {
        uint32_t readable, writable;
    } bad[] = {{15, 1}, {16, 0}, {0, 1}, {0, 512}, {600, 0}};

    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        vdev_start(&f->d, 0, 1, 8);
        put_header(f, IN, 0);
        if (bad[i].readable)
            put_desc(r, f->d.ring[0].desc, 0, HEADER, bad[i].readable,
                     bad[i].writable ? DESC_NEXT : 0, 1);
        if (bad[i].writable)
            put_desc(r, f->d.ring[0].desc, bad[i].readable ? 1 : 0, STATUS,
                     bad[i].writable, DESC_WRITE, 0);
        vdev_offer(&f->d, 0, 0);
        vdev_notify(&f->d, 0);
        assert_int_equal(vdev_used(&f->d, 0), 0);
        vdev_expect_broken(&f->d, "without header or status");
    }
    vdev_start(&f->d, F_FLUSH, 1, 8);
    assert_int_equal(request(f, FLUSH, 0, 0, NULL), OK);
}

static struct memory_switch {
    struct region *ram;
    int (*read)(struct block *b, uint64_t offset, void *out, uint64_t size);
} ram_switch;

/* The guest's RAM goes while the disk is being read. */
static int read_and_vanish(struct block *b, uint64_t offset, void *out,
                           uint64_t size)
{
    memory_enable(ram_switch.ram, false);
    return ram_switch.read(b, offset, out, size);
}

static void test_map_changes(void **state)
{
    struct fixture *f = *state;

    ram_switch.ram = &f->rig.ram_region;
    ram_switch.read = f->rig.disk->block.read;
    f->rig.disk->block.read = read_and_vanish;
    put_header(f, IN, 0);
    put_desc(&f->rig, f->d.ring[0].desc, 0, HEADER, 16, DESC_NEXT, 1);
    put_desc(&f->rig, f->d.ring[0].desc, 1, DATA, 513, DESC_WRITE, 0);
    vdev_offer(&f->d, 0, 0);
    vdev_notify(&f->d, 0);
    memory_enable(&f->rig.ram_region, true);
    assert_int_equal(vdev_used(&f->d, 0), 0);
    vdev_expect_broken(&f->d, "no longer in RAM");
}

/* Long requests end a turn; the next goes on from the timer. */
static void test_turns(void **state)
{
    struct fixture *f = *state;
    struct rig *r = &f->rig;
    unsigned turns = 1;

    vdev_start(&f->d, 0, 1, 128);
    put_header(f, IN, 0);
    put_desc(r, f->d.ring[0].desc, 0, HEADER, 16, DESC_NEXT, 1);
    put_desc(r, f->d.ring[0].desc, 1, DATA, RIG_DISK_SIZE, DESC_NEXT | 2, 2);
    put_desc(r, f->d.ring[0].desc, 2, STATUS, 1, DESC_WRITE, 0);
    for (unsigned i = 0; i < 40; i++)
        vdev_offer(&f->d, 0, 0);
    vdev_notify(&f->d, 0);
    assert_true(vdev_used(&f->d, 0) < 40);
    while (rig_timers(r))
        turns++;
    assert_int_equal(vdev_used(&f->d, 0), 40);
    assert_int_equal(turns, 3); /* 16, 16 and 8 MiB */
}

/* -------------------------------------------------------- configuration */

static void test_config(void **state)
{
    struct fixture *f = *state;
    static const char *const big[] = {"drive=d0", "logical_block_size=4k",
                                      "physical_block_size=16384", NULL};

    assert_int_equal(vdev_config(&f->d, 0, 4), 2048);
    assert_int_equal(vdev_config(&f->d, 4, 4), 0);
    assert_int_equal(vdev_config(&f->d, 12, 4), 254);
    assert_int_equal(vdev_config(&f->d, 20, 4), 512);
    assert_int_equal(vdev_config(&f->d, 24, 1), 0);
    assert_int_equal(vdev_config(&f->d, 26, 2), 1);
    assert_int_equal(vdev_config(&f->d, 33, 1), 0);
    assert_int_equal(vdev_config(&f->d, 44, 4), 1);
    assert_true(vdev_config(&f->d, 36, 4) > 0);
    assert_true(vdev_config(&f->d, 48, 4) > 0);
    assert_int_equal(vdev_config(&f->d, 52, 4), 1);
    assert_int_equal(vdev_config(&f->d, 56, 4), 1);
    assert_int_equal(vdev_config(&f->d, 60, 4), 0);
    plug(f, big);
    assert_int_equal(vdev_config(&f->d, 0, 4), 2048);
    assert_int_equal(vdev_config(&f->d, 20, 4), 4096);
    assert_int_equal(vdev_config(&f->d, 24, 1), 2);
    assert_int_equal(vdev_config(&f->d, 44, 4), 32);
    /* More than 2^32 sectors. */
    f->rig.disk->block.size = (uint64_t)3 << 41;
    assert_int_equal(vdev_config(&f->d, 0, 4), 0);
    assert_int_equal(vdev_config(&f->d, 4, 4), 3);
}

/* Only one field can be written, and only by who has negotiated it. */
static void test_config_write(void **state)
{
    struct fixture *f = *state;
    uint8_t before[64], after[64];

    for (unsigned i = 0; i < 64; i++)
        before[i] = (uint8_t)vdev_config(&f->d, i, 1);
    for (unsigned i = 0; i < 64; i++)
        vdev_set_config(&f->d, i, ~before[i] & 0xffu, 1);
    for (unsigned i = 0; i < 64; i += 4)
        vdev_set_config(&f->d, i, 0, 4);
    for (unsigned i = 0; i < 64; i++)
        after[i] = (uint8_t)vdev_config(&f->d, i, 1);
    assert_memory_equal(before, after, 64);
}

static void test_read_only(void **state)
{
    struct fixture *f = *state;

    assert_false(vdev_features(&f->d) & F_RO);
    f->rig.disk->block.read_only = true;
    plug(f, NULL);
    assert_true(vdev_features(&f->d) & F_RO);
    assert_false(vdev_features(&f->d) & (F_DISCARD | F_WRITE_ZEROES));
    assert_int_equal(vdev_config(&f->d, 36, 4), 0);
    assert_int_equal(vdev_config(&f->d, 48, 4), 0);
    /* With and without the driver's knowing. */
    for (unsigned i = 0; i < 2; i++) {
        vdev_start(&f->d, F_FLUSH | (i ? F_RO : 0), 1, 8);
        assert_int_equal(request(f, OUT, 0, 512, NULL), IOERR);
        put_range(f, 0, 0, 1, 0);
        assert_int_equal(request(f, DISCARD, 0, 16, NULL), IOERR);
        assert_int_equal(request(f, ZEROES, 0, 16, NULL), IOERR);
        assert_int_equal(request(f, IN, 0, 512, NULL), OK);
        assert_int_equal(request(f, FLUSH, 0, 0, NULL), OK);
    }
    assert_int_equal(f->rig.disk->writes + f->rig.disk->discards, 0);
}

static void test_properties(void **state)
{
    struct fixture *f = *state;
    const char *cls =
        f->transport == ON_MMIO ? "virtio-blk-device" : "virtio-blk-pci";
    static const struct {
        const char *properties[4], *message;
    } bad[] = {
        {{NULL}, "needs the property 'drive'"},
        {{"drive=d0", "logical_block_size=0"}, "logical_block_size=0"},
        {{"drive=d0", "logical_block_size=256"}, "512 to 32768"},
        {{"drive=d0", "logical_block_size=513"}, "512 to 32768"},
        {{"drive=d0", "logical_block_size=64k"}, "512 to 32768"},
        {{"drive=d0", "logical_block_size=4k"}, "physical_block_size=512"},
        {{"drive=d0", "physical_block_size=1000"}, "physical_block_size"},
        {{"drive=d0", "physical_block_size=256"}, "physical_block_size"},
        {{"drive=d0", "serial=123456789012345678901"}, "20 characters"},
        {{"drive=d0", "logical_block_size=1k", "physical_block_size=1k"},
         "'d0' is not a whole number of blocks"},
    };

    f->rig.disk->block.size = 0x10200;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct error e = rig_refused(&f->rig, cls, bad[i].properties);

        if (!strstr(e.text, bad[i].message))
            fail_msg("'%s' is not in '%s'", bad[i].message, e.text);
    }
}

#define BOTH(test)                                                             \
    {#test " (mmio)", test, setup_mmio, teardown, NULL},                       \
    {                                                                          \
#test " (pci)", test, setup_pci, teardown, NULL                        \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(test_read),
        BOTH(test_write),
        BOTH(test_any_layout),
        BOTH(test_out_of_range),
        BOTH(test_host_errors),
        BOTH(test_flush),
        BOTH(test_cache_mode),
        BOTH(test_get_id),
        BOTH(test_unknown_types),
        BOTH(test_discard),
        BOTH(test_discard_bad),
        BOTH(test_write_zeroes),
        BOTH(test_write_zeroes_bad),
        BOTH(test_bad_requests),
        BOTH(test_map_changes),
        BOTH(test_turns),
        BOTH(test_config),
        BOTH(test_config_write),
        BOTH(test_read_only),
        BOTH(test_properties),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
