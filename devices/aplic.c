/*
 * RISC-V Advanced Platform-Level Interrupt Controller: an interrupt domain.
 *
 * Follows the RISC-V Advanced Interrupt Architecture 1.0, chapter 4.  Each
 * domain of an APLIC is a device of its own; aplic_adopt() joins them.  A
 * source's wire may be connected to any of them: it always leads to the root
 * domain, which may delegate the source to a child, and that to one of its
 * own.  The root is at machine level, all others are at supervisor level.
 *
 *   0x0000  domaincfg               0x1e00  setie[0..31]
 *   0x0004  sourcecfg[1..1023]      0x1edc  setienum
 *   0x1bc0  mmsiaddrcfg, h          0x1f00  clrie[0..31]
 *   0x1bc8  smsiaddrcfg, h          0x1fdc  clrienum
 *   0x1c00  setip[0..31]            0x2000  setipnum_le, _be
 *   0x1cdc  setipnum                0x3000  genmsi
 *   0x1d00  in_clrip[0..31]         0x3004  target[1..1023]
 *   0x1ddc  clripnum                0x4000 + 0x20 h  delivery to hart h
 *
 * Outputs are the harts that a domain delivers to directly; a domain with an
 * msi-parent can send messages.  Where it has both, domaincfg.DM chooses;
 * else it is read-only.  Choices where the text leaves some: priorities have
 * 8 bits; BE is 0; a level-sensitive source whose input is up when
 * sourcecfg is written becomes pending; the addresses of messages are those
 * that software sets and reset leaves 0, as any; harts have the same index
 * in all domains.
 *
 * Missing: machine-level domains other than the root; guests' interrupt
 * files as targets; messages of other devices to setipnum_le.
 */
#include "devices/aplic.h"

#include "base/bytes.h"

#define SOURCES 1024 /* with source 0, which does not exist */
#define WORDS (SOURCES / 32)
#define MAX_HARTS 128
#define MAX_CHILDREN 8

enum {
    DOMAINCFG = 0x0000,
    SOURCECFG = 0x0000, /* of source 0, which is none */
    MMSIADDRCFG = 0x1bc0,
    MMSIADDRCFGH = 0x1bc4,
    SMSIADDRCFG = 0x1bc8,
    SMSIADDRCFGH = 0x1bcc,
    SETIP = 0x1c00,
    SETIPNUM = 0x1cdc,
    IN_CLRIP = 0x1d00,
    CLRIPNUM = 0x1ddc,
    SETIE = 0x1e00,
    SETIENUM = 0x1edc,
    CLRIE = 0x1f00,
    CLRIENUM = 0x1fdc,
    SETIPNUM_LE = 0x2000,
    SETIPNUM_BE = 0x2004,
    GENMSI = 0x3000,
    TARGET = 0x3000, /* of source 0 */
    IDC = 0x4000,

    BITS_SIZE = 4 * WORDS,
    IDC_SIZE = 0x20,
    IDC_IDELIVERY = 0x00,
    IDC_IFORCE = 0x04,
    IDC_ITHRESHOLD = 0x08,
    IDC_TOPI = 0x18,
    IDC_CLAIMI = 0x1c,
};

/* domaincfg */
#define DOMAINCFG_FIXED 0x80000000
#define DOMAINCFG_IE (1u << 8)
#define DOMAINCFG_DM (1u << 2)

/* sourcecfg */
#define SOURCECFG_D (1u << 10)
#define SOURCECFG_CHILD 0x3ffu
#define SOURCECFG_SM 7u
enum { INACTIVE = 0, DETACHED = 1, EDGE1 = 4, EDGE0, LEVEL1, LEVEL0 };

/* target, genmsi */
#define TARGET_HART_SHIFT 18
#define TARGET_IPRIO 0xffu
#define TARGET_EIID 0x7ffu

/* mmsiaddrcfgh, smsiaddrcfgh */
#define ADDRCFGH_L (1u << 31)
#define MMSIADDRCFGH_BITS 0x9f77ffffu
#define SMSIADDRCFGH_BITS 0x00700fffu

