/*
 * A disk in a file: raw, read-only, or with an overlay that is thrown away.
 */
#ifndef FRONTEND_HOST_BLOCK_FILE_H
#define FRONTEND_HOST_BLOCK_FILE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/error.h"
#include "devices/block.h"
#include "frontend/cli/config.h"

/*
 * Open the file of a -drive.  Nothing is written, and the file is locked
 * against a second writer, in this process and others.  config outlives the
 * block.  false: e names the file.
 */
bool block_file_open(struct block **out, const struct drive_config *config,
                     struct error *e);
/* Count its reads and writes there, too; before it is used. */
void block_file_count(struct block *b, atomic_ullong *requests);
void block_file_close(struct block *b);

#endif
