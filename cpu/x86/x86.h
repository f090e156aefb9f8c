/*
 * An x86 processor, 8086 to x86-64: its state, and what the folder's files
 * share.
 *
 * Intel 64 and IA-32 Architectures Software Developer's Manual, cited as SDM
 * VOLUME-SECTION.  core.pc is linear; EIP is core.pc - cs_base.
 */
#ifndef CPU_X86_X86_H
#define CPU_X86_X86_H

#include "cpu/core/lanes.h"

/* Handlers carry lazy flags; RIP-relative operands have their base in g. */
#define ENGINE_FLAGS
#define ENGINE_NEW_PAGE(c)                                                     \
    (void)(((struct x86_cpu *)(c))->g[X86_PAGE] = (c)->page)
#define ENGINE_PAGE_SLOT offsetof(struct x86_cpu, g[X86_PAGE])
/* Addresses have 32 bits but in 64-bit mode. */
#define ENGINE_PC(c, pc) x86_cut_pc(c, pc)

#include "cpu/core/cpu.h"
#include "cpu/core/engine.h"
#include "cpu/fp/fp.h"
#include "cpu/x86/decode.h"
#include "cpu/x86/regs.h"
#include "x86_rows.h"

/* CR4.OSXSAVE is 0: XSAVE and the like are #UD. */
#define X86_MODE_NO_XSAVE 512u

/* EFLAGS, SDM 1-3.4.3.  The six of arithmetic are lazy (X86_FLAGS). */
enum {
    FLAG_TF = 1 << 8,
    FLAG_IF = 1 << 9,
    FLAG_DF = 1 << 10, /* in df, not in eflags */
    FLAG_IOPL = 3 << 12,
    FLAG_NT = 1 << 14,
    FLAG_RF = 1 << 16,
    FLAG_VM = 1 << 17,
    FLAG_AC = 1 << 18,
    FLAG_VIF = 1 << 19,
    FLAG_VIP = 1 << 20,
    FLAG_ID = 1 << 21,
};
#define IOPL_SHIFT 12

enum { /* SDM 3-2.5 */
    CR0_PE = 1 << 0,
    CR0_MP = 1 << 1,
    CR0_EM = 1 << 2,
    CR0_TS = 1 << 3,
    CR0_ET = 1 << 4,
    CR0_NE = 1 << 5,
    CR0_WP = 1 << 16,
    CR0_AM = 1 << 18,
    CR0_NW = 1 << 29,
    CR0_CD = 1 << 30,
};
#define CR0_PG 0x80000000u

enum {
    CR4_VME = 1 << 0,
    CR4_PVI = 1 << 1,
    CR4_TSD = 1 << 2,
    CR4_DE = 1 << 3,
    CR4_PSE = 1 << 4,
    CR4_PAE = 1 << 5,
    CR4_MCE = 1 << 6,
    CR4_PGE = 1 << 7,
    CR4_PCE = 1 << 8,
    CR4_OSFXSR = 1 << 9,
    CR4_OSXMMEXCPT = 1 << 10,
    CR4_UMIP = 1 << 11,
    CR4_LA57 = 1 << 12,
    CR4_FSGSBASE = 1 << 16,
    CR4_PCIDE = 1 << 17,
    CR4_OSXSAVE = 1 << 18,
    CR4_SMEP = 1 << 20,
    CR4_SMAP = 1 << 21,
    CR4_PKE = 1 << 22,
    CR4_PKS = 1 << 24,
};

enum {
    EFER_SCE = 1 << 0,
    EFER_LME = 1 << 8,
    EFER_LMA = 1 << 10,
    EFER_NXE = 1 << 11,
    EFER_FFXSR = 1 << 14,
};

/* Exceptions, SDM 3-6.3.1.  Those that rows raise are causes of x86.isa. */
enum x86_vector {
    VECTOR_DE, VECTOR_DB, VECTOR_NMI, VECTOR_BP, VECTOR_OF, VECTOR_BR,
    VECTOR_UD, VECTOR_NM, VECTOR_DF, VECTOR_CSO, VECTOR_TS, VECTOR_NP,
    VECTOR_SS, VECTOR_GP, VECTOR_PF, VECTOR_MF = 16, VECTOR_AC, VECTOR_MC,
    VECTOR_XM,
};

