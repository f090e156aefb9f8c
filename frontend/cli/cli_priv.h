/*
 * The option table, and the handlers that it names.  For frontend/cli/.
 */
#ifndef FRONTEND_CLI_CLI_PRIV_H
#define FRONTEND_CLI_CLI_PRIV_H

#include "frontend/cli/config.h"
#include "frontend/cli/keyval.h"

/*
 * A handler records what its option says.  arg: the argument, which lives as
 * long as the config, or NULL if the option takes none.  CLI_RUN: go on.
 */
typedef enum cli_result cli_handler(struct config *c, const char *arg,
                                    struct error *e);

struct option {
    const char *name;     /* without the dash; NULL: `help` titles a group */
    const char *argument; /* as shown, or NULL: takes none */
    cli_handler *handle;
    const char *help; /* one sentence, no full stop */
};

/* Ended by an entry whose name and help are NULL. */
extern const struct option cli_options[];

/* Print -help, or the manual page in troff. */
void cli_print_help(const struct config *c);
void cli_print_man(void);

/* Handlers that fill more than a line: */
cli_handler cli_drive, cli_pflash, cli_blockdev, cli_fw_cfg, cli_boot;
cli_handler cli_hda, cli_hdb, cli_hdc, cli_hdd, cli_cdrom, cli_fda, cli_fdb;
cli_handler cli_chardev, cli_debugcon, cli_mon, cli_monitor, cli_serial;
cli_handler cli_parallel;
cli_handler cli_machine, cli_accel, cli_cpu, cli_smp, cli_m, cli_device;
cli_handler cli_icount, cli_jit, cli_rtc, cli_action, cli_smbios, cli_uuid;

/* Find out what c->image is, and put it where it belongs. */
bool cli_take_image(struct config *c, struct error *e);

/* After the last option: defaults, and what does not go together. */
bool cli_finish_devices(struct config *c, struct error *e);
bool cli_finish_chars(struct config *c, struct error *e);
bool cli_finish_drives(struct config *c, struct error *e);

#endif
