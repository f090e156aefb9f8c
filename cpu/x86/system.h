/*
 * The x86 processor as a system: what its files share, and the helpers of
 * the system rows of x86.isa.
 *
 * Functions that return bool return false with an exception pending, and have
 * then changed nothing that the guest can see but memory below its stacks.
 */
#ifndef CPU_X86_SYSTEM_H
#define CPU_X86_SYSTEM_H

#include "cpu/x86/x86.h"

/* ------------------------------------------------------------- models.c */

#define X86_FEATURE(word, bit) ((word) * 32u + (bit))
enum x86_feature {
    X86_FPU = X86_FEATURE(X86_WORD_1_EDX, 0),
    X86_VME = X86_FEATURE(X86_WORD_1_EDX, 1),
    X86_DE = X86_FEATURE(X86_WORD_1_EDX, 2),
    X86_PSE = X86_FEATURE(X86_WORD_1_EDX, 3),
    X86_TSC = X86_FEATURE(X86_WORD_1_EDX, 4),
    X86_MSR = X86_FEATURE(X86_WORD_1_EDX, 5),
    X86_PAE = X86_FEATURE(X86_WORD_1_EDX, 6),
    X86_MCE = X86_FEATURE(X86_WORD_1_EDX, 7),
    X86_APIC = X86_FEATURE(X86_WORD_1_EDX, 9),
    X86_SEP = X86_FEATURE(X86_WORD_1_EDX, 11),
    X86_MTRR = X86_FEATURE(X86_WORD_1_EDX, 12),
    X86_PGE = X86_FEATURE(X86_WORD_1_EDX, 13),
    X86_MCA = X86_FEATURE(X86_WORD_1_EDX, 14),
    X86_PAT = X86_FEATURE(X86_WORD_1_EDX, 16),
    X86_PSE36 = X86_FEATURE(X86_WORD_1_EDX, 17),
    X86_FXSR = X86_FEATURE(X86_WORD_1_EDX, 24),
    X86_SSE = X86_FEATURE(X86_WORD_1_EDX, 25),
    X86_PCID = X86_FEATURE(X86_WORD_1_ECX, 17),
    X86_X2APIC = X86_FEATURE(X86_WORD_1_ECX, 21),
    X86_XSAVE = X86_FEATURE(X86_WORD_1_ECX, 26),
    X86_FSGSBASE = X86_FEATURE(X86_WORD_7_EBX, 0),
    X86_TSC_ADJUST = X86_FEATURE(X86_WORD_7_EBX, 1),
    X86_SMEP = X86_FEATURE(X86_WORD_7_EBX, 7),
    X86_SMAP = X86_FEATURE(X86_WORD_7_EBX, 20),
    X86_UMIP = X86_FEATURE(X86_WORD_7_ECX, 2),
    X86_PKU = X86_FEATURE(X86_WORD_7_ECX, 3),
    X86_LA57 = X86_FEATURE(X86_WORD_7_ECX, 16),
    X86_PKS = X86_FEATURE(X86_WORD_7_ECX, 31),
    X86_SYSCALL = X86_FEATURE(X86_WORD_81_EDX, 11),
    X86_NX = X86_FEATURE(X86_WORD_81_EDX, 20),
    X86_PAGE1G = X86_FEATURE(X86_WORD_81_EDX, 26),
    X86_RDTSCP = X86_FEATURE(X86_WORD_81_EDX, 27),
    X86_LM = X86_FEATURE(X86_WORD_81_EDX, 29),
};

static inline bool x86_has(const struct x86_cpu *g, enum x86_feature f)
{
    return g->words[f / 32] >> f % 32 & 1;
}

/* A model, as it is before features are switched. */
struct x86_facts {
    const char *name;
    uint8_t model; /* X86_MODEL_* */
    uint8_t family, model_number, stepping;
    const char *vendor; /* 12 characters; NULL: no CPUID */
    uint32_t cpuid_max, extended_max;
    const char *brand;  /* NULL: none */
    uint8_t phys_bits;
    uint32_t words[X86_WORDS];
};
extern const struct cpu_model x86_models[];
const char *x86_feature_name(unsigned n);
/* Parse "MODEL[,FEATURE=on|off]...": facts, model, words and features. */
bool x86_parse_model(const char *text, struct x86_cpu *g, struct error *e);

/* -------------------------------------------------------------- cpuid.c */

void x86_cpuid(struct cpu *c);

/* ------------------------------------------------------------ segment.c */