/* A segment register with its hidden part, SDM 3-3.4.3. */
struct x86_segment {
    uint16_t selector;
    /* Bits 23:8 of a descriptor's second doubleword: type, S, DPL, P in 7:0,
     * AVL, L, D/B, G in 15:12; 11:8 are 0. */
    uint16_t access;
    uint32_t limit; /* last byte, scaled by G */
    uint64_t base;
};
enum {
    SEGMENT_ACCESSED = 1 << 0,
    SEGMENT_WRITE = 1 << 1, /* of data; of code: readable */
    SEGMENT_DOWN = 1 << 2,  /* of data: expand-down; of code: conforming */
    SEGMENT_CODE = 1 << 3,
    SEGMENT_S = 1 << 4,     /* code or data, not a system segment */
    SEGMENT_DPL = 3 << 5,
    SEGMENT_P = 1 << 7,
    SEGMENT_L = 1 << 13,
    SEGMENT_DB = 1 << 14,
    SEGMENT_G = 1 << 15,
};
#define SEGMENT_DPL_SHIFT 5

struct x86_table { /* GDTR, IDTR */
    uint64_t base;
    uint16_t limit;
};

/* The x87 unit: registers as they lie; ST(i) is number (top + i) & 7. */
struct x86_x87 {
    uint64_t mantissa[8];
    uint16_t exponent[8]; /* with the sign in bit 15 */
    uint16_t control;
    uint16_t status; /* without TOP and condition codes, with ES and B */
    uint16_t codes;  /* C0, C2 and C3, where the status word has them */
    uint8_t c1;
    uint8_t top;
    uint8_t used;         /* registers that are not empty, by bits */
    bool opcode_due;      /* that at ip has raised what is not masked */
    uint16_t opcode;      /* of the last that did, 11 bits */
    uint16_t cs, ds;      /* of the last non-control instruction, with */
    uint64_t ip, dp;      /* offsets of it and of its operand in memory */
};

/* Input lines: atomics in `lines`, by bits. */
enum x86_line {
    X86_LINE_INTR,
    X86_LINE_NMI,
    X86_LINE_A20,  /* high: address line 20 passes */
    X86_LINE_INIT,
    X86_LINE_SMI,
    X86_LINE_SIPI,
};

/* A feature word of CPUID, and how features are numbered: word * 32 + bit. */
enum x86_word {
    X86_WORD_1_EDX,
    X86_WORD_1_ECX,
    X86_WORD_7_EBX,
    X86_WORD_7_ECX,
    X86_WORD_81_EDX, /* leaf 80000001 */
    X86_WORD_81_ECX,
    X86_WORDS,
};

/* Address spaces that the TLB holds translations of. */
struct x86_context {
    uint64_t cr3;    /* of a PCID; 0 of what lives until the next flush */
    uint64_t key;    /* user, SMAP...; UINT64_MAX: free */
    uint32_t number; /* of the TLB */
};
#define X86_CONTEXTS 64u

struct x86_facts;

/* What the processor is doing when it does not run instructions. */
enum x86_activity { X86_ACTIVE, X86_HLT, X86_WAIT_SIPI, X86_SHUTDOWN };

/* Where a pending exception comes from, SDM 3-6.15, 3-6.5. */
enum x86_source {
    X86_FAULT,    /* and hardware interrupts: pc is where to go on */
    X86_TRAP,     /* after the instruction; INT1, which is not checked */
    X86_SOFTWARE, /* INT n, INT3, INTO: gates' DPL is checked */
};

struct x86_cpu {
    struct cpu core;
    uint64_t g[X86_GPRS]; /* [16] is zero, [17] the page that runs */
    v128 xmm[16];
    struct fp_env fp;     /* SSE: flags are those of MXCSR */
    struct fp_env fp80;   /* x87, by its control word; flags of one operation */
    uint8_t rc;           /* MXCSR.RC, as fp.h numbers it */
    uint8_t unmasked;     /* enum fp_flags whose mask in MXCSR is 0 */
    uint8_t fp_before;
    uint8_t df;           /* 0 or 1 */

    /* What addresses come to in this mode; derived, see x86_settle(). */
    uint64_t stack_mask, addr_mask, cs_base, fs_base, gs_base;
    uint32_t mode; /* X86_MODE_* */
    uint8_t cpl;

