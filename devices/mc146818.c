/*
 * Motorola MC146818: real-time clock and CMOS RAM of a PC.
 *
 * Follows the MC146818 data sheet (Motorola ADI-856, 1984): calendar, alarm,
 * periodic and update-ended interrupts, daylight saving, the timing of UIP;
 * for ports the IBM PC AT Technical Reference (70h: index, and the mask of
 * NMI in bit 7; 71h: data), and the 82371SB's (PIIX3) for the second bank of
 * 128 bytes at 72h and 73h.  As later chips do, the year carries into the
 * century at 0x32.
 *
 * The divider chain is the virtual clock, so that a periodic interrupt does
 * not drift, and runs the calendar from what the wall clock said when the
 * device was made.  Where the wall clock goes on while the virtual one stands
 * still, the calendar makes up for it by whole seconds.  Registers are brought
 * up to date when they are looked at; timers run only for interrupts that are
 * enabled and not yet asserted.
 *
 * The calendar changes at the end of the update cycle, which is the second's
 * end; UIP is up for the 1,984 us of the cycle and 244 us before it.
 * A divider that is set to another crystal's frequency (DV not 010) does not
 * run; released from its reset, it takes half a second to the next update.
 *
 * Output 0 is IRQ.  Output 1 says that NMI may pass.  Output 2 is IRQ again,
 * for what wakes the machine: the chip has a battery, and goes on while it
 * sleeps.
 *
 * Missing: the square wave (SQWE is kept, there is no pin); ticks of the
 * periodic interrupt that a guest does not take are lost, as from the chip.
 */
#include "devices/mc146818.h"

#include "base/muldiv.h"
#include "devices/isa.h"

enum {
    RTC_SECONDS = 0x00,
    RTC_SECONDS_ALARM = 0x01,
    RTC_MINUTES = 0x02,
    RTC_MINUTES_ALARM = 0x03,
    RTC_HOURS = 0x04,
    RTC_HOURS_ALARM = 0x05,
    RTC_DAY_OF_WEEK = 0x06, /* 1: Sunday */
    RTC_DAY = 0x07,
    RTC_MONTH = 0x08,
    RTC_YEAR = 0x09,
    RTC_A = 0x0a,
    RTC_B = 0x0b,
    RTC_C = 0x0c,
    RTC_D = 0x0d,
    RTC_REGISTERS = 0x0e,
    RTC_CENTURY = 0x32,
};

enum {
    A_RS = 0x0f,
    A_DV = 0x70,
    A_DV_RUN = 0x20, /* 32.768 kHz */
    A_UIP = 0x80,
};

enum {
    B_DSE = 0x01,
    B_24 = 0x02,
    B_DM = 0x04, /* binary */
    B_SQWE = 0x08,
    B_UIE = 0x10,
    B_AIE = 0x20,
    B_PIE = 0x40,
    B_SET = 0x80,
};

/* The enables of B lie where the flags of C do. */
enum {
    C_UF = B_UIE,
    C_AF = B_AIE,
    C_PF = B_PIE,
    C_FLAGS = C_UF | C_AF | C_PF,
    C_IRQF = 0x80,
};

enum { D_VRT = 0x80 };

enum { PORT_INDEX, PORT_DATA, PORT_INDEX2, PORT_DATA2 };

#define BANK 128
#define HOURS_PM 0x80
#define ALARM_ANY 0xc0 /* and above */

#define SECOND UINT64_C(1000000000)
#define UIP_NS (UINT64_C(244000) + 1984000)
#define DAY 86400u

/* 32,768 ticks a second are 64 in 1,953,125 ns. */
#define TICKS_MUL 64
#define TICKS_DIV 1953125

struct mc146818 {
    struct device dev;
    uint8_t cmos[MC146818_CMOS]; /* registers and RAM */
    uint64_t phase; /* of the divider chain, ahead of the virtual clock, ns */
    uint64_t seen;  /* virtual time up to which the registers are right */
    uint64_t ahead; /* the wall clock of the virtual one, of what the calendar
                       has made up for */
    struct timer timer;
    uint8_t index, index2;
    bool nmi_masked;
    bool fell_back; /* the hour before 2:00 runs for the second time */
};

static uint64_t now_ns(const struct mc146818 *r)
{
    return clock_ns(r->dev.env->clock);
}

