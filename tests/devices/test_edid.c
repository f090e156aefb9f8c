/*
 * The monitor's EDID as the VGA on PCI shows it, read as a driver would: what
 * its bytes say, by the standard's tables.
 */
#include "tests/devices/vga_rig.h"

#include <string.h>

#include "devices/display/edid.h"

enum { REGISTERS = VGA_WINDOWS + 1 };

static struct vga_rig rig;
static uint8_t edid[EDID_SIZE];

static void open_with(const char *properties)
{
    rig_open(&rig, "VGA", properties);
    harness_config_write(rig.h, rig.dev, 0x18, 4, 0x47000000);
    for (unsigned i = 0; i < EDID_SIZE; i++)
        edid[i] = (uint8_t)harness_read(rig.h, rig.dev, REGISTERS, i, 1);
}

/* Standard timing n. */
static void expect_standard(unsigned n, unsigned width, unsigned height)
{
    static const uint8_t form[4][2] = {{16, 10}, {4, 3}, {5, 4}, {16, 9}};
    const uint8_t *s = edid + 38 + 2 * n, *f = form[s[1] >> 6];

    assert_int_equal((s[0] + 31) * 8, width);
    assert_int_equal(width * f[1] / f[0], height);
    assert_int_equal((s[1] & 63) + 60, 60);
}

static void names_resolutions(void **state)
{
    uint8_t sum = 0;

    (void)state;
    open_with(NULL);
    for (unsigned i = 0; i < EDID_SIZE; i++)
        sum += edid[i];
    assert_int_equal(sum, 0);
    assert_memory_equal(edid, "\0\xff\xff\xff\xff\xff\xff\0", 8);
    assert_int_equal(edid[18] << 8 | edid[19], 0x104);
    assert_true(edid[20] & 0x80);     /* digital */
    assert_int_equal(edid[126], 0);   /* no more blocks */
    assert_int_equal(edid[35], 0x21); /* 640x480 and 800x600 at 60 Hz */
    assert_int_equal(edid[36], 0x08); /* 1024x768 */
    expect_standard(0, 2048, 1152);
    expect_standard(1, 1920, 1080);
    expect_standard(2, 1920, 1200);
    expect_standard(3, 1600, 1200);
    expect_standard(4, 1680, 1050);
    expect_standard(5, 1440, 900);
    expect_standard(6, 1280, 1024);
    expect_standard(7, 1280, 960);
    /* Behind it is nothing, and it cannot be written. */
    assert_int_equal(harness_read(rig.h, rig.dev, REGISTERS, 0x80, 4), 0);
    harness_write(rig.h, rig.dev, REGISTERS, 8, 4, 0x12345678);
    for (unsigned i = 0; i < EDID_SIZE; i += 4)
        assert_int_equal(harness_read(rig.h, rig.dev, REGISTERS, i, 4),
                         edid[i] | edid[i + 1] << 8 | edid[i + 2] << 16 |
                             (uint32_t)edid[i + 3] << 24);
    rig_close(&rig);
}

/* The descriptor with a tag. */
static const uint8_t *descriptor(uint8_t tag)
{
    for (const uint8_t *d = edid + 54; d < edid + 126; d += 18)
        if (!d[0] && !d[1] && !d[2] && d[3] == tag)
            return d;
    fail_msg("no descriptor %02x", tag);
    return NULL;
}

static void names_itself(void **state)
{
    static const uint8_t letters[] = {'E', 'M', 'U'};
    const uint8_t *d;

    (void)state;
    open_with(NULL);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(((edid[8] << 8 | edid[9]) >> (10 - 5 * i) & 31) + 64,
                         letters[i]);
    d = descriptor(0xfc);
    assert_memory_equal(d + 5, "emu monitor\n ", 13);
    d = descriptor(0xfd);
    assert_true(d[5] <= 60 && d[6] >= 60); /* Hz */
    assert_true(d[7] <= 31 && d[8] >= 99); /* kHz: 640x480 to 2560x1600 */
    assert_true(d[9] * 10 >= 269);         /* MHz */
    d = descriptor(0xf7);
    assert_int_equal(d[5], 10);
    assert_int_equal(d[7], 0x40);  /* 1280x768 */
    assert_int_equal(d[8], 0x82);  /* 1360x768, 1400x1050 */
    assert_int_equal(d[10], 0x28); /* 1792x1344, 1856x1392 */
    assert_int_equal(d[11], 0x20); /* 1920x1440 */
    rig_close(&rig);
}