struct idc {
    bool idelivery, iforce;
    uint8_t ithreshold;
    bool level; /* of the output */
};

struct aplic {
    struct device dev;
    uint32_t num_sources; /* sources are 1 to num_sources */
    uint32_t msi_parent;  /* not 0: can send messages */
    struct aplic *parent; /* NULL: the root */
    struct aplic *child[MAX_CHILDREN];
    uint32_t n_children;

    uint32_t level[WORDS]; /* the wires; the root's */
    uint32_t domaincfg;    /* IE and DM */
    uint32_t mmsiaddr[2], smsiaddr[2]; /* the root's; low, high */
    uint32_t genmsi;
    uint32_t sourcecfg[SOURCES], target[SOURCES];
    uint32_t pending[WORDS], enabled[WORDS];
    struct idc idc[MAX_HARTS];
};

static struct aplic *of(struct device *dev)
{
    return (struct aplic *)dev;
}

static const struct aplic *root_of(const struct aplic *a)
{
    while (a->parent)
        a = a->parent;
    return a;
}

static uint32_t bit_of(unsigned source)
{
    return UINT32_C(1) << source % 32;
}

static bool sends_messages(const struct aplic *a)
{
    return a->domaincfg & DOMAINCFG_DM;
}

/* -- sources -- */

/* Active, or 0. */
static unsigned mode_of(const struct aplic *a, unsigned source)
{
    uint32_t cfg = a->sourcecfg[source];

    return cfg & SOURCECFG_D ? INACTIVE : cfg & SOURCECFG_SM;
}

static bool is_level(unsigned mode)
{
    return mode == LEVEL1 || mode == LEVEL0;
}

static bool rectified(const struct aplic *a, unsigned source)
{
    bool level = root_of(a)->level[source / 32] & bit_of(source);
    unsigned mode = mode_of(a, source);

    if (mode < EDGE1)
        return false;
    return level != (mode == EDGE0 || mode == LEVEL0);
}

static void set_pending(struct aplic *a, unsigned source, bool on)
{
    if (on)
        a->pending[source / 32] |= bit_of(source);
    else
        a->pending[source / 32] &= ~bit_of(source);
}

/* A write to setip or setipnum, 4.7. */
static void request(struct aplic *a, unsigned source)
{
    unsigned mode = mode_of(a, source);

    if (is_level(mode) && (!sends_messages(a) || !rectified(a, source)))
        return;
    if (mode)
        set_pending(a, source, true);
}

/* A claim, a forwarded message, or a write to in_clrip or clripnum. */
static void unrequest(struct aplic *a, unsigned source)
{
    if (is_level(mode_of(a, source)) && !sends_messages(a))
        return;
    set_pending(a, source, false);
}

/* Is this source wired to this domain: its own, or its parent's gift? */
static bool is_given(const struct aplic *a, unsigned source)
{
    uint32_t cfg;

    if (source == 0 || source > a->num_sources)
        return false;
    if (!a->parent)
        return true;
    cfg = a->parent->sourcecfg[source];
    return (cfg & SOURCECFG_D) &&
           a->parent->child[cfg & SOURCECFG_CHILD] == a &&
           is_given(a->parent, source);
}

/* -- messages, 4.9 -- */

static uint64_t message_address(const struct aplic *a, unsigned hart)
{
    const struct aplic *root = root_of(a);
    const uint32_t *base = a->parent ? root->smsiaddr : root->mmsiaddr;
    uint32_t widths = root->mmsiaddr[1];
    unsigned lhxw = widths >> 12 & 15, hhxw = widths >> 16 & 7;
    unsigned hhxs = widths >> 24 & 31, lhxs = base[1] >> 20 & 7;
    uint64_t group = hart >> lhxw & ((1u << hhxw) - 1);
    uint64_t number = hart & ((1u << lhxw) - 1);
    uint64_t page = (uint64_t)(base[1] & 0xfff) << 32 | base[0];

    return (page | group << (hhxs + 12) | number << lhxs) << 12;
}

