/* The 8042 with its keyboard and mouse: commands, protocols, input. */
#include "tests/unit.h"

#include <string.h>

#include "devices/i8042.h"
#include "tests/devices/harness.h"

enum { OBF = 0x01, SYS = 0x04, CMD = 0x08, AUX = 0x20 };
enum { KEY_IRQ, AUX_IRQ, A20, RESET };
enum { KEY_ESC = 1, KEY_A = 30, KEY_CTRL = 29, KEY_SHIFT = 42, KEY_ALT = 56 };
enum { KEY_SHIFT_R = 54, KEY_KPSLASH = 98 };
enum { KEY_F7 = 65, KEY_UP = 103, KEY_PRINT = 99, KEY_PAUSE = 119 };

#define MILLI UINT64_C(1000000)

static struct harness *h;
static struct device *dev;

static unsigned status(void)
{
    return (unsigned)harness_read(h, dev, 1, 0, 1);
}

static unsigned data(void)
{
    return (unsigned)harness_read(h, dev, 0, 0, 1);
}

static void command(unsigned value)
{
    harness_write(h, dev, 1, 0, 1, value);
}

static void send(unsigned value)
{
    harness_write(h, dev, 0, 0, 1, value);
}

static void send_mouse(unsigned value)
{
    command(0xd4);
    send(value);
}

static void set_command_byte(unsigned value)
{
    command(0x60);
    send(value);
}

/* All that comes within 50 ms, in hexadecimal; of the mouse with a dot. */
static const char *receive(void)
{
    static char text[256];
    unsigned at = 0;

    text[0] = 0;
    for (unsigned ms = 0; ms < 50 && at < sizeof(text) - 8; ms++) {
        harness_advance(h, MILLI);
        while (status() & OBF) {
            bool aux = status() & AUX;

            at += (unsigned)snprintf(text + at, 8, "%s%s%02x", at ? " " : "",
                                     aux ? "." : "", data());
        }
    }
    return text;
}

static void key(unsigned code, bool down)
{
    assert_true(i8042_post_key(dev, code, down));
    harness_deliver(h);
}

static void mouse(int dx, int dy, int dz, unsigned buttons)
{
    assert_true(i8042_post_mouse(dev, dx, dy, dz, buttons));
    harness_deliver(h);
}

#define EXPECT(text) assert_string_equal(receive(), text)

static int setup(void **state)
{
    (void)state;
    h = harness_new();
    dev = harness_device(h, "i8042", NULL);
    set_command_byte(0x03);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    harness_free(h);
    return 0;
}

/* ----------------------------------------------------------- controller */

static void test_self_tests(void **state)
{
    (void)state;
    assert_int_equal(status(), 0x10);
    command(0xaa);
    assert_int_equal(status(), 0x10 | OBF | SYS | CMD);
    assert_int_equal(data(), 0x55);
    assert_int_equal(status(), 0x10 | SYS | CMD);
    assert_int_equal(data(), 0x55); /* the buffer keeps its byte */
    command(0xab);
    assert_int_equal(data(), 0);
    command(0xa9);
    assert_int_equal(data(), 0);
    command(0xa4);
    assert_int_equal(data(), 0xf1);
    command(0xc0);
    assert_int_equal(data() & 0x80, 0x80);
    command(0xc1); /* the input port, in the status's upper half */
    assert_int_equal(status() >> 4, 0xf);
    command(0xc2);
    assert_int_equal(status() >> 4, 0xb);
    send(0xee);
    receive();
    assert_int_equal(status() >> 4, 1);
    command(0xb7);
    assert_int_equal(status() & OBF, 0);
    assert_non_null(strstr(harness_log(h), "no command 0xb7"));
}

static void test_ram(void **state)
{
    (void)state;
    for (unsigned i = 1; i < 32; i++) {
        command(0x60 | i);
        send(i * 7 & 0xff);
    }
    for (unsigned i = 1; i < 32; i++) {
        command(0x20 | i);
        assert_int_equal(data(), i * 7 & 0xff);
    }
    set_command_byte(0x74);
    assert_int_equal(status() & (SYS | CMD), SYS);
    command(0x20);
    assert_int_equal(data(), 0x74);
    command(0xae);
    command(0xa8);
    command(0x20);
    assert_int_equal(data(), 0x44);
    command(0xad);
    command(0xa7);
    command(0x20);
    assert_int_equal(data(), 0x74);
    command(0xe0);
    assert_int_equal(data(), 0);
}

