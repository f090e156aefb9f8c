/* The ATAPI CD-ROM drive, packet by packet. */
#include "tests/devices/ide_rig.h"

enum { BLOCKS = DISK_SECTORS / 4 };

static uint8_t data[0x20000];
static unsigned n_data;

/* One packet by PIO with this byte count limit; what came is in data[]. */
static unsigned packet_limit(const uint8_t *p, unsigned limit)
{
    n_data = 0;
    out(ATA_FEATURES, 0);
    out(ATA_LBA_MID, limit & 0xff);
    out(ATA_LBA_HIGH, limit >> 8);
    out(ATA_COMMAND, 0xa0);
    assert_int_equal(in(ATA_COMMAND), 0x58);
    assert_int_equal(in(ATA_COUNT), 1); /* it wants a packet */
    assert_false(irq());
    write_data(p, 12);
    assert_int_equal(memory_in(base + 0x206), 0x80);
    wait_a_bit();
    while (assert_true(irq()), in(ATA_COMMAND)&8) {
        unsigned n = in(ATA_LBA_MID) | in(ATA_LBA_HIGH) << 8;

        assert_int_equal(in(ATA_COUNT), 2); /* data for the host */
        assert_in_range(n, 1, limit ? limit : 0xfffe);
        assert_true(n_data + n <= sizeof(data));
        read_data(data + n_data, (n + 1) & ~1u);
        n_data += n;
    }
    assert_int_equal(in(ATA_COUNT), 3);
    assert_false(irq());
    return in(ATA_COMMAND);
}

#define PACKET(...) packet_limit((const uint8_t[12]){__VA_ARGS__}, 0xfffe)

/* Why the last packet failed: key << 16 | ASC << 8 | ASCQ. */
static unsigned sense(void)
{
    assert_int_equal(PACKET(0x03, 0, 0, 0, 18), 0x50);
    assert_int_equal(n_data, 18);
    assert_int_equal(data[0], 0x70);
    return (unsigned)data[2] << 16 | data[12] << 8 | data[13];
}

#define FAILS(why, ...)                                                        \
    do {                                                                       \
        assert_int_equal(PACKET(__VA_ARGS__), 0x51);                           \
        assert_int_equal(in(ATA_FEATURES), (why) >> 16 << 4 | 4);              \
        assert_int_equal(sense(), why);                                        \
        assert_int_equal(sense(), 0);                                          \
    } while (0)

#define WORKS(...) assert_int_equal(PACKET(__VA_ARGS__), 0x50)

/* A disc in the secondary master, its attentions told. */
static void start(const char *properties)
{
    make(properties);
    base = 0x170;
    out(ATA_DEVICE, 0xa0);
    FAILS(0x62900, 0x00);
}

static void start_with_disc(void)
{
    start("hdc=c,hdc-cd=on");
    WORKS(0x00);
}

static void test_ata_side(void **state)
{
    (void)state;
    make("hdc=c,hdc-cd=on,hdd-cd=on");
    base = 0x170;
    for (unsigned slave = 0; slave < 2; slave++) {
        control(4);
        control(0);
        out(ATA_DEVICE, slave << 4);
        assert_int_equal(in(ATA_COMMAND), 0x00);
        assert_int_equal(in(ATA_COUNT), 0x01);
        assert_int_equal(in(ATA_LBA_LOW), 0x01);
        assert_int_equal(in(ATA_LBA_MID), 0x14);
        assert_int_equal(in(ATA_LBA_HIGH), 0xeb);
        out(ATA_LBA_MID, 0);
        command(0xec); /* refused, with the signature */
        assert_int_equal(in(ATA_COMMAND), 0x51);
        assert_int_equal(in(ATA_FEATURES), 0x04);
        assert_int_equal(in(ATA_LBA_MID), 0x14);
        assert_int_equal(in(ATA_LBA_HIGH), 0xeb);
        command(0x20);
        assert_int_equal(in(ATA_COMMAND), 0x51);
    }
    out(ATA_DEVICE, 0xa0);
    identify(0xa1);
    assert_int_equal(word(0), 0x85c0);
    assert_memory_equal(words + 54, "ME UDCR-MO", 10);
    assert_int_equal(word(49) & 0x0300, 0x0300);
    assert_int_equal(word(82), 0x4218);
    assert_int_equal(word(85), 0x4218);
    set_features(0x03, 0x22);
    identify(0xa1);
    assert_int_equal(word(63), 0x0407);
    command(0xe5);
    assert_int_equal(in(ATA_COUNT), 0xff);
    command(0xa1); /* DEVICE RESET, in the middle of it */
    out(ATA_COMMAND, 0x08);
    assert_int_equal(in(ATA_COMMAND), 0x00);
    assert_int_equal(in(ATA_LBA_MID), 0x14);
    assert_false(irq());
    out(ATA_FEATURES, 2); /* overlap */
    command(0xa0);
    assert_int_equal(in(ATA_COMMAND), 0x51);
    command(0xe6);
    command(0xa1);
    assert_int_equal(in(ATA_COMMAND), 0x50);
    out(ATA_COMMAND, 0x08); /* wakes it */
    identify(0xa1);
}

