/*
 * The ECAM host bridge: what it reads from the tree, configuration accesses,
 * windows, INTx.
 */
#include "tests/devices/virtio_rig.h"

#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));

    assert_non_null(r);
    rig_init(r);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    rig_fini(*state);
    free(*state);
    return 0;
}

/* ----------------------------------------------------------- the bridge */

static void test_bridge(void **state)
{
    struct rig *r = *state;

    assert_int_equal(rig_config_read(r, 0, 0, 4), 0x00081b36);
    assert_int_equal(rig_config_read(r, 0, 8, 4), 0x06000000);
    assert_int_equal(rig_config_read(r, 0, 0xe, 1), 0);
    assert_int_equal(rig_config_read(r, 0, 0x3d, 1), 0);
    for (unsigned at = 0x10; at < 0x28; at += 4) {
        rig_config_write(r, 0, at, 0xffffffff, 4);
        assert_int_equal(rig_config_read(r, 0, at, 4), 0);
    }
    rig_config_write(r, 0, PCI_COMMAND, 0xffff, 2);
    assert_int_equal(rig_config_read(r, 0, PCI_COMMAND, 2), 0x547);
    device_reset(r->host);
    assert_int_equal(rig_config_read(r, 0, PCI_COMMAND, 2), 0);
}

/* Nobody, other buses, and what lies behind 256 bytes read as ones. */
static void test_ecam(void **state)
{
    struct rig *r = *state;
    uint64_t v;

    for (unsigned size = 1; size <= 4; size *= 2) {
        uint64_t ones = UINT64_MAX >> (64 - 8 * size);

        assert_int_equal(rig_read(r, RIG_ECAM + 0x8000, size), ones);
        assert_int_equal(rig_read(r, RIG_ECAM + 0x100, size), ones);
        assert_int_equal(rig_read(r, RIG_ECAM + 0xffc, size), ones);
        assert_int_equal(rig_read(r, RIG_ECAM + 0x100000, size), ones);
        assert_int_equal(rig_read(r, RIG_ECAM + 0xff00000, size), ones);
        assert_int_equal(rig_read(r, RIG_ECAM + 0xffffffc, size), ones);
    }
    rig_write(r, RIG_ECAM + 0x104, 0xffff, 2);
    rig_write(r, RIG_ECAM + 0x100004, 0xffff, 2);
    assert_int_equal(rig_config_read(r, 0, 4, 2), 0);
    assert_int_equal(memory_read(r->memory, RIG_ECAM, 8, &v), BUS_REFUSED);
    assert_int_equal(memory_read(r->memory, RIG_ECAM + 1, 2, &v), BUS_REFUSED);
}

/* A master abort reads as ones, at any width; the addresses beside a window
 * are not the bridge's. */
static void test_background(void **state)
{
    struct rig *r = *state;
    static const struct {
        uint64_t base, size;
    } window[] = {{RIG_PCI_IO, 0x10000},
                  {RIG_PCI_MEMORY, RIG_PCI_MEMORY_SIZE},
                  {RIG_PCI_HIGH, 0x400000000}};
    uint64_t v;

    for (unsigned i = 0; i < 3; i++) {
        uint64_t end = window[i].base + window[i].size;

        for (unsigned size = 1; size <= 8; size *= 2) {
            uint64_t ones = UINT64_MAX >> (64 - 8 * size);

            assert_true(rig_read(r, window[i].base, size) == ones);
            assert_true(rig_read(r, end - size, size) == ones);
            rig_write(r, end - size, 0, size);
            assert_true(rig_read(r, end - size, size) == ones);
        }
        if (end != HARNESS_RAM)
            assert_int_equal(memory_read(r->memory, end, 4, &v), BUS_UNMAPPED);
    }
    assert_int_equal(memory_read(r->memory, RIG_PCI_IO - 4, 4, &v),
                     BUS_UNMAPPED);
}

/* ----------------------------------------------------------------- INTx */

static struct pci_device *new_function(struct rig *r, const char *path)
{
    return (struct pci_device *)rig_device(r, "virtio-rng-pci", path, NULL);
}

