/*
 * Messages of PCI functions: MSI and MSI-X of a card that has both, sent to
 * RAM, to a register that takes them, and to others.
 */
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

#include "devices/imsic.h"
#include "devices/pci/pci.h"
#include "tests/devices/harness.h"

enum { N_MSI = 4, N_MSIX = 5 };

struct card {
    struct pci_device pci;
};

static const struct field card_fields[] = {
    FIELD_SUB(struct card, pci, pci_device_fields),
    FIELD_LIST_END,
};

static const struct pci_info card_info = {
    .vendor = 0x1234,
    .device = 0x5678,
    .interrupt_pin = 1,
    .bar[2] = {.size = PCI_MSIX_SIZE},
};

static bool card_create(struct device *dev, struct error *e)
{
    struct pci_device *d = (struct pci_device *)dev;

    (void)e;
    pci_device_init(d, &card_info);
    pci_add_msi(d, N_MSI);
    pci_add_msix(d, N_MSIX, 2);
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
    (void)window;
    return pci_msix_read((struct pci_device *)dev, offset, size);
}

static void card_write(struct device *dev, unsigned window, uint64_t offset,
                       uint64_t value, unsigned size)
{
    (void)window;
    pci_msix_write((struct pci_device *)dev, offset, value, size);
}

static const struct window card_windows[] = {
    {.name = "msix", .size = PCI_MSIX_SIZE, .accept = 4 | 8, .impl = 4 | 8},
};

static const struct device_class card_class = {
    .name = "card",
    .summary = "a test's",
    .size = sizeof(struct card),
    .fields = card_fields,
    .windows = card_windows,
    .n_windows = 1,
    .create = card_create,
    .destroy = card_destroy,
    .reset = card_reset,
    .loaded = card_loaded,
    .read = card_read,
    .write = card_write,
};

#define MAILBOX (HARNESS_RAM + 0x1000)

static struct harness *h;
static struct device *dev;
static struct pci_device *card;
static unsigned msi, msix; /* capabilities */

