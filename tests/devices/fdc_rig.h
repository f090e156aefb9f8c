/*
 * Drives an 82077AA as a BIOS would: for test_fdc.c and test_fdc_media.c, each
 * of which is one program with what is below.
 */
#ifndef TESTS_DEVICES_FDC_RIG_H
#define TESTS_DEVICES_FDC_RIG_H

#include "tests/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "devices/dma.h"
#include "devices/fdc_priv.h"
#include "tests/devices/harness.h"

enum { SRA, SRB, DOR, TDR, MSR, FIFO };

#define LOW_RAM 0x20000u
#define BUFFER 0x10000u

static struct harness *h;
static struct device *fdc, *dma;
static struct ram *ram;
static struct region low_ram;
static uint8_t result[16];

/* ------------------------------------------------------------ the board */

static struct device *make_dma(void)
{
    struct device *dev = harness_make(h, &i8237_class);
    struct error e;

    assert_true(device_create(dev, 0, &e));
    assert_true(device_map(dev, 0, 0x2000, 16, &e));
    assert_true(device_map(dev, 1, 0x2100, 3, &e));
    assert_true(device_map(dev, 2, 0x2200, 1, &e));
    device_reset(dev);
    return dev;
}

/* Each sector begins with its number, and goes on with bytes of it. */
static void fill(struct harness_disk *d, uint64_t size)
{
    free(d->data);
    d->data = malloc((size_t)size);
    d->block.size = size;
    for (uint64_t i = 0; i < size; i++)
        d->data[i] = (uint8_t)(i % 512 == 0   ? i / 512
                               : i % 512 == 1 ? i / 512 >> 8
                                              : i / 512 * 7 + i % 251);
}

static struct harness_disk *disk(const char *id, unsigned kb)
{
    struct harness_disk *d = harness_disk(h, id);

    fill(d, (uint64_t)kb * 1024);
    return d;
}

static void make(const char *properties)
{
    struct error e;

    fdc = harness_device(h, "fdc", properties);
    dma = make_dma();
    assert_true(fdc_connect(fdc, dma, 2, &e));
}

static int setup(void **state)
{
    struct error e;

    (void)state;
    h = harness_new();
    assert_true(ram_new(&ram, LOW_RAM, &e));
    low_ram = (struct region){.name = "low",
                              .kind = REGION_RAM,
                              .size = LOW_RAM,
                              .enabled = true,
                              .ram = ram};
    assert_true(memory_add(h->memory, &low_ram, &e));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    memory_remove(&low_ram);
    ram_free(ram);
    harness_free(h);
    return 0;
}

static unsigned rd(unsigned reg)
{
    return (unsigned)harness_read(h, fdc, 0, reg, 1);
}

static void wr(unsigned reg, unsigned value)
{
    harness_write(h, fdc, 0, reg, 1, value);
}

static void wait_a_bit(void)
{
    harness_advance(h, 100000);
}

static void put(const uint8_t *bytes, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(rd(MSR) & 0xc0, 0x80);
        wr(FIFO, bytes[i]);
    }
}

#define COMMAND(...)                                                           \
    put((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

/* Read the result phase; it has n bytes, no more. */
static void get(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(rd(MSR) & 0xd0, 0xd0);
        result[i] = (uint8_t)rd(FIFO);
    }
    assert_int_equal(rd(MSR) & 0xd0, 0x80);
}

#define RESULT(...) expect((const uint8_t[]){__VA_ARGS__}, 7)

static void expect(const uint8_t *bytes, unsigned n)
{
    assert_true(harness_level(h, fdc, 0));
    get(n);
    assert_memory_equal(result, bytes, n);
    assert_false(harness_level(h, fdc, 0));
}

/* As a BIOS begins: both motors on, DMA, drive `n` selected. */
static void start(unsigned n, unsigned rate)
{
    wr(DOR, 0x00);
    wr(DOR, 0x3c | n);
    wait_a_bit();
    for (unsigned i = 0; i < 4; i++) {
        COMMAND(0x08);
        get(2);
        assert_int_equal(result[0], 0xc0 | i);
    }
    COMMAND(0x03, 0xdf, 0x02);
    harness_write(h, fdc, 1, 0, 1, rate);
}

static void sense(unsigned st0, unsigned pcn)
{
    assert_true(harness_level(h, fdc, 0));
    COMMAND(0x08);
    get(2);
    assert_int_equal(result[0], st0);
    assert_int_equal(result[1], pcn);
    assert_false(harness_level(h, fdc, 0));
}

static void seek(unsigned n, unsigned track)
{
    COMMAND(0x0f, (uint8_t)n, (uint8_t)track);
    assert_int_equal(rd(MSR), 0x80 | 1u << n);
    wait_a_bit();
    sense(0x20 | n, track);
}

/* Channel 2; memory: the 8237's direction. */
static void program(bool to_memory, unsigned bytes)
{
    unsigned count = bytes - 1;

    harness_write(h, dma, 0, 10, 1, 6);
    harness_write(h, dma, 0, 11, 1, to_memory ? 0x46 : 0x4a);
    harness_write(h, dma, 0, 12, 1, 0);
    harness_write(h, dma, 0, 4, 1, 0);
    harness_write(h, dma, 0, 4, 1, 0);
    harness_write(h, dma, 1, 0, 1, BUFFER >> 16);
    harness_write(h, dma, 0, 5, 1, count & 0xff);
    harness_write(h, dma, 0, 5, 1, count >> 8);
    harness_write(h, dma, 0, 10, 1, 2);
}

/* Let up to two tracks pass. */
static void finish(void)
{
    harness_advance(h, 100 * 100000);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
