/* The PIIX3's IDE interface and ATA disks, register by register. */
#include "tests/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "tests/devices/ide_rig.h"

/* -------------------------------------------------- ports and registers */

static void test_decoding(void **state)
{
    (void)state;
    ide = harness_device(h, "piix3-ide", "hda=d");
    assert_int_equal(harness_config_read(h, ide, 0, 4), 0x70108086);
    assert_int_equal(harness_config_read(h, ide, 8, 4), 0x01018000);
    assert_int_equal(harness_config_read(h, ide, 4, 4), 0x02800000);
    assert_int_equal(in(ATA_COMMAND), 0xff); /* nobody answers */
    harness_enable_pci(h, ide);
    assert_int_equal(in(ATA_COMMAND), 0xff);
    harness_config_write(h, ide, 0x40, 2, 0x8000);
    assert_int_equal(in(ATA_COMMAND), 0x50);
    base = 0x170;
    assert_int_equal(in(ATA_COMMAND), 0xff);
    harness_config_write(h, ide, 0x42, 2, 0x8000);
    assert_int_equal(in(ATA_COMMAND), 0x7f); /* DD7 is pulled down */
    out(ATA_COUNT, 0x55);
    assert_int_equal(in(ATA_COUNT), 0x7f);
    base = 0x1f0;
    harness_config_write(h, ide, PCI_COMMAND, 2, 0);
    assert_int_equal(in(ATA_COMMAND), 0xff);
    harness_config_write(h, ide, 0x44, 1, 0xa5);
    assert_int_equal(harness_config_read(h, ide, 0x44, 1), 0xa5);
    harness_reset(h, ide);
    assert_int_equal(harness_config_read(h, ide, 0x40, 4), 0);
    assert_int_equal(harness_config_read(h, ide, 4, 4), 0x02800000);
}

static void test_selection(void **state)
{
    (void)state;
    make("hda=d,hdc=c,hdd=e");
    /* An absent slave: the master's registers, but no status. */
    out(ATA_COUNT, 0x12);
    out(ATA_DEVICE, 0xb0);
    assert_int_equal(in(ATA_COMMAND), 0);
    assert_int_equal(in(ATA_COUNT), 0x12);
    out(ATA_COMMAND, 0xec);
    wait_a_bit();
    assert_int_equal(in(ATA_COMMAND), 0);
    assert_false(irq());
    out(ATA_DEVICE, 0xa0);
    assert_int_equal(in(ATA_COMMAND), 0x50);
    /* Two drives: both take what is written, the selected one answers. */
    base = 0x170;
    out(ATA_LBA_MID, 0x77);
    out(ATA_DEVICE, 0xb0);
    assert_int_equal(in(ATA_LBA_MID), 0x77);
    assert_int_equal(in(ATA_DEVICE)&0x10, 0x10);
    command(0xec);
    assert_true(irq());
    out(ATA_DEVICE, 0xa0); /* the other one has none */
    assert_false(irq());
    out(ATA_DEVICE, 0xb0);
    assert_true(irq());
    assert_int_equal(memory_in(0x376), 0x58); /* leaves it alone */
    assert_true(irq());
    assert_int_equal(in(ATA_COMMAND), 0x58);
    assert_false(irq());
}

