/*
 * The board `pc` as a whole, with stub CPUs: what its ports, its memory below
 * 1 MiB and its interrupt wires do together.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "devices/fw_cfg.h"
#include "devices/lapic.h"
#include "rig.h"
#include "stub_cpu.h"

#define ROM_SIZE 0x40000
#define CONFIG(devfn, reg) (0x80000000u | (devfn) << 8 | (reg))
#define PIIX3 (1 << 3)
#define PM (1 << 3 | 3)

static uint64_t in(struct rig *r, uint64_t port, unsigned size)
{
    uint64_t v;

    assert_int_equal(memory_read(r->m->ports, port, size, &v), BUS_OK);
    return v;
}

static void out(struct rig *r, uint64_t port, unsigned size, uint64_t v)
{
    assert_int_equal(memory_write(r->m->ports, port, size, v), BUS_OK);
}

static uint32_t config_read(struct rig *r, unsigned devfn, unsigned reg,
                            unsigned size)
{
    out(r, 0xcf8, 4, CONFIG(devfn, reg & 0xfc));
    return (uint32_t)in(r, 0xcfc + (reg & 3), size);
}

static void config_write(struct rig *r, unsigned devfn, unsigned reg,
                         unsigned size, uint32_t v)
{
    out(r, 0xcf8, 4, CONFIG(devfn, reg & 0xfc));
    out(r, 0xcfc + (reg & 3), size, v);
}

static uint64_t load(struct rig *r, uint64_t at, unsigned size)
{
    uint64_t v;

    assert_int_equal(memory_read(r->m->memory, at, size, &v), BUS_OK);
    return v;
}

static void store(struct rig *r, uint64_t at, unsigned size, uint64_t v)
{
    assert_int_equal(memory_write(r->m->memory, at, size, v), BUS_OK);
}

/* A BIOS whose byte n is n / 256: each page differs from the next. */
static void pc_config(struct rig *r, unsigned cpus)
{
    uint8_t *rom = malloc(ROM_SIZE);

    assert_non_null(rom);
    for (unsigned i = 0; i < ROM_SIZE; i++)
        rom[i] = (uint8_t)(i / 256);
    r->config.board = "pc";
    r->config.bios = rig_file(r, "bios", rom, ROM_SIZE);
    r->config.cpus = cpus;
    free(rom);
}

static void make_pc(struct rig *r, unsigned cpus)
{
    pc_config(r, cpus);
    rig_machine(r);
}

static unsigned lines(struct rig *r, unsigned cpu)
{
    return atomic_load(&((struct stub_cpu *)r->m->vcpu[cpu].cpu)->lines);
}

static struct device *device_of(struct rig *r, const char *cls)
{
    struct device *dev = machine_device_of(r->m, device_class_named(cls), 0);

    assert_non_null(dev);
    return dev;
}

/* -- ports and configuration -- */

static void test_ports(void **state)
{
    struct rig *r = *state;

    make_pc(r, 1);
    assert_int_equal(in(r, 0x80, 1), 0xff);
    assert_int_equal(in(r, 0x1234, 4), 0xffffffff);
    assert_int_equal(config_read(r, 0, 0, 4), 0x12378086);
    assert_int_equal(config_read(r, PIIX3, 0, 4), 0x70008086);
    assert_int_equal(config_read(r, PIIX3, 0x0e, 1), 0x80); /* multi-function */
    assert_int_equal(config_read(r, PM, 2, 2), 0x7113);
    assert_int_equal(config_read(r, 31 << 3, 0, 4), 0xffffffff);
    /* CF8 is there for dwords only. */
    out(r, 0xcf8, 4, CONFIG(0, 0));
    out(r, 0xcf8, 1, 8);
    assert_int_equal(in(r, 0xcf8, 4), CONFIG(0, 0));
    out(r, 0xcf8, 4, 0); /* not enabled */
    assert_int_equal(in(r, 0xcfc, 4), 0xffffffff);
}

static void test_reset_port(void **state)
{
    struct rig *r = *state;

    make_pc(r, 1);
    config_write(r, 0, 0x59, 1, 0x30);
    out(r, 0xcf9, 1, 2);
    assert_int_equal(atomic_load(&r->m->hold), 0);
    out(r, 0xcf9, 1, 6);
    machine_poll(r->m);
    assert_int_equal(config_read(r, 0, 0x59, 1), 0);
    assert_int_equal(in(r, 0xcf9, 1), 0);
}

/* -- memory below 1 MiB -- */

static void test_rom(void **state)
{
    struct rig *r = *state;

    make_pc(r, 1);
    assert_int_equal(load(r, 0xfffc0000, 1), 0);
    assert_int_equal(load(r, 0xfffffff0, 2), 0xffff);
    assert_int_equal(load(r, 0xe0100, 1), 1 + 0x200 % 256);
    assert_int_equal(load(r, 0xfe012, 1), 0xe0);
    store(r, 0xf0000, 4, 0);
    assert_int_equal(load(r, 0xf0000, 1), 0);
    assert_int_equal(load(r, 0xf0100, 1), 1);
    assert_int_equal(load(r, 0xc0000, 4), 0xffffffff);
    assert_int_equal(load(r, 0xa0000, 4), 0xffffffff);
    store(r, 0x9fffc, 8, UINT64_C(0x1122334455667788));
    assert_true(load(r, 0x9fffc, 8) == UINT64_C(0xffffffff55667788));
}

