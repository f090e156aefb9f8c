/*
 * The argument syntax: lists, sizes, numbers; and whole command lines.
 */
#include "tests/unit.h"

#include <string.h>

#include "frontend/cli/config.h"
#include "frontend/cli/keyval.h"

static void test_list(void **state)
{
    struct pool pool = {0};
    struct keyval kv;
    struct error e;

    (void)state;
    assert_true(keyval_parse(&pool, "a,,b,x=1,y=,flag,noflag2,x=2,,3,,,z=,,",
                             "first", &kv, &e));
    assert_string_equal(keyval_get(&kv, "first"), "a,b");
    assert_string_equal(keyval_get(&kv, "x"), "2,3,");
    assert_string_equal(keyval_get(&kv, "y"), "");
    assert_string_equal(keyval_get(&kv, "z"), ",");
    assert_string_equal(keyval_get(&kv, "flag"), "on");
    assert_string_equal(keyval_get(&kv, "flag2"), "off");
    assert_null(keyval_get(&kv, "noflag2"));
    assert_int_equal(kv.n, 7);
    pool_free(&pool);
}

static void test_bad_lists(void **state)
{
    static const char *const bad[] = {"a,=b", "a,", "a,,,", ",", "=", ""};
    struct pool pool = {0};
    struct keyval kv;
    struct error e;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        e.text[0] = '\0';
        assert_false(keyval_parse(&pool, bad[i], NULL, &kv, &e));
        assert_string_not_equal(e.text, "");
    }
    pool_free(&pool);
}

static void test_unknown_key(void **state)
{
    static const char *const known[] = {"file", "format"};
    struct pool pool = {0};
    struct keyval kv;
    struct error e;

    (void)state;
    assert_true(keyval_parse(&pool, "file=x,fromat=raw", NULL, &kv, &e));
    assert_false(keyval_check(&kv, known, 2, &e));
    assert_string_equal(e.text,
                        "unknown property 'fromat'; did you mean 'format'?");
    pool_free(&pool);
}

static void test_sizes(void **state)
{
    static const struct {
        const char *text;
        uint64_t size;
    } good[] = {
        {"1", 1 << 20},
        {"3b", 3},
        {"3B", 3},
        {"0", 0},
        {"4k", 4096},
        {"4K", 4096},
        {"1M", 1 << 20},
        {"2g", 2ull << 30},
        {"1.5G", 3ull << 29},
        {"0.25", 1 << 18},
        {"1.5b", 1},
        {"0x10", 16 << 20},
        {"0x10b", 0x10bull << 20},
        {"15E", 15ull << 60},
        {"16777215.99999999999999999T", UINT64_MAX},
        {"17592186044415", 17592186044415ull << 20},
        {"1.99999999999999999999k", 2047},
    };
    static const char *const bad[] = {
        "",
        "M",
        "x",
        "-1",
        "+1",
        " 1",
        "1 ",
        "1MM",
        "1.",
        "1.M",
        ".5",
        "1.2.3",
        "16E",
        "0x",
        "1e3",
        "18446744073709551616b",
        "17592186044416",
    };
    struct error e;
    uint64_t size;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(parse_size(good[i].text, 20, &size, &e));
        assert_true(size == good[i].size);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(parse_size(bad[i], 20, &size, &e));
}

static void test_numbers(void **state)
{
    uint64_t n;

    (void)state;
    assert_true(parse_number("0xff", 255, &n, NULL) && n == 255);
    assert_true(parse_number("010", 255, &n, NULL) && n == 10);
    assert_false(parse_number("256", 255, &n, NULL));
    assert_false(parse_number("-1", UINT64_MAX, &n, NULL));
    assert_false(parse_number("18446744073709551616", UINT64_MAX, &n, NULL));
    assert_true(parse_seconds("0.5", &n, NULL) && n == 500000000);
    assert_true(parse_seconds("1e-12", &n, NULL) && n == 1);
    assert_false(parse_seconds("nan", &n, NULL));
    assert_false(parse_seconds("0", &n, NULL));
}

/* Parse words up to NULL. */
static enum cli_result parse(struct config *c, struct error *e, ...)
{
    static char words[16][80] = {"emu"};
    char *argv[16] = {words[0]};
    const char *word;
    va_list ap;
    int n = 1;

