/*
 * A thread that interrupts others at any point, so that what lies between
 * two instructions of theirs becomes long.
 */
#ifndef TESTS_BASE_PEST_H
#define TESTS_BASE_PEST_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

enum { PEST_VICTIMS = 3 };

struct pest {
    pthread_t victim[PEST_VICTIMS];
    pthread_t thread;
    atomic_uint signals; /* sent so far */
    atomic_bool stop;
};

/* Anybody stands still now and then, in the middle of whatever it does. */
static inline void pest_stand_still(int signal)
{
    struct timespec ts = {0, 20000};

    (void)signal;
    nanosleep(&ts, NULL);
}

static inline void *pest_thread(void *arg)
{
    struct pest *p = arg;

    while (!atomic_load(&p->stop)) {
        unsigned n = atomic_fetch_add(&p->signals, 1);
        struct timespec ts = {0, 20000 + n % 7 * 1000};

        pthread_kill(p->victim[n % PEST_VICTIMS], SIGUSR1);
        nanosleep(&ts, NULL);
    }
    return NULL;
}

/* The victims are set, and outlive pest_stop(). */
static inline void pest_start(struct pest *p)
{
    signal(SIGUSR1, pest_stand_still);
    pthread_create(&p->thread, NULL, pest_thread, p);
}

static inline void pest_stop(struct pest *p)
{
    atomic_store(&p->stop, true);
    pthread_join(p->thread, NULL);
}

#endif
