/* Where a board's tree comes from: an embedded one, or a user's file. */
#ifndef MACHINE_BOARD_H
#define MACHINE_BOARD_H

#include "machine/tree.h"

/*
 * Open -M's argument: the name of an embedded board, a .dtb, or a .dts, which
 * needs dtc at run time.  NULL: the default board.  options: "NAME=VALUE",
 * of an embedded board; the last of a name counts.
 */
bool board_open(struct tree *t, const char *board, const char *const *options,
                size_t n_options, struct error *e);

/* Open a .dtb or .dts that `option` names. */
bool board_open_file(struct tree *t, const char *option, const char *file,
                     struct error *e);

#endif
