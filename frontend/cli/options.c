/*
 * The table of every option, and the handlers that take a line or two.
 *
 * Parsing, -help and the manual page all derive from the table: an option
 * is added here and nowhere else.  Names and meanings are QEMU's where QEMU
 * has the option.  Missing: whatever the table does not list; an option is
 * listed once it works.
 */
#include "frontend/cli/cli_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"

static enum cli_result help(struct config *c, const char *arg, struct error *e)
{
    (void)arg;
    (void)e;
    cli_print_help(c);
    return CLI_DONE;
}

static enum cli_result man(struct config *c, const char *arg, struct error *e)
{
    (void)c;
    (void)arg;
    (void)e;
    cli_print_man();
    return CLI_DONE;
}

static enum cli_result version(struct config *c, const char *arg,
                               struct error *e)
{
    (void)c;
    (void)arg;
    (void)e;
    puts("emu version " EMU_VERSION);
    puts("A full-system emulator, under the MIT license.");
    return CLI_DONE;
}

/* Handlers that keep the argument as it is, or set a flag. */
#define KEEP(function, member)                                                 \
    static enum cli_result function(struct config *c, const char *arg,         \
                                    struct error *e)                           \
    {                                                                          \
        (void)e;                                                               \
        c->member = arg;                                                       \
        return CLI_RUN;                                                        \
    }
#define FLAG(function, member)                                                 \
    static enum cli_result function(struct config *c, const char *arg,         \
                                    struct error *e)                           \
    {                                                                          \
        (void)arg;                                                             \
        (void)e;                                                               \
        c->member = true;                                                      \
        return CLI_RUN;                                                        \
    }

KEEP(kernel, kernel)
KEEP(initrd, initrd)
KEEP(append, append)
KEEP(dtb, dtb)
KEEP(bios, bios)
KEEP(log_file, log_file)
KEEP(pid_file, pid_file)
FLAG(snapshot, snapshot)
FLAG(nographic, nographic)
FLAG(nodefaults, nodefaults)
FLAG(full_screen, full_screen)
FLAG(no_reboot, no_reboot)
FLAG(no_shutdown, pause_at_shutdown)
FLAG(no_filter, no_filter)
FLAG(start_paused, start_paused)

/* There is no configuration file that it could switch off. */
static enum cli_result nothing(struct config *c, const char *arg,
                               struct error *e)
{
    (void)c;
    (void)arg;
    (void)e;
    return CLI_RUN;
}

/* Hardware that no board has yet: scripts say so and are right. */
static enum cli_result only_none(struct config *c, const char *arg,
                                 struct error *e)
{
    (void)c;
    if (!strcmp(arg, "none"))
        return CLI_RUN;
    error_set(e, "'%s' is not supported; accepted is none", arg);
    return CLI_ERROR;
}

static enum cli_result vga(struct config *c, const char *arg, struct error *e)
{
    static const struct {
        const char *name;
        enum vga_option card;
        const char *help;
    } cards[] = {
        {"std", VGA_STD, "VGA with Bochs' VBE; a PC's default"},
        {"cga", VGA_CGA, "IBM's colour card (-M isapc)"},
        {"cga-composite", VGA_CGA_COMPOSITE,
         "the same at a colour television's input (-M isapc)"},
        {"hercules", VGA_HERCULES, "Hercules' graphics card (-M isapc)"},
        {"none", VGA_NONE, "no graphics card"},
    };
    const bool list = !strcmp(arg, "help") || !strcmp(arg, "?");

    if (list)
        puts("Graphics cards:");
    for (size_t i = 0; i < sizeof(cards) / sizeof(cards[0]); i++) {
        if (list)
            printf("  %-13s  %s\n", cards[i].name, cards[i].help);
        if (strcmp(arg, cards[i].name))
            continue;
        c->vga = cards[i].card;
        return CLI_RUN;
    }
    if (list)
        return CLI_DONE;
    error_set(e,
              "'%s' is not supported; accepted are std, cga, cga-composite, "
              "hercules and none",
              arg);
    return CLI_ERROR;
}

