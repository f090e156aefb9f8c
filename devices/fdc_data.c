/*
 * Intel 82077AA: the commands that look for sectors.
 *
 * 82077AA data sheet (Intel 290166), 5.1 and 5.2.  See fdc.c.
 */
#include "devices/fdc_priv.h"

#include <string.h>

/* Until sector `index` (from 0) of a track has passed. */
static uint64_t sector_ns(const struct fdc *f, const struct fdd *d,
                          unsigned index)
{
    uint64_t turn, slot, end;

    if (!f->real_speed || !d->format)
        return QUICK_NS;
    turn = fdd_turn_ns(d);
    slot = turn / d->format->sectors;
    end = index % d->format->sectors * slot + slot * 9 / 10;
    return (end + turn - fdc_now(f) % turn) % turn + 1;
}

static uint64_t head_ns(struct fdc *f)
{
    unsigned hlt = f->head_load >> 1, hut = f->step_rate & 15;
    bool loaded = fdc_now(f) < f->head_until;

    f->head_until = fdc_now(f) + fdc_scaled(f, 16u * (hut ? hut : 16));
    return f->real_speed && !loaded ? fdc_scaled(f, 2u * (hlt ? hlt : 128)) : 0;
}

static void work_after(struct fdc *f, uint64_t ns)
{
    f->phase = PHASE_WAIT;
    timer_arm(&f->work, fdc_now(f) + ns);
}

/* One that has moved data, or would have. */
static void finish(struct fdc *f, uint8_t how)
{
    f->out[0] = how | f->st0 | (uint8_t)(f->side << 2) | (f->in[IN_DRIVE] & 3);
    f->out[1] = f->st1;
    f->out[2] = f->st2;
    memcpy(f->out + 3, f->in + IN_C, 4);
    fdc_give(f, 7);
    f->result_int = true;
    fdc_update_irq(f);
}

static void fail(struct fdc *f, uint8_t st1, uint8_t st2)
{
    f->st1 |= st1;
    f->st2 |= st2;
    finish(f, ST0_ABNORMAL);
}

/* Are there any ID fields to be read under this head? */
static bool has_ids(const struct fdc *f, unsigned n, unsigned side)
{
    return fdc_motor_on(f, n) && (f->in[0] & BIT_MFM) &&
           fdd_has_ids(&f->unit[n].drive, f->dsr & DSR_RATE, side);
}

/* --------------------------------------------------------------- sectors */

static bool is_write(unsigned code)
{
    return code == CMD_WRITE || code == CMD_WRITE_DELETED;
}

static bool is_scan(unsigned code)
{
    return code == CMD_SCAN_EQUAL || code == CMD_SCAN_LOW ||
           code == CMD_SCAN_HIGH;
}

enum way fdc_way(const struct fdc *f)
{
    unsigned code = fdc_code(f);

    if (is_write(code) || is_scan(code) || code == CMD_FORMAT)
        return FROM_HOST;
    return code == CMD_VERIFY ? NOWHERE : TO_HOST;
}

static struct fdd *drive_of(struct fdc *f)
{
    return &fdc_unit(f)->drive;
}

/*
 * Is the sector there that the command's bytes name?  The ID field says the
 * track's own cylinder, side and size.  If not, the command has failed.
 */
static bool find_sector(struct fdc *f)
{
    struct fdd *d = drive_of(f);

    if (!has_ids(f, f->in[IN_DRIVE] & 3, f->side)) {
        fail(f, ST1_NO_ADDRESS, 0);
        return false;
    }
    if (fdc_code(f) == CMD_READ_TRACK) {
        /* Compared, but read in any case, 5.1.3. */
        if (f->in[IN_C] != fdd_cylinder(d) || f->in[IN_H] != f->side)
            f->st1 |= ST1_NO_DATA;
        if (f->in[IN_R] && f->in[IN_R] <= d->format->sectors)
            return true;
    } else if (f->in[IN_C] != fdd_cylinder(d)) {
        fail(f, ST1_NO_DATA, ST2_WRONG_CYLINDER);
        return false;
    }
    if (f->in[IN_H] != f->side || f->in[IN_N] != FDD_SECTOR_N || !f->in[IN_R] ||
        f->in[IN_R] > d->format->sectors) {
        fail(f, ST1_NO_DATA, 0);
        return false;
    }
    return true;
}

