/* The 8237A: programming, transfers for devices, software requests. */
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "devices/dma.h"
#include "tests/devices/harness.h"

enum {
    COMMAND = 8,
    REQUEST = 9,
    MASK = 10,
    MODE = 11,
    CLEAR_FLIP_FLOP = 12,
    MASTER_CLEAR = 13,
    CLEAR_MASK = 14,
    ALL_MASK = 15,
};

enum { SINGLE = 0x40, BLOCK = 0x80, CASCADE = 0xc0 };
enum { VERIFY = 0x00, WRITE = 0x04, READ = 0x08, AUTO = 0x10, DOWN = 0x20 };

#define LOW_RAM 0x40000u

static struct harness *h;
static struct device *byte_dma, *word_dma;
static struct ram *ram;
static struct region low_ram;
static unsigned woken;

static struct device *make(unsigned ports, unsigned base)
{
    struct device *dev = harness_make(h, &i8237_class);
    struct error e;

    assert_true(device_create(dev, 0, &e));
    assert_true(device_map(dev, 0, base, ports, &e));
    assert_true(device_map(dev, 1, base + 0x100, 3, &e));
    assert_true(device_map(dev, 2, base + 0x200, 1, &e));
    device_reset(dev);
    return dev;
}

static int setup(void **state)
{
    struct error e;

    (void)state;
    h = harness_new();
    byte_dma = make(16, 0x2000);
    word_dma = make(32, 0x3000);
    assert_true(ram_new(&ram, LOW_RAM, &e));
    low_ram = (struct region){.name = "low",
                              .kind = REGION_RAM,
                              .size = LOW_RAM,
                              .enabled = true,
                              .ram = ram};
    assert_true(memory_add(h->memory, &low_ram, &e));
    for (unsigned i = 0; i < LOW_RAM; i++)
        ram->host[i] = (uint8_t)(i * 7 + (i >> 8));
    woken = 0;
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

static unsigned shift(struct device *dev)
{
    return dev == word_dma;
}

static unsigned rd(struct device *dev, unsigned reg)
{
    return (unsigned)harness_read(h, dev, 0, reg << shift(dev), 1);
}

static void wr(struct device *dev, unsigned reg, unsigned value)
{
    harness_write(h, dev, 0, reg << shift(dev), 1, value);
}

static void set_page(struct device *dev, unsigned channel, unsigned page)
{
    static const uint8_t offset[] = {0, 2, 0, 1};

    harness_write(h, dev, channel ? 1 : 2, offset[channel], 1, page);
    assert_int_equal(harness_read(h, dev, channel ? 1 : 2, offset[channel], 1),
                     page);
}

static unsigned word(struct device *dev, unsigned reg)
{
    unsigned low;

    wr(dev, CLEAR_FLIP_FLOP, 0);
    low = rd(dev, reg);
    return low | rd(dev, reg) << 8;
}

static void set_word(struct device *dev, unsigned reg, unsigned value)
{
    wr(dev, CLEAR_FLIP_FLOP, 0);
    wr(dev, reg, value & 0xff);
    wr(dev, reg, value >> 8);
}

/* As a driver sets a channel up; length in units. */
static void program(struct device *dev, unsigned channel, unsigned mode,
                    unsigned page, unsigned address, unsigned length)
{
    wr(dev, MASK, 4 | channel);
    wr(dev, MODE, mode | channel);
    set_word(dev, 2 * channel, address);
    set_word(dev, 2 * channel + 1, length - 1);
    set_page(dev, channel, page);
    wr(dev, MASK, channel);
}

static void note(void *owner)
{
    (void)owner;
    woken++;
}

static struct dma_channel connect(struct device *dev, unsigned number)
{
    struct dma_channel c;
    struct error e;

    assert_true(dma_connect(&c, dev, number, note, NULL, &e));
    return c;
}

static size_t transfer(const struct dma_channel *c, enum dma_direction d,
                       void *bytes, size_t size, bool *end)
{
    size_t n;

    pthread_mutex_lock(&h->lock);
    n = dma_transfer(c, d, bytes, size, end);
    pthread_mutex_unlock(&h->lock);
    return n;
}

static void test_registers(void **state)
{
    (void)state;
    for (unsigned reg = 0; reg < 8; reg++)
        set_word(byte_dma, reg, 0x1234 + reg * 0x101);
    for (unsigned reg = 0; reg < 8; reg++)
        assert_int_equal(word(byte_dma, reg), 0x1234 + reg * 0x101);
    set_word(word_dma, 3, 0xbeef);
    assert_int_equal(word(word_dma, 3), 0xbeef);
    assert_int_equal(rd(byte_dma, ALL_MASK), 0xff);
    wr(byte_dma, MASK, 2);
    assert_int_equal(rd(byte_dma, ALL_MASK), 0xfb);
    wr(byte_dma, CLEAR_MASK, 0);
    assert_int_equal(rd(byte_dma, ALL_MASK), 0xf0);
    wr(byte_dma, ALL_MASK, 0x05);
    assert_int_equal(rd(byte_dma, ALL_MASK), 0xf5);
    wr(byte_dma, 0, 0x77); /* the flip-flop is at the upper byte now */
    wr(byte_dma, MASTER_CLEAR, 0);
    assert_int_equal(rd(byte_dma, ALL_MASK), 0xff);
    wr(byte_dma, 0, 0x11);
    wr(byte_dma, 0, 0x22);
    assert_int_equal(word(byte_dma, 0), 0x2211);
}

static void test_to_memory(void **state)
{
    struct dma_channel c = connect(byte_dma, 2);
    uint8_t bytes[100];
    bool end;

    (void)state;
    memset(bytes, 0xa5, sizeof(bytes));
    program(byte_dma, 2, SINGLE | WRITE, 0x01, 0x2345, 80);
    assert_int_equal(transfer(&c, DMA_TO_MEMORY, bytes, 50, &end), 50);
    assert_false(end);
    assert_int_equal(word(byte_dma, 4), 0x2345 + 50);
    assert_int_equal(word(byte_dma, 5), 29);
    assert_int_equal(rd(byte_dma, COMMAND), 0);
    assert_int_equal(transfer(&c, DMA_TO_MEMORY, bytes + 50, 50, &end), 30);
    assert_true(end);
    assert_memory_equal(ram->host + 0x12345, bytes, 80);
    assert_int_not_equal(ram->host[0x12345 + 80], 0xa5);
    assert_int_equal(word(byte_dma, 5), 0xffff);
    assert_int_equal(rd(byte_dma, COMMAND), 0x04); /* TC, until read */
    assert_int_equal(rd(byte_dma, COMMAND), 0x00);
    assert_int_equal(rd(byte_dma, ALL_MASK), 0xff);
    assert_int_equal(transfer(&c, DMA_TO_MEMORY, bytes, 1, &end), 0);
}

static void test_from_memory(void **state)
{
    struct dma_channel c = connect(byte_dma, 1);
    uint8_t bytes[64];
    bool end;

    (void)state;
    program(byte_dma, 1, SINGLE | READ, 0x02, 0x0100, 64);
    assert_int_equal(transfer(&c, DMA_FROM_MEMORY, bytes, 64, &end), 64);
    assert_true(end);
    assert_memory_equal(ram->host + 0x20100, bytes, 64);
    /* Down, and over the start of the page. */
    program(byte_dma, 1, SINGLE | READ | DOWN, 0x02, 0x0001, 4);
    assert_int_equal(transfer(&c, DMA_FROM_MEMORY, bytes, 64, &end), 4);
    assert_int_equal(bytes[0], ram->host[0x20001]);
    assert_int_equal(bytes[1], ram->host[0x20000]);
    assert_int_equal(bytes[2], ram->host[0x2ffff]);
    assert_int_equal(bytes[3], ram->host[0x2fffe]);
    /* Up, and over its end. */
    program(byte_dma, 1, SINGLE | READ, 0x02, 0xfffe, 4);
    assert_int_equal(transfer(&c, DMA_FROM_MEMORY, bytes, 64, &end), 4);
    assert_int_equal(bytes[1], ram->host[0x2ffff]);
    assert_int_equal(bytes[2], ram->host[0x20000]);
    /* Where there is no memory. */
    program(byte_dma, 1, SINGLE | READ, 0xff, 0x0000, 4);
    assert_int_equal(transfer(&c, DMA_FROM_MEMORY, bytes, 4, &end), 4);
    assert_int_equal(bytes[0], 0xff);
}

static void test_words(void **state)
{
    struct dma_channel c = connect(word_dma, 1);
    uint8_t bytes[64];
    bool end;

    (void)state;
    /* The page's lowest bit is not used. */
    program(word_dma, 1, SINGLE | READ, 0x03, 0x8010, 20);
    assert_int_equal(transfer(&c, DMA_FROM_MEMORY, bytes, 31, &end), 30);
    assert_false(end);
    assert_memory_equal(ram->host + 0x30020, bytes, 30);
    assert_int_equal(transfer(&c, DMA_FROM_MEMORY, bytes, 64, &end), 10);
    assert_true(end);
    assert_memory_equal(ram->host + 0x3003e, bytes, 10);
}

static void test_automatic(void **state)
{
    struct dma_channel c = connect(byte_dma, 3);
    uint8_t bytes[64];
    bool end;

    (void)state;
    program(byte_dma, 3, SINGLE | READ | AUTO, 0x01, 0x1000, 16);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(transfer(&c, DMA_FROM_MEMORY, bytes, 64, &end), 16);
        assert_true(end);
        assert_memory_equal(ram->host + 0x11000, bytes, 16);
        assert_int_equal(word(byte_dma, 6), 0x1000);
        assert_int_equal(word(byte_dma, 7), 15);
    }
    assert_int_equal(rd(byte_dma, COMMAND), 0x08);
    assert_int_equal(rd(byte_dma, ALL_MASK), 0xf7);
}