static void test_interrupts(void **state)
{
    struct harness_wire *w = harness_out(h, dev, KEY_IRQ);

    (void)state;
    command(0xd2);
    send(0x42);
    assert_int_equal(w->changes, 1);
    assert_true(w->level);
    assert_false(harness_level(h, dev, AUX_IRQ));
    assert_int_equal(data(), 0x42);
    assert_false(w->level);
    command(0xd3);
    send(0x43);
    assert_false(w->level);
    assert_true(harness_level(h, dev, AUX_IRQ));
    assert_int_equal(status() & (OBF | AUX), OBF | AUX);
    command(0xd2); /* over it */
    send(0x44);
    assert_true(w->level);
    assert_false(harness_level(h, dev, AUX_IRQ));
    set_command_byte(0x02);
    assert_false(w->level);
    set_command_byte(0x01);
    assert_true(w->level);
    assert_int_equal(data(), 0x44);
}

static void test_output_port(void **state)
{
    struct harness_wire *a20 = harness_out(h, dev, A20);
    struct harness_wire *reset = harness_out(h, dev, RESET);

    (void)state;
    assert_true(a20->level);
    command(0xd1);
    send(0xdd);
    assert_false(a20->level);
    command(0xd0);
    assert_int_equal(data(), 0xcd);
    command(0xdf);
    assert_true(a20->level);
    command(0xdd);
    assert_false(a20->level);
    command(0xd1);
    send(0xdf);
    assert_true(a20->level);
    assert_int_equal(reset->changes, 0);
    command(0xd2);
    send(0);
    command(0xd0);
    assert_int_equal(data() & 0x30, 0x10);
    command(0xd3);
    send(0);
    command(0xd0);
    assert_int_equal(data() & 0x30, 0x20);
    command(0xff);
    assert_int_equal(reset->changes, 0);
    command(0xfe);
    assert_int_equal(reset->changes, 2);
    assert_false(reset->level);
    command(0xd1);
    send(0xde);
    assert_int_equal(reset->changes, 4);
    command(0xf0);
    assert_int_equal(reset->changes, 6);
    command(0xdd);
    harness_reset(h, dev);
    assert_true(a20->level);
}

/* ------------------------------------------------------------- keyboard */

static void test_keyboard_commands(void **state)
{
    unsigned leds;

    (void)state;
    assert_false(i8042_leds(dev, &leds));
    send(0xee);
    EXPECT("ee");
    send(0xf2);
    EXPECT("fa ab 83");
    send(0xff);
    EXPECT("fa aa");
    send(0xed);
    EXPECT("fa");
    send(0x05);
    EXPECT("fa");
    assert_true(i8042_leds(dev, &leds));
    assert_int_equal(leds, 5);
    send(0xf0);
    EXPECT("fa");
    send(0x00);
    EXPECT("fa 02");
    send(0xf0);
    EXPECT("fa");
    send(0x04);
    EXPECT("fe");
    send(0xed);
    EXPECT("fa");
    send(0xee); /* no parameter: a command */
    EXPECT("ee");
    send(0x12);
    EXPECT("fe");
    send(0xf6);
    EXPECT("fa");
    send(0xfe);
    EXPECT("fa");
    send(0xf2); /* the second command ends the answer to the first */
    send(0xee);
    EXPECT("ee");
    set_command_byte(0x43);
    send(0xf2);
    EXPECT("fa ab 41"); /* translated */
}

static void test_set2(void **state)
{
    (void)state;
    key(KEY_A, true);
    EXPECT("1c");
    key(KEY_A, true); /* is down */
    key(KEY_A, false);
    EXPECT("f0 1c");
    key(KEY_A, false);
    EXPECT("");
    key(KEY_UP, true);
    key(KEY_UP, false);
    EXPECT("e0 75 e0 f0 75");
    key(KEY_PRINT, true);
    key(KEY_PRINT, false);
    EXPECT("e0 12 e0 7c e0 f0 7c e0 f0 12");
    key(KEY_PAUSE, true);
    key(KEY_PAUSE, false);
    EXPECT("e1 14 77 e1 f0 14 f0 77");
    key(KEY_CTRL, true);
    key(KEY_PAUSE, true);
    key(KEY_PAUSE, false);
    EXPECT("14 e0 7e e0 f0 7e");
    key(KEY_PRINT, true);
    key(KEY_CTRL, false);
    EXPECT("e0 7c f0 14");
    key(KEY_ALT, true);
    key(KEY_PRINT, false);
    key(KEY_PRINT, true);
    EXPECT("11 f0 84 84");
    key(0, true);
    key(255, true);
    key(0xffff, true);
    EXPECT("");
}

