/*
 * The random machines of fuzz.h.
 *
 * FUZZ_SYSTEM is orderly enough to go on for long: a handler in M mode and
 * one in S mode pick, at random, what to do to the machine (change a page
 * table entry and fence it, write CSRs) and where to go on in which
 * privilege; the rest of the code is random instructions, among them stores
 * of instructions into the code itself.  Page tables change in the M-mode
 * handler only, with a fence behind each change, since what is seen before
 * the fence is nobody's promise.
 *
 * Its memory, from RIG_RAM on and again at RIG_ALIAS, which Sv39 maps too:
 *
 *   0x00000  M handler       0x01000  tables of the handlers
 *   0x02000  S handler
 *   0x04000  8 pages code    0x10000  4 pages data
 *   0x20000  page tables, two address spaces of four pages each
 */
#include <string.h>

#include "riscv64_gen.h"
#include "tests/cpu/riscv/asm.h"
#include "tests/cpu/riscv/fuzz.h"

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
#define AT_PAGING 0x20000u
#define SPACES 2u
#define VA_LARGE UINT64_C(0x50000000) /* 2 MiB page of all RAM, for U */

/* Registers with a purpose; random code writes x5 to x15 only. */
enum { REG_LABELS = 24, REG_WORDS, REG_DATA, REG_CODE, REG_IO, REG_A, REG_B };

