/*
 * RISC-V Platform-Level Interrupt Controller.
 *
 * Follows the RISC-V PLIC specification 1.0.0: up to 1023 sources, each with
 * a level-triggered gateway, and one context (a privilege mode of a hart)
 * for each output.  Memory map, offsets of 32-bit registers:
 *
 *   0x000000 + 4s                    priority of source s, from 1
 *   0x001000 + 4w                    pending bits of sources 32w to 32w+31
 *   0x002000 + 0x80 * c + 4w         enable bits of context c
 *   0x200000 + 0x1000 * c            priority threshold of context c
 *   0x200004 + 0x1000 * c            claim (read), completion (write)
 *
 * Fields without a meaning are hardwired to 0 (WARL); what belongs to no
 * source or context reads 0.
 *
 * Missing: edge-triggered and message-signalled gateways; more than
 * PLIC_CONTEXTS contexts (the map has room for 15872).
 */
#include "devices/device.h"

enum {
    PRIORITY = 0x000000,
    PENDING = 0x001000,
    ENABLE = 0x002000,
    CONTEXT = 0x200000,

    ENABLE_STRIDE = 0x80,
    CONTEXT_STRIDE = 0x1000,
    CONTEXT_THRESHOLD = 0,
    CONTEXT_CLAIM = 4,
};

#define PLIC_SOURCES 1024 /* with source 0, which does not exist */
#define PLIC_WORDS (PLIC_SOURCES / 32)
#define PLIC_CONTEXTS 256

struct plic {
    struct device dev;
    uint32_t ndev;         /* sources are 1 to ndev */
    uint32_t max_priority; /* 2^n - 1: the mask of a priority's bits */
    uint32_t n_contexts;

    uint32_t level[PLIC_WORDS];     /* the wires of the sources */
    uint32_t in_flight[PLIC_WORDS]; /* forwarded, not yet completed */
    uint32_t pending[PLIC_WORDS];   /* IP */
    uint32_t priority[PLIC_SOURCES];
    uint32_t enable[PLIC_CONTEXTS * PLIC_WORDS];
    uint32_t threshold[PLIC_CONTEXTS];
    bool eip[PLIC_CONTEXTS];
};

/* The bits of word w that stand for sources. */
static uint32_t source_mask(const struct plic *p, unsigned w)
{
    uint32_t mask = UINT32_MAX;

    if (w > p->ndev / 32)
        return 0;
    if (w == p->ndev / 32)
        mask >>= 31 - p->ndev % 32;
    return w == 0 ? mask & ~UINT32_C(1) : mask;
}

static uint32_t *enable_word(struct plic *p, unsigned context, unsigned w)
{
    return &p->enable[context * PLIC_WORDS + w];
}

/*
 * The gateways: a line that is up becomes a request, if the last one of its
 * source has been completed and IP is free to take it.  A request is not
 * taken back when the line falls.
 */
static void sample(struct plic *p)
{
    for (unsigned w = 0; w <= p->ndev / 32; w++) {
        uint32_t new = p->level[w] & ~p->in_flight[w] & ~p->pending[w];

        p->in_flight[w] |= new;
        p->pending[w] |= new;
    }
}

/* The enabled and pending source of highest priority, of several the one
 * with the lowest number; 0: none.  Priority 0 never interrupts. */
static unsigned best_source(struct plic *p, unsigned context)
{
    unsigned best = 0;
    uint32_t priority = 0;

    for (unsigned w = 0; w <= p->ndev / 32; w++) {
        uint32_t bits = p->pending[w] & *enable_word(p, context, w);

        for (; bits; bits &= bits - 1) {
            unsigned source = 32 * w + __builtin_ctz(bits);

            if (p->priority[source] > priority) {
                priority = p->priority[source];
                best = source;
            }
        }
    }
    return best;
}

/* Bring each context's EIP up to date; its wire if it changed, or `force`. */
static void notify(struct plic *p, bool force)
{
    for (unsigned c = 0; c < p->n_contexts; c++) {
        unsigned source = best_source(p, c);
        /* Source 0 has priority 0, which exceeds no threshold. */
        bool eip = p->priority[source] > p->threshold[c];

        if (eip == p->eip[c] && !force)
            continue;
        p->eip[c] = eip;
        wire_set(device_out(&p->dev, c), eip);
    }
}

