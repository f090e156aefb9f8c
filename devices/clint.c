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
 * order of the tree's interrupts-extended.
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
    struct mtimer timer;
    bool msip[CLINT_MAX_HARTS];
};

struct mtimer *clint_timer(struct device *clint)
{
    return &((struct clint *)clint)->timer;
}

static void no_register(struct clint *c, uint64_t offset)
{
    log_guest(c->dev.env->log, "%s: no register at offset 0x%llx", c->dev.path,
              (unsigned long long)offset);
}

static bool in_msip(const struct clint *c, uint64_t offset)
{
    return offset < MSIP + 4 * (uint64_t)c->timer.n_harts;
}

static bool in_mtimecmp(const struct clint *c, uint64_t offset)
{
    return offset >= MTIMECMP &&
           mtimer_has_compare(&c->timer, offset - MTIMECMP);
}

static uint64_t clint_read(struct device *dev, unsigned window, uint64_t offset,
                           unsigned size)
{
    struct clint *c = (struct clint *)dev;
    uint64_t value;

    (void)window;
    if (in_msip(c, offset)) {
        value = c->msip[offset / 4];
        if (size == 8 && in_msip(c, offset + 4))
            value |= (uint64_t)c->msip[offset / 4 + 1] << 32;
        return value;
    }
    if (in_mtimecmp(c, offset))
        return mtimer_read_compare(&c->timer, offset - MTIMECMP, size);
    if (offset - offset % 8 == MTIME)
        return mtimer_read_time(&c->timer, offset % 8, size);
    no_register(c, offset);
    return 0;
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

    (void)window;
    if (in_msip(c, offset)) {
        write_msip(c, offset / 4, value);
        if (size == 8 && in_msip(c, offset + 4))
            write_msip(c, offset / 4 + 1, value >> 32);
    } else if (in_mtimecmp(c, offset)) {
        mtimer_write_compare(&c->timer, offset - MTIMECMP, value, size);
    } else if (offset - offset % 8 == MTIME) {
        mtimer_write_time(&c->timer, offset % 8, value, size);
    } else {
        no_register(c, offset);
    }
}

static bool clint_create(struct device *dev, struct error *e)
{
    struct clint *c = (struct clint *)dev;

    if (dev->n_out % 2 || dev->n_out / 2 > CLINT_MAX_HARTS)
        return error_set(e,
                         "%u interrupts: want two for each hart, and at "
                         "most %u harts",
                         dev->n_out, CLINT_MAX_HARTS);
    c->timer.n_harts = dev->n_out / 2;
    c->timer.first = 1;
    c->timer.step = 2;
    return mtimer_create(&c->timer, dev, e);
}

static void clint_destroy(struct device *dev)
{
    mtimer_destroy(&((struct clint *)dev)->timer);
}

static void clint_reset(struct device *dev)
{
    struct clint *c = (struct clint *)dev;

    for (unsigned n = 0; n < c->timer.n_harts; n++)
        write_msip(c, n, 0);
    mtimer_reset(&c->timer);
}

static void clint_loaded(struct device *dev)
{
    struct clint *c = (struct clint *)dev;

    for (unsigned n = 0; n < c->timer.n_harts; n++)
        write_msip(c, n, c->msip[n]);
    mtimer_loaded(&c->timer);
}

static const struct property clint_properties[] = {
    {"timebase-frequency", PROP_U32, offsetof(struct clint, timer.timebase_hz),
     "10000000", "ticks of mtime in a second", false},
    {NULL, PROP_U32, 0, NULL, NULL, false},
};

static const struct field clint_fields[] = {
    DEVICE_FIELDS(struct clint),
    FIELD_SUB(struct clint, timer, mtimer_fields),
    FIELD_ARRAY(struct clint, msip, false),
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
