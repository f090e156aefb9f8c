/* NOR flash: query, identifiers, programming, erasing, locks, drives. */
#include "tests/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "devices/cfi_flash.h"
#include "tests/devices/harness.h"

#define BLOCK 0x40000u
#define BOTH(x) ((uint32_t)(x) << 16 | (x)) /* for both chips of the bus */

enum {
    READY = BOTH(0x80),
    PROGRAM_ERROR = BOTH(0x90),
    ERASE_ERROR = BOTH(0xa0),
    BAD_SEQUENCE = BOTH(0xb0),
};

static struct harness *h;
static struct device *dev;

static int setup(void **state)
{
    (void)state;
    h = harness_new();
    memcpy(harness_disk(h, "d")->data, "\x13\x05\x10\x00rest", 8);
    dev = harness_device(h, "cfi_flash", "bank-width=4,drive0=d");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    harness_free(h);
    return 0;
}

static uint32_t rd(unsigned bank, uint64_t offset)
{
    return (uint32_t)harness_read(h, dev, bank, offset, 4);
}

static void wr(unsigned bank, uint64_t offset, uint32_t value)
{
    harness_write(h, dev, bank, offset, 4, value);
}

static void command(unsigned bank, uint64_t offset, uint8_t value)
{
    wr(bank, offset, BOTH(value));
}

static void program_word(unsigned bank, uint64_t offset, uint32_t value)
{
    command(bank, offset, 0x40);
    wr(bank, offset, value);
}

static void erase_block(unsigned bank, uint64_t offset)
{
    command(bank, offset, 0x20);
    command(bank, offset, 0xd0);
}

static uint32_t array(unsigned bank, uint64_t offset)
{
    command(bank, offset, 0xff);
    return rd(bank, offset);
}

static void clear_status(unsigned bank)
{
    command(bank, 0, 0x50);
}

/* Host address if the bank's array is memory to read and fetch from. */
static const uint8_t *mapped(unsigned bank, uint64_t offset)
{
    return memory_host(h->memory, dev->regions[bank].base + offset, 4, false);
}

static void test_array(void **state)
{
    (void)state;
    assert_int_equal(rd(0, 0), 0x00100513);
    assert_memory_equal(mapped(0, 0), "\x13\x05\x10\x00rest", 8);
    assert_null(memory_host(h->memory, dev->regions[0].base, 4, true));
    assert_int_equal(harness_read(h, dev, 0, 4, 8), UINT64_C(0x74736572));
    assert_int_equal(harness_read(h, dev, 0, 5, 1), 'e');
    /* Behind the drive's end, and without a drive: erased. */
    assert_int_equal(rd(0, HARNESS_DISK_SIZE), UINT32_MAX);
    assert_int_equal(rd(1, 0), UINT32_MAX);
    assert_int_equal(harness_read(h, dev, 1, 8, 8), UINT64_MAX);
    assert_int_equal(h->disk[0]->writes, 0);
}

static void test_modes(void **state)
{
    (void)state;
    command(0, 0, 0x70);
    assert_null(mapped(0, 0));
    assert_int_equal(rd(0, 0), READY);
    assert_int_equal(harness_read(h, dev, 0, 2, 2), 0x80);
    assert_int_equal(harness_read(h, dev, 0, 0, 8), UINT64_C(0x80008000800080));
    assert_int_equal(harness_read(h, dev, 0, 1, 1), 0);
    command(0, 0, 0x90);
    assert_int_equal(rd(0, 0), BOTH(0x89));
    assert_int_equal(rd(0, 4), BOTH(0x18));
    assert_int_equal(rd(0, 8), 0);
    assert_int_equal(rd(0, 12), 0);
    command(0, 0, 0xff);
    assert_non_null(mapped(0, 0));
    command(0, 0, 0xf0); /* for other makers' chips */
    assert_non_null(mapped(0, 0));
    assert_non_null(strstr(harness_log(h), "no command 0xf0"));
    /* Banks are apart. */
    command(0, 0, 0x70);
    assert_int_equal(rd(1, 0), UINT32_MAX);
}

