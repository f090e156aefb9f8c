/*
 * The PCI core: configuration space, BARs, capabilities, INTx, the bus.
 */
#include "tests/devices/virtio_rig.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------- the device */

struct card {
    struct pci_device pci;
    uint32_t reg[3]; /* of each window */
    unsigned wrote, read_hooks;
    unsigned wrote_at, wrote_size;
};

static const struct field card_fields[] = {
    FIELD_SUB(struct card, pci, pci_device_fields),
    FIELD_ARRAY(struct card, reg, 0),
    FIELD_HOST(struct card, wrote),
    FIELD_HOST(struct card, read_hooks),
    FIELD_HOST(struct card, wrote_at),
    FIELD_HOST(struct card, wrote_size),
    FIELD_LIST_END,
};

static const struct pci_info card_info = {
    .vendor = 0x1234,
    .device = 0x5678,
    .subsystem_vendor = 0x9abc,
    .subsystem = 0xdef0,
    .class_revision = 0x12345607,
    .interrupt_pin = 2,
    .bar = {[0] = {.size = 0x1000, .window = 2},
            [1] = {.size = 32, .io = true, .window = 0},
            [2] = {.size = (uint64_t)1 << 33,
                   .is64 = true,
                   .prefetch = true,
                   .window = 1}},
};

static void config_wrote(struct pci_device *d, unsigned offset, unsigned size)
{
    struct card *c = (struct card *)d;

    c->wrote++;
    c->wrote_at = offset;
    c->wrote_size = size;
}

static void config_read(struct pci_device *d, unsigned offset, unsigned size)
{
    struct card *c = (struct card *)d;

    (void)offset;
    (void)size;
    c->read_hooks++;
}

static bool card_create(struct device *dev, struct error *e)
{
    struct card *c = (struct card *)dev;

    (void)e;
    pci_device_init(&c->pci, &card_info);
    c->pci.config_wrote = config_wrote;
    c->pci.config_read = config_read;
    return true;
}

static void card_destroy(struct device *dev)
{
    pci_detach((struct pci_device *)dev);
}

static void card_reset(struct device *dev)
{
    pci_device_reset((struct pci_device *)dev);
}

static void card_loaded(struct device *dev)
{
    pci_device_loaded((struct pci_device *)dev);
}

static uint64_t card_read(struct device *dev, unsigned window, uint64_t offset,
                          unsigned size)
{
    (void)size;
    return ((struct card *)dev)->reg[window] + offset;
}

static void card_write(struct device *dev, unsigned window, uint64_t offset,
                       uint64_t value, unsigned size)
{
    (void)offset;
    (void)size;
    ((struct card *)dev)->reg[window] = (uint32_t)value;
}

static const struct window card_windows[] = {
    {.name = "io", .size = 32},
    {.name = "big", .size = (uint64_t)1 << 33},
    {.name = "registers", .size = 0x1000},
};

static const struct device_class card_class = {
    .name = "card",
    .summary = "a test's",
    .size = sizeof(struct card),
    .fields = card_fields,
    .windows = card_windows,
    .n_windows = 3,
    .create = card_create,
    .destroy = card_destroy,
    .reset = card_reset,
    .loaded = card_loaded,
    .read = card_read,
    .write = card_write,
};

/* ------------------------------------------------------------- fixture */

static struct card *new_card(struct rig *r, const char *path)
{
    struct error e;
    struct device *dev = device_new(&card_class, &r->h->env, path, &e);

    assert_non_null(dev);
    assert_true(device_create(dev, 0, &e));
    return (struct card *)dev;
}

static struct pci_bus *bus_of(struct rig *r)
{
    return r->host->class->pci(r->host);
}

struct fixture {
    struct rig rig;
    struct card *card; /* at 02.0 */
};

#define FN (2 << 3)

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct error e;

    assert_non_null(f);
    rig_init(&f->rig);
    f->card = new_card(&f->rig, "card");
    assert_true(pci_attach(bus_of(&f->rig), &f->card->pci, FN, &e));
    device_reset(&f->card->pci.dev);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    device_free(&f->card->pci.dev);
    rig_fini(&f->rig);
    free(f);
    return 0;
}