/* INTA of slot s goes to output s % 4, or-ed over the slots. */
static void test_swizzle(void **state)
{
    struct rig *r = *state;
    struct pci_bus *bus = r->host->class->pci(r->host);
    struct pci_device *d[8];
    struct error e;

    for (unsigned i = 0; i < 8; i++) {
        d[i] = new_function(r, "rng");
        assert_true(pci_attach(bus, d[i], (int)(i + 1) << 3, &e));
        pci_set_intx(d[i], true);
        for (unsigned out = 0; out < 4; out++)
            assert_int_equal(r->irq[RIG_N_SLOTS + out],
                             i >= 3 || (out >= 1 && out <= i + 1));
    }
    for (unsigned i = 0; i < 4; i++)
        pci_set_intx(d[i], false);
    for (unsigned out = 0; out < 4; out++)
        assert_true(r->irq[RIG_N_SLOTS + out]);
    for (unsigned i = 4; i < 8; i++)
        pci_set_intx(d[i], false);
    for (unsigned out = 0; out < 4; out++)
        assert_false(r->irq[RIG_N_SLOTS + out]);
    /* Its own reset drops the lines, whatever the functions say. */
    pci_set_intx(d[0], true);
    assert_true(r->irq[RIG_N_SLOTS + 1]);
    device_reset(r->host);
    assert_false(r->irq[RIG_N_SLOTS + 1]);
    for (unsigned i = 0; i < 8; i++)
        device_free(&d[i]->dev);
}

/* The bridge may go before the functions on its bus. */
static void test_host_goes_first(void **state)
{
    struct rig *r = *state;
    struct pci_device *d = new_function(r, "rng");
    struct error e;

    assert_true(pci_attach(r->host->class->pci(r->host), d, -1, &e));
    pci_set_intx(d, true);
    device_free(r->host);
    r->host = NULL;
    pci_set_intx(d, false);
    device_reset(&d->dev);
    device_free(&d->dev);
}

static void test_snapshot(void **state)
{
    struct rig *r = *state;
    const struct field *table = r->host->class->fields;
    size_t size = state_size(table);
    uint8_t *bytes = malloc(size);
    struct pci_device *d = new_function(r, "rng");
    struct error e;

    assert_true(pci_attach(r->host->class->pci(r->host), d, 0x18, &e));
    pci_set_intx(d, true);
    state_save(table, r->host, bytes);
    pci_set_intx(d, false);
    assert_true(state_load(table, r->host, bytes, size, &e));
    /* It knows that slot 3 was on: another slot does not switch it off. */
    d->intx = true;
    pci_set_intx(d, false);
    assert_false(r->irq[RIG_N_SLOTS + 3]);
    free(bytes);
    device_free(&d->dev);
}

/* ----------------------------------------------------------------- tree */

/* A bridge from a tree; NULL and e if that is refused. */
static struct device *from_tree(struct harness *h, void *fdt, struct error *e)
{
    const struct device_class *cls =
        device_class_compatible("pci-host-ecam-generic");
    struct device *dev = device_new(cls, &h->env, "/pci", e);

    e->text[0] = 0;
    dev->fdt = fdt;
    dev->node = fdt_path_offset(fdt, "/pci@30000000");
    if (!device_create(dev, 4, e)) {
        device_free(dev);
        return NULL;
    }
    dev->fdt = NULL;
    dev->node = -1;
    return dev;
}

static int node(void *fdt)
{
    return fdt_path_offset(fdt, "/pci@30000000");
}

static void put(void *fdt, const char *name, const uint32_t *v, unsigned n)
{
    assert_int_equal(fdt_setprop(fdt, node(fdt), name, NULL, 0), 0);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(fdt_appendprop_u32(fdt, node(fdt), name, v[i]), 0);
}

