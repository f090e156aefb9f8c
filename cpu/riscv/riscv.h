/*
 * A RISC-V hart, RV32 or RV64, with M, S and U modes.
 *
 * The RISC-V Instruction Set Manual, Volume II: Privileged Architecture
 * 20240411, is cited as "priv" with its section.
 */
#ifndef CPU_RISCV_RISCV_H
#define CPU_RISCV_RISCV_H

#include "cpu/core/cpu.h"
#include "cpu/fp/fp.h"

enum riscv_priv { PRIV_U = 0, PRIV_S = 1, PRIV_M = 3 };

/* mstatus, priv 3.1.6.  FS lives in struct riscv_cpu. */
#define MSTATUS_SIE ((uint64_t)1 << 1)
#define MSTATUS_MIE ((uint64_t)1 << 3)
#define MSTATUS_SPIE ((uint64_t)1 << 5)
#define MSTATUS_MPIE ((uint64_t)1 << 7)
#define MSTATUS_SPP ((uint64_t)1 << 8)
#define MSTATUS_MPP ((uint64_t)3 << 11)
#define MSTATUS_FS ((uint64_t)3 << 13)
#define MSTATUS_MPRV ((uint64_t)1 << 17)
#define MSTATUS_SUM ((uint64_t)1 << 18)
#define MSTATUS_MXR ((uint64_t)1 << 19)
#define MSTATUS_TVM ((uint64_t)1 << 20)
#define MSTATUS_TW ((uint64_t)1 << 21)
#define MSTATUS_TSR ((uint64_t)1 << 22)
#define MSTATUS_UXL ((uint64_t)3 << 32)
#define MSTATUS_SXL ((uint64_t)3 << 34)
#define MSTATUS_SD ((uint64_t)1 << 63)
#define MSTATUS_SD32 ((uint64_t)1 << 31) /* on RV32, which lacks UXL, SXL */

/* Interrupt lines and bits of mip and mie. */
enum riscv_irq {
    IRQ_SSI = 1,
    IRQ_MSI = 3,
    IRQ_STI = 5,
    IRQ_MTI = 7,
    IRQ_SEI = 9,
    IRQ_MEI = 11,
    IRQ_LCOFI = 13, /* a counter overflowed, Sscofpmf */
};
#define MIP_BIT(irq) ((uint64_t)1 << (irq))

/* menvcfg, senvcfg, priv 3.1.18. */
#define ENVCFG_FIOM ((uint64_t)1 << 0)
#define ENVCFG_CBIE ((uint64_t)3 << 4)
#define ENVCFG_CBCFE ((uint64_t)1 << 6)
#define ENVCFG_CBZE ((uint64_t)1 << 7)
#define ENVCFG_ADUE ((uint64_t)1 << 61)
#define ENVCFG_PBMTE ((uint64_t)1 << 62)
#define ENVCFG_STCE ((uint64_t)1 << 63)

enum riscv_cause {
    CAUSE_FETCH_MISALIGNED = 0,
    CAUSE_FETCH_ACCESS = 1,
    CAUSE_ILLEGAL = 2,
    CAUSE_BREAKPOINT = 3,
    CAUSE_LOAD_MISALIGNED = 4,
    CAUSE_LOAD_ACCESS = 5,
    CAUSE_STORE_MISALIGNED = 6,
    CAUSE_STORE_ACCESS = 7,
    CAUSE_ECALL_U = 8,
    CAUSE_ECALL_S = 9,
    CAUSE_ECALL_M = 11,
    CAUSE_FETCH_PAGE = 12,
    CAUSE_LOAD_PAGE = 13,
    CAUSE_STORE_PAGE = 15,
};

#define PMP_ENTRIES 16

/* Counters by their numbers: bits of mcounteren and the like. */
enum riscv_counter {
    COUNTER_CYCLE = 0,
    COUNTER_TIME = 1, /* not one of ours: riscv_time() */
    COUNTER_INSTRET = 2,
    COUNTER_FIRST = 3, /* of mhpmcounter3 to 31 */
    RISCV_COUNTERS = 32,
};
#define RISCV_CONTEXTS 32

