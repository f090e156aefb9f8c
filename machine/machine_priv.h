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
    int node; /* in the machine's tree; -1: a -device */
};

/* Why the vCPU threads stand still or shall; or-ed. */
enum hold {
    HOLD_PAUSE = 1 << 0,   /* machine_pause() */
    HOLD_REQUEST = 1 << 1, /* a reset or an end is to be carried out */
    HOLD_END = 1 << 2,     /* the run has ended */
    HOLD_STOP = 1 << 3,    /* the threads shall end */
    HOLD_CARRY = 1 << 4,   /* the main thread carries out what was asked for */
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
    const char *pflash[MACHINE_PFLASH];

    /* What the board says of itself, from its root node. */
    struct tree board;
    bool ports_exist, unmapped_ones;
    bool bare; /* no CPU, no memory: nothing runs */
    const char *virtio; /* "pci" or "device" */
    unsigned max_cpus;
    uint64_t default_ram, min_ram;
    unsigned serials_used;  /* bit n: a port has -serial n */
    unsigned pflash_banks;  /* bit n: the board has a bank for drive n */
    uint64_t pflash_start, pflash_end; /* of bank 0 */
    struct fw_cfg *fw_cfg;  /* what firmware is told; NULL: nothing */
    uint32_t fadt;          /* where it is among the ACPI tables */
    const char *rom_file;   /* firmware that fills the boot ROM; NULL: it is
                               the boot stub's */
    bool rom_not_on; /* which does not run on these processors */
    bool direct;     /* it is the reset code of a kernel without firmware */

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
    char cpu_model[32]; /* of all, without its features */
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
    bool nudged;                   /* icount: look again; under run_lock */
    bool clock_runs;               /* main thread's */
    atomic_bool firing;            /* the main thread is in timers and sinks */
    _Atomic(struct cpu *) running; /* icount: whose turn it is */
    pthread_key_t icount_key;      /* set in the icount thread only */
    bool have_key;

    /* Wanted by anybody, under request_lock; then carried out by the main
     * thread. */
    pthread_mutex_t request_lock;
    bool reset_wanted, no_reboot;
    const char *lockstep_report; /* the CPU's, or NULL */
    struct ending wanted, ended;
};

/* -- build.c: from tree to devices -- */

/* CPUs, RAM, devices, wires, as the board and config say. */
bool machine_build(struct machine *m, const struct machine_config *config,
                   struct error *e);
void machine_unbuild(struct machine *m);
/* Take over a created device; on failure it is freed. */
bool machine_add(struct machine *m, struct device *dev, int node,
                 struct error *e);
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
bool machine_tell_smbios(struct machine *m, struct error *e);

/* -- plug.c: -device and disks -- */

bool machine_plug(struct machine *m, const struct machine_config *config,
                  struct error *e);

/* -- run.c -- */

bool machine_init_run(struct machine *m, struct error *e);
void machine_destroy_run(struct machine *m);
/* For struct device_env. */
void machine_request(void *machine, enum machine_request what, int code);
/* For struct lockstep_config. */
void machine_differs(void *machine, const char *report);
/* For clock_use_icount(). */
uint64_t machine_insns(void *machine);
/* Devices and CPUs to their state after power-on, memory loaded. */
bool machine_power_on(struct machine *m, struct error *e);

#endif
