/*
 * One virtual CPU: what every guest architecture shares.
 *
 * A guest's own CPU struct begins with a struct cpu.  This header is for
 * machine/ and for the guests' folders; the engine's inner parts (blocks,
 * soft TLB, handlers) are in engine.h.
 *
 * Threads: cpu_run() and all state belong to the vCPU's thread.  Other
 * threads use only cpu_kick(), cpu_input() wires and cpu_icount_any().
 */
#ifndef CPU_CORE_CPU_H
#define CPU_CORE_CPU_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/gate.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/state.h"
#include "base/wire.h"

struct cpu;
struct rec;
struct isa;
struct block_cache;
struct cpu_jit;
struct lockstep;

/* An address translated for one access. */
struct translation {
    uint64_t pa;       /* of the very byte */
    uint64_t page;     /* size of the guest page or region that this holds
                          for, a power of two; 0: for this access only */
    bool read, write, exec; /* also allowed on it, without another walk */
    bool global;       /* holds in every address space */
};

enum access { ACCESS_READ, ACCESS_WRITE, ACCESS_FETCH };

/* The registers of an interrupt file of a RISC-V hart's IMSIC, 32 bits each, by
 * the numbers that the CSR *iselect has, 0 for *topei; used under the device
 * lock. */
struct cpu_msi_file {
    uint32_t (*read)(void *owner, unsigned file, unsigned reg);
    void (*write)(void *owner, unsigned file, unsigned reg, uint32_t value);
    void *owner;
    unsigned file;
};

/*
 * Registers that each CPU has its own of at one place of memory (x86: its
 * local APIC's).  Of the memory map there, only what is not registers matters
 * to others.  The functions are used under the device lock.
 */
struct cpu_own_page {
    /* Of the page, PAGE_SIZE aligned; UINT64_MAX: nowhere.  The CPU's class
     * sets it, in the CPU's thread or at a reset, and flushes the TLB. */
    uint64_t address;
    uint64_t (*read)(void *owner, unsigned cpu, uint64_t offset,
                     unsigned size);
    void (*write)(void *owner, unsigned cpu, uint64_t offset, uint64_t value,
                  unsigned size);
    void *owner;
    unsigned cpu; /* the chip's number for it */
};

/*
 * x86: what the processor and its interrupt controllers say to each other
 * beside the lines, under the device lock; cpu/x86/apic.h is how its files
 * reach it.  `cpu` is the chip's number for the processor.
 */
struct cpu_apic {
    /* INTA: the vector of the interrupt that INTR announces, which is then in
     * service; -1: it is gone (and the CPU goes on). */
    int (*acknowledge)(void *owner, unsigned cpu);
    /* IA32_APIC_BASE, IA32_TSC_DEADLINE, 0x800 to 0x8ff; false: #GP. */
    bool (*read_msr)(void *owner, unsigned cpu, uint32_t msr, uint64_t *value);
    bool (*write_msr)(void *owner, unsigned cpu, uint32_t msr, uint64_t value);
    /* CR8: bits 7:4 of the TPR. */
    uint8_t (*get_cr8)(void *owner, unsigned cpu);
    void (*set_cr8)(void *owner, unsigned cpu, uint8_t value);
    void *owner;
    unsigned cpu;
    /* SMIACT#: the processor enters or leaves SMM. */
    void (*smm)(void *owner, unsigned cpu, bool on);
    void *smm_owner;
};

/* What crosses between a CPU and the chips beside the bus and interrupt
 * lines.  Filled by the machine; a NULL function is a missing wire. */
struct cpu_wires {
    /* Platform timer: its count now (RISC-V mtime, in timebase ticks). */
    uint64_t (*time)(void *owner);
    void *time_owner;
    uint64_t timebase_hz;
    /* Stop the other CPUs (on) for an access that the host cannot make
     * atomic, and let them go on. */
    void (*bus_lock)(void *owner, bool on);
    void *bus_owner;
    /* RISC-V: that of machine level and that of supervisor level. */
    struct cpu_msi_file msi[2];
    struct cpu_own_page own;
    struct cpu_apic apic; /* x86 */
    struct wire ferr;     /* x86: an x87 error waits, CR0.NE is clear */
    /* The processor has given up (x86: the shutdown cycle), under the device
     * lock; a board resets then.  crash: programs do not do so on purpose. */
    void (*shutdown)(void *owner, bool crash);
    void *shutdown_owner;
};

