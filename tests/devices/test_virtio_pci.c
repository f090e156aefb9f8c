/*
 * The PCI transport's own: identity, capabilities, the BAR, access through
 * the configuration space, INTx, bus mastering.
 */
#include "tests/devices/virtio_rig.h"

#include <stdlib.h>
#include <string.h>

#include "devices/virtio/virtio_class.h"

struct fixture {
    struct rig rig;
    struct vdev d;
    unsigned fn; /* devfn */
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    const char *properties[] = {"drive=d0", NULL};

    assert_non_null(f);
    rig_init(&f->rig);
    vdev_plug(&f->d, &f->rig, ON_PCI, "virtio-blk", properties);
    f->fn = f->d.slot << 3;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    device_free(f->d.dev);
    rig_fini(&f->rig);
    free(f);
    return 0;
}

static uint32_t cfg(struct fixture *f, unsigned offset, unsigned size)
{
    return rig_config_read(&f->rig, f->fn, offset, size);
}

static void set_cfg(struct fixture *f, unsigned offset, uint32_t v,
                    unsigned size)
{
    rig_config_write(&f->rig, f->fn, offset, v, size);
}

static void test_identity(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *name;
        unsigned device, class;
        const char *property;
    } types[] = {{"virtio-console-pci", 0x1043, 0x078000, "chardev=c0"},
                 {"virtio-rng-pci", 0x1044, 0x00ff00, NULL}};
    struct error e;

    assert_int_equal(cfg(f, 0, 4), 0x10421af4);
    assert_int_equal(cfg(f, 8, 4), 0x01000001);
    assert_int_equal(cfg(f, 0x2c, 2), 0x1af4);
    assert_true(cfg(f, 0x2e, 2) >= 0x40);
    assert_int_equal(cfg(f, 0x3d, 1), 1);
    for (unsigned i = 0; i < 2; i++) {
        const char *properties[] = {types[i].property, NULL};
        struct device *dev =
            rig_device(&f->rig, types[i].name, "x", properties);

        assert_true(device_class_is_pci(dev->class));
        assert_true(pci_attach(f->rig.host->class->pci(f->rig.host),
                               (struct pci_device *)dev, 0x50, &e));
        device_reset(dev);
        assert_int_equal(rig_config_read(&f->rig, 0x50, 2, 2), types[i].device);
        assert_int_equal(rig_config_read(&f->rig, 0x50, 8, 4),
                         types[i].class << 8 | 1);
        device_free(dev);
        assert_int_equal(rig_config_read(&f->rig, 0x50, 0, 4), 0xffffffff);
    }
}

/* The offset of the capability of a type, and how many of it there are. */
static unsigned find_cap(struct fixture *f, unsigned type, unsigned *count)
{
    unsigned found = 0;

    *count = 0;
    assert_true(cfg(f, PCI_STATUS, 2) & PCI_STATUS_CAPABILITIES);
    for (unsigned at = cfg(f, 0x34, 1), n = 0; at; at = cfg(f, at + 1, 1)) {
        assert_true(at >= 0x40 && at % 4 == 0 && n++ < 20);
        if (cfg(f, at, 1) == PCI_CAPABILITY_MSIX)
            continue;
        assert_int_equal(cfg(f, at, 1), 9);
        assert_true(at + cfg(f, at + 2, 1) <= 256);
        if (cfg(f, at + 3, 1) == type) {
            found = at;
            (*count)++;
        }
    }
    return found;
}

static void test_capabilities(void **state)
{
    struct fixture *f = *state;
    uint32_t start[6] = {0}, end[6] = {0};

    for (unsigned type = 1; type <= 5; type++) {
        unsigned count, at = find_cap(f, type, &count);
        uint32_t offset = cfg(f, at + 8, 4), length = cfg(f, at + 12, 4);

        assert_int_equal(count, 1);
        assert_int_equal(cfg(f, at + 2, 1), type == 2 || type == 5 ? 20 : 16);
        if (type == 5) {
            assert_int_equal(length, 0);
            continue;
        }
        assert_int_equal(cfg(f, at + 4, 1), 4);
        assert_true(length > 0 && offset % 4 == 0);
        assert_true(offset + length <= 0x4000);
        for (unsigned i = 1; i < type; i++)
            assert_true(offset >= end[i] || offset + length <= start[i]);
        start[type] = offset;
        end[type] = offset + length;
        /* Nothing of it can be written. */
        for (unsigned i = 0; i < 16; i += 4) {
            uint32_t v = cfg(f, at + i, 4);

            set_cfg(f, at + i, ~v, 4);
            assert_int_equal(cfg(f, at + i, 4), v);
        }
    }
}

