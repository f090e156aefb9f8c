/*
 * The local APICs' registers, by MMIO and by MSR: see lapic.c.
 *
 * Intel SDM volume 3: 11.4.1 (the page), 11.12.1 (x2APIC's MSRs), 11.12.5
 * (changes of state).
 */
#include "devices/lapic_priv.h"

/* -- registers -- */

static uint32_t read_register(struct local *a, unsigned n)
{
    switch (n) {
    case APIC_ID:
        return lapic_is_x2(a) ? a->number : (uint32_t)a->id << 24;
    case VERSION:
        return VERSION_VALUE;
    case TPR:
        return a->tpr;
    case PPR:
        return lapic_ppr(a);
    case LDR:
        return a->ldr;
    case DFR:
        return a->dfr;
    case SVR:
        return a->svr;
    case ESR:
        return a->esr;
    case ICR:
        return (uint32_t)a->icr;
    case ICR_HIGH:
        return (uint32_t)(a->icr >> 32);
    case INITIAL_COUNT:
        return lapic_timer_mode(a) == TSC_DEADLINE ? 0 : a->initial_count;
    case CURRENT_COUNT:
        return lapic_timer_count(a);
    case DIVIDE:
        return a->divide;
    case APR:
    case RRD:
        return 0;
    default:
        break;
    }
    if (n >= LVT_TIMER && n <= LVT_ERROR)
        return a->lvt[LVT(n)];
    if (n >= ISR && n < IRR + 8)
        return n < TMR   ? a->isr[n - ISR]
               : n < IRR ? a->tmr[n - TMR]
                         : a->irr[n - IRR];
    lapic_error(a, ERROR_REGISTER);
    return 0;
}

static void write_svr(struct local *a, uint32_t value)
{
    a->svr = value & SVR_BITS;
    /* 11.4.7.2 */
    for (unsigned i = 0; i < N_LVT && !(value & SVR_ENABLE); i++)
        a->lvt[i] |= LVT_MASKED;
    lapic_update(a);
}

static void write_lvt(struct local *a, unsigned n, uint32_t value)
{
    static const uint32_t bits[N_LVT] = {0x700ff, 0x107ff, 0x107ff,
                                         0x1a7ff, 0x1a7ff, 0x100ff};
    uint32_t *lvt = &a->lvt[LVT(n)];
    uint32_t state = *lvt & LVT_REMOTE_IRR;

    if (!(a->svr & SVR_ENABLE))
        value |= LVT_MASKED;
    if (n == LVT_TIMER) {
        lapic_timer_lvt(a, value);
        return;
    }
    *lvt = value & bits[LVT(n)];
    if (*lvt & LEVEL)
        *lvt |= state;
    if (n == LVT_LINT0 || n == LVT_LINT1)
        lapic_drive_lint(a, n - LVT_LINT0, false);
}

static void write_register(struct local *a, unsigned n, uint32_t value)
{
    switch (n) {
    case APIC_ID:
        a->id = (uint8_t)(value >> 24);
        break;
    case TPR:
        a->tpr = (uint8_t)value;
        lapic_update(a);
        break;
    case EOI:
        lapic_end(a);
        break;
    case LDR:
        a->ldr = value & 0xff000000;
        break;
    case DFR:
        a->dfr = value | 0x0fffffff;
        break;
    case SVR:
        write_svr(a, value);
        break;
    case ESR:
        a->esr = a->esr_next;
        a->esr_next = 0;
        break;
    case ICR:
        a->icr = (a->icr & ~(uint64_t)UINT32_MAX) | (value & ICR_BITS);
        lapic_command(a);
        break;
    case ICR_HIGH:
        a->icr = (uint32_t)a->icr | (uint64_t)(value & 0xff000000) << 32;
        break;
    case INITIAL_COUNT:
        lapic_timer_start(a, value);
        break;
    case DIVIDE:
        lapic_timer_divide(a, value);
        break;
    default:
        if (n >= LVT_TIMER && n <= LVT_ERROR)
            write_lvt(a, n, value);
        else
            lapic_error(a, ERROR_REGISTER);
    }
}

/* Registers are words at every 16th byte; parts of them may be read. */
uint64_t lapic_read(void *lapic, unsigned cpu, uint64_t offset, unsigned size)
{
    unsigned at = offset & 15;

    (void)size;
    if (at >= 4)
        return 0;
    return read_register(lapic_local(lapic, cpu), (unsigned)(offset >> 4)) >>
           8 * at;
}

