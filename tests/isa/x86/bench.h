/*
 * One case of test_x86_rows: a program and a state, run on two CPUs and
 * perhaps on the host.
 */
#ifndef TESTS_ISA_X86_BENCH_H
#define TESTS_ISA_X86_BENCH_H

#include <pthread.h>

#include "x86_gen.h"
#include "tests/isa/x86/native.h"
#include "tests/isa/x86/program.h"

#define MAX_REPORTS 12
#define RAM_SIZE (GUEST_PAGES * PAGE_SIZE)
#define DATA (CODE_PAGES * PAGE_SIZE)
#define EFLAGS_DF 0x400u
#define EFLAGS_ONE 0x202u /* IF, and a bit that is always set */

struct side {
    struct cpu *c;
    struct memory *memory;
    struct ram *ram;
    struct region region;
    struct clock *clock;
    struct gate *gate;
    struct log log;
    pthread_mutex_t lock;
};

/* Where hosts do otherwise than the manual says, or it leaves them free. */
enum reason {
    REASON_CALL,     /* pushed before the target was looked at */
    REASON_POPA,     /* what was popped before a fault is kept */
    REASON_ORDER,    /* POPA and BOUND: which page is read first */
    REASON_STRING,   /* upper halves of registers at a fault */
    REASON_MASKED,   /* a masked store that faults */
    REASON_DOT,      /* a dot product faults between its steps */
    REASON_OUTSIDE,  /* which pages are there beside the window */
    REASON_MMX,      /* a fault of an instruction that began with MMX */
    REASON_ENTER,    /* the frame pointer where SP wraps */
    REASON_TEN,      /* a store of ten bytes faults with some written */
    REASON_LAST_BIT, /* of a transcendental function */
    REASONS
};

struct bench {
    struct cpu_class class;
    struct side a, b;  /* handlers (or compiled), evaluator */
    uint32_t modes[3]; /* X86_MODE_*, by size */
    bool jit;
    struct native *native;
    bool asked_host;
    uint64_t host_lacks; /* extensions, X86_EXT_* */
    uint16_t cs[3], ss[3];
    struct rng rng;
    uint8_t *pristine; /* RAM before each run */
    struct x86_cpu *before;
    struct ir irs[MAX_INSNS];
    const struct isa_undef *undefs[X86_ROWS];
    unsigned insns; /* of a program, at most */
    struct program p;
    struct native_state in, out;
    /* what instructions left undefined for those behind them */
    uint32_t undefined;
    bool tainted, operand_undefined;
    uint64_t cases, natives, faults;
    unsigned failures;
    bool soft; /* no floating-point unit of the host's for the handlers */
    /* What was reached: cases by number of the row that decoding picks; by
     * entry, size of the code and what the first instruction has. */
    uint32_t by_row[X86_ROWS], by_pair[X86_N_FUSIONS];
    struct reached {
        uint32_t cases, natives, open; /* open: left so by a row */
    } * reached;
    unsigned entry; /* what the program begins with */
    enum want want;
    uint16_t *undefined_of; /* flags, by entry */
    uint64_t excused[REASONS];
};

static inline unsigned bench_mode_size(const struct bench *t)
{
    return t->p.mode & X86_MODE_SIZE;
}

/* Counters of this program's kind. */
static inline struct reached *bench_reached(const struct bench *t)
{
    return &t->reached[(t->entry * 3u + bench_mode_size(t)) * WANTS + t->want];
}

/* NULL: there is no host to compare with. */
static inline uint8_t *bench_native_ram(struct bench *t)
{
    return t->native ? native_memory(t->native) : NULL;
}

/* Print what differences were excused, and flags that rows leave undefined. */
void bench_print_reasons(const struct bench *t);
/* The flags, packed. */
uint64_t bench_flags(const struct cpu *c);
/* Where data differs, as an offset; RAM_SIZE: nowhere. */
size_t bench_difference(const uint8_t *a, const uint8_t *b);
/* Count a failure, and print the first of them. */
void bench_report(struct bench *t, const char *what);

/* Run it on the host, after the CPUs; false: it differs (host.c). */
bool bench_compare_host(struct bench *t);

#endif
