/* The prompt: a line editor and its commands. */
#include "shell.h"

#include "bench.h"
#include "console.h"
#include "lib.h"
#include "print.h"
#include "show.h"
#include "test.h"
#include "trap.h"

#define LINE_SIZE 128
#define MAX_ARGS 16
#define MAX_PEEK 1024 /* words */

#define CTRL(letter) ((letter)&0x1f)
#define ESCAPE 0x1b
#define DELETE 0x7f

/* A command's arguments; args[0] is its name. */
struct command_line {
    const struct board *board;
    int count;
    char *args[MAX_ARGS];
};

static void beep(void)
{
    console_write("\a", 1);
}

static void rub_out(void)
{
    console_write("\b \b", 3);
}

/* The keys that send more than one character: read them to their end. */
static void skip_escape(void)
{
    char c = console_read();

    if (c != '[' && c != 'O')
        return;
    do
        c = console_read();
    while (c < '@' || c > '~');
}

/*
 * Read a line, without its end, into `line`.  False if it was given up with
 * Ctrl-C.  A carriage return, a newline or both end it.
 */
static bool read_line(char line[LINE_SIZE])
{
    static bool after_return;
    size_t length = 0;

    for (;;) {
        char c = console_read();
        bool second = c == '\n' && after_return;
        after_return = c == '\r';
        if (second)
            continue;
        if (c == '\r' || c == '\n') {
            line[length] = '\0';
            print("\n");
            return true;
        }
        if (c == CTRL('C')) {
            print("^C\n");
            return false;
        }
        if (c == CTRL('U')) {
            for (; length > 0; length--)
                rub_out();
        } else if (c == '\b' || c == DELETE) {
            if (length > 0) {
                length--;
                rub_out();
            }
        } else if (c == ESCAPE) {
            skip_escape();
        } else if (c >= ' ' && c <= '~' && length + 1 < LINE_SIZE) {
            line[length++] = c;
            console_write(&c, 1);
        } else {
            beep();
        }
    }
}

/* Cut the line at its blanks. */
static void split(char *line, struct command_line *command)
{
    command->count = 0;
    for (;;) {
        while (*line == ' ')
            *line++ = '\0';
        if (*line == '\0' || command->count == MAX_ARGS)
            break;
        command->args[command->count++] = line;
        while (*line != ' ' && *line != '\0')
            line++;
    }
}

/* Argument `i` as a number from 0 to max; complains if it is none. */
static bool number_arg(const struct command_line *command, int i, uint64_t max,
                       uint64_t *value)
{
    if (parse_number(command->args[i], value) && *value <= max)
        return true;
    print("%s: %s is not a number from 0 to 0x%lx\n", command->args[0],
          command->args[i], max);
    return false;
}

static bool address_arg(const struct command_line *command, int i,
                        uint64_t *address)
{
    if (!number_arg(command, i, UINT64_MAX, address))
        return false;
    if (*address % 4 != 0)
        print("%s: the address must be a multiple of 4\n", command->args[0]);
    return *address % 4 == 0;
}

static void do_help(const struct command_line *command);

static void do_devices(const struct command_line *command)
{
    show_devices(command->board);
}

static void do_memory(const struct command_line *command)
{
    show_memory(command->board);
}

static void do_harts(const struct command_line *command)
{
    show_harts(command->board);
}

static void do_test(const struct command_line *command)
{
    test_all(command->board);
}

static void do_bench(const struct command_line *command)
{
    bench_all(command->board);
}

static void do_tree(const struct command_line *command)
{
    show_tree(command->board, command->count > 1 ? command->args[1] : "/");
}

static void do_time(const struct command_line *command)
{
    show_time(command->board);
}

static void do_echo(const struct command_line *command)
{
    for (int i = 1; i < command->count; i++)
        print("%s%s", i > 1 ? " " : "", command->args[i]);
    print("\n");
}

