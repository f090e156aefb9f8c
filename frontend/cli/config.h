/*
 * What a command line asks for, before anything is opened or made.
 */
#ifndef FRONTEND_CLI_CONFIG_H
#define FRONTEND_CLI_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "frontend/cli/pool.h"
#include "frontend/display/display.h"
#include "machine/machine.h"

enum char_kind {
    CHAR_STDIO,
    CHAR_FILE,
    CHAR_PTY,
    CHAR_NULL,
    CHAR_SOCKET,
    CHAR_MSMOUSE,
    CHAR_MSWHEEL,
};

/* A -chardev, or the backend that a -serial or -monitor named. */
struct char_config {
    const char *id;
    const char *option; /* what it was asked for with, for messages */
    enum char_kind kind;
    const char *path; /* file, socket */
    bool append;      /* file: keep what is there */
    bool mux;         /* shared by a guest's line and the monitor */
    bool signals;     /* stdio: Ctrl-C and the like end the emulator */
    bool server;      /* socket: listen */
    bool wait;        /* socket: hold the machine until somebody connects */
    /* Found by config_finish(): */
    bool guest, monitor; /* who uses it */
};

/* What a panic of the guest does. */
enum at_panic {
    PANIC_SHUTDOWN, /* ends the run */
    PANIC_PAUSE,
    PANIC_FAIL, /* ends it with status 1 */
    PANIC_NONE,
};

/* When a write counts as done. */
enum cache_mode {
    CACHE_WRITEBACK,    /* when the guest flushes */
    CACHE_WRITETHROUGH, /* at once */
    CACHE_UNSAFE,       /* when the host likes */
};

struct drive_config {
    const char *option; /* what it was asked for with, for messages */
    const char *file;   /* NULL: there is no medium in it */
    const char *id;
    enum drive_interface interface;
    enum cache_mode cache;
    bool cd;
    bool pc; /* an option that alone means a PC: -hda, -cdrom, -fda ... */
    bool read_only;
    bool snapshot, snapshot_given;
    bool raw_given; /* format=raw was said, not assumed */
    bool ignore_discard;
    int index, bus, unit; /* -1: not given; of pflash, index is the unit */
    bool used;            /* a -device names it */
};

#define CONFIG_SERIALS 4

struct monitor_config {
    const char *option; /* that asked for it */
    const char *chardev;
};

struct config {
    struct pool pool;
    const char *program; /* argv[0] without folders, for messages */
    bool compat;         /* called by a qemu-system-* name */

    const char *image; /* the argument that is no option */
    const char *board, *dump_tree, *cpu;
    const char **board_options; /* "NAME=VALUE" */
    size_t n_board_options;
    bool jit;                  /* not -accel interp */
    bool jit_wanted;           /* -accel jit: say so where it is not had */
    uint64_t jit_buffer;       /* bytes; 0: the default */
    uint32_t jit_off;          /* -jit no-NAME: passes to leave out */
    bool lockstep;             /* -accel lockstep */
    uint64_t lockstep_window;  /* instructions; 0: the default */
    bool accel_found;          /* one that was named is in this build */
    const char *accel_missing; /* the first that was named before it */
    uint64_t ram;              /* bytes; 0: the board's default */
    const char *kernel, *initrd, *append, *dtb, *bios;
    const char **firmware_dirs; /* NULL-terminated when set */
    size_t n_firmware_dirs;

    struct drive_config *drives;
    size_t n_drives;
    const char *pflash[MACHINE_PFLASH]; /* drive ids, of -machine pflashN= */
    struct fw_cfg_option *fw_cfg;
    size_t n_fw_cfg;
    struct smbios_option *smbios;
    size_t n_smbios;
    uint8_t uuid[16];
    bool uuid_given;
    struct device_option *devices;
    size_t n_devices;
    struct char_config *chars;
    size_t n_chars;
    const char *serials[CONFIG_SERIALS]; /* chardev ids; NULL: not connected */
    size_t n_serials;
    const char *parallel; /* likewise */
    struct monitor_config *monitors;
    size_t n_monitors;
    bool monitor_given; /* -monitor or -mon, be it none */

    enum vga_option vga;
    struct boot_option boot;
    bool snapshot, nographic, nodefaults, full_screen;
    enum display_kind display;
    bool no_reboot, start_paused, no_filter;
    bool pause_at_shutdown;
    enum at_panic at_panic;
    int escape;          /* the byte that Ctrl-A is; 0 to 255 */
    uint64_t timeout_ns; /* 0: none */

    unsigned cpus; /* 0: as the board has it */
    bool icount;
    unsigned icount_shift;
    bool rtc_local, rtc_date_given, rtc_vm;
    uint64_t rtc_date; /* seconds since 1970-01-01 */
    uint64_t seed;
    bool seed_given;

    uint32_t log_mask;
    const char *log_file, *pid_file, *name;
};

/* What parsing came to. */
enum cli_result {
    CLI_RUN,   /* run what the config says */
    CLI_DONE,  /* all that was asked for was text on stdout: end with 0 */
    CLI_ERROR, /* e says why: end with 1 */
};

/*
 * Parse argv into *c (zeroed by this call; config_free() in any case).
 * Text that was asked for goes to stdout.
 */
enum cli_result config_parse(struct config *c, int argc, char **argv,
                             struct error *e);
void config_free(struct config *c);

/* What -rtc says the wall clock starts at, in ns since 1970-01-01; false:
 * nothing but what a machine takes by itself. */
bool config_wall_clock(const struct config *c, uint64_t *ns);

/* The chardev of that id, or NULL. */
struct char_config *config_char(struct config *c, const char *id);

#endif
