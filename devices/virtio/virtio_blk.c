/*
 * virtio block device (virtio 1.2, 5.2).
 *
 * Reads, writes, flush, get-ID, discard and write-zeroes.  Errors of the
 * host's side reach the guest as VIRTIO_BLK_S_IOERR, or S_UNSUPP where the
 * host cannot do such a thing at all.
 *
 * A request is an object with a completion, so that it may end later than
 * it began.  Today the backend's functions are synchronous and a request
 * ends before submit() returns: in deterministic mode that is a virtual time
 * fixed at its submission, too.  What is in flight when requests become
 * asynchronous must be waited for before a snapshot.
 *
 * Missing: several queues (F_MQ), lifetime, secure erase, geometry, size_max,
 * zoned storage; capacity does not change while the machine runs.
 */
#include "devices/virtio/virtio_class.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "devices/block.h"

/* Feature bits, 5.2.3. */
#define F_SEG_MAX ((uint64_t)1 << 2)
#define F_RO ((uint64_t)1 << 5)
#define F_BLK_SIZE ((uint64_t)1 << 6)
#define F_FLUSH ((uint64_t)1 << 9)
#define F_TOPOLOGY ((uint64_t)1 << 10)
#define F_CONFIG_WCE ((uint64_t)1 << 11)
#define F_DISCARD ((uint64_t)1 << 13)
#define F_WRITE_ZEROES ((uint64_t)1 << 14)

/* struct virtio_blk_config, 5.2.4. */
enum {
    CAPACITY = 0,
    SEG_MAX = 12,
    BLK_SIZE = 20,
    PHYSICAL_BLOCK_EXP = 24,
    MIN_IO_SIZE = 26,
    WRITEBACK = 32,
    MAX_DISCARD_SECTORS = 36,
    MAX_DISCARD_SEG = 40,
    DISCARD_SECTOR_ALIGNMENT = 44,
    MAX_WRITE_ZEROES_SECTORS = 48,
    MAX_WRITE_ZEROES_SEG = 52,
    WRITE_ZEROES_MAY_UNMAP = 56,
    CONFIG_SIZE = 60,
};

/* Requests, 5.2.6. */
enum {
    T_IN = 0,
    T_OUT = 1,
    T_FLUSH = 4,
    T_GET_ID = 8,
    T_DISCARD = 11,
    T_WRITE_ZEROES = 13,
};
enum { S_OK = 0, S_IOERR = 1, S_UNSUPP = 2 };

#define HEADER_SIZE 16
#define RANGE_SIZE 16 /* struct virtio_blk_discard_write_zeroes */
#define RANGE_UNMAP 1
#define ID_SIZE 20
#define SECTOR 512

#define QUEUE_SIZE 256
/* Header and status take a descriptor each. */
#define MAX_DATA_SEGMENTS (QUEUE_SIZE - 2)
#define MAX_RANGES 16
/* 2 GiB; 32 MiB, because these may have to be written out. */
#define MAX_DISCARD (1u << 22)
#define MAX_ZEROES (1u << 16)

/* Data goes through a buffer of this size. */
#define BOUNCE ((uint64_t)64 << 10)
/* After so many bytes a notification lets others have the device lock. */
#define TURN ((uint64_t)16 << 20)

struct blk_request;

struct virtio_blk {
    struct block *block;
    const char *serial;
    uint32_t logical_block_size, physical_block_size;
    uint8_t *bounce;
    struct blk_request *idle; /* to be used again */
    uint64_t moved;           /* bytes of data in this turn */
    uint8_t writeback;        /* as the driver set it (F_CONFIG_WCE) */
};

static const struct field virtio_blk_fields[] = {
    FIELD_HOST(struct virtio_blk, block),
    FIELD_HOST(struct virtio_blk, serial),
    FIELD_HOST(struct virtio_blk, logical_block_size),
    FIELD_HOST(struct virtio_blk, physical_block_size),
    FIELD_HOST(struct virtio_blk, bounce),
    FIELD_HOST(struct virtio_blk, idle),
    FIELD_HOST(struct virtio_blk, moved),
    FIELD(struct virtio_blk, writeback, 1),
    FIELD_LIST_END,
};

struct blk_request {
    struct virtio *v;
    struct virtio_chain chain;
    uint32_t type;
    uint64_t sector;
    uint8_t status;
    uint32_t written; /* bytes of data that the guest may rely on */
    void (*done)(struct blk_request *r);
    struct blk_request *next;
};

static struct virtio_blk *blk_of(const struct blk_request *r)
{
    return r->v->owner;
}

static struct blk_request *take_request(struct virtio *v)
{
    struct virtio_blk *b = v->owner;
    struct blk_request *r = b->idle;

    if (!r)
        return malloc(sizeof(*r));
    b->idle = r->next;
    return r;
}