static uint32_t cfg(struct fixture *f, unsigned offset, unsigned size)
{
    return rig_config_read(&f->rig, FN, offset, size);
}

static void set_cfg(struct fixture *f, unsigned offset, uint32_t v,
                    unsigned size)
{
    rig_config_write(&f->rig, FN, offset, v, size);
}

/* ------------------------------------------------- configuration space */

static void test_header(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(cfg(f, 0, 4), 0x56781234);
    assert_int_equal(cfg(f, 2, 2), 0x5678);
    assert_int_equal(cfg(f, 3, 1), 0x56);
    assert_int_equal(cfg(f, 4, 4), 0);
    assert_int_equal(cfg(f, 8, 4), 0x12345607);
    assert_int_equal(cfg(f, 0xc, 4), 0);
    assert_int_equal(cfg(f, 0x10, 4), 0);
    assert_int_equal(cfg(f, 0x14, 4), 1);
    assert_int_equal(cfg(f, 0x18, 4), 0xc);
    assert_int_equal(cfg(f, 0x1c, 4), 0);
    assert_int_equal(cfg(f, 0x2c, 4), 0xdef09abc);
    assert_int_equal(cfg(f, 0x30, 4), 0); /* no expansion ROM */
    assert_int_equal(cfg(f, 0x34, 4), 0);
    assert_int_equal(cfg(f, 0x3c, 4), 0x0200);
    assert_true(f->card->read_hooks > 0);
}

/* What can be written, bit by bit, and at every width. */
static void test_write_masks(void **state)
{
    struct fixture *f = *state;
    uint8_t mask[256] = {0};

    st_le16(mask + 4, 0x0547);
    mask[0xc] = mask[0xd] = mask[0x3c] = 0xff;
    st_le32(mask + 0x10, ~0xfffu);
    st_le32(mask + 0x14, ~31u);
    st_le64(mask + 0x18, ~(((uint64_t)1 << 33) - 1));
    for (unsigned size = 1; size <= 4; size *= 2) {
        for (unsigned at = 0; at < 256; at += size) {
            uint32_t ones = (uint32_t)(UINT64_MAX >> (64 - 8 * size));
            uint32_t before = cfg(f, at, size),
                     m = (uint32_t)ld_le(mask + at, size);

            set_cfg(f, at, ones, size);
            assert_int_equal(cfg(f, at, size), before | m);
            set_cfg(f, at, 0, size);
            assert_int_equal(cfg(f, at, size), before & ~m);
        }
    }
}

static void test_status_clears(void **state)
{
    struct fixture *f = *state;

    st_le16(f->card->pci.config + PCI_STATUS, 0xf910);
    set_cfg(f, PCI_STATUS, 0x0810, 2);
    assert_int_equal(cfg(f, PCI_STATUS, 2), 0xf110);
    set_cfg(f, PCI_STATUS, 0xffff, 2);
    assert_int_equal(cfg(f, PCI_STATUS, 2), 0x10);
    st_le16(f->card->pci.config + PCI_STATUS, 0);
}

static void test_hooks(void **state)
{
    struct fixture *f = *state;

    f->card->wrote = 0;
    set_cfg(f, 0x3c, 5, 1);
    assert_int_equal(f->card->wrote, 1);
    assert_int_equal(f->card->wrote_at, 0x3c);
    assert_int_equal(f->card->wrote_size, 1);
}

