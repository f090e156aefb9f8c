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
};

static inline unsigned bench_mode_size(const struct bench *t)
{
    return t->p.mode & X86_MODE_SIZE;
}

/* NULL: there is no host to compare with. */
static inline uint8_t *bench_native_ram(struct bench *t)
{
    return t->native ? native_memory(t->native) : NULL;
}

bool bench_is_row(const struct insn *n, const char *name);
/* The flags, packed. */
uint64_t bench_flags(const struct cpu *c);
/* Where data differs, as an offset; RAM_SIZE: nowhere. */
size_t bench_difference(const uint8_t *a, const uint8_t *b);
/* Count a failure, and print the first of them. */
void bench_report(struct bench *t, const char *what);

/* Run it on the host, after the CPUs; false: it differs (host.c). */
bool bench_compare_host(struct bench *t);

#endif
