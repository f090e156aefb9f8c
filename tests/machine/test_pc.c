/*
 * The board `pc` as a whole, with stub CPUs: what its ports, its memory below
 * 1 MiB and its interrupt wires do together.
 */
#include <stdio.h>
#include <stdlib.h>

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
static void make_pc(struct rig *r, unsigned cpus)
{
    uint8_t *rom = malloc(ROM_SIZE);

    assert_non_null(rom);
    for (unsigned i = 0; i < ROM_SIZE; i++)
        rom[i] = (uint8_t)(i / 256);
    r->config.board = "pc";
    r->config.bios = rig_file(r, "bios", rom, ROM_SIZE);
    r->config.cpus = cpus;
    free(rom);
    rig_machine(r);
}

static unsigned lines(struct rig *r, unsigned cpu)
{
    return atomic_load(&((struct stub_cpu *)r->m->vcpu[cpu].cpu)->lines);
}

static struct device *device_of(struct rig *r, const char *cls)
{
    for (unsigned i = 0; i < r->m->n_members; i++) {
        if (strcmp(r->m->members[i].dev->class->name, cls) == 0)
            return r->m->members[i].dev;
    }
    fail_msg("no %s", cls);
    return NULL;
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

/* One of the board's wires, as its driver sets it. */
static void raise_irq(struct rig *r, struct device *dev, unsigned n, bool on)
{
    lock(r);
    wire_set(device_out(dev, n), on);
    unlock(r);
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

static void test_firmware_refused(void **state)
{
    static uint8_t large[ROM_SIZE + 1];
    struct rig *r = *state;

    r->config.board = "pc";
    rig_refused(r, "-bios none: this board's processors start in their "
                   "firmware");
    r->config.bios = rig_file(r, "large", large, sizeof(large));
    rig_refused(r, "-bios: -bios * has 262145 bytes; this board's ROM takes 1 "
                   "to 262144");
    r->config.bios = rig_file(r, "empty", large, 0);
    rig_refused(r, "*");
    r->config.bios = "/nonexistent/bios";
    rig_refused(r, "-bios /nonexistent/bios: *");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ports),
        TEST(test_reset_port),
        TEST(test_rom),
        TEST(test_pam),
        TEST(test_smram),
        TEST(test_memory_above),
        TEST(test_pic),
        TEST(test_pirq),
        TEST(test_msi),
        TEST(test_start_up),
        TEST(test_power_off),
        TEST(test_told),
        TEST(test_firmware_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