static void test_verify(void **state)
{
    struct dma_channel c = connect(byte_dma, 2);
    uint8_t bytes[16] = {0}, before[16];
    bool end;

    (void)state;
    memcpy(before, ram->host + 0x10000, 16);
    program(byte_dma, 2, SINGLE | VERIFY, 0x01, 0, 16);
    assert_int_equal(transfer(&c, DMA_TO_MEMORY, bytes, 10, &end), 10);
    assert_memory_equal(ram->host + 0x10000, before, 16);
    assert_int_equal(word(byte_dma, 5), 5);
    assert_int_equal(transfer(&c, DMA_FROM_MEMORY, bytes, 10, &end), 6);
    assert_true(end);
    assert_int_equal(bytes[5], 0xff);
}

/* What keeps a device from its transfer, and tells it that it may. */
static void test_requests(void **state)
{
    struct dma_channel c = connect(byte_dma, 2), none = {NULL, 0};
    uint8_t bytes[16] = {0};
    bool end = true;

    (void)state;
    assert_false(dma_is_ready(&none));
    assert_int_equal(transfer(&none, DMA_TO_MEMORY, bytes, 16, &end), 0);
    assert_false(end);
    dma_request(&none, true);

    program(byte_dma, 2, SINGLE | WRITE, 0x01, 0, 16);
    assert_int_equal(woken, 0);
    wr(byte_dma, MASK, 4 | 2);
    dma_request(&c, true);
    assert_int_equal(rd(byte_dma, COMMAND), 0x40);
    assert_false(dma_is_ready(&c));
    wr(byte_dma, MASK, 2);
    assert_int_equal(woken, 1);
    assert_true(dma_is_ready(&c));
    wr(byte_dma, COMMAND, 4); /* disabled */
    assert_int_equal(transfer(&c, DMA_TO_MEMORY, bytes, 16, &end), 0);
    wr(byte_dma, COMMAND, 0);
    assert_int_equal(woken, 2);
    wr(byte_dma, MODE, CASCADE | 2);
    assert_int_equal(transfer(&c, DMA_TO_MEMORY, bytes, 16, &end), 0);
    wr(byte_dma, MODE, SINGLE | READ | 2);
    assert_int_equal(transfer(&c, DMA_TO_MEMORY, bytes, 16, &end), 0);
    assert_non_null(strstr(harness_log(h), "channel 2 is set up for mode"));
    dma_request(&c, false);
    woken = 0;
    wr(byte_dma, CLEAR_MASK, 0);
    assert_int_equal(woken, 0);
}