/* A ROM is as large as its file, rounded up to pages; so is its second place,
 * which has 128 KiB at most. */
static void test_small_rom(void **state)
{
    static uint8_t bios[0x10800];
    struct rig *r = *state;

    memset(bios, 0x90, sizeof(bios));
    bios[0] = 0x11;
    r->config.bios = rig_file(r, "bios", bios, sizeof(bios));
    r->config.board = "pc";
    rig_machine(r);
    assert_int_equal(load(r, 0xfffef800, 1), 0x11);
    assert_int_equal(load(r, 0xfffef7ff, 2), 0x11ff);
    assert_int_equal(load(r, 0xef800, 1), 0x11);
    assert_int_equal(load(r, 0xee000, 4), 0xffffffff);
    assert_int_equal(load(r, 0xfffee000, 4), 0xffffffff);
    assert_int_equal(load(r, 0xffffffff, 1), 0x90);
}

/* Every segment, with each of its four settings. */
static void test_pam(void **state)
{
    struct rig *r = *state;

    make_pc(r, 1);
    for (unsigned n = 0; n < 13; n++) {
        uint64_t at = n < 12 ? 0xc0000 + n * 0x4000 : 0xf0000;
        unsigned reg = n < 12 ? 0x5a + n / 2 : 0x59;
        unsigned shift = n < 12 ? n % 2 * 4 : 4;
        uint64_t pci = load(r, at + 0x2344, 1), last = n < 12 ? 0x3fff : 0xffff;

        config_write(r, 0, reg, 1, 2u << shift); /* writes to RAM */
        store(r, at + 0x2344, 1, 0x5a);
        assert_int_equal(load(r, at + 0x2344, 1), pci);
        config_write(r, 0, reg, 1, 1u << shift); /* reads from RAM */
        assert_int_equal(load(r, at + 0x2344, 1), 0x5a);
        store(r, at + 0x2344, 1, 0xa5);
        assert_int_equal(load(r, at + 0x2344, 1), 0x5a);
        assert_int_equal(load(r, at + last, 1), 0);
        config_write(r, 0, reg, 1, 3u << shift);
        store(r, at + 0x2344, 1, 0xa5);
        assert_int_equal(load(r, at + 0x2344, 1), 0xa5);
        config_write(r, 0, reg, 1, 0);
        assert_int_equal(load(r, at + 0x2344, 1), pci);
    }
}

static void test_smram(void **state)
{
    struct rig *r = *state;
    struct cpu_apic *a;

    make_pc(r, 1);
    config_write(r, 0, 0x72, 1, 0x48 | 2);
    store(r, 0xa8000, 4, 0x12345678);
    assert_int_equal(load(r, 0xa8000, 4), 0x12345678);
    config_write(r, 0, 0x72, 1, 0x0a);
    assert_int_equal(load(r, 0xa8000, 4), 0xffffffff);
    a = &r->m->vcpu[0].cpu->wires.apic;
    a->smm(a->smm_owner, 0, true);
    assert_int_equal(load(r, 0xa8000, 4), 0x12345678);
    a->smm(a->smm_owner, 0, false);
    assert_int_equal(load(r, 0xa8000, 4), 0xffffffff);
    config_write(r, 0, 0x72, 1, 0x1a); /* locked */
    config_write(r, 0, 0x72, 1, 0x4a);
    assert_int_equal(config_read(r, 0, 0x72, 1), 0x1a);
    assert_int_equal(load(r, 0xa8000, 4), 0xffffffff);
}

static void test_memory_above(void **state)
{
    struct rig *r = *state;

    if (sizeof(void *) < 8)
        skip(); /* no room for so much */
    r->config.ram_size = UINT64_C(0xc0000000) + 0x100000;
    make_pc(r, 1);
    store(r, UINT64_C(0x1000ffff8), 8, 77);
    assert_int_equal(load(r, UINT64_C(0x1000ffff8), 8), 77);
    assert_int_equal(load(r, 0xc0000000, 4), 0xffffffff);
    assert_int_equal(load(r, UINT64_C(0x100100000), 4), 0xffffffff);
}

/* -- interrupts -- */

#define INTR 1
#define NMI 2

static void lock(struct rig *r)
{
    pthread_mutex_lock(&r->m->lock);
}

static void unlock(struct rig *r)
{
    pthread_mutex_unlock(&r->m->lock);
}

static void set_wire(struct rig *r, const struct wire *w, bool on)
{
    lock(r);
    wire_set(w, on);
    unlock(r);
}

/* One of the board's wires, as its driver sets it. */
static void raise_irq(struct rig *r, struct device *dev, unsigned n, bool on)
{
    set_wire(r, device_out(dev, n), on);
}

static int acknowledge(struct rig *r, unsigned cpu)
{
    const struct cpu_apic *a = &r->m->vcpu[cpu].cpu->wires.apic;
    int v;

    lock(r);
    v = a->acknowledge(a->owner, a->cpu);
    unlock(r);
    return v;
}

static void init_pics(struct rig *r)
{
    static const uint8_t icw[2][4] = {{0x11, 8, 4, 1}, {0x11, 0x70, 2, 1}};

    for (unsigned chip = 0; chip < 2; chip++) {
        uint64_t port = chip ? 0xa0 : 0x20;

        out(r, port, 1, icw[chip][0]);
        for (unsigned i = 1; i < 4; i++)
            out(r, port + 1, 1, icw[chip][i]);
        out(r, port + 1, 1, 0);
    }
}

