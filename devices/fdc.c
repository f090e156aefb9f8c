/*
 * Intel 82077AA: floppy disk controller of a PC, with its drives.
 *
 * Follows the 82077AA data sheet (Intel 290166): section 2 (registers, AT
 * mode), 3 to 5 (interface, phases, command set), 6 (status registers); and
 * for the change line the IBM PC AT Technical Reference.  Window 0 is 3F0h to
 * 3F5h, window 1 is 3F7h (3F6h between them is a hard disk's).  The output is
 * IRQ 6; the DMA channel comes by fdc_connect().
 *
 * The drives and their disks are in fdd.c.
 *
 * Sectors pass by the clock.  With real-speed=on seeks take the step rate of
 * SPECIFY, heads their loading time, and sectors come when the turning disk
 * brings them; otherwise a seek or a sector takes some 20 us.
 *
 * A sector moves at once when it has come, by DMA as soon as the channel takes
 * it, by FIFO as the CPU takes it.  The FIFO is therefore never below its
 * threshold, and there are no overruns.  Where no index pulse comes (no disk,
 * its motor off) the chip would wait for ever; here it gives up as it does
 * after two of them.
 *
 * Errors of the host: a sector that cannot be read is a data error (DE, DD),
 * one that cannot be written an error in its ID field (DE).
 *
 * Missing: formats other than sectors of 512 bytes, numbered from 1, at the
 * image's own density (such a FORMAT TRACK leaves the disk as it is); single
 * density; overruns; the PS/2 and Model 30 modes with SRA and SRB; power
 * down, precompensation, write splices, that 2.88 MB disks are written in
 * perpendicular mode only.
 */
#include "devices/fdc_priv.h"

#include <string.h>

#include "devices/isa.h"

/* ------------------------------------------------------------- the disks */

bool fdc_check(struct device *dev, unsigned drive, struct error *e)
{
    struct fdc *f = (struct fdc *)dev;

    return drive < WITH_CABLE
               ? fdd_init(&f->unit[drive].drive, e)
               : error_set(e, "there is no floppy drive %u", drive);
}

bool fdc_insert(struct device *dev, unsigned drive, struct block *medium,
                struct error *e)
{
    struct fdc *f = (struct fdc *)dev;

    if (drive >= WITH_CABLE || !f->unit[drive].drive.type)
        return error_set(e, "there is no floppy drive %u", drive);
    fdc_disk_gone(f, drive);
    return fdd_insert(&f->unit[drive].drive, medium, e);
}

struct block *fdc_medium(const struct device *dev, unsigned drive)
{
    const struct fdc *f = (const struct fdc *)dev;

    return drive < WITH_CABLE ? f->unit[drive].drive.medium : NULL;
}

unsigned fdc_drive_type(const struct device *dev, unsigned drive)
{
    const struct fdc *f = (const struct fdc *)dev;

    return drive < WITH_CABLE ? f->unit[drive].drive.type : 0;
}

/* ---------------------------------------------------------------- timing */

uint64_t fdc_now(const struct fdc *f)
{
    return clock_ns(f->dev.env->clock);
}

/* SRT and HLT are in units of data bits, 5.1.11: ms at 500 kbit/s. */
uint64_t fdc_scaled(const struct fdc *f, uint64_t ms)
{
    static const uint8_t tenths[] = {10, 17, 20, 5};

    return ms * MS * tenths[f->dsr & DSR_RATE] / 10;
}

uint64_t fdc_seek_ns(const struct fdc *f, unsigned steps)
{
    if (!f->real_speed)
        return QUICK_NS;
    return QUICK_NS + steps * fdc_scaled(f, 16u - (f->step_rate >> 4));
}

/* --------------------------------------------------- interrupts, results */

void fdc_update_irq(struct fdc *f)
{
    bool on = f->result_int || f->reset_int ||
              (f->phase == PHASE_MOVE && fdc_non_dma(f));

    for (unsigned n = 0; n < DRIVES; n++)
        on |= f->unit[n].seek_ended;
    wire_set(device_out(&f->dev, 0), on && (f->dor & DOR_GATE));
}