/* Cursor keys look like those of a keyboard that has them on the keypad. */
static void test_shift_codes(void **state)
{
    (void)state;
    key(KEY_SHIFT, true);
    key(KEY_UP, true);
    EXPECT("12 e0 f0 12 e0 75");
    harness_advance(h, 410 * MILLI);
    EXPECT("e0 75"); /* by repetition */
    key(KEY_UP, false);
    key(KEY_KPSLASH, true);
    EXPECT("e0 f0 75 e0 12 e0 f0 12 e0 4a");
    key(KEY_SHIFT_R, true);
    key(KEY_KPSLASH, false);
    EXPECT("59 e0 f0 4a e0 12 e0 59");
    send(0xed);
    EXPECT("fa");
    send(0x02);
    EXPECT("fa");
    key(KEY_UP, true); /* Shift undoes Num Lock */
    key(KEY_UP, false);
    EXPECT("e0 75 e0 f0 75");
    key(KEY_SHIFT, false);
    key(KEY_SHIFT_R, false);
    EXPECT("f0 12 f0 59");
    key(KEY_UP, true);
    EXPECT("e0 12 e0 75");
    key(KEY_KPSLASH, true);
    EXPECT("e0 4a");
    send(0xed); /* off, while it is held */
    EXPECT("fa");
    send(0x00);
    EXPECT("fa");
    key(KEY_UP, false);
    key(KEY_KPSLASH, false);
    EXPECT("e0 f0 75 e0 f0 12 e0 f0 4a");
    key(KEY_PRINT, true);
    EXPECT("e0 12 e0 7c");
    harness_advance(h, 410 * MILLI);
    EXPECT("e0 7c");
    key(KEY_PRINT, false);
    EXPECT("e0 f0 7c e0 f0 12");
    send(0xf0);
    EXPECT("fa");
    send(0x01);
    EXPECT("fa");
    key(KEY_SHIFT_R, true);
    key(KEY_UP, true);
    key(KEY_UP, false);
    EXPECT("36 e0 b6 e0 48 e0 c8 e0 36");
}

static void test_korean_keys(void **state)
{
    (void)state;
    key(122, true);
    harness_advance(h, 1000 * MILLI);
    key(122, false);
    key(123, true);
    EXPECT("f2 f1");
}

static void test_set1(void **state)
{
    (void)state;
    send(0xf0);
    EXPECT("fa");
    send(0x01);
    EXPECT("fa");
    key(KEY_ESC, true);
    key(KEY_ESC, false);
    key(KEY_UP, true);
    key(KEY_UP, false);
    EXPECT("01 81 e0 48 e0 c8");
    key(KEY_PAUSE, true);
    EXPECT("e1 1d 45 e1 9d c5");
}

/* Set 2 through the controller is set 1. */
static void test_translation(void **state)
{
    (void)state;
    set_command_byte(0x43);
    key(KEY_ESC, true);
    key(KEY_ESC, false);
    key(KEY_UP, true);
    key(KEY_UP, false);
    EXPECT("01 81 e0 48 e0 c8");
    key(KEY_F7, true);
    key(KEY_F7, false);
    EXPECT("41 c1");
    /* A byte for a byte: each of set 1 comes from one of set 2. */
    {
        bool seen[256] = {false};

        for (unsigned i = 0; i < 0x80; i++) {
            assert_false(seen[ps2_set1((uint8_t)i)]);
            seen[ps2_set1((uint8_t)i)] = true;
        }
        for (unsigned i = 1; i < 0x80; i++)
            assert_true(seen[i]);
        for (unsigned i = 0x80; i < 0x100; i++)
            if (i != 0x83 && i != 0x84)
                assert_int_equal(ps2_set1((uint8_t)i), i);
    }
    /* Of the first 88 keys set 1's code is the number itself. */
    for (unsigned i = 1; i <= 88; i++) {
        char want[16];

        if (i == 84 || i == 85)
            continue;
        key(i, true);
        key(i, false);
        snprintf(want, sizeof(want), "%02x %02x", i, i | 0x80);
        EXPECT(want);
    }
}

