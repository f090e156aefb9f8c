/*
 * Parts of frontend/host/ and the loop: rings, the filter, lost wake-ups,
 * disks in files.
 */
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "frontend/host/block_file.h"
#include "frontend/host/filter.h"
#include "frontend/host/ring.h"
#include "frontend/loop/loop.h"

/* ------------------------------------------------------------------ ring */

static void test_ring(void **state)
{
    struct ring r = {.limit = 10000};
    uint8_t in[700], out[700];
    uint8_t next_in = 0, next_out = 0;

    (void)state;
    srand(7);
    for (int round = 0; round < 20000; round++) {
        size_t n = (size_t)rand() % sizeof(in), took;

        for (size_t i = 0; i < n; i++)
            in[i] = (uint8_t)(next_in + i);
        took = ring_put(&r, in, n);
        assert_true(took == n || r.used == r.limit);
        next_in = (uint8_t)(next_in + took);
        n = ring_peek(&r, out, (size_t)rand() % sizeof(out));
        for (size_t i = 0; i < n; i++)
            assert_int_equal(out[i], (uint8_t)(next_out + i));
        ring_drop(&r, n);
        next_out = (uint8_t)(next_out + n);
    }
    ring_free(&r);
}

/* ---------------------------------------------------------------- filter */

/* in through a filter, in pieces of `piece` bytes. */
static const char *filtered(struct filter *f, const char *in, size_t piece)
{
    static char out[1024];
    size_t n = strlen(in), used = 0;

    while (n) {
        size_t now = n < piece ? n : piece;
        uint8_t buffer[1024 + FILTER_HOLD];
        size_t got = filter_run(f, (const uint8_t *)in, now, buffer);

        memcpy(out + used, buffer, got);
        used += got;
        in += now;
        n -= now;
    }
    out[used] = '\0';
    return out;
}

static void test_filter(void **state)
{
    static const struct {
        const char *in, *before, *after; /* the first key */
    } cases[] = {
        {"plain\r\n", "plain\r\n", "plain\r\n"},
        {"a\033cb", "ab", "ab"},
        {"a\033[?7lb\033[?7hc", "ab\033[?7hc", "ab\033[?7hc"},
        {"a\033[2Jb\033[Jc\033[3J", "abc", "a\033[2Jb\033[Jc\033[3J"},
        {"a\033[Hb\033[1;1Hc\033[01;01fd", "abcd",
         "a\033[Hb\033[1;1Hc\033[01;01fd"},
        {"\033[2;1H\033[1;11H\033[11H", "\033[2;1H\033[1;11H\033[11H",
         "\033[2;1H\033[1;11H\033[11H"},
        {"\033[=3h\033[8;25;80t\033[!p\033[?3lx", "x", "x"},
        {"\033[14t\033[?25l\033[4h", "\033[14t\033[?25l\033[4h",
         "\033[14t\033[?25l\033[4h"},
        {"\033\033cx", "\033x", "\033x"},
        {"\033[12\033[0mx", "\033[12\033[0mx", "\033[12\033[0mx"},
        {"\033]0;t\007x", "\033]0;t\007x", "\033]0;t\007x"},
        {"\033[1;2;3;4;5;6;7;8;9;10;11;12;13;14;15mx",
         "\033[1;2;3;4;5;6;7;8;9;10;11;12;13;14;15mx",
         "\033[1;2;3;4;5;6;7;8;9;10;11;12;13;14;15mx"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t piece = 1; piece < 9; piece++) {
            struct filter f = {.n_held = 0};

            assert_string_equal(filtered(&f, cases[i].in, piece),
                                cases[i].before);
            atomic_store(&f.typed, true);
            assert_string_equal(filtered(&f, cases[i].in, piece),
                                cases[i].after);
        }
    }
}

/* Nothing is lost or written too far, whatever comes. */
static void test_filter_noise(void **state)
{
    static const char letters[] = "\033[;?=!0123789cJHhlptmx";
    struct filter f = {.n_held = 0};
    uint8_t in[512], *out = malloc(sizeof(in) + FILTER_HOLD);
    size_t sent = 0, got = 0;

    (void)state;
    srand(11);
    for (int round = 0; round < 5000; round++) {
        size_t n = (size_t)rand() % sizeof(in);

        for (size_t i = 0; i < n; i++)
            in[i] = (uint8_t)letters[(size_t)rand() % (sizeof(letters) - 1)];
        sent += n;
        got += filter_run(&f, in, n, out);
        assert_in_range(f.n_held, 0, FILTER_HOLD - 1);
        assert_true(got <= sent);
    }
    assert_true(got > sent / 2);
    free(out);
}

