/*
 * A machine without a CPU: RAM, a clock that a test turns by hand, and
 * devices whose registers it drives.
 *
 *     struct harness *h = harness_new();
 *     struct device *uart = harness_device(h, "ns16550a", "chardev=line");
 *
 *     harness_write(h, uart, 0, 1, 1, 0x01);
 *     harness_type(h, "line", "x", 1);
 *     assert_true(harness_level(h, uart, 0));
 *     harness_free(h);
 *
 * Character devices and disks are made when a property first names them.
 * Time is in icount mode at 1 ns an instruction, entropy is deterministic.
 * What goes wrong in the harness itself ends the program by abort().
 */
#ifndef TESTS_DEVICES_HARNESS_H
#define TESTS_DEVICES_HARNESS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "devices/block.h"
#include "devices/chardev.h"
#include "devices/device.h"

struct prng; /* tests/unit.h */

#define HARNESS_RAM ((uint64_t)0x80000000)
#define HARNESS_RAM_SIZE ((uint64_t)0x100000)
/* What the PCI host shows, from the first PCI device on. */
#define HARNESS_PCI_MEMORY ((uint64_t)0x40000000)
#define HARNESS_PCI_MEMORY_SIZE ((uint64_t)0x10000000)
#define HARNESS_PCI_PORTS ((uint64_t)0x3000000)

#define HARNESS_DISK_SIZE ((uint64_t)0x10000)

enum { HARNESS_MAX_DEVICES = 16, HARNESS_MAX_BACKENDS = 8 };

/* An output of a device. */
struct harness_wire {
    bool level;
    unsigned changes;
    unsigned carried; /* by the line's number, above bit 8 */
};

struct harness_chardev {
    struct chardev chardev;
    char id[32];
    uint8_t out[65536]; /* what the chip sent; the rest is only counted */
    size_t n_out;
};

struct harness_disk {
    struct block block;
    char id[32];
    uint8_t *data;
    int error; /* if not 0, what every call returns */
    unsigned reads, writes, flushes, discards;
};

struct harness {
    pthread_mutex_t lock;
    struct clock *clock;
    uint64_t insns;
    uint64_t look_ns; /* by how much each look at the clock moves it */
    struct gate *gate;
    struct log log;
    char *log_text;
    size_t log_size;
    struct memory *memory, *ports;
    struct ram *ram;
    struct region ram_region;
    struct device_env env;
    struct backends backends;

    unsigned requests; /* how many times a device asked the machine */
    enum machine_request last_request;
    int last_code;

    struct device *device[HARNESS_MAX_DEVICES];
    struct harness_wire *wire[HARNESS_MAX_DEVICES];
    unsigned n_devices;
    struct device *pci_host; /* NULL before the first PCI device */
    uint64_t next_base, next_port, next_bar;
    struct harness_chardev *chardev[HARNESS_MAX_BACKENDS];
    unsigned n_chardevs;
    struct harness_disk *disk[HARNESS_MAX_BACKENDS];
    unsigned n_disks;
};

struct harness *harness_new(void);
/* Frees the devices, last first, and all else. */
void harness_free(struct harness *h);

/*
 * Make a device of the class with properties "name=value,name=value" (NULL:
 * none) and its smallest number of outputs; map its windows (those without a
 * size get 64 MiB), attach a PCI function or plug a virtio device, reset.
 * abort() if any of it fails.
 */
struct device *harness_device(struct harness *h, const char *cls,
                              const char *properties);
/* The same in steps: to see errors, or for more outputs. */
struct device *harness_make(struct harness *h, const struct device_class *cls);
bool harness_start(struct harness *h, struct device *dev, unsigned n_out,
                   struct error *e);
/* As harness_device(), with some value for every required property, and a
 * backend for every one that takes one. */
struct device *harness_any(struct harness *h, const struct device_class *cls);
/* Free one device early. */
void harness_remove(struct harness *h, struct device *dev);

/* Registers, as a guest sees them. */
enum bus_result harness_try_read(struct harness *h, struct device *dev,
                                 unsigned window, uint64_t offset,
                                 unsigned size, uint64_t *value);
enum bus_result harness_try_write(struct harness *h, struct device *dev,
                                  unsigned window, uint64_t offset,
                                  unsigned size, uint64_t value);
/* The same; abort() if the access is refused. */
uint64_t harness_read(struct harness *h, struct device *dev, unsigned window,
                      uint64_t offset, unsigned size);
void harness_write(struct harness *h, struct device *dev, unsigned window,
                   uint64_t offset, unsigned size, uint64_t value);

/* Output n of dev, and an input line. */
struct harness_wire *harness_out(struct harness *h, struct device *dev,
                                 unsigned n);
bool harness_level(struct harness *h, struct device *dev, unsigned n);
void harness_input(struct harness *h, struct device *dev, unsigned line,
                   bool level);

/* Let ns pass; timers fire at their deadlines. */
void harness_advance(struct harness *h, uint64_t ns);
void harness_reset(struct harness *h, struct device *dev);

/* Its state, as in a snapshot; the caller frees it. */
uint8_t *harness_save(struct harness *h, struct device *dev);
/* That state again; false: it is refused. */
bool harness_load(struct harness *h, struct device *dev, const uint8_t *bytes);
/* Its own state, with some nonsense in it. */
void harness_load_damaged(struct harness *h, struct device *dev,
                          struct prng *prng);

/* By id; made if there is none yet. */
struct harness_chardev *harness_chardev(struct harness *h, const char *id);
struct harness_disk *harness_disk(struct harness *h, const char *id);
/* Type into a character device; returns what the gate took.  What the chip
 * does not take waits in the gate, and goes on with harness_deliver(). */
size_t harness_type(struct harness *h, const char *id, const void *bytes,
                    size_t size);
void harness_deliver(struct harness *h);

/* What guest errors were logged so far. */
const char *harness_log(struct harness *h);

/* Config space of a PCI device. */
uint32_t harness_config_read(struct harness *h, struct device *dev,
                             unsigned offset, unsigned size);
void harness_config_write(struct harness *h, struct device *dev,
                          unsigned offset, unsigned size, uint32_t value);
/* Give every BAR an address, and switch on decoding and bus mastering. */
void harness_enable_pci(struct harness *h, struct device *dev);

#endif
