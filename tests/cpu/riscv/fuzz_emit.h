/*
 * Random code for the machines of fuzz.h: what all of them are made of.
 */
#ifndef TESTS_CPU_RISCV_FUZZ_EMIT_H
#define TESTS_CPU_RISCV_FUZZ_EMIT_H

#include "tests/cpu/riscv/asm.h"
#include "tests/cpu/riscv/fuzz.h"

/*
 * Memory of the machines with page tables, from RIG_RAM on and again at
 * RIG_ALIAS, which Sv39 maps too.
 */
#define AT_TABLES 0x1000u
#define AT_LABELS 0x1000u  /* 64 addresses for each of U, S, (none), M */
#define AT_ENTRIES 0x1800u /* 64 page table entries */
#define AT_VALUES 0x1a00u  /* 64 values for CSRs */
#define AT_SATPS 0x1c00u   /* 64 values for satp */
#define AT_S_HANDLER 0x2000u
#define AT_CODE 0x4000u
#define CODE_PAGES 8u
#define AT_DATA 0x10000u
#define DATA_PAGES 4u
/* Out of reach of stores about what lies before it, which nobody fences. */
#define AT_PAGING 0x21000u
/* Address spaces: four pages of Sv39, and the roots above it of Sv48, Sv57. */
#define SPACES 2u
#define SPACE_SIZE 0x6000u
#define VA_LARGE UINT64_C(0x50000000) /* 2 MiB page of all RAM, for U */

/* Registers with a purpose; random code writes x5 to x15, and x16. */
enum { REG_LABELS = 24, REG_WORDS, REG_DATA, REG_CODE, REG_IO, REG_A, REG_B };

#define CALM_LEVELS 4

struct emit {
    struct rig *r;
    struct fuzz_random *f;
    uint8_t *at, *end;
    unsigned calm; /* how seldom the code is to trap */
};

struct emit emit_at(struct rig *r, struct fuzz_random *f, uint64_t offset,
                    uint64_t size);
void emit_word(struct emit *e, uint32_t word);
void emit_half(struct emit *e, uint32_t half);
/* rd = a number below 2^31, in two instructions. */
void emit_li(struct emit *e, unsigned rd, uint32_t value);
/* A register that random code may write. */
unsigned emit_rd(struct emit *e);
/* Any encoding of any row; of 16 or 32 bits. */
uint32_t emit_encoding(struct fuzz_random *f, uint8_t *width);
void emit_any(struct emit *e);
uint32_t emit_arithmetic_word(struct emit *e);
void emit_arithmetic(struct emit *e);
void emit_load(struct emit *e);
void emit_store(struct emit *e);
void emit_float(struct emit *e);
void emit_short(struct emit *e);
void emit_io(struct emit *e);
/* One of the many things that code does. */
void emit_piece(struct emit *e);

/* REG_A = the next number of a xorshift generator kept in `csr`. */
void emit_random(struct emit *e, unsigned csr);
#define PICK 7 /* instructions of emit_pick() */
/* REG_B = table[64 numbers][bits of REG_A from `shift` on]. */
void emit_pick(struct emit *e, uint32_t table, unsigned shift);
/* Skip the next n instructions unless some bits of REG_A are all 0. */
void emit_seldom(struct emit *e, unsigned shift, unsigned bits, int n);

void fuzz_put64(struct rig *r, uint64_t offset, uint64_t v);
/* A page table entry. */
uint64_t fuzz_entry(uint64_t pa, unsigned flags);
uint64_t fuzz_satp(const struct rig *r, unsigned space);
/* Instructions to store into code, in ROM: half of them arithmetic. */
void fuzz_words(struct rig *r, struct fuzz_random *f);
void fuzz_registers(struct rig *r, struct fuzz_random *f);
void fuzz_interrupts(struct rig *r, struct fuzz_random *f);
/* Random numbers that depend on how far a machine got. */
struct fuzz_random fuzz_now(const struct rig *r);
void fuzz_own_registers(struct rig *r, struct fuzz_random *f);
/* Page tables of one address space, as fuzz_satp() names it; calm: all is
 * mapped to itself and allowed. */
void fuzz_space(struct rig *r, struct fuzz_random *f, unsigned space,
                bool calm);

void fuzz_fill_system(struct rig *r, struct fuzz_random *f);
void fuzz_fill_loops(struct rig *r, struct fuzz_random *f);
void fuzz_fill_bare(struct rig *r, struct fuzz_random *f);
void fuzz_fill_wild(struct rig *r, struct fuzz_random *f);

#endif
