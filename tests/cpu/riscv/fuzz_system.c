/*
 * FUZZ_SYSTEM: random machines that are orderly enough to go on for long.
 *
 * A handler in M mode and one in S mode pick, at random, what to do to the
 * machine (change a page table entry and fence it, write CSRs) and where to
 * go on in which privilege; the rest of the code is random instructions,
 * among them stores of instructions into the code itself.  Page tables
 * change in the M-mode handler only, with a fence behind each change, since
 * what is seen before the fence is nobody's promise.
 */
#include <string.h>

#include "tests/cpu/riscv/fuzz_emit.h"

/* Where pieces of code begin, as offsets in RAM. */
struct starts {
    uint32_t at[8192];
    unsigned n;
};

void fuzz_words(struct rig *r, struct fuzz_random *f)
{
    for (unsigned i = 0; i < 256; i++) {
        uint8_t *at = r->rom->host + i * 4u;
        struct emit e = {r, f, at, at + 4, 1};
        uint8_t width;

        if (i < 128)
            emit_arithmetic(&e);
        else if (fuzz_once_in(f, 3))
            emit_word(&e, emit_encoding(f, &width));
        else if (fuzz_once_in(f, 3))
            emit_word(&e,
                      asm_jal(emit_rd(&e), (int)fuzz_below(f, 40) * 2 - 30));
        else
            emit_word(&e, emit_arithmetic_word(&e));
    }
}

void fuzz_registers(struct rig *r, struct fuzz_random *f)
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

void fuzz_interrupts(struct rig *r, struct fuzz_random *f)
{
    r->g->mie = (fuzz_random(f) | fuzz_random(f)) & 0x2aaa;
    r->g->mideleg = fuzz_random(f) & 0x2222;
    r->g->medeleg = fuzz_random(f) & 0xb3ff;
    r->g->menvcfg = fuzz_once_in(f, 2) ? ENVCFG_STCE : 0;
    if (!fuzz_once_in(f, 4))
        r->g->menvcfg |= ENVCFG_ADUE;
    if (!fuzz_once_in(f, 4))
        r->g->menvcfg |= ENVCFG_PBMTE;
    riscv_forget_contexts(r->g, -1);
    riscv_update_contexts(r->g);
    r->g->mcounteren = r->g->scounteren = 7 | 0xf << 6;
}

struct fuzz_random fuzz_now(const struct rig *r)
{
    return (struct fuzz_random){r->g->mscratch ^ r->cpu->icount ^
                                r->exceptions << 32};
}
/* Change an entry of the last level of one space, then fence. */
static void emit_remap(struct emit *e)
{
    uint64_t f = fuzz_random(e->f);
    uint32_t leaf = RIG_ALIAS + AT_PAGING + (uint32_t)(f & 1) * SPACE_SIZE + 0x2000;
    unsigned page = f >> 1 & 1 ? AT_CODE / 4096 : AT_DATA / 4096;

    page += (unsigned)(f >> 2) % (page == 4 ? CODE_PAGES : DATA_PAGES);
    emit_seldom(e, (unsigned)(f >> 8) % 40, 2, PICK + 6);
    emit_pick(e, RIG_ALIAS + AT_ENTRIES, (unsigned)(f >> 16) % 40);
    emit_li(e, 31, leaf);
    emit_word(e, asm_sd(REG_B, (int)page * 8, 31));
    emit_li(e, 31, RIG_ALIAS + page * 4096);
    if (f >> 24 & 1)
        emit_word(e, asm_sfence_vma(31, 0));
    else
        emit_word(e, asm_sfence_vma(0, 0));
}

/* Write a value of the table to a CSR, once in 2^bits. */
static void emit_value(struct emit *e, unsigned csr, unsigned bits)
{
    unsigned n = (unsigned)fuzz_below(e->f, 64);

    emit_seldom(e, (unsigned)fuzz_below(e->f, 40), bits, 4);
    emit_li(e, 31, RIG_ALIAS + AT_VALUES + n * 8u);
    emit_word(e, asm_ld(REG_B, 0, 31));
    emit_word(e, asm_csrrw(0, csr, REG_B));
}