/* Accesses that no bus can make. */
static void test_bad_accesses(void **state)
{
    struct fixture *f = *state;
    struct pci_bus *bus = bus_of(&f->rig);
    uint8_t before[256];

    memcpy(before, f->card->pci.config, 256);
    assert_int_equal(pci_config_read(bus, FN, 0x101, 1), 0xff);
    assert_int_equal(pci_config_read(bus, FN, 256, 2), 0xffff);
    assert_int_equal(pci_config_read(bus, FN, 254, 4), 0xffffffff);
    assert_int_equal(pci_config_read(bus, FN, 1, 2), 0xffff);
    assert_int_equal(pci_config_read(bus, FN, 0, 8), 0xffffffff);
    assert_int_equal(pci_config_read(bus, FN, 0xfffffffc, 4), 0xffffffff);
    pci_config_write(bus, FN, 0x11, 0xffff, 2);
    pci_config_write(bus, FN, 254, 0xffffffff, 4);
    pci_config_write(bus, FN, 0xfffffffc, 0xffffffff, 4);
    pci_config_write(bus, FN, 4, 0, 3);
    assert_memory_equal(before, f->card->pci.config, 256);
    /* Nobody there. */
    assert_int_equal(pci_config_read(bus, FN + 1, 0, 4), 0xffffffff);
    assert_int_equal(pci_config_read(bus, FN + 1, 0, 1), 0xff);
    pci_config_write(bus, FN + 1, 4, 7, 2);
}

static void test_capabilities(void **state)
{
    struct fixture *f = *state;
    unsigned a = pci_add_capability(&f->card->pci, 9, 5);
    unsigned b = pci_add_capability(&f->card->pci, 0x11, 12);

    assert_int_equal(a, 0x40);
    assert_int_equal(b, 0x48); /* rounded up */
    assert_int_equal(cfg(f, 0x34, 1), a);
    assert_int_equal(cfg(f, a, 2), b << 8 | 9);
    assert_int_equal(cfg(f, b, 2), 0x0011);
    assert_true(cfg(f, PCI_STATUS, 2) & PCI_STATUS_CAPABILITIES);
    /* They stay over a reset, and take no write. */
    device_reset(&f->card->pci.dev);
    set_cfg(f, a, 0xffffffff, 4);
    assert_int_equal(cfg(f, a, 4), b << 8 | 9);
    assert_int_equal(cfg(f, 0x34, 1), a);
}

/* ------------------------------------------------------------------ ROM */

static void test_rom(void **state)
{
    struct fixture *f = *state;
    struct card *c = new_card(&f->rig, "romcard");
    struct pci_bus *bus = bus_of(&f->rig);
    uint64_t at = RIG_PCI_MEMORY + 0x100000, v;
    uint8_t bytes[5000];
    struct error e;

    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 3 + 1);
    assert_false(pci_set_rom(&c->pci, bytes, 0, &e));
    assert_false(pci_set_rom(&c->pci, bytes, (16 << 20) + 1, &e));
    assert_non_null(strstr(e.text, "want 1 to 16 MiB"));
    assert_true(pci_set_rom(&c->pci, bytes, sizeof(bytes), &e));
    assert_true(pci_attach(bus, &c->pci, 3 << 3, &e));
    device_reset(&c->pci.dev);
    pci_config_write(bus, 3 << 3, PCI_ROM, 0xffffffff, 4);
    assert_int_equal(pci_config_read(bus, 3 << 3, PCI_ROM, 4), 0xffffe001);
    /* It wants its own bit and that of the command register. */
    pci_config_write(bus, 3 << 3, PCI_ROM, (uint32_t)at | 1, 4);
    assert_null(memory_host(f->rig.memory, at, 1, false));
    pci_config_write(bus, 3 << 3, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
    assert_int_equal(rig_read(&f->rig, at + 4999, 1), bytes[4999]);
    assert_int_equal(rig_read(&f->rig, at + 5000, 1), 0xff);
    assert_int_equal(rig_read(&f->rig, at + 8191, 1), 0xff);
    assert_null(memory_host(f->rig.memory, at + 8192, 1, false));
    memory_write(f->rig.memory, at, 1, 0x77); /* it is read only */
    assert_int_equal(memory_read(f->rig.memory, at, 1, &v), BUS_OK);
    assert_int_equal(v, bytes[0]);
    pci_config_write(bus, 3 << 3, PCI_ROM, (uint32_t)at, 4);
    assert_null(memory_host(f->rig.memory, at, 1, false));
    pci_config_write(bus, 3 << 3, PCI_ROM, 1, 4); /* 0 is no address */
    assert_null(memory_host(f->rig.memory, 0, 1, false));
    pci_config_write(bus, 3 << 3, PCI_ROM, (uint32_t)at + 0x2001, 4);
    assert_int_equal(rig_read(&f->rig, at + 0x2002, 1), bytes[2]);
    device_reset(&c->pci.dev);
    assert_int_equal(pci_config_read(bus, 3 << 3, PCI_ROM, 4), 0);
    assert_null(memory_host(f->rig.memory, at + 0x2000, 1, false));
    device_free(&c->pci.dev);
}