static unsigned query(unsigned word)
{
    uint32_t v = rd(0, word * 4);

    assert_int_equal(v >> 16, v & 0xffff);
    return v & 0xffff;
}

static void test_query(void **state)
{
    unsigned size, blocks, block;

    (void)state;
    command(0, 0x55 * 4, 0x98);
    assert_int_equal(query(0x10), 'Q');
    assert_int_equal(query(0x11), 'R');
    assert_int_equal(query(0x12), 'Y');
    assert_int_equal(query(0x13) | query(0x14) << 8, 1);
    assert_int_equal(query(query(0x15)), 'P');
    assert_int_equal(query(query(0x15) + 2), 'I');
    size = 1u << query(0x27);
    assert_int_equal(query(0x2c), 1);
    blocks = (query(0x2d) | query(0x2e) << 8) + 1;
    block = (query(0x2f) | query(0x30) << 8) * 256;
    assert_int_equal(blocks * block, size);
    assert_int_equal(2 * size, dev->regions[0].size);
    assert_int_equal(2 * block, BLOCK);
    assert_int_equal(query(0x2a), 8);
    assert_int_equal(query(0x5f), 0);
    assert_int_equal(query(0x60), 0);
}

static void test_program(void **state)
{
    (void)state;
    program_word(0, 4, 0x12345678); /* over "rest": bits only go */
    assert_int_equal(rd(0, 0), READY);
    assert_int_equal(array(0, 4), 0x12345678 & 0x74736572);
    assert_int_equal(rd(0, 0), 0x00100513);
    assert_memory_equal(h->disk[0]->data + 4, mapped(0, 4), 4);
    command(0, 0, 0x10);
    harness_write(h, dev, 0, 2, 1, 0);
    assert_int_equal(array(0, 0), 0x00000513);
    /* Ones change nothing, and need no place to be. */
    program_word(0, HARNESS_DISK_SIZE, UINT32_MAX);
    assert_int_equal(rd(0, 0), READY);
    program_word(0, HARNESS_DISK_SIZE, 0);
    assert_int_equal(rd(0, 0), PROGRAM_ERROR);
    clear_status(0);
    assert_int_equal(array(0, HARNESS_DISK_SIZE), UINT32_MAX);
    command(0, 0, 0x70);
    assert_int_equal(rd(0, 0), READY);
}

static void test_erase(void **state)
{
    (void)state;
    program_word(1, BLOCK, 0x11111111);
    program_word(1, 2 * BLOCK - 4, 0x22222222);
    program_word(1, 2 * BLOCK, 0x33333333);
    assert_int_equal(array(1, BLOCK), 0x11111111);
    erase_block(1, BLOCK + 0x1234);
    assert_int_equal(rd(1, 0), READY);
    assert_int_equal(array(1, BLOCK), UINT32_MAX);
    assert_int_equal(array(1, 2 * BLOCK - 4), UINT32_MAX);
    assert_int_equal(array(1, 2 * BLOCK), 0x33333333);
    /* A drive that ends within the block. */
    erase_block(0, 0);
    assert_int_equal(rd(0, 0), READY);
    assert_int_equal(h->disk[0]->data[0], 0xff);
    assert_int_equal(h->disk[0]->data[HARNESS_DISK_SIZE - 1], 0xff);
    erase_block(0, 16 * BLOCK); /* is erased as it is */
    assert_int_equal(rd(0, 0), READY);
    /* Something else than the confirmation. */
    command(0, 0, 0x20);
    command(0, 0, 0xff);
    assert_int_equal(rd(0, 0), BAD_SEQUENCE);
}

