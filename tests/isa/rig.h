/*
 * Two machines of one CPU each, alike in every bit: on one the interpreter
 * runs, on the other the IR evaluator (or the interpreter, otherwise), and
 * whatever differs afterwards is a mistake in one of them.
 *
 * What is particular to a guest - random states, address spaces, how an
 * encoding becomes bytes - is in a struct rig_guest.
 */
#ifndef TESTS_ISA_RIG_H
#define TESTS_ISA_RIG_H

#include <pthread.h>

#include "cpu/core/engine.h"
#include "cpu/core/isa_test.h"
#include "cpu/ir/ir.h"

/* Guest RAM at rig_guest.ram_base, and a page of ROM behind it. */
#define RIG_RAM_SIZE 0x10000u
#define RIG_ROM_SIZE 0x1000u
/* Where a row's code lies: two pages, so that it may straddle them. */
#define RIG_CODE 0x0000u
/* Where every trap goes: a jump to itself. */
#define RIG_VECTOR 0x2000u
/* The guest's own: page tables. */
#define RIG_TABLES 0x3000u
#define RIG_DATA 0x8000u
/* Bytes around an address that are compared and restored each time, and how
 * many of them lie before it: it may be anywhere in a block of 64. */
#define RIG_WINDOW 128u
#define RIG_BEFORE 64u

struct rig_random {
    uint64_t state;
};

uint64_t rig_random(struct rig_random *r);
/* Below n, which is not 0. */
uint64_t rig_below(struct rig_random *r, uint64_t n);
/* 0, 1, -1, ends of ranges, powers of two and their neighbours, small and
 * large numbers. */
uint64_t rig_edgy(struct rig_random *r);
/* True with probability n in 16. */
bool rig_chance(struct rig_random *r, unsigned n);

struct rig_side {
    struct cpu *c;
    struct memory *memory;
    struct ram *ram, *rom;
    struct region ram_region, rom_region;
    struct clock *clock;
    struct gate *gate;
    struct log log;
    pthread_mutex_t lock;
};

struct rig;

struct rig_guest {
    const char *name;
    const struct cpu_class *cls;
    const struct isa_encoding *encodings;
    const struct isa_example *examples;
    const struct isa_register *registers;
    const struct ir_guest *ir;
    uint64_t ram_base;
    uint64_t walker_bits; /* of a page table entry: the walk sets them */
    uint32_t loop; /* a jump to itself, two bytes or four */
    uint32_t align; /* of instructions */
    const char *model;
    uint64_t features; /* that the CPU has: rows that want others are left */
    uint64_t only;     /* without pairs: rows that want this; 0: all */

    /* Once: r->pristine is empty but for this. */
    void (*prepare)(struct rig *r);
    /* A new address space, in r->pristine and in r's own fields. */
    void (*world)(struct rig *r);
    /* A random state for a.c, pc included. */
    void (*state)(struct rig *r);
    /* An address near which something is mapped, or is not. */
    uint64_t (*address)(struct rig *r);
    /* Fill registers with addresses, and with numbers that leave one as it
     * is: pairs compute the address of an access. */
    void (*scatter)(struct rig *r);
    /* An encoding of the row; it need not be one after all. */
    uint32_t (*encode)(struct rig *r, const struct isa_encoding *e);
    /* Copy what a guest program can see or change, from one CPU (or an
     * image of it) to another. */
    void (*copy)(struct cpu *to, const struct cpu *from);
    /* False if they may differ; true if they do not. */
    bool (*same)(const struct cpu *a, const struct cpu *b);
    /* Clear what the handlers use and no program sees. */
    void (*tidy)(struct cpu *c);
    /* The state was set from outside: make what derives from it anew, and
     * forget all translations if asked to. */
    void (*settle)(struct cpu *c, bool flush);
    /* Before row `row` runs on either side, with its address. */
    void (*prelude)(struct rig *r, const struct insn *i, uint64_t address);
    /* Is this row nothing but an exception? */
    bool (*always_traps)(const char *name);
    /* The state that examples begin in: as free of traps as can be. */
    void (*plain)(struct rig *r);
    /* What an example names and is no register of the table's, among them
     * `trap` and `tval`, the last exception's.  false: nothing of that name
     * is there. */
    bool (*set)(struct cpu *c, const char *name, uint64_t value);
    bool (*get)(struct cpu *c, const char *name, uint64_t *value);
};

struct rig {
    const struct rig_guest *guest;
    struct rig_side a, b;
    struct rig_random random;
    struct ir ir;
    uint8_t *pristine; /* RIG_RAM_SIZE bytes: RAM before each case */
    struct cpu *image; /* of a.c before each case */
    void *world;       /* the guest's own */
    uint64_t cases;
    unsigned failures;
    /* What is being run. */
    uint8_t code[32];
    unsigned code_size; /* of the instructions */
    unsigned placed;    /* and of the loop behind them, if there is one */
    uint32_t code_at; /* offset in RAM */
    struct insn insns[2];
    unsigned n_insns;
    uint64_t address; /* of its memory access */
    bool has_address;
    bool whole;         /* compare all of RAM */
    bool jit;           /* side a compiles all that it runs */
    uint64_t compiled;  /* runs of code that was */
    uint64_t fast_hits; /* runs that found the address in the TLB */
    uint64_t traps;     /* cases that ended in one */
    uint64_t rewritten; /* that wrote to page tables, and prove nothing */
};

/* With `jit`, side a compiles everything.  false: not enough memory, or no
 * translator; e says more. */
bool rig_new(struct rig *r, const struct rig_guest *guest, uint64_t seed,
             bool jit, struct error *e);
void rig_free(struct rig *r);

/* A new world: RAM of both sides is r->pristine again. */
void rig_new_world(struct rig *r);
/* Is all of both sides' RAM alike?  Prints where it is not. */
bool rig_same_ram(struct rig *r);

/* Put n instructions (their encodings) at code_at, decode and lift them;
 * false if they do not decode as said, or the IR is not well-formed (that
 * is printed and counted as a failure). */
bool rig_place(struct rig *r, const uint32_t *bits, const uint8_t *widths,
               unsigned n);

/* The same code, now that a.c's state may decode it otherwise. */
bool rig_decode(struct rig *r);

enum rig_how {
    RIG_EVAL,  /* the other side evaluates the IR */
    RIG_APART, /* it runs the instructions one by one */
};

/*
 * One random state: run what was placed on side b as `how` says, and on side
 * a with translations forgotten and then again with them found.  false and a
 * report on stdout if anything differs.
 */
bool rig_case(struct rig *r, enum rig_how how);

/* The parts of that.  Both sides have the same state, and r->image too: */
/* evaluate on side b, and leave an exception pending; */
struct ir_end rig_eval(struct rig *r);
/* then all the rest. */
bool rig_rest(struct rig *r);
/* Are both sides alike? */
bool rig_compare(struct rig *r, struct error *e);
void rig_copy(struct rig *r, struct cpu *to, const struct cpu *from);
void rig_report(struct rig *r, const char *what, const struct error *e);

/* Examples of all rows, or of those called `only`; returns how many. */
unsigned rig_examples(struct rig *r, const char *only);

extern const struct rig_guest rig_riscv[]; /* ends with a NULL name */

#endif
