/*
 * Power management and SMBus of the PIIX4 (Intel 82371AB), function 3.
 *
 * 82371AB datasheet (290562): 7.1 (configuration registers), 7.2 (power
 * management I/O), 7.3 (SMBus I/O), 11 (ACPI); ACPI 1.0b, 4.7.
 *
 *   PMBASE + 0      PMSTS, PMEN, PMCNTRL, PMTMR (3.579545 MHz, 24 bits), GPE,
 *                   global registers; while PMIOSE
 *   SMBBASE + 0     the SMBus host, to which nothing is connected; while HSTEN
 *   B2, B3          APMC, APMS: a write of APMC raises an SMI while APMC_EN
 *
 * Output 0 is SCI, 1 is SMI#; input 0 is the power button, 1 the clock's IRQ8#,
 * 2 a keyboard that can wake, which does it as the button would.  Soft-off and
 * suspend to disk, which are one type (0), power off; suspend to RAM and the
 * three kinds of powered-on suspend stop the processors, and take from the
 * machine what each type takes.  What wakes it: the button, the clock's alarm
 * and general purpose events while they are enabled.  Of this function's
 * registers the suspend well has PMSTS, PMEN, PMCNTRL, GPSTS and GPEN; SCI_EN
 * is among them, for ACPI wants it set after a sleep.  The firmware's answers
 * to the commands ACPI_ENABLE (f1h) and ACPI_DISABLE (f0h) of the FADT, which
 * is to set and clear SCI_EN, are given by the chip: SeaBIOS's SMI handler has
 * none.
 *
 * With smm=off APMC_EN is set from the start, which tells SeaBIOS not to
 * install an SMI handler, and no SMI comes.
 *
 * Missing: device monitors and traps, throttling, thermal events, resets and
 * resumes by ring, lid and GPI1#, which nothing here drives, SMBus devices and
 * its slave.
 */
#include "base/bytes.h"
#include "devices/pci/pci.h"

#define TIMER_HZ 3579545u
#define TIMER_BITS 24
#define TIMER_MASK ((UINT32_C(1) << TIMER_BITS) - 1)

#define POWER_SIZE 64
#define SMBUS_SIZE 16
#define APM_PORT 0xb2

/* Configuration. */
enum {
    PMBASE = 0x40,
    DEVACTB = 0x58,
    PMREGMISC = 0x80,
    SMBBASE = 0x90,
    SMBHSTCFG = 0xd2,

    APMC_EN = 1 << 25, /* of DEVACTB */
    PMIOSE = 1 << 0,
    SMB_HST_EN = 1 << 0,
};

/* Power management I/O. */
enum {
    PMSTS = 0x00,
    PMEN = 0x02,
    PMCNTRL = 0x04,
    PMTMR = 0x08,
    GPSTS = 0x0c,
    GPEN = 0x0e,
    PCNTRL = 0x10,
    GLBSTS = 0x18,
    DEVSTS = 0x1c,
    GLBEN = 0x20,
    GLBCTL = 0x28,
    DEVCTL = 0x2c,
    GPIREG = 0x30,
    GPOREG = 0x34,

    TMROF = 1 << 0,
    GBL = 1 << 5,
    PWRBTN = 1 << 8,
    RTC = 1 << 10,
    RSM = 1 << 15,
    STS_BITS = TMROF | 1 << 4 | GBL | PWRBTN | RTC | RSM,
    EN_BITS = TMROF | GBL | PWRBTN | RTC,

    SCI_EN = 1 << 0,
    BRLD_EN_BM = 1 << 1,
    GBL_RLS = 1 << 2,
    SUS_TYP_SHIFT = 10,
    SUS_EN = 1 << 13,
    CNTRL_BITS = SCI_EN | BRLD_EN_BM | 7 << SUS_TYP_SHIFT,

    GPE_BITS = 0x0f01, /* THRM, USB, RI, LID, GPI */
    BIOS_STS = 1 << 0, /* of GLBSTS, at bit 0: APM */
};

/* SMBus I/O. */
enum {
    SMBHSTSTS = 0,
    SMBHSTCNT = 2,

    HOST_BUSY = 1 << 0,
    DEV_ERR = 1 << 2,
    HST_STS_BITS = 0x1e,
    HST_START = 1 << 6,
};