/* A serial port's IRQ 4 through the 8259 and LINT0, which is ExtINT. */
static void test_pic(void **state)
{
    struct rig *r = *state;
    struct device *serial;

    make_pc(r, 1);
    init_pics(r);
    serial = device_of(r, "isa-serial");
    assert_int_equal(lines(r, 0) & INTR, 0);
    raise_irq(r, serial, 0, true);
    assert_int_equal(lines(r, 0) & INTR, INTR);
    assert_int_equal(acknowledge(r, 0), 8 + 4);
    assert_int_equal(lines(r, 0) & INTR, 0);
    raise_irq(r, serial, 0, false);
    out(r, 0x20, 1, 0x20);
    /* Of the second chip: the clock's IRQ 8. */
    raise_irq(r, device_of(r, "mc146818"), 0, true);
    assert_int_equal(acknowledge(r, 0), 0x70);
    assert_int_equal(acknowledge(r, 0), -1);
}

/* An error of the first processor's x87: IRQ 13, until port F0h is written. */
static void test_ferr(void **state)
{
    struct rig *r = *state;
    struct wire *ferr;

    make_pc(r, 2);
    init_pics(r);
    ferr = &r->m->vcpu[0].cpu->wires.ferr;
    assert_null(r->m->vcpu[1].cpu->wires.ferr.set);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(lines(r, 0) & INTR, 0);
        set_wire(r, ferr, true);
        assert_int_equal(lines(r, 0) & INTR, INTR);
        assert_int_equal(acknowledge(r, 0), 0x75);
        out(r, 0xa0, 1, 0x20);
        out(r, 0x20, 1, 0x20);
        /* An error that comes before F0h is no second edge. */
        set_wire(r, ferr, false);
        set_wire(r, ferr, true);
        assert_int_equal(acknowledge(r, 0), -1);
        out(r, 0xf0, 1, 0);
        assert_int_equal(acknowledge(r, 0), -1);
        set_wire(r, ferr, false);
    }
    /* One that F0h clears before it is taken is spurious. */
    set_wire(r, ferr, true);
    out(r, 0xf0, 1, 0);
    assert_int_equal(lines(r, 0) & INTR, 0);
}

static void write_local(struct rig *r, unsigned cpu, unsigned reg, uint32_t v)
{
    const struct cpu_own_page *own = &r->m->vcpu[cpu].cpu->wires.own;

    lock(r);
    own->write(own->owner, own->cpu, reg, v, 4);
    unlock(r);
}

static void write_io(struct rig *r, unsigned reg, uint32_t v)
{
    store(r, 0xfec00000, 4, reg);
    store(r, 0xfec00010, 4, v);
}

/* Slot 3's INTA is PIRQC: IOAPIC input 18, level, to the second processor;
 * and IRQ 11 where the guest routes it there. */
static void test_pirq(void **state)
{
    struct rig *r = *state;
    struct device *host;

    make_pc(r, 2);
    init_pics(r);
    host = device_of(r, "i440fx");
    write_local(r, 1, 0xf0, 0x1ff);
    write_io(r, 0x10 + 2 * 18 + 1, 1u << 24);
    write_io(r, 0x10 + 2 * 18, 0x8000 | 0x51);
    raise_irq(r, host, 3, true); /* of slot 0's pins the fourth: PIRQC */
    assert_int_equal(lines(r, 1) & INTR, INTR);
    assert_int_equal(lines(r, 0) & INTR, 0);
    assert_int_equal(acknowledge(r, 1), 0x51);
    assert_int_equal(lines(r, 1) & INTR, 0);
    write_local(r, 1, 0xb0, 0); /* still high: once more */
    assert_int_equal(acknowledge(r, 1), 0x51);
    raise_irq(r, host, 3, false);
    write_local(r, 1, 0xb0, 0);
    assert_int_equal(lines(r, 1) & INTR, 0);

    raise_irq(r, host, 3, true);
    assert_int_equal(acknowledge(r, 1), 0x51);
    assert_int_equal(lines(r, 0) & INTR, 0);
    out(r, 0x4d1, 1, 1 << 3);
    config_write(r, PIIX3, 0x62, 1, 11);
    assert_int_equal(acknowledge(r, 0), 0x73);
    config_write(r, PIIX3, 0x62, 1, 0x8b); /* off again */
    out(r, 0xa0, 1, 0x20);
    out(r, 0x20, 1, 0x20);
    assert_int_equal(acknowledge(r, 0), -1);
}

/* A write of a device to fee00000 is an interrupt; of the CPU's own page only
 * the registers are. */
static void test_msi(void **state)
{
    struct rig *r = *state;

    make_pc(r, 2);
    write_local(r, 1, 0xf0, 0x1ff);
    lock(r);
    assert_true(memory_msi(r->m->memory, 0xfee01000, 0x4040));
    unlock(r);
    assert_int_equal(lines(r, 0) & INTR, 0);
    assert_int_equal(acknowledge(r, 1), 0x40);
}

/* ICR: INIT and SIPI to the other processor. */
static void test_start_up(void **state)
{
    struct rig *r = *state;
    struct device *lapic;

    make_pc(r, 2);
    lapic = device_of(r, "lapic");
    assert_ptr_equal(lapic->out[5].listener, r->m->vcpu[1].cpu);
    assert_int_equal(lapic->out[9].line, 5);
    write_local(r, 1, 0x80, 0x20);
    write_local(r, 0, 0x310, 1u << 24);
    write_local(r, 0, 0x300, 0xc500);
    assert_int_equal(lapic_read(lapic, 1, 0x80, 4), 0); /* INIT resets it */
}

