#include "tests/devices/virtio_rig.h"

#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/virtio/virtio_class.h"

static void set_irq(void *listener, unsigned line, bool level)
{
    struct rig *r = listener;

    r->irq[line] = level;
}

static void add_ram(struct rig *r, struct ram **ram, struct region *region,
                    enum region_kind kind, uint64_t base, uint64_t size)
{
    struct error e;

    assert_true(ram_new(ram, size, &e));
    *region = (struct region){.name = kind == REGION_RAM ? "ram" : "rom",
                              .kind = kind,
                              .base = base,
                              .size = size,
                              .enabled = true,
                              .ram = *ram};
    assert_true(memory_add(r->memory, region, &e));
}

struct device *rig_device(struct rig *r, const char *cls, const char *path,
                          const char *const *properties)
{
    const struct device_class *c = device_class_named(cls);
    struct error e = {""};
    struct device *dev;

    assert_non_null(c);
    dev = device_new(c, &r->h->env, path, &e);
    assert_non_null(dev);
    for (; properties && *properties; properties++) {
        const char *eq = strchr(*properties, '=');
        char name[64];

        snprintf(name, sizeof(name), "%.*s", (int)(eq - *properties),
                 *properties);
        if (!device_set(dev, &r->h->backends, name, eq + 1, &e))
            fail_msg("%s", e.text);
    }
    if (!strcmp(cls, "pci-host-ecam-generic")) {
        dev->fdt = r->fdt;
        dev->node = fdt_path_offset(r->fdt, "/pci@30000000");
    }
    if (!device_create(dev, c->n_outputs, &e))
        fail_msg("%s", e.text);
    dev->fdt = NULL;
    dev->node = -1;
    return dev;
}

struct error rig_refused(struct rig *r, const char *cls,
                         const char *const *properties)
{
    const struct device_class *c = device_class_named(cls);
    struct device *dev = device_new(c, &r->h->env, "dev", NULL);
    struct error e = {""};
    bool ok = true;

    for (; ok && properties && *properties; properties++) {
        const char *eq = strchr(*properties, '=');
        char name[64];

        snprintf(name, sizeof(name), "%.*s", (int)(eq - *properties),
                 *properties);
        ok = device_set(dev, &r->h->backends, name, eq + 1, &e);
    }
    assert_false(ok && device_create(dev, c->n_outputs, &e));
    assert_true(e.text[0] && !strchr(e.text, '\n'));
    device_free(dev);
    return e;
}

static void cell(void *fdt, int node, const char *name, uint32_t v)
{
    assert_int_equal(fdt_setprop_u32(fdt, node, name, v), 0);
}

static void cells(void *fdt, int node, const char *name, const uint32_t *v,
                  unsigned n)
{
    assert_int_equal(fdt_setprop(fdt, node, name, NULL, 0), 0);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(fdt_appendprop_u32(fdt, node, name, v[i]), 0);
}

static void put_interrupt_map(void *fdt, int node)
{
    static const uint32_t mask[] = {0x1800, 0, 0, 7};

    cells(fdt, node, "interrupt-map-mask", mask, 4);
    cells(fdt, node, "interrupt-map", NULL, 0);
    for (unsigned slot = 0; slot < 4; slot++) {
        for (unsigned pin = 0; pin < 4; pin++) {
            uint32_t entry[] = {slot << 11, 0, 0,
                                pin + 1,    1, 32 + (slot + pin) % 4};

            for (unsigned i = 0; i < 6; i++)
                assert_int_equal(
                    fdt_appendprop_u32(fdt, node, "interrupt-map", entry[i]),
                    0);
        }
    }
}

