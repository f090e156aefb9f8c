/*
 * RISC-V Advanced Core-Local Interruptor: MTIMER, MSWI and SSWI.
 *
 * Follows RISC-V ACLINT 1.0.  Three devices, each with an output a hart, in
 * the order of the tree's interrupts-extended:
 *
 *   MTIMER  window 0: mtime; window 1: mtimecmp of hart n at 8n
 *   MSWI    msip of hart n at 4n, bit 0
 *   SSWI    setssip of hart n at 4n: writing a 1 pulses the output, on whose
 *           rising edge the hart sets mip.SSIP; reads 0
 *
 * mtime and mtimecmp are accessed 4 or 8 bytes wide, the others 4.
 *
 * Missing: several MTIMERs that share an mtime, more than MTIMER_MAX_HARTS
 * harts (the layout has room for 4095).
 */
#include "devices/aclint.h"

struct aclint_mtimer {
    struct device dev;
    struct mtimer timer;
};

struct aclint_mswi {
    struct device dev;
    bool msip[MTIMER_MAX_HARTS];
};

struct aclint_sswi {
    struct device dev;
};

static void no_register(struct device *dev, uint64_t offset)
{
    log_guest(dev->env->log, "%s: no register at offset 0x%llx", dev->path,
              (unsigned long long)offset);
}

static bool check_harts(const struct device *dev, struct error *e)
{
    return dev->n_out <= MTIMER_MAX_HARTS ||
           error_set(e, "%u interrupts: want one for each of at most %u harts",
                     dev->n_out, MTIMER_MAX_HARTS);
}

/* -- MTIMER -- */

enum { WINDOW_MTIME, WINDOW_MTIMECMP };

static uint64_t mtimer_read(struct device *dev, unsigned window,
                            uint64_t offset, unsigned size)
{
    struct mtimer *t = &((struct aclint_mtimer *)dev)->timer;

    if (window == WINDOW_MTIME && offset < 8)
        return mtimer_read_time(t, (unsigned)offset, size);
    if (window == WINDOW_MTIMECMP && mtimer_has_compare(t, offset))
        return mtimer_read_compare(t, offset, size);
    no_register(dev, offset);
    return 0;
}

static void mtimer_write(struct device *dev, unsigned window, uint64_t offset,
                         uint64_t value, unsigned size)
{
    struct mtimer *t = &((struct aclint_mtimer *)dev)->timer;

    if (window == WINDOW_MTIME && offset < 8)
        mtimer_write_time(t, (unsigned)offset, value, size);
    else if (window == WINDOW_MTIMECMP && mtimer_has_compare(t, offset))
        mtimer_write_compare(t, offset, value, size);
    else
        no_register(dev, offset);
}

static bool create_mtimer(struct device *dev, struct error *e)
{
    struct mtimer *t = &((struct aclint_mtimer *)dev)->timer;

    t->n_harts = dev->n_out;
    t->first = 0;
    t->step = 1;
    return check_harts(dev, e) && mtimer_create(t, dev, e);
}

static void destroy_mtimer(struct device *dev)
{
    mtimer_destroy(&((struct aclint_mtimer *)dev)->timer);
}

static void reset_mtimer(struct device *dev)
{
    mtimer_reset(&((struct aclint_mtimer *)dev)->timer);
}

static void loaded_mtimer(struct device *dev)
{
    mtimer_loaded(&((struct aclint_mtimer *)dev)->timer);
}

static const struct property mtimer_properties[] = {
    {"timebase-frequency", PROP_U32,
     offsetof(struct aclint_mtimer, timer.timebase_hz), "10000000",
     "ticks of mtime in a second", false},
    {NULL, PROP_U32, 0, NULL, NULL, false},
};

static const struct field aclint_mtimer_fields[] = {
    DEVICE_FIELDS(struct aclint_mtimer),
    FIELD_SUB(struct aclint_mtimer, timer, mtimer_fields),
    FIELD_LIST_END,
};

static const struct window mtimer_windows[] = {
    [WINDOW_MTIME] = {.name = "mtime", .accept = 4 | 8, .impl = 4 | 8},
    [WINDOW_MTIMECMP] = {.name = "mtimecmp", .accept = 4 | 8, .impl = 4 | 8},
};