/* The ID of the next sector, 5.1.1; false: the cylinder has ended. */
static bool next_sector(struct fdc *f)
{
    bool multi = (f->in[0] & BIT_MULTI) && fdc_code(f) != CMD_READ_TRACK;
    unsigned step = is_scan(fdc_code(f)) && f->in[IN_DTL] == 2 ? 2 : 1;
    bool end = f->in[IN_R] >= f->in[IN_EOT] || f->in[IN_R] + step > 255;

    if (!end) {
        f->in[IN_R] = (uint8_t)(f->in[IN_R] + step);
        return true;
    }
    f->in[IN_R] = 1;
    if (multi)
        f->in[IN_H] ^= 1;
    if (multi && f->side == 0) {
        f->side = 1;
        return true;
    }
    f->in[IN_C]++;
    return false;
}

static void wait_for_sector(struct fdc *f)
{
    work_after(f, sector_ns(f, drive_of(f), f->in[IN_R] - 1u));
}

/* A sector has been dealt with: go on, or end. */
static void sector_passed(struct fdc *f)
{
    bool more = next_sector(f);

    if (fdc_code(f) == CMD_VERIFY) {
        /* With EC the last byte counts, and as many there must be; else all
         * of EOT is verified. */
        bool counted = f->in[IN_DRIVE] & BYTE1_EC;

        f->verified++;
        if (f->last || (counted ? f->verified == f->in[IN_DTL] : !more)) {
            finish(f, ST0_NORMAL);
            return;
        }
        if (!more) {
            fail(f, ST1_END_OF_CYLINDER, 0);
            return;
        }
    } else if (f->tc || f->last) {
        finish(f, ST0_NORMAL);
        return;
    } else if (!more) {
        if (is_scan(fdc_code(f)))
            finish(f, ST0_NORMAL);
        else
            fail(f, ST1_END_OF_CYLINDER, 0);
        return;
    }
    wait_for_sector(f);
}

/* -- scanning, 5.1.7 -- */

/* A byte of ones on either side is equal to anything. */
static void scan(struct fdc *f, const uint8_t *disk)
{
    unsigned code = fdc_code(f);
    int differ = 0;
    bool met;

    for (unsigned i = 0; i < f->at && !differ; i++)
        if (f->buffer[i] != 0xff && disk[i] != 0xff)
            differ = disk[i] - f->buffer[i];
    met = differ == 0 || (code == CMD_SCAN_LOW && differ < 0) ||
          (code == CMD_SCAN_HIGH && differ > 0);
    f->st2 &= (uint8_t) ~(ST2_SCAN_NOT | ST2_SCAN_EQUAL);
    if (!met)
        f->st2 |= ST2_SCAN_NOT;
    else if (!differ)
        f->st2 |= ST2_SCAN_EQUAL;
    f->last |= met;
}

/* -- moving a sector between buffer and host -- */

static void write_done(struct fdc *f)
{
    struct fdd *d = drive_of(f);
    unsigned sector;

    /* The disk may have gone while the host was slow. */
    if (!find_sector(f))
        return;
    sector = fdd_sector(d, f->side, f->in[IN_R]);
    memset(f->buffer + f->at, 0, (size_t)f->size - f->at);
    if (fdd_is_protected(d)) {
        fail(f, ST1_NOT_WRITABLE, 0);
        return;
    }
    if (!fdd_write(d, sector, f->buffer, fdc_code(f) == CMD_WRITE_DELETED)) {
        fail(f, ST1_DATA_ERROR, 0);
        return;
    }
    sector_passed(f);
}

static void scan_done(struct fdc *f)
{
    uint8_t disk[FDD_SECTOR];
    struct fdd *d = drive_of(f);

    if (!find_sector(f))
        return;
    if (!fdd_read(d, fdd_sector(d, f->side, f->in[IN_R]), disk)) {
        fail(f, ST1_DATA_ERROR, ST2_DATA_ERROR);
        return;
    }
    scan(f, disk);
    sector_passed(f);
}

static void format_done(struct fdc *f);