/* ------------------------------------------------------------------ loop */

struct pinger {
    struct loop *loop;
    atomic_uint asked, answered;
};

enum { PINGS = 20000 };

static void *ping(void *arg)
{
    struct pinger *p = arg;

    for (unsigned i = 1; i <= PINGS; i++) {
        atomic_store(&p->asked, i);
        loop_wake(p->loop);
        loop_wake(p->loop);
        while (atomic_load(&p->answered) < i)
            if (i % 2) /* both close after the answer and a little later */
                sched_yield();
    }
    return NULL;
}

/* A wake-up that is lost would cost its whole time limit. */
static void test_wake(void **state)
{
    struct pinger p = {.loop = NULL};
    struct timespec begin, end;
    pthread_t thread;
    unsigned asked;

    (void)state;
    assert_true(loop_new(&p.loop, NULL));
    clock_gettime(CLOCK_MONOTONIC, &begin);
    assert_false(pthread_create(&thread, NULL, ping, &p));
    do {
        loop_once(p.loop, 20000000000);
        asked = atomic_load(&p.asked);
        atomic_store(&p.answered, asked);
    } while (asked < PINGS);
    pthread_join(thread, NULL);
    clock_gettime(CLOCK_MONOTONIC, &end);
    assert_true(end.tv_sec - begin.tv_sec < 20);
    loop_free(p.loop);
}

/* ----------------------------------------------------------------- disks */

#define DISK "disk.img"
enum { DISK_SIZE = 400 * 1024 };

static uint8_t pattern(uint64_t i)
{
    return (uint8_t)(i * 7 + i / 512);
}

static void make_disk(uint64_t size)
{
    FILE *f = fopen(DISK, "wb");

    assert_non_null(f);
    for (uint64_t i = 0; i < size; i++)
        fputc(pattern(i), f);
    fclose(f);
}

static uint8_t *file_bytes(uint64_t size)
{
    uint8_t *bytes = malloc(size);
    FILE *f = fopen(DISK, "rb");

    assert_non_null(f);
    assert_int_equal(fread(bytes, 1, size, f), size);
    assert_int_equal(fgetc(f), EOF);
    fclose(f);
    return bytes;
}

static struct block *open_disk(struct drive_config c)
{
    static struct drive_config config;
    struct error e = {""};
    struct block *b;

    config = c;
    config.file = DISK;
    config.id = "d";
    if (!block_file_open(&b, &config, &e))
        fail_msg("%s", e.text);
    return b;
}

static void test_plain_disk(void **state)
{
    static const enum cache_mode modes[] = {CACHE_WRITEBACK, CACHE_WRITETHROUGH,
                                            CACHE_UNSAFE};
    uint8_t in[1024], out[1024], *bytes;

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct block *b;

        make_disk(DISK_SIZE);
        b = open_disk((struct drive_config){.cache = modes[i]});
        assert_int_equal(b->size, DISK_SIZE);
        assert_false(b->read_only);
        memset(in, 0xa5, sizeof(in));
        assert_int_equal(b->write(b, 1536, in, sizeof(in)), 0);
        assert_int_equal(b->read(b, 1536, out, sizeof(out)), 0);
        assert_memory_equal(in, out, sizeof(in));
        assert_int_equal(b->discard(b, 65536, 131072), 0);
        assert_int_equal(b->flush(b), 0);
        block_file_close(b);

        bytes = file_bytes(DISK_SIZE);
        for (uint64_t at = 0; at < DISK_SIZE; at++)
            assert_int_equal(bytes[at], at >= 1536 && at < 2560 ? 0xa5
                                        : at >= 65536 && at < 196608
                                            ? 0
                                            : pattern(at));
        free(bytes);
    }
}

static void test_read_only_disk(void **state)
{
    uint8_t bytes[512];
    struct block *b;

    (void)state;
    make_disk(1000); /* an odd tail is padded */
    b = open_disk((struct drive_config){.read_only = true});
    assert_int_equal(b->size, 1024);
    assert_true(b->read_only);
    assert_int_equal(b->read(b, 512, bytes, 512), 0);
    for (unsigned i = 0; i < 512; i++)
        assert_int_equal(bytes[i], i < 488 ? pattern(512 + i) : 0);
    assert_int_equal(b->write(b, 0, bytes, 512), EROFS);
    assert_int_equal(b->discard(b, 0, 512), EROFS);
    assert_int_equal(b->flush(b), 0);
    block_file_close(b);
}

/* Somebody else makes the file shorter: what is gone is an error, and not
 * zeros. */
