/*
 * Google's goldfish real-time clock.
 *
 * A 64-bit count of nanoseconds since 1970 with one alarm.  There is no data
 * sheet; the registers are those that Linux names in
 * drivers/rtc/rtc-goldfish.c and include/clocksource/timer-goldfish.h:
 *
 *   0x00 TIME_LOW         reading latches TIME_HIGH; writing sets the time
 *   0x04 TIME_HIGH
 *   0x08 ALARM_LOW        writing arms the alarm for ALARM_HIGH:ALARM_LOW
 *   0x0c ALARM_HIGH       no effect until ALARM_LOW is written
 *   0x10 IRQ_ENABLED      bit 0
 *   0x14 CLEAR_ALARM      any write disarms
 *   0x18 ALARM_STATUS     1 while armed
 *   0x1c CLEAR_INTERRUPT  any write
 *
 * The time is the host's wall clock plus what the guest has set it ahead.
 * As a battery would see to it, a reset leaves that difference alone, but
 * it silences the alarm.  Nothing is missing.
 */
#include "devices/device.h"

enum {
    TIMER_TIME_LOW = 0x00,
    TIMER_TIME_HIGH = 0x04,
    TIMER_ALARM_LOW = 0x08,
    TIMER_ALARM_HIGH = 0x0c,
    TIMER_IRQ_ENABLED = 0x10,
    TIMER_CLEAR_ALARM = 0x14,
    TIMER_ALARM_STATUS = 0x18,
    TIMER_CLEAR_INTERRUPT = 0x1c,
};

/* The wall clock may be set while an alarm is due later: look at least this
 * often (virtual ns). */
#define LOOK_NS UINT64_C(10000000000)

struct goldfish_rtc {
    struct device dev;
    uint64_t ahead;     /* of the wall clock, ns, modulo 2^64 */
    uint64_t alarm;     /* registers, ns since 1970 */
    uint64_t alarm_at;  /* what the alarm was armed for */
    uint32_t time_high; /* latched when TIME_LOW was read */
    uint32_t set_high;  /* last written TIME_HIGH, until TIME_LOW is */
    bool set_high_valid;
    bool alarm_armed, irq_enabled, irq_pending;
    struct timer timer;
};

static uint64_t now(struct goldfish_rtc *r)
{
    const struct device_env *env = r->dev.env;

    return gate_wall_clock(env->gate, clock_ns(env->clock)) + r->ahead;
}

static void update_irq(struct goldfish_rtc *r)
{
    wire_set(device_out(&r->dev, 0), r->irq_enabled && r->irq_pending);
}

/* Ring if the alarm's time has come, else look again when it should. */
static void check_alarm(struct goldfish_rtc *r)
{
    uint64_t time, wait;

    timer_disarm(&r->timer);
    if (!r->alarm_armed)
        return;
    time = now(r);
    if (time >= r->alarm_at) {
        r->alarm_armed = false;
        r->irq_pending = true;
        update_irq(r);
        return;
    }
    wait = r->alarm_at - time;
    timer_arm(&r->timer,
              clock_ns(r->dev.env->clock) + (wait < LOOK_NS ? wait : LOOK_NS));
}

static void goldfish_rtc_fire(void *owner)
{
    check_alarm(owner);
}

/*
 * Linux writes the high half first, and the low half must not carry into it
 * meanwhile; each half alone takes effect at once all the same.  An alarm
 * does not see the time in between, which is neither old nor new.
 */
static void write_time(struct goldfish_rtc *r, bool high, uint32_t value)
{
    uint64_t old = now(r), new;

    if (high) {
        new = (uint64_t)value << 32 | (uint32_t)old;
        r->set_high = value;
    } else {
        new = (r->set_high_valid ? (uint64_t)r->set_high << 32
                                 : old & ~(uint64_t)UINT32_MAX) |
              value;
    }
    r->set_high_valid = high;
    r->ahead += new - old;
    if (!high)
        check_alarm(r);
}

static void no_register(struct device *dev, uint64_t offset, const char *what)
{
    log_guest(dev->env->log, "%s: no register to %s at offset 0x%llx",
              dev->path, what, (unsigned long long)offset);
}