/* Nothing comes until it was typed; a wrong letter starts over. */
static void test_password(void **state)
{
    static const unsigned typed[] = {KEY_A, KEY_ESC, KEY_A, KEY_A, KEY_ESC};

    (void)state;
    command(0xa6); /* there is none */
    key(KEY_A, true);
    EXPECT("1c");
    key(KEY_A, false);
    EXPECT("f0 1c");
    command(0x60 | 0x13);
    send(0xe1);
    command(0x60 | 0x14);
    send(0xe2);
    command(0x60 | 0x16);
    send(0x2a); /* Shift does not count */
    command(0xa5);
    send(0x1e);
    send(0x1e);
    send(0x01);
    send(0x00);
    command(0xa4);
    assert_int_equal(data(), 0xfa);
    command(0xa6);
    EXPECT("e1");
    for (unsigned i = 0; i < 5; i++) {
        EXPECT("");
        key(KEY_SHIFT, true);
        key(typed[i], true);
        key(typed[i], false);
        key(KEY_SHIFT, false);
    }
    EXPECT("e2 f0 76 f0 12");
    /* One that is too long is cut. */
    command(0xa5);
    for (unsigned i = 0; i < 40; i++)
        send(0x1e);
    send(0);
    command(0xa6);
    EXPECT("e1");
    for (unsigned i = 0; i < 15; i++) {
        EXPECT("");
        key(KEY_A, true);
        key(KEY_A, false);
    }
    EXPECT("e2 f0 1c");
}

static void test_set3(void **state)
{
    (void)state;
    send(0xf0);
    EXPECT("fa");
    send(0x03);
    EXPECT("fa");
    key(KEY_A, true);
    key(KEY_A, false); /* typematic only */
    EXPECT("1c");
    key(KEY_SHIFT, true);
    key(KEY_SHIFT, false);
    EXPECT("12 f0 12");
    key(KEY_ESC, true);
    key(KEY_ESC, false);
    EXPECT("08");
    send(0xfc); /* make and break, for two keys */
    EXPECT("fa");
    send(0x1c);
    EXPECT("fa");
    send(0x08);
    EXPECT("fa");
    send(0xf4);
    EXPECT("fa");
    key(KEY_A, true);
    key(KEY_A, false);
    key(KEY_ESC, true);
    key(KEY_ESC, false);
    EXPECT("1c f0 1c 08 f0 08");
    send(0xf9);
    EXPECT("fa");
    key(KEY_SHIFT, true);
    key(KEY_SHIFT, false);
    EXPECT("12");
    send(0xfa);
    EXPECT("fa");
    key(KEY_PAUSE, true);
    key(KEY_PAUSE, false);
    EXPECT("62 f0 62");
    send(0xfb);
    EXPECT("fa");
    send(0x90);
    EXPECT("fe");
}

static void test_typematic(void **state)
{
    unsigned n = 0;

    (void)state;
    send(0xf3);
    EXPECT("fa");
    send(0x00); /* 250 ms, 30 a second */
    EXPECT("fa");
    key(KEY_A, true);
    harness_advance(h, MILLI);
    assert_int_equal(data(), 0x1c);
    harness_advance(h, 249 * MILLI);
    assert_int_equal(status() & OBF, 0);
    for (unsigned ms = 0; ms < 1000; ms++) {
        harness_advance(h, MILLI);
        if (status() & OBF) {
            assert_int_equal(data(), 0x1c);
            n++;
        }
    }
    assert_in_range(n, 29, 31);
    key(KEY_ESC, true); /* now this one, and not before its delay */
    EXPECT("1c 76");
    key(KEY_A, false);
    EXPECT("f0 1c");
    harness_advance(h, 200 * MILLI);
    assert_int_equal(data(), 0x76);
    key(KEY_ESC, false);
    receive();
    harness_advance(h, 2000 * MILLI);
    assert_int_equal(status() & OBF, 0);
}

static void test_disable(void **state)
{
    (void)state;
    send(0xf5);
    EXPECT("fa");
    key(KEY_A, true);
    EXPECT("");
    send(0xf4);
    EXPECT("fa");
    key(KEY_A, false);
    EXPECT("f0 1c");
    /* The controller's way: it waits. */
    command(0xad);
    key(KEY_A, true);
    EXPECT("");
    command(0xae);
    EXPECT("1c");
    /* A byte for the keyboard enables it again. */
    command(0xad);
    send(0xee);
    EXPECT("ee");
}