static void buffer(unsigned bank, uint64_t offset, unsigned n)
{
    command(bank, offset, 0xe8);
    assert_int_equal(rd(bank, offset), READY);
    wr(bank, offset, BOTH(n - 1));
    for (unsigned i = 0; i < n; i++)
        wr(bank, offset + 4 * i, 0xa0000000 + i);
}

static void test_buffer(void **state)
{
    (void)state;
    buffer(0, 0x8004, 128);
    assert_int_equal(h->disk[0]->writes, 0);
    command(0, 0x8004, 0xd0);
    assert_int_equal(rd(0, 0x8000), READY);
    /* The drive held zeros, and those stay. */
    assert_int_equal(h->disk[0]->writes, 1);
    assert_int_equal(array(0, 0x8004), 0);
    buffer(1, 0x8004, 100);
    command(1, 0x8004, 0xd0);
    assert_int_equal(array(1, 0x8000), UINT32_MAX);
    assert_int_equal(array(1, 0x8004), 0xa0000000);
    assert_int_equal(array(1, 0x8004 + 99 * 4), 0xa0000000 + 99);
    assert_int_equal(array(1, 0x8004 + 100 * 4), UINT32_MAX);
    /* Not confirmed. */
    buffer(1, 0x10000, 4);
    command(1, 0x10000, 0xff);
    assert_int_equal(rd(1, 0), BAD_SEQUENCE);
    clear_status(1);
    assert_int_equal(array(1, 0x10000), UINT32_MAX);
}

static void test_buffer_wrong(void **state)
{
    (void)state;
    /* Too many words. */
    command(1, 0, 0xe8);
    wr(1, 0, BOTH(128));
    assert_int_equal(rd(1, 0), BAD_SEQUENCE);
    clear_status(1);
    /* Over the block's end; below its start; too far apart. */
    command(1, 0, 0xe8);
    wr(1, 0, BOTH(1));
    wr(1, BLOCK - 4, 0);
    wr(1, BLOCK, 0);
    command(1, 0, 0xd0);
    assert_int_equal(rd(1, 0), BAD_SEQUENCE);
    clear_status(1);
    command(1, 0, 0xe8);
    wr(1, 0, BOTH(1));
    wr(1, 0x100, 0);
    wr(1, 0xfc, 0);
    command(1, 0, 0xd0);
    assert_int_equal(rd(1, 0), BAD_SEQUENCE);
    clear_status(1);
    command(1, 0, 0xe8);
    wr(1, 0, BOTH(1));
    wr(1, 0x100, 0);
    wr(1, 0x300, 0);
    command(1, 0, 0xd0);
    assert_int_equal(rd(1, 0), BAD_SEQUENCE);
    assert_int_equal(array(1, 0x100), UINT32_MAX);
    assert_int_equal(array(1, BLOCK - 4), UINT32_MAX);
    /* At the end of a block a whole buffer does not fit. */
    clear_status(1);
    command(1, BLOCK - 4, 0xe8);
    wr(1, BLOCK - 4, 0);
    wr(1, BLOCK - 4, 0x1234);
    command(1, BLOCK - 4, 0xd0);
    assert_int_equal(rd(1, 0), READY);
    assert_int_equal(array(1, BLOCK - 4), 0x1234);
    assert_int_equal(array(1, BLOCK), UINT32_MAX);
}

static void test_locks(void **state)
{
    (void)state;
    command(1, BLOCK, 0x60);
    command(1, BLOCK, 0x01);
    assert_int_equal(rd(1, 0), READY);
    command(1, 0, 0x90);
    assert_int_equal(rd(1, BLOCK + 8), BOTH(1));
    assert_int_equal(rd(1, 2 * BLOCK + 8), 0);
    program_word(1, BLOCK + 16, 0);
    assert_int_equal(rd(1, 0), BOTH(0x92));
    clear_status(1);
    erase_block(1, BLOCK);
    assert_int_equal(rd(1, 0), BOTH(0xa2));
    clear_status(1);
    assert_int_equal(array(1, BLOCK + 16), UINT32_MAX);
    harness_reset(h, dev); /* locks last */
    command(1, 0, 0x90);
    assert_int_equal(rd(1, BLOCK + 8), BOTH(1));
    command(1, 0, 0x60); /* all at once */
    command(1, 0, 0xd0);
    program_word(1, BLOCK + 16, 0);
    assert_int_equal(rd(1, 0), READY);
    assert_int_equal(array(1, BLOCK + 16), 0);
    command(1, 0, 0x60);
    command(1, 0, 0x2f); /* lock-down: there is none */
    assert_int_equal(rd(1, 0), BAD_SEQUENCE);
}