uint64_t fuzz_random(struct fuzz_random *f)
{
    uint64_t z = f->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t fuzz_below(struct fuzz_random *f, uint64_t n)
{
    return (fuzz_random(f) >> 11) % n;
}

bool fuzz_once_in(struct fuzz_random *f, uint64_t n)
{
    return fuzz_below(f, n) == 0;
}

/* ------------------------------------------------------------ emitting */

struct emit {
    struct rig *r;
    struct fuzz_random *f;
    uint8_t *at, *end;
    bool calm; /* the code is to seldom trap */
};

/* Where pieces of code begin, as offsets in RAM. */
struct starts {
    uint32_t at[8192];
    unsigned n;
};

static void put(struct emit *e, uint32_t word)
{
    if (e->end - e->at < 4)
        return;
    st_le32(e->at, word);
    e->at += 4;
}

static void put16(struct emit *e, uint32_t word)
{
    if (e->end - e->at < 2)
        return;
    st_le16(e->at, (uint16_t)word);
    e->at += 2;
}

static struct emit emit_at(struct rig *r, struct fuzz_random *f,
                           uint64_t offset, uint64_t size)
{
    uint8_t *host = r->ram->host + offset;

    return (struct emit){r, f, host, host + size, false};
}

/* rd = a number below 2^31. */
static void put_li(struct emit *e, unsigned rd, uint32_t value)
{
    put(e, asm_lui(rd, value + 0x800));
    put(e, asm_addi(rd, rd, (int)(value & 0xfff)));
}

/* A register that random code may write. */
static unsigned any_rd(struct emit *e)
{
    return 5 + (unsigned)fuzz_below(e->f, 11);
}

/* Any encoding of any row. */
static uint32_t any_encoding(struct fuzz_random *f, uint8_t *width)
{
    unsigned n = 0;
    const struct isa_encoding *x;

    while (riscv64_encodings[n].width)
        n++;
    x = &riscv64_encodings[fuzz_below(f, n)];
    *width = x->width;
    return x->value | ((uint32_t)fuzz_random(f) & ~x->mask);
}

static void put_any(struct emit *e)
{
    uint8_t width;
    uint32_t word = any_encoding(e->f, &width);

    if (width == 16)
        put16(e, word);
    else
        put(e, word);
}

/* Arithmetic: an encoding whose rd is set to one that may be written. */
static uint32_t arithmetic(struct emit *e)
{
    static const uint32_t forms[] = {
        0x00000033, 0x40000033, 0x00004033, 0x00006033, 0x00007033,
        0x02000033, 0x02001033, 0x02004033, 0x0000003b, 0x0000001b,
        0x00000013, 0x00004013, 0x00006013, 0x00007013, 0x20002033,
    };
    unsigned n = (unsigned)fuzz_below(e->f, sizeof(forms) / sizeof(forms[0]));
    uint32_t word =
        forms[n] | any_rd(e) << 7 | (unsigned)fuzz_below(e->f, 32) << 15;

    if ((word & 0x7f) == 0x13 || (word & 0x7f) == 0x1b)
        return word | (uint32_t)fuzz_below(e->f, 4096) << 20;
    return word | (unsigned)fuzz_below(e->f, 32) << 20;
}

static void put_load(struct emit *e)
{
    unsigned base = fuzz_once_in(e->f, 4) ? REG_CODE : REG_DATA;
    int imm = (int)fuzz_below(e->f, 4096) - 2048;
    static const uint8_t widths[] = {0, 1, 2, 3, 4, 5, 6};

    put(e, asm_i(imm, base, widths[fuzz_below(e->f, 7)], any_rd(e), 0x03));
}

static void put_store(struct emit *e)
{
    int imm = (int)fuzz_below(e->f, 4096) - 2048;

    put(e, asm_s(imm, (unsigned)fuzz_below(e->f, 32), REG_DATA,
                 (unsigned)fuzz_below(e->f, 4), 0x23));
}

/* Write an instruction into the code, perhaps straddling whatever; often
 * near the place that is running. */
static void put_patch(struct emit *e)
{
    unsigned rd = any_rd(e), base = REG_CODE;
    int imm = ((int)fuzz_below(e->f, 4096) - 2048) & ~1;

    put(e, asm_lwu(rd, (int)fuzz_below(e->f, 256) * 4, REG_WORDS));
    if (fuzz_once_in(e->f, 2)) {
        base = 16;
        put(e, asm_auipc(base, 0));
        imm = (int)fuzz_below(e->f, 24) * 2 + 4;
    }
    put(e, asm_s(imm, rd, base, fuzz_once_in(e->f, 3) ? 1 : 2, 0x23));
    if (fuzz_once_in(e->f, 3))
        put(e, ASM_FENCE_I);
}

static void put_jump(struct emit *e)
{
    int offset = (int)fuzz_below(e->f, 400) * 2 - 400;
    unsigned rd = fuzz_once_in(e->f, 2) ? 0 : any_rd(e);

    switch (fuzz_below(e->f, 4)) {
    case 0:
        put(e, asm_jal(rd, offset));
        break;
    case 1:
        put(e, asm_auipc(5, 0));
        put(e, asm_jalr(rd, offset, 5));
        break;
    case 2: /* far: any code page */
        put(e, asm_jal(rd, (int)fuzz_below(e->f, 0x8000) * 2 - 0x8000));
        break;
    default:
        put(e, asm_ld(5, (int)fuzz_below(e->f, 64) * 8, REG_LABELS));
        put(e, asm_jalr(rd, 0, 5));
    }
}

static void put_branch(struct emit *e)
{
    static const uint8_t kinds[] = {0, 1, 4, 5, 6, 7};
    int offset = (int)fuzz_below(e->f, 60) * 2 - 30;

    put(e, asm_b(offset, any_rd(e), any_rd(e), kinds[fuzz_below(e->f, 6)]));
}

static const uint16_t csrs[] = {
    CSR_FFLAGS,        CSR_FRM,     CSR_FCSR,       CSR_SSTATUS,
    CSR_SIE,           CSR_STVEC,   CSR_SCOUNTEREN, CSR_SSCRATCH,
    CSR_SEPC,          CSR_SCAUSE,  CSR_STVAL,      CSR_SIP,
    CSR_STIMECMP,      CSR_MSTATUS, CSR_MISA,       CSR_MEDELEG,
    CSR_MIDELEG,       CSR_MIE,     CSR_MCOUNTEREN, CSR_MENVCFG,
    CSR_MCOUNTINHIBIT, CSR_MEPC,    CSR_MCAUSE,     CSR_MTVAL,
    CSR_MIP,           CSR_MCYCLE,  CSR_MINSTRET,   CSR_CYCLE,
    CSR_TIME,          CSR_INSTRET, CSR_MHARTID,    CSR_SATP,
};

static void put_csr(struct emit *e)
{
    unsigned csr = csrs[fuzz_below(e->f, sizeof(csrs) / sizeof(csrs[0]))];
    unsigned how = 1 + (unsigned)fuzz_below(e->f, 3);
    unsigned rs1 = any_rd(e);

    /* satp takes only what the tables of the handlers hold. */
    if (csr == CSR_SATP)
        how = 2, rs1 = 0;
    else if (fuzz_once_in(e->f, 3))
        how |= 4;
    put(e, asm_i((int)csr, rs1, how, any_rd(e), 0x73));
}

static void put_system(struct emit *e)
{
    static const uint32_t words[] = {
        ASM_ECALL, ASM_EBREAK, ASM_SRET,    ASM_MRET,
        ASM_WFI,   ASM_FENCE,  ASM_ILLEGAL,
    };

    if (fuzz_once_in(e->f, 3))
        put(e, asm_sfence_vma(fuzz_once_in(e->f, 2) ? 0 : REG_CODE,
                              fuzz_once_in(e->f, 2) ? 0 : any_rd(e)));
    else
        put(e, words[fuzz_below(e->f, sizeof(words) / sizeof(words[0]))]);
}

static void put_atomic(struct emit *e)
{
    unsigned width = 2 + (unsigned)fuzz_below(e->f, 2), rd = any_rd(e);
    unsigned base = fuzz_once_in(e->f, 4) ? REG_CODE : REG_DATA;
    int imm = ((int)fuzz_below(e->f, 4096) - 2048) & ~7;

    put(e, asm_addi(16, base, imm));
    switch (fuzz_below(e->f, 4)) {
    case 0:
        put(e, asm_lr(width, rd, 16));
        put(e, arithmetic(e));
        put(e, asm_sc(width, any_rd(e), any_rd(e), 16));
        break;
    case 1:
        put(e, asm_amoswap(width, rd, any_rd(e), 16));
        break;
    case 2:
        put(e, asm_lr(width, rd, 16));
        break;
    default:
        put(e, asm_amoadd(width, rd, any_rd(e), 16));
    }
}

static void put_float(struct emit *e)
{
    unsigned f = (unsigned)fuzz_below(e->f, 32);
    int imm = ((int)fuzz_below(e->f, 4096) - 2048) & ~7;

    switch (fuzz_below(e->f, 4)) {
    case 0:
        put(e, asm_fld(f, imm, REG_DATA));
        break;
    case 1:
        put(e, asm_fsd(f, imm, REG_DATA));
        break;
    default:
        put(e, asm_fadd_d(f, (unsigned)fuzz_below(e->f, 32),
                          (unsigned)fuzz_below(e->f, 32)));
    }
}

/* Devices and time: the exact count, interrupts soon, lines. */
static void put_io(struct emit *e)
{
    unsigned rd = any_rd(e);

    switch (fuzz_below(e->f, 6)) {
    case 0:
        put(e, asm_ld(rd, RIG_REG_ICOUNT, REG_IO));
        break;
    case 1:
        put(e, asm_csrrs(rd, CSR_TIME, 0));
        put(e, asm_addi(rd, rd, (int)fuzz_below(e->f, 40)));
        put(e, asm_sd(rd, RIG_REG_MTIMECMP, REG_IO));
        break;
    case 2:
        put(e, asm_csrrs(rd, CSR_TIME, 0));
        put(e, asm_addi(rd, rd, (int)fuzz_below(e->f, 40)));
        put(e, asm_csrrw(0, CSR_STIMECMP, rd));
        break;
    case 3:
        put_li(e, rd, (uint32_t)fuzz_random(e->f) & 0xaaa);
        put(e, asm_sd(rd, fuzz_once_in(e->f, 2) ? RIG_REG_RAISE : RIG_REG_LOWER,
                      REG_IO));
        break;
    case 4:
        put(e, asm_csrrs(rd, CSR_INSTRET, 0));
        break;
    default: /* widths and places that the device refuses, too */
        put(e, asm_i((int)fuzz_below(e->f, 48), REG_IO,
                     (unsigned)fuzz_below(e->f, 7), rd, 0x03));
    }
}

static void put_arithmetic(struct emit *e)
{
    put(e, arithmetic(e));
}

static void put_short(struct emit *e)
{
    put16(e, 0x0001 | any_rd(e) << 7 |
                 (uint32_t)fuzz_below(e->f, 32) << 2); /* c.addi */
}

/* One of the many things that code does.  What mostly traps outside of M
 * mode comes first, and seldom in calm code. */
static void put_piece(struct emit *e)
{
    static const struct {
        unsigned weight;
        void (*put)(struct emit *e);
    } kinds[] = {
        {5, put_csr},         {4, put_system}, {6, put_io},     {4, put_float},
        {34, put_arithmetic}, {10, put_load},  {10, put_store}, {9, put_patch},
        {7, put_branch},      {7, put_jump},   {4, put_atomic}, {4, put_short},
    };
    unsigned from = e->calm && !fuzz_once_in(e->f, 20) ? 19 : 0;
    uint64_t what = from + fuzz_below(e->f, 104 - from);
    unsigned i = 0;

    while (what >= kinds[i].weight)
        what -= kinds[i++].weight;
    kinds[i].put(e);
}

/* ------------------------------------------------------------ handlers */

/* REG_A = the next number of a xorshift generator kept in `csr`. */
static void put_random(struct emit *e, unsigned csr)
{
    put(e, asm_csrrs(REG_A, csr, 0));
    put(e, asm_slli(REG_B, REG_A, 13));
    put(e, asm_xor(REG_A, REG_A, REG_B));
    put(e, asm_srli(REG_B, REG_A, 7));
    put(e, asm_xor(REG_A, REG_A, REG_B));
    put(e, asm_slli(REG_B, REG_A, 17));
    put(e, asm_xor(REG_A, REG_A, REG_B));
    put(e, asm_csrrw(0, csr, REG_A));
}

#define PICK 7 /* instructions of put_pick() */

/* REG_B = table[64 numbers][bits of REG_A from `shift` on]. */
static void put_pick(struct emit *e, uint32_t table, unsigned shift)
{
    put(e, asm_srli(REG_B, REG_A, shift));
    put(e, asm_andi(REG_B, REG_B, 63));
    put(e, asm_slli(REG_B, REG_B, 3));
    put_li(e, 31, table);
    put(e, asm_add(REG_B, REG_B, 31));
    put(e, asm_ld(REG_B, 0, REG_B));
}

/* Skip the next n instructions unless some bits of REG_A are all 0. */
static void put_seldom(struct emit *e, unsigned shift, unsigned bits, int n)
{
    put(e, asm_srli(REG_B, REG_A, shift));
    put(e, asm_andi(REG_B, REG_B, (1 << bits) - 1));
    put(e, asm_bne(REG_B, 0, 4 + 4 * n));
}

/* Change an entry of the last level of one space, then fence. */
static void put_remap(struct emit *e)
{
    uint64_t f = fuzz_random(e->f);
    uint32_t leaf = RIG_ALIAS + AT_PAGING + (uint32_t)(f & 1 ? 0x2000 : 0x6000);
    unsigned page = f >> 1 & 1 ? AT_CODE / 4096 : AT_DATA / 4096;

    page += (unsigned)(f >> 2) % (page == 4 ? CODE_PAGES : DATA_PAGES);
    put_seldom(e, (unsigned)(f >> 8) % 40, 2, PICK + 6);
    put_pick(e, RIG_ALIAS + AT_ENTRIES, (unsigned)(f >> 16) % 40);
    put_li(e, 31, leaf);
    put(e, asm_sd(REG_B, (int)page * 8, 31));
    put_li(e, 31, RIG_ALIAS + page * 4096);
    if (f >> 24 & 1)
        put(e, asm_sfence_vma(31, 0));
    else
        put(e, asm_sfence_vma(0, 0));
}

/* Write a value of the table to a CSR, once in 2^bits. */
static void put_value(struct emit *e, unsigned csr, unsigned bits)
{
    unsigned n = (unsigned)fuzz_below(e->f, 64);

    put_seldom(e, (unsigned)fuzz_below(e->f, 40), bits, 4);
    put_li(e, 31, RIG_ALIAS + AT_VALUES + n * 8u);
    put(e, asm_ld(REG_B, 0, 31));
    put(e, asm_csrrw(0, csr, REG_B));
}

/* pmpcfg0 from the table; mostly nothing gets locked. */
static void put_protection(struct emit *e)
{
    unsigned n = (unsigned)fuzz_below(e->f, 64);

    put_seldom(e, 24, 5, 7);
    put_li(e, 31, RIG_ALIAS + AT_VALUES + n * 8u);
    put(e, asm_ld(REG_B, 0, 31));
    put_li(e, 31, fuzz_once_in(e->f, 8) ? 0x1f9f1f1f : 0x1f1f1f1f);
    put(e, asm_and(REG_B, REG_B, 31));
    put(e, asm_csrrw(0, CSR_PMPCFG0, REG_B));
}

static void fill_m_handler(struct rig *r, struct fuzz_random *f)
{
    static const uint16_t some[] = {CSR_MIE,     CSR_MIDELEG, CSR_MEDELEG,
                                    CSR_MSTATUS, CSR_MENVCFG, CSR_MCOUNTEREN,
                                    CSR_STIMECMP};
    struct emit e = emit_at(r, f, 0, 0x1000);

    /* Loads and stores are to be M mode's own. */
    put_li(&e, 31, MSTATUS_MPRV);
    put(&e, asm_csrrc(0, CSR_MSTATUS, 31));
    put_random(&e, CSR_MSCRATCH);
    for (unsigned i = 0; i < 6; i++)
        put_remap(&e);
    for (unsigned i = 0; i < sizeof(some) / sizeof(some[0]); i++)
        put_value(&e, some[i], 4);
    /* PMP: a few entries, all open in the last one. */
    for (unsigned i = 0; i < 4; i++)
        put_value(&e, CSR_PMPADDR0 + i, 5);
    put_protection(&e);
    put_seldom(&e, 12, 2, PICK + 1);
    put_pick(&e, RIG_ALIAS + AT_SATPS, 31);
    put(&e, asm_csrrw(0, CSR_SATP, REG_B));
    /* MPP, and an address for it */
    put_li(&e, 31, MSTATUS_MPP);
    put(&e, asm_csrrc(0, CSR_MSTATUS, 31));
    put(&e, asm_srli(REG_B, REG_A, 5));
    put(&e, asm_xor(REG_B, REG_B, REG_A));
    put(&e, asm_and(REG_B, REG_B, 31));
    put(&e, asm_csrrs(0, CSR_MSTATUS, REG_B));
    put(&e, asm_csrrs(REG_B, CSR_MSTATUS, 0));
    put(&e, asm_and(REG_B, REG_B, 31));
    put(&e, asm_srli(REG_B, REG_B, 2)); /* MPP times 512 */
    put(&e, asm_srli(31, REG_A, 33));
    put(&e, asm_andi(31, 31, 63));
    put(&e, asm_slli(31, 31, 3));
    put(&e, asm_add(REG_B, REG_B, 31));
    put_li(&e, 31, RIG_ALIAS + AT_LABELS);
    put(&e, asm_add(REG_B, REG_B, 31));
    put(&e, asm_ld(REG_B, 0, REG_B));
    put(&e, asm_csrrw(0, CSR_MEPC, REG_B));
    put(&e, asm_addi(31, 0, 0));
    put(&e, asm_addi(REG_B, 0, 0));
    put(&e, ASM_MRET);
}

static void fill_s_handler(struct rig *r, struct fuzz_random *f)
{
    struct emit e = emit_at(r, f, AT_S_HANDLER, 0x1000);

    put_random(&e, CSR_SSCRATCH);
    put_seldom(&e, 7, 2, 2);
    put(&e, asm_csrrs(0, CSR_SIE, REG_A));
    put(&e, asm_csrrs(0, CSR_SIP, REG_A));
    put_seldom(&e, 11, 2, 1);
    put(&e, asm_csrrc(0, CSR_SIE, REG_A));
    put_seldom(&e, 9, 2, 3);
    put_li(&e, 31, MSTATUS_SUM | MSTATUS_MXR | MSTATUS_FS);
    put(&e, asm_csrrs(0, CSR_SSTATUS, 31));
    put_seldom(&e, 19, 3, 2);
    put_li(&e, 31, MSTATUS_SUM | MSTATUS_FS);
    put(&e, asm_csrrc(0, CSR_SSTATUS, 31));
    put(&e, asm_addi(31, 0, MSTATUS_SPP));
    put_seldom(&e, 3, 1, 1);
    put(&e, asm_csrrs(0, CSR_SSTATUS, 31));
    put_pick(&e, RIG_ALIAS + AT_LABELS + 512, 13);
    put(&e, asm_csrrw(0, CSR_SEPC, REG_B));
    put(&e, asm_addi(31, 0, 0));
    put(&e, asm_addi(REG_B, 0, 0));
    put(&e, ASM_SRET);
}

/* -------------------------------------------------------------- tables */

static void put64(struct rig *r, uint64_t offset, uint64_t v)
{
    st_le64(r->ram->host + offset, v);
}

static uint64_t entry(uint64_t pa, unsigned flags)
{
    return pa >> 12 << 10 | flags;
}

/* A leaf, mostly one that allows much. */
static uint64_t any_leaf(struct fuzz_random *f, bool code)
{
    uint64_t page = code || fuzz_once_in(f, 6)
                        ? AT_CODE / 4096 + fuzz_below(f, CODE_PAGES)
                        : AT_DATA / 4096 + fuzz_below(f, DATA_PAGES);
    unsigned flags = 0xdf; /* D A U X W R V */

    if (fuzz_once_in(f, 4))
        flags &= ~0xc0u | (unsigned)fuzz_random(f);
    if (fuzz_once_in(f, 12))
        flags &= ~0x1fu | (unsigned)fuzz_random(f);
    if (fuzz_once_in(f, 10))
        flags ^= 0x10;
    if (fuzz_once_in(f, 30))
        flags |= 0x20; /* G */
    return entry(RIG_RAM + page * 4096, flags);
}

static void fill_space(struct rig *r, struct fuzz_random *f, uint64_t at)
{
    uint64_t root = at, middle = at + 0x1000, last = at + 0x2000,
             high = at + 0x3000;

    put64(r, root, entry(0, 0xd7)); /* 1 GiB at 0: devices, ROM; R W U */
    put64(r, root + 8, entry(RIG_RAM + middle, 1));
    put64(r, root + 16, entry(RIG_RAM + high, 1));
    put64(r, middle, entry(RIG_RAM + last, 1));
    put64(r, middle + (VA_LARGE >> 21 & 0x1ff) * 8, entry(RIG_RAM, 0xdf));
    put64(r, high, entry(RIG_RAM, 0xcf | (fuzz_once_in(f, 2) ? 0x20 : 0)));
    put64(r, last + AT_TABLES / 512, entry(RIG_RAM + AT_TABLES, 0xc3));
    for (unsigned i = 0; i < CODE_PAGES; i++)
        put64(r, last + AT_CODE / 512 + i * 8u, any_leaf(f, true));
    for (unsigned i = 0; i < DATA_PAGES; i++)
        put64(r, last + AT_DATA / 512 + i * 8u, any_leaf(f, false));
}

static uint64_t space_satp(unsigned n)
{
    return (uint64_t)8 << 60 | (uint64_t)(n + 1) << 44 |
           (RIG_RAM + AT_PAGING + n * 0x4000u) >> 12;
}

static void fill_tables(struct rig *r, struct fuzz_random *f,
                        const struct starts *s)
{
    for (unsigned i = 0; i < 64; i++) {
        uint64_t code = fuzz_once_in(f, 8)
                            ? AT_CODE + fuzz_below(f, CODE_PAGES * 4096 / 2) * 2
                            : s->at[fuzz_below(f, s->n)];

        /* U: by small or large pages; S: small or identical; M: itself. */
        put64(r, AT_LABELS + i * 8u,
              code + (fuzz_once_in(f, 3) ? VA_LARGE : RIG_ALIAS));
        put64(r, AT_LABELS + 512 + i * 8u,
              code + (fuzz_once_in(f, 2) ? RIG_RAM : RIG_ALIAS));
        put64(r, AT_LABELS + 1024 + i * 8u, code);
        put64(r, AT_LABELS + 1536 + i * 8u,
              code + (fuzz_once_in(f, 2) ? RIG_RAM : RIG_ALIAS));
        put64(r, AT_ENTRIES + i * 8u, any_leaf(f, fuzz_once_in(f, 2)));
        put64(r, AT_VALUES + i * 8u,
              fuzz_once_in(f, 3) ? (RIG_RAM + fuzz_below(f, 0x14000)) >> 2
                                 : fuzz_random(f) >> fuzz_below(f, 60));
    }
    for (unsigned i = 0; i < 64; i++)
        put64(r, AT_SATPS + i * 8u, i % 8 ? space_satp(i % SPACES) : 0);
}

/* ------------------------------------------------------------ machines */

/* Instructions to store into code, in ROM. */
static void fill_words(struct rig *r, struct fuzz_random *f)
{
    for (unsigned i = 0; i < 256; i++) {
        uint8_t *at = r->rom->host + i * 4u;
        struct emit e = {r, f, at, at + 4, true};
        uint8_t width;

        if (fuzz_once_in(f, 3))
            put(&e, any_encoding(f, &width));
        else if (fuzz_once_in(f, 3))
            put(&e, asm_jal(any_rd(&e), (int)fuzz_below(f, 40) * 2 - 30));
        else
            put(&e, arithmetic(&e));
    }
}

static void random_registers(struct rig *r, struct fuzz_random *f)
{
    for (unsigned i = 1; i < 32; i++) {
        r->g->x[i] = fuzz_random(f) >> fuzz_below(f, 64);
        if (fuzz_once_in(f, 3))
            r->g->x[i] = RIG_RAM + fuzz_below(f, 0x20000);
    }
    for (unsigned i = 0; i < 32; i++)
        r->g->f[i] = fuzz_random(f);
    r->g->fs = (uint8_t)fuzz_below(f, 4);
    r->g->frm = (uint8_t)fuzz_below(f, 5);
}

static void random_interrupts(struct rig *r, struct fuzz_random *f)
{
    r->g->mie = fuzz_random(f) & 0xaaa;
    r->g->mideleg = fuzz_random(f) & 0x222;
    r->g->medeleg = fuzz_random(f) & 0xb3ff;
    r->g->menvcfg = fuzz_once_in(f, 2) ? ENVCFG_STCE : 0;
    r->g->mcounteren = r->g->scounteren = 7;
}

/* Random numbers that depend on how far a machine got. */
static struct fuzz_random random_now(const struct rig *r)
{
    return (struct fuzz_random){r->g->mscratch ^ r->cpu->icount ^
                                r->exceptions << 32};
}

static void own_registers(struct rig *r, struct fuzz_random *f)
{
    r->g->x[REG_LABELS] = RIG_ALIAS + AT_LABELS + 1536;
    r->g->x[REG_WORDS] = RIG_ROM;
    r->g->x[REG_DATA] =
        RIG_ALIAS + AT_DATA + 2048 + fuzz_below(f, DATA_PAGES - 1) * 4096;
    r->g->x[REG_CODE] =
        RIG_ALIAS + AT_CODE + 2048 + fuzz_below(f, CODE_PAGES - 1) * 4096;
    r->g->x[REG_IO] = RIG_IO;
    r->g->x[REG_A] = r->g->x[REG_B] = r->g->x[31] = 0;
    r->g->mtvec = RIG_RAM;
    r->g->stvec = (RIG_RAM + AT_S_HANDLER) | fuzz_below(f, 2);
    r->g->mscratch = fuzz_random(f) | 1;
    r->g->sscratch = fuzz_random(f) | 1;
}

/* Somewhere else in the code, as something else. */
static void jolt_system(struct rig *r)
{
    struct fuzz_random f = random_now(r);
    static const uint8_t privs[] = {PRIV_U, PRIV_U, PRIV_U,
                                    PRIV_S, PRIV_S, PRIV_M};
    unsigned priv = privs[fuzz_below(&f, sizeof(privs))];
    uint64_t labels = AT_LABELS + priv * 512;

    own_registers(r, &f);
    if (fuzz_once_in(&f, 4))
        random_interrupts(r, &f);
    if (fuzz_once_in(&f, 4)) {
        memset(r->g->pmpcfg, 0, PMP_ENTRIES - 1);
        riscv_pmp_changed(r->g);
    }
    r->g->satp =
        fuzz_once_in(&f, 6) ? 0 : space_satp((unsigned)fuzz_below(&f, SPACES));
    r->g->mstatus &= ~(MSTATUS_MPRV | MSTATUS_SUM | MSTATUS_MXR);
    r->g->mstatus |= fuzz_random(&f) & (MSTATUS_SUM | MSTATUS_MXR);
    r->g->fs = (uint8_t)fuzz_below(&f, 4);
    rig_enter(r, priv, ld_le64(r->ram->host + labels + fuzz_below(&f, 64) * 8));
    r->next_jolt = r->cpu->icount + 50 + fuzz_below(&f, 600);
}

static void fill_system(struct rig *r, struct fuzz_random *f)
{
    struct emit e = emit_at(r, f, AT_CODE, CODE_PAGES * 4096);
    struct starts s;

    s.n = 0;
    e.calm = !fuzz_once_in(f, 3);
    while (e.at < e.end) {
        if (s.n < sizeof(s.at) / sizeof(s.at[0]))
            s.at[s.n++] = (uint32_t)(e.at - r->ram->host);
        put_piece(&e);
    }
    fill_m_handler(r, f);
    fill_s_handler(r, f);
    fill_tables(r, f, &s);
    for (unsigned i = 0; i < SPACES; i++)
        fill_space(r, f, AT_PAGING + i * 0x4000u);
    random_registers(r, f);
    random_interrupts(r, f);
    own_registers(r, f);
    fill_words(r, f);
    r->jolt = jolt_system;
    /* All is allowed, but for what the other entries say. */
    r->g->pmpaddr[15] = ((uint64_t)1 << 54) - 1;
    r->g->pmpcfg[15] = 0x1f;
    riscv_pmp_changed(r->g);
    rig_enter(r, PRIV_M, RIG_RAM);
}

static void random_code(struct rig *r, struct fuzz_random *f, uint64_t at,
                        uint64_t size)
{
    struct emit e = emit_at(r, f, at, size);
    uint64_t noise = 1 + fuzz_below(f, 20);

    e.calm = true;
    while (e.end - e.at >= 2)
        if (fuzz_once_in(f, 4 * noise))
            put16(&e, (uint16_t)fuzz_random(f));
        else if (fuzz_once_in(f, noise))
            put_any(&e);
        else
            put_piece(&e);
}

/* Small and large pieces of the code, each with permissions of its own. */
static void random_protection(struct rig *r, struct fuzz_random *f)
{
    for (unsigned i = 0; i < PMP_ENTRIES - 1; i++) {
        r->g->pmpcfg[i] = (uint8_t)fuzz_random(f) & 0x1f;
        if (fuzz_once_in(f, 2))
            r->g->pmpcfg[i] |= 7;
        r->g->pmpaddr[i] = (RIG_RAM + fuzz_below(f, 0x20000)) >> 2 |
                           ((1u << fuzz_below(f, 16)) - 1);
    }
    r->g->pmpcfg[fuzz_below(f, PMP_ENTRIES - 1)] |=
        fuzz_once_in(f, 4) ? 0x80 : 0;
    riscv_pmp_changed(r->g);
}

/* A border of two permissions a few instructions behind pc. */
static void protect_around(struct rig *r, struct fuzz_random *f, uint64_t pc)
{
    r->g->pmpaddr[0] = (pc >> 2) + fuzz_below(f, 12);
    r->g->pmpaddr[1] = r->g->pmpaddr[0] + fuzz_below(f, 200);
    r->g->pmpcfg[0] = 0xf; /* below: all is allowed */
    r->g->pmpcfg[1] = 0x8 | (uint8_t)fuzz_below(f, 8);
    riscv_pmp_changed(r->g);
}

static void enter_anywhere(struct rig *r, struct fuzz_random *f)
{
    static const uint8_t privs[] = {PRIV_U, PRIV_U, PRIV_S, PRIV_S, PRIV_M};
    uint64_t pc = RIG_RAM + fuzz_below(f, 0x10000) * 2;

    if (fuzz_once_in(f, 3))
        protect_around(r, f, pc);
    rig_enter(r, privs[fuzz_below(f, sizeof(privs))], pc);
    r->next_jolt = r->cpu->icount + 1 + fuzz_below(f, 500);
}

/* Where a trap goes that is not the end: at once into another one. */
static void random_handlers(struct rig *r, struct fuzz_random *f)
{
    r->g->mtvec = RIG_RAM + (fuzz_below(f, 0x20000) & ~UINT64_C(2));
    r->g->stvec = RIG_RAM + (fuzz_below(f, 0x20000) & ~UINT64_C(2));
}

static void bare_registers(struct rig *r, struct fuzz_random *f)
{
    r->g->x[REG_LABELS] = RIG_RAM + AT_PAGING;
    r->g->x[REG_WORDS] = RIG_ROM;
    r->g->x[REG_IO] = RIG_IO;
    r->g->x[REG_CODE] = RIG_RAM + fuzz_below(f, 0x20000);
    r->g->x[REG_DATA] = RIG_RAM + (fuzz_below(f, 0x20000) & ~UINT64_C(7));
}

static void jolt_bare(struct rig *r)
{
    struct fuzz_random f = random_now(r);

    if (fuzz_once_in(&f, 3))
        random_registers(r, &f);
    if (fuzz_once_in(&f, 6)) {
        random_interrupts(r, &f);
        random_handlers(r, &f);
    }
    if (fuzz_once_in(&f, 6)) {
        memset(r->g->pmpcfg, 0, PMP_ENTRIES - 1);
        riscv_pmp_changed(r->g);
    } else if (fuzz_once_in(&f, 6)) {
        random_protection(r, &f);
    }
    bare_registers(r, &f);
    enter_anywhere(r, &f);
}

static void fill_bare(struct rig *r, struct fuzz_random *f)
{
    random_code(r, f, 0, 0x20000);
    fill_words(r, f);
    for (unsigned i = 0; i < 64; i++)
        put64(r, AT_PAGING + i * 8u,
              RIG_RAM + (fuzz_below(f, 0x20000) & ~UINT64_C(1)));
    random_registers(r, f);
    random_interrupts(r, f);
    bare_registers(r, f);
    random_handlers(r, f);
    if (fuzz_once_in(f, 2))
        random_protection(r, f);
    r->g->pmpaddr[15] = ((uint64_t)1 << 54) - 1;
    r->g->pmpcfg[15] = 0x1f;
    riscv_pmp_changed(r->g);
    enter_anywhere(r, f);
    r->jolt = jolt_bare;
}

/* Tables that point at each other, at code and at nothing. */
static void fill_wild(struct rig *r, struct fuzz_random *f)
{
    fill_bare(r, f);
    for (unsigned i = 0; i < 16 * 512; i++) {
        uint64_t e = entry(RIG_RAM + fuzz_below(f, 0x30) * 4096, 1);

        if (!fuzz_once_in(f, 3))
            e |= fuzz_random(f) & 0xff;
        if (fuzz_once_in(f, 20))
            e = fuzz_random(f);
        put64(r, AT_PAGING + i * 8u, e);
    }
    r->g->satp = (uint64_t)8 << 60 | (RIG_RAM + AT_PAGING) >> 12;
    r->g->mstatus |= fuzz_random(f) & (MSTATUS_SUM | MSTATUS_MXR);
    riscv_update_contexts(r->g);
}

void fuzz_fill(struct rig *r, enum fuzz_kind kind, uint64_t seed)
{
    struct fuzz_random f = {seed * FUZZ_KINDS + kind};

    if (kind == FUZZ_SYSTEM)
        fill_system(r, &f);
    else if (kind == FUZZ_BARE)
        fill_bare(r, &f);
    else
        fill_wild(r, &f);
}