/* pmpcfg0 from the table; mostly nothing gets locked. */
static void emit_protection(struct emit *e)
{
    unsigned n = (unsigned)fuzz_below(e->f, 64);

    emit_seldom(e, 24, 5, 7);
    emit_li(e, 31, RIG_ALIAS + AT_VALUES + n * 8u);
    emit_word(e, asm_ld(REG_B, 0, 31));
    emit_li(e, 31, fuzz_once_in(e->f, 8) ? 0x1f9f1f1f : 0x1f1f1f1f);
    emit_word(e, asm_and(REG_B, REG_B, 31));
    emit_word(e, asm_csrrw(0, CSR_PMPCFG0, REG_B));
}

static void fill_m_handler(struct rig *r, struct fuzz_random *f)
{
    static const uint16_t some[] = {CSR_MIE,     CSR_MIDELEG, CSR_MEDELEG,
                                    CSR_MSTATUS, CSR_MENVCFG, CSR_MCOUNTEREN,
                                    CSR_STIMECMP};
    struct emit e = emit_at(r, f, 0, 0x1000);

    /* Loads and stores are to be M mode's own. */
    emit_li(&e, 31, MSTATUS_MPRV);
    emit_word(&e, asm_csrrc(0, CSR_MSTATUS, 31));
    emit_random(&e, CSR_MSCRATCH);
    for (unsigned i = 0; i < 6; i++)
        emit_remap(&e);
    for (unsigned i = 0; i < sizeof(some) / sizeof(some[0]); i++)
        emit_value(&e, some[i], 4);
    /* PMP: a few entries, all open in the last one. */
    for (unsigned i = 0; i < 4; i++)
        emit_value(&e, CSR_PMPADDR0 + i, 5);
    emit_protection(&e);
    emit_seldom(&e, 12, 2, PICK + 1);
    emit_pick(&e, RIG_ALIAS + AT_SATPS, 31);
    emit_word(&e, asm_csrrw(0, CSR_SATP, REG_B));
    /* MPP, and an address for it */
    emit_li(&e, 31, MSTATUS_MPP);
    emit_word(&e, asm_csrrc(0, CSR_MSTATUS, 31));
    emit_word(&e, asm_srli(REG_B, REG_A, 5));
    emit_word(&e, asm_xor(REG_B, REG_B, REG_A));
    emit_word(&e, asm_and(REG_B, REG_B, 31));
    emit_word(&e, asm_csrrs(0, CSR_MSTATUS, REG_B));
    emit_word(&e, asm_csrrs(REG_B, CSR_MSTATUS, 0));
    emit_word(&e, asm_and(REG_B, REG_B, 31));
    emit_word(&e, asm_srli(REG_B, REG_B, 2)); /* MPP times 512 */
    emit_word(&e, asm_srli(31, REG_A, 33));
    emit_word(&e, asm_andi(31, 31, 63));
    emit_word(&e, asm_slli(31, 31, 3));
    emit_word(&e, asm_add(REG_B, REG_B, 31));
    emit_li(&e, 31, RIG_ALIAS + AT_LABELS);
    emit_word(&e, asm_add(REG_B, REG_B, 31));
    emit_word(&e, asm_ld(REG_B, 0, REG_B));
    emit_word(&e, asm_csrrw(0, CSR_MEPC, REG_B));
    emit_word(&e, asm_addi(31, 0, 0));
    emit_word(&e, asm_addi(REG_B, 0, 0));
    emit_word(&e, ASM_MRET);
}

static void fill_s_handler(struct rig *r, struct fuzz_random *f)
{
    struct emit e = emit_at(r, f, AT_S_HANDLER, 0x1000);

    emit_random(&e, CSR_SSCRATCH);
    emit_seldom(&e, 7, 2, 2);
    emit_word(&e, asm_csrrs(0, CSR_SIE, REG_A));
    emit_word(&e, asm_csrrs(0, CSR_SIP, REG_A));
    emit_seldom(&e, 11, 2, 1);
    emit_word(&e, asm_csrrc(0, CSR_SIE, REG_A));
    emit_seldom(&e, 9, 2, 3);
    emit_li(&e, 31, MSTATUS_SUM | MSTATUS_MXR | MSTATUS_FS);
    emit_word(&e, asm_csrrs(0, CSR_SSTATUS, 31));
    emit_seldom(&e, 19, 3, 2);
    emit_li(&e, 31, MSTATUS_SUM | MSTATUS_FS);
    emit_word(&e, asm_csrrc(0, CSR_SSTATUS, 31));
    emit_word(&e, asm_addi(31, 0, MSTATUS_SPP));
    emit_seldom(&e, 3, 1, 1);
    emit_word(&e, asm_csrrs(0, CSR_SSTATUS, 31));
    emit_pick(&e, RIG_ALIAS + AT_LABELS + 512, 13);
    emit_word(&e, asm_csrrw(0, CSR_SEPC, REG_B));
    emit_word(&e, asm_addi(31, 0, 0));
    emit_word(&e, asm_addi(REG_B, 0, 0));
    emit_word(&e, ASM_SRET);
}

