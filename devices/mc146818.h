/* The MC146818 of a PC: what the machine fills before it starts. */
#ifndef DEVICES_MC146818_H
#define DEVICES_MC146818_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/device.h"

extern const struct device_class mc146818_class;

#define MC146818_SHUTDOWN 0x0f /* a byte of the RAM: why there was a reset */
#define MC146818_RESUME 0xfe   /* in it, as QEMU's firmware knows: from a sleep */
#define MC146818_CMOS 256 /* bytes: ports 70h/71h, then ports 72h/73h */

/*
 * Set the calendar, as the battery kept it: ns since 1970-01-01 of the time
 * that the clock shows (UTC or a local one).  Without it that is the gate's
 * wall clock, UTC.  Under the device lock, or before the machine runs.
 */
void mc146818_set_time(struct device *dev, uint64_t ns);

/* One byte of the RAM, by its index (below MC146818_CMOS; the registers, 0 to
 * 0x0d, are not to be had). */
uint8_t mc146818_cmos(struct device *dev, unsigned index);
void mc146818_set_cmos(struct device *dev, unsigned index, uint8_t value);

/* A hard disk as a PC's firmware shows it by INT 13h. */
enum pc_translation { PC_TRANSLATE_NONE, PC_TRANSLATE_LBA, PC_TRANSLATE_LARGE };
struct pc_disk {
    uint32_t cylinders, heads, sectors; /* the drive's own; 0: no disk */
    enum pc_translation translation;
};

/* What a PC's setup program leaves in the RAM: the bytes that SeaBIOS and
 * those of the IBM PC AT Technical Reference know. */
struct pc_setup {
    uint64_t ram_low;     /* bytes below 4 GiB, from address 0 on */
    uint64_t ram_high;    /* bytes from 4 GiB on */
    unsigned cpus;        /* 1 to 256 */
    uint8_t floppy[2];    /* 0: none, 1: 360K, 2: 1.2M, 3: 720K, 4: 1.44M,
                             5: 2.88M */
    uint8_t boot[3];      /* first to third; 0: none, 1: floppy, 2: hard disk,
                             3: CD-ROM, 4: network */
    struct pc_disk disk[4]; /* primary master to secondary slave */
    bool boot_any_floppy; /* without a boot sector's signature, too */
    bool fpu, mouse;
    uint8_t display; /* 0: has a BIOS, or none; 2: CGA, 80 columns; 3: MDA */
};

/* Write them all, with the checksum of 0x10 to 0x2d. */
void mc146818_setup_pc(struct device *dev, const struct pc_setup *s);
/* Only what is booted from, pc_setup's `boot`. */
void mc146818_set_boot(struct device *dev, const uint8_t boot[3]);

#endif
