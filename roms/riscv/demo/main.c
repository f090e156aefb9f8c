/*
 * The demo guest: what `emu` runs when it is given nothing to run.
 *
 * It needs no firmware.  Hart 0 comes here from start.S in M-mode with the
 * address of the device tree, which alone tells what the machine has.
 */
#include "bench.h"
#include "board.h"
#include "console.h"
#include "csr.h"
#include "print.h"
#include "shell.h"
#include "show.h"
#include "test.h"
#include "trap.h"

_Noreturn void demo_main(const void *tree);

static void show_banner(const struct board *board)
{
    const char *model = fdt_text(&board->fdt, board->fdt.root, "model");

    print("\nemu demo guest on %s\n",
          model != NULL ? model : "an unnamed board");
    if (board->problem != NULL)
        print("The device tree at %lx is unusable: %s.\n"
              "Guessing a console at %lx; nothing else is known.\n",
              (uintptr_t)board->fdt.blob, board->problem, board->uart.base);
}

_Noreturn void demo_main(const void *tree)
{
    static struct board board;

    trap_init();
    board_read_console(&board, tree);
    while (!board.has_console)
        wait_for_interrupt(); /* nobody to talk to */
    console_init(&board.uart);
    show_banner(&board);
    board_read_rest(&board);
    trap_enable_interrupts(&board);

    show_harts(&board);
    show_memory(&board);
    show_devices(&board);
    test_all(&board);
    if (trap_interrupts().external == 0)
        console_poll(); /* the test has told why */
    bench_all(&board);
    print("Type help for a list of commands.\n");
    shell_run(&board);
}