/* ---------------------------------------------------- numbers and bytes */

static bool binary(const struct mc146818 *r)
{
    return r->cmos[RTC_B] & B_DM;
}

static unsigned decode(const struct mc146818 *r, uint8_t v)
{
    return binary(r) ? v : (v >> 4) * 10u + (v & 15);
}

static uint8_t encode(const struct mc146818 *r, unsigned v)
{
    return (uint8_t)(binary(r) ? v : v / 10 % 10 << 4 | v % 10);
}

static unsigned get(const struct mc146818 *r, unsigned reg)
{
    return decode(r, r->cmos[reg]);
}

static void put(struct mc146818 *r, unsigned reg, unsigned v)
{
    r->cmos[reg] = encode(r, v);
}

/* 0 to 23, if the register holds an hour at all. */
static unsigned get_hours(const struct mc146818 *r, uint8_t v)
{
    if (r->cmos[RTC_B] & B_24)
        return decode(r, v);
    return decode(r, v & ~HOURS_PM) % 12 + (v & HOURS_PM ? 12 : 0);
}

static uint8_t hours_byte(const struct mc146818 *r, unsigned v)
{
    if (r->cmos[RTC_B] & B_24)
        return encode(r, v);
    return encode(r, v % 12 ? v % 12 : 12) | (v >= 12 ? HOURS_PM : 0);
}

/* ------------------------------------------------------------- calendar */

static unsigned month_length(unsigned month, bool leap)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30,
                                   31, 31, 30, 31, 30, 31};

    if (month == 2 && leap)
        return 29;
    return month >= 1 && month <= 12 ? days[month - 1] : 31;
}

/* The chip knows two digits of the year. */
static unsigned days_in_month(const struct mc146818 *r)
{
    return month_length(get(r, RTC_MONTH), get(r, RTC_YEAR) % 4 == 0);
}

static void next_year(struct mc146818 *r)
{
    unsigned year = get(r, RTC_YEAR) + 1;

    if (year >= 100)
        put(r, RTC_CENTURY, (get(r, RTC_CENTURY) + 1) % 100);
    put(r, RTC_YEAR, year % 100);
}

static void next_day(struct mc146818 *r)
{
    unsigned day = get(r, RTC_DAY) + 1, month = get(r, RTC_MONTH) + 1;

    put(r, RTC_DAY_OF_WEEK, get(r, RTC_DAY_OF_WEEK) % 7 + 1);
    if (day <= days_in_month(r)) {
        put(r, RTC_DAY, day);
        return;
    }
    put(r, RTC_DAY, 1);
    put(r, RTC_MONTH, month > 12 ? 1 : month);
    if (month > 12)
        next_year(r);
}

/* The last Sunday of April or of October? */
static bool is_last_sunday(const struct mc146818 *r, unsigned month)
{
    return get(r, RTC_MONTH) == month && get(r, RTC_DAY_OF_WEEK) == 1 &&
           get(r, RTC_DAY) + 7 > days_in_month(r);
}

/* The hour that follows 1:59:59, if daylight saving is enabled (DSE). */
static unsigned hour_after_two(struct mc146818 *r)
{
    bool again = r->fell_back;

    r->fell_back = false;
    if (!(r->cmos[RTC_B] & B_DSE))
        return 2;
    if (is_last_sunday(r, 4))
        return 3;
    if (!is_last_sunday(r, 10) || again)
        return 2;
    r->fell_back = true;
    return 1;
}

static void next_hour(struct mc146818 *r)
{
    unsigned hours = get_hours(r, r->cmos[RTC_HOURS]) + 1;

    if (hours == 2)
        hours = hour_after_two(r);
    if (hours >= 24) {
        hours = 0;
        next_day(r);
    }
    r->cmos[RTC_HOURS] = hours_byte(r, hours);
}

static void next_second(struct mc146818 *r)
{
    unsigned seconds = get(r, RTC_SECONDS) + 1, minutes;

    put(r, RTC_SECONDS, seconds >= 60 ? 0 : seconds);
    if (seconds < 60)
        return;
    minutes = get(r, RTC_MINUTES) + 1;
    put(r, RTC_MINUTES, minutes >= 60 ? 0 : minutes);
    if (minutes >= 60)
        next_hour(r);
}

/* ---------------------------------------------------------------- alarm */