static void test_control(void **state)
{
    (void)state;
    make("hda=d,hdb=e");
    out(ATA_COUNT, 0x11);
    out(ATA_COUNT, 0x22);
    control(0x80);
    assert_int_equal(in(ATA_COUNT), 0x11);
    out(ATA_LBA_LOW, 0); /* any write ends it */
    assert_int_equal(in(ATA_COUNT), 0x22);
    control(0x02); /* nIEN */
    command(0xe7);
    assert_false(irq());
    control(0x00);
    assert_true(irq());
    in(ATA_COMMAND);
    /* SRST, in the middle of a transfer, the slave selected. */
    out(ATA_DEVICE, 0xf0);
    out(ATA_COUNT, 2);
    out(ATA_LBA_LOW, 0);
    command(0x20);
    assert_int_equal(memory_in(0x3f6), 0x58);
    control(0x04);
    assert_int_equal(memory_in(0x3f6), 0x80);
    out(ATA_COMMAND, 0xec);
    assert_int_equal(memory_in(0x3f6), 0x80);
    control(0x00);
    assert_false(irq());
    for (unsigned slave = 0; slave < 2; slave++) {
        assert_int_equal(in(ATA_COMMAND), 0x50);
        assert_int_equal(in(ATA_FEATURES), 0x01);
        assert_int_equal(in(ATA_COUNT), 0x01);
        assert_int_equal(in(ATA_LBA_LOW), 0x01);
        assert_int_equal(in(ATA_LBA_MID), 0x00);
        assert_int_equal(in(ATA_LBA_HIGH), 0x00);
        assert_int_equal(in(ATA_DEVICE), slave << 4);
        out(ATA_DEVICE, 0x10);
    }
    /* EXECUTE DEVICE DIAGNOSTIC: both, the master answers. */
    command(0x90);
    assert_int_equal(in(ATA_DEVICE)&0x10, 0);
    assert_true(irq());
    assert_int_equal(in(ATA_FEATURES), 0x01);
    assert_int_equal(in(ATA_COMMAND), 0x50);
}

/* ------------------------------------------------------------- IDENTIFY */

static void test_identify(void **state)
{
    uint8_t sum = 0;

    (void)state;
    make("hda=d,hda-serial=12345");
    identify(0xec);
    for (unsigned i = 0; i < 512; i++)
        sum = (uint8_t)(sum + words[i]);
    assert_int_equal(sum, 0);
    assert_int_equal(in(ATA_COMMAND), 0x50);
    assert_int_equal(word(0), 0x0040);
    assert_int_equal(word(2), 0xc837);
    assert_memory_equal(words + 20, "2143 5              ", 20);
    assert_memory_equal(words + 54, "ME UAHDRIDKS", 12);
    assert_int_equal(word(60) | word(61) << 16, DISK_SECTORS);
    assert_int_equal(ld_le64(words + 200), DISK_SECTORS);
    assert_int_equal(word(1) * word(3) * word(6), DISK_SECTORS / 1008 * 1008);
    assert_int_equal(word(47), 0x8010);
    assert_int_equal(word(59), 0);
    assert_int_equal(word(63), 0x0007);
    assert_int_equal(word(85), 0x7068);
    /* What is set shows. */
    set_features(0x03, 0x22);
    identify(0xec);
    assert_int_equal(word(63), 0x0407);
    set_features(0x03, 0x45);
    set_features(0x82, 0);
    set_features(0x55, 0);
    out(ATA_COUNT, 8);
    command(0xc6);
    identify(0xec);
    assert_int_equal(word(63), 0x0007);
    assert_int_equal(word(88), 0x203f);
    assert_int_equal(word(85), 0x7008);
    assert_int_equal(word(59), 0x108);
    set_features(0x02, 0);
    set_features(0xaa, 0);
    identify(0xec);
    assert_int_equal(word(85), 0x7068);
    out(ATA_DEVICE, 0xa7); /* 8 heads of 32 sectors */
    out(ATA_COUNT, 32);
    command(0x91);
    identify(0xec);
    assert_int_equal(word(54), DISK_SECTORS / 256);
    assert_int_equal(word(55), 8);
    assert_int_equal(word(56), 32);
    assert_int_equal(word(57) | word(58) << 16, DISK_SECTORS / 256 * 256);
}

/* A disk of any size without its bytes: each sector begins with its number. */
static int sparse_read(struct block *b, uint64_t offset, void *bytes,
                       uint64_t size)
{
    (void)b;
    memset(bytes, 0, (size_t)size);
    for (uint64_t at = 0; at < size; at += 512)
        st_le64((uint8_t *)bytes + at, (offset + at) / 512);
    return 0;
}

struct size {
    uint64_t sectors;
    unsigned cylinders, heads, per_track;
    const char *chs;
};