static enum cli_result firmware_dir(struct config *c, const char *arg,
                                    struct error *e)
{
    size_t n = c->n_firmware_dirs;
    struct stat st;

    if (stat(arg, &st) != 0) {
        error_set(e, "%s", strerror(errno));
        return CLI_ERROR;
    }
    if (!S_ISDIR(st.st_mode)) {
        error_set(e, "wanted a folder");
        return CLI_ERROR;
    }
    *(const char **)pool_append(&c->pool, &c->firmware_dirs, &n, sizeof(arg)) =
        arg;
    c->n_firmware_dirs = n;
    /* The NULL that ends the list is not counted. */
    pool_append(&c->pool, &c->firmware_dirs, &n, sizeof(arg));
    return CLI_RUN;
}

static const struct {
    const char *name;
    enum display_kind kind;
    const char *help;
} displays[] = {
    {"sdl", DISPLAY_SDL, "a window"},
    {"curses", DISPLAY_CURSES, "the screen's text on the terminal"},
    {"none", DISPLAY_NONE, "no window; the terminal is left alone"},
};

static enum cli_result list_displays(void)
{
    struct error e;

    puts("Ways of -display:");
    for (size_t i = 0; i < sizeof(displays) / sizeof(displays[0]); i++)
        printf("  %-8s %s%s\n", displays[i].name, displays[i].help,
               display_built(displays[i].kind, &e) ? "" : " (not built in)");
    return CLI_DONE;
}

static enum cli_result display(struct config *c, const char *arg,
                               struct error *e)
{
    const char *names[sizeof(displays) / sizeof(displays[0])];

    if (!strcmp(arg, "help") || !strcmp(arg, "?"))
        return list_displays();
    for (size_t i = 0; i < sizeof(displays) / sizeof(displays[0]); i++) {
        names[i] = displays[i].name;
        if (strcmp(arg, displays[i].name))
            continue;
        c->display = displays[i].kind;
        return CLI_RUN;
    }
    unknown_word(e, "display", arg, names,
                 sizeof(displays) / sizeof(displays[0]));
    return CLI_ERROR;
}

static enum cli_result escape(struct config *c, const char *arg,
                              struct error *e)
{
    uint64_t code;

    if (!parse_number(arg, 255, &code, e))
        return CLI_ERROR;
    c->escape = (int)code;
    return CLI_RUN;
}

static enum cli_result timeout(struct config *c, const char *arg,
                               struct error *e)
{
    return parse_seconds(arg, &c->timeout_ns, e) ? CLI_RUN : CLI_ERROR;
}

static enum cli_result seed(struct config *c, const char *arg, struct error *e)
{
    c->seed_given = true;
    return parse_number(arg, UINT64_MAX, &c->seed, e) ? CLI_RUN : CLI_ERROR;
}

static enum cli_result name(struct config *c, const char *arg, struct error *e)
{
    static const char *const known[] = {"guest"};
    struct keyval kv;

    if (!keyval_parse(&c->pool, arg, "guest", &kv, e) ||
        !keyval_check(&kv, known, 1, e))
        return CLI_ERROR;
    c->name = keyval_get(&kv, "guest");
    return CLI_RUN;
}

static enum cli_result log_items(struct config *c, const char *arg,
                                 struct error *e)
{
    if (!strcmp(arg, "help") || !strcmp(arg, "?")) {
        puts("Log items, separated by commas (-x takes x away):");
        for (const struct log_name *l = log_names; l->name; l++)
            printf("  %-14s %s\n", l->name, l->help);
        return CLI_DONE;
    }
    return log_parse(arg, &c->log_mask, e) ? CLI_RUN : CLI_ERROR;
}

