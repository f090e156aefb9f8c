/*
 * FUZZ_LOOPS: random programs that make sense: routines with loops that call
 * each other, loads and stores of their own data, and now and then something
 * that the engine must notice - a store into the code that runs, a page that
 * is mapped elsewhere, an interrupt, an exception whose handler goes on
 * behind it.  Blocks are entered over and over, so that every way from one
 * to the next is used.
 *
 * Code is in the first half of the code pages; the second half is a copy of
 * it, and the handler swaps pages of one for those of the other.
 */
#include <string.h>

#include "tests/cpu/riscv/fuzz_emit.h"

/* Counters and links, one for each level; nothing else writes them. */
enum { REG_INNER = 17, REG_OUTER, REG_LINK_1, REG_LINK_2 };

#define ROUTINES 24u
#define HALF (CODE_PAGES / 2)
#define MAX_PLACES 4096u

struct loops {
    struct rig *r;
    struct emit e;
    uint32_t leaf[ROUTINES], middle[ROUTINES], start; /* offsets in RAM */
    unsigned n_leaf, n_middle;
    /* 32-bit arithmetic instructions, which may be replaced. */
    uint32_t places[MAX_PLACES];
    unsigned n_places;
    uint64_t seldom; /* disturbances: one piece in 25 times this */
};

static uint32_t here(const struct loops *l)
{
    return (uint32_t)(l->e.at - l->r->ram->host);
}

static void arithmetic(struct loops *l)
{
    if (l->n_places < MAX_PLACES)
        l->places[l->n_places++] = here(l);
    emit_arithmetic(&l->e);
}

/* x16 = an aligned address in the data. */
static void data_address(struct loops *l)
{
    emit_word(&l->e, asm_addi(16, REG_DATA,
                              ((int)fuzz_below(l->e.f, 4096) - 2048) & ~7));
}

static void atomic(struct loops *l)
{
    struct emit *e = &l->e;
    unsigned width = 2 + (unsigned)fuzz_below(e->f, 2), rd = emit_rd(e);

    data_address(l);
    switch (fuzz_below(e->f, 3)) {
    case 0:
        emit_word(e, asm_lr(width, rd, 16));
        emit_word(e, asm_addi(5, rd, 1));
        emit_word(e, asm_sc(width, emit_rd(e), 5, 16));
        break;
    case 1:
        emit_word(e, asm_amoswap(width, rd, emit_rd(e), 16));
        break;
    default:
        emit_word(e, asm_amoadd(width, rd, emit_rd(e), 16));
    }
}

/* An access to one page and another, by turns. */
static void alternate(struct loops *l)
{
    struct emit *e = &l->e;
    int imm = ((int)fuzz_below(e->f, 4096) - 2048) & ~7;

    emit_word(e, asm_andi(16, REG_INNER, 1));
    emit_word(e, asm_slli(16, 16, 12));
    emit_word(e, asm_add(16, 16, REG_DATA));
    if (fuzz_once_in(e->f, 2))
        emit_word(e, asm_ld(emit_rd(e), imm, 16));
    else
        emit_word(e, asm_sd(emit_rd(e), imm, 16));
}

/* Replace an instruction that is near by another one of the same kind. */
static void patch(struct loops *l)
{
    struct emit *e = &l->e;
    unsigned back = l->n_places < 30 ? l->n_places : 30, rd = emit_rd(e);
    uint32_t at;

    if (!back)
        return;
    at = l->places[l->n_places - 1 - fuzz_below(e->f, back)];
    emit_word(e, asm_lwu(rd, (int)fuzz_below(e->f, 128) * 4, REG_WORDS));
    emit_word(e, asm_auipc(16, 0));
    /* its own distance, counted from auipc */
    emit_word(e, asm_sw(rd, (int)at - (int)(here(l) - 4), 16));
    if (fuzz_once_in(e->f, 2))
        emit_word(e, ASM_FENCE_I);
}

/* Over a few instructions, or not. */
static void skip(struct loops *l)
{
    static const uint8_t kinds[] = {0, 1, 4, 5, 6, 7};
    struct emit *e = &l->e;
    unsigned n = 1 + (unsigned)fuzz_below(e->f, 4);

    emit_word(e, asm_b((int)(4 + 4 * n), emit_rd(e), emit_rd(e),
                       kinds[fuzz_below(e->f, 6)]));
    while (n--)
        arithmetic(l);
}

