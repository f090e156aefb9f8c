/* The firmware configuration store: registers, directory, DMA. */
#include "tests/unit.h"

#include <string.h>

#include "base/bytes.h"
#include "devices/fw_cfg.h"
#include "tests/devices/harness.h"

enum { DATA = 0x00, SELECTOR = 0x08, DMA = 0x10 };
enum { ERROR = 1, READ = 2, SKIP = 4, SELECT = 8, WRITE = 16 };

#define REQUEST (HARNESS_RAM + 0x100)
#define BUFFER (HARNESS_RAM + 0x1000)

static struct harness *h;
static struct device *dev;

static int setup(void **state)
{
    struct fw_cfg *f;
    struct error e;

    (void)state;
    h = harness_new();
    dev = harness_device(h, "fw_cfg_mmio", NULL);
    f = fw_cfg_mmio(dev);
    assert_true(fw_cfg_add_u16(f, FW_CFG_NB_CPUS, 3, &e));
    assert_true(fw_cfg_add_u64(f, FW_CFG_RAM_SIZE, 0x123456789a, &e));
    assert_true(fw_cfg_add_file(f, "opt/one", "hello", 5, &e));
    assert_true(fw_cfg_add_file(f, "opt/two", "", 0, &e));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    harness_free(h);
    return 0;
}

static void select_key(unsigned key)
{
    harness_write(h, dev, 0, SELECTOR, 2, __builtin_bswap16((uint16_t)key));
}

static uint64_t next(unsigned size)
{
    return harness_read(h, dev, 0, DATA, size);
}

static void read_bytes(void *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)out)[i] = (uint8_t)next(1);
}

static uint8_t *ram(uint64_t pa)
{
    return h->ram->host + (pa - HARNESS_RAM);
}

/* A request in memory, started by the register; returns its control word. */
static uint32_t request(uint32_t control, uint32_t length, uint64_t address)
{
    uint8_t *p = ram(REQUEST);

    st_be32(p, control);
    st_be32(p + 4, length);
    st_be64(p + 8, address);
    harness_write(h, dev, 0, DMA, 8, __builtin_bswap64(REQUEST));
    return ld_be32(p);
}

static void test_data(void **state)
{
    (void)state;
    select_key(FW_CFG_SIGNATURE);
    assert_int_equal(next(4), ld_le32("QEMU"));
    assert_int_equal(next(4), 0); /* the end: zeros for ever */
    select_key(FW_CFG_ID);
    assert_int_equal(next(4), 3);
    select_key(FW_CFG_NB_CPUS);
    assert_int_equal(next(1), 3);
    assert_int_equal(next(8), 0);
    select_key(FW_CFG_RAM_SIZE);
    assert_int_equal(next(8), 0x123456789a);
    select_key(FW_CFG_RAM_SIZE); /* begins again */
    assert_int_equal(next(2), 0x789a);
    assert_int_equal(next(2), 0x3456);
    assert_int_equal(next(8), 0x12); /* goes over the end */
    select_key(0x1f);
    assert_int_equal(next(8), 0);
    select_key(0x3fff);
    assert_int_equal(next(8), 0);
    select_key(0x8000 | FW_CFG_ID);
    assert_int_equal(next(4), 0);
    assert_string_equal(harness_log(h), "");
}

static void test_directory(void **state)
{
    uint8_t dir[4 + 2 * 64], text[8] = "";
    unsigned key;

    (void)state;
    select_key(FW_CFG_FILE_DIR);
    read_bytes(dir, sizeof(dir));
    assert_int_equal(ld_be32(dir), 2);
    assert_int_equal(ld_be32(dir + 4), 5);
    key = ld_be16(dir + 8);
    assert_true(key >= FW_CFG_FILE_FIRST);
    assert_int_equal(ld_be16(dir + 10), 0);
    assert_string_equal((char *)dir + 12, "opt/one");
    assert_int_equal(ld_be32(dir + 68), 0);
    assert_string_equal((char *)dir + 76, "opt/two");
    select_key(key);
    read_bytes(text, 7);
    assert_string_equal((char *)text, "hello");
}

static void make_new(void *owner, uint8_t *data)
{
    memcpy(data, "HELLO", 5);
    ++*(unsigned *)owner;
}

/* What a file holds is made when it is selected, by register or by DMA. */
static void test_refresh(void **state)
{
    unsigned made = 0;
    uint8_t text[6] = "";

    (void)state;
    select_key(FW_CFG_FILE_FIRST);
    read_bytes(text, 2);
    fw_cfg_refresh_file(fw_cfg_mmio(dev), "opt/one", make_new, &made);
    read_bytes(text, 3);
    assert_string_equal((char *)text, "llo");
    assert_int_equal(made, 0);
    select_key(FW_CFG_FILE_FIRST);
    read_bytes(text, 5);
    assert_string_equal((char *)text, "HELLO");
    request((uint32_t)FW_CFG_FILE_FIRST << 16 | SELECT | READ, 5,
            HARNESS_RAM + 0x200);
    assert_memory_equal(ram(HARNESS_RAM + 0x200), "HELLO", 5);
    assert_int_equal(made, 2);
    select_key(FW_CFG_FILE_FIRST + 1);
    assert_int_equal(made, 2);
}