static void test_software_request(void **state)
{
    (void)state;
    program(byte_dma, 3, SINGLE | WRITE, 0x01, 0x100, 300);
    wr(byte_dma, REQUEST, 7); /* counts in block mode only */
    assert_int_equal(word(byte_dma, 7), 299);
    wr(byte_dma, MODE, BLOCK | WRITE | 3);
    assert_int_equal(rd(byte_dma, COMMAND), 0x08);
    assert_int_equal(word(byte_dma, 7), 0xffff);
    for (unsigned i = 0; i < 300; i++)
        assert_int_equal(ram->host[0x10100 + i], 0xff);
    assert_int_not_equal(ram->host[0x10100 + 300], 0xff);
    /* A mask does not keep it, and all of 64 KiB are done. */
    program(byte_dma, 3, BLOCK | READ | DOWN, 0x01, 0, 0x10000);
    wr(byte_dma, MASK, 7);
    wr(byte_dma, REQUEST, 7);
    assert_int_equal(rd(byte_dma, COMMAND), 0x08);
    assert_int_equal(word(byte_dma, 6), 0);
}

static void test_memory_to_memory(void **state)
{
    (void)state;
    program(byte_dma, 0, BLOCK | READ, 0x01, 0x0000, 256);
    program(byte_dma, 1, BLOCK | WRITE, 0x02, 0x8000, 256);
    wr(byte_dma, COMMAND, 1);
    wr(byte_dma, REQUEST, 4);
    assert_memory_equal(ram->host + 0x10000, ram->host + 0x28000, 256);
    assert_int_equal(rd(byte_dma, COMMAND), 0x02);
    assert_int_equal(rd(byte_dma, MASTER_CLEAR), ram->host[0x100ff]);
    /* One address held: a fill. */
    program(byte_dma, 0, BLOCK | READ, 0x01, 0x0042, 256);
    program(byte_dma, 1, BLOCK | WRITE, 0x02, 0x8000, 256);
    wr(byte_dma, COMMAND, 3);
    wr(byte_dma, REQUEST, 4);
    for (unsigned i = 0; i < 256; i++)
        assert_int_equal(ram->host[0x28000 + i], ram->host[0x10042]);
}