static void check_size(const struct size *s)
{
    struct harness_disk *d = harness_disk(h, "big");
    char properties[64];
    struct ide_geometry g;
    uint64_t chs = (uint64_t)s->cylinders * s->heads * s->per_track;

    d->block.size = s->sectors * 512;
    d->block.read = sparse_read;
    if (s->chs) {
        ide = harness_make(h, &piix3_ide_class);
        assert_true(device_set(ide, &h->backends, "hda", "big", NULL));
        assert_true(device_set(ide, &h->backends, "hda-chs", s->chs, NULL));
        assert_true(harness_start(h, ide, 2, NULL));
        enable();
    } else {
        snprintf(properties, sizeof(properties), "hda=big");
        make(properties);
    }
    assert_true(ide_geometry(ide, 0, &g));
    assert_false(ide_geometry(ide, 1, &g));
    assert_true(ide_geometry(ide, 0, &g));
    assert_int_equal(g.total, s->sectors);
    identify(0xec);
    assert_int_equal(word(1), s->cylinders);
    assert_int_equal(word(3), s->heads);
    assert_int_equal(word(6), s->per_track);
    assert_int_equal(word(60) | (uint32_t)word(61) << 16,
                     s->sectors < 0x0fffffff ? s->sectors : 0x0fffffff);
    assert_int_equal(ld_le64(words + 200), s->sectors);
    /* The last sector by CHS, and none behind. */
    address_chs(s->cylinders - 1, s->heads - 1, s->per_track);
    out(ATA_COUNT, 1);
    command(0x20);
    read_data(words, 512);
    assert_int_equal(ld_le64(words), chs - 1);
    address_chs(0, 0, s->per_track + 1);
    command(0x20);
    assert_int_equal(in(ATA_COMMAND), 0x51);
    assert_int_equal(in(ATA_FEATURES), 0x10);
    /* The last one of all by 48 bits. */
    address_48(s->sectors - 1, 1);
    command(0x24);
    read_data(words, 512);
    assert_int_equal(ld_le64(words), s->sectors - 1);
    address_48(s->sectors, 1);
    command(0x24);
    assert_int_equal(in(ATA_FEATURES), 0x10);
    /* READ NATIVE MAX ADDRESS and EXT. */
    command(0x27);
    assert_int_equal(lba_48(), s->sectors - 1);
    command(0xf8);
    assert_int_equal(in(ATA_LBA_LOW) | in(ATA_LBA_MID) << 8 |
                         in(ATA_LBA_HIGH) << 16 | (in(ATA_DEVICE)&15) << 24,
                     s->sectors - 1 < 0x0fffffff ? s->sectors - 1 : 0x0fffffff);
}

static void test_sizes(void **state)
{
    static const struct size sizes[] = {
        {1, 1, 1, 1, NULL},
        {62, 1, 1, 62, NULL},
        {1007, 1, 15, 63, NULL},
        {1032192, 1024, 16, 63, NULL}, /* 504 MB */
        {16514064, 16383, 16, 63, NULL},
        {16777216, 16383, 16, 63, NULL}, /* 8 GB */
        {0x10000000, 16383, 16, 63, NULL},
        {0x123456789ab, 16383, 16, 63, NULL},
        {41820, 820, 3, 17, "820,3,17"},
        {20000000, 65535, 1, 255, "65535,1,255"},
    };

    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        check_size(&sizes[i]);
        teardown(state);
        setup(state);
    }
}

static void refuse(const char *name, const char *value, const char *text)
{
    struct device *dev = harness_make(h, &piix3_ide_class);
    struct error e;

    assert_true(device_set(dev, &h->backends, "hda", "d", &e));
    assert_true(device_set(dev, &h->backends, name, value, &e));
    assert_false(device_create(dev, 2, &e));
    assert_non_null(strstr(e.text, text));
}

static void test_bad_properties(void **state)
{
    (void)state;
    refuse("hda-chs", "10,20", "want cylinders,heads,sectors");
    refuse("hda-chs", "10,17,63", "want cylinders,heads,sectors");
    refuse("hda-chs", "-1,1,1", "want cylinders,heads,sectors");
    refuse("hda-chs", "1,1,1,1", "want cylinders,heads,sectors");
    refuse("hda-chs", "1000,16,63", "the disk has only");
    refuse("hda-serial", "123456789012345678901", "longer than 20");
}

/* ----------------------------------------------------- reading, writing */