/* Where a CPU lives.  Outlives it. */
struct cpu_env {
    struct memory *memory;
    struct memory *ports; /* NULL where the guest has none */
    struct clock *clock;
    struct gate *gate;
    struct log *log;
};

struct cpu_config {
    unsigned id;      /* hart or APIC id */
    const char *model; /* "rv64,zba=off"; NULL: the class's default */
    bool no_chain;    /* leave every block through the run loop (-d exec) */
};

/* Why cpu_run() came back. */
enum cpu_event {
    CPU_KICKED, /* cpu_kick(), or the instruction limit was reached */
    CPU_HALTED, /* waits for an interrupt (WFI, HLT) */
};

/* A model that -cpu names, and what it is, in a line. */
struct cpu_model {
    const char *name, *summary;
};

/* Is text, n bytes of it, that name, in either case? */
bool cpu_name_is(const char *name, const char *text, size_t n);
/*
 * Parse one item behind a model's name: `sse`, `+sse`, `-sse`, `sse=on|off`
 * (also true, false); name(n) gives the features' names, NULL behind the last.
 * Sets *index to the feature's number.  false: e.
 */
bool cpu_parse_feature(const char *(*name)(unsigned n), const char *item,
                       size_t length, unsigned *index, bool *on,
                       struct error *e);

struct cpu_class {
    const char *name; /* "rv64" */
    unsigned xlen;    /* bits of its registers, widest mode */
    const struct cpu_model *models; /* the first is the default; a NULL name
                                       ends them */
    /* The n-th feature that may follow a model's name; NULL: no more. */
    const char *(*feature)(unsigned n);
    size_t size;      /* of the guest's struct */
    const struct field *fields;
    const struct isa *isa;

    /* Parse config->model, set what never changes.  false: e. */
    bool (*init)(struct cpu *c, const struct cpu_config *config,
                 struct error *e);
    void (*destroy)(struct cpu *c);
    void (*reset)(struct cpu *c);
    /* An interrupt input changes; under the device lock, any thread. */
    void (*input)(struct cpu *c, unsigned line, bool level);
    /*
     * Translate va for an access of `size` bytes that does not cross a page.
     * false: an exception is pending (cpu->pending, raised by the class).
     * With `probe`, nothing is raised and no accessed/dirty bit is set.
     */
    bool (*translate)(struct cpu *c, uint64_t va, unsigned size,
                      enum access access, bool probe,
                      struct translation *out);
    /* An access crosses a page, where the guest's addresses may end: look
     * at it before it is translated.  false: an exception is pending.  May
     * be NULL. */
    bool (*crosses)(struct cpu *c, uint64_t va, unsigned size);
    /* Raise the fault of an access that reached no memory. */
    void (*bus_fault)(struct cpu *c, uint64_t va, enum access access);
    /* Raise what the ISA has for an undefined encoding. */
    void (*undefined)(struct cpu *c, uint64_t encoding);
    /* Raise exception `cause` of the .isa file with its value. */
    void (*raise)(struct cpu *c, unsigned cause, uint64_t value);
    /* Deliver cpu->pending: c->pc is that of the instruction. */
    void (*deliver)(struct cpu *c);
    /* Take an interrupt if one is pending and enabled; true if so. */
    bool (*interrupt)(struct cpu *c);
    /* The platform's time was set: whoever waits for a value of it must
     * reckon anew.  Under the device lock, any thread; may be NULL. */
    void (*time_jumped)(struct cpu *c);
    /* Is a halted CPU to go on?  Any thread: reads atomics only. */
    bool (*wakes)(struct cpu *c);
    /* Bits on which decoding depends; below 2^16. */
    uint32_t (*mode)(struct cpu *c);
    /* What a device tree says of this CPU (riscv,isa); static or owned by
     * the CPU.  May be NULL. */
    const char *(*isa_string)(struct cpu *c);
    /* The same of its MMU (mmu-type). */
    const char *(*mmu_type)(struct cpu *c);
    /* Registers as text, several lines, for -d cpu and the monitor. */
    void (*dump)(struct cpu *c, char *out, size_t size);
};

/* ------------------------------------------------------------------ TLB */

/* Large: a miss costs as much as fifty hits, an entry that is not used
 * nothing.  16 MiB are covered. */