void *rig_tree(void)
{
    static const uint32_t ranges[] = {0x1000000,  0,
                                      0,          0,
                                      RIG_PCI_IO, 0,
                                      0x10000,    0x2000000,
                                      0,          RIG_PCI_MEMORY,
                                      0,          RIG_PCI_MEMORY,
                                      0,          RIG_PCI_MEMORY_SIZE,
                                      0x3000000,  4,
                                      0,          4,
                                      0,          4,
                                      0};
    size_t size = 8192;
    void *fdt = malloc(size);
    int pic, pci;

    assert_int_equal(fdt_create_empty_tree(fdt, (int)size), 0);
    cell(fdt, 0, "#address-cells", 2);
    cell(fdt, 0, "#size-cells", 2);
    pic = fdt_add_subnode(fdt, 0, "pic");
    cell(fdt, pic, "phandle", 1);
    cell(fdt, pic, "#interrupt-cells", 1);
    pci = fdt_add_subnode(fdt, 0, "pci@30000000");
    cell(fdt, pci, "#address-cells", 3);
    cell(fdt, pci, "#size-cells", 2);
    cell(fdt, pci, "#interrupt-cells", 1);
    cells(fdt, pci, "ranges", ranges, sizeof(ranges) / sizeof(ranges[0]));
    put_interrupt_map(fdt, pci);
    return fdt;
}

static void make_slots(struct rig *r)
{
    struct error e;

    for (unsigned i = 0; i < RIG_N_SLOTS; i++) {
        char path[32];

        snprintf(path, sizeof(path), "/virtio_mmio@%x", RIG_SLOTS + i * 0x1000);
        r->slot[i] = rig_device(r, "virtio-mmio", path, NULL);
        assert_true(
            device_map(r->slot[i], 0, RIG_SLOTS + i * 0x1000, 0x1000, &e));
        r->slot[i]->out[0] = (struct wire){set_irq, r, i};
        device_reset(r->slot[i]);
    }
}

/* Every byte of it differs from its neighbours, in the next sector too. */
static void make_disk(struct rig *r)
{
    r->disk = harness_disk(r->h, "d0");
    r->disk->block.size = RIG_DISK_SIZE;
    r->disk->data = realloc(r->disk->data, RIG_DISK_SIZE);
    assert_non_null(r->disk->data);
    for (unsigned i = 0; i < RIG_DISK_SIZE; i++)
        r->disk->data[i] = (uint8_t)(i ^ i >> 9);
}

void rig_init(struct rig *r)
{
    struct error e;

    memset(r, 0, sizeof(*r));
    r->h = harness_new();
    r->memory = r->h->memory;
    r->line = harness_chardev(r->h, "c0");
    make_disk(r);
    add_ram(r, &r->ram, &r->ram_region, REGION_RAM, RIG_RAM, RIG_RAM_SIZE);
    add_ram(r, &r->rom, &r->rom_region, REGION_ROM, RIG_ROM, RIG_ROM_SIZE);
    r->fdt = rig_tree();
    make_slots(r);
    r->host = rig_device(r, "pci-host-ecam-generic", "/pci@30000000", NULL);
    assert_true(device_map(r->host, 0, RIG_ECAM, 0x10000000, &e));
    for (unsigned i = 0; i < 4; i++)
        r->host->out[i] = (struct wire){set_irq, r, RIG_N_SLOTS + i};
    device_reset(r->host);
}

void rig_fini(struct rig *r)
{
    for (unsigned i = 0; i < RIG_N_SLOTS; i++)
        device_free(r->slot[i]);
    device_free(r->host);
    memory_remove(&r->ram_region);
    memory_remove(&r->rom_region);
    harness_free(r->h);
    ram_free(r->ram);
    ram_free(r->rom);
    free(r->fdt);
}

const char *rig_log(struct rig *r)
{
    const char *text = harness_log(r->h) + r->log_seen;

    r->log_seen = r->h->log_size;
    /* A new second for the rate limit. */
    r->h->log.window_start_ns = 0;
    r->h->log.in_window = 0;
    return text;
}

bool rig_timers(struct rig *r)
{
    uint64_t due = clock_deadline(r->h->clock), now = clock_ns(r->h->clock);

    if (due == CLOCK_NEVER)
        return false;
    harness_advance(r->h, due > now ? due - now : 0);
    return true;
}