/* Of PMCNTRL. */
enum suspend_type {
    SUS_OFF = 0,
    SUS_RAM = 1,    /* STR */
    SUS_POSCL = 2,  /* powered on, all context lost */
    SUS_POSCCL = 3, /* the processor's */
    SUS_POS = 4,    /* none */
};

enum apm_command { ACPI_DISABLE = 0xf0, ACPI_ENABLE = 0xf1 };

enum { OUT_SCI, OUT_SMI };
enum { IN_BUTTON, IN_RTC, IN_KEY, INPUTS };

/* What a sleep leaves. */
struct suspend_well {
    uint16_t sts, en, cntrl, gpsts, gpen;
    bool button, alarm; /* inputs */
    bool asleep;
};

struct piix4_pm {
    struct pci_device pci;
    bool smm;
    struct suspend_well well;
    uint32_t pcntrl, devsts, devctl, glbctl, gporeg;
    uint16_t glbsts, glben;
    uint64_t epoch;        /* halves of the timer's range that have passed */
    struct timer overflow; /* when bit 23 of the timer changes */
    uint8_t smbus[SMBUS_SIZE];
    uint8_t apmc, apms;
    struct region power, smbus_io, apm;
};

static const struct pci_info piix4_pm_info = {
    .vendor = 0x8086,
    .device = 0x7113,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .class_revision = 0x068000 << 8 | 0x03,
    .interrupt_pin = 1,
};

static const struct device_env *env_of(const struct piix4_pm *p)
{
    return p->pci.dev.env;
}

/* -- events and the timer -- */

static uint64_t ticks(const struct piix4_pm *p)
{
    return clock_ticks(env_of(p)->clock, TIMER_HZ);
}

/* TMROF_STS is set when bit 23 changes. */
static void catch_up(struct piix4_pm *p)
{
    uint64_t epoch = ticks(p) >> (TIMER_BITS - 1);

    if (epoch != p->epoch)
        p->well.sts |= TMROF;
    p->epoch = epoch;
}

static void wake(struct piix4_pm *p)
{
    const struct device_env *env = env_of(p);

    if (!p->well.asleep)
        return;
    p->well.asleep = false;
    p->well.sts |= RSM;
    env->request(env->machine, REQUEST_WAKE, 0);
}

static void update(struct piix4_pm *p)
{
    bool event =
        (p->well.sts & p->well.en & EN_BITS) || (p->well.gpsts & p->well.gpen);
    uint64_t at = CLOCK_NEVER;

    if ((p->well.sts & p->well.en & (PWRBTN | RTC)) ||
        (p->well.gpsts & p->well.gpen))
        wake(p);

    wire_set(device_out(&p->pci.dev, OUT_SCI),
             event && (p->well.cntrl & SCI_EN));
    if ((p->well.en & TMROF) && !(p->well.sts & TMROF))
        at = clock_ticks_to_ns((p->epoch + 1) << (TIMER_BITS - 1), TIMER_HZ);
    timer_arm(&p->overflow, at);
}

static void overflowed(void *owner)
{
    struct piix4_pm *p = owner;

    catch_up(p);
    update(p);
}

static void raise_smi(struct piix4_pm *p)
{
    if (!p->smm || !(ld_le32(p->pci.config + DEVACTB) & APMC_EN))
        return;
    /* An edge: the processor latches it. */
    wire_set(device_out(&p->pci.dev, OUT_SMI), true);
    wire_set(device_out(&p->pci.dev, OUT_SMI), false);
}

static void suspend(struct piix4_pm *p)
{
    static const enum sleep_loss losses[] = {
        [SUS_RAM] = SLEEP_LOSES_ALL,
        [SUS_POSCL] = SLEEP_LOSES_ALL,
        [SUS_POSCCL] = SLEEP_LOSES_CPUS,
        [SUS_POS] = SLEEP_LOSES_NOTHING,
    };
    const struct device_env *env = env_of(p);
    unsigned type = p->well.cntrl >> SUS_TYP_SHIFT & 7;

    if (type == SUS_OFF) {
        env->request(env->machine, REQUEST_POWEROFF, 0);
    } else if (type > SUS_POS) {
        log_guest(env->log, "%s: there is no suspend type %u", p->pci.dev.path,
                  type);
    } else {
        p->well.asleep = true;
        env->request(env->machine, REQUEST_SLEEP, losses[type]);
    }
}

/* -- registers -- */