#define TLB_BITS 12
#define TLB_SIZE (1u << TLB_BITS)
#define FETCH_TLB_BITS 8
#define FETCH_TLB_SIZE (1u << FETCH_TLB_BITS)
/*
 * Contexts: a tag's low bits say whose translation it is.  Numbers go in
 * steps, so that what is left of an address that is not aligned never makes
 * one of another.  The last numbers are not given out: with the last page
 * they would make TLB_EMPTY, and one stands for no context at all.
 */
#define TLB_CONTEXTS 4096u
#define TLB_CONTEXT_STEP 8u
#define TLB_WATCHED (TLB_CONTEXTS - 2 * TLB_CONTEXT_STEP)
#define TLB_CONTEXT_END TLB_WATCHED

struct tlb_entry {
    uint64_t tag;     /* page | context; TLB_EMPTY: none */
    uintptr_t addend; /* host address = va + addend, modulo 2^n */
};
#define TLB_EMPTY UINT64_MAX

/* Pages of data_context that were found in the TLB, by the register that led
 * there, as records number them. */
#define NEAR_SLOTS 18
struct tlb_near {
    uint64_t page[NEAR_SLOTS]; /* NEAR_EMPTY, no page's address: none */
    uintptr_t addend[NEAR_SLOTS];
};
#define NEAR_EMPTY (PAGE_SIZE / 2)

/*
 * Entries that hold in every address space, by kind of access: looked in when
 * the others have none.  Their tags have numbers of their own in the place of
 * contexts, from TLB_CONTEXT_STEP on in steps, which the class gives.
 */
#define GLOBAL_TLB_BITS 10
#define GLOBAL_TLB_SIZE (1u << GLOBAL_TLB_BITS)

/*
 * Pages of registers, which the others never have: where slow paths that find
 * no RAM look before they walk.  What lies at the physical address is asked of
 * the memory map each time.  A VGA's window has 32 pages.
 */
#define DEVICE_TLB_SIZE 32u
struct device_entry {
    uint64_t tag; /* as a tlb_entry's */
    uint64_t pa;  /* the page's */
};

#define JCACHE_BITS 14
#define JCACHE_SIZE (1u << JCACHE_BITS)
/* Which entries a page has filled is noted by sets of pages. */
#define JCACHE_SETS 64u
#define JCACHE_NOTES 256u

/* Indirect jumps: virtual pc and jump context -> first record. */
struct jcache_entry {
    uint64_t pc;
    uint64_t context; /* UINT64_MAX: none */
    const struct rec *rec;
    const void *code; /* a translator's way in */
};

#define CPU_SPILLED 8

struct cpu {
    /* Used by every handler. */
    uint64_t page;          /* virtual base of the page that is executing */
    uint64_t data_context;  /* of loads and stores, below TLB_CONTEXT_END,
                               or TLB_WATCHED: see cpu_watch() */
    uint64_t fetch_context; /* of fetches; below TLB_CONTEXT_END */
    uint64_t jump_context;  /* fetch_context and class->mode(): what a jump
                               cache entry must have been made under */
    int64_t budget;         /* saved at slow paths, see cpu_icount() */
    const struct rec *cur;  /* the record that took a slow path, or NULL */
    uint64_t scratch;       /* a slow load's value */
    uint64_t scratch_hi;    /* its upper half, of 128 bits */
    uint64_t extra;         /* an operand that a record has no room for */
    uint64_t watched_context; /* data_context's while it is TLB_WATCHED */
    /* Of global entries, for loads and stores, and for fetches; 0: none. */
    uint64_t global_data, global_fetch;
    struct ram *late_ram;   /* a write to announce once it was made, or NULL: */
    uint64_t late_offset;   /* bytes into it */
    uint64_t late_size;
    uint64_t flag_a, flag_b; /* lazy flags, where the guest has any: values */
    uint32_t flag_kind;     /* and what they are of */
    struct rec *compile;    /* a hot block's first record, or NULL */
    struct rec *patch;      /* a link that wants its next record, or NULL */
    bool leave; /* a slow path asks to return to the run loop after this
                   instruction */
    bool pending_exception; /* class->deliver is due */