/* Time and counters, floating-point status, devices, system calls. */
static void look_around(struct loops *l)
{
    struct emit *e = &l->e;
    unsigned rd = emit_rd(e);

    switch (fuzz_below(e->f, 8)) {
    case 0:
        emit_word(e, asm_csrrs(rd, CSR_INSTRET, 0));
        break;
    case 1:
        emit_word(e, asm_csrrs(rd, CSR_FCSR, 0));
        break;
    case 2:
        emit_word(e, asm_ld(rd, RIG_REG_ICOUNT, REG_IO));
        break;
    case 3:
        emit_word(e, ASM_ECALL);
        break;
    case 4:
        emit_word(e, asm_sfence_vma(0, 0)); /* illegal in U mode */
        break;
    case 5: /* an interrupt of S mode, soon */
        emit_word(e, asm_csrrs(rd, CSR_TIME, 0));
        emit_word(e, asm_addi(rd, rd, (int)fuzz_below(e->f, 200)));
        emit_word(e, asm_csrrw(0, CSR_STIMECMP, rd));
        break;
    case 6: /* and one of M mode */
        emit_word(e, asm_csrrs(rd, CSR_TIME, 0));
        emit_word(e, asm_addi(rd, rd, (int)fuzz_below(e->f, 200)));
        emit_word(e, asm_sd(rd, RIG_REG_MTIMECMP, REG_IO));
        break;
    default:
        emit_word(e, asm_addi(rd, 0, (int)MIP_BIT(IRQ_MSI)));
        emit_word(e, asm_sd(rd, RIG_REG_RAISE, REG_IO));
    }
}

static void body(struct loops *l, unsigned pieces)
{
    struct emit *e = &l->e;

    while (pieces--) {
        uint64_t what = fuzz_below(e->f, 100);

        if (what < 50)
            arithmetic(l);
        else if (what < 60)
            emit_short(e);
        else if (what < 70)
            emit_word(e, asm_ld(emit_rd(e), (int)fuzz_below(e->f, 4088) - 2048,
                                REG_DATA));
        else if (what < 80)
            emit_store(e);
        else if (what < 90)
            skip(l);
        else if (what < 92)
            emit_float(e);
        else if (what < 94)
            alternate(l);
        else if (what < 96)
            atomic(l);
        else if (!fuzz_once_in(e->f, l->seldom))
            arithmetic(l);
        else if (fuzz_once_in(e->f, 2))
            patch(l);
        else
            look_around(l);
    }
}

/* for (counter = n; counter; counter--) body */
static void loop_start(struct loops *l, unsigned counter, unsigned most,
                       uint32_t *top)
{
    emit_word(&l->e, asm_addi(counter, 0, 1 + (int)fuzz_below(l->e.f, most)));
    *top = here(l);
}

static void loop_end(struct loops *l, unsigned counter, uint32_t top)
{
    emit_word(&l->e, asm_addi(counter, counter, -1));
    emit_word(&l->e, asm_bne(counter, 0, (int)top - (int)here(l)));
}

static void call(struct loops *l, unsigned link, uint32_t to)
{
    int distance = (int)to - (int)here(l);

    if (fuzz_once_in(l->e.f, 2)) {
        emit_word(&l->e, asm_jal(link, distance));
        return;
    }
    /* by register: the upper part rounded so that the rest has a sign */
    emit_word(&l->e, asm_auipc(16, distance + 0x800));
    emit_word(&l->e, asm_jalr(link, distance & 0xfff, 16));
}

static void routines(struct loops *l)
{
    struct fuzz_random *f = l->e.f;
    uint32_t top;

    for (unsigned i = 0; i < ROUTINES; i++) {
        l->leaf[i] = here(l);
        loop_start(l, REG_INNER, 40, &top);
        body(l, 2 + (unsigned)fuzz_below(f, 25));
        loop_end(l, REG_INNER, top);
        emit_word(&l->e, asm_jalr(0, 0, REG_LINK_1));
    }
    for (unsigned i = 0; i < ROUTINES; i++) {
        l->middle[i] = here(l);
        loop_start(l, REG_OUTER, 8, &top);
        for (unsigned n = 1 + (unsigned)fuzz_below(f, 3); n; n--) {
            body(l, (unsigned)fuzz_below(f, 8));
            call(l, REG_LINK_1, l->leaf[fuzz_below(f, ROUTINES)]);
        }
        loop_end(l, REG_OUTER, top);
        emit_word(&l->e, asm_jalr(0, 0, REG_LINK_2));
    }
    l->start = top = here(l);
    for (unsigned i = 0; i < 30; i++)
        call(l, REG_LINK_2, l->middle[fuzz_below(f, ROUTINES)]);
    emit_word(&l->e, asm_jal(0, (int)top - (int)here(l)));
}

/* ------------------------------------------------------------ the handler */

