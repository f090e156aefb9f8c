/*
 * SiFive's Core-Local Interruptor: software and timer interrupts of each
 * hart, and the clock that they all share.
 *
 * Follows the SiFive E31/U54 manuals, chapter "Core-Local Interruptor", and
 * what the RISC-V privileged specification says of mtime and mtimecmp:
 *
 *   0x0000 + 4n  msip of hart n, bit 0
 *   0x4000 + 8n  mtimecmp of hart n
 *   0xbff8       mtime, writable
 *
 * Accesses are 4 or 8 bytes wide.  The harts are counted by the outputs:
 * 2n is hart n's software interrupt, 2n+1 its timer interrupt, which is the
 * order of the tree's interrupts-extended.  mtime starts at 0 with a reset;
 * mtimecmp, which real chips leave undefined, starts with all ones so that
 * no interrupt is pending.
 *
 * Missing: more than CLINT_MAX_HARTS harts (the layout has room for 4095),
 * narrower accesses.
 */
#include "devices/clint.h"

enum {
    MSIP = 0x0000,
    MTIMECMP = 0x4000,
    MTIME = 0xbff8,
};

struct clint {
    struct device dev;
    uint32_t timebase_hz;
    uint32_t n_harts;
    void (*on_jump)(void *owner);
    void *on_jump_owner;

    struct timer timer; /* when the next mtip changes */
    /* mtime less the clock's ticks, modulo 2^64.  Atomic: the harts read
     * mtime without a lock. */
    _Alignas(8) uint64_t offset;
    uint64_t mtimecmp[CLINT_MAX_HARTS];
    bool msip[CLINT_MAX_HARTS], mtip[CLINT_MAX_HARTS];
};

static uint64_t ticks(struct clint *c)
{
    return clock_ticks(c->dev.env->clock, c->timebase_hz);
}

static uint64_t get_offset(const struct clint *c)
{
    return __atomic_load_n(&c->offset, __ATOMIC_RELAXED);
}

uint64_t clint_mtime(void *clint)
{
    struct clint *c = clint;

    return ticks(c) + get_offset(c);
}

uint32_t clint_timebase_hz(const struct device *dev)
{
    return ((const struct clint *)dev)->timebase_hz;
}

void clint_on_jump(struct device *dev, void (*fn)(void *owner), void *owner)
{
    struct clint *c = (struct clint *)dev;

    c->on_jump = fn;
    c->on_jump_owner = owner;
}

static void set_mtip(struct clint *c, unsigned hart, bool level, bool force)
{
    if (c->mtip[hart] == level && !force)
        return;
    c->mtip[hart] = level;
    wire_set(device_out(&c->dev, 2 * hart + 1), level);
}

/*
 * Set every mtip (its wire too if `force`), and the timer for the first that
 * will change: it rises when mtime reaches mtimecmp, and falls when mtime
 * wraps round.
 */
static void update_timers(struct clint *c, bool force)
{
    uint64_t base = ticks(c), mtime = base + get_offset(c);
    uint64_t wait = 0; /* ticks; 0: for ever */

    for (unsigned n = 0; n < c->n_harts; n++) {
        uint64_t compare = c->mtimecmp[n], change;
        bool pending = mtime >= compare;

        set_mtip(c, n, pending, force);
        if (compare == 0)
            continue;
        change = pending ? -mtime : compare - mtime;
        if (wait == 0 || change < wait)
            wait = change;
    }
    if (wait == 0 || base + wait < base)
        timer_disarm(&c->timer);
    else
        timer_arm(&c->timer, clock_ticks_to_ns(base + wait, c->timebase_hz));
}

static void clint_fire(void *owner)
{
    update_timers(owner, false);
}

/* mtime has jumped. */
static void jumped(struct clint *c, bool force)
{
    update_timers(c, force);
    if (c->on_jump)
        c->on_jump(c->on_jump_owner);
}

/* Make mtime `value` at the clock's tick `at`, which is now. */
static void set_offset(struct clint *c, uint64_t value, uint64_t at)
{
    __atomic_store_n(&c->offset, value - at, __ATOMIC_RELAXED);
}

static void no_register(struct clint *c, uint64_t offset)
{
    log_guest(c->dev.env->log, "%s: no register at offset 0x%llx", c->dev.path,
              (unsigned long long)offset);
}

static bool in_msip(const struct clint *c, uint64_t offset)
{
    return offset < MSIP + 4 * (uint64_t)c->n_harts;
}

static bool in_mtimecmp(const struct clint *c, uint64_t offset)
{
    return offset >= MTIMECMP && offset < MTIMECMP + 8 * (uint64_t)c->n_harts;
}

/* value with the `size` bytes that start at byte `at` of it replaced. */
static uint64_t merge(uint64_t value, unsigned at, unsigned size, uint64_t in)
{
    uint64_t mask = size == 8 ? UINT64_MAX : (uint64_t)UINT32_MAX << 8 * at;

    return (value & ~mask) | (in << 8 * at & mask);
}