static void give_request(struct virtio_blk *b, struct blk_request *r)
{
    r->next = b->idle;
    b->idle = r;
}

/* -- the backend -- */

static uint8_t status_of(struct blk_request *r, const char *what, int err)
{
    if (err == 0)
        return S_OK;
    if (err == ENOTSUP || err == EOPNOTSUPP || err == ENOSYS)
        return S_UNSUPP;
    log_guest(r->v->dev->env->log, "%s: %s at sector %llu: %s", r->v->dev->path,
              what, (unsigned long long)r->sector, strerror(err));
    return S_IOERR;
}

/* Does [sector, sector + bytes) lie within the disk? */
static bool in_disk(const struct virtio_blk *b, uint64_t sector, uint64_t bytes)
{
    uint64_t size = b->block->size;

    return sector <= size / SECTOR && bytes <= size - sector * SECTOR;
}

/* Is a write stable only when it ends (5.2.6.2)?  Without F_FLUSH the guest
 * cannot ask for it. */
static bool writethrough(const struct virtio *v)
{
    const struct virtio_blk *b = v->owner;

    if (!virtio_has(v, F_FLUSH))
        return true;
    return virtio_has(v, F_CONFIG_WCE) && !b->writeback;
}

static uint8_t flush(struct blk_request *r)
{
    struct block *block = blk_of(r)->block;

    return status_of(r, "flush", block->flush(block));
}

static uint8_t end_of_write(struct blk_request *r, uint8_t status)
{
    return status == S_OK && writethrough(r->v) ? flush(r) : status;
}

/* -- requests -- */

static uint8_t do_read(struct blk_request *r)
{
    uint64_t size = r->chain.write_size - 1, at = 0;
    struct virtio_blk *b = blk_of(r);

    if (size % SECTOR || !in_disk(b, r->sector, size))
        return S_IOERR;
    while (at < size) {
        uint64_t n = size - at < BOUNCE ? size - at : BOUNCE;
        int err =
            b->block->read(b->block, r->sector * SECTOR + at, b->bounce, n);

        if (err)
            return status_of(r, "read", err);
        if (virtio_chain_write(r->v, &r->chain, at, b->bounce, n) != n)
            return S_IOERR;
        at += n;
        b->moved += n;
        r->written = (uint32_t)at;
    }
    return S_OK;
}

static uint8_t do_write(struct blk_request *r)
{
    uint64_t size = r->chain.read_size - HEADER_SIZE, at = 0;
    struct virtio_blk *b = blk_of(r);

    if (b->block->read_only || size % SECTOR || !in_disk(b, r->sector, size))
        return S_IOERR;
    while (at < size) {
        uint64_t n = size - at < BOUNCE ? size - at : BOUNCE;
        int err;

        if (virtio_chain_read(r->v, &r->chain, HEADER_SIZE + at, b->bounce,
                              n) != n)
            return S_IOERR;
        err = b->block->write(b->block, r->sector * SECTOR + at, b->bounce, n);
        if (err)
            return status_of(r, "write", err);
        at += n;
        b->moved += n;
    }
    return end_of_write(r, S_OK);
}

static uint8_t do_get_id(struct blk_request *r)
{
    const struct virtio_blk *b = blk_of(r);
    uint64_t room = r->chain.write_size - 1;
    uint8_t id[ID_SIZE] = {0};

    if (b->serial)
        memcpy(id, b->serial, strlen(b->serial)); /* create checked it */
    if (room > ID_SIZE)
        room = ID_SIZE;
    if (virtio_chain_write(r->v, &r->chain, 0, id, room) != room)
        return S_IOERR;
    r->written = (uint32_t)room;
    return S_OK;
}

static uint8_t write_zeroes(struct blk_request *r, uint64_t sector,
                            uint64_t size)
{
    struct virtio_blk *b = blk_of(r);

    memset(b->bounce, 0, BOUNCE);
    for (uint64_t at = 0; at < size; at += BOUNCE) {
        uint64_t n = size - at < BOUNCE ? size - at : BOUNCE;
        int err = b->block->write(b->block, sector * SECTOR + at, b->bounce, n);

        if (err)
            return status_of(r, "write zeroes", err);
        b->moved += n;
    }
    return S_OK;
}

struct range {
    uint64_t sector;
    uint32_t sectors, flags;
};

/* Give the range up.  It reads as zero then, so that write-zeroes with unmap
 * may do the same, and write them where the host cannot. */
static uint8_t do_range(struct blk_request *r, const struct range *range)
{
    struct block *block = blk_of(r)->block;
    uint64_t size = (uint64_t)range->sectors * SECTOR;
    int err = ENOTSUP;

    if (size == 0)
        return S_OK;
    if (r->type == T_DISCARD || (range->flags & RANGE_UNMAP))
        err = block->discard(block, range->sector * SECTOR, size);
    if (r->type == T_WRITE_ZEROES && err)
        return write_zeroes(r, range->sector, size);
    return status_of(r, "discard", err);
}