uint64_t rig_read(struct rig *r, uint64_t pa, unsigned size)
{
    uint64_t v = 0;

    assert_int_equal(memory_read(r->memory, pa, size, &v), BUS_OK);
    return v;
}

void rig_write(struct rig *r, uint64_t pa, uint64_t value, unsigned size)
{
    assert_int_equal(memory_write(r->memory, pa, size, value), BUS_OK);
}

static uint64_t config_address(unsigned devfn, unsigned offset)
{
    return RIG_ECAM + ((uint64_t)devfn << 12) + offset;
}

uint32_t rig_config_read(struct rig *r, unsigned devfn, unsigned offset,
                         unsigned size)
{
    return (uint32_t)rig_read(r, config_address(devfn, offset), size);
}

void rig_config_write(struct rig *r, unsigned devfn, unsigned offset,
                      uint32_t value, unsigned size)
{
    rig_write(r, config_address(devfn, offset), value, size);
}

/* -------------------------------------------------------------- driver */

/* Registers of 4.2.2, and offsets in the BAR of virtio_pci.c. */
enum {
    MMIO_SEL = 0x14,
    MMIO_FEATURES = 0x10,
    MMIO_DRIVER_SEL = 0x24,
    MMIO_DRIVER_FEATURES = 0x20,
    MMIO_QUEUE_SEL = 0x30,
    MMIO_QUEUE_MAX = 0x34,
    MMIO_QUEUE_NUM = 0x38,
    MMIO_READY = 0x44,
    MMIO_NOTIFY = 0x50,
    MMIO_ISR = 0x60,
    MMIO_ACK = 0x64,
    MMIO_STATUS = 0x70,
    MMIO_DESC = 0x80,
    MMIO_AVAIL = 0x90,
    MMIO_USED = 0xa0,
    MMIO_GENERATION = 0xfc,
    MMIO_CONFIG = 0x100
};
enum { PCI_ISR = 0x1000, PCI_CONFIG = 0x2000, PCI_NOTIFY = 0x3000 };

static bool on_mmio(const struct vdev *d)
{
    return d->transport == ON_MMIO;
}

void vdev_attach(struct vdev *d, struct rig *r, enum transport t,
                 struct device *dev)
{
    struct error e;

    memset(d, 0, sizeof(*d));
    d->rig = r;
    d->transport = t;
    d->dev = dev;
    if (on_mmio(d)) {
        while (!virtio_mmio_is_free(r->slot[d->slot]))
            d->slot++;
        assert_true(virtio_mmio_plug(r->slot[d->slot], d->dev, &e));
        d->virtio = &((struct virtio_device *)d->dev)->virtio;
        d->base = RIG_SLOTS + d->slot * 0x1000;
        device_reset(d->dev);
        return;
    }
    assert_true(pci_attach(r->host->class->pci(r->host),
                           (struct pci_device *)d->dev, -1, &e));
    d->virtio = &((struct virtio_pci *)d->dev)->virtio;
    d->slot = ((struct pci_device *)d->dev)->devfn >> 3;
    d->base = RIG_PCI_HIGH + d->slot * 0x4000;
    device_reset(d->dev);
    rig_config_write(r, d->slot << 3, 0x20, (uint32_t)d->base, 4);
    rig_config_write(r, d->slot << 3, 0x24, (uint32_t)(d->base >> 32), 4);
    rig_config_write(r, d->slot << 3, PCI_COMMAND, 6, 2);
}

void vdev_plug(struct vdev *d, struct rig *r, enum transport t,
               const char *name, const char *const *properties)
{
    char cls[64];

    snprintf(cls, sizeof(cls), "%s-%s", name, t == ON_MMIO ? "device" : "pci");
    vdev_attach(d, r, t, rig_device(r, cls, "dev", properties));
}