/* The same 40 sectors in every way that there is. */
static void test_reads_are_equal(void **state)
{
    static const uint8_t pio[] = {0x20, 0x21, 0xc4}, ext[] = {0x24, 0x29};
    struct harness_disk *d = disk("d");
    uint8_t bytes[40 * 512];
    const uint8_t *want = d->data + 100 * 512;

    (void)state;
    make("hda=d");
    out(ATA_COUNT, 16);
    command(0xc6);
    for (unsigned i = 0; i < 3; i++) {
        address_28(100, 40);
        command(pio[i]);
        read_data(bytes, sizeof(bytes));
        assert_memory_equal(bytes, want, sizeof(bytes));
        assert_int_equal(in(ATA_COMMAND), 0x50);
        assert_false(irq());
        address_chs(0, 1, 38); /* 63 + 37 */
        out(ATA_COUNT, 40);
        command(pio[i]);
        memset(bytes, 0, sizeof(bytes));
        read_data(bytes, sizeof(bytes));
        assert_memory_equal(bytes, want, sizeof(bytes));
        assert_int_equal(in(ATA_LBA_LOW), 14); /* the last one's: 139 */
        assert_int_equal(in(ATA_DEVICE)&15, 2);
    }
    for (unsigned i = 0; i < 2; i++) {
        address_48(100, 40);
        command(ext[i]);
        memset(bytes, 0, sizeof(bytes));
        read_data(bytes, sizeof(bytes));
        assert_memory_equal(bytes, want, sizeof(bytes));
    }
    for (unsigned i = 0; i < 2; i++) {
        memset(ram(), 0, sizeof(bytes));
        prd(0, RAM, sizeof(bytes), true);
        if (i)
            address_48(100, 40);
        else
            address_28(100, 40);
        dma_command(i ? 0x25 : 0xc8, true);
        assert_true(irq());
        assert_int_equal(bm(2), 0x04);
        assert_int_equal(in(ATA_COMMAND), 0x50);
        assert_memory_equal(ram(), want, sizeof(bytes));
    }
}

static void write_both_ways(uint8_t opcode, bool ext, bool dma)
{
    struct harness_disk *d = disk("d");
    uint8_t bytes[20 * 512];
    struct prng prng = {opcode};

    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)prng_next(&prng);
    if (ext)
        address_48(500, 20);
    else
        address_28(500, 20);
    if (dma) {
        memcpy(ram(), bytes, sizeof(bytes));
        prd(0, RAM, sizeof(bytes), true);
        dma_command(opcode, false);
    } else {
        out(ATA_COMMAND, opcode);
        assert_false(irq()); /* the first block is asked for without */
        write_data(bytes, sizeof(bytes));
    }
    assert_true(irq());
    assert_int_equal(in(ATA_COMMAND), 0x50);
    assert_memory_equal(d->data + 500 * 512, bytes, sizeof(bytes));
}

static void test_writes(void **state)
{
    struct harness_disk *d = disk("d");

    (void)state;
    make("hda=d");
    out(ATA_COUNT, 8);
    command(0xc6);
    write_both_ways(0x30, false, false);
    write_both_ways(0x31, false, false);
    write_both_ways(0x3c, false, false);
    write_both_ways(0xc5, false, false);
    write_both_ways(0x34, true, false);
    write_both_ways(0x39, true, false);
    write_both_ways(0xca, false, true);
    write_both_ways(0xcb, false, true);
    write_both_ways(0x35, true, true);
    assert_int_equal(d->flushes, 0);
    command(0xe7);
    assert_int_equal(d->flushes, 1);
    command(0xea);
    assert_int_equal(d->flushes, 2);
    set_features(0x82, 0); /* write-through from here on */
    assert_int_equal(d->flushes, 3);
    write_both_ways(0xca, false, true);
    assert_int_equal(d->flushes, 4);
}

static void expect_error(unsigned error)
{
    assert_int_equal(memory_in(0x3f6), 0x51);
    assert_true(irq());
    assert_int_equal(in(ATA_COMMAND), 0x51);
    assert_int_equal(in(ATA_FEATURES), error);
}

