/*
 * A disk's rings, valid ones and ones with a fault.
 *
 *     test_virtio_fuzz [SEED [STEPS]]
 *
 * A driver sends random requests in random layouts (pieces of any size,
 * direct, indirect or mixed, several at once, with and without EVENT_IDX)
 * and compares data, statuses, used entries, interrupts and the disk with
 * what they must be.  Then a few bytes of the rings, tables or registers are
 * changed before a notification.  Whatever comes of that, the device must
 * work as before after a reset, which the next valid requests show; the
 * harness checks that the disk is never asked for what it has not.
 */
#include "tests/devices/virtio_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IN = 0, OUT = 1, FLUSH = 4, GET_ID = 8 };

#define RING 64
#define BATCH 8
#define TABLES (RIG_BUFFERS + 0x8000)
/* Each request of a batch has 64 KiB of its own for all its pieces. */
#define PIECES (RIG_BUFFERS + 0x100000)
#define PIECES_SIZE 0x10000u
#define MAX_DATA 8192u

static uint64_t first_seed = 1;
static unsigned n_steps = 1500;

/* One request, as bytes that the device reads and writes. */
struct request {
    uint8_t out[16 + MAX_DATA]; /* header, and data to write */
    uint8_t want[MAX_DATA + 1]; /* data that must come, status last */
    uint32_t n_out, n_in;
    unsigned head;
    uint64_t in_at[64]; /* pieces of the writable part */
    uint32_t in_size[64];
    unsigned n_pieces;
};

struct fuzz {
    struct rig rig;
    struct vdev d;
    struct prng prng;
    uint8_t *model; /* what the disk must hold */
    uint64_t features;
    struct request request[BATCH];
    unsigned n_requests, next_desc;
    unsigned broken, good; /* batches */
};

static uint64_t below(struct fuzz *f, uint64_t n)
{
    return prng_below(&f->prng, n);
}

/* ------------------------------------------------------- valid requests */

static void make_data(struct fuzz *f, struct request *r, uint32_t type)
{
    uint32_t sectors = (uint32_t)below(f, MAX_DATA / 512 + 1);
    uint64_t sector = below(f, RIG_DISK_SIZE / 512 - sectors + 1);
    uint8_t *at = f->model + sector * 512;

    st_le64(r->out + 8, sector);
    if (type == IN) {
        memcpy(r->want, at, sectors * 512);
        r->n_in = sectors * 512;
        return;
    }
    for (uint32_t i = 0; i < sectors * 512; i++)
        r->out[16 + i] = (uint8_t)prng_next(&f->prng);
    memcpy(at, r->out + 16, sectors * 512);
    r->n_out = 16 + sectors * 512;
}

/* The requests of a batch are done in order, so that the model is right. */
static void make_request(struct fuzz *f, struct request *r)
{
    static const uint32_t types[] = {IN, IN, OUT, OUT, FLUSH, GET_ID, 77};
    uint32_t type = types[below(f, 7)];

    memset(r, 0, sizeof(*r));
    r->n_out = 16;
    st_le32(r->out, type);
    if (type == IN || type == OUT)
        make_data(f, r, type);
    if (type == GET_ID) {
        memcpy(r->want, "fuzzy", 5);
        r->n_in = 20;
    }
    r->want[r->n_in] = type == 77 ? 2 : 0;
    r->n_in++;
}

/* Cut [0, total) into at most max pieces, the last taking the rest. */
static unsigned cut(struct fuzz *f, uint32_t total, unsigned max,
                    uint32_t *size)
{
    unsigned n = 0;

    while (total) {
        uint32_t s = 1 + (uint32_t)(prng_next(&f->prng) % total);

        if (below(f, 3) == 0)
            s = 1 + s % 20 > total ? total : 1 + s % 20;
        if (n == max - 1)
            s = total;
        size[n++] = s;
        total -= s;
    }
    return n;
}

struct piece {
    uint64_t at;
    uint32_t size;
    unsigned flags;
};

/* Place the pieces in RAM, with gaps between them. */
static unsigned place(struct fuzz *f, struct request *r, unsigned i,
                      struct piece *p, unsigned max)
{
    uint64_t at = PIECES + i * PIECES_SIZE;
    uint32_t size[64], done = 0;
    unsigned n = cut(f, r->n_out, max / 2, size), m;

