/*
 * A board of RAM, ROM, MMIO slots and a PCI host on the harness, and a
 * driver for virtio devices that builds its rings in that RAM.
 *
 * A struct vdev is a device behind either transport, with one set of
 * functions, so that a test runs over both.  The driver writes rings by
 * hand: a test can make any of their fields wrong.
 */
#ifndef TESTS_DEVICES_VIRTIO_RIG_H
#define TESTS_DEVICES_VIRTIO_RIG_H

#include "tests/unit.h"

#include "base/bytes.h"
#include "devices/pci/pci.h"
#include "devices/virtio/virtio.h"
#include "tests/devices/harness.h"

/* Guest addresses. */
#define RIG_RAM 0x90000000u
#define RIG_RAM_SIZE 0x400000u
#define RIG_ROM 0x1000u
#define RIG_ROM_SIZE 0x1000u
#define RIG_SLOTS 0x10001000u /* MMIO slots, 0x1000 each */
#define RIG_ECAM 0x30000000u
#define RIG_PCI_IO 0x3000000u /* bus address 0 */
#define RIG_PCI_MEMORY 0x40000000u
#define RIG_PCI_MEMORY_SIZE 0x40000000u
#define RIG_PCI_HIGH 0x400000000u
#define RIG_N_SLOTS 8
/* What of RAM the driver does not use for rings. */
#define RIG_BUFFERS (RIG_RAM + 0x100000u)

#define RIG_DISK_SIZE 0x100000u

struct rig {
    struct harness *h;
    struct memory *memory;        /* the harness's */
    struct harness_disk *disk;    /* "d0", of RIG_DISK_SIZE */
    struct harness_chardev *line; /* "c0" */
    struct ram *ram, *rom;
    struct region ram_region, rom_region;
    struct device *slot[RIG_N_SLOTS];
    struct device *host; /* PCI host bridge */
    void *fdt;
    bool irq[RIG_N_SLOTS + 4]; /* the slots' lines, then INTA..INTD */
    size_t log_seen;
};

void rig_init(struct rig *r);
void rig_fini(struct rig *r);
/* What was logged since the last call of this; valid until then. */
const char *rig_log(struct rig *r);
/* Let time pass until the next timer fires; returns whether one did. */
bool rig_timers(struct rig *r);

/* A device of a class with properties "name=value", NULL-terminated; fails
 * the test if that fails. */
struct device *rig_device(struct rig *r, const char *cls, const char *path,
                          const char *const *properties);
/* The same, but expected to fail; returns the error line. */
struct error rig_refused(struct rig *r, const char *cls,
                         const char *const *properties);

uint64_t rig_read(struct rig *r, uint64_t pa, unsigned size);
void rig_write(struct rig *r, uint64_t pa, uint64_t value, unsigned size);
uint32_t rig_config_read(struct rig *r, unsigned devfn, unsigned offset,
                         unsigned size);
void rig_config_write(struct rig *r, unsigned devfn, unsigned offset,
                      uint32_t value, unsigned size);

/* The tree that the rig's host bridge is made from. */
void *rig_tree(void);

/* -- the driver -- */

enum transport { ON_MMIO, ON_PCI };

struct vring {
    unsigned size;
    uint64_t desc, avail, used;
    uint16_t idx;  /* next available index */
    uint16_t seen; /* used entries taken */
};

struct vdev {
    struct rig *rig;
    enum transport transport;
    struct device *dev;
    struct virtio *virtio; /* the device's own, to look at */
    unsigned slot;         /* MMIO slot, or PCI slot */
    uint64_t base;         /* registers, or BAR */
    struct vring ring[4];
};

/* Make a device of class "NAME-device" or "NAME-pci" and plug it in; its
 * BAR is placed and enabled, but no register is touched. */
void vdev_plug(struct vdev *d, struct rig *r, enum transport t,
               const char *name, const char *const *properties);
/* Plug a device in that was created by the test. */
void vdev_attach(struct vdev *d, struct rig *r, enum transport t,
                 struct device *dev);

/* Registers, whatever the transport. */
uint8_t vdev_status(struct vdev *d);
void vdev_set_status(struct vdev *d, uint8_t status);
uint64_t vdev_features(struct vdev *d);
void vdev_set_features(struct vdev *d, uint64_t features);
void vdev_select(struct vdev *d, unsigned queue);
unsigned vdev_queue_max(struct vdev *d);
void vdev_set_queue(struct vdev *d, unsigned size, uint64_t desc,
                    uint64_t avail, uint64_t used);
void vdev_enable(struct vdev *d);
bool vdev_enabled(struct vdev *d);
void vdev_notify(struct vdev *d, unsigned queue);
/* Interrupt status, cleared by this; the line must agree with it. */
uint8_t vdev_take_isr(struct vdev *d);
bool vdev_irq(struct vdev *d);
uint32_t vdev_config(struct vdev *d, unsigned offset, unsigned size);
void vdev_set_config(struct vdev *d, unsigned offset, uint32_t value,
                     unsigned size);
uint32_t vdev_generation(struct vdev *d);

/* Reset, negotiate features (VERSION_1 is added), set queues 0 to n - 1 up
 * with rings of `size`, DRIVER_OK. */
void vdev_start(struct vdev *d, uint64_t features, unsigned n, unsigned size);
/* The parts of it: up to FEATURES_OK, and one queue. */
void vdev_negotiate(struct vdev *d, uint64_t features);
void vdev_make_queue(struct vdev *d, unsigned n, unsigned size);

#define DESC_NEXT 1
#define DESC_WRITE 2
#define DESC_INDIRECT 4

/* Entry i of a descriptor table at `table`. */
void put_desc(struct rig *r, uint64_t table, unsigned i, uint64_t address,
              uint32_t size, unsigned flags, unsigned next);
/* Put a head into the available ring; notify is up to the caller. */
void vdev_offer(struct vdev *d, unsigned queue, unsigned head);
/* Used entries that the driver has not seen yet. */
unsigned vdev_used(struct vdev *d, unsigned queue);
/* Take one of them. */
void vdev_take(struct vdev *d, unsigned queue, uint32_t *id, uint32_t *len);
/* The above for one chain: descriptors 0 to n - 1 are set up already. */
uint32_t vdev_run(struct vdev *d, unsigned queue);
/* Assert that it is broken, that this was logged, and reset it. */
void vdev_expect_broken(struct vdev *d, const char *message);

#endif
