/*
 * Random code: single pieces, of which some trap, some write into the code,
 * and some reach devices.
 */
#include "riscv64_gen.h"
#include "tests/cpu/riscv/fuzz_emit.h"

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
void emit_word(struct emit *e, uint32_t word)
{
    if (e->end - e->at < 4)
        return;
    st_le32(e->at, word);
    e->at += 4;
}

void emit_half(struct emit *e, uint32_t word)
{
    if (e->end - e->at < 2)
        return;
    st_le16(e->at, (uint16_t)word);
    e->at += 2;
}

struct emit emit_at(struct rig *r, struct fuzz_random *f, uint64_t offset,
                    uint64_t size)
{
    uint8_t *host = r->ram->host + offset;

    return (struct emit){r, f, host, host + size, 0};
}

void emit_li(struct emit *e, unsigned rd, uint32_t value)
{
    emit_word(e, asm_lui(rd, value + 0x800));
    emit_word(e, asm_addi(rd, rd, (int)(value & 0xfff)));
}

unsigned emit_rd(struct emit *e)
{
    return 5 + (unsigned)fuzz_below(e->f, 11);
}

uint32_t emit_encoding(struct fuzz_random *f, uint8_t *width)
{
    unsigned n = 0;
    const struct isa_encoding *x;

    while (riscv64_encodings[n].width)
        n++;
    x = &riscv64_encodings[fuzz_below(f, n)];
    *width = x->width;
    return x->value | ((uint32_t)fuzz_random(f) & ~x->mask);
}

void emit_any(struct emit *e)
{
    uint8_t width;
    uint32_t word = emit_encoding(e->f, &width);

    if (width == 16)
        emit_half(e, word);
    else
        emit_word(e, word);
}

/* Arithmetic: an encoding whose rd is set to one that may be written. */
uint32_t emit_arithmetic_word(struct emit *e)
{
    static const uint32_t forms[] = {
        0x00000033, 0x40000033, 0x00004033, 0x00006033, 0x00007033,
        0x02000033, 0x02001033, 0x02004033, 0x0000003b, 0x0000001b,
        0x00000013, 0x00004013, 0x00006013, 0x00007013, 0x20002033,
    };
    unsigned n = (unsigned)fuzz_below(e->f, sizeof(forms) / sizeof(forms[0]));
    uint32_t word =
        forms[n] | emit_rd(e) << 7 | (unsigned)fuzz_below(e->f, 32) << 15;

    if ((word & 0x7f) == 0x13 || (word & 0x7f) == 0x1b)
        return word | (uint32_t)fuzz_below(e->f, 4096) << 20;
    return word | (unsigned)fuzz_below(e->f, 32) << 20;
}

void emit_load(struct emit *e)
{
    unsigned base = fuzz_once_in(e->f, 4) ? REG_CODE : REG_DATA;
    int imm = (int)fuzz_below(e->f, 4096) - 2048;
    static const uint8_t widths[] = {0, 1, 2, 3, 4, 5, 6};

    emit_word(e,
              asm_i(imm, base, widths[fuzz_below(e->f, 7)], emit_rd(e), 0x03));
}

void emit_store(struct emit *e)
{
    int imm = (int)fuzz_below(e->f, 4096) - 2048;

    emit_word(e, asm_s(imm, (unsigned)fuzz_below(e->f, 32), REG_DATA,
                       (unsigned)fuzz_below(e->f, 4), 0x23));
}

/* Write an instruction into the code, perhaps straddling whatever; often
 * near the place that is running. */
static void emit_patch(struct emit *e)
{
    unsigned rd = emit_rd(e), base = REG_CODE;
    int imm = ((int)fuzz_below(e->f, 4096) - 2048) & ~1;

    emit_word(e, asm_lwu(rd, (int)fuzz_below(e->f, 256) * 4, REG_WORDS));
    if (fuzz_once_in(e->f, 2)) {
        base = 16;
        emit_word(e, asm_auipc(base, 0));
        imm = (int)fuzz_below(e->f, 24) * 2 + 4;
    }
    emit_word(e, asm_s(imm, rd, base, fuzz_once_in(e->f, 3) ? 1 : 2, 0x23));
    if (fuzz_once_in(e->f, 3))
        emit_word(e, ASM_FENCE_I);
}

