/* The 82077AA and its drives: every command, by DMA and by CPU. */
#include "tests/devices/fdc_rig.h"

/* -------------------------------------------------------------- the chip */

static void test_reset_and_registers(void **state)
{
    (void)state;
    make("a-type=1440");
    assert_int_equal(rd(MSR), 0);
    assert_int_equal(rd(DOR), 0);
    assert_int_equal(rd(SRA), 0xff);
    wr(FIFO, 0x10); /* in reset: nothing */
    wr(DOR, 0x0c);
    assert_int_equal(rd(DOR), 0x0c);
    assert_int_equal(rd(MSR), 0x80);
    assert_false(harness_level(h, fdc, 0));
    wait_a_bit();
    sense(0xc0, 0);
    for (unsigned n = 1; n < 4; n++) {
        COMMAND(0x08);
        get(2);
        assert_int_equal(result[0], 0xc0 | n);
    }
    COMMAND(0x08); /* none left: invalid */
    get(1);
    assert_int_equal(result[0], 0x80);
    wr(TDR, 0xff);
    assert_int_equal(rd(TDR), 0xff);
    wr(TDR, 0x02);
    assert_int_equal(rd(TDR), 0xfe);
    wr(MSR, 0x80); /* DSR: the same reset, by itself */
    wait_a_bit();
    sense(0xc0, 0);
    wr(DOR, 0x04); /* the gate is shut: no interrupt comes out */
    wr(MSR, 0x80);
    wait_a_bit();
    assert_false(harness_level(h, fdc, 0));
    wr(DOR, 0x0c);
    assert_true(harness_level(h, fdc, 0));
}

static void test_small_commands(void **state)
{
    (void)state;
    make("a-type=1440");
    start(0, 0);
    COMMAND(0x10);
    get(1);
    assert_int_equal(result[0], 0x90);
    COMMAND(0x13, 0, 0x57, 0x21); /* CONFIGURE: EIS, no polling */
    COMMAND(0x12, 0xbe);          /* PERPENDICULAR: OW, all drives, GAP */
    COMMAND(0x03, 0xa5, 0x13);
    COMMAND(0x0e);
    get(10);
    assert_memory_equal(result, "\0\0\0\0\xa5\x13\0\x3e\x57\x21", 10);
    COMMAND(0x94);
    get(1);
    assert_int_equal(result[0], 0x10);
    wr(MSR, 0x80); /* locked: threshold and pretrack stay */
    COMMAND(0x0e);
    get(10);
    assert_memory_equal(result, "\0\0\0\0\xa5\x13\0\xbc\x07\x21", 10);
    COMMAND(0x14);
    get(1);
    assert_int_equal(result[0], 0);
    wr(MSR, 0x80);
    COMMAND(0x0e);
    get(10);
    assert_memory_equal(result, "\0\0\0\0\xa5\x13\0\x3c\x20\x00", 10);
    COMMAND(0x12, 0x03); /* without OW: GAP and WGATE only */
    COMMAND(0x0e);
    get(10);
    assert_int_equal(result[7], 0x3f);
}

/* Every first byte: a command, or invalid at once. */
static void test_invalid(void **state)
{
    static const uint8_t good[] = {0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
                                   0x09, 0x0a, 0x0c, 0x0d, 0x0e, 0x0f, 0x10,
                                   0x11, 0x12, 0x13, 0x14, 0x16, 0x19, 0x1d};

    (void)state;
    make(NULL);
    for (unsigned byte = 0; byte < 256; byte++) {
        bool plain = memchr(good, (int)(byte & 0x1f), sizeof(good)) != NULL;

        wr(DOR, 0);
        wr(DOR, 0x0c);
        COMMAND((uint8_t)byte);
        if (!plain) {
            get(1);
            assert_int_equal(result[0], 0x80);
        } else if (byte == (byte & 0x1f)) {
            assert_true(rd(MSR) & 0x10);
        }
    }
    wr(DOR, 0);
    wr(DOR, 0x0c);
    COMMAND(0x48); /* SENSE INTERRUPT has no MFM bit */
    get(1);
    assert_int_equal(result[0], 0x80);
    COMMAND(0x4f); /* a seek with a direction that is not relative */
    get(1);
    assert_int_equal(result[0], 0x80);
}