/* Clocks in 10 kHz and total lines with reduced blanking, from DMT. */
static void first_timing_is_the_panel(void **state)
{
    static const struct {
        const char *properties;
        unsigned width, height, clock, lines, sync;
    } want[] = {
        {NULL, 1280, 800, 7100, 823, 6},
        {"xres=1024,yres=768", 1024, 768, 5600, 790, 4},
        {"xres=1280,yres=768", 1280, 768, 6825, 790, 7},
        {"xres=1440,yres=900", 1440, 900, 8875, 926, 6},
        {"xres=1680,yres=1050", 1680, 1050, 11900, 1080, 6},
        {"xres=1920,yres=1200", 1920, 1200, 15400, 1235, 6},
        {"xres=2560,yres=1600", 2560, 1600, 26850, 1646, 6},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        const uint8_t *d = edid + 54;
        unsigned lines;

        open_with(want[i].properties);
        lines = (d[7] >> 4) << 8 | d[5];
        assert_int_equal((d[4] >> 4) << 8 | d[2], want[i].width);
        assert_int_equal(lines, want[i].height);
        assert_int_equal((d[4] & 15) << 8 | d[3], 160);
        assert_int_equal(lines + ((d[7] & 15) << 8 | d[6]), want[i].lines);
        assert_int_equal(d[1] << 8 | d[0], want[i].clock);
        assert_int_equal(d[8], 48); /* front porch, sync */
        assert_int_equal(d[9], 32);
        assert_int_equal(d[10], 3 << 4 | want[i].sync);
        assert_int_equal(d[17], 0x1a); /* +hsync -vsync */
        /* 100 dots an inch, in mm and in cm. */
        assert_int_equal((d[14] >> 4) << 8 | d[12], want[i].width * 254 / 1000);
        assert_int_equal((d[14] & 15) << 8 | d[13],
                         want[i].height * 254 / 1000);
        assert_int_equal(edid[21], want[i].width * 254 / 10000);
        assert_int_equal(edid[22], want[i].height * 254 / 10000);
        rig_close(&rig);
    }
}

static void may_be_off(void **state)
{
    (void)state;
    open_with("edid=off");
    for (unsigned i = 0; i < EDID_SIZE; i++)
        assert_int_equal(edid[i], 0);
    rig_close(&rig);
}

static void has_limits(void **state)
{
    static const struct {
        const char *name, *value, *text;
    } bad[] = {
        {"xres", "1366", "xres is 1366: want a multiple of 8"},
        {"xres", "2568", "xres is 2568: want a multiple of 8"},
        {"xres", "0", "xres is 0"},
        {"yres", "1601", "yres is 1601: want 400 to 1600"},
        {"yres", "399", "yres is 399"},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct harness *h = harness_new();
        struct device *dev = harness_make(h, device_class_named("VGA"));
        struct error e;

        assert_true(
            device_set(dev, &h->backends, bad[i].name, bad[i].value, &e));
        assert_false(harness_start(h, dev, 0, &e));
        assert_non_null(strstr(e.text, bad[i].text));
        harness_free(h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_resolutions),
        cmocka_unit_test(names_itself),
        cmocka_unit_test(first_timing_is_the_panel),
        cmocka_unit_test(may_be_off),
        cmocka_unit_test(has_limits),
    };

    return cmocka_run_group_tests_name("EDID", tests, NULL, NULL);
}