static void test_inquiry_and_sense(void **state)
{
    (void)state;
    make("hdc=c,hdc-cd=on");
    base = 0x170;
    WORKS(0x12, 0, 0, 0, 36); /* whatever there is to tell */
    assert_int_equal(n_data, 36);
    assert_memory_equal(data,
                        "\x05\x80\x00\x21\x1f\0\0\0"
                        "EMU     CD-ROM          1.0 ",
                        36);
    WORKS(0x12, 0, 0, 0, 5);
    assert_int_equal(n_data, 5);
    WORKS(0x12);
    assert_int_equal(n_data, 0);
    assert_int_equal(sense(), 0x62900); /* without a failure, too */
    assert_int_equal(sense(), 0);
    WORKS(0x00);
    FAILS(0x52400, 0x12, 1, 0, 0, 36);
    FAILS(0x52000, 0x99);
    FAILS(0x52000, 0x04);
    FAILS(0x52000, 0x1a, 0, 0x3f, 0, 36);
}

static void test_read_pio(void **state)
{
    static const unsigned limits[] = {2,    100,    2048,   2049,
                                      4096, 0xfffe, 0xffff, 0};
    struct harness_disk *d = disk("c");

    (void)state;
    start_with_disc();
    WORKS(0x25);
    assert_int_equal(ld_be32(data), BLOCKS - 1);
    assert_int_equal(ld_be32(data + 4), 2048);
    for (unsigned i = 0; i < 8; i++) {
        const uint8_t p[12] = {0x28, 0, 0, 0, 0, 10, 0, 0, 3};

        memset(data, 0, sizeof(data));
        assert_int_equal(packet_limit(p, limits[i]), 0x50);
        assert_int_equal(n_data, 3 * 2048);
        assert_memory_equal(data, d->data + 10 * 2048, 3 * 2048);
    }
    WORKS(0x28, 0, 0, 0, 0, 7, 0, 0, 50); /* in pieces */
    assert_memory_equal(data, d->data + 7 * 2048, 50 * 2048);
    WORKS(0xa8, 0, 0, 0, 0, 7, 0, 0, 0, 50);
    assert_int_equal(n_data, 50 * 2048);
    assert_memory_equal(data, d->data + 7 * 2048, 50 * 2048);
    WORKS(0x28, 0, 0, 0, 0, 7); /* none */
    assert_int_equal(n_data, 0);
    WORKS(0x28, 0, 0, 0, BLOCKS >> 8, (BLOCKS - 1) & 0xff, 0, 0, 1);
    FAILS(0x52100, 0x28, 0, 0, 0, BLOCKS >> 8, (BLOCKS - 1) & 0xff, 0, 0, 2);
    FAILS(0x52100, 0x28, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 2);
    FAILS(0x52100, 0xa8, 0, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0xff);
    WORKS(0x2b, 0, 0, 0, 0, 9);
    FAILS(0x52100, 0x2b, 0, 0, 0, BLOCKS >> 8, BLOCKS & 0xff);
    d->error = EIO;
    FAILS(0x31100, 0x28, 0, 0, 0, 0, 7, 0, 0, 1);
}

static unsigned dma_packet(const uint8_t *p)
{
    out(ATA_FEATURES, 1);
    out(ATA_LBA_MID, 0);
    out(ATA_LBA_HIGH, 0);
    dma_command(0xa0, true);
    write_data(p, 12);
    wait_a_bit();
    assert_true(irq());
    assert_int_equal(in(ATA_COUNT), 3);
    return in(ATA_COMMAND);
}