/* Counts of 0 are the largest, in several pieces and turns. */
static void test_large(void **state)
{
    struct harness_disk *d = harness_disk(h, "big");

    (void)state;
    d->block.size = (uint64_t)1 << 30;
    d->block.read = sparse_read;
    make("hda=big");
    /* 32 MiB by descriptors that all lead to the same 64 KiB. */
    for (unsigned i = 0; i < 512; i++)
        prd(i, RAM, 0, i == 511);
    address_48(7, 0);
    dma_command(0x25, true);
    wait_a_bit();
    assert_true(irq());
    assert_int_equal(bm(2), 0x04);
    assert_int_equal(ld_le64(ram()), 7 + 65536 - 128);
    assert_int_equal(ld_le64(ram() + 65536 - 512), 7 + 65535);
    address_28(7, 0);
    prd(0, RAM, 0, false);
    prd(1, RAM + 0x10000, 0, true);
    dma_command(0xc8, true);
    assert_int_equal(ld_le64(ram() + 0x20000 - 512), 7 + 255);
    address_28(7, 0);
    command(0x20);
    for (unsigned i = 0; i < 256; i++) {
        read_data(words, 512);
        assert_int_equal(ld_le64(words), 7 + i);
    }
    assert_int_equal(in(ATA_COMMAND), 0x50);
}

/* A transfer of 28 bits ends where its address does. */
static void test_28_bits(void **state)
{
    struct harness_disk *d = harness_disk(h, "big");

    (void)state;
    d->block.size = ((uint64_t)0x10000000 + 10) * 512;
    d->block.read = sparse_read;
    make("hda=big");
    address_28(0x0ffffffe, 3);
    command(0x20);
    for (unsigned i = 0; i < 2; i++) {
        read_data(words, 512);
        assert_int_equal(ld_le64(words), 0x0ffffffe + i);
    }
    expect_error(0x10);
    assert_int_equal(in(ATA_COUNT), 1);
    address_28(0x0ffffff0, 17);
    command(0x40);
    expect_error(0x10);
    address_48(0x0ffffffe, 3);
    command(0x42);
    assert_int_equal(in(ATA_COMMAND), 0x50);
}

static void test_widths(void **state)
{
    struct harness_disk *d = disk("d");
    uint8_t bytes[512];

    (void)state;
    make("hda=d");
    address_28(3, 1);
    command(0x20);
    for (unsigned i = 0; i < 512; i += 4)
        st_le32(bytes + i, (uint32_t)port_in(base, 4));
    assert_memory_equal(bytes, d->data + 3 * 512, 512);
    assert_int_equal(port_in(base, 2), 0); /* no more */
    port_out(base + 2, 2, 0x0503);         /* two registers */
    assert_int_equal(in(ATA_COUNT), 3);
    assert_int_equal(in(ATA_LBA_LOW), 5);
    port_out(base + 4, 4, 0x00e01234);
    assert_int_equal(port_in(base + 2, 2), 0x0503);
    assert_int_equal(in(ATA_LBA_HIGH), 0x12);
}

/* ---------------------------------------------------------------- errors */