/* ----------------------------------------------------------------- BARs */

static void test_sizing(void **state)
{
    struct fixture *f = *state;

    set_cfg(f, 0x10, 0xffffffff, 4);
    assert_int_equal(cfg(f, 0x10, 4), 0xfffff000);
    set_cfg(f, 0x14, 0xffffffff, 4);
    assert_int_equal(cfg(f, 0x14, 4), 0xffffffe1);
    set_cfg(f, 0x18, 0xffffffff, 4);
    set_cfg(f, 0x1c, 0xffffffff, 4);
    assert_int_equal(cfg(f, 0x18, 4), 0xc);
    assert_int_equal(cfg(f, 0x1c, 4), 0xfffffffe);
    for (unsigned at = 0x20; at < 0x28; at += 4) {
        set_cfg(f, at, 0xffffffff, 4);
        assert_int_equal(cfg(f, at, 4), 0);
    }
}

static bool is_card(struct fixture *f, uint64_t pa, unsigned window)
{
    f->card->reg[window] = 0x5a5a0000;
    return rig_read(&f->rig, pa, 4) == 0x5a5a0000;
}

static void test_decode(void **state)
{
    struct fixture *f = *state;
    uint64_t big = RIG_PCI_HIGH + ((uint64_t)1 << 33);

    set_cfg(f, 0x10, RIG_PCI_MEMORY + 0x5000, 4);
    set_cfg(f, 0x14, 0x1000, 4);
    set_cfg(f, 0x18, (uint32_t)big, 4);
    set_cfg(f, 0x1c, (uint32_t)(big >> 32), 4);
    for (unsigned command = 0; command < 4; command++) {
        set_cfg(f, PCI_COMMAND, command, 2);
        assert_int_equal(is_card(f, RIG_PCI_MEMORY + 0x5000, 2), command >> 1);
        assert_int_equal(is_card(f, RIG_PCI_IO + 0x1000, 0), command & 1);
        assert_int_equal(is_card(f, big, 1), command >> 1);
    }
    rig_write(&f->rig, RIG_PCI_MEMORY + 0x5004, 77, 4);
    assert_int_equal(f->card->reg[2], 77);
    rig_write(&f->rig, RIG_PCI_IO + 0x101c, 78, 4);
    assert_int_equal(f->card->reg[0], 78);
    assert_int_equal(rig_read(&f->rig, RIG_PCI_IO + 0x1020, 4), 0xffffffff);
    assert_int_equal(rig_read(&f->rig, RIG_PCI_IO + 0x1ffc, 4), 0xffffffff);
    assert_int_equal(rig_read(&f->rig, RIG_PCI_MEMORY + 0x6000, 4), 0xffffffff);
}

/* Byte by byte, as some firmware does it. */
static void test_bar_bytes(void **state)
{
    struct fixture *f = *state;

    set_cfg(f, PCI_COMMAND, 2, 1);
    set_cfg(f, 0x13, 0x40, 1);
    assert_true(is_card(f, 0x40000000, 2));
    set_cfg(f, 0x12, 0x12, 1);
    assert_false(is_card(f, 0x40000000, 2));
    assert_true(is_card(f, 0x40120000, 2));
    set_cfg(f, 0x10, 0x3000, 2);
    assert_true(is_card(f, 0x40123000, 2));
}

/* What is not wholly in a window is not there; 0 is no address; and nothing
 * that the board has is hidden. */