static void test_cut_disk(void **state)
{
    uint8_t bytes[1024];
    struct block *b;

    (void)state;
    for (int snapshot = 0; snapshot < 2; snapshot++) {
        make_disk(DISK_SIZE);
        b = open_disk((struct drive_config){.snapshot = snapshot});
        assert_int_equal(truncate(DISK, DISK_SIZE / 2), 0);
        assert_int_equal(b->read(b, 0, bytes, 512), 0);
        assert_int_equal(b->read(b, DISK_SIZE / 2, bytes, 512), EIO);
        assert_int_equal(b->read(b, DISK_SIZE / 2 - 512, bytes, 1024), EIO);
        if (snapshot) /* the rest of the cluster is gone */
            assert_int_equal(b->write(b, DISK_SIZE - 512, bytes, 512), EIO);
        block_file_close(b);
    }
}

/* Random reads, writes and discards on an overlay, against an array. */
static void test_snapshot(void **state)
{
    uint64_t size = DISK_SIZE + 512 * 3;
    uint8_t *want = malloc(size), *got = malloc(size), *bytes;
    struct block *b;

    (void)state;
    make_disk(size - 100);
    for (uint64_t i = 0; i < size; i++)
        want[i] = i < size - 100 ? pattern(i) : 0;
    b = open_disk((struct drive_config){.snapshot = true});
    assert_int_equal(b->size, size);
    srand(3);
    for (int round = 0; round < 400; round++) {
        uint64_t at = (uint64_t)rand() % (size / 512) * 512;
        uint64_t n = ((uint64_t)rand() % 300 + 1) * 512;

        if (n > size - at)
            n = size - at;
        switch (rand() % 4) {
        case 0:
            memset(want + at, round, n);
            assert_int_equal(b->write(b, at, want + at, n), 0);
            break;
        case 1:
            memset(want + at, 0, n);
            assert_int_equal(b->discard(b, at, n), 0);
            break;
        default:
            assert_int_equal(b->read(b, at, got, n), 0);
            assert_memory_equal(got, want + at, n);
        }
    }
    assert_int_equal(b->flush(b), 0);
    assert_int_equal(b->read(b, 0, got, size), 0);
    assert_memory_equal(got, want, size);
    block_file_close(b);

    bytes = file_bytes(size - 100);
    for (uint64_t i = 0; i < size - 100; i++)
        assert_int_equal(bytes[i], pattern(i));
    free(bytes);
    free(want);
    free(got);
}

/* In the C library's place: what was asked of it, and what it shall say. */
static int syncs, sync_errors[2];

int fdatasync(int fd)
{
    assert_true(fd >= 0);
    errno = sync_errors[syncs % 2];
    syncs++;
    return errno ? -1 : 0;
}

static int flushed(struct drive_config c, int first, int second)
{
    struct block *b = open_disk(c);
    int err = b->flush(b);

    assert_int_equal(err, 0);
    syncs = 0;
    sync_errors[0] = first;
    sync_errors[1] = second;
    err = b->flush(b);
    sync_errors[0] = sync_errors[1] = 0;
    block_file_close(b);
    return err;
}

/* A flush is the host's, whose error is the guest's. */
static void test_flush(void **state)
{
    struct drive_config plain = {.cache = CACHE_WRITEBACK};
    uint8_t bytes[512] = {0};
    struct block *b;

    (void)state;
    make_disk(4096);
    assert_int_equal(flushed(plain, 0, 0), 0);
    assert_int_equal(syncs, 1);
    assert_int_equal(flushed(plain, ENOSPC, 0), ENOSPC);
    assert_int_equal(syncs, 1);
    assert_int_equal(flushed(plain, EINTR, EIO), EIO);
    assert_int_equal(syncs, 2);
    /* Where there is nothing to flush, or nobody wants it. */
    assert_int_equal(flushed((struct drive_config){.read_only = true}, EIO, 0),
                     0);
    assert_int_equal(flushed((struct drive_config){.snapshot = true}, EIO, 0),
                     0);
    assert_int_equal(
        flushed((struct drive_config){.cache = CACHE_UNSAFE}, EIO, 0), 0);
    assert_int_equal(syncs, 0);
    /* Each write by itself, or none. */
    b = open_disk((struct drive_config){.cache = CACHE_WRITETHROUGH});
    assert_int_equal(b->write(b, 0, bytes, 512), 0);
    assert_int_equal(syncs, 1);
    block_file_close(b);
    b = open_disk(plain);
    assert_int_equal(b->write(b, 0, bytes, 512), 0);
    assert_int_equal(syncs, 1);
    block_file_close(b);
}