/* -- power -- */

static void test_power_off(void **state)
{
    struct rig *r = *state;
    int code = -1;

    make_pc(r, 1);
    config_write(r, PM, 0x40, 4, 0x600);
    config_write(r, PM, 0x80, 1, 1);
    out(r, 0xb2, 1, 0xf1);
    assert_int_equal(in(r, 0x604, 2), 1); /* SCI_EN */
    out(r, 0x604, 2, 0x2001);
    machine_poll(r->m);
    assert_int_equal(machine_ended(r->m, &code), MACHINE_POWEROFF);
    assert_int_equal(code, 0);
}

/* -- firmware -- */

static void test_told(void **state)
{
    struct rig *r = *state;
    char text[5] = "";

    make_pc(r, 2);
    out(r, 0x510, 2, FW_CFG_SIGNATURE);
    for (unsigned i = 0; i < 4; i++)
        text[i] = (char)in(r, 0x511, 1);
    assert_string_equal(text, "QEMU");
    out(r, 0x510, 2, FW_CFG_NB_CPUS);
    assert_int_equal(in(r, 0x511, 1), 2);
    assert_int_equal(in(r, 0x514, 4), 0x554d4551); /* "QEMU" */
    /* CMOS: processors, less one; memory above 16 MiB in 64 KiB. */
    out(r, 0x70, 1, 0x5f);
    assert_int_equal(in(r, 0x71, 1), 1);
    out(r, 0x70, 1, 0x35);
    assert_int_equal(in(r, 0x71, 1), (256 - 16) * 16 >> 8);
}

/* -- tables: run the loader's commands, as firmware does -- */

#define RSDP_AT 0xf0000u
#define TABLES_AT 0x200000u

struct files {
    uint8_t *data[2]; /* rsdp, tables */
    uint32_t size[2];
};

static const uint32_t file_at[2] = {RSDP_AT, TABLES_AT};

static const struct fw_cfg_item *item(struct rig *r, const char *name)
{
    for (unsigned i = 0; i < r->m->fw_cfg->n_files; i++) {
        const struct fw_cfg_item *f =
            &r->m->fw_cfg->item[FW_CFG_FILE_FIRST + i];

        if (strcmp(f->name, name) == 0)
            return f;
    }
    fail_msg("no file %s", name);
    return NULL;
}

static unsigned file_number(const uint8_t *name)
{
    if (strcmp((const char *)name, "etc/acpi/rsdp") == 0)
        return 0;
    assert_string_equal((const char *)name, "etc/acpi/tables");
    return 1;
}

static void run_command(struct files *f, const uint8_t *c)
{
    uint8_t *p = f->data[file_number(c + 4)];
    uint32_t size = f->size[file_number(c + 4)], at, start, n;

    switch (ld_le32(c)) {
    case 1:
        assert_int_equal(c[64], p == f->data[0] ? 2 : 1);
        break;
    case 2:
        at = ld_le32(c + 116);
        n = c[120];
        assert_true(at + n <= size && (n == 4 || n == 8));
        assert_true(ld_le(p + at, n) < f->size[file_number(c + 60)]);
        st_le(p + at, ld_le(p + at, n) + file_at[file_number(c + 60)], n);
        break;
    case 3:
        at = ld_le32(c + 60);
        start = ld_le32(c + 64);
        n = ld_le32(c + 68);
        assert_true(at < size && start + n <= size);
        p[at] = (uint8_t)(p[at] - sum_bytes(p + start, n));
        break;
    default:
        fail_msg("command %u", ld_le32(c));
    }
}

static void load_tables(struct rig *r, struct files *f)
{
    const char *const names[] = {"etc/acpi/rsdp", "etc/acpi/tables"};
    const struct fw_cfg_item *commands = item(r, "etc/table-loader");

    for (unsigned i = 0; i < 2; i++) {
        f->size[i] = item(r, names[i])->size;
        f->data[i] = malloc(f->size[i]);
        assert_non_null(f->data[i]);
        memcpy(f->data[i], item(r, names[i])->data, f->size[i]);
    }
    assert_int_equal(commands->size % 128, 0);
    for (uint32_t at = 0; at < commands->size; at += 128)
        run_command(f, commands->data + at);
}

/* A table by its address, whose sum is right. */
static const uint8_t *table(const struct files *f, uint64_t address)
{
    const uint8_t *p = f->data[1] + (address - TABLES_AT);

    assert_true(address >= TABLES_AT && address < TABLES_AT + f->size[1]);
    assert_int_equal(sum_bytes(p, ld_le32(p + 4)), 0);
    return p;
}

static void check_dsdt(const struct files *f, const uint8_t *dsdt)
{
    uint32_t presence = 0;

    assert_memory_equal(dsdt, "DSDT", 4);
    for (uint32_t i = 36; i + 10 <= ld_le32(dsdt + 4); i++) {
        if (memcmp(dsdt + i, "PRES\0\x0c", 6) == 0)
            presence = ld_le32(dsdt + i + 6);
    }
    assert_true(presence >= TABLES_AT && presence < TABLES_AT + f->size[1]);
    assert_int_equal(ld_le32(f->data[1] + (presence - TABLES_AT)), 0x80000000);
    assert_int_equal(ld_le32(f->data[1] + (presence - TABLES_AT) + 8), 0xff);
}