/* A device without a configuration space has no capability for it. */
static void test_no_device_cfg(void **state)
{
    struct fixture *f = *state;
    struct vdev rng;
    unsigned blk = f->fn, count;

    vdev_plug(&rng, &f->rig, ON_PCI, "virtio-rng", NULL);
    f->fn = rng.slot << 3;
    find_cap(f, 4, &count);
    assert_int_equal(count, 0);
    find_cap(f, 1, &count);
    assert_int_equal(count, 1);
    assert_int_equal(vdev_config(&rng, 0, 4), 0);
    vdev_set_config(&rng, 0, 1, 4);
    f->fn = blk;
    device_free(rng.dev);
}

static void test_common_cfg(void **state)
{
    struct fixture *f = *state;
    struct vdev *d = &f->d;
    struct rig *r = &f->rig;

    assert_int_equal(rig_read(r, d->base + 0x12, 2), 1); /* num_queues */
    assert_int_equal(rig_read(r, d->base + 0x10, 2), 0xffff);
    rig_write(r, d->base + 0x10, 1, 2);
    assert_int_equal(rig_read(r, d->base + 0x10, 2), 1);
    rig_write(r, d->base + 0x10, 2, 2); /* there are two vectors */
    assert_int_equal(rig_read(r, d->base + 0x10, 2), 0xffff);
    vdev_select(d, 0);
    assert_int_equal(rig_read(r, d->base + 0x16, 2), 0);
    assert_int_equal(rig_read(r, d->base + 0x18, 2), 256);
    rig_write(r, d->base + 0x1a, 0, 2);
    assert_int_equal(rig_read(r, d->base + 0x1a, 2), 0);
    rig_write(r, d->base + 0x1a, 3, 2);
    assert_int_equal(rig_read(r, d->base + 0x1a, 2), 0xffff);
    assert_int_equal(rig_read(r, d->base + 0x1e, 2), 0);
    rig_write(r, d->base + 0x18, 64, 2);
    assert_int_equal(rig_read(r, d->base + 0x18, 2), 64);
    for (unsigned at = 0x20; at < 0x38; at += 4) {
        rig_write(r, d->base + at, 0x11223344 + at, 4);
        assert_int_equal(rig_read(r, d->base + at, 4), 0x11223344 + at);
    }
    assert_true(d->virtio->queue[0].driver == 0x112233701122336c);
    /* Selectors read back; no queue, no registers. */
    rig_write(r, d->base + 0, 7, 4);
    assert_int_equal(rig_read(r, d->base + 0, 4), 7);
    assert_int_equal(rig_read(r, d->base + 4, 4), 0);
    rig_write(r, d->base + 8, 9, 4);
    assert_int_equal(rig_read(r, d->base + 8, 4), 9);
    assert_int_equal(rig_read(r, d->base + 12, 4), 0);
    vdev_select(d, 1);
    for (unsigned at = 0x18; at < 0x20; at += 2)
        assert_int_equal(rig_read(r, d->base + at, 2), 0);
    for (unsigned at = 0x20; at < 0x38; at += 4)
        assert_int_equal(rig_read(r, d->base + at, 4), 0);
    /* Registers of features that are not offered, and beyond. */
    for (unsigned at = 0x38; at < 0x100; at += 2)
        assert_int_equal(rig_read(r, d->base + at, 2), 0);
}

static void test_widths(void **state)
{
    struct fixture *f = *state;
    struct rig *r = &f->rig;
    uint64_t v;

    vdev_set_status(&f->d, 1);
    rig_log(r);
    assert_int_equal(rig_read(r, f->d.base + 0x14, 2), 0);
    rig_write(r, f->d.base + 0x14, 3, 4);
    assert_non_null(strstr(rig_log(r), "access of 4 bytes"));
    assert_int_equal(vdev_status(&f->d), 1);
    assert_int_equal(rig_read(r, f->d.base + 4, 1), 0);
    assert_int_equal(rig_read(r, f->d.base + 0x16, 1), 0);
    assert_int_equal(memory_read(r->memory, f->d.base, 8, &v), BUS_REFUSED);
}