/* Map one of the code pages to itself or to its copy. */
static void swap_page(struct emit *e)
{
    unsigned space = (unsigned)fuzz_below(e->f, SPACES);
    unsigned page = AT_CODE / 4096 + (unsigned)fuzz_below(e->f, HALF);
    uint64_t leaf = fuzz_entry(RIG_RAM + page * 4096, 0xdf);

    emit_seldom(e, (unsigned)fuzz_below(e->f, 40), 3, 12);
    emit_li(e, REG_B, (uint32_t)leaf);
    emit_word(e, asm_srli(31, REG_A, 50));
    emit_word(e, asm_andi(31, 31, 1));
    emit_word(e, asm_slli(31, 31, 12)); /* HALF pages further */
    emit_word(e, asm_add(REG_B, REG_B, 31));
    emit_li(e, 31, RIG_ALIAS + AT_PAGING + space * SPACE_SIZE + 0x2000);
    emit_word(e, asm_sd(REG_B, (int)page * 8, 31));
    emit_li(e, 31, RIG_ALIAS + page * 4096);
    emit_word(e, asm_sfence_vma(fuzz_once_in(e->f, 2) ? 31 : 0, 0));
}

/* All interrupts and exceptions: quieten what interrupts, step over what
 * raised, then on as before. */
static void handler(struct rig *r, struct fuzz_random *f)
{
    struct emit e = emit_at(r, f, 0, 0x1000);

    emit_random(&e, CSR_MSCRATCH);
    for (unsigned i = 0; i < 4; i++)
        swap_page(&e);
    emit_li(&e, 31, RIG_IO);
    emit_word(&e, asm_addi(REG_B, 0, -1));
    emit_word(&e, asm_sd(REG_B, RIG_REG_LOWER, 31));
    emit_word(&e, asm_csrrw(0, CSR_STIMECMP, REG_B));
    emit_word(&e, asm_csrrw(0, CSR_MIP, 0));
    emit_word(&e, asm_csrrs(REG_B, CSR_TIME, 0));
    emit_word(&e, asm_srli(REG_A, REG_A, 58));
    emit_word(&e, asm_add(REG_B, REG_B, REG_A));
    if (fuzz_once_in(f, 2))
        emit_word(&e, asm_sd(REG_B, RIG_REG_MTIMECMP, 31));
    else
        emit_word(&e, asm_csrrw(0, CSR_STIMECMP, REG_B));
    emit_word(&e, asm_csrrs(REG_B, CSR_MCAUSE, 0));
    emit_word(&e, asm_b(16, 0, REG_B, 4)); /* blt: an interrupt */
    emit_word(&e, asm_csrrs(REG_B, CSR_MEPC, 0));
    emit_word(&e, asm_addi(REG_B, REG_B, 4));
    emit_word(&e, asm_csrrw(0, CSR_MEPC, REG_B));
    emit_word(&e, ASM_MRET);
}

/* ------------------------------------------------------------ the machine */

static void jolt(struct rig *r)
{
    struct fuzz_random f = fuzz_now(r);
    static const uint8_t privs[] = {PRIV_U, PRIV_U, PRIV_S, PRIV_M};
    unsigned priv = privs[fuzz_below(&f, sizeof(privs))];

    fuzz_own_registers(r, &f);
    r->g->x[REG_DATA] = RIG_ALIAS + AT_DATA + 0x2000;
    r->g->satp =
        fuzz_once_in(&f, 4) ? 0 : fuzz_satp(r, (unsigned)fuzz_below(&f, SPACES));
    r->g->fs = 1 + (uint8_t)fuzz_below(&f, 3);
    r->g->mie = 0xaaa;
    r->g->medeleg = r->g->mideleg = 0;
    r->g->menvcfg = ENVCFG_STCE;
    r->g->mcounteren = r->g->scounteren = 7;
    r->g->mstatus |= MSTATUS_MIE | MSTATUS_SUM;
    /* S mode does not execute U's pages: it has none but the identical. */
    rig_enter(r, priv,
              rig_peek64(r, RIG_RAM + AT_LABELS) +
                  (priv == PRIV_U ? RIG_ALIAS : RIG_RAM));
    r->next_jolt = r->cpu->icount + 1000 + fuzz_below(&f, 6000);
}

void fuzz_fill_loops(struct rig *r, struct fuzz_random *f)
{
    struct loops l = {.r = r};

    l.seldom = 1 + fuzz_below(f, 30);
    l.e = emit_at(r, f, AT_CODE, HALF * 4096);
    routines(&l);
    /* If it did not fit, its end jumps back to the beginning. */
    while (l.e.end - l.e.at >= 4)
        emit_word(&l.e, asm_jal(0, (int)AT_CODE - (int)here(&l)));
    memcpy(r->ram->host + AT_CODE + HALF * 4096, r->ram->host + AT_CODE,
           HALF * 4096);
    handler(r, f);
    fuzz_words(r, f);
    for (unsigned i = 0; i < SPACES; i++)
        fuzz_space(r, f, i, true);
    fuzz_put64(r, AT_LABELS,
               l.start < AT_CODE + HALF * 4096 - 128 ? l.start : AT_CODE);
    fuzz_registers(r, f);
    rig_open_pmp(r);
    r->g->mscratch = fuzz_random(f) | 1;
    r->jolt = jolt;
    jolt(r);
}