static void test_acpi(void **state)
{
    struct rig *r = *state;
    const uint8_t *rsdt, *fadt, *madt, *p;
    struct files f;
    unsigned cpus = 0;

    make_pc(r, 3);
    load_tables(r, &f);
    assert_memory_equal(f.data[0], "RSD PTR ", 8);
    assert_int_equal(sum_bytes(f.data[0], 20), 0);
    assert_int_equal(sum_bytes(f.data[0], 36), 0);
    rsdt = table(&f, ld_le32(f.data[0] + 16));
    assert_memory_equal(rsdt, "RSDT", 4);
    assert_int_equal(ld_le32(rsdt + 4), 36 + 3 * 4);
    p = table(&f, ld_le64(f.data[0] + 24));
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(ld_le64(p + 36 + 8 * i), ld_le32(rsdt + 36 + 4 * i));
    fadt = table(&f, ld_le32(rsdt + 36));
    assert_memory_equal(fadt, "FACP", 4);
    assert_int_equal(ld_le32(fadt + 4), 244);
    assert_int_equal(ld_le32(fadt + 76), 0x608);
    assert_int_equal(fadt[92], 4);
    assert_int_equal(ld_le32(fadt + 220 + 4), 0x60c);
    assert_int_equal(fadt[128], 6);
    check_dsdt(&f, table(&f, ld_le32(fadt + 40)));
    assert_int_equal(ld_le64(fadt + 140), ld_le32(fadt + 40));
    madt = table(&f, ld_le32(rsdt + 40));
    assert_memory_equal(madt, "APIC", 4);
    for (p = madt + 44; p < madt + ld_le32(madt + 4); p += p[1])
        cpus += p[0] == 0;
    assert_int_equal(cpus, 3);
    assert_memory_equal(table(&f, ld_le32(rsdt + 44)), "HPET", 4);
    free(f.data[0]);
    free(f.data[1]);
}

/* -- microvm: the same tables, without firmware -- */

#define PVH_SIZE 0x400

/* A program of nothing with a PVH entry: one segment at 2 MiB, of which the
 * file has so many bytes, the note among them if there are so many. */
static const char *pvh_file(struct rig *r, uint32_t file_size,
                            uint32_t mem_size)
{
    uint8_t b[PVH_SIZE] = "\177ELF\1\1\1";

    st_le16(b + 16, 2); /* ET_EXEC, EM_386 */
    st_le16(b + 18, 3);
    st_le32(b + 20, 1);
    st_le32(b + 28, 52);
    st_le16(b + 42, 32);
    st_le16(b + 44, 2);
    st_le32(b + 52, 1); /* PT_LOAD */
    st_le32(b + 56, 0x100);
    st_le32(b + 60, 0x200000);
    st_le32(b + 64, 0x200000);
    st_le32(b + 68, file_size);
    st_le32(b + 72, mem_size);
    st_le32(b + 84, 4); /* PT_NOTE */
    st_le32(b + 88, 0x200);
    st_le32(b + 100, 20);
    memcpy(b + 0x200, "\4\0\0\0\4\0\0\0\22\0\0\0Xen", 16);
    st_le32(b + 0x210, 0x200010);
    return rig_file(r, "pvh", b, sizeof(b));
}

/* The button is a level of the PIIX4's, and an interrupt if wanted. */
static void test_power_button(void **state)
{
    static const char *const off[] = {"acpi=off"};
    struct rig *r = *state;

    make_pc(r, 1);
    config_write(r, PM, 0x40, 4, 0x601);
    config_write(r, PM, 0x80, 1, 1);
    assert_int_equal(in(r, 0x600, 2) & 0x100, 0);
    assert_true(machine_power_button(r->m));
    gate_deliver(r->m->gate);
    assert_int_equal(in(r, 0x600, 2) & 0x100, 0x100);
    rig_free(r);
    r->config.board = "microvm";
    r->config.bios = NULL;
    r->config.kernel = pvh_file(r, 16, 16);
    r->config.board_options = off;
    r->config.n_board_options = 1;
    rig_machine(r);
    assert_false(machine_power_button(r->m));
}

/* The NMI button reaches the first processor by LINT1, but not past bit 7 of
 * port 70h. */
static void test_nmi_button(void **state)
{
    struct rig *r = *state;
    struct device *lapic;
    struct stub_cpu *cpu;
    unsigned before;

    make_pc(r, 2);
    lapic = device_of(r, "lapic");
    cpu = (struct stub_cpu *)r->m->vcpu[0].cpu;
    lapic_write(lapic, 0, 0xf0, 0x1ff, 4);
    before = cpu->nmis;
    for (unsigned masked = 0; masked < 2; masked++) {
        out(r, 0x70, 1, 0x0a | masked << 7);
        assert_true(machine_nmi(r->m));
        gate_deliver(r->m->gate);
        assert_int_equal(cpu->nmis, before); /* LINT1 is masked, too */
    }
    lapic_write(lapic, 0, 0x360, 0x400, 4);
    assert_true(machine_nmi(r->m));
    gate_deliver(r->m->gate);
    assert_int_equal(cpu->nmis, before);
    out(r, 0x70, 1, 0x0a);
    assert_true(machine_nmi(r->m));
    gate_deliver(r->m->gate);
    assert_int_equal(cpu->nmis, before + 1);
    assert_int_equal(((struct stub_cpu *)r->m->vcpu[1].cpu)->nmis, 0);
}

