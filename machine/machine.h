/*
 * A machine: a board made from a device tree, its CPUs, memory and devices.
 *
 * The frontend makes one, gives it backends (serial lines, disks), starts
 * it, and calls machine_poll() from its main loop.  Several machines can
 * live in one process.
 */
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/gate.h"
#include "base/log.h"
#include "devices/device.h"
#include "devices/gameport.h"

struct display_frame;
struct display_text;
struct machine;

/* A -device: class name and property list, already split. */
struct device_option {
    const char *driver;
    size_t n;
    const char *const *names, *const *values;
};

/* A -fw_cfg: a file for the guest's firmware. */
struct fw_cfg_option {
    const char *name;
    const char *file; /* what it holds; or NULL: text */
    const char *text;
};

/* A -smbios: fields of a structure ("type" among them), or "file" alone. */
struct smbios_option {
    size_t n;
    const char *const *names, *const *values;
};

#define MACHINE_PFLASH 4

/* Where a drive goes: -drive's if=. */
enum drive_interface {
    DRIVE_BOARD, /* where the board's disks are: IDE, or virtio */
    DRIVE_VIRTIO,
    DRIVE_IDE,
    DRIVE_FLOPPY,
    DRIVE_PFLASH,
    DRIVE_NONE, /* where a -device says */
};

/* A -drive. */
struct drive_option {
    const char *option; /* what it was asked for with, for messages */
    const char *id;     /* its own; and of its block, unless it is `empty` */
    enum drive_interface interface;
    bool empty, cd;
    int index, bus, unit; /* -1: not given */
};

/* Kinds of -device that are no device_class but drives of a controller. */
struct drive_kind {
    const char *name, *summary; /* NULL: the end of the list */
    const struct property *properties;
};
extern const struct drive_kind drive_kinds[];

/* What to boot from: letters a (floppy), c (disk), d (CD), n (network). */
struct boot_option {
    const char *order; /* NULL: the board's */
    const char *once;  /* until the first reset; or NULL */
    bool menu, strict;
    /* ms; of the menu's prompt, by default the firmware's, and after which
     * firmware that found nothing to boot resets, by default never */
    bool has_splash_time, has_reboot_timeout;
    uint16_t splash_time, reboot_timeout;
    const char *splash; /* file: the menu's picture, JPEG or BMP; or NULL */
};

/* The graphics card that a board has if nobody asks for another one. */
enum vga_option {
    VGA_DEFAULT,
    VGA_NONE,
    VGA_STD,
    VGA_CGA,
    VGA_CGA_COMPOSITE,
    VGA_HERCULES
};

struct machine_config {
    const char *board; /* embedded board's name, or a .dts/.dtb file;
                          NULL: the default, virt */
    const char *const *board_options; /* its options, "NAME=VALUE" each */
    size_t n_board_options;
    uint64_t ram_size;     /* bytes; 0: the board's default */
    unsigned cpus;         /* 0: as many as the board lists */
    const char *cpu;       /* model and features; NULL: the board's */
    const char *board_cpu; /* in place of what the board says; or NULL */
    const char *kernel, *initrd, *append, *dtb; /* files, text; or NULL */
    const char *bios;                 /* NULL or "default", "none", or a file */
    const char *const *firmware_dirs; /* -L, NULL-terminated; or NULL */
    /* What to run where neither kernel nor bios nor disk is given, on RISC-V
     * and on a PC; or NULL. */
    const void *demo, *pc_demo;
    size_t demo_size, pc_demo_size;
    const char *serial[4]; /* chardev ids of the board's serial ports */
    const char *parallel;  /* and of its parallel port; NULL: no printer */
    const struct device_option *devices;
    size_t n_devices;
    const struct drive_option *drives;
    size_t n_drives;
    bool no_defaults; /* no drive or graphics card that nobody asked for */
    enum vga_option vga;
    bool no_graphics; /* firmware shall talk on the serial line */
    struct boot_option boot;
    const char *pflash[MACHINE_PFLASH]; /* block ids of the flash banks */
    const struct fw_cfg_option *fw_cfg;
    size_t n_fw_cfg;
    const struct smbios_option *smbios;
    size_t n_smbios;
    const uint8_t *uuid; /* the machine's, 16 bytes as it is written, or NULL */
    bool icount;
    unsigned icount_shift; /* ns = insns << shift */
    uint64_t seed;         /* deterministic entropy, with icount */
    /* What the wall clock starts at, ns since 1970-01-01, if given: else at the
     * host's, or, with icount, always at the same. */
    bool wall_clock_given;
    uint64_t wall_clock_ns;
    bool wall_clock_stops; /* it goes on with the machine's time alone */
    bool no_chain;         /* for -d exec */
    bool jit;              /* compile hot code, where this host can */
    uint64_t jit_buffer;   /* bytes of host code; 0: the default */
    uint32_t jit_off;      /* passes to leave out, see jit/jit.h */
    /* Compare both engines over windows of so many instructions; 0: no.
     * Needs icount, and jit to be had. */
    uint64_t lockstep;

