/* What the files of machine/ know of a machine. */
#ifndef MACHINE_MACHINE_PRIV_H
#define MACHINE_MACHINE_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "cpu/core/cpu.h"
#include "machine/blob.h"
#include "machine/load/load.h"
#include "machine/machine.h"
#include "machine/tree.h"

#define MACHINE_MAX_CPUS RAM_CODE_MAX
#define MACHINE_MAX_RAM LOAD_MAX_RAM
#define MACHINE_SERIALS 4
#define MACHINE_IDE 4
#define MACHINE_FLOPPIES 2
#define MACHINE_VIRTIO_DISKS 32

#define DRIVE_GEOMETRY 40 /* bytes of "cylinders,heads,sectors" */

/* A place for a drive of a controller. */
struct drive_slot {
    bool present, cd;
    const char *id;            /* NULL: none */
    const char *option;        /* what it was asked for with, for messages */
    const char *drive;         /* its block's id; NULL: it is empty */
    const char *serial, *type; /* properties of the controller; or NULL */
    char chs[DRIVE_GEOMETRY], lchs[DRIVE_GEOMETRY]; /* "": by the disk's size */
    unsigned translation; /* enum pc_translation + 1; 0: by the disk's size */
    int boot_index;       /* -1: none */
};

struct vcpu {
    struct machine *machine;
    struct cpu *cpu;
    pthread_t thread;
    bool idle;         /* icount: it halted when it last ran */
    uint64_t turn_end; /* icount: of its turn, in its own instructions */
    uint64_t wired;    /* inputs that some device drives, by bit */
};

/* A device, and the node that it was made from. */
struct member {
    struct device *dev;
    int node;       /* in the machine's tree; -1: a -device */
    int boot_index; /* of a -device; -1: none */
};

/* Why the vCPU threads stand still or shall; or-ed. */
enum hold {
    HOLD_PAUSE = 1 << 0,   /* machine_pause() */
    HOLD_REQUEST = 1 << 1, /* a reset or an end is to be carried out */
    HOLD_END = 1 << 2,     /* the run has ended */
    HOLD_STOP = 1 << 3,    /* the threads shall end */
    HOLD_CARRY = 1 << 4,   /* the main thread carries out what was asked for */
    HOLD_SLEEP = 1 << 5,   /* the guest has suspended the machine */
    HOLD_BUS = 1 << 6,     /* a vCPU wants the bus for itself */
};

/* How a run ends. */
struct ending {
    enum machine_end end;
    int code;
    char why[sizeof(((struct error *)0)->text)];
};

struct machine {
    /* What the frontend gave. */
    struct log *log;
    struct backends backends;
    void (*wake)(void *owner);
    void *owner;
    const char *serial[MACHINE_SERIALS];
    const char *parallel; /* NULL: none, or a port has it */
    const char *pflash[MACHINE_PFLASH];

    /* What the board says of itself, from its root node. */
    struct tree board;
    bool ports_exist, unmapped_ones;
    bool bare;          /* no CPU, no memory: nothing runs */
    const char *virtio; /* "pci" or "device" */
    unsigned max_cpus;
    uint64_t default_ram, min_ram;
    unsigned serials_used; /* bit n: a port has -serial n */
    unsigned pflash_banks; /* bit n: the board has a bank for drive n */
    uint64_t pflash_start, pflash_end; /* of bank 0 */
    struct fw_cfg *fw_cfg; /* what firmware is told; NULL: nothing */
    uint32_t fadt;         /* where it is among the ACPI tables */
    /* Controllers whose drives the options name; NULL: none. */
    struct device *fdc, *ide_controller;
    bool disks_are_ide; /* those that do not say where they go */
    struct drive_slot ide[MACHINE_IDE], floppy[MACHINE_FLOPPIES];
    const char *virtio_disk[MACHINE_VIRTIO_DISKS]; /* block ids */
    const char *want_card; /* of the board's own graphics cards, or NULL */
    bool have_card;
    const char *const *firmware_dirs; /* -L's, while it is made */
    bool default_bios;
    uint8_t boot_order[3]; /* for the CMOS RAM, after the first reset */
    const char *rom_file;  /* firmware that fills the boot ROM; NULL: it is
                              the boot stub's */
    bool rom_not_on;       /* which does not run on these processors */
    bool direct; /* it is the reset code of a kernel without firmware */

    /* The machine's tree; nodes in struct member are of this one. */
    struct tree tree;

    pthread_mutex_t lock; /* the device lock */
    struct clock *clock;
    struct gate *gate;
    bool own_gate;
    struct memory *memory, *ports;
    struct device_env env;
    struct member *members;
    unsigned n_members, members_room;

    struct ram *ram, *rom;
    struct tree_ram ram_piece[MACHINE_MAX_RAM];
    struct region ram_region[MACHINE_MAX_RAM], rom_region;
    struct region rom_alias; /* the ROM's end, once more */
    unsigned n_ram;

    struct vcpu *vcpu;
    unsigned n_cpus;
    struct error jit_missing; /* why there is no translator, or "" */
    char cpu_model[32];       /* of all, without its features */
    unsigned xlen;
    uint64_t timebase_hz;
    bool icount;
    unsigned icount_shift;

    struct loader loader;