static void go_idle(struct fdc *f)
{
    f->phase = PHASE_COMMAND;
    f->n_in = f->n_out = f->out_at = 0;
    f->at = f->size = 0;
    dma_request(&f->dma, false);
}

/* A command has ended with f->out[0] to [n - 1]. */
void fdc_give(struct fdc *f, unsigned n)
{
    go_idle(f);
    f->phase = n ? PHASE_RESULT : PHASE_COMMAND;
    f->n_out = (uint8_t)n;
}

static void give_byte(struct fdc *f, uint8_t byte)
{
    f->out[0] = byte;
    fdc_give(f, 1);
}

/* ------------------------------------------------------------------ seeks */

static void seek_end(void *owner)
{
    struct unit *u = owner;

    fdd_step(&u->drive, u->inwards ? u->steps : -u->steps);
    u->seek_ended = true;
    fdc_update_irq(u->fdc);
}

/* `steps` pulses, inwards if positive. */
static void seek_by(struct fdc *f, int steps, uint8_t st0)
{
    struct unit *u = fdc_unit(f);

    u->inwards = steps > 0;
    u->steps = (uint8_t)(steps < 0 ? -steps : steps);
    u->st0 = st0 | (f->in[IN_DRIVE] & 7);
    u->seek_ended = false;
    timer_arm(&u->seek, fdc_now(f) + fdc_seek_ns(f, u->steps));
    fdc_give(f, 0);
    fdc_update_irq(f);
}

/* Until TRK0 says so, but no more than 79 pulses (5.2.3). */
static void recalibrate(struct fdc *f)
{
    struct unit *u = fdc_unit(f);
    int steps = u->drive.track;
    uint8_t st0 = ST0_SEEK_END;

    if (!u->drive.type || steps > RECALIBRATE_STEPS) {
        steps = RECALIBRATE_STEPS;
        st0 |= ST0_EQUIPMENT | ST0_ABNORMAL;
    }
    u->pcn = 0;
    f->in[IN_DRIVE] &= 3;
    seek_by(f, -steps, st0);
}

static void seek(struct fdc *f)
{
    struct unit *u = fdc_unit(f);
    int steps = f->in[2] - u->pcn;

    if (f->in[0] & BIT_RELATIVE)
        steps = f->in[0] & BIT_UP ? f->in[2] : -f->in[2];
    u->pcn = (uint8_t)(u->pcn + steps);
    seek_by(f, steps, ST0_SEEK_END);
}

/* --------------------------------------------------------------- commands */

static void sense_interrupt(struct fdc *f)
{
    unsigned n = 0;

    if (f->reset_sense) {
        while (!(f->reset_sense >> n & 1))
            n++;
        f->reset_sense &= (uint8_t) ~(1u << n);
        f->out[0] = (uint8_t)(ST0_POLLING | n);
    } else {
        while (n < DRIVES && !f->unit[n].seek_ended)
            n++;
        if (n == DRIVES) { /* there is none: invalid */
            give_byte(f, ST0_INVALID);
            return;
        }
        f->unit[n].seek_ended = false;
        f->out[0] = f->unit[n].st0;
    }
    f->out[1] = f->unit[n].pcn;
    f->reset_int = false;
    fdc_give(f, 2);
    /* An edge for each, where several drives have ended. */
    wire_set(device_out(&f->dev, 0), false);
    fdc_update_irq(f);
}

static uint8_t status_3(struct fdc *f)
{
    struct fdd *d = &fdc_unit(f)->drive;
    uint8_t v = ST3_TWO_SIDE | ST3_READY | (f->in[IN_DRIVE] & 7);

    if (!d->type || !fdc_motor_on(f, f->in[IN_DRIVE] & 3))
        return v;
    v |= d->track == 0 ? ST3_TRACK_0 : 0;
    return v | (fdd_is_protected(d) ? ST3_PROTECTED : 0);
}

static void dump_registers(struct fdc *f)
{
    for (unsigned n = 0; n < DRIVES; n++)
        f->out[n] = f->unit[n].pcn;
    f->out[4] = f->step_rate;
    f->out[5] = f->head_load;
    f->out[6] = f->sectors;
    f->out[7] = (uint8_t)(f->lock << 7 | f->perpendicular);
    f->out[8] = f->config;
    f->out[9] = f->pretrack;
    fdc_give(f, 10);
}

