/*
 * Decoding and printing x86 instructions by tables made from an .isa file.
 *
 * Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2,
 * chapter 2 (instruction format) and appendix A (opcode map, operand
 * letters); cited as SDM.  Nothing here knows an instruction: the tables do.
 *
 * Missing: VEX and EVEX.
 */
#ifndef CPU_X86_DECODE_H
#define CPU_X86_DECODE_H

#include "cpu/core/engine.h"

/* What decoding depends on beside the bytes: class->mode(). */
#define X86_MODE_16 0u
#define X86_MODE_32 1u
#define X86_MODE_64 2u
#define X86_MODE_SIZE 3u
/* Code, data and stack segments have base 0 and no limit. */
#define X86_MODE_FLAT 4u
/* The stack pointer is ESP (else SP; in 64-bit mode always RSP). */
#define X86_MODE_STACK32 8u
/* CR0.EM: x87 instructions are #NM, those of MMX and SSE #UD. */
#define X86_MODE_EM 16u
/* CR0.TS: x87, MMX and SSE instructions are #NM. */
#define X86_MODE_TS 32u
/* CR4.OSFXSR is 0: SSE instructions are #UD. */
#define X86_MODE_NO_SSE 64u
/* Before the 386: no 64 to 67, LOCK before anything, instructions of any
 * length; and before the 286: no 0F either, F1 is LOCK. */
#define X86_MODE_PRE386 128u
#define X86_MODE_PRE286 256u

enum x86_segment_register { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS };

/*
 * Record: a and b are registers (c, too, where there are three); of a
 * memory operand b is the base, c the index, imm the displacement and d is
 *   1:0  scale
 *   4:2  segment override + 1; 0: DS, or SS with base SP or BP
 *   6:5  address size: 0 the mode's, 1 16, 2 32, 3 64 bits
 *   7    cpu->extra holds what the displacement lacks
 * A register of a byte operand is an offset in bytes into the register file.
 */
#define X86_D_SEGMENT 2
#define X86_D_SIZE 5
#define X86_D_EXTRA 0x80u

/* How the helper `linear` is to look at an address. */
enum x86_access {
    X86_WRITE = 1,
    X86_ALIGNED = 2, /* to 16 bytes, or #GP before anything else */
};

/* Further registers: always zero, and the base of the page that runs. */
#define X86_NONE 16
#define X86_PAGE 17
#define X86_GPRS 18

/*
 * Forms of a row's handler, in the order in which a row's are numbered.
 * R: registers only, in flat code also the stack; RY: with a stack of 32
 * bits; RS: the slow twin of both.  B, X, Y: memory by base, by base and
 * index, by 32 bits, all flat; S: any memory, slow; L: locked.
 */
enum x86_form { X86_R, X86_RY, X86_RS, X86_B, X86_X, X86_Y, X86_S, X86_L };

enum x86_prefix {
    X86_ANY, /* 66 is the operand size, F2 and F3 mean nothing */
    X86_NP,  /* none of 66, F2, F3 */
    X86_66,
    X86_F3,
    X86_F2,
    X86_REP, /* F2 or F3 */
    X86_NR,  /* neither of them */
};