    memset(memory_host(f->rig.memory, at, PIECES_SIZE, true), 0xa5,
           PIECES_SIZE);
    for (unsigned k = 0; k < n; k++) {
        at += below(f, 50);
        p[k] = (struct piece){at, size[k], 0};
        assert_true(memory_poke(f->rig.memory, at, r->out + done, size[k]));
        done += size[k];
        at += size[k];
    }
    m = cut(f, r->n_in, max / 2, size);
    for (unsigned k = 0; k < m; k++) {
        at += 1 + below(f, 50);
        p[n + k] = (struct piece){at, size[k], DESC_WRITE};
        r->in_at[k] = at;
        r->in_size[k] = size[k];
        at += size[k];
    }
    r->n_pieces = m;
    return n + m;
}

/* As a chain in the queue's own table, or from piece `direct` on in an
 * indirect table in random order. */
static void chain(struct fuzz *f, struct request *r, unsigned i,
                  const struct piece *p, unsigned n)
{
    uint64_t own = f->d.ring[0].desc, table = TABLES + i * 0x400;
    bool indirect = (f->features & VIRTIO_F_INDIRECT_DESC) && below(f, 2);
    unsigned direct = indirect ? (unsigned)below(f, n) : n;
    unsigned stride = 2 * (unsigned)below(f, 16) + 1; /* odd: a permutation */

    if (direct > 6)
        direct = indirect ? 6 : direct;
    r->head = f->next_desc;
    for (unsigned k = 0; k < direct; k++, f->next_desc++) {
        bool last = k + 1 == n;

        put_desc(&f->rig, own, f->next_desc, p[k].at, p[k].size,
                 p[k].flags | (last ? 0 : DESC_NEXT), f->next_desc + 1);
    }
    if (!indirect)
        return;
    put_desc(&f->rig, own, f->next_desc++, table, 32 * 16,
             DESC_INDIRECT | (below(f, 2) ? DESC_WRITE : 0), 0);
    for (unsigned k = direct; k < n; k++)
        put_desc(&f->rig, table, (k - direct) * stride % 32, p[k].at, p[k].size,
                 p[k].flags | (k + 1 < n ? DESC_NEXT : 0),
                 (k - direct + 1) * stride % 32);
}

static void make_batch(struct fuzz *f)
{
    f->n_requests = 1 + (unsigned)below(f, BATCH);
    f->next_desc = 0;
    for (unsigned i = 0; i < f->n_requests; i++) {
        struct piece p[8];
        unsigned n;

        make_request(f, &f->request[i]);
        n = place(f, &f->request[i], i, p, 8);
        chain(f, &f->request[i], i, p, n);
        assert_true(f->next_desc <= RING);
    }
    for (unsigned i = 0; i < f->n_requests; i++)
        vdev_offer(&f->d, 0, f->request[i].head);
}

static void check_request(struct fuzz *f, const struct request *r, uint32_t len)
{
    uint32_t done = 0;
    bool whole = r->n_in == 1 || r->want[r->n_in - 1] == 0;

    assert_int_equal(len, whole ? r->n_in : 0);
    for (unsigned k = 0; k < r->n_pieces; k++) {
        const uint8_t *got = memory_host(f->rig.memory, r->in_at[k] - 1,
                                         r->in_size[k] + 2, false);

        /* Guards on both sides. */
        assert_int_equal(got[0], 0xa5);
        assert_int_equal(got[r->in_size[k] + 1], 0xa5);
        assert_memory_equal(got + 1, r->want + done, r->in_size[k]);
        done += r->in_size[k];
    }
}

static void run_batch(struct fuzz *f)
{
    bool event = f->features & VIRTIO_F_EVENT_IDX;
    uint16_t last = (uint16_t)(f->d.ring[0].seen + f->n_requests - 1);
    bool wanted = below(f, 2);

    /* Interrupt after the last one, or not at all. */
    rig_write(&f->rig, f->d.ring[0].avail, event ? 0 : !wanted, 2);
    if (event)
        rig_write(&f->rig, f->d.ring[0].avail + 4 + 2 * RING,
                  wanted ? last : (uint16_t)(last + 1), 2);
    vdev_notify(&f->d, 0);
    while (rig_timers(&f->rig))
        ;
    assert_int_equal(vdev_used(&f->d, 0), f->n_requests);
    for (unsigned i = 0; i < f->n_requests; i++) {
        uint32_t id, len;

        vdev_take(&f->d, 0, &id, &len);
        assert_int_equal(id, f->request[i].head);
        check_request(f, &f->request[i], len);
    }
    assert_int_equal(vdev_take_isr(&f->d), wanted ? VIRTIO_ISR_QUEUE : 0);
    assert_memory_equal(f->model, f->rig.disk->data, RIG_DISK_SIZE);
    f->good++;
}