    unsigned model;    /* X86_MODEL_*, of the .isa file */
    uint64_t features; /* X86_EXT_*; set by init */
    uint32_t words[X86_WORDS]; /* what CPUID says there is; set by init */
    const struct x86_facts *facts;
    const char *vendor; /* 12 characters; NULL: no CPUID */
    uint8_t phys_bits;
    /* features, less those that CR0, CR4 and EFER switch off. */
    uint64_t decoded;

    uint32_t eflags; /* all but the lazy ones and DF; bit 1 is 1 */
    struct x86_segment segment[6]; /* enum x86_segment_register */
    struct x86_segment ldtr, tr;
    struct x86_table gdtr, idtr;
    uint64_t cr0, cr2, cr3, cr4, efer, xcr0;
    uint64_t dr[4], dr6, dr7;
    uint64_t pdpte[4]; /* as PAE loaded them, SDM 3-4.4.1 */
    uint64_t star, lstar, cstar, sfmask, kernel_gs_base;
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
    uint64_t tsc_offset, tsc_aux, pat, misc_enable;
    uint64_t pkru, pkrs; /* 32 bits: two for each protection key */
    uint64_t mtrr_def, mtrr_fixed[11], mtrr_base[8], mtrr_mask[8];
    uint64_t smbase;
    struct x86_x87 x87;

    uint8_t activity; /* enum x86_activity */
    bool smm, nmi_blocked;
    bool nmi_in_smm; /* nmi_blocked as it was when SMM began */
    bool ferr;          /* FERR#, as the board last heard of it */
    uint64_t shadow_at; /* icount at which no interrupt is taken: right after
                           STI, MOV SS, POP SS */
    bool shadow_debug;  /* ... nor a debug trap or NMI */
    uint64_t rf_at;     /* icount at which RF counts, if it is set */
    uint64_t rep_at;    /* icount at which a repetition is under way */
    uint32_t debug_traps; /* bits of DR6 that trap after this instruction */
    bool step_armed;    /* TF was set when the last instruction began */

    /* The pending exception; interrupts are not kept. */
    uint8_t vector, source; /* enum x86_source */
    bool has_error;
    uint32_t error;
    uint64_t fault_address; /* CR2 of a page fault */

    /* Derived or for this instruction only. */
    uint8_t x87_wait;    /* 1: an exception of x87 raises #MF when next asked */
    bool system;         /* the access is the processor's own: supervisor's */
    bool align_check;    /* CR0.AM, EFLAGS.AC and CPL 3 */
    uint8_t watched;     /* data breakpoints that are on, by bits */
    uint8_t code_watched; /* those of instructions */
    uint64_t pa_mask;    /* address lines that pass: A20 */
    uint64_t system_context; /* as cpu->data_context, for `system` */
    uint64_t system_global;  /* as cpu->global_data */
    uint32_t globals;        /* how often global entries were forgotten, not 0 */
    struct x86_context contexts[X86_CONTEXTS];
    uint32_t next_context;
    uint8_t context_hint[8];

    atomic_uint_fast32_t lines;   /* levels, bits of enum x86_line */
    atomic_uint_fast32_t latched; /* edges that were not taken yet */
    atomic_uint_fast32_t sipi_vector;
};

static inline struct x86_cpu *x86(struct cpu *c)
{
    return (struct x86_cpu *)c;
}

static inline bool x86_long(const struct x86_cpu *g)
{
    return (g->mode & X86_MODE_SIZE) == X86_MODE_64;
}

static inline uint64_t x86_cut_pc(const struct cpu *c, uint64_t pc)
{
    return x86_long((const struct x86_cpu *)c) ? pc : (uint32_t)pc;
}

extern const struct cpu_class x86_class;

/* ---------------------------------------------------- inside the folder */

/* Derive mode, masks and bases from segments, CR0, CR4, EFER and EFLAGS; after
 * any change of these. */
void x86_settle(struct x86_cpu *g);

/* Make an exception pending: a fault of the instruction under way; error is
 * dropped where the vector has none. */
void x86_raise(struct cpu *c, unsigned vector, uint64_t error);

/* EFLAGS with the lazy ones; the caller has the lazy flags in the CPU. */
uint32_t x86_eflags(struct x86_cpu *g);
/* Set those of mask, and what follows from them. */
void x86_set_eflags(struct x86_cpu *g, uint32_t v, uint32_t mask);

#endif
