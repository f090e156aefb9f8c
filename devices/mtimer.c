/*
 * mtime and mtimecmp, of a CLINT or an ACLINT's MTIMER.
 *
 * What the RISC-V privileged specification says of them; RISC-V ACLINT 1.0,
 * chapter 2.  mtime starts at 0 with a reset; mtimecmp, which real chips
 * leave undefined, starts with all ones so that no interrupt is pending.
 */
#include "devices/mtimer.h"

#include "devices/aclint.h"
#include "devices/clint.h"

const struct field mtimer_fields[] = {
    FIELD_HOST(struct mtimer, dev),
    FIELD_HOST(struct mtimer, timebase_hz),
    FIELD_HOST(struct mtimer, n_harts),
    FIELD_HOST(struct mtimer, first),
    FIELD_HOST(struct mtimer, step),
    FIELD_HOST(struct mtimer, on_jump),
    FIELD_HOST(struct mtimer, on_jump_owner),
    FIELD_TIMER(struct mtimer, timer),
    FIELD(struct mtimer, offset, 0),
    FIELD_ARRAY(struct mtimer, mtimecmp, UINT64_MAX),
    FIELD_ARRAY(struct mtimer, mtip, false),
    FIELD_LIST_END,
};

struct mtimer *mtimer_of(struct device *dev)
{
    if (dev->class == &clint_class)
        return clint_timer(dev);
    return dev->class == &aclint_mtimer_class ? aclint_timer(dev) : NULL;
}

static uint64_t ticks(struct mtimer *t)
{
    return clock_ticks(t->dev->env->clock, t->timebase_hz);
}

static uint64_t get_offset(const struct mtimer *t)
{
    return __atomic_load_n(&t->offset, __ATOMIC_RELAXED);
}

uint64_t mtimer_now(void *mtimer)
{
    struct mtimer *t = mtimer;

    return ticks(t) + get_offset(t);
}

void mtimer_on_jump(struct mtimer *t, void (*fn)(void *owner), void *owner)
{
    t->on_jump = fn;
    t->on_jump_owner = owner;
}

static void set_mtip(struct mtimer *t, unsigned hart, bool level, bool force)
{
    if (t->mtip[hart] == level && !force)
        return;
    t->mtip[hart] = level;
    wire_set(device_out(t->dev, t->first + t->step * hart), level);
}

/*
 * Set every mtip (its wire too if `force`), and the timer for the first that
 * will change: it rises when mtime reaches mtimecmp, and falls when mtime
 * wraps round.
 */
static void update(struct mtimer *t, bool force)
{
    uint64_t base = ticks(t), mtime = base + get_offset(t);
    uint64_t wait = 0; /* ticks; 0: for ever */

    for (unsigned n = 0; n < t->n_harts; n++) {
        uint64_t compare = t->mtimecmp[n], change;
        bool pending = mtime >= compare;

        set_mtip(t, n, pending, force);
        if (compare == 0)
            continue;
        change = pending ? -mtime : compare - mtime;
        if (wait == 0 || change < wait)
            wait = change;
    }
    if (wait == 0 || base + wait < base)
        timer_disarm(&t->timer);
    else
        timer_arm(&t->timer, clock_ticks_to_ns(base + wait, t->timebase_hz));
}

static void fire(void *owner)
{
    update(owner, false);
}

/* mtime has jumped. */
static void jumped(struct mtimer *t, bool force)
{
    update(t, force);
    if (t->on_jump)
        t->on_jump(t->on_jump_owner);
}

/* Make mtime `value` at the clock's tick `at`, which is now. */
static void set_offset(struct mtimer *t, uint64_t value, uint64_t at)
{
    __atomic_store_n(&t->offset, value - at, __ATOMIC_RELAXED);
}

/* -- registers -- */

/* value with the `size` bytes that start at byte `at` of it replaced. */
static uint64_t merge(uint64_t value, unsigned at, unsigned size, uint64_t in)
{
    uint64_t mask = size == 8 ? UINT64_MAX : (uint64_t)UINT32_MAX << 8 * at;

    return (value & ~mask) | (in << 8 * at & mask);
}

static uint64_t part(uint64_t value, unsigned at, unsigned size)
{
    value >>= 8 * at;
    return size == 4 ? (uint32_t)value : value;
}

uint64_t mtimer_read_time(struct mtimer *t, unsigned at, unsigned size)
{
    return part(mtimer_now(t), at, size);
}

void mtimer_write_time(struct mtimer *t, unsigned at, uint64_t value,
                       unsigned size)
{
    uint64_t now = ticks(t);

    set_offset(t, merge(now + get_offset(t), at, size, value), now);
    jumped(t, false);
}

bool mtimer_has_compare(const struct mtimer *t, uint64_t offset)
{
    return offset < 8 * (uint64_t)t->n_harts;
}

uint64_t mtimer_read_compare(struct mtimer *t, uint64_t offset, unsigned size)
{
    return part(t->mtimecmp[offset / 8], offset % 8, size);
}

void mtimer_write_compare(struct mtimer *t, uint64_t offset, uint64_t value,
                          unsigned size)
{
    uint64_t *compare = &t->mtimecmp[offset / 8];

    *compare = merge(*compare, offset % 8, size, value);
    update(t, false);
}

/* -- life -- */

bool mtimer_create(struct mtimer *t, struct device *dev, struct error *e)
{
    t->dev = dev;
    if (t->timebase_hz == 0)
        return error_set(e, "timebase-frequency is 0: want hertz");
    timer_init(&t->timer, dev->env->clock, fire, t);
    return true;
}

void mtimer_destroy(struct mtimer *t)
{
    timer_disarm(&t->timer);
}

void mtimer_reset(struct mtimer *t)
{
    set_offset(t, 0, ticks(t));
    jumped(t, true);
}

void mtimer_loaded(struct mtimer *t)
{
    jumped(t, true);
}