/* A descriptor as it is in memory. */
struct x86_descriptor {
    uint32_t lo, hi;
    uint64_t at;  /* linear address, to set its bits */
};
static inline unsigned x86_dpl(uint32_t access)
{
    return access >> SEGMENT_DPL_SHIFT & 3;
}
static inline uint16_t x86_access(const struct x86_descriptor *d)
{
    return (uint16_t)(d->hi >> 8 & 0xf0ff);
}

/* PE set, VM clear; LMA. */
static inline bool x86_protected(const struct x86_cpu *g)
{
    return (g->cr0 & CR0_PE) && !(g->eflags & FLAG_VM);
}
static inline bool x86_v86(const struct x86_cpu *g)
{
    return (g->eflags & FLAG_VM) != 0;
}
static inline bool x86_lma(const struct x86_cpu *g)
{
    return (g->efer & EFER_LMA) != 0;
}
static inline unsigned x86_iopl(const struct x86_cpu *g)
{
    return (g->eflags & FLAG_IOPL) >> IOPL_SHIFT;
}
static inline uint64_t x86_eip(const struct x86_cpu *g)
{
    return x86_long(g) ? g->core.pc : (uint32_t)(g->core.pc - g->cs_base);
}
static inline uint64_t x86_mask(unsigned size)
{
    return size >= 8 ? UINT64_MAX : ((uint64_t)1 << 8 * size) - 1;
}

bool x86_fault(struct cpu *c, unsigned vector, uint64_t error); /* false */

/* Accesses of the processor itself to tables: as supervisor. */
bool x86_system_load(struct x86_cpu *g, uint64_t va, unsigned size,
                     uint64_t *v);
bool x86_system_store(struct x86_cpu *g, uint64_t va, unsigned size,
                      uint64_t v);

/* Read a selector's descriptor; false without any exception if it is beyond
 * its table. */
enum x86_found { X86_FOUND, X86_BEYOND, X86_FAULTED };
enum x86_found x86_read_descriptor(struct x86_cpu *g, uint16_t selector,
                                   struct x86_descriptor *d);
/* The same; beyond the table: `vector` with the selector, ext or-ed to it. */
bool x86_need_descriptor(struct x86_cpu *g, uint16_t selector, unsigned vector,
                         unsigned ext, struct x86_descriptor *d);
/* The upper half of a descriptor of 16 bytes, its base's high part. */
bool x86_upper_base(struct x86_cpu *g, const struct x86_descriptor *d,
                    uint16_t selector, unsigned vector, uint64_t *base);
void x86_unpack(const struct x86_descriptor *d, uint16_t selector,
                struct x86_segment *out);
/* Set the accessed bit of code or data, in memory and in d. */
bool x86_set_accessed(struct x86_cpu *g, struct x86_descriptor *d);
/* Real mode's and V86's loading. */
void x86_load_real(struct x86_cpu *g, unsigned segment, uint16_t selector);
/* MOV, POP, LDS...; of SS in 64-bit mode, too. */
bool x86_load_segment(struct cpu *c, uint8_t segment, uint16_t selector);
/* As it is loaded by a change to `cpl` (interrupts, far returns, tasks):
 * faults are `vector` but for stack faults. */
bool x86_fetch_stack(struct x86_cpu *g, uint16_t selector, unsigned cpl,
                     unsigned vector, unsigned ext, struct x86_segment *out);
/* Before a return to outer privilege `cpl`: what may not be kept is null. */
void x86_drop_inner(struct x86_cpu *g, unsigned cpl);

/* The linear address of [off, off+size), which may be accessed so; false:
 * x86_segment_vector() is to be raised.  Before the 286 nothing is beyond the
 * end. */
bool x86_in_segment(struct x86_cpu *g, const struct x86_segment *s,
                    uint64_t off, unsigned size, bool write, uint64_t *va);
unsigned x86_segment_vector(const struct x86_cpu *g, unsigned segment);
/* Linear addresses of words over an 8086 segment's end (segment.c), and where
 * a byte of one is. */
#define X86_WRAPS 0x80000000u
uint64_t x86_wrapped(uint64_t va);

/* Rows' helpers. */
bool x86_mov_ss(struct cpu *c, uint16_t selector);
bool x86_pop_segment(struct cpu *c, uint8_t segment, uint8_t size);
void x86_load_cs(struct cpu *c, uint16_t selector, uint64_t next); /* 8086 */
bool x86_load_table(struct cpu *c, uint8_t idt, uint8_t segment, uint64_t off,
                    uint8_t size);
