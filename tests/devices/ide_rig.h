/*
 * Drives an IDE controller as a BIOS would: for test_ide.c and test_atapi.c,
 * each of which is one program with what is below.
 */
#ifndef TESTS_DEVICES_IDE_RIG_H
#define TESTS_DEVICES_IDE_RIG_H

#include "tests/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "devices/ata/ide.h"
#include "devices/pci/pci.h"
#include "tests/devices/harness.h"

#define DISK_SECTORS 3000u
#define RAM HARNESS_RAM
#define TABLE (HARNESS_RAM + 0x80000) /* of descriptors */

static struct harness *h;
static struct device *ide;
static unsigned base = 0x1f0; /* of the channel that is driven */
static uint8_t words[512];    /* the last sector that was identified */

static int setup(void **state)
{
    (void)state;
    h = harness_new();
    base = 0x1f0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    harness_free(h);
    return 0;
}

static uint8_t *ram(void)
{
    return h->ram->host;
}

/* A disk of DISK_SECTORS, of which every byte can be told. */
static struct harness_disk *disk(const char *id)
{
    struct harness_disk *d = harness_disk(h, id);

    if (d->block.size == DISK_SECTORS * 512)
        return d;
    free(d->data);
    d->data = malloc(DISK_SECTORS * 512);
    d->block.size = DISK_SECTORS * 512;
    for (unsigned i = 0; i < DISK_SECTORS * 512; i++)
        d->data[i] = (uint8_t)(i / 512 * 5 + i / 512 / 256 + i % 512 * 3);
    return d;
}

static void enable(void)
{
    harness_enable_pci(h, ide);
    harness_config_write(h, ide, 0x40, 4, 0x80008000);
}

static void make(const char *properties)
{
    static const char *const ids[] = {"c", "d", "e"};

    for (unsigned i = 0; i < 3; i++)
        disk(ids[i]);
    ide = harness_device(h, "piix3-ide", properties);
    enable();
}

/* ----------------------------------------------------------------- ports */

static inline uint64_t port_in(uint64_t port, unsigned size)
{
    uint64_t v;

    assert_int_equal(memory_read(h->ports, port, size, &v), BUS_OK);
    return v;
}

static inline void port_out(uint64_t port, unsigned size, uint64_t v)
{
    assert_int_equal(memory_write(h->ports, port, size, v), BUS_OK);
}

static inline unsigned memory_in(unsigned port)
{
    return (unsigned)port_in(port, 1);
}

static inline unsigned in(unsigned reg)
{
    return (unsigned)port_in(base + reg, 1);
}

static inline void out(unsigned reg, unsigned value)
{
    port_out(base + reg, 1, value);
}

static inline void control(unsigned value)
{
    port_out(base + 0x206, 1, value);
}

static inline bool irq(void)
{
    return harness_level(h, ide, base == 0x170);
}

static inline unsigned bm(unsigned reg)
{
    return (unsigned)harness_read(h, ide, 0, reg + (base == 0x170 ? 8 : 0), 1);
}

static inline void bm_write(unsigned reg, unsigned value)
{
    harness_write(h, ide, 0, reg + (base == 0x170 ? 8 : 0), 1, value);
}

static inline void wait_a_bit(void)
{
    harness_advance(h, 100000);
}

static inline void command(unsigned code)
{
    out(ATA_COMMAND, code);
    wait_a_bit();
}

static inline void read_data(uint8_t *bytes, unsigned n)
{
    for (unsigned i = 0; i < n; i += 2)
        st_le16(bytes + i, (uint16_t)port_in(base, 2));
}

static inline void write_data(const uint8_t *bytes, unsigned n)
{
    for (unsigned i = 0; i < n; i += 2)
        port_out(base, 2, ld_le16(bytes + i));
}

/* -------------------------------------------------------------- commands */

static inline unsigned word(unsigned n)
{
    return ld_le16(words + 2 * n);
}

static inline void identify(unsigned code)
{
    command(code);
    assert_true(irq());
    assert_int_equal(in(ATA_COMMAND), 0x58);
    assert_false(irq());
    read_data(words, 512);
}