static void do_peek(const struct command_line *command)
{
    uint64_t address, value, count = 1;

    if (!address_arg(command, 1, &address) ||
        (command->count > 2 && !number_arg(command, 2, MAX_PEEK, &count)))
        return;
    for (uint64_t i = 0; i < count; i++, address += 4) {
        if (i > 0 && i % 4 == 0)
            print("\n");
        if (i % 4 == 0)
            print("%012lx:", address);
        if (!probe_load(address, 4, &value)) {
            print(" fault");
            break;
        }
        print(" %08x", (uint32_t)value);
    }
    print("\n");
}

static void do_poke(const struct command_line *command)
{
    uint64_t address, value;

    if (!address_arg(command, 1, &address) ||
        !number_arg(command, 2, UINT32_MAX, &value))
        return;
    if (!probe_store(address, 4, value))
        print("%012lx: fault\n", address);
}

static void do_reboot(const struct command_line *command)
{
    board_reboot(command->board);
    print("reboot: this machine has no device for it\n");
}

static void do_poweroff(const struct command_line *command)
{
    uint64_t code = 0;

    if (command->count > 1 && !number_arg(command, 1, 255, &code))
        return;
    board_poweroff(command->board, (unsigned)code);
    print("poweroff: this machine has no device for it\n");
}

static const struct command {
    const char *name;
    void (*run)(const struct command_line *command);
    int min_args, max_args;
    const char *usage, *help;
} commands[] = {
    {"help", do_help, 0, 0, "", "this list"},
    {"devices", do_devices, 0, 0, "", "devices, PCI functions, virtio slots"},
    {"memory", do_memory, 0, 0, "", "what lies where"},
    {"harts", do_harts, 0, 0, "", "the processors"},
    {"test", do_test, 0, 0, "", "run the self-test"},
    {"bench", do_bench, 0, 0, "", "run the benchmark"},
    {"peek", do_peek, 1, 2, "ADDR [N]", "show N words of 32 bits"},
    {"poke", do_poke, 2, 2, "ADDR VALUE", "store a word of 32 bits"},
    {"tree", do_tree, 0, 1, "[PATH]", "the device tree, or a part of it"},
    {"time", do_time, 0, 0, "", "time base and date"},
    {"echo", do_echo, 0, MAX_ARGS, "[WORD...]", "say it again"},
    {"reboot", do_reboot, 0, 0, "", "start again"},
    {"poweroff", do_poweroff, 0, 1, "[N]", "end, with exit code N if given"},
};

static void do_help(const struct command_line *command)
{
    (void)command;
    for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
        print("  %-9s%-11s %s\n", commands[i].name, commands[i].usage,
              commands[i].help);
    print("  Numbers are decimal, or hexadecimal after 0x.\n");
}

static void run_command(const struct command_line *line)
{
    for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
        const struct command *command = &commands[i];
        if (strcmp(line->args[0], command->name) != 0)
            continue;
        if (line->count - 1 < command->min_args ||
            line->count - 1 > command->max_args)
            print("usage: %s %s\n", command->name, command->usage);
        else
            command->run(line);
        return;
    }
    print("%s: no such command; try help\n", line->args[0]);
}

static uintptr_t run_guarded(uintptr_t line, uintptr_t ignored)
{
    (void)ignored;
    run_command((const struct command_line *)line);
    return 0;
}

_Noreturn void shell_run(const struct board *board)
{
    static char line[LINE_SIZE];
    struct command_line command = {.board = board};
    struct trap trap;

    for (;;) {
        print("emu> ");
        if (!read_line(line))
            continue;
        split(line, &command);
        if (command.count == 0)
            continue;
        if (trap_run(&trap, run_guarded, (uintptr_t)&command, 0))
            print("\n%s: %s at %lx, mtval %lx\n", command.args[0],
                  trap_name(trap.cause), trap.epc, trap.tval);
    }
}
