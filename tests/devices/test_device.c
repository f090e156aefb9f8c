/* devices/device.c: properties, making, windows, wires, end, registry. */
#include "tests/unit.h"

#include <string.h>

#include "tests/devices/harness.h"

struct toy {
    struct device dev;
    uint32_t u32;
    uint64_t u64;
    bool flag, on;
    const char *name;
    struct chardev *line;
    struct block *drive;
    uint8_t reg[16];
    struct timer timer;
    unsigned created, destroyed, resets, inputs, fires;
    unsigned last_window, last_line;
    bool last_level;
    bool fail;
};

static const struct property toy_properties[] = {
    {"number", PROP_U32, offsetof(struct toy, u32), "7", "n", false},
    {"size", PROP_U64, offsetof(struct toy, u64), "2M", "s", false},
    {"flag", PROP_BOOL, offsetof(struct toy, flag), NULL, "f", false},
    {"on-by-default", PROP_BOOL, offsetof(struct toy, on), "on", "o", false},
    {"name", PROP_STRING, offsetof(struct toy, name), "toy", "t", true},
    {"chardev", PROP_CHARDEV, offsetof(struct toy, line), NULL, "c", false},
    {"drive", PROP_BLOCK, offsetof(struct toy, drive), NULL, "d", false},
    {NULL, PROP_U32, 0, NULL, NULL, false},
};

static const struct field toy_fields[] = {
    DEVICE_FIELDS(struct toy),
    FIELD_HOST(struct toy, u32),
    FIELD_ARRAY(struct toy, reg, 0x3c),
    FIELD_TIMER(struct toy, timer),
    FIELD_LIST_END,
};

static void toy_fire(void *owner)
{
    ((struct toy *)owner)->fires++;
}

static bool toy_create(struct device *dev, struct error *e)
{
    struct toy *t = (struct toy *)dev;

    t->created++;
    /* What hangs off the device is there already. */
    assert_non_null(dev->out);
    assert_non_null(dev->regions);
    if (t->fail)
        return error_set(e, "it is broken");
    timer_init(&t->timer, dev->env->clock, toy_fire, t);
    return true;
}

static unsigned destroyed; /* outlives the toys */

static void toy_destroy(struct device *dev)
{
    (void)dev;
    destroyed++;
}

static void toy_reset(struct device *dev)
{
    struct toy *t = (struct toy *)dev;

    assert_int_equal(t->reg[0], 0x3c); /* the table comes first */
    t->resets++;
}

static uint64_t toy_read(struct device *dev, unsigned window, uint64_t offset,
                         unsigned size)
{
    struct toy *t = (struct toy *)dev;

    assert_int_equal(size, 1);
    t->last_window = window;
    return t->reg[offset];
}

static void toy_write(struct device *dev, unsigned window, uint64_t offset,
                      uint64_t value, unsigned size)
{
    struct toy *t = (struct toy *)dev;

    assert_int_equal(size, 1);
    t->last_window = window;
    t->reg[offset] = (uint8_t)value;
}

static void toy_input(struct device *dev, unsigned line, bool level)
{
    struct toy *t = (struct toy *)dev;

    t->inputs++;
    t->last_line = line;
    t->last_level = level;
}

static const struct window toy_windows[] = {
    {.name = "a", .size = 16, .impl = 1},
    {.name = "b", .accept = 1, .impl = 1}, /* as large as the tree says */
    {.name = "p", .size = 4, .impl = 1, .port = true},
};

static const struct device_class toy_class = {
    .name = "toy",
    .summary = "for tests",
    .size = sizeof(struct toy),
    .properties = toy_properties,
    .fields = toy_fields,
    .windows = toy_windows,
    .n_windows = 3,
    .n_outputs = 2,
    .n_inputs = 3,
    .create = toy_create,
    .destroy = toy_destroy,
    .reset = toy_reset,
    .read = toy_read,
    .write = toy_write,
    .input = toy_input,
};

static int set_up(void **state)
{
    *state = harness_new();
    return 0;
}

static int tear_down(void **state)
{
    harness_free(*state);
    return 0;
}

static struct toy *make(struct harness *h)
{
    return (struct toy *)harness_make(h, &toy_class);
}