static void test_read_dma(void **state)
{
    static const uint8_t p[12] = {0x28, 0, 0, 0, 0, 100, 0, 0, 60};
    static const uint8_t inquiry[12] = {0x12, 0, 0, 0, 36};
    static const uint8_t bad[12] = {0x99};
    struct harness_disk *d = disk("c");

    (void)state;
    start_with_disc();
    prd(0, RAM, 0x7000, false);
    prd(1, RAM + 0x7000, 0, false);
    prd(2, RAM + 0x17000, 60 * 2048 - 0x17000, true);
    assert_int_equal(dma_packet(p), 0x50);
    assert_int_equal(bm(2), 0x04);
    assert_memory_equal(ram(), d->data + 100 * 2048, 60 * 2048);
    prd(0, RAM, 0x100, true);
    assert_int_equal(dma_packet(inquiry), 0x50);
    assert_int_equal(bm(2), 0x05);
    assert_memory_equal(ram() + 8, "EMU  ", 5);
    assert_int_equal(dma_packet(bad), 0x51);
    assert_int_equal(sense(), 0x52000);
}

/* ------------------------------------------------------ a disc's contents */

static void test_toc(void **state)
{
    (void)state;
    start_with_disc();
    WORKS(0x43, 0, 0, 0, 0, 0, 0, 0xff, 0xff);
    assert_int_equal(n_data, 20);
    assert_memory_equal(
        data, "\0\x12\1\1\0\x14\1\0\0\0\0\0\0\x14\xaa\0\0\0\2\xee", 20);
    WORKS(0x43, 2, 0, 0, 0, 0, 1, 0xff, 0xff); /* times: 750 + 150 frames */
    assert_memory_equal(
        data, "\0\x12\1\1\0\x14\1\0\0\0\2\0\0\x14\xaa\0\0\0\x0c\0", 20);
    WORKS(0x43, 0, 0, 0, 0, 0, 0xaa, 0, 12);
    assert_memory_equal(data, "\0\x0a\1\1\0\x14\xaa\0\0\0\2\xee", 12);
    WORKS(0x43, 0, 0, 0, 0, 0, 0, 0, 4);
    assert_int_equal(n_data, 4);
    FAILS(0x52400, 0x43, 0, 0, 0, 0, 0, 2, 0, 20);
    WORKS(0x43, 0, 1, 0, 0, 0, 0, 0, 99);
    assert_memory_equal(data, "\0\x0a\1\1\0\x14\1\0\0\0\0\0", 12);
    WORKS(0x43, 0, 0, 0, 0, 0, 0, 0, 99, 0x40); /* as SFF-8020i has it */
    assert_memory_equal(data, "\0\x0a\1\1", 4);
    WORKS(0x43, 0, 2, 0, 0, 0, 0, 0, 99);
    assert_int_equal(n_data, 48);
    assert_memory_equal(data, "\0\x2e\1\1\1\x14\0\xa0", 8);
    assert_memory_equal(data + 4 + 22 + 3, "\xa2\0\0\0\0\0\x0c\0", 8);
    WORKS(0x43, 0, 2, 0, 0, 0, 1, 0, 99);
    FAILS(0x52400, 0x43, 0, 2, 0, 0, 0, 2, 0, 99);
    for (unsigned format = 3; format < 8; format++)
        FAILS(0x52400, 0x43, 0, (uint8_t)format, 0, 0, 0, 0, 0, 99);
}

