/*
 * -help and the manual page, both from the table of options.
 */
#include <stdio.h>
#include <string.h>

#include "frontend/cli/cli_priv.h"
#include "frontend/end.h"

enum { WIDTH = 79, INDENT = 8 };

/* Print text in lines of at most WIDTH, each behind INDENT blanks. */
static void wrap(const char *text)
{
    int column = 0;

    while (*text) {
        size_t len = strcspn(text, " ");

        if (column && column + 1 + (int)len > WIDTH) {
            putchar('\n');
            column = 0;
        }
        column += printf("%*s%.*s", column ? 1 : INDENT, "", (int)len, text);
        text += len + (text[len] == ' ');
    }
    putchar('\n');
}

void cli_print_help(const struct config *c)
{
    printf("usage: %s [options] [IMAGE]\n\n", c->program);
    puts("Runs a whole PC or RISC-V machine.  IMAGE is a kernel, an ELF\n"
         "program, a disk, CD or floppy, or a device tree; a PC boots from\n"
         "-hda, -cdrom, -fda, too.  Without anything, a built-in demo runs\n"
         "(with -M pc, the PC's); Ctrl-A X ends it.  --option is the same as\n"
         "-option.");
    for (const struct option *o = cli_options; o->help; o++) {
        if (!o->name) {
            printf("\n%s:\n", o->help);
            continue;
        }
        printf("  -%s%s%s\n", o->name, o->argument ? " " : "",
               o->argument ? o->argument : "");
        wrap(o->help);
    }
    puts("\nExit status:");
    for (const struct end_note *n = end_notes; n->status; n++) {
        printf("  %s\n", n->status);
        wrap(n->meaning);
    }
}

/* Text in troff: nothing in it may steer the formatter. */
static void man_text(const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", stdout);
    for (; *text; text++) {
        if (*text == '-')
            fputs("\\-", stdout);
        else if (*text == '\\')
            fputs("\\e", stdout);
        else
            putchar(*text);
    }
}

static void man_options(void)
{
    puts(".SH OPTIONS");
    for (const struct option *o = cli_options; o->help; o++) {
        if (!o->name) {
            printf(".SS %s\n", o->help);
            continue;
        }
        printf(".TP\n\\fB\\-");
        man_text(o->name);
        printf("\\fR");
        if (o->argument) {
            printf(" \\fI");
            man_text(o->argument);
            printf("\\fR");
        }
        putchar('\n');
        man_text(o->help);
        puts(".");
    }
}

static void man_list(const char *title, const struct end_note *notes)
{
    printf(".SH \"%s\"\n", title);
    for (const struct end_note *n = notes; n->status; n++) {
        puts(".TP");
        printf("\\fB");
        man_text(n->status);
        printf("\\fR\n");
        man_text(n->meaning);
        puts(".");
    }
}

static const struct end_note key_notes[] = {
    {"Ctrl-A X", "end the emulator, status 0"},
    {"Ctrl-A C", "switch between the serial line and the monitor"},
    {"Ctrl-A H", "list these keys"},
    {"Ctrl-A B", "send a break: Linux's magic SysRq, with the next key"},
    {"Ctrl-A A", "send Ctrl-A to the guest"},
    {"Ctrl-Alt-G", "in a window: take mouse and keyboard, or let them go"},
    {"Ctrl-Alt-F", "full screen, or no longer"},
    {"Ctrl-Alt-U", "the picture's own size"},
    {"Ctrl-Alt-I", "integer or smooth scaling"},
    {"Alt-2, Alt-1", "with -display curses: the monitor, the guest"},
    {NULL, NULL},
};

void cli_print_man(void)
{
    puts(
        ".TH EMU 1 \"\" \"emu " EMU_VERSION "\" \"User Commands\"\n"
        ".SH NAME\n"
        "emu \\- run a whole computer\n"
        ".SH SYNOPSIS\n"
        "\\fBemu\\fR [\\fIoptions\\fR] [\\fIIMAGE\\fR]\n"
        ".SH DESCRIPTION\n"
        "\\fBemu\\fR runs a PC or a RISC\\-V machine with its memory, buses\n"
        "and devices.\n"
        "\\fIIMAGE\\fR is a kernel, an ELF program, a disk, CD or floppy, or "
        "a\n"
        "device tree;\n"
        "without it a built\\-in demo runs, with \\fB\\-M pc\\fR the PC's.\n"
        "Options are QEMU's where QEMU has them; \\fB\\-\\-opt\\fR is the\n"
        "same as \\fB\\-opt\\fR, and a comma inside a value is written twice.");
    man_options();
    man_list("KEYS", key_notes);
    man_list("EXIT STATUS", end_notes);
    puts("Under a name that begins with qemu\\-system\\-, the statuses are\n"
         "QEMU's: signals, resets and panics end with 0, and a fault of the\n"
         "emulator with its signal.\n"
         ".SH ENVIRONMENT\n"
         ".TP\n"
         "\\fBTMPDIR\\fR\n"
         "where \\-snapshot keeps what the guest writes (else /var/tmp).");
}