/* ----------------------------------------------------------------- seeks */

static void test_seeks(void **state)
{
    (void)state;
    disk("f", 1440);
    make("a=f,b-type=720");
    start(0, 0);
    seek(0, 40);
    COMMAND(0x04, 0x04);
    get(1);
    assert_int_equal(result[0], 0x2c);
    COMMAND(0x8f, 0, 5); /* outwards */
    wait_a_bit();
    sense(0x20, 35);
    COMMAND(0xcf, 0, 7);
    wait_a_bit();
    sense(0x20, 42);
    COMMAND(0x4a, 0x00); /* READ ID: the heads are where they should be */
    wait_a_bit();
    RESULT(0x00, 0, 0, 42, 0, 1, 2);
    COMMAND(0x07, 0);
    wait_a_bit();
    sense(0x20, 0);
    COMMAND(0x04, 0);
    get(1);
    assert_int_equal(result[0], 0x38);
    /* 79 steps are not enough from here. */
    seek(0, 82);
    COMMAND(0x07, 0);
    wait_a_bit();
    sense(0x70, 0);
    COMMAND(0x07, 0);
    wait_a_bit();
    sense(0x20, 0);
    /* Nobody says track 0. */
    COMMAND(0x07, 2);
    wait_a_bit();
    sense(0x72, 0);
    /* Both at once, told one after the other. */
    COMMAND(0x0f, 0, 3);
    COMMAND(0x0f, 1, 9);
    assert_int_equal(rd(MSR), 0x83);
    wait_a_bit();
    assert_int_equal(rd(MSR), 0x80);
    COMMAND(0x08);
    get(2);
    assert_int_equal(result[0], 0x20);
    sense(0x21, 9);
}

static void test_change_line(void **state)
{
    struct harness_disk *d = disk("f", 1440), *other = disk("g", 720);
    struct error e;

    (void)state;
    make("a=f,b-type=360");
    start(0, 0);
    assert_int_equal(harness_read(h, fdc, 1, 0, 1), 0xff);
    COMMAND(0x07, 0); /* at track 0 there is no pulse */
    wait_a_bit();
    sense(0x20, 0);
    assert_int_equal(harness_read(h, fdc, 1, 0, 1), 0xff);
    seek(0, 1);
    assert_int_equal(harness_read(h, fdc, 1, 0, 1), 0x7f);
    assert_true(fdc_insert(fdc, 0, NULL, &e));
    assert_int_equal(harness_read(h, fdc, 1, 0, 1), 0xff);
    seek(0, 0); /* empty: it stays */
    assert_int_equal(harness_read(h, fdc, 1, 0, 1), 0xff);
    assert_true(fdc_insert(fdc, 0, &other->block, &e));
    seek(0, 1);
    assert_int_equal(harness_read(h, fdc, 1, 0, 1), 0x7f);
    assert_true(fdc_insert(fdc, 0, &d->block, &e));
    wr(DOR, 0x0c); /* its motor is off: it is not selected */
    assert_int_equal(harness_read(h, fdc, 1, 0, 1), 0x7f);
    wr(DOR, 0x2d); /* and a 360 KB drive has no such line */
    assert_int_equal(harness_read(h, fdc, 1, 0, 1), 0x7f);
    assert_false(fdc_insert(fdc, 1, &d->block, &e));
    assert_string_equal(e.text, "a disk of 1474560 bytes does not fit a drive "
                                "of 360 KB");
    assert_false(fdc_insert(fdc, 2, &d->block, &e));
    assert_string_equal(e.text, "there is no floppy drive 2");
}

/* --------------------------------------------------------------- reading */