static void send(struct aplic *a, uint32_t target)
{
    uint64_t to = message_address(a, target >> TARGET_HART_SHIFT);

    if (!memory_msi(a->dev.env->memory, to, target & TARGET_EIID))
        log_guest(a->dev.env->log, "%s: a message to nowhere: 0x%llx",
                  a->dev.path, (unsigned long long)to);
}

static void send_all(struct aplic *a)
{
    if (!(a->domaincfg & DOMAINCFG_IE))
        return;
    for (unsigned w = 0; w <= a->num_sources / 32; w++) {
        uint32_t bits = a->pending[w] & a->enabled[w];

        for (; bits; bits &= bits - 1) {
            unsigned source = 32 * w + (unsigned)__builtin_ctz(bits);

            set_pending(a, source, false);
            send(a, a->target[source]);
        }
    }
}

/* -- direct delivery, 4.8 -- */

/* topi of each hart, by one walk over the sources. */
static void find_tops(const struct aplic *a, uint32_t *topi)
{
    for (unsigned w = 0; w <= a->num_sources / 32; w++) {
        uint32_t bits = a->pending[w] & a->enabled[w];

        for (; bits; bits &= bits - 1) {
            unsigned source = 32 * w + (unsigned)__builtin_ctz(bits);
            uint32_t target = a->target[source];
            uint32_t hart = target >> TARGET_HART_SHIFT;
            uint32_t prio = target & TARGET_IPRIO, limit;

            if (hart >= a->dev.n_out)
                continue;
            limit = a->idc[hart].ithreshold;
            if (limit && prio >= limit)
                continue;
            if (!topi[hart] || prio < (topi[hart] & TARGET_IPRIO))
                topi[hart] = source << 16 | prio;
        }
    }
}

static void set_output(struct aplic *a, unsigned hart, bool level, bool force)
{
    struct idc *idc = &a->idc[hart];

    if (level == idc->level && !force)
        return;
    idc->level = level;
    wire_set(device_out(&a->dev, hart), level);
}

static void update(struct aplic *a, bool force)
{
    bool on = (a->domaincfg & DOMAINCFG_IE) && !sends_messages(a);
    uint32_t topi[MAX_HARTS] = {0};

    if (sends_messages(a))
        send_all(a);
    else
        find_tops(a, topi);
    for (unsigned n = 0; n < a->dev.n_out; n++) {
        const struct idc *idc = &a->idc[n];

        set_output(a, n, on && idc->idelivery && (idc->iforce || topi[n]),
                   force);
    }
}

static uint32_t claim(struct aplic *a, unsigned hart, bool claims)
{
    uint32_t topi[MAX_HARTS] = {0};

    if (!sends_messages(a))
        find_tops(a, topi);
    if (!claims)
        return topi[hart];
    if (topi[hart])
        unrequest(a, topi[hart] >> 16);
    else
        a->idc[hart].iforce = false;
    update(a, false);
    return topi[hart];
}

/* -- sourcecfg -- */

/* What is inactive has no pending bit, no enable bit, and no target. */
static void deactivate(struct aplic *a, unsigned source)
{
    set_pending(a, source, false);
    a->enabled[source / 32] &= ~bit_of(source);
    a->target[source] = 0;
}

static uint32_t legal_target(const struct aplic *a, uint32_t value)
{
    uint32_t hart = value & UINT32_MAX << TARGET_HART_SHIFT;

    if (sends_messages(a))
        return hart | (value & TARGET_EIID);
    return hart | (value & TARGET_IPRIO ? value & TARGET_IPRIO : 1);
}

/* The pending bit of a level-sensitive source, after anything but an edge of
 * its input. */
static void sample(struct aplic *a, unsigned source)
{
    if (is_level(mode_of(a, source)))
        set_pending(a, source, rectified(a, source));
}