/* A register: its place on each transport, and its width on PCI. */
static uint64_t get(struct vdev *d, unsigned mmio, unsigned pci, unsigned size)
{
    return on_mmio(d) ? rig_read(d->rig, d->base + mmio, 4)
                      : rig_read(d->rig, d->base + pci, size);
}

static void set(struct vdev *d, unsigned mmio, unsigned pci, unsigned size,
                uint64_t v)
{
    if (on_mmio(d))
        rig_write(d->rig, d->base + mmio, v, 4);
    else
        rig_write(d->rig, d->base + pci, v, size);
}

uint8_t vdev_status(struct vdev *d)
{
    return (uint8_t)get(d, MMIO_STATUS, 0x14, 1);
}

void vdev_set_status(struct vdev *d, uint8_t status)
{
    set(d, MMIO_STATUS, 0x14, 1, status);
}

uint64_t vdev_features(struct vdev *d)
{
    uint64_t f = 0;

    for (unsigned i = 0; i < 2; i++) {
        set(d, MMIO_SEL, 0x00, 4, i);
        f |= get(d, MMIO_FEATURES, 0x04, 4) << 32 * i;
    }
    return f;
}

void vdev_set_features(struct vdev *d, uint64_t features)
{
    for (unsigned i = 0; i < 2; i++) {
        set(d, MMIO_DRIVER_SEL, 0x08, 4, i);
        set(d, MMIO_DRIVER_FEATURES, 0x0c, 4, (uint32_t)(features >> 32 * i));
    }
}

void vdev_select(struct vdev *d, unsigned queue)
{
    set(d, MMIO_QUEUE_SEL, 0x16, 2, queue);
}

unsigned vdev_queue_max(struct vdev *d)
{
    return (unsigned)get(d, MMIO_QUEUE_MAX, 0x18, 2);
}

static void set_address(struct vdev *d, unsigned mmio, unsigned pci, uint64_t v)
{
    set(d, mmio, pci, 4, (uint32_t)v);
    set(d, mmio + 4, pci + 4, 4, v >> 32);
}

void vdev_set_queue(struct vdev *d, unsigned size, uint64_t desc,
                    uint64_t avail, uint64_t used)
{
    set(d, MMIO_QUEUE_NUM, 0x18, 2, size);
    set_address(d, MMIO_DESC, 0x20, desc);
    set_address(d, MMIO_AVAIL, 0x28, avail);
    set_address(d, MMIO_USED, 0x30, used);
}

void vdev_enable(struct vdev *d)
{
    set(d, MMIO_READY, 0x1c, 2, 1);
}

bool vdev_enabled(struct vdev *d)
{
    return get(d, MMIO_READY, 0x1c, 2) == 1;
}

void vdev_notify(struct vdev *d, unsigned queue)
{
    set(d, MMIO_NOTIFY, PCI_NOTIFY + 4 * queue, 2, queue);
}

bool vdev_irq(struct vdev *d)
{
    return d->rig->irq[on_mmio(d) ? d->slot : RIG_N_SLOTS + d->slot % 4];
}

uint8_t vdev_take_isr(struct vdev *d)
{
    bool irq = vdev_irq(d);
    uint8_t isr = (uint8_t)get(d, MMIO_ISR, PCI_ISR, 1);

    assert_int_equal(irq, isr != 0);
    if (on_mmio(d)) {
        assert_int_equal(vdev_irq(d), irq);
        rig_write(d->rig, d->base + MMIO_ACK, isr, 4);
    }
    assert_false(vdev_irq(d));
    return isr;
}

static uint64_t config_base(const struct vdev *d)
{
    return d->base + (on_mmio(d) ? MMIO_CONFIG : PCI_CONFIG);
}

uint32_t vdev_config(struct vdev *d, unsigned offset, unsigned size)
{
    return (uint32_t)rig_read(d->rig, config_base(d) + offset, size);
}

void vdev_set_config(struct vdev *d, unsigned offset, uint32_t value,
                     unsigned size)
{
    rig_write(d->rig, config_base(d) + offset, value, size);
}