static void test_outside(void **state)
{
    struct fixture *f = *state;
    static const uint32_t bad[] = {0,          0x1000,  0x10001000, 0x30000000,
                                   0x3ffff000, RIG_RAM, 0xfffff000};

    struct region inside;
    struct error e;

    rig_write(&f->rig, RIG_RAM, 0x11111111, 4);
    set_cfg(f, PCI_COMMAND, 3, 2);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        set_cfg(f, 0x10, bad[i], 4);
        assert_false(f->card->pci.dev.regions[2].enabled);
    }
    assert_int_equal(rig_read(&f->rig, RIG_RAM, 4), 0x11111111);
    set_cfg(f, 0x14, 0xffe0, 4);
    assert_true(is_card(f, RIG_PCI_IO + 0xffe0, 0));
    set_cfg(f, 0x14, 0x10000, 4);
    assert_false(f->card->pci.dev.regions[0].enabled);
    set_cfg(f, 0x14, 0, 4);
    assert_false(f->card->pci.dev.regions[0].enabled);
    /* RAM within a window stays what it is. */
    inside = f->rig.ram_region;
    inside.space = NULL;
    inside.base = RIG_PCI_MEMORY;
    inside.size = 0x1000;
    pci_detach(&f->card->pci);
    assert_true(memory_add(f->rig.memory, &inside, &e));
    assert_true(pci_attach(bus_of(&f->rig), &f->card->pci, FN, &e));
    f->card->reg[2] = 0x22222222;
    set_cfg(f, 0x10, RIG_PCI_MEMORY, 4);
    assert_int_equal(rig_read(&f->rig, RIG_PCI_MEMORY, 4), 0x11111111);
    memory_remove(&inside);
    assert_int_equal(rig_read(&f->rig, RIG_PCI_MEMORY, 4), 0x22222222);
    /* A memory BAR in an I/O window, and the reverse. */
    set_cfg(f, 0x10, RIG_PCI_IO, 4);
    assert_false(f->card->pci.dev.regions[2].enabled);
    /* 8 GiB do not fit the last 4 of the window, nor wrap around. */
    set_cfg(f, 0x1c, 6, 4);
    assert_true(is_card(f, (uint64_t)6 << 32, 1));
    set_cfg(f, 0x1c, 8, 4);
    assert_false(f->card->pci.dev.regions[1].enabled);
    set_cfg(f, 0x1c, 0xffffffff, 4);
    assert_false(f->card->pci.dev.regions[1].enabled);
}

/* Two BARs at one place: the guest's doing; one answers, and both can part
 * again. */
static void test_overlap(void **state)
{
    struct fixture *f = *state;
    struct card *other = new_card(&f->rig, "other");
    struct error e;

    assert_true(pci_attach(bus_of(&f->rig), &other->pci, 3 << 3, &e));
    device_reset(&other->pci.dev);
    for (unsigned slot = 2; slot < 4; slot++) {
        rig_config_write(&f->rig, slot << 3, 0x10, 0x40000000, 4);
        rig_config_write(&f->rig, slot << 3, PCI_COMMAND, 2, 2);
    }
    f->card->reg[2] = 0x100;
    other->reg[2] = 0x200;
    assert_true((rig_read(&f->rig, 0x40000000, 4) & 0xff) == 0);
    rig_config_write(&f->rig, 3 << 3, 0x10, 0x40001000, 4);
    assert_int_equal(rig_read(&f->rig, 0x40000000, 4), 0x100);
    assert_int_equal(rig_read(&f->rig, 0x40001000, 4), 0x200);
    device_free(&other->pci.dev);
    assert_int_equal(rig_read(&f->rig, 0x40001000, 4), 0xffffffff);
}

static void test_reset(void **state)
{
    struct fixture *f = *state;

    set_cfg(f, PCI_COMMAND, 0x547, 2);
    set_cfg(f, 0x10, 0x40000000, 4);
    set_cfg(f, 0x3c, 0xff, 1);
    st_le16(f->card->pci.config + PCI_STATUS, 0xf900);
    pci_set_intx(&f->card->pci, true);
    device_reset(&f->card->pci.dev);
    test_header(state);
    assert_false(f->card->pci.dev.regions[2].enabled);
    for (unsigned i = 0; i < 4; i++)
        assert_false(f->rig.irq[RIG_N_SLOTS + i]);
}

