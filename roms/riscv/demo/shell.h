/* The prompt. */
#ifndef DEMO_SHELL_H
#define DEMO_SHELL_H

#include "board.h"

/* Reads and runs commands for ever. */
_Noreturn void shell_run(const struct board *board);

#endif