static void test_errors(void **state)
{
    static const uint8_t no[] = {0x00, 0x08, 0x22, 0x32, 0x50, 0x92,
                                 0xa0, 0xa1, 0xb0, 0xc0, 0xc7, 0xcc,
                                 0xf1, 0xf5, 0xf9, 0xff};
    struct harness_disk *d = disk("d");

    (void)state;
    make("hda=d");
    for (unsigned i = 0; i < sizeof(no); i++) {
        command(no[i]);
        expect_error(0x04);
    }
    address_28(0, 1);
    command(0xc4); /* no multiple is set */
    expect_error(0x04);
    out(ATA_COUNT, 3);
    command(0xc6);
    expect_error(0x04);
    out(ATA_COUNT, 32);
    command(0xc6);
    expect_error(0x04);
    out(ATA_COUNT, 0);
    command(0x91);
    expect_error(0x04);
    out(ATA_FEATURES, 0x77);
    command(0xef);
    expect_error(0x04);
    out(ATA_FEATURES, 3);
    out(ATA_COUNT, 0x23);
    command(0xef);
    expect_error(0x04);

    /* The transfer begins within the disk, and ends behind. */
    address_28(DISK_SECTORS - 2, 5);
    command(0x20);
    read_data(words, 512);
    read_data(words, 512);
    expect_error(0x10);
    assert_int_equal(in(ATA_COUNT), 3);
    assert_int_equal(in(ATA_LBA_LOW), DISK_SECTORS & 0xff);
    assert_int_equal(in(ATA_LBA_MID), DISK_SECTORS >> 8);
    address_chs(0, 0, 0);
    out(ATA_COUNT, 1);
    command(0x20);
    expect_error(0x10);
    address_chs(0, 15, 63);
    command(0x70);
    assert_int_equal(in(ATA_COMMAND), 0x50);
    address_chs(5000, 0, 1);
    command(0x7f);
    expect_error(0x10);
    command(0x1f);
    assert_int_equal(in(ATA_COMMAND), 0x50);

    /* The host's side. */
    address_28(9, 4);
    command(0x20);
    read_data(words, 512);
    d->error = EIO; /* one sector is in the buffer already */
    read_data(words, 512);
    expect_error(0x40);
    assert_int_equal(in(ATA_LBA_LOW), 11);
    assert_int_equal(in(ATA_COUNT), 2);
    address_28(9, 4);
    prd(0, RAM, 2048, true);
    dma_command(0xc8, true);
    expect_error(0x40);
    address_28(9, 4);
    command(0x40);
    expect_error(0x40);
    d->error = ENOSPC;
    address_28(9, 2);
    out(ATA_COMMAND, 0x30);
    write_data(words, 512);
    expect_error(0x44);
    assert_int_equal(in(ATA_LBA_LOW), 9);
    assert_int_equal(in(ATA_COUNT), 2);
    address_28(9, 2);
    prd(0, RAM, 1024, true);
    dma_command(0xca, false);
    expect_error(0x44);
    command(0xe7);
    expect_error(0x04);
    command(0xe0);
    expect_error(0x04);
    command(0xe6); /* it does not sleep then */
    expect_error(0x04);
    d->error = 0;
    identify(0xec);
    d->block.read_only = true; /* the harness would end the program */
    address_28(9, 2);
    out(ATA_COMMAND, 0x30);
    expect_error(0x44);
    address_28(9, 2);
    dma_command(0xca, false);
    expect_error(0x44);
    command(0xe7);
    assert_int_equal(in(ATA_COMMAND), 0x50);
}

/* What a soft reset leaves as it was set, if the guest wants that. */
static void test_keep(void **state)
{
    (void)state;
    make("hda=d");
    for (unsigned keep = 0; keep < 2; keep++) {
        set_features(keep ? 0x66 : 0xcc, 0);
        set_features(0x82, 0); /* the write cache */
        out(ATA_COUNT, 8);
        command(0xc6);
        control(4);
        control(0);
        identify(0xec);
        assert_int_equal(word(85) & 0x20, keep ? 0 : 0x20);
        assert_int_equal(word(59), keep ? 0x108 : 0);
    }
    harness_reset(h, ide);
    enable();
    identify(0xec);
    assert_int_equal(word(59), 0);
}

/* Two channels by PIO, without PCI. */
static void test_isa(void **state)
{
    static const uint16_t places[] = {0x1f0, 0x3f6, 0x170, 0x376};

    (void)state;
    disk("d");
    disk("e");
    ide = harness_device(h, "isa-ide", "hda=d,hdd=e,hdc-cd=on");
    for (unsigned n = 0; n < 4; n++)
        assert_true(device_map(ide, n, places[n], 0, &(struct error){""}));
    identify(0xec);
    assert_int_equal(word(60), DISK_SECTORS);
    address_28(7, 1);
    command(0xc8); /* no bus master */
    expect_error(0x04);
    address_28(7, 1);
    command(0x20);
    assert_true(irq());
    read_data(words, 512);
    assert_memory_equal(words, disk("d")->data + 7 * 512, 512);
    base = 0x170;
    identify(0xa1);
    assert_int_equal(word(0) & 0xff00, 0x8500);
    out(ATA_DEVICE, 0xb0);
    address_28(9, 1);
    out(ATA_DEVICE, 0xf0);
    command(0x20);
    assert_true(irq());
    read_data(words, 512);
    assert_memory_equal(words, disk("e")->data + 9 * 512, 512);
    assert_true(ide_insert(ide, 2, &disk("c")->block, &(struct error){""}));
    assert_ptr_equal(ide_medium(ide, 2), &disk("c")->block);
    assert_false(ide_insert(ide, 3, NULL, &(struct error){""}));
}

