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

/* What somebody wants to know of disks. */
struct block_watch {
    atomic_ullong *requests; /* reads and writes, counted */
    /* A request ("read", "write", "flush" ...) has failed on the host (err: an
     * errno value), the first of its kind for that file; on any thread. */
    void (*failed)(void *owner, const char *file, const char *what, int err);
    void *owner;
};
/* Before the block is used; watch outlives it. */
void block_file_watch(struct block *b, const struct block_watch *watch);
void block_file_close(struct block *b);

#endif