    va_start(ap, e);
    while ((word = va_arg(ap, const char *)) != NULL) {
        strcpy(words[n], word);
        argv[n] = words[n];
        n++;
    }
    va_end(ap);
    e->text[0] = '\0';
    /* The config points into the words: they last until the next call. */
    return config_parse(c, n, argv, e);
}

static void test_default_consoles(void **state)
{
    struct config c;
    struct error e;

    (void)state;
    assert_int_equal(parse(&c, &e, NULL), CLI_RUN);
    assert_int_equal(c.n_serials, 1);
    assert_int_equal(c.n_chars, 1);
    assert_int_equal(c.chars[0].kind, CHAR_STDIO);
    assert_true(c.chars[0].mux && c.chars[0].guest && c.chars[0].monitor);
    assert_false(c.chars[0].signals);
    config_free(&c);

    assert_int_equal(parse(&c, &e, "-nodefaults", NULL), CLI_RUN);
    assert_int_equal(c.n_serials + c.n_chars + c.n_monitors, 0);
    config_free(&c);

    /* kunit's */
    assert_int_equal(
        parse(&c, &e, "-nodefaults", "-nographic", "-serial", "stdio", NULL),
        CLI_RUN);
    assert_int_equal(c.n_serials, 1);
    assert_int_equal(c.n_monitors, 0);
    assert_true(c.chars[0].signals && !c.chars[0].mux);
    config_free(&c);

    assert_int_equal(parse(&c, &e, "-display", "none", NULL), CLI_RUN);
    assert_int_equal(c.n_serials + c.n_chars + c.n_monitors, 0);
    config_free(&c);

    assert_int_equal(parse(&c, &e, "-serial", "file:x", NULL), CLI_RUN);
    assert_int_equal(c.n_chars, 2);
    assert_true(c.chars[1].kind == CHAR_STDIO && c.chars[1].monitor);
    config_free(&c);

    assert_int_equal(parse(&c, &e, "-monitor", "none", NULL), CLI_RUN);
    assert_false(c.chars[0].mux || c.chars[0].monitor);
    config_free(&c);

    assert_int_equal(parse(&c, &e, "-serial", "mon:stdio", "-serial", "none",
                           "-serial", "null", NULL),
                     CLI_RUN);
    assert_int_equal(c.n_serials, 3);
    assert_true(c.serials[0] && !c.serials[1] && c.serials[2]);
    config_free(&c);
}

static void test_sockets(void **state)
{
    struct config c;
    struct error e;

    (void)state;
    assert_int_equal(parse(&c, &e, "-serial", "unix:/a,,b,server,nowait",
                           "-monitor", "none", NULL),
                     CLI_RUN);
    assert_string_equal(c.chars[0].path, "/a,b");
    assert_true(c.chars[0].server && !c.chars[0].wait);
    config_free(&c);

    assert_int_equal(parse(&c, &e, "--chardev",
                           "socket,id=c,path=p,server=on,wait=off", "-serial",
                           "chardev:c", NULL),
                     CLI_RUN);
    assert_true(c.chars[0].server && !c.chars[0].wait);
    config_free(&c);

    assert_int_equal(parse(&c, &e, "-serial", "unix:p,server=on", NULL),
                     CLI_RUN);
    assert_true(c.chars[0].wait);
    config_free(&c);
}