/* Sources that are not delegated to a child (any more) are not there. */
static void take_back(struct aplic *a, unsigned source)
{
    for (unsigned i = 0; i < a->n_children; i++) {
        struct aplic *c = a->child[i];

        if (is_given(c, source) || !c->sourcecfg[source])
            continue;
        c->sourcecfg[source] = 0;
        deactivate(c, source);
        take_back(c, source);
        update(c, false);
    }
}

static uint32_t legal_sourcecfg(const struct aplic *a, uint32_t value)
{
    static const uint8_t modes[] = {INACTIVE, DETACHED, INACTIVE, INACTIVE,
                                    EDGE1,    EDGE0,    LEVEL1,   LEVEL0};

    if (!(value & SOURCECFG_D))
        return modes[value & SOURCECFG_SM];
    if ((value & SOURCECFG_CHILD) >= a->n_children)
        return 0;
    return value & (SOURCECFG_D | SOURCECFG_CHILD);
}

static void write_sourcecfg(struct aplic *a, unsigned source, uint32_t value)
{
    bool was_active = mode_of(a, source);

    if (!is_given(a, source))
        return;
    a->sourcecfg[source] = legal_sourcecfg(a, value);
    if (!mode_of(a, source))
        deactivate(a, source);
    else if (!was_active)
        a->target[source] = legal_target(a, 0);
    sample(a, source);
    take_back(a, source);
    update(a, false);
}

static void write_domaincfg(struct aplic *a, uint32_t value)
{
    uint32_t dm = a->domaincfg & DOMAINCFG_DM;

    if (a->msi_parent && a->dev.n_out)
        dm = value & DOMAINCFG_DM;
    if (dm != (a->domaincfg & DOMAINCFG_DM)) {
        a->domaincfg ^= DOMAINCFG_DM;
        for (unsigned i = 1; i <= a->num_sources; i++) {
            if (mode_of(a, i))
                a->target[i] = legal_target(a, a->target[i]);
            sample(a, i);
        }
    }
    a->domaincfg = dm | (value & DOMAINCFG_IE);
    update(a, false);
}

/* -- inputs -- */

static void aplic_input(struct device *dev, unsigned line, bool level)
{
    struct aplic *a = of(dev);

    while (a->parent)
        a = a->parent;
    if (line == 0 || line > a->num_sources ||
        !(a->level[line / 32] & bit_of(line)) == !level)
        return;
    a->level[line / 32] ^= bit_of(line);
    while (a->sourcecfg[line] & SOURCECFG_D)
        a = a->child[a->sourcecfg[line] & SOURCECFG_CHILD];
    /* The rectified value has changed, too. */
    if (rectified(a, line))
        set_pending(a, line, true);
    else if (is_level(mode_of(a, line)))
        set_pending(a, line, false);
    update(a, false);
}

/* -- registers -- */

static void no_register(struct aplic *a, uint64_t offset)
{
    log_guest(a->dev.env->log, "%s: no register at offset 0x%llx", a->dev.path,
              (unsigned long long)offset);
}

/* Where the word of an array of bits at base is; false: elsewhere. */
static bool in_bits(uint64_t offset, uint64_t base, unsigned *word)
{
    if (offset < base || offset >= base + BITS_SIZE)
        return false;
    *word = (unsigned)(offset - base) / 4;
    return true;
}

/* Call fn for the sources of this domain that a word names. */
static void each(struct aplic *a, unsigned word, uint32_t bits,
                 void (*fn)(struct aplic *a, unsigned source))
{
    for (; bits; bits &= bits - 1) {
        unsigned source = 32 * word + (unsigned)__builtin_ctz(bits);

        if (source && source <= a->num_sources && mode_of(a, source))
            fn(a, source);
    }
    update(a, false);
}

static void by_number(struct aplic *a, uint32_t number,
                      void (*fn)(struct aplic *a, unsigned source))
{
    if (number < SOURCES)
        each(a, number / 32, bit_of(number), fn);
}

static void enable(struct aplic *a, unsigned source)
{
    a->enabled[source / 32] |= bit_of(source);
}

static void disable(struct aplic *a, unsigned source)
{
    a->enabled[source / 32] &= ~bit_of(source);
}

