/*
 * Inside of the floppy controller: its state, for fdc.c (registers, commands,
 * seeks) and fdc_data.c (commands that look for sectors).
 */
#ifndef DEVICES_FDC_PRIV_H
#define DEVICES_FDC_PRIV_H

#include "devices/dma.h"
#include "devices/fdc.h"
#include "devices/fdd.h"

enum { DRIVES = 4, WITH_CABLE = 2 }; /* the chip's, and a PC's */
enum { RECALIBRATE_STEPS = 79 };

/* Window 0; window 1 is DIR and CCR. */
enum { REG_SRA, REG_SRB, REG_DOR, REG_TDR, REG_MSR, REG_FIFO, REGISTERS };

enum {
    DOR_SELECT = 0x03,
    DOR_NOT_RESET = 0x04,
    DOR_GATE = 0x08, /* interrupt and DMA request reach the bus */
};

enum { DSR_RATE = 0x03, DSR_RESET = 0x80 };

enum {
    MSR_COMMAND_BUSY = 0x10,
    MSR_NON_DMA = 0x20,
    MSR_DIO = 0x40, /* to the host */
    MSR_RQM = 0x80,
};

enum { DIR_CHANGE = 0x80, DIR_OPEN = 0x7f };

enum {
    ST0_NORMAL = 0x00,
    ST0_ABNORMAL = 0x40,
    ST0_INVALID = 0x80,
    ST0_POLLING = 0xc0,
    ST0_SEEK_END = 0x20,
    ST0_EQUIPMENT = 0x10,
};
enum {
    ST1_NO_ADDRESS = 0x01,
    ST1_NOT_WRITABLE = 0x02,
    ST1_NO_DATA = 0x04,
    ST1_DATA_ERROR = 0x20,
    ST1_END_OF_CYLINDER = 0x80,
};
enum {
    ST2_SCAN_NOT = 0x04,
    ST2_SCAN_EQUAL = 0x08,
    ST2_WRONG_CYLINDER = 0x10,
    ST2_DATA_ERROR = 0x20,
    ST2_CONTROL_MARK = 0x40,
};
enum {
    ST3_TWO_SIDE = 0x08,
    ST3_TRACK_0 = 0x10,
    ST3_READY = 0x20,
    ST3_PROTECTED = 0x40,
};

enum {
    CMD_READ_TRACK = 0x02,
    CMD_SPECIFY = 0x03,
    CMD_SENSE_DRIVE = 0x04,
    CMD_WRITE = 0x05,
    CMD_READ = 0x06,
    CMD_RECALIBRATE = 0x07,
    CMD_SENSE_INTERRUPT = 0x08,
    CMD_WRITE_DELETED = 0x09,
    CMD_READ_ID = 0x0a,
    CMD_READ_DELETED = 0x0c,
    CMD_FORMAT = 0x0d,
    CMD_DUMPREG = 0x0e,
    CMD_SEEK = 0x0f,
    CMD_VERSION = 0x10,
    CMD_SCAN_EQUAL = 0x11,
    CMD_PERPENDICULAR = 0x12,
    CMD_CONFIGURE = 0x13,
    CMD_LOCK = 0x14,
    CMD_VERIFY = 0x16,
    CMD_SCAN_LOW = 0x19,
    CMD_SCAN_HIGH = 0x1d,
    CMD_CODE = 0x1f,
};
/* Beside the code, in the first byte. */
enum {
    BIT_SKIP = 0x20,
    BIT_MFM = 0x40,
    BIT_MULTI = 0x80,
    BIT_LOCK = 0x80,
    BIT_RELATIVE = 0x80,
    BIT_UP = 0x40, /* of a relative seek */
};
enum { BYTE1_EC = 0x80 }; /* of VERIFY: the last byte is a count */

/* The bytes of a command that moves sectors. */
enum { IN_DRIVE = 1, IN_C, IN_H, IN_R, IN_N, IN_EOT, IN_GPL, IN_DTL };
/* Those of FORMAT TRACK. */
enum { FORMAT_N = 2, FORMAT_SC, FORMAT_GPL, FORMAT_FILL };