static void test_names(void **state)
{
    struct fw_cfg *f = fw_cfg_mmio(dev);
    char name[FW_CFG_NAME + 1];
    struct error e;

    (void)state;
    memset(name, 'x', sizeof(name));
    name[FW_CFG_NAME] = 0;
    assert_false(fw_cfg_add_file(f, name, "", 0, &e));
    assert_non_null(strstr(e.text, "wanted 1 to 55 characters"));
    name[FW_CFG_NAME - 1] = 0;
    assert_true(fw_cfg_add_file(f, name, "", 0, &e));
    assert_false(fw_cfg_add_file(f, "", "", 0, &e));
    assert_false(fw_cfg_add_file(f, "opt/one", "", 0, &e));
    assert_string_equal(e.text, "name=opt/one: there is a file of that name");
    assert_false(fw_cfg_add_u16(f, FW_CFG_NB_CPUS, 1, &e));
    for (unsigned i = 3; i < FW_CFG_MAX_FILES; i++) {
        snprintf(name, sizeof(name), "file%u", i);
        assert_true(fw_cfg_add_file(f, name, name, 4, &e));
    }
    assert_false(fw_cfg_add_file(f, "more", "", 0, &e));
    select_key(FW_CFG_FILE_DIR);
    read_bytes(name, 4);
    assert_int_equal(ld_be32(name), FW_CFG_MAX_FILES);
}

static void test_dma_signature(void **state)
{
    (void)state;
    assert_int_equal(harness_read(h, dev, 0, DMA, 8), ld_le64("QEMU CFG"));
    assert_int_equal(harness_read(h, dev, 0, DMA, 4), ld_le32("QEMU"));
    assert_int_equal(harness_read(h, dev, 0, DMA + 4, 4), ld_le32(" CFG"));
    assert_int_equal(harness_read(h, dev, 0, DMA + 7, 1), 'G');
}

static void test_dma_read(void **state)
{
    (void)state;
    memset(ram(BUFFER), 0xee, 16);
    assert_int_equal(
        request((uint32_t)FW_CFG_FILE_FIRST << 16 | SELECT | READ, 3, BUFFER),
        0);
    assert_memory_equal(ram(BUFFER), "hel\xee", 4);
    /* Goes on where it was, and gives zeros behind the end. */
    assert_int_equal(request(READ, 5, BUFFER), 0);
    assert_memory_equal(ram(BUFFER), "lo\0\0\0\xee", 6);
    /* By halves; only the lower one starts it. */
    st_be32(ram(REQUEST), (uint32_t)FW_CFG_FILE_FIRST << 16 | SELECT | SKIP);
    st_be32(ram(REQUEST) + 4, 4);
    harness_write(h, dev, 0, DMA, 4, __builtin_bswap32(REQUEST >> 32));
    assert_int_not_equal(ld_be32(ram(REQUEST)), 0);
    harness_write(h, dev, 0, DMA + 4, 4, __builtin_bswap32((uint32_t)REQUEST));
    assert_int_equal(ld_be32(ram(REQUEST)), 0);
    assert_int_equal(next(4), 'o');
    /* Large: zeros to the whole of a page and more. */
    memset(ram(BUFFER), 0xee, 0x3001);
    assert_int_equal(request(READ, 0x3000, BUFFER), 0);
    assert_int_equal(*ram(BUFFER + 0x2fff), 0);
    assert_int_equal(*ram(BUFFER + 0x3000), 0xee);
    assert_int_equal(request((uint32_t)FW_CFG_ID << 16 | SELECT, 9, 0), 0);
    assert_int_equal(next(4), 3);
    assert_string_equal(harness_log(h), "");
}

static void test_dma_wrong(void **state)
{
    const uint32_t one = (uint32_t)FW_CFG_FILE_FIRST << 16 | SELECT;

    (void)state;
    assert_int_equal(request(one | READ, 5, 0x1000), ERROR);
    assert_int_equal(request(one | READ, UINT32_MAX, BUFFER), ERROR);
    assert_int_equal(request(one | READ, 5, UINT64_MAX - 1), ERROR);
    assert_int_equal(request(one | READ, 5, dev->regions[0].base), ERROR);
    /* Nothing can be written. */
    memcpy(ram(BUFFER), "jelly", 5);
    assert_int_equal(request(one | WRITE, 5, BUFFER), ERROR);
    select_key(FW_CFG_FILE_FIRST);
    assert_int_equal(next(1), 'h');
    /* A request that is nowhere, or in the registers. */
    harness_write(h, dev, 0, DMA, 8, __builtin_bswap64(0x1000));
    harness_write(h, dev, 0, DMA, 8, UINT64_MAX);
    harness_write(h, dev, 0, DMA, 8, __builtin_bswap64(dev->regions[0].base));
    assert_non_null(strstr(harness_log(h), "which is no memory"));
}

static void test_nowhere(void **state)
{
    (void)state;
    assert_int_equal(harness_read(h, dev, 0, 1, 1), 0);
    assert_int_equal(harness_read(h, dev, 0, SELECTOR, 2), 0);
    harness_write(h, dev, 0, DATA, 1, 0xff);
    harness_write(h, dev, 0, SELECTOR, 4, 0xff);
    harness_write(h, dev, 0, DMA, 2, 0xff);
    assert_non_null(
        strstr(harness_log(h), "no register of 4 bytes at offset 0x8"));
}

static void test_reset(void **state)
{
    (void)state;
    select_key(FW_CFG_RAM_SIZE);
    harness_write(h, dev, 0, DMA, 4, 0x12345678);
    harness_reset(h, dev);
    assert_int_equal(next(4), ld_le32("QEMU")); /* item 0, from its start */
    st_be32(ram(REQUEST), SKIP);
    harness_write(h, dev, 0, DMA + 4, 4, __builtin_bswap32((uint32_t)REQUEST));
    assert_int_equal(ld_be32(ram(REQUEST)), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_data),      TEST(test_directory),     TEST(test_names),
        TEST(test_refresh),   TEST(test_dma_signature), TEST(test_dma_read),
        TEST(test_dma_wrong), TEST(test_nowhere),       TEST(test_reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