static void test_information(void **state)
{
    (void)state;
    start_with_disc();
    WORKS(0x51, 0, 0, 0, 0, 0, 0, 0, 99);
    assert_int_equal(n_data, 34);
    assert_memory_equal(data, "\0\x20\x0e\1\1\1\1", 7);
    WORKS(0x52, 1, 0, 0, 0, 1, 0, 0, 99);
    assert_int_equal(n_data, 36);
    assert_int_equal(ld_be32(data + 24), BLOCKS);
    WORKS(0x52, 0, 0, 0, 0, 9, 0, 0, 99);
    FAILS(0x52400, 0x52, 1, 0, 0, 0, 2, 0, 0, 99);
    WORKS(0x44, 2, 0, 0, 0, 75, 0, 0, 8);
    assert_memory_equal(data, "\1\0\0\0\0\0\3\0", 8);
    WORKS(0x44, 0, 0, 0, 0, 75, 0, 0, 8);
    assert_memory_equal(data, "\1\0\0\0\0\0\0\x4b", 8);
    FAILS(0x52100, 0x44, 0, 0, 0, BLOCKS >> 8, BLOCKS & 0xff, 0, 0, 8);
    WORKS(0x42, 2, 0x40, 1, 0, 0, 0, 0, 99);
    assert_memory_equal(data, "\0\x15\0\x0c\1\x14\1\1\0\0\2\0\0\0\2\0", 16);
    WORKS(0x42, 0, 0, 1, 0, 0, 0, 0, 99);
    assert_int_equal(n_data, 4);
    WORKS(0x42, 0, 0x40, 2, 0, 0, 0, 0, 99);
    assert_int_equal(n_data, 24);
    FAILS(0x52400, 0x42, 0, 0x40, 7, 0, 0, 0, 0, 99);
    WORKS(0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8);
    assert_int_equal(n_data, 8);
    WORKS(0xbb, 0, 0xff, 0xff);
}

static void test_configuration(void **state)
{
    struct harness_disk *d = disk("c");
    struct error e;

    (void)state;
    start_with_disc();
    WORKS(0x46, 0, 0, 0, 0, 0, 0, 0xff, 0xff);
    assert_int_equal(ld_be32(data), n_data - 4);
    assert_int_equal(ld_be16(data + 6), 0x0008);
    assert_memory_equal(data + 8, "\0\0\3\x08\0\x10\0\0\0\x08\1\0", 12);
    WORKS(0x46, 2, 0, 0x10, 0, 0, 0, 0, 99);
    assert_int_equal(n_data, 20);
    assert_int_equal(ld_be32(data + 12), 2048);
    WORKS(0x46, 2, 0, 0x11, 0, 0, 0, 0, 99);
    assert_int_equal(n_data, 8);
    FAILS(0x52400, 0x46, 3, 0, 0, 0, 0, 0, 0, 99);
    d->block.size = (uint64_t)4 << 30; /* a DVD; nothing of it is read */
    WORKS(0x46, 1, 0, 0, 0, 0, 0, 0xff, 0xff);
    assert_int_equal(ld_be16(data + 6), 0x0010);
    WORKS(0x43, 2, 0, 0, 0, 0, 0xaa, 0, 12); /* longer than a time says */
    assert_memory_equal(data + 8, "\0\xff\x3b\x4a", 4);
    d->block.size = DISK_SECTORS * 512;
    assert_true(ide_insert(ide, 2, NULL, &e));
    WORKS(0x46, 1, 0, 0, 0, 0, 0, 0xff, 0xff);
    assert_int_equal(ld_be16(data + 6), 0);
}

static void test_audio(void **state)
{
    (void)state;
    start_with_disc();
    FAILS(0x56400, 0x45, 0, 0, 0, 0, 0, 0, 0, 5);
    WORKS(0x45);
    FAILS(0x56400, 0x45, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 5);
    FAILS(0x52100, 0x45, 0, 0, 0, BLOCKS >> 8, BLOCKS & 0xff, 0, 0, 5);
    FAILS(0x56400, 0x47, 0, 0, 0, 2, 0, 0, 3, 0);
    FAILS(0x56400, 0x47, 0, 0, 0xff, 0xff, 0xff, 0, 3, 0);
    WORKS(0x47, 0, 0, 0, 2, 5, 0, 2, 5);
    FAILS(0x52400, 0x47, 0, 0, 0, 2, 6, 0, 2, 5);
    FAILS(0x52400, 0x47, 0, 0, 0, 2, 5, 0, 2, 75);
    FAILS(0x52100, 0x47, 0, 0, 80, 0, 0, 81, 0, 0);
    FAILS(0x56400, 0x48, 0, 0, 0, 1, 1, 0, 1, 1);
    FAILS(0x56400, 0xa5, 0, 0, 0, 0, 0, 0, 0, 0, 5);
    FAILS(0x52c00, 0x4b, 0, 0, 0, 0, 0, 0, 0, 0);
    FAILS(0x52c00, 0x4b, 0, 0, 0, 0, 0, 0, 0, 1);
    FAILS(0x56400, 0xba);
    WORKS(0x4e);
}

/* ---------------------------------------------------------------- READ CD */

