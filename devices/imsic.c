/*
 * RISC-V Incoming MSI Controller: the interrupt files of one privilege level
 * of all harts.
 *
 * Follows the RISC-V Advanced Interrupt Architecture 1.0, chapter 3.  Each
 * output is a hart's external interrupt of that level and has a file of its
 * own, a page with the registers that messages are written to:
 *
 *   0x000  seteipnum_le   makes the identity that is written pending
 *   0x004  seteipnum_be   the same, written in big-endian order
 *
 * All else in it reads 0.  The hart's side (eidelivery, eithreshold, the
 * arrays eip and eie, *topei) is reached through its CSRs: see imsic.h.  A
 * tree that spaces the pages out for guests' files finds those reading 0.
 *
 * Missing: guests' interrupt files, eidelivery = 0x40000000 (an APLIC that
 * delivers directly past an IMSIC), groups of harts.
 */
#include "devices/imsic.h"

#include "base/bytes.h"

enum {
    SETEIPNUM_LE = 0x000,
    SETEIPNUM_BE = 0x004,
};

#define FILE_BITS 12
#define MAX_IDS 2047
#define WORDS ((MAX_IDS + 1) / 32)
#define MAX_FILES 128
#define MAX_GUEST_BITS 7

struct imsic_file {
    uint32_t eidelivery, eithreshold;
    uint32_t eip[WORDS], eie[WORDS];
    bool level; /* of the output */
};

struct imsic {
    struct device dev;
    uint32_t num_ids;    /* identities are 1 to num_ids */
    uint32_t guest_bits; /* log2 of a hart's pages */
    struct imsic_file file[MAX_FILES];
};

static struct imsic *of(struct device *dev)
{
    return (struct imsic *)dev;
}

/* The bits of word w that stand for identities; num_ids + 1 is a multiple of
 * 64. */
static uint32_t id_mask(const struct imsic *m, unsigned w)
{
    if (w > m->num_ids / 32)
        return 0;
    return w == 0 ? UINT32_MAX - 1 : UINT32_MAX;
}

/* The lowest identity that is pending, enabled, and below the threshold if
 * there is one; 0: none. */
static unsigned top(const struct imsic *m, const struct imsic_file *f)
{
    unsigned limit = f->eithreshold ? f->eithreshold : m->num_ids + 1;

    for (unsigned w = 0; 32 * w < limit; w++) {
        uint32_t bits = f->eip[w] & f->eie[w];

        if (bits) {
            unsigned id = 32 * w + (unsigned)__builtin_ctz(bits);

            return id < limit ? id : 0;
        }
    }
    return 0;
}

static void update(struct imsic *m, unsigned n, bool force)
{
    struct imsic_file *f = &m->file[n];
    bool level = f->eidelivery && top(m, f);

    if (level == f->level && !force)
        return;
    f->level = level;
    wire_set(device_out(&m->dev, n), level);
}

static void set_pending(struct imsic *m, unsigned n, uint32_t id)
{
    if (id == 0 || id > m->num_ids)
        return;
    m->file[n].eip[id / 32] |= UINT32_C(1) << id % 32;
    update(m, n, false);
}

/* -- the harts' side -- */

uint32_t imsic_read_reg(void *imsic, unsigned file, unsigned reg)
{
    struct imsic *m = imsic;
    struct imsic_file *f = &m->file[file];
    uint32_t id;

    switch (reg) {
    case IMSIC_TOPEI:
        id = top(m, f);
        return id << 16 | id;
    case IMSIC_EIDELIVERY:
        return f->eidelivery;
    case IMSIC_EITHRESHOLD:
        return f->eithreshold;
    }
    if (reg >= IMSIC_EIP0 && reg < IMSIC_EIE0)
        return f->eip[reg - IMSIC_EIP0];
    if (reg >= IMSIC_EIE0 && reg < IMSIC_END)
        return f->eie[reg - IMSIC_EIE0];
    return 0;
}

void imsic_write_reg(void *imsic, unsigned file, unsigned reg, uint32_t value)
{
    struct imsic *m = imsic;
    struct imsic_file *f = &m->file[file];
    uint32_t id;

    if (reg == IMSIC_TOPEI) {
        id = top(m, f);
        f->eip[id / 32] &= ~(UINT32_C(1) << id % 32);
    } else if (reg == IMSIC_EIDELIVERY) {
        if (value <= 1) /* WARL */
            f->eidelivery = value;
    } else if (reg == IMSIC_EITHRESHOLD) {
        if (value <= m->num_ids) /* WLRL */
            f->eithreshold = value;
    } else if (reg >= IMSIC_EIP0 && reg < IMSIC_EIE0) {
        f->eip[reg - IMSIC_EIP0] = value & id_mask(m, reg - IMSIC_EIP0);
    } else if (reg >= IMSIC_EIE0 && reg < IMSIC_END) {
        f->eie[reg - IMSIC_EIE0] = value & id_mask(m, reg - IMSIC_EIE0);
    }
    update(m, file, false);
}