/* D0 to D3 change with OW only, 5.2.6. */
static void set_perpendicular(struct fdc *f)
{
    uint8_t may = f->in[1] & 0x80 ? 0x3f : 0x03;

    f->perpendicular = (uint8_t)((f->perpendicular & ~may) | (f->in[1] & may));
    fdc_give(f, 0);
}

static void configure(struct fdc *f)
{
    f->config = f->in[2] & 0x7f;
    f->pretrack = f->in[3];
    if (f->config & CONFIG_NO_POLL && f->reset_sense) {
        timer_disarm(&f->poll);
        f->reset_sense = 0;
        f->reset_int = false;
    }
    fdc_give(f, 0);
    fdc_update_irq(f);
}

/* Bits of the first byte that are not its code, and how many bytes. */
static const struct command {
    uint8_t code, options, bytes;
    void (*start)(struct fdc *f); /* NULL: see execute() */
} commands[] = {
    {CMD_READ_TRACK, BIT_MFM, 9, fdc_start_transfer},
    {CMD_SPECIFY, 0, 3, NULL},
    {CMD_SENSE_DRIVE, 0, 2, NULL},
    {CMD_WRITE, BIT_MULTI | BIT_MFM, 9, fdc_start_transfer},
    {CMD_READ, BIT_MULTI | BIT_MFM | BIT_SKIP, 9, fdc_start_transfer},
    {CMD_RECALIBRATE, 0, 2, recalibrate},
    {CMD_SENSE_INTERRUPT, 0, 1, sense_interrupt},
    {CMD_WRITE_DELETED, BIT_MULTI | BIT_MFM, 9, fdc_start_transfer},
    {CMD_READ_ID, BIT_MFM, 2, fdc_start_track},
    {CMD_READ_DELETED, BIT_MULTI | BIT_MFM | BIT_SKIP, 9, fdc_start_transfer},
    {CMD_FORMAT, BIT_MFM, 6, fdc_start_track},
    {CMD_DUMPREG, 0, 1, dump_registers},
    {CMD_SEEK, BIT_RELATIVE | BIT_UP, 3, seek},
    {CMD_VERSION, 0, 1, NULL},
    {CMD_SCAN_EQUAL, BIT_MULTI | BIT_MFM | BIT_SKIP, 9, fdc_start_transfer},
    {CMD_PERPENDICULAR, 0, 2, set_perpendicular},
    {CMD_CONFIGURE, 0, 4, configure},
    {CMD_LOCK, BIT_LOCK, 1, NULL},
    {CMD_VERIFY, BIT_MULTI | BIT_MFM | BIT_SKIP, 9, fdc_start_transfer},
    {CMD_SCAN_LOW, BIT_MULTI | BIT_MFM | BIT_SKIP, 9, fdc_start_transfer},
    {CMD_SCAN_HIGH, BIT_MULTI | BIT_MFM | BIT_SKIP, 9, fdc_start_transfer},
};

static const struct command *find_command(uint8_t byte)
{
    for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        const struct command *c = &commands[i];

        if ((byte & CMD_CODE) == c->code &&
            !(byte & ~(CMD_CODE | c->options)) &&
            (c->code != CMD_SEEK || (byte & 0xc0) != BIT_UP))
            return c;
    }
    return NULL;
}

static void execute(struct fdc *f, const struct command *c)
{
    if (c->start) {
        c->start(f);
        return;
    }
    switch (c->code) {
    case CMD_SPECIFY:
        f->step_rate = f->in[1];
        f->head_load = f->in[2];
        fdc_give(f, 0);
        break;
    case CMD_SENSE_DRIVE:
        give_byte(f, status_3(f));
        break;
    case CMD_VERSION:
        give_byte(f, VERSION_82077);
        break;
    case CMD_LOCK:
        f->lock = f->in[0] & BIT_LOCK;
        give_byte(f, (uint8_t)(f->lock << 4));
        break;
    }
}