bool x86_store_table(struct cpu *c, uint8_t idt, uint8_t segment,
                     uint64_t off);
bool x86_lldt(struct cpu *c, uint16_t selector);
bool x86_ltr(struct cpu *c, uint16_t selector);
/* Into scratch: rights or limit, with bit 63 if they are to be had; ZF. */
bool x86_lar(struct cpu *c, uint16_t selector);
bool x86_lsl(struct cpu *c, uint16_t selector);
bool x86_verify(struct cpu *c, uint16_t selector, uint8_t write);

/* ---------------------------------------------------------------- mmu.c */

bool x86_translate(struct cpu *c, uint64_t va, unsigned size,
                   enum access access, bool probe, struct translation *out);
bool x86_crosses(struct cpu *c, uint64_t va, unsigned size);
/* Whatever decides how addresses are translated or checked was changed:
 * pick the contexts. */
void x86_update_contexts(struct x86_cpu *g);
/* Forget every translation. */
void x86_flush(struct x86_cpu *g);
/* CR3 was loaded: forget what is not of another PCID. */
void x86_flush_space(struct x86_cpu *g, uint64_t cr3);
/* Load the four PDPTEs of PAE from cr3; #GP. */
bool x86_load_pdptes(struct x86_cpu *g, uint64_t cr3);
bool x86_canonical_va(const struct x86_cpu *g, uint64_t va);
/* The same for what is loaded into a register: by what the processor is able
 * to do, whatever CR4.LA57 says. */
bool x86_canonical_base(const struct x86_cpu *g, uint64_t va);
bool x86_invlpg(struct cpu *c, uint8_t segment, uint64_t off);
bool x86_invpcid(struct cpu *c, uint64_t type, uint64_t lo, uint64_t hi);

/* --------------------------------------------------------------- trap.c */

struct x86_event {
    uint8_t vector;
    uint8_t source; /* enum x86_source */
    bool has_error;
    uint32_t error;
    uint64_t ip; /* that is pushed */
};
/* Go to the handler: pc is set. */
bool x86_enter_handler(struct x86_cpu *g, const struct x86_event *e);
void x86_deliver(struct cpu *c);
bool x86_interrupt(struct cpu *c);
bool x86_wakes(struct cpu *c);
void x86_input(struct cpu *c, unsigned line, bool level);
/* #DB with bits of DR6: a fault. */
bool x86_debug_fault(struct x86_cpu *g, uint32_t bits);
/* A trap after this instruction. */
void x86_debug_trap(struct x86_cpu *g, uint32_t bits);
/* No interrupt right after this instruction. */
void x86_shadow(struct x86_cpu *g, bool debug);
/* Interrupts may be let in now: see whether one waits. */
void x86_look(struct x86_cpu *g);
/* A repetition has `left` elements to go: the row does it again, and events in
 * between push RF (SDM 3-18.3.1.1). */
static inline bool x86_rep_left(struct x86_cpu *g, uint64_t left)
{
    g->core.scratch = left;
    if (left)
        g->rep_at = cpu_icount(&g->core); /* it has not retired */
    return true;
}
/* RF as it is now. */
bool x86_resumes(struct x86_cpu *g);

bool x86_int(struct cpu *c, uint8_t vector, uint64_t next);
bool x86_int3(struct cpu *c, uint64_t next);
bool x86_into(struct cpu *c, uint64_t next);
bool x86_icebp(struct cpu *c, uint64_t next);
bool x86_hlt(struct cpu *c);

/* A stack that is not (yet) the processor's. */
struct x86_stack {
    struct x86_segment ss;
    uint64_t sp;
    unsigned cpl;
    unsigned error; /* of #SS, with EXT */
    bool flat;      /* 64-bit mode: no segment */
};
void x86_this_stack(struct x86_cpu *g, struct x86_stack *s);
bool x86_stack_push(struct x86_cpu *g, struct x86_stack *s, unsigned size,
                    uint64_t v);
bool x86_stack_pop(struct x86_cpu *g, struct x86_stack *s, unsigned size,
                   uint64_t *v);
/* Make SP what it has come to. */
void x86_use_stack(struct x86_cpu *g, const struct x86_stack *s);

/* ---------------------------------------------------------------- far.c */

bool x86_jmp_far(struct cpu *c, uint16_t selector, uint64_t to, uint8_t size,
                 uint64_t next);
bool x86_call_far(struct cpu *c, uint16_t selector, uint64_t to, uint8_t size,
                  uint64_t next);