static void emit_jump(struct emit *e)
{
    int offset = (int)fuzz_below(e->f, 400) * 2 - 400;
    unsigned rd = fuzz_once_in(e->f, 2) ? 0 : emit_rd(e);

    switch (fuzz_below(e->f, 4)) {
    case 0:
        emit_word(e, asm_jal(rd, offset));
        break;
    case 1:
        emit_word(e, asm_auipc(5, 0));
        emit_word(e,
                  asm_jalr(rd, offset, fuzz_once_in(e->f, 30) ? REG_IO : 5));
        break;
    case 2: /* far: any code page */
        emit_word(e, asm_jal(rd, (int)fuzz_below(e->f, 0x8000) * 2 - 0x8000));
        break;
    default:
        emit_word(e, asm_ld(5, (int)fuzz_below(e->f, 64) * 8, REG_LABELS));
        emit_word(e, asm_jalr(rd, 0, 5));
    }
}

static void emit_branch(struct emit *e)
{
    static const uint8_t kinds[] = {0, 1, 4, 5, 6, 7};
    int offset = (int)fuzz_below(e->f, 60) * 2 - 30;

    emit_word(
        e, asm_b(offset, emit_rd(e), emit_rd(e), kinds[fuzz_below(e->f, 6)]));
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
    0x323,             0x329,       0xb03,          0xb09,
    0xc03,             0xc09,       0xda0,
};

static void emit_csr(struct emit *e)
{
    unsigned csr = csrs[fuzz_below(e->f, sizeof(csrs) / sizeof(csrs[0]))];
    unsigned how = 1 + (unsigned)fuzz_below(e->f, 3);
    unsigned rs1 = emit_rd(e);

    /* satp takes only what the tables of the handlers hold. */
    if (csr == CSR_SATP)
        how = 2, rs1 = 0;
    else if (fuzz_once_in(e->f, 3))
        how |= 4;
    emit_word(e, asm_i((int)csr, rs1, how, emit_rd(e), 0x73));
}

static void emit_system(struct emit *e)
{
    static const uint32_t words[] = {
        ASM_ECALL, ASM_EBREAK, ASM_SRET,    ASM_MRET,
        ASM_WFI,   ASM_FENCE,  ASM_ILLEGAL,
    };

    if (fuzz_once_in(e->f, 3))
        emit_word(e, asm_sfence_vma(fuzz_once_in(e->f, 2) ? 0 : REG_CODE,
                                    fuzz_once_in(e->f, 2) ? 0 : emit_rd(e)));
    else
        emit_word(e, words[fuzz_below(e->f, sizeof(words) / sizeof(words[0]))]);
}

static void emit_atomic(struct emit *e)
{
    unsigned width = 2 + (unsigned)fuzz_below(e->f, 2), rd = emit_rd(e);
    unsigned base = fuzz_once_in(e->f, 4) ? REG_CODE : REG_DATA;
    int imm = ((int)fuzz_below(e->f, 4096) - 2048) & ~7;

    emit_word(e, asm_addi(16, base, imm));
    switch (fuzz_below(e->f, 4)) {
    case 0:
        emit_word(e, asm_lr(width, rd, 16));
        emit_word(e, emit_arithmetic_word(e));
        emit_word(e, asm_sc(width, emit_rd(e), emit_rd(e), 16));
        break;
    case 1:
        emit_word(e, asm_amoswap(width, rd, emit_rd(e), 16));
        break;
    case 2:
        emit_word(e, asm_lr(width, rd, 16));
        break;
    default:
        emit_word(e, asm_amoadd(width, rd, emit_rd(e), 16));
    }
}

void emit_float(struct emit *e)
{
    unsigned f = (unsigned)fuzz_below(e->f, 32);
    int imm = ((int)fuzz_below(e->f, 4096) - 2048) & ~7;

    switch (fuzz_below(e->f, 4)) {
    case 0:
        emit_word(e, asm_fld(f, imm, REG_DATA));
        break;
    case 1:
        emit_word(e, asm_fsd(f, imm, REG_DATA));
        break;
    default:
        emit_word(e, asm_fadd_d(f, (unsigned)fuzz_below(e->f, 32),
                                (unsigned)fuzz_below(e->f, 32)));
    }
}

/* A counter that overflows soon: instructions, of some privileges. */
static void emit_overflow(struct emit *e, unsigned rd)
{
    unsigned n = 3 + (unsigned)fuzz_below(e->f, 29);

    emit_word(e, asm_addi(rd, 0, -(int)fuzz_below(e->f, 60)));
    emit_word(e, asm_csrrw(0, 0xb00 + n, rd));
    emit_word(e, asm_addi(rd, 0, (int)fuzz_below(e->f, 8)));
    emit_word(e, asm_slli(rd, rd, 60)); /* UINH, SINH, MINH */
    emit_word(e, asm_addi(rd, rd, 2));
    emit_word(e, asm_csrrw(0, 0x320 + n, rd));
}

