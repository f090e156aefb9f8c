/*
 * What the translator's design costs: loops of RV64 code as host code, with
 * more and fewer guest registers in host registers, several checks of the
 * soft TLB, polls and ways to find the target of an indirect jump.  The loops
 * are in loops.py; this runs and times them, and verifies what they compute.
 *
 *   mapping [--check] [--rounds N]
 *
 * All variants of a group run once a round, in turn; a ratio is that of a
 * variant's time to the baseline's (marked *) in the same round.  Shown is the
 * median over the rounds with its quartiles.  --check runs each variant once
 * and times nothing; the status is 1 where a result is wrong.
 *
 * Not modelled: what a slow path does (here it is a look-up in an array), the
 * compilation, and a working set of code as large as a kernel's.
 */
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mapping.h"

#define PAGE_BYTES 4096u
#define N_PAGES 4096u      /* entries of a soft TLB */
#define N 256u             /* elements */
#define CRC_STEPS 8192u
#define CRC_POLY 0xedb88320u
#define HELPER_CALLS 1024u
#define FIB_OF 14u
#define WINDOWS 1024u      /* pages that the matrix loop starts at */
#define FAR_PAGES 64u
#define MANY_BUDGET ((int64_t)1 << 60)
#define FIRST_VA 0x40000000u /* pages that are not where they seem */

enum { A0 = 10, A1, A2, A3, A4, A5, RA = 1, SP = 2, S0 = 8, S1 = 9, S2 = 18 };

struct entry {
    uint64_t tag, addend;
};

struct state {
    uint64_t page, context, jump_context;
    int64_t budget;
    uint64_t flag, shadow_at, stack_limit, pext_mask;
    struct entry places[32], places_write[32];
    struct entry shadow[64];
    struct entry read[N_PAGES], write[N_PAGES];
    struct {
        uint64_t tag[N_PAGES], addend[N_PAGES];
    } pages, pages_write;
    struct {
        uint64_t pc, context;
        const void *rec;
    } jcache[N_PAGES];
    struct {
        uint64_t pc;
        const void *code;
    } direct[N_PAGES];
    uint64_t x[32];
    /* What the assembly does not see. */
    uint64_t helped, misses;
    uint64_t host_of[N_PAGES]; /* the slow path's translation */
};

