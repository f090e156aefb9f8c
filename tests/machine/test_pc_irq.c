/*
 * The interrupts of the board `pc`, with stub CPUs: 8259s, IOAPIC, local APICs
 * and PCI's wires together, FERR and the NMI button.
 */
#include "devices/lapic.h"
#include "pc_rig.h"
#include "stub_cpu.h"

/* A serial port's IRQ 4 through the 8259 and LINT0, which is ExtINT. */
static void test_pic(void **state)
{
    struct rig *r = *state;
    struct device *serial;

    pc_make(r, 1);
    pc_init_pics(r);
    serial = pc_device(r, "isa-serial");
    assert_int_equal(pc_lines(r, 0) & INTR, 0);
    pc_raise(r, serial, 0, true);
    assert_int_equal(pc_lines(r, 0) & INTR, INTR);
    assert_int_equal(pc_acknowledge(r, 0), 8 + 4);
    assert_int_equal(pc_lines(r, 0) & INTR, 0);
    pc_raise(r, serial, 0, false);
    pc_out(r, 0x20, 1, 0x20);
    /* Of the second chip: the clock's IRQ 8. */
    pc_raise(r, pc_device(r, "mc146818"), 0, true);
    assert_int_equal(pc_acknowledge(r, 0), 0x70);
    assert_int_equal(pc_acknowledge(r, 0), -1);
}

/* An error of the first processor's x87: IRQ 13, until port F0h is written. */
static void test_ferr(void **state)
{
    struct rig *r = *state;
    struct wire *ferr;

    pc_make(r, 2);
    pc_init_pics(r);
    ferr = &r->m->vcpu[0].cpu->wires.ferr;
    assert_null(r->m->vcpu[1].cpu->wires.ferr.set);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(pc_lines(r, 0) & INTR, 0);
        pc_set_wire(r, ferr, true);
        assert_int_equal(pc_lines(r, 0) & INTR, INTR);
        assert_int_equal(pc_acknowledge(r, 0), 0x75);
        pc_out(r, 0xa0, 1, 0x20);
        pc_out(r, 0x20, 1, 0x20);
        /* An error that comes before F0h is no second edge. */
        pc_set_wire(r, ferr, false);
        pc_set_wire(r, ferr, true);
        assert_int_equal(pc_acknowledge(r, 0), -1);
        pc_out(r, 0xf0, 1, 0);
        assert_int_equal(pc_acknowledge(r, 0), -1);
        pc_set_wire(r, ferr, false);
    }
    /* One that F0h clears before it is taken is spurious. */
    pc_set_wire(r, ferr, true);
    pc_out(r, 0xf0, 1, 0);
    assert_int_equal(pc_lines(r, 0) & INTR, 0);
}

static void write_local(struct rig *r, unsigned cpu, unsigned reg, uint32_t v)
{
    const struct cpu_own_page *own = &r->m->vcpu[cpu].cpu->wires.own;

    pc_lock(r);
    own->write(own->owner, own->cpu, reg, v, 4);
    pc_unlock(r);
}

static void write_io(struct rig *r, unsigned reg, uint32_t v)
{
    pc_store(r, 0xfec00000, 4, reg);
    pc_store(r, 0xfec00010, 4, v);
}

/* Slot 3's INTA is PIRQC: IOAPIC input 18, level, to the second processor;
 * and IRQ 11 where the guest routes it there. */
static void test_pirq(void **state)
{
    struct rig *r = *state;
    struct device *host;

    pc_make(r, 2);
    pc_init_pics(r);
    host = pc_device(r, "i440fx");
    write_local(r, 1, 0xf0, 0x1ff);
    write_io(r, 0x10 + 2 * 18 + 1, 1u << 24);
    write_io(r, 0x10 + 2 * 18, 0x8000 | 0x51);
    pc_raise(r, host, 3, true); /* of slot 0's pins the fourth: PIRQC */
    assert_int_equal(pc_lines(r, 1) & INTR, INTR);
    assert_int_equal(pc_lines(r, 0) & INTR, 0);
    assert_int_equal(pc_acknowledge(r, 1), 0x51);
    assert_int_equal(pc_lines(r, 1) & INTR, 0);
    write_local(r, 1, 0xb0, 0); /* still high: once more */
    assert_int_equal(pc_acknowledge(r, 1), 0x51);
    pc_raise(r, host, 3, false);
    write_local(r, 1, 0xb0, 0);
    assert_int_equal(pc_lines(r, 1) & INTR, 0);

    pc_raise(r, host, 3, true);
    assert_int_equal(pc_acknowledge(r, 1), 0x51);
    assert_int_equal(pc_lines(r, 0) & INTR, 0);
    pc_out(r, 0x4d1, 1, 1 << 3);
    pc_config_write(r, PIIX3, 0x62, 1, 11);
    assert_int_equal(pc_acknowledge(r, 0), 0x73);
    pc_config_write(r, PIIX3, 0x62, 1, 0x8b); /* off again */
    pc_out(r, 0xa0, 1, 0x20);
    pc_out(r, 0x20, 1, 0x20);
    assert_int_equal(pc_acknowledge(r, 0), -1);
}