/* A context number of the soft TLB and what it stands for. */
struct riscv_context {
    uint64_t satp;
    uint32_t key; /* privilege, SUM and MXR; UINT32_MAX: free */
    uint32_t number;
};

/* An entry of the PMP that is not off, decoded. */
struct pmp_range {
    uint64_t first, last; /* bytes */
    uint8_t cfg;
};

struct riscv_cpu {
    struct cpu core;
    uint64_t x[33]; /* [0] stays zero, [32] takes writes to x0 */
    uint64_t f[32];
    struct fp_env fp; /* flags are fflags */
    uint8_t frm;
    uint8_t fs;       /* mstatus.FS */
    uint8_t priv;     /* enum riscv_priv */
    uint64_t features; /* RISCV_EXT_*, of either width; set by init */

    uint64_t mstatus, misa;
    uint64_t medeleg, mideleg, mie, mip_soft;
    uint64_t mtvec, mscratch, mepc, mcause, mtval;
    uint64_t stvec, sscratch, sepc, scause, stval;
    uint64_t satp, stimecmp, menvcfg, senvcfg;
    uint64_t mcounteren, scounteren, mcountinhibit;
    uint64_t miselect, siselect, mvien, mvip; /* Smaia, Ssaia */
    uint64_t vsie; /* bits of sie that are none of mie, by mvien */
    uint8_t miprio[64], siprio[64];
    uint64_t counter[RISCV_COUNTERS]; /* less the icount, of those that are
                                         on; 1 is not used */
    uint64_t mhpmevent[RISCV_COUNTERS];
    uint32_t counting; /* counters that are on */
    uint32_t filtered; /* those that some privilege does not count for */
    uint64_t pmpaddr[PMP_ENTRIES];
    uint8_t pmpcfg[PMP_ENTRIES];

    uint64_t reservation; /* physical address of LR; UINT64_MAX: none */
    uint64_t reserved_value;
    uint8_t reserved_size;

    uint64_t cause, tval; /* of the pending exception */

    atomic_uint_fast64_t lines; /* interrupt inputs, bits as in mip */
    struct timer stimer;        /* stimecmp */
    atomic_bool time_jumped;    /* stimer is stale */

    struct pmp_range pmp[PMP_ENTRIES]; /* host-side: in their order */
    uint32_t pmp_active;               /* how many */
    struct riscv_context contexts[RISCV_CONTEXTS];
    uint32_t next_context; /* number to give out next */
    char isa_text[1024];
};

static inline struct riscv_cpu *riscv(struct cpu *c)
{
    return (struct riscv_cpu *)c;
}

extern const struct cpu_class riscv32_class, riscv64_class;

/* Bits of a register. */
unsigned riscv_xlen(const struct riscv_cpu *g);

/* ---------------------------------------------------- inside the folder */

/* models.c.  Features of "MODEL,EXT=on,..." (NULL: the first model) for a hart
 * of `width`, RISCV_EXT_RV32 or _RV64. */
bool riscv_parse_model(const char *text, uint64_t width, uint64_t *features,
                       struct error *e);
extern const struct cpu_model riscv32_models[], riscv64_models[];
/* The n-th feature that -cpu can switch, or NULL. */
const char *riscv_feature(unsigned n);
/* riscv,isa, and misa. */
void riscv_isa_text(uint64_t features, char *out, size_t size);
uint64_t riscv_misa(uint64_t features);

/* Make exception `cause` pending with its tval. */
void riscv_raise(struct cpu *c, unsigned cause, uint64_t tval);
/* The illegal-instruction exception of the current instruction. */
bool riscv_illegal(struct cpu *c);