    struct log *log;   /* outlives the machine */
    struct gate *gate; /* of the backends' sources; outlives the machine.
                          NULL: the machine makes its own */
    struct backends backends;
    /* Any thread: the main loop should call machine_poll() again. */
    void (*wake)(void *owner);
    void *owner;
};

/* How a run ended. */
enum machine_end {
    MACHINE_RUNNING,
    MACHINE_POWEROFF, /* code 0 */
    MACHINE_FAILED,   /* the guest reported failure `code` */
    MACHINE_RESET,    /* a reset that -no-reboot turned into an end */
    MACHINE_PANIC,
    MACHINE_DIFFERS, /* lockstep found that the engines do */
};

/* Can a -device be of that class? */
bool machine_can_plug(const struct device_class *cls);

/* Make a machine, not yet running.  false: e names option, file, node. */
bool machine_new(struct machine **out, const struct machine_config *config,
                 struct error *e);
void machine_free(struct machine *m);

/* The gate: config->gate, or the machine's own.  Backends need it before
 * machine_new(), so that whoever has any makes it first and hands it over.
 * Sources are added before machine_start().  The machine listens to
 * gate_on_pending(); gate_on_room() is free for the backends' owner. */
struct gate *machine_gate(struct machine *m);

/* Write the tree that the guest gets as a .dtb file, with the emulator's own
 * properties and nodes: -M takes it as a board, -dtb leaves them out again. */
bool machine_dump_tree(struct machine *m, const char *file, struct error *e);

/* A reset ends the run (-no-reboot) instead of starting the guest again. */
void machine_set_no_reboot(struct machine *m, bool on);

/* Start the vCPU threads; pause and go on.  Main thread only. */
bool machine_start(struct machine *m, struct error *e);
void machine_pause(struct machine *m);
void machine_resume(struct machine *m);
bool machine_paused(const struct machine *m);
/* Has the guest suspended it? */
bool machine_asleep(const struct machine *m);
/* Ask for a reset as if the reset button were pressed. */
void machine_reset(struct machine *m);
/* Press the power button; false: the board has none. */
bool machine_power_button(struct machine *m);
/* Press the NMI button; false: the board has none. */
bool machine_nmi(struct machine *m);
/* Call show() with what the first of its displays shows, under the device
 * lock; false: it has none. */
bool machine_show(struct machine *m,
                  void (*show)(void *owner, const struct display_frame *f),
                  void *owner);
/* The same for the text that it shows; false: there is none now. */
bool machine_show_text(struct machine *m,
                       void (*show)(void *owner, const struct display_text *t),
                       void *owner);
/* A drive of the board's controllers. */
struct machine_drive {
    char name[24];        /* "ide1-cd0", "floppy0" */
    const char *id;       /* its -drive's or -device's; or NULL */
    struct block *medium; /* NULL: it is empty */
    bool removable, cd;
};
/* The n-th of them; false: there are fewer. */
bool machine_drive(struct machine *m, unsigned n, struct machine_drive *out);
/*
 * Put a medium into a drive, by its name or id; NULL: take it out.  force: even
 * if the guest has locked the drive.  *old is what has come out, if anything,
 * be it that the new one does not fit; the caller closes it.  false: e.
 */