static void test_drives(void **state)
{
    struct config c;
    struct error e;

    (void)state;
    assert_int_equal(parse(&c, &e, "-drive", "file=b", "-drive",
                           "file=n,if=none,id=n,cache=none", "-hda", "a,b=c",
                           "-drive", "file=d,index=3,snapshot=off", "-snapshot",
                           NULL),
                     CLI_RUN);
    assert_int_equal(c.n_drives, 4);
    assert_string_equal(c.drives[0].file, "b");
    assert_int_equal(c.drives[0].index, -1);
    assert_string_equal(c.drives[1].id, "n");
    assert_int_equal(c.drives[1].interface, DRIVE_NONE);
    assert_string_equal(c.drives[2].file, "a,b=c");
    assert_int_equal(c.drives[2].index, 0);
    assert_string_equal(c.drives[3].file, "d");
    assert_int_equal(c.drives[3].index, 3);
    assert_true(c.drives[0].snapshot && c.drives[1].snapshot);
    assert_false(c.drives[3].snapshot);
    config_free(&c);
    assert_int_equal(
        parse(&c, &e, "-drive", "if=ide,bus=1,unit=0,media=cdrom", "-drive",
              "if=floppy,index=1,file=f", "-cdrom", "x", "-fdb", "y", "-boot",
              "order=dc,once=a,menu=on", "-boot", "strict=on", NULL),
        CLI_RUN);
    assert_null(c.drives[0].file);
    assert_true(c.drives[0].cd && c.drives[0].read_only);
    assert_int_equal(c.drives[0].interface, DRIVE_IDE);
    assert_int_equal(c.drives[0].bus, 1);
    assert_int_equal(c.drives[0].unit, 0);
    assert_int_equal(c.drives[1].interface, DRIVE_FLOPPY);
    assert_false(c.drives[1].read_only);
    assert_int_equal(c.drives[2].index, 2);
    assert_int_equal(c.drives[2].interface, DRIVE_BOARD);
    assert_true(c.drives[2].cd);
    assert_int_equal(c.drives[3].index, 1);
    assert_string_equal(c.boot.order, "dc");
    assert_string_equal(c.boot.once, "a");
    assert_true(c.boot.menu && c.boot.strict);
    assert_false(c.boot.has_splash_time || c.boot.has_reboot_timeout);
    config_free(&c);
    assert_int_equal(parse(&c, &e, "-boot",
                           "menu=on,splash-time=0,reboot-timeout=65535", NULL),
                     CLI_RUN);
    assert_true(c.boot.has_splash_time && c.boot.has_reboot_timeout);
    assert_int_equal(c.boot.splash_time, 0);
    assert_int_equal(c.boot.reboot_timeout, 65535);
    config_free(&c);
    assert_int_equal(parse(&c, &e, "-boot", "reboot-timeout=5", "-boot",
                           "reboot-timeout=-1", NULL),
                     CLI_RUN);
    assert_false(c.boot.has_reboot_timeout);
    config_free(&c);
}

static void test_devices(void **state)
{
    struct config c;
    struct error e;

    (void)state;
    assert_int_equal(parse(&c, &e, "-chardev", "null,id=c", "-device",
                           "virtio-serial-pci,addr=5", "-device",
                           "virtio-rng-pci", "-device",
                           "virtconsole,chardev=c,id=x", NULL),
                     CLI_RUN);
    assert_int_equal(c.n_devices, 2);
    assert_string_equal(c.devices[0].driver, "virtio-console-pci");
    assert_int_equal(c.devices[0].n, 2);
    assert_string_equal(c.devices[0].names[0], "addr");
    assert_string_equal(c.devices[0].values[1], "c");
    assert_true(c.chars[0].guest);
    config_free(&c);

    assert_int_equal(parse(&c, &e, "-device", "virtio-serial-device",
                           "-chardev", "null,id=c", "-chardev", "null,id=d",
                           "-device", "virtconsole,chardev=c", "-device",
                           "virtconsole,chardev=d", NULL),
                     CLI_ERROR);
    config_free(&c);
}

static void test_accels(void **state)
{
    struct config c;
    struct error e;

    (void)state;
    assert_int_equal(parse(&c, &e, "-accel", "kvm", "-accel", "tcg", NULL),
                     CLI_RUN);
    assert_string_equal(c.accel_missing, "kvm");
    assert_true(c.accel_found);
    config_free(&c);
    assert_int_equal(parse(&c, &e, "-M", "virt,accel=kvm:tcg", NULL), CLI_RUN);
    assert_string_equal(c.board, "virt");
    config_free(&c);
    assert_int_equal(parse(&c, &e, "-machine", "accel=tcg", NULL), CLI_RUN);
    assert_null(c.board);
    config_free(&c);
}

static void test_firmware_dirs(void **state)
{
    struct config c;
    struct error e;

    (void)state;
    assert_int_equal(parse(&c, &e, "-L", "/", "-L", "/tmp", "-L", ".", NULL),
                     CLI_RUN);
    assert_string_equal(c.firmware_dirs[0], "/");
    assert_string_equal(c.firmware_dirs[2], ".");
    assert_null(c.firmware_dirs[3]);
    config_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_bad_lists),
        cmocka_unit_test(test_unknown_key),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_default_consoles),
        cmocka_unit_test(test_sockets),
        cmocka_unit_test(test_drives),
        cmocka_unit_test(test_devices),
        cmocka_unit_test(test_accels),
        cmocka_unit_test(test_firmware_dirs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