const struct option cli_options[] = {
    {NULL, NULL, NULL, "Machine"},
    {"machine", "BOARD[,OPTION=VALUE][,dumpdtb=FILE]", cli_machine,
     "board by name, or a device tree (.dts, .dtb); help lists the boards and "
     "their options; dumpdtb writes its tree; pflash0=ID and pflash1=ID are "
     "drives for its flash"},
    {"M", "BOARD[,...]", cli_machine, "same as -machine"},
    {"accel", "NAME[,tb-size=MIB]", cli_accel,
     "jit, the default, compiles hot code into a buffer of MIB, where the host "
     "allows it (tcg means the same); interp is the interpreter; lockstep runs "
     "both and compares"},
    {"jit", "no-NAME[,no-NAME...]", cli_jit,
     "leave out what makes -accel jit fast; help lists the names"},
    {"cpu", "MODEL[,FEATURE=on|off]", cli_cpu,
     "processor model and features; help lists the models"},
    {"smp", "N", cli_smp, "number of processors"},
    {"m", "SIZE", cli_m, "memory, in MiB or with a suffix k, M, G, T"},
    {"device", "NAME[,PROPERTY=VALUE...]", cli_device,
     "add a device; help lists them, NAME,help its properties"},
    {"rtc", "base=utc|localtime|DATE[,clock=host|vm]", cli_rtc,
     "what the guest's clock says at the start (1999-12-31T23:59:50), and "
     "whether it goes on while the machine is stopped (host, the default)"},
    {"icount", "shift=N", cli_icount,
     "virtual time runs by instructions, 2^N ns each, and is repeatable"},
    {"seed", "N", seed, "with -icount: the guest's random numbers"},

    {NULL, NULL, NULL, "Boot"},
    {"kernel", "FILE", kernel,
     "kernel: Image, gzip, EFI zboot, ELF, uImage; a bzImage or a Multiboot "
     "program is a PC's, which is then the default board"},
    {"initrd", "FILE", initrd, "initial RAM disk for the kernel"},
    {"append", "TEXT", append, "the kernel's command line"},
    {"dtb", "FILE", dtb, "device tree for the guest, instead of the board's"},
    {"bios", "default|none|FILE", bios,
     "firmware; the default is the distribution's OpenSBI, a PC's SeaBIOS"},
    {"pflash", "FILE", cli_pflash,
     "next bank of flash; bank 0 goes on behind the firmware, or is where "
     "all begins with -bios none"},
    {"fw_cfg", "NAME,string=TEXT|file=FILE", cli_fw_cfg,
     "a file for the firmware and the guest's kernel, by fw_cfg"},
    {"smbios", "type=N[,FIELD=TEXT...]|file=FILE", cli_smbios,
     "what a PC's SMBIOS tables say: fields of types 0 to 4, 11 and 17, or a "
     "whole structure"},
    {"uuid", "UUID", cli_uuid, "the machine's, in SMBIOS and fw_cfg"},
    {"L", "DIR", firmware_dir, "look for firmware here first (repeatable)"},
    {"boot",
     "[order=]LETTERS[,once=LETTERS][,menu=on][,splash=FILE][,splash-time=MS]"
     "[,...]",
     cli_boot,
     "what a PC boots from, in this order: a floppy, c disk, d CD, n "
     "network; once: until the first reset; menu: ask, for as many "
     "milliseconds as splash-time says, 0 to 65535; splash: the picture "
     "meanwhile, a JPEG, or a BMP of 24 bits, as large as a VBE mode; "
     "more: strict=on: only from what has a bootindex; reboot-timeout=MS: "
     "where nothing boots, reset after so many milliseconds, -1 (the default): "
     "never"},
    {"no-reboot", NULL, no_reboot, "a reset of the guest ends the run"},
    {"no-shutdown", NULL, no_shutdown,
     "when the guest powers off, wait for the monitor's system_reset and cont"},
    {"action", "[reboot=reset|shutdown][,shutdown=poweroff|pause][,panic=WHAT]",
     cli_action,
     "the same in other words; a panic is an end (shutdown), a failure "
     "(exit-failure), a pause or none"},

    {NULL, NULL, NULL, "Disks"},
    {"drive",
     "file=FILE[,if=ide|floppy|virtio|pflash|none][,index=N][,id=ID][,...]",
     cli_drive,
     "a disk, CD or floppy; if= is where it goes, by default where the "
     "board's disks are; with if=none, -device NAME,drive=ID takes it; "
     "index=N, or bus=N,unit=N, is its place there; with if=pflash and "
     "unit=N it is flash bank N; the format is raw; more: media=cdrom, "
     "readonly=on, snapshot=on, cache=MODE"},
    {"blockdev", "file,node-name=ID,filename=FILE[,read-only=on]", cli_blockdev,
     "the same, with if=none"},
    {"hda", "FILE", cli_hda, "first disk; on a PC, the primary IDE master"},
    {"hdb", "FILE", cli_hdb, "second disk"},
    {"hdc", "FILE", cli_hdc, "third disk, in place of the CD-ROM drive"},
    {"hdd", "FILE", cli_hdd, "fourth disk"},
    {"cdrom", "FILE", cli_cdrom, "a CD or DVD, in the secondary IDE master"},
    {"fda", "FILE", cli_fda, "a disk in floppy drive A"},
    {"fdb", "FILE", cli_fdb, "a disk in floppy drive B"},
    {"snapshot", NULL, snapshot,
     "what the guest writes to disks is gone at the end"},

    {NULL, NULL, NULL, "Consoles"},
    {"nographic", NULL, nographic,
     "no window; serial line and monitor share the terminal, as by default"},
    {"display", "sdl|curses|none", display,
     "the screen in a window, its text on the terminal, or not at all; the "
     "default is a window where there are a screen and a display for it"},
    {"full-screen", NULL, full_screen,
     "the window begins with all of the "
     "display"},
    {"serial", "WHERE", cli_serial,
     "next serial line: stdio, mon:stdio, file:FILE, pty, null, none, "
     "unix:PATH[,server,nowait], msmouse, mswheel (mice) or chardev:ID"},
    {"parallel", "WHERE", cli_parallel,
     "what a PC's guest prints at its parallel port: as -serial"},
    {"debugcon", "WHERE", cli_debugcon,
     "what a PC's guest writes to port E9h: as -serial"},
    {"chardev", "KIND,id=ID[,...]", cli_chardev,
     "stdio[,mux=on][,signal=off], file,path=FILE[,append=on], pty, null, "
     "msmouse, mswheel or socket,path=PATH[,server=on][,wait=off]"},
    {"monitor", "WHERE", cli_monitor, "the monitor: as -serial"},
    {"mon", "chardev=ID", cli_mon, "the monitor on a -chardev"},
    {"echr", "CODE", escape, "use another key than Ctrl-A (1)"},
    {"no-filter", NULL, no_filter, "let firmware reset and clear the terminal"},

    {NULL, NULL, NULL, "Process"},
    {"timeout", "SECONDS", timeout, "end the run after so long, status 124"},
    {"S", NULL, start_paused, "wait for the monitor's cont"},
    {"d", "ITEM[,...]", log_items, "log these; help lists them"},
    {"D", "FILE", log_file, "log to FILE instead of stderr"},
    {"pidfile", "FILE", pid_file, "write the process id to FILE"},
    {"name", "NAME", name, "a name for the machine"},
    {"nodefaults", NULL, nodefaults,
     "no serial line, monitor, graphics card, CD-ROM or floppy drive by "
     "itself"},
    {"no-user-config", NULL, nothing, "accepted: there is no such file"},
    {"net", "none", only_none, "accepted: no board has a network card yet"},
    {"nic", "none", only_none, "same"},
    {"vga", "std|cga|cga-composite|hercules|none", vga,
     "the graphics card; a PC has std by default; the others but none are for "
     "isapc; cga-composite is a cga at a colour television's input"},

    {NULL, NULL, NULL, "Help"},
    {"help", NULL, help, "this list"},
    {"h", NULL, help, "same"},
    {"version", NULL, version, "the version"},
    {"man", NULL, man, "the manual page, in troff"},
    {NULL, NULL, NULL, NULL},
};