static void update(struct plic *p)
{
    sample(p);
    notify(p, false);
}

static void plic_input(struct device *dev, unsigned line, bool level)
{
    struct plic *p = (struct plic *)dev;
    uint32_t bit = UINT32_C(1) << line % 32, *word;

    if (line == 0 || line > p->ndev)
        return;
    word = &p->level[line / 32];
    if (!(*word & bit) == !level)
        return;
    *word ^= bit;
    if (level)
        update(p);
}

/* Not affected by the threshold ("Interrupt Claim Process"). */
static uint32_t claim(struct plic *p, unsigned context)
{
    unsigned source = best_source(p, context);

    if (source == 0)
        return 0;
    p->pending[source / 32] &= ~(UINT32_C(1) << source % 32);
    update(p);
    return source;
}

/*
 * Any context may complete any source that it has enabled, claimed by it or
 * not; all else is silently ignored ("Interrupt Completion").
 */
static void complete(struct plic *p, unsigned context, uint32_t source)
{
    uint32_t bit = UINT32_C(1) << source % 32;

    if (source > p->ndev || !(*enable_word(p, context, source / 32) & bit))
        return;
    p->in_flight[source / 32] &= ~bit;
    update(p);
}

/* What lies at an offset; index is a source, a word of bits, or unused. */
enum place {
    NOWHERE,
    AT_PRIORITY,
    AT_PENDING,
    AT_ENABLE,
    AT_THRESHOLD,
    AT_CLAIM
};

static enum place find(const struct plic *p, uint64_t offset, unsigned *context,
                       unsigned *index)
{
    *context = 0;
    if (offset < PENDING) {
        *index = (offset - PRIORITY) / 4;
        return *index && *index <= p->ndev ? AT_PRIORITY : NOWHERE;
    }
    if (offset < PENDING + PLIC_SOURCES / 8) {
        *index = (offset - PENDING) / 4;
        return AT_PENDING;
    }
    if (offset >= ENABLE && offset < CONTEXT) {
        *context = (offset - ENABLE) / ENABLE_STRIDE;
        *index = (offset - ENABLE) % ENABLE_STRIDE / 4;
        return *context < p->n_contexts ? AT_ENABLE : NOWHERE;
    }
    if (offset < CONTEXT ||
        (offset - CONTEXT) / CONTEXT_STRIDE >= p->n_contexts)
        return NOWHERE;
    *context = (offset - CONTEXT) / CONTEXT_STRIDE;
    switch ((offset - CONTEXT) % CONTEXT_STRIDE) {
    case CONTEXT_THRESHOLD:
        return AT_THRESHOLD;
    case CONTEXT_CLAIM:
        return AT_CLAIM;
    }
    return NOWHERE;
}

static void no_register(struct plic *p, uint64_t offset, const char *what)
{
    log_guest(p->dev.env->log, "%s: %s at offset 0x%llx", p->dev.path, what,
              (unsigned long long)offset);
}

static uint64_t plic_read(struct device *dev, unsigned window, uint64_t offset,
                          unsigned size)
{
    struct plic *p = (struct plic *)dev;
    unsigned context, index;

    (void)window, (void)size;
    /* Lines that were up through a reset show now. */
    update(p);
    switch (find(p, offset, &context, &index)) {
    case AT_PRIORITY:
        return p->priority[index];
    case AT_PENDING:
        return p->pending[index];
    case AT_ENABLE:
        return *enable_word(p, context, index);
    case AT_THRESHOLD:
        return p->threshold[context];
    case AT_CLAIM:
        return claim(p, context);
    case NOWHERE:
        no_register(p, offset, "read of no register");
    }
    return 0;
}

static void plic_write(struct device *dev, unsigned window, uint64_t offset,
                       uint64_t value, unsigned size)
{
    struct plic *p = (struct plic *)dev;
    unsigned context, index;

    (void)window, (void)size;
    switch (find(p, offset, &context, &index)) {
    case AT_PRIORITY:
        p->priority[index] = value & p->max_priority;
        update(p);
        break;
    case AT_ENABLE:
        *enable_word(p, context, index) = value & source_mask(p, index);
        update(p);
        break;
    case AT_THRESHOLD:
        p->threshold[context] = value & p->max_priority;
        update(p);
        break;
    case AT_CLAIM:
        complete(p, context, (uint32_t)value);
        break;
    case AT_PENDING:
        no_register(p, offset, "write of read-only pending bits");
        break;
    case NOWHERE:
        no_register(p, offset, "write of no register");
    }
}

