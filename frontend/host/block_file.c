/*
 * A disk in a file: raw bytes, 512 to a sector.
 *
 * With snapshot=on, the file is only read; what the guest writes goes to an
 * unlinked, sparse temporary file ($TMPDIR, else /var/tmp) in clusters of
 * 64 KiB, and a bitmap says which are there.  A cluster that is written for
 * the first time is filled from the file.
 *
 * Locks are advisory: one writer, or any number of readers (F_OFD_SETLK, or
 * flock() where that is missing); they hold against QEMU's, too.  File
 * systems without locks go without.
 *
 * Missing: asynchronous reads and writes (the guest waits for the host),
 * other formats than raw, disks with sectors of 4096 bytes.
 */
#include "frontend/host/block_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/fs.h>
#endif

enum { SECTOR = 512, CLUSTER_BITS = 16 };
enum request { READ, WRITE, FLUSH, DISCARD };
#define CLUSTER ((uint64_t)1 << CLUSTER_BITS)

struct block_file {
    struct block b;
    const char *name;
    int fd;
    uint64_t file_size; /* b.size is this, rounded up to a sector */
    enum cache_mode cache;
    bool ignore_discard;
    int overlay;   /* -1: none */
    uint8_t *have; /* one bit a cluster: it is in the overlay */
    const struct block_watch *watch; /* or NULL */
    unsigned failed;                 /* 1 << enum request: it was told */
};

static struct block_file *file_of(struct block *b)
{
    return (struct block_file *)b;
}

static void count(struct block_file *f)
{
    if (f->watch)
        ++*f->watch->requests;
}

/* The request has ended with err: the first failure of each kind is told. */
static int ended(struct block_file *f, enum request what, int err)
{
    static const char *const words[] = {"read", "write", "flush", "discard"};
    const char *word = words[what];

    if (err && f->watch && !(f->failed & 1u << what)) {
        f->failed |= 1u << what;
        if (what == WRITE && f->overlay >= 0)
            word = "write to the snapshot";
        f->watch->failed(f->watch->owner, f->name, word, err);
    }
    return err;
}

/* ------------------------------------------------------------ whole I/O */

/* Read size bytes; from offset `end` on there are zeros where the file has
 * none: before that it was cut short.  errno value. */