static inline void set_features(unsigned code, unsigned value)
{
    out(ATA_FEATURES, code);
    out(ATA_COUNT, value);
    command(0xef);
    assert_int_equal(in(ATA_COMMAND), 0x50);
}

static inline void address_28(uint32_t lba, unsigned count)
{
    out(ATA_DEVICE, 0xe0 | lba >> 24);
    out(ATA_COUNT, count & 0xff);
    out(ATA_LBA_LOW, lba & 0xff);
    out(ATA_LBA_MID, lba >> 8 & 0xff);
    out(ATA_LBA_HIGH, lba >> 16 & 0xff);
}

static inline void address_chs(unsigned cylinder, unsigned head,
                               unsigned sector)
{
    out(ATA_DEVICE, 0xa0 | head);
    out(ATA_LBA_LOW, sector & 0xff);
    out(ATA_LBA_MID, cylinder & 0xff);
    out(ATA_LBA_HIGH, cylinder >> 8);
}

static inline void address_48(uint64_t lba, unsigned count)
{
    out(ATA_DEVICE, 0xe0);
    out(ATA_COUNT, count >> 8 & 0xff);
    out(ATA_COUNT, count & 0xff);
    for (unsigned i = 0; i < 3; i++) {
        out(ATA_LBA_LOW + i, lba >> (24 + 8 * i) & 0xff);
        out(ATA_LBA_LOW + i, lba >> 8 * i & 0xff);
    }
}

static inline uint64_t lba_48(void)
{
    uint64_t lba = 0;

    control(0x80);
    for (unsigned i = 0; i < 3; i++)
        lba |= (uint64_t)in(ATA_LBA_LOW + i) << (24 + 8 * i);
    control(0);
    for (unsigned i = 0; i < 3; i++)
        lba |= (uint64_t)in(ATA_LBA_LOW + i) << 8 * i;
    return lba;
}

/* Descriptor n; size 0: 64 KiB. */
static inline void prd(unsigned n, uint32_t address, unsigned size, bool last)
{
    uint8_t *at = ram() + 0x80000 + 8 * n;

    st_le32(at, address);
    st_le32(at + 4, (size & 0xffff) | (last ? 0x80000000 : 0));
}

/* The registers are set: a command by DMA, from its beginning. */
static inline void dma_command(unsigned code, bool to_memory)
{
    bm_write(0, 0);
    bm_write(2, 6);
    harness_write(h, ide, 0, base == 0x170 ? 12 : 4, 4, TABLE);
    bm_write(0, to_memory ? 8 : 0);
    out(ATA_COMMAND, code);
    bm_write(0, to_memory ? 9 : 1);
    wait_a_bit();
}

/* -------------------------------------------------------------- madness */

/* Take or give what the drive wants. */
static inline void move_on(struct prng *prng)
{
    for (unsigned i = 0; i < 3000 && (memory_in(base + 0x206) & 8); i++) {
        if (prng_below(prng, 2))
            port_in(base, 1u << prng_below(prng, 3));
        else
            port_out(base, 2, prng_next(prng));
        if (i % 256 == 0)
            wait_a_bit();
    }
}

static inline void some_packet(struct prng *prng)
{
    static const uint8_t ops[] = {
        0x00, 0x03, 0x12, 0x1b, 0x1e, 0x25, 0x28, 0x2b, 0x42, 0x43, 0x44, 0x46,
        0x4a, 0x51, 0x52, 0x55, 0x5a, 0xa8, 0xb9, 0xbd, 0xbe, 0x28, 0xbe};
    uint8_t p[12] = {0};

    p[0] = ops[prng_below(prng, sizeof(ops))];
    for (unsigned i = 1; i < 12; i++)
        if (!prng_below(prng, 3))
            p[i] = (uint8_t)(prng_next(prng) >> prng_below(prng, 8));
    if (p[0] == 0x28 || p[0] == 0xbe || p[0] == 0xa8)
        p[2] = p[3] = p[6] = p[7] = 0;
    for (unsigned i = 0; i < 12; i += 2)
        port_out(base, 2, ld_le16(p + i));
    wait_a_bit();
}