    uint64_t pc;            /* exact only outside of handlers */
    int64_t slice;          /* the budget that handlers were entered with */
    uint64_t icount;        /* instructions retired before this slice */
    uint64_t trapped_at;    /* icount after the last trap's delivery */
    uint64_t notice_at;     /* icount at which class->interrupt is to be asked
                               again, if that is still to come; the class
                               sets it, and `leave` where it comes nearer */

    atomic_bool exit_request; /* somebody wants the run loop's attention */
    atomic_bool asleep;     /* the thread waits on `wake` */
    bool halted;
    bool interpret;         /* a compiled block's handler does not enter it */
    bool step;              /* the class wants to be asked for interrupts after
                               each instruction */
    sem_t wake;

    const struct cpu_class *class;
    struct cpu_env env;
    struct cpu_wires wires;
    unsigned id;
    bool no_chain;
    uint64_t memory_version; /* of the map that the TLB was filled from */
    struct block_cache *blocks;
    struct cpu_jit *jit;    /* translator, or NULL */
    uint64_t spilled[CPU_SPILLED]; /* its own, within an instruction */
    struct lockstep *lockstep; /* compares it, or NULL; lockstep.h */
    atomic_uint_fast64_t icount_shown; /* for other threads */

    struct tlb_near near_read, near_write;
    struct tlb_entry read[TLB_SIZE], write[TLB_SIZE], fetch[FETCH_TLB_SIZE];
    struct tlb_entry global[3][GLOBAL_TLB_SIZE]; /* by enum access */
    struct device_entry device[2][DEVICE_TLB_SIZE]; /* ACCESS_READ, _WRITE */
    struct memory_hint memory_hint, port_hint; /* of registers */
    struct jcache_entry jcache[JCACHE_SIZE];
    /* Entries filled since they were emptied, by sets of pages; some have
     * been filled anew for other pages. */
    struct {
        uint16_t n, entries[JCACHE_NOTES];
    } jcache_notes[JCACHE_SETS];

    /* All large guest pages in the TLB lie between these. */
    uint64_t large_first, large_last;
    /* The span of RAM that was looked up last; see cpu_ram(). */
    struct {
        uint64_t first, size;
        uint8_t *host;
        struct ram *ram;
    } ram_hint;
    uint8_t space;    /* of an access of IR_SPACE(), else 0 */
    uint64_t lock_va; /* of the locked access under way */
    void *lock_host;  /* NULL: the bus is locked */
    bool cas16;       /* the host swaps 16 bytes at once */
};

/* ----------------------------------------------------------- for machine/ */

bool cpu_new(struct cpu **out, const struct cpu_class *cls,
             const struct cpu_env *env, const struct cpu_config *config,
             struct error *e);
void cpu_free(struct cpu *c);
void cpu_reset(struct cpu *c);
/* Let go of everything decoded, before memory that it may be from is freed.
 * The CPU does not run. */
void cpu_forget_code(struct cpu *c);

/*
 * Run until there is a reason to return; at most `limit` instructions, and
 * exactly so many when the clock counts instructions.  Delivers exceptions
 * and interrupts.  Does not hold the device lock.
 */
enum cpu_event cpu_run(struct cpu *c, int64_t limit);

/* Make cpu_run() return soon, or wake cpu_wait().  Any thread, no lock. */
void cpu_kick(struct cpu *c);

/* Sleep until a kick, or not at all if class->wakes().  vCPU thread only. */
void cpu_wait(struct cpu *c);

/* The wire of interrupt input `line`. */
struct wire cpu_input(struct cpu *c, unsigned line);

/* Retired instructions, exact at this very point; vCPU thread only. */
uint64_t cpu_icount(struct cpu *c);
/* The same as of the last return to the run loop; any thread. */
uint64_t cpu_icount_any(struct cpu *c);

/* --------------------------------------------- for the guests' own code */

/* Mark an exception as pending; the class keeps its details. */
static inline void cpu_raise(struct cpu *c)
{
    c->pending_exception = true;
}

/*
 * See whether loads and stores come: cpu_watch_end() is true if there was
 * none since cpu_watch(), nor a change of data_context.  Meanwhile the TLB
 * has no entry for any; so watching costs the fast path nothing.
 */
static inline void cpu_watch(struct cpu *c)
{
    c->watched_context = c->data_context;
    c->data_context = TLB_WATCHED;
}