static void test_config_access(void **state)
{
    struct fixture *f = *state;
    unsigned count, cap = find_cap(f, 5, &count);

    /* Status, one byte: write, and read it back both ways. */
    set_cfg(f, cap + 4, 4, 1);
    set_cfg(f, cap + 8, 0x14, 4);
    set_cfg(f, cap + 12, 1, 4);
    set_cfg(f, cap + 16, 3, 1);
    assert_int_equal(vdev_status(&f->d), 3);
    assert_int_equal(cfg(f, cap + 16, 4) & 0xff, 3);
    /* The disk's capacity: 2048 sectors, by any width of ours. */
    set_cfg(f, cap + 8, 0x2000, 4);
    set_cfg(f, cap + 12, 4, 4);
    assert_int_equal(cfg(f, cap + 16, 4), 2048);
    assert_int_equal(cfg(f, cap + 17, 1), 8);
    set_cfg(f, cap + 12, 2, 4);
    assert_int_equal(cfg(f, cap + 16, 2), 2048);
    /* It works while memory decoding is off, and with no BAR at all. */
    set_cfg(f, PCI_COMMAND, 0, 2);
    assert_int_equal(cfg(f, cap + 16, 2), 2048);
}

static void test_config_access_bad(void **state)
{
    struct fixture *f = *state;
    unsigned count, cap = find_cap(f, 5, &count);
    static const struct {
        uint32_t bar, offset, length;
    } bad[] = {{0, 0x14, 1},       {5, 0x14, 1},   {255, 0x14, 1},
               {4, 0x14, 0},       {4, 0x14, 3},   {4, 0x14, 8},
               {4, 0x14, ~0u},     {4, 0x4000, 1}, {4, 0x3fff, 2},
               {4, 0x3ffe, 4},     {4, ~0u, 1},    {4, ~3u, 4},
               {4, 0x80000014, 1}, {4, 1, 2},      {4, 2, 4}};

    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        set_cfg(f, cap + 4, bad[i].bar, 1);
        set_cfg(f, cap + 8, bad[i].offset, 4);
        set_cfg(f, cap + 12, bad[i].length, 4);
        set_cfg(f, cap + 16, 1, 4);
        assert_int_equal(cfg(f, cap + 16, 4), 1); /* just bytes */
        assert_int_equal(vdev_status(&f->d), 0);
    }
}

static void offer_flush(struct fixture *f)
{
    uint64_t header = RIG_BUFFERS;

    rig_write(&f->rig, header, 4, 8);
    rig_write(&f->rig, header + 8, 0, 8);
    put_desc(&f->rig, f->d.ring[0].desc, 0, header, 16, DESC_NEXT, 1);
    put_desc(&f->rig, f->d.ring[0].desc, 1, header + 16, 1, DESC_WRITE, 0);
    vdev_offer(&f->d, 0, 0);
}