/* A byte takes its time, and is read twice as the same. */
static void test_pacing(void **state)
{
    struct harness_wire *w = harness_out(h, dev, KEY_IRQ);

    (void)state;
    key(KEY_UP, true);
    assert_int_equal(status() & OBF, 0);
    harness_advance(h, MILLI);
    assert_int_equal(status() & OBF, OBF);
    assert_int_equal(w->changes, 1);
    harness_advance(h, 10 * MILLI);
    assert_int_equal(data(), 0xe0);
    assert_int_equal(data(), 0xe0);
    assert_false(w->level);
    harness_advance(h, MILLI);
    assert_true(w->level);
    assert_int_equal(data(), 0x75);
}

/* More than the buffer takes waits in the gate; nothing is lost. */
static void test_many_keys(void **state)
{
    unsigned got = 0;

    (void)state;
    command(0xad);
    for (unsigned i = 0; i < 200; i++) {
        key(KEY_A, true);
        key(KEY_A, false);
    }
    command(0xae);
    for (unsigned ms = 0; ms < 2000; ms++) {
        static const uint8_t want[] = {0x1c, 0xf0, 0x1c};

        harness_advance(h, MILLI);
        harness_deliver(h);
        if (status() & OBF)
            assert_int_equal(data(), want[got++ % 3]);
    }
    assert_int_equal(got, 600);
    /* The gate itself is bounded. */
    command(0xad);
    for (unsigned i = 0; i < 10000; i++)
        if (!i8042_post_key(dev, KEY_A, !(i & 1)))
            got = 0;
    assert_int_equal(got, 0);
}

/* ---------------------------------------------------------------- mouse */

static void test_mouse_commands(void **state)
{
    (void)state;
    send_mouse(0xff);
    EXPECT(".fa .aa .00");
    send_mouse(0xf2);
    EXPECT(".fa .00");
    send_mouse(0xe9);
    EXPECT(".fa .00 .02 .64");
    send_mouse(0xe8);
    EXPECT(".fa");
    send_mouse(0x03);
    EXPECT(".fa");
    send_mouse(0xe8);
    EXPECT(".fa");
    send_mouse(0x04);
    EXPECT(".fe");
    send_mouse(0xf3);
    EXPECT(".fa");
    send_mouse(0x28);
    EXPECT(".fa");
    send_mouse(0xf3);
    EXPECT(".fa");
    send_mouse(0x29);
    EXPECT(".fe");
    send_mouse(0xe7);
    send_mouse(0xf4);
    mouse(0, 0, 0, PS2_LEFT);
    receive();
    send_mouse(0xe9);
    EXPECT(".fa .34 .03 .28");
    send_mouse(0xf6);
    EXPECT(".fa");
    send_mouse(0xe9);
    EXPECT(".fa .04 .02 .64");
    send_mouse(0x12);
    EXPECT(".fe");
    send_mouse(0xee); /* wrap */
    EXPECT(".fa");
    send_mouse(0xf2);
    EXPECT(".f2");
    send_mouse(0xec);
    EXPECT(".fa");
    send_mouse(0xf2);
    EXPECT(".fa .00");
    assert_true(harness_out(h, dev, AUX_IRQ)->changes > 20);
}

static void test_stream(void **state)
{
    (void)state;
    mouse(5, 5, 0, 0);
    EXPECT(""); /* not enabled, and forgotten */
    send_mouse(0xf4);
    EXPECT(".fa");
    mouse(5, -3, 0, 0);
    EXPECT(".28 .05 .fd");
    mouse(0, 0, 0, PS2_LEFT | PS2_MIDDLE);
    EXPECT(".0d .00 .00");
    mouse(-300, 300, 0, 0);
    EXPECT(".18 .01 .ff .18 .d3 .2d");
    mouse(0, 0, 1, 0); /* no wheel yet */
    EXPECT("");
    send_mouse(0xfe);
    EXPECT(".18 .d3 .2d");
}