static inline void some_command(struct prng *prng)
{
    static const uint8_t codes[] = {
        0x20, 0x24, 0x25, 0x29, 0x30, 0x34, 0x35, 0x39, 0x40, 0x42, 0x91, 0xc4,
        0xc5, 0xc6, 0xc8, 0xca, 0xe4, 0xe8, 0xec, 0xef, 0xa0, 0xa1, 0xa0, 0xa0};
    uint8_t code = codes[prng_below(prng, sizeof(codes))];

    control(0);
    for (unsigned n = 0; n < 4; n++)
        prd(n, (uint32_t)(RAM + prng_below(prng, 0x70000)),
            (unsigned)prng_below(prng, prng_below(prng, 2) ? 0x10000 : 600),
            n == 3);
    address_48(prng_below(prng, DISK_SECTORS + 20),
               (unsigned)prng_below(prng, 40));
    out(ATA_DEVICE, 0xe0 | (prng_below(prng, 2) ? 0x10 : 0));
    out(ATA_FEATURES, prng_below(prng, 9) ? code & 1 : 3);
    if (code == 0xa0)
        out(ATA_FEATURES, (unsigned)prng_below(prng, 2));
    if (prng_below(prng, 2))
        dma_command(code, prng_below(prng, 2));
    else
        command(code);
    if (code == 0xa0)
        some_packet(prng);
    for (unsigned i = 0; code == 0xa0 && i < 3; i++) { /* after attentions */
        out(ATA_COMMAND, code);
        some_packet(prng);
    }
    if (prng_below(prng, 8))
        move_on(prng);
}

static inline void some_access(struct prng *prng)
{
    uint64_t port = base + prng_below(prng, 8);

    if (prng_below(prng, 20) == 0)
        port = base + 0x206;
    if (prng_below(prng, 2))
        port_in(port, 1u << prng_below(prng, 3));
    else
        port_out(port, 1u << prng_below(prng, 3), prng_next(prng));
}

/* Random accesses, and commands that make half sense. */
static inline void fuzz(uint64_t seed, unsigned steps)
{
    static const char *const ids[] = {"c", "d", "e"};
    uint8_t *fresh = harness_save(h, ide);
    struct prng prng = {seed};
    struct error e;

    for (unsigned i = 0; i < steps; i++) {
        struct harness_disk *d = disk(ids[prng_below(&prng, 3)]);

        base = prng_below(&prng, 2) ? 0x1f0 : 0x170;
        switch (prng_below(&prng, 64)) {
        case 0:
        case 6:
        case 7:
            some_command(&prng);
            break;
        case 1:
            harness_write(h, ide, 0, prng_below(&prng, 16), 1,
                          prng_next(&prng) & 0xff);
            break;
        case 2:
            d->error = prng_below(&prng, 4) ? 0 : EIO;
            break;
        case 3:
            harness_advance(h, prng_below(&prng, 50000));
            break;
        case 4:
            if (!prng_below(&prng, 10))
                ide_insert(ide, (unsigned)prng_below(&prng, 5),
                           prng_below(&prng, 4) ? &disk("c")->block : NULL, &e);
            break;
        case 5: /* out of a sleep */
            if (!prng_below(&prng, 10)) {
                control(4);
                control(0);
            }
            break;
        case 8:
            if (!prng_below(&prng, 4)) {
                harness_load_damaged(h, ide, &prng);
                enable();
            }
            /* Even what it may make of a PCI function's identity. */
            if (!prng_below(&prng, 40)) {
                assert_true(harness_load(h, ide, fresh));
                enable();
            }
            break;
        default:
            some_access(&prng);
        }
    }
    disk("c")->error = disk("d")->error = disk("e")->error = 0;
    assert_true(harness_load(h, ide, fresh));
    free(fresh);
    enable();
    for (base = 0x170; base <= 0x1f0; base += 0x80) {
        control(4);
        control(0);
    }
    base = 0x1f0;
    identify(0xec);
    assert_int_equal(word(60), DISK_SECTORS);
}

#endif