/* The buffer has been moved, or the count has ended before. */
void fdc_buffer_done(struct fdc *f)
{
    unsigned code = fdc_code(f);

    dma_request(&f->dma, false);
    f->phase = PHASE_WAIT;
    fdc_update_irq(f);
    if (code == CMD_FORMAT)
        format_done(f);
    else if (is_write(code))
        write_done(f);
    else if (is_scan(code))
        scan_done(f);
    else
        sector_passed(f);
}

/* As far as the DMA channel takes it. */
static void move_by_dma(struct fdc *f)
{
    bool end = false;
    enum dma_direction way =
        fdc_way(f) == TO_HOST ? DMA_TO_MEMORY : DMA_FROM_MEMORY;
    size_t n;

    if (!(f->dor & DOR_GATE) || !f->dma.controller)
        return;
    dma_request(&f->dma, true);
    n = dma_transfer(&f->dma, way, f->buffer + f->at, (size_t)f->size - f->at,
                     &end);
    f->at = (uint16_t)(f->at + n);
    f->tc |= end;
    if (end || f->at == f->size)
        fdc_buffer_done(f);
}

static void move(struct fdc *f, unsigned size)
{
    f->phase = PHASE_MOVE;
    f->at = 0;
    f->size = (uint16_t)size;
    if (!fdc_non_dma(f))
        move_by_dma(f);
    fdc_update_irq(f);
}

/* The 8237 has been programmed. */
void fdc_dma_ready(void *owner)
{
    struct fdc *f = owner;

    if (f->phase == PHASE_MOVE && !fdc_non_dma(f)) {
        move_by_dma(f);
        fdc_update_irq(f);
    }
}

/* -- when a sector comes -- */

/* A mark of the other kind ends a command, or is skipped. */
static bool wanted_mark(struct fdc *f, unsigned sector)
{
    unsigned code = fdc_code(f);
    bool deleted = fdd_is_deleted(drive_of(f), sector);

    if (code == CMD_READ_TRACK || is_scan(code) ||
        deleted == (code == CMD_READ_DELETED))
        return true;
    f->st2 |= ST2_CONTROL_MARK;
    f->last = !(f->in[0] & BIT_SKIP);
    return f->last;
}

static void sector_came(struct fdc *f)
{
    struct fdd *d = drive_of(f);
    unsigned sector;

    if (!find_sector(f))
        return;
    if (fdc_way(f) == FROM_HOST) {
        if (is_write(fdc_code(f)) && fdd_is_protected(d))
            fail(f, ST1_NOT_WRITABLE, 0);
        else
            move(f, FDD_SECTOR);
        return;
    }
    sector = fdd_sector(d, f->side, f->in[IN_R]);
    if (!wanted_mark(f, sector)) {
        sector_passed(f);
        return;
    }
    if (!fdd_read(d, sector, f->buffer)) {
        fail(f, ST1_DATA_ERROR, ST2_DATA_ERROR);
        return;
    }
    if (fdc_way(f) == NOWHERE)
        sector_passed(f);
    else
        move(f, FDD_SECTOR);
}

static void id_came(struct fdc *f)
{
    struct fdd *d = drive_of(f);

    f->in[IN_C] = f->in[IN_H] = f->in[IN_R] = f->in[IN_N] = 0;
    if (!has_ids(f, f->in[IN_DRIVE] & 3, f->side)) {
        fail(f, ST1_NO_ADDRESS, 0);
        return;
    }
    f->in[IN_C] = (uint8_t)fdd_cylinder(d);
    f->in[IN_H] = f->side;
    f->in[IN_R] = (uint8_t)(fdc_unit(f)->next_id % d->format->sectors + 1);
    f->in[IN_N] = FDD_SECTOR_N;
    fdc_unit(f)->next_id = f->in[IN_R];
    finish(f, ST0_NORMAL);
}

/* -- formatting, 5.1.6 -- */

static void index_came(struct fdc *f)
{
    struct fdd *d = drive_of(f);

    if (!d->format || !fdc_motor_on(f, f->in[IN_DRIVE] & 3))
        fail(f, ST1_NO_ADDRESS, 0);
    else if (fdd_is_protected(d))
        fail(f, ST1_NOT_WRITABLE, 0);
    else if (f->in[FORMAT_SC])
        move(f, 4u * f->in[FORMAT_SC]);
    else
        finish(f, ST0_NORMAL);
}

