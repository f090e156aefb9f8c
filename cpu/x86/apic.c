/*
 * The local APIC as the processor reaches it: by MSRs, CR8, INTA and a page
 * of registers (SDM 3-11.4).  The chip itself is devices/lapic.c, behind
 * struct cpu_apic.
 */
#include "cpu/x86/apic.h"
#include "cpu/x86/system.h"

#define BASE_X2APIC (UINT64_C(1) << 10)
#define BASE_ENABLED (UINT64_C(1) << 11)

static void lock(struct cpu *c)
{
    pthread_mutex_lock(memory_lock(c->env.memory));
}

static void unlock(struct cpu *c)
{
    pthread_mutex_unlock(memory_lock(c->env.memory));
}

/* The page is there but in x2APIC mode, or while the chip is off. */
static void place_page(struct cpu *c)
{
    const struct cpu_apic *a = &c->wires.apic;
    uint64_t base = 0, at = UINT64_MAX;

    if (a->read_msr && a->read_msr(a->owner, a->cpu, MSR_APIC_BASE, &base) &&
        (base & (BASE_ENABLED | BASE_X2APIC)) == BASE_ENABLED)
        at = base & PAGE_MASK;
    if (c->wires.own.address == at)
        return;
    c->wires.own.address = at;
    cpu_flush_tlb(c);
}

/* The device lock is held, and the chip has been reset. */
void x86_apic_reset(struct cpu *c)
{
    place_page(c);
}

int x86_acknowledge(struct cpu *c)
{
    const struct cpu_apic *a = &c->wires.apic;
    int vector;

    if (!a->acknowledge)
        return -1;
    lock(c);
    vector = a->acknowledge(a->owner, a->cpu);
    unlock(c);
    return vector;
}

bool x86_apic_read_msr(struct cpu *c, uint32_t msr, uint64_t *value)
{
    const struct cpu_apic *a = &c->wires.apic;
    bool ok;

    if (!a->read_msr)
        return false;
    lock(c);
    ok = a->read_msr(a->owner, a->cpu, msr, value);
    unlock(c);
    return ok;
}

bool x86_apic_write_msr(struct cpu *c, uint32_t msr, uint64_t value)
{
    const struct cpu_apic *a = &c->wires.apic;
    bool ok;

    if (!a->write_msr || (msr == MSR_APIC_BASE && (value & BASE_X2APIC) &&
                          !x86_has(x86(c), X86_X2APIC)))
        return false;
    lock(c);
    ok = a->write_msr(a->owner, a->cpu, msr, value);
    if (ok && msr == MSR_APIC_BASE)
        place_page(c);
    unlock(c);
    return ok;
}

uint8_t x86_get_cr8(struct cpu *c)
{
    const struct cpu_apic *a = &c->wires.apic;
    uint8_t value;

    if (!a->get_cr8)
        return 0;
    lock(c);
    value = a->get_cr8(a->owner, a->cpu);
    unlock(c);
    return value;
}

void x86_set_cr8(struct cpu *c, uint8_t value)
{
    const struct cpu_apic *a = &c->wires.apic;

    if (!a->set_cr8)
        return;
    lock(c);
    a->set_cr8(a->owner, a->cpu, value);
    unlock(c);
}

void x86_smm_changed(struct cpu *c, bool on)
{
    const struct cpu_apic *a = &c->wires.apic;

    if (!a->smm)
        return;
    lock(c);
    a->smm(a->smm_owner, a->cpu, on);
    unlock(c);
}