static uint8_t times(uint8_t a, uint8_t b)
{
    unsigned v = 0;

    for (unsigned i = 0; i < 8; i++)
        v ^= b >> i & 1 ? (unsigned)a << i : 0;
    for (unsigned i = 15; i >= 8; i--)
        v ^= v >> i & 1 ? 0x11du << (i - 8) : 0;
    return (uint8_t)v;
}

/* Both check sums of a code word of n bytes, at every `stride` from `at`. */
static void check_word(const uint8_t *p, unsigned at, unsigned stride,
                       unsigned total, unsigned n, const uint8_t *last)
{
    uint8_t sum = 0, weighted = 0;

    for (unsigned i = 0; i < n; i++) {
        uint8_t byte =
            i < n - 2 ? p[(at + i * stride) % total] : last[i - (n - 2)];

        sum ^= byte;
        weighted = times(weighted, 2) ^ byte;
    }
    assert_int_equal(sum, 0);
    assert_int_equal(weighted, 0);
}

static void check_raw(const uint8_t *raw)
{
    const uint8_t *head = raw + 12, *p = raw + 2076, *q = p + 172;
    uint32_t crc = 0;

    for (unsigned bit = 0; bit < 2068 * 8; bit++) {
        crc ^= raw[bit / 8] >> bit % 8 & 1;
        crc = crc >> 1 ^ (crc & 1 ? 0xd8018001 : 0);
    }
    assert_int_equal(crc, 0);
    for (unsigned i = 0; i < 86; i++)
        check_word(head, i, 86, 2064, 26, (const uint8_t[]){p[i], p[86 + i]});
    for (unsigned i = 0; i < 52; i++)
        check_word(head, i / 2 * 86 + i % 2, 88, 2236, 45,
                   (const uint8_t[]){q[i], q[52 + i]});
}

static void test_read_cd(void **state)
{
    struct harness_disk *d = disk("c");

    (void)state;
    start_with_disc();
    WORKS(0xbe, 0, 0, 0, 0, 20, 0, 0, 40, 0x10);
    assert_int_equal(n_data, 40 * 2048);
    assert_memory_equal(data, d->data + 20 * 2048, 40 * 2048);
    WORKS(0xbe, 8, 0, 0, 0, 20, 0, 0, 40, 0xf8);
    assert_int_equal(n_data, 40 * 2352);
    for (unsigned i = 0; i < 40; i++) {
        const uint8_t *raw = data + i * 2352;

        assert_memory_equal(raw, "\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0",
                            12);
        assert_int_equal(raw[12], 0);
        assert_int_equal(raw[13], 2);
        assert_int_equal(raw[14], (20 + i) / 10 << 4 | (20 + i) % 10);
        assert_int_equal(raw[15], 1);
        assert_memory_equal(raw + 16, d->data + (20 + i) * 2048, 2048);
        check_raw(raw);
    }
    WORKS(0xbe, 0, 0, 0, 0, 20, 0, 0, 3, 0x20);
    assert_int_equal(n_data, 12);
    assert_memory_equal(data + 4, "\0\2\x21\1", 4);
    WORKS(0xbe, 0, 0, 0, 0, 20, 0, 0, 3, 0);
    assert_int_equal(n_data, 0);
    WORKS(0xb9, 0, 0, 0, 2, 20, 0, 2, 21, 0x10);
    assert_int_equal(n_data, 2048);
    assert_memory_equal(data, d->data + 20 * 2048, 2048);
    FAILS(0x52400, 0xb9, 0, 0, 0, 1, 20, 0, 2, 21, 0x10);
    FAILS(0x52400, 0xb9, 0, 0, 0, 2, 21, 0, 2, 20, 0x10);
    FAILS(0x56400, 0xbe, 4, 0, 0, 0, 20, 0, 0, 3, 0x10); /* audio */
    FAILS(0x52400, 0xbe, 0, 0, 0, 0, 20, 0, 0, 3, 0x12);
    FAILS(0x52400, 0xbe, 0, 0, 0, 0, 20, 0, 0, 3, 0x10, 1);
    FAILS(0x52100, 0xbe, 0, 0, 0, BLOCKS >> 8, BLOCKS & 0xff, 0, 0, 1, 0x10);
}

/* -------------------------------------------------------------- mode pages */