/* Unknown flags, and unmap in a discard, are for S_UNSUPP (5.2.6.2). */
static uint8_t check_range(struct blk_request *r, const struct range *range)
{
    bool discard = r->type == T_DISCARD;
    uint32_t known = discard ? 0 : RANGE_UNMAP;

    if (range->flags & ~known)
        return S_UNSUPP;
    if (range->sectors > (discard ? MAX_DISCARD : MAX_ZEROES) ||
        !in_disk(blk_of(r), range->sector, (uint64_t)range->sectors * SECTOR))
        return S_IOERR;
    return S_OK;
}

static uint8_t do_ranges(struct blk_request *r)
{
    uint64_t size = r->chain.read_size - HEADER_SIZE;
    struct range range[MAX_RANGES];
    uint8_t status = S_OK;
    unsigned n;

    if (blk_of(r)->block->read_only || size == 0 || size % RANGE_SIZE ||
        size / RANGE_SIZE > (r->type == T_DISCARD ? MAX_RANGES : 1))
        return S_IOERR;
    n = (unsigned)(size / RANGE_SIZE);
    for (unsigned i = 0; i < n && status == S_OK; i++) {
        uint8_t raw[RANGE_SIZE];

        if (virtio_chain_read(r->v, &r->chain, HEADER_SIZE + i * RANGE_SIZE,
                              raw, RANGE_SIZE) != RANGE_SIZE)
            return S_IOERR;
        range[i].sector = ld_le64(raw);
        range[i].sectors = ld_le32(raw + 8);
        range[i].flags = ld_le32(raw + 12);
        status = check_range(r, &range[i]);
    }
    for (unsigned i = 0; i < n && status == S_OK; i++)
        status = do_range(r, &range[i]);
    return end_of_write(r, status);
}

/* Carry a request out, and end it. */
static void submit(struct blk_request *r)
{
    r->written = 0;
    switch (r->type) {
    case T_IN:
        r->status = do_read(r);
        break;
    case T_OUT:
        r->status = do_write(r);
        break;
    case T_FLUSH:
        r->status = flush(r);
        break;
    case T_GET_ID:
        r->status = do_get_id(r);
        break;
    case T_DISCARD:
    case T_WRITE_ZEROES:
        r->status = do_ranges(r);
        break;
    default:
        r->status = S_UNSUPP;
    }
    r->done(r);
}

/*
 * The status is the last byte of the writable part.  The used length counts
 * what was written from its first byte on, hence the status only if all
 * before it was (2.7.8.2).
 */
static void request_done(struct blk_request *r)
{
    uint64_t at = r->chain.write_size - 1;
    uint32_t written = r->written;

    if (virtio_chain_write(r->v, &r->chain, at, &r->status, 1) == 1) {
        if (written == at)
            written++;
        virtqueue_push(r->v, 0, &r->chain, written);
    }
    give_request(blk_of(r), r);
}

static bool parse_request(struct blk_request *r)
{
    uint8_t header[HEADER_SIZE];

    if (r->chain.write_size < 1 || r->chain.read_size < HEADER_SIZE)
        return virtio_broken(r->v, "a disk request without header or status");
    if (virtio_chain_read(r->v, &r->chain, 0, header, HEADER_SIZE) !=
        HEADER_SIZE)
        return false;
    r->type = ld_le32(header);
    r->sector = ld_le64(header + 8);
    r->done = request_done;
    return true;
}

static void blk_notify(struct virtio *v, unsigned n)
{
    struct virtio_blk *b = v->owner;
    struct blk_request *r;

    b->moved = 0;
    for (;;) {
        r = take_request(v);
        if (!r) {
            virtio_broken(v, "the host is out of memory");
            return;
        }
        r->v = v;
        if (!virtqueue_pop(v, n, &r->chain) || !parse_request(r)) {
            give_request(b, r);
            return;
        }
        submit(r);
        if (b->moved >= TURN) {
            virtqueue_later(v, n);
            return;
        }
    }
}

/* -- configuration -- */

static uint64_t blk_features(struct virtio *v)
{
    const struct virtio_blk *b = v->owner;
    uint64_t f = F_SEG_MAX | F_BLK_SIZE | F_FLUSH | F_TOPOLOGY | F_CONFIG_WCE;

    return f | (b->block->read_only ? F_RO : F_DISCARD | F_WRITE_ZEROES);
}

static unsigned log2_of(uint32_t n)
{
    unsigned k = 0;

    while (n >>= 1)
        k++;
    return k;
}