/* -- the pages -- */

static uint64_t imsic_read(struct device *dev, unsigned window, uint64_t offset,
                           unsigned size)
{
    (void)dev, (void)window, (void)offset, (void)size;
    return 0;
}

static void imsic_write(struct device *dev, unsigned window, uint64_t offset,
                        uint64_t value, unsigned size)
{
    struct imsic *m = of(dev);
    uint64_t page = offset >> FILE_BITS, n = page >> m->guest_bits;

    (void)window, (void)size;
    if (n >= dev->n_out || page != n << m->guest_bits) {
        log_guest(dev->env->log, "%s: a message to no interrupt file: 0x%llx",
                  dev->path, (unsigned long long)offset);
        return;
    }
    switch (offset % (1 << FILE_BITS)) {
    case SETEIPNUM_LE:
        set_pending(m, (unsigned)n, (uint32_t)value);
        break;
    case SETEIPNUM_BE:
        set_pending(m, (unsigned)n, __builtin_bswap32((uint32_t)value));
        break;
    }
}

/* -- life -- */

static bool imsic_create(struct device *dev, struct error *e)
{
    struct imsic *m = of(dev);

    if (m->num_ids < 63 || m->num_ids > MAX_IDS || m->num_ids % 64 != 63)
        return error_set(e,
                         "riscv,num-ids is %u: want a multiple of 64 less "
                         "one, 63 to %u",
                         m->num_ids, MAX_IDS);
    if (m->guest_bits > MAX_GUEST_BITS)
        return error_set(e, "riscv,guest-index-bits is %u: want 0 to %u",
                         m->guest_bits, MAX_GUEST_BITS);
    if (dev->n_out > MAX_FILES)
        return error_set(e, "%u interrupts: want at most %u harts", dev->n_out,
                         MAX_FILES);
    return true;
}

static void update_all(struct imsic *m)
{
    for (unsigned n = 0; n < m->dev.n_out; n++)
        update(m, n, true);
}

static void imsic_reset(struct device *dev)
{
    update_all(of(dev));
}

/* A damaged snapshot must not have identities that do not exist. */
static void imsic_loaded(struct device *dev)
{
    struct imsic *m = of(dev);

    for (unsigned n = 0; n < MAX_FILES; n++) {
        struct imsic_file *f = &m->file[n];

        f->eidelivery &= 1;
        if (f->eithreshold > m->num_ids)
            f->eithreshold = 0;
        for (unsigned w = 0; w < WORDS; w++) {
            f->eip[w] &= id_mask(m, w);
            f->eie[w] &= id_mask(m, w);
        }
    }
    update_all(m);
}

static const struct property imsic_properties[] = {
    {"riscv,num-ids", PROP_U32, offsetof(struct imsic, num_ids), NULL,
     "interrupt identities of a file: 63, 127 ... 2047", true},
    {"riscv,guest-index-bits", PROP_U32, offsetof(struct imsic, guest_bits),
     "0", "a hart has 2^n pages, of which the first is its file", false},
    {NULL, PROP_U32, 0, NULL, NULL, false},
};

static const struct field file_fields[] = {
    FIELD(struct imsic_file, eidelivery, 0),
    FIELD(struct imsic_file, eithreshold, 0),
    FIELD_ARRAY(struct imsic_file, eip, 0),
    FIELD_ARRAY(struct imsic_file, eie, 0),
    FIELD(struct imsic_file, level, false),
    FIELD_LIST_END,
};

static const struct field imsic_fields[] = {
    DEVICE_FIELDS(struct imsic),
    FIELD_HOST(struct imsic, num_ids),
    FIELD_HOST(struct imsic, guest_bits),
    FIELD_SUBS(struct imsic, file, file_fields),
    FIELD_LIST_END,
};

static const struct window imsic_windows[] = {
    {.name = "files", .accept = 4, .impl = 4, .msi = true},
};

const struct device_class imsic_class = {
    .name = "imsic",
    .summary = "RISC-V incoming MSI controller (AIA)",
    .compatible = (const char *const[]){"riscv,imsics", NULL},
    .size = sizeof(struct imsic),
    .properties = imsic_properties,
    .fields = imsic_fields,
    .windows = imsic_windows,
    .n_windows = 1,
    .n_outputs = 1,
    .create = imsic_create,
    .reset = imsic_reset,
    .loaded = imsic_loaded,
    .read = imsic_read,
    .write = imsic_write,
};