static void test_small_commands(void **state)
{
    struct harness_disk *d = disk("d");
    uint8_t bytes[512];

    (void)state;
    make("hda=d");
    address_28(0, 200);
    command(0x40);
    assert_int_equal(in(ATA_COMMAND), 0x50);
    assert_int_equal(d->reads, 2);
    address_48(DISK_SECTORS - 3, 4);
    command(0x42);
    expect_error(0x10);
    assert_int_equal(lba_48(), DISK_SECTORS);
    /* Longer than a turn; the count is at its end in both halves. */
    d->reads = 0;
    address_48(0, DISK_SECTORS);
    command(0x42);
    assert_int_equal(in(ATA_COMMAND), 0x50);
    assert_int_equal(d->reads, (DISK_SECTORS + 127) / 128);
    address_48(0, 0x200);
    command(0x24);
    for (unsigned i = 0; i < 0x200; i++) {
        read_data(words, 512);
        in(ATA_COMMAND);
        wait_a_bit();
    }
    assert_int_equal(in(ATA_COUNT), 0);
    control(0x80);
    assert_int_equal(in(ATA_COUNT), 0);
    control(0);
    assert_int_equal(lba_48(), 0x1ff);
    command(0xe5);
    assert_int_equal(in(ATA_COUNT), 0xff);
    command(0xe1);
    command(0x98);
    assert_int_equal(in(ATA_COUNT), 0x80);
    command(0xe0);
    assert_int_equal(d->flushes, 1);
    command(0xe5);
    assert_int_equal(in(ATA_COUNT), 0x00);
    address_28(0, 1);
    command(0x20); /* wakes it */
    read_data(words, 512);
    command(0xe5);
    assert_int_equal(in(ATA_COUNT), 0xff);
    for (unsigned i = 0; i < 512; i++)
        bytes[i] = (uint8_t)(i * 3);
    out(ATA_COMMAND, 0xe8);
    write_data(bytes, 512);
    command(0xe4);
    read_data(words, 512);
    assert_memory_equal(words, bytes, 512);
    assert_int_equal(d->writes, 0);
    command(0xe6); /* only a reset wakes it now */
    in(ATA_COMMAND);
    command(0xec);
    assert_false(irq());
    control(4);
    control(0);
    identify(0xec);
}

/* ---------------------------------------------------------- bus mastering */

static void test_scatter(void **state)
{
    struct harness_disk *d = disk("d");

    (void)state;
    make("hda=d");
    prd(0, RAM + 0x1002, 700, false);
    prd(1, RAM + 0x3001, 0xffff, false); /* bits 0 are not there: 65534 */
    memset(ram(), 0xee, 0x20000);
    address_28(20, 4);
    dma_command(0xc8, true);
    assert_true(irq());
    assert_int_equal(bm(2), 0x05); /* it goes on: the table is longer */
    assert_memory_equal(ram() + 0x1002, d->data + 20 * 512, 700);
    assert_memory_equal(ram() + 0x3000, d->data + 20 * 512 + 700, 2048 - 700);
    assert_int_equal(ram()[0x1001], 0xee);
    assert_int_equal(ram()[0x3000 + 2048 - 700], 0xee);
    bm_write(0, 0);
    bm_write(2, 0x04);
    assert_int_equal(bm(2), 0);
    assert_int_equal(in(ATA_COMMAND), 0x50);

    /* The table is shorter: the drive waits. */
    prd(0, RAM, 1024, true);
    address_28(20, 4);
    dma_command(0xc8, true);
    assert_false(irq());
    assert_int_equal(bm(2), 0x00);
    assert_int_equal(in(ATA_COMMAND), 0x58);
    assert_memory_equal(ram(), d->data + 20 * 512, 1024);
    bm_write(0, 0); /* and goes on with another one */
    prd(0, RAM, 1024, true);
    bm_write(0, 0x09);
    wait_a_bit();
    assert_int_equal(bm(2), 0x04);
    assert_memory_equal(ram(), d->data + 22 * 512, 1024);
    in(ATA_COMMAND);

    /* It begins before the command. */
    prd(0, RAM, 512, true);
    bm_write(0, 0);
    bm_write(2, 4);
    bm_write(0, 9);
    address_28(1, 1);
    command(0xc8);
    assert_int_equal(bm(2), 0x04);
    assert_memory_equal(ram(), d->data + 512, 512);
    bm_write(2, 0x64); /* the bits for software */
    assert_int_equal(bm(2), 0x60);
    assert_int_equal(bm(0), 0x09);
}