void riscv_deliver(struct cpu *c);
bool riscv_interrupt(struct cpu *c);
bool riscv_wakes(struct cpu *c);
void riscv_input(struct cpu *c, unsigned line, bool level);
/* mip as software sees it. */
uint64_t riscv_mip(struct riscv_cpu *g);

/* Set the bits of mask that software sets in mip to those of v.  Under the
 * device lock where mask has SSI: SSWI's pulses set that, too. */
void riscv_set_pending(struct riscv_cpu *g, uint64_t mask, uint64_t v);
/* Bits of mie that there are. */
uint64_t riscv_mie_bits(const struct riscv_cpu *g);

/* -- aia.c: Smaia, Ssaia -- */

/* Interrupts that are pending and enabled at machine or (s) supervisor
 * level, and the one of `bits` of them that comes first there. */
uint64_t riscv_pending(struct riscv_cpu *g, bool s);
unsigned riscv_highest(struct riscv_cpu *g, bool s, uint64_t bits);
/* Parts of sip and sie that mvien makes. */
uint64_t riscv_virtual_sip(struct riscv_cpu *g);
void riscv_write_virtual_sip(struct riscv_cpu *g, uint64_t v);
uint64_t riscv_virtual_sie(struct riscv_cpu *g);
void riscv_write_virtual_sie(struct riscv_cpu *g, uint64_t v);
/* For rows of csr.c; those of mvip, *ireg, *topei and *topi under the device
 * lock. */
bool riscv_smaia(struct riscv_cpu *g, unsigned n);
bool riscv_ssaia(struct riscv_cpu *g, unsigned n);
bool riscv_mireg_on(struct riscv_cpu *g, unsigned n);
bool riscv_sireg_on(struct riscv_cpu *g, unsigned n);
bool riscv_mtopei_on(struct riscv_cpu *g, unsigned n);
bool riscv_stopei_on(struct riscv_cpu *g, unsigned n);
void riscv_write_mvien(struct riscv_cpu *g, unsigned n, uint64_t v);
uint64_t riscv_read_mvip(struct riscv_cpu *g, unsigned n);
void riscv_write_mvip(struct riscv_cpu *g, unsigned n, uint64_t v);
uint64_t riscv_read_mireg(struct riscv_cpu *g, unsigned n);
void riscv_write_mireg(struct riscv_cpu *g, unsigned n, uint64_t v);
uint64_t riscv_read_sireg(struct riscv_cpu *g, unsigned n);
void riscv_write_sireg(struct riscv_cpu *g, unsigned n, uint64_t v);
uint64_t riscv_read_mtopei(struct riscv_cpu *g, unsigned n);
void riscv_write_mtopei(struct riscv_cpu *g, unsigned n, uint64_t v);
uint64_t riscv_read_stopei(struct riscv_cpu *g, unsigned n);
void riscv_write_stopei(struct riscv_cpu *g, unsigned n, uint64_t v);
uint64_t riscv_read_mtopi(struct riscv_cpu *g, unsigned n);
uint64_t riscv_read_stopi(struct riscv_cpu *g, unsigned n);

bool riscv_translate(struct cpu *c, uint64_t va, unsigned size,
                     enum access access, bool probe,
                     struct translation *out);
/* Is an interrupt pending that would be taken now? */
bool riscv_due(struct riscv_cpu *g);
/* On what decoding depends, besides the features: whether FS is off. */
uint32_t riscv_mode(struct cpu *c);
/* Privilege, SUM, MXR, MPRV, satp or FS changed: pick the contexts. */
void riscv_update_contexts(struct riscv_cpu *g);
/* Forget all address spaces, or those of one ASID (asid < 0: all). */
void riscv_forget_contexts(struct riscv_cpu *g, int32_t asid);

/* The widest mode of translation that there is, as a device tree has it. */
const char *riscv_mmu_type(struct cpu *c);
/* Is that a value for satp: its mode is one that this hart has? */
bool riscv_satp_valid(const struct riscv_cpu *g, uint64_t satp);

