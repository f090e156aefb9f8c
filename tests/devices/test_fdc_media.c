/* What the 82077AA writes and formats, and the disks that its drives take. */
#include "tests/devices/fdc_rig.h"

/* --------------------------------------------------------------- writing */

static void test_write(void **state)
{
    struct harness_disk *d = disk("f", 1440);
    uint64_t at = (uint64_t)(5 * 2 * 18 + 17) * 512;

    (void)state;
    make("a=f");
    start(0, 0);
    seek(0, 5);
    memset(ram->host + BUFFER, 0x5a, 0x1000);
    program(false, 2 * 512); /* across the sides */
    COMMAND(0xc5, 0, 5, 0, 18, 2, 18, 0x1b, 0xff);
    finish();
    RESULT(0x04, 0, 0, 5, 1, 2, 2);
    assert_int_equal(d->writes, 2);
    assert_memory_equal(d->data + at, ram->host + BUFFER, 1024);
    /* TC within a sector: zeros behind. */
    program(false, 100);
    COMMAND(0x45, 0, 5, 0, 18, 2, 18, 0x1b, 0xff);
    finish();
    RESULT(0x00, 0, 0, 6, 0, 1, 2);
    assert_int_equal(d->data[at + 99], 0x5a);
    assert_int_equal(d->data[at + 100], 0);
    assert_int_equal(d->data[at + 511], 0);
    /* By the CPU. */
    COMMAND(0x03, 0xdf, 0x03);
    COMMAND(0x45, 0, 5, 0, 18, 2, 18, 0x1b, 0xff);
    wait_a_bit();
    assert_int_equal(rd(MSR), 0xb0);
    for (unsigned i = 0; i < 512; i++)
        wr(FIFO, i & 0xff);
    RESULT(0x40, 0x80, 0, 6, 0, 1, 2);
    assert_int_equal(d->data[at + 0x1fe], 0xfe);
    COMMAND(0x03, 0xdf, 0x02);
    /* The host's disk is full. */
    d->error = ENOSPC;
    program(false, 512);
    COMMAND(0x45, 0, 5, 0, 1, 2, 18, 0x1b, 0xff);
    finish();
    RESULT(0x40, 0x20, 0, 5, 0, 1, 2);
    d->error = 0;
    /* Write protect; the harness would end the program. */
    d->block.read_only = true;
    COMMAND(0x45, 0, 5, 0, 1, 2, 18, 0x1b, 0xff);
    finish();
    RESULT(0x40, 0x02, 0, 5, 0, 1, 2);
    COMMAND(0x4d, 0, 2, 18, 0x54, 0xf6);
    finish();
    get(7);
    assert_int_equal(result[0], 0x40);
    assert_int_equal(result[1], 0x02);
    COMMAND(0x04, 0);
    get(1);
    assert_int_equal(result[0], 0x68);
}