static void read_table(struct rig *r, uint64_t at, const char *name,
                       uint8_t *out, size_t room)
{
    rig_read(r, at, out, 8);
    assert_memory_equal(out, name, 4);
    assert_true(ld_le32(out + 4) <= room);
    rig_read(r, at, out, ld_le32(out + 4));
    assert_int_equal(sum_bytes(out, ld_le32(out + 4)), 0);
}

static void test_microvm_acpi(void **state)
{
    static const char *const off[] = {"acpi=off"};
    struct rig *r = *state;
    uint8_t info[56], t[4096], fadt[268], dsdt[4096];
    unsigned cpus = 0;

    r->config.board = "microvm";
    r->config.kernel = pvh_file(r, 16, 16);
    r->config.cpus = 2;
    rig_machine(r);
    assert_true(machine_power_on(r->m, &r->e));
    rig_read(r, 0x7000, info, sizeof(info)); /* PVH's start information */
    rig_read(r, ld_le64(info + 32), t, 36);
    assert_memory_equal(t, "RSD PTR ", 8);
    assert_int_equal(sum_bytes(t, 20), 0);
    assert_int_equal(sum_bytes(t, 36), 0);
    read_table(r, ld_le64(t + 24), "XSDT", t, sizeof(t));
    assert_int_equal(ld_le32(t + 4), 36 + 2 * 8);
    read_table(r, ld_le64(t + 36), "FACP", fadt, sizeof(fadt));
    assert_int_equal(ld_le32(fadt + 112) & 1 << 20, 1 << 20);
    assert_int_equal(ld_le64(fadt + 244 + 4), 0xfea00200);
    assert_int_equal(ld_le64(fadt + 116 + 4), 0xfea00202);
    read_table(r, ld_le64(fadt + 140), "DSDT", dsdt, sizeof(dsdt));
    assert_int_equal(ld_le32(fadt + 40), ld_le64(fadt + 140));
    read_table(r, ld_le64(t + 44), "APIC", t, sizeof(t));
    for (uint8_t *p = t + 44; p < t + ld_le32(t + 4); p += p[1])
        cpus += p[0] == 0;
    assert_int_equal(cpus, 2);
    assert_true(machine_power_button(r->m));
    gate_deliver(r->m->gate);
    assert_int_equal(load(r, 0xfea00000, 4), 2);
    rig_free(r);
    r->config.board_options = off;
    r->config.n_board_options = 1;
    rig_machine(r);
    assert_true(machine_power_on(r->m, &r->e));
    rig_read(r, 0x7000, info, sizeof(info));
    assert_int_equal(ld_le64(info + 32), 0);
    assert_false(machine_power_button(r->m));
}

static void test_smbios(void **state)
{
    struct rig *r = *state;
    const struct fw_cfg_item *anchor, *tables;
    const uint8_t *p, *end;
    unsigned n = 0, last = 0;

    make_pc(r, 2);
    anchor = item(r, "etc/smbios/smbios-anchor");
    tables = item(r, "etc/smbios/smbios-tables");
    assert_int_equal(anchor->size, 31);
    assert_int_equal(sum_bytes(anchor->data, 31), 0);
    assert_int_equal(sum_bytes(anchor->data + 16, 15), 0);
    assert_int_equal(ld_le16(anchor->data + 22), tables->size);
    end = tables->data + tables->size;
    for (p = tables->data; p < end; n++) {
        last = p[0];
        /* Behind the formatted part strings, and an empty one. */
        for (p += p[1]; p + 1 < end && (p[0] || p[1]); p++)
            ;
        p += 2;
    }
    assert_ptr_equal(p, end);
    assert_int_equal(last, 127);
    assert_int_equal(n, ld_le16(anchor->data + 28));
    assert_int_equal(n, 1 + 1 + 1 + 2 + 1 + 1 + 1 + 1 + 1);
}

/* The structure of that type, or NULL; string n of it. */
static const uint8_t *smbios_find(struct rig *r, unsigned type)
{
    const struct fw_cfg_item *tables = item(r, "etc/smbios/smbios-tables");
    const uint8_t *p = tables->data, *end = p + tables->size;

    while (p < end && p[0] != type) {
        for (p += p[1]; p + 1 < end && (p[0] || p[1]); p++)
            ;
        p += 2;
    }
    return p < end ? p : NULL;
}

static const char *smbios_string(const uint8_t *structure, unsigned n)
{
    const char *p = (const char *)structure + structure[1];

    for (; n > 1; n--)
        p += strlen(p) + 1;
    return n ? p : "";
}