/* At 100 samples a second, moves add up in between, and clicks do not. */
static void test_samples(void **state)
{
    (void)state;
    send_mouse(0xf4);
    EXPECT(".fa");
    for (unsigned i = 0; i < 10; i++)
        mouse(1, 0, 0, 0);
    EXPECT(".08 .01 .00 .08 .09 .00");
    mouse(0, 0, 0, 1);
    mouse(0, 0, 0, 0);
    mouse(0, 0, 0, 2);
    mouse(0, 0, 0, 0);
    for (unsigned i = 0; i < 60; i++) {
        static const uint8_t want[] = {9, 0, 0, 8, 0, 0, 0xa, 0, 0, 8, 0, 0};
        static unsigned got;

        harness_advance(h, MILLI);
        harness_deliver(h);
        if (status() & OBF)
            assert_int_equal(data(), want[got++]);
        if (i == 59)
            assert_int_equal(got, 12);
    }
}

static void knock(unsigned a, unsigned b, unsigned c)
{
    const unsigned rates[] = {a, b, c};

    for (unsigned i = 0; i < 3; i++) {
        send_mouse(0xf3);
        EXPECT(".fa");
        send_mouse(rates[i]);
        EXPECT(".fa");
    }
}

static void test_wheel(void **state)
{
    (void)state;
    knock(200, 200, 80); /* not before the other one */
    send_mouse(0xf2);
    EXPECT(".fa .00");
    knock(200, 100, 80);
    send_mouse(0xf2);
    EXPECT(".fa .03");
    send_mouse(0xf4);
    EXPECT(".fa");
    mouse(1, 2, -3, PS2_RIGHT);
    EXPECT(".0a .01 .02 .fd");
    knock(200, 200, 80);
    send_mouse(0xf2);
    EXPECT(".fa .04");
    mouse(0, 0, 9, PS2_SIDE | PS2_EXTRA);
    EXPECT(".08 .00 .00 .37 .08 .00 .00 .32");
    send_mouse(0xff);
    EXPECT(".fa .aa .00");
    send_mouse(0xf2);
    EXPECT(".fa .00");
}

static void test_remote(void **state)
{
    (void)state;
    send_mouse(0xf0);
    EXPECT(".fa");
    mouse(7, 8, 0, PS2_LEFT);
    EXPECT("");
    send_mouse(0xeb);
    EXPECT(".fa .09 .07 .08");
    send_mouse(0xeb);
    EXPECT(".fa .09 .00 .00");
    send_mouse(0xea);
    EXPECT(".fa");
    send_mouse(0xf4);
    EXPECT(".fa");
    mouse(1, 0, 0, PS2_LEFT);
    EXPECT(".09 .01 .00");
}

static void test_scaling(void **state)
{
    (void)state;
    send_mouse(0xe7);
    EXPECT(".fa");
    send_mouse(0xf4);
    EXPECT(".fa");
    mouse(3, -4, 0, 0);
    EXPECT(".28 .03 .fa");
    mouse(200, -7, 0, 0);
    EXPECT(".28 .ff .f2");
    send_mouse(0xe6);
    EXPECT(".fa");
    mouse(3, 0, 0, 0);
    EXPECT(".08 .03 .00");
}

static void test_mouse_off(void **state)
{
    (void)state;
    send_mouse(0xf4);
    EXPECT(".fa");
    command(0xa7);
    mouse(1, 1, 0, 0);
    EXPECT("");
    command(0xa8);
    EXPECT(".08 .01 .01");
}

static void test_reset(void **state)
{
    (void)state;
    send_mouse(0xf4);
    key(KEY_A, true);
    command(0x60);
    harness_reset(h, dev);
    assert_int_equal(status(), 0x10);
    EXPECT("");
    assert_int_equal(clock_deadline(h->clock), CLOCK_NEVER);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_self_tests),
        TEST(test_ram),
        TEST(test_interrupts),
        TEST(test_output_port),
        TEST(test_keyboard_commands),
        TEST(test_set2),
        TEST(test_shift_codes),
        TEST(test_korean_keys),
        TEST(test_password),
        TEST(test_set1),
        TEST(test_translation),
        TEST(test_set3),
        TEST(test_typematic),
        TEST(test_disable),
        TEST(test_pacing),
        TEST(test_many_keys),
        TEST(test_mouse_commands),
        TEST(test_stream),
        TEST(test_samples),
        TEST(test_wheel),
        TEST(test_remote),
        TEST(test_scaling),
        TEST(test_mouse_off),
        TEST(test_reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