static uint32_t rectified_word(const struct aplic *a, unsigned word)
{
    uint32_t bits = 0;

    for (unsigned i = 0; i < 32; i++) {
        unsigned source = 32 * word + i;

        if (source <= a->num_sources && rectified(a, source))
            bits |= bit_of(source);
    }
    return bits;
}

static uint32_t read_idc(struct aplic *a, uint64_t offset)
{
    unsigned hart = (unsigned)(offset - IDC) / IDC_SIZE;

    if (hart >= a->dev.n_out)
        return 0;
    switch (offset % IDC_SIZE) {
    case IDC_IDELIVERY:
        return a->idc[hart].idelivery;
    case IDC_IFORCE:
        return a->idc[hart].iforce;
    case IDC_ITHRESHOLD:
        return a->idc[hart].ithreshold;
    case IDC_TOPI:
        return claim(a, hart, false);
    case IDC_CLAIMI:
        return claim(a, hart, true);
    }
    return 0;
}

static void write_idc(struct aplic *a, uint64_t offset, uint32_t value)
{
    unsigned hart = (unsigned)(offset - IDC) / IDC_SIZE;

    if (hart >= a->dev.n_out)
        return;
    switch (offset % IDC_SIZE) {
    case IDC_IDELIVERY:
        a->idc[hart].idelivery = value & 1;
        break;
    case IDC_IFORCE:
        a->idc[hart].iforce = value & 1;
        break;
    case IDC_ITHRESHOLD:
        a->idc[hart].ithreshold = (uint8_t)value;
        break;
    }
    update(a, false);
}

/* mmsiaddrcfg to smsiaddrcfgh are there in a root that can send messages or
 * has a child that can. */
static uint32_t *address_register(struct aplic *a, uint64_t offset)
{
    bool any = a->msi_parent;

    for (unsigned i = 0; i < a->n_children; i++)
        any = any || a->child[i]->msi_parent;
    if (a->parent || !any)
        return NULL;
    switch (offset) {
    case MMSIADDRCFG:
        return &a->mmsiaddr[0];
    case MMSIADDRCFGH:
        return &a->mmsiaddr[1];
    case SMSIADDRCFG:
        return a->n_children ? &a->smsiaddr[0] : NULL;
    case SMSIADDRCFGH:
        return a->n_children ? &a->smsiaddr[1] : NULL;
    }
    return NULL;
}

static void write_address(struct aplic *a, uint64_t offset, uint32_t value)
{
    uint32_t *reg = address_register(a, offset);

    if (!reg || (a->mmsiaddr[1] & ADDRCFGH_L))
        return;
    if (offset == MMSIADDRCFGH)
        value &= MMSIADDRCFGH_BITS;
    else if (offset == SMSIADDRCFGH)
        value &= SMSIADDRCFGH_BITS;
    *reg = value;
}

static uint64_t aplic_read(struct device *dev, unsigned window, uint64_t offset,
                           unsigned size)
{
    struct aplic *a = of(dev);
    unsigned n = (unsigned)offset / 4 % SOURCES, w;

    (void)window, (void)size;
    if (offset >= IDC)
        return read_idc(a, offset);
    if (in_bits(offset, SETIP, &w))
        return a->pending[w];
    if (in_bits(offset, IN_CLRIP, &w))
        return rectified_word(a, w);
    if (in_bits(offset, SETIE, &w))
        return a->enabled[w];
    switch (offset) {
    case DOMAINCFG:
        return DOMAINCFG_FIXED | a->domaincfg;
    case MMSIADDRCFG:
    case MMSIADDRCFGH:
    case SMSIADDRCFG:
    case SMSIADDRCFGH:
        return address_register(a, offset) ? *address_register(a, offset) : 0;
    case GENMSI:
        return sends_messages(a) ? a->genmsi : 0;
    }
    if (offset < SOURCECFG + 4 * SOURCES)
        return a->sourcecfg[n];
    return offset > TARGET ? a->target[n] : 0;
}