static void test_deleted_data(void **state)
{
    (void)state;
    disk("f", 1440);
    make("a=f");
    start(0, 0);
    program(false, 512);
    COMMAND(0x49, 0, 0, 0, 2, 2, 18, 0x1b, 0xff);
    finish();
    RESULT(0x00, 0, 0, 0, 0, 3, 2);
    program(true, 512 * 3); /* ends with it */
    COMMAND(0x46, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    finish();
    RESULT(0x00, 0, 0x40, 0, 0, 3, 2);
    assert_int_equal(harness_read(h, dma, 0, 5, 1), 0xff);
    assert_int_equal(harness_read(h, dma, 0, 5, 1), 0x01);
    program(true, 512 * 2); /* skips it */
    COMMAND(0x66, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    finish();
    RESULT(0x00, 0, 0x40, 0, 0, 4, 2);
    assert_int_equal(ram->host[BUFFER + 512], 2);
    program(true, 512);
    COMMAND(0x4c, 0, 0, 0, 2, 2, 18, 0x1b, 0xff);
    finish();
    RESULT(0x00, 0, 0, 0, 0, 3, 2);
    program(true, 512);
    COMMAND(0x6c, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    finish();
    RESULT(0x00, 0, 0x40, 0, 0, 3, 2);
    program(false, 512); /* and a plain write makes it plain */
    COMMAND(0x45, 0, 0, 0, 2, 2, 18, 0x1b, 0xff);
    finish();
    get(7);
    program(true, 512);
    COMMAND(0x46, 0, 0, 0, 2, 2, 18, 0x1b, 0xff);
    finish();
    RESULT(0x00, 0, 0, 0, 0, 3, 2);
}

static void test_format(void **state)
{
    struct harness_disk *d = disk("f", 720);

    (void)state;
    make("a=f,a-type=1440");
    start(0, 2);
    seek(0, 7);
    for (unsigned i = 0; i < 9; i++) {
        uint8_t *id = ram->host + BUFFER + 4 * i;

        id[0] = 7;
        id[1] = 1;
        id[2] = (uint8_t)(i + 1);
        id[3] = 2;
    }
    program(false, 36);
    COMMAND(0x4d, 0x04, 2, 9, 0x50, 0xf6);
    finish();
    get(7);
    assert_int_equal(result[0], 0x04);
    assert_int_equal(d->writes, 9);
    for (unsigned i = 0; i < 9 * 512; i++)
        assert_int_equal(d->data[(7 * 2 + 1) * 9 * 512 + i], 0xf6);
    assert_int_not_equal(d->data[(7 * 2 + 2) * 9 * 512 + 2], 0xf6);
    /* At another density nothing is left that could be read; the image
     * stays. */
    d->writes = 0;
    harness_write(h, fdc, 1, 0, 1, 0);
    program(false, 36);
    COMMAND(0x4d, 0x04, 2, 9, 0x50, 0x00);
    finish();
    get(7);
    assert_int_equal(d->writes, 0);
    assert_non_null(strstr(harness_log(h), "cannot be formatted"));
    harness_write(h, fdc, 1, 0, 1, 2);
    d->error = ENOSPC;
    program(false, 36);
    COMMAND(0x4d, 0x04, 2, 9, 0x50, 0x00);
    finish();
    get(7);
    assert_int_equal(result[0], 0x44);
    assert_int_equal(result[1], 0x20);
}

/* ---------------------------------------------------------------- formats */

struct fit {
    unsigned kb;
    const char *type; /* of the drive; or how "auto" chooses */
    unsigned rate, tracks, heads, sectors;
    bool twice;
};

static const struct fit fits[] = {
    {160, "auto", 2, 40, 1, 8, false},   {180, "360", 2, 40, 1, 9, false},
    {320, "auto", 2, 40, 2, 8, false},   {360, "auto", 2, 40, 2, 9, false},
    {360, "1200", 1, 40, 2, 9, true},    {180, "1200", 1, 40, 1, 9, true},
    {720, "auto", 2, 80, 2, 9, false},   {720, "720", 2, 80, 2, 9, false},
    {720, "2880", 2, 80, 2, 9, false},   {1200, "auto", 0, 80, 2, 15, false},
    {1440, "auto", 0, 80, 2, 18, false}, {1440, "2880", 0, 80, 2, 18, false},
    {1680, "1440", 0, 80, 2, 21, false}, {2880, "auto", 3, 80, 2, 36, false},
};

/* The last sector of a disk, at its own rate and at no other one. */
static void check_format(const struct fit *t)
{
    unsigned sectors = t->kb * 2, last = t->tracks - 1;
    unsigned head = t->heads - 1;
    struct harness_disk *d;
    char properties[40];

    d = disk("f", t->kb);
    snprintf(properties, sizeof(properties), "a=f,a-type=%s", t->type);
    make(properties);
    for (unsigned rate = 0; rate < 4; rate++) {
        start(0, rate);
        COMMAND(0x07, 0);
        wait_a_bit();
        get(0);
        COMMAND(0x08);
        get(2);
        seek(0, t->twice ? 2 * last : last);
        program(true, 512);
        COMMAND(0x46, (uint8_t)(head << 2), (uint8_t)last, (uint8_t)head,
                (uint8_t)t->sectors, 2, (uint8_t)t->sectors, 0x1b, 0xff);
        finish();
        get(7);
        assert_int_equal(result[0] & 0xc0, rate == t->rate ? 0 : 0x40);
        assert_int_equal(result[1], rate == t->rate ? 0 : 1);
    }
    assert_int_equal(t->tracks * t->heads * t->sectors, sectors);
    assert_memory_equal(ram->host + BUFFER, d->data + (sectors - 1) * 512, 512);
}

static void test_formats(void **state)
{
    for (unsigned i = 0; i < sizeof(fits) / sizeof(fits[0]); i++) {
        check_format(&fits[i]);
        teardown(state);
        setup(state);
    }
}

/* Its last track, formatted, written and read as the only rate has it. */
static void check_writing(const struct fit *t)
{
    unsigned track = t->tracks - 1, side = t->heads - 1;
    unsigned first = (t->kb * 2 - t->sectors) * 512;
    uint8_t *bytes = ram->host + BUFFER;
    struct harness_disk *d = disk("f", t->kb);
    char properties[40];

    snprintf(properties, sizeof(properties), "a=f,a-type=%s", t->type);
    make(properties);
    start(0, t->rate);
    seek(0, t->twice ? 2 * track : track);
    for (unsigned i = 0; i < t->sectors; i++) {
        uint8_t id[] = {(uint8_t)track, (uint8_t)side, (uint8_t)(i + 1), 2};

        memcpy(bytes + 4 * i, id, 4);
    }
    program(false, 4 * t->sectors);
    COMMAND(0x4d, (uint8_t)(side << 2), 2, (uint8_t)t->sectors, 0x50, 0xf6);
    finish();
    get(7);
    assert_int_equal(result[0], side << 2);
    assert_int_equal(d->writes, t->sectors);
    for (unsigned i = 0; i < t->sectors * 512; i++)
        assert_int_equal(d->data[first + i], 0xf6);
    assert_int_equal(d->data[first - 512], (first / 512 - 1) & 0xff);
    for (unsigned i = 0; i < 512; i++)
        bytes[i] = (uint8_t)(i * 5 + t->sectors);
    program(false, 512);
    COMMAND(0x45, (uint8_t)(side << 2), (uint8_t)track, (uint8_t)side,
            (uint8_t)t->sectors, 2, (uint8_t)t->sectors, 0x1b, 0xff);
    finish();
    get(7);
    assert_int_equal(result[0] & 0xc0, 0);
    assert_memory_equal(d->data + t->kb * 1024 - 512, bytes, 512);
    assert_int_equal(d->data[t->kb * 1024 - 513], 0xf6);
    memset(bytes, 0, 512);
    program(true, 512);
    COMMAND(0x46, (uint8_t)(side << 2), (uint8_t)track, (uint8_t)side,
            (uint8_t)t->sectors, 2, (uint8_t)t->sectors, 0x1b, 0xff);
    finish();
    get(7);
    assert_int_equal(result[0] & 0xc0, 0);
    assert_memory_equal(d->data + t->kb * 1024 - 512, bytes, 512);
    /* Write-protected: neither is done, and ST1 and ST3 say so. */
    d->block.read_only = true;
    d->writes = 0;
    for (unsigned command = 0; command < 2; command++) {
        program(false, 512);
        if (command)
            COMMAND(0x4d, (uint8_t)(side << 2), 2, (uint8_t)t->sectors, 0x50,
                    0);
        else
            COMMAND(0x45, (uint8_t)(side << 2), (uint8_t)track, (uint8_t)side,
                    1, 2, (uint8_t)t->sectors, 0x1b, 0xff);
        finish();
        get(7);
        assert_int_equal(result[0] & 0xc0, 0x40);
        assert_int_equal(result[1], 0x02);
    }
    COMMAND(0x04, (uint8_t)(side << 2));
    get(1);
    assert_int_equal(result[0] & 0x40, 0x40);
    assert_int_equal(d->writes, 0);
}

static void test_every_format(void **state)
{
    for (unsigned i = 0; i < sizeof(fits) / sizeof(fits[0]); i++) {
        check_writing(&fits[i]);
        teardown(state);
        setup(state);
    }
}

/* Between two tracks of a 40-track disk there is nothing. */
static void test_double_steps(void **state)
{
    (void)state;
    disk("f", 360);
    make("a=f,a-type=1200");
    start(0, 1);
    seek(0, 7);
    COMMAND(0x4a, 0);
    finish();
    RESULT(0x40, 0x01, 0, 0, 0, 0, 0);
    seek(0, 8);
    COMMAND(0x4a, 0);
    finish();
    RESULT(0x00, 0, 0, 4, 0, 1, 2);
}

/* An image of 700 KB: a 720 KB disk with a hole. */
static void test_odd_size(void **state)
{
    (void)state;
    disk("f", 700);
    make("a=f");
    assert_int_equal(fdc_drive_type(fdc, 0), 4);
    assert_int_equal(fdc_drive_type(fdc, 1), 0);
    start(0, 2);
    seek(0, 77); /* 1386 sectors before it; the image has 1400 */
    program(true, 18 * 512);
    COMMAND(0xc6, 0, 77, 0, 1, 2, 9, 0x1b, 0xff);
    finish();
    RESULT(0x44, 0x20, 0x20, 77, 1, 6, 2);
    program(false, 512);
    COMMAND(0x45, 4, 77, 1, 6, 2, 9, 0x1b, 0xff);
    finish();
    RESULT(0x44, 0x20, 0x00, 77, 1, 6, 2);
}

static void refuse(const char *a_type, unsigned kb, const char *text)
{
    struct device *dev = harness_make(h, &fdc_class);
    struct error e;

    if (kb) {
        disk("f", kb);
        assert_true(device_set(dev, &h->backends, "a", "f", &e));
    }
    assert_true(device_set(dev, &h->backends, "a-type", a_type, &e));
    assert_false(device_create(dev, 1, &e));
    assert_non_null(strstr(e.text, text));
}

static void test_bad_disks(void **state)
{
    (void)state;
    refuse("auto", 4000, "a: 4096000 bytes are no floppy disk");
    refuse("720", 1440, "does not fit a drive of 720 KB");
    refuse("none", 1440, "a: there is no drive for the disk");
    refuse("1.44", 0, "a: type '1.44': want auto, none, 360");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_write),    TEST(test_deleted_data), TEST(test_format),
        TEST(test_formats),  TEST(test_every_format), TEST(test_double_steps),
        TEST(test_odd_size), TEST(test_bad_disks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