const struct device_class aclint_mtimer_class = {
    .name = "aclint-mtimer",
    .summary = "RISC-V machine-level timer (ACLINT)",
    .compatible = (const char *const[]){"riscv,aclint-mtimer", NULL},
    .size = sizeof(struct aclint_mtimer),
    .properties = mtimer_properties,
    .fields = aclint_mtimer_fields,
    .windows = mtimer_windows,
    .n_windows = 2,
    .n_outputs = 1,
    .create = create_mtimer,
    .destroy = destroy_mtimer,
    .reset = reset_mtimer,
    .loaded = loaded_mtimer,
    .read = mtimer_read,
    .write = mtimer_write,
};

struct mtimer *aclint_timer(struct device *mtimer)
{
    return &((struct aclint_mtimer *)mtimer)->timer;
}

/* -- MSWI and SSWI -- */

static bool create_swi(struct device *dev, struct error *e)
{
    return check_harts(dev, e);
}

static void set_msip(struct device *dev, unsigned hart, bool level)
{
    ((struct aclint_mswi *)dev)->msip[hart] = level;
    wire_set(device_out(dev, hart), level);
}

static uint64_t mswi_read(struct device *dev, unsigned window, uint64_t offset,
                          unsigned size)
{
    (void)window, (void)size;
    if (offset / 4 < dev->n_out)
        return ((struct aclint_mswi *)dev)->msip[offset / 4];
    no_register(dev, offset);
    return 0;
}

static void mswi_write(struct device *dev, unsigned window, uint64_t offset,
                       uint64_t value, unsigned size)
{
    (void)window, (void)size;
    if (offset / 4 < dev->n_out)
        set_msip(dev, (unsigned)(offset / 4), value & 1);
    else
        no_register(dev, offset);
}

static void reset_mswi(struct device *dev)
{
    for (unsigned n = 0; n < dev->n_out; n++)
        set_msip(dev, n, false);
}

static void loaded_mswi(struct device *dev)
{
    for (unsigned n = 0; n < dev->n_out; n++)
        set_msip(dev, n, ((struct aclint_mswi *)dev)->msip[n]);
}

static void sswi_write(struct device *dev, unsigned window, uint64_t offset,
                       uint64_t value, unsigned size)
{
    (void)window, (void)size;
    if (offset / 4 >= dev->n_out) {
        no_register(dev, offset);
    } else if (value & 1) {
        wire_set(device_out(dev, (unsigned)(offset / 4)), true);
        wire_set(device_out(dev, (unsigned)(offset / 4)), false);
    }
}

static const struct field mswi_fields[] = {
    DEVICE_FIELDS(struct aclint_mswi),
    FIELD_ARRAY(struct aclint_mswi, msip, false),
    FIELD_LIST_END,
};

static const struct field sswi_fields[] = {
    DEVICE_FIELDS(struct aclint_sswi),
    FIELD_LIST_END,
};

static const struct window swi_windows[] = {
    {.name = "registers", .accept = 4, .impl = 4},
};

const struct device_class aclint_mswi_class = {
    .name = "aclint-mswi",
    .summary = "RISC-V machine-level software interrupts (ACLINT)",
    .compatible = (const char *const[]){"riscv,aclint-mswi", NULL},
    .size = sizeof(struct aclint_mswi),
    .fields = mswi_fields,
    .windows = swi_windows,
    .n_windows = 1,
    .n_outputs = 1,
    .create = create_swi,
    .reset = reset_mswi,
    .loaded = loaded_mswi,
    .read = mswi_read,
    .write = mswi_write,
};

const struct device_class aclint_sswi_class = {
    .name = "aclint-sswi",
    .summary = "RISC-V supervisor-level software interrupts (ACLINT)",
    .compatible = (const char *const[]){"riscv,aclint-sswi", NULL},
    .size = sizeof(struct aclint_sswi),
    .fields = sswi_fields,
    .windows = swi_windows,
    .n_windows = 1,
    .n_outputs = 1,
    .create = create_swi,
    .write = sswi_write,
};
