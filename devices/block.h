/*
 * A disk's host side, as a controller sees it.  Implemented by
 * frontend/host/ (raw files, -snapshot overlay).
 */
#ifndef DEVICES_BLOCK_H
#define DEVICES_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct block {
    const char *id;
    uint64_t size; /* bytes; a multiple of 512 (a file's odd tail is padded
                      with zeros when read) */
    bool read_only;
    /*
     * Read or write size bytes at byte offset; the whole range lies within
     * `size`.  0, or an errno value (EIO, ENOSPC, EROFS).  A short host
     * read inside the file is an error, past its end it reads as zero.
     */
    int (*read)(struct block *b, uint64_t offset, void *out, uint64_t size);
    int (*write)(struct block *b, uint64_t offset, const void *in,
                 uint64_t size);
    /* Returns when everything written is on stable storage. */
    int (*flush)(struct block *b);
    /* Give the range up: it reads as zero afterwards. */
    int (*discard)(struct block *b, uint64_t offset, uint64_t size);
};

#endif