uint32_t vdev_generation(struct vdev *d)
{
    return (uint32_t)get(d, MMIO_GENERATION, 0x15, 1);
}

void vdev_negotiate(struct vdev *d, uint64_t features)
{
    vdev_set_status(d, 0);
    assert_int_equal(vdev_status(d), 0);
    vdev_set_status(d, VIRTIO_ACKNOWLEDGE);
    vdev_set_status(d, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    vdev_set_features(d, features | VIRTIO_F_VERSION_1);
    vdev_set_status(d, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
    assert_int_equal(vdev_status(d),
                     VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
}

void vdev_make_queue(struct vdev *d, unsigned n, unsigned size)
{
    uint64_t at = RIG_RAM + (d->slot * 4 + n) * 0x4000u;
    struct vring *v = &d->ring[n];

    v->size = size;
    v->desc = at;
    v->avail = at + 0x1000;
    v->used = at + 0x2000;
    v->idx = v->seen = 0;
    for (unsigned i = 0; i < 0x4000; i += 8)
        rig_write(d->rig, at + i, 0, 8);
    vdev_select(d, n);
    assert_false(vdev_enabled(d));
    vdev_set_queue(d, size, v->desc, v->avail, v->used);
    vdev_enable(d);
    assert_true(vdev_enabled(d));
}

void vdev_start(struct vdev *d, uint64_t features, unsigned n, unsigned size)
{
    vdev_negotiate(d, features);
    for (unsigned i = 0; i < n; i++)
        vdev_make_queue(d, i, size);
    vdev_set_status(d, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK |
                           VIRTIO_DRIVER_OK);
    assert_int_equal(vdev_status(d), 15);
}

void put_desc(struct rig *r, uint64_t table, unsigned i, uint64_t address,
              uint32_t size, unsigned flags, unsigned next)
{
    table += 16u * i;
    rig_write(r, table, address, 8);
    rig_write(r, table + 8, size, 4);
    rig_write(r, table + 12, flags, 2);
    rig_write(r, table + 14, next, 2);
}

void vdev_offer(struct vdev *d, unsigned queue, unsigned head)
{
    struct vring *v = &d->ring[queue];

    rig_write(d->rig, v->avail + 4 + 2 * (v->idx % v->size), head, 2);
    v->idx++;
    rig_write(d->rig, v->avail + 2, v->idx, 2);
}

unsigned vdev_used(struct vdev *d, unsigned queue)
{
    struct vring *v = &d->ring[queue];

    return (uint16_t)(rig_read(d->rig, v->used + 2, 2) - v->seen);
}

void vdev_take(struct vdev *d, unsigned queue, uint32_t *id, uint32_t *len)
{
    struct vring *v = &d->ring[queue];
    uint64_t at = v->used + 4 + 8 * (v->seen % v->size);

    assert_true(vdev_used(d, queue) > 0);
    *id = (uint32_t)rig_read(d->rig, at, 4);
    *len = (uint32_t)rig_read(d->rig, at + 4, 4);
    v->seen++;
}

uint32_t vdev_run(struct vdev *d, unsigned queue)
{
    uint32_t id, len;

    vdev_offer(d, queue, 0);
    vdev_notify(d, queue);
    assert_int_equal(vdev_used(d, queue), 1);
    vdev_take(d, queue, &id, &len);
    assert_int_equal(id, 0);
    return len;
}

void vdev_expect_broken(struct vdev *d, const char *message)
{
    const char *log = rig_log(d->rig);
    uint8_t status = vdev_status(d);

    if (!strstr(log, message))
        fail_msg("'%s' is not in the log: %s", message, log);
    assert_true(status & VIRTIO_NEEDS_RESET);
    if (status & VIRTIO_DRIVER_OK)
        assert_true(vdev_take_isr(d) & VIRTIO_ISR_CONFIG);
    vdev_set_status(d, 0);
    assert_int_equal(vdev_status(d), 0);
    assert_false(vdev_irq(d));
}