/* The dword that holds offset, as read. */
static uint32_t power_word(struct piix4_pm *p, uint64_t offset)
{
    catch_up(p);
    switch (offset & ~UINT64_C(3)) {
    case PMSTS:
        return p->well.sts | (uint32_t)p->well.en << 16;
    case PMCNTRL:
        return p->well.cntrl;
    case PMTMR:
        return (uint32_t)ticks(p) & TIMER_MASK;
    case GPSTS:
        return p->well.gpsts | (uint32_t)p->well.gpen << 16;
    case PCNTRL:
        return p->pcntrl;
    case GLBSTS:
        return p->glbsts;
    case DEVSTS:
        return p->devsts;
    case GLBEN:
        return p->glben;
    case GLBCTL:
        return p->glbctl;
    case DEVCTL:
        return p->devctl;
    case GPOREG:
        return p->gporeg;
    default: /* the processor's levels, GPIREG */
        return 0;
    }
}

/* In two bytes if not four: one reads from within its dword. */
static uint64_t power_read(void *owner, uint64_t offset, unsigned size)
{
    uint32_t v = power_word(owner, offset) >> 8 * (offset & 3);

    return size < 4 ? v & ((UINT32_C(1) << 8 * size) - 1) : v;
}

/* Bits of a register of 16 bits at `at` that a write of `mask` covers. */
static uint16_t covered(uint32_t value, uint32_t mask, unsigned shift,
                        uint16_t old)
{
    uint16_t m = (uint16_t)(mask >> shift);

    return (uint16_t)((old & ~m) | (value >> shift & m));
}

static void write_control(struct piix4_pm *p, uint32_t value, uint32_t mask)
{
    p->well.cntrl = covered(value & CNTRL_BITS, mask, 0, p->well.cntrl);
    if (value & mask & GBL_RLS)
        p->glbsts |= BIOS_STS;
    if (value & mask & SUS_EN)
        suspend(p);
}

static void write_power(struct piix4_pm *p, unsigned at, uint32_t value,
                        uint32_t mask)
{
    uint32_t set = value & mask;

    switch (at) {
    case PMSTS:
        p->well.sts &= (uint16_t) ~(set & STS_BITS);
        p->well.en = covered(value, mask, 16, p->well.en) & EN_BITS;
        break;
    case PMCNTRL:
        write_control(p, value, mask);
        break;
    case GPSTS:
        p->well.gpsts &= (uint16_t)~set;
        p->well.gpen = covered(value, mask, 16, p->well.gpen) & GPE_BITS;
        break;
    case PCNTRL:
        p->pcntrl = (p->pcntrl & ~mask) | set;
        break;
    case GLBSTS:
        p->glbsts &= (uint16_t)~set;
        break;
    case DEVSTS:
        p->devsts &= ~set;
        break;
    case GLBEN:
        p->glben = covered(value, mask, 0, p->glben);
        break;
    case GLBCTL:
        p->glbctl = (p->glbctl & ~mask) | set;
        break;
    case DEVCTL:
        p->devctl = (p->devctl & ~mask) | set;
        break;
    case GPOREG:
        p->gporeg = (p->gporeg & ~mask) | set;
        break;
    default: /* read-only: the timer, levels, GPIREG */
        break;
    }
}

static void power_write(void *owner, uint64_t offset, uint64_t value,
                        unsigned size)
{
    struct piix4_pm *p = owner;
    unsigned shift = 8 * (offset & 3);
    uint32_t mask = UINT32_MAX >> (32 - 8 * size) << shift;

    catch_up(p);
    write_power(p, offset & ~3u, (uint32_t)value << shift, mask);
    update(p);
}

/* Nobody answers on this bus: a command ends at once, with DEV_ERR. */
static uint64_t smbus_read(void *owner, uint64_t offset, unsigned size)
{
    (void)size;
    return ((struct piix4_pm *)owner)->smbus[offset];
}

static void smbus_write(void *owner, uint64_t offset, uint64_t value,
                        unsigned size)
{
    struct piix4_pm *p = owner;

    (void)size;
    if (offset == SMBHSTSTS) {
        p->smbus[offset] &= (uint8_t) ~(value & HST_STS_BITS);
        return;
    }
    p->smbus[offset] = (uint8_t)value;
    if (offset == SMBHSTCNT && (value & HST_START)) {
        p->smbus[SMBHSTCNT] &= (uint8_t)~HST_START;
        p->smbus[SMBHSTSTS] |= DEV_ERR;
    }
}