/* A write of a device to fee00000 is an interrupt; of the CPU's own page only
 * the registers are. */
static void test_msi(void **state)
{
    struct rig *r = *state;

    pc_make(r, 2);
    write_local(r, 1, 0xf0, 0x1ff);
    pc_lock(r);
    assert_true(memory_msi(r->m->memory, 0xfee01000, 0x4040));
    pc_unlock(r);
    assert_int_equal(pc_lines(r, 0) & INTR, 0);
    assert_int_equal(pc_acknowledge(r, 1), 0x40);
}

/* ICR: INIT and SIPI to the other processor. */
static void test_start_up(void **state)
{
    struct rig *r = *state;
    struct device *lapic;

    pc_make(r, 2);
    lapic = pc_device(r, "lapic");
    assert_ptr_equal(lapic->out[5].listener, r->m->vcpu[1].cpu);
    assert_int_equal(lapic->out[9].line, 5);
    write_local(r, 1, 0x80, 0x20);
    write_local(r, 0, 0x310, 1u << 24);
    write_local(r, 0, 0x300, 0xc500);
    assert_int_equal(lapic_read(lapic, 1, 0x80, 4), 0); /* INIT resets it */
}

/* The NMI button reaches the first processor by LINT1, but not past bit 7 of
 * port 70h. */
static void test_nmi_button(void **state)
{
    static const uint8_t small[0x10000];
    struct rig *r = *state;
    struct device *lapic;
    struct stub_cpu *cpu;
    unsigned before;

    pc_make(r, 2);
    lapic = pc_device(r, "lapic");
    cpu = (struct stub_cpu *)r->m->vcpu[0].cpu;
    lapic_write(lapic, 0, 0xf0, 0x1ff, 4);
    before = cpu->nmis;
    for (unsigned masked = 0; masked < 2; masked++) {
        pc_out(r, 0x70, 1, 0x0a | masked << 7);
        assert_true(machine_nmi(r->m));
        gate_deliver(r->m->gate);
        assert_int_equal(cpu->nmis, before); /* LINT1 is masked, too */
    }
    lapic_write(lapic, 0, 0x360, 0x400, 4);
    assert_true(machine_nmi(r->m));
    gate_deliver(r->m->gate);
    assert_int_equal(cpu->nmis, before);
    pc_out(r, 0x70, 1, 0x0a);
    assert_true(machine_nmi(r->m));
    gate_deliver(r->m->gate);
    assert_int_equal(cpu->nmis, before + 1);
    assert_int_equal(((struct stub_cpu *)r->m->vcpu[1].cpu)->nmis, 0);
    /* On isapc, at once; what was pressed behind the mask does not come. */
    rig_free(r);
    r->config.board = "isapc";
    r->config.bios = rig_file(r, "small", small, sizeof(small));
    r->config.cpus = 1;
    rig_machine(r);
    cpu = (struct stub_cpu *)r->m->vcpu[0].cpu;
    before = cpu->nmis;
    for (unsigned masked = 2; masked-- > 0;) {
        pc_out(r, 0x70, 1, 0x0a | masked << 7);
        assert_int_equal(cpu->nmis, before);
        assert_true(machine_nmi(r->m));
        gate_deliver(r->m->gate);
        assert_int_equal(cpu->nmis, before + !masked);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_pic), TEST(test_ferr),     TEST(test_pirq),
        TEST(test_msi), TEST(test_start_up), TEST(test_nmi_button),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