static bool rings(const struct mc146818 *r)
{
    for (unsigned i = RTC_SECONDS; i <= RTC_HOURS; i += 2)
        if (r->cmos[i + 1] < ALARM_ANY && r->cmos[i + 1] != r->cmos[i])
            return false;
    return true;
}

/* Does the alarm's time come once in every day? */
static bool rings_daily(const struct mc146818 *r)
{
    for (unsigned i = RTC_SECONDS_ALARM; i <= RTC_MINUTES_ALARM; i += 2) {
        unsigned v = get(r, i);

        if (r->cmos[i] < ALARM_ANY && (v >= 60 || encode(r, v) != r->cmos[i]))
            return false;
    }
    if (r->cmos[RTC_HOURS_ALARM] >= ALARM_ANY)
        return true;
    for (unsigned h = 0; h < 24; h++)
        if (hours_byte(r, h) == r->cmos[RTC_HOURS_ALARM])
            return true;
    return false;
}

/* --------------------------------------------------------------- update */

static bool running(const struct mc146818 *r)
{
    return (r->cmos[RTC_A] & A_DV) == A_DV_RUN;
}

static bool updating(const struct mc146818 *r)
{
    return running(r) && !(r->cmos[RTC_B] & B_SET);
}

/* May the hours of this day, or of the next one before the same time, be
 * changed by daylight saving? */
static bool near_change(const struct mc146818 *r)
{
    unsigned month = get(r, RTC_MONTH), day = get(r, RTC_DAY_OF_WEEK);

    return (r->cmos[RTC_B] & B_DSE) && (month == 4 || month == 10) &&
           (day == 1 || day == 7);
}

/* n seconds pass: whole days at once where nothing can happen in them. */
static void advance(struct mc146818 *r, uint64_t n)
{
    while (n) {
        if (n > DAY && !near_change(r)) {
            next_day(r);
            n -= DAY;
            if (rings_daily(r))
                r->cmos[RTC_C] |= C_AF;
            continue;
        }
        next_second(r);
        n--;
        if (rings(r))
            r->cmos[RTC_C] |= C_AF;
    }
}

/* 32.768 kHz ticks between two periodic interrupts; 0: none (table 5). */
static unsigned period(const struct mc146818 *r)
{
    unsigned rs = r->cmos[RTC_A] & A_RS;

    if (rs == 0)
        return 0;
    return rs < 3 ? 64u << rs : 1u << (rs - 1);
}

/* Periodic interrupts up to virtual time ns. */
static uint64_t periods(const struct mc146818 *r, uint64_t ns)
{
    return muldiv_floor(ns + r->phase, TICKS_MUL, TICKS_DIV) / period(r);
}

static uint64_t seconds(const struct mc146818 *r, uint64_t ns)
{
    return (ns + r->phase) / SECOND;
}

static uint64_t wall_ahead(const struct mc146818 *r, uint64_t now)
{
    return gate_wall_clock(r->dev.env->gate, now) - now;
}

/* Whole seconds for which the virtual clock stood still.  A host's clock that
 * is set back takes nothing back. */
static uint64_t stood_still(struct mc146818 *r, uint64_t now)
{
    uint64_t gone = wall_ahead(r, now) - r->ahead;

    if (gone > INT64_MAX)
        return 0;
    r->ahead += gone / SECOND * SECOND;
    return gone / SECOND;
}

/* Bring the registers up to date. */
static void sync(struct mc146818 *r)
{
    uint64_t now = now_ns(r), n = seconds(r, now) - seconds(r, r->seen);

    n += stood_still(r, now);
    if (n && updating(r)) {
        advance(r, n);
        r->cmos[RTC_C] |= C_UF;
    }
    if (running(r) && period(r) && periods(r, now) != periods(r, r->seen))
        r->cmos[RTC_C] |= C_PF;
    r->seen = now;
}

/* Virtual time of what could assert IRQ next. */
static uint64_t next_event(const struct mc146818 *r)
{
    uint64_t at = CLOCK_NEVER, tick;
    uint8_t waits = r->cmos[RTC_B] & ~r->cmos[RTC_C];

    if (updating(r) && (waits & (B_UIE | B_AIE)))
        at = (seconds(r, r->seen) + 1) * SECOND - r->phase;
    if (running(r) && period(r) && (waits & B_PIE)) {
        tick = (periods(r, r->seen) + 1) * period(r);
        tick = muldiv_ceil(tick, TICKS_DIV, TICKS_MUL) - r->phase;
        at = tick < at ? tick : at;
    }
    return at;
}