void lapic_write(void *lapic, unsigned cpu, uint64_t offset, uint64_t value,
                 unsigned size)
{
    if (offset % 16 == 0 && size >= 4)
        write_register(lapic_local(lapic, cpu), (unsigned)(offset >> 4),
                       (uint32_t)value);
}

/* -- MSRs, 11.12.1 -- */

static bool can_read(unsigned n)
{
    return n == APIC_ID || n == VERSION || n == TPR || n == PPR || n == LDR ||
           n == SVR || (n >= ISR && n <= ESR) || n == ICR ||
           (n >= LVT_TIMER && n <= CURRENT_COUNT) || n == DIVIDE;
}

/* Bits that a write may set; 0: it may not be written at all, or 0 only. */
static uint64_t writable_bits(unsigned n)
{
    switch (n) {
    case TPR:
    case SELF_IPI:
        return 0xff;
    case SVR:
        return SVR_BITS;
    case ICR:
        return 0xffffffff000ccfff;
    case LVT_TIMER:
        return 0x710ff;
    case LVT_THERMAL:
    case LVT_PERFORMANCE:
        return 0x117ff;
    case LVT_LINT0:
    case LVT_LINT1:
        return 0x1f7ff;
    case LVT_ERROR:
        return 0x110ff;
    case INITIAL_COUNT:
        return UINT32_MAX;
    case DIVIDE:
        return 0x0b;
    default: /* EOI, ESR: 0 */
        return 0;
    }
}

static bool write_x2(struct local *a, unsigned n, uint64_t value)
{
    uint64_t bits = writable_bits(n);

    if ((!bits && n != EOI && n != ESR) || (value & ~bits))
        return false;
    if (n == ICR) {
        a->icr = value;
        lapic_command(a);
    } else if (n == SELF_IPI) {
        if (value < 16)
            lapic_error(a, ERROR_SEND_VECTOR);
        else
            lapic_accept(a, (uint8_t)value, false);
    } else {
        write_register(a, n, (uint32_t)value);
    }
    return true;
}

/* 11.12.5: which changes of state there are. */
static bool write_base(struct local *a, uint64_t value)
{
    uint64_t mode = value & (BASE_ENABLE | BASE_X2APIC);
    uint64_t old = a->base & (BASE_ENABLE | BASE_X2APIC);
    bool both = mode == (BASE_ENABLE | BASE_X2APIC);

    if ((value & (0xff | 1 << 9)) || value >> PHYSICAL_BITS ||
        mode == BASE_X2APIC || (both && old == 0) ||
        (old == (BASE_ENABLE | BASE_X2APIC) && mode == BASE_ENABLE))
        return false;
    a->base = (value & ~(uint64_t)BASE_BSP) | (a->base & BASE_BSP);
    if (both && old != mode)
        a->ldr = (a->number >> 4) << 16 | UINT32_C(1) << (a->number & 15);
    if (!mode && old) {
        a->ldr = 0;
        lapic_initialise(a);
    }
    lapic_update(a);
    return true;
}

bool lapic_read_msr(void *lapic, unsigned cpu, uint32_t msr, uint64_t *value)
{
    struct local *a = lapic_local(lapic, cpu);
    unsigned n = msr - MSR_X2APIC;

    if (msr == MSR_BASE) {
        *value = a->base;
        return true;
    }
    if (msr == MSR_DEADLINE) {
        *value = lapic_timer_mode(a) == TSC_DEADLINE ? a->deadline : 0;
        return true;
    }
    if (!lapic_is_x2(a) || msr < MSR_X2APIC || n > SELF_IPI || !can_read(n))
        return false;
    *value = n == ICR ? a->icr : read_register(a, n);
    return true;
}

bool lapic_write_msr(void *lapic, unsigned cpu, uint32_t msr, uint64_t value)
{
    struct local *a = lapic_local(lapic, cpu);
    unsigned n = msr - MSR_X2APIC;

    if (msr == MSR_BASE)
        return write_base(a, value);
    if (msr == MSR_DEADLINE) {
        lapic_timer_deadline(a, value);
        return true;
    }
    return lapic_is_x2(a) && msr >= MSR_X2APIC && n <= SELF_IPI &&
           write_x2(a, n, value);
}

uint8_t lapic_get_cr8(void *lapic, unsigned cpu)
{
    return lapic_local(lapic, cpu)->tpr >> 4;
}

void lapic_set_cr8(void *lapic, unsigned cpu, uint8_t value)
{
    struct local *a = lapic_local(lapic, cpu);

    a->tpr = (uint8_t)(value << 4);
    lapic_update(a);
}
