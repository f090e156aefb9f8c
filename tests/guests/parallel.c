/*
 * Threads of a Linux guest on all its processors: what a parallel build needs,
 * with a result that is known.
 *
 *     parallel [THREADS [JOBS]]
 *
 * Each job takes memory from the kernel, fills, sums and gives it back (page
 * faults and TLB shoot-downs on all processors), counts under a lock and by
 * atomics, and every few jobs writes code that all the others run from then on
 * (fence.i on all).  Some start a process.  Ends with "parallel: SUM", the
 * same whatever the order.  Up to 1024 jobs write each piece of code once.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_THREADS = 32, PAGES = 24, PAGE = 4096, SLOTS = 64 };

static unsigned threads = 8, jobs = 200;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static unsigned next_job, offered;
static uint64_t locked_sum, atomic_sum;
static uint32_t *code;           /* SLOTS functions, in pages of their own */
static unsigned code_value[SLOTS]; /* what each returns, at least */

static void die(const char *what)
{
    printf("parallel: %s\n", what);
    exit(1);
}

static uint64_t fill_and_sum(uint64_t job)
{
    uint64_t *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t v = job * UINT64_C(0x9e3779b97f4a7c15) + 1, sum = 0;

    if (p == MAP_FAILED)
        die("no memory");
    for (unsigned i = 0; i < PAGES * PAGE / 8; i += 3) {
        v ^= v << 13, v ^= v >> 7, v ^= v << 17;
        p[i] = v;
    }
    if (mprotect(p, PAGES * PAGE, PROT_READ))
        die("mprotect");
    for (unsigned i = 0; i < PAGES * PAGE / 8; i++)
        sum = sum * 31 + p[i];
    munmap(p, PAGES * PAGE);
    return sum;
}

/* li a0, value; ret: one store, seen by all before anybody is told. */
static void write_code(unsigned slot, unsigned value)
{
    uint32_t *f = code + slot * PAGE / 4;

    __atomic_store_n(&f[0], 0x00000513u | value << 20, __ATOMIC_RELAXED);
    __builtin___clear_cache((char *)f, (char *)(f + 2));
    __atomic_store_n(&code_value[slot], value, __ATOMIC_RELEASE);
}

static void run_code(unsigned slot)
{
    unsigned want = __atomic_load_n(&code_value[slot], __ATOMIC_ACQUIRE);
    unsigned (*f)(void) = (unsigned (*)(void))(void *)(code + slot * PAGE / 4);

    for (unsigned i = 0; i < 30; i++)
        if (f() < want)
            die("old code");
}

static void start_process(unsigned job)
{
    pid_t pid = fork();
    int status;

    if (pid == 0)
        _exit((int)(fill_and_sum(job) & 0x7f));
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
        WEXITSTATUS(status) != (int)(fill_and_sum(job) & 0x7f))
        die("a process");
}

static void *work(void *arg)
{
    (void)arg;
    for (;;) {
        unsigned job;
        uint64_t sum;

        pthread_mutex_lock(&lock);
        while (next_job == offered && offered < jobs)
            pthread_cond_wait(&more, &lock);
        if (next_job == jobs) {
            pthread_mutex_unlock(&lock);
            return NULL;
        }
        job = next_job++;
        pthread_mutex_unlock(&lock);
        sum = fill_and_sum(job);
        if (job % 16 == 0)
            write_code(job / 16 % SLOTS, 1 + job / 16 / SLOTS);
        for (unsigned i = 0; i < 8; i++)
            run_code((job + i) % SLOTS);
        if (job % 50 == 0)
            start_process(job);
        __atomic_fetch_add(&atomic_sum, sum, __ATOMIC_RELAXED);
        pthread_mutex_lock(&lock);
        locked_sum += sum;
        pthread_mutex_unlock(&lock);
    }
}

static void offer(void)
{
    while (offered < jobs) {
        pthread_mutex_lock(&lock);
        offered += offered + 10 > jobs ? jobs - offered : 10;
        pthread_cond_broadcast(&more);
        pthread_mutex_unlock(&lock);
        usleep(100);
    }
}

int main(int argc, char **argv)
{
    pthread_t thread[MAX_THREADS];
    uint64_t want = 0;

    if (argc > 1)
        threads = (unsigned)atoi(argv[1]);
    if (argc > 2)
        jobs = (unsigned)atoi(argv[2]);
    if (threads < 1 || threads > MAX_THREADS || jobs < 1 || jobs > 1000000)
        die("usage: parallel [THREADS [JOBS]]");
    code = mmap(NULL, SLOTS * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code == MAP_FAILED)
        die("no memory");
    for (unsigned i = 0; i < SLOTS; i++) {
        code[i * PAGE / 4 + 1] = 0x00008067u;
        write_code(i, 0);
    }
    for (unsigned i = 0; i < threads; i++)
        if (pthread_create(&thread[i], NULL, work, NULL))
            die("no thread");
    offer();
    for (unsigned i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    for (unsigned job = 0; job < jobs; job++)
        want += fill_and_sum(job);
    if (locked_sum != want || atomic_sum != want)
        die("wrong sums");
    printf("parallel: %016llx\n", (unsigned long long)want);
    return 0;
}
