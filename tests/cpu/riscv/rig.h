/*
 * A board for one hart: RAM, a device of a few registers, a clock that
 * counts instructions, and what runs them as machine/ does.
 *
 * Rigs made alike and run alike end alike, whatever the engine does inside;
 * rig_differ() says where two of them do not.
 */
#ifndef TESTS_CPU_RISCV_RIG_H
#define TESTS_CPU_RISCV_RIG_H

#include "cpu/core/engine.h"
#include "cpu/riscv/riscv.h"
#include "jit/jit.h"
#include "tests/cpu/riscv/reach.h"

#define RIG_RAM UINT64_C(0x80000000)
#define RIG_RAM_SIZE UINT64_C(0x200000)
/* The same RAM once more, where page tables like to put it too. */
#define RIG_ALIAS UINT64_C(0x40000000)
#define RIG_ROM UINT64_C(0x20000000)
#define RIG_ROM_SIZE UINT64_C(0x2000)
#define RIG_IO UINT64_C(0x10000000)
#define RIG_IO_SIZE UINT64_C(0x1000)
/* Ticks of mtime: one in ten instructions. */
#define RIG_HZ UINT64_C(100000000)

/* The device: 64-bit registers for accesses of 4 and 8 bytes. */
enum rig_register {
    RIG_REG_ICOUNT = 0,   /* instructions retired, exactly */
    RIG_REG_MTIMECMP = 8, /* IRQ_MTI while mtime is not below it */
    RIG_REG_RAISE = 16,   /* bits of mip to raise */
    RIG_REG_LOWER = 24,   /* and to lower */
    RIG_REG_COUNT = 32,   /* how many accesses there were */
};

struct rig_config {
    const char *model;
    const struct cpu_class *cls; /* NULL: riscv64_class */
    bool no_chain;
    bool real_time;    /* the clock counts no instructions */
    uint64_t ram_size; /* 0: RIG_RAM_SIZE */
    /* Compile; NULL: only if the environment has RIG_JIT, and then all. */
    const struct jit_config *jit;
};

struct rig {
    struct cpu *cpu;
    struct riscv_cpu *g; /* the same */
    struct cpu_class cls;
    pthread_mutex_t lock;
    struct log log;
    struct memory *memory;
    struct ram *ram, *rom;
    struct region ram_region, alias_region, rom_region, io_region;
    struct clock *clock;

    struct timer mtimer;
    uint64_t mtimecmp, io_accesses;

    /* Called when that many instructions are retired, or when nothing but
     * exceptions happened for a while; changes the machine as it likes and
     * says when it wants to be called next.  NULL: nobody. */
    void (*jolt)(struct rig *r);
    void (*wide_jolt)(struct rig *r); /* fuzz_fill()'s own, on RV32 */
    uint64_t next_jolt; /* instructions */
    uint64_t vain;      /* exceptions in a row without an instruction */

    uint64_t exceptions;     /* delivered so far */
    uint64_t max_exceptions; /* stop there; 0: never */
    uint64_t interrupts;
    uint64_t traps; /* a sum over all that is known of each trap */
    uint64_t last_cause, last_tval, last_epc; /* of the last exception */
    uint64_t last_icount;
    struct reach *reach; /* with config.jit: what was reached; or NULL */
    bool stopped; /* by max_exceptions, or it halts for ever */
};

/* Where a translator was asked for by the environment and is not to be had,
 * the program ends here with status 77 (skipped); asked for by config, it is
 * only missing (r->cpu->jit). */
struct rig *rig_new(const struct rig_config *config);
void rig_free(struct rig *r);

/* Run until `icount` instructions are retired or it stopped.  At most
 * `chunk` a cpu_run(); with `flush`, the block cache is emptied before
 * each. */
void rig_run(struct rig *r, uint64_t icount, int64_t chunk, bool flush);
/* n instructions more. */
void rig_step(struct rig *r, uint64_t n);

/* Host address of RAM or ROM at a physical address. */
uint8_t *rig_host(struct rig *r, uint64_t pa);
/* Put words of code (or data) at a physical address; decoded code hears. */
void rig_poke(struct rig *r, uint64_t pa, const uint32_t *words, unsigned n);
void rig_poke64(struct rig *r, uint64_t pa, uint64_t value);
uint64_t rig_peek64(struct rig *r, uint64_t pa);

/* All PMP permissions for S and U. */
void rig_open_pmp(struct rig *r);
/* Enter a privilege at pc. */
void rig_enter(struct rig *r, unsigned priv, uint64_t pc);

/* For tests of single instructions: traps go to endless loops in M and S
 * mode, U and S may access all memory and counters. */
#define RIG_M_TRAP (RIG_RAM + 0x1000)
#define RIG_S_TRAP (RIG_RAM + 0x1100)
#define RIG_SCRATCH (RIG_RAM + 0x1800) /* code of rig_do() */
void rig_prepare(struct rig *r);
/* Run one instruction at RIG_SCRATCH (16 bits wide where its low bits say
 * so), in privilege `priv`; true if it did not raise an exception.  When it
 * did, last_cause, last_tval and last_epc say which. */
bool rig_do(struct rig *r, unsigned priv, uint32_t word);
/* A CSR, in M mode; the access must succeed. */
uint64_t rig_get_csr(struct rig *r, unsigned csr);
void rig_set_csr(struct rig *r, unsigned csr, uint64_t value);

/* What is not the same in a and b, as a line in e; false: nothing. */
bool rig_differ(const struct rig *a, const struct rig *b, struct error *e);

#endif