static void test_smbios_given(void **state)
{
    static const uint8_t uuid[16] = {0, 1, 2,  3,  4,  5,  6,  7,
                                     8, 9, 10, 11, 12, 13, 14, 15};
    /* Little-endian in its first three fields. */
    static const uint8_t stored[16] = {3, 2, 1,  0,  5,  4,  7,  6,
                                       8, 9, 10, 11, 12, 13, 14, 15};
    static const uint8_t own[] = {3, 5, 0xcd, 0xab, 1, 'x', 0, 0};
    const char *n0[] = {"type", "vendor", "release", "uefi"},
               *v0[] = {"0", "me", "12.34", "on"},
               *n1[] = {"type", "product", "serial", "serial", "family"},
               *v1[] = {"1", "box", "1", "S-2", ""},
               *n2[] = {"type", "location"}, *v2[] = {"2", "there"},
               *n3[] = {"file"}, *v3[1],
               *n4[] = {"type", "sock_pfx", "max-speed"},
               *v4[] = {"4", "LGA", "65535"},
               *n5[] = {"type", "value", "value"}, *v5[] = {"11", "a", "b,c"},
               *n6[] = {"type", "speed", "bank"}, *v6[] = {"17", "3200", "B"};
    const struct smbios_option o[] = {
        {4, n0, v0}, {5, n1, v1}, {2, n2, v2}, {1, n3, v3},
        {3, n4, v4}, {3, n5, v5}, {3, n6, v6},
    };
    struct rig *r = *state;
    const uint8_t *p;

    v3[0] = rig_file(r, "type3", own, sizeof(own));
    r->config.smbios = o;
    r->config.n_smbios = 7;
    r->config.uuid = uuid;
    make_pc(r, 2);
    p = smbios_find(r, 0);
    assert_string_equal(smbios_string(p, p[4]), "me");
    assert_int_equal(p[19], 0x1c);
    assert_int_equal(p[20], 12);
    assert_int_equal(p[21], 34);
    p = smbios_find(r, 1);
    assert_string_equal(smbios_string(p, p[4]), "emu");
    assert_string_equal(smbios_string(p, p[5]), "box");
    assert_int_equal(p[6], 0);
    assert_string_equal(smbios_string(p, p[7]), "S-2");
    assert_memory_equal(p + 8, stored, 16);
    assert_int_equal(p[26], 0);
    assert_memory_equal(r->m->fw_cfg->item[FW_CFG_UUID].data, uuid, 16);
    p = smbios_find(r, 2);
    assert_int_equal(p[1], 15);
    assert_string_equal(smbios_string(p, p[10]), "there");
    p = smbios_find(r, 3); /* the file's, and no other */
    assert_memory_equal(p, own, sizeof(own));
    p = smbios_find(r, 4);
    assert_string_equal(smbios_string(p, p[4]), "LGA0");
    assert_int_equal(ld_le16(p + 20), 65535);
    assert_int_equal(ld_le16(p + 22), 2000);
    p = smbios_find(r, 11);
    assert_int_equal(p[4], 2);
    assert_string_equal(smbios_string(p, 2), "b,c");
    p = smbios_find(r, 17);
    assert_string_equal(smbios_string(p, p[17]), "B");
    assert_int_equal(ld_le16(p + 21), 3200);
    p = item(r, "etc/smbios/smbios-anchor")->data;
    assert_int_equal(sum_bytes(p, 31), 0);
    assert_int_equal(ld_le16(p + 28), 1 + 1 + 1 + 1 + 2 + 1 + 1 + 1 + 1 + 2);
}

static void smbios_refused(struct rig *r, size_t n, const char *const *names,
                           const char *const *values, const char *pattern)
{
    const struct smbios_option o = {n, names, values};

    r->config.smbios = &o;
    r->config.n_smbios = 1;
    rig_refused(r, pattern);
}

static void test_smbios_wrong(void **state)
{
    static const struct {
        const char *type, *name, *value, *says;
    } rows[] = {
        {"9", "x", "y", "-smbios: type=9: fields can be given of *"},
        {"1", "seriol", "y", "-smbios: *did you mean 'serial'?"},
        {"4", "max-speed", "65536", "-smbios: max-speed=65536: *"},
        {"4", "max-speed", "-1", "-smbios: max-speed=-1: *"},
        {"0", "release", "1", "-smbios: *MAJOR.MINOR*"},
        {"0", "release", "1.256", "-smbios: *MAJOR.MINOR*"},
        {"0", "release", "1.2x", "-smbios: *MAJOR.MINOR*"},
        {"0", "uefi", "maybe", "-smbios: *on or off"},
        {"11", "path", "missing", "-smbios: path missing: *"},
        {NULL, "x", "y", "-smbios: wanted type=N or file=FILE"},
        {NULL, "file", "missing", "-smbios: file missing: *"},
    };
    static const uint8_t cut[] = {3, 5, 0, 0, 1, 'x', 0},
                         more[] = {3, 5, 0, 0, 1, 'x', 0, 0, 0},
                         end[] = {127, 4, 0, 0, 0, 0};
    static const struct {
        const uint8_t *bytes;
        unsigned size;
    } files[] = {{cut, sizeof(cut)},
                 {more, sizeof(more)},
                 {end, sizeof(end)},
                 {cut, 1},
                 {more, 3}};
    struct rig *r = *state;

    pc_config(r, 1);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *names[] = {"type", rows[i].name},
                   *values[] = {rows[i].type, rows[i].value};
        const unsigned skip = rows[i].type ? 0 : 1;

        smbios_refused(r, 2 - skip, names + skip, values + skip, rows[i].says);
    }
    for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        const char *name = "file",
                   *value = rig_file(r, "smb", files[i].bytes, files[i].size);

        smbios_refused(r, 1, &name, &value,
                       "-smbios: file=*: wanted one SMBIOS structure *");
    }
}

static void test_e820(void **state)
{
    struct rig *r = *state;
    const uint8_t *p;

    if (sizeof(void *) < 8)
        skip(); /* no room for so much */
    r->config.ram_size = UINT64_C(0xc0000000) + 0x100000;
    make_pc(r, 1);
    p = item(r, "etc/e820")->data;
    assert_int_equal(item(r, "etc/e820")->size, 40);
    assert_int_equal(ld_le64(p + 8), 0xc0000000);
    assert_true(ld_le64(p + 20) == UINT64_C(0x100000000));
    assert_int_equal(ld_le64(p + 28), 0x100000);
    assert_int_equal(ld_le32(p + 36), 1);
}