/* IRQF, its pin, and the timer, from registers that are up to date. */
static void update_irq(struct mc146818 *r)
{
    uint8_t *c = &r->cmos[RTC_C];

    *c &= C_FLAGS;
    if (*c & r->cmos[RTC_B])
        *c |= C_IRQF;
    wire_set(device_out(&r->dev, 0), *c & C_IRQF);
    wire_set(device_out(&r->dev, 2), *c & C_IRQF);
    timer_arm(&r->timer, *c & C_IRQF ? CLOCK_NEVER : next_event(r));
}

static void fire(void *owner)
{
    sync(owner);
    update_irq(owner);
}

/* ------------------------------------------------------------ registers */

static uint8_t read_a(const struct mc146818 *r)
{
    uint64_t at = (r->seen + r->phase) % SECOND;
    bool uip = updating(r) && at >= SECOND - UIP_NS;

    return (r->cmos[RTC_A] & ~A_UIP) | (uip ? A_UIP : 0);
}

static uint8_t read_register(struct mc146818 *r, unsigned index)
{
    uint8_t v;

    sync(r);
    switch (index) {
    case RTC_A:
        return read_a(r);
    case RTC_C:
        update_irq(r);
        v = r->cmos[RTC_C];
        r->cmos[RTC_C] = 0;
        update_irq(r);
        return v;
    case RTC_D:
        return D_VRT;
    }
    return r->cmos[index];
}

static void write_a(struct mc146818 *r, uint8_t value)
{
    bool was = running(r);

    r->cmos[RTC_A] = value & ~A_UIP;
    /* The chain leaves its reset in the middle of a second. */
    if (running(r) && !was)
        r->phase = (SECOND + SECOND / 2 - r->seen % SECOND) % SECOND;
}

static void write_register(struct mc146818 *r, unsigned index, uint8_t value)
{
    sync(r);
    switch (index) {
    case RTC_A:
        write_a(r, value);
        break;
    case RTC_B: /* SET clears UIE */
        r->cmos[RTC_B] = value & B_SET ? value & ~B_UIE : value;
        break;
    case RTC_C:
    case RTC_D:
        log_guest(r->dev.env->log, "%s: register 0x%02x is read-only",
                  r->dev.path, index);
        break;
    default:
        r->cmos[index] = value;
    }
    update_irq(r);
}

static uint64_t mc146818_read(struct device *dev, unsigned window,
                              uint64_t offset, unsigned size)
{
    struct mc146818 *r = (struct mc146818 *)dev;

    (void)window, (void)size;
    switch (offset) {
    case PORT_DATA:
        return read_register(r, r->index);
    case PORT_INDEX2:
        return r->index2;
    case PORT_DATA2:
        return r->cmos[BANK + r->index2];
    }
    return 0xff; /* the index of the first bank is write-only */
}

static void set_nmi(struct mc146818 *r)
{
    wire_set(device_out(&r->dev, 1), !r->nmi_masked);
}

static void mc146818_write(struct device *dev, unsigned window, uint64_t offset,
                           uint64_t value, unsigned size)
{
    struct mc146818 *r = (struct mc146818 *)dev;

    (void)window, (void)size;
    switch (offset) {
    case PORT_INDEX:
        r->index = value % BANK;
        r->nmi_masked = value & 0x80;
        set_nmi(r);
        break;
    case PORT_DATA:
        write_register(r, r->index, (uint8_t)value);
        break;
    case PORT_INDEX2:
        r->index2 = value % BANK;
        break;
    case PORT_DATA2:
        r->cmos[BANK + r->index2] = (uint8_t)value;
        break;
    }
}

/* ---------------------------------------------------------- the machine */