static void write_number(struct aplic *a, uint64_t offset, uint32_t value)
{
    switch (offset) {
    case SETIPNUM:
    case SETIPNUM_LE:
        by_number(a, value, request);
        break;
    case SETIPNUM_BE:
        by_number(a, __builtin_bswap32(value), request);
        break;
    case CLRIPNUM:
        by_number(a, value, unrequest);
        break;
    case SETIENUM:
        by_number(a, value, enable);
        break;
    case CLRIENUM:
        by_number(a, value, disable);
        break;
    default:
        no_register(a, offset);
    }
}

/* Not held up by IE, and sent at once: Busy is never seen. */
static void write_genmsi(struct aplic *a, uint32_t value)
{
    if (!sends_messages(a))
        return;
    a->genmsi = legal_target(a, value);
    send(a, a->genmsi);
}

static void write_target(struct aplic *a, unsigned source, uint32_t value)
{
    if (source > a->num_sources || !mode_of(a, source))
        return;
    a->target[source] = legal_target(a, value);
    update(a, false);
}

static void aplic_write(struct device *dev, unsigned window, uint64_t offset,
                        uint64_t v, unsigned size)
{
    struct aplic *a = of(dev);
    unsigned n = (unsigned)offset / 4 % SOURCES, w;
    uint32_t value = (uint32_t)v;

    (void)window, (void)size;
    if (offset >= IDC)
        write_idc(a, offset, value);
    else if (offset == DOMAINCFG)
        write_domaincfg(a, value);
    else if (offset < SOURCECFG + 4 * SOURCES)
        write_sourcecfg(a, n, value);
    else if (offset >= MMSIADDRCFG && offset <= SMSIADDRCFGH)
        write_address(a, offset, value);
    else if (in_bits(offset, SETIP, &w))
        each(a, w, value, request);
    else if (in_bits(offset, IN_CLRIP, &w))
        each(a, w, value, unrequest);
    else if (in_bits(offset, SETIE, &w))
        each(a, w, value, enable);
    else if (in_bits(offset, CLRIE, &w))
        each(a, w, value, disable);
    else if (offset == GENMSI)
        write_genmsi(a, value);
    else if (offset > TARGET)
        write_target(a, n, value);
    else
        write_number(a, offset, value);
}

/* -- domains -- */

static bool is_above(const struct aplic *a, const struct aplic *below)
{
    for (; below; below = below->parent) {
        if (below == a)
            return true;
    }
    return false;
}

bool aplic_adopt(struct device *parent, struct device *child, struct error *e)
{
    struct aplic *p = of(parent), *c = of(child);

    if (child->class != &aplic_class)
        return error_set(e, "%s is no riscv,aplic", child->path);
    if (c->parent)
        return error_set(e, "%s has a parent already", child->path);
    if (is_above(c, p))
        return error_set(e, "%s is above it", child->path);
    if (p->n_children == MAX_CHILDREN)
        return error_set(e, "more than %d", MAX_CHILDREN);
    if (c->num_sources != p->num_sources)
        return error_set(e, "%s has another number of sources", child->path);
    p->child[p->n_children++] = c;
    c->parent = p;
    return true;
}

/* -- life -- */

/* DM where there is no choice. */
static uint32_t fixed_dm(const struct aplic *a)
{
    return a->msi_parent && !a->dev.n_out ? DOMAINCFG_DM : 0;
}

static bool aplic_specifier(struct device *dev, const uint32_t *cells,
                            unsigned n, unsigned *line)
{
    /* The second cell is the trigger's type, which is the guest's affair. */
    if (n != 2 || cells[0] == 0 || cells[0] > of(dev)->num_sources)
        return false;
    *line = cells[0];
    return true;
}

static bool aplic_create(struct device *dev, struct error *e)
{
    struct aplic *a = of(dev);

    if (a->num_sources == 0 || a->num_sources >= SOURCES)
        return error_set(e, "riscv,num-sources is %u: want 1 to %u",
                         a->num_sources, SOURCES - 1);
    if (dev->n_out > MAX_HARTS)
        return error_set(e, "%u interrupts: want at most %u harts", dev->n_out,
                         MAX_HARTS);
    return true;
}