    /* Running; see run.c. */
    atomic_uint hold; /* enum hold */
    pthread_mutex_t run_lock;
    pthread_cond_t parked_cond; /* n_parked grew */
    pthread_cond_t go_cond;     /* hold or nudged changed */
    unsigned n_threads, n_parked;
    unsigned n_at_bus; /* vCPUs that have it or wait for it */
    bool bus_taken;
    bool nudged;                   /* icount: look again; under run_lock */
    bool clock_runs;               /* main thread's */
    atomic_bool firing;            /* the main thread is in timers and sinks */
    _Atomic(struct cpu *) running; /* icount: whose turn it is */
    pthread_key_t icount_key;      /* set in the icount thread only */
    bool have_key;

    /* Wanted by anybody, under request_lock; then carried out by the main
     * thread. */
    pthread_mutex_t request_lock;
    bool reset_wanted, sleep_wanted, wake_wanted, no_reboot;
    enum sleep_loss sleep_loss;  /* of the last sleep */
    const char *lockstep_report; /* the CPU's, or NULL */
    struct ending wanted, ended;
};

/* -- core.c: memory and processors -- */

/* RAM and CPUs, as the board has and the options want them. */
bool machine_make_core(struct machine *m, const struct machine_config *config,
                       struct error *e);
/* The CPUs' time is that of the board's timer, where it has one. */
void machine_connect_time(struct machine *m);

/* -- build.c: from tree to devices -- */

/* CPUs, RAM, devices, wires, as the board and config say. */
bool machine_build(struct machine *m, const struct machine_config *config,
                   struct error *e);
void machine_unbuild(struct machine *m);
/* Take over a created device; on failure it is freed. */
bool machine_add(struct machine *m, struct device *dev, int node,
                 struct error *e);
/* Is the processors' model in the list that a property is? */
bool machine_lists_model(const struct machine *m, const struct tree *t,
                         int node, const char *property);
/* The device of a node, or NULL. */
struct device *machine_device_at(const struct machine *m, int node);
/* The n-th device of a class, in the tree's order, or NULL. */
struct device *machine_device_of(const struct machine *m,
                                 const struct device_class *cls, unsigned n);

/* -- wires.c -- */

/* How many outputs a device of this node drives, per the tree. */
bool machine_count_outputs(struct machine *m, int node, unsigned *n,
                           struct error *e);
/* Connect every device's outputs; refuse circles. */
bool machine_connect(struct machine *m, struct error *e);

/* -- check.c -- */

/* Refuse registers and memory that overlap without a priority. */
bool machine_check_overlaps(struct machine *m, struct error *e);

/* -- told.c: what firmware is told of the machine -- */

/* Fill the firmware configuration store. */
bool machine_tell(struct machine *m, const struct machine_config *config,
                  struct error *e);
/* Before every reset but the first. */
void machine_tell_reset(struct machine *m);
/* The machine sleeps, and will wake by a reset of its processors; or, when it
 * is to start again, does not sleep any more. */
void machine_tell_sleep(struct machine *m, bool asleep);

/* The input of the IOAPIC that a device's first output leads to; 0: none. */
uint32_t machine_ioapic_input(const struct device *dev);
/* The slots of virtio over MMIO that are taken and have such an input, at most
 * `most`; returns how many. */
unsigned machine_slots(const struct machine *m, struct pc_direct_slot *slot,
                       unsigned most);

/* A PC's tables, into the store: acpi.c, smbios.c. */
bool machine_tell_acpi(struct machine *m, struct error *e);
/* The same as it lies in memory at an address, RSDP first, for a board without
 * firmware; *out is the caller's to free, empty where there is no ACPI. */
bool machine_make_acpi(struct machine *m, uint32_t address, struct blob *out,
                       struct error *e);
bool machine_tell_smbios(struct machine *m, const struct machine_config *config,
                         struct error *e);

/* -- drives.c: IDE and floppy drives -- */

/* Is -device's driver one of drive_kinds? */
bool machine_is_drive(const char *driver);
/* Find out which drive goes where. */
bool machine_place_drives(struct machine *m,
                          const struct machine_config *config, struct error *e);
/* Give a controller, which is not yet created, its drives. */
bool machine_set_drives(struct machine *m, struct device *dev, struct error *e);
/* Are there controllers for all? */
bool machine_check_drives(struct machine *m, struct error *e);
/* Drives and disks, for the CMOS RAM. */
struct pc_setup;
void machine_describe_disks(struct machine *m, struct pc_setup *setup);
/* The files bootorder and bios-geometry; first: a path before all others, or
 * NULL; strict: nothing else. */
bool machine_tell_boot(struct machine *m, const char *first, bool strict,
                       struct error *e);

/* -- plug.c: -device and disks -- */

/* The ROM that a device's property romfile names: *bytes are the caller's to
 * free, NULL where there is none, or it is not found and does not have to be;
 * and of a PCI function, put into it. */
bool machine_read_rom(struct machine *m, const struct device *dev, bool must,
                      uint8_t **bytes, uint32_t *size, struct error *e);
bool machine_add_rom(struct machine *m, struct device *dev, bool must,
                     struct error *e);

bool machine_plug(struct machine *m, const struct machine_config *config,
                  struct error *e);

/* -- run.c -- */

bool machine_init_run(struct machine *m, struct error *e);
void machine_destroy_run(struct machine *m);
/* For struct device_env. */
void machine_request(void *machine, enum machine_request what, int code);
/* For struct lockstep_config. */
void machine_differs(void *machine, const char *report);
/* For struct cpu_wires, in real time; the vCPU's own thread. */
void machine_bus_lock(void *machine, bool on);
/* For clock_use_icount(). */
uint64_t machine_insns(void *machine);
/* Devices and CPUs to their state after power-on, memory loaded. */
bool machine_power_on(struct machine *m, struct error *e);

#endif