/* -------------------------------------------------------------- tables */

void fuzz_put64(struct rig *r, uint64_t offset, uint64_t v)
{
    st_le64(r->ram->host + offset, v);
}

uint64_t fuzz_entry(uint64_t pa, unsigned flags)
{
    return pa >> 12 << 10 | flags;
}

/* A leaf, mostly one that allows much, or always. */
static uint64_t any_leaf(struct fuzz_random *f, bool code, bool calm)
{
    uint64_t page = code || fuzz_once_in(f, 6)
                        ? AT_CODE / 4096 + fuzz_below(f, CODE_PAGES)
                        : AT_DATA / 4096 + fuzz_below(f, DATA_PAGES);
    unsigned flags = 0xdf; /* D A U X W R V */

    if (calm)
        return fuzz_entry(RIG_RAM + page * 4096, flags);
    if (fuzz_once_in(f, 4))
        flags &= ~0xc0u | (unsigned)fuzz_random(f);
    if (fuzz_once_in(f, 12))
        flags &= ~0x1fu | (unsigned)fuzz_random(f);
    if (fuzz_once_in(f, 10))
        flags ^= 0x10;
    if (fuzz_once_in(f, 30))
        flags |= 0x20; /* G */
    if (fuzz_once_in(f, 20)) /* memory types, NAPOT, what is reserved */
        return fuzz_entry(RIG_RAM + page * 4096, flags) |
               (uint64_t)1 << (54 + fuzz_below(f, 10));
    return fuzz_entry(RIG_RAM + page * 4096, flags);
}

void fuzz_space(struct rig *r, struct fuzz_random *f, unsigned space, bool calm)
{
    uint64_t at = AT_PAGING + space * SPACE_SIZE, root = at, middle = at + 0x1000,
             last = at + 0x2000, high = at + 0x3000, root48 = at + 0x4000;

    fuzz_put64(r, root48, fuzz_entry(RIG_RAM + root, 1));
    fuzz_put64(r, at + 0x5000, fuzz_entry(RIG_RAM + root48, 1));
    fuzz_put64(r, root,
               fuzz_entry(0, 0xd7)); /* 1 GiB at 0: devices, ROM; R W U */
    fuzz_put64(r, root + 8, fuzz_entry(RIG_RAM + middle, 1));
    fuzz_put64(r, root + 16, fuzz_entry(RIG_RAM + high, 1));
    fuzz_put64(r, middle, fuzz_entry(RIG_RAM + last, 1));
    fuzz_put64(r, middle + (VA_LARGE >> 21 & 0x1ff) * 8,
               fuzz_entry(RIG_RAM, 0xdf));
    fuzz_put64(r, high,
               fuzz_entry(RIG_RAM, 0xcf | (fuzz_once_in(f, 2) ? 0x20 : 0)));
    fuzz_put64(r, last + AT_TABLES / 512,
               fuzz_entry(RIG_RAM + AT_TABLES, 0xc3));
    for (unsigned i = 0; i < CODE_PAGES; i++)
        fuzz_put64(r, last + AT_CODE / 512 + i * 8u, any_leaf(f, true, calm));
    for (unsigned i = 0; i < DATA_PAGES; i++)
        fuzz_put64(r, last + AT_DATA / 512 + i * 8u, any_leaf(f, false, calm));
}

/* A machine's number chooses the modes. */
uint64_t fuzz_satp(const struct rig *r, unsigned n)
{
    static const uint16_t roots[] = {0, 0x4000, 0x5000};
    unsigned levels = (unsigned)(ld_le64(r->ram->host + AT_VALUES) >> n) % 3;

    return (uint64_t)(8 + levels) << 60 | (uint64_t)(n + 1) << 44 |
           (RIG_RAM + AT_PAGING + n * SPACE_SIZE + roots[levels]) >> 12;
}