static bool set(struct harness *h, struct toy *t, const char *name,
                const char *value)
{
    struct error e;

    return device_set(&t->dev, &h->backends, name, value, &e);
}

/* Setting fails, with this text in the line. */
static void refuses(struct harness *h, struct toy *t, const char *name,
                    const char *value, const char *text)
{
    struct error e = {""};

    assert_false(device_set(&t->dev, &h->backends, name, value, &e));
    if (!strstr(e.text, text))
        fail_msg("'%s' does not say '%s'", e.text, text);
    assert_memory_equal(e.text, t->dev.path, strlen(t->dev.path));
}

static void has_defaults(void **state)
{
    struct toy *t = make(*state);

    assert_int_equal(t->u32, 7);
    assert_true(t->u64 == 2 << 20);
    assert_false(t->flag);
    assert_true(t->on);
    assert_string_equal(t->name, "toy");
    assert_null(t->line);
    assert_string_equal(t->dev.path, "toy0");
    assert_int_equal(t->dev.node, -1);
}

static void parses_numbers(void **state)
{
    static const struct {
        const char *text;
        uint64_t value;
    } good[] = {
        {"0", 0},
        {"010", 10},
        {"0x1f", 0x1f},
        {"0XaBcD", 0xabcd},
        {"3k", 3 << 10},
        {"3K", 3 << 10},
        {"5M", 5 << 20},
        {"1g", 1 << 30},
        {"0x10k", 16 << 10},
        {"18446744073709551615", UINT64_MAX},
        {"0xffffffffffffffff", UINT64_MAX},
        {"17179869183G", (uint64_t)17179869183 << 30},
    };
    static const char *const bad[] = {"",
                                      "-1",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "x",
                                      "0x",
                                      "k",
                                      "1kk",
                                      "1T",
                                      "1.5",
                                      "1e3",
                                      "0xg",
                                      "18446744073709551616",
                                      "99999999999999999999",
                                      "17179869184G",
                                      "0x1ffffffffffffffff"};
    struct harness *h = *state;
    struct toy *t = make(h);

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(set(h, t, "size", good[i].text));
        assert_true(t->u64 == good[i].value);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        refuses(h, t, "size", bad[i], "want a number from 0 to 1844674407370");
    assert_true(set(h, t, "number", "4294967295"));
    assert_int_equal(t->u32, UINT32_MAX);
    refuses(h, t, "number", "4294967296", "from 0 to 4294967295");
    refuses(h, t, "number", "4G", "from 0 to 4294967295");
    assert_true(set(h, t, "number", "3G"));
    assert_int_equal(t->u32, 3u << 30);
}

static void parses_the_rest(void **state)
{
    struct harness *h = *state;
    struct toy *t = make(h);

    assert_true(set(h, t, "flag", ""));
    assert_true(t->flag);
    assert_true(set(h, t, "flag", "off"));
    assert_false(t->flag);
    assert_true(set(h, t, "flag", "true"));
    assert_true(t->flag);
    assert_true(set(h, t, "flag", "false"));
    assert_false(t->flag);
    assert_true(set(h, t, "flag", "on"));
    assert_true(t->flag);
    refuses(h, t, "flag", "ON", "flag='ON': want on or off");
    assert_true(set(h, t, "name", "one"));
    assert_true(set(h, t, "name", "two"));
    assert_string_equal(t->name, "two");
    assert_true(set(h, t, "chardev", "line"));
    assert_ptr_equal(t->line, &harness_chardev(h, "line")->chardev);
    assert_true(set(h, t, "drive", "disk"));
    assert_ptr_equal(t->drive, &harness_disk(h, "disk")->block);
}

static struct block *no_block(void *owner, const char *id)
{
    (void)owner, (void)id;
    return NULL;
}

static void needs_backends(void **state)
{
    struct backends none = {NULL, no_block, NULL};
    struct toy *t = make(*state);
    struct error e;

    assert_false(device_set(&t->dev, &none, "chardev", "x", &e));
    assert_string_equal(
        e.text, "toy0: chardev='x': there is no character device of that id");
    assert_false(device_set(&t->dev, &none, "drive", "x", &e));
    assert_string_equal(e.text,
                        "toy0: drive='x': there is no drive of that id");
    assert_false(device_set(&t->dev, NULL, "chardev", "x", &e));
}