static inline bool cpu_watch_end(struct cpu *c)
{
    if (c->data_context != TLB_WATCHED)
        return false;
    c->data_context = c->watched_context;
    return true;
}

/*
 * What others have written to code is seen from the next instruction on (a
 * fence.i, a serialising instruction): leaves to the run loop.
 */
void cpu_sync_code(struct cpu *c);

/* Forget every translation. */
void cpu_flush_tlb(struct cpu *c);
/* A translation of a page of `size` > PAGE_SIZE bytes around va was used. */
void cpu_note_large(struct cpu *c, uint64_t va, uint64_t size);
/* Forget the translations of the page that holds va, in every context.
 * false: it may be part of a large page, and nothing was done; forget the
 * contexts instead. */
bool cpu_flush_page(struct cpu *c, uint64_t va);

/*
 * Memory as the current instruction sees it, 1 to 8 bytes, any alignment,
 * little-endian; used by slow handlers and by helpers.  All or nothing:
 * false means an exception is pending and nothing was written.
 */
bool cpu_load(struct cpu *c, uint64_t va, unsigned size, uint64_t *value);
bool cpu_store(struct cpu *c, uint64_t va, unsigned size, uint64_t value);
/* Host address of naturally aligned guest RAM, for an atomic access; NULL:
 * an exception is pending (bus_fault for MMIO).  With ACCESS_WRITE the
 * caller's write must follow in the same instruction and be a host atomic. */
void *cpu_host(struct cpu *c, uint64_t va, unsigned size,
               enum access access);
/* The same with write intent. */
void *cpu_atomic(struct cpu *c, uint64_t va, unsigned size);
/* Host address of physical RAM (never ROM) at pa, and its block; NULL if
 * `size` bytes from it are not RAM.  As memory_host(), but remembers. */
uint8_t *cpu_ram(struct cpu *c, uint64_t pa, unsigned size,
                 struct ram **ram);
/* 16 bytes: into scratch and scratch_hi; all or nothing. */
bool cpu_load16(struct cpu *c, uint64_t va);
bool cpu_store16(struct cpu *c, uint64_t va, uint64_t lo, uint64_t hi);
/* Would a store of up to 16 bytes fault?  Then it does so here (false). */
bool cpu_check_write(struct cpu *c, uint64_t va, unsigned size);
/* As cpu_atomic() after cpu_check_write(), but NULL without an exception
 * where no plain RAM is. */
void *cpu_try_host(struct cpu *c, uint64_t va, unsigned size);

/*
 * A locked read-modify-write of 1, 2, 4, 8 or 16 bytes: lock, then load (into
 * scratch and scratch_hi, which stay) and store until that is not LOCK_RETRY;
 * old is the lower half of what was loaded.  false or LOCK_FAULT: an exception
 * is pending, and nothing is locked any more.
 */
enum lock_result { LOCK_RETRY, LOCK_DONE, LOCK_FAULT };
bool cpu_lock(struct cpu *c, uint64_t va, unsigned size);
bool cpu_lock_load(struct cpu *c, unsigned size);
enum lock_result cpu_lock_store(struct cpu *c, unsigned size, uint64_t old,
                                uint64_t lo, uint64_t hi);

/*
 * Before anything that can neither be undone nor be done twice: devices, the
 * platform's time.  true: not now; the caller fails with no exception
 * pending and nothing changed, and the instruction is run again.
 */
bool lockstep_refuses(struct cpu *c);
static inline bool cpu_outside(struct cpu *c)
{
    return c->lockstep && lockstep_refuses(c);
}
/* Before a write beside the soft TLB to RAM: host is that of address pa. */
void lockstep_save(struct cpu *c, struct ram *ram, const uint8_t *host,
                   uint64_t pa);
static inline void cpu_will_write(struct cpu *c, struct ram *ram,
                                  const uint8_t *host, uint64_t pa)
{
    if (c->lockstep)
        lockstep_save(c, ram, host, pa);
}
/* Read what a debugger would see; nothing is raised or changed. */
bool cpu_peek(struct cpu *c, uint64_t va, void *out, size_t size);

/* Field table of struct cpu, for a guest's own: FIELD_SUB(S, core,
 * cpu_core_fields). */
extern const struct field cpu_core_fields[];

/* All classes that are built in, NULL-terminated. */
extern const struct cpu_class *const cpu_classes[];

#endif