bool x86_ret_far(struct cpu *c, uint8_t size, uint16_t bytes);
bool x86_iret(struct cpu *c, uint8_t size, uint64_t next);
bool x86_syscall(struct cpu *c, uint64_t next);
bool x86_sysret(struct cpu *c, uint8_t size);
bool x86_sysenter(struct cpu *c);
bool x86_sysexit(struct cpu *c, uint8_t size);
/* The stack for privilege `cpl` from the task's state. */
bool x86_inner_stack(struct x86_cpu *g, unsigned cpl, unsigned ext,
                     struct x86_stack *s);
void x86_set_cs(struct x86_cpu *g, const struct x86_segment *cs, unsigned cpl);

/* --------------------------------------------------------------- task.c */

enum x86_task_reason { X86_TASK_JMP, X86_TASK_CALL, X86_TASK_INT,
                       X86_TASK_IRET };
/* Switch to the task of a TSS; next: the EIP that the old task gets.  The new
 * one's is pc.  ext as in error codes. */
bool x86_task_switch(struct x86_cpu *g, uint16_t selector,
                     enum x86_task_reason reason, uint64_t next, unsigned ext,
                     const uint32_t *error);

/* ---------------------------------------------------------------- v86.c */

/* PUSHF, POPF, CLI, STI with IOPL, VME and PVI. */
bool x86_pushf(struct cpu *c, uint8_t size); /* the image */
bool x86_popf(struct cpu *c, uint8_t size, uint64_t v);
bool x86_cli(struct cpu *c);
bool x86_sti(struct cpu *c);
/* INT n in V86 mode: handled, faulted, or to be done as any other. */
enum x86_v86 { X86_V86_DONE, X86_V86_FAULT, X86_V86_PROTECTED };
enum x86_v86 x86_v86_int(struct x86_cpu *g, uint8_t vector, uint64_t next);
bool x86_v86_iret(struct cpu *c, uint8_t size);

/* ----------------------------------------------------------------- io.c */

bool x86_in(struct cpu *c, uint16_t port, uint8_t size);
bool x86_out(struct cpu *c, uint16_t port, uint8_t size, uint64_t v);
bool x86_ins(struct cpu *c, uint8_t size, uint8_t addressing, uint8_t rep);
bool x86_outs(struct cpu *c, uint8_t size, uint8_t addressing, uint8_t rep);

/* ------------------------------------------------------------- sysreg.c */

bool x86_read_cr(struct cpu *c, uint8_t n);
bool x86_write_cr(struct cpu *c, uint8_t n, uint64_t v);
bool x86_read_dr(struct cpu *c, uint8_t n);
bool x86_write_dr(struct cpu *c, uint8_t n, uint64_t v);
bool x86_lmsw(struct cpu *c, uint16_t v);
bool x86_clts(struct cpu *c);
bool x86_set_cr0(struct x86_cpu *g, uint64_t v);
void x86_set_dr7(struct x86_cpu *g, uint64_t v);
/* LEN of breakpoint n in bytes. */
unsigned x86_watch_size(const struct x86_cpu *g, unsigned n);
bool x86_privileged(struct cpu *c); /* CPL 0, or #GP */
bool x86_invd(struct cpu *c);
bool x86_set_base(struct cpu *c, uint8_t gs, uint64_t v);
bool x86_stac(struct cpu *c, uint8_t on);
bool x86_xsetbv(struct cpu *c);
bool x86_wrpkru(struct cpu *c);
void x86_set_pkru(struct x86_cpu *g, uint32_t v);
/* The components of state that XCR0 may switch on. */
uint64_t x86_xcr0_bits(const struct x86_cpu *g);
bool x86_monitor(struct cpu *c, uint8_t addressing);
bool x86_mwait(struct cpu *c);

/* ---------------------------------------------------------------- msr.c */

#define TSC_HZ 1000000000u /* where no board says the rate of time */
uint64_t x86_tsc(struct x86_cpu *g);
bool x86_rdmsr(struct cpu *c);
bool x86_wrmsr(struct cpu *c);
bool x86_rdtsc(struct cpu *c);
bool x86_rdtscp(struct cpu *c);

/* ---------------------------------------------------------------- smm.c */

void x86_enter_smm(struct x86_cpu *g);
bool x86_rsm(struct cpu *c);
bool x86_loadall(struct cpu *c);

/* ---------------------------------------------------------------- x86.c */

/* As after INIT (a reset is more). */
void x86_init_state(struct x86_cpu *g);
/* The processor has stopped for good: log why, tell the board. */
void x86_shutdown(struct x86_cpu *g, const char *why);

#endif