static void says_the_nearest_name(void **state)
{
    static const struct device_class bare = {.name = "bare",
                                             .size = sizeof(struct device),
                                             .fields = toy_fields + 4};
    struct harness *h = *state;
    struct toy *t = make(h);
    struct device *dev;
    struct error e;

    refuses(h, t, "chradev", "x", "(did you mean 'chardev'?)");
    refuses(h, t, "zzz", "x",
            "toy has no property 'zzz' (it has number, size, flag, "
            "on-by-default, name, chardev, drive)");
    assert_null(device_property(&toy_class, "zzz"));
    assert_ptr_equal(device_property(&toy_class, "flag"), &toy_properties[2]);
    dev = harness_make(h, &bare);
    assert_false(device_set(dev, &h->backends, "x", "1", &e));
    assert_string_equal(e.text,
                        "bare1: bare has no property 'x', and no others");
}

static void insists_on_required(void **state)
{
    struct harness *h = *state;
    struct toy *t = make(h);
    struct error e;

    /* A default does not count. */
    assert_false(harness_start(h, &t->dev, 2, &e));
    assert_string_equal(e.text, "toy0: toy needs the property 'name' (t)");
    assert_int_equal(t->created, 0);
}

static void failed_create_is_not_destroyed(void **state)
{
    struct harness *h = *state;
    struct toy *t = make(h);
    struct error e;

    assert_true(set(h, t, "name", "x"));
    t->fail = true;
    assert_false(harness_start(h, &t->dev, 2, &e));
    assert_string_equal(e.text, "toy0: it is broken");
    destroyed = 0;
    harness_remove(h, &t->dev);
    assert_int_equal(destroyed, 0);
}

static struct toy *start(struct harness *h, unsigned n_out)
{
    struct toy *t = make(h);
    struct error e;

    assert_true(set(h, t, "name", "x"));
    if (!harness_start(h, &t->dev, n_out, &e))
        fail_msg("%s", e.text);
    return t;
}

static void lives_and_ends(void **state)
{
    struct harness *h = *state;
    struct toy *t = start(h, 5);
    struct span s;
    uint64_t base;

    assert_int_equal(t->created, 1);
    assert_int_equal(t->resets, 1);
    assert_int_equal(t->dev.n_out, 5);
    wire_set(device_out(&t->dev, 4), true);
    assert_true(harness_level(h, &t->dev, 4));
    assert_false(harness_level(h, &t->dev, 3));
    t->reg[3] = 0;
    timer_arm(&t->timer, 100);
    harness_reset(h, &t->dev);
    assert_int_equal(t->reg[3], 0x3c);
    assert_int_equal(t->u32, 7); /* host-side */
    harness_advance(h, 200);
    assert_int_equal(t->fires, 0);

    timer_arm(&t->timer, 300);
    base = t->dev.regions[0].base;
    assert_true(memory_find(h->memory, base, &s));
    destroyed = 0;
    harness_remove(h, &t->dev);
    assert_int_equal(destroyed, 1);
    assert_false(memory_find(h->memory, base, &s));
    harness_advance(h, 200); /* nothing left to fire */
    device_free(NULL);
}

static size_t toy_sink(void *owner, const uint8_t *bytes, size_t size)
{
    (void)owner, (void)bytes;
    return size;
}

static void lets_go_of_its_line(void **state)
{
    struct harness *h = *state;
    struct toy *t = make(h), *u = make(h);
    struct chardev *c = &harness_chardev(h, "line")->chardev;

    assert_true(set(h, t, "chardev", "line"));
    assert_true(set(h, u, "chardev", "line"));
    chardev_connect(c, toy_sink, t);
    harness_remove(h, &u->dev);
    assert_ptr_equal(c->sink_owner, t); /* another's is left alone */
    harness_remove(h, &t->dev);
    assert_null(c->sink);
    assert_int_equal(harness_type(h, "line", "x", 1), 1);
}