static void test_read_dma(void **state)
{
    struct harness_disk *d = disk("f", 1440);

    (void)state;
    make("a=f");
    start(0, 0);
    seek(0, 3);
    memset(ram->host + BUFFER, 0xee, 0x4000);
    program(true, 3 * 512);
    COMMAND(0x46, 0x04, 3, 1, 16, 2, 18, 0x1b, 0xff);
    assert_int_equal(rd(MSR), 0x10);
    finish();
    RESULT(0x04, 0, 0, 4, 1, 1, 2); /* TC at the end of the track */
    assert_memory_equal(ram->host + BUFFER,
                        d->data + ((3 * 2 + 1) * 18 + 15) * 512, 3 * 512);
    assert_int_equal(ram->host[BUFFER + 3 * 512], 0xee);

    /* TC within a sector, and within a track. */
    program(true, 700);
    COMMAND(0x46, 0x00, 3, 0, 1, 2, 18, 0x1b, 0xff);
    finish();
    RESULT(0x00, 0, 0, 3, 0, 3, 2);
    assert_memory_equal(ram->host + BUFFER, d->data + 3 * 2 * 18 * 512, 700);

    /* A cylinder, both sides. */
    program(true, 36 * 512);
    COMMAND(0xc6, 0x00, 3, 0, 1, 2, 18, 0x1b, 0xff);
    finish();
    RESULT(0x04, 0, 0, 4, 0, 1, 2);
    assert_memory_equal(ram->host + BUFFER, d->data + 3 * 2 * 18 * 512,
                        36 * 512);

    /* The count is longer than the track. */
    program(true, 19 * 512);
    COMMAND(0x46, 0x00, 3, 0, 1, 2, 18, 0x1b, 0xff);
    finish();
    RESULT(0x40, 0x80, 0, 4, 0, 1, 2);

    /* The channel is masked at first: the chip waits. */
    program(true, 512);
    harness_write(h, dma, 0, 10, 1, 6);
    memset(ram->host + BUFFER, 0, 512);
    COMMAND(0x46, 0x00, 3, 0, 5, 2, 18, 0x1b, 0xff);
    finish();
    assert_int_equal(rd(MSR), 0x10);
    assert_int_equal(harness_read(h, dma, 0, 8, 1) >> 4, 4); /* DREQ 2 */
    harness_write(h, dma, 0, 10, 1, 2);
    RESULT(0x00, 0, 0, 3, 0, 6, 2);
    assert_memory_equal(ram->host + BUFFER, d->data + (3 * 2 * 18 + 4) * 512,
                        512);
}

/* What DMA brings, the CPU gets too. */
static void test_read_cpu(void **state)
{
    struct harness_disk *d = disk("f", 1440);
    uint8_t bytes[2 * 512];

    (void)state;
    make("a=f");
    start(0, 0);
    COMMAND(0x03, 0xdf, 0x03);
    COMMAND(0x46, 0x00, 0, 0, 17, 2, 18, 0x1b, 0xff);
    assert_int_equal(rd(MSR), 0x30);
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        if (i % 512 == 0) {
            assert_false(harness_level(h, fdc, 0));
            wait_a_bit();
        }
        assert_int_equal(rd(MSR), 0xf0);
        assert_true(harness_level(h, fdc, 0));
        bytes[i] = (uint8_t)rd(FIFO);
    }
    wait_a_bit();
    /* No TC without DMA: the end of the cylinder. */
    RESULT(0x40, 0x80, 0, 1, 0, 1, 2);
    assert_memory_equal(bytes, d->data + 16 * 512, sizeof(bytes));
}