static void test_isr(void **state)
{
    struct fixture *f = *state;
    uint64_t isr = f->d.base + 0x1000;

    vdev_start(&f->d, 0, 1, 8);
    assert_int_equal(rig_read(&f->rig, isr, 1), 0);
    offer_flush(f);
    vdev_notify(&f->d, 0);
    assert_true(vdev_irq(&f->d));
    assert_true(cfg(f, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
    virtio_config_changed(f->d.virtio);
    assert_int_equal(rig_read(&f->rig, isr + 1, 1), 0);
    assert_int_equal(rig_read(&f->rig, isr + 4, 4), 0);
    assert_true(vdev_irq(&f->d));
    assert_int_equal(rig_read(&f->rig, isr, 4), 3); /* and cleared */
    assert_false(vdev_irq(&f->d));
    assert_false(cfg(f, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
    assert_int_equal(rig_read(&f->rig, isr, 1), 0);
}

static void test_intx_disable(void **state)
{
    struct fixture *f = *state;

    vdev_start(&f->d, 0, 1, 8);
    set_cfg(f, PCI_COMMAND, 0x406, 2);
    offer_flush(f);
    vdev_notify(&f->d, 0);
    assert_false(vdev_irq(&f->d));
    assert_true(cfg(f, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
    set_cfg(f, PCI_COMMAND, 6, 2);
    assert_true(vdev_irq(&f->d));
    set_cfg(f, PCI_COMMAND + 1, 4, 1);
    assert_false(vdev_irq(&f->d));
    set_cfg(f, PCI_COMMAND + 1, 0, 1);
    assert_int_equal(vdev_take_isr(&f->d), 1);
}

/* -- MSI-X -- */

/* Messages go to RAM, where the test reads them. */
#define MAILBOX (RIG_BUFFERS + 0x8000)

static uint32_t mail(struct fixture *f, unsigned vector)
{
    uint32_t got = (uint32_t)rig_read(&f->rig, MAILBOX + 4 * vector, 4);

    rig_write(&f->rig, MAILBOX + 4 * vector, 0, 4);
    return got;
}

/* The table's BAR, and what an entry says. */
static uint64_t msix_bar(struct fixture *f)
{
    uint64_t bar = RIG_PCI_MEMORY + 0x100000;

    set_cfg(f, 0x14, (uint32_t)bar, 4);
    return bar;
}

static unsigned enable_msix(struct fixture *f, uint64_t bar)
{
    unsigned at = cfg(f, 0x34, 1);

    while (at && cfg(f, at, 1) != PCI_CAPABILITY_MSIX)
        at = cfg(f, at + 1, 1);
    assert_true(at);
    assert_int_equal(cfg(f, at + 2, 2), 1); /* vectors, less one */
    assert_int_equal(cfg(f, at + 4, 4), 1); /* BAR 1 */
    assert_int_equal(cfg(f, at + 8, 4), PCI_MSIX_PBA | 1);
    for (unsigned v = 0; v < 2; v++) {
        rig_write(&f->rig, bar + 16 * v, MAILBOX + 4 * v, 8);
        rig_write(&f->rig, bar + 16 * v + 8, 0x70 + v, 4);
        rig_write(&f->rig, bar + 16 * v + 12, 0, 4);
    }
    set_cfg(f, at + 2, 0x8000, 2);
    return at;
}

static void test_msix(void **state)
{
    struct fixture *f = *state;
    uint64_t bar = msix_bar(f);

    vdev_start(&f->d, 0, 1, 8);
    enable_msix(f, bar);
    rig_write(&f->rig, f->d.base + 0x10, 0, 2);
    vdev_select(&f->d, 0);
    rig_write(&f->rig, f->d.base + 0x1a, 1, 2);
    assert_int_equal(rig_read(&f->rig, f->d.base + 0x1a, 2), 1);
    offer_flush(f);
    vdev_notify(&f->d, 0);
    assert_int_equal(mail(f, 1), 0x71);
    assert_int_equal(mail(f, 0), 0);
    virtio_config_changed(f->d.virtio);
    assert_int_equal(mail(f, 0), 0x70);
    assert_int_equal(mail(f, 1), 0);
    assert_false(vdev_irq(&f->d));
    assert_false(cfg(f, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
    /* NO_VECTOR: nobody is told. */
    rig_write(&f->rig, f->d.base + 0x10, 0xffff, 2);
    virtio_config_changed(f->d.virtio);
    assert_int_equal(mail(f, 0) + mail(f, 1), 0);
    /* A reset by the driver takes the vectors back, not the table. */
    vdev_set_status(&f->d, 0);
    vdev_select(&f->d, 0);
    assert_int_equal(rig_read(&f->rig, f->d.base + 0x1a, 2), 0xffff);
    assert_int_equal(rig_read(&f->rig, bar + 16, 4), MAILBOX + 4);
}

/* Switched off, the pin is back. */
static void test_msix_off(void **state)
{
    struct fixture *f = *state;
    unsigned at = enable_msix(f, msix_bar(f));

    vdev_start(&f->d, 0, 1, 8);
    set_cfg(f, at + 2, 0, 2);
    vdev_select(&f->d, 0);
    rig_write(&f->rig, f->d.base + 0x1a, 1, 2);
    offer_flush(f);
    vdev_notify(&f->d, 0);
    assert_int_equal(mail(f, 1), 0);
    assert_true(vdev_irq(&f->d));
    /* Switched on with the pin up: it is idle at once. */
    set_cfg(f, at + 2, 0x8000, 2);
    assert_false(vdev_irq(&f->d));
}

/* Without Bus Master it touches no memory; it goes on when that comes. */
static void test_bus_master(void **state)
{
    struct fixture *f = *state;

    vdev_start(&f->d, 0, 1, 8);
    set_cfg(f, PCI_COMMAND, 2, 2);
    offer_flush(f);
    vdev_notify(&f->d, 0);
    assert_int_equal(vdev_used(&f->d, 0), 0);
    assert_int_equal(f->d.virtio->queue[0].last_avail, 0);
    set_cfg(f, PCI_COMMAND, 6, 2);
    assert_int_equal(vdev_used(&f->d, 0), 1);
}

/* Each queue has an address of its own for notifications. */
static void test_notify_address(void **state)
{
    struct fixture *f = *state;
    uint64_t notify = f->d.base + 0x3000;

    vdev_start(&f->d, 0, 1, 8);
    offer_flush(f);
    rig_write(&f->rig, notify + 4, 0, 2);
    rig_write(&f->rig, notify + 0xffe, 0, 2);
    assert_int_equal(vdev_used(&f->d, 0), 0);
    rig_write(&f->rig, notify, 0, 4);
    assert_int_equal(vdev_used(&f->d, 0), 1);
    assert_int_equal(rig_read(&f->rig, notify, 2), 0);
}

static void test_bar_move(void **state)
{
    struct fixture *f = *state;
    uint64_t old = f->d.base;

    assert_int_equal(rig_read(&f->rig, old + 0x2000, 4), 2048);
    set_cfg(f, 0x20, 0x10000, 4);
    assert_int_equal(rig_read(&f->rig, old + 0x2000, 4), 0xffffffff);
    f->d.base = RIG_PCI_HIGH + 0x10000;
    assert_int_equal(rig_read(&f->rig, f->d.base + 0x2000, 4), 2048);
    vdev_start(&f->d, 0, 1, 8);
    /* Into the 32-bit window. */
    set_cfg(f, 0x24, 0, 4);
    set_cfg(f, 0x20, RIG_PCI_MEMORY + 0x4000, 4);
    assert_int_equal(rig_read(&f->rig, RIG_PCI_MEMORY + 0x6000, 4), 2048);
    /* A reset of the machine takes it away. */
    device_reset(f->d.dev);
    assert_int_equal(rig_read(&f->rig, RIG_PCI_MEMORY + 0x6000, 4), 0xffffffff);
    assert_int_equal(cfg(f, 0x20, 4), 0xc);
}

/* A snapshot brings the BAR back to where it was. */
static void test_snapshot(void **state)
{
    struct fixture *f = *state;
    const struct field *table = f->d.dev->class->fields;
    size_t size = state_size(table);
    uint8_t *bytes = malloc(size);
    struct error e;

    vdev_start(&f->d, 0, 1, 8);
    state_save(table, f->d.dev, bytes);
    device_reset(f->d.dev);
    assert_true(state_load(table, f->d.dev, bytes, size, &e));
    f->d.dev->class->loaded(f->d.dev);
    free(bytes);
    assert_int_equal(vdev_status(&f->d), 15);
    offer_flush(f);
    vdev_notify(&f->d, 0);
    assert_int_equal(vdev_used(&f->d, 0), 1);
    assert_int_equal(vdev_take_isr(&f->d), 1);
}

/* Scripts that ask for the modern interface get it, others an error. */
static void test_interface(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *properties[3], *message;
    } t[] = {
        {{"disable-legacy=on", "disable-modern=off"}, NULL},
        {{"disable-legacy=auto"}, NULL},
        {{"disable-legacy=off"}, "disable-legacy='off'"},
        {{"disable-legacy=1"}, "disable-legacy='1'"},
        {{"disable-modern=on"}, "disable-modern='on'"},
    };

    for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        if (t[i].message) {
            struct error e =
                rig_refused(&f->rig, "virtio-rng-pci", t[i].properties);

            assert_non_null(strstr(e.text, t[i].message));
        } else {
            device_free(
                rig_device(&f->rig, "virtio-rng-pci", "x", t[i].properties));
        }
    }
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_msix),
        TEST(test_msix_off),
        TEST(test_identity),
        TEST(test_capabilities),
        TEST(test_no_device_cfg),
        TEST(test_common_cfg),
        TEST(test_widths),
        TEST(test_config_access),
        TEST(test_config_access_bad),
        TEST(test_isr),
        TEST(test_intx_disable),
        TEST(test_bus_master),
        TEST(test_notify_address),
        TEST(test_bar_move),
        TEST(test_snapshot),
        TEST(test_interface),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