/* As the PLIC's: nothing is sampled, devices that are reset after this one
 * still hold their lines.  Sources are inactive until software sees to it. */
static void aplic_reset(struct device *dev)
{
    struct aplic *a = of(dev);

    a->domaincfg = fixed_dm(a);
    update(a, true);
}

/* A damaged snapshot must not name what does not exist. */
static void aplic_loaded(struct device *dev)
{
    struct aplic *a = of(dev);

    a->domaincfg &= DOMAINCFG_IE | DOMAINCFG_DM;
    if (!a->msi_parent || !dev->n_out)
        a->domaincfg = (a->domaincfg & DOMAINCFG_IE) | fixed_dm(a);
    for (unsigned i = 0; i < SOURCES; i++) {
        a->sourcecfg[i] = i && i <= a->num_sources
                              ? legal_sourcecfg(a, a->sourcecfg[i])
                              : 0;
        if (mode_of(a, i))
            a->target[i] = legal_target(a, a->target[i]);
        else
            deactivate(a, i);
    }
    a->mmsiaddr[1] &= MMSIADDRCFGH_BITS;
    a->smsiaddr[1] &= SMSIADDRCFGH_BITS;
    for (unsigned n = 0; n < dev->n_out; n++)
        set_output(a, n, a->idc[n].level, true);
}

static const struct property aplic_properties[] = {
    {"riscv,num-sources", PROP_U32, offsetof(struct aplic, num_sources), NULL,
     "number of interrupt sources, 1 to 1023", true},
    {"msi-parent", PROP_U32, offsetof(struct aplic, msi_parent), "0",
     "where messages go; 0: it sends none", false},
    {NULL, PROP_U32, 0, NULL, NULL, false},
};

static const struct field idc_fields[] = {
    FIELD(struct idc, idelivery, false),
    FIELD(struct idc, iforce, false),
    FIELD(struct idc, ithreshold, 0),
    FIELD(struct idc, level, false),
    FIELD_LIST_END,
};

/* level is kept: the wires of the sources do not change by this reset. */
static const struct field aplic_fields[] = {
    DEVICE_FIELDS(struct aplic),
    FIELD_HOST(struct aplic, num_sources),
    FIELD_HOST(struct aplic, msi_parent),
    FIELD_HOST(struct aplic, parent),
    FIELD_HOST(struct aplic, child),
    FIELD_HOST(struct aplic, n_children),
    FIELD_ARRAY_KEEP(struct aplic, level),
    FIELD(struct aplic, domaincfg, 0),
    FIELD_ARRAY(struct aplic, mmsiaddr, 0),
    FIELD_ARRAY(struct aplic, smsiaddr, 0),
    FIELD(struct aplic, genmsi, 0),
    FIELD_ARRAY(struct aplic, sourcecfg, 0),
    FIELD_ARRAY(struct aplic, target, 0),
    FIELD_ARRAY(struct aplic, pending, 0),
    FIELD_ARRAY(struct aplic, enabled, 0),
    FIELD_SUBS(struct aplic, idc, idc_fields),
    FIELD_LIST_END,
};

static const struct window aplic_windows[] = {
    {.name = "registers", .accept = 4, .impl = 4},
};

const struct device_class aplic_class = {
    .name = "aplic",
    .summary = "RISC-V advanced platform-level interrupt controller (AIA)",
    .compatible = (const char *const[]){"riscv,aplic", NULL},
    .size = sizeof(struct aplic),
    .properties = aplic_properties,
    .fields = aplic_fields,
    .windows = aplic_windows,
    .n_windows = 1,
    .n_inputs = SOURCES,
    .create = aplic_create,
    .reset = aplic_reset,
    .loaded = aplic_loaded,
    .read = aplic_read,
    .write = aplic_write,
    .input = aplic_input,
    .specifier = aplic_specifier,
};
