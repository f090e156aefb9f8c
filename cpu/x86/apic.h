/*
 * An x86 processor's way to its local APIC or, where there is none, to
 * whatever drives its INTR input.  From the CPU's own thread; these take the
 * device lock.
 */
#ifndef CPU_X86_APIC_H
#define CPU_X86_APIC_H

#include "cpu/core/cpu.h"

enum {
    MSR_APIC_BASE = 0x1b,
    MSR_TSC_DEADLINE = 0x6e0,
    MSR_X2APIC = 0x800, /* to 0x8ff */
};

/* Is there a local APIC (CPUID.1:EDX.9)?  Known once the machine is built. */
static inline bool x86_has_apic(const struct cpu *c)
{
    return c->wires.apic.read_msr != NULL;
}

/* Of class->reset: the page is where the chip says. */
void x86_apic_reset(struct cpu *c);

/* INTR is high and interrupts are on: the vector, or -1 if it is gone. */
int x86_acknowledge(struct cpu *c);

/*
 * The MSRs above; false: #GP, and nothing has changed.  Writes may move the
 * page (the TLB is flushed).  The deadline is one of wires.time(), which is
 * the TSC before IA32_TSC_ADJUST and writes of the TSC: the caller takes the
 * offset off, but 0 stays 0 (no deadline).
 */
bool x86_apic_read_msr(struct cpu *c, uint32_t msr, uint64_t *value);
bool x86_apic_write_msr(struct cpu *c, uint32_t msr, uint64_t value);

/* CR8, 0 to 15; without a local APIC it reads 0. */
uint8_t x86_get_cr8(struct cpu *c);
void x86_set_cr8(struct cpu *c, uint8_t value);

/* SMM begins or ends: memory of its own may appear or vanish. */
void x86_smm_changed(struct cpu *c, bool on);

#endif