static void test_connect(void **state)
{
    struct device *other = harness_device(h, "port92", NULL);
    struct dma_channel c;
    struct error e;

    (void)state;
    connect(byte_dma, 2);
    assert_false(dma_connect(&c, byte_dma, 2, NULL, NULL, &e));
    assert_non_null(strstr(e.text, "is taken"));
    assert_false(dma_connect(&c, byte_dma, 4, NULL, NULL, &e));
    assert_false(dma_connect(&c, other, 0, NULL, NULL, &e));
    assert_true(dma_connect(&c, byte_dma, 3, NULL, NULL, &e));
    dma_request(&c, true);
    wr(byte_dma, CLEAR_MASK, 0); /* nobody to tell */
    assert_true(dma_is_ready(&c));
}

static void test_window_size(void **state)
{
    struct device *dev = harness_make(h, &i8237_class);
    struct error e;

    (void)state;
    assert_true(device_create(dev, 0, &e));
    assert_false(device_map(dev, 0, 0x4000, 8, &e));
    assert_non_null(strstr(e.text, "8 ports: want 16"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_registers),        TEST(test_to_memory),
        TEST(test_from_memory),      TEST(test_words),
        TEST(test_automatic),        TEST(test_verify),
        TEST(test_requests),         TEST(test_software_request),
        TEST(test_memory_to_memory), TEST(test_connect),
        TEST(test_window_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