static void test_errors(void **state)
{
    struct harness_disk *d = h->disk[0];

    (void)state;
    d->error = EIO;
    program_word(0, 0, 0);
    assert_int_equal(rd(0, 0), PROGRAM_ERROR);
    clear_status(0);
    erase_block(0, 0);
    assert_int_equal(rd(0, 0), ERASE_ERROR);
    clear_status(0);
    assert_int_equal(array(0, 0), 0x00100513); /* as in the file */
    assert_non_null(strstr(harness_log(h), "Input/output error"));
    d->error = 0;
    d->block.read_only = true; /* as if it had no voltage to program with */
    program_word(0, 0, 0);
    assert_int_equal(rd(0, 0), BOTH(0x98));
    clear_status(0);
    erase_block(0, 0);
    assert_int_equal(rd(0, 0), BOTH(0xa8));
    assert_int_equal(array(0, 0), 0x00100513);
}

/* Code that was decoded from the array hears of its changes. */
static unsigned announced;

static void note(void *owner, struct ram *ram, uint64_t offset, uint64_t size)
{
    (void)owner, (void)ram;
    assert_int_equal(offset, 0x1000);
    assert_int_equal(size, 4);
    announced++;
}

static void test_code(void **state)
{
    struct code_watcher w = {.wrote = note};
    struct span s;

    (void)state;
    memory_watch_code(h->memory, &w);
    assert_true(memory_find(h->memory, dev->regions[0].base + 0x1000, &s));
    assert_int_equal(s.region->kind, REGION_ROM);
    s.region->ram->flags[1] |= RAM_CODE;
    announced = 0;
    h->disk[0]->data[0x1000] = 0xff;
    program_word(0, 0x1000, 0);
    assert_int_equal(announced, 1);
    memory_unwatch_code(h->memory, &w);
}

static void test_reset(void **state)
{
    (void)state;
    program_word(1, 0x40, 0x1234);
    command(1, 0, 0xe8);
    harness_reset(h, dev);
    assert_int_equal(rd(1, 0x40), 0x1234);
    assert_non_null(mapped(1, 0x40));
    command(1, 0, 0x70);
    assert_int_equal(rd(1, 0), READY);
}

static void refuse(const char *properties, uint64_t base, uint64_t size,
                   const char *want)
{
    struct device *bad = harness_make(h, &cfi_flash_class);
    struct error e = {""};
    char text[100], *save, *item;
    bool ok = true;

    snprintf(text, sizeof(text), "%s", properties);
    for (item = strtok_r(text, ",", &save); item && ok;
         item = strtok_r(NULL, ",", &save)) {
        char *value = strchr(item, '=');

        *value++ = 0;
        ok = device_set(bad, &h->backends, item, value, &e);
    }
    ok = ok && device_create(bad, 0, &e) && device_map(bad, 0, base, size, &e);
    assert_false(ok);
    if (!strstr(e.text, want))
        fail_msg("%s, not %s", e.text, want);
    harness_remove(h, bad);
}