static void test_read_errors(void **state)
{
    struct harness_disk *d = disk("f", 1440);

    (void)state;
    make("a=f");
    start(0, 0);
    seek(0, 2);
    program(true, 512);
    COMMAND(0x46, 0, 2, 0, 19, 2, 19, 0x1b, 0xff); /* no such sector */
    finish();
    RESULT(0x40, 0x04, 0, 2, 0, 19, 2);
    COMMAND(0x46, 0, 2, 0, 0, 2, 18, 0x1b, 0xff);
    finish();
    RESULT(0x40, 0x04, 0, 2, 0, 0, 2);
    COMMAND(0x46, 0, 3, 0, 1, 2, 18, 0x1b, 0xff); /* wrong cylinder */
    finish();
    RESULT(0x40, 0x04, 0x10, 3, 0, 1, 2);
    COMMAND(0x46, 0, 2, 1, 1, 2, 18, 0x1b, 0xff); /* wrong head in the ID */
    finish();
    RESULT(0x40, 0x04, 0, 2, 1, 1, 2);
    COMMAND(0x46, 0, 2, 0, 1, 3, 18, 0x1b, 0xff); /* 1024 bytes */
    finish();
    RESULT(0x40, 0x04, 0, 2, 0, 1, 3);
    COMMAND(0x06, 0, 2, 0, 1, 2, 18, 0x1b, 0xff); /* single density */
    finish();
    RESULT(0x40, 0x01, 0, 2, 0, 1, 2);
    harness_write(h, fdc, 1, 0, 1, 2); /* 250 kbit/s */
    COMMAND(0x46, 0, 2, 0, 1, 2, 18, 0x1b, 0xff);
    finish();
    RESULT(0x40, 0x01, 0, 2, 0, 1, 2);
    harness_write(h, fdc, 1, 0, 1, 0);
    COMMAND(0x46, 1, 2, 0, 1, 2, 18, 0x1b, 0xff); /* no such drive */
    finish();
    RESULT(0x41, 0x01, 0, 2, 0, 1, 2);
    wr(DOR, 0x0c); /* motor off */
    COMMAND(0x46, 0, 2, 0, 1, 2, 18, 0x1b, 0xff);
    finish();
    RESULT(0x40, 0x01, 0, 2, 0, 1, 2);
    wr(DOR, 0x1c);
    d->error = EIO;
    COMMAND(0x46, 0, 2, 0, 1, 2, 18, 0x1b, 0xff);
    finish();
    RESULT(0x40, 0x20, 0x20, 2, 0, 1, 2);
    d->error = 0;
    seek(0, 81); /* behind the last track */
    COMMAND(0x4a, 0);
    finish();
    RESULT(0x40, 0x01, 0, 0, 0, 0, 0);
    assert_int_equal(d->writes, 0);
}