static bool is_leap(unsigned year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* The days since 1970-01-01, a Thursday, as a date (Gregorian). */
static void set_date(struct mc146818 *r, uint64_t days)
{
    unsigned year = 1970, month = 1;

    put(r, RTC_DAY_OF_WEEK, (unsigned)((days + 4) % 7) + 1);
    while (days >= 365u + is_leap(year))
        days -= 365u + is_leap(year++);
    while (days >= month_length(month, is_leap(year)))
        days -= month_length(month++, is_leap(year));
    put(r, RTC_YEAR, year % 100);
    put(r, RTC_CENTURY, year / 100 % 100);
    put(r, RTC_MONTH, month);
    put(r, RTC_DAY, (unsigned)days + 1);
}

void mc146818_set_time(struct device *dev, uint64_t ns)
{
    struct mc146818 *r = (struct mc146818 *)dev;
    uint64_t s = ns / SECOND;

    r->seen = now_ns(r);
    r->ahead = wall_ahead(r, r->seen);
    r->phase = (ns % SECOND + SECOND - r->seen % SECOND) % SECOND;
    set_date(r, s / DAY);
    r->cmos[RTC_HOURS] = hours_byte(r, (unsigned)(s % DAY / 3600));
    put(r, RTC_MINUTES, (unsigned)(s / 60 % 60));
    put(r, RTC_SECONDS, (unsigned)(s % 60));
    r->fell_back = false;
    if (dev->out)
        update_irq(r);
}

uint8_t mc146818_cmos(struct device *dev, unsigned index)
{
    return ((struct mc146818 *)dev)->cmos[index % MC146818_CMOS];
}

void mc146818_set_cmos(struct device *dev, unsigned index, uint8_t value)
{
    if (index >= RTC_REGISTERS && index < MC146818_CMOS)
        ((struct mc146818 *)dev)->cmos[index] = value;
}

/* `units` of memory as `bytes` bytes from index on, or the most they say. */
static void set_size(struct mc146818 *r, unsigned index, unsigned bytes,
                     uint64_t units)
{
    uint64_t most = (UINT64_C(1) << 8 * bytes) - 1;

    units = units < most ? units : most;
    for (unsigned i = 0; i < bytes; i++)
        r->cmos[index + i] = (uint8_t)(units >> 8 * i);
}

static uint64_t beyond(uint64_t ram, uint64_t from)
{
    return ram > from ? ram - from : 0;
}

static void set_memory(struct mc146818 *r, const struct pc_setup *s)
{
    uint64_t kib = s->ram_low >> 10;

    set_size(r, 0x15, 2, kib < 640 ? kib : 640);
    set_size(r, 0x17, 2, beyond(s->ram_low, 1 << 20) >> 10);
    set_size(r, 0x30, 2, beyond(s->ram_low, 1 << 20) >> 10);
    set_size(r, 0x34, 2, beyond(s->ram_low, 16 << 20) >> 16);
    set_size(r, 0x5b, 3, s->ram_high >> 16);
}

static uint8_t equipment(const struct pc_setup *s)
{
    unsigned drives = !!s->floppy[0] + !!s->floppy[1];

    return (drives ? 0x01 | (drives - 1) << 6 : 0) | (s->fpu ? 0x02 : 0) |
           (s->mouse ? 0x04 : 0) | (s->display & 3) << 4;
}

/* A disk of type 47: what its parameters are, from index on.  Write
 * precompensation is off; 8: more than eight heads. */
static void set_disk(struct mc146818 *r, unsigned index,
                     const struct pc_disk *d)
{
    uint32_t cylinders = d->cylinders < 0xffff ? d->cylinders : 0xffff;

    set_size(r, index, 2, cylinders);
    r->cmos[index + 2] = (uint8_t)d->heads;
    r->cmos[index + 3] = r->cmos[index + 4] = 0xff;
    r->cmos[index + 5] = d->heads > 8 ? 0xc8 : 0xc0;
    set_size(r, index + 6, 2, cylinders);
    r->cmos[index + 8] = (uint8_t)d->sectors;
}

/* The first two by their parameters; how all are translated. */
static void set_disks(struct mc146818 *r, const struct pc_setup *s)
{
    r->cmos[0x12] = 0;
    for (unsigned n = 0; n < 2; n++) {
        if (!s->disk[n].cylinders)
            continue;
        r->cmos[0x12] |= n ? 0x0f : 0xf0;
        r->cmos[0x19 + n] = 47;
        set_disk(r, 0x1b + 9 * n, &s->disk[n]);
    }
    r->cmos[0x39] = 0;
    for (unsigned n = 0; n < 4; n++)
        r->cmos[0x39] |= (uint8_t)(s->disk[n].translation << 2 * n);
}

void mc146818_set_boot(struct device *dev, const uint8_t boot[3])
{
    struct mc146818 *r = (struct mc146818 *)dev;

    r->cmos[0x38] = (uint8_t)(boot[2] << 4 | (r->cmos[0x38] & 1));
    r->cmos[0x3d] = (uint8_t)(boot[1] << 4 | (boot[0] & 15));
}

void mc146818_setup_pc(struct device *dev, const struct pc_setup *s)
{
    struct mc146818 *r = (struct mc146818 *)dev;
    unsigned sum = 0;

    set_memory(r, s);
    r->cmos[0x0f] = 0; /* why the CPU was reset: power */
    r->cmos[0x10] = (uint8_t)(s->floppy[0] << 4 | (s->floppy[1] & 15));
    r->cmos[0x14] = equipment(s);
    set_disks(r, s);
    r->cmos[0x38] = s->boot_any_floppy;
    mc146818_set_boot(dev, s->boot);
    r->cmos[0x5f] = (uint8_t)(s->cpus - 1);
    for (unsigned i = 0x10; i <= 0x2d; i++)
        sum += r->cmos[i];
    r->cmos[0x2e] = (uint8_t)(sum >> 8);
    r->cmos[0x2f] = (uint8_t)sum;
}

/* ----------------------------------------------------------------- life */

static bool mc146818_create(struct device *dev, struct error *e)
{
    struct mc146818 *r = (struct mc146818 *)dev;

    (void)e;
    timer_init(&r->timer, dev->env->clock, fire, r);
    r->cmos[RTC_A] = A_DV_RUN | 6; /* 1,024 Hz */
    r->cmos[RTC_B] = B_24;
    mc146818_set_time(dev, gate_wall_clock(dev->env->gate, now_ns(r)));
    return true;
}

/* RESET# leaves the calendar and the RAM alone. */
static void mc146818_reset(struct device *dev)
{
    struct mc146818 *r = (struct mc146818 *)dev;

    sync(r);
    r->cmos[RTC_B] &= ~(B_PIE | B_AIE | B_UIE | B_SQWE);
    r->cmos[RTC_C] = 0;
    update_irq(r);
    set_nmi(r);
}

/* Of all this only the ports are not the battery's. */
static void mc146818_sleep(struct device *dev)
{
    struct mc146818 *r = (struct mc146818 *)dev;

    r->index = r->index2 = 0;
    r->nmi_masked = false;
    set_nmi(r);
}

static void mc146818_loaded(struct device *dev)
{
    struct mc146818 *r = (struct mc146818 *)dev;
    uint64_t now = now_ns(r);

    r->phase %= SECOND;
    r->seen = r->seen < now ? r->seen : now;
    r->ahead = wall_ahead(r, now);
    r->index %= BANK;
    r->index2 %= BANK;
    sync(r);
    update_irq(r);
    set_nmi(r);
}

static const struct field mc146818_fields[] = {
    DEVICE_FIELDS(struct mc146818),
    FIELD_ARRAY_KEEP(struct mc146818, cmos),
    FIELD_KEEP(struct mc146818, phase),
    FIELD_KEEP(struct mc146818, seen),
    FIELD_HOST(struct mc146818, ahead),
    FIELD_TIMER(struct mc146818, timer),
    FIELD(struct mc146818, index, 0),
    FIELD(struct mc146818, index2, 0),
    FIELD(struct mc146818, nmi_masked, false),
    FIELD_KEEP(struct mc146818, fell_back),
    FIELD_LIST_END,
};

static const struct window mc146818_windows[] = {
    ISA_WINDOW("registers", 4),
};

static const char *const mc146818_compatible[] = {"motorola,mc146818", NULL};

const struct device_class mc146818_class = {
    .name = "mc146818",
    .summary = "MC146818 real-time clock and CMOS RAM of a PC",
    .compatible = mc146818_compatible,
    .size = sizeof(struct mc146818),
    .fields = mc146818_fields,
    .windows = mc146818_windows,
    .n_windows = 1,
    .n_outputs = 3,
    .create = mc146818_create,
    .reset = mc146818_reset,
    .sleep = mc146818_sleep,
    .loaded = mc146818_loaded,
    .read = mc146818_read,
    .write = mc146818_write,
};