static void test_wrong(void **state)
{
    const uint64_t at = (uint64_t)1 << 40;

    (void)state;
    refuse("bank-width=3", at, BLOCK, "bank-width is 3: want 1, 2 or 4");
    refuse("bank-width=8", at, BLOCK, "bank-width is 8");
    refuse("bank-width=2,device-width=4", at, BLOCK, "device-width is 4");
    refuse("bank-width=4,block-size=3000", at, BLOCK, "block-size is 3000");
    refuse("bank-width=4,block-size=2k", at, BLOCK, "block-size is 2048");
    refuse("bank-width=4,block-size=2G", at, BLOCK, "block-size is 2147");
    refuse("bank-width=4", at, 3 * BLOCK / 2, "a bank of 0x60000 bytes");
    refuse("bank-width=4", at, BLOCK / 2, "a bank of 0x20000 bytes");
    refuse("bank-width=4", at, (uint64_t)1 << 32, "want from 1 to");
    refuse("bank-width=4", at + 16, BLOCK, "in whole pages");
    refuse("bank-width=4,block-size=16k,drive0=d", at, 0x8000,
           "drive d: 65536 bytes do not fit into a bank of 32768");
    h->disk[0]->error = EIO;
    refuse("bank-width=4,drive0=d", at, BLOCK, "drive d: Input/output error");
    h->disk[0]->error = 0;
}

/* Three blocks: the query says four.  And the ready bit, as OVMF knows it. */
static void test_odd_size(void **state)
{
    struct error e = {""};

    (void)state;
    dev = harness_make(h, &cfi_flash_class);
    assert_true(device_set(dev, &h->backends, "bank-width", "1", &e) &&
                device_set(dev, &h->backends, "block-size", "4k", &e) &&
                device_set(dev, &h->backends, "clears-ready", "on", &e) &&
                device_create(dev, 0, &e) &&
                device_map(dev, 0, (uint64_t)1 << 40, 0x3000, &e));
    device_reset(dev);
    harness_write(h, dev, 0, 0, 1, 0x98);
    assert_int_equal(harness_read(h, dev, 0, 0x27, 1), 14);
    assert_int_equal(harness_read(h, dev, 0, 0x2d, 1), 2);
    harness_write(h, dev, 0, 0, 1, 0x50);
    harness_write(h, dev, 0, 0, 1, 0x70);
    assert_int_equal(harness_read(h, dev, 0, 0, 1), 0);
    harness_write(h, dev, 0, 0x2fff, 1, 0x10);
    harness_write(h, dev, 0, 0x2fff, 1, 0x42);
    assert_int_equal(harness_read(h, dev, 0, 0, 1), 0x80);
    harness_write(h, dev, 0, 0, 1, 0xff);
    assert_int_equal(harness_read(h, dev, 0, 0x2fff, 1), 0x42);
}

/* One chip of 8 bits, and one of 16. */
static void test_widths(void **state)
{
    (void)state;
    for (unsigned width = 1; width <= 2; width++) {
        char text[40];

        snprintf(text, sizeof(text), "bank-width=%u", width);
        dev = harness_device(h, "cfi_flash", text);
        harness_write(h, dev, 0, 0, width, 0x98);
        assert_int_equal(harness_read(h, dev, 0, 0x10 * width, width), 'Q');
        assert_int_equal(harness_read(h, dev, 0, 0x11 * width, width), 'R');
        assert_int_equal(1u << harness_read(h, dev, 0, 0x27 * width, width),
                         dev->regions[0].size);
        harness_write(h, dev, 0, 0, width, 0x40);
        harness_write(h, dev, 0, 3 * width, width, 0x5a);
        assert_int_equal(harness_read(h, dev, 0, 0, width), 0x80);
        harness_write(h, dev, 0, 0, width, 0xff);
        assert_int_equal(harness_read(h, dev, 0, 3 * width, width), 0x5a);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_array),        TEST(test_modes),  TEST(test_query),
        TEST(test_program),      TEST(test_erase),  TEST(test_buffer),
        TEST(test_buffer_wrong), TEST(test_locks),  TEST(test_errors),
        TEST(test_code),         TEST(test_reset),  TEST(test_wrong),
        TEST(test_odd_size),     TEST(test_widths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