static void test_bad_tables(void **state)
{
    struct harness_disk *d = disk("d");

    (void)state;
    make("hda=d");
    /* Data to nowhere. */
    prd(0, 0x10000000, 512, true);
    address_28(0, 1);
    dma_command(0xc8, true);
    assert_int_equal(bm(2), 0x02);
    assert_false(irq());
    assert_int_equal(harness_config_read(h, ide, PCI_STATUS, 2) & 0x2000,
                     0x2000);
    harness_config_write(h, ide, PCI_STATUS, 2, 0x2000);
    assert_int_equal(harness_config_read(h, ide, PCI_STATUS, 2) & 0x2000, 0);
    control(4);
    control(0);
    /* A table in nowhere. */
    bm_write(0, 0);
    bm_write(2, 6);
    address_28(0, 1);
    harness_write(h, ide, 0, 4, 4, 0x10000003);
    assert_int_equal(harness_read(h, ide, 0, 4, 4), 0x10000000);
    bm_write(0, 9);
    command(0xc8);
    assert_int_equal(bm(2), 0x02);
    control(4);
    control(0);
    /* The other way round. */
    prd(0, RAM, 512, true);
    address_28(0, 1);
    dma_command(0xca, true);
    assert_int_equal(bm(2), 0x02);
    assert_int_equal(d->writes, 0);
    control(4);
    control(0);
    /* Without mastering nothing moves, until it is allowed. */
    harness_config_write(h, ide, PCI_COMMAND, 2, 1);
    memset(ram(), 0, 512);
    address_28(4, 1);
    dma_command(0xc8, true);
    assert_int_equal(bm(2), 0x01);
    assert_int_equal(ram()[1], 0);
    harness_config_write(h, ide, PCI_COMMAND, 2, 5);
    wait_a_bit();
    assert_int_equal(bm(2), 0x04);
    assert_memory_equal(ram(), d->data + 4 * 512, 512);
}

/* -------------------------------------------------------- state, madness */

static void test_state(void **state)
{
    struct harness_disk *d = disk("d");
    size_t size = state_size(piix3_ide_class.fields);
    uint8_t *saved = malloc(size), bytes[1024];
    struct device *other;
    struct harness *mine = h;
    struct error e;

    (void)state;
    make("hda=d");
    address_28(50, 2);
    command(0x20);
    read_data(bytes, 300);
    state_save(piix3_ide_class.fields, ide, saved);
    /* In another machine. */
    h = harness_new();
    d = disk("d");
    make("hda=d");
    other = ide;
    pthread_mutex_lock(&h->lock);
    assert_true(state_load(piix3_ide_class.fields, other, saved, size, &e));
    piix3_ide_class.loaded(other);
    pthread_mutex_unlock(&h->lock);
    read_data(bytes + 300, 1024 - 300);
    assert_memory_equal(bytes, d->data + 50 * 512, 1024);
    assert_int_equal(in(ATA_COMMAND), 0x50);
    free(saved);
    harness_free(h);
    h = mine;
}

static void test_fuzz(void **state)
{
    struct harness_disk *d = disk("d");

    (void)state;
    make("hda=d,hdb=e,hdc=c,hdc-cd=on,hdd-cd=on");
    fuzz(7, 150000);
    assert_true(d->reads > 100 && d->writes > 100);
    assert_true(disk("c")->reads > 10);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_decoding),
        TEST(test_selection),
        TEST(test_control),
        TEST(test_identify),
        TEST(test_sizes),
        TEST(test_bad_properties),
        TEST(test_reads_are_equal),
        TEST(test_writes),
        TEST(test_large),
        TEST(test_28_bits),
        TEST(test_widths),
        TEST(test_errors),
        TEST(test_small_commands),
        TEST(test_keep),
        TEST(test_isa),
        TEST(test_scatter),
        TEST(test_bad_tables),
        TEST(test_state),
        TEST(test_fuzz),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