static void fill_tables(struct rig *r, struct fuzz_random *f,
                        const struct starts *s, bool calm)
{
    for (unsigned i = 0; i < 64; i++) {
        uint64_t code = fuzz_once_in(f, 8)
                            ? AT_CODE + fuzz_below(f, CODE_PAGES * 4096 / 2) * 2
                            : s->at[fuzz_below(f, s->n)];

        /* U: by small or large pages; S: small or identical; M: itself. */
        fuzz_put64(r, AT_LABELS + i * 8u,
                   code + (fuzz_once_in(f, 3) ? VA_LARGE : RIG_ALIAS));
        fuzz_put64(r, AT_LABELS + 512 + i * 8u,
                   code + (fuzz_once_in(f, 2) ? RIG_RAM : RIG_ALIAS));
        fuzz_put64(r, AT_LABELS + 1024 + i * 8u, code);
        fuzz_put64(r, AT_LABELS + 1536 + i * 8u,
                   code + (fuzz_once_in(f, 2) ? RIG_RAM : RIG_ALIAS));
        fuzz_put64(r, AT_ENTRIES + i * 8u,
                   any_leaf(f, fuzz_once_in(f, 2), calm));
        fuzz_put64(r, AT_VALUES + i * 8u,
                   fuzz_once_in(f, 3) ? (RIG_RAM + fuzz_below(f, 0x14000)) >> 2
                                      : fuzz_random(f) >> fuzz_below(f, 60));
    }
    for (unsigned i = 0; i < 64; i++)
        fuzz_put64(r, AT_SATPS + i * 8u, i % 8 ? fuzz_satp(r, i % SPACES) : 0);
}

void fuzz_own_registers(struct rig *r, struct fuzz_random *f)
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
    struct fuzz_random f = fuzz_now(r);
    static const uint8_t privs[] = {PRIV_U, PRIV_U, PRIV_U,
                                    PRIV_S, PRIV_S, PRIV_M};
    unsigned priv = privs[fuzz_below(&f, sizeof(privs))];
    uint64_t labels = AT_LABELS + priv * 512;

    fuzz_own_registers(r, &f);
    if (fuzz_once_in(&f, 4))
        fuzz_interrupts(r, &f);
    if (fuzz_once_in(&f, 4)) {
        memset(r->g->pmpcfg, 0, PMP_ENTRIES - 1);
        riscv_pmp_changed(r->g);
    }
    r->g->satp =
        fuzz_once_in(&f, 6) ? 0 : fuzz_satp(r, (unsigned)fuzz_below(&f, SPACES));
    r->g->mstatus &= ~(MSTATUS_MPRV | MSTATUS_SUM | MSTATUS_MXR);
    r->g->mstatus |= fuzz_random(&f) &
                     (MSTATUS_SUM | MSTATUS_MXR | MSTATUS_MIE | MSTATUS_SIE);
    r->g->fs = (uint8_t)fuzz_below(&f, 4);
    rig_enter(r, priv, ld_le64(r->ram->host + labels + fuzz_below(&f, 64) * 8));
    r->next_jolt = r->cpu->icount + 50 + fuzz_below(&f, 600);
}

void fuzz_fill_system(struct rig *r, struct fuzz_random *f)
{
    struct emit e = emit_at(r, f, AT_CODE, CODE_PAGES * 4096);
    struct starts s;

    s.n = 0;
    e.calm = (unsigned)fuzz_below(f, CALM_LEVELS);
    while (e.at < e.end) {
        if (s.n < sizeof(s.at) / sizeof(s.at[0]))
            s.at[s.n++] = (uint32_t)(e.at - r->ram->host);
        emit_piece(&e);
    }
    fill_m_handler(r, f);
    fill_s_handler(r, f);
    fill_tables(r, f, &s, e.calm >= 2);
    for (unsigned i = 0; i < SPACES; i++)
        fuzz_space(r, f, i, e.calm >= 2);
    fuzz_registers(r, f);
    fuzz_interrupts(r, f);
    fuzz_own_registers(r, f);
    fuzz_words(r, f);
    r->jolt = jolt_system;
    /* All is allowed, but for what the other entries say. */
    r->g->pmpaddr[15] = ((uint64_t)1 << 54) - 1;
    r->g->pmpcfg[15] = 0x1f;
    riscv_pmp_changed(r->g);
    rig_enter(r, PRIV_M, RIG_RAM);
}