static void take_byte(struct fdc *f, uint8_t byte)
{
    const struct command *c;

    f->in[f->n_in++] = byte;
    c = find_command(f->in[0]);
    if (!c)
        give_byte(f, ST0_INVALID);
    else if (f->n_in == c->bytes)
        execute(f, c);
}

/* ------------------------------------------------------------------ reset */

/* What DOR and DSR reset, 4.2: not DOR, nor what SPECIFY has set. */
static void reset_chip(struct fdc *f)
{
    go_idle(f);
    timer_disarm(&f->work);
    timer_disarm(&f->poll);
    f->config &= f->lock ? CONFIG_NO_FIFO | CONFIG_THRESHOLD : 0;
    if (!f->lock) {
        f->config = CONFIG_NO_FIFO;
        f->pretrack = 0;
    }
    f->perpendicular &= 0x3c;
    f->result_int = f->reset_int = false;
    f->reset_sense = 0;
    for (unsigned n = 0; n < DRIVES; n++) {
        timer_disarm(&f->unit[n].seek);
        f->unit[n].seek_ended = false;
        f->unit[n].pcn = 0;
    }
    fdc_update_irq(f);
}

/* It then polls the drives, and finds each changed. */
static void leave_reset(struct fdc *f)
{
    f->reset_sense = 0x0f;
    timer_arm(&f->poll, fdc_now(f) + QUICK_NS);
}

static void polled(void *owner)
{
    struct fdc *f = owner;

    f->reset_int = f->reset_sense != 0;
    fdc_update_irq(f);
}

/* -------------------------------------------------------------- registers */

static void write_dor(struct fdc *f, uint8_t value)
{
    uint8_t old = f->dor;

    f->dor = value;
    if (!(value & DOR_NOT_RESET))
        reset_chip(f);
    else if (!(old & DOR_NOT_RESET))
        leave_reset(f);
    if (value & ~old & DOR_GATE)
        fdc_dma_ready(f);
    fdc_update_irq(f);
}

static void write_dsr(struct fdc *f, uint8_t value)
{
    f->dsr = value & (uint8_t)~DSR_RESET;
    if (value & DSR_RESET) { /* clears itself */
        reset_chip(f);
        if (f->dor & DOR_NOT_RESET)
            leave_reset(f);
    }
}

static uint8_t main_status(const struct fdc *f)
{
    uint8_t v = 0;

    if (!(f->dor & DOR_NOT_RESET))
        return 0;
    for (unsigned n = 0; n < DRIVES; n++)
        v |= (uint8_t)(timer_armed(&f->unit[n].seek) << n);
    switch (f->phase) {
    case PHASE_COMMAND:
        return v | MSR_RQM | (f->n_in ? MSR_COMMAND_BUSY : 0);
    case PHASE_RESULT:
        return v | MSR_RQM | MSR_DIO | MSR_COMMAND_BUSY;
    case PHASE_MOVE:
        if (fdc_non_dma(f))
            v |= MSR_RQM | (fdc_way(f) == TO_HOST ? MSR_DIO : 0);
        break;
    }
    return v | MSR_COMMAND_BUSY | (fdc_non_dma(f) ? MSR_NON_DMA : 0);
}

static bool moves_by_cpu(const struct fdc *f, enum way way)
{
    return f->phase == PHASE_MOVE && fdc_non_dma(f) && fdc_way(f) == way;
}

static uint8_t read_fifo(struct fdc *f)
{
    uint8_t byte = 0xff;

    if (moves_by_cpu(f, TO_HOST)) {
        byte = f->buffer[f->at++];
        if (f->at == f->size)
            fdc_buffer_done(f);
    } else if (f->phase == PHASE_RESULT) {
        byte = f->out[f->out_at++];
        f->result_int = false;
        if (f->out_at == f->n_out)
            go_idle(f);
        fdc_update_irq(f);
    }
    return byte;
}