static bool plic_specifier(struct device *dev, const uint32_t *cells,
                           unsigned n, unsigned *line)
{
    struct plic *p = (struct plic *)dev;

    if (n != 1 || cells[0] == 0 || cells[0] > p->ndev)
        return false;
    *line = cells[0];
    return true;
}

static bool plic_create(struct device *dev, struct error *e)
{
    struct plic *p = (struct plic *)dev;

    if (p->ndev == 0 || p->ndev >= PLIC_SOURCES)
        return error_set(e, "riscv,ndev is %u: want 1 to %u", p->ndev,
                         PLIC_SOURCES - 1);
    if (p->max_priority == 0 || (p->max_priority & (p->max_priority + 1)))
        return error_set(e,
                         "riscv,max-priority is %u: want a power of two "
                         "less one",
                         p->max_priority);
    if (dev->n_out > PLIC_CONTEXTS)
        return error_set(e, "%u contexts: want at most %u", dev->n_out,
                         PLIC_CONTEXTS);
    p->n_contexts = dev->n_out;
    return true;
}

/*
 * The lines are not sampled here: devices that are reset after this one
 * still hold theirs.  Nothing can interrupt before the guest has enabled it,
 * and that looks at them.
 */
static void plic_reset(struct device *dev)
{
    notify((struct plic *)dev, true);
}

/* A damaged snapshot must not name sources that do not exist. */
static void plic_loaded(struct device *dev)
{
    struct plic *p = (struct plic *)dev;

    for (unsigned w = 0; w < PLIC_WORDS; w++) {
        uint32_t mask = source_mask(p, w);

        p->level[w] &= mask;
        p->in_flight[w] &= mask;
        p->pending[w] &= mask;
        for (unsigned c = 0; c < PLIC_CONTEXTS; c++)
            *enable_word(p, c, w) &= mask;
    }
    p->priority[0] = 0;
    notify(p, true);
}

static const struct property plic_properties[] = {
    {"riscv,ndev", PROP_U32, offsetof(struct plic, ndev), NULL,
     "number of interrupt sources, 1 to 1023", true},
    {"riscv,max-priority", PROP_U32, offsetof(struct plic, max_priority), "7",
     "highest priority, a power of two less one", false},
    {NULL, PROP_U32, 0, NULL, NULL, false},
};

/* level is kept: the wires of the sources do not change by this reset. */
static const struct field plic_fields[] = {
    DEVICE_FIELDS(struct plic),
    FIELD_HOST(struct plic, ndev),
    FIELD_HOST(struct plic, max_priority),
    FIELD_HOST(struct plic, n_contexts),
    FIELD_ARRAY_KEEP(struct plic, level),
    FIELD_ARRAY(struct plic, in_flight, 0),
    FIELD_ARRAY(struct plic, pending, 0),
    FIELD_ARRAY(struct plic, priority, 0),
    FIELD_ARRAY(struct plic, enable, 0),
    FIELD_ARRAY(struct plic, threshold, 0),
    FIELD_ARRAY(struct plic, eip, false),
    FIELD_LIST_END,
};

static const struct window plic_windows[] = {
    {.name = "registers", .accept = 4, .impl = 4},
};

static const char *const plic_compatible[] = {"sifive,plic-1.0.0",
                                              "riscv,plic0", NULL};

const struct device_class plic_class = {
    .name = "plic",
    .summary = "RISC-V platform-level interrupt controller",
    .compatible = plic_compatible,
    .size = sizeof(struct plic),
    .properties = plic_properties,
    .fields = plic_fields,
    .windows = plic_windows,
    .n_windows = 1,
    .n_outputs = 1,
    .n_inputs = PLIC_SOURCES,
    .create = plic_create,
    .reset = plic_reset,
    .loaded = plic_loaded,
    .read = plic_read,
    .write = plic_write,
    .input = plic_input,
    .specifier = plic_specifier,
};
