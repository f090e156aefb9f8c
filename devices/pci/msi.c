/*
 * Message-signalled interrupts of PCI functions: MSI and MSI-X.
 *
 * PCI Local Bus Specification 3.0, 6.8.1 (MSI: 64-bit addresses, a mask and
 * a pending bit for each vector) and 6.8.2 (MSI-X: a table of messages and
 * pending bits in a BAR).  A message is a write of 32 bits to whatever the
 * guest has put into the table (memory_msi()); it needs Bus Master.
 */
#include "devices/pci/pci.h"

#include <assert.h>

#include "base/bytes.h"

/* Both: message control at byte 2. */
#define CONTROL 2

/* MSI, 6.8.1. */
enum {
    MSI_ENABLE = 1 << 0,
    MSI_CAPABLE_SHIFT = 1, /* log2 of the vectors */
    MSI_ENABLED_SHIFT = 4, /* ... that the guest wants */
    MSI_64 = 1 << 7,
    MSI_MASKS = 1 << 8,

    MSI_ADDRESS = 4,
    MSI_DATA = 12,
    MSI_MASK = 16,
    MSI_PENDING = 20,
    MSI_SIZE = 24,
};

/* MSI-X, 6.8.2. */
enum {
    MSIX_MASK_ALL = 1 << 14,
    MSIX_ENABLE = 1 << 15,

    MSIX_TABLE = 4,
    MSIX_PBA = 8,
    MSIX_SIZE = 12,

    ENTRY_SIZE = 16,
    ENTRY_MASKED = 1,
};

const struct field pci_vector_fields[] = {
    FIELD(struct pci_vector, address, 0),
    FIELD(struct pci_vector, data, 0),
    FIELD(struct pci_vector, control, ENTRY_MASKED),
    FIELD_LIST_END,
};

void pci_add_msi(struct pci_device *d, unsigned n)
{
    unsigned at = pci_add_capability(d, PCI_CAPABILITY_MSI, MSI_SIZE);
    unsigned log2 = (unsigned)__builtin_ctz(n);

    assert(n <= PCI_MAX_VECTORS && n == 1u << log2);
    d->msi_cap = (uint8_t)at;
    d->n_msi = (uint8_t)n;
    st_le16(d->config + at + CONTROL,
            (uint16_t)(MSI_64 | MSI_MASKS | log2 << MSI_CAPABLE_SHIFT));
    st_le16(d->writable + at + CONTROL,
            MSI_ENABLE | 7 << MSI_ENABLED_SHIFT);
    st_le64(d->writable + at + MSI_ADDRESS, ~(uint64_t)3);
    st_le16(d->writable + at + MSI_DATA, 0xffff);
    st_le32(d->writable + at + MSI_MASK, UINT32_MAX >> (32 - n));
}

void pci_add_msix(struct pci_device *d, unsigned n, unsigned bar)
{
    unsigned at = pci_add_capability(d, PCI_CAPABILITY_MSIX, MSIX_SIZE);

    assert(n >= 1 && n <= PCI_MAX_VECTORS &&
           d->info->bar[bar].size == PCI_MSIX_SIZE);
    d->msix_cap = (uint8_t)at;
    d->n_msix = (uint8_t)n;
    for (unsigned i = 0; i < PCI_MAX_VECTORS; i++)
        d->vector[i].control = ENTRY_MASKED;
    st_le16(d->config + at + CONTROL, (uint16_t)(n - 1));
    st_le16(d->writable + at + CONTROL, MSIX_MASK_ALL | MSIX_ENABLE);
    st_le32(d->config + at + MSIX_TABLE, bar);
    st_le32(d->config + at + MSIX_PBA, PCI_MSIX_PBA | bar);
}

static unsigned msi_control(const struct pci_device *d)
{
    return d->msi_cap ? ld_le16(d->config + d->msi_cap + CONTROL) : 0;
}

static unsigned msix_control(const struct pci_device *d)
{
    return d->msix_cap ? ld_le16(d->config + d->msix_cap + CONTROL) : 0;
}

bool pci_msi_enabled(const struct pci_device *d)
{
    return (msi_control(d) & MSI_ENABLE) || (msix_control(d) & MSIX_ENABLE);
}

static void send(struct pci_device *d, uint64_t address, uint32_t data)
{
    address &= ~(uint64_t)3;
    if (!pci_is_master(d))
        return;
    if (!memory_msi(d->dev.env->memory, address, data))
        log_guest(d->dev.env->log, "%s: a message to nowhere: 0x%llx",
                  d->dev.path, (unsigned long long)address);
}

/* -- MSI -- */

/* How many vectors the guest lets the function use, as a mask: it may ask
 * for more than there are. */
static unsigned msi_low_bits(const struct pci_device *d)
{
    unsigned want = 1u << (msi_control(d) >> MSI_ENABLED_SHIFT & 7);

    return (want < d->n_msi ? want : d->n_msi) - 1;
}