static void blk_config(struct virtio *v, uint8_t *out)
{
    const struct virtio_blk *b = v->owner;

    st_le64(out + CAPACITY, b->block->size / SECTOR);
    st_le32(out + SEG_MAX, MAX_DATA_SEGMENTS);
    st_le32(out + BLK_SIZE, b->logical_block_size);
    out[PHYSICAL_BLOCK_EXP] =
        (uint8_t)log2_of(b->physical_block_size / b->logical_block_size);
    st_le16(out + MIN_IO_SIZE, 1);
    /* 5.2.5.2: write-through where the driver could not flush. */
    out[WRITEBACK] = b->writeback && (!(v->status & VIRTIO_FEATURES_OK) ||
                                      virtio_has(v, F_FLUSH));
    if (b->block->read_only)
        return;
    st_le32(out + MAX_DISCARD_SECTORS, MAX_DISCARD);
    st_le32(out + MAX_DISCARD_SEG, MAX_RANGES);
    st_le32(out + DISCARD_SECTOR_ALIGNMENT, b->physical_block_size / SECTOR);
    st_le32(out + MAX_WRITE_ZEROES_SECTORS, MAX_ZEROES);
    st_le32(out + MAX_WRITE_ZEROES_SEG, 1);
    out[WRITE_ZEROES_MAY_UNMAP] = 1;
}

static void blk_config_write(struct virtio *v, unsigned offset,
                             const uint8_t *in, unsigned size)
{
    struct virtio_blk *b = v->owner;

    if (offset == WRITEBACK && size == 1 && virtio_has(v, F_CONFIG_WCE))
        b->writeback = in[0] & 1;
}

/* -- life -- */

static bool block_size_good(uint32_t n)
{
    return n >= SECTOR && n <= 32768 && (n & (n - 1)) == 0;
}

static bool blk_create(struct virtio *v, struct error *e)
{
    struct virtio_blk *b = v->owner;

    if (!block_size_good(b->logical_block_size))
        return error_set(e,
                         "logical_block_size=%u: want a power of two from "
                         "512 to 32768",
                         (unsigned)b->logical_block_size);
    if (!block_size_good(b->physical_block_size) ||
        b->physical_block_size < b->logical_block_size)
        return error_set(e,
                         "physical_block_size=%u: want a power of two from "
                         "logical_block_size (%u) to 32768",
                         (unsigned)b->physical_block_size,
                         (unsigned)b->logical_block_size);
    if (b->block->size % b->logical_block_size)
        return error_set(e,
                         "drive '%s' is not a whole number of blocks of %u "
                         "bytes",
                         b->block->id, (unsigned)b->logical_block_size);
    if (b->serial && strlen(b->serial) > ID_SIZE)
        return error_set(e, "serial='%s' is longer than %d characters",
                         b->serial, ID_SIZE);
    b->bounce = malloc(BOUNCE);
    if (!b->bounce)
        return error_set(e, "out of memory");
    return true;
}

static void blk_destroy(struct virtio *v)
{
    struct virtio_blk *b = v->owner;

    while (b->idle) {
        struct blk_request *next = b->idle->next;

        free(b->idle);
        b->idle = next;
    }
    free(b->bounce);
}

static void blk_reset(struct virtio *v)
{
    state_reset(virtio_blk_fields, v->owner);
}

static const struct virtio_type virtio_blk_type = {
    .id = 2,
    .n_queues = 1,
    .queue_size = QUEUE_SIZE,
    .pci_class = 0x010000, /* mass storage, SCSI */
    .config_size = CONFIG_SIZE,
    .create = blk_create,
    .destroy = blk_destroy,
    .features = blk_features,
    .config = blk_config,
    .config_write = blk_config_write,
    .reset = blk_reset,
    .notify = blk_notify,
};

#define BLK_PROPERTIES(s)                                                      \
    {"drive", PROP_BLOCK,         offsetof(s, own.block),                      \
     NULL,    "the disk's drive", true},                                       \
        {"serial",                                                             \
         PROP_STRING,                                                          \
         offsetof(s, own.serial),                                              \
         NULL,                                                                 \
         "what the disk says it is, at most 20 characters",                    \
         false},                                                               \
        {"logical_block_size",                                                 \
         PROP_U32,                                                             \
         offsetof(s, own.logical_block_size),                                  \
         "512",                                                                \
         "bytes",                                                              \
         false},                                                               \
        {"physical_block_size",                                                \
         PROP_U32,                                                             \
         offsetof(s, own.physical_block_size),                                 \
         "512",                                                                \
         "bytes",                                                              \
         false},

VIRTIO_CLASS(virtio_blk, pci, "virtio-blk-pci", "disk, virtio on PCI",
             BLK_PROPERTIES);
VIRTIO_CLASS(virtio_blk, device, "virtio-blk-device",
             "disk, virtio for an MMIO slot", BLK_PROPERTIES);
