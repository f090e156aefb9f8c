/* What the files of the local APICs share: lapic.c, lapic_regs.c. */
#ifndef DEVICES_LAPIC_PRIV_H
#define DEVICES_LAPIC_PRIV_H

#include "devices/lapic.h"

#define MAX_IOAPICS 4
#define MIN_PERIOD_NS 10000
#define PHYSICAL_BITS 52

enum { OUT_INTR, OUT_NMI, OUT_INIT, OUT_SMI, OUT_SIPI, N_OUT };

/* Registers by number: MMIO offset / 16, MSR - 800h. */
enum {
    APIC_ID = 0x02,
    VERSION = 0x03,
    TPR = 0x08,
    APR = 0x09,
    PPR = 0x0a,
    EOI = 0x0b,
    RRD = 0x0c,
    LDR = 0x0d,
    DFR = 0x0e,
    SVR = 0x0f,
    ISR = 0x10,
    TMR = 0x18,
    IRR = 0x20,
    ESR = 0x28,
    ICR = 0x30,
    ICR_HIGH = 0x31,
    LVT_TIMER = 0x32,
    LVT_THERMAL = 0x33,
    LVT_PERFORMANCE = 0x34,
    LVT_LINT0 = 0x35,
    LVT_LINT1 = 0x36,
    LVT_ERROR = 0x37,
    INITIAL_COUNT = 0x38,
    CURRENT_COUNT = 0x39,
    DIVIDE = 0x3e,
    SELF_IPI = 0x3f,
};
#define N_LVT (LVT_ERROR - LVT_TIMER + 1)
#define LVT(n) ((n)-LVT_TIMER)

#define MSR_BASE 0x1b
#define MSR_DEADLINE 0x6e0
#define MSR_X2APIC 0x800

enum {
    BASE_BSP = 1 << 8,
    BASE_X2APIC = 1 << 10,
    BASE_ENABLE = 1 << 11,
    BASE_DEFAULT = 0xfee00000,
};

enum {
    VERSION_VALUE = (N_LVT - 1) << 16 | 0x14,

    SVR_ENABLE = 1 << 8,
    SVR_BITS = 0x1ff,

    /* LVT and ICR. */
    DELIVERY_SHIFT = 8,
    LOGICAL = 1 << 11,
    ASSERT = 1 << 14,
    LVT_REMOTE_IRR = 1 << 14,
    LEVEL = 1 << 15,
    LVT_MASKED = 1 << 16,
    TIMER_MODE_SHIFT = 17,
    SHORTHAND_SHIFT = 18,

    ICR_BITS = 0xccfff,

    ERROR_SEND_VECTOR = 1 << 5,
    ERROR_RECEIVE_VECTOR = 1 << 6,
    ERROR_REGISTER = 1 << 7,
};

enum delivery { FIXED, LOWEST, SMI, REMOTE_READ, NMI, INIT, SIPI, EXTINT };
enum timer_mode { ONE_SHOT, PERIODIC, TSC_DEADLINE };
enum shorthand { NONE, SELF, ALL, OTHERS };

struct local {
    uint64_t base; /* IA32_APIC_BASE */
    uint8_t id, tpr;
    uint32_t ldr, dfr, svr, esr, esr_next;
    uint32_t isr[8], tmr[8], irr[8];
    uint64_t icr;
    uint32_t lvt[N_LVT];
    uint32_t initial_count, divide;
    uint64_t started;  /* ns at which the count was the initial one */
    uint64_t deadline; /* IA32_TSC_DEADLINE; 0: none */
    struct timer timer;
    bool line[2]; /* LINT0, LINT1 */
    bool extint;  /* a message of that kind has come */
    struct lapic *owner;
    unsigned number;
};

struct lapic {
    struct device dev;
    uint32_t hz, timebase_hz;
    struct local local[LAPIC_MAX_CPUS];
    unsigned n;
    uint8_t (*pic)(void *owner);
    void *pic_owner;
    struct device *ioapic[MAX_IOAPICS];
    unsigned n_ioapics;
};

static inline struct local *lapic_local(void *lapic, unsigned cpu)
{
    return &((struct lapic *)lapic)->local[cpu];
}

static inline bool lapic_is_on(const struct local *a)
{
    return (a->base & BASE_ENABLE) != 0;
}

static inline bool lapic_is_x2(const struct local *a)
{
    return (a->base & BASE_X2APIC) != 0;
}

static inline enum timer_mode lapic_timer_mode(const struct local *a)
{
    return (enum timer_mode)(a->lvt[LVT(LVT_TIMER)] >> TIMER_MODE_SHIFT & 3);
}

/* -- lapic.c, for lapic_regs.c -- */

/* The processor's priority, 11.8.3.1. */
uint8_t lapic_ppr(const struct local *a);
/* Set INTR as it shall be by now. */
void lapic_update(struct local *a);
/* A fixed interrupt arrives. */
void lapic_accept(struct local *a, uint8_t vector, bool level);
/* A bit of the ESR, and its interrupt. */
void lapic_error(struct local *a, uint32_t bit);
void lapic_end(struct local *a);
/* Send what the ICR says. */
void lapic_command(struct local *a);
/* LINT n has changed, or what it means. */
void lapic_drive_lint(struct local *a, unsigned n, bool rises);
/* What INIT does; the ID and the base stay. */
void lapic_initialise(struct local *a);

/* The timer: the initial count, IA32_TSC_DEADLINE, the divider, its LVT; what
 * is left. */
void lapic_timer_start(struct local *a, uint32_t count);
void lapic_timer_deadline(struct local *a, uint64_t tsc);
void lapic_timer_divide(struct local *a, uint32_t value);
void lapic_timer_lvt(struct local *a, uint32_t value);
uint32_t lapic_timer_count(const struct local *a);

#endif