static void notify_msi(struct pci_device *d, unsigned vector)
{
    uint8_t *cap = d->config + d->msi_cap;
    uint32_t data = ld_le16(cap + MSI_DATA), low = msi_low_bits(d);
    uint32_t bit;

    vector &= low; /* those left out share */
    bit = UINT32_C(1) << vector;
    if (ld_le32(cap + MSI_MASK) & bit)
        st_le32(cap + MSI_PENDING, ld_le32(cap + MSI_PENDING) | bit);
    else
        send(d, ld_le64(cap + MSI_ADDRESS), (data & ~low) | vector);
}

static void flush_msi(struct pci_device *d)
{
    uint8_t *cap = d->config + d->msi_cap;
    uint32_t bits = ld_le32(cap + MSI_PENDING) & ~ld_le32(cap + MSI_MASK);

    st_le32(cap + MSI_PENDING, ld_le32(cap + MSI_PENDING) & ~bits);
    for (; bits; bits &= bits - 1)
        notify_msi(d, (unsigned)__builtin_ctz(bits));
}

/* -- MSI-X -- */

static void notify_msix(struct pci_device *d, unsigned vector)
{
    const struct pci_vector *v = &d->vector[vector];

    if ((msix_control(d) & MSIX_MASK_ALL) || (v->control & ENTRY_MASKED))
        d->msix_pending |= UINT32_C(1) << vector;
    else
        send(d, v->address, v->data);
}

static void flush_msix(struct pci_device *d)
{
    uint32_t bits = d->msix_pending;

    d->msix_pending = 0;
    for (; bits; bits &= bits - 1)
        notify_msix(d, (unsigned)__builtin_ctz(bits));
}

static void flush(struct pci_device *d)
{
    if (msix_control(d) & MSIX_ENABLE)
        flush_msix(d);
    else if (msi_control(d) & MSI_ENABLE)
        flush_msi(d);
}

void pci_msi_notify(struct pci_device *d, unsigned vector)
{
    if (msix_control(d) & MSIX_ENABLE) {
        if (vector < d->n_msix)
            notify_msix(d, vector);
    } else if (msi_control(d) & MSI_ENABLE) {
        if (vector < d->n_msi)
            notify_msi(d, vector);
    }
}

static uint32_t read_word(const struct pci_device *d, uint64_t offset)
{
    const struct pci_vector *v;

    if (offset == PCI_MSIX_PBA)
        return d->msix_pending;
    if (offset / ENTRY_SIZE >= d->n_msix)
        return 0;
    v = &d->vector[offset / ENTRY_SIZE];
    switch (offset % ENTRY_SIZE) {
    case 0:
        return (uint32_t)v->address;
    case 4:
        return (uint32_t)(v->address >> 32);
    case 8:
        return v->data;
    default:
        return v->control;
    }
}

static void write_word(struct pci_device *d, uint64_t offset, uint32_t value)
{
    struct pci_vector *v;

    if (offset / ENTRY_SIZE >= d->n_msix)
        return; /* the pending bits are read-only */
    v = &d->vector[offset / ENTRY_SIZE];
    switch (offset % ENTRY_SIZE) {
    case 0:
        v->address = (v->address & ~(uint64_t)UINT32_MAX) | value;
        break;
    case 4:
        v->address = (uint32_t)v->address | (uint64_t)value << 32;
        break;
    case 8:
        v->data = value;
        break;
    default:
        v->control = value & ENTRY_MASKED;
    }
}

uint64_t pci_msix_read(struct pci_device *d, uint64_t offset, unsigned size)
{
    uint64_t value = read_word(d, offset);

    return size == 8 ? value | (uint64_t)read_word(d, offset + 4) << 32 : value;
}

void pci_msix_write(struct pci_device *d, uint64_t offset, uint64_t value,
                    unsigned size)
{
    write_word(d, offset, (uint32_t)value);
    if (size == 8)
        write_word(d, offset + 4, (uint32_t)(value >> 32));
    flush(d);
}

/* -- the configuration space -- */

static bool touches(unsigned offset, unsigned size, unsigned cap,
                    unsigned cap_size)
{
    return cap && offset < cap + cap_size && offset + size > cap;
}

bool pci_msi_config_wrote(struct pci_device *d, unsigned offset, unsigned size)
{
    if (!touches(offset, size, d->msi_cap, MSI_SIZE) &&
        !touches(offset, size, d->msix_cap, MSIX_SIZE))
        return false;
    flush(d);
    return true;
}

void pci_msi_reset(struct pci_device *d)
{
    if (d->msi_cap)
        st_le32(d->config + d->msi_cap + MSI_PENDING, 0);
}

/* A damaged snapshot must not have vectors that do not exist. */
void pci_msi_loaded(struct pci_device *d)
{
    uint8_t *pending = d->config + d->msi_cap + MSI_PENDING;

    for (unsigned i = 0; i < PCI_MAX_VECTORS; i++)
        d->vector[i].control &= ENTRY_MASKED;
    d->msix_pending &= (uint32_t)(((uint64_t)1 << d->n_msix) - 1);
    if (d->msi_cap)
        st_le32(pending, ld_le32(pending) & UINT32_MAX >> (32 - d->n_msi));
}
