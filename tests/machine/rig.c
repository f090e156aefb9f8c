/* Shared parts of the machine tests. */
#include "rig.h"

#include <dirent.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void wake(void *owner)
{
    struct rig *r = owner;

    pthread_mutex_lock(&r->lock);
    r->wake = true;
    pthread_cond_signal(&r->woken);
    pthread_mutex_unlock(&r->lock);
}

static struct chardev *no_chardev(void *owner, const char *id)
{
    (void)owner, (void)id;
    return NULL;
}

static struct block *no_block(void *owner, const char *id)
{
    (void)owner, (void)id;
    return NULL;
}

int rig_begin(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    pthread_condattr_t attr;

    assert_non_null(r);
    strcpy(r->folder, "/tmp/emu-test-XXXXXX");
    assert_non_null(mkdtemp(r->folder));
    log_init(&r->log, stderr);
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&r->woken, &attr);
    pthread_condattr_destroy(&attr);
    r->config = (struct machine_config){
        .log = &r->log,
        .backends = {.chardev = no_chardev, .block = no_block},
        .bios = "none",
        .wake = wake,
        .owner = r,
    };
    *state = r;
    return 0;
}

static void empty_folder(const char *folder)
{
    DIR *d = opendir(folder);
    struct dirent *entry;
    char path[400];

    while (d && (entry = readdir(d))) {
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        unlink(path);
    }
    if (d)
        closedir(d);
    rmdir(folder);
}

int rig_end(void **state)
{
    struct rig *r = *state;

    rig_free(r);
    empty_folder(r->folder);
    log_destroy(&r->log);
    pthread_cond_destroy(&r->woken);
    pthread_mutex_destroy(&r->lock);
    free(r);
    return 0;
}

const char *rig_file(struct rig *r, const char *name, const void *bytes,
                     size_t size)
{
    static char path[32][128];
    static unsigned turn;
    char *p = path[turn++ % 32];
    FILE *f;

    snprintf(p, sizeof(path[0]), "%s/%s", r->folder, name);
    f = fopen(p, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
    return p;
}

void rig_machine(struct rig *r)
{
    rig_free(r);
    if (!machine_new(&r->m, &r->config, &r->e))
        fail_msg("machine_new: %s", r->e.text);
}

void rig_board(struct rig *r, const char *dts)
{
    r->config.board = rig_file(r, "board.dts", dts, strlen(dts));
    rig_machine(r);
}

void rig_free(struct rig *r)
{
    machine_free(r->m);
    r->m = NULL;
}

bool matches(const char *pattern, const char *text)
{
    if (*pattern == 0)
        return *text == 0;
    if (*pattern != '*')
        return *pattern == *text && matches(pattern + 1, text + 1);
    for (;; text++) {
        if (matches(pattern + 1, text))
            return true;
        if (*text == 0)
            return false;
    }
}

void assert_matches(const char *pattern, const char *text)
{
    if (!matches(pattern, text))
        fail_msg("wanted: %s\n         got:    %s", pattern, text);
}

void rig_refused(struct rig *r, const char *pattern)
{
    rig_free(r);
    r->e.text[0] = 0;
    if (machine_new(&r->m, &r->config, &r->e))
        fail_msg("machine_new succeeded, but wanted: %s", pattern);
    assert_null(r->m);
    assert_matches(pattern, r->e.text);
    assert_null(strchr(r->e.text, '\n'));
}

void rig_board_refused(struct rig *r, const char *dts, const char *pattern)
{
    r->config.board = rig_file(r, "board.dts", dts, strlen(dts));
    rig_refused(r, pattern);
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void sleep_until(struct rig *r, uint64_t ns)
{
    struct timespec t = {.tv_sec = (time_t)(ns / 1000000000),
                         .tv_nsec = (long)(ns % 1000000000)};

    pthread_mutex_lock(&r->lock);
    while (!r->wake && pthread_cond_timedwait(&r->woken, &r->lock, &t) == 0)
        continue;
    r->wake = false;
    pthread_mutex_unlock(&r->lock);
}

void rig_poll_until(struct rig *r, bool (*done)(void *arg), void *arg)
{
    uint64_t end = now_ns() + 60000000000u;

    while (!done(arg)) {
        uint64_t now = now_ns(), wait = machine_poll(r->m);

        r->polls++;
        if (done(arg))
            break;
        if (now > end)
            fail_msg("nothing came of it within a minute");
        /* Whoever is done need not wake us. */
        sleep_until(r, now + (wait < 20000000 ? wait : 20000000));
    }
}

static bool has_ended(void *arg)
{
    return machine_ended(((struct rig *)arg)->m, NULL) != MACHINE_RUNNING;
}

enum machine_end rig_run(struct rig *r, int *code)
{
    rig_poll_until(r, has_ended, r);
    return machine_ended(r->m, code);
}

void rig_read(struct rig *r, uint64_t at, void *out, size_t size)
{
    pthread_mutex_lock(&r->m->lock);
    assert_true(dma_read(r->m->memory, at, out, size));
    pthread_mutex_unlock(&r->m->lock);
}

int rig_node(const struct tree *t, const char *path)
{
    int node = tree_by_offset(t, fdt_path_offset(t->fdt, path));

    if (node < 0)
        fail_msg("no node %s", path);
    return node;
}