static void test_mode_pages(void **state)
{
    uint8_t list[24] = {0};

    (void)state;
    start_with_disc();
    WORKS(0x5a, 0, 0x3f, 0, 0, 0, 0, 0, 0xff);
    assert_int_equal(n_data, 8 + 8 + 8 + 16 + 20);
    assert_int_equal(ld_be16(data), n_data - 2);
    assert_int_equal(data[2], 1);
    assert_int_equal(data[8], 0x01);
    assert_int_equal(data[16], 0x0d);
    assert_int_equal(data[24], 0x0e);
    assert_int_equal(data[40], 0x2a);
    WORKS(0x5a, 0, 0x0e, 0, 0, 0, 0, 0, 99);
    assert_memory_equal(data + 16, "\1\xff\2\xff\0\0\0\0", 8);
    FAILS(0x52400, 0x5a, 0, 0x05, 0, 0, 0, 0, 0, 99);
    FAILS(0x53900, 0x5a, 0, 0xce, 0, 0, 0, 0, 0, 99);
    /* The volumes, 24 bytes by PIO. */
    list[8] = 0x0e;
    list[9] = 14;
    list[17] = 0x40;
    for (unsigned round = 0; round < 3; round++) {
        const uint8_t p[12] = {0x55, 0x10, 0, 0, 0, 0, 0, 0, 24};

        if (round == 1)
            list[8] = 0x2a; /* cannot be set */
        if (round == 2)
            list[9] = 99; /* ends behind the list */
        out(ATA_FEATURES, 0);
        out(ATA_LBA_MID, 0xfe);
        out(ATA_LBA_HIGH, 0xff);
        out(ATA_COMMAND, 0xa0);
        write_data(p, 12);
        wait_a_bit();
        assert_int_equal(in(ATA_COMMAND), 0x58);
        assert_int_equal(in(ATA_COUNT), 0);
        assert_int_equal(in(ATA_LBA_MID), 24);
        write_data(list, 24);
        assert_true(irq());
        assert_int_equal(in(ATA_COMMAND), round ? 0x51 : 0x50);
        assert_int_equal(sense(), round == 0   ? 0
                                  : round == 1 ? 0x52600
                                               : 0x51a00);
    }
    WORKS(0x5a, 0, 0x0e, 0, 0, 0, 0, 0, 99);
    assert_memory_equal(data + 16, "\0\x40\0\0\0\0\0\0", 8);
    WORKS(0x5a, 0, 0x8e, 0, 0, 0, 0, 0, 99); /* the defaults */
    assert_memory_equal(data + 16, "\1\xff\2\xff\0\0\0\0", 8);
    WORKS(0x5a, 0, 0x4e, 0, 0, 0, 0, 0, 99); /* what can be changed */
    assert_memory_equal(data + 16, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
}

/* --------------------------------------------------------- tray and discs */

static unsigned event(void)
{
    WORKS(0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8);
    assert_memory_equal(data, "\0\6\4\x10", 4);
    return (unsigned)data[4] << 8 | data[5];
}

static void test_tray(void **state)
{
    struct error e;

    (void)state;
    start("hdc-cd=on");
    FAILS(0x23a01, 0x00);
    FAILS(0x23a01, 0x28, 0, 0, 0, 0, 0, 0, 0, 1);
    FAILS(0x23a01, 0x25);
    assert_int_equal(event(), 0);
    assert_true(ide_insert(ide, 2, &disk("c")->block, &e));
    WORKS(0x4a, 1, 0, 0, 0x10, 0, 0, 0, 4); /* how long it would be */
    assert_memory_equal(data, "\0\6\4\x10", 4);
    assert_int_equal(event(), 0x0202);
    assert_int_equal(event(), 0x0002);
    FAILS(0x62800, 0x00);
    WORKS(0x25);
    WORKS(0x4a, 1, 0, 0, 0x02, 0, 0, 0, 8);
    assert_memory_equal(data, "\0\2\x80\x10", 4);
    FAILS(0x52400, 0x4a, 0, 0, 0, 0x10, 0, 0, 0, 8);
    /* Locked, for the guest and for the host. */
    WORKS(0x1e, 0, 0, 0, 1);
    FAILS(0x55302, 0x1b, 0, 0, 0, 2);
    assert_false(ide_insert(ide, 2, NULL, &e));
    assert_string_equal(e.text, "the guest has locked the drive");
    assert_int_equal(event(), 0x0102); /* it is told of the wish */
    WORKS(0x00);
    WORKS(0x1e);
    WORKS(0x1b, 0, 0, 0, 2);
    assert_int_equal(event(), 0x0301);
    FAILS(0x23a02, 0x00);
    WORKS(0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8);
    assert_int_equal(data[1], 0x10);
    WORKS(0x1b, 0, 0, 0, 3); /* the same disc again */
    FAILS(0x62800, 0x00);
    WORKS(0x00);
    assert_true(ide_insert(ide, 2, NULL, &e));
    FAILS(0x23a01, 0x00);
    assert_false(ide_insert(ide, 0, NULL, &e));
    assert_string_equal(e.text, "it is no CD-ROM drive");
    assert_false(ide_insert(ide, 4, NULL, &e));
}

/* One at a time, the reset first; some commands neither tell nor forget. */
static void test_attentions(void **state)
{
    struct error e;

    (void)state;
    make("hdc-cd=on");
    base = 0x170;
    assert_true(ide_insert(ide, 2, &disk("c")->block, &e));
    WORKS(0x12, 0, 0, 0, 36);
    WORKS(0x46, 0, 0, 0, 0, 0, 0, 0, 8);
    assert_int_equal(event(), 0x0202);
    assert_int_equal(PACKET(0x1e, 0, 0, 0, 1), 0x51); /* it is not locked */
    assert_int_equal(sense(), 0x62900);
    FAILS(0x62800, 0x25);
    WORKS(0x25);
    assert_true(ide_insert(ide, 2, &disk("d")->block, &e));
    assert_int_equal(sense(), 0x62800); /* told so, too */
    WORKS(0x1e, 0, 0, 0, 1);
    assert_false(ide_insert(ide, 2, NULL, &e));
    /* A reset of the machine opens the lock. */
    harness_reset(h, ide);
    enable();
    FAILS(0x62900, 0x00);
    WORKS(0x1b, 0, 0, 0, 2);
    FAILS(0x23a02, 0x00);
}

static void test_change_while_reading(void **state)
{
    static const uint8_t p[12] = {0x28, 0, 0, 0, 0, 0, 0, 0, 60};
    struct harness_disk *d = disk("c");
    struct error e;

    (void)state;
    start_with_disc();
    out(ATA_LBA_MID, 0);
    out(ATA_LBA_HIGH, 8);
    out(ATA_FEATURES, 0);
    out(ATA_COMMAND, 0xa0);
    write_data(p, 12);
    wait_a_bit();
    for (unsigned i = 0; i < 32; i++) {
        assert_int_equal(in(ATA_COMMAND), 0x58);
        if (i == 10)
            assert_true(ide_insert(ide, 2, &disk("d")->block, &e));
        read_data(data + i * 2048, 2048);
    }
    assert_int_equal(in(ATA_COMMAND), 0x51); /* no more of the old one */
    assert_memory_equal(data, d->data, 32 * 2048);
    assert_int_equal(sense(), 0x62800);
    WORKS(0x28, 0, 0, 0, 0, 0, 0, 0, 1);
}

/* An image that ends within a block. */
static void test_odd_size(void **state)
{
    struct harness_disk *d = disk("c");

    (void)state;
    make("hdc=c,hdc-cd=on");
    d->block.size -= 512 * 3;
    base = 0x170;
    out(ATA_DEVICE, 0xa0);
    sense();
    sense();
    WORKS(0x25);
    assert_int_equal(ld_be32(data), BLOCKS - 1);
    memset(data, 0xee, sizeof(data));
    WORKS(0x28, 0, 0, 0, (BLOCKS - 1) >> 8, (BLOCKS - 1) & 0xff, 0, 0, 1);
    assert_memory_equal(data, d->data + (BLOCKS - 1) * 2048, 512);
    for (unsigned i = 512; i < 2048; i++)
        assert_int_equal(data[i], 0);
    d->block.size += 512 * 3;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ata_side),
        TEST(test_inquiry_and_sense),
        TEST(test_read_pio),
        TEST(test_read_dma),
        TEST(test_toc),
        TEST(test_information),
        TEST(test_configuration),
        TEST(test_audio),
        TEST(test_read_cd),
        TEST(test_mode_pages),
        TEST(test_tray),
        TEST(test_attentions),
        TEST(test_change_while_reading),
        TEST(test_odd_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