/* One ID; false: the host cannot write. */
static bool format_sector(struct fdc *f, const uint8_t *id, bool readable)
{
    struct fdd *d = drive_of(f);
    uint8_t bytes[FDD_SECTOR];
    unsigned sector;

    if (!readable || id[0] != fdd_cylinder(d) || id[1] != f->side || !id[2] ||
        id[2] > d->format->sectors || id[3] != FDD_SECTOR_N) {
        log_guest(f->dev.env->log,
                  "%s: the disk cannot be formatted with a sector %u/%u/%u of "
                  "size code %u on track %u",
                  f->dev.path, id[0], id[1], id[2], id[3], d->track);
        return true;
    }
    sector = fdd_sector(d, f->side, id[2]);
    memset(bytes, f->in[FORMAT_FILL], sizeof(bytes));
    return fdd_write(d, sector, bytes, false);
}

static void format_done(struct fdc *f)
{
    bool readable = has_ids(f, f->in[IN_DRIVE] & 3, f->side), ok = true;
    struct fdd *d = drive_of(f);

    if (!d->format || fdd_is_protected(d)) {
        fail(f, d->format ? ST1_NOT_WRITABLE : ST1_NO_ADDRESS, 0);
        return;
    }
    for (unsigned i = 0; i + 4 <= f->at && ok; i += 4)
        ok = format_sector(f, f->buffer + i, readable);
    if (ok)
        finish(f, ST0_NORMAL);
    else
        fail(f, ST1_DATA_ERROR, 0);
}

/* ------------------------------------------------------------- starting */

/* With EIS a command seeks by itself; returns how long that takes. */
static uint64_t implied_seek(struct fdc *f)
{
    struct unit *u = fdc_unit(f);
    int steps = f->in[IN_C] - u->pcn;

    if (!(f->config & CONFIG_IMPLIED_SEEK) || !steps)
        return 0;
    u->pcn = f->in[IN_C];
    fdd_step(&u->drive, steps);
    f->st0 |= ST0_SEEK_END;
    return fdc_seek_ns(f, (unsigned)(steps < 0 ? -steps : steps));
}

void fdc_start_transfer(struct fdc *f)
{
    uint64_t wait = head_ns(f);

    f->st0 = f->st1 = f->st2 = f->verified = 0;
    f->tc = f->last = false;
    f->side = f->in[IN_DRIVE] >> 2 & 1;
    f->at = f->size = 0;
    f->sectors = f->in[IN_EOT];
    if (fdc_code(f) == CMD_READ_TRACK)
        f->in[IN_R] = 1; /* from the index hole on */
    else
        wait += implied_seek(f);
    wait += sector_ns(f, drive_of(f), f->in[IN_R] - 1u);
    work_after(f, wait);
}

/* READ ID and FORMAT TRACK: there is no ID to look for. */
void fdc_start_track(struct fdc *f)
{
    struct fdd *d = drive_of(f);
    bool format = fdc_code(f) == CMD_FORMAT;
    uint64_t wait = head_ns(f);

    f->st0 = f->st1 = f->st2 = 0;
    f->tc = f->last = false;
    f->side = f->in[IN_DRIVE] >> 2 & 1;
    f->at = f->size = 0;
    if (format)
        f->sectors = f->in[FORMAT_SC];
    wait += sector_ns(f, d, format ? 0 : fdc_unit(f)->next_id);
    if (format && f->real_speed)
        wait += fdd_turn_ns(d);
    work_after(f, wait);
}

void fdc_disk_gone(struct fdc *f, unsigned drive)
{
    if ((f->phase == PHASE_WAIT || f->phase == PHASE_MOVE) &&
        (f->in[IN_DRIVE] & 3) == drive)
        fail(f, ST1_NO_ADDRESS, 0);
}

void fdc_work(void *owner)
{
    struct fdc *f = owner;

    if (f->phase != PHASE_WAIT)
        return;
    switch (fdc_code(f)) {
    case CMD_READ_ID:
        id_came(f);
        break;
    case CMD_FORMAT:
        index_came(f);
        break;
    default:
        sector_came(f);
    }
}