#define PUT(fdt, name, ...)                                                    \
    put(fdt, name, (const uint32_t[]){__VA_ARGS__},                            \
        sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

static void expect_refused(struct harness *h, void *fdt, const char *text)
{
    struct error e;
    struct span s;

    assert_null(from_tree(h, fdt, &e));
    if (!strstr(e.text, text) || strncmp(e.text, "/pci: ", 6))
        fail_msg("'%s' is not in '%s'", text, e.text);
    /* Nothing stays behind. */
    assert_false(memory_find(h->memory, 0x3000000, &s));
    free(fdt);
}

static void test_bad_ranges(void **state)
{
    struct harness *h = harness_new();
    void *fdt;

    (void)state;
    fdt = rig_tree();
    fdt_delprop(fdt, node(fdt), "ranges");
    expect_refused(h, fdt, "no 'ranges'");
    fdt = rig_tree();
    PUT(fdt, "ranges", 0x1000000, 0, 0, 0, 0x3000000, 0);
    expect_refused(h, fdt, "'ranges' is 24 bytes long");
    fdt = rig_tree();
    PUT(fdt, "ranges", 0, 0, 0, 0, 0x3000000, 0, 0x10000);
    expect_refused(h, fdt, "'ranges': a range of configuration space");
    fdt = rig_tree();
    PUT(fdt, "ranges", 0x1000000, 0, 0, 0, 0x3000000, 0, 0x10000, 0x2000000, 0,
        0, 0, 0x5000000, 0, 0);
    expect_refused(h, fdt, "'ranges': a range of size 0x0");
    fdt = rig_tree();
    PUT(fdt, "ranges", 0x1000000, 0, 0, 0, 0x3000000, 0, 0x10000, 0x3000000,
        0xffffffff, 0xffff0000, 4, 0, 0, 0x10001);
    expect_refused(h, fdt, "'ranges': a range of size");
    fdt = rig_tree();
    PUT(fdt, "ranges", 0x3000000, 4, 0, 0xffffffff, 0xffff0000, 0, 0x10001);
    expect_refused(h, fdt, "'ranges'");
    fdt = rig_tree();
    fdt_setprop(fdt, node(fdt), "ranges", NULL, 0);
    for (unsigned i = 0; i < 9; i++) {
        const uint32_t one[] = {
            0x2000000, 0, i << 20, 0, 0x40000000 + (i << 20), 0, 1 << 20};

        for (unsigned j = 0; j < 7; j++)
            fdt_appendprop_u32(fdt, node(fdt), "ranges", one[j]);
    }
    expect_refused(h, fdt, "'ranges': more than 8 ranges");
    fdt = rig_tree();
    fdt_setprop_u32(fdt, node(fdt), "#address-cells", 2);
    expect_refused(h, fdt, "#address-cells = <3>");
    fdt = rig_tree();
    fdt_setprop_u32(fdt, node(fdt), "#size-cells", 1);
    expect_refused(h, fdt, "#size-cells = <2>");
    fdt = rig_tree();
    fdt_setprop_u32(fdt, 0, "#address-cells", 3);
    expect_refused(h, fdt, "the parent's #address-cells");
    harness_free(h);
}

static void test_bad_interrupt_map(void **state)
{
    struct harness *h = harness_new();
    void *fdt;

    (void)state;
    fdt = rig_tree();
    fdt_delprop(fdt, node(fdt), "interrupt-map");
    expect_refused(h, fdt, "no 'interrupt-map'");
    fdt = rig_tree();
    PUT(fdt, "interrupt-map-mask", 0x1800, 0, 0);
    expect_refused(h, fdt, "'interrupt-map-mask' is not 4 cells");
    fdt = rig_tree();
    PUT(fdt, "interrupt-map", 0, 0, 0, 1, 9, 32);
    expect_refused(h, fdt, "phandle 9, which no node has");
    fdt = rig_tree();
    fdt_setprop_u32(fdt, fdt_path_offset(fdt, "/pic"), "#interrupt-cells", 5);
    expect_refused(h, fdt, "'interrupt-map' names pic, which has no");
    fdt = rig_tree();
    fdt_delprop(fdt, fdt_path_offset(fdt, "/pic"), "#interrupt-cells");
    expect_refused(h, fdt, "'interrupt-map' names pic, which has no");
    /* Cut short, in the middle of an entry. */
    fdt = rig_tree();
    PUT(fdt, "interrupt-map", 0, 0, 0, 1, 1);
    expect_refused(h, fdt, "nothing for pin 1 of slot 0");
    fdt = rig_tree();
    PUT(fdt, "interrupt-map", 0, 0, 0, 1, 1, 32, 0, 0, 0, 2, 1, 33);
    expect_refused(h, fdt, "nothing for pin 3 of slot 0");
    /* All slots alike: that is not how we wire them. */
    fdt = rig_tree();
    PUT(fdt, "interrupt-map-mask", 0, 0, 0, 7);
    expect_refused(h, fdt, "sends pin 1 of slot 1 elsewhere");
    harness_free(h);
}

/* Bus addresses that are not CPU addresses; a parent of one cell. */
static void test_translation(void **state)
{
    struct harness *h = harness_new();
    struct device *dev, *card;
    struct pci_bus *bus;
    void *fdt = rig_tree();
    struct error e;
    uint64_t v;

    (void)state;
    fdt_setprop_u32(fdt, 0, "#address-cells", 1);
    PUT(fdt, "ranges", 0x2000000, 0, 0x80000000, 0x50000000, 0, 0x100000,
        0x43000000, 7, 0, 0x60000000, 0, 0x100000);
    dev = from_tree(h, fdt, &e);
    assert_non_null(dev);
    bus = dev->class->pci(dev);
    card = device_new(device_class_named("virtio-rng-pci"), &h->env, "x", &e);
    assert_true(device_create(card, 0, &e));
    assert_true(pci_attach(bus, (struct pci_device *)card, 8, &e));
    device_reset(card);
    pci_config_write(bus, 8, PCI_COMMAND, 2, 2);
    pci_config_write(bus, 8, 0x20, 0x80004000, 4);
    /* 16 bits at 0x12 of the common configuration: one queue. */
    assert_int_equal(memory_read(h->memory, 0x50004012, 2, &v), BUS_OK);
    assert_int_equal(v, 1);
    pci_config_write(bus, 8, 0x20, 0x8000, 4);
    pci_config_write(bus, 8, 0x24, 7, 4);
    assert_int_equal(memory_read(h->memory, 0x60008012, 2, &v), BUS_OK);
    assert_int_equal(v, 1);
    assert_int_equal(memory_read(h->memory, 0x50004012, 2, &v), BUS_OK);
    assert_int_equal(v, 0xffff);
    device_free(card);
    device_free(dev);
    harness_free(h);
    free(fdt);
}

static void test_route(void **state)
{
    struct pci_route r;
    struct error e;
    void *fdt = rig_tree();

    (void)state;
    for (unsigned slot = 0; slot < 32; slot++) {
        for (unsigned pin = 0; pin < 4; pin++) {
            assert_true(pci_interrupt_route(fdt, node(fdt), slot, pin, &r, &e));
            assert_int_equal(r.controller, fdt_path_offset(fdt, "/pic"));
            assert_int_equal(r.n, 1);
            assert_int_equal(r.cells[0], 32 + (slot + pin) % 4);
        }
    }
    /* A controller with an address, and without a mask. */
    fdt_setprop_u32(fdt, fdt_path_offset(fdt, "/pic"), "#address-cells", 2);
    fdt_setprop_u32(fdt, fdt_path_offset(fdt, "/pic"), "#interrupt-cells", 3);
    fdt_delprop(fdt, node(fdt), "interrupt-map-mask");
    PUT(fdt, "interrupt-map", 0x800, 0, 0, 1, 1, 91, 92, 1, 2, 3, 0x1000, 0, 0,
        4, 1, 93, 94, 4, 5, 6);
    assert_true(pci_interrupt_route(fdt, node(fdt), 2, 3, &r, &e));
    assert_int_equal(r.n, 3);
    assert_int_equal(r.cells[0], 4);
    assert_int_equal(r.cells[2], 6);
    assert_false(pci_interrupt_route(fdt, node(fdt), 2, 2, &r, &e));
    assert_false(pci_interrupt_route(fdt, node(fdt), 3, 3, &r, &e));
    free(fdt);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_bridge),
        TEST(test_ecam),
        TEST(test_background),
        TEST(test_swizzle),
        TEST(test_host_goes_first),
        TEST(test_snapshot),
        cmocka_unit_test(test_bad_ranges),
        cmocka_unit_test(test_bad_interrupt_map),
        cmocka_unit_test(test_translation),
        cmocka_unit_test(test_route),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