/* ----------------------------------------------------------------- INTx */

/* INTB of slot 2 is output 3. */
#define LINE (RIG_N_SLOTS + 3)

static void test_intx(void **state)
{
    struct fixture *f = *state;

    pci_set_intx(&f->card->pci, true);
    assert_true(f->rig.irq[LINE]);
    assert_int_equal(cfg(f, PCI_STATUS, 2), PCI_STATUS_INTERRUPT);
    set_cfg(f, PCI_COMMAND, PCI_COMMAND_INTX_DISABLE, 2);
    assert_false(f->rig.irq[LINE]);
    assert_int_equal(cfg(f, PCI_STATUS, 2), PCI_STATUS_INTERRUPT);
    set_cfg(f, PCI_COMMAND, 0, 2);
    assert_true(f->rig.irq[LINE]);
    pci_set_intx(&f->card->pci, false);
    assert_false(f->rig.irq[LINE]);
    assert_int_equal(cfg(f, PCI_STATUS, 2), 0);
    for (unsigned i = 0; i < 3; i++)
        assert_false(f->rig.irq[RIG_N_SLOTS + i]);
}

/* Functions of a slot, and slots of an output, share a line. */
static void test_intx_shared(void **state)
{
    struct fixture *f = *state;
    struct card *same = new_card(&f->rig, "same");
    struct card *far = new_card(&f->rig, "far");
    struct error e;

    assert_true(pci_attach(bus_of(&f->rig), &same->pci, FN + 5, &e));
    assert_true(pci_attach(bus_of(&f->rig), &far->pci, 6 << 3, &e));
    pci_set_intx(&f->card->pci, true);
    pci_set_intx(&same->pci, true);
    pci_set_intx(&far->pci, true);
    pci_set_intx(&f->card->pci, false);
    assert_true(f->rig.irq[LINE]);
    pci_set_intx(&same->pci, false);
    assert_true(f->rig.irq[LINE]);
    pci_set_intx(&far->pci, false);
    assert_false(f->rig.irq[LINE]);
    pci_set_intx(&far->pci, true);
    device_free(&far->pci.dev); /* takes its interrupt along */
    assert_false(f->rig.irq[LINE]);
    device_free(&same->pci.dev);
}

/* ------------------------------------------------------------------ bus */

static void test_multi_function(void **state)
{
    struct fixture *f = *state;
    struct card *other = new_card(&f->rig, "other");
    struct error e;

    assert_int_equal(cfg(f, PCI_HEADER_TYPE, 1), 0);
    assert_true(pci_attach(bus_of(&f->rig), &other->pci, FN + 7, &e));
    assert_int_equal(cfg(f, PCI_HEADER_TYPE, 1), 0x80);
    assert_int_equal(rig_config_read(&f->rig, FN + 7, PCI_HEADER_TYPE, 1), 0);
    device_reset(&f->card->pci.dev);
    assert_int_equal(cfg(f, PCI_HEADER_TYPE, 1), 0x80);
    device_free(&other->pci.dev);
    assert_int_equal(cfg(f, PCI_HEADER_TYPE, 1), 0);
    /* Function 0 may come last. */
    other = new_card(&f->rig, "other");
    assert_true(pci_attach(bus_of(&f->rig), &other->pci, 0x21, &e));
    pci_detach(&f->card->pci);
    assert_true(pci_attach(bus_of(&f->rig), &f->card->pci, 0x20, &e));
    assert_int_equal(rig_config_read(&f->rig, 0x20, PCI_HEADER_TYPE, 1), 0x80);
    device_free(&other->pci.dev);
}