#define AT(member, value)                                                    \
    _Static_assert(offsetof(struct state, member) == (value), #member)
AT(page, PAGE);
AT(context, CONTEXT);
AT(jump_context, JUMP_CONTEXT);
AT(budget, BUDGET);
AT(flag, FLAG);
AT(shadow_at, SHADOW_AT);
AT(stack_limit, STACK_LIMIT);
AT(pext_mask, PEXT_MASK);
AT(places, PLACES);
AT(places_write, PLACES_WRITE);
AT(shadow, SHADOW);
AT(read, READ);
AT(write, WRITE);
AT(pages, PAGES);
AT(pages_write, PAGES_WRITE);
AT(jcache, JCACHE);
AT(direct, DIRECT);
AT(x, X);

/* One loop, as loops.py lists it; ends with a null group. */
struct variant {
    const char *group, *loop, *name;
    uint64_t baseline, miss; /* accesses that miss, in a thousand */
    void (*run)(struct state *s);
    uint64_t bytes;          /* of host code */
    const void *const *sites; /* indirect targets; the last is the end */
};
extern const struct variant variants[];

/* A block's record with what lies before it, as the jump cache finds it. */
struct record {
    const void *code;
    uint64_t between[2];
    uint64_t fn;
};

struct bench {
    struct state s;
    struct record records[16];
    uint8_t *memory;   /* guest RAM, seen at its host address */
    uint64_t *a, *b, *out, *stack, *far;
    uint64_t random;
    unsigned start;    /* of the window, in pages */
};

struct loop {
    const char *name, *unit;
    uint64_t units; /* in one run */
    unsigned runs;  /* timed together */
    int64_t insns;  /* that a run takes from the budget, 0: no budget */
    void (*setup)(struct bench *b);
    bool (*right)(const struct bench *b);
};

/* ---------------------------------------------------------- called by code */

uint64_t slow_load(struct state *s, uint64_t va);
void slow_store(struct state *s, uint64_t va, uint64_t v);
void slow_helper(struct state *s);

uint64_t slow_load(struct state *s, uint64_t va)
{
    uint64_t v;

    s->misses++;
    memcpy(&v, (void *)(uintptr_t)(s->host_of[va / PAGE_BYTES % N_PAGES] +
                                   va % PAGE_BYTES), sizeof(v));
    return v;
}

void slow_store(struct state *s, uint64_t va, uint64_t v)
{
    s->misses++;
    memcpy((void *)(uintptr_t)(s->host_of[va / PAGE_BYTES % N_PAGES] +
                               va % PAGE_BYTES), &v, sizeof(v));
}

void slow_helper(struct state *s)
{
    s->helped++;
}

/* ------------------------------------------------------------------ tables */

static uint32_t next_random(struct bench *b)
{
    b->random = b->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(b->random >> 33);
}

/* A page of guest RAM at its host address, in every table. */
static void map_same(struct state *s, const void *at)
{
    uint64_t page = (uintptr_t)at & ~(uint64_t)(PAGE_BYTES - 1);
    unsigned i = page / PAGE_BYTES % N_PAGES;

    s->read[i] = s->write[i] = (struct entry){page, 0};
    s->pages.tag[i] = s->pages_write.tag[i] = page;
    s->pages.addend[i] = s->pages_write.addend[i] = 0;
}

/* Pages of which each shows one element: some for a[], then for b[], then for
 * out[].  Pages that miss are strewn among them. */
static void map_windows(struct bench *b, uint64_t miss)
{
    for (unsigned p = 0; p < 3 * (WINDOWS + N); p++) {
        uint64_t va = FIRST_VA + (uint64_t)p * PAGE_BYTES;
        unsigned which = p / (WINDOWS + N);
        uint64_t at = p % (WINDOWS + N) % N;
        struct entry *e = which == 2 ? b->s.write : b->s.read;
        uint64_t host = which == 0 ? (uintptr_t)&b->a[2 * at]
                        : which == 1 ? (uintptr_t)&b->b[2 * at]
                                     : (uintptr_t)&b->out[at];
        unsigned i = va / PAGE_BYTES % N_PAGES;

        b->s.host_of[i] = host;
        e[i] = (struct entry){va, host - va};
        if (next_random(b) % 1000 < miss)
            e[i].tag = UINT64_MAX;
    }
}

static unsigned jcache_index(uint64_t pc)
{
    return (unsigned)((pc >> 12 << 6 & 0xfc0) | ((pc >> 1 ^ pc >> 7) & 63));
}

static uint64_t site_pc(unsigned i)
{
    return PC_BASE + 16u * i;
}

static void enter_site(struct bench *b, unsigned i, const void *code)
{
    uint64_t pc = site_pc(i);
    unsigned at = jcache_index(pc);

    b->records[i].code = code;
    b->records[i].fn = ENTER;
    b->s.jcache[at].pc = pc;
    b->s.jcache[at].context = b->s.jump_context;
    b->s.jcache[at].rec = &b->records[i].fn;
    b->s.direct[pc / 2 % N_PAGES].pc = pc;
    b->s.direct[pc / 2 % N_PAGES].code = code;
}

/* Everything that a variant needs but its registers. */
static void prepare(struct bench *b, const struct variant *v)
{
    struct state *s = &b->s;
    unsigned n = 0;

    memset(s, 0, sizeof(*s));
    memset(s->read, 0xff, sizeof(s->read));
    memset(s->write, 0xff, sizeof(s->write));
    memset(&s->pages, 0xff, sizeof(s->pages));
    memset(&s->pages_write, 0xff, sizeof(s->pages_write));
    memset(s->places, 0xff, 2 * sizeof(s->places));
    b->random = 1;
    s->page = PC_BASE;
    s->jump_context = 3;
    s->pext_mask = 0xfff000;
    if (strcmp(v->loop, "matrix pages") == 0)
        map_windows(b, v->miss);
    else
        for (unsigned i = 0; i < (FAR_PAGES + 8) * PAGE_BYTES; i += PAGE_BYTES)
            map_same(s, b->memory + i);
    for (; v->sites[n]; n++)
        enter_site(b, n, v->sites[n]);
    s->x[RA] = site_pc(n - 1);
}

/* ------------------------------------------------------------------- loops */

static void setup_crc(struct bench *b)
{
    b->s.x[A0] = 0x123456789abcdef;
    b->s.x[A3] = CRC_STEPS;
    b->s.x[A4] = CRC_POLY;
}

static bool right_crc(const struct bench *b)
{
    uint64_t c = 0x123456789abcdef;

    for (unsigned i = 0; i < CRC_STEPS; i++)
        c = c >> 1 ^ (c & 1 ? CRC_POLY : 0);
    return b->s.x[A0] == c && b->s.x[A3] == 0;
}

static void clear_sums(struct state *s)
{
    s->x[S0] = s->x[S1] = s->x[S2] = s->x[S2 + 1] = 0;
}

static void setup_matrix(struct bench *b)
{
    clear_sums(&b->s);
    b->s.x[A0] = (uintptr_t)b->a;
    b->s.x[A1] = (uintptr_t)b->b;
    b->s.x[A2] = (uintptr_t)b->out;
    b->s.x[A3] = (uintptr_t)(b->a + 2 * N);
}

static void setup_matrix_pages(struct bench *b)
{
    uint64_t each = (uint64_t)(WINDOWS + N) * PAGE_BYTES;
    uint64_t va;

    b->start = next_random(b) % WINDOWS;
    va = FIRST_VA + (uint64_t)b->start * PAGE_BYTES;
    clear_sums(&b->s);
    b->s.x[A0] = va;
    b->s.x[A1] = va + each;
    b->s.x[A2] = va + 2 * each;
    b->s.x[A3] = va + (uint64_t)N * PAGE_BYTES;
}

static bool right_matrix(const struct bench *b)
{
    uint64_t s[4] = {0};

    for (unsigned n = 0; n < N; n++) {
        unsigned i = (n + b->start) % N;

        for (unsigned k = 0; k < 4; k++)
            s[k] += b->a[2 * i + k / 2] * b->b[2 * i + k % 2];
        if (b->out[i] != s[0])
            return false;
    }
    return b->s.x[S0] == s[0] && b->s.x[S1] == s[1] && b->s.x[S2] == s[2] &&
           b->s.x[S2 + 1] == s[3];
}

static void setup_insert(struct bench *b)
{
    b->s.x[A0] = (uintptr_t)(b->out + N);
    b->s.x[A3] = (uintptr_t)b->out;
    for (unsigned i = 0; i <= N; i++)
        b->out[i] = N - i;
    b->s.x[A5] = 0; /* smaller than any */
}

static bool right_insert(const struct bench *b)
{
    for (unsigned i = 1; i <= N; i++)
        if (b->out[i] != N - i + 1)
            return false;
    return b->s.x[A0] == (uintptr_t)b->out;
}

/* A list of N nodes {next, value} in random order, a new one every time, over
 * so many pages. */
static void setup_list(struct bench *b, unsigned pages)
{
    const unsigned each = N / pages; /* nodes of a page */
    uint64_t *node = NULL;
    uint16_t order[N];

    for (unsigned i = 0; i < N; i++) {
        unsigned k = next_random(b) % (i + 1);

        order[i] = order[k];
        order[k] = (uint16_t)i;
    }
    for (unsigned i = 0; i < N; i++) {
        unsigned k = order[i];
        /* Not all at the same place in their pages: caches have sets. */
        uint64_t *n = b->far + k / each * (PAGE_BYTES / 8) +
                      (k + k / each * 4) % N * 2;

        n[0] = (uintptr_t)node;
        n[1] = i + 1;
        node = n;
    }
    b->s.x[A0] = (uintptr_t)node;
    b->s.x[A5] = 0;
}

static void setup_walk(struct bench *b)
{
    setup_list(b, 1);
}

static void setup_two_walk(struct bench *b)
{
    setup_list(b, 2);
}

static void setup_far_walk(struct bench *b)
{
    setup_list(b, FAR_PAGES);
}

static bool right_walk(const struct bench *b)
{
    return b->s.x[A0] == 0 && b->s.x[A5] == N * (N + 1) / 2;
}

static uint64_t fib(unsigned n)
{
    return n <= 1 ? n : fib(n - 1) + fib(n - 2);
}

static uint64_t fib_insns(unsigned n)
{
    return n <= 1 ? 12 : 18 + fib_insns(n - 1) + fib_insns(n - 2);
}

static void setup_fib(struct bench *b)
{
    b->s.x[A0] = FIB_OF;
    b->s.x[SP] = (uintptr_t)(b->stack + PAGE_BYTES / 8);
    b->s.shadow_at = 0;
}

static bool right_fib(const struct bench *b)
{
    return b->s.x[A0] == fib(FIB_OF) &&
           b->s.x[SP] == (uintptr_t)(b->stack + PAGE_BYTES / 8);
}

#define OPERATIONS 511u

static unsigned operation(const struct bench *b, unsigned i)
{
    return b->a[i % (2 * N)] % 8;
}

static void setup_dispatch(struct bench *b)
{
    for (unsigned i = 0; i < OPERATIONS; i++)
        b->stack[i] = site_pc(operation(b, i));
    b->stack[OPERATIONS] = site_pc(8);
    b->s.x[A0] = 0;
    b->s.x[A3] = (uintptr_t)b->stack;
}

/* The first thing that runs is operation 0. */
static bool right_dispatch(const struct bench *b)
{
    uint64_t v = 1;

    for (unsigned i = 0; i < OPERATIONS; i++) {
        unsigned op = operation(b, i);

        v = op & 1 ? v ^ (3 * op + 1) : v + 3 * op + 1;
    }
    return b->s.x[A0] == v;
}

static void setup_helper(struct bench *b)
{
    b->s.x[A3] = HELPER_CALLS;
    b->s.helped = 0;
}

static bool right_helper(const struct bench *b)
{
    return b->s.x[A3] == 0 && b->s.helped == HELPER_CALLS;
}

static bool right_no_helper(const struct bench *b)
{
    return b->s.x[A3] == 0 && b->s.helped == 0;
}

static const struct loop loops[] = {
    {"crc", "instruction", 7 * CRC_STEPS, 6, 7 * CRC_STEPS, setup_crc,
     right_crc},
    {"matrix", "instruction", 17 * N, 48, 17 * N, setup_matrix, right_matrix},
    {"matrix pages", "access", 5 * N, 48, 17 * N, setup_matrix_pages,
     right_matrix},
    {"insert", "instruction", 5 * N, 36, 5 * N, setup_insert, right_insert},
    {"walk", "instruction", 4 * N, 36, 4 * N, setup_walk, right_walk},
    {"two walk", "instruction", 4 * N, 36, 4 * N, setup_two_walk, right_walk},
    {"far walk", "instruction", 4 * N, 36, 4 * N, setup_far_walk, right_walk},
    {"fib", "instruction", 0, 6, 0, setup_fib, right_fib},
    {"dispatch", "instruction", 4 * (OPERATIONS + 1), 24,
     4 * (OPERATIONS + 1), setup_dispatch, right_dispatch},
    {"helper", "call", HELPER_CALLS, 16, 3 * HELPER_CALLS, setup_helper,
     right_helper},
    {"no helper", "call", HELPER_CALLS, 16, 2 * HELPER_CALLS, setup_helper,
     right_no_helper},
};

static const struct loop *loop_of(const struct variant *v)
{
    for (unsigned i = 0; i < sizeof(loops) / sizeof(loops[0]); i++)
        if (strcmp(loops[i].name, v->loop) == 0)
            return &loops[i];
    return NULL;
}

static uint64_t units(const struct loop *l)
{
    return l->units ? l->units : fib_insns(FIB_OF);
}

/* ----------------------------------------------------------------- running */

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* One run; returns its nanoseconds, without its setup. */
static double run(struct bench *b, const struct variant *v,
                  const struct loop *l)
{
    double at;

    l->setup(b);
    b->s.budget = MANY_BUDGET;
    b->s.stack_limit = (uintptr_t)&at - (1u << 20);
    at = now();
    v->run(&b->s);
    return now() - at;
}

static bool check(struct bench *b, const struct variant *v)
{
    const struct loop *l = loop_of(v);
    bool counts = strcmp(v->group, "poll") != 0;

    prepare(b, v);
    for (unsigned i = 0; i < 3; i++) {
        run(b, v, l);
        if (!l->right(b))
            return false;
        if (counts &&
            MANY_BUDGET - b->s.budget !=
                (int64_t)(l->insns ? (uint64_t)l->insns : units(l)))
            return false;
    }
    return true;
}

/* Nanoseconds of one unit. */
static double sample(struct bench *b, const struct variant *v)
{
    const struct loop *l = loop_of(v);
    double t = 0;

    prepare(b, v);
    for (unsigned i = 0; i < 2; i++)
        run(b, v, l);
    for (unsigned i = 0; i < l->runs; i++)
        t += run(b, v, l);
    return t / ((double)units(l) * l->runs);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Variants [first, last) share a baseline. */
static bool measure(struct bench *b, unsigned first, unsigned last,
                    unsigned rounds)
{
    unsigned n = last - first, base = 0;
    double *t = calloc((size_t)n * rounds, sizeof(*t));
    double *col = calloc(rounds, sizeof(*col));

    if (!t || !col) {
        free(t);
        free(col);
        return false;
    }
    for (unsigned i = 0; i < n; i++)
        if (variants[first + i].baseline)
            base = i;
    for (unsigned r = 0; r < rounds; r++)
        for (unsigned i = 0; i < n; i++)
            t[(size_t)r * n + i] = sample(b, &variants[first + i]);
    printf("\n%s: %s, ns per %s\n", variants[first].group,
           variants[first + base].loop,
           loop_of(&variants[first + base])->unit);
    for (unsigned i = 0; i < n; i++) {
        const struct variant *v = &variants[first + i];
        double ns;

        for (unsigned r = 0; r < rounds; r++)
            col[r] = t[(size_t)r * n + i];
        qsort(col, rounds, sizeof(*col), by_value);
        ns = col[rounds / 2];
        for (unsigned r = 0; r < rounds; r++)
            col[r] = t[(size_t)r * n + i] / t[(size_t)r * n + base];
        qsort(col, rounds, sizeof(*col), by_value);
        printf("%c %-32s %8.3f %7.2f  (%.2f to %.2f) %6u bytes\n",
               v->baseline ? '*' : ' ', v->name, ns, col[rounds / 2],
               col[rounds / 4], col[rounds * 3 / 4], (unsigned)v->bytes);
    }
    fflush(stdout);
    free(t);
    free(col);
    return true;
}

/* Do two variants belong to one table? */
static bool together(const struct variant *a, const struct variant *b)
{
    bool helpers = strcmp(a->group, "helper") == 0;

    return b->group && strcmp(a->group, b->group) == 0 &&
           (helpers || strcmp(a->loop, b->loop) == 0);
}

static bool check_all(struct bench *b)
{
    bool good = true;

    for (const struct variant *v = variants; v->group; v++)
        if (!check(b, v)) {
            printf("wrong: %s, %s, %s\n", v->group, v->loop, v->name);
            good = false;
        }
    return good;
}

static void stay_on_this_cpu(void)
{
    cpu_set_t set;
    int at = sched_getcpu();

    CPU_ZERO(&set);
    if (at >= 0) {
        CPU_SET((unsigned)at, &set);
        sched_setaffinity(0, sizeof(set), &set); /* or a noisier table */
    }
}

static struct bench *bench_new(void)
{
    struct bench *b = aligned_alloc(64, (sizeof(*b) + 63) / 64 * 64);
    size_t size = (FAR_PAGES + 8) * PAGE_BYTES;

    if (!b)
        return NULL;
    memset(b, 0, sizeof(*b));
    b->memory = aligned_alloc(PAGE_BYTES, size);
    if (!b->memory) {
        free(b);
        return NULL;
    }
    memset(b->memory, 0, size);
    b->a = (uint64_t *)(void *)b->memory;
    b->b = b->a + PAGE_BYTES / 8;
    b->out = b->b + PAGE_BYTES / 8;
    b->stack = b->out + 2 * PAGE_BYTES / 8;
    b->far = b->stack + 2 * PAGE_BYTES / 8;
    b->random = 1;
    for (unsigned i = 0; i < 2 * N; i++) {
        b->a[i] = next_random(b);
        b->b[i] = next_random(b);
    }
    return b;
}

int main(int argc, char **argv)
{
    bool only_check = argc == 2 && strcmp(argv[1], "--check") == 0;
    long rounds = argc == 3 && strcmp(argv[1], "--rounds") == 0
                      ? strtol(argv[2], NULL, 10)
                      : argc == 1 ? 101 : 0;
    struct bench *b;
    bool good;

    if (!only_check && (rounds < 1 || rounds > 100000)) {
        fprintf(stderr, "usage: mapping [--check | --rounds N], "
                        "N from 1 to 100000\n");
        return 2;
    }
    if (!__builtin_cpu_supports("bmi2")) {
        fprintf(stderr, "mapping: the host processor lacks BMI2\n");
        return only_check ? 77 : 1;
    }
    b = bench_new();
    if (!b) {
        fprintf(stderr, "mapping: no memory\n");
        return 1;
    }
    stay_on_this_cpu();
    good = check_all(b);
    for (unsigned i = 0; good && !only_check && variants[i].group;) {
        unsigned end = i;

        while (together(&variants[i], &variants[end]))
            end++;
        good = measure(b, i, end, (unsigned)rounds);
        i = end;
    }
    free(b->memory);
    free(b);
    return good ? 0 : 1;
}