static bool can_open(bool read_only, bool snapshot)
{
    struct drive_config c = {
        .file = DISK, .id = "e", .read_only = read_only, .snapshot = snapshot};
    struct error e = {""};
    struct block *b;

    if (block_file_open(&b, &c, &e)) {
        block_file_close(b);
        return true;
    }
    assert_non_null(strstr(e.text, "in use"));
    return false;
}

static void test_locks(void **state)
{
    struct block *b;

    (void)state;
    make_disk(4096);
    b = open_disk((struct drive_config){.read_only = false});
    assert_false(can_open(false, false));
    assert_false(can_open(true, false));
    assert_false(can_open(false, true));
    block_file_close(b);
    b = open_disk((struct drive_config){.read_only = true});
    assert_false(can_open(false, false));
    assert_true(can_open(true, false));
    assert_true(can_open(false, true));
    block_file_close(b);
    assert_true(can_open(false, false));
}

struct told {
    unsigned n;
    int err;
    char text[80];
};

static void failed(void *owner, const char *file, const char *what, int err)
{
    struct told *t = owner;

    t->n++;
    t->err = err;
    snprintf(t->text, sizeof(t->text), "%s %s", file, what);
}

static bool is_pattern(struct block *b, uint64_t at, uint64_t size)
{
    uint8_t *bytes = malloc(size);
    bool same = true;

    assert_int_equal(b->read(b, at, bytes, size), 0);
    for (uint64_t i = 0; i < size; i++)
        same = same && bytes[i] == pattern(at + i);
    free(bytes);
    return same;
}

/* What the host has no room for stays as it was, with an overlay, too; the
 * first failure is told. */
static void test_full_disk(void **state)
{
    enum { CLUSTER = 65536, LIMIT = 2 * CLUSTER + 1024 };
    struct rlimit old, low;
    struct drive_config c = {.file = DISK, .id = "e"};
    uint8_t *in = calloc(2, CLUSTER);
    struct block *b;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    low = (struct rlimit){LIMIT, old.rlim_max};
    for (int snapshot = 0; snapshot < 2; snapshot++) {
        struct told told = {0};
        atomic_ullong requests = 0;
        struct block_watch watch = {&requests, failed, &told};

        make_disk(DISK_SIZE);
        c.snapshot = snapshot;
        assert_true(block_file_open(&b, &c, NULL));
        block_file_watch(b, &watch);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
        assert_int_equal(b->write(b, 512, in, 512), 0);
        assert_int_equal(told.n, 0);
        /* The rest of a cluster, a whole one, a piece of one. */
        assert_int_equal(b->write(b, CLUSTER * 3 - 512, in, 512), EFBIG);
        assert_int_equal(b->write(b, CLUSTER * 3, in, CLUSTER), EFBIG);
        assert_int_equal(b->write(b, CLUSTER * 3, in, 2 * CLUSTER), EFBIG);
        assert_int_equal(b->write(b, CLUSTER * 2, in, CLUSTER), EFBIG);
        assert_int_equal(told.n, 1);
        assert_int_equal(told.err, EFBIG);
        assert_string_equal(told.text, snapshot ? DISK " write to the snapshot"
                                                : DISK " write");
        assert_true(is_pattern(b, CLUSTER * 2 + 1024, CLUSTER * 3 - 1024));
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
        assert_int_equal(b->write(b, CLUSTER * 3, in, 512), 0);
        assert_true(is_pattern(b, CLUSTER * 3 + 512, CLUSTER));
        assert_false(is_pattern(b, CLUSTER * 3, 512));
        assert_int_equal(truncate(DISK, 512), 0);
        assert_int_equal(b->read(b, CLUSTER * 6, in, 512), EIO);
        assert_int_equal(b->read(b, CLUSTER * 6, in, 512), EIO);
        assert_int_equal(told.n, 2);
        assert_string_equal(told.text, DISK " read");
        assert_int_equal(requests, 11);
        block_file_close(b);
    }
    free(in);
}

static int enter_folder(void **state)
{
    static char folder[] = "/tmp/emu-test-XXXXXX";

    if (!mkdtemp(folder) || chdir(folder))
        return -1;
    *state = folder;
    return 0;
}

static int leave_folder(void **state)
{
    unlink(DISK);
    return rmdir(*state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ring),           cmocka_unit_test(test_filter),
        cmocka_unit_test(test_filter_noise),   cmocka_unit_test(test_wake),
        cmocka_unit_test(test_plain_disk),     cmocka_unit_test(test_cut_disk),
        cmocka_unit_test(test_read_only_disk), cmocka_unit_test(test_snapshot),
        cmocka_unit_test(test_flush),          cmocka_unit_test(test_locks),
        cmocka_unit_test(test_full_disk),
    };

    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