/* A reset in the middle of anything ends it. */
static void test_reset_while_reading(void **state)
{
    (void)state;
    disk("f", 1440);
    make("a=f");
    start(0, 0);
    program(true, 512);
    harness_write(h, dma, 0, 10, 1, 6);
    COMMAND(0x46, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    finish();
    assert_int_equal(harness_read(h, dma, 0, 8, 1) >> 4, 4);
    wr(MSR, 0x80);
    assert_int_equal(harness_read(h, dma, 0, 8, 1) >> 4, 0);
    assert_int_equal(rd(MSR), 0x80);
    wait_a_bit();
    sense(0xc0, 0);
    start(0, 0);
    COMMAND(0x46, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    wr(DOR, 0x08);
    wr(DOR, 0x1c);
    finish();
    sense(0xc0, 0);
}

static void test_media_change_while_reading(void **state)
{
    struct error e;

    (void)state;
    disk("f", 1440);
    make("a=f");
    start(0, 0);
    COMMAND(0x03, 0xdf, 0x03);
    COMMAND(0x46, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    wait_a_bit();
    for (unsigned i = 0; i < 512; i++)
        rd(FIFO);
    assert_true(fdc_insert(fdc, 0, NULL, &e));
    wait_a_bit();
    RESULT(0x40, 0x01, 0, 0, 0, 2, 2);
    wait_a_bit();
    assert_int_equal(rd(MSR), 0x80);
}

/* What one disk has begun no other one goes on with. */
static void test_other_disk_while_moving(void **state)
{
    struct harness_disk *other;
    struct error e;

    (void)state;
    disk("f", 1440);
    other = disk("g", 1440);
    for (unsigned opcode = 0x45; opcode <= 0x46; opcode++) {
        make("a=f");
        start(0, 0);
        program(opcode == 0x46, 512 * 4);
        COMMAND((uint8_t)opcode, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
        harness_advance(h, 2 * QUICK_NS + QUICK_NS / 2);
        assert_true(fdc_insert(fdc, 0, &other->block, &e));
        wait_a_bit();
        RESULT(0x40, 0x01, 0, 0, 0, 3, 2);
        assert_int_equal(other->reads + other->writes, 0);
        wait_a_bit();
        assert_int_equal(rd(MSR), 0x80);
        /* The next command is the new disk's. */
        program(true, 512);
        COMMAND(0x46, 0, 0, 0, 7, 2, 18, 0x1b, 0xff);
        finish();
        RESULT(0x00, 0, 0, 0, 0, 8, 2);
        assert_int_equal(other->reads, 1);
        teardown(state);
        setup(state);
        disk("f", 1440);
        other = disk("g", 1440);
    }
}

/* ------------------------------------------- tracks, verify, scan, seeks */

static void test_read_track(void **state)
{
    struct harness_disk *d = disk("f", 1440);

    (void)state;
    make("a=f");
    start(0, 0);
    program(true, 4 * 512);
    /* From the index hole, whatever R says; the ID's cylinder is wrong. */
    COMMAND(0x42, 0, 9, 0, 7, 2, 4, 0x1b, 0xff);
    finish();
    get(7);
    assert_int_equal(result[0], 0);
    assert_int_equal(result[1], 0x04);
    assert_memory_equal(ram->host + BUFFER, d->data, 4 * 512);
}

static void test_read_id(void **state)
{
    (void)state;
    disk("f", 360);
    make("a=f");
    start(0, 2);
    for (unsigned i = 0; i < 20; i++) {
        COMMAND(0x4a, 0x04);
        wait_a_bit();
        RESULT(0x04, 0, 0, 0, 1, (uint8_t)(i % 9 + 1), 2);
    }
}

static void test_verify(void **state)
{
    struct harness_disk *d = disk("f", 1440);

    (void)state;
    make("a=f");
    start(0, 0);
    COMMAND(0x56, 0x80, 0, 0, 3, 2, 18, 0x1b, 4); /* EC: four sectors */
    finish();
    RESULT(0x00, 0, 0, 0, 0, 7, 2);
    assert_int_equal(d->reads, 4);
    COMMAND(0x56, 0x00, 0, 0, 3, 2, 18, 0x1b, 0xff);
    finish();
    RESULT(0x00, 0, 0, 1, 0, 1, 2);
    assert_int_equal(d->reads, 4 + 16);
    COMMAND(0x56, 0x80, 0, 0, 17, 2, 18, 0x1b, 4); /* there are two */
    finish();
    RESULT(0x40, 0x80, 0, 1, 0, 1, 2);
    COMMAND(0x56, 0x00, 0, 0, 3, 2, 19, 0x1b, 0xff);
    finish();
    RESULT(0x40, 0x04, 0, 0, 0, 19, 2);
}

static void test_scan(void **state)
{
    struct harness_disk *d = disk("f", 1440);
    uint8_t *mine = ram->host + BUFFER;

    (void)state;
    make("a=f");
    start(0, 0);
    /* The third sector is what is looked for, a byte does not matter. */
    for (unsigned i = 0; i < 8; i++)
        memcpy(mine + i * 512, d->data + 2 * 512, 512);
    mine[2 * 512 + 100] = 0xff;
    program(false, 8 * 512);
    COMMAND(0x51, 0, 0, 0, 1, 2, 8, 0x1b, 1);
    finish();
    RESULT(0x00, 0, 0x08, 0, 0, 4, 2);
    program(false, 8 * 512);
    COMMAND(0x51, 0, 0, 0, 4, 2, 8, 0x1b, 1);
    finish();
    get(7);
    assert_int_equal(result[0], 0x00);
    assert_int_equal(result[2], 0x04);
    program(false, 8 * 512); /* disk <= mine: sector 1 is less */
    COMMAND(0x59, 0, 0, 0, 1, 2, 8, 0x1b, 1);
    finish();
    RESULT(0x00, 0, 0x00, 0, 0, 2, 2);
    program(false, 8 * 512); /* disk >= mine: sector 3 is equal */
    COMMAND(0x5d, 0, 0, 0, 1, 2, 8, 0x1b, 2);
    finish();
    RESULT(0x00, 0, 0x08, 0, 0, 5, 2);
}

static void test_implied_seek(void **state)
{
    struct harness_disk *d = disk("f", 1440);

    (void)state;
    make("a=f");
    start(0, 0);
    COMMAND(0x13, 0, 0x57, 0);
    program(true, 512);
    COMMAND(0x46, 0, 20, 0, 1, 2, 18, 0x1b, 0xff);
    finish();
    RESULT(0x20, 0, 0, 20, 0, 2, 2);
    assert_memory_equal(ram->host + BUFFER, d->data + 20 * 36 * 512, 512);
}

/* ----------------------------------------------------------------- speed */

static void test_real_speed(void **state)
{
    uint64_t before;

    (void)state;
    disk("f", 1440);
    make("a=f,real-speed=on");
    start(0, 0);
    COMMAND(0x03, 0xdf, 0x02); /* 3 ms a step */
    COMMAND(0x0f, 0, 10);
    harness_advance(h, 29 * 1000000);
    assert_int_equal(rd(MSR), 0x81);
    harness_advance(h, 2 * 1000000);
    assert_int_equal(rd(MSR), 0x80);
    sense(0x20, 10);
    /* 18 sectors pass in one turn, from whichever comes first. */
    program(true, 18 * 512);
    COMMAND(0x46, 0, 10, 0, 1, 2, 18, 0x1b, 0xff);
    before = h->insns;
    while (!harness_level(h, fdc, 0))
        harness_advance(h, 1000000);
    assert_in_range(h->insns - before, 188000000, 420000000);
    RESULT(0x00, 0, 0, 11, 0, 1, 2);
}

/* ------------------------------------------------------- hostile guests */

/* A transfer that may well work: by a driver that is only half mad. */
static void some_transfer(struct prng *prng)
{
    static const uint8_t codes[] = {0x42, 0x45, 0x46, 0x49, 0x4c, 0x4d,
                                    0x51, 0x56, 0x59, 0x5d, 0x66, 0xc6};
    unsigned code = codes[prng_below(prng, sizeof(codes))];
    unsigned side = (unsigned)prng_below(prng, 2);
    unsigned drive = (unsigned)prng_below(prng, 2);
    unsigned r = 1 + (unsigned)prng_below(prng, 20);
    uint8_t bytes[] = {(uint8_t)code,
                       (uint8_t)(side << 2 | drive),
                       (uint8_t)prng_below(prng, 3),
                       (uint8_t)side,
                       (uint8_t)r,
                       2,
                       (uint8_t)(r + prng_below(prng, 5)),
                       0x1b,
                       (uint8_t)prng_below(prng, 5)};

    put(bytes, code == 0x4d ? 6 : 9);
}

/* From a reset on, a few transfers, by DMA or not. */
static void calm_round(struct prng *prng)
{
    start(0, prng_below(prng, 4) ? 0 : 1);
    for (unsigned n = 0; n < 4; n++) { /* twice each, from beyond 79 */
        COMMAND(0x07, (uint8_t)(n & 1));
        wait_a_bit();
        COMMAND(0x08);
        get(2);
    }
    COMMAND(0x13, 0, 0x57, 0);
    COMMAND(0x03, 0xdf, (uint8_t)(prng_below(prng, 4) == 0));
    for (unsigned n = 0; n < 5 && (rd(MSR) & 0xf0) == 0x80; n++) {
        program(prng_below(prng, 2), 1 + (unsigned)prng_below(prng, 8192));
        some_transfer(prng);
        for (unsigned i = 0; i < 3000; i++) {
            if (i % 100 == 0)
                wait_a_bit();
            if ((rd(MSR) & 0xc0) == 0xc0)
                rd(FIFO);
            else if ((rd(MSR) & 0xf0) == 0xb0)
                wr(FIFO, (unsigned)prng_next(prng) & 0xff);
        }
    }
}

/* The same bytes as the generic fuzz test, but with DMA and all formats. */
static void test_fuzz(void **state)
{
    static const unsigned sizes[] = {160, 360, 720, 1200, 1440, 1680, 2880};
    struct prng prng = {99};
    struct harness_disk *d[7];
    unsigned calls = 0;
    char id[2] = "0";
    struct error e;

    (void)state;
    for (unsigned i = 0; i < 7; i++) {
        id[0] = (char)('0' + i);
        d[i] = disk(id, sizes[i]);
    }
    make("a=4,a-type=2880,b=2,b-type=1200");
    start(0, 0);
    for (unsigned i = 0; i < 60000; i++) {
        unsigned n = (unsigned)prng_below(&prng, 7);

        switch (prng_below(&prng, 30)) {
        case 0:
            harness_write(h, fdc, 1, 0, 1, prng_below(&prng, 4));
            break;
        case 1:
            program(prng_below(&prng, 2),
                    1 + (unsigned)prng_below(&prng, 8192));
            break;
        case 2:
            if (prng_below(&prng, 20) == 0)
                fdc_insert(fdc, (unsigned)prng_below(&prng, 3),
                           n ? &d[n]->block : NULL, &e);
            break;
        case 3:
            if (prng_below(&prng, 50) == 0)
                wr((unsigned)prng_below(&prng, 5), (unsigned)prng_next(&prng));
            else
                wr(DOR, 0x3c);
            break;
        case 4:
            d[n]->error = prng_below(&prng, 3) ? 0 : EIO;
            break;
        case 5:
        case 6:
        case 7:
            harness_advance(h, prng_below(&prng, 300000));
            break;
        case 8:
            if (prng_below(&prng, 10))
                break;
            fdc_insert(fdc, 0, &d[4]->block, &e);
            d[4]->error = d[2]->error = 0;
            calm_round(&prng);
            break;
        default:
            if (rd(MSR) & 0x40)
                rd(FIFO);
            else
                wr(FIFO, (unsigned)(prng_below(&prng, 2) ? prng_below(&prng, 20)
                                                         : prng_next(&prng)));
        }
    }
    /* Whatever came: a reset mends it. */
    for (unsigned i = 0; i < 7; i++) {
        calls += d[i]->reads + d[i]->writes;
        d[i]->error = 0;
    }
    assert_true(calls > 500);
    assert_true(fdc_insert(fdc, 0, &d[4]->block, &e));
    start(0, 0);
    COMMAND(0x07, 0);
    wait_a_bit();
    COMMAND(0x08);
    get(2);
    program(true, 512);
    COMMAND(0x46, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    finish();
    get(7);
    if (result[0]) { /* the heads were beyond 79 */
        COMMAND(0x07, 0);
        wait_a_bit();
        COMMAND(0x08);
        get(2);
        program(true, 512);
        COMMAND(0x46, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
        finish();
        RESULT(0x00, 0, 0, 0, 0, 2, 2);
    }
    assert_memory_equal(ram->host + BUFFER, d[4]->data, 512);
}

/* A snapshot in the middle of a transfer by CPU goes on in another machine. */
static void test_state(void **state)
{
    struct harness_disk *d = disk("f", 1440);
    size_t size = state_size(fdc_class.fields);
    uint8_t *saved = malloc(size), bytes[512];
    struct device *first;
    struct error e;

    (void)state;
    make("a=f");
    start(0, 0);
    seek(0, 1);
    COMMAND(0x03, 0xdf, 0x03);
    COMMAND(0x46, 0, 1, 0, 1, 2, 1, 0x1b, 0xff);
    wait_a_bit();
    for (unsigned i = 0; i < 200; i++)
        bytes[i] = (uint8_t)rd(FIFO);
    state_save(fdc_class.fields, fdc, saved);
    first = fdc;
    fdc = harness_device(h, "fdc", "a=f");
    assert_true(state_load(fdc_class.fields, fdc, saved, size, &e));
    fdc_class.loaded(fdc);
    assert_true(state_equal(fdc_class.fields, first, fdc, &e));
    assert_true(harness_level(h, fdc, 0));
    for (unsigned i = 200; i < 512; i++)
        bytes[i] = (uint8_t)rd(FIFO);
    assert_memory_equal(bytes, d->data + 36 * 512, 512);
    RESULT(0x40, 0x80, 0, 2, 0, 1, 2);
    /* A damaged one, with resets to tell of drives that are none. */
    ((struct fdc *)fdc)->reset_sense = 0xf0;
    fdc_class.loaded(fdc);
    COMMAND(0x08);
    get(1);
    assert_int_equal(result[0], 0x80);
    free(saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reset_and_registers),
        TEST(test_small_commands),
        TEST(test_invalid),
        TEST(test_seeks),
        TEST(test_change_line),
        TEST(test_read_dma),
        TEST(test_read_cpu),
        TEST(test_read_errors),
        TEST(test_reset_while_reading),
        TEST(test_media_change_while_reading),
        TEST(test_other_disk_while_moving),
        TEST(test_read_track),
        TEST(test_read_id),
        TEST(test_verify),
        TEST(test_scan),
        TEST(test_implied_seek),
        TEST(test_real_speed),
        TEST(test_fuzz),
        TEST(test_state),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