static int read_all(int fd, uint64_t offset, void *out, uint64_t size,
                    uint64_t end)
{
    uint8_t *at = out;

    while (size) {
        size_t piece = size < INT_MAX ? (size_t)size : INT_MAX;
        ssize_t n = pread(fd, at, piece, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        if (!n && offset < end)
            return EIO;
        if (!n) {
            memset(at, 0, piece);
            n = (ssize_t)piece;
        }
        at += n;
        offset += (uint64_t)n;
        size -= (uint64_t)n;
    }
    return 0;
}

static int write_all(int fd, uint64_t offset, const void *in, uint64_t size)
{
    const uint8_t *at = in;

    while (size) {
        size_t piece = size < INT_MAX ? (size_t)size : INT_MAX;
        ssize_t n = pwrite(fd, at, piece, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n ? errno : EIO;
        at += n;
        offset += (uint64_t)n;
        size -= (uint64_t)n;
    }
    return 0;
}

static int write_zeros(int fd, uint64_t offset, uint64_t size)
{
    static const uint8_t zeros[4096];
    int err = 0;

    while (size && !err) {
        uint64_t piece = size < sizeof(zeros) ? size : sizeof(zeros);

        err = write_all(fd, offset, zeros, piece);
        offset += piece;
        size -= piece;
    }
    return err;
}

/* Make a range of fd read as zero, giving its space up if the file system
 * can. */
static int clear_range(int fd, uint64_t offset, uint64_t size)
{
#ifdef FALLOC_FL_PUNCH_HOLE
    if (!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                   (off_t)offset, (off_t)size))
        return 0;
    if (errno != EOPNOTSUPP && errno != ENOSYS)
        return errno;
#endif
    return write_zeros(fd, offset, size);
}

/* --------------------------------------------------------- without overlay */

static int plain_read(struct block *b, uint64_t offset, void *out,
                      uint64_t size)
{
    struct block_file *f = file_of(b);

    count(f);
    return ended(f, READ, read_all(f->fd, offset, out, size, f->file_size));
}

static int plain_flush(struct block *b)
{
    struct block_file *f = file_of(b);

    if (b->read_only || f->cache == CACHE_UNSAFE)
        return 0;
    while (fdatasync(f->fd))
        if (errno != EINTR)
            return ended(f, FLUSH, errno);
    return 0;
}

static int plain_write(struct block *b, uint64_t offset, const void *in,
                       uint64_t size)
{
    struct block_file *f = file_of(b);
    int err;

    count(f);
    if (b->read_only)
        return EROFS;
    err = ended(f, WRITE, write_all(f->fd, offset, in, size));
    if (!err && f->cache == CACHE_WRITETHROUGH)
        err = plain_flush(b);
    return err;
}

static int plain_discard(struct block *b, uint64_t offset, uint64_t size)
{
    struct block_file *f = file_of(b);
    int err;

    if (b->read_only)
        return EROFS;
    if (!size)
        return 0;
    /* The space is kept, but the guest reads zeros all the same. */
    err = f->ignore_discard ? write_zeros(f->fd, offset, size)
                            : clear_range(f->fd, offset, size);
    err = ended(f, DISCARD, err);
    if (!err && f->cache == CACHE_WRITETHROUGH)
        err = plain_flush(b);
    return err;
}

/* ------------------------------------------------------------ with overlay */

static bool in_overlay(const struct block_file *f, uint64_t cluster)
{
    return f->have[cluster / 8] >> cluster % 8 & 1;
}

/* The part of [offset, offset + size) that lies in offset's cluster. */
static uint64_t cluster_piece(uint64_t offset, uint64_t size)
{
    uint64_t left = CLUSTER - (offset & (CLUSTER - 1));

    return size < left ? size : left;
}

static int overlay_read(struct block *b, uint64_t offset, void *out,
                        uint64_t size)
{
    struct block_file *f = file_of(b);
    uint8_t *at = out;
    int err = 0;

    count(f);
    while (size && !err) {
        uint64_t piece = cluster_piece(offset, size);
        bool have = in_overlay(f, offset >> CLUSTER_BITS);

        err = read_all(have ? f->overlay : f->fd, offset, at, piece,
                       have ? 0 : f->file_size);
        at += piece;
        offset += piece;
        size -= piece;
    }
    return ended(f, READ, err);
}

/* Fill the rest of offset's cluster, if it is the file's still, when
 * [offset, offset + size) is about to be replaced. */
static int fill_cluster(struct block_file *f, uint64_t offset, uint64_t size)
{
    uint64_t start = offset & ~(CLUSTER - 1);
    uint8_t *bytes;
    int err;

    if (in_overlay(f, offset >> CLUSTER_BITS) || size == CLUSTER)
        return 0;
    bytes = malloc(CLUSTER);
    if (!bytes)
        return ENOMEM;
    err = read_all(f->fd, start, bytes, CLUSTER, f->file_size);
    if (!err)
        err = write_all(f->overlay, start, bytes, CLUSTER);
    free(bytes);
    return err;
}

/*
 * Replace [offset, offset + size) by in, or by zeros (NULL).  A cluster is the
 * overlay's when all of it is there: until then, as where the host is full, it
 * reads as it did.
 */
static int overlay_put(struct block_file *f, uint64_t offset, const uint8_t *in,
                       uint64_t size)
{
    int err = 0;

    while (size && !err) {
        uint64_t piece = cluster_piece(offset, size);
        uint64_t cluster = offset >> CLUSTER_BITS;

        err = fill_cluster(f, offset, piece);
        if (!err)
            err = in ? write_all(f->overlay, offset, in, piece)
                     : clear_range(f->overlay, offset, piece);
        if (!err)
            f->have[cluster / 8] |= (uint8_t)(1 << cluster % 8);
        in += in ? piece : 0;
        offset += piece;
        size -= piece;
    }
    return err;
}

static int overlay_write(struct block *b, uint64_t offset, const void *in,
                         uint64_t size)
{
    struct block_file *f = file_of(b);

    count(f);
    return b->read_only ? EROFS
                        : ended(f, WRITE, overlay_put(f, offset, in, size));
}

static int overlay_discard(struct block *b, uint64_t offset, uint64_t size)
{
    struct block_file *f = file_of(b);

    return b->read_only ? EROFS
                        : ended(f, DISCARD, overlay_put(f, offset, NULL, size));
}

/* It is gone at the end in any case. */
static int overlay_flush(struct block *b)
{
    (void)b;
    return 0;
}

static bool open_overlay(struct block_file *f, struct error *e)
{
    const char *dir = getenv("TMPDIR");
    uint64_t clusters = (f->b.size + CLUSTER - 1) >> CLUSTER_BITS;
    char path[PATH_MAX];

    if (!dir || !*dir)
        dir = "/var/tmp";
    if ((size_t)snprintf(path, sizeof(path), "%s/emu-XXXXXX", dir) >=
        sizeof(path))
        return error_set(e, "TMPDIR is too long");
    f->have = calloc(1, clusters / 8 + 1);
    if (!f->have)
        return error_set(e, "out of memory for the snapshot's map");
    f->overlay = mkstemp(path);
    if (f->overlay < 0)
        return error_set(e, "no temporary file for the snapshot in %s: %s", dir,
                         strerror(errno));
    unlink(path);
    fcntl(f->overlay, F_SETFD, FD_CLOEXEC);
    f->b.read = overlay_read;
    f->b.write = overlay_write;
    f->b.flush = overlay_flush;
    f->b.discard = overlay_discard;
    return true;
}

/* ----------------------------------------------------------------- opening */

static bool find_size(struct block_file *f, const char *name, struct error *e)
{
    struct stat st;
    off_t end;

    if (fstat(f->fd, &st))
        return error_set(e, "%s: %s", name, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return error_set(e, "%s: is a directory; a disk is a file", name);
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
        return error_set(e, "%s: is neither a file nor a disk", name);
    end = st.st_size;
#ifdef BLKGETSIZE64
    if (S_ISBLK(st.st_mode)) {
        uint64_t size = 0;

        if (ioctl(f->fd, BLKGETSIZE64, &size))
            return error_set(e, "%s: %s", name, strerror(errno));
        end = (off_t)size;
    }
#endif
    f->file_size = (uint64_t)end;
    if (f->file_size < SECTOR)
        return error_set(e,
                         "%s: %llu bytes are no disk; at least %d are "
                         "needed",
                         name, (unsigned long long)f->file_size, SECTOR);
    return true;
}

/* Is this a format that we would damage if we took it for raw bytes? */
static bool check_format(struct block_file *f, const char *name,
                         struct error *e)
{
    static const struct {
        const char *magic, *name;
        size_t n;
        uint64_t at;
    } formats[] = {
        {"QFI\xfb", "qcow2", 4, 0},           {"KDMV", "vmdk", 4, 0},
        {"vhdxfile", "vhdx", 8, 0},           {"conectix", "vpc", 8, 0},
        {"\x7f\x10\xda\xbe", "vdi", 4, 0x40},
    };
    uint8_t head[SECTOR];

    if (read_all(f->fd, 0, head, sizeof(head), sizeof(head)))
        return error_set(e, "%s: cannot be read", name);
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (!memcmp(head + formats[i].at, formats[i].magic, formats[i].n))
            return error_set(e,
                             "%s: is a %s image; only raw ones are "
                             "supported (format=raw takes it as it is)",
                             name, formats[i].name);
    return true;
}

/* 0, or an errno value. */
static int lock_file(int fd, bool write)
{
#ifdef F_OFD_SETLK
    struct flock lock = {.l_type = write ? F_WRLCK : F_RDLCK,
                         .l_whence = SEEK_SET};

    return fcntl(fd, F_OFD_SETLK, &lock) ? errno : 0;
#else
    return flock(fd, (write ? LOCK_EX : LOCK_SH) | LOCK_NB) ? errno : 0;
#endif
}

static bool take_lock(struct block_file *f, const char *name, bool write,
                      struct error *e)
{
    int err = lock_file(f->fd, write);

    if (err == EAGAIN || err == EACCES || err == EWOULDBLOCK)
        return error_set(e, "%s: is in use by another drive or machine%s", name,
                         write ? "" : ", which writes to it");
    return true;
}

static bool open_file(struct block_file *f, const struct drive_config *c,
                      struct error *e)
{
    bool write = !c->read_only && !c->snapshot;
    /* O_NONBLOCK: a FIFO must not hold us here; disks do not mind. */
    int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

    f->fd = open(c->file, flags | (write ? O_RDWR : O_RDONLY));
    if (f->fd < 0 && write &&
        (errno == EACCES || errno == EROFS || errno == EPERM ||
         errno == ETXTBSY)) {
        int error = errno;

        if (!access(c->file, R_OK))
            return error_set(e,
                             "%s: cannot be written (%s); readonly=on or "
                             "snapshot=on would take it",
                             c->file, strerror(error));
        errno = error;
    }
    if (f->fd < 0 && errno == EISDIR)
        return error_set(e, "%s: is a directory; a disk is a file", c->file);
    if (f->fd < 0)
        return error_set(e, "%s: %s", c->file, strerror(errno));
    if (!find_size(f, c->file, e) || !take_lock(f, c->file, write, e) ||
        (!c->raw_given && !check_format(f, c->file, e)))
        return false;
    if (write && f->file_size % SECTOR)
        return error_set(e,
                         "%s: %llu bytes are no whole number of sectors "
                         "of %d (truncated?); readonly=on or snapshot=on "
                         "would take it",
                         c->file, (unsigned long long)f->file_size, SECTOR);
    return true;
}

bool block_file_open(struct block **out, const struct drive_config *c,
                     struct error *e)
{
    struct block_file *f = calloc(1, sizeof(*f));

    if (!f)
        return error_set(e, "out of memory");
    f->fd = f->overlay = -1;
    if (!open_file(f, c, e)) {
        block_file_close(&f->b);
        return false;
    }
    f->name = c->file;
    f->cache = c->cache;
    f->ignore_discard = c->ignore_discard;
    f->b = (struct block){
        .id = c->id,
        .size = (f->file_size + SECTOR - 1) / SECTOR * SECTOR,
        .read_only = c->read_only,
        .read = plain_read,
        .write = plain_write,
        .flush = plain_flush,
        .discard = plain_discard,
    };
    if (c->snapshot && !c->read_only && !open_overlay(f, e)) {
        error_prefix(e, "%s", c->file);
        block_file_close(&f->b);
        return false;
    }
    *out = &f->b;
    return true;
}

void block_file_watch(struct block *b, const struct block_watch *watch)
{
    file_of(b)->watch = watch;
}

void block_file_close(struct block *b)
{
    struct block_file *f;

    if (!b)
        return;
    f = file_of(b);
    if (f->fd >= 0)
        close(f->fd);
    if (f->overlay >= 0)
        close(f->overlay);
    free(f->have);
    free(f);
}