enum x86_entry_flag {
    X86_MODRM = 1 << 0,
    X86_DIGIT = 1 << 1,     /* ModRM.reg must be `reg` */
    X86_EXACT = 1 << 2,     /* the ModRM byte must be `reg` */
    X86_MEM = 1 << 3,       /* memory only */
    X86_REG = 1 << 4,       /* registers only */
    X86_PLUS = 1 << 5,      /* register in the opcode's low bits */
    X86_D64 = 1 << 6,       /* 64 bits by default in 64-bit mode, not 32 */
    X86_F64 = 1 << 7,       /* 64 bits always in 64-bit mode */
    X86_I64 = 1 << 8,       /* invalid in 64-bit mode */
    X86_O64 = 1 << 9,       /* only there */
    X86_LOCKED = 1 << 10,   /* memory is always locked */
    X86_SIZED = 1 << 11,    /* instances by operand size */
    X86_W0 = 1 << 12,       /* not with REX.W */
    X86_W1 = 1 << 13,       /* only with REX.W */
    X86_AFTER_SP = 1 << 14, /* SP as a base counts after the instruction's
                               pop */
    X86_EXIT = 1 << 15,     /* the target's size must be the code's, or RS, S */
    X86_B0 = 1 << 17,       /* not with REX.B */
    X86_STACK = 1 << 16,    /* forms R, B, X and Y use a flat stack */
    X86_SYSTEM = 1 << 22,   /* of the system: for tests */
    X86_ANY_MOD = 1 << 23,  /* a register, whatever ModRM.mod is */
    X86_COUNT = 1 << 24,    /* not by an immediate that shifts by nothing */
    X86_ADDRESSING = 1 << 21, /* prefixes of an address count all the same */
    X86_USES_FPU = 1 << 18,   /* uses the state of x87, */
    X86_USES_MM = 1 << 19,    /* of MMX, */
    X86_USES_XMM = 1 << 20,   /* of SSE */
};

/* Operands as the table's columns name them: a letter and a size. */
struct x86_operand {
    char letter; /* 0: none; F: fixed, only to be printed as `text` */
    char size;
    const char *text;
};

struct x86_entry {
    const char *name;
    uint32_t flags;       /* enum x86_entry_flag */
    uint16_t row;         /* in the .isa file, for tests */
    uint16_t instance[4]; /* rows from here on, by size 8, 16, 32, 64; not
                             SIZED: [0] */
    uint8_t forms;        /* that there are, bits of enum x86_form */
    uint8_t prefix;       /* enum x86_prefix */
    uint8_t reg;
    uint8_t last; /* the chain ends here */
    uint8_t model_first, model_last;
    uint8_t map, opcode;
    struct x86_operand operands[4];
    uint64_t wants; /* extensions */
};

struct x86_tables {
    /* By map (0, 0F, 0F38, 0F3A) and opcode: an entry, 0: none. */
    const uint16_t (*first)[256];
    const struct x86_entry *entries;
};

/* What the bytes say before any table does. */
struct x86_parse {
    uint32_t mode;
    uint8_t rex, segment; /* override + 1, or 0 */
    bool lock, p66, p67;
    uint8_t rep; /* F2, F3 or 0 */
    uint8_t map, opcode, modrm;
    uint8_t operand, address;   /* sizes in bytes */
    uint8_t base, index, scale; /* X86_NONE, X86_PAGE included */
    uint8_t disp_size;          /* bytes */
    int64_t disp;
    bool any_mod; /* ModRM.mod means a register, whatever it is */
    bool no_count; /* the immediate shifts by nothing */
    uint8_t at;   /* bytes taken so far */
};

/*
 * isa->decode for these tables.  An undefined instruction has row 0 and its
 * vector (6, 7 where CR0 says so, or 13 if it is too long) in `bits`.
 */
bool x86_table_decode(const struct x86_tables *t, uint32_t mode,
                      uint64_t features, unsigned model, const uint8_t *p,
                      unsigned avail, struct insn *out);

/* isa->disassemble: Intel's syntax. */
void x86_table_disassemble(const struct x86_tables *t, const struct insn *i,
                           uint64_t pc, char *out, size_t size);

/* Parts of both (decode.c). */
enum x86_fetch { X86_OK, X86_MORE, X86_LONG, X86_BAD, X86_NO_DEVICE };
enum x86_fetch x86_parse_opcode(struct x86_parse *x, const uint8_t *p,
                                unsigned avail);
enum x86_fetch x86_parse_modrm(struct x86_parse *x, const uint8_t *p,
                               unsigned avail);
/* Operand size of an entry in bytes. */
unsigned x86_operand_size(const struct x86_parse *x, const struct x86_entry *e);
/* The immediate of operand o (sign- or zero-extended as it says) at p. */
unsigned x86_immediate_size(const struct x86_operand *o, unsigned size,
                            unsigned address);

#endif