static void windows_reach_the_device(void **state)
{
    struct harness *h = *state;
    struct toy *t = start(h, 2);
    uint64_t v;

    harness_write(h, &t->dev, 0, 4, 4, 0x44332211);
    assert_memory_equal(t->reg + 4, "\x11\x22\x33\x44", 4);
    assert_int_equal(t->last_window, 0);
    assert_int_equal(harness_read(h, &t->dev, 0, 4, 2), 0x2211);
    assert_int_equal(harness_read(h, &t->dev, 1, 4, 1), 0x11);
    assert_int_equal(t->last_window, 1);
    assert_int_equal(harness_read(h, &t->dev, 2, 2, 1), 0x3c);
    assert_int_equal(t->last_window, 2);
    assert_ptr_equal(t->dev.regions[2].space, h->ports);
    assert_int_equal(harness_try_read(h, &t->dev, 0, 5, 2, &v), BUS_REFUSED);
    assert_int_equal(harness_try_read(h, &t->dev, 1, 0, 4, &v), BUS_REFUSED);
    assert_int_equal(harness_try_write(h, &t->dev, 0, 16, 1, 0), BUS_UNMAPPED);
}

static void maps_as_the_tree_says(void **state)
{
    struct harness *h = *state;
    struct toy *t = start(h, 2);
    struct device_env no_ports = h->env;
    struct error e;
    struct span s;

    /* More than the chip has: cut.  Less: less. */
    assert_true(device_map(&t->dev, 0, 0x5000, 0x1000, &e));
    assert_true(memory_find(h->memory, 0x500f, &s));
    assert_false(memory_find(h->memory, 0x5010, &s));
    assert_true(device_map(&t->dev, 0, 0x6000, 8, &e));
    assert_false(memory_find(h->memory, 0x5000, &s));
    assert_false(memory_find(h->memory, 0x6008, &s));
    assert_true(device_map(&t->dev, 0, 0x6000, 0, &e));
    assert_true(memory_find(h->memory, 0x600f, &s));
    assert_true(device_map(&t->dev, 1, 0x7000, 8, &e));
    assert_false(device_map(&t->dev, 1, 0x7000, 0, &e));
    assert_string_equal(e.text, "toy0: region 'toy0' is empty");
    assert_false(device_map(&t->dev, 0, UINT64_MAX - 3, 0, &e));
    assert_non_null(strstr(e.text, "ends beyond the memory space"));
    assert_false(device_map(&t->dev, 3, 0, 0, &e));
    assert_string_equal(e.text, "toy0: toy has 3 register windows, not 4");
    no_ports.ports = NULL;
    t->dev.env = &no_ports;
    assert_false(device_map(&t->dev, 2, 0, 0, &e));
    assert_string_equal(e.text,
                        "toy0: toy needs I/O ports, and this board has none");
    t->dev.env = &h->env;
}

static void has_inputs(void **state)
{
    struct harness *h = *state;
    struct toy *t = start(h, 2);
    struct wire w = device_input(&t->dev, 2);

    wire_set(&w, true);
    assert_int_equal(t->inputs, 1);
    assert_int_equal(t->last_line, 2);
    assert_true(t->last_level);
    w = device_input(&t->dev, 3); /* there is none: a wire to nowhere */
    wire_set(&w, true);
    assert_int_equal(t->inputs, 1);
}

static void registry_is_sound(void **state)
{
    (void)state;
    assert_non_null(device_classes[0]);
    for (unsigned i = 0; device_classes[i]; i++)
        for (unsigned k = 0; k < i; k++)
            assert_string_not_equal(device_classes[i]->name,
                                    device_classes[k]->name);
    assert_null(device_class_named("no such device"));
    assert_null(device_class_compatible("no,such-device"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(has_defaults),
        TEST(parses_numbers),
        TEST(parses_the_rest),
        TEST(needs_backends),
        TEST(says_the_nearest_name),
        TEST(insists_on_required),
        TEST(failed_create_is_not_destroyed),
        TEST(lives_and_ends),
        TEST(lets_go_of_its_line),
        TEST(windows_reach_the_device),
        TEST(maps_as_the_tree_says),
        TEST(has_inputs),
        cmocka_unit_test(registry_is_sound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