bool machine_change_medium(struct machine *m, const char *drive,
                           struct block *medium, bool force, struct block **old,
                           struct error *e);
/* Is there a display? */
bool machine_has_screen(const struct machine *m);
/* Input, as in devices/ps2.h: moves to the right, up, and the wheel towards
 * the user are positive.  By one thread at a time.  false: there is no room,
 * ask again later; where there is no keyboard or mouse it is gone. */
bool machine_key(struct machine *m, unsigned key, bool down);
bool machine_mouse(struct machine *m, int dx, int dy, int dz, unsigned buttons);
/* The keyboard's LEDs, as in devices/i8042.h; any thread. */
bool machine_leds(struct machine *m, unsigned *leds);
/* The same for the joysticks of a game port; is there one? */
bool machine_joysticks(struct machine *m, const struct joysticks *j);
bool machine_has_gameport(struct machine *m);
/* Instructions of all vCPUs until a little while ago; any thread. */
uint64_t machine_instructions(struct machine *m);
/* Stop and join the vCPU threads. */
void machine_stop(struct machine *m);

/* Main loop: fire timers, deliver input, carry out requests.  Returns the
 * host ns until it wants to be called again (CLOCK_NEVER: only by wake). */
uint64_t machine_poll(struct machine *m);

/* Has the guest ended the run, and how?  code: exit status that the guest
 * asked for, 0 for a power-off.  Stays so; machine_poll() does nothing
 * more and the vCPUs stand still. */
enum machine_end machine_ended(struct machine *m, int *code);
/* After such an end, which then is none: on from where it stood, or from a
 * reset.  A machine that is paused stays so. */
void machine_go_on(struct machine *m, bool reset);
/* Why it ended, one line without a newline; "" while it runs. */
const char *machine_why(struct machine *m);

/* What lockstep found, many lines, if it ended as MACHINE_DIFFERS; else
 * NULL. */
const char *machine_lockstep_report(const struct machine *m);

/* Does a demo run, for want of anything else? */
bool machine_runs_demo(const struct machine *m);

/* Was anything given that its processors start in: firmware, a kernel, flash?
 * A board without a processor needs none. */
bool machine_has_program(const struct machine *m);

/* Why `jit` was asked for and is not had; NULL if it is. */
const char *machine_jit_missing(const struct machine *m);

/* Counters and registers as text, for -d stats and the monitor. */
void machine_stats(struct machine *m, char *out, size_t size);

/* A value that -M BOARD,NAME=VALUE takes, with the tree's overlay that it
 * stands for; of each name the first is the default and has none. */
struct board_option {
    const char *name, *value; /* NULL: the end of a list */
    const unsigned char *overlay;
    size_t overlay_size;
};

/*
 * Of the whole state: each CPU's and device's fields, virtual time, RAM.  Two
 * runs that give the same went the same way.  While the vCPUs stand still.
 * false: no memory.
 */
bool machine_hash(struct machine *m, uint64_t *hash);

/* The embedded boards: name, summary; NULL name ends. */
struct board {
    const char *name, *summary;
    const unsigned char *dtb;
    size_t dtb_size;
    uint64_t default_ram, min_ram;
    const struct board_option *options;
};
extern const struct board boards[];

/* Guess what a file is, for `emu IMAGE`. */
enum image_kind {
    IMAGE_UNKNOWN,
    IMAGE_RISCV_KERNEL, /* Image, gzip'd Image, EFI zboot, U-Boot uImage */
    IMAGE_RISCV_ELF,
    IMAGE_TREE,    /* .dts or .dtb */
    IMAGE_DISK,    /* raw disk with a partition table */
    IMAGE_PC_DISK, /* the same with code in its first sector */
    IMAGE_X86_KERNEL, /* bzImage; Multiboot, also in gzip */
    IMAGE_CD,
    IMAGE_FLOPPY,
};
bool machine_guess_image(const char *file, enum image_kind *kind,
                         struct error *e);

#endif