static uint64_t apm_read(void *owner, uint64_t offset, unsigned size)
{
    struct piix4_pm *p = owner;

    (void)size;
    return offset ? p->apms : p->apmc;
}

static void apm_write(void *owner, uint64_t offset, uint64_t value,
                      unsigned size)
{
    struct piix4_pm *p = owner;

    (void)size;
    if (offset) {
        p->apms = (uint8_t)value;
        return;
    }
    p->apmc = (uint8_t)value;
    if (value == ACPI_ENABLE)
        p->well.cntrl |= SCI_EN;
    else if (value == ACPI_DISABLE)
        p->well.cntrl &= (uint16_t)~SCI_EN;
    update(p);
    raise_smi(p);
}

static const struct mmio_ops power_ops = {
    .read = power_read, .write = power_write, .impl = 1 | 2 | 4};
static const struct mmio_ops smbus_ops = {
    .read = smbus_read, .write = smbus_write, .accept = 1, .impl = 1};
static const struct mmio_ops apm_ops = {
    .read = apm_read, .write = apm_write, .accept = 1, .impl = 1};

/* -- where they are -- */

/* The bases are not BARs: switches beside the command register show them. */
static void update_places(struct piix4_pm *p)
{
    const uint8_t *c = p->pci.config;

    memory_move(&p->power, ld_le32(c + PMBASE) & 0xffc0);
    memory_enable(&p->power, c[PMREGMISC] & PMIOSE);
    memory_move(&p->smbus_io, ld_le32(c + SMBBASE) & 0xfff0);
    memory_enable(&p->smbus_io, c[SMBHSTCFG] & SMB_HST_EN);
}

static void config_wrote(struct pci_device *d, unsigned offset, unsigned size)
{
    (void)offset;
    (void)size;
    update_places((struct piix4_pm *)d);
}

static bool add_ports(struct piix4_pm *p, struct region *r, const char *name,
                      const struct mmio_ops *ops, uint64_t base, uint64_t size,
                      struct error *e)
{
    *r = (struct region){
        .name = name,
        .kind = REGION_MMIO,
        .base = base,
        .size = size,
        .ops = ops,
        .owner = p,
    };
    return memory_add(env_of(p)->ports, r, e);
}

static void piix4_pm_destroy(struct device *dev)
{
    struct piix4_pm *p = (struct piix4_pm *)dev;

    pci_detach(&p->pci);
    memory_remove(&p->power);
    memory_remove(&p->smbus_io);
    memory_remove(&p->apm);
}

static void init_config(struct pci_device *d)
{
    pci_device_init(d, &piix4_pm_info);
    d->config_wrote = config_wrote;
    st_le32(d->config + PMBASE, 1); /* ports */
    st_le32(d->writable + PMBASE, 0xffc0);
    for (unsigned i = 0x44; i < 0x80; i++) /* timers and monitors */
        d->writable[i] = 0xff;
    d->writable[PMREGMISC] = PMIOSE;
    st_le32(d->config + SMBBASE, 1);
    st_le32(d->writable + SMBBASE, 0xfff0);
    for (unsigned i = SMBHSTCFG; i < 0xd7; i++)
        d->writable[i] = 0xff;
}

static bool piix4_pm_create(struct device *dev, struct error *e)
{
    struct piix4_pm *p = (struct piix4_pm *)dev;

    if (!dev->env->ports)
        return error_set(e, "this board has no I/O ports");
    init_config(&p->pci);
    timer_init(&p->overflow, dev->env->clock, overflowed, p);
    if (add_ports(p, &p->power, "PIIX4 PM", &power_ops, 0, POWER_SIZE, e) &&
        add_ports(p, &p->smbus_io, "PIIX4 SMBus", &smbus_ops, 0, SMBUS_SIZE,
                  e) &&
        add_ports(p, &p->apm, "PIIX4 APM", &apm_ops, APM_PORT, 2, e))
        return true;
    piix4_pm_destroy(dev);
    return false;
}

static void piix4_pm_reset(struct device *dev)
{
    struct piix4_pm *p = (struct piix4_pm *)dev;

    pci_device_reset(&p->pci);
    if (!p->smm)
        st_le32(p->pci.config + DEVACTB, APMC_EN);
    p->epoch = ticks(p) >> (TIMER_BITS - 1);
    memory_enable(&p->apm, true);
    update_places(p);
    update(p);
    wire_set(device_out(dev, OUT_SMI), false);
}