/* --------------------------------------------------------------- faults */

static void put_fault(struct fuzz *f, uint64_t at, unsigned size)
{
    uint64_t v = prng_edgy(&f->prng);

    if (below(f, 2)) /* one bit */
        v = rig_read(&f->rig, at, size) ^ (uint64_t)1 << below(f, 8 * size);
    rig_write(&f->rig, at, v & UINT64_MAX >> (64 - 8 * size), size);
}

static void fault(struct fuzz *f)
{
    struct vring *v = &f->d.ring[0];
    static const unsigned field[] = {0, 8, 12, 14};
    static const unsigned size[] = {8, 4, 2, 2};
    unsigned k = (unsigned)below(f, 4);

    switch (below(f, 6)) {
    case 0:
        put_fault(f, v->avail + 2, 2);
        break;
    case 1:
        put_fault(f, v->avail + 4 + 2 * below(f, RING), 2);
        break;
    case 2:
        put_fault(
            f, TABLES + 0x400 * below(f, BATCH) + 16 * below(f, 32) + field[k],
            size[k]);
        break;
    case 3: /* a register: an address or a selector */
        if (f->d.transport == ON_MMIO)
            rig_write(&f->rig, f->d.base + 4 * below(f, 64),
                      (uint32_t)prng_edgy(&f->prng), 4);
        else
            rig_write(&f->rig, f->d.base + 2 * below(f, 32),
                      prng_edgy(&f->prng) & 0xffff, 2);
        break;
    default:
        put_fault(f, v->desc + 16 * below(f, f->next_desc) + field[k], size[k]);
    }
}

static void run_faulty(struct fuzz *f)
{
    for (unsigned n = 1 + (unsigned)below(f, 3); n; n--)
        fault(f);
    vdev_notify(&f->d, 0);
    while (rig_timers(&f->rig))
        ;
    f->broken += (vdev_status(&f->d) & VIRTIO_NEEDS_RESET) != 0;
    /* What a wrong ring has written is the guest's own doing. */
    memcpy(f->model, f->rig.disk->data, RIG_DISK_SIZE);
}

static void restart(struct fuzz *f)
{
    f->features =
        prng_next(&f->prng) & (VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX);
    vdev_start(&f->d, f->features | (uint64_t)1 << 9, 1, RING);
}

static void fuzz(enum transport t)
{
    static const char *const properties[] = {"drive=d0", "serial=fuzzy", NULL};
    struct fuzz *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    rig_init(&f->rig);
    vdev_plug(&f->d, &f->rig, t, "virtio-blk", properties);
    f->prng.state = first_seed;
    f->model = malloc(RIG_DISK_SIZE);
    memcpy(f->model, f->rig.disk->data, RIG_DISK_SIZE);
    restart(f);
    for (unsigned i = 0; i < n_steps; i++) {
        make_batch(f);
        if (below(f, 4)) {
            run_batch(f);
        } else {
            run_faulty(f);
            restart(f);
        }
    }
    printf("%s: %u good batches, %u broken\n", t == ON_MMIO ? "mmio" : "pci",
           f->good, f->broken);
    assert_true(f->good > 0 && f->broken > 0);
    device_free(f->d.dev);
    rig_fini(&f->rig);
    free(f->model);
    free(f);
}

static void on_mmio(void **state)
{
    (void)state;
    fuzz(ON_MMIO);
}

static void on_pci(void **state)
{
    (void)state;
    fuzz(ON_PCI);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_mmio),
        cmocka_unit_test(on_pci),
    };

    if (argc > 1)
        first_seed = strtoull(argv[1], NULL, 0);
    if (argc > 2)
        n_steps = (unsigned)strtoul(argv[2], NULL, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