static void test_attach(void **state)
{
    struct fixture *f = *state;
    struct card *more[32];
    struct error e;

    more[0] = new_card(&f->rig, "more");
    assert_false(pci_attach(bus_of(&f->rig), &more[0]->pci, FN, &e));
    assert_string_equal(e.text, "PCI address 02.0 is taken by card");
    assert_false(pci_attach(bus_of(&f->rig), &more[0]->pci, 0, &e));
    /* 00 is the bridge, 02 the card: 01, 03, 04, ... */
    for (unsigned i = 0; i < 30; i++) {
        if (i)
            more[i] = new_card(&f->rig, "more");
        assert_true(pci_attach(bus_of(&f->rig), &more[i]->pci, -1, &e));
        assert_int_equal(more[i]->pci.devfn, (i + 1 + (i > 0)) << 3);
    }
    more[30] = new_card(&f->rig, "last");
    assert_false(pci_attach(bus_of(&f->rig), &more[30]->pci, -1, &e));
    assert_string_equal(e.text, "no free slot on the PCI bus");
    for (unsigned i = 0; i < 31; i++)
        device_free(&more[i]->pci.dev);
}

/* A card that is on no bus does nothing to anybody. */
static void test_unattached(void **state)
{
    struct fixture *f = *state;
    struct card *c = new_card(&f->rig, "loose");

    device_reset(&c->pci.dev);
    pci_set_intx(&c->pci, true);
    pci_device_loaded(&c->pci);
    pci_detach(&c->pci);
    device_free(&c->pci.dev);
}

static void test_snapshot(void **state)
{
    struct fixture *f = *state;
    size_t size = state_size(card_fields);
    uint8_t *bytes = malloc(size);
    struct error e;

    set_cfg(f, PCI_COMMAND, 3, 2);
    set_cfg(f, 0x10, 0x40002000, 4);
    state_save(card_fields, f->card, bytes);
    set_cfg(f, 0x10, 0x40003000, 4);
    set_cfg(f, PCI_COMMAND, 0, 2);
    assert_true(state_load(card_fields, f->card, bytes, size, &e));
    card_loaded(&f->card->pci.dev);
    assert_true(is_card(f, 0x40002000, 2));
    assert_int_equal(cfg(f, PCI_COMMAND, 2), 3);
    free(bytes);
}

static void test_class(void **state)
{
    struct error e;

    (void)state;
    if (!state_check(card_fields, sizeof(struct card), &e))
        fail_msg("%s", e.text);
    assert_true(device_class_is_pci(&card_class));
    assert_false(
        device_class_is_pci(device_class_named("pci-host-ecam-generic")));
    assert_false(device_class_is_pci(device_class_named("ns16550a")));
}

static void test_parse_address(void **state)
{
    static const struct {
        const char *text;
        int devfn; /* -1: refused */
    } t[] = {{"0", 0},       {"5", 0x28},
             {"05", 0x28},   {"05.1", 0x29},
             {"1f.7", 0xff}, {"0x1f.0", 0xf8},
             {"20", -1},     {"1.8", -1},
             {"", -1},       {".1", -1},
             {"5.", -1},     {"5.x", -1},
             {"x", -1},      {"-1", -1},
             {"+1", -1},     {" 1", -1},
             {"1 ", -1},     {"1.-1", -1},
             {"1.1.1", -1},  {"fffffffffffffffffffff", -1}};

    (void)state;
    for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct error e = {""};
        int devfn = -1;

        assert_int_equal(pci_parse_address(t[i].text, &devfn, &e),
                         t[i].devfn >= 0);
        assert_int_equal(devfn, t[i].devfn);
        assert_int_equal(e.text[0] != 0, t[i].devfn < 0);
    }
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_header),
        TEST(test_write_masks),
        TEST(test_status_clears),
        TEST(test_hooks),
        TEST(test_bad_accesses),
        TEST(test_capabilities),
        TEST(test_sizing),
        TEST(test_decode),
        TEST(test_bar_bytes),
        TEST(test_outside),
        TEST(test_overlap),
        TEST(test_reset),
        TEST(test_intx),
        TEST(test_intx_shared),
        TEST(test_multi_function),
        TEST(test_rom),
        TEST(test_attach),
        TEST(test_unattached),
        TEST(test_snapshot),
        cmocka_unit_test(test_class),
        cmocka_unit_test(test_parse_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