static uint64_t clint_read(struct device *dev, unsigned window, uint64_t offset,
                           unsigned size)
{
    struct clint *c = (struct clint *)dev;
    unsigned at = offset % 8;
    uint64_t value = 0;

    (void)window;
    if (in_msip(c, offset)) {
        value = c->msip[offset / 4];
        if (size == 8 && in_msip(c, offset + 4))
            value |= (uint64_t)c->msip[offset / 4 + 1] << 32;
        return value;
    }
    if (in_mtimecmp(c, offset))
        value = c->mtimecmp[(offset - MTIMECMP) / 8];
    else if (offset - at == MTIME)
        value = clint_mtime(c);
    else
        no_register(c, offset);
    value >>= 8 * at;
    return size == 4 ? (uint32_t)value : value;
}

static void write_msip(struct clint *c, unsigned hart, uint64_t value)
{
    c->msip[hart] = value & 1;
    wire_set(device_out(&c->dev, 2 * hart), value & 1);
}

static void clint_write(struct device *dev, unsigned window, uint64_t offset,
                        uint64_t value, unsigned size)
{
    struct clint *c = (struct clint *)dev;
    unsigned at = offset % 8;
    uint64_t *compare, now;

    (void)window;
    if (in_msip(c, offset)) {
        write_msip(c, offset / 4, value);
        if (size == 8 && in_msip(c, offset + 4))
            write_msip(c, offset / 4 + 1, value >> 32);
    } else if (in_mtimecmp(c, offset)) {
        compare = &c->mtimecmp[(offset - MTIMECMP) / 8];
        *compare = merge(*compare, at, size, value);
        update_timers(c, false);
    } else if (offset - at == MTIME) {
        now = ticks(c);
        set_offset(c, merge(now + get_offset(c), at, size, value), now);
        jumped(c, false);
    } else {
        no_register(c, offset);
    }
}

static bool clint_create(struct device *dev, struct error *e)
{
    struct clint *c = (struct clint *)dev;

    if (c->timebase_hz == 0)
        return error_set(e, "timebase-frequency is 0: want hertz");
    if (dev->n_out % 2 || dev->n_out / 2 > CLINT_MAX_HARTS)
        return error_set(e,
                         "%u interrupts: want two for each hart, and at "
                         "most %u harts",
                         dev->n_out, CLINT_MAX_HARTS);
    c->n_harts = dev->n_out / 2;
    timer_init(&c->timer, dev->env->clock, clint_fire, c);
    return true;
}

static void clint_destroy(struct device *dev)
{
    timer_disarm(&((struct clint *)dev)->timer);
}

static void clint_reset(struct device *dev)
{
    struct clint *c = (struct clint *)dev;

    for (unsigned n = 0; n < c->n_harts; n++)
        write_msip(c, n, 0);
    set_offset(c, 0, ticks(c));
    jumped(c, true);
}

static void clint_loaded(struct device *dev)
{
    struct clint *c = (struct clint *)dev;

    for (unsigned n = 0; n < c->n_harts; n++)
        write_msip(c, n, c->msip[n]);
    jumped(c, true);
}

static const struct property clint_properties[] = {
    {"timebase-frequency", PROP_U32, offsetof(struct clint, timebase_hz),
     "10000000", "ticks of mtime in a second", false},
    {NULL, PROP_U32, 0, NULL, NULL, false},
};

static const struct field clint_fields[] = {
    DEVICE_FIELDS(struct clint),
    FIELD_HOST(struct clint, timebase_hz),
    FIELD_HOST(struct clint, n_harts),
    FIELD_HOST(struct clint, on_jump),
    FIELD_HOST(struct clint, on_jump_owner),
    FIELD_TIMER(struct clint, timer),
    FIELD(struct clint, offset, 0),
    FIELD_ARRAY(struct clint, mtimecmp, UINT64_MAX),
    FIELD_ARRAY(struct clint, msip, false),
    FIELD_ARRAY(struct clint, mtip, false),
    FIELD_LIST_END,
};

static const struct window clint_windows[] = {
    {.name = "registers", .accept = 4 | 8, .impl = 4 | 8},
};

static const char *const clint_compatible[] = {"sifive,clint0", "riscv,clint0",
                                               NULL};

const struct device_class clint_class = {
    .name = "clint",
    .summary = "RISC-V software and timer interrupts (SiFive CLINT)",
    .compatible = clint_compatible,
    .size = sizeof(struct clint),
    .properties = clint_properties,
    .fields = clint_fields,
    .windows = clint_windows,
    .n_windows = 1,
    .n_outputs = 2,
    .create = clint_create,
    .destroy = clint_destroy,
    .reset = clint_reset,
    .loaded = clint_loaded,
    .read = clint_read,
    .write = clint_write,
};