enum {
    CONFIG_NO_POLL = 0x10,
    CONFIG_NO_FIFO = 0x20,
    CONFIG_IMPLIED_SEEK = 0x40,
    CONFIG_THRESHOLD = 0x0f,
};

enum { VERSION_82077 = 0x90 };

#define QUICK_NS 20000u
#define MS UINT64_C(1000000)

enum phase { PHASE_COMMAND, PHASE_WAIT, PHASE_MOVE, PHASE_RESULT };

enum way { TO_HOST, FROM_HOST, NOWHERE };

struct fdc;

/* A drive, and what the chip knows of it. */
struct unit {
    struct fdc *fdc;
    struct fdd drive;
    uint8_t pcn;     /* where the chip believes the heads */
    uint8_t st0;     /* of the last seek */
    bool seek_ended; /* SENSE INTERRUPT STATUS has yet to tell */
    bool inwards;    /* of the seek that is going on */
    uint8_t steps;   /* its pulses */
    uint8_t next_id; /* sector that READ ID meets next, from 0 */
    struct timer seek;
};

struct fdc {
    struct device dev;
    struct unit unit[DRIVES];
    struct dma_channel dma;
    bool real_speed;

    uint8_t dor, tdr, dsr;          /* dsr holds the rate, written by CCR too */
    uint8_t step_rate, head_load;   /* SPECIFY's two bytes */
    uint8_t config, pretrack;       /* CONFIGURE's */
    uint8_t perpendicular, sectors; /* sectors: SC or EOT, for DUMPREG */
    bool lock;

    uint8_t phase; /* enum phase */
    uint8_t in[9], n_in;
    uint8_t out[10], n_out, out_at;
    uint8_t buffer[1024];
    uint16_t at, size; /* of the buffer */
    uint8_t st0, st1, st2;
    uint8_t side, verified;
    uint64_t head_until; /* ns: it stays loaded */
    bool tc, last;       /* the count has ended; this sector is the last */
    bool result_int, reset_int; /* why the interrupt is on */
    uint8_t reset_sense;        /* drives that tell of a reset, a bit each */
    struct timer work, poll;
};

/* -- fdc.c -- */

void fdc_update_irq(struct fdc *f);
/* A command has ended with f->out[0] to [n - 1]. */
void fdc_give(struct fdc *f, unsigned n);
/* Virtual ns: now, and how long a seek of `steps` takes. */
uint64_t fdc_now(const struct fdc *f);
uint64_t fdc_seek_ns(const struct fdc *f, unsigned steps);
/* SRT and HLT are in units of data bits, 5.1.11: ms at 500 kbit/s, in ns. */
uint64_t fdc_scaled(const struct fdc *f, uint64_t ms);

static inline unsigned fdc_code(const struct fdc *f)
{
    return f->in[0] & CMD_CODE;
}

static inline bool fdc_non_dma(const struct fdc *f)
{
    return f->head_load & 1;
}

static inline struct unit *fdc_unit(struct fdc *f)
{
    return &f->unit[f->in[IN_DRIVE] & 3];
}

/* On a PC's cable a drive is selected only with its motor on. */
static inline bool fdc_motor_on(const struct fdc *f, unsigned n)
{
    return f->dor >> (4 + n) & 1;
}

/* -- fdc_data.c -- */

/* The commands, all of whose bytes are in f->in. */
void fdc_start_transfer(struct fdc *f);
void fdc_start_track(struct fdc *f);
/* f->work has fired. */
void fdc_work(void *owner);
/* The DMA channel may take something now. */
void fdc_dma_ready(void *owner);
/* Which way the command moves data. */
enum way fdc_way(const struct fdc *f);
/* A drive's disk is taken out: a command that is at it finds no more of its
 * sectors, whatever disk comes next. */
void fdc_disk_gone(struct fdc *f, unsigned drive);
/* The CPU has moved the buffer's last byte. */
void fdc_buffer_done(struct fdc *f);

#endif