/* Go to privilege `priv`, when `now` instructions are retired.  Contexts are
 * the caller's to update. */
void riscv_set_priv(struct riscv_cpu *g, unsigned priv, uint64_t now);
/* `counter` has plain values, and all that they depend on may be new: count
 * from here on. */
void riscv_counters_reset(struct riscv_cpu *g);
/* Note what has overflowed until instruction count `now`. */
void riscv_counters_overflow(struct riscv_cpu *g, uint64_t now);
/* What CSRs make of counters; but for reads, a number that does not exist is
 * ignored.  Numbers are those of enum riscv_counter. */
bool riscv_counter_exists(const struct riscv_cpu *g, unsigned n);
uint64_t riscv_read_counter(struct riscv_cpu *g, unsigned n);
void riscv_write_counter(struct riscv_cpu *g, unsigned n, uint64_t v);
void riscv_write_inhibit(struct riscv_cpu *g, uint64_t v);
uint64_t riscv_read_event(struct riscv_cpu *g, unsigned n);
void riscv_write_event(struct riscv_cpu *g, unsigned n, uint64_t v);
/* Bits of scountovf, as M mode sees them. */
uint32_t riscv_overflowed(struct riscv_cpu *g);

/* pmpcfg or pmpaddr changed. */
void riscv_pmp_changed(struct riscv_cpu *g);

/* Platform time (mtime) in ticks. */
uint64_t riscv_time(struct riscv_cpu *g);
/* stimecmp, menvcfg.STCE or the time base changed: set timer and line. */
void riscv_update_stimer(struct riscv_cpu *g);
void riscv_stimer_fired(void *owner);
/* Another thread set the platform's time; the hart looks when it can. */
void riscv_time_jumped(struct cpu *c);

/* CSR access without privilege or counter checks by their number; false if
 * there is none (used by riscv_csr_* and by tests and the monitor). */
const char *riscv_csr_name(unsigned number);

/* Helpers of riscv.isa: results in cpu->scratch. */
bool riscv_csr_read(struct cpu *c, uint32_t csr);
bool riscv_csr_write(struct cpu *c, uint32_t csr, uint64_t value);
bool riscv_csr_set(struct cpu *c, uint32_t csr, uint64_t bits);
bool riscv_csr_clear(struct cpu *c, uint32_t csr, uint64_t bits);
bool riscv_ecall(struct cpu *c);
bool riscv_sret(struct cpu *c);
bool riscv_mret(struct cpu *c);
bool riscv_wfi(struct cpu *c);
void riscv_fence(struct cpu *c, uint8_t fm, uint8_t pred, uint8_t succ);
void riscv_fence_i(struct cpu *c);
bool riscv_sfence_vma(struct cpu *c, uint64_t va, uint64_t asid, uint8_t rs1,
                      uint8_t rs2);
bool riscv_sfence_inval(struct cpu *c);
bool riscv_lr_w(struct cpu *c, uint64_t va);
bool riscv_lr_d(struct cpu *c, uint64_t va);
bool riscv_sc_w(struct cpu *c, uint64_t va, uint32_t value);
bool riscv_sc_d(struct cpu *c, uint64_t va, uint64_t value);
bool riscv_wrs(struct cpu *c, uint8_t no_timeout);
void riscv_pause(struct cpu *c);
bool riscv_cbo_inval(struct cpu *c, uint64_t va);
bool riscv_cbo_clean(struct cpu *c, uint64_t va); /* and flush */
bool riscv_cbo_zero(struct cpu *c, uint64_t va);
void riscv_clmul(struct cpu *c, uint64_t a, uint64_t b);
void riscv_clmulh(struct cpu *c, uint64_t a, uint64_t b);
void riscv_clmulr(struct cpu *c, uint64_t a, uint64_t b);
void riscv_xperm4(struct cpu *c, uint64_t a, uint64_t b);
void riscv_xperm8(struct cpu *c, uint64_t a, uint64_t b);

#endif