/* Devices and time: the exact count, interrupts soon, lines. */
void emit_io(struct emit *e)
{
    unsigned rd = emit_rd(e);

    switch (fuzz_below(e->f, 6)) {
    case 0:
        emit_word(e, asm_ld(rd, RIG_REG_ICOUNT, REG_IO));
        break;
    case 1:
        emit_word(e, asm_csrrs(rd, CSR_TIME, 0));
        emit_word(e, asm_addi(rd, rd, (int)fuzz_below(e->f, 40)));
        emit_word(e, asm_sd(rd, RIG_REG_MTIMECMP, REG_IO));
        break;
    case 2:
        emit_word(e, asm_csrrs(rd, CSR_TIME, 0));
        emit_word(e, asm_addi(rd, rd, (int)fuzz_below(e->f, 40)));
        emit_word(e, asm_csrrw(0, CSR_STIMECMP, rd));
        break;
    case 3:
        emit_li(e, rd, (uint32_t)fuzz_random(e->f) & 0xaaa);
        emit_word(
            e, asm_sd(rd, fuzz_once_in(e->f, 2) ? RIG_REG_RAISE : RIG_REG_LOWER,
                      REG_IO));
        break;
    case 4:
        emit_word(e, asm_csrrs(rd, CSR_INSTRET, 0));
        if (fuzz_once_in(e->f, 4))
            emit_overflow(e, rd);
        break;
    default: /* widths and places that the device refuses, too */
        emit_word(e, asm_i((int)fuzz_below(e->f, 48), REG_IO,
                           (unsigned)fuzz_below(e->f, 7), rd, 0x03));
    }
}

void emit_arithmetic(struct emit *e)
{
    emit_word(e, emit_arithmetic_word(e));
}

void emit_short(struct emit *e)
{
    emit_half(e, 0x0001 | emit_rd(e) << 7 |
                     (uint32_t)fuzz_below(e->f, 32) << 2); /* c.addi */
}

/* One of the many things that code does; weights for each kind of code,
 * from one that traps all the time to one that runs for long undisturbed. */
void emit_piece(struct emit *e)
{
    static const struct {
        uint8_t weight[CALM_LEVELS];
        void (*emit)(struct emit *e);
    } kinds[] = {
        {{5, 0, 0, 0}, emit_csr},      {{4, 0, 0, 0}, emit_system},
        {{6, 0, 6, 4}, emit_io},       {{4, 0, 4, 4}, emit_float},
        {{9, 9, 9, 0}, emit_patch},    {{34, 34, 34, 34}, emit_arithmetic},
        {{10, 10, 10, 10}, emit_load}, {{10, 10, 10, 10}, emit_store},
        {{7, 7, 7, 7}, emit_branch},   {{7, 7, 7, 7}, emit_jump},
        {{4, 4, 4, 4}, emit_atomic},   {{4, 4, 4, 4}, emit_short},
    };
    const unsigned level = e->calm < 3 && fuzz_once_in(e->f, 20) ? 0 : e->calm;
    unsigned total = 0, i = 0;
    uint64_t what;

    for (unsigned n = 0; n < sizeof(kinds) / sizeof(kinds[0]); n++)
        total += kinds[n].weight[level];
    what = fuzz_below(e->f, total);
    while (what >= kinds[i].weight[level])
        what -= kinds[i++].weight[level];
    kinds[i].emit(e);
}

void emit_random(struct emit *e, unsigned csr)
{
    emit_word(e, asm_csrrs(REG_A, csr, 0));
    emit_word(e, asm_slli(REG_B, REG_A, 13));
    emit_word(e, asm_xor(REG_A, REG_A, REG_B));
    emit_word(e, asm_srli(REG_B, REG_A, 7));
    emit_word(e, asm_xor(REG_A, REG_A, REG_B));
    emit_word(e, asm_slli(REG_B, REG_A, 17));
    emit_word(e, asm_xor(REG_A, REG_A, REG_B));
    emit_word(e, asm_csrrw(0, csr, REG_A));
}

void emit_pick(struct emit *e, uint32_t table, unsigned shift)
{
    emit_word(e, asm_srli(REG_B, REG_A, shift));
    emit_word(e, asm_andi(REG_B, REG_B, 63));
    emit_word(e, asm_slli(REG_B, REG_B, 3));
    emit_li(e, 31, table);
    emit_word(e, asm_add(REG_B, REG_B, 31));
    emit_word(e, asm_ld(REG_B, 0, REG_B));
}

void emit_seldom(struct emit *e, unsigned shift, unsigned bits, int n)
{
    emit_word(e, asm_srli(REG_B, REG_A, shift));
    emit_word(e, asm_andi(REG_B, REG_B, (1 << bits) - 1));
    emit_word(e, asm_bne(REG_B, 0, 4 + 4 * n));
}