static int setup(void **state)
{
    struct error e;

    (void)state;
    h = harness_new();
    dev = harness_make(h, &card_class);
    assert_true(harness_start(h, dev, 0, &e));
    harness_enable_pci(h, dev);
    card = (struct pci_device *)dev;
    msi = harness_config_read(h, dev, PCI_CAPABILITIES, 1);
    msix = harness_config_read(h, dev, msi + 1, 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    harness_free(h);
    return 0;
}

static uint32_t cfg(unsigned at, unsigned size)
{
    return harness_config_read(h, dev, at, size);
}

static void set_cfg(unsigned at, unsigned size, uint32_t value)
{
    harness_config_write(h, dev, at, size, value);
}

static void notify(unsigned vector)
{
    pthread_mutex_lock(&h->lock);
    pci_msi_notify(card, vector);
    pthread_mutex_unlock(&h->lock);
}

/* The word at the mailbox, which is emptied. */
static uint32_t mail(unsigned n)
{
    uint64_t v;

    assert_int_equal(memory_read(h->memory, MAILBOX + 4 * n, 4, &v), BUS_OK);
    memory_write(h->memory, MAILBOX + 4 * n, 4, 0);
    return (uint32_t)v;
}

static bool pin(void)
{
    return harness_level(h, h->pci_host, 1); /* slot 1, INTA */
}

/* ------------------------------------------------------------------ MSI */

static void test_msi_capability(void **state)
{
    (void)state;
    assert_int_equal(cfg(msi, 1), PCI_CAPABILITY_MSI);
    /* 4 vectors, 64-bit addresses, masks. */
    assert_int_equal(cfg(msi + 2, 2), 2 << 1 | 1 << 7 | 1 << 8);
    set_cfg(msi + 2, 2, 0xffff);
    assert_int_equal(cfg(msi + 2, 2), 1 | 2 << 1 | 7 << 4 | 3 << 7);
    set_cfg(msi + 4, 4, UINT32_MAX);
    set_cfg(msi + 8, 4, UINT32_MAX);
    set_cfg(msi + 12, 4, UINT32_MAX);
    set_cfg(msi + 16, 4, UINT32_MAX);
    set_cfg(msi + 20, 4, UINT32_MAX);
    assert_int_equal(cfg(msi + 4, 4), 0xfffffffc);
    assert_int_equal(cfg(msi + 8, 4), 0xffffffff);
    assert_int_equal(cfg(msi + 12, 4), 0xffff);
    assert_int_equal(cfg(msi + 16, 4), 0xf);
    assert_int_equal(cfg(msi + 20, 4), 0);
}

static void use_msi(unsigned log2)
{
    set_cfg(msi + 4, 4, (uint32_t)MAILBOX);
    set_cfg(msi + 8, 4, (uint32_t)(MAILBOX >> 32));
    set_cfg(msi + 12, 2, 0xabcf);
    set_cfg(msi + 2, 2, 1 | log2 << 4);
}

/* The low bits of the data are the vector's; those that the guest does not
 * want apart share. */
static void test_msi_vectors(void **state)
{
    (void)state;
    notify(0); /* not enabled */
    assert_int_equal(mail(0), 0);
    use_msi(0);
    notify(3);
    assert_int_equal(mail(0), 0xabcf);
    use_msi(1);
    notify(2);
    assert_int_equal(mail(0), 0xabce);
    use_msi(5); /* more than there are */
    notify(1);
    assert_int_equal(mail(0), 0xabcd);
    notify(4);
    assert_int_equal(mail(0), 0);
}

static void test_msi_mask(void **state)
{
    (void)state;
    use_msi(2);
    set_cfg(msi + 16, 4, 6);
    notify(1);
    notify(2);
    notify(2);
    notify(3);
    assert_int_equal(mail(0), 0xabcf);
    assert_int_equal(cfg(msi + 20, 4), 6);
    set_cfg(msi + 16, 4, 4);
    assert_int_equal(mail(0), 0xabcd);
    assert_int_equal(cfg(msi + 20, 4), 4);
    harness_reset(h, dev);
    assert_int_equal(cfg(msi + 20, 4), 0);
    assert_int_equal(cfg(msi + 2, 2), 2 << 1 | 3 << 7);
}

/* ---------------------------------------------------------------- MSI-X */

static void wr(uint64_t at, unsigned size, uint64_t value)
{
    harness_write(h, dev, 0, at, size, value);
}

static uint64_t rd(uint64_t at, unsigned size)
{
    return harness_read(h, dev, 0, at, size);
}

static void use_msix(void)
{
    for (unsigned v = 0; v < N_MSIX; v++) {
        wr(16 * v, 8, MAILBOX + 4 * v);
        wr(16 * v + 8, 4, 0x1000 + v);
        wr(16 * v + 12, 4, 0);
    }
    set_cfg(msix + 2, 2, 0x8000);
}

static void test_msix_table(void **state)
{
    (void)state;
    assert_int_equal(cfg(msix, 1), PCI_CAPABILITY_MSIX);
    assert_int_equal(cfg(msix + 2, 2), N_MSIX - 1);
    assert_int_equal(cfg(msix + 4, 4), 2);
    assert_int_equal(cfg(msix + 8, 4), PCI_MSIX_PBA | 2);
    for (unsigned v = 0; v < N_MSIX; v++)
        assert_int_equal(rd(16 * v + 12, 4), 1); /* masked */
    for (uint64_t at = 0; at < 16 * N_MSIX; at += 4) {
        wr(at, 4, UINT32_MAX);
        assert_int_equal(rd(at, 4), at % 16 == 12 ? 1 : UINT32_MAX);
    }
    wr(16, 8, 0x1122334455667788);
    assert_true(rd(16, 8) == 0x1122334455667788);
    assert_int_equal(rd(20, 4), 0x11223344);
    for (uint64_t at = 16 * N_MSIX; at < PCI_MSIX_SIZE; at += 8) {
        wr(at, 8, UINT64_MAX);
        assert_int_equal(rd(at, 8), 0);
    }
    harness_reset(h, dev);
    harness_enable_pci(h, dev);
    assert_int_equal(rd(0, 8), 0);
    assert_int_equal(rd(12, 4), 1);
}

static void test_msix_vectors(void **state)
{
    (void)state;
    use_msix();
    for (unsigned v = 0; v < N_MSIX; v++) {
        notify(v);
        for (unsigned i = 0; i < N_MSIX; i++)
            assert_int_equal(mail(i), i == v ? 0x1000 + v : 0);
    }
    notify(N_MSIX);
    notify(0xffff);
    for (unsigned i = 0; i < N_MSIX; i++)
        assert_int_equal(mail(i), 0);
}

static void test_msix_masks(void **state)
{
    (void)state;
    use_msix();
    wr(16 * 3 + 12, 4, 1);
    notify(3);
    assert_int_equal(mail(3), 0);
    assert_int_equal(rd(PCI_MSIX_PBA, 8), 8);
    wr(16 * 3 + 8, 4, 0x77);
    assert_int_equal(mail(3), 0);
    wr(16 * 3 + 12, 4, 0);
    assert_int_equal(mail(3), 0x77);
    assert_int_equal(rd(PCI_MSIX_PBA, 4), 0);
    /* The function's mask. */
    set_cfg(msix + 2, 2, 0xc000);
    notify(0);
    notify(4);
    assert_int_equal(mail(0) + mail(4), 0);
    assert_int_equal(rd(PCI_MSIX_PBA, 4), 0x11);
    set_cfg(msix + 3, 1, 0x80);
    assert_int_equal(mail(0), 0x1000);
    assert_int_equal(mail(4), 0x1004);
    assert_int_equal(rd(PCI_MSIX_PBA, 4), 0);
}

/* -------------------------------------------------------- pin and bus */

static void test_pin(void **state)
{
    (void)state;
    pthread_mutex_lock(&h->lock);
    pci_set_intx(card, true);
    pthread_mutex_unlock(&h->lock);
    assert_true(pin());
    set_cfg(msix + 2, 2, 0x8000);
    assert_false(pin());
    set_cfg(msix + 2, 2, 0);
    assert_true(pin());
    use_msi(0);
    assert_false(pin());
    harness_reset(h, dev);
    assert_false(pin());
}

static void test_bus_master(void **state)
{
    (void)state;
    use_msix();
    set_cfg(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    notify(0);
    assert_int_equal(mail(0), 0);
}

/* To a register that takes messages, to one that does not, to nowhere. */
static void test_where(void **state)
{
    struct device *imsic = harness_make(h, &imsic_class);
    struct error e;
    uint64_t own = dev->regions[0].base;

    (void)state;
    assert_true(device_set(imsic, NULL, "riscv,num-ids", "255", &e));
    assert_true(harness_start(h, imsic, 2, &e));
    use_msix();
    wr(0, 8, imsic->regions[0].base + 0x1000);
    wr(8, 4, 42);
    notify(0);
    assert_int_equal(imsic_read_reg(imsic, 1, IMSIC_EIP0 + 1), 1 << 10);
    assert_int_equal(imsic_read_reg(imsic, 0, IMSIC_EIP0 + 1), 0);
    assert_string_equal(harness_log(h), "");
    wr(0, 8, own + 24); /* its own table */
    notify(0);
    assert_non_null(strstr(harness_log(h), "a message to nowhere"));
    assert_int_equal(rd(24, 4), 0x1001);
    wr(0, 8, 0x10);
    notify(0);
    assert_non_null(strstr(harness_log(h), "nowhere: 0x10\n"));
    /* The low bits of an address are reserved. */
    wr(0, 8, MAILBOX + 3);
    notify(0);
    assert_int_equal(mail(0), 42);
}

/* A snapshot with what cannot be. */
static void test_damaged(void **state)
{
    (void)state;
    use_msix();
    card->msix_pending = UINT32_MAX;
    card->vector[0].control = UINT32_MAX;
    card_loaded(dev);
    assert_int_equal(rd(PCI_MSIX_PBA, 4), (1 << N_MSIX) - 1);
    assert_int_equal(rd(12, 4), 1);
    wr(12, 4, 0);
    for (unsigned v = 0; v < N_MSIX; v++)
        assert_int_equal(mail(v), 0x1000 + v);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_msi_capability), TEST(test_msi_vectors),
        TEST(test_msi_mask),       TEST(test_msix_table),
        TEST(test_msix_vectors),   TEST(test_msix_masks),
        TEST(test_pin),            TEST(test_bus_master),
        TEST(test_where),          TEST(test_damaged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
