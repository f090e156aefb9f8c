/*
 * Random short programs of the rows of x86.isa.
 */
#ifndef TESTS_ISA_X86_PROGRAM_H
#define TESTS_ISA_X86_PROGRAM_H

#include "tests/isa/x86/guest.h"

struct rng {
    uint64_t state;
};

uint64_t rng_next(struct rng *r);
/* Below n, which is not 0. */
uint64_t rng_below(struct rng *r, uint64_t n);
/* True once in n times. */
bool rng_once(struct rng *r, unsigned n);
/* Ends of ranges and their neighbours, small and large numbers. */
uint64_t rng_edgy(struct rng *r);
/* Bits of a double or, twice, of floats: ordinary and odd ones. */
uint64_t rng_double(struct rng *r);
uint64_t rng_floats(struct rng *r);

/* Pages of the window: code, then data with holes, then the stack. */
#define CODE_PAGES 2u
#define STACK_PAGE 7u
extern const uint8_t page_kinds[GUEST_PAGES];

/* An address near the end or the start of a page. */
uint64_t interesting_address(struct rng *r);

#define MAX_INSNS 16u
#define FEW_INSNS 4u /* where more would find nothing more */

struct program {
    uint32_t mode; /* X86_MODE_*, flat where it is not 16 */
    uint64_t pc;
    uint8_t bytes[MAX_INSNS * 16];
    unsigned size, n;
    unsigned at[MAX_INSNS]; /* offsets */
    struct insn insns[MAX_INSNS];
    bool native; /* the host can run it just so */
};

/* What a program is made for. */
struct machine {
    uint32_t mode;
    unsigned model;
    uint64_t features;
};

/* Does a row belong into programs of this machine? */
bool is_for_users(const struct machine *m, const struct x86_entry *e);

/* What a program's first instruction is to have; anything else at random. */
enum want {
    WANT_REGISTER, /* as its operand that may be in memory, too */
    WANT_MEMORY,
    WANT_ADDRESS, /* 67, and an operand in memory */
    WANT_SEGMENT, /* an override that a host can have, and that */
    WANT_OTHER,   /* one that it cannot */
    WANT_OPERAND, /* 66, where it changes the size */
    WANT_LOCK,
    WANT_ANY,
    WANTS
};
extern const char *const want_names[WANTS];

/* Is there such an instruction of this entry? */
bool can_have(const struct x86_entry *e, enum want want);

/*
 * A program of n instructions, the first of entry e with what is wanted, the
 * second of entry then (where they are not NULL), at a random place.  false:
 * it did not come out; try again.
 */
bool make_program(struct rng *r, const struct machine *m,
                  const struct x86_entry *e, enum want want,
                  const struct x86_entry *then, unsigned n, struct program *p);

/* Is its operand an image of the state of x87, and more? */
bool is_image(const struct x86_entry *e);
/* x87: is it a function whose last bit is the processor's affair? */
bool is_transcendental(const struct x86_entry *e);

/* Where instruction i's memory operand lies, from the registers; false: it
 * has none. */
bool operand_address(const struct program *p, unsigned i, const uint64_t *g,
                     uint64_t *va);
/* Set registers so that it lies at va, if they can. */
void aim(const struct program *p, unsigned i, uint64_t *g, uint64_t va);

/* As text, hexadecimal and disassembled, into out. */
void program_text(const struct program *p, char *out, size_t size);

#endif