/* The suspend well keeps its own. */
static void piix4_pm_sleep(struct device *dev)
{
    struct piix4_pm *p = (struct piix4_pm *)dev;
    const struct suspend_well well = p->well;

    device_reset(dev);
    p->well = well;
    update(p);
}

static void piix4_pm_loaded(struct device *dev)
{
    struct piix4_pm *p = (struct piix4_pm *)dev;

    pci_device_loaded(&p->pci);
    memory_enable(&p->apm, true);
    update_places(p);
    update(p);
}

/* A key while it sleeps is the button, which wakes whatever is enabled. */
static void press(struct piix4_pm *p)
{
    p->well.sts |= PWRBTN;
    wake(p);
}

static void piix4_pm_input(struct device *dev, unsigned line, bool level)
{
    struct piix4_pm *p = (struct piix4_pm *)dev;

    switch (line) {
    case IN_BUTTON:
        if (level && !p->well.button)
            press(p);
        p->well.button = level;
        break;
    case IN_RTC:
        if (level && !p->well.alarm)
            p->well.sts |= RTC;
        p->well.alarm = level;
        break;
    case IN_KEY:
        if (level && p->well.asleep)
            press(p);
        break;
    }
    update(p);
}

static bool piix4_pm_specifier(struct device *dev, const uint32_t *cells,
                               unsigned n, unsigned *line)
{
    (void)dev;
    *line = cells[0];
    return n == 1 && cells[0] < INPUTS;
}

static const struct property piix4_pm_properties[] = {
    {"smm", PROP_BOOL, offsetof(struct piix4_pm, smm), "off",
     "the processor has system management mode, and firmware shall use it",
     false},
    {NULL, PROP_U32, 0, NULL, NULL, false},
};

static const struct field suspend_well_fields[] = {
    FIELD(struct suspend_well, sts, 0),
    FIELD(struct suspend_well, en, 0),
    FIELD(struct suspend_well, cntrl, 0),
    FIELD(struct suspend_well, gpsts, 0),
    FIELD(struct suspend_well, gpen, 0),
    FIELD(struct suspend_well, button, false),
    FIELD_KEEP(struct suspend_well, alarm),
    FIELD(struct suspend_well, asleep, false),
    FIELD_LIST_END,
};

static const struct field piix4_pm_fields[] = {
    FIELD_SUB(struct piix4_pm, pci, pci_device_fields),
    FIELD_HOST(struct piix4_pm, smm),
    FIELD_SUB(struct piix4_pm, well, suspend_well_fields),
    FIELD(struct piix4_pm, pcntrl, 0),
    FIELD(struct piix4_pm, devsts, 0),
    FIELD(struct piix4_pm, devctl, 0),
    FIELD(struct piix4_pm, glbctl, 0),
    FIELD(struct piix4_pm, gporeg, 0x7fffbfff),
    FIELD(struct piix4_pm, glbsts, 0),
    FIELD(struct piix4_pm, glben, 0),
    FIELD(struct piix4_pm, epoch, 0),
    FIELD_TIMER(struct piix4_pm, overflow),
    FIELD_ARRAY(struct piix4_pm, smbus, 0),
    FIELD(struct piix4_pm, apmc, 0),
    FIELD(struct piix4_pm, apms, 0),
    FIELD_HOST(struct piix4_pm, power),
    FIELD_HOST(struct piix4_pm, smbus_io),
    FIELD_HOST(struct piix4_pm, apm),
    FIELD_LIST_END,
};

const struct device_class piix4_pm_class = {
    .name = "piix4-pm",
    .summary = "power management and SMBus of the Intel PIIX4",
    .compatible = (const char *const[]){"pci8086,7113", NULL},
    .size = sizeof(struct piix4_pm),
    .properties = piix4_pm_properties,
    .fields = piix4_pm_fields,
    .n_outputs = 2,
    .n_inputs = INPUTS,
    .create = piix4_pm_create,
    .destroy = piix4_pm_destroy,
    .reset = piix4_pm_reset,
    .sleep = piix4_pm_sleep,
    .loaded = piix4_pm_loaded,
    .input = piix4_pm_input,
    .specifier = piix4_pm_specifier,
};