static uint64_t goldfish_rtc_read(struct device *dev, unsigned window,
                                  uint64_t offset, unsigned size)
{
    struct goldfish_rtc *r = (struct goldfish_rtc *)dev;
    uint64_t time;

    (void)window, (void)size;
    switch (offset) {
    case TIMER_TIME_LOW:
        time = now(r);
        r->time_high = (uint32_t)(time >> 32);
        return (uint32_t)time;
    case TIMER_TIME_HIGH:
        return r->time_high;
    case TIMER_ALARM_LOW:
        return (uint32_t)r->alarm;
    case TIMER_ALARM_HIGH:
        return r->alarm >> 32;
    case TIMER_IRQ_ENABLED:
        return r->irq_enabled;
    case TIMER_ALARM_STATUS:
        return r->alarm_armed;
    }
    no_register(dev, offset, "read");
    return 0;
}

static void goldfish_rtc_write(struct device *dev, unsigned window,
                               uint64_t offset, uint64_t value, unsigned size)
{
    struct goldfish_rtc *r = (struct goldfish_rtc *)dev;

    (void)window, (void)size;
    switch (offset) {
    case TIMER_TIME_LOW:
    case TIMER_TIME_HIGH:
        write_time(r, offset == TIMER_TIME_HIGH, (uint32_t)value);
        break;
    case TIMER_ALARM_LOW:
        r->alarm = (r->alarm & ~(uint64_t)UINT32_MAX) | (uint32_t)value;
        r->alarm_at = r->alarm;
        r->alarm_armed = true;
        check_alarm(r);
        break;
    case TIMER_ALARM_HIGH:
        r->alarm = (uint32_t)r->alarm | value << 32;
        break;
    case TIMER_IRQ_ENABLED:
        r->irq_enabled = value & 1;
        update_irq(r);
        break;
    case TIMER_CLEAR_ALARM:
        r->alarm_armed = false;
        check_alarm(r);
        break;
    case TIMER_CLEAR_INTERRUPT:
        r->irq_pending = false;
        update_irq(r);
        break;
    default:
        no_register(dev, offset, "write");
    }
}

static bool goldfish_rtc_create(struct device *dev, struct error *e)
{
    struct goldfish_rtc *r = (struct goldfish_rtc *)dev;

    (void)e;
    timer_init(&r->timer, dev->env->clock, goldfish_rtc_fire, r);
    return true;
}

static void goldfish_rtc_destroy(struct device *dev)
{
    timer_disarm(&((struct goldfish_rtc *)dev)->timer);
}

static void goldfish_rtc_reset(struct device *dev)
{
    update_irq((struct goldfish_rtc *)dev);
}

static void goldfish_rtc_loaded(struct device *dev)
{
    struct goldfish_rtc *r = (struct goldfish_rtc *)dev;

    check_alarm(r);
    update_irq(r);
}

static const struct field goldfish_rtc_fields[] = {
    DEVICE_FIELDS(struct goldfish_rtc),
    FIELD_KEEP(struct goldfish_rtc, ahead),
    FIELD(struct goldfish_rtc, alarm, 0),
    FIELD(struct goldfish_rtc, alarm_at, 0),
    FIELD(struct goldfish_rtc, time_high, 0),
    FIELD(struct goldfish_rtc, set_high, 0),
    FIELD(struct goldfish_rtc, set_high_valid, false),
    FIELD(struct goldfish_rtc, alarm_armed, false),
    FIELD(struct goldfish_rtc, irq_enabled, false),
    FIELD(struct goldfish_rtc, irq_pending, false),
    FIELD_TIMER(struct goldfish_rtc, timer),
    FIELD_LIST_END,
};

static const struct window goldfish_rtc_windows[] = {
    {.name = "registers", .accept = 4, .impl = 4},
};

static const char *const goldfish_rtc_compatible[] = {"google,goldfish-rtc",
                                                      NULL};

const struct device_class goldfish_rtc_class = {
    .name = "goldfish_rtc",
    .summary = "Google's goldfish real-time clock",
    .compatible = goldfish_rtc_compatible,
    .size = sizeof(struct goldfish_rtc),
    .fields = goldfish_rtc_fields,
    .windows = goldfish_rtc_windows,
    .n_windows = 1,
    .n_outputs = 1,
    .create = goldfish_rtc_create,
    .destroy = goldfish_rtc_destroy,
    .reset = goldfish_rtc_reset,
    .loaded = goldfish_rtc_loaded,
    .read = goldfish_rtc_read,
    .write = goldfish_rtc_write,
};