static void write_fifo(struct fdc *f, uint8_t byte)
{
    if (!(f->dor & DOR_NOT_RESET))
        return;
    if (moves_by_cpu(f, FROM_HOST)) {
        f->buffer[f->at++] = byte;
        if (f->at == f->size)
            fdc_buffer_done(f);
    } else if (f->phase == PHASE_COMMAND) {
        take_byte(f, byte);
    }
}

static uint8_t read_dir(const struct fdc *f)
{
    unsigned n = f->dor & DOR_SELECT;
    bool changed = fdc_motor_on(f, n) && fdd_changed(&f->unit[n].drive);

    return DIR_OPEN | (changed ? DIR_CHANGE : 0);
}

static uint64_t fdc_read(struct device *dev, unsigned window, uint64_t offset,
                         unsigned size)
{
    struct fdc *f = (struct fdc *)dev;

    (void)size;
    if (window)
        return read_dir(f);
    switch (offset) {
    case REG_DOR:
        return f->dor;
    case REG_TDR:
        return f->tdr | 0xfc;
    case REG_MSR:
        return main_status(f);
    case REG_FIFO:
        return read_fifo(f);
    }
    return 0xff; /* SRA and SRB: not in AT mode */
}

static void fdc_write(struct device *dev, unsigned window, uint64_t offset,
                      uint64_t value, unsigned size)
{
    struct fdc *f = (struct fdc *)dev;

    (void)size;
    if (window) { /* CCR */
        f->dsr = (uint8_t)((f->dsr & ~DSR_RATE) | (value & DSR_RATE));
        return;
    }
    switch (offset) {
    case REG_DOR:
        write_dor(f, (uint8_t)value);
        break;
    case REG_TDR:
        f->tdr = value & 3;
        break;
    case REG_MSR:
        write_dsr(f, (uint8_t)value);
        break;
    case REG_FIFO:
        write_fifo(f, (uint8_t)value);
        break;
    }
}

/* ------------------------------------------------------------------- life */

bool fdc_connect(struct device *dev, struct device *controller,
                 unsigned channel, struct error *e)
{
    struct fdc *f = (struct fdc *)dev;

    return dma_connect(&f->dma, controller, channel, fdc_dma_ready, f, e);
}

static bool fdc_create(struct device *dev, struct error *e)
{
    struct fdc *f = (struct fdc *)dev;

    timer_init(&f->work, dev->env->clock, fdc_work, f);
    timer_init(&f->poll, dev->env->clock, polled, f);
    for (unsigned n = 0; n < DRIVES; n++) {
        struct unit *u = &f->unit[n];

        u->fdc = f;
        timer_init(&u->seek, dev->env->clock, seek_end, u);
        if (n < WITH_CABLE && !fdd_init(&u->drive, e))
            return error_prefix(e, "%c", 'a' + n);
    }
    return true;
}

static void fdc_reset(struct device *dev)
{
    struct fdc *f = (struct fdc *)dev;

    dma_request(&f->dma, false);
    fdc_update_irq(f);
}

static void fdc_loaded(struct device *dev)
{
    struct fdc *f = (struct fdc *)dev;
    const struct command *c = find_command(f->in[0]);

    for (unsigned n = 0; n < DRIVES; n++)
        fdd_loaded(&f->unit[n].drive);
    f->side &= 1;
    f->reset_sense &= (1u << DRIVES) - 1;
    if (f->phase > PHASE_RESULT || f->size > sizeof(f->buffer) ||
        (f->phase == PHASE_MOVE && f->at >= f->size) ||
        (f->phase == PHASE_RESULT &&
         (f->n_out > sizeof(f->out) || f->out_at >= f->n_out)) ||
        (f->phase == PHASE_COMMAND && f->n_in && (!c || f->n_in >= c->bytes)) ||
        ((f->phase == PHASE_MOVE || f->phase == PHASE_WAIT) && !c))
        go_idle(f);
    if (f->phase == PHASE_MOVE && fdc_code(f) != CMD_FORMAT &&
        f->size > FDD_SECTOR)
        go_idle(f);
    dma_request(&f->dma, f->phase == PHASE_MOVE && !fdc_non_dma(f) &&
                             (f->dor & DOR_GATE));
    fdc_update_irq(f);
}