/* A board without local APICs has no ACPI. */
static void test_isapc(void **state)
{
    static uint8_t rom[0x20000];
    struct rig *r = *state;

    r->config.board = "isapc";
    r->config.bios = rig_file(r, "bios", rom, sizeof(rom));
    rig_machine(r);
    for (unsigned i = 0; i < r->m->fw_cfg->n_files; i++)
        assert_null(
            strstr(r->m->fw_cfg->item[FW_CFG_FILE_FIRST + i].name, "acpi"));
    init_pics(r);
    raise_irq(r, device_of(r, "isa-serial"), 0, true);
    assert_int_equal(lines(r, 0) & INTR, INTR);
    assert_int_equal(acknowledge(r, 0), 8 + 4);
    assert_int_equal(acknowledge(r, 0), -1);
}

/* The CMOS says which display there is: 80 columns of a CGA, or an MDA. */
static void test_display_in_cmos(void **state)
{
    static const uint8_t rom[16];
    struct rig *r = *state;

    r->config.board = "isapc";
    r->config.bios = rig_file(r, "bios", rom, sizeof(rom));
    for (unsigned i = 0; i < 3; i++) {
        static const enum vga_option card[] = {VGA_STD, VGA_CGA, VGA_HERCULES};

        r->config.vga = card[i];
        rig_machine(r);
        out(r, 0x70, 1, 0x14);
        assert_int_equal(in(r, 0x71, 1) >> 4 & 3, i ? i + 1 : 0);
        machine_free(r->m);
        r->m = NULL;
    }
}

/* -device at a port of the user's choice. */
static void test_plug_isa(void **state)
{
    const char *names[] = {"iobase"}, *values[] = {"0x510"};
    struct device_option o = {"isa-debug-exit", 1, names, values};
    struct rig *r = *state;

    r->config.devices = &o;
    r->config.n_devices = 1;
    r->config.board = "pc";
    r->config.bios = rig_file(r, "bios", "x", 1);
    rig_refused(r, "*overlaps*");
    values[0] = "0x10000";
    rig_refused(r, "-device isa-debug-exit: iobase=0x10000: wanted at most "
                   "0xffff");
    values[0] = "0xf4";
    rig_machine(r);
    out(r, 0xf4, 1, 5);
    machine_poll(r->m);
    assert_int_equal(machine_ended(r->m, NULL), MACHINE_FAILED);
}

/* The test kernels' device: its lines are the board's interrupts. */
static void test_testdev(void **state)
{
    struct device_option o = {.driver = "pc-testdev"};
    struct rig *r = *state;

    r->config.devices = &o;
    r->config.n_devices = 1;
    r->config.board = "pc";
    r->config.bios = rig_file(r, "bios", "x", 1);
    rig_machine(r);
    out(r, 0xe0, 4, 0x12345678);
    assert_int_equal(in(r, 0xe2, 2), 0x1234);
    init_pics(r);
    out(r, 0x200e, 1, 1);
    assert_int_equal(lines(r, 0) & INTR, INTR);
    assert_int_equal(acknowledge(r, 0), 0x70 + 6);
    out(r, 0x200e, 1, 0);
}

static void test_firmware_refused(void **state)
{
    static uint8_t large[(8 << 20) + 1];
    struct rig *r = *state;

    r->config.board = "pc";
    rig_refused(r, "-bios none: this board's processors start in their "
                   "firmware");
    r->config.bios = rig_file(r, "large", large, sizeof(large));
    rig_refused(r, "-bios: -bios * has 8388609 bytes; this board's ROM takes "
                   "1 to 8388608");
    r->config.bios = rig_file(r, "empty", large, 0);
    rig_refused(r, "*");
    r->config.bios = "/nonexistent/bios";
    rig_refused(r, "-bios /nonexistent/bios: *");
}

/* A program in 32-bit code that says by a note how it wants to start: what
 * its file lacks is zero, at a reset as at the start. */
static void test_direct_bss(void **state)
{
    struct rig *r = *state;

    r->config.board = "microvm";
    r->config.kernel = pvh_file(r, 0x300, 0x5000);
    rig_machine(r);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(load(r, 0x200110, 4), 0x200010);
        assert_int_equal(load(r, 0x200300, 8), 0);
        assert_int_equal(load(r, 0x204ff8, 8), 0);
        store(r, 0x200110, 4, 1);
        store(r, 0x200300, 8, UINT64_MAX);
        store(r, 0x204ff8, 8, UINT64_MAX);
        assert_true(machine_power_on(r->m, &r->e));
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ports),
        TEST(test_reset_port),
        TEST(test_rom),
        TEST(test_small_rom),
        TEST(test_pam),
        TEST(test_smram),
        TEST(test_memory_above),
        TEST(test_pic),
        TEST(test_ferr),
        TEST(test_pirq),
        TEST(test_msi),
        TEST(test_start_up),
        TEST(test_power_off),
        TEST(test_told),
        TEST(test_acpi),
        TEST(test_smbios),
        TEST(test_smbios_given),
        TEST(test_smbios_wrong),
        TEST(test_e820),
        TEST(test_isapc),
        TEST(test_display_in_cmos),
        TEST(test_plug_isa),
        TEST(test_testdev),
        TEST(test_firmware_refused),
        TEST(test_direct_bss),
        TEST(test_power_button),
        TEST(test_nmi_button),
        TEST(test_microvm_acpi),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
