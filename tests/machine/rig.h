/* What the tests of machines share: files, trees, a machine to be polled. */
#ifndef TESTS_MACHINE_RIG_H
#define TESTS_MACHINE_RIG_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "machine/machine_priv.h"

/* A folder for the test's files, removed by rig_end(). */
struct rig {
    char folder[64];
    struct log log;
    struct error e;
    struct machine_config config; /* with log, backends and wake set */
    struct machine *m;
    pthread_mutex_t lock;
    pthread_cond_t woken;
    bool wake;
    unsigned polls; /* calls of machine_poll() by rig_poll_until() */
};

int rig_begin(void **state); /* *state is a new struct rig * */
int rig_end(void **state);

/* A file in the folder; the path is good for the next 30 calls. */
const char *rig_file(struct rig *r, const char *name, const void *bytes,
                     size_t size);

/* Make the machine of r->config; a failure fails the test. */
void rig_machine(struct rig *r);
/* ... from a board's source. */
void rig_board(struct rig *r, const char *dts);
void rig_free(struct rig *r);
/* Making it must fail with exactly this message ("*" matches anything). */
void rig_refused(struct rig *r, const char *pattern);
/* The same for a board's source. */
void rig_board_refused(struct rig *r, const char *dts, const char *pattern);

/* Main loop until done(arg), at most a minute (else the test fails). */
void rig_poll_until(struct rig *r, bool (*done)(void *arg), void *arg);
/* Main loop until the guest has ended the run. */
enum machine_end rig_run(struct rig *r, int *code);

/* Does text match pattern, where * stands for any characters? */
bool matches(const char *pattern, const char *text);
/* Fails the test, with both texts, if not. */
void assert_matches(const char *pattern, const char *text);

/* The node of that path, which must be there. */
int rig_node(const struct tree *t, const char *path);

/* Guest memory. */
void rig_read(struct rig *r, uint64_t at, void *out, size_t size);

#endif