static const struct property fdc_properties[] = {
    {"a", PROP_BLOCK, offsetof(struct fdc, unit[0].drive.medium), NULL,
     "the disk in drive A", false},
    {"b", PROP_BLOCK, offsetof(struct fdc, unit[1].drive.medium), NULL,
     "the disk in drive B", false},
    {"a-type", PROP_STRING, offsetof(struct fdc, unit[0].drive.type_name),
     "auto",
     "drive A: none, 360, 720, 1200, 1440, 2880, auto: as its disk wants",
     false},
    {"b-type", PROP_STRING, offsetof(struct fdc, unit[1].drive.type_name),
     "auto", "drive B, likewise", false},
    {"real-speed", PROP_BOOL, offsetof(struct fdc, real_speed), "off",
     "drives step and turn as slowly as they did", false},
    {NULL, PROP_U32, 0, NULL, NULL, false},
};

static const struct field unit_fields[] = {
    FIELD_HOST(struct unit, fdc),
    FIELD_SUB(struct unit, drive, fdd_fields),
    FIELD(struct unit, pcn, 0),
    FIELD(struct unit, st0, 0),
    FIELD(struct unit, seek_ended, false),
    FIELD(struct unit, inwards, false),
    FIELD(struct unit, steps, 0),
    FIELD(struct unit, next_id, 0),
    FIELD_TIMER(struct unit, seek),
    FIELD_LIST_END,
};

static const struct field fdc_fields[] = {
    DEVICE_FIELDS(struct fdc),
    FIELD_SUBS(struct fdc, unit, unit_fields),
    FIELD_HOST(struct fdc, dma),
    FIELD_HOST(struct fdc, real_speed),
    FIELD(struct fdc, dor, 0),
    FIELD(struct fdc, tdr, 0),
    FIELD(struct fdc, dsr, FDD_250),
    FIELD(struct fdc, step_rate, 0),
    FIELD(struct fdc, head_load, 0),
    FIELD(struct fdc, config, CONFIG_NO_FIFO),
    FIELD(struct fdc, pretrack, 0),
    FIELD(struct fdc, perpendicular, 0),
    FIELD(struct fdc, sectors, 0),
    FIELD(struct fdc, lock, false),
    FIELD(struct fdc, phase, PHASE_COMMAND),
    FIELD_ARRAY(struct fdc, in, 0),
    FIELD(struct fdc, n_in, 0),
    FIELD_ARRAY(struct fdc, out, 0),
    FIELD(struct fdc, n_out, 0),
    FIELD(struct fdc, out_at, 0),
    FIELD_ARRAY(struct fdc, buffer, 0),
    FIELD(struct fdc, at, 0),
    FIELD(struct fdc, size, 0),
    FIELD(struct fdc, st0, 0),
    FIELD(struct fdc, st1, 0),
    FIELD(struct fdc, st2, 0),
    FIELD(struct fdc, side, 0),
    FIELD(struct fdc, verified, 0),
    FIELD(struct fdc, head_until, 0),
    FIELD(struct fdc, tc, false),
    FIELD(struct fdc, last, false),
    FIELD(struct fdc, result_int, false),
    FIELD(struct fdc, reset_int, false),
    FIELD(struct fdc, reset_sense, 0),
    FIELD_TIMER(struct fdc, work),
    FIELD_TIMER(struct fdc, poll),
    FIELD_LIST_END,
};

static const struct window fdc_windows[] = {
    ISA_WINDOW("registers", REGISTERS),
    ISA_WINDOW("DIR and CCR", 1),
};

static const char *const fdc_compatible[] = {"intel,82077aa", "pnpPNP,700",
                                             NULL};

const struct device_class fdc_class = {
    .name = "fdc",
    .summary = "82077AA floppy controller of a PC, with its drives",
    .compatible = fdc_compatible,
    .size = sizeof(struct fdc),
    .properties = fdc_properties,
    .fields = fdc_fields,
    .windows = fdc_windows,
    .n_windows = 2,
    .n_outputs = 1,
    .create = fdc_create,
    .reset = fdc_reset,
    .loaded = fdc_loaded,
    .read = fdc_read,
    .write = fdc_write,
};
